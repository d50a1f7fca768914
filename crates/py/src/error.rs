//! The one map of errors: each variant of [`Error`] has its class in `worldwright.errors`, and what Python itself raised within a
//! call stays its cause.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use worldwright_core::Error;

/// Python exceptions on their way through code that knows no Python: they leave as an [`Error`] and are found again here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failures {
    kept: Arc<Mutex<Option<(Error, PyErr)>>>,
}

impl Failures {
    /// Keeps an exception, the first of a call, and gives the error that stands for it.
    pub(crate) fn keep(&self, py: Python<'_>, who: &str, raised: PyErr) -> Error {
        let error = Error::external(who.to_owned(), said(py, &raised));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = Some((error.clone(), raised.clone_ref(py)));
        }
        error
    }

    /// The error that stands for what is kept, if there is something.
    pub(crate) fn standing(&self) -> Option<Error> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(error, _)| error.clone())
    }

    /// What a call gives to Python: its result, or its error, caused by what Python raised within.
    pub(crate) fn settle<T>(&self, py: Python<'_>, result: Result<T, Error>) -> PyResult<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (error, cause) = match (result, kept) {
            (Ok(value), None) => return Ok(value),
            // An interrupt within a user's function is not the function's fault.
            (_, Some((_, raised))) if !raised.is_instance_of::<PyException>(py) => return Err(raised),
            // Where a function cannot report an error, it marks its rows and leaves the exception here.
            (Ok(_), Some((error, raised))) => (error, Some(raised)),
            // What came of the marked rows is no news beside the exception; an error that tells of it itself says where.
            (Err(error), Some((kept, raised))) => {
                (if matches!(error, Error::External { .. }) { error } else { kept }, Some(raised))
            }
            (Err(error), None) => (error, None),
        };
        let raised = raise(py, &error);
        raised.set_cause(py, cause);
        Err(raised)
    }
}

/// Whether an exception is one of the package's own.
pub(crate) fn is_own(py: Python<'_>, raised: &PyErr) -> bool {
    let own = py.import("worldwright.errors").and_then(|errors| errors.getattr("WorldwrightError"));
    own.is_ok_and(|own| raised.matches(py, own).unwrap_or(false))
}

/// What an exception says: the words alone where they are the package's own, which name the place.
fn said(py: Python<'_>, raised: &PyErr) -> String {
    if is_own(py, raised) { raised.value(py).to_string() } else { format!("raised {raised}") }
}

/// What messages say in the words of the command line, and what a Python program says for it.
const WORDS: &[(&str, &str)] = &[
    ("--resume", "resume=True"),
    ("--run-dir", "run_dir"),
    ("--environment ENV", "environment=…"),
    (" (on the command line --data)", ""),
    (" (worldwright data import --columns reward=COLUMN)", " (`worldwright.data.read(…, columns={\"reward\": …})`)"),
    ("`worldwright envs`", "`worldwright.environments()`"),
    ("`worldwright collect`", "`worldwright.collect`"),
];

/// A message with the arguments of Python's functions in place of the command line's.
fn in_python(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |message, (shell, python)| message.replace(shell, python))
}

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Shape { .. } => "ShapeError",
        Error::NotInSpace { .. } => "SpaceError",
        Error::Unsupported { .. } => "UnsupportedError",
        Error::NotFitted { .. } => "NotFittedError",
        Error::Diverged { .. } => "DivergedError",
        Error::Config { .. } => "ConfigError",
        Error::Unknown { .. } => "UnknownNameError",
        _ => "ExternalError",
    };
    exception(py, class, in_python(&error.to_string()))
}

/// An exception of a class in `worldwright.errors`.
pub(crate) fn exception(py: Python<'_>, class: &str, message: impl Display) -> PyErr {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let found = ERRORS
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("worldwright.errors")?.unbind()))
        .and_then(|errors| errors.bind(py).getattr(class))
        .and_then(|class| class.cast_into::<PyType>().map_err(PyErr::from));
    match found {
        Ok(class) => PyErr::from_type(class, message.to_string()),
        Err(error) => error,
    }
}

/// Which of the known names a name may be a slip of, as in every error about a name.
#[pyfunction]
pub(crate) fn nearest_name(given: &str, known: Vec<String>) -> Option<String> {
    match Error::unknown("name", given, known.iter().map(String::as_str)) {
        Error::Unknown { nearest, .. } => nearest,
        _ => None,
    }
}

/// A configuration error, for what the conversions themselves refuse.
pub(crate) fn refuse(py: Python<'_>, message: impl Display) -> PyErr {
    exception(py, "ConfigError", message)
}

/// Results of the science rooms, as Python wants them.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception for the error.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}
