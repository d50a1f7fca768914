//! Tables in memory: the rules of files, and what the types of arrays tell besides.

use worldwright_core::{ElementType, Error, Result, Space, Value};
use worldwright_data::{
    Arrays, Asked, Ended, Episode, EpisodeStore, Header, Items, Quantity, episode_ends, import, recorded_names,
};

fn numbers(items: &[f64]) -> Items {
    Items::F64(items.to_vec())
}

/// A table of single numbers a row.
fn arrays(columns: &[(&str, Items)]) -> Arrays {
    let mut all = Arrays::default();
    for (name, items) in columns {
        let rows = match items {
            Items::F64(items) => items.len(),
            Items::F32(items) => items.len(),
            Items::I64(items) | Items::Times(items) => items.len(),
            Items::U8(items) => items.len(),
            Items::Bool(items) => items.len(),
            Items::Text(items) => items.len(),
        };
        all.add(name, rows, Vec::new(), items.clone(), Vec::new()).unwrap();
    }
    all
}

fn asked() -> Asked {
    Asked { environment: "line".into(), seed: 7, ..Asked::default() }
}

fn episodes(columns: &[(&str, Items)]) -> Result<(Header, Vec<Episode>)> {
    arrays(columns).episodes(&asked())
}

const CSV: &str = "episode,obs_x,obs_v,act,rew,next_obs_v,next_obs_x,terminated\n\
                   0,0.0,0.5,0.25,0.25,1.5,1.0,false\n0,1.0,1.5,-0.25,-1.0,2.5,2.0,true\n1,10.0,0.0,0.5,3.0,0.5,11.0,false\n";

fn line() -> Vec<(&'static str, Items)> {
    vec![
        ("episode", Items::I64(vec![0, 0, 1])),
        ("obs_x", numbers(&[0.0, 1.0, 10.0])),
        ("obs_v", numbers(&[0.5, 1.5, 0.0])),
        ("act", numbers(&[0.25, -0.25, 0.5])),
        ("rew", numbers(&[0.25, -1.0, 3.0])),
        ("next_obs_v", numbers(&[1.5, 2.5, 0.5])),
        ("next_obs_x", numbers(&[1.0, 2.0, 11.0])),
        ("terminated", Items::Bool(vec![false, true, false])),
    ]
}

#[test]
fn a_table_in_memory_is_read_as_the_same_table_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, CSV).unwrap();
    import(&path, "csv", &folder.path().join("store")).unwrap();
    let store = EpisodeStore::open(folder.path().join("store")).unwrap();
    let (header, found) = episodes(&line()).unwrap();
    let read: Vec<Episode> = (0..2).map(|i| store.episode(i).unwrap()).collect();
    assert_eq!(found, read);
    assert_eq!(found[0].observations[2], Value::Floats(vec![2.0, 2.5]));
    assert_eq!((header.environment.as_str(), header.seed), ("line", 7));
    assert_eq!(header.observation_space, store.header().observation_space);
    assert_eq!(recorded_names(&header), recorded_names(store.header()));
}

#[test]
fn types_of_arrays_tell_what_files_leave_open() {
    let columns = |action: Items| {
        vec![
            ("observation", Items::I64(vec![3, 4, 5])),
            ("action", action),
            ("reward", numbers(&[0.0; 3])),
            ("next_observation", Items::I64(vec![4, 5, 6])),
            ("done", Items::Bool(vec![false, false, true])),
        ]
    };
    let (header, found) = episodes(&columns(Items::I64(vec![2, 0, 1]))).unwrap();
    assert_eq!(header.observation_space, Space::unbounded(1));
    assert_eq!(header.action_space, Space::choices(3, 0));
    assert_eq!(found[0].actions[0], Value::Integer(2));
    let notes: Vec<&String> = header.notes.iter().map(|(_, note)| note).collect();
    assert!(notes.len() == 1 && notes[0].contains("'done' is taken as terminated"), "{notes:?}");
    let (header, _) = episodes(&columns(numbers(&[0.5, -2.0, 1.0]))).unwrap();
    let wide = Space::Box { shape: vec![1], low: vec![-2.0], high: vec![1.0], element: ElementType::F64 };
    assert_eq!(header.action_space, wide);
    let within = Asked { action_space: Some(Space::choices(9, 0)), ..asked() };
    let (header, found) = arrays(&columns(numbers(&[2.0, 0.0, 8.0]))).episodes(&within).unwrap();
    assert_eq!((header.action_space, &found[0].actions[2]), (Space::choices(9, 0), &Value::Integer(8)));
}

