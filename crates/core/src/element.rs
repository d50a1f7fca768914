//! The number types of boxes and choices, as NumPy names them.
//!
//! Numbers travel between rooms as `f64` (bytes as bytes); an element type says which of them an environment itself can hold,
//! so that whatever is given back to it, or written for others, is of the type and in the range that its space promises.

/// The number type that an environment itself uses for a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// True or false, held as the bytes 1 and 0.
    Bool,
    /// Bytes, as in images.
    U8,
    /// 16-bit counts.
    U16,
    /// 32-bit counts.
    U32,
    /// 64-bit counts.
    U64,
    /// 8-bit whole numbers.
    I8,
    /// 16-bit whole numbers.
    I16,
    /// 32-bit whole numbers.
    I32,
    /// 64-bit whole numbers.
    I64,
    /// 16-bit floating point.
    F16,
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
}

/// What is known of each element type, once.
const TABLE: [(ElementType, &str, usize); 12] = [
    (ElementType::Bool, "bool", 1),
    (ElementType::U8, "uint8", 1),
    (ElementType::U16, "uint16", 2),
    (ElementType::U32, "uint32", 4),
    (ElementType::U64, "uint64", 8),
    (ElementType::I8, "int8", 1),
    (ElementType::I16, "int16", 2),
    (ElementType::I32, "int32", 4),
    (ElementType::I64, "int64", 8),
    (ElementType::F16, "float16", 2),
    (ElementType::F32, "float32", 4),
    (ElementType::F64, "float64", 8),
];

/// Beyond this an f64 no longer tells neighbouring whole numbers apart.
pub const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl ElementType {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|line| line.0)
    }

    /// NumPy's name.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The type that NumPy calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|line| line.1 == name).map(|line| line.0)
    }

    /// Bytes of one number in the environment's own arrays.
    pub fn size(self) -> usize {
        TABLE[self as usize].2
    }

    /// Whether its numbers have fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }

    /// Whether values of it are [`Value::Bytes`](crate::Value::Bytes).
    pub fn is_bytes(self) -> bool {
        matches!(self, Self::Bool | Self::U8)
    }

    /// The least and the greatest finite number.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Bool => (0.0, 1.0),
            Self::U8 => (0.0, f64::from(u8::MAX)),
            Self::U16 => (0.0, f64::from(u16::MAX)),
            Self::U32 => (0.0, f64::from(u32::MAX)),
            Self::U64 => (0.0, u64::MAX as f64),
            Self::I8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
            Self::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Self::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Self::I64 => (i64::MIN as f64, i64::MAX as f64),
            Self::F16 => (-65_504.0, 65_504.0),
            Self::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::F64 => (f64::MIN, f64::MAX),
        }
    }

    /// The number of this type that is nearest to `number`: rounded where it is whole, within the range. NaN stays NaN, and a
    /// floating-point type keeps infinities.
    ///
    /// Rounding is monotone, so that a number within bounds that are of this type stays within them.
    pub fn nearest(self, number: f64) -> f64 {
        if self.is_float() && number.is_infinite() {
            return number;
        }
        if number.is_nan() {
            return number;
        }
        let (least, most) = self.range();
        let number = number.clamp(least, most);
        match self {
            Self::F64 => number,
            Self::F32 => f64::from(number as f32),
            Self::F16 => half(number),
            _ => number.round(),
        }
    }
}

/// The nearest 16-bit floating-point number, ties to even, of one within their range.
fn half(number: f64) -> f64 {
    // Eleven bits of significand, and none below 2^-24.
    let exponent = number.abs().log2().floor().max(-14.0);
    let unit = (exponent - 10.0).exp2();
    if number == 0.0 { number } else { (number / unit).round_ties_even() * unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_types() {
        for (place, element) in ElementType::all().enumerate() {
            assert_eq!(element as usize, place);
            assert_eq!(ElementType::from_name(element.name()), Some(element));
        }
    }

    #[test]
    fn nearest_numbers_are_of_the_type_and_within_its_range() {
        // Computed by NumPy: np.float16(x).
        for (number, nearest) in [
            (0.1, 0.099_975_585_937_5),
            (1.0 / 3.0, 0.333_251_953_125),
            (2049.0, 2048.0),
            (2051.0, 2052.0),
            (1e-7, 1.192_092_895_507_812_5e-7),
            (2e-8, 0.0),
            (6e-5, 6.002_187_728_881_836e-5),
            (-70_000.0, -65_504.0),
        ] {
            assert_eq!(ElementType::F16.nearest(number), nearest, "{number}");
        }
        assert_eq!(ElementType::F32.nearest(0.1), f64::from(0.1_f32));
        assert_eq!(ElementType::U8.nearest(255.7), 255.0);
        assert_eq!(ElementType::I8.nearest(-1e300), -128.0);
        assert_eq!(ElementType::F32.nearest(f64::INFINITY), f64::INFINITY);
        assert_eq!(ElementType::F32.nearest(1e300), f64::from(f32::MAX));
        assert!(ElementType::all().all(|element| element.nearest(f64::NAN).is_nan()));
    }
}
