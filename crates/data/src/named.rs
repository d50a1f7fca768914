//! Elements of one space as those of another: parts and numbers that go by names are matched by these, in whatever order they stand.
//!
//! Recorded data say what they hold (`obs/speed`, `obs_theta`), and so does the environment or the model that takes them up. Flat vectors
//! carry positions alone, so that two of one length would be taken for each other; an [`Arrangement`] says for each number of the wanted
//! vector where it lies in the given one.

use worldwright_core::{Dataset, Error, Result, Space};

use crate::Header;
use crate::Quantity;
use crate::shapes::shape_fits;
use crate::spelling::same_name;

/// The note of a header that holds the names of an observation's numbers, as a JSON list.
const OBSERVATION: &str = "observation names";
/// Likewise of an action's.
const ACTION: &str = "action names";

/// A space, and what the numbers of its flat elements are called where somebody gave them names.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The space.
    pub space: &'a Space,
    /// A name for each number of a flat element.
    pub names: Option<&'a [String]>,
}

/// What observations and actions are.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a> {
    /// Who has them, for messages: `"the data"`, `"pendulum"`.
    pub who: &'a str,
    /// What is observed.
    pub observation: Named<'a>,
    /// What is done.
    pub action: Named<'a>,
}

/// Where a number of the wanted vector comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    /// A number of the given vector.
    At(usize),
    /// The choice that `n` places from `at` on tell, the first of which is `start`.
    Number { at: usize, n: usize, start: i64 },
    /// Whether a number is this choice.
    Is { at: usize, choice: f64 },
    /// A choice that the given space does not have.
    Never,
}

/// What a given vector must not hold, because nothing of the wanted space is that.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// This choice was made where the number at a place is not zero.
    Choice { at: usize, choice: i64 },
    /// The number at a place is one of `n` choices from `start` on.
    Number { at: usize, n: usize, start: i64 },
}

/// How flat elements of one space become those of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrangement {
    slots: Vec<Slot>,
    limits: Vec<Limit>,
    given: usize,
    /// What a user should know of it.
    note: Option<String>,
}

impl Arrangement {
    /// From `given`, elements of `data`, to `wanted`, elements of `who`, both being a `what`. `None` where vectors are of different lengths
    /// and nothing tells how one would be the other.
    ///
    /// # Errors
    /// [`Error::Config`] naming the parts that one has and the other lacks, with the nearest.
    pub fn new(what: &str, data: &str, given: Named<'_>, who: &str, wanted: Named<'_>) -> Result<Option<Self>> {
        let mut limits = Vec::new();
        let Some(slots) = slots(what, (data, given.space), (who, wanted.space), 0, &mut limits)? else {
            return Ok(None);
        };
        let mut made = Self { slots, limits, given: given.space.flat_dim(), note: None };
        if matches!((given.space, wanted.space), (Space::Dict(_), Space::Dict(_))) || !made.is_straight() {
            return Ok(Some(made));
        }
        // Numbers of vectors, which spaces do not name.
        let (own, theirs) = (spellings(given), spellings(wanted));
        let Some(written) = own.first() else { return Ok(Some(made)) };
        let pairs = own.iter().flat_map(|own| theirs.iter().map(move |theirs| (own, theirs)));
        if let Some(order) = pairs.filter_map(|(own, theirs)| order(own, theirs)).next() {
            made.slots = order.into_iter().map(Slot::At).collect();
        } else if let Some(called) = wanted.names {
            made.note = Some(format!(
                "the numbers of {what}s in {data} are called {}, and those of {who} {}: they are taken in the order in which they stand",
                written.join(", "),
                called.join(", ")
            ));
        }
        Ok(Some(made))
    }

    /// Whether every number stays where it is.
    pub fn is_straight(&self) -> bool {
        self.slots.len() == self.given && self.slots.iter().enumerate().all(|(place, slot)| *slot == Slot::At(place))
    }

    /// The wanted element that a given one is.
    ///
    /// # Errors
    /// [`Error::Config`] for a choice that the wanted space does not have.
    ///
    /// # Panics
    /// When `given` is shorter than elements of its space are.
    pub fn apply(&self, given: &[f64], out: &mut Vec<f64>) -> Result<()> {
        for limit in &self.limits {
            let wrong = match *limit {
                Limit::Choice { at, choice } => (given[at] != 0.0).then_some(choice as f64),
                Limit::Number { at, n, start } => {
                    let place = given[at] - start as f64;
                    (place.fract() != 0.0 || place < 0.0 || place >= n as f64).then_some(given[at])
                }
            };
            if let Some(choice) = wrong {
                return Err(Error::config("data", format!("{choice} is none of the choices there are")));
            }
        }
        out.clear();
        out.extend(self.slots.iter().map(|slot| match *slot {
            Slot::At(place) => given[place],
            Slot::Number { at, n, start } => (0..n).map(|i| given[at + i] * (start + i as i64) as f64).sum::<f64>(),
            Slot::Is { at, choice } => f64::from(u8::from(given[at] == choice)),
            Slot::Never => 0.0,
        }));
        Ok(())
    }
}

