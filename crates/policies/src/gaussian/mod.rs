//! `gaussian`: an action that is a function of what is seen, and a noise of fixed size beside it, which climbs by derivatives that others know.
//!
//! ```text
//! a = μ(s) + σ ε,  ε ~ N(0, I)        ∂a/∂s = ∂μ/∂s,   ∂a/∂θ = ∂μ/∂θ
//! ```
//!
//! with μ a network of hyperbolic tangents, or a linear map where it has no hidden layers, that begins at the middle of every range (Heess, Wayne, Silver, Lillicrap, Tassa
//! and Erez, "Learning Continuous Control Policies by Stochastic Value Gradients", NeurIPS 2015, section 4). As the noise adds to the action, its derivatives are the
//! same whatever was drawn: along a step that was really taken they are those at the noise that led to its action, which is what the paper infers noise for.
//! Actions are cut off at their bounds; derivatives go past a bound as if there were none, so that what was pushed out comes back.
//!
//! Unlike the paper, the size of the noise is not learned, networks see numbers in units of their deviation, and a change of these units changes no action. The
//! critic is [`critic`].

mod critic;

use worldwright_core::{
    ActionHead, Columns, Entry, Error, Experience, Key, Parameter, Persist, Result, Rng, SettingDefault as Default,
    Settings, State, cost,
};
use worldwright_nn::{Activation, Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Node, Pullback, Runner, Store};

use self::critic::Critic;
use crate::acting::Acting;
use crate::options;
use crate::scaling::rescale;
use crate::taught::{Taught, Teacher};
use crate::{Build, PolicyContext, ReparametrisedPolicy};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gaussian",
    summary: "a network's action and a noise beside it, which climb derivatives that a model or a critic gives",
    source: "Heess, Wayne, Silver, Lillicrap, Tassa and Erez, NeurIPS 2015",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[64.0, 64.0]),
            summary: "widths of the hidden layers of actor and critics; none for an actor that is linear",
        },
        Parameter {
            name: "exploration_noise",
            default: Default::Float(0.2),
            summary: "deviation of the noise, as a share of half the range of an action",
        },
        options::BATCH,
        options::LEARNING_RATE,
        options::TARGET_RATE,
    ],
    build: Build::Derivatives(build),
};

/// The largest norm of a gradient.
const MAX_NORM: f32 = 10.0;
/// What the actor's optimiser is saved as.
const ADAM: &str = "adam.actor";

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn ReparametrisedPolicy>> {
    Ok(Box::new(taught(context, settings)?))
}

/// What an actor is made of, as graphs are told it.
struct Actor {
    inputs: usize,
    actions: usize,
    layers: Mlp,
    /// σ, in half ranges.
    noise: f32,
}

impl Actor {
    /// The action that a noise gives, not yet cut off.
    fn act(&self, g: &mut Graph, seen: Node, noise: Node) -> Result<Node> {
        let mean = self.layers.record(g, seen)?;
        let off = g.affine(noise, self.noise, 0.0)?;
        g.add(mean, off)
    }
}

/// What climbing needs.
struct Climbing {
    actor: Actor,
    runner: Runner,
    seen_node: Node,
    pullback: Pullback,
    adam: Adam,
    critic: Critic,
    halves: Vec<f64>,
    /// Numbers of all layers.
    width: usize,
    // Room: `[rows][O]` and `[rows][A]`.
    seen: Vec<f32>,
    by_action: Vec<f32>,
    by_seen: Vec<f32>,
}

fn taught(context: &PolicyContext, settings: &Settings) -> Result<Taught<Climbing>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let ActionHead::Continuous { half, .. } = &head else {
        let why = "choices, which have no derivatives: choose an algorithm for choices, such as dqn";
        return Err(Error::unsupported(ENTRY.name, why));
    };
    let hidden = options::hidden_or_none(settings, 1 << 14)?;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs + half.len());
    cost::memory(&[("hidden", widest)], 100.0 * (widest * widest) as f64 * (hidden.len() + 1) as f64)?;
    let width = hidden.iter().sum::<usize>() + context.inputs + half.len();
    let batch = settings.count_in(options::BATCH.name, 1, 1 << 16)?;
    cost::memory(&[("batch", batch), ("hidden", width)], 60.0 * (batch * width) as f64)?;
    let mut rng = Key::new(context.seed).fold(0x569).rng();
    let mut store = Store::new(1);
    let config = MlpConfig {
        inputs: context.inputs,
        hidden: hidden.clone(),
        outputs: half.len(),
        activation: Activation::Tanh,
        ..MlpConfig::default()
    };
    let layers = Mlp::new(&mut store, "actor", &config, &mut rng);
    if let Some(last) = layers.layers.last() {
        let count: usize = store.shape(last.weight)?.iter().product();
        store.set(last.weight, &vec![0.0; count])?;
        store.set(last.bias, &vec![0.0; half.len()])?;
    }
    let noise = settings.float("exploration_noise", 0.0, 1e3)? as f32;
    let actor = Actor { inputs: context.inputs, actions: half.len(), layers, noise };
    let rate = settings.float(options::LEARNING_RATE.name, 0.0, 1.0)? as f32;
    let adam = AdamConfig { learning_rate: rate, max_norm: MAX_NORM, ..AdamConfig::default() };
    let mut acts = Graph::new(1);
    acts.freeze(&store);
    let (seen, drawn) = (acts.input(context.inputs), acts.input(half.len()));
    let action = actor.act(&mut acts, seen, drawn)?;
    let mut g = Graph::new(1);
    g.learn(&store);
    let (seen_node, wanted) = (g.differentiable_input(context.inputs), g.input(half.len()));
    let mean = actor.layers.record(&mut g, seen_node)?;
    let gain = g.mul(mean, wanted)?;
    let gain = g.sum_columns(gain)?;
    g.minimise(gain, -1.0)?;
    let runner = Runner::new(g, 1);
    let critic = Critic::new((&actor, &store), &hidden, (settings, adam), (batch, context.discount), &mut rng)?;
    let teacher = Climbing {
        pullback: runner.pullback_from(mean),
        runner,
        seen_node,
        adam: Adam::new(&store, adam),
        critic,
        halves: half.clone(),
        width,
        actor,
        seen: Vec::new(),
        by_action: Vec::new(),
        by_seen: Vec::new(),
    };
    Ok(Taught { acting: Acting::new(ENTRY.name, (context.inputs, &head), (&acts, action), store)?, teacher })
}

