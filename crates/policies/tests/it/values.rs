//! Values of choices against dynamic programming and closed forms.

use worldwright_core::{Batch, Columns, Dataset, Error, Interrupt, Mode, Priors, Rng, Setting, Settings, Space};
use worldwright_policies::{ALL, LearnedPolicy, PolicyContext};

use crate::told::{Row, policy, told};

type Chosen = (&'static str, Setting);

fn dqn(choices: usize, discount: f64, settings: &[Chosen]) -> Box<dyn LearnedPolicy> {
    let small = [
        ("hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("batch", Setting::Integer(64)),
        ("learning_rate", Setting::Float(3e-3)),
        ("target_rate", Setting::Float(0.05)),
        ("return_steps", Setting::Integer(1)),
    ];
    policy("dqn", 1, &Space::discrete(choices), discount, &[&small, settings].concat()).unwrap()
}

fn updated(mut it: Box<dyn LearnedPolicy>, from: &Dataset, updates: usize) -> Box<dyn LearnedPolicy> {
    let rng = &mut Rng::new(4);
    for _ in 0..updates {
        it.update(from, rng, &Interrupt::never()).unwrap();
    }
    it
}

fn one_hot(choices: usize, choice: usize) -> Vec<f64> {
    (0..choices).map(|i| f64::from(u8::from(i == choice))).collect()
}

fn value(it: &mut dyn LearnedPolicy, seen: f64) -> f64 {
    let mut out = [0.0];
    it.value(Columns::new(&[seen], 1, 1).unwrap(), &mut out).unwrap();
    out[0]
}

/// What every choice is worth: the prior has it in the units that the value is the greatest in.
fn values(it: &mut dyn LearnedPolicy, seen: f64) -> Vec<f64> {
    let (inputs, mut prior) = ([seen], Priors::default());
    it.prior(Columns::new(&inputs, 1, 1).unwrap(), &mut prior).unwrap();
    let most = prior.mean.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let unit = value(it, seen) / most;
    prior.mean.iter().map(|logit| unit * logit).collect()
}

const PLACES: usize = 5;
const DISCOUNT: f64 = 0.9;

/// A corridor: to the left or to the right for 1 a step, and out of its right end for 5, or of its left end for 1.
fn corridor(place: usize, choice: usize) -> (f64, Option<usize>) {
    match (place, choice) {
        (0, 0) => (1.0, None),
        (_, 0) => (-1.0, Some(place - 1)),
        (place, _) if place + 1 == PLACES => (5.0, None),
        _ => (-1.0, Some(place + 1)),
    }
}

/// Value iteration.
fn exact() -> [[f64; 2]; PLACES] {
    let mut q = [[0.0_f64; 2]; PLACES];
    for _ in 0..200 {
        let before = q;
        for (place, row) in q.iter_mut().enumerate() {
            for (choice, slot) in row.iter_mut().enumerate() {
                let (reward, next) = corridor(place, choice);
                *slot = reward + next.map_or(0.0, |next: usize| DISCOUNT * before[next][0].max(before[next][1]));
            }
        }
    }
    q
}

fn every_step() -> Dataset {
    let rows = (0..PLACES * 2 * 20).map(|i| -> Row {
        let (place, choice) = (i / 2 % PLACES, i % 2);
        let (reward, next) = corridor(place, choice);
        (vec![place as f64], one_hot(2, choice), reward, vec![next.unwrap_or(place) as f64], next.is_none())
    });
    told([1, 2], rows)
}

#[test]
fn values_are_those_of_dynamic_programming() {
    let (from, exact) = (every_step(), exact());
    let flag = |name, on| (name, Setting::Bool(on));
    let variants: [&[Chosen]; 5] = [
        &[],
        &[flag("double", false), flag("duelling", false)],
        &[flag("layer_norm", true)],
        &[("priority", Setting::Float(0.6)), ("importance", Setting::Float(1.0))],
        &[flag("double", false), ("return_steps", Setting::Integer(3))],
    ];
    for settings in variants {
        let mut it = updated(dqn(2, DISCOUNT, settings), &from, 1500);
        for (place, exact) in exact.iter().enumerate() {
            let got = values(it.as_mut(), place as f64);
            let off = got.iter().zip(exact).map(|(got, exact)| (got - exact).abs()).fold(0.0, f64::max);
            assert!(off < 0.15, "{settings:?} at {place}: {got:?}, not {exact:?}");
        }
    }
}

#[test]
fn values_of_a_tree_are_those_of_dynamic_programming() {
    let (from, exact) = (every_step(), exact());
    for (depth, share) in [(1, 1.0), (2, 1.0), (3, 0.0)] {
        let settings = [
            ("hidden", Setting::Numbers(vec![32.0, 32.0])),
            ("batch", Setting::Integer(64)),
            ("learning_rate", Setting::Float(3e-3)),
            ("target_rate", Setting::Float(0.05)),
            ("depth", Setting::Integer(depth)),
            ("reward_share", Setting::Float(share)),
        ];
        let tree = policy("treeqn", 1, &Space::discrete(2), DISCOUNT, &settings).unwrap();
        let mut it = updated(tree, &from, 1500);
        for (place, exact) in exact.iter().enumerate() {
            let got = values(it.as_mut(), place as f64);
            let off = got.iter().zip(exact).map(|(got, exact)| (got - exact).abs()).fold(0.0, f64::max);
            assert!(off < 0.2, "{depth} steps, at {place}: {got:?}, not {exact:?}");
        }
    }
    // Five choices over six steps are more states than anybody waits for.
    let deep = [("depth", Setting::Integer(6))];
    let error = policy("treeqn", 1, &Space::discrete(5), DISCOUNT, &deep).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("depth"), "{error}");
    // A matrix a choice: 200 of 16,384 times 16,384 numbers.
    let wide = [("hidden", Setting::Numbers(vec![16_384.0])), ("depth", Setting::Integer(1))];
    let error = policy("treeqn", 1, &Space::discrete(200), DISCOUNT, &wide).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Config { .. }) && error.to_string().contains("memory"), "{error}");
}