/// Transitions of `given` as those of `wanted`, with what a user should know of it.
///
/// # Errors
/// As for [`Arrangement::new`].
pub fn arranged(data: Dataset, given: &Elements<'_>, wanted: &Elements<'_>) -> Result<(Dataset, Vec<String>)> {
    let between = |what, own, theirs| Arrangement::new(what, given.who, own, wanted.who, theirs);
    let observation = between("observation", given.observation, wanted.observation)?;
    let action = between("action", given.action, wanted.action)?;
    // Lengths that do not fit are told of by who takes the data up.
    let (Some(observation), Some(action)) = (observation, action) else { return Ok((data, Vec::new())) };
    let notes = [&observation, &action].into_iter().filter_map(|made| made.note.clone()).collect();
    if observation.is_straight() && action.is_straight() {
        return Ok((data, notes));
    }
    let mut made = Dataset::new(observation.slots.len(), action.slots.len());
    let (mut seen, mut done, mut next) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..data.len() {
        let of = |by: &Arrangement, what: &str, from: &[f64], to: &mut Vec<f64>| {
            let told = |error| match error {
                Error::Config { key, why } => Error::config(
                    key,
                    format!(
                        "the {what} of step {i} of {} in {}: {why}; {} has others",
                        data.len(),
                        given.who,
                        wanted.who
                    ),
                ),
                other => other,
            };
            by.apply(from, to).map_err(told)
        };
        of(&observation, "observation", data.observation(i), &mut seen)?;
        of(&action, "action", data.action(i), &mut done)?;
        of(&observation, "observation after", data.next_observation(i), &mut next)?;
        made.push(&seen, &done, data.rewards()[i], &next, data.terminated()[i], data.episode_ends()[i])?;
    }
    Ok((made, notes))
}

/// Places of the given vector for each number of the wanted one, by the names of parts; from `at` on.
fn slots(
    what: &str,
    (data, given): (&str, &Space),
    (who, wanted): (&str, &Space),
    at: usize,
    limits: &mut Vec<Limit>,
) -> Result<Option<Vec<Slot>>> {
    match (given, wanted) {
        (Space::Dict(own), Space::Dict(theirs)) => {
            check_names(what, data, own, who, theirs)?;
            let mut all = Vec::new();
            for (name, space) in theirs {
                let mut from = at;
                let found = own.iter().find(|(part, space)| {
                    let found = part == name || (!own.iter().any(|(part, _)| part == name) && same_name(part, name));
                    from += if found { 0 } else { space.flat_dim() };
                    found
                });
                let Some((_, part)) = found else { return Ok(None) };
                let Some(more) = slots(what, (data, part), (who, space), from, limits)? else {
                    return Err(Error::config(
                        "data",
                        format!(
                            "part '{name}' of {what}s has {} numbers in {data} and {} in {who}",
                            part.flat_dim(),
                            space.flat_dim()
                        ),
                    ));
                };
                all.extend(more);
            }
            Ok(Some(all))
        }
        (Space::Tuple(own), Space::Tuple(theirs)) if own.len() == theirs.len() => {
            let (mut all, mut from) = (Vec::new(), at);
            for (part, space) in own.iter().zip(theirs) {
                let Some(more) = slots(what, (data, part), (who, space), from, limits)? else { return Ok(None) };
                from += part.flat_dim();
                all.extend(more);
            }
            Ok(Some(all))
        }
        (Space::Discrete { n, start, .. }, Space::Discrete { n: most, start: first, .. }) => {
            let held =
                |choice: i64, start: i64, n: usize| (0..n as i128).contains(&(i128::from(choice) - i128::from(start)));
            let own = (0..*n).map(|i| (i, start + i as i64)).filter(|(_, choice)| !held(*choice, *first, *most));
            limits.extend(own.map(|(i, choice)| Limit::Choice { at: at + i, choice }));
            let slot = |choice: i64| match held(choice, *start, *n) {
                true => Slot::At(at + (choice - start) as usize),
                false => Slot::Never,
            };
            Ok(Some((0..*most as i64).map(|i| slot(first + i)).collect()))
        }
        (Space::Discrete { n, start, .. }, Space::Box { low, .. }) if low.len() == 1 => {
            Ok(Some(vec![Slot::Number { at, n: *n, start: *start }]))
        }
        (Space::Box { low, .. }, Space::Discrete { n, start, .. }) if low.len() == 1 => {
            limits.push(Limit::Number { at, n: *n, start: *start });
            Ok(Some((0..*n as i64).map(|i| Slot::Is { at, choice: (start + i) as f64 }).collect()))
        }
        (Space::Box { shape, low, .. }, Space::Box { shape: theirs, low: bounds, .. })
            if low.len() == bounds.len() && !shape_fits(shape, theirs) =>
        {
            Err(Error::config(
                "data",
                format!(
                    "{what}s in {data} have shape {shape:?}, and those of {who} {theirs:?}: reshape them in the data"
                ),
            ))
        }
        _ if given.flat_dim() == wanted.flat_dim() => Ok(Some((at..at + given.flat_dim()).map(Slot::At).collect())),
        _ => Ok(None),
    }
}

