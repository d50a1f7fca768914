//! Values by a tree of imagined states that is a part of the network: TreeQN.
//!
//! Farquhar, Rocktäschel, Igl and Whiteson, "TreeQN and ATreeC: Differentiable Tree-Structured Models for Deep Reinforcement Learning", ICLR 2018. What is seen becomes a state z; every choice
//! leads to another one, every state tells rewards of all choices and a value, and these are backed up over `depth` steps:
//!
//! ```text
//! u = z + tanh(W z),   z_a = n(u + tanh(W_a u)),   Q(z, a) = r(z)_a + γ V(z_a)
//! V(z) = v(z) at the leaves,   (1 − λ) v(z) + λ Σ_a softmax(Q(z, ·))_a Q(z, a) within
//! ```
//!
//! where n normalises by the root of the mean square, with a gain that is learned. All of it is learned from the values at the root, and the rewards there from rewards. Unlike the paper's
//! the first state is made by a perceptron, since pictures are not meant here.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Graph, Linear, Mlp, MlpConfig, Node, Norm, NormKind, Store, Unary, WeightInit};

/// Units between a state and the rewards that it tells.
const REWARD_UNITS: usize = 64;

/// What a tree is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    /// Steps that it looks ahead, at least one.
    pub(super) depth: usize,
    /// λ.
    pub(super) mix: f32,
    /// γ.
    pub(super) discount: f32,
}

/// The layers, with the store that they begin with.
pub(super) struct Tree {
    pub(super) inputs: usize,
    pub(super) choices: usize,
    pub(super) store: Store,
    growth: Growth,
    first: Mlp,
    shared: Linear,
    moves: Vec<Linear>,
    norm: Norm,
    rewards: [Linear; 2],
    value: Linear,
}

impl Tree {
    /// Layers of these hidden widths, of which the last is that of states. `norm` normalises those before it.
    pub(super) fn new(
        (inputs, choices): (usize, usize),
        (hidden, norm): (&[usize], Option<NormKind>),
        growth: Growth,
        rng: &mut Rng,
    ) -> Self {
        let mut store = Store::new(1);
        let (before, width) = hidden.split_at(hidden.len().saturating_sub(1));
        let width = width.first().copied().unwrap_or(inputs);
        let config = MlpConfig {
            inputs,
            hidden: before.to_vec(),
            outputs: width,
            activation: Activation::Relu,
            norm,
            ..MlpConfig::default()
        };
        let first = Mlp::new(&mut store, "first", &config, rng);
        let init = WeightInit::XavierUniform;
        let mut linear = |name: String, [from, to]: [usize; 2]| Linear::new(&mut store, &name, from, to, init, rng);
        let shared = linear("shared".into(), [width, width]);
        let moves = (0..choices).map(|choice| linear(format!("move{choice}"), [width, width])).collect();
        // Values are linear in the layers of these names, which whoever takes them into other units goes by: exactly at depth 1, nearly beyond, where the
        // softmax within the tree is sharper in smaller units.
        let last = hidden.len();
        let rewards = [
            linear("rewards".into(), [width, REWARD_UNITS]),
            linear(format!("first.{last}.rewards"), [REWARD_UNITS, choices]),
        ];
        let value = linear(format!("first.{last}.value"), [width, 1]);
        let norm = Norm::new(&mut store, "state", NormKind::Rms, width, rng);
        Self { inputs, choices, store, growth, first, shared, moves, norm, rewards, value }
    }

    /// What is seen, as layers take it: an input of the graph.
    pub(super) fn see(&self, g: &mut Graph) -> Result<Node> {
        let raw = g.input(self.inputs);
        g.unary(raw, Unary::Symlog)
    }

    /// The first state.
    fn begin(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        let state = self.first.record(g, seen)?;
        self.norm.record(g, state, Activation::Identity)
    }

    /// Rewards of all choices in a state.
    fn pays(&self, g: &mut Graph, state: Node) -> Result<Node> {
        let units = self.rewards[0].record(g, state, Activation::Relu)?;
        self.rewards[1].record(g, units, Activation::Identity)
    }

    /// Values of all choices in a state, by so many steps ahead.
    fn backed_up(&self, g: &mut Graph, state: Node, depth: usize) -> Result<Node> {
        let step = self.shared.record(g, state, Activation::Tanh)?;
        let on = g.add(state, step)?;
        let mut ahead = Vec::with_capacity(self.choices);
        for choice in &self.moves {
            let step = choice.record(g, on, Activation::Tanh)?;
            let next = g.add(on, step)?;
            let next = self.norm.record(g, next, Activation::Identity)?;
            ahead.push(self.worth(g, next, depth - 1)?);
        }
        let ahead = g.concat(&ahead)?;
        let ahead = g.affine(ahead, self.growth.discount, 0.0)?;
        let pays = self.pays(g, state)?;
        g.add(pays, ahead)
    }

