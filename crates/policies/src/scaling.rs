//! What networks see of observations: numbers of about unit size, whatever the world's units.
//!
//! Mean and deviation are taken from a sample of what was experienced, and again whenever that has doubled, so that they settle: a network that learns
//! meanwhile meets a few small shifts, each smaller than the last.

use worldwright_core::{Array, Columns, Experience, Result, Rng, Sample, State, Want};
use worldwright_nn::{Mlp, Store};

/// Transitions that the moments are taken from at most, and numbers that these hold.
const SAMPLE: (usize, usize) = (2048, 1 << 20);
/// Deviations below this share of the mean's size are rounding.
const LEAST: f64 = 1e-6;

/// Mean and deviation of each number of an observation, and the size of rewards.
pub(crate) struct Scaling {
    mean: Vec<f64>,
    std: Vec<f64>,
    /// Root mean square of the rewards, 1 where all are zero.
    reward: f64,
    /// Transitions that had been taken in when the moments were taken; 0 before.
    taken: u64,
}

impl Scaling {
    /// Changes nothing.
    pub(crate) fn identity(inputs: usize) -> Self {
        Self { mean: vec![0.0; inputs], std: vec![1.0; inputs], reward: 1.0, taken: 0 }
    }

    /// Numbers of an observation.
    pub(crate) fn inputs(&self) -> usize {
        self.mean.len()
    }

    /// Number `d` as a network sees it.
    #[inline]
    pub(crate) fn of(&self, d: usize, number: f64) -> f32 {
        ((number - self.mean[d]) / self.std[d]) as f32
    }

    /// Writes inputs as a network sees them, a row each.
    pub(crate) fn rows(&self, inputs: Columns<'_>, out: &mut Vec<f32>) {
        let (n, width) = (inputs.rows(), self.inputs());
        out.resize(n * width, 0.0);
        for d in 0..width {
            for (row, number) in inputs.column(d).iter().enumerate() {
                out[row * width + d] = self.of(d, *number);
            }
        }
    }

    /// What number `d` is reduced by, and then divided by.
    pub(crate) fn affine(&self, d: usize) -> [f64; 2] {
        [self.mean[d], self.std[d]]
    }

    /// Sees number `d`, of this mean and deviation, at unit size.
    pub(crate) fn set(&mut self, d: usize, mean: f64, std: f64) {
        let varies = std > LEAST * mean.abs().max(LEAST);
        // What never changed is as good as a one.
        let size = if mean == 0.0 { 1.0 } else { mean.abs() };
        (self.mean[d], self.std[d]) = if varies { (mean, std) } else { (0.0, size) };
    }

    /// Root mean square of the rewards.
    pub(crate) fn reward(&self) -> f64 {
        self.reward
    }

    /// Takes the moments anew where what was experienced has doubled, and gives the old size of rewards over the new one: what was learned in units of it
    /// has to be multiplied by that.
    ///
    /// # Errors
    /// As for [`Experience::sample`].
    pub(crate) fn follow(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<f64> {
        if self.taken > 0 && experience.taken() / 2 < self.taken {
            return Ok(1.0);
        }
        let inputs = self.mean.len();
        let count = SAMPLE.0.min(SAMPLE.1 / inputs.max(1)).max(16);
        let mut sample = Sample::default();
        experience.sample_real(Want::Transitions(count), rng, &mut sample)?;
        for d in 0..inputs {
            let numbers = || (0..count).map(|i| sample.observations.get(2 * i * inputs + d));
            let mean = numbers().sum::<f64>() / count as f64;
            let square = numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count as f64;
            self.set(d, mean, square.sqrt());
        }
        experience.sample_paid(Want::Transitions(count), rng, &mut sample)?;
        let square = sample.rewards.iter().map(|reward| reward * reward).sum::<f64>() / count as f64;
        let before = if self.taken > 0 { self.reward } else { 0.0 };
        self.reward = if square > 0.0 { square.sqrt() } else { 1.0 };
        self.taken = experience.taken().max(1);
        Ok(if before > 0.0 { before / self.reward } else { 1.0 })
    }

    pub(crate) fn save(&self, state: &mut State) {
        state.put("scaling.mean", Array::F64(vec![self.mean.len()], self.mean.clone()));
        state.put("scaling.std", Array::F64(vec![self.std.len()], self.std.clone()));
        state.put("scaling.told", Array::U64(vec![self.taken, self.reward.to_bits()]));
    }

    /// Takes on what [`save`](Self::save) put; what earlier versions saved saw plain numbers.
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        if state.array("scaling.told").is_err() {
            *self = Self::identity(self.mean.len());
            return Ok(());
        }
        let inputs = self.mean.len();
        self.mean = state.f64s("scaling.mean", inputs)?.to_vec();
        self.std = state.f64s("scaling.std", inputs)?.to_vec();
        let told = state.u64s("scaling.told", 2)?;
        (self.taken, self.reward) = (told[0], f64::from_bits(told[1]));
        Ok(())
    }
}

/// Has the first of layers see the same in numbers that were scaled otherwise: `before` and `now` say what each of the first inputs is reduced by and then divided
/// by; those behind them stay.
///
/// # Errors
/// As for [`Store::get`].
pub(crate) fn rescale(layers: &Mlp, store: &mut Store, before: &[[f64; 2]], now: &[[f64; 2]]) -> Result<()> {
    let Some(first) = layers.layers.first() else { return Ok(()) };
    let (mut weight, mut bias) = (store.get(first.weight)?, store.get(first.bias)?);
    let rows = weight.chunks_exact_mut(bias.len()).zip(before.iter().zip(now));
    for (row, ([old_mean, old_std], [mean, std])) in rows {
        let (factor, off) = (std / old_std, (mean - old_mean) / old_std);
        for (weight, bias) in row.iter_mut().zip(&mut bias) {
            *bias += (off * f64::from(*weight)) as f32;
            *weight = (factor * f64::from(*weight)) as f32;
        }
    }
    store.set(first.weight, &weight)?;
    store.set(first.bias, &bias)
}
