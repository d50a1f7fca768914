//! From rows to episodes: which rows make up which episode, in whichever of the layouts tables come.
//!
//! | layout | a row holds |
//! |---|---|
//! | transitions | observation, action, reward, flags, next observation |
//! | departures | observation, the action taken at it, and what came of that; the last row of an episode has no action |
//! | arrivals | an action and what came of it, the observation after it included; the first row of an episode has no action |
//!
//! In a table of departures whose last rows have actions these actions have no outcome: they are dropped, and the episode counts as
//! truncated. No stand-in takes the place of the observation that is not there: the store cannot mark it as absent, and a model would
//! learn from it a transition that never was. What is lost beside it, rewards other than zero and ends of the task, is counted in a
//! warning. A row of an observation alone is an episode without steps.

use std::collections::HashSet;
use std::ops::Range;

use worldwright_core::{Error, Result};

use super::flags::Flag;

/// What decides about rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// How many there are.
    pub count: usize,
    /// The episode of each, by name; none where flags or steps tell where episodes end.
    pub episode: Option<Vec<String>>,
    /// Its step, and whether steps are whole numbers, which rise by one; others rise somehow.
    pub step: Option<(Vec<f64>, bool)>,
    /// Whether it has an action.
    pub acted: Vec<bool>,
    /// Whether it has a next observation, and whether that is the observation of the row after it.
    pub next: Option<(Vec<bool>, Vec<bool>)>,
    /// Flags, where there are any.
    pub terminated: Option<Vec<Flag>>,
    /// Likewise.
    pub truncated: Option<Vec<Flag>>,
    /// Likewise; see [`Quantity::Done`](super::Quantity).
    pub done: Option<Vec<Flag>>,
    /// Whether an episode begins.
    pub first: Option<Vec<Flag>>,
    /// What the action of each paid, NaN where that is not told; for what is lost with actions that are dropped.
    pub reward: Option<Vec<f64>>,
}

/// The rows of one episode of T steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EpisodeRows {
    /// Its name, for messages.
    pub name: String,
    /// Rows whose observations are its own: T + 1, or T where [`closing`](Self::closing) has the last.
    pub seen: Range<usize>,
    /// Rows whose actions and rewards are its own.
    pub acted: Range<usize>,
    /// The row whose next observation is the last one.
    pub closing: Option<usize>,
    /// Whether the task itself ended it.
    pub terminated: bool,
    /// Whether it was cut.
    pub truncated: bool,
}

/// Episodes, and what a user should know of how they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Laid {
    /// In the order of the rows.
    pub episodes: Vec<EpisodeRows>,
    /// Sentences.
    pub notes: Vec<String>,
    /// Sentences on what was lost that a model could have learned from.
    pub warnings: Vec<String>,
}

/// Lays rows out as episodes.
///
/// # Errors
/// [`Error::Config`] naming episode and row where they do not fit together.
pub(crate) fn lay_out(rows: &Rows) -> Result<Laid> {
    let mut laid = Laid::default();
    let ends = row_ends(rows, &mut laid.notes)?;
    let mut lost = Lost::default();
    for (name, span) in spans(rows, &ends)? {
        check_steps(rows, &name, span.clone())?;
        let last = span.end - 1;
        let (episode, dropped) = one(rows, &ends, name, span)?;
        if dropped {
            lost.add(
                rows.reward.as_ref().and_then(|rewards| rewards.get(last)).map_or(0.0, |reward| *reward),
                ends.terminated[last],
            );
        }
        laid.episodes.push(episode);
    }
    lost.say(&mut laid);
    Ok(laid)
}

/// What went with the actions that had to be dropped.
#[derive(Debug, Default)]
struct Lost {
    actions: usize,
    /// Rewards other than zero, and their sum.
    rewards: usize,
    total: f64,
    ends: usize,
}

impl Lost {
    fn add(&mut self, reward: f64, terminated: bool) {
        self.actions += 1;
        if reward.is_finite() && reward != 0.0 {
            self.rewards += 1;
            self.total += reward;
        }
        self.ends += usize::from(terminated);
    }

