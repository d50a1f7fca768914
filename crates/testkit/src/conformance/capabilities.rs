//! What a model declares it delivers, and what it does not declare it refuses in plain words: no planner needs to try.

use worldwright_core::{
    Actions, Applicable, Batch, Differences, Error, Imagination, Imagined, Key, Linearizations, Observation, Priors,
    Pulled, Result, Rng, Rows, Space, Values, WorldModel, by_differences, pull,
};

/// Rows that are asked about.
const ROWS: usize = 3;
/// The F beyond which lanes differ by more than chance, which exceeds it once in thousands of models.
const APART: f64 = 16.0;

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
        let mut again = Values::default();
        let valued = arena.value(Rows::Span(0..ROWS), &mut again);
        valued.unwrap_or_else(|error| panic!("{name}: values: {error}"));
        assert_eq!(super::bits(&values.value), super::bits(&again.value), "{name}: a row has one value");
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
    check_rules(model, &mut *arena);
    (0..ROWS).for_each(|row| place(&mut *arena, row));
    check_decoding(model, &mut *arena);
    (0..ROWS).for_each(|row| place(&mut *arena, row));

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
    } else {
        delivered(name, "numbers into a latent", false, arena.write_latent(1, &latent));
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
    } else if can.keys {
        let mut pair = [0; 2];
        let keyed = arena.state_keys(Rows::Span(ROWS..ROWS + 2), &mut pair);
        keyed.unwrap_or_else(|error| panic!("{name}: state_keys: {error}"));
        assert_eq!(pair[0] != pair[1], can.memory, "{name}: whether what was before counts, as declared");
    }
    check_beliefs(model, observations);
    check_derivatives(model, observations);
}

/// Checks that lanes go their own way, whatever chance does, just where they are declared to be beliefs; and that the only belief there is has no doubt.
///
/// Over many keys, lanes that draw another belief at each step lead to the same mean, and lanes that keep theirs do not. With `m` the means of lanes over K keys
/// and `v` the mean variance within lanes, `K Var m / v` is about 1 for the former (Fisher's F).
fn check_beliefs(model: &dyn WorldModel, observations: &[Observation]) {
    let (spec, mut rng) = (model.spec().clone(), Rng::new(5));
    let (name, can, lanes) = (&spec.name, spec.capabilities, spec.members);
    let Space::Box { .. } = &spec.action_space else { return };
    if !can.decode || lanes == 1 && !can.beliefs {
        return;
    }
    // Members that were fitted for a moment differ by little beside the noise that they foresee.
    let keys: u64 = if can.beliefs && lanes > 1 { 1 << 15 } else { 1 << 10 };
    let mut arena = model.imagination(2);
    let (mut out, mut action) = (Imagined::new(&spec, 1), Batch::zeros(spec.action_space.flat_dim(), 1));
    let width = spec.observation_space.flat_dim();
    let (mut seen, mut most) = (vec![0.0; width], 0.0_f64);
    for observation in observations.iter().take(1) {
        let observed = arena.observe(0, None, observation, Key::new(7));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
        let sampled = spec.action_space.sample(&mut rng);
        action.columns_mut().set_row(0, sampled.floats().unwrap_or_default());
        // `[lane][number]`: sum and sum of squares.
        let mut sums = vec![[0.0; 2]; lanes * width];
        let mut first: Option<Vec<f64>> = None;
        for key in 0..keys {
            let actions = Actions::Continuous(action.columns());
            let stepped = arena.step(Rows::Span(0..1), actions, Rows::Span(1..2), Key::new(key), &mut out);
            stepped.unwrap_or_else(|error| panic!("{name}: step failed: {error}"));
            if lanes == 1 {
                assert_eq!(out.epistemic[0], 0.0, "{name}: the only belief there is doubts nothing");
            }
            for lane in 0..lanes {
                let shown = arena.decode(1, lane, &mut seen);
                shown.unwrap_or_else(|error| panic!("{name}: decode failed: {error}"));
                // The first is taken off, so that what is equal differs by zero.
                let first = first.get_or_insert_with(|| seen.clone());
                for d in 0..width {
                    let off = seen[d] - first[d];
                    let [sum, squares] = &mut sums[lane * width + d];
                    *sum += off;
                    *squares += off * off;
                }
            }
        }
        let (keys, of_lanes) = (keys as f64, lanes as f64);
        for d in 0..width {
            let each = || sums.iter().skip(d).step_by(width);
            let mean = each().map(|[sum, _]| sum / keys).sum::<f64>() / of_lanes;
            let between = each().map(|[sum, _]| (sum / keys - mean).powi(2)).sum::<f64>() / (of_lanes - 1.0).max(1.0);
            let within = each().map(|[sum, squares]| squares / keys - (sum / keys).powi(2)).sum::<f64>() / of_lanes;
            if between > 0.0 {
                most = most.max(keys * between / within.max(f64::MIN_POSITIVE));
            }
        }
    }
    let apart = most > APART;
    assert!(lanes == 1 || apart == can.beliefs, "{name}: whether lanes keep beliefs ({most} by F), as declared");
}

