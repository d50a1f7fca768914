//! The cube as it looks: 54 letters, the faces U, R, F, D, L, B one after another, each row by row as one looks at it (up with back
//! at the top, down with front at the top), a letter naming the face whose colour the sticker has.

use worldwright_core::{Error, Result};

use super::cubie::Cube;
use super::geometry::{CORNERS, EDGES, Vector, add, normal, position};
use super::moves::Face;

/// To the right and downwards, as one looks at a face.
fn axes(face: Face) -> (Vector, Vector) {
    let (right, down) = match face {
        Face::U => (Face::R, Face::F),
        Face::R => (Face::B, Face::D),
        Face::F => (Face::R, Face::D),
        Face::D => (Face::R, Face::B),
        Face::L => (Face::F, Face::D),
        Face::B => (Face::L, Face::D),
    };
    (normal(right), normal(down))
}

/// The place among the 54 of the sticker towards `face` of the piece at `at`.
fn place(face: Face, at: Vector) -> usize {
    let (right, down) = axes(face);
    let matches = |i: &usize| {
        let (row, column) = ((i / 3) as i8 - 1, (i % 3) as i8 - 1);
        let offset = add(right.map(|x| x * column), down.map(|x| x * row));
        add(normal(face), offset) == at
    };
    face as usize * 9 + (0..9).find(matches).expect("the piece lies on that face")
}

impl Cube {
    /// The face whose colour each of the 54 stickers has.
    pub fn stickers(&self) -> [Face; 54] {
        let mut seen = [Face::U; 54];
        Face::ALL.into_iter().for_each(|face| seen[face as usize * 9 + 4] = face);
        for (i, faces) in CORNERS.iter().enumerate() {
            for (k, face) in faces.iter().enumerate() {
                let colour = CORNERS[usize::from(self.corners[i])][(k + 3 - usize::from(self.twists[i])) % 3];
                seen[place(*face, position(faces))] = colour;
            }
        }
        for (i, faces) in EDGES.iter().enumerate() {
            for (k, face) in faces.iter().enumerate() {
                let colour = EDGES[usize::from(self.edges[i])][k ^ usize::from(self.flips[i])];
                seen[place(*face, position(faces))] = colour;
            }
        }
        seen
    }

    /// The 54 letters.
    pub fn facelets(&self) -> String {
        self.stickers().iter().map(|face| face.letter()).collect()
    }

    /// Reads the 54 letters.
    ///
    /// # Errors
    /// [`Error::Config`] for a wrong number of letters, a letter that names no face, or colours that no piece has;
    /// [`Error::NotInSpace`] for a cube that was taken apart and put together wrongly.
    pub fn from_facelets(text: &str) -> Result<Self> {
        let wrong = |why: String| Error::config("cube facelets", why);
        let letter = |(i, letter): (usize, char)| {
            Face::from_letter(letter)
                .ok_or_else(|| wrong(format!("'{letter}' at place {} is no face: U, R, F, D, L or B", i + 1)))
        };
        let seen: Vec<Face> =
            text.chars().filter(|c| !c.is_whitespace()).enumerate().map(letter).collect::<Result<_>>()?;
        if seen.len() != 54 {
            return Err(wrong(format!("{} letters; nine for each of U, R, F, D, L, B make 54", seen.len())));
        }
        if let Some(face) = Face::ALL.into_iter().find(|face| seen[*face as usize * 9 + 4] != *face) {
            return Err(wrong(format!("the middle of face {} must show its own letter", face.letter())));
        }
        let mut cube = Self::default();
        for (i, faces) in CORNERS.iter().enumerate() {
            let colours = faces.map(|face| seen[place(face, position(faces))]);
            let turned = |twist: usize| [0, 1, 2].map(|k| colours[(k + twist) % 3]);
            let found = (0..3).find_map(|twist| CORNERS.iter().position(|c| *c == turned(twist)).map(|c| (c, twist)));
            let (piece, twist) =
                found.ok_or_else(|| wrong(format!("no corner has the colours {}", names(&colours))))?;
            (cube.corners[i], cube.twists[i]) = (piece as u8, twist as u8);
        }
        for (i, faces) in EDGES.iter().enumerate() {
            let colours = faces.map(|face| seen[place(face, position(faces))]);
            let turned = |flip: usize| [colours[flip], colours[1 - flip]];
            let found = (0..2).find_map(|flip| EDGES.iter().position(|e| *e == turned(flip)).map(|e| (e, flip)));
            let (piece, flip) = found.ok_or_else(|| wrong(format!("no edge has the colours {}", names(&colours))))?;
            (cube.edges[i], cube.flips[i]) = (piece as u8, flip as u8);
        }
        cube.check()?;
        Ok(cube)
    }
}

fn names(faces: &[Face]) -> String {
    faces.iter().map(|face| face.letter()).collect()
}
