//! The agent whose policy learns from real transitions and from those that a fitted model imagines, and acts.
//!
//! With an ensemble and soft actor-critic this is MBPO (Janner, Fu, Zhang and Levine, "When to Trust Your Model: Model-Based Policy Optimization",
//! NeurIPS 2019, algorithm 2): the Dyna architecture (Sutton, 1990) with networks. With a planner besides, that acts guided by the policy (see
//! [`guided`](crate::guided)), it is after LOOP. Where a second policy explores, it is paid by the disagreement of the ensemble (Shyam, Jaśkowski and Gomez,
//! "Model-Based Active Exploration", ICML 2019).
//!
//! Where critics learn from targets that look some steps ahead in the model (see [`expanding`](crate::expanding)), it is STEVE (Buckman, Hafner, Tucker, Brevdo and Lee, NeurIPS 2018), and where
//! the transitions that have such targets are themselves the model's, from branches that are long, it has the two horizons of DHMBPO (Kubo, Chanpaisit and Hiraoka, 2025).
//!
//! Where it learns from recorded episodes alone, it is paid less for what its model does not know (see [`caution`](crate::caution)).
//!
//! Unlike the papers: what is imagined is not kept from one step to the next; targets add up several imagined rewards, which are the policy's own; value and
//! policy of the plan are learned from imagined transitions as well as real ones, and nothing holds the plan near the policy.

use worldwright_core::{
    Action, Agent, Array, Budget, Call, Dataset, Error, Experience, Interrupt, Key, Metrics, Observation, Persist,
    Plan, PlanReport, Planner, Result, Rng, State, WorldModel, cost, find,
};
use worldwright_planners::PlannerContext;
use worldwright_policies::LearnedPolicy;

use crate::caution::{Caution, Kind};
use crate::deciding::Deciding;
use crate::dreaming::{self, Dreaming, Growth, Pay};
use crate::expanding::Expanding;
use crate::fitted::Fitted;
use crate::fitting::Fitting;
use crate::guided::{Asking, Guided};
use crate::interest::Interest;
use crate::mixture::Mixture;
use crate::model_based::build_model;
use crate::places::{self, at};
use crate::policy_agent::{mode, policy_context, refuse_rollouts};
use crate::tally::Tally;
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// Updates that learn from the same imagined transitions at most.
const UPDATES_A_DREAM: u64 = 20;

/// Acts by a policy that learns from what it experienced and from what its model imagines.
pub(crate) struct DynaAgent {
    fitted: Fitted,
    policy: Box<dyn LearnedPolicy>,
    /// Another of its kind, which is paid by what the model does not know; none where nobody is curious.
    explorer: Option<Box<dyn LearnedPolicy>>,
    interest: Interest,
    updates: Updates,
    /// None where nothing but what was experienced is learned from.
    dreaming: Option<Dreaming>,
    /// What makes targets that look ahead; none where critics learn from single steps as they are.
    expanding: Option<Expanding>,
    /// How far it trusts what is imagined; none where what it does will tell.
    caution: Option<Caution>,
    /// What is learned from in the next updates on recorded episodes, and how many of these are left.
    dreamt: (Dataset, u64),
    /// Share of a batch that is imagined.
    share: f64,
    /// What acts, guided by the policy, at each place; none where the policy itself does.
    planners: Vec<Box<dyn Planner>>,
    tally: Tally,
    asking: Asking,
    discount: f64,
    deciding: Deciding,
    interrupt: Interrupt,
    update_rng: Rng,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    // Room for a decision of a planner.
    action: Action,
}

/// When an agent learns, and from what.
struct Schedule {
    fitting: Fitting,
    updates: Updates,
    interest: Interest,
    curious: bool,
    caution: Option<Caution>,
    imagines: Imagines,
}

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Imagines {
    /// Transitions.
    Branches,
    /// Targets of what was experienced.
    Targets,
    /// Transitions, and targets of these.
    Both,
}

