//! The 2×2×2 cube, solved optimally from a table of all its 3,674,160 states.
//!
//! The corner down-back-left is held still, so that turns of the up, right and front faces reach everything: 7! orders times 3⁶
//! twists. A turn of the down, left or back face is the same turn of the opposite face together with a rotation of the whole
//! cube, of which the state keeps track, so that solutions name the faces that the user sees.

use worldwright_core::{Result, Rng};

use crate::breadth_first::distances;

use super::permutation::{rank, unrank};
use worldwright_envs::cube::Cube;
use worldwright_envs::cube::{Face, Metric, Move};
use worldwright_envs::cube::{normal, quarter};

const ORDERS: usize = 5040;
const TWISTS: usize = 729;
/// How many states there are.
const STATES: usize = ORDERS * TWISTS;
/// Places other than down-back-left, and the places that come first among them.
const PLACES: [usize; 7] = [0, 1, 2, 3, 4, 5, 7];
/// Turns of the three faces that move.
const TURNS: usize = 9;

/// A state of the 2×2×2 cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pocket {
    order: u16,
    twist: u16,
    /// The user's face at which each face of the still corner's frame shows.
    shown: [Face; 6],
}

impl Default for Pocket {
    /// The solved cube.
    fn default() -> Self {
        Self { order: 0, twist: 0, shown: Face::ALL }
    }
}

impl Pocket {
    /// A state drawn uniformly.
    pub fn random(rng: &mut Rng) -> Self {
        let (order, twist) = (rng.below(ORDERS as u64) as u16, rng.below(TWISTS as u64) as u16);
        Self { order, twist, shown: Face::ALL }
    }

    /// The number of the state, below 3,674,160; whole-cube rotations do not change it.
    pub fn index(&self) -> usize {
        usize::from(self.order) * TWISTS + usize::from(self.twist)
    }

    /// Whether every face has one colour.
    pub fn is_solved(&self) -> bool {
        self.index() == 0
    }
}

/// Tables of the 2×2×2 cube: moves and the distance of every state.
#[derive(Debug)]
pub struct PocketSolver {
    metric: Metric,
    orders: Vec<[u16; TURNS]>,
    twists: Vec<[u16; TURNS]>,
    distance: Vec<u8>,
}

impl PocketSolver {
    /// Builds the tables for a way of counting turns.
    pub fn new(metric: Metric) -> Self {
        let turns: [Cube; TURNS] = std::array::from_fn(|i| Cube::of_move(Move::ALL[i]));
        let orders = |order| turns.map(|turn| order_of(&with_order(order).then(&turn)));
        let twists = |twist| turns.map(|turn| twist_of(&with_twist(twist).then(&turn)));
        let orders: Vec<[u16; TURNS]> = (0..ORDERS).map(orders).collect();
        let twists: Vec<[u16; TURNS]> = (0..TWISTS).map(twists).collect();
        let counted: Vec<usize> = (0..TURNS).filter(|i| Move::ALL[*i].cost(metric) == 1).collect();
        let distance = distances(STATES, 0, counted.len(), |state, i| {
            let (order, twist) = (&orders[state / TWISTS], &twists[state % TWISTS]);
            usize::from(order[counted[i]]) * TWISTS + usize::from(twist[counted[i]])
        });
        Self { metric, orders, twists, distance }
    }

    /// The turns that each state needs, by its [`index`](Pocket::index).
    pub fn distances(&self) -> &[u8] {
        &self.distance
    }

    /// The turns that a state needs.
    pub fn distance(&self, pocket: &Pocket) -> usize {
        usize::from(self.distance[pocket.index()])
    }

    /// The state after turns of any faces.
    #[must_use]
    pub fn after(&self, pocket: &Pocket, moves: &[Move]) -> Pocket {
        moves.iter().fold(*pocket, |pocket, turn| self.turned(&pocket, *turn))
    }

    fn turned(&self, pocket: &Pocket, turn: Move) -> Pocket {
        let held = Face::ALL[pocket.shown.iter().position(|face| *face == turn.face()).unwrap_or(0)];
        let (moving, rotates) = if (held as usize) < 3 { (held, false) } else { (held.opposite(), true) };
        let i = moving as usize * 3 + turn.quarters() as usize - 1;
        let mut next = Pocket {
            order: self.orders[usize::from(pocket.order)][i],
            twist: self.twists[usize::from(pocket.twist)][i],
            shown: pocket.shown,
        };
        if rotates {
            // The still corner went along with the turn that the user saw.
            let n = normal(turn.face());
            for shown in &mut next.shown {
                let to = (0..turn.quarters()).fold(normal(*shown), |v, _| quarter(v, n));
                *shown = Face::ALL.into_iter().find(|face| normal(*face) == to).unwrap_or(*shown);
            }
        }
        next
    }

    /// A shortest sequence of turns that solves it; among equals the first in the order of [`Move::ALL`].
    ///
    /// # Errors
    /// None for states that this type can hold; the table reaches all of them.
    pub fn solve(&self, pocket: &Pocket) -> Result<Vec<Move>> {
        let mut moves = Vec::new();
        let mut state = *pocket;
        while !state.is_solved() {
            let here = self.distance(&state);
            let closer = |turn: &Move| {
                let held = Face::ALL[state.shown.iter().position(|face| *face == turn.face()).unwrap_or(0)];
                let next = self.turned(&state, *turn);
                (held as usize) < 3 && self.distance(&next) + turn.cost(self.metric) == here
            };
            let turn = Move::ALL.into_iter().find(closer).ok_or_else(|| {
                worldwright_core::Error::external("2×2×2 table", format!("no way down from distance {here}"))
            })?;
            state = self.turned(&state, turn);
            moves.push(turn);
        }
        Ok(moves)
    }
}

/// The pieces at the moving places, numbered without the still one.
fn order_of(cube: &Cube) -> u16 {
    let pieces = PLACES.map(|place| cube.corners[place]).map(|piece| if piece == 7 { 6 } else { piece });
    rank(&pieces) as u16
}

fn with_order(order: usize) -> Cube {
    let pieces: [u8; 7] = unrank(order);
    let mut cube = Cube::default();
    for (place, piece) in PLACES.into_iter().zip(pieces) {
        cube.corners[place] = if piece == 6 { 7 } else { piece };
    }
    cube
}

fn twist_of(cube: &Cube) -> u16 {
    PLACES[..6].iter().fold(0, |sum, place| 3 * sum + u16::from(cube.twists[*place]))
}

fn with_twist(mut twist: usize) -> Cube {
    let mut cube = Cube::default();
    let mut sum = 0;
    for place in PLACES[..6].iter().rev() {
        cube.twists[*place] = (twist % 3) as u8;
        sum += cube.twists[*place];
        twist /= 3;
    }
    cube.twists[7] = (18 - sum) % 3;
    cube
}
