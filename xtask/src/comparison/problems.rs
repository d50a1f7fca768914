//! What is compared on what: the problems, and for each the ways to learn or to plan that a user might try first.
//!
//! Sizes are such that all of it, over three seeds, is some 20 minutes of one free core. What fails is listed as what works.

/// Episodes that somebody recorded, for the problems in which no step may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorder {
    /// Random actions, for so many steps.
    Random(u32),
    /// Model-predictive control on the known simulator, for so many steps.
    Planned(u32),
}

/// A problem, and what is tried on it.
pub(super) struct Problem {
    /// Name of its folder of runs.
    pub name: &'static str,
    /// What it is, in words of a reader who has another one like it.
    pub title: &'static str,
    /// The environment and its settings, as they stand on the command line.
    pub environment: &'static [&'static str],
    /// What is learned from, where nothing else may be.
    pub recorder: Option<Recorder>,
    /// What is tried.
    pub methods: &'static [Method],
    /// Learning runs of longer tables under `docs/results`, over five seeds, by the names of their files.
    pub longer: &'static [&'static str],
}

/// A way to learn or to plan.
pub(super) struct Method {
    /// Name of its folder of runs.
    pub name: &'static str,
    /// What stands behind the environment on the command line.
    pub arguments: &'static [&'static str],
    /// Another environment of the same spaces in which it is judged, by a hundred episodes.
    pub judged_in: Option<&'static str>,
}

