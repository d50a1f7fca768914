//! Rewards and continuations that are learned.

use worldwright_core::{Interrupt, Key, Rng, Rows};

use crate::systems::*;

#[test]
fn the_gp_learns_a_quadratic_reward_and_where_the_task_ends() {
    let mut model = made("gp", None, &[]);
    let report = model.fit(&linear_data(300, 0.0, 1), &mut Rng::new(0), &Interrupt::never()).unwrap();
    assert!(report.note.contains("terminations"), "{}", report.note);
    let mut world = model.imagination(4);
    let states = [[0.5, -0.5], [1.5, 1.0], [2.99, 2.0], [-2.99, -2.0]];
    observe(&mut *world, &states);
    let out = step(&mut *world, Rows::Span(0..4), &[0.2, -0.4, 0.0, 0.0], Key::new(0));
    for (row, u) in [(0, 0.2), (1, -0.4)] {
        let want = -(states[row][0].powi(2) + states[row][1].powi(2)) - u * u;
        assert!((out.reward[row] - want).abs() < 0.05, "reward {} not {want}", out.reward[row]);
        assert!(out.continuation[row] > 0.85, "{:?}", out.continuation);
    }
    // Both sides of a slab, which no half-space describes.
    assert!(out.continuation[2] < 0.2 && out.continuation[3] < 0.2, "{:?}", out.continuation);
}

#[test]
fn where_nothing_ended_nothing_is_thought_to_end() {
    let (mut data, mut rng) = (worldwright_core::Dataset::new(2, 1), Rng::new(2));
    for _ in 0..30 {
        let x = [rng.normal(), rng.normal()];
        data.push(&x, &[0.0], x[0], &x, false, false).unwrap();
    }
    let mut model = made("linear", None, &[]);
    model.fit(&data, &mut Rng::new(0), &Interrupt::never()).unwrap();
    let mut world = model.imagination(1);
    observe(&mut *world, &[[100.0, 0.0]]);
    let out = step(&mut *world, Rows::Span(0..1), &[0.0], Key::new(0));
    assert_eq!(out.continuation, [0.9]);
    assert!((out.reward[0] - 100.0).abs() < 1e-6, "{:?}", out.reward);
}
