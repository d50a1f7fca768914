//! Episodes on disk: a folder of Arrow IPC stream segments and an index with a checksum for every batch.
//!
//! ```text
//! segment-000000.arrows   Arrow IPC stream: schema (with the header), then batches; any Arrow reader opens it
//! segment-000001.arrows   the next one, once the one before is large
//! writer.lock             empty; locked while a writer is at work
//! index.txt               one line a batch: segment, offset, length, rows, CRC-32; can be rebuilt
//! ```
//!
//! Rows are laid out so that each is complete when it happens (`layout.rs`), and go out in batches; a file cut anywhere
//! loses the batches that the cut runs through or past, and opening says so ([`Recovery`]).

mod columns;
mod frames;
mod header;
mod index;
pub(crate) mod layout;
mod lock;
mod medium;
mod position;
mod reader;
mod recovery;
mod writer;

pub use header::{Header, Precision};
pub use position::Position;
pub use reader::{EpisodeStore, EpisodeSummary};
pub use recovery::{Damage, Recovery};
pub use writer::{EpisodeWriter, WriterOptions};

pub(crate) use columns::{Column, arrow, numbers_of, value_at};
pub(crate) use frames::{Kind, decode_batch, decode_schema, frame_at, guarded};
pub(crate) use layout::io;
