//! `ilqr` and `ddp`: second-order planning with feedback, in any model whose steps can be differentiated.
//!
//! Around the plan the model is expanded (Jacobians and the reward's curvature; for DDP the latent's, too), a backward pass gives the
//! feedback law of [`control`](crate::control), controls within their bounds, and step lengths are tried side by side. The
//! cost's Hessian is made positive semidefinite by clipping its eigenvalues; where `Q_uu` still is not positive definite (DDP), or
//! no step length helps, the regularisation grows. Sources: Li and Todorov 2004 (iLQR), Jacobson and Mayne 1970 (DDP), Tassa,
//! Mansard and Todorov, ICRA 2014 (bounds).

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use crate::control::{Curvature, Dynamic, Expand, Expansion, Sweeper, clip_eigenvalues};
use crate::shooting::{CONVERGED, DIFFERENCE, Direction, Expanded, SCRATCH, STARTS, Shooting};
use crate::{Build, PlannerContext, common};

const PARAMETERS: &[Parameter] = &[
    Parameter { default: Default::Integer(30), ..common::HORIZON },
    Parameter { default: Default::Integer(20), ..common::ITERATIONS },
    STARTS,
    CONVERGED,
    DIFFERENCE,
    SCRATCH,
    common::TERMINAL_VALUE,
];

pub(crate) const ILQR: Entry<Build> = Entry {
    name: "ilqr",
    summary: "iterative LQR with bounded actions: second order in the reward, first in the model",
    source: "Li and Todorov 2004; Tassa, Mansard and Todorov, ICRA 2014",
    parameters: PARAMETERS,
    build: build_ilqr,
};

pub(crate) const DDP: Entry<Build> = Entry {
    name: "ddp",
    summary: "differential dynamic programming with bounded actions: second order in reward and model",
    source: "Jacobson and Mayne 1970; Tassa, Mansard and Todorov, ICRA 2014",
    parameters: PARAMETERS,
    build: build_ddp,
};

fn build_ilqr(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    Ok(Box::new(Shooting::planner(ILQR.name, context, settings, Feedback::<false>::new)?))
}

fn build_ddp(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    Ok(Box::new(Shooting::planner(DDP.name, context, settings, Feedback::<true>::new)?))
}

const GROWTH: f64 = 10.0;
/// The first regularisation above zero, in units of the cost's curvature by the action.
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e8;

/// The direction of a backward pass; `DDP` tells whether the latent's curvature counts.
pub(crate) struct Feedback<const DDP: bool> {
    sweeper: Sweeper<Dynamic>,
    regularization: f64,
    /// `[H][D][D]`, positive semidefinite.
    hessians: Vec<f64>,
    room: Vec<f64>,
    end_hessian: Vec<f64>,
}

impl<const DDP: bool> Feedback<DDP> {
    pub(crate) fn new(horizon: usize, z: usize, a: usize) -> Self {
        let d = z + a;
        Self {
            sweeper: Sweeper::new(Dynamic { nx: z, nu: a }, horizon),
            regularization: 0.0,
            hessians: vec![0.0; horizon * d * d],
            room: vec![0.0; 2 * d * d],
            end_hessian: vec![0.0; z * z],
        }
    }
}

impl<const DDP: bool> Direction for Feedback<DDP> {
    fn curvature(&self) -> (bool, bool) {
        (true, DDP)
    }

    fn find(&mut self, around: &Expanded, (low, high): (&[f64], &[f64])) -> bool {
        let d = around.latent_dim + around.action_dim;
        let each = self.hessians.chunks_exact_mut(d * d).zip(around.steps.reward_hessian.chunks_exact(d * d));
        for ((hessian, reward), weight) in each.zip(&around.weights) {
            hessian.iter_mut().zip(reward).for_each(|(slot, bend)| *slot = -weight * bend);
            clip_eigenvalues(d, hessian, &mut self.room);
        }
        self.end_hessian.copy_from_slice(&around.end_hessian);
        clip_eigenvalues(around.latent_dim, &mut self.end_hessian, &mut self.room);
        let problem = Stored::<DDP> { around, hessians: &self.hessians, end_hessian: &self.end_hessian, low, high };
        loop {
            match self.sweeper.sweep(&problem, &around.states, &around.controls, self.regularization) {
                Some(promised) => return promised > 0.0,
                None => {
                    self.regularization = (self.regularization * GROWTH).max(LEAST);
                    if self.regularization > MOST {
                        return false;
                    }
                }
            }
        }
    }

    fn law(&self) -> (&[f64], &[f64]) {
        let gains = self.sweeper.gains();
        (&gains.feedforward, &gains.feedback)
    }

    fn accepted(&mut self, length: f64) -> bool {
        if length >= 0.5 {
            self.regularization /= GROWTH;
            if self.regularization < LEAST {
                self.regularization = 0.0;
            }
        } else if length == 0.0 {
            self.regularization = (self.regularization * GROWTH * GROWTH).max(LEAST);
        }
        self.regularization <= MOST
    }

    fn restart(&mut self) {
        self.regularization = 0.0;
    }
}

/// The expansion that the model gave, as a problem to sweep over.
struct Stored<'a, const DDP: bool> {
    around: &'a Expanded,
    hessians: &'a [f64],
    end_hessian: &'a [f64],
    low: &'a [f64],
    high: &'a [f64],
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
        let hessian = &self.hessians[t * d * d..][..d * d];
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
        hessian.copy_from_slice(self.end_hessian);
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
