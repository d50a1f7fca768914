//! The standard workshop: environments, algorithms, models and planners from the rooms' lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_agents::{self as agents, AgentContext, Choice, Lessons, Parts, Recipe, Resolved};
use worldwright_core::{Agent, Entry, Error, Interrupt, Result, RewardFunction, Setting, Settings, find};
use worldwright_envs::{self as envs, Made};
use worldwright_models::expression::RewardExpression;

use crate::counted::counted;
use crate::experiment::{COUNT_PARAMETER, MOST_AT_ONCE};
use crate::learn::holding;
use crate::offline::{header_of, steps_each};
use crate::{
    Budgets, COUNT, Choices, EvaluationPlan, Experiment, Part, RECORDED, RewardPlan, Workshop, recorded_world,
    settings_text,
};

/// What makes an environment of its name and its settings.
pub type Make<'m> = &'m dyn Fn(&str, &BTreeMap<String, Setting>) -> Result<Made>;

/// Makes what the rooms' lists offer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lists;

/// Settings that count in steps: who gives one has a pace in mind.
const COUNTED_IN_STEPS: [&str; 4] = ["planner.horizon", "agent.discount", "agent.initial_steps", "agent.fit_every"];
/// Ways in which planning gets its reward.
const REWARDS: [&str; 3] = ["known", "expression", "learned"];
/// Episodes that a run lasts unless told otherwise, where their length is known.
const DEFAULT_EPISODES: u64 = 5;
/// Steps where it is not.
const DEFAULT_STEPS: u64 = 1000;
/// Steps that the final evaluation takes together, unless told otherwise, within these numbers of episodes: some 40 s at
/// 10 ms a decision.
const EVALUATION_STEPS: u64 = 4000;
const EVALUATION_EPISODES: std::ops::RangeInclusive<u64> = 5..=20;

impl Lists {
    /// Completes a user's choices with the presets and defaults of what they name.
    ///
    /// # Errors
    /// [`Error::Config`] without an environment or for values of another type or out of range, [`Error::Unknown`] with the nearest name for names
    /// and settings that nothing has.
    pub fn resolve(&self, choices: &Choices) -> Result<Experiment> {
        let data = choices.text("data")?.unwrap_or_default();
        self.resolve_with(choices, &|name, settings| match name {
            RECORDED => recorded_world(&data),
            _ => envs::make(name, settings),
        })
    }

