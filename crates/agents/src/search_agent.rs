//! The agent that plans in a learned latent, which learns a little after every step.
//!
//! With a recurrent state-space model and the cross-entropy method this is PlaNet (Hafner et al., ICML 2019); with a latent that has values and a policy, and a path
//! integral, TD-MPC2 (Hansen, Su and Wang, ICLR 2024). Where a tree is searched, the model learns from what the search came to: MuZero (Schrittwieser et al., Nature 2020) with the search of Gumbel MuZero (Danihelka et al., ICLR 2022) unless told otherwise. A decision sees, searches
//! from there, and keeps the search's policy and the root's value beside the step: an update learns both. In a game of two players it plays both sides:
//! observations, rewards and values are those of the player to move. A belief is filtered once, and carried on through updates.
//!
//! While it explores, a search draws as its settings say; while it does not, it has been told to [stop](Planner::stop_exploring). A root's value is the mean of the tried actions' values under the search's policy.

use worldwright_core::{
    Action, ActionHead, Agent, Budget, Call, Error, Experience, Interrupt, Key, Metrics, Observation, Persist, Plan,
    PlanReport, PlanStatus, Planner, Result, Rng, Rows, Setting, Space, State, StepColumn, WorldModel, cost, find,
};
use worldwright_models::{LatentModel, ROOT_VALUE, SEARCH_POLICY};
use worldwright_planners::PlannerContext;

use crate::carried_belief::{CarriedBelief, ROWS};
use crate::latent_arena::{LatentArena, latent_arena, lost};
use crate::masked::Rules;
use crate::places::{self, at};
use crate::planned::perturb;
use crate::updates::Updates;
use crate::{AgentContext, Part, Resolved};

/// What the searches of a place are saved as.
const SEARCHES: [&str; 2] = ["exploring", "searching"];

/// What an episode starts anew.
struct Place {
    /// The search that explores, and the one that does not.
    searches: [Box<dyn Planner>; 2],
    /// Draws random choices, and all actions before anything is learned.
    explore_rng: Rng,
    /// For models with memory.
    belief: Option<CarriedBelief>,
}

pub(crate) struct SearchAgent {
    world: Option<LatentArena>,
    rules: Rules,
    places: Vec<Place>,
    /// Rows that a search needs.
    rows: usize,
    head: ActionHead,
    observation_space: Space,
    action_space: Space,
    interrupt: Interrupt,
    updates: Updates,
    update_rng: Rng,
    /// How far actions are changed at random while it explores: numbers by a normal one, as a share of half their range, choices with that probability.
    exploration_noise: f64,
    /// Whether what the search weighs is kept beside each step.
    keeps: bool,
    action: Action,
    /// The search's policy and the root's value.
    kept: Vec<f64>,
}

/// Builds an agent whose model learns from what a tree search came to.
pub(crate) fn build_searching(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let noise = resolved.agent.float("random_choices", 0.0, 1.0)?;
    let agent = SearchAgent::new(resolved, context, (noise, true))?;
    let spec = agent.world.as_ref().ok_or_else(lost)?.borrow_owner().spec();
    let capabilities = spec.capabilities;
    if !(capabilities.value && capabilities.prior) || capabilities.memory || agent.head.choices() == 0 {
        let what = "search by its own values and policy from what is seen: take the model muzero";
        return Err(resolved.role("model")?.cannot(what));
    }
    Ok(Box::new(agent))
}

/// Builds an agent that plans by whatever planner suits its model.
pub(crate) fn build_planning(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let noise = resolved.agent.float("exploration_noise", 0.0, 100.0)?;
    Ok(Box::new(SearchAgent::new(resolved, context, (noise, false))?))
}

