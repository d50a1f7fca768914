//! The arena of a value-equivalent model: rows are latents `[row][Z]` in single precision, with their values and priors.
//!
//! Whoever steps into a row of a tree asks for its value and prior next, so that one graph gives all of them. The rows of a batch do not
//! influence each other.

use worldwright_core::{
    Action, Actions, Imagination, Imagined, Key, ModelSpec, Observation, Priors, Result, Rows, Values,
};
use worldwright_nn::{Activation, Graph, Node, Predictor};

use super::Muzero;
use super::cell::{BINS, MuzeroCell};
use crate::arena::{check_latent, check_rows, check_step};
use crate::latent::packed::{Packed, write_action};
use crate::latent::rows::{Told, copy, frozen, reserve, tell};

/// What the arena runs; each gives a value and the logits of a prior last.
struct Graphs {
    /// `z, action → z, reward, continues, value, logits`.
    step: Packed,
    /// `observation → z, value, logits`.
    represent: Packed,
    /// `z → value, logits`.
    predict: Packed,
}

impl Graphs {
    fn new(model: &Muzero) -> Result<Self> {
        let (cell, store) = (&model.kind.cell, &model.learned.store);
        let (trunk, sizes) = (&cell.trunk, cell.trunk.sizes);
        let packed = |graph: &Graph, outputs: &[Node]| Predictor::new(graph, &[store], outputs).map(Packed::new);

        let mut g = frozen(store);
        let (latent, action) = (g.input(sizes.latent), g.input(sizes.actions));
        let advanced = trunk.advanced(&mut g, latent, action)?;
        let reward = g.two_hot_mean(advanced.reward, BINS)?;
        let continues = g.activation(advanced.continues, Activation::Sigmoid)?;
        let [value, logits] = judged(&mut g, cell, advanced.latent)?;
        let step = packed(&g, &[advanced.latent, reward, continues, value, logits])?;

        let mut g = frozen(store);
        let observation = g.input(sizes.observation);
        let latent = trunk.represent(&mut g, observation)?;
        let [value, logits] = judged(&mut g, cell, latent)?;
        let represent = packed(&g, &[latent, value, logits])?;

        let mut g = frozen(store);
        let latent = g.input(sizes.latent);
        let judged = judged(&mut g, cell, latent)?;
        Ok(Self { step, represent, predict: packed(&g, &judged)? })
    }
}

/// The value of latents and the logits of their prior.
fn judged(graph: &mut Graph, cell: &MuzeroCell, latent: Node) -> Result<[Node; 2]> {
    let (policy, value) = cell.predict(graph, latent)?;
    Ok([graph.two_hot_mean(value, BINS)?, policy])
}

/// Latents with what is thought of them.
#[derive(Default)]
struct Latents {
    /// `[row][Z]`
    z: Vec<f32>,
    /// `[row]`
    value: Vec<f32>,
    /// `[row][A]`
    logits: Vec<f32>,
}

impl Latents {
    /// Makes room for at least so many rows.
    fn reserve(&mut self, rows: usize, widths: [usize; 2]) {
        reserve(self.parts(widths), rows);
    }

    fn parts(&mut self, [latent, actions]: [usize; 2]) -> [(&mut Vec<f32>, usize); 3] {
        [(&mut self.z, latent), (&mut self.value, 1), (&mut self.logits, actions)]
    }

    /// Takes row `at` of others as its own `row`.
    fn take(&mut self, row: usize, from: &Self, at: usize, [latent, actions]: [usize; 2]) {
        self.z[row * latent..][..latent].copy_from_slice(&from.z[at * latent..][..latent]);
        self.value[row] = from.value[at];
        self.logits[row * actions..][..actions].copy_from_slice(&from.logits[at * actions..][..actions]);
    }
}

pub(super) struct MuzeroImagination<'m> {
    model: &'m Muzero,
    rows: usize,
    held: Latents,
    graphs: Option<Graphs>,
    // A batch on its way.
    next: Latents,
    z: Vec<f32>,
    action: Vec<f32>,
    reward: Vec<f32>,
    continues: Vec<f32>,
    told: Told,
}

impl<'m> MuzeroImagination<'m> {
    /// Room for `rows` latents. Before learning it holds no networks, and refuses what would need them.
    pub(super) fn new(model: &'m Muzero, rows: usize) -> Self {
        let graphs =
            model.learned.fitted.then(|| Graphs::new(model).expect("the model's own graphs fit its own store"));
        let mut arena = Self {
            model,
            rows,
            held: Latents::default(),
            graphs,
            next: Latents::default(),
            z: Vec::new(),
            action: Vec::new(),
            reward: Vec::new(),
            continues: Vec::new(),
            told: Told::new(&model.spec),
        };
        arena.held.reserve(rows, arena.widths());
        arena.reserve(rows.max(1));
        arena
    }

