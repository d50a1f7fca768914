//! The rules of tree search against bandits with closed forms and a reference that is written plainly.

use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{Budget, Key, ModelSpec, Space, Value, WorldModel};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::Forest;
use worldwright_testkit::games::{ConnectFour, GameModel, Stones};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use crate::tree::{forest, search};
use crate::{declared, settings};

/// A bandit: one step to the end, with these rewards, behind a prior and a value of the root.
struct Bandit {
    spec: ModelSpec,
    rewards: Vec<f64>,
    logits: Vec<f64>,
    value: f64,
}

impl Bandit {
    fn new(rewards: &[f64], logits: &[f64], value: f64) -> Self {
        let plain = plain_spec("bandit", 1, Space::discrete(rewards.len()));
        let spec = ModelSpec { has_prior: true, has_value: true, ..plain };
        Self { spec, rewards: rewards.to_vec(), logits: logits.to_vec(), value }
    }
}

impl Dynamics for Bandit {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn advance(
        &self,
        _place: Place,
        _state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = self.rewards[choice as usize];
        out.continuation = 0.0;
    }
    fn value(&self, _state: &[f64]) -> f64 {
        self.value
    }
    fn prior(&self, _state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.copy_from_slice(&self.logits);
    }
}

/// Four actions, eight simulations without noise: halving visits all four once, then the better two twice more. The improved policy is
/// `softmax(logit + σ(q))` in closed form, its expected reward above the prior's.
#[test]
fn gumbel_improves_the_policy_of_a_bandit_as_its_closed_form_says() {
    let (rewards, logits) = ([0.1, 0.9, 0.3, 0.7], [0.5, -1.0, 0.2, 0.0]);
    let model = DynamicsModel(Bandit::new(&rewards, &logits, 0.4));
    let overrides = settings([("simulations", Integer(8)), ("gumbel_scale", Float(0.0)), ("solve", Bool(false))]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let mut visits = [0; 4];
    forest.visits(0, &mut visits);
    assert_eq!(visits, [1, 3, 1, 3]);
    assert_eq!(forest.decide(0), Some(1));
    let sigma = |q: f64| (50.0 + 3.0) * 0.1 * (q - 0.1) / 0.8;
    let weights: Vec<f64> = logits.iter().zip(rewards).map(|(logit, q)| (logit + sigma(q)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 4];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// With two simulations only the two likeliest actions are seen; the others count with the mixed value.
#[test]
fn gumbel_completes_what_was_not_visited_by_the_mixed_value() {
    let (rewards, logits): ([f64; 3], [f64; 3]) = ([0.0, 1.0, 5.0], [1.0, 0.5, 0.0]);
    let model = DynamicsModel(Bandit::new(&rewards, &logits, 0.2));
    let overrides = settings([
        ("simulations", Integer(2)),
        ("considered", Integer(2)),
        ("gumbel_scale", Float(0.0)),
        ("solve", Bool(false)),
    ]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    let prior = logits.map(|logit| logit.exp() / total);
    let mixed = (0.2 + 2.0 * prior[1] / (prior[0] + prior[1])) / 3.0;
    let weights = [0.0, 1.0, mixed].map(|q| (50.0 + 1.0) * 0.1 * q);
    let weights: Vec<f64> = weights.iter().zip(logits).map(|(sigma, logit)| (sigma + logit).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 3];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// Over many draws of the noise, the first action that Gumbel considers has the prior's frequencies.
#[test]
fn gumbel_samples_actions_by_the_prior() {
    let logits: [f64; 3] = [1.0, 0.0, -1.0];
    let model = DynamicsModel(Bandit::new(&[0.0; 3], &logits, 0.0));
    let overrides = settings([("simulations", Integer(1)), ("considered", Integer(1))]);
    let mut forest = forest("gumbel", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut counts = [0.0; 3];
    for seed in 0..6000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        counts[forest.decide(0).unwrap() as usize] += 1.0 / 6000.0;
    }
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for (got, logit) in counts.iter().zip(logits) {
        // Five standard deviations of a frequency.
        assert!((got - logit.exp() / total).abs() < 5.0 * 0.5 / 6000.0_f64.sqrt(), "{counts:?}");
    }
}

/// A tree world of known rewards: the state is the path's number in base 3, the prior and the value are functions of it.
struct Branching(ModelSpec);

impl Branching {
    fn model() -> DynamicsModel<Self> {
        let plain = plain_spec("branching", 1, Space::discrete(3));
        DynamicsModel(Self(ModelSpec { has_prior: true, has_value: true, ..plain }))
    }
}

fn hashed(state: f64, salt: f64) -> f64 {
    let x = (state * 12.9898 + salt * 78.233).sin() * 43_758.547;
    x - x.floor()
}

impl Dynamics for Branching {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }
    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        state[0] = state[0] * 3.0 + f64::from(choice) + 1.0;
        out.reward = hashed(state[0], 1.0);
        out.continuation = 0.9;
    }
    fn value(&self, state: &[f64]) -> f64 {
        3.0 * hashed(state[0], 2.0)
    }
    fn prior(&self, state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        (0..3).for_each(|a| mean[a] = f64::from(hashed(state[0], 3.0 + a as f64) as f32));
    }
}

/// MuZero's pseudocode for one search, with boxed nodes and recursion, in place of arenas and rounds.
struct Reference {
    state: f64,
    reward: f64,
    visits: f64,
    sum: f64,
    prior: f64,
    children: Vec<Reference>,
}

impl Reference {
    fn new(prior: f64) -> Self {
        Self { state: 0.0, reward: 0.0, visits: 0.0, sum: 0.0, prior, children: Vec::new() }
    }
    fn q(&self) -> f64 {
        self.reward + 0.9 * self.sum / self.visits
    }
    fn expand(&mut self) -> f64 {
        let weights: Vec<f64> =
            (0..3).map(|a| f64::from(hashed(self.state, 3.0 + f64::from(a)) as f32).exp()).collect();
        let sum: f64 = weights.iter().sum();
        self.children = weights.iter().map(|weight| Self::new(weight / sum)).collect();
        3.0 * hashed(self.state, 2.0)
    }
    fn simulate(&mut self, range: &mut (f64, f64), inner_visits: f64) -> f64 {
        let n = inner_visits;
        let score = |child: &Self| {
            let width = if range.1 > range.0 { range.1 - range.0 } else { 1.0 };
            let q = if child.visits > 0.0 { (child.q() - range.0) / width } else { 0.0 };
            q + child.prior * n.sqrt() / (1.0 + child.visits) * (1.25 + ((n + 19652.0 + 1.0) / 19652.0).ln())
        };
        let scores: Vec<f64> = self.children.iter().map(score).collect();
        let best = (0..3).fold(0, |best, a| if scores[a] > scores[best] { a } else { best });
        let state = self.state;
        let child = &mut self.children[best];
        let value = if child.visits == 0.0 {
            child.state = state * 3.0 + best as f64 + 1.0;
            child.reward = hashed(child.state, 1.0);
            child.expand()
        } else {
            let visits = child.visits;
            child.simulate(range, visits)
        };
        child.visits += 1.0;
        child.sum += value;
        *range = (range.0.min(child.q()), range.1.max(child.q()));
        child.reward + 0.9 * value
    }
}

#[test]
fn puct_visits_what_the_published_pseudocode_visits() {
    let model = Branching::model();
    for simulations in [1, 2, 10, 100, 400] {
        let overrides = settings([("simulations", Integer(simulations))]);
        let forest = search("puct", &model, &Value::Floats(vec![0.0]), &overrides);
        let (mut root, mut range) = (Reference::new(1.0), (f64::INFINITY, f64::NEG_INFINITY));
        root.expand();
        for i in 0..simulations {
            root.simulate(&mut range, i as f64 + 1.0);
        }
        let mut visits = [0; 3];
        forest.visits(0, &mut visits);
        let want: Vec<u32> = root.children.iter().map(|child| child.visits as u32).collect();
        assert_eq!(visits.to_vec(), want, "{simulations} simulations");
        let mut values = [0.0; 3];
        forest.action_values(0, &mut values);
        for (got, child) in values.iter().zip(&root.children).filter(|(_, child)| child.visits > 0.0) {
            assert!((got - child.q()).abs() < 1e-9, "{got} instead of {}", child.q());
        }
    }
}

#[test]
fn many_roots_at_once_are_each_alone() {
    let model = GameModel::<ConnectFour>::new().without_value();
    let starts = [vec![], vec![3], vec![3, 3, 4], vec![0, 6, 1, 5]];
    for name in ["puct", "gumbel"] {
        let branching = Branching::model();
        let overrides = declared(name, settings([("simulations", Integer(60)), ("gumbel_scale", Float(0.0))]));
        let context = PlannerContext::for_model(branching.spec(), 0);
        let mut many = Forest::new(name, &context, &overrides, 5).unwrap();
        let mut world = branching.imagination(many.rows());
        for root in 0..5 {
            world.observe(root, None, &Value::Floats(vec![root as f64]), Key::new(0)).unwrap();
        }
        many.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
        for root in 0..5 {
            let alone = search(name, &branching, &Value::Floats(vec![root as f64]), &overrides);
            let (mut visits, mut want) = ([0; 3], [0; 3]);
            many.visits(root, &mut visits);
            alone.visits(0, &mut want);
            assert_eq!((visits, many.value(root)), (want, alone.value(0)), "{name}, root {root}");
        }
    }
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut many = Forest::new("uct", &context, &settings([("simulations", Integer(500))]), 4).unwrap();
    let mut world = model.imagination(many.rows());
    for (root, columns) in starts.iter().enumerate() {
        let position = GameModel::<ConnectFour>::observation(Stones::after(columns).unwrap());
        world.observe(root, None, &position, Key::new(0)).unwrap();
    }
    many.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    assert!((0..4).all(|root| many.decide(root).is_some() && many.depth(root).mean > 1.0));
}

#[test]
fn a_temperature_draws_by_visits() {
    let model = DynamicsModel(Bandit::new(&[0.0, 0.0], &[0.0, 0.0], 0.0));
    let overrides = settings([("simulations", Integer(10)), ("temperature", Float(1.0)), ("solve", Bool(false))]);
    let mut forest = forest("puct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut first = 0;
    for seed in 0..1000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        first += usize::from(forest.decide(0) == Some(0));
    }
    // Five visits each: half of the draws, within five standard deviations.
    assert!(first.abs_diff(500) < 80, "{first}");
}
