//! Stores: what handles mean, twins, bindings, and optimisers over parts of one store.

use worldwright_core::{Persist, Rng};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Feed, Graph, Init, Linear, Mlp, MlpConfig, Runner, Store, WeightInit,
};

const ROWS: usize = 12;

fn normals(len: usize, seed: u64) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    Rng::new(seed).fill_normal(&mut numbers);
    numbers
}

fn network(store: &mut Store, inputs: usize, outputs: usize, seed: u64) -> Mlp {
    let config = MlpConfig { inputs, hidden: vec![16], outputs, ..Default::default() };
    Mlp::new(store, "net", &config, &mut Rng::new(seed))
}

#[test]
fn a_twin_follows_its_leader() {
    let mut leader = Store::new(1);
    let weight = leader.parameter("w", 2, 3, Init::Constant(1.0), &mut Rng::new(0));
    let mut target = leader.twin();
    leader.set(weight, &[5.0; 6]).unwrap();
    assert_eq!(target.get(weight).unwrap(), [1.0; 6]);
    target.follow(&leader, 0.25).unwrap();
    assert_eq!(target.get(weight).unwrap(), [2.0; 6]);
    target.follow(&leader, 0.25).unwrap();
    assert_eq!(target.get(weight).unwrap(), [2.75; 6]);
    assert!(target.follow(&Store::new(1), 0.5).is_err());
}

#[test]
fn a_handle_is_refused_where_its_store_is_not_bound() {
    let (mut store, mut other) = (Store::new(1), Store::new(1));
    let layer = Linear::new(&mut store, "a", 2, 2, WeightInit::LinearDefault, &mut Rng::new(0));
    other.parameter("b", 2, 2, Init::Constant(0.0), &mut Rng::new(0));
    assert!(other.get(layer.weight).is_err());
    let mut graph = Graph::new(1);
    let x = graph.input(2);
    assert!(layer.record(&mut graph, x, Activation::Identity).is_err());
    graph.learn(&other);
    let refused = layer.record(&mut graph, x, Activation::Identity).unwrap_err();
    assert!(refused.to_string().contains("not bound"), "{refused}");
    graph.learn(&store);
    layer.record(&mut graph, x, Activation::Identity).unwrap();
    // At a pass, every store that is used has to be there.
    let mut runner = Runner::new(graph, 1);
    assert!(runner.forward(&[&other], 1, &[Feed::Shared(&[0.0; 2])]).is_err());
    runner.forward(&[&other, &store], 1, &[Feed::Shared(&[0.0; 2])]).unwrap();
    assert!(Adam::over(&other, &[layer.weight], AdamConfig::default()).is_err());
}

/// One graph with a network that learns, its target and its frozen self equals three graphs with numbers of their own.
#[test]
fn the_same_layers_learn_are_frozen_and_are_a_target() {
    let mut store = Store::new(1);
    let net = network(&mut store, 3, 3, 1);
    let mut target = store.twin();
    target.reinitialise(&mut Rng::new(2));
    let mut graph = Graph::new(1);
    let x = graph.differentiable_input(3);
    graph.learn(&store);
    let online = net.record(&mut graph, x).unwrap();
    graph.freeze(&target);
    let slow = net.record(&mut graph, online).unwrap();
    graph.freeze(&store);
    let frozen = net.record(&mut graph, slow).unwrap();
    graph.minimise(frozen, 1.0).unwrap();
    let mut runner = Runner::new(graph, ROWS);
    let data = normals(ROWS * 3, 3);
    runner.forward_backward(&[&target, &store], ROWS, &[Feed::Shared(&data)]).unwrap();

    // The same with a copy of each network as a store of another form, all learning.
    let (mut second, mut third) = (Store::new(1), Store::new(1));
    let (second_net, third_net) = (network(&mut second, 3, 3, 2), network(&mut third, 3, 3, 1));
    let mut whole = Graph::new(1);
    let x = whole.differentiable_input(3);
    [&store, &second, &third].iter().for_each(|store| whole.learn(store));
    let mut node = net.record(&mut whole, x).unwrap();
    node = second_net.record(&mut whole, node).unwrap();
    node = third_net.record(&mut whole, node).unwrap();
    whole.minimise(node, 1.0).unwrap();
    let mut apart = Runner::new(whole, ROWS);
    apart.forward_backward(&[&store, &second, &third], ROWS, &[Feed::Shared(&data)]).unwrap();
    assert_eq!(runner.loss(0), apart.loss(0));
    for layer in &net.layers {
        assert_eq!(runner.gradient(layer.weight).unwrap(), apart.gradient(layer.weight).unwrap());
    }
    assert!(runner.gradient(net.layers[0].weight).unwrap().iter().any(|gradient| *gradient != 0.0));
}

#[test]
fn optimisers_share_a_store_without_touching_each_others_parameters() {
    let (mut store, rng) = (Store::new(1), &mut Rng::new(4));
    let first = Linear::new(&mut store, "first", 3, 8, WeightInit::LinearDefault, rng);
    let second = Linear::new(&mut store, "second", 8, 2, WeightInit::LinearDefault, rng);
    let mut graph = Graph::new(1);
    graph.learn(&store);
    let x = graph.input(3);
    let h = first.record(&mut graph, x, Activation::Tanh).unwrap();
    let y = second.record(&mut graph, h, Activation::Identity).unwrap();
    let zero = graph.constant(1, 2, 1.0).unwrap();
    let error = graph.square_error(y, zero).unwrap();
    graph.minimise(error, 1.0).unwrap();
    let mut runner = Runner::new(graph, ROWS);
    let data = normals(ROWS * 3, 5);
    let config = AdamConfig { learning_rate: 0.01, max_norm: 0.5, ..Default::default() };
    let mut slow = Adam::over(&store, &[first.weight, first.bias], config).unwrap();
    let mut fast =
        Adam::over(&store, &[second.weight, second.bias], AdamConfig { learning_rate: 0.1, ..config }).unwrap();
    let before = store.clone();
    runner.forward_backward(&[&store], ROWS, &[Feed::Shared(&data)]).unwrap();
    slow.step(&mut store, &runner).unwrap();
    assert_ne!(store.get(first.weight).unwrap(), before.get(first.weight).unwrap());
    assert_eq!(store.get(second.weight).unwrap(), before.get(second.weight).unwrap());
    fast.step(&mut store, &runner).unwrap();
    // The first step of Adam is the learning rate in the gradient's direction.
    for (old, new) in before.get(second.bias).unwrap().iter().zip(store.get(second.bias).unwrap()) {
        assert!(((old - new).abs() - 0.1).abs() < 1e-4, "{old} {new}");
    }
    // Both go on from where they were saved.
    let (saved_store, saved) = (store.save(), slow.save());
    let mut resumed = Adam::over(&store, &[first.bias, first.weight], config).unwrap();
    resumed.restore(&saved).unwrap();
    runner.forward_backward(&[&store], ROWS, &[Feed::Shared(&data)]).unwrap();
    slow.step(&mut store, &runner).unwrap();
    let after = store.save();
    store.restore(&saved_store).unwrap();
    resumed.step(&mut store, &runner).unwrap();
    assert_eq!(store.save(), after);
    assert!(slow.step(&mut store.twin(), &runner).is_err());
}
