//! `known`: a simulator as a model. Nothing is learned; a plan in it is as good as the simulator is true.
//!
//! The arena keeps the simulator's own state vectors as columns, `[state dimension][row]`. A step gathers rows into blocks of
//! [`BLOCK`], which stay in the first-level cache, and has the simulator advance each block. Blocks do not depend on the
//! number of threads, hence neither do the bytes of a result; threads are used once a step has been seen to take long enough
//! to pay for waking them.

use std::cell::RefCell;
use std::sync::Arc;

use rayon::prelude::*;
use worldwright_core::{
    Action, Actions, Batch, Capabilities, Columns, Dataset, Entry, Error, Filter, FitReport, Imagination, Imagined,
    Interrupt, Key, Learn, LearnedModel, ModelSpec, Observation, Persist, Result, RewardFunction, Rng, Rows, Settings,
    Simulator, State, Transitions, WorldModel,
};

use crate::arena::{Pace, check_latent, check_rows, check_step, gather, scatter, spread};
use crate::brought::{Brought, nothing_learned};
use crate::{Build, ModelContext};

/// Rows that the simulator advances in one call.
const BLOCK: usize = 256;
/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "known",
    summary: "a simulator as a model: nothing is learned",
    source: "Model predictive control with known dynamics (Rawlings, Mayne and Diehl, Model Predictive Control, 2017)",
    parameters: &[],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, _settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    if let (None, Some(model)) = (&context.simulator, &context.known) {
        return Ok(Box::new(Brought(model(context.discount))));
    }
    let Some(simulator) = &context.simulator else {
        return Err(Error::unsupported(
            "known",
            "an environment without known dynamics: choose a model that learns them (model=ensemble)",
        ));
    };
    Ok(Box::new(Known::new(simulator.clone(), context.reward.clone(), context.discount)))
}

/// A simulator as a model: one lane, deterministic.
pub struct Known {
    spec: ModelSpec,
    simulator: Arc<dyn Simulator>,
    /// Used in place of the simulator's own reward and termination where given.
    reward: Option<Arc<dyn RewardFunction>>,
    discount: f64,
}

impl Known {
    /// A model that moves as `simulator` does, and pays as `reward` says or, without one, as the simulator does.
    pub fn new(simulator: Arc<dyn Simulator>, reward: Option<Arc<dyn RewardFunction>>, discount: f64) -> Self {
        let spec = ModelSpec {
            name: "known".into(),
            observation_space: simulator.observation_space().clone(),
            action_space: simulator.action_space().clone(),
            members: 1,
            constraints: 0,
            latent_dim: simulator.state_dim(),
            deterministic: true,
            capabilities: Capabilities {
                memory: simulator.filter().is_some(),
                decode: true,
                beliefs: true,
                ..Capabilities::default()
            },
        };
        Self { spec, simulator, reward, discount }
    }
}

impl WorldModel for Known {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let dims = Dims {
            state: self.simulator.state_dim(),
            observation: self.spec.observation_space.flat_dim(),
            spread: self.simulator.filter().map_or(0, Filter::spread_dim),
            action: self.spec.action_space.flat_dim(),
        };
        let blocks = (0..rows.div_ceil(BLOCK)).map(|_| Block::new(dims, BLOCK.min(rows), self.reward.is_some()));
        Box::new(KnownImagination {
            model: self,
            dims,
            rows,
            states: vec![0.0; dims.state * rows],
            spreads: vec![0.0; dims.spread * rows],
            blocks: blocks.collect(),
            row: RefCell::new(Row::new(dims)),
            pace: Pace::default(),
        })
    }
}

impl Learn for Known {
    /// Leaves the simulator as it is.
    fn fit(&mut self, _dataset: &Dataset, _rng: &mut Rng, _interrupt: &Interrupt) -> Result<FitReport> {
        Ok(nothing_learned())
    }

    fn learns(&self) -> bool {
        false
    }
}

impl Persist for Known {
    fn save(&self) -> State {
        State::new()
    }

    fn restore(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Dims {
    state: usize,
    observation: usize,
    /// Numbers of a belief beside its mean, which stands in the place of the state.
    spread: usize,
    action: usize,
}

/// A block with where its rewards and its continuations go.
type Paid<'a> = ((&'a mut Block, &'a mut [f64]), &'a mut [f64]);

/// The rows of one call of the simulator, gathered.
struct Block {
    /// Filled only where the rows are not consecutive.
    states: Batch,
    next_states: Batch,
    /// Filled only where a reward function reads them; else without rows.
    observations: Batch,
    next_observations: Batch,
    row: Row,
    terminated: Vec<bool>,
}

impl Block {
    fn new(dims: Dims, rows: usize, observes: bool) -> Self {
        let observed = if observes { rows } else { 0 };
        Self {
            states: Batch::zeros(dims.state, rows),
            next_states: Batch::zeros(dims.state, rows),
            observations: Batch::zeros(dims.observation, observed),
            next_observations: Batch::zeros(dims.observation, observed),
            row: Row::new(dims),
            terminated: vec![false; rows],
        }
    }

