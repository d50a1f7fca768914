//! Keeping what was searched below the action that was done.
//!
//! The part of the old tree below the new root becomes the new tree: visits, returns and priors are kept, and its rows are imagined anew
//! from what was really observed, level by level in batches, so that they are there in any arena and follow the observation. Where
//! the model gives keys of states, the new root is the old node of the same state, wherever it was, also after a reply of
//! another player; otherwise it is what the done actions lead to. What does not fit, nearest to the leaves, is left out.

use worldwright_core::{Actions, Budget, Imagination, Key, Result, Rows};

use super::arena::{Branches, ENDED, NONE, Paid, Tree};
use super::rule::Rule;
use super::search::Search;

impl<R: Rule> Search<R> {
    /// Fills the first, empty tree with what `old` holds below the present root; returns the model steps taken.
    ///
    /// # Errors
    /// What the model gives.
    pub(super) fn regrow(
        &mut self,
        world: &mut dyn Imagination,
        old: &Tree,
        done: &[u32],
        budget: &Budget,
        key: Key,
    ) -> Result<u64> {
        self.prepare(world)?;
        let mut root_key = [0];
        if self.with_keys {
            world.state_keys(Rows::Span(0..1), &mut root_key)?;
        }
        let found = if self.with_keys {
            old.key[..old.nodes].iter().position(|key| *key == root_key[0])
        } else {
            done.iter().try_fold(0, |node, action| old.child_by(node, *action))
        };
        let members = world.spec().members as u64;
        let affordable = budget.model_steps.map_or(usize::MAX, |steps| (steps / 2 / members) as usize);
        let most = (self.options.capacity - self.options.simulations).min(affordable);
        let Some(root) = found.filter(|root| old.branches[*root].first != NONE && most > 0) else {
            return Ok(0);
        };
        self.trees[0].clear(key.to_seed());
        self.copy_below(old, root, most);
        self.imagine_again(world, key)
    }

    /// Copies the nodes below `root` breadth first, `most` of them at the most; notes in `parents` by which edge each is reached.
    fn copy_below(&mut self, old: &Tree, root: usize, most: usize) {
        let (tree, map, keep_proofs) = (&mut self.trees[0], &mut self.map, self.with_keys);
        map[..old.nodes].fill(NONE);
        self.origin.clear();
        self.parents.clear();
        self.origin.push(root as u32);
        self.parents.push((0, 0));
        map[root] = 0;
        tree.copy_evaluations(old, root, 0);
        tree.add_node(0, Some(old.key[root]));
        (tree.low, tree.high, tree.zero_sum) = (old.low, old.high, old.zero_sum);
        tree.at_end_only = old.at_end_only;
        tree.ends = true;
        let mut node = 0;
        while node < tree.nodes {
            let from = self.origin[node] as usize;
            tree.value[node] = old.value[from];
            tree.proven[node] = keep_proofs && old.proven[from];
            tree.plies[node] = old.plies[from];
            if old.branches[from].first != NONE {
                let edges = tree.copy_edges(old, from, node, keep_proofs);
                for (edge, old_edge) in edges.zip(old.edges_made(from)) {
                    let child = old.child[old_edge];
                    if child >= ENDED {
                        continue;
                    }
                    if map[child as usize] == NONE && tree.nodes < most {
                        map[child as usize] = tree.nodes as u32;
                        tree.copy_evaluations(old, child as usize, tree.nodes);
                        // Rows in the order of the nodes: row 0 is the root.
                        tree.add_node(tree.nodes as u32, Some(old.key[child as usize]));
                        self.origin.push(child);
                        self.parents.push((node as u32, edge as u32));
                    }
                    tree.child[edge] = map[child as usize];
                }
            }
            node += 1;
        }
        self.free.clear();
        self.next_row = self.trees[0].nodes;
    }

    /// Steps every kept node's row from its parent's, in batches that hold no parent of their own.
    fn imagine_again(&mut self, world: &mut dyn Imagination, key: Key) -> Result<u64> {
        let (batch, members) = (self.keys.len(), self.shape.0);
        let nodes = self.trees[0].nodes;
        let (mut start, mut steps) = (1, 0);
        while start < nodes {
            let mut end = start;
            self.clear_batch();
            while end < nodes && end - start < batch && (self.parents[end].0 as usize) < start {
                let (parent, edge) = self.parents[end];
                self.from.push(parent);
                self.choices.push(self.trees[0].action[edge as usize]);
                self.to.push(end as u32);
                end += 1;
            }
            self.imagined.begin(end - start);
            let actions = Actions::Discrete(&self.choices);
            let step_key = key.fold(u64::MAX).fold(start as u64);
            world.step(Rows::List(&self.from), actions, Rows::List(&self.to), step_key, &mut self.imagined)?;
            steps += ((end - start) * members) as u64;
            for i in 0..end - start {
                let (reward, continuation) = self.paid(i);
                let (tree, edge) = (&mut self.trees[0], self.parents[start + i].1 as usize);
                if !(reward.is_finite() && continuation.is_finite()) {
                    tree.total[edge] = f64::NEG_INFINITY;
                    continue;
                }
                tree.paid[edge] = Paid { reward, continuation };
                if continuation == 0.0 {
                    tree.child[edge] = ENDED;
                }
            }
            start = end;
        }
        if !self.tables.is_empty() {
            self.tables[0].clear();
            for node in 0..nodes {
                self.tables[0].put(self.trees[0].key[node], node);
            }
        }
        Ok(steps)
    }
}

impl Tree {
    /// The node that an action leads to.
    fn child_by(&self, node: usize, action: u32) -> Option<usize> {
        let edge = self.edges_made(node).find(|edge| self.action[*edge] == action)?;
        (self.child[edge] < ENDED).then(|| self.child[edge] as usize)
    }

    /// Copies what the model said of a node.
    fn copy_evaluations(&mut self, old: &Self, from: usize, to: usize) {
        self.estimate[to] = old.estimate[from];
        let (words, each) = (self.actions.div_ceil(64), if self.logits.is_empty() { 0 } else { self.actions });
        self.applicable[to * words..(to + 1) * words]
            .copy_from_slice(&old.applicable[from * words..(from + 1) * words]);
        self.logits[to * each..(to + 1) * each].copy_from_slice(&old.logits[from * each..(from + 1) * each]);
    }

    /// Copies the edges of a node, as yet without children but for ends.
    fn copy_edges(&mut self, old: &Self, from: usize, to: usize, keep_proofs: bool) -> std::ops::Range<usize> {
        let (source, first) = (old.edges_made(from), self.edges);
        let edges = first..first + source.len();
        self.branches[to] = Branches { first: first as u32, ..old.branches[from] };
        self.edges = edges.end;
        self.action[edges.clone()].copy_from_slice(&old.action[source.clone()]);
        self.edge_visits[edges.clone()].copy_from_slice(&old.edge_visits[source.clone()]);
        self.total[edges.clone()].copy_from_slice(&old.total[source.clone()]);
        if !self.prior.is_empty() {
            self.prior[edges.clone()].copy_from_slice(&old.prior[source.clone()]);
        }
        self.paid[edges.clone()].copy_from_slice(&old.paid[source.clone()]);
        self.edge_plies[edges.clone()].copy_from_slice(&old.edge_plies[source.clone()]);
        self.searched[edges.clone()].copy_from_slice(&old.searched[source.clone()]);
        for (edge, old_edge) in edges.clone().zip(source) {
            self.edge_proven[edge] = keep_proofs && old.edge_proven[old_edge];
            self.child[edge] = if old.child[old_edge] == ENDED { ENDED } else { NONE };
        }
        edges
    }
}
