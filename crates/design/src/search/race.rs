//! The race: plans of the candidates play whole episodes, until one leads clearly or the budget is spent.
//!
//! Each round, every candidate that is left plays one more episode, all of them from the same start; then the worse half leaves, though
//! never more than [`LEAST_LEFT`] are left (successive halving; Karnin, Koren and Somekh, "Almost Optimal Exploration in Multi-Armed
//! Bandits", ICML 2013). The race ends early once no candidate may be better than the leader by more than a share [`CLOSE`] of
//! what there is to gain, with d the differences of their returns from the same starts,
//!
//! ```text
//! mean(d) + 2 std(d) / √n ≤ CLOSE · (best mean − worst mean)
//! ```
//!
//! (Maron and Moore, "Hoeffding Races", NIPS 1993, with the spread that is seen instead of a bound). Everything that may be best takes
//! part: on held-out data, models whose plans differ widely err by factors of two or three of each other, in either order, so
//! that prediction rules out only what errs by a factor of [`HOPELESS`] more than the best. The record rules out what was far
//! behind on similar domains, the less so the less similar they are.

use std::time::Instant;

use worldwright_core::{Error, Result};
use worldwright_planners::PlannerContext;

use super::{EXACT, Observer, Search, fits};
use crate::candidate::PlanChoice;
use crate::fitting::{fit, resolved};
use crate::options::{Progress, Row};
use crate::prediction::moments;
use crate::trial::Trial;
use worldwright_agents::ModelBasedAgent;

/// Episodes' worth of steps that trials take together.
const TRIALS: usize = 64;
/// Candidates that stay in the race until it ends.
const LEAST_LEFT: usize = 3;
/// Episodes of a candidate before which nobody leads clearly.
const LEAST_EPISODES: usize = 4;
/// Share of what there is to gain by which the choice may be beaten.
const CLOSE: f64 = 0.05;
/// Errors of this multiple of the best model's rule a model out.
const HOPELESS: f64 = 16.0;
/// Share of the best gain by which a candidate must have been behind on a domain just like this one to be left out.
const BEHIND: f64 = 0.25;
/// Share of the best gain that a model of twice the error is thought to lose: how prediction and record are weighed in the order.
const WEIGHT: f64 = 0.25;

