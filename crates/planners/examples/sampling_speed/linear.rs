//! `x' = A x + b u` of any dimension, every state driving every other: what a model step costs grows as the square of the dimension.

use worldwright_core::{Actions, Columns, ColumnsMut, Result, Simulator, Space};

/// The dynamics, with reward `−(|x|²/Z + 0.01 u²)`.
pub(crate) struct Linear {
    observation_space: Space,
    action_space: Space,
    /// `[Z][Z]`: A, whose eigenvalues lie within the unit circle.
    matrix: Vec<f64>,
}

impl Linear {
    /// A system of `dim` states with one control in [-1, 1].
    pub(crate) fn new(dim: usize) -> Self {
        let mut matrix: Vec<f64> = (0..dim * dim).map(|at| 0.09 / dim as f64 * (at as f64).sin()).collect();
        matrix.iter_mut().step_by(dim + 1).for_each(|diagonal| *diagonal += 0.9);
        Self { observation_space: Space::unbounded(dim), action_space: Space::vector(&[-1.0], &[1.0]), matrix }
    }
}

impl Simulator for Linear {
    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn state_dim(&self) -> usize {
        self.observation_space.flat_dim()
    }

    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        let Actions::Continuous(controls) = actions else { unreachable!("the action space is a box") };
        terminated.fill(false);
        pulp::Arch::new().dispatch(Step {
            matrix: &self.matrix,
            states,
            control: controls.column(0),
            next_states,
            reward,
        });
    }
}

/// A batched step, by the widest vector instructions there are.
struct Step<'a, 'b> {
    matrix: &'a [f64],
    states: Columns<'a>,
    control: &'a [f64],
    next_states: &'a mut ColumnsMut<'b>,
    reward: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Step<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let dim = self.states.dims();
        for (paid, u) in self.reward.iter_mut().zip(self.control) {
            *paid = -0.01 * u * u;
        }
        for (i, row) in self.matrix.chunks_exact(dim).enumerate() {
            let next = self.next_states.column_mut(i);
            for (next, u) in next.iter_mut().zip(self.control) {
                *next = 0.1 * u;
            }
            for (j, factor) in row.iter().enumerate() {
                for (next, x) in next.iter_mut().zip(self.states.column(j)) {
                    *next += factor * x;
                }
            }
            for (paid, x) in self.reward.iter_mut().zip(self.states.column(i)) {
                *paid -= x * x / dim as f64;
            }
        }
    }
}
