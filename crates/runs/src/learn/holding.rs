//! How long each action is held, found from what an environment does under random actions where neither the user nor a preset says it.
//!
//! An environment of 0.02 s a step gives a plan of 25 decisions half a second to see, and a value a hundred errors to add up where four
//! seconds lie before the reward. Each action is therefore held for k = ⌊⅓ / ρ⌋ steps, where ρ is the median, over the numbers of the observation, of
//!
//! ```text
//! root mean square of x_{t+1} − x_t,  over the deviation of x
//! ```
//!
//! in 300 steps of random actions (which a run's accounts hold as they do its own): what is observed then changes by a third of its spread from one decision to the next, and no more. The
//! median rather than the quickest: velocities that each random push changes say nothing of how long it takes to get somewhere.
//! An episode keeps [`FEWEST_DECISIONS`]; k is 1 where it would be 2, which halves what there is to learn from for little (on the continuous mountain
//! car one of three seeds was lost by it), and where an episode ends by itself under random actions, since a moment may decide it.
//!
//! Where actions are held, `steps` of the experiment are steps of the original, of which those 300 are some: n are ⌊(n − 300) / k⌋ decisions. Where they are
//! not, all n are left, so that such a run is what it would be without the search. Random actions are the same for every seed: seeds of one
//! experiment act at one pace. A run that goes on takes what was found from its folder, so that a world that never repeats itself is asked once.

use std::fs;

use worldwright_core::{Error, Interrupt, Key, Result, Setting};
use worldwright_envs::ACTION_REPEAT;

use crate::{Experiment, RunFolder, Workshop};

/// Decisions that an episode keeps at least.
const FEWEST_DECISIONS: u64 = 250;
/// What is observed changes by so much of its spread at most from one decision to the next.
const MOST_CHANGE: f64 = 1.0 / 3.0;
/// Steps below which actions are not held.
const FEWEST_HELD: u64 = 3;
/// What is said before an environment is acted in that is found slow or quick by it.
pub(super) const BEGINNING: &str = "300 random steps first, which tell for how long to hold an action";
/// Random episodes, and the steps of each.
const EPISODES: u64 = 3;
const STEPS: u64 = 100;

/// Whether there is anything to find in a run of so many steps whose episodes have so many, and enough of them to find it by.
pub(crate) fn is_worth_it(steps: u64, episode_steps: Option<u64>) -> bool {
    steps >= 4 * EPISODES * STEPS && episode_steps.is_some_and(|steps| steps >= 2 * FEWEST_DECISIONS)
}

/// What random actions showed.
struct Found {
    repeat: u64,
    why: String,
    asked: Asked,
}

/// What the search asked of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    pub(super) steps: u64,
    pub(super) resets: u64,
}

/// The experiment with the action repeat that is found, and what that took. An environment that breaks is tried as often as one that is learned in.
///
/// # Errors
/// [`Error::Interrupted`](worldwright_core::Error::Interrupted), and what the environment gives.
pub(super) fn with_action_repeat(
    workshop: &dyn Workshop,
    experiment: &Experiment,
    interrupt: &Interrupt,
) -> Result<(Experiment, Asked)> {
    // What would be refused after it is refused before anything is asked of an environment.
    let built = || workshop.agent(experiment, &workshop.environment(experiment)?, interrupt).map(drop);
    let mut tries = 0;
    let found = loop {
        match built().and_then(|()| find(workshop, experiment, interrupt)) {
            Err(Error::External { .. }) if tries < experiment.retries => tries += 1,
            found => break found?,
        }
    };
    let because = format!("{}\nenvironment.action_repeat {}: {}", experiment.because, found.repeat, found.why);
    Ok((Experiment { because, ..held(experiment, found.repeat) }, found.asked))
}

/// The experiment as that of the run in `folder` was begun: for the reasons that were given then, and at the pace that was found. It is as it stands where the
/// folder's configuration cannot be read, which is refused where the run is taken up.
pub(crate) fn as_begun(experiment: &Experiment, folder: &RunFolder) -> Experiment {
    let path = folder.config();
    let text = fs::read_to_string(&path).ok();
    let before = text.and_then(|text| Experiment::from_toml(&text, &path.display().to_string()).ok());
    let Some(before) = before else { return experiment.clone() };
    let repeat = match before.environment.settings.get(ACTION_REPEAT.name) {
        Some(Setting::Integer(repeat)) => u64::try_from(*repeat).unwrap_or(1).max(1),
        _ => 1,
    };
    let begun = if experiment.finds_action_repeat { held(experiment, repeat) } else { experiment.clone() };
    Experiment { because: before.because, ..begun }
}

/// The experiment with each action held for so many steps.
fn held(experiment: &Experiment, repeat: u64) -> Experiment {
    let mut held = Experiment { finds_action_repeat: false, ..experiment.clone() };
    held.environment.settings.insert(ACTION_REPEAT.name.to_owned(), Setting::Integer(repeat as i64));
    if repeat > 1 {
        held.steps = (experiment.steps.saturating_sub(EPISODES * STEPS) / repeat).max(1);
        held.evaluation.interval = experiment.evaluation.interval.div_ceil(repeat);
    }
    held
}

