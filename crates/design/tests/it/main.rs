//! The search that designs a model, on domains whose right answer is known.

use std::collections::BTreeMap;

use worldwright_agents::AgentContext;
use worldwright_core::{
    Action, Agent, Dataset, Environment, Error, Interrupt, Key, Observation, Result, RewardFunction, Setting, Space,
    Step, Transitions,
};
use worldwright_design::{
    Design, DesignOptions, EnvironmentTrial, ModelChoice, PlanChoice, Progress, Record, Row, Trial, design,
    fit_as_tried, random_transitions,
};
use worldwright_envs::{Made, make};

fn made(name: &str, settings: &[(&str, Setting)]) -> Made {
    let settings: BTreeMap<String, Setting> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    make(name, &settings).unwrap()
}

fn context(made: &Made, seed: u64) -> AgentContext {
    AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: None,
        known: None,
        players: 1,
        places: 1,
        seed,
        interrupt: Interrupt::never(),
    }
}

/// One of each kind, small enough for a test.
fn kinds() -> Vec<ModelChoice> {
    let network = [("hidden", Setting::Numbers(vec![16.0, 16.0])), ("epochs", Setting::Integer(40))];
    let members = [("members", Setting::Integer(2)), ("particles", Setting::Integer(2))];
    vec![
        ModelChoice::new("linear", "linear", &[]),
        ModelChoice::new("gp", "gp", &[("max_points", Setting::Integer(150))]),
        ModelChoice::new("deterministic", "deterministic", &network),
        ModelChoice::new("ensemble", "ensemble", &[network, members].concat()),
    ]
}

fn short(horizon: usize) -> PlanChoice {
    let settings = [("population", Setting::Integer(24)), ("iterations", Setting::Integer(2))];
    PlanChoice::new(format!("icem {horizon}"), "icem", horizon, &settings)
}

fn small() -> DesignOptions {
    DesignOptions {
        models: kinds(),
        plans: vec![short(5), short(12)],
        finalists: 2,
        episode_steps: 30,
        trial_steps: 300,
        record: Vec::new(),
        ..DesignOptions::default()
    }
}

fn searched(made: &mut Made, steps: usize, options: &DesignOptions, seed: u64) -> Design {
    let context = context(made, seed);
    let (data, _) = random_transitions(made.environment.as_mut(), steps, 50, seed).unwrap();
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), seed);
    design(&context, &data, options, Some(&mut trial), &mut |_| Ok(())).unwrap()
}

#[test]
fn a_linear_system_is_not_given_a_network() {
    let found = searched(&mut made("linear", &[]), 300, &small(), 1);
    assert!(["linear", "gp"].contains(&found.model.name.as_str()), "{:?}", found.reasons);
    assert!(found.domain.nonlinearity < 1e-3 && found.domain.noise < 0.1, "{:?}", found.domain);
    let mut agent = found.into_agent(&context(&made("linear", &[]), 1)).unwrap();
    assert!(agent.is_ready() && agent.world_model().is_some());
    let observation = made("linear", &[]).environment.reset(3).unwrap();
    agent.begin_episode(0, &observation, 3).unwrap();
    agent.act(0, &observation, false).unwrap();
}

/// x' = x + 0.4 sin 3x + 0.3 u + noise with reward −(x − 1)², a place where its own motion must be outwitted.
struct Wave {
    x: f64,
    rng: worldwright_core::Rng,
    spaces: [Space; 2],
}

impl Wave {
    fn new() -> Self {
        let spaces = [Space::unbounded(1), Space::vector(&[-1.0], &[1.0])];
        Self { x: 0.0, rng: Key::new(0).rng(), spaces }
    }

    fn context(&self, seed: u64) -> AgentContext {
        let [observation_space, action_space] = self.spaces.clone();
        AgentContext {
            observation_space,
            action_space,
            reward: None,
            simulator: None,
            known: None,
            players: 1,
            places: 1,
            seed,
            interrupt: Interrupt::never(),
        }
    }
}

impl Environment for Wave {
    fn id(&self) -> &str {
        "wave"
    }

