//! Recorded episodes: a run's own store as arrays and back, and the other formats that `worldwright_data` reads and writes.

use std::path::PathBuf;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use worldwright_core::{ElementType, Error, Interrupt, Result, Space, Step, Value};
use worldwright_data::{
    self as data, Episode, EpisodeStore, EpisodeWriter, FORMATS, Header, Named, Quantity, WriterOptions,
};

use crate::array::shaped;
use crate::error::{OrRaise, exception};
use crate::interrupts::Interrupts;
use crate::seed::Seed;
use crate::{pool, space, value};

/// Names of the formats that [`import_data`] reads and [`export_data`] writes.
#[pyfunction]
pub(crate) fn data_formats() -> Vec<&'static str> {
    FORMATS.iter().map(|entry| entry.name).collect()
}

/// Which of the formats a file or folder is of; none for an episode store and for all else.
#[pyfunction]
pub(crate) fn data_format_of(path: PathBuf) -> Option<&'static str> {
    data::format_of(&path)
}

/// Imports a data set into a new episode store in the folder `out`. `columns` are pairs of a known name and what the column is called.
#[pyfunction]
#[pyo3(signature = (path, format, out, *, columns = Vec::new()))]
pub(crate) fn import_data(
    py: Python<'_>,
    path: PathBuf,
    format: &str,
    out: PathBuf,
    columns: Vec<(String, String)>,
) -> PyResult<()> {
    let names = data::ColumnNames::new(columns).or_raise(py)?;
    heard(py, |interrupt| data::import_as(&path, format, &names, &out, interrupt))
}

/// Exports the episode store in the folder `path` to `out`, which must not exist.
#[pyfunction]
pub(crate) fn export_data(py: Python<'_>, path: PathBuf, format: &str, out: PathBuf) -> PyResult<()> {
    heard(py, |interrupt| data::export_until(&path, format, &out, interrupt))
}

/// Work without the interpreter's lock that ends at what a signal's handler raises.
fn heard(py: Python<'_>, work: impl FnOnce(&Interrupt) -> Result<()> + Send) -> PyResult<()> {
    let interrupts = Interrupts::default();
    let interrupt = interrupts.interrupt();
    let done = pool::long(py, &interrupts, || work(&interrupt))?;
    interrupts.settle(done.or_raise(py))
}

/// A column of elements of one space, as they lie in arrays.
enum Column {
    /// Flat numbers of whatever there is.
    Floats(Vec<f64>),
    /// Images and other boxes of bytes.
    Bytes(Vec<u8>),
    /// Choices in the space's own numbers.
    Choices(Vec<i64>),
}

impl Column {
    fn of(space: &Space) -> Self {
        match space {
            Space::Box { element: ElementType::U8, .. } => Self::Bytes(Vec::new()),
            Space::Discrete { .. } => Self::Choices(Vec::new()),
            _ => Self::Floats(Vec::new()),
        }
    }

    fn push(&mut self, space: &Space, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Bytes(bytes), Value::Bytes(more)) => bytes.extend_from_slice(more),
            (Self::Choices(choices), Value::Integer(choice)) => choices.push(*choice),
            (Self::Floats(numbers), value) => {
                let start = numbers.len();
                numbers.resize(start + space.flat_dim(), 0.0);
                space.flatten(value, &mut numbers[start..])?;
            }
            _ => return Err(Error::external("episode store", "a row does not fit the space in its header")),
        }
        Ok(())
    }

    /// `[rows][dims]`, or `[rows]` choices.
    fn array<'py>(self, py: Python<'py>, dims: usize) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Floats(numbers) => {
                let rows = numbers.len() / dims.max(1);
                shaped(py, numbers, &[rows, dims])
            }
            Self::Bytes(bytes) => {
                let rows = bytes.len() / dims.max(1);
                Ok(PyArray1::from_vec(py, bytes).reshape([rows, dims])?.into_any())
            }
            Self::Choices(choices) => Ok(PyArray1::from_vec(py, choices).into_any()),
        }
    }
}

/// Episodes one after another as columns, of which each episode has one observation more than actions.
pub(crate) struct Gathered {
    observations: Column,
    actions: Column,
    rewards: Vec<f64>,
    lengths: Vec<usize>,
    seeds: Vec<Option<u64>>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

impl Gathered {
    /// None yet, of these spaces.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            observations: Column::of(&header.observation_space),
            actions: Column::of(&header.action_space),
            rewards: Vec::new(),
            lengths: Vec::new(),
            seeds: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
        }
    }

    /// One more.
    ///
    /// # Errors
    /// `Error::NotInSpace` for elements that are none of the header's spaces.
    pub(crate) fn add(&mut self, header: &Header, episode: &Episode) -> Result<()> {
        for observation in &episode.observations {
            self.observations.push(&header.observation_space, observation)?;
        }
        for action in &episode.actions {
            self.actions.push(&header.action_space, action)?;
        }
        self.rewards.extend_from_slice(&episode.rewards);
        self.lengths.push(episode.steps());
        self.seeds.push(episode.seed);
        self.terminated.push(episode.terminated);
        self.truncated.push(episode.truncated);
        Ok(())
    }

    /// All of it by name.
    pub(crate) fn answer<'py>(self, py: Python<'py>, header: &Header) -> PyResult<Bound<'py, PyDict>> {
        let answer = PyDict::new(py);
        answer.set_item("environment", &header.environment)?;
        answer.set_item("seed", header.seed)?;
        answer.set_item("versions", header.versions.clone())?;
        answer.set_item("notes", header.notes.clone())?;
        let [observation_names, action_names] = data::recorded_names(header);
        answer.set_item("observation_names", observation_names)?;
        answer.set_item("action_names", action_names)?;
        answer.set_item("observation_space", space::write(py, &header.observation_space)?)?;
        answer.set_item("action_space", space::write(py, &header.action_space)?)?;
        answer.set_item("observations", self.observations.array(py, header.observation_space.flat_dim())?)?;
        answer.set_item("actions", self.actions.array(py, header.action_space.flat_dim())?)?;
        answer.set_item("rewards", PyArray1::from_vec(py, self.rewards))?;
        answer.set_item("lengths", self.lengths)?;
        answer.set_item("seeds", self.seeds)?;
        answer.set_item("terminated", self.terminated)?;
        answer.set_item("truncated", self.truncated)?;
        Ok(answer)
    }
}

