//! A disc that moves through a room.

use worldwright_core::{Columns, Entry, Error, Key, Parameter, Result, SettingDefault as Default, Settings, cost};

use super::Solve;
use super::cube::SEED;
use super::room::{self, BOXES, DISCS, HIGH, LOW, SAMPLES, SHORTCUTS, STEP, check_ends, point, rrt_connect, shapes};
use super::solution::{Solution, Status};
use worldwright_motion::{DiscsScene, Obstacles, Path, RrtStar, Scene};
use worldwright_planners::subgoal::{Leap, Legs, StateGoalValue};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "reach",
    summary: "a disc moves through a room with obstacles (a room can be read from a file: --config room.toml)",
    source: "Kuffner and LaValle 2000 (RRT-Connect); Karaman and Frazzoli 2011 (RRT*); Nasiriany et al. 2019 (LEAP)",
    parameters: &[
        LOW,
        HIGH,
        Parameter { default: Default::Numbers(&[4.9, 0.0, 5.1, 4.5, 4.9, 5.3, 5.1, 10.0]), ..BOXES },
        Parameter { default: Default::Numbers(&[2.0, 3.0, 0.6, 2.6, 6.6, 0.7, 7.4, 4.2, 0.8, 7.0, 7.8, 0.6]), ..DISCS },
        Parameter { name: "radius", default: Default::Float(0.15), summary: "the disc's radius" },
        Parameter { name: "start", default: Default::Numbers(&[0.5, 0.5]), summary: "where its centre is" },
        Parameter { name: "goal", default: Default::Numbers(&[9.5, 9.5]), summary: "where it shall be" },
        Parameter {
            name: "method",
            default: Default::Text("rrt-connect"),
            summary: "rrt-connect (soon), rrt-star (short), or leap (a few subgoals that see each other)",
        },
        STEP,
        SAMPLES,
        SHORTCUTS,
        Parameter { name: "subgoals", default: Default::Integer(3), summary: "leap: how many" },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let (low, high) = (point(settings, "low")?, point(settings, "high")?);
    let (start, goal) = (point(settings, "start")?, point(settings, "goal")?);
    let radius = settings.float("radius", 0.0, f64::MAX)?;
    let obstacles = Obstacles::new(shapes(settings)?);
    if (0..2).any(|d| high[d] - low[d] <= 2.0 * radius) {
        return Err(Error::config("high", "the room must be larger than the disc"));
    }
    let (inner_low, inner_high) = (low.map(|x| x + radius), high.map(|x| x - radius));
    let scene = DiscsScene::new(inner_low, inner_high, &[([0.0; 2], radius)], obstacles.clone())?;
    check_ends(|at| scene.is_free(at), &start, &goal)?;
    let key = Key::new(settings.seed("seed")?);
    let planner = rrt_connect(settings)?;
    let method = settings.choice("method", &["rrt-connect", "rrt-star", "leap"])?;
    let subgoals = settings.count_in("subgoals", 1, 64)?;
    let mut solution = Solution::new(Status::Solved, &["point", "x", "y", "length so far"]);
    let mut full = false;
    let mut path = match method {
        0 => {
            let report = planner.plan(&scene, &start, &goal, &mut key.rng())?;
            full = report.full;
            solution.fact("samples", report.iterations);
            solution.fact("nodes", report.nodes);
            report.path
        }
        1 => {
            let samples = planner.iterations;
            cost::work(&[("samples", samples)], "comparisons", (samples as f64).powi(2), 1e11)?;
            let area = (inner_high[0] - inner_low[0]) * (inner_high[1] - inner_low[1]);
            // The radius of the tree's neighbourhoods for the whole room, which is more than its free part.
            let gamma = 2.0 * (1.5 * area / std::f64::consts::PI).sqrt();
            let star = RrtStar { step: planner.step, gamma, iterations: planner.iterations, ..RrtStar::default() };
            let report = star.plan(&scene, &start, &goal, &mut key.rng())?;
            solution.fact("samples", report.iterations);
            solution.fact("nodes", report.nodes);
            report.path
        }
        _ => {
            let across = (high[0] - low[0]).hypot(high[1] - low[1]);
            let mut sight = Sight { scene: &scene, blocked: 2.0 * across };
            let leap = Leap { subgoals, legs: Legs::Sum, population: 1000, elites: 20, spread: 0.6, ..Leap::default() };
            let report = leap.plan(&mut sight, (&inner_low, &inner_high), &start, &goal, key)?;
            solution.fact("pairs evaluated", report.evaluations as usize);
            let ends = [start.to_vec(), goal.to_vec()];
            let points: Vec<Vec<f64>> = ends[..1].iter().chain(&report.subgoals).chain(&ends[1..]).cloned().collect();
            let free = points.windows(2).all(|pair| scene.motion_is_free(&pair[0], &pair[1]));
            free.then_some(Path { points })
        }
    };
    path.iter_mut().for_each(|path| path.straighten(&scene));
    let mut floor = room::floor(low, high, &obstacles);
    match &path {
        None => {
            solution.status = Status::Unsolved;
            solution.notes.push(if method == 2 { BLOCKED.to_owned() } else { room::no_path(full) });
        }
        Some(path) => {
            let mut length = 0.0;
            for (i, at) in path.points.iter().enumerate() {
                if let Some(before) = i.checked_sub(1).map(|i| &path.points[i]) {
                    length += scene.space().distance(before, at);
                    floor.dots([before[0], before[1]], [at[0], at[1]]);
                }
                solution.row([i.into(), at[0].into(), at[1].into(), length.into()]);
            }
            solution.facts.insert(0, ("length", path.length(&scene).into()));
        }
    }
    floor.mark(start, 'S');
    floor.mark(goal, 'G');
    solution.picture = floor.picture();
    Ok(solution)
}

/// What to say where subgoals do not see each other.
const BLOCKED: &str =
    "no sequence of subgoals was found of which each sees the next: try more subgoals, or rrt-connect";

/// Minus the straight way, with a price for each that is not free.
struct Sight<'s> {
    scene: &'s DiscsScene,
    blocked: f64,
}

impl StateGoalValue for Sight<'_> {
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            let [a, b] = [&from, &to].map(|columns| [columns.get(i, 0), columns.get(i, 1)]);
            let way = (a[0] - b[0]).hypot(a[1] - b[1]);
            *slot = -way - if self.scene.motion_is_free(&a, &b) { 0.0 } else { self.blocked };
        }
        Ok(())
    }
}
