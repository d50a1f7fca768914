//! `oracles`: what a call of each kind is worth to a learner, as a linear world grows.
//!
//! One linear world with quadratic cost (see `world`) is solved by who may ask for different things: returns of whole episodes, states and costs of steps, states alone where
//! the cost is given, any pair of state and action that is no longer than what episodes begin with (a reset to anywhere), the gradient of the return. Counted are calls until what is learned saves
//! 98 % of what can be saved over doing nothing, in closed form. The ratio of two counts is a price: how many calls of the one kind one of the other is worth.
//!
//! Step sizes of the search and of the gradients are the best of those tried at each size, on the same worlds that count, and the calls of the others are not counted: both look better than to one
//! who has to find a step size. The derivative of a step needs no contender: it is `A` and `B`, so that one tells a linear world by its definition.
//!
//! That models need fewer steps than values, by a power of the size, is what Tu and Recht ("The Gap Between Model-Based and Model-Free Methods on the Linear Quadratic
//! Regulator: An Asymptotic Viewpoint", COLT 2019) prove for policy evaluation and optimisation.

mod learners;
mod matrix;
mod world;

use worldwright_core::{Entry, Key, Parameter, Result, SettingDefault as Default, Settings};

use crate::finding::{bounded, estimate};
use crate::growth;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
use learners::{Calls, LEVEL, Task};
use world::World;

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "oracles",
    summary: "what a returned state, a reward, a reset, a gradient are worth in steps, as a linear world grows",
    source: "Tu and Recht, COLT 2019; Kakade, 2003",
    parameters: &[
        Parameter {
            name: "sizes",
            default: Default::Numbers(&[2.0, 4.0, 6.0, 8.0, 12.0, 16.0]),
            summary: "numbers of a state; an action has half as many",
        },
        Parameter { name: "seeds", default: Default::Integer(10), summary: "worlds of each size" },
        Parameter {
            name: "most_calls",
            default: Default::Integer(4_000_000),
            summary: "calls after which a run is given up",
        },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// Who asks for what, and the step sizes of which the best counts at each size.
struct Contender {
    name: &'static str,
    calls: Calls,
    rates: &'static [f64],
}

const CONTENDERS: [Contender; 6] = [
    Contender { name: "search by returns", calls: Calls::Returns, rates: &[0.02, 0.05, 0.1, 0.2] },
    Contender { name: "values from states and costs", calls: Calls::Values, rates: &[0.0] },
    Contender { name: "model from states and costs", calls: Calls::StatesAndCosts, rates: &[0.0] },
    Contender { name: "model from states, cost given", calls: Calls::States, rates: &[0.0] },
    Contender { name: "model from any pair, cost given", calls: Calls::Pairs, rates: &[0.0] },
    Contender { name: "gradients of the return", calls: Calls::Gradients, rates: &[1e-4, 3e-4, 1e-3, 3e-3, 1e-2] },
];

/// What is worth how many of what: the dearer, what it is counted in, and the two contenders.
const PRICES: [(&str, [usize; 2]); 5] = [
    ("states and costs of steps, in place of returns alone", [0, 2]),
    ("a model, in place of values", [1, 2]),
    ("the cost's formula, in place of costs of steps", [2, 3]),
    ("a call at any pair, in steps", [3, 4]),
    ("a gradient of the return, in steps that are judged by returns", [0, 5]),
];

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let sizes = settings.counts_in("sizes", 2, 64)?;
    let (seeds, most) = (settings.count_in("seeds", 1, 1000)?, settings.count_in("most_calls", 1, 1_000_000_000)?);
    let key = Key::new(settings.count("seed", 0)? as u64);
    growth::different("sizes", &sizes)?;
    let title = format!("Calls until {:.0} % of what can be saved is", 100.0 * LEVEL);
    let header =
        |first: &str| std::iter::once(first.to_owned()).chain(sizes.iter().map(|d| format!("d = {d}"))).collect();
    let mut fits = growth::table();
    let mut table = Table { title: title.clone(), columns: header("who asks"), rows: Vec::new() };
    let (mut curves, mut means) = (Vec::new(), Vec::new());
    for (c, contender) in CONTENDERS.iter().enumerate() {
        let (mut row, mut points, mut line) = (vec![Cell::from(contender.name)], Vec::new(), Vec::new());
        for (s, d) in sizes.iter().enumerate() {
            watch.tell(c * sizes.len() + s, CONTENDERS.len() * sizes.len(), &format!("{}, d = {d}", contender.name))?;
            let Some([mean, low, high]) = contender.best(*d, seeds, most, key.fold(s as u64), watch)? else {
                row.extend((row.len()..=sizes.len()).map(|_| Cell::Text(format!("> {most}"))).collect::<Vec<_>>());
                break;
            };
            row.push(Cell::Estimate([mean, low, high]));
            points.push([*d as f64, low, mean, high]);
            line.push([*d as f64, mean]);
        }
        table.rows.push(row);
        fits.rows.push(growth::fitted("linear world", contender.name, &line));
        curves.push(Curve { name: contender.name.into(), points });
        means.push(line);
    }
    let mut prices = Table { title: "What one is worth".into(), columns: header("what"), rows: Vec::new() };
    let mut findings = growth::findings(&fits);
    for (what, [dear, cheap]) in PRICES {
        let ratios: Vec<f64> = means[dear].iter().zip(&means[cheap]).map(|(a, b)| a[1] / b[1]).collect();
        let mut row = vec![Cell::from(what)];
        row.extend((0..sizes.len()).map(|i| ratios.get(i).map_or(Cell::from("–"), |ratio| Cell::Number(*ratio))));
        prices.rows.push(row);
        if let (Some(first), Some(last)) = (ratios.first(), ratios.last()) {
            let [from, to] = [sizes[0], sizes[ratios.len() - 1]];
            findings.push(format!("{what}: {first:.1} at d = {from}, {last:.1} at d = {to}"));
        }
    }
    let tuned = CONTENDERS.iter().filter(|contender| contender.rates.len() > 1);
    findings.extend(tuned.map(|contender| {
        let (name, tried) = (contender.name, contender.rates.len());
        format!("{name}: the step size is the best of {tried} tried at each size on the same worlds, and calls of the others are not counted")
    }));
    findings.push("one derivative of a step tells a linear world by its definition, and is not counted beside".into());
    let axes = ["numbers of a state".into(), "calls".into()];
    let figures = vec![Figure { title, axes, logarithmic: [true, true], curves }];
    Ok(Study { findings, tables: vec![prices, fits, table], figures })
}

impl Contender {
    /// Mean and interval of calls over worlds of a size, at the step size that needs the fewest; none where each gives up in some world.
    fn best(&self, d: usize, seeds: usize, most: usize, key: Key, watch: &Watch<'_>) -> Result<Option<[f64; 3]>> {
        let mut best: Option<[f64; 3]> = None;
        for rate in self.rates {
            let mut counts = Vec::new();
            // What takes longer than the best so far need not be finished.
            let most = best.map_or(most, |[mean, ..]| most.min((mean * seeds as f64) as usize));
            for seed in 0..seeds {
                let world = World::draw(d, &mut key.fold(seed as u64).rng());
                let task = Task::new(world, most, watch.interrupt)?;
                match task.calls(self.calls, *rate, &mut key.fold(seed as u64).fold(1).rng())? {
                    Some(count) => counts.push(count as f64),
                    None => break,
                }
            }
            if counts.len() == seeds {
                let told = bounded(estimate(&counts), [1.0, f64::INFINITY]);
                best = Some(best.filter(|best| best[0] <= told[0]).unwrap_or(told));
            }
        }
        Ok(best)
    }
}
