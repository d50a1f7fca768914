//! Nothing of a user's is written over, no flag is taken and ignored, and a run that learned nothing says so.

use crate::in_folder;

const DOMAIN: &str =
    "(define (domain d) (:predicates (p) (q)) (:action a :parameters () :precondition (p) :effect (q)))";
const PROBLEM: &str = "(define (problem x) (:domain d) (:init (p)) (:goal (q)))";

#[test]
fn a_file_that_is_there_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("d.pddl", DOMAIN);
    write("p.pddl", PROBLEM);
    write("mine.txt", "keep me");
    let refused = |arguments: &[&str], words: &str| {
        let output = in_folder(folder.path(), arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    };
    let plan = |more: &[&'static str]| [&["plan", "--domain", "d.pddl", "--problem", "p.pddl"][..], more].concat();
    refused(&plan(&["--out", "mine.txt"]), "exists already");
    refused(&plan(&["--search", "gbfs", "--ties", "none"]), "--ties");
    refused(&plan(&["--heuristic", "hmax", "--ties", "border"]), "--ties");
    refused(&plan(&["--seed", "3"]), "--seed");
    let done = in_folder(folder.path(), &plan(&["--out", "new.txt", "--ties", "none"]));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.txt")).unwrap(), "keep me");
}

#[test]
fn a_file_that_is_no_text_in_utf8_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = DOMAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin = [b"; caf\xE9\n", DOMAIN.as_bytes()].concat();
    std::fs::write(folder.path().join("p.pddl"), PROBLEM).unwrap();
    for (content, words) in [
        (latin.as_slice(), "bad: is not text in UTF-8 (line 1): change it, from Latin-1 by `iconv"),
        (&utf16, "bad: is not text in UTF-8 but seems to be in UTF-16: change it by `iconv"),
        (b"\x1F\x8B\x08\0\0\0\0\0", "bad: is compressed by gzip as a whole: unpack it first"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0", "bad: is not text in UTF-8 but holds the bytes of a binary file"),
    ] {
        std::fs::write(folder.path().join("bad"), content).unwrap();
        for arguments in [
            &["plan", "--domain", "bad", "--problem", "p.pddl"][..],
            &["plan", "--pomdp", "bad"],
            &["plan", "pendulum", "--config", "bad"],
        ] {
            let output = in_folder(folder.path(), arguments);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
        }
    }
    std::fs::write(folder.path().join("marked"), ["\u{FEFF}", DOMAIN].concat()).unwrap();
    let done = in_folder(folder.path(), &["plan", "--domain", "marked", "--problem", "p.pddl"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_run_that_ends_before_its_first_fit_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = in_folder(folder.path(), arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let short = ["learn", "pendulum", "--steps", "20", "--run-dir", "run", "evaluation.episodes=1", "model=linear"];
    let (done, out, err) = run(&short);
    assert!(done && out.contains("nothing: the run ended before its first fit"), "{out}{err}");
    let (done, _, err) = run(&["eval", "run", "--episodes", "1"]);
    assert!(done && err.contains("the run ended before its first fit, and acts at random"), "{err}");
    let (done, _, err) = run(&["plan", "run"]);
    assert!(!done && err.contains("run has no plans: the run ended before its first fit"), "{err}");
    std::fs::write(folder.path().join("mine.gif"), "keep me").unwrap();
    for (film, words) in [("mine.gif", "exists already"), ("film.png", "does not end in .gif")] {
        let (done, _, err) = run(&["eval", "run", "--episodes", "1", "--film", film]);
        assert!(!done && err.contains(words), "{film}: {err}");
    }
    std::fs::create_dir(folder.path().join("kept")).unwrap();
    for flag in ["--out", "--picture"] {
        for path in ["mine.gif", "kept", "run/run.toml"] {
            let (done, _, err) = run(&["report", "run", flag, path]);
            assert!(!done && err.contains(&format!("{flag}: {path} exists already")), "{err}");
        }
    }
    let (done, _, err) = run(&["report", "run", "--out", "page.html", "--picture", "page.html"]);
    assert!(!done && err.contains("--picture: page.html is the page's own file"), "{err}");
    // The run's own page is written anew, whichever way it is named.
    for more in [&[][..], &["--out", "run/report.html", "--picture", "new.svg"]] {
        let (done, _, err) = run(&[&["report", "run"][..], more].concat());
        assert!(done, "{err}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.gif")).unwrap(), "keep me");
}