/// The search as its settings say, or one that does what it holds to be best.
fn searching(part: &Part, context: &PlannerContext, explores: bool) -> Result<Box<dyn Planner>> {
    let entry = find(worldwright_planners::ALL, "planner", &part.name)?;
    if part.settings.iter().any(|setting| setting == ("reuse", &Setting::Bool(true))) {
        let why = "keeps a tree that the next update makes another model's: leave it out";
        return Err(Error::config("planner.reuse", why));
    }
    let mut search = part.said((entry.build)(context, &part.settings))?;
    if !explores {
        search.stop_exploring();
    }
    Ok(search)
}

impl SearchAgent {
    fn new(resolved: &Resolved, context: &AgentContext, (noise, keeps): (f64, bool)) -> Result<Self> {
        let (chosen, search) = (resolved.role("model")?, resolved.role("planner")?);
        let entry = find(worldwright_models::ALL, "model", &chosen.name)?;
        let discount = resolved.agent.float("discount", 0.0, 1.0)?;
        let model_context = context.for_model(discount);
        let model = chosen.said(entry.build.latent(entry.name, &model_context, &chosen.settings))?;
        let (memory, width) = (model.spec().capabilities.memory, model.spec().latent_dim);
        let seed = Key::new(context.seed);
        let planner_context = PlannerContext::for_model(model.spec(), seed.fold(3).to_seed());
        let places = (0..context.places).map(|_| {
            let searches = [searching(search, &planner_context, true)?, searching(search, &planner_context, false)?];
            search.said(searches.iter().try_for_each(|search| search.check(model.spec())))?;
            Ok(Place { searches, explore_rng: seed.fold(2).rng(), belief: None })
        });
        let mut places: Vec<Place> = places.collect::<Result<_>>()?;
        let head = chosen.said(ActionHead::new(entry.name, &context.action_space))?;
        let choices = head.choices();
        let known = context.known.as_ref().map(|known| known(discount)).filter(|_| choices > 0);
        let mut rows = places.iter().flat_map(|place| &place.searches).map(|search| search.rows()).max().unwrap_or(1);
        for place in places.iter_mut().filter(|_| memory) {
            place.belief = Some(CarriedBelief::new(rows, width, seed.fold(5)));
            rows += ROWS;
        }
        cost::arena(model.spec(), rows, "rows of plans and beliefs, environment.count,")?;
        Ok(SearchAgent {
            world: Some(latent_arena(model, rows)),
            rules: Rules::new(known, &context.action_space, choices),
            places,
            rows,
            head,
            observation_space: context.observation_space.clone(),
            action_space: context.action_space.clone(),
            interrupt: context.interrupt.clone(),
            updates: Updates::new(&resolved.agent)?,
            update_rng: seed.fold(1).rng(),
            exploration_noise: noise,
            keeps,
            action: context.action_space.sample(&mut seed.fold(6).rng()),
            kept: vec![0.0; if keeps { choices + 1 } else { 0 }],
        })
    }

    /// Looks at what is seen, and writes what is then believed into row 0; with `filter` a model with memory remembers it.
    fn see(&mut self, place: usize, observation: &Observation, filter: bool) -> Result<()> {
        self.rules.see(observation)?;
        let belief = &mut at(&mut self.places, place)?.belief;
        self.world.as_mut().ok_or_else(lost)?.with_dependent_mut(|_, arena| match belief {
            None => arena.observe(0, None, observation, Key::new(0)),
            Some(belief) => {
                let row = if filter {
                    belief.filter(&mut **arena, observation)
                } else {
                    belief.look(&mut **arena, observation)
                };
                arena.copy(row?, Rows::Span(0..1));
                Ok(())
            }
        })
    }

    /// Searches from row 0; the search's own best action is then in `self.action`.
    fn search(&mut self, place: usize, explore: bool) -> Result<PlanReport> {
        let search = &mut at(&mut self.places, place)?.searches[usize::from(!explore)];
        let budget = Budget { interrupt: self.interrupt.clone(), ..Budget::default() };
        let (rules, choices) = (&self.rules, self.head.choices());
        let world = self.world.as_mut().ok_or_else(lost)?;
        let report = world.with_dependent_mut(|_, arena| match choices {
            0 => search.improve(&mut **arena, 0, &budget),
            _ => search.improve(&mut rules.over(&mut **arena), 0, &budget),
        })?;
        self.interrupt.check("acting")?;
        self.interrupt.count(Call::ModelStep, report.model_steps);
        if report.status == PlanStatus::AllDiverged {
            let why = "every way from here that its model imagines is not finite: lower model.learning_rate";
            return Err(Error::Diverged { who: "search".into(), why: why.into() });
        }
        search.act(0, &mut self.action);
        Ok(report)
    }

