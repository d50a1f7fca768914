//! A finite process out of any model with choices: explore from some observations until nothing new is seen.
//!
//! Breadth first: each known state is observed into as many rows as it has choices, stepped once, and decoded; what comes out is a
//! state by its flat observation, numbered in the order of discovery. Each lane of the model, and each of `samples` draws of a model with
//! chance, is an outcome of equal probability. So this is exact for models without chance, and for chance that the lanes enumerate;
//! otherwise the process is an estimate. The observation must tell the whole state.
//!
//! A choice whose step diverges (a reward or continuation that is not finite) is not offered in that state: that is how a model
//! refuses an illegal move. Ends become states without actions.

use worldwright_core::{Actions, Error, Imagination, Imagined, Key, Observation, Result, Rows};

use super::mdp::{Mdp, MdpBuilder};
use super::states::States;

/// How to explore.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Enumeration {
    /// Draws of each choice, for models with chance.
    pub samples: usize,
    /// Numbers of observations that round to the same multiple of this are the same; zero tells all apart.
    pub resolution: f64,
    /// States beyond which the world is not finite enough.
    pub most_states: usize,
    /// The seed of the model's chance.
    pub seed: u64,
}

impl Default for Enumeration {
    fn default() -> Self {
        Self { samples: 1, resolution: 0.0, most_states: 1_000_000, seed: 0 }
    }
}

/// What [`enumerate`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Enumerated {
    /// The process; the model's own continuation is in it.
    pub mdp: Mdp,
    /// The choice behind each action, `choices[state][action]`: choices that diverge are left out.
    pub choices: Vec<Vec<u32>>,
    /// The state of each start observation.
    pub starts: Vec<usize>,
    /// `[states][flat observation]`
    pub observations: Vec<f64>,
    /// Steps that diverged.
    pub diverged: u64,
}

/// Explores `world` from `starts` with as many of its rows as are useful.
///
/// # Errors
/// [`Error::Unsupported`] for a model without choices or with more states than allowed, [`Error::Shape`] for an arena with fewer
/// rows than choices, and what the model gives.
pub fn enumerate(world: &mut dyn Imagination, starts: &[Observation], how: &Enumeration) -> Result<Enumerated> {
    let spec = world.spec().clone();
    let choices = match spec.action_space.count() {
        Some(0) => return Err(Error::unsupported("enumeration", "an action space without an element")),
        Some(choices) => choices,
        None => return Err(Error::unsupported("enumeration", "continuous actions: use the planner grid instead")),
    };
    let width = spec.observation_space.flat_dim();
    let together = world.rows() / choices;
    if together == 0 {
        return Err(Error::shape("rows of the model's arena", &[choices], &[world.rows()]));
    }
    // One number more than the observation: whether the world ended there.
    let mut states = States::new(width + 1, how.resolution);
    let mut flat = vec![0.0; width + 1];
    let mut starting = Vec::with_capacity(starts.len());
    for observation in starts {
        spec.observation_space.flatten(observation, &mut flat[..width])?;
        starting.push(states.number(&flat));
    }
    let mut explorer = Explorer {
        out: Imagined::new(&spec, together * choices),
        batch: Vec::with_capacity(together * choices),
        taken: Vec::new(),
        branches: Vec::new(),
        diverged: 0,
        choices,
        key: Key::new(how.seed),
        how: *how,
    };
    let mut first = 0;
    while first < states.len() {
        let count = together.min(states.len() - first);
        explorer.expand(world, &mut states, first, count, &mut flat)?;
        first += count;
    }
    let (mdp, choices) = explorer.build(states.len())?;
    let observations = (0..states.len()).flat_map(|state| states.get(state)[..width].iter().copied()).collect();
    Ok(Enumerated { mdp, choices, starts: starting, observations, diverged: explorer.diverged })
}

/// One outcome of a choice.
#[derive(Debug, Clone, Copy)]
struct Branch {
    reward: f64,
    continuation: f64,
    next: u32,
}

struct Explorer {
    out: Imagined,
    /// The choices of a batch.
    batch: Vec<u32>,
    /// `[states][choices]`: whether the choice is offered.
    taken: Vec<bool>,
    /// `[states][choices][lanes × samples]`
    branches: Vec<Branch>,
    diverged: u64,
    choices: usize,
    key: Key,
    how: Enumeration,
}

impl Explorer {
    /// Steps every choice of `count` states from `first` on.
    fn expand(
        &mut self,
        world: &mut dyn Imagination,
        states: &mut States,
        first: usize,
        count: usize,
        flat: &mut [f64],
    ) -> Result<()> {
        let (members, width) = (world.spec().members, flat.len() - 1);
        let draws = members * self.how.samples.max(1);
        let rows = count * self.choices;
        let place = self.branches.len();
        let blank = Branch { reward: 0.0, continuation: 0.0, next: 0 };
        self.branches.resize(place + rows * draws, blank);
        self.taken.resize(self.taken.len() + rows, true);
        self.batch.clear();
        self.batch.extend((0..rows).map(|row| (row % self.choices) as u32));
        for sample in 0..self.how.samples.max(1) {
            for i in 0..count {
                let row = i * self.choices;
                let observation = world.spec().observation_space.unflatten(&states.get(first + i)[..width])?;
                world.observe(row, None, &observation, self.key)?;
                if self.choices > 1 {
                    world.copy(row, Rows::Span(row + 1..row + self.choices));
                }
            }
            let key = self.key.fold(first as u64).fold(sample as u64);
            world.step(Rows::Span(0..rows), Actions::Discrete(&self.batch), Rows::Span(0..rows), key, &mut self.out)?;
            for row in 0..rows {
                for member in 0..members {
                    let at = self.out.at(member, row);
                    let (reward, continuation) = (self.out.reward[at], self.out.continuation[at]);
                    world.decode(row, member, &mut flat[..width])?;
                    // An end has no actions, and nothing is learned from a step beyond it.
                    let ended = states.get(first + row / self.choices)[width] != 0.0;
                    let sound = reward.is_finite() && continuation.is_finite() && flat.iter().all(|x| x.is_finite());
                    if ended || !sound {
                        self.diverged += u64::from(!ended);
                        self.taken[first * self.choices + row] = false;
                        continue;
                    }
                    flat[width] = f64::from(u8::from(continuation == 0.0));
                    let next = states.number(flat);
                    let branch = Branch { reward, continuation, next: next as u32 };
                    self.branches[place + row * draws + sample * members + member] = branch;
                }
            }
            if states.len() > self.how.most_states {
                return Err(Error::unsupported(
                    "enumeration",
                    format!(
                        "more than {} states: set `most_states` or a coarser `resolution`, or use the planner grid",
                        self.how.most_states
                    ),
                ));
            }
        }
        Ok(())
    }

    fn build(&self, states: usize) -> Result<(Mdp, Vec<Vec<u32>>)> {
        let mut builder = MdpBuilder::new(1.0);
        let mut offered = Vec::with_capacity(states);
        let draws = self.branches.len() / (states * self.choices);
        for state in 0..states {
            builder.state();
            let choices = (0..self.choices).filter(|choice| self.taken[state * self.choices + choice]);
            let choices: Vec<u32> = choices.map(|choice| choice as u32).collect();
            for choice in &choices {
                builder.action();
                let first = (state * self.choices + *choice as usize) * draws;
                for branch in &self.branches[first..first + draws] {
                    let next = (branch.continuation != 0.0).then_some(branch.next as usize);
                    builder.outcome_with(1.0 / draws as f64, branch.reward, next, branch.continuation);
                }
            }
            offered.push(choices);
        }
        Ok((builder.build()?, offered))
    }
}
