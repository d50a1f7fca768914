//! What every policy that learns from experience keeps to.

use worldwright_core::{Batch, Dataset, Error, Interrupt, Learner, Mode, Rng, Setting, Settings, Space};
use worldwright_policies::{ALL, Build, LearnedPolicy, PolicyContext};
use worldwright_testkit::check_learner;

use crate::told::{policy, told};

fn spaces() -> Vec<Space> {
    vec![Space::vector(&[-2.0, 0.0], &[2.0, 1.0]), Space::discrete(3), Space::MultiBinary { shape: vec![2] }]
}

fn rows(space: &Space) -> Dataset {
    let rng = &mut Rng::new(7);
    let rows = (0..64).map(|i| {
        let mut action = vec![0.0; space.flat_dim()];
        space.flatten(&space.sample(rng), &mut action).unwrap();
        (vec![rng.normal(), rng.normal()], action, rng.normal(), vec![rng.normal(), rng.normal()], i % 7 == 0)
    });
    told([2, space.flat_dim()], rows)
}

fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|entry| matches!(entry.build, Build::Experience(_) | Build::Imitation(_))).map(|entry| entry.name)
}

/// A small policy of that name, or none where it has no use for such actions: then it says who has.
fn made(name: &str, space: &Space) -> Option<Box<dyn LearnedPolicy>> {
    match policy(name, 2, space, 0.9, &small(name)) {
        Ok(policy) => Some(policy),
        Err(Error::Unsupported { who, what }) => {
            assert!(who == name && names().any(|other| other != name && what.contains(other)), "{name}: {what}");
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn every_policy_has_a_use_for_some_actions() {
    for name in names() {
        assert!(spaces().iter().any(|space| made(name, space).is_some()), "{name}");
    }
}

/// A small batch, where a policy learns from batches.
fn small(name: &str) -> Vec<(&'static str, Setting)> {
    let has = ALL.iter().any(|entry| entry.name == name && entry.parameters.iter().any(|it| it.name == "batch"));
    if has { vec![("batch", Setting::Integer(16))] } else { Vec::new() }
}

#[test]
fn every_policy_that_learns_from_experience_is_a_sound_learner() {
    for space in spaces() {
        for name in names().filter(|name| made(name, &space).is_some()) {
            let build = || -> Box<dyn Learner> { policy(name, 2, &space, 0.9, &small(name)).unwrap() };
            check_learner(name, &build, &rows(&space));
        }
    }
}

#[test]
fn weights_alone_act_as_the_learner_does() {
    for space in spaces() {
        for name in names() {
            let [Some(mut one), Some(mut acting)] = [0; 2].map(|_| made(name, &space)) else { continue };
            let rng = &mut Rng::new(8);
            one.update(&rows(&space), rng, &Interrupt::never()).unwrap();
            acting.restore_weights(&one.weights()).unwrap();
            let (seen, mut left, mut right) =
                (Batch::zeros(2, 3), Batch::zeros(space.flat_dim(), 3), Batch::zeros(space.flat_dim(), 3));
            one.act(seen.columns(), Mode::Exploit, rng, &mut left).unwrap();
            acting.act(seen.columns(), Mode::Exploit, rng, &mut right).unwrap();
            assert_eq!(left.columns().as_slice(), right.columns().as_slice(), "{name}");
        }
    }
}

#[test]
fn actions_are_elements_of_their_space_in_either_mode() {
    for space in spaces() {
        for name in names() {
            let Some(mut it) = made(name, &space) else { continue };
            let (mut seen, mut out) = (Batch::zeros(2, 50), Batch::zeros(space.flat_dim(), 50));
            let rng = &mut Rng::new(9);
            for row in 0..50 {
                seen.columns_mut().set_row(row, &[1e3 * rng.normal(), rng.normal()]);
            }
            for mode in [Mode::Explore, Mode::Exploit] {
                it.act(seen.columns(), mode, rng, &mut out).unwrap();
                for row in 0..50 {
                    let mut flat = vec![0.0; space.flat_dim()];
                    out.columns().copy_row(row, &mut flat);
                    let action = space.unflatten(&flat).unwrap();
                    let mut again = vec![0.0; flat.len()];
                    space.flatten(&action, &mut again).unwrap();
                    assert_eq!(again, flat, "{name}: {action:?}");
                    if let Space::Box { low, high, .. } = &space {
                        assert!((0..flat.len()).all(|d| (low[d]..=high[d]).contains(&flat[d])), "{name}: {flat:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn wrong_shapes_are_errors() {
    for name in names() {
        let space = Space::discrete(3);
        let mut it = policy(name, 2, &space, 0.9, &small(name)).unwrap();
        let rng = &mut Rng::new(10);
        let wide = Batch::zeros(3, 1);
        let error = it.act(wide.columns(), Mode::Exploit, rng, &mut Batch::zeros(3, 1)).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{name}: {error}");
        let other = policy(name, 3, &space, 0.9, &small(name)).unwrap();
        assert!(it.restore(&other.save()).is_err(), "{name}");
    }
}

/// Values without a policy are learners too.
#[test]
fn values_alone_are_a_sound_learner() {
    let space = &spaces()[0];
    for entry in ALL {
        let Build::Value(build) = entry.build else { continue };
        let made = || {
            let overrides = small(entry.name).into_iter().map(|(key, setting)| (key.to_owned(), setting)).collect();
            let settings = Settings::resolve(entry.name, entry.parameters, &overrides).unwrap();
            let context = PolicyContext { inputs: 2, action_space: space.clone(), discount: 0.9, seed: 3 };
            build(&context, &settings).unwrap()
        };
        let learner = || -> Box<dyn Learner> { made() };
        check_learner(entry.name, &learner, &rows(space));
        // A bundle tells the same values.
        let (mut learned, mut other) = (made(), made());
        learned.update(&rows(space), &mut Rng::new(3), &Interrupt::never()).unwrap();
        other.restore_weights(&learned.weights()).unwrap();
        let mut seen = Batch::zeros(2, 3);
        seen.columns_mut().set_row(1, &[0.5, -0.3]);
        for hope in [false, true] {
            let [mut told, mut again] = [[0.0; 3]; 2];
            learned.value(seen.columns(), hope, &mut told).unwrap();
            other.value(seen.columns(), hope, &mut again).unwrap();
            assert_eq!(told, again);
        }
    }
}
