//! Integration tests of the data room.
mod alike;
mod arrays;
mod claims;
mod column_names;
mod encodings;
mod exact;
mod formats;
mod fuzz;
mod interrupted;
mod kept;
mod limits;
mod parquet_columns;
mod replay;
mod roundtrip;
mod store;
mod support;
mod tables;
