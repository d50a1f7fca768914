//! Fitted Q evaluation: what a policy would earn, learned from transitions that others recorded.
//!
//! With τ steps left the value of an action, and the policy's own doing from then on, is
//!
//! ```text
//! Q(s, a, τ) = E[r + γ (1 − d) Q(s', π(s'), τ − 1)],   Q(·, ·, 0) = 0
//! ```
//!
//! (Le, Voloshin and Yue, "Batch Policy Learning under Constraints", ICML 2019, algorithm 3). A network sees observation, action and τ / H; it says
//! `Q / h(τ)` with `h(τ) = Σ_{t < τ} γ^t`, the mean reward of a step, which is of one size for every τ. Every transition teaches every τ, so that an episode's
//! time limit needs no guess of what would have come behind it. M networks side by side each learn from episodes drawn with replacement, and their spread
//! is that of the estimate (Hao et al., "Bootstrapping Fitted Q-Evaluation for Off-Policy Inference", ICML 2021).
//!
//! Unlike the papers, the fits of the iterations are not carried to their ends: slow targets follow the networks.

use worldwright_core::{ActionHead, Call, Dataset, Error, Interrupt, Key, Result, Rng, Space, cost};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Node, Predictor, Runner, Scratch, Store, Unary,
};

use crate::scaling::Scaling;

/// How a policy is evaluated.
#[derive(Debug, Clone)]
pub struct FittedQConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// M: networks side by side.
    pub members: usize,
    /// Transitions an update and network.
    pub batch: usize,
    /// Updates.
    pub updates: usize,
    /// Step size.
    pub learning_rate: f64,
    /// Share by which slow networks move towards the others at each update.
    pub target_rate: f64,
    /// H: steps that the policy acts for.
    pub horizon: usize,
    /// What a reward one step later is worth.
    pub discount: f64,
    /// What all randomness comes from.
    pub seed: u64,
}

impl FittedQConfig {
    /// What serves for worlds of a few dimensions.
    pub fn new(horizon: usize, discount: f64, seed: u64) -> Self {
        Self {
            hidden: vec![64, 64],
            members: 8,
            batch: 128,
            updates: 3000,
            learning_rate: 1e-3,
            target_rate: 0.05,
            horizon,
            discount,
            seed,
        }
    }
}

/// The values of a policy, learned.
pub struct FittedQ {
    head: ActionHead,
    scaling: Scaling,
    predictor: Predictor,
    scratch: Scratch,
    /// `h(H)` in units of the reward.
    worth: f64,
    /// How often each network drew each episode `[M][episodes]`.
    drawn: Vec<Vec<u32>>,
}

/// The number of each transition's episode: one begins wherever a transition does not follow the one before it.
pub fn episode_numbers(recorded: &Dataset) -> Vec<usize> {
    let mut episode = 0;
    (0..recorded.len())
        .map(|i| {
            episode += usize::from(i > 0 && !recorded.follows(i));
            episode
        })
        .collect()
}

/// Transitions as networks are told them, once for all.
struct Table {
    /// `[n][O]`, `[n][C]`, `[n]`, `[n]`, `[n][O]`, `[n][C]`: observations, actions, rewards, whether the task went on, next observations, and what the policy
    /// does there.
    columns: [Vec<f32>; 6],
}

impl Table {
    fn new(recorded: &Dataset, next_actions: &[f64], head: &ActionHead, scaling: &Scaling) -> Result<Self> {
        let (n, o, a, c) = (recorded.len(), recorded.observation_dim(), recorded.action_dim(), head.columns());
        let mut columns = [o, c, 1, 1, o, c].map(|width| vec![0.0; n * width]);
        let unit = scaling.reward();
        for i in 0..n {
            for d in 0..o {
                columns[0][i * o + d] = scaling.of(d, recorded.observation(i)[d]);
                columns[4][i * o + d] = scaling.of(d, recorded.next_observation(i)[d]);
            }
            head.write_network(recorded.action(i), &mut columns[1][i * c..(i + 1) * c])?;
            head.write_network(&next_actions[i * a..(i + 1) * a], &mut columns[5][i * c..(i + 1) * c])?;
            columns[2][i] = (recorded.rewards()[i] / unit) as f32;
            columns[3][i] = f32::from(u8::from(!recorded.terminated()[i]));
        }
        Ok(Self { columns })
    }
}

