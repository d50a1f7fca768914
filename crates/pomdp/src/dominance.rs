//! Where does a vector over states beat all others? A small linear programme.
//!
//! The largest margin `max_b min_i b · (α − α_i)` over beliefs b is the value of a matrix game with payoffs `M[s][i] = α(s) − α_i(s)`.
//! With M shifted to be positive, the column player's programme `max Σ y_i, M y ≤ 1, y ≥ 0` starts from its slack basis, so there is
//! no first phase: the value is `1 / Σ y`, and the prices of the rows are the belief (von Neumann; Dantzig 1951). A dense tableau
//! of S rows, with Bland's rule against cycling; S is small wherever exact value iteration is possible.

/// The tableau, kept between programmes so that it is allocated once.
#[derive(Debug, Default)]
pub(super) struct Dominance {
    /// `[S + 1][columns]`: payoffs, slacks, right-hand side; the last row is the objective's.
    tableau: Vec<f64>,
    basis: Vec<usize>,
    /// The belief where the margin is largest.
    pub(super) witness: Vec<f64>,
}

/// Below this a number of the tableau is zero.
const ZERO: f64 = 1e-12;
/// Pivots after which Bland's rule chooses, which cannot cycle, in place of the steepest column.
const PATIENCE: usize = 50;
/// Pivots for each row and column after which rounding is taken to go in circles; the best mixture so far is the answer then.
const MOST: usize = 20;

impl Dominance {
    /// The largest margin by which `vector` beats all of `others` (infinite where there are none); the belief is left in `witness`.
    /// Where it is found not to exceed `floor`, a bound on it is returned instead, and the belief means nothing.
    pub(super) fn margin<'a>(
        &mut self,
        vector: &[f64],
        others: impl Iterator<Item = &'a [f64]> + Clone,
        floor: f64,
    ) -> f64 {
        let (rows, columns) = (vector.len(), others.clone().count());
        self.witness.clear();
        self.witness.resize(rows, 1.0 / rows as f64);
        if columns == 0 {
            return f64::INFINITY;
        }
        let lowest =
            others.clone().flat_map(|other| vector.iter().zip(other).map(|(a, b)| a - b)).fold(f64::INFINITY, f64::min);
        let shift = 1.0 - lowest;
        let width = columns + rows + 1;
        self.tableau.clear();
        self.tableau.resize((rows + 1) * width, 0.0);
        self.basis.clear();
        self.basis.extend(columns..columns + rows);
        for (column, other) in others.enumerate() {
            for row in 0..rows {
                self.tableau[row * width + column] = vector[row] - other[row] + shift;
            }
            self.tableau[rows * width + column] = -1.0;
        }
        for row in 0..rows {
            self.tableau[row * width + columns + row] = 1.0;
            self.tableau[row * width + width - 1] = 1.0;
        }
        self.solve(rows, width, shift + floor);
        let objective = &self.tableau[rows * width..];
        let total = objective[width - 1];
        for (row, share) in self.witness.iter_mut().enumerate() {
            *share = (objective[columns + row] / total).max(0.0);
        }
        let sum: f64 = self.witness.iter().sum();
        self.witness.iter_mut().for_each(|share| *share /= sum);
        1.0 / total - shift
    }

    /// Pivots until no column improves. The programme is bounded, for every payoff is positive. Each mixture of columns bounds the value
    /// from above by one over its sum, so the search may end once that is not above `floor`.
    fn solve(&mut self, rows: usize, width: usize, floor: f64) {
        for pivot in 0..PATIENCE + MOST * (rows + width) {
            if self.tableau[rows * width + width - 1] * floor >= 1.0 {
                return;
            }
            let objective = &self.tableau[rows * width..rows * width + width - 1];
            let improving = |(_, price): &(usize, &f64)| **price < -ZERO;
            let entering = if pivot < PATIENCE {
                objective.iter().enumerate().filter(improving).min_by(|a, b| a.1.total_cmp(b.1))
            } else {
                objective.iter().enumerate().find(improving)
            };
            let Some((column, _)) = entering else { return };
            let ratio = |row: usize| {
                let at = self.tableau[row * width + column];
                (at > ZERO).then(|| self.tableau[row * width + width - 1] / at)
            };
            let leaving = (0..rows)
                .filter_map(|row| ratio(row).map(|ratio| (ratio, self.basis[row], row)))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let Some((_, _, row)) = leaving else { return };
            self.basis[row] = column;
            let inverse = 1.0 / self.tableau[row * width + column];
            self.tableau[row * width..(row + 1) * width].iter_mut().for_each(|number| *number *= inverse);
            for other in (0..=rows).filter(|other| *other != row) {
                let factor = self.tableau[other * width + column];
                if factor != 0.0 {
                    for at in 0..width {
                        self.tableau[other * width + at] -= factor * self.tableau[row * width + at];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin(vector: &[f64], others: &[&[f64]]) -> (f64, Vec<f64>) {
        let mut dominance = Dominance::default();
        (dominance.margin(vector, others.iter().copied(), f64::NEG_INFINITY), dominance.witness)
    }

    #[test]
    fn margins_are_those_of_the_games() {
        // Matching pennies: nothing beats both by more than half at the middle.
        let (value, witness) = margin(&[0.5, 0.5], &[&[1.0, 0.0], &[0.0, 1.0]]);
        assert!(value.abs() < 1e-12 && (witness[0] - 0.5).abs() < 1e-12, "{value} {witness:?}");
        // 0.6 everywhere beats them by 0.1 there; 0.3 is below by 0.2 at best.
        assert!((margin(&[0.6, 0.6], &[&[1.0, 0.0], &[0.0, 1.0]]).0 - 0.1).abs() < 1e-12);
        assert!((margin(&[0.3, 0.3], &[&[1.0, 0.0], &[0.0, 1.0]]).0 + 0.2).abs() < 1e-12);
        // Against itself, and against something better everywhere.
        assert!(margin(&[1.0, -2.0, 3.0], &[&[1.0, -2.0, 3.0]]).0.abs() < 1e-12);
        assert!((margin(&[1.0, 2.0, 3.0], &[&[2.0, 4.0, 6.0]]).0 + 1.0).abs() < 1e-12);
        // Three states: the margin at the witness is what was promised.
        let others: [&[f64]; 3] = [&[4.0, 0.0, 1.0], &[0.0, 5.0, 1.0], &[1.0, 1.0, 3.0]];
        let (value, witness) = margin(&[2.0, 2.0, 2.0], &others);
        let least = others
            .iter()
            .map(|other| witness.iter().zip(*other).map(|(b, x)| b * (2.0 - x)).sum::<f64>())
            .fold(f64::INFINITY, f64::min);
        assert!((value - least).abs() < 1e-12, "{value} at {witness:?}, which gives {least}");
    }
}
