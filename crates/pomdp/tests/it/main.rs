//! Solvers of partially observed problems against known values, and readers of their files against damage.

mod cassandra;
mod cassandra_rewards;
mod exact;
mod fuzz;
mod planners;

use worldwright_testkit::allocations::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
