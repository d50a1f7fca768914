//! What planning did since that was last told.

use worldwright_core::{Array, Metrics, PlanReport, PlanStatus, Result, State};

/// Sums over plans.
#[derive(Default)]
pub(crate) struct Tally {
    plans: u64,
    value: f64,
    model_steps: u64,
    diverged: u64,
    failed: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, report: &PlanReport) {
        self.plans += 1;
        self.model_steps += report.model_steps;
        self.diverged += report.diverged;
        if report.status == PlanStatus::AllDiverged {
            self.failed += 1;
        } else {
            self.value += report.value;
        }
    }

    /// Means a plan, and counts, and begins anew.
    pub(crate) fn tell(&mut self) -> Metrics {
        let Self { plans, value, model_steps, diverged, failed } = std::mem::take(self);
        let plans = plans.max(1) as f64;
        vec![
            ("planned_value", value / plans),
            ("model_steps_per_decision", model_steps as f64 / plans),
            ("diverged_rows", diverged as f64),
            ("failed_plans", failed as f64),
        ]
    }

    pub(crate) fn save(&self, state: &mut State) {
        let Self { plans, value, model_steps, diverged, failed } = *self;
        state.put("tally", Array::U64(vec![plans, value.to_bits(), model_steps, diverged, failed]));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let tally = state.u64s("tally", 5)?;
        let [plans, model_steps, diverged, failed] = [tally[0], tally[2], tally[3], tally[4]];
        *self = Self { plans, value: f64::from_bits(tally[1]), model_steps, diverged, failed };
        Ok(())
    }
}
