//! Transitions that a policy would meet, imagined by a model from where the agent has been: short branches off real episodes.
//!
//! Branches start at observations drawn from what was experienced, and follow the policy for a few steps (Janner, Fu, Zhang and Levine, "When to Trust Your
//! Model", NeurIPS 2019, algorithm 2): where a model errs a little at each step, many short ones stay closer to the truth than few long ones.
//! A branch follows another lane of its row at every step, drawn at random, or one of them to its end.
//! Unlike the paper, nothing imagined is kept: it is imagined anew, by the newest model and policy, whenever the policy is about to learn.

use worldwright_core::{
    Array, Batch, Dataset, Error, Experience, Imagination, Imagined, Mode, Policy, Result, Rng, Rows, Sample, Settings,
    State, Want, cost,
};

use crate::caution::{Caution, Step};
use crate::deciding::actions;

/// Reaches of the starts beyond which a branch has left everything that was seen: what a model says there is noise, and would drown what is learned.
const FAR: f64 = 1e3;

/// Steps of a branch at most.
const MOST_STEPS: usize = 1000;

/// What a transition pays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pay {
    /// What the task pays.
    Reward,
    /// The same, as far as the model may be trusted.
    Cautious(Caution),
    /// How much the model does not know of it.
    Epistemic,
}

/// How the length of branches grows with what was experienced: `min(first + (last − first) t / until, last)` steps once t transitions were taken in (Janner et al., 2019, appendix C), since a
/// model that knows more may be followed further.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    last: usize,
    until: u64,
}

impl Growth {
    /// All are of the same length.
    pub(crate) fn none() -> Self {
        Self { last: 0, until: 0 }
    }

    /// Reads `imagined_steps_last` and `imagined_steps_until`.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let last = settings.count_in("imagined_steps_last", 0, MOST_STEPS)?;
        Ok(Self { last, until: settings.count("imagined_steps_until", 0)? as u64 })
    }

    /// Steps of a branch that had `first` at first.
    fn steps(self, first: usize, taken: u64) -> usize {
        if self.last == 0 {
            return first;
        }
        let share = if self.until == 0 { 1.0 } else { (taken as f64 / self.until as f64).min(1.0) };
        (first as f64 + share * (self.last as f64 - first as f64)) as usize
    }
}

/// How branches are imagined, with room for them.
pub(crate) struct Dreaming {
    branches: usize,
    /// Steps of each at first, how they grow, and the most that there is room for.
    first: usize,
    growth: Growth,
    steps: usize,
    /// Whether a branch keeps to one lane, and so to what one member of a model believes.
    one_lane: bool,
    starts: Sample,
    /// `[branch][O]`: where each stands.
    now: Vec<f64>,
    next: Vec<f64>,
    /// The middle of the starts, and how far they reach from it, in each number.
    middle: Vec<f64>,
    reach: Vec<f64>,
    action: Vec<f64>,
    /// `[branch][step]`: what was seen, done and seen then, what it paid, whether it ended there, and what the policy kept beside it.
    told: Vec<f64>,
    /// Steps of each branch.
    lengths: Vec<usize>,
    seen: Batch,
    chosen: Batch,
    choices: Vec<u32>,
    out: Imagined,
    /// `[lane][row]`: where each step may lead, and what that is worth.
    led: Batch,
    worth: Vec<f64>,
    /// `[transition]`: what the policy kept beside each of the last set.
    kept: Vec<f64>,
}

impl Dreaming {
    /// Reads `branches` and `imagined_steps`.
    pub(crate) fn new(settings: &Settings, growth: Growth, inputs: usize, action_dim: usize) -> Result<Self> {
        let branches = settings.count_in("branches", 1, 1 << 16)?;
        Self::of(branches, ("branches", branches), settings, growth, [inputs, action_dim])
    }

