//! The networks of a model with values and a policy of its own: a trunk, critics and an actor.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Graph, Mlp, MlpConfig, Node, NormKind, Store};

use crate::latent::trunk::{BINS, Sizes, Trunk};

/// The deviation of an action before the tangent lies between `e^−5` and `e`.
const LOG_STD: [f32; 2] = [-5.0, 1.0];

/// What the policy says of a latent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said {
    /// Mean and logarithm of the deviation of numbers, before the tangent.
    Gaussian([Node; 2]),
    /// Logits of choices.
    Logits(Node),
}

/// What the policy does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    /// The action, as networks are told it.
    pub(super) action: Node,
    /// Its entropy, or an estimate of it, in one column.
    pub(super) entropy: Node,
}

/// The networks.
#[derive(Debug, Clone)]
pub(super) struct Tdmpc2Cell {
    pub(super) trunk: Trunk,
    actor: Mlp,
    critics: Vec<Mlp>,
    /// 0 for numbers.
    choices: usize,
}

impl Tdmpc2Cell {
    /// Declares the parameters of so many critics, and of an actor of choices or of numbers.
    pub(super) fn new(
        store: &mut Store,
        sizes: Sizes,
        (critics, choices): (usize, usize),
        rng: &mut Rng,
    ) -> Result<Self> {
        let trunk = Trunk::new(store, sizes, rng);
        let (width, latent) = (sizes.hidden, sizes.latent);
        let mut layers = |name: &str, inputs, outputs| {
            let config = MlpConfig {
                inputs,
                hidden: vec![width; 2],
                outputs,
                activation: Activation::Silu,
                norm: Some(NormKind::Rms),
                ..MlpConfig::default()
            };
            Mlp::new(store, name, &config, rng)
        };
        let said = if choices == 0 { 2 * sizes.actions } else { choices };
        let actor = layers("policy", latent, said);
        let critics: Vec<Mlp> =
            (0..critics).map(|critic| layers(&format!("critic{critic}"), latent + sizes.actions, BINS.count)).collect();
        // Nothing is worth anything to a model that knows nothing.
        critics.iter().try_for_each(|critic| critic.silence(store))?;
        Ok(Self { trunk, actor, critics, choices })
    }

    /// How many critics there are.
    pub(super) fn critics(&self) -> usize {
        self.critics.len()
    }

    /// Columns of the noise of an action: Gumbel's for choices, else normal.
    pub(super) fn noise(&self) -> usize {
        self.trunk.sizes.actions
    }

    /// What the policy says of latents.
    pub(super) fn say(&self, g: &mut Graph, latent: Node) -> Result<Said> {
        let out = self.actor.record(g, latent)?;
        if self.choices > 0 {
            return Ok(Said::Logits(out));
        }
        Ok(Said::Gaussian(g.bounded_gaussian(out, self.trunk.sizes.actions, LOG_STD)?))
    }

    /// A draw of what it says.
    pub(super) fn act(&self, g: &mut Graph, said: Said, noise: Node) -> Result<Done> {
        match said {
            Said::Gaussian([mean, log_std]) => {
                let drawn = g.squashed_gaussian(mean, log_std, noise)?;
                Ok(Done { action: drawn.action, entropy: g.affine(drawn.log_prob, -1.0, 0.0)? })
            }
            Said::Logits(logits) => Ok(Done {
                action: g.straight_through(logits, noise, self.choices)?,
                entropy: g.categorical_entropy(logits, self.choices)?,
            }),
        }
    }

    /// Logits over [`BINS`] of what each critic thinks that actions are worth.
    pub(super) fn judge(&self, g: &mut Graph, latent: Node, action: Node) -> Result<Vec<Node>> {
        let x = g.concat(&[latent, action])?;
        self.critics.iter().map(|critic| critic.record(g, x)).collect()
    }

    /// The mean of what all critics think, in one column.
    pub(super) fn value(&self, g: &mut Graph, latent: Node, action: Node) -> Result<Node> {
        let mut sum = None;
        for logits in self.judge(g, latent, action)? {
            let value = g.two_hot_mean(logits, BINS)?;
            sum = Some(match sum {
                None => value,
                Some(sum) => g.add(sum, value)?,
            });
        }
        let sum = sum.map_or_else(|| g.constant(1, 1, 0.0), Ok)?;
        g.affine(sum, 1.0 / self.critics.len() as f32, 0.0)
    }
}
