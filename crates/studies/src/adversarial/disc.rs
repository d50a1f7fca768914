//! A point mass on a disc in one region of which the wind blows, and a model that begins without any wind and learns it.
//!
//! State `(x, v)`, push u: `v' = v + Δ (u − c v + w(x)) + noise`, `x' = x + Δ v'`, from the centre at rest. In the region about a place p near the rim the wind is `w(x) = S e^{−|x−p|²/2r²} d` with some
//! direction d; elsewhere next to nothing blows. The task ψ is a place on the disc of radius one: `V(u, ψ) = −|x_T − ψ|² − ½ |v_T|² − ρ |u|²`. The model learns the wind from what pushes do not explain, linear in bumps on
//! a grid, with a normal prior about no wind (ridge regression in closed form).

use std::f64::consts::TAU;

use worldwright_core::{Result, Rng};
use worldwright_numerics::cholesky;
use worldwright_numerics::dense::dot;

use super::implicit::Returns;

pub(super) type Place = [f64; 2];

/// Steps of an episode, and numbers of a plan.
const STEPS: usize = 12;
pub(super) const PLAN: usize = 2 * STEPS;
/// Δ, c, ρ and what speed at the end costs.
const STEP: f64 = 0.25;
const DRAG: f64 = 0.5;
const EFFORT: f64 = 0.01;
const SPEED: f64 = 0.5;
/// How far from the centre the region is, r and S.
const AWAY: f64 = 0.9;
const WIDE: f64 = 0.12;
const STRONG: f64 = 3.0;
/// Deviation of what moves v besides, a step.
const NOISE: f64 = 0.02;
/// Bumps of the model along each side, how far they reach out, and the deviation of their weights before anything is seen: with a wide one the model errs wherever it goes on from noise, and no longer in
/// one region.
const SIDE: usize = 15;
const BUMPS: usize = SIDE * SIDE;
const REACH: f64 = 1.2;
const PRIOR: f64 = 0.1;

/// A wind, with its derivatives `[by][of]`.
trait Wind {
    fn blow(&self, at: Place) -> (Place, [Place; 2]);
}

/// Where the wind blows and which way.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    place: Place,
    direction: Place,
}

impl World {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let [place, direction] = [AWAY, 1.0].map(|far| {
            let (sin, cos) = rng.uniform_in(0.0, TAU).sin_cos();
            [far * cos, far * sin]
        });
        Self { place, direction }
    }

    /// Carries a plan out; gives the velocities less those that pushes explain, with where they blew: what a model learns from. With it comes the return.
    pub(super) fn act(&self, plan: &[f64], task: &Place, rng: &mut Rng) -> (Vec<(Place, Place)>, f64) {
        let (mut x, mut v, mut seen) = ([0.0; 2], [0.0; 2], Vec::with_capacity(STEPS));
        for push in plan.chunks_exact(2) {
            let (wind, _) = self.blow(x);
            let quiet = [0, 1].map(|i| v[i] + STEP * (push[i] - DRAG * v[i]));
            v = [0, 1].map(|i| quiet[i] + STEP * wind[i] + NOISE * rng.normal());
            seen.push((x, [0, 1].map(|i| (v[i] - quiet[i]) / STEP)));
            x = [0, 1].map(|i| x[i] + STEP * v[i]);
        }
        (seen, ended(x, v, plan, task))
    }

    /// How far a place is from the middle of the region.
    pub(super) fn distance(&self, from: &Place) -> f64 {
        (0..2).map(|i| (self.place[i] - from[i]).powi(2)).sum::<f64>().sqrt()
    }
}

impl Wind for World {
    fn blow(&self, at: Place) -> (Place, [Place; 2]) {
        let off = [0, 1].map(|i| (at[i] - self.place[i]) / WIDE);
        let wind = self.direction.map(|d| STRONG * d * (-0.5 * dot(&off, &off)).exp());
        (wind, off.map(|off| wind.map(|w| -w * off / WIDE)))
    }
}

fn ended(x: Place, v: Place, plan: &[f64], task: &[f64]) -> f64 {
    let off = [x[0] - task[0], x[1] - task[1]];
    -dot(&off, &off) - SPEED * dot(&v, &v) - EFFORT * dot(plan, plan)
}

