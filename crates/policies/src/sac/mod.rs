//! `sac`: soft actor-critic, off-policy, with two critics and a temperature that is learned.
//!
//! The critics regress on `y = r + γ (1 − d) (min_i Q̄_i(s', a') − α ln π(a'|s'))` with `a' ~ π` and slow targets Q̄, the actor minimises
//! `α ln π(a|s) − min_i Q_i(s, a)`, and the temperature moves so that the entropy meets its target (Haarnoja, Zhou, Hartikainen, Tucker, Ha, Tan, Kumar,
//! Zhu, Gupta, Abbeel and Levine, "Soft Actor-Critic Algorithms and Applications", 2018). Choices are averaged over instead of drawn (Christodoulou,
//! "Soft Actor-Critic for Discrete Action Settings", 2019). An episode that was cut is no end of the task: its last step bootstraps.
//!
//! Unlike the papers, targets that add up several rewards (`return_steps`) count no entropy between them, networks see their inputs in units of the deviation of what was experienced, and of these the symmetric logarithm, and rewards in units of
//! their root mean square, so that a world in other units is learned alike.

mod conservative;
mod graphs;
mod telling;

use worldwright_core::{
    ActionHead, Call, Columns, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result,
    Rng, SettingDefault as Default, Settings, State,
};
use worldwright_nn::{Adam, Init, Node, Parameter as LogTemperature, Store};

use self::conservative::Conservatism;
pub(crate) use self::conservative::ENTRY as CONSERVATIVE;
use self::graphs::{acting, improvement, judging, regression, regulation};
use self::telling::Telling;
use crate::acting::Acting;
use crate::batch::Transitions;
use crate::critics::Critics;
use crate::draws::{Draws, Pass};
use crate::judging::Judge;
use crate::networks::Networks;
use crate::options::{self, Ensemble, Options};
use crate::taught::{Taught, Teacher};
use crate::{Build, PolicyContext};

const PARAMETERS: [Parameter; 12] = [
    options::HIDDEN,
    options::BATCH,
    options::LEARNING_RATE,
    options::TARGET_RATE,
    options::RETURN_STEPS,
    options::CRITICS,
    options::TARGET_CRITICS,
    options::LAYER_NORM,
    options::DROPOUT,
    options::RESET_EVERY,
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
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "sac",
    summary: "soft actor-critic: two critics, a stochastic actor and a learned temperature; learns from any transitions",
    source: "Haarnoja et al., 2018; Christodoulou, 2019, for choices",
    parameters: &PARAMETERS,
    build: Build::Experience(|context, settings| Ok(Box::new(taught(ENTRY.name, context, settings, None)?))),
};

/// What is saved beside actor and critics.
const TEMPERATURE: &str = "temperature";
const ADAMS: [&str; 2] = ["adam.actor", "adam.temperature"];

/// The critics and the temperature.
struct Soft {
    name: &'static str,
    discount: f64,
    /// Rewards that a target adds up before it trusts the critics.
    steps: usize,
    batch: usize,
    /// Updates after which networks begin anew; 0 never.
    reset_every: u64,
    entropy: f32,
    critics: Critics,
    temperature: Store,
    judge: Judge,
    telling: Telling,
    /// Of the actor and of the temperature.
    adams: [Adam; 2],
    /// With the estimate of the entropy.
    actor_pass: (Pass, Node),
    critic_pass: Pass,
    temperature_pass: (Pass, LogTemperature),
    // Room for a batch: the transitions, and `[B]` temperatures and entropies.
    room: Transitions,
    temperatures: Vec<f32>,
    entropies: Vec<f32>,
}

