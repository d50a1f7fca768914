//! From flat observations to grid coordinates and back: a pair (cosine, sine) in an observation is one angle on the grid.

use std::f64::consts::PI;

use worldwright_core::{Error, Result};

use super::axes::Axis;

/// One grid coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Coordinate {
    /// The number at this place of the observation.
    Number(usize),
    /// The angle whose cosine stands at this place and whose sine at the next.
    Angle(usize),
}

/// The coordinates of an observation, in its order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    coordinates: Vec<Coordinate>,
    width: usize,
}

impl Chart {
    /// The chart of `dims` coordinates, with the cosines of angles at the places `angles` of the observation.
    pub(super) fn new(dims: usize, angles: &[usize]) -> Result<Self> {
        let width = dims + angles.len();
        let mut coordinates = Vec::with_capacity(dims);
        let mut place = 0;
        while place < width {
            if angles.contains(&place) {
                coordinates.push(Coordinate::Angle(place));
                place += 2;
            } else {
                coordinates.push(Coordinate::Number(place));
                place += 1;
            }
        }
        if coordinates.len() != dims || place != width {
            return Err(Error::config(
                "angles",
                format!("{angles:?} are not the places of cosines followed by their sines in {width} observed numbers"),
            ));
        }
        Ok(Self { coordinates, width })
    }

    /// Numbers in an observation.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The axis that coordinate `dim` needs in place of `axis`: angles go once round.
    pub(super) fn axis(&self, dim: usize, axis: Axis) -> Axis {
        match self.coordinates[dim] {
            Coordinate::Number(_) => axis,
            Coordinate::Angle(_) => Axis::periodic(-PI, PI, axis.points),
        }
    }

    pub(super) fn coordinates(&self, observation: &[f64], out: &mut [f64]) {
        for (coordinate, slot) in self.coordinates.iter().zip(out) {
            *slot = match *coordinate {
                Coordinate::Number(place) => observation[place],
                Coordinate::Angle(place) => observation[place + 1].atan2(observation[place]),
            };
        }
    }

    pub(super) fn observation(&self, coordinates: &[f64], out: &mut [f64]) {
        for (coordinate, number) in self.coordinates.iter().zip(coordinates) {
            match *coordinate {
                Coordinate::Number(place) => out[place] = *number,
                Coordinate::Angle(place) => (out[place + 1], out[place]) = number.sin_cos(),
            }
        }
    }
}
