//! The one table of names by which columns of tables are known, whatever holds the table.
//!
//! Sources of the spellings: Gymnasium and Minari (`terminations`, `truncations`), D4RL (`terminals`, `timeouts`), imitation (`obs`,
//! `acts`, `rews`, `next_obs`, `dones`), robomimic (`obs/NAME`, `next_obs/NAME`, `dones`), Stable-Baselines3 (`dones`, `timeouts`,
//! `episode_starts`), RLDS (`is_first`, `is_last`, `is_terminal`), LeRobot (`next.reward`, `episode_index`, `frame_index`).
//!
//! Capital letters, hyphens, spaces and dots do not matter, and a part keeps the name that is written. Observations and actions may also lie in several columns: `obs_x`, `obs_y`
//! (or with a dot) are numbers of one vector, `obs/place`, `obs/speed` named parts.

use worldwright_core::{Error, Result};

use crate::spelling::{plain, same_name};

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quantity {
    /// What was observed.
    Observation,
    /// What was done.
    Action,
    /// What it paid.
    Reward,
    /// What was observed then.
    NextObservation,
    /// Whether the task itself ended.
    Terminated,
    /// Whether the episode was cut.
    Truncated,
    /// Whether the episode ended, for either reason where another column tells of cuts; otherwise that the task ended.
    Done,
    /// Which episode a row belongs to.
    Episode,
    /// Which row of its episode it is, or when it was.
    Step,
    /// Whether an episode begins.
    First,
    /// Whether a row holds nothing but an episode's last observation.
    Last,
}

/// A quantity and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What the column holds.
    pub quantity: Quantity,
    /// The name that this project gives it, and then those of others, in small letters with underscores.
    pub names: &'static [&'static str],
    /// Further names, which count only where none of the others is there.
    pub weak: &'static [&'static str],
}

/// All names.
pub const COLUMNS: &[Known] = &[
    Known {
        quantity: Quantity::Observation,
        names: &["observation", "observations", "obs", "obses", "ob"],
        weak: &["state", "states"],
    },
    Known {
        quantity: Quantity::Action,
        names: &["action", "actions", "act", "acts", "acs", "action_taken", "actions_taken"],
        weak: &[],
    },
    Known {
        quantity: Quantity::Reward,
        names: &["reward", "rewards", "rew", "rews", "next_reward", "next_rewards"],
        weak: &[],
    },
    Known {
        quantity: Quantity::NextObservation,
        names: &[
            "next_observation",
            "next_observations",
            "next_obs",
            "next_obses",
            "next_ob",
            "obs_next",
            "observation_next",
            "observations_next",
            "new_obs",
            "new_observation",
            "new_observations",
        ],
        weak: &["next_state", "next_states"],
    },
    Known {
        quantity: Quantity::Terminated,
        names: &[
            "terminated",
            "terminateds",
            "terminal",
            "terminals",
            "termination",
            "terminations",
            "is_terminal",
            "is_terminated",
            "next_terminated",
            "next_terminal",
        ],
        weak: &[],
    },
    Known {
        quantity: Quantity::Truncated,
        names: &[
            "truncated",
            "truncateds",
            "truncation",
            "truncations",
            "timeout",
            "timeouts",
            "timelimit_truncated",
            "is_truncated",
            "is_timeout",
            "next_truncated",
        ],
        weak: &[],
    },
    Known {
        quantity: Quantity::Done,
        names: &["done", "dones", "is_done", "next_done", "next_dones", "episode_done", "episode_ends", "episode_end"],
        weak: &[],
    },
    Known {
        quantity: Quantity::Episode,
        names: &[
            "episode",
            "episodes",
            "episode_id",
            "episode_ids",
            "episode_index",
            "episode_number",
            "episode_name",
            "trajectory",
            "trajectories",
            "trajectory_id",
            "trajectory_index",
            "traj",
            "traj_id",
            "demo",
            "rollout",
        ],
        weak: &[],
    },
    Known {
        quantity: Quantity::Step,
        names: &[
            "step",
            "steps",
            "step_id",
            "step_index",
            "time_step",
            "timestep",
            "timesteps",
            "time_steps",
            "frame_index",
        ],
        weak: &["t"],
    },
    Known { quantity: Quantity::First, names: &["is_first", "episode_start", "episode_starts", "first"], weak: &[] },
    Known { quantity: Quantity::Last, names: &["is_last"], weak: &[] },
];

