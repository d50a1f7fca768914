//! A planar arm between posts.

use worldwright_core::{Entry, Error, Key, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::cube::SEED;
use super::room::{self, BOXES, DISCS, SAMPLES, SHORTCUTS, STEP, check_ends, point, rrt_connect, shapes};
use super::solution::{Cell, Solution, Status};
use worldwright_motion::{ArmScene, Axis, MAX_DIMS, Obstacles, Point, Scene};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "arm",
    summary: "an arm of straight links turns its joints to reach past obstacles without touching them or itself",
    source: "Kuffner and LaValle 2000 (RRT-Connect)",
    parameters: &[
        Parameter {
            name: "links",
            default: Default::Numbers(&[0.7, 0.7, 0.6, 0.5]),
            summary: "their lengths, at most 16, from the base on",
        },
        Parameter { name: "base", default: Default::Numbers(&[0.0, 0.0]), summary: "where the arm is fixed" },
        Parameter { name: "thickness", default: Default::Float(0.08), summary: "how thick the links are" },
        Parameter {
            name: "bend",
            default: Default::Float(2.8),
            summary: "largest angle of a joint but the first, in radians",
        },
        Parameter {
            name: "start",
            default: Default::Numbers(&[0.05, 0.0, 0.0, 0.0]),
            summary: "angle of each joint against the link before, in radians",
        },
        Parameter { name: "goal", default: Default::Numbers(&[2.4, 0.0, 0.0, 0.0]), summary: "the angles to reach" },
        BOXES,
        Parameter { default: Default::Numbers(&[1.2, 0.9, 0.25, -0.3, 1.6, 0.3, 1.4, -1.0, 0.3]), ..DISCS },
        Parameter { default: Default::Float(0.5), ..STEP },
        SAMPLES,
        SHORTCUTS,
        Parameter {
            name: "resolution",
            default: Default::Float(0.05),
            summary: "how finely motions are checked, in radians",
        },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let links = settings.numbers("links")?;
    if links.is_empty() || links.len() > MAX_DIMS || !links.iter().all(|length| *length > 0.0 && length.is_finite()) {
        return Err(Error::config("links", format!("takes 1 to {MAX_DIMS} positive lengths, got {links:?}")));
    }
    let (start, goal) = (settings.numbers("start")?, settings.numbers("goal")?);
    for (key, angles) in [("start", start), ("goal", goal)] {
        if angles.len() != links.len() || !angles.iter().all(|angle| angle.is_finite()) {
            return Err(Error::config(key, format!("takes {} finite angles, one a link, got {angles:?}", links.len())));
        }
    }
    let bend = settings.float("bend", 1e-6, std::f64::consts::PI)?;
    let axes = (0..links.len()).map(|i| if i == 0 { Axis::Circle } else { Axis::Interval { low: -bend, high: bend } });
    let base = point(settings, "base")?;
    let obstacles = Obstacles::new(shapes(settings)?);
    let thickness = settings.float("thickness", 0.0, f64::MAX)?;
    let resolution = settings.float("resolution", 1e-4, 10.0)?;
    let scene = ArmScene::new(base, links, thickness, axes.collect(), obstacles.clone(), resolution)?;
    check_ends(|at| scene.is_free(at), start, goal)?;
    let mut rng = Key::new(settings.seed("seed")?).rng();
    let mut report = rrt_connect(settings)?.plan(&scene, start, goal, &mut rng)?;
    report.path.iter_mut().for_each(|path| path.straighten(&scene));
    let mut solution = Solution::new(Status::Solved, &["point", "angles", "tip x", "tip y"]);
    let reach: f64 = links.iter().sum::<f64>() + thickness;
    let mut floor = room::floor(base.map(|x| x - reach), base.map(|x| x + reach), &obstacles);
    match &report.path {
        None => {
            solution.status = Status::Unsolved;
            solution.notes.push(room::no_path(report.full));
        }
        Some(path) => {
            for (i, at) in path.points.iter().enumerate() {
                let tip = tip(&scene, at);
                solution.row([i.into(), Cell::Numbers(at.clone()), tip[0].into(), tip[1].into()]);
            }
            let tips: Vec<Point> = path.sampled(&scene, 0.05).iter().map(|at| tip(&scene, at)).collect();
            tips.windows(2).for_each(|pair| floor.dots(pair[0], pair[1]));
            solution.fact("length in radians", path.length(&scene));
        }
    }
    solution.fact("samples", report.iterations);
    solution.fact("nodes", report.nodes);
    for (angles, tip_letter) in [(start, 'S'), (goal, 'G')] {
        let mut joints = [[0.0; 2]; MAX_DIMS + 1];
        let joints = scene.joints(angles, &mut joints);
        joints[..joints.len() - 1].iter().for_each(|joint| floor.mark(*joint, 'o'));
        floor.mark(tip(&scene, angles), tip_letter);
    }
    solution.picture = floor.picture();
    solution.notes.push("dots are the way of the tip, o the joints at start and goal".to_owned());
    Ok(solution)
}

/// Where the tip of the arm is.
fn tip(scene: &ArmScene, at: &[f64]) -> Point {
    let mut joints = [[0.0; 2]; MAX_DIMS + 1];
    scene.joints(at, &mut joints).last().copied().unwrap_or_default()
}