/// Episodes that walk to the right: with returns of three steps, the reward at the end is known three places away at each update.
#[test]
fn returns_of_several_steps_travel_faster() {
    let mut walks = Dataset::new(1, 2);
    for _ in 0..40 {
        for place in 0..PLACES {
            let (reward, next) = corridor(place, 1);
            let (seen, after) = ([place as f64], [next.unwrap_or(place) as f64]);
            walks.push(&seen, &one_hot(2, 1), reward, &after, next.is_none(), next.is_none()).unwrap();
        }
    }
    // The slow values hardly follow, so that what is not in a return is not known.
    let error = |steps| {
        let settings = [("return_steps", Setting::Integer(steps)), ("target_rate", Setting::Float(1e-4))];
        let mut it = updated(dqn(2, DISCOUNT, &settings), &walks, 600);
        (values(it.as_mut(), 2.0)[1] - exact()[2][1]).abs()
    };
    let (one, three) = (error(1), error(3));
    assert!(three < 0.15 && one > 1.0, "one step: {one}, three: {three}");
}

/// Whatever is chosen at the first place leads to the second, where every choice pays 3 or −3 as often. Both are worth nothing, and who takes the greatest
/// of noisy values for the value of the greatest hopes for more.
#[test]
fn choosing_by_other_values_hopes_for_less() {
    const CHOICES: usize = 8;
    let rows = (0..32 * CHOICES).map(|i| {
        let (choice, place, sign) = (i % CHOICES, i / CHOICES % 2, i / CHOICES / 2 % 2);
        let reward = if place == 0 { 0.0 } else { 6.0 * sign as f64 - 3.0 };
        (vec![place as f64], one_hot(CHOICES, choice), reward, vec![1.0], place == 1)
    });
    let from = told([1, CHOICES], rows);
    let hoped = |double| {
        let settings = [
            ("double", Setting::Bool(double)),
            ("batch", Setting::Integer(16)),
            ("learning_rate", Setting::Float(1e-2)),
            ("target_rate", Setting::Float(0.005)),
        ];
        let (mut it, rng, mut sum) = (dqn(CHOICES, 0.99, &settings), &mut Rng::new(5), 0.0);
        for update in 0..3000 {
            it.update(&from, rng, &Interrupt::never()).unwrap();
            if update >= 1000 {
                sum += value(it.as_mut(), 0.0) / 2000.0;
            }
        }
        sum
    };
    let (double, plain) = (hoped(true), hoped(false));
    assert!(plain > 0.2 && double < 0.95 * plain, "double {double}, plain {plain}");
}

