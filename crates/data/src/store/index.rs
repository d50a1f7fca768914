//! The index: one line of text a batch, with the checksum of the batch and one of the line itself.
//!
//! It can be rebuilt from the segments at any time; what it adds is the checksum. A line that is cut or changed fails its own
//! checksum and counts as missing.

use std::fmt::Write as _;

/// The first line of an index.
pub(crate) const TITLE: &str = "worldwright episode index 1\n";

/// Where a batch lies, how many rows it holds, and the CRC-32 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) rows: u64,
    pub(crate) crc: u32,
}

impl Line {
    pub(crate) fn to_text(self) -> String {
        let mut text = format!("{} {} {} {} {:08x}", self.segment, self.offset, self.len, self.rows, self.crc);
        let own = crc32fast::hash(text.as_bytes());
        let _ = writeln!(text, " {own:08x}");
        text
    }

    fn from_text(line: &str) -> Option<Self> {
        let (facts, own) = line.rsplit_once(' ')?;
        if own.len() != 8 || u32::from_str_radix(own, 16).ok()? != crc32fast::hash(facts.as_bytes()) {
            return None;
        }
        let mut words = facts.split(' ');
        let mut number = || words.next()?.parse().ok();
        let line = Self { segment: number()?, offset: number()?, len: number()?, rows: number()?, crc: 0 };
        Some(Self { crc: u32::from_str_radix(words.next()?, 16).ok()?, ..line })
    }
}

/// The lines of an index that are whole, in order, and how many were not.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Line>, usize) {
    let Some(rest) = bytes.strip_prefix(TITLE.as_bytes()) else { return (Vec::new(), usize::from(!bytes.is_empty())) };
    let (mut lines, mut bad) = (Vec::new(), 0);
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        let whole = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()).and_then(Line::from_text);
        match whole {
            Some(line) => lines.push(line),
            None => bad += 1,
        }
    }
    (lines, bad)
}

/// The whole text of an index.
pub(crate) fn to_text(lines: &[Line]) -> String {
    TITLE.chars().chain(lines.iter().flat_map(|line| line.to_text().chars().collect::<Vec<_>>())).collect()
}
