//! When updates are due, and what they said: a share of updates for each step, told as means.

use worldwright_core::{
    Array, Error, Experience, Metrics, Parameter, Result, Rollout, SettingDefault, Settings, State,
};

/// Updates after which their mean is told, unless an episode ends before.
const TOLD_EVERY: u64 = 100;
/// Updates a step of an environment at most.
const MOST_A_STEP: f64 = 1000.0;

/// Settings of an agent that learns in updates, so many a step unless told otherwise: `initial_steps`, `updates_per_step` and `discount`.
pub(crate) const fn learned_in_updates(per_step: f64) -> [Parameter; 3] {
    [
        Parameter {
            name: "initial_steps",
            default: SettingDefault::Integer(200),
            summary: "environment steps with random actions before the first update",
        },
        Parameter {
            name: "updates_per_step",
            default: SettingDefault::Float(per_step),
            summary: "updates an environment step; below 1, one every few steps",
        },
        DISCOUNT,
    ]
}

/// What later rewards are worth to values that are learned.
pub(crate) const DISCOUNT: Parameter = Parameter {
    name: "discount",
    default: SettingDefault::Float(0.99),
    summary: "what a reward one step later is worth",
};

/// The schedule of an agent that learns in updates, and what its updates said since that was last told.
pub(crate) struct Updates {
    initial_steps: u64,
    per_step: f64,
    made: u64,
    /// Transitions that had been taken in when steps were last counted; zero before they began to be.
    counted: u64,
    owed: f64,
    sums: Vec<f64>,
    summed: u64,
}

impl Updates {
    /// Reads `initial_steps` and `updates_per_step`.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let initial_steps = settings.count("initial_steps", 0)? as u64;
        Ok(Self::every(initial_steps, settings.float("updates_per_step", 0.0, MOST_A_STEP)?))
    }

    /// So many a step from so many steps on.
    pub(crate) fn every(initial_steps: u64, per_step: f64) -> Self {
        Self { initial_steps, per_step, ..Self::none() }
    }

    /// None are due for steps.
    pub(crate) fn none() -> Self {
        Self { initial_steps: 0, per_step: 0.0, made: 0, counted: 0, owed: 0.0, sums: Vec::new(), summed: 0 }
    }

    /// Steps at random before the first ones.
    pub(crate) fn initial_steps(&self) -> u64 {
        self.initial_steps
    }

    /// How many were made in all.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// How many are due now that so many transitions were taken in. The first steps at random earn theirs when they are over; recorded episodes that a run
    /// begins with earn none beyond these.
    pub(crate) fn due(&mut self, taken: u64) -> u64 {
        if taken < self.initial_steps.max(1) || self.per_step == 0.0 {
            return 0;
        }
        let new = if self.counted == 0 { self.initial_steps.max(1) } else { taken.saturating_sub(self.counted) };
        self.counted = taken;
        self.owed += self.per_step * new as f64;
        let due = self.owed.floor();
        self.owed -= due;
        due as u64
    }

    /// Counts an update, and gives the means since they were last told where it is time to tell them.
    pub(crate) fn count(&mut self, said: Metrics, episode_ended: bool) -> Metrics {
        self.made += 1;
        self.summed += 1;
        self.sums.resize(said.len(), 0.0);
        self.sums.iter_mut().zip(&said).for_each(|(sum, (_, number))| *sum += number);
        if !episode_ended && self.summed < TOLD_EVERY.max(self.per_step as u64) {
            return Metrics::new();
        }
        let count = std::mem::take(&mut self.summed) as f64;
        let means = said.iter().zip(&self.sums).map(|((name, _), sum)| (*name, sum / count));
        let told = std::iter::once(("updates", count)).chain(means).collect();
        self.sums.fill(0.0);
        told
    }

    /// Makes the updates that are due a step after the last call.
    ///
    /// # Errors
    /// What an update gives.
    pub(crate) fn make(
        &mut self,
        experience: &dyn Experience,
        mut update: impl FnMut() -> Result<Metrics>,
    ) -> Result<Metrics> {
        let (due, mut told) = (self.due(experience.taken()), Metrics::new());
        for number in 1..=due {
            let said = update()?;
            let said = self.count(said, number == due && !experience.is_open());
            // A row has room for one of each number: where many updates are made at once, for the last means.
            told = if said.is_empty() { told } else { said };
        }
        Ok(told)
    }

    pub(crate) fn save(&self, state: &mut State) {
        let counters = vec![self.made, self.counted, self.summed, self.owed.to_bits()];
        state.put("updates.counters", Array::U64(counters));
        state.put("updates.sums", Array::F64(vec![self.sums.len()], self.sums.clone()));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("updates.counters", 4)?;
        let Array::F64(_, sums) = state.array("updates.sums")? else {
            return Err(Error::external("saved state", "array 'updates.sums' is not of type f64: it is damaged"));
        };
        [self.made, self.counted, self.summed] = [counters[0], counters[1], counters[2]];
        self.owed = f64::from_bits(counters[3]);
        self.sums.clone_from(sums);
        Ok(())
    }

    /// The count alone, for weights.
    pub(crate) fn put_made(&self, state: &mut State) {
        state.put("updates", Array::U64(vec![self.made]));
    }

    /// Takes on what [`put_made`](Self::put_made) put.
    pub(crate) fn take_made(&mut self, state: &State) -> Result<()> {
        self.made = state.u64s("updates", 1)?[0];
        Ok(())
    }
}

/// When the rollout of a policy that learns from its own steps alone is long enough, and where it begins.
pub(crate) struct Rollouts {
    wanted: Rollout,
    /// Transitions that had been taken in when the rollout began, and its first row; none before the first step, since what was recorded before it is no
    /// part of it.
    begun: Option<[u64; 2]>,
}

impl Rollouts {
    pub(crate) fn new(wanted: Rollout) -> Self {
        Self { wanted, begun: None }
    }

    /// The first row of a rollout that is to be learned from now, a step after the last call; the next one begins behind it.
    pub(crate) fn due(&mut self, experience: &dyn Experience) -> Option<u64> {
        let (taken, end) = (experience.taken(), experience.rows().end);
        let [before, from] = *self.begun.get_or_insert([taken.saturating_sub(1), end.saturating_sub(1)]);
        let waits = self.wanted.whole_episodes && experience.is_open();
        if taken - before < self.wanted.steps || waits {
            return None;
        }
        self.begun = Some([taken, end]);
        Some(from)
    }

    pub(crate) fn save(&self, state: &mut State) {
        let begun = self.begun.map_or_else(Vec::new, |begun| begun.to_vec());
        state.put("rollout", Array::U64(begun));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.begun = match state.array("rollout")? {
            Array::U64(begun) if begun.is_empty() => None,
            _ => {
                let begun = state.u64s("rollout", 2)?;
                Some([begun[0], begun[1]])
            }
        };
        Ok(())
    }
}
