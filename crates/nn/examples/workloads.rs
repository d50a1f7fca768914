//! Serves the numeric workloads of docs/benchmarks/numeric-core.md over lines: `bench W1 0.5`, `check W1 101`, `quit`.
//!
//! The folder that the variable `WORKLOAD_DATA` names holds inputs and initial weights as little-endian single-precision numbers.
#![allow(clippy::print_stdout)]

use std::{
    io::BufRead,
    path::PathBuf,
    time::{Duration, Instant},
};

use worldwright_core::Rng;
use worldwright_nn::{
    Activation, AdamConfig, Conv, ConvShape, EnsembleConfig, EnsembleMlp, Feed, Graph, GruCell, Linear, Mlp, MlpConfig,
    Node, Norm, NormKind, Predictor, Runner, Store, Trainer, Unary, WeightInit, matmul,
};

type Step = Box<dyn FnMut() -> f64>;

fn load(name: &str) -> Vec<f32> {
    let folder = PathBuf::from(std::env::var_os("WORKLOAD_DATA").unwrap_or_else(|| "data".into()));
    let path = folder.join(format!("{name}.bin"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

fn ensemble() -> EnsembleMlp {
    let config = EnsembleConfig { members: 5, inputs: 23, targets: 18, ..Default::default() };
    let mut ensemble = EnsembleMlp::new(config, 256, &mut Rng::new(0)).unwrap();
    for (index, layer) in ensemble.mlp().layers.clone().into_iter().enumerate() {
        ensemble.trainer.store.set(layer.weight, &load(&format!("w1_w{index}"))).unwrap();
        ensemble.trainer.store.set(layer.bias, &load(&format!("w1_b{index}"))).unwrap();
    }
    ensemble
}

/// One training step of 5 × [23-200-200-200-36], batch 256 a member.
fn w1() -> Step {
    let mut ensemble = ensemble();
    let (x, y) = (load("w1_x"), load("w1_y"));
    Box::new(move || ensemble.step(256, &[Feed::Members(&x), Feed::Members(&y)]).unwrap())
}

/// Forward of that net on `rows` rows a member, bounds included.
fn w2(rows: usize) -> Step {
    let predictor = ensemble().predictor().unwrap();
    let x: Vec<f32> = load("w2_x").chunks(2000 * 23).flat_map(|member| member[..rows * 23].to_vec()).collect();
    let mut out = vec![0.0; 5 * rows * 36];
    let mut scratch = predictor.scratch();
    Box::new(move || {
        predictor.predict(&[&x], &mut [&mut out], &mut scratch).unwrap();
        out.chunks(36).map(|row| row[..18].iter().map(|mean| f64::from(*mean)).sum::<f64>()).sum()
    })
}

/// A latent network 512 wide unrolled three steps, batch 256.
fn w3() -> Step {
    let (mut store, rng) = (Store::new(1), &mut Rng::new(0));
    let layers: Vec<Linear> = [518, 512, 512]
        .into_iter()
        .enumerate()
        .map(|(index, inputs)| {
            Linear::new(&mut store, &format!("w3_l{index}"), inputs, 512, WeightInit::LinearDefault, rng)
        })
        .collect();
    let norms: Vec<Norm> =
        (0..2).map(|index| Norm::new(&mut store, &format!("n{index}"), NormKind::Layer, 512, rng)).collect();
    let mut graph = Graph::new(1);
    graph.learn(&store);
    let mut z = graph.input(512);
    let steps: Vec<_> = (0..3).map(|_| (graph.input(6), graph.input(512))).collect();
    for (k, (action, target)) in steps.into_iter().enumerate() {
        let mut h = graph.concat(&[z, action]).unwrap();
        for layer in 0..2 {
            h = layers[layer].record(&mut graph, h, Activation::Identity).unwrap();
            h = norms[layer].record(&mut graph, h, Activation::Mish).unwrap();
        }
        z = layers[2].record(&mut graph, h, Activation::Identity).unwrap();
        let error = graph.square_error(z, target).unwrap();
        graph.minimise(error, 0.5_f32.powi(k as i32)).unwrap();
    }
    for (index, layer) in layers.iter().enumerate() {
        store.set(layer.weight, &load(&format!("w3_l{index}w"))).unwrap();
        store.set(layer.bias, &load(&format!("w3_l{index}b"))).unwrap();
    }
    let config = AdamConfig { learning_rate: 3e-4, ..Default::default() };
    let mut trainer = Trainer::new(graph, store, 256, config);
    let (z0, actions, targets) = (load("w3_z0"), load("w3_a"), load("w3_t"));
    Box::new(move || {
        let mut feeds = vec![Feed::Shared(&z0)];
        for k in 0..3 {
            feeds.push(Feed::Shared(&actions[k * 256 * 6..(k + 1) * 256 * 6]));
            feeds.push(Feed::Shared(&targets[k * 256 * 512..(k + 1) * 256 * 512]));
        }
        trainer.step(256, &feeds).unwrap()
    })
}

/// A recurrent state-space model: GRU of 256, 16 × 16 categorical latents, 16 sequences of 32 steps.
fn w4() -> Step {
    const STEPS: usize = 32;
    let (mut store, rng, init) = (Store::new(1), &mut Rng::new(0), WeightInit::LinearDefault);
    let mut layer = |name: &str, inputs: usize, outputs: usize| {
        let layer = Linear::new(&mut store, name, inputs, outputs, init, rng);
        store.set(layer.weight, &load(&format!("w4_{name}w"))).unwrap();
        store.set(layer.bias, &load(&format!("w4_{name}b"))).unwrap();
        layer
    };
    let encoder = [layer("e0", 64, 256), layer("e1", 256, 256)];
    let entry = layer("i0", 262, 256);
    let cell = GruCell { input: layer("gx", 256, 768), hidden: layer("gh", 256, 768) };
    let prior = [layer("p0", 256, 256), layer("p1", 256, 256)];
    let posterior = [layer("q0", 512, 256), layer("q1", 256, 256)];
    let decoder = [layer("d0", 512, 256), layer("d1", 256, 256), layer("d2", 256, 64)];
    let chain = |g: &mut Graph, layers: &[Linear], x: Node, last: Activation| {
        layers.iter().enumerate().fold(x, |x, (index, layer)| {
            let activation = if index + 1 == layers.len() { last } else { Activation::Silu };
            layer.record(g, x, activation).unwrap()
        })
    };

    let mut g = Graph::new(1);
    g.learn(&store);
    let (seen, actions, noise) = (g.input_rows(STEPS, 64), g.input_rows(STEPS, 6), g.input_rows(STEPS, 256));
    let encoded = chain(&mut g, &encoder, seen, Activation::Silu);
    let (mut h, mut z) = (g.constant(1, 256, 0.0).unwrap(), g.constant(1, 256, 0.0).unwrap());
    let (mut states, mut draws, mut logits) = (Vec::new(), Vec::new(), Vec::new());
    for t in 0..STEPS {
        let [action, seen, noise] = [actions, encoded, noise].map(|node| g.step(node, t).unwrap());
        let x = g.concat(&[z, action]).unwrap();
        let x = entry.record(&mut g, x, Activation::Silu).unwrap();
        h = cell.record(&mut g, x, h).unwrap();
        let both = g.concat(&[h, seen]).unwrap();
        let q = chain(&mut g, &posterior, both, Activation::Identity);
        z = g.straight_through(q, noise, 16).unwrap();
        states.push(h);
        draws.push(z);
        logits.push(q);
    }
    let [h, z, q] = [&states, &draws, &logits].map(|steps| g.stack(steps).unwrap());
    let p = chain(&mut g, &prior, h, Activation::Identity);
    let both = g.concat(&[h, z]).unwrap();
    let decoded = chain(&mut g, &decoder, both, Activation::Identity);
    let error = g.square_error(decoded, seen).unwrap();
    g.minimise(error, 64.0).unwrap();
    let (held_q, held_p) = (g.detach(q).unwrap(), g.detach(p).unwrap());
    let dynamics = g.categorical_kl(held_q, p, 16).unwrap();
    g.minimise(dynamics, 0.5).unwrap();
    let representation = g.categorical_kl(q, held_p, 16).unwrap();
    g.minimise(representation, 0.1).unwrap();

    let config = AdamConfig { learning_rate: 3e-4, ..Default::default() };
    let mut trainer = Trainer::new(g, store, 16, config);
    let (observations, actions, noise) = (load("w4_obs"), load("w4_act"), load("w4_gum"));
    Box::new(move || {
        trainer.step(16, &[Feed::Steps(&observations), Feed::Steps(&actions), Feed::Steps(&noise)]).unwrap()
    })
}

/// Four convolutions of stride 2, 3-32-64-128-256 channels, on 32 images of 64 × 64, forwards and backwards.
fn w5() -> Step {
    let (mut store, rng) = (Store::new(1), &mut Rng::new(0));
    let channels = [3, 32, 64, 128, 256];
    let layers: Vec<Conv> = (0..4)
        .map(|i| {
            let size = 64 >> i;
            let shape = ConvShape { height: size, width: size, kernel: 4, stride: 2, padding: 1 };
            let [inputs, outputs] = [channels[i], channels[i + 1]];
            let layer =
                Conv::new(&mut store, &format!("{i}"), [inputs, outputs], shape, WeightInit::LinearDefault, rng);
            // From [out][in][line][column] to [line][column][in][out].
            let plain = load(&format!("w5_w{i}"));
            let mut weight = vec![0.0; plain.len()];
            for (at, value) in plain.iter().enumerate() {
                let (out, rest) = (at / (inputs * 16), at % (inputs * 16));
                weight[(rest % 16 * inputs + rest / 16) * outputs + out] = *value;
            }
            store.set(layer.weight, &weight).unwrap();
            store.set(layer.bias, &load(&format!("w5_b{i}"))).unwrap();
            layer
        })
        .collect();
    let mut g = Graph::new(1);
    g.learn(&store);
    let x = g.input_rows(64 * 64, 3);
    let h = layers.iter().fold(x, |x, layer| layer.record(&mut g, x, Activation::Silu).unwrap());
    let square = g.unary(h, Unary::Square).unwrap();
    g.minimise(square, 1.0).unwrap();
    let mut runner = Runner::new(g, 32);
    // From [image][channel][pixel] to [image][pixel][channel].
    let plain = load("w5_x");
    let mut images = vec![0.0; plain.len()];
    for (at, value) in plain.iter().enumerate() {
        let (image, rest) = (at / (3 * 4096), at % (3 * 4096));
        images[(image * 4096 + rest % 4096) * 3 + rest / 4096] = *value;
    }
    Box::new(move || {
        runner.forward_backward(&[&store], 32, &[Feed::Shared(&images)]).unwrap();
        runner.loss(0)
    })
}

/// A small policy, 4-64-64-2, on `rows` rows.
fn w6(rows: usize) -> Step {
    let mut store = Store::new(1);
    let config =
        MlpConfig { inputs: 4, hidden: vec![64, 64], outputs: 2, activation: Activation::Relu, ..Default::default() };
    let policy = Mlp::new(&mut store, "policy", &config, &mut Rng::new(0));
    for (index, layer) in policy.layers.iter().enumerate() {
        store.set(layer.weight, &load(&format!("w6_w{index}"))).unwrap();
        store.set(layer.bias, &load(&format!("w6_b{index}"))).unwrap();
    }
    let mut graph = Graph::new(1);
    graph.freeze(&store);
    let input = graph.input(4);
    let output = policy.record(&mut graph, input).unwrap();
    let predictor = Predictor::new(&graph, &[&store], &[output]).unwrap();
    let x = load("w6_x")[..rows * 4].to_vec();
    let mut out = vec![0.0; rows * 2];
    let mut scratch = predictor.scratch();
    Box::new(move || {
        predictor.predict_member(0, &[&x], &mut [&mut out], &mut scratch).unwrap();
        out.iter().map(|value| f64::from(*value)).sum()
    })
}

/// A square product of 1024, the yardstick for shares of the peak.
fn gemm() -> Step {
    let n = 1024;
    let mut rng = Rng::new(1);
    let (mut a, mut b) = (vec![0.0; n * n], vec![0.0; n * n]);
    rng.fill_uniform(&mut a);
    rng.fill_uniform(&mut b);
    let mut c = vec![0.0; n * n];
    Box::new(move || {
        matmul(&a, &b, &mut c, [n, n, n]).unwrap();
        f64::from(c[0])
    })
}

fn build(name: &str) -> Option<Step> {
    Some(match name {
        "W1" => w1(),
        "W2a" => w2(2000),
        "W2b" => w2(64),
        "W3" => w3(),
        "W4" => w4(),
        "W5" => w5(),
        "W6a" => w6(1),
        "W6b" => w6(32),
        "GEMM" => gemm(),
        _ => return None,
    })
}

fn bench(step: &mut Step, seconds: f64) -> String {
    for _ in 0..2 {
        std::hint::black_box(step());
    }
    let start = Instant::now();
    std::hint::black_box(step());
    let inner = (2e-4 / start.elapsed().as_secs_f64().max(1e-7)).max(1.0) as usize;
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end || times.len() < 3 {
        let start = Instant::now();
        for _ in 0..inner {
            std::hint::black_box(step());
        }
        times.push(start.elapsed().as_secs_f64() / inner as f64 * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
    format!(r#"{{"med": {}, "min": {}, "p90": {}, "n": {}}}"#, at(0.5), times[0], at(0.9), times.len() * inner)
}

fn main() {
    // On a worker of the pool, as the program `worldwright` does all its work: handing over to the pool from outside costs a sleep.
    rayon::scope(|_| serve());
}

fn serve() {
    let mut steps = std::collections::BTreeMap::<String, Step>::new();
    println!("READY");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["quit"] => break,
            ["check", name, count] => match build(name) {
                Some(mut step) => {
                    let count: usize = count.parse().unwrap_or(1);
                    let losses: Vec<String> = (0..count)
                        .map(|index| (index, step()))
                        .filter(|(index, _)| [0, 1, 10, 50, 100, count - 1].contains(index))
                        .map(|(_, loss)| format!("{loss}"))
                        .collect();
                    println!("RES [{}]", losses.join(", "));
                }
                None => println!(r#"RES {{"err": "not implemented"}}"#),
            },
            ["bench", name, seconds] => {
                if !steps.contains_key(*name)
                    && let Some(mut step) = build(name)
                {
                    for _ in 0..3 {
                        std::hint::black_box(step());
                    }
                    steps.insert((*name).to_owned(), step);
                }
                match steps.get_mut(*name) {
                    Some(step) => println!("RES {}", bench(step, seconds.parse().unwrap_or(0.5))),
                    None => println!(r#"RES {{"err": "not implemented"}}"#),
                }
            }
            _ => println!(r#"RES {{"err": "unknown request"}}"#),
        }
    }
}