/// The bits of the actions that the first row allows.
fn allowed(name: &str, arena: &mut dyn Imagination, actions: usize) -> Applicable {
    let mut applicable = Applicable::new(actions, 1);
    let asked = arena.applicable(Rows::Span(0..1), &mut applicable);
    asked.unwrap_or_else(|error| panic!("{name}: applicable failed: {error}"));
    applicable
}

fn allows(applicable: &Applicable, action: usize) -> bool {
    applicable.row(0)[action / 64] >> (action % 64) & 1 == 1
}

/// Checks that a model with rules rewards just what they allow, and that one without takes nothing away.
fn check_rules(model: &dyn WorldModel, arena: &mut dyn Imagination) {
    let spec = model.spec();
    let (name, rules) = (&spec.name, spec.capabilities.rules);
    let Space::Discrete { n, .. } = &spec.action_space else {
        assert!(!rules, "{name}: rules are of choices");
        return;
    };
    let actions = *n;
    let told = allowed(name, arena, actions);
    if !rules {
        assert_eq!(told, Applicable::new(actions, 1), "{name}: actions are taken away without rules being declared");
        return;
    }
    let mut other = Applicable::new(actions, ROWS + 1);
    let refused = arena.applicable(Rows::Span(0..ROWS), &mut other);
    assert!(
        matches!(refused, Err(Error::Shape { .. })),
        "{name}: room for other rows must be an error, not {refused:?}"
    );
    let mut out = Imagined::new(spec, 1);
    for action in 0..actions {
        let choice = [action as u32];
        let stepped = arena.step(Rows::Span(0..1), Actions::Discrete(&choice), Rows::Span(1..2), Key::new(5), &mut out);
        stepped.unwrap_or_else(|error| panic!("{name}: step failed: {error}"));
        let paid = out.reward[..spec.members].iter().all(|reward| reward.is_finite());
        assert_eq!(paid, allows(&told, action), "{name}: whether action {action} is allowed, and whether it is paid");
    }
}

/// Checks that each lane shows an observation after a step where decoding is declared, and none elsewhere.
fn check_decoding(model: &dyn WorldModel, arena: &mut dyn Imagination) {
    let spec = model.spec();
    let (name, width) = (&spec.name, spec.observation_space.flat_dim());
    let sampled = spec.action_space.sample(&mut Rng::new(3));
    let mut numbers = Batch::zeros(spec.action_space.flat_dim(), 1);
    let choice = match &spec.action_space {
        Space::Discrete { n, .. } => {
            let told = allowed(name, arena, *n);
            [(0..*n).find(|action| allows(&told, *action)).unwrap_or(0) as u32]
        }
        _ => [0],
    };
    let actions = match sampled.floats() {
        Some(sampled) => {
            numbers.columns_mut().set_row(0, sampled);
            Actions::Continuous(numbers.columns())
        }
        None => Actions::Discrete(&choice),
    };
    let row = || Rows::Span(0..1);
    let stepped = arena.step(row(), actions, row(), Key::new(5), &mut Imagined::new(spec, 1));
    stepped.unwrap_or_else(|error| panic!("{name}: step failed: {error}"));
    let mut seen = vec![0.0; width];
    for member in 0..spec.members {
        let given = arena.decode(0, member, &mut seen);
        if !delivered(name, "decoding", spec.capabilities.decode, given) {
            return;
        }
        assert!(seen.iter().all(|number| number.is_finite()), "{name}: lane {member} shows {seen:?}");
    }
    for (member, room) in [(spec.members, width), (0, width + 1)] {
        let refused = arena.decode(0, member, &mut vec![0.0; room]);
        let what = "a lane that is not there and room for another observation must be errors";
        assert!(matches!(refused, Err(Error::Shape { .. })), "{name}: {what}, not {refused:?}");
    }
}

