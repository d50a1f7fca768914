//! The yardsticks of the field.

pub(crate) mod rock_sample;
pub(crate) mod tiger;
