//! Holds the rooms table of ARCHITECTURE.md against the rooms themselves.
//!
//! An error is: a room without a row or a row without a room; an arrow (one room's manifest names another) that the table does not
//! have; an arrow of the table that no manifest has, or that leads to a higher floor; a room that re-exports another, because whoever uses a room names it in its own
//! manifest; and a room that holds more than a fifth of all lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::root;

const PREFIX: &str = "worldwright-";
/// The largest share of all lines that one room may have.
const LARGEST_SHARE: f64 = 0.2;

/// What a room is, as its folder says.
#[derive(Debug, Default)]
struct Room {
    /// Rooms that its manifest names outside of its tests.
    imports: BTreeSet<String>,
    /// Lines of source that re-export another room, with their files.
    windows: Vec<String>,
    /// Lines of Rust, tests and examples among them.
    lines: usize,
}

/// What the table says of a room.
#[derive(Debug)]
struct Told {
    /// Arrows may not lead to a higher one.
    floor: u32,
    imports: BTreeSet<String>,
}

pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let table = parse(&text)?;
    let mut rooms = BTreeMap::new();
    for folder in fs::read_dir(root().join("crates"))? {
        let folder = folder?;
        rooms.insert(folder.file_name().to_string_lossy().into_owned(), read(&folder.path())?);
    }
    let wrong = faults(&table, &rooms);
    let all: usize = rooms.values().map(|room| room.lines).sum();
    println!("\n── rooms: {} rooms of {all} lines, {} faults", rooms.len(), wrong.len());
    let mut by_size: Vec<_> = rooms.iter().map(|(name, room)| (room.lines, name)).collect();
    by_size.sort_unstable_by(|a, b| b.cmp(a));
    for (lines, name) in by_size {
        println!("   {name:<10} {:>5.1} %  {lines}", 100.0 * lines as f64 / all as f64);
    }
    if wrong.is_empty() { Ok(()) } else { bail!("ARCHITECTURE.md's rooms table: {}", wrong.join("; ")) }
}

/// Everything in which rooms and table differ, in words.
fn faults(table: &BTreeMap<String, Told>, rooms: &BTreeMap<String, Room>) -> Vec<String> {
    let mut wrong = Vec::new();
    let all: usize = rooms.values().map(|room| room.lines).sum();
    for (name, room) in rooms {
        let Some(Told { floor, imports: allowed }) = table.get(name) else {
            wrong.push(format!("crates/{name} stands in no row of the table"));
            continue;
        };
        for other in allowed.iter().filter(|other| table.get(*other).is_some_and(|other| other.floor > *floor)) {
            wrong.push(format!("the arrow from {name} to {other} leads up"));
        }
        for other in room.imports.difference(allowed) {
            wrong.push(format!("{name} imports {other}, which its row does not have"));
        }
        for other in allowed.difference(&room.imports) {
            wrong.push(format!("the row of {name} has {other}, which its Cargo.toml does not"));
        }
        wrong.extend(room.windows.iter().map(|line| format!("{name} re-exports another room in {line}")));
        let share = room.lines as f64 / all.max(1) as f64;
        if share > LARGEST_SHARE {
            wrong.push(format!("{name} holds {:.1} % of all lines, more than a fifth", 100.0 * share));
        }
    }
    for name in table.keys().filter(|name| !rooms.contains_key(*name)) {
        wrong.push(format!("the table has a row for {name}, but there is no crates/{name}"));
    }
    wrong
}

/// Rows `| floor | room | what | may import |` between the heading "## Rooms" and the next heading; a floor begins with its number.
fn parse(text: &str) -> Result<BTreeMap<String, Told>> {
    let section = text.split("\n## Rooms").nth(1).context("ARCHITECTURE.md has no section 'Rooms'")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut table = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [floor, room, _, imports] = cells[..] else { bail!("a row of the rooms table has not four cells: {line}") };
        let number = floor.split(' ').next().unwrap_or_default().parse();
        let floor = number.with_context(|| format!("the floor of {room} does not begin with its number: {floor}"))?;
        let imports = imports.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "–");
        let imports = imports.map(str::to_owned).collect();
        table.insert(room.trim_matches('`').to_owned(), Told { floor, imports });
    }
    Ok(table)
}

/// What a room's folder says of it.
fn read(folder: &Path) -> Result<Room> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
    let mut room = Room { imports: imports(&text)?, ..Room::default() };
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                room.lines += text.lines().count();
                let seen = text.lines().filter(|line| re_exports(line));
                room.windows.extend(seen.map(|line| format!("{}: {}", path.display(), line.trim())));
            }
        }
    }
    Ok(room)
}

/// Whether a line hands another room on to those that use this one.
fn re_exports(line: &str) -> bool {
    let words = line.trim_start();
    ["pub use worldwright_", "pub use ::worldwright_", "pub extern crate worldwright_"]
        .iter()
        .any(|start| words.starts_with(start))
}

/// Rooms that a manifest imports outside of its tests.
fn imports(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: toml::Table = manifest.parse()?;
    let mut found = BTreeSet::new();
    for section in ["dependencies", "build-dependencies"] {
        if let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) {
            found.extend(dependencies.keys().filter_map(|name| name.strip_prefix(PREFIX)).map(str::to_owned));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_project_holds() {
        check().unwrap();
    }

    #[test]
    fn every_fault_is_seen() {
        let table = parse(
            "x\n## Rooms\n\n| floor | room | what | may import |\n|---|---|---|---|\n| 1 low | a | – | b, c |\n| 2 high | b | – | – |\n| 2 high | d | – | – |\n\n## Next\n",
        )
        .unwrap();
        let manifest =
            "[dependencies]\nworldwright-b = 1\nworldwright-e = 1\nserde = 1\n[dev-dependencies]\nworldwright-d = 1\n";
        let imports = imports(manifest).unwrap();
        assert_eq!(imports, BTreeSet::from(["b".to_owned(), "e".to_owned()]));
        let windows = vec!["lib.rs: pub use worldwright_b as b;".to_owned()];
        let small = |lines| Room { lines, ..Room::default() };
        let mut rooms =
            BTreeMap::from([("a".to_owned(), Room { imports, windows, lines: 15 }), ("b".to_owned(), small(60))]);
        rooms.insert("e".to_owned(), small(25));
        let faults = faults(&table, &rooms).join("\n");
        for (i, part) in [
            "a imports e",
            "from a to b leads up",
            "row of a has c",
            "a re-exports",
            "b holds 60.0 %",
            "crates/e stands in no row",
            "row for d",
        ]
        .iter()
        .enumerate()
        {
            assert!(faults.contains(part), "{i}: {part} in {faults}");
        }
        assert!(!faults.contains("a holds"), "{faults}");
    }

    #[test]
    fn a_window_is_told_from_a_door() {
        assert!(
            re_exports("pub use worldwright_envs as envs;") && re_exports("    pub use worldwright_data::Episode;")
        );
        assert!(
            !re_exports("use worldwright_envs as envs;") && !re_exports("pub(crate) use worldwright_envs as envs;")
        );
    }
}
