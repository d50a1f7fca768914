//! A grid with a goal, holes and slippery floor: FrozenLake of Gymnasium (`toy_text/frozen_lake.py`) unless told otherwise, with rewards to
//! choose, as an environment and as a list of outcomes that dynamic programming sums over.

use worldwright_core::{ElementType, Entry, Error, Parameter, Result, Rng, SettingDefault as Default, Settings, Space};

use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, names, whole_box};
use crate::{Build, Made, settings};

/// Where a move may lead: its chance, its reward and the next cell.
pub type Way = (f64, f64, usize);

/// The settings that define the grid.
pub const MAP: Parameter = Parameter {
    name: "map",
    default: Default::Text("S.../.H.H/...H/H..G"),
    summary: "lines, with / between them: S start, G goal, H hole, # wall, . floor",
};
/// How slippery the floor is.
pub const SLIP: Parameter = Parameter {
    name: "slip",
    default: Default::Float(2.0 / 3.0),
    summary: "chance that a move goes to its left or right instead, each as often",
};
/// What the goal pays.
pub const GOAL: Parameter =
    Parameter { name: "goal", default: Default::Float(1.0), summary: "reward of the goal, which ends" };
/// What a hole pays.
pub const HOLE: Parameter =
    Parameter { name: "hole", default: Default::Float(0.0), summary: "reward of a hole, which ends" };
/// What every other step pays.
pub const STEP: Parameter =
    Parameter { name: "step", default: Default::Float(0.0), summary: "reward of every other step" };

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gridworld",
    summary: "a grid with a goal, holes and slippery floor; the frozen lake unless told otherwise",
    source: "Gymnasium 1.x, FrozenLake-v1; Sutton and Barto 2018",
    parameters: &[MAP, SLIP, GOAL, HOLE, STEP, settings::episode_steps(100), settings::ACTION_REPEAT],
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    let grid = Gridworld::new(settings)?;
    let spec = Spec {
        id: "gridworld",
        observation_space: whole_box(&[0.0], &[grid.cells.len() as f64 - 1.0], ElementType::I64),
        action_space: Space::discrete(Gridworld::MOVES.len()),
        state_dim: 1,
        dt_secs: 0.25,
        observation_channels: names(&["cell"]),
        action_channels: names(&Gridworld::MOVES),
        episode_steps: settings::steps(settings)?,
    };
    chance::made(Walk { spec, grid }, settings)
}

/// The grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Gridworld {
    /// The map, a letter a place.
    pub lines: Vec<Vec<char>>,
    /// Column and row of each cell that is no wall, row by row.
    pub cells: Vec<[usize; 2]>,
    /// The cell where an episode begins.
    pub start: usize,
    slip: f64,
    goal: f64,
    hole: f64,
    step: f64,
}

/// Left, down, right, up: neighbours in this circle are the sides of a move.
const BY: [[isize; 2]; 4] = [[-1, 0], [0, 1], [1, 0], [0, -1]];

