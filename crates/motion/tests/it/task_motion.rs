//! Task and motion planning in worlds whose answer is known, every plan checked by formulas of its own.

use worldwright_core::Result;
use worldwright_motion::task_motion::{
    Action, CheapestSkeletons, FactSet, Object, Operator, PickPlace, Plan, Region, Report, SkeletonSearch, Strips,
    TaskMotion, World,
};
use worldwright_motion::{Point, Shape};

type Rectangle = [Point; 2];

/// A closet of depth 2 behind a corridor 0.9 wide, too narrow for the robot (0.5) beside an object (0.4).
const CLOSET: [Rectangle; 2] = [[[4.0, 0.0], [6.0, 1.55]], [[4.0, 2.45], [6.0, 4.0]]];

fn object(name: &str, home: Point) -> Object {
    Object { name: name.to_owned(), home, radius: 0.2 }
}

fn region(name: &str, low: Point, high: Point) -> Region {
    Region { name: name.to_owned(), low, high }
}

fn world(walls: &[Rectangle], objects: Vec<Object>, regions: Vec<Region>, goal: &[(usize, usize)]) -> World {
    World {
        low: [0.0, 0.0],
        high: [6.0, 4.0],
        walls: walls.iter().map(|[low, high]| Shape::rectangle(*low, *high).unwrap()).collect(),
        robot: 0.25,
        start: [2.5, 2.0],
        gap: 0.02,
        objects,
        regions,
        goal: goal.to_vec(),
    }
}

fn shelf_and_table() -> Vec<Region> {
    vec![region("shelf", [0.2, 0.2], [1.2, 1.2]), region("table", [0.2, 2.6], [1.6, 3.8])]
}

fn solve(world: World, seed: u64) -> (PickPlace, Report) {
    let problem = PickPlace::new(world).unwrap();
    let mut search = CheapestSkeletons::new(&problem.task, 100_000).unwrap();
    let report = TaskMotion { seed, ..TaskMotion::default() }.solve(&problem, &mut search).unwrap();
    (problem, report)
}

/// Replays a plan at fine resolution: what stands where, what is held, and whether anything touches anything.
fn check(world: &World, walls: &[Rectangle], plan: &Plan) {
    let from_rectangle = |at: Point, [low, high]: &Rectangle| {
        let over = |d: usize| (low[d] - at[d]).max(at[d] - high[d]).max(0.0);
        over(0).hypot(over(1))
    };
    let mut at: Vec<Point> = world.objects.iter().map(|object| object.home).collect();
    let (mut robot, mut held) = (world.start, None::<(usize, Point)>);
    for step in &plan.steps {
        assert_eq!(step.held, held, "{}", step.name);
        assert_eq!(step.path.points[0], robot, "paths join");
        for pair in step.path.points.windows(2) {
            let pieces = ((pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]) / 0.002).ceil() as usize;
            for i in 0..=pieces {
                let t = i as f64 / pieces.max(1) as f64;
                robot = [0, 1].map(|d| pair[0][d] + t * (pair[1][d] - pair[0][d]));
                let mut discs = vec![(robot, world.robot)];
                discs.extend(
                    held.map(|(o, offset)| ([robot[0] + offset[0], robot[1] + offset[1]], world.objects[o].radius)),
                );
                for (centre, radius) in discs {
                    for d in 0..2 {
                        assert!(centre[d] - radius > world.low[d] - 1e-9 && centre[d] + radius < world.high[d] + 1e-9);
                    }
                    for wall in walls {
                        assert!(from_rectangle(centre, wall) > radius - 1e-9, "{} goes through a wall", step.name);
                    }
                    for (o, other) in
                        world.objects.iter().enumerate().filter(|(o, _)| held.is_none_or(|(h, _)| h != *o))
                    {
                        let gap = (centre[0] - at[o][0]).hypot(centre[1] - at[o][1]);
                        assert!(gap > radius + other.radius - 1e-9, "{} pushes {}", step.name, other.name);
                    }
                }
            }
        }
        robot = step.path.points.last().map(|at| [at[0], at[1]]).unwrap();
        match step.action {
            Action::Pick { object } => {
                assert!(held.is_none(), "one hand holds one object");
                let offset = [at[object][0] - robot[0], at[object][1] - robot[1]];
                let reach = world.robot + world.objects[object].radius + world.gap;
                assert!((offset[0].hypot(offset[1]) - reach).abs() < 1e-9, "it is grasped where it stands");
                held = Some((object, offset));
                // The offset is used as planned, to the last bit.
                let planned = plan.steps.iter().skip_while(|other| *other != step).nth(1).and_then(|next| next.held);
                if let Some((o, exact)) = planned {
                    assert!(o == object && (exact[0] - offset[0]).hypot(exact[1] - offset[1]) < 1e-9);
                    held = planned;
                }
            }
            Action::Place { object, region, at: put } => {
                let (o, offset) = held.expect("something is held");
                assert_eq!(o, object);
                assert!((robot[0] + offset[0] - put[0]).hypot(robot[1] + offset[1] - put[1]) < 1e-9);
                let (r, radius) = (&world.regions[region], world.objects[o].radius);
                assert!((0..2).all(|d| put[d] - radius > r.low[d] - 1e-9 && put[d] + radius < r.high[d] + 1e-9));
                (at[o], held) = (put, None);
            }
        }
    }
    assert!(held.is_none());
    for (o, r) in &world.goal {
        let (r, radius) = (&world.regions[*r], world.objects[*o].radius);
        assert!((0..2).all(|d| at[*o][d] - radius > r.low[d] - 1e-9 && at[*o][d] + radius < r.high[d] + 1e-9));
    }
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.name.as_str()).collect()
}

