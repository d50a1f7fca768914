//! Files and folders that appear whole or not at all: made beside their place, then renamed into it.
//!
//! What is being made is called `.NAME.worldwright-part`, so that no file of somebody else's is ever in the way. What a killed attempt
//! leaves under that name is replaced by the next.

use std::fs::{self, File};
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};

use worldwright_core::uninterrupted;

/// The name under which `path` is made.
pub fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // File systems hold names of up to 255 bytes.
    let kept: String = name.chars().take(50).collect();
    path.with_file_name(format!(".{kept}{PART}"))
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
    let remove = || uninterrupted(|| if part.is_dir() { fs::remove_dir_all(&part) } else { fs::remove_file(&part) });
    let ready = || -> Result<()> {
        if let Some(folder) = path.parent() {
            uninterrupted(|| fs::create_dir_all(folder))?;
        }
        if part.symlink_metadata().is_ok() { remove() } else { Ok(()) }
    };
    ready().map_err(|error| failed(&error))?;
    let made = make(&part).and_then(|made| {
        let placed = uninterrupted(|| fs::rename(&part, path))
            .and_then(|()| sync_folder(path.parent().unwrap_or(Path::new("."))));
        placed.map(|()| made).map_err(|error| failed(&error))
    });
    made.inspect_err(|_| _ = remove())
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
        // What a killed attempt left is in nobody's way.
        fs::write(part_of(&path), b"half").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(write_whole(&path.join("below"), b"x").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two");
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
