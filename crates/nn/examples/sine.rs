//! Fits a small network to a sine and asks it for a prediction: stores, graphs, training and inference in forty lines.
//!
//! `cargo run -p worldwright-nn --example sine`
#![allow(clippy::print_stdout)]

use worldwright_core::{Result, Rng};
use worldwright_nn::{AdamConfig, Feed, Graph, Mlp, MlpConfig, Predictor, Store, Trainer};

fn main() -> Result<()> {
    let rng = &mut Rng::new(0);
    // Numbers live in a store; a layer is a set of handles to them.
    let mut store = Store::new(1);
    let config = MlpConfig { inputs: 1, hidden: vec![32, 32], outputs: 1, ..Default::default() };
    let network = Mlp::new(&mut store, "sine", &config, rng);

    // A graph is a computation, bound to the stores that it uses: to learn here …
    let mut graph = Graph::new(1);
    graph.learn(&store);
    let (x, y) = (graph.input(1), graph.input(1));
    let prediction = network.record(&mut graph, x)?;
    let error = graph.square_error(prediction, y)?;
    graph.minimise(error, 1.0)?;

    let xs: Vec<f32> = (0..256).map(|i| i as f32 / 40.0 - 3.2).collect();
    let ys: Vec<f32> = xs.iter().map(|x| x.sin()).collect();
    let mut trainer = Trainer::new(graph, store, 256, AdamConfig { learning_rate: 3e-3, ..Default::default() });
    for step in 0..=1000 {
        let loss = trainer.step(256, &[Feed::Shared(&xs), Feed::Shared(&ys)])?;
        if step % 200 == 0 {
            println!("step {step:4}: mean squared error {loss:.6}");
        }
    }

    // … and frozen here, for inference of any number of rows.
    let mut graph = Graph::new(1);
    graph.freeze(&trainer.store);
    let x = graph.input(1);
    let prediction = network.record(&mut graph, x)?;
    let predictor = Predictor::new(&graph, &[&trainer.store], &[prediction])?;
    let mut out = [0.0; 2];
    predictor.predict(&[&[0.5, 1.5]], &mut [&mut out], &mut predictor.scratch())?;
    println!(
        "sin 0.5 = {:.4}, predicted {:.4}; sin 1.5 = {:.4}, predicted {:.4}",
        0.5_f32.sin(),
        out[0],
        1.5_f32.sin(),
        out[1]
    );
    Ok(())
}
