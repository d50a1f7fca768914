//! The memory of what followed each pair: how often, and what it paid; and which pairs lead to each state.

use worldwright_core::{Array, Result, Rng, State};

use super::{END, Transition, damaged};

/// One thing that followed a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    /// The next state, [`END`] where the task ended.
    pub(super) next: u32,
    pub(super) count: f64,
    /// Sum of the rewards, and of their squares.
    pub(super) paid: f64,
    pub(super) squares: f64,
}

impl Outcome {
    fn of(transition: &Transition) -> Self {
        let next = transition.next.map_or(END, |next| next as u32);
        Self { next, count: 1.0, paid: transition.reward, squares: transition.reward * transition.reward }
    }

    /// The next state.
    pub(super) fn follows(&self) -> Option<usize> {
        (self.next != END).then_some(self.next as usize)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Outcomes {
    actions: usize,
    /// `[states × actions]`
    of: Vec<Vec<Outcome>>,
    /// Pairs in the order in which they were first seen.
    seen: Vec<u32>,
    /// `[states]`: pairs that have led to each, in the order in which they first did.
    before: Vec<Vec<u32>>,
}

impl Outcomes {
    pub(super) fn new(actions: usize) -> Self {
        Self { actions, of: Vec::new(), seen: Vec::new(), before: Vec::new() }
    }

    /// How many states it has room for.
    pub(super) fn states(&self) -> usize {
        self.before.len()
    }

    /// Makes room for a state.
    pub(super) fn include(&mut self, state: usize) {
        if state >= self.before.len() {
            self.before.resize(state + 1, Vec::new());
            self.of.resize((state + 1) * self.actions, Vec::new());
        }
    }

    /// Remembers a transition; alone of its pair unless `counts`. Its states must have room. The pair.
    pub(super) fn remember(&mut self, transition: &Transition, counts: bool) -> usize {
        let (pair, new) = (transition.state * self.actions + transition.action, Outcome::of(transition));
        let outcomes = &mut self.of[pair];
        if outcomes.is_empty() {
            self.seen.push(pair as u32);
        }
        // Looked up only where the memory changes, which it soon does no more.
        let known = outcomes.iter_mut().find(|outcome| outcome.next == new.next);
        let leads_anew = known.is_none();
        match known {
            Some(known) if counts => {
                (known.count, known.paid, known.squares) =
                    (known.count + 1.0, known.paid + new.paid, known.squares + new.squares);
            }
            _ if counts => outcomes.push(new),
            _ => {
                outcomes.clear();
                outcomes.push(new);
            }
        }
        if leads_anew
            && let Some(next) = transition.next
            && !self.before[next].contains(&(pair as u32))
        {
            self.before[next].push(pair as u32);
        }
        pair
    }

    /// What followed a pair.
    pub(super) fn of(&self, pair: usize) -> &[Outcome] {
        &self.of[pair]
    }

    /// How often a pair was tried, as far as it is remembered.
    pub(super) fn tries(&self, pair: usize) -> f64 {
        self.of[pair].iter().map(|outcome| outcome.count).sum()
    }

    /// One of the things that followed a pair, by their counts: its mean reward and the next state. It draws only where there are several.
    pub(super) fn draw(&self, pair: usize, rng: &mut Rng) -> Option<(f64, Option<usize>)> {
        let outcomes = &self.of[pair];
        let drawn = if outcomes.len() > 1 {
            let mut left = rng.uniform() * self.tries(pair);
            outcomes.iter().find(|outcome| {
                left -= outcome.count;
                left < 0.0
            })
        } else {
            outcomes.first()
        };
        drawn.or(outcomes.last()).map(|outcome| (outcome.paid / outcome.count, outcome.follows()))
    }

    /// Pairs in the order in which they were first seen.
    pub(super) fn seen(&self) -> &[u32] {
        &self.seen
    }

    /// Pairs that have led to a state.
    pub(super) fn before(&self, state: usize) -> &[u32] {
        &self.before[state]
    }

    pub(super) fn save(&self) -> State {
        let (mut ways, mut sums, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for pair in &self.seen {
            for outcome in &self.of[*pair as usize] {
                ways.extend([u64::from(*pair), u64::from(outcome.next)]);
                sums.extend([outcome.count, outcome.paid, outcome.squares]);
            }
        }
        for (state, pairs) in self.before.iter().enumerate() {
            before.extend(pairs.iter().flat_map(|pair| [state as u64, u64::from(*pair)]));
        }
        let mut state = State::new();
        state.put("states", Array::U64(vec![self.before.len() as u64]));
        state.put("ways", Array::U64(ways));
        state.put("sums", Array::F64(vec![sums.len() / 3, 3], sums));
        state.put("before", Array::U64(before));
        state
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        let broken = || damaged("counts of states and actions");
        let (Array::U64(ways), Array::U64(before)) = (state.array("ways")?, state.array("before")?) else {
            return Err(broken());
        };
        let sums = state.f64s("sums", ways.len() / 2 * 3)?;
        let states = state.u64s("states", 1)?[0] as usize;
        super::action_values::granted(states.saturating_sub(1), self.actions, 0)?;
        *self = Self::new(self.actions);
        if states > 0 {
            self.include(states - 1);
        }
        for ([pair, next], sum) in ways.as_chunks::<2>().0.iter().zip(sums.as_chunks::<3>().0) {
            let (next, outcomes) = (*next as u32, self.of.get_mut(*pair as usize).ok_or_else(broken)?);
            if next != END && next as usize >= states {
                return Err(broken());
            }
            if outcomes.is_empty() {
                self.seen.push(*pair as u32);
            }
            outcomes.push(Outcome { next, count: sum[0], paid: sum[1], squares: sum[2] });
        }
        for [next, pair] in before.as_chunks::<2>().0 {
            if *pair as usize >= self.of.len() {
                return Err(broken());
            }
            self.before.get_mut(*next as usize).ok_or_else(broken)?.push(*pair as u32);
        }
        Ok(())
    }
}
