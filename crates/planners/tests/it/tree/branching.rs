//! A world whose rewards, values and priors are functions of the path, and MuZero's search of it.

use worldwright_core::Setting::{Float, Integer};
use worldwright_core::{Budget, Capabilities, Key, ModelSpec, Space, Value, WorldModel};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use super::{METHODS, forest, search};
use crate::{declared, settings};

/// A tree world of known rewards: the state is the path's number in base 3, the prior and the value are functions of it.
pub(super) struct Branching(ModelSpec);

/// The world as a model.
pub(super) fn branching() -> DynamicsModel<Branching> {
    let plain = plain_spec("branching", 1, Space::discrete(3));
    DynamicsModel(Branching(ModelSpec {
        capabilities: Capabilities { prior: true, value: true, ..plain.capabilities },
        ..plain
    }))
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
    let model = branching();
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

/// Simulations of one round go apart by the virtual loss; without it those that meet on an edge under way come to nothing. What was lent is
/// taken back to the last bit that counts: an action's value is that of its own simulations.
#[test]
fn the_virtual_loss_parts_simulations_and_is_taken_back() {
    let model = branching();
    for name in METHODS {
        let mut steps = Vec::new();
        for loss in [0.0, 2.0] {
            let overrides = [("simulations", Integer(240)), ("leaves", Integer(8)), ("virtual_loss", Float(loss))];
            let overrides = declared(name, settings(overrides));
            let mut forest = forest(name, &model, &overrides);
            let mut world = model.imagination(forest.rows());
            world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(3)).unwrap();
            let report = forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
            steps.push(report.model_steps);
            let (mut values, mut visits) = ([0.0; 3], [0; 3]);
            forest.action_values(0, &mut values);
            forest.visits(0, &mut visits);
            // A return is a sum of rewards in [0, 1) and a value in [0, 3), discounted by 0.9.
            assert!(values.iter().all(|value| (0.0..=10.0).contains(value)), "{name}: {values:?}");
            // Each step is a new node, and its simulation the only one that came to something.
            assert_eq!(u64::from(visits.iter().sum::<u32>()), report.model_steps, "{name}, loss {loss}");
        }
        assert!(steps[1] > steps[0] && steps[1] > 200, "{name}: {steps:?} steps");
    }
}