/// What others keep beside: never taken for a slip, and named as left out.
const EXTRAS: &[&str] = &[
    "info",
    "infos",
    "env_info",
    "env_infos",
    "agent_info",
    "agent_infos",
    "metadata",
    "discount",
    "discounts",
    "timestamp",
    "time",
    "index",
    "task",
    "task_index",
    "return",
    "returns",
    "episode_return",
    "episode_returns",
    "episode_reward",
    "episode_length",
    "ep_rets",
    "return_to_go",
    "returns_to_go",
    "log_prob",
    "log_probs",
    "logp",
    "value",
    "values",
    "advantage",
    "advantages",
    "weight",
    "weights",
    "id",
    "seed",
    "seeds",
    "split",
    "mask",
    "success",
    "next_success",
    "action_mask",
    "action_log_prob",
    "action_log_probs",
    "state_dict",
    "level_0",
    "index_level_0__",
];

/// One column of a quantity, and the name of its part; empty where the column is all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What follows the quantity's name, as it is written.
    pub name: String,
    /// The column's place.
    pub column: usize,
    /// Whether it follows after a slash: a part with a name of its own, not a number of a vector.
    pub named: bool,
}

impl Part {
    /// Whether its name is a number, or several: a place, and no name.
    pub(crate) fn is_numbered(&self) -> bool {
        is_numbered(&self.name)
    }
}

/// Whether a part's name is a number, or several.
pub(crate) fn is_numbered(name: &str) -> bool {
    plain(name).split('_').all(|word| word.parse::<usize>().is_ok())
}

/// Which columns hold what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    found: Vec<(Quantity, Vec<Part>)>,
    /// Columns that hold nothing that is read.
    pub left_out: Vec<usize>,
}

impl Resolved {
    /// The columns of a quantity, none where it is not there.
    pub fn parts(&self, quantity: Quantity) -> &[Part] {
        self.found.iter().find(|(found, _)| *found == quantity).map_or(&[], |(_, parts)| parts)
    }

    /// Spells the parts of the next observation as the observation's: both are elements of one space.
    fn spell_alike(&mut self) {
        let observed = self.parts(Quantity::Observation).to_vec();
        let next = self.found.iter_mut().filter(|(quantity, _)| *quantity == Quantity::NextObservation);
        for part in next.flat_map(|(_, parts)| parts) {
            if let Some(same) = observed.iter().find(|observed| same_name(&observed.name, &part.name)) {
                part.name.clone_from(&same.name);
            }
        }
    }

    /// Orders parts whose names are no numbers by the place of their columns; what has the same place stays as it stands.
    pub(super) fn order_by(&mut self, place: impl Fn(usize) -> usize) {
        for (_, parts) in &mut self.found {
            if !parts.iter().all(|part| part.is_numbered()) {
                parts.sort_by_key(|part| place(part.column));
            }
        }
    }

    /// The one column of a quantity.
    pub fn column(&self, quantity: Quantity) -> Option<usize> {
        self.parts(quantity).first().map(|part| part.column)
    }
}

/// The name that this project gives a quantity.
pub fn name_of(quantity: Quantity) -> &'static str {
    COLUMNS.iter().find(|known| known.quantity == quantity).map_or("column", |known| known.names[0])
}

/// What follows a quantity's name in a name as it is written; `own` is the same plainly, and begins with `head`.
fn written_part(written: &str, own: &str, head: &str) -> String {
    let written = written.trim();
    // Small letters can take other room than capitals, so that places are found by comparing.
    let end = written.char_indices().map(|(at, _)| at).find(|at| *at > 0 && plain(&written[..*at]) == head);
    let rest = end.and_then(|end| written[end..].strip_prefix(['_', '-', '.', ' ', '/']));
    rest.map_or_else(|| own[head.len() + 1..].to_owned(), str::to_owned)
}

