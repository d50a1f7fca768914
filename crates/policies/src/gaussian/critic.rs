//! What actions are worth to a Gaussian actor: two critics of what is seen and done, and their derivatives.
//!
//! They regress on `y = r + γ (1 − d) min_i Q̄_i(s', μ(s') + σ ε)` with slow copies Q̄ (Lillicrap, Hunt, Pritzel, Heess, Erez, Tassa, Silver and Wierstra, "Continuous
//! control with deep reinforcement learning", ICLR 2016; the least of two from Fujimoto, van Hoof and Meger, ICML 2018). An episode that was cut is no end of the task.
//! Heess et al. learn V for svg(1) and Q for svg(0); a Q serves both, as V(s) is Q(s, μ(s) + σ ε). Values are in units of the rewards' root mean square.

use worldwright_core::{ActionHead, Columns, Error, Experience, Persist, Result, Rng, Settings, State};
use worldwright_nn::{Activation, Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Node, Pullback, Runner, Store};

use super::{Actor, ENTRY};
use crate::acting::Acting;
use crate::batch::Transitions;
use crate::draws::{Draws, Law, Pass};
use crate::networks::least;
use crate::options;
use crate::scaling::rescale;

/// What they are saved as.
const CRITIC: &str = "critic";
const TARGET: &str = "target";
const ADAM: &str = "adam.critic";
/// Widths where the actor has no hidden layers: values are never linear.
const HIDDEN: [usize; 2] = [64, 64];

pub(super) struct Critic {
    layers: [Mlp; 2],
    store: Store,
    target: Store,
    adam: Adam,
    target_rate: f32,
    batch: usize,
    discount: f64,
    regression: Pass,
    /// The least of both by what is seen and done.
    runner: Runner,
    nodes: [Node; 2],
    value: Node,
    pullback: Pullback,
    // Room.
    transitions: Transitions,
    action: Vec<f64>,
    actions: Vec<f32>,
    cotangents: Vec<f32>,
    slopes: Vec<f32>,
}

/// `x` within [−1, 1].
fn within(g: &mut Graph, x: Node, columns: usize) -> Result<Node> {
    let one = g.constant(1, columns, 1.0)?;
    let below = g.min(x, one)?;
    g.floor(below, -1.0)
}

/// Both critics.
fn judged(g: &mut Graph, layers: &[Mlp; 2], seen: Node, action: Node) -> Result<[Node; 2]> {
    let x = g.concat(&[seen, action])?;
    Ok([layers[0].record(g, x)?, layers[1].record(g, x)?])
}

impl Critic {
    pub(super) fn new(
        (actor, acted): (&Actor, &Store),
        hidden: &[usize],
        (settings, adam): (&Settings, AdamConfig),
        (batch, discount_each): (usize, f64),
        rng: &mut Rng,
    ) -> Result<Self> {
        let columns = actor.actions;
        let hidden = if hidden.is_empty() { HIDDEN.to_vec() } else { hidden.to_vec() };
        let inputs = actor.inputs + columns;
        let config = MlpConfig { inputs, hidden, outputs: 1, activation: Activation::Tanh, ..MlpConfig::default() };
        let mut store = Store::new(1);
        let layers = ["first", "second"].map(|name| Mlp::new(&mut store, name, &config, rng));
        let target = store.twin();
        let (mut g, mut draws) = (Graph::new(1), Draws::default());
        let (seen, taken) = (g.input(actor.inputs), g.input(columns));
        let (reward, discount, next) = (g.input(1), g.input(1), g.input(actor.inputs));
        let noise = draws.input(&mut g, columns, Law::Normal);
        g.freeze(acted);
        let then = actor.act(&mut g, next, noise)?;
        let then = within(&mut g, then, columns)?;
        g.freeze(&target);
        let values = judged(&mut g, &layers, next, then)?;
        let value = least(&mut g, &values)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(&store);
        for value in judged(&mut g, &layers, seen, taken)? {
            let error = g.square_error(value, goal)?;
            g.minimise(error, 0.5)?;
        }
        let mut slopes = Graph::new(1);
        slopes.freeze(&store);
        let nodes = [actor.inputs, columns].map(|width| slopes.differentiable_input(width));
        let values = judged(&mut slopes, &layers, nodes[0], nodes[1])?;
        let value = least(&mut slopes, &values)?;
        let runner = Runner::new(slopes, 1);
        Ok(Self {
            adam: Adam::new(&store, adam),
            target_rate: settings.float(options::TARGET_RATE.name, 0.0, 1.0)? as f32,
            batch,
            discount: discount_each,
            regression: Pass::new(g, draws, batch),
            pullback: runner.pullback_from(value),
            runner,
            nodes,
            value,
            layers,
            store,
            target,
            transitions: Transitions::default(),
            action: vec![0.0; columns],
            actions: Vec::new(),
            cotangents: Vec::new(),
            slopes: Vec::new(),
        })
    }

