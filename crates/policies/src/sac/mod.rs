//! `sac`: soft actor-critic, off-policy, with two critics and a temperature that is learned.
//!
//! The critics regress on `y = r + γ (1 − d) (min_i Q̄_i(s', a') − α ln π(a'|s'))` with `a' ~ π` and slow targets Q̄, the actor minimises
//! `α ln π(a|s) − min_i Q_i(s, a)`, and the temperature moves so that the entropy meets its target (Haarnoja, Zhou, Hartikainen, Tucker, Ha, Tan, Kumar,
//! Zhu, Gupta, Abbeel and Levine, "Soft Actor-Critic Algorithms and Applications", 2018). Choices are averaged over instead of drawn (Christodoulou,
//! "Soft Actor-Critic for Discrete Action Settings", 2019). An episode that was cut is no end of the task: its last step bootstraps.
//!
//! Unlike the papers, networks see their inputs in units of the deviation of what was experienced, and of these the symmetric logarithm, and rewards in units of
//! their root mean square, so that a world in other units is learned alike.

mod graphs;

use worldwright_core::{
    ActionHead, Call, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result, Rng,
    SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{Adam, AdamConfig, Feed, Init, Runner, Store};

use self::graphs::{ActorGraph, CriticGraph, TemperatureGraph, acting, judging};
use crate::acting::Acting;
use crate::batch::Transitions;
use crate::judging::Judge;
use crate::networks::{Networks, Shape};
use crate::taught::{Taught, Teacher};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "sac",
    summary: "soft actor-critic: two critics, a stochastic actor and a learned temperature; learns from any transitions",
    source: "Haarnoja et al., 2018; Christodoulou, 2019, for choices",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[256.0, 256.0]),
            summary: "widths of the hidden layers of actor and critics",
        },
        Parameter { name: "batch", default: Default::Integer(256), summary: "transitions an update" },
        Parameter {
            name: "learning_rate",
            default: Default::Float(1e-3),
            summary: "step size of actor, critics and temperature",
        },
        Parameter {
            name: "target_rate",
            default: Default::Float(0.005),
            summary: "share by which the slow critics move towards the critics at each update",
        },
        Parameter {
            name: "return_steps",
            default: Default::Integer(1),
            summary: "rewards that a target adds up before it trusts the critics; beyond 1, of transitions that other policies made",
        },
        Parameter {
            name: "initial_temperature",
            default: Default::Float(0.1),
            summary: "what a nat of entropy is worth at first, in units of the size of rewards",
        },
        Parameter {
            name: "target_entropy",
            default: Default::Float(1.0),
            summary: "entropy that the temperature aims at: nats below none a dimension of a continuous action, for choices half of \
                      this share of the most",
        },
    ],
    build: Build::Experience(build),
};

/// What is saved beside the actor, by its name.
const STORES: [&str; 3] = ["critic", "target", "temperature"];
const ADAMS: [&str; 3] = ["adam.actor", "adam.critic", "adam.temperature"];

/// Two, of which the least is believed.
const CRITICS: usize = 2;

/// Numbers that a batch holds at most.
const MOST_BATCH: usize = 1 << 20;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    Ok(Box::new(taught(context, settings)?))
}

/// The critics and the temperature.
struct Critics {
    discount: f64,
    /// Rewards that a target adds up before it trusts the critics.
    steps: usize,
    batch: usize,
    target_rate: f32,
    entropy: f32,
    critic: Store,
    target: Store,
    temperature: Store,
    judge: Judge,
    /// Hidden layers of each critic.
    layers: usize,
    adams: [Adam; 3],
    actor_pass: (Runner, ActorGraph),
    critic_pass: (Runner, CriticGraph),
    temperature_pass: (Runner, TemperatureGraph),
    // Room for a batch: the transitions, and `[B]` temperatures and entropies, `[B][A]` noise.
    room: Transitions,
    temperatures: Vec<f32>,
    entropies: Vec<f32>,
    noise: Vec<f32>,
}

