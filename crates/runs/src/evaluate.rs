//! Evaluation: whole episodes without exploration or learning, in an environment of their own.
//!
//! Episode `i` of seed `s` starts from a stream of its own, apart from all training streams of every seed, so that evaluations of
//! different agents with the same seed meet the same starts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use worldwright_agents::{Interaction, Start, Taken};
use worldwright_core::{Agent, Environment, Error, Key, Result, Transition, cost};

use crate::FilmRoll;

/// Streams of the run's seed. Training and evaluation never share one.
pub(crate) mod stream {
    pub(crate) const TRAINING_ENVIRONMENT: u64 = 1;
    pub(crate) const TRAINING_AGENT: u64 = 2;
    pub(crate) const EVALUATION_ENVIRONMENT: u64 = 3;
    pub(crate) const EVALUATION_AGENT: u64 = 4;
    pub(crate) const DIAGNOSIS: u64 = 5;
}

/// The seed of episode `episode` in a stream.
pub(crate) fn episode_seed(seed: u64, stream: u64, episode: u64) -> u64 {
    Key::new(seed).fold(stream).fold(episode).to_seed()
}

/// What to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationOptions {
    /// Episodes.
    pub episodes: usize,
    /// What all randomness comes from.
    pub seed: u64,
    /// Whether to draw the last episode.
    pub picture: bool,
    /// Steps after which an episode is cut even if its environment goes on.
    pub step_limit: usize,
    /// How long the episodes behind the first must take, as it shows, for others to be made that share them.
    pub share_from: Duration,
}

impl EvaluationOptions {
    /// What is worth sharing, unless told otherwise.
    pub const SHARE_FROM: Duration = Duration::from_secs(2);
}

/// An episode of an evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvaluatedEpisode {
    /// Its transitions in order.
    pub transitions: Vec<Transition>,
    /// Sum of its rewards.
    pub episode_return: f64,
}

/// What an evaluation gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Each episode.
    pub episodes: Vec<EvaluatedEpisode>,
    /// Pictures of the last episode, its first state included; empty when it was not or cannot be drawn.
    pub film: FilmRoll,
    /// Decisions that the agent took by what it knows; random actions for want of experience are none.
    pub decisions: u64,
    /// Seconds that they took.
    pub act_secs: f64,
}

impl Evaluation {
    /// The episodes' returns.
    pub fn returns(&self) -> Vec<f64> {
        self.episodes.iter().map(|episode| episode.episode_return).collect()
    }

    /// Mean return.
    pub fn return_mean(&self) -> f64 {
        mean_and_std(&self.returns()).0
    }

    /// Standard deviation of the return between episodes (divided by n − 1; 0 for one episode).
    pub fn return_std(&self) -> f64 {
        mean_and_std(&self.returns()).1
    }

    /// Decisions a second of acting; none where nothing was decided.
    pub fn decisions_per_sec(&self) -> Option<f64> {
        rate(self.decisions, self.act_secs)
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.episodes.iter().map(|episode| episode.transitions.len()).sum()
    }
}

/// Who helps to evaluate: the same agent once more, and an environment for it.
pub type Hand = (Box<dyn Agent>, Box<dyn Environment>);

/// Makes another hand; none where there can be none.
pub type More<'m> = &'m mut dyn FnMut() -> Result<Option<Hand>>;

/// Hears of each episode, in order, with its place; when it says false, the evaluation ends with what it has.
pub type AfterEpisode<'a> = &'a mut dyn FnMut(usize, &EvaluatedEpisode) -> Result<bool>;

/// Lets `agent` act for whole episodes. Where the first one shows that they take long, as many others as there are threads share the rest of them:
/// each episode comes to the same whoever acts in it.
///
/// # Errors
/// What the agents or the environments give: of several, what the earliest episode gave.
pub fn evaluate(
    agent: &mut dyn Agent,
    environment: &mut dyn Environment,
    more: More<'_>,
    options: &EvaluationOptions,
    after: AfterEpisode<'_>,
) -> Result<Evaluation> {
    if options.episodes == 0 {
        return Err(Error::config("evaluation.episodes", "must be at least 1"));
    }
    transitions_cost("evaluation.episodes", options.episodes, options.step_limit, environment)?;
    let (began, shares) = (Instant::now(), !agent.is_timed());
    let mut evaluation = Evaluation::default();
    let mut evaluator = Evaluator { agent, environment };
    let mut keep = |done: Done| {
        let Done { index, episode, film, decisions, act_secs } = done;
        evaluation.decisions += decisions;
        evaluation.act_secs += act_secs;
        evaluation.episodes.push(episode);
        if let Some(film) = film {
            evaluation.film = film;
        }
        after(index, &evaluation.episodes[index])
    };
    if !keep(episode(&mut evaluator, options, 0)?)? {
        return Ok(evaluation);
    }
    let left = options.episodes - 1;
    let mut hands = Vec::new();
    let rest_secs = began.elapsed().as_secs_f64() * left as f64;
    if shares && rest_secs >= options.share_from.as_secs_f64() {
        while hands.len() + 1 < rayon::current_num_threads().min(left) {
            let began = Instant::now();
            match more() {
                Ok(Some(hand)) => hands.push(hand),
                // What cannot be had once more (a process, a licence) is done by those who are there.
                Ok(None) | Err(Error::External { .. }) => break,
                Err(error) => return Err(error),
            }
            // Another one as dear as the last must save more than it costs.
            let share = (hands.len() + 1) as f64;
            if rest_secs / (share * (share + 1.0)) < began.elapsed().as_secs_f64() {
                break;
            }
        }
    }
    let hands = hands.iter_mut();
    let others =
        hands.map(|(agent, environment)| Evaluator { agent: agent.as_mut(), environment: environment.as_mut() });
    share(evaluator, &mut others.collect::<Vec<_>>(), options, &mut keep)?;
    Ok(evaluation)
}

