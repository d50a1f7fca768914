//! The loss of a model with values and a policy of its own over unrolled windows, and its updates.

use worldwright_core::{ActionHead, Experience, Metrics, Result, Rng, Sample};
use worldwright_nn::{Activation, Graph, Node, Starts};

use super::cell::{BINS, Tdmpc2Cell};
use crate::latent::loss::{Filled, Loss, keep_starts, scale, write_singles};
use crate::latent::trunk::Sizes;
use crate::latent::{Learned, windows};

/// How far the estimate of how values spread comes nearer with each update.
const SPREAD_RATE: f64 = 0.01;
/// The percentiles that it lies between.
const PERCENTILES: [f64; 2] = [0.05, 0.95];

/// What a learner is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    /// B, windows of an update.
    pub(super) batch: usize,
    /// K, steps that are unrolled.
    pub(super) unroll: usize,
    /// D, steps that are imagined before a value closes a target.
    pub(super) foresight: usize,
    /// ρ.
    pub(super) decay: f32,
    /// β.
    pub(super) consistency: f32,
    /// w.
    pub(super) judgement: f32,
    /// η.
    pub(super) entropy: f32,
    /// How far the slow copy comes nearer with each update.
    pub(super) follow: f32,
    /// Updates of a fit to a whole data set.
    pub(super) updates: usize,
    /// γ.
    pub(super) discount: f32,
}

/// The graph of the loss with everything that is fed to it.
pub(crate) struct Unrolled {
    loss: Loss<5>,
    /// Latents of what was seen by the slow copy, `[K + 1]` rows.
    latents: Node,
    /// What the policy's actions are worth, `[K + 1]` rows.
    worth: Node,
    sizes: Sizes,
    schedule: Schedule,
    sample: Sample,
    flat: Vec<f64>,
    feeds: Feeds,
    seen: Vec<f32>,
    worths: Vec<f32>,
    ranked: Vec<f32>,
}

/// What the inputs are fed with, `[B][rows][columns]` each. Rows that have weight zero count for nothing.
struct Feeds {
    /// `[B][K + 1][O]`
    observations: Vec<f32>,
    /// `[B][K][A]`
    actions: Vec<f32>,
    /// `[B][K]`
    rewards: Vec<f32>,
    /// `[B][K]`
    continues: Vec<f32>,
    /// Weights of steps `[B][K]`.
    taken: Vec<f32>,
    /// Weights of states `[B][K + 1]`.
    valued: Vec<f32>,
    /// Noise of what the policy does next `[B][K][(D + 1) A]`, and of what it does here `[B][K + 1][A]`.
    next: Vec<f32>,
    here: Vec<f32>,
    /// 1 / S `[B]`.
    inverse: Vec<f32>,
    windows: Vec<Filled>,
}

impl Feeds {
    fn new(sizes: &Sizes, schedule: &Schedule) -> Self {
        let (batch, steps) = (schedule.batch, schedule.batch * schedule.unroll);
        let rows = steps + batch;
        Self {
            observations: vec![0.0; rows * sizes.observation],
            actions: vec![0.0; steps * sizes.actions],
            rewards: vec![0.0; steps],
            continues: vec![0.0; steps],
            taken: vec![0.0; steps],
            valued: vec![0.0; rows],
            next: vec![0.0; steps * (schedule.foresight + 1) * sizes.actions],
            here: vec![0.0; rows * sizes.actions],
            inverse: vec![1.0; batch],
            windows: vec![Filled::default(); batch],
        }
    }
}

/// What is to come from latents on, in one column: what the policy earns in D imagined steps, and then what the slow critics think in the mean.
///
/// A target of one step sees as far as the slow copy has followed, which are some dozens of steps after thousands of updates; one of D + 1 sees so many times as far. The steps are the policy's
/// own in the model, so that nothing of who recorded the experience is in them.
fn foreseen(
    g: &mut Graph,
    cell: &Tdmpc2Cell,
    (mut latent, noise): (Node, Node),
    (schedule, learned): (&Schedule, &Learned),
) -> Result<Node> {
    let (actions, mut earned) = (cell.trunk.sizes.actions, Vec::new());
    for d in 0..schedule.foresight {
        let (said, noise) = (cell.say(g, latent)?, g.slice(noise, d * actions, actions)?);
        let action = cell.draw(g, said, noise)?;
        let step = cell.trunk.advanced(g, latent, action)?;
        latent = step.latent;
        earned.push([g.two_hot_mean(step.reward, BINS)?, g.activation(step.continues, Activation::Sigmoid)?]);
    }
    let (said, noise) = (cell.say(g, latent)?, g.slice(noise, schedule.foresight * actions, actions)?);
    let done = cell.act(g, said, noise)?;
    g.freeze(learned.judge());
    let value = cell.value(g, latent, done.action)?;
    earned.into_iter().rev().try_fold(value, |future, [reward, goes_on]| {
        let future = g.mul(future, goes_on)?;
        let future = g.affine(future, schedule.discount, 0.0)?;
        g.add(reward, future)
    })
}

