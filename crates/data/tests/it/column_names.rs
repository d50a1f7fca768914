//! What columns are called counts: names are kept, mappings say order and reading, and what a cell lacks is told where it stands.

use worldwright_core::{Interrupt, Result, Space, Value};
use worldwright_data::{ColumnNames, Episode, EpisodeStore, Header, import_as, recorded_names};

fn read(end: &str, content: &str, columns: &[(&str, &str)]) -> Result<(Header, Vec<Episode>)> {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join(format!("log.{end}")), folder.path().join("store"));
    std::fs::write(&path, content).unwrap();
    let pairs = columns.iter().map(|(known, column)| ((*known).to_owned(), (*column).to_owned()));
    let format = if end == "csv" { "csv" } else { "jsonl" };
    import_as(&path, format, &ColumnNames::new(pairs)?, &out, &Interrupt::never())?;
    let store = EpisodeStore::open(&out)?;
    let episodes = (0..store.episodes().len()).map(|i| store.episode(i)).collect::<Result<_>>()?;
    Ok((store.header().clone(), episodes))
}

fn refused(end: &str, content: &str, columns: &[(&str, &str)]) -> String {
    read(end, content, columns).map(|_| ()).unwrap_err().to_string()
}

fn notes(header: &Header) -> String {
    header.notes.iter().map(|(name, text)| format!("{name}: {text}\n")).collect()
}

const PLACES: &str = "x,y,z,act,reward\n1.5,2.5,3.5,0.5,1\n4.5,5.5,6.5,0.5,1\n7.5,8.5,9.5,,\n";

#[test]
fn a_mapping_says_the_order_of_numbers() {
    let columns = [("obs_b", "z"), ("obs_a", "x")];
    let (header, episodes) = read("csv", PLACES, &columns).unwrap();
    assert_eq!(episodes[0].observations[0], Value::Floats(vec![3.5, 1.5]));
    let [observation, action] = recorded_names(&header);
    assert_eq!((observation.unwrap(), action), (vec!["b".to_owned(), "a".to_owned()], None));
    // Numbers are places, whatever order they are given in.
    let (header, episodes) = read("csv", PLACES, &[("obs_1", "x"), ("obs_0", "z")]).unwrap();
    assert_eq!(episodes[0].observations[0], Value::Floats(vec![3.5, 1.5]));
    assert_eq!(recorded_names(&header), [None, None]);
}

/// What an import of a file beside these tests says of columns that it does not have.
fn said_of(file: &str, format: &str, columns: &[(&str, &str)]) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let folder = tempfile::tempdir().unwrap();
    let pairs = columns.iter().map(|(known, column)| ((*known).to_owned(), (*column).to_owned()));
    let names = ColumnNames::new(pairs).unwrap();
    import_as(&path, format, &names, &folder.path().join("store"), &Interrupt::never()).unwrap_err().to_string()
}

#[test]
fn a_column_that_is_not_there_is_told_with_the_nearest_in_every_format() {
    for (file, format, given, near) in [
        ("d4rl.hdf5", "hdf5", "observation", "observations"),
        // What the given quantity, or its name, leaves out is among those that may be meant.
        ("d4rl.hdf5", "hdf5", "infos/qpo", "infos/qpos"),
        ("d4rl.hdf5", "hdf5", "obs", "observations"),
        ("robomimic.hdf5", "hdf5", "obs/sped", "obs/speed"),
        ("d4rl.npz", "npz", "observation", "observations"),
        ("d4rl.npz", "npz", "obs", "observations"),
    ] {
        let said = said_of(file, format, &[("obs", given)]);
        let wanted = format!("there is no column '{given}'; did you mean '{near}'? (there are ");
        assert!(said.contains(&wanted), "{file}: {said}");
    }
    for end in ["csv", "jsonl"] {
        let content =
            if end == "csv" { "obs,act,reward\n1.5,1,1\n" } else { "{\"obs\": 1.5, \"act\": 1, \"reward\": 1}\n" };
        for (given, near) in [("acts", "act"), ("action", "act")] {
            let said = refused(end, content, &[("action", given)]);
            assert!(said.contains(&format!("there is no column '{given}'; did you mean '{near}'?")), "{said}");
        }
    }
}

#[test]
fn a_table_without_a_row_holds_no_step() {
    let head = "observation,action,reward,episode\n";
    for (end, content) in [("csv", head), ("csv", ""), ("csv", "\n"), ("jsonl", ""), ("jsonl", "[]")] {
        let said = refused(end, content, &[]);
        assert!(said.contains("holds no step"), "{content:?}: {said}");
    }
    assert!(refused("csv", head, &[]).contains("observation, action, reward, episode without a row"));
}

#[test]
fn an_index_without_a_name_is_left_out_in_words() {
    let table = ",obs,action,reward\n7,1.5,1,1\n3,2.5,1,1\n5,3.5,,\n";
    let (header, episodes) = read("csv", table, &[]).unwrap();
    assert_eq!(episodes[0].observations, [1.5, 2.5, 3.5].map(|x| Value::Floats(vec![x])), "rows as they stand");
    assert!(notes(&header).contains("left out: columns (without a name)"), "{}", notes(&header));
}

#[test]
fn a_column_that_is_given_is_never_left_out() {
    for columns in [
        [("observation", "x"), ("observation_v", "y")],
        [("obs_0", "x"), ("obs_v", "y")],
        [("obs", "x"), ("state_v", "y")],
    ] {
        let said = refused("csv", PLACES, &columns);
        assert!(said.contains("cannot be read beside"), "{columns:?}: {said}");
    }
}

const TICKS: &str = "obs,action,reward,episode\n0,-3,1,0\n5,-2,1,0\n10,-1,1,0\n15,,,0\n";

