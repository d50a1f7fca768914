//! What each algorithm uses on each known environment: settings that were measured, kept as data in one table.
//!
//! A later line overrides an earlier one. Lines with `environment: "*"` hold for every environment.

use worldwright_core::SettingDefault as D;

/// Settings by name, as they stand in a constant.
pub type Line = &'static [(&'static str, D)];

/// Settings for an algorithm on an environment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// The algorithm, or `*`.
    pub algorithm: &'static str,
    /// The environment's identifier, or `*`.
    pub environment: &'static str,
    /// Settings of the agent.
    pub agent: Line,
    /// The model (empty: the algorithm's own) and its settings.
    pub model: (&'static str, Line),
    /// The planner (empty: the algorithm's own) and its settings.
    pub planner: (&'static str, Line),
}

impl Preset {
    /// Whether it holds for this algorithm on this environment.
    pub fn applies(&self, algorithm: &str, environment: &str) -> bool {
        (self.algorithm == "*" || self.algorithm == algorithm)
            && (self.environment == "*" || self.environment == environment)
    }
}

const NONE: (&str, Line) = ("", &[]);
/// Networks for worlds of a few dimensions.
const SMALL: (&str, Line) = ("ensemble", &[("hidden", D::Numbers(&[64.0, 64.0, 64.0]))]);
/// The same where place 1 of the observation is an angle.
const SMALL_WITH_ANGLE: (&str, Line) =
    ("ensemble", &[("hidden", D::Numbers(&[64.0, 64.0, 64.0])), ("angles", D::Numbers(&[1.0]))]);
/// Slow torques reach further than white ones: a steep spectrum and a first spread of the whole range.
const SWING: (&str, Line) = (
    "icem",
    &[
        ("horizon", D::Integer(20)),
        ("population", D::Integer(64)),
        ("iterations", D::Integer(3)),
        ("noise_beta", D::Float(3.0)),
        ("action_std", D::Numbers(&[2.0])),
    ],
);

/// The table.
pub const PRESETS: &[Preset] = &[
    Preset {
        algorithm: "*",
        environment: "*",
        agent: &[],
        model: NONE,
        planner: ("icem", &[("population", D::Integer(128)), ("iterations", D::Integer(3))]),
    },
    Preset {
        algorithm: "mpc",
        environment: "*",
        agent: &[("initial_steps", D::Integer(0))],
        model: NONE,
        planner: NONE,
    },
    Preset { algorithm: "mpc", environment: "pendulum", agent: &[], model: NONE, planner: SWING },
    Preset { algorithm: "pets", environment: "pendulum", agent: &[], model: SMALL, planner: SWING },
    Preset {
        algorithm: "gp-mpc",
        environment: "pendulum",
        agent: &[("initial_steps", D::Integer(30)), ("fit_every", D::Integer(10))],
        model: NONE,
        planner: SWING,
    },
    Preset {
        algorithm: "pets",
        environment: "pets-cartpole",
        agent: &[],
        model: SMALL_WITH_ANGLE,
        planner: ("icem", &[("horizon", D::Integer(25)), ("noise_beta", D::Float(2.0))]),
    },
];