#[test]
fn a_column_tells_its_space() {
    let space = |quantity, shape: &[usize], items: Items, rows| {
        let mut all = Arrays::default();
        all.add("given", rows, shape.to_vec(), items, Vec::new()).unwrap();
        all.space(quantity)
    };
    let boxed = |low: &[f64], high: &[f64], shape: &[usize], element| Space::Box {
        shape: shape.to_vec(),
        low: low.to_vec(),
        high: high.to_vec(),
        element,
    };
    let (seen, done) = (Quantity::Observation, Quantity::Action);
    let image = space(seen, &[1, 2], Items::U8(Vec::new()), 0).unwrap();
    assert_eq!(image, boxed(&[0.0; 2], &[255.0; 2], &[1, 2], ElementType::U8));
    let single = space(seen, &[], Items::F32(vec![1.0]), 1).unwrap();
    assert_eq!(single, boxed(&[f64::NEG_INFINITY], &[f64::INFINITY], &[1], ElementType::F32));
    assert_eq!(space(done, &[], Items::I64(vec![-1, 2]), 2).unwrap(), Space::choices(4, -1));
    assert_eq!(space(done, &[], Items::Bool(vec![true]), 1).unwrap(), Space::choices(2, 0));
    let far = space(done, &[], Items::I64(vec![0, 1 << 20]), 2).unwrap();
    assert_eq!(far, boxed(&[0.0], &[f64::from(1 << 20)], &[1], ElementType::F64));
    let pair = space(done, &[2], Items::I64(vec![0, 5, 1, -5]), 2).unwrap();
    assert_eq!(pair, boxed(&[0.0, -5.0], &[1.0, 5.0], &[2], ElementType::F64));
    assert_eq!(space(done, &[], numbers(&[]), 0).unwrap(), boxed(&[-1.0], &[1.0], &[1], ElementType::F64));
    assert!(space(done, &[], Items::Text(vec!["left".into()]), 1).is_err());
}

#[test]
fn transitions_need_not_form_episodes() {
    let columns = vec![
        ("observation", numbers(&[0.0, 5.0, 9.0])),
        ("action", numbers(&[1.0, 2.0, 3.0])),
        ("next_observation", numbers(&[1.0, 7.0, 12.0])),
        ("terminated", Items::I64(vec![0, 1, 0])),
        ("episode", Items::Text(vec!["a".into(), "b".into(), "c".into()])),
    ];
    let found = arrays(&columns).transitions(&asked()).unwrap();
    assert!(!found.rewarded && found.header.is_none());
    assert_eq!(found.data.next_observation(1), [7.0]);
    assert_eq!(found.data.action(2), [3.0]);
    assert_eq!(found.data.terminated(), [false, true, false]);
    assert_eq!(found.data.episode_ends(), [true, true, true]);
    // Names count for whoever takes the numbers up.
    let found = arrays(&line()).transitions(&asked()).unwrap();
    assert!(found.rewarded);
    assert_eq!(found.names()[0], Some(vec!["x".to_owned(), "v".to_owned()]));
    assert_eq!(found.data.next_observation(0), [1.0, 1.5]);
    // Without next observations, rows that form episodes are those of the episodes.
    let rows = |action: Items| {
        vec![
            ("observation", numbers(&[0.0, 1.0, 3.0])),
            ("action", action),
            ("reward", numbers(&[1.0, 0.0, 0.0])),
            ("done", Items::Bool(vec![false, false, true])),
        ]
    };
    let found = arrays(&rows(numbers(&[1.0, 2.0, f64::NAN]))).transitions(&asked()).unwrap();
    assert_eq!(found.data.len(), 2);
    assert_eq!((found.data.next_observation(1), found.data.terminated()), (&[3.0][..], &[false, true][..]));
}

