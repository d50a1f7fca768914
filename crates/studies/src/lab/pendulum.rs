//! The pendulum of `worldwright_envs`, its step and the derivatives of that in closed form.
//!
//! With θ = 0 upright, `θ̇' = clip(θ̇ + (3g/2 sin θ + 3u) dt, ±8)`, `θ' = θ + θ̇' dt`, `g = 10`, `dt = 0.05`, `|u| ≤ 2`; seen are cos θ, sin θ and θ̇. What is seen moves on a surface
//! of two dimensions, so that derivatives are taken along it: by θ, by θ̇ and by u.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use worldwright_core::{Dataset, LearnedModel, Result, Rng};
use worldwright_models::{ModelContext, build};

pub(crate) const MOST_TORQUE: f64 = 2.0;
const MOST_SPEED: f64 = 8.0;
const DT: f64 = 0.05;
const PULL: f64 = 15.0;
const PUSH: f64 = 3.0;

/// Angle and its speed.
pub(crate) type State = [f64; 2];

/// What is seen of a state.
pub(crate) fn observe([angle, speed]: State) -> [f64; 3] {
    [angle.cos(), angle.sin(), speed]
}

/// The next state, and what the step pays.
pub(crate) fn step([angle, speed]: State, torque: f64) -> (State, f64) {
    let torque = torque.clamp(-MOST_TORQUE, MOST_TORQUE);
    let wrapped = (angle + PI).rem_euclid(2.0 * PI) - PI;
    let reward = -(wrapped * wrapped + 0.1 * speed * speed + 0.001 * torque * torque);
    let speed = (speed + (PULL * angle.sin() + PUSH * torque) * DT).clamp(-MOST_SPEED, MOST_SPEED);
    ([angle + DT * speed, speed], reward)
}

/// `[along][seen]`: derivatives of what is seen next by θ, θ̇ and u; where the speed is at its bound, those of the bound.
pub(crate) fn slopes([angle, speed]: State, torque: f64) -> [[f64; 3]; 3] {
    let free = speed + (PULL * angle.sin() + PUSH * torque) * DT;
    let moves = f64::from(u8::from(free.abs() < MOST_SPEED));
    let ([next, _], _) = step([angle, speed], torque);
    let by_speed = [PULL * angle.cos() * DT, 1.0, PUSH * DT].map(|slope| moves * slope);
    let by_angle = [1.0, 0.0, 0.0];
    [0, 1, 2].map(|along| {
        let turn = by_angle[along] + DT * by_speed[along];
        [-next.sin() * turn, next.cos() * turn, by_speed[along]]
    })
}

/// The state behind what is seen.
pub(crate) fn state(seen: &[f64]) -> State {
    [seen[1].atan2(seen[0]), seen[2]]
}

/// What a model is told of it.
pub(crate) fn context() -> Result<ModelContext> {
    let made = worldwright_envs::make("pendulum", &BTreeMap::new())?;
    Ok(ModelContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward,
        simulator: made.simulator,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    })
}

/// The true world as a model.
pub(crate) fn known() -> Result<Box<dyn LearnedModel>> {
    build("known", &context()?, &BTreeMap::new())
}

/// No transition yet.
pub(crate) fn nothing() -> Dataset {
    Dataset::new(3, 1)
}

/// Adds a transition.
pub(crate) fn put(data: &mut Dataset, state: State, torque: f64) -> Result<()> {
    let (next, reward) = step(state, torque);
    data.push(&observe(state), &[torque], reward, &observe(next), false, false)
}

fn torque(rng: &mut Rng) -> f64 {
    rng.uniform_in(-MOST_TORQUE, MOST_TORQUE)
}

/// Any state.
pub(crate) fn anywhere(rng: &mut Rng) -> State {
    [rng.uniform_in(-PI, PI), rng.uniform_in(-MOST_SPEED, MOST_SPEED)]
}

/// A state that hangs, almost.
pub(crate) fn hanging(rng: &mut Rng) -> State {
    [PI + rng.uniform_in(-0.3, 0.3), rng.uniform_in(-0.3, 0.3)]
}

/// Episodes of random actions, as the environment begins them.
pub(crate) fn wandering(count: usize, rng: &mut Rng) -> Result<Dataset> {
    const EPISODE: usize = 50;
    let (mut data, mut state) = (nothing(), [0.0; 2]);
    for t in 0..count {
        if t % EPISODE == 0 {
            state = [rng.uniform_in(-PI, PI), rng.uniform_in(-1.0, 1.0)];
        }
        let torque = torque(rng);
        put(&mut data, state, torque)?;
        state = step(state, torque).0;
    }
    Ok(data)
}

/// Steps from states drawn evenly.
pub(crate) fn everywhere(count: usize, rng: &mut Rng) -> Result<Dataset> {
    let mut data = nothing();
    for _ in 0..count {
        let state = anywhere(rng);
        let torque = torque(rng);
        put(&mut data, state, torque)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::{Actions, Batch};

    #[test]
    fn it_is_the_environments_pendulum() {
        let simulator = context().unwrap().simulator.unwrap();
        let rng = &mut Rng::new(3);
        let (mut now, mut next, mut push) = (Batch::zeros(2, 1), Batch::zeros(2, 1), Batch::zeros(1, 1));
        for _ in 0..200 {
            let (from, torque) = (anywhere(rng), 1.4 * torque(rng));
            now.columns_mut().set_row(0, &from);
            push.columns_mut().set_row(0, &[torque]);
            let (mut paid, mut end) = ([0.0], [false]);
            let actions = Actions::Continuous(push.columns());
            simulator.step(now.columns(), actions, &mut next.columns_mut(), &mut paid, &mut end);
            let (expected, reward) = step(from, torque);
            let got = [next.columns().get(0, 0), next.columns().get(0, 1)];
            let same = observe(expected).iter().zip(observe(got)).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(same && (reward - paid[0]).abs() < 1e-9, "{expected:?} {got:?} {reward} {paid:?}");
        }
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        let rng = &mut Rng::new(5);
        for _ in 0..100 {
            let (from, push, h) = (anywhere(rng), 0.9 * torque(rng), 1e-6);
            if (from[1] + (PULL * from[0].sin() + PUSH * push) * DT).abs() > MOST_SPEED - 0.01 {
                continue;
            }
            let exact = slopes(from, push);
            for (along, slopes) in exact.iter().enumerate() {
                let at = |sign: f64| {
                    let (mut state, mut torque) = (from, push);
                    *[&mut state[..], std::slice::from_mut(&mut torque)].into_iter().flatten().nth(along).unwrap() +=
                        sign * h;
                    observe(step(state, torque).0)
                };
                for (d, slope) in slopes.iter().enumerate() {
                    let difference = (at(1.0)[d] - at(-1.0)[d]) / (2.0 * h);
                    assert!((difference - slope).abs() < 1e-6, "{along} {d}: {difference} {slope}");
                }
            }
            let [angle, speed] = state(&observe(from));
            assert!((angle - from[0]).abs() < 1e-9 && speed == from[1]);
        }
    }
}
