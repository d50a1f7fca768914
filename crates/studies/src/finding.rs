//! What studies find.

/// The answer of a study.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// What came out, a sentence each.
    pub findings: Vec<String>,
    /// The numbers.
    pub tables: Vec<Table>,
    /// The numbers as pictures.
    pub figures: Vec<Figure>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// What each column holds.
    pub columns: Vec<String>,
    /// A cell a column.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// A number with the ends of its 95 % interval.
    Estimate([f64; 3]),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// A picture of curves over one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// What is laid along its axes, with units.
    pub axes: [String; 2],
    /// Whether each axis is logarithmic.
    pub logarithmic: [bool; 2],
    /// What is drawn.
    pub curves: Vec<Curve>,
}

/// Numbers with their spread.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// `[x, low, middle, high]`.
    pub points: Vec<[f64; 4]>,
}

/// Mean and the ends of its 95 % interval by the normal approximation; alone, a number is its own interval.
pub(crate) fn estimate(numbers: &[f64]) -> [f64; 3] {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    if numbers.len() < 2 {
        return [mean; 3];
    }
    let variance = numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / (n - 1.0);
    let half = 1.96 * (variance / n).sqrt();
    [mean, mean - half, mean + half]
}

/// A straight line through points by least squares: intercept, slope, and half the 95 % interval of the slope.
pub(crate) fn line(points: &[[f64; 2]]) -> [f64; 3] {
    let n = points.len() as f64;
    let mean = |i: usize| points.iter().map(|point| point[i]).sum::<f64>() / n;
    let (x, y) = (mean(0), mean(1));
    let sxx: f64 = points.iter().map(|point| (point[0] - x) * (point[0] - x)).sum();
    let sxy: f64 = points.iter().map(|point| (point[0] - x) * (point[1] - y)).sum();
    let slope = sxy / sxx;
    let squares: f64 = points.iter().map(|point| (point[1] - y - slope * (point[0] - x)).powi(2)).sum();
    let half = if points.len() > 2 { 1.96 * (squares / (n - 2.0) / sxx).sqrt() } else { f64::INFINITY };
    [y - slope * x, slope, half]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_and_lines_are_those_of_closed_forms() {
        let [mean, low, high] = estimate(&[1.0, 2.0, 3.0]);
        assert!((mean - 2.0).abs() < 1e-12 && (high - low - 2.0 * 1.96 / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(estimate(&[4.0]), [4.0; 3]);
        let [intercept, slope, half] = line(&[[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]);
        assert!((intercept - 1.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12 && half < 1e-9);
        // Residuals ±1/3, −2/3 about y = 5/6 + x: s² = 1/6, sxx = 2.
        let [_, slope, half] = line(&[[0.0, 0.5], [1.0, 2.5], [2.0, 2.5]]);
        assert!((slope - 1.0).abs() < 1e-12 && (half - 1.96 * (2.0f64 / 3.0 / 2.0).sqrt()).abs() < 1e-9);
    }
}
