//! Spaces: the shape, type and bounds of observations and actions, in Gymnasium's words.

use crate::{ElementType, Error, Result, Rng, Value, is_bounded};

/// A set of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Space {
    /// An array of numbers, each within its bounds (which may be infinite).
    Box {
        /// The array's shape.
        shape: Vec<usize>,
        /// Lower bounds, row-major.
        low: Vec<f64>,
        /// Upper bounds, row-major.
        high: Vec<f64>,
        /// The environment's own number type.
        element: ElementType,
    },
    /// `start, start + 1, …, start + n - 1`.
    Discrete {
        /// How many choices.
        n: usize,
        /// The first of them.
        start: i64,
        /// The environment's own number type.
        element: ElementType,
    },
    /// An array of choices: place `i` is one of `start[i], …, start[i] + nvec[i] - 1`.
    MultiDiscrete {
        /// The array's shape.
        shape: Vec<usize>,
        /// Choices for each place, row-major.
        nvec: Vec<usize>,
        /// The first choice of each place, row-major.
        start: Vec<i64>,
        /// The environment's own number type.
        element: ElementType,
    },
    /// An array of bits.
    MultiBinary {
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// Named parts, in the space's own order; elements find theirs by name.
    Dict(Vec<(String, Space)>),
    /// Parts by their places.
    Tuple(Vec<Space>),
}

impl Space {
    /// A vector of f64 numbers within bounds.
    pub fn vector(low: &[f64], high: &[f64]) -> Self {
        Self::Box { shape: vec![low.len()], low: low.to_vec(), high: high.to_vec(), element: ElementType::F64 }
    }

    /// A vector of numbers without bounds.
    pub fn unbounded(dims: usize) -> Self {
        Self::vector(&vec![f64::NEG_INFINITY; dims], &vec![f64::INFINITY; dims])
    }

    /// Choices from zero.
    pub fn discrete(n: usize) -> Self {
        Self::choices(n, 0)
    }

    /// `n` choices from `start` on.
    pub fn choices(n: usize, start: i64) -> Self {
        Self::Discrete { n, start, element: ElementType::I64 }
    }

    /// A row of choices from zero, the `i`-th below `nvec[i]`.
    pub fn multi_discrete(nvec: &[usize]) -> Self {
        Self::MultiDiscrete {
            shape: vec![nvec.len()],
            nvec: nvec.to_vec(),
            start: vec![0; nvec.len()],
            element: ElementType::I64,
        }
    }

    /// A row of `n` bits.
    pub fn bits(n: usize) -> Self {
        Self::MultiBinary { shape: vec![n] }
    }

    /// Length of the flat vector of an element: boxes and bits as they are, choices one-hot, parts in order.
    pub fn flat_dim(&self) -> usize {
        match self {
            Self::Box { low, .. } => low.len(),
            Self::Discrete { n, .. } => *n,
            Self::MultiBinary { shape } => shape.iter().product(),
            Self::MultiDiscrete { nvec, .. } => nvec.iter().sum(),
            Self::Dict(parts) => parts.iter().map(|(_, part)| part.flat_dim()).sum(),
            Self::Tuple(parts) => parts.iter().map(Self::flat_dim).sum(),
        }
    }

    /// The parts of a dictionary or tuple with their names, those of a tuple's being their places; none for other spaces.
    pub fn parts(&self) -> Vec<(String, &Self)> {
        match self {
            Self::Dict(parts) => parts.iter().map(|(name, part)| (name.clone(), part)).collect(),
            Self::Tuple(parts) => parts.iter().enumerate().map(|(i, part)| (i.to_string(), part)).collect(),
            _ => Vec::new(),
        }
    }

    /// An element of a dictionary or tuple from its parts, in the order of [`parts`](Self::parts).
    pub fn gather(&self, parts: Vec<Value>) -> Value {
        match self {
            Self::Dict(named) => Value::Dict(named.iter().map(|(name, _)| name.clone()).zip(parts).collect()),
            _ => Value::Tuple(parts),
        }
    }