/// Builds the agent that acts and learns from what it does.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let schedule = Schedule {
        fitting: Fitting::new(settings, [o, a], false, fitting_key(context))?.within_episodes(),
        updates: Updates::new(settings)?,
        interest: Interest::new(settings.count("initial_steps", 0)? as u64, a),
        curious: settings.bool("curious")?,
        caution: None,
        imagines: Imagines::Branches,
    };
    assemble(resolved, context, schedule)
}

/// Builds the agent whose critics learn from targets that look ahead, of what it did.
pub(crate) fn build_expanding(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    assemble(resolved, context, expanding(resolved, context, Imagines::Targets)?)
}

/// Builds the same, which imagines far what it does itself.
pub(crate) fn build_double(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    assemble(resolved, context, expanding(resolved, context, Imagines::Both)?)
}

fn expanding(resolved: &Resolved, context: &AgentContext, imagines: Imagines) -> Result<Schedule> {
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    Ok(Schedule {
        fitting: Fitting::new(settings, [o, a], false, fitting_key(context))?.within_episodes(),
        updates: Updates::new(settings)?,
        interest: Interest::new(settings.count("initial_steps", 0)? as u64, a),
        curious: false,
        caution: None,
        imagines,
    })
}

/// Builds the agent that learns from recorded episodes alone, and is cautious of what it imagines.
pub(crate) fn build_cautious(resolved: &Resolved, context: &AgentContext, kind: Kind) -> Result<Box<dyn Agent>> {
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let schedule = Schedule {
        fitting: Fitting::of_recorded([o, a], fitting_key(context)),
        updates: Updates::none(),
        interest: Interest::new(0, a),
        curious: false,
        caution: Some(Caution::new(kind, &resolved.agent)?),
        imagines: Imagines::Branches,
    };
    assemble(resolved, context, schedule)
}

fn fitting_key(context: &AgentContext) -> Key {
    Key::new(context.seed).fold(1)
}

fn assemble(resolved: &Resolved, context: &AgentContext, schedule: Schedule) -> Result<Box<dyn Agent>> {
    let Schedule { fitting, updates, interest, curious, caution, imagines } = schedule;
    let model = build_model(resolved, context)?;
    let capabilities = model.spec().capabilities;
    if capabilities.memory || !capabilities.decode {
        let what = "imagining transitions: it is no model of what is observed";
        return Err(Error::unsupported(model.spec().name.clone(), what));
    }
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let mut told = policy_context(o, resolved, context)?;
    let build = |told: &_| entry.build.experienced(entry.name, told, &chosen.settings);
    let policy = cost::alike(("curious", 1 + usize::from(curious)), || build(&told))?;
    refuse_rollouts(entry.name, policy.as_ref())?;
    let seed = Key::new(context.seed);
    told.seed = seed.fold(7).to_seed();
    let explorer = curious.then(|| build(&told)).transpose()?;
    if caution.as_ref().is_some_and(Caution::asks_values) && !policy.judges() {
        let what = "telling values, which caution asks it for: choose a policy with a critic, such as sac";
        return Err(Error::unsupported(chosen.name.clone(), what));
    }
    let dreaming = match imagines {
        Imagines::Targets => None,
        // Branches of recorded episodes alone have no steps of one's own to grow with.
        _ if caution.is_some() => Some(Dreaming::new(settings, Growth::none(), o, a)?),
        _ => Some(Dreaming::new(settings, Growth::read(settings)?, o, a)?),
    };
    let share = if dreaming.is_some() { settings.float("imagined_share", 0.0, 1.0)? } else { 0.0 };
    let lanes = model.spec().members;
    let expanding = (imagines != Imagines::Branches)
        .then(|| Expanding::read(settings, lanes, (entry.name, &*policy)))
        .transpose()?;
    let asking = Asking::new(model.spec(), (policy.judges(), policy.judges()));
    let mut planners = Vec::new();
    if let Some(chosen) = resolved.roles.get("planner") {
        let entry = find(worldwright_planners::ALL, "planner", &chosen.name)?;
        let planner_context = PlannerContext::for_model(asking.spec(), context.seed);
        for _ in 0..context.places {
            let build = || (entry.build)(&planner_context, &chosen.settings);
            let planner = cost::alike(("environment.count", context.places), build)?;
            planner.check(asking.spec())?;
            planners.push(planner);
        }
    }
    let imagined = [dreaming.as_ref().map(Dreaming::rows), expanding.as_ref().map(Expanding::rows)];
    let planned = planners.iter().map(|planner| planner.rows());
    let rows = planned.chain(imagined.into_iter().flatten()).max().unwrap_or(0);
    cost::arena(model.spec(), rows, "rows that it imagines")?;
    Ok(Box::new(DynaAgent {
        fitted: Fitted::new(model, rows, fitting),
        planners,
        tally: Tally::default(),
        asking,
        action: context.action_space.sample(&mut seed.fold(4).rng()),
        policy,
        explorer,
        interest,
        updates,
        dreaming,
        expanding,
        caution,
        dreamt: (Dataset::new(o, a), 0),
        share,
        discount: settings.float("discount", 0.0, 1.0)?,
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
    }))
}

