//! Many models of the pendulum, learned from different data in different ways, and what each is worth: how likely it finds what happens, how near its derivatives are,
//! and what planning in it earns in the true world.
//!
//! Each model is a network that is trained on squared error. What differs is drawn: how many transitions it learns from, whether these are of random actions, of an
//! expert that plans in the true world, or of both, its width, its activation and how many passes it makes. So they are neither all good nor all alike.

mod fitting;
pub(crate) mod pendulum;
pub(crate) mod ranks;

use std::collections::BTreeMap;

use worldwright_core::{
    Action, Budget, Dataset, Interrupt, Key, Parameter, Result, Rng, Setting, SettingDefault as Default, Settings,
    Value, WorldModel,
};
use worldwright_planners::{PlannerContext, make};

use crate::Watch;
pub(crate) use fitting::Errors;
use fitting::{Recipe, fitted};
use pendulum::{State, observe, step};

/// Settings that studies of these models share.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter { name: "models", default: Default::Integer(100), summary: "models that are learned and judged" },
    Parameter {
        name: "starts",
        default: Default::Integer(2),
        summary: "episodes that each planner acts in each model",
    },
    Parameter { name: "steps", default: Default::Integer(100), summary: "steps of these episodes" },
    Parameter {
        name: "judged",
        default: Default::Integer(500),
        summary: "transitions of each kind that models are judged on",
    },
    Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
];

/// Where transitions come from, to learn from or to be judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// States that a planner passes through in the true world, with a little noise on what is done at each.
    Expert,
    /// Episodes of random actions.
    Random,
    /// States and actions drawn evenly.
    Everywhere,
}

