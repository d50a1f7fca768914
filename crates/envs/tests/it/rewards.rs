//! Known rewards of Python environments against transitions of the originals; `tests/golden/make_golden.py` made them.

use serde_json::Value as Json;
use worldwright_core::{Actions, Batch, Rng, Transitions};
use worldwright_envs::{ALL, KNOWN_REWARDS, known_reward, make};

const GYM: &str = include_str!("../golden/gym-rewards.json");
const DMC: &str = include_str!("../golden/dmc-rewards.json");

fn column(rows: &[Json], at: usize) -> Batch {
    let numbers =
        |row: &Json| -> Vec<f64> { row[at].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let mut batch = Batch::zeros(numbers(&rows[0]).len(), rows.len());
    for (i, row) in rows.iter().enumerate() {
        batch.columns_mut().set_row(i, &numbers(row));
    }
    batch
}

/// Root mean square error of the known reward, and the spread of the true one.
fn compare(file: &str, id: &str) -> (f64, f64) {
    let all: Json = serde_json::from_str(file).expect("golden numbers");
    let rows = all[id].as_array().unwrap_or_else(|| panic!("no transitions of {id}"));
    let (before, action, after) = (column(rows, 0), column(rows, 1), column(rows, 2));
    let judge = known_reward(id, before.dims(), action.dims()).unwrap_or_else(|| panic!("no reward of {id}"));
    let (mut reward, mut ended) = (vec![0.0; rows.len()], vec![false; rows.len()]);
    let transitions = Transitions {
        observations: before.columns(),
        actions: Actions::Continuous(action.columns()),
        next_observations: after.columns(),
    };
    judge.evaluate(transitions, &mut reward, &mut ended);
    let truth: Vec<f64> = rows.iter().map(|row| row[3].as_f64().unwrap()).collect();
    for (row, ended) in rows.iter().zip(&ended) {
        assert_eq!(row[4].as_bool().unwrap(), *ended, "{id}: {row}");
    }
    let n = truth.len() as f64;
    let mean = truth.iter().sum::<f64>() / n;
    let error = truth.iter().zip(&reward).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n;
    let spread = truth.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / n;
    (error.sqrt(), spread.sqrt())
}

#[test]
fn exact_rewards_are_the_originals() {
    for known in KNOWN_REWARDS.iter().filter(|known| known.exact) {
        let (error, _) = compare(if known.id.starts_with("gym:") { GYM } else { DMC }, known.id);
        assert!(error < 1e-7, "{}: {error:e}", known.id);
    }
    for id in ["dmc:pendulum-swingup", "dmc:cartpole-swingup", "dmc:cartpole-balance"] {
        let (error, _) = compare(DMC, id);
        assert!(error < 1e-7, "{id}: {error:e}");
    }
}

#[test]
fn near_rewards_tell_better_from_worse() {
    for known in KNOWN_REWARDS.iter().filter(|known| !known.exact) {
        let (error, spread) = compare(if known.id.starts_with("gym:") { GYM } else { DMC }, known.id);
        assert!(error < 0.5 * spread, "{}: error {error:.4}, spread {spread:.4}", known.id);
    }
}

#[test]
fn strangers_have_no_known_reward() {
    assert!(known_reward("gym:Ant-v5", 105, 8).is_none());
    assert!(known_reward("gym:HalfCheetah-v5", 18, 6).is_none(), "one observation more: it was changed");
    assert!(known_reward("gym:CartPole-v1", 4, 2).is_some());
    assert!(known_reward("CartPole-v1", 4, 2).is_none(), "a native name is no Python environment");
}

#[test]
fn a_reward_that_says_it_is_a_bell_is_one() {
    let mut bells = 0;
    for entry in ALL {
        let made = make(entry.name, &Default::default()).unwrap();
        let Some((reward, bell)) = made.reward.and_then(|reward| reward.bell().map(|bell| (reward, bell))) else {
            continue;
        };
        bells += 1;
        let (o, rows, mut rng) = (bell.target.len(), 50, Rng::new(1));
        let (mut seen, action) =
            (Batch::zeros(o, rows), Batch::zeros(made.environment.action_space().flat_dim(), rows));
        let mut expected = Vec::new();
        for row in 0..rows {
            let near: Vec<f64> = bell.target.iter().map(|target| target + 0.4 * rng.normal()).collect();
            let away = |i: usize| near[i] - bell.target[i];
            let squares: f64 = (0..o * o).map(|place| away(place / o) * bell.precision[place] * away(place % o)).sum();
            expected.push((-0.5 * squares).exp());
            seen.columns_mut().set_row(row, &near);
        }
        let (mut got, mut ended) = (vec![0.0; rows], vec![false; rows]);
        let transitions = Transitions {
            observations: seen.columns(),
            actions: Actions::Continuous(action.columns()),
            next_observations: seen.columns(),
        };
        reward.evaluate(transitions, &mut got, &mut ended);
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{}: {got} not {expected}", entry.name);
        }
        assert!(ended.iter().all(|ended| !ended), "{}", entry.name);
    }
    assert!(bells > 0);
}
