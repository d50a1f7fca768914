//! Numbers for equal slices: an open-addressing table over rows of one width (Knuth, TAOCP vol. 3, section 6.4, linear probing).
//!
//! Rows are numbered in the order of their first appearance, so that nothing depends on the hash. Packed states, the
//! arguments of atoms and enumerated observations are kept in it.

/// Stands for an empty place of the table.
const EMPTY: u32 = u32::MAX;

/// Rows of `width` values, each kept once.
#[derive(Debug, Clone)]
pub struct Interner<T> {
    width: usize,
    rows: Vec<T>,
    count: u32,
    table: Vec<u32>,
}

impl<T: Copy + Eq + Into<u64>> Interner<T> {
    /// Without rows, for rows of `width` values.
    pub fn new(width: usize) -> Self {
        Self { width, rows: Vec::new(), count: 0, table: vec![EMPTY; 16] }
    }

    /// The row with a number.
    pub fn row(&self, id: u32) -> &[T] {
        &self.rows[id as usize * self.width..][..self.width]
    }

    /// The number of a row, if it is kept.
    pub fn find(&self, row: &[T]) -> Option<u32> {
        let place = self.place(row);
        (self.table[place] != EMPTY).then(|| self.table[place])
    }

    /// The number of a row, and whether it is new.
    pub fn insert(&mut self, row: &[T]) -> (u32, bool) {
        let place = self.place(row);
        if self.table[place] != EMPTY {
            return (self.table[place], false);
        }
        let id = self.count;
        self.table[place] = id;
        self.rows.extend_from_slice(row);
        self.count += 1;
        // At most two thirds full, so that a probe ends after few places.
        if self.count as usize * 3 > self.table.len() * 2 {
            self.grow();
        }
        (id, true)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<T>() + self.table.capacity() * size_of::<u32>()
    }

    /// Where `row` stands, or the empty place where it would.
    fn place(&self, row: &[T]) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash(row) as usize & mask;
        while self.table[place] != EMPTY && self.row(self.table[place]) != row {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let mut table = vec![EMPTY; mask + 1];
        for id in 0..self.count {
            let mut place = hash(self.row(id)) as usize & mask;
            while table[place] != EMPTY {
                place = (place + 1) & mask;
            }
            table[place] = id;
        }
        self.table = table;
    }
}

/// Multiply and fold, a word at a time: all 64 bits of the product reach the result.
fn hash<T: Copy + Into<u64>>(row: &[T]) -> u64 {
    row.iter().fold(0x9E37_79B9_7F4A_7C15, |state: u64, &value| {
        let product = u128::from(state ^ value.into()) * 0xA076_1D64_78BD_642F;
        (product >> 64) as u64 ^ product as u64
    })
}
