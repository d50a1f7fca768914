//! Tables of other programs: every layout and spelling reads as the same episodes, and what does not is named.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use worldwright_core::{Interrupt, Result, Space, Value};
use worldwright_data::{
    COLUMNS, ColumnNames, Episode, EpisodeStore, Quantity, format_of, import, import_as, inspect, nearest_name, resolve,
};
use worldwright_testkit::cases;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read(path: &Path) -> Result<(EpisodeStore, Vec<Episode>)> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("store");
    let format = format_of(path).unwrap_or_else(|| panic!("{} is of no format", path.display()));
    import(path, format, &out)?;
    let store = EpisodeStore::open(&out)?;
    let episodes = (0..store.episodes().len()).map(|i| store.episode(i)).collect::<Result<_>>()?;
    assert_eq!(inspect(path)?.steps, store.steps());
    Ok((store, episodes))
}

fn text(end: &str, content: &str) -> Result<(EpisodeStore, Vec<Episode>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("log.{end}"));
    std::fs::write(&path, content).unwrap();
    read(&path)
}

fn refused(end: &str, content: &str) -> String {
    text(end, content).map(|_| ()).unwrap_err().to_string()
}

fn floats(numbers: &[f64]) -> Value {
    Value::Floats(numbers.to_vec())
}

/// The episodes that `tests/golden/tables.py` writes in every layout.
fn line(part: impl Fn(f64, f64) -> Value) -> Vec<Episode> {
    let episode = |observations: &[(f64, f64)], actions: &[f64], rewards: &[f64], terminated: bool| Episode {
        seed: None,
        observations: observations.iter().map(|(x, v)| part(*x, *v)).collect(),
        actions: actions.iter().map(|a| floats(&[*a])).collect(),
        rewards: rewards.to_vec(),
        terminated,
        truncated: !terminated,
    };
    vec![
        episode(&[(0.0, 0.5), (1.0, 1.5), (2.0, 2.5)], &[0.25, -0.25], &[0.25, -1.0], true),
        episode(&[(10.0, 0.0), (11.0, 0.0)], &[0.5], &[3.0], false),
        episode(&[(20.0, 0.0), (21.0, 0.0), (22.0, 0.0), (23.0, 0.0)], &[1.0, 0.0, -1.0], &[0.0, 1.0, 2.0], false),
    ]
}

#[test]
fn files_of_d4rl_imitation_robomimic_and_minari() {
    let vector = line(|x, v| floats(&[x, v]));
    for name in ["d4rl.hdf5", "d4rl.npz", "imitation.npz"] {
        let (store, episodes) = read(&golden(name)).unwrap();
        assert_eq!(episodes, vector, "{name}");
        let notes = format!("{:?}", store.header().notes);
        assert!(notes.contains("infos"), "{name}: what is left out is named: {notes}");
    }
    let (_, minari) = read(&golden("minari.hdf5")).unwrap();
    let seeds: Vec<Option<u64>> = minari.iter().map(|episode| episode.seed).collect();
    assert_eq!(seeds, [Some(40), Some(41), Some(42)]);
    assert_eq!(minari.into_iter().map(|episode| Episode { seed: None, ..episode }).collect::<Vec<_>>(), vector);
    let named = |x: f64, v: f64| Value::Dict(vec![("place".into(), floats(&[x])), ("speed".into(), floats(&[v]))]);
    let (store, robomimic) = read(&golden("robomimic.hdf5")).unwrap();
    assert_eq!(robomimic, line(named));
    assert_eq!(store.header().environment, "Lift");
    let notes = format!("{:?}", store.header().notes);
    assert!(notes.contains("states") && notes.contains("'done' is taken as terminated"), "{notes}");
}