    fn observation_space(&self) -> &Space {
        &self.spaces[0]
    }

    fn action_space(&self) -> &Space {
        &self.spaces[1]
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.rng = Key::new(seed).rng();
        self.x = self.rng.uniform_in(-2.0, 2.0);
        Ok(Observation::Floats(vec![self.x]))
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        let u = action.floats().map_or(0.0, |u| u[0]);
        let reward = -(self.x - 1.0).powi(2);
        self.x += 0.4 * (3.0 * self.x).sin() + 0.3 * u + 0.02 * self.rng.normal();
        Ok(Step { observation: Observation::Floats(vec![self.x]), reward, terminated: false, truncated: false })
    }

    fn dt_secs(&self) -> f64 {
        1.0
    }
}

/// Without a way to try plans: models of the held-out part judge.
fn by_data(models: Vec<ModelChoice>, seed: u64) -> Design {
    let mut wave = Wave::new();
    let (data, _) = random_transitions(&mut wave, 240, 12, seed).unwrap();
    let options = DesignOptions { models, trial_steps: 120, episode_steps: 12, plans: vec![short(5)], ..small() };
    design(&wave.context(seed), &data, &options, None, &mut |_| Ok(())).unwrap()
}

#[test]
fn a_noisy_system_that_is_not_linear_is_not_given_a_linear_model() {
    let found = by_data(kinds(), 2);
    assert_ne!(found.model.name, "linear", "{:?}", found.reasons);
    assert!(found.domain.nonlinearity > 0.1, "{:?}", found.domain);
    assert!(found.judge.contains("held-out"), "{}", found.judge);
    let linear = found.rows.iter().find(|row| row.model.name == "linear").unwrap();
    let score = |row: &Row| row.prediction.as_ref().unwrap().score;
    assert!(score(&found.rows[0]) < 0.8 * score(linear), "{:?}", found.reasons);
}

#[test]
fn candidates_that_diverge_are_marked_and_rank_last() {
    let wild = [
        ("learning_rate", Setting::Float(1.0)),
        ("activation", Setting::Text("relu".into())),
        ("hidden", Setting::Numbers(vec![64.0; 8])),
    ];
    let mut models = kinds();
    models.truncate(2);
    models.insert(0, ModelChoice::new("wild", "ensemble", &wild));
    models.insert(1, ModelChoice::new("absurd", "gp", &[("angles", Setting::Numbers(vec![7.0]))]));
    let found = by_data(models, 3);
    let last = found.rows.last().unwrap();
    assert_eq!((last.model.label.as_str(), last.returns.len()), ("absurd", 0));
    assert!(last.diverged.as_deref().unwrap().contains("7 is no place"), "{last:?}");
    assert!(found.reasons.iter().any(|reason| reason.starts_with("absurd is out: ")), "{:?}", found.reasons);
    assert!(found.rows[0].diverged.is_none() && found.model.label != "wild");
}

#[test]
fn known_dynamics_are_chosen() {
    let mut made = made("pendulum", &[]);
    let context = AgentContext { simulator: made.simulator.clone(), ..context(&made, 4) };
    let (data, _) = random_transitions(made.environment.as_mut(), 200, 40, 4).unwrap();
    let mut models = kinds();
    models.truncate(2);
    models.push(ModelChoice::new("known", "known", &[]));
    let options = DesignOptions { models, plans: vec![short(12)], episode_steps: 40, trial_steps: 320, ..small() };
    for trial in [true, false] {
        let mut environment = EnvironmentTrial::new(made.environment.as_mut(), 4);
        let trial = trial.then_some(&mut environment as &mut dyn Trial);
        let found = design(&context, &data, &options, trial, &mut |_| Ok(())).unwrap();
        assert_eq!(found.model.name, "known", "{:?}", found.reasons);
        assert!(found.rows[0].prediction.as_ref().unwrap().score < 1e-4);
        assert!(found.assignments().starts_with(&["model=known".into(), "planner=icem".into()]));
    }
}

