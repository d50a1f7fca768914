//! Integration tests of the data room.
mod formats;
mod fuzz;
mod parquet_columns;
mod replay;
mod store;
mod support;
