//! The agent whose policy learns from its own steps alone, and takes them in a model: as many as it likes for each that it takes in the world.
//!
//! Model-ensemble trust-region policy optimisation (Kurutach, Clavera, Duan, Tamar and Abbeel, "Model-Ensemble Trust-Region Policy Optimization", ICLR 2018, algorithm 2): after each fit the
//! policy practises on trajectories that each follow one member of the ensemble (`model.propagation=ts-inf`), as many as make `policy.rollout_steps`. Every few updates its return is estimated in each member, over the same starts and the same noise; once it
//! has improved in less than 70 % of them since the last time, what it learns is what one member gets wrong, and it practises no further until there is a better model.
//!
//! Unlike the paper, the policy is improved by clipped steps (`ppo`) rather than within a trust region, and trajectories are short ones from wherever the agent has been, whose ends are worth
//! what its critic says, so that errors of the model do not add up over an episode.

use worldwright_core::{
    Action, Agent, Call, Experience, Interrupt, Key, Metrics, Mode, Observation, Persist, Result, Rng, Rollout, Sample,
    Settings, State, StepColumn, Want, WorldModel, cost,
};
use worldwright_policies::LearnedPolicy;

use crate::believing;
use crate::deciding::Deciding;
use crate::dreaming::{Dreaming, Pay};
use crate::fitted::Fitted;
use crate::fitting::Fitting;
use crate::kept::Kept;
use crate::model_based::build_model;
use crate::places::{self, at};
use crate::policy_agent::{mode, on_policy};
use crate::updates::Updates;
use crate::walking::Walking;
use crate::{AgentContext, Resolved};

/// Starts that returns are estimated from, in each member.
const STARTS: usize = 32;

/// Acts by a policy that practises in a model.
pub(crate) struct PractisingAgent {
    fitted: Fitted,
    policy: Box<dyn LearnedPolicy>,
    columns: Vec<StepColumn>,
    dreaming: Dreaming,
    practice: Practice,
    /// What it practised in all, and what that said.
    updates: Updates,
    discount: f64,
    deciding: Deciding,
    interrupt: Interrupt,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
}

/// How long a policy practises between two fits.
struct Practice {
    /// Updates at most, and those between two estimates.
    most: u64,
    every: u64,
    /// The share of members in which it has to improve.
    share: f64,
    steps: usize,
    walking: Walking,
    starts: Sample,
    flat: Vec<f64>,
}

impl Practice {
    fn read(settings: &Settings, lanes: usize, inputs: usize) -> Result<Self> {
        Ok(Self {
            most: settings.count_in("practice_updates", 1, 1 << 20)? as u64,
            every: settings.count_in("checked_every", 1, 1 << 20)? as u64,
            share: settings.float("improved_share", 0.0, 1.0)?,
            steps: settings.count_in("imagined_steps", 1, 1000)?,
            walking: Walking::new(STARTS, lanes),
            starts: Sample::default(),
            flat: vec![0.0; inputs],
        })
    }
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let model = build_model(resolved, context)?;
    let capabilities = model.spec().capabilities;
    if capabilities.memory || !capabilities.decode {
        let what = "imagining transitions: it is no model of what is observed; choose one that is, such as ensemble, or an algorithm that learns in latents, such as tdmpc2 or dreamer";
        return Err(resolved.role("model")?.cannot(what));
    }
    let (settings, seed) = (&resolved.agent, Key::new(context.seed));
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    resolved.role("model")?.said(believing::check("practice", None, model.spec()))?;
    let policy = on_policy(resolved, context)?;
    let Some(Rollout { steps, whole_episodes: false }) = policy.rollout() else {
        let what =
            "practice, whose trajectories end before their episodes do: choose a policy with a critic, such as ppo";
        return Err(resolved.role("policy")?.cannot(what));
    };
    let dreaming = Dreaming::rollout(steps as usize, settings, [o, a])?;
    let practice = Practice::read(settings, model.spec().members, o)?;
    let rows = dreaming.rows().max(practice.walking.rows());
    cost::arena(model.spec(), rows, "rows that it imagines")?;
    let fitting = Fitting::new(settings, [o, a], false, seed.fold(1))?.within_episodes();
    Ok(Box::new(PractisingAgent {
        fitted: Fitted::new(model, rows, fitting),
        columns: policy.columns(),
        policy,
        dreaming,
        practice,
        updates: Updates::none(),
        discount: settings.float("discount", 0.0, 1.0)?,
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
    }))
}

