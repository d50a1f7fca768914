//! What an expression can do to numbers, each operation with its derivatives.

use std::f64::consts::{PI, TAU};

/// Functions with the number of their arguments.
pub const FUNCTIONS: &[(&str, usize)] = &[
    ("sin", 1),
    ("cos", 1),
    ("tan", 1),
    ("asin", 1),
    ("acos", 1),
    ("atan", 1),
    ("atan2", 2),
    ("exp", 1),
    ("log", 1),
    ("sqrt", 1),
    ("tanh", 1),
    ("abs", 1),
    ("wrap", 1),
    ("min", 2),
    ("max", 2),
    ("clip", 3),
    ("tolerance", 4),
];

/// One operation on up to four numbers. Truth values are 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    /// A power with a whole exponent, which needs no logarithm.
    WholePower(i32),
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Not,
    And,
    Or,
    /// `if a then b else c`.
    Select,
    Function(Function),
}

/// The functions of [`FUNCTIONS`], in its order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Exp,
    Log,
    Sqrt,
    Tanh,
    Abs,
    Wrap,
    Min,
    Max,
    Clip,
    Tolerance,
}

impl Function {
    /// In the order of [`FUNCTIONS`].
    pub(super) const ALL: [Self; 17] = [
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Atan2,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Tanh,
        Self::Abs,
        Self::Wrap,
        Self::Min,
        Self::Max,
        Self::Clip,
        Self::Tolerance,
    ];
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Distance outside `[lower, upper]`; NaN where any is.
fn outside(x: f64, lower: f64, upper: f64) -> f64 {
    if x < lower {
        lower - x
    } else if x > upper {
        x - upper
    } else {
        0.0 * (x + lower + upper)
    }
}

/// ln 0.1: dm_control's Gaussian tolerance is 0.1 at the margin.
const AT_MARGIN: f64 = -std::f64::consts::LN_10;

impl Operation {
    /// The value. A NaN among the numbers that it depends on gives NaN, except through comparisons.
    #[inline]
    pub(super) fn apply(self, a: [f64; 4]) -> f64 {
        let [x, y, z, w] = a;
        match self {
            Self::Negate => -x,
            Self::Add => x + y,
            Self::Subtract => x - y,
            Self::Multiply => x * y,
            Self::Divide => x / y,
            Self::Power => x.powf(y),
            Self::WholePower(n) => x.powi(n),
            Self::Less => truth(x < y),
            Self::LessOrEqual => truth(x <= y),
            Self::Greater => truth(x > y),
            Self::GreaterOrEqual => truth(x >= y),
            Self::Equal => truth(x == y),
            Self::NotEqual => truth(x != y),
            Self::Not => truth(x == 0.0),
            Self::And => truth(x != 0.0 && y != 0.0),
            Self::Or => truth(x != 0.0 || y != 0.0),
            Self::Select => {
                if x != 0.0 {
                    y
                } else {
                    z
                }
            }
            Self::Function(function) => match function {
                Function::Sin => x.sin(),
                Function::Cos => x.cos(),
                Function::Tan => x.tan(),
                Function::Asin => x.asin(),
                Function::Acos => x.acos(),
                Function::Atan => x.atan(),
                Function::Atan2 => x.atan2(y),
                Function::Exp => x.exp(),
                Function::Log => x.ln(),
                Function::Sqrt => x.sqrt(),
                Function::Tanh => x.tanh(),
                Function::Abs => x.abs(),
                // The angle in [-π, π).
                Function::Wrap => x - TAU * ((x + PI) / TAU).floor(),
                // Not f64::min, which would drop a NaN.
                Function::Min => {
                    if x < y || x.is_nan() {
                        x
                    } else {
                        y
                    }
                }
                Function::Max => {
                    if x > y || x.is_nan() {
                        x
                    } else {
                        y
                    }
                }
                Function::Clip => {
                    if y.is_nan() || z.is_nan() {
                        f64::NAN
                    } else if x < y {
                        y
                    } else if x > z {
                        z
                    } else {
                        x
                    }
                }
                Function::Tolerance => {
                    let distance = outside(x, y, z);
                    if w == 0.0 && !distance.is_nan() {
                        truth(distance == 0.0)
                    } else {
                        (AT_MARGIN * (distance / w).powi(2)).exp()
                    }
                }
            },
        }
    }

    /// Derivatives with respect to each argument, where `value` is what [`apply`](Self::apply) gave.
    pub(super) fn slopes(self, a: [f64; 4], value: f64) -> [f64; 4] {
        let [x, y, z, w] = a;
        match self {
            Self::Negate => [-1.0, 0.0, 0.0, 0.0],
            Self::Add => [1.0, 1.0, 0.0, 0.0],
            Self::Subtract => [1.0, -1.0, 0.0, 0.0],
            Self::Multiply => [y, x, 0.0, 0.0],
            Self::Divide => [1.0 / y, -value / y, 0.0, 0.0],
            Self::Power => {
                let by_base = if y == 0.0 { 0.0 } else { y * x.powf(y - 1.0) };
                // Below zero a power of no whole exponent is NaN already; at zero the limit is taken.
                [by_base, if x > 0.0 { value * x.ln() } else { 0.0 }, 0.0, 0.0]
            }
            Self::WholePower(n) => [if n == 0 { 0.0 } else { f64::from(n) * x.powi(n - 1) }, 0.0, 0.0, 0.0],
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => [0.0; 4],
            Self::Equal | Self::NotEqual | Self::Not | Self::And | Self::Or => [0.0; 4],
            Self::Select => [0.0, truth(x != 0.0), truth(x == 0.0), 0.0],
            Self::Function(function) => match function {
                Function::Sin => [x.cos(), 0.0, 0.0, 0.0],
                Function::Cos => [-x.sin(), 0.0, 0.0, 0.0],
                Function::Tan => [1.0 + value * value, 0.0, 0.0, 0.0],
                Function::Asin => [1.0 / (1.0 - x * x).sqrt(), 0.0, 0.0, 0.0],
                Function::Acos => [-1.0 / (1.0 - x * x).sqrt(), 0.0, 0.0, 0.0],
                Function::Atan => [1.0 / (1.0 + x * x), 0.0, 0.0, 0.0],
                Function::Atan2 => {
                    let squared = x * x + y * y;
                    [y / squared, -x / squared, 0.0, 0.0]
                }
                Function::Exp => [value, 0.0, 0.0, 0.0],
                Function::Log => [1.0 / x, 0.0, 0.0, 0.0],
                Function::Sqrt => [0.5 / value, 0.0, 0.0, 0.0],
                Function::Tanh => [1.0 - value * value, 0.0, 0.0, 0.0],
                Function::Abs => [if x == 0.0 { 0.0 } else { x.signum() }, 0.0, 0.0, 0.0],
                Function::Wrap => [1.0, 0.0, 0.0, 0.0],
                Function::Min => [truth(x < y), truth(x >= y), 0.0, 0.0],
                Function::Max => [truth(x > y), truth(x <= y), 0.0, 0.0],
                Function::Clip => [truth(x >= y && x <= z), truth(x < y), truth(x >= y && x > z), 0.0],
                Function::Tolerance => {
                    let distance = outside(x, y, z);
                    if w == 0.0 || distance == 0.0 {
                        return [0.0; 4];
                    }
                    let by_distance = value * 2.0 * AT_MARGIN * distance / (w * w);
                    let below = x < y;
                    [
                        if below { -by_distance } else { by_distance },
                        if below { by_distance } else { 0.0 },
                        if below { 0.0 } else { -by_distance },
                        -by_distance * distance / w,
                    ]
                }
            },
        }
    }
}