/// Reads the episode store in a folder: spaces, and the columns of all episodes one after another, of which each has one
/// observation more than actions.
#[pyfunction]
pub(crate) fn read_store(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let interrupts = Interrupts::default();
    let interrupt = interrupts.interrupt();
    let read = pool::long(py, &interrupts, || -> Result<_> {
        let store = EpisodeStore::open(&path)?;
        let mut gathered = Gathered::of(store.header());
        for i in 0..store.episodes().len() {
            interrupt.check("reading episodes")?;
            gathered.add(store.header(), &store.episode(i)?)?;
        }
        Ok((gathered, store))
    })?;
    let (gathered, store) = interrupts.settle(read.or_raise(py))?;
    gathered.answer(py, store.header())
}

/// Rows `[N][given]` of a space with named parts as those of another, `[N][wanted]`, matched by name.
#[pyfunction]
pub(crate) fn arranged_rows<'py>(
    py: Python<'py>,
    what: &str,
    rows: &Bound<'_, PyAny>,
    given: &Bound<'_, PyAny>,
    wanted: &Bound<'_, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (given, wanted) = (space::read(given)?, space::read(wanted)?);
    let named = |space| Named { space, names: None };
    let made = data::Arrangement::new(what, "the data", named(&given), "the space", named(&wanted)).or_raise(py)?;
    let rows = crate::array::batch(what, rows, given.flat_dim())?;
    let Some(made) = made else {
        let error = Error::shape(what.to_owned(), &[wanted.flat_dim()], &[given.flat_dim()]);
        return Err(crate::error::raise(py, &error));
    };
    let (mut row, mut out, mut all) = (vec![0.0; given.flat_dim()], Vec::new(), Vec::new());
    for i in 0..rows.rows() {
        rows.columns().copy_row(i, &mut row);
        made.apply(&row, &mut out).or_raise(py)?;
        all.extend_from_slice(&out);
    }
    shaped(py, all, &[rows.rows(), wanted.flat_dim()])
}

/// Writes a new episode store. `episodes` gives one tuple an episode: T + 1 observations, T actions and T rewards as iterables, whether
/// it terminated, whether it was truncated, and the seed of its reset or none.
#[pyfunction]
#[pyo3(signature = (*, path, environment, observation_space, action_space, seed, episodes, observation_names = None, action_names = None))]
#[expect(clippy::too_many_arguments, reason = "the keyword arguments of the one function that calls it")]
pub(crate) fn write_store(
    py: Python<'_>,
    path: PathBuf,
    environment: String,
    observation_space: &Bound<'_, PyAny>,
    action_space: &Bound<'_, PyAny>,
    seed: Seed,
    episodes: &Bound<'_, PyAny>,
    observation_names: Option<Vec<String>>,
    action_names: Option<Vec<String>>,
) -> PyResult<()> {
    let (observed, done) = (space::read(observation_space)?, space::read(action_space)?);
    let mut header = Header::new(environment, observed.clone(), done.clone(), seed.0);
    for (quantity, names) in [(Quantity::Observation, observation_names), (Quantity::Action, action_names)] {
        if let Some(names) = names {
            data::note_names(&mut header, quantity, &names);
        }
    }
    let mut writer = EpisodeWriter::create(&path, &header, WriterOptions::default()).or_raise(py)?;
    for episode in episodes.try_iter()? {
        let episode = episode?.cast_into::<PyTuple>().map_err(PyErr::from)?;
        let part = |place: usize| episode.get_item(place);
        let (terminated, truncated): (bool, bool) = (part(3)?.extract()?, part(4)?.extract()?);
        let short = || exception(py, "ShapeError", "an episode has T actions and rewards, and T + 1 observations");
        let (mut observations, mut rewards) = (part(0)?.try_iter()?, part(2)?.try_iter()?);
        let first = observations.next().ok_or_else(short)??;
        writer
            .start_episode(&value::read(&observed, &first, "the first observation")?, part(5)?.extract()?)
            .or_raise(py)?;
        let mut actions = part(1)?.try_iter()?.peekable();
        while let Some(action) = actions.next() {
            let last = actions.peek().is_none();
            let step = Step {
                observation: value::read(&observed, &observations.next().ok_or_else(short)??, "an observation")?,
                reward: rewards.next().ok_or_else(short)??.extract()?,
                terminated: terminated && last,
                truncated: truncated && last,
            };
            writer.step(&value::read(&done, &action?, "an action")?, &step).or_raise(py)?;
        }
        if observations.next().is_some() || rewards.next().is_some() {
            return Err(short());
        }
    }
    writer.close().or_raise(py)?;
    Ok(())
}
