//! A run that goes through: what it leaves, and what can be done with it.

use std::fs;

use proptest::prelude::*;
use worldwright_data::EpisodeStore;
use worldwright_runs::{
    EvaluationOptions, Experiment, List, Lists, RunFolder, Workshop, collect, evaluate, load_bundle, plan,
};

use worldwright_testkit::cases;

use crate::tiny::{GO_ON, experiment, finish, trace};

#[test]
fn a_run_leaves_what_it_promises_and_its_bundle_acts_the_same() {
    let place = tempfile::tempdir().unwrap();
    let experiment = experiment(&[]);
    let path = place.path().join("run");
    let summary = finish(&experiment, &path, false);
    let folder = RunFolder::new(&path);
    assert_eq!((summary.real_steps, summary.returns.len()), (1700, 2));
    assert_eq!(summary, folder.read_summary().unwrap());
    assert!(summary.decisions_per_sec.is_some_and(|rate| rate > 0.0));

    // The canonical text reads back as the same experiment.
    let text = fs::read_to_string(folder.config()).unwrap();
    assert_eq!(Experiment::from_toml(&text, "config.toml").unwrap(), experiment);

    // Episodes and metrics agree.
    let store = EpisodeStore::open(folder.episodes()).unwrap();
    assert_eq!(store.steps(), 1700);
    let returns: Vec<f64> = folder
        .read_metrics()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == "episode")
        .map(|row| row["return"].as_f64().unwrap())
        .collect();
    let stored: Vec<f64> = store.episodes().iter().map(|episode| episode.total_reward).collect();
    assert_eq!(returns.len(), 9);
    // The last step cut an episode of 200, which is no time limit of the environment.
    let cut: Vec<bool> = store.episodes().iter().map(|episode| !episode.ended()).collect();
    assert_eq!(cut, [false, false, false, false, false, false, false, false, true]);
    let rows = folder.read_metrics().unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row["kind"] == "episode").collect();
    assert!(rows[..8].iter().all(|row| row["truncated"] == 1.0 && row.get("cut").is_none()), "{rows:?}");
    assert_eq!((&rows[8]["truncated"], &rows[8]["cut"]), (&0.0.into(), &1.0.into()));
    assert!(returns.iter().zip(&stored).all(|(a, b)| (a - b).abs() < 1e-9), "{returns:?} {stored:?}");

    // Diagnostics: even a linear model beats predicting no change, and errors grow with the steps ahead.
    let diagnostics = folder.read_diagnostics().unwrap();
    assert_eq!(diagnostics.k_step.len(), 20);
    let first = &diagnostics.k_step[0];
    assert!(first.rmse < 0.8 * first.persistence_rmse, "{first:?}");
    assert!(diagnostics.k_step[19].rmse > first.rmse);
    assert_eq!(diagnostics.rollouts[0].observation[0].real.len(), diagnostics.rollouts[0].observation[0].mean.len());

    // The bundle acts as the run's agent did in its evaluation.
    let mut loaded = load_bundle(&Lists, &path, &GO_ON).unwrap();
    assert_eq!(loaded.card.weights_digest, summary.weights_digest);
    let options = EvaluationOptions {
        episodes: 2,
        seed: experiment.seed,
        picture: true,
        step_limit: 1000,
        share_from: EvaluationOptions::SHARE_FROM,
    };
    let evaluation =
        evaluate(loaded.agent.as_mut(), loaded.made.environment.as_mut(), &mut || Ok(None), &options, &mut |_, _| {
            Ok(true)
        })
        .unwrap();
    assert_eq!(evaluation.returns(), summary.returns);
    assert_eq!(evaluation.film.frames().len(), 201);

    let (start, planned) = plan(&mut loaded.made, loaded.agent.as_mut(), None, 0).unwrap();
    assert_eq!(planned.actions.len(), 4);
    let numbers = start.floats().unwrap().to_vec();
    let (_, again) = plan(&mut loaded.made, loaded.agent.as_mut(), Some(&numbers), 0).unwrap();
    assert_eq!(planned, again);

    let out = place.path().join("collected");
    let collected = collect(&mut loaded.made, &mut [], Some(loaded.agent.as_mut()), (250, 5), &out, &GO_ON).unwrap();
    assert_eq!((collected.steps, collected.returns.len()), (250, 2));
    let store = EpisodeStore::open(&out).unwrap();
    assert_eq!((store.steps(), collected.cut), (250, 1));
    assert_eq!(store.episodes().iter().map(|episode| episode.truncated).collect::<Vec<_>>(), [true, false]);
    assert!(
        collect(&mut loaded.made, &mut [], None, (10, 5), &out, &GO_ON)
            .unwrap_err()
            .to_string()
            .contains("exists already")
    );
}

