//! A world model of anything that advances one state vector: each lane of each row is such a vector.

use worldwright_core::{
    Actions, Capabilities, Error, Imagination, Imagined, Key, ModelSpec, Observation, Priors, Result, Rows, Space,
    Values, WorldModel,
};

/// The action of one row.
#[derive(Debug, Clone, Copy)]
pub enum LaneAction<'a> {
    /// Numbers, one a dimension.
    Numbers(&'a [f64]),
    /// A zero-based choice.
    Choice(u32),
}

/// What one step of one lane gave.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Reward.
    pub reward: f64,
    /// Discount × not terminal.
    pub continuation: f64,
    /// Epistemic spread.
    pub epistemic: f64,
    /// One number a constraint.
    pub constraints: &'a mut [f64],
}

/// Which lane of which row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Place in the batch.
    pub row: usize,
    /// Member.
    pub lane: usize,
}

/// Dynamics of one state vector, which is observed as it is unless a world says otherwise. Must not allocate.
pub trait Dynamics: Send + Sync {
    /// What the model says of itself.
    fn spec(&self) -> &ModelSpec;
    /// Length of the state vector.
    fn state_dim(&self) -> usize {
        self.spec().observation_space.flat_dim()
    }
    /// The state behind a flat observation.
    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }
    /// The flat observation of a state.
    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    /// Advances `state` in place; `next` is scratch as long as the state. Randomness comes from `key` folded by the row's place
    /// in the batch and the lane.
    fn advance(
        &self,
        place: Place,
        state: &mut [f64],
        next: &mut [f64],
        action: LaneAction<'_>,
        key: Key,
        out: &mut Outcome<'_>,
    );
    /// The value of a state, where the spec promises one.
    fn value(&self, _state: &[f64]) -> f64 {
        0.0
    }
    /// Mean and standard deviation, or logits, where the spec promises a prior.
    fn prior(&self, _state: &[f64], _mean: &mut [f64], _std: &mut [f64]) {}
}

/// The model of some [`Dynamics`].
#[derive(Debug, Clone)]
pub struct DynamicsModel<D>(pub D);

/// The spec of a deterministic world of one lane that observes `state_dim` numbers and has neither constraints, values nor priors.
pub fn plain_spec(name: &str, state_dim: usize, action_space: Space) -> ModelSpec {
    ModelSpec {
        name: name.to_owned(),
        observation_space: Space::unbounded(state_dim),
        action_space,
        members: 1,
        constraints: 0,
        latent_dim: state_dim,
        deterministic: true,
        capabilities: Capabilities { decode: true, ..Capabilities::default() },
    }
}

impl<D: Dynamics> WorldModel for DynamicsModel<D> {
    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let (spec, dim) = (self.0.spec(), self.0.state_dim());
        let action_dim = spec.action_space.flat_dim();
        Box::new(Arena {
            dynamics: &self.0,
            rows,
            states: vec![0.0; rows * spec.members * dim],
            next: vec![0.0; dim],
            action: vec![0.0; action_dim],
            flat: vec![0.0; spec.observation_space.flat_dim()],
            constraints: vec![0.0; spec.constraints],
        })
    }
}

struct Arena<'m, D> {
    dynamics: &'m D,
    rows: usize,
    /// `[rows][members][state]`
    states: Vec<f64>,
    next: Vec<f64>,
    action: Vec<f64>,
    flat: Vec<f64>,
    constraints: Vec<f64>,
}

impl<D: Dynamics> Arena<'_, D> {
    fn width(&self) -> usize {
        self.dynamics.spec().members * self.dynamics.state_dim()
    }
}

