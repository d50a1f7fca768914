//! The shortest win and the longest defence: what is left of a search's budget once its root is proven won or lost.
//!
//! A proof bounds the length of the game from above: the winner, who is called the attacker here, wins within so many steps. Whether he does within
//! fewer is the question of each further simulation: it has a limit of steps, which shrinks on the way down, and goes where the question
//! is open. At a node where the attacker moves, that is an edge by which he may still win within the limit; at a node where the
//! other one does, an edge by which he is not known to lose within it; among those by upper confidence bounds on what the simulations
//! of the edge returned. That he may is ruled out by lower bounds, counted from what has been tried (score bounds in the sense of Cazenave
//! and Saffidine, "Score Bounded Monte-Carlo Tree Search", 2010, with steps as scores): through an edge to a node he wins no sooner than the
//! node's mover can be made to lose. When the bounds of the root meet, its play is the best there is.
//!
//! It works where the length of the game is not part of the values anyway: rewards come at the end alone, undiscounted.

use super::arena::{Branches, ENDED, NONE, PENDING, Tree};
use super::backup::Backup;
use super::length::{Least, Question, Stage, UNKNOWN};
use super::simulations::Step;

/// More steps than any game has.
pub(super) const NEVER: u32 = u32::MAX / 2;

/// C of the confidence bound.
const EXPLORATION: f64 = 0.7;

impl Tree {
    /// The question of the next simulation at the root: now whether the attacker wins sooner than he is known to, which finds shorter wins
    /// wherever they are, now whether he does as soon as is not ruled out, which finds the shortest where it is near. Limits are an even
    /// number of steps below what is known, so that the turn is the winner's, as long as there are any.
    pub(super) fn question(&self, win: f64) -> Question {
        let attacks = self.value[0] >= win;
        let (most, least) = (self.plies[0], if attacks { self.least[0].win } else { self.least[0].loss });
        let apart = most.saturating_sub(least);
        let limit = match apart {
            0 | 1 => most.saturating_sub(1),
            _ if self.simulations.is_multiple_of(2) => most - 2,
            _ => most - apart / 2 * 2,
        };
        Question { attacks, limit }
    }

    /// Steps to the end of the game where the root is proven won or lost: no sooner than the first by best play of both, no later than the
    /// second by the play that is proven.
    pub(super) fn length(&self) -> Option<[u32; 2]> {
        // A first move that ends the game leaves no time to see that the players take turns.
        let decided = self.proven[0] && (self.zero_sum || self.plies[0] == 1) && self.value[0] != 0.0;
        let least = match self.stage {
            Stage::Open => 1,
            _ if self.value[0] > 0.0 => self.least[0].win,
            _ => self.least[0].loss,
        };
        decided.then(|| [least.min(self.plies[0]), self.plies[0]])
    }

    /// Lower bounds by way of an edge, for the player who takes it.
    pub(super) fn least_by(&self, edge: usize, win: f64) -> Least {
        let sure = |value: f64| Least {
            win: if value >= win { 1 } else { NEVER },
            loss: if value <= -win { 1 } else { NEVER },
        };
        match self.child[edge] {
            _ if self.total[edge] == f64::NEG_INFINITY => Least { win: NEVER, loss: 0 },
            ENDED => sure(self.paid[edge].reward),
            NONE if self.edge_proven[edge] => sure(self.mean(edge)),
            NONE | PENDING => UNKNOWN,
            child => {
                let Least { win, loss } = self.least[child as usize];
                let further = |steps: u32| NEVER.min(steps + 1);
                if self.paid[edge].continuation < 0.0 {
                    Least { win: further(loss), loss: further(win) }
                } else {
                    Least { win: further(win), loss: further(loss) }
                }
            }
        }
    }

