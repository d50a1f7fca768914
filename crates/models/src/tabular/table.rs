//! What was counted: of each state and action, how often what came of it, and what that paid.

use std::collections::BTreeMap;

use worldwright_core::{Array, Error, Interrupt, Result, State};

/// Changes of a value, as a share of the largest value, below which sweeping has converged.
const TOLERANCE: f64 = 1e-9;
/// The most sweeps a fit; values go on from where they were, so that few are enough after the first.
const MOST_SWEEPS: usize = 2000;
/// Stands for the end of the task in saved arrays.
const END: u64 = u64::MAX;

/// One thing that came of a state and action.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    /// Place of the next state; none where the task ended.
    pub(super) next: Option<usize>,
    pub(super) count: f64,
    /// Sum of the rewards, and of their squares.
    pub(super) paid: f64,
    pub(super) squares: f64,
}

/// What is believed of a pair beyond its mean while exploring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Optimism<'a> {
    /// Of a pair tried once, as a share of the rewards' range; it falls with the number of tries.
    pub(super) bonus: f64,
    /// Standard deviations of the mean of what the tries were worth.
    pub(super) deviations: f64,
    /// Values by the mean, which say what each try was worth `[state]`.
    pub(super) values: &'a [f64],
}

/// A state that was seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// Its number in the space.
    pub(super) number: usize,
    /// `[action]`.
    pub(super) outcomes: Vec<Vec<Outcome>>,
}

/// Action values and state values, under the mean of what was counted or optimistically.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Solved {
    /// `[state][action]`; minus infinity where the mean knows nothing of an action.
    pub(super) action_values: Vec<f64>,
    /// `[state]`.
    pub(super) values: Vec<f64>,
}

/// Everything counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    actions: usize,
    pub(super) seen: Vec<Seen>,
    /// Places of the states by their numbers.
    places: BTreeMap<usize, usize>,
    /// The least and the greatest reward.
    least: f64,
    most: f64,
}

impl Table {
    pub(super) fn new(actions: usize) -> Self {
        Self { actions, ..Self::default() }
    }

    /// The place of a state by its number.
    pub(super) fn place(&self, number: usize) -> Option<usize> {
        self.places.get(&number).copied()
    }

    fn place_or_new(&mut self, number: usize) -> usize {
        let (seen, actions) = (&mut self.seen, self.actions);
        *self.places.entry(number).or_insert_with(|| {
            seen.push(Seen { number, outcomes: vec![Vec::new(); actions] });
            seen.len() - 1
        })
    }

    /// Counts a transition between states by their numbers.
    pub(super) fn count(&mut self, state: usize, action: usize, reward: f64, next: usize, ended: bool) {
        let (state, arrived) = (self.place_or_new(state), self.place_or_new(next));
        self.add(
            state,
            action,
            Outcome { next: (!ended).then_some(arrived), count: 1.0, paid: reward, squares: reward * reward },
        );
        (self.least, self.most) = (self.least.min(reward), self.most.max(reward));
    }

    fn add(&mut self, state: usize, action: usize, outcome: Outcome) {
        let outcomes = &mut self.seen[state].outcomes[action];
        match outcomes.iter_mut().find(|known| known.next == outcome.next) {
            Some(known) => {
                (known.count, known.paid, known.squares) =
                    (known.count + outcome.count, known.paid + outcome.paid, known.squares + outcome.squares);
            }
            None => outcomes.push(outcome),
        }
    }

    /// Bytes that so many states take, with their values and what little each pair led to.
    pub(super) fn bytes(states: usize, actions: usize) -> f64 {
        let pair = size_of::<Vec<Outcome>>() + size_of::<Outcome>() + 2 * size_of::<f64>();
        states as f64 * (actions * pair + 100) as f64
    }

