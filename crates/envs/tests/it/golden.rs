//! Native environments against trajectories of their originals; `tests/golden/make_golden.py` made the numbers.

use serde_json::Value as Json;
use worldwright_core::{Actions, Batch, Simulator, Space};

const GYM: &str = include_str!("../golden/gym.json");
const MUJOCO: &str = include_str!("../golden/mujoco.json");
const PILCO: &str = include_str!("../golden/pilco.json");

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// One step of one row.
fn step(simulator: &dyn Simulator, state: &[f64], action: &[f64]) -> (Vec<f64>, f64, bool) {
    let (mut before, mut after) = (Batch::zeros(state.len(), 1), Batch::zeros(state.len(), 1));
    before.columns_mut().set_row(0, state);
    let (mut reward, mut terminated) = ([0.0], [false]);
    let mut columns = Batch::zeros(action.len(), 1);
    columns.columns_mut().set_row(0, action);
    let choice = [action[0] as u32];
    let actions = match simulator.action_space() {
        Space::Discrete { .. } => Actions::Discrete(&choice),
        _ => Actions::Continuous(columns.columns()),
    };
    simulator.step(before.columns(), actions, &mut after.columns_mut(), &mut reward, &mut terminated);
    let mut next = vec![0.0; state.len()];
    after.columns().copy_row(0, &mut next);
    (next, reward[0], terminated[0])
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// What is allowed: of a state after one step, of a reward, of a state in a free run, of an observation.
struct Allowed {
    step: f64,
    reward: f64,
    run: f64,
    observation: f64,
}

fn check(file: &str, name: &str, allowed: &Allowed) {
    let all: Json = serde_json::from_str(file).expect("golden numbers");
    let golden = &all[name];
    let id = name.split(' ').next().expect("a name");
    let simulator = worldwright_envs::make(id, &Default::default()).unwrap().simulator.unwrap();
    let mut worst = [0.0_f64; 4];
    for case in golden["steps"].as_array().expect("steps") {
        let (next, reward, terminated) = step(&*simulator, &numbers(&case["state"]), &numbers(&case["action"]));
        let mut observation = vec![0.0; simulator.observation_space().flat_dim()];
        simulator.observe(&next, &mut observation);
        worst[0] = worst[0].max(apart(&next, &numbers(&case["next"])));
        worst[1] = worst[1].max((reward - case["reward"].as_f64().unwrap()).abs());
        worst[3] = worst[3].max(apart(&observation, &numbers(&case["observation"])));
        assert_eq!(terminated, case["terminated"].as_bool().unwrap(), "{name}: {case}");
    }
    let run = &golden["run"];
    let mut state = numbers(&run["start"]);
    let actions = numbers(&run["actions"]);
    let (states, rewards) = (run["states"].as_array().unwrap(), numbers(&run["rewards"]));
    assert!(states.len() >= 10 && states.len() == actions.len(), "{name}: a run of {}", states.len());
    for t in 0..actions.len() {
        let (next, reward, _) = step(&*simulator, &state, &actions[t..=t]);
        worst[2] = worst[2].max(apart(&next, &numbers(&states[t])));
        worst[1] = worst[1].max((reward - rewards[t]).abs() * f64::from(u8::from(worst[2] <= allowed.step)));
        state = next;
    }
    assert!(worst[0] <= allowed.step, "{name}: one step is off by {:e}", worst[0]);
    assert!(worst[1] <= allowed.reward, "{name}: a reward is off by {:e}", worst[1]);
    assert!(worst[2] <= allowed.run, "{name}: the free run is off by {:e}", worst[2]);
    assert!(worst[3] <= allowed.observation, "{name}: an observation is off by {:e}", worst[3]);
}

#[test]
fn gymnasium() {
    // Gymnasium shows single precision: half a unit in the last place of the largest number.
    let shown = |largest: f64| largest * 6e-8;
    let exact = |run: f64, largest: f64| Allowed { step: 1e-12, reward: 1e-9, run, observation: shown(largest) };
    check(GYM, "pendulum", &exact(1e-9, 8.0));
    check(GYM, "cartpole", &exact(1e-9, 4.0));
    check(GYM, "mountain-car", &exact(1e-9, 1.2));
    // At these speeds a change of the state's last bit moves the original's own result by 9e-13 in one of the cases.
    check(GYM, "acrobot", &Allowed { step: 4e-12, ..exact(1e-6, 30.0) });
    let single = Allowed { step: 2.5e-7, reward: 1e-6, run: 1e-4, observation: 2.5e-7 };
    check(GYM, "mountain-car-continuous", &single);
}

#[test]
fn mujoco() {
    let free = Allowed { step: 1e-12, reward: 1e-11, run: 1e-10, observation: 1e-12 };
    check(MUJOCO, "dmc-pendulum-swingup", &free);
    check(MUJOCO, "dmc-cartpole-swingup", &free);
    check(MUJOCO, "pets-cartpole", &Allowed { step: 1e-11, run: 1e-8, ..free });
    // At the rail MuJoCo's iterative solver stops within its own tolerance of the closed form.
    let rail = Allowed { step: 1e-9, reward: 1e-9, run: 1e-7, observation: 1e-9 };
    check(MUJOCO, "dmc-cartpole-swingup at the rail", &rail);
    check(MUJOCO, "pets-cartpole at the rail", &rail);
}

#[test]
fn pilco() {
    // Ten Runge–Kutta steps against four hundred; the chaotic free run multiplies the difference.
    check(PILCO, "pilco-cartpole", &Allowed { step: 1e-5, reward: 1e-5, run: 1e-3, observation: 1e-5 });
}
