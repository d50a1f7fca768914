//! Planning over skills in the four rooms of Sutton, Precup and Singh (1999): hallway options against brute force.

use worldwright_core::Setting::Integer;
use worldwright_core::{Actions, Applicable, Imagined, Key, Observation, Rows, WorldModel};
use worldwright_envs::maze::{FOUR_ROOMS, HALLWAYS, Hallway, Maze, MazeModel};
use worldwright_planners::skills::{Primitive, Skill, SkillModel, Tabulated};
use worldwright_testkit::{DynamicsModel, allocations, check_world_model};

use crate::{planner, settings, value};

const DISCOUNT: f64 = 0.9;

/// The four rooms with a goal, and a chance that a move goes in one of the three other directions.
fn rooms(goal: [usize; 2], slip: f64) -> MazeModel {
    let maze = Maze::parse(FOUR_ROOMS);
    let goal = maze.at(goal).unwrap();
    MazeModel::new(maze, goal, DISCOUNT, slip).unwrap()
}

fn hallways(rooms: &MazeModel) -> Vec<Tabulated> {
    let ways = Hallway::all(rooms, &HALLWAYS.map(|cell| rooms.maze.at(cell).unwrap())).into_iter();
    ways.map(|Hallway { name, policy }| Tabulated { name, policy }).collect()
}

fn boxed(skills: &[Tabulated]) -> Vec<Box<dyn Skill>> {
    skills.iter().map(|skill| Box::new(skill.clone()) as Box<dyn Skill>).collect()
}

/// What a sequence of skills earns in the world without slips, one move after another; none where one may not start.
fn earn(rooms: &MazeModel, skills: &[Tabulated], mut cell: usize, sequence: &[usize]) -> Option<f64> {
    let mut worth = 1.0;
    for skill in sequence {
        let policy = &skills[*skill].policy;
        policy[cell]?;
        while let Some(choice) = policy[cell] {
            cell = rooms.next(cell, choice);
            if cell == rooms.goal {
                return Some(worth);
            }
            worth *= DISCOUNT;
        }
    }
    Some(0.0)
}

#[test]
fn the_rooms_are_those_of_the_paper() {
    let world = rooms([9, 7], 0.0);
    assert_eq!(world.maze.cells.len(), 104);
    assert_eq!(hallways(&world).len(), 8);
}

#[test]
fn planning_over_hallway_options_finds_the_best_sequence() {
    let world = rooms([9, 7], 0.0);
    let skills = hallways(&world);
    let model = SkillModel::new(&world, boxed(&skills), 50).unwrap();
    check_world_model(&model, &[Observation::Floats(vec![0.0]), Observation::Floats(vec![50.0])], 0.0);
    for cell in [0, 30, 60, 103] {
        let mut best = (f64::NEG_INFINITY, Vec::new());
        for code in 0..512 {
            let sequence = [code / 64, code / 8 % 8, code % 8];
            if let Some(earned) = earn(&world, &skills, cell, &sequence)
                && earned > best.0
            {
                best = (earned, sequence.to_vec());
            }
        }
        assert!(best.0 > 0.0, "three options lead from any room to any hallway");
        // The hallway is on the shortest way, so that options lose nothing here.
        let steps = world.maze.steps_from(cell)[world.goal].unwrap();
        assert!((best.0 - DISCOUNT.powi(steps as i32 - 1)).abs() < 1e-12);
        for name in ["random-shooting", "cem"] {
            let overrides = settings([("horizon", Integer(3)), ("population", Integer(600))]);
            let mut planner = planner(name, &model, 1, &overrides);
            let found = value(&mut *planner, &model, &[cell as f64]);
            assert!((found - best.0).abs() < 1e-12, "{name} from {cell}: {found} for {}", best.0);
        }
    }
    // Without skills, three moves reach no goal from there.
    let overrides = settings([("horizon", Integer(3)), ("population", Integer(600))]);
    let mut plain = planner("cem", &world, 1, &overrides);
    assert_eq!(value(&mut *plain, &world, &[0.0]), 0.0);
}

