//! A car that only drives forwards and turns no tighter than a radius.

use worldwright_core::{Entry, Error, Key, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::cube::SEED;
use super::room::{self, BOXES, DISCS, HIGH, LOW, SAMPLES, SHORTCUTS, STEP, check_ends, point, rrt_connect, shapes};
use super::solution::{Solution, Status};
use worldwright_motion::{Dubins, DubinsSpace, Obstacles, Pose, RigidScene, Scene, Shape, Turn};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "dubins",
    summary: "a car that drives forwards and turns no tighter than a radius: shortest paths, and among obstacles",
    source: "Dubins 1957; Shkel and Lumelsky 2001; Kuffner and LaValle 2000 (RRT-Connect)",
    parameters: &[
        Parameter {
            name: "start",
            default: Default::Numbers(&[0.0, 0.0, 0.0]),
            summary: "x, y and heading in radians against the x axis",
        },
        Parameter {
            name: "goal",
            default: Default::Numbers(&[4.0, 4.0, std::f64::consts::FRAC_PI_2]),
            summary: "x, y and heading to reach",
        },
        Parameter { name: "radius", default: Default::Float(1.0), summary: "the tightest turn" },
        Parameter { default: Default::Numbers(&[-1.0, -1.0]), ..LOW },
        Parameter { default: Default::Numbers(&[6.0, 6.0]), ..HIGH },
        BOXES,
        DISCS,
        Parameter {
            name: "body",
            default: Default::Numbers(&[-0.2, -0.1, 0.3, 0.1]),
            summary: "the car as a box around its reference point, heading along the x axis",
        },
        Parameter { default: Default::Float(1.0), ..STEP },
        SAMPLES,
        SHORTCUTS,
        Parameter { name: "resolution", default: Default::Float(0.05), summary: "how finely motions are checked" },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let [start, goal] = ["start", "goal"].map(|key| {
        let numbers = settings.numbers(key)?;
        let pose = Pose::try_from(numbers).ok().filter(|pose| pose.iter().all(|x| x.is_finite()));
        pose.ok_or_else(|| Error::config(key, format!("takes three numbers, x, y and heading, got {numbers:?}")))
    });
    let (start, goal) = (start?, goal?);
    let radius = settings.float("radius", 1e-9, f64::MAX)?;
    let (low, high) = (point(settings, "low")?, point(settings, "high")?);
    let obstacles = Obstacles::new(shapes(settings)?);
    let mut solution = Solution::new(Status::Optimal, &["segment", "drive", "length", "x", "y", "heading"]);
    let mut floor = room::floor(low, high, &obstacles);
    let planner = rrt_connect(settings)?;
    let resolution = settings.float("resolution", 1e-4, f64::MAX)?;
    let seed = settings.seed("seed")?;
    let body = room::rectangles(settings, "body")?;
    // In the open the shortest path is known in closed form.
    let points = if obstacles.shapes().is_empty() {
        vec![start.to_vec(), goal.to_vec()]
    } else {
        solution.status = Status::Solved;
        let body = body.into_iter().map(|[low, high]| Shape::rectangle(low, high)).collect::<Result<_>>()?;
        let scene = RigidScene::new(DubinsSpace::new(low, high, radius)?, body, obstacles, resolution)?;
        check_ends(|at| scene.is_free(at), &start, &goal)?;
        let mut rng = Key::new(seed).rng();
        let mut report = planner.plan(&scene, &start, &goal, &mut rng)?;
        solution.fact("samples", report.iterations);
        solution.fact("nodes", report.nodes);
        report.path.iter_mut().for_each(|path| path.straighten(&scene));
        if report.path.is_none() {
            solution.status = Status::Unsolved;
            solution.notes.push(room::no_path(report.full));
        }
        report.path.map(|path| path.points).unwrap_or_default()
    };
    let mut total = 0.0;
    for pair in points.windows(2) {
        let pose = |at: &[f64]| [at[0], at[1], at[2]];
        let path = Dubins::shortest(pose(&pair[0]), pose(&pair[1]), radius);
        let mut driven = 0.0;
        for (turn, units) in path.word.into_iter().zip(path.segments).filter(|(_, units)| *units > 1e-9) {
            driven += units * radius;
            let [x, y, heading] = path.pose(driven);
            let drive = match turn {
                Turn::Left => "left",
                Turn::Straight => "straight",
                Turn::Right => "right",
            };
            let number = solution.rows.len() + 1;
            let heading = heading - std::f64::consts::TAU * (heading / std::f64::consts::TAU).round();
            solution.row([number.into(), drive.into(), (units * radius).into(), x.into(), y.into(), heading.into()]);
        }
        let pieces = 200;
        let at = |i: usize| path.pose(path.length() * i as f64 / f64::from(pieces));
        (0..=pieces as usize).map(at).for_each(|pose| floor.mark([pose[0], pose[1]], '·'));
        total += path.length();
    }
    if !points.is_empty() {
        solution.facts.insert(0, ("length", total.into()));
    }
    floor.mark([start[0], start[1]], 'S');
    floor.mark([goal[0], goal[1]], 'G');
    solution.picture = floor.picture();
    Ok(solution)
}
