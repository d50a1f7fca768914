//! Motion planning against closed forms: Dubins lengths, the shortest way around a corner, and collision checks of its own.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use proptest::prelude::*;
use worldwright_core::Rng;
use worldwright_motion::{
    ArmScene, Axis, ConfigurationSpace, DiscsScene, Dubins, DubinsSpace, JointSpace, KdTree, LinearScan, MAX_DIMS,
    Nearest, Obstacles, Path, Point, RigidScene, RrtConnect, RrtStar, Scene, Shape, Turn, distance,
};
use worldwright_testkit::cases;

fn length(goal: [f64; 3]) -> f64 {
    Dubins::shortest([0.0; 3], goal, 1.0).length()
}

#[test]
fn dubins_paths_have_their_known_lengths() {
    let known = [
        ([4.0, 0.0, 0.0], 4.0),
        ([0.0, 0.0, PI], 7.0 * PI / 3.0),
        ([4.0, 4.0, FRAC_PI_2], 5.813_437_014),
        ([2.0, 2.0, 0.0], PI),
        ([-3.0, 1.0, 0.0], 9.445_462_967),
        ([1.0, 0.0, PI], 7.051_978_856),
        ([0.0, 0.0, 0.0], 0.0),
        ([0.0, 2.0, PI], PI),
    ];
    for (goal, want) in known {
        assert!((length(goal) - want).abs() < 1e-9, "{goal:?}: {} for {want}", length(goal));
    }
    assert_eq!(Dubins::shortest([0.0; 3], [1.0, 0.0, PI], 1.0).word.map(|turn| turn == Turn::Straight), [false; 3]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_dubins_word_ends_at_the_goal(
        start in prop::array::uniform3(-3.0..3.0_f64), goal in prop::array::uniform3(-3.0..3.0_f64), radius in 0.3..2.0_f64,
    ) {
        let mut words = 0;
        for path in Dubins::all(start, goal, radius) {
            words += 1;
            let end = path.pose(path.length());
            let turned = (end[2] - goal[2] + PI).rem_euclid(TAU) - PI;
            prop_assert!((end[0] - goal[0]).abs() < 1e-7 && (end[1] - goal[1]).abs() < 1e-7 && turned.abs() < 1e-7,
                "{:?} {end:?} {goal:?}", path.word);
        }
        prop_assert!(words >= 2);
        let forth = Dubins::shortest(start, goal, radius).length();
        // Driven backwards with headings reversed, the same curve is a path from goal to start.
        let reversed = |pose: [f64; 3]| [pose[0], pose[1], pose[2] + PI];
        let back = Dubins::shortest(reversed(goal), reversed(start), radius).length();
        prop_assert!((forth - back).abs() < 1e-7, "{forth} {back}");
        prop_assert!(forth >= (goal[0] - start[0]).hypot(goal[1] - start[1]) - 1e-9);
        // A detour over any pose is no shorter.
        let middle = [0.3, -0.2, 1.0];
        let detour = Dubins::shortest(start, middle, radius).length() + Dubins::shortest(middle, goal, radius).length();
        prop_assert!(forth <= detour + 1e-7);
    }

    #[test]
    fn convex_shapes_are_as_far_apart_as_their_nearest_points(
        turn in 0.0..6.0_f64, offset in prop::array::uniform2(-2.5..2.5_f64), corners in 1_usize..6,
    ) {
        let a: Vec<Point> = vec![[-1.0, -0.5], [1.0, -0.5], [1.0, 0.5], [-1.0, 0.5]];
        let around = |i: usize| turn + i as f64 * TAU / corners as f64;
        let b: Vec<Point> =
            (0..corners).map(|i| [offset[0] + 0.6 * around(i).cos(), offset[1] + 0.6 * around(i).sin()]).collect();
        // The distance of a dense set of points of b's rim from a rectangle is known in closed form.
        let mut least = f64::INFINITY;
        for i in 0..corners {
            let (p, q) = (b[i], b[(i + 1) % corners]);
            for k in 0..=2000 {
                let t = f64::from(k) / 2000.0;
                let x = [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
                least = least.min((x[0].abs() - 1.0).max(0.0).hypot((x[1].abs() - 0.5).max(0.0)));
            }
        }
        let got = distance(&a, &b);
        prop_assert!((got - least).abs() < 2e-3, "{got} {least}");
        prop_assert_eq!(got, distance(&b, &a));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases(400)) })]

    /// Whatever the order: uniform, along a line forth and back, on a coarse grid with many equal coordinates, or again and again the same.
    #[test]
    fn the_tree_finds_what_the_scan_finds(seed in 0_u64..1000, n in 1_usize..400, order in 0..5) {
        let axes = vec![Axis::Interval { low: -1.0, high: 2.0 }, Axis::Circle, Axis::Circle];
        let space = JointSpace::new(axes.clone()).unwrap();
        let (mut tree, mut scan) = (KdTree::new(&axes), LinearScan::new(3));
        let mut rng = Rng::new(seed);
        let mut at = [0.0; 3];
        for i in 0..n {
            let along = i as f64 / n as f64;
            match order {
                0 => {
                    space.sample(&mut rng, &mut at);
                    // Angles need not come between −π and π.
                    at[1] += TAU * rng.below(3) as f64;
                }
                1 => at = [3.0 * along - 1.0, 0.5, 3.0 * along],
                2 => at = [0.5, 3.0 - 6.0 * along, 1.0],
                3 => at = [0.5 * rng.below(3) as f64, rng.below(2) as f64, rng.below(3) as f64],
                _ => at = [rng.below(2) as f64, -PI, PI],
            }
            tree.insert(&at);
            scan.insert(&at);
        }
        for _ in 0..20 {
            space.sample(&mut rng, &mut at);
            let (a, b) = (tree.nearest(&space, &at, false), scan.nearest(&space, &at, false));
            let (a, b) = (space.distance(tree.point(a), &at), space.distance(scan.point(b), &at));
            prop_assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
}

/// In order, sampled finely: the tree must neither be as deep as the line is long nor take as many comparisons.
#[test]
fn a_long_line_is_searched_as_fast_as_any_tree() {
    let axes = vec![Axis::Interval { low: 0.0, high: 1.0 }; 2];
    let space = JointSpace::new(axes.clone()).unwrap();
    let n = 300_000;
    let mut tree = KdTree::new(&axes);
    for i in 0..n {
        tree.insert(&[i as f64 / n as f64, 0.5]);
    }
    // On a stack that holds some hundred calls, no more. Ten thousand questions to a chain would be three billion comparisons.
    std::thread::scope(|scope| {
        let search = || {
            for i in 0..10_000 {
                let at = (i * 30) as f64 / n as f64;
                assert_eq!(tree.nearest(&space, &[at, 0.7], false), i * 30);
            }
        };
        std::thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, search).unwrap();
    });
}

