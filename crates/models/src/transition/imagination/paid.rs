//! Derivatives of a reward that is a function of the task's own: central differences of it alone, no step of the model among them.
//!
//! With the next observation `n(d)` of latent and action `d` known to first order as `n + A δ`, the reward `ρ(d) = r(d, n(d))` has
//!
//! ```text
//! ∇ρ = r_d + Aᵀ r_n
//! ∇²ρ = ∇²_δ r(d + δ, n + A δ) + Σ_k (∂r/∂n_k) ∇²n_k
//! ```
//!
//! The last sum is the model's to add. Steps of size h both ways give slopes and bends as in `core`'s linearisation; beyond a bound an action has
//! no effect, so differences by an action are centred inwards, and a parabola carries its slope to the action itself.

use worldwright_core::{Actions, Batch, Columns, RewardFunction, Space, Transitions};

/// Buffers of the differences of a block.
#[derive(Debug, Default)]
pub(super) struct Paid {
    observations: Batch,
    actions: Batch,
    next: Batch,
    reward: Vec<f64>,
    terminated: Vec<bool>,
    /// Of one place: latent, action, next latent; where actions are centred; step sizes.
    at: Vec<f64>,
    centre: Vec<f64>,
    sizes: Vec<f64>,
}

/// What stays the same for all places of a block.
pub(super) struct Pays<'a> {
    pub(super) function: &'a dyn RewardFunction,
    pub(super) action_space: &'a Space,
    pub(super) observations: Columns<'a>,
    pub(super) actions: Columns<'a>,
    pub(super) next: Columns<'a>,
    /// Step size, in units of 1 + |number|.
    pub(super) step: f64,
}

impl Pays<'_> {
    fn dims(&self) -> (usize, usize) {
        (self.observations.dims(), self.actions.dims())
    }
}

impl Paid {
    /// Makes room for `rows` transitions.
    fn begin(&mut self, pays: &Pays<'_>, rows: usize) {
        let (z, a) = pays.dims();
        for (batch, dims) in [(&mut self.observations, z), (&mut self.actions, a), (&mut self.next, z)] {
            if batch.dims() != dims {
                *batch = Batch::zeros(dims, rows);
            }
            batch.set_rows(rows);
        }
        self.reward.resize(rows, 0.0);
        self.terminated.resize(rows, false);
        self.at.resize(2 * z + a, 0.0);
        self.centre.resize(2 * z + a, 0.0);
        self.sizes.resize(2 * z + a, 0.0);
    }

    /// Reads a place.
    fn place(&mut self, pays: &Pays<'_>, place: usize) {
        let (z, a) = pays.dims();
        pays.observations.copy_row(place, &mut self.at[..z]);
        pays.actions.copy_row(place, &mut self.at[z..z + a]);
        pays.next.copy_row(place, &mut self.at[z + a..]);
        self.centre.copy_from_slice(&self.at);
        for (size, number) in self.sizes.iter_mut().zip(&self.at) {
            *size = pays.step * (1.0 + number.abs());
        }
        let Space::Box { low, high, .. } = pays.action_space else { return };
        for j in 0..a {
            let (centre, size) = (&mut self.centre[z + j], &mut self.sizes[z + j]);
            *size = size.min(0.25 * (high[j] - low[j])).max(f64::MIN_POSITIVE);
            *centre = centre.max(low[j] + *size).min(high[j] - *size);
        }
    }

    /// Writes the numbers in `at` as a transition.
    fn set(&mut self, pays: &Pays<'_>, row: usize) {
        let (z, a) = pays.dims();
        self.observations.columns_mut().set_row(row, &self.at[..z]);
        self.actions.columns_mut().set_row(row, &self.at[z..z + a]);
        self.next.columns_mut().set_row(row, &self.at[z + a..]);
    }

    fn evaluate(&mut self, pays: &Pays<'_>) {
        let transitions = Transitions {
            observations: self.observations.columns(),
            actions: Actions::Continuous(self.actions.columns()),
            next_observations: self.next.columns(),
        };
        pays.function.evaluate(transitions, &mut self.reward, &mut self.terminated);
    }

