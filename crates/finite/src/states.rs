//! The states that enumeration has met: vectors of numbers, each kept once and numbered in the order in which it was first seen.

use worldwright_numerics::Interner;

/// Vectors of one width; equal ones share a number.
#[derive(Debug, Clone)]
pub(super) struct States {
    width: usize,
    /// Multiples of this are told apart; zero tells all numbers apart.
    resolution: f64,
    /// `[count][width]`, as first seen.
    vectors: Vec<f64>,
    /// What tells one vector from another, in the order of `vectors`.
    digests: Interner<u64>,
    digest: Vec<u64>,
}

impl States {
    pub(super) fn new(width: usize, resolution: f64) -> Self {
        let digest = Vec::with_capacity(width);
        Self { width, resolution, vectors: Vec::new(), digests: Interner::new(width), digest }
    }

    pub(super) fn len(&self) -> usize {
        self.vectors.len() / self.width
    }

    pub(super) fn get(&self, number: usize) -> &[f64] {
        &self.vectors[number * self.width..(number + 1) * self.width]
    }

    /// The number of `vector`, a new one if it was not seen before.
    pub(super) fn number(&mut self, vector: &[f64]) -> usize {
        let resolution = self.resolution;
        self.digest.clear();
        self.digest.extend(vector.iter().map(|number| {
            // Adding zero makes −0 the same as 0.
            if resolution > 0.0 { (number / resolution).round() as i64 as u64 } else { (number + 0.0).to_bits() }
        }));
        let (number, new) = self.digests.insert(&self.digest);
        if new {
            self.vectors.extend_from_slice(vector);
        }
        number as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_vectors_share_a_number_and_others_do_not() {
        let mut states = States::new(2, 0.0);
        let mut rng = worldwright_core::Rng::new(5);
        let vectors: Vec<[f64; 2]> = (0..5_000).map(|_| [rng.below(60) as f64, rng.normal().round()]).collect();
        let numbers: Vec<usize> = vectors.iter().map(|vector| states.number(vector)).collect();
        for (vector, number) in vectors.iter().zip(&numbers) {
            assert_eq!(states.get(*number), vector);
            assert_eq!(states.number(vector), *number);
        }
        let mut distinct = vectors.clone();
        distinct.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        distinct.dedup();
        assert_eq!(states.len(), distinct.len());
    }

    #[test]
    fn near_numbers_are_the_same_at_a_resolution() {
        let mut states = States::new(1, 0.1);
        assert_eq!(states.number(&[0.301]), 0);
        assert_eq!(states.number(&[0.299]), 0);
        assert_eq!(states.number(&[0.36]), 1);
        assert_eq!(states.number(&[-0.0]), states.number(&[0.0]));
    }
}
