//! Policies that learn in the imagination of a latent model: they control what they see only in part, and go on where they were saved.

use std::collections::BTreeMap;

use worldwright_core::{
    Action, ActionHead, Batch, Dataset, Error, Experience, Interrupt, Learner, Metrics, Mode, Persist, Result, Rng,
    Setting, Settings, Space, State, Value,
};
use worldwright_models::{LatentModel, ModelContext, build_latent};
use worldwright_policies::{ALL, Build, ImaginedPolicy, PolicyContext};
use worldwright_testkit::check_learner;

const STEPS: usize = 40;
const DISCOUNT: f64 = 0.95;

/// A mass on a line that shows where it is and not how fast: `v' = v + 0.3 u`, `x' = x + 0.3 v'`, paid `−x'² − 0.1 v'²` and held within walls at ±3.
/// Without memory it cannot be brought to rest: pushing towards the middle alone makes it swing.
struct Mass {
    x: f64,
    v: f64,
}

impl Mass {
    fn new(rng: &mut Rng) -> Self {
        Self { x: rng.uniform_in(-2.0, 2.0), v: rng.uniform_in(-0.5, 0.5) }
    }

    fn step(&mut self, u: f64) -> f64 {
        self.v += 0.3 * u;
        self.x += 0.3 * self.v;
        if self.x.abs() > 3.0 {
            (self.x, self.v) = (self.x.clamp(-3.0, 3.0), 0.0);
        }
        -self.x * self.x - 0.1 * self.v * self.v
    }
}

fn spaces(choices: bool) -> Space {
    if choices { Space::discrete(3) } else { Space::vector(&[-1.0], &[1.0]) }
}

/// The push of an action.
fn push(action: &[f64]) -> f64 {
    match action {
        [push] => *push,
        one_hot => one_hot[2] - one_hot[0],
    }
}

fn model(choices: bool, seed: u64) -> Box<dyn LatentModel> {
    let context = ModelContext {
        observation_space: Space::unbounded(1),
        action_space: spaces(choices),
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        discount: DISCOUNT,
        seed,
    };
    let overrides = [("batch", 8), ("length", 20), ("recurrent", 32), ("hidden", 32), ("groups", 6), ("classes", 6)];
    let overrides = overrides.map(|(name, number)| (name.to_owned(), Setting::Integer(number)));
    build_latent("rssm", &context, &BTreeMap::from(overrides)).unwrap()
}

fn policy(model: &dyn LatentModel, seed: u64) -> Box<dyn ImaginedPolicy> {
    named("actor-critic", model, seed)
}

fn named(name: &str, model: &dyn LatentModel, seed: u64) -> Box<dyn ImaginedPolicy> {
    let context = PolicyContext {
        inputs: model.spec().latent_dim,
        action_space: model.spec().action_space.clone(),
        discount: DISCOUNT,
        seed,
    };
    let entry = ALL.iter().find(|entry| entry.name == name).unwrap();
    let overrides = BTreeMap::from([
        ("hidden".to_owned(), Setting::Numbers(vec![32.0, 32.0])),
        ("starts".to_owned(), Setting::Integer(64)),
    ]);
    let Build::Imagination(build) = entry.build else { panic!("it learns in imagination") };
    build(&context, &Settings::resolve(entry.name, entry.parameters, &overrides).unwrap()).unwrap()
}

/// An episode by the policy, or at random; returns what it paid, and adds it to `data` where that is given.
fn episode(
    model: &dyn LatentModel,
    mut acting: Option<(&mut dyn ImaginedPolicy, Mode)>,
    rng: &mut Rng,
    mut data: Option<&mut Dataset>,
) -> f64 {
    let spec = model.spec();
    let width = spec.action_space.flat_dim();
    let mut mass = Mass::new(rng);
    let mut arena = model.imagination(2);
    let (mut features, mut out) = (Batch::zeros(spec.latent_dim, 1), Batch::zeros(width, 1));
    let (mut latent, mut flat) = (vec![0.0; spec.latent_dim], vec![0.0; width]);
    let (mut last, mut total): (Option<Action>, f64) = (None, 0.0);
    for t in 0..STEPS {
        let action = match &mut acting {
            None => spec.action_space.sample(rng),
            Some((policy, mode)) => {
                let previous = last.as_ref().map(|action| ((t + 1) % 2, action));
                arena.observe(t % 2, previous, &Value::Floats(vec![mass.x]), rng.key()).unwrap();
                arena.read_latent(t % 2, &mut latent).unwrap();
                features.columns_mut().set_row(0, &latent);
                policy.act(features.columns(), *mode, rng, &mut out).unwrap();
                out.columns().copy_row(0, &mut flat);
                spec.action_space.unflatten(&flat).unwrap()
            }
        };
        spec.action_space.flatten(&action, &mut flat).unwrap();
        let before = mass.x;
        let reward = mass.step(push(&flat));
        total += reward;
        if let Some(data) = &mut data {
            data.push(&[before], &flat, reward, &[mass.x], false, t + 1 == STEPS).unwrap();
        }
        last = Some(action);
    }
    total
}