#[test]
fn the_choice_is_the_same_on_one_thread_and_on_two() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let found = by_data(kinds(), 5);
            let rows: Vec<_> =
                found.rows.iter().map(|r| (r.model.clone(), r.prediction.clone(), r.returns.clone())).collect();
            (rows, found.reasons, found.fitted.save())
        })
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn what_turns_is_seen_as_a_point_on_the_circle() {
    // A wheel pushed round and round; its drag depends on its angle.
    let mut data = Dataset::new(2, 1);
    let mut rng = Key::new(6).rng();
    for _ in 0..8 {
        let (mut angle, mut speed) = (rng.uniform_in(-9.0, 9.0), rng.uniform_in(-2.0, 2.0));
        for step in 0..40 {
            let push = rng.uniform_in(-1.0, 1.0);
            let next = [angle + 0.1 * speed, speed + 0.1 * (3.0 * angle.sin() + push)];
            data.push(&[angle, speed], &[push], -next[1].powi(2), &next, false, step == 39).unwrap();
            [angle, speed] = next;
        }
    }
    let context = AgentContext { observation_space: Space::unbounded(2), ..Wave::new().context(6) };
    let models = vec![ModelChoice::new("gp", "gp", &[("max_points", Setting::Integer(100))])];
    let options = DesignOptions { models, plans: vec![short(5)], trial_steps: 40, episode_steps: 10, ..small() };
    let found = design(&context, &data, &options, None, &mut |_| Ok(())).unwrap();
    let score = |label: &str| {
        let row = found.rows.iter().find(|row| row.model.label == label);
        row.and_then(|row| row.prediction.as_ref()).map(|prediction| prediction.score)
    };
    let (plain, round) = (score("gp").unwrap(), score("gp of angles [0]").unwrap());
    assert!(round < 0.5 * plain, "{round} against {plain}");
}

#[test]
fn an_observer_ends_the_search_and_little_data_is_refused() {
    let mut wave = Wave::new();
    let context = wave.context(7);
    let (data, _) = random_transitions(&mut wave, 100, 10, 7).unwrap();
    let stop = design(&context, &data, &small(), None, &mut |_| Err(Error::external("user", "stopped"))).err().unwrap();
    assert!(stop.to_string().contains("stopped"), "{stop}");
    let (few, _) = random_transitions(&mut wave, 10, 5, 7).unwrap();
    let refused = design(&context, &few, &small(), None, &mut |_| Ok(())).err().unwrap();
    assert!(refused.to_string().contains("at least 20"), "{refused}");
}

/// Trials in the order in which they were played.
fn followed(made: &mut Made, options: &DesignOptions) -> (Design, Vec<(String, String)>) {
    let context = context(made, 8);
    let (data, _) = random_transitions(made.environment.as_mut(), 300, 50, 8).unwrap();
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), 8);
    let mut order = Vec::new();
    let found = design(&context, &data, options, Some(&mut trial), &mut |progress| {
        if let Progress::Tried { row, .. } = progress {
            order.push((row.model.label.clone(), row.plan.as_ref().unwrap().label.clone()));
        }
        Ok(())
    });
    (found.unwrap(), order)
}

#[test]
fn what_a_similar_domain_needed_is_tried_first_and_saves_trials() {
    let mut made = made("linear", &[]);
    let models = vec![kinds()[0].clone(), kinds()[1].clone()];
    let options = DesignOptions { models, finalists: 0, trial_steps: 600, ..small() };
    let (found, cold) = followed(&mut made, &options);
    // On record: the second model with the longer horizon did best, the others far worse.
    let best = ("gp".to_owned(), "icem 12".to_owned());
    assert_ne!(cold[0], best);
    let shares = [("gp", "icem 12", 1.0), ("linear", "icem 12", 0.6), ("gp", "icem 5", 0.0), ("linear", "icem 5", 0.0)];
    let shares: Vec<_> = shares.map(|(model, plan, share)| (model.to_owned(), plan.to_owned(), share)).into();
    let alike = Record { name: "alike".into(), domain: found.domain, shares: shares.clone() };
    let (found, warm) = followed(&mut made, &DesignOptions { record: vec![alike], ..options.clone() });
    assert_eq!(warm[0], best);
    assert!(2 * warm.len() < cold.len(), "{} trials, {} without the record", warm.len(), cold.len());
    assert!(found.reasons.iter().any(|reason| reason.starts_with("What alike needed")), "{:?}", found.reasons);
    // A domain of quite another kind says who is first, and rules nobody out.
    let mut domain = found.domain;
    domain.observation_dim *= 8;
    let unlike = Record { name: "unlike".into(), domain, shares };
    let (_, order) = followed(&mut made, &DesignOptions { record: vec![unlike], ..options });
    assert_eq!(order[0], best);
    assert!(cold.iter().all(|candidate| order.contains(candidate)), "{order:?}");
}

