//! `actor-critic`: a policy and a value that learn in the imagination of a latent model alone, as DreamerV3's do.
//!
//! From beliefs s₀ that the model filtered, model, actor and critic are unrolled on one graph for H steps, the model frozen:
//!
//! ```text
//! aₜ ~ π(· | sₜ),  sₜ₊₁, rₜ, cₜ = model(sₜ, aₜ),   Rₜ = rₜ + γ cₜ ((1 − λ) v̄(sₜ₊₁) + λ Rₜ₊₁)
//! critic:  − wₜ ln p(Rₜ | sₜ),  two-hot over bins in symlog             wₜ = Πᵢ₍ᵢ₌₀…ₜ₋₁₎ γ cᵢ
//! actor:   − wₜ (Rₜ / max(1, S) + η H[π(· | sₜ)])                        through the model's own gradient: numbers, unless told otherwise
//!          − wₜ (ln π(aₜ | sₜ) stop((Rₜ − v̄(sₜ)) / max(1, S)) + η H[π])    by likelihood: choices, unless told otherwise
//! ```
//!
//! S is the range between the 5th and 95th percentile of returns, averaged over updates, and v̄ a slowly following copy of the critic.
//!
//! Source: Hafner, Pasukonis, Ba and Lillicrap, "Mastering Diverse Domains through World Models", 2023, section "Actor critic learning"; the gradient
//! through the model from Hafner, Lillicrap, Ba and Norouzi, "Dream to Control", 2020. We deviate: numbers learn through the model, which takes fewer updates
//! in small ones than their likelihood does; values come from the slow critic, in place of a loss that holds the quick one near it; S is that of the updates
//! before, so that an update is one pass; a number of starts is drawn from those that the model gives; entropy is worth ten times as much, without which
//! gradients through a small model settle before they have seen enough.

mod graph;
#[cfg(test)]
mod tests;

use worldwright_core::{
    ActionHead, Array, Call, Entry, Error, Interrupt, Key, Metrics, Parameter, Persist, Result, Rng,
    SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{Adam, AdamConfig, Cell, Feed, MlpConfig, NormKind, Runner, Starts, Store};

use self::graph::{Actor, Critic, Imagined, Objectives, Way};
use crate::acting::Acting;
use crate::taught::{Taught, Teacher};
use crate::{Build, ImaginedPolicy, PolicyContext};

/// The line in the list of policies.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "actor-critic",
    summary: "an actor and a critic that learn in the imagination of a latent model, without a step in the world",
    source: "Hafner, Pasukonis, Ba and Lillicrap, Mastering Diverse Domains through World Models, 2023 (DreamerV3)",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[64.0, 64.0]),
            summary: "widths of the hidden layers of actor and critic",
        },
        Parameter { name: "starts", default: Default::Integer(128), summary: "beliefs that an update imagines from" },
        Parameter { name: "horizon", default: Default::Integer(15), summary: "steps imagined from each" },
        Parameter {
            name: "lambda",
            default: Default::Float(0.95),
            summary: "share of longer returns: 0 trusts the critic after a step, 1 not before the horizon",
        },
        Parameter {
            name: "gradient",
            default: Default::Text("auto"),
            summary: "how returns come back to the actor: model, through the model's derivatives; likelihood, by how likely it did what it did; auto is model for numbers and likelihood for choices",
        },
        Parameter {
            name: "entropy",
            default: Default::Float(3e-3),
            summary: "what a nat of entropy is worth, in returns divided by their range",
        },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of actor and critic" },
        Parameter {
            name: "target_rate",
            default: Default::Float(0.02),
            summary: "share by which the slow critic moves towards the critic at each update",
        },
    ],
    build: Build::Imagination(build),
};

/// What is saved of the optimisers, by its name.
const ADAMS: [&str; 2] = ["actor_adam", "critic_adam"];
/// The largest norm of a gradient.
const MAX_NORM: f32 = 100.0;
/// Of the range of returns, what an update keeps.
const RANGE_DECAY: f64 = 0.99;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn ImaginedPolicy>> {
    Ok(Box::new(taught(context, settings)?))
}

/// The critic, and the imagination that it judges.
struct Imagining {
    /// The actor's layers.
    actor: Actor,
    critic: Critic,
    learned: Store,
    target: Store,
    adams: [Adam; 2],
    objectives: Objectives,
    starts: usize,
    target_rate: f32,
    /// The 5th and 95th percentile of returns; none before the first update.
    range: Option<[f64; 2]>,
    /// The graph over the model that was last imagined in. Another model's numbers are another graph.
    imagined: Option<(Runner, Imagined)>,
    room: Room,
}

