//! Holds the rooms table of ARCHITECTURE.md against every Cargo.toml: an arrow that is not in the table is an error, and so is
//! a room that the table does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};

use crate::root;

const PREFIX: &str = "worldwright-";

pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let table = parse(&text)?;
    let mut wrong = Vec::new();
    let mut rooms = 0;
    for folder in fs::read_dir(root().join("crates"))? {
        let folder = folder?;
        let room = folder.file_name().to_string_lossy().into_owned();
        let manifest =
            fs::read_to_string(folder.path().join("Cargo.toml")).with_context(|| format!("crates/{room}"))?;
        rooms += 1;
        let Some(allowed) = table.get(&room) else {
            wrong.push(format!("crates/{room} stands in no row of the table"));
            continue;
        };
        for other in imports(&manifest)? {
            if !allowed.contains(&other) {
                wrong.push(format!("{room} imports {other}, which its row does not allow"));
            }
        }
    }
    for room in table.keys() {
        if !root().join("crates").join(room).exists() {
            wrong.push(format!("the table has a row for {room}, but there is no crates/{room}"));
        }
    }
    println!("\n── rooms: {rooms} rooms, {} wrong arrows", wrong.len());
    if wrong.is_empty() { Ok(()) } else { bail!("ARCHITECTURE.md's rooms table: {}", wrong.join("; ")) }
}

/// Rows `| room | what | may import |` between the heading "## Rooms" and the next heading.
fn parse(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let section = text.split("\n## Rooms").nth(1).context("ARCHITECTURE.md has no section 'Rooms'")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut table = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [room, _, imports] = cells[..] else { bail!("a row of the rooms table has not three cells: {line}") };
        let imports = imports.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "–");
        table.insert(room.trim_matches('`').to_owned(), imports.map(str::to_owned).collect());
    }
    Ok(table)
}

/// Rooms that a manifest imports outside of its tests.
fn imports(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse()?;
    let mut found = Vec::new();
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
    fn a_wrong_arrow_is_seen() {
        let table =
            parse("x\n## Rooms\n\n| room | what | may import |\n|---|---|---|\n| a | – | b, c |\n\n## Next\n").unwrap();
        assert!(table["a"].contains("c") && !table["a"].contains("d"));
        let manifest = "[dependencies]\nworldwright-b = 1\nserde = 1\n[dev-dependencies]\nworldwright-e = 1\n";
        assert_eq!(imports(manifest).unwrap(), ["b"]);
    }
}
