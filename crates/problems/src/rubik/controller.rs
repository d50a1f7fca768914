//! Two levels: the two-phase plan above, and below it something that turns faces and may miss.
//!
//! After every turn the controller looks at the cube. A turn that failed is tried again; one that went too far is made good,
//! either by turning that face on to where it should be or, where that is shorter, by a new plan. When each try of a turn lands
//! where it should with chance p whatever happened before, a plan of L turns takes a number of tries X with
//! `P(X = n) = C(n−1, L−1) p^L (1−p)^(n−L)` (negative binomial) and mean L / p under repair by turning on.

use worldwright_core::{Result, Rng};

use super::two_phase::{Effort, TwoPhase};
use worldwright_envs::cube::Cube;
use worldwright_envs::cube::Move;

/// Something that turns a face of a real cube, learned or scripted.
pub trait FaceTurner {
    /// Tries `wanted` on the cube.
    fn turn(&mut self, cube: &mut Cube, wanted: Move, rng: &mut Rng);
}

/// Succeeds, fails (nothing moves) or overshoots (a quarter too far) with given chances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptedTurner {
    /// Chance that nothing moves.
    pub failure: f64,
    /// Chance of a quarter too much.
    pub overshoot: f64,
}

impl FaceTurner for ScriptedTurner {
    fn turn(&mut self, cube: &mut Cube, wanted: Move, rng: &mut Rng) {
        let luck = rng.uniform();
        let quarters = match () {
            () if luck < self.failure => return,
            () if luck < self.failure + self.overshoot => wanted.quarters() + 1,
            () => wanted.quarters(),
        };
        if let Some(done) = Move::new(wanted.face(), quarters) {
            *cube = cube.after(&[done]);
        }
    }
}

/// What to do about a turn that missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Turn the same face on to where it should be.
    TurnOn,
    /// Plan anew from what is seen, and take the shorter of both.
    PlanAnew,
}

/// Carries plans out until the cube is solved.
#[derive(Debug)]
pub struct Controller<'s> {
    /// The planner above.
    pub solver: &'s TwoPhase,
    /// What each plan may cost.
    pub effort: Effort,
    /// What follows a miss.
    pub repair: Repair,
    /// Tries of a turn before it gives up.
    pub tries: usize,
}

/// What became of one cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// Whether it was solved in time.
    pub solved: bool,
    /// Turns that were tried.
    pub tries: usize,
    /// Turns of the first plan.
    pub planned: usize,
    /// Plans made after the first that were better than going on.
    pub replans: usize,
}

impl Controller<'_> {
    /// Solves `cube` by way of `turner`.
    ///
    /// # Errors
    /// [`Error::NotInSpace`](worldwright_core::Error::NotInSpace) for a cube that turns cannot solve.
    pub fn run(&self, cube: &mut Cube, turner: &mut dyn FaceTurner, rng: &mut Rng) -> Result<Episode> {
        let plan = self.solver.solve(cube, &self.effort)?.moves;
        self.follow(plan, cube, turner, rng)
    }

    /// Solves `cube` by way of `turner`, beginning with a plan that solves it.
    ///
    /// # Errors
    /// As [`run`](Self::run), where a new plan is due.
    pub fn follow(
        &self,
        mut plan: Vec<Move>,
        cube: &mut Cube,
        turner: &mut dyn FaceTurner,
        rng: &mut Rng,
    ) -> Result<Episode> {
        plan.reverse();
        let mut episode = Episode { solved: cube.is_solved(), tries: 0, planned: plan.len(), replans: 0 };
        while !episode.solved && episode.tries < self.tries {
            let Some(wanted) = plan.pop() else { break };
            let before = *cube;
            turner.turn(cube, wanted, rng);
            episode.tries += 1;
            self.mend(cube, &before, wanted, &mut plan, &mut episode)?;
            episode.solved = cube.is_solved();
        }
        Ok(episode)
    }

    /// Brings the plan (last turn first) up to date with what a try of `wanted` made of `before`.
    fn mend(
        &self,
        cube: &Cube,
        before: &Cube,
        wanted: Move,
        plan: &mut Vec<Move>,
        episode: &mut Episode,
    ) -> Result<()> {
        let face = wanted.face();
        let done = (0..4).find(|quarters| before.after(Move::new(face, *quarters).as_slice()) == *cube);
        if done == Some(wanted.quarters()) {
            return Ok(());
        }
        if let Some(done) = done {
            plan.extend(Move::new(face, wanted.quarters() - done));
            if done == 0 || self.repair == Repair::TurnOn {
                return Ok(());
            }
        }
        let mut anew = self.solver.solve(cube, &self.effort)?.moves;
        // Something that no turn of that face explains leaves no old plan to go on with.
        if done.is_none() || anew.len() < plan.len() {
            anew.reverse();
            *plan = anew;
            episode.replans += 1;
        }
        Ok(())
    }
}
