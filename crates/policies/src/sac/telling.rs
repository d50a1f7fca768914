//! What each critic tells of what the actor does by chance: `Q_i(s, a)` and beside it `−ln π(a|s)`, with `a ~ π(·|s)` drawn once an input; over choices both are the expectations.

use worldwright_core::{Columns, Error, Result, Rng};
use worldwright_nn::{Graph, Node, Predictor, Scratch, Store};

use crate::acting::Acting;
use crate::networks::{Networks, Said};

/// Actor and critics packed to tell by.
pub(super) struct Telling {
    predictor: Predictor,
    scratch: Scratch,
    critics: usize,
    /// Numbers of an action that are drawn; none where it is a choice.
    drawn: usize,
    /// Whether the numbers have changed since the predictor took them.
    pub(super) stale: bool,
    seen: Vec<f32>,
    noise: Vec<f32>,
    /// `[n][critics]`
    each: Vec<f32>,
    entropy: Vec<f32>,
}

impl Telling {
    pub(super) fn new(networks: &Networks, actor: &Store, critics: &Store) -> Result<Self> {
        let (graph, outputs) = graph(networks, actor, critics)?;
        let predictor = Predictor::new(&graph, &[actor, critics], &outputs)?;
        Ok(Self {
            scratch: predictor.scratch(),
            predictor,
            critics: graph.shape(outputs[0]).cols,
            drawn: if networks.choices > 0 { 0 } else { networks.columns },
            stale: false,
            seen: Vec::new(),
            noise: Vec::new(),
            each: Vec::new(),
            entropy: Vec::new(),
        })
    }

    /// As [`Policy::values`](worldwright_core::Policy::values), by the newest numbers of the stores, where a nat is worth `temperature` in units of the size of rewards.
    pub(super) fn values(
        &mut self,
        (acting, critics, temperature): (&Acting, &Store, f32),
        inputs: Columns<'_>,
        rng: &mut Rng,
        [out, entropies]: [&mut [f64]; 2],
    ) -> Result<()> {
        let (n, width) = (inputs.rows(), acting.inputs());
        if inputs.dims() != width {
            return Err(Error::shape("inputs of the policy", &[width], &[inputs.dims()]));
        }
        if out.len() != n * self.critics || entropies.len() != n {
            return Err(Error::shape("values of the policy", &[self.critics, n], &[out.len(), entropies.len()]));
        }
        if std::mem::take(&mut self.stale) {
            self.predictor.refresh(&[acting.actor(), critics])?;
        }
        acting.scaling.rows(inputs, &mut self.seen);
        self.noise.resize(n * self.drawn, 0.0);
        rng.fill_normal(&mut self.noise);
        self.each.resize(n * self.critics, 0.0);
        self.entropy.resize(n, 0.0);
        let given = [self.seen.as_slice(), self.noise.as_slice()];
        let given = if self.drawn > 0 { &given[..] } else { &given[..1] };
        self.predictor.predict_member(0, given, &mut [&mut self.each, &mut self.entropy], &mut self.scratch)?;
        let unit = acting.scaling.reward();
        for (row, of_row) in self.each.chunks_exact(self.critics).enumerate() {
            of_row.iter().enumerate().for_each(|(critic, value)| out[critic * n + row] = unit * f64::from(*value));
        }
        let worth = unit * f64::from(temperature);
        entropies.iter_mut().zip(&self.entropy).for_each(|(slot, nats)| *slot = worth * f64::from(*nats));
        Ok(())
    }
}

/// Critics in a column each, and nats in one. Inputs: observations, and for numbers the noise that an action is drawn by.
fn graph(networks: &Networks, actor: &Store, critics: &Store) -> Result<(Graph, [Node; 2])> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(actor);
    let told = match networks.say(&mut g, seen)? {
        Said::Gaussian(mean, log_std) => {
            let noise = g.input(networks.columns);
            let drawn = g.squashed_gaussian(mean, log_std, noise)?;
            let nats = g.affine(drawn.log_prob, -1.0, 0.0)?;
            g.freeze(critics);
            let judged = networks.judge(&mut g, None, seen, Some(drawn.action))?;
            [g.concat(&judged)?, nats]
        }
        Said::Logits(logits) => {
            let (p, log_p) = (g.softmax(logits, networks.choices)?, g.log_softmax(logits, networks.choices)?);
            let terms = g.mul(p, log_p)?;
            let negative = g.sum_columns(terms)?;
            let nats = g.affine(negative, -1.0, 0.0)?;
            g.freeze(critics);
            let mut each = Vec::new();
            for of_all in networks.judge(&mut g, None, seen, None)? {
                let weighed = g.mul(p, of_all)?;
                each.push(g.sum_columns(weighed)?);
            }
            [g.concat(&each)?, nats]
        }
    };
    Ok((g, told))
}
