//! `doubt`: what says how little it knows, and what that is good for when something has to be chosen.
//!
//! Functions are drawn from a Gaussian process and measured, with noise, in two stretches; between them and beyond nothing is known. Nine ways to doubt learn from the same points:
//! a probabilistic network, an ensemble of them on bootstraps, an ensemble with randomised priors, dropout that stays on, a Bayesian network by Hamiltonian Monte Carlo, the last layer of a
//! network by Laplace's approximation, a Gaussian process, and a network whose doubt falls with the root of how often a place was tried, by pseudo-counts and by hashing. Shown are
//! how often new measurements lie within 95 % intervals where there are data and where there are none, how wide the doubt is on data, by what factor it grows off them, and what it is
//! worth to take the place that looks best: by the mean, by the worst that is believed, and by the mean less the doubt.
//!
//! The Gaussian process knows the family of the functions and is the bar. That a decision by the mean falls for what was never measured, and pessimism does not, is the argument of offline learning (Yu et al.,
//! "MOPO: Model-based Offline Policy Optimization", NeurIPS 2020).

mod bayes;
mod counts;
mod gp;
mod hmc;
mod networks;
mod world;

use worldwright_core::{Entry, Interrupt, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, cost};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
use world::{Data, NOISE, World};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "doubt",
    summary: "nine ways to say how little is known: coverage and width of intervals, growth off the data, and what decisions by them are worth",
    source: "Chua et al., NeurIPS 2018; Osband et al., NeurIPS 2018; Gal and Ghahramani, ICML 2016; Neal, 1996; MacKay, 1992; Bellemare et al., NeurIPS 2016; Tang et al., NeurIPS 2017",
    parameters: &[
        Parameter { name: "points", default: Default::Integer(40), summary: "measurements that there are" },
        Parameter { name: "updates", default: Default::Integer(1500), summary: "steps that networks are trained for" },
        Parameter {
            name: "samples",
            default: Default::Integer(400),
            summary: "samples of each of two Markov chains, and as many before",
        },
        Parameter {
            name: "penalty",
            default: Default::Float(1.0),
            summary: "what a deviation of doubt costs where the mean is taken less the doubt",
        },
        Parameter { name: "seeds", default: Default::Integer(30), summary: "functions that all of it is done for" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// How much is done.
#[derive(Clone, Copy)]
struct Effort<'a> {
    points: usize,
    updates: usize,
    samples: usize,
    interrupt: &'a Interrupt,
}

/// What is believed at some places.
struct Belief {
    mean: Vec<f64>,
    /// Deviation of what is not known.
    doubt: Vec<f64>,
    /// Deviation of the noise that a new measurement has besides; where noise and doubt are told as one, zero.
    noise: Vec<f64>,
    /// What each member believes, where there are several; else none.
    members: Vec<Vec<f64>>,
    /// Of what is sampled by chains how far these disagree, R̂, where they do so the most.
    apart: Option<f64>,
}

impl Belief {
    /// Mean and deviation of members, with the noise beside.
    fn of_members(members: Vec<Vec<f64>>, noise: Vec<f64>) -> Self {
        let n = members.len() as f64;
        let at = |i: usize| members.iter().map(move |member| member[i]);
        let mean: Vec<f64> = (0..noise.len()).map(|i| at(i).sum::<f64>() / n).collect();
        let doubt = (0..noise.len())
            .map(|i| (at(i).map(|value| (value - mean[i]).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt())
            .collect();
        Self { mean, doubt, noise, members, apart: None }
    }

    /// The worst that is believed: of members the least, else two deviations below the mean.
    fn worst(&self, i: usize) -> f64 {
        if self.members.is_empty() {
            return self.mean[i] - 2.0 * self.doubt[i];
        }
        self.members.iter().fold(f64::INFINITY, |least, member| least.min(member[i]))
    }
}

/// A way to doubt.
type Learn = fn(&Data, &[f64], Effort<'_>, &mut Rng) -> Result<Belief>;

const KINDS: [(&str, Learn); 9] = [
    ("probabilistic network", networks::single),
    ("ensemble", networks::ensemble),
    ("randomised priors", networks::priors),
    ("dropout", networks::dropout),
    ("Bayesian network, HMC", bayes::sampled),
    ("last layer, Laplace", bayes::last_layer),
    ("Gaussian process", gp::learned),
    ("pseudo-counts", counts::pseudo),
    ("hashing", counts::hashed),
];

/// What is told of each.
const TOLD: [&str; 7] = [
    "coverage on data (%)",
    "coverage off data (%)",
    "doubt on data",
    "growth off data",
    "worth by the mean",
    "by the worst",
    "by the penalty",
];

/// What a belief came to, as [`TOLD`]; and its doubt at each place.
fn judge(belief: &Belief, world: &World, places: &[f64], penalty: f64, rng: &mut Rng) -> [f64; 7] {
    let (mut covered, mut doubt, mut count) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for (i, place) in places.iter().enumerate() {
        let Some(off) = world.is_off(*place) else { continue };
        let off = usize::from(off);
        let std = belief.doubt[i].hypot(belief.noise[i]);
        let measured = world.value(*place) + NOISE * rng.normal();
        covered[off] += f64::from(u8::from((measured - belief.mean[i]).abs() <= 1.96 * std));
        doubt[off] += belief.doubt[i];
        count[off] += 1.0;
    }
    let worth = |score: &dyn Fn(usize) -> f64| {
        let best = (0..places.len()).fold(0, |best, i| if score(i) > score(best) { i } else { best });
        world.value(places[best])
    };
    let on = doubt[0] / count[0];
    [
        100.0 * covered[0] / count[0],
        100.0 * covered[1] / count[1],
        on,
        doubt[1] / count[1] / on,
        worth(&|i| belief.mean[i]),
        worth(&|i| belief.worst(i)),
        worth(&|i| belief.mean[i] - penalty * belief.doubt[i]),
    ]
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let effort = Effort {
        points: settings.count_in("points", 4, 2000)?,
        updates: settings.count_in("updates", 1, 1_000_000)?,
        samples: settings.count_in("samples", 10, 1_000_000)?,
        interrupt: watch.interrupt,
    };
    let penalty = settings.float("penalty", 0.0, 1e6)?;
    let (seeds, key) = (settings.count_in("seeds", 1, 100_000)?, Key::new(settings.count("seed", 0)? as u64));
    let places = world::places();
    cost::memory(&[("samples", effort.samples)], bayes::bytes(effort.samples))?;
    cost::memory(&[("points", effort.points)], 3.0 * 8.0 * (effort.points * effort.points) as f64)?;
    let mut came = vec![vec![Vec::new(); TOLD.len()]; KINDS.len()];
    let mut apart = Vec::new();
    let (mut bars, mut shapes) = ([Vec::new(), Vec::new()], Vec::new());
    for seed in 0..seeds {
        let rng = &mut key.fold(seed as u64).rng();
        let world = World::random(rng);
        let data = world.measured(effort.points, rng);
        let tried = data.x.iter().map(|x| world.value(*x)).fold(f64::NEG_INFINITY, f64::max);
        bars[0].push(tried);
        bars[1].push(places.iter().map(|x| world.value(*x)).fold(f64::NEG_INFINITY, f64::max));
        for (k, (name, learn)) in KINDS.iter().enumerate() {
            watch.tell(seed * KINDS.len() + k, seeds * KINDS.len(), name)?;
            // Each has its own randomness, so that one more kind changes nothing of the others.
            let rng = &mut key.fold(seed as u64).fold(k as u64 + 1).rng();
            let belief = learn(&data, &places, effort, rng)?;
            if let Some(by) = belief.apart {
                apart.push(by);
                if !bayes::agree(by) {
                    // What chains say that have not met is no belief: it is counted, and judged nowhere.
                    continue;
                }
            }
            let told = judge(&belief, &world, &places, penalty, rng);
            came[k].iter_mut().zip(told).for_each(|(all, one)| all.push(one));
            if seed == 0 {
                let points = places.iter().zip(&belief.doubt).map(|(x, doubt)| [*x, *doubt, *doubt, *doubt]);
                shapes.push(Curve { name: (*name).into(), points: points.collect() });
            }
        }
    }
    Ok(told(&came, &bars, &apart, shapes))
}

fn told(came: &[Vec<Vec<f64>>], bars: &[Vec<f64>; 2], apart: &[f64], shapes: Vec<Curve>) -> Study {
    let mut findings = Vec::new();
    let rows = KINDS.iter().zip(came).map(|((name, _), each)| {
        if each[0].is_empty() {
            findings.push(format!("{name}: its chains disagree on every function, so that nothing is believed; take more samples"));
            return std::iter::once(Cell::from(*name)).chain(TOLD.map(|_| Cell::from("–"))).collect();
        }
        let numbers: Vec<[f64; 3]> = each
            .iter()
            .enumerate()
            .map(|(i, all)| if i < 2 { bounded(estimate(all), [0.0, 100.0]) } else { estimate(all) })
            .collect();
        findings.push(format!(
            "{name}: 95 % intervals hold {:.0} % on data and {:.0} % off them; doubt grows {:.1}-fold; decisions are worth {:.2} by the mean, {:.2} by the worst and {:.2} by the penalty",
            numbers[0][0], numbers[1][0], numbers[3][0], numbers[4][0], numbers[5][0], numbers[6][0]
        ));
        std::iter::once(Cell::from(*name)).chain(numbers.into_iter().map(Cell::Estimate)).collect()
    });
    let rows = rows.collect();
    let failed = apart.iter().filter(|by| !bayes::agree(**by)).count();
    let largest = apart.iter().copied().fold(0.0, f64::max);
    findings.push(format!(
        "chains of Hamiltonian Monte Carlo disagree by R̂ = {largest:.2} at the most; on {failed} of {} functions they do by more than {}, which are left out of its row",
        apart.len(),
        bayes::MOST_DISAGREEMENT
    ));
    let [tried, best] = bars.each_ref().map(|bar| estimate(bar));
    findings
        .push(format!("the best place that was measured is worth {:.2}, the best there is {:.2}", tried[0], best[0]));
    Study {
        findings,
        tables: vec![
            Table {
                title: "Ways to doubt".into(),
                columns: std::iter::once("way").chain(TOLD).map(String::from).collect(),
                rows,
            },
            Table {
                title: "Chains of Hamiltonian Monte Carlo, where they disagree the most".into(),
                columns: ["functions", "that are left out", "R̂, median", "R̂, largest"].map(String::from).to_vec(),
                rows: vec![vec![
                    Cell::Number(apart.len() as f64),
                    Cell::Number(failed as f64),
                    Cell::Number(median(apart)),
                    Cell::Number(largest),
                ]],
            },
            Table {
                title: "What there is to choose".into(),
                columns: ["place", "worth"].map(String::from).to_vec(),
                rows: vec![
                    vec!["the best that was measured".into(), Cell::Estimate(tried)],
                    vec!["the best".into(), Cell::Estimate(best)],
                ],
            },
        ],
        figures: vec![Figure {
            title: "Doubt over the places of one function; there are data from −1.5 to −0.5 and from 0.5 to 1.5".into(),
            axes: ["place".into(), "deviation".into()],
            logarithmic: [false, false],
            curves: shapes,
        }],
    }
}

/// The middle one of numbers, the upper one of two; of none, one that is none.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_coverage_and_growth_are_those_of_their_definitions() {
        let (world, places) = (World::random(&mut Rng::new(3)), world::places());
        let exact = |doubt: f64| Belief {
            mean: places.iter().map(|x| world.value(*x)).collect(),
            doubt: places.iter().map(|x| if world.is_off(*x) == Some(true) { 3.0 * doubt } else { doubt }).collect(),
            noise: vec![NOISE; places.len()],
            members: Vec::new(),
            apart: None,
        };
        let best = places.iter().map(|x| world.value(*x)).fold(f64::NEG_INFINITY, f64::max);
        let [on, off, doubt, growth, mean, _, penalty] = judge(&exact(1e-9), &world, &places, 1.0, &mut Rng::new(1));
        // 95 % within five binomial deviations.
        assert!((on - 95.0).abs() < 11.0 && (off - 95.0).abs() < 11.0, "{on} {off}");
        assert!((doubt - 1e-9).abs() < 1e-12 && (growth - 3.0).abs() < 1e-9);
        assert!((mean - best).abs() < 1e-12 && (penalty - best).abs() < 1e-12);
        // Who doubts a lot off the data stays on them.
        let [.., worst, _] = judge(&exact(10.0), &world, &places, 1.0, &mut Rng::new(1));
        let on_data = places.iter().filter(|x| world.is_off(**x) != Some(true)).map(|x| world.value(*x));
        assert!((worst - on_data.fold(f64::NEG_INFINITY, f64::max)).abs() < 1e-12);
        let two = Belief::of_members(vec![vec![0.0, 1.0], vec![2.0, 1.0]], vec![0.0; 2]);
        assert_eq!((two.mean.as_slice(), two.worst(0)), ([1.0, 1.0].as_slice(), 0.0));
        assert!((two.doubt[0] - 2f64.sqrt()).abs() < 1e-12 && two.doubt[1] == 0.0);
    }

    #[test]
    fn chains_that_disagree_are_counted_and_leave_the_others_as_they_are() {
        let came: Vec<Vec<Vec<f64>>> =
            (0..KINDS.len()).map(|k| vec![if k == 4 { vec![] } else { vec![1.0, 2.0] }; TOLD.len()]).collect();
        let study = told(&came, &[vec![1.0], vec![2.0]], &[f64::INFINITY, 2.5], Vec::new());
        assert_eq!(study.tables[0].rows[4][1], Cell::from("–"));
        assert!(matches!(study.tables[0].rows[3][1], Cell::Estimate([mean, ..]) if (mean - 1.5).abs() < 1e-12));
        assert_eq!(study.tables[1].rows[0][1], Cell::Number(2.0));
        assert!(bayes::agree(1.5) && !bayes::agree(f64::NAN));
        // With few samples chains have not met; how far apart they are is said all the same.
        let rng = &mut Rng::new(5);
        let data = World::random(rng).measured(30, rng);
        let effort = Effort { points: 30, updates: 1, samples: 10, interrupt: &Interrupt::never() };
        assert!(
            bayes::sampled(&data, &world::places(), effort, rng).unwrap().apart.is_some_and(|by| !bayes::agree(by))
        );
    }

    #[test]
    fn those_that_know_what_they_do_not_know_doubt_more_off_the_data() {
        let effort = Effort { points: 30, updates: 400, samples: 100, interrupt: &Interrupt::never() };
        let rng = &mut Rng::new(5);
        let world = World::random(rng);
        let (data, places) = (world.measured(effort.points, rng), world::places());
        for (name, learn) in KINDS {
            let belief = learn(&data, &places, effort, &mut Rng::new(2)).unwrap();
            let [on, _, doubt, growth, ..] = judge(&belief, &world, &places, 1.0, rng);
            assert!(on > 60.0 && doubt > 0.0, "{name}: covers {on}, doubts {doubt}");
            // A network's noise and dropout are no knowledge of what was not seen.
            let knows = !["probabilistic network", "dropout"].contains(&name);
            assert!(!knows || growth > 1.5, "{name}: {growth}");
        }
    }
}
