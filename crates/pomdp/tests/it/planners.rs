//! Partially observed problems against exact values, Bayes by hand, and published brackets.

use worldwright_core::pomdp::{Actions, Outcome, Pomdp, Step};
use worldwright_core::{Key, Rng};
use worldwright_envs::rock_sample::RockSample;
use worldwright_envs::tiger::Tiger;
use worldwright_pomdp::{
    Despot, DespotConfig, Exact, ExactConfig, ParticleBelief, PointBased, PointBasedConfig, Pomcp, PomcpConfig, Table,
    blind_policies, exact_update, fast_informed_bound, qmdp,
};

const HALF: [f64; 2] = [0.5, 0.5];

fn solve(table: &Table) -> Exact {
    Exact::solve(table, &ExactConfig::default()).unwrap()
}

/// The tiger's exact values, from alpha vectors by an independent program.
#[test]
fn the_tiger_has_its_exact_values() {
    for (discount, want) in [(0.95, 19.371_368), (0.75, 1.933_439), (0.9, 8.507_260)] {
        let solution = solve(&Table::of(&Tiger { discount }).unwrap());
        let got = solution.value(&HALF);
        assert!((got - want).abs() <= 1e-6, "discount {discount}: {got} instead of {want}");
        assert!(solution.error <= 1e-8);
        assert_eq!(solution.action(&HALF), 0, "listen when nothing is known");
        assert_eq!(solution.action(&[0.999, 0.001]), 2, "open the other door when the tiger is surely on the left");
        assert_eq!(solution.action(&[0.001, 0.999]), 1);
    }
}

/// Bellman's equation holds for the exact solution anywhere, not only where it was made.
#[test]
fn the_exact_value_solves_bellmans_equation() {
    let table = Table::of(&Tiger { discount: 0.9 }).unwrap();
    let solution = solve(&table);
    let mut next = [0.0; 2];
    for i in 0..=100 {
        let belief = [f64::from(i) / 100.0, 1.0 - f64::from(i) / 100.0];
        let mut best = f64::NEG_INFINITY;
        for action in 0..3 {
            let mut value: f64 = (0..2).map(|state| belief[state] * table.reward(state, action)).sum();
            for seen in 0..2 {
                if let Ok(probability) = exact_update(&table, &belief, action, seen, &mut next) {
                    value += table.discount() * probability * solution.value(&next);
                }
            }
            best = best.max(value);
        }
        assert!((best - solution.value(&belief)).abs() < 1e-7, "{belief:?}: {best} and {}", solution.value(&belief));
    }
}

/// Listening once gives 0.85, twice the same 0.7225 / 0.745, opposite sides cancel; a door resets.
#[test]
fn beliefs_follow_bayes() {
    let table = Table::of(&Tiger { discount: 0.95 }).unwrap();
    let mut belief = HALF;
    let update = |belief: &mut [f64; 2], action, seen| {
        let mut next = [0.0; 2];
        let p = exact_update(&table, belief, action, seen, &mut next).unwrap();
        *belief = next;
        p
    };
    assert!((update(&mut belief, 0, 0) - 0.5).abs() < 1e-15);
    assert!((belief[0] - 0.85).abs() < 1e-15);
    assert!((update(&mut belief, 0, 0) - 0.745).abs() < 1e-15);
    assert!((belief[0] - 0.7225 / 0.745).abs() < 1e-15);
    update(&mut belief, 0, 1);
    assert!((belief[0] - 0.85).abs() < 1e-14);
    update(&mut belief, 1, 1);
    assert!((belief[0] - 0.5).abs() < 1e-15);
    let mut next = [0.0; 2];
    assert!(exact_update(&table, &HALF, 3, 0, &mut next).is_err(), "no such action");
    assert!(exact_update(&table, &[1.0], 0, 0, &mut next).is_err(), "a belief of another length");
}

