//! Plans of what was experienced, made again by what is known now: a few at a time.
//!
//! What a planner said of a step goes stale as its model and its values learn. To plan all of memory again would cost more than acting does; a few stored steps an update are enough, where each
//! is learned from many times (Wang, Zhang, Xie, Wang and Wang, "Bootstrapped Model Predictive Control", ICLR 2025, section 4.3: lazy reanalysis; Schrittwieser et al., "Online and Offline
//! Reinforcement Learning by Planning with a Learned Model", NeurIPS 2021). Steps that nobody planned get a plan in this way too.

use std::collections::BTreeMap;

use worldwright_core::{Array, Error, Experience, Key, Result, Rng, Sample, State, Want};

use crate::updates::Updates;

/// The newest advice on stored transitions, by their rows: flat actions.
pub(crate) type Advice = BTreeMap<u64, Vec<f64>>;

/// What was planned again, and when more of it is.
pub(crate) struct Refreshing {
    schedule: Updates,
    advice: Advice,
    rng: Rng,
    sample: Sample,
    flat: Vec<f64>,
}

impl Refreshing {
    /// So many plans a step, the first ones after so many steps; none a step is none at all.
    pub(crate) fn new(initial_steps: u64, per_step: f64, inputs: usize, key: Key) -> Self {
        Self {
            schedule: Updates::every(initial_steps, per_step),
            advice: Advice::new(),
            rng: key.rng(),
            sample: Sample::default(),
            flat: vec![0.0; inputs],
        }
    }

    /// What was planned again.
    pub(crate) fn advice(&self) -> &Advice {
        &self.advice
    }

    /// How many plans are due a step after the last call.
    pub(crate) fn due(&mut self, experience: &dyn Experience) -> u64 {
        self.schedule.due(experience.taken())
    }

    /// Makes so many plans: `plan` gives the flat action of a flat observation.
    pub(crate) fn refresh(
        &mut self,
        (experience, plans): (&dyn Experience, u64),
        mut plan: impl FnMut(&[f64], Key) -> Result<Vec<f64>>,
    ) -> Result<()> {
        // What memory has forgotten is forgotten here too.
        self.advice = self.advice.split_off(&experience.rows().start);
        for _ in 0..plans {
            experience.sample(Want::Transitions(1), &mut self.rng, &mut self.sample)?;
            self.sample.observations.copy_to(0, &mut self.flat);
            let action = plan(&self.flat, self.rng.key())?;
            self.advice.insert(self.sample.transitions[0], action);
        }
        Ok(())
    }

    pub(crate) fn save(&self) -> State {
        let mut state = State::new();
        self.schedule.save(&mut state);
        state.put("rng", self.rng.save());
        state.put("rows", Array::U64(self.advice.keys().copied().collect()));
        let actions: Vec<f64> = self.advice.values().flatten().copied().collect();
        state.put("actions", Array::F64(vec![actions.len()], actions));
        state
    }

    /// Takes on what [`save`](Self::save) gave; actions are so wide.
    pub(crate) fn restore(&mut self, width: usize, state: &State) -> Result<()> {
        self.schedule.restore(state)?;
        self.rng.restore(state, "rng")?;
        let Array::U64(rows) = state.array("rows")? else {
            return Err(Error::external("saved state", "array 'refreshing.rows' is not of type u64: it is damaged"));
        };
        let actions = state.f64s("actions", rows.len() * width)?;
        self.advice = rows.iter().copied().zip(actions.chunks_exact(width.max(1)).map(<[f64]>::to_vec)).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use worldwright_core::Dataset;

    use super::*;

    /// Ten places in a row.
    fn walked() -> Dataset {
        let mut data = Dataset::new(1, 1);
        for place in 0..10 {
            data.push(&[f64::from(place)], &[0.0], 0.0, &[f64::from(place + 1)], false, place == 9).unwrap();
        }
        data
    }

    #[test]
    fn plans_are_of_what_their_rows_were_seen_before_and_go_on_after_a_restore() {
        let (data, new) = (walked(), || Refreshing::new(1, 20.0, 1, Key::new(3)));
        let mut whole = new();
        let plan = |seen: &[f64], _: Key| Ok(vec![10.0 * seen[0]]);
        let due = whole.due(&data);
        assert_eq!(due, 20);
        whole.refresh((&data, due), plan).unwrap();
        assert!(!whole.advice().is_empty());
        let mut step = Sample::default();
        for (row, action) in whole.advice() {
            step.begin(1);
            data.gather(*row, 1, 1.0, &mut step);
            assert_eq!(action[0], 10.0 * step.observations.get(0));
        }
        let mut other = new();
        other.restore(1, &whole.save()).unwrap();
        assert_eq!(other.advice(), whole.advice());
        let mut more = walked();
        more.push(&[20.0], &[0.0], 0.0, &[21.0], false, true).unwrap();
        for refreshing in [&mut whole, &mut other] {
            let due = refreshing.due(&more);
            assert_eq!(due, 20);
            refreshing.refresh((&more, due), plan).unwrap();
        }
        assert_eq!(other.save(), whole.save());
    }
}
