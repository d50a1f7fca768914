//! What the numbers of an element are called where an environment gives no names: by part and, for choices, by choice.
//!
//! | space | flat numbers ([`Space::channel_names`]) | entries ([`Space::entry_names`]) |
//! |---|---|---|
//! | box, bits | `obs[0]`, `obs[1]` | the same |
//! | one choice of 3 from 0 | `action=0`, `action=1`, `action=2` | `action` |
//! | choices | `action[0]=0`, `action[0]=1`, `action[1]=0`, … | `action[0]`, `action[1]` |
//! | tuple | those of each part, called `obs[0]`, `obs[1]`, … | likewise |
//! | dictionary | those of each part by its own name | likewise |
//!
//! No two are the same. Names that would be are led by the way to their part, `left/pos[0]`, `obs[1]/pos[0]`; those of an action that
//! an observation has too by `action/` ([`distinct_channels`]).

use std::collections::{HashMap, HashSet};

use crate::{Space, Value};

impl Space {
    /// A name for each number of the flat vector of an element that is called `root`; no two are the same.
    pub fn channel_names(&self, root: &str) -> Vec<String> {
        self.names(root, &Self::own_channels)
    }

    /// A name for each number of an element that is called `root`, a choice being one number; no two are the same.
    pub fn entry_names(&self, root: &str) -> Vec<String> {
        self.names(root, &|space, root| match space {
            Self::Discrete { .. } => vec![root.to_owned()],
            _ => numbered(root, space.numbers()),
        })
    }

    /// Names by the part's own name where those differ, else by the way to it.
    fn names(&self, root: &str, own: &dyn Fn(&Self, &str) -> Vec<String>) -> Vec<String> {
        if !matches!(self, Self::Dict(_) | Self::Tuple(_)) {
            return own(self, root);
        }
        let mut leaves = Vec::new();
        self.leaves(root, root, true, &mut leaves);
        let short: Vec<String> = leaves.iter().flat_map(|leaf| own(leaf.space, &leaf.name)).collect();
        let mut times = HashMap::<&str, usize>::with_capacity(short.len());
        short.iter().for_each(|name| *times.entry(name).or_default() += 1);
        if times.len() == short.len() {
            return short;
        }
        let long = leaves.iter().flat_map(|leaf| own(leaf.space, &leaf.path));
        let names =
            short.iter().zip(long).map(|(name, long)| if times[name.as_str()] > 1 { long } else { name.clone() });
        counted(names, &mut HashSet::new())
    }

    /// The parts that have no parts themselves, in the order of the flat vector.
    fn leaves<'a>(&'a self, name: &str, path: &str, top: bool, out: &mut Vec<Leaf<'a>>) {
        if !matches!(self, Self::Dict(_) | Self::Tuple(_)) {
            out.push(Leaf { name: name.to_owned(), path: path.to_owned(), space: self });
            return;
        }
        let named = matches!(self, Self::Dict(_));
        for (key, part) in self.parts() {
            let (name, path) = match (named, top) {
                (true, true) => (key.clone(), key),
                (true, false) => (key.clone(), format!("{path}/{key}")),
                (false, _) => (format!("{name}[{key}]"), format!("{path}[{key}]")),
            };
            part.leaves(&name, &path, false, out);
        }
    }

    fn own_channels(&self, root: &str) -> Vec<String> {
        let choices = |root: &str, n: usize, start: i64| -> Vec<String> {
            (0..n).map(|place| format!("{root}={}", i128::from(start) + place as i128)).collect()
        };
        match self {
            Self::Discrete { n, start, .. } => choices(root, *n, *start),
            Self::MultiDiscrete { nvec, start, .. } => {
                let of =
                    |(place, (n, start)): (usize, (&usize, &i64))| choices(&format!("{root}[{place}]"), *n, *start);
                nvec.iter().zip(start).enumerate().flat_map(of).collect()
            }
            _ => numbered(root, self.numbers()),
        }
    }

    /// Whether any number of the flat vector of an element is one of the zeros and ones of choices or bits.
    pub fn has_choices(&self) -> bool {
        match self {
            Self::Box { .. } => false,
            Self::Discrete { .. } | Self::MultiDiscrete { .. } | Self::MultiBinary { .. } => true,
            Self::Dict(_) | Self::Tuple(_) => self.parts().into_iter().any(|(_, part)| part.has_choices()),
        }
    }
}

