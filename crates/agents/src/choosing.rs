//! The algorithm where nobody names one: chosen by what is observed and what can be done, with the reason in words.

use worldwright_core::{ActionHead, Entry, Space};

use crate::parts::Parts;
use crate::{ALL, Recipe};

/// The word that asks for this choice.
pub const AUTO: &str = "auto";

/// Observations that a table counts at most, and choices.
const MOST_COUNTED: [usize; 2] = [100_000, 1000];
/// Numbers of an observation beyond which they are a picture rather than measurements.
const MOST_MEASURED: usize = 1024;

/// A chosen algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub algorithm: &'static str,
    /// Why, as a clause.
    pub because: &'static str,
}

/// Chooses for what a user asked of the parts, and for the spaces.
pub fn choose(given: &Parts, observations: &Space, actions: &Space) -> Chosen {
    let chosen = |section: &&String| given.chosen(section).is_some();
    let has = |entry: &&Entry<Recipe>| {
        given.roles.keys().filter(chosen).all(|section| entry.build.roles.iter().any(|role| role.section == section))
    };
    // Who is named for a role must be the one that plays it there.
    let suits = |entry: &&Entry<Recipe>| {
        has(entry)
            && entry.build.roles.iter().all(|role| {
                let named = given.roles.get(role.section).and_then(|choice| choice.name.as_deref());
                named.is_none_or(|name| name == role.default)
            })
    };
    let few = |space: &Space, most: usize| space.count().is_some_and(|count| count <= most);
    let counted = few(observations, MOST_COUNTED[0]) && few(actions, MOST_COUNTED[1]);
    let wanted = if counted {
        ("tabular", "observations and actions can be counted, so that every value can be computed")
    } else if ActionHead::new(AUTO, actions).is_err() {
        (
            "pets",
            "actions are not of a kind that a policy is learned for (numbers with bounds, or few choices), so that it plans alone",
        )
    } else if observations.flat_dim() > MOST_MEASURED {
        (
            "dreamer",
            "observations are too many numbers to foretell one by one, so that it sees them through a latent of its own",
        )
    } else {
        ("loop", "observations are numbers: plans through an ensemble, led by a policy and its value")
    };
    let named = ALL.iter().filter(|entry| entry.name == wanted.0);
    if let Some(entry) = named.into_iter().find(|entry| if counted { suits(entry) } else { has(entry) }) {
        return Chosen { algorithm: entry.name, because: wanted.1 };
    }
    let because = "it has the parts that were asked for";
    Chosen { algorithm: ALL.iter().find(has).map_or("pets", |entry| entry.name), because }
}
