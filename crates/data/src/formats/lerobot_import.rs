//! LeRobot data sets in: v3.0, and v2.1, which keeps a file an episode.
//!
//! All tables under `data/` are read as one ([`crate::table`]): features `observation.NAME` are named parts of the observation, or the
//! observation itself where there is one. Videos and images are left out by name.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use worldwright_core::{Error, Result, uninterrupted};

use super::files::{is_litter, missing, read_bytes};
use super::lerobot::HEADER;
use super::tables::{Gathered, Parquet, of_use};
use crate::sink::Sink;
use crate::table::cells::{Cells, Data};
use crate::table::{self, About, Quantity};
use crate::{ColumnNames, Episode, Header};

pub(super) fn import(path: &Path, names: &ColumnNames, sink: &mut dyn Sink) -> Result<()> {
    names.none_for("a LeRobot data set")?;
    let file = path.join("meta/info.json");
    if !file.exists() {
        return Err(missing(&file));
    }
    let bad = |why: String| Error::external(path.display().to_string(), why);
    let info: Json =
        serde_json::from_slice(&read_bytes(&file)?).map_err(|e| bad(format!("info.json is not JSON: {e}")))?;
    let version = match info.get("codebase_version").and_then(Json::as_str) {
        Some(version @ ("v3.0" | "v2.1" | "v2.0")) => version,
        other => {
            let version = other.unwrap_or("unknown");
            return Err(bad(format!(
                "is of LeRobot version {version}; v2.0, v2.1 and v3.0 are read: convert it with LeRobot"
            )));
        }
    };
    let robot = info.get("robot_type").and_then(Json::as_str).unwrap_or("lerobot");
    let mut about = About::new(robot, "LeRobot", names);
    about.own = &["timestamp", "index", "task_index"];
    about.header.versions = vec![("lerobot".into(), version.into())];
    if let Some(fps) = info.get("fps") {
        about.header.notes.push(("fps".into(), fps.to_string()));
    }
    let own = path.join(HEADER);
    let mut mended = Mended { sink, seeds: Vec::new(), unframed: Vec::new(), at: 0, framed: 0 };
    if own.exists() {
        let text = read_bytes(&own)?;
        let text = std::str::from_utf8(&text).map_err(|_| bad(format!("{HEADER} is not text")))?;
        about.header = Header::from_json(text)?;
        about.given = true;
        mended.more(&about.header, text).ok_or_else(|| bad(format!("{HEADER} is damaged")))?;
    }
    // What is shown by pictures is no number; its columns hold paths or files.
    let pictures: Vec<String> = info
        .get("features")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, of)| matches!(of.get("dtype").and_then(Json::as_str), Some("video" | "image" | "string")))
        .map(|(name, _)| name.clone())
        .collect();
    let mut files = Vec::new();
    for chunk in listing(&path.join("data"))?.into_iter().filter(|chunk| chunk.is_dir()) {
        files.extend(listing(&chunk)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "parquet")));
    }
    let mut gathered = Gathered::default();
    let mut known = None;
    for file in files {
        let named = |e: Error| bad(format!("{}: {e}", file.display()));
        let parquet = Parquet::open(read_bytes(&file)?).map_err(named)?;
        let schema = parquet.schema();
        let of: Vec<usize> =
            (0..schema.fields().len()).filter(|at| !pictures.contains(schema.field(*at).name())).collect();
        let shown = schema.project(&of).map_err(crate::store::arrow)?;
        let (wanted, left_out) = of_use(&shown, &about.names).map_err(named)?;
        about.left_out.extend(left_out.into_iter().filter(|_| known.is_none()));
        let wanted: Vec<usize> = wanted.into_iter().map(|at| of[at]).collect();
        let mut visit = |batch| {
            mended.go_on()?;
            gathered.add(&batch)
        };
        parquet.each(&wanted, &mut visit).map_err(|error| match error {
            Error::Interrupted { .. } => error,
            other => named(other),
        })?;
        known.get_or_insert((schema, wanted));
    }
    let Some((schema, wanted)) = known else { return Err(bad("holds no Parquet file under data/".into())) };
    about.left_out.extend(pictures);
    let mut table = gathered.table(&schema, &wanted)?;
    let rows = table.columns.first().map_or(0, |(_, cells)| cells.rows);
    let names: Vec<String> = table.columns.iter().map(|(name, _)| name.clone()).collect();
    if about.names.resolve(&names)?.parts(Quantity::Reward).is_empty() {
        about.header.notes.push(("note".into(), "there is no column of rewards: every reward is read as 0".into()));
        table.columns.push(("reward".into(), Cells::new(rows, Vec::new(), Data::F64(vec![0.0; rows]))?));
    }
    table::read(table, about, &mut mended)?;
    mended.finish()
}

/// Puts back what LeRobot's tables have no place for: seeds, and episodes without a step, which have no frame.
struct Mended<'a> {
    sink: &'a mut dyn Sink,
    seeds: Vec<Option<u64>>,
    unframed: Vec<(usize, Episode)>,
    at: usize,
    framed: usize,
}

impl Mended<'_> {
    fn more(&mut self, header: &Header, text: &str) -> Option<()> {
        let json: Json = serde_json::from_str(text).ok()?;
        self.seeds = json.get("seeds").map_or(Some(Vec::new()), |seeds| serde_json::from_value(seeds.clone()).ok())?;
        for one in json.get("unframed").and_then(Json::as_array).into_iter().flatten() {
            let place = usize::try_from(one.get("episode")?.as_u64()?).ok()?;
            let numbers: Vec<f64> = serde_json::from_value(one.get("observation")?.clone()).ok()?;
            let numbers = Data::F64(numbers);
            let places = (0..numbers.len()).map(|at| (&numbers, at));
            let observation = Data::element(&header.observation_space, places).ok()?;
            let seed = self.seeds.get(place).copied().flatten();
            self.unframed.push((place, Episode { seed, observations: vec![observation], ..Episode::default() }));
        }
        self.unframed.reverse();
        Some(())
    }

    fn place(&mut self) -> Result<()> {
        while let Some((_, episode)) = self.unframed.pop_if(|(place, _)| *place == self.at) {
            self.sink.episode(episode)?;
            self.at += 1;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.place()?;
        if self.unframed.is_empty() {
            Ok(())
        } else {
            Err(Error::external(HEADER, "tells of episodes that are not there"))
        }
    }
}

impl Sink for Mended<'_> {
    fn go_on(&self) -> Result<()> {
        self.sink.go_on()
    }

    fn begin(&mut self, header: &Header) -> Result<()> {
        self.sink.begin(header)
    }

    fn episode(&mut self, mut episode: Episode) -> Result<()> {
        self.place()?;
        episode.seed = self.seeds.get(self.at).copied().flatten();
        self.at += 1;
        self.framed += 1;
        self.sink.episode(episode)
    }
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        uninterrupted(|| std::fs::read_dir(folder)).map_err(|e| crate::store::io(folder, "cannot be read", &e))?;
    let mut paths: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !is_litter(path)).collect();
    paths.sort();
    Ok(paths)
}