    /// As many trajectories of `imagined_steps` as `policy.rollout_steps` transitions fill, each of which follows one lane, and as many each of them. A trajectory that ends before is not
    /// begun anew: fewer transitions come of it.
    pub(crate) fn rollout(transitions: usize, settings: &Settings, dims: [usize; 2]) -> Result<Self> {
        let count = transitions.div_ceil(settings.count_in("imagined_steps", 1, MOST_STEPS)?).max(1);
        let asked = ("policy.rollout_steps", transitions);
        Ok(Self { one_lane: true, ..Self::of(count, asked, settings, Growth::none(), dims)? })
    }

    /// Of so many branches, which come of a setting of this name and value.
    fn of(
        branches: usize,
        asked: (&str, usize),
        settings: &Settings,
        growth: Growth,
        [inputs, action_dim]: [usize; 2],
    ) -> Result<Self> {
        if inputs == 0 {
            return Err(Error::unsupported("imagining transitions", "observations without a number"));
        }
        let first = settings.count_in("imagined_steps", 1, MOST_STEPS)?;
        let steps = first.max(growth.last);
        let told = (branches * steps) as f64 * (2 * inputs + action_dim + 2) as f64;
        // Once as it is imagined, once as a set.
        cost::memory(&[asked, ("imagined_steps", steps)], 2.0 * 8.0 * told)?;
        Ok(Self {
            branches,
            first,
            growth,
            steps,
            one_lane: false,
            starts: Sample::default(),
            now: Vec::new(),
            next: vec![0.0; inputs],
            middle: vec![0.0; inputs],
            reach: vec![1.0; inputs],
            told: Vec::new(),
            lengths: Vec::new(),
            action: vec![0.0; action_dim],
            seen: Batch::zeros(inputs, branches),
            chosen: Batch::zeros(action_dim, branches),
            choices: Vec::with_capacity(branches),
            out: Imagined::default(),
            led: Batch::zeros(inputs, 0),
            worth: Vec::new(),
            kept: Vec::new(),
        })
    }

    /// What the policy kept beside each transition of the last set `[transition][number]`.
    pub(crate) fn kept(&self) -> &[f64] {
        &self.kept
    }

    /// Looks at how far the starts lie apart.
    fn measure(&mut self, o: usize) {
        for d in 0..o {
            let numbers = || self.now[d..].iter().step_by(o);
            let (low, high) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
            self.middle[d] = 0.5 * (low + high);
            self.reach[d] = (0.5 * (high - low)).max(1e-3 * self.middle[d].abs()).max(1e-6);
        }
    }

    /// Rows that it needs in an arena, from the first on.
    pub(crate) fn rows(&self) -> usize {
        self.branches
    }