impl<W: Wind> Returns for W {
    fn value(&self, plan: &[f64], task: &[f64], by_plan: &mut [f64], by_task: &mut [f64]) -> f64 {
        let (mut x, mut v) = ([0.0; 2], [0.0; 2]);
        let mut slopes = [[[0.0; 2]; 2]; STEPS];
        for (push, slope) in plan.chunks_exact(2).zip(&mut slopes) {
            let (wind, by) = self.blow(x);
            *slope = by;
            v = [0, 1].map(|i| v[i] + STEP * (push[i] - DRAG * v[i] + wind[i]));
            x = [0, 1].map(|i| x[i] + STEP * v[i]);
        }
        by_task.iter_mut().enumerate().for_each(|(i, by)| *by = 2.0 * (x[i] - task[i]));
        // Backwards: what place and velocity are worth to the end.
        let (mut place, mut velocity) = ([0, 1].map(|i| -2.0 * (x[i] - task[i])), v.map(|v| -2.0 * SPEED * v));
        for (t, slope) in slopes.iter().enumerate().rev() {
            let moved = [0, 1].map(|i| velocity[i] + STEP * place[i]);
            for i in 0..2 {
                by_plan[2 * t + i] = STEP * moved[i] - 2.0 * EFFORT * plan[2 * t + i];
            }
            place = [0, 1].map(|j| place[j] + STEP * dot(&slope[j], &moved));
            velocity = moved.map(|m| (1.0 - STEP * DRAG) * m);
        }
        ended(x, v, plan, task)
    }
}

/// What is known of the wind.
pub(super) struct Model {
    /// `ΦᵀΦ / σ² + 1 / prior²` and `ΦᵀY / σ²`.
    precision: Vec<f64>,
    pull: [Vec<f64>; 2],
    weights: [Vec<f64>; 2],
}

const APART: f64 = 2.0 * REACH / (SIDE - 1) as f64;

/// Bumps along one side at a place, with their derivatives.
fn bumps(at: f64) -> [[f64; SIDE]; 2] {
    let (mut value, mut slope) = ([0.0; SIDE], [0.0; SIDE]);
    for k in 0..SIDE {
        let off = (at + REACH) / APART - k as f64;
        value[k] = (-0.5 * off * off).exp();
        slope[k] = -off / APART * value[k];
    }
    [value, slope]
}

impl Model {
    pub(super) fn new() -> Self {
        let none = || [vec![0.0; BUMPS], vec![0.0; BUMPS]];
        let mut precision = vec![0.0; BUMPS * BUMPS];
        precision.iter_mut().step_by(BUMPS + 1).for_each(|entry| *entry = 1.0 / (PRIOR * PRIOR));
        Self { precision, pull: none(), weights: none() }
    }

    /// Notes what blew where.
    pub(super) fn see(&mut self, seen: &[(Place, Place)]) {
        let sure = (STEP / NOISE).powi(2);
        for (at, wind) in seen {
            let [[across, _], [along, _]] = at.map(bumps);
            let all: Vec<f64> = across.iter().flat_map(|a| along.map(|b| a * b)).collect();
            for (row, weight) in self.precision.chunks_exact_mut(BUMPS).zip(&all) {
                row.iter_mut().zip(&all).for_each(|(entry, other)| *entry += sure * weight * other);
            }
            for (pull, wind) in self.pull.iter_mut().zip(wind) {
                pull.iter_mut().zip(&all).for_each(|(entry, weight)| *entry += sure * weight * wind);
            }
        }
    }

    /// Learns from all that was noted.
    ///
    /// # Errors
    /// [`Error::Diverged`](worldwright_core::Error::Diverged) for numbers that are not finite.
    pub(super) fn learn(&mut self) -> Result<()> {
        let mut factor = self.precision.clone();
        cholesky::factor(&mut factor, BUMPS)?;
        for (weights, pull) in self.weights.iter_mut().zip(&self.pull) {
            weights.copy_from_slice(pull);
            cholesky::solve(&factor, BUMPS, weights);
        }
        Ok(())
    }
}

