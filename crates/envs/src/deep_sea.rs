//! `deep-sea`: dive to the treasure in the corner of a grid, down a way on which every step costs a little.
//!
//! Osband, Van Roy, Russo and Wen, "Deep Exploration via Randomized Value Functions", JMLR 2019; bsuite, `deep_sea`. The diver starts in the upper left corner of an
//! N × N grid and sinks a row a step, a column to the left or to the right. Which choice means right is drawn for each cell from a seed, once
//! for all episodes. A step to the right costs 0.01 / N, and the one in the lower right corner pays 1: the best return is 0.99, and acting at random finds it
//! once in 2^N episodes. With `chance`, a step to the right fails with 1 / N, and what the two lower corners pay is noisy. The episode ends at the bottom.

use worldwright_core::{ElementType, Entry, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, Space};

use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, names, whole_box};
use crate::{Build, Made, settings};

const SIZE: Parameter =
    Parameter { name: "size", default: Default::Integer(10), summary: "rows and columns, from 2 to 1000" };
const MAPPING_SEED: Parameter = Parameter {
    name: "mapping_seed",
    default: Default::Integer(42),
    summary: "what the choice that means right in each cell is drawn from",
};
const CHANCE: Parameter = Parameter {
    name: "chance",
    default: Default::Bool(false),
    summary: "whether steps to the right may fail and the lower corners pay noisily",
};
/// What going right all the way costs.
const WAY_COST: f64 = 0.01;

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "deep-sea",
    summary: "a treasure at the end of one way among 2^N, every step of which costs a little",
    source: "Osband et al., JMLR 2019; bsuite, deep_sea",
    parameters: &[SIZE, MAPPING_SEED, CHANCE, settings::episode_steps(1000), settings::ACTION_REPEAT],
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    let size = settings.count_in(SIZE.name, 2, 1000)?;
    let mut rng = Key::new(settings.count(MAPPING_SEED.name, 0)? as u64).rng();
    let sea = Sea {
        size,
        right: (0..size * size).map(|_| rng.below(2) as usize).collect(),
        chance: settings.bool(CHANCE.name)?,
        spec: Spec {
            id: ENTRY.name,
            observation_space: whole_box(&[0.0, 0.0], &[size as f64, size as f64 - 1.0], ElementType::I64),
            action_space: Space::discrete(2),
            state_dim: 1,
            dt_secs: 0.25,
            observation_channels: names(&["row", "column"]),
            action_channels: names(&["choice_0", "choice_1"]),
            episode_steps: settings::steps(settings)?,
        },
    };
    // To the right at each of as many rows, which costs a hundredth in all, and the treasure.
    let reaches = sea.spec.episode_steps.is_none_or(|steps| steps >= size);
    let known = !sea.chance && reaches && settings::action_repeat(settings)? == 1;
    Ok(Made { optimum: known.then_some(0.99), ..chance::made(sea, settings)? })
}

struct Sea {
    spec: Spec,
    size: usize,
    /// `[row][column]`: the choice that means right.
    right: Vec<usize>,
    chance: bool,
}

impl ChanceWorld for Sea {
    /// Row by row; the row below the last is the bottom.
    type State = usize;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, _rng: &mut Rng) -> usize {
        0
    }

    fn advance(&self, cell: &mut usize, choice: usize, rng: &mut Rng) -> Outcome {
        let (row, column, last) = (*cell / self.size, *cell % self.size, self.size - 1);
        let wants_right = self.right[*cell] == choice;
        // Both are drawn at every step, so that what chance does elsewhere does not depend on where one is.
        let (fails, noise) =
            if self.chance { (rng.uniform() < 1.0 / self.size as f64, rng.normal()) } else { (false, 0.0) };
        let mut reward = if wants_right { -WAY_COST / self.size as f64 } else { 0.0 };
        if row == last && column == last && wants_right {
            reward += 1.0;
        }
        if row == last && (column == last || column == 0) {
            reward += noise;
        }
        let goes_right = wants_right && !fails;
        let to = if goes_right { (column + 1).min(last) } else { column.saturating_sub(1) };
        *cell = (row + 1) * self.size + to;
        Outcome { reward, terminated: row == last }
    }

    fn observe(&self, cell: &usize, observation: &mut [f64]) {
        observation[0] = (cell / self.size) as f64;
        observation[1] = (cell % self.size) as f64;
    }

    fn save(&self, cell: &usize) -> Vec<u64> {
        vec![*cell as u64]
    }

    fn restore(&self, words: &[u64]) -> Option<usize> {
        chance::numbered(words, (self.size + 1) * self.size)
    }

    fn draw(&self, cell: &usize, canvas: &mut Canvas) {
        let size = self.size as f64;
        canvas.view([size / 2.0, size / 2.0], size + 1.5);
        canvas.rectangle([size / 2.0, size / 2.0], [size / 2.0, size / 2.0], palette::GROUND);
        canvas.rectangle([size - 0.5, 0.5], [0.5, 0.5], palette::GOAL);
        let (row, column) = ((cell / self.size) as f64, (cell % self.size) as f64);
        canvas.disc([column + 0.5, size - row - 0.5], 0.4, palette::BODY);
    }
}
