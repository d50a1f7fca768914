//! Spaces: the shape, type and bounds of observations and actions, in Gymnasium's words.

use crate::{Error, Result, Rng, Value};

/// The number type that an environment itself uses for a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
    /// Bytes, as in images.
    U8,
    /// 64-bit whole numbers.
    I64,
}

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
    },
    /// Several choices, the `i`-th below `nvec[i]`.
    MultiDiscrete {
        /// Choices for each place.
        nvec: Vec<usize>,
    },
    /// Bits.
    MultiBinary {
        /// How many.
        n: usize,
    },
    /// Named parts.
    Dict(Vec<(String, Space)>),
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
        Self::Discrete { n, start: 0 }
    }

    /// Length of the flat vector of an element: boxes and bits as they are, choices one-hot, parts in order.
    pub fn flat_dim(&self) -> usize {
        match self {
            Self::Box { low, .. } => low.len(),
            Self::Discrete { n, .. } | Self::MultiBinary { n } => *n,
            Self::MultiDiscrete { nvec } => nvec.iter().sum(),
            Self::Dict(parts) => parts.iter().map(|(_, part)| part.flat_dim()).sum(),
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
            (Self::Discrete { n, start }, Value::Integer(choice))
                if (*choice - start) >= 0 && ((*choice - start) as usize) < *n =>
            {
                out.fill(0.0);
                out[(*choice - start) as usize] = 1.0;
            }
            (Self::MultiBinary { n }, Value::Integers(bits)) if bits.len() == *n => {
                out.iter_mut().zip(bits).for_each(|(slot, bit)| *slot = *bit as f64);
            }
            (Self::MultiDiscrete { nvec }, Value::Integers(choices)) if choices.len() == nvec.len() => {
                out.fill(0.0);
                let mut start = 0;
                for (n, choice) in nvec.iter().zip(choices) {
                    if *choice < 0 || *choice as usize >= *n {
                        return Err(not_in(format!("choice {choice} is not below {n}")));
                    }
                    out[start + *choice as usize] = 1.0;
                    start += n;
                }
            }
            (Self::Dict(parts), Value::Dict(values)) if parts.len() == values.len() => {
                let mut start = 0;
                for ((name, part), (given, value)) in parts.iter().zip(values) {
                    if name != given {
                        return Err(not_in(format!("expected part '{name}', got '{given}'")));
                    }
                    let end = start + part.flat_dim();
                    part.flatten(value, &mut out[start..end])?;
                    start = end;
                }
            }
            _ => return Err(not_in(format!("{value:?} is not of the kind or shape of {self:?}"))),
        }
        Ok(())
    }

    /// The value whose flat vector is `flat`: what [`flatten`](Self::flatten) undoes. A choice is the largest of its places, bits
    /// and bytes are rounded.
    ///
    /// # Errors
    /// [`Error::Shape`] when `flat` is not [`flat_dim`](Self::flat_dim) long.
    pub fn unflatten(&self, flat: &[f64]) -> Result<Value> {
        if flat.len() != self.flat_dim() {
            return Err(Error::shape("flat vector", &[self.flat_dim()], &[flat.len()]));
        }
        Ok(match self {
            Self::Box { element: ElementType::U8, .. } => {
                Value::Bytes(flat.iter().map(|number| number.round() as u8).collect())
            }
            Self::Box { .. } => Value::Floats(flat.to_vec()),
            Self::Discrete { start, .. } => Value::Integer(start + largest(flat) as i64),
            Self::MultiBinary { .. } => Value::Integers(flat.iter().map(|bit| i64::from(*bit >= 0.5)).collect()),
            Self::MultiDiscrete { nvec } => {
                let mut rest = flat;
                let choices = nvec.iter().map(|n| {
                    let (own, others) = rest.split_at(*n);
                    rest = others;
                    largest(own) as i64
                });
                Value::Integers(choices.collect())
            }
            Self::Dict(parts) => {
                let mut rest = flat;
                let values = parts.iter().map(|(name, part)| {
                    let (own, others) = rest.split_at(part.flat_dim());
                    rest = others;
                    Ok((name.clone(), part.unflatten(own)?))
                });
                Value::Dict(values.collect::<Result<_>>()?)
            }
        })
    }

    /// Whether `value` is an element, with the reason when it is not.
    ///
    /// # Errors
    /// [`Error::NotInSpace`].
    pub fn check(&self, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Box { low, high, .. }, Value::Floats(numbers)) if numbers.len() == low.len() => {
                for (i, number) in numbers.iter().enumerate() {
                    // Written so that NaN fails too.
                    if !(*number >= low[i] && *number <= high[i]) {
                        return Err(not_in(format!("element {i} is {number}, outside [{}, {}]", low[i], high[i])));
                    }
                }
                Ok(())
            }
            (Self::MultiBinary { .. }, Value::Integers(bits)) if bits.iter().any(|bit| *bit != 0 && *bit != 1) => {
                Err(not_in(format!("{bits:?} are not all 0 or 1")))
            }
            (Self::Dict(parts), Value::Dict(values)) if parts.len() == values.len() => {
                for ((name, part), (given, value)) in parts.iter().zip(values) {
                    if name != given {
                        return Err(not_in(format!("expected part '{name}', got '{given}'")));
                    }
                    part.check(value)?;
                }
                Ok(())
            }
            _ => self.flatten(value, &mut vec![0.0; self.flat_dim()]),
        }
    }

    /// A uniform element; where a bound is infinite, a standard normal shifted to the finite bound if there is one.
    pub fn sample(&self, rng: &mut Rng) -> Value {
        match self {
            Self::Box { low, high, element, .. } => {
                let numbers = low.iter().zip(high).map(|(low, high)| match (low.is_finite(), high.is_finite()) {
                    (true, true) => rng.uniform_in(*low, *high),
                    (true, false) => low + rng.normal().abs(),
                    (false, true) => high - rng.normal().abs(),
                    (false, false) => rng.normal(),
                });
                match element {
                    ElementType::U8 => Value::Bytes(numbers.map(|number| number.round() as u8).collect()),
                    _ => Value::Floats(numbers.collect()),
                }
            }
            Self::Discrete { n, start } => Value::Integer(start + rng.below(*n as u64) as i64),
            Self::MultiDiscrete { nvec } => Value::Integers(nvec.iter().map(|n| rng.below(*n as u64) as i64).collect()),
            Self::MultiBinary { n } => Value::Integers((0..*n).map(|_| rng.below(2) as i64).collect()),
            Self::Dict(parts) => {
                Value::Dict(parts.iter().map(|(name, part)| (name.clone(), part.sample(rng))).collect())
            }
        }
    }
}

fn not_in(reason: String) -> Error {
    Error::NotInSpace { what: "value".into(), reason }
}

/// The place of the largest number, the first of equal ones.
fn largest(numbers: &[f64]) -> usize {
    (0..numbers.len()).fold(0, |best, i| if numbers[i] > numbers[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unflattening_undoes_flattening() {
        let bytes = Space::Box { shape: vec![2], low: vec![0.0; 2], high: vec![255.0; 2], element: ElementType::U8 };
        let space = Space::Dict(vec![
            ("place".into(), Space::unbounded(2)),
            ("gear".into(), Space::Discrete { n: 3, start: -1 }),
            ("switches".into(), Space::MultiBinary { n: 3 }),
            ("dials".into(), Space::MultiDiscrete { nvec: vec![2, 4] }),
            ("picture".into(), bytes),
        ]);
        let mut rng = Rng::new(7);
        for _ in 0..20 {
            let value = space.sample(&mut rng);
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(&value, &mut flat).unwrap();
            assert_eq!(space.unflatten(&flat).unwrap(), value);
        }
        assert!(space.unflatten(&[0.0]).is_err());
    }
}
