//! A steady step allocates nothing.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use worldwright_core::Rng;
use worldwright_nn::{
    Activation, Adam, AdamConfig, Conv, ConvShape, EnsembleConfig, EnsembleMlp, Feed, Graph, Groups, GruCell, Linear,
    Predictor, Runner, SelfAttention, Store, WeightInit,
};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread so far.
pub(crate) fn allocated() -> usize {
    COUNT.get()
}

#[test]
fn training_and_inference_allocate_nothing() {
    // On one thread of a pool, where every task runs here and is counted.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let config = EnsembleConfig {
            members: 5,
            inputs: 8,
            targets: 4,
            logits: 1,
            weighted: true,
            hidden: vec![64, 64],
            ..Default::default()
        };
        let mut ensemble = EnsembleMlp::new(config, 256, &mut Rng::new(0)).unwrap();
        ensemble.trainer.adam.config.max_norm = 1.0;
        let (x, y, label, weight) = (vec![0.1; 256 * 8], vec![0.2; 256 * 4], vec![1.0; 256], vec![1.0; 256]);
        let feeds = [Feed::Shared(&x), Feed::Shared(&y), Feed::Shared(&label), Feed::Shared(&weight)];
        let predictor = ensemble.predictor().unwrap();
        let mut scratch = predictor.scratch();
        let member_of: Vec<u32> = (0..256).map(|row| row % 5).collect();
        let mut groups = Groups::new(5, 256);
        let mut out = vec![0.0; 256 * 9];
        let mut losses = [0.0; 5];
        let mut round = || {
            ensemble.step(256, &feeds).unwrap();
            ensemble.evaluate(256, &feeds, &mut losses).unwrap();
            groups.assign(5, &member_of).unwrap();
            predictor.predict_grouped(&[&x], &groups, &mut [&mut out], &mut scratch).unwrap();
        };
        round();
        let before = COUNT.get();
        for _ in 0..20 {
            round();
        }
        assert_eq!(COUNT.get() - before, 0);
    });
}

#[test]
fn recurrent_networks_allocate_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let (mut store, rng, init) = (Store::new(1), &mut Rng::new(0), WeightInit::LinearDefault);
        let shape = ConvShape { height: 4, width: 4, kernel: 4, stride: 2, padding: 1 };
        let conv = Conv::new(&mut store, "conv", [3, 8], shape, init, rng);
        let attention = SelfAttention::new(&mut store, "attention", 32, 4, init, rng);
        let cell = GruCell::new(&mut store, "cell", 32, 64, init, rng);
        let head = Linear::new(&mut store, "head", 64, 16, init, rng);
        let mut target = store.twin();
        let mut g = Graph::new(1);
        g.freeze(&target);
        g.learn(&store);
        let (images, noise) = (g.input_rows(5 * 16, 3), g.input_rows(5, 16));
        let x = conv.record(&mut g, images, Activation::Silu).unwrap();
        let x = g.reshape(x, 5, 32).unwrap();
        let x = attention.record(&mut g, x, true).unwrap();
        let mut h = g.constant(1, 64, 0.0).unwrap();
        let mut draws = Vec::new();
        for t in 0..5 {
            let (x, noise) = (g.step(x, t).unwrap(), g.step(noise, t).unwrap());
            h = cell.record(&mut g, x, h).unwrap();
            let logits = head.record(&mut g, h, Activation::Identity).unwrap();
            draws.push(g.straight_through(logits, noise, 4).unwrap());
        }
        let draws = g.stack(&draws).unwrap();
        g.minimise(draws, 1.0).unwrap();
        let mut predictor = Predictor::new(&g, &[&store, &target], &[draws]).unwrap();
        let mut runner = Runner::new(g, 16);
        let mut adam = Adam::new(&store, AdamConfig::default());
        let (images, noise) = (vec![7_u8; 16 * 80 * 3], vec![0.5; 16 * 5 * 16]);
        let floats = vec![0.1; images.len()];
        let mut out = vec![0.0; 16 * 5 * 16];
        let mut scratch = predictor.scratch();
        let mut round = || {
            let feeds = [Feed::Bytes { data: &images, scale: 0.01, shift: 0.0 }, Feed::Shared(&noise)];
            runner.forward_backward(&[&store, &target], 16, &feeds).unwrap();
            adam.step(&mut store, &runner).unwrap();
            target.follow(&store, 0.1).unwrap();
            predictor.refresh(&[&store, &target]).unwrap();
            predictor.predict(&[&floats, &noise], &mut [&mut out], &mut scratch).unwrap();
        };
        round();
        let before = COUNT.get();
        for _ in 0..5 {
            round();
        }
        assert_eq!(COUNT.get() - before, 0);
    });
}
