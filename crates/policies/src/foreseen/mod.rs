//! Policies of a normal distribution: what actions are in mean and covariance where what is seen is uncertain, with derivatives by every parameter.
//!
//! ```text
//! a = middle + half · sin p(x)
//! ```
//!
//! with p a radial network ([`rbf`]) or linear ([`linear`]) and the sine to keep to the bounds of actions, whose moments are exact as well (Deisenroth and
//! Rasmussen, "PILCO: A Model-Based and Data-Efficient Approach to Policy Search", ICML 2011, sections 2.2 and 2.3; Deisenroth, 2010, section 3.5.1). The
//! slope V of the action is that of p times the mean derivative of the sine.

pub(crate) mod linear;
pub(crate) mod rbf;

use worldwright_core::{ActionHead, Array, Batch, Columns, Error, Mode, Persist, Policy, Result, Rng, State};
use worldwright_numerics::moments::{Gaussian, Moments, Sine, Sines, add_product_transposed, add_transposed_product};

use crate::{MomentPolicy, PolicyContext};

/// What comes before the sine.
pub(crate) trait Preliminary: Send {
    /// All numbers that are learned.
    fn parameters(&self) -> &[f64];

    /// Takes others on, as many.
    fn take(&mut self, parameters: &[f64], scale: &Scale) -> Result<()>;

    /// Begins anew around rows of what was seen, in units of the scale.
    fn begin(&mut self, seen: Columns<'_>, scale: &Scale, rng: &mut Rng) -> Result<()>;

    /// p at one x.
    fn at(&self, x: &[f64], p: &mut [f64]);

    /// Moments of p.
    fn moments(&mut self, x: &Gaussian, out: &mut Moments);

    /// Adds what `adjoint` means for x to `into`, and keeps what it means for the parameters.
    fn pull(&mut self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian);

    /// Writes what was kept for the parameters, and forgets it.
    fn slopes(&mut self, scale: &Scale, out: &mut [f64]);
}

/// Units of what is seen, fixed where a policy begins, so that all its parameters are of the order of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) mean: Vec<f64>,
    pub(crate) std: Vec<f64>,
}

/// A preliminary policy with its sine.
pub(crate) struct Saturated<P> {
    who: &'static str,
    preliminary: P,
    sine: Sines,
    bounds: Vec<[f64; 2]>,
    scale: Scale,
    // Room.
    p: Moments,
    sines: Moments,
    by_p: Moments,
    by_sines: Moments,
    by_p_itself: Gaussian,
    seen: Vec<f64>,
    said: Vec<f64>,
    action: Vec<f64>,
}

/// Middle and half of every action's range.
pub(crate) fn ranges(who: &str, context: &PolicyContext) -> Result<(Vec<f64>, Vec<f64>)> {
    match ActionHead::new(who, &context.action_space)? {
        ActionHead::Continuous { middle, half } => Ok((middle, half)),
        ActionHead::Discrete { .. } => {
            let why = "choices, which have no derivatives: choose an algorithm for choices, such as dqn";
            Err(Error::unsupported(who.to_owned(), why))
        }
    }
}

impl<P: Preliminary> Saturated<P> {
    pub(crate) fn new(
        who: &'static str,
        inputs: usize,
        (middle, half): (Vec<f64>, Vec<f64>),
        preliminary: P,
    ) -> Result<Self> {
        let a = middle.len();
        let sine = |(of, (offset, half)): (usize, (&f64, &f64))| Sine { of, offset: *offset, wave: Some((*half, 0.0)) };
        let mut it = Self {
            who,
            preliminary,
            sine: Sines(middle.iter().zip(&half).enumerate().map(sine).collect()),
            bounds: middle.iter().zip(&half).map(|(middle, half)| [middle - half, middle + half]).collect(),
            scale: Scale { mean: vec![0.0; inputs], std: vec![1.0; inputs] },
            p: Moments::zeros(inputs, a),
            sines: Moments::zeros(a, a),
            by_p: Moments::zeros(inputs, a),
            by_sines: Moments::zeros(a, a),
            by_p_itself: Gaussian::zeros(a),
            seen: vec![0.0; inputs],
            said: vec![0.0; a],
            action: vec![0.0; a],
        };
        let parameters = it.preliminary.parameters().to_vec();
        it.preliminary.take(&parameters, &it.scale)?;
        Ok(it)
    }
}

impl<P: Preliminary> Policy for Saturated<P> {
    fn inputs(&self) -> usize {
        self.seen.len()
    }

