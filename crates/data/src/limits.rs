//! How much memory data may take: a share of this machine's, so that a small file that claims much is an error and no abort.

use std::sync::OnceLock;

use worldwright_core::{Error, Result, Space};

/// What a single data set may take of the machine's memory while it is read.
const SHARE: u64 = 2;

/// Where the machine does not tell.
const ASSUMED: u64 = 8 << 30;

/// Refuses what would need more than half of this machine's memory. `key` names what claims it.
///
/// # Errors
/// [`Error::Unsupported`] with both sizes.
pub(crate) fn fits(key: &str, bytes: u128) -> Result<()> {
    let limit = memory() / SHARE;
    if bytes <= u128::from(limit) {
        return Ok(());
    }
    Err(Error::unsupported(
        "this machine",
        format!(
            "{key}: it needs {} of memory, and the limit is {}, half of the machine's; split the data, or read them elsewhere",
            size(bytes),
            size(u128::from(limit))
        ),
    ))
}

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

/// The memory of this machine, or of the part of it that this process may use.
fn memory() -> u64 {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let text = |path: &str| std::fs::read_to_string(path).ok();
        let whole = text("/proc/meminfo").and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
        });
        let own = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let own = own.into_iter().find_map(|path| text(path)?.trim().parse::<u64>().ok());
        let whole = whole.unwrap_or(ASSUMED);
        own.map_or(whole, |own| own.min(whole))
    })
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
    memory() / SHARE
}
