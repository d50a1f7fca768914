//! The numeric core against PyTorch's numbers, finite differences, itself on other threads, and a counting allocator.

mod allocations;
mod cases;
mod derivatives;
mod finite_differences;
mod golden;
mod inference;
mod operations;
mod sequences;
mod stores;
mod training;
