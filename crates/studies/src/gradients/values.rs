//! The bias of learned values: what the best of several noisy values is believed to be worth.
//!
//! A state leads to another, where each of ten choices pays from N(0, 1) and ends: all values are 0, and so are those that learners begin with (after Sutton and Barto, 2018, example
//! 6.7). Q-learning believes the largest of ten estimates, which is more than 0 in the mean until they are sure; double Q-learning lets one table choose and the other judge (van
//! Hasselt, NeurIPS 2010).

use worldwright_core::{Key, Result, Settings, find};
use worldwright_finite::online::{ALL, LearnerContext, Transition};

use crate::finding::estimate;
use crate::{Cell, Table, Watch};

const CHOICES: usize = 10;
const LEARNERS: [&str; 3] = ["q-learning", "double-q-learning", "expected-sarsa"];
/// Episodes after which values are looked at.
const LOOKS: [usize; 4] = [10, 100, 1_000, 10_000];

/// The value of the first state beyond its true one, by learner and look, over runs.
pub(super) fn biases(runs: usize, key: Key, watch: &mut Watch<'_>) -> Result<(Table, Vec<String>)> {
    let mut table = Table {
        title: "Value of the first choice beyond its true one, 0".into(),
        columns: std::iter::once("learner".to_owned()).chain(LOOKS.iter().map(|n| format!("{n} episodes"))).collect(),
        rows: Vec::new(),
    };
    let mut findings = Vec::new();
    for (l, name) in LEARNERS.iter().enumerate() {
        watch.tell(l, LEARNERS.len(), &format!("values of {name}"))?;
        let entry = find(ALL, "learner", name)?;
        let settings = Settings::resolve(entry.name, entry.parameters, &std::collections::BTreeMap::new())?;
        let mut seen = vec![Vec::new(); LOOKS.len()];
        for run in 0..runs {
            watch.interrupt.check("the study")?;
            let rng = &mut key.fold(l as u64).fold(run as u64).rng();
            let mut learner = (entry.build)(&LearnerContext { actions: CHOICES, discount: 1.0, places: 1 }, &settings)?;
            for episode in 1..=LOOKS[LOOKS.len() - 1] {
                learner.begin(0);
                let first = Transition { state: 0, action: 0, reward: 0.0, next: Some(1), truncated: false };
                learner.learn(0, &first, rng)?;
                let action = learner.choose(0, 1, true, rng)?;
                let last = Transition { state: 1, action, reward: rng.normal(), next: None, truncated: false };
                learner.learn(0, &last, rng)?;
                if let Some(look) = LOOKS.iter().position(|look| *look == episode) {
                    seen[look].push(learner.action_values(0)?[0]);
                }
            }
        }
        let estimates: Vec<[f64; 3]> = seen.iter().map(|each| estimate(each)).collect();
        let [mean, low, high] = estimates[1];
        let is_zero = low <= 0.0 && high >= 0.0;
        let verdict = if is_zero { "no bias to be seen" } else { "biased" };
        findings.push(format!(
            "{name}: after {} episodes its value is {mean:.3} ({low:.3} to {high:.3}) beyond the true one: {verdict}",
            LOOKS[1]
        ));
        table.rows.push(std::iter::once((*name).into()).chain(estimates.into_iter().map(Cell::Estimate)).collect());
    }
    Ok((table, findings))
}
