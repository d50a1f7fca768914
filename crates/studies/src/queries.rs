//! `queries`: how many steps a learner asks a world for until it acts well, as the world grows.
//!
//! Three worlds without chance, each of size N, in which one goal pays: a *chain* of N states, walked from its left end to its right one; a *grid* of N×N, from corner
//! to corner; the *deep sea* of N rows, in each of which the right one of two choices has to be taken, so that 2^N ways lead down and one to the treasure
//! (Osband, Doron, Hessel, Aslanides, Sezener, Saraiva et al., "Behaviour Suite for Reinforcement Learning", ICLR 2020). What counts are the steps until what the
//! learner does without exploring earns 90 % of the optimum.
//!
//! The steps of each learner are fitted twice, by `c N^k` and by `c b^N`; the better fit in logarithms says whether they grow as a power or exponentially. Beside the
//! learners, which walk, stands one that may ask for any pair of state and choice (an oracle of states, a *reset* to anywhere): it needs each once. What it saves is what
//! such an oracle is worth (Kakade, "On the Sample Complexity of Reinforcement Learning", 2003).

use std::collections::BTreeMap;

use worldwright_core::{
    Entry, Interrupt, Key, Parameter, Result, Rng, Setting, SettingDefault as Default, Settings, cost, find,
};
use worldwright_finite::online::{ALL, LearnerContext, TabularLearner, Transition};

use crate::finding::{bounded, estimate};
use crate::greedy::first_best;
use crate::growth;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "queries",
    summary: "steps until a learner acts well, as a chain, a grid and the deep sea grow: as a power of their size, or exponentially",
    source: "Kakade, 2003; Osband et al., ICLR 2020",
    parameters: &[
        Parameter {
            name: "sizes",
            default: Default::Numbers(&[4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0]),
            summary: "sizes of each world",
        },
        Parameter { name: "seeds", default: Default::Integer(10), summary: "runs of each learner in each world" },
        Parameter {
            name: "most_steps",
            default: Default::Integer(200_000),
            summary: "steps after which a run is given up",
        },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// What a reward one step later is worth.
const DISCOUNT: f64 = 0.99;
/// What a learner keeps of a pair of state and choice at most: values, counts and where it led, and these once more as it plans.
const PAIR_BYTES: f64 = 512.0;
/// Share of the optimum that is good enough.
const LEVEL: f64 = 0.9;

/// From size, state and action (and, in the deep sea, what means right): what it pays and where it leads.
type Step = fn(usize, usize, usize, &[usize]) -> (f64, Option<usize>);

/// A world without chance.
struct World {
    name: &'static str,
    actions: usize,
    states: fn(usize) -> usize,
    step: Step,
    /// Steps of an episode.
    horizon: fn(usize) -> usize,
    /// The action of an optimal policy.
    best: fn(usize, usize, &[usize]) -> usize,
}

const WORLDS: [World; 3] = [
    World {
        name: "chain",
        actions: 2,
        states: |n| n,
        step: |n, state, action, _| match action {
            0 => (0.0, Some(state.saturating_sub(1))),
            _ if state + 2 == n => (1.0, None),
            _ => (0.0, Some(state + 1)),
        },
        horizon: |n| 4 * n,
        best: |_, _, _| 1,
    },
    World {
        name: "grid",
        actions: 4,
        states: |n| n * n,
        step: |n, state, action, _| {
            let (x, y) = (state % n, state / n);
            let (x, y) = match action {
                0 => (x.saturating_sub(1), y),
                1 => ((x + 1).min(n - 1), y),
                2 => (x, y.saturating_sub(1)),
                _ => (x, (y + 1).min(n - 1)),
            };
            if x + y + 2 == 2 * n { (1.0, None) } else { (0.0, Some(y * n + x)) }
        },
        horizon: |n| 8 * n,
        best: |n, state, _| if state % n + 1 < n { 1 } else { 3 },
    },
    World {
        name: "deep sea",
        actions: 2,
        states: |n| n * n,
        step: |n, state, action, right| {
            let (row, column) = (state / n, state % n);
            let wants = action == right[state];
            let pays = if wants { -0.01 / n as f64 } else { 0.0 };
            let found = if wants && row + 1 == n && column + 1 == n { 1.0 } else { 0.0 };
            let column = if wants { (column + 1).min(n - 1) } else { column.saturating_sub(1) };
            (pays + found, (row + 1 < n).then_some((row + 1) * n + column))
        },
        horizon: |n| n,
        best: |_, state, right| right[state],
    },
];

/// A learner of the list with settings over its defaults.
struct Contender {
    name: &'static str,
    learner: &'static str,
    settings: &'static [(&'static str, Value)],
}

