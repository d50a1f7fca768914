//! What returns can be at most and at least: bounds that values are kept within.
//!
//! Where every step pays between r and R, no return is outside r/(1 − γ) and R/(1 − γ), or 0 where the task may end; a step that ends it pays once. A critic that learns from its own values where nobody has been may
//! climb far beyond, above all in what a model imagines, and whoever plans by it goes where it errs the most; targets that keep within the bounds cannot. The bounds are those of the
//! rewards that were learned from so far, whoever paid them, and only ever widen.

use worldwright_core::{Array, Result, State};

/// The bounds, in units of the reward.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Returns {
    low: f64,
    high: f64,
}

impl Default for Returns {
    fn default() -> Self {
        Self { low: 0.0, high: 0.0 }
    }
}

impl Returns {
    /// Sees what some steps paid together, behind which the future counts by `ahead`: γ to the number of them, or 0 where the task ended, since that pays once. Where
    /// nothing is discounted there are no bounds but those of ends.
    pub(crate) fn see(&mut self, paid: f64, ahead: f64) {
        // A step that paid the same each time would pay as much for ever; a sum of rounded numbers may exceed it a little.
        let for_ever = if ahead < 1.0 { paid / (1.0 - ahead) } else { f64::INFINITY.copysign(paid) };
        if for_ever.is_finite() || ahead >= 1.0 {
            (self.low, self.high) = (self.low.min(for_ever), self.high.max(for_ever));
        }
    }

    /// The bounds in units of `unit`, widened by `slack` of these.
    pub(crate) fn within(&self, unit: f64, slack: f64) -> [f32; 2] {
        [(self.low / unit - slack) as f32, (self.high / unit + slack) as f32]
    }

    pub(crate) fn save(&self, state: &mut State) {
        state.put("returns", Array::F64(vec![2], vec![self.low, self.high]));
    }

    /// Takes on what [`save`](Self::save) put; what earlier versions saved has none, and sees them anew.
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        *self = Self::default();
        if state.contains("returns") {
            let bounds = state.f64s("returns", 2)?;
            (self.low, self.high) = (bounds[0], bounds[1]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_geometric_sums() {
        let mut returns = Returns::default();
        returns.see(1.0, 0.9);
        assert_eq!(returns.within(1.0, 0.0), [0.0, 10.0]);
        // Three steps that paid −2 each.
        returns.see(-2.0 * (1.0 + 0.9 + 0.81), 0.9f64.powi(3));
        let [low, high] = returns.within(2.0, 1.0);
        assert!((low + 11.0).abs() < 1e-5 && (high - 6.0).abs() < 1e-5, "{low} {high}");
        // An end pays once, and no more than steps for ever.
        returns.see(9.0, 0.0);
        assert_eq!(returns.within(1.0, 0.0)[1], 10.0);
        returns.see(12.0, 0.0);
        assert_eq!(returns.within(1.0, 0.0)[1], 12.0);
        returns.see(0.5, 1.0);
        assert_eq!(returns.within(1.0, 0.0)[1], f32::INFINITY);
    }
}
