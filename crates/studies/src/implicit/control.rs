//! `differentiable-mpc`: what an expert wants, read off what it does, by differentiating through the optimisation that it acts by.
//!
//! An expert steers a linear system by the first action of the plan that is cheapest over H steps, `min Σ_t x_tᵀ Q x_t + u_tᵀ R u_t` with diagonal costs. A learner that acts the same way
//! moves its own costs until its actions are the expert's. The plan is a quadratic program, `U = −H⁻¹ F x` with `H = Γᵀ Q̄ Γ + R̄`, `F = Γᵀ Q̄ Φ` and `X = Φ x + Γ U`, so that the derivative by the
//! costs is another such program: with `H λ = ∂L/∂U` it is `−Σ_t (Γ λ)_t ⊙ x_t` by Q and `−Σ_t λ_t ⊙ u_t` by R (Amos, Rodriguez, Sacks, Boots and Kolter, "Differentiable MPC for End-to-end
//! Planning and Control", NeurIPS 2018, section 3.1). Costs are found up to a common factor, which no action shows.
//!
//! Beside it a linear policy that is cloned by least squares: as good a form, since the expert's actions are linear, and of one number more. What it cannot do is act in a system that it was
//! not shown: costs say what is wanted, a gain says what was done.

use worldwright_core::{Entry, Key, Parameter, Result, Rng, SettingDefault as Default, Settings};
use worldwright_numerics::{cholesky, minimize};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "differentiable-mpc",
    summary: "costs read off demonstrations by differentiating through a plan, beside a cloned policy, where they were shown and elsewhere",
    source: "Amos et al., NeurIPS 2018",
    parameters: &[
        Parameter {
            name: "demonstrations",
            default: Default::Numbers(&[2.0, 4.0, 8.0, 16.0, 32.0, 64.0]),
            summary: "states at which the expert's action is shown",
        },
        Parameter {
            name: "noise",
            default: Default::Float(0.1),
            summary: "deviation of what is shown from what the expert does, as a share of its size",
        },
        Parameter { name: "horizon", default: Default::Integer(12), summary: "steps that plans look ahead" },
        Parameter { name: "seeds", default: Default::Integer(100), summary: "systems and experts" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// Numbers of a state, and of an action.
const STATES: usize = 3;
const ACTIONS: usize = 2;
const COSTS: usize = STATES + ACTIONS;

/// Logarithms of the diagonals of Q and R.
type Costs = [f64; COSTS];
/// `[action][state]`.
type Gain = [[f64; STATES]; ACTIONS];

/// How states follow from the first one and from actions, `[step × state][state]` and `[step × state][step × action]`.
struct System {
    horizon: usize,
    free: Vec<f64>,
    driven: Vec<f64>,
}

/// A plan for each state of a basis.
struct Plan {
    /// The factor of H.
    factor: Vec<f64>,
    /// `[state][step × action]`
    actions: Vec<Vec<f64>>,
}

impl System {
    fn random(horizon: usize, rng: &mut Rng) -> Self {
        // Slowly turning and falling away, so that what is done early matters late.
        let a = [(); STATES].map(|()| [(); STATES].map(|()| 0.45 * rng.normal()));
        let a: [[f64; STATES]; STATES] =
            std::array::from_fn(|i| std::array::from_fn(|j| a[i][j] + if i == j { 0.6 } else { 0.0 }));
        let b: [[f64; ACTIONS]; STATES] = [(); STATES].map(|()| [(); ACTIONS].map(|()| rng.normal()));
        let mut powers = vec![identity()];
        for t in 0..horizon {
            powers.push(product(&a, &powers[t]));
        }
        let width = horizon * ACTIONS;
        let (mut free, mut driven) = (Vec::new(), vec![0.0; horizon * STATES * width]);
        for t in 0..horizon {
            powers[t + 1].iter().for_each(|row| free.extend(row));
            for earlier in 0..=t {
                for i in 0..STATES {
                    for k in 0..ACTIONS {
                        driven[(t * STATES + i) * width + earlier * ACTIONS + k] =
                            (0..STATES).map(|j| powers[t - earlier][i][j] * b[j][k]).sum();
                    }
                }
            }
        }
        Self { horizon, free, driven }
    }

    fn width(&self) -> usize {
        self.horizon * ACTIONS
    }

    /// `Γ v`.
    fn drive(&self, v: &[f64]) -> Vec<f64> {
        self.driven.chunks_exact(self.width()).map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect()
    }

    fn plan(&self, costs: &Costs) -> Result<Plan> {
        let width = self.width();
        let (mut h, mut f) = (vec![0.0; width * width], vec![vec![0.0; width]; STATES]);
        for (place, row) in self.driven.chunks_exact(width).enumerate() {
            let q = costs[place % STATES].exp();
            for i in 0..width {
                let weighed = q * row[i];
                (0..=i).for_each(|j| h[i * width + j] += weighed * row[j]);
                (0..STATES).for_each(|s| f[s][i] -= weighed * self.free[place * STATES + s]);
            }
        }
        (0..width).for_each(|i| h[i * width + i] += costs[STATES + i % ACTIONS].exp());
        cholesky::factor(&mut h, width)?;
        f.iter_mut().for_each(|column| cholesky::solve(&h, width, column));
        Ok(Plan { factor: h, actions: f })
    }

    /// Derivatives of a loss by the logarithms of costs, from those by the gain.
    fn pull(&self, costs: &Costs, plan: &Plan, by_gain: &Gain) -> Costs {
        let (width, mut out) = (self.width(), [0.0; COSTS]);
        for (s, actions) in plan.actions.iter().enumerate() {
            let mut adjoint = vec![0.0; width];
            (0..ACTIONS).for_each(|k| adjoint[k] = by_gain[k][s]);
            cholesky::solve(&plan.factor, width, &mut adjoint);
            let (moved, mut states) = (self.drive(&adjoint), self.drive(actions));
            states.iter_mut().enumerate().for_each(|(place, x)| *x += self.free[place * STATES + s]);
            for (place, (dx, x)) in moved.iter().zip(&states).enumerate() {
                out[place % STATES] -= dx * x;
            }
            for (place, (du, u)) in adjoint.iter().zip(actions).enumerate() {
                out[STATES + place % ACTIONS] -= du * u;
            }
        }
        out.iter_mut().zip(costs).for_each(|(slope, cost)| *slope *= cost.exp());
        out
    }
}

impl Plan {
    /// What is done first in each state.
    fn gain(&self) -> Gain {
        std::array::from_fn(|k| std::array::from_fn(|s| self.actions[s][k]))
    }
}

fn identity() -> [[f64; STATES]; STATES] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }))
}