    fn say(&self, laid: &mut Laid) {
        if self.actions == 0 {
            return;
        }
        let left = format!(
            "the last action of {} of {} episodes is left out: there is no next observation that tells what it led to",
            self.actions,
            laid.episodes.len()
        );
        if self.rewards == 0 && self.ends == 0 {
            laid.notes.push(left);
            return;
        }
        let counted = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {more}")),
        };
        let rewards = counted(self.rewards, "reward other than zero", "rewards other than zero").map(|text| {
            if self.rewards == 1 {
                format!("{text} ({})", self.total as f32)
            } else {
                format!("{text} (their sum is {})", self.total as f32)
            }
        });
        let ends = counted(self.ends, "end of the task (terminated)", "ends of the task (terminated)");
        let both: Vec<String> = rewards.into_iter().chain(ends).collect();
        laid.warnings.push(format!(
            "{left}; lost with them are {}, which no model learned from these episodes will know of: add the next observations \
             (next_observation), or behind each episode a row of its last observation without an action",
            both.join(" and ")
        ));
    }
}

/// What an episode that stands alone says of how it ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// One flag for the whole of it.
    Whole(bool),
    /// A flag for each step.
    Steps(Vec<bool>),
}

/// Whether an episode of so many steps terminated and whether it was cut, by the rules of tables, from whichever flags it has; and what a
/// user should know of that.
///
/// # Errors
/// [`Error::Shape`] for more or fewer flags than steps; [`Error::Config`] for flags that contradict each other, and for an episode that goes
/// on after its end.
pub fn episode_ends(
    steps: usize,
    terminated: Option<Ended>,
    truncated: Option<Ended>,
    done: Option<Ended>,
) -> Result<(bool, bool, Vec<String>)> {
    // An episode without a step ends where it begins.
    let count = steps.max(1);
    let spread = |what: &'static str, ended: Option<Ended>| -> Result<Option<Vec<Flag>>> {
        let mut flags = vec![Some(false); count];
        match ended {
            None => return Ok(None),
            Some(Ended::Whole(flag)) => flags[count - 1] = Some(flag),
            Some(Ended::Steps(told)) if told.len() != steps => return Err(Error::shape(what, &[steps], &[told.len()])),
            Some(Ended::Steps(told)) => flags.iter_mut().zip(told).for_each(|(flag, told)| *flag = Some(told)),
        }
        if let Some(step) = flags[..count - 1].iter().position(|flag| *flag == Some(true)) {
            return Err(Error::config(
                what,
                format!("the episode goes on after its end at step {step}: split it there"),
            ));
        }
        Ok(Some(flags))
    };
    let rows = Rows {
        count,
        acted: vec![true; count],
        terminated: spread("terminated", terminated)?,
        truncated: spread("truncated", truncated)?,
        done: spread("done", done)?,
        ..Rows::default()
    };
    let mut notes = Vec::new();
    let ends = row_ends(&rows, &mut notes)?;
    Ok((ends.terminated[count - 1], ends.truncated[count - 1], notes))
}

/// How each row ends its episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowEnds {
    /// Whether the task itself ended there.
    pub terminated: Vec<bool>,
    /// Whether it was cut there.
    pub truncated: Vec<bool>,
    /// Whether there are flags at all, and whether those of cuts are.
    told: bool,
    cuts: bool,
}

