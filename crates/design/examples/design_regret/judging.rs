//! The search's choice beside the best of all candidates, on episodes that chose neither.

use std::time::Instant;

use worldwright_core::Result;
use worldwright_design::{DesignOptions, EnvironmentTrial, ModelChoice, PlanChoice, Record, design};

use crate::candidates::{Candidate, Everything, mean};
use crate::domain::Ground;
use crate::table::Line;

/// Candidates that come from the screening to the judging, and episodes that each plays then.
const BEST: usize = 5;
const JUDGED: u64 = 4;
/// Candidates that come to the judging because the search ranks them first: where rewards are rare, screening says little.
const RACED: usize = 3;
/// Fresh episodes of the best and the chosen: as many at first, and at the most.
const FRESH: u64 = 6;
const MOST_FRESH: u64 = 30;
/// Standard error of the regret at which no more are played.
const SURE: f64 = 0.03;
/// Streams of the evaluation's seed, apart from those of the search.
const JUDGING: u64 = 102;
const TRUTH: u64 = 104;

/// Judges the search with a record of other domains.
pub(crate) fn judge(ground: &Ground, record: Vec<Record>) -> Result<Line> {
    let mut everything = Everything::play(ground)?;
    let began = Instant::now();
    let options = DesignOptions { record, episode_steps: ground.episode_steps, ..DesignOptions::default() };
    let mut made = ground.environment()?;
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), ground.seed);
    let found = design(&ground.context, &ground.data, &options, Some(&mut trial), &mut |_| Ok(()))?;
    let secs = began.elapsed().as_secs_f64();
    let trials = found.rows.iter().map(|row| row.returns.len()).sum();
    found.reasons.iter().for_each(|reason| eprintln!("  {reason}"));
    let raced = found.rows.iter().filter_map(|row| Some((&row.model, row.plan.as_ref()?))).take(RACED);
    let mut best = best(&mut everything, raced.collect())?;
    let mut chosen = Candidate { model: found.model, plan: found.plan, returns: Vec::new() };
    let mut delivered = chosen.clone();
    best.returns.clear();
    let same = (&best.model, &best.plan) == (&chosen.model, &chosen.plan);
    let mut error = 0.0;
    let mut played = 0;
    while played < FRESH || (played < MOST_FRESH && error > SURE) {
        let episodes = played..played + FRESH;
        everything.play_on(&mut best, episodes.clone(), TRUTH)?;
        if same {
            chosen.returns.clone_from(&best.returns);
        } else {
            everything.play_on(&mut chosen, episodes, TRUTH)?;
        }
        played += FRESH;
        error = if same { 0.0 } else { standard_error(&best.returns, &chosen.returns) };
        error /= (best.mean() - ground.random).max(1e-9);
    }
    delivered.play(found.fitted, ground, 0..FRESH, TRUTH)?;
    Ok(Line {
        seed: ground.seed,
        name: ground.name.to_owned(),
        random: ground.random,
        chosen: chosen.label(),
        chosen_return: chosen.mean(),
        best: best.label(),
        best_return: best.mean(),
        error,
        fresh: played,
        delivered_return: delivered.mean(),
        trials,
        secs,
        all_secs: everything.secs,
    })
}

/// The best of the candidates that screened best and of those that the search liked best, by all their episodes.
fn best(everything: &mut Everything<'_>, raced: Vec<(&ModelChoice, &PlanChoice)>) -> Result<Candidate> {
    let (screened, rest) = everything.candidates.split_at(BEST.min(everything.candidates.len()));
    let liked = rest.iter().filter(|c| raced.contains(&(&c.model, &c.plan)));
    let mut contenders: Vec<Candidate> = screened.iter().chain(liked).cloned().collect();
    contenders.iter_mut().try_for_each(|candidate| everything.play_on(candidate, 0..JUDGED, JUDGING))?;
    contenders.sort_by(|a, b| b.mean().total_cmp(&a.mean()));
    Ok(contenders.swap_remove(0))
}

/// Standard error of the mean difference of returns from the same starts.
fn standard_error(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let centre = mean(&differences);
    let n = differences.len() as f64;
    (differences.iter().map(|d| (d - centre).powi(2)).sum::<f64>() / (n * (n - 1.0)).max(1.0)).sqrt()
}
