//! How a model's step changes with latent and action: Jacobians, and on request second derivatives, by finite differences.
//!
//! A step of size h along each of the D = Z + A numbers (latent, then action) of each row, both ways, gives
//!
//! ```text
//! ∂f/∂d   ≈ (f(+d) − f(−d)) / 2h
//! ∂²f/∂d∂e ≈ (f(+d+e) + f(−d−e) − f(+d) − f(−d) − f(+e) − f(−e) + 2 f) / 2h²
//! ```
//!
//! (Nocedal and Wright, "Numerical Optimization", 2006, section 8.1), all steps in batches as large as the scratch rows that the
//! caller names. Where one side diverges the other is used, and a derivative of which nothing is left is zero.

use crate::{Actions, Batch, Columns, Error, Imagination, Imagined, Key, ModelSpec, Result, Rows, Space};

/// What [`Imagination::linearize`] needs beside the rows and actions.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// Rows of the arena that may be overwritten, at least 2. More rows make larger batches.
    pub scratch: std::ops::Range<usize>,
    /// Step size, in units of 1 + |number|.
    pub step: f64,
    /// Whether the reward's second derivatives are wanted.
    pub reward_curvature: bool,
    /// Whether the next latent's second derivatives are wanted, too.
    pub latent_curvature: bool,
}

/// The derivatives of the steps of a batch of rows, preallocated by the caller. Matrices stand column after column.
///
/// Latents are those of [`Imagination::read_latent`]; rewards are means over the lanes.
#[derive(Debug, Clone, Default)]
pub struct Linearizations {
    latent_dim: usize,
    action_dim: usize,
    rows: usize,
    /// Next latents `[rows][Z]`.
    pub next: Vec<f64>,
    /// Rewards `[rows]`; not finite where the row diverged.
    pub reward: Vec<f64>,
    /// Continuations `[rows]`.
    pub continuation: Vec<f64>,
    /// `[rows][D columns][Z]`: the next latent by latent, then by action.
    pub jacobian: Vec<f64>,
    /// `[rows][D]`
    pub reward_gradient: Vec<f64>,
    /// `[rows][D][D]`; filled only where asked for.
    pub reward_hessian: Vec<f64>,
    /// `[rows][D][D][Z]`; filled only where asked for.
    pub latent_hessian: Vec<f64>,
    /// Model steps taken: rows × members advanced by one. A model that knows its derivatives takes one for each row and member.
    pub model_steps: u64,
    /// Steps that diverged.
    pub diverged: u64,
    probe: Probe,
}

/// Room for one batch of perturbed rows.
#[derive(Debug, Clone, Default)]
struct Probe {
    capacity: usize,
    actions: Batch,
    imagined: Imagined,
    centre: Vec<f64>,
    sizes: Vec<f64>,
    moved: Vec<f64>,
    /// `[rows][probes][Z + 1]`: the next latents and rewards that the probes saw.
    seen: Vec<f64>,
}

impl Linearizations {
    /// Room for `rows` rows of a model with this spec, probed at most `scratch` at a time.
    pub fn new(spec: &ModelSpec, rows: usize, scratch: usize, second_order: bool) -> Self {
        let (z, a) = (spec.latent_dim, spec.action_space.flat_dim());
        let d = z + a;
        let probes = if second_order { 2 + d + d * d } else { 1 + 2 * d };
        let squares = if second_order { rows * d * d } else { 0 };
        Self {
            latent_dim: z,
            action_dim: a,
            rows,
            next: vec![0.0; rows * z],
            reward: vec![0.0; rows],
            continuation: vec![0.0; rows],
            jacobian: vec![0.0; rows * d * z],
            reward_gradient: vec![0.0; rows * d],
            reward_hessian: vec![0.0; squares],
            latent_hessian: vec![0.0; squares * z],
            model_steps: 0,
            diverged: 0,
            probe: Probe {
                capacity: scratch,
                actions: Batch::zeros(a, scratch),
                imagined: Imagined::new(spec, scratch),
                centre: vec![0.0; rows * d],
                sizes: vec![0.0; rows * d],
                moved: vec![0.0; d],
                seen: vec![0.0; rows * probes * (z + 1)],
            },
        }
    }