    /// How many numbers an element has where choices count as one each.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Box { low, .. } => low.len(),
            Self::Discrete { .. } => 1,
            Self::MultiDiscrete { nvec, .. } => nvec.len(),
            Self::MultiBinary { shape } => shape.iter().product(),
            Self::Dict(parts) => parts.iter().map(|(_, part)| part.numbers()).sum(),
            Self::Tuple(parts) => parts.iter().map(Self::numbers).sum(),
        }
    }

    /// Writes the flat vector of `value` into `out`. Bytes are written as numbers from 0 to 255.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] when `value` is of another kind or shape, [`Error::Shape`] when `out` is not
    /// [`flat_dim`](Self::flat_dim) long.
    pub fn flatten(&self, value: &Value, out: &mut [f64]) -> Result<()> {
        if out.len() != self.flat_dim() {
            return Err(Error::shape("flat vector", &[self.flat_dim()], &[out.len()]));
        }
        match (self, value) {
            (Self::Box { low, .. }, Value::Floats(numbers)) if numbers.len() == low.len() => {
                out.copy_from_slice(numbers)
            }
            (Self::Box { low, .. }, Value::Bytes(bytes)) if bytes.len() == low.len() => {
                out.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = f64::from(*byte));
            }
            (Self::Discrete { n, start, .. }, Value::Integer(choice)) => {
                out.fill(0.0);
                out[place(*choice, *n, *start)?] = 1.0;
            }
            (Self::MultiBinary { .. }, Value::Integers(bits)) if bits.len() == out.len() => {
                out.iter_mut().zip(bits).for_each(|(slot, bit)| *slot = *bit as f64);
            }
            (Self::MultiDiscrete { nvec, start, .. }, Value::Integers(choices)) if choices.len() == nvec.len() => {
                out.fill(0.0);
                let mut rest = out;
                for ((n, start), choice) in nvec.iter().zip(start).zip(choices) {
                    let (own, others) = rest.split_at_mut(*n);
                    own[place(*choice, *n, *start)?] = 1.0;
                    rest = others;
                }
            }
            (Self::Dict(parts), Value::Dict(values)) if parts.len() == values.len() => {
                let mut rest = out;
                for (at, (name, part)) in parts.iter().enumerate() {
                    let (own, others) = rest.split_at_mut(part.flat_dim());
                    part.flatten(value.part(at, name)?, own)?;
                    rest = others;
                }
            }
            (Self::Tuple(parts), Value::Tuple(values)) if parts.len() == values.len() => {
                let mut rest = out;
                for (part, value) in parts.iter().zip(values) {
                    let (own, others) = rest.split_at_mut(part.flat_dim());
                    part.flatten(value, own)?;
                    rest = others;
                }
            }
            _ => return Err(not_in(format!("{value} is not of the kind or shape of {self}"))),
        }
        Ok(())
    }

    /// The value whose flat vector is `flat`: what [`flatten`](Self::flatten) undoes. A choice is the largest of its places, bits
    /// are rounded, and so are the numbers of a box whose own type is whole.
    ///
    /// # Errors
    /// [`Error::Shape`] when `flat` is not [`flat_dim`](Self::flat_dim) long.
    pub fn unflatten(&self, flat: &[f64]) -> Result<Value> {
        if flat.len() != self.flat_dim() {
            return Err(Error::shape("flat vector", &[self.flat_dim()], &[flat.len()]));
        }
        let mut value = Value::Integer(0);
        self.write_flat(flat, &mut value);
        Ok(value)
    }

    /// Whether `value` is an element, with the reason when it is not.
    ///
    /// # Errors
    /// [`Error::NotInSpace`].
    pub fn check(&self, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Box { low, high, element, .. }, Value::Floats(numbers)) if numbers.len() == low.len() => {
                for (i, number) in numbers.iter().enumerate() {
                    // Written so that NaN fails too.
                    if !(*number >= low[i] && *number <= high[i]) {
                        return Err(not_in(format!("element {i} is {number}, outside [{}, {}]", low[i], high[i])));
                    }
                    if !element.is_float() && number.fract() != 0.0 {
                        return Err(not_in(format!("element {i} is {number}, which is not whole")));
                    }
                }
                Ok(())
            }
            (Self::Box { low, high, .. }, Value::Bytes(bytes)) if bytes.len() == low.len() => {
                let outside = |(i, byte): &(usize, &u8)| !(low[*i]..=high[*i]).contains(&f64::from(**byte));
                match bytes.iter().enumerate().find(outside) {
                    Some((i, byte)) => Err(not_in(format!("element {i} is {byte}, outside [{}, {}]", low[i], high[i]))),
                    None => Ok(()),
                }
            }
            (Self::MultiBinary { .. }, Value::Integers(bits)) if bits.iter().any(|bit| *bit != 0 && *bit != 1) => {
                Err(not_in(format!("{bits:?} are not all 0 or 1")))
            }
            (Self::Dict(parts), Value::Dict(values)) if parts.len() == values.len() => {
                parts.iter().enumerate().try_for_each(|(at, (name, part))| part.check(value.part(at, name)?))
            }
            (Self::Tuple(parts), Value::Tuple(values)) if parts.len() == values.len() => {
                parts.iter().zip(values).try_for_each(|(part, value)| part.check(value))
            }
            _ => self.flatten(value, &mut vec![0.0; self.flat_dim()]),
        }
    }

    /// The value rounded to what the space's own number types hold; values of another kind as they are.
    pub fn narrowed(&self, value: &Value) -> Value {
        match (self, value) {
            (Self::Box { element, .. }, Value::Floats(numbers)) => {
                Value::Floats(numbers.iter().map(|number| element.nearest(*number)).collect())
            }
            (Self::Dict(parts), Value::Dict(values)) => Value::Dict(
                values
                    .iter()
                    .enumerate()
                    .map(|(at, (name, value))| {
                        let here = parts.get(at).filter(|(part, _)| part == name);
                        let part = here.or_else(|| parts.iter().find(|(part, _)| part == name));
                        (name.clone(), part.map_or_else(|| value.clone(), |(_, part)| part.narrowed(value)))
                    })
                    .collect(),
            ),
            (Self::Tuple(parts), Value::Tuple(values)) => {
                Value::Tuple(parts.iter().zip(values).map(|(part, value)| part.narrowed(value)).collect())
            }
            _ => value.clone(),
        }
    }

    /// A uniform element; where a bound is infinite, a standard normal shifted to the finite bound if there is one.
    pub fn sample(&self, rng: &mut Rng) -> Value {
        let below = |rng: &mut Rng, n: usize| rng.below(n as u64) as i64;
        match self {
            Self::Box { low, high, element, .. } => {
                let numbers = low.iter().zip(high).map(|(low, high)| match (low.is_finite(), high.is_finite()) {
                    (true, true) if is_bounded(*low, *high) => rng.uniform_in(*low, *high),
                    (true, false) => low + rng.normal().abs(),
                    (false, true) => high - rng.normal().abs(),
                    // A range as wide as the numbers themselves has ends all the same.
                    _ => rng.normal().max(*low).min(*high),
                });
                // Rounded inwards: the middle of a whole-number box may lie half a step beyond its last number.
                let inside = numbers.zip(low.iter().zip(high)).map(|(number, (low, high))| match element {
                    ElementType::F32 | ElementType::F64 => number,
                    _ => element.nearest(number).max(*low).min(*high),
                });
                if element.is_bytes() {
                    Value::Bytes(inside.map(|number| number as u8).collect())
                } else {
                    Value::Floats(inside.collect())
                }
            }
            Self::Discrete { n, start, .. } => Value::Integer(start + below(rng, *n)),
            Self::MultiDiscrete { nvec, start, .. } => {
                Value::Integers(nvec.iter().zip(start).map(|(n, start)| start + below(rng, *n)).collect())
            }
            Self::MultiBinary { shape } => {
                Value::Integers((0..shape.iter().product()).map(|_| below(rng, 2)).collect())
            }
            Self::Dict(parts) => {
                Value::Dict(parts.iter().map(|(name, part)| (name.clone(), part.sample(rng))).collect())
            }
            Self::Tuple(parts) => Value::Tuple(parts.iter().map(|part| part.sample(rng)).collect()),
        }
    }
}

