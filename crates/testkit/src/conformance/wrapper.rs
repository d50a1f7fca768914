//! What every wrapper of arenas must keep to: what it does not change is the inner one's, capability by capability and bit by bit.

use worldwright_core::{
    Applicable, ArenaWrapper, Batch, Differences, Error, Imagination, Imagined, Key, Linearizations, Observation,
    Priors, Pulled, Result, Rng, Rows, Space, Values, WorldModel,
};

use super::bits;
use super::owned_actions::Owned;

const ROWS: usize = 3;

/// An arena in a wrapper that changes nothing.
struct Same<'m>(Box<dyn Imagination + 'm>);

impl ArenaWrapper for Same<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.0
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.0
    }
}

/// Checks that a wrapper around arenas of this model changes neither a capability nor a number.
///
/// # Panics
/// With what differed.
pub(super) fn check(model: &dyn WorldModel, observations: &[Observation]) {
    let name = &model.spec().name;
    let arena = || model.imagination(2 * ROWS + 2);
    let (mut plain, mut wrapped) = (arena(), Same(arena()));
    let wrapped: &mut dyn Imagination = &mut wrapped;
    assert_eq!(plain.spec(), wrapped.spec(), "{name}: a wrapper's spec");
    assert_eq!(plain.rows(), wrapped.rows(), "{name}: a wrapper's rows");
    let [told, passed] = [&mut *plain, wrapped].map(|arena| transcript(arena, observations));
    for ((what, plain), (_, wrapped)) in told.iter().zip(&passed) {
        assert_eq!(plain, wrapped, "{name}: {what} through a wrapper that changes nothing");
    }
}

/// An answer as bits, or what was said in its place.
type Answer = std::result::Result<Vec<u64>, String>;

/// What an arena says to everything that it can be asked.
fn transcript(arena: &mut dyn Imagination, observations: &[Observation]) -> Vec<(&'static str, Answer)> {
    let spec = arena.spec().clone();
    let mut said: Vec<(&'static str, Answer)> = Vec::new();
    let mut say = |what, given: Result<()>, numbers: Vec<u64>| {
        let refused = |error| match error {
            // A wrapper refuses by its own spec, in other words perhaps.
            Error::Unsupported { .. } => "unsupported".to_owned(),
            error => error.to_string(),
        };
        said.push((what, given.map(|()| numbers).map_err(refused)));
    };
    let rows = || Rows::Span(0..ROWS);
    let seen = |row: usize| &observations[row % observations.len()];
    for row in 0..ROWS {
        say("observe", arena.observe(row, None, seen(row), Key::new(3).fold(row as u64)), Vec::new());
    }
    let action = spec.action_space.sample(&mut Rng::new(3));
    say("observe after an action", arena.observe(ROWS, Some((0, &action)), seen(0), Key::new(4)), Vec::new());
    arena.copy(0, Rows::List(&[2 * ROWS as u32]));
    let actions = Owned::sample(&spec.action_space, ROWS, &mut Rng::new(5));
    for explores in [false, true] {
        arena.explore(explores);
        let (mut values, mut priors) = (Values::default(), Priors::default());
        let given = arena.value(rows(), &mut values);
        say("value", given, bits(&values.value));
        let given = arena.prior(rows(), &mut priors);
        say("prior", given, [bits(&priors.mean), bits(&priors.std)].concat());
    }
    arena.explore(false);
    if let Space::Discrete { n, .. } = &spec.action_space {
        for asked in [ROWS, ROWS + 1] {
            let mut applicable = Applicable::new(*n, asked);
            let given = arena.applicable(rows(), &mut applicable);
            say("applicable", given, applicable.bits);
        }
    }
    let mut keys = [0; ROWS];
    let given = arena.state_keys(rows(), &mut keys);
    say("state_keys", given, keys.to_vec());
    if let Owned::Continuous(batch) = &actions {
        derivatives(arena, batch, &mut say);
    }
    let mut imagined = Imagined::new(&spec, ROWS);
    let given = arena.step(rows(), actions.view(), Rows::Span(ROWS..2 * ROWS), Key::new(6), &mut imagined);
    let Imagined { reward, continuation, epistemic, constraints, .. } = &imagined;
    say("step", given, [reward, continuation, epistemic, constraints].map(|numbers| bits(numbers)).concat());
    let mut flat = vec![0.0; spec.observation_space.flat_dim()];
    for (row, member) in [(ROWS, 0), (ROWS, spec.members - 1), (2 * ROWS, 0), (0, spec.members)] {
        let given = arena.decode(row, member, &mut flat);
        say("decode", given, bits(&flat));
    }
    let mut latent = vec![0.25; spec.latent_dim];
    say("write_latent", arena.write_latent(2 * ROWS + 1, &latent), Vec::new());
    for row in [0, 2 * ROWS + 1] {
        let given = arena.read_latent(row, &mut latent);
        say("read_latent", given, bits(&latent));
    }
    said
}

fn derivatives(arena: &mut dyn Imagination, actions: &Batch, say: &mut dyn FnMut(&'static str, Result<()>, Vec<u64>)) {
    use worldwright_core::Actions::Continuous;
    let spec = arena.spec().clone();
    let scratch = 2 * ROWS..2 * ROWS + 2;
    let differences = Differences { scratch, step: 1e-3, reward_curvature: false, latent_curvature: false };
    let mut linear = Linearizations::new(&spec, ROWS, 2, false);
    let numbers =
        |linear: &Linearizations| [&linear.next, &linear.jacobian, &linear.reward_gradient].map(|n| bits(n)).concat();
    let rows = || Rows::Span(0..ROWS);
    let given = arena.linearize(rows(), Continuous(actions.columns()), &differences, &mut linear);
    say("linearize", given, numbers(&linear));
    for short in [0, 1] {
        let cotangents = vec![0.5; (ROWS * spec.latent_dim).saturating_sub(short)];
        let mut pulled = Pulled::default();
        let actions = Continuous(actions.columns());
        let given = arena.pullback(rows(), actions, &cotangents, &differences, &mut linear, &mut pulled);
        say("pullback", given, [bits(&pulled.by_latent), bits(&pulled.by_action)].concat());
    }
}
