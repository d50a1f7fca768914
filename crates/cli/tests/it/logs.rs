//! Logs that nothing, or little, can be learned from: each learner of recorded episodes names what is wrong, or says what it made of it.

use std::path::Path;

use crate::in_folder;

/// What learns from recorded episodes alone and from what they paid.
const LEARNERS: [&str; 6] = ["iql", "cql", "td3-bc", "mopo", "morel", "mobile"];

const COLUMNS: &str = "episode,obs_x,obs_y,obs_z,action,reward\n";

/// Two episodes of the pendulum, twenty steps each, whose sixth row is another.
fn log(odd: &str) -> String {
    let row = |i: u32| match i {
        5 => format!("{odd}\n"),
        _ => format!("{},1,0,{},0.{},-{}\n", i / 20, i % 20, i % 7, i % 3),
    };
    format!("{COLUMNS}{}", (0..40).map(row).collect::<String>())
}

/// Exit code and standard error of learning the pendulum from what `log.csv` holds, in few updates of small networks.
fn learn(folder: &Path, algorithm: &str, more: &[&str]) -> (Option<i32>, String) {
    let small = ["policy.batch=8", "policy.hidden=[8]", "updates=3", "evaluation.episodes=1"];
    let model = ["model.hidden=[8]", "model.epochs=1", "model.members=2", "agent.branches=8"];
    let model = if ["mopo", "morel", "mobile"].contains(&algorithm) { &model[..] } else { &[] };
    let start = ["learn", "pendulum", "--data", "log.csv", "--algorithm", algorithm, "--run-dir", "run"];
    let output = in_folder(folder, &[&start[..], &small, model, more].concat());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn logs_that_tell_nothing_or_of_something_else_are_refused_with_words() {
    let place = tempfile::tempdir().unwrap();
    let without_rewards = || {
        let cut = |line: &str| line.rsplit_once(',').map(|(kept, _)| format!("{kept}\n")).unwrap_or_default();
        log("0,1,0,0,0.5,-1").lines().map(cut).collect::<String>()
    };
    let paying_nothing = || {
        let row = |i: u32| format!("{},1,0,{i},0.5,0\n", i / 20);
        format!("{COLUMNS}{}", (0..40).map(row).collect::<String>())
    };
    let cases = [
        ("no column of rewards", without_rewards(), "reward"),
        ("rewards of nothing", paying_nothing(), "every step in it pays 0"),
        (
            "observations of two numbers",
            "episode,obs_x,obs_y,action,reward\n0,1,2,0.5,-1\n0,1,2,0.5,-1\n0,1,2,0.5,-1\n".to_owned(),
            "its observations and actions have 2 and 1 numbers, those of pendulum have 3 and 1",
        ),
        ("an observation that is no number", log("0,nan,0,0,0.5,-1"), "row 5"),
        ("an action that is no number", log("0,1,0,0,nan,-1"), "row 5"),
        ("a reward that is no number", log("0,1,0,0,0.5,nan"), "row 5"),
        ("an infinite reward", log("0,1,0,0,0.5,inf"), "row 5"),
        ("an action that nobody can do", log("0,1,0,0,7,-1"), "outside the actions of pendulum"),
        ("no step", COLUMNS.to_owned(), "log.csv"),
    ];
    for (what, text, words) in cases {
        std::fs::write(place.path().join("log.csv"), text).unwrap();
        for algorithm in LEARNERS {
            let (code, said) = learn(place.path(), algorithm, &[]);
            assert!(code == Some(1) && said.contains(words), "{what}, {algorithm}: {code:?} {said}");
            assert!(!place.path().join("run").exists(), "{what}, {algorithm}: what was refused leaves nothing");
        }
    }
}

#[test]
fn a_single_episode_teaches_something_and_is_said_to_be_one() {
    let place = tempfile::tempdir().unwrap();
    let row = |i: u32| format!("0,1,0,{i},0.{},-1\n", i % 7);
    std::fs::write(place.path().join("log.csv"), format!("{COLUMNS}{}", (0..40).map(row).collect::<String>())).unwrap();
    for algorithm in LEARNERS {
        let (code, said) = learn(place.path(), algorithm, &[]);
        assert!(code == Some(0) && said.contains("are of one episode"), "{algorithm}: {code:?} {said}");
        let estimate = in_folder(place.path(), &["estimate", "run", "--data", "log.csv"]);
        let said = String::from_utf8(estimate.stderr).unwrap();
        assert!(estimate.status.code() == Some(1) && said.contains("holds 1 episode"), "{algorithm}: {said}");
        std::fs::remove_dir_all(place.path().join("run")).unwrap();
    }
}
