//! HDF5 in the three layouts of the field, told apart by what stands in the file.
//!
//! | layout | holds |
//! |---|---|
//! | D4RL | `observations`, `actions`, `rewards`, `terminals`, `timeouts` and perhaps `next_observations` of N rows at the top, `infos/…` beside |
//! | robomimic | `data/demo_K` with `obs/NAME`, `next_obs/NAME`, `actions`, `rewards`, `dones` |
//! | Minari up to 0.4 | `episode_K` with T + 1 `observations`, T `actions`, `rewards`, `terminations`, `truncations`; spaces among the attributes |
//!
//! Robomimic's `states` are the simulator's and left out where there are observations.

use std::collections::BTreeMap;
use std::path::Path;

use hdf5_reader::group::Group;
use hdf5_reader::{Hdf5File, OpenOptions};
use serde_json::Value as Json;
use worldwright_core::{Error, Result, Space};

use super::hdf5_arrays::{array, attribute, failed};
use super::npy::Npy;
use super::{Sink, npz, read_bytes};
use crate::space_json::space_from_json;
use crate::store::guarded;
use crate::table::cells::{Cells, Data};
use crate::table::{self, About, Table};
use crate::{ColumnNames, Episode, Header, Precision, limits};

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("hdf5");
    read(read_bytes(path)?, name, names, sink)
}

