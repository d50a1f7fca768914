//! A finite Markov decision process as a stochastic world model: a row is a state's number.

use worldwright_core::{
    Action, Actions, Capabilities, Error, Imagination, Imagined, Key, ModelSpec, Observation, Result, Rows, Space,
    Value, WorldModel,
};

use crate::tabular::Process;

/// The model of a process under a discount.
#[derive(Debug, Clone)]
pub struct ProcessModel {
    spec: ModelSpec,
    process: Process,
    discount: f64,
}

impl ProcessModel {
    /// All states of `process` must have the same number of actions.
    pub fn new(name: &str, process: Process, discount: f64) -> Self {
        let spec = ModelSpec {
            name: name.to_owned(),
            observation_space: Space::discrete(process.branches.len()),
            action_space: Space::discrete(process.branches[0].len()),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: process.branches.iter().flatten().all(|branches| branches.len() == 1),
            capabilities: Capabilities { keys: true, decode: true, ..Capabilities::default() },
        };
        Self { spec, process, discount }
    }
}

impl WorldModel for ProcessModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Arena { model: self, states: vec![0; rows] })
    }
}

struct Arena<'m> {
    model: &'m ProcessModel,
    states: Vec<u32>,
}

impl Imagination for Arena<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.states.len()
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        self.model.spec.observation_space.check(observation)?;
        if let Value::Integer(state) = observation {
            self.states[row] = *state as u32;
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for row in to.iter() {
            self.states[row] = self.states[from];
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(choices) = actions else {
            return Err(Error::shape("action columns", &[0], &[n]));
        };
        if to.len() != n || choices.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), choices.len()]));
        }
        out.begin(n);
        out.epistemic.fill(0.0);
        for i in 0..n {
            let (from, to) = (from.at(i), to.at(i));
            let branches = &self.model.process.branches[self.states[from] as usize][choices[i] as usize];
            let mut left = key.fold(i as u64).rng().uniform();
            let mut drawn = branches.len() - 1;
            for (at, branch) in branches.iter().enumerate() {
                left -= branch.0;
                if left < 0.0 {
                    drawn = at;
                    break;
                }
            }
            let (_, next, reward) = branches[drawn];
            self.states[to] = next.map_or(self.states[from], |next| next as u32);
            out.reward[i] = reward;
            out.continuation[i] = if next.is_some() { self.model.discount } else { 0.0 };
        }
        Ok(())
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        for (slot, row) in out.iter_mut().zip(rows.iter()) {
            *slot = u64::from(self.states[row]).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.model.spec.check_decoded(member, out.len())?;
        out.fill(0.0);
        out[self.states[row] as usize] = 1.0;
        Ok(())
    }
}
