//! `adversarial`: a model that is trained on the tasks that it is the worst at, beside one that is trained on any.
//!
//! One model serves a family of tasks ψ. What it costs at the worst of them is `max_ψ [max_θ V(θ, ψ) − V(θ̂(ψ), ψ)]` with `θ̂(ψ)` the plan that is best in the model; the adversary ascends this gap, whose derivative
//! needs to know how the plan moves with the task (Lin, Thomas, Yang and Ma, "Model-based Adversarial Meta-Reinforcement Learning", NeurIPS 2020). The study checks the ascent where the worst task is known in
//! closed form, and then counts what it is worth where a model is learned. Unlike the paper, plans are open-loop and the returns of a model are differentiated, where policies and their gradients by REINFORCE are used there.

mod disc;
mod implicit;
mod linear_quadratic;
mod sampling;

use worldwright_core::{Entry, Interrupt, Key, Parameter, Result, Rng, SettingDefault as Default, Settings};
use worldwright_numerics::dense::dot;

use crate::finding::estimate;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
use disc::{PLAN, World, spread};
use implicit::best;
use linear_quadratic::{Family, STATE, grid, quadratic, top, unit};
use sampling::{Learner, ROUND, judge, worse};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "adversarial",
    summary: "a model that is trained on the tasks that it is the worst at, beside one that is trained on any",
    source: "Lin, Thomas, Yang and Ma, NeurIPS 2020",
    parameters: &[
        Parameter { name: "families", default: Default::Integer(20), summary: "linear systems with a model each" },
        Parameter { name: "restarts", default: Default::Integer(4), summary: "tasks that an ascent starts from" },
        Parameter { name: "ascents", default: Default::Integer(40), summary: "steps of an ascent" },
        Parameter {
            name: "rounds",
            default: Default::Integer(16),
            summary: "times that the adversary learns, after ten episodes each; even tasks are drawn for twice as many",
        },
        Parameter { name: "tasks", default: Default::Integer(60), summary: "places on the disc that are judged" },
        Parameter { name: "seeds", default: Default::Integer(30), summary: "discs that are learned" },
        Parameter {
            name: "seed",
            default: Default::Integer(1),
            summary: "what all randomness comes from; 0 holds discs that the adversary's own numbers were chosen on",
        },
    ],
    build: run,
};

/// Directions that the sphere is searched in.
const GRID: usize = 20_000;
/// What is told of a family.
const TOLD: [&str; 4] = [
    "slope off differences, plans following (%)",
    "plans staying (%)",
    "gap found, of a grid's largest",
    "along the top eigenvector",
];

/// What a family of linear systems came to, as [`TOLD`].
fn checked(
    family: &Family,
    (restarts, ascents): (usize, usize),
    rng: &mut Rng,
    interrupt: &Interrupt,
) -> Result<[f64; 4]> {
    let direction = |rng: &mut Rng| unit([(); STATE].map(|()| rng.normal()));
    let exact = family.exact()?;
    let task = direction(rng);
    let mut differences = [0.0; STATE];
    for (i, slope) in differences.iter_mut().enumerate() {
        let [more, less] = [1e-3, -1e-3].map(|by| {
            let mut moved = task;
            moved[i] += by;
            family.gap(&moved)
        });
        *slope = (more - less) / 2e-3;
    }
    let off = family.slope(&task).map(|slope| {
        let apart = [0, 1, 2].map(|i| slope[i] - differences[i]);
        100.0 * (dot(&apart, &apart) / dot(&differences, &differences)).sqrt()
    });
    let (_, worst) = top(&exact);
    let mut found = task;
    for _ in 0..restarts {
        let reached = family.ascend(direction(rng), ascents, interrupt)?;
        if family.gap(&reached) > family.gap(&found) {
            found = reached;
        }
    }
    Ok([off[0], off[1], quadratic(&exact, &found) / grid(&exact, GRID), dot(&found, &worst).abs()])
}

/// Least and mean returns after each round, by way of choosing tasks, of one disc; and the least of what is best in the world.
struct Learned {
    even: Vec<[f64; 2]>,
    adverse: Vec<[f64; 2]>,
    /// How far from the region the adversary ended.
    away: f64,
    bar: f64,
}