/// Refuses parts that one has and the other lacks.
fn check_names(what: &str, data: &str, own: &[(String, Space)], who: &str, theirs: &[(String, Space)]) -> Result<()> {
    let lacks = |these: &[(String, Space)], those: &[(String, Space)]| -> Vec<String> {
        let there = |name: &str| those.iter().any(|(other, _)| same_name(other, name));
        these.iter().filter(|(name, _)| !there(name)).map(|(name, _)| name.clone()).collect()
    };
    let (missing, foreign) = (lacks(theirs, own), lacks(own, theirs));
    if missing.is_empty() && foreign.is_empty() {
        return Ok(());
    }
    let quoted = |names: &[String]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let near = |name: &String, among: &mut dyn Iterator<Item = &String>| {
        among.min_by_key(|other| strsim::damerau_levenshtein(other, name)).cloned()
    };
    let why = match (missing.first(), foreign.first()) {
        (Some(lost), Some(_)) => format!(
            "{what}s in {data} have the part {}, which {who} does not know, and lack {} (nearest is '{}')",
            quoted(&foreign),
            quoted(&missing),
            near(lost, &mut foreign.iter()).unwrap_or_default()
        ),
        (Some(lost), None) => format!(
            "{what}s in {data} lack the part {}, which {who} has (nearest is '{}')",
            quoted(&missing),
            near(lost, &mut own.iter().map(|(name, _)| name)).unwrap_or_default()
        ),
        _ => format!(
            "{what}s in {data} have the part {}, which {who} does not know (nearest is '{}')",
            quoted(&foreign),
            foreign.first().and_then(|name| near(name, &mut theirs.iter().map(|(name, _)| name))).unwrap_or_default()
        ),
    };
    Err(Error::config("data", format!("{why}: parts are matched by name")))
}

/// The ways in which the numbers of an element are called; none where nobody named them.
fn spellings(of: Named<'_>) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = of.names.map(<[String]>::to_vec).into_iter().collect();
    if matches!(of.space, Space::Dict(_)) {
        let channels = of.space.channel_names("");
        // A part of one number goes by its own name.
        let short = channels.iter().map(|name| name.strip_suffix("[0]").unwrap_or(name).to_owned()).collect();
        all.extend([channels, short]);
    }
    all
}

/// The places of `own` in the order of `theirs`, where both are the same names and no two of them alike.
fn order(own: &[String], theirs: &[String]) -> Option<Vec<usize>> {
    let places: Option<Vec<usize>> =
        theirs.iter().map(|name| own.iter().position(|other| same_name(other, name))).collect();
    let places = places.filter(|places| places.len() == own.len())?;
    let mut sorted = places.clone();
    sorted.sort_unstable();
    sorted.iter().enumerate().all(|(i, place)| i == *place).then_some(places)
}

/// Notes in a header what the numbers of observations or actions are called.
pub fn note_names(header: &mut Header, quantity: Quantity, names: &[String]) {
    let key = if quantity == Quantity::Action { ACTION } else { OBSERVATION };
    header.notes.push((key.to_owned(), serde_json::Value::from(names).to_string()));
}