#[test]
fn a_resume_writes_what_a_finished_run_lacks() {
    let place = tempfile::tempdir().unwrap();
    let experiment = experiment(&["steps=300"]);
    let path = place.path().join("run");
    let summary = finish(&experiment, &path, false);
    let (folder, before) = (RunFolder::new(&path), trace(&path));
    // Killed after the summary.
    let page = fs::read(folder.report()).unwrap();
    fs::remove_file(folder.report()).unwrap();
    assert_eq!(finish(&experiment, &path, true), summary);
    assert_eq!(fs::read(folder.report()).unwrap(), page);
    // Taken away or damaged by other hands: done again from the last checkpoint.
    for lost in [folder.bundle().join("weights.safetensors"), folder.diagnostics(), folder.summary()] {
        fs::write(&lost, b"{").unwrap();
        finish(&experiment, &path, true);
        assert_eq!(trace(&path), before, "{}", lost.display());
        assert!(load_bundle(&Lists, &path, &GO_ON).is_ok());
    }
    // What someone put beside the bundle is kept when the bundle is made anew.
    fs::write(folder.bundle().join("notes.txt"), "mine").unwrap();
    fs::remove_file(folder.summary()).unwrap();
    finish(&experiment, &path, true);
    let kept = fs::read_dir(&path).unwrap().filter(|entry| entry.as_ref().unwrap().path().join("notes.txt").exists());
    assert_eq!(kept.count(), 1);
    assert_eq!(finish(&experiment, &path, true), folder.read_summary().unwrap());
}

#[test]
fn the_same_experiment_gives_the_same_run_and_another_seed_another() {
    let place = tempfile::tempdir().unwrap();
    let run = |name: &str, overrides: &[&str]| {
        let path = place.path().join(name);
        finish(&experiment(overrides), &path, false);
        trace(&path)
    };
    let first = run("first", &["steps=300"]);
    assert_eq!(first, run("second", &["steps=300"]));
    assert_ne!(first, run("third", &["steps=300", "seed=4"]));
}

/// A bundle in memory: name and bytes of each file.
fn bundle_files() -> &'static [(String, Vec<u8>)] {
    static FILES: std::sync::OnceLock<Vec<(String, Vec<u8>)>> = std::sync::OnceLock::new();
    FILES.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("run");
        finish(&experiment(&["steps=100"]), &path, false);
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(RunFolder::new(&path).bundle())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    })
}

fn with_bundle<T>(files: &[(String, Vec<u8>)], then: impl FnOnce(&std::path::Path) -> T) -> T {
    let place = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(place.path().join(name), bytes).unwrap());
    then(place.path())
}

