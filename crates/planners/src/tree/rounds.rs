//! Rounds of simulations: down, one batch of the model, and up.
//!
//! A round takes `leaves` simulations in each tree down to an edge without a child, lets the model step all of them at once, evaluates the new
//! rows in one batch, and backs up. In stochastic models, and where transpositions join trees, a step can lead to a node that is there
//! already: the simulation then goes on from it in a further batch of the same round. A row whose numbers are not finite makes its edge
//! the last of all (its total is minus infinity) and is counted; the simulation is withdrawn.

use worldwright_core::{Actions, Imagination, Key, PlanReport, Result, Rows};

use super::arena::{ENDED, NONE, PENDING, Paid, Tree};
use super::backup::Backup;
use super::length::Stage;
use super::outcomes::{self, Sampled};
use super::rule::Rule;
use super::search::{LEAF, Search};
use super::simulations::Step;

const STEP: u64 = 2;

/// How a simulation came to rest.
enum Rest {
    /// It needs the model to step.
    Requested,
    /// It is worth this from where it stands.
    Valued(f64),
    /// Another simulation of the round is on the same edge.
    Blocked,
}

impl<R: Rule> Search<R> {
    /// One round: `leaves` simulations in every tree of a group. Returns how many of those that shorten came to nothing: few edges are asked
    /// about then, and simulations of the same round meet there.
    pub(super) fn round(
        &mut self,
        world: &mut dyn Imagination,
        group: std::ops::Range<usize>,
        leaves: usize,
        key: Key,
        report: &mut PlanReport,
    ) -> Result<usize> {
        self.simulations.clear();
        self.clear_batch();
        self.wasted = 0;
        for _ in 0..leaves {
            for b in group.clone() {
                let tree = &self.trees[b];
                let shortens = tree.stage == Stage::Shortening;
                if shortens || !tree.proven[0] {
                    let simulation = self.simulations.begin(b);
                    if shortens {
                        self.simulations.question[simulation] = tree.question(self.options.backup.win);
                    }
                    self.go_on(simulation, leaves);
                }
            }
        }
        let mut batch = 0;
        while !self.requests.is_empty() {
            let batch_key = key.fold(batch);
            self.step(world, batch_key.fold(STEP), report)?;
            self.evaluate(world, batch_key.fold(LEAF), report)?;
            self.clear_batch();
            let going = std::mem::take(&mut self.going);
            going.iter().for_each(|simulation| self.go_on(*simulation as usize, leaves));
            self.going = going;
            self.going.clear();
            batch += 1;
        }
        Ok(self.wasted)
    }

    pub(super) fn clear_batch(&mut self) {
        self.from.clear();
        self.choices.clear();
        self.to.clear();
        self.requests.clear();
    }

    /// Takes a simulation down from where it stands, until it needs the model or ends.
    #[inline]
    fn go_on(&mut self, simulation: usize, leaves: usize) {
        let shortens = self.trees[self.simulations.tree[simulation] as usize].stage == Stage::Shortening;
        let rest =
            if shortens { self.descend::<true>(simulation, leaves) } else { self.descend::<false>(simulation, leaves) };
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        match rest {
            Rest::Requested => {}
            Rest::Valued(value) => self.options.backup.run(tree, self.simulations.path(simulation), value),
            Rest::Blocked => {
                self.wasted += usize::from(shortens);
                Backup::withdraw(tree, self.simulations.path(simulation));
            }
        }
    }

