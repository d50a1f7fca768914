//! Nonsense settings: every key of every list, with values that no one means, either builds what it names or is refused by name.
//!
//! Everything is built in this process, so that a panic, an abort or an allocation beyond the limit ends the test. Short in continuous
//! integration; `cargo xtask fuzz settings CASES` runs it longer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use worldwright_agents as agents;
use worldwright_core::{Error, Interrupt, Parameter, Rng, Setting, SettingDefault, cost};
use worldwright_envs as envs;
use worldwright_models as models;
use worldwright_planners as planners;
use worldwright_runs::{Choices, Lists, Workshop};
use worldwright_testkit::cases;

/// What one case may take, far below the machine's memory so that a case that is let through by mistake is seen.
const MEMORY: u64 = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A value of the declared type that nobody means, or of no type at all.
fn nonsense(rng: &mut Rng, declared: SettingDefault) -> Setting {
    let whole = [-1, 0, 1, 2, 3, 7, 1000, 1 << 20, 1_000_000_000, 1 << 31, 1 << 40, i64::MAX, i64::MIN, i64::MAX - 1];
    let real = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1e-300,
        1e300,
        -1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e18,
        2.5,
    ];
    let texts =
        ["", " ", "nonsense", "-1", "🙂", "a/b\n", "((((((((", "[1,2", "0123456789012345678901234567890123456789"];
    let pick = |rng: &mut Rng, count: usize| rng.below(count as u64) as usize;
    let kind = if rng.below(8) == 0 { rng.below(5) } else { kind_of(declared) };
    match kind {
        0 => Setting::Bool(rng.below(2) == 0),
        1 => Setting::Integer(whole[pick(rng, whole.len())]),
        2 => Setting::Float(real[pick(rng, real.len())]),
        3 => Setting::Text(match rng.below(20) {
            0 => "x".repeat(300_000),
            1 => "(".repeat(100_000),
            _ => texts[pick(rng, texts.len())].to_owned(),
        }),
        _ => Setting::Numbers(match rng.below(12) {
            0 => Vec::new(),
            1 => vec![1.0; 100_000],
            length => (0..length.min(5)).map(|_| real[pick(rng, real.len())]).collect(),
        }),
    }
}

fn kind_of(declared: SettingDefault) -> u64 {
    match declared {
        SettingDefault::Bool(_) => 0,
        SettingDefault::Integer(_) => 1,
        SettingDefault::Float(_) => 2,
        SettingDefault::Text(_) => 3,
        SettingDefault::Numbers(_) => 4,
    }
}

/// Every key that a run takes, with the choices under which it is read.
fn keys() -> Vec<(String, SettingDefault, Vec<String>)> {
    let mut keys = Vec::new();
    let mut add = |section: &str, parameters: &[Parameter], others: &[String]| {
        for parameter in parameters {
            keys.push((format!("{section}.{}", parameter.name), parameter.default, others.to_vec()));
        }
    };
    for (environment, algorithm) in
        [("pendulum", "pets"), ("cartpole", "pets"), ("pendulum", "mpc"), ("linear", "gp-mpc")]
    {
        let base = |more: &[String]| {
            let mut all = vec![format!("environment={environment}"), format!("algorithm={algorithm}")];
            all.extend_from_slice(more);
            all
        };
        let agent = agents::ALL.iter().find(|entry| entry.name == algorithm).expect("an algorithm");
        add("agent", agent.parameters, &base(&[]));
        for planner in planners::ALL {
            add("planner", planner.parameters, &base(&[format!("planner={}", planner.name)]));
        }
        for model in models::ALL.iter().filter(|model| (model.name == "known") == (algorithm == "mpc")) {
            add("model", model.parameters, &base(&[format!("model={}", model.name)]));
            for planner in ["icem", "ilqr", "uct"] {
                add("model", model.parameters, &base(&[format!("model={}", model.name), format!("planner={planner}")]));
            }
        }
    }
    for environment in envs::ALL {
        add("environment", environment.parameters, &[format!("environment={}", environment.name)]);
    }
    for name in
        ["steps", "seed", "retries", "evaluation.episodes", "evaluation.interval", "evaluation.interval_episodes"]
    {
        keys.push((name.to_owned(), SettingDefault::Integer(0), vec!["environment=pendulum".to_owned()]));
    }
    for name in ["reward.expression", "reward.termination", "reward.kind", "data"] {
        let others = ["environment=pendulum", "reward.kind=expression", "reward.expression=0"].map(str::to_owned);
        keys.push((name.to_owned(), SettingDefault::Text(""), others.to_vec()));
    }
    keys
}

