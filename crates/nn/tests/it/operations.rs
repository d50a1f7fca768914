//! Operations against PyTorch's numbers, values and gradients; golden/make_operations.py made them.

use std::collections::BTreeSet;

use serde_json::Value;
use worldwright_core::Rng;
use worldwright_nn::{
    Activation, Bins, ConvShape, Feed, Graph, Init, KlBalance, Node, OPERATIONS, Parameter, Predictor, Runner, Store,
    Unary,
};

type Make = fn(&mut Graph, &[Node], &[Parameter]) -> worldwright_core::Result<Node>;

const IMAGE: ConvShape = ConvShape { height: 6, width: 7, kernel: 4, stride: 2, padding: 1 };
const BINS: Bins = Bins { count: 9, low: -20.0, high: 20.0, symlog: true };
/// The script scales the mean of the bins by a fifth, which narrower bins do as well: their symexp stays moderate.
const NARROW: Bins = Bins { count: 9, low: -4.0, high: 4.0, symlog: true };

const CASES: &[(&str, Make)] = &[
    ("arithmetic", |g, x, _| {
        let sum = g.add(x[0], x[1])?;
        let product = g.mul(sum, x[2])?;
        let rest = g.sub(product, x[3])?;
        g.affine(rest, 1.5, 0.25)
    }),
    ("minimum and maximum", |g, x, _| {
        let parts = [g.min(x[0], x[1])?, g.max(x[0], x[1])?, g.floor(x[0], 0.1)?];
        g.concat(&parts)
    }),
    ("functions of one number", |g, x, _| {
        functions(g, x[0], &[Unary::Exp, Unary::Log, Unary::Square, Unary::Sqrt, Unary::Reciprocal])
    }),
    ("symlog and symexp", |g, x, _| functions(g, x[0], &[Unary::Abs, Unary::Symlog, Unary::Symexp])),
    ("detached", |g, x, _| {
        let held = g.detach(x[0])?;
        g.mul(x[0], held)
    }),
    ("steps", |g, x, _| {
        let parts = [g.steps(x[0], 1, 3)?, g.step(x[0], 2)?, g.constant(1, 3, 0.5)?];
        g.stack(&parts)
    }),
    ("reshaped", |g, x, _| {
        let square = g.unary(x[0], Unary::Square)?;
        g.reshape(square, 3, 8)
    }),
    ("sums", |g, x, _| {
        let square = g.unary(x[0], Unary::Square)?;
        let groups = g.sum_groups(square, 3)?;
        let (groups, mean) = (g.mean_rows(groups)?, g.mean_columns(x[0])?);
        let mean = g.sum_rows(mean)?;
        g.add(groups, mean)
    }),
    ("linear", |g, x, p| g.linear(x[0], p[0], Some(p[1]), Activation::Silu)),
    ("layer norm", |g, x, p| g.layer_norm(x[0], p[0], p[1], 1e-5, Activation::Mish)),
    ("rms norm", |g, x, p| g.rms_norm(x[0], p[0], 1e-6, Activation::Silu)),
    ("likelihoods", |g, x, _| {
        let parts = [g.gaussian_nll(x[0], x[1], x[2])?, g.square_error(x[0], x[2])?];
        g.concat(&parts)
    }),
    ("bernoulli", |g, x, _| g.binary_cross_entropy(x[0], x[1])),
    ("soft clamp", |g, x, p| g.soft_clamp(x[0], p[0], p[1])),
    ("bounded columns", |g, x, p| g.bounded(x[0], 4, [p[0], p[1]], true)),
    ("softmax", |g, x, _| {
        let parts = [g.softmax(x[0], 4)?, g.log_softmax(x[0], 6)?];
        g.concat(&parts)
    }),
    ("cross entropy", |g, x, _| g.cross_entropy(x[0], x[1], 6)),
    ("straight through", |g, x, _| g.straight_through(x[0], x[1], 6)),
    ("categorical divergence", |g, x, _| g.categorical_kl(x[0], x[1], 6)),
    ("balanced divergence", |g, x, _| {
        let balance = KlBalance { dynamics: 0.8, representation: 0.2, free_nats: 1.0 };
        g.balanced_kl(x[0], x[1], 6, balance)
    }),
    ("categorical entropy and probability", |g, x, _| {
        let parts = [g.categorical_entropy(x[0], 6)?, g.categorical_log_prob(x[0], x[1], 6)?];
        g.concat(&parts)
    }),
    ("unimix", |g, x, _| g.unimix(x[0], 6, 0.01)),
    ("gaussian", |g, x, _| {
        let parts = [g.gaussian_log_prob(x[0], x[1], x[2])?, g.gaussian_kl([x[0], x[1]], [x[2], x[3]])?];
        g.concat(&parts)
    }),
    ("squashed gaussian", |g, x, _| {
        let drawn = g.squashed_gaussian(x[0], x[1], x[2])?;
        g.concat(&[drawn.action, drawn.log_prob])
    }),
    ("two-hot", |g, x, _| {
        let target = g.two_hot(x[0], BINS)?;
        let parts = [g.cross_entropy(x[1], target, 9)?, g.two_hot_mean(x[1], NARROW)?];
        g.concat(&parts)
    }),
    ("gru", |g, x, p| {
        let input = g.linear(x[0], p[0], Some(p[1]), Activation::Identity)?;
        let hidden = g.linear(x[1], p[2], Some(p[3]), Activation::Identity)?;
        g.gru(input, hidden, x[1])
    }),
    ("lstm", |g, x, p| {
        let input = g.linear(x[0], p[0], Some(p[1]), Activation::Identity)?;
        let hidden = g.linear(x[1], p[2], Some(p[3]), Activation::Identity)?;
        let gates = g.add(input, hidden)?;
        g.lstm(gates, x[2])
    }),
    ("conv", |g, x, p| g.conv(x[0], p[0], p[1], IMAGE, Activation::Silu)),
    ("conv of stride one", |g, x, p| {
        let shape = ConvShape { height: 4, width: 5, kernel: 3, stride: 1, padding: 0 };
        g.conv(x[0], p[0], p[1], shape, Activation::Identity)
    }),
    ("conv transpose", |g, x, p| {
        let shape = ConvShape { height: 3, width: 4, kernel: 4, stride: 2, padding: 1 };
        g.conv_transpose(x[0], p[0], p[1], shape, Activation::Tanh)
    }),
    ("embedding", |g, x, p| g.embedding(x[0], p[0])),
    ("lambda return", |g, x, _| g.lambda_return(x[0], x[1], x[2], 0.9)),
    ("attention", |g, x, _| g.attention(x[0], x[1], x[2], 2, false)),
    ("causal attention", |g, x, _| g.attention(x[0], x[1], x[2], 2, true)),
    ("messages", |g, x, p| {
        let (from, to) = ([0, 1, 2, 3, 0], [1, 2, 0, 0, 3]);
        let ends = [g.gather(x[0], &from)?, g.gather(x[0], &to)?];
        let both = g.concat(&ends)?;
        let sent = g.linear(both, p[0], Some(p[1]), Activation::Tanh)?;
        g.scatter_sum(sent, &to, 4)
    }),
    ("mixture", |g, x, _| g.mixture_nll(x[0], x[1], x[2], x[3])),
    ("vector quantisation", |g, x, p| {
        let quantised = g.vector_quantise(x[0], p[0])?;
        g.concat(&[quantised.value, quantised.codebook_loss, quantised.commitment])
    }),
    ("standardised", |g, x, _| g.standardise(x[0], 1e-5)),
    ("greatest of groups", |g, x, _| g.max_groups(x[0], 4)),
];