enum Match {
    Whole { quantity: Quantity, weak: bool },
    Part { quantity: Quantity, weak: bool, name: String, named: bool },
    Extra,
    Unknown,
}

fn matched(written: &str) -> Match {
    let own = plain(written);
    let all = || {
        let of = |known: &'static Known, weak: bool| {
            let names = if weak { known.weak } else { known.names };
            names.iter().map(move |name| (known.quantity, weak, *name))
        };
        COLUMNS.iter().flat_map(move |known| of(known, false).chain(of(known, true)))
    };
    if let Some((quantity, weak, _)) = all().find(|(_, _, name)| *name == own) {
        return Match::Whole { quantity, weak };
    }
    let head = own.split('/').next().unwrap_or_default();
    if EXTRAS.contains(&own.trim_start_matches('_'))
        || EXTRAS.contains(&head)
        || own.is_empty()
        || own.starts_with("unnamed:")
    {
        return Match::Extra;
    }
    // The longest name wins: `obs_next_x` is part of the next observation, not part `next_x` of the observation.
    let longest = all()
        .filter(|(quantity, _, name)| {
            parted(*quantity)
                && own.strip_prefix(*name).is_some_and(|rest| rest.len() > 1 && rest.starts_with(['_', '/']))
        })
        .max_by_key(|(_, _, name)| name.len());
    match longest {
        Some((quantity, weak, name)) => {
            let named = own[name.len()..].starts_with('/');
            Match::Part { quantity, weak, name: written_part(written, &own, name), named }
        }
        None => Match::Unknown,
    }
}

/// What a column of this name holds, or holds a part of.
pub(super) fn quantity_of(name: &str) -> Option<Quantity> {
    match matched(name) {
        Match::Whole { quantity, .. } | Match::Part { quantity, .. } => Some(quantity),
        Match::Extra | Match::Unknown => None,
    }
}

/// Whether a name is one that others keep beside, and that is not read.
pub(crate) fn is_extra(name: &str) -> bool {
    matches!(matched(name), Match::Extra | Match::Unknown)
}

/// The known name that a name must be a slip of, or that it begins with a slip of where it may have parts; `None` where none is
/// that near. Short names have too many neighbours that mean something else.
pub fn nearest_name(name: &str) -> Option<&'static str> {
    let own = plain(name);
    let near = |own: &str, known: &'static Known| {
        let allowed = if own.len() < 8 { 1 } else { 2 };
        let names = known.names.iter().filter(|name| name.len() > 4);
        let near = names.map(|name| (strsim::damerau_levenshtein(own, name), *name));
        near.filter(|(distance, _)| *distance <= allowed).min()
    };
    let whole = COLUMNS.iter().filter_map(|known| near(&own, known)).min();
    let heads = own.match_indices(['_', '/']).map(|(at, _)| &own[..at]).filter(|head| head.len() > 4);
    let parts = heads.flat_map(|head| {
        COLUMNS.iter().filter(|known| parted(known.quantity)).filter_map(move |known| near(head, known))
    });
    whole.or_else(|| parts.min()).map(|(_, known)| known)
}

/// Whether a quantity may lie in several columns.
fn parted(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Observation | Quantity::Action | Quantity::NextObservation)
}

