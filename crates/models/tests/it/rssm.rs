//! The recurrent state-space model: it remembers, it learns rewards and ends, it goes on where it was saved.

use std::collections::BTreeMap;

use worldwright_core::{Action, Dataset, Imagined, Interrupt, Key, Result, Rng, Rows, Setting, Space, Value};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_testkit::check_world_model;

use crate::systems::{column, context, settings, text};

/// A mass on a spring whose position alone is shown: `v' = 0.95 v − 0.1 x + 0.2 u`, `x' = x + 0.4 v'`, paid `−x²`; it ends beyond `EDGE`.
struct Spring {
    x: f64,
    v: f64,
}

const EDGE: f64 = 2.2;

impl Spring {
    fn step(&mut self, u: f64) -> (f64, bool) {
        self.v = 0.95 * self.v - 0.1 * self.x + 0.2 * u;
        self.x += 0.4 * self.v;
        (-self.x * self.x, self.x.abs() > EDGE)
    }

    /// Episodes of at most `steps` steps under actions that are held for a while.
    fn episodes(count: usize, steps: usize, seed: u64) -> Dataset {
        let (mut rng, mut data) = (Rng::new(seed), Dataset::new(1, 1));
        for _ in 0..count {
            let mut spring = Self { x: rng.uniform_in(-1.0, 1.0), v: rng.uniform_in(-1.0, 1.0) };
            let mut u = rng.uniform_in(-1.0, 1.0);
            for t in 0..steps {
                if rng.below(4) == 0 {
                    u = rng.uniform_in(-1.0, 1.0);
                }
                let before = spring.x;
                let (reward, terminated) = spring.step(u);
                data.push(&[before], &[u], reward, &[spring.x], terminated, terminated || t + 1 == steps).unwrap();
                if terminated {
                    break;
                }
            }
        }
        data
    }
}

fn shown() -> ModelContext {
    ModelContext { observation_space: Space::unbounded(1), simulator: None, ..context(None) }
}

fn made(context: &ModelContext, pairs: &[(&str, Setting)]) -> Box<dyn LatentModel> {
    build_latent("rssm", context, &settings(pairs)).unwrap()
}

/// What a model that filters says at each transition of `data`: predictions of the next observation, the reward and whether it goes on.
fn filtered(model: &dyn LatentModel, data: &Dataset) -> Vec<[f64; 3]> {
    let mut arena = model.imagination(3);
    let mut out = Imagined::new(model.spec(), 1);
    let mut seen = Vec::new();
    for i in 0..data.len() {
        let observation = Value::Floats(data.observation(i).to_vec());
        let (belief, before) = (i % 2, (i + 1) % 2);
        let action = (i > 0).then(|| Action::Floats(data.action(i - 1).to_vec()));
        let previous = action.as_ref().filter(|_| data.follows(i)).map(|action| (before, action));
        arena.observe(belief, previous, &observation, Key::new(i as u64)).unwrap();
        arena.copy(belief, Rows::Span(2..3));
        let actions = column(data.action(i));
        let actions = worldwright_core::Actions::Continuous(actions.columns());
        arena.step(Rows::Span(2..3), actions, Rows::Span(2..3), Key::new(!(i as u64)), &mut out).unwrap();
        let mut next = [0.0];
        arena.decode(2, 0, &mut next).unwrap();
        seen.push([next[0], out.reward[0], out.continuation[0]]);
    }
    seen
}

/// The least mean squared error that a linear function of position and action alone can have on these very transitions. The system is linear, so that
/// no other function of the two does much better.
fn best_without_memory(data: &Dataset) -> f64 {
    // Normal equations of 1, x and u, solved by elimination.
    let mut system = [[0.0; 4]; 3];
    let row = |i: usize| [1.0, data.observation(i)[0], data.action(i)[0], data.next_observation(i)[0]];
    for i in 0..data.len() {
        for (a, line) in system.iter_mut().enumerate() {
            line.iter_mut().zip(row(i)).for_each(|(sum, number)| *sum += row(i)[a] * number);
        }
    }
    for pivot in 0..3 {
        let line = system[pivot].map(|number| number / system[pivot][pivot]);
        system[pivot] = line;
        for other in (0..3).filter(|other| *other != pivot) {
            let factor = system[other][pivot];
            system[other].iter_mut().zip(line).for_each(|(number, part)| *number -= factor * part);
        }
    }
    let error = |i: usize| row(i)[3] - (0..3).map(|a| system[a][3] * row(i)[a]).sum::<f64>();
    (0..data.len()).map(|i| error(i).powi(2)).sum::<f64>() / data.len() as f64
}