const fn method(name: &'static str, arguments: &'static [&'static str]) -> Method {
    Method { name, arguments, judged_in: None }
}

const TIGER_SEARCH: &[&str] = &[
    "--algorithm",
    "mpc",
    "--steps",
    "1",
    "planner=uct",
    "planner.simulations=500",
    "planner.horizon=12",
    "planner.chance_exponent=1",
    "planner.backup=maximum",
    "agent.discount=0.95",
    "evaluation.episodes=10",
];

/// All of them.
pub(super) const PROBLEMS: &[Problem] = &[
    Problem {
        name: "pendulum",
        title: "Numbers that move smoothly, all of them seen, the reward known (Pendulum-v1)",
        environment: &["pendulum"],
        recorder: None,
        methods: &[
            method("mpc", &["--algorithm", "mpc", "--steps", "1", "evaluation.episodes=20"]),
            method("mpc-ilqr", &["--algorithm", "mpc", "--steps", "1", "planner=ilqr", "evaluation.episodes=20"]),
            method("sac-1000", &["--algorithm", "sac", "--steps", "1000", "evaluation.episodes=20"]),
            method("steve", &["--algorithm", "steve", "--steps", "1000", "evaluation.episodes=20"]),
            method("dhmbpo", &["--algorithm", "dhmbpo", "--steps", "1000", "evaluation.episodes=20"]),
            method("mb-ppo", &["--algorithm", "mb-ppo", "--steps", "1000", "evaluation.episodes=20"]),
            method("bmpc", &["--algorithm", "bmpc", "--steps", "1000", "evaluation.episodes=20"]),
        ],
        longer: &["pendulum-gp-mpc", "pendulum-pets", "pendulum-sac"],
    },
    Problem {
        name: "pendulum-angle",
        title: "The same with the velocity hidden: what to do depends on what was seen before",
        environment: &["pendulum", "environment.hidden=theta_dot"],
        recorder: None,
        methods: &[method("gp-mpc", &["--algorithm", "gp-mpc", "--steps", "200", "evaluation.episodes=3"])],
        longer: &["pendulum-angle-pets", "pendulum-angle-dreamer"],
    },
    Problem {
        name: "pendulum-recorded-random",
        title: "No step may be taken: 1,000 steps recorded with random actions (Pendulum-v1)",
        environment: &["pendulum"],
        recorder: Some(Recorder::Random(1000)),
        methods: &[
            method("bc", &["--algorithm", "bc", "--steps", "0", "updates=2000", "evaluation.episodes=20"]),
            method("pets", &["--algorithm", "pets", "--steps", "0", "updates=1", "evaluation.episodes=3"]),
        ],
        longer: &[],
    },
    Problem {
        name: "pendulum-recorded-planned",
        title: "No step may be taken: 2,000 steps recorded with a good controller (Pendulum-v1)",
        environment: &["pendulum"],
        recorder: Some(Recorder::Planned(2000)),
        methods: &[
            method("bc", &["--algorithm", "bc", "--steps", "0", "updates=2000", "evaluation.episodes=20"]),
            method("pets", &["--algorithm", "pets", "--steps", "0", "updates=1", "evaluation.episodes=3"]),
            method("sac", &["--algorithm", "sac", "--steps", "0", "updates=500", "evaluation.episodes=20"]),
        ],
        longer: &[],
    },
    Problem {
        name: "cartpole",
        title: "Numbers and two choices, the reward known (CartPole-v1, at most 500)",
        environment: &["cartpole"],
        recorder: None,
        methods: &[
            method("mpc", &["--algorithm", "mpc", "--steps", "1", "evaluation.episodes=5"]),
            method("mpc-uct", &["--algorithm", "mpc", "--steps", "1", "planner=uct", "evaluation.episodes=2"]),
            method("gp-mpc", &["--algorithm", "gp-mpc", "--steps", "200", "evaluation.episodes=1"]),
            method(
                "pets",
                &[
                    "--algorithm",
                    "pets",
                    "--steps",
                    "300",
                    "agent.fit_every=100",
                    "model.hidden=[64,64,64]",
                    "evaluation.episodes=1",
                ],
            ),
            method("sac", &["--algorithm", "sac", "--steps", "500", "evaluation.episodes=20"]),
            method("muzero", &["--algorithm", "muzero", "--steps", "2000", "evaluation.episodes=20"]),
        ],
        longer: &[],
    },
    Problem {
        name: "mountain-car-continuous",
        title: "A reward only at a far goal (MountainCarContinuous-v0, solved from 90)",
        environment: &["mountain-car-continuous"],
        recorder: None,
        methods: &[
            method("mpc", &["--algorithm", "mpc", "--steps", "1", "evaluation.episodes=2"]),
            method(
                "mpc-far",
                &[
                    "--algorithm",
                    "mpc",
                    "--steps",
                    "1",
                    "planner.horizon=150",
                    "planner.noise_beta=4",
                    "evaluation.episodes=5",
                ],
            ),
            method(
                "mpc-grid",
                &[
                    "--algorithm",
                    "mpc",
                    "--steps",
                    "1",
                    "planner=grid",
                    "planner.low=[-1.2,-0.07]",
                    "planner.high=[0.6,0.07]",
                    "agent.discount=0.999",
                    "evaluation.episodes=20",
                ],
            ),
            method("sac", &["--algorithm", "sac", "--steps", "500", "evaluation.episodes=5"]),
        ],
        longer: &[],
    },
    Problem {
        name: "gridworld",
        title: "A few states that can be counted, and chance (FrozenLake-v1, slippery, optimum 0.74)",
        environment: &["gridworld"],
        recorder: None,
        methods: &[
            method("tabular", &["--algorithm", "tabular", "--steps", "2000", "evaluation.episodes=100"]),
            method("muzero", &["--algorithm", "muzero", "--steps", "1000", "evaluation.episodes=100"]),
            method("sac", &["--algorithm", "sac", "--steps", "500", "evaluation.episodes=100"]),
        ],
        longer: &[],
    },
    Problem {
        name: "tic-tac-toe",
        title: "A game of two players, rules and rewards to be learned (tic-tac-toe against random moves)",
        environment: &["tic-tac-toe"],
        recorder: None,
        methods: &[
            method("muzero-random", &["--algorithm", "muzero", "--steps", "500", "evaluation.episodes=100"]),
            Method {
                name: "muzero-both",
                arguments: &[
                    "environment.opponent=none",
                    "--algorithm",
                    "muzero",
                    "--steps",
                    "3000",
                    "evaluation.episodes=1",
                ],
                judged_in: Some("tic-tac-toe"),
            },
        ],
        longer: &[],
    },
    Problem {
        name: "tiger",
        title: "A few states of which only noise is seen (tiger, 50 steps)",
        environment: &["tiger"],
        recorder: None,
        methods: &[
            method("mpc-uct", &["--algorithm", "mpc", "--steps", "1", "planner=uct", "evaluation.episodes=5"]),
            method("mpc-uct-set", TIGER_SEARCH),
            method("dreamer", &["--algorithm", "dreamer", "--steps", "500", "evaluation.episodes=50"]),
        ],
        longer: &[],
    },
];
