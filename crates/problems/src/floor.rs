//! A plane in letters: what a motion plan looks like from above.

use worldwright_motion::{Convex, Point, Shape};

/// Letters over a rectangle; one is twice as high as wide.
pub(super) struct Floor {
    low: Point,
    letter: Point,
    columns: usize,
    rows: Vec<Vec<char>>,
}

/// The most letters side by side, and lines.
const COLUMNS: f64 = 60.0;
const ROWS: f64 = 24.0;

impl Floor {
    pub(super) fn new(low: Point, high: Point) -> Self {
        let size = [high[0] - low[0], high[1] - low[1]];
        // The width of a letter, from whichever side is the tighter.
        let width = (size[0] / COLUMNS).max(size[1] / ROWS / 2.0).max(1e-12);
        let columns = (size[0] / width).round().max(1.0) as usize;
        let rows = (size[1] / width / 2.0).round().max(1.0) as usize;
        let letter = [size[0] / columns as f64, size[1] / rows as f64];
        Self { low, letter, columns, rows: vec![vec![' '; columns]; rows] }
    }

    /// Fills the letters that a shape covers the middle of.
    pub(super) fn fill(&mut self, shape: &Shape, with: char) {
        for line in 0..self.rows.len() {
            for column in 0..self.columns {
                let middle = [0, 1].map(|d| self.low[d] + ([column, line][d] as f64 + 0.5) * self.letter[d]);
                if shape.as_convex().touches(&Convex { core: &[middle], radius: 0.0 }) {
                    self.rows[line][column] = with;
                }
            }
        }
    }

    /// Writes a letter at a point; beyond the rectangle nothing.
    pub(super) fn mark(&mut self, at: Point, with: char) {
        let [column, line] = [0, 1].map(|d| ((at[d] - self.low[d]) / self.letter[d]).floor());
        if column >= 0.0 && line >= 0.0 && (line as usize) < self.rows.len() && (column as usize) < self.columns {
            self.rows[line as usize][column as usize] = with;
        }
    }

    /// Dots along a line.
    pub(super) fn dots(&mut self, from: Point, to: Point) {
        let pieces = (2.0 * (to[0] - from[0]).hypot(to[1] - from[1]) / self.letter[0]).ceil().clamp(1.0, 1e4) as usize;
        for i in 0..=pieces {
            let share = i as f64 / pieces as f64;
            self.mark([0, 1].map(|d| from[d] + share * (to[d] - from[d])), '·');
        }
    }

    /// The picture with a frame, north up.
    pub(super) fn picture(&self) -> String {
        let edge = format!("+{}+", "-".repeat(self.columns));
        let lines = self.rows.iter().rev().map(|row| format!("|{}|", row.iter().collect::<String>()));
        std::iter::once(edge.clone()).chain(lines).chain([edge]).collect::<Vec<_>>().join("\n")
    }
}
