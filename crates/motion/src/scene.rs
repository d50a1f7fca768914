//! What a motion planner plans in: a configuration space and what is free in it.

use super::MAX_DIMS;
use super::space::ConfigurationSpace;

/// A space with obstacles.
pub trait Scene: Send + Sync {
    /// The configurations.
    fn space(&self) -> &dyn ConfigurationSpace;

    /// Whether a configuration is within the bounds and touches nothing.
    fn is_free(&self, at: &[f64]) -> bool;

    /// How far apart (in the space's distance) two checked configurations of a local path may be.
    fn resolution(&self) -> f64;

    /// Whether the local path between two free configurations is free. Checks it at the resolution, the middle first, then the
    /// middles of the halves and so on: what collides is found early. Scenes that can check the whole path exactly do so.
    fn motion_is_free(&self, from: &[f64], to: &[f64]) -> bool {
        let space = self.space();
        let pieces = (space.distance(from, to) / self.resolution()).ceil();
        if !pieces.is_finite() {
            return false;
        }
        let pieces = (pieces as usize).max(1);
        let mut at = [0.0; MAX_DIMS];
        let at = &mut at[..space.dims()];
        // The bits of a counter read backwards visit 1/2, 1/4, 3/4, 1/8 … (van der Corput's sequence).
        let bits = pieces.next_power_of_two().trailing_zeros();
        (1..1_usize << bits).all(|i| {
            let place = i.reverse_bits() >> (usize::BITS - bits.max(1));
            if place >= pieces {
                return true;
            }
            space.interpolate(from, to, place as f64 / pieces as f64, at);
            self.is_free(at)
        })
    }
}