    /// Gathers the rows of `from` from place `first` on, as many as there is room for in `reward`, advances them and has them paid.
    fn advance(
        &mut self,
        model: &Known,
        arena: Columns<'_>,
        from: &Rows<'_>,
        actions: Actions<'_>,
        first: usize,
        (reward, continuation): (&mut [f64], &mut [f64]),
    ) {
        let n = reward.len();
        self.next_states.set_rows(n);
        let states = match from {
            // Consecutive rows can be read where they stand.
            Rows::Span(span) => arena.span(span.start + first..span.start + first + n),
            Rows::List(_) => {
                self.states.set_rows(n);
                for dim in 0..arena.dims() {
                    gather(arena.column(dim), from, first, self.states.columns_mut().column_mut(dim));
                }
                self.states.columns()
            }
        };
        let actions = match actions {
            Actions::Continuous(columns) => Actions::Continuous(columns.span(first..first + n)),
            Actions::Discrete(choices) => Actions::Discrete(&choices[first..first + n]),
        };
        let terminated = &mut self.terminated[..n];
        model.simulator.step(states, actions, &mut self.next_states.columns_mut(), reward, terminated);
        if let Some(function) = &model.reward {
            self.row.observe_all(&*model.simulator, states, &mut self.observations);
            self.row.observe_all(&*model.simulator, self.next_states.columns(), &mut self.next_observations);
            let transitions = Transitions {
                observations: self.observations.columns(),
                actions,
                next_observations: self.next_observations.columns(),
            };
            function.evaluate(transitions, reward, terminated);
        }
        let next_states = self.next_states.columns();
        pulp::Arch::new().dispatch(Mark { next_states, reward, terminated, continuation, discount: model.discount });
    }
}

/// Marks what diverged and writes the continuation of every row: a reward that does not look at a diverged state would hide it.
struct Mark<'a> {
    next_states: Columns<'a>,
    reward: &'a mut [f64],
    terminated: &'a [bool],
    continuation: &'a mut [f64],
    discount: f64,
}

impl pulp::NullaryFnOnce for Mark<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.reward.len();
        let (reward, terminated, continuation) = (self.reward, &self.terminated[..n], &mut self.continuation[..n]);
        let dims = self.next_states.dims();
        // Nearly always nothing diverged and nothing ended, which is seen by reading alone.
        let mut finite = all_finite(reward);
        for dim in 0..dims {
            finite &= all_finite(self.next_states.column(dim));
        }
        if finite {
            continuation.fill(self.discount);
            if terminated.iter().fold(false, |any, ended| any | ended) {
                let each = continuation.iter_mut().zip(terminated);
                each.filter(|(_, ended)| **ended).for_each(|(slot, _)| *slot = 0.0);
            }
            return;
        }
        for dim in 0..dims {
            // Nothing of what is not finite is NaN, of anything else zero.
            for (reward, number) in reward.iter_mut().zip(self.next_states.column(dim)) {
                *reward += 0.0 * number;
            }
        }
        for (slot, (ended, reward)) in continuation.iter_mut().zip(terminated.iter().zip(reward.iter())) {
            *slot = match (reward.is_nan(), *ended) {
                (true, _) => f64::NAN,
                (false, true) => 0.0,
                (false, false) => self.discount,
            };
        }
    }
}

/// Whether no number is infinite or undefined: nothing of such a one is NaN, of any other zero.
#[inline(always)]
fn all_finite(numbers: &[f64]) -> bool {
    let mut nothing = [0.0_f64; 16];
    let (chunks, rest) = numbers.as_chunks::<16>();
    for chunk in chunks {
        for lane in 0..16 {
            nothing[lane] += 0.0 * chunk[lane];
        }
    }
    let few = rest.iter().fold(0.0, |sum, number| sum + 0.0 * number);
    nothing.iter().fold(few == 0.0, |all, sum| all & (*sum == 0.0))
}

/// One row in the layout in which simulators observe.
struct Row {
    state: Vec<f64>,
    observation: Vec<f64>,
    action: Vec<f64>,
}

impl Row {
    fn new(dims: Dims) -> Self {
        Self { state: vec![0.0; dims.state], observation: vec![0.0; dims.observation], action: vec![0.0; dims.action] }
    }

    fn observe_all(&mut self, simulator: &dyn Simulator, states: Columns<'_>, observations: &mut Batch) {
        observations.set_rows(states.rows());
        for row in 0..states.rows() {
            states.copy_row(row, &mut self.state);
            simulator.observe(&self.state, &mut self.observation);
            observations.columns_mut().set_row(row, &self.observation);
        }
    }
}

