//! A model, a planner and a memory put together: the named algorithms.