#[derive(Clone, Copy)]
enum Value {
    Float(f64),
    Whole(i64),
}

const CONTENDERS: [Contender; 6] = [
    Contender { name: "q-learning", learner: "q-learning", settings: &[("step_size", Value::Float(0.5))] },
    Contender {
        name: "q-learning, hopeful",
        learner: "q-learning",
        settings: &[
            ("step_size", Value::Float(0.5)),
            ("initial_value", Value::Float(1.0)),
            ("epsilon", Value::Float(0.0)),
        ],
    },
    Contender {
        name: "dyna-q",
        learner: "dyna-q",
        settings: &[("step_size", Value::Float(0.5)), ("planning_steps", Value::Whole(20))],
    },
    Contender { name: "prioritised-sweeping", learner: "prioritised-sweeping", settings: &[] },
    Contender { name: "r-max", learner: "r-max", settings: &[("known_tries", Value::Whole(1))] },
    Contender { name: "psrl", learner: "psrl", settings: &[] },
];

/// The one that asks for any pair.
const ORACLE: &str = "each pair asked once";

impl World {
    /// The discounted return of a policy from the first state, and its steps.
    fn earns(&self, n: usize, right: &[usize], mut acts: impl FnMut(usize) -> Result<usize>) -> Result<f64> {
        let (mut state, mut worth, mut total) = (0, 1.0, 0.0);
        for _ in 0..(self.horizon)(n) {
            let (reward, next) = (self.step)(n, state, acts(state)?, right);
            total += worth * reward;
            worth *= DISCOUNT;
            match next {
                Some(next) => state = next,
                None => break,
            }
        }
        Ok(total)
    }

    /// Steps until what is learned is good enough; none where that takes more than `most`.
    fn steps(
        &self,
        n: usize,
        contender: &Contender,
        (most, interrupt): (usize, &Interrupt),
        rng: &mut Rng,
    ) -> Result<Option<usize>> {
        let right: Vec<usize> = (0..(self.states)(n)).map(|_| rng.below(2) as usize).collect();
        let enough = LEVEL * self.earns(n, &right, |state| Ok((self.best)(n, state, &right)))?;
        let mut learner = contender.build(self.actions)?;
        let mut steps = 0;
        while steps < most {
            interrupt.check("the study")?;
            learner.begin(0);
            let mut state = 0;
            for t in 1..=(self.horizon)(n) {
                let action = learner.choose(0, state, true, rng)?;
                let (reward, next) = (self.step)(n, state, action, &right);
                let truncated = next.is_some() && t == (self.horizon)(n);
                learner.learn(0, &Transition { state, action, reward, next, truncated }, rng)?;
                steps += 1;
                match next {
                    Some(next) => state = next,
                    None => break,
                }
            }
            let greedy = |state| Ok(first_best(&learner.action_values(state)?));
            if self.earns(n, &right, greedy)? >= enough {
                return Ok(Some(steps));
            }
        }
        Ok(None)
    }
}

