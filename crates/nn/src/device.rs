//! Where numbers lie and kernels run.
//!
//! Runners, optimisers and predictors ask a device for memory, hand it kernels, and let it share out tasks. The processor is the one
//! inhabitant. Kernels are `pulp`'s: code that is generic over the vector instructions, compiled for each set, chosen at run time.

use pulp::{Arch, WithSimd};
use rayon::prelude::*;

use crate::buffer::Buffer;

/// Multiply-adds below which waking another thread costs more than it saves: about 100 µs of one core.
pub(crate) const PARALLEL_WORK: usize = 3_000_000;

/// What everything above the kernels needs of a machine.
pub(crate) trait Device: Copy + Send + Sync {
    /// `len` zeros, aligned to cache lines.
    fn allocate(self, len: usize) -> Buffer;

    /// Runs a kernel on the calling thread.
    fn run<K: WithSimd>(self, kernel: K) -> K::Output;

    /// Runs `task` on each item, side by side where `work` multiply-adds in all are worth it. Tasks may not depend on each other.
    fn each<T: Send>(self, work: usize, items: &mut [T], task: impl Fn(usize, &mut T) + Sync + Send);
}

/// The processor with whatever vector instructions it has, and rayon's threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu(Arch);

impl Cpu {
    /// Looks up once which instructions there are.
    pub(crate) fn new() -> Self {
        Self(Arch::new())
    }
}

impl Device for Cpu {
    fn allocate(self, len: usize) -> Buffer {
        Buffer::zeros(len)
    }

    #[inline(always)]
    fn run<K: WithSimd>(self, kernel: K) -> K::Output {
        self.0.dispatch(kernel)
    }

    fn each<T: Send>(self, work: usize, items: &mut [T], task: impl Fn(usize, &mut T) + Sync + Send) {
        if work > PARALLEL_WORK && items.len() > 1 {
            items.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, item)| task(index, item));
        } else {
            items.iter_mut().enumerate().for_each(|(index, item)| task(index, item));
        }
    }
}
