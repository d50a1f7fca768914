//! The arena of a transition model: flat observations `[dimension][lane][row]`, stepped in blocks of rows with all their lanes.
//!
//! A block gathers its rows, asks the regressor, adds the change and has the result paid, in buffers of its own. No row's result
//! depends on the rows beside it, so results are the same bytes however rows are cut into blocks and on any number of threads.

mod derivatives;
mod paid;

use worldwright_core::{
    Action, Actions, Batch, Differences, Error, Imagination, Imagined, Key, Linearizations, ModelSpec, Observation,
    Pulled, Result, Rows, Space, Transitions, by_differences, pull_by_linearizing,
};

use self::derivatives::Derived;
use super::{Answer, Fitted, Question, Regressor, TransitionModel};
use crate::arena::{Pace, check_latent, check_rows, check_step, gather, scatter, spread};

/// Rows below which a block is not worth another thread.
const LEAST_ROWS: usize = 8;

pub(super) struct TransitionImagination<'m, R: Regressor> {
    model: &'m TransitionModel<R>,
    rows: usize,
    /// `[observation dimension][lane][row]`.
    arena: Vec<f64>,
    blocks: Vec<Block<R::Workspace>>,
    /// Rows that a block has room for.
    most: usize,
    flat: Vec<f64>,
    pace: Pace,
    /// Rows with all lanes at their mean, `[observation dimension][lane][row]`, made when derivatives are first asked for.
    centres: Vec<f64>,
    derivative_pace: Pace,
}

impl<'m, R: Regressor> TransitionImagination<'m, R> {
    pub(super) fn new(model: &'m TransitionModel<R>, rows: usize) -> Self {
        let lanes = model.spec.members;
        let most = (model.regressor.block() / lanes).clamp(1, rows.max(1));
        let blocks = match model.fitted {
            Some(_) => (0..blocks_of(rows, most)).map(|_| Block::new(model, most)).collect(),
            None => Vec::new(),
        };
        let observation_dim = model.observation_dim();
        Self {
            model,
            rows,
            arena: vec![0.0; observation_dim * lanes * rows],
            blocks,
            most,
            flat: vec![0.0; observation_dim],
            pace: Pace::default(),
            centres: Vec::new(),
            derivative_pace: Pace::default(),
        }
    }

    fn fitted(&self) -> Result<&'m Fitted> {
        let name = || self.model.spec.name.clone();
        self.model.fitted.as_ref().ok_or_else(|| Error::NotFitted { who: name().into() })
    }
}

impl<R: Regressor> Imagination for TransitionImagination<'_, R> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        self.fitted()?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        self.model.spec.observation_space.flatten(observation, &mut self.flat)?;
        let lanes = self.model.spec.members;
        for (columns, number) in self.arena.chunks_exact_mut(lanes * self.rows).zip(&self.flat) {
            columns.chunks_exact_mut(self.rows).for_each(|column| column[row] = *number);
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for column in self.arena.chunks_exact_mut(self.rows) {
            spread(column[from], &to, column);
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let fitted = self.fitted()?;
        check_step(&from, &actions, &to, self.rows, &self.model.spec.action_space)?;
        let n = from.len();
        out.begin(n);
        if n == 0 {
            return Ok(());
        }
        let (model, most, lanes) = (self.model, self.most, self.model.spec.members);
        let block_rows = n.div_ceil(blocks_of(n, most));
        let used = n.div_ceil(block_rows);
        if used > self.blocks.len() {
            // A list may name a row several times, and then more rows than the arena holds.
            self.blocks.resize_with(used, || Block::new(model, most));
        }
        let batch = Batched { fitted, arena: &self.arena, arena_rows: self.rows, from: &from, to: &to, actions, key };
        let advance = |(index, block): (usize, &mut Block<R::Workspace>)| {
            let first = index * block_rows;
            block.advance(model, &batch, first, block_rows.min(n - first));
        };
        let blocks = &mut self.blocks[..used];
        self.pace.each(n, blocks, advance);
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let first = index * block_rows;
            let next = block.next.columns();
            let rows = next.rows() / lanes;
            for (dim, columns) in self.arena.chunks_exact_mut(lanes * self.rows).enumerate() {
                let lanes_of_block = next.column(dim).chunks_exact(rows);
                for (column, values) in columns.chunks_exact_mut(self.rows).zip(lanes_of_block) {
                    scatter(values, &to, first, column);
                }
            }
            for lane in 0..lanes {
                let (there, here) = (out.at(lane, first)..out.at(lane, first) + rows, lane * rows..(lane + 1) * rows);
                out.reward[there.clone()].copy_from_slice(&block.reward[here.clone()]);
                out.continuation[there.clone()].copy_from_slice(&block.continuation[here.clone()]);
                out.epistemic[there].copy_from_slice(&block.epistemic[here]);
            }
        }
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        check_latent(row, self.rows, out.len(), self.flat.len())?;
        let lanes = self.model.spec.members;
        for (columns, slot) in self.arena.chunks_exact(lanes * self.rows).zip(out) {
            *slot = columns.chunks_exact(self.rows).map(|column| column[row]).sum::<f64>() / lanes as f64;
        }
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        check_latent(row, self.rows, latent.len(), self.flat.len())?;
        let lanes = self.model.spec.members;
        for (columns, number) in self.arena.chunks_exact_mut(lanes * self.rows).zip(latent) {
            columns.chunks_exact_mut(self.rows).for_each(|column| column[row] = *number);
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let lanes = self.model.spec.members;
        self.model.spec.check_decoded(member, out.len())?;
        for (dim, slot) in out.iter_mut().enumerate() {
            *slot = self.arena[(dim * lanes + member) * self.rows + row];
        }
        Ok(())
    }

    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        if self.model.spec.capabilities.derivatives {
            return self.closed_linearize(&rows, actions, differences, out);
        }
        by_differences(self, &rows, actions, differences, out)
    }

    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        if !self.model.spec.capabilities.derivatives {
            return pull_by_linearizing(self, &rows, actions, cotangents, differences, linear, out);
        }
        let expected = rows.len() * self.flat.len();
        if cotangents.len() != expected {
            return Err(Error::shape("cotangents", &[expected], &[cotangents.len()]));
        }
        self.closed_pullback(&rows, actions, cotangents, differences.step, linear, out)
    }
}