    /// Imagines a set of transitions.
    pub(crate) fn dream(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn Policy,
        experience: &dyn Experience,
        pay: Pay,
        discount: f64,
        rng: &mut Rng,
    ) -> Result<Dataset> {
        let (o, key) = (experience.observation_dim(), rng.key());
        let mut dreamt = Dataset::new(o, experience.action_dim());
        experience.sample(Want::Transitions(self.branches), rng, &mut self.starts)?;
        self.now.resize(self.branches * o, 0.0);
        for branch in 0..self.branches {
            self.starts.observations.copy_to(2 * branch * o, &mut self.now[branch * o..(branch + 1) * o]);
        }
        self.measure(o);
        self.out = Imagined::new(arena.spec(), self.branches);
        let (lanes, space) = (arena.spec().members, arena.spec().action_space.clone());
        let observation_space = arena.spec().observation_space.clone();
        let mut branches: Vec<u32> = (0..self.branches as u32).collect();
        let columns: usize = policy.columns().iter().map(|column| column.width).sum();
        let width = 2 * o + self.action.len() + 2 + columns;
        self.told.resize(self.branches * self.steps * width, 0.0);
        self.lengths.clear();
        self.lengths.resize(self.branches, 0);
        for step in 0..self.growth.steps(self.first, experience.taken()) {
            let count = branches.len();
            if count == 0 {
                break;
            }
            let key = key.fold(step as u64);
            self.seen.set_rows(count);
            self.chosen.set_rows(count);
            for (row, flat) in self.now.chunks_exact(o).take(count).enumerate() {
                arena.observe(row, None, &observation_space.unflatten(flat)?, key)?;
                self.seen.columns_mut().set_row(row, flat);
            }
            policy.act(self.seen.columns(), Mode::Explore, rng, &mut self.chosen)?;
            let actions = actions(&space, &self.chosen, &mut self.choices);
            arena.step(Rows::Span(0..count), actions, Rows::Span(0..count), key, &mut self.out)?;
            let values = matches!(pay, Pay::Cautious(caution) if caution.asks_values());
            if values {
                self.value(arena, policy, (lanes, count))?;
            }
            let mut kept = 0;
            for row in 0..count {
                let branch = branches[row] as usize;
                let lane = if self.one_lane { branch % lanes } else { rng.below(lanes as u64) as usize };
                let at = self.out.at(lane, row);
                let (reward, halts) = match pay {
                    Pay::Reward => (self.out.reward[at], false),
                    Pay::Epistemic => (self.out.epistemic[at], false),
                    Pay::Cautious(caution) => caution.pay(Step {
                        reward: self.out.reward[at],
                        epistemic: self.out.epistemic[at],
                        value_std: if values { spread(&self.worth, (lanes, count), row) } else { 0.0 },
                    }),
                };
                let continuation = self.out.continuation[at];
                arena.decode(row, lane, &mut self.next)?;
                let seen = |(d, number): (usize, &f64)| (number - self.middle[d]).abs() <= FAR * self.reach[d];
                if !(reward.is_finite() && continuation.is_finite() && self.next.iter().enumerate().all(seen)) {
                    continue;
                }
                self.chosen.columns().copy_row(row, &mut self.action);
                let ended = halts || continuation < discount && rng.uniform() * discount >= continuation;
                let told = &mut self.told[(branch * self.steps + step) * width..][..width];
                let (before, rest) = told.split_at_mut(o);
                let (action, rest) = rest.split_at_mut(self.action.len());
                let (after, rest) = rest.split_at_mut(o);
                before.copy_from_slice(&self.now[row * o..(row + 1) * o]);
                action.copy_from_slice(&self.action);
                after.copy_from_slice(&self.next);
                rest[..2].copy_from_slice(&[reward, f64::from(u8::from(ended))]);
                policy.keep(row, &mut rest[2..]);
                self.lengths[branch] = step + 1;
                if !ended {
                    // Rows before this one were read already: those that ended make room.
                    self.now[kept * o..(kept + 1) * o].copy_from_slice(&self.next);
                    branches[kept] = branch as u32;
                    kept += 1;
                }
            }
            branches.truncate(kept);
        }
        let a = self.action.len();
        self.kept.clear();
        for (branch, length) in self.lengths.iter().enumerate() {
            for step in 0..*length {
                let told = &self.told[(branch * self.steps + step) * width..][..width];
                let (before, action, after) = (&told[..o], &told[o..o + a], &told[o + a..o + a + o]);
                let paid = &told[o + a + o..];
                let (reward, ended) = (paid[0], paid[1] > 0.0);
                self.kept.extend_from_slice(&paid[2..]);
                dreamt.push(before, action, reward, after, ended, step + 1 == *length)?;
            }
        }
        Ok(dreamt)
    }

    /// What the policy holds of where each lane of the last step leads; nothing is worth more where the task has ended.
    fn value(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn Policy,
        (lanes, count): (usize, usize),
    ) -> Result<()> {
        self.led.set_rows(lanes * count);
        self.worth.resize(lanes * count, 0.0);
        for lane in 0..lanes {
            for row in 0..count {
                arena.decode(row, lane, &mut self.next)?;
                self.led.columns_mut().set_row(lane * count + row, &self.next);
            }
        }
        policy.value(self.led.columns(), &mut self.worth)?;
        for (worth, continuation) in self.worth.iter_mut().zip(&self.out.continuation) {
            *worth = if *continuation > 0.0 && worth.is_finite() { *worth } else { 0.0 };
        }
        Ok(())
    }
}

