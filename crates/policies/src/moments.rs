//! Running moments of what is seen, over everything that ever was, merged batch by batch.
//!
//! Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979. What learns from nothing but its newest steps
//! keeps them, since nobody brings it older ones.

use worldwright_core::{Array, Result, State};

/// Mean and deviation of each of several numbers over all that were ever given.
pub(crate) struct Moments {
    count: f64,
    mean: Vec<f64>,
    /// Sums of squared distances from the mean.
    squares: Vec<f64>,
}

impl Moments {
    pub(crate) fn new(numbers: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; numbers], squares: vec![0.0; numbers] }
    }

    /// Takes in `rows` more, of which `of(row, d)` is number `d`; at least one.
    pub(crate) fn include(&mut self, rows: usize, of: impl Fn(usize, usize) -> f64) {
        let (new, all) = (rows as f64, self.count + rows as f64);
        for d in 0..self.mean.len() {
            let mean = (0..rows).map(|row| of(row, d)).sum::<f64>() / new;
            let squares = (0..rows).map(|row| (of(row, d) - mean) * (of(row, d) - mean)).sum::<f64>();
            let off = mean - self.mean[d];
            self.squares[d] += squares + off * off * self.count * new / all;
            self.mean[d] += off * new / all;
        }
        self.count = all;
    }

    /// Whether none were given yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// Mean and deviation of number `d`.
    pub(crate) fn of(&self, d: usize) -> (f64, f64) {
        (self.mean[d], (self.squares[d] / self.count.max(1.0)).sqrt())
    }

    pub(crate) fn save(&self, state: &mut State) {
        let numbers = [vec![self.count], self.mean.clone(), self.squares.clone()].concat();
        state.put("seen", Array::F64(vec![numbers.len()], numbers));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let numbers = self.mean.len();
        let saved = state.f64s("seen", 1 + 2 * numbers)?;
        self.count = saved[0];
        self.mean.copy_from_slice(&saved[1..=numbers]);
        self.squares.copy_from_slice(&saved[1 + numbers..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_pieces_are_those_of_the_whole() {
        let numbers: Vec<f64> = (0..30).map(|i| 1e3 + f64::from(i * i % 17)).collect();
        let (mut whole, mut pieces) = (Moments::new(1), Moments::new(1));
        whole.include(30, |row, _| numbers[row]);
        for piece in numbers.chunks(7) {
            pieces.include(piece.len(), |row, _| piece[row]);
        }
        let (one, other) = (whole.of(0), pieces.of(0));
        assert!((one.0 - other.0).abs() < 1e-9 && (one.1 - other.1).abs() < 1e-9, "{one:?} {other:?}");
        let mean = numbers.iter().sum::<f64>() / 30.0;
        assert!((one.0 - mean).abs() < 1e-9);
    }
}