impl Source {
    pub(crate) const ALL: [(Self, &'static str); 3] =
        [(Self::Expert, "of the expert"), (Self::Random, "of random actions"), (Self::Everywhere, "from everywhere")];
}

/// The planners that models are judged by: one that compares returns, and one that goes by derivatives.
pub(crate) const PLANNERS: [(&str, &[(&str, Setting)]); 2] = [
    (
        "icem",
        &[
            ("horizon", Setting::Integer(20)),
            ("population", Setting::Integer(64)),
            ("iterations", Setting::Integer(3)),
            ("noise_beta", Setting::Float(3.0)),
        ],
    ),
    ("ilqr", &[("horizon", Setting::Integer(30)), ("iterations", Setting::Integer(6))]),
];

/// What a model came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    /// By the [source](Source::ALL) of what it is judged on.
    pub(crate) on: [Errors; 3],
    /// What each [planner](PLANNERS) earns in it on average.
    pub(crate) returns: [f64; 2],
}

/// All models, and what planners earn in the true world.
pub(crate) struct Bench {
    pub(crate) models: Vec<Judged>,
    pub(crate) truth: [f64; 2],
}

/// How much is done.
struct Effort {
    models: usize,
    starts: usize,
    steps: usize,
    judged: usize,
}

/// Learns and judges as many models as the settings say.
pub(crate) fn bench(settings: &Settings, watch: &mut Watch<'_>) -> Result<Bench> {
    let effort = Effort {
        models: settings.count_in("models", 5, 100_000)?,
        starts: settings.count_in("starts", 1, 1000)?,
        steps: settings.count_in("steps", 10, 10_000)?,
        judged: settings.count_in("judged", 10, 1_000_000)?,
    };
    let key = Key::new(settings.count("seed", 0)? as u64);
    watch.tell(0, effort.models, "the expert")?;
    let known = pendulum::known()?;
    let (rng, most) = (&mut key.fold(1).rng(), fitting::MOST);
    // What is judged on is no part of what is learned from.
    let [learned, judged] = [most, effort.judged].map(|count| -> Result<[Dataset; 3]> {
        let expert = expert(known.as_world_model(), count, watch.interrupt, rng)?;
        Ok([expert, pendulum::wandering(count, rng)?, pendulum::everywhere(count, rng)?])
    });
    let (learned, judged) = (learned?, judged?);
    let truth = returns(known.as_world_model(), &effort, (watch.interrupt, key.fold(2)))?;
    let mut models = Vec::with_capacity(effort.models);
    for number in 0..effort.models {
        watch.tell(number, effort.models, "a model")?;
        let rng = &mut key.fold(3).fold(number as u64).rng();
        let (model, sure) = fitted(&Recipe::draw(rng), &learned, watch.interrupt, rng)?;
        let model = model.as_world_model();
        let on = [0, 1, 2].map(|source| fitting::errors(model, &judged[source], &sure));
        let [expert, random, everywhere] = on;
        let returns = returns(model, &effort, (watch.interrupt, key.fold(2)))?;
        models.push(Judged { on: [expert?, random?, everywhere?], returns });
    }
    Ok(Bench { models, truth })
}

/// What planners earn in a model, on the same starts in each.
fn returns(model: &dyn WorldModel, effort: &Effort, (interrupt, key): (&Interrupt, Key)) -> Result<[f64; 2]> {
    let mut each = [0.0; 2];
    for (earned, planner) in each.iter_mut().zip(PLANNERS) {
        for start in 0..effort.starts {
            let rng = &mut key.fold(start as u64).rng();
            let mut state = pendulum::hanging(rng);
            act(model, planner, effort.steps, (interrupt, rng), &mut state, |_, _, reward| *earned += reward)?;
        }
        *earned /= effort.starts as f64;
    }
    Ok(each)
}

/// Acts by plans in a model for so many steps of the true world; `see` hears what was seen, what was done and what it paid.
fn act(
    model: &dyn WorldModel,
    (name, settings): (&str, &[(&str, Setting)]),
    steps: usize,
    (interrupt, rng): (&Interrupt, &mut Rng),
    state: &mut State,
    mut see: impl FnMut(State, f64, f64),
) -> Result<()> {
    let settings: BTreeMap<String, Setting> =
        settings.iter().map(|(key, setting)| ((*key).to_owned(), setting.clone())).collect();
    let mut planner = make(name, &PlannerContext::for_model(model.spec(), rng.next_u64()), &settings)?;
    let mut arena = model.imagination(planner.rows());
    let budget = Budget { interrupt: interrupt.clone(), ..Budget::default() };
    let mut action = Action::Floats(vec![0.0]);
    for t in 0..steps {
        interrupt.check("planning")?;
        arena.observe(0, None, &Value::Floats(observe(*state).to_vec()), Key::new(t as u64))?;
        planner.improve(arena.as_mut(), 0, &budget)?;
        planner.act(0, &mut action);
        planner.shift(1);
        let torque = action.floats().and_then(|numbers| numbers.first().copied()).unwrap_or(0.0);
        let (next, reward) = step(*state, torque);
        see(*state, torque, reward);
        *state = next;
    }
    Ok(())
}

/// States of an expert, and where each leads with noise on what it does there. The noise is not acted on: the next state is again the expert's own, so that more actions than its own are seen,
/// but no other way.
fn expert(known: &dyn WorldModel, count: usize, interrupt: &Interrupt, rng: &mut Rng) -> Result<Dataset> {
    const EPISODE: usize = 60;
    const NOISE: f64 = 0.3;
    let mut data = pendulum::nothing();
    while data.len() < count {
        let mut state = pendulum::anywhere(rng);
        let mut done = Vec::new();
        act(known, PLANNERS[0], EPISODE, (interrupt, rng), &mut state, |state, torque, _| done.push((state, torque)))?;
        for (state, torque) in done {
            let torque = (torque + NOISE * rng.normal()).clamp(-pendulum::MOST_TORQUE, pendulum::MOST_TORQUE);
            pendulum::put(&mut data, state, torque)?;
        }
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planning_in_the_true_world_swings_up_and_what_is_learned_of_little_does_not() {
        let interrupt = Interrupt::never();
        let known = pendulum::known().unwrap();
        let effort = Effort { models: 1, starts: 1, steps: 100, judged: 50 };
        let earned = |model: &dyn WorldModel| returns(model, &effort, (&interrupt, Key::new(4))).unwrap();
        let [by_returns, by_derivatives] = earned(known.as_world_model());
        // To hang costs about π² a step.
        assert!(by_returns > -400.0 && by_derivatives > -600.0, "{by_returns} {by_derivatives}");
        let rng = &mut Rng::new(1);
        let little = [(); 3].map(|()| pendulum::wandering(20, rng).unwrap());
        let recipe = Recipe { transitions: 20, from: Source::Random, width: 8, activation: "relu", epochs: 2 };
        let (model, sure) = fitted(&recipe, &little, &interrupt, rng).unwrap();
        let errors = fitting::errors(model.as_world_model(), &little[1], &sure).unwrap();
        assert!(errors.slope > 0.1 && errors.likelihood.is_finite(), "{errors:?}");
        let [poor, _] = earned(model.as_world_model());
        assert!(poor < by_returns - 200.0, "{poor} {by_returns}");
    }
}
