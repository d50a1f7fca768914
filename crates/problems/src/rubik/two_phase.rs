//! The two-phase algorithm (Kociemba 1992; kociemba.org/math/twophase.htm): iterative deepening A* into the group ⟨U, D, R2, L2,
//! F2, B2⟩, then within it, over ever longer first phases as long as the whole becomes shorter.
//!
//! Six searches take turns at each length of the first phase: the cube and its inverse, each as seen along the three axes (the
//! cube turned by thirds about a corner). A solution s of S⁻¹CS is one of C after renaming faces; one of C⁻¹ is read backwards.

use worldwright_core::Result;

use super::coordinates;
use super::tables::{INNER, Tables, is_inner};
use worldwright_envs::cube::Move;
use worldwright_envs::cube::{Cube, third_turn};

/// When to be content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Stop at a solution of at most this many turns (half turns count one).
    pub target: usize,
    /// Stop after this many nodes once there is any solution.
    pub nodes: u64,
}

impl Default for Effort {
    /// Stops at 21 turns or fewer, which takes some milliseconds; no cube needs more than 20.
    fn default() -> Self {
        Self { target: 21, nodes: 20_000_000 }
    }
}

/// A way to the solved cube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The turns.
    pub moves: Vec<Move>,
    /// Nodes that the search visited.
    pub nodes: u64,
}

/// The solver with its tables, built once; solving takes `&self`.
#[derive(Debug)]
pub struct TwoPhase {
    tables: Tables,
    /// The cube turned by none, one and two thirds.
    turned: [Cube; 3],
    /// For each of these, the turn that stands for each turn seen so.
    names: [[Move; 18]; 3],
}

/// The second phase may take as long as it needs when there is no first, and this long after one: longer ones are cheaper to
/// replace by another first phase than to search for.
const INNER_LIMIT: usize = 10;
/// No element of phase 2's group is farther from home.
const INNER_DIAMETER: usize = 18;
/// Room for the longest path of both phases.
const PATH: usize = 40;

impl Default for TwoPhase {
    fn default() -> Self {
        Self::new()
    }
}

impl TwoPhase {
    /// Builds the tables, in some tenths of a second.
    pub fn new() -> Self {
        let (third, _) = third_turn();
        let turned = [Cube::default(), third, third.then(&third)];
        let names = turned.map(|turned| {
            let mut names = Move::ALL;
            for turn in Move::ALL {
                let seen = conjugate(&Cube::of_move(turn), &turned);
                let name = Move::ALL.into_iter().find(|name| Cube::of_move(*name) == seen);
                names[name.expect("a rotation makes turns of turns").index()] = turn;
            }
            names
        });
        Self { tables: Tables::new(), turned, names }
    }

    /// A short sequence of turns that solves `cube`.
    ///
    /// # Errors
    /// [`Error::NotInSpace`](worldwright_core::Error::NotInSpace) for a cube that turns cannot solve.
    pub fn solve(&self, cube: &Cube, effort: &Effort) -> Result<Solution> {
        cube.check()?;
        let mut search = Search {
            tables: &self.tables,
            effort: *effort,
            nodes: 0,
            best: None,
            path: [Move::ALL[0]; PATH],
            cubes: [*cube; PATH],
            fresh: 0,
            split: 0,
        };
        let views: [(Cube, usize, bool); 6] = std::array::from_fn(|i| {
            let (axis, inverted) = (i / 2, i % 2 == 1);
            let seen = if inverted { cube.inverse() } else { *cube };
            (conjugate(&seen, &self.turned[axis]), axis, inverted)
        });
        let mut found = (0, false);
        for length in 0..PATH - INNER_DIAMETER {
            for (seen, axis, inverted) in &views {
                if search.best.as_ref().is_some_and(|best| length >= best.len()) || search.content() {
                    break;
                }
                if search.from(seen, length) {
                    found = (*axis, *inverted);
                }
            }
        }
        let mut moves = search.best.unwrap_or_default();
        moves.iter_mut().for_each(|turn| *turn = self.names[found.0][turn.index()]);
        if found.1 {
            moves.reverse();
            moves.iter_mut().for_each(|turn| *turn = turn.inverse());
        }
        Ok(Solution { moves, nodes: search.nodes })
    }
}

/// `cube` as seen after turning everything by `turned`.
fn conjugate(cube: &Cube, turned: &Cube) -> Cube {
    turned.inverse().then(cube).then(turned)
}

