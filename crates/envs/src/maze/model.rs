//! A maze as a world model: four moves, of which some slip; the goal pays 1 and ends.

use worldwright_core::{
    Action, Actions, Capabilities, ElementType, Error, Imagination, Imagined, Key, ModelSpec, Observation, Result, Rng,
    Rows, Space, WorldModel,
};

use super::Maze;
use crate::world::whole_box;

/// Up, right, down, left.
const MOVES: [[isize; 2]; 4] = [[0, -1], [1, 0], [0, 1], [-1, 0]];

/// A maze with a goal; an observation is the number of a cell.
#[derive(Debug, Clone)]
pub struct MazeModel {
    /// The maze.
    pub maze: Maze,
    /// The goal's cell.
    pub goal: usize,
    /// γ
    pub discount: f64,
    /// Chance that a move goes in one of the three other directions, each as often.
    pub slip: f64,
    /// Where each move leads from each cell; against a wall, nowhere.
    next: Vec<[usize; 4]>,
    spec: ModelSpec,
}

impl MazeModel {
    /// What the moves are called.
    pub const MOVES: [&'static str; 4] = ["up", "right", "down", "left"];

    /// The model of a maze.
    ///
    /// # Errors
    /// [`Error::Config`] for a goal that is no cell, or a slip or discount outside [0, 1].
    pub fn new(maze: Maze, goal: usize, discount: f64, slip: f64) -> Result<Self> {
        if goal >= maze.cells.len() {
            return Err(Error::config("goal", format!("cell {goal} of {}", maze.cells.len())));
        }
        if !((0.0..=1.0).contains(&slip) && (0.0..=1.0).contains(&discount)) {
            return Err(Error::config("slip", format!("{slip}, and the discount {discount}, must lie in [0, 1]")));
        }
        let moved = |cell: [usize; 2], by: [isize; 2]| [0, 1].map(|d| cell[d].wrapping_add_signed(by[d]));
        let each = maze.cells.iter().enumerate();
        let next = each.map(|(i, cell)| MOVES.map(|by| maze.at(moved(*cell, by)).unwrap_or(i))).collect();
        let spec = ModelSpec {
            name: "maze".to_owned(),
            observation_space: whole_box(&[0.0], &[maze.cells.len() as f64 - 1.0], ElementType::I64),
            action_space: Space::discrete(MOVES.len()),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: slip == 0.0,
            capabilities: Capabilities { decode: true, beliefs: true, ..Capabilities::default() },
        };
        Ok(Self { maze, goal, discount, slip, next, spec })
    }

    /// Where a move leads when it does not slip.
    pub fn next(&self, cell: usize, choice: usize) -> usize {
        self.next[cell][choice]
    }

    /// Where a move leads, by a draw where it may slip.
    pub fn draw(&self, cell: usize, choice: usize, rng: &mut Rng) -> usize {
        let slips = self.slip > 0.0 && rng.uniform() < self.slip;
        self.next[cell][if slips { (choice + 1 + rng.below(3) as usize) % MOVES.len() } else { choice }]
    }

    /// Where a move leads with which chance.
    pub fn branches(&self, cell: usize, choice: usize) -> [(f64, usize); 4] {
        std::array::from_fn(|i| (if i == choice { 1.0 - self.slip } else { self.slip / 3.0 }, self.next[cell][i]))
    }
}

impl WorldModel for MazeModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Arena { model: self, cells: vec![0; rows] })
    }
}

struct Arena<'m> {
    model: &'m MazeModel,
    cells: Vec<u32>,
}

impl Imagination for Arena<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.cells.len()
    }

    fn observe(&mut self, row: usize, _: Option<(usize, &Action)>, observation: &Observation, _: Key) -> Result<()> {
        self.model.spec.observation_space.check(observation)?;
        let cell = observation.floats().and_then(|numbers| numbers.first()).copied().unwrap_or(0.0);
        self.cells[row] = cell as u32;
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        to.iter().for_each(|row| self.cells[row] = self.cells[from]);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(choices) = actions else {
            return Err(Error::unsupported("a maze", "actions other than one of four moves"));
        };
        if to.len() != n || choices.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), choices.len()]));
        }
        out.begin(n);
        for (i, choice) in choices.iter().enumerate() {
            let here = self.cells[from.at(i)] as usize;
            let choice = *choice as usize;
            if choice >= MOVES.len() {
                let reason = "there are four moves".to_owned();
                return Err(Error::NotInSpace { what: format!("move {choice}").into(), reason });
            }
            let next = match self.model.slip > 0.0 {
                true => self.model.draw(here, choice, &mut key.fold(i as u64).rng()),
                false => self.model.next(here, choice),
            };
            self.cells[to.at(i)] = next as u32;
            let ends = next == self.model.goal;
            (out.reward[i], out.continuation[i]) = if ends { (1.0, 0.0) } else { (0.0, self.model.discount) };
            out.epistemic[i] = 0.0;
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.model.spec.check_decoded(member, out.len())?;
        out[0] = f64::from(self.cells[row]);
        Ok(())
    }
}
