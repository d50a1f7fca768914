//! Elements counted: finite spaces as one list of choices, so that a planner of single choices can take any of them.
//!
//! Element number `i` has the digits of `i` in its parts, the first part the most significant: the places of an array
//! row-major, the parts of a dictionary or tuple in their order, the whole numbers of a box from its lower bounds on.

use crate::{ElementType, Error, Result, Space, Value, is_bounded};

/// Refuses choices that are none, more than a flat vector has places for, or of numbers so large that arithmetic does not tell them
/// apart.
///
/// # Errors
/// [`Error::Unsupported`].
pub fn check_choices(n: usize, start: i64) -> Result<()> {
    const MOST: usize = i32::MAX as usize;
    // Beyond, a double is several whole numbers.
    const EXACT: i64 = 1 << 53;
    let is_exact =
        (-EXACT..=EXACT).contains(&start) && start.checked_add_unsigned(n as u64).is_some_and(|end| end <= EXACT);
    if n == 0 || n > MOST || !is_exact {
        let why = format!(
            "{n} choices from {start} on: they are none, more than {MOST}, or reach beyond ±2^53, where numbers are not told apart"
        );
        return Err(Error::unsupported("a space", why));
    }
    Ok(())
}

impl Space {
    /// [`check_choices`] for all choices in it.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub fn check_all_choices(&self) -> Result<()> {
        match self {
            Self::Discrete { n, start, .. } => check_choices(*n, *start),
            Self::MultiDiscrete { nvec, start, .. } => {
                nvec.iter().zip(start).try_for_each(|(n, start)| check_choices(*n, *start))
            }
            Self::Dict(_) | Self::Tuple(_) => {
                self.parts().into_iter().try_for_each(|(_, part)| part.check_all_choices())
            }
            Self::Box { .. } | Self::MultiBinary { .. } => Ok(()),
        }
    }

    /// How many elements it has; none where they cannot be counted, or are more than a choice of 32 bits tells apart.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Box { low, high, element, .. } => {
                product(low.iter().zip(high).map(|(low, high)| whole_numbers(*element, *low, *high)))
            }
            Self::Discrete { n, .. } => product(std::iter::once(Some(*n))),
            Self::MultiDiscrete { nvec, .. } => product(nvec.iter().map(|n| Some(*n))),
            Self::MultiBinary { shape } => product((0..shape.iter().product()).map(|_| Some(2))),
            Self::Dict(parts) => product(parts.iter().map(|(_, part)| part.count())),
            Self::Tuple(parts) => product(parts.iter().map(Self::count)),
        }
    }

    /// Writes element number `index`, below [`count`](Self::count), over `out`, reusing what that holds.
    pub fn write_element(&self, index: usize, out: &mut Value) {
        self.write_digits(index, out);
    }

    /// The flat vectors of all elements in their order, `[count][flat_dim]`, where there are at most `most` of them.
    pub fn flat_elements(&self, most: usize) -> Option<Vec<f64>> {
        let count = self.count().filter(|count| *count <= most)?;
        let width = self.flat_dim();
        let (mut flat, mut value) = (vec![0.0; count * width], Value::Integer(0));
        for index in 0..count {
            self.write_element(index, &mut value);
            self.flatten(&value, &mut flat[index * width..(index + 1) * width]).ok()?;
        }
        Some(flat)
    }

    /// The number of an element, as [`write_element`](Self::write_element) counts; none for what is no element or a space that
    /// cannot be counted.
    pub fn element_number(&self, value: &Value) -> Option<usize> {
        self.count()?;
        self.check(value).ok()?;
        self.add_digits(0, value)
    }

    /// `before` with the digits of an element behind it.
    fn add_digits(&self, before: usize, value: &Value) -> Option<usize> {
        let digit = |number: usize, base: usize, place: i128| Some(number * base + usize::try_from(place).ok()?);
        match (self, value) {
            (Self::Box { low, high, element, .. }, Value::Bytes(bytes)) => {
                low.iter().zip(high).zip(bytes).try_fold(before, |number, ((low, high), byte)| {
                    digit(number, whole_numbers(*element, *low, *high)?, i128::from(*byte) - low.ceil() as i128)
                })
            }
            (Self::Box { low, high, element, .. }, Value::Floats(numbers)) => {
                low.iter().zip(high).zip(numbers).try_fold(before, |number, ((low, high), x)| {
                    digit(number, whole_numbers(*element, *low, *high)?, (x - low.ceil()) as i128)
                })
            }
            (Self::Discrete { n, start, .. }, Value::Integer(choice)) => {
                digit(before, *n, i128::from(*choice) - i128::from(*start))
            }
            (Self::MultiDiscrete { nvec, start, .. }, Value::Integers(choices)) => {
                nvec.iter().zip(start).zip(choices).try_fold(before, |number, ((n, start), choice)| {
                    digit(number, *n, i128::from(*choice) - i128::from(*start))
                })
            }
            (Self::MultiBinary { .. }, Value::Integers(bits)) => {
                bits.iter().try_fold(before, |number, bit| digit(number, 2, i128::from(*bit)))
            }
            (Self::Dict(parts), Value::Dict(_)) => parts
                .iter()
                .enumerate()
                .try_fold(before, |number, (at, (name, part))| part.add_digits(number, value.part(at, name).ok()?)),
            (Self::Tuple(parts), Value::Tuple(values)) => {
                parts.iter().zip(values).try_fold(before, |number, (part, value)| part.add_digits(number, value))
            }
            _ => None,
        }
    }

    /// Writes the lowest digits of `index` and returns the others: the last part is the least significant.
    fn write_digits(&self, index: usize, out: &mut Value) -> usize {
        let mut rest = index;
        let mut digit = |base: usize| {
            let digit = rest % base.max(1);
            rest /= base.max(1);
            digit
        };
        match self {
            Self::Box { low, high, element, .. } if element.is_bytes() => {
                let bytes = bytes(out, low.len());
                for ((slot, low), high) in bytes.iter_mut().zip(low).zip(high).rev() {
                    *slot = (low.ceil() as usize + digit(whole_numbers(*element, *low, *high).unwrap_or(1))) as u8;
                }
            }
            Self::Box { low, high, element, .. } => {
                let floats = floats(out, low.len());
                for ((slot, low), high) in floats.iter_mut().zip(low).zip(high).rev() {
                    *slot = low.ceil() + digit(whole_numbers(*element, *low, *high).unwrap_or(1)) as f64;
                }
            }
            Self::Discrete { n, start, .. } => *out = Value::Integer(start + digit(*n) as i64),
            Self::MultiDiscrete { nvec, start, .. } => {
                for ((slot, n), start) in integers(out, nvec.len()).iter_mut().zip(nvec).zip(start).rev() {
                    *slot = start + digit(*n) as i64;
                }
            }
            Self::MultiBinary { .. } => {
                integers(out, self.numbers()).iter_mut().rev().for_each(|slot| *slot = digit(2) as i64);
            }
            Self::Dict(parts) => {
                for ((_, part), (_, slot)) in parts.iter().zip(dict(out, parts)).rev() {
                    rest = part.write_digits(rest, slot);
                }
            }
            Self::Tuple(parts) => {
                for (part, slot) in parts.iter().zip(tuple(out, parts.len())).rev() {
                    rest = part.write_digits(rest, slot);
                }
            }
        }
        rest
    }

    /// Writes the value whose flat vector is `flat` (of [`flat_dim`](Self::flat_dim) numbers) over `out`, reusing what that holds:
    /// a choice is the largest of its places, bits and whole numbers are rounded.
    pub fn write_flat(&self, flat: &[f64], out: &mut Value) {
        let mut rest = flat;
        let mut next = |length: usize| {
            let (own, others) = rest.split_at(length);
            rest = others;
            own
        };
        match self {
            Self::Box { element, .. } if element.is_bytes() => {
                let bytes = bytes(out, flat.len());
                bytes.iter_mut().zip(flat).for_each(|(slot, number)| *slot = element.nearest(*number) as u8);
            }
            Self::Box { element, .. } => {
                let floats = floats(out, flat.len());
                if element.is_float() {
                    floats.copy_from_slice(flat);
                } else {
                    floats.iter_mut().zip(flat).for_each(|(slot, number)| *slot = element.nearest(*number));
                }
            }
            Self::Discrete { start, .. } => *out = Value::Integer(start + largest(flat) as i64),
            Self::MultiBinary { .. } => {
                let bits = integers(out, flat.len());
                bits.iter_mut().zip(flat).for_each(|(slot, bit)| *slot = i64::from(*bit >= 0.5));
            }
            Self::MultiDiscrete { nvec, start, .. } => {
                for ((slot, n), start) in integers(out, nvec.len()).iter_mut().zip(nvec).zip(start) {
                    *slot = start + largest(next(*n)) as i64;
                }
            }
            Self::Dict(parts) => {
                for ((_, part), (_, slot)) in parts.iter().zip(dict(out, parts)) {
                    part.write_flat(next(part.flat_dim()), slot);
                }
            }
            Self::Tuple(parts) => {
                for (part, slot) in parts.iter().zip(tuple(out, parts.len())) {
                    part.write_flat(next(part.flat_dim()), slot);
                }
            }
        }
    }
}

