//! Who solves the linear world by which calls, and how many of them.
//!
//! - `Fit`: least squares on transitions, whose world is solved; with the cost given, or fitted too from what steps cost.
//! - `Valuing`: fitted Q iteration with quadratic features (Bradtke, Ydstie and Barto, "Adaptive Linear Quadratic Control Using Policy Iteration", 1994, has them): no model,
//!   yet every transition counts.
//! - `Searching`: random search on the returns of whole episodes (Mania, Guy and Recht, "Simple Random Search Provides a Competitive Approach to Reinforcement Learning",
//!   NeurIPS 2018, ARS-V1).
//! - `Descending`: the exact gradient of the return, a call a step down.

use worldwright_core::{Interrupt, Result, Rng};

use super::matrix::Matrix;
use super::world::{DISCOUNT, World};

/// Share of what can be saved that is good enough.
pub(super) const LEVEL: f64 = 0.98;
/// Steps of an episode of random actions.
const EXPLORING: usize = 10;
/// Steps of an episode that is judged by its return: 0.95^60 is a twentieth.
const JUDGED: usize = 60;
/// What keeps systems of equations solvable before there is enough data.
const RIDGE: f64 = 1e-6;
/// Iterations of values: 0.95^200 is far below what counts.
const VALUING: usize = 200;
/// Gradients asked for at most.
const MOST_GRADIENTS: usize = 10_000;
/// How far random search looks to both sides.
const PROBE: f64 = 0.1;

/// A world to solve, and when it is.
pub(super) struct Task<'a> {
    world: World,
    enough: f64,
    most: usize,
    interrupt: &'a Interrupt,
}

impl<'a> Task<'a> {
    pub(super) fn new(world: World, most: usize, interrupt: &'a Interrupt) -> Result<Self> {
        let [d, m] = world.sizes();
        let (idle, best) = (world.cost(&Matrix::zeros(m, d)), world.cost(&world.best()?));
        Ok(Self { enough: idle - LEVEL * (idle - best), world, most, interrupt })
    }

    fn solved(&self, gain: &Matrix) -> bool {
        self.world.cost(gain) <= self.enough
    }

    /// Looks at each count until a twentieth has come to it, so that looking costs little; stops at the first count that `solves`.
    fn first(&self, mut solves: impl FnMut(usize) -> Result<bool>) -> Result<Option<usize>> {
        let mut count = 1;
        while count <= self.most {
            self.interrupt.check("the study")?;
            if solves(count)? {
                return Ok(Some(count));
            }
            count += (count / 20).max(1);
        }
        Ok(None)
    }
}

/// Transitions as sums, which is all that least squares needs.
struct Sums {
    /// Of `z zᵀ` and `z x'ᵀ` for `z = (x, u)`.
    moved: [Matrix; 2],
    /// Of `φ φᵀ`, `φ c` and `φ ψᵀ` for the products `φ` of two of `z` and the products `ψ` of two of `x'`, each with a constant.
    valued: Option<[Matrix; 3]>,
}

/// Products of two numbers each once, and a one.
fn products(numbers: &[f64], out: &mut Vec<f64>) {
    out.clear();
    for (i, a) in numbers.iter().enumerate() {
        out.extend(numbers[i..].iter().map(|b| a * b));
    }
    out.push(1.0);
}

/// The symmetric matrix whose quadratic form has these coefficients; the last one is the constant.
fn symmetric(coefficients: &[f64], n: usize) -> Matrix {
    let mut matrix = Matrix::zeros(n, n);
    let mut next = coefficients.iter();
    for i in 0..n {
        for j in i..n {
            let half = 0.5 * next.next().copied().unwrap_or(0.0);
            matrix.numbers[i * n + j] += half;
            matrix.numbers[j * n + i] += half;
        }
    }
    matrix
}

/// Coefficients of a quadratic form and a constant: the inverse of [`symmetric`].
fn coefficients(matrix: &Matrix, constant: f64) -> Matrix {
    let n = matrix.rows;
    let mut numbers = Vec::new();
    for i in 0..n {
        numbers.extend((i..n).map(|j| if i == j { 1.0 } else { 2.0 } * matrix.numbers[i * n + j]));
    }
    numbers.push(constant);
    Matrix { rows: numbers.len(), columns: 1, numbers }
}

/// Rows and columns of a matrix from `from` on.
fn block(matrix: &Matrix, from: [usize; 2], [rows, columns]: [usize; 2]) -> Matrix {
    let row = |i: usize| &matrix.numbers[(from[0] + i) * matrix.columns + from[1]..][..columns];
    Matrix { rows, columns, numbers: (0..rows).flat_map(|i| row(i).to_vec()).collect() }
}

fn add(sums: &mut Matrix, left: &[f64], right: &[f64]) {
    for (row, l) in sums.numbers.chunks_exact_mut(right.len()).zip(left) {
        row.iter_mut().zip(right).for_each(|(sum, r)| *sum += l * r);
    }
}

