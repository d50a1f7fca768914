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
    help_estimate: ["estimate", "--help"];
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
    help_env_install: ["env", "install", "--help"];
    suites: ["env", "list"];
    unknown_suite_of_an_environment: ["learn", "gim:CartPole-v1"];
    collect_other_settings: ["collect", "pendulum", "--out", "x", "planner.horizon=3"];
    no_command: [];
    unknown_command: ["lern", "pendulum"];
    unknown_environment: ["learn", "pendulm"];
    unknown_algorithm: ["learn", "pendulum", "--algorithm", "petz"];
    nothing_recorded: ["learn", "--algorithm", "iql"];
    foreign_policy: ["learn", "pendulum", "--algorithm", "svg", "policy=rbf"];
    unknown_planner: ["planners", "cemm"];
    environment: ["envs", "pets-cartpole"];
    unknown_key: ["learn", "pendulum", "planner.horizn=3"];
    unknown_section: ["learn", "pendulum", "planer.horizon=3"];
    wrong_type: ["learn", "pendulum", "planner.horizon=long"];
    wrong_number: ["learn", "pendulum", "--steps", "many"];
    negative_seed: ["learn", "pendulum", "--seed", "-1"];
    large_seed: ["plan", "pendulum", "--seed", "9223372036854775808"];
    endless_time: ["design", "pendulum", "--time-limit", "nan"];
    large_number: ["learn", "pendulum", "planner.horizon=100000000000000000000"];
    too_large: ["plan", "pendulum", "planner.horizon=3000000000"];
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
    pddl_by_place: ["plan", "domain.pddl", "task01.pddl"];
    pomdp_by_place: ["plan", "tiger.pomdp"];
    problems: ["planners"];
    problem_settings: ["planners", "reach"];
    problem_tiger: ["plan", "tiger", "steps=4"];
    problem_rock_sample: ["plan", "rock-sample", "size=3", "rocks=2", "method=point-based"];
    problem_pomdp_json: ["plan", "pomdp", "steps=1", "--json"];
    problem_cube: ["plan", "cube", "scramble=R U R' U'"];
    problem_pocket_cube: ["plan", "pocket-cube", "scramble=R U2 F"];
    problem_reach: ["plan", "reach", "--seed", "2"];
    problem_dubins: ["plan", "dubins"];
    problem_arm: ["plan", "arm"];
    problem_tabletop: ["plan", "tabletop"];
    problem_maze: ["plan", "maze", "map=S..#/.#.#/.#.G"];
    problem_rooms: ["plan", "rooms"];
    problem_gridworld: ["plan", "gridworld"];
    problem_hanoi: ["plan", "hanoi", "discs=2"];
    problem_tic_tac_toe: ["plan", "tic-tac-toe", "moves=15"];
    problem_connect_four: ["plan", "connect-four", "moves=4453"];
    problem_without_a_plan: ["plan", "maze", "map=S#G"];
    unknown_problem: ["plan", "tigr"];
    unknown_method: ["plan", "tiger", "method=pomcpp"];
    foreign_method: ["plan", "tiger", "method=foo"];
    unknown_problem_setting: ["plan", "hanoi", "disks=3"];
    problem_wrong_type: ["plan", "hanoi", "discs=many"];
    pomdp_missing: ["plan", "--pomdp", "nowhere.pomdp"];
    pomdp_and_problem: ["plan", "--pomdp", "nowhere.pomdp", "tiger"];
    settings_for_episodes: ["design", ".", "environment.action_repeat=3"];
    settings_for_a_bundle: ["plan", ".", "planner.horizon=3"];
}
