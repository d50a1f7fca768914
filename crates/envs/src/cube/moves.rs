//! Face turns and their notation (Singmaster, "Notes on Rubik's Magic Cube", 1981): `R` is a quarter turn clockwise as seen on that
//! face, `R2` a half turn, `R'` a quarter turn counter-clockwise.

use worldwright_core::{Error, Result};

/// A face: up, right, front, down, left, back. Opposite faces are three apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Face {
    U,
    R,
    F,
    D,
    L,
    B,
}

impl Face {
    /// All faces in order.
    pub const ALL: [Self; 6] = [Self::U, Self::R, Self::F, Self::D, Self::L, Self::B];

    /// The face on the other side.
    pub fn opposite(self) -> Self {
        Self::ALL[(self as usize + 3) % 6]
    }

    /// Its letter.
    pub fn letter(self) -> char {
        ['U', 'R', 'F', 'D', 'L', 'B'][self as usize]
    }

    /// The face of a letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|face| face.letter() == letter)
    }
}

/// How turns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Any turn of a face counts one (18 moves on 3×3×3).
    HalfTurn,
    /// A half turn counts two (12 moves on 3×3×3).
    QuarterTurn,
}

/// A turn of one face by one to three quarters clockwise, numbered 0 to 17 as `3 × face + quarters − 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move(u8);

impl Move {
    /// All 18 turns in order.
    pub const ALL: [Self; 18] = {
        let mut all = [Self(0); 18];
        let mut i = 0;
        while i < 18 {
            all[i] = Self(i as u8);
            i += 1;
        }
        all
    };

    /// The turn of `face` by `quarters` clockwise; none when that is a whole number of turns.
    pub fn new(face: Face, quarters: i32) -> Option<Self> {
        let quarters = quarters.rem_euclid(4) as u8;
        (quarters > 0).then(|| Self(face as u8 * 3 + quarters - 1))
    }

    /// The face that turns.
    pub fn face(self) -> Face {
        Face::ALL[usize::from(self.0 / 3)]
    }

    /// Quarters clockwise: 1, 2 or 3.
    pub fn quarters(self) -> i32 {
        i32::from(self.0 % 3) + 1
    }

    /// Its number, 0 to 17.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The turn back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self(self.0 / 3 * 3 + 2 - self.0 % 3)
    }

    /// What it counts.
    pub fn cost(self, metric: Metric) -> usize {
        if metric == Metric::QuarterTurn && self.quarters() == 2 { 2 } else { 1 }
    }

    /// Whether a shortest sequence may have this turn after `last`: not the same face twice, and opposite faces, whose turns
    /// commute, in one order only.
    pub fn may_follow(self, last: Option<Self>) -> bool {
        last.is_none_or(|last| {
            let (this, last) = (self.0 / 3, last.0 / 3);
            this != last && this + 3 != last
        })
    }
}

impl std::fmt::Display for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.face().letter(), ["", "2", "'"][self.quarters() as usize - 1])
    }
}

/// Reads turns such as `R U' F2`; spaces between them may be left out.
///
/// # Errors
/// [`Error::Config`] that names the letter that is no turn, and its place.
pub fn parse_moves(text: &str) -> Result<Vec<Move>> {
    let mut moves = Vec::new();
    let mut letters = text.chars().enumerate().peekable();
    while let Some((place, letter)) = letters.next() {
        if letter.is_whitespace() {
            continue;
        }
        let Some(face) = Face::from_letter(letter) else {
            let why = format!("'{letter}' at place {} is no face: write U, R, F, D, L or B, then ' or 2", place + 1);
            return Err(Error::config("cube turns", why));
        };
        let quarters = match letters.peek() {
            Some((_, '2')) => 2,
            Some((_, '\'' | '’' | '3')) => 3,
            _ => 1,
        };
        if quarters > 1 {
            letters.next();
        }
        moves.extend(Move::new(face, quarters));
    }
    Ok(moves)
}

/// Writes turns as `R U' F2`.
pub fn format_moves(moves: &[Move]) -> String {
    moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" ")
}
