//! Everything that a sampling planner carries from one decision to the next.

use worldwright_core::{Array, Error, Result, State};

use crate::actions::{ActionKind, Sequence};
use crate::sampling::distribution::Distribution;
use crate::sampling::spline::Basis;

/// What a planner answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The centre of the distribution, imagined once more; the best candidate where that diverges or violates what the best
    /// one satisfies.
    Mean,
    /// The best candidate of the decision.
    Best,
}

/// The plan: where candidates come from, what was chosen, and the elites that are kept. Distribution and elites are of knots; what
/// was chosen is an action for each step.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    kind: ActionKind,
    horizon: usize,
    basis: Basis,
    pub(crate) distribution: Distribution,
    /// What `act` answers from.
    pub(crate) chosen: Sequence,
    /// The distribution's centre, in knots.
    centre: Sequence,
    /// Room to shift in.
    scratch: Vec<f64>,
    /// Elites of the last update, the first `kept_count` of them.
    pub(crate) kept: Vec<Sequence>,
    pub(crate) kept_count: usize,
    /// Decisions made since the last reset: part of every random key.
    pub(crate) decision: u64,
}

impl Plan {
    /// A plan that knows nothing, with room for `keep` elites.
    pub(crate) fn new(
        kind: &ActionKind,
        horizon: usize,
        basis: Basis,
        keep: usize,
        distribution: Distribution,
    ) -> Self {
        let centre = Sequence::new(kind, basis.knots());
        let mut plan = Self {
            chosen: Sequence::new(kind, horizon),
            scratch: vec![0.0; basis.knots() * kind.dims().max(kind.choices())],
            kept: vec![centre.clone(); keep],
            kind: kind.clone(),
            horizon,
            basis,
            distribution,
            centre,
            kept_count: 0,
            decision: 0,
        };
        plan.reset();
        plan
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.distribution.reset();
        self.choose_centre();
        self.kept_count = 0;
        self.decision = 0;
    }

    /// Chooses the distribution's centre.
    pub(crate) fn choose_centre(&mut self) {
        self.distribution.mode(&mut self.centre);
        self.basis.expand(&self.kind, &self.centre, &mut self.chosen);
        self.kind.snap_sequence(&mut self.chosen);
    }

    /// Copies without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.distribution.copy_from(&other.distribution);
        self.chosen.copy_from(&other.chosen);
        for (to, from) in self.kept.iter_mut().zip(&other.kept) {
            to.copy_from(from);
        }
        self.kept_count = other.kept_count;
        self.decision = other.decision;
    }

    /// Moves `steps` on.
    pub(crate) fn shift(&mut self, steps: usize) {
        self.distribution.shift(&self.basis, &mut self.scratch, steps);
        self.chosen.shift(self.horizon, steps);
        for kept in &mut self.kept[..self.kept_count] {
            self.basis.shift(&mut kept.values, &mut self.scratch, steps);
            self.basis.shift_choices(&mut kept.choices, steps);
            self.kind.clip(&mut kept.values);
        }
    }

    /// Everything, under its names.
    pub(crate) fn save(&self, state: &mut State) {
        self.distribution.save(state);
        put_sequence(state, "chosen", &self.chosen);
        for (i, kept) in self.kept[..self.kept_count].iter().enumerate() {
            put_sequence(state, &format!("kept.{i}"), kept);
        }
        state.put("counters", Array::U64(vec![self.decision, self.kept_count as u64]));
    }

    /// # Errors
    /// When something is missing or was saved with another horizon, action space or number of elites.
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        let count = counters[1] as usize;
        if count > self.kept.len() {
            return Err(Error::shape("kept elites", &[self.kept.len()], &[count]));
        }
        self.distribution.restore(state)?;
        let choices = self.kind.choices();
        take_sequence(state, "chosen", choices, &mut self.chosen)?;
        for (i, kept) in self.kept[..count].iter_mut().enumerate() {
            take_sequence(state, &format!("kept.{i}"), choices, kept)?;
        }
        self.decision = counters[0];
        self.kept_count = count;
        Ok(())
    }
}

fn put_sequence(state: &mut State, name: &str, sequence: &Sequence) {
    state.put(format!("{name}.values"), Array::F64(vec![sequence.values.len()], sequence.values.clone()));
    let choices = sequence.choices.iter().map(|choice| u64::from(*choice)).collect();
    state.put(format!("{name}.choices"), Array::U64(choices));
}

fn take_sequence(state: &State, name: &str, count: usize, sequence: &mut Sequence) -> Result<()> {
    let values = state.f64s(&format!("{name}.values"), sequence.values.len())?;
    let choices = state.u64s(&format!("{name}.choices"), sequence.choices.len())?;
    sequence.values.copy_from_slice(values);
    for (slot, choice) in sequence.choices.iter_mut().zip(choices) {
        *slot = u32::try_from(*choice)
            .ok()
            .filter(|choice| (*choice as usize) < count)
            .ok_or_else(|| Error::external("saved state", format!("{name}: no such choice")))?;
    }
    Ok(())
}
