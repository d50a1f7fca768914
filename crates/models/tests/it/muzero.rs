//! The value-equivalent model: what it promises, what it learns of a chain, who gains in a game of two.

use worldwright_core::{
    Actions, Applicable, Dataset, Experience, Imagined, Interrupt, Key, Priors, Rng, Rows, Setting, Space, Value,
    Values,
};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_testkit::check_world_model;

use crate::systems::{context, settings};

/// Places of the chain.
const PLACES: usize = 5;

fn chain(players: usize) -> ModelContext {
    ModelContext {
        observation_space: Space::unbounded(1),
        action_space: Space::discrete(2),
        simulator: None,
        players,
        ..context(None)
    }
}

fn made(context: &ModelContext, pairs: &[(&str, Setting)]) -> Box<dyn LatentModel> {
    build_latent("muzero", context, &settings(pairs)).unwrap()
}

fn small() -> Vec<(&'static str, Setting)> {
    let number = |name, number| (name, Setting::Integer(number));
    vec![number("latent", 16), number("hidden", 24), number("batch", 8), number("unroll", 3)]
}

/// A walk on a chain from the left: choice 1 goes right, 0 left. Going right from the last place pays 1 and ends it. Right is chosen three times in four.
fn walks(steps: usize, seed: u64) -> Dataset {
    let (mut data, mut rng) = (Dataset::new(1, 2), Rng::new(seed));
    let mut place = 0;
    for i in 0..steps {
        let right = rng.below(4) > 0;
        let next = if right { place + 1 } else { usize::saturating_sub(place, 1) };
        let (before, after) = ([place as f64], [next as f64]);
        let action = [f64::from(u8::from(!right)), f64::from(u8::from(right))];
        let ended = next == PLACES;
        data.push(&before, &action, f64::from(u8::from(ended)), &after, ended, ended || i + 1 == steps).unwrap();
        place = if ended { 0 } else { next };
    }
    data
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

/// Learns `updates` times and gives all that was learned, losses and starts included.
fn learn(model: &mut dyn LatentModel, data: &dyn Experience, rng: &mut Rng, updates: usize) -> Vec<u64> {
    let mut learned = Vec::new();
    for _ in 0..updates {
        let metrics = model.update(data, rng, &Interrupt::never()).unwrap();
        learned.extend(metrics.iter().map(|(_, number)| number.to_bits()));
    }
    let starts = model.starts();
    learned.extend(starts.parts.iter().flatten().chain(&starts.continues).map(|number| u64::from(number.to_bits())));
    learned
}

#[test]
fn a_restored_model_learns_on_with_the_same_bytes() {
    let data = walks(100, 6);
    let (mut model, mut rng) = (made(&chain(1), &small()), Rng::new(7));
    learn(&mut *model, &data, &mut rng, 3);
    let mut other = made(&ModelContext { seed: 99, ..chain(1) }, &small());
    learn(&mut *other, &data, &mut Rng::new(8), 1);
    other.restore(&model.save()).unwrap();
    assert!(other.starts().is_empty());
    let mut copied = rng.clone();
    assert_eq!(learn(&mut *model, &data, &mut rng, 3), learn(&mut *other, &data, &mut copied, 3));
    assert_eq!(model.save(), other.save());
}

#[test]
fn learning_gives_the_same_bytes_on_one_and_two_threads() {
    let data = walks(200, 9);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut model = made(&chain(1), &[]);
            (learn(&mut *model, &data, &mut Rng::new(10), 3), model.save())
        })
    };
    assert!(on(1) == on(2));
}

#[test]
fn an_interrupted_fit_leaves_the_model_as_it_was() {
    let (data, interrupt) = (walks(100, 11), Interrupt::new());
    let mut model = made(&chain(1), &small());
    learn(&mut *model, &data, &mut Rng::new(12), 1);
    let before = model.save();
    interrupt.request();
    assert!(model.fit(&data, &mut Rng::new(13), &interrupt).is_err());
    assert_eq!(model.save(), before);
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