#[test]
fn texts_and_json_read_as_tables_do() {
    let expected = line(|x, v| floats(&[x, v]));
    let rows = "0,0,0.25,0.25,false,0.5,1.5,1\n0,1,-0.25,-1,True,1.5,2.5,2\n1,10,0.5,3,0,0,0,11\n\
                2,20,1.0,0,F,0,0,21\n2,21,0,1,no,0,0,22\n2,22,-1,2,False,0,0,23\n";
    let csv = format!("Episode ID,obs_x,act,Reward,terminals,obs_v,next_obs_v,next_obs_x\n{rows}");
    assert_eq!(text("csv", &csv).unwrap().1, {
        let mut scalar = expected.clone();
        scalar.iter_mut().for_each(|episode| episode.truncated = !episode.terminated);
        scalar
    });
    assert_eq!(text("tsv", &csv.replace(',', "\t")).unwrap().1, expected);
    assert_eq!(text("csv", &csv.replace(',', ";")).unwrap().1, expected);

    let list = "episode,observation,action,reward,next_observation,done,truncated\n\
                0,\"[0.0, 0.5]\",[0.5],1,[1.  1.5],False,False\n0,[ 1.0  1.5],[0.25],2,\"[2, 2.5]\",True,True\n";
    let (store, episodes) = text("csv", list).unwrap();
    assert_eq!(episodes[0].observations, [floats(&[0.0, 0.5]), floats(&[1.0, 1.5]), floats(&[2.0, 2.5])]);
    // An end that is a cut as well is the cut.
    assert_eq!((episodes[0].terminated, episodes[0].truncated), (false, true));
    assert_eq!(store.header().notes.len(), 1);

    let json = r#"{"obs": {"x": [0.0], "img": [[1, 2], [3, 4]]}, "action": 1, "reward": 1, "is_first": true}
{"obs": {"x": [1.0], "img": [[5, 6], [7, 8]]}, "action": null, "reward": null}
{"obs": {"x": [5.0], "img": [[5, 6], [7, 9]]}, "is_first": true}
"#;
    let (store, episodes) = text("jsonl", json).unwrap();
    assert_eq!(episodes.iter().map(Episode::steps).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(episodes[0].actions, [Value::Integer(1)]);
    assert_eq!(store.header().observation_space.flat_dim(), 5);
    let array = format!("[{}]", json.trim().lines().collect::<Vec<_>>().join(","));
    assert_eq!(text("json", &array).unwrap().1, episodes);
}

#[test]
fn flags_by_one_rule_and_slips_by_name() {
    let table = |name: &str, flags: [&str; 2]| {
        format!(
            "episode,observation,action,reward,next_observation,{name}\n0,0.5,0.5,1,1.5,{}\n0,1.5,0.5,1,2.5,{}\n",
            flags[0], flags[1]
        )
    };
    for name in ["terminated", "terminals", "dones", "done", "Terminateds", "is_terminal", "terminations"] {
        for flags in [["False", "True"], ["0", "1"], ["0.0", "1.0"], ["no", "YES"], ["f", "t"]] {
            let (_, episodes) = text("csv", &table(name, flags)).unwrap();
            assert!(episodes[0].terminated && !episodes[0].truncated, "{name} {flags:?}");
        }
    }
    for name in ["truncated", "timeouts", "TimeLimit.truncated"] {
        let (_, episodes) = text("csv", &table(name, ["False", "True"])).unwrap();
        assert!(!episodes[0].terminated && episodes[0].truncated, "{name}");
    }
    for (flags, row) in [(["", "1"], 0), (["0", "NaN"], 1), (["<NA>", "True"], 0), (["False", "None"], 1)] {
        let error = refused("csv", &table("terminated", flags));
        assert!(error.contains(&format!("terminated: row {row} is empty")), "{error}");
    }
    let error = refused("csv", &table("terminated", ["0", "2"]));
    assert!(error.contains("row 1 holds 2, which is neither true nor false"), "{error}");
    let error = refused("csv", &table("termianted", ["0", "1"]));
    assert!(error.contains("termianted: is no column that is known; did you mean 'terminated'?"), "{error}");
    let (store, _) = text("csv", &table("temperature", ["7", "8"])).unwrap();
    assert!(format!("{:?}", store.header().notes).contains("columns temperature"));
    let error = refused("csv", &table("next_obs", ["0", "1"]));
    assert!(error.contains("columns 'next_observation' and 'next_obs' both hold it"), "{error}");
    let apart = "episode,obs_x,obs_y,action,reward,next_obs_x,next_obs_z\n0,0,0,1,1,1,1\n";
    let error = refused("csv", apart);
    assert!(error.contains("lacks the part 'y'") && error.contains("has the part 'z'"), "{error}");
    for (bad, shown) in [("inf", "holds inf"), ("nan", "lacks a next observation"), ("-inf", "holds -inf")] {
        let error = refused("csv", &table("done", ["0", "1"]).replace("2.5", bad));
        assert!(
            error.contains("row 1") && error.contains("episode") && error.contains("next") && error.contains(shown),
            "{error}"
        );
    }
}

#[test]
fn rows_without_an_outcome_are_said() {
    let flat = "obs,action,reward,terminals,timeouts\n0.5,1,1,0,0\n1.5,0,1,1,0\n0.5,1,1,0,0\n2.5,1,1,0,1\n";
    let (store, episodes) = text("csv", flat).unwrap();
    assert_eq!(episodes.iter().map(Episode::steps).collect::<Vec<_>>(), [1, 1]);
    assert!(episodes.iter().all(|episode| episode.truncated && !episode.terminated && episode.rewards == [1.0]));
    let said = |store: &EpisodeStore, kind: &str| -> Vec<String> {
        let about =
            store.header().notes.iter().filter(|(name, text)| name == kind && !text.contains("is read as choices"));
        about.map(|(_, text)| text.clone()).collect()
    };
    let warning = "the last action of 2 of 2 episodes is left out: there is no next observation that tells what it led to; lost \
                   with them are 2 rewards other than zero (their sum is 2) and 1 end of the task (terminated), which";
    assert!(said(&store, "warning")[0].starts_with(warning), "{:?}", store.header().notes);
    assert_eq!(said(&store, "note"), Vec::<String>::new());
    // A sparse reward: nothing is left of it.
    let sparse = "obs,action,reward,terminals,timeouts\n0.5,1,0,0,0\n1.5,0,-0.25,1,0\n0.5,1,0,0,0\n2.5,1,0,0,1\n";
    let (store, _) = text("csv", sparse).unwrap();
    let warning = &said(&store, "warning")[0];
    assert!(warning.contains("lost with them are 1 reward other than zero (-0.25) and 1 end of"), "{warning}");
    // Where nothing but the action is lost, it is said without alarm.
    let (store, _) = text("csv", &sparse.replace("-0.25,1,0", "0,0,1")).unwrap();
    assert_eq!(said(&store, "warning"), Vec::<String>::new());
    assert!(said(&store, "note")[0].ends_with("tells what it led to"), "{:?}", store.header().notes);
    let error = refused("csv", "obs,action,reward\n0.5,1,1\n1.5,1,1\n");
    assert!(error.contains("tell where episodes end"), "{error}");
    // Reinforcement Learning Datasets: the last row of an episode shows its last observation.
    let rlds = "is_first,is_last,is_terminal,observation,action,reward,discount\n\
                1,0,0,0.5,1,1,1\n0,1,1,1.5,0,0,0\n1,0,0,5.5,1,2,1\n0,1,0,6.5,0,0,1\n";
    let (_, episodes) = text("csv", rlds).unwrap();
    assert_eq!(episodes.iter().map(|e| (e.steps(), e.terminated)).collect::<Vec<_>>(), [(1, true), (1, false)]);
    assert_eq!(episodes[1].observations, [floats(&[5.5]), floats(&[6.5])]);
}

#[test]
fn columns_that_go_by_other_names_are_given() {
    let given = |end: &str, content: &str, pairs: &[(&str, &str)]| -> Result<(EpisodeStore, Vec<Episode>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("log.{end}"));
        std::fs::write(&path, content).unwrap();
        let names = ColumnNames::new(pairs.iter().map(|(known, own)| ((*known).to_owned(), (*own).to_owned())))?;
        import_as(&path, format_of(&path).unwrap(), &names, &folder.path().join("store"), &Interrupt::never())?;
        let store = EpisodeStore::open(folder.path().join("store"))?;
        let episodes = (0..store.episodes().len()).map(|i| store.episode(i)).collect::<Result<_>>()?;
        Ok((store, episodes))
    };
    // What the names alone would say holds an observation is left out where another is given.
    let log = "trial,obs,pose,torque,gain,after,done\n7,9,0.5,0.25,1,1.5,0\n7,9,1.5,-0.25,2,2.5,1\n";
    let pairs =
        [("episode", "trial"), ("Obs", "pose"), ("action", "torque"), ("reward", "gain"), ("next_obs", "after")];
    let (store, episodes) = given("csv", log, &pairs).unwrap();
    assert_eq!(episodes.len(), 1);
    assert_eq!(episodes[0].observations, [floats(&[0.5]), floats(&[1.5]), floats(&[2.5])]);
    assert_eq!(episodes[0].actions, [floats(&[0.25]), floats(&[-0.25])]);
    assert_eq!((episodes[0].rewards.as_slice(), episodes[0].terminated), ([1.0, 2.0].as_slice(), true));
    assert!(format!("{:?}", store.header().notes).contains("columns obs\""), "{:?}", store.header().notes);

    // Parts one by one, and a group with all that lies below it.
    let parts = [("observation_1", "pose"), ("observation_0", "after"), ("action", "torque"), ("reward", "gain")];
    let (_, episodes) = given("csv", &log.replace("trial", "episode"), &parts).unwrap();
    assert_eq!(episodes[0].observations[0], floats(&[1.5, 0.5]));
    let json = r#"{"robot": {"x": 0.5, "v": 1}, "u": 0.5, "reward": 1, "done": false}
{"robot": {"x": 1.5, "v": 2}, "u": null, "reward": null, "done": null}
"#;
    let (store, episodes) = given("jsonl", json, &[("observation", "robot"), ("action", "u")]).unwrap();
    let names: Vec<String> = store.header().observation_space.parts().into_iter().map(|(name, _)| name).collect();
    assert_eq!((names, episodes[0].actions.clone()), (vec!["x".to_owned(), "v".to_owned()], vec![floats(&[0.5])]));
    // A column is what it is given as itself, then what the longest group around it is, in whatever order they are given.
    let json = r#"{"robot": {"x": 0.5, "arm": {"u": 0.25, "pay": 2}}, "done": true}
{"robot": {"x": 1.5, "arm": {"u": null, "pay": null}}, "done": null}
"#;
    let mut pairs = [("observation", "robot"), ("action", "robot/arm"), ("reward", "robot/arm/pay")];
    for _ in 0..2 {
        let (store, episodes) = given("jsonl", json, &pairs).unwrap();
        let names = |space: &Space| space.parts().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let header = store.header();
        assert_eq!(
            (names(&header.observation_space), names(&header.action_space)),
            (vec!["x".into()], vec!["u".into()])
        );
        assert_eq!(episodes[0].rewards, [2.0], "{pairs:?}");
        pairs.reverse();
    }
    let json = r#"{"robot": {"x": 0.5, "u": 0.25}, "reward": 1, "done": true}
{"robot": {"x": 1.5, "u": null}, "reward": null, "done": null}
"#;
    let mut pairs = [("observation", "robot"), ("action", "robot/u")];
    for _ in 0..2 {
        let (store, episodes) = given("jsonl", json, &pairs).unwrap();
        let names: Vec<String> = store.header().observation_space.parts().into_iter().map(|(name, _)| name).collect();
        assert_eq!((names, episodes[0].actions.clone()), (vec!["x".to_owned()], vec![floats(&[0.25])]), "{pairs:?}");
        pairs.reverse();
    }

    for (pairs, words) in [
        (&[("observatoin", "pose")][..], "observatoin: is nothing that a column can hold; did you mean 'observation'?"),
        (&[("pose", "obs")], "pose: is nothing that a column can hold (known are observation, action"),
        (&[("obs", "posse")], "obs: there is no column 'posse'; did you mean 'pose'? (there are trial, obs, pose"),
        (&[("obs", "pose"), ("obs", "gain")], "obs: is given two columns"),
        (&[("obs", "pose"), ("action", "pose")], "column 'pose' is given as 'obs' already"),
        (
            &[("obs", "pose")],
            "where it goes by a name of its own, say so: worldwright data import … --columns action=COLUMN, or columns={",
        ),
    ] {
        let error = given("csv", log, pairs).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "{pairs:?}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let names = ColumnNames::new([("obs".to_owned(), "anglee".to_owned())]).unwrap();
    let error = import_as(&golden("minari.hdf5"), "hdf5", &names, &folder.path().join("store"), &Interrupt::never())
        .unwrap_err()
        .to_string();
    assert!(error.contains("says itself what its columns hold"), "{error}");
    // What is left out by its name can be given all the same; in the one file it is of three numbers a row.
    let read = |file: &str, column: &str| {
        let names = ColumnNames::new([("reward".to_owned(), column.to_owned())]).unwrap();
        let out = folder.path().join(file);
        import_as(&golden(file), format_of(&golden(file)).unwrap(), &names, &out, &Interrupt::never())?;
        EpisodeStore::open(out)?.episode(0)
    };
    let error = read("d4rl.hdf5", "infos/qpos").unwrap_err().to_string();
    assert!(error.contains("infos/qpos") && error.contains("expected one number a row"), "{error}");
    assert_eq!(read("d4rl.npz", "infos/action_log_probs").unwrap().rewards, [0.0, 0.0]);
}

#[test]
fn what_is_not_read_lists_what_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, words) in [
        ("frame.pkl", &b"\x80\x04\x95"[..], "pickle"),
        ("notes.txt", b"hello", "no format that is known"),
        ("empty.csv.gz", b"\x1f\x8b\x08", "is compressed by gzip as a whole: unpack it first (gunzip "),
        ("log.csv.zst", b"\x28\xb5\x2f\xfd\x00", "is compressed by zstd as a whole: unpack it first (unzstd "),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        assert_eq!(format_of(&path), None);
        let error = inspect(&path).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("Parquet, Feather (Arrow IPC), CSV"), "{error}");
        assert!(!error.contains("no such"), "{error}");
    }
}

