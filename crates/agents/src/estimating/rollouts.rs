//! Rollouts of a model: the policy acts in an ensemble that is fitted to what was recorded, from recorded starts on.
//!
//! Each rollout follows one member all the way, so that members which disagree come to returns that differ. With `m` members, `n` rollouts of each and
//! deviations `s_b` between the members' means and `s_w` between the rollouts of one, the interval is
//!
//! ```text
//! mean ± t_{m−1} √(s_b² (1 + 1 / m) + s_w² / (m n))
//! ```
//!
//! for a member that was not fitted may differ from all of them as much as they do from each other. What all members get wrong alike, it does not hold.

use worldwright_core::{Actions, Batch, Call, Imagined, Key, LearnedModel, Result, Rows, Setting, Settings, find};

use super::spread::{moments, student};
use super::{Decide, Estimate, Question};
use crate::deciding::actions;

/// Networks, and starts that each is followed from.
const MEMBERS: usize = 7;
const STARTS: usize = 20;

/// A model of what was recorded.
fn fitted(question: &Question<'_>) -> Result<Box<dyn LearnedModel>> {
    let entry = find(worldwright_models::ALL, "model", "ensemble")?;
    let given = [
        ("members", Setting::Integer(MEMBERS as i64)),
        ("particles", Setting::Integer(MEMBERS as i64)),
        ("hidden", Setting::Numbers(vec![64.0, 64.0])),
        ("batch", Setting::Integer(64)),
        ("epochs", Setting::Integer(100)),
        ("patience", Setting::Integer(8)),
    ];
    let given = given.map(|(key, value)| (key.to_owned(), value)).into();
    let settings = Settings::resolve(entry.name, entry.parameters, &given)?;
    let mut model = entry.build.learned(&question.context.for_model(1.0), &settings)?;
    let mut rng = Key::new(question.seed).fold(0x4011).rng();
    model.fit(question.recorded, &mut rng, question.interrupt)?;
    Ok(model)
}

/// What the policy earns in the model.
pub(super) fn estimate(question: &Question<'_>, starts: &[usize], decide: Decide<'_>) -> Result<Estimate> {
    let model = fitted(question)?;
    let (o, a) = (question.recorded.observation_dim(), question.recorded.action_dim());
    let mut arena = model.as_world_model().imagination(1);
    let members = arena.spec().members;
    let spaces = (arena.spec().observation_space.clone(), arena.spec().action_space.clone());
    let (mut seen, mut action) = (vec![0.0; o], vec![0.0; a]);
    let (mut done, mut choices, mut out) = (Batch::zeros(a, 1), Vec::new(), Imagined::new(arena.spec(), 1));
    let rng = &mut Key::new(question.seed).fold(0x4012).rng();
    let (mut means, mut stds, mut lost) = (Vec::new(), Vec::new(), 0);
    for member in 0..members {
        let mut returns = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            question.interrupt.check("rollouts of a model")?;
            let key = rng.key();
            let start = starts[rng.below(starts.len() as u64) as usize];
            seen.copy_from_slice(question.recorded.observation(start));
            let (mut earned, mut worth) = (0.0, 1.0);
            for t in 0..question.horizon {
                decide(&seen, &mut action)?;
                arena.observe(0, None, &spaces.0.unflatten(&seen)?, key)?;
                done.columns_mut().set_row(0, &action);
                let given: Actions<'_> = actions(&spaces.1, &done, &mut choices);
                question.interrupt.count(Call::ModelStep, 1);
                arena.step(Rows::Span(0..1), given, Rows::Span(0..1), key.fold(t as u64), &mut out)?;
                let at = out.at(member, 0);
                earned += worth * out.reward[at];
                // What may have ended counts by the chance that it has not.
                worth *= question.discount * out.continuation[at];
                arena.decode(0, member, &mut seen)?;
                if worth <= 0.0 || !earned.is_finite() || seen.iter().any(|number| !number.is_finite()) {
                    break;
                }
            }
            if earned.is_finite() {
                returns.push(earned);
            } else {
                lost += 1;
            }
        }
        if returns.len() * 2 > STARTS {
            let (mean, std) = moments(&returns);
            means.push(mean);
            stds.push(std);
        }
    }
    let name = "rollouts of a model";
    if means.len() < 2 {
        let note =
            format!("says nothing: {lost} of {} rollouts left everything that numbers can hold", members * STARTS);
        return Ok(Estimate { name, mean: f64::NAN, low: f64::NEG_INFINITY, high: f64::INFINITY, note });
    }
    let (mean, between) = moments(&means);
    let m = means.len() as f64;
    let within = stds.iter().map(|std| std * std).sum::<f64>() / m;
    let variance = between * between * (1.0 + 1.0 / m) + within / (m * STARTS as f64);
    let half = student(m - 1.0) * variance.sqrt();
    let note = format!("{members} members, whose means spread by {between:.4}");
    Ok(Estimate { name, mean, low: mean - half, high: mean + half, note })
}
