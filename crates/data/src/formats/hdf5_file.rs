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

use super::files::read_bytes;
use super::hdf5_arrays::{array, attribute, failed};
use super::npy::Npy;
use super::npz;
use crate::sink::Sink;
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

/// How deep groups may lie within each other.
const DEEPEST: usize = 8;

/// Refuses names that no data set below a group has. All of them count, whether they are read or not: what a slip meant may be among
/// those that its quantity leaves out.
fn check(names: &ColumnNames, group: &Group, sink: &dyn Sink) -> Result<()> {
    fn add(group: &Group, path: &str, depth: usize, sink: &dyn Sink, out: &mut Vec<String>) -> Result<()> {
        sink.go_on()?;
        if depth > DEEPEST {
            return Err(Error::external("HDF5 file", format!("'{path}' is nested too deep")));
        }
        let (groups, datasets) = group.member_names().map_err(failed)?;
        out.extend(datasets.into_iter().map(|name| format!("{path}{name}")));
        groups.into_iter().try_for_each(|name| {
            let inner = group.group(&name).map_err(failed)?;
            add(&inner, &format!("{path}{name}/"), depth + 1, sink, out)
        })
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut found = Vec::new();
    add(group, "", 0, sink, &mut found)?;
    names.among(&found)
}

/// Arrays as they are read, by their paths; those of infos and such are only named.
struct Reading<'a> {
    known: &'a ColumnNames,
    /// Asked at every group and dataset whether to go on.
    sink: &'a dyn Sink,
    found: Vec<(String, Npy)>,
    left_out: Vec<String>,
    /// Bytes of all arrays.
    taken: u128,
}

impl<'a> Reading<'a> {
    fn new(known: &'a ColumnNames, sink: &'a dyn Sink) -> Self {
        Self { known, sink, found: Vec::new(), left_out: Vec::new(), taken: 0 }
    }

    /// Reads all arrays below a group.
    fn read(&mut self, group: &Group, path: &str, depth: usize) -> Result<()> {
        self.sink.go_on()?;
        if depth > DEEPEST {
            return Err(Error::external("HDF5 file", format!("'{path}' is nested too deep")));
        }
        let (groups, datasets) = group.member_names().map_err(failed)?;
        for name in datasets {
            let full = format!("{path}{name}");
            if self.known.is_extra(&full) {
                // A slip of a name is not left out but said.
                self.known.check(&full)?;
                self.leave_out(full);
                continue;
            }
            self.sink.go_on()?;
            let dataset = group.dataset(&name).map_err(failed)?;
            self.found.push((full.clone(), array(&full, &dataset, &mut self.taken)?));
        }
        for name in groups {
            let full = format!("{path}{name}");
            if self.known.is_extra(&full) {
                self.leave_out(full);
                continue;
            }
            self.read(&group.group(&name).map_err(failed)?, &format!("{full}/"), depth + 1)?;
        }
        Ok(())
    }

    /// Each demonstration has the same ones.
    fn leave_out(&mut self, name: String) {
        if !self.left_out.contains(&name) {
            self.left_out.push(name);
        }
    }
}

fn flat(root: &Group, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    let mut about = About::new(name, "HDF5", names);
    check(names, root, sink)?;
    let mut reading = Reading::new(names, sink);
    reading.read(root, "", 0)?;
    about.left_out = reading.left_out;
    let columns = reading.found.into_iter().map(|(name, array)| Ok((name, array.cells()?))).collect::<Result<_>>()?;
    table::read(Table { columns }, about, sink)
}

fn robomimic(data: &Group, mut demos: Vec<String>, name: &str, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    demos.retain(|name| number(name, "demo_").is_some());
    demos.sort_by_key(|name| number(name, "demo_"));
    let environment = attribute(data, "env_args")
        .and_then(|text| Some(serde_json::from_str::<Json>(&text).ok()?.get("env_name")?.as_str()?.to_owned()));
    let mut about = About::new(environment.as_deref().unwrap_or(name), "robomimic", names);
    if let Some(first) = demos.first() {
        check(names, &data.group(first).map_err(failed)?, sink)?;
    }
    let mut columns: Vec<(String, Cells)> = Vec::new();
    let (mut episodes, mut reading) = (Vec::new(), Reading::new(names, sink));
    for (i, demo) in demos.iter().enumerate() {
        reading.read(&data.group(demo).map_err(failed)?, "", 0)?;
        let found = std::mem::take(&mut reading.found);
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
    about.left_out = reading.left_out;
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
        episodes(&root, spaces, sink)
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
    episodes(root, (&header.observation_space, &header.action_space), sink)
}

fn episodes(root: &Group, (observed, done): (&Space, &Space), sink: &mut dyn Sink) -> Result<()> {
    let (groups, _) = root.member_names().map_err(failed)?;
    let mut names: Vec<&String> = groups.iter().filter(|name| number(name, "episode_").is_some()).collect();
    names.sort_by_key(|name| number(name, "episode_"));
    for name in names {
        let group = root.group(name).map_err(failed)?;
        let wrong = |why: String| Error::external(format!("Minari episode '{name}'"), why);
        let known = ColumnNames::default();
        let mut reading = Reading::new(&known, sink);
        reading.read(&group, "", 0)?;
        // Minari calls the places of a tuple _index_0, _index_1, ….
        let mut placed: BTreeMap<String, Npy> = BTreeMap::new();
        for (name, array) in reading.found {
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
        // Before the observations, which would be measured by rewards of which some are missing.
        let (terminated, truncated) = (flag("terminations")?, flag("truncations")?);
        sink.episode(Episode {
            seed: attribute(&group, "seed").and_then(|seed| seed.parse().ok()),
            observations: npz::scatter("observations", observed, &found, steps + 1)
                .map_err(|error| wrong(error.to_string()))?,
            actions: npz::scatter("actions", done, &found, steps).map_err(|error| wrong(error.to_string()))?,
            terminated,
            truncated,
            rewards,
        })?;
    }
    Ok(())
}
