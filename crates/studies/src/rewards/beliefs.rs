//! What is believed of a reward: candidates with their probabilities, from a design, from preferences, from demonstrations.
//!
//! All three take likelihoods of the same candidates, drawn from the prior:
//! - a *design* says that in the fields the designer thought of, what its reward leads to is good under the true one: `p(design | w) ∝ exp(β w·φ(design))` over all designs
//!   (Hadfield-Menell, Milli, Abbeel, Russell and Dragan, "Inverse Reward Design", NeurIPS 2017, equations 1 and 2, the normaliser by the candidates as designs);
//! - a *preference* for one of two walks has the probability of Bradley and Terry, `1 / (1 + exp(−β w·(φ₁ − φ₂)))`;
//! - a *demonstration* has probability `exp(β w·φ) / Z(w)` with the exact `Z` (see `fields`).

use worldwright_core::{Error, Interrupt, Result, Rng};

use super::fields::{Field, KINDS, Kinds, dot};

/// Rewards that may be true, and how likely each is.
pub(super) struct Belief<'a> {
    candidates: &'a [Kinds],
    shares: Vec<f64>,
}

/// Weights between −1 and 1.
pub(super) fn prior(count: usize, rng: &mut Rng) -> Vec<Kinds> {
    (0..count).map(|_| [0.0; KINDS].map(|_| rng.uniform_in(-1.0, 1.0))).collect()
}

/// What a reward leads to in the mean over fields.
pub(super) fn outcome(fields: &[Field], weights: &Kinds) -> Kinds {
    let mut mean = [0.0; KINDS];
    for field in fields {
        mean.iter_mut().zip(field.best(weights)).for_each(|(mean, count)| *mean += count / fields.len() as f64);
    }
    mean
}

impl<'a> Belief<'a> {
    /// From log-likelihoods, a candidate each.
    ///
    /// # Errors
    /// [`Error::Diverged`] where they give no probabilities.
    fn new(candidates: &'a [Kinds], likelihoods: &[f64]) -> Result<Self> {
        let most = likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = likelihoods.iter().map(|log| (log - most).exp()).collect();
        let total: f64 = shares.iter().sum();
        if !total.is_finite() {
            let why = "no candidate has a likelihood that is finite: take less sharpness".into();
            return Err(Error::Diverged { who: "a belief over rewards".into(), why });
        }
        Ok(Self { candidates, shares: shares.iter().map(|share| share / total).collect() })
    }

    /// From a designed reward; `outcomes` are those of the candidates in the same fields.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Diverged`] where there are no probabilities; so for all three.
    pub(super) fn of_design(
        candidates: &'a [Kinds],
        outcomes: &[Kinds],
        designed: &Kinds,
        (sharpness, interrupt): (f64, &Interrupt),
    ) -> Result<Self> {
        let likelihoods: Result<Vec<f64>> = (candidates.iter())
            .map(|weights| {
                interrupt.check("the study")?;
                let pays: Vec<f64> = outcomes.iter().map(|counts| sharpness * dot(weights, counts)).collect();
                let most = pays.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let partition = most + pays.iter().map(|pay| (pay - most).exp()).sum::<f64>().ln();
                Ok(sharpness * dot(weights, designed) - partition)
            })
            .collect();
        Self::new(candidates, &likelihoods?)
    }

    /// From pairs of walks, the preferred one first.
    pub(super) fn of_preferences(
        candidates: &'a [Kinds],
        pairs: &[[Kinds; 2]],
        (sharpness, interrupt): (f64, &Interrupt),
    ) -> Result<Self> {
        let of = |weights: &Kinds| -> Result<f64> {
            interrupt.check("the study")?;
            let margins = pairs.iter().map(|[first, second]| sharpness * (dot(weights, first) - dot(weights, second)));
            // Written so that nothing overflows, however sure a preference is.
            Ok(margins.map(|margin| margin.min(0.0) - (-margin.abs()).exp().ln_1p()).sum())
        };
        Self::new(candidates, &candidates.iter().map(of).collect::<Result<Vec<_>>>()?)
    }

