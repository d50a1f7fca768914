//! A recurrent Q-network: values of actions by all that was seen and done (Hausknecht and Stone, "Deep Recurrent Q-Learning for Partially Observable MDPs", 2015).
//!
//! A gated recurrent unit takes the colour beneath and the last action, and values are linear in its state. It learns from windows of episodes on `y_t = r_t + γ Q̄_{t+1}(argmax Q_{t+1})`
//! with slow values Q̄; the first steps of a window warm its state up and are not learned from.

use worldwright_core::{Result, Rng};
use worldwright_nn::{
    Activation, Adam, AdamConfig, Feed, Graph, GruCell, Linear, Node, Predictor, Runner, Scratch, Store, WeightInit,
};

use super::ring::{ACTIONS, COLOURS, Ring};

/// γ.
const DISCOUNT: f32 = 0.9;
/// Numbers that it sees a step.
pub(super) const SEEN: usize = COLOURS + ACTIONS;
/// Steps of a window, those among them that warm up, and windows of an update.
const WINDOW: usize = 20;
const WARM: usize = 6;
const BATCH: usize = 32;
/// Steps of an episode, and episodes that are kept.
pub(super) const EPISODE: usize = 60;
pub(super) const KEPT: usize = 500;
/// Chance of a random action while it learns.
const DITHER: f64 = 0.2;

/// What happened: colours, actions and rewards; with the cells, for probes alone.
#[derive(Clone, Default)]
pub(super) struct Episode {
    pub(super) cells: Vec<usize>,
    pub(super) actions: Vec<usize>,
    pub(super) rewards: Vec<f64>,
    /// `[step][state]`: what the network had in its state when it acted, and what an untrained one would have had.
    pub(super) states: Vec<Vec<f64>>,
    pub(super) untrained: Vec<Vec<f64>>,
}

/// What it sees: a colour, and the last action where there was one.
pub(super) fn see(colour: usize, last: Option<usize>) -> [f32; SEEN] {
    let mut seen = [0.0; SEEN];
    seen[colour] = 1.0;
    if let Some(action) = last {
        seen[COLOURS + action] = 1.0;
    }
    seen
}

/// The network with all that it learns by.
pub(super) struct Learner {
    units: usize,
    store: Store,
    target: Store,
    adam: Adam,
    runner: Runner,
    step: Predictor,
    /// The same as it was before it learned anything.
    untrained: Predictor,
    scratch: Scratch,
    kept: Vec<Episode>,
}

/// Values and states of a window, step by step.
fn unroll(g: &mut Graph, (cell, head): (&GruCell, &Linear), seen: &[Node], units: usize) -> Result<Vec<Node>> {
    let mut state = g.constant(1, units, 0.0)?;
    let mut values = Vec::with_capacity(seen.len());
    for node in seen {
        state = cell.record(g, *node, state)?;
        values.push(head.record(g, state, Activation::Identity)?);
    }
    Ok(values)
}

impl Learner {
    pub(super) fn new(units: usize, rng: &mut Rng) -> Result<Self> {
        let mut store = Store::new(1);
        let init = WeightInit::LinearDefault;
        let cell = GruCell::new(&mut store, "cell", SEEN, units, init, rng);
        let head = Linear::new(&mut store, "head", units, ACTIONS, init, rng);
        let target = store.twin();
        let mut g = Graph::new(1);
        let seen: Vec<Node> = (0..=WINDOW).map(|_| g.input(SEEN)).collect();
        let taken: Vec<Node> = (0..WINDOW).map(|_| g.input(ACTIONS)).collect();
        let paid: Vec<Node> = (0..WINDOW).map(|_| g.input(1)).collect();
        g.freeze(&target);
        let slow = unroll(&mut g, (&cell, &head), &seen, units)?;
        g.learn(&store);
        let values = unroll(&mut g, (&cell, &head), &seen, units)?;
        let none = g.constant(1, ACTIONS, 0.0)?;
        for t in WARM..WINDOW {
            let ahead = g.detach(values[t + 1])?;
            let best = g.straight_through(ahead, none, ACTIONS)?;
            let best = g.detach(best)?;
            let future = g.mul(slow[t + 1], best)?;
            let future = g.sum_columns(future)?;
            let future = g.affine(future, DISCOUNT, 0.0)?;
            let goal = g.add(paid[t], future)?;
            let value = g.mul(values[t], taken[t])?;
            let value = g.sum_columns(value)?;
            let error = g.square_error(value, goal)?;
            g.minimise(error, 0.5)?;
        }
        let mut acts = Graph::new(1);
        acts.freeze(&store);
        let (now, before) = (acts.input(SEEN), acts.input(units));
        let state = cell.record(&mut acts, now, before)?;
        let values = head.record(&mut acts, state, Activation::Identity)?;
        let step = Predictor::new(&acts, &[&store], &[values, state])?;
        let adam = Adam::new(&store, AdamConfig { learning_rate: 3e-3, max_norm: 10.0, ..AdamConfig::default() });
        let scratch = step.scratch();
        let (untrained, runner) = (step.clone(), Runner::new(g, BATCH));
        Ok(Self { units, target, adam, runner, step, untrained, scratch, store, kept: Vec::new() })
    }

