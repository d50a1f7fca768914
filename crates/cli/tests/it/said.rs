//! Texts: helps and errors. A change here is seen by every user, so it is reviewed as a snapshot.

use crate::told;

macro_rules! says {
    ($($name:ident: $arguments:expr;)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!(told(&$arguments)); })*
    };
}

says! {
    help: ["--help"];
    help_learn: ["learn", "--help"];
    help_design: ["design", "--help"];
    help_eval: ["eval", "--help"];
    help_collect: ["collect", "--help"];
    help_plan: ["plan", "--help"];
    help_report: ["report", "--help"];
    help_planners: ["planners", "--help"];
    help_env: ["env", "--help"];
    help_data: ["data", "--help"];
    help_data_import: ["data", "import", "--help"];
    help_data_export: ["data", "export", "--help"];
    missing_episodes: ["data", "inspect", "nowhere"];
    missing_data_set: ["data", "import", "nowhere.npz", "--format", "npz", "--out", "data"];
    unknown_format: ["data", "export", "data", "--format", "parket", "--out", "x"];
    unknown_suite: ["env", "install", "gim"];
    no_command: [];
    unknown_command: ["lern", "pendulum"];
    unknown_environment: ["learn", "pendulm"];
    unknown_algorithm: ["learn", "pendulum", "--algorithm", "petz"];
    unknown_planner: ["planners", "cemm"];
    environment: ["envs", "pets-cartpole"];
    unknown_key: ["learn", "pendulum", "planner.horizn=3"];
    unknown_section: ["learn", "pendulum", "planer.horizon=3"];
    wrong_type: ["learn", "pendulum", "planner.horizon=long"];
    wrong_number: ["learn", "pendulum", "--steps", "many"];
    no_assignment: ["learn", "pendulum", "horizon"];
    missing_config: ["learn", "--config", "nowhere.toml"];
    missing_bundle: ["eval", "nowhere"];
    missing_run: ["report", "nowhere"];
    not_a_number: ["plan", "pendulum", "--observation", "1,0,NaN"];
    observation_too_short: ["plan", "pendulum", "--observation", "1,0"];
    negative_steps: ["learn", "pendulum", "steps=-5"];
    no_steps: ["learn", "pendulum", "--steps", "0"];
    unknown_reward: ["learn", "pendulum", "reward.expression=cos(thta)", "reward.kind=expression"];
    pddl_missing: ["plan", "--domain", "nowhere.pddl", "--problem", "nowhere.pddl"];
    pddl_without_problem: ["plan", "--domain", "domain.pddl"];
    settings_for_episodes: ["design", ".", "environment.action_repeat=3"];
    settings_for_a_bundle: ["plan", ".", "planner.horizon=3"];
}
