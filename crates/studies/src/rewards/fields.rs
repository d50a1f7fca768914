//! Fields of ground that pay by its kind, and what is best in them: by dynamic programming over the steps that are left, hard and soft.
//!
//! A walker moves to one of four neighbours or stays, for a number of steps; each step pays the weight of the ground that it leads to. All walks are equally long, so that what is
//! added to all weights changes no choice.
//! The log-likelihood of walks under `p(walk) ∝ exp(β · pay)` is exact: for a world without chance soft values normalise it (Ziebart, Maas, Bagnell and Dey, "Maximum Entropy
//! Inverse Reinforcement Learning", AAAI 2008).

use worldwright_core::Rng;

/// Kinds of ground: what a reward has a weight for.
pub(super) const KINDS: usize = 4;
pub(super) const DIRT: usize = 0;
pub(super) const GRASS: usize = 1;
pub(super) const TARGET: usize = 2;
pub(super) const LAVA: usize = 3;

/// A weight for each kind of ground, or how often each was stepped on.
pub(super) type Kinds = [f64; KINDS];

/// Stay, or go to a neighbour.
const MOVES: [[isize; 2]; 5] = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]];

/// A square of ground.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub side: usize,
    pub ground: Vec<usize>,
    pub start: usize,
    /// Steps that a walk has.
    pub steps: usize,
}

pub(super) fn dot(weights: &Kinds, counts: &Kinds) -> f64 {
    weights.iter().zip(counts).map(|(weight, count)| weight * count).sum()
}

impl Field {
    /// Dirt with meadows and one target; with lava, a third of the ground between is of it too.
    pub(super) fn draw(side: usize, lava: bool, rng: &mut Rng) -> Self {
        let cells = side * side;
        let mut ground = vec![DIRT; cells];
        let mut patch = |kind: usize, rng: &mut Rng| {
            let [x, y] = [0; 2].map(|_: usize| rng.below(side as u64 - 2) as usize);
            for cell in [0, 1, 2].into_iter().flat_map(|i| [0, 1, 2].map(|j| (y + i) * side + x + j)) {
                ground[cell] = kind;
            }
        };
        (0..side / 2).for_each(|_| patch(GRASS, rng));
        if lava {
            (0..side / 3).for_each(|_| patch(LAVA, rng));
        }
        let (start, target) = (0, cells - 1 - rng.below(side as u64) as usize);
        ground[start] = DIRT;
        ground[target] = TARGET;
        Self { side, ground, start, steps: 3 * side }
    }

    fn next(&self, cell: usize, [dx, dy]: [isize; 2]) -> usize {
        let side = self.side as isize;
        let (x, y) = (cell as isize % side + dx, cell as isize / side + dy);
        if (0..side).contains(&x) && (0..side).contains(&y) { (y * side + x) as usize } else { cell }
    }

    /// What each move is worth in each cell with so many steps left, `[step][cell][move]`; `join` is what the values of a cell's moves come to.
    fn values(&self, weights: &Kinds, join: impl Fn(&[f64; 5]) -> f64) -> Vec<Vec<[f64; 5]>> {
        let mut later = vec![0.0; self.ground.len()];
        let mut values = Vec::with_capacity(self.steps);
        for _ in 0..self.steps {
            let of = |cell: usize| {
                MOVES.map(|by| {
                    let next = self.next(cell, by);
                    weights[self.ground[next]] + later[next]
                })
            };
            let here: Vec<[f64; 5]> = (0..self.ground.len()).map(of).collect();
            later = here.iter().map(&join).collect();
            values.push(here);
        }
        values.reverse();
        values
    }

    /// The best walk under weights: how often it steps on each kind. Among equals the first move is taken.
    pub(super) fn best(&self, weights: &Kinds) -> Kinds {
        let most = |values: &[f64; 5]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let values = self.values(weights, most);
        self.walk(|step, cell| {
            let best = most(&values[step][cell]);
            values[step][cell].iter().position(|value| *value >= best).unwrap_or(0)
        })
    }

