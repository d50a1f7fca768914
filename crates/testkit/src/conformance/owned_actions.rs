//! Batches of actions to step models by.

use worldwright_core::{Actions, Batch, Rng, Space};

/// A batch of actions that owns its numbers.
pub(super) enum Owned {
    Continuous(Batch),
    Discrete(Vec<u32>),
}

impl Owned {
    pub(super) fn sample(space: &Space, rows: usize, rng: &mut Rng) -> Self {
        match space {
            Space::Box { low, .. } => {
                let mut batch = Batch::zeros(low.len(), rows);
                for row in 0..rows {
                    if let Some(numbers) = space.sample(rng).floats() {
                        batch.columns_mut().set_row(row, numbers);
                    }
                }
                Self::Continuous(batch)
            }
            Space::Discrete { n, .. } => Self::Discrete((0..rows).map(|_| rng.below(*n as u64) as u32).collect()),
            other => panic!("world models take boxes or choices, not {other:?}"),
        }
    }

    pub(super) fn view(&self) -> Actions<'_> {
        match self {
            Self::Continuous(batch) => Actions::Continuous(batch.columns()),
            Self::Discrete(choices) => Actions::Discrete(choices),
        }
    }

    /// Only row `i`.
    pub(super) fn only(&self, i: usize) -> Self {
        match self {
            Self::Continuous(batch) => {
                let mut one = Batch::zeros(batch.dims(), 1);
                for dim in 0..batch.dims() {
                    one.columns_mut().set(0, dim, batch.columns().get(i, dim));
                }
                Self::Continuous(one)
            }
            Self::Discrete(choices) => Self::Discrete(vec![choices[i]]),
        }
    }

    /// Another action in row `i`: NaN where `broken` and possible.
    pub(super) fn with_changed(&self, i: usize, space: &Space, broken: bool, rng: &mut Rng) -> Self {
        match self {
            Self::Continuous(batch) => {
                let mut batch = batch.clone();
                let other = space.sample(rng);
                let numbers = other.floats().expect("boxes sample numbers");
                for (dim, number) in numbers.iter().enumerate() {
                    batch.columns_mut().set(i, dim, if broken { f64::NAN } else { *number });
                }
                Self::Continuous(batch)
            }
            Self::Discrete(choices) => {
                let mut choices = choices.clone();
                choices[i] = if choices[i] == 0 { (space.flat_dim() as u32).saturating_sub(1) } else { 0 };
                Self::Discrete(choices)
            }
        }
    }
}
