//! The arena of a recurrent state-space model: rows are beliefs, `[row][h, z]` in single precision.
//!
//! `observe` filters: the row before and the action give `h`, and with the observation a draw from the posterior of `z`. `step` draws from the
//! prior. A row's draws depend on the key and that row alone, and its numbers on nothing beside it.

use std::cell::RefCell;

use worldwright_core::{Action, Actions, Imagination, Imagined, Key, ModelSpec, Observation, Result, Rows};
use worldwright_nn::{Cell, Latent, Predictor, Unary};

use super::Rssm;
use crate::arena::{check_latent, check_rows, check_step};
use crate::latent::packed::{Packed, write_action};
use crate::latent::rows::{Told, copy, frozen, reserve, tell};

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
        let (cell, store) = (&model.kind.cell, &model.learned.store);
        let sizes = cell.sizes;
        let mut g = frozen(store);
        let latent = Latent { parts: vec![g.input(sizes.recurrent), g.input(sizes.drawn())] };
        let (action, noise) = (g.input(sizes.action), g.input(cell.noise()));
        let stepped = cell.step(&mut g, &latent, action, noise)?;
        let outputs = [stepped.latent.parts[0], stepped.latent.parts[1], stepped.reward, stepped.continues];
        let step = Packed::new(Predictor::new(&g, &[store], &outputs)?);

        let mut g = frozen(store);
        let (observation, noise) = (g.input(sizes.observation), g.input(cell.noise()));
        let latent = cell.begin(&mut g, 1)?;
        let embedded = cell.embed(&mut g, observation)?;
        let logits = cell.posterior(&mut g, latent.parts[0], embedded)?;
        let z = cell.draw_from(&mut g, logits, noise)?;
        let begin = Packed::new(Predictor::new(&g, &[store], &[z])?);

        let mut g = frozen(store);
        let latent = Latent { parts: vec![g.input(sizes.recurrent), g.input(sizes.drawn())] };
        let action = g.input(sizes.action);
        let (observation, noise) = (g.input(sizes.observation), g.input(cell.noise()));
        let h = cell.advance(&mut g, &latent, action)?;
        let embedded = cell.embed(&mut g, observation)?;
        let logits = cell.posterior(&mut g, h, embedded)?;
        let z = cell.draw_from(&mut g, logits, noise)?;
        let filter = Packed::new(Predictor::new(&g, &[store], &[h, z])?);

        let mut g = frozen(store);
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
    told: Told,
}

impl<'m> RssmImagination<'m> {
    /// Room for `rows` beliefs. Before learning it holds no networks, and refuses what would need them.
    pub(super) fn new(model: &'m Rssm, rows: usize) -> Self {
        let sizes = model.kind.cell.sizes;
        let graphs =
            model.learned.fitted.then(|| Graphs::new(model).expect("the model's own graphs fit its own store"));
        let mut arena = Self {
            model,
            rows,
            h: vec![0.0; rows * sizes.recurrent],
            z: vec![0.0; rows * sizes.drawn()],
            graphs,
            buffers: Buffers::default(),
            told: Told::new(&model.spec),
        };
        arena.reserve(rows.max(1));
        arena
    }

