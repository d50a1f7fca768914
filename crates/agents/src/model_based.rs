//! The agent that plans at every step through a world model, and fits the model to what it saw.
//!
//! With an ensemble and a sampling planner this is PETS (Chua et al., NeurIPS 2018, algorithm 1), with Gaussian processes
//! GP-MPC (Kamthe and Deisenroth, AISTATS 2018), with the known simulator plain model-predictive control; with values that its plans end in, POLO (Lowrey et al., ICLR 2019).

use std::time::Duration;

use worldwright_core::{
    Action, Agent, Array, Budget, Columns, Error, Experience, Key, LearnedModel, Metrics, Observation, Persist, Plan,
    Policy, Result, Space, State, WorldModel, cost, find,
};
use worldwright_planners::PlannerContext;

use crate::closing::Closing;
use crate::fitting::Fitting;
use crate::guided::Lead;
use crate::places::{self, at};
use crate::planned::{LearnedArena, PlanningPlace, RefilteredBelief, learned_arena, perturb};
use crate::tally::Tally;
use crate::tether::Tether;
use crate::{AgentContext, Resolved};

/// What its values are saved as.
const CLOSING: &str = "closing";

/// Plans through a model, and fits the model to all that was experienced when that is due.
pub struct ModelBasedAgent {
    world: Option<LearnedArena>,
    /// One at least.
    places: Vec<PlanningPlace>,
    /// What plans for others' sake, and keeps nothing.
    advising: Option<PlanningPlace>,
    /// Rows that a planner needs.
    planned: usize,
    fitting: Fitting,
    observation_space: Space,
    action_space: Space,
    budget: Budget,
    exploration_noise: f64,
    replan_every: usize,
    /// Whether its model is learned.
    fits: bool,
    /// What plans end in; none where they end in nothing.
    closing: Option<Closing>,
    /// What holds plans near a policy; none where nothing does.
    tether: Option<Tether>,
    // What persists beside the parts above.
    /// How far the actions of the last fit's data spread, which is where planners begin in what nothing bounds; empty before one.
    spread: Vec<f64>,
    tally: Tally,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let model = build_model(resolved, context)?;
    Ok(Box::new(ModelBasedAgent::around(model, false, resolved, context)?))
}

