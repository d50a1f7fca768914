//! Actor and critics as layers, which most policies are made of.

use worldwright_core::{ActionHead, Error, Result, Rng};
use worldwright_nn::{Activation, Graph, Mlp, MlpConfig, Node, NormKind, Store, Unary};

use crate::acting::gaussian;

/// The deviation of an action before the tangent lies between `e^−5` and `e^2`.
const LOG_STD: [f32; 2] = [-5.0, 2.0];

/// What networks are like.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Widths of the hidden layers of actor and critics.
    pub(crate) hidden: Vec<usize>,
    /// How many critics there are.
    pub(crate) critics: usize,
    /// What normalises the critics' hidden layers.
    pub(crate) critic_norm: Option<NormKind>,
    /// Whether an actor of numbers says how far they spread, or their mode alone.
    pub(crate) spreads: bool,
}

/// Actor and critics, with the stores that they begin with. All of them see the symmetric logarithm of their inputs, and rectify.
pub(crate) struct Networks {
    pub(crate) inputs: usize,
    pub(crate) columns: usize,
    pub(crate) choices: usize,
    pub(crate) actor: Store,
    pub(crate) critic: Store,
    actor_layers: Mlp,
    critic_layers: Vec<Mlp>,
}

/// What an actor's layers say of its actions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    /// Mean and logarithm of the deviation, before the tangent.
    Gaussian(Node, Node),
    /// Logits of choices.
    Logits(Node),
}

impl Networks {
    pub(crate) fn new(inputs: usize, head: &ActionHead, shape: &Shape, rng: &mut Rng) -> Self {
        let (columns, choices) = (head.columns(), head.choices());
        let (mut actor, mut critic) = (Store::new(1), Store::new(1));
        let config = |inputs, outputs, norm| MlpConfig {
            inputs,
            hidden: shape.hidden.clone(),
            outputs,
            activation: Activation::Relu,
            norm,
            ..MlpConfig::default()
        };
        let outputs = match choices {
            0 if shape.spreads => 2 * columns,
            0 => columns,
            _ => choices,
        };
        let actor_layers = Mlp::new(&mut actor, "actor", &config(inputs, outputs, None), rng);
        // A critic of numbers looks at the action too; one of choices values all of them at once.
        let [sees, says] = if choices == 0 { [inputs + columns, 1] } else { [inputs, choices] };
        let judged = config(sees, says, shape.critic_norm);
        let mut critic_layers = Vec::new();
        for i in 0..shape.critics {
            critic_layers.push(Mlp::new(&mut critic, &critic_name(i), &judged, rng));
        }
        Self { inputs, columns, choices, actor, critic, actor_layers, critic_layers }
    }

    /// What is seen, as layers take it: an input of the graph.
    pub(crate) fn see(&self, g: &mut Graph) -> Result<Node> {
        let raw = g.input(self.inputs);
        g.unary(raw, Unary::Symlog)
    }

    /// What the actor says where `seen` was seen.
    pub(crate) fn say(&self, g: &mut Graph, seen: Node) -> Result<Said> {
        let out = self.actor_layers.record(g, seen)?;
        if self.choices > 0 {
            return Ok(Said::Logits(out));
        }
        let [mean, log_std] = gaussian(g, out, self.columns, LOG_STD)?;
        Ok(Said::Gaussian(mean, log_std))
    }

    /// The action of an actor of numbers that does not spread, in [−1, 1].
    pub(crate) fn act(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        let out = self.actor_layers.record(g, seen)?;
        g.activation(out, Activation::Tanh)
    }

    /// Every critic of an action, or of all choices.
    pub(crate) fn judge(&self, g: &mut Graph, seen: Node, action: Option<Node>) -> Result<Vec<Node>> {
        let x = match action {
            Some(action) => g.concat(&[seen, action])?,
            None => seen,
        };
        self.critic_layers.iter().map(|layers| layers.record(g, x)).collect()
    }

    /// Every critic of the action that was taken, in one column each: of numbers, or one-hot of a choice.
    pub(crate) fn judge_taken(&self, g: &mut Graph, seen: Node, taken: Node) -> Result<Vec<Node>> {
        if self.choices == 0 {
            return self.judge(g, seen, Some(taken));
        }
        let of_all = self.judge(g, seen, None)?;
        let of_taken = |value| {
            let of_it = g.mul(value, taken)?;
            g.sum_columns(of_it)
        };
        of_all.into_iter().map(of_taken).collect()
    }

    /// Takes critics into other units of reward, of which so many make one of the old: values are linear in the last layers, so that they mean the same
    /// (van Hasselt et al., "Learning values across many orders of magnitude", NeurIPS 2016).
    pub(crate) fn convert(critic: &mut Store, (critics, hidden): (usize, usize), units: f32) -> Result<()> {
        let last: Vec<_> = (0..critics).map(|i| format!("{}.{hidden}.", critic_name(i))).collect();
        let last: Vec<_> = critic
            .parameters()
            .filter(|(name, _)| last.iter().any(|last| name.starts_with(last.as_str())))
            .map(|(_, parameter)| parameter)
            .collect();
        for parameter in last {
            let numbers: Vec<f32> = critic.get(parameter)?.iter().map(|number| units * number).collect();
            critic.set(parameter, &numbers)?;
        }
        Ok(())
    }
}

/// Names of parameters are what is saved.
fn critic_name(i: usize) -> String {
    match i {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        _ => format!("critic{}", i + 1),
    }
}

/// The least of several nodes, element by element.
pub(crate) fn least(g: &mut Graph, of: &[Node]) -> Result<Node> {
    let (first, rest) = of.split_first().ok_or_else(|| Error::config("critics", "must be at least one"))?;
    rest.iter().try_fold(*first, |least, node| g.min(least, *node))
}