/// A part without parts.
struct Leaf<'a> {
    /// What it is called by itself.
    name: String,
    /// The way to it.
    path: String,
    space: &'a Space,
}

/// Names of an environment's channels with no two the same. An action's that is an observation's too becomes `action/…`; what even
/// then is there twice, because it was given so, is counted: `x`, `x/2`.
pub fn distinct_channels(observation: Vec<String>, action: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut taken = HashSet::with_capacity(observation.len() + action.len());
    let observation = counted(observation.into_iter(), &mut taken);
    let action = action.into_iter().map(|name| if taken.contains(&name) { format!("action/{name}") } else { name });
    let action = counted(action.collect::<Vec<_>>().into_iter(), &mut taken);
    (observation, action)
}

/// Counts names that are taken already.
fn counted(names: impl Iterator<Item = String>, taken: &mut HashSet<String>) -> Vec<String> {
    let free = |name: String, taken: &mut HashSet<String>| {
        let mut counts = 2..;
        let mut candidate = name.clone();
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name}/{}", counts.next().unwrap_or(0));
        }
        candidate
    };
    names.map(|name| free(name, taken)).collect()
}

impl Value {
    /// The numbers of the value, a choice being one, in the order of [`Space::entry_names`].
    pub fn entries(&self) -> Vec<f64> {
        match self {
            Self::Floats(numbers) => numbers.clone(),
            Self::Bytes(bytes) => bytes.iter().map(|byte| f64::from(*byte)).collect(),
            Self::Integer(choice) => vec![*choice as f64],
            Self::Integers(choices) => choices.iter().map(|choice| *choice as f64).collect(),
            Self::Dict(_) | Self::Tuple(_) => self.parts().into_iter().flat_map(Self::entries).collect(),
        }
    }
}

