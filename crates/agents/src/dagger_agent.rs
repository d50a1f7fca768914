//! The agent that acts by a policy and has a planner say what it would have done: the policy learns that, where the policy itself goes.
//!
//! DAgger (Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning", AISTATS 2011): a clone of an
//! expert's episodes has never seen where its own errors lead, so that what it loses grows with the square of the horizon; asked at the states that the
//! policy visits, the same expert teaches it to come back, and the loss grows with the horizon alone. The expert is a planner, so that it never tires, and
//! what is learned acts at the cost of one pass of a network.
//!
//! Unlike the paper: the policy is updated at every step rather than trained anew between rounds, and the share of steps that are the expert's own is the
//! same in all of them, zero by default. Where the expert's model is learned, what it advised by earlier models is learned from as well.

use worldwright_core::{
    Action, Agent, Array, Error, Experience, Interrupt, Key, Metrics, Mode, Observation, Persist, Plan, Result, Rng,
    Setting, Settings, Space, State, StepColumn, WorldModel, find,
};
use worldwright_policies::{LearnedPolicy, PolicyContext};

use crate::deciding::Deciding;
use crate::labelled::{LABEL, Labelled};
use crate::model_based::{ModelBasedAgent, build_model};
use crate::places::{self, at};
use crate::recipes::LEARNING;
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// Acts by a policy that imitates a planner.
pub(crate) struct DaggerAgent {
    expert: ModelBasedAgent,
    policy: Box<dyn LearnedPolicy>,
    updates: Updates,
    /// Steps that the expert acts before the policy does.
    initial_steps: u64,
    /// Steps that were taken in when it last learned.
    taken: u64,
    /// The chance that a later step is the expert's.
    expert_share: f64,
    action_space: Space,
    deciding: Deciding,
    interrupt: Interrupt,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    label: Vec<f64>,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let model = build_model(resolved, context)?;
    if model.spec().capabilities.memory {
        let what = "teaching a policy that sees one observation: its plans depend on all that was seen before";
        return Err(Error::unsupported(model.spec().name.clone(), what));
    }
    let expert = ModelBasedAgent::around(model, false, &planning(resolved)?, context)?;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let policy_context =
        PolicyContext { inputs: o, action_space: context.action_space.clone(), discount: 1.0, seed: context.seed };
    let policy = entry.build.imitating(entry.name, &policy_context, &chosen.settings)?;
    let (settings, seed) = (&resolved.agent, Key::new(context.seed));
    Ok(Box::new(DaggerAgent {
        expert,
        policy,
        updates: Updates::new(settings)?,
        initial_steps: settings.count("initial_steps", 0)? as u64,
        taken: 0,
        expert_share: settings.float("expert_share", 0.0, 1.0)?,
        action_space: context.action_space.clone(),
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(8).rng(); context.places],
        label: vec![f64::NAN; a],
    }))
}

/// The expert, which has no policy: what is set of an agent that plans, and the defaults of its other settings.
fn planning(resolved: &Resolved) -> Result<Resolved> {
    let known = |(key, _): &(&str, &Setting)| LEARNING.iter().any(|parameter| parameter.name == *key);
    let set = resolved.agent.iter().filter(known).map(|(key, setting)| (key.to_owned(), setting.clone()));
    let agent = Settings::resolve(&resolved.algorithm, LEARNING, &set.collect())?;
    let mut roles = resolved.roles.clone();
    roles.remove("policy");
    Ok(Resolved { agent, roles, ..resolved.clone() })
}

impl DaggerAgent {
    /// Whether the expert still acts: at first, and until there is a policy.
    fn begins(&self) -> bool {
        self.taken < self.initial_steps || self.updates.made() == 0
    }

    /// What the policy does; its likeliest action, since it is to be judged by where that leads.
    fn imitate(&mut self, place: usize, observation: &Observation) -> Result<Action> {
        let rng = at(&mut self.explore_rngs, place)?;
        self.deciding.act(self.policy.as_mut(), observation, Mode::Exploit, rng)
    }
}

impl Agent for DaggerAgent {
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
        if !explore {
            // Evaluation is of the policy, which costs no plan.
            let taught = self.updates.made() > 0;
            return if taught {
                self.imitate(place, observation)
            } else {
                self.expert.act(place, observation, explore)
            };
        }
        let advised = self.expert.is_ready();
        let advice = self.expert.act(place, observation, explore)?;
        self.label.fill(f64::NAN);
        if advised {
            self.action_space.flatten(&advice, &mut self.label)?;
        }
        let follows = self.begins() || at(&mut self.explore_rngs, place)?.uniform() < self.expert_share;
        if follows { Ok(advice) } else { self.imitate(place, observation) }
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let advised = self.expert.is_ready();
        let mut told = self.expert.learn(experience)?;
        self.taken = experience.taken();
        if !advised {
            return Ok(told);
        }
        let (policy, rng, interrupt) = (&mut self.policy, &mut self.update_rng, &self.interrupt);
        told.extend(self.updates.make(experience, || policy.update(&Labelled(experience), rng, interrupt))?);
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        if !experience.columns().iter().any(|column| column.name == LABEL) {
            let what = "learning from steps that its planner said nothing of: choose bc, which does what was done";
            return Err(Error::unsupported("dagger", what));
        }
        let said = self.policy.update(&Labelled(experience), &mut self.update_rng, &self.interrupt)?;
        Ok(self.updates.count(said, false))
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
        self.expert.plan(observation)
    }

    fn weights(&self) -> State {
        let mut state = self.expert.weights();
        state.put_all("policy", self.policy.weights());
        self.updates.put_made(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.expert.restore_weights(weights)?;
        self.policy.restore_weights(&weights.part("policy"))?;
        self.updates.take_made(weights)
    }
}

impl Persist for DaggerAgent {
    /// What the expert saves, with its own beside.
    fn save(&self) -> State {
        let mut state = self.expert.save();
        state.put_all("policy", self.policy.save());
        self.updates.save(&mut state);
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
        self.taken = state.u64s("taken", 1)?[0];
        self.update_rng.restore(state, "update_rng")?;
        let mut rngs = self.explore_rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "policy_rng"))
    }
}
