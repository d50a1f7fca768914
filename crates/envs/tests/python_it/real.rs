//! Environments that nobody here wrote, against the same environments stepped within one Python process: equal to the bit.

use std::path::Path;
use std::process::Command;

use worldwright_core::{ElementType, Environment, Space, Value};
use worldwright_envs::python::{PythonEnvironment, Suite, WorkerOptions};

use super::{interpreter, open, rng};

/// Steps the environment in one process and writes, as f64: of each reset the observation, of each step the observation, the
/// reward, terminated and truncated.
const ORACLE: &str = r#"
import sys
import numpy as np
suite, name, folder = sys.argv[1:]
actions = np.fromfile(folder + "/actions", np.float64).reshape(200, -1)
out = []
if suite == "gym":
    import gymnasium
    env = gymnasium.make(name)
    def reset(seed):
        return env.reset(seed=seed)[0]
    def step(action):
        return env.step(action.astype(np.float32))[:4]
else:
    from dm_control import suite as control
    domain, task = name.split("-")
    env = control.load(domain, task, task_kwargs={"random": 0})
    def flat(moment):
        return np.concatenate([np.ravel(part) for part in moment.observation.values()])
    def reset(seed):
        global env
        env = control.load(domain, task, task_kwargs={"random": seed})
        return flat(env.reset())
    def step(action):
        moment = env.step(action)
        last = moment.last()
        return flat(moment), moment.reward, last and moment.discount == 0, last and moment.discount != 0
seed = 0
out.append(reset(seed))
for action in actions:
    observation, reward, terminated, truncated = step(action)
    out.append(np.concatenate([observation, [reward, terminated, truncated]]))
    if terminated or truncated:
        seed += 1
        out.append(reset(seed))
np.concatenate(out).astype(np.float64).tofile(folder + "/out")
"#;

fn oracle(suite: &Suite, name: &str, interpreter: &Path, actions: &[f64]) -> Vec<u64> {
    let folder = std::env::temp_dir().join(format!("worldwright-oracle-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let bytes: Vec<u8> = actions.iter().flat_map(|x| x.to_ne_bytes()).collect();
    std::fs::write(folder.join("actions"), bytes).expect("a file");
    let output = Command::new(interpreter)
        .args(["-c", ORACLE, suite.name(), name])
        .arg(&folder)
        .output()
        .expect("the interpreter starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(folder.join("out")).expect("its output");
    let _ = std::fs::remove_dir_all(&folder);
    bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("eight bytes"))).collect()
}

fn check(suite: &Suite, name: &str, observation_dim: usize, action_dim: usize) -> Option<PythonEnvironment> {
    let interpreter = interpreter(suite)?;
    let id = format!("{}:{name}", suite.name());
    let mut environment = open(&id, &WorkerOptions::default());
    let Space::Box { low, high, element, .. } = environment.action_space().clone() else { panic!("a box") };
    assert_eq!((environment.observation_space().flat_dim(), low.len()), (observation_dim, action_dim));
    assert_eq!(environment.observation_channels().len(), observation_dim);
    assert_eq!(environment.action_channels().len(), action_dim);
    let mut rng = rng(7);
    let actions: Vec<f64> = (0..200)
        .flat_map(|_| low.iter().zip(&high).map(|(low, high)| rng.uniform_in(*low, *high)).collect::<Vec<_>>())
        .map(|x| if element == ElementType::F32 { f64::from(x as f32) } else { x })
        .collect();
    let bits = |x: f64| x.to_bits();
    let observed = |value: &Value| value.floats().expect("floats").iter().copied().map(bits).collect::<Vec<_>>();
    let mut seed = 0;
    let mut got = observed(&environment.reset(seed).expect("a reset"));
    for action in actions.chunks_exact(action_dim) {
        let step = environment.step(&Value::Floats(action.to_vec())).expect("a step");
        got.extend(observed(&step.observation));
        got.extend([step.reward, f64::from(u8::from(step.terminated)), f64::from(u8::from(step.truncated))].map(bits));
        if step.done() {
            seed += 1;
            got.extend(observed(&environment.reset(seed).expect("a reset")));
        }
    }
    let expected = oracle(suite, name, &interpreter, &actions);
    let first = got.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!((first, got.len()), (None, expected.len()), "{id}: the first difference");
    Some(environment)
}

#[test]
fn inverted_pendulum_is_the_original() {
    let Some(environment) = check(&Suite::Gym, "InvertedPendulum-v5", 4, 1) else { return };
    assert_eq!(environment.observation_channels()[1], "pole_angle");
    assert_eq!((environment.dt_secs(), environment.episode_steps()), (0.04, Some(1000)));
}

#[test]
fn half_cheetah_is_the_original() {
    let Some(environment) = check(&Suite::Gym, "HalfCheetah-v5", 17, 6) else { return };
    assert_eq!(environment.observation_channels()[8], "torso_x_velocity");
    let versions = environment.versions();
    for name in ["environment", "python", "gymnasium", "mujoco", "numpy"] {
        assert!(versions.iter().any(|(known, version)| known == name && !version.is_empty()), "{name}: {versions:?}");
    }
}

#[test]
fn control_suite_cheetah_is_the_original() {
    let Some(environment) = check(&Suite::Dmc, "cheetah-run", 17, 6) else { return };
    assert_eq!(environment.observation_channels()[..2], ["position[0]", "position[1]"]);
    assert_eq!((environment.dt_secs(), environment.episode_steps()), (0.01, Some(1000)));
    assert!(environment.versions().iter().any(|(name, _)| name == "dm_control"));
}

#[test]
fn control_suite_cartpole_is_the_original() {
    let Some(mut environment) = check(&Suite::Dmc, "cartpole-swingup", 5, 1) else { return };
    assert_eq!(environment.episode_steps(), Some(1000));
    // The time limit cuts an episode; it does not end the task.
    environment.reset(3).expect("a reset");
    let mut steps = 0;
    let last = loop {
        let step = environment.step(&Value::Floats(vec![0.0])).expect("a step");
        steps += 1;
        if step.done() {
            break step;
        }
    };
    assert_eq!((steps, last.terminated, last.truncated), (1000, false, true));
}

#[test]
fn tasks_are_found_however_their_words_are_joined() {
    if interpreter(&Suite::Dmc).is_none() {
        return;
    }
    let environment = open("dmc:ball-in-cup-catch", &WorkerOptions::default());
    assert_eq!(environment.versions()[0].1, "ball_in_cup-catch");
    let error = PythonEnvironment::open("dmc:cheetah-rum", &WorkerOptions::default()).expect_err("no such task");
    assert!(error.to_string().contains("cheetah-run"), "{error}");
}

#[test]
fn real_pictures_or_the_reason_why_not() {
    for (suite, id) in [(Suite::Gym, "gym:HalfCheetah-v5"), (Suite::Dmc, "dmc:cheetah-run")] {
        if interpreter(&suite).is_none() {
            continue;
        }
        let mut environment = open(id, &WorkerOptions::default());
        environment.reset(0).expect("a reset");
        match environment.render() {
            Ok(frame) => {
                assert_eq!(frame.rgb.len(), 3 * frame.width * frame.height);
                let first = &frame.rgb[..3];
                assert!(frame.rgb.chunks_exact(3).any(|pixel| pixel != first), "{id}: the picture is of one colour");
            }
            Err(error) => {
                eprintln!("NO PICTURE of {id}: {error}");
                assert!(error.to_string().contains("MUJOCO_GL"), "{error}");
            }
        }
        let action = Value::Floats(vec![0.0; 6]);
        environment.step(&action).expect("a step after a picture, or after none");
    }
}