/// Who acts in episodes.
struct Evaluator<'e> {
    agent: &'e mut dyn Agent,
    environment: &'e mut dyn Environment,
}

/// All episodes but the first, each by whoever is free.
fn share(
    mut first: Evaluator<'_>,
    others: &mut [Evaluator<'_>],
    options: &EvaluationOptions,
    keep: &mut dyn FnMut(Done) -> Result<bool>,
) -> Result<()> {
    // The next episode that nobody has taken; beyond the last one once the evaluation is to end.
    let next = AtomicUsize::new(1);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < options.episodes);
    let stop = || next.store(options.episodes, Ordering::Relaxed);
    let (told, heard) = mpsc::channel();
    // Episodes are kept in their order, whoever is done first.
    let (mut early, mut due, mut goes_on) = (BTreeMap::<usize, Result<Done>>::new(), 1, Ok(true));
    let mut keep_in_order = |goes_on: &mut Result<bool>| {
        early.extend(heard.try_iter());
        while let Some(done) = early.remove(&due).filter(|_| matches!(goes_on, Ok(true))) {
            due += 1;
            *goes_on = done.and_then(&mut *keep);
        }
    };
    // On the pool that the caller is on, so that whatever the agents share out stays there too.
    rayon::in_place_scope(|scope| {
        for evaluator in others {
            let told = told.clone();
            scope.spawn(move |_| {
                while let Some(index) = take() {
                    let done = episode(evaluator, options, index);
                    let failed = done.is_err();
                    if told.send((index, done)).is_err() || failed {
                        return stop();
                    }
                }
            });
        }
        while let Some(index) = take() {
            let done = episode(&mut first, options, index);
            let failed = done.is_err();
            let _ = told.send((index, done));
            keep_in_order(&mut goes_on);
            if failed || !matches!(goes_on, Ok(true)) {
                stop();
            }
        }
    });
    keep_in_order(&mut goes_on);
    goes_on.map(|_| ())
}

/// An episode, and what it took.
struct Done {
    index: usize,
    episode: EvaluatedEpisode,
    film: Option<FilmRoll>,
    decisions: u64,
    act_secs: f64,
}

fn episode(evaluator: &mut Evaluator<'_>, options: &EvaluationOptions, index: usize) -> Result<Done> {
    let seed = |stream| episode_seed(options.seed, stream, index as u64);
    let start =
        Start { environment_seed: seed(stream::EVALUATION_ENVIRONMENT), agent_seed: seed(stream::EVALUATION_AGENT) };
    let draws = options.picture && index + 1 == options.episodes;
    let mut done = Done {
        index,
        episode: EvaluatedEpisode::default(),
        film: draws.then(FilmRoll::default),
        decisions: 0,
        act_secs: 0.0,
    };
    let mut interaction = Interaction::new([&mut *evaluator.environment], options.step_limit);
    interaction.begin(0, evaluator.agent, start)?;
    if let Some(film) = &mut done.film {
        film.take(false, || interaction.environment(0).render());
    }
    let mut round = Vec::new();
    while interaction.is_open(0) {
        interaction.round(evaluator.agent, false, 1, &mut round)?;
        for Taken { observation, action, step, act_secs, .. } in round.drain(..) {
            done.decisions += u64::from(act_secs.is_some());
            done.act_secs += act_secs.unwrap_or(0.0);
            if let Some(film) = &mut done.film {
                film.take(step.done(), || interaction.environment(0).render());
            }
            done.episode.episode_return += step.reward;
            done.episode.transitions.push(Transition {
                observation,
                action,
                reward: step.reward,
                next_observation: step.observation,
                terminated: step.terminated,
                truncated: step.truncated,
            });
        }
    }
    Ok(done)
}

