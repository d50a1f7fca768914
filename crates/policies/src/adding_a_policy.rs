//! `linear-bc`: the recorded actions as a linear function of what was seen, as the example of a policy.
//!
//! With `x = (s, 1)` and `a` in the network's units, `W ← W + η (a − W x) xᵀ / |x|²` for each transition of a batch: the normalised least mean squares of
//! Widrow and Hoff (Adaptive Switching Circuits, 1960). Choices are one-hot, and the largest one is taken.

use worldwright_core::{
    ActionHead, Array, Batch, Columns, Entry, Error, Experience, Interrupt, Learner, Metrics, Mode, Parameter, Persist,
    Policy, Result, Rng, SettingDefault as Default, Settings, State,
};

use crate::batch::Transitions;
use crate::scaling::Scaling;
use crate::{Build, LearnedPolicy, PolicyContext};

/// The line in the list of policies.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "linear-bc",
    summary: "behaviour cloning by a linear function: for recorders that were linear",
    source: "Widrow and Hoff 1960",
    parameters: &[
        Parameter { name: "batch", default: Default::Integer(64), summary: "transitions an update" },
        Parameter { name: "step_size", default: Default::Float(0.1), summary: "η, from 0 to 1" },
    ],
    build: Build::Experience(build),
};

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    Ok(Box::new(Linear {
        scaling: Scaling::identity(context.inputs),
        inputs: context.inputs,
        batch: settings.count_in("batch", 1, 1 << 20)?,
        step_size: settings.float("step_size", 0.0, 1.0)? as f32,
        weights: vec![0.0; head.columns() * (context.inputs + 1)],
        said: vec![0.0; head.columns()],
        action: vec![0.0; head.width()],
        room: Transitions::default(),
        head,
    }))
}

struct Linear {
    /// How it sees what it is given: numbers of about unit size, whatever the world's units.
    scaling: Scaling,
    inputs: usize,
    head: ActionHead,
    batch: usize,
    step_size: f32,
    /// W `[columns][inputs + 1]`, the last one of each row its offset.
    weights: Vec<f32>,
    /// Buffers: what the function says of a row, and the action that it means.
    said: Vec<f32>,
    action: Vec<f64>,
    room: Transitions,
}

/// One row of W against `(seen, 1)`.
fn product(row: &[f32], seen: impl Iterator<Item = f32>) -> f32 {
    row.iter().zip(seen.chain([1.0])).map(|(weight, x)| weight * x).sum()
}

impl Learner for Linear {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(ENTRY.name)?;
        self.scaling.follow(experience, rng)?;
        self.room.draw(experience, self.batch, (&self.scaling, &self.head), (1, 1.0), rng)?;
        let columns = self.head.columns();
        let mut loss = 0.0;
        let transitions = self.room.observations.chunks_exact(self.inputs).zip(self.room.actions.chunks_exact(columns));
        for (seen, action) in transitions {
            let length: f32 = seen.iter().map(|x| x * x).sum::<f32>() + 1.0;
            for (row, wanted) in self.weights.chunks_exact_mut(self.inputs + 1).zip(action) {
                let error = wanted - product(row, seen.iter().copied());
                loss += f64::from(error * error);
                let step = self.step_size * error / length;
                row.iter_mut().zip(seen.iter().copied().chain([1.0])).for_each(|(weight, x)| *weight += step * x);
            }
        }
        let loss = loss / (self.batch * columns) as f64;
        if !loss.is_finite() {
            return Err(Error::Diverged { who: ENTRY.name.into(), why: format!("its loss became {loss}") });
        }
        Ok(vec![("imitation_loss", loss)])
    }
}

impl Policy for Linear {
    fn inputs(&self) -> usize {
        self.inputs
    }

    /// It has no spread: exploring and doing well are the same.
    fn act(&mut self, inputs: Columns<'_>, _mode: Mode, _rng: &mut Rng, out: &mut Batch) -> Result<()> {
        let (expected, got) = ([self.inputs, self.head.width()], [inputs.dims(), out.dims()]);
        if expected != got || inputs.rows() != out.rows() {
            return Err(Error::shape("inputs and actions of the policy", &expected, &got));
        }
        for row in 0..inputs.rows() {
            for (said, weights) in self.said.iter_mut().zip(self.weights.chunks_exact(self.inputs + 1)) {
                *said = product(weights, (0..self.inputs).map(|dim| self.scaling.of(dim, inputs.get(row, dim))));
            }
            if !self.said.iter().all(|said| said.is_finite()) {
                return Err(Error::Diverged { who: ENTRY.name.into(), why: "its action is not finite".into() });
            }
            if self.head.choices() > 0 {
                let best = (0..self.said.len()).max_by(|a, b| self.said[*a].total_cmp(&self.said[*b])).unwrap_or(0);
                out.columns_mut().set_row(row, self.head.choice(best));
            } else {
                self.head.write_numbers(&self.said, &mut self.action);
                out.columns_mut().set_row(row, &self.action);
            }
        }
        Ok(())
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        state.put("weights", Array::F32(vec![self.head.columns(), self.inputs + 1], self.weights.clone()));
        self.scaling.save(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        let numbers = weights.f32s("weights", self.weights.len())?;
        self.weights.copy_from_slice(numbers);
        self.scaling.restore(weights)
    }
}

impl Persist for Linear {
    fn save(&self) -> State {
        let mut state = self.weights();
        state.put("sizes", self.head.sizes(self.inputs));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.head.check_sizes(self.inputs, state)?;
        self.restore_weights(state)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldwright_core::{Dataset, Space};

    use super::*;

    #[test]
    fn a_linear_recorder_comes_back() {
        let action_space = Space::vector(&[-2.0], &[2.0]);
        let context = PolicyContext { inputs: 1, action_space, discount: 1.0, seed: 0 };
        let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &BTreeMap::new()).unwrap();
        let mut policy = ENTRY.build.experienced(ENTRY.name, &context, &settings).unwrap();
        let (mut recorded, rng) = (Dataset::new(1, 1), &mut Rng::new(1));
        for _ in 0..1000 {
            let seen = rng.uniform_in(-2.0, 2.0);
            recorded.push(&[seen], &[0.5 * seen - 0.25], 0.0, &[seen], false, true).unwrap();
        }
        for _ in 0..50 {
            policy.update(&recorded, rng, &Interrupt::never()).unwrap();
        }
        let (mut seen, mut done) = (Batch::zeros(1, 1), Batch::zeros(1, 1));
        seen.columns_mut().set(0, 0, 1.5);
        policy.act(seen.columns(), Mode::Exploit, rng, &mut done).unwrap();
        assert!((done.columns().get(0, 0) - 0.5).abs() < 1e-3, "{}", done.columns().get(0, 0));
        assert!(policy.act(done.columns(), Mode::Exploit, rng, &mut Batch::zeros(2, 1)).is_err());
    }
}
