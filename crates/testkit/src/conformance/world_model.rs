//! What every world model must keep to.

use worldwright_core::{Imagination, Imagined, Key, Observation, Rng, Rows, WorldModel};

use super::owned_actions::Owned;
use super::{bits, capabilities, on_threads, wrapper};
use crate::allocations;

const ROWS: usize = 7;

/// Everything that one row of a batch gave, as bits.
fn row_bits(out: &Imagined, row: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for member in 0..out.members() {
        let at = out.at(member, row);
        numbers.extend([out.reward[at], out.continuation[at], out.epistemic[at]]);
    }
    let lanes = out.members() * out.rows();
    for at in (0..out.constraints.len()).filter(|at| at % lanes % out.rows() == row) {
        numbers.push(out.constraints[at]);
    }
    bits(&numbers)
}

fn all_bits(out: &Imagined) -> Vec<Vec<u64>> {
    (0..out.rows()).map(|row| row_bits(out, row)).collect()
}

/// Checks a model (fitted, where it learns) from `observations`, of which there must be at least one:
/// repeats its bytes, on 1 and 2 threads; rows do not influence each other, not even a row of NaN, which is marked; lists
/// and spans mean the same, and for deterministic models in place and elsewhere too; a copy is equal and apart; a batch is its rows one by one (within
/// `batch_tolerance`, relative; asked only of deterministic models, whose rows need no streams); steps after the first do not
/// allocate, where [`allocations::CountingAllocator`] is installed; wrong shapes and foreign observations are errors; every capability that is
/// declared is delivered, and every other refused as unsupported; a wrapper that changes nothing changes no capability and no number.
///
/// # Panics
/// With what was violated.
pub fn check_world_model(model: &dyn WorldModel, observations: &[Observation], batch_tolerance: f64) {
    let spec = model.spec().clone();
    let name = &spec.name;
    assert!(spec.members >= 1, "{name}: at least one member");
    assert!(!observations.is_empty(), "{name}: give an observation to begin with");
    let mut rng = Rng::new(23);
    let actions: Vec<Owned> = (0..4).map(|_| Owned::sample(&spec.action_space, ROWS, &mut rng)).collect();
    let key = Key::new(31);
    let place = |arena: &mut dyn Imagination| {
        for row in 0..ROWS {
            let observation = &observations[row % observations.len()];
            let observed = arena.observe(row, None, observation, key.fold(row as u64));
            observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
        }
    };
    let step = |arena: &mut dyn Imagination, from: Rows<'_>, actions: &Owned, to: Rows<'_>, t: u64| -> Imagined {
        let mut out = Imagined::new(&spec, ROWS);
        let stepped = arena.step(from, actions.view(), to, key.fold(100 + t), &mut out);
        stepped.unwrap_or_else(|error| panic!("{name}: step failed: {error}"));
        out
    };
    let trajectory = || -> Vec<Vec<Vec<u64>>> {
        let mut arena = model.imagination(2 * ROWS + 1);
        place(&mut *arena);
        let each = actions.iter().enumerate();
        each.map(|(t, a)| all_bits(&step(&mut *arena, Rows::Span(0..ROWS), a, Rows::Span(0..ROWS), t as u64))).collect()
    };
    let reference = trajectory();
    assert_eq!(trajectory(), reference, "{name}: the same keys give the same bytes");
    assert_eq!(on_threads(1, trajectory), reference, "{name}: the same bytes on one thread");
    assert_eq!(on_threads(2, trajectory), reference, "{name}: the same bytes on two threads");

    // Lists instead of spans; to other rows and back where the draws of a step cannot belong to the rows.
    let mut arena = model.imagination(2 * ROWS + 1);
    place(&mut *arena);
    let near: Vec<u32> = (0..ROWS as u32).collect();
    let far: Vec<u32> = near.iter().map(|row| 2 * ROWS as u32 - row).collect();
    for (t, action) in actions.iter().enumerate() {
        let (from, to) = match t % 2 {
            _ if !spec.deterministic => (&near, &near),
            0 => (&near, &far),
            _ => (&far, &near),
        };
        let out = step(&mut *arena, Rows::List(from), action, Rows::List(to), t as u64);
        assert_eq!(all_bits(&out), reference[t], "{name}: lists of rows, elsewhere, mean what spans in place mean");
    }

    // Other actions in one row leave the others alone; NaN is marked and stays in its row.
    for broken in [false, true] {
        let mut arena = model.imagination(ROWS);
        place(&mut *arena);
        for (t, action) in actions.iter().enumerate() {
            let changed = action.with_changed(3, &spec.action_space, broken, &mut rng);
            let out = step(&mut *arena, Rows::Span(0..ROWS), &changed, Rows::Span(0..ROWS), t as u64);
            for row in (0..ROWS).filter(|row| *row != 3) {
                assert_eq!(row_bits(&out, row), reference[t][row], "{name}: row 3 must not influence row {row}");
            }
            if broken && t > 0 && matches!(action, Owned::Continuous(_)) {
                let marked = (0..spec.members).any(|member| {
                    let at = out.at(member, 3);
                    !out.reward[at].is_finite() || !out.continuation[at].is_finite()
                });
                assert!(marked, "{name}: a row of NaN must be marked in reward or continuation");
            }
        }
    }

    // A copy goes on as its source would, and is apart from it.
    let mut arena = model.imagination(2 * ROWS + 1);
    place(&mut *arena);
    for row in 0..ROWS {
        arena.copy(row, Rows::List(&[(ROWS + row) as u32]));
    }
    step(&mut *arena, Rows::Span(0..ROWS), &actions[1], Rows::Span(0..ROWS), 9);
    let out = step(&mut *arena, Rows::Span(ROWS..2 * ROWS), &actions[0], Rows::Span(0..ROWS), 0);
    assert_eq!(all_bits(&out), reference[0], "{name}: a copy is equal to its source and apart from it");

    if spec.deterministic {
        let mut arena = model.imagination(ROWS);
        place(&mut *arena);
        let batch = step(&mut *arena, Rows::Span(0..ROWS), &actions[0], Rows::Span(0..ROWS), 0);
        place(&mut *arena);
        for row in 0..ROWS {
            let span = || Rows::Span(row..row + 1);
            let single = step(&mut *arena, span(), &actions[0].only(row), span(), 0);
            for member in 0..spec.members {
                let (a, b) = (batch.reward[batch.at(member, row)], single.reward[single.at(member, 0)]);
                // An infinite reward marks an action that cannot be taken; alone and in a batch it must be the same.
                let close = a == b || (a - b).abs() <= batch_tolerance * (1.0 + a.abs());
                assert!(close, "{name}: row {row} alone gives reward {b}, in a batch {a}");
            }
        }
    }

    if allocations::installed() {
        let ((), allocated) = {
            let mut arena = model.imagination(ROWS);
            place(&mut *arena);
            let mut out = step(&mut *arena, Rows::Span(0..ROWS), &actions[0], Rows::Span(0..ROWS), 0);
            allocations::count_single_threaded(|| {
                for (t, action) in actions.iter().enumerate() {
                    let span = || Rows::Span(0..ROWS);
                    let stepped = arena.step(span(), action.view(), span(), key.fold(t as u64), &mut out);
                    stepped.unwrap_or_else(|error| panic!("{name}: step failed: {error}"));
                    arena.copy(0, Rows::Span(1..2));
                }
            })
        };
        assert_eq!(allocated, 0, "{name}: steps after the first must not allocate");
    }

    let mut arena = model.imagination(ROWS);
    place(&mut *arena);
    let mut out = Imagined::new(&spec, ROWS);
    let short = arena.step(Rows::Span(0..ROWS), actions[0].only(0).view(), Rows::Span(0..ROWS), key, &mut out);
    assert!(short.is_err(), "{name}: one action for {ROWS} rows must be an error");
    let foreign = Observation::Dict(Vec::new());
    assert!(arena.observe(0, None, &foreign, key).is_err(), "{name}: a foreign observation must be an error");

    capabilities::check(model, observations);
    wrapper::check(model, observations);
}
