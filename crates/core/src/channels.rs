//! What the numbers of an element are called where an environment gives no names: by part and, for choices, by choice.
//!
//! | space | flat numbers ([`Space::channel_names`]) | entries ([`Space::entry_names`]) |
//! |---|---|---|
//! | box, bits | `obs[0]`, `obs[1]` | the same |
//! | one choice of 3 from 0 | `action=0`, `action=1`, `action=2` | `action` |
//! | choices | `action[0]=0`, `action[0]=1`, `action[1]=0`, … | `action[0]`, `action[1]` |
//! | tuple | those of each part, called `obs[0]`, `obs[1]`, … | likewise |
//! | dictionary | those of each part by its own name | likewise |

use crate::{Space, Value};

impl Space {
    /// A name for each number of the flat vector of an element that is called `root`.
    pub fn channel_names(&self, root: &str) -> Vec<String> {
        let choices = |root: &str, n: usize, start: i64| -> Vec<String> {
            (0..n).map(|place| format!("{root}={}", i128::from(start) + place as i128)).collect()
        };
        match self {
            Self::Box { .. } | Self::MultiBinary { .. } => numbered(root, self.numbers()),
            Self::Discrete { n, start, .. } => choices(root, *n, *start),
            Self::MultiDiscrete { nvec, start, .. } => {
                let of =
                    |(place, (n, start)): (usize, (&usize, &i64))| choices(&format!("{root}[{place}]"), *n, *start);
                nvec.iter().zip(start).enumerate().flat_map(of).collect()
            }
            Self::Dict(_) | Self::Tuple(_) => {
                self.roots(root).into_iter().flat_map(|(root, part)| part.channel_names(&root)).collect()
            }
        }
    }

    /// A name for each number of an element that is called `root`, a choice being one number.
    pub fn entry_names(&self, root: &str) -> Vec<String> {
        match self {
            Self::Discrete { .. } => vec![root.to_owned()],
            Self::Dict(_) | Self::Tuple(_) => {
                self.roots(root).into_iter().flat_map(|(root, part)| part.entry_names(&root)).collect()
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

    /// The parts of a dictionary or tuple and what each is called.
    fn roots(&self, root: &str) -> Vec<(String, &Self)> {
        let named = matches!(self, Self::Dict(_));
        let parts = self.parts().into_iter();
        parts.map(|(name, part)| (if named { name } else { format!("{root}[{name}]") }, part)).collect()
    }
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
}
