//! Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) and a limit on the gradient's global norm.
//!
//! `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `p ← p − lr λ p − lr m̂ / (√v̂ + ε)`. Gradients of blocks are added up in their order
//! piece by piece, and a piece is updated while it is in the first-level cache. Moments and weights below 1e-30 become zero:
//! far below ε, and otherwise units that have died would reach denormal numbers, which cost a hundred times more.

use std::sync::Arc;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use worldwright_core::{Array, Error, Persist, Result, State};

use crate::{
    buffer::{Buffer, stride},
    device::{Cpu, Device},
    graph::{Binding, Bound},
    runner::Runner,
    store::{Entry, Parameter, Store, entry_of, read_out, restore_buffer, save_buffer},
    vector::{abs, fma, load, select, store},
};

/// Settings of [`Adam`]; the defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamConfig {
    /// Step size.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// What keeps the step finite where gradients vanish.
    pub epsilon: f32,
    /// Decoupled weight decay (AdamW).
    pub weight_decay: f32,
    /// The largest norm that the gradient of all parameters together may have; infinite for no limit.
    pub max_norm: f32,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            max_norm: f32::INFINITY,
        }
    }
}

/// Numbers of a piece: small enough for the first-level cache with its moments, large enough to be worth a task.
const PIECE: usize = 2048;

/// A run of one member's values of one parameter.
#[derive(Debug, Clone)]
struct Piece {
    entry: usize,
    member: usize,
    /// From the start of the member's values.
    start: usize,
    len: usize,
    /// Among all values.
    offset: usize,
}

/// The optimiser's state for all parameters of a store, or for some of them.
#[derive(Debug, Clone)]
pub struct Adam {
    /// May be changed between steps, as for a learning-rate schedule.
    pub config: AdamConfig,
    store: u64,
    form: u64,
    entries: Arc<Vec<Entry>>,
    /// Which entries it updates, in their order.
    chosen: Vec<usize>,
    pieces: Vec<Piece>,
    gradient: Buffer,
    first: Buffer,
    second: Buffer,
    /// Penalty and squared gradient norm of each piece.
    sums: Vec<[f64; 2]>,
    steps: u64,
    device: Cpu,
}

/// Buffers that pieces write to side by side, each its own range.
struct Shared {
    values: *mut f32,
    gradient: *mut f32,
    first: *mut f32,
    second: *mut f32,
}

// SAFETY: pieces are disjoint ranges, and each is handled by one thread.
unsafe impl Sync for Shared {}

/// Where a piece's gradient comes from.
struct Source<'a> {
    runner: &'a Runner,
    binding: usize,
    entries: &'a [Entry],
}

impl Adam {
    /// Zero moments for all parameters of `store`.
    pub fn new(store: &Store, config: AdamConfig) -> Self {
        Self::of(store, (0..store.entries.len()).collect(), config)
    }