impl Unrolled {
    /// Records the loss of [`tdmpc2`](super) over K steps.
    pub(super) fn new(cell: &Tdmpc2Cell, learned: &Learned, schedule: Schedule) -> Result<Self> {
        let (trunk, unroll, critics) = (&cell.trunk, schedule.unroll, cell.critics());
        let sizes = trunk.sizes;
        let mut graph = Graph::new(1);
        let g = &mut graph;
        g.learn(&learned.store);
        let observations = g.input_rows(unroll + 1, sizes.observation);
        let actions = g.input_rows(unroll, sizes.actions);
        let [rewards, continues, taken] = [0; 3].map(|_| g.input_rows(unroll, 1));
        let valued = g.input_rows(unroll + 1, 1);
        let next = g.input_rows(unroll, (schedule.foresight + 1) * sizes.actions);
        let here = g.input_rows(unroll + 1, sizes.actions);
        let inverse = g.input(1);

        let latents = trunk.represent(g, observations)?;
        let (mut imagined, mut steps) = (vec![g.step(latents, 0)?], Vec::new());
        for t in 0..unroll {
            let action = g.step(actions, t)?;
            let (next, step) = trunk.advance(g, imagined[t], action)?;
            imagined.push(next);
            steps.push(step);
        }
        let (imagined, steps) = (g.stack(&imagined)?, g.stack(&steps)?);
        let after = g.steps(latents, 1, unroll)?;
        let after = g.detach(after)?;
        let moved = g.steps(imagined, 1, unroll)?;
        let distance = g.square_error(moved, after)?;
        let (reward, goes_on) = trunk.paid(g, steps)?;
        let target = g.two_hot(rewards, BINS)?;
        let reward = g.cross_entropy(reward, target, BINS.count)?;
        let end = g.binary_cross_entropy(goes_on, continues)?;
        let before = g.steps(imagined, 0, unroll)?;
        // What the critics are to say: nothing of it learns.
        g.freeze(&learned.store);
        let aim = foreseen(g, cell, (after, next), (&schedule, learned))?;
        // `foreseen` leaves the slow copy frozen: what others imagine from are its latents.
        let shown = trunk.represent(g, observations)?;
        let future = g.mul(aim, continues)?;
        let future = g.affine(future, schedule.discount, 0.0)?;
        let aim = g.add(rewards, future)?;
        let aim = g.two_hot(aim, BINS)?;
        g.learn(&learned.store);
        let errors = cell.errors(g, before, actions, aim)?;

        // The policy alone learns from what the critics, as they are, think of it.
        let states = g.detach(imagined)?;
        let said = cell.say(g, states)?;
        let done = cell.act(g, said, here)?;
        g.freeze(&learned.store);
        let worth = cell.value(g, states, done.action)?;
        let inverses = g.repeat(inverse, unroll + 1)?;
        let gain = g.mul(worth, inverses)?;
        let bonus = g.affine(done.entropy, schedule.entropy, 0.0)?;
        let gain = g.add(gain, bonus)?;
        let terms = [
            ("consistency_loss", g.minimise_weighted(distance, taken, schedule.consistency)?),
            ("reward_loss", g.minimise_weighted(reward, taken, schedule.judgement)?),
            ("value_loss", g.minimise_weighted(errors, taken, schedule.judgement / critics as f32)?),
            ("continuation_loss", g.minimise_weighted(end, taken, 1.0)?),
            ("policy_loss", g.minimise_weighted(gain, valued, -1.0)?),
        ];
        let rows = schedule.batch * (unroll + 1);
        Ok(Self {
            loss: Loss::new(graph, terms, schedule.batch),
            latents: shown,
            worth,
            sizes,
            schedule,
            sample: Sample::default(),
            flat: Vec::new(),
            feeds: Feeds::new(&sizes, &schedule),
            seen: vec![0.0; rows * sizes.latent],
            worths: vec![0.0; rows],
            ranked: Vec::with_capacity(rows),
        })
    }

