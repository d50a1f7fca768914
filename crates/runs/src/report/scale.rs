//! Axis scales: limits, ticks at round numbers (steps of 1, 2 or 5 times a power of ten) and their labels.

/// How numbers are laid along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScaleKind {
    /// Evenly.
    #[default]
    Linear,
    /// By their logarithm; only for positive numbers.
    Log,
}

/// An axis' limits with its ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    kind: ScaleKind,
    low: f64,
    high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// A scale over the finite ones of `numbers`, widened to round ticks when `round` is set. With nothing to show it spans
    /// zero to one, and with a single number it opens a span around it.
    pub(super) fn over(kind: ScaleKind, numbers: impl Iterator<Item = f64>, wanted: usize, round: bool) -> Self {
        // Beyond these the width of an axis would itself overflow.
        let shown = |number: &f64| number.abs() <= 1e300 && (*number == 0.0 || number.abs() >= 1e-300);
        let usable = |number: &f64| shown(number) && (kind == ScaleKind::Linear || *number > 0.0);
        let (low, high) = numbers
            .filter(usable)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
        match kind {
            ScaleKind::Linear => Self::linear(low, high, wanted, round),
            ScaleKind::Log => Self::log(low, high),
        }
    }

    fn linear(low: f64, high: f64, wanted: usize, round: bool) -> Self {
        let (mut low, mut high) = match (low <= high, low == high) {
            (false, _) => (0.0, 1.0),
            (true, true) if low == 0.0 => (-1.0, 1.0),
            (true, true) => (low - low.abs() * 0.1, high + high.abs() * 0.1),
            (true, false) => (low, high),
        };
        let step = nice_step((high - low) / wanted.max(1) as f64);
        if round {
            // An axis that nearly touches its next tick goes on to it; otherwise a little air is enough.
            let air = 0.04 * (high - low);
            let (floor, ceiling) = ((low / step).floor() * step, (high / step).ceil() * step);
            low = if low - floor <= 0.5 * step { floor } else { low - air };
            high = if ceiling - high <= 0.5 * step { ceiling } else { high + air };
        }
        let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
        let ticks = (first..=last).map(|i| i as f64 * step).map(|tick| (tick, label(tick, step))).collect();
        Self { kind: ScaleKind::Linear, low, high, ticks }
    }

    fn log(low: f64, high: f64) -> Self {
        let (low, high) = if low <= high { (low, high) } else { (0.1, 1.0) };
        let (mut low, mut high) = (low.log10(), high.log10());
        if high - low < 0.5 {
            let middle = 0.5 * (low + high);
            (low, high) = (middle - 0.25, middle + 0.25);
        }
        let air = 0.04 * (high - low);
        (low, high) = (low - air, high + air);
        // Below two decades the tens alone would leave an axis with a tick or none.
        let leads: &[f64] = if high - low < 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = ((high - low) / 6.0).ceil().max(1.0) as i32;
        let ticks = ((low.floor() as i32)..=(high.ceil() as i32))
            .filter(|decade| decade.rem_euclid(stride) == 0)
            .flat_map(|decade| leads.iter().map(move |lead| lead * 10f64.powi(decade)))
            .filter(|tick| (low..=high).contains(&tick.log10()))
            .map(|tick| (tick, label(tick, tick)))
            .collect();
        Self { kind: ScaleKind::Log, low, high, ticks }
    }

    /// Where `number` lies, 0 at the low end and 1 at the high one; NaN for a number that the scale cannot show.
    pub(super) fn place(&self, number: f64) -> f64 {
        let number = if self.kind == ScaleKind::Log { number.log10() } else { number };
        (number - self.low) / (self.high - self.low)
    }
}

/// The smallest of 1, 2, 5, 10 times a power of ten that is not below `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let lead = [1.0, 2.0, 5.0, 10.0].into_iter().find(|lead| lead * power >= raw * (1.0 - 1e-9)).unwrap_or(10.0);
    lead * power
}

