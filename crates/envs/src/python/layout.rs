//! Spaces as workers describe them, and where the elements of each environment's spaces stand in the shared memory.
//!
//! A space is a tree whose leaves are arrays; leaf by leaf in the tree's order, the memory holds one array `[N, …]` over the
//! worker's N environments, each starting at a multiple of 64 bytes.

use std::sync::Arc;

use serde_json::Value as Json;
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::shared::{ARRAYS, Shared};

/// How a leaf's numbers lie in the memory, whatever the environment's own type: each holds all numbers of the types that it
/// stands for. The worker derives the same from NumPy's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    U8,
    I64,
    F32,
    F64,
}

impl Storage {
    fn of(element: ElementType) -> Self {
        match element {
            ElementType::F64 => Self::F64,
            ElementType::F16 | ElementType::F32 => Self::F32,
            _ if element.is_bytes() => Self::U8,
            _ => Self::I64,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

/// One leaf: how its numbers lie, how many there are, and where the first environment's begin.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    storage: Storage,
    len: usize,
    offset: usize,
}

impl Leaf {
    fn bytes(&self) -> usize {
        self.len * self.storage.bytes()
    }
}

/// A space together with the places of its leaves.
#[derive(Debug, Clone)]
pub(super) struct Codec {
    space: Arc<Space>,
    leaves: Vec<Leaf>,
}

impl Codec {
    fn new(space: &Arc<Space>, environments: usize, cursor: &mut usize) -> Self {
        let mut leaves = Vec::new();
        collect(space, &mut leaves);
        for leaf in &mut leaves {
            leaf.offset = reserve(cursor, leaf.bytes() * environments);
        }
        Self { space: Arc::clone(space), leaves }
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
    let storage = match space {
        Space::Box { element, .. } => Storage::of(*element),
        Space::Discrete { .. } | Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => Storage::I64,
        Space::Dict(parts) => return parts.iter().for_each(|(_, part)| collect(part, leaves)),
        Space::Tuple(parts) => return parts.iter().for_each(|part| collect(part, leaves)),
    };
    leaves.push(Leaf { storage, len: space.numbers(), offset: 0 });
}

fn reserve(cursor: &mut usize, bytes: usize) -> usize {
    let start = cursor.next_multiple_of(64);
    *cursor = start + bytes;
    start
}

fn read(space: &Space, leaves: &mut std::slice::Iter<'_, Leaf>, shared: &Shared, lane: usize) -> Value {
    match space {
        Space::Dict(parts) => {
            return Value::Dict(
                parts.iter().map(|(name, part)| (name.clone(), read(part, leaves, shared, lane))).collect(),
            );
        }
        Space::Tuple(parts) => {
            return Value::Tuple(parts.iter().map(|part| read(part, leaves, shared, lane)).collect());
        }
        _ => {}
    }
    let leaf = leaves.next().expect("a leaf for every space, by construction");
    let at = leaf.offset + lane * leaf.bytes();
    match space {
        Space::Discrete { .. } => Value::Integer(shared.get(at)),
        Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => Value::Integers(load(shared, at, leaf.len)),
        _ => match leaf.storage {
            Storage::U8 => Value::Bytes(load(shared, at, leaf.len)),
            Storage::F64 => Value::Floats(load(shared, at, leaf.len)),
            Storage::F32 => Value::Floats((0..leaf.len).map(|i| f64::from(shared.get::<f32>(at + 4 * i))).collect()),
            Storage::I64 => Value::Floats((0..leaf.len).map(|i| shared.get::<i64>(at + 8 * i) as f64).collect()),
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
    match (space, value) {
        (Space::Dict(parts), Value::Dict(given)) if parts.len() == given.len() => {
            return parts
                .iter()
                .enumerate()
                .try_for_each(|(at, (name, part))| write(part, leaves, shared, lane, value.part(at, name)?));
        }
        (Space::Tuple(parts), Value::Tuple(given)) if parts.len() == given.len() => {
            return parts.iter().zip(given).try_for_each(|(part, value)| write(part, leaves, shared, lane, value));
        }
        _ => {}
    }
    let mismatch = || not_in(format!("{value} is not of the kind or shape of {space}"));
    let leaf = match space {
        Space::Dict(_) | Space::Tuple(_) => return Err(mismatch()),
        _ => leaves.next().expect("a leaf for every space, by construction"),
    };
    let at = leaf.offset + lane * leaf.bytes();
    match (space, value) {
        (Space::Box { element, .. }, Value::Floats(numbers)) if numbers.len() == leaf.len => {
            if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(not_in(format!("element {i} is {}, which is not finite", numbers[i])));
            }
            match leaf.storage {
                Storage::F64 => shared.write(at, numbers),
                Storage::F32 => numbers.iter().enumerate().for_each(|(i, x)| shared.write(at + 4 * i, &[*x as f32])),
                // What plans in real numbers gives the nearest whole ones.
                Storage::I64 => numbers
                    .iter()
                    .enumerate()
                    .for_each(|(i, x)| shared.write(at + 8 * i, &[element.nearest(*x) as i64])),
                Storage::U8 => {
                    numbers.iter().enumerate().for_each(|(i, x)| shared.write(at + i, &[element.nearest(*x) as u8]))
                }
            }
        }
        (Space::Box { .. }, Value::Bytes(bytes)) if bytes.len() == leaf.len && leaf.storage == Storage::U8 => {
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
    pub(super) fn new(observation: &Arc<Space>, action: &Arc<Space>, environments: usize) -> Self {
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

/// The most numbers that the flat vector of a space may have. Each takes eight bytes in every observation that is held, besides
/// its bounds and its name.
const MOST_NUMBERS: usize = 1 << 24;

/// How many numbers the flat vector of a described space has, if it is not too many, without making it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_size(json: &Json) -> std::result::Result<(), String> {
    match numbers(json) {
        0 => Err("holds no numbers".to_owned()),
        count if count > MOST_NUMBERS => Err(format!(
            "has {} numbers (choices count one each), more than the {MOST_NUMBERS} that are taken: wrap the environment to \
             observe or choose among less",
            if count == usize::MAX { "countless".to_owned() } else { count.to_string() }
        )),
        _ => Ok(()),
    }
}

fn numbers(json: &Json) -> usize {
    let size = |json: &Json| json.as_u64().map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let list = |key: &str| json[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let product = |key: &str| list(key).iter().map(size).fold(1, usize::saturating_mul);
    match json["type"].as_str() {
        Some("box" | "multi_binary") => product("shape"),
        Some("discrete") => size(&json["n"]),
        Some("multi_discrete") => list("nvec").iter().map(size).fold(0, usize::saturating_add),
        Some("tuple") => list("parts").iter().map(numbers).fold(0, usize::saturating_add),
        Some("dict") => list("parts").iter().map(|part| numbers(&part[1])).fold(0, usize::saturating_add),
        _ => 1,
    }
}

/// A space from a worker's description of it, whose size is [checked](check_size), and the bounds that came with that.
pub(super) fn space_from_json(json: &Json, bounds: &[u8]) -> Option<Space> {
    let counts = |key: &str| -> Option<Vec<usize>> {
        json[key].as_array()?.iter().map(|n| n.as_u64().map(|n| n as usize)).collect()
    };
    let element = || ElementType::from_name(json["dtype"].as_str()?);
    Some(match json["type"].as_str()? {
        "box" => {
            let shape = counts("shape")?;
            let len = shape.iter().product::<usize>();
            let bound = |key: &str| -> Option<Vec<f64>> {
                if let Some(text) = json[key].as_str() {
                    return Some(vec![text.parse().ok()?; len]);
                }
                let from = usize::try_from(json[key].as_u64()?).ok()?;
                let bytes = bounds.get(from..from.checked_add(8 * len)?)?;
                Some(bytes.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap_or_default())).collect())
            };
            Space::Box { low: bound("low")?, high: bound("high")?, shape, element: element()? }
        }
        "discrete" => {
            Space::Discrete { n: json["n"].as_u64()? as usize, start: json["start"].as_i64()?, element: element()? }
        }
        "multi_discrete" => Space::MultiDiscrete {
            shape: counts("shape")?,
            nvec: counts("nvec")?,
            start: json["start"].as_array()?.iter().map(Json::as_i64).collect::<Option<_>>()?,
            element: element()?,
        },
        "multi_binary" => Space::MultiBinary { shape: counts("shape")? },
        "tuple" => Space::Tuple(
            json["parts"].as_array()?.iter().map(|part| space_from_json(part, bounds)).collect::<Option<_>>()?,
        ),
        "dict" => Space::Dict(
            json["parts"]
                .as_array()?
                .iter()
                .map(|part| Some((part[0].as_str()?.to_owned(), space_from_json(&part[1], bounds)?)))
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
        let element = prop::sample::select(ElementType::all().collect::<Vec<_>>());
        let leaf = prop_oneof![
            (1_usize..5, element).prop_map(|(n, element)| Space::Box {
                shape: vec![n],
                low: vec![0.0; n],
                high: vec![element.range().1.min(100.0); n],
                element
            }),
            (1_usize..9, -5_i64..5).prop_map(|(n, start)| Space::choices(n, start)),
            prop::collection::vec((1_usize..6, -9_i64..9), 1..4).prop_map(|places| Space::MultiDiscrete {
                shape: vec![1, places.len()],
                nvec: places.iter().map(|place| place.0).collect(),
                start: places.iter().map(|place| place.1).collect(),
                element: ElementType::I16,
            }),
            (1_usize..6).prop_map(|n| Space::MultiBinary { shape: vec![n, 2] }),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            (prop::collection::vec(inner, 1..4), any::<bool>()).prop_map(|(parts, named)| {
                if named {
                    Space::Dict(parts.into_iter().enumerate().map(|(i, part)| (format!("part{i}"), part)).collect())
                } else {
                    Space::Tuple(parts)
                }
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn elements_come_back_and_lanes_do_not_touch(space in spaces(), seed: u64) {
            let shared_space = Arc::new(space.clone());
            let layout = Layout::new(&shared_space, &shared_space, 3);
            let shared = Shared::create(layout.size).expect("a shared file");
            let mut rng = worldwright_core::Key::new(seed).rng();
            let values: Vec<Value> = (0..3).map(|_| space.narrowed(&space.sample(&mut rng))).collect();
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
        let json = serde_json::json!({"type": "box", "shape": [2], "low": "-inf", "high": 8, "dtype": "float32"});
        let bounds: Vec<u8> = [0.0, 1.5, f64::INFINITY].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
        let expected = Space::Box {
            shape: vec![2],
            low: vec![f64::NEG_INFINITY; 2],
            high: vec![1.5, f64::INFINITY],
            element: ElementType::F32,
        };
        assert_eq!(space_from_json(&json, &bounds), Some(expected));
        assert_eq!(space_from_json(&json, &bounds[8..]), None, "bounds that did not come");
    }

    #[test]
    fn sizes_are_judged_before_anything_is_made() {
        let of = |json: Json| check_size(&json).err().unwrap_or_default();
        assert_eq!(of(serde_json::json!({"type": "box", "shape": [1000, 1000]})), "");
        assert!(of(serde_json::json!({"type": "box", "shape": [1_u64 << 40, 1_u64 << 40]})).contains("countless"));
        assert!(of(serde_json::json!({"type": "box", "shape": [3, 0]})).contains("holds no numbers"));
        assert!(of(serde_json::json!({"type": "discrete", "n": 1_u64 << 60})).contains("1152921504606846976 numbers"));
        let part = serde_json::json!(["a", {"type": "box", "shape": [1 << 24]}]);
        assert!(of(serde_json::json!({"type": "dict", "parts": [part, part]})).contains("33554432 numbers"));
    }
}