    /// As [`resolve`](Self::resolve), asking the environment that `make` makes of the name and its settings: it may come from
    /// elsewhere than the list.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), and what `make` gives.
    pub fn resolve_with(&self, choices: &Choices, make: Make<'_>) -> Result<Experiment> {
        let data = choices.text("data")?.unwrap_or_default();
        let recorded = || (!data.is_empty()).then(|| RECORDED.to_owned());
        let name = match choices.name("environment")?.or_else(recorded) {
            Some(name) => name,
            None => return Err(nothing_to_learn_from(choices.name("agent")?.as_deref())),
        };
        let name =
            envs::ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, name)| name).to_owned();
        let acts = name != RECORDED;
        let asked = choices.name("agent")?.filter(|name| name != agents::AUTO);
        let known = known_as(&name);
        // The environment's spaces tell which algorithm fits, once it is made; none of those that are chosen by them changes it.
        let mut given = agents::environment_settings(asked.as_deref().unwrap_or("pets"), known);
        given.extend(environment_settings(choices));
        let count = choices.whole(COUNT, 1)?.unwrap_or(1);
        if count > MOST_AT_ONCE {
            return Err(Error::config(COUNT, format!("must be at most {MOST_AT_ONCE}, got {count}")));
        }
        let said_how_long = given.contains_key(envs::ACTION_REPEAT.name);
        let mut settings = match envs::ALL.iter().find(|entry| entry.name == name) {
            Some(entry) => {
                // Known too, so that a slip of it is told; it is said apart.
                let known = [entry.parameters, &[COUNT_PARAMETER]].concat();
                let declared = |key: &str| known.iter().any(|parameter| parameter.name == key);
                let resolved = Settings::resolve(entry.name, &known, &given);
                let mut settings = complete(&resolved.map_err(|error| error.in_section("environment", declared))?);
                settings.remove(COUNT_PARAMETER.name);
                settings
            }
            // Environments of other suites take what their makers take.
            None => given,
        };
        let make = |settings: &BTreeMap<String, Setting>| {
            make(&name, settings).map_err(|error| error.in_section("environment", |key| settings.contains_key(key)))
        };
        let mut made = make(&settings)?;
        if !data.is_empty()
            && acts
            && choices.get(&format!("environment.{}", envs::ACTION_REPEAT.name)).is_none()
            && let Some(repeat) = repeat_of(&data, &made, &settings)
        {
            settings.insert(envs::ACTION_REPEAT.name.to_owned(), Setting::Integer(repeat));
            made = make(&settings)?;
        }
        let roles = agents::SECTIONS.iter().map(|section| {
            let choice = Choice { name: choices.name(section.name)?, settings: choices.section(section.name) };
            Ok((section.name.to_owned(), choice))
        });
        let parts = Parts { agent: choices.section("agent"), roles: roles.collect::<Result<_>>()? };
        let spaces = (made.environment.observation_space(), made.environment.action_space());
        let mut because = choices.text("because")?.unwrap_or_default();
        // Of a configuration that was kept, and whose action repeat another one took the place of.
        let stale = format!("environment.{} ", envs::ACTION_REPEAT.name);
        let now = settings.get(envs::ACTION_REPEAT.name).map(settings_text::value_text).unwrap_or_default();
        if because.lines().any(|line| line.starts_with(&stale) && !line.starts_with(&format!("{stale}{now}:"))) {
            because = because.lines().filter(|line| !line.starts_with(&stale)).collect::<Vec<_>>().join("\n");
        }
        let mut holds = false;
        let algorithm = asked.unwrap_or_else(|| {
            let chosen = agents::choose(&parts, spaces.0, spaces.1);
            (because, holds) = (chosen.because, chosen.holds && !said_how_long);
            chosen.algorithm.to_owned()
        });
        let resolved = agents::resolve(&algorithm, known, &parts)?;
        counted_in_updates(&resolved)?;
        // A limit that is only assumed is no measure of how long the task is.
        let episode_steps = made.episode_steps.filter(|_| !made.episode_steps_assumed).map(|steps| steps as u64);
        let (fewest, most) = (*EVALUATION_EPISODES.start(), *EVALUATION_EPISODES.end());
        let evaluated = episode_steps.map_or(fewest, |steps| (EVALUATION_STEPS / steps.max(1)).clamp(fewest, most));
        let whole = |key, least, default| Ok::<_, Error>(choices.whole(key, least)?.unwrap_or(default));
        let recipe = find(agents::ALL, "algorithm", &algorithm)?.build;
        let usual = episode_steps.map_or(DEFAULT_STEPS, |steps| DEFAULT_EPISODES * steps);
        let steps = whole("steps", 0, if acts && recipe.learns_from != Lessons::Recorded { usual } else { 0 })?;
        let updates = whole("updates", 0, if steps == 0 { recipe.updates } else { 0 })?;
        possible(&algorithm, recipe, (&data, acts), steps, updates)?;
        if count > 1 && steps == 0 {
            return Err(Error::config(COUNT, "no step is taken in any of them: leave it out"));
        }
        let budgets = Budgets::chosen(choices)?;
        Ok(Experiment {
            reward: reward(choices, &made)?,
            environment: Part { name, settings },
            because,
            count,
            agent: Part { name: resolved.algorithm, settings: complete(&resolved.agent) },
            roles: (resolved.roles.into_iter())
                .map(|(section, part)| (section, Part { name: part.name, settings: complete(&part.settings) }))
                .collect(),
            evaluation: EvaluationPlan {
                episodes: if acts { whole("evaluation.episodes", 1, evaluated)? as usize } else { 0 },
                interval: whole("evaluation.interval", 0, 0)?,
                interval_episodes: whole("evaluation.interval_episodes", 1, 3)? as usize,
            },
            steps,
            updates,
            seed: whole("seed", 0, 0)?,
            retries: whole("retries", 0, 3)?,
            // A budget is one of decisions, recorded episodes are of the pace that they were recorded at, and who says how far is looked ahead counts in steps.
            finds_action_repeat: holds
                && COUNTED_IN_STEPS.into_iter().all(|key| choices.get(key).is_none())
                && data.is_empty()
                && budgets.entries().next().is_none()
                && acts
                && holding::is_worth_it(steps, episode_steps),
            data,
            budgets,
        })
    }
}

