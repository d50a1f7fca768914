//! Counts of finite processes against their closed forms.

use std::collections::BTreeMap;

use worldwright_core::{
    Actions, Dataset, Imagined, Interrupt, Key, LearnedModel, Observation, Priors, Rng, Rows, Space, Value, Values,
};
use worldwright_models::{ModelContext, build};
use worldwright_testkit::check_world_model;

const STATES: usize = 6;

fn context(observation_space: Space, action_space: Space) -> ModelContext {
    ModelContext {
        observation_space,
        action_space,
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        discount: 0.9,
        seed: 0,
    }
}

/// A corridor: left or right, slipping with probability 0.3; the last cell pays 1 and ends.
fn corridor(count: usize) -> Dataset {
    let (mut rng, mut data) = (Rng::new(3), Dataset::new(STATES, 2));
    let one_hot = |n: usize, at: usize| (0..n).map(|i| f64::from(u8::from(i == at))).collect::<Vec<f64>>();
    for _ in 0..count {
        let (state, action) = (rng.below(STATES as u64 - 1) as usize, rng.below(2) as usize);
        let right = (action == 1) != (rng.uniform() < 0.3);
        let next = if right { state + 1 } else { state.saturating_sub(1) };
        let ended = next == STATES - 1;
        let (before, after) = (one_hot(STATES, state), one_hot(STATES, next));
        data.push(&before, &one_hot(2, action), f64::from(u8::from(ended)), &after, ended, false).unwrap();
    }
    data
}

fn fitted(count: usize) -> Box<dyn LearnedModel> {
    let mut model =
        build("tabular", &context(Space::choices(STATES, -2), Space::discrete(2)), &BTreeMap::new()).unwrap();
    model.fit(&corridor(count), &mut Rng::new(0), &Interrupt::never()).unwrap();
    model
}

/// The corridor's values by going right, from its own equations.
fn truth() -> Vec<f64> {
    let mut values = vec![0.0; STATES];
    for _ in 0..2000 {
        for state in 0..STATES - 1 {
            let right = if state + 1 == STATES - 1 { 1.0 } else { 0.9 * values[state + 1] };
            values[state] = 0.7 * right + 0.3 * 0.9 * values[state.saturating_sub(1)];
        }
    }
    values
}

#[test]
fn values_and_policy_come_near_those_of_the_process() {
    let model = fitted(40_000);
    let mut world = model.imagination(STATES);
    for (state, want) in truth().into_iter().enumerate().take(STATES - 1) {
        world.observe(0, None, &Value::Integer(state as i64 - 2), Key::new(0)).unwrap();
        let mut values = Values::default();
        world.value(Rows::Span(0..1), &mut values).unwrap();
        assert!((values.value[0] - want).abs() < 0.02, "state {state}: {} not {want}", values.value[0]);
        let mut prior = Priors::default();
        world.prior(Rows::Span(0..1), &mut prior).unwrap();
        assert!(prior.mean[1] > prior.mean[0], "state {state}: {prior:?}");
    }
    // Shares of what is drawn are those of the corridor.
    let mut out = Imagined::new(model.spec(), 1);
    let mut slipped = 0;
    for draw in 0..2000 {
        world.observe(0, None, &Value::Integer(0), Key::new(0)).unwrap();
        world.step(Rows::Span(0..1), Actions::Discrete(&[1]), Rows::Span(0..1), Key::new(draw), &mut out).unwrap();
        let mut shown = [0.0; STATES];
        world.decode(0, 0, &mut shown).unwrap();
        slipped += usize::from(shown[1] == 1.0);
    }
    assert!((slipped as f64 / 2000.0 - 0.3).abs() < 0.04, "{slipped}");
}

#[test]
fn it_keeps_what_every_model_promises() {
    let model = fitted(500);
    let states: Vec<Observation> = (0..STATES as i64 - 1).map(|state| Value::Integer(state - 2)).collect();
    check_world_model(&*model, &states, 1e-9);
    let mut again =
        build("tabular", &context(Space::choices(STATES, -2), Space::discrete(2)), &BTreeMap::new()).unwrap();
    again.restore(&model.save()).unwrap();
    assert_eq!(again.save(), model.save());
}

#[test]
fn numbers_are_refused_and_parts_are_counted() {
    let refused = |observations, actions| {
        build("tabular", &context(observations, actions), &BTreeMap::new()).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(Space::unbounded(1), Space::discrete(2)).contains("gp"));
    assert!(refused(Space::discrete(3), Space::unbounded(1)).contains("actions"));
    // Blackjack's observations.
    let cards = Space::Tuple(vec![Space::discrete(32), Space::discrete(11), Space::discrete(2)]);
    build("tabular", &context(cards, Space::discrete(2)), &BTreeMap::new()).unwrap();
}

/// Other data replace what was counted, as with every model; the same data with more behind them go on.
#[test]
fn a_fit_is_to_the_data_given() {
    let (long, short) = (corridor(4000), corridor(1000));
    let fit = |model: &mut Box<dyn LearnedModel>, data: &Dataset| {
        model.fit(data, &mut Rng::new(0), &Interrupt::never()).unwrap();
    };
    let fresh = |data: &Dataset| {
        let spaces = context(Space::choices(STATES, -2), Space::discrete(2));
        let mut model = build("tabular", &spaces, &BTreeMap::new()).unwrap();
        fit(&mut model, data);
        model
    };
    let mut other = Dataset::new(STATES, 2);
    other.append_rows(&long, 2000..4000).unwrap();
    let mut model = fresh(&short);
    for data in [&other, &long, &short, &other] {
        fit(&mut model, data);
        assert_eq!(model.save().part("table"), fresh(data).save().part("table"), "{} transitions", data.len());
    }
    // As an agent's data grow: to the same as all at once, also by way of a saved state.
    let mut grown = short.clone();
    let mut model = fresh(&grown);
    grown.append(&other).unwrap();
    let mut restored = fresh(&other);
    restored.restore(&model.save()).unwrap();
    for model in [&mut model, &mut restored] {
        fit(model, &grown);
    }
    assert_eq!(model.save().part("table"), fresh(&grown).save().part("table"));
    assert_eq!(model.save(), restored.save());
}
