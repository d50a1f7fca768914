//! A disc robot that fetches and places discs between walls.

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::cube::SEED;
use super::room::{self, BOXES, DISCS, HIGH, LOW, grouped, point, rectangles};
use super::solution::{Solution, Status};
use worldwright_motion::task_motion::{Action, CheapestSkeletons, Object, PickPlace, Region, TaskMotion, World};
use worldwright_motion::{Obstacles, Point, Shape};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "tabletop",
    summary: "a robot fetches an object from a closet whose way others obstruct: task and motion together",
    source: "Srivastava et al. 2014; Garrett et al. 2021; Kuffner and LaValle 2000 (RRT-Connect)",
    parameters: PARAMETERS,
    build: solve,
};

const PARAMETERS: &[Parameter] = &[
    LOW,
    Parameter { default: Default::Numbers(&[6.0, 4.0]), ..HIGH },
    Parameter {
        default: Default::Numbers(&[4.0, 0.0, 6.0, 1.55, 4.0, 2.45, 6.0, 4.0, 1.9, 0.0, 2.1, 1.4]),
        summary: "walls: four numbers a box, lowest x and y, highest x and y",
        ..BOXES
    },
    DISCS,
    Parameter { name: "robot", default: Default::Float(0.25), summary: "the robot's radius" },
    Parameter { name: "start", default: Default::Numbers(&[3.0, 1.0]), summary: "where the robot stands" },
    Parameter { name: "gap", default: Default::Float(0.02), summary: "air between the robot and what it grasps" },
    Parameter { name: "names", default: Default::Text("red blue green"), summary: "the objects" },
    Parameter {
        name: "objects",
        default: Default::Numbers(&[5.5, 2.0, 0.2, 4.6, 2.0, 0.2, 0.85, 0.6, 0.2]),
        summary: "three numbers an object, x, y and radius",
    },
    Parameter { name: "places", default: Default::Text("slot table"), summary: "the places to put objects in" },
    Parameter {
        name: "regions",
        default: Default::Numbers(&[0.6, 0.35, 1.1, 0.85, 0.2, 2.8, 2.0, 3.8]),
        summary: "four numbers a place, lowest x and y, highest x and y",
    },
    Parameter {
        name: "goal",
        default: Default::Text("red slot"),
        summary: "which object shall be in which place; several with commas between them",
    },
    Parameter {
        name: "rounds",
        default: Default::Integer(3),
        summary: "rounds, each trying twice as hard as the one before",
    },
    SEED,
];

/// The world of the default settings: a closet with red behind blue, and green on the place where red belongs.
///
/// # Errors
/// None: the world is sound.
pub fn closet() -> Result<World> {
    world(&Settings::resolve(ENTRY.name, PARAMETERS, &std::collections::BTreeMap::new())?)
}

fn world(settings: &Settings) -> Result<World> {
    let names = |key| settings.text(key).map(|text| text.split_whitespace().collect::<Vec<_>>());
    let (names, places) = (names("names")?, names("places")?);
    let objects = grouped::<3>(settings, "objects", "x, y and radius")?;
    let regions = rectangles(settings, "regions")?;
    for (key, named, count) in [("names", names.len(), objects.len()), ("places", places.len(), regions.len())] {
        if named != count {
            let of = if key == "names" { "objects" } else { "regions" };
            return Err(Error::config(key, format!("{named} words for {count} {of}: one each")));
        }
    }
    let find = |what: &'static str, all: &[&str], name: &str| {
        let place = all.iter().position(|known| *known == name);
        place.ok_or_else(|| Error::unknown(what, name, all.iter().copied()))
    };
    let goal = |pair: &str| match pair.split_whitespace().collect::<Vec<_>>()[..] {
        [object, region] => Ok((find("object", &names, object)?, find("place", &places, region)?)),
        _ => Err(Error::config("goal", format!("'{}': write an object and a place, such as red slot", pair.trim()))),
    };
    Ok(World {
        low: point(settings, "low")?,
        high: point(settings, "high")?,
        walls: room::shapes(settings)?,
        robot: settings.float("robot", 1e-9, f64::MAX)?,
        start: point(settings, "start")?,
        gap: settings.float("gap", 1e-9, f64::MAX)?,
        goal: settings.text("goal")?.split(',').map(goal).collect::<Result<_>>()?,
        objects: names
            .iter()
            .zip(objects)
            .map(|(name, [x, y, radius])| Object { name: (*name).to_owned(), home: [x, y], radius })
            .collect(),
        regions: places
            .iter()
            .zip(regions)
            .map(|(name, [low, high])| Region { name: (*name).to_owned(), low, high })
            .collect(),
    })
}

/// Skeletons that the symbolic search may hold.
const SKELETONS: usize = 100_000;

fn solve(settings: &Settings) -> Result<Solution> {
    let problem = PickPlace::new(world(settings)?)?;
    let mut search = CheapestSkeletons::new(&problem.task, SKELETONS)?;
    let (seed, rounds) = (settings.seed("seed")?, settings.count_in("rounds", 1, 16)?);
    let report = TaskMotion { seed, rounds, ..TaskMotion::default() }.solve(&problem, &mut search)?;
    let mut solution = Solution::new(Status::Solved, &["step", "action", "x", "y", "way", "way points"]);
    solution.picture = picture(&problem.world);
    if report.plan.is_none() {
        solution.status = Status::Unsolved;
        let why = if report.exhausted {
            "each sequence of actions was found impossible"
        } else {
            "no sequence of actions could be carried out"
        };
        solution.notes.push(format!("{why}, which does not prove that there is none: more rounds may help"));
    }
    for (i, step) in report.plan.iter().flat_map(|plan| &plan.steps).enumerate() {
        let points: Vec<Point> = step.path.points.iter().map(|at| [at[0], at[1]]).collect();
        let way: f64 = points.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])).sum();
        let end = match step.action {
            Action::Pick { .. } => points.last().copied().unwrap_or_default(),
            Action::Place { at, .. } => at,
        };
        solution.row([
            (i + 1).into(),
            step.name.as_str().into(),
            end[0].into(),
            end[1].into(),
            way.into(),
            points.len().into(),
        ]);
    }
    solution.fact("steps", solution.rows.len());
    solution.fact("sequences of actions tried", report.skeletons);
    solution.fact("motions planned", report.motions as usize);
    solution.notes.push("# are walls, dots places, @ is the robot, objects show their first letters".to_owned());
    for (operator, facts) in &report.excluded {
        solution.notes.push(format!("found impossible: {operator} while {}", facts.join(" and ")));
    }
    Ok(solution)
}

/// Walls, places, objects by their first letters, and the robot.
fn picture(world: &World) -> String {
    let mut floor = room::floor(world.low, world.high, &Obstacles::new(world.walls.clone()));
    for region in &world.regions {
        // A region that is empty holds nothing to draw.
        Shape::rectangle(region.low, region.high).iter().for_each(|shape| floor.fill(shape, '·'));
    }
    for object in &world.objects {
        let letter = object.name.chars().next().unwrap_or('?');
        floor.fill(&Shape::disc(object.home, object.radius), letter);
    }
    floor.fill(&Shape::disc(world.start, world.robot), '@');
    floor.picture()
}
