//! Generators of the shared types for property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use worldwright_core::{ElementType, Rng, Space, Value};

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

/// Any space: arrays of every number type and shape with bounds of every kind, choices, bits, and parts within parts, by names
/// of every kind and by places.
pub fn space() -> impl Strategy<Value = Space> {
    let leaf = prop_oneof![
        3 => any_box(),
        1 => (1..6_usize, -9..9_i64, whole_type()).prop_map(|(n, start, element)| Space::Discrete {
            n,
            start: if element_is_signed(element) { start } else { start.abs() },
            element,
        }),
        1 => (1..3_usize, vec((1..4_usize, -9..9_i64), 1..4)).prop_map(|(rows, places)| {
            let all = || (0..rows).flat_map(|_| places.iter());
            Space::MultiDiscrete {
                shape: vec![rows, places.len()],
                nvec: all().map(|place| place.0).collect(),
                start: all().map(|place| place.1).collect(),
                element: ElementType::I64,
            }
        }),
        1 => vec(1..4_usize, 1..3).prop_map(|shape| Space::MultiBinary { shape }),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::btree_map("[a-zA-Z0-9 _.é\"\\\\:-]{1,6}", inner.clone(), 1..4)
                // Names in an order of their own.
                .prop_map(|parts| Space::Dict(parts.into_iter().rev().collect())),
            vec(inner, 1..3).prop_map(Space::Tuple),
        ]
    })
}

fn whole_type() -> impl Strategy<Value = ElementType> {
    let types: Vec<ElementType> =
        ElementType::all().filter(|element| !element.is_float() && *element != ElementType::Bool).collect();
    proptest::sample::select(types)
}

fn element_is_signed(element: ElementType) -> bool {
    element.range().0 < 0.0
}

fn any_box() -> impl Strategy<Value = Space> {
    let types: Vec<ElementType> = ElementType::all().collect();
    let bound = prop_oneof![4 => -50.0..50.0_f64, 1 => Just(f64::INFINITY), 1 => Just(f64::MAX), 1 => Just(1e-300), 1 => Just(0.0)];
    (proptest::sample::select(types), vec(1..4_usize, 0..3), vec((bound.clone(), bound), 1..10)).prop_map(
        |(element, shape, bounds)| {
            let n: usize = shape.iter().product();
            let side = |i: usize| {
                let (a, b) = bounds[i % bounds.len()];
                let (least, most) = element.range();
                let fit = |bound: f64| match element {
                    _ if bound.is_infinite() && element.is_float() => bound,
                    // Whole numbers are told apart up to 2^53 alone.
                    _ if !element.is_float() => bound.clamp(least.max(-1e15), most.min(1e15)).round(),
                    _ => element.nearest(bound.clamp(least, most)),
                };
                // An infinite or largest bound may stand on either side.
                let (a, b) = if i.is_multiple_of(2) { (fit(a), fit(b)) } else { (fit(-a), fit(b)) };
                let (low, high) = (a.min(b), a.max(b));
                if low == f64::INFINITY {
                    (f64::NEG_INFINITY, high)
                } else if high == f64::NEG_INFINITY {
                    (low, f64::INFINITY)
                } else {
                    (low, high)
                }
            };
            Space::Box {
                low: (0..n).map(|i| side(i).0).collect(),
                high: (0..n).map(|i| side(i).1).collect(),
                shape,
                element,
            }
        },
    )
}
