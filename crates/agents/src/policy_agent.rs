//! The agent that acts by a policy, which learns from what was experienced in updates of its own.

use worldwright_core::{
    Action, Agent, Array, Batch, Error, Experience, Interrupt, Key, Metrics, Mode, Observation, Persist, Result, Rng,
    Space, State, find,
};
use worldwright_policies::{Build, LearnedPolicy, PolicyContext};

use crate::{AgentContext, Resolved};

/// Updates after which their mean is told, unless an episode ends before.
const TOLD_EVERY: u64 = 100;
/// Updates a step of an environment at most.
const MOST_UPDATES: f64 = 1000.0;

/// Acts by a policy; learns `updates_per_step` times a step once `initial_steps` random steps are taken.
pub(crate) struct PolicyAgent {
    policy: Box<dyn LearnedPolicy>,
    observation_space: Space,
    action_space: Space,
    initial_steps: u64,
    updates_per_step: f64,
    interrupt: Interrupt,
    // What persists beside the policy.
    updates: u64,
    /// Transitions that had been taken in when updates began to be due, and those due by then.
    learned_at: u64,
    owed: f64,
    update_rng: Rng,
    /// Sums of what the updates said since that was last told, and how many those were.
    sums: Vec<f64>,
    summed: u64,
    // What an episode starts anew.
    explore_rng: Rng,
    // Room for a decision.
    seen: Batch,
    flat: Vec<f64>,
    chosen: Batch,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let settings = &resolved.agent;
    let inputs = context.observation_space.flat_dim();
    let policy_context = PolicyContext {
        inputs,
        action_space: context.action_space.clone(),
        discount: settings.float("discount", 0.0, 1.0)?,
        seed: context.seed,
    };
    let policy = match entry.build {
        Build::Experience(build) => build(&policy_context, &chosen.settings)?,
        Build::Imagination(_) => {
            let what = "learning from what was experienced: it learns in the imagination of a latent model";
            return Err(Error::unsupported(entry.name, what));
        }
    };
    let (seed, a) = (Key::new(context.seed), context.action_space.flat_dim());
    Ok(Box::new(PolicyAgent {
        policy,
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        initial_steps: settings.count("initial_steps", 0)? as u64,
        updates_per_step: settings.float("updates_per_step", 0.0, MOST_UPDATES)?,
        interrupt: context.interrupt.clone(),
        updates: 0,
        learned_at: 0,
        owed: 0.0,
        update_rng: seed.fold(1).rng(),
        sums: Vec::new(),
        summed: 0,
        explore_rng: seed.fold(2).rng(),
        seen: Batch::zeros(inputs, 1),
        flat: vec![0.0; inputs.max(a)],
        chosen: Batch::zeros(a, 1),
    }))
}

impl PolicyAgent {
    fn update(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let said = self.policy.update(experience, &mut self.update_rng, &self.interrupt)?;
        self.updates += 1;
        self.summed += 1;
        self.sums.resize(said.len(), 0.0);
        self.sums.iter_mut().zip(&said).for_each(|(sum, (_, number))| *sum += number);
        Ok(said)
    }

    /// The means of what the updates said, under the names that the last of them gave.
    fn tell(&mut self, last: Metrics) -> Metrics {
        let count = std::mem::take(&mut self.summed);
        let means = last.iter().zip(&self.sums).map(|((name, _), sum)| (*name, sum / count.max(1) as f64));
        let told = std::iter::once(("updates", count as f64)).chain(means).collect();
        self.sums.fill(0.0);
        told
    }
}

impl Agent for PolicyAgent {
    fn begin_episode(&mut self, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut self.flat[..self.observation_space.flat_dim()])?;
        self.explore_rng = Key::new(seed).fold(2).rng();
        Ok(())
    }

    fn act(&mut self, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        if !self.is_ready() {
            return Ok(self.action_space.sample(&mut self.explore_rng));
        }
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        self.observation_space.flatten(observation, &mut self.flat[..o])?;
        self.seen.columns_mut().set_row(0, &self.flat[..o]);
        let mode = if explore { Mode::Explore } else { Mode::Exploit };
        self.policy.act(self.seen.columns(), mode, &mut self.explore_rng, &mut self.chosen)?;
        self.chosen.columns().copy_row(0, &mut self.flat[..a]);
        self.action_space.unflatten(&self.flat[..a])
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let taken = experience.taken();
        if taken < self.initial_steps.max(1) || self.updates_per_step == 0.0 {
            return Ok(Metrics::new());
        }
        // Recorded episodes that a run begins with earn no updates: only steps do.
        let new = if self.learned_at == 0 { 1 } else { taken.saturating_sub(self.learned_at) };
        self.learned_at = taken;
        self.owed += self.updates_per_step * new as f64;
        let mut last = None;
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            last = Some(self.update(experience)?);
        }
        match last {
            Some(said) if !experience.is_open() || self.summed >= TOLD_EVERY.max(self.updates_per_step as u64) => {
                Ok(self.tell(said))
            }
            _ => Ok(Metrics::new()),
        }
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let said = self.update(experience)?;
        Ok(if self.summed >= TOLD_EVERY { self.tell(said) } else { Metrics::new() })
    }

    fn is_ready(&self) -> bool {
        self.updates > 0
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.weights());
        state.put("updates", Array::U64(vec![self.updates]));
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.policy.restore_weights(&weights.part("policy"))?;
        self.updates = weights.u64s("updates", 1)?[0];
        Ok(())
    }
}

impl Persist for PolicyAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.save());
        state.put("counters", Array::U64(vec![self.updates, self.learned_at, self.summed, self.owed.to_bits()]));
        state.put("sums", Array::F64(vec![self.sums.len()], self.sums.clone()));
        state.put("update_rng", self.update_rng.save());
        state.put("episode.explore_rng", self.explore_rng.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 4)?;
        let Array::F64(_, sums) = state.array("sums")? else {
            return Err(Error::external("saved state", "array 'sums' is not of type f64: it is damaged"));
        };
        self.policy.restore(&state.part("policy"))?;
        self.update_rng.restore(state, "update_rng")?;
        self.explore_rng.restore(state, "episode.explore_rng")?;
        [self.updates, self.learned_at, self.summed] = [counters[0], counters[1], counters[2]];
        self.owed = f64::from_bits(counters[3]);
        self.sums.clone_from(sums);
        Ok(())
    }
}