/// The deviation between lanes of what a row's step leads to is worth.
fn spread(worth: &[f64], (lanes, count): (usize, usize), row: usize) -> f64 {
    let of_row = || (0..lanes).map(|lane| worth[lane * count + row]);
    let mean = of_row().sum::<f64>() / lanes as f64;
    (of_row().map(|value| (value - mean) * (value - mean)).sum::<f64>() / lanes as f64).sqrt()
}

/// The arrays of an imagined set, for those who go on with it.
pub(crate) fn save(dreamt: &Dataset) -> State {
    let (o, a, n) = (dreamt.observation_dim(), dreamt.action_dim(), dreamt.len());
    let mut state = State::new();
    let rows = |width, of: &dyn Fn(usize) -> Vec<f64>| Array::F64(vec![n, width], (0..n).flat_map(of).collect());
    state.put("before", rows(o, &|i| dreamt.observation(i).to_vec()));
    state.put("actions", rows(a, &|i| dreamt.action(i).to_vec()));
    state.put("after", rows(o, &|i| dreamt.next_observation(i).to_vec()));
    state.put("rewards", Array::F64(vec![n], dreamt.rewards().to_vec()));
    let ends = dreamt.terminated().iter().zip(dreamt.episode_ends());
    state.put("ends", Array::U8(ends.map(|(ended, last)| u8::from(*ended) + 2 * u8::from(*last)).collect()));
    state
}

/// The set whose arrays [`save`] gave.
pub(crate) fn restore([o, a]: [usize; 2], state: &State) -> Result<Dataset> {
    let Array::U8(ends) = state.array("ends")? else {
        return Err(Error::external("saved state", "array 'dreamt.ends' is not of type u8: it is damaged"));
    };
    let n = ends.len();
    let (before, actions) = (state.f64s("before", n * o)?, state.f64s("actions", n * a)?);
    let (after, rewards) = (state.f64s("after", n * o)?, state.f64s("rewards", n)?);
    let mut dreamt = Dataset::new(o, a);
    for i in 0..n {
        let (seen, done, next) =
            (&before[i * o..(i + 1) * o], &actions[i * a..(i + 1) * a], &after[i * o..(i + 1) * o]);
        dreamt.push(seen, done, rewards[i], next, ends[i] & 1 > 0, ends[i] & 2 > 0)?;
    }
    Ok(dreamt)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What there is no room for is named by the setting that asked for it, as it was given.
    #[test]
    fn trajectories_that_are_too_many_name_what_was_asked_for() {
        let entry = worldwright_core::find(crate::recipes::ALL, "algorithm", "mb-ppo").unwrap();
        let settings = Settings::resolve(entry.name, entry.parameters, &std::collections::BTreeMap::new()).unwrap();
        let error = Dreaming::rollout(40_000_000_000_000, &settings, [4, 2]).err().expect("refused").to_string();
        assert!(error.contains("policy.rollout_steps") && error.contains("40000000000000"), "{error}");
    }

    #[test]
    fn branches_grow_from_the_first_length_to_the_last() {
        let growth = Growth { last: 15, until: 1000 };
        assert_eq!([0, 100, 500, 999, 1000, 5000].map(|taken| growth.steps(1, taken)), [1, 2, 8, 14, 15, 15]);
        assert_eq!(Growth::none().steps(5, 700), 5);
        // They may become shorter, or change at once.
        assert_eq!(Growth { last: 1, until: 10 }.steps(5, 5), 3);
        assert_eq!(Growth { last: 3, until: 0 }.steps(1, 0), 3);
    }
}