    /// Room for a batch; a list may name a row several times, and then more rows than the arena holds.
    fn reserve(&mut self, rows: usize) {
        let (cell, b) = (&self.model.kind.cell, &mut self.buffers);
        let sizes = cell.sizes;
        let parts = [
            (&mut b.h, sizes.recurrent),
            (&mut b.z, sizes.drawn()),
            (&mut b.action, sizes.action),
            (&mut b.noise, cell.noise()),
            (&mut b.next_h, sizes.recurrent),
            (&mut b.next_z, sizes.drawn()),
            (&mut b.reward, 1),
            (&mut b.continues, 1),
        ];
        reserve(parts, rows);
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
        let (model, cell) = (self.model, &self.model.kind.cell);
        let graphs = self.graphs.as_mut().ok_or_else(|| model.not_fitted())?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        if let Some((_, action)) = previous {
            model.spec.action_space.flatten(action, &mut self.told.action)?;
            model.head.write_network(&self.told.action, &mut self.buffers.action[..cell.sizes.action])?;
        }
        let observation = self.told.see(&model.spec, observation)?;
        let (recurrent, drawn) = (cell.sizes.recurrent, cell.sizes.drawn());
        let b = &mut self.buffers;
        let noise = &mut b.noise[..cell.noise()];
        cell.draw(&mut key.rng(), noise);
        let z = &mut b.next_z[..drawn];
        match previous {
            None => {
                graphs.begin.one(&[observation, noise], &mut [&mut *z])?;
                self.h[row * recurrent..(row + 1) * recurrent].fill(0.0);
            }
            Some((before, _)) => {
                check_rows(&Rows::Span(before..before + 1), self.rows)?;
                let told = &b.action[..cell.sizes.action];
                let from_h = &self.h[before * recurrent..(before + 1) * recurrent];
                let from_z = &self.z[before * drawn..(before + 1) * drawn];
                let h = &mut b.next_h[..recurrent];
                graphs.filter.one(&[from_h, from_z, told, observation, noise], &mut [&mut *h, &mut *z])?;
                self.h[row * recurrent..(row + 1) * recurrent].copy_from_slice(h);
            }
        }
        self.z[row * drawn..(row + 1) * drawn].copy_from_slice(z);
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let sizes = self.model.kind.cell.sizes;
        copy([(&mut self.h, sizes.recurrent), (&mut self.z, sizes.drawn())], from, &to);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        if self.graphs.is_none() {
            return Err(self.model.not_fitted());
        }
        let model = self.model;
        check_step(&from, &actions, &to, self.rows, &model.spec.action_space)?;
        let n = from.len();
        out.begin(n);
        self.reserve(n);
        let Some(graphs) = self.graphs.as_mut().filter(|_| n > 0) else { return Ok(()) };
        let (cell, b) = (&model.kind.cell, &mut self.buffers);
        let sizes = cell.sizes;
        let (recurrent, drawn, action, noise) = (sizes.recurrent, sizes.drawn(), sizes.action, cell.noise());
        for (i, (row, target)) in from.iter().zip(to.iter()).enumerate() {
            b.h[i * recurrent..][..recurrent].copy_from_slice(&self.h[row * recurrent..][..recurrent]);
            b.z[i * drawn..][..drawn].copy_from_slice(&self.z[row * drawn..][..drawn]);
            let told = &mut b.action[i * action..][..action];
            write_action(&model.head, &actions, i, &mut self.told.action, told)?;
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
            tell(out, i, next_h.iter().chain(next_z), (b.reward[i], b.continues[i]), model.kind.discount);
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        let graphs = self.graphs.as_ref().ok_or_else(|| self.model.not_fitted())?;
        check_rows(&Rows::Span(row..row + 1), self.rows)?;
        self.model.spec.check_decoded(member, out.len())?;
        let sizes = self.model.kind.cell.sizes;
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let (h, z) = (&self.h[row * recurrent..][..recurrent], &self.z[row * drawn..][..drawn]);
        let (packed, observation) = &mut *graphs.decode.borrow_mut();
        packed.one(&[h, z], &mut [observation])?;
        out.iter_mut().zip(observation).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let sizes = self.model.kind.cell.sizes;
        check_latent(row, self.rows, out.len(), sizes.latent())?;
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let parts = self.h[row * recurrent..][..recurrent].iter().chain(&self.z[row * drawn..][..drawn]);
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = f64::from(*from));
        Ok(())
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        let sizes = self.model.kind.cell.sizes;
        check_latent(row, self.rows, latent.len(), sizes.latent())?;
        let (recurrent, drawn) = (sizes.recurrent, sizes.drawn());
        let parts = self.h[row * recurrent..][..recurrent].iter_mut().chain(&mut self.z[row * drawn..][..drawn]);
        parts.zip(latent).for_each(|(to, from)| *to = *from as f32);
        Ok(())
    }
}
