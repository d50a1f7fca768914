//! Move tables of the coordinates, and pruning tables: for pairs of coordinates, the exact number of turns to bring both home
//! (pattern databases; Culberson and Schaeffer, 1998), found by breadth-first search.

use crate::breadth_first::distances;

use super::coordinates::{self, FLIPS, MIDDLES, ORDERS, SLICES, TWISTS};
use worldwright_envs::cube::Cube;
use worldwright_envs::cube::{Face, Move};

/// The turns of phase 2: all of up and down, half turns of the rest.
pub(super) const INNER: [Move; 10] = {
    let all = Move::ALL;
    [all[0], all[1], all[2], all[4], all[7], all[9], all[10], all[11], all[13], all[16]]
};

/// Whether a turn keeps the group of phase 2.
pub(super) fn is_inner(turn: Move) -> bool {
    turn.quarters() == 2 || matches!(turn.face(), Face::U | Face::D)
}

/// All tables: 12 MB.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) twist: Vec<[u16; 18]>,
    pub(super) flip: Vec<[u16; 18]>,
    pub(super) slice: Vec<[u16; 18]>,
    pub(super) corners: Vec<[u16; 10]>,
    pub(super) edges: Vec<[u16; 10]>,
    pub(super) middle: Vec<[u16; 10]>,
    twist_slice: Vec<u8>,
    flip_slice: Vec<u8>,
    twist_flip: Vec<u8>,
    corners_middle: Vec<u8>,
    edges_middle: Vec<u8>,
}

impl Tables {
    pub(super) fn new() -> Self {
        let twist = moved(TWISTS, coordinates::with_twist, coordinates::twist, &Move::ALL);
        let flip = moved(FLIPS, coordinates::with_flip, coordinates::flip, &Move::ALL);
        let slice = moved(SLICES, coordinates::with_slice, coordinates::slice, &Move::ALL);
        let corners = moved(ORDERS, coordinates::with_corner_order, coordinates::corner_order, &INNER);
        let edges = moved(ORDERS, coordinates::with_edge_order, coordinates::edge_order, &INNER);
        let middle = moved(MIDDLES, coordinates::with_middle_order, coordinates::middle_order, &INNER);
        Self {
            twist_slice: pruning(&twist, &slice),
            flip_slice: pruning(&flip, &slice),
            twist_flip: pruning(&twist, &flip),
            corners_middle: pruning(&corners, &middle),
            edges_middle: pruning(&edges, &middle),
            twist,
            flip,
            slice,
            corners,
            edges,
            middle,
        }
    }

    /// Whether phase 1 needs more than `turns` from here, as far as the tables see.
    #[inline]
    pub(super) fn outer_beyond(&self, turns: u8, twist: usize, flip: usize, slice: usize) -> bool {
        self.twist_slice[twist * SLICES + slice] > turns
            || self.flip_slice[flip * SLICES + slice] > turns
            || self.twist_flip[twist * FLIPS + flip] > turns
    }

    /// A lower bound of the turns of phase 2, by the corners alone.
    #[inline]
    pub(super) fn corners_bound(&self, corners: usize, middle: usize) -> u8 {
        self.corners_middle[corners * MIDDLES + middle]
    }

    /// A lower bound of the turns of phase 2.
    #[inline]
    pub(super) fn inner_bound(&self, corners: usize, edges: usize, middle: usize) -> u8 {
        self.corners_middle[corners * MIDDLES + middle].max(self.edges_middle[edges * MIDDLES + middle])
    }
}

/// What each turn makes of each value of a coordinate.
fn moved<const N: usize>(
    values: usize,
    cube_with: impl Fn(usize) -> Cube,
    value_of: impl Fn(&Cube) -> usize,
    turns: &[Move; N],
) -> Vec<[u16; N]> {
    let turns = turns.map(Cube::of_move);
    let row = |value| {
        let cube = cube_with(value);
        std::array::from_fn(|i| value_of(&cube.then(&turns[i])) as u16)
    };
    (0..values).map(row).collect()
}

/// The distance of each pair of values, `[first][second]`, from the pair of zeros.
fn pruning<const N: usize>(first: &[[u16; N]], second: &[[u16; N]]) -> Vec<u8> {
    let width = second.len();
    distances(first.len() * width, 0, N, |state, i| {
        usize::from(first[state / width][i]) * width + usize::from(second[state % width][i])
    })
}