impl Wind for Model {
    fn blow(&self, at: Place) -> (Place, [Place; 2]) {
        let [[across, across_by], [along, along_by]] = at.map(bumps);
        let (mut wind, mut by) = ([0.0; 2], [[0.0; 2]; 2]);
        for (i, weights) in self.weights.iter().enumerate() {
            for (k, row) in weights.chunks_exact(SIDE).enumerate() {
                let (value, slope) = (dot(row, &along), dot(row, &along_by));
                wind[i] += across[k] * value;
                by[0][i] += across_by[k] * value;
                by[1][i] += across[k] * slope;
            }
        }
        (wind, by)
    }
}

/// A place drawn evenly from the disc.
pub(super) fn anywhere(rng: &mut Rng) -> Place {
    let (angle, far) = (rng.uniform_in(0.0, TAU), rng.uniform().sqrt());
    [far * angle.cos(), far * angle.sin()]
}

/// The angle between neighbours along a spiral that covers evenly: no turn is a fraction of it.
pub(super) const GOLDEN: f64 = 2.399_963_229_728_653;

/// So many places that cover the disc evenly, along a spiral.
pub(super) fn spread(count: usize) -> Vec<Place> {
    let at = |k: usize| {
        let (far, angle) = (((k as f64 + 0.5) / count as f64).sqrt(), GOLDEN * k as f64);
        [far * angle.cos(), far * angle.sin()]
    };
    (0..count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::super::implicit::{best, sensitivity};
    use super::*;

    /// Derivatives of the wind, of a learned wind and of returns in each against differences.
    #[test]
    fn slopes_are_those_of_differences() {
        let rng = &mut Rng::new(3);
        let world = World::draw(rng);
        let mut model = Model::new();
        for _ in 0..40 {
            let task = anywhere(rng);
            model.see(&world.act(&best(&model, vec![0.0; PLAN], &task).0, &task, rng).0);
            model.learn().unwrap();
        }
        let task = world.place;
        for returns in [&world as &dyn Returns, &model] {
            let plan: Vec<f64> = (0..PLAN).map(|_| 0.3 * rng.normal()).collect();
            let (mut by_plan, mut by_task) = (vec![0.0; PLAN], [0.0; 2]);
            returns.value(&plan, &task, &mut by_plan, &mut by_task);
            for (k, slope) in by_plan.iter().enumerate() {
                let [more, less] = [1e-5, -1e-5].map(|by| {
                    let mut plan = plan.clone();
                    plan[k] += by;
                    returns.worth(&plan, &task)
                });
                assert!((slope - (more - less) / 2e-5).abs() < 1e-6);
            }
            // The best plan follows the task as the theorem says, though the wind bends everything.
            let (plan, _) = best(returns, vec![0.0; PLAN], &task);
            for (i, followed) in sensitivity(returns, &plan, &task).iter().enumerate() {
                let [more, less] = [1e-4, -1e-4].map(|by| {
                    let mut task = task;
                    task[i] += by;
                    best(returns, plan.clone(), &task).0
                });
                let differences: Vec<f64> = more.iter().zip(&less).map(|(m, l)| (m - l) / 2e-4).collect();
                let off: f64 = differences.iter().zip(followed).map(|(d, f)| (d - f).powi(2)).sum();
                assert!(off < 1e-6 * dot(followed, followed), "{off} {}", dot(followed, followed));
            }
        }
    }

    #[test]
    fn a_model_of_many_episodes_knows_the_wind_and_one_of_none_does_not() {
        let rng = &mut Rng::new(4);
        let (world, mut model) = (World::draw(rng), Model::new());
        let at = world.place;
        let off = |model: &Model| (0..2).map(|i| (model.blow(at).0[i] - world.blow(at).0[i]).abs()).fold(0.0, f64::max);
        assert!(off(&model) > 1.5);
        for _ in 0..300 {
            let task = [0, 1].map(|i| world.place[i] + 0.3 * rng.normal());
            model.see(&world.act(&best(&model, vec![0.0; PLAN], &task).0, &task, rng).0);
        }
        model.learn().unwrap();
        assert!(off(&model) < 0.3, "{}", off(&model));
    }
}
