//! Every operation's gradient against central differences, on random shapes and values.

use proptest::prelude::*;
use worldwright_core::Rng;
use worldwright_nn::{Activation, Feed, Init, Node, Parameter, Runner, Tape};

/// The derivative of the data loss along a random direction of input and parameters, both ways.
fn check(
    tape: Tape,
    input: Node,
    parameters: &[Parameter],
    rows: usize,
    target: usize,
    seed: u64,
) -> Result<(), TestCaseError> {
    let mut rng = Rng::new(seed);
    let members = tape.members();
    let mut random = |len: usize| (0..len).map(|_| 0.7 * rng.normal() as f32).collect::<Vec<f32>>();
    let mut values = tape.initialise(&mut Rng::new(seed));
    let start: Vec<Vec<f32>> = parameters.iter().map(|p| random(values.shape(*p).iter().product())).collect();
    let ways: Vec<Vec<f32>> = start.iter().map(|values| random(values.len())).collect();
    let x = random(members * rows * tape.cols(input));
    let way = random(x.len());
    let y = random(members * rows * target);
    let mut runner = Runner::new(tape, rows);
    let along =
        |from: &[f32], way: &[f32], by: f32| from.iter().zip(way).map(|(a, b)| a + by * b).collect::<Vec<f32>>();
    let mut loss = |by: f32| {
        for ((parameter, start), way) in parameters.iter().zip(&start).zip(&ways) {
            values.set(*parameter, &along(start, way, by)).unwrap();
        }
        let x = along(&x, &way, by);
        runner.forward_backward(&values, rows, &[Feed::Members(&x), Feed::Members(&y)]).unwrap();
        let mut gradient = vec![0.0; x.len()];
        runner.read_gradient(input, &mut gradient).unwrap();
        let mut slope: f64 = gradient.iter().zip(&way).map(|(g, w)| f64::from(g * w)).sum();
        for (parameter, way) in parameters.iter().zip(&ways) {
            let gradient = runner.gradient(*parameter);
            slope += gradient.iter().zip(way).map(|(g, w)| f64::from(g * w)).sum::<f64>();
        }
        ((0..members).map(|member| runner.loss(member)).sum::<f64>(), slope)
    };
    let step = 2e-3;
    let measured = (loss(step).0 - loss(-step).0) / (2.0 * f64::from(step));
    let (value, slope) = loss(0.0);
    // Single-precision rounding of the loss over the step, and the third derivative.
    let tolerance = 1e-2 * slope.abs() + 4e-3 * value.abs().max(1.0);
    prop_assert!((measured - slope).abs() < tolerance, "measured {measured}, computed {slope}, loss {value}");
    Ok(())
}

const SMOOTH: [Activation; 7] = [
    Activation::Identity,
    Activation::Silu,
    Activation::Elu,
    Activation::Tanh,
    Activation::Mish,
    Activation::Softplus,
    Activation::Sigmoid,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn linear_layers(members in 1..4_usize, rows in 1..20_usize, inputs in 1..20_usize, outputs in 1..40_usize, kind in 0..7_usize, seed: u64) {
        let mut tape = Tape::new(members);
        let x = tape.differentiable_input(inputs);
        let y = tape.input(outputs);
        let zero = Init::Constant(0.0);
        let (weight, bias) = (tape.parameter("w", inputs, outputs, zero), tape.shared_parameter("b", 1, outputs, zero));
        let h = tape.linear(x, weight, Some(bias), SMOOTH[kind]).unwrap();
        // Read twice, so that gradients are added up.
        let double = tape.mul(h, h).unwrap();
        let sum = tape.sub(double, h).unwrap();
        tape.mse(sum, y, None, 0.1).unwrap();
        check(tape, x, &[weight, bias], rows, outputs, seed)?;
    }

    #[test]
    fn layer_normalisation(members in 1..3_usize, rows in 1..10_usize, cols in 3..40_usize, kind in 0..7_usize, seed: u64) {
        let mut tape = Tape::new(members);
        let x = tape.differentiable_input(cols);
        let y = tape.input(cols);
        let gain = tape.parameter("g", 1, cols, Init::Constant(1.0));
        let shift = tape.parameter("s", 1, cols, Init::Constant(0.0));
        let h = tape.layer_norm(x, gain, shift, 1e-2, SMOOTH[kind]).unwrap();
        tape.mse(h, y, None, 1.0).unwrap();
        check(tape, x, &[gain, shift], rows, cols, seed)?;
    }

    #[test]
    fn shapes_and_arithmetic(rows in 1..150_usize, a in 1..20_usize, b in 1..20_usize, kind in 0..7_usize, seed: u64) {
        let mut tape = Tape::new(2);
        let x = tape.differentiable_input(a + b);
        let y = tape.input(a + b);
        let (left, right) = (tape.slice(x, 0, a).unwrap(), tape.slice(x, a, b).unwrap());
        let left = tape.activation(left, SMOOTH[kind]);
        let right = tape.affine(right, -1.5, 0.5);
        let turned = tape.concat(&[right, left]);
        let held = tape.detach(y);
        let sum = tape.add(turned, held).unwrap();
        let product = tape.mul(sum, x).unwrap();
        tape.mse(product, y, None, 0.5).unwrap();
        check(tape, x, &[], rows, a + b, seed)?;
    }

    #[test]
    fn gaussian_likelihood_between_bounds(members in 1..4_usize, rows in 1..20_usize, cols in 1..20_usize, seed: u64) {
        let mut tape = Tape::new(members);
        let x = tape.differentiable_input(2 * cols);
        let y = tape.input(cols);
        let (min, max) = (tape.shared_parameter("min", 1, cols, Init::Constant(0.0)), tape.shared_parameter("max", 1, cols, Init::Constant(0.0)));
        let (mean, raw) = (tape.slice(x, 0, cols).unwrap(), tape.slice(x, cols, cols).unwrap());
        let log_variance = tape.soft_clamp(raw, min, max).unwrap();
        tape.gaussian_nll(mean, log_variance, y, None, 0.5).unwrap();
        check(tape, x, &[min, max], rows, cols, seed)?;
    }

    #[test]
    fn weighted_cross_entropy(rows in 1..20_usize, cols in 1..20_usize, seed: u64) {
        let mut tape = Tape::new(1);
        let x = tape.differentiable_input(cols + 1);
        let y = tape.input(cols);
        let logit = tape.slice(x, 0, cols).unwrap();
        tape.binary_cross_entropy(logit, y, None, 1.0).unwrap();
        check(tape, x, &[], rows, cols, seed)?;
    }
}