fn product(mut factors: impl Iterator<Item = Option<usize>>) -> Option<usize> {
    let product = factors.try_fold(1_usize, |product, factor| product.checked_mul(factor?));
    product.filter(|product| *product <= u32::MAX as usize)
}

/// How many whole numbers lie within bounds; none for types with fractions and for bounds that are as good as none.
fn whole_numbers(element: ElementType, low: f64, high: f64) -> Option<usize> {
    let (least, most) = (low.ceil(), high.floor());
    (!element.is_float() && is_bounded(least, most) && least <= most).then(|| (most - least) as usize + 1)
}

/// The place of the largest number, the first of equal ones.
fn largest(numbers: &[f64]) -> usize {
    (0..numbers.len()).fold(0, |best, i| if numbers[i] > numbers[best] { i } else { best })
}

// What `out` holds, as a value of the wanted kind and length: reused where it is one, so that a decision allocates nothing.

fn floats(out: &mut Value, length: usize) -> &mut [f64] {
    if !matches!(out, Value::Floats(numbers) if numbers.len() == length) {
        *out = Value::Floats(vec![0.0; length]);
    }
    match out {
        Value::Floats(numbers) => numbers,
        _ => &mut [],
    }
}

fn bytes(out: &mut Value, length: usize) -> &mut [u8] {
    if !matches!(out, Value::Bytes(bytes) if bytes.len() == length) {
        *out = Value::Bytes(vec![0; length]);
    }
    match out {
        Value::Bytes(bytes) => bytes,
        _ => &mut [],
    }
}