#[test]
fn compressions_that_are_not_read_say_in_one_sentence_which_are() {
    for (file, words) in [
        (
            "zstd.parquet",
            "is compressed by zstd (column 'action'), which is not read: write it again with compression='snappy', 'gzip', \
             'lz4' or 'brotli', or without compression",
        ),
        (
            "zstd.feather",
            "is compressed by zstd, which is not read: write it again with compression='lz4', or without compression",
        ),
        (
            "lzf.hdf5",
            "is compressed by LZF (filter id 32000), which is not read: write it again with compression='gzip', or without \
             compression",
        ),
        (
            "bzip2.npz",
            "is compressed by bzip2, which is not read: write it again with numpy.savez_compressed, or without compression",
        ),
    ] {
        let error = inspect(&golden(file)).unwrap_err().to_string();
        assert!(error.ends_with(words), "{error}");
        assert_eq!(error.matches("again").count(), 1, "{error}");
    }
}

#[test]
fn imports_and_exports_that_fail_leave_nothing_and_are_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names = || {
        let mut names: Vec<String> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    std::fs::write(at("log.csv"), "episode,obs,action,reward,next_obs,done\n0,1.5,0,1,2.5,1\n1,1.5,0,1,inf,1\n")
        .unwrap();
    // What a killed import left is of no consequence.
    std::fs::create_dir(at(".out.worldwright-part")).unwrap();
    std::fs::write(at(".out.worldwright-part/segment-000000.arrows"), "half").unwrap();
    import(&at("log.csv"), "csv", &at("out")).unwrap_err();
    assert_eq!(names(), ["log.csv"]);
    std::fs::write(at("log.csv"), "episode,obs,action,reward,next_obs,done\n0,1.5,0,1,2.5,1\n").unwrap();
    std::fs::create_dir(at("out")).unwrap();
    import(&at("log.csv"), "csv", &at("out")).unwrap();
    assert_eq!(names(), ["log.csv", "out"]);
    worldwright_data::export(&at("out"), "minari", &at("unnamed")).unwrap_err();
    assert_eq!(names(), ["log.csv", "out"]);
    worldwright_data::export(&at("out"), "parquet", &at("out.parquet")).unwrap();
    assert_eq!(names(), ["log.csv", "out", "out.parquet"]);
}