fn product(a: &[[f64; STATES]; STATES], b: &[[f64; STATES]; STATES]) -> [[f64; STATES]; STATES] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..STATES).map(|k| a[i][k] * b[k][j]).sum()))
}

/// What was shown: a state, and what was done there.
type Shown = ([f64; STATES], [f64; ACTIONS]);

fn done(gain: &Gain, state: &[f64; STATES]) -> [f64; ACTIONS] {
    gain.map(|row| row.iter().zip(state).map(|(k, x)| k * x).sum())
}

/// Mean squared error of actions, and its derivatives by the gain.
fn loss(gain: &Gain, shown: &[Shown]) -> (f64, Gain) {
    let (mut loss, mut slopes, n) = (0.0, [[0.0; STATES]; ACTIONS], shown.len() as f64);
    for (state, action) in shown {
        for (k, (ours, theirs)) in done(gain, state).iter().zip(action).enumerate() {
            loss += (ours - theirs) * (ours - theirs) / n;
            (0..STATES).for_each(|s| slopes[k][s] += 2.0 * (ours - theirs) * state[s] / n);
        }
    }
    (loss, slopes)
}

/// What the loss is multiplied by, so that a descent that ends at small gains does not end at small losses.
const MAGNIFIED: f64 = 1e8;

/// Costs under which plans do what was shown.
fn understood(system: &System, shown: &[Shown]) -> Result<Costs> {
    let mut costs = vec![0.0; COSTS];
    let told = |costs: &[f64], slopes: &mut [f64]| -> Result<f64> {
        let costs: Costs = std::array::from_fn(|i| costs[i]);
        let plan = system.plan(&costs)?;
        let (loss, by_gain) = loss(&plan.gain(), shown);
        let pulled = system.pull(&costs, &plan, &by_gain);
        slopes.iter_mut().zip(pulled).for_each(|(slot, slope)| *slot = MAGNIFIED * slope);
        Ok(MAGNIFIED * loss)
    };
    minimize(|costs, slopes| told(costs, slopes).unwrap_or(f64::INFINITY), &mut costs, 400);
    Ok(std::array::from_fn(|i| costs[i]))
}

