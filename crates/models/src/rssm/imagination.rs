//! The arena of a recurrent state-space model: rows are beliefs, `[row][h, z]` in single precision.
//!
//! `observe` filters: the row before and the action give `h`, and with the observation a draw from the posterior of `z`. `step` draws from the
//! prior. A row's draws depend on the key and that row alone, and its numbers on nothing beside it.

use std::cell::RefCell;

use worldwright_core::{Action, Actions, Error, Imagination, Imagined, Key, ModelSpec, Observation, Result, Rows};
use worldwright_nn::{Cell, Graph, Latent, Predictor, Unary};

use super::Rssm;
use crate::arena::{check_latent, check_rows, check_step};
use crate::packed::{Packed, write_action};

/// What the arena runs.
struct Graphs {
    /// `h, z, action, noise → h, z, reward, continues`.
    step: Packed,
    /// `observation, noise → z` of an episode's first belief, whose `h` is zero.
    begin: Packed,
    /// `h, z, action, observation, noise → h, z`.
    filter: Packed,
    /// `h, z → observation`. Behind a cell because decoding changes nothing but this room.
    decode: RefCell<(Packed, Vec<f32>)>,
}

impl Graphs {
    fn new(model: &Rssm) -> Result<Self> {
        let (cell, store) = (&model.cell, &model.store);
        let sizes = cell.sizes;
        let begun = || {
            let mut graph = Graph::new(1);
            graph.freeze(store);
            graph
        };
        let mut g = begun();
        let latent = Latent { parts: vec![g.input(sizes.recurrent), g.input(sizes.drawn())] };
        let (action, noise) = (g.input(sizes.action), g.input(cell.noise()));
        let stepped = cell.step(&mut g, &latent, action, noise)?;
        let outputs = [stepped.latent.parts[0], stepped.latent.parts[1], stepped.reward, stepped.continues];
        let step = Packed::new(Predictor::new(&g, &[store], &outputs)?);

        let mut g = begun();
        let (observation, noise) = (g.input(sizes.observation), g.input(cell.noise()));
        let latent = cell.begin(&mut g, 1)?;
        let embedded = cell.embed(&mut g, observation)?;
        let logits = cell.posterior(&mut g, latent.parts[0], embedded)?;
        let z = cell.draw_from(&mut g, logits, noise)?;
        let begin = Packed::new(Predictor::new(&g, &[store], &[z])?);

        let mut g = begun();
        let latent = Latent { parts: vec![g.input(sizes.recurrent), g.input(sizes.drawn())] };
        let action = g.input(sizes.action);
        let (observation, noise) = (g.input(sizes.observation), g.input(cell.noise()));
        let h = cell.advance(&mut g, &latent, action)?;
        let embedded = cell.embed(&mut g, observation)?;
        let logits = cell.posterior(&mut g, h, embedded)?;
        let z = cell.draw_from(&mut g, logits, noise)?;
        let filter = Packed::new(Predictor::new(&g, &[store], &[h, z])?);

        let mut g = begun();
        let latent = Latent { parts: vec![g.input(sizes.recurrent), g.input(sizes.drawn())] };
        let feature = latent.feature(&mut g)?;
        let symlog = cell.decode(&mut g, feature)?;
        let observation = g.unary(symlog, Unary::Symexp)?;
        let decode = Packed::new(Predictor::new(&g, &[store], &[observation])?);
        Ok(Self { step, begin, filter, decode: RefCell::new((decode, vec![0.0; sizes.observation])) })
    }
}

/// The numbers of a batch on its way through a step, a row each.
#[derive(Default)]
struct Buffers {
    h: Vec<f32>,
    z: Vec<f32>,
    action: Vec<f32>,
    noise: Vec<f32>,
    next_h: Vec<f32>,
    next_z: Vec<f32>,
    reward: Vec<f32>,
    continues: Vec<f32>,
}

pub(super) struct RssmImagination<'m> {
    model: &'m Rssm,
    rows: usize,
    h: Vec<f32>,
    z: Vec<f32>,
    graphs: Option<Graphs>,
    buffers: Buffers,
    flat: Vec<f64>,
    flat_action: Vec<f64>,
    observation: Vec<f32>,
}

impl<'m> RssmImagination<'m> {
    /// Room for `rows` beliefs. Before learning it holds no networks, and refuses what would need them.
    pub(super) fn new(model: &'m Rssm, rows: usize) -> Self {
        let sizes = model.cell.sizes;
        let graphs = model.fitted.then(|| Graphs::new(model).expect("the model's own graphs fit its own store"));
        let mut arena = Self {
            model,
            rows,
            h: vec![0.0; rows * sizes.recurrent],
            z: vec![0.0; rows * sizes.drawn()],
            graphs,
            buffers: Buffers::default(),
            flat: vec![0.0; sizes.observation],
            flat_action: vec![0.0; model.spec.action_space.flat_dim()],
            observation: vec![0.0; sizes.observation],
        };
        arena.reserve(rows.max(1));
        arena
    }

    /// Room for a batch; a list may name a row several times, and then more rows than the arena holds.
    fn reserve(&mut self, rows: usize) {
        let (sizes, cell, b) = (self.model.cell.sizes, &self.model.cell, &mut self.buffers);
        let widths = [
            (&mut b.h, sizes.recurrent),
            (&mut b.z, sizes.drawn()),
            (&mut b.action, sizes.action),
            (&mut b.noise, cell.noise()),
            (&mut b.next_h, sizes.recurrent),
            (&mut b.next_z, sizes.drawn()),
            (&mut b.reward, 1),
            (&mut b.continues, 1),
        ];
        for (buffer, width) in widths {
            if buffer.len() < rows * width {
                buffer.resize(rows * width, 0.0);
            }
        }
    }

