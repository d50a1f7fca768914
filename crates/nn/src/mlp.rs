//! Multi-layer perceptrons on a tape, and the ensemble of them that model-based control uses most.
//!
//! [`Mlp`] records layers onto any tape. [`EnsembleMlp`] is the whole of PETS' network (Chua et al. 2018): members side by side, a Gaussian
//! over targets with learned bounds on its log-variance or plain squared error, logits for what is Bernoulli, weight decay a layer, Adam.

use worldwright_core::{Persist, Result, Rng, State};

use crate::{
    activation::Activation,
    adam::AdamConfig,
    init::Init,
    parameters::{Parameter, Parameters},
    predictor::Predictor,
    runner::Feed,
    tape::{Node, Tape},
    trainer::Trainer,
};

/// How the weights of linear layers begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WeightInit {
    /// Truncated normal with deviation `1 / (2 √in)`, biases zero: PETS.
    #[default]
    TruncatedNormal,
    /// Kaiming uniform, biases zero.
    KaimingUniform,
    /// Xavier uniform, biases zero.
    XavierUniform,
    /// Uniform within `1 / √in`, biases too: PyTorch's default.
    LinearDefault,
}

impl WeightInit {
    fn of(self, inputs: usize, outputs: usize) -> (Init, Init) {
        match self {
            Self::TruncatedNormal => (Init::TruncatedNormal { inputs }, Init::Constant(0.0)),
            Self::KaimingUniform => (Init::KaimingUniform { inputs }, Init::Constant(0.0)),
            Self::XavierUniform => (Init::XavierUniform { inputs, outputs }, Init::Constant(0.0)),
            Self::LinearDefault => (Init::LinearDefault { inputs }, Init::LinearDefault { inputs }),
        }
    }
}

/// Layers recorded onto a tape.
#[derive(Debug, Clone)]
pub struct Mlp {
    /// Weight `[in][out]` and bias `[1][out]` of each layer.
    pub layers: Vec<(Parameter, Parameter)>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// The last layer's values, without activation.
    pub output: Node,
}

impl Mlp {
    /// Records hidden layers of the given widths and a linear one of `outputs` after them. Parameters are called `NAME.0.weight`, `NAME.0.bias` …
    /// `decay` holds the coefficient of each layer's `Σ w²` in the loss; missing ones are zero.
    #[allow(clippy::too_many_arguments)]
    pub fn record(
        tape: &mut Tape,
        name: &str,
        input: Node,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        init: WeightInit,
        decay: &[f32],
    ) -> Self {
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let mut node = input;
        for (layer, width) in hidden.iter().copied().chain([outputs]).enumerate() {
            let (weight, bias) = init.of(tape.cols(node), width);
            let last = layer == hidden.len();
            let (next, parameters) = tape.dense(
                &format!("{name}.{layer}"),
                node,
                width,
                weight,
                bias,
                if last { Activation::Identity } else { activation },
            );
            node = next;
            if let Some(decay) = decay.get(layer).filter(|decay| **decay != 0.0) {
                tape.penalise_squares(parameters.0, *decay);
            }
            layers.push(parameters);
        }
        Self { layers, activation, output: node }
    }
}

/// What an [`EnsembleMlp`] is.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleConfig {
    /// Networks side by side.
    pub members: usize,
    /// Columns of the input.
    pub inputs: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Columns predicted with a Gaussian or with squared error.
    pub targets: usize,
    /// Further columns predicted as logits of Bernoulli variables, such as termination.
    pub logits: usize,
    /// What follows hidden layers.
    pub activation: Activation,
    /// How weights begin.
    pub init: WeightInit,
    /// Coefficient of `Σ w²` in the loss for each layer, hidden ones first; missing ones are zero.
    pub weight_decay: Vec<f32>,
    /// Whether targets get a mean and a log-variance; a mean alone otherwise.
    pub gaussian: bool,
    /// Least and greatest log-variance at the start.
    pub log_variance: [f32; 2],
    /// Coefficient of `Σ max − Σ min` of the log-variance bounds in the loss.
    pub bound_penalty: f32,
    /// Weight of the logits' cross-entropy against the targets' loss.
    pub logit_scale: f32,
    /// Whether each row comes with a weight that multiplies its losses.
    pub weighted: bool,
    /// The optimiser.
    pub adam: AdamConfig,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self {
            members: 5,
            inputs: 1,
            hidden: vec![200, 200, 200],
            targets: 1,
            logits: 0,
            activation: Activation::Silu,
            init: WeightInit::TruncatedNormal,
            weight_decay: Vec::new(),
            gaussian: true,
            log_variance: [-10.0, 0.5],
            bound_penalty: 0.01,
            logit_scale: 1.0,
            weighted: false,
            adam: AdamConfig::default(),
        }
    }
}

