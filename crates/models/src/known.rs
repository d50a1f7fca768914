//! `known`: a simulator as a model. Nothing is learned; a plan in it is as good as the simulator is true.
//!
//! The arena keeps the simulator's own state vectors as columns, `[state dimension][row]`. A step gathers rows into blocks of
//! [`BLOCK`], which stay in the first-level cache, and has the simulator advance each block. Blocks do not depend on the
//! number of threads, hence neither do the bytes of a result; threads are used once a step has been seen to take long enough
//! to pay for waking them.

use std::cell::RefCell;
use std::sync::Arc;
use worldwright_core::{
    Actions, Batch, Columns, Dataset, Entry, Error, FitReport, Imagination, Imagined, Key, Learn, LearnedModel,
    ModelSpec, Observation, Persist, Result, RewardFunction, Rng, Rows, Settings, Simulator, Space, State, Transitions,
    WorldModel,
};

use crate::arena::{Pace, check_rows, check_step, gather, scatter, spread};
use crate::{Build, ModelContext};

/// Rows that the simulator advances in one call.
const BLOCK: usize = 256;
/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "known",
    summary: "a simulator as a model: nothing is learned",
    source: "Model predictive control with known dynamics (Rawlings, Mayne and Diehl, Model Predictive Control, 2017)",
    parameters: &[],
    build,
};