pub(super) fn read(bytes: Vec<u8>, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    guarded(|| {
        let most = limits::most() as usize;
        let options = OpenOptions::default().with_max_read_bytes(most).with_max_chunk_bytes(most.min(1 << 30));
        let file = Hdf5File::from_vec_with_options(bytes, options).map_err(failed)?;
        let root = file.root_group().map_err(failed)?;
        let (groups, _) = root.member_names().map_err(failed)?;
        if groups.iter().any(|name| number(name, "episode_").is_some()) {
            names.none_for("a Minari data set")?;
            return minari(&root, name, sink);
        }
        if let Some(data) = groups.iter().find(|name| *name == "data") {
            let data = root.group(data).map_err(failed)?;
            let (demos, _) = data.member_names().map_err(failed)?;
            if demos.iter().any(|name| number(name, "demo_").is_some()) {
                return robomimic(&data, demos, name, names, sink);
            }
        }
        flat(&root, name, names, sink)
    })
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// All arrays below a group, by their paths; those of infos and such are only named.
fn arrays(
    group: &Group,
    path: &str,
    depth: usize,
    known: &ColumnNames,
    out: &mut Vec<(String, Npy)>,
    left_out: &mut Vec<String>,
    taken: &mut u128,
) -> Result<()> {
    if depth > 8 {
        return Err(Error::external("HDF5 file", format!("'{path}' is nested too deep")));
    }
    let (groups, datasets) = group.member_names().map_err(failed)?;
    for name in datasets {
        let full = format!("{path}{name}");
        if known.is_extra(&full) {
            // A slip of a name is not left out but said.
            known.check(&full)?;
            left_out.push(full);
            continue;
        }
        let dataset = group.dataset(&name).map_err(failed)?;
        out.push((full.clone(), array(&full, &dataset, taken)?));
    }
    for name in groups {
        let full = format!("{path}{name}");
        if known.is_extra(&full) {
            left_out.push(full);
            continue;
        }
        arrays(&group.group(&name).map_err(failed)?, &format!("{full}/"), depth + 1, known, out, left_out, taken)?;
    }
    Ok(())
}

fn flat(root: &Group, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let mut about = About::new(name, "HDF5", names);
    let mut found = Vec::new();
    arrays(root, "", 0, names, &mut found, &mut about.left_out, &mut 0)?;
    let columns = found.into_iter().map(|(name, array)| Ok((name, array.cells()?))).collect::<Result<_>>()?;
    table::read(Table { columns }, about, sink)
}

fn robomimic(data: &Group, mut demos: Vec<String>, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    demos.retain(|name| number(name, "demo_").is_some());
    demos.sort_by_key(|name| number(name, "demo_"));
    let environment = attribute(data, "env_args")
        .and_then(|text| Some(serde_json::from_str::<Json>(&text).ok()?.get("env_name")?.as_str()?.to_owned()));
    let mut about = About::new(environment.as_deref().unwrap_or(name), "robomimic", names);
    let mut columns: Vec<(String, Cells)> = Vec::new();
    let (mut episodes, mut taken) = (Vec::new(), 0);
    for (i, demo) in demos.iter().enumerate() {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        arrays(&data.group(demo).map_err(failed)?, "", 0, names, &mut found, &mut left_out, &mut taken)?;
        left_out.into_iter().for_each(|name| {
            if !about.left_out.contains(&name) {
                about.left_out.push(name);
            }
        });
        let mut rows = None;
        let whole = format!("demonstration '{demo}'");
        if i > 0 && found.len() != columns.len() {
            return Err(Error::external(whole, "has other arrays than the ones before"));
        }
        for (name, array) in found {
            let more = array.cells()?;
            rows = rows.or(Some(more.rows)).filter(|rows| *rows == more.rows);
            if rows.is_none() {
                return Err(Error::external(
                    whole,
                    format!("'{name}' has {} rows, others have more or fewer", more.rows),
                ));
            }
            match columns.iter_mut().find(|(own, _)| *own == name) {
                Some((_, cells)) => {
                    cells.append(more).map_err(|error| Error::external(whole.clone(), error.to_string()))?
                }
                None if i == 0 => columns.push((name, more)),
                None => return Err(Error::external(whole, format!("has '{name}', which the ones before lack"))),
            }
        }
        episodes.extend(std::iter::repeat_n(demo.clone(), rows.unwrap_or(0)));
    }
    columns.push(("episode".into(), Cells::new(episodes.len(), Vec::new(), Data::Text(episodes))?));
    table::read(Table { columns }, about, sink)
}

/// Minari's own file: each episode is read by the spaces that the attributes tell.
fn minari(root: &Group, name: &str, sink: &mut dyn Sink) -> Result<()> {
    let space = |key: &str| attribute(root, key).map(|text| space_from_json(&text)).transpose();
    let spaces = (space("observation_space")?, space("action_space")?);
    let environment = attribute(root, "env_spec")
        .and_then(|text| Some(serde_json::from_str::<Json>(&text).ok()?.get("id")?.as_str()?.to_owned()))
        .or_else(|| attribute(root, "dataset_id"));
    minari_episodes(root, environment.as_deref().unwrap_or(name), spaces, sink)
}

/// The episodes of a Minari file `main_data.hdf5`, whose spaces stand beside it since 0.5.
pub(super) fn import_minari(path: &Path, header: Header, sink: &mut dyn Sink) -> Result<()> {
    let bytes = read_bytes(path)?;
    guarded(|| {
        let options = OpenOptions::default().with_max_read_bytes(limits::most() as usize);
        let file = Hdf5File::from_vec_with_options(bytes, options).map_err(failed)?;
        let root = file.root_group().map_err(failed)?;
        npz::apart(&header)?;
        sink.begin(&header)?;
        let spaces = (&header.observation_space, &header.action_space);
        episodes(&root, spaces, &mut |episode| sink.episode(episode))
    })
}

fn minari_episodes(
    root: &Group,
    environment: &str,
    spaces: (Option<Space>, Option<Space>),
    sink: &mut dyn Sink,
) -> Result<()> {
    let (Some(observed), Some(done)) = spaces else {
        return Err(Error::external(
            "HDF5 file",
            "has Minari's episodes, but no observation_space and action_space among its attributes: give the data set's folder",
        ));
    };
    let mut header = Header::new(environment, observed, done, 0);
    header.precision = Precision::Exact;
    header.notes = vec![("imported from Minari".into(), environment.to_owned())];
    npz::apart(&header)?;
    sink.begin(&header)?;
    episodes(root, (&header.observation_space, &header.action_space), &mut |episode| sink.episode(episode))
}

fn episodes(
    root: &Group,
    (observed, done): (&Space, &Space),
    each: &mut dyn FnMut(Episode) -> Result<()>,
) -> Result<()> {
    let (groups, _) = root.member_names().map_err(failed)?;
    let mut names: Vec<&String> = groups.iter().filter(|name| number(name, "episode_").is_some()).collect();
    names.sort_by_key(|name| number(name, "episode_"));
    for name in names {
        let group = root.group(name).map_err(failed)?;
        let wrong = |why: String| Error::external(format!("Minari episode '{name}'"), why);
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        arrays(&group, "", 0, &ColumnNames::default(), &mut found, &mut left_out, &mut 0)?;
        // Minari calls the places of a tuple _index_0, _index_1, ….
        let mut placed: BTreeMap<String, Npy> = BTreeMap::new();
        for (name, array) in found {
            let place = name.replace("/_index_", "/");
            if placed.insert(place.clone(), array).is_some() {
                return Err(wrong(format!("has '{name}' and '{place}', which are one place: keep one of them")));
            }
        }
        let found = placed;
        let get = |key: &str| found.get(key).ok_or_else(|| wrong(format!("has no '{key}'")));
        let rewards = get("rewards")?.numbers();
        let steps = rewards.len();
        let flag = |key: &str| -> Result<bool> {
            let flags = table::all_flags(key, &get(key)?.clone().cells()?)?;
            if flags.len() != steps {
                return Err(wrong(format!("has {} '{key}' and {steps} rewards", flags.len())));
            }
            if flags.iter().take(steps.saturating_sub(1)).any(|flag| *flag == Some(true)) {
                return Err(wrong("goes on after its end".into()));
            }
            Ok(flags.last() == Some(&Some(true)))
        };
        each(Episode {
            seed: attribute(&group, "seed").and_then(|seed| seed.parse().ok()),
            observations: npz::scatter("observations", observed, &found, steps + 1)
                .map_err(|error| wrong(error.to_string()))?,
            actions: npz::scatter("actions", done, &found, steps).map_err(|error| wrong(error.to_string()))?,
            terminated: flag("terminations")?,
            truncated: flag("truncations")?,
            rewards,
        })?;
    }
    Ok(())
}