/// How many blocks `rows` rows are cut into when a block has room for `most`: enough for every thread, unless they are very few.
/// A row's result is the same in any block.
fn blocks_of(rows: usize, most: usize) -> usize {
    rows.div_ceil(most).max((2 * rayon::current_num_threads()).min(rows / LEAST_ROWS)).max(1)
}

/// What all blocks of a step share.
struct Batched<'a> {
    fitted: &'a Fitted,
    arena: &'a [f64],
    arena_rows: usize,
    from: &'a Rows<'a>,
    to: &'a Rows<'a>,
    actions: Actions<'a>,
    key: Key,
}

/// The buffers of one block, places `lane * rows + i`.
struct Block<W> {
    observations: Batch,
    actions: Batch,
    /// Only for discrete actions.
    choices: Vec<u32>,
    inputs: Batch,
    targets: Batch,
    next: Batch,
    reward: Vec<f64>,
    terminated: Vec<bool>,
    continuation: Vec<f64>,
    epistemic: Vec<f64>,
    workspace: W,
    derived: Derived,
}

impl<W: Send> Block<W> {
    fn new<R: Regressor<Workspace = W>>(model: &TransitionModel<R>, rows: usize) -> Self {
        let places = rows * model.spec.members;
        let discrete = matches!(model.spec.action_space, Space::Discrete { .. });
        Self {
            observations: Batch::zeros(model.observation_dim(), places),
            actions: Batch::zeros(model.spec.action_space.flat_dim(), places),
            choices: vec![0; if discrete { places } else { 0 }],
            inputs: Batch::zeros(model.input_dim(), places),
            targets: Batch::zeros(model.target_dim(), places),
            next: Batch::zeros(model.observation_dim(), places),
            reward: vec![0.0; places],
            terminated: vec![false; places],
            continuation: vec![0.0; places],
            epistemic: vec![0.0; places],
            workspace: model.regressor.workspace(places),
            derived: Derived::default(),
        }
    }

    /// Advances the rows `first..first + rows` of the batch with all their lanes.
    fn advance<R: Regressor<Workspace = W>>(
        &mut self,
        model: &TransitionModel<R>,
        batch: &Batched<'_>,
        first: usize,
        rows: usize,
    ) {
        let lanes = model.spec.members;
        let places = lanes * rows;
        for buffer in [&mut self.observations, &mut self.actions, &mut self.inputs, &mut self.targets, &mut self.next] {
            buffer.set_rows(places);
        }
        self.gather(model, batch, first, rows, lanes);
        let question = Question {
            inputs: self.inputs.columns(),
            lanes,
            rows,
            observations: self.observations.columns(),
            scales: &batch.fitted.targets,
            key: batch.key,
            to: batch.to,
            first,
        };
        let mut answer = Answer { targets: self.targets.columns_mut(), epistemic: &mut self.epistemic[..places] };
        model.regressor.predict(&question, &mut self.workspace, &mut answer);
        let normalizer = &batch.fitted.targets;
        for dim in 0..self.next.dims() {
            let (mean, std) = (normalizer.mean[dim], normalizer.std[dim]);
            let changes = self.targets.columns().column(dim);
            let before = self.observations.columns().column(dim);
            for ((next, change), before) in self.next.columns_mut().column_mut(dim).iter_mut().zip(changes).zip(before)
            {
                *next = before + (mean + std * change);
            }
        }
        self.pay(model, batch.fitted, places);
    }

