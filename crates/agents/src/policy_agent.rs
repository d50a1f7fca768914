//! The agent that acts by a policy, which learns from what was experienced in updates of its own.
//!
//! A policy that learns from any transitions is first told random ones, and then updated so many times a step. One that learns from its own steps alone acts
//! from the first step on, and is updated whenever its rollout is long enough, with what came since the last update and nothing else. One that pursues goals is told
//! transitions with goals that were reached (see [`crate::goals`]).

use worldwright_core::{
    Action, Agent, Entry, Experience, Interrupt, Key, Metrics, Mode, Observation, Persist, Result, Rng, Settings,
    State, StepColumn, find,
};
use worldwright_policies::{Build, LearnedPolicy, PolicyContext};

use crate::deciding::Deciding;
use crate::goals::{Goals, Kind};
use crate::newest::Newest;
use crate::places::{self, at};
use crate::updates::{Rollouts, Updates};
use crate::{AgentContext, Part, Resolved};

/// Acts by a policy, and has it learn.
pub(crate) struct PolicyAgent {
    policy: Box<dyn LearnedPolicy>,
    deciding: Deciding,
    interrupt: Interrupt,
    updates: Updates,
    /// How goals are told anew, where it pursues any.
    goals: Option<Goals>,
    /// When updates are due where the policy learns from its own steps alone.
    rollouts: Option<Rollouts>,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    /// What the policy keeps beside a step.
    kept: Vec<f64>,
    /// What a person should know of how goals are paid.
    note: String,
}

/// Builds the agent that learns from what its own steps paid, whoever chose them.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    Ok(around(experienced(resolved, context)?, Updates::new(&resolved.agent)?, context))
}

/// Builds the agent that learns from what recorded episodes paid, and has no steps of its own to learn from.
pub(crate) fn build_recorded(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    Ok(around(experienced(resolved, context)?, Updates::none(), context))
}

fn experienced(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn LearnedPolicy>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy_context = policy_context(context.observation_space.flat_dim(), resolved, context)?;
    let policy = chosen.said(entry.build.experienced(entry.name, &policy_context, &chosen.settings))?;
    refuse_rollouts(chosen, policy.as_ref())?;
    Ok(policy)
}

/// Builds the agent whose policy learns from the steps that it chose itself.
pub(crate) fn build_on_policy(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    Ok(around(on_policy(resolved, context)?, Updates::none(), context))
}

/// The policy that resolved settings name, which learns from its own steps alone.
pub(crate) fn on_policy(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn LearnedPolicy>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy_context = policy_context(context.observation_space.flat_dim(), resolved, context)?;
    let policy = chosen.said(entry.build.experienced(entry.name, &policy_context, &chosen.settings))?;
    if policy.rollout().is_none() {
        let what = "learning from rollouts: choose an algorithm whose policy learns from any transitions, such as sac";
        return Err(chosen.cannot(what));
    }
    Ok(policy)
}

/// Builds the agent that pursues goals, by what steps towards others would have paid.
pub(crate) fn build_pursuing(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let discount = resolved.agent.float("discount", 0.0, 1.0)?;
    pursuing(resolved, context, (Kind::Pays, discount), |entry, told, settings| {
        entry.build.experienced(entry.name, told, settings)
    })
}

/// The same with a countdown, at whose end alone it counts how near the goal is.
pub(crate) fn build_counting_down(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    pursuing(resolved, context, (Kind::CountsDown, 1.0), |entry, told, settings| {
        entry.build.experienced(entry.name, told, settings)
    })
}

/// Builds the agent that pursues goals by doing what was done on the way to them.
pub(crate) fn build_pursuing_by_imitation(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    pursuing(resolved, context, (Kind::Shows, 1.0), |entry, told, settings| {
        entry.build.imitating(entry.name, told, settings)
    })
}

fn pursuing(
    resolved: &Resolved,
    context: &AgentContext,
    (kind, discount): (Kind, f64),
    build: impl FnOnce(&Entry<Build>, &PolicyContext, &Settings) -> Result<Box<dyn LearnedPolicy>>,
) -> Result<Box<dyn Agent>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let goals = Goals::new(kind, &resolved.algorithm, &resolved.agent, context)?;
    let told = PolicyContext {
        inputs: context.observation_space.flat_dim() + goals.more(),
        action_space: context.action_space.clone(),
        discount,
        seed: context.seed,
    };
    let policy = chosen.said(build(entry, &told, &chosen.settings))?;
    refuse_rollouts(chosen, policy.as_ref())?;
    goals.check(chosen, policy.as_ref())?;
    let deciding = Deciding::told_more(context, goals.more());
    let agent = PolicyAgent { deciding, goals: Some(goals), ..new(policy, Updates::new(&resolved.agent)?, context) };
    Ok(Box::new(agent))
}

