//! A finite Markov decision process in compressed sparse form, and the builder that checks it.
//!
//! State `s` owns the consecutive pairs `pairs[s]..pairs[s + 1]`, pair `(s, a)` the consecutive outcomes `outcomes[p]..outcomes[p + 1]`.
//! An outcome is a next state and a weight `w = p(s' | s, a) c(s, a, s')` with the continuation c (discount × not terminal, negative
//! where the other player moves next); a pair has its expected reward. So a backup is (Bellman, "Dynamic Programming", 1957)
//!
//! `q(s, a) = r(s, a) + Σ w V(s')`, `V(s) = max_a q(s, a)`,
//!
//! one product and one sum for each outcome over arrays that are read in order. A state without actions is an end: its value is 0.

use worldwright_core::{Error, Result};

/// How far the probabilities of a pair may sum from one.
const SUM_TOLERANCE: f64 = 1e-9;

/// A finite process; see [`MdpBuilder`].
#[derive(Debug, Clone, PartialEq)]
pub struct Mdp {
    /// `[S + 1]`
    pairs: Vec<u32>,
    /// `[pairs + 1]`
    outcomes: Vec<u32>,
    /// `[pairs]`, expected reward.
    reward: Vec<f64>,
    /// `[outcomes]`
    next: Vec<u32>,
    /// `[outcomes]`
    weight: Vec<f64>,
    /// Smallest and largest Σ|w| over the pairs.
    modulus: (f64, f64),
    /// Whether no weight is negative.
    monotone: bool,
}

impl Mdp {
    /// How many states.
    pub fn states(&self) -> usize {
        self.pairs.len() - 1
    }

    /// How many actions `state` has; none where the process ends.
    pub fn actions(&self, state: usize) -> usize {
        (self.pairs[state + 1] - self.pairs[state]) as usize
    }

    /// How many (state, action) pairs.
    pub fn pairs(&self) -> usize {
        self.reward.len()
    }

    /// How many outcomes over all pairs.
    pub fn outcomes(&self) -> usize {
        self.next.len()
    }

    /// The expected reward of an action.
    pub fn reward(&self, state: usize, action: usize) -> f64 {
        self.reward[self.pair(state, action)]
    }

    /// Next states of an action with their weights (probability × continuation).
    pub fn transitions(&self, state: usize, action: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let pair = self.pair(state, action);
        let span = self.outcomes[pair] as usize..self.outcomes[pair + 1] as usize;
        self.next[span.clone()].iter().zip(&self.weight[span]).map(|(next, weight)| (*next as usize, *weight))
    }

    /// The factor β by which a backup brings two values nearer in the largest difference: the largest Σ|w|.
    pub fn contraction(&self) -> f64 {
        self.modulus.1
    }

    /// The smallest and the largest Σ|w| over the pairs; ends count as 0.
    pub(super) fn moduli(&self) -> (f64, f64) {
        self.modulus
    }

    /// Whether larger values behind never make a value smaller: no other player moves.
    pub(super) fn monotone(&self) -> bool {
        self.monotone
    }

    /// The value of doing `action` in `state` when `values` follow.
    pub fn action_value(&self, state: usize, action: usize, values: &[f64]) -> f64 {
        self.pair_value(self.pair(state, action), values)
    }

    /// The best value of `state` when `values` follow, and the first action that has it; `None` where the process ends.
    #[inline]
    pub fn backup(&self, state: usize, values: &[f64]) -> Option<(f64, u32)> {
        let (first, end) = (self.pairs[state] as usize, self.pairs[state + 1] as usize);
        let (mut best, mut choice) = (f64::NEG_INFINITY, 0);
        // Which action is best cannot be foreseen: two selections cost less than a wrong guess of a branch.
        for pair in first..end {
            let value = self.pair_value(pair, values);
            let better = value > best;
            best = if better { value } else { best };
            choice = if better { (pair - first) as u32 } else { choice };
        }
        (end > first).then_some((best, choice))
    }

    #[inline]
    pub(super) fn pair_value(&self, pair: usize, values: &[f64]) -> f64 {
        let span = self.outcomes[pair] as usize..self.outcomes[pair + 1] as usize;
        let mut sum = self.reward[pair];
        for (next, weight) in self.next[span.clone()].iter().zip(&self.weight[span]) {
            sum += weight * values[*next as usize];
        }
        sum
    }

    pub(super) fn pair(&self, state: usize, action: usize) -> usize {
        assert!(action < self.actions(state), "state {state} has {} actions, not {action}", self.actions(state));
        self.pairs[state] as usize + action
    }
}

/// Builds an [`Mdp`]: states in order, each with its actions in order, each with its outcomes.
#[derive(Debug, Clone)]
pub struct MdpBuilder {
    discount: f64,
    pairs: Vec<u32>,
    outcomes: Vec<u32>,
    reward: Vec<f64>,
    probability: Vec<f64>,
    next: Vec<u32>,
    weight: Vec<f64>,
    error: Option<Error>,
}