    /// Keeps what the last search weighed.
    fn keep(&mut self, place: usize, explore: bool) -> Result<()> {
        let weighed = at(&mut self.places, place)?.searches[usize::from(!explore)].weighed();
        if weighed.is_empty() {
            return Err(Error::unsupported("this planner", "weighing actions one by one: take gumbel, puct or uct"));
        }
        self.kept.fill(0.0);
        let (mut weight, mut value) = (0.0, 0.0);
        for one in &weighed {
            let choice = self.action_space.element_number(&one.action).unwrap_or(0);
            self.kept[choice] = one.share;
            if one.value.is_finite() && one.visits > 0 {
                weight += one.share;
                value += one.share * one.value;
            }
        }
        let choices = self.head.choices();
        self.kept[choices] = if weight > 0.0 { value / weight } else { 0.0 };
        Ok(())
    }

    /// One of the allowed actions, each as likely.
    fn random(&mut self, place: usize) -> Result<Action> {
        let rng = &mut at(&mut self.places, place)?.explore_rng;
        if self.head.choices() == 0 {
            return Ok(self.action_space.sample(rng));
        }
        self.action_space.unflatten(self.head.choice(self.rules.draw(rng)))
    }

    /// What is done where the search came to `self.action`, while it explores.
    fn explored(&mut self, place: usize) -> Result<Action> {
        let (noise, mut action) = (self.exploration_noise, self.action.clone());
        if noise > 0.0 {
            let rng = &mut at(&mut self.places, place)?.explore_rng;
            if self.head.choices() == 0 {
                perturb(&mut action, &self.action_space, noise, rng);
            } else if rng.uniform() < noise {
                return self.random(place);
            }
        }
        Ok(action)
    }

    /// Lets something change the model.
    fn change<T>(&mut self, change: impl FnOnce(&mut dyn LatentModel) -> Result<T>) -> Result<T> {
        let mut model = self.world.take().ok_or_else(lost)?.into_owner();
        let changed = change(model.as_mut());
        let mut world = latent_arena(model, self.rows);
        let mut beliefs = self.places.iter().filter_map(|place| place.belief.as_ref());
        let carried = world.with_dependent_mut(|_, arena| beliefs.try_for_each(|belief| belief.carry(&mut **arena)));
        self.world = Some(world);
        let changed = changed?;
        carried.map(|()| changed)
    }

    /// Makes updates, the last of which may end a row of metrics.
    fn update(&mut self, experience: &dyn Experience, count: u64, episode_ended: bool) -> Result<Metrics> {
        let (interrupt, mut rng) = (self.interrupt.clone(), self.update_rng.clone());
        let said = self.change(|model| {
            (0..count).map(|_| model.update(experience, &mut rng, &interrupt)).collect::<Result<Vec<_>>>()
        })?;
        self.update_rng = rng;
        let mut told = Metrics::new();
        for (update, said) in (1..).zip(said) {
            let said = self.updates.count(said, update == count && episode_ended);
            // A row has room for one of each number: where many updates are made at once, for the last means.
            told = if said.is_empty() { told } else { said };
        }
        Ok(told)
    }
}

