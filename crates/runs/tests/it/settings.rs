//! Written is readable: the text of any experiment that is accepted is read back as that experiment, whatever its settings are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use worldwright_core::{Parameter, Result, Setting, SettingDefault};
use worldwright_envs::{self as envs, Made, python};
use worldwright_models as models;
use worldwright_planners as planners;
use worldwright_runs::{Choices, Experiment, Lists};

/// Numbers that settings are seldom given, with some that they are.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        Just(5.0),
        Just(1e300),
        Just(5e-324),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

/// A value of the type of a default.
fn value(default: SettingDefault) -> BoxedStrategy<Setting> {
    match default {
        SettingDefault::Bool(_) => any::<bool>().prop_map(Setting::Bool).boxed(),
        SettingDefault::Integer(_) => any::<i64>().prop_map(Setting::Integer).boxed(),
        SettingDefault::Float(_) => number().prop_map(Setting::Float).boxed(),
        SettingDefault::Text(_) => any::<String>().prop_map(Setting::Text).boxed(),
        SettingDefault::Numbers(_) => proptest::collection::vec(number(), 0..4).prop_map(Setting::Numbers).boxed(),
    }
}

fn any_value() -> impl Strategy<Value = Setting> {
    [
        SettingDefault::Bool(true),
        SettingDefault::Integer(0),
        SettingDefault::Float(0.0),
        SettingDefault::Text(""),
        SettingDefault::Numbers(&[]),
    ]
    .into_iter()
    .map(value)
    .reduce(|a, b| a.boxed().prop_union(b.boxed()).boxed())
    .expect("five kinds")
}

/// Some of the settings of an entry.
fn some(section: &'static str, parameters: &'static [Parameter]) -> BoxedStrategy<Vec<(String, Setting)>> {
    let each: Vec<_> = parameters
        .iter()
        .map(|parameter| {
            let key = format!("{section}.{}", parameter.name);
            // Few at a time: what is out of range is refused, and then nothing else of the experiment is tried.
            proptest::option::weighted(0.1, value(parameter.default).prop_map(move |value| (key.clone(), value)))
        })
        .collect();
    each.prop_map(|settings| settings.into_iter().flatten().collect()).boxed()
}

/// An entry of a list, with some of its settings.
fn entry(
    section: &'static str,
    entries: Vec<(&'static str, &'static [Parameter])>,
) -> impl Strategy<Value = Vec<(String, Setting)>> {
    proptest::sample::select(entries).prop_flat_map(move |(name, parameters)| {
        some(section, parameters).prop_map(move |mut settings| {
            settings.push((section.to_owned(), Setting::Text(name.to_owned())));
            settings
        })
    })
}

fn environment() -> impl Strategy<Value = Vec<(String, Setting)>> {
    let native = envs::ALL.iter().map(|entry| (entry.name, entry.parameters)).collect();
    // What a Python environment's own constructor takes is any name with any value.
    let keyword = ("[^=]{1,12}", any_value()).prop_map(|(name, value)| (format!("environment.{name}"), value));
    let python =
        (entry("environment", vec![("gym:Any-v0", python::PARAMETERS)]), proptest::collection::vec(keyword, 0..3))
            .prop_map(|(mut settings, more)| {
                settings.extend(
                    more.into_iter()
                        .filter(|(key, _)| key != "environment.name" && !key.starts_with("environment.worker.")),
                );
                settings
            });
    prop_oneof![entry("environment", native), python]
}

fn run() -> impl Strategy<Value = Vec<(String, Setting)>> {
    let whole = || proptest::option::of((1..=i64::MAX).prop_map(Setting::Integer));
    let keys =
        ["steps", "seed", "retries", "evaluation.episodes", "evaluation.interval", "evaluation.interval_episodes"];
    let numbers = keys.map(|key| whole().prop_map(move |value| value.map(|value| (key.to_owned(), value))));
    let data = proptest::option::of(any::<String>().prop_map(|name| ("data".to_owned(), Setting::Text(name))));
    let reward = proptest::option::of(proptest::sample::select(vec!["learned", "known"]));
    (Vec::from(numbers), data, reward).prop_map(|(numbers, data, reward)| {
        let reward = reward.map(|kind| ("reward.kind".to_owned(), Setting::Text(kind.to_owned())));
        numbers.into_iter().flatten().chain(data).chain(reward).collect()
    })
}

fn choices() -> impl Strategy<Value = Vec<(String, Setting)>> {
    let models = models::ALL.iter().map(|entry| (entry.name, entry.parameters)).collect();
    let planners = planners::ALL.iter().map(|entry| (entry.name, entry.parameters)).collect();
    let agents = worldwright_agents::ALL.iter().map(|entry| (entry.name, entry.parameters)).collect();
    (environment(), entry("agent", agents), entry("model", models), entry("planner", planners), run())
        .prop_map(|(environment, agent, model, planner, run)| [environment, agent, model, planner, run].concat())
}

/// Native environments with their defaults, so that any of their settings is accepted; Python's are pendulums.
fn make(name: &str, settings: &BTreeMap<String, Setting>) -> Result<Made> {
    if name.starts_with("gym:") {
        python::WorkerOptions::from_settings(settings)?;
        return envs::make("pendulum", &BTreeMap::new());
    }
    envs::make(name, &BTreeMap::new())
}

fn resolve(choices: &Choices) -> Result<Experiment> {
    Lists.resolve_with(choices, &make)
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]
    #[test]
    fn the_text_of_any_accepted_experiment_reads_back(settings in choices()) {
        let given = settings.into_iter().try_fold(Choices::new(), |choices, (key, value)| choices.set(&key, value)).unwrap();
        // Presets, deadlines and the like may refuse; what is accepted must last.
        let Ok(experiment) = resolve(&given) else { return Err(TestCaseError::reject("not accepted")) };
        let text = experiment.to_toml();
        // As a resume and a bundle read it.
        let back = Experiment::from_toml(&text, "config.toml").unwrap();
        prop_assert_eq!(back.to_toml(), text.clone());
        prop_assert_eq!(back.sha256(), experiment.sha256());
        // As `--config` reads it.
        let again = resolve(&Choices::new().toml(&text, "config.toml").unwrap()).unwrap();
        prop_assert_eq!(again.to_toml(), text);
    }
}

#[test]
fn a_deadline_of_a_worker_survives_its_own_file() {
    let choices =
        Choices::new().assign("environment=gym:Any-v0").unwrap().assign("environment.worker.step_secs=5.0").unwrap();
    let experiment = resolve(&choices).unwrap();
    let text = experiment.to_toml();
    assert_eq!(Experiment::from_toml(&text, "config.toml").unwrap(), experiment, "{text}");
    assert_eq!(resolve(&Choices::new().toml(&text, "config.toml").unwrap()).unwrap(), experiment);
}