fn taught(
    name: &'static str,
    context: &PolicyContext,
    settings: &Settings,
    conservatism: Option<Conservatism>,
) -> Result<Taught<Soft>> {
    let head = ActionHead::new(name, &context.action_space)?;
    let options = Options::read(settings, context.inputs, &head, Ensemble::read(settings)?)?;
    let mut rng = Key::new(context.seed).fold(0x5ac).rng();
    let networks = Networks::new(context.inputs, &head, &options.shape, &mut rng);
    let (actor, critics) = (networks.actor.clone(), Critics::new(&networks, &options));
    let mut temperature = Store::new(1);
    let start = settings.float("initial_temperature", 1e-6, 1e6)?.ln() as f32;
    let log_temperature = temperature.parameter("log_temperature", 1, 1, Init::Constant(start), &mut rng);
    let batch = options.batch;
    let pass = |(graph, draws)| Pass::new(graph, draws, batch);
    let (improvement, entropy) = improvement(&networks, &actor, &critics)?;
    let regulation = regulation(&temperature, log_temperature)?;
    let (acting, action) = acting(&networks, &actor)?;
    let (judging, judged) = judging(&networks, &actor, &critics.store)?;
    let aim = settings.float("target_entropy", -1e3, 1e3)? as f32;
    let teacher = Soft {
        name,
        discount: context.discount,
        steps: options.steps,
        batch,
        reset_every: options.reset_every,
        entropy: match head.choices() {
            0 => -aim * head.columns() as f32,
            choices => 0.5 * aim * (choices as f32).ln(),
        },
        adams: [&actor, &temperature].map(|store| Adam::new(store, options.adam)),
        actor_pass: (pass(improvement), entropy),
        critic_pass: pass(regression(&networks, &actor, &critics, conservatism.as_ref())?),
        temperature_pass: (Pass::new(regulation, Draws::default(), batch), log_temperature),
        room: Transitions::default(),
        temperatures: vec![0.0; batch],
        entropies: vec![0.0; batch],
        judge: Judge::new(&judging, &[&actor, &critics.store], &judged)?,
        telling: Telling::new(&networks, &actor, &critics.store)?,
        critics,
        temperature,
    };
    Ok(Taught { acting: Acting::new(name, (context.inputs, &head), (&acting, action), actor)?, teacher })
}

impl Soft {
    /// Takes what was learned into other units of reward, of which so many make one of the old.
    fn convert(&mut self, units: f32) -> Result<()> {
        self.critics.convert(units)?;
        let temperature = (units * self.temperature()?).max(f32::MIN_POSITIVE);
        self.temperature.set(self.temperature_pass.1, &[temperature.ln()])
    }

    /// What the entropy that is aimed at adds to values in all, in units of the size of rewards.
    fn entropy_worth(&self) -> Result<f32> {
        let ahead = if self.discount < 1.0 { self.discount / (1.0 - self.discount) } else { 0.0 };
        Ok(self.temperature()? * self.entropy * ahead as f32)
    }

    /// What entropy may add to values at most, in units of the size of rewards.
    fn most_entropy_worth(&self, head: &ActionHead) -> Result<f64> {
        let most = match head.choices() {
            // Of numbers in [−1, 1].
            0 => head.columns() as f64 * std::f64::consts::LN_2,
            choices => (choices as f64).ln(),
        };
        let steps = if self.discount < 1.0 { 1.0 / (1.0 - self.discount) } else { f64::INFINITY };
        Ok(f64::from(self.temperature()?) * most.max(2.0 * f64::from(self.entropy).abs()) * steps)
    }

    /// What is packed to judge and to tell by is of numbers that have changed.
    fn forget_packs(&mut self) {
        (self.judge.stale, self.telling.stale) = (true, true);
    }

    /// α, what a nat of entropy is worth.
    fn temperature(&self) -> Result<f32> {
        Ok(self.temperature.get(self.temperature_pass.1)?.first().copied().unwrap_or(0.0).exp())
    }
}

