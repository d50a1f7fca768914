//! Generators of the shared types for property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use worldwright_core::{Rng, Space, Value};

/// Boxes of up to `dims` dimensions with finite bounds of moderate size.
pub fn bounded_box(dims: usize) -> impl Strategy<Value = Space> {
    vec((-10.0..10.0_f64, 0.01..20.0_f64), 1..=dims).prop_map(|sides| {
        let low: Vec<f64> = sides.iter().map(|side| side.0).collect();
        let high: Vec<f64> = sides.iter().map(|side| side.0 + side.1).collect();
        Space::vector(&low, &high)
    })
}

/// Spaces that planners search: boxes, choices and products of choices.
pub fn action_space() -> impl Strategy<Value = Space> {
    prop_oneof![
        bounded_box(3),
        (1..6_usize, -3..4_i64).prop_map(|(n, start)| Space::choices(n, start)),
        vec(1..4_usize, 1..4).prop_map(|nvec| Space::multi_discrete(&nvec)),
        (1..5_usize).prop_map(Space::bits),
    ]
}

/// An element of `space`.
pub fn element(space: Space) -> impl Strategy<Value = Value> {
    any::<u64>().prop_map(move |seed| space.sample(&mut Rng::new(seed)))
}
