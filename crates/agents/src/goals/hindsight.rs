//! An experience of which each drawn transition is told with a goal that was achieved later, and perhaps with a countdown.
//!
//! Without a countdown a step pays what the environment says for the goal that is told. With a countdown τ, drawn from 0 … H for each transition, it pays
//! `r = −Σ_d |achieved'_d − g_d|` where τ = 0, which ends it, and nothing before; what follows is told with τ − 1. What is learned from that without a discount is
//! a temporal difference model, `Q(s, a, g, τ)`: minus how far from g one is after τ + 1 steps towards it (Pong, Gu, Dalal and Levine, "Temporal Difference Models:
//! Model-Free Deep RL for Model-Based Control", ICLR 2018). Unlike the paper's, values are one number in place of one a dimension of the goal.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use worldwright_core::{
    Actions, Dataset, Error, Experience, Priorities, Result, Rng, Sample, StepColumn, Transitions, Want,
};

use super::{Goals, Pay, Room};

/// What a transition is told with.
#[derive(Clone, Copy)]
struct Told<'a> {
    /// None for the goal that was desired.
    goal: Option<&'a [f64]>,
    /// The countdown, where there is one.
    left: usize,
}

/// The experience.
pub(crate) struct Hindsight<'a> {
    all: &'a dyn Experience,
    goals: &'a Goals,
    told: Told<'a>,
}