    /// Fills the feeds with windows of experience, and with what is drawn.
    pub(super) fn gather(&mut self, head: &ActionHead, experience: &dyn Experience, rng: &mut Rng) -> Result<()> {
        for b in 0..self.schedule.batch {
            let window = windows::ahead(experience, self.schedule.unroll, u64::MAX, rng)?;
            self.sample.begin(window.length);
            experience.gather(window.first, window.length, 1.0, &mut self.sample);
            self.write(b, head)?;
        }
        let feeds = &mut self.feeds;
        scale(&mut feeds.taken);
        scale(&mut feeds.valued);
        if head.choices() > 0 {
            // Of choices all are counted where a draw is not called for.
            rng.fill_gumbel(&mut feeds.next);
        } else {
            rng.fill_normal(&mut feeds.next);
            rng.fill_normal(&mut feeds.here);
        }
        Ok(())
    }

    /// Writes the window of the sample as window `b` of the batch.
    fn write(&mut self, b: usize, head: &ActionHead) -> Result<()> {
        let (o, a, unroll) = (self.sizes.observation, self.sizes.actions, self.schedule.unroll);
        let Self { feeds, sample, flat, .. } = self;
        let (length, width) = (sample.length, sample.actions.len() / sample.length);
        flat.resize(o.max(width), 0.0);
        feeds.windows[b] = Filled { length, ended: sample.terminated[length - 1] };
        let mut weight = 1.0;
        for k in 0..=unroll {
            let row = b * (unroll + 1) + k;
            let to = &mut feeds.observations[row * o..][..o];
            // A state that ends the task is worth nothing, whatever is done there.
            let alive = k < length || (k == length && !sample.terminated[length - 1]);
            feeds.valued[row] = if alive { weight } else { 0.0 };
            if k <= length {
                sample.observations.copy_to(k * o, &mut flat[..o]);
                write_singles(&flat[..o], to);
            } else {
                to.fill(0.0);
            }
            if k == unroll {
                break;
            }
            let row = b * unroll + k;
            let to = &mut feeds.actions[row * a..][..a];
            if k < length {
                sample.actions.copy_to(k * width, &mut flat[..width]);
                head.write_network(&flat[..width], to)?;
                feeds.rewards[row] = sample.rewards[k] as f32;
                feeds.continues[row] = f32::from(u8::from(!sample.terminated[k]));
                feeds.taken[row] = weight;
            } else {
                to.fill(0.0);
                (feeds.rewards[row], feeds.continues[row], feeds.taken[row]) = (0.0, 0.0, 0.0);
            }
            weight *= self.schedule.decay;
        }
        Ok(())
    }

    /// One update from what was gathered.
    pub(super) fn learn(&mut self, learned: &mut Learned, starts: &mut Starts) -> Result<Metrics> {
        self.feeds.inverse.fill(1.0 / learned.spread().max(1.0) as f32);
        let f = &self.feeds;
        let feeds =
            [&f.observations, &f.actions, &f.rewards, &f.continues, &f.taken, &f.valued, &f.next, &f.here, &f.inverse];
        self.loss.pass(&[&learned.store, learned.judge()], feeds)?;
        let told = self.loss.learn(learned)?;
        self.loss.runner.read(self.latents, &mut self.seen)?;
        self.loss.runner.read(self.worth, &mut self.worths)?;
        if let Some(spread) = self.spread() {
            learned.follow_spread(spread, SPREAD_RATE);
        }
        keep_starts(starts, &[(&self.seen, self.sizes.latent)], self.schedule.unroll, &self.feeds.windows);
        Ok(told)
    }

    /// How far the values of the batch lie apart.
    fn spread(&mut self) -> Option<f64> {
        let counted = self.worths.iter().zip(&self.feeds.valued).filter(|(_, weight)| **weight > 0.0);
        self.ranked.clear();
        self.ranked.extend(counted.map(|(worth, _)| *worth));
        self.ranked.sort_unstable_by(f32::total_cmp);
        let last = self.ranked.len().checked_sub(1)?;
        let [low, high] = PERCENTILES.map(|share| f64::from(self.ranked[(share * last as f64).round() as usize]));
        Some(high - low)
    }
}
