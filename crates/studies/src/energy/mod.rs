//! `energy`: what a learned energy says of transitions and of whole trajectories, and what it is worth as a price on plans.
//!
//! An energy gives every point a number and needs not say which comes next: so it holds more than one mode, and trajectories are sampled from it whole, with any of their points held (Du, Lin and Mordatch, "Model-Based
//! Planning with Energy-Based Models", CoRL 2019). Here it is learned by taking noise out, which gives its slope, the score, at once. The same correction, squared, tells how far a plan is from the data, and is paid
//! for by a planner (Boney et al., "Regularizing Trajectory Optimization with Denoising Autoencoders", NeurIPS 2019). Unlike the first paper there are no negative samples, no clipped gradients and no replay of samples.

mod denoiser;
mod gaussian;
mod planning;
mod room;

use worldwright_core::{Entry, Key, Parameter, Result, SettingDefault as Default, Settings, cost};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Study, Table, Watch};
use denoiser::Lessons;
use planning::Came;

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "energy",
    summary: "an energy of transitions and whole trajectories, learned by taking noise out: its score, what is sampled from it, and what it is worth as a price on plans",
    source: "Du, Lin and Mordatch, CoRL 2019; Boney et al., NeurIPS 2019",
    parameters: &[
        Parameter {
            name: "rows",
            default: Default::Integer(20_000),
            summary: "transitions, walks that are learned from",
        },
        Parameter {
            name: "updates",
            default: Default::Integer(4000),
            summary: "updates of each energy, of 64 samples",
        },
        Parameter { name: "samples", default: Default::Integer(1000), summary: "trajectories that are sampled" },
        Parameter {
            name: "few",
            default: Default::Integer(25),
            summary: "transitions that the model of the planner is fitted to",
        },
        Parameter {
            name: "penalty",
            default: Default::Float(0.3),
            summary: "α, what a plan pays for leaving the data",
        },
        Parameter { name: "plans", default: Default::Integer(100), summary: "models that are fitted and planned in" },
        Parameter { name: "seeds", default: Default::Integer(5), summary: "times that each energy is learned" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let (rows, updates) = (settings.count_in("rows", 10, 10_000_000)?, settings.count_in("updates", 4, 10_000_000)?);
    let (samples, few) = (settings.count_in("samples", 1, 1_000_000)?, settings.count_in("few", 4, 100_000)?);
    let (penalty, plans) = (settings.float("penalty", 0.0, 1e6)?, settings.count_in("plans", 1, 1_000_000)?);
    let (seeds, key) = (settings.count_in("seeds", 1, 100_000)?, Key::new(settings.count("seed", 0)? as u64));
    cost::memory(&[("rows", rows)], 8.0 * (rows * 24) as f64)?;
    let all = 3 * seeds + plans;
    let (mut off, mut bent, mut ways) = ([Vec::new(), Vec::new()], Vec::new(), [(); 4].map(|()| Vec::new()));
    for seed in 0..seeds {
        let key = key.fold(0).fold(seed as u64);
        let small = Lessons { units: 8, rows: 5, noise: 0.05, updates };
        watch.tell(3 * seed, all, "transitions")?;
        let came = gaussian::off(rows, small, (watch.interrupt, &mut key.fold(0).rng()))?;
        off.iter_mut().zip(came).for_each(|(all, one)| all.push(one));
        watch.tell(3 * seed + 1, all, "bridges")?;
        let lessons = Lessons { rows: gaussian::WALK, ..small };
        bent.push(gaussian::bridge(rows, samples, lessons, (watch.interrupt, &mut key.fold(1).rng()))?);
        watch.tell(3 * seed + 2, all, "a room")?;
        let lessons = Lessons { units: 64, rows: 16, noise: 0.2, updates };
        let came = room::sampled((rows, samples), lessons, (watch.interrupt, &mut key.fold(2).rng()))?;
        ways.iter_mut().zip(came).for_each(|(all, one)| all.push(one));
    }
    let mut planned = Vec::with_capacity(plans);
    for plan in 0..plans {
        watch.tell(3 * seeds + plan, all, "a plan")?;
        let lessons = Lessons { units: 32, rows: 3, noise: 0.2, updates: updates.div_ceil(5) };
        let rng = &mut key.fold(1).fold(plan as u64).rng();
        planned.push(planning::compared(few, penalty, lessons, (watch.interrupt, rng))?);
    }
    Ok(told(&off, &bent, &ways, &planned))
}

fn told(off: &[Vec<f64>; 2], bent: &[f64], ways: &[Vec<f64>; 4], planned: &[[Came; 3]]) -> Study {
    let [best, score] = off.each_ref().map(|all| estimate(all));
    let bent = estimate(bent);
    let [above, beneath, through, one] = ways.each_ref().map(|all| bounded(estimate(all), [0.0, 100.0]));
    let over = |of: &dyn Fn(&[Came; 3]) -> f64| estimate(&planned.iter().map(of).collect::<Vec<_>>());
    let gained = over(&|came| came[1][1] - came[0][1]);
    let plan = |name: &str, k: usize| {
        let cells = [0, 1, 2].map(|i| Cell::Estimate(over(&|came| came[k][i])));
        std::iter::once(Cell::from(name)).chain(cells).collect()
    };
    let exact = |what: &str, measured: [f64; 3]| vec![what.into(), Cell::Estimate(measured)];
    Study {
        findings: vec![
            format!(
                "of a linear system with normal noise the correction is {:.1} % off the best one, and {:.1} % off the exact score",
                best[0], score[0]
            ),
            format!("walks that are held at both ends are {:.1} % off the straight line on average", bent[0]),
            format!(
                "ways through the room pass the pillar above in {:.0} % of samples and beneath in {:.0} %, {:.1} % run into it; a network of one mode does in {:.0} %",
                above[0], beneath[0], through[0], one[0]
            ),
            format!(
                "a price on leaving the data brings a plan {:.2} ({:.2} to {:.2}) more in the world",
                gained[0], gained[1], gained[2]
            ),
        ],
        tables: vec![
            Table {
                title: "Against what is known exactly".into(),
                columns: ["what", "off (%)"].map(String::from).to_vec(),
                rows: vec![
                    exact("correction, against the best for this noise", best),
                    exact("score, against the exact one", score),
                    exact("mean of bridges, against the straight line", bent),
                ],
            },
            Table {
                title: "Ways through a room with a pillar, in percent".into(),
                columns: ["from", "above", "beneath", "into the pillar"].map(String::from).to_vec(),
                rows: vec![
                    std::iter::once(Cell::from("the energy"))
                        .chain([above, beneath, through].map(Cell::Estimate))
                        .collect(),
                    vec!["a network of one mode".into(), "–".into(), "–".into(), Cell::Estimate(one)],
                ],
            },
            Table {
                title: "Plans in a model of little data".into(),
                columns: ["plan", "promised", "paid in the world", "what the denoiser would mend"]
                    .map(String::from)
                    .to_vec(),
                rows: vec![
                    plan("without a price", 0),
                    plan("with a price on leaving the data", 1),
                    plan("in the world itself", 2),
                ],
            },
        ],
        figures: Vec::new(),
    }
}