impl<'a> Hindsight<'a> {
    pub(super) fn new(all: &'a dyn Experience, goals: &'a Goals) -> Self {
        Self { all, goals, told: Told { goal: None, left: goals.horizon.unwrap_or(0) } }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        // What is in it is overwritten before it is read.
        self.goals.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a goal that was achieved behind the transition `row` or later in its episode, each such step as likely.
    fn achieved_from(&self, row: u64, rng: &mut Rng, goal: &mut [f64]) {
        let most = if self.goals.reach == 0 { u64::MAX } else { self.goals.reach as u64 - 1 };
        let steps = rng.below(self.all.behind(row).min(most) + 1);
        let chosen = self.all.ahead(row, steps).unwrap_or(row);
        let step = &mut self.room().step;
        step.begin(1);
        self.all.gather(chosen, 1, 1.0, step);
        let layout = &self.goals.layout;
        step.observations.copy_to(layout.width + layout.achieved.start, goal);
    }

    /// Pays the last `length` steps of a sample anew, whose observations begin at `first`.
    fn pay(&self, first: usize, length: usize, out: &mut Sample) {
        let (layout, from) = (&self.goals.layout, out.rewards.len() - length);
        let a = self.all.action_dim();
        let mut room = self.room();
        let Room { seen, next, action, flat, reached, .. } = &mut *room;
        for t in 0..length {
            let (before, after) = (first + t * layout.width, first + (t + 1) * layout.width);
            let slot = from + t;
            // What ended the episode elsewhere than at its goal ends it whatever is wanted.
            let ended = out.terminated[slot] && !reached[t];
            match &self.goals.pay {
                Pay::Known(reward) => {
                    for (batch, start) in [(&mut *seen, before), (&mut *next, after)] {
                        out.observations.copy_to(start, &mut flat[..layout.width]);
                        batch.columns_mut().set_row(0, &flat[..layout.width]);
                    }
                    out.actions.copy_to(out.actions.len() - (length - t) * a, &mut flat[..a]);
                    action.columns_mut().set_row(0, &flat[..a]);
                    let choice = [chosen(&flat[..a])];
                    let actions = if self.goals.chooses {
                        Actions::Discrete(&choice)
                    } else {
                        Actions::Continuous(action.columns())
                    };
                    let transition =
                        Transitions { observations: seen.columns(), actions, next_observations: next.columns() };
                    let (reward_slot, end_slot) = (&mut out.rewards[slot..=slot], &mut out.terminated[slot..=slot]);
                    reward.evaluate(transition, reward_slot, end_slot);
                }
                Pay::Sparse { reached, missed, ends } => {
                    let near = self.distance(after, out) <= self.goals.tolerance;
                    out.rewards[slot] = if near { *reached } else { *missed };
                    out.terminated[slot] = near && *ends;
                }
            }
            out.terminated[slot] |= ended;
            out.truncated[slot] &= !out.terminated[slot];
        }
    }

    /// How far from its goal an observation that begins at `first` is, by the sum of differences.
    fn apart(&self, first: usize, out: &Sample) -> f64 {
        let layout = &self.goals.layout;
        let pairs = layout.achieved.clone().zip(layout.desired.clone());
        pairs.map(|(a, g)| (out.observations.get(first + a) - out.observations.get(first + g)).abs()).sum()
    }

    /// The distance between the same two, by which goals count as reached.
    fn distance(&self, first: usize, out: &Sample) -> f64 {
        let layout = &self.goals.layout;
        let pairs = layout.achieved.clone().zip(layout.desired.clone());
        pairs
            .map(|(a, g)| (out.observations.get(first + a) - out.observations.get(first + g)).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    /// Counts how many of the last `length` steps, whose observations begin at `first`, paid otherwise than it is told of the goal that was desired.
    fn compare(&self, first: usize, length: usize, out: &Sample) {
        let Pay::Sparse { reached, missed, .. } = self.goals.pay else { return };
        let from = out.rewards.len() - length;
        let told = |t: usize| {
            let near = self.distance(first + (t + 1) * self.goals.layout.width, out) <= self.goals.tolerance;
            if near { reached } else { missed }
        };
        let differ = (0..length).filter(|t| (out.rewards[from + t] - told(*t)).abs() > 1e-6).count();
        for (count, more) in self.goals.compared.iter().zip([length, differ]) {
            count.fetch_add(more as u64, Ordering::Relaxed);
        }
    }

    /// Tells the last `length` steps of a sample with the countdown, and pays them by it.
    fn count_down(&self, first: usize, length: usize, out: &mut Sample) {
        let (width, from) = (self.goals.layout.width, out.rewards.len() - length);
        let mut room = self.room();
        let mut over = false;
        for t in 0..length {
            // From where a task ended nobody goes on, however many steps were left.
            let ends = t >= self.told.left || (out.terminated[from + t] && !room.reached[t]);
            let apart = if ends && !over { self.apart(first + (t + 1) * width, out) } else { 0.0 };
            over |= ends;
            out.rewards[from + t] = -apart;
            out.terminated[from + t] = over;
            out.truncated[from + t] &= !over;
        }
        let seen = &mut room.step.observations;
        seen.clear();
        seen.extend_from(&out.observations, first, (length + 1) * width);
        out.observations.truncate(first);
        for t in 0..=length {
            out.observations.extend_from(seen, t * width, width);
            out.observations.extend(&[self.told.left.saturating_sub(t) as f64]);
        }
    }
}

/// Which of some one-hot places is taken.
fn chosen(flat: &[f64]) -> u32 {
    flat.iter().position(|place| *place > 0.5).unwrap_or(0) as u32
}

impl Experience for Hindsight<'_> {
    fn observation_dim(&self) -> usize {
        self.all.observation_dim() + self.goals.more()
    }

    fn action_dim(&self) -> usize {
        self.all.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        self.all.columns()
    }

    fn rows(&self) -> Range<u64> {
        self.all.rows()
    }

    fn taken(&self) -> u64 {
        self.all.taken()
    }

    fn is_open(&self) -> bool {
        self.all.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.all.ends_sequence(row, length)
    }

    fn before(&self, row: u64) -> Option<u64> {
        self.all.before(row)
    }

    fn after(&self, row: u64) -> Option<u64> {
        self.all.after(row)
    }

    fn behind(&self, row: u64) -> u64 {
        self.all.behind(row)
    }

    fn ahead(&self, row: u64, steps: u64) -> Option<u64> {
        self.all.ahead(row, steps)
    }

    fn reach(&self) -> u64 {
        self.all.reach()
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        let start = out.observations.len();
        self.all.gather(first, length, weight, out);
        let layout = &self.goals.layout;
        {
            // Before another goal is told.
            let reached = (1..=length).map(|t| self.distance(start + t * layout.width, out) <= self.goals.tolerance);
            let mut room = self.room();
            room.reached.clear();
            room.reached.extend(reached);
        }
        if let Some(goal) = self.told.goal {
            (0..=length).for_each(|t| out.observations.put(start + t * layout.width + layout.desired.start, goal));
        }
        if self.goals.horizon.is_some() {
            self.count_down(start, length, out);
        } else if self.told.goal.is_some() || matches!(self.goals.pay, Pay::Sparse { .. }) {
            if self.goals.compares && self.told.goal.is_none() {
                self.compare(start, length, out);
            }
            // Where the environment does not tell, all are paid alike, so that no two scales meet.
            self.pay(start, length, out);
        }
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.all.append_to(dataset, from)
    }

    fn sample_by(&self, _: &mut Priorities, _: (Want, f64), _: &mut Rng, _: &mut Sample) -> Result<()> {
        let what = "drawing transitions by their error where each is told with many goals: set policy.priority = 0";
        Err(Error::unsupported("hindsight", what))
    }

    fn add_sample(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        let (length, goals) = (want.length(), self.goals);
        let single = if length == 1 { Want::Transitions(1) } else { Want::Sequences { count: 1, length } };
        // A countdown pays at its end alone: steps before it add nothing up.
        let each = if goals.horizon.is_some() { single } else { want.with_count(1) };
        let (mut drawn, mut goal) = (Sample::default(), vec![0.0; goals.layout.desired.len()]);
        for _ in 0..want.count() {
            drawn.begin(length);
            self.all.add_sample(single, rng, &mut drawn)?;
            let first = drawn.transitions[0];
            let left = goals.horizon.map_or(0, |most| rng.below(most as u64 + 1) as usize);
            let anew = rng.uniform() < goals.share;
            if anew {
                let last = self.all.ahead(first, length as u64 - 1).unwrap_or(first);
                self.achieved_from(last, rng, &mut goal);
            }
            let told = Told { goal: anew.then_some(goal.as_slice()), left };
            Hindsight { told, ..*self }.gather_wanted(first, each, &mut drawn, out);
        }
        Ok(())
    }
}
