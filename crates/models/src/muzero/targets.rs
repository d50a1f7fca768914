//! What a value-equivalent model is to learn of a window of experience.
//!
//! With d the discount of a step, negative where the other player moves next, the value at step k of a window of T transitions is the
//! return of n steps and what the state then is worth:
//!
//! ```text
//! z_k = Σ_{i < m} dⁱ r_{k+i} + dᵐ v_{k+m}        m = min(n, T − k)
//! ```
//!
//! without the last term where the task has ended there. Beyond such an end everything is worth zero.

/// One window as experience has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Played<'a> {
    /// Rewards of the T transitions, each of who moved.
    pub(super) rewards: &'a [f64],
    /// Whether the task ended with the last of them.
    pub(super) terminated: bool,
}

/// How returns are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Returns {
    /// n, rewards that are counted before a value stands for the rest.
    pub(super) steps: usize,
    /// d.
    pub(super) discount: f64,
}

impl Returns {
    /// Where the return of step `k` goes on by a value.
    pub(super) fn end(&self, k: usize, length: usize) -> usize {
        length.min(k + self.steps)
    }

    /// The return from step `k` on. None where nothing but the value of its end would be learned: at and behind the last state of an episode that
    /// was cut.
    pub(super) fn due(&self, played: Played<'_>, k: usize) -> Option<Due> {
        let length = played.rewards.len();
        if k >= length {
            return played.terminated.then_some(Due { earned: 0.0, factor: 0.0 });
        }
        let end = self.end(k, length);
        let earned = played.rewards[k..end].iter().rev().fold(0.0, |rest, reward| reward + self.discount * rest);
        let over = played.terminated && end == length;
        Some(Due { earned, factor: if over { 0.0 } else { self.discount.powi((end - k) as i32) } })
    }
}

/// A return that waits for the value of the state that it ends at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Due {
    /// What is earned before.
    pub(super) earned: f64,
    /// What that value is multiplied by.
    pub(super) factor: f64,
}

impl Due {
    /// The return where its end is worth so much.
    pub(super) fn with(self, value: f64) -> f64 {
        self.earned + self.factor * value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value at step `k` where the state at its end is worth `beyond`.
    fn value(returns: Returns, played: Played<'_>, k: usize, beyond: f64) -> Option<f64> {
        returns.due(played, k).map(|due| due.with(beyond))
    }

    #[test]
    fn one_player_counts_everything_for_itself() {
        let returns = Returns { steps: 2, discount: 0.5 };
        let played = Played { rewards: &[1.0, 2.0, 4.0], terminated: false };
        let values = [0, 1, 2].map(|k| value(returns, played, k, 8.0));
        // 1 + 2/2 + 8/4, 2 + 4/2 + 8/4, 4 + 8/2.
        assert_eq!(values, [Some(4.0), Some(6.0), Some(8.0)]);
        assert_eq!([0, 1, 2, 3].map(|k| returns.end(k, 3)), [2, 3, 3, 3]);
        assert_eq!(
            [3, 4].map(|k| value(returns, played, k, 8.0)),
            [None, None],
            "nothing is known of what follows a cut"
        );
    }

    #[test]
    fn nothing_follows_an_end() {
        let returns = Returns { steps: 2, discount: 0.5 };
        let played = Played { rewards: &[1.0, 2.0, 4.0], terminated: true };
        let values = [0, 1, 2, 3, 4].map(|k| value(returns, played, k, 8.0));
        assert_eq!(values, [Some(4.0), Some(4.0), Some(4.0), Some(0.0), Some(0.0)]);
    }

    #[test]
    fn the_other_player_gains_what_one_loses() {
        // A game that who moved third wins: won by the movers of steps 0 and 2, lost by that of step 1.
        let returns = Returns { steps: 9, discount: -1.0 };
        let won = Played { rewards: &[0.0, 0.0, 1.0], terminated: true };
        assert_eq!([0, 1, 2, 3].map(|k| value(returns, won, k, 7.0)), [Some(1.0), Some(-1.0), Some(1.0), Some(0.0)]);
        // Two steps on the same player moves again, one step on the other.
        let returns = Returns { steps: 2, discount: -0.5 };
        let played = Played { rewards: &[0.0, 0.0, 0.0], terminated: false };
        assert_eq!([0, 1, 2].map(|k| value(returns, played, k, 8.0)), [Some(2.0), Some(2.0), Some(-4.0)]);
    }
}
