//! What a search refuses before it begins, so that users hear of their slip and not of what came of it.

use worldwright_core::{Columns, Dataset, Error, Result, Transitions};

use super::options::DesignOptions;
use super::prediction;
use worldwright_agents::AgentContext;

/// Least transitions that a search can tell anything from.
const LEAST: usize = 20;

/// Checks what a search is given.
///
/// # Errors
/// [`Error::Shape`] for data of other spaces, [`Error::Config`] for too few of them, for a share that is none and for a reward that is not a number
/// where data are, [`Error::Unsupported`] for actions that are neither a box nor choices.
pub(super) fn check(context: &AgentContext, dataset: &Dataset, options: &DesignOptions) -> Result<()> {
    let expected = [context.observation_space.flat_dim(), context.action_space.flat_dim()];
    let got = [dataset.observation_dim(), dataset.action_dim()];
    if expected != got {
        return Err(Error::shape("observations and actions of the data", &expected, &got));
    }
    if dataset.len() < LEAST {
        let why = format!("needs at least {LEAST} transitions to design a model from, got {}", dataset.len());
        return Err(Error::config("data", why));
    }
    if !(options.held_out > 0.0 && options.held_out < 1.0) {
        return Err(Error::config("held_out", format!("must lie between 0 and 1, got {}", options.held_out)));
    }
    check_reward(context, dataset)
}

/// A reward that is not a number where data are would make every candidate diverge.
fn check_reward(context: &AgentContext, data: &Dataset) -> Result<()> {
    let Some(reward) = &context.reward else { return Ok(()) };
    let rows = data.len();
    let columns = |dims: usize, row: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> {
        let rows: Vec<Vec<f64>> = (0..rows).map(row).collect();
        (0..dims).flat_map(|dim| rows.iter().map(move |row| row[dim])).collect()
    };
    let before = columns(data.observation_dim(), &|i| data.observation(i).to_vec());
    let after = columns(data.observation_dim(), &|i| data.next_observation(i).to_vec());
    let told = columns(data.action_dim(), &|i| data.action(i).to_vec());
    let choices: Vec<u32> = (0..rows).map(|i| prediction::choice(data.action(i))).collect();
    let transitions = Transitions {
        observations: Columns::new(&before, data.observation_dim(), rows)?,
        actions: prediction::actions(&context.action_space, &told, &choices, rows)?,
        next_observations: Columns::new(&after, data.observation_dim(), rows)?,
    };
    let (mut paid, mut ended) = (vec![0.0; rows], vec![false; rows]);
    reward.evaluate(transitions, &mut paid, &mut ended);
    match paid.iter().position(|paid| !paid.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let why = format!(
                "is {} for observation {:?}, action {:?}, next observation {:?} of the data; it must be a finite number",
                paid[i],
                data.observation(i),
                data.action(i),
                data.next_observation(i)
            );
            Err(Error::config("reward", why))
        }
    }
}
