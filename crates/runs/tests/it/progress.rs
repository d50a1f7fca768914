//! The plain view: one aligned line an episode, with the fit that follows it; nothing when quiet.

use std::io::Write;
use std::sync::{Arc, Mutex};

use worldwright_runs::progress::{Progress, View};
use worldwright_runs::{EvaluationPlan, Event, Experiment, Observer, Part, RewardPlan, Row, RowKind, RunFolder};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn part(name: &str) -> Part {
    Part { name: name.to_owned(), ..Part::default() }
}

fn experiment(reward: &str) -> Experiment {
    Experiment {
        environment: part("pendulum"),
        because: String::new(),
        count: 1,
        agent: part("pets"),
        roles: [("model".into(), part("ensemble")), ("planner".into(), part("cem"))].into(),
        updates: 0,
        reward: RewardPlan { kind: reward.into(), expression: String::new(), termination: String::new() },
        evaluation: EvaluationPlan { episodes: 10, interval: 0, interval_episodes: 1 },
        data: String::new(),
        steps: 1000,
        budgets: worldwright_runs::Budgets::default(),
        seed: 0,
        retries: 0,
        finds_action_repeat: false,
    }
}

/// Two episodes with a fit after each, an evaluation and notes.
fn told(view: View) -> Vec<String> {
    let experiment = experiment("known");
    let folder = RunFolder::new("nowhere");
    let paper = Paper::default();
    let mut progress = Progress::to(view, Box::new(paper.clone()));
    let row = |kind, episode, step, values: &[(&'static str, f64)]| Row {
        kind,
        episode,
        step,
        values: values.iter().map(|(name, value)| ((*name).into(), *value)).collect(),
        clock: vec![],
    };
    let rows = [
        row(RowKind::Episode, 0, 200, &[("return", -1402.25)]),
        row(RowKind::Learn, 0, 200, &[("holdout_mse", 0.0004)]),
        row(RowKind::Episode, 1, 400, &[("return", -3.5)]),
        row(RowKind::Learn, 1, 400, &[("holdout_mse", 0.0001)]),
        row(RowKind::Evaluation, 2, 400, &[("return_mean", -140.0), ("return_std", 81.0), ("episodes", 5.0)]),
    ];
    let mut tell = |event: &Event<'_>| progress.event(event).unwrap();
    tell(&Event::Started { experiment: &experiment, folder: &folder, step: 0, episode: 0 });
    tell(&Event::Note("the newest checkpoint is not whole"));
    for (i, row) in rows.iter().enumerate() {
        match i {
            0 => tell(&Event::Step { step: 1, episode: 0, return_so_far: -1.0, act_secs: None }),
            2 => tell(&Event::Step { step: 201, episode: 1, return_so_far: -1.0, act_secs: Some(0.025) }),
            _ => {}
        }
        tell(&Event::Row(row));
        match i {
            1 => tell(&Event::FitNote("gp: 200 transitions; stopped after 100 epochs")),
            3 => tell(&Event::FitNote("ensemble: 400 transitions; stopped after 87 epochs")),
            4 => tell(&Event::FitNote("ensemble: 600 transitions; stopped after 1.5 epochs")),
            _ => {}
        }
    }
    tell(&Event::Stopped { updates: 0, step: 400 });
    tell(&Event::Stopped { updates: 1200, step: 0 });
    tell(&Event::Stopped { updates: 0, step: 0 });
    String::from_utf8(paper.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_reward_of_the_user_is_told_apart_from_the_returns_shown() {
    let mut experiment = experiment("expression");
    experiment.reward.expression = "1 - pole_angle^2".into();
    let paper = Paper::default();
    let mut progress = Progress::to(View::Lines, Box::new(paper.clone()));
    let folder = RunFolder::new("nowhere");
    progress.event(&Event::Started { experiment: &experiment, folder: &folder, step: 0, episode: 0 }).unwrap();
    let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert!(
        said.contains("plans for 1 - pole_angle^2; the returns shown are of the environment's own reward"),
        "{said}"
    );
}

#[test]
fn lines_are_aligned_and_carry_the_fit_that_followed() {
    let lines = told(View::Lines);
    assert_eq!(lines[0], "pendulum · pets: 1,000 steps");
    assert_eq!(lines[1], "  note: the newest checkpoint is not whole");
    assert_eq!(lines[4], "  note: gp: 200 transitions; stopped after 100 epochs");
    let table = [&lines[2], &lines[3], &lines[5]];
    assert!(table.iter().all(|line| line.chars().count() == table[0].chars().count()), "{table:#?}");
    let start: Vec<String> = table.iter().map(|line| line.chars().take(53).collect()).collect();
    assert_eq!(start[0], "episode     steps      return  model error   planning");
    assert_eq!(start[1], "      1       200      −1,402       0.0200          –");
    assert_eq!(start[2], "      2       400       −3.50       0.0100    25.0 ms");
    // What the last note said in other numbers is no news; another model is.
    assert_eq!(lines[6], "  note: ensemble: 400 transitions");
    assert_eq!(lines[7], "  evaluation at step 400: −140.0 ± 81.0 over 5 episodes");
    assert_eq!(lines[8], "stopped; everything up to step 400 is saved");
    assert_eq!(lines[9], "stopped; everything up to update 1,200 is saved");
    assert_eq!(lines[10], "stopped before a step was saved");
    assert_eq!(lines.len(), 11);
}

#[test]
fn quiet_says_nothing() {
    assert_eq!(told(View::Quiet), Vec::<String>::new());
}
