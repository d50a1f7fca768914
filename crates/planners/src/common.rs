//! Settings that several planners share, and how they are read: once, here.

use worldwright_core::{Error, Parameter, Result, SettingDefault as Default, Settings, cost};

use crate::PlannerContext;
use crate::actions::ActionKind;
use crate::objective::{Constraints, Objective, Risk};
use crate::sampling::plan::Answer;
use crate::sampling::spline::{Basis, Spline};

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

pub(crate) const KNOTS: Parameter = Parameter {
    name: "knots",
    default: Default::Integer(0),
    summary: "knots that stand for a plan, evenly over the horizon; 0 has one action a step",
};
pub(crate) const SPLINE: Parameter = Parameter {
    name: "spline",
    default: Default::Text("linear"),
    summary: "how actions between knots are found: 'zero' holds, 'linear', 'cubic'; choices are always held",
};
const CONSTRAINTS: Parameter = Parameter {
    name: "constraints",
    default: Default::Text("lexicographic"),
    summary: "'lexicographic' ranks the feasible first, 'penalty' takes violations off the return, 'projection' pulls violators back to a feasible plan",
};
const CONSTRAINT_PENALTY: Parameter = Parameter {
    name: "constraint_penalty",
    default: Default::Float(100.0),
    summary: "reward that 'penalty' takes off per unit of violation",
};
const POLICY_DISTANCE: Parameter = Parameter {
    name: "policy_distance",
    default: Default::Float(0.0),
    summary: "reward taken off per nat by which an action is unlikely under the model's policy prior",
};
const EXTRA_ITERATIONS: Parameter = Parameter {
    name: "extra_iterations",
    default: Default::Integer(0),
    summary: "further improvements a decision while the values of the elites or the model's lanes disagree",
};
const DISAGREEMENT: Parameter = Parameter {
    name: "disagreement",
    default: Default::Float(0.1),
    summary: "what extra iterations stop at: the values' standard deviation as a share of that of the first candidates",
};

/// What every sampling planner has beside its own settings.
pub(crate) const SHARED: [Parameter; 16] = [
    ACTION_STD,
    NOISE_BETA,
    KNOTS,
    SPLINE,
    RISK,
    CVAR_ALPHA,
    EPISTEMIC_PENALTY,
    CONSTRAINTS,
    CONSTRAINT_PENALTY,
    TERMINAL_VALUE,
    PRIOR_SHARE,
    POLICY_DISTANCE,
    EXTRA_ITERATIONS,
    DISAGREEMENT,
    HORIZON,
    ITERATIONS,
];

/// A planner's own settings followed by those of [`SHARED`] that it does not have under a default of its own. `N` is how many there
/// are together.
pub(crate) const fn with_shared<const N: usize>(own: &[Parameter]) -> [Parameter; N] {
    let mut all = [HORIZON; N];
    let mut filled = 0;
    while filled < own.len() {
        all[filled] = own[filled];
        filled += 1;
    }
    let mut i = 0;
    while i < SHARED.len() {
        if !names(own, SHARED[i].name) {
            all[filled] = SHARED[i];
            filled += 1;
        }
        i += 1;
    }
    assert!(filled == N, "count the shared settings that are not the planner's own");
    all
}

/// How many settings [`with_shared`] gives.
pub(crate) const fn count_with_shared(own: &[Parameter]) -> usize {
    let (mut count, mut i) = (own.len(), 0);
    while i < SHARED.len() {
        if !names(own, SHARED[i].name) {
            count += 1;
        }
        i += 1;
    }
    count
}

