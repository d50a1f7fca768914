//! The agent that tries a policy's numbers as a whole: an episode each, and a generation of them moves the distribution that they are drawn from.
//!
//! What an episode tries is drawn when it begins, from its own seed, so that episodes at several places need not know of each other. One that began before
//! the distribution moved counts no more. Where nothing is to be explored, the mean acts.

use worldwright_core::{
    Action, Agent, Array, Batch, Error, Experience, Interrupt, Key, Metrics, Observation, Persist, Result, Rng, Sample,
    Space, State, StepColumn, find,
};
use worldwright_policies::{EvolvedPolicy, PolicyContext};

use crate::evolution::{Begin, CmaEs, Evolution, OpenAiEs, Reps, Tried};
use crate::newest::Newest;
use crate::places::{self, at};
use crate::policy_agent::mode;
use crate::{AgentContext, Resolved};

/// The column that says at which place a step was taken.
const PLACE: &str = "place";

/// What an episode starts anew.
struct Place {
    /// The numbers that it tries, and the generation that they were drawn in.
    numbers: Vec<f64>,
    generation: u64,
}

/// Whose numbers the policy acts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acts {
    Nobody,
    Mean,
    Place(usize),
}

struct EvolvingAgent {
    policy: Box<dyn EvolvedPolicy>,
    evolution: Box<dyn Evolution>,
    acts: Acts,
    places: Vec<Place>,
    tried: Vec<Tried>,
    /// The first row that the policy has not seen yet.
    unseen: u64,
    observation_space: Space,
    action_space: Space,
    interrupt: Interrupt,
    // Room for a decision and a look back.
    seen: Batch,
    flat: Vec<f64>,
    chosen: Batch,
    kept: [f64; 1],
    sample: Sample,
}

/// Builds the agent that adapts a covariance.
pub(crate) fn build_cma_es(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    build(resolved, context, CmaEs::begin)
}

/// Builds the agent that follows an estimated gradient.
pub(crate) fn build_openai_es(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    build(resolved, context, OpenAiEs::begin)
}

/// Builds the agent that bounds how far it moves.
pub(crate) fn build_reps(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    build(resolved, context, Reps::begin)
}

