use super::*;
use worldwright_core::{Dataset, Numbers, Space};
use worldwright_nn::{AdamConfig, Parameter};

const SIZES: Sizes = Sizes { observation: 2, actions: 3, latent: 8, simplex: 4, hidden: 8 };

fn schedule() -> Schedule {
    Schedule {
        batch: 3,
        recent: u64::MAX,
        unroll: 3,
        return_steps: 2,
        searched: false,
        follow: 0.5,
        consistency: 0.0,
        updates: 1,
    }
}

fn made(schedule: Schedule, discount: f64) -> (Learned, Unrolled) {
    let mut store = Store::new(1);
    let cell = MuzeroCell::new(&mut store, SIZES, &mut Rng::new(1));
    let adam = AdamConfig { learning_rate: 1e-2, ..AdamConfig::default() };
    let learned = Learned::new(store, adam).with_slow_copy(schedule.follow);
    let unrolled = Unrolled::new(&cell, &learned, schedule, discount).unwrap();
    (learned, unrolled)
}

fn head() -> ActionHead {
    ActionHead::new("test", &Space::discrete(3)).unwrap()
}

/// A window of `length` transitions from states `t`, by action `t mod 3`, with rewards 1, 2, 3 … and columns `policy, root`.
fn window(length: usize, terminated: bool, columns: &[[f64; 4]]) -> Sample {
    let mut sample = Sample::default();
    sample.begin(length);
    sample.sequences = 1;
    sample.observations = Numbers::Floats((0..=length).flat_map(|t| [t as f64, -(t as f64)]).collect());
    let action = |t: usize| (0..3).map(move |choice| f64::from(u8::from(choice == t % 3)));
    sample.actions = Numbers::Floats((0..length).flat_map(action).collect());
    sample.rewards = (1..=length).map(|t| t as f64).collect();
    sample.terminated = (1..=length).map(|t| terminated && t == length).collect();
    sample.truncated = vec![false; length];
    sample.columns = columns.iter().flatten().copied().collect();
    sample
}

/// What of window 0 is fed: returns without their ends, and what these are multiplied by.
fn dues(unrolled: &Unrolled) -> Vec<Option<(f64, f64)>> {
    unrolled.due[..4].iter().map(|due| due.map(|due| (due.earned, due.factor))).collect()
}