impl DynaAgent {
    fn fit(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = self.fitted.fit(experience, self.explore_rngs.len(), &self.interrupt)?;
        if let Some(caution) = &mut self.caution {
            let (world, fitting) = self.fitted.parts()?;
            let recorded = fitting.dataset();
            let steps = world.with_dependent_mut(|_, arena| caution.measure(arena.as_mut(), recorded))?;
            self.interrupt.count(Call::ModelStep, steps);
        }
        if self.explores() {
            let note = &mut self.fitted.fitting.note;
            note.push_str("; reward tells nothing yet, so that it explores what its model does not know");
        }
        if !self.planners.is_empty() {
            told.extend(self.tally.tell());
        }
        Ok(told)
    }

    /// Imagines what the policy would meet, or the explorer with its own pay.
    fn dream(&mut self, experience: &dyn Experience, who: Who) -> Result<Dataset> {
        let (discount, rng) = (self.discount, &mut self.update_rng);
        let Some(dreaming) = &mut self.dreaming else {
            return Ok(Dataset::new(experience.observation_dim(), experience.action_dim()));
        };
        let (policy, pay) = match (who, &mut self.explorer) {
            (Who::Explorer, Some(explorer)) => (explorer.as_mut(), Pay::Epistemic),
            _ => (self.policy.as_mut(), self.caution.map_or(Pay::Reward, Pay::Cautious)),
        };
        let world = self.fitted.world()?;
        let dreamt = world
            .with_dependent_mut(|_, arena| dreaming.dream(arena.as_mut(), policy, experience, pay, discount, rng))?;
        self.interrupt.count(Call::ModelStep, dreamt.len() as u64);
        Ok(dreamt)
    }

    /// What the policy learns from besides what it did, or in place of that: transitions as they are imagined, or with targets that look ahead.
    fn lesson(&mut self, experience: &dyn Experience) -> Result<Dataset> {
        let dreamt = self.dream(experience, Who::Policy)?;
        let Some(expanding) = &mut self.expanding else { return Ok(dreamt) };
        let from = Mixture { real: experience, imagined: &dreamt, share: self.share, punishes: false };
        let (policy, discount, rng) = (self.policy.as_mut(), self.discount, &mut self.update_rng);
        let world = self.fitted.world()?;
        let told =
            world.with_dependent_mut(|_, arena| expanding.expand(arena.as_mut(), policy, &from, discount, rng))?;
        self.interrupt.count(Call::ModelStep, expanding.steps());
        Ok(told)
    }

    fn mixture<'a>(&self, real: &'a dyn Experience, imagined: &'a Dataset) -> Mixture<'a> {
        // What has targets in the place of rewards says nothing of how large rewards are, and nothing else is to be learned from.
        let expands = self.expanding.is_some();
        let share = if expands { 1.0 } else { self.share };
        Mixture { real, imagined, share, punishes: expands || self.caution.is_some() }
    }