impl Search<'_> {
    /// Whether a planner can plan in an examined model.
    fn fits(&self, place: usize, plan: &PlanChoice) -> bool {
        let Some(model) = &self.examined[place].model else { return false };
        let context = PlannerContext::for_model(model.spec(), self.context.seed);
        let planner = worldwright_planners::make(&plan.name, &context, &plan.settings);
        planner.is_ok_and(|planner| planner.check(model.spec()).is_ok())
    }

    /// Lets the candidates race, and gives the judge's name. Where the judge is `real`, the models learn from all of the data first,
    /// the held-out episodes among them, and are then what users get.
    ///
    /// # Errors
    /// [`Error::Diverged`] when no model could be fitted; what `trial` and `observer` give.
    pub(super) fn race(&mut self, trial: &mut dyn Trial, real: bool, observer: Observer<'_>) -> Result<String> {
        let of = if self.options.trial_steps > 0 { self.options.trial_steps } else { TRIALS * self.episode_steps };
        // Half of the budget may go to the first round.
        let field = self.field((of / (2 * self.episode_steps)).max(1))?;
        if real {
            self.learn_all(&field);
        }
        let enter =
            |(place, plan): (usize, PlanChoice)| (place, Row { plan: Some(plan), ..self.examined[place].row.clone() });
        self.tried = field.into_iter().map(enter).collect();
        let mut alive: Vec<usize> = (0..self.tried.len()).collect();
        let mut steps = 0;
        for round in 0.. {
            if round > 0
                && (alive.len() < 2
                    || steps + alive.len() * self.episode_steps > of
                    || self.led_clearly(&alive)
                    || self.late())
            {
                break;
            }
            for i in alive.clone() {
                observer(Progress::Trying { row: &self.tried[i].1, round: round + 1 })?;
                steps += self.try_once(i, trial, round)?;
                observer(Progress::Tried { row: &self.tried[i].1, steps, of })?;
            }
            self.rank(&mut alive);
            alive.retain(|i| self.tried[*i].1.diverged.is_none());
            alive.truncate(alive.len().div_ceil(2).max(LEAST_LEFT));
        }
        Ok(trial.name().to_owned())
    }

    /// Who takes part, `most` at the most: those first of whom prediction and record promise most.
    fn field(&self, most: usize) -> Result<Vec<(usize, PlanChoice)>> {
        let order = self.by_prediction();
        let Some(first) = order.first() else {
            let why = self.examined.iter().filter_map(|e| e.row.diverged.clone()).next().unwrap_or_default();
            let why = format!("no candidate could be fitted; the first said: {why}");
            return Err(Error::Diverged { who: "design".into(), why });
        };
        let score = |i: usize| self.examined[i].row.prediction.as_ref().map_or(f64::INFINITY, |p| p.score).max(EXACT);
        let best = score(*first);
        let worth = |i: usize| -WEIGHT * (score(i) / best).log2();
        let mut models: Vec<usize> = order.iter().copied().filter(|i| score(*i) <= HOPELESS * best).collect();
        let promised = |i: usize| worth(i) + self.promise(&self.examined[i].row.model);
        // The best prediction is always tried, whatever the record says.
        models.sort_by(|a, b| (b == first).cmp(&(a == first)).then(promised(*b).total_cmp(&promised(*a))));
        if self.options.finalists > 0 {
            // The best of each kind before the second of any: one kind's errors on held-out data often share a cause.
            firsts_first(&mut models, |i| [self.examined[*i].row.model.name.as_str()]);
            models.truncate(self.options.finalists);
        }
        let mut field: Vec<(f64, f64, usize, &PlanChoice)> = Vec::new();
        for place in models {
            for plan in self.plans.iter().filter(|plan| self.fits(place, plan)) {
                let share = self.share(&self.examined[place].row.model, plan);
                field.push((worth(place) + share, share, place, plan));
            }
        }
        let top = field.iter().map(|(_, share, ..)| *share).fold(0.0, f64::max);
        field.retain(|(_, share, ..)| top - share <= BEHIND + self.prior.nearest());
        field.sort_by(|a, b| b.0.total_cmp(&a.0));
        if field.len() > most {
            firsts_first(&mut field, |(.., place, plan)| [self.examined[*place].row.model.name.as_str(), &plan.label]);
            field.truncate(most);
        }
        Ok(field.into_iter().map(|(.., place, plan)| (place, plan.clone())).collect())
    }

    /// Fits the models of the field to all of the data.
    fn learn_all(&mut self, field: &[(usize, PlanChoice)]) {
        self.whole = true;
        for place in 0..self.examined.len() {
            if field.iter().all(|(entered, _)| *entered != place) {
                continue;
            }
            let began = Instant::now();
            let fitted =
                fit(&self.examined[place].row.model, self.context, self.dataset, &self.agent, fits(self.context));
            let examined = &mut self.examined[place];
            match fitted {
                Ok((model, note)) => (examined.model, examined.note) = (Some(model), note),
                Err(error) => (examined.model, examined.row.diverged) = (None, Some(error.to_string())),
            }
            examined.row.fit_secs += began.elapsed().as_secs_f64();
        }
    }

    /// Whether none of `alive`, the best first, may be better than the leader by much.
    fn led_clearly(&self, alive: &[usize]) -> bool {
        let means: Vec<f64> = self.tried.iter().filter_map(|(_, row)| row.mean_return()).collect();
        let worst = means.iter().copied().fold(f64::INFINITY, f64::min);
        let returns = |i: &usize| self.tried[*i].1.returns.as_slice();
        let Some((leader, others)) = alive.split_first() else { return true };
        let leader = returns(leader);
        let to_gain = moments(leader.iter().copied()).0 - worst;
        // Where nothing was gained by anyone, rewards are rare and the next start may tell.
        to_gain > 0.0 && others.iter().all(|other| may_lead_by(leader, returns(other)) <= CLOSE * to_gain)
    }

    /// Plays episode `round` with candidate `i`; gives its steps.
    fn try_once(&mut self, i: usize, trial: &mut dyn Trial, round: u64) -> Result<usize> {
        let began = Instant::now();
        let (place, row) = &mut self.tried[i];
        let Some(plan) = row.plan.as_ref().filter(|_| row.diverged.is_none()) else { return Ok(0) };
        let Some(model) = self.examined[*place].model.take() else { return Ok(0) };
        let settings = resolved(&row.model, plan, &self.agent)?;
        let mut agent = ModelBasedAgent::around(model, true, &settings, self.context)?;
        let played = trial.play(&mut agent, round, self.episode_steps, &mut self.seen);
        self.seen.end_episode();
        self.examined[*place].model = agent.into_model();
        row.trial_secs += began.elapsed().as_secs_f64();
        let steps = played.as_ref().map_or(0, |played| played.steps);
        match played {
            Ok(played) if played.episode_return.is_finite() => row.returns.push(played.episode_return),
            Ok(played) => row.diverged = Some(format!("its return was {}", played.episode_return)),
            // The candidate's own failure; what an environment says ends the search.
            Err(Error::Diverged { who, why }) => row.diverged = Some(format!("{who}: {why}")),
            Err(other) => return Err(other),
        }
        Ok(steps)
    }

    /// Sorts places of tried candidates: the diverged last, then more trials, then greater returns; equals stay in order of promise.
    pub(super) fn rank(&self, places: &mut [usize]) {
        places.sort_by(|a, b| {
            let (a, b) = (&self.tried[*a].1, &self.tried[*b].1);
            let mean = |row: &Row| row.mean_return().unwrap_or(f64::NEG_INFINITY);
            a.diverged
                .is_some()
                .cmp(&b.diverged.is_some())
                .then(b.returns.len().cmp(&a.returns.len()))
                .then(mean(b).total_cmp(&mean(a)))
        });
    }
}

