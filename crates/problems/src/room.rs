//! A room with boxes and discs, as settings: what the motion problems share.

use worldwright_core::{Error, Parameter, Result, SettingDefault as Default, Settings};

use super::floor::Floor;
use worldwright_motion::{MOST_CONFIGURATIONS, Obstacles, Point, RrtConnect, Shape};

pub(super) const LOW: Parameter =
    Parameter { name: "low", default: Default::Numbers(&[0.0, 0.0]), summary: "lowest corner of the room" };
pub(super) const HIGH: Parameter =
    Parameter { name: "high", default: Default::Numbers(&[10.0, 10.0]), summary: "highest corner of the room" };
pub(super) const BOXES: Parameter = Parameter {
    name: "boxes",
    default: Default::Numbers(&[]),
    summary: "obstacles: four numbers a box, lowest x and y, highest x and y",
};
pub(super) const DISCS: Parameter = Parameter {
    name: "discs",
    default: Default::Numbers(&[]),
    summary: "obstacles: three numbers a disc, x, y and radius",
};
pub(super) const STEP: Parameter =
    Parameter { name: "step", default: Default::Float(0.7), summary: "how far one extension of a tree reaches" };
pub(super) const SAMPLES: Parameter =
    Parameter { name: "samples", default: Default::Integer(5_000), summary: "samples after which to give up" };
pub(super) const SHORTCUTS: Parameter =
    Parameter { name: "shortcuts", default: Default::Integer(200), summary: "attempts to shorten what was found" };

/// The point that a setting of two numbers is.
pub(super) fn point(settings: &Settings, key: &str) -> Result<Point> {
    let numbers = settings.numbers(key)?;
    <Point>::try_from(numbers)
        .map_err(|_| Error::config(key, format!("takes two numbers, x and y, got {}", numbers.len())))
}

/// The rectangles of a setting of four numbers each.
pub(super) fn rectangles(settings: &Settings, key: &str) -> Result<Vec<[Point; 2]>> {
    let groups = grouped::<4>(settings, key, "lowest x and y, highest x and y")?;
    let rectangle = |(i, [x, y, to_x, to_y]): (usize, [f64; 4])| {
        if x < to_x && y < to_y {
            return Ok([[x, y], [to_x, to_y]]);
        }
        Err(Error::config(key, format!("number {} from ({x}, {y}) to ({to_x}, {to_y}) is empty", i + 1)))
    };
    groups.into_iter().enumerate().map(rectangle).collect()
}

/// The numbers of a setting in groups of N, which `what` names.
pub(super) fn grouped<const N: usize>(settings: &Settings, key: &str, what: &str) -> Result<Vec<[f64; N]>> {
    let numbers = settings.numbers(key)?;
    let (groups, rest) = numbers.as_chunks::<N>();
    if rest.is_empty() && numbers.iter().all(|number| number.is_finite()) {
        Ok(groups.to_vec())
    } else {
        Err(Error::config(key, format!("takes {N} finite numbers each ({what}), got {} in all", numbers.len())))
    }
}

/// The obstacles of a room.
pub(super) fn shapes(settings: &Settings) -> Result<Vec<Shape>> {
    let mut shapes = Vec::new();
    for [low, high] in rectangles(settings, "boxes")? {
        shapes.push(Shape::rectangle(low, high)?);
    }
    for [x, y, radius] in grouped::<3>(settings, "discs", "x, y and radius")? {
        if radius <= 0.0 {
            return Err(Error::config(
                "discs",
                format!("the radius of the disc at ({x}, {y}) must be positive, got {radius}"),
            ));
        }
        shapes.push(Shape::disc([x, y], radius));
    }
    Ok(shapes)
}

/// The planner that these settings ask for.
pub(super) fn rrt_connect(settings: &Settings) -> Result<RrtConnect> {
    Ok(RrtConnect {
        step: settings.float("step", 1e-9, f64::MAX)?,
        iterations: settings.count_in("samples", 1, 10_000_000)?,
        shortcuts: settings.count_in("shortcuts", 0, 1_000_000)?,
    })
}

/// What to say where no path was found.
pub(super) fn no_path(full: bool) -> String {
    let more = if full {
        format!("the search held {MOST_CONFIGURATIONS} configurations, the most it may: a larger step may help")
    } else {
        "more samples may help".to_owned()
    };
    format!("no path was found, which does not prove that there is none: {more}")
}

/// The room from above.
pub(super) fn floor(low: Point, high: Point, obstacles: &Obstacles) -> Floor {
    let mut floor = Floor::new(low, high);
    obstacles.shapes().iter().for_each(|shape| floor.fill(shape, '#'));
    floor
}

/// Refuses a start or goal where nothing can be.
pub(super) fn check_ends(free: impl Fn(&[f64]) -> bool, start: &[f64], goal: &[f64]) -> Result<()> {
    for (key, at) in [("start", start), ("goal", goal)] {
        if !free(at) {
            return Err(Error::config(key, format!("{at:?} touches an obstacle or lies beyond the bounds")));
        }
    }
    Ok(())
}
