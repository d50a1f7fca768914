//! A network of MuZero's kind as a world model, with fixed random weights: dynamics `z' = tanh(W₂ relu(W₁ [z, a] + b₁) + b₂)`, and
//! `[reward, value, logits] = V₂ relu(V₁ z' + c₁) + c₂`, all in single precision on the vectors that the machine has.
//!
//! The action enters as one-hot, which is a row of W₁ added. A row of the arena holds its latent state and what was predicted there.

use pulp::{Arch, Simd, WithSimd};
use worldwright_core::{
    Action, Actions, Capabilities, Error, Imagination, Imagined, Key, ModelSpec, Observation, Priors, Result, Rng,
    Rows, Space, Values, WorldModel,
};

/// Rows that share the loads of a weight.
const TILE: usize = 4;
/// Columns of a panel of weights: two vectors of AVX2.
const PANEL: usize = 16;
const DISCOUNT: f64 = 0.99;

/// Weights in panels `[panel][inputs][PANEL]`, columns padded with zeros.
struct Layer {
    inputs: usize,
    panels: usize,
    weights: Vec<f32>,
}

impl Layer {
    fn random(inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        let panels = outputs.div_ceil(PANEL);
        let mut weights = vec![0.0; panels * inputs * PANEL];
        for input in 0..inputs {
            for output in 0..outputs {
                let at = (output / PANEL * inputs + input) * PANEL + output % PANEL;
                weights[at] = (rng.normal() / (inputs as f64).sqrt()) as f32;
            }
        }
        Self { inputs, panels, weights }
    }

    fn width(&self) -> usize {
        self.panels * PANEL
    }

    /// `y = x W + start`, `x` `[rows][inputs]`, `y` `[rows][width]` holding the start.
    #[inline(always)]
    fn apply(&self, rows: usize, x: &[f32], y: &mut [f32]) {
        let mut row = 0;
        while row + TILE <= rows {
            self.tile::<TILE>(row, x, y);
            row += TILE;
        }
        while row < rows {
            self.tile::<1>(row, x, y);
            row += 1;
        }
    }

    #[inline(always)]
    fn tile<const N: usize>(&self, row: usize, x: &[f32], y: &mut [f32]) {
        let width = self.width();
        let inputs: [&[f32]; N] = std::array::from_fn(|r| &x[(row + r) * self.inputs..(row + r + 1) * self.inputs]);
        for (panel, weights) in self.weights.chunks_exact(self.inputs * PANEL).enumerate() {
            let mut sums = [[0.0_f32; PANEL]; N];
            for r in 0..N {
                sums[r].copy_from_slice(&y[(row + r) * width + panel * PANEL..][..PANEL]);
            }
            for (input, weights) in weights.chunks_exact(PANEL).enumerate() {
                for r in 0..N {
                    let factor = inputs[r][input];
                    for column in 0..PANEL {
                        sums[r][column] = factor.mul_add(weights[column], sums[r][column]);
                    }
                }
            }
            for r in 0..N {
                y[(row + r) * width + panel * PANEL..][..PANEL].copy_from_slice(&sums[r]);
            }
        }
    }
}

/// The model.
pub(crate) struct MuZeroNet {
    spec: ModelSpec,
    width: usize,
    actions: usize,
    arch: Arch,
    first: Layer,
    /// `[actions][width]`
    action_rows: Vec<f32>,
    second: Layer,
    hidden: Layer,
    heads: Layer,
}

impl MuZeroNet {
    pub(crate) fn new(actions: usize, width: usize, seed: u64) -> Self {
        assert!(width.is_multiple_of(PANEL), "the width is a multiple of {PANEL}");
        let mut rng = Rng::new(seed);
        let scale = 1.0 / ((width + actions) as f64).sqrt();
        let spec = ModelSpec {
            name: "muzero-net".to_owned(),
            observation_space: Space::unbounded(width),
            action_space: Space::discrete(actions),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: true,
            capabilities: Capabilities { value: true, prior: true, ..Capabilities::default() },
        };
        Self {
            spec,
            width,
            actions,
            arch: Arch::new(),
            first: Layer::random(width, width, &mut rng),
            action_rows: (0..actions * width).map(|_| (rng.normal() * scale) as f32).collect(),
            second: Layer::random(width, width, &mut rng),
            hidden: Layer::random(width, width, &mut rng),
            heads: Layer::random(width, actions + 2, &mut rng),
        }
    }
}

impl WorldModel for MuZeroNet {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let heads = self.heads.width();
        Box::new(Arena {
            net: self,
            rows,
            latents: vec![0.0; rows * self.width],
            predictions: vec![0.0; rows * heads],
            a: vec![0.0; BLOCK * self.width],
            b: vec![0.0; BLOCK * self.width],
            out: vec![0.0; BLOCK * heads],
        })
    }
}

/// Rows that go through all layers together, while they are in cache.
const BLOCK: usize = 32;

struct Arena<'m> {
    net: &'m MuZeroNet,
    rows: usize,
    /// `[rows][width]`
    latents: Vec<f32>,
    /// `[rows][heads]`: reward, value, logits
    predictions: Vec<f32>,
    a: Vec<f32>,
    b: Vec<f32>,
    out: Vec<f32>,
}

