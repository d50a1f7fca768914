//! NPZ: one archive of arrays, episodes one after the other.
//!
//! ```text
//! episode_steps [E] i64       T of each episode
//! observations  [Σ(T+1), …]   T + 1 of each; parts of dictionaries as observations/NAME
//! actions       [ΣT, …]       likewise
//! rewards, terminated, truncated [ΣT]
//! seeds         [E] i64       -1 for none; may be left out
//! seeded        [E] bool      whether there is one: seeds of 64 bits may be -1
//! header        [n] u8        spaces, environment, versions as JSON
//! ```
//!
//! An archive without that header is read by the names of its arrays (`npz_names.rs`).

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use worldwright_core::{ElementType, Error, Result, Space, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::files::{Target, read_bytes, write_part};
use super::npy::Npy;
use super::{npz_names, packed};
use crate::shapes::shape_fits;
use crate::sink::Sink;
use crate::store::guarded;
use crate::table::cells::Data;
use crate::{ColumnNames, Episode, EpisodeStore, Header, exact, limits};

pub(super) fn export(store: &EpisodeStore, out: &Target<'_>) -> Result<()> {
    let header = store.header();
    apart(header)?;
    let mut arrays: Vec<(String, Npy)> = Vec::new();
    let (mut observations, mut actions) = (Vec::new(), Vec::new());
    let (mut steps, mut seeds, mut rewards) = (Vec::new(), Vec::new(), Vec::new());
    let (mut terminated, mut truncated, mut seeded) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..store.episodes().len() {
        out.go_on()?;
        let episode = store.episode(i)?;
        let t = episode.steps();
        steps.push(t as i64);
        seeds.push(episode.seed.map_or(-1, |seed| seed as i64));
        seeded.push(episode.seed.is_some());
        terminated.extend((0..t).map(|at| episode.terminated && at + 1 == t));
        truncated.extend((0..t).map(|at| episode.truncated && at + 1 == t));
        rewards.extend(episode.rewards);
        observations.extend(episode.observations);
        actions.extend(episode.actions);
    }
    gather("observations", &header.observation_space, &observations.iter().collect::<Vec<_>>(), &mut arrays);
    gather("actions", &header.action_space, &actions.iter().collect::<Vec<_>>(), &mut arrays);
    let flat = |data: Data, len: usize| Npy { shape: vec![len], data };
    arrays.push(("rewards".into(), flat(Data::F64(rewards), actions.len())));
    arrays.push(("terminated".into(), flat(Data::Bool(terminated), actions.len())));
    arrays.push(("truncated".into(), flat(Data::Bool(truncated), actions.len())));
    let count = steps.len();
    arrays.push(("episode_steps".into(), flat(Data::I64(steps), count)));
    arrays.push(("seeds".into(), flat(Data::I64(seeds), count)));
    arrays.push(("seeded".into(), flat(Data::Bool(seeded), count)));
    let text = header.to_json().into_bytes();
    let len = text.len();
    arrays.push(("header".into(), flat(Data::U8(text), len)));
    let failed =
        |e: &dyn std::fmt::Display| Error::external(out.name.display().to_string(), format!("cannot be packed: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, array) in arrays {
        out.go_on()?;
        zip.start_file(format!("{name}.npy"), options).map_err(|e| failed(&e))?;
        zip.write_all(&array.to_bytes()).map_err(|e| failed(&e))?;
    }
    write_part(out.place, &zip.finish().map_err(|e| failed(&e))?.into_inner())
}

/// Refuses spaces of which two parts would be one array: a part `b/c`, and a part `c` of a part `b`.
///
/// # Errors
/// [`Error::Unsupported`] that names both.
pub(super) fn apart(header: &Header) -> Result<()> {
    fn walk(name: String, spelling: String, space: &Space, known: &mut BTreeMap<String, String>) -> Result<()> {
        for (part, space) in space.parts() {
            walk(format!("{name}/{part}"), format!("{spelling} → '{part}'"), space, known)?;
        }
        if matches!(space, Space::Dict(_) | Space::Tuple(_)) {
            return Ok(());
        }
        match known.insert(name.clone(), spelling.clone()) {
            None => Ok(()),
            Some(other) => Err(Error::unsupported(
                "a format of named arrays",
                format!(
                    "the parts {other} and {spelling}, which would both be the array '{name}': rename one, or export to Parquet"
                ),
            )),
        }
    }
    let mut known = BTreeMap::new();
    for (name, space) in [("observations", &header.observation_space), ("actions", &header.action_space)] {
        walk(name.to_owned(), name.to_owned(), space, &mut known)?;
    }
    Ok(())
}

/// Stacks values of a space into arrays under a name, a dictionary's parts under names below it.
fn gather(name: &str, space: &Space, values: &[&Value], arrays: &mut Vec<(String, Npy)>) {
    if matches!(space, Space::Dict(_) | Space::Tuple(_)) {
        for (place, (part, space)) in space.parts().into_iter().enumerate() {
            let below: Vec<&Value> = values.iter().filter_map(|value| value.part(place, &part).ok()).collect();
            gather(&format!("{name}/{part}"), space, &below, arrays);
        }
        return;
    }
    let (mut shape, mut doubles, mut bytes, mut whole) = (vec![values.len()], Vec::new(), Vec::new(), Vec::new());
    match space {
        Space::Box { shape: own, .. } => shape.extend(own),
        Space::MultiDiscrete { shape: own, .. } | Space::MultiBinary { shape: own } => shape.extend(own),
        Space::Discrete { .. } | Space::Dict(_) | Space::Tuple(_) => {}
    }
    for value in values {
        match value {
            Value::Floats(numbers) => doubles.extend(numbers),
            Value::Bytes(numbers) => bytes.extend(numbers),
            Value::Integer(number) => whole.push(*number),
            Value::Integers(numbers) => whole.extend(numbers),
            Value::Dict(_) | Value::Tuple(_) => {}
        }
    }
    let data = match space {
        Space::Box { element, .. } if element.is_bytes() => Data::U8(bytes),
        Space::Box { element, .. } if !element.is_float() => Data::I64(doubles.iter().map(|n| *n as i64).collect()),
        // Single precision only where nothing is lost by it.
        Space::Box { element: ElementType::F32 | ElementType::F16, .. }
            if doubles.iter().all(|n| f64::from(*n as f32) == *n) =>
        {
            Data::F32(doubles.iter().map(|n| *n as f32).collect())
        }
        Space::Box { .. } => Data::F64(doubles),
        _ => Data::I64(whole),
    };
    arrays.push((name.to_owned(), Npy { shape, data }));
}

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("npz");
    read(&read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: &[u8], name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let (mut arrays, left_out) = guarded(|| unpack(bytes, names, sink))?;
    let Some(header) = arrays.remove("header") else { return npz_names::read(arrays, left_out, name, names, sink) };
    names.none_for("a file of Worldwright's own")?;
    let Data::U8(text) = header.data else { return Err(bad("has a header that is not of bytes".into())) };
    let header =
        Header::from_json(std::str::from_utf8(&text).map_err(|_| bad("has a header that is not text".into()))?)?;
    apart(&header)?;
    sink.begin(&header)?;
    episodes(&header, &arrays, sink)?.into_iter().try_for_each(|episode| sink.episode(episode))
}

fn episodes(header: &Header, arrays: &BTreeMap<String, Npy>, sink: &dyn Sink) -> Result<Vec<Episode>> {
    let get = |name: &str| arrays.get(name).ok_or_else(|| bad(format!("holds no array '{name}'")));
    let rewards = get("rewards")?.numbers();
    let mut lengths = Vec::new();
    for steps in get("episode_steps")?.numbers() {
        if !(steps >= 0.0 && steps.fract() == 0.0 && steps <= rewards.len() as f64) {
            return Err(bad(format!("'episode_steps' holds {steps}, but there are {} rewards", rewards.len())));
        }
        lengths.push(steps as usize);
    }
    let transitions = lengths.iter().try_fold(0_usize, |sum, steps| sum.checked_add(*steps)).unwrap_or(usize::MAX);
    if transitions != rewards.len() {
        return Err(wrong("rewards", transitions, rewards.len()));
    }
    let rows = transitions + lengths.len();
    let observations = scatter("observations", &header.observation_space, arrays, rows)?;
    sink.go_on()?;
    let actions = scatter("actions", &header.action_space, arrays, transitions)?;
    let flags = |name: &str| -> Result<Vec<bool>> {
        let flags = crate::table::all_flags(name, &get(name)?.clone().cells()?)?;
        if flags.len() != transitions {
            return Err(wrong(name, transitions, flags.len()));
        }
        flags.into_iter().map(|flag| flag.ok_or_else(|| bad(format!("'{name}' lacks a flag")))).collect()
    };
    let (terminated, truncated) = (flags("terminated")?, flags("truncated")?);
    let seeded = arrays.get("seeded").map(Npy::numbers);
    let seed = |i: usize| match arrays.get("seeds").map(|array| &array.data) {
        Some(Data::I64(exact)) => {
            let there = |seed: &i64| seeded.as_ref().map_or(*seed != -1, |seeded| seeded.get(i) == Some(&1.0));
            exact.get(i).filter(|seed| there(seed)).map(|seed| *seed as u64)
        }
        _ => None,
    };
    let (mut observations, mut actions) = (observations.into_iter(), actions.into_iter());
    let (mut episodes, mut at) = (Vec::new(), 0);
    for (i, steps) in lengths.into_iter().enumerate() {
        let end = at + steps;
        let last = |flags: &[bool]| steps > 0 && flags[end - 1];
        if (at..end.saturating_sub(1)).any(|row| terminated[row] || truncated[row]) {
            return Err(bad(format!("episode {i} goes on after its end")));
        }
        episodes.push(Episode {
            seed: seed(i),
            observations: observations.by_ref().take(steps + 1).collect(),
            actions: actions.by_ref().take(steps).collect(),
            rewards: rewards[at..end].to_vec(),
            terminated: last(&terminated),
            truncated: last(&truncated),
        });
        at = end;
    }
    Ok(episodes)
}

/// The arrays of an archive; and the names of those that hold pickled Python objects, which are left alone.
fn unpack(bytes: &[u8], names: &ColumnNames, sink: &dyn Sink) -> Result<(BTreeMap<String, Npy>, Vec<String>)> {
    let failed = |e: &dyn std::fmt::Display| {
        packed::npz(e).unwrap_or_else(|| bad(format!("is no archive of NumPy, or a damaged one: {e}")))
    };
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| failed(&e))?;
    let (mut arrays, mut left_out, mut taken) = (BTreeMap::new(), Vec::new(), 0_u128);
    for i in 0..zip.len() {
        sink.go_on()?;
        let file = zip.by_index(i).map_err(|e| failed(&e))?;
        let name = file.name().map_err(|e| failed(&e))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        // An archive of a few bytes can claim any size: what it says is checked before, what it holds while it is unpacked,
        // and then what becomes of its rows: numbers of one byte, or rows of one number, take many times their size as episodes.
        let claimed = file.size();
        limits::fits(&format!("array '{name}' of {claimed} bytes"), taken + u128::from(claimed) * 2)?;
        let mut content = Vec::new();
        let read = file.take(claimed.saturating_add(1)).read_to_end(&mut content).map_err(|e| failed(&e))?;
        if read as u64 != claimed {
            return Err(bad(format!("array '{name}' is not of the {claimed} bytes that the archive says")));
        }
        match Npy::from_bytes(&content) {
            Ok(array) => {
                taken += u128::from(claimed) + array.episodes();
                limits::fits(&format!("array '{name}' of shape {:?}", array.shape), taken)?;
                if arrays.insert(name.to_owned(), array).is_some() {
                    return Err(bad(format!("holds two arrays '{name}': keep one of them")));
                }
            }
            Err(Error::Unsupported { .. }) if names.is_extra(name) => left_out.push(name.to_owned()),
            Err(error) => return Err(bad(format!("array '{name}': {error}"))),
        }
    }
    Ok((arrays, left_out))
}

/// The values of a space in the arrays below a name.
pub(super) fn scatter(name: &str, space: &Space, arrays: &BTreeMap<String, Npy>, rows: usize) -> Result<Vec<Value>> {
    if matches!(space, Space::Dict(_) | Space::Tuple(_)) {
        let mut values = vec![Vec::new(); rows];
        for (part, space) in space.parts() {
            let below = scatter(&format!("{name}/{part}"), space, arrays, rows)?;
            values.iter_mut().zip(below).for_each(|(whole, value)| whole.push(value));
        }
        return Ok(values.into_iter().map(|parts| space.gather(parts)).collect());
    }
    let array = arrays.get(name).ok_or_else(|| bad(format!("holds no array '{name}'")))?;
    let dim = space.numbers();
    if dim == 0 || array.data.len() != rows.saturating_mul(dim) {
        return Err(wrong(name, rows.saturating_mul(dim), array.data.len()));
    }
    let own = match space {
        Space::Box { shape, .. } | Space::MultiDiscrete { shape, .. } | Space::MultiBinary { shape } => {
            shape.as_slice()
        }
        _ => &[],
    };
    if !array.shape.split_first().is_some_and(|(first, element)| *first == rows && shape_fits(element, own)) {
        let expected: Vec<usize> = std::iter::once(rows).chain(own.iter().copied()).collect();
        return Err(Error::shape(format!("array '{name}'"), &expected, &array.shape));
    }
    (0..rows)
        .map(|row| {
            let element = Data::element(space, (row * dim..(row + 1) * dim).map(|at| (&array.data, at)));
            element.map_err(|error| exact::at(&format!("row {row} of array '{name}'"), error))
        })
        .collect()
}

fn wrong(name: &str, expected: usize, got: usize) -> Error {
    Error::shape(format!("array '{name}'"), &[expected], &[got])
}

fn bad(why: String) -> Error {
    Error::external("NumPy archive", why)
}