/// The gain of least squares; of several the least, where too little was shown.
fn cloned(shown: &[Shown]) -> Result<Gain> {
    const LEAST: f64 = 1e-9;
    let mut square = vec![0.0; STATES * STATES];
    let mut cross = [[0.0; STATES]; ACTIONS];
    for (state, action) in shown {
        for i in 0..STATES {
            (0..STATES).for_each(|j| square[i * STATES + j] += state[i] * state[j]);
            (0..ACTIONS).for_each(|k| cross[k][i] += action[k] * state[i]);
        }
    }
    (0..STATES).for_each(|i| square[i * STATES + i] += LEAST);
    cholesky::factor(&mut square, STATES)?;
    cross.iter_mut().for_each(|row| cholesky::solve(&square, STATES, row));
    Ok(cross)
}

/// How far a gain is from another, as a share of that.
fn apart(gain: &Gain, from: &Gain) -> f64 {
    let sum = |of: &dyn Fn(usize, usize) -> f64| -> f64 {
        (0..ACTIONS).flat_map(|k| (0..STATES).map(move |s| (k, s))).map(|(k, s)| of(k, s).powi(2)).sum()
    };
    (sum(&|k, s| gain[k][s] - from[k][s]) / sum(&|k, s| from[k][s])).sqrt()
}

/// The greatest factor by which costs are off, their common one aside, as a logarithm.
fn off(costs: &Costs, truth: &Costs) -> f64 {
    let mean = costs.iter().zip(truth).map(|(a, b)| a - b).sum::<f64>() / COSTS as f64;
    costs.iter().zip(truth).fold(0.0, |most, (a, b)| (a - b - mean).abs().max(most))
}

/// What came of one expert: costs off; errors of plans and clones where they were shown, and in another system.
fn one(horizon: usize, count: usize, noise: f64, key: Key) -> Result<[f64; 5]> {
    let rng = &mut key.rng();
    let (system, other) = (System::random(horizon, rng), System::random(horizon, rng));
    let truth: Costs = [(); COSTS].map(|()| rng.uniform_in(-1.5, 1.5));
    let gain = system.plan(&truth)?.gain();
    let size = gain.iter().flatten().map(|k| k * k).sum::<f64>().sqrt() / (ACTIONS as f64).sqrt();
    let shown: Vec<Shown> = (0..count)
        .map(|_| {
            let state = [(); STATES].map(|()| rng.normal());
            (state, done(&gain, &state).map(|action| action + noise * size * rng.normal()))
        })
        .collect();
    let (costs, clone) = (understood(&system, &shown)?, cloned(&shown)?);
    let wanted = other.plan(&truth)?.gain();
    Ok([
        off(&costs, &truth),
        apart(&system.plan(&costs)?.gain(), &gain),
        apart(&clone, &gain),
        apart(&other.plan(&costs)?.gain(), &wanted),
        apart(&clone, &wanted),
    ])
}