/// A room of 4 × 2 with a wall from the floor to height 1.2 at x = 2, as thin as a line.
fn wall(radius: f64) -> DiscsScene {
    let walls = Obstacles::new(vec![Shape::capsule([2.0, 0.0], [2.0, 1.2], 0.0)]);
    DiscsScene::new([0.0, 0.0], [4.0, 2.0], &[([0.0, 0.0], radius)], walls).unwrap()
}

/// Whether a disc of `radius` keeps off the wall of [`wall`] all along, by formulas of its own.
fn keeps_off(path: &Path, radius: f64) -> bool {
    path.points.windows(2).all(|pair| {
        (0..=1000).all(|i| {
            let t = f64::from(i) / 1000.0;
            let (x, y) = (pair[0][0] + t * (pair[1][0] - pair[0][0]), pair[0][1] + t * (pair[1][1] - pair[0][1]));
            let gap = (x - 2.0).hypot((y - 1.2).max(0.0));
            gap > radius - 1e-9 && (0.0..=4.0).contains(&x) && (0.0..=2.0).contains(&y)
        })
    })
}

/// Tangent, arc around the wall's end, tangent: 2 √(d² − r²) + r (π − 2 arccos(r/d) − 2 (π/2 − bearing)).
#[test]
fn around_a_wall_the_way_is_near_the_shortest() {
    let radius: f64 = 0.2;
    let (dx, dy) = (1.0, 0.7_f64);
    let d = f64::hypot(dx, dy);
    let bearing = f64::atan2(dy, dx);
    // Seen from the wall's end, start and goal lie at angles −π + bearing and −bearing; the arc over the top takes what the
    // tangents leave of the angle between them.
    let arc = (PI + 2.0 * bearing - 2.0 * (radius / d).acos()).max(0.0);
    let best = 2.0 * (d * d - radius * radius).sqrt() + radius * arc;
    let scene = wall(radius);
    let mut worst: f64 = 0.0;
    for seed in 0..20 {
        let found = RrtConnect::default().plan(&scene, &[1.0, 0.5], &[3.0, 0.5], &mut Rng::new(seed)).unwrap();
        let again = RrtConnect::default().plan(&scene, &[1.0, 0.5], &[3.0, 0.5], &mut Rng::new(seed)).unwrap();
        assert_eq!(found, again);
        let path = found.path.unwrap();
        assert!(keeps_off(&path, radius));
        assert_eq!(
            (path.points[0].as_slice(), path.points.last().unwrap().as_slice()),
            (&[1.0, 0.5][..], &[3.0, 0.5][..])
        );
        let length = path.length(&scene);
        assert!(length >= best - 1e-9, "{length} is shorter than the shortest {best}");
        worst = worst.max(length / best);
    }
    assert!(worst < 1.1, "{worst} times the shortest");
    let star = RrtStar::default().plan(&scene, &[1.0, 0.5], &[3.0, 0.5], &mut Rng::new(3)).unwrap().path.unwrap();
    assert!(keeps_off(&star, radius));
    let ratio = star.length(&scene) / best;
    assert!((1.0 - 1e-9..1.02).contains(&ratio), "{ratio} times the shortest");
}

