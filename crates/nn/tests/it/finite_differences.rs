//! Every operation's gradient against central differences, on random shapes and values.

use std::collections::BTreeSet;

use proptest::prelude::*;
use worldwright_core::Rng;
use worldwright_nn::{Feed, Graph, Node, OPERATIONS, Runner, Store};

use crate::cases::{CASES, Case, Made};

/// The derivative of the loss along a random direction of inputs and parameters, both ways.
fn check(case: &Case, members: usize, samples: usize, seed: u64) -> Result<(), TestCaseError> {
    let mut rng = Rng::new(seed);
    let mut store = Store::new(members);
    let mut graph = Graph::new(members);
    let Made { inputs, output } = (case.make)(&mut graph, &mut store, &mut rng);
    // A random weight for each number of the result, so that no two mistakes cancel.
    let shape = graph.shape(output);
    let weights = graph.input_rows(shape.rows, shape.cols);
    let weighted = graph.mul(output, weights).unwrap();
    graph.minimise(weighted, 1.0).unwrap();

    let mut random = |len: usize| (0..len).map(|_| rng.normal() as f32).collect::<Vec<f32>>();
    let parameters: Vec<_> = store.parameters().map(|(_, parameter)| parameter).collect();
    let start: Vec<Vec<f32>> = parameters.iter().map(|parameter| store.get(*parameter).unwrap()).collect();
    let ways: Vec<Vec<f32>> = start.iter().map(|values| random(values.len())).collect();
    let size = |node: Node| members * samples * graph.shape(node).numbers();
    let seeds = random(size(weights));
    let data: Vec<Vec<f32>> =
        inputs.iter().map(|(node, draw, _)| random(size(*node)).into_iter().map(draw).collect()).collect();
    let input_ways: Vec<Vec<f32>> = inputs
        .iter()
        .map(|(node, _, differentiable)| {
            random(size(*node)).into_iter().map(|w| if *differentiable { w } else { 0.0 }).collect()
        })
        .collect();
    let mut runner = Runner::new(graph, samples);
    let along =
        |from: &[f32], way: &[f32], by: f32| from.iter().zip(way).map(|(a, b)| a + by * b).collect::<Vec<f32>>();
    let mut loss = |by: f32| {
        for ((parameter, start), way) in parameters.iter().zip(&start).zip(&ways) {
            store.set(*parameter, &along(start, way, by)).unwrap();
        }
        let moved: Vec<Vec<f32>> = data.iter().zip(&input_ways).map(|(data, way)| along(data, way, by)).collect();
        let mut feeds: Vec<Feed<'_>> = moved.iter().map(|data| Feed::Members(data)).collect();
        feeds.push(Feed::Members(&seeds));
        runner.forward_backward(&[&store], samples, &feeds).unwrap();
        let mut slope = 0.0;
        for ((node, _, differentiable), way) in inputs.iter().zip(&input_ways) {
            if *differentiable {
                let mut gradient = vec![0.0; way.len()];
                runner.read_gradient(*node, &mut gradient).unwrap();
                slope += gradient.iter().zip(way).map(|(g, w)| f64::from(g * w)).sum::<f64>();
            }
        }
        for (parameter, way) in parameters.iter().zip(&ways) {
            let gradient = runner.gradient(*parameter).unwrap();
            slope += gradient.iter().zip(way).map(|(g, w)| f64::from(g * w)).sum::<f64>();
        }
        let loss: f64 = (0..members).map(|member| runner.loss(member)).sum();
        (loss, slope)
    };
    let (value, slope) = loss(0.0);
    // The difference over a step, and by how much the slopes at its ends differ from that in the middle.
    let mut difference = |step: f32| {
        let (after, before) = (loss(step), loss(-step));
        let bend = (after.1 - slope).abs() + (before.1 - slope).abs();
        ((after.0 - before.0) / (2.0 * f64::from(step)), bend)
    };
    let ((measured, bend), (wider, wider_bend)) = (difference(2e-3), difference(4e-3));
    // Single-precision rounding of the loss over the step, and the third derivative; where large terms cancel in the loss, it shows as differences over two
    // steps that disagree. Within the step the greatest of some numbers may become another, and the slope leaps.
    let tolerance =
        1e-2 * slope.abs() + 2e-3 * value.abs().max(1.0) + 2.0 * (measured - wider).abs() + bend.max(wider_bend);
    prop_assert!(
        (measured - slope).abs() < tolerance,
        "{}: measured {measured}, computed {slope}, loss {value}",
        case.name
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_case_agrees(members in 1..3_usize, samples in 1..20_usize, seed: u64) {
        for case in CASES {
            check(case, members, samples, seed)?;
        }
    }
}

#[test]
fn several_blocks_agree() {
    for case in CASES {
        check(case, 2, 150, 7).unwrap();
    }
}

#[test]
fn every_operation_has_a_case() {
    // Every case ends in an objective. A draw has no slope to measure; `operations` looks at it.
    let mut covered: BTreeSet<&str> = BTreeSet::from(["objective", "straight_through"]);
    for case in CASES {
        let (mut graph, mut store) = (Graph::new(1), Store::new(1));
        (case.make)(&mut graph, &mut store, &mut Rng::new(0));
        covered.extend(graph.operations());
    }
    assert_eq!(covered, OPERATIONS.iter().copied().collect());
}
