//! The learned numbers of a tape: named matrices, one a member or one that all members share.

use worldwright_core::{Array, Error, Persist, Result, Rng, State};

use crate::{
    buffer::{Buffer, copy_in, copy_out, stride},
    init::Init,
};

/// A parameter of a [`Tape`](crate::Tape).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter(pub(crate) usize);

/// Shape, start and penalty of one parameter.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// 1 for a shared parameter.
    pub(crate) members: usize,
    pub(crate) init: Init,
    /// The loss gains `sum_penalty · Σ p` …
    pub(crate) sum_penalty: f32,
    /// … and `square_penalty · Σ p²`.
    pub(crate) square_penalty: f32,
    /// Where the first member begins in the values of all parameters.
    pub(crate) offset: usize,
    /// Where it begins in the values of one member.
    pub(crate) local: usize,
}

impl Entry {
    /// Padded size of one member.
    pub(crate) fn size(&self) -> usize {
        self.rows * stride(self.cols)
    }
}

/// Values of all parameters of a tape.
#[derive(Debug, Clone)]
pub struct Parameters {
    pub(crate) entries: Vec<Entry>,
    pub(crate) values: Buffer,
}

impl Parameters {
    pub(crate) fn new(entries: Vec<Entry>, rng: &mut Rng) -> Self {
        let total = entries.last().map_or(0, |entry| entry.offset + entry.members * entry.size());
        let mut parameters = Self { entries, values: Buffer::zeros(total) };
        for index in 0..parameters.entries.len() {
            let entry = parameters.entries[index].clone();
            let mut plain = vec![0.0; entry.rows * entry.cols];
            for member in 0..entry.members {
                entry.init.fill(&mut plain, rng);
                copy_in(parameters.padded_mut(Parameter(index), member), &plain, entry.cols);
            }
        }
        parameters
    }

    /// `[members, rows, cols]`; one member for a shared parameter.
    pub fn shape(&self, parameter: Parameter) -> [usize; 3] {
        let entry = &self.entries[parameter.0];
        [entry.members, entry.rows, entry.cols]
    }

    /// The values as `[members][rows][cols]`.
    pub fn get(&self, parameter: Parameter) -> Vec<f32> {
        let entry = &self.entries[parameter.0];
        read_out(entry, &self.values)
    }

    /// Sets the values from `[members][rows][cols]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of values.
    pub fn set(&mut self, parameter: Parameter, from: &[f32]) -> Result<()> {
        let entry = &self.entries[parameter.0];
        let each = entry.rows * entry.cols;
        if from.len() != entry.members * each {
            return Err(Error::shape(entry.name.clone(), &[entry.members, entry.rows, entry.cols], &[from.len()]));
        }
        let cols = entry.cols;
        for (member, plain) in from.chunks_exact(each.max(1)).enumerate() {
            copy_in(self.padded_mut(parameter, member), plain, cols);
        }
        Ok(())
    }

    /// Copies one member's values over another's, as for keeping the best of a run. Shared parameters are copied when the member stays the same.
    pub fn copy_member(&mut self, from: &Self, from_member: usize, to_member: usize) {
        for index in 0..self.entries.len() {
            if self.entries[index].members > 1 || from_member == to_member {
                let entry = &self.entries[index];
                let source = entry.offset + from_member.min(entry.members - 1) * entry.size();
                let target = entry.offset + to_member.min(entry.members - 1) * entry.size();
                let size = entry.size();
                self.values[target..target + size].copy_from_slice(&from.values[source..source + size]);
            }
        }
    }

    /// Draws all values afresh.
    pub fn reinitialise(&mut self, rng: &mut Rng) {
        *self = Self::new(std::mem::take(&mut self.entries), rng);
    }

    /// Whether every value is finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// How many numbers are learned.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.members * entry.rows * entry.cols).sum()
    }

    pub(crate) fn padded(&self, parameter: Parameter, member: usize) -> &[f32] {
        let entry = &self.entries[parameter.0];
        let start = entry.offset + if entry.members == 1 { 0 } else { member * entry.size() };
        &self.values[start..start + entry.size()]
    }

    fn padded_mut(&mut self, parameter: Parameter, member: usize) -> &mut [f32] {
        let entry = &self.entries[parameter.0];
        let start = entry.offset + if entry.members == 1 { 0 } else { member * entry.size() };
        let end = start + entry.size();
        &mut self.values[start..end]
    }
}

/// The plain numbers of one entry out of a buffer laid out as [`Parameters::values`].
pub(crate) fn read_out(entry: &Entry, values: &[f32]) -> Vec<f32> {
    let mut plain = vec![0.0; entry.members * entry.rows * entry.cols];
    if entry.cols > 0 {
        copy_out(&mut plain, &values[entry.offset..entry.offset + entry.members * entry.size()], entry.cols);
    }
    plain
}

/// Saves buffers laid out as the entries say.
pub(crate) fn save_buffer(entries: &[Entry], values: &[f32]) -> State {
    let mut state = State::new();
    for entry in entries {
        let shape = vec![entry.members, entry.rows, entry.cols];
        state.put(entry.name.clone(), Array::F32(shape, read_out(entry, values)));
    }
    state
}

/// Restores such a buffer; nothing is changed when something is missing.
pub(crate) fn restore_buffer(entries: &[Entry], values: &mut [f32], state: &State) -> Result<()> {
    for entry in entries {
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

impl Persist for Parameters {
    fn save(&self) -> State {
        save_buffer(&self.entries, &self.values)
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        restore_buffer(&self.entries, &mut self.values, state)
    }
}
