//! Finite processes against known values, closed forms and an independent value iteration.

// Some say what they measured, for the page of benchmarks.
#![allow(clippy::print_stdout)]

mod exploring;
mod learners;
mod maze;

use proptest::prelude::*;
use worldwright_core::{Error, ModelSpec, Observation, Rng, Space, WorldModel};
use worldwright_envs::games::{Game, GameModel, TicTacToe};
use worldwright_finite::{
    Enumeration, Mdp, MdpBuilder, NO_ACTION, Solution, Stop, Sweep, average_reward, enumerate, evaluate,
    finite_horizon, modified_policy_iteration, policy_iteration, prioritised_sweeping, value_iteration,
};
use worldwright_testkit::tabular::Process;
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Told, cases, plain_spec};

/// The oracle's process as an [`Mdp`].
fn compressed(process: &Process, discount: f64) -> Mdp {
    let mut builder = MdpBuilder::new(discount);
    for actions in &process.branches {
        builder.state();
        for branches in actions {
            builder.action();
            for (probability, next, reward) in branches {
                builder.outcome(*probability, *reward, *next);
            }
        }
    }
    builder.build().unwrap()
}

/// Every solver by name.
fn solve_all(mdp: &Mdp, stop: &Stop) -> Vec<(&'static str, Solution)> {
    vec![
        ("synchronous", value_iteration(mdp, Sweep::Synchronous, stop).unwrap()),
        ("Gauss-Seidel", value_iteration(mdp, Sweep::GaussSeidel, stop).unwrap()),
        ("policy iteration", policy_iteration(mdp, stop).unwrap()),
        ("modified policy iteration", modified_policy_iteration(mdp, 10, stop).unwrap()),
        ("prioritised sweeping", prioritised_sweeping(mdp, stop).unwrap()),
    ]
}

#[test]
fn frozen_lake_has_its_known_values() {
    let lake = Process::frozen_lake();
    let stop = Stop { tolerance: 1e-13, ..Stop::default() };
    for (name, solution) in solve_all(&compressed(&lake, 1.0), &stop) {
        assert!((solution.values[0] - 14.0 / 17.0).abs() < 1e-9, "{name}: {}", solution.values[0]);
        assert!(solution.certificate.is_none(), "{name}: nothing is proven without a discount");
        assert!(solution.converged, "{name}");
    }
    for (name, solution) in solve_all(&compressed(&lake, 0.99), &stop) {
        assert!((solution.values[0] - 0.542_025_932).abs() < 5e-10, "{name}: {}", solution.values[0]);
        assert!(solution.certificate.unwrap().error() < 1e-9, "{name}: {:?}", solution.certificate);
    }
    let stages = finite_horizon(&compressed(&lake, 1.0), 100, None).unwrap();
    assert!((stages.values(100)[0] - 0.744_190_288).abs() < 5e-10, "{}", stages.values(100)[0]);
    assert_eq!(stages.steps(), 100);
}