/// The model that resolved settings name, not yet fitted.
pub fn build_model(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn LearnedModel>> {
    let chosen = resolved.role("model")?;
    let entry = find(worldwright_models::ALL, "model", &chosen.name)?;
    let model_context = context.for_model(resolved.agent.float("discount", 0.0, 1.0)?);
    chosen.said(entry.build.learned(&model_context, &chosen.settings))
}

impl ModelBasedAgent {
    /// The agent around a model; a `fitted` one is planned in from the first decision on.
    ///
    /// # Errors
    /// What the planner says of its settings or of the model; [`Error::Config`] for settings of the agent out of range.
    pub fn around(
        model: Box<dyn LearnedModel>,
        fitted: bool,
        resolved: &Resolved,
        context: &AgentContext,
    ) -> Result<Self> {
        Self::assembled(model, fitted, false, resolved, context)
    }

    /// The agent around a model whose plans a policy leads, and which advises what to do elsewhere too.
    pub(crate) fn led(model: Box<dyn LearnedModel>, resolved: &Resolved, context: &AgentContext) -> Result<Self> {
        Self::assembled(model, false, true, resolved, context)
    }

    /// The same, whose plans are held near a policy.
    pub(crate) fn tethered(self, tether: Tether) -> Self {
        Self { tether: Some(tether), ..self }
    }

    fn assembled(
        model: Box<dyn LearnedModel>,
        fitted: bool,
        led: bool,
        resolved: &Resolved,
        context: &AgentContext,
    ) -> Result<Self> {
        let settings = &resolved.agent;
        let closing = Closing::new(model.spec(), led, resolved, context)?;
        let spec = closing.as_ref().map_or(model.spec(), Closing::spec).clone();
        let fits = model.learns();
        let chosen = resolved.role("planner")?;
        let planner_entry = find(worldwright_planners::ALL, "planner", &chosen.name)?;
        let planner_context = PlannerContext::for_model(&spec, context.seed);
        let seed = Key::new(context.seed);
        let action = context.action_space.sample(&mut seed.fold(4).rng());
        let mut places = Vec::new();
        let count = context.places.max(1);
        let planners = count + usize::from(led);
        for place in 0..planners {
            // Every place has a planner of its own.
            let build = || chosen.said((planner_entry.build)(&planner_context, &chosen.settings));
            let planner = cost::alike(("environment.count", planners), build)?;
            chosen.said(planner.check(&spec))?;
            let first = planner.rows() + place * RefilteredBelief::rows(spec.capabilities.memory);
            places.push(PlanningPlace {
                planner,
                explore_rng: seed.fold(2).rng(),
                decision_key: seed.fold(3),
                belief_key: seed.fold(5),
                decisions: 0,
                since_plan: 0,
                action: action.clone(),
                belief: RefilteredBelief::new(spec.capabilities.memory, first),
            });
        }
        let advising = if led { places.pop() } else { None };
        let (planned, horizon) = (places[0].planner.rows(), places[0].planner.horizon());
        let believed = count * RefilteredBelief::rows(spec.capabilities.memory);
        cost::arena(&spec, planned.saturating_add(believed), "rows that the planner imagines")?;
        let milliseconds = settings.float("decision_ms", 0.0, 1e9)?;
        let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
        let replan_every = settings.count("replan_every", 1)?;
        if replan_every > horizon {
            let why = format!("must not exceed the planner's horizon of {horizon}, got {replan_every}");
            return Err(Error::config("replan_every", why));
        }
        Ok(Self {
            world: Some(learned_arena(model, planned, places.len())),
            places,
            advising,
            planned,
            fitting: Fitting::new(settings, [o, a], fitted, seed.fold(1))?,
            budget: Budget {
                time: (milliseconds > 0.0).then(|| Duration::from_secs_f64(milliseconds / 1e3)),
                interrupt: context.interrupt.clone(),
                ..Budget::default()
            },
            exploration_noise: settings.float("exploration_noise", 0.0, 1e3)?,
            replan_every,
            fits,
            closing,
            tether: None,
            spread: Vec::new(),
            tally: Tally::default(),
            observation_space: context.observation_space.clone(),
            action_space: context.action_space.clone(),
        })
    }

    /// Its model, where no failed fit lost it.
    pub fn into_model(self) -> Option<Box<dyn LearnedModel>> {
        self.world.map(LearnedArena::into_owner)
    }

    /// Takes its model as fitted to so many transitions already.
    pub fn fitted_to(&mut self, transitions: u64) {
        self.fitting.fitted_at = transitions;
    }
}

impl ModelBasedAgent {
    /// An arena borrows its model, so a model that changed gets a new one, in which nothing is filtered yet.
    fn open(&mut self, model: Box<dyn LearnedModel>) {
        self.world = Some(learned_arena(model, self.planned, self.places.len()));
        self.places.iter_mut().for_each(|place| place.belief.filtered = 0);
    }

    /// Tells the planners of the spread.
    fn widen(&mut self) {
        if !self.spread.is_empty() {
            let all = self.places.iter_mut().chain(&mut self.advising);
            all.for_each(|place| place.planner.widen(&self.spread));
        }
    }

    /// What it does at a place, where a policy leads its plans.
    pub(crate) fn decide(
        &mut self,
        place: usize,
        observation: &Observation,
        explore: bool,
        lead: Lead<'_>,
    ) -> Result<Action> {
        self.budget.interrupt.check("acting")?;
        let (is_ready, place) = (self.is_ready(), at(&mut self.places, place)?);
        place.belief.see(observation);
        if !is_ready {
            place.action = self.action_space.sample(&mut place.explore_rng);
            place.belief.did(&place.action);
            return Ok(place.action.clone());
        }
        let world = self.world.as_mut().ok_or_else(lost)?;
        place.filter(world)?;
        if place.since_plan == self.replan_every {
            place.planner.shift(self.replan_every);
            place.since_plan = 0;
        }
        if place.since_plan == 0 {
            let report = place.improve(
                (world, self.closing.as_mut(), self.tether.as_mut(), lead),
                &self.budget,
                observation,
                explore,
            )?;
            // Evaluation between training episodes must leave nothing behind.
            if explore {
                self.tally.count(&report);
            }
        }
        place.planner.act(place.since_plan, &mut place.action);
        place.since_plan += 1;
        if explore && self.exploration_noise > 0.0 {
            perturb(&mut place.action, &self.action_space, self.exploration_noise, &mut place.explore_rng);
        }
        place.belief.did(&place.action);
        Ok(place.action.clone())
    }

    /// Goes on with the plan of a place where somebody else decides: what was planned for later is then a step nearer.
    pub(crate) fn pass_over(&mut self, place: usize) -> Result<()> {
        at(&mut self.places, place)?.planner.shift(1);
        Ok(())
    }

    /// What it would do in an episode that began with an observation; nothing of it is kept.
    pub(crate) fn advise(&mut self, observation: &Observation, key: Key, lead: Lead<'_>) -> Result<&Action> {
        let (Some(place), Some(world)) = (&mut self.advising, &mut self.world) else { return Err(lost()) };
        place.planner.reset(key.fold(1).to_seed());
        (place.decision_key, place.decisions) = (key.fold(3), 0);
        place.improve((world, self.closing.as_mut(), self.tether.as_mut(), lead), &self.budget, observation, false)?;
        place.planner.act(0, &mut place.action);
        Ok(&place.action)
    }

    /// Takes in what it planned where a policy that it is held near proposes something else.
    pub(crate) fn settle(&mut self, policy: &mut dyn Policy, seen: Columns<'_>, planned: &[f64]) -> Result<()> {
        self.tether.as_mut().map_or(Ok(()), |tether| tether.settle(policy, seen, planned))
    }

    /// How far learned values differ of a flat observation; none where plans end in nothing.
    pub(crate) fn doubt(&mut self, flat: &[f64]) -> Result<Option<f64>> {
        self.closing.as_mut().map(|closing| closing.doubt(flat)).transpose()
    }

    /// The plan from an observation on, led by a policy.
    pub(crate) fn plan_led(&mut self, observation: &Observation, lead: Lead<'_>) -> Result<Plan> {
        if !self.is_ready() {
            return Err(Error::NotFitted { who: "the agent's model".into() });
        }
        // Asked out of the blue, an episode begins with what is seen; else the question is what to do where the episode stands. Nobody acts on
        // the answer yet, so that what was seen for its sake is forgotten again.
        let (world, place) = (self.world.as_mut().ok_or_else(lost)?, at(&mut self.places, 0)?);
        let (told, last) = (place.belief.past.len(), place.belief.last.clone());
        if told > 0 && last.is_some() {
            place.belief.see(observation);
        }
        let filtered = place.filter(world);
        let given = (world, self.closing.as_mut(), self.tether.as_mut(), lead);
        let report = filtered.and_then(|()| place.improve(given, &self.budget, observation, false));
        if place.belief.past.len() > told {
            place.belief.past.truncate(told);
            place.belief.filtered = 0;
            place.belief.last = last;
        }
        let report = report?;
        let actions = (0..place.planner.horizon())
            .map(|t| {
                place.planner.act(t, &mut place.action);
                place.action.clone()
            })
            .collect();
        Ok(Plan { actions, report })
    }

    /// Takes on the spread; bundles of earlier versions have none.
    fn restore_spread(&mut self, state: &State) -> Result<()> {
        self.spread = match state.array("spread") {
            Ok(Array::F64(_, spread)) if [0, self.action_space.flat_dim()].contains(&spread.len()) => spread.clone(),
            Ok(_) => return Err(Error::external("saved state", "array 'spread' is damaged")),
            Err(_) => Vec::new(),
        };
        self.widen();
        Ok(())
    }

    fn restore_model(&mut self, state: &State) -> Result<()> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let restored = model.restore(&state.part("model"));
        self.open(model);
        restored
    }

    /// Fits the model to all that was experienced.
    fn fit(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let fitted = self.fitting.fit(model.as_mut(), experience, self.places.len(), &self.budget.interrupt);
        self.open(model);
        let report = fitted?;
        self.spread = self.fitting.dataset().action_std();
        self.widen();
        let mut told = vec![("fit_epochs", report.epochs as f64), ("training_loss", report.training_loss)];
        told.extend(report.holdout_mse.map(|mse| ("holdout_mse", mse)));
        told.extend(self.tally.tell());
        Ok(told)
    }
}

