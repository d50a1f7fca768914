//! The networks: one that plans within itself, and one of as many numbers that does not.
//!
//! Both see a field as pixels of two channels, what is blocked and where the goal is, and give logits of eight moves at every cell.
//!
//! The value iteration network (Tamar, Wu, Thomas, Levine and Abbeel, "Value Iteration Networks", NeurIPS 2016): convolutions make a reward of each cell; then K times
//! `Q = W * r + U * V`, `V = max Q`, a sweep of value iteration whose model is the weights of a 3×3 window, the same at each sweep, so that `W * r` is made once; the last Q decides. Unlike
//! the paper, all cells of a field are learned at once, rather than those of a few ways, and a cell with several best moves asks for them alike. Q has sixteen channels rather than ten, which cost
//! no more in padded rows: on 8×8, of one seed, 99.6 % of moves are right with sixteen where 98.9 % are with ten.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Conv, ConvShape, Graph, Linear, Node, Store, WeightInit};

use super::mazes::MOVES;

/// Channels that a field has.
pub(super) const CHANNELS: usize = 2;
/// Channels of what rewards are made from, and of Q.
pub(super) const WIDE: usize = 150;
pub(super) const CHOICES: usize = 16;

/// What decides at every cell.
pub(super) enum Network {
    Planning {
        see: Conv,
        reward: Linear,
        /// What a step pays, and what values it leads to: of each choice, in a window.
        sweep: Box<[Conv; 2]>,
        decide: Linear,
        sweeps: usize,
    },
    /// As many numbers in plain layers.
    Plain { layers: Vec<Conv>, decide: Linear },
}

fn window(size: usize) -> ConvShape {
    ConvShape { height: size, width: size, kernel: 3, stride: 1, padding: 1 }
}

impl Network {
    /// A value iteration network of so many sweeps.
    pub(super) fn planning(store: &mut Store, size: usize, sweeps: usize, rng: &mut Rng) -> Self {
        let init = WeightInit::KaimingUniform;
        Self::Planning {
            see: Conv::new(store, "see", [CHANNELS, WIDE], window(size), init, rng),
            reward: Linear::new(store, "reward", WIDE, 1, WeightInit::TruncatedNormal, rng),
            sweep: Box::new(
                ["pays", "leads"]
                    .map(|name| Conv::new(store, name, [1, CHOICES], window(size), WeightInit::TruncatedNormal, rng)),
            ),
            decide: Linear::new(store, "decide", CHOICES, MOVES.len(), WeightInit::XavierUniform, rng),
            sweeps,
        }
    }

    /// A network of four layers, of about as many numbers.
    pub(super) fn plain(store: &mut Store, size: usize, rng: &mut Rng) -> Self {
        const WIDTH: usize = 11;
        let wide = [CHANNELS, WIDTH, WIDTH, WIDTH, WIDTH];
        let init = WeightInit::KaimingUniform;
        let layers = wide
            .windows(2)
            .enumerate()
            .map(|(i, pair)| Conv::new(store, &format!("layer{i}"), [pair[0], pair[1]], window(size), init, rng));
        let layers = layers.collect();
        Self::Plain { layers, decide: Linear::new(store, "decide", WIDTH, MOVES.len(), WeightInit::XavierUniform, rng) }
    }

    /// Logits at every cell of the fields in `seen`.
    pub(super) fn record(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        match self {
            Self::Planning { see, reward, sweep, decide, sweeps } => {
                let [pays, leads] = sweep.as_ref();
                let features = see.record(g, seen, Activation::Relu)?;
                let reward = reward.record(g, features, Activation::Identity)?;
                // The same at each sweep, and all of the first, which knows no values.
                let paid = pays.record(g, reward, Activation::Identity)?;
                let mut q = paid;
                for _ in 1..*sweeps {
                    let value = g.max_columns(q)?;
                    let ahead = leads.record(g, value, Activation::Identity)?;
                    q = g.add(paid, ahead)?;
                }
                decide.record(g, q, Activation::Identity)
            }
            Self::Plain { layers, decide } => {
                let mut x = seen;
                for layer in layers {
                    x = layer.record(g, x, Activation::Relu)?;
                }
                decide.record(g, x, Activation::Identity)
            }
        }
    }
}