    /// What a state is worth.
    fn worth(&self, g: &mut Graph, state: Node, depth: usize) -> Result<Node> {
        let value = self.value.record(g, state, Activation::Identity)?;
        if depth == 0 {
            return Ok(value);
        }
        let of_all = self.backed_up(g, state, depth)?;
        let shares = g.softmax(of_all, self.choices)?;
        let weighed = g.mul(shares, of_all)?;
        let best = g.sum_columns(weighed)?;
        let (own, best) = (g.affine(value, 1.0 - self.growth.mix, 0.0)?, g.affine(best, self.growth.mix, 0.0)?);
        g.add(own, best)
    }

    /// Values of all choices where `seen` was seen.
    pub(super) fn values(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        let state = self.begin(g, seen)?;
        self.backed_up(g, state, self.growth.depth)
    }

    /// Rewards that it tells of all choices there.
    pub(super) fn rewards(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        let state = self.begin(g, seen)?;
        self.pays(g, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_nn::Predictor;

    /// The equations, in plain loops over the numbers of the store.
    struct ByHand<'t> {
        tree: &'t Tree,
    }

    impl ByHand<'_> {
        fn layer(&self, layer: Linear, x: &[f64]) -> Vec<f64> {
            let [weight, bias] = [layer.weight, layer.bias].map(|it| self.tree.store.get(it).unwrap());
            let to = bias.len();
            let at = |j: usize| -> f64 { x.iter().enumerate().map(|(i, x)| x * f64::from(weight[i * to + j])).sum() };
            (0..to).map(|j| f64::from(bias[j]) + at(j)).collect()
        }

        fn normal(x: Vec<f64>) -> Vec<f64> {
            let root = (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + 1e-6).sqrt();
            x.into_iter().map(|x| x / root).collect()
        }

        fn step(x: &[f64], by: Vec<f64>) -> Vec<f64> {
            x.iter().zip(by).map(|(x, by)| x + by.tanh()).collect()
        }

        fn values(&self, z: &[f64], depth: usize) -> Vec<f64> {
            let tree = self.tree;
            let units = self.layer(tree.rewards[0], z).into_iter().map(|x| x.max(0.0)).collect::<Vec<_>>();
            let pays = self.layer(tree.rewards[1], &units);
            let on = Self::step(z, self.layer(tree.shared, z));
            let ahead = tree.moves.iter().map(|choice| {
                let next = Self::normal(Self::step(&on, self.layer(*choice, &on)));
                let value = self.layer(tree.value, &next)[0];
                if depth == 1 {
                    return value;
                }
                let of_all = self.values(&next, depth - 1);
                let total: f64 = of_all.iter().map(|q| q.exp()).sum();
                let best: f64 = of_all.iter().map(|q| q.exp() / total * q).sum();
                0.2 * value + 0.8 * best
            });
            pays.iter().zip(ahead).map(|(r, v)| r + 0.9 * v).collect()
        }
    }

    #[test]
    fn a_tree_is_what_its_equations_say() {
        for depth in 1..=3 {
            let growth = Growth { depth, mix: 0.8, discount: 0.9 };
            let tree = Tree::new((2, 3), (&[5], None), growth, &mut Rng::new(4));
            let mut g = Graph::new(1);
            let seen = tree.see(&mut g).unwrap();
            g.freeze(&tree.store);
            let out = tree.values(&mut g, seen).unwrap();
            let predictor = Predictor::new(&g, &[&tree.store], &[out]).unwrap();
            let (x, mut said) = ([0.5_f32, -2.0], [0.0; 3]);
            predictor.predict_member(0, &[&x], &mut [&mut said], &mut predictor.scratch()).unwrap();
            let symlog = x.map(|x| f64::from(x).signum() * (1.0 + f64::from(x).abs()).ln());
            let hand = ByHand { tree: &tree };
            let expected = hand.values(&ByHand::normal(hand.layer(tree.first.layers[0], &symlog)), depth);
            for (said, expected) in said.iter().zip(expected) {
                assert!((f64::from(*said) - expected).abs() < 1e-4, "{depth}: {said} {expected}");
            }
        }
    }
}
