//! Tables in memory: arrays by name, as a program holds them, read by the rules of files. What they say more than a file does is
//! [`Kinds::Told`].

use worldwright_core::{Dataset, Error, Result, Space};

use super::cells::{Cells, Data};
use super::found::Found;
use super::names::{Quantity, name_of, quantity_of};
use super::quantities::Source;
use super::rows::{Rows, row_ends};
use super::{About, ColumnNames, Kinds, Table, read};
use crate::sink::Sink;
use crate::{Episode, Header, exact, recorded_names};

/// Named columns of one length.
#[derive(Debug, Default)]
pub struct Arrays {
    table: Table,
}

/// What is asked of a table beside its columns.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Whether every name must be known: a slip in a program's own words is an error, a column more in a frame is not.
    pub strict: bool,
    /// What observations are to be elements of, where somebody says so.
    pub observation_space: Option<Space>,
    /// Likewise of actions.
    pub action_space: Option<Space>,
    /// What the rows are of.
    pub environment: String,
    /// The seed of the run that recorded them.
    pub seed: u64,
}

impl Asked {
    fn about(&self) -> About {
        let mut about = About::new(&self.environment, "arrays", &ColumnNames::default());
        (about.header.seed, about.header.notes) = (self.seed, Vec::new());
        (about.strict, about.kinds) = (self.strict, Kinds::Told);
        about.spaces = [self.observation_space.clone(), self.action_space.clone()];
        about
    }
}

/// Transitions, with what a header would say of them.
#[derive(Debug)]
pub struct Transitions {
    /// Flat numbers; rewards that were not there are zeros.
    pub data: Dataset,
    /// Whether there were rewards.
    pub rewarded: bool,
    /// What actions are elements of.
    pub action_space: Space,
    /// What they are of; none where nothing but places tells numbers apart.
    pub header: Option<Header>,
    /// What a user should know of how they were read: what it is about, and the words.
    pub notes: Vec<(String, String)>,
}

/// Keeps what is read.
#[derive(Default)]
struct Kept {
    header: Option<Header>,
    episodes: Vec<Episode>,
}

impl Sink for Kept {
    fn begin(&mut self, header: &Header) -> Result<()> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn episode(&mut self, episode: Episode) -> Result<()> {
        self.episodes.push(episode);
        Ok(())
    }
}

impl Arrays {
    /// Adds a column of `rows` times the product of `shape` items, those rows being empty that `empty` says; no entries where none is.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not so many items.
    pub fn add(&mut self, name: &str, rows: usize, shape: Vec<usize>, items: Data, empty: Vec<bool>) -> Result<()> {
        self.table.columns.push((name.to_owned(), Cells::with_empty(rows, shape, items, empty)?));
        Ok(())
    }

    /// One table of episodes that lie in arrays of their own, in their order. An episode has as many rows as observations; a column with one row less
    /// lacks the last one, of which nothing but the observation is known.
    ///
    /// # Errors
    /// [`Error::Shape`] naming the column and the episode for arrays of other lengths or shapes; [`Error::Config`] for episodes of different
    /// columns.
    pub fn joined(episodes: Vec<Self>) -> Result<Self> {
        let mut all: Vec<(String, Cells)> = Vec::new();
        let mut labels = Vec::new();
        for (episode, Self { table }) in episodes.into_iter().enumerate() {
            let is_observed = |name: &str| quantity_of(name) == Some(Quantity::Observation);
            let rows = table.columns.iter().find(|(name, _)| is_observed(name)).map_or(0, |(_, cells)| cells.rows);
            if episode > 0 && table.columns.iter().map(|(name, _)| name).ne(all.iter().map(|(name, _)| name)) {
                return Err(Error::config(
                    format!("episode {episode}"),
                    "has other columns than episode 0: give each the same",
                ));
            }
            for (place, (name, cells)) in table.columns.into_iter().enumerate() {
                let whole = match cells.rows {
                    own if own == rows => cells,
                    own if own + 1 == rows => cells.pick(&(0..own).map(Some).chain([None]).collect::<Vec<_>>())?,
                    own => {
                        return Err(Error::shape(
                            format!("{name} of episode {episode}"),
                            &[rows.saturating_sub(1)],
                            &[own],
                        ));
                    }
                };
                match all.get_mut(place) {
                    None => all.push((name, whole)),
                    Some((_, before)) if before.shape != whole.shape => {
                        return Err(Error::shape(format!("{name} of episode {episode}"), &before.shape, &whole.shape));
                    }
                    Some((_, before)) => before.append(whole)?,
                }
            }
            labels.extend(std::iter::repeat_n(episode as i64, rows));
        }
        let count = labels.len();
        all.push((name_of(Quantity::Episode).into(), Cells::new(count, Vec::new(), Data::I64(labels))?));
        Ok(Self { table: Table { columns: all } })
    }

