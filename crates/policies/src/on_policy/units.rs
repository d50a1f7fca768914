//! The units of values: mean and deviation of the last returns.
//!
//! Values are learned in units of the returns' deviation around their mean, whatever the world pays in (van Hasselt et al., "Learning values across many orders of
//! magnitude", NeurIPS 2016). Returns follow the policy as it gets better, so that old ones are forgotten.

use worldwright_core::{Array, Result, State};

/// Transitions after which returns are forgotten.
const REMEMBERED: f64 = 20_000.0;

/// Mean and deviation of the last returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Units {
    pub(super) mean: f64,
    pub(super) std: f64,
    square: f64,
    seen: f64,
}

impl Units {
    pub(super) fn new() -> Self {
        Self { mean: 0.0, std: 1.0, square: 0.0, seen: 0.0 }
    }

    /// With these returns, at least one.
    #[must_use]
    pub(super) fn following(self, returns: &[f64]) -> Self {
        let count = returns.len() as f64;
        let seen = self.seen + count;
        let rate = (count / seen.min(REMEMBERED)).min(1.0);
        let towards = |old: f64, new: f64| old + rate * (new / count - old);
        let mean = towards(self.mean, returns.iter().sum());
        let square = towards(self.square, returns.iter().map(|number| number * number).sum());
        let (variance, rounding) = (square - mean * mean, 1e-12 * square);
        let std = if variance > rounding { variance.sqrt() } else { 1.0 };
        Self { mean, std, square, seen }
    }

    pub(super) fn save(&self, state: &mut State) {
        state.put("returns", Array::F64(vec![4], vec![self.mean, self.std, self.square, self.seen]));
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        let saved = state.f64s("returns", 4)?;
        *self = Self { mean: saved[0], std: saved[1], square: saved[2], seen: saved[3] };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_that_do_not_differ_have_a_unit_of_one() {
        let units = Units::new().following(&[5.0; 4]);
        assert_eq!((units.mean, units.std), (5.0, 1.0));
        let units = Units::new().following(&[1.0, 3.0]);
        assert_eq!((units.mean, units.std), (2.0, 1.0));
    }
}
