//! Names of quantities, which files spell in their own ways.

/// A name as it is compared: `Next-Obs.X` is `next_obs_x`.
pub(crate) fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' ', '.'], "_")
}

/// Whether two names are the same but for how they are spelt.
pub(crate) fn same_name(one: &str, two: &str) -> bool {
    one == two || plain(one) == plain(two)
}
