//! How numbers grow with the size of a world: as a power of it, or exponentially.
//!
//! Means are fitted twice by least squares in logarithms, by `c N^k` and by `c b^N`; the fit with the smaller residual tells which.

use crate::finding::line;
use crate::{Cell, Table};

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
    if means.len() < 3 {
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
                    format!("{world}, {learner}: steps grow as N to the power {k:.1} ({low:.1} to {high:.1})")
                }
                ("exponential", _, Cell::Estimate([b, low, high])) => {
                    format!("{world}, {learner}: steps grow by a factor of {b:.2} a size ({low:.2} to {high:.2})")
                }
                _ => format!("{world}, {learner}: {better}"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_numbers_that_grow_so() {
        let sizes = [4.0, 6.0, 8.0, 12.0, 16.0];
        let cubes = growth(&sizes.map(|n: f64| [n, 3.0 * n.powi(3)]));
        assert!((cubes.power[0] - 3.0).abs() < 1e-9 && cubes.power[2] < 1e-9 && cubes.base[3] > 0.1);
        let doubled = growth(&sizes.map(|n: f64| [n, 5.0 * 2f64.powf(n)]));
        assert!((doubled.base[0] - 2.0).abs() < 1e-9 && doubled.base[3] < 1e-9 && doubled.power[2] > 0.1);
    }
}
