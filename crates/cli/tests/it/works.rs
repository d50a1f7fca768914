//! What commands do, by their results.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{in_folder, worldwright};

fn stdout(arguments: &[&str]) -> String {
    let output = worldwright(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lists_name_everything_in_text_json_and_markdown() {
    for list in ["envs", "models", "planners", "algorithms"] {
        let items: Value = serde_json::from_str(&stdout(&[list, "--json"])).unwrap();
        let (plain, markdown) = (stdout(&[list]), stdout(&[list, "--markdown"]));
        let items = items.as_array().unwrap();
        assert!(!items.is_empty(), "{list}");
        for item in items {
            let (name, summary) = (item["name"].as_str().unwrap(), item["summary"].as_str().unwrap());
            assert!(plain.lines().any(|line| line.starts_with(name) && line.ends_with(summary)), "{list}: {name}");
            assert!(markdown.contains(&format!("| `{name}` |")), "{list}: {name}");
            let shown = stdout(&[list, name]);
            assert!(shown.contains(item["source"].as_str().unwrap()));
            for setting in item["settings"].as_array().unwrap() {
                assert!(shown.contains(&format!("{} = ", setting["name"].as_str().unwrap())), "{shown}");
                assert!(shown.contains(setting["summary"].as_str().unwrap()), "{shown}");
            }
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_worldwright"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody reads: the pipe's only reading end closes at once, while the script is longer than a pipe holds at a time.
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "");
}

#[test]
fn an_episode_that_the_last_step_cut_met_no_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = in_folder(folder.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&["collect", "pendulum", "--steps", "450", "--out", "cut"]);
    assert!(said.contains("of 2 whole episodes") && said.contains("under way when --steps 450 was reached"), "{said}");
    let found: Value = serde_json::from_str(&run(&["data", "inspect", "cut", "--json"])).unwrap();
    assert_eq!([&found["truncated"], &found["under_way"], &found["terminated"]], [2, 1, 0]);
    assert_eq!(found["episodes"], 3);
    // The same seed without the third episode: what that earned until it was cut is in no mean.
    run(&["collect", "pendulum", "--steps", "400", "--out", "ended"]);
    let ended: Value = serde_json::from_str(&run(&["data", "inspect", "ended", "--json"])).unwrap();
    assert_eq!(ended["episodes"], 2);
    for of in ["return_mean", "return_min", "return_max"] {
        assert!(found[of].is_f64() && found[of] == ended[of], "{of}: {} and {}", found[of], ended[of]);
    }
    assert!(run(&["data", "inspect", "cut"]).contains("2 by a time limit, 1 under way when recording stopped"));
    let said = run(&["collect", "pendulum", "--steps", "30", "--out", "part"]);
    assert!(said.contains("30 steps in 1 episode, return so far"), "{said}");
    let found: Value = serde_json::from_str(&run(&["data", "inspect", "part", "--json"])).unwrap();
    assert!(found["return_mean"].is_null() && !run(&["data", "inspect", "part"]).contains("on average"), "{found}");
    let said = run(&["collect", "pendulum", "--steps", "400", "--out", "whole"]);
    assert!(!said.contains("under way") && !said.contains("whole episode"), "{said}");
}

#[test]
fn what_an_import_loses_and_how_columns_are_called_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let log =
        "obs,state,torque,reward,terminals,timeouts\n9,0.5,1,0,0,0\n9,1.5,0,5,1,0\n9,0.5,1,0,0,0\n9,2.5,1,0,0,1\n";
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    let import = |columns: &str, out: &str| {
        let output = in_folder(folder.path(), &["data", "import", "log.csv", "--columns", columns, "--out", out]);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = import("obs=state,action=torque", "kept");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("2 steps in 2 episodes") && out.contains("left out: columns obs"), "{out}");
    let lost = "lost with them are 1 reward other than zero (5) and 1 end of the task (terminated)";
    assert!(err.starts_with("warning: the last action of 2 of 2 episodes is left out") && err.contains(lost), "{err}");
    for (columns, words) in [
        ("obs=stat", "there is no column 'stat'; did you mean 'state'?"),
        ("observatoin=state", "observatoin: is nothing that a column can hold; did you mean 'observation'?"),
        ("state", "--columns state: expected NAME=COLUMN"),
    ] {
        let (code, _, err) = import(columns, "refused");
        assert!(code == Some(1) && err.contains(words), "{err}");
        assert!(!folder.path().join("refused").exists());
    }
}

#[test]
fn an_import_that_cannot_read_a_text_says_how_to_change_it() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = "\u{FEFF}obs,action,reward\n1,2,3\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("log.csv"), utf16).unwrap();
    std::fs::write(folder.path().join("latin.csv"), b"obs,action,reward,gr\xF6\xDFe\n1,2,3,4\n").unwrap();
    std::fs::write(folder.path().join("log.csv.gz"), b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03").unwrap();
    std::fs::write(folder.path().join("short.csv"), "obs,torque,reward,done\n1,2,3,1\n").unwrap();
    for (arguments, words) in [
        (&["import", "log.csv", "--out", "out"][..], "iconv -f UTF-16 -t UTF-8"),
        (&["import", "latin.csv", "--out", "out"], "iconv -f LATIN1 -t UTF-8"),
        (&["import", "log.csv.gz", "--format", "csv", "--out", "out"], "unpack it first (gunzip "),
        (&["inspect", "log.csv"], "iconv -f UTF-16 -t UTF-8"),
        (&["inspect", "short.csv"], "worldwright data import … --columns action=COLUMN"),
    ] {
        let output = in_folder(folder.path(), &[&["data"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_design_says_what_it_is_at_unless_told_to_be_quiet() {
    let design = |more: &[&str]| {
        let few =
            ["design", "pendulum", "--steps", "60", "--trial-steps", "200", "--finalists", "1", "--time-limit", "0"];
        let output = worldwright(&[&few[..], more].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = design(&[]);
    assert!(said.starts_with("taking 60 steps of random actions in pendulum\nmodel 1 of "), "{said}");
    assert!(said.ends_with("chosen\n"), "{said}");
    assert_eq!(design(&["--quiet"]), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_whose_standard_error_cannot_be_written_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let design =
        ["design", "pendulum", "--steps", "60", "--trial-steps", "200", "--finalists", "1", "--time-limit", "0"];
    let learn = ["learn", "pendulum", "--steps", "0"];
    let warned = ["data", "import", "log.csv", "--out", "log"];
    let log = "obs,action,reward,terminals,timeouts\n0.5,1,0,0,0\n1.5,0,5,1,0\n0.5,1,0,0,0\n2.5,1,0,0,1\n";
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    for (arguments, code, words) in
        [(&design[..], 0, "worldwright learn pendulum"), (&learn[..], 1, ""), (&warned[..], 0, "2 steps in 2 episodes")]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_worldwright"))
            .args(arguments)
            .current_dir(folder.path())
            .stderr(full)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.code() == Some(code) && said.contains(words),
            "{arguments:?}: {:?}, {said}",
            output.status
        );
    }
}

#[test]
fn no_error_shows_how_the_program_holds_things() {
    // A planner or model that cannot do with the spaces of an environment names them as Gymnasium does.
    let names = |list: &str| -> Vec<String> {
        let items: Value = serde_json::from_str(&stdout(&[list, "--json"])).unwrap();
        items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut refused = 0;
    for planner in names("planners") {
        for environment in ["cartpole", "pendulum"] {
            let output = worldwright(&["plan", environment, &format!("planner={planner}"), "seed=1"]);
            let said = String::from_utf8(output.stderr).unwrap();
            refused += usize::from(!output.status.success());
            for inside in ["Box {", "Discrete {", "Some(", "F32", "F64", "element:"] {
                assert!(!said.contains(inside), "{planner} in {environment}: {said}");
            }
        }
    }
    assert!(refused > 3, "{refused}");
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("worldwright") && script.contains("planners"), "{shell}");
    }
}

/// The thinnest road: plan in the known simulator, learn, evaluate, report, refuse to run twice.
#[test]
fn a_run_goes_from_learning_to_report() {
    let place = tempfile::tempdir().unwrap();
    let go = |arguments: &[&str]| {
        let output = in_folder(place.path(), arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let small = ["planner=random-shooting", "planner.population=16", "planner.horizon=5", "evaluation.episodes=2"];
    let learn = |more: &[&str]| {
        let start = ["learn", "pendulum", "--algorithm", "mpc", "--steps", "200", "--run-dir", "run"];
        go(&[&start[..], &small, more].concat())
    };
    let (code, out, err) = learn(&["--quiet"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.trim(), "run/summary.json");
    let summary: Value =
        serde_json::from_str(&std::fs::read_to_string(place.path().join("run/summary.json")).unwrap()).unwrap();

    let (code, _, err) = learn(&["--quiet"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: ") && err.contains("--resume") && err.contains("--run-dir"), "{err}");
    assert_eq!(learn(&["--quiet", "--resume"]).0, 0, "a finished run gives its summary again");

    let (code, out, err) = go(&["eval", "run", "--episodes", "2", "--json", "--film", "film.gif"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let evaluated: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(evaluated["returns"], summary["returns"], "the same seed meets the same starts");
    assert!(std::fs::read(place.path().join("film.gif")).unwrap().starts_with(b"GIF89a"));

    let (code, out, _) = go(&["plan", "run", "--json"]);
    assert_eq!(code, 0);
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["actions"].as_array().unwrap().len(), 5);

    let (code, out, _) = go(&["report", "run", "--picture", "picture.svg"]);
    assert_eq!((code, out.lines().count()), (0, 2));
    let page = std::fs::read_to_string(place.path().join("run/report.html")).unwrap();
    assert!(page.contains("pendulum learned by mpc") && page.contains("data:image/gif;base64,"));
}

#[test]
fn a_run_that_was_refused_is_not_in_the_way_of_the_next() {
    let place = tempfile::tempdir().unwrap();
    let small = ["planner=random-shooting", "planner.population=4", "planner.horizon=2", "evaluation.episodes=1"];
    let learn = |more: &[&str]| {
        let start = ["learn", "pendulum", "--algorithm", "mpc", "--steps", "20", "--run-dir", "run"];
        in_folder(place.path(), &[&start[..], &small, more].concat())
    };
    let refused = learn(&["data=nowhere"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && said.contains("data: nowhere holds no recorded episodes"), "{said}");
    assert!(!place.path().join("run").exists());
    assert!(learn(&[]).status.success());
    // Its own configuration gives it again.
    let again = in_folder(place.path(), &["learn", "--config", "run/config.toml", "--run-dir", "again", "--quiet"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let config = |run: &str| std::fs::read(place.path().join(run).join("config.toml")).unwrap();
    assert_eq!(config("run"), config("again"));
}

#[test]
fn an_undefined_reward_is_named_with_its_step() {
    let place = tempfile::tempdir().unwrap();
    let reward = ["reward.kind=expression", "reward.expression=sqrt(cos_theta)"];
    let start =
        ["learn", "pendulum", "--algorithm", "mpc", "--steps", "200", "--run-dir", "run", "planner=random-shooting"];
    let refused =
        in_folder(place.path(), &[&start[..], &reward, &["planner.horizon=2", "planner.population=4"]].concat());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(said.matches("reward.expression: gives NaN at step ").count(), 1, "{said}");
}

#[test]
fn problems_come_from_files_too() {
    let place = tempfile::tempdir().unwrap();
    let tiger = concat!(env!("CARGO_MANIFEST_DIR"), "/../pomdp/src/tiger.pomdp");
    let read = |arguments: &[&str]| -> Value {
        let output = in_folder(place.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let solved = read(&["plan", "--pomdp", tiger, "gap=0.01", "method=point-based", "--json", "--seed", "4"]);
    assert_eq!((&solved["status"], &solved["settings"]["seed"]), (&Value::from("optimal"), &Value::from(4)));
    let (low, high) = (&solved["facts"]["value_at_least"], &solved["facts"]["value_at_most"]);
    assert!(low.as_f64().unwrap() <= 19.371_369 && high.as_f64().unwrap() >= 19.371_367, "{low} {high}");

    let room = "high = [4, 2]\nboxes = [[1.9, 0.0, 2.1, 1.2]]\ndiscs = []\nstart = [1, 0.5]\ngoal = [3, 0.5]\n";
    std::fs::write(place.path().join("room.toml"), room).unwrap();
    let found = read(&["plan", "reach", "--config", "room.toml", "radius=0.2", "--json"]);
    // Over the wall, which the disc clears by its radius.
    let length = found["facts"]["length"].as_f64().unwrap();
    assert!((2.0 * 0.9_f64.hypot(0.7)..3.2).contains(&length), "{length}");
    assert_eq!(found["plan"][0]["x"], 1.0);
    std::fs::write(place.path().join("broken.pomdp"), "discount: 0.9\nstatez: 2\n").unwrap();
    let broken = in_folder(place.path(), &["plan", "--pomdp", "broken.pomdp"]);
    let said = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(1));
    assert!(
        said.starts_with(
            "error: broken.pomdp:2:1: unknown statement 'statez'; did you mean 'states'?\n  2 | statez: 2\n"
        ),
        "{said}"
    );
}