#[test]
fn every_name_is_found_alone() {
    for known in COLUMNS {
        for name in known.names.iter().chain(known.weak) {
            for spelt in [(*name).to_owned(), name.to_uppercase(), name.replace('_', "-"), name.replace('_', " ")] {
                let resolved = resolve(std::slice::from_ref(&spelt), true).unwrap();
                assert_eq!(resolved.column(known.quantity), Some(0), "{spelt}");
            }
            if known.names.contains(name) && name.len() > 4 {
                assert_eq!(nearest_name(name), Some(*name));
            }
        }
    }
}

#[test]
fn parts_keep_their_written_names_and_are_matched_plainly() {
    let table = "episode,Observation/Speed,observation/Top.Left,action,reward,next_obs/speed,Next-Obs/top-left\n\
                 0,0.5,1,1,2,1.5,3\n0,1.5,3,1,2,2.5,2\n";
    let (store, episodes) = text("csv", table).unwrap();
    let names: Vec<String> = store.header().observation_space.parts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Speed", "Top.Left"]);
    let shown = |speed: f64, place: i64| {
        Value::Dict(vec![("Speed".into(), floats(&[speed])), ("Top.Left".into(), Value::Integer(place))])
    };
    assert_eq!(episodes[0].observations, [shown(0.5, 1), shown(1.5, 3), shown(2.5, 2)]);
    let twice = "episode,observation/Speed,observation/speed,action,reward\n0,0.5,1,1,2\n";
    assert!(refused("csv", twice).contains("both hold its part"), "{}", refused("csv", twice));
    let numbered = ["obs 0", "Obs-2", "obs.1"].map(str::to_owned);
    let resolved = resolve(&numbered, true).unwrap();
    let columns: Vec<usize> = resolved.parts(Quantity::Observation).iter().map(|part| part.column).collect();
    assert_eq!(columns, [0, 2, 1]);
    let apart = "episode,obs_x,action,reward,next_obs_y\n0,0,1,1,1\n";
    let error = refused("csv", apart);
    assert!(error.contains("lacks the part 'x'") && error.contains("has the part 'y'"), "{error}");
}

