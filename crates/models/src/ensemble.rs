//! `ensemble`: probabilistic networks side by side, each trained on its own bootstrap of the data.
//!
//! Member `m` predicts a Gaussian over the normalised change of the observation (and the reward where it is learned),
//!
//! ```text
//! p_m(t | x) = N(μ_m(x), diag σ²_m(x)),    loss = mean[(t − μ)² / σ² + log σ²] + 0.01 (Σ max log σ² − Σ min log σ²)
//! ```
//!
//! with learned bounds on log σ² (Chua, Calandra, McAllister and Levine, "Deep Reinforcement Learning in a Handful of Trials",
//! NeurIPS 2018, section 4 and appendix A). σ is what the data leave undecided (aleatoric), the spread of μ between members
//! what more data would decide (epistemic). How a belief moves through it is the `propagation` (section 5.2): `ts-inf` follows
//! one member to the end of a trajectory, `ts1` draws a member at every step, `moment-matching` replaces the particles by
//! draws from the Gaussian with their mean and variance after every step, `expectation` follows the mean of the means.
//!
//! Unlike the paper, training stops when each member's loss on held-out transitions has stopped falling and takes each
//! member's best weights, and the best members (`elites`) alone are used, as in MBPO (Janner et al., NeurIPS 2019, appendix C).

use std::collections::BTreeMap;

use worldwright_core::{
    Array, Entry, Error, FitReport, LearnedModel, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings,
    State, cost,
};
use worldwright_nn::{Activation, AdamConfig, EnsembleConfig, EnsembleMlp};

use crate::training::{Schedule, Tables, train};
use crate::transition::{
    ANGLES, Answer, Examples, Question, Regressor, Slopes, TransitionModel, saved_shape, unfitted,
};
use crate::{Build, ModelContext};

mod derivatives;
mod learned;
mod propagation;

pub(crate) use learned::Learned;
pub(crate) use propagation::{Propagation, Workspace};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "ensemble",
    summary: "probabilistic networks side by side: knows noise from ignorance, for up to millions of transitions",
    source: "Chua, Calandra, McAllister and Levine, NeurIPS 2018; elites and early stopping of Janner et al., NeurIPS 2019",
    parameters: &[
        Parameter { name: "members", default: Default::Integer(5), summary: "networks" },
        Parameter {
            name: "elites",
            default: Default::Integer(0),
            summary: "members used for predictions, those best on held-out data; 0 uses all",
        },
        HIDDEN,
        ACTIVATION,
        Parameter {
            name: "propagation",
            default: Default::Text("ts-inf"),
            summary: "how beliefs move: ts-inf, ts1, expectation or moment-matching",
        },
        Parameter {
            name: "particles",
            default: Default::Integer(5),
            summary: "lanes of each row, shared evenly among the elites; expectation has one lane",
        },
        Parameter {
            name: "bootstrap",
            default: Default::Bool(true),
            summary: "whether each member draws its own transitions with replacement",
        },
        EPOCHS,
        PATIENCE,
        HOLDOUT,
        BATCH,
        LEARNING_RATE,
        WEIGHT_DECAY,
        ANGLES,
    ],
    build: Build::Transitions(build),
};

pub(crate) const HIDDEN: Parameter = Parameter {
    name: "hidden",
    default: Default::Numbers(&[128.0, 128.0, 128.0]),
    summary: "widths of the hidden layers",
};
pub(crate) const ACTIVATION: Parameter = Parameter {
    name: "activation",
    default: Default::Text("silu"),
    summary: "what follows hidden layers: silu, relu, elu, tanh, mish or softplus",
};
pub(crate) const EPOCHS: Parameter = Parameter {
    name: "epochs",
    default: Default::Integer(300),
    summary: "greatest number of passes over the data in a fit",
};
pub(crate) const PATIENCE: Parameter = Parameter {
    name: "patience",
    default: Default::Integer(20),
    summary: "passes without a better held-out loss of any member before a fit stops",
};
pub(crate) const HOLDOUT: Parameter = Parameter {
    name: "holdout",
    default: Default::Float(0.1),
    summary: "share of the transitions held out to stop training and choose members, at most 1,000 of them",
};
pub(crate) const BATCH: Parameter =
    Parameter { name: "batch", default: Default::Integer(32), summary: "transitions a training step and member" };