impl Gridworld {
    /// What the moves are called.
    pub const MOVES: [&'static str; 4] = ["left", "down", "right", "up"];

    /// The grid that settings with [`MAP`], [`SLIP`], [`GOAL`], [`HOLE`] and [`STEP`] describe.
    ///
    /// # Errors
    /// [`Error::Config`] for unknown letters, none or several starts, or numbers out of range.
    pub fn new(settings: &Settings) -> Result<Self> {
        let lines: Vec<Vec<char>> =
            settings.text("map")?.split(['/', '\n']).map(|line| line.trim().chars().collect()).collect();
        for (y, line) in lines.iter().enumerate() {
            if let Some(x) = line.iter().position(|letter| !"SGH#.".contains(*letter)) {
                let why = format!("'{}' at place {} of line {}: write S, G, H, # or .", line[x], x + 1, y + 1);
                return Err(Error::config("map", why));
            }
        }
        let cells: Vec<[usize; 2]> = (0..lines.len()).flat_map(|y| (0..lines[y].len()).map(move |x| [x, y])).collect();
        let cells: Vec<[usize; 2]> = cells.into_iter().filter(|[x, y]| lines[*y][*x] != '#').collect();
        let starts: Vec<usize> =
            (0..cells.len()).filter(|cell| lines[cells[*cell][1]][cells[*cell][0]] == 'S').collect();
        let [start] = starts[..] else {
            return Err(Error::config("map", format!("has {} starts: write one S", starts.len())));
        };
        let slip = settings.float("slip", 0.0, 1.0)?;
        let reward = |key| settings.float(key, -f64::MAX, f64::MAX);
        let (goal, hole, step) = (reward("goal")?, reward("hole")?, reward("step")?);
        Ok(Self { lines, cells, start, slip, goal, hole, step })
    }

    /// The letter of a cell.
    pub fn letter(&self, cell: usize) -> char {
        self.lines[self.cells[cell][1]][self.cells[cell][0]]
    }

    /// Whether an episode ends in a cell.
    pub fn ends(&self, cell: usize) -> bool {
        "GH".contains(self.letter(cell))
    }

    /// Where a move from a cell may lead.
    pub fn ways(&self, cell: usize, towards: usize) -> [Way; 3] {
        let turns =
            [(1.0 - self.slip, towards), (self.slip / 2.0, (towards + 1) % 4), (self.slip / 2.0, (towards + 3) % 4)];
        turns.map(|(chance, way)| {
            let at = [0, 1].map(|d| self.cells[cell][d].wrapping_add_signed(BY[way][d]));
            // Cells are numbered row by row.
            let next = self.cells.binary_search_by_key(&(at[1], at[0]), |other| (other[1], other[0])).unwrap_or(cell);
            let paid = match self.letter(next) {
                'G' => self.goal,
                'H' => self.hole,
                _ => self.step,
            };
            (chance, paid, next)
        })
    }
}

struct Walk {
    spec: Spec,
    grid: Gridworld,
}

impl ChanceWorld for Walk {
    /// The number of a cell.
    type State = usize;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, _rng: &mut Rng) -> usize {
        self.grid.start
    }

    fn advance(&self, cell: &mut usize, choice: usize, rng: &mut Rng) -> Outcome {
        let ways = self.grid.ways(*cell, choice);
        let mut left = rng.uniform();
        let drawn = ways.iter().find(|(chance, ..)| {
            left -= chance;
            left < 0.0
        });
        let (_, reward, next) = *drawn.unwrap_or(&ways[0]);
        *cell = next;
        Outcome { reward, terminated: self.grid.ends(next) }
    }

    fn observe(&self, cell: &usize, observation: &mut [f64]) {
        observation[0] = *cell as f64;
    }

    fn save(&self, cell: &usize) -> Vec<u64> {
        vec![*cell as u64]
    }

    fn restore(&self, words: &[u64]) -> Option<usize> {
        chance::numbered(words, self.grid.cells.len())
    }

    fn draw(&self, cell: &usize, canvas: &mut Canvas) {
        let (width, height) =
            (self.grid.lines.iter().map(Vec::len).max().unwrap_or(1) as f64, self.grid.lines.len() as f64);
        canvas.view([width / 2.0, height / 2.0], (height + 0.5).max((width + 0.5) * 0.75));
        canvas.rectangle([width / 2.0, height / 2.0], [width / 2.0 + 0.1, height / 2.0 + 0.1], palette::GROUND);
        let place = |cell: usize| {
            let [x, y] = self.grid.cells[cell];
            [x as f64 + 0.5, height - y as f64 - 0.5]
        };
        for each in 0..self.grid.cells.len() {
            canvas.rectangle(place(each), [0.48, 0.48], palette::PAPER);
            match self.grid.letter(each) {
                'G' => canvas.rectangle(place(each), [0.4, 0.4], palette::GOAL),
                'H' => canvas.disc(place(each), 0.4, palette::INK),
                _ => {}
            }
        }
        canvas.disc(place(*cell), 0.3, palette::BODY);
    }
}
