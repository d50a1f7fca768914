//! Saving a value, and the table behind it while it is unfinished.

use worldwright_core::{Array, Error, Result, State};

use super::axes::{Cell, MOST_DIMS};
use super::table::{Outcome, Worst};
use super::value::{GridValue, Progress};

impl GridValue {
    /// The values; with the table as far as it was explored where it is still needed.
    pub(super) fn save(&self, table: bool) -> State {
        let mut state = State::new();
        state.put("values", Array::F64(vec![self.values.len()], self.values.clone()));
        let Progress { explored, sweeps, diverged, worst } = self.progress;
        state.put("progress", Array::U64(vec![explored as u64, sweeps as u64, diverged]));
        state.put("worst", Array::F64(vec![2], vec![worst.reward, worst.continuation]));
        if table {
            let count = explored * self.each();
            let entries = (0..count).map(|entry| self.table.get(entry));
            let numbers = entries.clone().flat_map(|entry| {
                let [a, b, c, d] = entry.cell.fraction;
                [a, b, c, d, entry.reward, entry.continuation]
            });
            state.put("cells", Array::U64(entries.map(|entry| u64::from(entry.cell.base)).collect()));
            state.put("entries", Array::F32(vec![count, MOST_DIMS + 2], numbers.collect()));
        }
        state
    }

    /// Takes on what was saved; `table` says whether the table was saved with it.
    pub(super) fn restore(&mut self, state: &State, table: bool) -> Result<()> {
        let values = state.f64s("values", self.values.len())?;
        let progress = state.u64s("progress", 3)?;
        let worst = state.f64s("worst", 2)?;
        let points = self.grid.points();
        let damaged = |why: &str| Error::external("saved state", format!("{why}: it is damaged"));
        let explored = usize::try_from(progress[0]).unwrap_or(usize::MAX);
        if explored > points {
            return Err(damaged("more points were explored than there are"));
        }
        if table {
            let count = explored * self.each();
            let cells = state.u64s("cells", count)?;
            let entries = state.f32s("entries", count * (MOST_DIMS + 2))?;
            let farthest: usize = self.grid.strides().iter().sum();
            if cells.iter().any(|cell| *cell as usize >= points.saturating_sub(farthest)) {
                return Err(damaged("a cell lies outside the grid"));
            }
            for (entry, (base, numbers)) in cells.iter().zip(entries.chunks_exact(MOST_DIMS + 2)).enumerate() {
                let fraction = std::array::from_fn(|dim| numbers[dim]);
                let cell = Cell { base: *base as u32, fraction };
                let outcome = Outcome { cell, reward: numbers[MOST_DIMS], continuation: numbers[MOST_DIMS + 1] };
                self.table.set(entry, outcome);
            }
        }
        self.values.copy_from_slice(values);
        let worst = Worst { reward: worst[0], continuation: worst[1] };
        self.progress = Progress { explored, sweeps: progress[1] as usize, diverged: progress[2], worst };
        Ok(())
    }

    /// Table entries of a point.
    fn each(&self) -> usize {
        self.actions.count() * self.samples * self.members
    }
}
