//! The arena of a model with values and a policy of its own: rows are latents `[row][Z]` in single precision.
//!
//! Values and priors are asked of few rows of a plan, its last ones and those of candidates that the policy leads, and so have graphs of their own.

use worldwright_core::{
    Action, ActionHead, Actions, Imagination, Imagined, Key, ModelSpec, Observation, Priors, Result, Rows, Values,
};
use worldwright_nn::{Activation, Predictor};

use super::cell::{BINS, Said};
use super::{Kind, Tdmpc2};
use crate::arena::{check_latent, check_rows, check_step};
use crate::latent::Kind as _;
use crate::latent::packed::{Packed, write_action};
use crate::latent::rows::{Told, copy, frozen, reserve, tell};

/// The least deviation of a number's prior, as a share of half its range: what a sure policy leaves a planner to look at.
const LEAST_STD: f64 = 0.05;

/// What the arena runs.
struct Graphs {
    /// `z, action → z, reward, continues`.
    step: Packed,
    /// `observation → z`.
    represent: Packed,
    /// `z → value` of what the policy does: of numbers at its surest, of choices in the mean.
    value: Packed,
    /// `z → modes in [−1, 1] and logarithms of deviations before the tangent`, or `z → logits`.
    prior: Packed,
}

impl Graphs {
    fn new(model: &Tdmpc2) -> Result<Self> {
        let (cell, store) = (&model.kind.cell, Kind::imagined(&model.learned));
        let (trunk, sizes) = (&cell.trunk, cell.trunk.sizes);
        let mut g = frozen(store);
        let (latent, action) = (g.input(sizes.latent), g.input(sizes.actions));
        let advanced = trunk.advanced(&mut g, latent, action)?;
        let reward = g.two_hot_mean(advanced.reward, BINS)?;
        let continues = g.activation(advanced.continues, Activation::Sigmoid)?;
        let step = Packed::new(Predictor::new(&g, &[store], &[advanced.latent, reward, continues])?);

        let mut g = frozen(store);
        let observation = g.input(sizes.observation);
        let latent = trunk.represent(&mut g, observation)?;
        let represent = Packed::new(Predictor::new(&g, &[store], &[latent])?);

        let mut g = frozen(store);
        let latent = g.input(sizes.latent);
        let surest = match cell.say(&mut g, latent)? {
            Said::Gaussian([mean, _]) => g.activation(mean, Activation::Tanh)?,
            Said::Logits(logits) => g.softmax(logits, sizes.actions)?,
        };
        let worth = cell.value(&mut g, latent, surest)?;
        let value = Packed::new(Predictor::new(&g, &[store], &[worth])?);

        let mut g = frozen(store);
        let latent = g.input(sizes.latent);
        let outputs = match cell.say(&mut g, latent)? {
            Said::Gaussian([mean, log_std]) => vec![g.activation(mean, Activation::Tanh)?, log_std],
            Said::Logits(logits) => vec![logits],
        };
        let prior = Packed::new(Predictor::new(&g, &[store], &outputs)?);
        Ok(Self { step, represent, value, prior })
    }
}

pub(super) struct Tdmpc2Imagination<'m> {
    model: &'m Tdmpc2,
    rows: usize,
    graphs: Option<Graphs>,
    /// `[row][Z]`
    held: Vec<f32>,
    // A batch on its way.
    z: Vec<f32>,
    next: Vec<f32>,
    action: Vec<f32>,
    reward: Vec<f32>,
    continues: Vec<f32>,
    /// `[row][A]`
    first: Vec<f32>,
    log_std: Vec<f32>,
    told: Told,
}

impl<'m> Tdmpc2Imagination<'m> {
    /// Room for `rows` latents. Before learning it holds no networks, and refuses what would need them.
    pub(super) fn new(model: &'m Tdmpc2, rows: usize) -> Self {
        let graphs =
            model.learned.fitted.then(|| Graphs::new(model).expect("the model's own graphs fit its own store"));
        let mut arena = Self {
            model,
            rows,
            graphs,
            held: Vec::new(),
            z: Vec::new(),
            next: Vec::new(),
            action: Vec::new(),
            reward: Vec::new(),
            continues: Vec::new(),
            first: Vec::new(),
            log_std: Vec::new(),
            told: Told::new(&model.spec),
        };
        let [latent, _] = arena.widths();
        reserve([(&mut arena.held, latent)], rows);
        arena.reserve(rows.max(1));
        arena
    }

    fn widths(&self) -> [usize; 2] {
        [self.model.kind.cell.trunk.sizes.latent, self.model.kind.cell.trunk.sizes.actions]
    }

    /// Room for a batch; a list may name a row several times, and then more rows than the arena holds.
    fn reserve(&mut self, rows: usize) {
        let [latent, actions] = self.widths();
        let parts = [
            (&mut self.z, latent),
            (&mut self.next, latent),
            (&mut self.action, actions),
            (&mut self.reward, 1),
            (&mut self.continues, 1),
            (&mut self.first, actions),
            (&mut self.log_std, actions),
        ];
        reserve(parts, rows);
    }

