//! Subgoals half way, as the crow flies.

use super::Proposals;

/// Proposes subgoals that lie near the middle of a way: states are cells of a plane, `[column, row]`, and a cell m between a and b weighs
/// `exp(−max(d(a, m), d(m, b)) / 2)` with city-block distances d.
#[derive(Debug, Clone, Copy)]
pub struct Midway<'c>(pub &'c [[usize; 2]]);

impl Proposals for Midway<'_> {
    fn propose(&self, from: usize, to: usize, out: &mut Vec<(u32, f64)>) {
        let cells = self.0;
        let apart = |a: usize, b: usize| (cells[a][0].abs_diff(cells[b][0]) + cells[a][1].abs_diff(cells[b][1])) as f64;
        let states = (0..cells.len()).filter(|m| *m != from && *m != to);
        out.extend(states.map(|m| (m as u32, (-0.5 * apart(from, m).max(apart(m, to))).exp())));
    }
}
