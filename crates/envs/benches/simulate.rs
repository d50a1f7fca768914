//! Rows a second through the batched steps: what a planner on known dynamics can draw on.

use divan::Bencher;
use divan::counter::ItemsCount;
use worldwright_core::{Actions, Batch, Rng, Space, Transitions};
use worldwright_envs::make;

fn main() {
    divan::main();
}

const ROWS: usize = 512;
const NAMES: &[&str] =
    &["pendulum", "cartpole", "dmc-cartpole-swingup", "pets-cartpole", "acrobot", "linear", "point-mass"];

#[divan::bench(args = NAMES)]
fn step(bencher: Bencher<'_, '_>, name: &str) {
    let simulator = make(name, &Default::default()).unwrap().simulator.unwrap();
    let mut rng = Rng::new(0);
    let mut states = Batch::zeros(simulator.state_dim(), ROWS);
    let mut next = states.clone();
    for column in states.columns_mut().columns_mut() {
        column.fill_with(|| rng.uniform_in(-1.0, 1.0));
    }
    let actions = Batch::zeros(simulator.action_space().flat_dim(), ROWS);
    let choices = vec![0; ROWS];
    let actions = match simulator.action_space() {
        Space::Discrete { .. } => Actions::Discrete(&choices),
        _ => Actions::Continuous(actions.columns()),
    };
    let (mut reward, mut ended) = (vec![0.0; ROWS], vec![false; ROWS]);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        simulator.step(states.columns(), actions, &mut next.columns_mut(), &mut reward, &mut ended);
    });
}

#[divan::bench(args = ["pendulum", "dmc-cartpole-swingup"])]
fn judge(bencher: Bencher<'_, '_>, name: &str) {
    let made = make(name, &Default::default()).unwrap();
    let reward_of = made.reward.unwrap();
    let mut rng = Rng::new(0);
    let mut seen = Batch::zeros(made.environment.observation_space().flat_dim(), ROWS);
    for column in seen.columns_mut().columns_mut() {
        column.fill_with(|| rng.uniform_in(-1.0, 1.0));
    }
    let actions = Batch::zeros(made.environment.action_space().flat_dim(), ROWS);
    let (mut reward, mut ended) = (vec![0.0; ROWS], vec![false; ROWS]);
    let transitions = Transitions {
        observations: seen.columns(),
        actions: Actions::Continuous(actions.columns()),
        next_observations: seen.columns(),
    };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| reward_of.evaluate(transitions, &mut reward, &mut ended));
}