fn functions(g: &mut Graph, x: Node, functions: &[Unary]) -> worldwright_core::Result<Node> {
    let parts: Vec<Node> = functions.iter().map(|function| g.unary(x, *function)).collect::<Result<_, _>>()?;
    g.concat(&parts)
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/operations.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect()
}

fn assert_close(what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 3e-6 + 2e-5 * want.abs(), "{what}[{index}]: {got} against {want}");
    }
}

/// The graph of a case, with its store, inputs and parameters.
fn build(want: &Value, make: Make, differentiable: bool) -> (Graph, Store, Vec<Node>, Vec<Parameter>, Node) {
    let (mut store, mut graph) = (Store::new(1), Graph::new(1));
    let mut parameters = Vec::new();
    for entry in want["parameters"].as_array().unwrap() {
        let shape = sizes(entry);
        let parameter = store.parameter("p", shape[0], shape[1], Init::Constant(0.0), &mut Rng::new(0));
        store.set(parameter, &numbers(&entry["data"])).unwrap();
        parameters.push(parameter);
    }
    graph.learn(&store);
    let mut inputs = Vec::new();
    for entry in want["inputs"].as_array().unwrap() {
        let shape = sizes(entry);
        inputs.push(if differentiable && !entry["gradient"].is_null() {
            graph.differentiable_input_rows(shape[1], shape[2])
        } else {
            graph.input_rows(shape[1], shape[2])
        });
    }
    let output = make(&mut graph, &inputs, &parameters).unwrap();
    (graph, store, inputs, parameters, output)
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let golden = golden();
    assert_eq!(golden.as_object().unwrap().len(), CASES.len());
    for (name, make) in CASES {
        let want = &golden[name];
        let (mut graph, store, inputs, parameters, output) = build(want, *make, true);
        let shape = sizes(want);
        assert_eq!([graph.shape(output).rows, graph.shape(output).cols], shape[1..], "{name}");
        let cotangent = graph.input_rows(shape[1], shape[2]);
        let product = graph.mul(output, cotangent).unwrap();
        let count = shape.iter().product::<usize>() as f32;
        graph.minimise(product, count).unwrap();
        let data: Vec<Vec<f32>> =
            want["inputs"].as_array().unwrap().iter().map(|entry| numbers(&entry["data"])).collect();
        let seeds = numbers(&want["cotangent"]);
        let mut feeds: Vec<Feed<'_>> = data.iter().map(|data| Feed::Shared(data)).collect();
        feeds.push(Feed::Shared(&seeds));
        let mut runner = Runner::new(graph, shape[0]);
        runner.forward_backward(&[&store], shape[0], &feeds).unwrap();
        let mut result = vec![0.0; shape.iter().product()];
        runner.read(output, &mut result).unwrap();
        assert_close(name, &result, &numbers(&want["result"]));
        for (index, (entry, input)) in want["inputs"].as_array().unwrap().iter().zip(&inputs).enumerate() {
            if !entry["gradient"].is_null() {
                let mut gradient = vec![0.0; data[index].len()];
                runner.read_gradient(*input, &mut gradient).unwrap();
                assert_close(&format!("{name}, input {index}"), &gradient, &numbers(&entry["gradient"]));
            }
        }
        for (index, (entry, parameter)) in want["parameters"].as_array().unwrap().iter().zip(&parameters).enumerate() {
            let gradient = runner.gradient(*parameter).unwrap();
            assert_close(&format!("{name}, parameter {index}"), &gradient, &numbers(&entry["gradient"]));
        }
    }
}