/// What the graph is fed with, and what is read from it.
#[derive(Default)]
struct Room {
    /// `[starts][columns]` of each part.
    parts: Vec<Vec<f32>>,
    weights: Vec<f32>,
    inverse: Vec<f32>,
    noise: Vec<f32>,
    action_noise: Vec<f32>,
    returns: Vec<f32>,
    entropies: Vec<f32>,
}

fn taught(context: &PolicyContext, settings: &Settings) -> Result<Taught<Imagining>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let hidden = settings.counts_in("hidden", 1, 1 << 12)?;
    let starts = settings.count_in("starts", 1, 1 << 20)?;
    let horizon = settings.count_in("horizon", 1, 1 << 10)?;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs + head.columns());
    let layers = (hidden.len() + 2) as f64;
    // Of each step the model's, the actor's and both critics' values and slopes; of each weight its moments, copies and gradients.
    let bytes = 80.0 * layers * (starts as f64) * (horizon as f64) * (widest as f64)
        + 60.0 * layers * (widest as f64) * (widest as f64);
    cost::memory(&[("starts", starts), ("horizon", horizon), ("hidden", widest)], bytes)?;
    let config = MlpConfig { inputs: context.inputs, hidden, norm: Some(NormKind::Rms), ..MlpConfig::default() };
    let mut rng = Key::new(context.seed).fold(0xac).rng();
    let mut acted = Store::new(1);
    let actor = Actor::new(&mut acted, &head, &config, &mut rng)?;
    let mut learned = Store::new(1);
    let critic = Critic::new(&mut learned, &config, &mut rng)?;
    let learning_rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    let config = AdamConfig { learning_rate, max_norm: MAX_NORM, ..AdamConfig::default() };
    let objectives = Objectives {
        way: Way::of(settings.choice("gradient", &Way::NAMES)?, head.choices()),
        horizon,
        discount: context.discount as f32,
        lambda: settings.float("lambda", 0.0, 1.0)? as f32,
        entropy: settings.float("entropy", 0.0, 1e3)? as f32,
    };
    let teacher = Imagining {
        adams: [&acted, &learned].map(|store| Adam::new(store, config)),
        target: learned.twin(),
        actor,
        critic,
        learned,
        objectives,
        starts,
        target_rate: settings.float("target_rate", 0.0, 1.0)? as f32,
        range: None,
        imagined: None,
        room: Room::default(),
    };
    let acting = teacher.actor.acting(ENTRY.name, (context.inputs, &head), acted)?;
    Ok(Taught { acting, teacher })
}

impl Imagining {
    /// What returns are divided by.
    fn scale(&self) -> f64 {
        self.range.map_or(1.0, |[low, high]| (high - low).max(1.0))
    }

    /// Draws starts and noise, and makes the graph where there is none over this model.
    fn prepare(
        &mut self,
        acting: &Acting,
        (cell, model): (&dyn Cell, &Store),
        starts: &Starts,
        rng: &mut Rng,
    ) -> Result<()> {
        if starts.is_empty() {
            return Err(Error::config("starts", "there is no belief to imagine from: update the model first"));
        }
        if !self.imagined.as_ref().is_some_and(|(runner, _)| runner.graph().binds(model)) {
            let critics = (&self.critic, &self.learned, &self.target);
            let imagined = Imagined::new((cell, model), (&self.actor, acting.actor()), critics, &self.objectives)?;
            self.imagined = Some((Runner::new(imagined.graph.clone(), self.starts), imagined));
        }
        let (room, n, steps) = (&mut self.room, self.starts, self.starts * self.objectives.horizon);
        room.parts.resize_with(starts.parts.len(), Vec::new);
        room.parts.iter_mut().for_each(Vec::clear);
        room.weights.clear();
        for _ in 0..n {
            let chosen = rng.below(starts.len() as u64) as usize;
            for (to, from) in room.parts.iter_mut().zip(&starts.parts) {
                let width = from.len() / starts.len();
                to.extend_from_slice(&from[chosen * width..(chosen + 1) * width]);
            }
            room.weights.push(starts.continues[chosen]);
        }
        room.noise.resize(steps * cell.noise(), 0.0);
        cell.draw(rng, &mut room.noise);
        room.action_noise.resize(steps * self.actor.noise(), 0.0);
        if acting.head().choices() > 0 {
            rng.fill_gumbel(&mut room.action_noise);
        } else {
            rng.fill_normal(&mut room.action_noise);
        }
        room.returns.resize(steps, 0.0);
        room.entropies.resize(steps, 0.0);
        Ok(())
    }

