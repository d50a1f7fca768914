//! Sequences: feeds, unrolled lengths, threads, and a latent model imagined on one graph with policy and value.

use worldwright_core::{Result, Rng};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Cell, Conv, ConvShape, Feed, Graph, GruCell, Latent, Linear, Mlp, MlpConfig, Node,
    Predictor, Runner, SelfAttention, Stepped, Store, WeightInit,
};

fn normals(len: usize, seed: u64) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    Rng::new(seed).fill_normal(&mut numbers);
    numbers
}

/// A small recurrent state-space model: a recurrent part and categorical draws of 4 × 4.
struct TinyCell {
    cell: GruCell,
    prior: Linear,
    reward: Linear,
    continues: Linear,
}

impl TinyCell {
    fn new(store: &mut Store, rng: &mut Rng) -> Self {
        let mut layer =
            |name: &str, inputs, outputs| Linear::new(store, name, inputs, outputs, WeightInit::LinearDefault, rng);
        let (input, hidden) = (layer("input", 18, 60), layer("hidden", 20, 60));
        let prior = layer("prior", 20, 16);
        let (reward, continues) = (layer("reward", 36, 1), layer("continues", 36, 1));
        Self { cell: GruCell { input, hidden }, prior, reward, continues }
    }
}

impl Cell for TinyCell {
    fn begin(&self, graph: &mut Graph, rows: usize) -> Result<Latent> {
        Ok(Latent { parts: vec![graph.constant(rows, 20, 0.0)?, graph.constant(rows, 16, 0.25)?] })
    }

    fn step(&self, graph: &mut Graph, latent: &Latent, action: Node, noise: Node) -> Result<Stepped> {
        let x = graph.concat(&[latent.parts[1], action])?;
        let h = self.cell.record(graph, x, latent.parts[0])?;
        let logits = self.prior.record(graph, h, Activation::Identity)?;
        // Soft draws here, so that there are slopes to measure.
        let tilted = graph.add(logits, noise)?;
        let z = graph.softmax(tilted, 4)?;
        let latent = Latent { parts: vec![h, z] };
        let feature = latent.feature(graph)?;
        let reward = self.reward.record(graph, feature, Activation::Identity)?;
        let continues = self.continues.record(graph, feature, Activation::Sigmoid)?;
        Ok(Stepped { latent, reward, continues })
    }

    fn noise(&self) -> usize {
        16
    }
}

/// Imagines `steps` steps from each of three states of a sample and minimises the negative λ-return. Returns the graph and the noise that it takes.
fn imagine(model: (&TinyCell, &Store), actor: (&Mlp, &Store), critic: (&Mlp, &Store), steps: usize) -> Result<Graph> {
    let mut g = Graph::new(1);
    g.freeze(model.1);
    g.learn(actor.1);
    g.freeze(critic.1);
    let start = g.input_rows(3, 20);
    let noise = g.input_rows(3 * steps, 16);
    let begun = model.0.begin(&mut g, 3)?;
    let mut latent = Latent { parts: vec![start, begun.parts[1]] };
    let (mut rewards, mut values, mut discounts) = (Vec::new(), Vec::new(), Vec::new());
    for t in 0..steps {
        let feature = latent.feature(&mut g)?;
        let action = actor.0.record(&mut g, feature)?;
        let action = g.activation(action, Activation::Tanh)?;
        let noise = g.steps(noise, 3 * t, 3)?;
        let stepped = model.0.step(&mut g, &latent, action, noise)?;
        let feature = stepped.latent.feature(&mut g)?;
        let value = critic.0.record(&mut g, feature)?;
        // A row for each step, a column for each start.
        rewards.push(g.reshape(stepped.reward, 1, 3)?);
        values.push(g.reshape(value, 1, 3)?);
        let discount = g.affine(stepped.continues, 0.95, 0.0)?;
        discounts.push(g.reshape(discount, 1, 3)?);
        latent = stepped.latent;
    }
    let [rewards, values, discounts] = [&rewards, &values, &discounts].map(|parts| g.stack(parts));
    let returns = g.lambda_return(rewards?, values?, discounts?, 0.9)?;
    g.minimise(returns, -1.0)?;
    Ok(g)
}

