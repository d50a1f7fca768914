//! The named problems and the solvers that are theirs alone.

use std::collections::BTreeMap;

use worldwright_core::Setting;

mod cube;
mod problems;

/// Settings by name.
fn settings<const N: usize>(pairs: [(&str, Setting); N]) -> BTreeMap<String, Setting> {
    pairs.into_iter().map(|(name, setting)| (name.to_owned(), setting)).collect()
}
