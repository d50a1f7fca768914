//! Speed and quality of hierarchical planning: `cargo run --release -p worldwright-planners --example motion_speed`.
//! One line a workload: what, quality, median and minimum. One thread.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use worldwright_core::{Columns, Key, Result, Rng};
use worldwright_envs::cube::{Cube, Metric};
use worldwright_envs::maze::Maze;
use worldwright_motion::task_motion::{CheapestSkeletons, Object, PickPlace, Region, TaskMotion, World};
use worldwright_motion::{
    ArmScene, Axis, DiscsScene, Dubins, DubinsSpace, Obstacles, RigidScene, RrtConnect, Scene, Shape,
};
use worldwright_planners::subgoal::{DcMcts, Leap, Midway, StateGoalValue, SubgoalTree, WithinReach};
use worldwright_problems::rubik::{Effort, PocketSolver, TwoPhase};

fn main() -> Result<()> {
    cube();
    motions()?;
    tasks()?;
    subgoals()
}

/// The exponent b of `y = a x^b` through points by least squares of logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs = || points.iter().map(|(x, y)| (x.ln(), y.ln()));
    let (mx, my) = logs().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (covariance, variance) =
        logs().fold((0.0, 0.0), |(c, v), (x, y)| (c + (x - mx) * (y - my), v + (x - mx).powi(2)));
    covariance / variance
}

/// Solves one query with many seeds.
fn query(what: &str, scene: &dyn Scene, planner: &RrtConnect, start: &[f64], goal: &[f64], seeds: u64) -> Result<()> {
    let (mut solved, mut length, mut nodes, mut seed) = (0, 0.0, 0, 0);
    let spent = timed(seeds as usize, || {
        seed += 1;
        let found = planner.plan(scene, start, goal, &mut Rng::new(seed)).expect("sound ends");
        nodes += found.nodes;
        if let Some(path) = found.path {
            solved += 1;
            length += path.length(scene);
        }
    });
    let per_second = 1e3 * seeds as f64 / spent.iter().sum::<f64>();
    let quality = format!(
        "{solved}/{seeds} solved, mean length {:.3}, {:.0} nodes, {per_second:.0} solves/s",
        length / f64::from(solved),
        nodes as f64 / seeds as f64
    );
    line(what, &spent, &quality);
    Ok(())
}

fn motions() -> Result<()> {
    let mut rng = Rng::new(1);
    let paths = timed(200, || {
        (0..1000)
            .map(|_| {
                let mut pose = || [rng.uniform_in(-3.0, 3.0), rng.uniform_in(-3.0, 3.0), rng.uniform_in(-3.1, 3.1)];
                Dubins::shortest(pose(), pose(), 1.0).length()
            })
            .sum::<f64>()
    });
    line("1000 Dubins paths", &paths, "");

    // A room with 40 posts and a wall with a gap.
    let mut rng = Rng::new(2);
    let mut shapes = vec![Shape::rectangle([4.9, 0.0], [5.1, 4.5])?, Shape::rectangle([4.9, 5.3], [5.1, 10.0])?];
    while shapes.len() < 42 {
        let at = [rng.uniform_in(1.0, 9.0), rng.uniform_in(0.3, 9.7)];
        if (at[0] - 5.0_f64).abs() > 1.0 {
            shapes.push(Shape::disc(at, 0.25));
        }
    }
    let obstacles = Obstacles::new(shapes);
    let disc = DiscsScene::new([0.2, 0.2], [9.8, 9.8], &[([0.0, 0.0], 0.15)], obstacles.clone())?;
    let planner = RrtConnect { step: 0.7, iterations: 20_000, shortcuts: 0 };
    query("RRT-Connect, disc, 42 obstacles", &disc, &planner, &[0.5, 0.5], &[9.5, 9.5], 500)?;
    query("the same, 100 shortcuts", &disc, &RrtConnect { shortcuts: 100, ..planner }, &[0.5, 0.5], &[9.5, 9.5], 500)?;
    let body = Shape::rectangle([-0.2, -0.1], [0.3, 0.1])?;
    let car = RigidScene::new(DubinsSpace::new([0.0; 2], [10.0; 2], 0.5)?, vec![body], obstacles, 0.05)?;
    let planner = RrtConnect { step: 1.0, iterations: 20_000, shortcuts: 0 };
    query("RRT-Connect, Dubins car, 42 obstacles", &car, &planner, &[0.5, 0.5, 0.0], &[9.5, 9.5, 0.0], 50)?;
    for links in [2, 4, 6, 8] {
        let posts = [([1.2, 0.9], 0.25), ([-0.3, 1.6], 0.3), ([1.4, -1.0], 0.3)];
        let posts = posts.iter().map(|(centre, radius)| Shape::disc(*centre, *radius)).collect();
        let axes = (0..links).map(|i| if i == 0 { Axis::Circle } else { Axis::Interval { low: -2.8, high: 2.8 } });
        let lengths = vec![2.5 / links as f64; links];
        let arm = ArmScene::new([0.0; 2], &lengths, 0.08, axes.collect(), Obstacles::new(posts), 0.05)?;
        let (mut start, mut goal) = (vec![0.0; links], vec![0.0; links]);
        (start[0], goal[0]) = (0.05, 2.4);
        query(&format!("RRT-Connect, arm of {links} links"), &arm, &RrtConnect::default(), &start, &goal, 100)?;
    }
    Ok(())
}

