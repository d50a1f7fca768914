//! `psrl`: posterior sampling. Each episode follows the best policy of a process drawn from what is believed.
//!
//! Strens, "A Bayesian Framework for Reinforcement Learning", ICML 2000; Osband, Russo and Van Roy, "(More) Efficient Reinforcement Learning via Posterior
//! Sampling", NeurIPS 2013. The belief of what follows a pair is a Dirichlet process around what was counted: the shares of known outcomes and a rest
//! are drawn from `Dir(n_1, …, n_k, c)`, and the rest is split among states met, drawn uniformly, by breaking sticks (Sethuraman, Statistica Sinica
//! 1994): a Dirichlet prior of total weight c that needs not know how many states there are. The mean reward of a pair has a normal-gamma belief
//! (DeGroot, "Optimal Statistical Decisions", 1970, section 9.6) with mean 0, one imagined try and scale σ. Within an episode a process is drawn anew
//! after some steps, as tasks without end need (after Ouyang, Gagrani, Nayyar and Jain, NeurIPS 2017). Without exploration it acts by the mean of what was
//! counted.

use worldwright_core::{
    Array, Entry, Error, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State,
};

use super::counted::Counted;
use super::epsilon_greedy::among_best;
use super::{Build, LearnerContext, TabularLearner, Transition, damaged};
use crate::{MdpBuilder, NO_ACTION};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "psrl",
    summary: "posterior sampling: each episode follows the best policy of a process drawn from what is believed",
    source: "Osband, Russo and Van Roy, NeurIPS 2013",
    parameters: &[CONCENTRATION, REWARD_SCALE, SAMPLE_STEPS],
    build,
};

const CONCENTRATION: Parameter = Parameter {
    name: "concentration",
    default: Default::Float(1.0),
    summary: "weight, in tries, of the belief that a pair may lead anywhere",
};

const REWARD_SCALE: Parameter = Parameter {
    name: "reward_scale",
    default: Default::Float(1.0),
    summary: "how large rewards are believed to be before any was seen",
};

const SAMPLE_STEPS: Parameter = Parameter {
    name: "sample_steps",
    default: Default::Integer(100),
    summary: "steps of an episode after which another process is drawn",
};

/// What is left of a stick when no more is broken off, and how many pieces there are at most.
const LEAST_STICK: f64 = 0.01;
const MOST_STICKS: usize = 16;

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(Psrl {
        counted: Counted::new(context)?,
        concentration: settings.float(CONCENTRATION.name, 1e-6, 1e6)?,
        reward_scale: settings.float(REWARD_SCALE.name, 1e-12, 1e12)?,
        sample_steps: settings.count(SAMPLE_STEPS.name, 1)? as u64,
        drawn: vec![Drawn::default(); context.places],
        updates: 0,
    }))
}

/// The policy of a process that was drawn.
#[derive(Clone, Default)]
struct Drawn {
    /// `[states]`; empty before one was drawn.
    policy: Vec<u32>,
    /// Steps that it was followed.
    followed: u64,
}

struct Psrl {
    counted: Counted,
    concentration: f64,
    reward_scale: f64,
    sample_steps: u64,
    /// `[places]`
    drawn: Vec<Drawn>,
    updates: u64,
}

impl Psrl {
    fn draw(&mut self, rng: &mut Rng) -> Result<Vec<u32>> {
        let counted = &self.counted;
        if counted.states() == 0 {
            return Ok(Vec::new());
        }
        let mdp = counted.process(|_| true, |pair, builder| self.draw_pair(pair, rng, builder))?;
        let solution = counted.solve(&mdp, vec![0.0; counted.states()])?;
        self.updates += solution.backups;
        Ok(solution.policy)
    }

    fn draw_pair(&self, pair: usize, rng: &mut Rng, builder: &mut MdpBuilder) {
        let outcomes = self.counted.outcomes.of(pair);
        let reward = self.draw_reward(pair, rng);
        let weights: Vec<f64> = outcomes.iter().map(|outcome| gamma(outcome.count, rng)).collect();
        let rest = gamma(self.concentration, rng);
        let total = weights.iter().sum::<f64>() + rest;
        for (outcome, weight) in outcomes.iter().zip(&weights) {
            builder.outcome(weight / total, reward, outcome.follows());
        }
        let mut left = rest / total;
        for stick in 1..=MOST_STICKS {
            // The share of a stick is drawn from Beta(1, c).
            let last = stick == MOST_STICKS || left <= LEAST_STICK;
            let piece = if last { left } else { left * (1.0 - rng.uniform().powf(1.0 / self.concentration)) };
            let next = rng.below(self.counted.states() as u64 + 1) as usize;
            builder.outcome(piece, reward, (next < self.counted.states()).then_some(next));
            left -= piece;
            if last {
                break;
            }
        }
    }