    fn widths(&self) -> [usize; 2] {
        [self.model.kind.cell.trunk.sizes.latent, self.model.kind.cell.trunk.sizes.actions]
    }

    /// Room for a batch; a list may name a row several times, and then more rows than the arena holds.
    fn reserve(&mut self, rows: usize) {
        let [latent, actions] = self.widths();
        self.next.reserve(rows, [latent, actions]);
        let parts =
            [(&mut self.z, latent), (&mut self.action, actions), (&mut self.reward, 1), (&mut self.continues, 1)];
        reserve(parts, rows);
    }
}

impl Imagination for MuzeroImagination<'_> {
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
        let (model, widths) = (self.model, self.widths());
        let graphs = self.graphs.as_mut().ok_or_else(|| model.not_fitted())?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let observation = self.told.see(&model.spec, observation)?;
        let Latents { z, value, logits } = &mut self.next;
        let out = &mut [&mut z[..widths[0]], &mut value[..1], &mut logits[..widths[1]]];
        graphs.represent.one(&[observation], out)?;
        self.held.take(row, &self.next, 0, widths);
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let widths = self.widths();
        copy(self.held.parts(widths), from, &to);
    }

    fn step(
        &mut self,
        from: Rows<'_>,
        actions: Actions<'_>,
        to: Rows<'_>,
        _key: Key,
        out: &mut Imagined,
    ) -> Result<()> {
        if self.graphs.is_none() {
            return Err(self.model.not_fitted());
        }
        let model = self.model;
        check_step(&from, &actions, &to, self.rows, &model.spec.action_space)?;
        let n = from.len();
        out.begin(n);
        self.reserve(n);
        let [latent, choices] = self.widths();
        let Some(graphs) = self.graphs.as_mut().filter(|_| n > 0) else { return Ok(()) };
        for (i, row) in from.iter().enumerate() {
            self.z[i * latent..][..latent].copy_from_slice(&self.held.z[row * latent..][..latent]);
            let told = &mut self.action[i * choices..][..choices];
            write_action(&model.head, &actions, i, &mut self.told.action, told)?;
        }
        let Latents { z, value, logits } = &mut self.next;
        let outputs = &mut [
            &mut z[..n * latent],
            &mut self.reward[..n],
            &mut self.continues[..n],
            &mut value[..n],
            &mut logits[..n * choices],
        ];
        let packed = &mut graphs.step;
        packed.predictor.predict(
            &[&self.z[..n * latent], &self.action[..n * choices]],
            outputs,
            &mut packed.scratch,
        )?;
        for (i, row) in to.iter().enumerate() {
            self.held.take(row, &self.next, i, [latent, choices]);
            let next = self.next.z[i * latent..][..latent].iter();
            tell(out, i, next, (self.reward[i], self.continues[i]), model.kind.discount);
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        check_rows(&rows, self.rows)?;
        out.value.resize(rows.len(), 0.0);
        out.value.iter_mut().zip(rows.iter()).for_each(|(slot, row)| *slot = f64::from(self.held.value[row]));
        Ok(())
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        check_rows(&rows, self.rows)?;
        let [_, actions] = self.widths();
        out.std.clear();
        out.mean.resize(rows.len() * actions, 0.0);
        for (slots, row) in out.mean.chunks_exact_mut(actions).zip(rows.iter()) {
            let logits = &self.held.logits[row * actions..][..actions];
            slots.iter_mut().zip(logits).for_each(|(slot, logit)| *slot = f64::from(*logit));
        }
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let [latent, _] = self.widths();
        check_latent(row, self.rows, out.len(), latent)?;
        out.iter_mut().zip(&self.held.z[row * latent..][..latent]).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn write_latent(&mut self, row: usize, numbers: &[f64]) -> Result<()> {
        let [latent, actions] = self.widths();
        check_latent(row, self.rows, numbers.len(), latent)?;
        let model = self.model;
        let graphs = self.graphs.as_mut().ok_or_else(|| model.not_fitted())?;
        let held = &mut self.held;
        let z = &mut held.z[row * latent..][..latent];
        z.iter_mut().zip(numbers).for_each(|(to, from)| *to = *from as f32);
        let out = &mut [&mut held.value[row..=row], &mut held.logits[row * actions..][..actions]];
        graphs.predict.one(&[z], out)
    }
}