#[inline(always)]
fn relu(numbers: &mut [f32]) {
    numbers.iter_mut().for_each(|x| *x = x.max(0.0));
}

/// tanh by a rational function of degrees 13 and 6, error below 1e-6.
#[inline(always)]
fn tanh(numbers: &mut [f32]) {
    const P: [f32; 7] =
        [-2.760_768_5e-16, 2.000_188e-13, -8.604_672e-11, 5.122_297e-8, 1.485_722_4e-5, 6.372_619_3e-4, 4.893_524_6e-3];
    const Q: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    for x in numbers {
        let clamped = x.clamp(-7.9, 7.9);
        let square = clamped * clamped;
        let (mut p, mut q) = (0.0_f32, 0.0_f32);
        for coefficient in P {
            p = p.mul_add(square, coefficient);
        }
        for coefficient in Q {
            q = q.mul_add(square, coefficient);
        }
        *x = clamped * p / q;
    }
}

impl Arena<'_> {
    /// Predictions of the latents in `b`, for the rows `to`.
    #[inline(always)]
    fn predict(&mut self, n: usize, to: &Rows<'_>, first: usize) {
        let (width, heads) = (self.net.width, self.net.heads.width());
        let (a, b, out) = (&mut self.a[..n * width], &self.b[..n * width], &mut self.out[..n * heads]);
        a.fill(0.0);
        self.net.hidden.apply(n, b, a);
        relu(a);
        out.fill(0.0);
        self.net.heads.apply(n, a, out);
        for i in 0..n {
            let row = to.at(first + i);
            self.latents[row * width..(row + 1) * width].copy_from_slice(&b[i * width..(i + 1) * width]);
            self.predictions[row * heads..(row + 1) * heads].copy_from_slice(&out[i * heads..(i + 1) * heads]);
        }
    }

    #[inline(always)]
    fn advance(&mut self, n: usize, first: usize, from: &Rows<'_>, choices: &[u32], to: &Rows<'_>) {
        let width = self.net.width;
        for i in 0..n {
            let (row, choice) = (from.at(first + i), choices[first + i] as usize);
            self.b[i * width..(i + 1) * width].copy_from_slice(&self.latents[row * width..(row + 1) * width]);
            let action = &self.net.action_rows[choice * width..(choice + 1) * width];
            self.a[i * width..(i + 1) * width].copy_from_slice(action);
        }
        let (a, b) = (&mut self.a[..n * width], &mut self.b[..n * width]);
        self.net.first.apply(n, b, a);
        relu(a);
        b.fill(0.0);
        self.net.second.apply(n, a, b);
        tanh(b);
        self.predict(n, to, first);
    }
}

/// The predictions of a row that was observed.
struct Predict<'a, 'm> {
    arena: &'a mut Arena<'m>,
    row: usize,
}

impl WithSimd for Predict<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.arena.predict(1, &Rows::Span(self.row..self.row + 1), 0);
    }
}

/// The steps of a block of rows.
struct Advance<'a, 'm> {
    arena: &'a mut Arena<'m>,
    n: usize,
    first: usize,
    from: &'a Rows<'a>,
    choices: &'a [u32],
    to: &'a Rows<'a>,
}

impl WithSimd for Advance<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.arena.advance(self.n, self.first, self.from, self.choices, self.to);
    }
}

impl Imagination for Arena<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.net.spec
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
        self.net.spec.observation_space.check(observation)?;
        if let Some(numbers) = observation.floats() {
            self.b.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = *number as f32);
        }
        let arch = self.net.arch;
        arch.dispatch(Predict { arena: self, row });
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        let (width, heads) = (self.net.width, self.net.heads.width());
        for row in to.iter() {
            self.latents.copy_within(from * width..(from + 1) * width, row * width);
            self.predictions.copy_within(from * heads..(from + 1) * heads, row * heads);
        }
    }

    fn step(
        &mut self,
        from: Rows<'_>,
        actions: Actions<'_>,
        to: Rows<'_>,
        _key: Key,
        out: &mut Imagined,
    ) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(choices) = actions else {
            return Err(Error::shape("action columns", &[0], &[n]));
        };
        if to.len() != n || choices.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), choices.len()]));
        }
        out.begin(n);
        out.epistemic.fill(0.0);
        let arch = self.net.arch;
        for first in (0..n).step_by(BLOCK) {
            let n = BLOCK.min(n - first);
            arch.dispatch(Advance { arena: self, n, first, from: &from, choices, to: &to });
        }
        let heads = self.net.heads.width();
        for i in 0..n {
            out.reward[i] = f64::from(self.predictions[to.at(i) * heads]);
            out.continuation[i] = DISCOUNT;
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let heads = self.net.heads.width();
        out.value.resize(rows.len(), 0.0);
        for (slot, row) in out.value.iter_mut().zip(rows.iter()) {
            *slot = f64::from(self.predictions[row * heads + 1]);
        }
        Ok(())
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        let (heads, actions) = (self.net.heads.width(), self.net.actions);
        out.mean.resize(rows.len() * actions, 0.0);
        for (slots, row) in out.mean.chunks_exact_mut(actions).zip(rows.iter()) {
            let logits = &self.predictions[row * heads + 2..][..actions];
            slots.iter_mut().zip(logits).for_each(|(slot, logit)| *slot = f64::from(*logit));
        }
        Ok(())
    }
}
