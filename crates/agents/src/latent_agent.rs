//! The agent that acts by a policy on the beliefs of a latent model; the policy learns in the model's imagination.
//!
//! With a recurrent state-space model and an actor-critic this is Dreamer (Hafner, Pasukonis, Ba and Lillicrap, "Mastering Diverse Domains through World
//! Models", 2023, algorithm 1). An update trains the model on sequences of what was experienced, and then the policy on what the model imagines from the
//! beliefs that it filtered there. The belief of an episode is carried on through updates, as it was filtered: it is not filtered anew.

use worldwright_core::{
    Action, Agent, Array, Batch, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, Space, State,
    WorldModel, find,
};
use worldwright_models::{LatentModel, ModelContext};
use worldwright_policies::ImaginedPolicy;

use crate::policy_agent::{mode, policy_context};
use crate::updates::Updates;
use crate::world::{World, lost, world};
use crate::{AgentContext, Resolved};

/// Rows of the arena: the belief, and the next.
const ROWS: usize = 2;

/// What is believed in an episode.
struct Belief {
    /// The row of the arena that holds it.
    row: usize,
    /// Observations that were filtered.
    seen: u64,
    /// What was done last.
    last: Option<Action>,
    /// What the row holds, to be carried on into another arena; what the policy looks at.
    latent: Vec<f64>,
}

pub(crate) struct LatentAgent {
    world: Option<World>,
    policy: Box<dyn ImaginedPolicy>,
    action_space: Space,
    observation_space: Space,
    interrupt: Interrupt,
    updates: Updates,
    update_rng: Rng,
    // What an episode starts anew.
    explore_rng: Rng,
    belief_key: Key,
    belief: Belief,
    // Room for a decision.
    feature: Batch,
    chosen: Batch,
    flat: Vec<f64>,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let (chosen, acting) = (resolved.role("model")?, resolved.role("policy")?);
    let entry = find(worldwright_models::ALL, "model", &chosen.name)?;
    let model_context = ModelContext {
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        reward: context.reward.clone(),
        simulator: context.simulator.clone(),
        known: context.known.clone(),
        players: context.players,
        discount: resolved.agent.float("discount", 0.0, 1.0)?,
        seed: context.seed,
    };
    let model = entry.build.latent(entry.name, &model_context, &chosen.settings)?;
    let (inputs, a) = (model.spec().latent_dim, context.action_space.flat_dim());
    let entry = find(worldwright_policies::ALL, "policy", &acting.name)?;
    let policy_context = policy_context(inputs, resolved, context)?;
    let seed = Key::new(context.seed);
    Ok(Box::new(LatentAgent {
        world: Some(world(model, ROWS)),
        policy: entry.build.imagined(entry.name, &policy_context, &acting.settings)?,
        action_space: context.action_space.clone(),
        observation_space: context.observation_space.clone(),
        interrupt: context.interrupt.clone(),
        updates: Updates::new(&resolved.agent)?,
        update_rng: seed.fold(1).rng(),
        explore_rng: seed.fold(2).rng(),
        belief_key: seed.fold(5),
        belief: Belief { row: 0, seen: 0, last: None, latent: vec![0.0; inputs] },
        feature: Batch::zeros(inputs, 1),
        chosen: Batch::zeros(a, 1),
        flat: vec![0.0; a],
    }))
}

impl LatentAgent {
    /// Takes an observation into the belief.
    fn filter(&mut self, observation: &Observation) -> Result<()> {
        let (belief, key) = (&mut self.belief, self.belief_key);
        let world = self.world.as_mut().ok_or_else(lost)?;
        world.with_dependent_mut(|_, arena| {
            let (now, next) = (belief.row, 1 - belief.row);
            // What was done before anything was filtered, at random, is not known to the row.
            let previous = belief.last.as_ref().filter(|_| belief.seen > 0).map(|action| (now, action));
            arena.observe(next, previous, observation, key.fold(belief.seen))?;
            belief.row = next;
            belief.seen += 1;
            arena.read_latent(next, &mut belief.latent)
        })
    }

