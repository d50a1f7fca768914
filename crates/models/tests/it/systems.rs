//! Small systems whose truth is known, data from them, and a way to step rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{
    Actions, Batch, Columns, ColumnsMut, Dataset, Imagination, Imagined, Key, LearnedModel, Result, RewardFunction,
    Rng, Rows, Setting, Simulator, Space, Transitions, Value,
};
use worldwright_models::{ModelContext, build};

/// `x' = A x + B u`, with reward `-(x·x) - u²` and an end where `|x₀| > LIMIT`.
pub(crate) struct LinearSystem {
    observation_space: Space,
    action_space: Space,
}

pub(crate) const A: [[f64; 2]; 2] = [[1.0, 0.1], [-0.2, 0.95]];
pub(crate) const B: [f64; 2] = [0.02, 0.15];
pub(crate) const LIMIT: f64 = 3.0;

impl LinearSystem {
    pub(crate) fn new() -> Self {
        Self { observation_space: Space::unbounded(2), action_space: Space::vector(&[-1.0], &[1.0]) }
    }

    pub(crate) fn next(x: &[f64], u: f64) -> [f64; 2] {
        std::array::from_fn(|i| A[i][0] * x[0] + A[i][1] * x[1] + B[i] * u)
    }
}

impl Simulator for LinearSystem {
    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn state_dim(&self) -> usize {
        2
    }

    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        let Actions::Continuous(actions) = actions else { panic!("the system takes a box") };
        for row in 0..states.rows() {
            let (x, u) = ([states.get(row, 0), states.get(row, 1)], actions.get(row, 0));
            next_states.set_row(row, &Self::next(&x, u));
            reward[row] = -(x[0] * x[0] + x[1] * x[1]) - u * u;
            terminated[row] = next_states.as_columns().get(row, 0).abs() > LIMIT;
        }
    }
}

/// Pays 1 a step whatever happens, and never ends: it cannot show that a row has diverged.
pub(crate) struct Alive;

impl RewardFunction for Alive {
    fn evaluate(&self, _transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        reward.fill(1.0);
        terminated.fill(false);
    }
}

pub(crate) fn context(reward: Option<Arc<dyn RewardFunction>>) -> ModelContext {
    ModelContext {
        observation_space: Space::unbounded(2),
        action_space: Space::vector(&[-1.0], &[1.0]),
        reward,
        simulator: Some(Arc::new(LinearSystem::new())),
        known: None,
        players: 1,
        discount: 0.9,
        seed: 0,
    }
}

pub(crate) fn settings(pairs: &[(&str, Setting)]) -> BTreeMap<String, Setting> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

pub(crate) fn text(word: &str) -> Setting {
    Setting::Text(word.into())
}

pub(crate) fn made(
    name: &str,
    reward: Option<Arc<dyn RewardFunction>>,
    pairs: &[(&str, Setting)],
) -> Box<dyn LearnedModel> {
    build(name, &context(reward), &settings(pairs)).unwrap()
}

/// Transitions from states and actions drawn uniformly, with `noise` added to what follows.
pub(crate) fn linear_data(count: usize, noise: f64, seed: u64) -> Dataset {
    let (mut rng, mut data) = (Rng::new(seed), Dataset::new(2, 1));
    for _ in 0..count {
        let (x, u) = ([rng.uniform_in(-2.9, 2.9), rng.uniform_in(-2.9, 2.9)], rng.uniform_in(-1.0, 1.0));
        let next = LinearSystem::next(&x, u).map(|x| x + noise * rng.normal());
        let ended = next[0].abs() > LIMIT;
        data.push(&x, &[u], -(x[0] * x[0] + x[1] * x[1]) - u * u, &next, ended, ended).unwrap();
    }
    data
}

/// Sets rows `0..observations.len()`.
pub(crate) fn observe(world: &mut dyn Imagination, observations: &[[f64; 2]]) {
    for (row, observation) in observations.iter().enumerate() {
        world.observe(row, None, &Value::Floats(observation.to_vec()), Key::new(0)).unwrap();
    }
}

pub(crate) fn column(actions: &[f64]) -> Batch {
    let mut batch = Batch::zeros(1, actions.len());
    batch.columns_mut().column_mut(0).copy_from_slice(actions);
    batch
}

/// Steps rows in place.
pub(crate) fn step(world: &mut dyn Imagination, rows: Rows<'_>, actions: &[f64], key: Key) -> Imagined {
    let mut out = Imagined::new(world.spec(), rows.len());
    let actions = column(actions);
    world.step(rows.clone(), Actions::Continuous(actions.columns()), rows, key, &mut out).unwrap();
    out
}

pub(crate) fn decoded(world: &dyn Imagination, row: usize, member: usize) -> [f64; 2] {
    let mut out = [0.0; 2];
    world.decode(row, member, &mut out).unwrap();
    out
}
