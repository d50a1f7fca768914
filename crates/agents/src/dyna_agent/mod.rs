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

mod building;

use worldwright_core::{
    Action, Agent, Array, Budget, Call, Dataset, Error, Experience, Interrupt, Key, Metrics, Observation, Persist,
    Plan, PlanReport, Planner, Result, Rng, State, WorldModel,
};
use worldwright_policies::LearnedPolicy;

pub(crate) use self::building::{build, build_cautious, build_double, build_expanding};

use crate::caution::Caution;
use crate::deciding::Deciding;
use crate::dreaming::{self, Dreaming, Pay};
use crate::expanding::Expanding;
use crate::fitted::Fitted;
use crate::guided::{Asking, Guided};
use crate::interest::Interest;
use crate::mixture::Mixture;
use crate::places::{self, at};
use crate::policy_agent::mode;
use crate::tally::Tally;
use crate::updates::Updates;

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
