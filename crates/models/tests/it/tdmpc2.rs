//! The model with values and a policy of its own: what is best is what it learns, of choices and of numbers, whoever recorded what it learns from.

use worldwright_core::{
    Actions, Batch, Dataset, Imagined, Interrupt, Key, Priors, Rng, Rows, Setting, Space, Value, Values,
};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_testkit::check_world_model;

use crate::latent::{PLACES, chain, walks};
use crate::systems::settings;

fn made(context: &ModelContext, pairs: &[(&str, i64)]) -> Box<dyn LatentModel> {
    let pairs: Vec<_> = pairs.iter().map(|(name, number)| (*name, Setting::Integer(*number))).collect();
    build_latent("tdmpc2", context, &settings(&pairs)).unwrap()
}

const SMALL: [(&str, i64); 4] = [("latent", 32), ("hidden", 32), ("batch", 32), ("critics", 3)];

/// What the model thinks of places: values, and priors.
fn thoughts(model: &dyn LatentModel, places: &[f64]) -> (Vec<f64>, Priors) {
    let mut arena = model.imagination(places.len());
    for (row, place) in places.iter().enumerate() {
        arena.observe(row, None, &Value::Floats(vec![*place]), Key::new(0)).unwrap();
    }
    let (mut values, mut priors) = (Values::default(), Priors::default());
    arena.value(Rows::Span(0..places.len()), &mut values).unwrap();
    arena.prior(Rows::Span(0..places.len()), &mut priors).unwrap();
    (values.value, priors)
}

/// Who walked went left one time in four; the best way is right alone, so that a place is worth the discount to the power of the steps that are left before the last.
#[test]
fn a_chain_is_worth_what_the_best_way_earns() {
    let pairs = [&SMALL[..], &[("updates", 2500)]].concat();
    let mut model = made(&chain(1), &pairs);
    model.fit(&walks(3000, 1), &mut Rng::new(2), &Interrupt::never()).unwrap();
    let places: Vec<f64> = (0..PLACES).map(|place| place as f64).collect();
    let (values, priors) = thoughts(&*model, &places);
    for (place, value) in values.iter().enumerate() {
        let best = 0.9_f64.powi((PLACES - 1 - place) as i32);
        assert!((value - best).abs() < 0.06, "place {place}: {value} where {best} is right");
        let logit = priors.mean[2 * place + 1] - priors.mean[2 * place];
        assert!(logit > 1.0, "place {place}: right by {logit}");
    }
}

/// `x' = 0.9 x + 0.4 a`, paid `−x² − 0.2 a²`: the value is `−p x²` with p from the Riccati equation, the best action `−k x`.
#[test]
fn a_linear_world_is_valued_by_its_riccati_equation() {
    let (a, b, q, r, discount) = (0.9, 0.4, 1.0, 0.2, 0.9);
    let (mut p, mut k) = (0.0, 0.0);
    for _ in 0..1000 {
        k = discount * p * a * b / (r + discount * p * b * b);
        p = q + r * k * k + discount * p * (a - b * k) * (a - b * k);
    }
    let (mut data, mut rng) = (Dataset::new(1, 1), Rng::new(1));
    for _ in 0..400 {
        let mut x = rng.uniform_in(-1.0, 1.0);
        for t in 0..8 {
            let u = rng.uniform_in(-1.0, 1.0);
            let next = a * x + b * u;
            data.push(&[x], &[u], -q * x * x - r * u * u, &[next], false, t == 7).unwrap();
            x = next;
        }
    }
    let context = ModelContext { action_space: Space::vector(&[-1.0], &[1.0]), ..chain(1) };
    assert_eq!(context.discount, discount);
    let mut model = made(&context, &[&SMALL[..], &[("updates", 3000)]].concat());
    model.fit(&data, &mut Rng::new(3), &Interrupt::never()).unwrap();
    let places = [-0.8, -0.4, 0.0, 0.4, 0.8];
    let (values, priors) = thoughts(&*model, &places);
    for (i, x) in places.into_iter().enumerate() {
        let (worth, best) = (-p * x * x, -k * x);
        assert!((values[i] - worth).abs() < 0.15 + 0.1 * worth.abs(), "{x}: {} where {worth} is right", values[i]);
        assert!((priors.mean[i] - best).abs() < 0.15, "{x}: {} where {best} is best", priors.mean[i]);
    }
    // What steps are foretold to pay.
    let mut arena = model.imagination(1);
    arena.observe(0, None, &Value::Floats(vec![0.5]), Key::new(0)).unwrap();
    let mut out = Imagined::new(model.spec(), 1);
    let mut action = Batch::zeros(1, 1);
    action.columns_mut().set_row(0, &[-0.5]);
    for expected in [-0.25 - 0.05, -0.0625 - 0.05] {
        let actions = Actions::Continuous(action.columns());
        arena.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(0), &mut out).unwrap();
        assert!((out.reward[0] - expected).abs() < 0.08, "{} where {expected} is right", out.reward[0]);
        assert!((out.continuation[0] - discount).abs() < 0.02, "{}", out.continuation[0]);
    }
}