    /// The edge that a simulation with this question takes; none where the question is answered.
    pub(super) fn choose_shorter(&self, node: usize, question: Question, win: f64) -> Option<usize> {
        let Question { attacks, limit } = question;
        let Branches { first, count, opened, visits } = self.branches[node];
        let end = first + if opened < count { opened + 1 } else { opened };
        let bonus = EXPLORATION * f64::from(visits.max(1)).ln().sqrt() * self.range();
        let (mut best, mut at, mut pending) = (f64::NEG_INFINITY, None, None);
        for edge in first as usize..end as usize {
            let least = self.least_by(edge, win);
            let settled = self.edge_proven[edge];
            let asked = if attacks {
                least.win <= limit
            } else if least.loss > limit && self.total[edge] != f64::NEG_INFINITY {
                // This answer refutes the attacker.
                return None;
            } else {
                !(settled && self.proven_value(edge) <= -win && self.edge_plies[edge] <= limit)
            };
            if !asked || self.total[edge] == f64::NEG_INFINITY {
                continue;
            }
            if self.child[edge] == PENDING {
                pending = Some(edge);
                continue;
            }
            let n = f64::from(self.edge_visits[edge]);
            if n == 0.0 {
                return Some(edge);
            }
            let mean = if settled { f64::from(self.searched[edge]) } else { self.total[edge] / n };
            let score = mean + bonus / n.sqrt();
            if score > best {
                (best, at) = (score, Some(edge));
            }
        }
        at.or(pending)
    }
}

impl Backup {
    /// Begins to shorten, or to rest, where the root is proven.
    pub(super) fn go_further(&self, tree: &mut Tree) {
        if tree.stage == Stage::Settled || !tree.proven[0] {
            return;
        }
        if tree.stage == Stage::Open {
            let decided = tree.zero_sum && tree.at_end_only && tree.value[0].abs() >= self.win;
            if !(decided && self.solve) {
                tree.stage = Stage::Settled;
                return;
            }
            tree.stage = Stage::Shortening;
            tree.least[..tree.nodes].fill(UNKNOWN);
            // Nearly all nodes are younger than what leads to them: one pass takes the bounds up to the root.
            (0..tree.nodes).rev().for_each(|node| self.settle(tree, node));
        }
        let least = tree.least[0];
        if tree.plies[0] <= if tree.value[0] >= self.win { least.win } else { least.loss } {
            tree.stage = Stage::Settled;
        }
    }

    /// Ends a simulation that shortens, as [`run`](Backup::run) does; all bounds on its path are taken anew, since what joined ways lead to
    /// may have changed meanwhile.
    pub(super) fn shorten(&self, tree: &mut Tree, path: &[Step], value: f64) {
        let mut g = value;
        for step in path.iter().rev() {
            let (node, edge, slot) = (step.node as usize, step.edge as usize, step.slot as usize);
            g = tree.returned(slot, g);
            if tree.edge_proven[edge] {
                let mean = f64::from(tree.searched[edge]);
                tree.searched[edge] = (mean + (g - mean) / f64::from(tree.edge_visits[edge])) as f32;
            } else {
                tree.total[edge] += g - step.lent;
            }
            self.settle(tree, node);
        }
    }

    /// Takes a node's bounds and its proof from its edges.
    pub(super) fn settle(&self, tree: &mut Tree, node: usize) {
        let edges = tree.edges_made(node);
        if tree.branches[node].first == NONE {
            return;
        }
        let mut least = Least { win: NEVER, loss: if edges.is_empty() { NEVER } else { 0 } };
        let (mut all, mut won) = (!edges.is_empty(), false);
        for edge in edges {
            if tree.leads_to_proof(edge) {
                if tree.edge_proven[edge] {
                    tree.renew_edge(edge);
                } else {
                    tree.prove_edge(edge, tree.mean(edge));
                }
            }
            let by = tree.least_by(edge, self.win);
            (least.win, least.loss) = (least.win.min(by.win), least.loss.max(by.loss));
            let proven = tree.edge_proven[edge];
            all &= proven;
            won |= proven && tree.proven_value(edge) >= self.win;
        }
        if all || won {
            tree.prove_node(node);
        }
        if tree.proven[node] {
            let value = tree.value[node];
            least.win = if value >= self.win { least.win } else { NEVER };
            least.loss = if value <= -self.win { least.loss } else { NEVER };
        }
        tree.least[node] = least;
    }
}