/// Slow values that never follow are those that the network began with, at the second place the numbers `q`. Every choice of the first place leads there,
/// where one choice alone pays, that with the least of `q`: it is worth `γ max q` where slow values choose, and `γ min q` where those that learn do.
#[test]
fn double_values_ask_the_slow_ones_for_the_choice_of_the_others() {
    const CHOICES: usize = 8;
    let frozen =
        |double| dqn(CHOICES, DISCOUNT, &[("double", Setting::Bool(double)), ("target_rate", Setting::Float(0.0))]);
    let (mut prior, inputs) = (Priors::default(), [1.0]);
    frozen(true).prior(Columns::new(&inputs, 1, 1).unwrap(), &mut prior).unwrap();
    let q = prior.mean;
    let order = |a: &usize, b: &usize| q[*a].total_cmp(&q[*b]);
    let (least, most) = ((0..CHOICES).min_by(order).unwrap(), (0..CHOICES).max_by(order).unwrap());
    assert!(q[most] > q[least] + 0.2, "{q:?}");
    let rows = (0..20 * CHOICES).map(|i| {
        let (choice, place) = (i % CHOICES, i / CHOICES % 2);
        let reward =
            if place == 0 { 0.0 } else { f64::from(u8::from(choice == least)) - f64::from(u8::from(choice != least)) };
        (vec![place as f64], one_hot(CHOICES, choice), reward, vec![1.0], place == 1)
    });
    let from = told([1, CHOICES], rows);
    // Rewards are of size 1 at one place of two, and values are told in units of their root mean square.
    for (double, q) in [(false, q[most]), (true, q[least])] {
        let (got, exact) = (value(updated(frozen(double), &from, 1500).as_mut(), 0.0), DISCOUNT * 0.5_f64.sqrt() * q);
        assert!((got - exact).abs() < 0.04, "double {double}: {got}, by the closed form {exact}");
    }
}

/// One choice that pays 10 once in ten times and else nothing. Drawn by their error and not weighed, transitions balance where
/// `0.9 q² = 0.1 (10 − q)²`, at 2.5; weighed, at their mean.
#[test]
fn weights_take_out_the_bias_of_drawing_by_error() {
    let from = told(
        [1, 2],
        (0..500).map(|i| (vec![0.0], one_hot(2, i % 2), if i % 20 < 2 { 10.0 } else { 0.0 }, vec![0.0], true)),
    );
    for (importance, fixed) in [(0.0, 2.5), (1.0, 1.0)] {
        let settings = [
            ("priority", Setting::Float(1.0)),
            ("importance", Setting::Float(importance)),
            ("learning_rate", Setting::Float(1e-3)),
        ];
        let (mut it, rng, mut sum) = (dqn(2, 0.9, &settings), &mut Rng::new(5), 0.0);
        for update in 0..3000 {
            it.update(&from, rng, &Interrupt::never()).unwrap();
            if update >= 2000 {
                sum += values(it.as_mut(), 0.0)[0] / 1000.0;
            }
        }
        assert!((sum - fixed).abs() < 0.25, "importance {importance}: {sum}, by the closed form {fixed}");
    }
}

#[test]
fn random_choices_become_fewer_as_told() {
    let from = every_step();
    let settings =
        [("exploration_end", Setting::Float(0.2)), ("exploration_steps", Setting::Integer(2 * from.len() as i64))];
    let mut it = dqn(2, DISCOUNT, &settings);
    let said = it.update(&from, &mut Rng::new(1), &Interrupt::never()).unwrap();
    let chance = said.iter().find(|(name, _)| *name == "exploration").unwrap().1;
    assert!((chance - 0.6).abs() < 1e-12, "{chance}");
    let (mut seen, mut out) = (Batch::zeros(1, 8000), Batch::zeros(2, 8000));
    seen.columns_mut().column_mut(0).fill(2.0);
    let mut share = |it: &mut dyn LearnedPolicy, mode| {
        it.act(seen.columns(), mode, &mut Rng::new(2), &mut out).unwrap();
        out.columns().column(0).iter().sum::<f64>() / 8000.0
    };
    let best = share(it.as_mut(), Mode::Exploit);
    assert!(best == 0.0 || best == 1.0, "{best}");
    // Half of the random ones are the best one.
    let explored = (share(it.as_mut(), Mode::Explore) - best).abs();
    assert!((explored - 0.3).abs() < 0.02, "{explored}");
    // What was learned explores as it did.
    let mut other = dqn(2, DISCOUNT, &settings);
    other.restore_weights(&it.weights()).unwrap();
    assert_eq!(share(other.as_mut(), Mode::Explore), share(it.as_mut(), Mode::Explore));
}