    /// The space of which the rows of the first column are elements, as a whole observation or action, as far as their type tells: an observation's
    /// depends on that and on the shape alone.
    ///
    /// # Errors
    /// [`Error::Config`] where it holds no numbers.
    pub fn space(self, quantity: Quantity) -> Result<Space> {
        let whole = [(String::new(), 0, false)];
        Source::new(name_of(quantity), &whole, &self.table)?.told_space(&self.table, None)
    }

    fn some_row(&self) -> Result<()> {
        if self.table.columns.iter().any(|(_, cells)| cells.rows > 0) {
            return Ok(());
        }
        let why = format!("holds no step ({}): give at least one row a step", self.table.without_a_row());
        Err(Error::config("the table", why))
    }

    /// The episodes of a table in long format, and the header that a store of them would have.
    ///
    /// # Errors
    /// [`Error::Config`] for columns that are missing, misspelt or do not fit together, naming row and episode; [`Error::Diverged`] for
    /// numbers that are not finite.
    pub fn episodes(self, asked: &Asked) -> Result<(Header, Vec<Episode>)> {
        self.some_row()?;
        let mut kept = Kept::default();
        read(self.table, asked.about(), &mut kept)?;
        let header = kept.header.ok_or_else(|| Error::external("the table", "holds no step"))?;
        Ok((header, kept.episodes))
    }

    /// The transitions of a table, whether or not its rows form episodes. Where it has no next observations, or rows of an observation
    /// alone, but rewards and something that tells where episodes end, they are those of its [`episodes`](Self::episodes).
    ///
    /// # Errors
    /// As there, a next observation being needed where rows form no episodes.
    pub fn transitions(self, asked: &Asked) -> Result<Transitions> {
        self.some_row()?;
        let about = asked.about();
        let found = Found::new(self.table, &about, &[])?;
        let tells = [
            Quantity::Episode,
            Quantity::Step,
            Quantity::Terminated,
            Quantity::Truncated,
            Quantity::Done,
            Quantity::First,
        ];
        let follows = found.has(Quantity::NextObservation);
        let told = found.has(Quantity::Reward) && tells.iter().any(|quantity| found.has(*quantity));
        let action = found.source(Quantity::Action)?;
        let hollow = |action: &Source| (0..found.rows).any(|row| action.is_empty(&found.table, row));
        let rows_alone =
            found.has(Quantity::Reward) && found.has(Quantity::Episode) && action.as_ref().is_some_and(hollow);
        if (!follows && told) || (follows && rows_alone) {
            let left_out = found.left_out(&about);
            let columns = found.table;
            let (mut header, episodes) = Self { table: columns }.episodes(asked)?;
            note_left_out(&mut header.notes, &left_out);
            return of_episodes(header, &episodes);
        }
        found.need(&[Quantity::Observation, Quantity::Action, Quantity::NextObservation])?;
        of_rows(&found, about)
    }
}

fn note_left_out(notes: &mut Vec<(String, String)>, names: &[String]) {
    if !names.is_empty() {
        notes.push(("left out".into(), format!("columns {}", names.join(", "))));
    }
}

/// The transitions of episodes.
fn of_episodes(header: Header, episodes: &[Episode]) -> Result<Transitions> {
    let (observed, done) = (&header.observation_space, &header.action_space);
    let mut data = Dataset::new(observed.flat_dim(), done.flat_dim());
    let (mut seen, mut next) = (vec![0.0; observed.flat_dim()], vec![0.0; observed.flat_dim()]);
    let mut act = vec![0.0; done.flat_dim()];
    for episode in episodes {
        for (t, (action, reward)) in episode.actions.iter().zip(&episode.rewards).enumerate() {
            observed.flatten(&episode.observations[t], &mut seen)?;
            observed.flatten(&episode.observations[t + 1], &mut next)?;
            done.flatten(action, &mut act)?;
            let last = t + 1 == episode.steps();
            data.push(&seen, &act, *reward, &next, episode.terminated && last, last)?;
        }
    }
    if data.is_empty() {
        let why = format!("hold no step, in {} episodes: give at least one transition", episodes.len());
        return Err(Error::config("the data", why));
    }
    let notes = header.notes.iter().filter(|(about, _)| ["left out", "note", "warning"].contains(&about.as_str()));
    let (notes, action_space) = (notes.cloned().collect(), header.action_space.clone());
    Ok(Transitions { data, rewarded: true, action_space, notes, header: Some(header) })
}

