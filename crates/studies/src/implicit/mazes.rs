//! Fields with obstacles, and the shortest ways to a goal in them.
//!
//! A field is N×N cells. Each is blocked with a probability that is drawn anew for each field, up to 40 %; the goal is a free cell that ten others at least lead to. Eight moves
//! lead to neighbours, those along diagonals for √2; one that is blocked or leads out cannot be made.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use worldwright_core::Rng;

/// Moves, and what they cost.
pub(super) const MOVES: [([isize; 2], f64); 8] = [
    ([-1, 0], 1.0),
    ([1, 0], 1.0),
    ([0, -1], 1.0),
    ([0, 1], 1.0),
    ([-1, -1], std::f64::consts::SQRT_2),
    ([-1, 1], std::f64::consts::SQRT_2),
    ([1, -1], std::f64::consts::SQRT_2),
    ([1, 1], std::f64::consts::SQRT_2),
];
/// The most that are blocked.
const MOST_BLOCKED: f64 = 0.4;
/// The least cells that a goal is reached from.
const LEAST: usize = 10;

/// A field with its goal, and how far every cell is from it.
pub(super) struct Field {
    pub(super) size: usize,
    pub(super) blocked: Vec<bool>,
    pub(super) goal: usize,
    /// Infinite where no way leads to it.
    pub(super) distance: Vec<f64>,
}

/// A cell to go on from, the nearest first.
struct Open(f64, usize);

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}

impl Field {
    /// A field drawn at random.
    pub(super) fn random(size: usize, rng: &mut Rng) -> Self {
        loop {
            let share = rng.uniform_in(0.0, MOST_BLOCKED);
            let mut blocked: Vec<bool> = (0..size * size).map(|_| rng.uniform() < share).collect();
            let goal = rng.below((size * size) as u64) as usize;
            blocked[goal] = false;
            let mut field = Self { size, blocked, goal, distance: Vec::new() };
            field.measure();
            if field.starts().count() >= LEAST {
                return field;
            }
        }
    }

    /// Where a move leads; none where it cannot be made.
    pub(super) fn go(&self, cell: usize, [down, right]: [isize; 2]) -> Option<usize> {
        let (row, column) =
            ((cell / self.size).checked_add_signed(down)?, (cell % self.size).checked_add_signed(right)?);
        let next = row * self.size + column;
        (row < self.size && column < self.size && !self.blocked[next]).then_some(next)
    }

    /// Dijkstra's search from the goal; ways are the same in both directions.
    fn measure(&mut self) {
        let mut distance = vec![f64::INFINITY; self.blocked.len()];
        distance[self.goal] = 0.0;
        let mut open = BinaryHeap::from([Open(0.0, self.goal)]);
        while let Some(Open(far, cell)) = open.pop() {
            if far > distance[cell] {
                continue;
            }
            for (step, cost) in MOVES {
                if let Some(next) = self.go(cell, step).filter(|next| far + cost < distance[*next]) {
                    distance[next] = far + cost;
                    open.push(Open(far + cost, next));
                }
            }
        }
        self.distance = distance;
    }

    /// Cells that a way leads from, the goal itself aside.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.blocked.len()).filter(|cell| *cell != self.goal && self.distance[*cell].is_finite())
    }

    /// Whether a move is the first of a shortest way.
    pub(super) fn is_best(&self, cell: usize, choice: usize) -> bool {
        let (step, cost) = MOVES[choice];
        // Sums of roots are rounded: ways that are equal differ by far less than any that are not.
        self.go(cell, step).is_some_and(|next| self.distance[next] + cost <= self.distance[cell] + 1e-9)
    }

    /// Whether following choices leads to the goal, in steps of which no shortest way takes as many.
    pub(super) fn arrives(&self, mut cell: usize, choice: impl Fn(usize) -> usize) -> bool {
        for _ in 0..self.blocked.len() {
            if cell == self.goal {
                return true;
            }
            match self.go(cell, MOVES[choice(cell)].0) {
                Some(next) => cell = next,
                None => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_ways_are_those_of_relaxing_until_nothing_changes() {
        for seed in 0..20 {
            let field = Field::random(7, &mut Rng::new(seed));
            let mut distance = vec![f64::INFINITY; 49];
            distance[field.goal] = 0.0;
            for _ in 0..49 {
                for cell in (0..49).filter(|cell| !field.blocked[*cell]) {
                    for (step, cost) in MOVES {
                        if let Some(next) = field.go(cell, step) {
                            distance[cell] = distance[cell].min(distance[next] + cost);
                        }
                    }
                }
            }
            for (a, b) in distance.iter().zip(&field.distance) {
                assert!(a == b || (a - b).abs() < 1e-9, "{a} {b}");
            }
            let best = |cell| (0..8).find(|choice| field.is_best(cell, *choice)).unwrap();
            assert!(field.starts().all(|start| field.arrives(start, best)));
        }
    }
}
