//! The report's figures: what each plot shows of a run, and the sentence that says what is seen in it.

use super::counted;
use super::plot::{Axis, Layer, Mark, Plot, ScaleKind, Tone, thin};
use super::scale::{number, short};
use crate::summary::error_unit;
use crate::{Channel, Diagnostics, Rollout, Row, RowKind};

/// A plot with the words under it.
pub(super) struct Figure {
    pub(super) plot: Plot,
    pub(super) caption: String,
}

/// Width of a plot that stands alone in its row, and of one beside another.
pub(super) const WIDE: f64 = 760.0;
const HALF: f64 = 372.0;
/// Dots of a plot, at most: more could not be told apart, and a page of a million would not open.
const MOST_DOTS: f64 = 1500.0;

/// Return over real steps: training episodes as they came, evaluations with their spread.
pub(super) fn learning_curve(rows: &[Row]) -> Option<Figure> {
    let of = |kind: RowKind| rows.iter().filter(move |row| row.kind == kind);
    // Returns of episodes that the end of the run cut are of a part, and are shown only where there are no others.
    let whole = |row: &&Row| row.get("cut").is_none();
    let any_whole = of(RowKind::Episode).any(|row| whole(&row));
    let training: Vec<[f64; 2]> = of(RowKind::Episode)
        .filter(|row| !any_whole || whole(row))
        .filter_map(|row| Some([row.step as f64, row.get("return")?]))
        .collect();
    let evaluations: Vec<[f64; 4]> = of(RowKind::Evaluation)
        .filter_map(|row| {
            let (mean, std) = (row.get("return_mean")?, row.get("return_std").unwrap_or(0.0));
            Some([row.step as f64, mean - std, mean, mean + std])
        })
        .collect();
    if training.is_empty() && evaluations.is_empty() {
        return None;
    }
    let mut layers = vec![Layer::new("", Tone::Real, Mark::Line(training.clone()))];
    layers.push(Layer::new("training episode", Tone::Real, Mark::Dots(thin(&training, MOST_DOTS))));
    let means: Vec<[f64; 2]> = evaluations.iter().map(|[x, _, mean, _]| [*x, *mean]).collect();
    if !evaluations.is_empty() {
        layers.push(Layer::new("", Tone::Evaluation, Mark::Line(means)));
        let stride = evaluations.len().div_ceil(MOST_DOTS as usize).max(1);
        let bars = evaluations.iter().rev().step_by(stride).rev().copied().collect();
        layers.push(Layer::new("evaluation, mean ± std", Tone::Evaluation, Mark::Bars(bars)));
    }
    let mut caption = String::new();
    if let (Some(first), Some(best)) =
        (training.first(), training.iter().max_by(|a, b| a[1].total_cmp(&b[1])).filter(|_| training.len() > 1))
    {
        caption = format!(
            "The first episode returned {}; the best of {} returned {}, at step {}.",
            short(first[1]),
            training.len(),
            short(best[1]),
            number(best[0], 0)
        );
    }
    if !evaluations.is_empty() {
        caption
            .push_str(" Evaluation episodes are apart from training: nothing random is added and nothing is learned.");
    }
    Some(Figure {
        plot: Plot {
            title: "Return over real steps".into(),
            description: format!(
                "{} training episodes and {} evaluations. {caption}",
                training.len(),
                evaluations.len()
            ),
            show_title: false,
            x: Axis { include: vec![0.0], ..Axis::new("real steps") },
            y: Axis::new("return of an episode"),
            layers,
            width: WIDE,
            height: 320.0,
        },
        caption: caption.trim_start().to_owned(),
    })
}

/// Channels of one rollout, a small plot each; at most `most` of them, the reward always last.
pub(super) fn rollout(rollout: &Rollout, dt_secs: f64, most: usize) -> Vec<Plot> {
    let observation = rollout.observation.iter().take(most.saturating_sub(1));
    observation.chain([&rollout.reward]).filter_map(|channel| panel(channel, rollout.start, dt_secs)).collect()
}

