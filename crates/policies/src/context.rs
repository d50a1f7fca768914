//! What a policy is built from, and what is built.

use worldwright_core::{
    Columns, Error, Experience, Interrupt, Learner, Metrics, Persist, Policy, Result, Rng, Settings, Space, State,
};
use worldwright_nn::{Cell, Starts, Store};
use worldwright_numerics::moments::{Gaussian, Moments};

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

    /// How far it does not know that return: the deviation between those that it could be by all that was learned, in the units of the reward.
    ///
    /// # Errors
    /// As for [`value`](Self::value).
    fn doubt(&mut self, inputs: Columns<'_>, out: &mut [f64]) -> Result<()>;

    /// What telling values needs of its state, without what only learning needs.
    fn weights(&self) -> State;

    /// Takes on weights that [`weights`](Self::weights) gave.
    ///
    /// # Errors
    /// As for [`Persist::restore`].
    fn restore_weights(&mut self, weights: &State) -> Result<()>;
}

/// A policy that knows what it does where its inputs are normally distributed, with derivatives by its parameters: whoever foresees by a model how
/// inputs spread can tell how much better the policy would do with others. It does what it does: nothing is random about it.
pub trait MomentPolicy: Policy + Persist {
    /// Begins anew around rows of what was seen, whose numbers are told in units of `std`.
    ///
    /// # Errors
    /// [`Error::Shape`] for other inputs, [`Error::Config`] for none.
    fn begin(&mut self, seen: Columns<'_>, std: &[f64], rng: &mut Rng) -> Result<()>;

    /// All numbers that are learned, of the order of one.
    fn parameters(&self) -> &[f64];

    /// Takes others on.
    ///
    /// # Errors
    /// [`Error::Shape`] for more or fewer, [`Error::Diverged`] for those that make no policy.
    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()>;

    /// Moments of the action for inputs distributed like `x`; all of `out` is written.
    fn moments(&mut self, x: &Gaussian, out: &mut Moments);

    /// Adds to `into` what `adjoint` of the moments means for those of x, and keeps what it means for the parameters.
    fn pull(&mut self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian);

    /// Writes what was kept for the parameters since the last time.
    fn slopes(&mut self, out: &mut [f64]);
}

/// A policy whose action is a function of what is seen with a noise beside it, and whose derivatives are known: whoever knows by how much more of an action would
/// pay more moves it there. As the noise adds to the action, derivatives are the same whatever it was. Rows are those of one batch, actions and
/// derivatives in the units of the task.
pub trait ReparametrisedPolicy: Policy + Persist {
    /// Takes what was experienced into the scale that it sees by; what it does stays the same.
    ///
    /// # Errors
    /// As for [`Experience::sample`].
    fn follow(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<()>;

    /// Adds to `into` `[rows][O]` what derivatives by actions `[rows][A]` mean for what was seen.
    ///
    /// # Errors
    /// [`Error::Shape`] for other sizes.
    fn pull(&mut self, seen: Columns<'_>, by_action: &[f64], into: &mut [f64]) -> Result<()>;

    /// Takes a step that moves actions up these derivatives `[rows][A]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for other sizes, [`Error::Diverged`] where they are not finite.
    fn climb(&mut self, seen: Columns<'_>, by_action: &[f64]) -> Result<()>;

    /// Derivatives of what its critic says of actions, by what was seen `[rows][O]` and done `[rows][A]`; gives the sum of what it says.
    ///
    /// # Errors
    /// [`Error::Shape`] for other sizes.
    fn judge(
        &mut self,
        seen: Columns<'_>,
        actions: Columns<'_>,
        by_seen: &mut [f64],
        by_action: &mut [f64],
    ) -> Result<f64>;

    /// Has the critic learn once from transitions; gives its loss.
    ///
    /// # Errors
    /// As for [`Experience::sample`], and [`Error::Diverged`] once numbers are not finite.
    fn regress(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<f64>;
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
    /// From derivatives by its actions.
    Derivatives(fn(&PolicyContext, &Settings) -> Result<Box<dyn ReparametrisedPolicy>>),
    /// From what a Gaussian process foresees of normal distributions.
    Moments(fn(&PolicyContext, &Settings) -> Result<Box<dyn MomentPolicy>>),
}

impl Build {
    /// The refusal of what is wanted of it, with the algorithms that it is for.
    fn refusal(self, name: &str, wanted: &str) -> Error {
        let suits = match self {
            Self::Imitation(_) => "that learns from recorded episodes or from a planner, such as bc or dagger",
            Self::Experience(_) => "that learns from what actions paid, such as sac",
            Self::Imagination(_) => "whose policy learns in imagination, such as dreamer",
            Self::Evolution(_) => "that tries its numbers in whole episodes, such as cma-es",
            Self::Derivatives(_) => "that knows derivatives, such as svg",
            Self::Value(_) => "whose plans end in values, such as polo",
            Self::Moments(_) => "that foresees by Gaussian processes, such as pilco",
        };
        Error::unsupported(name.to_owned(), format!("{wanted}: choose an algorithm {suits}"))
    }

    /// The policy to learn by imitation. `name` is its name, for the refusal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one that learns otherwise (so for the others below too), and what the policy itself refuses.
    pub fn imitating(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
        match self {
            Self::Imitation(build) => build(context, settings),
            other => Err(other.refusal(name, "doing what others did")),
        }
    }

    /// The policy to learn from experience.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn experienced(
        self,
        name: &str,
        context: &PolicyContext,
        settings: &Settings,
    ) -> Result<Box<dyn LearnedPolicy>> {
        match self {
            Self::Experience(build) => build(context, settings),
            other => Err(other.refusal(name, "learning from what its steps paid")),
        }
    }

    /// The policy to learn in imagination.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn imagined(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn ImaginedPolicy>> {
        match self {
            Self::Imagination(build) => build(context, settings),
            other => Err(other.refusal(name, "learning in a latent model's imagination")),
        }
    }

    /// The policy to try numbers of.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn evolved(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn EvolvedPolicy>> {
        match self {
            Self::Evolution(build) => build(context, settings),
            other => Err(other.refusal(name, "being tried as a whole")),
        }
    }

    /// The values that plans end in.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn valuing(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedValue>> {
        match self {
            Self::Value(build) => build(context, settings),
            other => Err(other.refusal(name, "telling values alone")),
        }
    }

    /// The policy to foresee by.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn foreseen(self, name: &str, context: &PolicyContext, settings: &Settings) -> Result<Box<dyn MomentPolicy>> {
        match self {
            Self::Moments(build) => build(context, settings),
            other => Err(other.refusal(name, "telling how its actions spread with its inputs")),
        }
    }

    /// The policy to move along derivatives by its actions.
    ///
    /// # Errors
    /// As for [`imitating`](Self::imitating).
    pub fn reparametrised(
        self,
        name: &str,
        context: &PolicyContext,
        settings: &Settings,
    ) -> Result<Box<dyn ReparametrisedPolicy>> {
        match self {
            Self::Derivatives(build) => build(context, settings),
            other => Err(other.refusal(name, "climbing derivatives by its actions")),
        }
    }
}
