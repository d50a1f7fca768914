//! `worldwright eval`: what was learned, on episodes of its own.

use anyhow::{Context, Result};
use serde_json::json;
use worldwright_core::{Error, Interrupt, Setting};
use worldwright_envs::Made;
use worldwright_runs::report::{gif, short};
use worldwright_runs::{
    Choices, Evaluation, EvaluationOptions, Lists, Loaded, STEP_LIMIT, Workshop, evaluate, load_bundle, mean_and_std,
    write_whole,
};

use super::untrained;
use crate::arguments::Eval;
use crate::output::{check_new, print, print_json, print_warning};

pub(crate) fn run(options: &Eval, interrupt: &Interrupt) -> Result<()> {
    if let Some(path) = &options.film {
        check_new("--film", path, Some("gif"))?;
    }
    let mut loaded = load(options, interrupt)?;
    if !loaded.agent.is_ready() && !options.json {
        print_warning(&untrained(&loaded));
    }
    let plan = EvaluationOptions {
        episodes: usize::try_from(options.episodes)?,
        seed: options.seed,
        picture: options.film.is_some(),
        step_limit: loaded.made.episode_steps.unwrap_or(STEP_LIMIT),
        share_from: EvaluationOptions::SHARE_FROM,
    };
    let environment = loaded.made.environment.as_mut();
    let mut more = || load(options, interrupt).map(|another| Some((another.agent, another.made.environment)));
    let (quiet, mut returns) = (options.json, Vec::new());
    let evaluated = evaluate(loaded.agent.as_mut(), environment, &mut more, &plan, &mut |i, episode| {
        returns.push(episode.episode_return);
        if !quiet {
            let (episode_return, steps) = (short(episode.episode_return), episode.transitions.len());
            // Where nobody reads any more, nothing more is asked for.
            return Ok(print(&format!("episode {:>4}  return {episode_return:>10}  {steps:>6} steps\n", i + 1)).is_ok());
        }
        Ok(true)
    });
    // However it ended: what was measured counts.
    if evaluated.is_err() && !quiet && !returns.is_empty() {
        print(&spread(mean_and_std(&returns), returns.len(), None))?;
    }
    let evaluation = evaluated?;
    // What was measured is said first: a film that cannot be made takes none of it back.
    tell(options, &loaded, &evaluation)?;
    let Some(path) = &options.film else { return Ok(()) };
    let environment = loaded.made.environment.as_ref();
    if let Some(why) = evaluation.film.left_out() {
        anyhow::bail!("{} cannot be drawn, so that there is no film: {}", environment.id(), why.trim());
    }
    let film = gif(&evaluation.film, environment.dt_secs())
        .with_context(|| format!("{} cannot be drawn; leave --film out", environment.id()))?;
    Ok(write_whole(path, &film)?)
}

/// The bundle, to act where it is to be evaluated.
fn load(options: &Eval, interrupt: &Interrupt) -> worldwright_core::Result<Loaded> {
    let mut loaded = load_bundle(&Lists, &options.bundle, interrupt)?;
    if let Some(name) = &options.environment {
        loaded.made = elsewhere(name, &loaded)?;
    }
    Ok(loaded)
}

/// Another environment of the same spaces to act in.
fn elsewhere(name: &str, loaded: &Loaded) -> worldwright_core::Result<Made> {
    let choices = Choices::new().set("environment", Setting::Text(name.to_owned()))?;
    let made = Lists.environment(&Lists.resolve(&choices)?)?;
    let (here, there) = (made.environment.as_ref(), loaded.made.environment.as_ref());
    for (what, one, other) in [
        ("observations", here.observation_space(), there.observation_space()),
        ("actions", here.action_space(), there.action_space()),
    ] {
        if one != other {
            let why = format!("{name} has other {what} than what was learned from: {one} in place of {other}");
            return Err(Error::config("environment", why));
        }
    }
    Ok(made)
}

fn tell(options: &Eval, loaded: &Loaded, evaluation: &Evaluation) -> Result<()> {
    let decisions_per_sec = evaluation.decisions_per_sec();
    let (mean, std) = (evaluation.return_mean(), evaluation.return_std());
    if options.json {
        return print_json(&json!({
            "untrained": !loaded.agent.is_ready(),
            "environment": loaded.experiment.environment.name,
            "algorithm": loaded.experiment.agent.name,
            "weights_digest": loaded.card.weights_digest,
            "seed": options.seed,
            "return_mean": mean,
            "return_std": std,
            "returns": evaluation.returns(),
            "lengths": evaluation.episodes.iter().map(|episode| episode.transitions.len()).collect::<Vec<_>>(),
            "decisions_per_sec": decisions_per_sec,
        }));
    }
    print(&spread((mean, std), evaluation.episodes.len(), decisions_per_sec))
}

/// The last line; one episode has no spread.
fn spread((mean, std): (f64, f64), episodes: usize, decisions_per_sec: Option<f64>) -> String {
    let (word, std) =
        if episodes > 1 { ("mean ± std ", format!(" ± {}", short(std))) } else { ("mean       ", String::new()) };
    let rate = decisions_per_sec.map_or(String::new(), |rate| format!(", {} decisions a second", short(rate)));
    format!("{word}   return {:>10}{std}{rate}\n", short(mean))
}
