//! World models for Python: made by name, fitted, asked, saved; and arenas in which to imagine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use self_cell::self_cell;
use worldwright_core::{
    Array, Capabilities, Imagination, Imagined, Key, LearnedModel, ModelSpec, RewardFunction, Rows, Setting, Space,
};
use worldwright_models::{self as models, ModelContext};
use worldwright_runs::{read_state, write_state};

use crate::array::{self, shaped};
use crate::callable::{Dynamics, Reward};
use crate::data::Dataset;
use crate::error::{Failures, OrRaise, exception, raise, refuse};
use crate::interrupts::Interrupts;
use crate::pool::{Took, locked};
use crate::seed::Seed;
use crate::{observed, pool, settings, space};

/// A model that is shared with those who plan in it.
pub(crate) type Shared = Arc<dyn LearnedModel>;

type Arena<'a> = Box<dyn Imagination + 'a>;

self_cell!(
    /// A model with an arena of it.
    pub(crate) struct World {
        owner: Shared,
        #[not_covariant]
        dependent: Arena,
    }
);

/// An arena of `rows` rows.
pub(crate) fn world(model: &Shared, rows: usize) -> World {
    World::new(Arc::clone(model), |model| model.imagination(rows))
}

/// What it takes to make a model of the list anew.
struct Recipe {
    name: String,
    context: ModelContext,
    overrides: std::collections::BTreeMap<String, Setting>,
}

impl Recipe {
    fn build(&self) -> worldwright_core::Result<Box<dyn LearnedModel>> {
        models::build(&self.name, &self.context, &self.overrides)
    }
}

/// A world model.
#[pyclass(frozen, module = "worldwright._native", subclass)]
pub(crate) struct Model {
    held: Mutex<Shared>,
    recipe: Option<Recipe>,
    failures: Failures,
    spec: ModelSpec,
    discount: f64,
    fits: Mutex<u64>,
    /// Whether what it was fitted to had no rewards, and no function tells them: what it says of rewards then stands for nothing.
    unpaid: AtomicBool,
}

/// The array that marks the weights of a model without rewards.
const UNPAID: &str = "unpaid";

impl Model {
    /// The model as it is now; a later fit makes another.
    pub(crate) fn shared(&self, py: Python<'_>) -> Shared {
        Arc::clone(&locked(py, &self.held))
    }

    /// Exceptions of Python code within it.
    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }

    /// A model made elsewhere from these parts.
    pub(crate) fn of_parts(
        name: &str,
        context: ModelContext,
        overrides: std::collections::BTreeMap<String, Setting>,
        model: Box<dyn LearnedModel>,
        failures: Failures,
    ) -> Self {
        let spec = model.spec().clone();
        let discount = context.discount;
        let recipe = Some(Recipe { name: name.to_owned(), context, overrides });
        Self {
            held: Mutex::new(Arc::from(model)),
            recipe,
            failures,
            spec,
            discount,
            fits: Mutex::new(1),
            unpaid: AtomicBool::new(false),
        }
    }

    /// Refuses to plan where nothing is known of rewards.
    pub(crate) fn check_paid(&self, py: Python<'_>) -> PyResult<()> {
        if !self.unpaid.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = format!(
            "the model '{}' was fitted to data without rewards, so there is nothing to plan for: fit it with rewards=…, or make it with \
             reward=…, a function",
            self.spec.name
        );
        Err(exception(py, "NotFittedError", message))
    }

    fn replace(&self, py: Python<'_>, model: Box<dyn LearnedModel>) {
        *locked(py, &self.held) = Arc::from(model);
    }

    fn recipe(&self, py: Python<'_>, what: &'static str) -> PyResult<&Recipe> {
        let none =
            || worldwright_core::Error::unsupported(self.spec.name.clone(), format!("{what}: it is written in Python"));
        self.recipe.as_ref().ok_or_else(|| raise(py, &none()))
    }
}

