//! Linear probes: what a linear function of some numbers can tell of a class, on episodes that it was not fitted to (Alain and Bengio, "Understanding Intermediate Layers Using Linear
//! Classifier Probes", 2016). A probe is ridge regression on classes one-hot, of which the greatest is taken.
//!
//! That a probe tells something may be its own doing. Its control is the same probe on the same numbers with the classes shuffled, and what counts is by how much it beats that (Hewitt and
//! Liang, "Designing and Interpreting Probes with Control Tasks", EMNLP 2019).

use worldwright_core::{Result, Rng};
use worldwright_numerics::cholesky;

/// Weight of the sum of squares, as a share of the number of rows.
const RIDGE: f64 = 1e-3;

/// Numbers by row, each with a class.
#[derive(Clone, Default)]
pub(super) struct Rows {
    pub(super) numbers: Vec<Vec<f64>>,
    pub(super) classes: Vec<usize>,
}

impl Rows {
    /// The same with their classes shuffled.
    fn shuffled(&self, rng: &mut Rng) -> Self {
        let mut other = self.clone();
        rng.shuffle(&mut other.classes);
        other
    }
}

/// Share of the second rows whose class a probe that was fitted to the first ones tells.
pub(super) fn told([fitted, judged]: [&Rows; 2], classes: usize) -> Result<f64> {
    let width = fitted.numbers[0].len() + 1;
    let (mut square, mut cross) = (vec![0.0; width * width], vec![vec![0.0; width]; classes]);
    let mut row = vec![1.0; width];
    for (numbers, class) in fitted.numbers.iter().zip(&fitted.classes) {
        row[1..].copy_from_slice(numbers);
        for i in 0..width {
            (0..=i).for_each(|j| square[i * width + j] += row[i] * row[j]);
            cross[*class][i] += row[i];
        }
    }
    let ridge = RIDGE * fitted.numbers.len() as f64;
    (0..width).for_each(|i| square[i * width + i] += ridge);
    cholesky::factor(&mut square, width)?;
    cross.iter_mut().for_each(|column| cholesky::solve(&square, width, column));
    let mut right = 0usize;
    for (numbers, class) in judged.numbers.iter().zip(&judged.classes) {
        row[1..].copy_from_slice(numbers);
        let score = |k: usize| -> f64 { row.iter().zip(&cross[k]).map(|(x, w)| x * w).sum() };
        let best = (1..classes).fold((0, score(0)), |best, k| if score(k) > best.1 { (k, score(k)) } else { best });
        right += usize::from(best.0 == *class);
    }
    Ok(right as f64 / judged.numbers.len() as f64)
}

/// The same with the classes of both shuffled.
pub(super) fn control([fitted, judged]: [&Rows; 2], classes: usize, rng: &mut Rng) -> Result<f64> {
    let (fitted, judged) = (fitted.shuffled(rng), judged.shuffled(rng));
    told([&fitted, &judged], classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_told_and_what_is_not_is_left_to_chance() {
        let rng = &mut Rng::new(6);
        let mut rows = |count: usize, linear: bool| {
            let mut rows = Rows::default();
            for _ in 0..count {
                let class = rng.below(4) as usize;
                let mut numbers: Vec<f64> = (0..6).map(|_| 0.1 * rng.normal()).collect();
                if linear {
                    numbers[class] += 1.0;
                }
                rows.numbers.push(numbers);
                rows.classes.push(class);
            }
            rows
        };
        let [there, other, nothing, judged] = [rows(600, true), rows(600, true), rows(600, false), rows(600, false)];
        assert!(told([&there, &other], 4).unwrap() > 0.99);
        // A quarter, within four deviations.
        let chance = [told([&nothing, &judged], 4), control([&there, &other], 4, &mut Rng::new(1))];
        for share in chance.map(Result::unwrap) {
            assert!((share - 0.25).abs() < 0.071, "{share}");
        }
    }
}
