//! Frames: the messages of an Arrow IPC stream, found and checked without trusting a single byte of them.
//!
//! A message is `FF FF FF FF`, a 32-bit length of its metadata, the metadata (a flatbuffer) and a body whose length the
//! metadata tells. Source: Arrow columnar format, "Encapsulated message format". The Arrow decoder itself is called only on
//! messages whose nodes and buffers have been checked to lie within the file.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{MessageHeader, MetadataVersion};
use arrow_schema::{Schema, SchemaRef};
use worldwright_core::{Error, Result};

/// What a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Schema,
    Batch,
}

/// A whole message in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) offset: usize,
    pub(crate) len: usize,
    /// Where the body begins, from the start of the buffer.
    body: usize,
}

/// Why no whole message stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The stream ends there, as it should.
    End,
    /// The bytes stop before the message does.
    Cut,
    /// The bytes are not a message that a store holds.
    Foreign(String),
}

/// The message at `offset`.
pub(crate) fn frame_at(bytes: &[u8], offset: usize) -> std::result::Result<Frame, NoFrame> {
    let rest = bytes.get(offset..).unwrap_or_default();
    if rest.is_empty() {
        return Err(NoFrame::End);
    }
    let Some(prefix) = rest.get(..8) else { return Err(NoFrame::Cut) };
    if prefix[..4] != [0xFF; 4] {
        return Err(NoFrame::Foreign("no Arrow message begins there".into()));
    }
    let metadata_len = u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]) as usize;
    if metadata_len == 0 {
        return Err(NoFrame::End);
    }
    let Some(metadata) = rest.get(8..8 + metadata_len) else { return Err(NoFrame::Cut) };
    let message =
        arrow_ipc::root_as_message(metadata).map_err(|e| NoFrame::Foreign(format!("its metadata is damaged: {e}")))?;
    let kind = match message.header_type() {
        MessageHeader::Schema => Kind::Schema,
        MessageHeader::RecordBatch => Kind::Batch,
        other => {
            return Err(NoFrame::Foreign(format!(
                "a message of kind {} does not belong in a store",
                other.variant_name().unwrap_or("unknown")
            )));
        }
    };
    let body_len =
        usize::try_from(message.bodyLength()).map_err(|_| NoFrame::Foreign("its body has a negative length".into()))?;
    match (8 + metadata_len).checked_add(body_len) {
        Some(len) if len <= rest.len() => Ok(Frame { kind, offset, len, body: offset + 8 + metadata_len }),
        _ => Err(NoFrame::Cut),
    }
}

/// The schema that a frame holds.
pub(crate) fn decode_schema(bytes: &[u8], frame: Frame) -> Result<Schema> {
    guarded(|| {
        let message =
            arrow_ipc::root_as_message(&bytes[frame.offset + 8..frame.body]).map_err(|e| bad(e.to_string()))?;
        let schema = message.header_as_schema().ok_or_else(|| bad("a schema was expected".into()))?;
        arrow_ipc::convert::try_fb_to_schema(schema).map_err(|e| bad(e.to_string()))
    })
}

/// The batch that a frame holds, its arrays lying in `buffer` itself wherever they are aligned.
pub(crate) fn decode_batch(buffer: &Buffer, frame: Frame, schema: &SchemaRef) -> Result<RecordBatch> {
    guarded(|| {
        let bytes = buffer.as_slice();
        let message =
            arrow_ipc::root_as_message(&bytes[frame.offset + 8..frame.body]).map_err(|e| bad(e.to_string()))?;
        let batch = message.header_as_record_batch().ok_or_else(|| bad("a batch was expected".into()))?;
        let body = frame.offset + frame.len - frame.body;
        if batch.compression().is_some() {
            return Err(Error::unsupported(
                "the episode store",
                "compressed Arrow bodies; write them without compression",
            ));
        }
        let rows = batch.length();
        if rows < 0 || rows > i64::from(u32::MAX) {
            return Err(bad(format!("a batch claims {rows} rows")));
        }
        for node in batch.nodes().iter().flat_map(|nodes| nodes.iter()) {
            if node.length() < 0 || node.null_count() < 0 || node.null_count() > node.length() {
                return Err(bad("a column has an impossible length".into()));
            }
            // No column's row takes less than a bit, so a longer one cannot be told by this body.
            if node.length() as usize > body.saturating_mul(8) {
                return Err(bad("a column is longer than its message".into()));
            }
        }
        for part in batch.buffers().iter().flat_map(|buffers| buffers.iter()) {
            let within = part.offset() >= 0
                && part.length() >= 0
                && part.offset().checked_add(part.length()).is_some_and(|end| end as u64 <= body as u64);
            if !within {
                return Err(bad("a column lies outside its message".into()));
            }
        }
        let body = buffer.slice_with_length(frame.body, body);
        let none = HashMap::new();
        arrow_ipc::reader::read_record_batch(&body, batch, Arc::clone(schema), &none, None, &MetadataVersion::V5)
            .map_err(|e| bad(e.to_string()))
    })
}

/// Runs a decoder that others wrote so that a panic in it on damaged bytes is an error here.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(bad("the bytes are damaged in a way that no decoder foresaw".into())))
}

fn bad(why: String) -> Error {
    Error::external("Arrow message", why)
}
