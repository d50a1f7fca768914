//! `demonstrator`: a model that is taught to come back from its own mistakes, where what is measured is noisy.
//!
//! A number decays, `x' = a x + w`, and is measured with noise, `y = x + e`. Least squares from one measurement to the next takes the noise for signal and finds too small an a: on long data
//! `a σ_x² / (σ_x² + σ_e²)`, the bias of errors in variables. Data as Demonstrator (Venkatraman, Hebert and Bagnell, "Improving Multi-Step Prediction of Learned Time Series Models", AAAI 2015) rolls the
//! model out along each recorded sequence, pairs what it foresaw at t with what was measured at t + 1, adds these pairs to all earlier ones and learns anew. Of the rounds the one is kept whose
//! rollouts on held-out sequences are the best; sequences on which a rollout diverges add nothing.

use worldwright_core::{Entry, Interrupt, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, cost};

use crate::finding::estimate;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "demonstrator",
    summary: "a model that learns from its own rollouts what it should have foreseen, beside one that learns a step at a time from noisy data",
    source: "Venkatraman, Hebert and Bagnell, AAAI 2015",
    parameters: &[
        Parameter {
            name: "decay",
            default: Default::Float(0.95),
            summary: "a, what is left of the number after a step",
        },
        Parameter { name: "push", default: Default::Float(0.1), summary: "deviation of what moves it, σ_w" },
        Parameter { name: "noise", default: Default::Float(0.4), summary: "deviation of a measurement, σ_e" },
        Parameter { name: "sequences", default: Default::Integer(200), summary: "recorded sequences of 30 steps" },
        Parameter {
            name: "rounds",
            default: Default::Integer(8),
            summary: "times that it learns from its own rollouts",
        },
        Parameter { name: "seeds", default: Default::Integer(50), summary: "times that all of it is done" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// Steps of a sequence; and steps that predictions are judged over.
const STEPS: usize = 30;
const AHEAD: usize = 20;
/// A rollout beyond this has diverged.
const MOST: f64 = 1e6;

/// How the number moves and is measured.
#[derive(Clone, Copy)]
struct World {
    decay: f64,
    push: f64,
    noise: f64,
}

impl World {
    /// Measurements of so many sequences, each from a standard normal start.
    fn measured(&self, count: usize, steps: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
        let mut sequence = || {
            let mut x = rng.normal();
            let measure = |x: f64, rng: &mut Rng| x + self.noise * rng.normal();
            let mut y = vec![measure(x, rng)];
            for _ in 0..steps {
                x = self.decay * x + self.push * rng.normal();
                y.push(measure(x, rng));
            }
            y
        };
        (0..count).map(|_| sequence()).collect()
    }
}

/// Least squares through the origin, pair by pair.
#[derive(Default, Clone, Copy)]
struct Line {
    cross: f64,
    square: f64,
}

impl Line {
    fn see(&mut self, from: f64, to: f64) {
        self.cross += from * to;
        self.square += from * from;
    }

    fn slope(&self) -> f64 {
        self.cross / self.square
    }
}

/// Root mean square error over the first steps of sequences, from their first measurement alone.
fn error(slope: f64, sequences: &[Vec<f64>]) -> f64 {
    let (mut total, mut count) = (0.0, 0.0);
    for sequence in sequences {
        let mut foreseen = sequence[0];
        for measured in &sequence[1..=AHEAD.min(sequence.len() - 1)] {
            foreseen *= slope;
            total += (foreseen - measured).powi(2);
            count += 1.0;
        }
    }
    (total / count).sqrt()
}

/// What each round learned, the first of them from data alone.
///
/// # Errors
/// [`Error::Interrupted`](worldwright_core::Error::Interrupted).
fn taught(sequences: &[Vec<f64>], rounds: usize, interrupt: &Interrupt) -> Result<Vec<f64>> {
    let mut line = Line::default();
    sequences.iter().for_each(|y| y.windows(2).for_each(|pair| line.see(pair[0], pair[1])));
    let mut slopes = vec![line.slope()];
    for _ in 0..rounds {
        interrupt.check("the study")?;
        let slope = line.slope();
        for y in sequences {
            let (mut own, mut foreseen) = (Line::default(), y[0]);
            for measured in &y[2..] {
                // The measurement that stands one step behind what was foreseen.
                let at = slope * foreseen;
                own.see(at, *measured);
                foreseen = at;
            }
            if foreseen.abs() < MOST {
                line.cross += own.cross;
                line.square += own.square;
            }
        }
        slopes.push(line.slope());
    }
    Ok(slopes)
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let number = |name| settings.float(name, 0.0, 1e3);
    let world = World { decay: number("decay")?, push: number("push")?, noise: number("noise")? };
    let (count, rounds) = (settings.count_in("sequences", 1, 1_000_000)?, settings.count_in("rounds", 1, 1000)?);
    let (seeds, key) = (settings.count_in("seeds", 1, 100_000)?, Key::new(settings.count("seed", 0)? as u64));
    // What is learned from, what is held out, and ten times as much that is judged on.
    let kept = 8.0 * (12 * count * (STEPS + 1 + 3)) as f64;
    cost::memory(&[("sequences", count)], kept)?;
    let mut slopes = vec![Vec::new(); rounds + 1];
    let (mut errors, mut truths, mut chosen) = (slopes.clone(), Vec::new(), Vec::new());
    for seed in 0..seeds {
        watch.tell(seed, seeds, "sequences")?;
        let rng = &mut key.fold(seed as u64).rng();
        let [learned, held_out, judged] = [count, count, 10 * count].map(|count| world.measured(count, STEPS, rng));
        let came = taught(&learned, rounds, watch.interrupt)?;
        let best = (0..came.len()).min_by(|a, b| error(came[*a], &held_out).total_cmp(&error(came[*b], &held_out)));
        chosen.push(error(came[best.unwrap_or(0)], &judged));
        truths.push(error(world.decay, &judged));
        for (round, slope) in came.iter().enumerate() {
            watch.interrupt.check("the study")?;
            slopes[round].push(*slope);
            errors[round].push(error(*slope, &judged));
        }
    }
    let [chosen, truth] = [chosen, truths].map(|all| estimate(&all));
    let [slopes, errors] = [slopes, errors].map(|all| all.iter().map(|each| estimate(each)).collect::<Vec<_>>());
    let rows = slopes.iter().zip(&errors).enumerate();
    let rows = rows.map(|(round, (slope, error))| {
        vec![Cell::Number(round as f64), Cell::Estimate(*slope), Cell::Estimate(*error)]
    });
    let points =
        |of: &[[f64; 3]]| of.iter().enumerate().map(|(i, [mean, low, high])| [i as f64, *low, *mean, *high]).collect();
    let flat = |y: f64| (0..=rounds).map(|i| [i as f64, y, y, y]).collect();
    Ok(Study {
        findings: vec![
            format!(
                "a step at a time a = {:.3} is learned, and predictions over {AHEAD} steps are {:.3} off; the true a = {} is {:.3} off",
                slopes[0][0], errors[0][0], world.decay, truth[0]
            ),
            format!("taught by its own rollouts, the round that is best on held-out sequences is {:.3} off", chosen[0]),
        ],
        tables: vec![
            Table {
                title: "What each round learned".into(),
                columns: ["round", "a", "error"].map(String::from).to_vec(),
                rows: rows.collect(),
            },
            Table {
                title: format!("Error over {AHEAD} steps"),
                columns: ["model", "error"].map(String::from).to_vec(),
                rows: vec![
                    vec!["a step at a time".into(), Cell::Estimate(errors[0])],
                    vec!["the round that was chosen".into(), Cell::Estimate(chosen)],
                    vec!["the true decay".into(), Cell::Estimate(truth)],
                ],
            },
        ],
        figures: vec![Figure {
            title: format!("Error of predictions over {AHEAD} steps"),
            axes: ["round".into(), "root mean square error".into()],
            logarithmic: [false, false],
            curves: vec![
                Curve { name: "data as demonstrator".into(), points: points(&errors) },
                Curve { name: "the true decay".into(), points: flat(truth[0]) },
            ],
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: World = World { decay: 0.95, push: 0.1, noise: 0.4 };

    /// On long data a step at a time finds a σ_x² / (σ_x² + σ_e²) with σ_x² = σ_w² / (1 − a²).
    #[test]
    fn a_step_at_a_time_finds_what_errors_in_variables_say() {
        let long = WORLD.measured(20, 20_000, &mut Rng::new(1));
        let spread = 0.01 / (1.0 - 0.95_f64.powi(2));
        let expected = 0.95 * spread / (spread + 0.16);
        let slope = taught(&long, 1, &Interrupt::never()).unwrap()[0];
        assert!((expected - 0.371).abs() < 1e-3 && (slope - expected).abs() < 0.01, "{slope} {expected}");
    }

    #[test]
    fn its_own_rollouts_bring_a_model_within_two_per_cent_of_the_truth() {
        let rng = &mut Rng::new(2);
        let (learned, judged) = (WORLD.measured(200, STEPS, rng), WORLD.measured(5000, STEPS, rng));
        let slopes = taught(&learned, 8, &Interrupt::never()).unwrap();
        let of = |slope: f64| error(slope, &judged);
        assert!(of(slopes[0]) > 1.25 * of(0.95), "{} {}", of(slopes[0]), of(0.95));
        let best = slopes.iter().map(|slope| of(*slope)).fold(f64::INFINITY, f64::min);
        assert!(best < 1.02 * of(0.95), "{best} {} by {slopes:?}", of(0.95));
        // Without noise there is nothing to come back from.
        let clear = World { noise: 0.0, push: 0.0, ..WORLD }.measured(3, STEPS, rng);
        assert!(taught(&clear, 3, &Interrupt::never()).unwrap().iter().all(|slope| (slope - 0.95).abs() < 1e-9));
    }
}