const fn names(parameters: &[Parameter], name: &str) -> bool {
    let mut i = 0;
    while i < parameters.len() {
        if same(parameters[i].name.as_bytes(), name.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The shared settings, read.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) iterations: usize,
    pub(crate) horizon: usize,
    pub(crate) basis: Basis,
    pub(crate) action_std: Vec<f64>,
    pub(crate) noise_beta: f64,
    pub(crate) extra_iterations: usize,
    pub(crate) disagreement: f64,
    pub(crate) objective: Objective,
}

impl Shared {
    /// # Errors
    /// [`Error::Config`] for values out of range, [`Error::Unsupported`] for a projection of choices.
    pub(crate) fn read(name: &'static str, kind: &ActionKind, settings: &Settings) -> Result<Self> {
        let horizon = settings.count("horizon", 1)?;
        let (knots, noise_beta) = (settings.count("knots", 0)?, settings.float("noise_beta", 0.0, 10.0)?);
        plan_cost(horizon, knots, kind.dims() + kind.choices(), noise_beta > 0.0)?;
        let spline = match settings.choice("spline", &["zero", "linear", "cubic"])? {
            0 => Spline::Zero,
            1 => Spline::Linear,
            _ => Spline::Cubic,
        };
        let objective = objective(settings)?;
        if objective.constraints == Constraints::Projection && kind.choices() > 0 {
            return Err(Error::unsupported(
                name,
                "projecting choices onto constraints: use constraints = \"lexicographic\" or \"penalty\"",
            ));
        }
        Ok(Self {
            iterations: settings.count("iterations", 1)?,
            horizon,
            basis: Basis::new(kind, horizon, knots, spline),
            action_std: settings.numbers("action_std")?.to_vec(),
            noise_beta,
            extra_iterations: settings.count("extra_iterations", 0)?,
            disagreement: settings.float("disagreement", 0.0, f64::MAX)?,
            objective,
        })
    }
}

/// Refuses plans so long that the matrices over their steps and knots, or the plan itself, do not fit.
fn plan_cost(horizon: usize, knots: usize, each: usize, coloured: bool) -> Result<()> {
    let blended = knots > 0 && knots < horizon;
    let (h, k) = (horizon as f64, if blended { knots } else { horizon } as f64);
    let numbers =
        16.0 * h * each as f64 + if blended { k * (k + h) } else { 0.0 } + if coloured { 2.0 * k * k } else { 0.0 };
    let settings = [("horizon", horizon), ("knots", knots)];
    cost::memory(&settings, 8.0 * numbers)?;
    let steps = if blended { k * k * (k + h) } else { 0.0 } + if coloured { k * k } else { 0.0 };
    cost::work(&settings, "multiplications before the first plan", steps, cost::MOST_MULTIPLICATIONS)
}

/// Refuses decisions of so many candidates that their rollouts do not fit, or do not end.
pub(crate) fn decision_cost(context: &PlannerContext, shared: &Shared, population: usize) -> Result<()> {
    let (horizon, particles) = (shared.horizon, context.members.max(1));
    let (h, n, lanes) = (horizon as f64, population as f64, particles as f64);
    let each = context.action_space.flat_dim() as f64 + 1.0;
    let settings = [
        ("population", population),
        ("horizon", horizon),
        ("particles", particles),
        ("iterations", shared.iterations),
        ("extra_iterations", shared.extra_iterations),
    ];
    cost::memory(&settings[..3], 8.0 * n * (4.0 * h * each + 8.0 * lanes + 8.0))?;
    let steps = (shared.iterations as f64 + shared.extra_iterations as f64) * n * h * lanes;
    cost::work(&settings, "steps of the model a decision", steps, cost::MOST_MODEL_STEPS)
}

/// Reads the settings on what a trajectory is worth.
pub(crate) fn objective(settings: &Settings) -> Result<Objective> {
    // Settings that the choice leaves unused are read all the same: what is wrong is said before it matters.
    let penalty = settings.float("constraint_penalty", 0.0, f64::MAX)?;
    let constraints = match settings.choice("constraints", &["lexicographic", "penalty", "projection"])? {
        0 => Constraints::Lexicographic,
        1 => Constraints::Penalty(penalty),
        _ => Constraints::Projection,
    };
    Ok(Objective {
        risk: risk(settings)?,
        constraints,
        epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
        terminal_value: settings.bool("terminal_value")?,
        prior_share: settings.float("prior_share", 0.0, 1.0)?,
        policy_distance: settings.float("policy_distance", 0.0, f64::MAX)?,
    })
}

/// Reads how lanes become one number.
pub(crate) fn risk(settings: &Settings) -> Result<Risk> {
    let alpha = settings.float("cvar_alpha", 1e-6, 1.0)?;
    Ok(match settings.choice("risk", &["mean", "worst", "cvar"])? {
        0 => Risk::Mean,
        1 => Risk::Worst,
        _ => Risk::Cvar(alpha),
    })
}

/// Reads what the planner answers with.
pub(crate) fn answer(settings: &Settings) -> Result<Answer> {
    Ok(match settings.choice("answer", &["mean", "best"])? {
        0 => Answer::Mean,
        _ => Answer::Best,
    })
}
