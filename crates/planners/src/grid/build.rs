//! What a grid is built from.

use worldwright_core::{Error, Key, Result, Space, cost};

use super::actions::ActionSet;
use super::axes::{Axis, Grid};
use super::chart::Chart;
use super::explorer::Explorer;
use super::stencil::Interpolation;
use super::table;
use super::value::{GridValue, Progress};

/// Rows of the arena that exploring fills at a time, where there are fewer actions.
const BATCH: usize = 512;
/// The most entries of a table.
const MOST_ENTRIES: usize = u32::MAX as usize;

/// What a [`GridValue`] is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct GridConfig {
    /// One axis a coordinate, at most four.
    pub axes: Vec<Axis>,
    /// Places in the flat observation where a cosine is followed by its sine: the two are one coordinate, an angle from −π to π, whose
    /// axis takes only the number of points from `axes`.
    pub angles: Vec<usize>,
    /// How values between the points come about.
    pub interpolation: Interpolation,
    /// Numbers tried in each dimension of a continuous action: one count for all or one each.
    pub action_points: Vec<usize>,
    /// Draws of each (point, action), for models with chance.
    pub samples: usize,
    /// Discount a step on top of the model's own continuation.
    pub discount: f64,
    /// Reward taken off per unit of the model's epistemic spread.
    pub epistemic_penalty: f64,
    /// Threads of a sweep over a large grid; the answer does not depend on it.
    pub threads: usize,
    /// Seed of the model's chance.
    pub seed: u64,
}

impl GridConfig {
    /// These axes, 21 numbers an action dimension, one draw, nothing discounted.
    pub fn new(axes: Vec<Axis>) -> Self {
        Self {
            axes,
            angles: Vec::new(),
            interpolation: Interpolation::Multilinear,
            action_points: vec![21],
            samples: 1,
            discount: 1.0,
            epistemic_penalty: 0.0,
            threads: 1,
            seed: 0,
        }
    }
}

impl GridValue {
    /// Allocates everything for models with this action space and number of lanes; all values are zero.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for more than four dimensions or an action space that cannot be divided, [`Error::Config`] for
    /// settings out of range or a table too large.
    pub fn new(config: &GridConfig, action_space: &Space, members: usize) -> Result<Self> {
        let chart = Chart::new(config.axes.len(), &config.angles)?;
        let axes = config.axes.iter().enumerate().map(|(dim, axis)| chart.axis(dim, *axis)).collect();
        let grid = Grid::new(axes)?;
        if !(0.0..=1.0).contains(&config.discount) {
            return Err(Error::config("discount", format!("must lie in [0, 1], got {}", config.discount)));
        }
        let mut actions = ActionSet::new(action_space, &config.action_points)?;
        let (samples, members) = (config.samples.max(1), members.max(1));
        let draws = samples.saturating_mul(members);
        let points = grid.points();
        let entries = points.saturating_mul(actions.count()).saturating_mul(draws);
        if entries > MOST_ENTRIES {
            let why = format!(
                "{points} points of {} actions and {draws} draws are {entries} table entries, more than {MOST_ENTRIES}",
                actions.count()
            );
            return Err(Error::config("points", why));
        }
        // An entry is where it leads, by each corner, and what it pays.
        let bytes = entries as f64 * 24.0 + points as f64 * 16.0;
        cost::memory(&[("points", points), ("action_points", actions.count()), ("samples", draws)], bytes)?;
        let together = (BATCH / actions.count()).max(1);
        // A single action is tried twice in a lookahead, so that one row that diverges is not all there is.
        let rows = (together * actions.count()).max(2);
        actions.reserve(rows);
        Ok(Self {
            table: table::make(&grid, config.interpolation, actions.count(), draws),
            values: vec![0.0; points],
            next: vec![0.0; points],
            explorer: Explorer::new(&chart, rows, together),
            worths: vec![0.0; rows],
            progress: Progress::NONE,
            threads: config.threads.max(1),
            discount: config.discount,
            epistemic_penalty: config.epistemic_penalty,
            key: Key::new(config.seed),
            grid,
            chart,
            actions,
            samples,
            members,
        })
    }
}
