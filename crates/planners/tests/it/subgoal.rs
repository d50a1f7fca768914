//! Subgoal planners against closed forms and against exact shortest paths in mazes.

use worldwright_core::{Columns, Key, Result, Rng};
use worldwright_envs::maze::Maze;
use worldwright_planners::subgoal::{
    DcMcts, GoalValue, Leap, Legs, Midway, StateGoalValue, SubgoalTree, UniformProposals, WithinReach,
};

#[test]
fn the_tree_of_subgoals_finds_all_shortest_paths() {
    for (seed, side, range) in [(1, 6, 3), (2, 9, 4), (3, 11, 1)] {
        let maze = Maze::random(side, 10, &mut Rng::new(seed));
        let reach = WithinReach::new(&maze.neighbours, range);
        let tree = SubgoalTree::new(&reach, 12).unwrap();
        let n = maze.cells.len();
        let mut longest = 0;
        for from in 0..n {
            let steps = maze.steps_from(from);
            for (to, steps) in steps.iter().enumerate() {
                assert_eq!(tree.value(from, to), -f64::from(steps.expect("a connected maze")));
            }
            longest = longest.max(steps.iter().flatten().copied().max().unwrap());
            let path = tree.path(from, n - 1).unwrap();
            assert_eq!((path[0], *path.last().unwrap()), (from, n - 1));
            let total: f64 = path.windows(2).map(|pair| reach.value(pair[0], pair[1])).sum();
            assert_eq!(total, tree.value(from, n - 1));
        }
        // Levels double the reach: as many as the longest way needs, and one to see that nothing changes is not kept.
        let needed = (f64::from(longest) / range as f64).log2().ceil() as usize;
        assert_eq!(tree.levels(), needed, "longest {longest}, range {range}");
    }
}

#[test]
fn what_cannot_be_reached_has_no_path() {
    let maze = Maze::parse("..#..\n..#..");
    let reach = WithinReach::new(&maze.neighbours, 9);
    let tree = SubgoalTree::new(&reach, 5).unwrap();
    assert_eq!((tree.value(0, 3), tree.path(0, 3)), (f64::NEG_INFINITY, None));
    assert_eq!((tree.value(0, 0), tree.path(0, 0)), (0.0, Some(vec![0])));
    let report = DcMcts::default().plan(&reach, &UniformProposals { states: 8 }, 0, 3).unwrap();
    assert_eq!((report.path, report.value), (None, f64::NEG_INFINITY));
    assert!(DcMcts::default().plan(&reach, &UniformProposals { states: 8 }, 0, 8).is_err());
}

/// Values that are not numbers, here and there.
struct Broken(WithinReach);

impl GoalValue for Broken {
    fn states(&self) -> usize {
        self.0.states()
    }
    fn value(&self, from: usize, to: usize) -> f64 {
        if (from + 2 * to).is_multiple_of(7) { f64::NAN } else { self.0.value(from, to) }
    }
}

#[test]
fn values_that_are_not_numbers_are_counted_and_avoided() {
    let maze = Maze::parse(".....\n.....\n.....");
    let broken = Broken(WithinReach::new(&maze.neighbours, 2));
    let tree = SubgoalTree::new(&broken, 6).unwrap();
    assert!(tree.diverged() > 0);
    let path = tree.path(0, 14).unwrap();
    assert!(path.windows(2).all(|pair| broken.value(pair[0], pair[1]).is_finite()));
    let report = DcMcts::default().plan(&broken, &UniformProposals { states: 15 }, 0, 14).unwrap();
    assert!(report.diverged > 0);
    let path = report.path.unwrap();
    assert!(path.windows(2).all(|pair| broken.value(pair[0], pair[1]).is_finite()));
}

