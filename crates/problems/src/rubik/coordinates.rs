//! Coordinates of the two phases (Kociemba, "Cube Explorer"; kociemba.org/math/twophase.htm): small numbers that each see a part
//! of the cube and move by tables of their own.
//!
//! Phase 1: twist (3⁷), flip (2¹¹) and slice, the places of the middle layer's edges (12 choose 4); all zero is the group that U, D
//! and half turns of the other faces generate. Phase 2: the orders of corners (8!), outer edges (8!) and middle edges (4!).

use super::permutation::{rank, rank_choice, unrank, unrank_choice};
use worldwright_envs::cube::Cube;

pub(super) const TWISTS: usize = 2187;
pub(super) const FLIPS: usize = 2048;
pub(super) const SLICES: usize = 495;
pub(super) const ORDERS: usize = 40_320;
pub(super) const MIDDLES: usize = 24;

pub(super) fn twist(cube: &Cube) -> usize {
    cube.twists[..7].iter().fold(0, |sum, twist| 3 * sum + usize::from(*twist))
}

pub(super) fn with_twist(mut twist: usize) -> Cube {
    let mut cube = Cube::default();
    let mut sum = 0;
    for slot in cube.twists[..7].iter_mut().rev() {
        *slot = (twist % 3) as u8;
        sum += *slot;
        twist /= 3;
    }
    cube.twists[7] = (21 - sum) % 3;
    cube
}

pub(super) fn flip(cube: &Cube) -> usize {
    cube.flips[..11].iter().fold(0, |sum, flip| 2 * sum + usize::from(*flip))
}

pub(super) fn with_flip(flip: usize) -> Cube {
    let mut cube = Cube::default();
    for (i, slot) in cube.flips[..11].iter_mut().enumerate() {
        *slot = (flip >> (10 - i) & 1) as u8;
    }
    cube.flips[11] = (flip.count_ones() % 2) as u8;
    cube
}

pub(super) fn slice(cube: &Cube) -> usize {
    rank_choice((0..12).filter(|place| cube.edges[*place] >= 8), 12)
}

pub(super) fn with_slice(slice: usize) -> Cube {
    let mask = unrank_choice(slice, 12, 4);
    let (mut outer, mut middle) = (0..8, 8..12);
    let mut cube = Cube::default();
    for (place, slot) in cube.edges.iter_mut().enumerate() {
        let piece = if mask >> place & 1 == 1 { middle.next() } else { outer.next() };
        *slot = piece.expect("a mask of four places of twelve");
    }
    cube
}

pub(super) fn corner_order(cube: &Cube) -> usize {
    rank(&cube.corners)
}

pub(super) fn with_corner_order(order: usize) -> Cube {
    Cube { corners: unrank(order), ..Cube::default() }
}

/// The order of the outer edges; only in phase 2, where the middle edges stay in the middle.
pub(super) fn edge_order(cube: &Cube) -> usize {
    rank(&cube.edges[..8])
}

pub(super) fn with_edge_order(order: usize) -> Cube {
    let mut cube = Cube::default();
    cube.edges[..8].copy_from_slice(&unrank::<8>(order));
    cube
}

/// The order of the middle edges; only in phase 2.
pub(super) fn middle_order(cube: &Cube) -> usize {
    rank(&[cube.edges[8] - 8, cube.edges[9] - 8, cube.edges[10] - 8, cube.edges[11] - 8])
}

pub(super) fn with_middle_order(order: usize) -> Cube {
    let mut cube = Cube::default();
    cube.edges[8..].copy_from_slice(&unrank::<4>(order).map(|piece| piece + 8));
    cube
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_and_cubes_are_one_to_one() {
        for i in 0..TWISTS {
            assert_eq!(twist(&with_twist(i)), i);
        }
        for i in 0..FLIPS {
            assert_eq!(flip(&with_flip(i)), i);
        }
        for i in 0..SLICES {
            assert_eq!(slice(&with_slice(i)), i);
        }
        for i in (0..ORDERS).step_by(37) {
            assert_eq!(corner_order(&with_corner_order(i)), i);
            assert_eq!(edge_order(&with_edge_order(i)), i);
        }
        for i in 0..MIDDLES {
            assert_eq!(middle_order(&with_middle_order(i)), i);
        }
    }
}