/// Builds environment and agent from choices.
fn build(choices: &[String], changed: &[(String, Setting)]) -> Result<(), Error> {
    let choices = choices.iter().try_fold(Choices::new(), |choices, assignment| choices.assign(assignment))?;
    let choices = changed.iter().try_fold(choices, |choices, (key, value)| choices.set(key, value.clone()))?;
    let experiment = Lists.resolve(&choices)?;
    let made = Lists.environment(&experiment)?;
    Lists.agent(&experiment, &made, &Interrupt::never()).map(|_| ())
}

#[test]
fn any_value_of_any_key_builds_or_is_refused_by_name() {
    cost::set_memory_limit(MEMORY);
    let (keys, mut rng) = (keys(), Rng::new(11));
    // Each key at least once.
    let cases = keys.len().max(cases(1500) as usize);
    let (mut refused, mut faults) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for case in 0..cases {
        let (key, declared, others) =
            &keys[if case < keys.len() { case } else { rng.below(keys.len() as u64) as usize }];
        let mut changed = vec![(key.clone(), nonsense(&mut rng, *declared))];
        if rng.below(3) == 0 {
            // Two together may exceed what each alone does not.
            let alike: Vec<_> = keys.iter().filter(|(_, _, beside)| beside == others).collect();
            let (key, declared, _) = alike[rng.below(alike.len() as u64) as usize];
            changed.push((key.clone(), nonsense(&mut rng, *declared)));
        }
        let began = Instant::now();
        let built = build(others, &changed);
        let took = began.elapsed();
        let told = || format!("case {case}: {others:?} with {}", short(&changed));
        if took > PATIENCE {
            faults.push(format!("{}: {took:?}", told()));
        }
        if let Err(error) = built {
            let said = error.to_string();
            let named = changed.iter().any(|(key, _)| key.split('.').any(|word| said.contains(word)));
            let unable = matches!(error, Error::Unsupported { .. } | Error::Shape { .. });
            // What does not fit without the value, either, is no fault of it.
            let alone = || build(others, &[]).is_err_and(|alone| alone.to_string() == said);
            if !(named || unable || alone()) {
                faults.push(format!("{}: {said}", told()));
            } else if said.len() > 2000 {
                faults.push(format!("{}: the message is {} long", told(), said.len()));
            }
            *refused.entry(key).or_default() += 1;
        }
    }
    assert!(faults.is_empty(), "{} of {cases} cases:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    assert!(refused.len() > 50, "hardly anything was refused: {refused:?}");
}

fn short(changed: &[(String, Setting)]) -> String {
    let one = |(key, value): &(String, Setting)| {
        let value: String = value.to_string().chars().take(80).collect();
        format!("{key} = {value}")
    };
    changed.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Settings of 10⁹ and beyond, of which many ended the process, often after the first episode.
#[test]
fn what_does_not_fit_is_refused_at_the_start_with_number_and_limit() {
    cost::set_memory_limit(MEMORY);
    let huge = [1_000_000_000, i64::MAX];
    let sized = [
        ("planner.horizon", "icem"),
        ("planner.population", "icem"),
        ("planner.population", "cma-es"),
        ("planner.simulations", "progressive-widening"),
        ("planner.samples", "sampled-mcts"),
        ("planner.starts", "ilqr"),
        ("planner.scratch", "ilqr"),
        ("planner.horizon", "collocation"),
        ("model.members", "icem"),
        ("model.particles", "icem"),
        ("environment.action_repeat", "icem"),
    ];
    for (key, planner) in sized {
        for number in huge {
            let model = if key.starts_with("model") { "model=ensemble" } else { "model=deterministic" };
            let others = ["environment=pendulum", model, &format!("planner={planner}")].map(str::to_owned);
            let error = build(&others, &[(key.to_owned(), Setting::Integer(number))]).unwrap_err().to_string();
            let (_, name) = key.split_once('.').expect("a section");
            assert!(error.contains(name) && error.contains(&number.to_string()), "{key} = {number}: {error}");
        }
    }
    for hidden in [vec![1e300], vec![], vec![-3.0], vec![1.5], vec![1e6; 3], vec![f64::NAN]] {
        let others = ["environment=pendulum", "model=ensemble"].map(str::to_owned);
        let error =
            build(&others, &[("model.hidden".into(), Setting::Numbers(hidden.clone()))]).unwrap_err().to_string();
        assert!(error.contains("hidden"), "{hidden:?}: {error}");
    }
}

/// What a mode leaves unused was accepted, and refused only when the run was resumed.
#[test]
fn settings_that_a_mode_does_not_use_are_checked_all_the_same() {
    for (key, value) in [
        ("planner.cvar_alpha", Setting::Float(f64::NAN)),
        ("planner.cvar_alpha", Setting::Float(-5.0)),
        ("planner.constraint_penalty", Setting::Float(-1.0)),
        ("planner.epistemic_penalty", Setting::Float(f64::INFINITY)),
        ("agent.exploration_noise", Setting::Float(f64::NAN)),
    ] {
        let others = ["environment=pendulum", "model=linear", "planner=icem"].map(str::to_owned);
        let error = build(&others, &[(key.to_owned(), value.clone())]).unwrap_err().to_string();
        assert!(error.contains(key.split_once('.').expect("a section").1), "{key} = {value}: {error}");
    }
}

/// An environment that an algorithm acts in as it is, and every setting of the algorithm and of who plays its roles unless told otherwise.
fn keys_of_algorithms() -> Vec<(String, SettingDefault, Vec<String>)> {
    let mut keys = Vec::new();
    for entry in agents::ALL {
        let choices =
            |environment: &str| vec![format!("environment={environment}"), format!("algorithm={}", entry.name)];
        let fits = ["pendulum", "cartpole", "gridworld", "bit-flipping", "tic-tac-toe"].map(choices);
        let Some(others) = fits.into_iter().find(|choices| build(choices, &[]).is_ok()) else { continue };
        let roles = entry.build.roles.iter().map(|role| {
            let section = agents::SECTIONS.iter().find(|section| section.name == role.section).expect("a section");
            (role.section, (section.parameters)(role.default).expect("an entry"))
        });
        for (section, parameters) in roles.chain([("agent", entry.parameters)]) {
            let key =
                |parameter: &Parameter| (format!("{section}.{}", parameter.name), parameter.default, others.clone());
            keys.extend(parameters.iter().map(key));
        }
    }
    keys
}

/// Whatever is wrong with a value, it is said of the key as a user wrote it: its kind when it is resolved, its range when something is built of it.
#[test]
fn an_error_of_a_setting_names_it_as_the_user_wrote_it() {
    cost::set_memory_limit(MEMORY);
    let mut named = BTreeMap::<String, [usize; 2]>::new();
    let all = keys().into_iter().filter(|(_, declared, _)| !matches!(declared, SettingDefault::Text(_)));
    for (key, declared, others) in all.chain(keys_of_algorithms()).filter(|(key, ..)| key.contains('.')) {
        let kind = match declared {
            SettingDefault::Text(_) => Setting::Bool(true),
            _ => Setting::Text("no number".into()),
        };
        let range = match declared {
            SettingDefault::Integer(_) => Some(Setting::Integer(-7)),
            SettingDefault::Float(_) => Some(Setting::Float(-1e300)),
            SettingDefault::Numbers(_) => Some(Setting::Numbers(vec![-0.5])),
            SettingDefault::Bool(_) | SettingDefault::Text(_) => None,
        };
        for (which, value) in [(0, Some(kind)), (1, range)] {
            let Some(value) = value else { continue };
            let told = format!("{key} = {value} of {others:?}");
            match build(&others, &[(key.clone(), value)]) {
                Err(Error::Config { key: said, why }) => {
                    let (section, _) = key.split_once('.').expect("a section");
                    // What is out of range beside another setting is said of either.
                    let beside = which == 1 && said.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
                    assert!(said == key || beside, "{told}: {said}: {why}");
                    named.entry(section.to_owned()).or_default()[which] += 1;
                }
                // A range may be all numbers; a kind is never any.
                other => assert!(which == 1, "{told}: {other:?}"),
            }
        }
    }
    for section in ["agent", "environment", "learner", "model", "planner", "policy"] {
        assert!(named.get(section).is_some_and(|[kind, range]| *kind > 0 && *range > 0), "{section}: {named:?}");
    }
}

/// A count of updates that nothing reads was taken without a word.
#[test]
fn updates_of_a_fit_are_refused_where_no_fit_is_made() {
    for algorithm in ["tdmpc2", "dreamer"] {
        let others = ["environment=pendulum".to_owned(), format!("algorithm={algorithm}")];
        let error = build(&others, &[("model.updates".into(), Setting::Integer(7))]).unwrap_err().to_string();
        assert!(error.starts_with("model.updates: ") && error.contains("agent.updates_per_step"), "{error}");
        build(&others, &[]).unwrap();
    }
}
