//! How much memory data may take: what [`cost`] leaves to one thing, so that a small file that claims much is an error and no abort.

use worldwright_core::{Error, Result, Space, cost};

/// Refuses what would need more than one thing may take of this machine's memory, as [`cost`] knows it. `key` names what claims it.
///
/// # Errors
/// [`Error::Unsupported`] with both sizes.
pub(crate) fn fits(key: &str, bytes: u128) -> Result<()> {
    let limit = u128::from(most());
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::unsupported(
        "this machine",
        format!(
            "{key}: it needs {} of memory, and there may be {} at most here; split the data, or read them elsewhere",
            size(bytes),
            size(limit)
        ),
    ))
}

/// Refuses so many rows of so many items of `each` bytes, before anything is laid out for them.
///
/// # Errors
/// As for [`fits`].
pub(crate) fn rows(key: &str, rows: usize, width: usize, each: usize) -> Result<()> {
    let bytes = (rows as u128).saturating_mul(width as u128).saturating_mul(each as u128);
    // The words are only made for what is refused: this is asked for every column of every batch.
    if bytes <= u128::from(most()) { Ok(()) } else { fits(&format!("{key} of {rows} rows of {width}"), bytes) }
}

/// What a row takes beside its numbers once episodes are made of it: an element of its space and the room for its numbers.
pub(crate) const ROW: u128 = 64;

/// A size in the largest unit of which there is more than one.
fn size(bytes: u128) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{amount} bytes") } else { format!("{amount:.1} {}", units[unit]) }
}

/// Numbers that are believed of a space whatever the bytes that came with it.
const BELIEVED: u128 = 1 << 16;

/// Refuses a space that a file of `bytes` cannot have come with, or whose flat elements would not fit into memory.
///
/// # Errors
/// [`Error::External`] or [`Error::Unsupported`] with both sizes.
pub(crate) fn space(what: &str, space: &Space, bytes: u64) -> Result<()> {
    let boxed = numbers(space, false);
    if boxed > BELIEVED.max(u128::from(bytes)) {
        return Err(Error::external(
            format!("space of {what}"),
            format!("claims {boxed} numbers, but all of the data have {bytes} bytes: it is damaged or made up"),
        ));
    }
    // A row, its copy and what a model holds for each number of it.
    fits(&format!("{what} of {} numbers", numbers(space, true)), numbers(space, true).saturating_mul(64))
}

/// Numbers of a flat element, or of its boxes alone, without overflow.
pub(crate) fn numbers(space: &Space, choices: bool) -> u128 {
    match space {
        Space::Discrete { n, .. } if choices => *n as u128,
        Space::MultiDiscrete { nvec, .. } if choices => nvec.iter().map(|n| *n as u128).sum(),
        Space::MultiBinary { shape } => shape.iter().map(|n| *n as u128).fold(1, u128::saturating_mul),
        Space::Dict(_) | Space::Tuple(_) => {
            space.parts().iter().fold(0, |sum: u128, (_, part)| sum.saturating_add(numbers(part, choices)))
        }
        _ => space.numbers() as u128,
    }
}

/// The most that a data set may take, in bytes.
pub(crate) fn most() -> u64 {
    cost::memory_limit()
}
