//! Learned numbers, apart from any graph: named matrices, one a member or one that all members share.
//!
//! A [`Parameter`] is a place in a store's *form*. A [twin](Store::twin) has the same form and numbers of its own, so the same handles serve a
//! network and its target; which of them they mean in a graph is decided by what the graph was last bound to.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use worldwright_core::{Array, Error, Persist, Result, Rng, State};

use crate::{
    buffer::{Buffer, copy_in, copy_out, stride},
    init::Init,
};

/// A matrix of a [`Store`], or of any twin of that store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameter {
    pub(crate) form: u64,
    pub(crate) index: usize,
}

/// Shape and start of one parameter.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// 1 for a shared parameter.
    pub(crate) members: usize,
    pub(crate) init: Init,
    /// Where the first member begins in the values of all parameters.
    pub(crate) offset: usize,
}

impl Entry {
    /// Padded size of one member.
    pub(crate) fn size(&self) -> usize {
        self.rows * stride(self.cols)
    }
}

/// Named matrices. A clone is the same store at another time; a [twin](Self::twin) is another store of the same form.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) id: u64,
    pub(crate) form: u64,
    members: usize,
    pub(crate) entries: Arc<Vec<Entry>>,
    pub(crate) values: Buffer,
}

/// Numbers that no store has had before. They tell stores apart within a process and reach no result.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Store {
    /// An empty store for an ensemble of `members`; 1 for a single network.
    pub fn new(members: usize) -> Self {
        let (id, form) = (fresh(), fresh());
        Self { id, form, members: members.max(1), entries: Arc::default(), values: Buffer::zeros(0) }
    }

    /// How many members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// A matrix `[rows][cols]` that each member learns for itself, drawn from `init`. Vectors have one row. A name that is taken gets a number.
    pub fn parameter(
        &mut self,
        name: impl Into<String>,
        rows: usize,
        cols: usize,
        init: Init,
        rng: &mut Rng,
    ) -> Parameter {
        self.declare(name.into(), [self.members, rows, cols], init, rng)
    }

    /// A matrix that all members share: its gradient is the sum of theirs.
    pub fn shared_parameter(
        &mut self,
        name: impl Into<String>,
        rows: usize,
        cols: usize,
        init: Init,
        rng: &mut Rng,
    ) -> Parameter {
        self.declare(name.into(), [1, rows, cols], init, rng)
    }

    fn declare(&mut self, mut name: String, [members, rows, cols]: [usize; 3], init: Init, rng: &mut Rng) -> Parameter {
        if self.entries.iter().any(|entry| entry.name == name) {
            name = format!("{name}#{}", self.entries.len());
        }
        let offset = self.entries.last().map_or(0, |last| last.offset + last.members * last.size());
        let entry = Entry { name, rows, cols, members, init, offset };
        self.values.grow(offset + members * entry.size());
        Arc::make_mut(&mut self.entries).push(entry);
        let index = self.entries.len() - 1;
        self.draw(index, rng);
        Parameter { form: self.form, index }
    }

    fn draw(&mut self, index: usize, rng: &mut Rng) {
        let entry = &self.entries[index];
        let mut plain = vec![0.0; entry.rows * entry.cols];
        for member in 0..entry.members {
            entry.init.fill(&mut plain, rng);
            if entry.cols > 0 {
                let start = entry.offset + member * entry.size();
                copy_in(&mut self.values[start..start + entry.size()], &plain, entry.cols);
            }
        }
    }

    /// Another store of the same form that begins with the same numbers: a target that follows, or a copy to hold on to.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self { id: fresh(), ..self.clone() }
    }

    /// `self ← (1 − rate) self + rate leader`: an exponential moving average of the leader over calls.
    ///
    /// # Errors
    /// [`Error::Shape`] when `leader` is no twin.
    pub fn follow(&mut self, leader: &Self, rate: f32) -> Result<()> {
        self.expect_twin(leader)?;
        for (own, theirs) in self.values.iter_mut().zip(leader.values.iter()) {
            *own += rate * (*theirs - *own);
        }
        Ok(())
    }

    fn expect_twin(&self, other: &Self) -> Result<()> {
        if self.form == other.form && self.values.len() == other.values.len() {
            Ok(())
        } else {
            Err(Error::shape("a twin of the store", &[self.count()], &[other.count()]))
        }
    }

    pub(crate) fn entry(&self, parameter: Parameter) -> Result<&Entry> {
        entry_of(&self.entries, self.form, parameter)
    }

    /// All names and handles, in the order of their declaration.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Parameter)> {
        let form = self.form;
        self.entries.iter().enumerate().map(move |(index, entry)| (entry.name.as_str(), Parameter { form, index }))
    }

    /// `[members, rows, cols]`; one member for a shared parameter.
    ///
    /// # Errors
    /// [`Error::Unknown`] for the handle of another form (likewise below).
    pub fn shape(&self, parameter: Parameter) -> Result<[usize; 3]> {
        let entry = self.entry(parameter)?;
        Ok([entry.members, entry.rows, entry.cols])
    }

    /// The values as `[members][rows][cols]`.
    ///
    /// # Errors
    /// As for [`shape`](Self::shape).
    pub fn get(&self, parameter: Parameter) -> Result<Vec<f32>> {
        Ok(read_out(self.entry(parameter)?, &self.values))
    }

    /// Sets the values from `[members][rows][cols]`.
    ///
    /// # Errors
    /// As for [`shape`](Self::shape), and [`Error::Shape`] for another number of values.
    pub fn set(&mut self, parameter: Parameter, from: &[f32]) -> Result<()> {
        let entry = entry_of(&self.entries, self.form, parameter)?;
        if from.len() != entry.members * entry.rows * entry.cols {
            return Err(Error::shape(entry.name.clone(), &[entry.members, entry.rows, entry.cols], &[from.len()]));
        }
        if entry.cols > 0 {
            copy_in(&mut self.values[entry.offset..entry.offset + entry.members * entry.size()], from, entry.cols);
        }
        Ok(())
    }

    /// Copies one member's values over another's, as for keeping the best of a run. Shared parameters are copied when the member stays the same.
    ///
    /// # Errors
    /// [`Error::Shape`] when `from` is neither this store at another time nor a twin.
    pub fn copy_member(&mut self, from: &Self, from_member: usize, to_member: usize) -> Result<()> {
        self.expect_twin(from)?;
        for entry in self.entries.iter() {
            if entry.members > 1 || from_member == to_member {
                let source = entry.offset + from_member.min(entry.members - 1) * entry.size();
                let target = entry.offset + to_member.min(entry.members - 1) * entry.size();
                let size = entry.size();
                self.values[target..target + size].copy_from_slice(&from.values[source..source + size]);
            }
        }
        Ok(())
    }

    /// Draws all values afresh, in the order of their declaration.
    pub fn reinitialise(&mut self, rng: &mut Rng) {
        (0..self.entries.len()).for_each(|index| self.draw(index, rng));
    }

    /// Whether every value is finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// How many numbers are learned.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.members * entry.rows * entry.cols).sum()
    }

    /// One member's padded rows; of a shared parameter the same for all.
    pub(crate) fn padded(&self, index: usize, member: usize) -> &[f32] {
        let entry = &self.entries[index];
        let start = entry.offset + if entry.members == 1 { 0 } else { member * entry.size() };
        &self.values[start..start + entry.size()]
    }
}