#[test]
fn numbers_are_refused_by_who_to_ask_instead() {
    let error = policy("dqn", 1, &Space::vector(&[0.0], &[1.0]), 0.9, &[]).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("td3 or sac"), "{error}");
}

/// Drawing by error is of an experience that grows: a learner that is cut goes on with the same bytes.
#[test]
fn a_learner_that_draws_by_error_is_restored_exactly() {
    let (from, rng) = (every_step(), &mut Rng::new(3));
    let settings = [("priority", Setting::Float(0.6)), ("return_steps", Setting::Integer(2))];
    let [mut it, mut other] = [0; 2].map(|_| dqn(2, DISCOUNT, &settings));
    let update = |it: &mut dyn LearnedPolicy, rng: &mut Rng| it.update(&from, rng, &Interrupt::never()).unwrap();
    (0..5).for_each(|_| drop(update(it.as_mut(), rng)));
    other.restore(&it.save()).unwrap();
    for _ in 0..5 {
        assert_eq!(update(it.as_mut(), &mut rng.clone()), update(other.as_mut(), &mut rng.clone()));
        assert!(it.save() == other.save());
    }
}

/// Where everybody goes right, values are what is paid to the end; members agree there, and differ where nobody has been.
#[test]
fn an_ensemble_of_values_knows_where_it_has_been() {
    let entry = ALL.iter().find(|entry| entry.name == "value-ensemble").unwrap();
    let chosen = [
        ("batch", Setting::Integer(64)),
        ("return_steps", Setting::Integer(1)),
        ("target_rate", Setting::Float(0.1)),
        ("learning_rate", Setting::Float(3e-3)),
    ];
    let chosen = chosen.into_iter().map(|(key, setting)| (key.to_owned(), setting)).collect();
    let settings = Settings::resolve(entry.name, entry.parameters, &chosen).unwrap();
    let context = PolicyContext { inputs: 1, action_space: Space::discrete(2), discount: DISCOUNT, seed: 1 };
    let mut values = entry.build.valuing(entry.name, &context, &settings).unwrap();
    let rows = (0..PLACES * 20).map(|i| -> Row {
        let (reward, next) = corridor(i % PLACES, 1);
        (vec![(i % PLACES) as f64], one_hot(2, 1), reward, vec![next.unwrap_or(i % PLACES) as f64], next.is_none())
    });
    let (data, rng) = (told([1, 2], rows), &mut Rng::new(4));
    for _ in 0..1500 {
        values.update(&data, rng, &Interrupt::never()).unwrap();
    }
    let mut at = |place: f64, hope| {
        let mut out = [0.0];
        values.value(Columns::new(&[place], 1, 1).unwrap(), hope, &mut out).unwrap();
        out[0]
    };
    let (mut exact, mut most) = (5.0, 0.0f64);
    for place in (0..PLACES).rev() {
        let mean = at(place as f64, false);
        assert!((mean - exact).abs() < 0.1, "{place}: {mean}, {exact}");
        most = most.max(at(place as f64, true) - mean);
        exact = DISCOUNT * exact - 1.0;
    }
    let hoped = at(-40.0, true) - at(-40.0, false);
    assert!(hoped > 5.0 * most && hoped > 0.2, "{hoped} where nobody was, {most} at most elsewhere");
}

/// From one place to another that nobody ever left: values there grow with those that learn from them, by more than the discount takes off, and climb for ever, were it
/// not that no return of rewards of 1 is beyond 1/(1 − γ) (Tsitsiklis and Van Roy, 1997).
#[test]
fn values_keep_within_what_returns_can_be() {
    let rows = (0..64).map(|_| -> Row { (vec![1.0], one_hot(2, 0), 1.0, vec![4.0], false) });
    let quick = [("learning_rate", Setting::Float(1e-2)), ("target_rate", Setting::Float(0.2))];
    let mut it = updated(dqn(2, 0.98, &quick), &told([1, 2], rows), 6000);
    let learned = value(it.as_mut(), 1.0);
    assert!(learned > 10.0 && learned < 50.5, "{learned}");
}
