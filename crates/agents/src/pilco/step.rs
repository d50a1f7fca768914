//! The quantities of one foreseen step: S numbers of the state, D features that the policy sees, A of the action.

use worldwright_numerics::moments::{Gaussian, Moments, RadialTape};

/// What is known of one step, forth.
pub(super) struct Step {
    /// s `[S]`.
    pub(super) state: Gaussian,
    pub(super) features: Moments,
    pub(super) action: Moments,
    /// z `[D + A]`.
    pub(super) input: Gaussian,
    /// Z `[S][D + A]` and Y `[S][S]`.
    pub(super) toward: Vec<f64>,
    pub(super) onward: Vec<f64>,
    pub(super) change: Moments,
    pub(super) tape: RadialTape,
    /// c, and what E r and E end are.
    pub(super) alive: f64,
    pub(super) paid: [f64; 2],
}

/// What a step's quantities mean for the return, back.
pub(super) struct Back {
    pub(super) state: Gaussian,
    pub(super) next: Gaussian,
    pub(super) features: Moments,
    pub(super) action: Moments,
    pub(super) input: Gaussian,
    pub(super) toward: Vec<f64>,
    pub(super) change: Moments,
    /// Of S Y `[S][S]` and of the action's part of S Z `[S][A]`.
    pub(super) with_change: Vec<f64>,
    pub(super) with_action: Vec<f64>,
}

impl Back {
    /// All but the next state's to zero.
    pub(super) fn clear(&mut self) {
        self.state.clear();
        self.input.clear();
        [&mut self.features, &mut self.action, &mut self.change].into_iter().for_each(Moments::clear);
        [&mut self.toward, &mut self.with_change, &mut self.with_action].into_iter().for_each(|all| all.fill(0.0));
    }
}