fn taught(context: &PolicyContext, settings: &Settings) -> Result<Taught<Critics>> {
    let head = ActionHead::new("sac", &context.action_space)?;
    let hidden = settings.counts_in("hidden", 1, 1 << 14)?;
    let batch = settings.count_in("batch", 1, MOST_BATCH)?;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs + head.columns());
    // Values and gradients of every layer of five passes.
    cost::memory(&[("batch", batch), ("hidden", widest)], 40.0 * (batch * widest) as f64 * (hidden.len() + 2) as f64)?;
    cost::memory(&[("hidden", widest)], 60.0 * (widest * widest) as f64 * (hidden.len() + 1) as f64)?;
    let rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    let mut rng = Key::new(context.seed).fold(0x5ac).rng();
    let layers = hidden.len();
    let shape = Shape { hidden, critics: CRITICS, critic_norm: None, spreads: true };
    let networks = Networks::new(context.inputs, &head, &shape, &mut rng);
    let Networks { actor, critic, .. } = &networks;
    let (actor, critic) = (actor.clone(), critic.clone());
    let target = critic.twin();
    let mut temperature = Store::new(1);
    let start = settings.float("initial_temperature", 1e-6, 1e6)?.ln() as f32;
    let log_temperature = temperature.parameter("log_temperature", 1, 1, Init::Constant(start), &mut rng);
    let critic_graph = CriticGraph::new(&networks, &actor, &critic, &target)?;
    let actor_graph = ActorGraph::new(&networks, &actor, &critic)?;
    let temperature_graph = TemperatureGraph::new(&temperature, log_temperature)?;
    let (acting, action) = acting(&networks, &actor)?;
    let (judging, judged) = judging(&networks, &actor, &critic)?;
    let config = AdamConfig { learning_rate: rate, ..AdamConfig::default() };
    let aim = settings.float("target_entropy", -1e3, 1e3)? as f32;
    let entropy = match head.choices() {
        0 => -aim * head.columns() as f32,
        choices => 0.5 * aim * (choices as f32).ln(),
    };
    let teacher = Critics {
        discount: context.discount,
        steps: settings.count_in("return_steps", 1, 1000)?,
        batch,
        target_rate: settings.float("target_rate", 0.0, 1.0)? as f32,
        entropy,
        adams: [&actor, &critic, &temperature].map(|store| Adam::new(store, config)),
        actor_pass: (Runner::new(actor_graph.graph.clone(), batch), actor_graph),
        critic_pass: (Runner::new(critic_graph.graph.clone(), batch), critic_graph),
        temperature_pass: (Runner::new(temperature_graph.graph.clone(), batch), temperature_graph),
        room: Transitions::default(),
        temperatures: vec![0.0; batch],
        entropies: vec![0.0; batch],
        layers,
        judge: Judge::new(&judging, &[&actor, &critic], &judged)?,
        noise: vec![0.0; if head.choices() == 0 { batch * head.columns() } else { 0 }],
        critic,
        target,
        temperature,
    };
    Ok(Taught { acting: Acting::new("sac", (context.inputs, &head), (&acting, action), actor)?, teacher })
}

impl Critics {
    /// Takes what was learned into other units of reward, of which so many make one of the old.
    fn convert(&mut self, units: f32) -> Result<()> {
        for store in [&mut self.critic, &mut self.target] {
            Networks::convert(store, (CRITICS, self.layers), units)?;
        }
        let temperature = self.temperature()?;
        let log_temperature = self.temperature_pass.1.log_temperature;
        self.temperature.set(log_temperature, &[(units * temperature).max(f32::MIN_POSITIVE).ln()])
    }

    /// What the entropy that is aimed at adds to values in all, in units of the size of rewards.
    fn entropy_worth(&self) -> Result<f32> {
        let ahead = if self.discount < 1.0 { self.discount / (1.0 - self.discount) } else { 0.0 };
        Ok(self.temperature()? * self.entropy * ahead as f32)
    }

    /// α, what a nat of entropy is worth.
    fn temperature(&self) -> Result<f32> {
        let pass = &self.temperature_pass.1;
        Ok(self.temperature.get(pass.log_temperature)?.first().copied().unwrap_or(0.0).exp())
    }
}