/// `Σ_{t < steps} γ^t`.
fn discounted_steps(steps: usize, discount: f64) -> f64 {
    if discount < 1.0 { (1.0 - discount.powi(steps as i32)) / (1.0 - discount) } else { steps as f64 }
}

impl FittedQ {
    /// Learns what a policy earns. `next_actions` are its flat actions `[n][A]` where the recorded transitions led.
    ///
    /// # Errors
    /// [`Error::Config`] without a transition, [`Error::Shape`] for other actions than there are transitions, [`Error::Unsupported`] for actions without
    /// bounds, [`Error::Diverged`] where its loss is no number any more, [`Error::Interrupted`].
    pub fn fit(
        recorded: &Dataset,
        next_actions: &[f64],
        action_space: &Space,
        config: &FittedQConfig,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let (n, members, batch, horizon) = (recorded.len(), config.members, config.batch, config.horizon.max(1));
        if n == 0 {
            return Err(Error::config("data", "holds no transition to learn from"));
        }
        if next_actions.len() != n * recorded.action_dim() {
            return Err(Error::shape("actions of the policy", &[n, recorded.action_dim()], &[next_actions.len()]));
        }
        let head = ActionHead::new("fitted Q evaluation", action_space)?;
        let (o, c) = (recorded.observation_dim(), head.columns());
        cost::memory(&[("transitions", n)], 4.0 * n as f64 * (2 * o + 2 * c + 2) as f64)?;
        let mut rng = Key::new(config.seed).fold(0xf9e).rng();
        let mut scaling = Scaling::identity(o);
        scaling.follow(recorded, &mut rng)?;
        let table = Table::new(recorded, next_actions, &head, &scaling)?;
        let (members_drawn, drawn) = draw_episodes(recorded, members, &mut rng);
        let mut store = Store::new(members);
        let mlp = MlpConfig {
            inputs: o + c + 1,
            hidden: config.hidden.clone(),
            outputs: 1,
            activation: Activation::Silu,
            ..MlpConfig::default()
        };
        let layers = Mlp::new(&mut store, "value", &mlp, &mut rng);
        let mut target = store.twin();
        let mut runner = Runner::new(regression(&layers, (o, c), members, [&store, &target])?, batch);
        let adam = AdamConfig { learning_rate: config.learning_rate as f32, ..AdamConfig::default() };
        let mut adam = Adam::new(&store, adam);
        let mut index = vec![0u32; members * batch];
        let mut times = [0; 4].map(|_| vec![0.0f32; members * batch]);
        for update in 0..config.updates {
            interrupt.check("fitted Q evaluation")?;
            interrupt.count(Call::Gradient, 1);
            for place in 0..members * batch {
                let of_member = &members_drawn[place / batch];
                index[place] = of_member[rng.below(of_member.len() as u64) as usize];
                let left = 1 + rng.below(horizon as u64) as usize;
                let whole = discounted_steps(left, config.discount);
                times[0][place] = (left as f64 / horizon as f64) as f32;
                times[1][place] = ((left - 1) as f64 / horizon as f64) as f32;
                times[2][place] = (1.0 / whole) as f32;
                times[3][place] = (config.discount * discounted_steps(left - 1, config.discount) / whole) as f32;
            }
            let gathered = |column: usize| Feed::Gather { table: &table.columns[column], index: &index };
            let given = |time: usize| Feed::Members(&times[time]);
            let feeds = [
                gathered(0),
                gathered(1),
                given(0),
                gathered(4),
                gathered(5),
                given(1),
                gathered(2),
                gathered(3),
                given(2),
                given(3),
            ];
            runner.forward_backward(&[&store, &target], batch, &feeds)?;
            adam.step(&mut store, &runner)?;
            target.follow(&store, config.target_rate as f32)?;
            if let Some(member) = (0..members).find(|member| !runner.loss(*member).is_finite()) {
                let why = format!("the loss of network {member} is no number after {update} updates");
                return Err(Error::Diverged { who: "fitted Q evaluation".into(), why });
            }
        }
        let mut g = Graph::new(members);
        g.freeze(&store);
        let [seen, action, left] = [o, c, 1].map(|columns| g.input(columns));
        let value = say(&mut g, &layers, [seen, action, left])?;
        let predictor = Predictor::new(&g, &[&store], &[value])?;
        let worth = scaling.reward() * discounted_steps(horizon, config.discount);
        Ok(Self { head, scratch: predictor.scratch(), predictor, worth, scaling, drawn })
    }