/// What is told of each.
const TOLD: [&str; 5] = [
    "greatest ln factor of costs",
    "plans, shown system",
    "clone, shown system",
    "plans, other system",
    "clone, other system",
];

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let counts = settings.counts_in("demonstrations", 1, 1_000_000)?;
    let (horizon, seeds) = (settings.count_in("horizon", 1, 100)?, settings.count_in("seeds", 1, 100_000)?);
    let (noise, key) = (settings.float("noise", 0.0, 1e6)?, Key::new(settings.count("seed", 0)? as u64));
    let (mut rows, mut curves) = (Vec::new(), vec![Vec::new(); TOLD.len()]);
    for (c, count) in counts.iter().enumerate() {
        let mut each = vec![Vec::new(); TOLD.len()];
        for seed in 0..seeds {
            watch.tell(c * seeds + seed, counts.len() * seeds, &format!("{count} demonstrations"))?;
            let came = one(horizon, *count, noise, key.fold(seed as u64))?;
            each.iter_mut().zip(came).for_each(|(all, one)| all.push(one));
        }
        let estimates: Vec<[f64; 3]> = each.iter().map(|all| bounded(estimate(all), [0.0, f64::INFINITY])).collect();
        for (curve, [mean, low, high]) in curves.iter_mut().zip(&estimates) {
            curve.push([*count as f64, low.max(1e-6), *mean, *high]);
        }
        rows.push(
            std::iter::once(Cell::Number(*count as f64)).chain(estimates.into_iter().map(Cell::Estimate)).collect(),
        );
    }
    let last = curves.iter().map(|curve| curve[curve.len() - 1][2]).collect::<Vec<_>>();
    let first = curves.iter().map(|curve| curve[0][2]).collect::<Vec<_>>();
    let findings = vec![
        format!(
            "where the expert was shown, plans by costs that were read off are {:.1} % off after {} demonstrations and {:.1} % after {}; a cloned gain {:.1} % and {:.1} %",
            100.0 * first[1],
            counts[0],
            100.0 * last[1],
            counts[counts.len() - 1],
            100.0 * first[2],
            100.0 * last[2]
        ),
        format!(
            "in a system that was not shown the same costs are {:.1} % off, the cloned gain {:.1} %, with {} demonstrations",
            100.0 * last[3],
            100.0 * last[4],
            counts[counts.len() - 1]
        ),
    ];
    let title = "Error of actions by what was shown, as a share of their size".to_owned();
    let figure = Figure {
        title: title.clone(),
        axes: ["demonstrations".into(), "error, as a share".into()],
        logarithmic: [true, true],
        curves: TOLD.iter().zip(curves).skip(1).map(|(name, points)| Curve { name: (*name).into(), points }).collect(),
    };
    let columns = std::iter::once("demonstrations").chain(TOLD).map(String::from).collect();
    Ok(Study { findings, tables: vec![Table { title, columns, rows }], figures: vec![figure] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_of_one_state_and_step_is_that_of_calculus() {
        // One step: u minimises (Ax + Bu)ᵀQ(Ax + Bu) + uᵀRu, so that H = BᵀQB + R and F = BᵀQA; the gradient there is zero.
        let (system, rng) = (System::random(1, &mut Rng::new(4)), &mut Rng::new(9));
        let costs: Costs = [(); COSTS].map(|()| rng.normal());
        let gain = system.plan(&costs).unwrap().gain();
        for k in 0..ACTIONS {
            for s in 0..STATES {
                let mut slope = costs[STATES + k].exp() * gain[k][s];
                for i in 0..STATES {
                    let driven = |l: usize| system.driven[i * ACTIONS + l];
                    let next = system.free[i * STATES + s] + (0..ACTIONS).map(|l| driven(l) * gain[l][s]).sum::<f64>();
                    slope += driven(k) * costs[i].exp() * next;
                }
                assert!(slope.abs() < 1e-9, "{slope}");
            }
        }
    }

    #[test]
    fn derivatives_through_a_plan_are_those_of_differences() {
        let rng = &mut Rng::new(2);
        let system = System::random(8, rng);
        let shown: Vec<Shown> =
            (0..5).map(|_| ([(); STATES].map(|()| rng.normal()), [(); ACTIONS].map(|()| rng.normal()))).collect();
        let costs: Costs = [(); COSTS].map(|()| rng.normal());
        let value = |costs: &Costs| loss(&system.plan(costs).unwrap().gain(), &shown);
        let plan = system.plan(&costs).unwrap();
        let slopes = system.pull(&costs, &plan, &value(&costs).1);
        for i in 0..COSTS {
            let at = |h: f64| {
                let mut moved = costs;
                moved[i] += h;
                value(&moved).0
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (difference - slopes[i]).abs() < 1e-6 * (1.0 + difference.abs()),
                "{i}: {difference} {}",
                slopes[i]
            );
        }
        // A common factor changes nothing that is done.
        assert!(slopes.iter().sum::<f64>().abs() < 1e-9);
    }

    #[test]
    fn costs_are_read_off_what_is_shown_without_noise_and_mean_the_same_elsewhere() {
        for seed in 0..5 {
            let [costs, shown, cloned, plans, clone] = one(12, 8, 0.0, Key::new(seed)).unwrap();
            assert!(costs < 1e-2 && shown < 1e-3 && cloned < 1e-6, "{costs} {shown} {cloned}");
            assert!(plans < 1e-2 && clone > 0.2, "{plans} {clone}");
        }
    }
}
