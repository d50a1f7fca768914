//! The loss of a value-equivalent model over unrolled windows, and its updates.

use worldwright_core::{ActionHead, Experience, Metrics, Result, Rng, Sample, StepColumn};
use worldwright_nn::{Feed, Graph, Node, Runner, Starts, Store};

use super::cell::{BINS, MuzeroCell};
use super::targets::{Due, Played, Returns};
use super::{ROOT_VALUE, SEARCH_POLICY};
use crate::latent::loss::{Filled, Loss, keep_starts, scale, write_singles};
use crate::latent::trunk::Sizes;
use crate::latent::{Learned, windows};

/// What a learner is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    /// B, windows of an update.
    pub(super) batch: usize,
    /// The last rows that windows begin in.
    pub(super) recent: u64,
    /// K, steps that are unrolled.
    pub(super) unroll: usize,
    /// n, rewards of a return.
    pub(super) return_steps: usize,
    /// Whether returns go on by the values that were searched, where there are any.
    pub(super) searched: bool,
    /// How far the slow copy comes nearer with each update.
    pub(super) follow: f32,
    /// Weight of the distance to the latents of what was seen.
    pub(super) consistency: f32,
    /// Updates of a fit to a whole data set.
    pub(super) updates: usize,
}

/// The graph of the loss with everything that is fed to it.
pub(crate) struct Unrolled {
    loss: Loss<5>,
    /// Values by the slow copy.
    judge: Runner,
    judged: Node,
    /// Latents of what was seen, `[K + 1]` rows.
    latents: Node,
    sizes: Sizes,
    schedule: Schedule,
    returns: Returns,
    sample: Sample,
    flat: Vec<f64>,
    feeds: Feeds,
    /// `[B][K + 1]`: returns that wait for the values of their ends, none where there is nothing to learn.
    due: Vec<Option<Due>>,
    values: Vec<f32>,
    seen: Vec<f32>,
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
    /// `[B][K + 1]`
    values: Vec<f32>,
    /// `[B][K + 1][A]`
    policies: Vec<f32>,
    /// Weights of rewards and ends `[B][K]`.
    paid: Vec<f32>,
    /// Weights of values `[B][K + 1]`.
    valued: Vec<f32>,
    /// Weights of policies `[B][K + 1]`.
    searched: Vec<f32>,
    /// Weights of latents `[B][K]`.
    shown: Vec<f32>,
    /// What is seen where returns end `[B][K + 1][O]`.
    ends: Vec<f32>,
    /// What of each window is unrolled `[B]`.
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
            values: vec![0.0; rows],
            policies: vec![0.0; rows * sizes.actions],
            paid: vec![0.0; steps],
            valued: vec![0.0; rows],
            searched: vec![0.0; rows],
            shown: vec![0.0; steps],
            ends: vec![0.0; rows * sizes.observation],
            windows: vec![Filled::default(); batch],
        }
    }

    fn clear(&mut self) {
        let parts = [
            &mut self.observations,
            &mut self.actions,
            &mut self.rewards,
            &mut self.continues,
            &mut self.values,
            &mut self.policies,
            &mut self.paid,
            &mut self.valued,
            &mut self.searched,
            &mut self.shown,
            &mut self.ends,
        ];
        parts.into_iter().for_each(|part| part.fill(0.0));
    }
}

/// Where a column of this name and width begins among those kept beside each step.
fn column(columns: &[StepColumn], name: &str, width: usize) -> Option<usize> {
    let at = columns.iter().position(|column| column.name == name && column.width == width)?;
    Some(columns[..at].iter().map(|column| column.width).sum())
}

