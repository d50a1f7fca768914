//! Prediction: the same as the runner, row by row, in groups, on other threads; Jacobians.

use worldwright_core::Rng;
use worldwright_nn::{
    Activation, EnsembleConfig, EnsembleMlp, Feed, Graph, Groups, Mlp, MlpConfig, Predictor, Runner, Store, matmul,
};

fn ensemble(gaussian: bool) -> EnsembleMlp {
    let config = EnsembleConfig {
        members: 3,
        inputs: 7,
        targets: 5,
        logits: 1,
        hidden: vec![64, 150],
        gaussian,
        ..Default::default()
    };
    EnsembleMlp::new(config, 300, &mut Rng::new(4)).unwrap()
}

fn normals(len: usize, seed: u64) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    Rng::new(seed).fill_normal(&mut numbers);
    numbers
}

#[test]
fn predictions_are_the_runners_values() {
    let mut ensemble = ensemble(false);
    let x = normals(3 * 300 * 7, 1);
    let predictor = ensemble.predictor().unwrap();
    let mut out = vec![0.0; 3 * 300 * 6];
    predictor.predict(&[&x], &mut [&mut out], &mut predictor.scratch()).unwrap();
    let (_, output) = ensemble.nodes();
    let (runner, store) = ensemble.trainer.runner();
    let (y, label) = (normals(300 * 5, 2), vec![0.0; 300]);
    runner.forward(&[store], 300, &[Feed::Members(&x), Feed::Shared(&y), Feed::Shared(&label)]).unwrap();
    let mut values = vec![0.0; out.len()];
    runner.read(output, &mut values).unwrap();
    assert_eq!(out, values);
}

/// An input may be declared after operations whose places are free again by then.
#[test]
fn inputs_are_read_wherever_they_were_declared() {
    let (mut store, mut g) = (Store::new(1), Graph::new(1));
    let config = MlpConfig { inputs: 3, hidden: vec![32, 32], outputs: 2, ..Default::default() };
    let layers = Mlp::new(&mut store, "layers", &config, &mut Rng::new(6));
    g.freeze(&store);
    let early = g.input(3);
    let said = layers.record(&mut g, early).unwrap();
    let late = g.input(2);
    let product = g.mul(said, late).unwrap();
    let sum = g.add(product, said).unwrap();
    let (x, z) = (normals(9 * 3, 7), normals(9 * 2, 8));
    let predictor = Predictor::new(&g, &[&store], &[sum]).unwrap();
    let mut out = vec![0.0; 9 * 2];
    predictor.predict_member(0, &[&x, &z], &mut [&mut out], &mut predictor.scratch()).unwrap();
    let mut runner = Runner::new(g, 9);
    runner.forward(&[&store], 9, &[Feed::Shared(&x), Feed::Shared(&z)]).unwrap();
    let mut values = vec![0.0; out.len()];
    runner.read(sum, &mut values).unwrap();
    assert_eq!(out, values);
}

#[test]
fn rows_do_not_influence_each_other() {
    let predictor = ensemble(true).predictor().unwrap();
    let mut scratch = predictor.scratch();
    let (inputs, outputs) = (7, 11);
    let rows = 205;
    let x = normals(3 * rows * inputs, 5);
    let mut out = vec![0.0; 3 * rows * outputs];
    predictor.predict(&[&x], &mut [&mut out], &mut scratch).unwrap();
    let mut one = vec![0.0; outputs];
    for row in 0..3 * rows {
        let row_x = &x[row * inputs..(row + 1) * inputs];
        predictor.predict_member(row / rows, &[row_x], &mut [&mut one], &mut scratch).unwrap();
        assert_eq!(one, out[row * outputs..(row + 1) * outputs], "row {row}");
    }
    // Any member for any row, through groups.
    let member_of: Vec<u32> = (0..3 * rows as u32).map(|row| row * 7 % 3).collect();
    let mut groups = Groups::new(3, member_of.len());
    groups.assign(3, &member_of).unwrap();
    let mut grouped = vec![0.0; out.len()];
    predictor.predict_grouped(&[&x], &groups, &mut [&mut grouped], &mut scratch).unwrap();
    for row in 0..3 * rows {
        let row_x = &x[row * inputs..(row + 1) * inputs];
        predictor.predict_member(member_of[row] as usize, &[row_x], &mut [&mut one], &mut scratch).unwrap();
        assert_eq!(one, grouped[row * outputs..(row + 1) * outputs], "row {row}");
    }
    assert!(groups.assign(3, &[3]).is_err());
}

#[test]
fn one_and_two_threads_predict_the_same_bytes() {
    let predictor = ensemble(true).predictor().unwrap();
    let x = normals(3 * 1000 * 7, 6);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut out = vec![0.0; 3 * 1000 * 11];
            predictor.predict(&[&x], &mut [&mut out], &mut predictor.scratch()).unwrap();
            out
        })
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn a_number_that_is_none_stays_in_its_row() {
    let predictor = ensemble(true).predictor().unwrap();
    let mut x = normals(3 * 20 * 7, 7);
    x[7 * 4] = f32::NAN;
    let mut out = vec![0.0; 3 * 20 * 11];
    predictor.predict(&[&x], &mut [&mut out], &mut predictor.scratch()).unwrap();
    for (row, values) in out.chunks(11).enumerate() {
        assert!(values.iter().all(|value| value.is_nan() == (row == 4)), "row {row}: {values:?}");
    }
}

#[test]
fn jacobians_of_a_linear_map_are_its_weights() {
    let mut store = Store::new(2);
    let weight = store.parameter("w", 3, 4, worldwright_nn::Init::LinearDefault { inputs: 3 }, &mut Rng::new(1));
    let mut graph = Graph::new(2);
    graph.learn(&store);
    let x = graph.differentiable_input(3);
    let y = graph.linear(x, weight, None, Activation::Identity).unwrap();
    let mut runner = worldwright_nn::Runner::new(graph, 5);
    runner.forward(&[&store], 5, &[Feed::Shared(&normals(15, 1))]).unwrap();
    let from = runner.pullback_from(y);
    let mut jacobians = vec![0.0; 2 * 5 * 4 * 3];
    runner.jacobian(&[&store], &from, x, &mut Vec::new(), &mut jacobians).unwrap();
    let weights = store.get(weight).unwrap();
    for (index, jacobian) in jacobians.chunks(12).enumerate() {
        for (place, value) in jacobian.iter().enumerate() {
            assert_eq!(*value, weights[index / 5 * 12 + place % 3 * 4 + place / 3]);
        }
    }
}

#[test]
fn products_match_the_definition() {
    for [m, k, n] in [[1, 1, 1], [5, 3, 17], [13, 40, 33], [100, 7, 8], [7, 130, 47]] {
        let (a, b) = (normals(m * k, 1), normals(k * n, 2));
        let mut c = vec![0.0; m * n];
        matmul(&a, &b, &mut c, [m, k, n]).unwrap();
        for i in 0..m {
            for j in 0..n {
                let want: f64 = (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(b[p * n + j])).sum();
                assert!((f64::from(c[i * n + j]) - want).abs() < 1e-5 * k as f64, "{m} {k} {n}: ({i}, {j})");
            }
        }
    }
}