impl<D: Dynamics> Imagination for Arena<'_, D> {
    fn spec(&self) -> &ModelSpec {
        self.dynamics.spec()
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
        self.dynamics.spec().observation_space.flatten(observation, &mut self.flat)?;
        let (width, dim) = (self.width(), self.dynamics.state_dim());
        for lane in self.states[row * width..(row + 1) * width].chunks_exact_mut(dim) {
            self.dynamics.state(&self.flat, lane);
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let width = self.width();
        for row in to.iter() {
            self.states.copy_within(from * width..(from + 1) * width, row * width);
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        if to.len() != n || actions.rows() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), actions.rows()]));
        }
        if let Actions::Continuous(columns) = actions
            && columns.dims() != self.action.len()
        {
            return Err(Error::shape("action columns", &[self.action.len()], &[columns.dims()]));
        }
        out.begin(n);
        let (width, dim, members) = (self.width(), self.dynamics.state_dim(), self.dynamics.spec().members);
        for i in 0..n {
            let (start, end) = (from.at(i) * width, to.at(i) * width);
            self.states.copy_within(start..start + width, end);
            let action = match actions {
                Actions::Continuous(columns) => {
                    columns.copy_row(i, &mut self.action);
                    LaneAction::Numbers(&self.action)
                }
                Actions::Discrete(choices) => LaneAction::Choice(choices[i]),
            };
            for (lane, state) in self.states[end..end + width].chunks_exact_mut(dim).enumerate() {
                let mut outcome =
                    Outcome { reward: 0.0, continuation: 1.0, epistemic: 0.0, constraints: &mut self.constraints };
                self.dynamics.advance(Place { row: i, lane }, state, &mut self.next, action, key, &mut outcome);
                let at = lane * n + i;
                out.reward[at] = outcome.reward;
                out.continuation[at] = outcome.continuation;
                out.epistemic[at] = outcome.epistemic;
                for (constraint, value) in outcome.constraints.iter().enumerate() {
                    out.constraints[constraint * members * n + at] = *value;
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let spec = self.dynamics.spec();
        if !spec.capabilities.value {
            return Err(Error::unsupported(spec.name.clone(), "values of rows: use a model with a value head"));
        }
        let (n, width, dim) = (rows.len(), self.width(), self.dynamics.state_dim());
        out.value.resize(spec.members * n, 0.0);
        for i in 0..n {
            let start = rows.at(i) * width;
            for (lane, state) in self.states[start..start + width].chunks_exact(dim).enumerate() {
                out.value[lane * n + i] = self.dynamics.value(state);
            }
        }
        Ok(())
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        let spec = self.dynamics.spec();
        if !spec.capabilities.prior {
            return Err(Error::unsupported(spec.name.clone(), "action priors: use a model with a policy head"));
        }
        let (width, dim, action_dim) = (self.width(), self.dynamics.state_dim(), self.action.len());
        let discrete = matches!(spec.action_space, Space::Discrete { .. });
        out.mean.resize(rows.len() * action_dim, 0.0);
        out.std.resize(if discrete { 0 } else { rows.len() * action_dim }, 0.0);
        for i in 0..rows.len() {
            let start = rows.at(i) * width;
            let span = i * action_dim..(i + 1) * action_dim;
            let std = if discrete { &mut [][..] } else { &mut out.std[span.clone()] };
            self.dynamics.prior(&self.states[start..start + dim], &mut out.mean[span], std);
        }
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let (width, dim) = (self.width(), self.dynamics.state_dim());
        out.fill(0.0);
        let lanes = self.states[row * width..(row + 1) * width].chunks_exact(dim);
        for lane in lanes {
            out.iter_mut().zip(lane).for_each(|(sum, number)| *sum += number);
        }
        out.iter_mut().for_each(|sum| *sum /= self.dynamics.spec().members as f64);
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        let (width, dim) = (self.width(), self.dynamics.state_dim());
        if latent.len() != dim {
            return Err(Error::shape("latent", &[dim], &[latent.len()]));
        }
        let lanes = self.states[row * width..(row + 1) * width].chunks_exact_mut(dim);
        lanes.for_each(|lane| lane.copy_from_slice(latent));
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.dynamics.spec().check_decoded(member, out.len())?;
        let dim = self.dynamics.state_dim();
        let start = row * self.width() + member * dim;
        self.dynamics.observation(&self.states[start..start + dim], out);
        Ok(())
    }
}