/// How each row ends its episode, from whichever flags there are.
///
/// # Errors
/// [`Error::Config`] naming the row of an action whose flag is missing, and one whose flags contradict each other.
pub(crate) fn row_ends(rows: &Rows, notes: &mut Vec<String>) -> Result<RowEnds> {
    let read = |what: &str, flags: &Option<Vec<Flag>>| -> Result<Option<Vec<bool>>> {
        let Some(flags) = flags else { return Ok(None) };
        let known = flags.iter().enumerate().map(|(row, flag)| match flag {
            Some(flag) => Ok(*flag),
            // A row without an action is the place of an observation alone.
            None if !rows.acted[row] => Ok(false),
            None => Err(Error::config(
                what,
                format!("row {row} is empty (NaN, None or NA): give true or false, or leave the column out"),
            )),
        });
        known.collect::<Result<Vec<bool>>>().map(Some)
    };
    let (terminated, truncated) = (read("terminated", &rows.terminated)?, read("truncated", &rows.truncated)?);
    let done = read("done", &rows.done)?;
    if let Some(flags) = &rows.done {
        contradiction(flags, rows.terminated.as_deref(), rows.truncated.as_deref())?;
    }
    let (told, cuts) = (
        terminated.is_some() || truncated.is_some() || done.is_some(),
        truncated.is_some() || (done.is_some() && terminated.is_some()),
    );
    let none = || vec![false; rows.count];
    let and_not = |a: &[bool], b: &[bool]| a.iter().zip(b).map(|(a, b)| *a && !*b).collect::<Vec<bool>>();
    let (terminated, truncated) = match (terminated, truncated, done) {
        (Some(terminated), Some(truncated), _) => (terminated, truncated),
        (Some(terminated), None, Some(done)) => {
            let cut = and_not(&done, &terminated);
            (terminated, cut)
        }
        (None, Some(truncated), Some(done)) => (and_not(&done, &truncated), truncated),
        (None, None, Some(done)) => {
            if done.contains(&true) {
                notes.push(
                    "'done' is taken as terminated: no column tells apart what a time limit cut (truncated, timeouts)"
                        .into(),
                );
            }
            (done, none())
        }
        (terminated, truncated, None) => (terminated.unwrap_or_else(none), truncated.unwrap_or_else(none)),
    };
    Ok(RowEnds { terminated, truncated, told, cuts })
}

/// Refuses rows whose `done` cannot be true beside the other flags. A flag that is missing says nothing, and where no column but that of
/// cuts is beside it, `done` may be what others call terminated.
fn contradiction(done: &[Flag], terminated: Option<&[Flag]>, truncated: Option<&[Flag]>) -> Result<()> {
    let Some(terminated) = terminated else { return Ok(()) };
    for (row, done) in done.iter().enumerate() {
        let cut = truncated.map(|truncated| truncated[row]);
        let wrong = match (done, terminated[row], cut) {
            (Some(false), Some(true), _) => Some("'terminated' is true"),
            (Some(false), _, Some(Some(true))) => Some("'truncated' is true"),
            (Some(true), Some(false), Some(Some(false))) => Some("neither 'terminated' nor 'truncated' is"),
            _ => None,
        };
        if let (Some(wrong), Some(done)) = (wrong, done) {
            return Err(Error::config(
                "done",
                format!(
                    "row {row} is {done}, but {wrong} there: 'done' is either of them; correct the row, or leave 'done' out"
                ),
            ));
        }
    }
    Ok(())
}

/// The episodes' names and rows.
fn spans(rows: &Rows, ends: &RowEnds) -> Result<Vec<(String, Range<usize>)>> {
    let count = rows.count;
    let starts: Vec<usize> = match &rows.episode {
        Some(names) => (0..count).filter(|row| *row == 0 || names[*row] != names[*row - 1]).collect(),
        None => {
            let arrivals = count > 1 && rows.next.is_none() && !rows.acted[0] && rows.acted[1];
            let told = ends.told || rows.next.is_some() || rows.step.is_some() || rows.first.is_some();
            if !told && rows.acted.iter().all(|acted| *acted) {
                return Err(Error::config(
                    "episode",
                    "there is no such column, and neither flags (terminated, truncated, done), steps nor next observations tell \
                     where episodes end: add one of them",
                ));
            }
            let begins = |row: usize| -> bool {
                let (before, acted) = (row - 1, rows.acted[row]);
                let first = rows.first.as_ref().is_some_and(|first| first[row] == Some(true));
                let back = rows.step.as_ref().is_some_and(|(steps, _)| steps[row] <= steps[before]);
                let apart = rows.next.as_ref().is_some_and(|(there, joins)| there[before] && !joins[before]);
                let over = ends.terminated[before] || ends.truncated[before];
                if arrivals {
                    return !acted || first;
                }
                // After an end, a row without an action shows what the last action led to.
                let closes = rows.next.is_none() && !acted && rows.acted[before];
                first
                    || back
                    || apart
                    || (over && !closes)
                    || (!rows.acted[before] && rows.next.is_none())
                    || (rows.next.is_some() && !acted)
            };
            (0..count).filter(|row| *row == 0 || begins(*row)).collect()
        }
    };
    let mut seen = HashSet::new();
    let mut spans = Vec::with_capacity(starts.len());
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(count);
        let name = rows.episode.as_ref().map_or_else(|| i.to_string(), |names| names[*start].clone());
        if !seen.insert(name.clone()) {
            return Err(Error::config(
                "episode",
                format!("the rows of episode {name} do not stand together: sort the table by episode and step"),
            ));
        }
        spans.push((name, *start..end));
    }
    Ok(spans)
}

