//! Mutated texts: whatever they say, reading, grounding, a short search and the judge end within limits and without a panic.
//!
//! `WORLDWRIGHT_FUZZ_CASES` sets how many are tried.

use std::path::Path;
use std::time::{Duration, Instant};

use worldwright_core::{Interrupt, Key, Rng};
use worldwright_symbolic::{
    Algorithm, Resources, SearchOptions, ground_within, parse_domain_within, parse_problem_within, search, validate,
    validate_plan,
};
use worldwright_testkit::cases;

/// Pieces of PDDL that mutations put in.
const PIECES: [&str; 36] = [
    "(",
    ")",
    "(and",
    "(or",
    "(not",
    "(forall (?x)",
    "(exists (?x ?y)",
    "(when",
    "(imply",
    "(=",
    "?x",
    "?y",
    "- object",
    "-",
    "either",
    "(either object)",
    ":types",
    ":parameters ()",
    ":precondition",
    ":effect",
    "(increase (total-cost) 1)",
    "(:metric minimize (total-cost))",
    "(:constants a)",
    "object",
    "()",
    "16777215",
    "-1",
    "1e400",
    "nan",
    ";",
    "\n",
    "\u{feff}",
    "é",
    "\0",
    "define",
    "(:derived (p))",
];

/// A number below a bound, 0 if the bound is 0.
fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound.max(1) as u64) as usize
}

/// The borders of a text's tokens.
fn borders(text: &str) -> Vec<usize> {
    let is_border = |(i, c): (usize, char)| (c.is_whitespace() || c == '(' || c == ')').then_some(i);
    let mut borders: Vec<usize> = text.char_indices().filter_map(is_border).collect();
    borders.push(text.len());
    borders
}

fn mutate(text: &str, other: &str, rng: &mut Rng) -> String {
    let mut text = text.to_owned();
    for _ in 0..1 + below(rng, 4) {
        let places = borders(&text);
        let a = places[below(rng, places.len())];
        let b = places[below(rng, places.len())];
        let (start, end) = (a.min(b), a.max(b));
        text = match below(rng, 9) {
            0 => format!("{} {} {}", &text[..start], PIECES[below(rng, PIECES.len())], &text[start..]),
            1 => text[..start].to_owned(),
            // A part is left out, said twice, or put elsewhere; short ones more often.
            2 => {
                let end = places.iter().copied().find(|&place| place > start).unwrap_or(start);
                format!("{}{}", &text[..start], &text[end..])
            }
            3 => format!("{}{}", &text[..start], &text[end..]),
            4 => format!("{}{}{}", &text[..end], &text[start..end], &text[end..]),
            5 => {
                let to = places[below(rng, places.len())];
                format!("{}{}{}", &text[..to], &text[start..end], &text[to..])
            }
            6 => {
                let theirs = borders(other);
                let c = theirs[below(rng, theirs.len())];
                let d = theirs[below(rng, theirs.len())];
                format!("{}{}{}", &text[..start], &other[c.min(d)..c.max(d)], &text[end..])
            }
            7 => {
                let words: Vec<&str> = text.split_whitespace().collect();
                match (words.get(below(rng, words.len())), words.get(below(rng, words.len()))) {
                    (Some(from), Some(to)) => text.replacen(from, to, 3),
                    _ => text,
                }
            }
            _ => {
                let c = char::from_u32(below(rng, 0x500) as u32).unwrap_or('(');
                format!("{}{c}{}", &text[..start], &text[start..])
            }
        };
        text = text.chars().take(200_000).collect();
    }
    text
}

#[test]
fn mutated_texts_end_in_a_plan_or_an_error() {
    let cases = u64::from(cases(150));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pddl");
    let mut pairs = Vec::new();
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix("-domain.pddl").map(str::to_owned))
        .collect();
    names.sort();
    for name in names {
        let text = |end: &str| std::fs::read_to_string(folder.join(format!("{name}-{end}.pddl"))).unwrap();
        pairs.push((text("domain"), text("01")));
    }
    let (mut read, mut grounded, mut solved) = (0, 0, 0);
    for case in 0..cases {
        let mut rng = Key::new(case).rng();
        let (mut domain, mut problem) = pairs[below(&mut rng, pairs.len())].clone();
        let (other_domain, other_problem) = &pairs[below(&mut rng, pairs.len())];
        match below(&mut rng, 3) {
            0 => domain = mutate(&domain, other_domain, &mut rng),
            1 => problem = mutate(&problem, other_problem, &mut rng),
            _ => {
                domain = mutate(&domain, other_domain, &mut rng);
                problem = mutate(&problem, other_problem, &mut rng);
            }
        }
        let started = Instant::now();
        let resources = Resources::new(Some(Duration::from_secs(2)), Some(256 << 20), Interrupt::never());
        let parsed = parse_domain_within("d.pddl", &domain, &resources).and_then(|domain| {
            let problem = parse_problem_within(&domain, "p.pddl", &problem, &resources)?;
            Ok((domain, problem))
        });
        let (domain, problem) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                assert!(!error.message.is_empty() && error.to_string().len() < 5000, "{case}: {error}");
                continue;
            }
        };
        read += 1;
        // A mutated plan is judged as well.
        let plan = mutate("(move a b)\n(pick-up a) (stack a b) ; cost = 2", &other_problem[..100], &mut rng);
        let _judged = validate(&domain, &problem, "plan", &plan);
        if let Ok(task) = ground_within(&domain, &problem, &resources) {
            grounded += 1;
            let algorithm = Algorithm::ALL[below(&mut rng, 2)];
            let mut options = SearchOptions::new(algorithm);
            options.limits.expansions = Some(200);
            options.limits.time = Some(Duration::from_secs(1));
            options.limits.memory_bytes = Some(256 << 20);
            let report = search(&task, &options).unwrap();
            if let Some(plan) = &report.plan {
                assert_eq!(validate_plan(&domain, &problem, plan), Ok(plan.cost), "case {case}");
                solved += 1;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(60), "case {case} hangs");
    }
    assert!(solved > 0 && grounded >= solved && read >= grounded);
}
