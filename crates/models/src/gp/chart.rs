//! States behind flat observations: each angle one number, which functions see as its sine and cosine.
//!
//! A Gaussian process foresees the change of an angle by its sine and cosine, and the change is added to the angle itself (Deisenroth and Rasmussen, PILCO, ICML
//! 2011, section 2.3): a normal distribution of an angle stays on the circle, one of sine and cosine does not. Two numbers of an observation that lie on the unit
//! circle wherever something was seen are taken for the sine and cosine of one; other angles are declared by their places.

use worldwright_core::{Dataset, Error, Result};
use worldwright_numerics::moments::{Sine, Sines};

/// How far from one the squares of a sine and a cosine may add up to, in single precision.
const ON_CIRCLE: f64 = 1e-5;
/// Observations by which a circle is told from chance.
const LEAST: usize = 8;

/// One number of a state, and the place of the observation that it stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// The number itself.
    Plain(usize),
    /// An angle in radians.
    Angle(usize),
    /// The angle whose sine stands there, and its cosine behind it.
    Circle(usize),
}

/// All numbers of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart(pub(super) Vec<Number>);

impl Chart {
    /// The chart of what was seen, with the angles that were declared.
    pub(super) fn of(dataset: &Dataset, angles: &[usize]) -> Self {
        let (mut numbers, mut place) = (Vec::new(), 0);
        while place < dataset.observation_dim() {
            if angles.contains(&place) {
                numbers.push(Number::Angle(place));
            } else if on_circle(dataset, place) && !angles.contains(&(place + 1)) {
                numbers.push(Number::Circle(place));
                place += 1;
            } else {
                numbers.push(Number::Plain(place));
            }
            place += 1;
        }
        Self(numbers)
    }

    /// The chart that was saved: places, by kind.
    ///
    /// # Errors
    /// [`Error::External`] for what is no chart of `observation` numbers.
    pub(super) fn restored(saved: &[u64], observation: usize) -> Result<Self> {
        let number = |saved: &u64| {
            let place = (saved / 3) as usize;
            [Number::Plain(place), Number::Angle(place), Number::Circle(place)][(saved % 3) as usize]
        };
        let chart = Self(saved.iter().map(number).collect());
        let mut next = 0;
        for number in &chart.0 {
            let (Number::Plain(place) | Number::Angle(place) | Number::Circle(place)) = number;
            if *place != next {
                return Err(Error::external("saved state", "array 'chart' is damaged"));
            }
            next += 1 + usize::from(matches!(number, Number::Circle(_)));
        }
        if next == observation {
            Ok(chart)
        } else {
            Err(Error::shape("chart of an observation", &[observation], &[next]))
        }
    }

    /// What is saved of it.
    pub(super) fn saved(&self) -> Vec<u64> {
        let of = |number: &Number| match number {
            Number::Plain(place) => 3 * *place as u64,
            Number::Angle(place) => 3 * *place as u64 + 1,
            Number::Circle(place) => 3 * *place as u64 + 2,
        };
        self.0.iter().map(of).collect()
    }

    /// Whether a number of the state is an angle.
    pub(super) fn turns(&self, dim: usize) -> bool {
        !matches!(self.0[dim], Number::Plain(_))
    }

    /// The state behind an observation, angles within half a turn of zero where they are read off a circle.
    pub(super) fn read(&self, observation: &[f64], state: &mut [f64]) {
        for (slot, number) in state.iter_mut().zip(&self.0) {
            *slot = match *number {
                Number::Plain(place) | Number::Angle(place) => observation[place],
                Number::Circle(place) => observation[place].atan2(observation[place + 1]),
            };
        }
    }

    /// What functions see of a state.
    pub(super) fn features(&self) -> Sines {
        let mut sines = Vec::new();
        for (of, number) in self.0.iter().enumerate() {
            match number {
                Number::Plain(_) => sines.push(plain(of)),
                Number::Angle(_) | Number::Circle(_) => sines.extend(circle(of)),
            }
        }
        Sines(sines)
    }

    /// The observation of a state.
    pub(super) fn observation(&self) -> Sines {
        let mut sines = Vec::new();
        for (of, number) in self.0.iter().enumerate() {
            match number {
                Number::Plain(_) | Number::Angle(_) => sines.push(plain(of)),
                Number::Circle(_) => sines.extend(circle(of)),
            }
        }
        Sines(sines)
    }
}

fn plain(of: usize) -> Sine {
    Sine { of, offset: 0.0, wave: None }
}

/// Sine and cosine.
fn circle(of: usize) -> [Sine; 2] {
    [0.0, std::f64::consts::FRAC_PI_2].map(|phase| Sine { of, offset: 0.0, wave: Some((1.0, phase)) })
}

/// Whether the number at `place` and the one behind it lay on the unit circle all the time, and moved on it.
fn on_circle(dataset: &Dataset, place: usize) -> bool {
    if place + 1 >= dataset.observation_dim() || dataset.len() < LEAST {
        return false;
    }
    let seen =
        || (0..dataset.len()).map(|i| (dataset.next_observation(i)[place], dataset.next_observation(i)[place + 1]));
    let [mut low, mut high] = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
    for (a, b) in seen() {
        if (a * a + b * b - 1.0).abs() > ON_CIRCLE {
            return false;
        }
        low = [low[0].min(a), low[1].min(b)];
        high = [high[0].max(a), high[1].max(b)];
    }
    high[0] > low[0] && high[1] > low[1]
}

/// The way from one angle to another, at most half a turn.
pub(super) fn turn(from: f64, to: f64) -> f64 {
    let turns = (to - from) / std::f64::consts::TAU;
    (turns - turns.round()) * std::f64::consts::TAU
}