/// Finds out which columns hold what.
///
/// # Errors
/// [`Error::Config`] for two columns of the same quantity, and for a name that must be a slip of a known one. With `strict` every
/// unknown name is an error, and so is one that reads as a part of what another column is all of.
pub fn resolve(names: &[String], strict: bool) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    let mut wholes: Vec<(Quantity, bool, usize)> = Vec::new();
    let mut parts: Vec<(Quantity, bool, Part)> = Vec::new();
    let mut unknown = Vec::new();
    for (column, name) in names.iter().enumerate() {
        match matched(name) {
            Match::Whole { quantity, weak } => wholes.push((quantity, weak, column)),
            Match::Part { quantity, weak, name, named } => parts.push((quantity, weak, Part { name, column, named })),
            Match::Extra => resolved.left_out.push(column),
            Match::Unknown => unknown.push(column),
        }
    }
    for known in COLUMNS {
        let quantity = known.quantity;
        let strong = wholes.iter().any(|(of, weak, _)| *of == quantity && !weak)
            || parts.iter().any(|(of, weak, _)| *of == quantity && !weak);
        let mut own = Vec::new();
        for (_, weak, column) in wholes.iter().filter(|(of, _, _)| *of == quantity) {
            if *weak && strong { resolved.left_out.push(*column) } else { own.push(*column) }
        }
        if let [one, two, ..] = own.as_slice() {
            return Err(Error::config(
                name_of(quantity),
                format!("columns '{}' and '{}' both hold it: keep one of them", names[*one], names[*two]),
            ));
        }
        let mut several = Vec::new();
        for (_, weak, part) in parts.iter().filter(|(of, _, _)| *of == quantity) {
            if !own.is_empty() || (*weak && strong) {
                if strict && let [whole] = own.as_slice() {
                    return Err(beside(&names[part.column], quantity, &format!("'{}' is all of it", names[*whole])));
                }
                resolved.left_out.push(part.column);
            } else {
                several.push(part.clone());
            }
        }
        if let [one] = own.as_slice() {
            several = vec![Part { name: String::new(), column: *one, named: false }];
        }
        if !several.is_empty() {
            let (several, others) = ordered(quantity, several, names)?;
            if strict && let [other, ..] = others.as_slice() {
                return Err(beside(&names[other.column], quantity, "its parts are numbered"));
            }
            resolved.left_out.extend(others.iter().map(|part| part.column));
            resolved.found.push((quantity, several));
        }
    }
    resolved.spell_alike();
    for column in unknown {
        let name = &names[column];
        let near = nearest_name(name);
        if near.is_some() || strict {
            let hint = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            return Err(Error::config(
                name.clone(),
                format!("is no column that is known{hint} (known are {})", known_names()),
            ));
        }
        resolved.left_out.push(column);
    }
    resolved.left_out.sort_unstable();
    Ok(resolved)
}

/// An error for a name that could only be a part of what is there without it.
fn beside(name: &str, quantity: Quantity, why: &str) -> Error {
    let near = nearest_name(name).unwrap_or_else(|| name_of(quantity));
    Error::config(
        name,
        format!("is no column that is known, and would be a part although {why}; did you mean '{near}'?"),
    )
}

/// The names of this project, for messages.
pub(crate) fn known_names() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|known| known.names[0]).collect();
    names.join(", ")
}

/// Parts with numbers in the order of these, others as they stand; and, beside numbered parts, those that are not read.
fn ordered(quantity: Quantity, parts: Vec<Part>, names: &[String]) -> Result<(Vec<Part>, Vec<Part>)> {
    let place =
        |part: &Part| -> Option<Vec<usize>> { plain(&part.name).split('_').map(|word| word.parse().ok()).collect() };
    let (mut numbered, others): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| place(part).is_some());
    for (i, one) in numbered.iter().chain(&others).enumerate() {
        if let Some(two) = numbered.iter().chain(&others).skip(i + 1).find(|two| same_name(&two.name, &one.name)) {
            return Err(Error::config(
                name_of(quantity),
                format!(
                    "columns '{}' and '{}' both hold its part '{}'",
                    names[one.column], names[two.column], one.name
                ),
            ));
        }
    }
    if numbered.is_empty() {
        return Ok((others, Vec::new()));
    }
    numbered.sort_by_key(place);
    let places: Vec<usize> = numbered.iter().filter_map(|part| plain(&part.name).parse().ok()).collect();
    let start = places.first().copied().unwrap_or(0).min(1);
    if places.len() == numbered.len() && places.iter().enumerate().any(|(i, place)| *place != start + i) {
        return Err(Error::config(
            name_of(quantity),
            format!(
                "its columns are numbered {places:?}: expected {start} to {} without gaps",
                start + places.len().saturating_sub(1)
            ),
        ));
    }
    Ok((numbered, others))
}