fn average(model: &dyn LatentModel, mut policy: Option<&mut dyn ImaginedPolicy>) -> f64 {
    let rng = &mut Rng::new(77);
    let each = (0..20).map(|_| {
        let acting = policy.as_mut().map(|policy| (&mut **policy as &mut dyn ImaginedPolicy, Mode::Exploit));
        episode(model, acting, rng, None)
    });
    each.sum::<f64>() / 20.0
}

/// Ten episodes at random, then `rounds` of a number of updates and an episode that explores. Returns random's and the policy's mean return.
fn learned(choices: bool, (rounds, updates): (usize, usize), seed: u64) -> [f64; 2] {
    let mut model = model(choices, seed);
    let mut policy = policy(&*model, seed);
    let (mut rng, mut data) = (Rng::new(seed), Dataset::new(1, model.spec().action_space.flat_dim()));
    for _ in 0..10 {
        episode(&*model, None, &mut rng, Some(&mut data));
    }
    for _ in 0..rounds {
        for _ in 0..updates {
            model.update(&data, &mut rng, &Interrupt::never()).unwrap();
            policy.imagine(model.cell(), model.store(), model.starts(), &mut rng, &Interrupt::never()).unwrap();
        }
        episode(&*model, Some((&mut *policy, Mode::Explore)), &mut rng, Some(&mut data));
    }
    [average(&*model, None), average(&*model, Some(&mut *policy))]
}

#[test]
fn a_policy_learns_numbers_in_imagination() {
    let [random, learned] = learned(false, (11, 40), 1);
    assert!(learned > 0.35 * random, "return {learned}, at random {random}");
}

#[test]
fn a_policy_learns_choices_in_imagination() {
    let [random, learned] = learned(true, (11, 40), 2);
    assert!(learned > 0.35 * random, "return {learned}, at random {random}");
}

/// A model that has seen a few random episodes, and a policy that has imagined in it.
fn begun(choices: bool) -> (Box<dyn LatentModel>, Box<dyn ImaginedPolicy>, Dataset, Rng) {
    let (mut model, mut rng) = (model(choices, 5), Rng::new(6));
    let mut policy = policy(&*model, 7);
    let mut data = Dataset::new(1, model.spec().action_space.flat_dim());
    for _ in 0..3 {
        episode(&*model, None, &mut rng, Some(&mut data));
    }
    learn(&mut *model, &mut *policy, &data, &mut rng, 3);
    (model, policy, data, rng)
}

fn learn(
    model: &mut dyn LatentModel,
    policy: &mut dyn ImaginedPolicy,
    data: &Dataset,
    rng: &mut Rng,
    updates: usize,
) -> Vec<u64> {
    let mut seen = Vec::new();
    for _ in 0..updates {
        model.update(data, rng, &Interrupt::never()).unwrap();
        let metrics = policy.imagine(model.cell(), model.store(), model.starts(), rng, &Interrupt::never()).unwrap();
        seen.extend(metrics.iter().map(|(_, number)| number.to_bits()));
    }
    seen
}

/// A policy as a learner from experience, whose beliefs a model filters that learns anew from it at each update.
struct Imagining {
    model: Box<dyn LatentModel>,
    begun: State,
    policy: Box<dyn ImaginedPolicy>,
}

impl Imagining {
    fn new(name: &str, choices: bool) -> Self {
        let model = model(choices, 5);
        Self { begun: model.save(), policy: named(name, &*model, 7), model }
    }
}

impl Persist for Imagining {
    fn save(&self) -> State {
        self.policy.save()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.policy.restore(state)
    }
}

impl Learner for Imagining {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        self.model.restore(&self.begun)?;
        self.model.update(experience, rng, &Interrupt::never())?;
        self.policy.imagine(self.model.cell(), self.model.store(), self.model.starts(), rng, interrupt)
    }
}

