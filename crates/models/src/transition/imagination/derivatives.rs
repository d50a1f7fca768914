//! Derivatives of the arena's steps in closed form: the regressor's, through the features before it and the units and the payment behind it.
//!
//! With inputs `x(d)` of latent and action `d`, targets `t(x)` and the next latent `n = o + mean + std t`,
//!
//! ```text
//! ∂n/∂d  = [I 0] + std (∂t/∂x)(∂x/∂d)
//! ∇²(w·t) = (∂x/∂d)ᵀ ∇²ₓ(w·t) (∂x/∂d) + diag(Σ_x (∂(w·t)/∂x) ∂²x/∂d²)
//! ```
//!
//! since each input is made of one number. A learned reward is one of the targets; one that is a function of the task's own is differentiated in
//! [`paid`](super::paid), and bends with the next latent by the weights `std ∂r/∂n`. Derivatives are taken with all lanes at their
//! mean, which is what a latent is, and averaged over the lanes.

use worldwright_core::{Actions, Columns, Differences, Linearizations, Pulled, Result, Rows};

use super::paid::{Paid, Pays};
use super::{Batched, Block, Question, Regressor, TransitionImagination, TransitionModel};
use crate::transition::Slopes;

/// Rows of a block at most, and at least where there are several.
const MOST_ROWS: usize = 64;
const LEAST_ROWS: usize = 4;

/// The buffers of a block's derivatives, made at first use.
#[derive(Debug, Default)]
pub(super) struct Derived {
    paid: Paid,
    /// `[places][Z + A + Z]`: slopes of a reward of the task's own.
    pays: Vec<f64>,
    /// `[places][targets][inputs]`
    jacobian: Vec<f64>,
    /// `[places][sums][targets]`; the first sum is the reward's, the others are the next latent's numbers one by one.
    weights: Vec<f64>,
    /// `[places][sums][inputs][inputs]`
    curvature: Vec<f64>,
    /// `[places][inputs]`: first and second derivatives of inputs by the numbers that they are made of.
    chain: Vec<(f64, f64)>,
    /// `[places][Z + 1][D]`: next latent and reward by latent and action.
    by_numbers: Vec<f64>,
    /// `[places][sums][D][D]`
    bends: Vec<f64>,
    /// `[places][D][D]`: what a reward of the task's own bends by itself.
    paid_bends: Vec<f64>,
    /// `[places][inputs]`: weighted targets by inputs.
    pulled: Vec<f64>,
}

/// What is wanted of a block.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Jacobians, and second derivatives of so many sums.
    Slopes { sums: usize },
    /// Gradients for cotangents `[rows][Z]`.
    Pull(&'a [f64]),
}