    /// Z and A.
    pub fn dims(&self) -> (usize, usize) {
        (self.latent_dim, self.action_dim)
    }

    /// Rows that it has room for.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Refuses what has no derivatives, or finds no room for them here; gives the actions. `second` tells whether curvature is wanted.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model that is random, has discrete actions, or whose latents cannot be read, and
    /// [`Error::Shape`] for too little room.
    pub fn check<'a>(
        &self,
        spec: &ModelSpec,
        rows: &Rows<'_>,
        actions: Actions<'a>,
        second: bool,
    ) -> Result<Columns<'a>> {
        if spec.latent_dim == 0 {
            return Err(Error::unsupported(spec.name.clone(), "derivatives of a step: its latents cannot be read"));
        }
        if !spec.deterministic {
            return Err(Error::unsupported(
                spec.name.clone(),
                "derivatives of a random step: use a deterministic model, or an ensemble with propagation = \"expectation\"",
            ));
        }
        let (Actions::Continuous(columns), Space::Box { .. }) = (actions, &spec.action_space) else {
            return Err(Error::unsupported(spec.name.clone(), "derivatives by discrete actions"));
        };
        let (n, (z, a)) = (rows.len(), self.dims());
        let fits = spec.latent_dim == z && columns.dims() == a && columns.rows() == n && n <= self.rows;
        if !fits || (second && self.reward_hessian.len() < n * (z + a) * (z + a)) {
            return Err(Error::shape(
                "room for derivatives",
                &[n, spec.latent_dim, columns.dims()],
                &[self.rows, z, a],
            ));
        }
        Ok(columns)
    }
}

/// Which numbers a probe moves, and where to.
#[derive(Debug, Clone, Copy)]
enum Move {
    Nothing,
    /// Where differences are centred: the row itself, but within its actions' bounds.
    Centre,
    One(usize, f64),
    Both(usize, usize, f64),
}

/// Probe `index` of a row with `d` numbers: the row itself, each number both ways, each pair both ways, the centre.
fn probe_move(index: usize, d: usize) -> Move {
    if index == 0 {
        return Move::Nothing;
    }
    if index > d + d * d {
        return Move::Centre;
    }
    let sign = if index % 2 == 1 { 1.0 } else { -1.0 };
    let place = (index - 1) / 2;
    if place < d {
        return Move::One(place, sign);
    }
    let mut left = place - d;
    let mut first = 0;
    while left >= d - 1 - first {
        left -= d - 1 - first;
        first += 1;
    }
    Move::Both(first, first + 1 + left, sign)
}