/// Checks that a model's derivatives are those of its steps: known where declared, and elsewhere differences or refused as they are.
fn check_derivatives(model: &dyn WorldModel, observations: &[Observation]) {
    let spec = model.spec().clone();
    let (name, z, actions) = (&spec.name, spec.latent_dim, spec.action_space.flat_dim());
    let mut arena = model.imagination(ROWS + 2);
    for row in 0..ROWS {
        let observed = arena.observe(row, None, &observations[row % observations.len()], Key::new(7));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
    }
    let (mut columns, mut rng) = (Batch::zeros(actions, ROWS), Rng::new(3));
    for row in 0..ROWS {
        if let (Space::Box { .. }, Some(numbers)) = (&spec.action_space, spec.action_space.sample(&mut rng).floats()) {
            columns.columns_mut().set_row(row, numbers);
        }
    }
    let rows = || Rows::Span(0..ROWS);
    let actions = Actions::Continuous(columns.columns());
    let differences =
        Differences { scratch: ROWS..ROWS + 2, step: 3e-3, reward_curvature: false, latent_curvature: false };
    let room = || Linearizations::new(&spec, ROWS, 2, false);
    let (mut told, mut seen) = (room(), room());
    let known = arena.linearize(rows(), actions, &differences, &mut told);
    let different = by_differences(&mut *arena, &rows(), actions, &differences, &mut seen);
    match (known, different) {
        (Ok(()), Ok(())) => {}
        (Err(Error::Unsupported { .. }), Err(Error::Unsupported { .. })) if !spec.capabilities.derivatives => return,
        outcomes => panic!("{name}: derivatives told and seen: {outcomes:?}"),
    }
    if !spec.capabilities.derivatives {
        assert_eq!(super::bits(&told.jacobian), super::bits(&seen.jacobian), "{name}: derivatives are undeclared");
        return;
    }
    assert_eq!(told.model_steps, (ROWS * spec.members) as u64, "{name}: known derivatives need no other steps");
    // Differences of numbers in single precision are this far off.
    let close = |what: &str, told: &[f64], seen: &[f64], tolerance: f64| {
        let scale = seen.iter().fold(1.0_f64, |largest, number| largest.max(number.abs()));
        let near = told.iter().zip(seen).all(|(a, b)| (a - b).abs() <= tolerance * scale);
        assert!(near, "{name}: {what} told as {told:?}, seen as {seen:?}");
    };
    close("next latents", &told.next, &seen.next, 1e-5);
    close("next latents' derivatives", &told.jacobian, &seen.jacobian, 1e-2);
    close("rewards' derivatives", &told.reward_gradient, &seen.reward_gradient, 1e-2);
    let cotangents: Vec<f64> = (0..ROWS * z).map(|i| (1.3 * i as f64).cos()).collect();
    let (mut pulled, mut product) = (Pulled::default(), Pulled::default());
    pull(&told, &cotangents, ROWS, &mut product);
    let done = arena.pullback(rows(), actions, &cotangents, &differences, &mut seen, &mut pulled);
    done.unwrap_or_else(|error| panic!("{name}: pullback is declared and fails: {error}"));
    close("the pullback by latents", &pulled.by_latent, &product.by_latent, 1e-4);
    close("the pullback by actions", &pulled.by_action, &product.by_action, 1e-4);
}
