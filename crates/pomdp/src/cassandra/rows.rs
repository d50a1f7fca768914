//! Rows of probabilities, stored by what is not zero and shared where they are equal by construction.
//!
//! `T: * uniform` of n states is one row of n numbers, not n² of them: rows that one statement writes are one row until another
//! statement tells them apart.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// Places with what is not zero, in order.
pub(super) type Entries = Vec<(u32, f64)>;

/// A row and the byte of the statement that wrote it last.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) entries: Rc<Entries>,
    pub(super) at: Option<usize>,
}

/// The rows of all actions and states, `[action][state]`.
#[derive(Debug)]
pub(super) struct Rows {
    states: usize,
    /// Places of a row.
    width: usize,
    rows: Vec<Row>,
    /// Bytes of the entries that were made.
    spent: usize,
    limit: usize,
}

/// A row of these entries would go beyond the limit, in bytes.
#[derive(Debug)]
pub(super) struct TooLarge;

/// What a row costs beside its entries.
const HEAD: usize = 48;

impl Rows {
    /// Rows of which none is written yet, or `None` where even they are more than `limit` bytes.
    pub(super) fn new(actions: usize, states: usize, width: usize, limit: usize) -> Option<Self> {
        let count = actions.checked_mul(states)?;
        if count.checked_mul(size_of::<Row>())? > limit {
            return None;
        }
        let mut rows = Vec::new();
        rows.try_reserve_exact(count).ok()?;
        let empty = Rc::new(Entries::new());
        rows.resize(count, Row { entries: empty, at: None });
        Some(Self { states, width, rows, spent: count * size_of::<Row>(), limit })
    }

    /// The row of an action and a state.
    pub(super) fn row(&self, action: usize, state: usize) -> &Row {
        &self.rows[action * self.states + state]
    }

    fn spend(&mut self, entries: usize) -> Result<(), TooLarge> {
        self.spent = self.spent.saturating_add(entries.saturating_mul(size_of::<(u32, f64)>()) + HEAD);
        if self.spent > self.limit { Err(TooLarge) } else { Ok(()) }
    }

    /// A row that is to be written to several places.
    pub(super) fn made(&mut self, entries: Entries) -> Result<Rc<Entries>, TooLarge> {
        self.spend(entries.len())?;
        Ok(Rc::new(entries))
    }

    /// Every place as likely.
    pub(super) fn uniform(&mut self) -> Result<Rc<Entries>, TooLarge> {
        self.spend(self.width)?;
        let share = 1.0 / self.width as f64;
        Ok(Rc::new((0..self.width as u32).map(|place| (place, share)).collect()))
    }

    /// Writes one row to all these places.
    pub(super) fn assign(&mut self, actions: Range<usize>, states: Range<usize>, entries: &Rc<Entries>, at: usize) {
        for action in actions {
            for row in &mut self.rows[action * self.states + states.start..action * self.states + states.end] {
                *row = Row { entries: entries.clone(), at: Some(at) };
            }
        }
    }

    /// Writes one entry, or all (`None`), of all these rows. Rows that were one stay one.
    pub(super) fn set(
        &mut self,
        (actions, states): (Range<usize>, Range<usize>),
        place: Option<usize>,
        share: f64,
        at: usize,
    ) -> Result<(), TooLarge> {
        let Some(place) = place else {
            let all = if share == 0.0 { 0 } else { self.width as u32 };
            self.spend(all as usize)?;
            let entries = Rc::new((0..all).map(|place| (place, share)).collect());
            self.assign(actions, states, &entries, at);
            return Ok(());
        };
        // What became of each shared row. The old one is kept until the end, so that no new one takes its address.
        let mut changed: HashMap<*const Entries, (Rc<Entries>, Rc<Entries>)> = HashMap::new();
        for action in actions {
            for state in states.clone() {
                let slot = action * self.states + state;
                self.rows[slot].at = Some(at);
                let row = &mut self.rows[slot].entries;
                if let Some(own) = Rc::get_mut(row) {
                    let before = own.len();
                    write(own, place as u32, share);
                    if own.len() > before {
                        self.spent += size_of::<(u32, f64)>();
                    }
                } else if let Some((_, new)) = changed.get(&Rc::as_ptr(row)) {
                    *row = new.clone();
                } else {
                    let old = row.clone();
                    let mut entries = Entries::clone(row);
                    write(&mut entries, place as u32, share);
                    self.spend(entries.len())?;
                    let new = Rc::new(entries);
                    self.rows[slot].entries = new.clone();
                    changed.insert(Rc::as_ptr(&old), (old, new));
                }
            }
        }
        if self.spent > self.limit { Err(TooLarge) } else { Ok(()) }
    }
}

fn write(entries: &mut Entries, place: u32, share: f64) {
    // Files are mostly written in order.
    if share != 0.0 && entries.last().is_none_or(|last| last.0 < place) {
        entries.push((place, share));
        return;
    }
    match entries.binary_search_by_key(&place, |entry| entry.0) {
        Ok(i) if share == 0.0 => _ = entries.remove(i),
        Ok(i) => entries[i].1 = share,
        Err(_) if share == 0.0 => {}
        Err(i) => entries.insert(i, (place, share)),
    }
}
