//! Which objects make a motion impossible: the smallest set that a chain of relaxed plans gives.
//!
//! Begin with no objects at all. While a path exists, every object that it touches joins the set, and the path is looked for again
//! with just these objects in the way. When none is found any more, the set alone blocks the motion (as far as the search can
//! tell), wherever all other objects are.

use std::collections::BTreeSet;

use worldwright_core::{Result, Rng};

use crate::{Path, Point, RrtConnect};

use super::pick_place::{Placement, World};

/// Why a search found no way.
pub(super) enum Blame {
    /// These objects block it; none when the walls alone do.
    Objects(BTreeSet<usize>),
    /// There is a way after all: the search before had been too short.
    Found(Path),
}

/// The objects that block the robot's way from where it stands to `to`.
pub(super) fn blame(
    world: &World,
    placement: &Placement,
    to: Point,
    planner: &RrtConnect,
    rng: &mut Rng,
) -> Result<Blame> {
    let discs = world.discs(placement.held);
    let touching = |at: Point| {
        let each = discs.iter().flat_map(move |(offset, radius)| {
            world.touched([at[0] + offset[0], at[1] + offset[1]], *radius, placement)
        });
        each.collect::<BTreeSet<usize>>()
    };
    // Whatever stands at the end itself blocks any way there.
    let mut blamed = touching(to);
    if !blamed.is_empty() {
        return Ok(Blame::Objects(blamed));
    }
    loop {
        let scene = world.scene(placement, |i| blamed.contains(&i))?;
        let Some(path) = planner.plan(&scene, &placement.robot, &to, rng)?.path else {
            return Ok(Blame::Objects(blamed));
        };
        let before = blamed.len();
        for i in (0..world.objects.len()).filter(|i| placement.held.is_none_or(|(held, _)| held != *i)) {
            let alone = world.scene(placement, |j| j == i)?;
            let walls = world.walls.len();
            let touched = path.points.windows(2).any(|pair| alone.sweep_touches(&pair[0], &pair[1], |k| k >= walls));
            if touched {
                blamed.insert(i);
            }
        }
        if blamed.len() == before {
            return Ok(Blame::Found(path));
        }
    }
}
