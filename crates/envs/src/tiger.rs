//! The tiger (Kaelbling, Littman and Cassandra 1998, section 5.1): behind one of two doors is a tiger, behind the other a treasure.
//!
//! Listening costs 1 and tells the right side with probability 0.85. Opening a door pays 10 or −100, and the tiger is placed anew.

use worldwright_core::pomdp::{Actions, Outcome, Pomdp, Step, Tabulated};
use worldwright_core::{ElementType, Entry, Result, Rng, Settings, Space};

use crate::believed::{self, Shown};
use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{self, Spec, names, whole_box};
use crate::{Build, Made, settings};

const LISTEN: usize = 0;
const HEARD_RIGHT: f64 = 0.85;

fn reward(state: usize, action: usize) -> f64 {
    match action {
        LISTEN => -1.0,
        // Actions 1 and 2 open the left and the right door; the tiger's side is the state.
        _ if action == state + 1 => -100.0,
        _ => 10.0,
    }
}

/// The problem: states are the tiger's side (0 left, 1 right), actions listen, open left, open right, observations the side that is heard.
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

impl Tabulated for Tiger {
    fn counts(&self) -> Result<(usize, usize, usize)> {
        Ok((2, 3, 2))
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn initial(&self) -> Vec<f64> {
        vec![0.5, 0.5]
    }

    fn outcome(&self, state: usize, action: usize) -> Outcome {
        let next = if action == LISTEN { vec![(state, 1.0)] } else { vec![(0, 0.5), (1, 0.5)] };
        Outcome { next, reward: reward(state, action) }
    }

    fn emission(&self, action: usize, next: usize) -> Vec<(usize, f64)> {
        let right = if action == LISTEN { HEARD_RIGHT } else { 0.5 };
        vec![(next, right), (1 - next, 1.0 - right)]
    }
}

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "tiger",
    summary: "a tiger is behind one of two doors: listen, or open one; what is heard may be wrong",
    source: "Kaelbling, Littman and Cassandra 1998",
    parameters: &[settings::episode_steps(50), settings::ACTION_REPEAT],
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    let spec = Spec {
        id: "tiger",
        observation_space: whole_box(&[0.0], &[2.0], ElementType::I8),
        action_space: Space::discrete(3),
        state_dim: 2,
        dt_secs: 1.0,
        observation_channels: names(&["heard"]),
        action_channels: names(&["listen", "open_left", "open_right"]),
        episode_steps: settings::steps(settings)?,
    };
    // The environment's rewards are not discounted.
    let problem = Tiger { discount: 1.0 };
    let heard = Shown {
        read: |numbers| (numbers[0] as u32).checked_sub(1),
        write: |_, side, numbers| numbers[0] = f64::from(1 + side),
    };
    let model = believed::known(&spec, problem, heard);
    chance::made_known(Doors { spec, problem }, Some(model), settings)
}

struct Doors {
    spec: Spec,
    problem: Tiger,
}

impl ChanceWorld for Doors {
    /// The tiger's side, and what was heard last: 0 nothing, 1 left, 2 right.
    type State = (u8, u8);

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> (u8, u8) {
        (Pomdp::initial(&self.problem, rng), 0)
    }

    fn advance(&self, (side, heard): &mut (u8, u8), choice: usize, rng: &mut Rng) -> world::Outcome {
        let step = self.problem.step(side, choice as u32, rng);
        *heard = 1 + step.observation as u8;
        world::Outcome::on(step.reward)
    }

    fn observe(&self, (_, heard): &(u8, u8), observation: &mut [f64]) {
        observation[0] = f64::from(*heard);
    }

    fn save(&self, (side, heard): &(u8, u8)) -> Vec<u64> {
        vec![u64::from(*side), u64::from(*heard)]
    }

    fn restore(&self, words: &[u64]) -> Option<(u8, u8)> {
        let [side @ 0..=1, heard @ 0..=2] = *words else { return None };
        Some((side as u8, heard as u8))
    }

    /// Two doors, the tiger behind one, and where it was heard.
    fn draw(&self, (side, heard): &(u8, u8), canvas: &mut Canvas) {
        canvas.view([0.0, 0.0], 4.0);
        for (door, x) in [(0, -1.2), (1, 1.2)] {
            canvas.rectangle([x, 0.3], [0.7, 1.1], palette::GROUND);
            canvas.rectangle([x, 0.3], [0.6, 1.0], palette::PANEL);
            let behind = if *side == door { palette::EFFECTOR } else { palette::GOAL };
            canvas.disc([x, 0.5], 0.35, behind);
            if *heard == door + 1 {
                canvas.disc([x, -1.3], 0.2, palette::FORCE);
            }
        }
        canvas.disc([0.0, -1.3], 0.25, palette::BODY);
    }
}