    /// Writes the reward's slopes by latent, action and next latent, `[places][Z + A + Z]`.
    pub(super) fn slopes(&mut self, pays: &Pays<'_>, places: usize, out: &mut [f64]) {
        let (z, a) = pays.dims();
        let width = 2 * z + a;
        let probes = 2 * width + a + 1;
        self.begin(pays, places * probes);
        for place in 0..places {
            self.place(pays, place);
            let first = place * probes;
            self.set(pays, first + 2 * width + a);
            for number in 0..width {
                let kept = self.at[number];
                let (centre, size) = (self.centre[number], self.sizes[number]);
                for (side, sign) in [1.0, -1.0].into_iter().enumerate() {
                    self.at[number] = centre + sign * size;
                    self.set(pays, first + 2 * number + side);
                }
                if (z..z + a).contains(&number) {
                    self.at[number] = centre;
                    self.set(pays, first + 2 * width + number - z);
                }
                self.at[number] = kept;
            }
        }
        self.evaluate(pays);
        for (place, out) in out.chunks_exact_mut(width).enumerate() {
            self.place(pays, place);
            let seen = &self.reward[place * probes..][..probes];
            for (number, slot) in out.iter_mut().enumerate() {
                let (plus, minus, size) = (seen[2 * number], seen[2 * number + 1], self.sizes[number]);
                let of_action = (z..z + a).contains(&number);
                let middle = seen[2 * width + if of_action { number - z } else { a }];
                *slot = slope(plus, minus, middle, size);
                let bend = (plus + minus - 2.0 * middle) / (size * size);
                if of_action && bend.is_finite() {
                    *slot += (self.at[number] - self.centre[number]) * bend;
                }
            }
        }
    }

    /// Writes the second derivatives of the reward of one place after another, with the next latent moving as `by_numbers` says
    /// (`[places][Z + more][D]`, its first Z rows `∂n/∂d`): `[places][D][D]`.
    pub(super) fn bends(&mut self, pays: &Pays<'_>, places: usize, by_numbers: &[f64], out: &mut [f64]) {
        let (z, a) = pays.dims();
        let d = z + a;
        let probes = 1 + d + d * d;
        let width = by_numbers.len() / places.max(1);
        self.begin(pays, places * probes);
        for place in 0..places {
            self.place(pays, place);
            let jacobian = &by_numbers[place * width..][..z * d];
            for probe in 0..probes {
                self.at.copy_from_slice(&self.centre);
                let (sign, moved) = moves(probe, d);
                for p in 0..d {
                    // A latent's centre is the latent itself, so that only actions may be off at first.
                    let mut delta = if p < z { 0.0 } else { self.centre[p] - pays.actions.get(place, p - z) };
                    if moved.contains(&Some(p)) {
                        self.at[p] += sign * self.sizes[p];
                        delta += sign * self.sizes[p];
                    }
                    if delta != 0.0 {
                        for k in 0..z {
                            self.at[d + k] += jacobian[k * d + p] * delta;
                        }
                    }
                }
                self.set(pays, place * probes + probe);
            }
        }
        self.evaluate(pays);
        for (place, out) in out.chunks_exact_mut(d * d).enumerate() {
            self.place(pays, place);
            let seen = &self.reward[place * probes..][..probes];
            let mut pair = 1 + 2 * d;
            for p in 0..d {
                let around = seen[1 + 2 * p] + seen[2 + 2 * p];
                for q in p..d {
                    let bend = if p == q {
                        (around - 2.0 * seen[0]) / (self.sizes[p] * self.sizes[p])
                    } else {
                        let across = seen[1 + 2 * q] + seen[2 + 2 * q];
                        let corners = seen[pair] + seen[pair + 1];
                        pair += 2;
                        (corners - around - across + 2.0 * seen[0]) / (2.0 * self.sizes[p] * self.sizes[q])
                    };
                    let bend = if bend.is_finite() { bend } else { 0.0 };
                    (out[p * d + q], out[q * d + p]) = (bend, bend);
                }
            }
        }
    }
}

/// Which numbers a probe moves, and whether up or down: none, each number both ways, each pair both ways.
fn moves(probe: usize, d: usize) -> (f64, [Option<usize>; 2]) {
    if probe == 0 {
        return (0.0, [None, None]);
    }
    let sign = if probe % 2 == 1 { 1.0 } else { -1.0 };
    let place = (probe - 1) / 2;
    if place < d {
        return (sign, [Some(place), None]);
    }
    let (mut left, mut first) = (place - d, 0);
    while left >= d - 1 - first {
        left -= d - 1 - first;
        first += 1;
    }
    (sign, [Some(first), Some(first + 1 + left)])
}

/// A central difference, one side's where the other diverged, and zero where nothing is left.
fn slope(plus: f64, minus: f64, middle: f64, size: f64) -> f64 {
    match (plus.is_finite(), minus.is_finite(), middle.is_finite()) {
        (true, true, _) => (plus - minus) / (2.0 * size),
        (true, false, true) => (plus - middle) / size,
        (false, true, true) => (middle - minus) / size,
        _ => 0.0,
    }
}
