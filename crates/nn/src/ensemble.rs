//! The ensemble of perceptrons that model-based control uses most, the whole of PETS' network (Chua et al. 2018): members side by side, a Gaussian
//! over targets with learned bounds on its log-variance or plain squared error, logits for what is Bernoulli, weight decay a layer, Adam.

use worldwright_core::{Persist, Result, Rng, State};

use crate::{
    activation::Activation,
    adam::AdamConfig,
    feed::Feed,
    graph::{Graph, Node},
    init::Init,
    layer::{Mlp, MlpConfig, WeightInit},
    predictor::Predictor,
    store::{Parameter, Store},
    trainer::Trainer,
};

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
    output: Node,
    outputs: usize,
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
        let mut store = Store::new(config.members);
        let mlp = Mlp::new(
            &mut store,
            "layer",
            &MlpConfig {
                inputs: config.inputs,
                hidden: config.hidden.clone(),
                outputs,
                activation: config.activation,
                init: config.init,
                norm: None,
            },
            rng,
        );
        let bounds = (config.gaussian && config.targets > 0).then(|| {
            let [low, high] = config.log_variance.map(Init::Constant);
            let min = store.shared_parameter("log_variance.min", 1, config.targets, low, rng);
            [min, store.shared_parameter("log_variance.max", 1, config.targets, high, rng)]
        });
        let mut graph = Graph::new(config.members);
        graph.learn(&store);
        let input = graph.differentiable_input(config.inputs);
        let target = (config.targets > 0).then(|| graph.input(config.targets));
        let label = (config.logits > 0).then(|| graph.input(config.logits));
        let weight = config.weighted.then(|| graph.input(1));
        let output = mlp.record(&mut graph, input)?;
        for (layer, decay) in mlp.layers.iter().zip(&config.weight_decay).filter(|(_, decay)| **decay != 0.0) {
            graph.penalise_squares(layer.weight, *decay)?;
        }
        let minimise = |graph: &mut Graph, loss: Node, scale: f32| match weight {
            Some(weight) => graph.minimise_weighted(loss, weight, scale),
            None => graph.minimise(loss, scale),
        };
        if let Some(target) = target {
            let mean = graph.slice(output, 0, config.targets)?;
            let loss = if let Some([min, max]) = bounds {
                graph.penalise_sum(max, config.bound_penalty)?;
                graph.penalise_sum(min, -config.bound_penalty)?;
                let raw = graph.slice(output, config.targets, config.targets)?;
                let log_variance = graph.soft_clamp(raw, min, max)?;
                graph.gaussian_nll(mean, log_variance, target)?
            } else {
                graph.square_error(mean, target)?
            };
            minimise(&mut graph, loss, 1.0)?;
        }
        if let Some(label) = label {
            let logit = graph.slice(output, distribution, config.logits)?;
            let loss = graph.binary_cross_entropy(logit, label)?;
            minimise(&mut graph, loss, config.logit_scale)?;
        }
        let trainer = Trainer::new(graph, store, rows, config.adam);
        Ok(Self { config, mlp, input, output, outputs, bounds, trainer })
    }

    /// What it was built from.
    pub fn config(&self) -> &EnsembleConfig {
        &self.config
    }

    /// Columns of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The recorded layers.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// The input and output nodes, for gradients and Jacobians through [`Trainer::runner`]. Log-variances are unbounded there.
    pub fn nodes(&self) -> (Node, Node) {
        (self.input, self.output)
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
    ///
    /// # Errors
    /// Never, as the graph is this ensemble's own.
    pub fn predictor(&self) -> Result<Predictor> {
        self.inference(false)
    }

    /// The same with standard deviations in place of log-variances.
    ///
    /// # Errors
    /// Never, as the graph is this ensemble's own.
    pub fn predictor_of_deviations(&self) -> Result<Predictor> {
        self.inference(true)
    }

    fn inference(&self, deviations: bool) -> Result<Predictor> {
        let mut graph = Graph::new(self.config.members);
        graph.freeze(&self.trainer.store);
        let input = graph.input(self.config.inputs);
        let mut output = self.mlp.record(&mut graph, input)?;
        if let Some(bounds) = self.bounds {
            output = graph.bounded(output, self.config.targets, bounds, deviations)?;
        }
        Predictor::new(&graph, &[&self.trainer.store], &[output])
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