fn ridged(matrix: &Matrix) -> Matrix {
    matrix.clone().plus(RIDGE, &Matrix::identity(matrix.rows))
}

impl Sums {
    fn new([d, m]: [usize; 2], values: bool) -> Self {
        let n = d + m;
        let [p, q] = [n * (n + 1) / 2 + 1, d * (d + 1) / 2 + 1];
        let valued = values.then(|| [Matrix::zeros(p, p), Matrix::zeros(p, 1), Matrix::zeros(p, q)]);
        Self { moved: [Matrix::zeros(n, n), Matrix::zeros(n, d)], valued }
    }

    fn take(&mut self, joint: &[f64], next: &[f64], cost: f64, [phi, psi]: &mut [Vec<f64>; 2]) {
        add(&mut self.moved[0], joint, joint);
        add(&mut self.moved[1], joint, next);
        if let Some([squares, costs, led]) = &mut self.valued {
            products(joint, phi);
            products(next, psi);
            add(squares, phi, phi);
            add(costs, phi, &[cost]);
            add(led, phi, psi);
        }
    }

    /// The world of least squares, at the costs that are given or, where none are, at those fitted.
    fn world(&self, costs: Option<&[Matrix; 2]>) -> Result<World> {
        let [squares, led] = &self.moved;
        let [n, d] = [squares.rows, led.columns];
        let moves = ridged(squares).solve(led)?.transposed();
        let costs = match (costs, &self.valued) {
            (Some(costs), _) => costs.clone(),
            (None, Some([squares, costs, _])) => {
                let fitted = symmetric(&ridged(squares).solve(costs)?.numbers, n);
                [block(&fitted, [0, 0], [d, d]), block(&fitted, [d, d], [n - d, n - d])]
            }
            (None, None) => [Matrix::identity(d), Matrix::identity(n - d)],
        };
        Ok(World { a: block(&moves, [0, 0], [d, d]), b: block(&moves, [0, d], [d, n - d]), costs })
    }

    /// The gain of fitted Q iteration.
    fn valued_gain(&self) -> Result<Option<Matrix>> {
        let Some([squares, costs, led]) = &self.valued else { return Ok(None) };
        let [n, d] = [self.moved[0].rows, self.moved[1].columns];
        let m = n - d;
        let weights = ridged(squares);
        let (of_costs, of_values) = (weights.solve(costs)?, weights.solve(led)?);
        let (mut value, mut constant, mut gain) = (Matrix::zeros(d, d), 0.0, Matrix::zeros(m, d));
        for _ in 0..VALUING {
            let q = of_costs.clone().plus(DISCOUNT, &of_values.times(&coefficients(&value, constant)));
            constant = q.numbers.last().copied().unwrap_or(0.0);
            let q = symmetric(&q.numbers, n);
            let cross = block(&q, [d, 0], [m, d]);
            gain = block(&q, [d, d], [m, m]).solve(&cross)?;
            value = block(&q, [0, 0], [d, d]).plus(-1.0, &cross.transposed().times(&gain));
        }
        Ok(Some(gain))
    }
}

/// What a learner may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// Steps with their states; the cost is given.
    States,
    /// Steps with their states and costs.
    StatesAndCosts,
    /// Steps with their states and costs, of which values are learned and no model.
    Values,
    /// Any pair of state and action, of which one number at a time is not zero; the cost is given.
    Pairs,
    /// Steps of whole episodes, of which only returns are seen.
    Returns,
    /// The gradient of the return.
    Gradients,
}