    /// Takes rows into the batch; how many they are.
    fn take(&mut self, rows: &Rows<'_>) -> usize {
        let [latent, _] = self.widths();
        self.reserve(rows.len());
        for (i, row) in rows.iter().enumerate() {
            self.z[i * latent..][..latent].copy_from_slice(&self.held[row * latent..][..latent]);
        }
        rows.len()
    }
}

impl Imagination for Tdmpc2Imagination<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        let (model, [latent, _]) = (self.model, self.widths());
        let graphs = self.graphs.as_mut().ok_or_else(|| model.not_fitted())?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let observation = self.told.see(&model.spec, observation)?;
        graphs.represent.one(&[observation], &mut [&mut self.held[row * latent..][..latent]])
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let [latent, _] = self.widths();
        copy([(&mut self.held, latent)], from, &to);
    }

    fn step(
        &mut self,
        from: Rows<'_>,
        actions: Actions<'_>,
        to: Rows<'_>,
        _key: Key,
        out: &mut Imagined,
    ) -> Result<()> {
        let model = self.model;
        if self.graphs.is_none() {
            return Err(model.not_fitted());
        }
        check_step(&from, &actions, &to, self.rows, &model.spec.action_space)?;
        let (n, [latent, columns]) = (self.take(&from), self.widths());
        out.begin(n);
        let Some(graphs) = self.graphs.as_mut().filter(|_| n > 0) else { return Ok(()) };
        for i in 0..n {
            write_action(&model.head, &actions, i, &mut self.told.action, &mut self.action[i * columns..][..columns])?;
        }
        let outputs = &mut [&mut self.next[..n * latent], &mut self.reward[..n], &mut self.continues[..n]];
        let Packed { predictor, scratch } = &mut graphs.step;
        predictor.predict(&[&self.z[..n * latent], &self.action[..n * columns]], outputs, scratch)?;
        for (i, row) in to.iter().enumerate() {
            let next = &self.next[i * latent..][..latent];
            self.held[row * latent..][..latent].copy_from_slice(next);
            // A value of thousands times a little doubt of going on would weigh more in a plan than all that its steps earn: either it goes on or it ends, and what is no number stays none.
            let goes_on = if self.continues[i] < 0.5 { 0.0 } else { self.continues[i].ceil() };
            tell(out, i, next.iter(), (self.reward[i], goes_on), model.kind.discount);
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        check_rows(&rows, self.rows)?;
        let (n, [latent, _]) = (self.take(&rows), self.widths());
        out.value.resize(n, 0.0);
        let model = self.model;
        let Packed { predictor, scratch } = &mut self.graphs.as_mut().ok_or_else(|| model.not_fitted())?.value;
        if n > 0 {
            predictor.predict(&[&self.z[..n * latent]], &mut [&mut self.reward[..n]], scratch)?;
        }
        out.value.iter_mut().zip(&self.reward).for_each(|(slot, value)| *slot = f64::from(*value));
        Ok(())
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        check_rows(&rows, self.rows)?;
        let (n, [latent, columns]) = (self.take(&rows), self.widths());
        let model = self.model;
        let Packed { predictor, scratch } = &mut self.graphs.as_mut().ok_or_else(|| model.not_fitted())?.prior;
        let (first, log_std) = (&mut self.first[..n * columns], &mut self.log_std[..n * columns]);
        out.mean.resize(n * columns, 0.0);
        out.std.clear();
        if n == 0 {
            return Ok(());
        }
        match &model.head {
            ActionHead::Discrete { .. } => {
                predictor.predict(&[&self.z[..n * latent]], &mut [first], scratch)?;
                out.mean.iter_mut().zip(&self.first).for_each(|(slot, logit)| *slot = f64::from(*logit));
            }
            ActionHead::Continuous { middle, half } => {
                predictor.predict(&[&self.z[..n * latent]], &mut [first, log_std], scratch)?;
                out.std.resize(n * columns, 0.0);
                for at in 0..n * columns {
                    let (d, mode) = (at % columns, f64::from(self.first[at]).clamp(-1.0, 1.0));
                    out.mean[at] = middle[d] + half[d] * mode;
                    // To first order, a deviation is squashed by the tangent's slope at the mode.
                    let std = (1.0 - mode * mode) * f64::from(self.log_std[at]).exp();
                    out.std[at] = half[d] * std.clamp(LEAST_STD, 1.0);
                }
            }
        }
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let [latent, _] = self.widths();
        check_latent(row, self.rows, out.len(), latent)?;
        out.iter_mut().zip(&self.held[row * latent..][..latent]).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn write_latent(&mut self, row: usize, numbers: &[f64]) -> Result<()> {
        let [latent, _] = self.widths();
        check_latent(row, self.rows, numbers.len(), latent)?;
        let z = &mut self.held[row * latent..][..latent];
        z.iter_mut().zip(numbers).for_each(|(to, from)| *to = *from as f32);
        Ok(())
    }
}
