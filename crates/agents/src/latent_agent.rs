//! The agent that acts by a policy on the beliefs of a latent model; the policy learns in the model's imagination.
//!
//! With a recurrent state-space model and an actor-critic this is Dreamer (Hafner, Pasukonis, Ba and Lillicrap, "Mastering Diverse Domains through World
//! Models", 2023, algorithm 1). An update trains the model on sequences of what was experienced, and then the policy on what the model imagines from the
//! beliefs that it filtered there. The belief of an episode is carried on through updates, as it was filtered: it is not filtered anew.

use worldwright_core::{
    Action, Agent, Array, Batch, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, Space, State,
    WorldModel, cost, find,
};
use worldwright_models::LatentModel;
use worldwright_policies::ImaginedPolicy;

use crate::places::{self, at};
use crate::policy_agent::{mode, policy_context};
use crate::updates::Updates;
use crate::world::{World, lost, world};
use crate::{AgentContext, Resolved};

/// Rows of the arena at each place: the belief, and the next.
const ROWS: usize = 2;

/// What is believed in an episode, and what else it starts anew.
struct Belief {
    /// The first of its rows.
    first: usize,
    explore_rng: Rng,
    key: Key,
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
    /// At each place.
    beliefs: Vec<Belief>,
    // Room for a decision.
    feature: Batch,
    chosen: Batch,
    flat: Vec<f64>,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let (chosen, acting) = (resolved.role("model")?, resolved.role("policy")?);
    let entry = find(worldwright_models::ALL, "model", &chosen.name)?;
    let model_context = context.for_model(resolved.agent.float("discount", 0.0, 1.0)?);
    let model = entry.build.latent(entry.name, &model_context, &chosen.settings)?;
    let (inputs, a) = (model.spec().latent_dim, context.action_space.flat_dim());
    let entry = find(worldwright_policies::ALL, "policy", &acting.name)?;
    let policy_context = policy_context(inputs, resolved, context)?;
    cost::arena(model.spec(), ROWS.saturating_mul(context.places), "rows of beliefs, environment.count,")?;
    let seed = Key::new(context.seed);
    let belief = |place| Belief {
        first: ROWS * place,
        explore_rng: seed.fold(2).rng(),
        key: seed.fold(5),
        row: ROWS * place,
        seen: 0,
        last: None,
        latent: vec![0.0; inputs],
    };
    Ok(Box::new(LatentAgent {
        world: Some(world(model, ROWS * context.places)),
        policy: entry.build.imagined(entry.name, &policy_context, &acting.settings)?,
        action_space: context.action_space.clone(),
        observation_space: context.observation_space.clone(),
        interrupt: context.interrupt.clone(),
        updates: Updates::new(&resolved.agent)?,
        update_rng: seed.fold(1).rng(),
        beliefs: (0..context.places).map(belief).collect(),
        feature: Batch::zeros(inputs, 1),
        chosen: Batch::zeros(a, 1),
        flat: vec![0.0; a],
    }))
}

impl LatentAgent {
    /// Takes an observation into the belief at a place.
    fn filter(&mut self, place: usize, observation: &Observation) -> Result<()> {
        let belief = at(&mut self.beliefs, place)?;
        let world = self.world.as_mut().ok_or_else(lost)?;
        world.with_dependent_mut(|_, arena| {
            let (now, next) = (belief.row, 2 * belief.first + 1 - belief.row);
            // What was done before anything was filtered, at random, is not known to the row.
            let previous = belief.last.as_ref().filter(|_| belief.seen > 0).map(|action| (now, action));
            arena.observe(next, previous, observation, belief.key.fold(belief.seen))?;
            belief.row = next;
            belief.seen += 1;
            arena.read_latent(next, &mut belief.latent)
        })
    }

    /// Lets something change the model, and carries the beliefs on into its new arena.
    fn change(&mut self, change: impl FnOnce(&mut dyn LatentModel) -> Result<()>) -> Result<()> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let changed = change(model.as_mut());
        let mut world = world(model, ROWS * self.beliefs.len());
        let mut begun = self.beliefs.iter().filter(|belief| belief.seen > 0);
        let carried = world
            .with_dependent_mut(|_, arena| begun.try_for_each(|belief| arena.write_latent(belief.row, &belief.latent)));
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
    fn places(&self) -> usize {
        self.beliefs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut vec![0.0; self.observation_space.flat_dim()])?;
        let (key, belief) = (Key::new(seed), at(&mut self.beliefs, place)?);
        belief.explore_rng = key.fold(2).rng();
        belief.key = key.fold(4);
        (belief.seen, belief.last) = (0, None);
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        if !self.is_ready() {
            return Ok(self.action_space.sample(&mut at(&mut self.beliefs, place)?.explore_rng));
        }
        self.filter(place, observation)?;
        let belief = at(&mut self.beliefs, place)?;
        self.feature.columns_mut().set_row(0, &belief.latent);
        self.policy.act(self.feature.columns(), mode(explore), &mut belief.explore_rng, &mut self.chosen)?;
        self.chosen.columns().copy_row(0, &mut self.flat);
        let action = self.action_space.unflatten(&self.flat)?;
        belief.last = Some(action.clone());
        Ok(action)
    }

    fn follow(&mut self, place: usize, observation: &Observation, action: &Action) -> Result<()> {
        if self.is_ready() {
            self.filter(place, observation)?;
            at(&mut self.beliefs, place)?.last = Some(action.clone());
        }
        Ok(())
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        let due = self.updates.due(experience.taken());
        for update in 1..=due {
            let said = self.update(experience, update == due && !experience.is_open())?;
            // A row has room for one of each number: where many updates are made at once, for the last means.
            told = if said.is_empty() { told } else { said };
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
        self.beliefs.iter_mut().for_each(|belief| belief.seen = 0);
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
        places::put(&mut state, &self.beliefs, |belief| {
            let mut state = State::new();
            state.put("explore_rng", belief.explore_rng.save());
            // The belief was filtered by the model as it was at each step, which cannot be done again.
            state.put("seen", Array::U64(vec![belief.seen]));
            state.put("belief", Array::F64(vec![belief.latent.len()], belief.latent.clone()));
            let mut last = vec![0.0; self.flat.len()];
            let known = belief.last.as_ref().is_some_and(|taken| self.action_space.flatten(taken, &mut last).is_ok());
            state.put("last", Array::F64(vec![last.len()], last));
            state.put("acted", Array::U64(vec![u64::from(known)]));
            state
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        self.update_rng.restore(state, "update_rng")?;
        for (place, belief) in self.beliefs.iter_mut().enumerate() {
            let kept = places::part(state, place);
            belief.explore_rng.restore(&kept, "explore_rng")?;
            belief.latent = kept.f64s("belief", belief.latent.len())?.to_vec();
            belief.seen = kept.u64s("seen", 1)?[0];
            let last = kept.f64s("last", self.flat.len())?;
            let acted = kept.u64s("acted", 1)?[0] > 0;
            belief.last = if acted { Some(self.action_space.unflatten(last)?) } else { None };
        }
        self.change(|model| model.restore(&state.part("model")))
    }
}
