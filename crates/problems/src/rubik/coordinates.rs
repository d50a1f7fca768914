//! Coordinates of the two phases (Kociemba, "Cube Explorer"; kociemba.org/math/twophase.htm): small numbers that each see a part
//! of the cube and move by tables of their own.
//!
//! Phase 1: twist (3⁷), flip (2¹¹) and slice, the places of the middle layer's edges (12 choose 4); all zero is the group that U, D
//! and half turns of the other faces generate. Phase 2: the orders of corners (8!), outer edges (8!) and middle edges (4!).

use super::cubie::Cube;
use super::permutation::{rank, rank_choice, unrank, unrank_choice};

pub(super) const TWISTS: usize = 2187;
pub(super) const FLIPS: usize = 2048;
pub(super) const SLICES: usize = 495;
pub(super) const ORDERS: usize = 40_320;
pub(super) const MIDDLES: usize = 24;

impl Cube {
    pub(super) fn twist(&self) -> usize {
        self.twists[..7].iter().fold(0, |sum, twist| 3 * sum + usize::from(*twist))
    }

    pub(super) fn with_twist(mut twist: usize) -> Self {
        let mut cube = Self::default();
        let mut sum = 0;
        for slot in cube.twists[..7].iter_mut().rev() {
            *slot = (twist % 3) as u8;
            sum += *slot;
            twist /= 3;
        }
        cube.twists[7] = (21 - sum) % 3;
        cube
    }

    pub(super) fn flip(&self) -> usize {
        self.flips[..11].iter().fold(0, |sum, flip| 2 * sum + usize::from(*flip))
    }

    pub(super) fn with_flip(flip: usize) -> Self {
        let mut cube = Self::default();
        for (i, slot) in cube.flips[..11].iter_mut().enumerate() {
            *slot = (flip >> (10 - i) & 1) as u8;
        }
        cube.flips[11] = (flip.count_ones() % 2) as u8;
        cube
    }

    pub(super) fn slice(&self) -> usize {
        rank_choice((0..12).filter(|place| self.edges[*place] >= 8), 12)
    }

    pub(super) fn with_slice(slice: usize) -> Self {
        let mask = unrank_choice(slice, 12, 4);
        let (mut outer, mut middle) = (0..8, 8..12);
        let mut cube = Self::default();
        for (place, slot) in cube.edges.iter_mut().enumerate() {
            let piece = if mask >> place & 1 == 1 { middle.next() } else { outer.next() };
            *slot = piece.expect("a mask of four places of twelve");
        }
        cube
    }

    pub(super) fn corner_order(&self) -> usize {
        rank(&self.corners)
    }

    pub(super) fn with_corner_order(order: usize) -> Self {
        Self { corners: unrank(order), ..Self::default() }
    }

    /// The order of the outer edges; only in phase 2, where the middle edges stay in the middle.
    pub(super) fn edge_order(&self) -> usize {
        rank(&self.edges[..8])
    }

    pub(super) fn with_edge_order(order: usize) -> Self {
        let mut cube = Self::default();
        cube.edges[..8].copy_from_slice(&unrank::<8>(order));
        cube
    }

    /// The order of the middle edges; only in phase 2.
    pub(super) fn middle_order(&self) -> usize {
        rank(&[self.edges[8] - 8, self.edges[9] - 8, self.edges[10] - 8, self.edges[11] - 8])
    }

    pub(super) fn with_middle_order(order: usize) -> Self {
        let mut cube = Self::default();
        cube.edges[8..].copy_from_slice(&unrank::<4>(order).map(|piece| piece + 8));
        cube
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_and_cubes_are_one_to_one() {
        for i in 0..TWISTS {
            assert_eq!(Cube::with_twist(i).twist(), i);
        }
        for i in 0..FLIPS {
            assert_eq!(Cube::with_flip(i).flip(), i);
        }
        for i in 0..SLICES {
            assert_eq!(Cube::with_slice(i).slice(), i);
        }
        for i in (0..ORDERS).step_by(37) {
            assert_eq!(Cube::with_corner_order(i).corner_order(), i);
            assert_eq!(Cube::with_edge_order(i).edge_order(), i);
        }
        for i in 0..MIDDLES {
            assert_eq!(Cube::with_middle_order(i).middle_order(), i);
        }
    }
}