#[test]
fn where_there_is_no_way_none_is_found() {
    // The centre stays at or below 2, and the wall ends at 1.2: only a radius of up to 0.8 passes over it.
    let scene = wall(0.85);
    let quick = RrtConnect { iterations: 500, ..RrtConnect::default() };
    assert_eq!(quick.plan(&scene, &[1.0, 0.5], &[3.0, 0.5], &mut Rng::new(0)).unwrap().path, None);
    let colliding = quick.plan(&wall(0.2), &[1.95, 0.5], &[3.0, 0.5], &mut Rng::new(0)).unwrap();
    assert_eq!((colliding.path, colliding.iterations), (None, 0));
    assert!(quick.plan(&wall(0.2), &[1.0], &[3.0, 0.5], &mut Rng::new(0)).is_err());
    assert!(quick.plan(&wall(0.2), &[f64::NAN, 0.0], &[3.0, 0.5], &mut Rng::new(0)).is_err());
    assert!(Shape::polygon(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]).is_err(), "clockwise");
}

#[test]
fn a_car_drives_through_a_gap_within_its_turning_radius() {
    let space = DubinsSpace::new([0.0, 0.0], [10.0, 6.0], 1.0).unwrap();
    let walls =
        vec![Shape::rectangle([4.8, 0.0], [5.2, 2.4]).unwrap(), Shape::rectangle([4.8, 3.6], [5.2, 6.0]).unwrap()];
    let body = Shape::rectangle([-0.2, -0.15], [0.5, 0.15]).unwrap();
    let scene = RigidScene::new(space, vec![body], Obstacles::new(walls), 0.05).unwrap();
    let (start, goal) = ([1.0, 1.0, FRAC_PI_2], [9.0, 1.0, -FRAC_PI_2]);
    let planner = RrtConnect { step: 1.5, iterations: 4000, shortcuts: 50 };
    for seed in 0..5 {
        let path = planner.plan(&scene, &start, &goal, &mut Rng::new(seed)).unwrap().path.expect("a way");
        let step = 0.01;
        let poses = path.sampled(&scene, step);
        for pair in poses.windows(2) {
            let chord = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
            let turned = ((pair[1][2] - pair[0][2] + PI).rem_euclid(TAU) - PI).abs();
            // On an arc of radius 1 the chord of an angle φ is 2 sin(φ/2), up to the unevenness of pieces.
            assert!(turned <= chord * 1.01 + 1e-6, "turned {turned} over {chord}");
            assert!(chord <= step + 1e-9);
            // The body's corners keep off both walls.
            for corner in [[-0.2, -0.15], [0.5, -0.15], [0.5, 0.15], [-0.2, 0.15]] {
                let (sin, cos) = pair[0][2].sin_cos();
                let x = pair[0][0] + cos * corner[0] - sin * corner[1];
                let y = pair[0][1] + sin * corner[0] + cos * corner[1];
                assert!(!(4.82..=5.18).contains(&x) || (2.38..=3.62).contains(&y), "a corner at {x}, {y}");
            }
        }
        let last = poses.last().unwrap();
        assert!((last[0] - goal[0]).abs() < 1e-9 && (last[1] - goal[1]).abs() < 1e-9);
        assert!(path.length(&scene) >= Dubins::shortest(start, goal, 1.0).length() - 1e-9);
    }
}

