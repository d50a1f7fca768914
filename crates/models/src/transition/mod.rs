//! What every learned model of transitions does the same way, so that a model is one [`Regressor`] and nothing else.
//!
//! A transition (observation `o`, action `a`) → (next observation, reward) is learned as
//!
//! ```text
//! inputs  = ((o, a) − mean) / std                                  normalised over the data, angles as sine and cosine
//! targets = ((next o − o, reward) − mean) / std                    the reward only where it is not known
//! ```
//!
//! as in PILCO (Deisenroth and Rasmussen, ICML 2011) and PETS (Chua et al., NeurIPS 2018, appendix A). [`TransitionModel`]
//! prepares the data, has the regressor fit, and keeps what turns targets back into observations; its arena holds flat
//! observations, `[dimension][lane][row]`, and steps them in blocks of rows with all their lanes. Reward and termination come
//! from the task's own function, or else the reward is one more target and the continuation a logistic head.

mod continuation;
mod features;
mod imagination;
mod normalizer;
mod regressor;

pub(crate) use features::{ANGLES, Features};
pub use normalizer::Normalizer;
pub use regressor::{Answer, Examples, Question, Regressor, Rescaling, Slopes};
pub(crate) use regressor::{saved_shape, unfitted};

use std::sync::Arc;

use worldwright_core::{
    Array, Batch, Capabilities, Dataset, Error, FitReport, Imagination, Interrupt, Learn, ModelSpec, Persist, Result,
    RewardFunction, Rng, Settings, Space, State, WorldModel,
};

use crate::ModelContext;
use continuation::ContinuationHead;
use imagination::TransitionImagination;

/// A learned model over flat observations: a regressor with everything around it.
pub struct TransitionModel<R> {
    spec: ModelSpec,
    reward: Option<Arc<dyn RewardFunction>>,
    discount: f64,
    features: Features,
    /// Flat actions `[count][A]` of a space other than single choices that planners may number, empty where they cannot.
    numbered: Vec<f64>,
    regressor: R,
    fitted: Option<Fitted>,
}

/// The most joint choices of a space of several places that a planner may number; beyond, it gives flat actions.
const MOST_NUMBERED: usize = 4096;

/// What a fit found out besides the regressor's own.
struct Fitted {
    inputs: Normalizer,
    targets: Normalizer,
    continuation: ContinuationHead,
}

impl<R: Regressor> TransitionModel<R> {
    /// A model called `name` whose rows carry `lanes` lanes; `deterministic` says that the regressor uses no randomness.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that do not fit the spaces.
    pub(crate) fn new(
        name: &str,
        context: &ModelContext,
        settings: &Settings,
        lanes: usize,
        deterministic: bool,
        regressor: R,
    ) -> Result<Self> {
        let boxed = matches!(context.action_space, Space::Box { .. });
        let spec = ModelSpec {
            name: name.into(),
            observation_space: context.observation_space.clone(),
            action_space: context.action_space.clone(),
            members: lanes,
            constraints: 0,
            latent_dim: context.observation_space.flat_dim(),
            deterministic,
            capabilities: Capabilities {
                decode: true,
                derivatives: deterministic && boxed && regressor.differentiable(),
                // A single one tells nothing of what is not known.
                beliefs: lanes > 1 && regressor.keeps_beliefs(),
                ..Capabilities::default()
            },
        };
        let features = Features::new(context, settings)?;
        let numbered = match &spec.action_space {
            Space::Discrete { .. } => Vec::new(),
            space => space.flat_elements(MOST_NUMBERED).unwrap_or_default(),
        };
        let (reward, discount) = (context.reward.clone(), context.discount);
        Ok(Self { spec, reward, discount, features, numbered, regressor, fitted: None })
    }

    /// The regressor within.
    pub fn regressor(&self) -> &R {
        &self.regressor
    }

    /// Length of a flat observation.
    fn observation_dim(&self) -> usize {
        self.spec.observation_space.flat_dim()
    }

    /// Inputs: a flat observation, its angles as two numbers each, and a flat action.
    fn input_dim(&self) -> usize {
        self.features.len()
    }

