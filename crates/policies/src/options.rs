//! Settings that learners of values share: each is named, explained and read here alone.

use worldwright_core::{ActionHead, Parameter, Result, SettingDefault as Default, Settings, cost};
use worldwright_nn::{AdamConfig, NormKind};

use crate::networks::{Shape, Spread};

pub(crate) const HIDDEN: Parameter = Parameter {
    name: "hidden",
    default: Default::Numbers(&[256.0, 256.0]),
    summary: "widths of the hidden layers of actor and critics",
};
pub(crate) const BATCH: Parameter =
    Parameter { name: "batch", default: Default::Integer(256), summary: "transitions an update" };
pub(crate) const LEARNING_RATE: Parameter =
    Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of all that is learned" };
pub(crate) const TARGET_RATE: Parameter = Parameter {
    name: "target_rate",
    default: Default::Float(0.005),
    summary: "share by which slow networks move towards the others, each time that they follow",
};
pub(crate) const RETURN_STEPS: Parameter = Parameter {
    name: "return_steps",
    default: Default::Integer(1),
    summary: "rewards that a target adds up before it trusts the critics; beyond 1, of transitions that other policies made",
};
pub(crate) const LAYER_NORM: Parameter = Parameter {
    name: "layer_norm",
    default: Default::Bool(false),
    summary: "whether critics normalise their hidden layers, against values that run away where many updates are made a step",
};

pub(crate) const RESET_EVERY: Parameter = Parameter {
    name: "reset_every",
    default: Default::Integer(0),
    summary: "updates after which networks begin anew, against holding on to what was learned of little; what was experienced is kept; 0 never",
};
pub(crate) const CRITICS: Parameter =
    Parameter { name: "critics", default: Default::Integer(2), summary: "how many critics there are" };
pub(crate) const TARGET_CRITICS: Parameter = Parameter {
    name: "target_critics",
    default: Default::Integer(0),
    summary: "critics, drawn anew for each update, of which targets believe the least, while the actor climbs the mean of all; 0 for all of them",
};
pub(crate) const DROPOUT: Parameter = Parameter {
    name: "dropout",
    default: Default::Float(0.0),
    summary: "share of the critics' hidden units that an update takes out at random; with layer_norm a few critics are as unsure as many",
};

/// Widths of hidden layers of a policy that may have none, and is linear then.
///
/// # Errors
/// [`Error::Config`](worldwright_core::Error::Config) for a width outside its range.
pub(crate) fn hidden_or_none(settings: &Settings, most: usize) -> Result<Vec<usize>> {
    match settings.numbers(HIDDEN.name)? {
        [] => Ok(Vec::new()),
        _ => settings.counts_in(HIDDEN.name, 1, most),
    }
}

/// Critics at most.
const MOST_CRITICS: usize = 64;
/// Numbers that a batch holds at most.
const MOST_BATCH: usize = 1 << 20;

/// How many critics there are, and what targets make of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ensemble {
    pub(crate) critics: usize,
    /// How many of them targets believe the least of.
    pub(crate) believed: usize,
    pub(crate) dropout: f32,
}

impl Ensemble {
    /// A single one.
    pub(crate) const ONE: Self = Self { critics: 1, believed: 1, dropout: 0.0 };

    /// Reads the settings of a policy that has several.
    ///
    /// # Errors
    /// [`Error::Config`](worldwright_core::Error::Config) for a setting outside its range.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let critics = settings.count_in(CRITICS.name, 1, MOST_CRITICS)?;
        let believed = match settings.count_in(TARGET_CRITICS.name, 0, critics)? {
            0 => critics,
            some => some,
        };
        Ok(Self { critics, believed, dropout: settings.float(DROPOUT.name, 0.0, 0.9)? as f32 })
    }

    /// Whether targets believe a part of them only, so that the actor has to look at all.
    pub(crate) fn believes_some(self) -> bool {
        self.believed < self.critics
    }
}

/// What was chosen of them.
pub(crate) struct Options {
    pub(crate) shape: Shape,
    pub(crate) ensemble: Ensemble,
    pub(crate) batch: usize,
    pub(crate) adam: AdamConfig,
    /// Share by which targets move at each update.
    pub(crate) target_rate: f32,
    /// Rewards that a target adds up before it trusts the critics.
    pub(crate) steps: usize,
    /// Updates after which networks begin anew; 0 never.
    pub(crate) reset_every: u64,
}

impl Options {
    /// Reads them for networks that see `inputs` numbers.
    ///
    /// # Errors
    /// [`Error::Config`](worldwright_core::Error::Config) for a setting outside its range, and for what takes more memory than there is.
    pub(crate) fn read(settings: &Settings, inputs: usize, head: &ActionHead, ensemble: Ensemble) -> Result<Self> {
        let hidden = settings.counts_in(HIDDEN.name, 1, 1 << 14)?;
        let batch = settings.count_in(BATCH.name, 1, MOST_BATCH)?;
        let widest = hidden.iter().copied().max().unwrap_or(1).max(inputs + head.columns());
        let (layers, networks) = (hidden.len() as f64, ensemble.critics as f64);
        // Values and gradients of every layer of all passes.
        let values = 20.0 * networks * (batch * widest) as f64 * (layers + 2.0);
        cost::memory(&[("batch", batch), ("hidden", widest)], values)?;
        cost::memory(&[("hidden", widest)], 30.0 * networks * (widest * widest) as f64 * (layers + 1.0))?;
        let rate = settings.float(LEARNING_RATE.name, 0.0, 1.0)? as f32;
        Ok(Self {
            shape: Shape {
                hidden,
                critics: ensemble.critics,
                dropout: ensemble.dropout,
                critic_norm: settings.bool(LAYER_NORM.name)?.then_some(NormKind::Layer),
                spread: Spread::Seen,
                logarithmic: true,
                duels: false,
            },
            ensemble,
            batch,
            adam: AdamConfig { learning_rate: rate, ..AdamConfig::default() },
            target_rate: settings.float(TARGET_RATE.name, 0.0, 1.0)? as f32,
            steps: settings.count_in(RETURN_STEPS.name, 1, 1000)?,
            reset_every: settings.count(RESET_EVERY.name, 0)? as u64,
        })
    }
}
