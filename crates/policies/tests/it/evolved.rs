//! Policies whose numbers are tried as a whole.

use std::collections::BTreeMap;

use worldwright_core::{Batch, Dataset, Error, Mode, Rng, Settings, Space};
use worldwright_policies::{ALL, Build, EvolvedPolicy, PolicyContext};

fn each(space: &Space) -> Vec<Box<dyn EvolvedPolicy>> {
    let context = PolicyContext { inputs: 2, action_space: space.clone(), discount: 1.0, seed: 3 };
    let built = ALL.iter().filter_map(|entry| match entry.build {
        Build::Evolution(build) => {
            let settings = Settings::resolve(entry.name, entry.parameters, &BTreeMap::new()).unwrap();
            Some(build(&context, &settings).unwrap())
        }
        _ => None,
    });
    built.collect()
}

fn acts(policy: &mut dyn EvolvedPolicy, space: &Space, mode: Mode) -> Vec<f64> {
    let (mut seen, mut out) = (Batch::zeros(2, 20), Batch::zeros(space.flat_dim(), 20));
    let rng = &mut Rng::new(4);
    (0..20).for_each(|row| seen.columns_mut().set_row(row, &[10.0 * rng.normal(), rng.normal()]));
    policy.act(seen.columns(), mode, rng, &mut out).unwrap();
    for row in 0..20 {
        let mut flat = vec![0.0; space.flat_dim()];
        out.columns().copy_row(row, &mut flat);
        let action = space.unflatten(&flat).unwrap();
        let mut again = vec![0.0; flat.len()];
        space.flatten(&action, &mut again).unwrap();
        assert_eq!(again, flat, "{action:?}");
        if let Space::Box { low, high, .. } = space {
            assert!((0..flat.len()).all(|d| (low[d]..=high[d]).contains(&flat[d])), "{flat:?}");
        }
    }
    out.columns().as_slice().to_vec()
}

#[test]
fn numbers_are_the_whole_policy() {
    for space in [Space::vector(&[-2.0, 0.0], &[2.0, 1.0]), Space::discrete(3)] {
        for mut policy in each(&space) {
            let rng = &mut Rng::new(5);
            let numbers: Vec<f64> = (0..policy.size()).map(|_| rng.normal()).collect();
            policy.set(&numbers).unwrap();
            let done = acts(policy.as_mut(), &space, Mode::Explore);
            assert_eq!(done, acts(policy.as_mut(), &space, Mode::Exploit), "it draws nothing");
            // Every number says something: at least half of them do where they alone are moved.
            let mut moved = numbers.clone();
            moved.iter_mut().for_each(|number| *number = -*number);
            policy.set(&moved).unwrap();
            assert!(acts(policy.as_mut(), &space, Mode::Exploit) != done);
            policy.set(&numbers).unwrap();
            assert_eq!(acts(policy.as_mut(), &space, Mode::Exploit), done);
            assert!(matches!(policy.set(&numbers[1..]), Err(Error::Shape { .. })));
        }
    }
}

/// What was seen in other units is seen alike, and that is saved.
#[test]
fn what_is_seen_is_scaled_by_what_was_seen() {
    let space = Space::vector(&[-2.0], &[2.0]);
    for mut policy in each(&space) {
        let numbers: Vec<f64> = (0..policy.size()).map(|i| (i as f64).sin()).collect();
        policy.set(&numbers).unwrap();
        let before = acts(policy.as_mut(), &space, Mode::Exploit);
        let (mut data, rng) = (Dataset::new(2, 1), &mut Rng::new(6));
        for _ in 0..500 {
            let seen = [10.0 * rng.normal(), rng.normal()];
            data.push(&seen, &[0.0], 0.0, &seen, false, true).unwrap();
        }
        policy.see(&data);
        let after = acts(policy.as_mut(), &space, Mode::Exploit);
        assert!(before != after);
        let mut other = each(&space).remove(0);
        other.restore(&policy.save()).unwrap();
        other.set(&numbers).unwrap();
        assert_eq!(acts(other.as_mut(), &space, Mode::Exploit), after);
    }
}
