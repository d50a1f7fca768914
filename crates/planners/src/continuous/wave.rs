//! What happens to a wave of simulations: the model steps into its new nodes, their ends are valued, and the returns go home.

use worldwright_core::{Actions, Columns, Imagination, Key, Result, Rng, Rows};

use super::search::Search;
use super::{NONE, Rule};
use crate::objective::fold_lanes;

/// How far a rollout's action drifts in a step, in units of its spread.
const DRIFT: f64 = 0.5;

impl<R: Rule> Search<R> {
    /// Steps the model into the wave's new nodes.
    pub(super) fn step_wave(&mut self, world: &mut dyn Imagination, key: Key) -> Result<u64> {
        self.parents.clear();
        let fresh = self.wave.iter().filter(|node| !self.tree.ready[**node as usize]);
        let (n, first) = (fresh.clone().count(), fresh.clone().next().copied());
        let Some(first) = first.map(|first| first as usize) else { return Ok(0) };
        for (i, node) in fresh.enumerate() {
            // New nodes are numbered in the order in which they were found.
            debug_assert_eq!(*node as usize, first + i);
            let edge = self.tree.parent_edge[*node as usize];
            self.parents.push(self.tree.from[edge as usize]);
            for (dim, number) in self.tree.action_of(edge).iter().enumerate() {
                self.columns[dim * n + i] = *number;
            }
        }
        self.imagined.begin(n);
        let columns = Columns::new(&self.columns[..self.low.len() * n], self.low.len(), n)?;
        let (from, to) = (Rows::List(&self.parents), Rows::Span(first..first + n));
        world.step(from, Actions::Continuous(columns), to, key, &mut self.imagined)?;
        let members = self.members;
        for i in 0..n {
            let node = first + i;
            let mut ended = true;
            for member in 0..members {
                let reward = self.penalised(member, i);
                let continuation = self.imagined.continuation[self.imagined.at(member, i)];
                self.tree.reward[node * members + member] = reward;
                self.tree.continuation[node * members + member] = continuation;
                ended &= continuation == 0.0;
            }
            self.tree.ready[node] = true;
            self.tree.ended[node] = ended;
        }
        Ok((n * members) as u64)
    }

    /// Reward of row `i` of the last step less what is taken off it.
    fn penalised(&self, member: usize, i: usize) -> f64 {
        let at = self.imagined.at(member, i);
        let lanes = self.imagined.members() * self.imagined.rows();
        let mut reward = self.imagined.reward[at] - self.epistemic_penalty * self.imagined.epistemic[at];
        for constraint in 0..self.shape.1 {
            let over = self.imagined.constraints[constraint * lanes + at];
            // `max` would swallow NaN, which has to reach the sum.
            reward -= if over <= 0.0 { 0.0 } else { self.constraint_penalty * over };
        }
        reward
    }

    /// What the wave's ends are worth from there on, into `returns`.
    pub(super) fn evaluate(
        &mut self,
        world: &mut dyn Imagination,
        by_value: bool,
        key: Key,
        rng: &mut Rng,
    ) -> Result<u64> {
        let (n, members, dims) = (self.wave.len(), self.members, self.dims());
        self.returns[..n * members].fill(0.0);
        for (i, node) in self.wave.iter().enumerate() {
            let weight = f64::from(u8::from(!self.tree.ended[*node as usize]));
            (0..members).for_each(|member| self.weights[member * n + i] = weight);
        }
        if by_value {
            self.values.value.resize(n * members, 0.0);
            world.value(Rows::List(&self.wave), &mut self.values)?;
            for ((sum, weight), value) in self.returns.iter_mut().zip(&self.weights).zip(&self.values.value) {
                *sum = if *weight == 0.0 { 0.0 } else { *value };
            }
            return Ok(0);
        }
        let scratch = self.simulations + 1;
        for (i, node) in self.wave.iter().enumerate() {
            world.copy(*node as usize, Rows::Span(scratch + i..scratch + i + 1));
        }
        let longest = self.wave.iter().map(|node| self.horizon - self.tree.depth[*node as usize] as usize).max();
        let mut steps = 0;
        for t in 0..longest.unwrap_or(0) {
            for i in 0..n {
                self.rollout_action(i, n, t, rng);
                if self.tree.depth[self.wave[i] as usize] as usize + t >= self.horizon {
                    (0..members).for_each(|member| self.weights[member * n + i] = 0.0);
                }
            }
            self.imagined.begin(n);
            let columns = Columns::new(&self.columns[..dims * n], dims, n)?;
            let rows = || Rows::Span(scratch..scratch + n);
            world.step(rows(), Actions::Continuous(columns), rows(), key.fold(2 + t as u64), &mut self.imagined)?;
            steps += (n * members) as u64;
            for at in 0..n * members {
                let weight = self.weights[at];
                if weight != 0.0 {
                    self.returns[at] += weight * self.penalised(at / n, at % n);
                    self.weights[at] = weight * self.imagined.continuation[at];
                }
            }
        }
        Ok(steps)
    }