    /// Lets something change the model, and carries the belief on into its new arena.
    fn change(&mut self, change: impl FnOnce(&mut dyn LatentModel) -> Result<()>) -> Result<()> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let changed = change(model.as_mut());
        let mut world = world(model, ROWS);
        let belief = &self.belief;
        let carried = match belief.seen {
            0 => Ok(()),
            _ => world.with_dependent_mut(|_, arena| arena.write_latent(belief.row, &belief.latent)),
        };
        self.world = Some(world);
        changed.and(carried)
    }

    fn update(&mut self, experience: &dyn Experience, episode_ended: bool) -> Result<Metrics> {
        let interrupt = self.interrupt.clone();
        let mut rng = self.update_rng.clone();
        let mut said = Metrics::new();
        self.change(|model| {
            said = model.update(experience, &mut rng, &interrupt)?;
            Ok(())
        })?;
        let model = self.world.as_ref().ok_or_else(lost)?.borrow_owner();
        let (cell, store, starts) = (model.cell(), model.store(), model.starts());
        said.extend(self.policy.imagine(cell, store, starts, &mut rng, &interrupt)?);
        self.update_rng = rng;
        Ok(self.updates.count(said, episode_ended))
    }
}

impl Agent for LatentAgent {
    fn begin_episode(&mut self, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut vec![0.0; self.observation_space.flat_dim()])?;
        let key = Key::new(seed);
        self.explore_rng = key.fold(2).rng();
        self.belief_key = key.fold(4);
        (self.belief.seen, self.belief.last) = (0, None);
        Ok(())
    }

    fn act(&mut self, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        let action = if self.is_ready() {
            self.filter(observation)?;
            self.feature.columns_mut().set_row(0, &self.belief.latent);
            self.policy.act(self.feature.columns(), mode(explore), &mut self.explore_rng, &mut self.chosen)?;
            self.chosen.columns().copy_row(0, &mut self.flat);
            self.action_space.unflatten(&self.flat)?
        } else {
            self.action_space.sample(&mut self.explore_rng)
        };
        self.belief.last = self.is_ready().then(|| action.clone());
        Ok(action)
    }

    fn follow(&mut self, observation: &Observation, action: &Action) -> Result<()> {
        if self.is_ready() {
            self.filter(observation)?;
            self.belief.last = Some(action.clone());
        }
        Ok(())
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        let due = self.updates.due(experience.taken());
        for update in 1..=due {
            told.extend(self.update(experience, update == due && !experience.is_open())?);
        }
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.update(experience, false)
    }

    fn is_ready(&self) -> bool {
        self.updates.made() > 0
    }

    fn world_model(&self) -> Option<&dyn WorldModel> {
        let world = self.world.as_ref().filter(|_| self.is_ready())?;
        Some(world.borrow_owner().as_world_model())
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        state.put_all("policy", self.policy.weights());
        self.updates.put_made(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.belief.seen = 0;
        self.change(|model| model.restore(&weights.part("model")))?;
        self.policy.restore_weights(&weights.part("policy"))?;
        self.updates.take_made(weights)
    }
}

impl Persist for LatentAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        state.put_all("policy", self.policy.save());
        self.updates.save(&mut state);
        state.put("update_rng", self.update_rng.save());
        state.put("episode.explore_rng", self.explore_rng.save());
        // The belief was filtered by the model as it was at each step, which cannot be done again.
        state.put("episode.seen", Array::U64(vec![self.belief.seen]));
        state.put("episode.belief", Array::F64(vec![self.belief.latent.len()], self.belief.latent.clone()));
        let mut last = vec![0.0; self.flat.len()];
        let known = self
            .belief
            .last
            .as_ref()
            .is_some_and(|last_action| self.action_space.flatten(last_action, &mut last).is_ok());
        state.put("episode.last", Array::F64(vec![last.len()], last));
        state.put("episode.acted", Array::U64(vec![u64::from(known)]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let latent = state.f64s("episode.belief", self.belief.latent.len())?.to_vec();
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        self.update_rng.restore(state, "update_rng")?;
        self.explore_rng.restore(state, "episode.explore_rng")?;
        self.belief.seen = state.u64s("episode.seen", 1)?[0];
        self.belief.latent = latent;
        let last = state.f64s("episode.last", self.flat.len())?;
        let acted = state.u64s("episode.acted", 1)?[0] > 0;
        self.belief.last = if acted { Some(self.action_space.unflatten(last)?) } else { None };
        self.change(|model| model.restore(&state.part("model")))
    }
}