impl Agent for SearchAgent {
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
        place.searches.iter_mut().for_each(|search| search.reset(key.fold(3).to_seed()));
        if let Some(belief) = &mut place.belief {
            belief.begin(key.fold(4));
        }
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        if !self.is_ready() {
            self.rules.see(observation)?;
            self.kept.fill(0.0);
            return self.random(place);
        }
        self.see(place, observation, true)?;
        self.search(place, explore)?;
        if self.keeps {
            self.keep(place, explore)?;
        } else {
            // The next plan begins where this one goes on.
            at(&mut self.places, place)?.searches[usize::from(!explore)].shift(1);
        }
        // What the search came to is kept in any case.
        let action = if explore { self.explored(place)? } else { self.action.clone() };
        if let Some(belief) = &mut at(&mut self.places, place)?.belief {
            belief.did(&action);
        }
        Ok(action)
    }

    fn follow(&mut self, place: usize, observation: &Observation, action: &Action) -> Result<()> {
        if !self.is_ready() {
            return Ok(());
        }
        if !self.keeps {
            at(&mut self.places, place)?.searches.iter_mut().for_each(|search| search.shift(1));
        }
        if at(&mut self.places, place)?.belief.is_none() {
            return Ok(());
        }
        self.see(place, observation, true)?;
        if let Some(belief) = &mut at(&mut self.places, place)?.belief {
            belief.did(action);
        }
        Ok(())
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        match self.updates.due(experience.taken()) {
            0 => Ok(Metrics::new()),
            due => self.update(experience, due, !experience.is_open()),
        }
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.update(experience, 1, false)
    }

    fn columns(&self) -> Vec<StepColumn> {
        if !self.keeps {
            return Vec::new();
        }
        let column = |name: &str, width| StepColumn { name: name.to_owned(), width };
        vec![column(SEARCH_POLICY, self.head.choices()), column(ROOT_VALUE, 1)]
    }

    fn kept(&self) -> &[f64] {
        &self.kept
    }

    fn is_ready(&self) -> bool {
        self.updates.made() > 0
    }

    fn world_model(&self) -> Option<&dyn WorldModel> {
        let world = self.world.as_ref().filter(|_| self.is_ready())?;
        Some(world.borrow_owner().as_world_model())
    }

    fn plan(&mut self, observation: &Observation) -> Result<Plan> {
        if !self.is_ready() {
            return Err(Error::NotFitted { who: "the agent's model".into() });
        }
        // Nobody acts on the answer yet: the next decision is to draw as if nobody had asked.
        let before = at(&mut self.places, 0)?.searches[1].save();
        self.see(0, observation, false)?;
        let report = self.search(0, false);
        let search = &mut at(&mut self.places, 0)?.searches[1];
        let actions = (0..search.horizon()).map(|t| {
            search.act(t, &mut self.action);
            self.action.clone()
        });
        let actions = actions.collect();
        search.restore(&before)?;
        Ok(Plan { actions, report: report? })
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        self.updates.put_made(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.places.iter_mut().filter_map(|place| place.belief.as_mut()).for_each(CarriedBelief::forget);
        self.change(|model| model.restore(&weights.part("model")))?;
        self.updates.take_made(weights)
    }
}

impl Persist for SearchAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        if let Some(world) = &self.world {
            state.put_all("model", world.borrow_owner().save());
        }
        self.updates.save(&mut state);
        state.put("update_rng", self.update_rng.save());
        places::put(&mut state, &self.places, |place| {
            let mut kept = State::new();
            kept.put("explore_rng", place.explore_rng.save());
            SEARCHES.iter().zip(&place.searches).for_each(|(name, search)| kept.put_all(name, search.save()));
            if let Some(belief) = &place.belief {
                belief.save(&mut kept, &self.action_space);
            }
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.updates.restore(state)?;
        self.update_rng.restore(state, "update_rng")?;
        for (number, place) in self.places.iter_mut().enumerate() {
            let kept = places::part(state, number);
            place.explore_rng.restore(&kept, "explore_rng")?;
            for (name, search) in SEARCHES.iter().zip(&mut place.searches) {
                search.restore(&kept.part(name))?;
            }
            if let Some(belief) = &mut place.belief {
                belief.restore(&kept, &self.action_space)?;
            }
        }
        self.change(|model| model.restore(&state.part("model")))
    }
}