fn numbered(root: &str, count: usize) -> Vec<String> {
    (0..count).map(|place| format!("{root}[{place}]")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn names_say_part_and_choice() {
        let space = Space::Tuple(vec![
            Space::choices(2, -1),
            Space::unbounded(2),
            Space::Dict(vec![("gear".into(), Space::multi_discrete(&[1, 2])), ("lamps".into(), Space::bits(1))]),
        ]);
        let names = space.channel_names("obs");
        assert_eq!(names.len(), space.flat_dim());
        assert_eq!(
            names,
            ["obs[0]=-1", "obs[0]=0", "obs[1][0]", "obs[1][1]", "gear[0]=0", "gear[1]=0", "gear[1]=1", "lamps[0]"]
        );
        let entries = space.entry_names("obs");
        assert_eq!(entries.len(), space.numbers());
        assert_eq!(entries, ["obs[0]", "obs[1][0]", "obs[1][1]", "gear[0]", "gear[1]", "lamps[0]"]);
        let value = Value::Tuple(vec![
            Value::Integer(-1),
            Value::Floats(vec![0.5, 2.0]),
            Value::Dict(vec![("gear".into(), Value::Integers(vec![0, 1])), ("lamps".into(), Value::Integers(vec![1]))]),
        ]);
        assert_eq!(value.entries(), [-1.0, 0.5, 2.0, 0.0, 1.0, 1.0]);
        assert_eq!(Space::discrete(2).channel_names("action"), ["action=0", "action=1"]);
        assert!(space.has_choices() && !Space::unbounded(3).has_choices());
    }

    fn dict(parts: &[(&str, Space)]) -> Space {
        Space::Dict(parts.iter().map(|(name, part)| ((*name).to_owned(), part.clone())).collect())
    }

    #[test]
    fn the_same_name_in_several_parts_is_led_by_the_way() {
        let pos = dict(&[("pos", Space::unbounded(1))]);
        let sides = dict(&[("left", pos.clone()), ("right", pos.clone()), ("gear", Space::discrete(2))]);
        assert_eq!(sides.channel_names("obs"), ["left/pos[0]", "right/pos[0]", "gear=0", "gear=1"]);
        assert_eq!(sides.entry_names("obs"), ["left/pos[0]", "right/pos[0]", "gear"]);
        let pair = Space::Tuple(vec![pos.clone(), pos.clone()]);
        assert_eq!(pair.channel_names("obs"), ["obs[0]/pos[0]", "obs[1]/pos[0]"]);
        let deep = dict(&[("hand", pair), ("pos", Space::unbounded(1))]);
        assert_eq!(deep.channel_names("obs"), ["hand[0]/pos[0]", "hand[1]/pos[0]", "pos[0]"]);
        // Keys that look like what is made of them.
        let alike = dict(&[("a", Space::multi_discrete(&[2])), ("a[0]", Space::discrete(2))]);
        assert_eq!(alike.channel_names("obs"), ["a[0]=0", "a[0]=1", "a[0]=0/2", "a[0]=1/2"]);
    }

    #[test]
    fn an_action_is_told_from_what_is_seen() {
        let seen = dict(&[("pos", Space::unbounded(1)), ("action", Space::discrete(1))]);
        let done = dict(&[("pos", Space::unbounded(1)), ("push", Space::unbounded(1))]);
        let (observation, action) = distinct_channels(seen.channel_names("obs"), done.channel_names("action"));
        assert_eq!(observation, ["pos[0]", "action=0"]);
        assert_eq!(action, ["action/pos[0]", "push[0]"]);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (observation, action) = distinct_channels(names(&["x", "x", "action/y", "y"]), names(&["x", "y"]));
        assert_eq!(observation, ["x", "x/2", "action/y", "y"]);
        assert_eq!(action, ["action/x", "action/y/2"]);
    }

    #[test]
    fn no_two_names_of_nested_spaces_are_the_same() {
        /// A space of few keys, so that they meet, and of keys that look like names.
        fn nested(rng: &mut Rng, depth: usize) -> Space {
            const KEYS: [&str; 6] = ["pos", "left", "a[0]", "a", "a/pos", "action"];
            let count = 1 + rng.below(3) as usize;
            match rng.below(if depth == 0 { 4 } else { 8 }) {
                0 => Space::unbounded(count),
                1 => Space::choices(count, -1),
                2 => Space::multi_discrete(&vec![2; count]),
                3 => Space::bits(count),
                4 | 5 => Space::Tuple((0..count).map(|_| nested(rng, depth - 1)).collect()),
                _ => {
                    let first = rng.below(KEYS.len() as u64) as usize;
                    let keys = KEYS.iter().cycle().skip(first).take(count);
                    Space::Dict(keys.map(|key| ((*key).to_owned(), nested(rng, depth - 1))).collect())
                }
            }
        }
        let mut rng = Rng::new(7);
        for _ in 0..3000 {
            let (seen, done) = (nested(&mut rng, 3), nested(&mut rng, 3));
            let (observation, action) = (seen.channel_names("obs"), done.channel_names("action"));
            assert_eq!((observation.len(), action.len()), (seen.flat_dim(), done.flat_dim()));
            let entries = seen.entry_names("obs");
            assert_eq!(entries.len(), seen.numbers());
            assert_eq!(entries.iter().collect::<HashSet<_>>().len(), entries.len(), "{entries:?}");
            let (observation, action) = distinct_channels(observation, action);
            let all: HashSet<&String> = observation.iter().chain(&action).collect();
            assert_eq!(all.len(), observation.len() + action.len(), "{observation:?} {action:?}");
        }
    }
}