impl Task<'_> {
    /// Calls until what is learned saves enough; none where that takes too many. `rate` is how far a learner goes that goes downhill.
    pub(super) fn calls(&self, calls: Calls, rate: f64, rng: &mut Rng) -> Result<Option<usize>> {
        match calls {
            Calls::Returns => self.searching(rate, rng),
            Calls::Gradients => self.descending(rate),
            _ => self.fitting(calls, rng),
        }
    }

    fn fitting(&self, calls: Calls, rng: &mut Rng) -> Result<Option<usize>> {
        let sizes = self.world.sizes();
        let [d, m] = sizes;
        let mut sums = Sums::new(sizes, matches!(calls, Calls::StatesAndCosts | Calls::Values));
        let (mut joint, mut next, mut room) = (vec![0.0; d + m], vec![0.0; d], [Vec::new(), Vec::new()]);
        let mut taken = 0;
        self.first(|count| {
            while taken < count {
                if calls == Calls::Pairs {
                    joint.fill(0.0);
                    // As long as what an episode begins with.
                    joint[taken % (d + m)] = ((d + m) as f64).sqrt();
                } else {
                    match taken % EXPLORING {
                        0 => joint[..d].iter_mut().for_each(|x| *x = rng.normal()),
                        _ => joint[..d].copy_from_slice(&next),
                    }
                    joint[d..].iter_mut().for_each(|u| *u = rng.normal());
                }
                let cost = self.world.step(&joint[..d], &joint[d..], &mut next, rng);
                sums.take(&joint, &next, cost, &mut room);
                taken += 1;
            }
            // Too little data gives worlds and values that have no solution: they are no answer yet.
            let gain = match calls {
                Calls::Values => sums.valued_gain().ok().flatten(),
                Calls::StatesAndCosts => sums.world(None).and_then(|world| world.best()).ok(),
                _ => sums.world(Some(&self.world.costs)).and_then(|world| world.best()).ok(),
            };
            Ok(gain.is_some_and(|gain| self.solved(&gain)))
        })
    }

    /// What an episode costs, and its steps.
    fn episode(&self, gain: &Matrix, rng: &mut Rng) -> f64 {
        let [d, m] = self.world.sizes();
        let (mut state, mut next, mut action) = (vec![0.0; d], vec![0.0; d], vec![0.0; m]);
        state.iter_mut().for_each(|x| *x = rng.normal());
        let (mut total, mut worth) = (0.0, 1.0);
        for _ in 0..JUDGED {
            gain.apply(&state, &mut action);
            action.iter_mut().for_each(|u| *u = -*u);
            total += worth * self.world.step(&state, &action, &mut next, rng);
            std::mem::swap(&mut state, &mut next);
            worth *= DISCOUNT;
        }
        total
    }

    fn searching(&self, rate: f64, rng: &mut Rng) -> Result<Option<usize>> {
        let [d, m] = self.world.sizes();
        let directions = (d * m / 2).max(4);
        let (mut gain, mut steps) = (Matrix::zeros(m, d), 0);
        while steps < self.most {
            self.interrupt.check("the study")?;
            let (mut towards, mut returns) = (Matrix::zeros(m, d), Vec::new());
            for _ in 0..directions {
                let probe = Matrix::normal(m, d, rng);
                let costs = [PROBE, -PROBE].map(|by| self.episode(&gain.clone().plus(by, &probe), rng));
                towards = towards.plus(costs[0] - costs[1], &probe);
                returns.extend(costs);
                steps += 2 * JUDGED;
            }
            let mean = returns.iter().sum::<f64>() / returns.len() as f64;
            let spread = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / returns.len() as f64).sqrt();
            gain = gain.plus(-rate / (directions as f64 * spread), &towards);
            if self.solved(&gain) {
                return Ok(Some(steps));
            }
        }
        Ok(None)
    }

    fn descending(&self, rate: f64) -> Result<Option<usize>> {
        let [d, m] = self.world.sizes();
        let mut gain = Matrix::zeros(m, d);
        for count in 1..=self.most.min(MOST_GRADIENTS) {
            self.interrupt.check("the study")?;
            let slope = self.world.gradient(&gain);
            gain = gain.plus(-rate, &slope);
            if self.solved(&gain) {
                return Ok(Some(count));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(d: usize, calls: Calls, rate: f64) -> Option<usize> {
        let world = World::draw(d, &mut Rng::new(5));
        let interrupt = Interrupt::default();
        Task::new(world, 400_000, &interrupt).unwrap().calls(calls, rate, &mut Rng::new(6)).unwrap()
    }

    #[test]
    fn forms_and_their_coefficients_are_inverse() {
        let form = Matrix { rows: 2, columns: 2, numbers: vec![1.0, 0.5, 0.5, 3.0] };
        assert_eq!(symmetric(&coefficients(&form, 7.0).numbers, 2), form);
        let mut out = Vec::new();
        products(&[2.0, -1.0], &mut out);
        let value: f64 = out.iter().zip(&coefficients(&form, 7.0).numbers).map(|(a, b)| a * b).sum();
        assert!((value - (form.quadratic(&[2.0, -1.0]) + 7.0)).abs() < 1e-12);
    }

    /// A linear world of four numbers is told by some tens of steps; who sees less of them needs more.
    #[test]
    fn who_sees_less_asks_more() {
        let pairs = calls(4, Calls::Pairs, 0.0).unwrap();
        assert!((6..60).contains(&pairs), "{pairs}: six unknown columns, seen through noise");
        let states = calls(4, Calls::States, 0.0).unwrap();
        let costs = calls(4, Calls::StatesAndCosts, 0.0).unwrap();
        let values = calls(4, Calls::Values, 0.0).unwrap();
        let returns = calls(4, Calls::Returns, 0.1).unwrap();
        assert!(states <= costs && costs < values && 10 * values < returns, "{states} {costs} {values} {returns}");
        assert!(calls(4, Calls::Gradients, 3e-4).is_some_and(|calls| calls < 1000));
    }
}
