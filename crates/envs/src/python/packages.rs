//! Packages: what users call them, and whether what pip wrote down of them is still there.
//!
//! pip leaves a folder `NAME-VERSION.dist-info` beside each package's modules, whose RECORD lists every file with its size. To see
//! whether they are all there takes milliseconds and starts no interpreter.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Suite;

/// Extras of Gymnasium: `worldwright env install gym box2d` brings what `pip install gymnasium[box2d]` would.
const EXTRAS: &[&str] = &["atari", "box2d", "classic-control", "jax", "mujoco", "other", "torch", "toy-text"];

/// What pip is asked for when a user names `package`.
pub(super) fn requirements(suite: &Suite, package: &str) -> Vec<String> {
    match (package, suite) {
        // Half of its environments fail with later MuJoCos, to whose enumerations they compare numbers.
        ("robotics", Suite::Own(_)) => vec!["gymnasium-robotics".to_owned(), "mujoco<3.4".to_owned()],
        ("robotics", _) => vec!["gymnasium-robotics".to_owned()],
        (extra, Suite::Gym | Suite::Own(_)) if EXTRAS.contains(&extra) => vec![format!("gymnasium[{extra}]")],
        (other, _) => vec![other.to_owned()],
    }
}

/// The distribution that a requirement names, in the one form that pip compares them in; `None` for an address or a path.
pub(super) fn distribution(requirement: &str) -> Option<String> {
    let name =
        requirement.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).next().unwrap_or_default();
    let rest = requirement[name.len()..].trim_start();
    // `name @ address` still names it; a bare address or path does not.
    let is_plain = rest.is_empty() || rest.starts_with(['[', '=', '<', '>', '~', '!', ';', '@']);
    (is_plain && !name.is_empty() && !requirement.contains(std::path::MAIN_SEPARATOR) || rest.starts_with('@'))
        .then(|| normalized(name))
}

fn normalized(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// Where the packages of a virtual environment lie.
pub(super) fn site_packages(folder: &Path) -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(folder.join("Lib").join("site-packages")).filter(|path| path.is_dir());
    }
    let mut versions: Vec<PathBuf> =
        fs::read_dir(folder.join("lib")).ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions.into_iter().map(|version| version.join("site-packages")).find(|path| path.is_dir())
}

/// A package as pip wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    /// Its name as pip compares names.
    pub(super) name: String,
    pub(super) version: String,
    /// How many of its files are gone or shorter than they were.
    pub(super) lost: usize,
    pub(super) files: usize,
}

/// What pip wrote down of a package: its files with their sizes.
struct Record {
    name: String,
    version: String,
    files: Vec<(PathBuf, u64)>,
}

impl Suite {
    /// Where its packages lie, once it is there.
    pub(super) fn site_packages(&self) -> Option<PathBuf> {
        site_packages(&self.folder().ok()?)
    }
}

/// All packages under `site_packages`.
pub(super) fn installed(site_packages: &Path) -> Vec<Installed> {
    let entries = fs::read_dir(site_packages).into_iter().flatten().flatten();
    let records: Vec<Record> = entries
        .filter_map(|entry| {
            let folder = entry.file_name().into_string().ok()?;
            let (name, version) = folder.strip_suffix(".dist-info")?.rsplit_once('-')?;
            let record = fs::read_to_string(entry.path().join("RECORD")).unwrap_or_default();
            Some(Record {
                name: normalized(name),
                version: version.to_owned(),
                files: record.lines().filter_map(recorded).collect(),
            })
        })
        .collect();
    // Packages may write over each other's files, as pygame and pygame-ce do: what is there is one of the two, and whole as that one.
    let mut least: HashMap<&Path, u64> = HashMap::new();
    for (path, size) in records.iter().flat_map(|record| &record.files) {
        least.entry(path).and_modify(|other| *other = (*other).min(*size)).or_insert(*size);
    }
    let is_lost = |path: &Path| !is_there(&site_packages.join(path), least.get(path).copied().unwrap_or(0));
    let mut found: Vec<Installed> = records
        .iter()
        .map(|Record { name, version, files }| {
            let lost = files.iter().filter(|(path, _)| is_lost(path)).count();
            // A record that is gone itself is a file that is gone.
            let (lost, count) = if files.is_empty() { (1, 1) } else { (lost, files.len()) };
            Installed { name: name.clone(), version: version.clone(), lost, files: count }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// A line of a RECORD: `path,hash,size`, the path in quotes where it holds a comma; without a size it is enough that it is there. What
/// Python compiles by itself counts for nothing.
fn recorded(line: &str) -> Option<(PathBuf, u64)> {
    let (rest, size) = line.rsplit_once(',')?;
    let (path, _hash) = rest.rsplit_once(',')?;
    let path = path.trim_matches('"');
    if path.contains("__pycache__") || path.starts_with("..") {
        return None;
    }
    Some((PathBuf::from(path), size.trim().parse().unwrap_or(0)))
}

fn is_there(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() >= size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_say_is_what_pip_reads() {
        let own = Suite::Own("mine".into());
        assert_eq!(requirements(&Suite::Gym, "box2d"), ["gymnasium[box2d]"]);
        assert_eq!(requirements(&own, "atari"), ["gymnasium[atari]"]);
        assert_eq!(requirements(&Suite::Gym, "robotics"), ["gymnasium-robotics"]);
        assert_eq!(requirements(&own, "robotics"), ["gymnasium-robotics", "mujoco<3.4"]);
        assert_eq!(requirements(&Suite::Gym, "highway-env==1.10"), ["highway-env==1.10"]);
        for (given, name) in [
            ("gymnasium[box2d]", Some("gymnasium")),
            ("Gym_PushT>=0.1; python_version > '3'", Some("gym-pusht")),
            ("thing @ https://example.org/thing.whl", Some("thing")),
            ("https://example.org/thing.whl", None),
            ("./folder", None),
        ] {
            assert_eq!(distribution(given).as_deref(), name, "{given}");
        }
    }

    #[test]
    fn files_that_are_gone_are_counted() {
        let folder = std::env::temp_dir().join(format!("worldwright-packages-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("Some_Thing-1.2.dist-info")).expect("a folder");
        fs::write(folder.join("thing.py"), "x = 1\n").expect("a file");
        let record = "thing.py,sha256=abc,6\n\"odd,name.py\",sha256=abc,3\n__pycache__/thing.pyc,,\n../../bin/thing,sha256=a,9\n";
        fs::write(folder.join("Some_Thing-1.2.dist-info/RECORD"), record).expect("a file");
        let expected = |lost| vec![Installed { name: "some-thing".into(), version: "1.2".into(), lost, files: 2 }];
        assert_eq!(installed(&folder), expected(1));
        fs::write(folder.join("odd,name.py"), "y\n\n").expect("a file");
        assert_eq!(installed(&folder), expected(0));
        fs::write(folder.join("thing.py"), "x").expect("a file");
        assert_eq!(installed(&folder), expected(1), "a file that was cut");
        fs::create_dir_all(folder.join("other_thing-1.0.dist-info")).expect("a folder");
        fs::write(folder.join("other_thing-1.0.dist-info/RECORD"), "thing.py,sha256=abc,1\n").expect("a file");
        let lost = installed(&folder).iter().map(|package| package.lost).sum::<usize>();
        assert_eq!(lost, 0, "a file that another package wrote over");
        let _ = fs::remove_dir_all(&folder);
    }
}