    /// How often each network drew each episode `[M][episodes]`: what it holds of starts is meant for those.
    pub fn drawn(&self) -> &[Vec<u32>] {
        &self.drawn
    }

    /// What each network holds of flat actions `[rows][A]` where `[rows][O]` is seen, with all H steps to come: `[M][rows]` in units of the reward.
    ///
    /// # Errors
    /// [`Error::Shape`] for numbers that are no rows, and as for [`ActionHead::write_network`].
    pub fn values(&mut self, observations: &[f64], actions: &[f64]) -> Result<Vec<f64>> {
        let (o, a, c) = (self.scaling.inputs(), self.head.width(), self.head.columns());
        let rows = observations.len() / o.max(1);
        if rows * o != observations.len() || rows * a != actions.len() {
            return Err(Error::shape(
                "observations and actions",
                &[rows * o, rows * a],
                &[observations.len(), actions.len()],
            ));
        }
        let seen: Vec<f32> =
            observations.iter().enumerate().map(|(at, number)| self.scaling.of(at % o, *number)).collect();
        let mut done = vec![0.0; rows * c];
        for row in 0..rows {
            self.head.write_network(&actions[row * a..(row + 1) * a], &mut done[row * c..(row + 1) * c])?;
        }
        let (left, mut said) = (vec![1.0; rows], vec![0.0; rows]);
        let mut values = Vec::with_capacity(self.predictor.members() * rows);
        for member in 0..self.predictor.members() {
            let inputs: [&[f32]; 3] = [&seen, &done, &left];
            self.predictor.predict_member(member, &inputs, &mut [&mut said], &mut self.scratch)?;
            values.extend(said.iter().map(|mean| f64::from(*mean) * self.worth));
        }
        Ok(values)
    }
}

/// Mean reward of a step: of what is seen and done with a share of all steps left.
fn say(g: &mut Graph, layers: &Mlp, [seen, action, left]: [Node; 3]) -> Result<Node> {
    let seen = g.unary(seen, Unary::Symlog)?;
    let x = g.concat(&[seen, action, left])?;
    layers.record(g, x)
}

/// The regression. Inputs: observations, actions, shares of steps left, next observations, actions there, shares left then, rewards, whether the task went
/// on, and the factors on reward and future.
fn regression(layers: &Mlp, (o, c): (usize, usize), members: usize, [store, target]: [&Store; 2]) -> Result<Graph> {
    let mut g = Graph::new(members);
    let now = [o, c, 1].map(|columns| g.input(columns));
    let then = [o, c, 1].map(|columns| g.input(columns));
    let [reward, alive, of_reward, of_future] = [1; 4].map(|columns| g.input(columns));
    g.freeze(target);
    let ahead = say(&mut g, layers, then)?;
    let ahead = g.mul(ahead, alive)?;
    let ahead = g.mul(ahead, of_future)?;
    let paid = g.mul(reward, of_reward)?;
    let goal = g.add(paid, ahead)?;
    g.learn(store);
    let held = say(&mut g, layers, now)?;
    let error = g.square_error(held, goal)?;
    g.minimise(error, 1.0)?;
    Ok(g)
}

/// The transitions of each network, of episodes drawn with replacement, and how often each episode was drawn. The first network takes all of them once.
fn draw_episodes(recorded: &Dataset, members: usize, rng: &mut Rng) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let numbers = episode_numbers(recorded);
    let episodes = numbers.last().map_or(0, |last| last + 1);
    let mut transitions = vec![Vec::new(); episodes];
    numbers.iter().enumerate().for_each(|(i, episode)| transitions[*episode].push(i as u32));
    let draw = |member: usize| {
        let mut often = vec![u32::from(member == 0); episodes];
        if member > 0 {
            (0..episodes).for_each(|_| often[rng.below(episodes as u64) as usize] += 1);
        }
        let all = often.iter().zip(&transitions);
        (all.flat_map(|(count, of)| of.repeat(*count as usize)).collect(), often)
    };
    (0..members).map(draw).unzip()
}