pub(crate) fn entry_of(entries: &[Entry], form: u64, parameter: Parameter) -> Result<&Entry> {
    match entries.get(parameter.index) {
        Some(entry) if form == parameter.form => Ok(entry),
        _ => Err(foreign(parameter)),
    }
}

/// The error for a handle whose store is not at hand.
pub(crate) fn foreign(parameter: Parameter) -> Error {
    Error::Unknown {
        what: "parameter: it belongs to a store that is not bound here,".into(),
        name: format!("number {} of form {}", parameter.index, parameter.form),
        nearest: None,
        known: Vec::new(),
    }
}

/// The plain numbers of one entry out of a buffer laid out as [`Store::values`].
pub(crate) fn read_out(entry: &Entry, values: &[f32]) -> Vec<f32> {
    let mut plain = vec![0.0; entry.members * entry.rows * entry.cols];
    if entry.cols > 0 {
        copy_out(&mut plain, &values[entry.offset..entry.offset + entry.members * entry.size()], entry.cols);
    }
    plain
}

/// Saves buffers laid out as the entries say.
pub(crate) fn save_buffer<'a>(entries: impl Iterator<Item = &'a Entry>, values: &[f32]) -> State {
    let mut state = State::new();
    for entry in entries {
        let shape = vec![entry.members, entry.rows, entry.cols];
        state.put(entry.name.clone(), Array::F32(shape, read_out(entry, values)));
    }
    state
}

/// Restores such a buffer; nothing is changed when something is missing.
pub(crate) fn restore_buffer<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    values: &mut [f32],
    state: &State,
) -> Result<()> {
    for entry in entries.clone() {
        state.f32s(&entry.name, entry.members * entry.rows * entry.cols)?;
    }
    for entry in entries {
        let plain = state.f32s(&entry.name, entry.members * entry.rows * entry.cols)?;
        if entry.cols > 0 {
            copy_in(&mut values[entry.offset..entry.offset + entry.members * entry.size()], plain, entry.cols);
        }
    }
    Ok(())
}

impl Persist for Store {
    fn save(&self) -> State {
        save_buffer(self.entries.iter(), &self.values)
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        restore_buffer(self.entries.iter(), &mut self.values, state)
    }
}
