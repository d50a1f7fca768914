//! Columns to mean zero and standard deviation one, and back.

use worldwright_core::{Array, Columns, ColumnsMut, Error, Result, State};

/// Mean and standard deviation of each dimension. A dimension that does not vary keeps the unit it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalizer {
    /// Mean of each dimension.
    pub mean: Vec<f64>,
    /// Standard deviation of each dimension, never zero.
    pub std: Vec<f64>,
}

/// Mean and standard deviation of a column, computed in `unit`s.
fn moments(column: &[f64], count: f64, unit: f64) -> (f64, f64) {
    let average = column.iter().map(|number| number / unit).sum::<f64>() / count;
    let squares = column.iter().map(|number| (number / unit - average).powi(2)).sum::<f64>();
    (average * unit, (squares / count).sqrt() * unit)
}

impl Normalizer {
    /// The moments of `columns` over their rows.
    pub fn fit(columns: Columns<'_>) -> Self {
        let count = columns.rows().max(1) as f64;
        let (mut mean, mut std) = (Vec::with_capacity(columns.dims()), Vec::with_capacity(columns.dims()));
        for dim in 0..columns.dims() {
            let column = columns.column(dim);
            let (mut average, mut spread) = moments(column, count, 1.0);
            if !spread.is_finite() {
                // Squares of numbers near the largest overflow; in units of the largest they do not.
                let largest = column.iter().fold(0.0f64, |most, number| most.max(number.abs()));
                (average, spread) = moments(column, count, largest);
            }
            if !(average.is_finite() && spread.is_finite()) {
                (average, spread) = (0.0, 0.0);
            }
            mean.push(average);
            // What rounding alone spreads is no variation.
            std.push(if spread > 1e-12 * average.abs().max(1e-12) { spread } else { 1.0 });
        }
        Self { mean, std }
    }

    /// How many dimensions.
    pub fn dims(&self) -> usize {
        self.mean.len()
    }

    /// Takes columns to normalised units, in place.
    pub fn normalize(&self, columns: &mut ColumnsMut<'_>) {
        for (dim, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            let scale = std.recip();
            columns.column_mut(dim).iter_mut().for_each(|number| *number = (*number - mean) * scale);
        }
    }

    /// Own standard deviations divided by `after`'s.
    pub(crate) fn ratios(&self, after: &Self) -> Vec<f64> {
        self.std.iter().zip(&after.std).map(|(old, new)| old / new).collect()
    }

    pub(crate) fn save(&self) -> State {
        let mut state = State::new();
        state.put("mean", Array::F64(vec![self.mean.len()], self.mean.clone()));
        state.put("std", Array::F64(vec![self.std.len()], self.std.clone()));
        state
    }

    pub(crate) fn restore(state: &State, dims: usize) -> Result<Self> {
        let (mean, std) = (state.f64s("mean", dims)?.to_vec(), state.f64s("std", dims)?.to_vec());
        if std.iter().any(|std| !std.is_finite() || *std <= 0.0) || mean.iter().any(|mean| !mean.is_finite()) {
            return Err(Error::external("saved state", "a normaliser's mean or standard deviation is not usable"));
        }
        Ok(Self { mean, std })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fitted_to_any_finite_numbers_reads_back() {
        for column in [
            [1e300, 0.0, 0.01],
            [f64::MAX, -f64::MAX, 0.0],
            [f64::MAX; 3],
            [5e-324, 0.0, 0.0],
            [f64::INFINITY, 0.0, 1.0],
        ] {
            let fitted = Normalizer::fit(Columns::new(&column, 1, 3).unwrap());
            assert_eq!(Normalizer::restore(&fitted.save(), 1).unwrap(), fitted, "{column:?}");
        }
        let fitted = Normalizer::fit(Columns::new(&[3e300, 1e300, 2e300], 1, 3).unwrap());
        assert!(
            (fitted.mean[0] / 2e300 - 1.0).abs() < 1e-12
                && (fitted.std[0] / (2.0f64 / 3.0).sqrt() / 1e300 - 1.0).abs() < 1e-12
        );
    }
}