#[test]
fn an_arm_reaches_around_posts_without_touching_them_or_itself() {
    let posts = [([1.2, 0.9], 0.25), ([-0.3, 1.6], 0.3), ([1.4, -1.0], 0.3)];
    let shapes = posts.iter().map(|(centre, radius)| Shape::disc(*centre, *radius)).collect();
    let axes = vec![
        Axis::Circle,
        Axis::Interval { low: -2.8, high: 2.8 },
        Axis::Interval { low: -2.8, high: 2.8 },
        Axis::Interval { low: -2.8, high: 2.8 },
    ];
    let links = [0.8, 0.7, 0.6, 0.4];
    let scene = ArmScene::new([0.0, 0.0], &links, 0.1, axes, Obstacles::new(shapes), 0.05).unwrap();
    let (start, goal) = ([-0.1, 0.1, 0.0, 0.1], [2.4, 0.1, -0.1, 0.1]);
    assert!(scene.is_free(&start) && scene.is_free(&goal));
    assert!(!scene.is_free(&[0.64, 0.0, 0.0, 0.0]), "stretched into the first post");
    assert!(!scene.is_free(&[-0.1, 2.75, 2.75, 0.0]), "folded onto itself");
    let mut joints = [[0.0; 2]; MAX_DIMS + 1];
    let tip = *scene.joints(&[0.0, FRAC_PI_2, 0.0, -FRAC_PI_2], &mut joints).last().unwrap();
    assert!((tip[0] - 1.2).abs() < 1e-12 && (tip[1] - 1.3).abs() < 1e-12);
    for seed in 0..5 {
        let path = RrtConnect::default().plan(&scene, &start, &goal, &mut Rng::new(seed)).unwrap().path.expect("a way");
        for at in path.sampled(&scene, 0.01) {
            let joints = scene.joints(&at, &mut joints);
            for pair in joints.windows(2) {
                for i in 0..=40 {
                    let t = f64::from(i) / 40.0;
                    let x = [pair[0][0] + t * (pair[1][0] - pair[0][0]), pair[0][1] + t * (pair[1][1] - pair[0][1])];
                    for (centre, radius) in posts {
                        // Between two checks, 0.05 rad apart, a point 2.5 from the base may dip in by 2.5 × 0.05 / 2 at most.
                        let gap = (x[0] - centre[0]).hypot(x[1] - centre[1]) - radius - 0.05;
                        assert!(gap > -0.065, "{gap}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_grid_finds_every_shape_that_is_touched() {
    let mut rng = Rng::new(1);
    let shapes: Vec<Shape> = (0..60)
        .map(|_| {
            let at = [rng.uniform_in(-5.0, 5.0), rng.uniform_in(-2.0, 2.0)];
            Shape::capsule(at, [at[0] + rng.uniform_in(-1.0, 1.0), at[1] + rng.uniform_in(-1.0, 1.0)], 0.1)
        })
        .collect();
    let obstacles = Obstacles::new(shapes.clone());
    let mut touched = 0;
    for _ in 0..500 {
        let probe = Shape::disc([rng.uniform_in(-8.0, 8.0), rng.uniform_in(-4.0, 4.0)], rng.uniform_in(0.0, 0.5));
        let want = shapes.iter().any(|shape| shape.as_convex().touches(&probe.as_convex()));
        assert_eq!(obstacles.touches(&probe.as_convex()), want);
        touched += usize::from(want);
    }
    assert!(touched > 50 && touched < 450);
    assert!(!Obstacles::new(Vec::new()).touches(&Shape::disc([0.0, 0.0], 1.0).as_convex()));
}