/// Particles, by likelihoods and by rejection, agree with Bayes to within five standard errors.
#[test]
fn particle_beliefs_agree_with_bayes() {
    /// The tiger without its likelihoods.
    struct Mute(Tiger);
    impl Pomdp for Mute {
        type State = u8;
        fn actions(&self) -> usize {
            3
        }
        fn discount(&self) -> f64 {
            0.95
        }
        fn reward_range(&self) -> f64 {
            110.0
        }
        fn initial(&self, rng: &mut Rng) -> u8 {
            self.0.initial(rng)
        }
        fn step(&self, state: &mut u8, action: u32, rng: &mut Rng) -> Step {
            self.0.step(state, action, rng)
        }
        fn upper_bound(&self, state: &u8) -> f64 {
            self.0.upper_bound(state)
        }
    }
    fn check<P: Pomdp<State = u8>>(problem: &P) {
        let count = 20_000;
        let mut rng = Rng::new(3);
        let mut belief = ParticleBelief::new(problem, count, 0.0, &mut rng).unwrap();
        for (seen, want) in [(0, 0.85), (0, 0.7225 / 0.745), (1, 0.85), (1, 0.5)] {
            belief.update(problem, 0, seen, &mut rng).unwrap();
            let left = belief.particles().iter().filter(|side| **side == 0).count() as f64 / count as f64;
            // Errors of several updates add up.
            let error = 5.0 * (0.25 / count as f64).sqrt() * 2.0;
            assert!((left - want).abs() < error, "{left} instead of {want}");
        }
        assert!(belief.update(problem, 0, 7, &mut rng).is_err(), "an observation that nothing explains");
        assert_eq!(belief.history().len(), 4, "a refused observation is not history");
    }
    check(&Tiger { discount: 0.95 });
    check(&Mute(Tiger { discount: 0.95 }));
}

/// On RockSample the particles of a rock that was checked agree with the exact posterior, with and without moves.
#[test]
fn rock_sample_particles_agree_with_the_table() {
    let problem = RockSample::new(3, (0, 1), &[(1, 1), (2, 2)], 2.0, 0.95).unwrap();
    let table = Table::of(&problem).unwrap();
    for reinvigorated in [0.0, 0.5] {
        let mut rng = Rng::new(8);
        let count = 20_000;
        let mut particles = ParticleBelief::new(&problem, count, reinvigorated, &mut rng).unwrap();
        let mut belief = table.initial().to_vec();
        // Check both, drive east, check again, sample the first.
        for (action, seen) in [(5, 1), (6, 2), (6, 1), (1, 0), (6, 2), (5, 1), (4, 0)] {
            particles.update(&problem, action, seen, &mut rng).unwrap();
            let mut next = vec![0.0; belief.len()];
            exact_update(&table, &belief, action as usize, seen as usize, &mut next).unwrap();
            belief = next;
        }
        // Sampling turned rock 0 bad; rock 1 is good with the table's probability.
        let want: f64 =
            belief.iter().enumerate().filter(|(state, _)| state >> 1 & 1 == 1).map(|(_, share)| share).sum();
        let rewarded = particles.particles().iter().filter(|state| problem.upper_bound(state) > 10.0).count();
        let got = rewarded as f64 / count as f64;
        assert!((got - want).abs() < 0.02, "{got} instead of {want}");
        assert!(want > 0.05 && want < 0.95, "the check would say nothing at {want}");
    }
}

/// blind ≤ V* ≤ FIB ≤ QMDP everywhere; QMDP is exact where nothing is hidden.
#[test]
fn cheap_bounds_enclose_the_exact_value() {
    let table = Table::of(&Tiger { discount: 0.95 }).unwrap();
    let solution = solve(&table);
    let (above, informed, below) = (
        qmdp(&table, 1e-9).unwrap(),
        fast_informed_bound(&table, 1e-9).unwrap(),
        blind_policies(&table, 1e-9).unwrap(),
    );
    for i in 0..=50 {
        let belief = [f64::from(i) / 50.0, 1.0 - f64::from(i) / 50.0];
        let exact = solution.value(&belief);
        let [low, fib, high] = [&below, &informed, &above].map(|bound| bound.best(&belief).1);
        assert!(low <= exact + 1e-8 && exact <= fib + 1e-8 && fib <= high + 1e-8, "{low} {exact} {fib} {high}");
    }
    // Knowing the side, one opens the treasure's door for ever: 10 / (1 − 0.95).
    assert!((above.best(&[1.0, 0.0]).1 - 200.0).abs() < 1e-6);
    // A problem that shows its state: two places, action 1 changes place, place 1 pays 1. V = (γ / (1 − γ), 1 / (1 − γ)).
    let open = Table::new(
        (2, 2, 2),
        0.5,
        vec![1.0, 0.0],
        |state, action| Outcome { next: vec![(state ^ action, 1.0)], reward: f64::from(state as u8) },
        |_, next| vec![(next, 1.0)],
    )
    .unwrap();
    assert!((qmdp(&open, 1e-12).unwrap().best(&[1.0, 0.0]).1 - 1.0).abs() < 1e-9);
    assert!((solve(&open).value(&[1.0, 0.0]) - 1.0).abs() < 1e-8);
}