#[test]
fn the_gradient_through_fifteen_imagined_steps_equals_differences() {
    let rng = &mut Rng::new(1);
    let (mut model_store, mut actor_store, mut critic_store) = (Store::new(1), Store::new(1), Store::new(1));
    let model = TinyCell::new(&mut model_store, rng);
    let config = MlpConfig { inputs: 36, hidden: vec![24], outputs: 2, ..Default::default() };
    let actor = Mlp::new(&mut actor_store, "actor", &config, rng);
    let critic = Mlp::new(&mut critic_store, "critic", &MlpConfig { outputs: 1, ..config }, rng);
    let graph = imagine((&model, &model_store), (&actor, &actor_store), (&critic, &critic_store), 15).unwrap();
    let mut runner = Runner::new(graph, 4);
    let (start, noise) = (normals(4 * 60, 2), normals(4 * 45 * 16, 3));
    let weights: Vec<_> = actor.layers.iter().flat_map(|layer| [layer.weight, layer.bias]).collect();
    let origin = actor_store.clone();
    let ways: Vec<Vec<f32>> =
        weights.iter().map(|weight| normals(origin.shape(*weight).unwrap().iter().product(), 4)).collect();
    let mut loss = |by: f32| {
        for (weight, way) in weights.iter().zip(&ways) {
            let moved: Vec<f32> = origin.get(*weight).unwrap().iter().zip(way).map(|(a, b)| a + by * b).collect();
            actor_store.set(*weight, &moved).unwrap();
        }
        let stores = [&model_store, &actor_store, &critic_store];
        runner.forward_backward(&stores, 4, &[Feed::Shared(&start), Feed::Shared(&noise)]).unwrap();
        let slope: f64 = (weights.iter().zip(&ways))
            .map(|(weight, way)| {
                let gradient = runner.gradient(*weight).unwrap();
                gradient.iter().zip(way).map(|(g, w)| f64::from(g * w)).sum::<f64>()
            })
            .sum();
        (runner.loss(0), slope)
    };
    let step = 1e-3;
    let measured = (loss(step).0 - loss(-step).0) / (2.0 * f64::from(step));
    let (_, slope) = loss(0.0);
    assert!(slope.abs() > 1e-3, "{slope}");
    assert!((measured - slope).abs() < 5e-3 * slope.abs().max(0.05), "measured {measured}, computed {slope}");
    // The frozen parts have no gradient to be had.
    assert!(runner.gradient(model.prior.weight).is_err());
}

/// A graph of everything that mixes rows, for sixteen sequences of six steps.
fn mixed() -> (Graph, Store) {
    let (mut store, rng) = (Store::new(1), &mut Rng::new(5));
    let shape = ConvShape { height: 4, width: 4, kernel: 4, stride: 2, padding: 1 };
    let conv = Conv::new(&mut store, "conv", [3, 8], shape, WeightInit::LinearDefault, rng);
    let entry = Linear::new(&mut store, "entry", 32, 128, WeightInit::LinearDefault, rng);
    let attention = SelfAttention::new(&mut store, "attention", 128, 4, WeightInit::LinearDefault, rng);
    let cell = GruCell::new(&mut store, "cell", 128, 128, WeightInit::LinearDefault, rng);
    let mut g = Graph::new(1);
    g.learn(&store);
    let images = g.input_rows(6 * 16, 3);
    let x = conv.record(&mut g, images, Activation::Silu).unwrap();
    let x = g.reshape(x, 6, 32).unwrap();
    let x = entry.record(&mut g, x, Activation::Silu).unwrap();
    let x = attention.record(&mut g, x, true).unwrap();
    let mut h = g.constant(1, 128, 0.0).unwrap();
    let mut states = Vec::new();
    for t in 0..6 {
        let x = g.step(x, t).unwrap();
        h = cell.record(&mut g, x, h).unwrap();
        states.push(h);
    }
    let states = g.stack(&states).unwrap();
    let error = g.square_error(states, x).unwrap();
    g.minimise(error, 1.0).unwrap();
    (g, store)
}