    fn update(&mut self, mixture: &Mixture<'_>, episode_ended: bool) -> Result<Metrics> {
        let said = self.policy.update(mixture, &mut self.update_rng, &self.interrupt)?;
        Ok(self.updates.count(said, episode_ended))
    }

    /// Has the planner at a place improve its plan, guided by the policy, or where it explores by the explorer and for what that is paid.
    fn improve(&mut self, place: usize, observation: &Observation, explores: bool) -> Result<PlanReport> {
        let (asking, interrupt) = (&mut self.asking, &self.interrupt);
        let (policy, pay) = match &mut self.explorer {
            Some(explorer) if explores => (explorer.as_mut(), Pay::Epistemic),
            _ => (self.policy.as_mut(), Pay::Reward),
        };
        let planner = at(&mut self.planners, place)?;
        let budget = Budget { interrupt: interrupt.clone(), ..Budget::default() };
        // A model without memory reads no key where it observes.
        let key = Key::new(0);
        let world = self.fitted.world()?;
        let report = world.with_dependent_mut(|_, arena| {
            arena.explore(explores);
            arena.observe(0, None, observation, key)?;
            planner.improve(&mut Guided { arena: arena.as_mut(), policy, asking, pay }, 0, &budget)
        })?;
        // What was planned so far is of no use to a run that goes on from its last checkpoint.
        interrupt.check("planning")?;
        interrupt.count(Call::ModelStep, report.model_steps);
        Ok(report)
    }

    /// What the planner at a place does.
    fn planned(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        let explores = explore && self.explores();
        let report = self.improve(place, observation, explores)?;
        // Evaluation between training episodes must leave nothing behind.
        if explore {
            self.tally.count(&report);
        }
        let planner = at(&mut self.planners, place)?;
        planner.act(0, &mut self.action);
        planner.shift(1);
        Ok(self.action.clone())
    }

    /// Whether it acts by curiosity now.
    fn explores(&self) -> bool {
        self.explorer.is_some() && self.interest.is_lost()
    }

    /// Lets the explorer learn from what it imagines alone: nobody was paid for what the model did not know at the time.
    fn wonder(&mut self, experience: &dyn Experience, updates: u64) -> Result<()> {
        let imagined = self.dream(experience, Who::Explorer)?;
        if imagined.is_empty() {
            return Ok(());
        }
        let mixture = Mixture { real: experience, imagined: &imagined, share: 1.0, punishes: false };
        let Some(explorer) = &mut self.explorer else { return Ok(()) };
        for _ in 0..updates {
            explorer.update(&mixture, &mut self.update_rng, &self.interrupt)?;
        }
        Ok(())
    }
}

/// Which of an agent's policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Policy,
    Explorer,
}