/// The default of [`Imagination::linearize`], for a model that knows its derivatives only sometimes.
///
/// # Errors
/// [`Error::Unsupported`] for a model that is random, has discrete actions, or whose latents cannot be read, [`Error::Shape`] for
/// too little room, and what the model's steps give.
pub fn by_differences<W: Imagination + ?Sized>(
    world: &mut W,
    rows: &Rows<'_>,
    actions: Actions<'_>,
    differences: &Differences,
    out: &mut Linearizations,
) -> Result<()> {
    let second = differences.reward_curvature || differences.latent_curvature;
    let columns = out.check(world.spec(), rows, actions, second)?;
    let spec = world.spec();
    let (n, (z, a)) = (rows.len(), out.dims());
    let d = z + a;
    let probes = if second { 2 + d + d * d } else { 1 + 2 * d };
    let batch = differences.scratch.len().min(out.probe.capacity);
    if batch == 0 {
        return Err(Error::shape("scratch rows", &[1], &[0]));
    }
    let members = spec.members;
    let probe = &mut out.probe;
    for i in 0..n {
        let (centre, sizes) = (&mut probe.centre[i * d..][..d], &mut probe.sizes[i * d..][..d]);
        world.read_latent(rows.at(i), &mut centre[..z])?;
        columns.copy_row(i, &mut centre[z..]);
        for (number, size) in centre.iter_mut().zip(sizes.iter_mut()) {
            *size = differences.step * (1.0 + number.abs());
        }
        let Space::Box { low, high, .. } = &world.spec().action_space else { continue };
        for j in 0..a {
            // Beyond a bound an action has no effect, which would halve the slope: look inwards.
            let (centre, size) = (&mut centre[z + j], &mut sizes[z + j]);
            *size = size.min(0.25 * (high[j] - low[j])).max(f64::MIN_POSITIVE);
            *centre = centre.max(low[j] + *size).min(high[j] - *size);
        }
    }
    let total = n * probes;
    let mut first = 0;
    while first < total {
        let count = batch.min(total - first);
        probe.actions.set_rows(count);
        for slot in 0..count {
            let (i, index) = ((first + slot) / probes, (first + slot) % probes);
            let sizes = &probe.sizes[i * d..][..d];
            probe.moved.copy_from_slice(&probe.centre[i * d..][..d]);
            match probe_move(index, d) {
                Move::Nothing => columns.copy_row(i, &mut probe.moved[z..]),
                Move::Centre => {}
                Move::One(p, sign) => probe.moved[p] += sign * sizes[p],
                Move::Both(p, q, sign) => {
                    probe.moved[p] += sign * sizes[p];
                    probe.moved[q] += sign * sizes[q];
                }
            }
            let row = differences.scratch.start + slot;
            world.copy(rows.at(i), Rows::Span(row..row + 1));
            world.write_latent(row, &probe.moved[..z])?;
            probe.actions.columns_mut().set_row(slot, &probe.moved[z..]);
        }
        let span = differences.scratch.start..differences.scratch.start + count;
        probe.imagined.begin(count);
        let moves = Actions::Continuous(probe.actions.columns());
        world.step(Rows::Span(span.clone()), moves, Rows::Span(span), Key::new(0), &mut probe.imagined)?;
        out.model_steps += (count * members) as u64;
        for slot in 0..count {
            let mean = |numbers: &[f64]| {
                (0..members).map(|member| numbers[probe.imagined.at(member, slot)]).sum::<f64>() / members as f64
            };
            let reward = mean(&probe.imagined.reward);
            let seen = &mut probe.seen[(first + slot) * (z + 1)..][..z + 1];
            world.read_latent(differences.scratch.start + slot, &mut seen[..z])?;
            seen[z] = reward;
            if !seen.iter().all(|number| number.is_finite()) {
                out.diverged += 1;
                seen.fill(f64::NAN);
            }
            if (first + slot) % probes == 0 {
                out.continuation[(first + slot) / probes] = mean(&probe.imagined.continuation);
            }
        }
        first += count;
    }
    for i in 0..n {
        out.gather(i, probes, second, columns, differences);
    }
    Ok(())
}

