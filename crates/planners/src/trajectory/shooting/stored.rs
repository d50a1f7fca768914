//! The derivatives that a model gave, as a problem to sweep over, its costs made convex.

use worldwright_control::{Curvature, Dynamic, Expand, Expansion, clip_eigenvalues};

use super::expander::Expanded;

/// Hessians of the costs with their negative eigenvalues raised to zero.
pub(crate) struct Convex {
    /// `[H][D][D]`
    hessians: Vec<f64>,
    /// `[Z][Z]`
    pub(crate) end_hessian: Vec<f64>,
    room: Vec<f64>,
}

impl Convex {
    pub(crate) fn new(horizon: usize, z: usize, a: usize) -> Self {
        let square = (z + a) * (z + a);
        Self { hessians: vec![0.0; horizon * square], end_hessian: vec![0.0; z * z], room: vec![0.0; 2 * square] }
    }

    /// Takes the Hessians of an expansion.
    pub(crate) fn read(&mut self, around: &Expanded) {
        let d = around.latent_dim + around.action_dim;
        let each = self.hessians.chunks_exact_mut(d * d).zip(around.steps.reward_hessian.chunks_exact(d * d));
        for ((hessian, reward), weight) in each.zip(&around.weights) {
            hessian.iter_mut().zip(reward).for_each(|(slot, bend)| *slot = -weight * bend);
            clip_eigenvalues(d, hessian, &mut self.room);
        }
        self.end_hessian.copy_from_slice(&around.end_hessian);
        clip_eigenvalues(around.latent_dim, &mut self.end_hessian, &mut self.room);
    }

    /// `[D][D]`, of step `t`.
    pub(crate) fn step(&self, t: usize, d: usize) -> &[f64] {
        &self.hessians[t * d * d..][..d * d]
    }
}

/// The expansion that the model gave, as a problem to sweep over.
pub(crate) struct Stored<'a, const DDP: bool> {
    pub(crate) around: &'a Expanded,
    pub(crate) convex: &'a Convex,
    pub(crate) low: &'a [f64],
    pub(crate) high: &'a [f64],
}

impl<const DDP: bool> Expand for Stored<'_, DDP> {
    type Shape = Dynamic;
    type Memo = ();
    const CURVATURE: bool = DDP;

    fn shape(&self) -> Dynamic {
        Dynamic { nx: self.around.latent_dim, nu: self.around.action_dim }
    }

    fn horizon(&self) -> usize {
        self.around.horizon
    }

    fn bounds(&self) -> Option<(&[f64], &[f64])> {
        Some((self.low, self.high))
    }

    fn expand(&self, t: usize, _x: &[f64], _u: &[f64], _memo: &(), out: &mut Expansion<Dynamic>) {
        let (z, a) = (self.around.latent_dim, self.around.action_dim);
        let d = z + a;
        let jacobian = &self.around.steps.jacobian[t * d * z..][..d * z];
        out.fx.copy_from_slice(&jacobian[..z * z]);
        out.fu.copy_from_slice(&jacobian[z * z..]);
        let gradient = &self.around.steps.reward_gradient[t * d..][..d];
        let weight = self.around.weights[t];
        out.lx.iter_mut().zip(gradient).for_each(|(slot, slope)| *slot = -weight * slope);
        out.lu.iter_mut().zip(&gradient[z..]).for_each(|(slot, slope)| *slot = -weight * slope);
        let hessian = &self.convex.hessians[t * d * d..][..d * d];
        for q in 0..z {
            out.lxx[q * z..][..z].copy_from_slice(&hessian[q * d..][..z]);
        }
        for q in 0..a {
            out.lxu[q * z..][..z].copy_from_slice(&hessian[(z + q) * d..][..z]);
            out.luu[q * a..][..a].copy_from_slice(&hessian[(z + q) * d + z..][..a]);
        }
    }

    fn expand_terminal(&self, _x: &[f64], gradient: &mut [f64], hessian: &mut [f64]) {
        gradient.copy_from_slice(&self.around.end_gradient);
        hessian.copy_from_slice(&self.convex.end_hessian);
    }

    fn curvature(&self, t: usize, _x: &[f64], _u: &[f64], _memo: &(), costate: &[f64], out: &mut Curvature<Dynamic>) {
        let (z, a) = (self.around.latent_dim, self.around.action_dim);
        let d = z + a;
        let bends = &self.around.steps.latent_hessian[t * d * d * z..][..d * d * z];
        let weighed = |p: usize, q: usize| -> f64 {
            bends[(p * d + q) * z..][..z].iter().zip(costate).map(|(bend, weight)| bend * weight).sum()
        };
        for q in 0..z {
            (0..z).for_each(|p| out.xx[q * z + p] = weighed(p, q));
        }
        for q in 0..a {
            (0..z).for_each(|p| out.xu[q * z + p] = weighed(p, z + q));
            (0..a).for_each(|p| out.uu[q * a + p] = weighed(z + p, z + q));
        }
    }
}