    /// Targets: a change of the observation, and the reward where no function gives it.
    fn target_dim(&self) -> usize {
        self.observation_dim() + usize::from(self.reward.is_none())
    }

    fn check(&self, dataset: &Dataset) -> Result<()> {
        let expected = [self.observation_dim(), self.spec.action_space.flat_dim()];
        let got = [dataset.observation_dim(), dataset.action_dim()];
        if expected != got {
            return Err(Error::shape("observations and actions of the data", &expected, &got));
        }
        if dataset.len() < 2 {
            let why = format!("needs at least 2 transitions to learn from, got {}", dataset.len());
            return Err(Error::config(self.spec.name.clone(), why));
        }
        Ok(())
    }

    /// Inputs and targets as columns in the units of the task, one row a transition.
    fn columns(&self, dataset: &Dataset) -> (Batch, Batch) {
        let (mut inputs, mut targets) =
            (Batch::zeros(self.input_dim(), dataset.len()), Batch::zeros(self.target_dim(), dataset.len()));
        let mut observations = Batch::zeros(dataset.observation_dim(), dataset.len());
        let mut actions = Batch::zeros(dataset.action_dim(), dataset.len());
        let mut target = targets.columns_mut();
        for i in 0..dataset.len() {
            observations.columns_mut().set_row(i, dataset.observation(i));
            actions.columns_mut().set_row(i, dataset.action(i));
            let (observation, next) = (dataset.observation(i), dataset.next_observation(i));
            for (dim, (before, after)) in observation.iter().zip(next).enumerate() {
                target.set(i, dim, after - before);
            }
            if self.reward.is_none() {
                target.set(i, observation.len(), dataset.rewards()[i]);
            }
        }
        self.features.fill(observations.columns(), actions.columns(), &mut inputs.columns_mut());
        (inputs, targets)
    }
}

impl<R: Regressor> WorldModel for TransitionModel<R> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(TransitionImagination::new(self, rows))
    }
}

impl<R: Regressor> Learn for TransitionModel<R> {
    fn fit(&mut self, dataset: &Dataset, rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport> {
        self.check(dataset)?;
        let (mut inputs, mut targets) = self.columns(dataset);
        let input_normalizer = Normalizer::fit(inputs.columns());
        let target_normalizer = Normalizer::fit(targets.columns());
        input_normalizer.normalize(&mut inputs.columns_mut());
        target_normalizer.normalize(&mut targets.columns_mut());
        let rescaling = self.fitted.as_ref().map(|before| Rescaling {
            inputs: before.inputs.ratios(&input_normalizer),
            targets: before.targets.ratios(&target_normalizer),
        });
        let examples = Examples {
            inputs: inputs.columns(),
            targets: targets.columns(),
            episode_ends: dataset.episode_ends(),
            rescaling: rescaling.as_ref(),
            interrupt,
        };
        let mut report = self.regressor.fit(&examples, rng)?;
        let continuation = match self.reward {
            Some(_) => ContinuationHead::constant(self.observation_dim()),
            None => ContinuationHead::fit(dataset)?,
        };
        if let Some(note) = continuation.note() {
            report.note = [report.note.as_str(), &note]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
        }
        self.fitted = Some(Fitted { inputs: input_normalizer, targets: target_normalizer, continuation });
        Ok(report)
    }
}

impl<R: Regressor> Persist for TransitionModel<R> {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("fitted", Array::U64(vec![u64::from(self.fitted.is_some())]));
        if let Some(fitted) = &self.fitted {
            state.put_all("inputs", fitted.inputs.save());
            state.put_all("targets", fitted.targets.save());
            state.put_all("continuation", fitted.continuation.save());
        }
        state.put_all("regressor", self.regressor.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let fitted = match state.u64s("fitted", 1)?[0] {
            0 => None,
            _ => Some(Fitted {
                inputs: Normalizer::restore(&state.part("inputs"), self.input_dim())?,
                targets: Normalizer::restore(&state.part("targets"), self.target_dim())?,
                continuation: ContinuationHead::restore(&state.part("continuation"), self.observation_dim())?,
            }),
        };
        self.regressor.restore(&state.part("regressor"))?;
        self.fitted = fitted;
        Ok(())
    }
}
