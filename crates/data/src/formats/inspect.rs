//! What is in a data set: a store of ours, or a file or folder that can be imported, which is read through but not kept.

use std::path::Path;

use worldwright_core::{Error, Interrupt, Result, find};

use super::files::{missing, size};
use super::recognised::{foreign, format_of};
use super::sink::noted;
use super::{FORMATS, run_import};
use crate::sink::Sink;
use crate::{ColumnNames, Episode, EpisodeStore, Header, Recovery};

/// What is in a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// `store`, or the name of an entry of [`FORMATS`].
    pub format: &'static str,
    /// Environment, spaces, versions, seed.
    pub header: Header,
    /// Episodes, with those that were under way.
    pub episodes: usize,
    /// Steps in them.
    pub steps: usize,
    /// Episodes that the task itself ended.
    pub terminated: usize,
    /// Episodes that were cut, as by a time limit.
    pub truncated: usize,
    /// Episodes of some steps that were under way when recording stopped.
    pub under_way: usize,
    /// Mean, least and largest undiscounted return of the episodes that ended; `None` without one.
    pub returns: Option<(f64, f64, f64)>,
    /// Bytes of all batches of a store, of all files of another data set.
    pub bytes: u64,
    /// What is wrong with a store's files; always clean for other data sets, in which damage is an error.
    pub recovery: Recovery,
}

/// Looks into the store in a folder, or into a data set of one of the [`FORMATS`].
///
/// # Errors
/// [`Error::External`] when there is neither. Damage to a store is no error, see [`Inspection::recovery`]; to another data set it is.
pub fn inspect(path: &Path) -> Result<Inspection> {
    if !path.exists() {
        return Err(missing(path));
    }
    if let Some(name) = format_of(path) {
        let mut tally = Tally::default();
        let names = ColumnNames::default();
        run_import(&find(FORMATS, "data format", name)?.build, path, &names, &mut tally, &Interrupt::never())?;
        let header = tally.header.take().ok_or_else(|| Error::external(path.display().to_string(), "is empty"))?;
        return Ok(tally.finish(name, header, size(path), Recovery::default()));
    }
    if path.is_file() {
        std::fs::File::open(path).map_err(|e| crate::store::io(path, "cannot be read", &e))?;
        return Err(foreign(path));
    }
    let store = EpisodeStore::open(path)?;
    let mut tally = Tally::default();
    for episode in store.episodes() {
        tally.add(episode.steps, episode.terminated, episode.truncated, episode.total_reward);
    }
    Ok(tally.finish("store", store.header().clone(), store.bytes(), store.recovery().clone()))
}

/// Counts episodes as they come.
#[derive(Debug, Default)]
struct Tally {
    header: Option<Header>,
    episodes: usize,
    steps: usize,
    terminated: usize,
    truncated: usize,
    under_way: usize,
    /// Of the episodes that ended: what an episode earned until recording stopped is no return.
    returns: Vec<f64>,
}

impl Tally {
    fn add(&mut self, steps: usize, terminated: bool, truncated: bool, total_reward: f64) {
        self.episodes += 1;
        self.steps += steps;
        self.terminated += usize::from(terminated);
        self.truncated += usize::from(truncated);
        self.under_way += usize::from(steps > 0 && !terminated && !truncated);
        if terminated || truncated {
            self.returns.push(total_reward);
        }
    }

    fn finish(self, format: &'static str, header: Header, bytes: u64, recovery: Recovery) -> Inspection {
        let returns = (!self.returns.is_empty()).then(|| {
            (
                self.returns.iter().sum::<f64>() / self.returns.len() as f64,
                self.returns.iter().copied().fold(f64::INFINITY, f64::min),
                self.returns.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            )
        });
        Inspection {
            format,
            header,
            episodes: self.episodes,
            steps: self.steps,
            terminated: self.terminated,
            truncated: self.truncated,
            under_way: self.under_way,
            returns,
            bytes,
            recovery,
        }
    }
}

impl Sink for Tally {
    fn begin(&mut self, header: &Header) -> Result<()> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        self.add(episode.steps(), episode.terminated, episode.truncated, episode.rewards.iter().sum());
        Ok(())
    }

    fn note(&mut self, note: &(String, String)) {
        if let Some(header) = &mut self.header {
            noted(header, note);
        }
    }
}
