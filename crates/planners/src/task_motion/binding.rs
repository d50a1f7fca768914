//! Binding one skeleton: grasps, placements and motions by sampling, depth first with back-tracking.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use worldwright_core::{Result, Rng};

use crate::motion::{Path, Point, RrtConnect};

use super::blame::{Blame, blame};
use super::pick_place::{Meaning, PickPlace, Placement};
use super::solver::{Action, Step};

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
    /// Binds the actions from the `i`-th on; the steps in order, or none.
    pub(super) fn bind(&mut self, i: usize, placement: &Placement, rng: &mut Rng) -> Result<Option<Vec<Step>>> {
        let Some(operator) = self.operators.get(i) else { return Ok(Some(Vec::new())) };
        let meaning = self.problem.meanings[*operator];
        self.verdicts[i].tried = true;
        self.verdicts[i].depends_on_samples |= matches!(meaning, Meaning::Pick { from_home: false, .. });
        for _ in 0..self.samples {
            let Some((to, after)) = (0..DRAWS).find_map(|_| self.sample(meaning, placement, rng)) else { break };
            if self.motions == 0 {
                self.verdicts[i].depends_on_samples = true;
                return Ok(None);
            }
            let Some(path) = self.motion(i, placement, to, rng)? else { continue };
            self.verdicts[i].succeeded = true;
            if let Some(mut steps) = self.bind(i + 1, &after, rng)? {
                let action = match meaning {
                    Meaning::Pick { object, .. } => Action::Pick { object },
                    Meaning::Place { object, region } => Action::Place { object, region, at: after.objects[object] },
                };
                let held = placement.held;
                steps.insert(0, Step { name: self.problem.task.operators[*operator].name.clone(), action, path, held });
                return Ok(Some(steps));
            }
        }
        Ok(None)
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
