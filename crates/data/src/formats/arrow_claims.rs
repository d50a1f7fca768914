//! What the messages of an Arrow file or stream claim to hold once unpacked, found without trusting a single byte of them, so that the
//! Arrow decoder is called only on messages that lie within the bytes that are there and fit into memory.
//!
//! A stream is one message after another; a file tells in its footer where its messages stand. Source: Arrow columnar format, "IPC
//! Streaming Format" and "IPC File Format".

use arrow_ipc::MessageHeader;
use worldwright_core::{Error, Result};

use super::packed;
use crate::limits;
use crate::store::guarded;

/// The bytes that what the messages of a file claim takes, episodes of it included.
pub(super) fn of_file(bytes: &[u8]) -> Result<u128> {
    guarded(|| {
        // A length of 32 bits and the magic again stand at the end.
        let end = bytes.len().checked_sub(10).filter(|_| bytes.ends_with(b"ARROW1"));
        let end = end.ok_or_else(|| bad("is cut: it lacks its end"))?;
        let length = bytes[end..].first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
        let footer = end.checked_sub(length).map(|start| &bytes[start..end]).ok_or_else(|| bad("has a damaged end"))?;
        let footer = arrow_ipc::root_as_footer(footer).map_err(|error| bad(format!("has a damaged end: {error}")))?;
        let mut claimed = 0;
        for block in footer.dictionaries().iter().chain(footer.recordBatches().iter()).flat_map(|blocks| blocks.iter())
        {
            let part = |n: i64| usize::try_from(n).ok();
            let (start, head) = (part(block.offset()), part(i64::from(block.metaDataLength())));
            let span = start.zip(head).zip(part(block.bodyLength())).and_then(|((start, head), body)| {
                let rest = bytes.get(start..)?;
                Some((rest.get(..head)?, rest.get(head..head.checked_add(body)?)?))
            });
            let (head, body) = span.ok_or_else(|| bad("tells of a part beyond its end"))?;
            // Older writers put no mark before the length.
            let skip = if head.starts_with(&[0xFF; 4]) { 8 } else { 4 };
            claimed += of_message(head.get(skip..).unwrap_or_default(), body)?;
        }
        Ok(claimed)
    })
}

/// Where the messages of a stream end, and the bytes that what they claim takes.
pub(super) fn of_stream(bytes: &[u8]) -> Result<(usize, u128)> {
    guarded(|| {
        let (mut at, mut claimed) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let prefix = rest.first_chunk::<8>().filter(|prefix| prefix[..4] == [0xFF; 4]);
            let prefix = prefix.ok_or_else(|| bad("is damaged"))?;
            let head = u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]) as usize;
            if head == 0 {
                break;
            }
            let metadata = rest.get(8..8 + head).ok_or_else(|| bad("is cut"))?;
            let message = arrow_ipc::root_as_message(metadata).map_err(|error| bad(format!("is damaged: {error}")))?;
            let len = usize::try_from(message.bodyLength()).ok().and_then(|len| len.checked_add(8 + head));
            let body = len.and_then(|len| rest.get(8 + head..len)).ok_or_else(|| bad("is cut"))?;
            claimed += of_message(metadata, body)?;
            at += 8 + head + body.len();
        }
        Ok((at, claimed))
    })
}

fn of_message(metadata: &[u8], body: &[u8]) -> Result<u128> {
    let message = arrow_ipc::root_as_message(metadata).map_err(|error| bad(format!("is damaged: {error}")))?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|of| of.data()),
        _ => None,
    };
    batch.map_or(Ok(0), |batch| of_batch(&batch, body))
}

fn of_batch(batch: &arrow_ipc::RecordBatch<'_>, body: &[u8]) -> Result<u128> {
    packed::arrow(batch)?;
    let rows = batch.length();
    if rows < 0 || rows > i64::from(u32::MAX) {
        return Err(bad(format!("claims {rows} rows in a batch")));
    }
    for node in batch.nodes().iter().flat_map(|nodes| nodes.iter()) {
        if node.length() < 0 || node.null_count() < 0 || node.null_count() > node.length() {
            return Err(bad("has a column of an impossible length"));
        }
    }
    let mut claimed = 0;
    for part in batch.buffers().iter().flat_map(|buffers| buffers.iter()) {
        let span = usize::try_from(part.offset()).ok().zip(usize::try_from(part.length()).ok());
        let span = span.and_then(|(start, len)| body.get(start..start.checked_add(len)?));
        let own = span.ok_or_else(|| bad("has a column that lies outside its message"))?;
        let packed = batch.compression().is_some();
        claimed += match own.first_chunk::<8>().filter(|_| packed) {
            // A compressed buffer begins with its length unpacked; -1 stands before one that is not compressed.
            Some(length) => u128::try_from(i64::from_le_bytes(*length)).unwrap_or(own.len() as u128),
            None => own.len() as u128,
        };
    }
    // No column's row takes less than a bit, so a longer one cannot be told by these bytes.
    let longest = batch.nodes().iter().flat_map(|nodes| nodes.iter()).map(|node| node.length()).fold(rows, i64::max);
    if longest as u128 > claimed.max(body.len() as u128).saturating_mul(8) {
        return Err(bad(format!("has a column of {longest} rows, but no bytes for them")));
    }
    // As Arrow's, as columns, and as episodes, in which a number takes eight bytes and a row some beside.
    let numbers: u128 = batch.nodes().iter().flat_map(|nodes| nodes.iter()).map(|node| node.length() as u128).sum();
    Ok(claimed * 2 + numbers * 8 + rows as u128 * (limits::ROW + 32))
}

fn bad(why: impl Into<String>) -> Error {
    Error::external("Arrow file", why)
}