#[pymethods]
impl Model {
    /// A model of the list, not yet fitted.
    #[new]
    #[pyo3(signature = (*, name, observation_space, action_space, reward, environment, discount, seed, settings))]
    #[expect(clippy::too_many_arguments, reason = "the keyword arguments of the one function that calls it")]
    fn new(
        py: Python<'_>,
        name: &str,
        observation_space: Option<&Bound<'_, PyAny>>,
        action_space: Option<&Bound<'_, PyAny>>,
        reward: Option<Py<PyAny>>,
        environment: Option<&str>,
        discount: f64,
        seed: Seed,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let failures = Failures::default();
        let native =
            environment.map(|name| worldwright_envs::make(name, &Default::default())).transpose().or_raise(py)?;
        let either = |given: Option<&Bound<'_, PyAny>>, own: Option<&Space>| match (given, own) {
            (Some(given), _) => space::read(given),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) => Err(refuse(py, "a model needs its spaces, or the name of a native environment")),
        };
        let own = native.as_ref().map(|made| made.environment.as_ref());
        let observation_space = either(observation_space, own.map(|environment| environment.observation_space()))?;
        let action_space = either(action_space, own.map(|environment| environment.action_space()))?;
        let (paid, simulator, known) =
            native.map_or((None, None, None), |made| (made.reward, made.simulator, made.model));
        let written = reward.map(|reward| Arc::new(Reward::new(reward, failures.clone())) as Arc<dyn RewardFunction>);
        let reward = written.or(paid);
        let context = ModelContext {
            observation_space,
            action_space,
            reward,
            simulator,
            known,
            players: 1,
            discount,
            seed: seed.0,
        };
        let recipe = Recipe { name: name.to_owned(), context, overrides: settings::named(settings)? };
        let model = recipe.build().or_raise(py)?;
        let spec = model.spec().clone();
        let (held, fits) = (Mutex::new(Arc::from(model)), Mutex::new(0));
        Ok(Self { held, recipe: Some(recipe), failures, spec, discount, fits, unpaid: AtomicBool::new(false) })
    }

    /// A model that Python computes: `dynamics` is a `worldwright._callables.Dynamics`.
    #[staticmethod]
    #[pyo3(signature = (*, name, dynamics, observation_space, action_space, members, deterministic, has_value, discount))]
    #[expect(clippy::too_many_arguments, reason = "the keyword arguments of the one function that calls it")]
    fn written(
        name: String,
        dynamics: Py<PyAny>,
        observation_space: &Bound<'_, PyAny>,
        action_space: &Bound<'_, PyAny>,
        members: usize,
        deterministic: bool,
        has_value: bool,
        discount: f64,
    ) -> PyResult<Self> {
        let failures = Failures::default();
        let observation_space = space::read(observation_space)?;
        let spec = ModelSpec {
            name,
            latent_dim: observation_space.flat_dim(),
            observation_space,
            action_space: space::read(action_space)?,
            members,
            constraints: 0,
            deterministic,
            capabilities: Capabilities { value: has_value, decode: true, ..Capabilities::default() },
        };
        let model = Dynamics::new(spec.clone(), dynamics, discount, failures.clone());
        Ok(Self {
            held: Mutex::new(Arc::new(model)),
            recipe: None,
            failures,
            spec,
            discount,
            fits: Mutex::new(1),
            unpaid: AtomicBool::new(false),
        })
    }

    /// Learns from transitions, starting from what was learned before.
    #[pyo3(signature = (*, data, seed))]
    fn fit<'py>(&self, py: Python<'py>, data: &Dataset, seed: Seed) -> PyResult<Bound<'py, PyDict>> {
        let recipe = self.recipe(py, "fitting from here")?;
        let before = self.shared(py);
        let mut fits = locked(py, &self.fits);
        let interrupts = Interrupts::default();
        let interrupt = interrupts.interrupt();
        let spaces = (&self.spec.observation_space, &self.spec.action_space);
        let taken = data.within("the model", spaces.0, spaces.1).or_raise(py)?;
        let fitted = pool::long(py, &interrupts, || {
            // Planners may hold the model as it is, so the fit is made on a copy.
            let mut model = recipe.build()?;
            if *fits > 0 {
                model.restore(&before.save())?;
            }
            let mut rng = Key::new(seed.0).fold(*fits).rng();
            let report = model.fit(&taken, &mut rng, &interrupt)?;
            Ok((model, report))
        })?;
        let (model, report) = interrupts.settle(self.failures.settle(py, fitted))?;
        self.replace(py, model);
        *fits += 1;
        self.unpaid.store(!data.rewarded && recipe.context.reward.is_none(), Ordering::Relaxed);
        let answer = PyDict::new(py);
        answer.set_item("epochs", report.epochs)?;
        answer.set_item("training_loss", report.training_loss)?;
        answer.set_item("holdout_mse", report.holdout_mse)?;
        answer.set_item("note", report.note)?;
        Ok(answer)
    }

    /// What it is: name, members, whether deterministic, what it gives, and the settings that were chosen for it.
    fn about<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let about = PyDict::new(py);
        about.set_item("name", &self.spec.name)?;
        about.set_item("members", self.spec.members)?;
        about.set_item("deterministic", self.spec.deterministic)?;
        about.set_item("has_value", self.spec.capabilities.value)?;
        about.set_item("has_prior", self.spec.capabilities.prior)?;
        about.set_item("observation_dim", self.spec.observation_space.flat_dim())?;
        about.set_item("action_dim", self.spec.action_space.flat_dim())?;
        about.set_item("fitted", *locked(py, &self.fits) > 0)?;
        about.set_item("rewarded", !self.unpaid.load(Ordering::Relaxed))?;
        about.set_item("discount", self.discount)?;
        let overrides = PyDict::new(py);
        if let Some(recipe) = &self.recipe {
            for (name, setting) in &recipe.overrides {
                overrides.set_item(name, settings::write(py, setting)?)?;
            }
        }
        about.set_item("settings", overrides)?;
        Ok(about)
    }

    /// What it observes, as Gymnasium's.
    #[getter]
    fn observation_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, &self.spec.observation_space)
    }

    /// What it can be told to do, as Gymnasium's.
    #[getter]
    fn action_space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        space::write(py, &self.spec.action_space)
    }

    /// An arena of `rows` rows to imagine in.
    fn imagination(&self, py: Python<'_>, rows: usize) -> Arenas {
        let arena = world(&self.shared(py), rows);
        let imagined = Imagined::new(&self.spec, rows);
        Arenas {
            state: Mutex::new(State { arena, imagined, took: Took::default() }),
            spec: self.spec.clone(),
            rows,
            failures: self.failures.clone(),
        }
    }

    /// Writes what was learned, as safetensors.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.recipe(py, "saving")?;
        let model = self.shared(py);
        let mut state = model.save();
        if self.unpaid.load(Ordering::Relaxed) {
            state.put(UNPAID, Array::U8(vec![1]));
        }
        py.detach(|| write_state(&path, &state)).or_raise(py)
    }

    /// Takes up what [`save`](Self::save) wrote.
    fn restore(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let recipe = self.recipe(py, "loading")?;
        let restored = py.detach(|| {
            let mut model = recipe.build()?;
            let state = read_state(&path)?;
            model.restore(&state)?;
            Ok((model, state.contains(UNPAID)))
        });
        let (model, unpaid) = self.failures.settle(py, restored)?;
        self.replace(py, model);
        self.unpaid.store(unpaid, Ordering::Relaxed);
        *locked(py, &self.fits) += 1;
        Ok(())
    }

    /// The arrays of what was learned, by name.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arrays = PyDict::new(py);
        for (name, array) in self.shared(py).save().iter() {
            let array = match array {
                Array::F64(shape, numbers) => shaped(py, numbers.clone(), shape)?,
                Array::F32(shape, numbers) => {
                    use numpy::{PyArray1, PyArrayMethods};
                    PyArray1::from_slice(py, numbers).reshape(shape.clone())?.into_any()
                }
                Array::U64(numbers) => numpy::PyArray1::from_slice(py, numbers).into_any(),
                Array::U8(bytes) => numpy::PyArray1::from_slice(py, bytes).into_any(),
            };
            arrays.set_item(name, array)?;
        }
        Ok(arrays)
    }
}