#[test]
fn predictors_give_the_same() {
    let golden = golden();
    for (name, make) in CASES {
        let want = &golden[name];
        let (graph, store, _, _, output) = build(want, *make, false);
        let predictor = match Predictor::new(&graph, &[&store], &[output]) {
            Ok(predictor) => predictor,
            Err(error) => {
                assert!(*name == "standardised" && error.to_string().contains("mixes the samples"), "{name}: {error}");
                continue;
            }
        };
        let data: Vec<Vec<f32>> =
            want["inputs"].as_array().unwrap().iter().map(|entry| numbers(&entry["data"])).collect();
        let x: Vec<&[f32]> = data.iter().map(Vec::as_slice).collect();
        let mut out = vec![0.0; sizes(want).iter().product()];
        let mut scratch = predictor.scratch();
        // Twice, so that places hold what the first prediction left.
        for _ in 0..2 {
            predictor.predict(&x, &mut [&mut out], &mut scratch).unwrap();
            assert_close(name, &out, &numbers(&want["result"]));
        }
    }
}

#[test]
fn every_operation_is_compared() {
    let golden = golden();
    // The activations have numbers of their own, and an objective is how gradients get here.
    let mut covered: BTreeSet<&str> = BTreeSet::from(["objective", "activation"]);
    for (name, make) in CASES {
        covered.extend(build(&golden[name], *make, true).0.operations());
    }
    let missing: Vec<&&str> = OPERATIONS.iter().filter(|name| !covered.contains(**name)).collect();
    assert_eq!(missing, vec![&"slice"], "a slice is part of every network in `golden`");
}

