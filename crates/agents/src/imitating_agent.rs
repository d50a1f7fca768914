//! The agent whose policy learns what a planner would have done: to act without it, or to lead it.
//!
//! DAgger (Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning", AISTATS 2011): a clone of an
//! expert's episodes has never seen where its own errors lead, so that what it loses grows with the square of the horizon; asked at the states that the
//! policy visits, the same expert teaches it to come back, and the loss grows with the horizon alone. The expert is a planner, so that it never tires, and
//! what is learned acts at the cost of one pass of a network.
//!
//! BMPC (Wang, Zhang, Xie, Wang and Wang, "Bootstrapped Model Predictive Control", ICLR 2025): the planner acts, its plans begin from what the policy proposes and end in learned values, and the
//! policy is told by maximum likelihood what was planned, not by derivatives of a value that errs the most where nobody has been. Plans of stored steps are made again a few at a time
//! (see [`refreshing`](crate::refreshing)), `planner.policy_distance` prices what leaves the policy's distribution, and where values are not in doubt the policy acts in the planner's stead
//! (see [`doubting`](crate::doubting)).
//!
//! Guided policy search is the first of these with a planner that pays for leaving the policy (see [`tether`](crate::tether)).
//!
//! Unlike the papers: the policy is updated at every step rather than trained anew between rounds, and the share of steps that are DAgger's expert's own is the
//! same in all of them, zero by default. Where the expert's model is learned, what it advised by earlier models is learned from as well. Values are told by returns of several real steps,
//! and the likelihood is that of the action that was planned rather than of the planner's distribution.

use worldwright_core::{
    Action, Agent, Array, Error, Experience, Interrupt, Key, LearnedModel, Metrics, Mode, Observation, Parameter,
    Persist, Plan, Policy, Result, Rng, Setting, Settings, Space, State, StepColumn, WorldModel, find,
};
use worldwright_policies::{LearnedPolicy, PolicyContext};

use crate::deciding::Deciding;
use crate::doubting::Doubting;
use crate::guided::Lead;
use crate::labelled::{LABEL, Labelled};
use crate::model_based::{ModelBasedAgent, build_model};
use crate::places::{self, at};
use crate::planning_settings::{CLOSED, LEARNING};
use crate::policy_agent::mode;
use crate::refreshing::Refreshing;
use crate::tether::Tether;
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// What plans made again are saved as.
const REFRESHING: &str = "refreshing";

/// A policy that imitates a planner, and the planner.
pub(crate) struct ImitatingAgent {
    /// The algorithm's name.
    name: String,
    expert: ModelBasedAgent,
    policy: Box<dyn LearnedPolicy>,
    updates: Updates,
    /// Steps that the expert acts before the policy does.
    initial_steps: u64,
    /// Steps that were taken in when it last learned.
    taken: u64,
    turns: Turns,
    refreshing: Option<Refreshing>,
    observation_space: Space,
    action_space: Space,
    deciding: Deciding,
    interrupt: Interrupt,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    label: Vec<f64>,
    flat: Vec<f64>,
}

/// Who acts.
enum Turns {
    /// The policy, to which the planner says at each step of learning what it would do; the planner itself with this chance.
    Taught(f64),
    /// The planner, led by the policy, where values are in doubt; else the policy.
    Led(Doubting),
}

/// Builds the agent whose policy acts.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let expert =
        ModelBasedAgent::around(memoryless(resolved, context)?, false, &planning(resolved, LEARNING)?, context)?;
    let turns = Turns::Taught(resolved.agent.float("expert_share", 0.0, 1.0)?);
    assemble(expert, (turns, None), resolved, context)
}

/// Builds the agent whose policy acts, and whose planner keeps near it.
pub(crate) fn build_tethered(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let model = memoryless(resolved, context)?;
    let tether = Tether::read(&resolved.agent, model.spec())?;
    let expert = ModelBasedAgent::around(model, false, &planning(resolved, LEARNING)?, context)?.tethered(tether);
    let turns = Turns::Taught(resolved.agent.float("expert_share", 0.0, 1.0)?);
    assemble(expert, (turns, None), resolved, context)
}

/// Builds the agent whose planner acts, led by the policy.
pub(crate) fn build_led(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let expert = ModelBasedAgent::led(memoryless(resolved, context)?, &planning(resolved, CLOSED)?, context)?;
    let settings = &resolved.agent;
    let turns = Turns::Led(Doubting::new(settings.float("planned_share", 0.0, 1.0)?));
    let (first, per_step) =
        (settings.count("initial_steps", 0)? as u64, settings.float("refreshed_per_step", 0.0, 100.0)?);
    let (inputs, key) = (context.observation_space.flat_dim(), Key::new(context.seed).fold(9));
    assemble(expert, (turns, Some(Refreshing::new(first, per_step, inputs, key))), resolved, context)
}