#[test]
fn what_cannot_be_learned_from_is_named() {
    let with = |name: &'static str, items: Items| {
        let mut columns = line();
        columns.retain(|(column, _)| *column != name);
        columns.push((name, items));
        columns
    };
    let nan = episodes(&with("rew", numbers(&[0.0, f64::NAN, 0.0]))).unwrap_err();
    assert!(
        matches!(&nan, Error::Diverged { who, why } if who == "episode 0" && why.contains("reward of row 1")),
        "{nan}"
    );
    let nan = arrays(&with("act", numbers(&[0.0, 1.0, f64::INFINITY]))).transitions(&asked()).unwrap_err();
    assert!(matches!(&nan, Error::Diverged { who, .. } if who == "row 2"), "{nan}");
    let empty = arrays(&[("observation", numbers(&[]))]).transitions(&asked()).unwrap_err().to_string();
    assert!(empty.contains("holds no step (observation without a row)"), "{empty}");
    let lacking = arrays(&line()[..2]).transitions(&asked()).unwrap_err().to_string();
    assert!(lacking.contains("action, next_observation: there is no such column"), "{lacking}");
    let strict = Asked { strict: true, ..asked() };
    let odd = with("temperature", numbers(&[0.0; 3]));
    assert!(arrays(&odd).episodes(&strict).unwrap_err().to_string().contains("temperature"));
    let (header, _) = episodes(&odd).unwrap();
    assert!(header.notes.contains(&("left out".into(), "columns temperature".into())));
    let times = arrays(&with("act", Items::Times(vec![0, 1, 2]))).transitions(&asked()).unwrap_err().to_string();
    assert!(times.contains("holds times"), "{times}");
    let short = arrays(&with("act", numbers(&[0.0, 1.0]))).transitions(&asked()).unwrap_err();
    assert!(matches!(short, Error::Shape { .. }), "{short}");
    let choices = Asked { action_space: Some(Space::choices(2, 0)), ..asked() };
    let wrong = arrays(&with("act", Items::I64(vec![0, 1, 2]))).transitions(&choices).unwrap_err();
    assert!(matches!(wrong, Error::NotInSpace { .. }), "{wrong}");
}

#[test]
fn an_episode_alone_ends_by_the_rules_of_tables() {
    let (whole, steps) = (|flag| Some(Ended::Whole(flag)), |flags: &[bool]| Some(Ended::Steps(flags.to_vec())));
    assert_eq!(episode_ends(3, whole(true), None, None).unwrap(), (true, false, Vec::new()));
    assert_eq!(episode_ends(3, whole(false), None, steps(&[false, false, true])).unwrap(), (false, true, Vec::new()));
    assert_eq!(episode_ends(2, None, whole(true), steps(&[false, true])).unwrap(), (false, true, Vec::new()));
    let (terminated, truncated, notes) = episode_ends(0, None, None, whole(true)).unwrap();
    assert!(terminated && !truncated && notes[0].contains("'done' is taken as terminated"));
    for (wrong, words) in [
        (episode_ends(3, steps(&[false, false]), None, None), "expected shape [3]"),
        (episode_ends(2, steps(&[true]), None, None), "expected shape [2]"),
        (episode_ends(2, steps(&[true, false]), None, None), "goes on after its end at step 0"),
        (episode_ends(1, whole(true), None, whole(false)), "'done' is either of them"),
    ] {
        let error = wrong.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn episodes_of_their_own_arrays_are_joined() {
    let episode = |seen: &[f64], done: Items, paid: &[f64]| {
        arrays(&[("observations", numbers(seen)), ("actions", done), ("rewards", numbers(paid))])
    };
    let known = episode(&[0.0, 1.0, 2.0], numbers(&[1.0, 0.0]), &[0.0, 1.0]);
    // Nothing was seen after the last action.
    let open = episode(&[5.0, 6.0], numbers(&[1.0, 2.0]), &[0.0, 3.0]);
    let found = Arrays::joined(vec![known, open]).unwrap().transitions(&asked()).unwrap();
    assert_eq!(found.data.episode_ends(), [false, true, true]);
    assert_eq!((found.data.next_observation(1), found.data.next_observation(2)), (&[2.0][..], &[6.0][..]));
    // Real numbers stay real though all of them are whole.
    assert!(matches!(found.action_space, Space::Box { .. }), "{:?}", found.action_space);
    let said: Vec<&str> = found.notes.iter().map(|(about, _)| about.as_str()).collect();
    assert!(said == ["warning"] && found.notes[0].1.contains("1 reward other than zero (3)"), "{:?}", found.notes);
    let chosen = Arrays::joined(vec![episode(&[0.0, 1.0], Items::I64(vec![2]), &[1.0])]).unwrap();
    assert_eq!(chosen.transitions(&asked()).unwrap().action_space, Space::choices(3, 0));
    let wrong = Arrays::joined(vec![episode(&[0.0, 1.0, 2.0], numbers(&[0.0; 2]), &[0.0; 5])]).unwrap_err();
    assert_eq!(wrong.to_string(), "rewards of episode 0: expected shape [2], got [5]");
}