    /// `SHORTENS` where the root is proven, and what is asked is how soon the game ends.
    #[inline]
    fn descend<const SHORTENS: bool>(&mut self, simulation: usize, leaves: usize) -> Rest {
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        let mut node = self.simulations.node[simulation] as usize;
        // By the maximum, totals are written anew by every backup: there is nothing to lend.
        let lend = leaves > 1 && !self.options.backup.by_maximum;
        loop {
            if !SHORTENS && tree.proven[node] {
                return Rest::Valued(tree.value[node]);
            }
            if self.simulations.depth(simulation) == self.options.horizon {
                return Rest::Valued(value_so_far(tree, node, self.options.backup.by_maximum));
            }
            if tree.branches[node].first == NONE {
                tree.edges_of(node);
                if !R::PRIORS {
                    tree.rotate_edges(node);
                }
            }
            let chosen = if SHORTENS {
                tree.choose_shorter(node, self.simulations.question[simulation], self.options.backup.win)
            } else {
                self.rule.choose(tree, node)
            };
            let Some(edge) = chosen else {
                if SHORTENS {
                    self.options.backup.settle(tree, node);
                    return Rest::Valued(self.simulations.question[simulation].failed(self.options.backup.win));
                }
                return Rest::Valued(tree.estimate[node]);
            };
            tree.open(node, edge);
            let visits = tree.edge_visits[edge];
            let lent = if lend {
                let mean = if visits == 0 { tree.estimate[node] } else { tree.total[edge] * self.rule.inverse(visits) };
                mean - self.options.virtual_loss * tree.range()
            } else {
                0.0
            };
            tree.branches[node].visits += 1;
            tree.edge_visits[edge] = visits + 1;
            tree.total[edge] += lent;
            let mut slot = edge;
            let mut sample = tree.child[edge] == NONE;
            let has_row = !self.free.is_empty() || self.next_row < self.evaluation.scratch;
            if let Some(widening) = self.options.widening {
                let room = has_row && outcomes::room(tree, tree.pending);
                sample = widening.samples(tree, edge, room);
                if !sample {
                    match outcomes::draw(tree, edge) {
                        Some(drawn) => slot = drawn,
                        None => sample = true,
                    }
                }
            }
            self.simulations.push(simulation, Step { node: node as u32, edge: edge as u32, slot: slot as u32, lent });
            if sample {
                if !has_row || tree.nodes + tree.pending >= tree.capacity() {
                    return Rest::Blocked;
                }
                if self.options.widening.is_none() {
                    tree.child[edge] = PENDING;
                }
                let row = self.free.pop().unwrap_or_else(|| {
                    self.next_row += 1;
                    self.next_row as u32 - 1
                });
                tree.pending += 1;
                self.from.push(tree.row[node]);
                self.choices.push(tree.action[edge]);
                self.to.push(row);
                self.requests.push(simulation as u32);
                self.simulations.node[simulation] = node as u32;
                return Rest::Requested;
            }
            match tree.child[slot] {
                ENDED => return Rest::Valued(0.0),
                PENDING => return Rest::Blocked,
                child => node = child as usize,
            }
            if SHORTENS {
                let question = &mut self.simulations.question[simulation];
                *question = question.after(tree.paid[slot].continuation);
            }
        }
    }

    /// Lets the model take the steps of the batch and sees where they lead.
    fn step(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        let n = self.requests.len();
        self.imagined.begin(n);
        let actions = Actions::Discrete(&self.choices);
        world.step(Rows::List(&self.from), actions, Rows::List(&self.to), key, &mut self.imagined)?;
        let members = self.shape.0;
        report.model_steps += (n * members) as u64;
        if self.with_keys {
            world.state_keys(Rows::List(&self.to), &mut self.keys[..n])?;
        }
        self.new_rows.clear();
        self.new_simulations.clear();
        for i in 0..n {
            let (reward, continuation) = self.paid(i);
            let simulation = self.requests[i] as usize;
            let b = self.simulations.tree[simulation] as usize;
            let (tree, row) = (&mut self.trees[b], self.to[i]);
            tree.pending -= 1;
            let edge = self.simulations.last(simulation).edge as usize;
            if !(reward.is_finite() && continuation.is_finite()) {
                self.free.push(row);
                self.diverge(simulation, report);
                continue;
            }
            tree.zero_sum |= continuation < 0.0;
            tree.ends |= continuation == 0.0;
            tree.at_end_only &= continuation == 0.0 || (reward == 0.0 && continuation.abs() == 1.0);
            let question = &mut self.simulations.question[simulation];
            *question = question.after(continuation);
            let key = self.with_keys.then(|| self.keys[i]);
            let sampled = Sampled { reward, continuation, key };
            let mut slot = edge;
            if self.options.widening.is_some() {
                let known = outcomes::find(tree, edge, sampled);
                slot = known.unwrap_or_else(|| outcomes::add(tree, edge));
                tree.samples[slot] += 1;
                self.simulations.last(simulation).slot = slot as u32;
                if known.is_some() {
                    self.free.push(row);
                    self.arrive(simulation, slot);
                    continue;
                }
            }
            tree.paid[slot] = Paid { reward, continuation };
            let joined = self.tables.get(b).and_then(|table| table.get(self.keys[i]));
            if continuation == 0.0 || joined.is_some() {
                tree.child[slot] = if continuation == 0.0 { ENDED } else { joined.map_or(ENDED, |node| node as u32) };
                self.free.push(row);
                self.arrive(simulation, slot);
                continue;
            }
            let node = tree.add_node(row, key);
            tree.child[slot] = node as u32;
            // Another simulation of this batch may come to the same state: it joins this node before it is evaluated.
            if let Some(table) = self.tables.get_mut(b) {
                table.put(self.keys[i], node);
            }
            self.simulations.node[simulation] = node as u32;
            self.new_rows.push(row);
            self.new_simulations.push(simulation as u32);
        }
        Ok(())
    }

