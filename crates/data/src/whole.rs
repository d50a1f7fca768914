//! Files and folders that appear whole or not at all: made beside their place, then renamed into it.
//!
//! What is being made is called `.NAME.PROCESS-NUMBER.worldwright-part`, so that no file of somebody else's is ever in the way, and no two
//! attempts write into each other's, whatever their names and processes. What a killed attempt left is taken away by a later one at the
//! same place, once its process is gone and nothing has changed there for a day: another machine may be writing in a shared folder.

use std::fs::{self, File};
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use worldwright_core::uninterrupted;

/// A name under which `path` can be made, another one at each call.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{}.{}-{number}{PART}", kept(path), std::process::id()))
}

/// As much of a name as leaves room for the rest: file systems hold names of up to 255 bytes.
fn kept(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().chars().take(50).collect()).unwrap_or_default()
}

/// Takes away what killed attempts at `path` left. What cannot be taken away is in nobody's way.
fn clear(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let head = format!(".{}", kept(path));
    let entries = uninterrupted(|| fs::read_dir(folder)).into_iter().flatten().filter_map(std::result::Result::ok);
    for part in entries.map(|entry| entry.path()) {
        let name = part.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(rest) = name.strip_prefix(&head).and_then(|rest| rest.strip_suffix(PART)) else { continue };
        let process = rest.strip_prefix('.').and_then(|rest| rest.split_once('-')?.0.parse::<u32>().ok());
        // Without a number it is of a version that had none and replaced it.
        if rest.is_empty() || process.is_some_and(|process| is_gone(process) && is_old(&part)) {
            _ = remove(&part);
        }
    }
}

/// Whether this machine can tell that it runs no such process.
fn is_gone(process: u32) -> bool {
    Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists()
}

/// Whether neither a file or folder nor what stands in it has changed for a day.
fn is_old(part: &Path) -> bool {
    let changed = |path: &Path| path.symlink_metadata().and_then(|about| about.modified()).ok();
    let within = fs::read_dir(part).into_iter().flatten().filter_map(|entry| changed(&entry.ok()?.path()));
    let newest = within.chain(changed(part)).max();
    newest.and_then(|newest| newest.elapsed().ok()).is_some_and(|age| age > Duration::from_secs(24 * 3600))
}

fn remove(part: &Path) -> Result<()> {
    uninterrupted(|| if part.is_dir() { fs::remove_dir_all(part) } else { fs::remove_file(part) })
}

/// How the names of what is being made end.
const PART: &str = ".worldwright-part";

/// Whether a file or folder is one that is being made, or that a killed attempt left.
pub fn is_part(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.') && name.ends_with(PART))
}

/// Writes a file so that a reader sees the old one or the new one, never a part, even across a power cut. What is no plain file, such as
/// a pipe or a terminal, is written to as it is, and a link stays a link.
///
/// # Errors
/// What the file system says; the old file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let target = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let part = part_of(&target);
    let attempt = || -> Result<()> {
        if let Some(folder) = target.parent() {
            uninterrupted(|| fs::create_dir_all(folder))?;
        }
        clear(&target);
        let mut file = File::create(&part)?;
        if let Some(there) = &there {
            uninterrupted(|| fs::set_permissions(&part, there.permissions()))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        uninterrupted(|| fs::rename(&part, &target))?;
        sync_folder(target.parent().unwrap_or(Path::new(".")))
    };
    attempt().inspect_err(|_| _ = uninterrupted(|| fs::remove_file(&part)))
}

/// Lets `make` make a file or a folder at another place and puts it at `path`, where nothing may be yet. When it fails, nothing is left.
///
/// # Errors
/// What `make` gives, and what `failed` makes of the file system's errors.
pub fn make_whole<T, E>(
    path: &Path,
    make: impl FnOnce(&Path) -> std::result::Result<T, E>,
    failed: impl Fn(&std::io::Error) -> E,
) -> std::result::Result<T, E> {
    let part = part_of(path);
    let ready = || -> Result<()> {
        if let Some(folder) = path.parent() {
            uninterrupted(|| fs::create_dir_all(folder))?;
        }
        clear(path);
        if part.symlink_metadata().is_ok() { remove(&part) } else { Ok(()) }
    };
    ready().map_err(|error| failed(&error))?;
    let made = make(&part).and_then(|made| {
        let placed = uninterrupted(|| fs::rename(&part, path))
            .and_then(|()| sync_folder(path.parent().unwrap_or(Path::new("."))));
        placed.map(|()| made).map_err(|error| failed(&error))
    });
    made.inspect_err(|_| _ = remove(&part))
}

/// Makes renames and new files of a folder durable, where the platform has such a thing.
///
/// # Errors
/// What the file system says.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_failed_attempt_leaves_the_old_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("report.html");
        write_whole(&path, b"one").unwrap();
        // What a killed attempt left is in nobody's way, and taken away once it is old.
        let of = |process: u32| place.path().join(format!(".report.html.{process}-0{PART}"));
        let (old, young, own) = (of(u32::MAX), of(u32::MAX - 1), of(std::process::id()));
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(48 * 3600);
        for part in [&old, &young, &own] {
            fs::write(part, b"half").unwrap();
        }
        for part in [&old, &own] {
            File::options().write(true).open(part).unwrap().set_modified(long_ago).unwrap();
        }
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!((old.exists(), young.exists(), own.exists()), (!cfg!(target_os = "linux"), true, true));
        assert!([&young, &own].into_iter().all(|part| is_part(part)));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), if old.exists() { 4 } else { 3 });
        assert!(write_whole(&path.join("below"), b"x").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn attempts_at_once_do_not_write_into_each_other() {
        let place = tempfile::tempdir().unwrap();
        let long = |end: &str| place.path().join(format!("{}{end}", "x".repeat(60)));
        let same = |error: &std::io::Error| std::io::Error::other(error.to_string());
        // One is made within the other: names that agree in their first letters, and then the same name.
        make_whole(
            &long("-a"),
            |part| {
                fs::write(part, b"a")?;
                make_whole(&long("-b"), |other| fs::write(other, b"b"), same)?;
                make_whole(&long("-a"), |other| fs::write(other, b"another"), same)
            },
            same,
        )
        .unwrap();
        assert_eq!((fs::read(long("-a")).unwrap(), fs::read(long("-b")).unwrap()), (b"a".to_vec(), b"b".to_vec()));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_stay_devices() {
        let place = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| place.path().join(name));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        write_whole(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_folder_that_fails_midway_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("above/out");
        let half = |part: &Path| -> Result<()> {
            fs::create_dir_all(part.join("data"))?;
            fs::write(part.join("data/0"), b"half")?;
            Err(std::io::Error::other("no more"))
        };
        let same = |error: &std::io::Error| std::io::Error::other(error.to_string());
        assert!(make_whole(&out, half, same).is_err());
        assert_eq!(fs::read_dir(place.path().join("above")).unwrap().count(), 0);
        make_whole(&out, |part| fs::create_dir(part), same).unwrap();
        assert!(out.is_dir());
    }
}
