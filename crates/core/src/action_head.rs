//! Between the actions of a space and the numbers of a network: bounded numbers as [−1, 1], everything countable as choices.

use crate::{Array, Error, Result, Space, State, is_bounded};

/// Choices that a policy tells apart at most.
const MOST_CHOICES: usize = 4096;

/// How a policy's network stands for the actions of a space.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionHead {
    /// One number a dimension, −1 for the lower bound and 1 for the upper.
    Continuous {
        /// Middle of each dimension's range.
        middle: Vec<f64>,
        /// Half of each range.
        half: Vec<f64>,
    },
    /// One choice among all elements of the space.
    Discrete {
        /// A, numbers of a flat action.
        width: usize,
        /// Flat actions `[choices][A]` in the order of the space's elements.
        flat: Vec<f64>,
    },
}

impl ActionHead {
    /// The head for a space.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a box without bounds, and for spaces that are neither a box of numbers nor few elements.
    pub fn new(who: &str, space: &Space) -> Result<Self> {
        match space {
            Space::Box { low, high, element, .. } if element.is_float() => {
                if let Some(place) = (0..low.len()).find(|place| !is_bounded(low[*place], high[*place])) {
                    let why = format!(
                        "actions without bounds: number {place} of them may be anything; rescale it to a bounded box"
                    );
                    return Err(Error::unsupported(who.to_owned(), why));
                }
                let middle = low.iter().zip(high).map(|(low, high)| 0.5 * (low + high)).collect();
                let half = low.iter().zip(high).map(|(low, high)| 0.5 * (high - low)).collect();
                Ok(Self::Continuous { middle, half })
            }
            space => match space.flat_elements(MOST_CHOICES) {
                Some(flat) => Ok(Self::Discrete { width: space.flat_dim(), flat }),
                None => {
                    let why = format!(
                        "actions that are neither a box of bounded numbers nor at most {MOST_CHOICES} choices: plan instead \
                         (algorithm=pets), or give the environment such actions by a wrapper"
                    );
                    Err(Error::unsupported(who.to_owned(), why))
                }
            },
        }
    }

    /// Columns by which a network is told an action: one a dimension, or one a choice.
    pub fn columns(&self) -> usize {
        match self {
            Self::Continuous { middle, .. } => middle.len(),
            Self::Discrete { .. } => self.choices(),
        }
    }

    /// A, numbers of a flat action.
    pub fn width(&self) -> usize {
        match self {
            Self::Continuous { middle, .. } => middle.len(),
            Self::Discrete { width, .. } => *width,
        }
    }

    /// Choices; 0 for numbers.
    pub fn choices(&self) -> usize {
        match self {
            Self::Continuous { .. } => 0,
            Self::Discrete { width, flat } => flat.len() / (*width).max(1),
        }
    }

    /// Writes a flat action as the network is told it: numbers in [−1, 1], or one-hot.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width, [`Error::NotInSpace`] for what is no choice.
    pub fn write_network(&self, action: &[f64], out: &mut [f32]) -> Result<()> {
        match self {
            Self::Continuous { middle, half } => {
                if action.len() != middle.len() || out.len() != middle.len() {
                    return Err(Error::shape("an action", &[middle.len()], &[action.len()]));
                }
                for (d, slot) in out.iter_mut().enumerate() {
                    // A dimension that has one value only says nothing.
                    *slot = if half[d] > 0.0 { ((action[d] - middle[d]) / half[d]) as f32 } else { 0.0 };
                }
                Ok(())
            }
            Self::Discrete { width, flat } => {
                if action.len() != *width || out.len() != self.choices() {
                    return Err(Error::shape("an action", &[*width], &[action.len()]));
                }
                let choice = flat.chunks_exact(*width).position(|element| element == action).ok_or_else(|| {
                    Error::NotInSpace { what: "an action".into(), reason: format!("{action:?} is none of its choices") }
                })?;
                self.write_choice(choice, out)
            }
        }
    }

