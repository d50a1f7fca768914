//! Spaces as workers describe them, and where the elements of each environment's spaces stand in the shared memory.
//!
//! A space is a tree whose leaves are arrays; leaf by leaf in the tree's order, the memory holds one array `[N, …]` over the
//! worker's N environments, each starting at a multiple of 64 bytes.

use serde_json::Value as Json;
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::shared::{ARRAYS, Shared};

/// One leaf: its number type, how many numbers, and where the first environment's begin.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    element: ElementType,
    len: usize,
    offset: usize,
}

impl Leaf {
    fn bytes(&self) -> usize {
        self.len * element_bytes(self.element)
    }
}

fn element_bytes(element: ElementType) -> usize {
    match element {
        ElementType::U8 => 1,
        ElementType::F32 => 4,
        ElementType::F64 | ElementType::I64 => 8,
    }
}

/// A space together with the places of its leaves.
#[derive(Debug, Clone)]
pub(super) struct Codec {
    space: Space,
    leaves: Vec<Leaf>,
}

impl Codec {
    fn new(space: &Space, environments: usize, cursor: &mut usize) -> Self {
        let mut leaves = Vec::new();
        collect(space, &mut leaves);
        for leaf in &mut leaves {
            leaf.offset = reserve(cursor, leaf.bytes() * environments);
        }
        Self { space: space.clone(), leaves }
    }

    /// Where each leaf begins.
    fn offsets(&self) -> Vec<usize> {
        self.leaves.iter().map(|leaf| leaf.offset).collect()
    }

    /// The element of environment `lane`.
    pub(super) fn read(&self, shared: &Shared, lane: usize) -> Value {
        read(&self.space, &mut self.leaves.iter(), shared, lane)
    }

    /// Writes `value` for environment `lane`.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] when it is of another kind or shape or not finite.
    pub(super) fn write(&self, shared: &Shared, lane: usize, value: &Value) -> Result<()> {
        write(&self.space, &mut self.leaves.iter(), shared, lane, value)
    }
}

fn collect(space: &Space, leaves: &mut Vec<Leaf>) {
    let (element, len) = match space {
        Space::Box { low, element, .. } => (*element, low.len()),
        Space::Discrete { .. } => (ElementType::I64, 1),
        Space::MultiDiscrete { nvec } => (ElementType::I64, nvec.len()),
        Space::MultiBinary { n } => (ElementType::I64, *n),
        Space::Dict(parts) => return parts.iter().for_each(|(_, part)| collect(part, leaves)),
    };
    leaves.push(Leaf { element, len, offset: 0 });
}

fn reserve(cursor: &mut usize, bytes: usize) -> usize {
    let start = cursor.next_multiple_of(64);
    *cursor = start + bytes;
    start
}

fn read(space: &Space, leaves: &mut std::slice::Iter<'_, Leaf>, shared: &Shared, lane: usize) -> Value {
    if let Space::Dict(parts) = space {
        return Value::Dict(
            parts.iter().map(|(name, part)| (name.clone(), read(part, leaves, shared, lane))).collect(),
        );
    }
    let leaf = leaves.next().expect("a leaf for every space, by construction");
    let at = leaf.offset + lane * leaf.bytes();
    match space {
        Space::Discrete { .. } => Value::Integer(shared.get(at)),
        Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => Value::Integers(load(shared, at, leaf.len)),
        _ => match leaf.element {
            ElementType::U8 => Value::Bytes(load(shared, at, leaf.len)),
            ElementType::F64 => Value::Floats(load(shared, at, leaf.len)),
            ElementType::F32 => {
                Value::Floats((0..leaf.len).map(|i| f64::from(shared.get::<f32>(at + 4 * i))).collect())
            }
            ElementType::I64 => Value::Floats((0..leaf.len).map(|i| shared.get::<i64>(at + 8 * i) as f64).collect()),
        },
    }
}

fn load<T: super::shared::Number>(shared: &Shared, at: usize, len: usize) -> Vec<T> {
    let mut numbers = vec![T::default(); len];
    shared.read(at, &mut numbers);
    numbers
}