pub(crate) const LEARNING_RATE: Parameter =
    Parameter { name: "learning_rate", default: Default::Float(2e-3), summary: "step size of Adam" };
pub(crate) const WEIGHT_DECAY: Parameter = Parameter {
    name: "weight_decay",
    default: Default::Float(1e-5),
    summary: "weight of the sum of squared weights in the loss",
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let members = settings.count("members", 1)?;
    let elites = match settings.count("elites", 0)? {
        0 => members,
        elites if elites <= members => elites,
        elites => return Err(Error::config("elites", format!("must not exceed members = {members}, got {elites}"))),
    };
    let propagation = Propagation::ALL[settings.choice("propagation", &Propagation::NAMES)?];
    let particles = settings.count("particles", 1)?;
    let lanes = if propagation == Propagation::Expectation { 1 } else { particles };
    let network = network(settings, members, true)?;
    let schedule = schedule(settings, settings.bool("bootstrap")?)?;
    network_cost(context, &network, schedule.batch)?;
    let regressor = Ensemble::new(network, schedule, propagation, elites);
    let deterministic = propagation == Propagation::Expectation;
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, lanes, deterministic, regressor)?))
}

/// An ensemble with the settings that the list gives, for models that contain one.
pub(crate) fn with_defaults() -> Result<Ensemble> {
    let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &BTreeMap::new())?;
    let members = settings.count("members", 1)?;
    let network = network(&settings, members, true)?;
    Ok(Ensemble::new(network, schedule(&settings, true)?, Propagation::TsInf, members))
}

/// Reads the settings of the networks.
pub(crate) fn network(settings: &Settings, members: usize, gaussian: bool) -> Result<EnsembleConfig> {
    let hidden = settings.counts_in("hidden", 1, Settings::MOST_COUNT)?;
    let decay = settings.float("weight_decay", 0.0, 1.0)? as f32;
    Ok(EnsembleConfig {
        members,
        weight_decay: vec![decay; hidden.len() + 1],
        hidden,
        gaussian,
        activation: Activation::from_name(settings.text("activation")?)?,
        adam: AdamConfig { learning_rate: settings.float("learning_rate", 1e-9, 1.0)? as f32, ..AdamConfig::default() },
        ..EnsembleConfig::default()
    })
}

/// Refuses networks that do not fit: their weights with what training keeps beside them, and what a training step computes.
pub(crate) fn network_cost(context: &ModelContext, config: &EnsembleConfig, batch: usize) -> Result<()> {
    let observation = context.observation_space.flat_dim();
    // Angles enter twice, targets have a mean and a variance.
    let inputs = 2 * observation + context.action_space.flat_dim();
    let widths: Vec<f64> =
        [inputs].iter().chain(&config.hidden).chain(&[2 * observation + 2]).map(|width| *width as f64).collect();
    let weights: f64 = widths.windows(2).map(|pair| (pair[0] + 1.0) * pair[1]).sum();
    let members = config.members as f64;
    let bytes = 4.0 * members * (10.0 * weights + 4.0 * batch as f64 * widths.iter().sum::<f64>());
    let widest = config.hidden.iter().copied().max().unwrap_or(0);
    let settings = [("hidden", widest), ("members", config.members), ("batch", batch), ("inputs", inputs)];
    cost::memory(&settings, bytes)
}

/// Reads the settings of training.
pub(crate) fn schedule(settings: &Settings, bootstrap: bool) -> Result<Schedule> {
    Ok(Schedule {
        epochs: settings.count_in("epochs", 1, 10_000_000)?,
        patience: settings.count("patience", 1)?,
        holdout: settings.float("holdout", 0.0, 0.9)?,
        batch: settings.count("batch", 1)?,
        bootstrap,
    })
}

/// Networks side by side and how beliefs move through them.
pub(crate) struct Ensemble {
    /// Inputs and targets are set at the first fit.
    config: EnsembleConfig,
    schedule: Schedule,
    propagation: Propagation,
    elite_count: usize,
    networks: Option<EnsembleMlp>,
    learned: Option<Learned>,
}

impl Ensemble {
    pub(crate) fn new(
        config: EnsembleConfig,
        schedule: Schedule,
        propagation: Propagation,
        elite_count: usize,
    ) -> Self {
        Self { config, schedule, propagation, elite_count, networks: None, learned: None }
    }