impl Agent for DynaAgent {
    fn places(&self) -> usize {
        self.explore_rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.deciding.check(observation)?;
        let key = Key::new(seed);
        *at(&mut self.explore_rngs, place)? = key.fold(2).rng();
        if let Some(planner) = self.planners.get_mut(place) {
            planner.reset(key.fold(1).to_seed());
        }
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        let (is_ready, explores) = (self.is_ready(), explore && self.explores());
        let rng = at(&mut self.explore_rngs, place)?;
        if !is_ready {
            return Ok(self.deciding.random(rng));
        }
        if place < self.planners.len() {
            return self.planned(place, observation, explore);
        }
        let policy = match &mut self.explorer {
            Some(explorer) if explores => explorer,
            _ => &mut self.policy,
        };
        self.deciding.act(policy.as_mut(), observation, mode(explore), rng)
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if self.explorer.is_some() && experience.taken() >= self.updates.initial_steps() {
            self.interest.follow(experience);
        }
        if self.fitted.fitting.is_due(experience, self.explore_rngs.len()) {
            told.extend(self.fit(experience)?);
        }
        let due = self.updates.due(experience.taken());
        if due == 0 || !self.fitted.is_fitted() {
            return Ok(told);
        }
        let (mut left, mut latest) = (due, Metrics::new());
        while left > 0 {
            let now = left.min(UPDATES_A_DREAM);
            left -= now;
            if self.explores() {
                self.wonder(experience, now)?;
            }
            let imagined = self.lesson(experience)?;
            self.interest.expects(&imagined);
            let mixture = self.mixture(experience, &imagined);
            for update in 1..=now {
                let said = self.update(&mixture, left == 0 && update == now && !experience.is_open())?;
                // A row has room for one of each number: where many updates are made at once, for the last means.
                latest = if said.is_empty() { latest } else { said };
            }
        }
        told.extend(latest);
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if !self.fitted.is_up_to_date(experience) {
            told.extend(self.fit(experience)?);
            self.dreamt.1 = 0;
        }
        if self.dreamt.1 == 0 {
            self.dreamt = (self.lesson(experience)?, UPDATES_A_DREAM);
        }
        self.dreamt.1 -= 1;
        let imagined = std::mem::take(&mut self.dreamt.0);
        let said = self.update(&self.mixture(experience, &imagined), false);
        self.dreamt.0 = imagined;
        told.extend(said?);
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

    fn plan(&mut self, observation: &Observation) -> Result<Plan> {
        if self.planners.is_empty() {
            return Err(Error::unsupported("this agent", "planning: it acts by a policy"));
        }
        if !self.is_ready() {
            return Err(Error::NotFitted { who: "the agent's model".into() });
        }
        let report = self.improve(0, observation, false)?;
        let (planner, action) = (&self.planners[0], &mut self.action);
        let actions = (0..planner.horizon())
            .map(|t| {
                planner.act(t, action);
                action.clone()
            })
            .collect();
        Ok(Plan { actions, report })
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

impl Persist for DynaAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        self.fitted.save(&mut state);
        state.put_all("policy", self.policy.save());
        if let Some(explorer) = &self.explorer {
            state.put_all("explorer", explorer.save());
            self.interest.save(&mut state);
        }
        self.updates.save(&mut state);
        self.tally.save(&mut state);
        if let Some(caution) = &self.caution {
            caution.save(&mut state);
        }
        if self.dreamt.1 > 0 {
            state.put_all("dreamt", dreaming::save(&self.dreamt.0));
            state.put("dreamt.left", Array::U64(vec![self.dreamt.1]));
        }
        state.put("update_rng", self.update_rng.save());
        let places = self.explore_rngs.iter().enumerate();
        places::put(&mut state, &places.collect::<Vec<_>>(), |(place, rng)| {
            let mut kept = State::new();
            kept.put("explore_rng", rng.save());
            if let Some(planner) = self.planners.get(*place) {
                kept.put_all("planner", planner.save());
            }
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.fitted.restore(state)?;
        self.policy.restore(&state.part("policy"))?;
        if let Some(explorer) = &mut self.explorer {
            explorer.restore(&state.part("explorer"))?;
            self.interest.restore(state)?;
        }
        self.updates.restore(state)?;
        self.tally.restore(state)?;
        if let Some(caution) = &mut self.caution {
            caution.restore(state)?;
        }
        self.dreamt.1 = if state.contains("dreamt.left") { state.u64s("dreamt.left", 1)?[0] } else { 0 };
        if self.dreamt.1 > 0 {
            let dims = self.deciding.dims();
            self.dreamt.0 = dreaming::restore(dims, &state.part("dreamt"))?;
        }
        self.update_rng.restore(state, "update_rng")?;
        for (place, rng) in self.explore_rngs.iter_mut().enumerate() {
            let kept = places::part(state, place);
            rng.restore(&kept, "explore_rng")?;
            if let Some(planner) = self.planners.get_mut(place) {
                planner.restore(&kept.part("planner"))?;
            }
        }
        Ok(())
    }
}