/// What the colours of the panels mean; a model without spread has neither band nor several futures.
pub(super) fn rollout_key(rollout: &Rollout) -> Vec<Layer> {
    let mut channels = rollout.observation.iter().chain([&rollout.reward]);
    let band = channels.clone().any(|channel| channel.std.iter().any(|std| *std > 0.0));
    let futures = channels.any(|channel| !channel.samples.is_empty());
    let line = |name: &str, tone| Layer::new(name, tone, Mark::Line(Vec::new()));
    let mean = if band { "predicted mean" } else { "predicted" };
    let mut key = vec![line("real", Tone::Real), line(mean, Tone::Model)];
    key.extend(band.then(|| Layer::new("± 2 std", Tone::Model, Mark::Band(Vec::new()))));
    key.extend((band && futures).then(|| Layer::new("one imagined future", Tone::Model, Mark::Thin(Vec::new()))));
    key
}

fn panel(channel: &Channel, start: usize, dt_secs: f64) -> Option<Plot> {
    if channel.real.is_empty() {
        return None;
    }
    let (scale, unit) = if dt_secs > 0.0 { (dt_secs, "time in s") } else { (1.0, "step") };
    let at = |i: usize| (start + i) as f64 * scale;
    let line = |numbers: &[f64]| numbers.iter().enumerate().map(|(i, y)| [at(i), *y]).collect::<Vec<_>>();
    let spread = channel.mean.iter().zip(&channel.std).enumerate();
    let band = spread.map(|(i, (mean, std))| [at(i), mean - 2.0 * std, mean + 2.0 * std]).collect::<Vec<_>>();
    let mut layers = vec![Layer::new("", Tone::Model, Mark::Band(band))];
    layers.extend(channel.samples.iter().map(|sample| Layer::new("", Tone::Model, Mark::Thin(line(sample)))));
    layers.push(Layer::new("", Tone::Model, Mark::Line(line(&channel.mean))));
    layers.push(Layer::new("", Tone::Real, Mark::Line(line(&channel.real))));
    let last = channel.real.len() - 1;
    Some(Plot {
        title: channel.name.clone(),
        description: format!(
            "{} over {last} steps: at the end really {}, predicted {} with a standard deviation of {}.",
            channel.name,
            short(channel.real[last]),
            short(channel.mean.get(last).copied().unwrap_or(f64::NAN)),
            short(channel.std.get(last).copied().unwrap_or(f64::NAN))
        ),
        show_title: true,
        x: Axis { tight: true, ..Axis::new(unit) },
        y: Axis::new(""),
        layers,
        width: HALF,
        height: 196.0,
    })
}