    fn shaped(&self, inputs: usize, targets: usize, rng: &mut Rng) -> Result<EnsembleMlp> {
        EnsembleMlp::new(EnsembleConfig { inputs, targets, ..self.config.clone() }, self.schedule.batch, rng)
    }

    fn use_networks(&mut self, networks: EnsembleMlp, elites: Vec<u32>) -> Result<()> {
        self.learned = Some(Learned {
            predictor: networks.predictor_of_deviations()?,
            differential: self.differentiable().then(|| networks.differential()).transpose()?,
            elites,
            inputs: networks.config().inputs,
            outputs: networks.outputs(),
            targets: networks.config().targets,
            gaussian: self.config.gaussian,
        });
        self.networks = Some(networks);
        Ok(())
    }
}

impl Regressor for Ensemble {
    type Workspace = Workspace;

    fn fit(&mut self, examples: &Examples<'_>, rng: &mut Rng) -> Result<FitReport> {
        let tables = Tables::new(examples);
        let (first, mut networks) = match self.networks.take() {
            Some(networks) => (false, networks),
            None => (true, self.shaped(tables.inputs, tables.targets, rng)?),
        };
        let trained = train(&mut networks, &tables, &self.schedule, rng, examples.interrupt);
        if matches!(trained, Err(Error::Interrupted { .. })) && !first {
            self.networks = Some(networks);
            return trained.map(|_| FitReport::default());
        }
        let outcome = trained?;
        let elites = outcome.best_members(self.elite_count);
        let holdout_mse = outcome.holdout_mse(&networks, &tables, &elites)?;
        let note = if elites.len() < self.config.members {
            format!("stopped after {} epochs; elites {elites:?}", outcome.epochs)
        } else {
            format!("stopped after {} epochs", outcome.epochs)
        };
        let report = FitReport { epochs: outcome.epochs, training_loss: outcome.training_loss, holdout_mse, note };
        self.use_networks(networks, elites)?;
        Ok(report)
    }

    fn block(&self) -> usize {
        512
    }

    fn workspace(&self, places: usize) -> Workspace {
        Workspace::new(self.learned.as_ref(), self.propagation, places)
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
        if let Some(learned) = &self.learned {
            self.propagation.predict(learned, question, workspace, answer);
        }
    }

    fn keeps_beliefs(&self) -> bool {
        self.propagation == Propagation::TsInf
    }

    fn differentiable(&self) -> bool {
        self.propagation == Propagation::Expectation
    }

    fn slopes(&self, question: &Question<'_>, workspace: &mut Workspace, out: &mut Slopes<'_>) {
        if let Some(learned) = &self.learned {
            derivatives::slopes(learned, question, workspace, out);
        }
    }

    fn pull(&self, question: &Question<'_>, weights: &[f64], workspace: &mut Workspace, out: &mut [f64]) {
        if let Some(learned) = &self.learned {
            derivatives::pull(learned, question, weights, workspace, out);
        }
    }
}

impl Persist for Ensemble {
    /// The optimiser is not saved, because every fit starts it anew.
    fn save(&self) -> State {
        let mut state = State::new();
        if let (Some(networks), Some(learned)) = (&self.networks, &self.learned) {
            let config = networks.config();
            state.put("shape", Array::U64(vec![config.inputs as u64, config.targets as u64]));
            state.put("elites", Array::U64(learned.elites.iter().map(|member| u64::from(*member)).collect()));
            state.put_all("parameters", networks.trainer.store.save());
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        if unfitted(state) {
            (self.networks, self.learned) = (None, None);
            return Ok(());
        }
        let shape = saved_shape(state, 2)?;
        let elites: Vec<u32> = state.u64s("elites", self.elite_count)?.iter().map(|member| *member as u32).collect();
        if elites.iter().any(|member| *member as usize >= self.config.members) {
            return Err(Error::external(
                "saved state",
                format!("elites {elites:?} of {} members", self.config.members),
            ));
        }
        // The weights drawn here are replaced at once, so any generator does.
        let mut networks = self.shaped(shape[0], shape[1], &mut Rng::new(0))?;
        networks.trainer.store.restore(&state.part("parameters"))?;
        self.use_networks(networks, elites)
    }
}