/// Solves with several seeds, checks every plan, and compares its length and the objects in the order in which they are picked.
fn expect(world: &World, walls: &[Rectangle], picked: &[&str]) {
    for seed in 0..4 {
        let (problem, report) = solve(world.clone(), seed);
        let plan = report.plan.as_ref().unwrap_or_else(|| panic!("seed {seed}: no plan, {:?}", report.excluded));
        check(&problem.world, walls, plan);
        let picks: Vec<&str> = plan
            .steps
            .iter()
            .filter_map(|step| match step.action {
                Action::Pick { object } => Some(problem.world.objects[object].name.as_str()),
                Action::Place { .. } => None,
            })
            .collect();
        assert_eq!(picks, picked, "seed {seed}: {:?}", names(plan));
        assert_eq!((plan.steps.len(), plan.cost), (2 * picked.len(), 2.0 * picked.len() as f64));
        assert_eq!(solve(world.clone(), seed).1, report, "the same seed, the same answer");
    }
}

#[test]
fn what_nothing_obstructs_takes_two_actions() {
    let objects = vec![object("a", [5.5, 2.0]), object("b", [3.0, 3.5])];
    expect(&world(&CLOSET, objects, shelf_and_table(), &[(0, 0)]), &CLOSET, &["a"]);
}

#[test]
fn a_block_in_the_corridor_goes_first() {
    let objects = vec![object("a", [5.5, 2.0]), object("b", [4.6, 2.0])];
    let world = world(&CLOSET, objects, shelf_and_table(), &[(0, 0)]);
    expect(&world, &CLOSET, &["b", "a"]);
    let (_, report) = solve(world, 0);
    let blocked = ("pick(a)".to_owned(), vec!["home(b)".to_owned()]);
    assert!(report.excluded.contains(&blocked), "{:?}", report.excluded);
    assert!(report.skeletons >= 2);
}

#[test]
fn two_blocks_in_the_corridor_go_in_their_order() {
    let objects =
        vec![object("a", [5.6, 2.0]), object("b", [4.95, 2.0]), object("c", [4.3, 2.0]), object("d", [1.0, 2.0])];
    expect(&world(&CLOSET, objects, shelf_and_table(), &[(0, 0)]), &CLOSET, &["c", "b", "a"]);
}

#[test]
fn what_stands_in_the_goal_goes_first() {
    // The goal takes one object only.
    let regions = vec![region("slot", [0.6, 1.75], [1.1, 2.25]), region("table", [2.0, 2.8], [3.4, 3.8])];
    let objects = vec![object("a", [2.0, 1.0]), object("b", [0.85, 2.0])];
    expect(&world(&[], objects, regions, &[(0, 0)]), &[], &["b", "a"]);
}

#[test]
fn exchanging_two_takes_three_moves() {
    let regions = vec![
        region("left", [0.6, 1.75], [1.1, 2.25]),
        region("right", [4.6, 1.75], [5.1, 2.25]),
        region("table", [2.0, 2.8], [3.4, 3.8]),
    ];
    let objects = vec![object("a", [0.85, 2.0]), object("b", [4.85, 2.0])];
    let world = world(&[], objects, regions, &[(0, 1), (1, 0)]);
    let (problem, report) = solve(world, 1);
    let plan = report.plan.unwrap();
    check(&problem.world, &[], &plan);
    assert_eq!(plan.steps.len(), 6, "{:?}", names(&plan));
}