/// Error against steps ahead, beside the spread that the model gave and the error of predicting no change.
pub(super) fn k_step_error(diagnostics: &Diagnostics) -> Option<Figure> {
    let points = |pick: fn(&crate::KStepError) -> f64| -> Vec<[f64; 2]> {
        diagnostics.k_step.iter().map(|error| [error.k as f64, pick(error)]).collect()
    };
    let (first, last) = (diagnostics.k_step.first()?, diagnostics.k_step.last()?);
    let (error, spread, still) =
        (points(|error| error.rmse), points(|error| error.predicted_std), points(|error| error.persistence_rmse));
    // Errors of a good model grow by orders of magnitude with the horizon; an even axis would hide where they start.
    let shown = error.iter().chain(&still).map(|point| point[1]).filter(|y| y.is_finite() && *y > 0.0);
    let (low, high) = shown.fold((f64::INFINITY, 0.0f64), |(low, high), y| (low.min(y), high.max(y)));
    let scale = if high > 30.0 * low { ScaleKind::Log } else { ScaleKind::Linear };
    let mut layers = vec![Layer::new("predicting no change", Tone::Baseline, Mark::Dashed(still))];
    if spread.iter().any(|point| point[1] > 0.0) {
        layers.push(Layer::new("spread that the model gave", Tone::Model, Mark::Dashed(spread)));
    }
    layers.push(Layer::new("error of the model", Tone::Model, Mark::Line(error.clone())));
    layers.push(Layer::new("", Tone::Model, Mark::Dots(error)));
    let lost = diagnostics.k_step.iter().find(|error| error.rmse >= error.persistence_rmse);
    let caption = format!(
        "One step ahead the model errs by {}, {} ahead by {} ({}), measured from {}. {}",
        short(first.rmse),
        counted(last.k as u64, "step"),
        short(last.rmse),
        error_unit(diagnostics.choices),
        counted(first.starts as u64, "start"),
        match lost {
            Some(error) if error.k == first.k => "It is no better than predicting no change.".to_owned(),
            Some(error) => format!("From {} steps on it is no better than predicting no change.", error.k),
            None => "It beats predicting no change at every horizon.".to_owned(),
        }
    );
    let axis = format!("error ({})", error_unit(diagnostics.choices));
    let include = if scale == ScaleKind::Linear { vec![0.0] } else { Vec::new() };
    Some(Figure {
        plot: Plot {
            title: "Prediction error against steps ahead".into(),
            description: caption.clone(),
            show_title: false,
            x: Axis { tight: true, ..Axis::new(steps_ahead(diagnostics.dt_secs)) },
            y: Axis { scale, include, ..Axis::new(axis) },
            layers,
            width: WIDE,
            height: 300.0,
        },
        caption,
    })
}

fn steps_ahead(dt_secs: f64) -> String {
    if dt_secs > 0.0 { format!("steps ahead (a step is {dt_secs} s)") } else { "steps ahead".to_owned() }
}

/// Observed coverage of central intervals against their probability.
pub(super) fn calibration(diagnostics: &Diagnostics) -> Option<Figure> {
    if diagnostics.calibration.is_empty() {
        return None;
    }
    let mut points: Vec<[f64; 2]> =
        diagnostics.calibration.iter().map(|point| [100.0 * point.nominal, 100.0 * point.observed]).collect();
    let count = points.len() as f64;
    let gap = points.iter().map(|[nominal, observed]| (observed - nominal).abs()).sum::<f64>() / count;
    let lean = points.iter().map(|[nominal, observed]| observed - nominal).sum::<f64>() / count;
    let verdict = match () {
        () if !gap.is_finite() => "The coverage could not be measured.",
        () if gap < 5.0 => "Its spread can be taken at its word.",
        () if lean < -0.5 * gap => "It is too sure of itself: the truth falls outside its intervals too often.",
        () if lean > 0.5 * gap => "It is too cautious: its intervals are wider than they need to be.",
        () => "It is too sure at some levels and too cautious at others.",
    };
    let caption = format!(
        "Of the intervals that should hold the truth with a given probability, how many did. The mean gap to the diagonal is {} points. {verdict}",
        number(gap, 1)
    );
    points.insert(0, [0.0, 0.0]);
    points.push([100.0, 100.0]);
    let include = vec![0.0, 100.0];
    Some(Figure {
        plot: Plot {
            title: "Calibration".into(),
            description: caption.clone(),
            show_title: false,
            x: Axis { include: include.clone(), tight: true, ..Axis::new("expected coverage in %") },
            y: Axis { include, tight: true, ..Axis::new("observed coverage in %") },
            layers: vec![
                Layer::new("perfect", Tone::Baseline, Mark::Dashed(vec![[0.0, 0.0], [100.0, 100.0]])),
                Layer::new("the model", Tone::Model, Mark::Line(points.clone())),
                Layer::new("", Tone::Model, Mark::Dots(points)),
            ],
            width: HALF + 20.0,
            height: HALF,
        },
        caption,
    })
}
