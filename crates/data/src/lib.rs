//! What happened: the episode store, replay sampling, normalisers, import and export.
//!
//! - [`EpisodeWriter`] appends episodes to a folder and [`EpisodeStore`] reads them; [`Position`] is where a resumed run cuts
//!   back to.
//! - [`Replay`] holds what was experienced in memory, for those who learn from it.
//! - [`Normaliser`] keeps running means and standard deviations.
//! - [`COLUMNS`], [`resolve`] and [`flag_of_text`] are the rules by which tables of any origin become episodes, and [`Arrays`] a table that a
//!   program holds.
//! - [`arranged`] matches the parts of recorded data with those of whoever takes them up, by name.
//! - [`shape_fits`] says which arrays are elements of a space.
//! - [`write_whole`] and [`make_whole`] let files and folders appear whole or not at all.
//! - [`import`], [`export`] and [`inspect`] stand behind `worldwright data`; [`FORMATS`] lists what they read and write.

mod episode;
mod episodes_held;
mod exact;
mod formats;
mod limits;
mod named;
mod normaliser;
mod replay;
mod shapes;
mod sink;
mod space_json;
mod spelling;
mod store;
mod table;
mod whole;

pub use episode::Episode;
pub use formats::{
    FORMATS, Format, Inspection, export, export_until, format_of, fuzz_reader, import, import_as, inspect,
    interrupted_reader,
};
pub use named::{Arrangement, Elements, Named, arranged, note_names, recorded_names};
pub use normaliser::Normaliser;
pub use replay::Replay;
pub use shapes::shape_fits;
pub use space_json::{space_from_json, space_to_json};
pub use store::{
    Damage, EpisodeStore, EpisodeSummary, EpisodeWriter, Header, Position, Precision, Recovery, WriterOptions,
};
pub use table::{
    Arrays, Asked, COLUMNS, ColumnNames, Ended, Flag, Items, Known, Part, Quantity, Resolved, Transitions,
    episode_ends, flag_of_number, flag_of_text, name_of, nearest_name, resolve,
};
pub use whole::{is_part, make_whole, sync_folder, write_whole};
