//! A grid with a goal, holes and slippery floor, by dynamic programming.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::solution::{Solution, Status};
use worldwright_envs::gridworld::{GOAL, Gridworld, HOLE, MAP, SLIP, STEP};
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
        MAP,
        Parameter {
            name: "method",
            default: Default::Text("policy-iteration"),
            summary: "value-iteration, gauss-seidel, policy-iteration, modified-policy-iteration or prioritised-sweeping",
        },
        Parameter { name: "discount", default: Default::Float(0.99), summary: "what a reward one step later counts" },
        SLIP,
        GOAL,
        HOLE,
        STEP,
        Parameter { name: "tolerance", default: Default::Float(1e-9), summary: "how exact the values must be" },
    ],
    build: solve,
};

/// How a move is drawn, in the order of [`Gridworld::MOVES`].
const ARROWS: [char; 4] = ['←', '↓', '→', '↑'];

fn solve(settings: &Settings) -> Result<Solution> {
    let grid = Gridworld::new(settings)?;
    let mut builder = MdpBuilder::new(settings.float("discount", 0.0, 1.0)?);
    for cell in 0..grid.cells.len() {
        builder.state();
        for towards in (0..ARROWS.len()).filter(|_| !grid.ends(cell)) {
            builder.action();
            for (chance, reward, next) in grid.ways(cell, towards) {
                builder.outcome(chance, reward, Some(next));
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
    let mut picture = grid.lines.clone();
    for (cell, [x, y]) in grid.cells.iter().enumerate() {
        let towards = found.policy[cell] as usize;
        let Some(arrow) = ARROWS.get(towards) else { continue };
        picture[*y][*x] = *arrow;
        solution.row([(y + 1).into(), (x + 1).into(), Gridworld::MOVES[towards].into(), found.values[cell].into()]);
    }
    let spaced = |line: &Vec<char>| line.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    solution.picture = picture.iter().map(spaced).collect::<Vec<_>>().join("\n");
    solution.fact("value of the start", found.values[grid.start]);
    if let Some(certificate) = found.certificate {
        solution.fact("error at most", certificate.error());
    }
    solution.fact("sweeps", found.sweeps);
    solution.fact("backups", found.backups as usize);
    Ok(solution)
}
