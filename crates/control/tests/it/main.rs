//! Optimal control against known optima.

mod curvature;
mod problems;
mod riccati;
mod trajectories;

use worldwright_testkit::allocations::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