impl<R: Regressor> TransitionImagination<'_, R> {
    /// Steps of rows with all their lanes at the mean, and what is wanted of their derivatives; the results stay in the blocks. Gives the rows
    /// of a block and how many blocks were used.
    fn differentiate(
        &mut self,
        rows: &Rows<'_>,
        columns: Columns<'_>,
        step: f64,
        wanted: Wanted<'_>,
    ) -> Result<(usize, usize)> {
        let fitted = self.fitted()?;
        crate::arena::check_rows(rows, self.rows)?;
        let (model, lanes, n) = (self.model, self.model.spec.members, rows.len());
        let each = n.div_ceil(MOST_ROWS).max((2 * rayon::current_num_threads()).min(n / LEAST_ROWS)).max(1);
        let block_rows = n.div_ceil(each.max(n.div_ceil(self.most))).max(1);
        let used = n.div_ceil(block_rows);
        if used > self.blocks.len() {
            let most = self.most;
            self.blocks.resize_with(used, || Block::new(model, most));
        }
        let length = self.flat.len();
        self.centres.resize(length * lanes * n, 0.0);
        let into = self.centres.chunks_exact_mut(lanes * n.max(1));
        for (into, columns) in into.zip(self.arena.chunks_exact(lanes * self.rows)) {
            for (i, row) in rows.iter().enumerate() {
                let sum: f64 = columns.chunks_exact(self.rows).map(|column| column[row]).sum();
                into.chunks_exact_mut(n).for_each(|lane| lane[i] = sum / lanes as f64);
            }
        }
        let here = Rows::Span(0..n);
        let (actions, key) = (Actions::Continuous(columns), worldwright_core::Key::new(0));
        let batch = Batched { fitted, arena: &self.centres, arena_rows: n, from: &here, to: &here, actions, key };
        let work = |(index, block): (usize, &mut Block<R::Workspace>)| {
            let first = index * block_rows;
            let rows = block_rows.min(n - first);
            block.advance(model, &batch, first, rows);
            block.differentiate(model, &batch, (first, rows), step, wanted);
        };
        self.derivative_pace.each(n, &mut self.blocks[..used], work);
        Ok((block_rows, used))
    }

    /// See [`Imagination::linearize`](worldwright_core::Imagination::linearize).
    pub(super) fn closed_linearize(
        &mut self,
        rows: &Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        let second = differences.reward_curvature || differences.latent_curvature;
        let columns = out.check(&self.model.spec, rows, actions, second)?;
        let (z, a) = out.dims();
        let d = z + a;
        let sums = if !second { 0 } else { 1 + if differences.latent_curvature { z } else { 0 } };
        let (block_rows, used) = self.differentiate(rows, columns, differences.step, Wanted::Slopes { sums })?;
        let (lanes, n) = (self.model.spec.members, rows.len());
        self.stepped(block_rows, used, out);
        out.jacobian[..n * d * z].fill(0.0);
        out.reward_gradient[..n * d].fill(0.0);
        if second {
            out.reward_hessian[..n * d * d].fill(0.0);
        }
        if differences.latent_curvature {
            out.latent_hessian[..n * d * d * z].fill(0.0);
        }
        let share = 1.0 / lanes as f64;
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let first = index * block_rows;
            let count = block_rows.min(n - first);
            for place in 0..lanes * count {
                let row = first + place % count;
                if !out.reward[row].is_finite() {
                    continue;
                }
                let by_numbers = &block.derived.by_numbers[place * (z + 1) * d..][..(z + 1) * d];
                for p in 0..d {
                    for k in 0..z {
                        out.jacobian[(row * d + p) * z + k] += share * sound(by_numbers[k * d + p]);
                    }
                    out.reward_gradient[row * d + p] += share * sound(by_numbers[z * d + p]);
                }
                let bends = &block.derived.bends[place * sums * d * d..][..sums * d * d];
                for (sum, bends) in bends.chunks_exact(d * d).enumerate() {
                    for (pair, bend) in bends.iter().enumerate() {
                        let slot = match sum.checked_sub(1) {
                            None => &mut out.reward_hessian[row * d * d + pair],
                            Some(k) => &mut out.latent_hessian[(row * d * d + pair) * z + k],
                        };
                        *slot += share * sound(*bend);
                    }
                }
            }
        }
        Ok(())
    }

    /// See [`Imagination::pullback`](worldwright_core::Imagination::pullback).
    pub(super) fn closed_pullback(
        &mut self,
        rows: &Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        step: f64,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        let columns = linear.check(&self.model.spec, rows, actions, false)?;
        let ((z, a), n) = (linear.dims(), rows.len());
        let (block_rows, used) = self.differentiate(rows, columns, step, Wanted::Pull(cotangents))?;
        self.stepped(block_rows, used, linear);
        out.by_latent.clear();
        out.by_latent.resize(n * z, 0.0);
        out.by_action.clear();
        out.by_action.resize(n * a, 0.0);
        let lanes = self.model.spec.members;
        let share = 1.0 / lanes as f64;
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let first = index * block_rows;
            let count = block_rows.min(n - first);
            for (place, pulled) in block.derived.by_numbers.chunks_exact(z + a).take(lanes * count).enumerate() {
                let row = first + place % count;
                if !linear.reward[row].is_finite() {
                    continue;
                }
                let (by_latent, by_action) = pulled.split_at(z);
                let slots = out.by_latent[row * z..][..z].iter_mut().zip(by_latent);
                let slots = slots.chain(out.by_action[row * a..][..a].iter_mut().zip(by_action));
                slots.for_each(|(slot, number)| *slot += share * sound(*number));
            }
        }
        Ok(())
    }

    /// Takes next latents, rewards and continuations out of the blocks, as means over the lanes.
    fn stepped(&self, block_rows: usize, used: usize, out: &mut Linearizations) {
        let (z, _) = out.dims();
        let lanes = self.model.spec.members;
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let next = block.next.columns();
            let rows = next.rows() / lanes;
            let mean =
                |numbers: &[f64], i: usize| (0..lanes).map(|lane| numbers[lane * rows + i]).sum::<f64>() / lanes as f64;
            for i in 0..rows {
                let row = index * block_rows + i;
                let mut finite = true;
                for k in 0..z {
                    out.next[row * z + k] = mean(next.column(k), i);
                    finite &= out.next[row * z + k].is_finite();
                }
                out.reward[row] = mean(&block.reward, i);
                out.continuation[row] = mean(&block.continuation, i);
                if !(finite && out.reward[row].is_finite()) {
                    out.diverged += 1;
                    out.next[row * z..][..z].fill(f64::NAN);
                    out.reward[row] = f64::NAN;
                }
            }
            out.model_steps += (rows * lanes) as u64;
        }
    }
}

