//! Finding, checking and installing suites, in a program of their own, so that their variables reach no other test.

use std::path::{Path, PathBuf};
use std::process::Command;

use worldwright_core::Interrupt;
use worldwright_envs::python::{Health, Suite, doctor, further_packages, install, state};

/// What the tests below start; each prints what it sees.
#[test]
#[ignore = "only the other tests start it"]
fn in_a_program_of_its_own() {
    let mut progress = Vec::new();
    match std::env::var("WORLDWRIGHT_TEST_ROLE").expect("a role").as_str() {
        "doctor" => {
            for finding in doctor() {
                eprintln!(
                    "{} | {:?} | {} | {}",
                    finding.subject,
                    finding.health,
                    finding.detail,
                    finding.mend.unwrap_or_default()
                );
            }
        }
        "state" => {
            for suite in Suite::all().expect("a data folder") {
                let (state, packages) = (state(&suite).expect("a state"), further_packages(&suite).expect("a list"));
                eprintln!("{suite} | {state:?} | {packages:?}");
            }
        }
        "add" => {
            let words = std::env::var("WORLDWRIGHT_TEST_PACKAGES").expect("a suite and packages");
            let mut words = words.split(' ').map(str::to_owned);
            let (name, packages) = (words.next().expect("a suite"), words.collect::<Vec<_>>());
            let suite = Suite::to_install(&name, &packages);
            match suite.and_then(|suite| {
                install(&suite, &packages, &Interrupt::never(), &mut |line| progress.push(line.to_owned()))
            }) {
                Ok(interpreter) => eprintln!("installed {}", interpreter.display()),
                Err(error) => eprintln!("error {error}"),
            }
        }
        "install" => match install(&Suite::Gym, &[], &Interrupt::never(), &mut |line| progress.push(line.to_owned())) {
            Ok(interpreter) => eprintln!("installed {}", interpreter.display()),
            Err(error) => eprintln!("error {error}"),
        },
        other => panic!("no role '{other}'"),
    }
}

