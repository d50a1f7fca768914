//! Tensors, a reverse-mode tape, fused layers and optimisers: the numeric kernels of Worldwright.

pub mod dense;
