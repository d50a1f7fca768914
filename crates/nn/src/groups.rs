//! Rows sorted by the member of an ensemble that predicts them.

use worldwright_core::{Error, Result};

/// Rows sorted by the member that predicts them.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    pub(crate) order: Vec<u32>,
    pub(crate) offsets: Vec<usize>,
}

impl Groups {
    /// Room for `rows` rows of `members` members.
    pub fn new(members: usize, rows: usize) -> Self {
        Self { order: Vec::with_capacity(rows), offsets: Vec::with_capacity(members + 1) }
    }

    /// Sorts rows by `member_of[row]`, stably; allocates only beyond the largest size seen.
    ///
    /// # Errors
    /// [`Error::Shape`] for a member that is not below `members`.
    pub fn assign(&mut self, members: usize, member_of: &[u32]) -> Result<()> {
        self.offsets.clear();
        self.offsets.resize(members + 1, 0);
        for member in member_of {
            match self.offsets.get_mut(*member as usize + 1) {
                Some(count) => *count += 1,
                None => return Err(Error::shape("members", &[members], &[*member as usize + 1])),
            }
        }
        for member in 0..members {
            self.offsets[member + 1] += self.offsets[member];
        }
        self.order.clear();
        self.order.resize(member_of.len(), 0);
        for (row, member) in member_of.iter().enumerate() {
            let place = &mut self.offsets[*member as usize];
            self.order[*place] = row as u32;
            *place += 1;
        }
        // Each offset has moved to the end of its group, which is the start of the next.
        for member in (0..members).rev() {
            self.offsets[member + 1] = self.offsets[member];
        }
        if let Some(first) = self.offsets.first_mut() {
            *first = 0;
        }
        Ok(())
    }
}
