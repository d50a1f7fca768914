//! The loss of a recurrent state-space model over sequences, and its updates.

use worldwright_core::{ActionHead, Experience, Metrics, Result, Rng, Sample};
use worldwright_nn::{Cell, Graph, KlBalance, Latent, Node, Starts, Store, Unary};

use super::cell::{BINS, RssmCell};
use crate::latent::loss::{Filled, Loss, keep_starts, scale, write_singles};
use crate::latent::{Learned, windows};

/// What a learner is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    /// B, sequences of an update.
    pub(super) batch: usize,
    /// L, the most transitions of each.
    pub(super) length: usize,
    /// Updates of a fit to a whole data set.
    pub(super) updates: usize,
    pub(super) free_nats: f32,
}

/// The graph of the loss with everything that is fed to it.
pub(crate) struct Unrolled {
    loss: Loss<4>,
    /// `h` and `z` of every step, `[L + 1]` rows.
    latent: [Node; 2],
    schedule: Schedule,
    sample: Sample,
    flat: Vec<f64>,
    feeds: Feeds,
    latents: [Vec<f32>; 2],
}

/// What the inputs are fed with, `[B][rows][columns]` each. Steps beyond a window's end have weight zero.
struct Feeds {
    /// `[B][L + 1][O]`
    observations: Vec<f32>,
    /// `[B][L][A]`
    actions: Vec<f32>,
    /// `[B][L]`
    rewards: Vec<f32>,
    /// `[B][L]`
    continues: Vec<f32>,
    /// `[B][L + 1]`
    seen: Vec<f32>,
    /// `[B][L]`
    taken: Vec<f32>,
    /// `[B][L + 1][noise]`
    noise: Vec<f32>,
    /// `[B]`
    windows: Vec<Filled>,
}

impl Feeds {
    fn new(cell: &RssmCell, schedule: &Schedule) -> Self {
        let (batch, steps) = (schedule.batch, schedule.batch * schedule.length);
        let rows = steps + batch;
        Self {
            observations: vec![0.0; rows * cell.sizes.observation],
            actions: vec![0.0; steps * cell.sizes.action],
            rewards: vec![0.0; steps],
            continues: vec![0.0; steps],
            seen: vec![0.0; rows],
            taken: vec![0.0; steps],
            noise: vec![0.0; rows * cell.noise()],
            windows: vec![Filled::default(); batch],
        }
    }
}

impl Unrolled {
    /// Records the loss of [`rssm`](super) for sequences of L transitions.
    pub(super) fn new(cell: &RssmCell, store: &Store, schedule: Schedule) -> Result<Self> {
        let (sizes, length) = (cell.sizes, schedule.length);
        let mut graph = Graph::new(1);
        let g = &mut graph;
        g.learn(store);
        let observations = g.input_rows(length + 1, sizes.observation);
        let actions = g.input_rows(length, sizes.action);
        let [rewards, continues] = [0; 2].map(|_| g.input_rows(length, 1));
        let seen = g.input_rows(length + 1, 1);
        let taken = g.input_rows(length, 1);
        let noise = g.input_rows(length + 1, cell.noise());

        let embedded = cell.embed(g, observations)?;
        let mut latent = cell.begin(g, 1)?;
        let (mut hs, mut zs, mut posteriors) = (Vec::new(), Vec::new(), Vec::new());
        for t in 0..=length {
            if t > 0 {
                let action = g.step(actions, t - 1)?;
                latent.parts[0] = cell.advance(g, &latent, action)?;
            }
            let (embedded, noise) = (g.step(embedded, t)?, g.step(noise, t)?);
            let logits = cell.posterior(g, latent.parts[0], embedded)?;
            latent.parts[1] = cell.draw_from(g, logits, noise)?;
            hs.push(latent.parts[0]);
            zs.push(latent.parts[1]);
            posteriors.push(logits);
        }
        let (h, z, posterior) = (g.stack(&hs)?, g.stack(&zs)?, g.stack(&posteriors)?);
        let feature = Latent { parts: vec![h, z] }.feature(g)?;

        let truth = g.unary(observations, Unary::Symlog)?;
        let decoded = cell.decode(g, feature)?;
        let error = g.square_error(decoded, truth)?;
        // What a step led to is asked of the feature after it.
        let after = g.steps(feature, 1, length)?;
        let logits = cell.reward(g, after)?;
        let target = g.two_hot(rewards, BINS)?;
        let reward = g.cross_entropy(logits, target, BINS.count)?;
        let logit = cell.continues(g, after)?;
        let end = g.binary_cross_entropy(logit, continues)?;
        let moved = g.steps(h, 1, length)?;
        let prior = cell.prior(g, moved)?;
        let posterior = g.steps(posterior, 1, length)?;
        let balance = KlBalance { free_nats: schedule.free_nats, ..KlBalance::default() };
        let divergence = cell.divergence(g, posterior, prior, balance)?;
        let terms = [
            // A sum over dimensions, of which an objective is the mean.
            ("observation_loss", g.minimise_weighted(error, seen, sizes.observation as f32)?),
            ("reward_loss", g.minimise_weighted(reward, taken, 1.0)?),
            ("continuation_loss", g.minimise_weighted(end, taken, 1.0)?),
            ("divergence_loss", g.minimise_weighted(divergence, taken, 1.0)?),
        ];
        let rows = schedule.batch * (length + 1);
        Ok(Self {
            loss: Loss::new(graph, terms, schedule.batch),
            latent: [h, z],
            schedule,
            sample: Sample::default(),
            flat: Vec::new(),
            feeds: Feeds::new(cell, &schedule),
            latents: [vec![0.0; rows * sizes.recurrent], vec![0.0; rows * sizes.drawn()]],
        })
    }