    /// What is added to the mean of each pair `[state][action]`; nothing of those never tried.
    fn bonuses(&self, discount: f64, optimism: &Optimism<'_>) -> Vec<f64> {
        let range = (self.most - self.least).max(1.0);
        let pairs = self.seen.iter().flat_map(|seen| &seen.outcomes);
        let bonus = |outcomes: &Vec<Outcome>| {
            let (mut visits, mut sum, mut squares) = (0.0, 0.0, 0.0);
            for outcome in outcomes {
                let follows = discount * outcome.next.map_or(0.0, |next| optimism.values[next]);
                visits += outcome.count;
                sum += outcome.paid + outcome.count * follows;
                squares += outcome.squares + 2.0 * outcome.paid * follows + outcome.count * follows * follows;
            }
            if visits == 0.0 {
                return 0.0;
            }
            let variance = (squares / visits - (sum / visits).powi(2)).max(0.0);
            optimism.deviations * (variance / visits).sqrt() + optimism.bonus * range / visits
        };
        pairs.map(bonus).collect()
    }

    /// What the values are: `Q(s, a) = r̂ + γ Σ P̂ V`, under `optimism` with its bonus on top.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(super) fn solve(
        &self,
        discount: f64,
        optimism: Option<&Optimism<'_>>,
        solved: &mut Solved,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let n = self.seen.len();
        solved.values.resize(n, 0.0);
        solved.action_values.clear();
        solved.action_values.resize(n * self.actions, 0.0);
        let bonuses = optimism.map(|optimism| self.bonuses(discount, optimism));
        // The most that the task could pay for ever, with what is added to it: what was never tried is believed to.
        let bliss = optimism.map_or(f64::NEG_INFINITY, |optimism| {
            (self.most + optimism.bonus * (self.most - self.least).max(1.0)) / (1.0 - discount)
        });
        for sweep in 0..MOST_SWEEPS {
            interrupt.check("tabular")?;
            let (mut change, mut largest) = (0.0_f64, 1.0_f64);
            for place in 0..n {
                // The last state met first, and back: what is found at the end of a way goes along it in one sweep.
                let state = if sweep % 2 == 0 { n - 1 - place } else { place };
                let seen = &self.seen[state];
                let mut best = f64::NEG_INFINITY;
                for (action, outcomes) in seen.outcomes.iter().enumerate() {
                    let visits: f64 = outcomes.iter().map(|outcome| outcome.count).sum();
                    let worth = |outcome: &Outcome| {
                        outcome.paid + outcome.count * discount * outcome.next.map_or(0.0, |next| solved.values[next])
                    };
                    let pair = state * self.actions + action;
                    let value = if visits > 0.0 {
                        let mean = outcomes.iter().map(worth).sum::<f64>() / visits;
                        bonuses.as_ref().map_or(mean, |bonuses| (mean + bonuses[pair]).min(bliss))
                    } else {
                        bliss
                    };
                    solved.action_values[pair] = value;
                    best = best.max(value);
                }
                // Where nothing was tried, nothing is known to follow: no better than the worst for ever, or the mean process would be drawn there.
                let value = if best.is_finite() { best } else { self.least.min(0.0) / (1.0 - discount) };
                change = change.max((value - solved.values[state]).abs());
                largest = largest.max(value.abs());
                solved.values[state] = value;
            }
            if change <= TOLERANCE * largest {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn save(&self) -> State {
        let (mut places, mut sums, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for (state, seen) in self.seen.iter().enumerate() {
            for (action, outcomes) in seen.outcomes.iter().enumerate() {
                for outcome in outcomes {
                    places.extend([state as u64, action as u64, outcome.next.map_or(END, |next| next as u64)]);
                    sums.extend([outcome.count, outcome.paid]);
                    squares.push(outcome.squares);
                }
            }
        }
        let mut state = State::new();
        state.put("numbers", Array::U64(self.seen.iter().map(|seen| seen.number as u64).collect()));
        state.put("outcomes", Array::U64(places));
        state.put("sums", Array::F64(vec![sums.len()], sums));
        state.put("squares", Array::F64(vec![squares.len()], squares));
        state.put("range", Array::F64(vec![2], vec![self.least, self.most]));
        state
    }

    pub(super) fn restore(state: &State, actions: usize) -> Result<Self> {
        let damaged = || Error::external("saved state", "counts of states and actions that do not fit together");
        let u64s = |name: &str| match state.array(name)? {
            Array::U64(numbers) => Ok(numbers),
            _ => Err(damaged()),
        };
        let mut table = Self::new(actions);
        for number in u64s("numbers")? {
            table.place_or_new(*number as usize);
        }
        let places = u64s("outcomes")?;
        let sums = state.f64s("sums", places.len() / 3 * 2)?;
        // Bundles of earlier versions have none: rewards of one outcome are then taken as equal.
        let squares = if state.contains("squares") { Some(state.f64s("squares", places.len() / 3)?) } else { None };
        for (i, (place, sum)) in places.as_chunks::<3>().0.iter().zip(sums.as_chunks::<2>().0).enumerate() {
            let [state, action, next] = place.map(|place| place as usize);
            let next = (place[2] != END).then_some(next);
            if state >= table.seen.len() || action >= actions || next.is_some_and(|next| next >= table.seen.len()) {
                return Err(damaged());
            }
            let squares = squares.map_or(sum[1] * sum[1] / sum[0], |squares| squares[i]);
            table.add(state, action, Outcome { next, count: sum[0], paid: sum[1], squares });
        }
        let range = state.f64s("range", 2)?;
        (table.least, table.most) = (range[0], range[1]);
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two states: waiting pays 1 and stays, leaving pays 5 and ends; the closed form is 1 / (1 − γ).
    #[test]
    fn values_are_those_of_the_counted_process() {
        let mut table = Table::new(2);
        for _ in 0..4 {
            table.count(7, 0, 1.0, 7, false);
            table.count(7, 1, 5.0, 9, true);
        }
        let mut solved = Solved::default();
        table.solve(0.9, None, &mut solved, &Interrupt::never()).unwrap();
        assert!((solved.values[0] - 10.0).abs() < 1e-6, "{solved:?}");
        assert_eq!(solved.action_values[1], 5.0);
        // Nothing was tried in the other state.
        assert_eq!(solved.action_values[2], f64::NEG_INFINITY);
        let again = Table::restore(&table.save(), 2).unwrap();
        assert_eq!(again, table);
    }

    #[test]
    fn optimism_leads_to_what_was_never_tried() {
        let mut table = Table::new(2);
        // Once is no more than never: what a pair tried once pays may be the most that there is.
        table.count(0, 0, 1.0, 0, false);
        table.count(0, 0, 1.0, 0, false);
        let mut solved = Solved::default();
        let optimism = Optimism { bonus: 1.0, deviations: 0.3, values: &[10.0] };
        table.solve(0.9, Some(&optimism), &mut solved, &Interrupt::never()).unwrap();
        assert!(solved.action_values[1] > solved.action_values[0], "{solved:?}");
    }

    /// Four tries of two outcomes, worth 1 and 3 + 0.9 · 10 each twice: deviation 5.5, of their mean 2.75.
    #[test]
    fn a_bonus_is_the_doubt_of_the_mean_and_falls_with_the_tries() {
        let mut table = Table::new(1);
        for _ in 0..2 {
            table.count(0, 0, 1.0, 1, true);
            table.count(0, 0, 3.0, 2, false);
        }
        let optimism = Optimism { bonus: 1.0, deviations: 0.3, values: &[0.0, 0.0, 10.0] };
        let bonuses = table.bonuses(0.9, &optimism);
        assert!((bonuses[0] - (0.3 * 2.75 + 3.0 / 4.0)).abs() < 1e-12, "{bonuses:?}");
        assert_eq!(bonuses[1..], [0.0, 0.0]);
    }
}