/// An ensemble of perceptrons with its training.
///
/// Output columns are `[mean (targets) | log-variance (targets, when Gaussian) | logits]`.
/// Feeds of [`step`](Self::step) and [`evaluate`](Self::evaluate), in this order: inputs, targets (when there are any), labels in [0, 1] of the logits (when there are any), weights
/// of rows (when `weighted`).
#[derive(Debug, Clone)]
pub struct EnsembleMlp {
    config: EnsembleConfig,
    mlp: Mlp,
    input: Node,
    bounds: Option<[Parameter; 2]>,
    /// Training and everything below it.
    pub trainer: Trainer,
}

impl EnsembleMlp {
    /// Networks with fresh weights, and room for training batches of up to `rows` rows a member.
    ///
    /// # Errors
    /// Never for a configuration with at least one output; [`Error::Config`](worldwright_core::Error::Config) without.
    pub fn new(config: EnsembleConfig, rows: usize, rng: &mut Rng) -> Result<Self> {
        let distribution = if config.gaussian { 2 * config.targets } else { config.targets };
        let outputs = distribution + config.logits;
        if outputs == 0 || config.inputs == 0 || config.members == 0 {
            return Err(worldwright_core::Error::config("ensemble", "needs members, inputs and outputs"));
        }
        let mut tape = Tape::new(config.members);
        let input = tape.differentiable_input(config.inputs);
        let target = (config.targets > 0).then(|| tape.input(config.targets));
        let label = (config.logits > 0).then(|| tape.input(config.logits));
        let weight = config.weighted.then(|| tape.input(1));
        let mlp = Mlp::record(
            &mut tape,
            "layer",
            input,
            &config.hidden,
            outputs,
            config.activation,
            config.init,
            &config.weight_decay,
        );
        let mut bounds = None;
        if let Some(target) = target {
            let mean = tape.slice(mlp.output, 0, config.targets)?;
            if config.gaussian {
                let [low, high] = config.log_variance.map(Init::Constant);
                let min = tape.shared_parameter("log_variance.min", 1, config.targets, low);
                let max = tape.shared_parameter("log_variance.max", 1, config.targets, high);
                tape.penalise_sum(max, config.bound_penalty);
                tape.penalise_sum(min, -config.bound_penalty);
                let raw = tape.slice(mlp.output, config.targets, config.targets)?;
                let log_variance = tape.soft_clamp(raw, min, max)?;
                tape.gaussian_nll(mean, log_variance, target, weight, 1.0)?;
                bounds = Some([min, max]);
            } else {
                tape.mse(mean, target, weight, 1.0)?;
            }
        }
        if let Some(label) = label {
            let logit = tape.slice(mlp.output, distribution, config.logits)?;
            tape.binary_cross_entropy(logit, label, weight, config.logit_scale)?;
        }
        let trainer = Trainer::new(tape, rows, config.adam, rng);
        Ok(Self { config, mlp, input, bounds, trainer })
    }

    /// What it was built from.
    pub fn config(&self) -> &EnsembleConfig {
        &self.config
    }

    /// Columns of the output.
    pub fn outputs(&self) -> usize {
        self.trainer.parameters.shape(self.mlp.layers[self.mlp.layers.len() - 1].0)[2]
    }

    /// The recorded layers.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// The input and output nodes, for gradients and Jacobians through [`Trainer::runner`]. Log-variances are unbounded there.
    pub fn nodes(&self) -> (Node, Node) {
        (self.input, self.mlp.output)
    }

    /// The learned bounds of the log-variance, least and greatest.
    pub fn log_variance_bounds(&self) -> Option<[Parameter; 2]> {
        self.bounds
    }

    /// One training step; see [`Trainer::step`].
    ///
    /// # Errors
    /// As for [`Trainer::step`].
    pub fn step(&mut self, rows: usize, feeds: &[Feed<'_>]) -> Result<f64> {
        self.trainer.step(rows, feeds)
    }

    /// Each member's loss without penalties on any number of rows; see [`Trainer::evaluate`].
    ///
    /// # Errors
    /// As for [`Trainer::evaluate`].
    pub fn evaluate(&mut self, rows: usize, feeds: &[Feed<'_>], losses: &mut [f64]) -> Result<()> {
        self.trainer.evaluate(rows, feeds, losses)
    }

    /// The networks as they are now, packed for inference. Log-variances come out bounded.
    pub fn predictor(&self) -> Predictor {
        self.predictor_of(&self.trainer.parameters)
    }

    /// The same of other parameters of this ensemble, such as the best of a run.
    pub fn predictor_of(&self, parameters: &Parameters) -> Predictor {
        let predictor = Predictor::new(parameters, &self.mlp.layers, self.mlp.activation);
        match self.bounds {
            Some([min, max]) => {
                predictor.with_soft_clamp(self.config.targets, &parameters.get(min), &parameters.get(max))
            }
            None => predictor,
        }
    }
}

impl Persist for EnsembleMlp {
    fn save(&self) -> State {
        self.trainer.save()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.trainer.restore(state)
    }
}