fn refusal(files: &[(String, Vec<u8>)]) -> String {
    with_bundle(files, |path| match load_bundle(&Lists, path, &GO_ON) {
        Ok(_) => "loaded".to_owned(),
        Err(error) => error.to_string(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]
    #[test]
    fn a_damaged_bundle_is_refused(file in 0usize..3, at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
        let mut files = bundle_files().to_vec();
        let bytes = &mut files[file].1;
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        // A card that was cut exactly before its checksum is one of earlier versions, and says the same.
        let whole = file == 0 && cut && files[0].1.ends_with(b"\n");
        let said = refusal(&files);
        prop_assert!(whole || said.contains("damaged") || said.contains("card.toml"), "{}", said);
    }
}

#[test]
fn every_byte_of_a_card_is_guarded_and_one_without_a_checksum_still_reads() {
    let card = &bundle_files()[0].1;
    for at in 0..card.len() {
        let mut files = bundle_files().to_vec();
        files[0].1[at] ^= 1 << (at % 8);
        let said = refusal(&files);
        assert!(said.contains("damaged") || said.contains("card"), "byte {at}: {said}");
    }
    let mut files = bundle_files().to_vec();
    let text = String::from_utf8(card.clone()).unwrap();
    files[0].1 = text.as_bytes()[..text.find("# sha256").unwrap()].to_vec();
    assert_eq!(refusal(&files), "loaded");
}

#[test]
fn foreign_and_incomplete_bundles_say_what_is_wrong() {
    assert_eq!(refusal(bundle_files()), "loaded");
    assert!(refusal(&[]).contains("is not a bundle"));
    for name in ["weights.safetensors", "config.toml"] {
        let rest: Vec<_> = bundle_files().iter().filter(|(file, _)| file != name).cloned().collect();
        assert!(refusal(&rest).contains(&format!("lacks {name}")));
    }
    let card = |from: &str, to: &str| {
        let mut files = bundle_files().to_vec();
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        assert!(text.contains(from));
        // As another version would write it.
        let text = &text[..text.find("# sha256").unwrap()];
        files[0].1 = text.replacen(from, to, 1).into_bytes();
        refusal(&files)
    };
    assert!(card("format = 2", "format = 1").contains("another layout"));
    assert!(card("worldwright bundle", "something else").contains("kind"));
    let mut files = bundle_files().to_vec();
    files[2].1[100] ^= 1;
    assert!(refusal(&files).contains("weights.safetensors is damaged"));
}

#[test]
fn every_entry_of_every_list_is_in_its_table() {
    for list in List::ALL {
        let (markdown, plain) = (list.markdown(), list.plain());
        assert!(!list.items().is_empty());
        for item in list.items() {
            assert!(markdown.contains(&format!("| `{}` | ", item.name)) && plain.contains(item.summary));
            assert!(item.parameters.iter().all(|parameter| item.plain().contains(parameter.summary)));
        }
        assert!(list.item("nothing like that").is_err());
    }
    assert!(List::Environments.item("pendulun").unwrap_err().to_string().contains("did you mean 'pendulum'?"));
}

#[test]
fn experiments_complete_themselves_and_refuse_slips() {
    let resolve = |assignments: &[&str]| {
        let choices = assignments
            .iter()
            .try_fold(worldwright_runs::Choices::new(), |choices, assignment| choices.assign(assignment))?;
        Lists.resolve(&choices)
    };
    let experiment = resolve(&["environment=Pendulum-v1"]).unwrap();
    assert_eq!((experiment.environment.name.as_str(), experiment.steps), ("pendulum", 1000));
    assert_eq!(experiment.default_name(), "pendulum-loop-seed0");
    assert!(Lists.environment(&experiment).is_ok());
    // What chose by itself says why, and the file of a run keeps it; who is told says nothing.
    let reasons: Vec<&str> = experiment.because.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(reasons, ["loop", "model ensemble", "planner icem", "policy sac"], "{}", experiment.because);
    assert!(experiment.because.contains("observations are numbers"), "{}", experiment.because);
    let half_chosen = resolve(&["environment=pendulum", "planner=cem"]).unwrap().because;
    assert!(half_chosen.contains("model ensemble") && !half_chosen.contains("planner"), "{half_chosen}");
    assert_eq!(Experiment::from_toml(&experiment.to_toml(), "a file").unwrap(), experiment);
    assert_eq!(resolve(&["environment=Pendulum-v1", "algorithm=auto"]).unwrap(), experiment);
    assert_eq!(resolve(&["environment=pendulum", "algorithm=pets"]).unwrap().because, "");
    let chosen = |assignments: &[&str]| resolve(assignments).unwrap().agent.name;
    assert_eq!(chosen(&["environment=gridworld"]), "tabular");
    assert_eq!(chosen(&["environment=gridworld", "model=ensemble"]), "pets");
    assert_eq!(chosen(&["environment=pendulum", "model=gp", "planner=cem"]), "loop");
    assert_eq!(chosen(&["environment=pendulum", "policy=bc"]), "loop");
    for (slip, word) in [
        ("environment=pendulun", "did you mean 'pendulum'?"),
        ("algorithm=pet", "did you mean 'pets'?"),
        ("planner.horizn=3", "did you mean 'horizon'?"),
        ("planner.horizon=far", "a whole number"),
        ("steps=0", "at least 1"),
        ("reward.kind=know", "did you mean 'known'?"),
    ] {
        let message = resolve(&["environment=pendulum", slip]).unwrap_err().to_string();
        assert!(message.contains(word), "{slip}: {message}");
    }
    assert!(resolve(&[]).unwrap_err().to_string().contains("worldwright envs"));
}
