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

/// Student's t at 97.5 %, by degrees of freedom from 1 on.
const STUDENT: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139,
    2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963,
    2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
];

/// By how many standard errors a 95 % interval reaches to each side with so many degrees of freedom (at least one): Student's t, beyond the table by the first terms of
/// its expansion about the normal distribution (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5).
pub(crate) fn student(degrees: usize) -> f64 {
    const NORMAL: f64 = 1.959_964;
    if let Some(t) = STUDENT.get(degrees.saturating_sub(1)) {
        return *t;
    }
    let (n, z) = (degrees as f64, NORMAL);
    z + (z.powi(3) + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n)
}

/// An estimate of what lies between `least` and `most`: its interval does not leave them.
pub(crate) fn bounded([mean, low, high]: [f64; 3], [least, most]: [f64; 2]) -> [f64; 3] {
    [mean, low.max(least).min(mean), high.min(most).max(mean)]
}

/// Mean and the ends of its 95 % interval by Student's t. Of one number no interval is known: both ends are the number, which tables show alone.
pub(crate) fn estimate(numbers: &[f64]) -> [f64; 3] {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    if numbers.len() < 2 {
        return [mean; 3];
    }
    let variance = numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / (n - 1.0);
    let half = student(numbers.len() - 1) * (variance / n).sqrt();
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
    let half = match points.len() {
        0..=2 => f64::INFINITY,
        count => student(count - 2) * (squares / (n - 2.0) / sxx).sqrt(),
    };
    [y - slope * x, slope, half]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_and_lines_are_those_of_closed_forms() {
        let [mean, low, high] = estimate(&[1.0, 2.0, 3.0]);
        assert!((mean - 2.0).abs() < 1e-12 && (high - low - 2.0 * student(2) / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(estimate(&[4.0]), [4.0; 3]);
        let [intercept, slope, half] = line(&[[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]);
        assert!((intercept - 1.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12 && half < 1e-9);
        // Residuals ±1/3, −2/3 about y = 5/6 + x: s² = 1/6, sxx = 2.
        let [_, slope, half] = line(&[[0.0, 0.5], [1.0, 2.5], [2.0, 2.5]]);
        assert!((slope - 1.0).abs() < 1e-12 && (half - student(1) * (2.0f64 / 3.0 / 2.0).sqrt()).abs() < 1e-9);
    }

    /// With t = √n tan θ the density of Student's t is that of cosⁿ⁻¹ θ.
    #[test]
    fn ninety_five_per_cent_of_students_distribution_lie_within_its_quantile() {
        for n in 1..=60 {
            let share = |end: f64| {
                let steps = 2000;
                let at = |i: i32| end * (f64::from(i) + 0.5) / f64::from(steps);
                end / f64::from(steps) * (0..steps).map(|i| at(i).cos().powi(n - 1)).sum::<f64>()
            };
            let within = share((student(n as usize) / f64::from(n).sqrt()).atan());
            let all = share(std::f64::consts::FRAC_PI_2);
            assert!((within / all - 0.95).abs() < 1e-5, "{n}: {}", within / all);
        }
    }

    #[test]
    fn intervals_stay_within_bounds_and_hold_their_mean() {
        assert_eq!(bounded([99.0, 96.0, 102.0], [0.0, 100.0]), [99.0, 96.0, 100.0]);
        assert_eq!(bounded([1.0, -2.0, 4.0], [0.0, 100.0]), [1.0, 0.0, 4.0]);
    }
}
