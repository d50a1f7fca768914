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
    help_eval: ["eval", "--help"];
    help_collect: ["collect", "--help"];
    help_plan: ["plan", "--help"];
    help_report: ["report", "--help"];
    help_planners: ["planners", "--help"];
    help_env: ["env", "--help"];
    unknown_suite: ["env", "install", "gim"];
    no_command: [];
    unknown_command: ["lern", "pendulum"];
    unknown_environment: ["learn", "pendulm"];
    unknown_algorithm: ["learn", "pendulum", "--algorithm", "petz"];
    unknown_planner: ["planners", "cemm"];
    unknown_key: ["learn", "pendulum", "planner.horizn=3"];
    unknown_section: ["learn", "pendulum", "planer.horizon=3"];
    wrong_type: ["learn", "pendulum", "planner.horizon=long"];
    wrong_number: ["learn", "pendulum", "--steps", "many"];
    no_assignment: ["learn", "pendulum", "horizon"];
    missing_config: ["learn", "--config", "nowhere.toml"];
    missing_bundle: ["eval", "nowhere"];
    missing_run: ["report", "nowhere"];
}