impl Climbing {
    /// Takes a batch on: what was seen as networks see it, and derivatives by actions in half ranges.
    fn take(&mut self, acting: &Acting, seen: Columns<'_>, by_action: &[f64]) -> Result<()> {
        let (n, inputs, a) = (seen.rows(), acting.inputs(), self.halves.len());
        if seen.dims() != inputs || by_action.len() != n * a {
            let expected = [inputs, n * a];
            return Err(Error::shape(
                "what was seen, and derivatives by actions",
                &expected,
                &[seen.dims(), by_action.len()],
            ));
        }
        scaled(acting, seen, &mut self.seen);
        self.by_action.clear();
        self.by_action.extend(by_action.iter().enumerate().map(|(i, slope)| (slope * self.halves[i % a]) as f32));
        if n > self.runner.capacity() {
            cost::memory(&[("rows of trajectories", n), ("hidden", self.width)], 12.0 * (n * self.width) as f64)?;
            self.runner = Runner::new(self.runner.graph().clone(), n);
        }
        Ok(())
    }
}

/// Rows as networks see them.
fn scaled(acting: &Acting, seen: Columns<'_>, out: &mut Vec<f32>) {
    let inputs = acting.inputs();
    out.resize(seen.rows() * inputs, 0.0);
    for d in 0..inputs {
        let column = seen.column(d).iter().enumerate();
        column.for_each(|(row, number)| out[row * inputs + d] = acting.scaling.of(d, *number));
    }
}

impl ReparametrisedPolicy for Taught<Climbing> {
    fn follow(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<()> {
        let (acting, it) = (&mut self.acting, &mut self.teacher);
        let affines = |acting: &Acting| (0..acting.inputs()).map(|d| acting.scaling.affine(d)).collect::<Vec<_>>();
        let before = affines(acting);
        let units = acting.scaling.follow(experience, rng)?;
        let now = affines(acting);
        if before != now {
            rescale(&it.actor.layers, acting.actor_mut(), &before, &now)?;
            it.critic.rescale(&before, &now)?;
        }
        if units == 1.0 { Ok(()) } else { it.critic.convert(units as f32) }
    }

    fn pull(&mut self, seen: Columns<'_>, by_action: &[f64], into: &mut [f64]) -> Result<()> {
        let (acting, it) = (&self.acting, &mut self.teacher);
        it.take(acting, seen, by_action)?;
        let (n, inputs) = (seen.rows(), acting.inputs());
        if into.len() != n * inputs {
            return Err(Error::shape("derivatives by what was seen", &[n, inputs], &[into.len()]));
        }
        let stores = [acting.actor()];
        it.runner.forward(&stores, n, &[Feed::Shared(&it.seen), Feed::Shared(&it.by_action)])?;
        it.runner.pullback(&stores, &it.pullback, &it.by_action)?;
        it.by_seen.resize(n * inputs, 0.0);
        it.runner.read_gradient(it.seen_node, &mut it.by_seen)?;
        for (i, (slot, slope)) in into.iter_mut().zip(&it.by_seen).enumerate() {
            *slot += f64::from(*slope) / acting.scaling.affine(i % inputs)[1];
        }
        Ok(())
    }

    fn climb(&mut self, seen: Columns<'_>, by_action: &[f64]) -> Result<()> {
        let (acting, it) = (&mut self.acting, &mut self.teacher);
        it.take(acting, seen, by_action)?;
        // Of the size of a reward's share, whatever the task's units: what is too large is cut.
        let worth = (1.0 / acting.scaling.reward()) as f32;
        it.by_action.iter_mut().for_each(|slope| *slope *= worth);
        if it.by_action.iter().any(|slope| !slope.is_finite()) {
            let why = "derivatives along its trajectories are not finite: try a smaller horizon".into();
            return Err(Error::Diverged { who: ENTRY.name.into(), why });
        }
        let feeds = [Feed::Shared(&it.seen), Feed::Shared(&it.by_action)];
        it.runner.forward_backward(&[acting.actor()], seen.rows(), &feeds)?;
        acting.learn(&mut it.adam, &it.runner)
    }

    fn judge(
        &mut self,
        seen: Columns<'_>,
        actions: Columns<'_>,
        by_seen: &mut [f64],
        by_action: &mut [f64],
    ) -> Result<f64> {
        let (acting, it) = (&self.acting, &mut self.teacher);
        scaled(acting, seen, &mut it.seen);
        it.critic.slopes(acting, &it.seen, actions, (by_seen, by_action))
    }

    fn regress(&mut self, experience: &dyn Experience, rng: &mut Rng) -> Result<f64> {
        self.teacher.critic.regress(&self.acting, experience, rng)
    }
}

impl Teacher for Climbing {
    fn save(&self, state: &mut State) {
        state.put_all(ADAM, self.adam.save());
        self.critic.save(state);
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.adam.restore(&state.part(ADAM))?;
        self.critic.restore(state)
    }
}
