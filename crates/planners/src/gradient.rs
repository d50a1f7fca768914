//! `gradient`: shooting along the gradient of the return by every action, with Adam's scaling.
//!
//! The costate runs backward, `p_t = −w_t ∇_x r + (∂f/∂x)ᵀ p_{t+1}`, and the gradient by an action is `−w_t ∇_u r + (∂f/∂u)ᵀ p_{t+1}`
//! (Bryson and Ho, "Applied Optimal Control", 1975, section 2.2). Adam (Kingma and Ba, ICLR 2015) scales it, by
//! `m̂ / (√v̂ + ε)`, in units of the actions' ranges. Deviation: the learning rate is the longest of ten halved steps tried side by
//! side, and the best is taken, so that the return never falls.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use crate::shooting::{CONVERGED, DIFFERENCE, Direction, Expanded, SCRATCH, STARTS, Shooting};
use crate::{Build, PlannerContext, common};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gradient",
    summary: "gradient shooting: Adam over the actions, through the model's derivatives",
    source: "Bryson and Ho 1975; Kingma and Ba 2015 (Adam)",
    parameters: &[
        Parameter { default: Default::Integer(30), ..common::HORIZON },
        Parameter { default: Default::Integer(60), ..common::ITERATIONS },
        Parameter {
            name: "learning_rate",
            default: Default::Float(0.5),
            summary: "longest step of an iteration, in units of half an action's range",
        },
        STARTS,
        CONVERGED,
        DIFFERENCE,
        SCRATCH,
        common::TERMINAL_VALUE,
    ],
    build,
};

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-12;

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let learning_rate = settings.float("learning_rate", 1e-9, 1e3)?;
    let planner = Shooting::planner(ENTRY.name, context, settings, |horizon, z, a| {
        let numbers = vec![0.0; horizon * a];
        Adam {
            learning_rate,
            step: numbers.clone(),
            first: numbers.clone(),
            second: numbers,
            costate: vec![0.0; z],
            next_costate: vec![0.0; z],
            rounds: 0,
        }
    })?;
    Ok(Box::new(planner))
}

/// Moments of the gradient, each `[H][A]`.
struct Adam {
    learning_rate: f64,
    step: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    costate: Vec<f64>,
    next_costate: Vec<f64>,
    rounds: i32,
}

impl Direction for Adam {
    fn curvature(&self) -> (bool, bool) {
        (false, false)
    }

    fn find(&mut self, around: &Expanded, (low, high): (&[f64], &[f64])) -> bool {
        let (z, a) = (around.latent_dim, around.action_dim);
        let d = z + a;
        self.rounds += 1;
        let (first_bias, second_bias) = (1.0 - FIRST_DECAY.powi(self.rounds), 1.0 - SECOND_DECAY.powi(self.rounds));
        self.next_costate.copy_from_slice(&around.end_gradient);
        let mut moves = false;
        for t in (0..around.horizon).rev() {
            let jacobian = &around.steps.jacobian[t * d * z..][..d * z];
            let gradient = &around.steps.reward_gradient[t * d..][..d];
            let slope = |p: usize, costate: &[f64]| -> f64 {
                let carried: f64 =
                    jacobian[p * z..][..z].iter().zip(costate).map(|(slope, weight)| slope * weight).sum();
                carried - around.weights[t] * gradient[p]
            };
            for p in 0..z {
                self.costate[p] = slope(p, &self.next_costate);
            }
            for j in 0..a {
                let at = t * a + j;
                let half = if low[j].is_finite() && high[j].is_finite() { 0.5 * (high[j] - low[j]) } else { 1.0 };
                let scaled = half * slope(z + j, &self.next_costate);
                self.first[at] = FIRST_DECAY * self.first[at] + (1.0 - FIRST_DECAY) * scaled;
                self.second[at] = SECOND_DECAY * self.second[at] + (1.0 - SECOND_DECAY) * scaled * scaled;
                let direction = (self.first[at] / first_bias) / ((self.second[at] / second_bias).sqrt() + EPSILON);
                self.step[at] = -self.learning_rate * half * direction;
                moves |= self.step[at] != 0.0;
            }
            std::mem::swap(&mut self.costate, &mut self.next_costate);
        }
        moves
    }

    fn law(&self) -> (&[f64], &[f64]) {
        (&self.step, &[])
    }

    fn accepted(&mut self, length: f64) -> bool {
        if length > 0.0 {
            return true;
        }
        // The momentum led uphill: begin anew with the gradient alone, unless that was all there was.
        let stale = self.rounds > 1;
        self.restart();
        stale
    }

    fn restart(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.rounds = 0;
    }
}
