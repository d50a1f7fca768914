//! Mazes as environments: what is seen is the number of a cell, the goal pays 1 and ends.

use worldwright_core::{Entry, Error, Key, Parameter, Result, Rng, SettingDefault as Default, Settings};

use super::{FOUR_ROOMS, Maze, MazeModel};
use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, names};
use crate::{Build, Made, settings};

const SLIP: Parameter = Parameter {
    name: "slip",
    default: Default::Float(0.0),
    summary: "chance that a move goes in one of the three other directions, each as often",
};

/// Lines in the list of environments.
pub(crate) const MAZE: Entry<Build> = Entry {
    name: "maze",
    summary: "find the way out of a maze from cell to cell",
    source: "Moore 1959 (shortest ways); own definition",
    parameters: &[
        Parameter {
            name: "map",
            default: Default::Text("random"),
            summary: "lines, with / between them: S start, G goal, # wall, . floor; random: drawn with `layout`",
        },
        Parameter { name: "side", default: Default::Integer(4), summary: "random: chambers along a side, 2 to 30" },
        Parameter {
            name: "loops",
            default: Default::Integer(4),
            summary: "random: openings beyond what joins all chambers",
        },
        Parameter {
            name: "layout",
            default: Default::Integer(0),
            summary: "random: the seed that the maze is drawn with",
        },
        SLIP,
        settings::episode_steps(200),
        settings::ACTION_REPEAT,
    ],
    build: maze,
};
pub(crate) const ROOMS: Entry<Build> = Entry {
    name: "rooms",
    summary: "find the way through four rooms with a hallway between each two",
    source: "Sutton, Precup and Singh 1999, figure 2",
    parameters: &[
        Parameter { name: "start", default: Default::Numbers(&[1.0, 1.0]), summary: "column and row, 1 to 11 each" },
        Parameter { name: "goal", default: Default::Numbers(&[9.0, 8.0]), summary: "column and row, 1 to 11 each" },
        SLIP,
        settings::episode_steps(200),
        settings::ACTION_REPEAT,
    ],
    build: rooms,
};

/// Chambers along a side, and openings, at the most: what is drawn must stay small.
const MOST_SIDE: usize = 30;
const MOST_LOOPS: usize = 10_000;

fn maze(settings: &Settings) -> Result<Made> {
    let (side, loops) = (settings.count_in("side", 2, MOST_SIDE)?, settings.count_in("loops", 0, MOST_LOOPS)?);
    let layout = settings.seed("layout")?;
    let (maze, start, goal) = match settings.text("map")? {
        "random" => {
            let maze = Maze::random(side, loops, &mut Key::new(layout).rng());
            let last = maze.cells.len() - 1;
            (maze, 0, last)
        }
        map => Maze::mapped(map)?,
    };
    made("maze", maze, start, goal, settings)
}

fn rooms(settings: &Settings) -> Result<Made> {
    let maze = Maze::parse(FOUR_ROOMS);
    let cell = |key: &str| maze.placed(key, settings.numbers(key)?);
    let (start, goal) = (cell("start")?, cell("goal")?);
    made("rooms", maze, start, goal, settings)
}

fn made(id: &'static str, maze: Maze, start: usize, goal: usize, settings: &Settings) -> Result<Made> {
    if maze.steps_from(start)[goal].is_none() {
        return Err(Error::config("map", "there is no way from S to G"));
    }
    let model = MazeModel::new(maze, goal, 1.0, settings.float("slip", 0.0, 1.0)?)?;
    let spec = Spec {
        id,
        observation_space: worldwright_core::WorldModel::spec(&model).observation_space.clone(),
        action_space: worldwright_core::WorldModel::spec(&model).action_space.clone(),
        state_dim: 1,
        dt_secs: 0.2,
        observation_channels: names(&["cell"]),
        action_channels: names(&MazeModel::MOVES),
        episode_steps: settings::steps(settings)?,
    };
    chance::made(Walk { spec, model, start }, settings)
}

struct Walk {
    spec: Spec,
    model: MazeModel,
    start: usize,
}

impl ChanceWorld for Walk {
    /// The number of a cell.
    type State = usize;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, _rng: &mut Rng) -> usize {
        self.start
    }

    fn advance(&self, cell: &mut usize, choice: usize, rng: &mut Rng) -> Outcome {
        *cell = self.model.draw(*cell, choice, rng);
        let there = *cell == self.model.goal;
        Outcome { reward: f64::from(u8::from(there)), terminated: there }
    }

    fn observe(&self, cell: &usize, observation: &mut [f64]) {
        observation[0] = *cell as f64;
    }

    fn save(&self, cell: &usize) -> Vec<u64> {
        vec![*cell as u64]
    }

    fn restore(&self, words: &[u64]) -> Option<usize> {
        chance::numbered(words, self.model.maze.cells.len())
    }

    fn draw(&self, cell: &usize, canvas: &mut Canvas) {
        let cells = &self.model.maze.cells;
        let ends = [0, 1].map(|d| cells.iter().fold((usize::MAX, 0), |(a, b), cell| (a.min(cell[d]), b.max(cell[d]))));
        let [(left, right), (top, bottom)] = ends;
        let (width, height) = ((right - left + 1) as f64, (bottom - top + 1) as f64);
        canvas.view([width / 2.0, height / 2.0], (height + 1.0).max((width + 1.0) * 0.75));
        canvas.rectangle([width / 2.0, height / 2.0], [width / 2.0 + 0.3, height / 2.0 + 0.3], palette::GROUND);
        let place = |cell: usize| {
            let [x, y] = cells[cell];
            [(x - left) as f64 + 0.5, (bottom - y) as f64 + 0.5]
        };
        (0..cells.len()).for_each(|cell| canvas.rectangle(place(cell), [0.5, 0.5], palette::PAPER));
        canvas.rectangle(place(self.model.goal), [0.4, 0.4], palette::GOAL);
        canvas.disc(place(*cell), 0.35, palette::BODY);
    }
}
