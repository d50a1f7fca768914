//! Settings that several planners share, and how they are read.

use worldwright_core::{Parameter, Result, SettingDefault as Default, Settings};

use crate::actions::ActionKind;
use crate::distribution::Distribution;
use crate::plan::Answer;
use crate::rollout::{Objective, Risk};

pub(crate) const HORIZON: Parameter =
    Parameter { name: "horizon", default: Default::Integer(25), summary: "steps that a plan looks ahead" };
pub(crate) const POPULATION: Parameter =
    Parameter { name: "population", default: Default::Integer(350), summary: "candidates an iteration" };
pub(crate) const ITERATIONS: Parameter = Parameter {
    name: "iterations",
    default: Default::Integer(5),
    summary: "improvements a decision, where no budget says otherwise",
};
pub(crate) const ELITES: Parameter = Parameter {
    name: "elites",
    default: Default::Integer(35),
    summary: "best candidates that the distribution moves to",
};
pub(crate) const MOMENTUM: Parameter = Parameter {
    name: "momentum",
    default: Default::Float(0.1),
    summary: "share of the old distribution that an update keeps, in [0, 1)",
};
pub(crate) const ACTION_STD: Parameter = Parameter {
    name: "action_std",
    default: Default::Numbers(&[]),
    summary: "first standard deviation, in action units: one for all dimensions or one each; empty takes a quarter of each range",
};
pub(crate) const TOLERANCE: Parameter = Parameter {
    name: "tolerance",
    default: Default::Float(1e-3),
    summary: "stop as converged when the spread is below this share of the first one",
};
pub(crate) const ANSWER: Parameter = Parameter {
    name: "answer",
    default: Default::Text("mean"),
    summary: "what is done: 'mean' of the distribution, or the 'best' candidate of the decision",
};
pub(crate) const NOISE_BETA: Parameter = Parameter {
    name: "noise_beta",
    default: Default::Float(0.0),
    summary: "exponent of the noise's spectrum over the horizon: 0 white, 2 like a random walk",
};
pub(crate) const RISK: Parameter = Parameter {
    name: "risk",
    default: Default::Text("mean"),
    summary: "how returns over the model's lanes become one: 'mean', 'worst', or 'cvar' (mean of the worst share)",
};
pub(crate) const CVAR_ALPHA: Parameter = Parameter {
    name: "cvar_alpha",
    default: Default::Float(0.25),
    summary: "the worst share that 'cvar' takes, in (0, 1]",
};
pub(crate) const EPISTEMIC_PENALTY: Parameter = Parameter {
    name: "epistemic_penalty",
    default: Default::Float(0.0),
    summary: "reward taken off per unit of the model's epistemic spread at each step",
};
pub(crate) const TERMINAL_VALUE: Parameter = Parameter {
    name: "terminal_value",
    default: Default::Bool(true),
    summary: "add the model's value at the end of the horizon, where it has one",
};
pub(crate) const PRIOR_SHARE: Parameter = Parameter {
    name: "prior_share",
    default: Default::Float(0.05),
    summary: "share of the candidates that follow the model's policy prior, where it has one",
};

/// Reads the settings on what a trajectory is worth.
pub(crate) fn objective(settings: &Settings) -> Result<Objective> {
    Ok(Objective {
        risk: risk(settings)?,
        epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
        terminal_value: settings.bool("terminal_value")?,
        prior_share: settings.float("prior_share", 0.0, 1.0)?,
    })
}

/// Reads how lanes become one number.
pub(crate) fn risk(settings: &Settings) -> Result<Risk> {
    Ok(match settings.choice("risk", &["mean", "worst", "cvar"])? {
        0 => Risk::Mean,
        1 => Risk::Worst,
        _ => Risk::Cvar(settings.float("cvar_alpha", 1e-6, 1.0)?),
    })
}

/// Reads what the planner answers with.
pub(crate) fn answer(settings: &Settings) -> Result<Answer> {
    Ok(match settings.choice("answer", &["mean", "best"])? {
        0 => Answer::Mean,
        _ => Answer::Best,
    })
}

/// Reads the first distribution.
pub(crate) fn distribution(kind: &ActionKind, horizon: usize, settings: &Settings) -> Result<Distribution> {
    Distribution::new(kind, horizon, settings.numbers("action_std")?)
}
