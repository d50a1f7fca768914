//! `value-ensemble`: what states are worth, told by networks that disagree where nobody has been.
//!
//! Each of K networks says `V_k(s) = f_k(s) + p g_k(s)`, with f learned and g a random network that is never touched (Osband, Aslanides and Cassirer, "Randomized Prior Functions for
//! Deep Reinforcement Learning", NeurIPS 2018). All learn the same target, the mean over members at the end of several real steps, so that they agree where experience is and keep
//! their priors' disagreement elsewhere: `y = Σ_i γ^i r_i + γ^n mean_k V_k(s_n)`. A planner that looks for what nobody knows yet ends in `(1/κ) log mean_k exp(κ V_k)`, which is close to
//! the mean where members agree and to the highest of them where they do not (Lowrey, Rajeswaran, Kakade, Todorov and Mordatch, "Plan Online, Learn Offline: Efficient Learning and
//! Exploration via Model-Based Control", ICLR 2019, equations 6 and 7).
//!
//! Unlike the paper: targets are returns of what was really done rather than of plans made anew, slow networks tell the targets, and values are in units of what the largest
//! rewards so far would add up to, `r/(1 − γ)`: a prior that is small beside what it costs to look would never be looked at, whatever the world's units.

use worldwright_core::{
    ActionHead, Array, Call, Columns, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist,
    Result, Rng, SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Node, Predictor, Runner, Scratch, Store, Unary,
};

use crate::batch::Transitions;
use crate::networks::Networks;
use crate::scaling::Scaling;
use crate::{Build, LearnedValue, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "value-ensemble",
    summary: "what states are worth, by networks that disagree where nobody has been: no policy of its own, but an end for plans",
    source: "Lowrey et al., ICLR 2019; Osband et al., NeurIPS 2018",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[64.0, 64.0]),
            summary: "widths of the hidden layers of each network",
        },
        Parameter { name: "batch", default: Default::Integer(256), summary: "transitions an update" },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of all that is learned" },
        Parameter {
            name: "target_rate",
            default: Default::Float(0.02),
            summary: "share by which slow networks, which tell the targets, move at each update",
        },
        Parameter { name: "members", default: Default::Integer(6), summary: "networks" },
        Parameter {
            name: "prior_scale",
            default: Default::Float(10.0),
            summary: "factor on the random networks, in units of what the first rewards may add up to",
        },
        Parameter {
            name: "optimism",
            default: Default::Float(100.0),
            summary: "how much the highest of them counts while exploring: 0 is the mean, and many the highest alone",
        },
        Parameter {
            name: "return_steps",
            default: Default::Integer(16),
            summary: "rewards that a target adds up before it trusts the networks",
        },
    ],
    build: Build::Value(build),
};

/// What layers are called, which [`Networks::convert`] knows.
const LAYERS: &str = "first";
const LEARNED: &str = "learned";
const PRIOR: &str = "prior";
const TARGET: &str = "target";
const ADAM: &str = "adam";
/// Steps whose rewards count at most, where nothing is discounted.
const MOST_STEPS: f64 = 1000.0;

/// The networks.
struct ValueEnsemble {
    members: usize,
    hidden: usize,
    optimism: f64,
    batch: usize,
    steps: usize,
    discount: f64,
    target_rate: f32,
    head: ActionHead,
    learned: Store,
    target: Store,
    prior: Store,
    adam: Adam,
    runner: Runner,
    /// Those that were learned last, and the slow ones.
    predictors: [Predictor; 2],
    scratch: Scratch,
    stale: bool,
    scaling: Scaling,
    /// What values are in units of: the largest size that rewards had, times the steps that count.
    unit: f64,
    room: Transitions,
    seen: Vec<f32>,
    /// `[member][n]`
    values: Vec<Vec<f32>>,
    goals: Vec<f32>,
}

