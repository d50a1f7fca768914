//! `svg`: stochastic value gradients, a policy that is improved by derivatives that go back along trajectories through a model.
//!
//! | | `horizon` | `critic` | derivatives go back through |
//! |---|---|---|---|
//! | svg(0) | 0 | true | the critic alone |
//! | svg(k) | k | true | k steps of the model and the critic behind them; k = 1 is svg(1) |
//! | svg(∞) | the length of an episode | false | the whole trajectory |
//!
//! Trajectories are real ones (`imagined=false`), whose noise is what explains them, or imagined from where the agent has been
//! ([`trajectories`]). Source: Heess, Wayne, Silver, Lillicrap, Tassa and Erez, "Learning Continuous Control Policies by Stochastic Value Gradients", NeurIPS 2015.
//!
//! Unlike the paper, one critic of actions serves every horizon, and steps of older policies count like those of the newest, without weights of importance:
//! where the policy changes much between episodes, imagined trajectories are the ones to take.

mod trajectories;

use worldwright_core::{
    Action, Agent, Call, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, State, WorldModel,
    cost, find,
};
use worldwright_policies::ReparametrisedPolicy;

use crate::deciding::Deciding;
use crate::fitted::Fitted;
use crate::fitting::Fitting;
use crate::model_based::build_model;
use crate::places::{self, at};
use crate::planned::LearnedArena;
use crate::policy_agent::{mode, policy_context};
use crate::updates::Updates;
use crate::{AgentContext, Resolved};
use trajectories::Trajectories;

/// Acts by a policy that climbs derivatives along trajectories.
pub(crate) struct SvgAgent {
    fitted: Fitted,
    policy: Box<dyn ReparametrisedPolicy>,
    trajectories: Trajectories,
    updates: Updates,
    deciding: Deciding,
    interrupt: Interrupt,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy = chosen.said(entry.build.reparametrised(
        entry.name,
        &policy_context(o, resolved, context)?,
        &chosen.settings,
    ))?;
    let model = build_model(resolved, context)?;
    let trajectories = resolved.role("model")?.said(Trajectories::new(
        settings,
        model.spec(),
        settings.float("discount", 0.0, 1.0)?,
    ))?;
    cost::arena(model.spec(), trajectories.rows(), "rows of trajectories")?;
    let seed = Key::new(context.seed);
    let fitting = Fitting::new(settings, [o, a], false, seed.fold(1))?.within_episodes();
    Ok(Box::new(SvgAgent {
        fitted: Fitted::new(model, trajectories.rows(), fitting),
        policy,
        trajectories,
        updates: Updates::new(settings)?,
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
    }))
}

impl SvgAgent {
    fn fit(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.fitted.fit(experience, self.explore_rngs.len(), &self.interrupt)
    }
}

/// Improves the policy once: critic first, then along trajectories.
fn update(
    (world, policy, trajectories): (&mut LearnedArena, &mut dyn ReparametrisedPolicy, &mut Trajectories),
    experience: &dyn Experience,
    rng: &mut Rng,
    interrupt: &Interrupt,
) -> Result<Metrics> {
    interrupt.check("improving the policy")?;
    policy.follow(experience, rng)?;
    let mut said = Metrics::new();
    if trajectories.critic() {
        interrupt.count(Call::Gradient, 1);
        said.push(("critic_loss", policy.regress(experience, rng)?));
    }
    let paid =
        world.with_dependent_mut(|_, arena| trajectories.climb(arena.as_mut(), policy, experience, rng, interrupt))?;
    said.push(("trajectory_return", paid));
    Ok(said)
}

impl Agent for SvgAgent {
    fn places(&self) -> usize {
        self.explore_rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.deciding.check(observation)?;
        *at(&mut self.explore_rngs, place)? = Key::new(seed).fold(2).rng();
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        let (is_ready, rng) = (self.is_ready(), at(&mut self.explore_rngs, place)?);
        if !is_ready {
            return Ok(self.deciding.random(rng));
        }
        self.deciding.act(self.policy.as_mut(), observation, mode(explore), rng)
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if self.fitted.fitting.is_due(experience, self.explore_rngs.len()) {
            told.extend(self.fit(experience)?);
        }
        if !self.fitted.is_fitted() {
            return Ok(told);
        }
        let world = self.fitted.world()?;
        let (policy, trajectories) = (self.policy.as_mut(), &mut self.trajectories);
        let (rng, interrupt) = (&mut self.update_rng, &self.interrupt);
        let once = || update((&mut *world, &mut *policy, &mut *trajectories), experience, rng, interrupt);
        told.extend(self.updates.make(experience, once)?);
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if !self.fitted.is_up_to_date(experience) {
            told.extend(self.fit(experience)?);
        }
        let world = self.fitted.world()?;
        let (rng, interrupt) = (&mut self.update_rng, &self.interrupt);
        let said = update((world, self.policy.as_mut(), &mut self.trajectories), experience, rng, interrupt)?;
        told.extend(self.updates.count(said, false));
        Ok(told)
    }

    fn is_ready(&self) -> bool {
        self.updates.made() > 0
    }

    fn world_model(&self) -> Option<&dyn WorldModel> {
        self.fitted.model()
    }

    fn note(&self) -> &str {
        &self.fitted.fitting.note
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        self.fitted.put_weights(&mut state);
        state.put_all("policy", self.policy.weights());
        self.updates.put_made(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.fitted.take_weights(weights)?;
        self.policy.restore_weights(&weights.part("policy"))?;
        self.updates.take_made(weights)
    }
}

impl Persist for SvgAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        self.fitted.save(&mut state);
        state.put_all("policy", self.policy.save());
        self.updates.save(&mut state);
        state.put("update_rng", self.update_rng.save());
        places::put(&mut state, &self.explore_rngs, |rng| {
            let mut kept = State::new();
            kept.put("explore_rng", rng.save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.fitted.restore(state)?;
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        self.update_rng.restore(state, "update_rng")?;
        let mut rngs = self.explore_rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "explore_rng"))
    }
}
