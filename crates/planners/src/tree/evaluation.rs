//! What a new leaf is worth: the model's value, or the return of a random rollout through the model, for a batch of rows.
//!
//! With several lanes (members) a row's value is their mean. A rollout draws uniformly among the applicable actions and ends with the
//! lanes, or after `rollout_steps`, where nothing more is counted.

use worldwright_core::{Actions, Applicable, Imagination, Imagined, Key, Priors, Result, Rows, Values};

/// Evaluates leaves.
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) rollout_steps: usize,
    /// By rollouts even where the model has values.
    pub(super) always_roll_out: bool,
    pub(super) priors_wanted: bool,
    actions: usize,
    /// First of the rows that rollouts may use.
    pub(super) scratch: usize,
    values: Values,
    priors: Priors,
    pub(super) applicable: Applicable,
    rolled: Rolled,
}

/// What rollouts need.
#[derive(Debug, Default)]
struct Rolled {
    imagined: Imagined,
    applicable: Applicable,
    rows: Vec<u32>,
    choices: Vec<u32>,
    generators: Vec<u64>,
    /// `[M][n]`
    weights: Vec<f64>,
    returns: Vec<f64>,
    members: usize,
}

/// Evaluations of a batch of rows.
pub(super) struct Evaluated<'a> {
    pub(super) values: &'a [f64],
    pub(super) applicable: &'a Applicable,
    /// `[rows][actions]`, empty where not wanted.
    pub(super) logits: &'a [f64],
}

impl Evaluation {
    /// Room for `capacity` rows of a model with `members` lanes.
    pub(super) fn new(actions: usize, capacity: usize, members: usize, priors_wanted: bool) -> Self {
        let logits = if priors_wanted { capacity * actions } else { 0 };
        Self {
            rollout_steps: 0,
            always_roll_out: false,
            priors_wanted,
            actions,
            scratch: 0,
            values: Values { value: Vec::with_capacity(capacity * members) },
            priors: Priors { mean: Vec::with_capacity(logits), std: Vec::new() },
            applicable: Applicable::new(actions, capacity),
            rolled: Rolled {
                applicable: Applicable::new(actions, capacity),
                rows: Vec::with_capacity(capacity),
                choices: vec![0; capacity],
                generators: vec![0; capacity],
                weights: vec![0.0; capacity * members],
                returns: vec![0.0; capacity * members],
                ..Rolled::default()
            },
        }
    }

    /// Sizes the arrays for the model; allocates only when it has other lanes than the one before.
    pub(super) fn prepare(&mut self, world: &dyn Imagination) {
        let (spec, capacity) = (world.spec(), self.rolled.choices.len());
        if self.rolled.members == spec.members && self.rolled.imagined.members() == spec.members {
            return;
        }
        self.rolled.members = spec.members;
        self.rolled.imagined = Imagined::new(spec, capacity);
        self.rolled.weights.resize(capacity * spec.members, 0.0);
        self.rolled.returns.resize(capacity * spec.members, 0.0);
    }

    /// Whether leaves are rolled out in this model.
    pub(super) fn rolls_out(&self, world: &dyn Imagination) -> bool {
        self.always_roll_out || !world.spec().capabilities.value
    }

    /// Model steps that the evaluation of one row costs at most.
    pub(super) fn cost(&self, world: &dyn Imagination) -> u64 {
        if self.rolls_out(world) { (self.rollout_steps * world.spec().members) as u64 } else { 0 }
    }

    /// Evaluates rows; returns what there is and the model steps taken.
    pub(super) fn run(&mut self, world: &mut dyn Imagination, rows: &[u32], key: Key) -> Result<(Evaluated<'_>, u64)> {
        let n = rows.len();
        self.applicable.begin(n);
        world.applicable(Rows::List(rows), &mut self.applicable)?;
        let members = world.spec().members;
        let mut steps = 0;
        if self.rolls_out(world) {
            steps = self.roll_out(world, rows, key)?;
        } else {
            self.values.value.resize(members * n, 0.0);
            world.value(Rows::List(rows), &mut self.values)?;
        }
        // The mean over the lanes, in the place of lane 0.
        if members > 1 {
            for i in 0..n {
                let sum: f64 = (0..members).map(|member| self.values.value[member * n + i]).sum();
                self.values.value[i] = sum / members as f64;
            }
        }
        if self.priors_wanted {
            self.priors.mean.clear();
            self.priors.mean.resize(n * self.actions, 0.0);
            if world.spec().capabilities.prior {
                world.prior(Rows::List(rows), &mut self.priors)?;
            }
        }
        let evaluated =
            Evaluated { values: &self.values.value[..n], applicable: &self.applicable, logits: &self.priors.mean };
        Ok((evaluated, steps))
    }

    fn roll_out(&mut self, world: &mut dyn Imagination, rows: &[u32], key: Key) -> Result<u64> {
        let (n, members) = (rows.len(), world.spec().members);
        let rolled = &mut self.rolled;
        let (weights, returns) = (&mut rolled.weights[..n * members], &mut rolled.returns[..n * members]);
        weights.fill(1.0);
        returns.fill(0.0);
        for (i, generator) in rolled.generators[..n].iter_mut().enumerate() {
            *generator = key.fold(i as u64).to_seed() | 1;
        }
        rolled.rows.clear();
        rolled.rows.extend((0..n).map(|i| (self.scratch + i) as u32));
        let mut steps = 0;
        for t in 0..self.rollout_steps {
            let from = if t == 0 { rows } else { &rolled.rows };
            if t == 0 {
                rolled.applicable.begin(n);
                rolled.applicable.bits.copy_from_slice(&self.applicable.bits);
            } else {
                rolled.applicable.begin(n);
                world.applicable(Rows::List(from), &mut rolled.applicable)?;
            }
            for i in 0..n {
                rolled.choices[i] = random_choice(rolled.applicable.row(i), &mut rolled.generators[i]);
            }
            rolled.imagined.begin(n);
            let actions = Actions::Discrete(&rolled.choices[..n]);
            let step_key = key.fold(u64::MAX).fold(t as u64);
            world.step(Rows::List(from), actions, Rows::List(&rolled.rows), step_key, &mut rolled.imagined)?;
            steps += (n * members) as u64;
            let mut going = false;
            let paid = rolled.imagined.reward.iter().zip(&rolled.imagined.continuation);
            for ((sum, weight), (reward, continuation)) in returns.iter_mut().zip(weights.iter_mut()).zip(paid) {
                if *weight != 0.0 {
                    *sum += *weight * reward;
                    *weight *= continuation;
                    going |= *weight != 0.0;
                }
            }
            if !going {
                break;
            }
        }
        self.values.value.clear();
        self.values.value.extend_from_slice(returns);
        Ok(steps)
    }
}

/// A uniformly random set bit; 0 where none is set.
#[inline]
fn random_choice(bits: &[u64], generator: &mut u64) -> u32 {
    *generator ^= *generator << 13;
    *generator ^= *generator >> 7;
    *generator ^= *generator << 17;
    let count: u32 = bits.iter().map(|word| word.count_ones()).sum();
    let mut skip = (((*generator >> 32) * u64::from(count)) >> 32) as u32;
    for (at, word) in bits.iter().enumerate() {
        let ones = word.count_ones();
        if skip < ones {
            let mut word = *word;
            (0..skip).for_each(|_| word &= word - 1);
            return at as u32 * 64 + word.trailing_zeros();
        }
        skip -= ones;
    }
    0
}
