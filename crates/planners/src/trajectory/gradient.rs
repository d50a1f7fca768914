//! `gradient`: shooting along the gradient of the return by every action, with Adam's scaling.
//!
//! The costate runs backward, `p_t = −w_t ∇_x r + (∂f/∂x)ᵀ p_{t+1}`, and the gradient by an action is `−w_t ∇_u r + (∂f/∂u)ᵀ p_{t+1}`
//! (Bryson and Ho, "Applied Optimal Control", 1975, section 2.2). Adam (Kingma and Ba, ICLR 2015) scales it, by
//! `m̂ / (√v̂ + ε)`, in units of the actions' ranges. Deviation: the learning rate is the longest of ten halved steps tried side by
//! side, and the best is taken, so that the return never falls.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings, is_bounded};

use crate::trajectory::shooting::{CONVERGED, DIFFERENCE, Direction, Expanded, REFINED, SCRATCH, STARTS, Shooting};
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
        REFINED,
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
    let planner = Shooting::planner(ENTRY.name, context, settings, |horizon, z, a| adam(learning_rate, horizon, z, a))?;
    Ok(Box::new(planner))
}

fn adam(learning_rate: f64, horizon: usize, z: usize, a: usize) -> Adam {
    let numbers = vec![0.0; horizon * a];
    Adam {
        learning_rate,
        gradient: numbers.clone(),
        step: numbers.clone(),
        first: numbers.clone(),
        second: numbers,
        costate: vec![0.0; z],
        next_costate: vec![0.0; z],
        rounds: 0,
    }
}

/// Moments of the gradient, each `[H][A]`.
struct Adam {
    learning_rate: f64,
    /// The cost's, by every action.
    gradient: Vec<f64>,
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

    fn find(&mut self, around: &Expanded, (low, high): (&[f64], &[f64])) -> Option<f64> {
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
                let half = if is_bounded(low[j], high[j]) { 0.5 * (high[j] - low[j]) } else { 1.0 };
                self.gradient[at] = slope(z + j, &self.next_costate);
                let scaled = half * self.gradient[at];
                self.first[at] = FIRST_DECAY * self.first[at] + (1.0 - FIRST_DECAY) * scaled;
                self.second[at] = SECOND_DECAY * self.second[at] + (1.0 - SECOND_DECAY) * scaled * scaled;
                let direction = (self.first[at] / first_bias) / ((self.second[at] / second_bias).sqrt() + EPSILON);
                self.step[at] = -self.learning_rate * half * direction;
                moves |= self.step[at] != 0.0;
            }
            std::mem::swap(&mut self.costate, &mut self.next_costate);
        }
        // Adam's steps are scaled as they come, so that they promise no amount.
        moves.then_some(f64::INFINITY)
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

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::{Deadline, Key, Observation, PlanReport, WorldModel, find};
    use worldwright_testkit::{DynamicsModel, Pendulum};

    use crate::trajectory::shooting::{Expander, Frame, Law, Rollouts};

    #[test]
    fn the_costate_gives_the_gradient_of_the_return() {
        let model = DynamicsModel(Pendulum::new());
        let context = PlannerContext::for_model(model.spec(), 0);
        let overrides = [("difference".to_owned(), worldwright_core::Setting::Float(1e-5))].into();
        let entry = find(crate::ALL, "planner", ENTRY.name).unwrap();
        let settings = Settings::resolve(entry.name, entry.parameters, &overrides).unwrap();
        let frame = Frame::new(ENTRY.name, &context, &settings).unwrap();
        let horizon = frame.horizon;
        let mut expander = Expander::new(&frame, &settings, horizon, (false, false)).unwrap();
        let mut rollouts = Rollouts::new((2, 1, 1), horizon, 1, false);
        let row = 1 + expander.rows();
        let mut world = model.imagination(row + 1);
        world.observe(0, None, &Observation::Floats(vec![2.0, -0.5]), Key::new(0)).unwrap();
        rollouts.prepare(model.spec());
        let mut returned = |controls: &[f64], states: &mut [f64]| -> f64 {
            rollouts.begin(1);
            rollouts.set_actions(0, controls);
            assert!(rollouts.run(&mut *world, row, 1, None::<&Law<'_>>, Key::new(0), &Deadline::none()).unwrap());
            rollouts.get(0, &mut controls.to_vec(), states);
            rollouts.returns[0]
        };
        let controls: Vec<f64> = (0..horizon).map(|t| (0.7 * t as f64).sin()).collect();
        let mut moved = controls.clone();
        let mut want = vec![0.0; horizon];
        let mut states = vec![0.0; 2 * (horizon + 1)];
        for t in 0..horizon {
            moved[t] = controls[t] + 1e-5;
            let plus = returned(&moved, &mut states);
            moved[t] = controls[t] - 1e-5;
            want[t] = -(plus - returned(&moved, &mut states)) / 2e-5;
            moved[t] = controls[t];
        }
        returned(&controls, &mut expander.around.states);
        expander.around.controls.copy_from_slice(&controls);
        expander.expand(&mut *world, 1, &mut PlanReport::default()).unwrap();
        let mut adam = adam(0.5, horizon, 2, 1);
        assert!(adam.find(&expander.around, (&[-2.0], &[2.0])).is_some());
        let largest = want.iter().fold(0.0_f64, |largest, slope| largest.max(slope.abs()));
        for (got, want) in adam.gradient.iter().zip(&want) {
            assert!((got - want).abs() < 1e-5 * largest, "{got} instead of {want}");
        }
    }
}
