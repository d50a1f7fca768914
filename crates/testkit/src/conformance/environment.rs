//! What every environment must keep to.

use worldwright_core::{Action, Environment, Rng, Step};

/// Checks an environment that `make` builds anew at each call:
/// observations and actions belong to their spaces; the same seed and actions give the same episode, on a fresh instance and on
/// a used one; different seeds are accepted; foreign and non-finite actions are errors that leave it usable; a finished
/// episode refuses to go on; a saved state, where there is one, goes on alike.
///
/// # Panics
/// With what was violated.
pub fn check_environment(make: &mut dyn FnMut() -> Box<dyn Environment>) {
    let steps = 60;
    let mut first = make();
    let id = first.id().to_owned();
    let action_space = first.action_space().clone();
    let mut rng = Rng::new(17);
    let actions: Vec<Action> = (0..steps).map(|_| action_space.sample(&mut rng)).collect();

    let episode = |environment: &mut dyn Environment, seed: u64| -> Vec<Step> {
        let observation = environment.reset(seed).unwrap_or_else(|error| panic!("{id}: reset failed: {error}"));
        let space = environment.observation_space().clone();
        space.check(&observation).unwrap_or_else(|error| panic!("{id}: first observation: {error}"));
        let mut trace = vec![Step { observation, reward: 0.0, terminated: false, truncated: false }];
        for action in &actions {
            let step = environment.step(action).unwrap_or_else(|error| panic!("{id}: step failed: {error}"));
            space.check(&step.observation).unwrap_or_else(|error| panic!("{id}: observation: {error}"));
            assert!(step.reward.is_finite(), "{id}: reward {} is not finite", step.reward);
            let done = step.done();
            trace.push(step);
            if done {
                break;
            }
        }
        trace
    };
    let reference = episode(&mut *first, 5);
    assert_eq!(episode(&mut *first, 5), reference, "{id}: a used instance repeats the episode of a seed");
    assert_eq!(episode(&mut *make(), 5), reference, "{id}: a fresh instance repeats the episode of a seed");
    episode(&mut *first, 6);

    if reference.last().is_some_and(Step::done) {
        let mut finished = make();
        episode(&mut *finished, 5);
        assert!(finished.step(&actions[0]).is_err(), "{id}: a finished episode must refuse to go on");
    }
    let mut fresh = make();
    assert!(fresh.step(&actions[0]).is_err(), "{id}: an episode must begin before it goes on");
    for foreign in [Action::Floats(vec![0.0; 97]), Action::Integer(i64::MAX), Action::Dict(Vec::new())] {
        fresh.reset(5).unwrap_or_else(|error| panic!("{id}: reset failed: {error}"));
        assert!(fresh.step(&foreign).is_err(), "{id}: the foreign action {foreign:?} must be an error");
    }
    if let Some(numbers) = actions[0].floats() {
        let broken = Action::Floats(vec![f64::NAN; numbers.len()]);
        fresh.reset(5).unwrap_or_else(|error| panic!("{id}: reset failed: {error}"));
        assert!(fresh.step(&broken).is_err(), "{id}: an action of NaN must be an error");
    }
    assert_eq!(episode(&mut *fresh, 5), reference, "{id}: refused actions leave it usable");
    assert!(fresh.dt_secs() > 0.0, "{id}: a step takes a positive time");

    // Save after the fifth step, go on in another instance.
    let half = 5.min(reference.len() - 1);
    let mut saved = make();
    saved.reset(5).unwrap_or_else(|error| panic!("{id}: reset failed: {error}"));
    for action in &actions[..half] {
        saved.step(action).unwrap_or_else(|error| panic!("{id}: step failed: {error}"));
    }
    let Some(state) = saved.as_persist().map(|persist| persist.save()) else { return };
    let mut other = make();
    other.reset(99).unwrap_or_else(|error| panic!("{id}: reset failed: {error}"));
    let persist = other.as_persist().unwrap_or_else(|| panic!("{id}: one instance saves and another does not"));
    persist.restore(&state).unwrap_or_else(|error| panic!("{id}: restoring failed: {error}"));
    for (action, want) in actions[half..].iter().zip(&reference[half + 1..]) {
        let got = other.step(action).unwrap_or_else(|error| panic!("{id}: step after restoring failed: {error}"));
        assert_eq!(&got, want, "{id}: a restored episode goes on alike");
    }
}