#[test]
fn every_policy_that_imagines_is_a_sound_learner() {
    for entry in ALL.iter().filter(|entry| matches!(entry.build, Build::Imagination(_))) {
        for choices in [false, true] {
            let (model, mut rng) = (model(choices, 5), Rng::new(6));
            let mut data = Dataset::new(1, model.spec().action_space.flat_dim());
            (0..3).for_each(|_| {
                episode(&*model, None, &mut rng, Some(&mut data));
            });
            let build = || -> Box<dyn Learner> { Box::new(Imagining::new(entry.name, choices)) };
            check_learner(entry.name, &build, &data);
            let (mut never_seen, unfiltered) =
                (Imagining::new(entry.name, choices).policy, worldwright_nn::Starts::default());
            let given = never_seen.imagine(model.cell(), model.store(), &unfiltered, &mut rng, &Interrupt::never());
            assert!(matches!(given, Err(Error::Config { .. })), "{}: imagined from no belief: {given:?}", entry.name);
        }
    }
}

#[test]
fn a_restored_policy_learns_on_with_the_same_bytes() {
    for choices in [false, true] {
        let (mut first_model, mut first, data, mut rng) = begun(choices);
        let mut other_model = model(choices, 50);
        let mut other = policy(&*other_model, 70);
        other_model.restore(&first_model.save()).unwrap();
        other.restore(&first.save()).unwrap();
        let mut copied = rng.clone();
        let went_on = learn(&mut *first_model, &mut *first, &data, &mut rng, 3);
        assert_eq!(learn(&mut *other_model, &mut *other, &data, &mut copied, 3), went_on);
        assert_eq!(first.save(), other.save());
        let acting = |policy: &mut dyn ImaginedPolicy, model: &dyn LatentModel| {
            episode(model, Some((policy, Mode::Explore)), &mut Rng::new(8), None).to_bits()
        };
        let acted = acting(&mut *first, &*first_model);
        assert_eq!(acted, acting(&mut *other, &*other_model));
        // Weights alone are enough to act by.
        let mut third = policy(&*other_model, 71);
        third.restore_weights(&first.weights()).unwrap();
        assert_eq!(acted, acting(&mut *third, &*first_model));
        assert!(third.restore_weights(&State::new()).is_err());
    }
}

#[test]
fn another_model_of_the_same_numbers_is_imagined_in_alike() {
    let (mut one, mut policy, data, mut rng) = begun(false);
    let mut other = model(false, 50);
    other.restore(&one.save()).unwrap();
    let (saved, mut copied) = (policy.save(), rng.clone());
    let in_other = learn(&mut *other, &mut *policy, &data, &mut copied, 2);
    policy.restore(&saved).unwrap();
    assert_eq!(learn(&mut *one, &mut *policy, &data, &mut rng, 2), in_other);
}

#[test]
fn actions_keep_to_the_space_and_to_the_mode() {
    for choices in [false, true] {
        let (model, mut policy, _, mut rng) = begun(choices);
        let (space, inputs) = (spaces(choices), model.spec().latent_dim);
        let mut out = Batch::zeros(space.flat_dim(), 50);
        let seen = Batch::zeros(inputs, 50);
        let mut acts = |mode: Mode, rng: &mut Rng| -> Vec<Vec<f64>> {
            policy.act(seen.columns(), mode, rng, &mut out).unwrap();
            let row = |row: usize| {
                let mut flat = vec![0.0; space.flat_dim()];
                out.columns().copy_row(row, &mut flat);
                let head = ActionHead::new("test", &space).unwrap();
                head.write_network(&flat, &mut vec![0.0; head.columns()]).unwrap();
                assert!(flat.iter().all(|number| number.abs() <= 1.0));
                flat
            };
            (0..50).map(row).collect()
        };
        let best = acts(Mode::Exploit, &mut rng);
        assert!(best.iter().all(|action| *action == best[0]));
        assert_eq!(best, acts(Mode::Exploit, &mut Rng::new(0)));
        let tried = acts(Mode::Explore, &mut rng);
        assert!(tried.iter().any(|action| *action != tried[0]));
        let mut narrow = Batch::zeros(space.flat_dim(), 1);
        let wrong = Batch::zeros(inputs + 1, 1);
        assert!(policy.act(wrong.columns(), Mode::Exploit, &mut rng, &mut narrow).is_err());
    }
}