/// Refuses to hold the transitions of so many episodes, or steps, in memory.
pub(crate) fn transitions_cost(
    key: &str,
    count: usize,
    steps_each: usize,
    environment: &dyn Environment,
) -> Result<()> {
    let numbers = 2 * environment.observation_space().flat_dim() + environment.action_space().flat_dim() + 8;
    cost::memory(&[(key, count)], 8.0 * numbers as f64 * steps_each as f64 * count as f64)
}

/// Decisions a second; none where nothing was decided.
pub(crate) fn rate(decisions: u64, act_secs: f64) -> Option<f64> {
    (decisions > 0 && act_secs > 0.0).then(|| decisions as f64 / act_secs)
}

/// Mean and standard deviation (divided by n − 1; 0 for fewer than two).
pub fn mean_and_std(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, if numbers.len() < 2 { 0.0 } else { (squares / (n - 1.0)).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    use worldwright_agents::RandomAgent;
    use worldwright_envs::make;

    #[test]
    fn episodes_are_the_same_whoever_acts_in_them() {
        let hand = || {
            let environment = make("cartpole", &BTreeMap::new()).unwrap().environment;
            let agent = RandomAgent::new(environment.action_space().clone(), 1);
            (Box::new(agent) as Box<dyn Agent>, environment)
        };
        let options =
            EvaluationOptions { episodes: 40, seed: 5, picture: true, step_limit: 60, share_from: Duration::ZERO };
        let shared = |hands: usize, until: usize| {
            let mut hands: Vec<Hand> = (0..hands).map(|_| hand()).collect();
            let hands = hands.iter_mut();
            let mut all: Vec<Evaluator<'_>> = hands
                .map(|(agent, environment)| Evaluator { agent: agent.as_mut(), environment: environment.as_mut() })
                .collect();
            let first = all.remove(0);
            let (mut seen, mut pictures) = (Vec::new(), 0);
            share(first, &mut all, &options, &mut |done| {
                pictures = pictures.max(done.film.map_or(0, |film| film.frames().len()));
                seen.push((done.index, done.episode));
                Ok(seen.len() < until)
            })
            .unwrap();
            (seen, pictures)
        };
        let (alone, pictures) = shared(1, 40);
        assert_eq!(alone.len(), 39, "all but the first");
        assert!(alone.iter().map(|(index, _)| *index).eq(1..40));
        assert_eq!(pictures, alone[38].1.transitions.len() + 1, "of the last one alone");
        assert_eq!(shared(3, 40), (alone.clone(), pictures));
        assert_eq!(shared(3, 7).0, alone[..7]);
    }

    #[test]
    fn of_several_that_fail_the_earliest_is_told() {
        struct Odd(Box<dyn Environment>);
        impl Environment for Odd {
            fn id(&self) -> &str {
                self.0.id()
            }
            fn observation_space(&self) -> &worldwright_core::Space {
                self.0.observation_space()
            }
            fn action_space(&self) -> &worldwright_core::Space {
                self.0.action_space()
            }
            fn reset(&mut self, seed: u64) -> Result<worldwright_core::Observation> {
                let failing =
                    (3..).take(6).find(|index| episode_seed(1, stream::EVALUATION_ENVIRONMENT, *index) == seed);
                failing.map_or_else(
                    || self.0.reset(seed),
                    |index| Err(Error::external(format!("episode {index}"), "broke")),
                )
            }
            fn step(&mut self, action: &worldwright_core::Action) -> Result<worldwright_core::Step> {
                self.0.step(action)
            }
            fn dt_secs(&self) -> f64 {
                0.0
            }
        }
        let made = || make("cartpole", &BTreeMap::new()).unwrap().environment;
        let options =
            EvaluationOptions { episodes: 30, seed: 1, picture: false, step_limit: 60, share_from: Duration::ZERO };
        let mut agents: Vec<RandomAgent> = (0..3).map(|_| RandomAgent::new(made().action_space().clone(), 1)).collect();
        let mut worlds: Vec<Odd> = (0..3).map(|_| Odd(made())).collect();
        let pairs = agents.iter_mut().zip(&mut worlds);
        let mut all: Vec<Evaluator<'_>> = pairs.map(|(agent, environment)| Evaluator { agent, environment }).collect();
        let first = all.remove(0);
        let mut kept = Vec::new();
        let error = share(first, &mut all, &options, &mut |done| {
            kept.push(done.index);
            Ok(true)
        });
        assert!(error.unwrap_err().to_string().contains("episode 3"));
        assert_eq!(kept, [1, 2]);
    }

    #[test]
    fn mean_and_std_of_a_known_sample() {
        let (mean, std) = mean_and_std(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean, 5.0);
        assert!((std - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(mean_and_std(&[3.0]), (3.0, 0.0));
    }

    #[test]
    fn streams_and_episodes_never_share_a_seed() {
        let mut seeds = std::collections::BTreeSet::new();
        for seed in 0..10 {
            for stream in 1..=4 {
                for episode in 0..100 {
                    assert!(seeds.insert(episode_seed(seed, stream, episode)));
                }
            }
        }
    }
}