    /// Reward and continuation of row `i` of the batch: the mean over the lanes, less the price of not knowing.
    #[inline]
    pub(super) fn paid(&self, i: usize) -> (f64, f64) {
        let (out, members) = (&self.imagined, self.shape.0);
        if members == 1 && self.options.epistemic_penalty == 0.0 {
            return (out.reward[i], out.continuation[i]);
        }
        let (mut reward, mut continuation) = (0.0, 0.0);
        for member in 0..members {
            let at = out.at(member, i);
            let spread = if self.options.epistemic_penalty == 0.0 { 0.0 } else { out.epistemic[at] };
            reward += out.reward[at] - self.options.epistemic_penalty * spread;
            continuation += out.continuation[at];
        }
        (reward / members as f64, continuation / members as f64)
    }

    /// A simulation reached a slot that leads to an end or to a node that is there.
    fn arrive(&mut self, simulation: usize, slot: usize) {
        let b = self.simulations.tree[simulation] as usize;
        match self.trees[b].child[slot] {
            ENDED => self.options.backup.run(&mut self.trees[b], self.simulations.path(simulation), 0.0),
            child => {
                self.simulations.node[simulation] = child;
                self.going.push(simulation as u32);
            }
        }
    }

    /// Marks the simulation's last edge as the last of all and withdraws the rest.
    fn diverge(&mut self, simulation: usize, report: &mut PlanReport) {
        report.diverged += 1;
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        let path = self.simulations.path(simulation);
        Backup::withdraw(tree, path);
        if let Some(last) = path.last() {
            let edge = last.edge as usize;
            tree.total[edge] = f64::NEG_INFINITY;
            tree.edge_visits[edge] = tree.edge_visits[edge].max(1);
            if tree.child[edge] == PENDING {
                tree.child[edge] = NONE;
            }
        }
    }

    /// Evaluates the new nodes and backs them up.
    fn evaluate(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        if self.new_rows.is_empty() {
            return Ok(());
        }
        let each = if R::PRIORS { self.kind.choices() } else { 0 };
        let mut broken = 0;
        let (evaluated, steps) = self.evaluation.run(world, &self.new_rows, key)?;
        report.model_steps += steps;
        for (i, simulation) in self.new_simulations.iter().enumerate() {
            let tree = &mut self.trees[self.simulations.tree[*simulation as usize] as usize];
            let node = self.simulations.node[*simulation as usize] as usize;
            let value = evaluated.values[i];
            let logits = &evaluated.logits[i * each..(i + 1) * each];
            if value.is_finite() && logits.iter().all(|logit| !logit.is_nan()) {
                tree.evaluate(node, value, evaluated.applicable, evaluated.logits, i);
                if self.options.backup.by_maximum {
                    tree.value[node] = value;
                }
                self.options.backup.run(tree, self.simulations.path(*simulation as usize), value);
            } else {
                // The node stays, without actions, for others that may have joined it. The requests are done with and hold those that broke.
                tree.evaluate(node, 0.0, evaluated.applicable, evaluated.logits, i);
                tree.value[node] = 0.0;
                tree.forget_actions(node);
                self.requests[broken] = *simulation;
                broken += 1;
            }
        }
        for i in 0..broken {
            self.diverge(self.requests[i] as usize, report);
        }
        Ok(())
    }
}

/// What a node is worth by the simulations below it.
fn value_so_far(tree: &Tree, node: usize, by_maximum: bool) -> f64 {
    let sound = tree.edges_made(node).filter(|edge| tree.total[*edge].is_finite() && tree.edge_visits[*edge] > 0);
    let (visits, total) =
        sound.fold((0, 0.0), |(visits, total), edge| (visits + tree.edge_visits[edge], total + tree.total[edge]));
    if by_maximum {
        tree.value[node]
    } else if visits == 0 {
        tree.estimate[node]
    } else {
        total / f64::from(visits)
    }
}