/// Where every step pays 1 for ever, a state is worth `1 / (1 − 0.99) = 100`. Each time that the slow critics have followed, targets see one step more than the critics saw, or as many more
/// as are imagined: what is foreseen is what a few thousand updates are enough for.
#[test]
fn imagined_steps_bring_values_of_far_away() {
    let (mut data, mut rng) = (Dataset::new(1, 1), Rng::new(1));
    let mut x = 0.0;
    for t in 0..400 {
        let next = rng.uniform_in(-1.0, 1.0);
        data.push(&[x], &[rng.uniform_in(-1.0, 1.0)], 1.0, &[next], false, t == 399).unwrap();
        x = next;
    }
    let context = ModelContext { action_space: Space::vector(&[-1.0], &[1.0]), discount: 0.99, ..chain(1) };
    let [near, far] = [0, 7].map(|foresight| {
        let mut model = made(&context, &[&SMALL[..], &[("updates", 1000), ("foresight", foresight)]].concat());
        model.fit(&data, &mut Rng::new(2), &Interrupt::never()).unwrap();
        thoughts(&*model, &[0.0]).0[0]
    });
    assert!(far > 4.0 * near && far > 25.0 && far < 105.0, "{far} of 100, and {near} by targets of one step");
}

#[test]
fn the_model_keeps_to_the_contract() {
    for actions in [Space::discrete(2), Space::vector(&[-1.0, 0.0], &[1.0, 3.0])] {
        let mut model = made(&ModelContext { action_space: actions, ..chain(1) }, &SMALL);
        model.update(&walks(200, 4), &mut Rng::new(5), &Interrupt::never()).unwrap();
        let seen = [0.0, 2.5, -1.0].map(|x| Value::Floats(vec![x]));
        check_world_model(model.as_world_model(), &seen, 1e-5);
    }
}

#[test]
fn what_cannot_be_modelled_is_refused() {
    let refused = |context: &ModelContext, pairs: &[(&str, i64)]| -> String {
        let pairs: Vec<_> = pairs.iter().map(|(name, number)| (*name, Setting::Integer(*number))).collect();
        match build_latent("tdmpc2", context, &settings(&pairs)) {
            Ok(_) => panic!("{pairs:?} must be refused"),
            Err(error) => error.to_string(),
        }
    };
    assert!(refused(&chain(2), &[]).contains("take the model muzero"));
    assert!(refused(&chain(1), &[("latent", 20)]).contains("must divide the 20 numbers"));
    assert!(refused(&chain(1), &[("critics", 0)]).contains("critics"));
    assert!(!refused(&chain(1), &[("foresight", 256), ("batch", 4096), ("unroll", 32)]).is_empty());
    assert!(!refused(&chain(1), &[("batch", 4096), ("unroll", 256), ("hidden", 4096)]).is_empty());
    let unbounded = ModelContext { action_space: Space::unbounded(1), ..chain(1) };
    assert!(refused(&unbounded, &[]).contains("without bounds"));
}
