//! A ring of coloured cells, of which the colour beneath is all that is seen.
//!
//! Steps lead to the left, to the right, or nowhere; one in ten slips and leads nowhere. Who comes to the goal, which looks like other cells, is paid 1 and set down anywhere. So what to do
//! depends on where one is, and that on all colours and steps since one was set down.

use worldwright_core::Rng;

/// Colours, and actions: left, right and nowhere.
pub(super) const COLOURS: usize = 3;
pub(super) const ACTIONS: usize = 3;
/// Where the goal is.
const GOAL: usize = 0;
const SLIP: f64 = 0.1;

/// The ring.
pub(super) struct Ring {
    pub(super) colours: Vec<usize>,
}

impl Ring {
    /// A ring whose colours tell every cell from every other, by some steps in one direction.
    pub(super) fn random(cells: usize, rng: &mut Rng) -> Self {
        loop {
            let colours: Vec<usize> = (0..cells).map(|_| rng.below(COLOURS as u64) as usize).collect();
            let same = |turn: usize| (0..cells).all(|i| colours[i] == colours[(i + turn) % cells]);
            if !(1..cells).any(same) {
                return Self { colours };
            }
        }
    }

    pub(super) fn cells(&self) -> usize {
        self.colours.len()
    }

    /// Any cell but the goal.
    pub(super) fn start(&self, rng: &mut Rng) -> usize {
        1 + rng.below(self.cells() as u64 - 1) as usize
    }

    /// Where a step leads that does not slip.
    fn beside(&self, cell: usize, action: usize) -> usize {
        match action {
            0 => (cell + self.cells() - 1) % self.cells(),
            1 => (cell + 1) % self.cells(),
            _ => cell,
        }
    }

    /// The next cell, and what the step pays.
    pub(super) fn step(&self, cell: usize, action: usize, rng: &mut Rng) -> (usize, f64) {
        let (slips, anew) = (rng.uniform() < SLIP, self.start(rng));
        match if slips { cell } else { self.beside(cell, action) } {
            GOAL => (anew, 1.0),
            next => (next, 0.0),
        }
    }

    /// What is paid a step on average by who always knows where it is, and goes the shorter way: a stretch of d steps takes d / 0.9 of them.
    pub(super) fn most(&self) -> f64 {
        let n = self.cells();
        let steps: f64 = (1..n).map(|cell| cell.min(n - cell) as f64 / (1.0 - SLIP)).sum();
        (n as f64 - 1.0) / steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_way_earns_what_is_computed() {
        let rng = &mut Rng::new(1);
        let ring = Ring::random(9, rng);
        let (mut cell, mut paid, steps) = (ring.start(rng), 0.0, 200_000);
        for _ in 0..steps {
            let (next, reward) = ring.step(cell, usize::from(cell > 4), rng);
            (cell, paid) = (next, paid + reward);
        }
        // Five deviations of a count of independent ways.
        assert!((paid / f64::from(steps) - ring.most()).abs() < 0.006, "{} {}", paid / f64::from(steps), ring.most());
        assert!((ring.most() - 8.0 * 0.9 / 20.0).abs() < 1e-12);
    }
}
