//! What a policy is built from, and what is built.

use worldwright_core::{
    Columns, Error, Experience, Interrupt, Learner, Metrics, Persist, Policy, Result, Rng, Settings, Space, State,
};
use worldwright_nn::{Cell, Starts, Store};

/// What a policy is told of its task.
#[derive(Debug, Clone)]
pub struct PolicyContext {
    /// Numbers of what it sees: of a flat observation, or of a latent's features.
    pub inputs: usize,
    /// What can be done.
    pub action_space: Space,
    /// Factor on the future, per step.
    pub discount: f64,
    /// Seed of whatever it draws when it is built.
    pub seed: u64,
}

/// A policy that learns from experience.
pub trait LearnedPolicy: Policy + Learner {}

impl<T: Policy + Learner> LearnedPolicy for T {}

/// A policy that learns in the imagination of a latent model: it unrolls the model's cell together with its own networks on one graph, the model
/// frozen, and acts on the features of beliefs.
pub trait ImaginedPolicy: Policy + Persist {
    /// Learns once from what the model imagines from `starts`, beliefs that it filtered. `store` holds the model's numbers, which the handles of
    /// `cell` mean. What comes of it depends on policy, model, starts and `rng` alone.
    ///
    /// # Errors
    /// [`Error::Config`] without any start, [`Error::Shape`] for latents of other
    /// sizes than the policy sees, [`Error::Diverged`] once numbers are not finite,
    /// [`Error::Interrupted`] once `interrupt` is requested.
    fn imagine(
        &mut self,
        cell: &dyn Cell,
        store: &Store,
        starts: &Starts,
        rng: &mut Rng,
        interrupt: &Interrupt,
    ) -> Result<Metrics>;
}

/// A policy whose numbers are tried as a whole, in episodes that say what they are worth. Whoever searches keeps them: they are no part of its state.
pub trait EvolvedPolicy: Policy + Persist {
    /// How many numbers it acts by.
    fn size(&self) -> usize;

    /// Acts by these numbers from now on; those of size one are neither much nor little.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than [`size`](Self::size).
    fn set(&mut self, numbers: &[f64]) -> Result<()>;

    /// Takes what was seen into the scale that it sees by.
    fn see(&mut self, experience: &dyn Experience);
}

/// What states are worth, learned from experience, without a policy: plans end in it.
pub trait LearnedValue: Learner + Send {
    /// Numbers of what it sees.
    fn inputs(&self) -> usize;

    /// The return that it expects from each input on, in the units of the reward; with `hope`, more where it does not know.
    ///
    /// # Errors
    /// [`Error::Shape`] for inputs or an `out` of other sizes.
    fn value(&mut self, inputs: Columns<'_>, hope: bool, out: &mut [f64]) -> Result<()>;

    /// What telling values needs of its state, without what only learning needs.
    fn weights(&self) -> State;

    /// Takes on weights that [`weights`](Self::weights) gave.
    ///
    /// # Errors
    /// As for [`Persist::restore`].
    fn restore_weights(&mut self, weights: &State) -> Result<()>;
}

/// Builds a policy from a complete set of settings, by what it learns from.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// From what was done, whatever it paid: recorded episodes are enough, and steps of its own would teach it nothing.
    Imitation(fn(&PolicyContext, &Settings) -> Result<Box<dyn LearnedPolicy>>),
    /// From transitions or sequences that were experienced.
    Experience(fn(&PolicyContext, &Settings) -> Result<Box<dyn LearnedPolicy>>),
    /// From the imagination of a latent model.
    Imagination(fn(&PolicyContext, &Settings) -> Result<Box<dyn ImaginedPolicy>>),
    /// From what whole episodes paid by numbers that were tried.
    Evolution(fn(&PolicyContext, &Settings) -> Result<Box<dyn EvolvedPolicy>>),
    /// From transitions that were experienced; what it learns is what states are worth, which a planner acts by.
    Value(fn(&PolicyContext, &Settings) -> Result<Box<dyn LearnedValue>>),
}

/// What is said of values where a policy is wanted.
const NO_POLICY: &str = "acting: it tells values, which a planner acts by; choose the algorithm polo for it";

impl Build {
    /// The policy to learn by imitation. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one that learns from what actions paid, and what the policy itself refuses.
    pub fn imitating(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
        match self {
            Self::Imitation(build) => build(context, settings),
            Self::Value(_) => Err(Error::unsupported(name.to_owned(), NO_POLICY)),
            Self::Experience(_) | Self::Imagination(_) | Self::Evolution(_) => {
                let what = "doing what recorded episodes did: choose an algorithm that learns from what they paid, such as sac";
                Err(Error::unsupported(name.to_owned(), what))
            }
        }
    }

    /// The policy to learn from experience. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one that learns otherwise, and what the policy itself refuses.
    pub fn experienced(
        self,
        name: &str,
        context: &PolicyContext,
        settings: &Settings,
    ) -> Result<Box<dyn LearnedPolicy>> {
        match self {
            Self::Experience(build) => build(context, settings),
            Self::Value(_) => Err(Error::unsupported(name.to_owned(), NO_POLICY)),
            Self::Imitation(_) => {
                let what = "learning from steps of its own: choose an algorithm that learns from recorded episodes, such as bc";
                Err(Error::unsupported(name.to_owned(), what))
            }
            Self::Imagination(_) => {
                let what =
                    "learning without a model: choose an algorithm whose policy learns in imagination, such as dreamer";
                Err(Error::unsupported(name.to_owned(), what))
            }
            Self::Evolution(_) => {
                let what = "learning from single steps: choose an algorithm that tries its numbers in whole episodes, such as cma-es";
                Err(Error::unsupported(name.to_owned(), what))
            }
        }
    }

    /// The policy to learn in imagination. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one that learns otherwise, and what the policy itself refuses.
    pub fn imagined(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn ImaginedPolicy>> {
        match self {
            Self::Imagination(build) => build(context, settings),
            Self::Value(_) => Err(Error::unsupported(name.to_owned(), NO_POLICY)),
            Self::Experience(_) | Self::Imitation(_) | Self::Evolution(_) => {
                let what = "learning in a model's imagination: choose an algorithm whose policy learns from experience, such as sac";
                Err(Error::unsupported(name.to_owned(), what))
            }
        }
    }

    /// The policy to try numbers of. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one that learns otherwise, and what the policy itself refuses.
    pub fn evolved(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn EvolvedPolicy>> {
        match self {
            Self::Evolution(build) => build(context, settings),
            Self::Value(_) => Err(Error::unsupported(name.to_owned(), NO_POLICY)),
            Self::Experience(_) | Self::Imitation(_) | Self::Imagination(_) => {
                let what = "being tried as a whole: take the policy direct, or an algorithm that learns by gradients, such as ppo";
                Err(Error::unsupported(name.to_owned(), what))
            }
        }
    }

    /// The values that plans end in. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a policy, and what the values themselves refuse.
    pub fn valuing(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedValue>> {
        match self {
            Self::Value(build) => build(context, settings),
            Self::Experience(_) | Self::Imitation(_) | Self::Imagination(_) | Self::Evolution(_) => {
                let what = "telling values alone: take value-ensemble, or the algorithm loop, whose plans a policy leads and its critic ends";
                Err(Error::unsupported(name.to_owned(), what))
            }
        }
    }
}