impl PractisingAgent {
    fn fit(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.fitted.fit(experience, self.explore_rngs.len(), &self.interrupt)
    }

    /// One update on trajectories of the policy as it is.
    fn update(&mut self, experience: &dyn Experience, last: bool) -> Result<Metrics> {
        let (policy, dreaming, rng) = (self.policy.as_mut(), &mut self.dreaming, &mut self.update_rng);
        let (world, discount) = (self.fitted.world()?, self.discount);
        let steps = world.with_dependent_mut(|_, arena| {
            dreaming.dream(arena.as_mut(), policy, experience, Pay::Reward, discount, rng)
        })?;
        self.interrupt.count(Call::ModelStep, steps.len() as u64);
        if steps.is_empty() {
            return Ok(Metrics::new());
        }
        let kept = Kept { steps: &steps, columns: &self.columns, numbers: self.dreaming.kept() };
        let said = self.policy.update(&kept, &mut self.update_rng, &self.interrupt)?;
        Ok(self.updates.count(said, last))
    }

    /// The return that each member foresees from the starts, by the noise of a key.
    fn foreseen(&mut self, key: Key) -> Result<Vec<f64>> {
        let practice = &mut self.practice;
        let (policy, walking, o) = (self.policy.as_mut(), &mut practice.walking, practice.flat.len());
        let (starts, flat, steps) = (&practice.starts, &mut practice.flat, practice.steps);
        let (world, rng) = (self.fitted.world()?, &mut key.rng());
        world.with_dependent_mut(|_, arena| {
            walking.begin(arena.as_ref());
            for start in 0..STARTS {
                starts.observations.copy_to(2 * start * o, flat);
                walking.set(start, flat, (0.0, 1.0));
            }
            (0..steps as u64)
                .try_for_each(|step| walking.step(arena.as_mut(), policy, (Mode::Exploit, key.fold(step)), rng))
        })?;
        self.interrupt.count(Call::ModelStep, (walking.rows() * steps) as u64);
        let lanes = walking.lanes();
        Ok((0..lanes).map(|lane| walking.paid[lane..].iter().step_by(lanes).sum::<f64>() / STARTS as f64).collect())
    }

    /// Practises until the policy improves in too few members.
    fn practise(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let key = self.update_rng.key();
        experience.sample(Want::Transitions(STARTS), &mut self.update_rng, &mut self.practice.starts)?;
        let (mut before, mut made, mut share) = (self.foreseen(key)?, 0, 1.0);
        let (most, every, least) = (self.practice.most, self.practice.every, self.practice.share);
        let mut told = Metrics::new();
        while made < most && share >= least {
            let now = every.min(most - made);
            for update in 1..=now {
                told = self.update(experience, update == now)?;
            }
            made += now;
            let foreseen = self.foreseen(key)?;
            share = improved(&before, &foreseen);
            before = foreseen;
        }
        told.extend([("improved_share", share), ("practice_updates", made as f64)]);
        Ok(told)
    }
}

/// The share of members in which a return has grown.
fn improved(before: &[f64], now: &[f64]) -> f64 {
    // What was no number and is one now has come back.
    let grows = |(before, now): &(&f64, &f64)| now > before || (before.is_nan() && now.is_finite());
    let grown = before.iter().zip(now).filter(grows).count();
    grown as f64 / before.len().max(1) as f64
}

impl Agent for PractisingAgent {
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
        if !self.fitted.fitting.is_due(experience, self.explore_rngs.len()) {
            return Ok(Metrics::new());
        }
        let mut told = self.fit(experience)?;
        told.extend(self.practise(experience)?);
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if !self.fitted.is_up_to_date(experience) {
            told.extend(self.fit(experience)?);
        }
        told.extend(self.update(experience, false)?);
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

impl Persist for PractisingAgent {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn improvement_is_counted_over_members_and_what_diverged_has_none() {
        assert_eq!(improved(&[0.0, 0.0, 0.0, 0.0], &[1.0, 0.0, -1.0, 2.0]), 0.5);
        assert_eq!(improved(&[0.0, 1.0], &[f64::NAN, 2.0]), 0.5);
        assert_eq!(improved(&[f64::NAN, f64::NAN], &[1.0, f64::NAN]), 0.5);
    }
}
