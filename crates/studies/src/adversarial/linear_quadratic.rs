//! A family of linear-quadratic tasks in which the worst task is known.
//!
//! A linear system `x' = A x + B u` starts at zero, and the task ψ is where it shall stay: `V(u, ψ) = −Σ_t |x_t − ψ|² − ρ |u|²`. With `x = Φ u` over all steps and `Γ ψ` that repeats ψ, the best plan is
//! `u = K ψ`, `K = (ΦᵀΦ + ρ)⁻¹ ΦᵀΓ`. A model with another A and B plans `K̂ ψ`, which loses `ψᵀ M ψ` in the true system, `M = (K̂ − K)ᵀ (ΦᵀΦ + ρ) (K̂ − K)`. So on the unit sphere the worst task is the
//! eigenvector of M that belongs to its largest eigenvalue.

use worldwright_core::{Interrupt, Result, Rng};
use worldwright_numerics::cholesky;
use worldwright_numerics::dense::dot;

use super::disc::GOLDEN;
use super::implicit::{Returns, best, sensitivity};

/// Numbers of a state and of a task, numbers of an action, steps.
pub(super) const STATE: usize = 3;
const ACTION: usize = 2;
const STEPS: usize = 6;
const PLAN: usize = ACTION * STEPS;
/// ρ.
const EFFORT: f64 = 0.1;
/// Deviation of each number of a model from the truth.
const WRONG: f64 = 0.15;

pub(super) type Task = [f64; STATE];
type Square = [[f64; STATE]; STATE];

/// A linear system with its tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    a: Square,
    b: [[f64; ACTION]; STATE],
}

impl Linear {
    fn draw(rng: &mut Rng) -> Self {
        let a = [[(); STATE]; STATE].map(|row| row.map(|()| 0.4 * rng.normal()));
        Self { a, b: [[(); ACTION]; STATE].map(|row| row.map(|()| rng.normal())) }
    }

    fn mistaken(&self, rng: &mut Rng) -> Self {
        let (a, b) = (self.a, self.b);
        Self {
            a: a.map(|row| row.map(|x| x + WRONG * rng.normal())),
            b: b.map(|row| row.map(|x| x + WRONG * rng.normal())),
        }
    }

    fn next(&self, x: &Task, u: &[f64]) -> Task {
        [0, 1, 2].map(|i| dot(&self.a[i], x) + dot(&self.b[i], u))
    }

    /// `Φ`: where each unit plan leads.
    fn response(&self) -> [[f64; STATE * STEPS]; PLAN] {
        let mut out = [[0.0; STATE * STEPS]; PLAN];
        for (k, column) in out.iter_mut().enumerate() {
            let mut x = [0, 1, 2].map(|i| self.b[i][k % ACTION]);
            for t in k / ACTION..STEPS {
                column[STATE * t..STATE * (t + 1)].copy_from_slice(&x);
                x = self.next(&x, &[0.0; ACTION]);
            }
        }
        out
    }

    /// `ΦᵀΦ + ρ`, row by row.
    fn curvature(&self) -> Vec<f64> {
        let response = self.response();
        let entry =
            |k: usize| dot(&response[k / PLAN], &response[k % PLAN]) + if k / PLAN == k % PLAN { EFFORT } else { 0.0 };
        (0..PLAN * PLAN).map(entry).collect()
    }

    /// `K`, a row a number of the task.
    fn gains(&self) -> Result<Vec<Vec<f64>>> {
        let mut factor = self.curvature();
        cholesky::factor(&mut factor, PLAN)?;
        let response = self.response();
        let gain = |i: usize| {
            let pulled = |column: &[f64; STATE * STEPS]| column.iter().skip(i).step_by(STATE).sum::<f64>();
            let mut row: Vec<f64> = response.iter().map(pulled).collect();
            cholesky::solve(&factor, PLAN, &mut row);
            row
        };
        Ok((0..STATE).map(gain).collect())
    }
}