fn build(context: &ModelContext, _settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let Some(simulator) = &context.simulator else {
        return Err(Error::unsupported(
            "known",
            "an environment without known dynamics: choose a model that learns them",
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
            deterministic: true,
            has_value: false,
            has_prior: false,
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
            action: match &self.spec.action_space {
                Space::Discrete { .. } => None,
                space => Some(space.flat_dim()),
            },
        };
        let blocks = (0..rows.div_ceil(BLOCK)).map(|_| Block::new(dims, BLOCK.min(rows), self.reward.is_some()));
        Box::new(KnownImagination {
            model: self,
            dims,
            rows,
            states: vec![0.0; dims.state * rows],
            blocks: blocks.collect(),
            row: RefCell::new(Row::new(dims)),
            pace: Pace::default(),
        })
    }
}

impl Learn for Known {
    /// Leaves the simulator as it is.
    fn fit(&mut self, _dataset: &Dataset, _rng: &mut Rng) -> Result<FitReport> {
        Ok(FitReport {
            holdout_mse: f64::NAN,
            note: "the dynamics are known; nothing was learned".into(),
            ..FitReport::default()
        })
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
    /// `None` for discrete actions.
    action: Option<usize>,
}

/// The rows of one call of the simulator, gathered.
struct Block {
    states: Batch,
    actions: Batch,
    choices: Vec<u32>,
    next_states: Batch,
    /// Filled only where a reward function reads them; else without rows.
    observations: Batch,
    next_observations: Batch,
    row: Row,
    reward: Vec<f64>,
    terminated: Vec<bool>,
}

impl Block {
    fn new(dims: Dims, rows: usize, observes: bool) -> Self {
        let observed = if observes { rows } else { 0 };
        Self {
            states: Batch::zeros(dims.state, rows),
            actions: Batch::zeros(dims.action.unwrap_or(0), rows),
            choices: vec![0; if dims.action.is_none() { rows } else { 0 }],
            next_states: Batch::zeros(dims.state, rows),
            observations: Batch::zeros(dims.observation, observed),
            next_observations: Batch::zeros(dims.observation, observed),
            row: Row::new(dims),
            reward: vec![0.0; rows],
            terminated: vec![false; rows],
        }
    }

    /// Gathers the rows `first..first + n` of `from`, advances them and has them paid.
    fn advance(
        &mut self,
        model: &Known,
        arena: Columns<'_>,
        from: &Rows<'_>,
        actions: Actions<'_>,
        first: usize,
        n: usize,
    ) {
        self.states.set_rows(n);
        self.next_states.set_rows(n);
        for dim in 0..arena.dims() {
            gather(arena.column(dim), from, first, self.states.columns_mut().column_mut(dim));
        }
        let actions = match actions {
            Actions::Continuous(columns) => {
                self.actions.set_rows(n);
                for dim in 0..columns.dims() {
                    let wanted = &columns.column(dim)[first..first + n];
                    self.actions.columns_mut().column_mut(dim).copy_from_slice(wanted);
                }
                Actions::Continuous(self.actions.columns())
            }
            Actions::Discrete(choices) => {
                self.choices[..n].copy_from_slice(&choices[first..first + n]);
                Actions::Discrete(&self.choices[..n])
            }
        };
        let (reward, terminated) = (&mut self.reward[..n], &mut self.terminated[..n]);
        model.simulator.step(self.states.columns(), actions, &mut self.next_states.columns_mut(), reward, terminated);
        if let Some(function) = &model.reward {
            self.row.observe_all(&*model.simulator, self.states.columns(), &mut self.observations);
            self.row.observe_all(&*model.simulator, self.next_states.columns(), &mut self.next_observations);
            let transitions = Transitions {
                observations: self.observations.columns(),
                actions,
                next_observations: self.next_observations.columns(),
            };
            function.evaluate(transitions, reward, terminated);
        }
        // A reward that does not look at a diverged state would hide it.
        let next_states = self.next_states.columns();
        for dim in 0..next_states.dims() {
            for (reward, number) in reward.iter_mut().zip(next_states.column(dim)) {
                if !number.is_finite() {
                    *reward = f64::NAN;
                }
            }
        }
    }
}

/// One row in the layout in which simulators observe.
struct Row {
    state: Vec<f64>,
    observation: Vec<f64>,
}

impl Row {
    fn new(dims: Dims) -> Self {
        Self { state: vec![0.0; dims.state], observation: vec![0.0; dims.observation] }
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
        _previous: Option<(usize, &worldwright_core::Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let buffer = self.row.get_mut();
        self.model.spec.observation_space.flatten(observation, &mut buffer.observation)?;
        self.model.simulator.state_from_observation(&buffer.observation, &mut buffer.state)?;
        for (dim, number) in buffer.state.iter().enumerate() {
            self.states[dim * self.rows + row] = *number;
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for column in self.states.chunks_exact_mut(self.rows) {
            spread(column[from], &to, column);
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
        let advance = |(index, block): (usize, &mut Block)| {
            let first = index * BLOCK;
            block.advance(self.model, arena, &from, actions, first, BLOCK.min(n - first));
        };
        let blocks = &mut self.blocks[..used];
        self.pace.each(n, blocks, advance);
        for (index, block) in self.blocks[..used].iter().enumerate() {
            let first = index * BLOCK;
            let next_states = block.next_states.columns();
            let rows = next_states.rows();
            for (dim, column) in self.states.chunks_exact_mut(self.rows).enumerate() {
                scatter(next_states.column(dim), &to, first, column);
            }
            let span = first..first + rows;
            out.reward[span.clone()].copy_from_slice(&block.reward[..rows]);
            for (slot, (ended, reward)) in
                out.continuation[span].iter_mut().zip(block.terminated.iter().zip(&block.reward[..rows]))
            {
                *slot = match (reward.is_nan(), ended) {
                    (true, _) => f64::NAN,
                    (false, true) => 0.0,
                    (false, false) => self.model.discount,
                };
            }
        }
        out.epistemic.fill(0.0);
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        if member > 0 || out.len() != self.dims.observation {
            return Err(Error::shape("decoded member and length", &[1, self.dims.observation], &[member, out.len()]));
        }
        let mut buffer = self.row.borrow_mut();
        for (dim, slot) in buffer.state.iter_mut().enumerate() {
            *slot = self.states[dim * self.rows + row];
        }
        self.model.simulator.observe(&buffer.state, out);
        Ok(())
    }
}