#[test]
fn a_filtered_belief_predicts_better_than_anything_without_memory() {
    let (data, tests) = (Spring::episodes(60, 60, 1), Spring::episodes(20, 60, 2));
    let mut model = made(&shown(), &[("updates", Setting::Integer(600))]);
    model.fit(&data, &mut Rng::new(3), &Interrupt::never()).unwrap();
    let seen = filtered(&*model, &tests);
    // Once there was something to remember.
    let settled: Vec<usize> = (3..tests.len()).filter(|i| (0..3).all(|back| tests.follows(i - back))).collect();
    let mut late = Dataset::new(1, 1);
    for i in &settled {
        late.push(tests.observation(*i), tests.action(*i), 0.0, tests.next_observation(*i), false, true).unwrap();
    }
    let mean = |error: &dyn Fn(usize) -> f64| settled.iter().map(|i| error(*i)).sum::<f64>() / settled.len() as f64;
    let remembered = mean(&|i| (seen[i][0] - tests.next_observation(i)[0]).powi(2));
    let forgot = best_without_memory(&late);
    assert!(remembered < 0.4 * forgot, "mean squared error {remembered} with memory, {forgot} without");

    let paid = mean(&|i| (seen[i][1] - tests.rewards()[i]).powi(2));
    let average = mean(&|i| tests.rewards()[i]);
    let spread = mean(&|i| (tests.rewards()[i] - average).powi(2));
    assert!(paid < 0.2 * spread, "squared error of rewards {paid}, their variance {spread}");
    let ended: Vec<f64> = settled.iter().filter(|i| tests.terminated()[**i]).map(|i| seen[*i][2]).collect();
    let lasted = mean(&|i| seen[i][2]);
    let average = ended.iter().sum::<f64>() / ended.len() as f64;
    assert!(average < lasted - 0.3, "continuation {average} where it ended {} times, {lasted} elsewhere", ended.len());
}

fn small() -> Vec<(&'static str, Setting)> {
    let number = |name, number| (name, Setting::Integer(number));
    vec![number("recurrent", 24), number("groups", 3), number("classes", 4), number("hidden", 24), number("batch", 5)]
}

#[test]
fn starts_are_the_beliefs_of_what_was_seen() {
    // Episodes of three transitions, the last of which ends the task: four beliefs each.
    let mut data = Dataset::new(1, 1);
    for i in 0..12 {
        let (x, ended) = (f64::from(i), i % 3 == 2);
        data.push(&[x], &[0.0], 1.0, &[x + 1.0], ended, ended).unwrap();
    }
    let mut model = made(&shown(), &small());
    model.update(&data, &mut Rng::new(9), &Interrupt::never()).unwrap();
    let starts = model.starts();
    assert_eq!(starts.len(), 5 * 4);
    assert_eq!(starts.parts.iter().map(Vec::len).collect::<Vec<_>>(), [20 * 24, 20 * 12]);
    assert!(starts.continues.chunks(4).all(|window| window == [1.0, 1.0, 1.0, 0.0]), "{:?}", starts.continues);
    // An episode's first belief has nothing to remember; draws are one-hot.
    assert!(starts.parts[0].chunks(24).step_by(4).all(|h| h.iter().all(|number| *number == 0.0)));
    assert!(starts.parts[1].chunks(4).all(|group| group.iter().sum::<f32>() == 1.0));
}

#[test]
fn choices_are_told_one_by_one() {
    let choices = ModelContext { action_space: Space::discrete(3), ..shown() };
    let mut data = Dataset::new(1, 3);
    let mut rng = Rng::new(10);
    for i in 0..40 {
        let (x, choice) = (rng.normal(), rng.below(3) as usize);
        let flat = [0, 1, 2].map(|other| f64::from(u8::from(other == choice)));
        data.push(&[x], &flat, choice as f64, &[x + choice as f64], false, i % 10 == 9).unwrap();
    }
    let mut model = made(&choices, &small());
    (0..2).for_each(|_| drop(model.update(&data, &mut rng, &Interrupt::never()).unwrap()));
    check_world_model(model.as_world_model(), &[Value::Floats(vec![0.3]), Value::Floats(vec![-1.0])], 1e-5);
}

/// The forms that the drawn part and the recurrent one have.
fn forms() -> impl Iterator<Item = (&'static str, bool)> {
    ["one-hot", "soft", "mean", "gaussian"].into_iter().flat_map(|draws| [true, false].map(|memory| (draws, memory)))
}

fn of(draws: &'static str, memory: bool) -> Vec<(&'static str, Setting)> {
    [small(), vec![("draws", text(draws)), ("memory", Setting::Bool(memory))]].concat()
}

