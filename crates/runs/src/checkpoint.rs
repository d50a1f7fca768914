//! Checkpoints: everything that the rest of a run depends on, in folders that appear whole or not at all.
//!
//! A checkpoint is `checkpoints/<steps>/` with `state.safetensors` (the agent under `agent.`, the loop under `loop.`) and
//! `card.toml` (layout version, program version, configuration hash, hash of the state file). Both are written into
//! `checkpoints/.part`, made durable and renamed. The last two are kept, so that a run goes on even from a damaged last one.
//!
//! What was experienced is not in it: that lies in the episode store once, and a checkpoint holds a position there. So it costs the same
//! however much was collected.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use worldwright_core::{Array, Calls, Error, Result, State, uninterrupted};
use worldwright_data::sync_folder;

use crate::experiment::hex;
use crate::folder::{file_error, write_whole};
use crate::state_file;

/// The layout that is written and read.
const FORMAT: i64 = 7;
const KEPT: usize = 2;
const PART: &str = ".part";
const CARD: &str = "card.toml";

/// Where the loop stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Progress {
    /// Updates made on recorded episodes before the first step.
    pub(crate) updates: u64,
    /// Training steps taken.
    pub(crate) step: u64,
    /// The training step that the run ends after, once a budget is spent.
    pub(crate) ends_after: Option<u64>,
    /// Resets of environments for training episodes that began.
    pub(crate) resets: u64,
    /// What the agent asked for.
    pub(crate) calls: Calls,
    /// What an optimal policy would have earned more, where that is known.
    pub(crate) regret: f64,
    /// Training episodes finished.
    pub(crate) episode: u64,
    /// The episode under way at each place, if one is.
    pub(crate) open: Vec<Option<OpenEpisode>>,
    /// Actions among the steps that were decided, not drawn at random for want of experience.
    pub(crate) decisions: u64,
    /// Step of the last evaluation on the way.
    pub(crate) evaluated_at: u64,
    /// Where the time went.
    pub(crate) clock: Clock,
    /// Bytes that each observer has written.
    pub(crate) positions: BTreeMap<String, u64>,
    /// SHA-256 of the metrics file.
    pub(crate) metrics_sha256: String,
}

/// How far an episode has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct OpenEpisode {
    /// Its number, in the order in which they begin.
    pub(crate) episode: u64,
    /// The seed of its environment's reset.
    pub(crate) environment_seed: u64,
    pub(crate) episode_return: f64,
    pub(crate) length: u64,
    /// Decisions among its steps, and the seconds that they and the environment took.
    pub(crate) decisions: u64,
    pub(crate) act_secs: f64,
    pub(crate) step_secs: f64,
}

impl Progress {
    /// Episodes begun, which is the number of the next one.
    pub(crate) fn begun(&self) -> u64 {
        self.episode + self.open.iter().flatten().count() as u64
    }
}

/// Where the time went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Clock {
    pub(crate) wall: f64,
    pub(crate) act: f64,
    pub(crate) step: f64,
    pub(crate) learn: f64,
    pub(crate) evaluation: f64,
}

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    /// The agent's whole state.
    pub(crate) agent: State,
    /// Position of the episode store, under `store`.
    pub(crate) store: State,
}

/// The card of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Card {
    format: i64,
    worldwright: String,
    config_sha256: String,
    state_sha256: String,
}

/// The checkpoints of a run.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    config_sha256: String,
}

impl Checkpoints {
    pub(crate) fn new(folder: PathBuf, config_sha256: String) -> Self {
        Self { folder, config_sha256 }
    }