/// Refuses a policy that learns from its own steps alone where it would be given others.
pub(crate) fn refuse_rollouts(chosen: &Part, policy: &dyn LearnedPolicy) -> Result<()> {
    if policy.rollout().is_none() {
        return Ok(());
    }
    let what =
        "learning from steps that others chose: choose an algorithm whose policy learns from rollouts, such as ppo";
    Err(chosen.cannot(what))
}

/// Builds the agent that does what recorded episodes did, which has no steps of its own to learn from.
pub(crate) fn build_imitating(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy_context = PolicyContext {
        inputs: context.observation_space.flat_dim(),
        action_space: context.action_space.clone(),
        discount: 1.0,
        seed: context.seed,
    };
    let policy = chosen.said(entry.build.imitating(entry.name, &policy_context, &chosen.settings))?;
    Ok(around(policy, Updates::none(), context))
}

fn around(policy: Box<dyn LearnedPolicy>, updates: Updates, context: &AgentContext) -> Box<dyn Agent> {
    Box::new(new(policy, updates, context))
}

fn new(policy: Box<dyn LearnedPolicy>, updates: Updates, context: &AgentContext) -> PolicyAgent {
    let seed = Key::new(context.seed);
    let kept = policy.columns().iter().map(|column| column.width).sum();
    PolicyAgent {
        goals: None,
        rollouts: policy.rollout().map(Rollouts::new),
        kept: vec![0.0; kept],
        note: String::new(),
        policy,
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        updates,
        update_rng: seed.fold(1).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
    }
}

/// What a policy that sees so many numbers is told of the task.
pub(crate) fn policy_context(inputs: usize, resolved: &Resolved, context: &AgentContext) -> Result<PolicyContext> {
    Ok(PolicyContext {
        inputs,
        action_space: context.action_space.clone(),
        discount: resolved.agent.float("discount", 0.0, 1.0)?,
        seed: context.seed,
    })
}

/// The mode of a decision.
pub(crate) fn mode(explore: bool) -> Mode {
    if explore { Mode::Explore } else { Mode::Exploit }
}

impl PolicyAgent {
    fn update(&mut self, experience: &dyn Experience, episode_ended: bool) -> Result<Metrics> {
        let hindsight = self.goals.as_ref().map(|goals| goals.over(experience));
        let experience = hindsight.as_ref().map_or(experience, |hindsight| hindsight);
        let said = self.policy.update(experience, &mut self.update_rng, &self.interrupt)?;
        let said = self.updates.count(said, episode_ended);
        self.look();
        Ok(said)
    }

    /// Notes what the updates so far have seen of the goals.
    fn look(&mut self) {
        if let Some(goals) = &self.goals {
            self.note = goals.note();
        }
    }
}

impl Agent for PolicyAgent {
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
        let goals = &mut self.goals;
        let action = self.deciding.act_told(
            self.policy.as_mut(),
            observation,
            mode(explore),
            rng,
            |policy, seen| match goals {
                Some(goals) => goals.plan(policy, seen),
                None => Ok(()),
            },
        )?;
        self.policy.keep(0, &mut self.kept);
        Ok(action)
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        if let Some(rollouts) = &mut self.rollouts {
            let Some(from) = rollouts.due(experience) else { return Ok(Metrics::new()) };
            return self.update(&Newest { all: experience, from }, true);
        }
        let (policy, rng, interrupt) = (&mut self.policy, &mut self.update_rng, &self.interrupt);
        let hindsight = self.goals.as_ref().map(|goals| goals.over(experience));
        let told = hindsight.as_ref().map_or(experience, |hindsight| hindsight);
        let said = self.updates.make(experience, || policy.update(told, rng, interrupt))?;
        self.look();
        Ok(said)
    }

    fn note(&self) -> &str {
        &self.note
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.update(experience, false)
    }

    fn columns(&self) -> Vec<StepColumn> {
        self.policy.columns()
    }

    fn kept(&self) -> &[f64] {
        &self.kept
    }

    fn is_ready(&self) -> bool {
        self.updates.made() > 0 || self.rollouts.is_some()
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.weights());
        self.updates.put_made(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.policy.restore_weights(&weights.part("policy"))?;
        self.updates.take_made(weights)
    }
}

impl Persist for PolicyAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.save());
        self.updates.save(&mut state);
        if let Some(rollouts) = &self.rollouts {
            rollouts.save(&mut state);
        }
        if let Some(goals) = &self.goals {
            goals.save(&mut state);
        }
        state.put("update_rng", self.update_rng.save());
        places::put(&mut state, &self.explore_rngs, |rng| {
            let mut kept = State::new();
            kept.put("explore_rng", rng.save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        if let Some(rollouts) = &mut self.rollouts {
            rollouts.restore(state)?;
        }
        if let Some(goals) = &mut self.goals {
            goals.restore(state)?;
        }
        self.look();
        self.update_rng.restore(state, "update_rng")?;
        let mut rngs = self.explore_rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "explore_rng"))
    }
}
