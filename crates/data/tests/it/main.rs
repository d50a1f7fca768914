//! Integration tests of the data room.
mod store;
mod support;
