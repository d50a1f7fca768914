//! The value on a grid: asking the model once, and sweeping.

use worldwright_core::{Error, Imagination, Key, ModelSpec, Result, Space};

use super::actions::ActionSet;
use super::axes::Grid;
use super::chart::Chart;
use super::explorer::Explorer;
use super::table::{Table, Worst};
use worldwright_numerics::Change;

/// Table entries below which a further thread costs more than it saves.
const ENTRIES_PER_THREAD: usize = 50_000;

/// The value function of a model on a grid. Sweeps of [`sweep`](Self::sweep) are synchronous: after N of them the value is that of N
/// steps to go. [`settle`](Self::settle) sweeps in place to the value without a horizon.
pub struct GridValue {
    pub(super) grid: Grid,
    pub(super) chart: Chart,
    pub(super) actions: ActionSet,
    pub(super) table: Box<dyn Table>,
    /// `[points]`
    pub(super) values: Vec<f64>,
    /// `[points]`, of the sweep under way.
    pub(super) next: Vec<f64>,
    pub(super) progress: Progress,
    pub(super) explorer: Explorer,
    /// `[actions]`, of a lookahead.
    pub(super) worths: Vec<f64>,
    pub(super) samples: usize,
    pub(super) members: usize,
    pub(super) threads: usize,
    pub(super) discount: f64,
    pub(super) epistemic_penalty: f64,
    pub(super) key: Key,
}

/// How far a value has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Points about which the model was asked.
    pub(super) explored: usize,
    /// Synchronous sweeps made.
    pub(super) sweeps: usize,
    /// Steps that diverged.
    pub(super) diverged: u64,
    /// The worst that the model has said.
    pub(super) worst: Worst,
}

impl Progress {
    pub(super) const NONE: Self =
        Self { explored: 0, sweeps: 0, diverged: 0, worst: Worst { reward: f64::INFINITY, continuation: 0.0 } };
}

/// What [`GridValue::settle`] did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settled {
    /// Sweeps made.
    pub sweeps: usize,
    /// The largest change of the last one.
    pub change: f64,
    /// Whether it is within the tolerance.
    pub converged: bool,
}

impl GridValue {
    /// Whether it can be computed with a model of this spec.
    ///
    /// # Errors
    /// [`Error::Unsupported`] that names what is missing.
    pub fn check(&self, spec: &ModelSpec) -> Result<()> {
        let width = self.chart.width();
        match &spec.observation_space {
            Space::Box { .. } if spec.observation_space.flat_dim() == width => {}
            other => {
                return Err(Error::unsupported(
                    "grid",
                    format!(
                        "observations of {} numbers ({other}): its axes and angles stand for a box of {width}; set one bound \
                         `low` and `high` for each coordinate, or use a sampling planner such as icem",
                        other.flat_dim()
                    ),
                ));
            }
        }
        if spec.members != self.members {
            return Err(Error::unsupported(
                "grid",
                format!(
                    "a model of {} lanes: it was built for {}; use one built for this model",
                    spec.members, self.members
                ),
            ));
        }
        if spec.constraints > 0 {
            return Err(Error::unsupported("grid", "constraints: use a sampling planner such as cem or icem"));
        }
        Ok(())
    }

    /// Rows that the model's arena must have.
    pub fn rows(&self) -> usize {
        self.explorer.rows() + 2
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Value at each point.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Synchronous sweeps made.
    pub fn sweeps(&self) -> usize {
        self.progress.sweeps
    }

    /// Steps of the model that diverged while exploring.
    pub fn diverged(&self) -> u64 {
        self.progress.diverged
    }

    /// Outcomes that a sweep goes through: points × actions × draws.
    pub fn entries(&self) -> usize {
        self.table.len()
    }

    /// The interpolated value of grid coordinates; NaN where they are not finite.
    pub fn at(&self, coordinates: &[f64]) -> f64 {
        self.grid.locate(coordinates).map_or(f64::NAN, |cell| self.table.interpolate(&self.values, &cell))
    }

    /// Model steps that exploring a point takes.
    pub(super) fn steps_a_point(&self) -> u64 {
        (self.actions.count() * self.samples * self.members) as u64
    }

    /// Asks the model about every point.
    ///
    /// # Errors
    /// As [`check`](Self::check), and what the model gives; [`Error::Diverged`] when every step diverges.
    pub fn explore(&mut self, world: &mut dyn Imagination) -> Result<()> {
        self.check(world.spec())?;
        if world.rows() < self.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows()], &[world.rows()]));
        }
        self.restart();
        while self.progress.explored < self.grid.points() {
            self.explore_some(world, usize::MAX)?;
        }
        if self.progress.worst.reward == f64::INFINITY {
            return Err(Error::Diverged { who: "grid".into(), why: "every step of the model is undefined".to_owned() });
        }
        Ok(())
    }

    /// Forgets what the model said, and the values.
    pub(super) fn restart(&mut self) {
        self.progress = Progress::NONE;
        self.values.fill(0.0);
    }

    /// Sets all values, for example to what the end of a horizon is worth.
    pub fn set_values(&mut self, mut value: impl FnMut(&[f64]) -> f64) {
        let mut coordinates = vec![0.0; self.grid.axes().len()];
        for point in 0..self.values.len() {
            self.grid.coordinates(point, &mut coordinates);
            self.values[point] = value(&coordinates);
        }
        self.progress.sweeps = 0;
    }

    /// One synchronous sweep: one step more to go. Returns the largest change.
    pub fn sweep(&mut self) -> f64 {
        let (table, values, worst) = (&*self.table, &self.values[..], self.progress.worst);
        let threads = self.threads.min(table.len() / ENTRIES_PER_THREAD).max(1);
        let change = if threads == 1 {
            table.backup(0, values, &mut self.next, worst)
        } else {
            let length = values.len().div_ceil(threads);
            std::thread::scope(|scope| {
                let parts = self.next.chunks_mut(length).enumerate();
                let workers: Vec<_> = parts
                    .map(|(part, next)| scope.spawn(move || table.backup(part * length, values, next, worst)))
                    .collect();
                let mut change = Change::NONE;
                for worker in workers {
                    change.join(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
                }
                change
            })
        };
        std::mem::swap(&mut self.values, &mut self.next);
        self.progress.sweeps += 1;
        change.largest()
    }

    /// Sweeps in place, forwards and backwards in turn, until no value changes by more than `tolerance` or after `most` sweeps.
    pub fn settle(&mut self, tolerance: f64, most: usize) -> Settled {
        let mut settled = Settled { sweeps: 0, change: f64::INFINITY, converged: false };
        while settled.sweeps < most && !settled.converged {
            let backwards = settled.sweeps % 2 == 1;
            settled.change = self.table.backup_in_place(&mut self.values, backwards, self.progress.worst).largest();
            settled.sweeps += 1;
            settled.converged = settled.change <= tolerance;
        }
        settled
    }
}