    /// One update from what was gathered.
    pub(super) fn learn(
        &mut self,
        cell: &RssmCell,
        (learned, starts): (&mut Learned, &mut Starts),
        rng: &mut Rng,
    ) -> Result<Metrics> {
        cell.draw(rng, &mut self.feeds.noise);
        let Feeds { observations, actions, rewards, continues, seen, taken, noise, windows } = &self.feeds;
        self.loss.pass(&[&learned.store], [observations, actions, rewards, continues, seen, taken, noise])?;
        let told = self.loss.learn(learned)?;
        for (node, latents) in self.latent.iter().zip(&mut self.latents) {
            self.loss.runner.read(*node, latents)?;
        }
        let [h, z] = &self.latents;
        keep_starts(starts, &[(h, cell.sizes.recurrent), (z, cell.sizes.drawn())], self.schedule.length, windows);
        Ok(told)
    }

    /// Fills the feeds with windows of experience.
    pub(super) fn gather(
        &mut self,
        cell: &RssmCell,
        head: &ActionHead,
        experience: &dyn Experience,
        rng: &mut Rng,
    ) -> Result<()> {
        let (o, a) = (cell.sizes.observation, cell.sizes.action);
        let (most, width) = (self.schedule.length, experience.action_dim());
        let (feeds, sample) = (&mut self.feeds, &mut self.sample);
        self.flat.resize(o.max(width), 0.0);
        for b in 0..self.schedule.batch {
            let window = windows::draw(experience, most, rng)?;
            sample.begin(window.length);
            experience.gather(window.first, window.length, 1.0, sample);
            feeds.windows[b] = Filled { length: window.length, ended: sample.terminated[window.length - 1] };
            for t in 0..=most {
                let (row, within) = (b * (most + 1) + t, t <= window.length);
                feeds.seen[row] = f32::from(u8::from(within));
                let to = &mut feeds.observations[row * o..(row + 1) * o];
                if within {
                    sample.observations.copy_to(t * o, &mut self.flat[..o]);
                    write_singles(&self.flat[..o], to);
                } else {
                    to.fill(0.0);
                }
            }
            for t in 0..most {
                let (row, within) = (b * most + t, t < window.length);
                feeds.taken[row] = f32::from(u8::from(within));
                let to = &mut feeds.actions[row * a..(row + 1) * a];
                if within {
                    sample.actions.copy_to(t * width, &mut self.flat[..width]);
                    head.write_network(&self.flat[..width], to)?;
                    feeds.rewards[row] = sample.rewards[t] as f32;
                    feeds.continues[row] = f32::from(u8::from(!sample.terminated[t]));
                } else {
                    to.fill(0.0);
                    (feeds.rewards[row], feeds.continues[row]) = (0.0, 0.0);
                }
            }
        }
        scale(&mut feeds.seen);
        scale(&mut feeds.taken);
        Ok(())
    }
}
