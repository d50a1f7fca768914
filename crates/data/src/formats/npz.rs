//! NPZ: one archive of arrays, episodes one after the other.
//!
//! ```text
//! episode_steps [E] i64       T of each episode
//! observations  [Σ(T+1), …]   T + 1 of each; parts of dictionaries as observations/NAME
//! actions       [ΣT, …]       likewise
//! rewards, terminated, truncated [ΣT]
//! seeds         [E] i64       -1 for none; may be left out
//! header        [n] u8        spaces, environment, versions as JSON; without it boxes without bounds are assumed
//! ```

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use worldwright_core::{ElementType, Error, Result, Space, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy::{Data, Npy};
use super::sink::Sink;
use super::{choices, read_bytes, write_bytes};
use crate::store::guarded;
use crate::{Episode, EpisodeStore, Header, Precision};

pub(super) fn export(store: &EpisodeStore, out: &Path) -> Result<()> {
    let header = store.header();
    let mut arrays: Vec<(String, Npy)> = Vec::new();
    let (mut observations, mut actions) = (Vec::new(), Vec::new());
    let (mut steps, mut seeds, mut rewards) = (Vec::new(), Vec::new(), Vec::new());
    let (mut terminated, mut truncated) = (Vec::new(), Vec::new());
    for i in 0..store.episodes().len() {
        let episode = store.episode(i)?;
        let t = episode.steps();
        steps.push(t as i64);
        seeds.push(episode.seed.map_or(-1, |seed| seed as i64));
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
    let text = header.to_json().into_bytes();
    let len = text.len();
    arrays.push(("header".into(), flat(Data::U8(text), len)));
    let failed =
        |e: &dyn std::fmt::Display| Error::external(out.display().to_string(), format!("cannot be packed: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, array) in arrays {
        zip.start_file(format!("{name}.npy"), options).map_err(|e| failed(&e))?;
        zip.write_all(&array.to_bytes()).map_err(|e| failed(&e))?;
    }
    write_bytes(out, &zip.finish().map_err(|e| failed(&e))?.into_inner())
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

pub(super) fn import(path: &Path, sink: &mut dyn Sink) -> Result<()> {
    let who = |error: Error| Error::external(path.display().to_string(), error.to_string());
    let (header, episodes) = read(&read_bytes(path)?).map_err(who)?;
    sink.begin(&header)?;
    episodes.into_iter().try_for_each(|episode| sink.episode(episode))
}

/// Reads an archive from its bytes, for fuzzing; returns its episodes' number.
///
/// # Errors
/// As for importing such a file.
pub fn fuzz_npz(bytes: &[u8]) -> Result<usize> {
    Ok(read(bytes)?.1.len())
}

/// The most that one array may hold unpacked: an archive of a few bytes can claim any size.
const LARGEST: u64 = 1 << 34;

fn read(bytes: &[u8]) -> Result<(Header, Vec<Episode>)> {
    let arrays = guarded(|| unpack(bytes))?;
    let get = |name: &str| arrays.get(name).ok_or_else(|| bad(format!("holds no array '{name}'")));
    let header = match arrays.get("header") {
        Some(Npy { data: Data::U8(text), .. }) => {
            Header::from_json(std::str::from_utf8(text).map_err(|_| bad("has a header that is not text".into()))?)?
        }
        Some(_) => return Err(bad("has a header that is not of bytes".into())),
        None => {
            let mut header = Header::new("npz", guess(get("observations")?)?, guess(get("actions")?)?, 0);
            header.precision = Precision::Element;
            header
        }
    };
    let mut lengths = Vec::new();
    for steps in get("episode_steps")?.numbers() {
        if !(steps >= 0.0 && steps.fract() == 0.0 && steps < 1e12) {
            return Err(bad(format!("'episode_steps' holds {steps}")));
        }
        lengths.push(steps as usize);
    }
    let transitions: usize = lengths.iter().sum();
    let rows = transitions + lengths.len();
    let observations = scatter("observations", &header.observation_space, &arrays, rows)?;
    let actions = scatter("actions", &header.action_space, &arrays, transitions)?;
    let column = |name: &str| -> Result<Vec<f64>> {
        let numbers = get(name)?.numbers();
        if numbers.len() == transitions { Ok(numbers) } else { Err(wrong(name, transitions, numbers.len())) }
    };
    let (rewards, terminated, truncated) = (column("rewards")?, column("terminated")?, column("truncated")?);
    let seeds = arrays.get("seeds").map(Npy::numbers).unwrap_or_default();
    let (mut observations, mut actions) = (observations.into_iter(), actions.into_iter());
    let (mut episodes, mut at) = (Vec::new(), 0);
    for (i, steps) in lengths.into_iter().enumerate() {
        let end = at + steps;
        let last = |flags: &[f64]| steps > 0 && flags[end - 1] != 0.0;
        if (at..end.saturating_sub(1)).any(|row| terminated[row] != 0.0 || truncated[row] != 0.0) {
            return Err(bad(format!("episode {i} goes on after its end")));
        }
        let seed = match arrays.get("seeds").map(|array| &array.data) {
            Some(Data::I64(exact)) => exact.get(i).filter(|seed| **seed != -1).map(|seed| *seed as u64),
            _ => seeds.get(i).filter(|seed| **seed >= 0.0).map(|seed| *seed as u64),
        };
        episodes.push(Episode {
            seed,
            observations: observations.by_ref().take(steps + 1).collect(),
            actions: actions.by_ref().take(steps).collect(),
            rewards: rewards[at..end].to_vec(),
            terminated: last(&terminated),
            truncated: last(&truncated),
        });
        at = end;
    }
    Ok((header, episodes))
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Npy>> {
    let failed = |e: &dyn std::fmt::Display| bad(format!("is no archive of NumPy, or a damaged one: {e}"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| failed(&e))?;
    let mut arrays = BTreeMap::new();
    for i in 0..zip.len() {
        let file = zip.by_index(i).map_err(|e| failed(&e))?;
        let name = file.name().map_err(|e| failed(&e))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let mut content = Vec::new();
        file.take(LARGEST).read_to_end(&mut content).map_err(|e| failed(&e))?;
        arrays.insert(name.to_owned(), Npy::from_bytes(&content)?);
    }
    Ok(arrays)
}

/// The values of a space in the arrays below a name.
fn scatter(name: &str, space: &Space, arrays: &BTreeMap<String, Npy>, rows: usize) -> Result<Vec<Value>> {
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
    let numbers = array.numbers();
    if dim == 0 || numbers.len() != rows.saturating_mul(dim) {
        return Err(wrong(name, rows.saturating_mul(dim), numbers.len()));
    }
    Ok(numbers
        .chunks_exact(dim)
        .map(|row| match space {
            Space::Box { element, .. } if element.is_bytes() => Value::Bytes(row.iter().map(|n| *n as u8).collect()),
            Space::Box { .. } => Value::Floats(row.to_vec()),
            Space::Discrete { .. } => Value::Integer(row[0] as i64),
            _ => Value::Integers(row.iter().map(|n| *n as i64).collect()),
        })
        .collect())
}

/// The space of an array whose archive carries no header.
fn guess(array: &Npy) -> Result<Space> {
    let shape = array.shape.get(1..).unwrap_or_default().to_vec();
    let n = shape.iter().product();
    let boxed = |low: f64, high: f64, element| Space::Box {
        shape: shape.clone(),
        low: vec![low; n],
        high: vec![high; n],
        element,
    };
    Ok(match &array.data {
        Data::I64(numbers) if shape.is_empty() => {
            let least = numbers.iter().min().copied().unwrap_or(0);
            let most = numbers.iter().max().copied().unwrap_or(0);
            choices(least, most).ok_or_else(|| bad("has whole numbers too far apart to be choices".into()))?
        }
        Data::U8(_) => boxed(0.0, 255.0, ElementType::U8),
        Data::F32(_) => boxed(f64::NEG_INFINITY, f64::INFINITY, ElementType::F32),
        Data::I64(_) => boxed(f64::NEG_INFINITY, f64::INFINITY, ElementType::I64),
        _ => boxed(f64::NEG_INFINITY, f64::INFINITY, ElementType::F64),
    })
}

fn wrong(name: &str, expected: usize, got: usize) -> Error {
    Error::shape(format!("array '{name}'"), &[expected], &[got])
}

fn bad(why: String) -> Error {
    Error::external("NumPy archive", why)
}