    /// The mean reward of a pair.
    fn draw_reward(&self, pair: usize, rng: &mut Rng) -> f64 {
        let outcomes = self.counted.outcomes.of(pair);
        let sum = |of: fn(&super::outcomes::Outcome) -> f64| outcomes.iter().map(of).sum::<f64>();
        let (n, paid, squares) = (sum(|it| it.count), sum(|it| it.paid), sum(|it| it.squares));
        let scale = self.reward_scale.max(self.counted.size());
        let mean = if n > 0.0 { paid / n } else { 0.0 };
        let spread = (squares - n * mean * mean).max(0.0) + n * mean * mean / (n + 1.0);
        let precision = gamma(1.0 + 0.5 * n, rng) / (scale * scale + 0.5 * spread);
        paid / (n + 1.0) + rng.normal() / ((n + 1.0) * precision).sqrt()
    }
}

/// A draw from the gamma distribution of a shape, of scale 1 (Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000).
fn gamma(shape: f64, rng: &mut Rng) -> f64 {
    if shape < 1.0 {
        return gamma(shape + 1.0, rng) * rng.uniform().max(f64::MIN_POSITIVE).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && rng.uniform().max(f64::MIN_POSITIVE).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return d * v;
        }
    }
}

impl TabularLearner for Psrl {
    fn begin(&mut self, place: usize) {
        if let Some(drawn) = self.drawn.get_mut(place) {
            *drawn = Drawn::default();
        }
    }

    fn choose(&mut self, place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        if !explore {
            let values = self.counted.mean(state)?;
            return Ok(among_best(&values, 2.0 * self.counted.tolerance(), rng));
        }
        let Some(drawn) = self.drawn.get(place) else {
            return Err(Error::shape("places of the learner", &[self.drawn.len()], &[place]));
        };
        if drawn.policy.is_empty() || drawn.followed >= self.sample_steps {
            self.drawn[place] = Drawn { policy: self.draw(rng)?, followed: 0 };
        }
        let drawn = &mut self.drawn[place];
        drawn.followed += 1;
        // States met since know nothing of what to do.
        let chosen = drawn.policy.get(state).copied().filter(|action| *action != NO_ACTION);
        Ok(chosen.map_or_else(|| rng.below(self.counted.actions as u64) as usize, |action| action as usize))
    }

    fn learn(&mut self, _trajectory: usize, transition: &Transition, _rng: &mut Rng) -> Result<()> {
        self.counted.count(transition).map(|_| ())
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        self.counted.mean(state)
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn replays(&self) -> bool {
        false
    }

    fn save_episode(&self, place: usize) -> State {
        let mut state = State::new();
        if let Some(drawn) = self.drawn.get(place) {
            state.put("policy", Array::U64(drawn.policy.iter().map(|action| u64::from(*action)).collect()));
            state.put("followed", Array::U64(vec![drawn.followed]));
        }
        state
    }

    fn restore_episode(&mut self, place: usize, state: &State) -> Result<()> {
        let Some(drawn) = self.drawn.get_mut(place) else { return Ok(()) };
        let Array::U64(policy) = state.array("policy")? else { return Err(damaged("policies")) };
        let actions = self.counted.actions as u64;
        if policy.iter().any(|action| *action >= actions && *action != u64::from(NO_ACTION)) {
            return Err(damaged("policies"));
        }
        drawn.policy = policy.iter().map(|action| *action as u32).collect();
        drawn.followed = state.u64s("followed", 1)?[0];
        Ok(())
    }
}

impl Persist for Psrl {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("memory", self.counted.save());
        state.put("updates", Array::U64(vec![self.updates]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.counted.restore(&state.part("memory"))?;
        self.updates = state.u64s("updates", 1)?[0];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_draws_have_the_mean_and_variance_of_their_shape() {
        for shape in [0.3, 1.0, 7.5] {
            let mut rng = Rng::new(3);
            let draws: Vec<f64> = (0..200_000).map(|_| gamma(shape, &mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            assert!((mean / shape - 1.0).abs() < 0.02, "{shape}: mean {mean}");
            assert!((variance / shape - 1.0).abs() < 0.03, "{shape}: variance {variance}");
        }
    }
}
