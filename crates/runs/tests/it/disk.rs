//! Disks that are full or cannot be written: clear errors, and nothing lost that was acknowledged.
//!
//! A small file system in memory is filled up to the last byte and to some that are left, so that the failure falls into each of
//! the files that a run writes. Where the system does not let a test mount one, that is printed and nothing is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use worldwright_runs::{Lists, Outcome, RunFolder};

use crate::tiny::{GO_ON, experiment, finish, run, stopped_at, trace};

/// A mounted file system, taken away when dropped.
struct Disk {
    place: tempfile::TempDir,
}

impl Disk {
    #[expect(clippy::print_stderr, reason = "a test that cannot be done must say so")]
    fn mounted(kib: usize) -> Option<Self> {
        let disk = Self { place: tempfile::tempdir().expect("a folder") };
        if disk.mount(&["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]) {
            return Some(disk);
        }
        eprintln!("not tested: this system does not let a test mount a file system");
        None
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("mount");
        command.args(arguments).arg(self.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Leaves so many KiB free.
    fn fill(&self, free_kib: usize) {
        let block = vec![0; 1024];
        let mut file = fs::File::create(self.ballast()).expect("ballast");
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        let length = file.metadata().expect("its length").len();
        file.set_len(length.saturating_sub(1024 * free_kib as u64)).expect("cut");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_is_a_clear_error_and_loses_nothing() {
    let Some(disk) = Disk::mounted(4096) else { return };
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let cut = disk.path().join("run");
    stopped_at(500, &cut);
    let mut reached = Vec::new();
    for free_kib in [0, 4, 8, 24, 64, 128, 160] {
        disk.fill(free_kib);
        match run(&Lists, &experiment(&[]), &cut, true, &GO_ON, Vec::new()) {
            Err(error) => {
                let error = error.to_string();
                let advice = error.contains("free some space") || error.contains("make room");
                assert!(error.contains(&*cut.to_string_lossy()) && advice, "{error}");
            }
            Ok(Outcome::Finished(_)) => break,
            Ok(other) => panic!("{other:?}"),
        }
        reached.push(RunFolder::new(&cut).read_metrics().unwrap().len());
    }
    assert!(reached.len() >= 4 && reached.last() > reached.first(), "rows written before each failure: {reached:?}");
    fs::remove_file(disk.ballast()).unwrap();
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn a_disk_that_cannot_be_written_is_a_clear_error_and_loses_nothing() {
    let Some(disk) = Disk::mounted(4096) else { return };
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let cut = disk.path().join("run");
    stopped_at(300, &cut);
    assert!(disk.mount(&["-o", "remount,ro"]));
    for (folder, resume) in [(cut.clone(), true), (disk.path().join("new"), false)] {
        let error = run(&Lists, &experiment(&[]), &folder, resume, &GO_ON, Vec::new()).unwrap_err().to_string();
        assert!(error.contains(&*folder.to_string_lossy()) && error.contains("--run-dir"), "{error}");
    }
    assert!(disk.mount(&["-o", "remount,rw"]));
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}
