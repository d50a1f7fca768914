//! Integration tests of the data room.
mod formats;
mod replay;
mod store;
mod support;
