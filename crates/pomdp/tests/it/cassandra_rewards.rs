//! Rewards of a text in Cassandra's format by their definition: the last rule that fits, expected over what follows.

use worldwright_core::Rng;
use worldwright_pomdp::parse_pomdp;
use worldwright_testkit::cases;

const STATES: usize = 1500;
const OBSERVATIONS: usize = 3;

/// `R: a : s : s' : o`, whose missing parts fit anything.
struct Rule {
    parts: [Option<usize>; 4],
    reward: f64,
}

/// A few rules, more of them of single states; `free` are the places of a rule that may be missing.
fn rules(rng: &mut Rng) -> Vec<Rule> {
    let kinds: &[[bool; 4]] = &[
        [true, true, true, true],
        [false, true, true, false],
        [true, true, false, true],
        [true, true, false, false],
        [true, false, true, false],
        [true, false, false, true],
        [true, false, false, false],
        [false, false, false, false],
    ];
    let sizes = [2, STATES, STATES, OBSERVATIONS];
    // Only some kinds in a case, so that each way of computing has its turn.
    let some: Vec<[bool; 4]> = kinds.iter().copied().filter(|_| rng.below(2) == 0).collect();
    (0..if some.is_empty() { 0 } else { 40 })
        .map(|_| {
            let kind = some[rng.below(some.len() as u64) as usize];
            let parts = std::array::from_fn(|i| kind[i].then(|| rng.below(sizes[i] as u64) as usize % 40));
            Rule { parts, reward: (rng.normal() * 100.0).round() }
        })
        .collect()
}

#[test]
fn states_with_rules_of_their_own_are_paid_by_definition() {
    for case in 0..u64::from(cases(15)) {
        let mut rng = worldwright_core::Key::new(31).fold(case).rng();
        let rules = rules(&mut rng);
        let few: Vec<usize> = (0..STATES).filter(|_| rng.below(2) == 0).collect();
        let mut text = format!(
            "discount: 0.9\nvalues: reward\nstates: {STATES}\nactions: 2\nobservations: {OBSERVATIONS}\nstart include: {}\n",
            few.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        );
        text.push_str("T: 0 : * uniform\nT: 1 : * reset\nT: 1 : 3 uniform\nO: * uniform\nO: 0 : 7\n0.5 0.25 0.25\n");
        for Rule { parts, reward } in &rules {
            let word = |part: &Option<usize>| part.map_or_else(|| "*".to_owned(), |part| part.to_string());
            text.push_str(&format!("R: {} {reward}\n", parts.iter().map(word).collect::<Vec<_>>().join(" : ")));
        }
        let table = parse_pomdp("rules", &text).unwrap().table;
        for (state, action) in (0..60).flat_map(|state| [(state, 0), (state, 1)]) {
            let all = action == 0 || state == 3;
            let count = if all { STATES } else { few.len() };
            let mut want = 0.0;
            for next in 0..STATES {
                if !all && few.binary_search(&next).is_err() {
                    continue;
                }
                for observation in 0..OBSERVATIONS {
                    let seen = match (action, next) {
                        (0, 7) => [0.5, 0.25, 0.25][observation],
                        _ => 1.0 / OBSERVATIONS as f64,
                    };
                    let what = [action, state, next, observation];
                    let fits = |rule: &&Rule| {
                        rule.parts.iter().zip(what).all(|(part, what)| part.is_none_or(|part| part == what))
                    };
                    let paid = rules.iter().rev().find(fits).map_or(0.0, |rule| rule.reward);
                    want += seen * paid / count as f64;
                }
            }
            let got = table.reward(state, action);
            assert!(
                (got - want).abs() < 1e-9,
                "case {case}: state {state}, action {action}: {got}, not {want}\n{text}"
            );
        }
    }
}
