//! The agent that acts by a policy on the beliefs of a latent model; the policy learns in the model's imagination.
//!
//! With a recurrent state-space model and an actor-critic this is Dreamer (Hafner, Pasukonis, Ba and Lillicrap, "Mastering Diverse Domains through World
//! Models", 2023, algorithm 1). An update trains the model on sequences of what was experienced, and then the policy on what the model imagines from the
//! beliefs that it filtered there. The belief of an episode is carried on through updates, as it was filtered: it is not filtered anew.

use worldwright_core::{
    Action, Agent, Batch, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, Space, State,
    WorldModel, cost, find,
};
use worldwright_models::LatentModel;
use worldwright_policies::ImaginedPolicy;

use crate::carried_belief::{CarriedBelief, ROWS};
use crate::latent_arena::{LatentArena, latent_arena, lost};
use crate::places::{self, at};
use crate::policy_agent::{mode, policy_context};
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// What an episode starts anew.
struct Place {
    explore_rng: Rng,
    belief: CarriedBelief,
}

pub(crate) struct LatentAgent {
    world: Option<LatentArena>,
    policy: Box<dyn ImaginedPolicy>,
    action_space: Space,
    observation_space: Space,
    interrupt: Interrupt,
    updates: Updates,
    update_rng: Rng,
    places: Vec<Place>,
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
    let model = chosen.said(entry.build.latent(entry.name, &model_context, &chosen.settings))?;
    let (inputs, a) = (model.spec().latent_dim, context.action_space.flat_dim());
    let entry = find(worldwright_policies::ALL, "policy", &acting.name)?;
    let policy_context = policy_context(inputs, resolved, context)?;
    cost::arena(model.spec(), ROWS.saturating_mul(context.places), "rows of beliefs, environment.count,")?;
    let seed = Key::new(context.seed);
    let place = |place| Place {
        explore_rng: seed.fold(2).rng(),
        belief: CarriedBelief::new(ROWS * place, inputs, seed.fold(5)),
    };
    Ok(Box::new(LatentAgent {
        world: Some(latent_arena(model, ROWS * context.places)),
        policy: acting.said(entry.build.imagined(entry.name, &policy_context, &acting.settings))?,
        action_space: context.action_space.clone(),
        observation_space: context.observation_space.clone(),
        interrupt: context.interrupt.clone(),
        updates: Updates::new(&resolved.agent)?,
        update_rng: seed.fold(1).rng(),
        places: (0..context.places).map(place).collect(),
        feature: Batch::zeros(inputs, 1),
        chosen: Batch::zeros(a, 1),
        flat: vec![0.0; a],
    }))
}

impl LatentAgent {
    /// Takes an observation into the belief at a place.
    fn filter(&mut self, place: usize, observation: &Observation) -> Result<()> {
        let belief = &mut at(&mut self.places, place)?.belief;
        let world = self.world.as_mut().ok_or_else(lost)?;
        world.with_dependent_mut(|_, arena| belief.filter(arena.as_mut(), observation).map(|_| ()))
    }

    /// Lets something change the model, and carries the beliefs on into its new arena.
    fn change(&mut self, change: impl FnOnce(&mut dyn LatentModel) -> Result<()>) -> Result<()> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let changed = change(model.as_mut());
        let mut world = latent_arena(model, ROWS * self.places.len());
        let places = &self.places;
        let carried =
            world.with_dependent_mut(|_, arena| places.iter().try_for_each(|place| place.belief.carry(arena.as_mut())));
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
        self.places.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut vec![0.0; self.observation_space.flat_dim()])?;
        let (key, place) = (Key::new(seed), at(&mut self.places, place)?);
        place.explore_rng = key.fold(2).rng();
        place.belief.begin(key.fold(4));
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        if !self.is_ready() {
            return Ok(self.action_space.sample(&mut at(&mut self.places, place)?.explore_rng));
        }
        self.filter(place, observation)?;
        let Place { explore_rng, belief } = at(&mut self.places, place)?;
        self.feature.columns_mut().set_row(0, belief.latent());
        self.policy.act(self.feature.columns(), mode(explore), explore_rng, &mut self.chosen)?;
        self.chosen.columns().copy_row(0, &mut self.flat);
        let action = self.action_space.unflatten(&self.flat)?;
        belief.did(&action);
        Ok(action)
    }

    fn follow(&mut self, place: usize, observation: &Observation, action: &Action) -> Result<()> {
        if self.is_ready() {
            self.filter(place, observation)?;
            at(&mut self.places, place)?.belief.did(action);
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
        self.places.iter_mut().for_each(|place| place.belief.forget());
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
        places::put(&mut state, &self.places, |place| {
            let mut state = State::new();
            state.put("explore_rng", place.explore_rng.save());
            place.belief.save(&mut state, &self.action_space);
            state
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        self.update_rng.restore(state, "update_rng")?;
        for (number, place) in self.places.iter_mut().enumerate() {
            let kept = places::part(state, number);
            place.explore_rng.restore(&kept, "explore_rng")?;
            place.belief.restore(&kept, &self.action_space)?;
        }
        self.change(|model| model.restore(&state.part("model")))
    }
}