impl Lists {
    /// What an experiment plans for; none where the reward is learned.
    pub(crate) fn reward(experiment: &Experiment, made: &Made) -> Result<Option<Arc<dyn RewardFunction>>> {
        Ok(match experiment.reward.kind.as_str() {
            "known" => made.reward.clone(),
            "expression" => Some(expression(&experiment.reward, made)?),
            _ => None,
        })
    }
}

impl Workshop for Lists {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        match experiment.environment.name.as_str() {
            RECORDED => recorded_world(&experiment.data),
            name => envs::make(name, &experiment.environment.settings),
        }
    }

    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        let algorithm = find(agents::ALL, "algorithm", &experiment.agent.name)?;
        if made.environment.players() > 1 && !algorithm.build.both_sides {
            let all = agents::ALL.iter().filter(|entry| entry.build.both_sides).map(|entry| entry.name);
            let what = format!(
                "an environment whose players take turns: it plays one side, against environment.opponent=random; both are played by algorithm={}",
                all.collect::<Vec<_>>().join(", ")
            );
            return Err(Error::unsupported(algorithm.name, what));
        }
        let roles = experiment.roles.iter().map(|(section, part)| {
            let given = Choice { name: Some(part.name.clone()), settings: part.settings.clone() };
            (section.clone(), given)
        });
        let given = Parts { agent: experiment.agent.settings.clone(), roles: roles.collect() };
        // Every setting is given, so that nothing is left to presets.
        let resolved = agents::resolve(algorithm.name, "", &given)?;
        let context = AgentContext {
            observation_space: made.environment.observation_space().clone(),
            action_space: made.environment.action_space().clone(),
            reward: Self::reward(experiment, made)?.map(|reward| counted(reward, interrupt)),
            simulator: made.simulator.clone(),
            known: made.model.clone(),
            players: made.environment.players(),
            places: experiment.count as usize,
            seed: experiment.seed,
            interrupt: interrupt.clone(),
        };
        agents::build(&resolved, &context)
    }
}

const RECORDED_EPISODES: &str =
    "recorded episodes: name a folder or a file of them by data=PATH (on the command line --data)";

/// What an algorithm that learns from recorded episodes alone asks for.
fn of_recorded(algorithm: &str) -> String {
    format!("{algorithm} learns from {RECORDED_EPISODES}")
}

/// What an algorithm lacks where neither an environment nor recorded episodes are named.
fn nothing_to_learn_from(algorithm: Option<&str>) -> Error {
    let of = |name| find(agents::ALL, "algorithm", name).ok();
    match algorithm.and_then(of).filter(|entry| entry.build.learns_from == Lessons::Recorded) {
        Some(Entry { name, .. }) => Error::config(
            "data",
            format!("{}, and the environment that they are of where it shall be evaluated in it", of_recorded(name)),
        ),
        None => Error::config(
            "environment",
            "none is named; name one, for example pendulum (`worldwright envs` lists them), or recorded episodes by data=PATH",
        ),
    }
}

