//! Training: learns, repeats on any number of threads, and goes on from where it was saved.

use worldwright_core::{Persist, Rng};
use worldwright_nn::{EnsembleConfig, EnsembleMlp, Feed};

const ROWS: usize = 300;

fn data() -> (Vec<f32>, Vec<f32>) {
    let mut x = vec![0.0; ROWS * 2];
    Rng::new(3).fill_normal(&mut x);
    let y = x.chunks(2).flat_map(|row| [(2.0 * row[0]).sin() + 0.3 * row[1], row[0] * row[1]]).collect();
    (x, y)
}

fn ensemble() -> EnsembleMlp {
    let config = EnsembleConfig { members: 3, inputs: 2, targets: 2, hidden: vec![70, 64], ..Default::default() };
    EnsembleMlp::new(config, ROWS, &mut Rng::new(1)).unwrap()
}

fn train(ensemble: &mut EnsembleMlp, steps: usize) -> f64 {
    let (x, y) = data();
    let index: Vec<u32> = (0..3 * ROWS as u32).map(|i| i * 7919 % ROWS as u32).collect();
    let feeds = [Feed::Gather { table: &x, index: &index }, Feed::Gather { table: &y, index: &index }];
    (0..steps).map(|_| ensemble.step(ROWS, &feeds).unwrap()).last().unwrap()
}

#[test]
fn an_ensemble_learns_and_says_how_well_per_member() {
    let mut ensemble = ensemble();
    let (x, y) = data();
    let mut losses = [0.0; 3];
    train(&mut ensemble, 400);
    ensemble.evaluate(ROWS, &[Feed::Shared(&x), Feed::Shared(&y)], &mut losses).unwrap();
    // The best constant prediction has the log-variance of the targets, about zero: its loss is near 1.
    assert!(losses.iter().all(|loss| *loss < -2.0), "{losses:?}");
    // Parts beyond the room add up to the same mean.
    let (x5, y5) = (x.repeat(5), y.repeat(5));
    let mut parts = [0.0; 3];
    ensemble.evaluate(5 * ROWS, &[Feed::Shared(&x5), Feed::Shared(&y5)], &mut parts).unwrap();
    assert!(losses.iter().zip(&parts).all(|(a, b)| (a - b).abs() < 1e-4), "{losses:?} {parts:?}");
}

#[test]
fn one_and_two_threads_learn_the_same_bytes() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut ensemble = ensemble();
            train(&mut ensemble, 10);
            ensemble.save()
        })
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn a_restored_ensemble_goes_on_with_the_same_bytes() {
    let mut whole = ensemble();
    train(&mut whole, 5);
    let mut resumed = EnsembleMlp::new(whole.config().clone(), ROWS, &mut Rng::new(99)).unwrap();
    resumed.restore(&whole.save()).unwrap();
    train(&mut whole, 5);
    train(&mut resumed, 5);
    assert_eq!(whole.save(), resumed.save());
}

#[test]
fn wrong_feeds_are_errors() {
    let mut ensemble = ensemble();
    let (x, y) = data();
    assert!(ensemble.step(ROWS, &[Feed::Shared(&x)]).is_err());
    assert!(ensemble.step(ROWS - 1, &[Feed::Shared(&x), Feed::Shared(&y)]).is_err());
    let index = vec![ROWS as u32; 3 * ROWS];
    let feeds = [Feed::Gather { table: &x, index: &index }, Feed::Gather { table: &y, index: &index }];
    assert!(ensemble.step(ROWS, &feeds).is_err());
}

#[test]
fn dead_units_reach_no_denormal_number() {
    let mut ensemble = ensemble();
    let mut index = vec![0_u32; 3 * ROWS];
    let (mut x, y) = data();
    x.fill(0.0);
    index.fill(1);
    // Inputs of zero leave the first layer without gradient: its moments decay from what one real step left.
    train(&mut ensemble, 1);
    for _ in 0..1200 {
        let feeds = [Feed::Gather { table: &x, index: &index[..3] }, Feed::Gather { table: &y, index: &index[..3] }];
        ensemble.step(1, &feeds).unwrap();
    }
    let state = ensemble.save();
    for (name, array) in state.iter() {
        if let worldwright_core::Array::F32(_, values) = array {
            assert!(!values.iter().any(|value| value.is_subnormal()), "{name}");
        }
    }
}