impl Linearizations {
    /// Turns what the probes of row `i` saw into derivatives.
    fn gather(&mut self, i: usize, probes: usize, second: bool, columns: Columns<'_>, differences: &Differences) {
        let (z, a) = self.dims();
        let d = z + a;
        let seen = &self.probe.seen[i * probes * (z + 1)..][..probes * (z + 1)];
        let at = |probe: usize, number: usize| seen[probe * (z + 1) + number];
        let sizes = &self.probe.sizes[i * d..][..d];
        self.next[i * z..][..z].copy_from_slice(&seen[..z]);
        self.reward[i] = at(0, z);
        for p in 0..d {
            for number in 0..=z {
                let (plus, minus, middle) = (at(1 + 2 * p, number), at(2 + 2 * p, number), at(0, number));
                let slope = match (plus.is_finite(), minus.is_finite(), middle.is_finite()) {
                    (true, true, _) => (plus - minus) / (2.0 * sizes[p]),
                    (true, false, true) => (plus - middle) / sizes[p],
                    (false, true, true) => (middle - minus) / sizes[p],
                    _ => 0.0,
                };
                let slot = if number < z {
                    &mut self.jacobian[(i * d + p) * z + number]
                } else {
                    &mut self.reward_gradient[i * d + p]
                };
                *slot = slope;
            }
        }
        if !second {
            return;
        }
        let first_number = if differences.latent_curvature { 0 } else { z };
        let mut pair = 1 + 2 * d;
        for p in 0..d {
            for q in p..d {
                for number in first_number..=z {
                    let around = at(1 + 2 * p, number) + at(2 + 2 * p, number);
                    let bend = if p == q {
                        (around - 2.0 * at(probes - 1, number)) / (sizes[p] * sizes[p])
                    } else {
                        let across = at(1 + 2 * q, number) + at(2 + 2 * q, number);
                        let corners = at(pair, number) + at(pair + 1, number);
                        (corners - around - across + 2.0 * at(probes - 1, number)) / (2.0 * sizes[p] * sizes[q])
                    };
                    let bend = if bend.is_finite() { bend } else { 0.0 };
                    for (p, q) in [(p, q), (q, p)] {
                        if number < z {
                            self.latent_hessian[((i * d + p) * d + q) * z + number] = bend;
                        } else {
                            self.reward_hessian[(i * d + p) * d + q] = bend;
                        }
                    }
                }
                if p != q {
                    pair += 2;
                }
            }
        }
        // Slopes were taken inwards of a bound: take them to the action itself.
        for j in 0..a {
            let off = columns.get(i, j) - self.probe.centre[i * d + z + j];
            if off == 0.0 {
                continue;
            }
            for p in 0..d {
                self.reward_gradient[i * d + p] += off * self.reward_hessian[(i * d + z + j) * d + p];
            }
        }
    }
}

/// Vector–Jacobian products of a batch of steps.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// `[rows][Z]`
    pub by_latent: Vec<f64>,
    /// `[rows][A]`
    pub by_action: Vec<f64>,
}

/// The default of [`Imagination::pullback`]: `Jᵀv` from the derivatives of all rows, with weight 1 on the reward.
pub fn pull(linear: &Linearizations, cotangents: &[f64], rows: usize, out: &mut Pulled) {
    let (z, a) = linear.dims();
    let d = z + a;
    out.by_latent.resize(rows * z, 0.0);
    out.by_action.resize(rows * a, 0.0);
    for i in 0..rows {
        let cotangent = &cotangents[i * z..][..z];
        for p in 0..d {
            let column = &linear.jacobian[(i * d + p) * z..][..z];
            let product: f64 = column.iter().zip(cotangent).map(|(slope, weight)| slope * weight).sum();
            let value = linear.reward_gradient[i * d + p] + product;
            if p < z {
                out.by_latent[i * z + p] = value;
            } else {
                out.by_action[i * a + p - z] = value;
            }
        }
    }
}

/// The default of [`Imagination::pullback`]: by [`Imagination::linearize`], whose results it leaves in `linear`.
///
/// # Errors
/// [`Error::Shape`] for cotangents of another length than `[rows][Z]`, and as for [`Imagination::linearize`].
pub fn pull_by_linearizing<W: Imagination + ?Sized>(
    world: &mut W,
    rows: &Rows<'_>,
    actions: Actions<'_>,
    cotangents: &[f64],
    differences: &Differences,
    linear: &mut Linearizations,
    out: &mut Pulled,
) -> Result<()> {
    let expected = rows.len() * world.spec().latent_dim;
    if cotangents.len() != expected {
        return Err(Error::shape("cotangents", &[expected], &[cotangents.len()]));
    }
    world.linearize(rows.clone(), actions, differences, linear)?;
    pull(linear, cotangents, rows.len(), out);
    Ok(())
}
