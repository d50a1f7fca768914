//! A grid with a goal, holes and slippery floor, by dynamic programming.

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::solution::{Solution, Status};
use worldwright_finite::{
    MdpBuilder, Stop, Sweep, modified_policy_iteration, policy_iteration, prioritised_sweeping, value_iteration,
};

const METHODS: [&str; 5] =
    ["value-iteration", "gauss-seidel", "policy-iteration", "modified-policy-iteration", "prioritised-sweeping"];

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "gridworld",
    summary: "a grid with a goal, holes and slippery floor; the frozen lake unless told otherwise",
    source: "Bellman 1957; Howard 1960 (policy iteration); Moore and Atkeson 1993 (prioritised sweeping)",
    parameters: &[
        Parameter {
            name: "map",
            default: Default::Text("S.../.H.H/...H/H..G"),
            summary: "lines, with / between them: S start, G goal, H hole, # wall, . floor",
        },
        Parameter {
            name: "method",
            default: Default::Text("policy-iteration"),
            summary: "value-iteration, gauss-seidel, policy-iteration, modified-policy-iteration or prioritised-sweeping",
        },
        Parameter { name: "discount", default: Default::Float(0.99), summary: "what a reward one step later counts" },
        Parameter {
            name: "slip",
            default: Default::Float(2.0 / 3.0),
            summary: "chance that a move goes to its left or right instead, each as often",
        },
        Parameter { name: "goal", default: Default::Float(1.0), summary: "reward of the goal, which ends" },
        Parameter { name: "hole", default: Default::Float(0.0), summary: "reward of a hole, which ends" },
        Parameter { name: "step", default: Default::Float(0.0), summary: "reward of every other step" },
        Parameter { name: "tolerance", default: Default::Float(1e-9), summary: "how exact the values must be" },
    ],
    build: solve,
};

/// Left, down, right, up: neighbours in this circle are the sides of a move.
const MOVES: [(isize, isize, &str, char); 4] =
    [(-1, 0, "left", '←'), (0, 1, "down", '↓'), (1, 0, "right", '→'), (0, -1, "up", '↑')];

fn solve(settings: &Settings) -> Result<Solution> {
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
    let letter = |cell: usize| lines[cells[cell][1]][cells[cell][0]];
    let starts: Vec<usize> = (0..cells.len()).filter(|cell| letter(*cell) == 'S').collect();
    let [start] = starts[..] else {
        return Err(Error::config("map", format!("has {} starts: write one S", starts.len())));
    };
    let slip = settings.float("slip", 0.0, 1.0)?;
    let reward = |key| settings.float(key, -f64::MAX, f64::MAX);
    let (goal, hole, step) = (reward("goal")?, reward("hole")?, reward("step")?);
    let beside = |cell: usize, towards: usize| {
        let at = [
            cells[cell][0].wrapping_add_signed(MOVES[towards].0),
            cells[cell][1].wrapping_add_signed(MOVES[towards].1),
        ];
        // Cells are numbered row by row.
        cells.binary_search_by_key(&(at[1], at[0]), |other| (other[1], other[0])).unwrap_or(cell)
    };
    let mut builder = MdpBuilder::new(settings.float("discount", 0.0, 1.0)?);
    for cell in 0..cells.len() {
        builder.state();
        if "GH".contains(letter(cell)) {
            continue;
        }
        for towards in 0..MOVES.len() {
            builder.action();
            for (chance, way) in
                [(1.0 - slip, towards), (slip / 2.0, (towards + 1) % 4), (slip / 2.0, (towards + 3) % 4)]
            {
                let next = beside(cell, way);
                let paid = match letter(next) {
                    'G' => goal,
                    'H' => hole,
                    _ => step,
                };
                builder.outcome(chance, paid, Some(next));
            }
        }
    }
    let mdp = builder.build()?;
    let stop = Stop { tolerance: settings.float("tolerance", 1e-12, f64::MAX)?, ..Stop::default() };
    let found = match METHODS[settings.choice("method", &METHODS)?] {
        "value-iteration" => value_iteration(&mdp, Sweep::Synchronous, &stop)?,
        "gauss-seidel" => value_iteration(&mdp, Sweep::GaussSeidel, &stop)?,
        "policy-iteration" => policy_iteration(&mdp, &stop)?,
        "modified-policy-iteration" => modified_policy_iteration(&mdp, 10, &stop)?,
        _ => prioritised_sweeping(&mdp, &stop)?,
    };
    let status = if found.converged { Status::Optimal } else { Status::Solved };
    let mut solution = Solution::new(status, &["row", "column", "move", "value"]);
    let mut picture = lines.clone();
    for (cell, [x, y]) in cells.iter().enumerate() {
        let Some((_, _, name, arrow)) = MOVES.get(found.policy[cell] as usize) else { continue };
        picture[*y][*x] = *arrow;
        solution.row([(y + 1).into(), (x + 1).into(), (*name).into(), found.values[cell].into()]);
    }
    let spaced = |line: &Vec<char>| line.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    solution.picture = picture.iter().map(spaced).collect::<Vec<_>>().join("\n");
    solution.fact("value of the start", found.values[start]);
    if let Some(certificate) = found.certificate {
        solution.fact("error at most", certificate.error());
    }
    solution.fact("sweeps", found.sweeps);
    solution.fact("backups", found.backups as usize);
    Ok(solution)
}