/// A tick's label with as many decimals as its step needs, thousands apart, and a true minus sign.
fn label(tick: f64, step: f64) -> String {
    let magnitude = tick.abs().max(step.abs());
    if tick != 0.0 && !(1e-4..1e6).contains(&magnitude) {
        let power = magnitude.log10().floor();
        let lead = tick / 10f64.powf(power);
        let lead = format!("{:.2}", lead).trim_end_matches('0').trim_end_matches('.').to_owned();
        return format!("{lead}e{power}").replace('-', "−");
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    number(tick, decimals)
}

/// A number for people: `decimals` places, commas between thousands, a true minus sign, no negative zero.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "–".to_owned() } else { format!("{}∞", if value < 0.0 { "−" } else { "" }) };
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, rest) = digits.split_once('.').map_or((digits.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    if value < 0.0 && digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (i, digit) in whole.char_indices() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// A number with about three significant digits, as text around figures needs it.
pub fn short(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        _ if !value.is_finite() => number(value, 0),
        0.0 => "0".to_owned(),
        m if m < 1e-3 => format!("{value:.1e}").replace('-', "−"),
        m if m < 0.1 => number(value, 4),
        m if m < 10.0 => number(value, 2),
        m if m < 1000.0 => number(value, 1),
        _ => number(value, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_read_as_people_write_them() {
        let scale = Scale::over(ScaleKind::Linear, [-1623.0, -121.5].into_iter(), 5, true);
        assert_eq!(labels(&scale), ["−1,500", "−1,000", "−500", "0"]);
        let scale = Scale::over(ScaleKind::Linear, [0.0, 0.3].into_iter(), 5, true);
        assert_eq!(labels(&scale), ["0.0", "0.1", "0.2", "0.3"]);
        let scale = Scale::over(ScaleKind::Log, [0.003, 4.0].into_iter(), 5, true);
        assert_eq!(labels(&scale), ["0.01", "0.1", "1"]);
    }

    #[test]
    fn every_tick_lies_within_the_axis() {
        for (low, high) in [(0.0, 1.0), (-3.7, 911.0), (1e-7, 3e-7), (-5e8, 2e9), (4.0, 4.0), (0.0, 0.0)] {
            for round in [false, true] {
                let scale = Scale::over(ScaleKind::Linear, [low, high].into_iter(), 5, round);
                assert!(scale.ticks.len() >= 2, "{low}..{high}: {:?}", scale.ticks);
                for (tick, label) in &scale.ticks {
                    assert!((-1e-6..=1.0 + 1e-6).contains(&scale.place(*tick)), "{label} in {low}..{high}");
                }
                assert!(scale.place(low) >= -1e-9 && scale.place(high) <= 1.0 + 1e-9);
            }
        }
    }

    #[test]
    fn an_axis_stands_whatever_it_must_show() {
        let wild =
            [f64::MAX, -f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e300, -1e300, 1e-300, 1.0, f64::NAN, f64::INFINITY];
        for (i, low) in wild.iter().enumerate() {
            for high in &wild[i..] {
                for kind in [ScaleKind::Linear, ScaleKind::Log] {
                    let scale = Scale::over(kind, [*low, *high].into_iter(), 5, true);
                    assert!(scale.ticks.len() <= 40, "{low} {high}: {}", scale.ticks.len());
                    assert!(
                        scale.ticks.iter().all(|(tick, label)| tick.is_finite() && label.len() < 40),
                        "{low} {high}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_to_show_still_gives_an_axis() {
        let scale = Scale::over(ScaleKind::Linear, [f64::NAN, f64::INFINITY].into_iter(), 5, true);
        assert_eq!((scale.place(0.0), scale.place(1.0)), (0.0, 1.0));
    }

    #[test]
    fn numbers_have_commas_and_a_true_minus() {
        assert_eq!(number(-1234567.891, 1), "−1,234,567.9");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(f64::NAN, 2), "–");
        assert_eq!(short(-136.98), "−137.0");
        assert_eq!(short(0.01234), "0.0123");
    }
}