impl Unrolled {
    /// Records the loss of [`muzero`](super) over K steps.
    pub(super) fn new(cell: &MuzeroCell, learned: &Learned, schedule: Schedule, discount: f64) -> Result<Self> {
        let (trunk, unroll) = (&cell.trunk, schedule.unroll);
        let sizes = trunk.sizes;
        let mut graph = Graph::new(1);
        let g = &mut graph;
        g.learn(&learned.store);
        let observations = g.input_rows(unroll + 1, sizes.observation);
        let actions = g.input_rows(unroll, sizes.actions);
        let [rewards, continues] = [0; 2].map(|_| g.input_rows(unroll, 1));
        let values = g.input_rows(unroll + 1, 1);
        let policies = g.input_rows(unroll + 1, sizes.actions);
        let paid = g.input_rows(unroll, 1);
        let [valued, searched] = [0; 2].map(|_| g.input_rows(unroll + 1, 1));
        let shown = g.input_rows(unroll, 1);

        let latents = trunk.represent(g, observations)?;
        let (mut imagined, mut steps) = (vec![g.step(latents, 0)?], Vec::new());
        for t in 0..unroll {
            let action = g.step(actions, t)?;
            let (next, step) = trunk.advance(g, imagined[t], action)?;
            imagined.push(next);
            steps.push(step);
        }
        let (imagined, steps) = (g.stack(&imagined)?, g.stack(&steps)?);
        let (reward, goes_on) = trunk.paid(g, steps)?;
        let (policy, value) = cell.predict(g, imagined)?;

        let target = g.two_hot(values, BINS)?;
        let value = g.cross_entropy(value, target, BINS.count)?;
        let policy = g.cross_entropy(policy, policies, sizes.actions)?;
        let target = g.two_hot(rewards, BINS)?;
        let reward = g.cross_entropy(reward, target, BINS.count)?;
        let end = g.binary_cross_entropy(goes_on, continues)?;
        let target = g.steps(latents, 1, unroll)?;
        let target = g.detach(target)?;
        let moved = g.steps(imagined, 1, unroll)?;
        let distance = g.square_error(moved, target)?;
        let terms = [
            ("value_loss", g.minimise_weighted(value, valued, 1.0)?),
            ("policy_loss", g.minimise_weighted(policy, searched, 1.0)?),
            ("reward_loss", g.minimise_weighted(reward, paid, 1.0)?),
            ("continuation_loss", g.minimise_weighted(end, paid, 1.0)?),
            // A sum over dimensions, of which an objective is the mean.
            ("consistency_loss", g.minimise_weighted(distance, shown, schedule.consistency * sizes.latent as f32)?),
        ];

        let mut judge = Graph::new(1);
        judge.freeze(learned.judge());
        let ends = judge.input_rows(unroll + 1, sizes.observation);
        let latent = trunk.represent(&mut judge, ends)?;
        let (_, logits) = cell.predict(&mut judge, latent)?;
        let judged = judge.two_hot_mean(logits, BINS)?;
        let rows = schedule.batch * (unroll + 1);
        Ok(Self {
            loss: Loss::new(graph, terms, schedule.batch),
            judge: Runner::new(judge, schedule.batch),
            judged,
            latents,
            sizes,
            schedule,
            returns: Returns { steps: schedule.return_steps, discount },
            sample: Sample::default(),
            flat: Vec::new(),
            feeds: Feeds::new(&sizes, &schedule),
            due: vec![None; rows],
            values: vec![0.0; rows],
            seen: vec![0.0; rows * sizes.latent],
        })
    }

    /// Fills the feeds with windows of experience.
    pub(super) fn gather(&mut self, head: &ActionHead, experience: &dyn Experience, rng: &mut Rng) -> Result<()> {
        let actions = self.sizes.actions;
        let policy = column(experience.columns(), SEARCH_POLICY, actions);
        let root = column(experience.columns(), ROOT_VALUE, 1).filter(|_| self.schedule.searched);
        // One transition more than returns reach, whose root is searched.
        let most = self.schedule.unroll + self.schedule.return_steps + 1;
        self.feeds.clear();
        for b in 0..self.schedule.batch {
            let window = windows::ahead(experience, most, self.schedule.recent, rng)?;
            self.sample.begin(window.length);
            experience.gather(window.first, window.length, 1.0, &mut self.sample);
            self.write(b, (policy, root), head, rng)?;
        }
        let feeds = &mut self.feeds;
        [&mut feeds.paid, &mut feeds.valued, &mut feeds.searched, &mut feeds.shown].into_iter().for_each(|weights| {
            scale(weights);
        });
        Ok(())
    }