impl Learner for Taught<Critics> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check("sac")?;
        interrupt.count(Call::Gradient, 3);
        let (acting, critics) = (&mut self.acting, &mut self.teacher);
        let n = critics.batch;
        let temperature = critics.temperature()?;
        critics.temperatures.fill(temperature);
        let units = acting.scaling.follow(experience, rng)?;
        if units != 1.0 {
            critics.convert(units as f32)?;
        }
        critics.room.draw(experience, n, (&acting.scaling, acting.head()), (critics.steps, critics.discount), rng)?;
        let worth = (1.0 / acting.scaling.reward()) as f32;
        critics.room.rewards.iter_mut().for_each(|reward| *reward *= worth);
        // Choices are averaged over, so that their graphs take no noise.
        let noises = usize::from(!critics.noise.is_empty());
        rng.fill_normal(&mut critics.noise);
        let (runner, _) = &mut critics.critic_pass;
        let feeds = [
            &critics.room.observations,
            &critics.room.actions,
            &critics.room.rewards,
            &critics.room.discounts,
            &critics.room.next_observations,
            &critics.temperatures,
            &critics.noise,
        ]
        .map(|numbers| Feed::Shared(numbers));
        runner.forward_backward(&[acting.actor(), &critics.critic, &critics.target], n, &feeds[..6 + noises])?;
        let critic_loss = runner.loss(0);
        critics.adams[1].step(&mut critics.critic, runner)?;
        critics.target.follow(&critics.critic, critics.target_rate)?;
        rng.fill_normal(&mut critics.noise);
        let (runner, graph) = &mut critics.actor_pass;
        let feeds = [&critics.room.observations, &critics.temperatures, &critics.noise];
        let feeds = feeds.map(|numbers| Feed::Shared(numbers));
        runner.forward_backward(&[acting.actor(), &critics.critic], n, &feeds[..2 + noises])?;
        let actor_loss = runner.loss(0);
        runner.read(graph.entropy, &mut critics.entropies)?;
        acting.learn(&mut critics.adams[0], runner)?;
        let entropy = critics.entropies.iter().map(|entropy| f64::from(*entropy)).sum::<f64>() / n as f64;
        critics.entropies.iter_mut().for_each(|entropy| *entropy -= critics.entropy);
        let (runner, _) = &mut critics.temperature_pass;
        runner.forward_backward(&[&critics.temperature], n, &[Feed::Shared(&critics.entropies)])?;
        critics.adams[2].step(&mut critics.temperature, runner)?;
        critics.judge.stale = true;
        if !(critic_loss.is_finite() && actor_loss.is_finite()) {
            let why = format!(
                "the losses of critics and actor became {critic_loss} and {actor_loss}: try a smaller learning_rate"
            );
            return Err(Error::Diverged { who: "sac".into(), why });
        }
        Ok(vec![
            ("critic_loss", critic_loss),
            ("actor_loss", actor_loss),
            ("entropy", entropy),
            ("temperature", f64::from(critics.temperature()?) * acting.scaling.reward()),
        ])
    }
}

impl Teacher for Critics {
    fn judges(&self) -> bool {
        true
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        let worth = self.entropy_worth()?;
        let judge = self.judge.refresh(&[acting.actor(), &self.critic])?;
        judge.entropy_worth = worth;
        Ok(judge)
    }

    fn save_judge(&self, state: &mut State) {
        state.put_all(STORES[0], self.critic.save());
        state.put_all(STORES[2], self.temperature.save());
    }

    fn restore_judge(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        // Bundles of earlier versions have an actor alone.
        let critic = state.part(STORES[0]);
        if critic.iter().next().is_none() {
            return Ok(());
        }
        self.critic.restore(&critic)?;
        self.temperature.restore(&state.part(STORES[2]))
    }

    fn save(&self, state: &mut State) {
        let stores = [&self.critic, &self.target, &self.temperature];
        STORES.into_iter().zip(stores).for_each(|(name, store)| state.put_all(name, store.save()));
        ADAMS.into_iter().zip(&self.adams).for_each(|(name, adam)| state.put_all(name, adam.save()));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        for (name, store) in STORES.into_iter().zip([&mut self.critic, &mut self.target, &mut self.temperature]) {
            store.restore(&state.part(name))?;
        }
        ADAMS.into_iter().zip(&mut self.adams).try_for_each(|(name, adam)| adam.restore(&state.part(name)))
    }
}