/// Refuses runs in which nothing could be learned.
fn possible(algorithm: &str, recipe: Recipe, (data, acts): (&str, bool), steps: u64, updates: u64) -> Result<()> {
    let error = if !data.is_empty() && recipe.learns_from == Lessons::Own {
        (
            "data",
            format!(
                "{algorithm} learns from its own steps alone: leave it out, or choose an algorithm that learns from any, such as sac"
            ),
        )
    } else if data.is_empty() && recipe.learns_from == Lessons::Recorded {
        ("data", of_recorded(algorithm))
    } else if data.is_empty() && steps == 0 {
        ("steps", format!("must be at least 1, got 0; a run without steps learns from {RECORDED_EPISODES}"))
    } else if data.is_empty() && updates > 0 {
        ("updates", format!("are made on {RECORDED_EPISODES}"))
    } else if !acts && steps > 0 {
        ("steps", format!("{steps} of them need an environment: name the one that the recorded episodes are of"))
    } else if recipe.learns_from == Lessons::Recorded && steps > 0 {
        ("steps", format!("{algorithm} learns nothing from what it does: leave them out"))
    } else if steps == 0 && updates == 0 {
        ("updates", "must be at least 1 where no step is taken".to_owned())
    } else {
        return Ok(());
    };
    Err(Error::config(error.0, error.1))
}

/// Refuses to be told how many updates a fit of the model has where its agent makes updates and no fit: the number would be written down, and mean nothing. Who fits, too, has `fit_every`.
fn counted_in_updates(resolved: &Resolved) -> Result<()> {
    let Some((_, model)) = resolved.roles.iter().find(|(section, _)| *section == "model") else { return Ok(()) };
    let usual = find(worldwright_models::ALL, "model", &model.name)?.parameters.iter();
    let usual = usual.filter(|parameter| parameter.name == "updates").map(|parameter| parameter.default.to_setting());
    let said = |usual: &Setting| model.settings.iter().any(|(key, given)| key == "updates" && given != usual);
    if resolved.agent.has("updates_per_step")
        && !resolved.agent.has("fit_every")
        && usual.into_iter().any(|usual| said(&usual))
    {
        let why = format!(
            "{} makes no fit of {} that it would count: updates=… says how many are made on recorded episodes, agent.updates_per_step=… how many a step",
            resolved.algorithm, model.name
        );
        return Err(Error::config("model.updates", why));
    }
    Ok(())
}

/// The action repeat by which a step is as long as those that were recorded in the same environment: what an action does then is what it did there. None
/// where it is so already, where nobody says how long they are, and where no repeat does it, which is refused when they are read.
fn repeat_of(data: &str, made: &Made, settings: &BTreeMap<String, Setting>) -> Option<i64> {
    // What cannot be opened is refused when it is read, too.
    let steps = steps_each(&header_of(data)?, made.environment.as_ref()).filter(|steps| *steps != 1.0)?;
    let now = match settings.get(envs::ACTION_REPEAT.name) {
        Some(Setting::Integer(now)) => *now as f64,
        _ => 1.0,
    };
    let repeat = steps * now;
    let whole = repeat.round();
    ((repeat - whole).abs() < 1e-6 * whole && (1.0..1e4).contains(&whole)).then_some(whole as i64)
}

/// What is said of the environment itself.
fn environment_settings(choices: &Choices) -> BTreeMap<String, Setting> {
    let mut settings = choices.section("environment");
    settings.retain(|key, _| format!("environment.{key}") != COUNT);
    settings
}

/// The name under which settings were measured: that of the native twin, where an environment of Gymnasium's has one.
fn known_as(name: &str) -> &str {
    let twin = |id| envs::ALIASES.iter().find(|(alias, _)| *alias == id).map(|(_, native)| *native);
    name.strip_prefix("gym:").and_then(twin).unwrap_or(name)
}