    /// Writes a checkpoint and drops all but the last two.
    pub(crate) fn write(&self, checkpoint: &Checkpoint) -> Result<()> {
        let part = self.folder.join(PART);
        if part.exists() {
            uninterrupted(|| fs::remove_dir_all(&part))
                .map_err(|error| file_error(&part, "cannot be removed", &error))?;
        }
        let state = state_file::to_bytes(&to_state(checkpoint))?;
        let card = Card {
            format: FORMAT,
            worldwright: env!("CARGO_PKG_VERSION").to_owned(),
            config_sha256: self.config_sha256.clone(),
            state_sha256: hex(&Sha256::digest(&state)),
        };
        let card = toml::to_string(&card).map_err(|error| Error::external("checkpoint", error.to_string()))?;
        write_whole(&part.join("state.safetensors"), &state)?;
        write_whole(&part.join(CARD), card.as_bytes())?;
        let place = self.folder.join(name(&checkpoint.progress));
        let attempt = || -> std::io::Result<()> {
            if place.exists() {
                uninterrupted(|| fs::remove_dir_all(&place))?;
            }
            uninterrupted(|| fs::rename(&part, &place))?;
            sync_folder(&self.folder)
        };
        attempt().map_err(|error| file_error(&place, "cannot be written", &error))?;
        let mut all = self.all()?;
        all.truncate(all.len().saturating_sub(KEPT));
        for old in &all {
            uninterrupted(|| fs::remove_dir_all(old)).map_err(|error| file_error(old, "cannot be removed", &error))?;
        }
        Ok(())
    }

    /// The newest checkpoint that is whole, with a word on each newer one that is not; none when there is none at all.
    ///
    /// # Errors
    /// When checkpoints are there and none of them is whole, or when they belong to another configuration.
    pub(crate) fn newest(&self) -> Result<Option<(Checkpoint, Vec<String>)>> {
        let mut damaged = Vec::new();
        for folder in self.all()?.iter().rev() {
            match self.read(folder) {
                Ok(checkpoint) => return Ok(Some((checkpoint, damaged))),
                Err(error) => damaged.push(error.to_string()),
            }
        }
        if damaged.is_empty() {
            return Ok(None);
        }
        Err(Error::external(
            self.folder.display().to_string(),
            format!("no checkpoint is whole ({}); start anew in another --run-dir", damaged.join("; ")),
        ))
    }

    /// Checkpoint folders, oldest first.
    fn all(&self) -> Result<Vec<PathBuf>> {
        let entries = match uninterrupted(|| fs::read_dir(&self.folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(file_error(&self.folder, "cannot be read", &error)),
        };
        let mut all: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_name))
            .collect();
        all.sort();
        Ok(all)
    }

    fn card(&self, folder: &Path) -> Result<Card> {
        let who = || folder.display().to_string();
        let path = folder.join(CARD);
        let text = fs::read(&path).map_err(|error| file_error(&path, "cannot be read", &error))?;
        let table: toml::Table =
            String::from_utf8_lossy(&text).parse().map_err(|_| Error::external(who(), "card.toml is damaged"))?;
        let format = table.get("format").and_then(toml::Value::as_integer);
        if format != Some(FORMAT) {
            return Err(Error::external(
                who(),
                "was written by another version of this program; resume with that version",
            ));
        }
        let card: Card = table.try_into().map_err(|_| Error::external(who(), "card.toml is damaged"))?;
        if card.config_sha256 != self.config_sha256 {
            return Err(Error::external(who(), "belongs to another configuration"));
        }
        Ok(card)
    }

    fn read(&self, folder: &Path) -> Result<Checkpoint> {
        let card = self.card(folder)?;
        let path = folder.join("state.safetensors");
        let state = fs::read(&path).map_err(|error| file_error(&path, "cannot be read", &error))?;
        if card.state_sha256 != hex(&Sha256::digest(&state)) {
            return Err(Error::external(
                folder.display().to_string(),
                "state.safetensors is damaged: its hash is not the one in card.toml",
            ));
        }
        from_state(&state_file::from_bytes(&state)?)
    }
}

/// Whether a name is a checkpoint's; what others keep in the folder is left alone.
fn is_name(name: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once('-').is_some_and(|(step, episode)| digits(step, 12) && digits(episode, 9))
}