    fn not_fitted(&self) -> Error {
        Error::NotFitted { who: self.model.spec.name.clone().into() }
    }
}

impl Imagination for RssmImagination<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        let model = self.model;
        let error = self.not_fitted();
        let graphs = self.graphs.as_mut().ok_or(error)?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        model.spec.observation_space.flatten(observation, &mut self.flat)?;
        self.observation.iter_mut().zip(&self.flat).for_each(|(to, from)| *to = *from as f32);
        let (recurrent, drawn) = (model.cell.sizes.recurrent, model.cell.sizes.drawn());
        let b = &mut self.buffers;
        let noise = &mut b.noise[..model.cell.noise()];
        model.cell.draw(&mut key.rng(), noise);
        let z = &mut b.next_z[..drawn];
        match previous {
            None => {
                graphs.begin.one(&[&self.observation, noise], &mut [&mut *z])?;
                self.h[row * recurrent..(row + 1) * recurrent].fill(0.0);
            }
            Some((before, action)) => {
                check_rows(&Rows::Span(before..before + 1), self.rows)?;
                model.spec.action_space.flatten(action, &mut self.flat_action)?;
                let told = &mut b.action[..model.cell.sizes.action];
                model.head.write_network(&self.flat_action, told)?;
                let from_h = &self.h[before * recurrent..(before + 1) * recurrent];
                let from_z = &self.z[before * drawn..(before + 1) * drawn];
                let h = &mut b.next_h[..recurrent];
                graphs.filter.one(&[from_h, from_z, told, &self.observation, noise], &mut [&mut *h, &mut *z])?;
                self.h[row * recurrent..(row + 1) * recurrent].copy_from_slice(h);
            }
        }
        self.z[row * drawn..(row + 1) * drawn].copy_from_slice(z);
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let sizes = self.model.cell.sizes;
        for (part, width) in [(&mut self.h, sizes.recurrent), (&mut self.z, sizes.drawn())] {
            to.iter().for_each(|row| part.copy_within(from * width..(from + 1) * width, row * width));
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        if self.graphs.is_none() {
            return Err(self.not_fitted());
        }
        let model = self.model;
        check_step(&from, &actions, &to, self.rows, &model.spec.action_space)?;
        let n = from.len();
        out.begin(n);
        self.reserve(n);
        let Some(graphs) = self.graphs.as_mut().filter(|_| n > 0) else { return Ok(()) };
        let (cell, sizes, b) = (&model.cell, model.cell.sizes, &mut self.buffers);
        let (recurrent, drawn, action, noise) = (sizes.recurrent, sizes.drawn(), sizes.action, cell.noise());
        for (i, (row, target)) in from.iter().zip(to.iter()).enumerate() {
            b.h[i * recurrent..][..recurrent].copy_from_slice(&self.h[row * recurrent..][..recurrent]);
            b.z[i * drawn..][..drawn].copy_from_slice(&self.z[row * drawn..][..drawn]);
            let told = &mut b.action[i * action..][..action];
            write_action(&model.head, &actions, i, &mut self.flat_action, told)?;
            // By the row that is stepped into, so that a copy of a row in another place moves apart from it.
            cell.draw(&mut key.fold(target as u64).rng(), &mut b.noise[i * noise..][..noise]);
        }
        let x = [&b.h[..n * recurrent], &b.z[..n * drawn], &b.action[..n * action], &b.noise[..n * noise]];
        let next = [&mut b.next_h[..n * recurrent], &mut b.next_z[..n * drawn]];
        let [next_h, next_z] = next;
        let (reward, continues) = (&mut b.reward[..n], &mut b.continues[..n]);
        graphs.step.predictor.predict(&x, &mut [next_h, next_z, reward, continues], &mut graphs.step.scratch)?;
        for (i, row) in to.iter().enumerate() {
            let (next_h, next_z) = (&b.next_h[i * recurrent..][..recurrent], &b.next_z[i * drawn..][..drawn]);
            self.h[row * recurrent..][..recurrent].copy_from_slice(next_h);
            self.z[row * drawn..][..drawn].copy_from_slice(next_z);
            let whole = next_h.iter().chain(next_z).all(|number| number.is_finite());
            let shown = |number: f32| if whole { f64::from(number) } else { f64::NAN };
            out.reward[i] = shown(b.reward[i]);
            out.continuation[i] = model.discount * shown(b.continues[i]);
            out.epistemic[i] = 0.0;
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        let graphs = self.graphs.as_ref().ok_or_else(|| self.not_fitted())?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        let sizes = self.model.cell.sizes;
        if member > 0 || out.len() != sizes.observation {
            let (expected, got) = ([1, sizes.observation], [member + 1, out.len()]);
            return Err(Error::shape("decoded member and length", &expected, &got));
        }
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let (h, z) = (&self.h[row * recurrent..][..recurrent], &self.z[row * drawn..][..drawn]);
        let (packed, observation) = &mut *graphs.decode.borrow_mut();
        packed.one(&[h, z], &mut [observation])?;
        out.iter_mut().zip(observation).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let sizes = self.model.cell.sizes;
        check_latent(row, self.rows, out.len(), sizes.latent())?;
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let parts = self.h[row * recurrent..][..recurrent].iter().chain(&self.z[row * drawn..][..drawn]);
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        let sizes = self.model.cell.sizes;
        check_latent(row, self.rows, latent.len(), sizes.latent())?;
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let parts = self.h[row * recurrent..][..recurrent].iter_mut().chain(&mut self.z[row * drawn..][..drawn]);
        parts.zip(latent).for_each(|(to, from)| *to = *from as f32);
        Ok(())
    }
}
