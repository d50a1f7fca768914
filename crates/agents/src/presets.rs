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

/// The table.
pub const PRESETS: &[Preset] = &[
    Preset {
        algorithm: "mpc",
        environment: "*",
        agent: &[("initial_steps", D::Integer(0))],
        model: NONE,
        planner: NONE,
    },
    Preset {
        algorithm: "gp-mpc",
        environment: "pendulum",
        agent: &[("initial_steps", D::Integer(30)), ("fit_every", D::Integer(10))],
        model: NONE,
        planner: NONE,
    },
];