    /// From walks, each in its field.
    pub(super) fn of_demonstrations(
        candidates: &'a [Kinds],
        walks: &[(&Field, Kinds)],
        (sharpness, interrupt): (f64, &Interrupt),
    ) -> Result<Self> {
        let of = |weights: &Kinds| -> Result<f64> {
            interrupt.check("the study")?;
            let each = walks
                .iter()
                .map(|(field, counts)| sharpness * dot(weights, counts) - field.log_partition(weights, sharpness));
            Ok(each.sum())
        };
        Self::new(candidates, &candidates.iter().map(of).collect::<Result<Vec<_>>>()?)
    }

    /// The likeliest reward.
    pub(super) fn likeliest(&self) -> Kinds {
        let most = self.shares.iter().copied().fold(0.0, f64::max);
        self.shares.iter().position(|share| *share >= most).map_or([0.0; KINDS], |i| self.candidates[i])
    }

    /// The mean reward.
    pub(super) fn mean(&self) -> Kinds {
        let mut mean = [0.0; KINDS];
        for (weights, share) in self.candidates.iter().zip(&self.shares) {
            mean.iter_mut().zip(weights).for_each(|(mean, weight)| *mean += share * weight);
        }
        mean
    }

    /// The least that each kind of ground may pay beyond `reference`, over so many rewards drawn from the belief. Without a reference that all rewards agree on, worst cases
    /// of different rewards would be compared by their offsets.
    pub(super) fn worst(&self, draws: usize, reference: usize, rng: &mut Rng) -> Kinds {
        let mut worst = [f64::INFINITY; KINDS];
        for _ in 0..draws {
            let mut left = rng.uniform();
            let drawn = self.shares.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            let weights = self.candidates[drawn.unwrap_or(self.candidates.len() - 1)];
            worst.iter_mut().zip(weights).for_each(|(worst, weight)| *worst = worst.min(weight - weights[reference]));
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATES: [Kinds; 2] = [[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.5]];

    #[test]
    fn beliefs_follow_bayes_rule() {
        let (one, none, never) = ([1.0, 0.0, 0.0, 0.0], [0.0; KINDS], Interrupt::never());
        let belief = Belief::of_preferences(&CANDIDATES, &[[one, none]], (2.0, &never)).unwrap();
        let [p, q] = [1.0 / (1.0 + (-2.0f64).exp()), 1.0 / (1.0 + 2.0f64.exp())];
        assert!((belief.shares[0] - p / (p + q)).abs() < 1e-12);
        assert!((belief.mean()[3] - 0.5 * q / (p + q)).abs() < 1e-12);
        assert_eq!(belief.likeliest(), CANDIDATES[0]);
        // A design that leads to the one thing, among designs that lead to it or to nothing.
        let belief = Belief::of_design(&CANDIDATES, &[one, none], &one, (2.0, &never)).unwrap();
        let [p, q] = [2.0f64.exp() / (2.0f64.exp() + 1.0), (-2.0f64).exp() / ((-2.0f64).exp() + 1.0)];
        assert!((belief.shares[0] - p / (p + q)).abs() < 1e-12);
        assert_eq!(belief.worst(200, 1, &mut Rng::new(1)), [-1.0, 0.0, 0.0, 0.0]);
    }

    /// At margins of thousands the worse candidate has probability zero, and of two that are both against all that was preferred the one that is less so has all of it.
    #[test]
    fn sure_preferences_leave_probabilities() {
        let candidates = [[-1.0, 0.0, 0.0, 0.0], [-0.5, 0.0, 0.0, 0.0]];
        let pair = [[[30.0, 0.0, 0.0, 0.0], [0.0; KINDS]]];
        let never = Interrupt::never();
        let belief = Belief::of_preferences(&candidates, &pair, (1000.0, &never)).unwrap();
        assert_eq!(belief.shares, [0.0, 1.0]);
        assert!(Belief::new(&candidates, &[f64::NEG_INFINITY; 2]).is_err());
        assert!(Belief::new(&candidates, &[f64::NAN, 0.0]).is_err());
        let stop = Interrupt::new();
        stop.request();
        assert!(Belief::of_preferences(&candidates, &pair, (1.0, &stop)).is_err());
    }
}