fn learned(rounds: usize, places: &[disc::Place], key: Key, watch: &Watch<'_>) -> Result<Learned> {
    let world = World::draw(&mut key.fold(0).rng());
    let bar = places.iter().map(|task| best(&world, vec![0.0; PLAN], task).1).fold(f64::INFINITY, worse);
    let mut away = 0.0;
    let mut taught = |adverse: bool, rounds: usize| -> Result<Vec<[f64; 2]>> {
        let (mut learner, rng) = (Learner::new(adverse), &mut key.fold(1 + u64::from(adverse)).rng());
        let mut came = vec![judge(&learner.model, &world, places, watch.interrupt)?];
        for _ in 0..rounds {
            watch.interrupt.check("the study")?;
            learner.round(&world, rng)?;
            came.push(judge(&learner.model, &world, places, watch.interrupt)?);
        }
        away = learner.worst().map_or(f64::NAN, |task| world.distance(task));
        Ok(came)
    };
    let (even, adverse) = (taught(false, 2 * rounds)?, taught(true, rounds)?);
    Ok(Learned { even, adverse, away, bar })
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let families = settings.count_in("families", 1, 100_000)?;
    let effort = (settings.count_in("restarts", 1, 1000)?, settings.count_in("ascents", 1, 10_000)?);
    let (rounds, tasks) = (settings.count_in("rounds", 1, 1000)?, settings.count_in("tasks", 1, 10_000)?);
    let (seeds, key) = (settings.count_in("seeds", 1, 100_000)?, Key::new(settings.count("seed", 0)? as u64));
    let mut came = [(); TOLD.len()].map(|()| Vec::new());
    for number in 0..families {
        watch.tell(number, families + seeds, "a linear system")?;
        let rng = &mut key.fold(0).fold(number as u64).rng();
        let told = checked(&Family::draw(rng), effort, rng, watch.interrupt)?;
        came.iter_mut().zip(told).for_each(|(all, one)| all.push(one));
    }
    let places = spread(tasks);
    let mut discs = Vec::with_capacity(seeds);
    for seed in 0..seeds {
        watch.tell(families + seed, families + seeds, "a disc")?;
        discs.push(learned(rounds, &places, key.fold(1).fold(seed as u64), watch)?);
    }
    Ok(told(&came, &discs, rounds))
}

/// What an estimate of how far one lies above another says.
fn compared([_, low, high]: [f64; 3]) -> &'static str {
    if low > 0.0 {
        "is above"
    } else if high < 0.0 {
        "is below"
    } else {
        "is not surely above or below"
    }
}

fn told(came: &[Vec<f64>; TOLD.len()], discs: &[Learned], rounds: usize) -> Study {
    let over = |of: &dyn Fn(&Learned) -> f64| estimate(&discs.iter().map(of).collect::<Vec<_>>());
    let [half, full] = [rounds, 2 * rounds];
    let gained = over(&|disc| disc.adverse[half][0] - disc.even[full][0]);
    let alike = over(&|disc| disc.adverse[half][0] - disc.even[half][0]);
    let least = |found: &Vec<f64>| found.iter().copied().fold(f64::INFINITY, worse);
    let episodes = |rounds: usize| (rounds * ROUND) as f64;
    let row = |name: &str, rounds: usize, of: &dyn Fn(&Learned) -> [f64; 2]| {
        let [worst, mean] = [0, 1].map(|i| Cell::Estimate(over(&|disc| of(disc)[i])));
        vec![name.into(), Cell::Number(episodes(rounds)), worst, mean]
    };
    let curve = |name: &str, rounds: usize, of: &dyn Fn(&Learned, usize) -> f64| Curve {
        name: name.into(),
        points: (0..=rounds)
            .map(|round| {
                let [mean, low, high] = over(&|disc| of(disc, round));
                [episodes(round), low, mean, high]
            })
            .collect(),
    };
    Study {
        findings: vec![
            format!(
                "in linear systems the derivative of the gap is {:.1e} % off differences at the most where plans follow the task, and {:.0} % on average where they do not",
                came[0].iter().copied().fold(0.0, f64::max),
                estimate(&came[1])[0]
            ),
            format!("ascent finds {:.4} of the largest gap at the least", least(&came[2])),
            format!(
                "on the disc the worst return after {} episodes of the adversary's tasks {} that after {} of even tasks, by {:.3} ({:.3} to {:.3}), and {} that after as many, by {:.3} ({:.3} to {:.3})",
                episodes(half),
                compared(gained),
                episodes(full),
                gained[0],
                gained[1],
                gained[2],
                compared(alike),
                alike[0],
                alike[1],
                alike[2]
            ),
            format!(
                "the adversary's worst task ends {:.2} from the middle of the region; the best plans for the true wind give {:.3} at the worst",
                over(&|disc| disc.away)[0],
                over(&|disc| disc.bar)[0]
            ),
            "the adversary's own numbers and the wind were chosen by trial, in part on the discs of seed 0".into(),
        ],
        tables: vec![
            Table {
                title: "Ascent in linear systems".into(),
                columns: TOLD.map(String::from).to_vec(),
                rows: vec![came.iter().map(|all| Cell::Estimate(estimate(all))).collect()],
            },
            Table {
                title: "What a model of the disc is worth".into(),
                columns: ["tasks", "episodes", "worst return", "mean return"].map(String::from).to_vec(),
                rows: vec![
                    row("none", 0, &|disc| disc.even[0]),
                    row("any", half, &|disc| disc.even[half]),
                    row("any", full, &|disc| disc.even[full]),
                    row("the worst", half, &|disc| disc.adverse[half]),
                ],
            },
        ],
        figures: vec![Figure {
            title: "The worst return over tasks on the disc".into(),
            axes: ["episodes".into(), "return".into()],
            logarithmic: [false, false],
            curves: vec![
                curve("any tasks", full, &|disc, round| disc.even[round][0]),
                curve("the worst tasks", half, &|disc, round| disc.adverse[round][0]),
            ],
        }],
    }
}