impl Learner for Taught<Soft> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(self.teacher.name)?;
        interrupt.count(Call::Gradient, 3);
        let (acting, soft) = (&mut self.acting, &mut self.teacher);
        let temperature = soft.temperature()?;
        soft.temperatures.fill(temperature);
        let units = acting.scaling.follow(experience, rng)?;
        if units != 1.0 {
            soft.convert(units as f32)?;
        }
        soft.room.draw(experience, soft.batch, (&acting.scaling, acting.head()), (soft.steps, soft.discount), rng)?;
        if soft.reset_every > 0 && soft.critics.steps() >= soft.reset_every {
            soft.critics.begin_anew(rng)?;
            acting.actor_mut().reinitialise(rng);
            soft.temperature.reinitialise(rng);
            let temperature = soft.temperature()?;
            soft.temperatures.fill(temperature);
            soft.adams.iter_mut().for_each(Adam::reset);
        }
        let slack = soft.most_entropy_worth(acting.head())?;
        soft.room.bound(acting.scaling.reward(), slack);
        let room = &soft.room;
        let given = [
            &room.observations,
            &room.actions,
            &room.rewards,
            &room.discounts,
            &room.next_observations,
            &soft.temperatures,
            &room.least,
            &room.most,
        ];
        let stores = [acting.actor(), &soft.critics.store, &soft.critics.target];
        let critic_loss = soft.critic_pass.run(&stores, given.map(Vec::as_slice), rng)?;
        soft.critics.learn(&soft.critic_pass)?;
        soft.critics.follow()?;
        let (pass, entropy) = &mut soft.actor_pass;
        let stores = [acting.actor(), &soft.critics.store];
        let actor_loss = pass.run(&stores, [&room.observations, &soft.temperatures], rng)?;
        pass.runner().read(*entropy, &mut soft.entropies)?;
        acting.learn(&mut soft.adams[0], pass.runner())?;
        let entropy = soft.entropies.iter().map(|entropy| f64::from(*entropy)).sum::<f64>() / soft.batch as f64;
        soft.entropies.iter_mut().for_each(|entropy| *entropy -= soft.entropy);
        let (pass, _) = &mut soft.temperature_pass;
        pass.run(&[&soft.temperature], [&soft.entropies], rng)?;
        soft.adams[1].step(&mut soft.temperature, pass.runner())?;
        soft.forget_packs();
        if !(critic_loss.is_finite() && actor_loss.is_finite()) {
            let why = format!(
                "the losses of critics and actor became {critic_loss} and {actor_loss}: try a smaller learning_rate"
            );
            return Err(Error::Diverged { who: soft.name.into(), why });
        }
        Ok(vec![
            ("critic_loss", critic_loss),
            ("actor_loss", actor_loss),
            ("entropy", entropy),
            ("temperature", f64::from(soft.temperature()?) * acting.scaling.reward()),
        ])
    }
}

impl Teacher for Soft {
    fn judges(&self) -> bool {
        true
    }

    fn critics(&self) -> usize {
        self.critics.ensemble.critics
    }

    fn is_soft(&self) -> bool {
        true
    }

    fn values(&mut self, acting: &Acting, inputs: Columns<'_>, rng: &mut Rng, out: [&mut [f64]; 2]) -> Result<()> {
        let temperature = self.temperature()?;
        self.telling.values((acting, &self.critics.store, temperature), inputs, rng, out)
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        let worth = self.entropy_worth()?;
        let judge = self.judge.refresh(&[acting.actor(), &self.critics.store])?;
        judge.entropy_worth = worth;
        Ok(judge)
    }

    fn save_judge(&self, state: &mut State) {
        self.critics.save_judge(state);
        state.put_all(TEMPERATURE, self.temperature.save());
    }

    fn restore_judge(&mut self, state: &State) -> Result<()> {
        self.forget_packs();
        if self.critics.restore_judge(state)? {
            self.temperature.restore(&state.part(TEMPERATURE))?;
        }
        Ok(())
    }

    fn save(&self, state: &mut State) {
        self.critics.save(state);
        self.room.returns.save(state);
        state.put_all(TEMPERATURE, self.temperature.save());
        ADAMS.into_iter().zip(&self.adams).for_each(|(name, adam)| state.put_all(name, adam.save()));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.forget_packs();
        self.critics.restore(state)?;
        self.room.returns.restore(state)?;
        self.temperature.restore(&state.part(TEMPERATURE))?;
        ADAMS.into_iter().zip(&mut self.adams).try_for_each(|(name, adam)| adam.restore(&state.part(name)))
    }
}