/// Which of `n` choices from `start` on `choice` is, counted from zero.
fn place(choice: i64, n: usize, start: i64) -> Result<usize> {
    match usize::try_from(i128::from(choice) - i128::from(start)) {
        Ok(place) if place < n => Ok(place),
        _ => Err(not_in(format!("{choice} is none of the {n} choices from {start} on"))),
    }
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "value".into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unflattening_undoes_flattening() {
        let boxed = |element, low, high| Space::Box { shape: vec![2], low: vec![low; 2], high: vec![high; 2], element };
        let space = Space::Dict(vec![
            ("place".into(), Space::unbounded(2)),
            ("gear".into(), Space::choices(3, -1)),
            ("switches".into(), Space::MultiBinary { shape: vec![3, 1] }),
            (
                "dials".into(),
                Space::MultiDiscrete {
                    shape: vec![1, 2],
                    nvec: vec![2, 4],
                    start: vec![-5, 7],
                    element: ElementType::I32,
                },
            ),
            ("picture".into(), boxed(ElementType::U8, 3.0, 200.0)),
            ("pair".into(), Space::Tuple(vec![Space::discrete(2), boxed(ElementType::I16, -3.0, 3.0)])),
            ("flags".into(), boxed(ElementType::Bool, 0.0, 1.0)),
        ]);
        let mut rng = Rng::new(7);
        for _ in 0..50 {
            let value = space.sample(&mut rng);
            space.check(&value).unwrap();
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(&value, &mut flat).unwrap();
            assert_eq!(space.unflatten(&flat).unwrap(), value);
        }
        assert!(space.unflatten(&[0.0]).is_err());
    }

    #[test]
    fn what_is_no_element_is_named_as_a_user_writes_it() {
        let said = |space: &Space, value: Value| space.check(&value).unwrap_err().to_string();
        let lever = said(&Space::discrete(4), Value::Floats(vec![0.5]));
        assert!(lever.ends_with("[0.5] is not of the kind or shape of Discrete(4)"), "{lever}");
        let narrow = Space::Box { shape: vec![3], low: vec![-1.0; 3], high: vec![1.0; 3], element: ElementType::F32 };
        let few = said(&narrow, Value::Floats(vec![0.5]));
        assert!(few.ends_with("[0.5] is not of the kind or shape of Box(-1.0, 1.0, (3,), float32)"), "{few}");
        let part = Value::Integer(2).part(0, "gear").unwrap_err().to_string();
        assert!(part.ends_with("expected a part 'gear', got 2"), "{part}");
    }

    #[test]
    fn parts_are_found_by_name() {
        let space = Space::Dict(vec![("v".into(), Space::vector(&[0.0], &[9.0])), ("p".into(), Space::unbounded(1))]);
        let turned = Value::Dict(vec![("p".into(), Value::Floats(vec![-4.0])), ("v".into(), Value::Floats(vec![5.0]))]);
        let mut flat = [0.0; 2];
        space.flatten(&turned, &mut flat).unwrap();
        assert_eq!(flat, [5.0, -4.0]);
        let single =
            |number: f64| Space::Box { shape: vec![1], low: vec![number], high: vec![9.0], element: ElementType::F32 };
        let mixed = Space::Dict(vec![("v".into(), single(0.0)), ("p".into(), Space::unbounded(1))]);
        let narrow =
            |v: f64| Value::Dict(vec![("p".into(), Value::Floats(vec![0.1])), ("v".into(), Value::Floats(vec![v]))]);
        assert_eq!(mixed.narrowed(&narrow(0.1)), narrow(f64::from(0.1_f32)));
        space.check(&turned).unwrap();
        let other = Value::Dict(vec![("p".into(), Value::Floats(vec![0.0])), ("q".into(), Value::Floats(vec![0.0]))]);
        assert!(space.check(&other).is_err());
    }

    #[test]
    fn bytes_and_fractions_outside_are_refused() {
        let narrow = Space::Box { shape: vec![1], low: vec![0.0], high: vec![9.0], element: ElementType::U8 };
        assert!(narrow.check(&Value::Bytes(vec![10])).is_err());
        let whole = Space::Box { shape: vec![1], low: vec![0.0], high: vec![9.0], element: ElementType::I32 };
        assert!(whole.check(&Value::Floats(vec![0.5])).is_err());
        assert!(Space::choices(2, i64::MIN).check(&Value::Integer(i64::MAX)).is_err());
    }
}
