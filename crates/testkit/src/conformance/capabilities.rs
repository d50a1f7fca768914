//! What a model declares it delivers, and what it does not declare it refuses in plain words: no planner needs to try.

use worldwright_core::{Error, Imagination, Key, Observation, Priors, Result, Rng, Rows, Space, Values, WorldModel};

/// Rows that are asked about.
const ROWS: usize = 3;

/// Whether something was delivered; an error other than a refusal is a fault.
fn delivered(name: &str, what: &str, declared: bool, given: Result<()>) -> bool {
    match (&given, declared) {
        (Ok(()), true) => true,
        (Err(Error::Unsupported { .. }), false) => false,
        (Ok(()), false) => panic!("{name}: {what} without being declared"),
        (Err(error), true) => panic!("{name}: {what} is declared and fails: {error}"),
        (Err(error), false) => panic!("{name}: {what} is not declared, and is refused by {error:?}, not Unsupported"),
    }
}

/// Checks every capability of a model in the states that `observations` show, of which there must be one.
///
/// # Panics
/// With what was violated.
pub(super) fn check(model: &dyn WorldModel, observations: &[Observation]) {
    let spec = model.spec().clone();
    let (name, can) = (&spec.name, spec.capabilities);
    let mut arena = model.imagination(ROWS + 2);
    let place = |arena: &mut dyn Imagination, row: usize| {
        let observed = arena.observe(row, None, &observations[row % observations.len()], Key::new(7));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
    };
    (0..ROWS + 2).for_each(|row| place(&mut *arena, row));

    let mut values = Values::default();
    let valued = arena.value(Rows::Span(0..ROWS), &mut values);
    if delivered(name, "values", can.value, valued) {
        assert!(values.value.len() >= spec.members * ROWS, "{name}: a value for each lane of each row");
        let told = &values.value[..spec.members * ROWS];
        assert!(told.iter().all(|value| !value.is_nan()), "{name}: values are numbers: {told:?}");
    }

    let mut priors = Priors::default();
    let prior = arena.prior(Rows::Span(0..ROWS), &mut priors);
    if delivered(name, "priors", can.prior, prior) {
        let dims = spec.action_space.flat_dim();
        assert!(priors.mean.len() >= ROWS * dims, "{name}: a logit, or a mean, for each number of the action");
        if matches!(spec.action_space, Space::Box { .. }) {
            let std = &priors.std[..ROWS * dims];
            assert!(std.iter().all(|std| *std >= 0.0), "{name}: standard deviations are not negative: {std:?}");
        }
    }

    let mut keys = [0; 2];
    arena.copy(0, Rows::Span(1..2));
    let keyed = arena.state_keys(Rows::Span(0..2), &mut keys);
    if delivered(name, "keys of states", can.keys, keyed) {
        assert_eq!(keys[0], keys[1], "{name}: equal states have equal keys");
    }
    place(&mut *arena, 1);

    let latent_dim = spec.latent_dim;
    let mut latent = vec![0.0; latent_dim.max(1)];
    let read = arena.read_latent(0, &mut latent);
    if delivered(name, "numbers of a latent", latent_dim > 0, read) {
        let written = arena.write_latent(1, &latent);
        written.unwrap_or_else(|error| panic!("{name}: a latent that is read can be written: {error}"));
        let mut back = vec![0.0; latent_dim];
        arena.read_latent(1, &mut back).unwrap_or_else(|error| panic!("{name}: read_latent: {error}"));
        let close = latent.iter().zip(&back).all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(1.0));
        assert!(close, "{name}: {latent:?} is written and {back:?} is read");
    }

    // The same observation after an action: a belief that remembers depends on what was before, a state that is seen does not.
    let action = spec.action_space.sample(&mut Rng::new(3));
    let seen = &observations[0];
    place(&mut *arena, 0);
    for (row, previous) in [(ROWS, None), (ROWS + 1, Some((0, &action)))] {
        let observed = arena.observe(row, previous, seen, Key::new(7));
        observed.unwrap_or_else(|error| panic!("{name}: observe after an action failed: {error}"));
    }
    if latent_dim > 0 {
        let mut pair = [vec![0.0; latent_dim], vec![0.0; latent_dim]];
        for (row, latent) in (ROWS..).zip(&mut pair) {
            arena.read_latent(row, latent).unwrap_or_else(|error| panic!("{name}: read_latent: {error}"));
        }
        assert_eq!(pair[0] != pair[1], can.memory, "{name}: whether what was before counts, as declared");
    }
}