    /// The action of rollout `i` at its step `t`: the old plan's where the leaf lies on it, else the last one, which drifts.
    fn rollout_action(&mut self, i: usize, n: usize, t: usize, rng: &mut Rng) {
        let (node, dims) = (self.wave[i] as usize, self.dims());
        let depth = self.tree.depth[node] as usize + t;
        for dim in 0..dims {
            let drawn = if self.tree.on_plan[node] && depth < self.horizon {
                self.chosen.values[depth * dims + dim]
            } else if t == 0 {
                let edge = self.tree.parent_edge[node];
                if edge == NONE { self.chosen.values[dim] } else { self.tree.action_of(edge)[dim] }
            } else {
                self.columns[dim * n + i] + DRIFT * self.spread[dim] * rng.normal()
            };
            self.snapped[dim] = drawn.max(self.low[dim]).min(self.high[dim]);
        }
        self.form.snap(&mut self.snapped);
        self.snapped.iter().enumerate().for_each(|(dim, number)| self.columns[dim * n + i] = *number);
    }

    pub(super) fn ask_new_priors(&mut self, world: &mut dyn Imagination) -> Result<()> {
        let from = self.wave.iter().map(|node| *node as usize).filter(|node| self.tree.first_edge[*node] == NONE).min();
        from.map_or(Ok(()), |first| self.ask_prior(world, first..self.tree.len()))
    }

    pub(super) fn ask_prior(&mut self, world: &mut dyn Imagination, nodes: std::ops::Range<usize>) -> Result<()> {
        let dims = self.dims();
        // Never more nodes than a wave, whose room was made; old ones that end a wave again keep what they have.
        let nodes = nodes.start.max(nodes.end.saturating_sub(self.batch))..nodes.end;
        self.priors.mean.resize(nodes.len() * dims, 0.0);
        self.priors.std.resize(nodes.len() * dims, 0.0);
        world.prior(Rows::Span(nodes.clone()), &mut self.priors)?;
        for (numbers, own) in
            [(&self.priors.mean, &mut self.tree.prior_mean), (&self.priors.std, &mut self.tree.prior_std)]
        {
            own[nodes.start * dims..nodes.end * dims].copy_from_slice(numbers);
        }
        Ok(())
    }

    /// Takes the wave's returns home; returns how many diverged.
    pub(super) fn back_up(&mut self) -> u64 {
        let (n, members) = (self.wave.len(), self.members);
        let mut diverged = 0;
        for i in 0..n {
            let mut node = self.wave[i] as usize;
            for member in 0..members {
                self.lanes[member] = self.returns[member * n + i];
            }
            self.tree.visits[node] += 1.0;
            let mut sound = true;
            while self.tree.parent_edge[node] != NONE {
                let edge = self.tree.parent_edge[node] as usize;
                self.tree.pending[edge] -= 1.0;
                if sound {
                    for member in 0..members {
                        let at = node * members + member;
                        let rest = self.tree.continuation[at];
                        self.lanes[member] =
                            self.tree.reward[at] + if rest == 0.0 { 0.0 } else { rest * self.lanes[member] };
                    }
                    let worth = self.fold();
                    sound = worth.is_finite();
                    if sound {
                        self.tree.update(edge, worth);
                    } else {
                        // An action that leads to nothing that is a number is not taken again.
                        self.tree.dead[edge] = true;
                        diverged += 1;
                    }
                }
                node = self.tree.from[edge] as usize;
            }
        }
        diverged
    }

    /// The lanes as one number; not finite where one of them is not.
    fn fold(&mut self) -> f64 {
        let sum: f64 = self.lanes.iter().sum();
        if !sum.is_finite() {
            return sum;
        }
        self.sorted.copy_from_slice(&self.lanes);
        fold_lanes(self.risk, &self.lanes, 0, 1, &mut self.sorted)
    }
}