fn write(
    space: &Space,
    leaves: &mut std::slice::Iter<'_, Leaf>,
    shared: &Shared,
    lane: usize,
    value: &Value,
) -> Result<()> {
    if let (Space::Dict(parts), Value::Dict(given)) = (space, value)
        && parts.len() == given.len()
    {
        for ((name, part), (given_name, value)) in parts.iter().zip(given) {
            if name != given_name {
                return Err(not_in(format!("expected part '{name}', got '{given_name}'")));
            }
            write(part, leaves, shared, lane, value)?;
        }
        return Ok(());
    }
    let mismatch = || not_in(format!("{value:?} is not of the kind or shape of {space:?}"));
    let leaf = match space {
        Space::Dict(_) => return Err(mismatch()),
        _ => leaves.next().expect("a leaf for every space, by construction"),
    };
    let at = leaf.offset + lane * leaf.bytes();
    match (space, value) {
        (Space::Box { .. }, Value::Floats(numbers)) if numbers.len() == leaf.len => {
            if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(not_in(format!("element {i} is {}, which is not finite", numbers[i])));
            }
            match leaf.element {
                ElementType::F64 => shared.write(at, numbers),
                ElementType::F32 => {
                    numbers.iter().enumerate().for_each(|(i, x)| shared.write(at + 4 * i, &[*x as f32]))
                }
                ElementType::I64 => {
                    numbers.iter().enumerate().for_each(|(i, x)| shared.write(at + 8 * i, &[*x as i64]))
                }
                ElementType::U8 => numbers.iter().enumerate().for_each(|(i, x)| shared.write(at + i, &[*x as u8])),
            }
        }
        (Space::Box { .. }, Value::Bytes(bytes)) if bytes.len() == leaf.len && leaf.element == ElementType::U8 => {
            shared.write(at, bytes);
        }
        (Space::Discrete { .. }, Value::Integer(choice)) => {
            space.check(value)?;
            shared.write(at, &[*choice]);
        }
        (Space::MultiDiscrete { .. } | Space::MultiBinary { .. }, Value::Integers(choices)) => {
            space.check(value)?;
            shared.write(at, choices);
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "action".into(), reason }
}

/// Places of everything that a worker of N environments shares.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// What it takes.
    pub(super) actions: Codec,
    /// What a step led to.
    pub(super) observations: Codec,
    /// The first observations of next episodes, where the worker began them in the same step.
    pub(super) starts: Codec,
    /// `[N]` f64.
    pub(super) rewards: usize,
    /// `[N]` u64.
    pub(super) seeds: usize,
    /// `[N]` bytes of flags.
    pub(super) flags: usize,
    /// `[N]` bytes: which to reset.
    pub(super) mask: usize,
    /// Bytes in all.
    pub(super) size: usize,
}

impl Layout {
    pub(super) fn new(observation: &Space, action: &Space, environments: usize) -> Self {
        let mut cursor = ARRAYS;
        let actions = Codec::new(action, environments, &mut cursor);
        let observations = Codec::new(observation, environments, &mut cursor);
        let starts = Codec::new(observation, environments, &mut cursor);
        let rewards = reserve(&mut cursor, 8 * environments);
        let seeds = reserve(&mut cursor, 8 * environments);
        let flags = reserve(&mut cursor, environments);
        let mask = reserve(&mut cursor, environments);
        Self { actions, observations, starts, rewards, seeds, flags, mask, size: cursor.next_multiple_of(4096) }
    }

    /// What the worker is told of it.
    pub(super) fn to_json(&self) -> serde_json::Map<String, Json> {
        let mut map = serde_json::Map::new();
        for (name, codec) in
            [("actions", &self.actions), ("observations", &self.observations), ("starts", &self.starts)]
        {
            map.insert(name.into(), codec.offsets().into());
        }
        for (name, offset) in
            [("rewards", self.rewards), ("seeds", self.seeds), ("flags", self.flags), ("mask", self.mask)]
        {
            map.insert(name.into(), offset.into());
        }
        map.insert("size".into(), self.size.into());
        map
    }
}

