//! The tiger (Kaelbling, Littman and Cassandra 1998, section 5.1): behind one of two doors is a tiger, behind the other a treasure.
//!
//! Listening costs 1 and tells the right side with probability 0.85. Opening a door pays 10 or −100, and the tiger is placed anew.

use worldwright_core::{Result, Rng};

use crate::{Actions, Outcome, Pomdp, Step, Table};

/// Listening.
pub(crate) const LISTEN: usize = 0;
const HEARD_RIGHT: f64 = 0.85;

fn reward(state: usize, action: usize) -> f64 {
    match action {
        LISTEN => -1.0,
        // Actions 1 and 2 open the left and the right door; the tiger's side is the state.
        _ if action == state + 1 => -100.0,
        _ => 10.0,
    }
}

/// The tiger as a table: states are the tiger's side (0 left, 1 right), actions listen, open left, open right, observations the side
/// that is heard.
///
/// # Errors
/// For a discount outside (0, 1).
pub fn tiger(discount: f64) -> Result<Table> {
    Table::new(
        (2, 3, 2),
        discount,
        vec![0.5, 0.5],
        |state, action| Outcome {
            next: if action == LISTEN { vec![(state, 1.0)] } else { vec![(0, 0.5), (1, 0.5)] },
            reward: reward(state, action),
        },
        |action, next| {
            let right = if action == LISTEN { HEARD_RIGHT } else { 0.5 };
            vec![(next, right), (1 - next, 1.0 - right)]
        },
    )
}

/// The tiger as a simulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiger {
    /// γ
    pub discount: f64,
}

impl Pomdp for Tiger {
    type State = u8;

    fn actions(&self) -> usize {
        3
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn reward_range(&self) -> f64 {
        110.0
    }

    fn initial(&self, rng: &mut Rng) -> u8 {
        rng.below(2) as u8
    }

    fn step(&self, state: &mut u8, action: u32, rng: &mut Rng) -> Step {
        let reward = reward(usize::from(*state), action as usize);
        let side = if action as usize == LISTEN {
            if rng.uniform() < HEARD_RIGHT { *state } else { 1 - *state }
        } else {
            *state = rng.below(2) as u8;
            rng.below(2) as u8
        };
        Step { observation: u32::from(side), reward, terminated: false }
    }

    /// A rollout that opens doors at random says nothing of what listening is worth.
    fn rollout_action(&self, _state: &u8, _rng: &mut Rng) -> u32 {
        LISTEN as u32
    }

    fn preferred(&self, _state: &u8) -> Actions {
        Actions::first(3)
    }

    fn step_given(&self, state: &mut u8, action: u32, observation: u32, rng: &mut Rng) -> Option<f64> {
        self.step(state, action, rng);
        Some(match action as usize {
            _ if observation > 1 => 0.0,
            LISTEN if u32::from(*state) == observation => HEARD_RIGHT,
            LISTEN => 1.0 - HEARD_RIGHT,
            _ => 0.5,
        })
    }

    fn upper_bound(&self, _state: &u8) -> f64 {
        10.0 / (1.0 - self.discount)
    }
}