struct KnownImagination<'m> {
    model: &'m Known,
    dims: Dims,
    rows: usize,
    states: Vec<f64>,
    /// `[rows][spread]`: how sure each row's belief is, where there are beliefs. What is imagined moves the mean alone, since it sees nothing.
    spreads: Vec<f64>,
    blocks: Vec<Block>,
    /// In a cell because decoding, which needs it, takes the arena by shared reference.
    row: RefCell<Row>,
    pace: Pace,
}

impl Imagination for KnownImagination<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let buffer = self.row.get_mut();
        self.model.spec.observation_space.flatten(observation, &mut buffer.observation)?;
        match self.model.simulator.filter() {
            None => self.model.simulator.state_from_observation(&buffer.observation, &mut buffer.state)?,
            Some(filter) => {
                let width = self.dims.spread;
                match previous {
                    None => filter.begin(&mut buffer.state, &mut self.spreads[row * width..(row + 1) * width]),
                    Some((from, action)) => {
                        check_rows(&Rows::Span(from..from + 1), self.rows)?;
                        self.model.spec.action_space.flatten(action, &mut buffer.action)?;
                        for (dim, slot) in buffer.state.iter_mut().enumerate() {
                            *slot = self.states[dim * self.rows + from];
                        }
                        self.spreads.copy_within(from * width..(from + 1) * width, row * width);
                        let spread = &mut self.spreads[row * width..(row + 1) * width];
                        filter.predict(&mut buffer.state, spread, &buffer.action);
                    }
                }
                let spread = &mut self.spreads[row * width..(row + 1) * width];
                filter.correct(&mut buffer.state, spread, &buffer.observation);
            }
        }
        for (dim, number) in buffer.state.iter().enumerate() {
            self.states[dim * self.rows + row] = *number;
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for column in self.states.chunks_exact_mut(self.rows) {
            spread(column[from], &to, column);
        }
        let width = self.dims.spread;
        if width > 0 {
            to.iter().for_each(|row| self.spreads.copy_within(from * width..(from + 1) * width, row * width));
        }
    }

    fn step(
        &mut self,
        from: Rows<'_>,
        actions: Actions<'_>,
        to: Rows<'_>,
        _key: Key,
        out: &mut Imagined,
    ) -> Result<()> {
        let n = from.len();
        check_step(&from, &actions, &to, self.rows, &self.model.spec.action_space)?;
        out.begin(n);
        if n == 0 {
            return Ok(());
        }
        let used = n.div_ceil(BLOCK);
        if used > self.blocks.len() {
            // A list may name a row several times, and then more rows than the arena holds.
            let rows = BLOCK.min(n);
            let observes = self.model.reward.is_some();
            self.blocks.resize_with(used, || Block::new(self.dims, rows, observes));
        }
        let arena = Columns::new(&self.states, self.dims.state, self.rows)?;
        let advance = |(index, ((block, reward), continuation)): (usize, Paid<'_>)| {
            block.advance(self.model, arena, &from, actions, index * BLOCK, (reward, continuation));
        };
        let (blocks, pace) = (&mut self.blocks[..used], &mut self.pace);
        let (reward, continuation) = (&mut out.reward[..n], &mut out.continuation[..n]);
        pace.run(n, used, |shared| {
            if shared {
                let paid = blocks.par_iter_mut().zip(reward.par_chunks_mut(BLOCK));
                paid.zip(continuation.par_chunks_mut(BLOCK)).with_max_len(1).enumerate().for_each(advance);
            } else {
                let paid = blocks.iter_mut().zip(reward.chunks_mut(BLOCK));
                paid.zip(continuation.chunks_mut(BLOCK)).enumerate().for_each(advance);
            }
        });
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let first = index * BLOCK;
            let next_states = block.next_states.columns();
            for (dim, column) in self.states.chunks_exact_mut(self.rows).enumerate() {
                scatter(next_states.column(dim), &to, first, column);
            }
        }
        out.epistemic.fill(0.0);
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        check_latent(row, self.rows, out.len(), self.dims.state)?;
        for (column, slot) in self.states.chunks_exact(self.rows).zip(out) {
            *slot = column[row];
        }
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        check_latent(row, self.rows, latent.len(), self.dims.state)?;
        for (column, number) in self.states.chunks_exact_mut(self.rows).zip(latent) {
            column[row] = *number;
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        self.model.spec.check_decoded(member, out.len())?;
        let mut buffer = self.row.borrow_mut();
        for (dim, slot) in buffer.state.iter_mut().enumerate() {
            *slot = self.states[dim * self.rows + row];
        }
        self.model.simulator.observe(&buffer.state, out);
        Ok(())
    }
}