/// Reward and continuation of an option, averaged over many rows, against its exact model by iteration:
/// `R(s) = Σ p (r + γ R(s'))`, `C(s) = Σ p γ C(s')`, and the semi-Markov optimum below the Markov one.
#[test]
fn options_have_their_exact_models_on_slippery_floors() {
    let world = rooms([9, 7], 1.0 / 3.0);
    let skills = hallways(&world);
    let n = world.maze.cells.len();
    let exact = |skill: &Tabulated| {
        let (mut reward, mut discount) = (vec![0.0; n], vec![1.0; n]);
        for _ in 0..2000 {
            for cell in 0..n {
                let Some(choice) = skill.policy[cell] else { continue };
                let (mut r, mut c) = (0.0, 0.0);
                for (p, next) in world.branches(cell, choice) {
                    if next == world.goal {
                        r += p;
                    } else {
                        let goes_on = skill.policy[next].is_some();
                        r += p * DISCOUNT * if goes_on { reward[next] } else { 0.0 };
                        c += p * DISCOUNT * if goes_on { discount[next] } else { 1.0 };
                    }
                }
                (reward[cell], discount[cell]) = (r, c);
            }
        }
        (reward, discount)
    };
    let exact: Vec<_> = skills.iter().map(exact).collect();
    let model = SkillModel::new(&world, boxed(&skills), 400).unwrap();
    let rows = 4000;
    let mut arena = model.imagination(rows);
    let mut out = Imagined::new(model.spec(), rows);
    for (choice, cell) in [(0, 10), (4, 70), (5, 95), (7, 80), (2, 20)] {
        let Some(choice) = (choice..choice + 8).map(|i| i % 8).find(|i| skills[*i].policy[cell].is_some()) else {
            panic!("an option for every cell");
        };
        arena.observe(0, None, &Observation::Floats(vec![cell as f64]), Key::new(0)).unwrap();
        arena.copy(0, Rows::Span(1..rows));
        let choices = vec![choice as u32; rows];
        let ((), allocated) = allocations::count(|| {
            arena
                .step(Rows::Span(0..rows), Actions::Discrete(&choices), Rows::Span(0..rows), Key::new(5), &mut out)
                .unwrap();
        });
        assert!(allocated == 0 || !allocations::installed(), "{allocated} allocations");
        for (numbers, want) in [(&out.reward, exact[choice].0[cell]), (&out.continuation, exact[choice].1[cell])] {
            let mean = numbers.iter().sum::<f64>() / rows as f64;
            let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rows as f64;
            // What happens less than once in all rows shows no variance; that of numbers in [0, 1] is at most their mean.
            let error = (variance.max(want.min(1e-3)) / rows as f64).sqrt();
            assert!((mean - want).abs() <= 5.0 * error, "{mean} ± {error} for {want}, option {choice} from {cell}");
        }
    }
}

#[test]
fn a_skill_that_may_not_start_ranks_last_and_foreign_choices_are_refused() {
    let world = rooms([9, 7], 0.0);
    let skills = hallways(&world);
    let model = SkillModel::new(&world, boxed(&skills), 50).unwrap();
    let mut arena = model.imagination(8);
    let mut out = Imagined::new(model.spec(), 8);
    (0..8).for_each(|row| arena.observe(row, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap());
    let choices: Vec<u32> = (0..8).collect();
    arena.step(Rows::Span(0..8), Actions::Discrete(&choices), Rows::Span(0..8), Key::new(0), &mut out).unwrap();
    let mut applicable = Applicable::new(8, 8);
    arena.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
    arena.applicable(Rows::List(&[0; 8]), &mut applicable).unwrap();
    for (i, skill) in skills.iter().enumerate() {
        assert_eq!(applicable.row(3)[0] >> i & 1 == 1, skill.policy[0].is_some());
        assert_eq!(out.reward[i] == f64::NEG_INFINITY, skill.policy[0].is_none());
        assert_eq!(!out.reward[i].is_finite(), earn(&world, &skills, 0, &[i]).is_none());
    }
    let span = || Rows::Span(0..1);
    assert!(arena.step(span(), Actions::Discrete(&[8]), span(), Key::new(0), &mut out).is_err());
    assert!(SkillModel::new(&world, Vec::new(), 5).is_err());
}

/// With one-step skills only, the model over skills is the model itself, in boxes too.
#[test]
fn primitive_skills_are_the_plain_actions() {
    use worldwright_testkit::{LinearQuadratic, lqr::Problem};
    let world = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0));
    let pushes = [-1.0, 0.0, 0.5];
    let skills = pushes.map(|u| Box::new(Primitive { name: format!("push {u}"), action: vec![u] }) as Box<dyn Skill>);
    let model = SkillModel::new(&world, skills.into(), 9).unwrap();
    let (mut over, mut plain) = (model.imagination(3), world.imagination(3));
    let (mut a, mut b) = (Imagined::new(model.spec(), 3), Imagined::new(world.spec(), 3));
    for row in 0..3 {
        let at = Observation::Floats(vec![1.0 + row as f64, -0.5]);
        over.observe(row, None, &at, Key::new(0)).unwrap();
        plain.observe(row, None, &at, Key::new(0)).unwrap();
    }
    let span = || Rows::Span(0..3);
    let columns = worldwright_core::Columns::new(&pushes, 1, 3).unwrap();
    let (result, allocated) =
        allocations::count(|| over.step(span(), Actions::Discrete(&[0, 1, 2]), span(), Key::new(0), &mut a));
    result.unwrap();
    assert!(allocated == 0 || !allocations::installed(), "{allocated} allocations");
    plain.step(span(), Actions::Continuous(columns), span(), Key::new(0), &mut b).unwrap();
    assert_eq!((&a.reward, &a.continuation), (&b.reward, &b.continuation));
    let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
    for row in 0..3 {
        over.decode(row, 0, &mut x).unwrap();
        plain.decode(row, 0, &mut y).unwrap();
        assert_eq!(x, y);
    }
}