#[test]
fn a_window_that_ends_is_filled_with_nothing_to_earn() {
    let (_, mut unrolled) = made(schedule(), 0.5);
    unrolled.sample = window(2, true, &[]);
    unrolled.write(0, (None, None), &head(), &mut Rng::new(1)).unwrap();
    let f = &unrolled.feeds;
    assert_eq!(
        (&f.rewards[..3], &f.continues[..3], &f.paid[..3]),
        (&[1.0, 2.0, 0.0][..], &[1.0, 0.0, 0.0][..], &[1.0; 3][..])
    );
    assert_eq!(
        (&f.valued[..4], &f.searched[..4], &f.shown[..3]),
        (&[1.0; 4][..], &[1.0, 1.0, 0.0, 0.0][..], &[1.0, 1.0, 0.0][..])
    );
    // Without a search, the policy is what was done.
    assert_eq!(f.policies[..6], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(f.actions[..6], f.policies[..6]);
    assert_eq!(f.actions[6..9].iter().sum::<f32>(), 1.0, "some action after the end");
    assert_eq!(dues(&unrolled), [Some((2.0, 0.0)), Some((2.0, 0.0)), Some((0.0, 0.0)), Some((0.0, 0.0))]);
    assert_eq!(f.observations[..8], [0.0, 0.0, 1.0, -1.0, 2.0, -2.0, 0.0, 0.0]);
    assert_eq!(f.windows[0], Filled { length: 2, ended: true });
}

#[test]
fn a_window_that_was_cut_says_nothing_of_what_follows() {
    let (_, mut unrolled) = made(schedule(), 0.5);
    unrolled.sample = window(2, false, &[]);
    unrolled.write(0, (None, None), &head(), &mut Rng::new(1)).unwrap();
    let f = &unrolled.feeds;
    assert_eq!((&f.paid[..3], &f.valued[..4]), (&[1.0, 1.0, 0.0][..], &[1.0, 1.0, 0.0, 0.0][..]));
    assert_eq!(f.continues[..2], [1.0, 1.0]);
    // 1 + 2/2 + v(2)/4, 2 + v(2)/2; both go on where state 2 is seen.
    assert_eq!(dues(&unrolled), [Some((2.0, 0.25)), Some((2.0, 0.5)), None, None]);
    assert_eq!(f.ends[..4], [2.0, -2.0, 2.0, -2.0]);
    assert_eq!(f.windows[0], Filled { length: 2, ended: false });
}

#[test]
fn two_players_earn_against_each_other() {
    let (_, mut unrolled) = made(schedule(), -1.0);
    unrolled.sample = window(6, false, &[]);
    unrolled.write(0, (None, None), &head(), &mut Rng::new(1)).unwrap();
    // 1 − 2 + v(2): the same player is to move again.
    assert_eq!(dues(&unrolled), [0.0, 1.0, 2.0, 3.0].map(|_| Some((-1.0, 1.0))));
    assert_eq!(unrolled.feeds.ends[..8], [2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0]);
    let odd = Schedule { return_steps: 3, ..schedule() };
    let (_, mut unrolled) = made(odd, -1.0);
    unrolled.sample = window(7, false, &[]);
    unrolled.write(0, (None, None), &head(), &mut Rng::new(1)).unwrap();
    // 1 − 2 + 3 − v(3): the other player is.
    assert_eq!(dues(&unrolled)[0], Some((2.0, -1.0)));
}

#[test]
fn what_was_searched_is_learned_where_something_was() {
    let columns = [[0.2, 0.3, 0.5, 4.0], [0.0; 4], [0.0, 1.0, 0.0, 6.0], [1.0, 0.0, 0.0, 8.0], [0.0; 4], [0.0; 4]];
    let (_, mut unrolled) = made(Schedule { searched: true, ..schedule() }, 0.5);
    unrolled.sample = window(6, false, &columns);
    unrolled.write(0, (Some(0), Some(3)), &head(), &mut Rng::new(1)).unwrap();
    let f = &unrolled.feeds;
    assert_eq!(f.policies[..3], [0.2, 0.3, 0.5]);
    assert_eq!(f.searched[..4], [1.0, 0.0, 1.0, 1.0]);
    // The roots of steps 2 and 3 are known; those of 4 and 5 are not, and wait for the slow copy.
    let whole = [1.0 + 1.0 + 6.0 / 4.0, 2.0 + 1.5 + 8.0 / 4.0];
    assert_eq!(dues(&unrolled)[..2], whole.map(|earned| Some((earned, 0.0))));
    assert_eq!(dues(&unrolled)[2..], [Some((5.0, 0.25)), Some((6.5, 0.25))]);
    assert_eq!(
        column(
            &[StepColumn { name: "other".into(), width: 2 }, StepColumn { name: ROOT_VALUE.into(), width: 1 }],
            ROOT_VALUE,
            1
        ),
        Some(2)
    );
    assert_eq!(column(&[StepColumn { name: SEARCH_POLICY.into(), width: 2 }], SEARCH_POLICY, 3), None);
}

/// Some random play that ends now and then.
fn played() -> Dataset {
    let (mut data, mut rng) = (Dataset::new(2, 3), Rng::new(4));
    let mut seen = [0.0; 2];
    for i in 0..60 {
        let (choice, next) = (rng.below(3) as usize, [rng.normal(), rng.normal()]);
        let action = [0, 1, 2].map(|other| f64::from(u8::from(other == choice)));
        data.push(&seen, &action, seen[0] + choice as f64, &next, i % 20 == 19, i % 20 == 19).unwrap();
        seen = next;
    }
    data
}

/// The gradients of all parameters against central differences of the loss along random directions: through the unrolled dynamics, all heads and, where there
/// is no target that moves with it, the representation.
#[test]
fn gradients_are_those_of_the_loss() {
    for (consistency, along) in [(0.0, ""), (2.0, "dynamics")] {
        let (mut learned, mut unrolled) = made(Schedule { consistency, ..schedule() }, 0.9);
        let mut rng = Rng::new(5);
        // Heads begin at zero, through which nothing flows back.
        for _ in 0..20 {
            unrolled.gather(&head(), &played(), &mut rng).unwrap();
            unrolled.learn(&mut learned, &mut Starts::default()).unwrap();
        }
        let store = &mut learned.store;
        unrolled.pass(store).unwrap();
        let parameters: Vec<(String, Parameter)> =
            store.parameters().map(|(name, parameter)| (name.to_owned(), parameter)).collect();
        let mut checked = 0;
        for (name, parameter) in parameters.iter().filter(|(name, _)| name.starts_with(along)) {
            let gradient = unrolled.loss.runner.gradient(*parameter).unwrap();
            let before = store.get(*parameter).unwrap();
            let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            if norm < 1e-4 {
                continue;
            }
            // Along the gradient itself, where the difference is largest beside single precision.
            let mut loss = |step: f64| {
                let moved: Vec<f32> = before
                    .iter()
                    .zip(&gradient)
                    .map(|(x, g)| (f64::from(*x) + step * f64::from(*g) / norm) as f32)
                    .collect();
                store.set(*parameter, &moved).unwrap();
                unrolled.pass(store).unwrap();
                unrolled.loss.runner.loss(0)
            };
            let step = 2e-2;
            let difference = (loss(step) - loss(-step)) / (2.0 * step);
            store.set(*parameter, &before).unwrap();
            unrolled.pass(store).unwrap();
            assert!((difference - norm).abs() < 0.02 * norm + 2e-4, "{name}: {difference} by differences, {norm}");
            checked += 1;
        }
        assert!(checked >= if along.is_empty() { 25 } else { 6 }, "{checked} parameters have a gradient to check");
    }
}

#[test]
fn an_update_waits_for_the_value_of_the_slow_copy() {
    let (mut learned, mut unrolled) = made(schedule(), 0.5);
    unrolled.gather(&head(), &played(), &mut Rng::new(6)).unwrap();
    unrolled.value_returns(learned.judge()).unwrap();
    let earned: Vec<f32> = unrolled.due.iter().map(|due| due.map_or(0.0, |due| due.earned) as f32).collect();
    assert_eq!(unrolled.feeds.values, earned, "heads that begin at zero say that everything is worth nothing");
    // Logits that grow with the bin make everything worth much.
    let slow = learned.judge_mut();
    let (_, bias) = slow.parameters().find(|(name, _)| *name == "value.out.bias").unwrap();
    let ramp: Vec<f32> = (0..BINS.count).map(|bin| if bin == 46 { 50.0 } else { 0.0 }).collect();
    slow.set(bias, &ramp).unwrap();
    unrolled.value_returns(learned.judge()).unwrap();
    // Bin 46 stands for symlog 3.
    let worth = 3.0_f64.exp_m1();
    for (value, due) in unrolled.feeds.values.iter().zip(&unrolled.due) {
        let expected = due.map_or(0.0, |due| due.with(worth));
        assert!((f64::from(*value) - expected).abs() < 1e-3 * (1.0 + expected.abs()), "{value}, not {expected}");
    }
    assert!(unrolled.due.iter().flatten().any(|due| due.factor == 0.25) && learned.store.is_finite());
}
