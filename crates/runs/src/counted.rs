//! A known reward that counts how often it is asked.

use std::sync::Arc;

use worldwright_core::{Call, Interrupt, RewardFunction, Transitions};

struct Counted {
    reward: Arc<dyn RewardFunction>,
    meter: Interrupt,
}

/// The same reward, whose transitions are counted by `meter`.
pub(crate) fn counted(reward: Arc<dyn RewardFunction>, meter: &Interrupt) -> Arc<dyn RewardFunction> {
    Arc::new(Counted { reward, meter: meter.clone() })
}

impl RewardFunction for Counted {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        self.meter.count(Call::Reward, reward.len() as u64);
        self.reward.evaluate(transitions, reward, terminated);
    }

    fn terminates(&self) -> bool {
        self.reward.terminates()
    }
}