    /// Acts for an episode, at random with a probability.
    pub(super) fn act(&mut self, ring: &Ring, dither: f64, rng: &mut Rng) -> Result<Episode> {
        let (mut cell, mut last, mut episode) = (ring.start(rng), None, Episode::default());
        let (mut state, mut next, mut values) = (vec![0.0; self.units], vec![0.0; self.units], [0.0; ACTIONS]);
        let (mut other, mut said) = (state.clone(), [0.0; ACTIONS]);
        for _ in 0..EPISODE {
            let seen = see(ring.colours[cell], last);
            self.step.predict_member(0, &[&seen, &state], &mut [&mut values, &mut next], &mut self.scratch)?;
            std::mem::swap(&mut state, &mut next);
            self.untrained.predict_member(0, &[&seen, &other], &mut [&mut said, &mut next], &mut self.scratch)?;
            std::mem::swap(&mut other, &mut next);
            let best = (1..ACTIONS).fold(0, |best, a| if values[a] > values[best] { a } else { best });
            let random = rng.uniform() < dither;
            let any = rng.below(ACTIONS as u64) as usize;
            let action = if random { any } else { best };
            episode.cells.push(cell);
            episode.actions.push(action);
            episode.states.push(state.iter().map(|x| f64::from(*x)).collect());
            episode.untrained.push(other.iter().map(|x| f64::from(*x)).collect());
            let (to, reward) = ring.step(cell, action, rng);
            episode.rewards.push(reward);
            (cell, last) = (to, Some(action));
        }
        Ok(episode)
    }

    /// Acts for an episode to learn from, and learns once every fourth step of it from windows of all that are kept.
    pub(super) fn learn(&mut self, ring: &Ring, rng: &mut Rng) -> Result<()> {
        const RATE: f32 = 0.01;
        let episode = self.act(ring, DITHER, rng)?;
        if self.kept.len() < KEPT {
            self.kept.push(episode);
        } else {
            let place = rng.below(KEPT as u64) as usize;
            self.kept[place] = episode;
        }
        let mut seen = vec![Vec::new(); WINDOW + 1];
        let (mut taken, mut paid) = (vec![Vec::new(); WINDOW], vec![Vec::new(); WINDOW]);
        for _ in 0..EPISODE / 4 {
            seen.iter_mut().chain(&mut taken).chain(&mut paid).for_each(Vec::clear);
            for _ in 0..BATCH {
                let episode = &self.kept[rng.below(self.kept.len() as u64) as usize];
                let first = rng.below((EPISODE - WINDOW) as u64) as usize;
                for t in 0..=WINDOW {
                    let at = first + t;
                    let last = at.checked_sub(1).map(|before| episode.actions[before]);
                    seen[t].extend(see(ring.colours[episode.cells[at]], last));
                    if t < WINDOW {
                        taken[t].extend((0..ACTIONS).map(|a| f32::from(u8::from(a == episode.actions[at]))));
                        paid[t].push(episode.rewards[at] as f32);
                    }
                }
            }
            let feeds: Vec<Feed<'_>> = seen.iter().chain(&taken).chain(&paid).map(|x| Feed::Shared(x)).collect();
            self.runner.forward_backward(&[&self.store, &self.target], BATCH, &feeds)?;
            self.adam.step(&mut self.store, &self.runner)?;
            self.target.follow(&self.store, RATE)?;
        }
        self.step.refresh(&[&self.store])
    }
}