/// Both bounds close in on the exact value, and the policy of the lower bound earns it.
#[test]
fn point_based_bounds_meet_at_the_exact_value() {
    for (discount, want) in [(0.95, 19.371_368), (0.75, 1.933_439)] {
        let table = Table::of(&Tiger { discount }).unwrap();
        let mut search = PointBased::new(&table).unwrap();
        let first = search.report();
        assert!(first.lower <= want && want <= first.upper);
        let report = search.improve(&PointBasedConfig { gap: 1e-3, ..PointBasedConfig::default() }).unwrap();
        assert!(report.upper - report.lower <= 1e-3, "{report:?}");
        assert!(report.lower <= want + 1e-6 && report.upper >= want - 1e-6, "{report:?}");
        let (lower, upper) = search.bounds(&[0.8, 0.2]).unwrap();
        let exact = solve(&table).value(&[0.8, 0.2]);
        assert!(lower <= exact + 1e-6 && exact <= upper + 1e-6);
    }
    let table = Table::of(&Tiger { discount: 0.75 }).unwrap();
    let mut search = PointBased::new(&table).unwrap();
    search.improve(&PointBasedConfig { gap: 1e-4, ..PointBasedConfig::default() }).unwrap();
    // What follows after ten steps is worth 0.75^10 of at most 40.
    let followed = search.follow(&HALF, 10).unwrap();
    assert!((followed - 1.933_439).abs() < 40.0 * 0.75_f64.powi(10), "{followed}");
}

#[test]
fn a_small_rock_sample_is_solved_alike_by_all() {
    let problem = RockSample::new(3, (0, 1), &[(1, 1), (2, 2)], 2.0, 0.95).unwrap();
    let table = Table::of(&problem).unwrap();
    let mut search = PointBased::new(&table).unwrap();
    let config = PointBasedConfig { gap: 1e-3, backups: 20_000, ..PointBasedConfig::default() };
    let report = search.improve(&config).unwrap();
    assert!(report.upper - report.lower <= 1e-3, "{report:?}");
    let mut pomcp = Pomcp::new(&problem, PomcpConfig { simulations: 20_000, ..PomcpConfig::default() }, 1).unwrap();
    let found = pomcp.search();
    assert!((found.value - report.lower).abs() < 0.6, "{found:?} beside {report:?}");
    let mut despot = Despot::new(&problem, DespotConfig { trials: 100, ..DespotConfig::default() }, 1).unwrap();
    let found = despot.search();
    // The scenarios' own optimum may exceed the value, for it knows them; 500 of them keep that small.
    assert!(found.lower >= report.lower - 1.0 && found.lower <= report.upper + 1.5, "{found:?} beside {report:?}");
    assert!(found.lower <= found.upper);
}

/// RockSample(7,8): the true value lies in 21.669–23.971. A short search must enclose that bracket's inside, from both sides.
#[test]
fn rock_sample_seven_eight_is_enclosed() {
    let table = Table::of(&RockSample::seven_eight()).unwrap();
    assert_eq!((table.states(), table.actions(), table.observations()), (12_545, 13, 3));
    let mut search = PointBased::new(&table).unwrap();
    let report = search.improve(&PointBasedConfig { backups: 1_500, ..PointBasedConfig::default() }).unwrap();
    assert!(report.lower <= 23.971 && report.upper >= 21.669, "{report:?}");
    assert!(report.lower >= 18.0 && report.upper <= 28.0, "{report:?}");
}

