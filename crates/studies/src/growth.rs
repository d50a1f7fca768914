//! How numbers grow with the size of a world: as a power of it, or exponentially.
//!
//! Means are fitted twice by least squares in logarithms, by `c N^k` and by `c b^N`; the fit with the smaller residual tells which.

use worldwright_core::{Error, Result};

use crate::finding::line;
use crate::{Cell, Table};

/// Refuses sizes that no growth can be fitted to.
///
/// # Errors
/// [`Error::Config`] at `key` for fewer than three different sizes, or one given twice.
pub(crate) fn different(key: &str, sizes: &[usize]) -> Result<()> {
    let mut each = sizes.to_vec();
    each.sort_unstable();
    each.dedup();
    if each.len() < 3 || each.len() < sizes.len() {
        return Err(Error::config(key, format!("give at least three different numbers, got {sizes:?}")));
    }
    Ok(())
}

/// The table that rows are added to.
pub(crate) fn table() -> Table {
    Table {
        title: "How steps grow with the size N".into(),
        columns: ["world", "learner", "k of N^k", "b of b^N", "better fit", "solved up to"].map(String::from).to_vec(),
        rows: Vec::new(),
    }
}

/// How numbers grow with N.
struct Growth {
    /// `k` of `c N^k` with half its interval, and the root mean square residual in logarithms.
    power: [f64; 3],
    /// `b` of `c b^N` with the ends of its interval, and the residual.
    base: [f64; 4],
}

fn growth(points: &[[f64; 2]]) -> Growth {
    let residual = |points: &[[f64; 2]], [intercept, slope, _]: [f64; 3]| {
        let squares = points.iter().map(|[x, y]| (y - intercept - slope * x).powi(2)).sum::<f64>();
        (squares / points.len() as f64).sqrt()
    };
    let powers: Vec<[f64; 2]> = points.iter().map(|[n, steps]| [n.ln(), steps.ln()]).collect();
    let exponents: Vec<[f64; 2]> = points.iter().map(|[n, steps]| [*n, steps.ln()]).collect();
    let (power, exponent) = (line(&powers), line(&exponents));
    Growth {
        power: [power[1], power[2], residual(&powers, power)],
        base: [
            exponent[1].exp(),
            (exponent[1] - exponent[2]).exp(),
            (exponent[1] + exponent[2]).exp(),
            residual(&exponents, exponent),
        ],
    }
}

/// A row of the table of growth.
pub(crate) fn fitted(world: &str, learner: &str, means: &[[f64; 2]]) -> Vec<Cell> {
    let last = Cell::Text(means.last().map_or("none".to_owned(), |[n, _]| format!("{n}")));
    // What is not positive has no logarithm.
    if means.len() < 3 || !means.iter().all(|[_, steps]| *steps > 0.0 && steps.is_finite()) {
        return vec![world.into(), learner.into(), "–".into(), "–".into(), "too few sizes solved".into(), last];
    }
    let Growth { power: [k, half, off], base: [b, low, high, other] } = growth(means);
    let better = if off <= other { "power" } else { "exponential" };
    vec![
        world.into(),
        learner.into(),
        Cell::Estimate([k, k - half, k + half]),
        Cell::Estimate([b, low, high]),
        better.into(),
        last,
    ]
}

/// What the rows say, a sentence each.
pub(crate) fn findings(fits: &Table) -> Vec<String> {
    let text = |cell: &Cell| if let Cell::Text(text) = cell { text.clone() } else { String::new() };
    fits.rows
        .iter()
        .map(|row| {
            let (world, learner, better) = (text(&row[0]), text(&row[1]), text(&row[4]));
            match (better.as_str(), &row[2], &row[3]) {
                ("power", Cell::Estimate([k, low, high]), _) => {
                    let so = moves(*low, *high, 0.0);
                    format!("{world}, {learner}: steps {so} as N to the power {k:.1} ({low:.1} to {high:.1})")
                }
                ("exponential", _, Cell::Estimate([b, low, high])) => {
                    let so = moves(*low, *high, 1.0);
                    format!("{world}, {learner}: steps {so} by a factor of {b:.2} a size ({low:.2} to {high:.2})")
                }
                _ => format!("{world}, {learner}: {better}"),
            }
        })
        .collect()
}

/// Whether what an interval says is beyond or below what would be no growth.
pub(crate) fn moves(low: f64, high: f64, still: f64) -> &'static str {
    if low > still {
        "grow"
    } else if high < still {
        "fall,"
    } else {
        "neither grow nor fall surely,"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_is_said_to_fall_and_what_cannot_be_fitted_is_not() {
        let sizes = [4.0, 6.0, 8.0, 12.0, 16.0];
        let said = |steps: &dyn Fn(f64) -> f64| {
            let mut table = table();
            table.rows.push(fitted("w", "l", &sizes.map(|n| [n, steps(n)])));
            findings(&table).remove(0)
        };
        assert!(said(&|n| 9.0 / n).contains("steps fall, as N to the power -1.0"), "{}", said(&|n| 9.0 / n));
        assert!(said(&|n| 0.9f64.powf(n)).contains("steps fall, by a factor of 0.90"));
        assert!(said(&|n| n * n).contains("steps grow as"));
        assert!(said(&|n| if n == 6.0 { 1.0 } else { 1.2 }).contains("neither grow nor fall"));
        assert!(said(&|n| n - 4.0).contains("too few sizes solved"));
        assert!(different("sizes", &[2, 4, 3]).is_ok());
        for sizes in [vec![2, 3], vec![2, 2, 3], vec![2, 3, 4, 4]] {
            let why = different("sizes", &sizes).unwrap_err().to_string();
            assert!(why.contains("at least three different numbers") && why.contains(&format!("{sizes:?}")), "{why}");
        }
    }

    #[test]
    fn growth_is_told_from_numbers_that_grow_so() {
        let sizes = [4.0, 6.0, 8.0, 12.0, 16.0];
        let cubes = growth(&sizes.map(|n: f64| [n, 3.0 * n.powi(3)]));
        assert!((cubes.power[0] - 3.0).abs() < 1e-9 && cubes.power[2] < 1e-9 && cubes.base[3] > 0.1);
        let doubled = growth(&sizes.map(|n: f64| [n, 5.0 * 2f64.powf(n)]));
        assert!((doubled.base[0] - 2.0).abs() < 1e-9 && doubled.base[3] < 1e-9 && doubled.power[2] > 0.1);
    }
}
