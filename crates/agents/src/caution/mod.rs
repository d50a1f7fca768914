//! How far an agent that learns from recorded episodes alone trusts what its model imagines.
//!
//! A policy that learns in a model finds where the model errs in its favour, and nothing that happens afterwards tells it so. What is imagined therefore pays
//! less where the model does not know. With `u(s, a)` the disagreement of the members ([`Imagined::epistemic`](worldwright_core::Imagined)), `ρ` the root mean
//! square of the recorded rewards and `γ` the discount:
//!
//! ```text
//! penalty   r − λ ρ u(s, a)                                                Yu et al., "MOPO", NeurIPS 2020, section 4.2
//! halt      r where u(s, a) ≤ c q, else the branch ends with κ / (1 − γ)    Kidambi et al., "MOReL", NeurIPS 2020, section 4
//! values    r − λ γ std_m V(s'_m), with s'_m what member m says comes       Sun et al., "MOBILE", ICML 2023, section 4
//! ```
//!
//! `q` is the 0.99 quantile of `u` over the recorded transitions, and `κ` the least recorded reward less `halt_penalty ρ`: what standing still at the worst
//! place pays for ever.
//!
//! Unlike the papers: MOPO takes the largest noise that a member predicts for `u`, which holds what cannot be known beside what is not known; the
//! disagreement is the better of the two (Lu et al., "Revisiting Design Choices in Offline Model-Based Reinforcement Learning", ICLR 2022). MOReL's
//! threshold is a number to be found for each task. MOBILE asks critics of drawn actions, here they are asked of the policy's mode.

use worldwright_core::{Array, Batch, Dataset, Error, Imagination, Imagined, Key, Result, Rows, Settings, State};

use crate::deciding::actions;

/// Recorded transitions that the disagreement is measured on at most.
const MEASURED: usize = 2048;
/// The share of them that a model is to be trusted on.
const TRUSTED: f64 = 0.99;
/// Steps that an end stands for at most, where the future is not discounted.
const MOST_STEPS: f64 = 1000.0;

/// What is done where the model does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Disagreement costs.
    Penalty,
    /// A branch ends, at the worst price, where there is too much of it.
    Halt,
    /// What it makes of the value that comes next costs.
    Values,
}

/// How cautious an agent is, and by what it measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Caution {
    pub(crate) kind: Kind,
    /// λ, or c where it halts.
    weight: f64,
    halt_penalty: f64,
    discount: f64,
    /// ρ, the least recorded reward, and q.
    measured: [f64; 3],
}

/// What is known of an imagined step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) reward: f64,
    pub(crate) epistemic: f64,
    /// Deviation between members of what the step leads to is worth.
    pub(crate) value_std: f64,
}

impl Caution {
    /// Reads `penalty`, or `threshold` and `halt_penalty`.
    pub(crate) fn new(kind: Kind, settings: &Settings) -> Result<Self> {
        let (weight, halt_penalty) = match kind {
            Kind::Penalty | Kind::Values => (settings.float("penalty", 0.0, 1e6)?, 0.0),
            Kind::Halt => (settings.float("threshold", 0.0, 1e6)?, settings.float("halt_penalty", 0.0, 1e6)?),
        };
        let discount = settings.float("discount", 0.0, 1.0)?;
        Ok(Self { kind, weight, halt_penalty, discount, measured: [1.0, 0.0, f64::INFINITY] })
    }

    /// Whether it needs to know what steps lead to is worth.
    pub(crate) fn asks_values(&self) -> bool {
        self.kind == Kind::Values && self.weight > 0.0
    }

    /// Looks at what was recorded, and at how the model, just fitted to it, disagrees there. Gives how many steps of the model that took.
    pub(crate) fn measure(&mut self, arena: &mut dyn Imagination, recorded: &Dataset) -> Result<u64> {
        let rewards = recorded.rewards();
        let square = rewards.iter().map(|reward| reward * reward).sum::<f64>() / rewards.len().max(1) as f64;
        let size = if square > 0.0 { square.sqrt() } else { 1.0 };
        let least = rewards.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut trusted, mut steps) = (f64::INFINITY, 0);
        if self.kind != Kind::Values && self.weight > 0.0 && !recorded.is_empty() {
            let mut disagreement;
            (disagreement, steps) = disagreement_at(arena, recorded)?;
            // A known world has nothing to disagree about; of one that was learned it says that nobody asks what it does not know.
            let spec = arena.spec();
            if disagreement.iter().all(|apart| *apart == 0.0) && !spec.capabilities.beliefs {
                let what = "caution about what it does not know, for it never disagrees with itself: choose model=ensemble, whose members do";
                return Err(Error::unsupported(spec.name.clone(), what));
            }
            disagreement.sort_by(f64::total_cmp);
            if self.kind == Kind::Halt {
                trusted = disagreement[((disagreement.len() - 1) as f64 * TRUSTED) as usize];
            }
        }
        self.measured = [size, if least.is_finite() { least } else { 0.0 }, trusted];
        Ok(steps)
    }

    /// What a step pays, and whether a branch ends there because the model does not know.
    pub(crate) fn pay(&self, step: Step) -> (f64, bool) {
        let [size, least, trusted] = self.measured;
        match self.kind {
            Kind::Penalty => (step.reward - self.weight * size * step.epistemic, false),
            Kind::Values => (step.reward - self.weight * self.discount * step.value_std, false),
            Kind::Halt if step.epistemic <= self.weight * trusted => (step.reward, false),
            Kind::Halt => {
                let steps = (1.0 / (1.0 - self.discount).max(f64::MIN_POSITIVE)).min(MOST_STEPS);
                (steps * (least - self.halt_penalty * size), true)
            }
        }
    }

    pub(crate) fn save(&self, state: &mut State) {
        state.put("caution", Array::F64(vec![3], self.measured.to_vec()));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.measured.copy_from_slice(state.f64s("caution", 3)?);
        Ok(())
    }
}

/// The disagreement at recorded transitions, evenly picked, and how many these are.
fn disagreement_at(arena: &mut dyn Imagination, recorded: &Dataset) -> Result<(Vec<f64>, u64)> {
    let (a, rows) = (recorded.action_dim(), arena.rows());
    let (spaces, key) = ((arena.spec().observation_space.clone(), arena.spec().action_space.clone()), Key::new(0));
    let count = recorded.len().min(MEASURED);
    let picked: Vec<usize> = (0..count).map(|i| i * recorded.len() / count).collect();
    let mut out = Imagined::new(arena.spec(), rows);
    let (mut done, mut choices, mut found) = (Batch::zeros(a, rows), Vec::new(), Vec::with_capacity(count));
    for some in picked.chunks(rows) {
        done.set_rows(some.len());
        for (row, i) in some.iter().enumerate() {
            arena.observe(row, None, &spaces.0.unflatten(recorded.observation(*i))?, key)?;
            done.columns_mut().set_row(row, recorded.action(*i));
        }
        let given = actions(&spaces.1, &done, &mut choices);
        arena.step(Rows::Span(0..some.len()), given, Rows::Span(0..some.len()), key, &mut out)?;
        found.extend((0..some.len()).map(|row| out.epistemic[out.at(0, row)]).filter(|number| number.is_finite()));
    }
    Ok((if found.is_empty() { vec![f64::INFINITY] } else { found }, count as u64))
}

#[cfg(test)]
mod tests;
