//! Reward and termination as the user writes them: expressions over named observation and action channels.
//!
//! ```text
//! reward      = -(theta^2 + 0.1*theta_dot^2 + 0.001*torque^2)
//! termination = abs(x) > 2.4 or abs(next_theta) > 0.21
//! ```
//!
//! A channel's name is its number before the step, `next_` before it the number after; `observation[3]`, `next_observation[3]` and
//! `action[0]` name them by place, as `obs[3]`, `o3` and `a0` do where no channel is called so. There are `+ - * / ^`, comparisons, `and or not`, `if c then a else b`, the constants `pi` and
//! `e`, and the functions of [`FUNCTIONS`]. Numbers and truth values are told apart when an expression is read, and every
//! mistake is reported with its column. Reading gives a flat program; a batch runs through it in blocks on the stack, so an
//! evaluation allocates nothing, and a reverse pass over the same program gives gradients.

mod channels;
mod lexer;
mod operation;
mod parser;
mod program;
mod tape;

use worldwright_core::{Result, RewardFunction, Transitions};

use channels::Channels;
pub use operation::FUNCTIONS;
use parser::Kind;
use program::Program;
pub use tape::{Gradient, Tape};

/// Reward and termination of a task, written as expressions.
///
/// ```
/// use worldwright_core::{Actions, Batch, RewardFunction, Transitions};
/// use worldwright_models::expression::RewardExpression;
///
/// let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
/// let task = RewardExpression::new("-(x^2 + 0.1*u^2)", Some("abs(next_x) > 2"), &names(&["x"]), &names(&["u"])).unwrap();
///
/// let (mut x, mut u, mut next) = (Batch::zeros(1, 1), Batch::zeros(1, 1), Batch::zeros(1, 1));
/// (x.columns_mut().set(0, 0, 2.0), u.columns_mut().set(0, 0, 1.0), next.columns_mut().set(0, 0, 2.5));
/// let transitions = Transitions {
///     observations: x.columns(),
///     actions: Actions::Continuous(u.columns()),
///     next_observations: next.columns(),
/// };
/// let (mut reward, mut terminated) = ([0.0], [false]);
/// task.evaluate(transitions, &mut reward, &mut terminated);
/// assert_eq!((reward, terminated), ([-4.1], [true]));
///
/// let error = RewardExpression::new("-(X_dot^2)", None, &names(&["x", "x_dot"]), &[]).unwrap_err();
/// assert_eq!(error.to_string(), "reward: column 3: no channel or constant is called 'X_dot'; did you mean 'x_dot'?");
/// ```
#[derive(Debug, Clone)]
pub struct RewardExpression {
    reward: Program,
    termination: Option<Program>,
}

impl RewardExpression {
    /// Reads the expressions. Channels are named in the order of the flat observation and of the action; a discrete action is
    /// one channel that holds the choice.
    ///
    /// # Errors
    /// [`Error::Config`](worldwright_core::Error::Config) under the key `reward` or `termination`, with the column of the mistake
    /// and the nearest name where one is unknown; under `channels` where the name of one means something else in an expression, so that
    /// nobody could tell which is meant.
    pub fn new(
        reward: &str,
        termination: Option<&str>,
        observation_channels: &[String],
        action_channels: &[String],
    ) -> Result<Self> {
        let channels = Channels { observation: observation_channels, action: action_channels };
        parser::check_names(&channels)?;
        let termination = termination.map(|source| parser::read("termination", source, &channels, Kind::Truth));
        Ok(Self {
            reward: parser::read("reward", reward, &channels, Kind::Number)?,
            termination: termination.transpose()?,
        })
    }

    /// Buffers for [`gradient`](Self::gradient).
    pub fn tape(&self) -> Tape {
        Tape { values: vec![0.0; self.reward.len()], adjoints: vec![0.0; self.reward.len()] }
    }

    /// The reward of row `row` and its derivatives, which are added to what `gradient` holds. At a kink one side's
    /// derivative is given; a comparison has none.
    ///
    /// # Panics
    /// When `gradient`'s slices are shorter than the channels that the expression names.
    pub fn gradient(&self, transitions: Transitions<'_>, row: usize, tape: &mut Tape, gradient: Gradient<'_>) -> f64 {
        self.reward.gradient(&transitions, row, tape, gradient)
    }
}

impl RewardFunction for RewardExpression {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        self.reward.evaluate(&transitions, |row, value| reward[row] = value);
        match &self.termination {
            Some(program) => program.evaluate(&transitions, |row, value| terminated[row] = value != 0.0),
            None => terminated.fill(false),
        }
    }

    fn terminates(&self) -> bool {
        self.termination.is_some()
    }
}
