//! Native environments and the worker that drives Python ones.