#[test]
fn the_model_that_was_tried_is_handed_over_unless_it_learns_from_trials() {
    let options = |learn_from_trials| DesignOptions { learn_from_trials, finalists: 0, ..small() };
    let context = context(&made("pendulum", &[]), 9);
    let tried = |learn_from_trials| {
        let found = searched(&mut made("pendulum", &[]), 200, &options(learn_from_trials), 9);
        let (data, _) = random_transitions(made("pendulum", &[]).environment.as_mut(), 200, 50, 9).unwrap();
        let alike = fit_as_tried(&found.model, &context, &data).unwrap().save() == found.fitted.save();
        (alike, found.dataset.len() - data.len())
    };
    assert_eq!(tried(false), (true, 0));
    let (alike, more) = tried(true);
    assert!(!alike && more > 0);
}

/// −|x| on whole numbers, and no number between them.
#[derive(Debug)]
struct Whole {
    most: f64,
}

impl RewardFunction for Whole {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        for (row, reward) in reward.iter_mut().enumerate() {
            let x = transitions.next_observations.get(row, 0);
            let known = (x - x.round()).abs() < 0.2 && x.abs() < self.most;
            *reward = if known { -x.abs() } else { f64::NAN };
        }
        terminated.fill(false);
    }
}

#[test]
fn a_reward_that_is_no_number_rules_out_who_foretells_it_and_is_refused_on_the_data() {
    // A step to the left or to the right.
    let mut data = Dataset::new(1, 2);
    let mut rng = Key::new(2).rng();
    for _ in 0..20 {
        let mut x = rng.uniform_in(-5.0, 5.0).round();
        for step in 0..12 {
            let right = rng.uniform_in(0.0, 1.0) < 0.5;
            let (action, next) = if right { ([0.0, 1.0], x + 1.0) } else { ([1.0, 0.0], x - 1.0) };
            data.push(&[x], &action, -next.abs(), &[next], false, step == 11).unwrap();
            x = next;
        }
    }
    let within = |most| AgentContext {
        observation_space: Space::unbounded(1),
        action_space: Space::discrete(2),
        reward: Some(std::sync::Arc::new(Whole { most })),
        simulator: None,
        known: None,
        players: 1,
        places: 1,
        seed: 2,
        interrupt: Interrupt::never(),
    };
    let hasty = [("epochs", Setting::Integer(2)), ("hidden", Setting::Numbers(vec![8.0]))];
    let models = vec![ModelChoice::new("hasty", "deterministic", &hasty), kinds()[0].clone()];
    let options = DesignOptions { models, plans: vec![short(5)], trial_steps: 120, episode_steps: 12, ..small() };
    let found = design(&within(50.0), &data, &options, None, &mut |_| Ok(())).unwrap();
    assert_eq!(found.model.label, "linear");
    let last = found.rows.last().unwrap();
    assert_eq!((last.model.label.as_str(), last.returns.len()), ("hasty", 0));
    assert!(last.diverged.as_deref().unwrap().contains("no prediction is finite"), "{last:?}");
    assert!(found.reasons.iter().any(|reason| reason.starts_with("hasty is out: ")), "{:?}", found.reasons);
    let refused = design(&within(3.0), &data, &options, None, &mut |_| Ok(())).err().unwrap().to_string();
    assert!(refused.contains("is NaN for observation ["), "{refused}");
}