fn check_steps(rows: &Rows, name: &str, span: Range<usize>) -> Result<()> {
    let Some((steps, whole)) = &rows.step else { return Ok(()) };
    for row in span.start + 1..span.end {
        let (before, now) = (steps[row - 1], steps[row]);
        if if *whole { now != before + 1.0 } else { now.is_nan() || now <= before } {
            let rule = if *whole { "steps must rise by one" } else { "they must rise" };
            return Err(Error::config(
                "step",
                format!(
                    "episode {name} goes from step {before} to step {now} at row {row}, but {rule}: sort by episode and step, and \
                     split the episode where steps are missing"
                ),
            ));
        }
    }
    Ok(())
}

/// The episode of some rows, and whether its last action had to be dropped.
fn one(rows: &Rows, ends: &RowEnds, name: String, span: Range<usize>) -> Result<(EpisodeRows, bool)> {
    let wrong = |why: String| Error::config("episode", format!("{name}: {why}"));
    let ended = |row: usize| (ends.terminated[row], ends.truncated[row]);
    let over = |acted: Range<usize>| {
        let last = acted.end;
        match acted.clone().find(|row| *row + 1 < last && (ends.terminated[*row] || ends.truncated[*row])) {
            Some(row) => Err(wrong(format!(
                "goes on after its end at row {row} (of the table): give what follows an episode of its own"
            ))),
            None => Ok(()),
        }
    };
    let (first, last) = (span.start, span.end - 1);
    let arrivals = rows.next.is_none() && span.len() > 1 && !rows.acted[first];
    let mut dropped = false;
    let (seen, acted, closing) = if let Some((there, joins)) = &rows.next {
        // A last row that has neither action nor next observation shows again what the row before led to.
        let acted = first..if rows.acted[last] { span.end } else { last };
        for row in acted.clone() {
            if !there[row] {
                return Err(wrong(format!("row {row} lacks a next observation")));
            }
            if row + 1 < span.end && !joins[row] {
                return Err(wrong(format!(
                    "the next observation of row {row} is not the observation of row {}: give separate stretches separate \
                     episodes, or fit a model to the transitions as columns without 'episode'",
                    row + 1
                )));
            }
        }
        let closing = (!acted.is_empty()).then(|| acted.end - 1);
        (if acted.is_empty() { first..first + 1 } else { acted.clone() }, acted, closing)
    } else if arrivals {
        (span.clone(), first + 1..span.end, None)
    } else {
        dropped = rows.acted[last];
        (span.clone(), first..last, None)
    };
    if let Some(row) = acted.clone().find(|row| !rows.acted[*row]) {
        return Err(wrong(format!("row {row} lacks an action")));
    }
    over(if dropped { span.clone() } else { acted.clone() })?;
    let mut flags = acted.clone().next_back().map_or((false, false), ended);
    if dropped {
        flags = (false, !acted.is_empty());
    } else if !rows.acted[last] && last >= acted.end {
        // A closing row repeats how the episode ended, or is the only one that tells.
        let (terminated, truncated) = ended(last);
        flags = (flags.0 || terminated, flags.1 || truncated);
    }
    if !ends.cuts && !flags.0 {
        flags.1 = !acted.is_empty();
    }
    Ok((EpisodeRows { name, seen, acted, closing, terminated: flags.0, truncated: flags.1 }, dropped))
}
