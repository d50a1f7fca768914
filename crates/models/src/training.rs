//! Training of network models: bootstraps, held-out transitions, early stopping with each member's best weights.

use worldwright_core::{Call, Error, Interrupt, Result, Rng};
use worldwright_nn::{EnsembleMlp, Feed};

use crate::transition::Examples;

/// Held-out transitions beyond which more would only cost time.
const HOLDOUT_MOST: usize = 1000;
/// A held-out loss counts as better when it falls by this: for Gaussians in twice the nats a target, else in shares of the
/// targets' variance.
const IMPROVEMENT: f64 = 1e-3;

/// How a fit goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) epochs: usize,
    pub(crate) patience: usize,
    pub(crate) holdout: f64,
    pub(crate) batch: usize,
    pub(crate) bootstrap: bool,
}

/// The examples row by row, as networks take them.
pub(crate) struct Tables {
    pub(crate) inputs: usize,
    pub(crate) targets: usize,
    rows: usize,
    /// `[rows][inputs]`.
    x: Vec<f32>,
    /// `[rows][targets]`.
    y: Vec<f32>,
}

impl Tables {
    pub(crate) fn new(examples: &Examples<'_>) -> Self {
        let table = |columns: worldwright_core::Columns<'_>| {
            let mut table = Vec::with_capacity(columns.rows() * columns.dims());
            for row in 0..columns.rows() {
                table.extend((0..columns.dims()).map(|dim| columns.get(row, dim) as f32));
            }
            table
        };
        Self {
            inputs: examples.inputs.dims(),
            targets: examples.targets.dims(),
            rows: examples.inputs.rows(),
            x: table(examples.inputs),
            y: table(examples.targets),
        }
    }

    fn feeds<'a>(&'a self, index: &'a [u32]) -> [Feed<'a>; 2] {
        [Feed::Gather { table: &self.x, index }, Feed::Gather { table: &self.y, index }]
    }
}

/// What a training run came to.
pub(crate) struct Outcome {
    pub(crate) epochs: usize,
    pub(crate) training_loss: f64,
    /// Best held-out loss of each member, or best training loss where nothing is held out.
    losses: Vec<f64>,
    held_out: Vec<u32>,
}

/// Trains `networks`, leaving each member's best weights in them; after an interrupt those that they had.
pub(crate) fn train(
    networks: &mut EnsembleMlp,
    tables: &Tables,
    schedule: &Schedule,
    rng: &mut Rng,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let members = networks.config().members;
    let mut order: Vec<u32> = (0..tables.rows as u32).collect();
    rng.shuffle(&mut order);
    let wanted = (schedule.holdout * tables.rows as f64).round() as usize;
    let held_out = order.split_off(tables.rows - wanted.min(HOLDOUT_MOST).min(tables.rows - 1));
    let n = order.len();
    let mut draws: Vec<Vec<u32>> = (0..members)
        .map(|_| match schedule.bootstrap {
            true => (0..n).map(|_| order[rng.below(n as u64) as usize]).collect(),
            false => order.clone(),
        })
        .collect();
    // The same held-out rows for every member. Without any, members are judged by their training loss of the epoch, which costs nothing.
    let judged_by_all = held_out.repeat(members);

    networks.trainer.reset_optimiser();
    let before = networks.trainer.store.clone();
    let mut losses = vec![f64::INFINITY; members];
    if !held_out.is_empty() {
        networks.evaluate(held_out.len(), &tables.feeds(&judged_by_all), &mut losses)?;
    }
    let mut best = losses.clone();
    let mut best_parameters = networks.trainer.store.clone();
    let batch = schedule.batch.min(n);
    let mut index = vec![0_u32; members * batch];
    let (mut epochs, mut waited, mut training_loss) = (0, 0, f64::NAN);
    while epochs < schedule.epochs && waited < schedule.patience {
        draws.iter_mut().for_each(|draw| rng.shuffle(draw));
        losses.fill(0.0);
        let steps = n.div_ceil(batch) as f64;
        for start in (0..n).step_by(batch) {
            interrupt.count(Call::Gradient, 1);
            if let Err(interrupted) = interrupt.check("training") {
                networks.trainer.store = before;
                return Err(interrupted);
            }
            // The last batch is filled up with the epoch's first rows, so that all steps have one size.
            for (member, draw) in draws.iter().enumerate() {
                for (i, slot) in index[member * batch..(member + 1) * batch].iter_mut().enumerate() {
                    *slot = draw[(start + i) % n];
                }
            }
            networks.step(batch, &tables.feeds(&index))?;
            for (member, loss) in losses.iter_mut().enumerate() {
                *loss += networks.trainer.member_loss(member) / steps;
            }
        }
        training_loss = losses.iter().sum::<f64>() / members as f64;
        epochs += 1;
        if !held_out.is_empty() {
            networks.evaluate(held_out.len(), &tables.feeds(&judged_by_all), &mut losses)?;
        }
        waited += 1;
        for member in 0..members {
            if losses[member] < best[member] - IMPROVEMENT || !best[member].is_finite() {
                waited = 0;
            }
            if losses[member] < best[member] || !best[member].is_finite() {
                best[member] = losses[member];
                best_parameters.copy_member(&networks.trainer.store, member, member)?;
            }
        }
    }
    if !best_parameters.is_finite() || best.iter().any(|loss| !loss.is_finite()) {
        return Err(Error::Diverged {
            who: "training".into(),
            why: format!("held-out losses {best:?}: lower the learning rate, or look for outliers in the data"),
        });
    }
    networks.trainer.store = best_parameters;
    Ok(Outcome { epochs, training_loss, losses: best, held_out })
}

impl Outcome {
    /// The `count` members of least held-out loss, in the order of their numbers.
    pub(crate) fn best_members(&self, count: usize) -> Vec<u32> {
        let mut members: Vec<u32> = (0..self.losses.len() as u32).collect();
        members.sort_by(|a, b| self.losses[*a as usize].total_cmp(&self.losses[*b as usize]));
        members.truncate(count);
        members.sort_unstable();
        members
    }

    /// Mean squared error of the elites' mean prediction on the held-out rows, in normalised units; none without any.
    pub(crate) fn holdout_mse(&self, networks: &EnsembleMlp, tables: &Tables, elites: &[u32]) -> Result<Option<f64>> {
        if self.held_out.is_empty() {
            return Ok(None);
        }
        let predictor = networks.predictor()?;
        let mut scratch = predictor.scratch();
        let (width, height) = (tables.inputs, networks.outputs());
        let rows = self.held_out.len();
        let mut x = Vec::with_capacity(rows * width);
        for row in &self.held_out {
            x.extend_from_slice(&tables.x[*row as usize * width..][..width]);
        }
        let mut out = vec![0.0; rows * height];
        let mut mean = vec![0.0; rows * tables.targets];
        for member in elites {
            predictor.predict_member(*member as usize, &[&x], &mut [&mut out], &mut scratch)?;
            for (mean, out) in mean.chunks_exact_mut(tables.targets).zip(out.chunks_exact(height)) {
                mean.iter_mut().zip(out).for_each(|(mean, out)| *mean += f64::from(*out) / elites.len() as f64);
            }
        }
        let mut sum = 0.0;
        for (row, mean) in self.held_out.iter().zip(mean.chunks_exact(tables.targets)) {
            let truth = &tables.y[*row as usize * tables.targets..][..tables.targets];
            sum += mean.iter().zip(truth).map(|(mean, truth)| (mean - f64::from(*truth)).powi(2)).sum::<f64>();
        }
        Ok(Some(sum / (rows * tables.targets) as f64))
    }
}