/// What a member says of an input: what it learned, and its prior.
fn say(g: &mut Graph, layers: [&Mlp; 2], inputs: usize, prior_scale: f32) -> Result<Node> {
    let raw = g.input(inputs);
    let seen = g.unary(raw, Unary::Symlog)?;
    let [learned, prior] = [layers[0].record(g, seen)?, layers[1].record(g, seen)?];
    let prior = g.affine(prior, prior_scale, 0.0)?;
    g.add(learned, prior)
}

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedValue>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let hidden = settings.counts_in("hidden", 1, 1 << 14)?;
    let (batch, members) = (settings.count_in("batch", 1, 1 << 20)?, settings.count_in("members", 1, 1000)?);
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs) as f64;
    let layers = hidden.len() as f64;
    cost::memory(&[("batch", batch), ("members", members)], 16.0 * (batch * members) as f64 * widest * (layers + 2.0))?;
    cost::memory(&[("members", members)], 24.0 * members as f64 * widest * widest * (layers + 1.0))?;
    let mut rng = Key::new(context.seed).fold(0x7a1).rng();
    let config = MlpConfig {
        inputs: context.inputs,
        hidden: hidden.clone(),
        outputs: 1,
        activation: Activation::Relu,
        ..MlpConfig::default()
    };
    let (mut learned, mut prior) = (Store::new(members), Store::new(members));
    let says = Mlp::new(&mut learned, LAYERS, &config, &mut rng);
    let guesses = Mlp::new(&mut prior, LAYERS, &config, &mut rng);
    let target = learned.twin();
    let prior_scale = settings.float("prior_scale", 0.0, 1e6)? as f32;
    let mut g = Graph::new(members);
    g.learn(&learned);
    g.freeze(&prior);
    let value = say(&mut g, [&says, &guesses], context.inputs, prior_scale)?;
    let goal = g.input(1);
    let error = g.square_error(value, goal)?;
    g.minimise(error, 1.0)?;
    let predictor = |store: &Store| -> Result<Predictor> {
        let mut g = Graph::new(members);
        g.freeze(store);
        g.freeze(&prior);
        let value = say(&mut g, [&says, &guesses], context.inputs, prior_scale)?;
        Predictor::new(&g, &[store, &prior], &[value])
    };
    let predictors = [predictor(&learned)?, predictor(&target)?];
    let rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    Ok(Box::new(ValueEnsemble {
        members,
        hidden: hidden.len(),
        optimism: settings.float("optimism", 0.0, 1e6)?,
        batch,
        steps: settings.count_in("return_steps", 1, 1000)?,
        discount: context.discount,
        target_rate: settings.float("target_rate", 0.0, 1.0)? as f32,
        head,
        adam: Adam::new(&learned, AdamConfig { learning_rate: rate, ..AdamConfig::default() }),
        runner: Runner::new(g, batch),
        scratch: predictors[0].scratch(),
        predictors,
        stale: false,
        scaling: Scaling::identity(context.inputs),
        unit: 0.0,
        room: Transitions::default(),
        seen: Vec::new(),
        values: vec![Vec::new(); members],
        goals: vec![0.0; batch],
        learned,
        target,
        prior,
    }))
}

impl ValueEnsemble {
    fn refresh(&mut self) -> Result<()> {
        if std::mem::take(&mut self.stale) {
            let [learned, slow] = &mut self.predictors;
            learned.refresh(&[&self.learned, &self.prior])?;
            slow.refresh(&[&self.target, &self.prior])?;
        }
        Ok(())
    }

    /// Has every member say what inputs are worth.
    fn ask(&mut self, inputs: Columns<'_>, rows: usize) -> Result<()> {
        let (n, width) = (inputs.rows(), self.scaling.inputs());
        if inputs.dims() != width || rows != n {
            return Err(Error::shape("inputs of the values", &[rows, width], &[n, inputs.dims()]));
        }
        self.refresh()?;
        self.scaling.rows(inputs, &mut self.seen);
        for (member, values) in self.values.iter_mut().enumerate() {
            values.resize(n, 0.0);
            let said = &mut [values.as_mut_slice()];
            self.predictors[0].predict_member(member, &[&self.seen], said, &mut self.scratch)?;
        }
        Ok(())
    }

    fn save_numbers(&self, state: &mut State) {
        state.put_all(LEARNED, self.learned.save());
        state.put_all(PRIOR, self.prior.save());
        self.scaling.save(state);
        state.put("unit", Array::F64(vec![1], vec![self.unit]));
    }

    fn restore_numbers(&mut self, state: &State) -> Result<()> {
        self.stale = true;
        self.learned.restore(&state.part(LEARNED))?;
        self.prior.restore(&state.part(PRIOR))?;
        self.scaling.restore(state)?;
        self.unit = state.f64s("unit", 1)?[0];
        Ok(())
    }

