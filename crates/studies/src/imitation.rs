//! `imitation`: what a clone loses as episodes get longer, beside one whose expert was asked where the clone itself went.
//!
//! A path along a ditch, with a sign at each step: one of `signs` many, drawn uniformly, each of which has its own right action among four. A wrong action leads into
//! the ditch, where each step costs 1 and one action alone, which is right nowhere on the path, leads back. The expert knows all of it. *Cloning* learns from what the
//! expert did in episodes of its own, which never saw the ditch; *DAgger* has as many steps labelled, in rounds, the first of them the expert's and the others those of what was
//! learned so far (Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning", AISTATS 2011). Both learn a table of
//! what the expert did, and take the action that was right most often where they have not seen.
//!
//! What is lost is computed, not sampled: with a share e of wrong signs, a clone that does not know the way back is in the ditch after t steps with probability 1 − (1−e)^t, so
//! that T steps cost T − (1−e)(1 − (1−e)^T)/e, about e T²/2 (Ross and Bagnell, "Efficient Reductions for Imitation Learning", AISTATS 2010, theorem 2.1); one that does loses about e T.

use worldwright_core::{Entry, Key, Parameter, Result, Rng, SettingDefault as Default, Settings};

use crate::finding::{bounded, estimate, line};
use crate::greedy::first_best;
use crate::growth;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "imitation",
    summary: "what a clone of an expert loses as episodes get longer, beside one that asked the expert where it went itself",
    source: "Ross, Gordon and Bagnell, AISTATS 2011",
    parameters: &[
        Parameter {
            name: "horizons",
            default: Default::Numbers(&[10.0, 20.0, 40.0, 80.0, 160.0]),
            summary: "steps of an episode",
        },
        Parameter { name: "signs", default: Default::Integer(1000), summary: "signs that there are" },
        Parameter {
            name: "labels",
            default: Default::Integer(6000),
            summary: "steps at which the expert says what is right, for each learner and horizon",
        },
        Parameter { name: "rounds", default: Default::Integer(10), summary: "rounds of DAgger" },
        Parameter { name: "seeds", default: Default::Integer(400), summary: "times that all of it is done" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// What can be done on the path, and in the ditch besides.
const ACTIONS: usize = 4;
/// The one action that leads out of the ditch.
const BACK: usize = ACTIONS;

/// What is right at each sign.
struct Path {
    right: Vec<usize>,
}

/// What was learned of the expert: its action at each sign and in the ditch, where it was seen.
struct Learned {
    at: Vec<Option<usize>>,
    in_ditch: Option<usize>,
    counts: [u64; ACTIONS + 1],
}

impl Learned {
    fn new(signs: usize) -> Self {
        Self { at: vec![None; signs], in_ditch: None, counts: [0; ACTIONS + 1] }
    }

    /// Hears what is right where `sign` stands, or in the ditch.
    fn hear(&mut self, sign: Option<usize>, right: usize) {
        self.counts[right] += 1;
        match sign {
            Some(sign) => self.at[sign] = Some(right),
            None => self.in_ditch = Some(right),
        }
    }

    /// What it does there.
    fn act(&self, sign: Option<usize>) -> usize {
        let known = sign.map_or(self.in_ditch, |sign| self.at[sign]);
        known.unwrap_or_else(|| first_best(&self.counts.map(|count| count as f64)))
    }
}

impl Path {
    fn new(signs: usize, rng: &mut Rng) -> Self {
        Self { right: (0..signs).map(|_| rng.below(ACTIONS as u64) as usize).collect() }
    }

    fn expert(&self, sign: Option<usize>) -> usize {
        sign.map_or(BACK, |sign| self.right[sign])
    }

    /// Labels so many steps in episodes of length `horizon`, which the expert acts in or what was learned before.
    fn label(&self, horizon: usize, steps: usize, acts: Option<&Learned>, into: &mut Learned, rng: &mut Rng) {
        let mut on_path = true;
        for t in 0..steps {
            on_path |= t % horizon == 0;
            let sign = on_path.then(|| rng.below(self.right.len() as u64) as usize);
            let right = self.expert(sign);
            into.hear(sign, right);
            on_path = acts.is_none_or(|learned| learned.act(sign) == right);
        }
    }

    /// Expected steps in the ditch of an episode.
    fn loss(&self, learned: &Learned, horizon: usize) -> f64 {
        let wrong = |sign: &usize| learned.act(Some(*sign)) != self.right[*sign];
        let share = (0..self.right.len()).filter(wrong).count() as f64 / self.right.len() as f64;
        let stays = f64::from(u8::from(learned.act(None) != BACK));
        let (mut in_ditch, mut lost) = (0.0, 0.0);
        for _ in 0..horizon {
            in_ditch = (1.0 - in_ditch) * share + in_ditch * stays;
            lost += in_ditch;
        }
        lost
    }

    fn cloned(&self, horizon: usize, labels: usize, rng: &mut Rng) -> Learned {
        let mut learned = Learned::new(self.right.len());
        self.label(horizon, labels, None, &mut learned, rng);
        learned
    }

    fn taught(&self, horizon: usize, (labels, rounds): (usize, usize), rng: &mut Rng) -> Learned {
        let mut learned = Learned::new(self.right.len());
        for round in 0..rounds {
            let steps = labels * (round + 1) / rounds - labels * round / rounds;
            // Within a round nothing is learned: who acts is who the last round left.
            let acts = Learned { at: learned.at.clone(), ..learned };
            self.label(horizon, steps, (round > 0).then_some(&acts), &mut learned, rng);
        }
        learned
    }
}

/// The learners, and what theory says of the power that their loss grows by.
const LEARNERS: [(&str, f64); 2] = [("cloning", 2.0), ("DAgger", 1.0)];

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let horizons = settings.counts_in("horizons", 1, 100_000)?;
    let (signs, labels) = (settings.count_in("signs", 1, 1_000_000)?, settings.count_in("labels", 1, 100_000_000)?);
    let (rounds, seeds) = (settings.count_in("rounds", 2, 10_000)?, settings.count_in("seeds", 1, 10_000)?);
    let key = Key::new(settings.count("seed", 0)? as u64);
    growth::different("horizons", &horizons)?;
    // Losses by learner and horizon, over seeds.
    let mut losses = vec![vec![Vec::new(); horizons.len()]; LEARNERS.len()];
    for (h, horizon) in horizons.iter().enumerate() {
        for seed in 0..seeds {
            watch.tell(h * seeds + seed, horizons.len() * seeds, &format!("episodes of {horizon} steps"))?;
            let rng = &mut key.fold(h as u64).fold(seed as u64).rng();
            let path = Path::new(signs, rng);
            losses[0][h].push(path.loss(&path.cloned(*horizon, labels, rng), *horizon));
            losses[1][h].push(path.loss(&path.taught(*horizon, (labels, rounds), rng), *horizon));
        }
    }
    let columns = |first: &str| std::iter::once(first.to_owned());
    let mut table = Table {
        title: "Steps in the ditch of an episode".into(),
        columns: columns("learner").chain(horizons.iter().map(|steps| format!("T = {steps}"))).collect(),
        rows: Vec::new(),
    };
    let mut fits = Table {
        title: "How losses grow with the steps T of an episode".into(),
        columns: ["learner", "k of T^k", "k by theory"].map(String::from).to_vec(),
        rows: Vec::new(),
    };
    let (mut curves, mut findings) = (Vec::new(), Vec::new());
    for ((name, theory), losses) in LEARNERS.iter().zip(&losses) {
        let estimates: Vec<[f64; 3]> =
            losses.iter().zip(&horizons).map(|(each, steps)| bounded(estimate(each), [0.0, *steps as f64])).collect();
        let points: Vec<[f64; 4]> = horizons
            .iter()
            .zip(&estimates)
            .map(|(steps, [mean, low, high])| [*steps as f64, *low, *mean, *high])
            .collect();
        // Where nothing was lost there is no logarithm.
        let logs: Vec<[f64; 2]> = points.iter().filter(|p| p[2] > 0.0).map(|p| [p[0].ln(), p[2].ln()]).collect();
        table.rows.push(std::iter::once((*name).into()).chain(estimates.into_iter().map(Cell::Estimate)).collect());
        if logs.len() < 3 {
            fits.rows.push(vec![(*name).into(), "–".into(), (*theory).into()]);
            findings.push(format!("{name}: lost nothing at too many horizons; give fewer labels"));
        } else {
            let [intercept, k, half] = line(&logs);
            fits.rows.push(vec![(*name).into(), Cell::Estimate([k, k - half, k + half]), (*theory).into()]);
            let [low, high] = [k - half, k + half];
            findings.push(format!(
                "{name}: losses {} as the horizon to the power {k:.2} ({low:.2} to {high:.2})",
                growth::moves(low, high, 0.0)
            ));
            let fit =
                horizons.iter().map(|steps| *steps as f64).map(|steps| [steps, (intercept + k * steps.ln()).exp()]);
            let points = fit.map(|[x, y]| [x, y, y, y]).collect();
            curves.push(Curve { name: format!("{name}, fitted: power {k:.2}"), points });
        }
        curves.push(Curve { name: (*name).into(), points });
    }
    let figure = Figure {
        title: "What imitation loses".into(),
        axes: ["steps T of an episode".into(), "steps in the ditch".into()],
        logarithmic: [true, true],
        curves,
    };
    Ok(Study { findings, tables: vec![fits, table], figures: vec![figure] })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error in a hundred signs, and no way back: T − (1−e)(1 − (1−e)^T)/e.
    #[test]
    fn losses_are_those_of_closed_forms() {
        let path = Path::new(100, &mut Rng::new(1));
        let mut learned = Learned::new(100);
        (0..100).for_each(|sign| learned.hear(Some(sign), path.right[sign]));
        learned.at[7] = Some((path.right[7] + 1) % ACTIONS);
        let (e, steps) = (0.01f64, 30);
        let expected = 30.0 - (1.0 - e) * (1.0 - (1.0 - e).powi(steps)) / e;
        assert!((path.loss(&learned, 30) - expected).abs() < 1e-12);
        // Who knows the way back is in the ditch a step for each error.
        learned.hear(None, BACK);
        let stationary = e / (1.0 + e);
        assert!((path.loss(&learned, 10_000) / 10_000.0 - stationary).abs() < 1e-5);
    }

    #[test]
    fn a_clone_loses_with_the_square_of_the_horizon_and_dagger_in_proportion() {
        let settings = Settings::resolve("imitation", ENTRY.parameters, &std::collections::BTreeMap::new()).unwrap();
        let watch = &mut Watch { interrupt: &worldwright_core::Interrupt::never(), progress: &mut |_, _, _| Ok(()) };
        let study = run(&settings, watch).unwrap();
        let power = |row: usize| match study.tables[0].rows[row][1] {
            Cell::Estimate([k, _, _]) => k,
            _ => f64::NAN,
        };
        assert!((power(0) - 2.0).abs() < 0.25 && (power(1) - 1.0).abs() < 0.25, "{}, {}", power(0), power(1));
    }
}