#[test]
fn whole_numbers_are_choices_and_it_is_said() {
    let (header, _) = read("csv", TICKS, &[]).unwrap();
    assert_eq!(header.observation_space, Space::choices(16, 0));
    let said = notes(&header);
    assert!(said.contains("column 'obs' holds whole numbers and is read as choices from 0 to 15"), "{said}");
    assert!(said.contains("column 'action' holds whole numbers and is read as choices from -3 to 0"), "{said}");
    // Who says what they are hears nothing of it.
    let columns = [("observation:number", "obs"), ("action:number", "action")];
    let (header, episodes) = read("csv", TICKS, &columns).unwrap();
    assert!(!header.observation_space.has_choices() && !header.action_space.has_choices());
    assert_eq!(
        (&episodes[0].observations[3], &episodes[0].actions[0]),
        (&Value::Floats(vec![15.0]), &Value::Floats(vec![-3.0]))
    );
    assert!(!notes(&header).contains("choices"), "{}", notes(&header));
    let (header, _) = read("csv", TICKS, &[("obs:choice", "obs"), ("act:choice", "action")]).unwrap();
    assert_eq!(
        (header.observation_space.clone(), header.action_space.clone()),
        (Space::choices(16, 0), Space::choices(4, -3))
    );
    let broken = TICKS.replace("10,", "10.5,");
    let said = refused("csv", &broken, &[("obs:choice", "obs")]);
    assert!(said.contains("row 2 holds 10.5, which is no choice"), "{said}");
    let said = refused("csv", PLACES, &[("obs_x:choice", "x"), ("obs_y", "y")]);
    assert!(said.contains("is no choice") || said.contains("no choice"), "{said}");
}

#[test]
fn next_observations_count_for_the_space() {
    let table = "obs,next_obs,action,reward,done\n2,3,1,0.5,0\n3,4,1,0.5,0\n4,5,1,0.5,1\n";
    let (header, episodes) = read("csv", table, &[]).unwrap();
    assert_eq!(header.observation_space, Space::choices(6, 0));
    assert_eq!(episodes[0].observations.last(), Some(&Value::Integer(5)));
    let fractions = table.replace("4,5,1", "4,5.5,1");
    let (header, _) = read("csv", &fractions, &[]).unwrap();
    assert!(matches!(header.observation_space, Space::Box { .. }), "{:?}", header.observation_space);
}

#[test]
fn whole_numbers_that_would_be_rounded_are_refused() {
    let big = (1_i64 << 53) + 1;
    let table = |end: &str, number: &str| match end {
        "csv" => format!("obs,action,reward,episode\n{number},0.5,1,0\n1,0.5,1,0\n2,,,0\n"),
        _ => format!(
            "{{\"obs\": {number}, \"action\": 0.5, \"reward\": 1, \"episode\": 0}}\n{{\"obs\": 2, \"action\": null, \"reward\": null, \"episode\": 0}}\n"
        ),
    };
    for end in ["csv", "jsonl"] {
        for number in [big.to_string(), "-9007199254740993".to_owned(), u64::MAX.to_string()] {
            let said = refused(end, &table(end, &number), &[]);
            assert!(said.contains(&format!("row 0 holds {number}, which a float64 cannot hold")), "{end}: {said}");
        }
        read(end, &table(end, &(1_i64 << 53).to_string()), &[]).unwrap();
    }
    // Beside a fraction too.
    let said = refused("csv", &table("csv", &big.to_string()).replace("\n1,", "\n1.5,"), &[]);
    assert!(said.contains(&big.to_string()), "{said}");
}

#[test]
fn what_is_there_twice_or_too_often_is_told_by_its_place() {
    let said = refused("jsonl", "{\"obs\": 1.5, \"action\": 1, \"reward\": 1}\n{\"obs\": 1.5, \"obs\": 2}\n", &[]);
    assert!(said.contains("line 2 is not JSON (column") && said.contains("'obs' is named twice"), "{said}");
    for (row, count) in [("1.5,2", "2 cells"), ("1.5,2,3,4", "4 cells")] {
        let said = refused("csv", &format!("obs,action,reward\n1.5,2,3\n{row}\n1.5,2,3\n"), &[]);
        assert!(said.contains(&format!("row 1 (line 3) has {count}, and the header has 3")), "{said}");
    }
    let (_, episodes) = read("csv", &PLACES.replace(',', "|"), &[("obs_0", "x"), ("obs_1", "z")]).unwrap();
    assert_eq!(episodes[0].observations[0], Value::Floats(vec![1.5, 3.5]));
}

#[test]
fn a_bad_cell_is_told_where_it_stands() {
    let row = |obs: &str, reward: &str| format!("{obs},0.25,{reward},0\n");
    let good: String = (0..30).map(|i| row(&format!("{}.5", i), "1")).collect();
    let head = "obs,action,reward,done\n";
    for (cell, words) in [("oops", "the text 'oops'"), ("1,5", ""), ("\u{2212}2", "write -")] {
        let quoted = format!("\"{cell}\"");
        for (obs, reward) in [(quoted.as_str(), "1"), ("1.5", quoted.as_str())] {
            let said = refused("csv", &format!("{head}{good}{}{good}", row(obs, reward)), &[]);
            assert!(said.contains("row 30 holds the text") && said.contains(words), "{said}");
        }
    }
    let lines =
        "{\"obs\": 1.5, \"action\": 0.5, \"reward\": 1.0}\n{\"obs\": \"2.5\", \"action\": 0.5, \"reward\": 1.0}\n";
    let said = refused("jsonl", lines, &[]);
    assert!(said.contains("row 1 holds the text \"2.5\""), "{said}");
}
