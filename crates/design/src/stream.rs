//! Streams of the search's seed.

pub(crate) const SPLIT: u64 = 11;
pub(crate) const FITS: u64 = 12;
pub(crate) const EXAMINATION: u64 = 13;
pub(crate) const TRIALS: u64 = 14;
pub(crate) const JUDGES: u64 = 15;
pub(crate) const RANDOM: u64 = 17;