struct State {
    arena: World,
    imagined: Imagined,
    took: Took,
}

/// Rows of a model's own latents, stepped together. Each row carries the model's members side by side.
#[pyclass(frozen, name = "Imagination", module = "worldwright._native")]
pub(crate) struct Arenas {
    state: Mutex<State>,
    spec: ModelSpec,
    rows: usize,
    failures: Failures,
}

#[pymethods]
impl Arenas {
    /// Sets a row to the belief after an observation.
    fn observe(&self, py: Python<'_>, row: usize, observation: &Bound<'_, PyAny>, seed: Seed) -> PyResult<()> {
        self.check(py, row)?;
        let what = format!("the observation of row {row}");
        let observation = observed::read(&self.spec.observation_space, observation, &what)?;
        let mut state = locked(py, &self.state);
        let seen = state.arena.with_dependent_mut(|_, arena| arena.observe(row, None, &observation, Key::new(seed.0)));
        self.failures.settle(py, seen)
    }

    /// Copies a row into another.
    fn copy(&self, py: Python<'_>, source: usize, target: usize) -> PyResult<()> {
        self.check(py, source.max(target))?;
        let mut state = locked(py, &self.state);
        state.arena.with_dependent_mut(|_, arena| arena.copy(source, Rows::Span(target..target + 1)));
        Ok(())
    }

