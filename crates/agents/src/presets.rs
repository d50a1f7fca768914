//! What each algorithm uses on each known environment: settings that were measured, kept as data in one table.
//!
//! A later line overrides an earlier one. Lines with `environment: "*"` hold for every environment.

use worldwright_core::SettingDefault as D;

/// Settings by name, as they stand in a constant.
pub type Line = &'static [(&'static str, D)];

/// A section, the name of an entry of its list (empty: the algorithm's own), and settings of it.
pub type PresetPart = (&'static str, &'static str, Line);

/// Settings for an algorithm on an environment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// The algorithm, or `*`.
    pub algorithm: &'static str,
    /// The environment's identifier, or `*`.
    pub environment: &'static str,
    /// Settings of the environment itself, such as how long it holds an action.
    pub setting: Line,
    /// Settings of the agent; those that the algorithm does not know say nothing to it.
    pub agent: Line,
    /// Who plays a role, and with what settings; it holds where the algorithm has that role.
    pub parts: &'static [PresetPart],
}

impl Preset {
    /// Whether it holds for this algorithm on this environment.
    pub fn applies(&self, algorithm: &str, environment: &str) -> bool {
        (self.algorithm == "*" || self.algorithm == algorithm)
            && (self.environment == "*" || self.environment == environment)
    }
}

/// Networks for worlds of a few dimensions.
const SMALL: PresetPart = ("model", "ensemble", &[("hidden", D::Numbers(&[64.0, 64.0, 64.0]))]);
/// The same where place 1 of the observation is an angle.
const SMALL_WITH_ANGLE: PresetPart =
    ("model", "ensemble", &[("hidden", D::Numbers(&[64.0, 64.0, 64.0])), ("angles", D::Numbers(&[1.0]))]);
/// Slow torques reach further than white ones: a steep spectrum and a first spread of the whole range.
const SWING: PresetPart = (
    "planner",
    "icem",
    &[
        ("horizon", D::Integer(20)),
        ("population", D::Integer(64)),
        ("iterations", D::Integer(3)),
        ("noise_beta", D::Float(3.0)),
        ("action_std", D::Numbers(&[2.0])),
    ],
);

/// Many small updates. Values travel several steps at once, since imagined branches are the policy's own: what is found once, a hundred steps away, is known of
/// at the start within one episode.
const QUICK: PresetPart = (
    "policy",
    "sac",
    &[
        ("hidden", D::Numbers(&[64.0, 64.0])),
        ("batch", D::Integer(128)),
        ("return_steps", D::Integer(5)),
        ("target_rate", D::Float(0.02)),
    ],
);

/// The same in wider networks, where no plan corrects what they get wrong: at 40 updates a step the pendulum earned −253.7 after 1,250 steps with 64 a layer and
/// −169.9 with these (seed 0, which they were chosen on; −190.7 over seeds 1 to 4).
const QUICK_AND_WIDE: PresetPart = (
    "policy",
    "sac",
    &[
        ("hidden", D::Numbers(&[128.0, 128.0])),
        ("batch", D::Integer(128)),
        ("return_steps", D::Integer(5)),
        ("target_rate", D::Float(0.02)),
    ],
);

/// Small networks whose targets add up one reward: recorded transitions are of other policies, and nothing that is learned can be tried.
const STEADY: PresetPart = ("policy", "sac", &[("hidden", D::Numbers(&[64.0, 64.0])), ("batch", D::Integer(128))]);

/// The same of an actor that is sure.
const SURE: PresetPart = ("policy", "td3", &[("hidden", D::Numbers(&[64.0, 64.0])), ("batch", D::Integer(128))]);

