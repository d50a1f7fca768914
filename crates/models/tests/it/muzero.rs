//! The value-equivalent model: what it promises, what it learns of a chain, who gains in a game of two.

use worldwright_core::{
    Actions, Applicable, Dataset, Imagined, Interrupt, Key, Priors, Rng, Rows, Setting, Space, Value, Values,
};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_testkit::check_world_model;

use crate::latent::{PLACES, chain, walks};
use crate::systems::settings;

fn made(context: &ModelContext, pairs: &[(&str, Setting)]) -> Box<dyn LatentModel> {
    build_latent("muzero", context, &settings(pairs)).unwrap()
}

fn small() -> Vec<(&'static str, Setting)> {
    let number = |name, number| (name, Setting::Integer(number));
    vec![number("latent", 16), number("hidden", 24), number("batch", 8), number("unroll", 3)]
}

/// What this walk earns from each place on, by its own equations: `v(x) = ¾ γ v(x+1) + ¼ γ v(x−1)`, where the last step right pays 1.
fn worth(discount: f64) -> [f64; PLACES] {
    let mut v = [0.0; PLACES];
    for _ in 0..10_000 {
        for x in 0..PLACES {
            let right = if x + 1 == PLACES { 1.0 } else { discount * v[x + 1] };
            v[x] = 0.75 * right + 0.25 * discount * v[usize::saturating_sub(x, 1)];
        }
    }
    v
}

#[test]
fn a_chain_is_learned_from_recorded_steps_alone() {
    let mut model = made(&chain(1), &[("updates", Setting::Integer(1200))]);
    model.fit(&walks(3000, 1), &mut Rng::new(2), &Interrupt::never()).unwrap();
    let mut arena = model.imagination(PLACES);
    for place in 0..PLACES {
        arena.observe(place, None, &Value::Floats(vec![place as f64]), Key::new(0)).unwrap();
    }
    let (mut values, mut priors) = (Values::default(), Priors::default());
    arena.value(Rows::Span(0..PLACES), &mut values).unwrap();
    arena.prior(Rows::Span(0..PLACES), &mut priors).unwrap();
    for (place, worth) in worth(0.9).into_iter().enumerate() {
        assert!(
            (values.value[place] - worth).abs() < 0.06,
            "place {place}: {} where {worth} is right",
            values.value[place]
        );
        // The policy of who walked: three in four.
        let logit = priors.mean[2 * place + 1] - priors.mean[2 * place];
        let right = 1.0 / (1.0 + (-logit).exp());
        assert!((right - 0.75).abs() < 0.08, "place {place}: right with probability {right}");
    }
    // From the left end to the right one without looking: nothing is paid but the last step, after which nothing follows.
    let mut out = Imagined::new(model.spec(), 1);
    for t in 0..PLACES {
        arena.step(Rows::Span(0..1), Actions::Discrete(&[1]), Rows::Span(0..1), Key::new(0), &mut out).unwrap();
        let last = t + 1 == PLACES;
        let (paid, goes_on) = if last { (1.0, 0.0) } else { (0.0, 0.9) };
        assert!((out.reward[0] - paid).abs() < 0.1, "step {t}: {}", out.reward[0]);
        assert!((out.continuation[0] - goes_on).abs() < 0.1, "step {t}: {}", out.continuation[0]);
    }
    // A latent that was read is the same belief when it is written.
    let mut latent = vec![0.0; model.spec().latent_dim];
    arena.read_latent(2, &mut latent).unwrap();
    arena.write_latent(0, &latent).unwrap();
    let mut again = Values::default();
    arena.value(Rows::List(&[0, 2]), &mut again).unwrap();
    assert_eq!([again.value[0], again.value[1]], [values.value[2]; 2]);
    let mut applicable = Applicable::new(2, 1);
    arena.applicable(Rows::Span(0..1), &mut applicable).unwrap();
    assert_eq!(applicable.bits, [3], "it knows no rules");
    assert!(arena.decode(0, 0, &mut [0.0]).unwrap_err().to_string().contains("does not support decoding"));
}

/// Whoever takes the last place wins: the same walk as a game that two play in turn, by right alone. The mover gains where an odd number of steps is left.
#[test]
fn what_one_player_gains_the_other_loses() {
    let mut data = Dataset::new(1, 2);
    for i in 0..500 {
        let place = i % PLACES;
        let ended = place + 1 == PLACES;
        let paid = f64::from(u8::from(ended));
        data.push(&[place as f64], &[0.0, 1.0], paid, &[place as f64 + 1.0], ended, ended).unwrap();
    }
    let mut model = made(&chain(2), &[("updates", Setting::Integer(1200))]);
    model.fit(&data, &mut Rng::new(3), &Interrupt::never()).unwrap();
    let mut arena = model.imagination(1);
    let mut values = Values::default();
    for place in 0..PLACES {
        arena.observe(0, None, &Value::Floats(vec![place as f64]), Key::new(0)).unwrap();
        arena.value(Rows::Span(0..1), &mut values).unwrap();
        let left = (PLACES - place) as i32;
        let worth = 0.9_f64.powi(left - 1) * if left % 2 == 1 { 1.0 } else { -1.0 };
        assert!((values.value[0] - worth).abs() < 0.1, "place {place}: {} where {worth} is right", values.value[0]);
    }
    let mut out = Imagined::new(model.spec(), 1);
    arena.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    arena.step(Rows::Span(0..1), Actions::Discrete(&[1]), Rows::Span(0..1), Key::new(0), &mut out).unwrap();
    assert!((out.continuation[0] + 0.9).abs() < 0.05, "{}", out.continuation[0]);
}

#[test]
fn the_model_keeps_to_the_contract() {
    for players in [1, 2] {
        let mut model = made(&chain(players), &small());
        model.update(&walks(200, 4), &mut Rng::new(5), &Interrupt::never()).unwrap();
        let seen = [0.0, 2.5, -1.0].map(|x| Value::Floats(vec![x]));
        check_world_model(model.as_world_model(), &seen, 1e-5);
    }
}

#[test]
fn what_cannot_be_modelled_is_refused() {
    let refused = |context: &ModelContext, pairs: &[(&str, Setting)]| -> String {
        match build_latent("muzero", context, &settings(pairs)) {
            Ok(_) => panic!("{pairs:?} must be refused"),
            Err(error) => error.to_string(),
        }
    };
    let numbers = ModelContext { action_space: Space::vector(&[-1.0], &[1.0]), ..chain(1) };
    assert!(refused(&numbers, &[]).contains("actions that are numbers"));
    assert!(refused(&chain(3), &[]).contains("more than two players"));
    assert!(refused(&chain(1), &[("latent", Setting::Integer(20))]).contains("must divide the 20 numbers"));
    let huge = [("batch", 4096), ("unroll", 256), ("hidden", 4096)].map(|(name, size)| (name, Setting::Integer(size)));
    assert!(refused(&chain(1), &huge).contains("model.") || refused(&chain(1), &huge).contains("hidden"));
    let mut model = made(&chain(1), &small());
    let error = model.update(&Dataset::new(2, 2), &mut Rng::new(0), &Interrupt::never()).unwrap_err().to_string();
    assert!(error.contains("observations and actions"), "{error}");
    let error = model.imagination(1).observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap_err().to_string();
    assert!(error.contains("has not been fitted"), "{error}");
}