/// The mean discounted return of an online search over episodes that are simulated, with its standard error.
fn mean_return<P: Pomdp>(
    problem: &P,
    episodes: u64,
    steps: usize,
    mut begin: impl FnMut(u64),
    mut act: impl FnMut(Option<(u32, u32)>) -> u32,
) -> (f64, f64) {
    let returns: Vec<f64> = (0..episodes)
        .map(|episode| {
            begin(episode);
            let mut rng = Key::new(episode).fold(99).rng();
            let mut state = problem.initial(&mut rng);
            let (mut total, mut factor, mut last) = (0.0, 1.0, None);
            for _ in 0..steps {
                let action = act(last);
                assert!(problem.legal(&state).contains(action), "action {action} is not legal");
                let step = problem.step(&mut state, action, &mut rng);
                total += factor * step.reward;
                factor *= problem.discount();
                if step.terminated {
                    break;
                }
                last = Some((action, step.observation));
            }
            total
        })
        .collect();
    let mean = returns.iter().sum::<f64>() / episodes as f64;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (episodes - 1) as f64;
    (mean, (variance / episodes as f64).sqrt())
}

#[test]
fn pomcp_earns_more_with_more_simulations() {
    let problem = RockSample::seven_eight();
    let run = |simulations: usize| {
        let config = PomcpConfig { simulations, ..PomcpConfig::default() };
        let pomcp = std::cell::RefCell::new(Pomcp::new(&problem, config, 0).unwrap());
        mean_return(
            &problem,
            40,
            60,
            |episode| pomcp.borrow_mut().restart(episode),
            |last| {
                let mut pomcp = pomcp.borrow_mut();
                if let Some((action, seen)) = last {
                    pomcp.advance(action, seen).unwrap();
                }
                pomcp.search().action
            },
        )
    };
    let ((few, few_error), (many, many_error)) = (run(30), run(1_000));
    assert!(many >= 17.5, "{many} ± {many_error}");
    assert!(many > few + 1.0, "{many} ± {many_error} with 1,000 simulations, {few} ± {few_error} with 30");
}

#[test]
fn searches_repeat_from_their_seed() {
    let problem = RockSample::seven_eight();
    let run = || {
        let mut pomcp = Pomcp::new(&problem, PomcpConfig { simulations: 500, ..PomcpConfig::default() }, 5).unwrap();
        let first = pomcp.search();
        pomcp.advance(1, 0).unwrap();
        let second = pomcp.search();
        let mut despot =
            Despot::new(&problem, DespotConfig { scenarios: 50, trials: 5, ..DespotConfig::default() }, 5).unwrap();
        (first, second, despot.search())
    };
    assert_eq!(run(), run());
}

/// A decision of POMCP after the first allocates nothing.
#[test]
fn pomcp_does_not_allocate() {
    let problem = RockSample::seven_eight();
    let mut pomcp = Pomcp::new(&problem, PomcpConfig { simulations: 500, ..PomcpConfig::default() }, 5).unwrap();
    pomcp.search();
    let (_, allocated) = worldwright_testkit::allocations::count(|| pomcp.search());
    assert_eq!(allocated, 0);
}

/// Tiger: DESPOT listens first, and on what it has heard enough it opens the other door.
#[test]
fn despot_waits_until_it_knows() {
    let problem = Tiger { discount: 0.95 };
    let config = DespotConfig { depth: 20, trials: 200, ..DespotConfig::default() };
    let mut despot = Despot::new(&problem, config, 2).unwrap();
    assert_eq!(despot.search().action, 0);
    for _ in 0..3 {
        despot.advance(0, 0).unwrap();
    }
    // The tiger is on the left with probability 0.995.
    assert_eq!(despot.search().action, 2);
}

#[test]
fn unsound_tables_are_refused() {
    let table = |discount: f64, p: f64, next: usize| {
        let outcome = move |_: usize, _: usize| Outcome { next: vec![(next, p)], reward: 0.0 };
        Table::new((2, 1, 1), discount, vec![1.0, 0.0], outcome, |_, _| vec![(0, 1.0)])
    };
    assert!(table(0.9, 1.0, 1).is_ok());
    assert!(table(0.9, 0.5, 1).unwrap_err().to_string().contains("sum to 0.5"));
    assert!(table(0.9, 1.0, 2).unwrap_err().to_string().contains("not below 2"));
    assert!(table(1.5, 1.0, 1).unwrap_err().to_string().contains("discount"));
    assert!(RockSample::new(3, (0, 0), &[(1, 1), (1, 1)], 20.0, 0.95).is_err(), "two rocks on one place");
    assert_eq!(Actions(0b1010).iter().collect::<Vec<_>>(), [1, 3]);
}
