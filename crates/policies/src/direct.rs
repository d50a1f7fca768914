//! `direct`: a small network that is no more than its numbers, which are tried as a whole.
//!
//! Whoever searches gives it one number for each weight and offset, in units of `1/√n` with n the inputs of its layer, so that a number of size one is neither
//! much nor little anywhere. It draws nothing: what it tries are its numbers. It sees what is scaled by the moments of all that was seen, without which
//! searches of this kind depend on a world's units (Mania, Guy and Recht, "Simple random search of static linear policies is competitive for reinforcement
//! learning", NeurIPS 2018).

use worldwright_core::{
    ActionHead, Batch, Columns, Entry, Experience, Mode, Parameter as Described, Persist, Policy, Result, Rng, Sample,
    SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{Activation, Graph, Mlp, MlpConfig, Parameter, Store, WeightInit};

use crate::acting::Acting;
use crate::moments::Moments;
use crate::options::hidden_or_none;
use crate::{Build, EvolvedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "direct",
    summary: "a small network whose numbers are tried as a whole in episodes, without any gradient",
    source: "Salimans, Ho, Chen, Sidor and Sutskever, 2017",
    parameters: &[Described {
        name: "hidden",
        default: Default::Numbers(&[16.0]),
        summary: "widths of the hidden layers; none for a linear policy",
    }],
    build: Build::Evolution(build),
};

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn EvolvedPolicy>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let hidden = hidden_or_none(settings, 1 << 12)?;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs + head.columns());
    cost::memory(&[("hidden", widest)], 40.0 * (widest * widest) as f64 * (hidden.len() + 1) as f64)?;
    let mut store = Store::new(1);
    let config = MlpConfig {
        inputs: context.inputs,
        hidden,
        outputs: head.columns(),
        activation: Activation::Tanh,
        init: WeightInit::Zero,
        norm: None,
    };
    let layers = Mlp::new(&mut store, "actor", &config, &mut Rng::new(context.seed));
    let mut parameters = Vec::new();
    for layer in &layers.layers {
        let [_, inputs, outputs] = store.shape(layer.weight)?;
        let unit = 1.0 / (inputs.max(1) as f64).sqrt();
        parameters.push((layer.weight, inputs * outputs, unit));
        parameters.push((layer.bias, outputs, unit));
    }
    let mut g = Graph::new(1);
    g.freeze(&store);
    let seen = g.input(context.inputs);
    let mut said = layers.record(&mut g, seen)?;
    if head.choices() == 0 {
        // Acting takes a noise for numbers, which has no part in this.
        let noise = g.input(head.columns());
        let nothing = g.affine(noise, 0.0, 0.0)?;
        said = g.add(said, nothing)?;
    }
    let acting = Acting::new(ENTRY.name, (context.inputs, &head), (&g, said), store)?;
    Ok(Box::new(Direct { acting, parameters, seen: Moments::new(context.inputs), sample: Sample::default() }))
}

struct Direct {
    acting: Acting,
    /// How many numbers each parameter is, and their unit.
    parameters: Vec<(Parameter, usize, f64)>,
    seen: Moments,
    sample: Sample,
}

impl EvolvedPolicy for Direct {
    fn size(&self) -> usize {
        self.parameters.iter().map(|(_, count, _)| count).sum()
    }

    fn set(&mut self, numbers: &[f64]) -> Result<()> {
        let mut rest = numbers;
        for (parameter, count, unit) in &self.parameters {
            let (these, others) = rest.split_at_checked(*count).ok_or_else(|| {
                worldwright_core::Error::shape("numbers of the policy", &[self.size()], &[numbers.len()])
            })?;
            let these: Vec<f32> = these.iter().map(|number| (unit * number) as f32).collect();
            self.acting.actor_mut().set(*parameter, &these)?;
            rest = others;
        }
        Ok(())
    }

    fn see(&mut self, experience: &dyn Experience) {
        let inputs = self.acting.inputs();
        self.sample.begin(1);
        for row in experience.rows().filter(|row| experience.ends_sequence(*row, 1)) {
            experience.gather(row, 1, 1.0, &mut self.sample);
        }
        let rows = self.sample.sequences;
        if rows == 0 || experience.observation_dim() != inputs {
            return;
        }
        let seen = &self.sample.observations;
        self.seen.include(rows, |row, d| seen.get(2 * row * inputs + d));
        for d in 0..inputs {
            let (mean, std) = self.seen.of(d);
            self.acting.scaling.set(d, mean, std);
        }
    }
}

impl Policy for Direct {
    fn inputs(&self) -> usize {
        self.acting.inputs()
    }

    /// Exploring and doing well are the same: what is tried are the numbers.
    fn act(&mut self, inputs: Columns<'_>, _mode: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()> {
        self.acting.act(inputs, Mode::Exploit, rng, out)
    }

    /// The scale alone: whoever searches keeps the numbers, and gives them anew.
    fn weights(&self) -> State {
        let mut state = State::new();
        self.acting.scaling.save(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.acting.scaling.restore(weights)
    }
}

impl Persist for Direct {
    fn save(&self) -> State {
        let mut state = self.weights();
        state.put("sizes", self.acting.head().sizes(self.acting.inputs()));
        self.seen.save(&mut state);
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.acting.head().check_sizes(self.acting.inputs(), state)?;
        self.restore_weights(state)?;
        self.seen.restore(state)
    }
}