/// A random process of `states` states; `ends` of the outcomes in a thousand end it.
fn random_process(seed: u64, states: usize, ends: u64) -> Process {
    let mut rng = Rng::new(seed);
    let branches = (0..states).map(|_| {
        let actions = 1 + rng.below(4);
        let each = (0..actions).map(|_| {
            let count = 1 + rng.below(4) as usize;
            let raw: Vec<f64> = (0..count).map(|_| rng.uniform() + 1e-3).collect();
            let total: f64 = raw.iter().sum();
            let mut one = |p: f64| {
                let next = (rng.below(1000) >= ends).then(|| rng.below(states as u64) as usize);
                (p / total, next, rng.normal())
            };
            raw.into_iter().map(&mut one).collect()
        });
        each.collect::<Vec<_>>()
    });
    Process { branches: branches.collect() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the solver and however early it ends, the optimum lies in the interval that it proves, and the policy loses no more.
    #[test]
    fn the_proven_interval_holds(seed in any::<u64>(), discount in 0.3..0.99_f64, ends in 0..300_u64, most in 1..40_usize) {
        let process = random_process(seed, 30, ends);
        let optimum = process.value_iteration(discount, 1e-13);
        let mdp = compressed(&process, discount);
        for (name, solution) in solve_all(&mdp, &Stop { tolerance: 1e-10, most, threads: 1 }) {
            let proven = solution.certificate.unwrap();
            let achieved = evaluate(&mdp, &solution.policy).unwrap();
            for state in 0..30 {
                let distance = optimum[state] - solution.values[state];
                prop_assert!(distance >= proven.lower - 1e-9 && distance <= proven.upper + 1e-9, "{name}: {distance} {proven:?}");
                prop_assert!(optimum[state] - achieved[state] <= proven.loss() + 1e-9, "{name}: the policy loses more");
            }
        }
        for (name, solution) in solve_all(&mdp, &Stop { tolerance: 1e-10, ..Stop::default() }) {
            prop_assert!(solution.converged, "{name}");
            let far = (0..30).map(|s| (optimum[s] - solution.values[s]).abs()).fold(0.0, f64::max);
            prop_assert!(far <= 1.1e-10 + 1e-11 / (1.0 - discount), "{name}: {far}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let mdp = compressed(&random_process(1, 60_000, 20), 0.9);
    let on = |threads| value_iteration(&mdp, Sweep::Synchronous, &Stop { tolerance: 1e-3, threads, ..Stop::default() });
    assert!(mdp.outcomes() > 200_000);
    assert_eq!(on(1).unwrap(), on(2).unwrap());
}

#[test]
fn large_processes_are_solved_by_every_solver() {
    let mdp = compressed(&random_process(3, 3_000, 20), 0.95);
    let all = solve_all(&mdp, &Stop::default());
    for (name, solution) in &all {
        for (one, other) in solution.values.iter().zip(&all[0].1.values) {
            assert!((one - other).abs() < 3e-9, "{name}: {one} {other}");
        }
    }
}

/// A corridor paid at its far end only: sweeping backwards from there takes a backup a state, a sweep in order almost a sweep a state.
#[test]
fn prioritised_sweeping_goes_where_values_change() {
    let states = 400;
    let mut builder = MdpBuilder::new(0.99);
    for state in 0..states {
        let next = if state + 1 < states { Some(state + 1) } else { None };
        builder.state().action().outcome(1.0, if next.is_none() { 1.0 } else { 0.0 }, next);
        builder.action().outcome(1.0, 0.0, Some(state.saturating_sub(1)));
    }
    let mdp = builder.build().unwrap();
    let first = 0.99_f64.powi(states as i32 - 1);
    let swept = prioritised_sweeping(&mdp, &Stop::default()).unwrap();
    let plain = value_iteration(&mdp, Sweep::GaussSeidel, &Stop::default()).unwrap();
    for solution in [&swept, &plain] {
        assert!((solution.values[0] - first).abs() < 1e-9, "{}", solution.values[0]);
    }
    assert!(20 * swept.backups < plain.backups, "{} against {}", swept.backups, plain.backups);
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |build: &dyn Fn(&mut MdpBuilder)| {
        let mut builder = MdpBuilder::new(0.9);
        build(&mut builder);
        builder.build().unwrap_err().to_string()
    };
    let short = refused(&|b| {
        b.state()
            .action()
            .outcome(1.0, 0.0, None)
            .state()
            .action()
            .outcome(0.5, 0.0, None)
            .action()
            .outcome(1.0, 0.0, None);
    });
    assert_eq!(short, "state 1, action 0: its probabilities sum to 0.5, not to 1");
    let beyond = refused(&|b| {
        b.state().action().outcome(1.0, 0.0, None).action().outcome(1.0, 0.0, Some(7));
    });
    assert_eq!(beyond, "state 0, action 1: leads to state 7, but there are 1 states");
    let nan = refused(&|b| {
        b.state().action().outcome(f64::NAN, 0.0, None);
    });
    assert!(nan.starts_with("state 0, action 0: probability NaN"), "{nan}");
    let reward = refused(&|b| {
        b.state().state().action().outcome(1.0, f64::INFINITY, None);
    });
    assert!(reward.starts_with("state 1, action 0: reward inf"), "{reward}");
    let early = refused(&|b| {
        b.action();
    });
    assert!(early.contains("before any state"), "{early}");
    assert!(refused(&|_| ()).contains("at least one state"));
    assert!(MdpBuilder::new(1.5).build().unwrap_err().to_string().contains("discount"));
    // Gaining for ever is told, not returned.
    let mut forever = MdpBuilder::new(1.0);
    forever.state().action().outcome(1.0, 1e308, Some(0));
    let forever = forever.build().unwrap();
    assert!(matches!(value_iteration(&forever, Sweep::GaussSeidel, &Stop::default()), Err(Error::Diverged { .. })));
    assert!(matches!(policy_iteration(&forever, &Stop::default()), Err(Error::Diverged { .. })));
    assert!(matches!(evaluate(&forever, &[3]), Err(Error::Config { .. })));
}

/// Two states: leave the poor one for 0 or stay for 1; the rich one pays 3 and falls back with probability p. By balance the gain of
/// moving is 3/(1 + p) in the long run.
#[test]
fn the_average_reward_is_the_balance_of_the_chain() {
    for p in [0.1, 0.5, 1.0] {
        let mut builder = MdpBuilder::new(1.0);
        builder.state().action().outcome(1.0, 1.0, Some(0)).action().outcome(1.0, 0.0, Some(1));
        builder.state().action().outcome(p, 3.0, Some(0)).outcome(1.0 - p, 3.0, Some(1));
        let mdp = builder.build().unwrap();
        let answer = average_reward(&mdp, &Stop { tolerance: 1e-10, ..Stop::default() }).unwrap();
        let gain = 3.0 / (1.0 + p);
        assert!((answer.gain() - gain).abs() < 1e-9, "{} for {gain}", answer.gain());
        assert!(answer.lower <= gain + 1e-12 && answer.upper >= gain - 1e-12);
        assert_eq!(answer.policy, [1, 0]);
    }
    let discounted = compressed(&Process::frozen_lake(), 0.9);
    assert!(matches!(average_reward(&discounted, &Stop::default()), Err(Error::Unsupported { .. })));
}

#[test]
fn tic_tac_toe_has_5478_positions_and_is_a_draw() {
    let model = GameModel::<TicTacToe>::new();
    let mut world = model.imagination(900);
    let empty = GameModel::<TicTacToe>::observation(TicTacToe::start());
    let found = enumerate(&mut *world, std::slice::from_ref(&empty), &Enumeration::default()).unwrap();
    assert_eq!(found.mdp.states(), 5_478);
    assert_eq!(found.starts, [0]);
    // Each legal move of each position that goes on, once.
    let ends = (0..5_478).filter(|state| found.mdp.actions(*state) == 0).count();
    assert_eq!(ends, 958);
    let solution = value_iteration(&found.mdp, Sweep::GaussSeidel, &Stop::default()).unwrap();
    assert_eq!(solution.values[0], 0.0);
    assert!(solution.converged && solution.values.iter().all(|value| [-1.0, 0.0, 1.0].contains(value)));
    assert_eq!(solution.policy.iter().filter(|action| **action == NO_ACTION).count(), ends);
    // A smaller arena finds the same.
    let again = enumerate(&mut *model.imagination(13), &[empty], &Enumeration::default()).unwrap();
    assert_eq!(again, found);
}

/// FrozenLake whose three lanes are the three ways to slip; the state is the cell's number.
fn lake_of_lanes() -> DynamicsModel<impl Dynamics> {
    let lake = Process::frozen_lake().branches;
    let spec = ModelSpec { members: 3, ..plain_spec("lake", 1, Space::discrete(4)) };
    Told::model(spec, move |place, state, action, out| {
        let LaneAction::Choice(action) = action else { panic!("choices were promised") };
        let branches = &lake[state[0] as usize][action as usize];
        let (_, next, reward) = branches[place.lane % branches.len()];
        let ends = |state: usize| lake[state][0][0].1.is_none();
        out.reward = reward;
        out.continuation = if next.is_none_or(ends) { 0.0 } else { 1.0 };
        state[0] = next.map_or(state[0], |next| next as f64);
    })
}

#[test]
fn lanes_are_outcomes_and_models_are_solved_exactly() {
    let model = lake_of_lanes();
    let mut world = model.imagination(64);
    let start = [Observation::Floats(vec![0.0])];
    let found = enumerate(&mut *world, &start, &Enumeration::default()).unwrap();
    assert_eq!(found.mdp.states(), 16);
    let stop = Stop { tolerance: 1e-14, ..Stop::default() };
    let value = value_iteration(&found.mdp, Sweep::GaussSeidel, &stop).unwrap().values[0];
    assert!((value - 14.0 / 17.0).abs() < 1e-9, "{value}");
    let few = Enumeration { most_states: 5, ..Enumeration::default() };
    let refused = enumerate(&mut *world, &start, &few).unwrap_err().to_string();
    assert!(refused.contains("more than 5 states"), "{refused}");
    let continuous = DynamicsModel(worldwright_testkit::Pendulum::new());
    let start = [Observation::Floats(vec![0.0, 0.0])];
    let refused = enumerate(&mut *continuous.imagination(8), &start, &few).unwrap_err().to_string();
    assert!(refused.contains("planner grid"), "{refused}");
}

/// A walk on a ring of twelve, left, stay or right, paid 1 at six, where it ends: states are numbered in the order of discovery.
#[test]
fn a_model_is_enumerated_in_order() {
    let ring = Told::model(plain_spec("ring", 1, Space::discrete(3)), |_, state, action, out| {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        state[0] = (state[0] + f64::from(choice) - 1.0).rem_euclid(12.0);
        (out.reward, out.continuation) = if state[0] == 6.0 { (1.0, 0.0) } else { (0.0, 0.9) };
    });
    let start = [Observation::Floats(vec![0.0])];
    let found = enumerate(&mut *ring.imagination(7), &start, &Enumeration::default()).unwrap();
    // Left of zero first, then right of it; six is an end.
    assert_eq!(found.observations, [0.0, 11.0, 1.0, 10.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0]);
    assert_eq!((found.mdp.pairs(), found.mdp.actions(11)), (33, 0));
    let values = value_iteration(&found.mdp, Sweep::Synchronous, &Stop::default()).unwrap().values;
    for (at, value) in found.observations.iter().zip(&values).take(11) {
        let away = (at - 6.0).abs() as i32;
        assert!((value - 0.9_f64.powi(away - 1)).abs() < 1e-9, "{at}: {value}");
    }
}
