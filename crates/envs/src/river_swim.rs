//! `river-swim`: six places along a river, whose current carries whoever swims against it back; far up it pays much, at the mouth a little.
//!
//! Strehl and Littman, "An Analysis of Model-Based Interval Estimation for Markov Decision Processes", JCSS 74, 2008, figure 1. Swimming right succeeds with 0.3 (from
//! the ends: 0.3 and stays with 0.7), stays with 0.6 and is carried back with 0.1; swimming left always succeeds. Left at the mouth pays
//! 5; swimming right at the last place pays 10,000 where one holds it. Episodes start at the second or third place. Without a discount
//! the best policy earns 3,336,494 in 5,000 steps.

use worldwright_core::{ElementType, Entry, Result, Rng, Settings, Space};

use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, names, whole_box};
use crate::{Build, Made, settings};

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "river-swim",
    summary: "swim up a river for a great reward, or stay at its mouth for a small one",
    source: "Strehl and Littman, JCSS 74, 2008",
    parameters: &[settings::episode_steps(5000), settings::ACTION_REPEAT],
    build: make,
};

const PLACES: usize = 6;
const MOUTH_PAYS: f64 = 5.0;
const SOURCE_PAYS: f64 = 10_000.0;

fn make(settings: &Settings) -> Result<Made> {
    let spec = Spec {
        id: ENTRY.name,
        observation_space: whole_box(&[0.0], &[PLACES as f64 - 1.0], ElementType::I64),
        action_space: Space::discrete(2),
        state_dim: 1,
        dt_secs: 0.25,
        observation_channels: names(&["place"]),
        action_channels: names(&["left", "right"]),
        episode_steps: settings::steps(settings)?,
    };
    chance::made(River { spec }, settings)
}

struct River {
    spec: Spec,
}

impl ChanceWorld for River {
    type State = usize;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> usize {
        1 + rng.below(2) as usize
    }

    fn advance(&self, place: &mut usize, choice: usize, rng: &mut Rng) -> Outcome {
        let (from, last, drawn) = (*place, PLACES - 1, rng.uniform());
        if choice == 0 {
            *place = from.saturating_sub(1);
            return Outcome::on(if from == 0 { MOUTH_PAYS } else { 0.0 });
        }
        *place = match from {
            0 if drawn < 0.3 => 1,
            0 => 0,
            _ if from == last && drawn < 0.3 => last,
            _ if from == last => last - 1,
            _ if drawn < 0.3 => from + 1,
            _ if drawn < 0.9 => from,
            _ => from - 1,
        };
        Outcome::on(if from == last && *place == last { SOURCE_PAYS } else { 0.0 })
    }

    fn observe(&self, place: &usize, observation: &mut [f64]) {
        observation[0] = *place as f64;
    }

    fn save(&self, place: &usize) -> Vec<u64> {
        vec![*place as u64]
    }

    fn restore(&self, words: &[u64]) -> Option<usize> {
        chance::numbered(words, PLACES)
    }

    fn draw(&self, place: &usize, canvas: &mut Canvas) {
        canvas.view([3.0, 0.5], 5.0);
        canvas.rectangle([3.0, 0.5], [3.0, 0.5], palette::GROUND);
        canvas.rectangle([5.5, 0.5], [0.45, 0.45], palette::GOAL);
        canvas.disc([*place as f64 + 0.5, 0.5], 0.35, palette::BODY);
    }
}