/// Of any number of columns; equals share the gradient.
#[test]
fn the_greatest_column_is_found() {
    let rows = [[3.0, 1.0, 2.0, 5.0, 4.0], [7.0, 7.0, 1.0, 0.0, -1.0], [-3.0, -4.0, -5.0, -2.0, -1.0]];
    for cols in 1..=5 {
        let store = Store::new(1);
        let mut g = Graph::new(1);
        g.learn(&store);
        let x = g.differentiable_input(cols);
        let most = g.max_columns(x).unwrap();
        g.minimise(most, 1.0).unwrap();
        let flat: Vec<f32> = rows.iter().flat_map(|row| row[..cols].to_vec()).collect();
        let mut runner = Runner::new(g, rows.len());
        runner.forward_backward(&[&store], rows.len(), &[Feed::Shared(&flat)]).unwrap();
        let (mut value, mut gradient) = (vec![0.0; rows.len()], vec![0.0; flat.len()]);
        runner.read(most, &mut value).unwrap();
        runner.read_gradient(x, &mut gradient).unwrap();
        for (i, row) in rows.iter().enumerate() {
            let greatest = row[..cols].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(value[i], greatest);
            let of_row = &gradient[i * cols..(i + 1) * cols];
            let sum: f32 = of_row.iter().sum();
            assert!((sum - 1.0 / rows.len() as f32).abs() < 1e-6, "{cols}: {of_row:?}");
            assert!(of_row.iter().zip(row).all(|(g, x)| (*g != 0.0) == (*x == greatest)), "{cols}: {of_row:?}");
        }
    }
}

/// Two numbers, each `KL(N(0, 1) ‖ N(1, 1)) = ½`, and as much the other way round: one nat together, of which three are free or half a one.
#[test]
fn free_nats_of_numbers_are_of_all_together() {
    for (free_nats, expected) in [(0.5, 1.0), (3.0, 3.0)] {
        let mut g = Graph::new(1);
        let [mean, log_std, other] = [0; 3].map(|_| g.input(2));
        let balance = KlBalance { dynamics: 0.8, representation: 0.2, free_nats };
        let divergence = g.balanced_gaussian_kl([mean, log_std], [other, log_std], balance).unwrap();
        let predictor = Predictor::new(&g, &[], &[divergence]).unwrap();
        let mut out = [0.0];
        let inputs: [&[f32]; 3] = [&[0.0, 0.0], &[0.0, 0.0], &[1.0, 1.0]];
        predictor.predict(&inputs, &mut [&mut out], &mut predictor.scratch()).unwrap();
        assert!((out[0] - expected).abs() < 1e-6, "{out:?}");
    }
}