impl Contender {
    fn build(&self, actions: usize) -> Result<Box<dyn TabularLearner>> {
        let entry = find(ALL, "learner", self.learner)?;
        let given: BTreeMap<String, Setting> = (self.settings.iter())
            .map(|(key, value)| {
                let value = match value {
                    Value::Float(number) => Setting::Float(*number),
                    Value::Whole(number) => Setting::Integer(*number),
                };
                ((*key).to_owned(), value)
            })
            .collect();
        let settings = Settings::resolve(entry.name, entry.parameters, &given)?;
        (entry.build)(&LearnerContext { actions, discount: DISCOUNT, places: 1 }, &settings)
    }
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let sizes = settings.counts_in("sizes", 3, 100)?;
    let (seeds, most) = (settings.count_in("seeds", 1, 1000)?, settings.count_in("most_steps", 1, 100_000_000)?);
    let key = Key::new(settings.count("seed", 0)? as u64);
    growth::different("sizes", &sizes)?;
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let pairs = WORLDS.iter().map(|world| (world.states)(largest) * world.actions).max().unwrap_or(0);
    cost::memory(&[("sizes", largest)], PAIR_BYTES * pairs as f64)?;
    let all = WORLDS.len() * CONTENDERS.len();
    let mut study = Study::default();
    let mut fits = growth::table();
    for (w, world) in WORLDS.iter().enumerate() {
        let mut curves = Vec::new();
        let mut table = Table {
            title: format!("Steps until {:.0} % of the optimum: {}", 100.0 * LEVEL, world.name),
            columns: std::iter::once("learner".to_owned()).chain(sizes.iter().map(|n| format!("N = {n}"))).collect(),
            rows: Vec::new(),
        };
        for (c, contender) in CONTENDERS.iter().enumerate() {
            watch.tell(w * CONTENDERS.len() + c, all, &format!("{} by {}", world.name, contender.name))?;
            let (mut row, mut points, mut means) = (vec![Cell::from(contender.name)], Vec::new(), Vec::new());
            for (s, n) in sizes.iter().enumerate() {
                let mut steps = Vec::new();
                for seed in 0..seeds {
                    let rng = &mut key.fold(w as u64).fold(s as u64).fold(seed as u64).rng();
                    match world.steps(*n, contender, (most, watch.interrupt), rng)? {
                        Some(taken) => steps.push(taken as f64),
                        None => break,
                    }
                }
                if steps.len() < seeds {
                    // Where one run is given up, larger worlds would be too.
                    row.extend((row.len()..=sizes.len()).map(|_| Cell::Text(format!("> {most}"))).collect::<Vec<_>>());
                    break;
                }
                let [mean, low, high] = bounded(estimate(&steps), [1.0, f64::INFINITY]);
                row.push(Cell::Estimate([mean, low, high]));
                points.push([*n as f64, low, mean, high]);
                means.push([*n as f64, mean]);
            }
            table.rows.push(row);
            fits.rows.push(growth::fitted(world.name, contender.name, &means));
            curves.push(Curve { name: contender.name.into(), points });
        }
        let asked: Vec<[f64; 2]> =
            sizes.iter().map(|n| [*n as f64, ((world.states)(*n) * world.actions) as f64]).collect();
        table.rows.push(
            std::iter::once(Cell::from(ORACLE)).chain(asked.iter().map(|[_, steps]| Cell::Number(*steps))).collect(),
        );
        let points = asked.iter().map(|[n, steps]| [*n, *steps, *steps, *steps]).collect();
        curves.push(Curve { name: ORACLE.into(), points });
        study.tables.push(table);
        study.figures.push(Figure {
            title: format!("Steps until {:.0} % of the optimum: {}", 100.0 * LEVEL, world.name),
            axes: ["size N".into(), "steps".into()],
            logarithmic: [true, true],
            curves,
        });
    }
    study.findings = growth::findings(&fits);
    study.tables.insert(0, fits);
    Ok(study)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimal_policies_earn_what_shortest_ways_do() {
        let right = [1; 400];
        for (world, far) in WORLDS.iter().zip([4, 9, 5]) {
            let n = [6, 6, 6][0];
            let earned = world.earns(n, &right, |state| Ok((world.best)(n, state, &right))).unwrap();
            let cost = if world.name == "deep sea" { (0..6).map(|t| 0.01 / 6.0 * DISCOUNT.powi(t)).sum() } else { 0.0 };
            assert!((earned - (DISCOUNT.powi(far) - cost)).abs() < 1e-12, "{}: {earned}", world.name);
        }
    }

    /// Counting on what was never tried goes through the deep sea in about a step a pair; dithering needs one of 2^N ways.
    #[test]
    fn optimism_is_what_solves_the_deep_sea() {
        let sea = &WORLDS[2];
        let of = |name: &str, n| {
            let contender = CONTENDERS.iter().find(|contender| contender.name == name).unwrap();
            sea.steps(n, contender, (20_000, &Interrupt::never()), &mut Rng::new(3)).unwrap()
        };
        assert!(of("r-max", 10).is_some_and(|steps| steps <= 4 * 200), "{:?}", of("r-max", 10));
        assert_eq!(of("q-learning", 14), None);
    }
}
