//! What a regressor sees of an observation and an action: their numbers, with angles as points on the circle.
//!
//! A regressor that sees an angle itself must learn the same thing again at every turn, so a dimension declared as an angle
//! enters as its sine and cosine, as in PILCO (Deisenroth and Rasmussen, ICML 2011, section 2.3).

use worldwright_core::{Columns, ColumnsMut, Error, Parameter, Result, SettingDefault as Default, Settings};

use crate::ModelContext;

/// The setting of every learned model that declares angles.
pub(crate) const ANGLES: Parameter = Parameter {
    name: "angles",
    default: Default::Numbers(&[]),
    summary: "places of the observation that are angles in radians: seen as sine and cosine",
};

/// One column of a regressor's inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    Observation(usize),
    Sine(usize),
    Cosine(usize),
    Action(usize),
}

/// All columns of a regressor's inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Features {
    features: Vec<Feature>,
}

impl Features {
    /// Reads [`ANGLES`].
    ///
    /// # Errors
    /// [`Error::Config`] for a place that the observation does not have.
    pub(crate) fn new(context: &ModelContext, settings: &Settings) -> Result<Self> {
        let (observation, action) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
        let angles = settings.numbers("angles")?;
        if let Some(wrong) = angles.iter().find(|place| !(**place >= 0.0 && **place < observation as f64)) {
            let why = format!("{wrong} is no place of an observation of {observation} numbers, counted from 0");
            return Err(Error::config("angles", why));
        }
        let mut features = Vec::with_capacity(observation + angles.len() + action);
        for dim in 0..observation {
            if angles.contains(&(dim as f64)) {
                features.extend([Feature::Sine(dim), Feature::Cosine(dim)]);
            } else {
                features.push(Feature::Observation(dim));
            }
        }
        features.extend((0..action).map(Feature::Action));
        Ok(Self { features })
    }

    /// How many columns.
    pub(crate) fn len(&self) -> usize {
        self.features.len()
    }

    /// Writes the columns of a batch.
    pub(crate) fn fill(&self, observations: Columns<'_>, actions: Columns<'_>, out: &mut ColumnsMut<'_>) {
        for (feature, into) in self.features.iter().zip(out.columns_mut()) {
            match *feature {
                Feature::Observation(dim) => into.copy_from_slice(observations.column(dim)),
                Feature::Action(dim) => into.copy_from_slice(actions.column(dim)),
                Feature::Sine(dim) => {
                    into.iter_mut().zip(observations.column(dim)).for_each(|(slot, angle)| *slot = angle.sin());
                }
                Feature::Cosine(dim) => {
                    into.iter_mut().zip(observations.column(dim)).for_each(|(slot, angle)| *slot = angle.cos());
                }
            }
        }
    }

    /// Which number of observation and action together each column is made of.
    pub(crate) fn source(&self, column: usize, observation_dim: usize) -> usize {
        match self.features[column] {
            Feature::Observation(dim) | Feature::Sine(dim) | Feature::Cosine(dim) => dim,
            Feature::Action(dim) => observation_dim + dim,
        }
    }

    /// First and second derivative of a column by that number, at `number`.
    pub(crate) fn slope(&self, column: usize, number: f64) -> (f64, f64) {
        match self.features[column] {
            Feature::Observation(_) | Feature::Action(_) => (1.0, 0.0),
            Feature::Sine(_) => (number.cos(), -number.sin()),
            Feature::Cosine(_) => (-number.sin(), -number.cos()),
        }
    }
}
