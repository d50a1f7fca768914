//! Planners for Python, each with an arena of its model.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use worldwright_core::{Action, Budget, Key, PlanReport, Value, cost};
use worldwright_planners::{self as planners, PlannerContext};

use crate::error::{Failures, OrRaise};
use crate::guided::Guided;
use crate::interrupts::Interrupts;
use crate::model::{Model, Shared, World, world};
use crate::pool::{Took, locked};
use crate::seed::Seed;
use crate::{observed, settings, value};

/// A policy and a value of Python's beside the model.
struct Guide {
    prior: Option<Py<PyAny>>,
    value: Option<Py<PyAny>>,
    interrupts: Arc<Interrupts>,
}

impl Guide {
    /// The model as planners see it.
    fn lead(&self, py: Python<'_>, model: &Shared, failures: &Failures) -> Shared {
        let own = |function: &Option<Py<PyAny>>| function.as_ref().map(|function| function.clone_ref(py));
        Arc::new(Guided::new(
            Arc::clone(model),
            own(&self.prior),
            own(&self.value),
            failures.clone(),
            Arc::clone(&self.interrupts),
        ))
    }
}

struct State {
    planner: Box<dyn worldwright_core::Planner>,
    /// The user's model as it was when the arena was made.
    source: Shared,
    /// The same with its guide.
    model: Shared,
    arena: World,
    key: Key,
    decisions: u64,
    took: Took,
    action: Action,
}

/// A planner with its model.
#[pyclass(frozen, module = "worldwright._native", subclass)]
pub(crate) struct Planner {
    state: Mutex<State>,
    model: Py<Model>,
    guide: Guide,
}

#[pymethods]
impl Planner {
    /// A planner of the list.
    #[new]
    #[pyo3(signature = (*, name, model, settings, seed, prior, value))]
    fn new(
        py: Python<'_>,
        name: &str,
        model: Py<Model>,
        settings: &Bound<'_, PyDict>,
        seed: Seed,
        prior: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        model.get().check_paid(py)?;
        let guide = Guide { prior, value, interrupts: Arc::default() };
        let source = model.get().shared(py);
        let shared = guide.lead(py, &source, model.get().failures());
        let context = PlannerContext::for_model(shared.spec(), seed.0);
        let planner = planners::make(name, &context, &settings::named(settings)?).or_raise(py)?;
        planner.check(shared.spec()).or_raise(py)?;
        cost::arena(shared.spec(), planner.rows(), "rows that the planner imagines").or_raise(py)?;
        let arena = world(&shared, planner.rows());
        let state = State {
            planner,
            source,
            model: shared,
            arena,
            key: Key::new(seed.0),
            decisions: 0,
            took: Took::default(),
            action: Value::Floats(Vec::new()),
        };
        Ok(Self { state: Mutex::new(state), model, guide })
    }

    /// Improves the plan from an observation; gives what happened.
    #[pyo3(signature = (observation, *, iterations, model_steps, time_secs))]
    fn improve<'py>(
        &self,
        py: Python<'py>,
        observation: &Bound<'_, PyAny>,
        iterations: Option<usize>,
        model_steps: Option<u64>,
        time_secs: Option<f64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let model = self.model.get();
        model.check_paid(py)?;
        let mut state = locked(py, &self.state);
        let state = &mut *state;
        let now = model.shared(py);
        if !Arc::ptr_eq(&now, &state.source) {
            state.model = self.guide.lead(py, &now, model.failures());
            state.arena = world(&state.model, state.planner.rows());
            state.source = now;
        }
        let observation = observed::read(&state.model.spec().observation_space, observation, "the observation")?;
        let budget = Budget {
            iterations,
            model_steps,
            time: time_secs.map(|secs| Duration::from_secs_f64(secs.clamp(0.0, 1e9))),
            interrupt: self.guide.interrupts.interrupt(),
        };
        let key = state.key.fold(state.decisions);
        let (planner, arena) = (&mut state.planner, &mut state.arena);
        let plan = || {
            arena.with_dependent_mut(|_, arena| {
                arena.observe(0, None, &observation, key)?;
                planner.improve(arena.as_mut(), 0, &budget)
            })
        };
        let interrupts = &self.guide.interrupts;
        let planned = state.took.run(py, interrupts, plan)?;
        state.decisions += 1;
        let report = interrupts.settle(model.failures().settle(py, planned))?;
        describe(py, &report)
    }

    /// The planned action `t` steps from now.
    #[pyo3(signature = (t = 0))]
    fn act<'py>(&self, py: Python<'py>, t: usize) -> PyResult<Bound<'py, PyAny>> {
        let mut state = locked(py, &self.state);
        let State { planner, action, model, .. } = &mut *state;
        planner.act(t, action);
        value::write(py, &model.spec().action_space, action)
    }

    /// All planned actions.
    fn actions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut state = locked(py, &self.state);
        let State { planner, action, model, .. } = &mut *state;
        let actions = (0..planner.horizon()).map(|t| {
            planner.act(t, action);
            action.clone()
        });
        let actions: Vec<Action> = actions.collect();
        value::write_all(py, &model.spec().action_space, &actions)
    }

    /// The first actions that a tree search weighed: action, visits, mean return.
    fn weighed<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyAny>, u64, f64)>> {
        let state = locked(py, &self.state);
        let space = &state.model.spec().action_space;
        let weighed = state.planner.weighed();
        weighed.into_iter().map(|one| Ok((value::write(py, space, &one.action)?, one.visits, one.value))).collect()
    }

    /// Moves on: the plan's tail becomes the start of the next.
    #[pyo3(signature = (steps = 1))]
    fn shift(&self, py: Python<'_>, steps: usize) {
        locked(py, &self.state).planner.shift(steps);
    }

    /// Forgets the plan and takes a seed.
    fn reset(&self, py: Python<'_>, seed: Seed) {
        let mut state = locked(py, &self.state);
        state.planner.reset(seed.0);
        state.key = Key::new(seed.0);
        state.decisions = 0;
    }

    /// Steps that the plan reaches.
    #[getter]
    fn horizon(&self, py: Python<'_>) -> usize {
        locked(py, &self.state).planner.horizon()
    }

    /// The model that it plans in.
    #[getter]
    fn native_model(&self, py: Python<'_>) -> Py<Model> {
        self.model.clone_ref(py)
    }
}

/// A report as a dictionary.
pub(crate) fn describe<'py>(py: Python<'py>, report: &PlanReport) -> PyResult<Bound<'py, PyDict>> {
    let answer = PyDict::new(py);
    answer.set_item("status", format!("{:?}", report.status))?;
    answer.set_item("value", report.value)?;
    answer.set_item("iterations", report.iterations)?;
    answer.set_item("model_steps", report.model_steps)?;
    answer.set_item("diverged", report.diverged)?;
    Ok(answer)
}