fn memoryless(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn LearnedModel>> {
    let model = build_model(resolved, context)?;
    if model.spec().capabilities.memory {
        let what = "teaching a policy that sees one observation: its plans depend on all that was seen before";
        return Err(resolved.role("model")?.cannot(what));
    }
    if !model.spec().capabilities.decode {
        let what = "showing a policy what it would see: it is no model of what is observed";
        return Err(resolved.role("model")?.cannot(what));
    }
    Ok(model)
}

fn assemble(
    expert: ModelBasedAgent,
    (turns, refreshing): (Turns, Option<Refreshing>),
    resolved: &Resolved,
    context: &AgentContext,
) -> Result<Box<dyn Agent>> {
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy_context =
        PolicyContext { inputs: o, action_space: context.action_space.clone(), discount: 1.0, seed: context.seed };
    let policy = chosen.said(entry.build.imitating(entry.name, &policy_context, &chosen.settings))?;
    if matches!(turns, Turns::Led(_)) && !policy.proposes() {
        return Err(chosen.cannot("leading plans: it does not tell how its actions spread"));
    }
    let (settings, seed) = (&resolved.agent, Key::new(context.seed));
    Ok(Box::new(ImitatingAgent {
        name: resolved.algorithm.clone(),
        expert,
        policy,
        updates: Updates::new(settings)?,
        initial_steps: settings.count("initial_steps", 0)? as u64,
        taken: 0,
        turns,
        refreshing,
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(8).rng(); context.places],
        label: vec![f64::NAN; a],
        flat: vec![0.0; o],
    }))
}

/// The expert, which has no policy of its own: what is set of an agent that plans, and the defaults of its other settings.
fn planning(resolved: &Resolved, parameters: &'static [Parameter]) -> Result<Resolved> {
    let known = |(key, _): &(&str, &Setting)| parameters.iter().any(|parameter| parameter.name == *key);
    let set = resolved.agent.iter().filter(known).map(|(key, setting)| (key.to_owned(), setting.clone()));
    let agent = Settings::resolve(&resolved.algorithm, parameters, &set.collect())?;
    let mut roles = resolved.roles.clone();
    roles.remove("policy");
    Ok(Resolved { agent, roles, ..resolved.clone() })
}