fn tasks() -> Result<()> {
    for blocks in 0..4 {
        let object = |i: usize| Object { name: format!("o{i}"), home: [5.7 - 0.5 * i as f64, 2.0], radius: 0.2 };
        let region = |name: &str, low, high| Region { name: name.to_owned(), low, high };
        let problem = PickPlace::new(World {
            low: [0.0, 0.0],
            high: [6.0, 4.0],
            walls: vec![Shape::rectangle([3.7, 0.0], [6.0, 1.55])?, Shape::rectangle([3.7, 2.45], [6.0, 4.0])?],
            robot: 0.25,
            start: [2.5, 2.0],
            gap: 0.02,
            objects: (0..=blocks).map(object).collect(),
            regions: vec![region("shelf", [0.2, 0.2], [1.2, 1.2]), region("table", [0.2, 2.4], [2.2, 3.8])],
            goal: vec![(0, 0)],
        })?;
        let (mut seed, mut steps, mut motions) = (0, Vec::new(), 0);
        let spent = timed(20, || {
            seed += 1;
            let mut search = CheapestSkeletons::new(&problem.task, 1_000_000).expect("sound costs");
            let report =
                TaskMotion { seed, ..TaskMotion::default() }.solve(&problem, &mut search).expect("within limits");
            motions += report.motions;
            steps.extend(report.plan.map(|plan| plan.steps.len()));
        });
        let exact = steps.iter().filter(|steps| **steps == 2 * (blocks + 1)).count();
        let quality = format!("{exact}/20 plans of {} actions, {} motions each", 2 * (blocks + 1), motions / 20);
        line(&format!("task and motion, {blocks} blocks in the way"), &spent, &quality);
    }
    Ok(())
}

struct Straight;

impl StateGoalValue for Straight {
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            *slot = -(0..from.dims()).map(|d| (from.get(i, d) - to.get(i, d)).powi(2)).sum::<f64>();
        }
        Ok(())
    }
}