    /// One update on real transitions; gives the loss.
    pub(super) fn regress(&mut self, acting: &Acting, experience: &dyn Experience, rng: &mut Rng) -> Result<f64> {
        let room = &mut self.transitions;
        room.draw(experience, self.batch, (&acting.scaling, acting.head()), (1, self.discount), rng)?;
        let worth = (1.0 / acting.scaling.reward()) as f32;
        room.rewards.iter_mut().for_each(|reward| *reward *= worth);
        let given = [&room.observations, &room.actions, &room.rewards, &room.discounts, &room.next_observations];
        let stores = [acting.actor(), &self.store, &self.target];
        let loss = self.regression.run(&stores, given.map(Vec::as_slice), rng)?;
        self.adam.step(&mut self.store, self.regression.runner())?;
        self.target.follow(&self.store, self.target_rate)?;
        if loss.is_finite() {
            return Ok(loss);
        }
        let why = format!("the loss of its critics became {loss}: try a smaller learning_rate");
        Err(Error::Diverged { who: ENTRY.name.into(), why })
    }

    /// Derivatives of values in the units of rewards, by what was seen and done in those of the task, and the sum of values; `seen` is scaled.
    pub(super) fn slopes(
        &mut self,
        acting: &Acting,
        seen: &[f32],
        actions: Columns<'_>,
        (by_seen, by_action): (&mut [f64], &mut [f64]),
    ) -> Result<f64> {
        let (n, inputs, a) = (actions.rows(), acting.inputs(), self.action.len());
        if actions.dims() != a || by_seen.len() != n * inputs || by_action.len() != n * a {
            return Err(Error::shape("derivatives of values", &[n, inputs, a], &[by_seen.len(), by_action.len()]));
        }
        self.actions.resize(n * a, 0.0);
        for (row, told) in self.actions.chunks_exact_mut(a).enumerate() {
            actions.copy_row(row, &mut self.action);
            acting.head().write_network(&self.action, told)?;
        }
        if n > self.runner.capacity() {
            self.runner = Runner::new(self.runner.graph().clone(), n);
        }
        self.cotangents.clear();
        self.cotangents.resize(n, 1.0);
        self.runner.forward(&[&self.store], n, &[Feed::Shared(seen), Feed::Shared(&self.actions)])?;
        self.runner.pullback(&[&self.store], &self.pullback, &self.cotangents)?;
        let reward = acting.scaling.reward();
        self.slopes.resize(n, 0.0);
        self.runner.read(self.value, &mut self.slopes)?;
        let sum = reward * self.slopes.iter().map(|value| f64::from(*value)).sum::<f64>();
        self.slopes.resize(n * inputs, 0.0);
        self.runner.read_gradient(self.nodes[0], &mut self.slopes)?;
        for (i, (slot, slope)) in by_seen.iter_mut().zip(&self.slopes).enumerate() {
            *slot = reward * f64::from(*slope) / acting.scaling.affine(i % inputs)[1];
        }
        let ActionHead::Continuous { half, .. } = acting.head() else { return Ok(sum) };
        self.slopes.resize(n * a, 0.0);
        self.runner.read_gradient(self.nodes[1], &mut self.slopes)?;
        for (i, (slot, slope)) in by_action.iter_mut().zip(&self.slopes).enumerate() {
            // What has one value only cannot be moved.
            *slot = if half[i % a] > 0.0 { reward * f64::from(*slope) / half[i % a] } else { 0.0 };
        }
        Ok(sum)
    }

    /// Has them see the same in other units.
    pub(super) fn rescale(&mut self, before: &[[f64; 2]], now: &[[f64; 2]]) -> Result<()> {
        for layers in &self.layers {
            rescale(layers, &mut self.store, before, now)?;
            rescale(layers, &mut self.target, before, now)?;
        }
        Ok(())
    }

    /// Takes values into other units of reward, of which so many make one of the old.
    pub(super) fn convert(&mut self, units: f32) -> Result<()> {
        for last in self.layers.iter().filter_map(|layers| layers.layers.last()) {
            for store in [&mut self.store, &mut self.target] {
                for parameter in [last.weight, last.bias] {
                    let numbers: Vec<f32> = store.get(parameter)?.iter().map(|number| units * number).collect();
                    store.set(parameter, &numbers)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn save(&self, state: &mut State) {
        state.put_all(CRITIC, self.store.save());
        state.put_all(TARGET, self.target.save());
        state.put_all(ADAM, self.adam.save());
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        self.store.restore(&state.part(CRITIC))?;
        self.target.restore(&state.part(TARGET))?;
        self.adam.restore(&state.part(ADAM))
    }
}