/// A space from a worker's description of it.
pub(super) fn space_from_json(json: &Json) -> Option<Space> {
    let counts = |key: &str| -> Option<Vec<usize>> {
        json[key].as_array()?.iter().map(|n| n.as_u64().map(|n| n as usize)).collect()
    };
    Some(match json["type"].as_str()? {
        "box" => {
            let shape = counts("shape")?;
            let len = shape.iter().product::<usize>();
            let bound = |key: &str| -> Option<Vec<f64>> {
                let texts = json[key].as_array()?;
                let numbers: Vec<f64> = texts.iter().map(|t| t.as_str()?.parse().ok()).collect::<Option<_>>()?;
                match numbers.len() {
                    n if n == len => Some(numbers),
                    1 => Some(vec![numbers[0]; len]),
                    _ => None,
                }
            };
            let element = match json["element"].as_str()? {
                "f32" => ElementType::F32,
                "f64" => ElementType::F64,
                "u8" => ElementType::U8,
                "i64" => ElementType::I64,
                _ => return None,
            };
            Space::Box { low: bound("low")?, high: bound("high")?, shape, element }
        }
        "discrete" => Space::Discrete { n: json["n"].as_u64()? as usize, start: json["start"].as_i64()? },
        "multi_discrete" => Space::MultiDiscrete { nvec: counts("nvec")? },
        "multi_binary" => Space::MultiBinary { n: json["n"].as_u64()? as usize },
        "dict" => Space::Dict(
            json["parts"]
                .as_array()?
                .iter()
                .map(|part| Some((part[0].as_str()?.to_owned(), space_from_json(&part[1])?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spaces() -> impl Strategy<Value = Space> {
        let element =
            prop_oneof![Just(ElementType::F32), Just(ElementType::F64), Just(ElementType::U8), Just(ElementType::I64)];
        let leaf = prop_oneof![
            (1_usize..5, element).prop_map(|(n, element)| Space::Box {
                shape: vec![n],
                low: vec![0.0; n],
                high: vec![200.0; n],
                element
            }),
            (1_usize..9, -5_i64..5).prop_map(|(n, start)| Space::Discrete { n, start }),
            prop::collection::vec(1_usize..6, 1..4).prop_map(|nvec| Space::MultiDiscrete { nvec }),
            (1_usize..6).prop_map(|n| Space::MultiBinary { n }),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop::collection::vec(inner, 1..4).prop_map(|parts| {
                Space::Dict(parts.into_iter().enumerate().map(|(i, part)| (format!("part{i}"), part)).collect())
            })
        })
    }

    /// Numbers as their element type keeps them.
    fn rounded(space: &Space, value: Value) -> Value {
        match (space, value) {
            (Space::Box { element: ElementType::F32, .. }, Value::Floats(x)) => {
                Value::Floats(x.into_iter().map(|x| f64::from(x as f32)).collect())
            }
            (Space::Box { element: ElementType::I64, .. }, Value::Floats(x)) => {
                Value::Floats(x.into_iter().map(f64::trunc).collect())
            }
            (Space::Dict(spaces), Value::Dict(values)) => Value::Dict(
                spaces.iter().zip(values).map(|((_, space), (name, value))| (name, rounded(space, value))).collect(),
            ),
            (_, value) => value,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn elements_come_back_and_lanes_do_not_touch(space in spaces(), seed: u64) {
            let layout = Layout::new(&space, &space, 3);
            let shared = Shared::create(layout.size).expect("a shared file");
            let mut rng = worldwright_core::Key::new(seed).rng();
            let values: Vec<Value> = (0..3).map(|_| rounded(&space, space.sample(&mut rng))).collect();
            for (lane, value) in values.iter().enumerate() {
                layout.actions.write(&shared, lane, value).expect("an element of the space");
            }
            for (lane, value) in values.iter().enumerate() {
                prop_assert_eq!(&layout.actions.read(&shared, lane), value);
            }
        }
    }

    #[test]
    fn bounds_without_end_are_understood() {
        let json =
            serde_json::json!({"type": "box", "shape": [2], "low": ["-inf"], "high": ["1.5", "inf"], "element": "f32"});
        let expected = Space::Box {
            shape: vec![2],
            low: vec![f64::NEG_INFINITY; 2],
            high: vec![1.5, f64::INFINITY],
            element: ElementType::F32,
        };
        assert_eq!(space_from_json(&json), Some(expected));
    }
}
