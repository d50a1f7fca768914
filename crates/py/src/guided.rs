//! A model as planners of Python's see it: with a policy or a value of Python's beside it, where there is one (what planners take as the
//! policy prior and as what follows the horizon), and ending at an interrupt.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use worldwright_core::{
    Actions, ArenaWrapper, Dataset, Differences, FitReport, Imagination, Imagined, Interrupt, Key, Learn, LearnedModel,
    Linearizations, ModelSpec, Persist, Priors, Pulled, Result, Rng, Rows, State, Values, WorldModel,
};

use crate::array;
use crate::error::Failures;
use crate::interrupts::Interrupts;

/// A model, perhaps with `prior(observations [N, O]) -> (mean, std)` (or `(logits, [])` for choices) and `value(observations [N, O]) -> [N]`.
pub(crate) struct Guided {
    pub(crate) model: Arc<dyn LearnedModel>,
    pub(crate) prior: Option<Py<PyAny>>,
    pub(crate) value: Option<Py<PyAny>>,
    pub(crate) failures: Failures,
    interrupts: Arc<Interrupts>,
    spec: ModelSpec,
}

impl Guided {
    pub(crate) fn new(
        model: Arc<dyn LearnedModel>,
        prior: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
        failures: Failures,
        interrupts: Arc<Interrupts>,
    ) -> Self {
        let mut spec = model.spec().clone();
        spec.capabilities.prior |= prior.is_some();
        spec.capabilities.value |= value.is_some();
        Self { model, prior, value, failures, interrupts, spec }
    }
}

impl WorldModel for Guided {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let dims = self.spec.observation_space.flat_dim();
        Box::new(GuidedImagination { guided: self, inner: self.model.imagination(rows), seen: vec![0.0; dims] })
    }
}

impl Learn for Guided {
    fn fit(&mut self, _dataset: &Dataset, _rng: &mut Rng, _interrupt: &Interrupt) -> Result<FitReport> {
        Err(worldwright_core::Error::unsupported(self.spec.name.clone(), "fitting while a planner uses it"))
    }
}

impl Persist for Guided {
    fn save(&self) -> State {
        self.model.save()
    }

    fn restore(&mut self, _state: &State) -> Result<()> {
        Err(worldwright_core::Error::unsupported(self.spec.name.clone(), "loading while a planner uses it"))
    }
}

struct GuidedImagination<'m> {
    guided: &'m Guided,
    inner: Box<dyn Imagination + 'm>,
    seen: Vec<f64>,
}

impl GuidedImagination<'_> {
    /// What rows show in the mean of their lanes, `[rows][O]`.
    fn observations(&mut self, rows: &Rows<'_>) -> Result<Vec<f64>> {
        let members = self.guided.spec.members;
        let mut flat = vec![0.0; rows.len() * self.seen.len()];
        for (row, out) in rows.iter().zip(flat.chunks_exact_mut(self.seen.len().max(1))) {
            for member in 0..members {
                self.inner.decode(row, member, &mut self.seen)?;
                out.iter_mut().zip(&self.seen).for_each(|(sum, number)| *sum += number / members as f64);
            }
        }
        Ok(flat)
    }

    fn ask<T>(
        &mut self,
        who: &str,
        rows: &Rows<'_>,
        ask: impl FnOnce(Python<'_>, Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T> {
        let flat = self.observations(rows)?;
        let shape = [rows.len(), self.seen.len()];
        Python::attach(|py| {
            let asked = array::shaped(py, flat, &shape).and_then(|observations| ask(py, observations));
            asked.map_err(|error| self.guided.failures.keep(py, who, error))
        })
    }
}

impl ArenaWrapper for GuidedImagination<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.inner
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.inner
    }

    fn spec(&self) -> &ModelSpec {
        &self.guided.spec
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        self.guided.interrupts.heard()?;
        self.inner.step(from, actions, to, key, out)
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let Some(value) = &self.guided.value else { return self.inner.value(rows, out) };
        let values: Vec<f64> = self.ask("the value function", &rows, |py, observations| {
            let answer: PyReadonlyArray1<'_, f64> = value.bind(py).call1((observations,))?.extract()?;
            Ok(answer.as_slice()?.to_vec())
        })?;
        out.value.resize(self.guided.spec.members * rows.len(), 0.0);
        out.value.chunks_exact_mut(values.len().max(1)).for_each(|lane| lane.copy_from_slice(&values));
        Ok(())
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        let Some(prior) = &self.guided.prior else { return self.inner.prior(rows, out) };
        let (mean, std) = self.ask("the policy", &rows, |py, observations| {
            let answer = prior.bind(py).call1((observations,))?.cast_into::<PyTuple>().map_err(PyErr::from)?;
            let part = |i: usize| -> PyResult<Vec<f64>> {
                let numbers: PyReadonlyArray1<'_, f64> = answer.get_item(i)?.extract()?;
                Ok(numbers.as_slice()?.to_vec())
            };
            Ok((part(0)?, part(1)?))
        })?;
        let copy = |from: &[f64], to: &mut Vec<f64>| {
            to.clear();
            to.extend_from_slice(from);
        };
        copy(&mean, &mut out.mean);
        copy(&std, &mut out.std);
        Ok(())
    }

    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        self.guided.interrupts.heard()?;
        self.inner.linearize(rows, actions, differences, out)
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
        self.guided.interrupts.heard()?;
        self.inner.pullback(rows, actions, cotangents, differences, linear, out)
    }
}
