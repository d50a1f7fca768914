//! A steady step allocates nothing.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use worldwright_core::Rng;
use worldwright_nn::{EnsembleConfig, EnsembleMlp, Feed, Groups};

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