/// What is said where a fit failed while it held the model.
pub(crate) fn lost() -> Error {
    Error::Diverged {
        who: "agent".into(),
        why: "its model was lost in a failed fit; resume from the last checkpoint".into(),
    }
}

impl Agent for ModelBasedAgent {
    fn places(&self) -> usize {
        self.places.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        // A foreign observation is said before the first decision.
        self.observation_space.flatten(observation, &mut vec![0.0; self.observation_space.flat_dim()])?;
        let (key, place) = (Key::new(seed), at(&mut self.places, place)?);
        place.planner.reset(key.fold(1).to_seed());
        place.explore_rng = key.fold(2).rng();
        place.decision_key = key.fold(3);
        place.belief_key = key.fold(4);
        place.belief.begin();
        place.decisions = 0;
        place.since_plan = 0;
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.decide(place, observation, explore, None)
    }

    fn follow(&mut self, place: usize, observation: &Observation, action: &Action) -> Result<()> {
        let belief = &mut at(&mut self.places, place)?.belief;
        belief.see(observation);
        belief.did(action);
        Ok(())
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if self.fits && self.fitting.is_due(experience, self.places.len()) {
            told.extend(self.fit(experience)?);
        }
        if let Some(closing) = &mut self.closing {
            told.extend(closing.learn(experience, &self.budget.interrupt)?);
        }
        Ok(told)
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let mut told = Metrics::new();
        if self.closing.is_none() || (self.fits && self.fitting.fitted_at < experience.taken()) {
            told.extend(self.fit(experience)?);
        }
        if let Some(closing) = &mut self.closing {
            told.extend(closing.study(experience, &self.budget.interrupt)?);
        }
        Ok(told)
    }