fn build(resolved: &Resolved, context: &AgentContext, begin: Begin) -> Result<Box<dyn Agent>> {
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let (inputs, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    // Episodes are worth what they paid in all.
    let policy_context =
        PolicyContext { inputs, action_space: context.action_space.clone(), discount: 1.0, seed: context.seed };
    let policy = chosen.said(entry.build.evolved(entry.name, &policy_context, &chosen.settings))?;
    let evolution = begin(policy.size(), &resolved.agent)?;
    let place = || Place { numbers: evolution.mean().to_vec(), generation: 0 };
    Ok(Box::new(EvolvingAgent {
        places: (0..context.places).map(|_| place()).collect(),
        policy,
        evolution,
        acts: Acts::Nobody,
        tried: Vec::new(),
        unseen: 0,
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        interrupt: context.interrupt.clone(),
        seen: Batch::zeros(inputs, 1),
        flat: vec![0.0; inputs.max(a)],
        chosen: Batch::zeros(a, 1),
        kept: [0.0],
        sample: Sample::default(),
    }))
}

impl EvolvingAgent {
    /// Takes on the numbers that are to act.
    fn turn_to(&mut self, acts: Acts) -> Result<()> {
        if self.acts == acts {
            return Ok(());
        }
        match acts {
            Acts::Nobody => {}
            Acts::Mean => self.policy.set(self.evolution.mean())?,
            Acts::Place(place) => self.policy.set(&self.places[place].numbers)?,
        }
        self.acts = acts;
        Ok(())
    }

    /// What the episode that ended with `row` paid, and where it was.
    fn paid(&mut self, experience: &dyn Experience, row: u64) -> (f64, usize) {
        self.sample.begin(1);
        let mut step = Some(row);
        while let Some(row) = step {
            experience.gather(row, 1, 1.0, &mut self.sample);
            step = experience.before(row);
        }
        let before: usize =
            experience.columns().iter().take_while(|column| column.name != PLACE).map(|column| column.width).sum();
        let place = self.sample.columns.get(before).copied().unwrap_or(0.0);
        (self.sample.rewards.iter().sum(), place as usize)
    }
}

impl Agent for EvolvingAgent {
    fn places(&self) -> usize {
        self.places.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut self.flat[..self.observation_space.flat_dim()])?;
        let (tried, evolution) = (&self.tried, &self.evolution);
        let it = at(&mut self.places, place)?;
        evolution.draw(tried, &mut Key::new(seed).fold(2).rng(), &mut it.numbers);
        it.generation = evolution.generation();
        self.acts = Acts::Nobody;
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        at(&mut self.places, place)?;
        self.turn_to(if explore { Acts::Place(place) } else { Acts::Mean })?;
        self.kept = [place as f64];
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        self.observation_space.flatten(observation, &mut self.flat[..o])?;
        self.seen.columns_mut().set_row(0, &self.flat[..o]);
        self.policy.act(self.seen.columns(), mode(explore), &mut Rng::new(0), &mut self.chosen)?;
        self.chosen.columns().copy_row(0, &mut self.flat[..a]);
        self.action_space.unflatten(&self.flat[..a])
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let end = experience.rows().end;
        if experience.is_open() || end == 0 || !experience.ends_sequence(end - 1, 1) {
            return Ok(Metrics::new());
        }
        let (paid, place) = self.paid(experience, end - 1);
        let it = at(&mut self.places, place)?;
        if it.generation != self.evolution.generation() {
            return Ok(Metrics::new());
        }
        self.tried.push(Tried { numbers: it.numbers.clone(), paid });
        if self.tried.len() < self.evolution.population() {
            return Ok(Metrics::new());
        }
        let best = self.tried.iter().map(|one| one.paid).fold(f64::NEG_INFINITY, f64::max);
        let mean = self.tried.iter().map(|one| one.paid).sum::<f64>() / self.tried.len() as f64;
        let mut told = vec![("tried_return", mean), ("best_return", best)];
        told.extend(self.evolution.adapt(&self.tried)?);
        self.tried.clear();
        self.policy.see(&Newest { all: experience, from: self.unseen });
        self.unseen = end;
        self.acts = Acts::Nobody;
        Ok(told)
    }

    fn study(&mut self, _experience: &dyn Experience) -> Result<Metrics> {
        let what = "learning from recorded episodes: it learns from what its own tries pay; choose another algorithm, such as bc";
        Err(Error::unsupported("an agent that evolves", what))
    }

    fn columns(&self) -> Vec<StepColumn> {
        vec![StepColumn { name: PLACE.into(), width: 1 }]
    }

    fn kept(&self) -> &[f64] {
        &self.kept
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.weights());
        state.put("evolution.mean", Array::F64(vec![self.evolution.mean().len()], self.evolution.mean().to_vec()));
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.acts = Acts::Nobody;
        self.policy.restore_weights(&weights.part("policy"))?;
        self.evolution.restore_mean(&weights.part("evolution"))
    }
}

impl Persist for EvolvingAgent {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("policy", self.policy.save());
        let mut evolved = State::new();
        self.evolution.save(&mut evolved);
        state.put_all("evolution", evolved);
        let numbers: Vec<f64> = self.tried.iter().flat_map(|one| one.numbers.iter().copied()).collect();
        let paid: Vec<f64> = self.tried.iter().map(|one| one.paid).collect();
        state.put("tried.numbers", Array::F64(vec![self.tried.len(), self.evolution.mean().len()], numbers));
        state.put("tried.paid", Array::F64(vec![paid.len()], paid));
        state.put("counted", Array::U64(vec![self.tried.len() as u64, self.unseen]));
        places::put(&mut state, &self.places, |place| {
            let mut kept = State::new();
            kept.put("numbers", Array::F64(vec![place.numbers.len()], place.numbers.clone()));
            kept.put("generation", Array::U64(vec![place.generation]));
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.acts = Acts::Nobody;
        self.policy.restore(&state.part("policy"))?;
        self.evolution.restore(&state.part("evolution"))?;
        let (counted, d) = (state.u64s("counted", 2)?, self.evolution.mean().len());
        self.unseen = counted[1];
        let tried = counted[0] as usize;
        let (numbers, paid) = (state.f64s("tried.numbers", tried * d)?, state.f64s("tried.paid", tried)?);
        let each = numbers.chunks_exact(d.max(1)).zip(paid);
        self.tried = each.map(|(numbers, paid)| Tried { numbers: numbers.to_vec(), paid: *paid }).collect();
        for (number, place) in self.places.iter_mut().enumerate() {
            let kept = places::part(state, number);
            place.numbers.copy_from_slice(kept.f64s("numbers", d)?);
            place.generation = kept.u64s("generation", 1)?[0];
        }
        Ok(())
    }
}
