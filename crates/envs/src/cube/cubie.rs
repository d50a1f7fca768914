//! The cube by its pieces: which corner and edge stands at each place, and how it is turned there.
//!
//! A state is also what leads to it from the solved cube, so states compose: in `a.then(b)`, place i holds what `a` has at the
//! place that `b` brings to i. Orientations add, modulo 3 for corners and 2 for edges. States that turns can reach are those with
//! orientation sums of zero and corner and edge permutations of the same parity: 43,252,003,274,489,856,000 of them.

use std::sync::OnceLock;

use worldwright_core::{Error, Result, Rng};

use super::geometry::{CORNERS, EDGES, Vector, carried, dot, normal, position, quarter};
use super::moves::{Face, Move};

/// A state of the 3×3×3 cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cube {
    /// The corner at each place.
    pub corners: [u8; 8],
    /// How far clockwise each place's corner is turned, in thirds.
    pub twists: [u8; 8],
    /// The edge at each place.
    pub edges: [u8; 12],
    /// Whether each place's edge is flipped.
    pub flips: [u8; 12],
}

impl Default for Cube {
    /// The solved cube.
    fn default() -> Self {
        Self {
            corners: std::array::from_fn(|i| i as u8),
            twists: [0; 8],
            edges: std::array::from_fn(|i| i as u8),
            flips: [0; 12],
        }
    }
}

impl Cube {
    /// What the rotation of all pieces at `moving` positions does.
    pub(super) fn from_rotation(moving: impl Fn(Vector) -> bool, rotate: impl Fn(Vector) -> Vector) -> Self {
        let mut cube = Self::default();
        for from in (0..8).filter(|from| moving(position(&CORNERS[*from]))) {
            let (to, sticker) = carried(&CORNERS, from, &rotate);
            (cube.corners[to], cube.twists[to]) = (from as u8, sticker);
        }
        for from in (0..12).filter(|from| moving(position(&EDGES[*from]))) {
            let (to, sticker) = carried(&EDGES, from, &rotate);
            (cube.edges[to], cube.flips[to]) = (from as u8, sticker);
        }
        cube
    }

    /// The state that a turn makes of the solved cube.
    pub fn of_move(turn: Move) -> Self {
        static TURNS: OnceLock<[Cube; 18]> = OnceLock::new();
        TURNS.get_or_init(|| {
            Move::ALL.map(|turn| {
                let n = normal(turn.face());
                let once = Self::from_rotation(|p| dot(p, n) == 1, |v| quarter(v, n));
                (1..turn.quarters()).fold(once, |cube, _| cube.then(&once))
            })
        })[turn.index()]
    }

    /// The state after doing to `self` what makes `next` of the solved cube.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut out = *self;
        for i in 0..8 {
            let from = usize::from(next.corners[i]);
            out.corners[i] = self.corners[from];
            let twist = self.twists[from] + next.twists[i];
            out.twists[i] = if twist >= 3 { twist - 3 } else { twist };
        }
        for i in 0..12 {
            let from = usize::from(next.edges[i]);
            out.edges[i] = self.edges[from];
            out.flips[i] = self.flips[from] ^ next.flips[i];
        }
        out
    }

    /// The state after turns.
    #[must_use]
    pub fn after(&self, moves: &[Move]) -> Self {
        moves.iter().fold(*self, |cube, turn| cube.then(&Self::of_move(*turn)))
    }

    /// The state that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut out = *self;
        for i in 0..8 {
            let at = usize::from(self.corners[i]);
            out.corners[at] = i as u8;
            out.twists[at] = (3 - self.twists[i]) % 3;
        }
        for i in 0..12 {
            let at = usize::from(self.edges[i]);
            out.edges[at] = i as u8;
            out.flips[at] = self.flips[i];
        }
        out
    }

    /// Whether every piece is home.
    pub fn is_solved(&self) -> bool {
        *self == Self::default()
    }

    /// A state drawn uniformly from all that turns can reach.
    pub fn random(rng: &mut Rng) -> Self {
        let mut cube = Self::default();
        rng.shuffle(&mut cube.corners);
        rng.shuffle(&mut cube.edges);
        if is_odd(&cube.corners) != is_odd(&cube.edges) {
            cube.edges.swap(0, 1);
        }
        let mut sum = 0;
        for twist in &mut cube.twists[..7] {
            *twist = rng.below(3) as u8;
            sum += *twist;
        }
        cube.twists[7] = (21 - sum) % 3;
        let mut sum = 0;
        for flip in &mut cube.flips[..11] {
            *flip = rng.below(2) as u8;
            sum ^= *flip;
        }
        cube.flips[11] = sum;
        cube
    }

    /// Whether turns can solve it.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] that says what somebody did to the cube.
    pub fn check(&self) -> Result<()> {
        let wrong = |reason: &str| Err(Error::NotInSpace { what: "cube".into(), reason: reason.to_owned() });
        let each_once =
            |pieces: &[u8]| pieces.iter().fold(0_u32, |seen, piece| seen | 1 << piece) == (1_u32 << pieces.len()) - 1;
        if !each_once(&self.corners) || !each_once(&self.edges) {
            return wrong("a piece is there twice");
        }
        if self.twists.iter().sum::<u8>() % 3 != 0 {
            return wrong("one corner is twisted in its place");
        }
        if self.flips.iter().sum::<u8>() % 2 != 0 {
            return wrong("one edge is flipped in its place");
        }
        if is_odd(&self.corners) != is_odd(&self.edges) {
            return wrong("two pieces have changed places");
        }
        Ok(())
    }

    /// The state packed into 100 bits, to sort and compare.
    pub fn packed(&self) -> u128 {
        let corners =
            self.corners.iter().zip(&self.twists).fold(0_u128, |sum, (c, t)| sum << 5 | u128::from(c << 2 | t));
        self.edges.iter().zip(&self.flips).fold(corners, |sum, (e, f)| sum << 5 | u128::from(e << 1 | f))
    }
}

/// The whole cube turned by a third about the corner between up, right and front, and the face that each face becomes.
pub fn third_turn() -> (Cube, [Face; 6]) {
    // Up goes to right, right to front, front to up: (x, y, z) becomes (y, z, x).
    let rotate = |v: Vector| [v[1], v[2], v[0]];
    let becomes = Face::ALL.map(|face| {
        Face::ALL.into_iter().find(|other| normal(*other) == rotate(normal(face))).expect("faces go to faces")
    });
    (Cube::from_rotation(|_| true, rotate), becomes)
}

/// Whether a permutation needs an odd number of exchanges.
fn is_odd(permutation: &[u8]) -> bool {
    let pairs = permutation.iter().enumerate().flat_map(|(i, a)| permutation[..i].iter().map(move |b| b > a));
    pairs.filter(|inverted| *inverted).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::is_odd;

    #[test]
    fn exchanges_are_counted() {
        assert!(!is_odd(&[0, 1, 2]) && is_odd(&[0, 2, 1]) && !is_odd(&[1, 2, 0]));
    }
}
