//! Estimates of what policies earn, against enumeration and dynamic programming.

use worldwright_agents::{Weighed, Weighing, per_decision};
use worldwright_core::{Dataset, Interrupt, Rng, Space};
use worldwright_policies::{FittedQ, FittedQConfig};

/// Two places, two choices: with what chance choice `a` at place `s` leads to place 1, and what it pays.
const LEADS: [[f64; 2]; 2] = [[0.2, 0.7], [0.5, 0.9]];
const PAYS: [[f64; 2]; 2] = [[1.0, 0.0], [-0.5, 2.0]];
const STEPS: usize = 3;
const DISCOUNT: f64 = 0.9;

/// Chances of choice 1 at each place.
type Chances = [f64; 2];

fn chance(of: Chances, place: usize, choice: usize) -> f64 {
    if choice == 1 { of[place] } else { 1.0 - of[place] }
}

/// What a policy earns from each place with so many steps left.
fn worth(policy: Chances, left: usize) -> [f64; 2] {
    if left == 0 {
        return [0.0; 2];
    }
    let ahead = worth(policy, left - 1);
    [0, 1].map(|place| {
        let of = |choice: usize| {
            let to = LEADS[place][choice];
            let future = to * ahead[1] + (1.0 - to) * ahead[0];
            chance(policy, place, choice) * (PAYS[place][choice] + DISCOUNT * future)
        };
        of(0) + of(1)
    })
}

/// Adds up every episode from a place, by its chance under the behaviour: what plain ratios make of it alone.
fn expected(policy: Chances, behaviour: Chances, place: usize, so_far: &mut Vec<Weighed>, share: f64) -> f64 {
    if so_far.len() == STEPS {
        return share * per_decision(std::slice::from_ref(so_far), &[0], (STEPS, DISCOUNT), Weighing::Plain).unwrap();
    }
    let mut sum = 0.0;
    for choice in 0..2 {
        for next in 0..2 {
            let leads = if next == 1 { LEADS[place][choice] } else { 1.0 - LEADS[place][choice] };
            let ratio = chance(policy, place, choice) / chance(behaviour, place, choice);
            so_far.push((PAYS[place][choice], ratio.ln()));
            sum += expected(policy, behaviour, next, so_far, share * leads * chance(behaviour, place, choice));
            so_far.pop();
        }
    }
    sum
}

#[test]
fn plain_ratios_are_unbiased_and_weighted_ones_do_not_change_where_the_policy_recorded() {
    let behaviour = [0.4, 0.3];
    for policy in [[0.9, 0.1], [0.0, 1.0], [0.4, 0.3]] {
        for place in 0..2 {
            let found = expected(policy, behaviour, place, &mut Vec::new(), 1.0);
            assert!((found - worth(policy, STEPS)[place]).abs() < 1e-12, "{policy:?}: {found}");
        }
    }
    // With ratios of one either is the mean of the returns; an episode that ended pays nothing more.
    let episodes = [vec![(1.0, 0.0), (2.0, 0.0)], vec![(4.0, 0.0)]];
    for weighing in [Weighing::Plain, Weighing::Weighted] {
        let mean = per_decision(&episodes, &[0, 1], (2, 0.5), weighing).unwrap();
        assert!((mean - 3.0).abs() < 1e-12, "{mean}");
    }
    // Where no episode goes on as the policy does, shares say nothing.
    let never = [vec![(1.0, f64::NEG_INFINITY)], vec![(2.0, f64::NEG_INFINITY)]];
    assert_eq!(per_decision(&never, &[0, 1], (1, 1.0), Weighing::Weighted), None);
    assert_eq!(per_decision(&never, &[0, 1], (1, 1.0), Weighing::Plain), Some(0.0));
}

/// Episodes of the behaviour, with places and choices one-hot.
fn recorded(episodes: usize) -> Dataset {
    let (rng, mut data) = (&mut Rng::new(1), Dataset::new(2, 2));
    let one_hot = |of: usize| [1.0 - of as f64, of as f64];
    for _ in 0..episodes {
        let mut place = rng.below(2) as usize;
        for t in 0..6 {
            let choice = rng.below(2) as usize;
            let next = usize::from(rng.uniform() < LEADS[place][choice]);
            let (seen, done, then) = (one_hot(place), one_hot(choice), one_hot(next));
            data.push(&seen, &done, PAYS[place][choice], &then, false, t == 5).unwrap();
            place = next;
        }
    }
    data
}

#[test]
fn fitted_values_are_those_of_dynamic_programming() {
    let data = recorded(300);
    // Choice 1 at place 0, choice 0 at place 1, then the other way round.
    for (policy, choice) in [([1.0, 0.0], [1, 0]), ([0.0, 1.0], [0, 1])] {
        let of = |place: usize| if choice[place] == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
        let next: Vec<f64> = (0..data.len()).flat_map(|i| of(usize::from(data.next_observation(i)[1] > 0.5))).collect();
        let config =
            FittedQConfig { hidden: vec![32, 32], members: 3, updates: 1500, ..FittedQConfig::new(STEPS, DISCOUNT, 2) };
        let mut fitted = FittedQ::fit(&data, &next, &Space::discrete(2), &config, &Interrupt::never()).unwrap();
        let actions = [of(0), of(1)].concat();
        let values = fitted.values(&[1.0, 0.0, 0.0, 1.0], &actions).unwrap();
        for (place, truth) in worth(policy, STEPS).into_iter().enumerate() {
            // The first of the networks saw every episode once.
            let found = values[place];
            assert!((found - truth).abs() < 0.2, "{policy:?} at {place}: {found} for {truth}");
        }
    }
    let error = FittedQ::fit(
        &Dataset::new(2, 2),
        &[],
        &Space::discrete(2),
        &FittedQConfig::new(3, 1.0, 0),
        &Interrupt::never(),
    );
    assert!(error.err().unwrap().to_string().contains("holds no transition"));
}
