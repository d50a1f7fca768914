//! `bit-flipping`: turn a row of n bits into another by flipping one of them a step, paid only once they are equal.
//!
//! Andrychowicz, Wolski, Ray, Schneider, Fong, Welinder, McGrew, Tobin, Abbeel and Zaremba, "Hindsight Experience Replay", NeurIPS 2017, section 3.1. Bits and goal are
//! drawn at random and differ; each step costs 1, but for the one that reaches the goal, which ends the episode. At random the goal is met about once in
//! 2^n episodes. What is seen are the parts of a goal environment: `achieved_goal`, `desired_goal` and `observation`, in the alphabet's order. The best return is
//! known: of d flips that are needed all but the last cost 1, and d is binomial and not zero, so that its mean is `1 − (n / 2) / (1 − 2⁻ⁿ)`.
//!
//! Unlike the paper's, an episode ends where the goal is reached, so that no more is to be learned than to get there.

use std::sync::Arc;

use worldwright_core::{
    Entry, Error, Parameter, Result, RewardFunction, Rng, SettingDefault as Default, Settings, Space, Transitions,
};

use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec};
use crate::{Build, Made, settings};

const BITS: Parameter = Parameter { name: "bits", default: Default::Integer(15), summary: "how many, from 2 to 64" };
const STEPS: Parameter = Parameter {
    name: "episode_steps",
    default: Default::Integer(0),
    summary: "steps after which an episode is cut, before any action repeat; 0 for as many as there are bits",
};

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "bit-flipping",
    summary: "turn a row of bits into another by flipping one a step, paid only at the goal, which no chance finds",
    source: "Andrychowicz et al., NeurIPS 2017",
    parameters: &[BITS, STEPS, settings::ACTION_REPEAT],
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    let bits = settings.count_in(BITS.name, 2, 64)?;
    let steps = settings::steps(settings)?.unwrap_or(bits);
    if settings::action_repeat(settings)? > 1 && steps < settings::action_repeat(settings)? {
        return Err(Error::config("action_repeat", format!("must be at most the {steps} steps of an episode")));
    }
    let parts = ["achieved_goal", "desired_goal", "observation"];
    let channels = |part: &str| (0..bits).map(move |bit| format!("{part}_{bit}")).collect::<Vec<_>>();
    let world = Bits {
        bits,
        spec: Spec {
            id: ENTRY.name,
            observation_space: Space::Dict(parts.map(|part| (part.to_owned(), Space::bits(bits))).to_vec()),
            action_space: Space::discrete(bits),
            state_dim: 2,
            dt_secs: 0.25,
            observation_channels: parts.iter().flat_map(|part| channels(part)).collect(),
            action_channels: channels("flip"),
            episode_steps: Some(steps),
        },
    };
    // Flips that repeat undo each other.
    let plain = settings::action_repeat(settings)? == 1;
    let n = bits as f64;
    let optimum = (plain && steps >= bits).then(|| 1.0 - 0.5 * n / (1.0 - (-n).exp2()));
    let reward = plain.then(|| Arc::new(Reached { bits }) as Arc<dyn RewardFunction>);
    Ok(Made { optimum, reward, ..chance::made(world, settings)? })
}

/// Bits as they are and as they shall be.
type Pair = [u64; 2];

struct Bits {
    spec: Spec,
    bits: usize,
}

impl ChanceWorld for Bits {
    type State = Pair;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> Pair {
        let mut draw = || rng.below(2);
        let mut row = || (0..self.bits).fold(0, |row, _| row << 1 | draw());
        let now = row();
        loop {
            let goal = row();
            if goal != now {
                return [now, goal];
            }
        }
    }

    fn advance(&self, [now, goal]: &mut Pair, choice: usize, _rng: &mut Rng) -> Outcome {
        *now ^= 1 << choice;
        outcome(now == goal)
    }

    fn observe(&self, [now, goal]: &Pair, observation: &mut [f64]) {
        let rows = observation.chunks_exact_mut(self.bits).zip([now, goal, now]);
        for (part, row) in rows {
            part.iter_mut().enumerate().for_each(|(bit, slot)| *slot = (row >> bit & 1) as f64);
        }
    }

    fn save(&self, pair: &Pair) -> Vec<u64> {
        pair.to_vec()
    }

    fn restore(&self, words: &[u64]) -> Option<Pair> {
        let pair: Pair = words.try_into().ok()?;
        let beyond = u64::MAX.checked_shl(self.bits as u32).unwrap_or(0);
        pair.iter().all(|row| row & beyond == 0).then_some(pair)
    }

    fn draw(&self, pair: &Pair, canvas: &mut Canvas) {
        let n = self.bits as f64;
        canvas.view([n / 2.0, 0.0], n + 1.0);
        for ((row, y), set) in pair.iter().zip([0.6, -0.6]).zip([palette::BODY, palette::GOAL]) {
            for bit in 0..self.bits {
                canvas.disc([bit as f64 + 0.5, y], 0.4, if row >> bit & 1 == 1 { set } else { palette::GROUND });
            }
        }
    }
}

fn outcome(reached: bool) -> Outcome {
    Outcome { reward: if reached { 0.0 } else { -1.0 }, terminated: reached }
}

/// What a step pays by what is seen behind it.
struct Reached {
    bits: usize,
}

impl RewardFunction for Reached {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let seen = transitions.next_observations;
        for (row, (reward, terminated)) in reward.iter_mut().zip(terminated).enumerate() {
            let same = |bit: usize| seen.column(bit)[row] == seen.column(self.bits + bit)[row];
            let outcome = outcome((0..self.bits).all(same));
            (*reward, *terminated) = (outcome.reward, outcome.terminated);
        }
    }

    fn terminates(&self) -> bool {
        true
    }
}
