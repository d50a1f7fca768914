//! Whether reward still tells an agent what to do, or curiosity should.
//!
//! Where a policy expects about as much of every step as any step ever paid, hardly more than acting at random gave, and the task was never seen to end,
//! there is nothing to be gained that anybody knows of: reward lies where nobody has been. What is worth most then is to see what is not yet known.

use worldwright_core::{Array, Dataset, Experience, Result, Sample, State};

/// Rewards within this share of their range from the best one seen are about as good.
const NEAR: f64 = 0.1;

/// Deviations of the rewards at random, for one number of an action, within which a gain may be what doing nothing saves: where random numbers of an action
/// cost their squares, that is 1.12.
const SAVED: f64 = 1.25;

/// What a model may be off of a reward that never changed, as a share of it, or of one where it is smaller.
const SLACK: f64 = 0.02;
/// Steps by which the first ones may be more than the agent's own, where several environments are acted in.
const PLACES: u64 = 256;

/// What rewards were like so far.
pub(crate) struct Interest {
    /// Whether the first steps were the agent's own, at random: recorded ones may be anybody's, so that they say nothing of what is lost.
    began_at_random: bool,
    /// Steps at random that an agent begins with.
    first: u64,
    /// How far a gain may be what doing nothing saves, in deviations of the rewards at random.
    saved: f64,
    /// Number, mean, and sum of squared deviations of the rewards of the first steps.
    random: (u64, f64, f64),
    /// The first row that was not looked at.
    next_row: u64,
    low: f64,
    high: f64,
    /// Mean of what the policy expects of a step, wherever it has been; none before it was asked.
    expected: f64,
    /// Whether the task itself has ended, and that made a difference to what was paid in all.
    ended: bool,
    sample: Sample,
}

impl Interest {
    /// For an agent that begins with `first` steps at random, by actions of so many numbers.
    pub(crate) fn new(first: u64, action_dim: usize) -> Self {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        let saved = SAVED * (action_dim.max(1) as f64).sqrt();
        Self {
            began_at_random: true,
            first,
            saved,
            random: (0, 0.0, 0.0),
            next_row: 0,
            low,
            high,
            expected: f64::NEG_INFINITY,
            ended: false,
            sample: Sample::default(),
        }
    }

    /// Looks at what was experienced since.
    pub(crate) fn follow(&mut self, experience: &dyn Experience) {
        let rows = experience.rows();
        if self.next_row == 0 {
            self.began_at_random = rows.end <= self.first.max(1) + PLACES;
        }
        for row in self.next_row.max(rows.start)..rows.end {
            if !experience.ends_sequence(row, 1) {
                continue;
            }
            self.sample.begin(1);
            experience.gather(row, 1, 1.0, &mut self.sample);
            let reward = self.sample.rewards[0];
            if self.random.0 < self.first.max(1) {
                let (count, mean, squares) = self.random;
                let moved = mean + (reward - mean) / (count + 1) as f64;
                self.random = (count + 1, moved, squares + (reward - mean) * (reward - moved));
            }
            (self.low, self.high) = (self.low.min(reward), self.high.max(reward));
            self.ended |= self.sample.terminated[0] && self.low.abs().max(self.high.abs()) > 0.0;
        }
        self.next_row = rows.end;
    }

    /// Looks at what the policy expects.
    pub(crate) fn expects(&mut self, imagined: &Dataset) {
        if !imagined.is_empty() {
            self.expected = imagined.rewards().iter().sum::<f64>() / imagined.len() as f64;
        }
    }

    /// Whether reward tells nothing that is not known; before anything was expected, nobody can say.
    pub(crate) fn is_lost(&self) -> bool {
        if !self.expected.is_finite() {
            return false;
        }
        let (count, mean, squares) = self.random;
        let range = self.high - self.low;
        // What is expected comes from a model, which may have learned the reward: of one that never changed it knows no scale.
        let near = if range > 0.0 { NEAR * range } else { SLACK * mean.abs().max(1.0) };
        let saved = if range > 0.0 { self.saved * (squares / count.max(1) as f64).sqrt() } else { near };
        self.began_at_random && !self.ended && self.expected - mean <= saved && self.expected >= self.high - near
    }

    pub(crate) fn save(&self, state: &mut State) {
        let numbers = vec![self.low, self.high, self.expected, self.random.1, self.random.2];
        state.put("interest", Array::F64(vec![5], numbers));
        state.put(
            "interest.seen",
            Array::U64(vec![self.next_row, u64::from(self.ended), self.random.0, u64::from(self.began_at_random)]),
        );
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let numbers = state.f64s("interest", 5)?;
        (self.low, self.high, self.expected) = (numbers[0], numbers[1], numbers[2]);
        let seen = state.u64s("interest.seen", 4)?;
        (self.next_row, self.ended) = (seen[0], seen[1] > 0);
        self.random = (seen[2], numbers[3], numbers[4]);
        self.began_at_random = seen[3] > 0;
        Ok(())
    }
}
