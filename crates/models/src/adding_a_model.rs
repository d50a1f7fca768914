//! `nearest`: what the most alike transitions did, as the example of a model.
//!
//! ```text
//! f(x) = Σ wᵢ tᵢ / Σ wᵢ   over the k nearest inputs,   wᵢ = 1 / (|x − xᵢ|² + 10⁻⁶)
//! ```
//!
//! (Atkeson, Moore and Schaal, Locally Weighted Learning, 1997, section 3.) A prediction is as uncertain as its nearest example is far.

use worldwright_core::{
    Array, Entry, Error, FitReport, LearnedModel, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings,
    State,
};

use crate::transition::{ANGLES, Answer, Examples, Question, Regressor, TransitionModel, saved_shape, unfitted};
use crate::{Build, ModelContext};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "nearest",
    summary: "what the most alike transitions did: no training, and as slow as the data are many",
    source: "Atkeson, Moore and Schaal, Locally Weighted Learning, 1997",
    parameters: &[
        ANGLES,
        Parameter { name: "neighbours", default: Default::Integer(5), summary: "k, transitions that are averaged" },
    ],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let regressor =
        Nearest { k: settings.count_in("neighbours", 1, 1000)?, inputs: [0, 0], x: Vec::new(), t: Vec::new() };
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, 1, true, regressor)?))
}

/// The examples, as they came.
struct Nearest {
    k: usize,
    /// Numbers of an input and of a target.
    inputs: [usize; 2],
    /// `[examples][inputs]`
    x: Vec<f64>,
    /// `[examples][targets]`
    t: Vec<f64>,
}

impl Regressor for Nearest {
    /// An input, and the nearest examples with their squared distances, the nearest first.
    type Workspace = (Vec<f64>, Vec<(f64, usize)>);

    fn fit(&mut self, examples: &Examples<'_>, _rng: &mut Rng) -> Result<FitReport> {
        examples.interrupt.check(ENTRY.name)?;
        self.inputs = [examples.inputs.dims(), examples.targets.dims()];
        let rows = |columns: worldwright_core::Columns<'_>| {
            let mut rows = vec![0.0; columns.dims() * columns.rows()];
            rows.chunks_exact_mut(columns.dims()).enumerate().for_each(|(i, row)| columns.copy_row(i, row));
            rows
        };
        (self.x, self.t) = (rows(examples.inputs), rows(examples.targets));
        Ok(FitReport { epochs: 1, holdout_mse: None, ..FitReport::default() })
    }

    fn workspace(&self, _places: usize) -> Self::Workspace {
        (vec![0.0; self.inputs[0]], vec![(0.0, 0); self.k])
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Self::Workspace, answer: &mut Answer<'_>) {
        let (input, nearest) = workspace;
        let [dims, targets] = self.inputs;
        for place in 0..question.inputs.rows() {
            question.inputs.copy_row(place, input);
            nearest.fill((f64::INFINITY, 0));
            for (i, x) in self.x.chunks_exact(dims).enumerate() {
                let distance: f64 = x.iter().zip(&*input).map(|(a, b)| (a - b) * (a - b)).sum();
                // An input that is not finite is near to nothing: all weights stay zero, and what is answered is not a number.
                if distance < nearest[self.k - 1].0 {
                    let at = nearest.partition_point(|(other, _)| *other <= distance);
                    nearest[at..].rotate_right(1);
                    nearest[at] = (distance, i);
                }
            }
            let weight = |distance: f64| 1.0 / (distance + 1e-6);
            let all: f64 = nearest.iter().map(|(distance, _)| weight(*distance)).sum();
            for target in 0..targets {
                let each = nearest.iter().map(|(distance, i)| weight(*distance) * self.t[i * targets + target]);
                answer.targets.set(place, target, each.sum::<f64>() / all);
            }
            answer.epistemic[place] = (nearest[0].0 / (1.0 + nearest[0].0)).sqrt();
        }
    }

    fn keeps_beliefs(&self) -> bool {
        false
    }
}

impl Persist for Nearest {
    fn save(&self) -> State {
        let mut state = State::new();
        if !self.x.is_empty() {
            let examples = self.x.len() / self.inputs[0];
            let shape = [examples, self.inputs[0], self.inputs[1]];
            state.put("shape", Array::U64(shape.map(|n| n as u64).to_vec()));
            state.put("inputs", Array::F64(shape[..2].to_vec(), self.x.clone()));
            state.put("targets", Array::F64(vec![shape[0], shape[2]], self.t.clone()));
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        if unfitted(state) {
            (self.inputs, self.x, self.t) = ([0, 0], Vec::new(), Vec::new());
            return Ok(());
        }
        let shape = saved_shape(state, 3)?;
        let length = |dims: usize| {
            shape[0].checked_mul(dims).ok_or_else(|| Error::external("saved state", "its shape has no such product"))
        };
        self.x = state.f64s("inputs", length(shape[1])?)?.to_vec();
        self.t = state.f64s("targets", length(shape[2])?)?.to_vec();
        self.inputs = [shape[1], shape[2]];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldwright_core::{Dataset, Interrupt, Rng, Settings, Space, Value};
    use worldwright_testkit::check_world_model;

    use super::*;

    /// A point that is pushed, seen 400 times.
    fn fitted() -> Box<dyn LearnedModel> {
        let context = ModelContext {
            observation_space: Space::unbounded(1),
            action_space: Space::vector(&[-1.0], &[1.0]),
            reward: None,
            simulator: None,
            known: None,
            players: 1,
            discount: 1.0,
            seed: 0,
        };
        let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &BTreeMap::new()).unwrap();
        let mut model = ENTRY.build.learned(&context, &settings).unwrap();
        let (mut data, rng) = (Dataset::new(1, 1), &mut Rng::new(1));
        for _ in 0..400 {
            let (position, push) = (rng.uniform_in(-2.0, 2.0), rng.uniform_in(-1.0, 1.0));
            data.push(&[position], &[push], 0.0, &[position + 0.2 * push], false, true).unwrap();
        }
        model.fit(&data, rng, &Interrupt::never()).unwrap();
        model
    }

    #[test]
    fn it_keeps_to_the_contract() {
        check_world_model(fitted().as_world_model(), &[0.4, -1.0].map(|x| Value::Floats(vec![x])), 0.0);
    }

    #[test]
    fn a_saved_one_goes_on_alike() {
        let (one, mut two) = (fitted(), fitted());
        two.restore(&State::new()).unwrap_err();
        two.restore(&one.save()).unwrap();
        assert_eq!(one.save(), two.save());
    }
}