/// What to plan for: what the user says, else the environment's own reward.
fn reward(choices: &Choices, made: &Made) -> Result<RewardPlan> {
    let said = |key: &str| choices.text(&format!("reward.{key}"));
    let default = if made.reward.is_some() { "known" } else { "learned" };
    let kind = said("kind")?.unwrap_or_else(|| default.to_owned());
    if !REWARDS.contains(&kind.as_str()) {
        return Err(Error::unknown(format!("reward.kind ({})", REWARDS.join(", ")), &kind, REWARDS));
    }
    if kind == "known" && made.reward.is_none() {
        return Err(Error::config(
            "reward.kind",
            format!("the reward of {} is not known as a function; use reward.kind=learned", made.environment.id()),
        ));
    }
    let plan = RewardPlan {
        kind,
        expression: said("expression")?.unwrap_or_default(),
        termination: said("termination")?.unwrap_or_default(),
    };
    if plan.kind == "expression" {
        expression(&plan, made)?;
    } else if !plan.expression.is_empty() || !plan.termination.is_empty() {
        return Err(Error::config(
            "reward.kind",
            "an expression is given: it is used with reward.kind=expression only",
        ));
    }
    Ok(plan)
}

fn expression(plan: &RewardPlan, made: &Made) -> Result<Arc<dyn RewardFunction>> {
    if plan.expression.is_empty() {
        return Err(Error::config(
            "reward.expression",
            format!("is missing; write one over {}", made.observation_channels.join(", ")),
        ));
    }
    let termination = (!plan.termination.is_empty()).then_some(plan.termination.as_str());
    let (observation, action) = (&made.observation_channels, &made.action_channels);
    Ok(Arc::new(RewardExpression::new(&plan.expression, termination, observation, action)?))
}

fn complete(settings: &Settings) -> BTreeMap<String, Setting> {
    settings.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

impl Experiment {
    /// Reads what [`to_toml`](Self::to_toml) wrote. Names and settings are checked when something is built from them.
    ///
    /// # Errors
    /// [`Error::Config`] for text that is not an experiment's; `origin` (a path) stands in it.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let choices = settings_text::from_toml(text, origin)?
            .into_iter()
            .try_fold(Choices::new(), |choices, (key, value)| choices.set(&key, value))?;
        let lacks = |key: &str| Error::config(key, format!("is missing in {origin}: the file is not complete"));
        let part = |section: &str| {
            let name = choices.name(section)?.ok_or_else(|| lacks(&format!("{section}.name")))?;
            Ok::<_, Error>(Part { name, settings: choices.section(section) })
        };
        // An algorithm has some of the roles only.
        let played =
            agents::SECTIONS.iter().filter(|section| matches!(choices.name(section.name), Ok(Some(_)) | Err(_)));
        let roles = played.map(|section| Ok((section.name.to_owned(), part(section.name)?)));
        let text = |key: &str| choices.text(key)?.ok_or_else(|| lacks(key));
        let whole = |key: &str| choices.whole(key, 0)?.ok_or_else(|| lacks(key));
        Ok(Self {
            environment: Part { settings: environment_settings(&choices), ..part("environment")? },
            count: choices.whole(COUNT, 1)?.unwrap_or(1),
            agent: part("agent")?,
            because: choices.text("because")?.unwrap_or_default(),
            roles: roles.collect::<Result<_>>()?,
            reward: RewardPlan {
                kind: text("reward.kind")?,
                expression: text("reward.expression")?,
                termination: text("reward.termination")?,
            },
            evaluation: EvaluationPlan {
                episodes: whole("evaluation.episodes")? as usize,
                interval: whole("evaluation.interval")?,
                interval_episodes: whole("evaluation.interval_episodes")? as usize,
            },
            data: choices.text("data")?.unwrap_or_default(),
            updates: choices.whole("updates", 0)?.unwrap_or(0),
            steps: whole("steps")?,
            budgets: Budgets::chosen(&choices)?,
            seed: whole("seed")?,
            retries: whole("retries")?,
            finds_action_repeat: false,
        })
    }
}
