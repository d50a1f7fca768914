//! Action spaces as planners search them: numbers within bounds, one choice out of a few, or many factors at once.
//!
//! A space whose elements are few is a list of choices. One with more is searched in its flat vector ([`Space::flatten`]), factor by
//! factor: candidates are drawn in real numbers as for a box and then *snapped* to elements, the largest of a choice's places to
//! one and the others to zero, whole numbers rounded. An update towards the best candidates then moves each place to the share
//! of them that chose it: the product of independent distributions that the cross-entropy method fits to choices
//! (de Boer et al., "A Tutorial on the Cross-Entropy Method", 2005, section 3), of which ten factors of four choices have 40 numbers
//! where the list of joint choices has a million.

use worldwright_core::{Action, Error, Result, Space, Value};
use worldwright_numerics::shift_rows;

/// The most joint choices that sampling planners draw from one list; more are searched by their factors.
const MOST_LISTED: usize = 128;
/// The most that a tree holds for one node.
const MOST_CHOICES: usize = 4096;

/// What there is to choose at each step.
#[derive(Debug, Clone)]
pub(crate) enum ActionKind {
    /// Numbers within bounds, one a dimension of the flat action; a bound may be infinite.
    Continuous { low: Vec<f64>, high: Vec<f64>, form: Flat },
    /// One of `choices`, counted from zero.
    Discrete { choices: usize, form: Form },
}

/// What a flat vector of numbers stands for.
#[derive(Debug, Clone)]
pub(crate) enum Flat {
    /// A box of real numbers: itself.
    Real,
    /// An element of this space once these parts are snapped.
    Snapped { space: Space, parts: Vec<Snap> },
}

/// Places of a flat vector that only some numbers make an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snap {
    /// A whole number.
    Whole { dim: usize },
    /// `n` places from `first` on, of which one is 1 and the others are 0.
    OneOf { first: usize, n: usize },
}

/// How a choice is written as an action.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// A whole number counted from `start`.
    Single { start: i64 },
    /// The element of that number, see [`Space::write_element`].
    Element { space: Space },
}

/// One sequence of actions over the horizon.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sequence {
    /// Continuous actions `[H][A]`, otherwise empty.
    pub(crate) values: Vec<f64>,
    /// Discrete choices `[H]`, otherwise empty.
    pub(crate) choices: Vec<u32>,
}

impl Flat {
    /// Writes the action that flat numbers stand for over `out`, reusing its allocation.
    pub(crate) fn write(&self, numbers: &[f64], out: &mut Action) {
        match (self, &mut *out) {
            (Self::Snapped { space, .. }, out) => space.write_flat(numbers, out),
            (Self::Real, Value::Floats(floats)) => {
                floats.clear();
                floats.extend_from_slice(numbers);
            }
            (Self::Real, out) => *out = Value::Floats(numbers.to_vec()),
        }
    }

    /// Makes one flat action an element of the space.
    pub(crate) fn snap(&self, action: &mut [f64]) {
        let Self::Snapped { parts, .. } = self else { return };
        for part in parts {
            match *part {
                Snap::Whole { dim } => action[dim] = action[dim].round(),
                Snap::OneOf { first, n } => {
                    let places = &mut action[first..first + n];
                    let largest = (0..n).fold(0, |best, i| if places[i] > places[best] { i } else { best });
                    places.iter_mut().enumerate().for_each(|(i, place)| *place = f64::from(u8::from(i == largest)));
                }
            }
        }
    }
}

impl ActionKind {
    /// The way in which sampling planners search a space.
    ///
    /// # Errors
    /// [`Error::Config`] for bounds that are none, [`Error::Unsupported`] for a space without elements.
    pub(crate) fn new(planner: &'static str, space: &Space) -> Result<Self> {
        check_bounds(space)?;
        match space {
            Space::Box { low, high, element, .. } if element.is_float() && !low.is_empty() => {
                Ok(Self::Continuous { low: low.clone(), high: high.clone(), form: Flat::Real })
            }
            Space::Discrete { n, start, .. } if *n > 0 => {
                Ok(Self::Discrete { choices: *n, form: Form::Single { start: *start } })
            }
            _ => match space.count() {
                Some(0) => Err(empty(planner, space)),
                Some(choices) if choices <= MOST_LISTED => {
                    Ok(Self::Discrete { choices, form: Form::Element { space: space.clone() } })
                }
                _ => Self::factored(planner, space),
            },
        }
    }

    /// The space as a list of choices, for planners that keep something for each of them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for spaces that are no short list.
    pub(crate) fn listed(planner: &'static str, space: &Space) -> Result<Self> {
        match (Self::new(planner, space)?, space.count()) {
            (kind @ Self::Discrete { .. }, _) => Ok(kind),
            (_, Some(choices)) if choices <= MOST_CHOICES => {
                Ok(Self::Discrete { choices, form: Form::Element { space: space.clone() } })
            }
            (_, Some(choices)) => Err(Error::unsupported(
                planner,
                format!(
                    "an action space of {choices} joint choices: it keeps a number for each, of at most {MOST_CHOICES}; \
                     cem, icem, mppi and sampled-mcts search such spaces factor by factor"
                ),
            )),
            _ => Err(Error::unsupported(
                planner,
                "continuous actions: it goes through discrete choices; use icem, mppi or another sampling planner for boxes, or \
                 planner=grid where observations are few",
            )),
        }
    }

