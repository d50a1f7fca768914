//! Actor and critics as layers, which most policies are made of.

use worldwright_core::{ActionHead, Error, Result, Rng};
use worldwright_nn::{Activation, Graph, Init, Mlp, MlpConfig, Node, NormKind, Parameter, Store, Unary};

use crate::draws::{Draws, Law};

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
    /// Share of the critics' hidden units that learning takes out at random, each time others.
    pub(crate) dropout: f32,
    /// What an actor of numbers says of how far they spread.
    pub(crate) spread: Spread,
    /// Whether layers see the symmetric logarithm of scaled inputs, which keeps near what lies far off all that was met when the scale was taken. Where all is
    /// recorded beforehand nothing does, and critics fit plain numbers better.
    pub(crate) logarithmic: bool,
    /// Whether critics of choices add what a place is worth and by how much each choice is better than their mean (Wang, Schaul, Hessel, van Hasselt,
    /// Lanctot and de Freitas, "Dueling Network Architectures for Deep Reinforcement Learning", ICML 2016, equation 9).
    pub(crate) duels: bool,
}

/// How far an actor of numbers says that they spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// It says their mode alone.
    None,
    /// By one number a dimension, which is learned and the same wherever it is.
    Everywhere,
    /// By what it sees.
    Seen,
}

/// Actor and critics, with the stores that they begin with. All of them rectify.
pub(crate) struct Networks {
    pub(crate) inputs: usize,
    pub(crate) columns: usize,
    pub(crate) choices: usize,
    pub(crate) actor: Store,
    pub(crate) critic: Store,
    shape: Shape,
    actor_layers: Mlp,
    /// `[1][columns]`: what says how far numbers spread everywhere.
    spread: Option<Parameter>,
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
            0 if shape.spread == Spread::Seen => 2 * columns,
            0 => columns,
            _ => choices,
        };
        let actor_layers = Mlp::new(&mut actor, "actor", &config(inputs, outputs, None), rng);
        let everywhere = choices == 0 && shape.spread == Spread::Everywhere;
        let spread = everywhere.then(|| actor.parameter("actor.spread", 1, columns, Init::Constant(0.0), rng));
        // A critic of numbers looks at the action too; one of choices values all of them at once.
        let [sees, says] =
            if choices == 0 { [inputs + columns, 1] } else { [inputs, choices + usize::from(shape.duels)] };
        let judged = config(sees, says, shape.critic_norm);
        let mut critic_layers = Vec::new();
        for i in 0..shape.critics {
            critic_layers.push(Mlp::new(&mut critic, &critic_name(i), &judged, rng));
        }
        Self { inputs, columns, choices, actor, critic, shape: shape.clone(), actor_layers, spread, critic_layers }
    }

    /// What is seen, as layers take it, of an input of the graph.
    pub(crate) fn see(&self, g: &mut Graph) -> Result<Node> {
        let raw = g.input(self.inputs);
        if self.shape.logarithmic { g.unary(raw, Unary::Symlog) } else { Ok(raw) }
    }

    /// What the actor says where `seen` was seen.
    pub(crate) fn say(&self, g: &mut Graph, seen: Node) -> Result<Said> {
        let out = self.actor_layers.record(g, seen)?;
        if self.choices > 0 {
            return Ok(Said::Logits(out));
        }
        let given = match self.spread {
            Some(spread) => {
                let one = g.constant(1, 1, 1.0)?;
                let spread = g.linear(one, spread, None, Activation::Identity)?;
                g.concat(&[out, spread])?
            }
            None => out,
        };
        let [mean, log_std] = g.bounded_gaussian(given, self.columns, LOG_STD)?;
        Ok(Said::Gaussian(mean, log_std))
    }

    /// What an actor that does not spread says: numbers before the tangent, or logits of choices.
    pub(crate) fn incline(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        self.actor_layers.record(g, seen)
    }

    /// The action that an actor which does not spread [inclines](Self::incline) to, as critics are told it, moved by a noise of as many columns where there
    /// is one: numbers are brought back into [−1, 1], and of choices the likeliest is taken, one-hot, whose gradient is that of the probabilities.
    pub(crate) fn act(&self, g: &mut Graph, inclined: Node, noise: Option<Node>) -> Result<Node> {
        if self.choices > 0 {
            let noise = noise.map_or_else(|| g.constant(1, self.choices, 0.0), Ok)?;
            return g.straight_through(inclined, noise, self.choices);
        }
        let mode = g.activation(inclined, Activation::Tanh)?;
        let Some(noise) = noise else { return Ok(mode) };
        let (moved, one) = (g.add(mode, noise)?, g.constant(1, self.columns, 1.0)?);
        let below = g.min(moved, one)?;
        g.floor(below, -1.0)
    }

    /// Every critic of an action of numbers, or of all choices. Dropout takes units out where draws are given, as for learning (below too).
    pub(crate) fn judge(
        &self,
        g: &mut Graph,
        mut draws: Option<&mut Draws>,
        seen: Node,
        action: Option<Node>,
    ) -> Result<Vec<Node>> {
        let x = self.look(g, seen, action)?;
        self.critic_layers.iter().map(|layers| self.value(g, draws.as_deref_mut(), layers, x)).collect()
    }

    /// Every critic of the action that was taken, in one column each: of numbers, or one-hot of a choice.
    pub(crate) fn judge_taken(
        &self,
        g: &mut Graph,
        draws: Option<&mut Draws>,
        seen: Node,
        taken: Node,
    ) -> Result<Vec<Node>> {
        if self.choices == 0 {
            return self.judge(g, draws, seen, Some(taken));
        }
        let of_all = self.judge(g, draws, seen, None)?;
        of_all.into_iter().map(|value| of_choice(g, value, taken)).collect()
    }

    /// The first critic alone, of the action that was taken or of all choices.
    pub(crate) fn judge_first(
        &self,
        g: &mut Graph,
        draws: Option<&mut Draws>,
        seen: Node,
        taken: Option<Node>,
    ) -> Result<Node> {
        let x = self.look(g, seen, taken.filter(|_| self.choices == 0))?;
        let layers = self.critic_layers.first().ok_or_else(|| Error::config("critics", "must be at least one"))?;
        let value = self.value(g, draws, layers, x)?;
        match taken.filter(|_| self.choices > 0) {
            Some(taken) => of_choice(g, value, taken),
            None => Ok(value),
        }
    }

    /// What critics see.
    fn look(&self, g: &mut Graph, seen: Node, action: Option<Node>) -> Result<Node> {
        match action {
            Some(action) => g.concat(&[seen, action]),
            None => Ok(seen),
        }
    }

    /// A critic of an action of numbers, or of all choices.
    fn value(&self, g: &mut Graph, draws: Option<&mut Draws>, layers: &Mlp, x: Node) -> Result<Node> {
        let mut masks = Vec::new();
        if let Some(draws) = draws.filter(|_| self.shape.dropout > 0.0) {
            let widths = self.shape.hidden.iter();
            masks.extend(widths.map(|width| draws.input(g, *width, Law::Dropout(self.shape.dropout))));
        }
        let out = layers.record_masked(g, x, &masks)?;
        if !(self.shape.duels && self.choices > 0) {
            return Ok(out);
        }
        let (value, advantages) = (g.slice(out, 0, 1)?, g.slice(out, 1, self.choices)?);
        let mean = g.mean_columns(advantages)?;
        let centred = g.sub(advantages, mean)?;
        g.add(centred, value)
    }

    /// Takes critics into other units of reward, of which so many make one of the old: values are linear in the last layers, so that they mean the same
    /// (van Hasselt et al., "Learning values across many orders of magnitude", NeurIPS 2016).
    pub(crate) fn convert(critic: &mut Store, (critics, hidden): (usize, usize), units: f32) -> Result<()> {
        let names: Vec<_> = (0..critics).map(critic_name).collect();
        convert(critic, (&names, hidden), units)
    }
}

