//! Action spaces as planners search them: real numbers within bounds, or one choice out of a few.

use worldwright_core::{Action, ElementType, Error, Result, Space, Value};

/// The most choices that a product of several places may have.
const MOST_CHOICES: usize = 4096;

/// What there is to choose at each step.
#[derive(Debug, Clone)]
pub(crate) enum ActionKind {
    /// Numbers within bounds, one a dimension; a bound may be infinite.
    Continuous { low: Vec<f64>, high: Vec<f64> },
    /// One of `choices`, counted from zero.
    Discrete { choices: usize, form: Form },
}

/// How a choice is written as an action.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// A whole number counted from `start`.
    Single { start: i64 },
    /// Digits to these bases, the most significant first, each counted from its start.
    Several { bases: Vec<usize>, starts: Vec<i64> },
}

/// One sequence of actions over the horizon.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sequence {
    /// Continuous actions `[H][A]`, otherwise empty.
    pub(crate) values: Vec<f64>,
    /// Discrete choices `[H]`, otherwise empty.
    pub(crate) choices: Vec<u32>,
}

impl ActionKind {
    /// # Errors
    /// [`Error::Unsupported`] for spaces that are neither, or have too many choices.
    pub(crate) fn new(planner: &'static str, space: &Space) -> Result<Self> {
        let product = |bases: Vec<usize>, starts: Vec<i64>| {
            let choices = bases.iter().try_fold(1_usize, |product, base| product.checked_mul(*base));
            match choices {
                Some(choices) if (1..=MOST_CHOICES).contains(&choices) => {
                    Ok(Self::Discrete { choices, form: Form::Several { bases, starts } })
                }
                _ => Err(Error::unsupported(
                    planner,
                    format!("action places {bases:?}: their product must lie between 1 and {MOST_CHOICES} choices"),
                )),
            }
        };
        match space {
            Space::Box { low, high, element: ElementType::F32 | ElementType::F64, .. } if !low.is_empty() => {
                if low.iter().zip(high).any(|(low, high)| low.is_nan() || high.is_nan() || low > high) {
                    return Err(Error::config(
                        "action_space",
                        "a lower bound is above its upper bound, or not a number",
                    ));
                }
                Ok(Self::Continuous { low: low.clone(), high: high.clone() })
            }
            Space::Discrete { n, start, .. } if *n > 0 => {
                Ok(Self::Discrete { choices: *n, form: Form::Single { start: *start } })
            }
            Space::MultiDiscrete { nvec, start, .. } => product(nvec.clone(), start.clone()),
            Space::MultiBinary { .. } => product(vec![2; space.numbers()], vec![0; space.numbers()]),
            other => Err(Error::unsupported(
                planner,
                format!("the action space {other:?}: it searches boxes of real numbers and discrete choices"),
            )),
        }
    }

    /// Numbers that make up one continuous action; zero for choices.
    pub(crate) fn dims(&self) -> usize {
        match self {
            Self::Continuous { low, .. } => low.len(),
            Self::Discrete { .. } => 0,
        }
    }

    /// How many choices there are; zero for continuous actions.
    pub(crate) fn choices(&self) -> usize {
        match self {
            Self::Continuous { .. } => 0,
            Self::Discrete { choices, .. } => *choices,
        }
    }

    /// Puts numbers `[..][A]` back into the bounds.
    pub(crate) fn clip(&self, values: &mut [f64]) {
        if let Self::Continuous { low, high } = self {
            for (i, value) in values.iter_mut().enumerate() {
                *value = value.max(low[i % low.len()]).min(high[i % low.len()]);
            }
        }
    }

    /// Writes action `t` of a sequence over `out`, reusing its allocation.
    pub(crate) fn write(&self, sequence: &Sequence, t: usize, out: &mut Action) {
        match self {
            Self::Continuous { low, .. } => {
                let numbers = &sequence.values[t * low.len()..(t + 1) * low.len()];
                match out {
                    Value::Floats(floats) => {
                        floats.clear();
                        floats.extend_from_slice(numbers);
                    }
                    _ => *out = Value::Floats(numbers.to_vec()),
                }
            }
            Self::Discrete { form: Form::Single { start }, .. } => {
                *out = Value::Integer(start + i64::from(sequence.choices[t]));
            }
            Self::Discrete { form: Form::Several { bases, starts }, .. } => {
                if !matches!(out, Value::Integers(_)) {
                    *out = Value::Integers(Vec::with_capacity(bases.len()));
                }
                let Value::Integers(digits) = out else { return };
                digits.clear();
                digits.resize(bases.len(), 0);
                let mut rest = sequence.choices[t] as usize;
                for ((digit, base), start) in digits.iter_mut().zip(bases).zip(starts).rev() {
                    *digit = start + (rest % base) as i64;
                    rest /= base;
                }
            }
        }
    }
}

impl Sequence {
    /// Zeros of the right shape.
    pub(crate) fn new(kind: &ActionKind, horizon: usize) -> Self {
        match kind {
            ActionKind::Continuous { low, .. } => Self { values: vec![0.0; horizon * low.len()], choices: Vec::new() },
            ActionKind::Discrete { .. } => Self { values: Vec::new(), choices: vec![0; horizon] },
        }
    }

    /// Copies without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.values.copy_from_slice(&other.values);
        self.choices.copy_from_slice(&other.choices);
    }

    /// Moves every step `steps` earlier; the last step is repeated.
    pub(crate) fn shift(&mut self, horizon: usize, steps: usize) {
        shift_rows(&mut self.values, horizon, steps);
        shift_rows(&mut self.choices, horizon, steps);
    }
}

/// Moves the rows of `[H][width]` data `steps` earlier, repeating the last row.
pub(crate) fn shift_rows<T: Copy>(data: &mut [T], horizon: usize, steps: usize) {
    let width = data.len() / horizon.max(1);
    for h in 0..horizon {
        let from = (h + steps).min(horizon - 1);
        data.copy_within(from * width..(from + 1) * width, h * width);
    }
}
