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
    /// Why: a line for the algorithm, and one for each role that nobody was named for.
    pub because: String,
    /// Whether it acts as well where each action is held for as long as what is observed changes little: observations are numbers, whose
    /// changes can be measured, and nobody named an algorithm for another pace.
    pub holds: bool,
}

/// An algorithm, and what speaks for it and for who plays its roles.
struct Suggestion {
    algorithm: &'static str,
    because: &'static str,
    /// By section.
    roles: &'static [(&'static str, &'static str)],
    /// See [`Chosen::holds`].
    holds: bool,
}

const COUNTED: Suggestion = Suggestion {
    algorithm: "tabular",
    because: "observations and actions can be counted, so that every value can be computed",
    roles: &[
        ("model", "counts what followed what, and hopes where it has counted little"),
        ("planner", "the values that were computed are the plan"),
    ],
    holds: false,
};
const UNBOUNDED: Suggestion = Suggestion {
    algorithm: "pets",
    because: "actions are not of a kind that a policy is learned for (numbers with bounds, or few choices), so that it plans alone",
    roles: &[ENSEMBLE, SAMPLED],
    holds: false,
};
const PICTURES: Suggestion = Suggestion {
    algorithm: "dreamer",
    because: "observations are too many numbers to foretell one by one, so that it sees them through a latent of its own",
    roles: &[
        ("model", "remembers what one picture does not show"),
        ("policy", "learns in what the model imagines, where a step costs next to nothing"),
    ],
    holds: false,
};
const NUMBERS: Suggestion = Suggestion {
    algorithm: "loop",
    because: "observations are numbers: plans through an ensemble, led by a policy and its value",
    roles: &[
        ENSEMBLE,
        SAMPLED,
        ("policy", "learns from every transition, real or imagined; its value sees beyond the plan"),
    ],
    holds: true,
};
const ENSEMBLE: (&str, &str) = ("model", "its members differ where it has seen little, which tells where to explore");
const SAMPLED: (&str, &str) = ("planner", "needs no derivatives, and goes on from its last plan");

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
        &COUNTED
    } else if ActionHead::new(AUTO, actions).is_err() {
        &UNBOUNDED
    } else if observations.flat_dim() > MOST_MEASURED {
        &PICTURES
    } else {
        &NUMBERS
    };
    let named = ALL.iter().filter(|entry| entry.name == wanted.algorithm);
    if let Some(entry) = named.into_iter().find(|entry| if counted { suits(entry) } else { has(entry) }) {
        let mut because = format!("{}: {}", entry.name, wanted.because);
        for role in entry.build.roles {
            let taken = given.chosen(role.section).is_none_or(|choice| choice.name.is_none());
            let why = wanted.roles.iter().find(|(section, _)| *section == role.section).filter(|_| taken);
            if let Some((section, why)) = why {
                because.push_str(&format!("\n{section} {}: {why}", role.default));
            }
        }
        return Chosen { algorithm: entry.name, because, holds: wanted.holds };
    }
    let algorithm = ALL.iter().find(has).map_or("pets", |entry| entry.name);
    Chosen { algorithm, because: format!("{algorithm}: it has the parts that were asked for"), holds: false }
}
