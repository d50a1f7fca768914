//! Numbers from PyTorch; golden/make_golden.py made them.

use serde_json::Value;
use worldwright_core::Rng;
use worldwright_nn::{Activation, AdamConfig, Feed, Graph, Init, Node, Parameter, Runner, Store, Trainer};

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/golden.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn assert_close(what: &str, got: &[f32], want: &[f32], absolute: f32, relative: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= absolute + relative * want.abs(), "{what}[{index}]: {got} against {want}");
    }
}

#[test]
fn activations_and_their_derivatives() {
    let golden = golden();
    let x = numbers(&golden["activations"]["x"]);
    for (name, activation) in Activation::ALL {
        let mut graph = Graph::new(1);
        let input = graph.differentiable_input(1);
        let output = graph.activation(input, *activation).unwrap();
        let mut runner = Runner::new(graph, x.len());
        runner.forward(&[], x.len(), &[Feed::Shared(&x)]).unwrap();
        let (mut y, mut d) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        runner.read(output, &mut y).unwrap();
        let pullback = runner.pullback_from(output);
        runner.pullback(&[], &pullback, &vec![1.0; x.len()]).unwrap();
        runner.read_gradient(input, &mut d).unwrap();
        let want = &golden["activations"][name];
        assert_close(name, &y, &numbers(&want["y"]), 2e-7, 1e-6);
        assert_close(&format!("{name}'"), &d, &numbers(&want["d"]), 5e-7, 1e-6);
    }
}

/// The network of the script, with its parameters in the script's order.
fn network() -> (Graph, Store, Vec<(&'static str, Parameter)>, Node) {
    let (mut store, rng, zero) = (Store::new(2), &mut Rng::new(0), Init::Constant(0.0));
    let mut own = |name, rows, cols| store.parameter(name, rows, cols, zero, rng);
    let (w0, b0) = (own("w0", 5, 19), own("b0", 1, 19));
    let (gain, shift) = (own("gain", 1, 19), own("shift", 1, 19));
    let (w1, b1) = (own("w1", 19, 7), own("b1", 1, 7));
    let (min, max) = (store.shared_parameter("min", 1, 3, zero, rng), store.shared_parameter("max", 1, 3, zero, rng));
    let mut g = Graph::new(2);
    g.learn(&store);
    let x = g.differentiable_input(5);
    let (y, label, weight) = (g.input(3), g.input(1), g.input(1));
    let h = g.linear(x, w0, Some(b0), Activation::Identity).unwrap();
    let h = g.layer_norm(h, gain, shift, 1e-5, Activation::Mish).unwrap();
    let o = g.linear(h, w1, Some(b1), Activation::Identity).unwrap();
    let mean = g.slice(o, 0, 3).unwrap();
    let log_variance = g.slice(o, 3, 3).unwrap();
    let logit = g.slice(o, 6, 1).unwrap();
    let log_variance = g.soft_clamp(log_variance, min, max).unwrap();
    let likelihood = g.gaussian_nll(mean, log_variance, y).unwrap();
    g.minimise_weighted(likelihood, weight, 1.0).unwrap();
    let square = g.square_error(mean, y).unwrap();
    g.minimise(square, 0.25).unwrap();
    let entropy = g.binary_cross_entropy(logit, label).unwrap();
    g.minimise_weighted(entropy, weight, 0.5).unwrap();
    g.penalise_sum(max, 0.01).unwrap();
    g.penalise_sum(min, -0.01).unwrap();
    g.penalise_squares(w0, 0.003).unwrap();
    let names = ["w0", "b0", "gain", "shift", "w1", "b1", "min", "max"];
    (g, store, names.into_iter().zip([w0, b0, gain, shift, w1, b1, min, max]).collect(), x)
}

#[test]
fn a_network_with_every_loss_and_adamw() {
    let golden = golden();
    let want = &golden["network"];
    let (graph, store, parameters, x) = network();
    let config = AdamConfig { learning_rate: 1e-2, weight_decay: 0.1, max_norm: 1.5, ..Default::default() };
    let mut trainer = Trainer::new(graph, store, 7, config);
    for (name, parameter) in &parameters {
        trainer.store.set(*parameter, &numbers(&want["start"][name])).unwrap();
    }
    let data = ["x", "y", "label", "weight"].map(|name| numbers(&want[name]));
    let feeds = [0, 1, 2, 3].map(|index| Feed::Members(&data[index]));
    let losses = numbers(&want["losses"]);
    for (step, expected) in losses.iter().enumerate() {
        let loss = trainer.step(7, &feeds).unwrap() as f32;
        assert!((loss - expected).abs() < 1e-5 * expected.abs().max(1.0), "step {step}: {loss} against {expected}");
        if step == 0 {
            for (name, parameter) in &parameters {
                let gradient = trainer.adam.gradient(*parameter).unwrap();
                assert_close(name, &gradient, &numbers(&want["gradients"][name]), 2e-6, 2e-5);
            }
            let mut gradient = vec![0.0; 2 * 7 * 5];
            trainer.runner().0.read_gradient(x, &mut gradient).unwrap();
            assert_close("input", &gradient, &numbers(&want["input_gradient"]), 2e-6, 2e-5);
        }
    }
    for (name, parameter) in &parameters {
        assert_close(name, &trainer.store.get(*parameter).unwrap(), &numbers(&want["end"][name]), 2e-5, 1e-4);
    }
}