    /// Zero moments for some parameters of `store`; the others are left alone, and the limit on the norm is over these.
    ///
    /// # Errors
    /// [`Error::Unknown`] for the handle of another form.
    pub fn over(store: &Store, parameters: &[Parameter], config: AdamConfig) -> Result<Self> {
        let mut chosen = Vec::new();
        for parameter in parameters {
            store.entry(*parameter)?;
            chosen.push(parameter.index);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(Self::of(store, chosen, config))
    }

    fn of(store: &Store, chosen: Vec<usize>, config: AdamConfig) -> Self {
        let mut pieces = Vec::new();
        for index in chosen.iter().copied() {
            let entry = &store.entries[index];
            for member in 0..entry.members {
                for start in (0..entry.size()).step_by(PIECE) {
                    pieces.push(Piece {
                        entry: index,
                        member,
                        start,
                        len: PIECE.min(entry.size() - start),
                        offset: entry.offset + member * entry.size() + start,
                    });
                }
            }
        }
        let device = Cpu::new();
        let zeros = || device.allocate(store.values.len());
        Self {
            config,
            store: store.id,
            form: store.form,
            entries: store.entries.clone(),
            chosen,
            sums: vec![[0.0; 2]; pieces.len()],
            pieces,
            gradient: zeros(),
            first: zeros(),
            second: zeros(),
            steps: 0,
            device,
        }
    }

    /// Forgets moments and steps.
    pub fn reset(&mut self) {
        self.gradient.fill(0.0);
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.steps = 0;
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The last step's gradient, before limiting, `[members][rows][cols]`; penalties included.
    ///
    /// # Errors
    /// [`Error::Unknown`] for the handle of another form.
    pub fn gradient(&self, parameter: Parameter) -> Result<Vec<f32>> {
        Ok(read_out(entry_of(&self.entries, self.form, parameter)?, &self.gradient))
    }

    /// One update from the gradients that the runner's last backward pass left. Returns the penalties on the parameters as they were
    /// before it, which are part of the loss.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when `store` is not the one that this optimiser was made for, or the runner's graph does not learn it.
    pub fn step(&mut self, store: &mut Store, runner: &Runner) -> Result<f64> {
        let is = |binding: &Binding| binding.learns && binding.store == self.store;
        let found = runner.graph().bindings.iter().position(is).filter(|_| store.id == self.store);
        let Some(binding) = found else {
            let what = "a store other than the one that it was made for and that the graph learns";
            return Err(Error::unsupported("an optimiser", what));
        };
        self.steps += 1;
        let shared = Shared {
            values: store.values.as_mut_ptr(),
            gradient: self.gradient.as_mut_ptr(),
            first: self.first.as_mut_ptr(),
            second: self.second.as_mut_ptr(),
        };
        let source = Source { runner, binding, entries: &self.entries };
        let (shared, source, device) = (&shared, &source, self.device);
        let limited = self.config.max_norm.is_finite();
        let update = Update::new(&self.config, self.steps);
        let many = self.pieces.len() > 64;
        let gather = |(piece, sums): (&Piece, &mut [f64; 2])| {
            // SAFETY: as for `Shared`.
            unsafe {
                *sums = collect(device, piece, source, shared, limited);
                if !limited {
                    device.run(update.of(piece, shared));
                }
            }
        };
        if many {
            self.pieces.par_iter().zip(&mut self.sums).with_min_len(8).for_each(gather);
        } else {
            self.pieces.iter().zip(&mut self.sums).for_each(gather);
        }
        if limited {
            let norm = self.sums.iter().map(|sums| sums[1]).sum::<f64>().sqrt();
            let limit = f64::from(self.config.max_norm);
            // As PyTorch's `clip_grad_norm_`. A norm that is not a number passes on, so that divergence shows.
            let scale = if norm > limit || norm.is_nan() { (limit / (norm + 1e-6)) as f32 } else { 1.0 };
            let update = Update { scale, ..update };
            let apply = |piece: &Piece| device.run(update.of(piece, shared));
            if many {
                self.pieces.par_iter().with_min_len(8).for_each(apply);
            } else {
                self.pieces.iter().for_each(apply);
            }
        }
        Ok(self.sums.iter().map(|sums| sums[0]).sum())
    }
}

/// Adds up a piece's gradient over blocks, adds penalties, and returns their sum and, where wanted, the squared norm.
///
/// # Safety
/// No other piece in work overlaps this one, and all lie inside the buffers.
unsafe fn collect(device: Cpu, piece: &Piece, source: &Source<'_>, shared: &Shared, norm: bool) -> [f64; 2] {
    // SAFETY: the caller's promise.
    let (gradient, values) = unsafe {
        (
            std::slice::from_raw_parts_mut(shared.gradient.add(piece.offset), piece.len),
            std::slice::from_raw_parts(shared.values.add(piece.offset), piece.len),
        )
    };
    let entry = &source.entries[piece.entry];
    let graph = source.runner.graph();
    let bound = Bound { binding: source.binding, index: piece.entry };
    let members = if entry.members == 1 { 0..graph.members() } else { piece.member..piece.member + 1 };
    let mut first = true;
    if let Some(place) = source.runner.place(bound) {
        let at = place + piece.start;
        for block in members.flat_map(|member| source.runner.member_blocks(member)) {
            let from = &block.parameter_gradients[at..at + piece.len];
            if first {
                gradient.copy_from_slice(from);
            } else {
                device.run(|| gradient.iter_mut().zip(from).for_each(|(sum, one)| *sum += one));
            }
            first = false;
        }
    }
    if first {
        gradient.fill(0.0);
    }
    let [sum_penalty, square_penalty] =
        graph.bindings[source.binding].penalties.get(piece.entry).copied().unwrap_or([0.0; 2]);
    let mut penalty = 0.0;
    if square_penalty != 0.0 {
        let twice = 2.0 * square_penalty;
        device.run(|| gradient.iter_mut().zip(values).for_each(|(gradient, value)| *gradient += twice * value));
        penalty += f64::from(square_penalty) * values.iter().map(|value| f64::from(value * value)).sum::<f64>();
    }
    if sum_penalty != 0.0 {
        let width = stride(entry.cols);
        for (index, (gradient, value)) in gradient.iter_mut().zip(values).enumerate() {
            // Padding has to stay zero.
            if (piece.start + index) % width < entry.cols {
                *gradient += sum_penalty;
                penalty += f64::from(sum_penalty * value);
            }
        }
    }
    [penalty, if norm { squares(gradient) } else { 0.0 }]
}

fn squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    for chunk in values.chunks(16) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*value) * f64::from(*value);
        }
    }
    lanes.iter().sum()
}

