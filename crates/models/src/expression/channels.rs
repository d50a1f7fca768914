//! The names that an expression may use.

/// Names in scope.
pub(super) struct Channels<'a> {
    pub(super) observation: &'a [String],
    pub(super) action: &'a [String],
}
