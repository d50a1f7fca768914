//! `iql`: implicit Q-learning, from recorded transitions alone; no action is ever valued that was not taken.
//!
//! With slow targets Q̄ and their least one, V is the τ-expectile of what the recorded actions are worth, which for τ → 1 is the best of them; the critics
//! regress on it, and the actor does more often what is better than that (Kostrikov, Nair and Levine, "Offline Reinforcement Learning with Implicit
//! Q-Learning", ICLR 2022, equations 5 to 7):
//!
//! ```text
//! V:      |τ − 1(u < 0)| u²,  u = min_i Q̄_i(s, a) − V(s)
//! Q_i:    ½ (r + γ (1 − d) V(s') − Q_i(s, a))²
//! actor:  −min(exp(β u), 100) ln π(a | s)
//! ```
//!
//! All three are minimised in one pass. Numbers are a Gaussian with mean `tanh f(s)` and a deviation that is learned for each of them and is the same
//! everywhere, choices a categorical. A deviation that depended on what is seen would shrink where recorded actions are easily told and grow where they are not,
//! and weigh the gradient of the mean by its inverse square, so that little is learned of the second (Seitzer, Tavakoli, Antic and Martius, "On the Pitfalls of
//! Heteroscedastic Uncertainty Estimation with Probabilistic Neural Networks", ICLR 2022, section 3).
//!
//! Unlike the paper, rewards are seen in units of their root mean square, and β is a number in the inverse of these; of inputs the symmetric logarithm is seen.

use worldwright_core::{
    ActionHead, Call, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result, Rng,
    SettingDefault as Default, Settings, State,
};
use worldwright_nn::{Activation, Adam, Graph, Mlp, MlpConfig, Node, Objective, Store, Unary};

use crate::acting::Acting;
use crate::batch::Transitions;
use crate::critics::Critics;
use crate::draws::{Draws, Pass};
use crate::judging::{Judge, Judged};
use crate::networks::{Networks, Said, Spread, convert, least};
use crate::options::{self, Ensemble, Options};
use crate::taught::{Taught, Teacher};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "iql",
    summary: "implicit Q-learning: does more often what recorded episodes did better than usual; for recorded episodes",
    source: "Kostrikov, Nair and Levine, ICLR 2022",
    parameters: &[
        options::HIDDEN,
        options::BATCH,
        options::LEARNING_RATE,
        options::TARGET_RATE,
        options::RETURN_STEPS,
        options::LAYER_NORM,
        options::RESET_EVERY,
        Parameter {
            name: "expectile",
            default: Default::Float(0.7),
            summary: "which of the recorded actions values are of: 0.5 is their mean, towards 1 the best of them",
        },
        Parameter {
            name: "inverse_temperature",
            default: Default::Float(3.0),
            summary: "how much more often better actions are done, in inverse units of the size of rewards; 0 clones them all",
        },
    ],
    build: Build::Experience(build),
};

/// What is saved beside actor and critics.
const ADAMS: [&str; 2] = ["adam.actor", "adam.value"];
/// Two, of which the least is believed.
const CRITICS: Ensemble = Ensemble { critics: 2, believed: 2, dropout: 0.0 };
/// What the value is saved as, and its layers are named.
const VALUE: &str = "value";
/// Logarithm of the most that an action counts more than another.
const MOST_LOG_WEIGHT: f32 = 4.605_17;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    Ok(Box::new(taught(context, settings)?))
}

/// Critics and value.
struct Values {
    discount: f64,
    batch: usize,
    /// Rewards that a target adds up before it trusts the value.
    steps: usize,
    /// Updates after which networks begin anew; 0 never.
    reset_every: u64,
    /// Hidden layers of the value.
    layers: usize,
    critics: Critics,
    value: Store,
    /// Of the actor and of the value.
    adams: [Adam; 2],
    pass: Pass,
    objectives: Objectives,
    judge: Judge,
    room: Transitions,
}

/// The pass's objectives, to tell their losses by.
struct Objectives {
    critics: Vec<Objective>,
    value: Objective,
    actor: Objective,
}

