//! A maze whose near ways alone are known, crossed by way of subgoals.

use worldwright_core::{Entry, Error, Key, Parameter, Result, SettingDefault as Default, Settings, cost};

use super::Solve;
use super::cube::SEED;
use super::solution::{Cell, Solution, Status};
use worldwright_envs::maze::Maze;
use worldwright_planners::subgoal::{DcMcts, GoalValue, Midway, SubgoalTree, WithinReach};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "maze",
    summary: "a maze of which only short ways are known, crossed by way of subgoals",
    source: "Jurgenson et al. 2020 (sub-goal trees); Parascandolo et al. 2020 (divide-and-conquer MCTS)",
    parameters: &[
        Parameter {
            name: "map",
            default: Default::Text("random"),
            summary: "lines, with / between them: S start, G goal, # wall, . floor; random: drawn with the seed",
        },
        Parameter { name: "side", default: Default::Integer(10), summary: "random: chambers along a side, 2 to 30" },
        Parameter {
            name: "loops",
            default: Default::Integer(12),
            summary: "random: openings beyond what joins all chambers",
        },
        Parameter { name: "range", default: Default::Integer(5), summary: "steps up to which ways are known" },
        Parameter {
            name: "method",
            default: Default::Text("subgoal-tree"),
            summary: "subgoal-tree (shortest, all pairs), or dc-mcts (a search for one pair)",
        },
        Parameter { name: "simulations", default: Default::Integer(3_000), summary: "dc-mcts: descents" },
        Parameter { name: "depth", default: Default::Integer(6), summary: "dc-mcts: divisions one below another" },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let (maze, start, goal) = read(settings)?;
    let reach = WithinReach::new(&maze.neighbours, settings.count_in("range", 1, 10_000)?);
    let mut solution = Solution::new(Status::Optimal, &["leg", "from", "to", "steps"]);
    let (simulations, depth) = (settings.count_in("simulations", 1, 10_000_000)?, settings.count_in("depth", 1, 64)?);
    let path = if settings.choice("method", &["subgoal-tree", "dc-mcts"])? == 0 {
        // Levels double the reach, so these are enough for any way there can be.
        let tree = SubgoalTree::new(&reach, maze.cells.len().ilog2() as usize + 1)?;
        solution.fact("levels", tree.levels());
        tree.path(start, goal)
    } else {
        solution.status = Status::Solved;
        let search = DcMcts { simulations, depth, exploration: 2.0 };
        let divisions = search.simulations as f64 * (search.depth as f64).exp2();
        cost::work(&[("simulations", search.simulations), ("depth", search.depth)], "divisions", divisions, 1e11)?;
        let report = search.plan(&reach, &Midway(&maze.cells), start, goal)?;
        solution.fact("pairs met", report.nodes);
        report.path
    };
    let mut letters = Map::new(&maze);
    if let Some(path) = &path {
        let place = |cell: usize| Cell::Text(format!("({}, {})", maze.cells[cell][0] + 1, maze.cells[cell][1] + 1));
        let mut total = 0;
        for (i, leg) in path.windows(2).enumerate() {
            maze.way(leg[0], leg[1]).iter().flatten().for_each(|cell| letters.mark(maze.cells[*cell], '·'));
            let steps = -reach.value(leg[0], leg[1]) as usize;
            total += steps;
            solution.row([(i + 1).into(), place(leg[0]), place(leg[1]), steps.into()]);
        }
        path.iter().for_each(|cell| letters.mark(maze.cells[*cell], 'o'));
        solution.facts.insert(0, ("steps", total.into()));
    } else {
        let why = match solution.status {
            Status::Optimal => "there is no way from S to G",
            _ => "no way was found, which does not prove that there is none: more simulations may help",
        };
        solution.status = Status::Unsolved;
        solution.notes.push(why.to_owned());
    }
    letters.mark(maze.cells[start], 'S');
    letters.mark(maze.cells[goal], 'G');
    solution.picture = letters.picture();
    solution.notes.push("o are subgoals; places are column and row from the upper left, counted from 1".to_owned());
    Ok(solution)
}

/// Cells of a map: some hundred megabytes of pairs.
const MOST_CELLS: usize = 2_500;

/// Openings beyond what joins all chambers, several for each wall of the largest maze.
const MOST_LOOPS: usize = 100_000;

fn read(settings: &Settings) -> Result<(Maze, usize, usize)> {
    let map = settings.text("map")?;
    let (side, loops, seed) =
        (settings.count("side", 2)?, settings.count_in("loops", 0, 10_000)?, settings.seed("seed")?);
    if map == "random" {
        if side > 30 {
            return Err(Error::config("side", format!("must be at most 30, got {side}: all pairs of cells are held")));
        }
        if loops > MOST_LOOPS {
            let why = format!("must be at most {MOST_LOOPS}, got {loops}: that opens nearly every wall of any maze");
            return Err(Error::config("loops", why));
        }
        let maze = Maze::random(side, loops, &mut Key::new(seed).rng());
        let last = maze.cells.len() - 1;
        return Ok((maze, 0, last));
    }
    let (maze, start, goal) = Maze::mapped(map)?;
    if maze.cells.len() > MOST_CELLS {
        let why =
            format!("has {} free cells, at most {MOST_CELLS} may be: all pairs of them are held", maze.cells.len());
        return Err(Error::config("map", why));
    }
    Ok((maze, start, goal))
}

/// A maze in letters, with walls around it.
pub(super) struct Map {
    rows: Vec<Vec<char>>,
    /// Letters before the first column and row: none where the maze has walls of its own there.
    border: [usize; 2],
}

impl Map {
    pub(super) fn new(maze: &Maze) -> Self {
        let ends = [0, 1].map(|d| {
            let each = || maze.cells.iter().map(|cell| cell[d]);
            (each().min().unwrap_or(0), each().max().unwrap_or(0))
        });
        let border = ends.map(|(first, _)| usize::from(first == 0));
        let size = [0, 1].map(|d| ends[d].1 + border[d] + 2);
        let mut map = Self { rows: vec![vec!['#'; size[0]]; size[1]], border };
        maze.cells.iter().for_each(|cell| map.mark(*cell, ' '));
        map
    }

    /// Writes a letter over a cell.
    pub(super) fn mark(&mut self, cell: [usize; 2], with: char) {
        self.rows[cell[1] + self.border[1]][cell[0] + self.border[0]] = with;
    }

    pub(super) fn picture(&self) -> String {
        self.rows.iter().map(|row| row.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    }
}
