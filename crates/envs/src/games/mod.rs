//! Two-player games as world models: every row is a position seen by the player to move.
//!
//! A game is a [`Game`]: small copyable positions and pure functions on them; [`GameModel`] makes a
//! [`WorldModel`](worldwright_core::WorldModel) of any, and `environment.rs` the environment. A step of the model rewards the mover, and its continuation is −1 (the other player
//! moves next) or 0 (the game is over). The model's value is one random playout a row, run inside the model for the whole batch
//! from a generator that the row carries, so that it depends on the row alone.

mod connect_four;
mod environment;
mod model;
mod tic_tac_toe;

pub use connect_four::{ConnectFour, Stones};
pub(crate) use environment::{CONNECT_FOUR, TIC_TAC_TOE};
pub use model::GameModel;
pub use tic_tac_toe::{Marks, TicTacToe};

/// What one move led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved<P> {
    /// The position, seen by the next player.
    pub position: P,
    /// Reward of the mover.
    pub reward: f64,
    /// Whether the game is over.
    pub over: bool,
}

/// A two-player zero-sum game with at most 64 moves.
pub trait Game: Send + Sync + 'static {
    /// A position, seen by the player to move.
    type Position: Copy + Send + Sync + PartialEq + std::fmt::Debug;
    /// The game's name.
    const NAME: &'static str;
    /// Moves, counted from zero.
    const MOVES: usize;
    /// Cells of the board: an observation has one number a cell, 1 for the player to move, −1 for the other, 0 for none.
    const CELLS: usize;
    /// What a move is called: a cell, a column.
    const PLACE: &'static str;
    /// Rows and columns of the board as it is drawn.
    const BOARD: [usize; 2];

    /// The number of a cell, rows counted from the top.
    fn cell(row: usize, column: usize) -> usize;

    /// Where the game begins.
    fn start() -> Self::Position;

    /// What a move leads to; none where the rules forbid it.
    fn play(position: Self::Position, choice: usize) -> Option<Moved<Self::Position>>;

    /// The moves that there are, a bit each.
    fn applicable(position: Self::Position) -> u64;

    /// A number that stands for the position and no other.
    fn key(position: Self::Position) -> u64;

    /// The results of one uniformly random playout from each position that is not over, for the player to move there.
    fn playouts(positions: &[Self::Position], seeds: &[u64], results: &mut [f64]);

    /// The same where a move that wins at once is played, and one that prevents the other's win at once; random play in games without them.
    fn decisive_playouts(positions: &[Self::Position], seeds: &[u64], results: &mut [f64]) {
        Self::playouts(positions, seeds, results);
    }

    /// The position that an observation shows.
    fn read(observation: &[f64]) -> Self::Position;

    /// Writes the observation of a position.
    fn write(position: Self::Position, observation: &mut [f64]);
}

/// Turns a number into one that looks unrelated (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[inline]
pub(crate) fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The next number of a generator that is never zero (Marsaglia, "Xorshift RNGs", 2003).
#[inline(always)]
pub(crate) fn xorshift(mut x: u64) -> u64 {
    x ^= x << 13;
    x ^= x >> 7;
    x ^ (x << 17)
}
