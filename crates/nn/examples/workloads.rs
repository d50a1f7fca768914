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
    Activation, AdamConfig, EnsembleConfig, EnsembleMlp, Feed, Init, Parameter, Predictor, Tape, Trainer, matmul,
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
    for (index, (weight, bias)) in ensemble.mlp().layers.clone().into_iter().enumerate() {
        ensemble.trainer.parameters.set(weight, &load(&format!("w1_w{index}"))).unwrap();
        ensemble.trainer.parameters.set(bias, &load(&format!("w1_b{index}"))).unwrap();
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
    let predictor = ensemble().predictor();
    let x: Vec<f32> = load("w2_x").chunks(2000 * 23).flat_map(|member| member[..rows * 23].to_vec()).collect();
    let mut out = vec![0.0; 5 * rows * 36];
    let mut scratch = predictor.scratch();
    Box::new(move || {
        predictor.predict(&x, &mut out, &mut scratch).unwrap();
        out.chunks(36).map(|row| row[..18].iter().map(|mean| f64::from(*mean)).sum::<f64>()).sum()
    })
}

/// A latent network 512 wide unrolled three steps, batch 256.
fn w3() -> Step {
    let mut tape = Tape::new(1);
    let mut set: Vec<(Parameter, String)> = Vec::new();
    let mut layers = Vec::new();
    let mut norms = Vec::new();
    for (index, inputs) in [518, 512, 512].into_iter().enumerate() {
        let weight = tape.parameter(format!("l{index}.weight"), inputs, 512, Init::LinearDefault { inputs });
        let bias = tape.parameter(format!("l{index}.bias"), 1, 512, Init::LinearDefault { inputs });
        set.extend([(weight, format!("w3_l{index}w")), (bias, format!("w3_l{index}b"))]);
        layers.push((weight, bias));
        if index < 2 {
            norms.push((
                tape.parameter(format!("n{index}.gain"), 1, 512, Init::Constant(1.0)),
                tape.parameter(format!("n{index}.shift"), 1, 512, Init::Constant(0.0)),
            ));
        }
    }
    let mut z = tape.input(512);
    let steps: Vec<_> = (0..3).map(|_| (tape.input(6), tape.input(512))).collect();
    for (k, (action, target)) in steps.into_iter().enumerate() {
        let mut h = tape.concat(&[z, action]);
        for layer in 0..2 {
            h = tape.linear(h, layers[layer].0, Some(layers[layer].1), Activation::Identity).unwrap();
            h = tape.layer_norm(h, norms[layer].0, norms[layer].1, 1e-5, Activation::Mish).unwrap();
        }
        z = tape.linear(h, layers[2].0, Some(layers[2].1), Activation::Identity).unwrap();
        tape.mse(z, target, None, 0.5_f32.powi(k as i32)).unwrap();
    }
    let config = AdamConfig { learning_rate: 3e-4, ..Default::default() };
    let mut trainer = Trainer::new(tape, 256, config, &mut Rng::new(0));
    for (parameter, name) in set {
        trainer.parameters.set(parameter, &load(&name)).unwrap();
    }
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

/// A small policy, 4-64-64-2, on `rows` rows.
fn w6(rows: usize) -> Step {
    let mut tape = Tape::new(1);
    let sizes = [4, 64, 64, 2];
    let layers: Vec<(Parameter, Parameter)> = (0..3)
        .map(|i| {
            let weight = tape.parameter(format!("{i}.weight"), sizes[i], sizes[i + 1], Init::Constant(0.0));
            (weight, tape.parameter(format!("{i}.bias"), 1, sizes[i + 1], Init::Constant(0.0)))
        })
        .collect();
    let mut parameters = tape.initialise(&mut Rng::new(0));
    for (i, (weight, bias)) in layers.iter().enumerate() {
        parameters.set(*weight, &load(&format!("w6_w{i}"))).unwrap();
        parameters.set(*bias, &load(&format!("w6_b{i}"))).unwrap();
    }
    let predictor = Predictor::new(&parameters, &layers, Activation::Relu);
    let x = load("w6_x")[..rows * 4].to_vec();
    let mut out = vec![0.0; rows * 2];
    let mut scratch = predictor.scratch();
    Box::new(move || {
        predictor.predict_member(0, &x, &mut out, &mut scratch).unwrap();
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
