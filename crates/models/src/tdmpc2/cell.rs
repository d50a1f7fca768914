//! The networks of a model with values and a policy of its own: a trunk, critics and an actor.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Bins, Graph, Mlp, MlpConfig, Node, NormKind, Store};

use crate::latent::trunk::{Sizes, Trunk};

/// The bins of rewards and values.
pub(super) const BINS: Bins = Bins::COARSE;

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
    /// A draw of numbers; of choices all of them, each by how likely it is.
    pub(super) action: Node,
    /// Its entropy, or an estimate of it, in one column.
    pub(super) entropy: Node,
}

/// The least share of each choice: what never is done is never learned of.
const UNIMIX: f32 = 0.01;

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
        let trunk = Trunk::new(store, (sizes, BINS), rng);
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
        // Numbers are told to critics; of choices each has an opinion, since what is between two of them was never done.
        let (inputs, opinions) = if choices == 0 { (latent + sizes.actions, 1) } else { (latent, choices) };
        let critics: Vec<Mlp> =
            (0..critics).map(|critic| layers(&format!("critic{critic}"), inputs, opinions * BINS.count)).collect();
        // Nothing is worth anything to a model that knows nothing.
        critics.iter().try_for_each(|critic| critic.silence(store))?;
        Ok(Self { trunk, actor, critics, choices })
    }

    /// How many critics there are.
    pub(super) fn critics(&self) -> usize {
        self.critics.len()
    }

    /// What the policy says of latents.
    pub(super) fn say(&self, g: &mut Graph, latent: Node) -> Result<Said> {
        let out = self.actor.record(g, latent)?;
        if self.choices > 0 {
            return Ok(Said::Logits(g.unimix(out, self.choices, UNIMIX)?));
        }
        Ok(Said::Gaussian(g.bounded_gaussian(out, self.trunk.sizes.actions, LOG_STD)?))
    }

    /// What it does of that. The noise draws numbers, and is normal.
    pub(super) fn act(&self, g: &mut Graph, said: Said, noise: Node) -> Result<Done> {
        match said {
            Said::Gaussian([mean, log_std]) => {
                let drawn = g.squashed_gaussian(mean, log_std, noise)?;
                Ok(Done { action: drawn.action, entropy: g.affine(drawn.log_prob, -1.0, 0.0)? })
            }
            Said::Logits(logits) => {
                let entropy = g.categorical_entropy(logits, self.choices)?;
                Ok(Done { action: g.softmax(logits, self.choices)?, entropy })
            }
        }
    }

    /// One action of what it says, as dynamics are told it. The noise is normal for numbers, and Gumbel's for choices.
    pub(super) fn draw(&self, g: &mut Graph, said: Said, noise: Node) -> Result<Node> {
        match said {
            Said::Gaussian(_) => Ok(self.act(g, said, noise)?.action),
            Said::Logits(logits) => g.straight_through(logits, noise, self.choices),
        }
    }

    /// What each critic says, logits over [`BINS`] in a row a choice, or in one row for an action of numbers.
    fn judge(&self, g: &mut Graph, latent: Node, action: Node) -> Result<Vec<Node>> {
        if self.choices == 0 {
            let x = g.concat(&[latent, action])?;
            return self.critics.iter().map(|critic| critic.record(g, x)).collect();
        }
        let rows = g.shape(latent).rows * self.choices;
        let all = |critic: &Mlp| {
            let out = critic.record(g, latent)?;
            g.reshape(out, rows, BINS.count)
        };
        self.critics.iter().map(all).collect()
    }

    /// Of numbers a row a choice, what an action comes to: the number of the choice that it is, or the mean over what it is likely to be.
    fn taken(&self, g: &mut Graph, each: Node, action: Node) -> Result<Node> {
        if self.choices == 0 {
            return Ok(each);
        }
        let rows = g.shape(action).rows;
        let each = g.reshape(each, rows, self.choices)?;
        let each = g.mul(each, action)?;
        g.sum_columns(each)
    }

    /// The sum over critics of how far they are from saying `aim`, a distribution over [`BINS`], of what was done.
    pub(super) fn errors(&self, g: &mut Graph, latent: Node, action: Node, aim: Node) -> Result<Node> {
        let rows = g.shape(aim).rows;
        let aims = match self.choices {
            0 | 1 => aim,
            choices => {
                let all = g.concat(&vec![aim; choices])?;
                g.reshape(all, rows * choices, BINS.count)?
            }
        };
        let mut sum = None;
        for logits in self.judge(g, latent, action)? {
            let each = g.cross_entropy(logits, aims, BINS.count)?;
            let error = self.taken(g, each, action)?;
            sum = Some(sum.map_or(Ok(error), |sum| g.add(sum, error))?);
        }
        sum.map_or_else(|| g.constant(rows, 1, 0.0), Ok)
    }

    /// What each critic thinks that an action is worth, in one column.
    pub(super) fn opinions(&self, g: &mut Graph, latent: Node, action: Node) -> Result<Vec<Node>> {
        let judged = self.judge(g, latent, action)?;
        let value = |logits| {
            let each = g.two_hot_mean(logits, BINS)?;
            self.taken(g, each, action)
        };
        judged.into_iter().map(value).collect()
    }

    /// The mean of what all critics think, in one column.
    pub(super) fn value(&self, g: &mut Graph, latent: Node, action: Node) -> Result<Node> {
        let mut sum = None;
        for value in self.opinions(g, latent, action)? {
            sum = Some(sum.map_or(Ok(value), |sum| g.add(sum, value))?);
        }
        let sum = sum.map_or_else(|| g.constant(1, 1, 0.0), Ok)?;
        g.affine(sum, 1.0 / self.critics.len() as f32, 0.0)
    }
}