/// The table.
pub const PRESETS: &[Preset] = &[
    Preset {
        algorithm: "*",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[("planner", "icem", &[("population", D::Integer(128)), ("iterations", D::Integer(3))])],
    },
    // The value sees what lies behind the horizon, and the policy most of what is worth a try.
    Preset {
        algorithm: "loop",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[
            (
                "planner",
                "icem",
                &[
                    ("horizon", D::Integer(25)),
                    ("population", D::Integer(64)),
                    ("iterations", D::Integer(2)),
                    ("prior_share", D::Float(0.25)),
                ],
            ),
            SMALL,
            QUICK,
        ],
    },
    // What lies behind a few steps is worth what the model's own critics say.
    Preset {
        algorithm: "tdmpc2",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[(
            "planner",
            "mppi",
            &[
                ("horizon", D::Integer(3)),
                ("population", D::Integer(128)),
                ("iterations", D::Integer(4)),
                ("prior_share", D::Float(0.1)),
                ("adapt_std", D::Bool(true)),
            ],
        )],
    },
    Preset {
        algorithm: "planet",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[(
            "planner",
            "cem",
            &[
                ("horizon", D::Integer(12)),
                ("population", D::Integer(128)),
                ("iterations", D::Integer(4)),
                ("elites", D::Integer(13)),
            ],
        )],
    },
    // What is foreseen costs the square of the points, at each of many evaluations.
    Preset {
        algorithm: "pilco",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[("model", "gp", &[("max_points", D::Integer(300))])],
    },
    Preset { algorithm: "mbpo", environment: "*", setting: &[], agent: &[], parts: &[SMALL, QUICK_AND_WIDE] },
    Preset {
        algorithm: "mb-ppo",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[SMALL, ("policy", "ppo", &[("rollout_steps", D::Integer(1600))])],
    },
    // Targets look ahead themselves.
    Preset { algorithm: "steve", environment: "*", setting: &[], agent: &[], parts: &[SMALL, SURE] },
    Preset { algorithm: "dhmbpo", environment: "*", setting: &[], agent: &[], parts: &[SMALL, STEADY] },
    // Plans end in values, which hope for nothing here: what leads them and what they end in was learned where they went.
    Preset {
        algorithm: "bmpc",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[
            (
                "planner",
                "icem",
                &[
                    ("horizon", D::Integer(15)),
                    ("population", D::Integer(64)),
                    ("iterations", D::Integer(2)),
                    ("prior_share", D::Float(0.25)),
                ],
            ),
            ("policy", "bc", &[("hidden", D::Numbers(&[64.0, 64.0])), ("batch", D::Integer(128))]),
            ("value", "value-ensemble", &[("prior_scale", D::Float(1.0)), ("optimism", D::Float(0.0))]),
            SMALL,
        ],
    },
    Preset { algorithm: "mopo", environment: "*", setting: &[], agent: &[], parts: &[SMALL, STEADY] },
    Preset { algorithm: "morel", environment: "*", setting: &[], agent: &[], parts: &[SMALL, STEADY] },
    Preset { algorithm: "mobile", environment: "*", setting: &[], agent: &[], parts: &[SMALL, STEADY] },
    Preset {
        algorithm: "tabular",
        environment: "*",
        setting: &[],
        agent: &[("initial_steps", D::Integer(0)), ("fit_every", D::Integer(1))],
        parts: &[],
    },
    // What is hoped for lies beyond what a short plan reaches, and costs what it takes to get there.
    Preset {
        algorithm: "polo",
        environment: "*",
        setting: &[],
        agent: &[],
        parts: &[("planner", "icem", &[("horizon", D::Integer(50))])],
    },
    Preset { algorithm: "mpc", environment: "*", setting: &[], agent: &[("initial_steps", D::Integer(0))], parts: &[] },
    Preset { algorithm: "mpc", environment: "pendulum", setting: &[], agent: &[], parts: &[SWING] },
    Preset { algorithm: "pets", environment: "pendulum", setting: &[], agent: &[], parts: &[SMALL, SWING] },
    Preset {
        algorithm: "gp-mpc",
        environment: "pendulum",
        setting: &[],
        agent: &[("initial_steps", D::Integer(30)), ("fit_every", D::Integer(10))],
        parts: &[SWING],
    },
    Preset {
        algorithm: "pets",
        environment: "pets-cartpole",
        setting: &[],
        agent: &[],
        parts: &[SMALL_WITH_ANGLE, ("planner", "icem", &[("horizon", D::Integer(25)), ("noise_beta", D::Float(2.0))])],
    },
    Preset {
        algorithm: "*",
        environment: "gym:InvertedPendulum-v5",
        setting: &[],
        agent: &[("fit_every", D::Integer(50))],
        parts: &[(
            "planner",
            "icem",
            &[
                ("horizon", D::Integer(20)),
                ("population", D::Integer(128)),
                ("iterations", D::Integer(6)),
                ("noise_beta", D::Float(1.0)),
                ("answer", D::Text("mean")),
            ],
        )],
    },
    // The expectation over members orders candidates with less noise than single draws do.
    Preset {
        algorithm: "pets",
        environment: "gym:InvertedPendulum-v5",
        setting: &[],
        agent: &[],
        parts: &[(
            "model",
            "ensemble",
            &[("hidden", D::Numbers(&[64.0, 64.0, 64.0])), ("propagation", D::Text("expectation"))],
        )],
    },
    // At 0.01 s a step a plan would need hundreds of them to see the pole swing up.
    Preset {
        algorithm: "*",
        environment: "dmc-cartpole-swingup",
        setting: &[("action_repeat", D::Integer(4))],
        agent: &[],
        parts: &[(
            "planner",
            "icem",
            &[("horizon", D::Integer(25)), ("population", D::Integer(64)), ("noise_beta", D::Float(2.0))],
        )],
    },
    Preset {
        algorithm: "pets",
        environment: "dmc-cartpole-swingup",
        setting: &[],
        agent: &[("initial_steps", D::Integer(250)), ("fit_every", D::Integer(125))],
        parts: &[SMALL],
    },
    Preset {
        algorithm: "pets",
        environment: "gym:HalfCheetah-v5",
        setting: &[],
        agent: &[("initial_steps", D::Integer(1000)), ("fit_every", D::Integer(500))],
        parts: &[
            (
                "model",
                "ensemble",
                &[
                    ("hidden", D::Numbers(&[200.0, 200.0, 200.0])),
                    ("epochs", D::Integer(40)),
                    ("patience", D::Integer(8)),
                    ("batch", D::Integer(128)),
                    ("learning_rate", D::Float(1e-3)),
                ],
            ),
            (
                "planner",
                "icem",
                &[("horizon", D::Integer(30)), ("population", D::Integer(64)), ("noise_beta", D::Float(1.0))],
            ),
        ],
    },
    // Two choices need few simulations; searches of the last steps are the better ones.
    Preset {
        algorithm: "muzero",
        environment: "cartpole",
        setting: &[],
        agent: &[("updates_per_step", D::Float(0.5))],
        parts: &[
            ("model", "muzero", &[("recent", D::Integer(2000))]),
            ("planner", "gumbel", &[("simulations", D::Integer(12))]),
        ],
    },
    Preset {
        algorithm: "muzero",
        environment: "tic-tac-toe",
        setting: &[],
        agent: &[("updates_per_step", D::Float(0.66)), ("random_choices", D::Float(0.25))],
        parts: &[
            ("model", "muzero", &[("batch", D::Integer(64)), ("return_steps", D::Integer(3))]),
            // Returns lie within [−1, 1] already, and most draws are equal: differences that are noise would be blown up.
            ("planner", "gumbel", &[("simulations", D::Integer(32)), ("rescale", D::Bool(false))]),
        ],
    },
];