    fn factored(planner: &'static str, space: &Space) -> Result<Self> {
        let (mut low, mut high, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        lay_flat(space, &mut low, &mut high, &mut parts);
        if low.is_empty() {
            return Err(empty(planner, space));
        }
        Ok(Self::Continuous { low, high, form: Flat::Snapped { space: space.clone(), parts } })
    }

    /// What [`new`](Self::new) gives, where it is real numbers.
    ///
    /// # Errors
    /// [`Error::Unsupported`], which says `why` it must be.
    pub(crate) fn real(planner: &'static str, space: &Space, why: &str) -> Result<Self> {
        match Self::new(planner, space)? {
            kind @ Self::Continuous { form: Flat::Real, .. } => Ok(kind),
            _ => Err(Error::unsupported(
                planner,
                format!("the action space {space}: {why}; use cem, icem or mppi for choices and whole numbers"),
            )),
        }
    }

    /// Makes every action of a sequence an element of the space.
    pub(crate) fn snap_sequence(&self, sequence: &mut Sequence) {
        if let Self::Continuous { low, form, .. } = self {
            sequence.values.chunks_exact_mut(low.len()).for_each(|action| form.snap(action));
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
        if let Self::Continuous { low, high, .. } = self {
            for (i, value) in values.iter_mut().enumerate() {
                *value = value.max(low[i % low.len()]).min(high[i % low.len()]);
            }
        }
    }

    /// Writes action `t` of a sequence over `out`, reusing its allocation.
    pub(crate) fn write(&self, sequence: &Sequence, t: usize, out: &mut Action) {
        match self {
            Self::Continuous { low, form, .. } => {
                form.write(&sequence.values[t * low.len()..(t + 1) * low.len()], out);
            }
            Self::Discrete { form: Form::Single { start }, .. } => {
                *out = Value::Integer(start + i64::from(sequence.choices[t]));
            }
            Self::Discrete { form: Form::Element { space }, .. } => {
                space.write_element(sequence.choices[t] as usize, out);
            }
        }
    }
}

fn empty(planner: &'static str, space: &Space) -> Error {
    Error::unsupported(planner, format!("the action space {space}, which has no element"))
}

/// # Errors
/// [`Error::Config`] for a box whose bounds are turned about or not numbers.
fn check_bounds(space: &Space) -> Result<()> {
    if let Space::Box { low, high, .. } = space
        && low.iter().zip(high).any(|(low, high)| low.is_nan() || high.is_nan() || low > high)
    {
        return Err(Error::config("action_space", "a lower bound is above its upper bound, or not a number"));
    }
    space.parts().into_iter().try_for_each(|(_, part)| check_bounds(part))
}

/// Bounds of the flat vector of a space, and what of it must be snapped.
fn lay_flat(space: &Space, low: &mut Vec<f64>, high: &mut Vec<f64>, parts: &mut Vec<Snap>) {
    let mut one_of = |n: usize, low: &mut Vec<f64>, high: &mut Vec<f64>| {
        parts.push(Snap::OneOf { first: low.len(), n });
        low.resize(low.len() + n, 0.0);
        high.resize(high.len() + n, 1.0);
    };
    match space {
        Space::Box { low: least, high: most, element, .. } => {
            if !element.is_float() {
                parts.extend((low.len()..low.len() + least.len()).map(|dim| Snap::Whole { dim }));
            }
            // Rounding must not leave the bounds, and a whole type's own range bounds it too.
            let (first, last) = if element.is_float() { (f64::NEG_INFINITY, f64::INFINITY) } else { element.range() };
            low.extend(least.iter().map(|x| if element.is_float() { *x } else { x.ceil().max(first) }));
            high.extend(most.iter().map(|x| if element.is_float() { *x } else { x.floor().min(last) }));
        }
        Space::Discrete { n, .. } => one_of(*n, low, high),
        Space::MultiDiscrete { nvec, .. } => nvec.iter().for_each(|n| one_of(*n, low, high)),
        Space::MultiBinary { .. } => {
            let bits = space.numbers();
            parts.extend((low.len()..low.len() + bits).map(|dim| Snap::Whole { dim }));
            low.resize(low.len() + bits, 0.0);
            high.resize(high.len() + bits, 1.0);
        }
        Space::Dict(named) => named.iter().for_each(|(_, part)| lay_flat(part, low, high, parts)),
        Space::Tuple(each) => each.iter().for_each(|part| lay_flat(part, low, high, parts)),
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