fn subgoals() -> Result<()> {
    let (mut trees, mut searches) = (Vec::new(), Vec::new());
    for side in [6, 8, 11, 16, 22] {
        let maze = Maze::random(side, side * side / 4, &mut Rng::new(side as u64));
        let n = maze.cells.len();
        let reach = WithinReach::new(&maze.neighbours, 6);
        let mut levels = 0;
        let spent = timed(5, || {
            let tree = SubgoalTree::new(&reach, 12).expect("states");
            levels = tree.levels();
            tree
        });
        trees.push((n as f64, spent[0] / (levels + 1) as f64));
        let tree = SubgoalTree::new(&reach, 12)?;
        let wrong = (0..n)
            .map(|from| {
                let steps = maze.steps_from(from);
                (0..n).filter(|to| steps[*to].map(f64::from) != Some(-tree.value(from, *to))).count()
            })
            .sum::<usize>();
        line(
            &format!("sub-goal tree, {n} cells"),
            &spent,
            &format!("{levels} levels, {wrong} of {} pairs not shortest", n * n),
        );
        if side <= 11 {
            let shortest = -tree.value(0, n - 1);
            let settings = DcMcts { simulations: 3000, depth: 5, exploration: 2.0 };
            let mut report = None;
            let spent = timed(3, || report = Some(settings.plan(&reach, &Midway(&maze.cells), 0, n - 1)));
            searches.push((n as f64, spent[0]));
            let report = report.expect("it ran")?;
            let quality = format!("{} steps, shortest {shortest}, {} pairs", -report.value, report.nodes);
            line(&format!("DC-MCTS, {n} cells, 3000 simulations"), &spent, &quality);
        }
    }
    println!("growth with cells: a level of the tree {:.2}, DC-MCTS {:.2}", exponent(&trees), exponent(&searches));
    let mut growth = Vec::new();
    for subgoals in [1, 3, 7, 15] {
        let leap = Leap { subgoals, ..Leap::default() };
        let mut value = 0.0;
        let spent = timed(10, || {
            let plan = leap.plan(&mut Straight, (&[0.0; 4], &[1.0; 4]), &[0.1; 4], &[0.9; 4], Key::new(1));
            value = plan.expect("sound settings").value;
        });
        growth.push((subgoals as f64 + 1.0, spent[0]));
        let best = -4.0 * 0.64 / ((subgoals + 1) as f64).powi(2);
        line(
            &format!("LEAP, {subgoals} subgoals in 4 dimensions"),
            &spent,
            &format!("worst leg {value:.5}, best {best:.5}"),
        );
    }
    println!("growth with legs: LEAP {:.2}", exponent(&growth));
    Ok(())
}

/// Milliseconds of each of `rounds` runs, sorted.
fn timed<T>(rounds: usize, mut work: impl FnMut() -> T) -> Vec<f64> {
    let mut spent: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    spent.sort_by(f64::total_cmp);
    spent
}

fn line(what: &str, spent: &[f64], quality: &str) {
    println!("{what:<44} median {:>9.3} ms  min {:>9.3} ms  {quality}", spent[spent.len() / 2], spent[0]);
}

fn cube() {
    line("cube tables", &timed(5, TwoPhase::new), "");
    line("2×2×2 table, half turns", &timed(5, || PocketSolver::new(Metric::HalfTurn)), "3,674,160 states");
    let solver = TwoPhase::new();
    for target in [23, 22, 21, 20] {
        let mut rng = Rng::new(1);
        let (mut turns, mut longest, mut nodes) = (0, 0, 0);
        let cubes = if target == 20 { 100 } else { 1000 };
        let mut spent = timed(cubes, || {
            let cube = Cube::random(&mut rng);
            let solution = solver.solve(&cube, &Effort { target, nodes: 100_000_000 }).expect("a sound cube");
            assert!(cube.after(&solution.moves).is_solved());
            turns += solution.moves.len();
            longest = longest.max(solution.moves.len());
            nodes += solution.nodes;
        });
        let mean = spent.iter().sum::<f64>() / cubes as f64;
        let quality = format!(
            "{cubes} cubes: mean {:.2} turns, longest {longest}, mean {mean:.2} ms, {:.1} M nodes/s",
            turns as f64 / cubes as f64,
            nodes as f64 / 1e3 / spent.iter().sum::<f64>()
        );
        spent.sort_by(f64::total_cmp);
        line(&format!("cube two-phase, stop at {target}"), &spent, &quality);
    }
}
