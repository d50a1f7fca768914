//! One small graph for each operation, with inputs where it is smooth.

use worldwright_core::Rng;
use worldwright_nn::{
    Activation, Bins, Conv, ConvShape, Embedding, Graph, GruCell, Init, LstmCell, MessagePassing, MlpConfig, Node,
    Parameter, SelfAttention, Store, Unary, WeightInit,
};

/// An input with what turns a normal number into one of its, and whether its gradient is looked at.
pub(crate) type Given = (Node, fn(f32) -> f32, bool);

/// Inputs and the result.
pub(crate) struct Made {
    pub(crate) inputs: Vec<Given>,
    pub(crate) output: Node,
}

/// A graph under test.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&mut Graph, &mut Store, &mut Rng) -> Made,
}

fn small(x: f32) -> f32 {
    0.7 * x
}

fn positive(x: f32) -> f32 {
    0.3 + x.abs()
}

/// Away from zero, where some functions have a corner.
fn apart(x: f32) -> f32 {
    x + 0.1_f32.copysign(x)
}

fn unit(x: f32) -> f32 {
    if x > 0.0 { 1.0 } else { 0.0 }
}

/// Declares a parameter of normal numbers and binds the store.
fn normal(graph: &mut Graph, store: &mut Store, rng: &mut Rng, [rows, cols]: [usize; 2]) -> Parameter {
    let parameter = store.parameter("p", rows, cols, Init::Constant(0.0), rng);
    fill(store, parameter, rng);
    graph.learn(store);
    parameter
}

fn shared(graph: &mut Graph, store: &mut Store, rng: &mut Rng, cols: usize) -> Parameter {
    let parameter = store.shared_parameter("p", 1, cols, Init::Constant(0.0), rng);
    fill(store, parameter, rng);
    graph.learn(store);
    parameter
}

fn fill(store: &mut Store, parameter: Parameter, rng: &mut Rng) {
    let len = store.shape(parameter).unwrap().iter().product();
    let values: Vec<f32> = (0..len).map(|_| 0.7 * rng.normal() as f32).collect();
    store.set(parameter, &values).unwrap();
}

fn one(graph: &mut Graph, rows: usize, cols: usize, draw: fn(f32) -> f32) -> (Node, Given) {
    let node = graph.differentiable_input_rows(rows, cols);
    (node, (node, draw, true))
}

macro_rules! functions {
    ($($name:ident: $activation:ident),*) => {
        $(fn $name(g: &mut Graph, _: &mut Store, _: &mut Rng) -> Made {
            let (x, input) = one(g, 1, 19, small);
            let output = g.activation(x, Activation::$activation).unwrap();
            Made { inputs: vec![input], output }
        })*
    };
}
functions!(silu: Silu, elu: Elu, tanh: Tanh, mish: Mish, softplus: Softplus, sigmoid: Sigmoid);

fn unary(g: &mut Graph, function: Unary, draw: fn(f32) -> f32) -> Made {
    let (x, input) = one(g, 2, 17, draw);
    let output = g.unary(x, function).unwrap();
    Made { inputs: vec![input], output }
}