#[test]
fn a_sealed_room_has_no_plan_and_says_so() {
    let sealed = [CLOSET[0], CLOSET[1], [[4.0, 1.5], [4.1, 2.5]]];
    let objects = vec![object("a", [5.5, 2.0]), object("b", [3.0, 3.5])];
    let (_, report) = solve(world(&sealed, objects, shelf_and_table(), &[(0, 0)]), 0);
    assert!(report.plan.is_none() && report.exhausted);
    assert!(report.excluded.contains(&("pick(a)".to_owned(), Vec::new())), "{:?}", report.excluded);
}

#[test]
fn worlds_that_make_no_sense_are_refused() {
    let sound = || world(&CLOSET, vec![object("a", [5.5, 2.0])], shelf_and_table(), &[(0, 0)]);
    let refused = |world: World, word: &str| {
        let error = PickPlace::new(world).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    };
    refused(World { goal: vec![(0, 7)], ..sound() }, "region 7");
    refused(World { start: [5.0, 1.0], ..sound() }, "wall");
    refused(World { objects: vec![object("a", [5.0, 1.0])], ..sound() }, "'a' stands");
    refused(World { high: [6.0, 1.0], ..sound() }, "room");
}

/// A light and a door, each to be switched on or opened; skeletons are all orders, detours included.
#[test]
fn skeletons_come_in_order_of_cost_each_once_without_what_is_excluded() -> Result<()> {
    let set = |facts: &[usize]| FactSet::new(3, facts);
    let operator = |name: &str, requires: &[usize], adds: &[usize], deletes: &[usize], cost: f64| Operator {
        name: name.to_owned(),
        requires: set(requires),
        forbids: set(adds),
        adds: set(adds),
        deletes: set(deletes),
        cost,
    };
    let task = Strips {
        facts: ["light", "door", "bell"].map(str::to_owned).to_vec(),
        operators: vec![
            operator("switch", &[], &[0], &[], 1.0),
            operator("open", &[], &[1], &[], 2.0),
            operator("ring", &[], &[2], &[], 0.5),
            operator("unring", &[2], &[], &[2], 0.25),
        ],
        initial: set(&[]),
        goal: set(&[0, 1]),
    };
    let mut search = CheapestSkeletons::new(&task, 10_000)?;
    let mut all = Vec::new();
    while let Some(skeleton) = search.next_skeleton()? {
        let states = task.states(&skeleton.operators).expect("it applies");
        assert!(states.last().unwrap().includes(&task.goal));
        let cost: f64 = skeleton.operators.iter().map(|i| task.operators[*i].cost).sum();
        assert!((cost - skeleton.cost).abs() < 1e-12);
        all.push(skeleton);
    }
    assert!(all.windows(2).all(|pair| pair[0].cost <= pair[1].cost));
    assert_eq!((all[0].cost, all[1].cost), (3.0, 3.0), "two orders of the two that are needed");
    let mut unique: Vec<_> = all.iter().map(|skeleton| skeleton.operators.clone()).collect();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), all.len());
    assert_eq!(all.len(), count(&task, &mut vec![task.initial.clone()]));
    // With the door not to be opened in the dark, the light comes first in all that are left.
    search.restart();
    search.exclude(0, &[1]);
    let mut left = 0;
    while let Some(skeleton) = search.next_skeleton()? {
        let place = |operator: usize| skeleton.operators.iter().position(|i| *i == operator);
        assert!(place(0) < place(1));
        left += 1;
    }
    assert_eq!(left, all.iter().filter(|s| s.operators.iter().find(|i| **i < 2) == Some(&0)).count());
    assert!(CheapestSkeletons::new(&task, 5)?.next_skeleton().is_err());
    Ok(())
}

/// All sequences that visit no state twice and end when the goal holds first, counted by plain recursion.
fn count(task: &Strips, line: &mut Vec<FactSet>) -> usize {
    let state = line.last().unwrap().clone();
    if state.includes(&task.goal) {
        return 1;
    }
    let mut sum = 0;
    for operator in task.operators.iter().filter(|operator| operator.applies(&state)) {
        let next = operator.apply(&state);
        if !line.contains(&next) {
            line.push(next);
            sum += count(task, line);
            line.pop();
        }
    }
    sum
}