/// A derivative, or none where the model diverged.
fn sound(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

impl<W: Send> Block<W> {
    /// What is wanted of the transitions now in the buffers.
    fn differentiate<R: Regressor<Workspace = W>>(
        &mut self,
        model: &TransitionModel<R>,
        batch: &Batched<'_>,
        (first, rows): (usize, usize),
        step: f64,
        wanted: Wanted<'_>,
    ) {
        let places = rows * model.spec.members;
        let (z, q, m) = (model.observation_dim(), model.target_dim(), model.input_dim());
        let d = z + model.spec.action_space.flat_dim();
        let Self { observations, actions, inputs, next, workspace, derived, .. } = self;
        let (observations, actions, next) = (observations.columns(), actions.columns(), next.columns());
        let std = &batch.fitted.targets.std;
        derived.chain.resize(places * m, (0.0, 0.0));
        for (place, chain) in derived.chain.chunks_exact_mut(m).enumerate() {
            for (input, slot) in chain.iter_mut().enumerate() {
                let source = model.features.source(input, z);
                let number = if source < z { observations.get(place, source) } else { actions.get(place, source - z) };
                let (slope, bend) = model.features.slope(input, number);
                let unit = batch.fitted.inputs.std[input];
                *slot = (slope / unit, bend / unit);
            }
        }
        let pays = model.reward.as_deref().map(|function| Pays {
            function,
            action_space: &model.spec.action_space,
            observations,
            actions,
            next,
            step,
        });
        if let Some(pays) = &pays {
            derived.pays.resize(places * (z + d), 0.0);
            derived.paid.slopes(pays, places, &mut derived.pays);
        }
        let question = Question {
            inputs: inputs.columns(),
            lanes: model.spec.members,
            rows,
            observations,
            scales: &batch.fitted.targets,
            key: batch.key,
            to: batch.to,
            first,
        };
        let sources = |input: usize| model.features.source(input, z);
        let sums = match wanted {
            Wanted::Slopes { sums } => sums,
            Wanted::Pull(cotangents) => {
                derived.weigh(places, (z, q, d), std, |place, k| cotangents[(first + place % rows) * z + k]);
                derived.pulled.resize(places * m, 0.0);
                model.regressor.pull(&question, &derived.weights, workspace, &mut derived.pulled);
                derived.by_numbers.clear();
                derived.by_numbers.resize(places * d, 0.0);
                for (place, out) in derived.by_numbers.chunks_exact_mut(d).enumerate() {
                    for (p, slot) in out.iter_mut().enumerate() {
                        if p < z {
                            *slot += cotangents[(first + place % rows) * z + p];
                        }
                        if pays.is_some() {
                            let pays = &derived.pays[place * (z + d)..][..z + d];
                            *slot += pays[p] + if p < z { pays[d + p] } else { 0.0 };
                        }
                    }
                    for input in 0..m {
                        out[sources(input)] += derived.pulled[place * m + input] * derived.chain[place * m + input].0;
                    }
                }
                return;
            }
        };
        derived.jacobian.resize(places * q * m, 0.0);
        derived.curvature.resize(places * sums * m * m, 0.0);
        derived.weights.clear();
        derived.weights.resize(places * sums * q, 0.0);
        if sums > 0 {
            for (place, weights) in derived.weights.chunks_exact_mut(sums * q).enumerate() {
                let (reward, latents) = weights.split_at_mut(q);
                for k in 0..z {
                    reward[k] = pays.as_ref().map_or(0.0, |_| std[k] * derived.pays[place * (z + d) + d + k]);
                }
                if q > z {
                    reward[z] = std[z];
                }
                latents.chunks_exact_mut(q).enumerate().for_each(|(k, weights)| weights[k] = std[k]);
            }
        }
        let mut slopes = Slopes {
            jacobian: &mut derived.jacobian,
            sums,
            weights: &derived.weights,
            curvature: &mut derived.curvature,
        };
        model.regressor.slopes(&question, workspace, &mut slopes);
        derived.chain_slopes(places, (z, q, d, m), std, sources, pays.is_some());
        derived.chain_bends(places, sums, (q, d, m), sources);
        if let (Some(pays), true) = (&pays, sums > 0) {
            derived.paid_bends.resize(places * d * d, 0.0);
            derived.paid.bends(pays, places, &derived.by_numbers, &mut derived.paid_bends);
            let bends = derived.bends.chunks_exact_mut(sums * d * d);
            for (bends, paid) in bends.zip(derived.paid_bends.chunks_exact(d * d)) {
                bends.iter_mut().zip(paid).for_each(|(bend, paid)| *bend += paid);
            }
        }
    }
}

impl Derived {
    /// The weights of targets in `reward + cotangent · next latent`.
    fn weigh(
        &mut self,
        places: usize,
        (z, q, d): (usize, usize, usize),
        std: &[f64],
        cotangent: impl Fn(usize, usize) -> f64,
    ) {
        self.weights.resize(places * q, 0.0);
        for (place, weights) in self.weights.chunks_exact_mut(q).enumerate() {
            for (k, weight) in weights.iter_mut().enumerate() {
                // Without a function of the task's own the last target is the reward.
                let by_next = match (k < z, q > z) {
                    (true, true) => cotangent(place, k),
                    (true, false) => cotangent(place, k) + self.pays[place * (z + d) + d + k],
                    (false, _) => 1.0,
                };
                *weight = std[k] * by_next;
            }
        }
    }

    /// Next latent and reward by latent and action, from targets by inputs.
    fn chain_slopes(
        &mut self,
        places: usize,
        (z, q, d, m): (usize, usize, usize, usize),
        std: &[f64],
        source: impl Fn(usize) -> usize,
        pays: bool,
    ) {
        self.by_numbers.clear();
        self.by_numbers.resize(places * (z + 1) * d, 0.0);
        for (place, out) in self.by_numbers.chunks_exact_mut((z + 1) * d).enumerate() {
            let (jacobian, chain) = (&self.jacobian[place * q * m..][..q * m], &self.chain[place * m..][..m]);
            for (target, slopes) in jacobian.chunks_exact(m).enumerate() {
                for (input, slope) in slopes.iter().enumerate() {
                    out[target * d + source(input)] += std[target] * slope * chain[input].0;
                }
            }
            (0..z).for_each(|k| out[k * d + k] += 1.0);
            if pays {
                let pays = &self.pays[place * (z + d)..][..z + d];
                let (next, reward) = out.split_at_mut(z * d);
                for (p, slot) in reward.iter_mut().enumerate() {
                    *slot = pays[p] + (0..z).map(|k| next[k * d + p] * pays[d + k]).sum::<f64>();
                }
            }
        }
    }

    /// Second derivatives of the sums by latent and action, from those by inputs.
    fn chain_bends(
        &mut self,
        places: usize,
        sums: usize,
        (q, d, m): (usize, usize, usize),
        source: impl Fn(usize) -> usize,
    ) {
        self.bends.clear();
        self.bends.resize(places * sums * d * d, 0.0);
        for (at, out) in self.bends.chunks_exact_mut(d * d).enumerate() {
            let place = at / sums;
            let (jacobian, chain) = (&self.jacobian[place * q * m..][..q * m], &self.chain[place * m..][..m]);
            let (weights, curvature) = (&self.weights[at * q..][..q], &self.curvature[at * m * m..][..m * m]);
            for i in 0..m {
                let row = source(i) * d;
                for j in 0..m {
                    out[row + source(j)] += chain[i].0 * curvature[i * m + j] * chain[j].0;
                }
                if chain[i].1 != 0.0 {
                    let slope: f64 = weights.iter().enumerate().map(|(k, weight)| weight * jacobian[k * m + i]).sum();
                    out[row + source(i)] += slope * chain[i].1;
                }
            }
        }
    }
}