/// The number of a choice among those of all, in one column. The choice is one-hot.
pub(crate) fn of_choice(g: &mut Graph, of_all: Node, choice: Node) -> Result<Node> {
    let of_it = g.mul(of_all, choice)?;
    g.sum_columns(of_it)
}

/// The same of layers of any names.
pub(crate) fn convert(store: &mut Store, (names, hidden): (&[String], usize), units: f32) -> Result<()> {
    let last: Vec<_> = names.iter().map(|name| format!("{name}.{hidden}.")).collect();
    let last: Vec<_> = store
        .parameters()
        .filter(|(name, _)| last.iter().any(|last| name.starts_with(last.as_str())))
        .map(|(_, parameter)| parameter)
        .collect();
    for parameter in last {
        let numbers: Vec<f32> = store.get(parameter)?.iter().map(|number| units * number).collect();
        store.set(parameter, &numbers)?;
    }
    Ok(())
}

/// A value in one column, kept between the bounds of [`Returns`](crate::returns::Returns), the least and the most.
pub(crate) fn bounded(g: &mut Graph, value: Node, [least, most]: [Node; 2]) -> Result<Node> {
    let below = g.min(value, most)?;
    g.max(below, least)
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

/// The least of so many of several nodes, which are drawn anew for each batch; of all of them where they are no more (Chen, Wang, Zhou and Ross,
/// "Randomized Ensembled Double Q-Learning", ICLR 2021).
pub(crate) fn least_of(g: &mut Graph, draws: &mut Draws, of: &[Node], count: usize) -> Result<Node> {
    if count >= of.len() {
        return least(g, of);
    }
    let left_out = draws.input(g, of.len(), Law::Subset(count));
    let mut moved = Vec::with_capacity(of.len());
    for (i, node) in of.iter().enumerate() {
        let out = g.slice(left_out, i, 1)?;
        moved.push(g.add(*node, out)?);
    }
    least(g, &moved)
}

/// The mean of several nodes, element by element.
pub(crate) fn mean(g: &mut Graph, of: &[Node]) -> Result<Node> {
    let (first, rest) = of.split_first().ok_or_else(|| Error::config("critics", "must be at least one"))?;
    let sum = rest.iter().try_fold(*first, |sum, node| g.add(sum, *node))?;
    g.affine(sum, 1.0 / of.len() as f32, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Pass;

    /// Of 1, 2 and 3, the least of a pair is 1 for two pairs and 2 for the third.
    #[test]
    fn the_least_of_a_subset_is_that_of_every_subset_as_often() {
        let (mut g, mut draws) = (Graph::new(1), Draws::default());
        let of: Vec<Node> = (1..=3).map(|value| g.constant(1, 1, value as f32).unwrap()).collect();
        let out = least_of(&mut g, &mut draws, &of, 2).unwrap();
        let mean = mean(&mut g, &of).unwrap();
        g.minimise(out, 1.0).unwrap();
        let (mut pass, rng, mut said) = (Pass::new(g, draws, 1), &mut Rng::new(1), [0.0]);
        let mut ones = 0;
        for _ in 0..3000 {
            pass.run(&[], [], rng).unwrap();
            pass.runner().read(out, &mut said).unwrap();
            assert!(said[0] == 1.0 || said[0] == 2.0, "{said:?}");
            ones += u32::from(said[0] == 1.0);
            pass.runner().read(mean, &mut said).unwrap();
            assert_eq!(said[0], 2.0);
        }
        assert!((1900..2100).contains(&ones), "{ones}");
    }
}