fn run(role: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "suites::in_a_program_of_its_own", "--ignored", "--nocapture"])
        .env("WORLDWRIGHT_TEST_ROLE", role)
        .env("WORLDWRIGHT_DATA_DIR", folder)
        .env_remove("WORLDWRIGHT_PYTHON_GYM")
        .env_remove("WORLDWRIGHT_PYTHON_DMC")
        .envs(variables.iter().copied())
        .output()
        .expect("this program starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("worldwright-suites-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn the_doctor_tells_missing_from_broken_and_how_to_mend_each() {
    let folder = folder("doctor");
    let text = run("doctor", &folder, &[]);
    assert!(text.contains("data folder | Fine"), "{text}");
    assert!(text.contains("suite gym | Missing") && text.contains("run `worldwright env install gym`"), "{text}");
    assert!(text.contains("suite dmc | Missing"), "{text}");
    let text = run("doctor", &folder, &[("WORLDWRIGHT_PYTHON_GYM", "/nonexistent/python")]);
    assert!(text.contains("suite gym | Broken") && text.contains("correct WORLDWRIGHT_PYTHON_GYM"), "{text}");
    let text = run("doctor", &folder, &[("WORLDWRIGHT_DATA_DIR", "/proc/worldwright")]);
    assert!(text.contains("data folder | Broken") && text.contains("set WORLDWRIGHT_DATA_DIR"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_suite_that_is_named_is_compared_with_the_pins() {
    for suite in Suite::PINNED {
        if super::interpreter(suite).is_none() {
            continue;
        }
        let found = doctor().into_iter().find(|finding| finding.subject == format!("suite {}", suite.name()));
        let found = found.expect("a finding for every suite");
        assert!(matches!(found.health, Health::Fine | Health::Differs), "{found:?}");
    }
}

/// Wheels of packages that hold one empty module each, for an index without a network; `hungry` wants what there is not.
fn wheels(folder: &Path) -> Option<PathBuf> {
    const MAKE: &str = "import sys, zipfile
for name in ('gymnasium', 'numpy', 'worlds', 'hungry'):
    with zipfile.ZipFile(f'{sys.argv[1]}/{name}-1.0-py3-none-any.whl', 'w') as wheel:
        info = f'{name}-1.0.dist-info'
        needs = 'Requires-Dist: numpy>=2' if name == 'hungry' else ''
        wheel.writestr(f'{name}.py', 'x = 1')
        wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n{needs}\\n')
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(f'{info}/RECORD', f'{name}.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n')
";
    let wheels = folder.join("wheels");
    std::fs::create_dir_all(&wheels).expect("a folder");
    let made = Command::new("python3").args(["-c", MAKE]).arg(&wheels).status();
    let venv = Command::new("python3").args(["-c", "import venv, ensurepip"]).status();
    let both = made.is_ok_and(|status| status.success()) && venv.is_ok_and(|status| status.success());
    if !both {
        eprintln!("SKIPPED {}: no python3 with venv", std::thread::current().name().unwrap_or("a test"));
    }
    both.then_some(wheels)
}

#[test]
fn a_suite_of_ones_own_is_made_added_to_and_told_truly() {
    let folder = folder("own");
    let Some(wheels) = wheels(&folder) else { return };
    let go = |role: &str, packages: &str| {
        let links = wheels.to_string_lossy().into_owned();
        let offline = [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", &links), ("WORLDWRIGHT_TEST_PACKAGES", packages)];
        run(role, &folder, &offline)
    };
    let text = go("add", "mine");
    assert!(text.contains("there is no 'mine'") && text.contains("worldwright env install mine PACKAGE…"), "{text}");
    let text = go("add", "Mine worlds");
    assert!(text.contains("'Mine' cannot name one"), "{text}");
    let text = go("add", "mine worlds");
    assert!(text.contains("installed ") && text.contains("mine"), "{text}");
    let text = go("state", "");
    assert!(text.contains("gym | Absent | []") && text.contains("mine | Complete | [\"worlds\"]"), "{text}");

    // What cannot be had leaves everything as it was.
    let text = go("add", "mine nowhere-to-be-found");
    assert!(
        text.contains("error installing mine") && text.contains("the package index has no nowhere-to-be-found"),
        "{text}"
    );
    let text = go("add", "mine hungry");
    assert!(text.contains("error installing mine"), "{text}");
    let text = go("state", "");
    assert!(text.contains("mine | Complete | [\"worlds\"]"), "{text}");

    // A kill while packages are added leaves what was wanted beside what is there.
    std::fs::write(folder.join("python/mine-packages.txt"), "worlds\nnumpy<2\n").expect("a file");
    let text = go("state", "");
    assert!(
        text.contains("adding numpy<2 was not finished") && text.contains("`worldwright env install mine`"),
        "{text}"
    );
    let text = go("doctor", "");
    assert!(text.contains("suite mine | Differs") && text.contains("adding numpy<2 was not finished"), "{text}");
    let text = go("add", "mine");
    assert!(text.contains("installed "), "{text}");
    assert!(go("state", "").contains("mine | Complete | [\"worlds\", \"numpy<2\"]"));
    assert!(go("doctor", "").contains("suite mine | Fine | gymnasium 1.0 with worlds, numpy<2"));

    // A module that is gone, although the list of packages still has it.
    let gone = Command::new("find").arg(folder.join("python/mine")).args(["-name", "numpy.py", "-delete"]).status();
    assert!(gone.expect("find").success());
    let text = go("state", "");
    assert!(text.contains("mine | Damaged") && text.contains("files of numpy are gone"), "{text}");
    let text = go("doctor", "");
    assert!(text.contains("suite mine | Broken") && text.contains("run `worldwright env install mine`"), "{text}");
    let text = go("add", "mine");
    assert!(text.contains("installed "), "{text}");
    assert!(go("state", "").contains("mine | Complete | [\"worlds\", \"numpy<2\"]"), "all of it is there again");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
#[cfg(unix)]
fn an_installation_that_was_killed_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("killed");
    // A Python whose virtual environments look made long before they are whole.
    let slow = folder.join("python3");
    let text = "#!/bin/sh\ncase \"$*\" in\n  \"-m venv \"*) mkdir -p \"$3/bin\"; cp \"$0\" \"$3/bin/python\"; exec sleep 20;;\n  \
                *) echo 3 11 7;;\nesac\n";
    std::fs::write(&slow, text).expect("a file");
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).expect("its rights");
    let mut installer = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "suites::in_a_program_of_its_own", "--ignored", "--nocapture"])
        .envs([("WORLDWRIGHT_TEST_ROLE", "install"), ("WORLDWRIGHT_PYTHON", &slow.to_string_lossy())])
        .env("WORLDWRIGHT_DATA_DIR", &folder)
        .env_remove("WORLDWRIGHT_PYTHON_GYM")
        .spawn()
        .expect("this program starts");
    let interpreter = folder.join("python/gym/bin/python");
    let begun = std::time::Instant::now();
    while !interpreter.is_file() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "nothing is installed");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let text = run("state", &folder, &[]);
    assert!(text.contains("another process installs it"), "{text}");
    installer.kill().expect("SIGKILL");
    installer.wait().expect("its status");
    for role in ["state", "doctor"] {
        let text = run(role, &folder, &[]);
        assert!(text.contains("its installation was not finished"), "{text}");
        assert!(text.contains("run `worldwright env install gym`"), "{text}");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn installing_without_what_it_needs_says_what_to_do() {
    let folder = folder("install");
    let text = run("install", &folder, &[("PATH", "/nonexistent")]);
    assert!(text.contains("error python3: no Python was found") && text.contains("apt install python3"), "{text}");
    let text = run("install", &folder, &[("WORLDWRIGHT_PYTHON", "/nonexistent/python")]);
    assert!(text.contains("does not start as a Python interpreter"), "{text}");
    let text = run("install", &folder, &[("WORLDWRIGHT_DATA_DIR", "/proc/worldwright")]);
    assert!(text.contains("set WORLDWRIGHT_DATA_DIR") || text.contains("no Python was found"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn installing_without_a_network_says_so() {
    // Nothing listens on the discard port, so that this is an index that cannot be reached.
    let folder = folder("offline");
    let variables = [("PIP_INDEX_URL", "http://127.0.0.1:9/simple"), ("PIP_RETRIES", "0"), ("PIP_NO_CACHE_DIR", "1")];
    let text = run("install", &folder, &variables);
    let fitting = text.contains("index cannot be reached");
    let no_python = text.contains("no Python was found") || text.contains("python3-venv");
    assert!(fitting || no_python, "{text}");
    assert!(!text.contains("installed "), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}
