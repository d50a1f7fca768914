//! How the plan that is best in a model moves with the task, by the implicit-function theorem.
//!
//! `θ(ψ)` maximises `V(θ, ψ)`, so that `∂V/∂θ = 0` along it and `dθ/dψ = −(∂²V/∂θ²)⁻¹ ∂²V/∂θ∂ψ` (Lin et al., NeurIPS 2020, section 4.2). The inverse is never built: conjugate gradients ask
//! for products with the second derivatives alone, and these are central differences of first ones, which are exact but for rounding where V is quadratic.

use worldwright_numerics::dense::dot;

/// Returns of plans for tasks, with derivatives.
pub(super) trait Returns {
    /// The return of a plan for a task; writes its derivatives by each.
    fn value(&self, plan: &[f64], task: &[f64], by_plan: &mut [f64], by_task: &mut [f64]) -> f64;

    /// The return alone.
    fn worth(&self, plan: &[f64], task: &[f64]) -> f64 {
        self.value(plan, task, &mut vec![0.0; plan.len()], &mut vec![0.0; task.len()])
    }
}

/// How far apart central differences are taken.
const APART: f64 = 1e-5;
/// Plans are made until the slope is below this, or for so many steps of Newton's.
const FLAT: f64 = 1e-9;
const STEPS: usize = 30;
/// Share of what is solved for that conjugate gradients leave.
const LEFT: f64 = 1e-8;

fn moved(from: &[f64], by: &[f64], share: f64) -> Vec<f64> {
    from.iter().zip(by).map(|(x, d)| x + share * d).collect()
}

/// How the slope by the plan changes while plan and task move along directions.
fn bent(returns: &dyn Returns, (plan, task): (&[f64], &[f64]), (by, to): (&[f64], &[f64])) -> Vec<f64> {
    let size = (dot(by, by) + dot(to, to)).sqrt().max(f64::MIN_POSITIVE);
    let (mut slopes, mut spare) = ([vec![0.0; plan.len()], vec![0.0; plan.len()]], vec![0.0; task.len()]);
    for (slope, sign) in slopes.iter_mut().zip([1.0, -1.0]) {
        let share = sign * APART / size;
        returns.value(&moved(plan, by, share), &moved(task, to, share), slope, &mut spare);
    }
    slopes[0].iter().zip(&slopes[1]).map(|(more, less)| (more - less) * size / (2.0 * APART)).collect()
}

/// Solves `−∂²V/∂θ² x = b` by conjugate gradients; stops where V bends upwards, as it does away from its maximum, with what it has, or with b where that is nothing.
fn solve(returns: &dyn Returns, (plan, task): (&[f64], &[f64]), b: &[f64]) -> Vec<f64> {
    let (mut x, mut rest, mut along) = (vec![0.0; b.len()], b.to_vec(), b.to_vec());
    let still = vec![0.0; task.len()];
    let mut square = dot(&rest, &rest);
    let enough = LEFT * LEFT * square;
    for step in 0..2 * b.len() {
        if square <= enough {
            break;
        }
        let image = bent(returns, (plan, task), (&along, &still));
        let curvature = -dot(&along, &image);
        if curvature <= 0.0 {
            return if step == 0 { b.to_vec() } else { x };
        }
        let far = square / curvature;
        x = moved(&x, &along, far);
        rest = moved(&rest, &image, far);
        let next = dot(&rest, &rest);
        along = moved(&rest, &along, next / square);
        square = next;
    }
    x
}

/// The plan that is best for a task, from a first one, by Newton's method with halved steps; and its return.
pub(super) fn best(returns: &dyn Returns, mut plan: Vec<f64>, task: &[f64]) -> (Vec<f64>, f64) {
    let (mut slope, mut spare) = (vec![0.0; plan.len()], vec![0.0; task.len()]);
    let mut value = returns.value(&plan, task, &mut slope, &mut spare);
    for _ in 0..STEPS {
        if dot(&slope, &slope).sqrt() < FLAT {
            break;
        }
        let step = solve(returns, (&plan, task), &slope);
        let found = (0..20).find_map(|halvings| {
            let next = moved(&plan, &step, 0.5f64.powi(halvings));
            let reached = returns.worth(&next, task);
            (reached > value).then_some((next, reached))
        });
        // Nothing is better along the step: it is as flat as can be told.
        let Some((next, reached)) = found else { break };
        let gained = reached - value;
        plan = next;
        value = returns.value(&plan, task, &mut slope, &mut spare);
        if gained < 1e-14 * (1.0 + reached.abs()) {
            break;
        }
    }
    (plan, value)
}

/// `dθ/dψ` at a best plan, a column a number of the task.
pub(super) fn sensitivity(returns: &dyn Returns, plan: &[f64], task: &[f64]) -> Vec<Vec<f64>> {
    let still = vec![0.0; plan.len()];
    let column = |i: usize| {
        let to: Vec<f64> = (0..task.len()).map(|j| f64::from(u8::from(i == j))).collect();
        let pulled = bent(returns, (plan, task), (&still, &to));
        solve(returns, (plan, task), &pulled)
    };
    (0..task.len()).map(column).collect()
}
