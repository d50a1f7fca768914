//! Counting allocations: install [`CountingAllocator`] in a test binary, then ask [`count`] what a closure allocates.
//!
//! ```
//! use worldwright_testkit::allocations::{CountingAllocator, count};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let (numbers, allocated) = count(|| vec![1, 2, 3]);
//! assert_eq!((numbers.len(), allocated), (3, 1));
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting allocations and reallocations of each thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

fn increment() {
    // A thread that is being torn down has no counter left; nobody reads it then.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every method hands its arguments unchanged to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        increment();
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `GlobalAlloc::dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        increment();
        // SAFETY: the caller keeps `GlobalAlloc::realloc`'s contract.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Runs `work` and returns what it gave with the number of allocations that this thread made in it. Always zero where
/// [`CountingAllocator`] is not the global allocator: see [`installed`].
pub fn count<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNT.get();
    let result = work();
    (result, COUNT.get() - before)
}

/// Whether allocations are counted at all.
pub fn installed() -> bool {
    count(|| std::hint::black_box(Box::new(0_u8))).1 > 0
}

/// Like [`count`], inside a pool of one thread, so that what `work` gives to rayon is counted too.
///
/// # Panics
/// When the pool cannot be started.
pub fn count_single_threaded<T: Send>(work: impl FnOnce() -> T + Send) -> (T, u64) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread starts");
    pool.install(|| count(work))
}
