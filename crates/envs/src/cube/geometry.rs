//! Where the stickers are and where a rotation takes them: every table of the cube follows from this and from no list of cycles.
//!
//! The cube's centre is the origin, x points to the right face, y up and z to the front. The cubie at position p (entries −1, 0, 1)
//! shows a sticker towards each face whose normal n has p·n = 1. A quarter turn clockwise about n takes v to (v·n) n + v × n.

use super::moves::Face;

/// Whole numbers along x, y and z.
pub type Vector = [i8; 3];

/// Corner places, each by its faces clockwise from the one up or down.
pub(super) const CORNERS: [[Face; 3]; 8] = {
    use Face::{B, D, F, L, R, U};
    [[U, R, F], [U, F, L], [U, L, B], [U, B, R], [D, F, R], [D, L, F], [D, B, L], [D, R, B]]
};

/// Edge places, each by its faces, the one that tells its orientation first. The middle layer comes last.
pub(super) const EDGES: [[Face; 2]; 12] = {
    use Face::{B, D, F, L, R, U};
    [[U, R], [U, F], [U, L], [U, B], [D, R], [D, F], [D, L], [D, B], [F, R], [F, L], [B, L], [B, R]]
};

/// The direction that a face looks in.
pub fn normal(face: Face) -> Vector {
    match face {
        Face::U => [0, 1, 0],
        Face::R => [1, 0, 0],
        Face::F => [0, 0, 1],
        Face::D => [0, -1, 0],
        Face::L => [-1, 0, 0],
        Face::B => [0, 0, -1],
    }
}

pub(super) fn dot(a: Vector, b: Vector) -> i8 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// A quarter turn clockwise as seen on the face with normal `n`.
pub fn quarter(v: Vector, n: Vector) -> Vector {
    let along = dot(v, n);
    let cross = [v[1] * n[2] - v[2] * n[1], v[2] * n[0] - v[0] * n[2], v[0] * n[1] - v[1] * n[0]];
    [along * n[0] + cross[0], along * n[1] + cross[1], along * n[2] + cross[2]]
}

/// The middle of a place that shows the stickers `faces`.
pub(super) fn position(faces: &[Face]) -> Vector {
    faces.iter().fold([0; 3], |sum, face| add(sum, normal(*face)))
}

/// Where the piece at place `from` goes under `rotate`, and at which of that place's stickers its first sticker arrives.
pub(super) fn carried<const N: usize>(
    places: &[[Face; N]],
    from: usize,
    rotate: impl Fn(Vector) -> Vector,
) -> (usize, u8) {
    let to = rotate(position(&places[from]));
    let first = rotate(normal(places[from][0]));
    let place = places.iter().position(|place| position(place) == to).expect("a rotation maps places to places");
    let sticker = places[place].iter().position(|face| normal(*face) == first).expect("and stickers to stickers");
    (place, sticker as u8)
}
