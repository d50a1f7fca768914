//! Imports and exports end when somebody asks, and leave nothing.

use std::path::Path;

use worldwright_core::{Error, Interrupt, Rng, Space};
use worldwright_data::{
    ColumnNames, EpisodeWriter, FORMATS, Header, WriterOptions, export, export_until, import, import_as,
};

use crate::support::{episode, write};

fn store(folder: &Path) {
    let space = Space::unbounded(2);
    let mut writer =
        EpisodeWriter::create(folder, &Header::new("x", space.clone(), space.clone(), 0), WriterOptions::default())
            .unwrap();
    let mut rng = Rng::new(1);
    for steps in [3, 4] {
        write(&mut writer, &episode(&space, &space, steps, &mut rng));
    }
    writer.close().unwrap();
}

#[test]
fn every_format_heeds_an_interrupt_and_leaves_nothing() {
    let asked = Interrupt::new();
    asked.request();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    store(&at("store"));
    std::fs::write(at("in-csv-v0"), "observation,action,reward,done\n0,0.5,0,0\n1,0.5,0,1\n").unwrap();
    let line = r#"{"observation": 0.5, "action": 0.5, "reward": 1, "done": true}"#;
    std::fs::write(at("in-jsonl-v0"), line).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in FORMATS {
        let given = match entry.name {
            "hdf5" => golden.join("d4rl.hdf5"),
            name => at(&format!("in-{name}-v0")),
        };
        if entry.build.writes() {
            let done = export_until(&at("store"), entry.name, &given, &asked);
            assert!(matches!(done, Err(Error::Interrupted { .. })) && !given.exists(), "{}: {done:?}", entry.name);
            export(&at("store"), entry.name, &given).unwrap();
        }
        let out = at(&format!("back-{}", entry.name));
        let done = import_as(&given, entry.name, &ColumnNames::default(), &out, &asked);
        assert!(matches!(done, Err(Error::Interrupted { .. })) && !out.exists(), "{}: {done:?}", entry.name);
        import(&given, entry.name, &out).unwrap();
    }
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let parts: Vec<String> = left.filter(|name| name.starts_with('.')).collect();
    assert!(parts.is_empty(), "{parts:?}");
}