/// The transitions of rows, each of which has its own next observation.
fn of_rows(found: &Found, about: About) -> Result<Transitions> {
    let table = &found.table;
    let observation = found.needed(Quantity::Observation)?;
    let action = found.needed(Quantity::Action)?;
    let next = found.needed(Quantity::NextObservation)?.paired(&observation)?;
    if observation.width(table) != next.width(table) {
        return Err(Error::shape("next observations", &[observation.width(table)], &[next.width(table)]));
    }
    let mut notes = Vec::new();
    let mut ends = Vec::new();
    let flagged = row_ends(
        &Rows {
            count: found.rows,
            acted: vec![true; found.rows],
            terminated: found.flags(Quantity::Terminated)?,
            truncated: found.flags(Quantity::Truncated)?,
            done: found.flags(Quantity::Done)?,
            ..Rows::default()
        },
        &mut ends,
    )?;
    note_left_out(&mut notes, &found.left_out(&about));
    notes.extend(ends.into_iter().map(|note| ("note".to_owned(), note)));
    let [observed, done] = about.spaces;
    let observed = observation.space_like(table, Some(&next), observed, Kinds::Told)?;
    let action_space_given = done.is_some();
    // Parts that have names are matched with those of whoever takes the data up.
    let done = done.filter(|_| !action.has_parts());
    let flat = |space: &Space| is_parted(space) && space.flat_dim() == action.width(table);
    let wrong = |space: &&Space| !(action.reads_as(space, table) || flat(space));
    if let Some(space) = done.as_ref().filter(wrong) {
        let wanted = if matches!(space, Space::Discrete { .. }) { 1 } else { space.flat_dim() };
        return Err(Error::shape("actions", &[found.rows, wanted], &[found.rows, action.width(table)]));
    }
    let done = action.space_like(table, None, done, Kinds::Told)?;
    let labels = found.labels()?;
    let rewards = found.column(Quantity::Reward).map(|_| found.reward()).transpose()?;
    let mut data = Dataset::new(observed.flat_dim(), done.flat_dim());
    let (mut seen, mut after, mut act) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..found.rows {
        let flat = |source: &Source, what: &str, space: &Space, out: &mut Vec<f64>| {
            if !source.is_finite(table, row) {
                let why = format!("{what} holds an empty, NaN or infinite number, which is not finite");
                return Err(Error::Diverged { who: format!("row {row}").into(), why });
            }
            out.clear();
            if matches!(space, Space::Box { .. }) && source.width(table) == space.flat_dim() {
                source.push_row(table, row, out);
                return Ok(());
            }
            out.resize(space.flat_dim(), 0.0);
            let value = source.value(table, row, space)?;
            space.flatten(&value, out).map_err(|error| exact::at(&format!("{what} of row {row}"), error))
        };
        flat(&observation, "the observation", &observed, &mut seen)?;
        flat(&next, "the next observation", &observed, &mut after)?;
        flat(&action, "the action", &done, &mut act)?;
        if action_space_given {
            action.within(table, row, &done).map_err(|error| match error {
                Error::NotInSpace { what, reason } => {
                    Error::NotInSpace { what: format!("row {row}: {what}").into(), reason }
                }
                other => other,
            })?;
        }
        let reward =
            rewards.map_or(0.0, |(_, cells)| if cells.is_empty(row) { f64::NAN } else { cells.data.number(row) });
        if !reward.is_finite() {
            let why = format!("its reward {reward} is not finite");
            return Err(Error::Diverged { who: format!("row {row}").into(), why });
        }
        let (over, cut) = (flagged.terminated[row], flagged.truncated[row]);
        let changes = labels.as_ref().is_some_and(|labels| labels.get(row + 1) != Some(&labels[row]));
        data.push(&seen, &act, reward, &after, over, over || cut || changes)?;
    }
    data.end_episode();
    let mut header = Header::new(about.header.environment, observed, done, about.header.seed);
    let mut named =
        !matches!(header.observation_space, Space::Box { .. }) || matches!(header.action_space, Space::Dict(_));
    for (quantity, source) in [(Quantity::Observation, &observation), (Quantity::Action, &action)] {
        if let Some(names) = source.names(table) {
            named = true;
            crate::note_names(&mut header, quantity, &names);
        }
    }
    let (action_space, header) = (header.action_space.clone(), named.then_some(header));
    Ok(Transitions { data, rewarded: rewards.is_some(), action_space, header, notes })
}

/// Whether elements are told by flat numbers where they do not come in parts.
fn is_parted(space: &Space) -> bool {
    matches!(space, Space::Dict(_) | Space::Tuple(_) | Space::MultiDiscrete { .. } | Space::MultiBinary { .. })
}

impl Transitions {
    /// What the numbers of observations and of actions are called, where they have names.
    pub fn names(&self) -> [Option<Vec<String>>; 2] {
        self.header.as_ref().map(recorded_names).unwrap_or_default()
    }
}
