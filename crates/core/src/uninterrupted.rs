//! Calls of the system that a signal cut short are made again: nothing was done, and nothing is wrong.

use std::io::{ErrorKind, Result};

/// Makes `call`, and makes it again for as long as a signal cuts it short. The standard library does so itself when it opens, reads,
/// writes and makes durable, but not when it renames, removes, lists, locks, seeks and maps.
///
/// # Errors
/// Any other error of `call`.
pub fn uninterrupted<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cut_call_is_made_again() {
        let mut calls = 0;
        let mut cut = |times: usize, then: Result<u8>| {
            let mut then = Some(then);
            uninterrupted(|| {
                calls += 1;
                if calls <= times { Err(ErrorKind::Interrupted.into()) } else { then.take().expect("one answer") }
            })
        };
        assert_eq!(cut(3, Ok(7)).expect("an answer"), 7);
        assert_eq!(calls, 4);
        let full = uninterrupted(|| Err::<(), _>(ErrorKind::StorageFull.into()));
        assert_eq!(full.expect_err("an error").kind(), ErrorKind::StorageFull);
    }
}