#[test]
fn every_form_keeps_to_the_contract_and_forgets_where_it_is_told_to() {
    let data = Spring::episodes(4, 20, 1);
    for (draws, memory) in forms() {
        let mut model = made(&shown(), &of(draws, memory));
        let mut rng = Rng::new(2);
        (0..2).for_each(|_| drop(model.update(&data, &mut rng, &Interrupt::never()).unwrap()));
        assert_eq!(model.spec().deterministic, draws == "mean");
        check_world_model(model.as_world_model(), &[Value::Floats(vec![0.3]), Value::Floats(vec![-1.0])], 1e-5);
        // One belief, and another that differs in what the recurrent part holds alone.
        let width = model.spec().latent_dim;
        let mut arena = model.imagination(2);
        let mut out = Imagined::new(model.spec(), 2);
        arena.observe(0, None, &Value::Floats(vec![0.3]), Key::new(1)).unwrap();
        let mut latent = vec![0.0; width];
        arena.read_latent(0, &mut latent).unwrap();
        latent[..24].fill(0.5);
        arena.write_latent(1, &latent).unwrap();
        let push = column(&[0.2]);
        let mut after = [0, 1].map(|row| {
            let actions = worldwright_core::Actions::Continuous(push.columns());
            arena.step(Rows::Span(row..row + 1), actions, Rows::Span(0..1), Key::new(4), &mut out).unwrap();
            let mut latent = vec![0.0; width];
            arena.read_latent(0, &mut latent).unwrap();
            latent
        });
        let [first, second] = &mut after;
        assert_eq!(first == second, !memory, "{draws}, memory {memory}");
    }
}

/// A coin is thrown at every step. Whoever draws foresees both of its sides; the deterministic path alone foresees their mean.
#[test]
fn what_is_left_to_chance_asks_for_draws() {
    let (mut data, mut rng) = (Dataset::new(1, 1), Rng::new(1));
    let mut x = 1.0;
    for i in 0..1200 {
        let next = if rng.below(2) == 0 { 1.0 } else { -1.0 };
        data.push(&[x], &[rng.uniform_in(-1.0, 1.0)], 0.0, &[next], false, i % 30 == 29).unwrap();
        x = next;
    }
    let spread = |draws: &'static str| {
        let pairs =
            [of(draws, true), vec![("updates", Setting::Integer(400)), ("batch", Setting::Integer(16))]].concat();
        let mut model = made(&shown(), &pairs);
        model.fit(&data, &mut Rng::new(3), &Interrupt::never()).unwrap();
        let mut arena = model.imagination(200);
        let mut out = Imagined::new(model.spec(), 200);
        arena.observe(0, None, &Value::Floats(vec![1.0]), Key::new(5)).unwrap();
        arena.copy(0, Rows::Span(1..200));
        let still = column(&[0.0; 200]);
        let actions = worldwright_core::Actions::Continuous(still.columns());
        arena.step(Rows::Span(0..200), actions, Rows::Span(0..200), Key::new(6), &mut out).unwrap();
        let sides: Vec<f64> = (0..200)
            .map(|row| {
                let mut side = [0.0];
                arena.decode(row, 0, &mut side).unwrap();
                side[0]
            })
            .collect();
        let mean = sides.iter().sum::<f64>() / 200.0;
        assert!(mean.abs() < 0.4, "{draws} foresees {mean} in the mean");
        (sides.iter().map(|side| (side - mean).powi(2)).sum::<f64>() / 200.0).sqrt()
    };
    for draws in ["one-hot", "gaussian"] {
        let deviation = spread(draws);
        assert!((0.7..1.2).contains(&deviation), "{draws}: a deviation of {deviation}, where 1 is right");
    }
    assert!(spread("mean") < 0.05);
}

#[test]
fn what_cannot_be_modelled_is_refused() {
    let refused = |context: &ModelContext, pairs: &[(&str, Setting)]| -> String {
        match build_latent("rssm", context, &settings(pairs)) {
            Ok(_) => panic!("{pairs:?} must be refused"),
            Err(error) => error.to_string(),
        }
    };
    let unbounded = ModelContext { action_space: Space::unbounded(1), ..shown() };
    assert!(refused(&unbounded, &[]).contains("without bounds"));
    assert!(refused(&shown(), &[("draws", text("hard"))]).contains("one-hot"));
    let huge = ["batch", "hidden", "recurrent"].map(|name| (name, Setting::Integer(4096)));
    assert!(refused(&shown(), &huge).contains("memory"));
    let build = build_latent("linear", &shown(), &BTreeMap::new());
    assert!(build.err().is_some_and(|error| error.to_string().contains("rssm")));

    let mut model = made(&shown(), &small());
    let mut arena = model.imagination(1);
    let error = arena.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap_err().to_string();
    assert!(error.contains("has not been fitted"), "{error}");
    drop(arena);
    let foreign = Dataset::new(2, 1);
    assert!(model.fit(&foreign, &mut Rng::new(0), &Interrupt::never()).is_err());
    // Nothing to learn from, and a request to stop: the model stays as it was.
    let before = model.save();
    let empty: Result<_> = model.fit(&Dataset::new(1, 1), &mut Rng::new(0), &Interrupt::never());
    assert!(empty.is_err());
    let interrupt = Interrupt::new();
    interrupt.request();
    assert!(model.fit(&Spring::episodes(2, 5, 0), &mut Rng::new(0), &interrupt).is_err());
    assert_eq!(model.save(), before);
}