/// By how much `other` may be better than `leader`, from the same starts.
fn may_lead_by(leader: &[f64], other: &[f64]) -> f64 {
    let n = leader.len().min(other.len());
    if n < LEAST_EPISODES {
        return f64::INFINITY;
    }
    let (mean, std) = moments(other.iter().zip(leader).map(|(other, leader)| other - leader));
    mean + 2.0 * std / (n as f64 - 1.0).sqrt()
}

/// Moves to the front, in their order, what is the first of its kind in any respect.
fn firsts_first<'k, T, const N: usize>(sorted: &mut [T], kinds: impl Fn(&T) -> [&'k str; N]) {
    let mut seen: Vec<[Option<&str>; N]> = Vec::new();
    sorted.sort_by_cached_key(|entry| {
        let own = kinds(entry).map(Some);
        let known = (0..N).all(|respect| seen.iter().any(|other| other[respect] == own[respect]));
        seen.push(own);
        known
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_kind_comes_first() {
        let mut pairs = [("gp", "10"), ("gp", "20"), ("gp", "10"), ("linear", "20"), ("linear", "40"), ("gp", "40")];
        firsts_first(&mut pairs, |(model, plan)| [*model, *plan]);
        assert_eq!(pairs, [("gp", "10"), ("gp", "20"), ("linear", "20"), ("linear", "40"), ("gp", "10"), ("gp", "40")]);
    }

    #[test]
    fn a_lead_is_told_by_differences_from_the_same_starts() {
        // Starts differ by hundreds, the candidates by one and by nothing.
        let leader = [100.0, 400.0, 900.0, 200.0];
        let by_one = leader.map(|x| x - 1.0);
        assert_eq!(may_lead_by(&leader, &by_one), -1.0);
        assert_eq!(may_lead_by(&leader[..3], &by_one[..3]), f64::INFINITY);
        // One of four differs by four: mean 1, std √3, standard error √3 / √3.
        let once = [100.0, 400.0, 904.0, 200.0];
        assert!((may_lead_by(&leader, &once) - 3.0).abs() < 1e-12);
    }
}