fn taught(context: &PolicyContext, settings: &Settings) -> Result<Taught<Values>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let mut options = Options::read(settings, context.inputs, &head, CRITICS)?;
    options.shape.spread = Spread::Everywhere;
    let mut rng = Key::new(context.seed).fold(0x191).rng();
    let networks = Networks::new(context.inputs, &head, &options.shape, &mut rng);
    let config = MlpConfig {
        inputs: context.inputs,
        hidden: options.shape.hidden.clone(),
        outputs: 1,
        activation: Activation::Relu,
        norm: options.shape.critic_norm,
        ..MlpConfig::default()
    };
    let mut value = Store::new(1);
    let value_layers = Mlp::new(&mut value, VALUE, &config, &mut rng);
    let (actor, critics) = (networks.actor.clone(), Critics::new(&networks, &options));
    let expectile = settings.float("expectile", 0.5, 0.999)? as f32;
    let sharpness = settings.float("inverse_temperature", 0.0, 1e3)? as f32;
    let stores = [&actor, &critics.store, &critics.target, &value];
    let (graph, objectives) = pass(&networks, &value_layers, stores, expectile, sharpness)?;
    let mut acts = Graph::new(1);
    acts.freeze(&actor);
    let seen = networks.see(&mut acts)?;
    let action = match networks.say(&mut acts, seen)? {
        Said::Gaussian(mean, log_std) => {
            let (mode, noise) = (acts.activation(mean, Activation::Tanh)?, acts.input(networks.columns));
            let std = acts.unary(log_std, Unary::Exp)?;
            let off = acts.mul(std, noise)?;
            acts.add(mode, off)?
        }
        Said::Logits(logits) => logits,
    };
    let mut judges = Graph::new(1);
    let seen = networks.see(&mut judges)?;
    judges.freeze(&actor);
    let first = match networks.say(&mut judges, seen)? {
        Said::Gaussian(mean, _) => judges.activation(mean, Activation::Tanh)?,
        Said::Logits(logits) => logits,
    };
    judges.freeze(&value);
    let judged = Judged { first, log_std: None, value: Some(value_layers.record(&mut judges, seen)?), each: None };
    let teacher = Values {
        discount: context.discount,
        batch: options.batch,
        steps: options.steps,
        reset_every: options.reset_every,
        layers: options.shape.hidden.len(),
        adams: [&actor, &value].map(|store| Adam::new(store, options.adam)),
        pass: Pass::new(graph, Draws::default(), options.batch),
        objectives,
        judge: Judge::new(&judges, &[&actor, &value], &judged)?,
        room: Transitions::default(),
        critics,
        value,
    };
    Ok(Taught { acting: Acting::new(ENTRY.name, (context.inputs, &head), (&acts, action), actor)?, teacher })
}

/// The pass that teaches all of them. Inputs: observations, actions, rewards, discounts, next observations.
fn pass(
    networks: &Networks,
    value_layers: &Mlp,
    [actor, critic, target, value]: [&Store; 4],
    expectile: f32,
    sharpness: f32,
) -> Result<(Graph, Objectives)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    let action = g.input(networks.columns);
    let (reward, discount) = (g.input(1), g.input(1));
    let next = networks.see(&mut g)?;
    g.freeze(target);
    let taken = networks.judge_taken(&mut g, None, seen, action)?;
    let taken = least(&mut g, &taken)?;
    g.learn(value);
    let here = value_layers.record(&mut g, seen)?;
    let advantage = g.sub(taken, here)?;
    let loss = expectile_loss(&mut g, advantage, expectile)?;
    let value_objective = g.minimise(loss, 1.0)?;
    let there = value_layers.record(&mut g, next)?;
    let there = g.detach(there)?;
    let future = g.mul(there, discount)?;
    let goal = g.add(reward, future)?;
    g.learn(critic);
    let mut critics = Vec::new();
    for judged in networks.judge_taken(&mut g, None, seen, action)? {
        let error = g.square_error(judged, goal)?;
        critics.push(g.minimise(error, 0.5)?);
    }
    let advantage = g.detach(advantage)?;
    // The greatest is bounded by negation: there is a floor, and no ceiling.
    let turned = g.affine(advantage, -sharpness, 0.0)?;
    let turned = g.floor(turned, -MOST_LOG_WEIGHT)?;
    let log_weight = g.affine(turned, -1.0, 0.0)?;
    let weight = g.unary(log_weight, Unary::Exp)?;
    g.learn(actor);
    let likelihood = match networks.say(&mut g, seen)? {
        Said::Gaussian(mean, log_std) => {
            let mode = g.activation(mean, Activation::Tanh)?;
            let each = g.gaussian_log_prob(mode, log_std, action)?;
            g.sum_columns(each)?
        }
        Said::Logits(logits) => g.categorical_log_prob(logits, action, networks.choices)?,
    };
    let weighed = g.mul(likelihood, weight)?;
    let actor = g.minimise(weighed, -1.0)?;
    Ok((g, Objectives { critics, value: value_objective, actor }))
}