    /// Writes a choice, by its number among the space's elements, as the network is told it: one-hot.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width, [`Error::NotInSpace`] where there is no such choice.
    pub fn write_choice(&self, choice: usize, out: &mut [f32]) -> Result<()> {
        let choices = self.choices();
        if choice >= choices {
            let reason = format!("choice {choice} is not below {choices}");
            return Err(Error::NotInSpace { what: "an action".into(), reason });
        }
        if out.len() != choices {
            return Err(Error::shape("an action", &[choices], &[out.len()]));
        }
        out.fill(0.0);
        out[choice] = 1.0;
        Ok(())
    }

    /// The flat action of a network's numbers in [−1, 1], kept within the bounds.
    pub fn write_numbers(&self, network: &[f32], out: &mut [f64]) {
        if let Self::Continuous { middle, half } = self {
            for (d, slot) in out.iter_mut().enumerate() {
                *slot = middle[d] + half[d] * f64::from(network[d]).clamp(-1.0, 1.0);
            }
        }
    }

    /// The sizes of a network that sees `inputs` numbers and says these actions, for its state.
    pub fn sizes(&self, inputs: usize) -> Array {
        Array::U64(vec![inputs as u64, self.columns() as u64])
    }

    /// Refuses the state of a network of other [sizes](Self::sizes).
    ///
    /// # Errors
    /// [`Error::Shape`] for them, and as for [`State::u64s`].
    pub fn check_sizes(&self, inputs: usize, state: &State) -> Result<()> {
        let sizes = state.u64s("sizes", 2)?;
        let here = [inputs, self.columns()];
        if sizes.iter().zip(here).all(|(there, here)| *there == here as u64) {
            return Ok(());
        }
        Err(Error::shape("inputs and actions of the policy", &here, &[sizes[0] as usize, sizes[1] as usize]))
    }

    /// The flat action of a choice.
    pub fn choice(&self, choice: usize) -> &[f64] {
        match self {
            Self::Continuous { .. } => &[],
            Self::Discrete { width, flat } => &flat[choice * width..(choice + 1) * width],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn bounded_numbers_go_to_the_unit_box_and_back() {
        let space = Space::vector(&[-2.0, 0.0], &[2.0, 10.0]);
        let head = ActionHead::new("test", &space).unwrap();
        let mut network = [0.0; 2];
        head.write_network(&[-2.0, 7.5], &mut network).unwrap();
        assert_eq!(network, [-1.0, 0.5]);
        let mut flat = [0.0; 2];
        head.write_numbers(&[-1.0, 0.5], &mut flat);
        assert_eq!(flat, [-2.0, 7.5]);
        // Whatever a network says lies within the bounds.
        head.write_numbers(&[-3.0, 9.0], &mut flat);
        assert_eq!(flat, [-2.0, 10.0]);
    }

    #[test]
    fn everything_countable_is_a_choice() {
        let nested = Space::Tuple(vec![Space::discrete(3), Space::MultiBinary { shape: vec![2] }]);
        for space in [Space::discrete(4), nested] {
            let head = ActionHead::new("test", &space).unwrap();
            assert_eq!(Some(head.choices()), space.count());
            let mut rng = Rng::new(0);
            for _ in 0..20 {
                let action = space.sample(&mut rng);
                let mut flat = vec![0.0; space.flat_dim()];
                space.flatten(&action, &mut flat).unwrap();
                let mut one_hot = vec![0.0; head.columns()];
                head.write_network(&flat, &mut one_hot).unwrap();
                let choice = one_hot.iter().position(|number| *number == 1.0).unwrap();
                assert_eq!(head.choice(choice), flat);
                assert_eq!(space.element_number(&action), Some(choice));
            }
        }
    }

    #[test]
    fn what_has_no_bounds_is_refused_with_a_way_out() {
        let error = ActionHead::new("sac", &Space::unbounded(1)).unwrap_err().to_string();
        assert!(error.contains("without bounds"), "{error}");
        let mixed = Space::Tuple(vec![Space::discrete(2), Space::vector(&[0.0], &[1.0])]);
        assert!(ActionHead::new("sac", &mixed).unwrap_err().to_string().contains("algorithm=pets"));
    }
}
