//! Numbering vectors in the order in which they are first seen.
//!
//! Open addressing with linear probing over a fixed hash (multiply and rotate, after FxHash), so that neither a random seed nor a
//! table's layout reaches a result.

/// Gives equal vectors the same number.
#[derive(Debug, Clone)]
pub(super) struct Interner {
    dims: usize,
    /// Multiples of this are told apart; zero tells all numbers apart.
    resolution: f64,
    /// `[count][dims]`, as first seen.
    vectors: Vec<f64>,
    /// Hash of each vector.
    hashes: Vec<u64>,
    /// Number of a vector plus one; zero where free. The length is a power of two.
    slots: Vec<u32>,
}

impl Interner {
    pub(super) fn new(dims: usize, resolution: f64) -> Self {
        Self { dims, resolution, vectors: Vec::new(), hashes: Vec::new(), slots: vec![0; 64] }
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn get(&self, number: usize) -> &[f64] {
        &self.vectors[number * self.dims..(number + 1) * self.dims]
    }

    /// What tells one number from another.
    fn digest(&self, number: f64) -> u64 {
        if self.resolution > 0.0 {
            (number / self.resolution).round() as i64 as u64
        } else {
            // Adding zero makes −0 the same as 0.
            (number + 0.0).to_bits()
        }
    }

    fn hash(&self, vector: &[f64]) -> u64 {
        let hash = vector.iter().fold(0_u64, |hash, number| {
            (hash.rotate_left(5) ^ self.digest(*number)).wrapping_mul(0x517C_C1B7_2722_0A95)
        });
        hash ^ (hash >> 29)
    }

    /// The number of `vector`, a new one if it was not seen before.
    pub(super) fn number(&mut self, vector: &[f64]) -> usize {
        let hash = self.hash(vector);
        let mut slot = hash as usize & (self.slots.len() - 1);
        while self.slots[slot] != 0 {
            let known = self.slots[slot] as usize - 1;
            let same = |(a, b): (&f64, &f64)| self.digest(*a) == self.digest(*b);
            if self.hashes[known] == hash && self.get(known).iter().zip(vector).all(same) {
                return known;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        let number = self.len();
        self.slots[slot] = number as u32 + 1;
        self.vectors.extend_from_slice(vector);
        self.hashes.push(hash);
        if 2 * self.len() > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let length = 2 * self.slots.len();
        self.slots.clear();
        self.slots.resize(length, 0);
        for (number, hash) in self.hashes.iter().enumerate() {
            let mut slot = *hash as usize & (length - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (length - 1);
            }
            self.slots[slot] = number as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_vectors_share_a_number_and_others_do_not() {
        let mut interner = Interner::new(2, 0.0);
        let mut rng = worldwright_core::Rng::new(5);
        let vectors: Vec<[f64; 2]> = (0..5_000).map(|_| [rng.below(60) as f64, rng.normal().round()]).collect();
        let numbers: Vec<usize> = vectors.iter().map(|vector| interner.number(vector)).collect();
        for (vector, number) in vectors.iter().zip(&numbers) {
            assert_eq!(interner.get(*number), vector);
            assert_eq!(interner.number(vector), *number);
        }
        let mut distinct = vectors.clone();
        distinct.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        distinct.dedup();
        assert_eq!(interner.len(), distinct.len());
    }

    #[test]
    fn near_numbers_are_the_same_at_a_resolution() {
        let mut interner = Interner::new(1, 0.1);
        assert_eq!(interner.number(&[0.301]), 0);
        assert_eq!(interner.number(&[0.299]), 0);
        assert_eq!(interner.number(&[0.36]), 1);
        assert_eq!(interner.number(&[-0.0]), interner.number(&[0.0]));
    }
}
