//! Tic-tac-toe: nine bits a player.

use super::{Game, Moved, xorshift};

/// The game.
#[derive(Debug, Clone, Copy)]
pub struct TicTacToe;

/// Marks on the board, cell `3 row + column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Of the player to move.
    pub own: u16,
    /// Of the other.
    pub other: u16,
}

const FULL: u16 = 0x1FF;
const LINES: [u16; 8] = [0o007, 0o070, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124];

impl Game for TicTacToe {
    type Position = Marks;
    const NAME: &'static str = "tic-tac-toe";
    const MOVES: usize = 9;
    const CELLS: usize = 9;
    const PLACE: &'static str = "cell";
    const BOARD: [usize; 2] = [3, 3];

    fn cell(row: usize, column: usize) -> usize {
        3 * row + column
    }

    fn start() -> Marks {
        Marks { own: 0, other: 0 }
    }

    #[inline]
    fn play(position: Marks, choice: usize) -> Option<Moved<Marks>> {
        let cell = 1_u16.checked_shl(choice as u32)? & FULL & !(position.own | position.other);
        if cell == 0 {
            return None;
        }
        let own = position.own | cell;
        let won = LINES.iter().any(|line| own & line == *line);
        Some(Moved {
            position: Marks { own: position.other, other: own },
            reward: if won { 1.0 } else { 0.0 },
            over: won || own | position.other == FULL,
        })
    }

    #[inline]
    fn applicable(position: Marks) -> u64 {
        u64::from(FULL & !(position.own | position.other))
    }

    #[inline]
    fn key(position: Marks) -> u64 {
        u64::from(position.own) | u64::from(position.other) << 16
    }

    fn playouts(positions: &[Marks], seeds: &[u64], results: &mut [f64]) {
        for ((position, seed), result) in positions.iter().zip(seeds).zip(results) {
            *result = playout(*position, *seed | 1);
        }
    }

    fn read(observation: &[f64]) -> Marks {
        let bits = |wanted: f64| (0..9).filter(|cell| observation[*cell] == wanted).map(|cell| 1_u16 << cell).sum();
        Marks { own: bits(1.0), other: bits(-1.0) }
    }

    fn write(position: Marks, observation: &mut [f64]) {
        for (cell, number) in observation.iter_mut().enumerate() {
            *number = f64::from(position.own >> cell & 1) - f64::from(position.other >> cell & 1);
        }
    }
}

fn playout(mut position: Marks, mut generator: u64) -> f64 {
    let mut sign = 1.0;
    loop {
        generator = xorshift(generator);
        let choice = ((generator >> 32) * 9) >> 32;
        // A taken cell is drawn again, which leaves the free ones equally likely.
        let Some(moved) = TicTacToe::play(position, choice as usize) else { continue };
        if moved.over {
            return sign * moved.reward;
        }
        position = moved.position;
        sign = -sign;
    }
}