    fn gather<R: Regressor<Workspace = W>>(
        &mut self,
        model: &TransitionModel<R>,
        batch: &Batched<'_>,
        first: usize,
        rows: usize,
        lanes: usize,
    ) {
        let columns = batch.arena.chunks_exact(lanes * batch.arena_rows);
        for (into, columns) in self.observations.columns_mut().columns_mut().zip(columns) {
            for (into, column) in into.chunks_exact_mut(rows).zip(columns.chunks_exact(batch.arena_rows)) {
                gather(column, batch.from, first, into);
            }
        }
        match batch.actions {
            Actions::Continuous(columns) => {
                for (dim, into) in self.actions.columns_mut().columns_mut().enumerate() {
                    let column = &columns.column(dim)[first..first + rows];
                    into.chunks_exact_mut(rows).for_each(|lane| lane.copy_from_slice(column));
                }
            }
            // The numbers of joint choices become the flat actions that were learned from.
            Actions::Discrete(choices) if !matches!(model.spec.action_space, Space::Discrete { .. }) => {
                let (choices, width) = (&choices[first..first + rows], self.actions.dims());
                for (dim, into) in self.actions.columns_mut().columns_mut().enumerate() {
                    let numbers = choices.iter().map(|choice| model.numbered[*choice as usize * width + dim]);
                    for (lane, number) in
                        into.chunks_exact_mut(rows).flat_map(|lane| lane.iter_mut().zip(numbers.clone()))
                    {
                        *lane = number;
                    }
                }
            }
            Actions::Discrete(choices) => {
                let choices = &choices[first..first + rows];
                self.choices[..lanes * rows].chunks_exact_mut(rows).for_each(|lane| lane.copy_from_slice(choices));
                for (choice, into) in self.actions.columns_mut().columns_mut().enumerate() {
                    let chosen = |c: &u32| f64::from(u8::from(*c as usize == choice));
                    into.iter_mut().zip(&self.choices).for_each(|(slot, c)| *slot = chosen(c));
                }
            }
        }
        model.features.fill(self.observations.columns(), self.actions.columns(), &mut self.inputs.columns_mut());
        batch.fitted.inputs.normalize(&mut self.inputs.columns_mut());
    }

    /// Reward and continuation of the transitions now in the buffers.
    fn pay<R: Regressor<Workspace = W>>(&mut self, model: &TransitionModel<R>, fitted: &Fitted, places: usize) {
        let (reward, continuation) = (&mut self.reward[..places], &mut self.continuation[..places]);
        match &model.reward {
            Some(function) => {
                let terminated = &mut self.terminated[..places];
                let actions = match model.spec.action_space {
                    Space::Discrete { .. } => Actions::Discrete(&self.choices[..places]),
                    _ => Actions::Continuous(self.actions.columns()),
                };
                let (observations, next_observations) = (self.observations.columns(), self.next.columns());
                function.evaluate(Transitions { observations, actions, next_observations }, reward, terminated);
                for (continuation, ended) in continuation.iter_mut().zip(terminated) {
                    *continuation = if *ended { 0.0 } else { model.discount };
                }
            }
            None => {
                let dim = self.next.dims();
                let (mean, std) = (fitted.targets.mean[dim], fitted.targets.std[dim]);
                for (reward, target) in reward.iter_mut().zip(self.targets.columns().column(dim)) {
                    *reward = mean + std * target;
                }
                fitted.continuation.evaluate(self.next.columns(), continuation);
                continuation.iter_mut().for_each(|continuation| *continuation *= model.discount);
            }
        }
        // A reward that does not look at a diverged dimension would hide it.
        let next = self.next.columns();
        for dim in 0..next.dims() {
            for (place, number) in next.column(dim).iter().enumerate() {
                if !number.is_finite() {
                    reward[place] = f64::NAN;
                    continuation[place] = f64::NAN;
                }
            }
        }
    }
}