    fn learns(&self) -> bool {
        self.fits || self.closing.is_some()
    }

    fn is_ready(&self) -> bool {
        (!self.fits || self.fitting.fits > 0) && self.closing.as_ref().is_none_or(Closing::is_ready)
    }

    fn is_timed(&self) -> bool {
        self.budget.time.is_some()
    }

    fn world_model(&self) -> Option<&dyn WorldModel> {
        let world = self.world.as_ref().filter(|_| self.is_ready())?;
        Some(world.borrow_owner().as_world_model())
    }

    fn note(&self) -> &str {
        &self.fitting.note
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        state.put("fits", Array::U64(vec![self.fitting.fits]));
        state.put("spread", Array::F64(vec![self.spread.len()], self.spread.clone()));
        if let Some(closing) = &self.closing {
            state.put_all(CLOSING, closing.weights());
        }
        // Plans are held by it as far as when learning ended.
        if let Some(tether) = &self.tether {
            tether.save(&mut state);
        }
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.restore_model(weights)?;
        if let Some(tether) = &mut self.tether {
            tether.restore(weights)?;
        }
        if let Some(closing) = &mut self.closing {
            closing.restore_weights(&weights.part(CLOSING))?;
        }
        self.restore_spread(weights)?;
        self.fitting.fits = weights.u64s("fits", 1)?[0];
        Ok(())
    }

    fn plan(&mut self, observation: &Observation) -> Result<Plan> {
        self.plan_led(observation, None)
    }
}

impl Persist for ModelBasedAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        self.fitting.save(&mut state);
        self.tally.save(&mut state);
        state.put("spread", Array::F64(vec![self.spread.len()], self.spread.clone()));
        places::put(&mut state, &self.places, PlanningPlace::save);
        if let Some(closing) = &self.closing {
            state.put_all(CLOSING, closing.save());
        }
        if let Some(tether) = &self.tether {
            tether.save(&mut state);
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_model(state)?;
        if let Some(closing) = &mut self.closing {
            closing.restore(&state.part(CLOSING))?;
        }
        if let Some(tether) = &mut self.tether {
            tether.restore(state)?;
        }
        self.restore_spread(state)?;
        let mut all = self.places.iter_mut().enumerate();
        all.try_for_each(|(number, place)| place.restore(&places::part(state, number)))?;
        self.fitting.restore(state)?;
        self.tally.restore(state)
    }
}