fn binary(g: &mut Graph, apply: fn(&mut Graph, Node, Node) -> Node) -> Made {
    let (a, first) = one(g, 3, 18, small);
    let (b, second) = one(g, 3, 18, small);
    let whole = apply(g, a, b);
    // Spread over columns, over rows, and of one node twice.
    let (column, third) = one(g, 3, 1, small);
    let (row, fourth) = one(g, 1, 18, small);
    let spread = apply(g, whole, column);
    let spread = apply(g, row, spread);
    let output = apply(g, spread, a);
    Made { inputs: vec![first, second, third, fourth], output }
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "linear",
        make: |g, s, r| {
            let (x, input) = one(g, 1, 19, small);
            let (w, b) = (normal(g, s, r, [19, 37]), shared(g, s, r, 37));
            let h = g.linear(x, w, Some(b), Activation::Silu).unwrap();
            let output = g.mul(h, h).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "a weight used three times",
        make: |g, s, r| {
            let (x, input) = one(g, 2, 18, small);
            let w = normal(g, s, r, [18, 18]);
            let mut h = x;
            for _ in 0..3 {
                h = g.linear(h, w, None, Activation::Tanh).unwrap();
            }
            Made { inputs: vec![input], output: h }
        },
    },
    Case { name: "silu", make: silu },
    Case { name: "elu", make: elu },
    Case { name: "tanh", make: tanh },
    Case { name: "mish", make: mish },
    Case { name: "softplus", make: softplus },
    Case { name: "sigmoid", make: sigmoid },
    Case {
        name: "layer_norm",
        make: |g, s, r| {
            let (x, input) = one(g, 2, 21, small);
            let (gain, shift) = (normal(g, s, r, [1, 21]), shared(g, s, r, 21));
            let output = g.layer_norm(x, gain, shift, 1e-2, Activation::Mish).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "shapes",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 30, small);
            let (left, right) = (g.slice(x, 0, 13).unwrap(), g.slice(x, 13, 17).unwrap());
            let left = g.activation(left, Activation::Tanh).unwrap();
            let right = g.affine(right, -1.5, 0.5).unwrap();
            let turned = g.concat(&[right, left]).unwrap();
            let half = g.constant(2, 30, 0.5).unwrap();
            let output = g.add(turned, half).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "detach",
        make: |g, _, _| {
            let (x, input) = one(g, 1, 5, small);
            let other = g.input(5);
            let held = g.detach(other).unwrap();
            let output = g.mul(x, held).unwrap();
            Made { inputs: vec![input, (other, small, false)], output }
        },
    },
    Case { name: "add", make: |g, _, _| binary(g, |g, a, b| g.add(a, b).unwrap()) },
    Case { name: "sub", make: |g, _, _| binary(g, |g, a, b| g.sub(a, b).unwrap()) },
    Case { name: "mul", make: |g, _, _| binary(g, |g, a, b| g.mul(a, b).unwrap()) },
    Case {
        name: "min and max",
        make: |g, _, _| {
            let (a, first) = one(g, 1, 20, |x| 4.0 + x.abs());
            let (b, second) = one(g, 1, 20, |x| -x.abs());
            let (low, high) = (g.min(a, b).unwrap(), g.max(a, b).unwrap());
            let output = g.concat(&[low, high]).unwrap();
            Made { inputs: vec![first, second], output }
        },
    },
    Case {
        name: "floor",
        make: |g, _, _| {
            let (x, input) = one(g, 1, 20, apart);
            let output = g.floor(x, 0.0).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case { name: "exp", make: |g, _, _| unary(g, Unary::Exp, small) },
    Case { name: "log", make: |g, _, _| unary(g, Unary::Log, positive) },
    Case { name: "square", make: |g, _, _| unary(g, Unary::Square, small) },
    Case { name: "sqrt", make: |g, _, _| unary(g, Unary::Sqrt, positive) },
    Case { name: "abs", make: |g, _, _| unary(g, Unary::Abs, apart) },
    Case { name: "reciprocal", make: |g, _, _| unary(g, Unary::Reciprocal, positive) },
    Case { name: "symlog", make: |g, _, _| unary(g, Unary::Symlog, apart) },
    Case { name: "symexp", make: |g, _, _| unary(g, Unary::Symexp, apart) },
    Case {
        name: "gaussian likelihood between bounds",
        make: |g, s, r| {
            let (x, input) = one(g, 1, 36, small);
            let (y, target) = one(g, 1, 18, small);
            let (min, max) = (shared(g, s, r, 18), shared(g, s, r, 18));
            let (mean, raw) = (g.slice(x, 0, 18).unwrap(), g.slice(x, 18, 18).unwrap());
            let log_variance = g.soft_clamp(raw, min, max).unwrap();
            let output = g.gaussian_nll(mean, log_variance, y).unwrap();
            Made { inputs: vec![input, target], output }
        },
    },
    Case {
        name: "bounded columns",
        make: |g, s, r| {
            let (x, input) = one(g, 1, 12, small);
            let (min, max) = (shared(g, s, r, 5), shared(g, s, r, 5));
            let plain = g.bounded(x, 4, [min, max], false).unwrap();
            let deviations = g.bounded(x, 4, [min, max], true).unwrap();
            let output = g.concat(&[plain, deviations]).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "square error",
        make: |g, _, _| {
            let (a, first) = one(g, 1, 17, small);
            let (b, second) = one(g, 1, 17, small);
            let output = g.square_error(a, b).unwrap();
            Made { inputs: vec![first, second], output }
        },
    },
    Case {
        name: "binary cross-entropy",
        make: |g, _, _| {
            let (logit, first) = one(g, 1, 17, small);
            let label = g.input(17);
            let output = g.binary_cross_entropy(logit, label).unwrap();
            Made { inputs: vec![first, (label, unit, false)], output }
        },
    },
    Case {
        name: "steps and stack",
        make: |g, _, _| {
            let (x, input) = one(g, 5, 18, small);
            let (first, rest) = (g.step(x, 2).unwrap(), g.steps(x, 1, 3).unwrap());
            let output = g.stack(&[rest, first, rest]).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "gather and scatter",
        make: |g, _, _| {
            let (x, input) = one(g, 4, 18, small);
            let ends = g.gather(x, &[0, 3, 3, 1, 2]).unwrap();
            let squares = g.mul(ends, ends).unwrap();
            let output = g.scatter_sum(squares, &[1, 0, 1, 2, 2], 3).unwrap();
            let output = g.repeat(output, 2).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "reshape",
        make: |g, _, _| {
            let (x, input) = one(g, 6, 10, small);
            let squares = g.mul(x, x).unwrap();
            let output = g.reshape(squares, 4, 15).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "sums",
        make: |g, _, _| {
            let (x, input) = one(g, 3, 18, small);
            let squares = g.mul(x, x).unwrap();
            let groups = g.sum_groups(squares, 6).unwrap();
            let rows = g.mean_rows(groups).unwrap();
            let whole = g.mean_columns(squares).unwrap();
            let whole = g.sum_rows(whole).unwrap();
            let output = g.add(rows, whole).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "rms_norm",
        make: |g, s, r| {
            let (x, input) = one(g, 2, 21, small);
            let gain = normal(g, s, r, [1, 21]);
            let output = g.rms_norm(x, gain, 1e-2, Activation::Tanh).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "greatest",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 21, small);
            let sevens = g.max_groups(x, 7).unwrap();
            let threes = g.max_groups(x, 3).unwrap();
            let output = g.concat(&[sevens, threes]).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "softmax",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 21, small);
            let p = g.softmax(x, 7).unwrap();
            let log = g.log_softmax(x, 21).unwrap();
            let simplex = g.sim_norm(x, 3).unwrap();
            let output = g.concat(&[p, log, simplex]).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "softmax of whole vectors",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 48, small);
            let p = g.softmax(x, 16).unwrap();
            let log = g.log_softmax(x, 24).unwrap();
            let output = g.concat(&[p, log]).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "categorical divergence",
        make: |g, _, _| {
            let (p, first) = one(g, 2, 20, small);
            let (q, second) = one(g, 2, 20, small);
            let output = g.categorical_kl(p, q, 5).unwrap();
            Made { inputs: vec![first, second], output }
        },
    },
    Case {
        name: "categorical cross-entropy",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 20, small);
            let target = g.input_rows(2, 20);
            let output = g.cross_entropy(x, target, 10).unwrap();
            Made { inputs: vec![input, (target, positive, false)], output }
        },
    },
    Case {
        name: "gru",
        make: |g, s, r| {
            let (x, first) = one(g, 1, 5, small);
            let (h, second) = one(g, 1, 18, small);
            let cell = GruCell::new(s, "cell", 5, 18, WeightInit::LinearDefault, r);
            g.learn(s);
            let mut state = h;
            for _ in 0..2 {
                state = cell.record(g, x, state).unwrap();
            }
            Made { inputs: vec![first, second], output: state }
        },
    },
    Case {
        name: "lstm",
        make: |g, s, r| {
            let (x, first) = one(g, 1, 5, small);
            let (h, second) = one(g, 1, 18, small);
            let (c, third) = one(g, 1, 18, small);
            let cell = LstmCell::new(s, "cell", 5, 18, WeightInit::LinearDefault, r);
            g.learn(s);
            let state = cell.record(g, x, (h, c)).unwrap();
            let (h, c) = cell.record(g, x, state).unwrap();
            let output = g.concat(&[h, c]).unwrap();
            Made { inputs: vec![first, second, third], output }
        },
    },
    Case {
        name: "convolution",
        make: |g, s, r| {
            let (x, input) = one(g, 2 * 5 * 6, 3, small);
            let shape = ConvShape { height: 5, width: 6, kernel: 3, stride: 2, padding: 1 };
            let first = Conv::new(s, "first", [3, 17], shape, WeightInit::LinearDefault, r);
            let shape = ConvShape { height: 3, width: 3, kernel: 2, stride: 1, padding: 0 };
            let second = Conv::new(s, "second", [17, 4], shape, WeightInit::LinearDefault, r);
            g.learn(s);
            let x = first.record(g, x, Activation::Silu).unwrap();
            let output = second.record(g, x, Activation::Identity).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "transposed convolution",
        make: |g, s, r| {
            let (x, input) = one(g, 2 * 3, 5, small);
            let shape = ConvShape { height: 2, width: 3, kernel: 4, stride: 2, padding: 1 };
            let layer = Conv::transposed(s, "layer", [5, 3], shape, WeightInit::LinearDefault, r);
            g.learn(s);
            let output = layer.record(g, x, Activation::Tanh).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "embedding",
        make: |g, s, r| {
            let index = g.input_rows(2, 2);
            let table = Embedding::new(s, "table", 5, 3, r);
            g.learn(s);
            let output = table.record(g, index).unwrap();
            Made { inputs: vec![(index, |x| (x.abs() * 2.0).floor().min(4.0), false)], output }
        },
    },
    Case {
        name: "lambda return",
        make: |g, _, _| {
            let (reward, first) = one(g, 6, 2, small);
            let (value, second) = one(g, 6, 2, small);
            let (discount, third) = one(g, 6, 2, |x| x.abs().min(1.0));
            let output = g.lambda_return(reward, value, discount, 0.8).unwrap();
            Made { inputs: vec![first, second, third], output }
        },
    },
    Case {
        name: "attention",
        make: |g, s, r| {
            let (x, input) = one(g, 5, 12, small);
            let layer = SelfAttention::new(s, "layer", 12, 3, WeightInit::LinearDefault, r);
            g.learn(s);
            let whole = layer.record(g, x, false).unwrap();
            let causal = layer.record(g, x, true).unwrap();
            let output = g.add(whole, causal).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "message passing",
        make: |g, s, r| {
            let (x, input) = one(g, 4, 3, small);
            let config = MlpConfig { inputs: 3, hidden: vec![7], outputs: 3, ..Default::default() };
            let layer = MessagePassing::new(s, "layer", &[[0, 1], [1, 0], [2, 1], [3, 2]], &config, r);
            g.learn(s);
            let once = layer.record(g, x).unwrap();
            let output = layer.record(g, once).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "mixture",
        make: |g, _, _| {
            let (logits, first) = one(g, 2, 3, small);
            let (means, second) = one(g, 2, 6, small);
            let (stds, third) = one(g, 2, 6, |x| 0.3 * x);
            let (target, fourth) = one(g, 2, 2, small);
            let output = g.mixture_nll(logits, means, stds, target).unwrap();
            Made { inputs: vec![first, second, third, fourth], output }
        },
    },
    Case {
        name: "the codes of a vector quantisation",
        make: |g, s, r| {
            let x = g.input(3);
            // Far apart, so that a small step changes no choice.
            let codes = s.shared_parameter("codes", 2, 3, Init::Constant(0.0), r);
            s.set(codes, &[5.0, 5.0, 5.0, -5.0, -5.0, -5.0]).unwrap();
            g.learn(s);
            let code = g.nearest(x, codes).unwrap();
            let output = g.square_error(code, x).unwrap();
            Made { inputs: vec![(x, |x| if x > 0.0 { 5.0 } else { -5.0 } + 0.1 * x, false)], output }
        },
    },
    Case {
        name: "standardise",
        make: |g, _, _| {
            let (x, input) = one(g, 2, 3, small);
            let output = g.standardise(x, 0.1).unwrap();
            Made { inputs: vec![input], output }
        },
    },
    Case {
        name: "two-hot",
        make: |g, _, _| {
            let bins = Bins { count: 17, low: -2.0, high: 2.0, symlog: true };
            let number = g.input(1);
            let (logits, input) = one(g, 1, 17, small);
            let target = g.two_hot(number, bins).unwrap();
            let loss = g.cross_entropy(logits, target, 17).unwrap();
            let mean = g.two_hot_mean(logits, bins).unwrap();
            let output = g.concat(&[loss, mean]).unwrap();
            Made { inputs: vec![(number, |x| 3.0 * x, false), input], output }
        },
    },
    Case {
        name: "distributions",
        make: |g, _, _| {
            let (mean, first) = one(g, 1, 3, small);
            let (log_std, second) = one(g, 1, 3, |x| 0.3 * x);
            let noise = g.input(3);
            let drawn = g.squashed_gaussian(mean, log_std, noise).unwrap();
            let density = g.gaussian_log_prob(mean, log_std, noise).unwrap();
            let divergence = g.gaussian_kl([mean, log_std], [log_std, mean]).unwrap();
            let entropy = g.categorical_entropy(mean, 3).unwrap();
            let mixed = g.unimix(mean, 3, 0.1).unwrap();
            let output = g.concat(&[drawn.action, drawn.log_prob, density, divergence, entropy, mixed]).unwrap();
            Made { inputs: vec![first, second, (noise, small, false)], output }
        },
    },
];