#[test]
fn divide_and_conquer_finds_short_paths_and_better_ones_with_more_simulations() {
    let (mut shortest, mut few, mut many) = (0.0, 0.0, 0.0);
    for seed in 0..6 {
        let maze = Maze::random(6, 8, &mut Rng::new(seed));
        let reach = WithinReach::new(&maze.neighbours, 5);
        let goal = maze.cells.len() - 1;
        shortest += f64::from(maze.steps_from(0)[goal].unwrap());
        let mut before = f64::NEG_INFINITY;
        for simulations in [300, 1000, 3000] {
            let settings = DcMcts { simulations, depth: 4, exploration: 2.0 };
            let report = settings.plan(&reach, &Midway(&maze.cells), 0, goal).unwrap();
            assert_eq!(report, settings.plan(&reach, &Midway(&maze.cells), 0, goal).unwrap());
            assert!(report.value >= before, "more simulations of the same search never lose a plan");
            before = report.value;
            if let Some(path) = &report.path {
                let total: f64 = path.windows(2).map(|pair| reach.value(pair[0], pair[1])).sum();
                assert!(total >= report.value && total.is_finite());
                assert_eq!((path[0], *path.last().unwrap()), (0, goal));
                assert!(-total >= f64::from(maze.steps_from(0)[goal].unwrap()), "none is shorter than the shortest");
            }
            match simulations {
                300 => few -= report.value,
                3000 => many -= report.value,
                _ => {}
            }
        }
    }
    assert!(many <= few && many <= 1.1 * shortest, "{many} steps, shortest {shortest}, with few simulations {few}");
}

/// In the open, `V = −|s − g|²` has its best subgoals in equal parts of the straight line, by either fold.
struct Quadratic;

impl StateGoalValue for Quadratic {
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            *slot = -(0..from.dims()).map(|d| (from.get(i, d) - to.get(i, d)).powi(2)).sum::<f64>();
        }
        Ok(())
    }
}

#[test]
fn leap_divides_the_open_way_evenly() {
    let (start, goal) = ([0.1, 0.2, 0.3], [0.9, 0.6, 0.5]);
    let square = 0.64 + 0.16 + 0.04;
    for (legs, want, slack) in [(Legs::Worst, -square / 9.0, 5e-3), (Legs::Sum, -square / 3.0, 1e-3)] {
        let leap = Leap { subgoals: 2, legs, ..Leap::default() };
        let report = leap.plan(&mut Quadratic, (&[0.0; 3], &[1.0; 3]), &start, &goal, Key::new(1)).unwrap();
        assert!((report.value - want).abs() < slack * -want, "{} for {want}", report.value);
        for (i, subgoal) in report.subgoals.iter().enumerate() {
            for d in 0..3 {
                let even = start[d] + (i + 1) as f64 / 3.0 * (goal[d] - start[d]);
                assert!((subgoal[d] - even).abs() < 0.02, "{:?}", report.subgoals);
            }
        }
        assert_eq!(report, leap.plan(&mut Quadratic, (&[0.0; 3], &[1.0; 3]), &start, &goal, Key::new(1)).unwrap());
        assert_eq!((report.evaluations, report.diverged), (300 * 40 * 3, 0));
    }
}

/// A wall from the floor to 0.8 at x = 0.5: minus the distance where one sees the other, and far more where not.
struct Wall;

impl StateGoalValue for Wall {
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            let (a, b) = ([from.get(i, 0), from.get(i, 1)], [to.get(i, 0), to.get(i, 1)]);
            let distance = (a[0] - b[0]).hypot(a[1] - b[1]);
            let crosses = (a[0] < 0.5) != (b[0] < 0.5);
            let height = a[1] + (0.5 - a[0]) / (b[0] - a[0]) * (b[1] - a[1]);
            // The value knows nothing at the very corner.
            *slot = if a == b && a[0] > 0.99 {
                f64::NAN
            } else {
                -distance - if crosses && height < 0.8 { 2.0 } else { 0.0 }
            };
        }
        Ok(())
    }
}

#[test]
fn leap_goes_around_a_wall() {
    // Straight over the wall's end.
    let want = -2.0 * 0.4_f64.hypot(0.7);
    for seed in 0..5 {
        // Few first samples see both ways around, so these are to be the elites.
        let leap = Leap { subgoals: 1, legs: Legs::Sum, population: 1000, elites: 10, spread: 0.6, ..Leap::default() };
        let report = leap.plan(&mut Wall, (&[0.0; 2], &[1.0; 2]), &[0.1, 0.1], &[0.9, 0.1], Key::new(seed)).unwrap();
        assert!(report.value <= want + 1e-9 && report.value > 1.01 * want, "{} for {want}", report.value);
    }
    let leap = Leap { elites: 0, ..Leap::default() };
    assert!(leap.plan(&mut Wall, (&[0.0; 2], &[1.0; 2]), &[0.1, 0.1], &[0.9, 0.1], Key::new(0)).is_err());
}
