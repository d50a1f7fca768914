//! Judging by an actor and its critic: what inputs are worth, and how actions spread there, for a planner to be guided by. Who has no critic tells the latter.

use worldwright_core::{ActionHead, Columns, Error, Priors, Result};
use worldwright_nn::{Graph, Node, Predictor, Scratch, Store};

use crate::acting::Acting;

/// The least deviation of a number's prior, as a share of half its range: what a sure actor leaves a planner to look at.
const LEAST_STD: f64 = 0.1;

/// Actor and critic packed to judge by.
pub(crate) struct Judge {
    predictor: Predictor,
    scratch: Scratch,
    /// Whether there is a value.
    values: bool,
    /// Critics that tell values each of their own.
    critics: usize,
    /// Whether the actor says how far numbers spread.
    spreads: bool,
    /// Whether it draws them in front of a tangent, and not where they are.
    pub(crate) squashes: bool,
    /// Whether the numbers have changed since the predictor took them.
    pub(crate) stale: bool,
    /// What entropy adds to the critic's values, which is no return.
    pub(crate) entropy_worth: f32,
    seen: Vec<f32>,
    /// `[n][columns]`: modes in [−1, 1], or logits.
    first: Vec<f32>,
    /// `[n][columns]`: logarithms of deviations before the tangent; empty for choices, −∞ for a mode alone.
    log_std: Vec<f32>,
    value: Vec<f32>,
    /// `[n][critics]`
    each: Vec<f32>,
}

/// What a graph says of an input.
pub(crate) struct Judged {
    /// Modes in [−1, 1], or logits.
    pub(crate) first: Node,
    /// Logarithms of the deviations before the tangent, of numbers; none where the actor says its mode alone, which a planner looks around closely.
    pub(crate) log_std: Option<Node>,
    /// The return from there on in units of the size of rewards, in one column; none without a critic.
    pub(crate) value: Option<Node>,
    /// The same by each critic, in a column each; none for who has no several.
    pub(crate) each: Option<Node>,
}

impl Judge {
    /// A judge by a graph over one input, what is seen.
    pub(crate) fn new(graph: &Graph, stores: &[&Store], judged: &Judged) -> Result<Self> {
        let all = [Some(judged.first), judged.value, judged.log_std, judged.each];
        let outputs: Vec<Node> = all.into_iter().flatten().collect();
        let critics = judged.each.map_or(0, |each| graph.shape(each).cols);
        let predictor = Predictor::new(graph, stores, &outputs)?;
        let (scratch, values, spreads) = (predictor.scratch(), judged.value.is_some(), judged.log_std.is_some());
        let (seen, first, log_std, value) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            predictor,
            scratch,
            values,
            critics,
            spreads,
            squashes: true,
            stale: false,
            entropy_worth: 0.0,
            seen,
            first,
            log_std,
            value,
            each: Vec::new(),
        })
    }

    /// Takes on the present numbers of `stores` where they have changed.
    pub(crate) fn refresh(&mut self, stores: &[&Store]) -> Result<&mut Self> {
        if std::mem::take(&mut self.stale) {
            self.predictor.refresh(stores)?;
        }
        Ok(self)
    }

    fn look(&mut self, acting: &Acting, inputs: Columns<'_>) -> Result<()> {
        let (n, width, columns) = (inputs.rows(), acting.inputs(), acting.head().columns());
        if inputs.dims() != width {
            return Err(Error::shape("inputs of the policy", &[width], &[inputs.dims()]));
        }
        acting.scaling.rows(inputs, &mut self.seen);
        self.first.resize(n * columns, 0.0);
        self.value.resize(if self.values { n } else { 0 }, 0.0);
        self.each.resize(n * self.critics, 0.0);
        self.log_std.clear();
        if self.spreads || acting.head().choices() == 0 {
            self.log_std.resize(n * columns, f32::NEG_INFINITY);
        }
        let (value, log_std, each) = (self.value.as_mut_slice(), self.log_std.as_mut_slice(), self.each.as_mut_slice());
        let mut outputs: [&mut [f32]; 4] = [&mut self.first, &mut [], &mut [], &mut []];
        let mut used = 1;
        for (told, numbers) in [(self.values, value), (self.spreads, log_std), (self.critics > 0, each)] {
            if told {
                outputs[used] = numbers;
                used += 1;
            }
        }
        self.predictor.predict_member(0, &[&self.seen], &mut outputs[..used], &mut self.scratch)
    }

    /// As [`Policy::value`](worldwright_core::Policy::value).
    pub(crate) fn value(&mut self, acting: &Acting, inputs: Columns<'_>, out: &mut [f64]) -> Result<()> {
        if out.len() != inputs.rows() {
            return Err(Error::shape("values of the policy", &[inputs.rows()], &[out.len()]));
        }
        if !self.values {
            return Err(Error::unsupported("this policy", "telling values: it has no critic"));
        }
        self.look(acting, inputs)?;
        let unit = acting.scaling.reward();
        out.iter_mut().zip(&self.value).for_each(|(slot, value)| *slot = unit * f64::from(*value - self.entropy_worth));
        Ok(())
    }

    /// As [`Policy::values`](worldwright_core::Policy::values), of the mode of the actor, whose entropy is worth nothing.
    pub(crate) fn values(
        &mut self,
        acting: &Acting,
        inputs: Columns<'_>,
        [out, entropies]: [&mut [f64]; 2],
    ) -> Result<()> {
        let n = inputs.rows();
        if self.critics == 0 {
            return Err(Error::unsupported("this policy", "telling values by several critics: it has none"));
        }
        if out.len() != n * self.critics || entropies.len() != n {
            return Err(Error::shape("values of the policy", &[self.critics, n], &[out.len(), entropies.len()]));
        }
        entropies.fill(0.0);
        self.look(acting, inputs)?;
        let unit = acting.scaling.reward();
        for (row, of_row) in self.each.chunks_exact(self.critics).enumerate() {
            of_row.iter().enumerate().for_each(|(critic, value)| out[critic * n + row] = unit * f64::from(*value));
        }
        Ok(())
    }

    /// As [`Policy::prior`](worldwright_core::Policy::prior).
    pub(crate) fn prior(&mut self, acting: &Acting, inputs: Columns<'_>, out: &mut Priors) -> Result<()> {
        self.look(acting, inputs)?;
        let columns = acting.head().columns();
        out.mean.resize(inputs.rows() * columns, 0.0);
        match acting.head() {
            ActionHead::Discrete { .. } => {
                out.std.clear();
                out.mean.iter_mut().zip(&self.first).for_each(|(slot, logit)| *slot = f64::from(*logit));
            }
            ActionHead::Continuous { middle, half } => {
                out.std.resize(inputs.rows() * columns, 0.0);
                for (at, (mode, log_std)) in self.first.iter().zip(&self.log_std).enumerate() {
                    let (d, mode) = (at % columns, f64::from(*mode).clamp(-1.0, 1.0));
                    out.mean[at] = middle[d] + half[d] * mode;
                    // To first order, a deviation is squashed by the tangent's slope at the mode.
                    let slope = if self.squashes { 1.0 - mode * mode } else { 1.0 };
                    let std = slope * f64::from(*log_std).exp();
                    out.std[at] = half[d] * std.clamp(LEAST_STD, 1.0);
                }
            }
        }
        Ok(())
    }
}