impl MdpBuilder {
    /// A process whose future counts by `discount` a step, in [0, 1].
    pub fn new(discount: f64) -> Self {
        let error = (!(0.0..=1.0).contains(&discount))
            .then(|| Error::config("discount", format!("must lie in [0, 1], got {discount}")));
        Self {
            discount,
            pairs: Vec::new(),
            outcomes: Vec::new(),
            reward: Vec::new(),
            probability: Vec::new(),
            next: Vec::new(),
            weight: Vec::new(),
            error,
        }
    }

    /// Begins the next state. Without actions it is an end of value 0.
    pub fn state(&mut self) -> &mut Self {
        self.pairs.push(self.reward.len() as u32);
        self
    }

    /// Begins the next action of the present state.
    pub fn action(&mut self) -> &mut Self {
        if self.pairs.is_empty() {
            self.refuse("action", "an action was given before any state".to_owned());
        }
        self.outcomes.push(self.next.len() as u32);
        self.reward.push(0.0);
        self.probability.push(0.0);
        self
    }

    /// One possible outcome of the present action: its probability, its reward, and the state that follows (`None` ends).
    pub fn outcome(&mut self, probability: f64, reward: f64, next: Option<usize>) -> &mut Self {
        let discount = self.discount;
        self.outcome_with(probability, reward, next, discount)
    }

    /// Like [`outcome`](Self::outcome), with a continuation of its own in [−1, 1] in place of the discount: negative where the
    /// other player moves next, zero ends.
    pub fn outcome_with(&mut self, probability: f64, reward: f64, next: Option<usize>, continuation: f64) -> &mut Self {
        let Some(pair) = self.reward.len().checked_sub(1) else {
            self.refuse("outcome", "an outcome was given before any action".to_owned());
            return self;
        };
        // Written so that NaN fails too.
        if !(0.0..=1.0).contains(&probability) {
            self.refuse(&self.place(pair), format!("probability {probability} does not lie in [0, 1]"));
        } else if !reward.is_finite() {
            self.refuse(&self.place(pair), format!("reward {reward} is not a finite number"));
        } else if !(-1.0..=1.0).contains(&continuation) {
            self.refuse(&self.place(pair), format!("continuation {continuation} does not lie in [-1, 1]"));
        }
        self.probability[pair] += probability;
        self.reward[pair] += probability * reward;
        if let Some(next) = next
            && probability * continuation != 0.0
        {
            self.next.push(u32::try_from(next).unwrap_or(u32::MAX));
            self.weight.push(probability * continuation);
        }
        self
    }

    /// The finished process.
    ///
    /// # Errors
    /// [`Error::Config`] that names the state and the action: probabilities that are no numbers or do not sum to one, rewards that
    /// are not finite, next states that do not exist; or a process without states or too large for 32-bit numbers.
    pub fn build(&mut self) -> Result<Mdp> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let states = self.pairs.len();
        if states == 0 {
            return Err(Error::config("states", "a process needs at least one state"));
        }
        if self.next.len().max(self.reward.len()) >= u32::MAX as usize {
            return Err(Error::config("outcomes", "a process holds fewer than 2³² outcomes and pairs"));
        }
        let mut modulus = (f64::INFINITY, 0.0_f64);
        for pair in 0..self.reward.len() {
            let total = self.probability[pair];
            if (total - 1.0).abs() > SUM_TOLERANCE {
                return Err(Error::config(self.place(pair), format!("its probabilities sum to {total}, not to 1")));
            }
            let end = self.outcomes.get(pair + 1).map_or(self.next.len(), |end| *end as usize);
            let span = self.outcomes[pair] as usize..end;
            if let Some(next) = self.next[span.clone()].iter().find(|next| **next as usize >= states) {
                let why = format!("leads to state {next}, but there are {states} states");
                return Err(Error::config(self.place(pair), why));
            }
            let sum = self.weight[span].iter().map(|weight| weight.abs()).sum::<f64>();
            modulus = (modulus.0.min(sum), modulus.1.max(sum));
        }
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.push(self.reward.len() as u32);
        if pairs.windows(2).any(|pair| pair[0] == pair[1]) {
            modulus.0 = 0.0;
        }
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.push(self.next.len() as u32);
        self.probability.clear();
        let weight = std::mem::take(&mut self.weight);
        Ok(Mdp {
            pairs,
            outcomes,
            reward: std::mem::take(&mut self.reward),
            next: std::mem::take(&mut self.next),
            monotone: weight.iter().all(|weight| *weight >= 0.0),
            weight,
            modulus,
        })
    }

    fn refuse(&mut self, key: &str, why: String) {
        self.error.get_or_insert(Error::config(key, why));
    }

    /// The name of a pair in errors.
    fn place(&self, pair: usize) -> String {
        let state = self.pairs.partition_point(|first| *first as usize <= pair).saturating_sub(1);
        format!("state {state}, action {}", pair - self.pairs.get(state).map_or(0, |first| *first as usize))
    }
}
