//! `ilqr` and `ddp`: second-order planning with feedback, in any model whose steps can be differentiated.
//!
//! Around the plan the model is expanded (Jacobians and the reward's curvature; for DDP the latent's, too), a backward pass gives the
//! feedback law of [`control`](worldwright_control), controls within their bounds, and step lengths are tried side by side. The
//! cost's Hessian is made positive semidefinite by clipping its eigenvalues; where `Q_uu` still is not positive definite (DDP), or
//! no step length helps, the regularisation grows. Sources: Li and Todorov 2004 (iLQR), Jacobson and Mayne 1970 (DDP), Tassa,
//! Mansard and Todorov, ICRA 2014 (bounds).

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use crate::trajectory::shooting::{
    CONVERGED, Convex, DIFFERENCE, Direction, Expanded, REFINED, SCRATCH, STARTS, Shooting, Stored,
};
use crate::{Build, PlannerContext, common};
use worldwright_control::{Dynamic, Sweeper};

const PARAMETERS: &[Parameter] = &[
    Parameter { default: Default::Integer(30), ..common::HORIZON },
    Parameter { default: Default::Integer(20), ..common::ITERATIONS },
    STARTS,
    REFINED,
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
    convex: Convex,
}

impl<const DDP: bool> Feedback<DDP> {
    pub(crate) fn new(horizon: usize, z: usize, a: usize) -> Self {
        Self {
            sweeper: Sweeper::new(Dynamic { nx: z, nu: a }, horizon),
            regularization: 0.0,
            convex: Convex::new(horizon, z, a),
        }
    }
}

impl<const DDP: bool> Direction for Feedback<DDP> {
    fn curvature(&self) -> (bool, bool) {
        (true, DDP)
    }

    fn find(&mut self, around: &Expanded, (low, high): (&[f64], &[f64])) -> Option<f64> {
        self.convex.read(around);
        let problem = Stored::<DDP> { around, convex: &self.convex, low, high };
        loop {
            match self.sweeper.sweep(&problem, &around.states, &around.controls, None, self.regularization) {
                Some(promised) => return (promised > 0.0).then_some(promised),
                None => {
                    self.regularization = (self.regularization * GROWTH).max(LEAST);
                    if self.regularization > MOST {
                        return None;
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