    /// A walk whose likelihood grows with what it pays, exactly drawn.
    pub(super) fn soft_walk(&self, weights: &Kinds, sharpness: f64, rng: &mut Rng) -> Kinds {
        let values = self.soft(weights, sharpness);
        self.walk(|step, cell| {
            let values = &values[step][cell];
            let total = log_sum(values);
            let mut left = rng.uniform();
            for (i, value) in values.iter().enumerate() {
                left -= (value - total).exp();
                if left < 0.0 {
                    return i;
                }
            }
            0
        })
    }

    /// Soft values of moves, in units of one over the sharpness.
    fn soft(&self, weights: &Kinds, sharpness: f64) -> Vec<Vec<[f64; 5]>> {
        self.values(&weights.map(|weight| sharpness * weight), log_sum)
    }

    /// The logarithm of the sum of `exp(sharpness · pay)` over all walks.
    pub(super) fn log_partition(&self, weights: &Kinds, sharpness: f64) -> f64 {
        log_sum(&self.soft(weights, sharpness)[0][self.start])
    }

    /// How often a walk steps on each kind.
    fn walk(&self, mut choose: impl FnMut(usize, usize) -> usize) -> Kinds {
        let (mut cell, mut counts) = (self.start, [0.0; KINDS]);
        for step in 0..self.steps {
            cell = self.next(cell, MOVES[choose(step, cell)]);
            counts[self.ground[cell]] += 1.0;
        }
        counts
    }
}

fn log_sum(values: &[f64; 5]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + values.iter().map(|value| (value - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every walk, move by move.
    fn all(field: &Field, cell: usize, left: usize, counts: Kinds, walks: &mut Vec<Kinds>) {
        for by in MOVES {
            let next = field.next(cell, by);
            let mut counts = counts;
            counts[field.ground[next]] += 1.0;
            if left == 1 {
                walks.push(counts);
            } else {
                all(field, next, left - 1, counts, walks);
            }
        }
    }

    fn field() -> (Field, Vec<Kinds>) {
        let field = Field {
            side: 3,
            ground: vec![DIRT, GRASS, DIRT, DIRT, LAVA, DIRT, GRASS, DIRT, TARGET],
            start: 0,
            steps: 5,
        };
        let mut walks = Vec::new();
        all(&field, 0, 5, [0.0; KINDS], &mut walks);
        (field, walks)
    }

    #[test]
    fn the_best_of_all_walks_is_found() {
        let (field, walks) = field();
        for weights in [[-0.1, -0.5, 1.0, -1.0], [0.2, 0.0, -1.0, 0.5], [-0.1, -0.9, 1.0, 0.3]] {
            let most = walks.iter().map(|counts| dot(&weights, counts)).fold(f64::NEG_INFINITY, f64::max);
            assert!((dot(&weights, &field.best(&weights)) - most).abs() < 1e-12, "{weights:?}");
        }
    }

    #[test]
    fn partitions_are_sums_over_all_walks_and_draws_have_their_shares() {
        let (field, walks) = field();
        let weights = [-0.1, -0.5, 1.0, -1.0];
        let shares: Vec<f64> = walks.iter().map(|counts| (2.0 * dot(&weights, counts)).exp()).collect();
        let total: f64 = shares.iter().sum();
        assert!((field.log_partition(&weights, 2.0) - total.ln()).abs() < 1e-12);
        let expected: f64 = walks.iter().zip(&shares).map(|(counts, share)| counts[LAVA] * share / total).sum();
        let rng = &mut Rng::new(4);
        let drawn = (0..4000).map(|_| field.soft_walk(&weights, 2.0, rng)[LAVA]).sum::<f64>() / 4000.0;
        assert!((drawn - expected).abs() < 0.05, "{drawn} against {expected}");
    }
}