struct Search<'t> {
    tables: &'t Tables,
    effort: Effort,
    nodes: u64,
    best: Option<Vec<Move>>,
    path: [Move; PATH],
    /// The cube after each prefix of the path, right for the first `fresh` turns.
    cubes: [Cube; PATH],
    fresh: usize,
    /// Turns of the first phase.
    split: usize,
}

impl Search<'_> {
    fn content(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.len() <= self.effort.target || self.nodes >= self.effort.nodes)
    }

    /// Searches all first phases of `length` turns; whether a better solution came of it.
    fn from(&mut self, cube: &Cube, length: usize) -> bool {
        let before = self.best.as_ref().map(Vec::len);
        (self.cubes[0], self.fresh, self.split) = (*cube, 0, length);
        let (twist, flip, slice) = (coordinates::twist(cube), coordinates::flip(cube), coordinates::slice(cube));
        if !self.tables.outer_beyond(length as u8, twist, flip, slice) {
            self.outer(0, twist, flip, slice);
        }
        self.best.as_ref().map(Vec::len) != before
    }

    /// Phase 1: all ways home in exactly the turns that are left, whose last turn leaves phase 2's group (others were found with
    /// a shorter first phase).
    fn outer(&mut self, depth: usize, twist: usize, flip: usize, slice: usize) {
        if depth == self.split {
            if twist == 0 && flip == 0 && slice == 0 {
                self.between();
            }
            return;
        }
        let left = (self.split - depth - 1) as u8;
        let last = depth.checked_sub(1).map(|last| self.path[last]);
        for turn in Move::ALL {
            if !turn.may_follow(last) || (left == 0 && is_inner(turn)) {
                continue;
            }
            let i = turn.index();
            let next = (self.tables.twist[twist][i], self.tables.flip[flip][i], self.tables.slice[slice][i]);
            let next = (usize::from(next.0), usize::from(next.1), usize::from(next.2));
            self.nodes += 1;
            if self.tables.outer_beyond(left, next.0, next.1, next.2) {
                continue;
            }
            self.path[depth] = turn;
            self.fresh = self.fresh.min(depth);
            self.outer(depth + 1, next.0, next.1, next.2);
            if self.content() {
                return;
            }
        }
    }

    /// From a first phase that came home to the shortest second one that makes the whole shorter than the best.
    fn between(&mut self) {
        for depth in self.fresh..self.split {
            self.cubes[depth + 1] = self.cubes[depth].then(&Cube::of_move(self.path[depth]));
        }
        self.fresh = self.split;
        let cube = &self.cubes[self.split];
        let limit = if self.split == 0 { INNER_DIAMETER } else { INNER_LIMIT };
        let limit = match &self.best {
            Some(best) if best.len() <= self.split => return,
            Some(best) => limit.min(best.len() - 1 - self.split),
            None => limit,
        };
        let middle = coordinates::middle_order(cube);
        let corners = coordinates::corner_order(cube);
        if usize::from(self.tables.corners_bound(corners, middle)) > limit {
            return;
        }
        let edges = coordinates::edge_order(cube);
        for length in usize::from(self.tables.inner_bound(corners, edges, middle))..=limit {
            if self.inner(self.split, length, corners, edges, middle) {
                self.best = Some(self.path[..self.split + length].to_vec());
                return;
            }
        }
    }

    /// Phase 2: whether there is a way home in exactly `left` turns; it then stands in the path.
    fn inner(&mut self, depth: usize, left: usize, corners: usize, edges: usize, middle: usize) -> bool {
        if left == 0 {
            return corners == 0 && edges == 0 && middle == 0;
        }
        let last = depth.checked_sub(1).map(|last| self.path[last]);
        for (i, turn) in INNER.into_iter().enumerate() {
            if !turn.may_follow(last) {
                continue;
            }
            let corners = usize::from(self.tables.corners[corners][i]);
            let edges = usize::from(self.tables.edges[edges][i]);
            let middle = usize::from(self.tables.middle[middle][i]);
            self.nodes += 1;
            if usize::from(self.tables.inner_bound(corners, edges, middle)) < left {
                self.path[depth] = turn;
                if self.inner(depth + 1, left - 1, corners, edges, middle) {
                    return true;
                }
            }
        }
        false
    }
}