    /// Both passes over what was prepared; the first alone where only returns are wanted.
    fn pass(&mut self, acted: &Store, model: &Store, backward: bool) -> Result<()> {
        let scale = self.scale();
        let Some((runner, imagined)) = &mut self.imagined else { return Ok(()) };
        let room = &mut self.room;
        room.inverse.clear();
        room.inverse.resize(self.starts, (1.0 / scale) as f32);
        let mut feeds: Vec<Feed<'_>> = room.parts.iter().map(|part| Feed::Shared(part)).collect();
        let others = [&room.weights, &room.inverse, &room.noise, &room.action_noise];
        feeds.extend(others.map(|feed| Feed::Shared(feed)));
        let stores = [model, acted, &self.learned, &self.target];
        if backward {
            runner.forward_backward(&stores, self.starts, &feeds)?;
        } else {
            runner.forward(&stores, self.starts, &feeds)?;
        }
        runner.read(imagined.returns, &mut room.returns)?;
        runner.read(imagined.entropies, &mut room.entropies)
    }

    /// The 5th and 95th percentile of the returns last read.
    fn percentiles(&mut self) -> [f64; 2] {
        let returns = &mut self.room.returns;
        let last = returns.len() - 1;
        [0.05, 0.95].map(|share| {
            let (_, number, _) = returns.select_nth_unstable_by((share * last as f64).round() as usize, f32::total_cmp);
            f64::from(*number)
        })
    }
}

impl ImaginedPolicy for Taught<Imagining> {
    fn imagine(
        &mut self,
        cell: &dyn Cell,
        store: &Store,
        starts: &Starts,
        rng: &mut Rng,
        interrupt: &Interrupt,
    ) -> Result<Metrics> {
        interrupt.check("imagination")?;
        let (acting, it) = (&mut self.acting, &mut self.teacher);
        it.prepare(acting, (cell, store), starts, rng)?;
        if it.range.is_none() {
            it.pass(acting.actor(), store, false)?;
            it.range = Some(it.percentiles());
        }
        it.pass(acting.actor(), store, true)?;
        interrupt.count(Call::Gradient, 1);
        interrupt.count(Call::ModelStep, it.room.returns.len() as u64);
        let mean = |numbers: &[f32]| numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / numbers.len() as f64;
        let (returned, entropy) = (mean(&it.room.returns), mean(&it.room.entropies));
        let Some((runner, imagined)) = &it.imagined else { return Ok(Metrics::new()) };
        let [actor_loss, critic_loss] =
            [imagined.actor_loss, imagined.critic_loss].map(|objective| runner.objective(objective, 0));
        if !(actor_loss.is_finite() && critic_loss.is_finite()) {
            let why = format!(
                "the losses of actor and critic became {actor_loss} and {critic_loss}: try a smaller learning_rate"
            );
            return Err(Error::Diverged { who: ENTRY.name.into(), why });
        }
        acting.learn(&mut it.adams[0], runner)?;
        it.adams[1].step(&mut it.learned, runner)?;
        it.target.follow(&it.learned, it.target_rate)?;
        let scale = it.scale();
        let now = it.percentiles();
        if let Some(range) = &mut it.range {
            range.iter_mut().zip(now).for_each(|(kept, now)| *kept += (1.0 - RANGE_DECAY) * (now - *kept));
        }
        Ok(vec![
            ("actor_loss", actor_loss),
            ("critic_loss", critic_loss),
            ("entropy", entropy),
            ("imagined_return", returned),
            ("return_scale", scale),
        ])
    }
}

impl Teacher for Imagining {
    fn save(&self, state: &mut State) {
        state.put_all("critic", self.learned.save());
        state.put_all("target", self.target.save());
        ADAMS.into_iter().zip(&self.adams).for_each(|(name, adam)| state.put_all(name, adam.save()));
        state.put("begun", Array::U64(vec![u64::from(self.range.is_some())]));
        state.put("range", Array::F64(vec![2], self.range.unwrap_or_default().to_vec()));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let range = state.f64s("range", 2)?;
        self.range = (state.u64s("begun", 1)?[0] != 0).then_some([range[0], range[1]]);
        self.learned.restore(&state.part("critic"))?;
        self.target.restore(&state.part("target"))?;
        ADAMS.into_iter().zip(&mut self.adams).try_for_each(|(name, adam)| adam.restore(&state.part(name)))
    }
}
