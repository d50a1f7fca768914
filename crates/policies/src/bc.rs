//! `bc`: behaviour cloning, the actions that were taken where the same was seen.
//!
//! Cloning as in Pomerleau, "ALVINN: An Autonomous Land Vehicle in a Neural Network", NeurIPS 1988: a Gaussian with mean `tanh f(s)` and a deviation that depends on what is
//! seen for numbers, a categorical for choices. Rewards are not looked at.
//!
//! ```text
//! choices:  −ln π(a | s)
//! numbers:  ½ K (a − tanh f(s))² − ln N(a; stop(tanh f(s)), σ(s))        K = 1600
//! ```
//!
//! By likelihood alone what is easily foretold grows ever sharper and takes the gradient from all that is not; so the mean is fitted by squares, and the deviation around the mean as it is
//! (Stirn et al., "Faithful Heteroscedastic Regression with Neural Networks", AISTATS 2023). We deviate: the deviation moves the shared layers too, by little beside the squares.

use worldwright_core::{
    ActionHead, Call, Dataset, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result,
    Rng, SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Node, Objective, Predictor, Runner, Store, Unary,
};

use crate::acting::Acting;
use crate::batch::Transitions;
use crate::judging::{Judge, Judged};
use crate::taught::{Taught, Teacher};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "bc",
    summary: "behaviour cloning: does what was done in recorded episodes where the same was seen",
    source: "Pomerleau, NeurIPS 1988",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[256.0, 256.0]),
            summary: "widths of the hidden layers",
        },
        Parameter { name: "batch", default: Default::Integer(256), summary: "transitions an update" },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size" },
        Parameter {
            name: "weight_decay",
            default: Default::Float(1e-4),
            summary: "decoupled decay of the weights, against learning few episodes by heart",
        },
    ],
    build: Build::Imitation(build),
};

/// Bounds on the logarithm of the deviation: below, a recorder without noise would be fitted ever more sharply.
const LOG_STD: [f32; 2] = [-3.0, 0.5];

/// What squares count beside likelihoods: as if the deviation were half of the least that it may be, so that what is to be done comes before how far that spreads.
const SHARPNESS: f32 = 1600.0;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    Ok(Box::new(cloned(context, settings)?))
}

/// What learns from recorded actions.
pub(crate) struct Likelihood {
    batch: usize,
    adam: Adam,
    runner: Runner,
    likelihood: Objective,
    room: Transitions,
    /// Tells how actions spread, for a planner to be guided by.
    judge: Judge,
    /// The graph that tells the logarithm of an action's probability where something is seen.
    tells: (Graph, Node),
}

/// What the layers say: the mean and the logarithm of the deviation, or logits.
fn say(g: &mut Graph, layers: &Mlp, (inputs, head): (usize, &ActionHead)) -> Result<(Node, Option<Node>)> {
    let raw = g.input(inputs);
    // The symmetric logarithm makes worlds in other units alike.
    let seen = g.unary(raw, Unary::Symlog)?;
    let out = layers.record(g, seen)?;
    if head.choices() > 0 {
        return Ok((out, None));
    }
    let columns = head.columns();
    let [mean, log_std] = g.bounded_gaussian(out, columns, LOG_STD)?;
    Ok((g.activation(mean, Activation::Tanh)?, Some(log_std)))
}

/// The logarithm of an action's probability, a column a number of it or one for a choice. Inputs: what is seen, and the action.
fn log_probability(g: &mut Graph, layers: &Mlp, (inputs, head): (usize, &ActionHead)) -> Result<Node> {
    let (first, log_std) = say(g, layers, (inputs, head))?;
    let taken = g.input(head.columns());
    match log_std {
        Some(log_std) => g.gaussian_log_prob(first, log_std, taken),
        None => g.categorical_log_prob(first, taken, head.choices()),
    }
}