    fn act(&mut self, inputs: Columns<'_>, _mode: Mode, _rng: &mut Rng, out: &mut Batch) -> Result<()> {
        if inputs.dims() != self.seen.len() {
            return Err(Error::shape("inputs of the policy", &[self.seen.len()], &[inputs.dims()]));
        }
        if out.rows() != inputs.rows() || out.dims() != self.action.len() {
            let expected = [inputs.rows(), self.action.len()];
            return Err(Error::shape("actions of the policy", &expected, &[out.rows(), out.dims()]));
        }
        for row in 0..inputs.rows() {
            inputs.copy_row(row, &mut self.seen);
            self.preliminary.at(&self.seen, &mut self.said);
            self.sine.at(&self.said, &mut self.action);
            for (number, [low, high]) in self.action.iter_mut().zip(&self.bounds) {
                if !number.is_finite() {
                    let why = "it gives actions that are not finite".into();
                    return Err(Error::Diverged { who: self.who.into(), why });
                }
                // Middle and half are rounded, so that their sum may lie a little outside.
                *number = number.clamp(*low, *high);
            }
            out.columns_mut().set_row(row, &self.action);
        }
        Ok(())
    }

    fn weights(&self) -> State {
        self.save()
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.restore(weights)
    }
}

impl<P: Preliminary> MomentPolicy for Saturated<P> {
    fn begin(&mut self, seen: Columns<'_>, std: &[f64], rng: &mut Rng) -> Result<()> {
        let inputs = self.seen.len();
        if seen.dims() != inputs || std.len() != inputs {
            return Err(Error::shape("inputs of the policy", &[inputs, inputs], &[seen.dims(), std.len()]));
        }
        if seen.rows() == 0 {
            return Err(Error::config(self.who, "needs something that was seen to begin around"));
        }
        for i in 0..inputs {
            self.scale.mean[i] = seen.column(i).iter().sum::<f64>() / seen.rows() as f64;
            self.scale.std[i] = std[i];
        }
        self.preliminary.begin(seen, &self.scale, rng)
    }

    fn parameters(&self) -> &[f64] {
        self.preliminary.parameters()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        let count = self.preliminary.parameters().len();
        if parameters.len() != count {
            return Err(Error::shape("parameters of the policy", &[count], &[parameters.len()]));
        }
        self.preliminary.take(parameters, &self.scale)
    }

    fn moments(&mut self, x: &Gaussian, out: &mut Moments) {
        self.preliminary.moments(x, &mut self.p);
        self.sine.moments(&self.p.output, &mut self.sines);
        out.output.clone_from(&self.sines.output);
        let a = self.action.len();
        for (row, before) in out.slope.chunks_exact_mut(a).zip(self.p.slope.chunks_exact(a)) {
            (0..a).for_each(|k| row[k] = before[k] * self.sines.slope[k * a + k]);
        }
    }

    fn pull(&mut self, x: &Gaussian, adjoint: &Moments, into: &mut Gaussian) {
        let (inputs, a) = (self.seen.len(), self.action.len());
        self.preliminary.moments(x, &mut self.p);
        self.sine.moments(&self.p.output, &mut self.sines);
        self.by_sines.output.clone_from(&adjoint.output);
        self.by_sines.slope.fill(0.0);
        add_transposed_product(&self.p.slope, &adjoint.slope, &mut self.by_sines.slope, [a, inputs, a]);
        self.by_p_itself.clear();
        self.sine.pull(&self.p.output, &self.by_sines, &mut self.by_p_itself);
        self.by_p_itself.symmetrise();
        self.by_p.output.clone_from(&self.by_p_itself);
        self.by_p.slope.fill(0.0);
        add_product_transposed(&adjoint.slope, &self.sines.slope, &mut self.by_p.slope, [inputs, a, a]);
        self.preliminary.pull(x, &self.by_p, into);
    }

    fn slopes(&mut self, out: &mut [f64]) {
        self.preliminary.slopes(&self.scale, out);
    }
}

impl<P: Preliminary> Persist for Saturated<P> {
    fn save(&self) -> State {
        let mut state = State::new();
        let vector = |numbers: &[f64]| Array::F64(vec![numbers.len()], numbers.to_vec());
        state.put("sizes", Array::U64(vec![self.seen.len() as u64, self.action.len() as u64]));
        state.put("parameters", vector(self.preliminary.parameters()));
        state.put("mean", vector(&self.scale.mean));
        state.put("std", vector(&self.scale.std));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let (sizes, here) = (state.u64s("sizes", 2)?, [self.seen.len(), self.action.len()]);
        if sizes.iter().zip(here).any(|(there, here)| *there != here as u64) {
            let there = [sizes[0] as usize, sizes[1] as usize];
            return Err(Error::shape("inputs and actions of the policy", &here, &there));
        }
        let parameters = state.f64s("parameters", self.preliminary.parameters().len())?;
        let scale = Scale { mean: state.f64s("mean", here[0])?.to_vec(), std: state.f64s("std", here[0])?.to_vec() };
        self.preliminary.take(parameters, &scale)?;
        self.scale = scale;
        Ok(())
    }
}