    /// Writes the window of the sample as window `b` of the batch; `columns` are where policies and root values begin.
    fn write(
        &mut self,
        b: usize,
        columns: (Option<usize>, Option<usize>),
        head: &ActionHead,
        rng: &mut Rng,
    ) -> Result<()> {
        let (o, a, unroll) = (self.sizes.observation, self.sizes.actions, self.schedule.unroll);
        let Self { feeds, sample, flat, returns, due, .. } = self;
        let (length, width) = (sample.length, sample.actions.len() / sample.length);
        let kept = sample.columns.len() / length;
        let ended = sample.terminated[length - 1];
        let played = Played { rewards: &sample.rewards, terminated: ended };
        let policy = |t: usize| {
            let numbers = columns.0.map(|at| &sample.columns[t * kept + at..][..a]);
            // All zero where nothing was searched.
            (numbers, numbers.is_none_or(|numbers| numbers.iter().any(|share| *share > 0.0)))
        };
        flat.resize(o.max(width), 0.0);
        feeds.windows[b] = Filled { length: length.min(unroll), ended: ended && length <= unroll };
        for k in 0..=unroll {
            let row = b * (unroll + 1) + k;
            if k <= length {
                sample.observations.copy_to(k * o, &mut flat[..o]);
                write_singles(&flat[..o], &mut feeds.observations[row * o..][..o]);
            }
            let end = returns.end(k.min(length), length);
            sample.observations.copy_to(end * o, &mut flat[..o]);
            write_singles(&flat[..o], &mut feeds.ends[row * o..][..o]);
            let known = columns.1.filter(|_| end < length && policy(end).1);
            due[row] = returns.due(played, k).map(|due| match known.map(|at| sample.columns[end * kept + at]) {
                Some(value) => Due { earned: due.with(value), factor: 0.0 },
                None => due,
            });
            feeds.valued[row] = f32::from(u8::from(due[row].is_some()));
            if k < length {
                let to = &mut feeds.policies[row * a..][..a];
                match policy(k) {
                    (Some(shares), searched) => {
                        write_singles(shares, to);
                        feeds.searched[row] = f32::from(u8::from(searched));
                    }
                    (None, _) => {
                        sample.actions.copy_to(k * width, &mut flat[..width]);
                        head.write_network(&flat[..width], to)?;
                        feeds.searched[row] = 1.0;
                    }
                }
            }
        }
        for k in 0..unroll {
            let row = b * unroll + k;
            let to = &mut feeds.actions[row * a..][..a];
            if k < length {
                sample.actions.copy_to(k * width, &mut flat[..width]);
                head.write_network(&flat[..width], to)?;
                feeds.rewards[row] = sample.rewards[k] as f32;
                feeds.continues[row] = f32::from(u8::from(!sample.terminated[k]));
                feeds.shown[row] = 1.0;
            } else {
                // Whatever is done after an end earns nothing.
                head.write_choice(rng.below(a as u64) as usize, to)?;
            }
            feeds.paid[row] = f32::from(u8::from(k < length || ended));
        }
        Ok(())
    }

    /// One update from what was gathered.
    pub(super) fn learn(&mut self, learned: &mut Learned, starts: &mut Starts) -> Result<Metrics> {
        self.value_returns(learned.judge())?;
        self.pass(&learned.store)?;
        let told = self.loss.learn(learned)?;
        self.loss.runner.read(self.latents, &mut self.seen)?;
        keep_starts(starts, &[(&self.seen, self.sizes.latent)], self.schedule.unroll, &self.feeds.windows);
        Ok(told)
    }

    /// Adds to returns what their ends are worth.
    fn value_returns(&mut self, slow: &Store) -> Result<()> {
        self.judge.forward(&[slow], self.schedule.batch, &[Feed::Shared(&self.feeds.ends)])?;
        self.judge.read(self.judged, &mut self.values)?;
        for ((slot, due), value) in self.feeds.values.iter_mut().zip(&self.due).zip(&self.values) {
            *slot = due.map_or(0.0, |due| due.with(f64::from(*value))) as f32;
        }
        Ok(())
    }

    fn pass(&mut self, store: &Store) -> Result<()> {
        let f = &self.feeds;
        let feeds = [
            &f.observations,
            &f.actions,
            &f.rewards,
            &f.continues,
            &f.values,
            &f.policies,
            &f.paid,
            &f.valued,
            &f.searched,
            &f.shown,
        ];
        self.loss.pass(&[store], feeds)
    }
}

#[cfg(test)]
mod tests;