/// `|τ − 1(u < 0)| u²`.
fn expectile_loss(g: &mut Graph, u: Node, expectile: f32) -> Result<Node> {
    let above = g.floor(u, 0.0)?;
    let turned = g.affine(u, -1.0, 0.0)?;
    let below = g.floor(turned, 0.0)?;
    let (above, below) = (g.unary(above, Unary::Square)?, g.unary(below, Unary::Square)?);
    let (above, below) = (g.affine(above, expectile, 0.0)?, g.affine(below, 1.0 - expectile, 0.0)?);
    g.add(above, below)
}

impl Learner for Taught<Values> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(ENTRY.name)?;
        interrupt.count(Call::Gradient, 3);
        let (acting, values) = (&mut self.acting, &mut self.teacher);
        let units = acting.scaling.follow(experience, rng)?;
        if units != 1.0 {
            values.critics.convert(units as f32)?;
            convert(&mut values.value, (&[VALUE.to_owned()], values.layers), units as f32)?;
        }
        let room = &mut values.room;
        room.draw(experience, values.batch, (&acting.scaling, acting.head()), (values.steps, values.discount), rng)?;
        if values.reset_every > 0 && values.critics.steps() >= values.reset_every {
            values.critics.begin_anew(rng)?;
            acting.actor_mut().reinitialise(rng);
            values.value.reinitialise(rng);
            values.adams.iter_mut().for_each(Adam::reset);
        }
        let worth = (1.0 / acting.scaling.reward()) as f32;
        room.rewards.iter_mut().for_each(|reward| *reward *= worth);
        let given = [&room.observations, &room.actions, &room.rewards, &room.discounts, &room.next_observations];
        let stores = [acting.actor(), &values.critics.store, &values.critics.target, &values.value];
        values.pass.run(&stores, given.map(Vec::as_slice), rng)?;
        let loss = |objective: &Objective| values.pass.runner().objective(*objective, 0);
        let critic_loss: f64 = values.objectives.critics.iter().map(loss).sum();
        let (value_loss, actor_loss) = (loss(&values.objectives.value), loss(&values.objectives.actor));
        acting.learn(&mut values.adams[0], values.pass.runner())?;
        values.critics.learn(&values.pass)?;
        values.critics.follow()?;
        values.adams[1].step(&mut values.value, values.pass.runner())?;
        values.judge.stale = true;
        if !(critic_loss.is_finite() && value_loss.is_finite() && actor_loss.is_finite()) {
            let why = format!(
                "the losses of critics, value and actor became {critic_loss}, {value_loss} and {actor_loss}: try a smaller learning_rate"
            );
            return Err(Error::Diverged { who: ENTRY.name.into(), why });
        }
        Ok(vec![("critic_loss", critic_loss), ("value_loss", value_loss), ("actor_loss", actor_loss)])
    }
}

impl Teacher for Values {
    fn judges(&self) -> bool {
        true
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        self.judge.refresh(&[acting.actor(), &self.value])
    }

    fn save_judge(&self, state: &mut State) {
        state.put_all(VALUE, self.value.save());
    }

    fn restore_judge(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.value.restore(&state.part(VALUE))
    }

    fn save(&self, state: &mut State) {
        self.critics.save(state);
        state.put_all(VALUE, self.value.save());
        ADAMS.into_iter().zip(&self.adams).for_each(|(name, adam)| state.put_all(name, adam.save()));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.critics.restore(state)?;
        self.value.restore(&state.part(VALUE))?;
        ADAMS.into_iter().zip(&mut self.adams).try_for_each(|(name, adam)| adam.restore(&state.part(name)))
    }
}