impl Returns for Linear {
    fn value(&self, plan: &[f64], task: &[f64], by_plan: &mut [f64], by_task: &mut [f64]) -> f64 {
        let mut states = [[0.0; STATE]; STEPS + 1];
        let mut value = -EFFORT * dot(plan, plan);
        by_task.fill(0.0);
        for t in 0..STEPS {
            states[t + 1] = self.next(&states[t], &plan[ACTION * t..ACTION * (t + 1)]);
            for i in 0..STATE {
                let off = states[t + 1][i] - task[i];
                value -= off * off;
                by_task[i] += 2.0 * off;
            }
        }
        // Backwards: what a state is worth to all that follows.
        let mut worth = [0.0; STATE];
        for t in (0..STEPS).rev() {
            let later = worth;
            worth = [0, 1, 2].map(|i| {
                let follows: f64 = if t + 1 < STEPS { (0..STATE).map(|j| self.a[j][i] * later[j]).sum() } else { 0.0 };
                follows - 2.0 * (states[t + 1][i] - task[i])
            });
            for k in 0..ACTION {
                let place = ACTION * t + k;
                by_plan[place] = (0..STATE).map(|j| self.b[j][k] * worth[j]).sum::<f64>() - 2.0 * EFFORT * plan[place];
            }
        }
        value
    }
}

/// A system and a model of it.
pub(super) struct Family {
    world: Linear,
    model: Linear,
}

impl Family {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let world = Linear::draw(rng);
        Self { world, model: world.mistaken(rng) }
    }

    /// `M` in closed form.
    ///
    /// # Errors
    /// [`Error::Diverged`](worldwright_core::Error::Diverged) for numbers that are not finite.
    pub(super) fn exact(&self) -> Result<Square> {
        let (curvature, model, world) = (self.world.curvature(), self.model.gains()?, self.world.gains()?);
        let off: Vec<Vec<f64>> =
            model.iter().zip(&world).map(|(m, w)| m.iter().zip(w).map(|(m, w)| m - w).collect()).collect();
        let image = |row: &[f64]| -> Vec<f64> { curvature.chunks_exact(PLAN).map(|c| dot(c, row)).collect() };
        Ok([0, 1, 2].map(|i| [0, 1, 2].map(|j| dot(&off[i], &image(&off[j])))))
    }

    /// What the model's best plan for a task loses in the world, by plans that are sought.
    pub(super) fn gap(&self, task: &[f64]) -> f64 {
        let (_, most) = best(&self.world, vec![0.0; PLAN], task);
        let (plan, _) = best(&self.model, vec![0.0; PLAN], task);
        most - self.world.worth(&plan, task)
    }

    /// Derivatives of the gap by the task: with the plan following the task, and as if it did not.
    ///
    /// By the envelope theorem the world's own best plan needs no following.
    pub(super) fn slope(&self, task: &[f64]) -> [Task; 2] {
        let (mut by_plan, mut by_task) = (vec![0.0; PLAN], [0.0; STATE]);
        let (own, _) = best(&self.world, vec![0.0; PLAN], task);
        self.world.value(&own, task, &mut by_plan, &mut by_task);
        let reach = by_task;
        let (plan, _) = best(&self.model, vec![0.0; PLAN], task);
        self.world.value(&plan, task, &mut by_plan, &mut by_task);
        let followed = sensitivity(&self.model, &plan, task);
        let still = [0, 1, 2].map(|i| reach[i] - by_task[i]);
        [[0, 1, 2].map(|i| still[i] - dot(&by_plan, &followed[i])), still]
    }

    /// The worst task on the sphere that ascent finds from a start.
    ///
    /// # Errors
    /// [`Error::Interrupted`](worldwright_core::Error::Interrupted).
    pub(super) fn ascend(&self, start: Task, steps: usize, interrupt: &Interrupt) -> Result<Task> {
        let mut task = start;
        for step in 0..steps {
            interrupt.check("the study")?;
            let [slope, _] = self.slope(&task);
            let size = dot(&slope, &slope).sqrt();
            if size == 0.0 {
                break;
            }
            let far = 1.0 / (1.0 + step as f64 / 4.0);
            task = unit([0, 1, 2].map(|i| task[i] + far * slope[i] / size));
        }
        Ok(task)
    }
}