    /// Advances the first rows by one action each; gives reward, continuation and epistemic spread, all (members, rows).
    fn step<'py>(&self, py: Python<'py>, actions: &Bound<'_, PyAny>, seed: Seed) -> PyResult<Bound<'py, PyAny>> {
        let actions = array::actions(&self.spec.action_space, actions)?;
        let rows = actions.actions().rows();
        self.check(py, rows.max(1) - 1)?;
        let mut state = locked(py, &self.state);
        let State { arena, imagined, took } = &mut *state;
        let interrupts = Interrupts::default();
        let stepped = took.run(py, &interrupts, || {
            imagined.begin(rows);
            let span = || Rows::Span(0..rows);
            arena.with_dependent_mut(|_, arena| {
                arena.step(span(), actions.actions(), span(), Key::new(seed.0), imagined)
            })
        })?;
        interrupts.settle(self.failures.settle(py, stepped))?;
        let shape = [self.spec.members, rows];
        let answer = [&imagined.reward, &imagined.continuation, &imagined.epistemic]
            .map(|numbers| shaped(py, numbers.clone(), &shape));
        let [reward, continuation, epistemic] = answer;
        Ok((reward?, continuation?, epistemic?).into_pyobject(py)?.into_any())
    }

    /// The flat observations that the first `rows` rows predict, (members, rows, O).
    fn decode<'py>(&self, py: Python<'py>, rows: usize) -> PyResult<Bound<'py, PyAny>> {
        self.check(py, rows.max(1) - 1)?;
        let dims = self.spec.observation_space.flat_dim();
        let mut flat = vec![0.0; self.spec.members * rows * dims];
        let state = locked(py, &self.state);
        for (place, out) in flat.chunks_exact_mut(dims.max(1)).enumerate() {
            state.arena.with_dependent(|_, arena| arena.decode(place % rows, place / rows, out)).or_raise(py)?;
        }
        shaped(py, flat, &[self.spec.members, rows, dims])
    }
}

impl Arenas {
    fn check(&self, py: Python<'_>, row: usize) -> PyResult<()> {
        if row < self.rows {
            return Ok(());
        }
        Err(raise(py, &worldwright_core::Error::shape("rows of the arena", &[self.rows], &[row + 1])))
    }
}