/// The policy as it leads plans, once it has learned something.
fn lead<'a>(policy: &'a mut Box<dyn LearnedPolicy>, updates: &Updates) -> Lead<'a> {
    (updates.made() > 0).then(|| policy.as_mut() as &mut (dyn Policy + 'static))
}

impl ImitatingAgent {
    /// Whether the expert still acts: at first, and until there is a policy.
    fn begins(&self) -> bool {
        self.taken < self.initial_steps || self.updates.made() == 0
    }

    /// What the policy does.
    fn imitate(&mut self, place: usize, observation: &Observation, mode: Mode) -> Result<Action> {
        let rng = at(&mut self.explore_rngs, place)?;
        self.deciding.act(self.policy.as_mut(), observation, mode, rng)
    }

    /// What the expert does, kept as the label of the step where it has a plan.
    fn planned(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        let advised = self.expert.is_ready();
        let lead = lead(&mut self.policy, &self.updates);
        let advice = self.expert.decide(place, observation, explore, lead)?;
        self.label.fill(f64::NAN);
        if advised {
            self.action_space.flatten(&advice, &mut self.label)?;
            // Evaluation between training episodes must leave nothing behind.
            if explore && self.updates.made() > 0 && self.policy.proposes() {
                let seen = self.deciding.see(observation)?;
                self.expert.settle(self.policy.as_mut(), seen, &self.label)?;
            }
        }
        Ok(advice)
    }

    /// The policy's turn or the expert's.
    fn taught(&mut self, place: usize, observation: &Observation, explore: bool, share: f64) -> Result<Action> {
        if !explore && self.updates.made() > 0 {
            // Evaluation is of the policy, which costs no plan.
            return self.imitate(place, observation, Mode::Exploit);
        }
        let advice = self.planned(place, observation, explore)?;
        if !explore || self.begins() || at(&mut self.explore_rngs, place)?.uniform() < share {
            return Ok(advice);
        }
        // The policy's likeliest action, since it is to be judged by where that leads.
        self.imitate(place, observation, Mode::Exploit)
    }

    /// The expert's turn where it is in doubt, else the policy's.
    fn led(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        let (Turns::Led(doubting), begun) = (&mut self.turns, self.updates.made() > 0) else {
            return self.planned(place, observation, explore);
        };
        let mut doubt = None;
        if begun && doubting.asks() {
            self.observation_space.flatten(observation, &mut self.flat)?;
            doubt = self.expert.doubt(&self.flat)?;
        }
        let plans = !begun || doubting.plans(doubt.unwrap_or(f64::INFINITY));
        // Evaluation between training episodes must leave nothing behind.
        if explore && begun {
            doubting.count(doubt, plans);
        }
        if plans {
            return self.planned(place, observation, explore);
        }
        self.expert.pass_over(place)?;
        self.label.fill(f64::NAN);
        self.imitate(place, observation, mode(explore))
    }

    /// One update of the policy.
    fn learn_once(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let labelled = Labelled { all: experience, since: self.refreshing.as_ref().map(Refreshing::advice) };
        let said = self.policy.update(&labelled, &mut self.update_rng, &self.interrupt)?;
        Ok(self.updates.count(said, false))
    }

    /// Plans stored steps again: so many, or as many as are due.
    fn refresh(&mut self, experience: &dyn Experience, plans: Option<u64>) -> Result<()> {
        let Some(refreshing) = &mut self.refreshing else { return Ok(()) };
        let plans = plans.unwrap_or_else(|| refreshing.due(experience));
        let (expert, policy, updates) = (&mut self.expert, &mut self.policy, &self.updates);
        let (seen, done) = (&self.observation_space, &self.action_space);
        refreshing.refresh((experience, plans), |flat, key| {
            let advice = expert.advise(&seen.unflatten(flat)?, key, lead(policy, updates))?;
            let mut action = vec![0.0; done.flat_dim()];
            done.flatten(advice, &mut action)?;
            Ok(action)
        })
    }
}

impl Agent for ImitatingAgent {
    fn places(&self) -> usize {
        self.explore_rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.expert.begin_episode(place, observation, seed)?;
        *at(&mut self.explore_rngs, place)? = Key::new(seed).fold(8).rng();
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        match self.turns {
            Turns::Taught(share) => self.taught(place, observation, explore, share),
            Turns::Led(_) => self.led(place, observation, explore),
        }
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let advised = self.expert.is_ready();
        let mut told = self.expert.learn(experience)?;
        self.taken = experience.taken();
        if !advised {
            return Ok(told);
        }
        self.refresh(experience, None)?;
        let labelled = Labelled { all: experience, since: self.refreshing.as_ref().map(Refreshing::advice) };
        let (policy, rng, interrupt) = (&mut self.policy, &mut self.update_rng, &self.interrupt);
        let said = self.updates.make(experience, || policy.update(&labelled, rng, interrupt))?;
        if let Turns::Led(doubting) = &mut self.turns
            && !said.is_empty()
        {
            told.extend(doubting.tell());
        }
        told.extend(said);
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        if self.refreshing.is_some() {
            // Nobody has planned what was recorded: it is planned here, a step an update.
            let mut told = self.expert.study(experience)?;
            self.refresh(experience, Some(1))?;
            told.extend(self.learn_once(experience)?);
            return Ok(told);
        }
        if !experience.columns().iter().any(|column| column.name == LABEL) {
            let what = "learning from steps that its planner said nothing of: choose bc, which does what was done";
            return Err(Error::unsupported(self.name.clone(), what));
        }
        self.learn_once(experience)
    }

    fn columns(&self) -> Vec<StepColumn> {
        vec![StepColumn { name: LABEL.into(), width: self.label.len() }]
    }

    fn kept(&self) -> &[f64] {
        &self.label
    }

    fn is_ready(&self) -> bool {
        self.updates.made() > 0 || self.expert.is_ready()
    }

    fn is_timed(&self) -> bool {
        self.expert.is_timed()
    }

    fn world_model(&self) -> Option<&dyn WorldModel> {
        self.expert.world_model()
    }

    fn note(&self) -> &str {
        self.expert.note()
    }

    fn plan(&mut self, observation: &Observation) -> Result<Plan> {
        let lead = lead(&mut self.policy, &self.updates);
        self.expert.plan_led(observation, lead)
    }

    fn weights(&self) -> State {
        let mut state = self.expert.weights();
        state.put_all("policy", self.policy.weights());
        self.updates.put_made(&mut state);
        if let Turns::Led(doubting) = &self.turns {
            doubting.save(&mut state);
        }
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.expert.restore_weights(weights)?;
        self.policy.restore_weights(&weights.part("policy"))?;
        if let Turns::Led(doubting) = &mut self.turns {
            doubting.restore(weights)?;
        }
        self.updates.take_made(weights)
    }
}

impl Persist for ImitatingAgent {
    /// What the expert saves, with its own beside.
    fn save(&self) -> State {
        let mut state = self.expert.save();
        state.put_all("policy", self.policy.save());
        self.updates.save(&mut state);
        if let Turns::Led(doubting) = &self.turns {
            doubting.save(&mut state);
        }
        if let Some(refreshing) = &self.refreshing {
            state.put_all(REFRESHING, refreshing.save());
        }
        state.put("taken", Array::U64(vec![self.taken]));
        state.put("update_rng", self.update_rng.save());
        places::put(&mut state, &self.explore_rngs, |rng| {
            let mut kept = State::new();
            kept.put("policy_rng", rng.save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.expert.restore(state)?;
        self.policy.restore(&state.part("policy"))?;
        self.updates.restore(state)?;
        if let Turns::Led(doubting) = &mut self.turns {
            doubting.restore(state)?;
        }
        if let Some(refreshing) = &mut self.refreshing {
            refreshing.restore(self.label.len(), &state.part(REFRESHING))?;
        }
        self.taken = state.u64s("taken", 1)?[0];
        self.update_rng.restore(state, "update_rng")?;
        let mut rngs = self.explore_rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "policy_rng"))
    }
}