pub(super) fn unit(task: Task) -> Task {
    let size = dot(&task, &task).sqrt();
    task.map(|x| x / size)
}

/// `ψᵀ M ψ`.
pub(super) fn quadratic(m: &Square, task: &Task) -> f64 {
    m.iter().zip(task).map(|(row, x)| x * dot(row, task)).sum()
}

/// The largest eigenvalue with its eigenvector, by powers.
pub(super) fn top(m: &Square) -> (f64, Task) {
    let mut task = unit([1.0, 0.7, -0.4]);
    for _ in 0..5000 {
        task = unit([0, 1, 2].map(|i| dot(&m[i], &task)));
    }
    (quadratic(m, &task), task)
}

/// The largest `ψᵀ M ψ` among so many directions that lie evenly on the sphere, along a spiral.
pub(super) fn grid(m: &Square, count: usize) -> f64 {
    let at = |k: usize| {
        let z = 1.0 - 2.0 * (k as f64 + 0.5) / count as f64;
        let (sin, cos) = (GOLDEN * k as f64).sin_cos();
        let r = (1.0 - z * z).sqrt();
        quadratic(m, &[r * cos, r * sin, z])
    };
    (0..count).map(at).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(a: &[f64], b: &[f64]) -> f64 {
        let off: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        (off / dot(b, b)).sqrt()
    }

    #[test]
    fn sought_plans_lose_what_the_closed_form_says_and_its_slope_needs_plans_that_follow() {
        for seed in 0..5 {
            let rng = &mut Rng::new(seed);
            let family = Family::draw(rng);
            let (exact, task) = (family.exact().unwrap(), unit([(); STATE].map(|()| rng.normal())));
            let (gap, truth) = (family.gap(&task), quadratic(&exact, &task));
            assert!((gap - truth).abs() < 1e-6 * truth, "{gap} {truth}");
            let closed = [0, 1, 2].map(|i| 2.0 * dot(&exact[i], &task));
            let differences = [0, 1, 2].map(|i| {
                let [more, less] = [1e-3, -1e-3].map(|by| {
                    let mut moved = task;
                    moved[i] += by;
                    family.gap(&moved)
                });
                (more - less) / 2e-3
            });
            let [slope, still] = family.slope(&task);
            assert!(apart(&differences, &closed) < 1e-5, "{differences:?} {closed:?}");
            assert!(apart(&slope, &differences) < 1e-5, "{slope:?} {differences:?}");
            // A plan that stays where it is says something else.
            assert!(apart(&still, &differences) > 0.02, "{still:?} {differences:?}");
        }
    }

    #[test]
    fn ascent_finds_the_eigenvector_of_the_largest_eigenvalue() {
        for seed in 0..5 {
            let rng = &mut Rng::new(seed);
            let family = Family::draw(rng);
            let exact = family.exact().unwrap();
            let (largest, worst) = top(&exact);
            let on_grid = grid(&exact, 20_000);
            assert!(on_grid <= largest * (1.0 + 1e-9) && on_grid > 0.999 * largest, "{on_grid} {largest}");
            let starts = [(); 3].map(|()| unit([(); STATE].map(|()| rng.normal())));
            let found = starts.map(|start| family.ascend(start, 40, &Interrupt::never()).unwrap());
            let gap = found.map(|task| quadratic(&exact, &task)).into_iter().fold(0.0, f64::max);
            assert!(gap > 0.98 * on_grid, "{gap} of {on_grid}");
            assert!(found.iter().any(|task| dot(task, &worst).abs() > 0.98), "{found:?} {worst:?}");
            // Where it started it was not there already.
            let began = starts.map(|task| quadratic(&exact, &task)).into_iter().fold(f64::INFINITY, f64::min);
            assert!(began < 0.8 * on_grid, "{began} of {on_grid}");
        }
    }
}
