//! Tree search over discrete actions, for models with values, priors, chance, rules and two players, or with none of these.
//!
//! The nodes of a tree are rows of the model's arena. The parts: `arena` holds a tree, `search` runs `rounds` of simulations over one or
//! many trees and asks the model a batch at a time, `rule`s (`uct`, `puct`, `gumbel`) choose, `backup` teaches what came of
//! it, `proofs` settle values and `shorter` their distance, `outcomes` are chance, `transpositions` join ways to one state, `reuse` keeps a tree for the next decision. One root
//! is a planner (`planner`); many at once are a [`Forest`].
//!
//! Two players: where the model's continuation is negative, the other player moves next, and every value is that of the player to move.

mod arena;
mod backup;
mod evaluation;
mod forest;
pub(crate) mod gumbel;
mod length;
mod noise;
mod options;
mod outcomes;
mod planner;
mod proofs;
pub(crate) mod puct;
mod reuse;
mod rounds;
mod rule;
mod saved;
mod search;
mod shorter;
mod simulations;
mod softmax;
mod transpositions;
pub(crate) mod uct;

pub use forest::{Depth, Forest, Length};