/// What the numbers of observations and of actions are called in recorded episodes, where they came with names.
pub fn recorded_names(header: &Header) -> [Option<Vec<String>>; 2] {
    [(OBSERVATION, &header.observation_space), (ACTION, &header.action_space)].map(|(key, space)| {
        let (_, text) = header.notes.iter().find(|(name, _)| name == key)?;
        let names: Vec<String> = serde_json::from_str(text).ok()?;
        (names.len() == space.flat_dim()).then_some(names)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(names: &[(&str, Space)]) -> Space {
        Space::Dict(names.iter().map(|(name, space)| ((*name).to_owned(), space.clone())).collect())
    }

    fn turned(given: Named<'_>, wanted: Named<'_>, numbers: &[f64]) -> Vec<f64> {
        let made = Arrangement::new("observation", "the data", given, "here", wanted).unwrap().unwrap();
        let mut out = Vec::new();
        made.apply(numbers, &mut out).unwrap();
        out
    }

    fn plain(space: &Space) -> Named<'_> {
        Named { space, names: None }
    }

    #[test]
    fn parts_are_matched_by_name_at_every_depth() {
        let one = Space::unbounded(1);
        let inner = dict(&[("b", Space::unbounded(2)), ("a", one.clone())]);
        let given = dict(&[("w", one.clone()), ("in", inner), ("v", Space::choices(3, -1))]);
        let inner = dict(&[("a", one.clone()), ("b", Space::unbounded(2))]);
        let wanted = dict(&[("v", one.clone()), ("in", inner), ("w", one)]);
        // w, in/b, in/a, and the second of the choices -1, 0, 1.
        let numbers = [7.0, 1.0, 2.0, 3.0, 0.0, 0.0, 1.0];
        assert_eq!(turned(plain(&given), plain(&wanted), &numbers), [1.0, 3.0, 1.0, 2.0, 7.0]);
        let back = dict(&[("v", Space::choices(4, -2))]);
        let number = dict(&[("v", Space::unbounded(1))]);
        assert_eq!(turned(plain(&number), plain(&back), &[1.0]), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn parts_that_are_missing_or_foreign_are_refused() {
        let one = Space::unbounded(1);
        let wanted = dict(&[("v", one.clone()), ("speed", one.clone())]);
        let said = |names: &[&str]| {
            let given = dict(&names.iter().map(|name| (*name, one.clone())).collect::<Vec<_>>());
            Arrangement::new("observation", "the data", plain(&given), "here", plain(&wanted)).unwrap_err().to_string()
        };
        let both = said(&["v", "sped"]);
        assert!(both.contains("'sped', which here does not know, and lack 'speed' (nearest is 'sped')"), "{both}");
        assert!(said(&["v"]).contains("lack the part 'speed'"), "{}", said(&["v"]));
        assert!(said(&["v", "speed", "z"]).contains("have the part 'z'"), "{}", said(&["v", "speed", "z"]));
    }

    #[test]
    fn numbers_of_a_vector_are_matched_by_their_names() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let three = Space::unbounded(3);
        let (given, wanted) =
            (names(&["theta_dot", "Cos-Theta", "sin_theta"]), names(&["cos_theta", "sin_theta", "theta_dot"]));
        let own = Named { space: &three, names: Some(&given) };
        let theirs = Named { space: &three, names: Some(&wanted) };
        assert_eq!(turned(own, theirs, &[1.0, 2.0, 3.0]), [2.0, 3.0, 1.0]);
        // Other names are taken as they stand, and it is said.
        let others = names(&["x", "y", "z"]);
        let foreign = Named { space: &three, names: Some(&others) };
        let made = Arrangement::new("observation", "the data", foreign, "pendulum", theirs).unwrap().unwrap();
        assert!(made.is_straight() && made.note.unwrap().contains("x, y, z"));
        // A vector whose numbers have the names of parts, and parts that have the names of numbers.
        let parts = dict(&[
            ("cos_theta", Space::unbounded(1)),
            ("sin_theta", Space::unbounded(1)),
            ("theta_dot", Space::unbounded(1)),
        ]);
        assert_eq!(turned(own, plain(&parts), &[1.0, 2.0, 3.0]), [2.0, 3.0, 1.0]);
        let parts = dict(&[
            ("theta_dot", Space::unbounded(1)),
            ("cos_theta", Space::unbounded(1)),
            ("sin_theta", Space::unbounded(1)),
        ]);
        assert_eq!(turned(plain(&parts), theirs, &[1.0, 2.0, 3.0]), [2.0, 3.0, 1.0]);
    }

    #[test]
    fn choices_keep_their_own_numbers() {
        let (few, many) = (Space::choices(2, 1), Space::choices(4, 0));
        assert_eq!(turned(plain(&few), plain(&many), &[0.0, 1.0]), [0.0, 0.0, 1.0, 0.0]);
        let back = Arrangement::new("action", "the data", plain(&many), "here", plain(&few)).unwrap().unwrap();
        let mut out = Vec::new();
        back.apply(&[0.0, 0.0, 1.0, 0.0], &mut out).unwrap();
        assert_eq!(out, [0.0, 1.0]);
        assert!(
            back.apply(&[1.0, 0.0, 0.0, 0.0], &mut out).unwrap_err().to_string().contains("0 is none of the choices")
        );
    }
}
