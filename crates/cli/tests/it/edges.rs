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
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.gif")).unwrap(), "keep me");
}