pub(crate) fn cloned(context: &PolicyContext, settings: &Settings) -> Result<Taught<Likelihood>> {
    let head = ActionHead::new("bc", &context.action_space)?;
    let hidden = settings.counts_in("hidden", 1, 1 << 14)?;
    let batch = settings.count_in("batch", 1, 1 << 20)?;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs + head.columns());
    cost::memory(&[("batch", batch), ("hidden", widest)], 8.0 * (batch * widest) as f64 * (hidden.len() + 2) as f64)?;
    cost::memory(&[("hidden", widest)], 20.0 * (widest * widest) as f64 * (hidden.len() + 1) as f64)?;
    let mut rng = Key::new(context.seed).fold(0xbc).rng();
    let mut actor = Store::new(1);
    let config = MlpConfig {
        inputs: context.inputs,
        hidden,
        outputs: if head.choices() > 0 { head.choices() } else { 2 * head.columns() },
        activation: Activation::Relu,
        ..MlpConfig::default()
    };
    let layers = Mlp::new(&mut actor, "actor", &config, &mut rng);
    let mut g = Graph::new(1);
    g.learn(&actor);
    let likelihood = match say(&mut g, &layers, (context.inputs, &head))? {
        (mean, Some(log_std)) => {
            let taken = g.input(head.columns());
            let error = g.square_error(mean, taken)?;
            g.minimise(error, 0.5 * SHARPNESS)?;
            let held = g.detach(mean)?;
            g.gaussian_log_prob(held, log_std, taken)?
        }
        (logits, None) => {
            let taken = g.input(head.columns());
            g.categorical_log_prob(logits, taken, head.choices())?
        }
    };
    let likelihood = g.minimise(likelihood, -1.0)?;
    let mut tells = Graph::new(1);
    tells.freeze(&actor);
    let told = log_probability(&mut tells, &layers, (context.inputs, &head))?;
    let mut proposes = Graph::new(1);
    proposes.freeze(&actor);
    let (first, log_std) = say(&mut proposes, &layers, (context.inputs, &head))?;
    let mut judge = Judge::new(&proposes, &[&actor], &Judged { first, log_std, value: None, each: None })?;
    judge.squashes = false;
    let mut acts = Graph::new(1);
    acts.freeze(&actor);
    let (mut action, log_std) = say(&mut acts, &layers, (context.inputs, &head))?;
    if let Some(log_std) = log_std {
        let noise = acts.input(head.columns());
        let std = acts.unary(log_std, Unary::Exp)?;
        let off = acts.mul(std, noise)?;
        action = acts.add(action, off)?;
    }
    let config = AdamConfig {
        learning_rate: settings.float("learning_rate", 0.0, 1.0)? as f32,
        weight_decay: settings.float("weight_decay", 0.0, 1.0)? as f32,
        ..AdamConfig::default()
    };
    let teacher = Likelihood {
        batch,
        adam: Adam::new(&actor, config),
        runner: Runner::new(g, batch),
        likelihood,
        room: Transitions::default(),
        judge,
        tells: (tells, told),
    };
    Ok(Taught { acting: Acting::new("bc", (context.inputs, &head), (&acts, action), actor)?, teacher })
}

impl Learner for Taught<Likelihood> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check("bc")?;
        interrupt.count(Call::Gradient, 1);
        let (acting, Likelihood { batch, adam, runner, likelihood, room, judge, .. }) =
            (&mut self.acting, &mut self.teacher);
        acting.scaling.follow(experience, rng)?;
        room.draw(experience, *batch, (&acting.scaling, acting.head()), (1, 1.0), rng)?;
        let feeds = [Feed::Shared(&room.observations), Feed::Shared(&room.actions)];
        runner.forward_backward(&[acting.actor()], *batch, &feeds)?;
        let loss = runner.loss(0);
        let told = runner.objective(*likelihood, 0);
        acting.learn(adam, runner)?;
        judge.stale = true;
        if !loss.is_finite() {
            let why = format!("its loss became {loss}: try a smaller learning_rate");
            return Err(Error::Diverged { who: "bc".into(), why });
        }
        Ok(vec![("imitation_loss", told)])
    }
}

impl Taught<Likelihood> {
    /// Natural logarithms of the probabilities of recorded actions where they were taken; densities in units of the space for numbers.
    pub(crate) fn log_probabilities(&self, recorded: &Dataset) -> Result<Vec<f64>> {
        let (acting, (graph, told)) = (&self.acting, &self.teacher.tells);
        let (n, o, c) = (recorded.len(), acting.inputs(), acting.head().columns());
        let (mut seen, mut done) = (vec![0.0; n * o], vec![0.0; n * c]);
        for i in 0..n {
            for (d, number) in recorded.observation(i).iter().enumerate() {
                seen[i * o + d] = acting.scaling.of(d, *number);
            }
            acting.head().write_network(recorded.action(i), &mut done[i * c..(i + 1) * c])?;
        }
        let predictor = Predictor::new(graph, &[acting.actor()], &[*told])?;
        let columns = if acting.head().choices() > 0 { 1 } else { c };
        let mut said = vec![0.0; n * columns];
        predictor.predict(&[&seen, &done], &mut [&mut said], &mut predictor.scratch())?;
        // Networks count numbers in halves of their range.
        let halves: f64 = match acting.head() {
            ActionHead::Continuous { half, .. } => half.iter().filter(|half| **half > 0.0).map(|half| half.ln()).sum(),
            ActionHead::Discrete { .. } => 0.0,
        };
        Ok(said.chunks_exact(columns).map(|row| row.iter().map(|x| f64::from(*x)).sum::<f64>() - halves).collect())
    }
}

impl Teacher for Likelihood {
    fn proposes(&self) -> bool {
        true
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        self.judge.refresh(&[acting.actor()])
    }

    fn restore_judge(&mut self, _state: &State) -> Result<()> {
        self.judge.stale = true;
        Ok(())
    }

    fn save(&self, state: &mut State) {
        state.put_all("adam", self.adam.save());
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.adam.restore(&state.part("adam"))
    }
}