#[test]
fn one_and_two_threads_learn_the_same_bytes_from_sequences() {
    for batch_wide in [false, true] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut graph, mut store) = mixed();
                if batch_wide {
                    // A batch that may not be cut: then single products are shared out.
                    let x = graph.input_rows(6, 1);
                    let standard = graph.standardise(x, 1e-3).unwrap();
                    graph.minimise(standard, 1.0).unwrap();
                }
                let mut runner = Runner::new(graph, 16);
                let mut adam = Adam::new(&store, AdamConfig { max_norm: 1.0, ..Default::default() });
                let (images, extra) = (normals(16 * 96 * 3, 6), normals(16 * 6, 7));
                let mut feeds = vec![Feed::Shared(&images)];
                if batch_wide {
                    feeds.push(Feed::Shared(&extra));
                }
                let mut losses = Vec::new();
                for _ in 0..5 {
                    runner.forward_backward(&[&store], 16, &feeds).unwrap();
                    adam.step(&mut store, &runner).unwrap();
                    losses.push(runner.loss(0));
                }
                (worldwright_core::Persist::save(&store), losses)
            })
        };
        assert_eq!(on(1), on(2));
    }
}

#[test]
fn feeds_of_every_kind_say_the_same() {
    let mut g = Graph::new(1);
    let x = g.input_rows(3, 2);
    let mut runner = Runner::new(g, 20);
    let bytes: Vec<u8> = (0..20 * 6).map(|i| (i * 7 % 251) as u8).collect();
    let plain: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0 - 0.5).collect();
    let mut steps = vec![0.0; plain.len()];
    for (at, value) in plain.iter().enumerate() {
        let (sample, row, col) = (at / 6, at % 6 / 2, at % 2);
        steps[(row * 20 + sample) * 2 + col] = *value;
    }
    let index: Vec<u32> = (0..20).collect();
    let feeds = [
        Feed::Shared(&plain),
        Feed::Members(&plain),
        Feed::Steps(&steps),
        Feed::Gather { table: &plain, index: &index },
        Feed::Bytes { data: &bytes, scale: 1.0 / 255.0, shift: -0.5 },
    ];
    for feed in feeds {
        runner.forward(&[], 20, &[feed]).unwrap();
        let mut out = vec![0.0; plain.len()];
        runner.read(x, &mut out).unwrap();
        assert!(out.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-6), "{feed:?}");
    }
}

#[test]
fn another_length_is_another_graph_over_the_same_numbers() {
    let (mut store, rng) = (Store::new(1), &mut Rng::new(8));
    let cell = GruCell::new(&mut store, "cell", 3, 10, WeightInit::LinearDefault, rng);
    let unrolled = |steps: usize| {
        let mut g = Graph::new(1);
        g.learn(&store);
        let x = g.input_rows(steps, 3);
        let mut h = g.constant(1, 10, 0.0).unwrap();
        for t in 0..steps {
            let x = g.step(x, t).unwrap();
            h = cell.record(&mut g, x, h).unwrap();
        }
        (g, h)
    };
    let x = normals(4 * 5 * 3, 9);
    let last = |steps: usize, x: &[f32], samples: usize| {
        let (g, h) = unrolled(steps);
        let mut runner = Runner::new(g, samples);
        runner.forward(&[&store], samples, &[Feed::Shared(x)]).unwrap();
        let mut out = vec![0.0; samples * 10];
        runner.read(h, &mut out).unwrap();
        out
    };
    let whole = last(5, &x, 4);
    // Two steps, then three from where they ended, would need a start; five steps of one sample need none.
    assert_eq!(last(5, &x[15..30], 1), whole[10..20]);
    // A predictor of that graph says the same, and takes on new numbers.
    let (g, h) = unrolled(5);
    let mut predictor = Predictor::new(&g, &[&store], &[h]).unwrap();
    let (mut scratch, mut out) = (predictor.scratch(), vec![0.0; 40]);
    predictor.predict(&[&x], &mut [&mut out], &mut scratch).unwrap();
    assert_eq!(out, whole);
    let mut changed = store.clone();
    changed.reinitialise(&mut Rng::new(10));
    predictor.refresh(&[&changed]).unwrap();
    predictor.predict(&[&x], &mut [&mut out], &mut scratch).unwrap();
    assert_ne!(out, whole);
    predictor.refresh(&[&store]).unwrap();
    predictor.predict(&[&x], &mut [&mut out], &mut scratch).unwrap();
    assert_eq!(out, whole);
}