#[derive(Clone, Copy)]
struct Update {
    beta1: f32,
    beta2: f32,
    /// `lr / (1 − β₁^t)`
    rate: f32,
    /// `1 / √(1 − β₂^t)`
    correction: f32,
    epsilon: f32,
    /// `1 − lr λ`
    keep: f32,
    scale: f32,
}

impl Update {
    fn new(config: &AdamConfig, steps: u64) -> Self {
        let power = |beta: f32| f64::from(beta).powf(steps as f64);
        Self {
            beta1: config.beta1,
            beta2: config.beta2,
            rate: (f64::from(config.learning_rate) / (1.0 - power(config.beta1))) as f32,
            correction: (1.0 / (1.0 - power(config.beta2)).sqrt()) as f32,
            epsilon: config.epsilon,
            keep: (1.0 - f64::from(config.learning_rate) * f64::from(config.weight_decay)) as f32,
            scale: 1.0,
        }
    }

    fn of<'a>(&'a self, piece: &'a Piece, shared: &'a Shared) -> UpdatePiece<'a> {
        UpdatePiece { update: self, piece, shared }
    }
}

struct UpdatePiece<'a> {
    update: &'a Update,
    piece: &'a Piece,
    shared: &'a Shared,
}

impl WithSimd for UpdatePiece<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let u = self.update;
        let splat = |value| simd.splat_f32s(value);
        let (beta1, beta2, rest1, rest2) = (splat(u.beta1), splat(u.beta2), splat(1.0 - u.beta1), splat(1.0 - u.beta2));
        let (rate, correction, epsilon) = (splat(-u.rate), splat(u.correction), splat(u.epsilon));
        let (keep, scale, least, zero) = (splat(u.keep), splat(u.scale), splat(1e-30), splat(0.0));
        let mut at = self.piece.offset;
        while at < self.piece.offset + self.piece.len {
            // SAFETY: pieces are whole vectors inside the buffers, see `Shared`.
            unsafe {
                let g = simd.mul_f32s(load::<S>(self.shared.gradient.add(at)), scale);
                let m = fma(simd, beta1, load::<S>(self.shared.first.add(at)), simd.mul_f32s(rest1, g));
                let v =
                    fma(simd, beta2, load::<S>(self.shared.second.add(at)), simd.mul_f32s(simd.mul_f32s(rest2, g), g));
                let m = select(simd, simd.less_than_f32s(abs(simd, m), least), zero, m);
                let v = select(simd, simd.less_than_f32s(v, least), zero, v);
                let root = fma(simd, simd.sqrt_f32s(v), correction, epsilon);
                let p = simd.mul_f32s(load::<S>(self.shared.values.add(at)), keep);
                let p = fma(simd, simd.div_f32s(m, root), rate, p);
                let p = select(simd, simd.less_than_f32s(abs(simd, p), least), zero, p);
                store::<S>(self.shared.first.add(at), m);
                store::<S>(self.shared.second.add(at), v);
                store::<S>(self.shared.values.add(at), p);
            }
            at += S::F32_LANES;
        }
    }
}

impl Adam {
    fn updated(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chosen.iter().map(|index| &self.entries[*index])
    }
}

impl Persist for Adam {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("first", save_buffer(self.updated(), &self.first));
        state.put_all("second", save_buffer(self.updated(), &self.second));
        state.put("steps", Array::U64(vec![self.steps]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let steps = state.u64s("steps", 1)?[0];
        let updated = self.chosen.iter().map(|index| &self.entries[*index]);
        restore_buffer(updated.clone(), &mut self.first, &state.part("first"))?;
        restore_buffer(updated, &mut self.second, &state.part("second"))?;
        self.steps = steps;
        Ok(())
    }
}