    /// Takes on what rewards were like, and keeps what was learned in their units.
    fn measure(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<()> {
        self.scaling.follow(experience, rng)?;
        let counts = 1.0 / (1.0 - self.discount).max(1.0 / MOST_STEPS);
        let unit = self.unit.max(counts * self.scaling.reward());
        if self.unit > 0.0 && unit > self.unit {
            // The prior keeps its size too: what is hoped for where nothing is known does not grow with the first reward that is found.
            for store in [&mut self.learned, &mut self.target, &mut self.prior] {
                Networks::convert(store, (1, self.hidden), (self.unit / unit) as f32)?;
            }
            self.stale = true;
        }
        self.unit = unit;
        Ok(())
    }
}

/// `(1/κ) log mean exp(κ V)`, and the mean for κ = 0. The logarithm of the number of members has to be taken off, or it would add to every value.
fn hopeful(values: impl Iterator<Item = f64> + Clone, optimism: f64) -> f64 {
    let count = values.clone().count() as f64;
    if optimism == 0.0 {
        return values.sum::<f64>() / count;
    }
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.map(|value| (optimism * (value - most)).exp()).sum();
    most + (sum / count).ln() / optimism
}

/// The deviation of numbers from their mean.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt()
}

impl LearnedValue for ValueEnsemble {
    fn inputs(&self) -> usize {
        self.scaling.inputs()
    }

    fn value(&mut self, inputs: Columns<'_>, hope: bool, out: &mut [f64]) -> Result<()> {
        self.ask(inputs, out.len())?;
        let (unit, optimism) = (self.unit, if hope { self.optimism } else { 0.0 });
        for (row, slot) in out.iter_mut().enumerate() {
            *slot = unit * hopeful(self.values.iter().map(|values| f64::from(values[row])), optimism);
        }
        Ok(())
    }

    fn doubt(&mut self, inputs: Columns<'_>, out: &mut [f64]) -> Result<()> {
        self.ask(inputs, out.len())?;
        for (row, slot) in out.iter_mut().enumerate() {
            *slot = self.unit * deviation(self.values.iter().map(|values| f64::from(values[row])));
        }
        Ok(())
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        self.save_numbers(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.restore_numbers(weights)
    }
}

impl Learner for ValueEnsemble {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(ENTRY.name)?;
        interrupt.count(Call::Gradient, 1);
        self.measure(experience, rng)?;
        let over = (self.steps, self.discount);
        self.room.draw(experience, self.batch, (&self.scaling, &self.head), over, rng)?;
        self.refresh()?;
        let worth = self.unit as f32;
        self.goals.fill(0.0);
        for (member, values) in self.values.iter_mut().enumerate() {
            values.resize(self.batch, 0.0);
            let said = &mut [values.as_mut_slice()];
            self.predictors[1].predict_member(member, &[&self.room.next_observations], said, &mut self.scratch)?;
            self.goals.iter_mut().zip(values).for_each(|(goal, value)| *goal += *value / self.members as f32);
        }
        for (i, goal) in self.goals.iter_mut().enumerate() {
            *goal = self.room.rewards[i] / worth + self.room.discounts[i] * *goal;
        }
        let feeds = [Feed::Shared(&self.room.observations), Feed::Shared(&self.goals)];
        self.runner.forward_backward(&[&self.learned, &self.prior], self.batch, &feeds)?;
        let loss = (0..self.members).map(|member| self.runner.loss(member)).sum::<f64>() / self.members as f64;
        self.adam.step(&mut self.learned, &self.runner)?;
        self.target.follow(&self.learned, self.target_rate)?;
        self.stale = true;
        if !loss.is_finite() {
            let why = format!("its loss became {loss}: try a smaller learning_rate");
            return Err(Error::Diverged { who: ENTRY.name.into(), why });
        }
        let goal = self.goals.iter().map(|goal| f64::from(*goal)).sum::<f64>() / self.goals.len() as f64;
        Ok(vec![("value_loss", loss), ("value", goal * f64::from(worth))])
    }
}

impl Persist for ValueEnsemble {
    fn save(&self) -> State {
        let mut state = State::new();
        self.save_numbers(&mut state);
        state.put_all(TARGET, self.target.save());
        state.put_all(ADAM, self.adam.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_numbers(state)?;
        self.target.restore(&state.part(TARGET))?;
        self.adam.restore(&state.part(ADAM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_the_deviation_between_members() {
        assert!((deviation([1.0, 2.0, 6.0].into_iter()) - (14.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(deviation([2.5; 6].into_iter()), 0.0);
    }

    #[test]
    fn hope_lies_between_the_mean_and_the_highest() {
        let values = [1.0, 2.0, 6.0];
        let of = |optimism| hopeful(values.iter().copied(), optimism);
        assert_eq!(of(0.0), 3.0);
        assert!((of(1e-6) - 3.0).abs() < 1e-4 && (of(1e4) - 6.0).abs() < 1e-3);
        // Where members agree, hope adds nothing.
        assert!((hopeful([2.5; 6].into_iter(), 3.0) - 2.5).abs() < 1e-12);
    }
}
