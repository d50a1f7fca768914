//! The Python skin: conversions between Python's objects and the project's traits, and one map of errors.
//!
//! What a Python user holds stands in `python/worldwright`; this crate is its module `_native`. Python objects become traits
//! (`environment`, `callable`, `guided`), arrays go in and out (`array`, `value`, `observed`, `space`, `data`, `store`, `tables`), and classes
//! hold what lives in Rust (`model`, `planner`, `agent`, `named`). Notebooks show cards of the report (`report`). No science stands here.
//!
//! The interpreter's lock is given up in every call that may take long (`pool`), and taken again for each call into Python; signals are
//! heard meanwhile (`interrupts`).

mod agent;
mod array;
mod branch;
mod callable;
mod catalogue;
mod data;
mod design;
mod environment;
mod error;
mod guided;
mod interrupts;
mod learn;
mod model;
mod named;
mod observed;
mod planner;
mod pool;
mod report;
mod seed;
mod settings;
mod space;
mod store;
mod study;
mod tables;
mod value;

use pyo3::prelude::*;

/// The native half of `worldwright`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::agent::Agent;
    #[pymodule_export]
    use crate::branch::branch;
    #[pymodule_export]
    use crate::catalogue::catalogue;
    #[pymodule_export]
    use crate::data::Dataset;
    #[pymodule_export]
    use crate::design::{design, explore};
    #[pymodule_export]
    use crate::error::nearest_name;
    #[pymodule_export]
    use crate::learn::{default_run_folder, learn};
    #[pymodule_export]
    use crate::model::{Arenas, Model};
    #[pymodule_export]
    use crate::named::Environment;
    #[pymodule_export]
    use crate::planner::Planner;
    #[pymodule_export]
    use crate::report::{evaluation_card, run_card};
    #[pymodule_export]
    use crate::settings::utf8_text;
    #[pymodule_export]
    use crate::space::{channel_names, shape_fits};
    #[pymodule_export]
    use crate::store::{
        arranged_rows, data_format_of, data_formats, export_data, import_data, read_store, write_store,
    };
    #[pymodule_export]
    use crate::study::{Studied, study};
    #[pymodule_export]
    use crate::tables::{column_names, episode_ends, read_flags, read_table, resolve_columns, spanned_space};

    #[pymodule_init]
    fn init(module: &super::Bound<'_, super::PyModule>) -> super::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        crate::pool::settle_in();
        worldwright_runs::know_the_machine();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