fn integers(out: &mut Value, length: usize) -> &mut [i64] {
    if !matches!(out, Value::Integers(numbers) if numbers.len() == length) {
        *out = Value::Integers(vec![0; length]);
    }
    match out {
        Value::Integers(numbers) => numbers,
        _ => &mut [],
    }
}

fn dict<'a>(out: &'a mut Value, parts: &[(String, Space)]) -> &'a mut [(String, Value)] {
    let same = |given: &[(String, Value)]| {
        given.len() == parts.len() && given.iter().zip(parts).all(|((given, _), (name, _))| given == name)
    };
    if !matches!(out, Value::Dict(given) if same(given)) {
        *out = Value::Dict(parts.iter().map(|(name, _)| (name.clone(), Value::Integer(0))).collect());
    }
    match out {
        Value::Dict(given) => given,
        _ => &mut [],
    }
}

fn tuple(out: &mut Value, length: usize) -> &mut [Value] {
    if !matches!(out, Value::Tuple(given) if given.len() == length) {
        *out = Value::Tuple(vec![Value::Integer(0); length]);
    }
    match out {
        Value::Tuple(given) => given,
        _ => &mut [],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_that_arithmetic_cannot_tell_apart_are_refused() {
        for (n, start, taken) in [
            (3, 0, true),
            (3, -(1 << 53), true),
            (3, (1 << 53) - 3, true),
            (3, (1 << 53) - 2, false),
            (3, i64::MIN, false),
            (0, 0, false),
            (1 << 31, 0, false),
        ] {
            assert_eq!(check_choices(n, start).is_ok(), taken, "{n} from {start}");
            let space = Space::Tuple(vec![Space::discrete(2), Space::choices(n, start)]);
            assert_eq!(space.check_all_choices().is_ok(), taken);
        }
    }

    fn whole(element: ElementType, low: &[f64], high: &[f64]) -> Space {
        Space::Box { shape: vec![low.len()], low: low.to_vec(), high: high.to_vec(), element }
    }

    #[test]
    fn elements_are_counted_and_told_apart() {
        let space = Space::Dict(vec![
            ("gear".into(), Space::choices(3, -1)),
            ("pair".into(), Space::Tuple(vec![Space::bits(2), whole(ElementType::I16, &[-1.0, 4.0], &[1.0, 5.0])])),
            ("byte".into(), whole(ElementType::U8, &[7.0], &[8.0])),
        ]);
        let count = 3 * 4 * 6 * 2;
        assert_eq!(space.count(), Some(count));
        let (mut value, mut seen) = (Value::Integer(0), Vec::new());
        for index in 0..count {
            space.write_element(index, &mut value);
            space.check(&value).unwrap();
            assert_eq!(space.element_number(&value), Some(index));
            assert!(!seen.contains(&value), "{value:?} is two elements");
            seen.push(value.clone());
        }
        // The first part is the most significant, and the last changes first.
        assert_eq!(seen[0].part(0, "gear").unwrap(), &Value::Integer(-1));
        assert_eq!(seen[1].part(2, "byte").unwrap(), &Value::Bytes(vec![8]));
        assert_eq!(seen[count - 1].part(0, "gear").unwrap(), &Value::Integer(1));
    }

    #[test]
    fn what_cannot_be_counted_is_not() {
        assert_eq!(Space::unbounded(1).count(), None);
        assert_eq!(Space::bits(40).count(), None);
        assert_eq!(whole(ElementType::I64, &[f64::MIN], &[f64::MAX]).count(), None);
        assert_eq!(Space::multi_discrete(&[5, 5, 5]).count(), Some(125));
    }
}
