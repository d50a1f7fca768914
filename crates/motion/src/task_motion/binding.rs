//! Binding one skeleton: grasps, placements and motions by sampling, depth first with back-tracking.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use worldwright_core::{Result, Rng};

use crate::{Path, Point, RrtConnect};

use super::blame::{Blame, blame};
use super::pick_place::{Meaning, PickPlace, Placement};
use super::plan::{Action, Step};

/// What was learned about one action of a skeleton.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    pub(super) tried: bool,
    pub(super) succeeded: bool,
    /// Objects that were in the way in at least one of the tries.
    pub(super) blamed: BTreeSet<usize>,
    /// Whether one of these, or what was to be picked, stood where a sample had put it: then nothing follows for other samples.
    pub(super) depends_on_samples: bool,
}

/// Draws until one is at least clear of walls.
const DRAWS: usize = 100;

/// One skeleton being bound.
pub(super) struct Binder<'p> {
    pub(super) problem: &'p PickPlace,
    pub(super) operators: &'p [usize],
    pub(super) planner: RrtConnect,
    /// Grasps for each pick, placements for each place.
    pub(super) samples: usize,
    /// Motions that may still be planned for this skeleton.
    pub(super) motions: usize,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) planned: u64,
}

impl Binder<'_> {
    /// Binds the actions from a first placement on; the steps in order, or none.
    pub(super) fn bind(&mut self, first: Placement, rng: &mut Rng) -> Result<Option<Vec<Step>>> {
        // A placement an action that was begun, with the samples that it has left: as deep as the skeleton is long, which no stack of calls
        // need be.
        let mut begun: Vec<(Placement, usize)> = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        let mut next = Some(first);
        loop {
            if let Some(placement) = next.take() {
                let Some(operator) = self.operators.get(begun.len()) else { return Ok(Some(steps)) };
                let from_samples = matches!(self.problem.meanings[*operator], Meaning::Pick { from_home: false, .. });
                let verdict = &mut self.verdicts[begun.len()];
                verdict.tried = true;
                verdict.depends_on_samples |= from_samples;
                begun.push((placement, self.samples));
            }
            let Some(i) = begun.len().checked_sub(1) else { return Ok(None) };
            let (placement, left) = &mut begun[i];
            let meaning = self.problem.meanings[self.operators[i]];
            let drawn = match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    (0..DRAWS).find_map(|_| self.sample(meaning, placement, rng))
                }
                None => None,
            };
            let planned = self.motions > 0;
            self.verdicts[i].depends_on_samples |= drawn.is_some() && !planned;
            let Some((to, after)) = drawn.filter(|_| planned) else {
                // Back to the action before, whose step this was to follow.
                begun.pop();
                steps.pop();
                continue;
            };
            let Some(path) = self.motion(i, placement, to, rng)? else { continue };
            self.verdicts[i].succeeded = true;
            let action = match meaning {
                Meaning::Pick { object, .. } => Action::Pick { object },
                Meaning::Place { object, region } => Action::Place { object, region, at: after.objects[object] },
            };
            let (name, held) = (self.problem.task.operators[self.operators[i]].name.clone(), placement.held);
            steps.push(Step { name, action, path, held });
            next = Some(after);
        }
    }

    /// Where the robot has to go for one sample of the action, and what is where after it. None where a wall or the room's border
    /// rules the sample out.
    fn sample(&self, meaning: Meaning, placement: &Placement, rng: &mut Rng) -> Option<(Point, Placement)> {
        let world = &self.problem.world;
        let none = Placement { robot: placement.robot, objects: Vec::new(), held: None };
        let mut after = placement.clone();
        match meaning {
            Meaning::Pick { object, .. } => {
                let angle = rng.uniform_in(0.0, TAU);
                let reach = world.robot + world.objects[object].radius + world.gap;
                let offset = [reach * angle.cos(), reach * angle.sin()];
                let at = placement.objects[object];
                after.robot = [at[0] - offset[0], at[1] - offset[1]];
                after.held = Some((object, offset));
            }
            Meaning::Place { object, region } => {
                let (_, offset) = placement.held?;
                let (region, radius) = (&world.regions[region], world.objects[object].radius);
                let slack = |d: usize| region.high[d] - region.low[d] - 2.0 * radius;
                if slack(0) < 0.0 || slack(1) < 0.0 {
                    return None;
                }
                let at = [0, 1].map(|d| region.low[d] + radius + slack(d) * rng.uniform());
                after.robot = [at[0] - offset[0], at[1] - offset[1]];
                after.objects[object] = at;
                after.held = None;
                if !world.disc_fits(at, radius, &none, |_| false) {
                    return None;
                }
            }
        }
        world.disc_fits(after.robot, world.robot, &none, |_| false).then_some((after.robot, after))
    }

    /// A path to `to`, or the verdict on why not.
    fn motion(&mut self, i: usize, placement: &Placement, to: Point, rng: &mut Rng) -> Result<Option<Path>> {
        self.motions -= 1;
        self.planned += 1;
        let world = &self.problem.world;
        let scene = world.scene(placement, |_| true)?;
        let found = self.planner.plan(&scene, &placement.robot, &to, rng)?.path;
        if found.is_none() && !self.verdicts[i].succeeded {
            let blamed = match blame(world, placement, to, &self.planner, rng)? {
                Blame::Found(path) => return Ok(Some(path)),
                Blame::Objects(blamed) => blamed,
            };
            let moved = |object: &usize| placement.objects[*object] != world.objects[*object].home;
            let verdict = &mut self.verdicts[i];
            verdict.depends_on_samples |= blamed.iter().any(moved);
            verdict.blamed.extend(blamed);
        }
        Ok(found)
    }
}