#[test]
fn strictly_no_part_beside_a_whole_is_left_out() {
    let strict = |names: &[&str], strict: bool| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        resolve(&names, strict).map_err(|error| error.to_string())
    };
    for (names, slip, near) in [
        (&["observations", "actions", "rewards", "action_spaces"][..], "action_spaces", "'action'"),
        (&["observation", "action_x", "reward", "observation/extra"], "observation/extra", "'observation'"),
        (&["obs_0", "obs_1", "obs_note", "action"], "obs_note", "'observation'"),
    ] {
        let error = strict(names, true).unwrap_err();
        assert!(error.contains(slip) && error.contains(near), "{error}");
        let place = names.iter().position(|name| *name == slip).unwrap();
        assert_eq!(strict(names, false).unwrap().left_out, [place]);
    }
    // What others call an observation is no slip beside one.
    assert_eq!(strict(&["obs", "state", "action"], true).unwrap().left_out, [1]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let table = |flags: &str, names: &str| {
        format!(
            "episode,obs,action,reward,next_obs,{names}\n0,0.5,1,1,1.5,{}\n0,1.5,1,1,2.5,{flags}\n",
            if names.matches(',').count() == 2 { "0,0,0" } else { "0,0" }
        )
    };
    let all = "terminated,truncated,done";
    for (flags, done) in [("0,0,1", "true"), ("1,0,0", "false"), ("0,1,0", "false")] {
        let error = refused("csv", &table(flags, all));
        assert!(error.contains("done: row 1") && error.contains(done), "{error}");
    }
    for flags in ["1,0,1", "0,1,1", "0,0,0"] {
        text("csv", &table(flags, all)).unwrap();
    }
    let error = refused("csv", &table("1,0", "terminated,done"));
    assert!(error.contains("done: row 1"), "{error}");
    text("csv", &table("0,1", "terminated,done")).unwrap();
    // One who calls the end of the task 'done' beside a flag of cuts contradicts nothing.
    text("csv", &table("1,0", "truncated,done")).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), ..ProptestConfig::default() })]

    /// A known name with one letter changed, left out or doubled is a slip, never left out in silence.
    #[test]
    fn slips_are_never_swallowed(which in 0_usize..200, at in 0_usize..20, how in 0..3, letter in b'a'..=b'z') {
        let names: Vec<&str> = COLUMNS.iter().flat_map(|known| known.names).copied().filter(|name| name.len() > 5).collect();
        let name = names[which % names.len()];
        let mut bytes = name.as_bytes().to_vec();
        let at = at % bytes.len();
        match how {
            0 => bytes[at] = letter,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, letter),
        }
        let slip = String::from_utf8(bytes).unwrap();
        let resolved = resolve(std::slice::from_ref(&slip), false);
        let understood = |resolved: &worldwright_data::Resolved| {
            [Quantity::Observation, Quantity::Action, Quantity::Reward, Quantity::NextObservation, Quantity::Terminated,
             Quantity::Truncated, Quantity::Done, Quantity::Episode, Quantity::Step, Quantity::First, Quantity::Last]
                .into_iter().any(|quantity| resolved.column(quantity) == Some(0))
        };
        prop_assert!(resolved.as_ref().is_err() || resolved.is_ok_and(|resolved| understood(&resolved)), "{slip}");
    }
}