/// Acts at random, in an instance that nothing else is done in.
fn find(workshop: &dyn Workshop, experiment: &Experiment, interrupt: &Interrupt) -> Result<Found> {
    let mut made = workshop.environment(experiment)?;
    let limit = made.episode_steps.map_or(0, |steps| steps as u64);
    let environment = made.environment.as_mut();
    let key = Key::new(0x401d);
    let mut rng = key.rng();
    let mut spread = Spread::new(environment.observation_space().flat_dim());
    let mut now = vec![0.0; environment.observation_space().flat_dim()];
    for episode in 0..EPISODES {
        let observation = environment.reset(key.fold(episode).to_seed())?;
        environment.observation_space().flatten(&observation, &mut now)?;
        spread.begin(&now);
        for taken in 1..=STEPS {
            interrupt.check("the search for an action repeat")?;
            let action = environment.action_space().sample(&mut rng);
            let step = environment.step(&action)?;
            environment.observation_space().flatten(&step.observation, &mut now)?;
            spread.go_on(&now);
            if step.done() {
                let asked = Asked { steps: episode * STEPS + taken, resets: episode + 1 };
                return Ok(Found {
                    repeat: 1,
                    why: format!("an episode ended by itself after {taken} random steps"),
                    asked,
                });
            }
        }
    }
    let taken = EPISODES * STEPS;
    let asked = Asked { steps: taken, resets: EPISODES };
    let Some(change) = spread.change() else {
        return Ok(Found {
            repeat: 1,
            why: format!("nothing that is observed changed in {taken} random steps"),
            asked,
        });
    };
    let most = limit / FEWEST_DECISIONS;
    let repeat = ((MOST_CHANGE / change) as u64).min(most);
    let repeat = if repeat < FEWEST_HELD { 1 } else { repeat };
    let percent = 100.0 * change;
    let why = format!("in {taken} random steps what is observed changed by {percent:.0} % of its spread a step");
    Ok(Found { repeat, why, asked })
}

/// Sums over what was seen, for each number.
struct Spread {
    count: f64,
    changes: f64,
    first: Vec<f64>,
    last: Vec<f64>,
    /// Of `x − first`, of its square, and of the squares of changes.
    sums: [Vec<f64>; 3],
}

impl Spread {
    fn new(numbers: usize) -> Self {
        let zeros = || vec![0.0; numbers];
        let sums = [zeros(), zeros(), zeros()];
        Self { count: 0.0, changes: 0.0, first: zeros(), last: zeros(), sums }
    }

    fn begin(&mut self, seen: &[f64]) {
        if self.count == 0.0 {
            self.first.copy_from_slice(seen);
        }
        self.count_in(seen);
    }

    fn go_on(&mut self, seen: &[f64]) {
        self.changes += 1.0;
        for ((sum, seen), last) in self.sums[2].iter_mut().zip(seen).zip(&self.last) {
            *sum += (seen - last).powi(2);
        }
        self.count_in(seen);
    }

    fn count_in(&mut self, seen: &[f64]) {
        self.count += 1.0;
        let [sums, squares, _] = &mut self.sums;
        for (i, seen) in seen.iter().enumerate() {
            let from_first = seen - self.first[i];
            sums[i] += from_first;
            squares[i] += from_first * from_first;
        }
        self.last.copy_from_slice(seen);
    }

    /// The median over numbers that changed at all of how much they changed a step, in units of their deviation.
    fn change(&self) -> Option<f64> {
        let [sums, squares, changes] = &self.sums;
        let each = sums.iter().zip(squares).zip(changes).filter_map(|((sum, square), change)| {
            let mean = sum / self.count;
            let variance = square / self.count - mean * mean;
            // What is constant but for rounding has no spread.
            let varies = variance > 1e-12 * (square / self.count).max(f64::MIN_POSITIVE);
            varies.then(|| (change / self.changes / variance).sqrt())
        });
        let mut each: Vec<f64> = each.filter(|change| change.is_finite() && *change > 0.0).collect();
        each.sort_by(f64::total_cmp);
        let middle = each.len() / 2;
        match each.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(each[middle]),
            _ => Some(0.5 * (each[middle - 1] + each[middle])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_changes_by_what_its_period_says() {
        // A turn of 64 steps: cosine and sine have deviation 1/√2 and change by 2 sin(π/64) / √2 in the root mean square.
        let mut spread = Spread::new(3);
        for t in 0..=640 {
            let angle = f64::from(t) * std::f64::consts::TAU / 64.0;
            let seen = [5.0 + angle.cos(), 1e3 * angle.sin(), 7.0];
            if t == 0 { spread.begin(&seen) } else { spread.go_on(&seen) }
        }
        let change = spread.change().unwrap();
        assert!((change - 2.0 * (std::f64::consts::PI / 64.0).sin()).abs() < 1e-3, "{change}");
        assert_eq!(Spread::new(2).change(), None);
    }
}
