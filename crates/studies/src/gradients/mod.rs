//! `gradients`: which estimate of a policy's gradient to trust, as episodes get longer.
//!
//! In two worlds of one number, one that calms down and one in which nearby states part, the gradient of the return by a policy's three parameters is computed by quadrature,
//! and estimated in five ways from batches of episodes: by the likelihood ratio without and with a baseline, by the derivative along the episode (reparametrised), through the
//! true motion without its noise, and through a motion that was learned. Shown are bias, deviation and the cosine to the exact gradient. Where small changes grow at
//! each step, derivatives along episodes grow with them, by the product of slopes, while the likelihood ratio sees returns alone (Parmas, Rasmussen, Peters and Doya, "PIPPS: Flexible
//! Model-Based Policy Search Robust to the Curse of Chaos", ICML 2018; Metz, Freeman, Schoenholz and Kachman, "Gradients are Not All You Need", 2021).
//!
//! Beside it the bias of values that are learned by the largest of several.

mod estimators;
mod exact;
mod values;
mod world;

use worldwright_core::{Entry, Key, Parameter, Result, SettingDefault as Default, Settings};

use crate::finding::{bounded, estimate, student};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
use estimators::{Estimator, Motion, batch};
use exact::exact;
use world::{Gradient, PARAMETERS, WORLDS, World};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gradients",
    summary: "bias, deviation and direction of estimates of a policy's gradient as episodes get longer: when derivatives of a model win, and when returns",
    source: "Parmas et al., ICML 2018",
    parameters: &[
        Parameter {
            name: "horizons",
            default: Default::Numbers(&[2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0]),
            summary: "steps of an episode",
        },
        Parameter { name: "episodes", default: Default::Integer(50), summary: "episodes of a batch" },
        Parameter { name: "batches", default: Default::Integer(200), summary: "batches of each estimator" },
        Parameter {
            name: "transitions",
            default: Default::Integer(300),
            summary: "transitions that a motion is learned from; each batch learns one anew",
        },
        Parameter { name: "runs", default: Default::Integer(300), summary: "runs of each learner of values" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// What came out for an estimator at a horizon.
struct Seen {
    /// Length of the mean's difference from the exact gradient, as a share of that, with its interval.
    bias: [f64; 3],
    /// Length of the deviations of a batch, as a share of the exact gradient.
    deviation: f64,
    /// Of a batch's gradient to the exact one.
    cosine: [f64; 3],
}

/// How many batches there are, how many episodes each, and what a motion is learned from.
#[derive(Clone, Copy)]
struct Effort {
    batches: usize,
    episodes: usize,
    transitions: usize,
}

fn length(gradient: &Gradient) -> f64 {
    gradient.iter().map(|number| number * number).sum::<f64>().sqrt()
}

fn look(estimator: Estimator, world: &World, horizon: usize, effort: Effort, key: Key) -> Result<Seen> {
    let (_, truth) = exact(world, &world.policy, horizon);
    let (size, rng) = (length(&truth), &mut key.rng());
    let mut each: Vec<Gradient> = Vec::with_capacity(effort.batches);
    for _ in 0..effort.batches {
        let motion = match estimator {
            Estimator::Learned => Motion::learned(world, effort.transitions, rng)?,
            _ => Motion::true_of(world),
        };
        each.push(batch(estimator, (world, &motion), (effort.episodes, horizon), rng));
    }
    let n = effort.batches as f64;
    let mut off = [0.0; PARAMETERS];
    let mut variance = 0.0;
    for k in 0..PARAMETERS {
        let mean = each.iter().map(|g| g[k]).sum::<f64>() / n;
        off[k] = mean - truth[k];
        variance += each.iter().map(|g| (g[k] - mean).powi(2)).sum::<f64>() / (n - 1.0);
    }
    let (bias, unsure) = (length(&off) / size, student(effort.batches - 1) * (variance / n).sqrt() / size);
    let cosines: Vec<f64> = each
        .iter()
        .map(|g| g.iter().zip(&truth).map(|(a, b)| a * b).sum::<f64>() / (length(g) * size).max(f64::MIN_POSITIVE))
        .collect();
    let deviation = variance.sqrt() / size;
    Ok(Seen {
        bias: [bias, (bias - unsure).max(0.0), bias + unsure],
        deviation,
        cosine: bounded(estimate(&cosines), [-1.0, 1.0]),
    })
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let horizons = settings.counts_in("horizons", 1, 1000)?;
    let effort = Effort {
        batches: settings.count_in("batches", 2, 1_000_000)?,
        episodes: settings.count_in("episodes", 2, 1_000_000)?,
        transitions: settings.count_in("transitions", 30, 10_000_000)?,
    };
    let runs = settings.count_in("runs", 2, 1_000_000)?;
    let key = Key::new(settings.count("seed", 0)? as u64);
    let mut study = Study::default();
    let all = WORLDS.len() * Estimator::ALL.len() * horizons.len();
    for (w, world) in WORLDS.iter().enumerate() {
        let mut seen: Vec<Vec<Seen>> = Vec::new();
        for (e, (estimator, name)) in Estimator::ALL.iter().enumerate() {
            let mut row = Vec::new();
            for (h, horizon) in horizons.iter().enumerate() {
                let done = (w * Estimator::ALL.len() + e) * horizons.len() + h;
                watch.tell(done, all, &format!("{} world, {name}, {horizon} steps", world.name))?;
                let key = key.fold(w as u64).fold(e as u64).fold(h as u64);
                row.push(look(*estimator, world, *horizon, effort, key)?);
            }
            seen.push(row);
        }
        tell(world, &horizons, &seen, &mut study);
    }
    let (table, findings) = values::biases(runs, key.fold(9), watch)?;
    study.tables.push(table);
    study.findings.extend(findings);
    Ok(study)
}

/// Tables, figures and sentences for a world.
fn tell(world: &World, horizons: &[usize], seen: &[Vec<Seen>], study: &mut Study) {
    let columns =
        || std::iter::once("estimate".to_owned()).chain(horizons.iter().map(|steps| format!("T = {steps}"))).collect();
    let mut table = |what: &str, cell: &dyn Fn(&Seen) -> Cell| {
        let rows = seen
            .iter()
            .zip(Estimator::ALL)
            .map(|(row, (_, name))| std::iter::once(Cell::from(name)).chain(row.iter().map(cell)).collect());
        study.tables.push(Table {
            title: format!("{what}, {} world", world.name),
            columns: columns(),
            rows: rows.collect(),
        });
    };
    table("Bias as a share of the gradient", &|seen| Cell::Estimate(seen.bias));
    table("Deviation of a batch as a share of the gradient", &|seen| Cell::Number(seen.deviation));
    table("Cosine to the gradient", &|seen| Cell::Estimate(seen.cosine));
    let mut figure = |what: &str, logarithmic: bool, point: &dyn Fn(&Seen) -> [f64; 3]| {
        let curves = seen.iter().zip(Estimator::ALL).map(|(row, (_, name))| Curve {
            name: name.into(),
            points: horizons
                .iter()
                .zip(row)
                .map(|(steps, seen)| {
                    let [middle, low, high] = point(seen);
                    [*steps as f64, low, middle, high]
                })
                .collect(),
        });
        study.figures.push(Figure {
            title: format!("{what}, {} world", world.name),
            axes: ["steps T of an episode".into(), what.to_lowercase()],
            logarithmic: [true, logarithmic],
            curves: curves.collect(),
        });
    };
    figure("Deviation as a share of the gradient", true, &|seen| [seen.deviation; 3]);
    figure("Cosine to the gradient", false, &|seen| seen.cosine);
    let row = |wanted: Estimator| Estimator::ALL.iter().position(|(estimator, _)| *estimator == wanted);
    let (Some(ratio), Some(path)) = (row(Estimator::Baseline), row(Estimator::Reparametrised)) else { return };
    let wins = |h: &usize| seen[ratio][*h].deviation < seen[path][*h].deviation;
    let first = (0..horizons.len()).find(|h| (*h..horizons.len()).all(|later| wins(&later)));
    let last = horizons.len() - 1;
    let [by_ratio, by_path] = [ratio, path].map(|row| seen[row][last].deviation);
    study.findings.push(match first {
        Some(h) => format!(
            "{} world: from {} steps on the likelihood ratio with a baseline deviates less than the derivative along the episode ({by_ratio:.3} against {by_path:.3} of the gradient at {} steps)",
            world.name, horizons[h], horizons[last]
        ),
        None => format!(
            "{} world: the derivative along the episode deviates less than the likelihood ratio with a baseline ({by_path:.3} against {by_ratio:.3} of the gradient at {} steps)",
            world.name, horizons[last]
        ),
    });
    for (row, (_, name)) in seen.iter().zip(Estimator::ALL) {
        // At two standard errors one of so many looks is off by chance now and then: the middle horizon speaks for all.
        let [bias, low, _] = row[horizons.len() / 2].bias;
        let verdict = if low > 0.0 { format!("biased by {:.1} %", 100.0 * bias) } else { "no bias to be seen".into() };
        study.findings.push(format!(
            "{} world, {name}: {verdict} at {} steps",
            world.name,
            horizons[horizons.len() / 2]
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_win_where_it_is_calm_and_returns_where_it_is_not() {
        let effort = Effort { batches: 60, episodes: 30, transitions: 300 };
        let deviation =
            |world: usize, estimator| look(estimator, &WORLDS[world], 24, effort, Key::new(2)).unwrap().deviation;
        assert!(deviation(0, Estimator::Reparametrised) < 0.5 * deviation(0, Estimator::Baseline));
        assert!(deviation(1, Estimator::Reparametrised) > 10.0 * deviation(1, Estimator::Baseline));
    }
}