/// Names sort by what was done: updates come before steps.
fn name(progress: &Progress) -> String {
    format!("{:012}-{:09}", progress.updates + progress.step, progress.episode)
}

fn to_state(checkpoint: &Checkpoint) -> State {
    let Progress {
        updates,
        step,
        ends_after,
        resets,
        calls,
        regret,
        episode,
        open,
        decisions,
        evaluated_at,
        clock,
        positions,
        metrics_sha256,
    } = &checkpoint.progress;
    let mut state = State::new();
    state.put_all("agent", checkpoint.agent.clone());
    state.put_all("loop", checkpoint.store.clone());
    state.put("loop.counters", Array::U64(vec![*step, *episode, *evaluated_at, *decisions, *updates]));
    let Calls { model_steps, gradients, rewards } = *calls;
    let accounts = vec![ends_after.unwrap_or(u64::MAX), *resets, model_steps, gradients, rewards, regret.to_bits()];
    state.put("loop.accounts", Array::U64(accounts));
    state.put("loop.metrics_sha256", Array::U8(metrics_sha256.clone().into_bytes()));
    let Clock { wall, act, step, learn, evaluation } = *clock;
    state.put("loop.clock", Array::F64(vec![5], vec![wall, act, step, learn, evaluation]));
    state.put("loop.places", Array::U64(vec![open.len() as u64]));
    for (place, open) in open.iter().enumerate() {
        let Some(open) = open else { continue };
        let OpenEpisode { episode, environment_seed, episode_return, length, decisions, act_secs, step_secs } = *open;
        let counters = vec![episode, environment_seed, length, decisions];
        state.put(format!("loop.open.{place}.counters"), Array::U64(counters));
        state.put(format!("loop.open.{place}.sums"), Array::F64(vec![3], vec![episode_return, act_secs, step_secs]));
    }
    for (observer, position) in positions {
        state.put(format!("position.{observer}"), Array::U64(vec![*position]));
    }
    state
}

fn from_state(state: &State) -> Result<Checkpoint> {
    let counters = state.u64s("loop.counters", 5)?;
    let accounts = state.u64s("loop.accounts", 6)?;
    let clock = state.f64s("loop.clock", 5)?;
    let positions = state.part("position");
    let open = (0..state.u64s("loop.places", 1)?[0]).map(|place| {
        let of = |what: &str| format!("loop.open.{place}.{what}");
        if !state.contains(&of("counters")) {
            return Ok(None);
        }
        let (counters, sums) = (state.u64s(&of("counters"), 4)?, state.f64s(&of("sums"), 3)?);
        Ok(Some(OpenEpisode {
            episode: counters[0],
            environment_seed: counters[1],
            length: counters[2],
            decisions: counters[3],
            episode_return: sums[0],
            act_secs: sums[1],
            step_secs: sums[2],
        }))
    });
    let open = open.collect::<Result<_>>()?;
    Ok(Checkpoint {
        progress: Progress {
            updates: counters[4],
            step: counters[0],
            ends_after: Some(accounts[0]).filter(|step| *step < u64::MAX),
            resets: accounts[1],
            calls: Calls { model_steps: accounts[2], gradients: accounts[3], rewards: accounts[4] },
            regret: f64::from_bits(accounts[5]),
            episode: counters[1],
            open,
            evaluated_at: counters[2],
            decisions: counters[3],
            clock: Clock { wall: clock[0], act: clock[1], step: clock[2], learn: clock[3], evaluation: clock[4] },
            positions: positions
                .iter()
                .map(|(name, _)| Ok((name.to_owned(), positions.u64s(name, 1)?[0])))
                .collect::<Result<_>>()?,
            metrics_sha256: match state.array("loop.metrics_sha256")? {
                Array::U8(text) => String::from_utf8_lossy(text).into_owned(),
                _ => return Err(Error::external("checkpoint", "its hash of the metrics is no text: it is damaged")),
            },
        },
        agent: state.part("agent"),
        store: state.part("loop"),
    })
}
