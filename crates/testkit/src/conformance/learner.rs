//! What every learner must keep to.

use worldwright_core::{Dataset, Error, Experience, Interrupt, Learner, Metrics, Result, Rng, State};

use super::{on_threads, state_bits};

/// Updates that are compared.
const UPDATES: usize = 3;

/// Metrics and state as bits.
type Learned = (Vec<(&'static str, u64)>, Vec<(String, Vec<u64>)>);

fn learned(name: &str, metrics: &Metrics, learner: &dyn Learner) -> Learned {
    let told = metrics.iter().map(|(what, number)| {
        assert!(number.is_finite(), "{name}: {what} is {number}");
        (*what, number.to_bits())
    });
    (told.collect(), state_bits(&learner.save()))
}

/// Checks the learner that `build` makes anew at each call, on an experience from which it can learn:
/// the same state and the same draws give the same bytes of every update, on 1 and 2 threads, and an update changes something; a
/// learner that was saved and restored goes on with the same bytes; experience of nothing is an error of [`Error::Config`], of other
/// widths one of [`Error::Shape`], a request to stop one of [`Error::Interrupted`], and each of them leaves the state as it was; a
/// state that lacks everything is refused.
///
/// # Panics
/// With what was violated.
pub fn check_learner(name: &str, build: &(dyn Fn() -> Box<dyn Learner> + Sync), experience: &(dyn Experience + Sync)) {
    let update = |learner: &mut dyn Learner, rng: &mut Rng| -> Learned {
        let metrics = learner.update(experience, rng, &Interrupt::never());
        learned(name, &metrics.unwrap_or_else(|error| panic!("{name}: an update failed: {error}")), learner)
    };
    let begin = || {
        let (mut learner, mut rng) = (build(), Rng::new(41));
        let each: Vec<Learned> = (0..UPDATES).map(|_| update(&mut *learner, &mut rng)).collect();
        (learner, rng, each)
    };
    let (mut learner, rng, reference) = begin();
    let again = || begin().2;
    assert!(again() == reference, "{name}: the same state and draws give the same bytes");
    for threads in [1, 2] {
        assert!(on_threads(threads, again) == reference, "{name}: the same bytes on {threads} threads");
    }
    let states = std::iter::once(state_bits(&build().save())).chain(reference.iter().map(|(_, state)| state.clone()));
    let states: Vec<_> = states.collect();
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{name}: an update learns something");

    let saved = learner.save();
    let mut other = build();
    other.restore(&saved).unwrap_or_else(|error| panic!("{name}: restoring failed: {error}"));
    assert!(state_bits(&other.save()) == state_bits(&saved), "{name}: what was restored is saved alike");
    for _ in 0..2 {
        let [went_on, restored] = [&mut learner, &mut other].map(|learner| update(&mut **learner, &mut rng.clone()));
        assert!(went_on == restored, "{name}: a restored learner goes on with the same bytes");
    }
    assert!(build().restore(&State::new()).is_err(), "{name}: a state without anything in it must be an error");

    let counting = Interrupt::never().metered();
    let counted = build().update(experience, &mut Rng::new(44), &counting);
    counted.unwrap_or_else(|error| panic!("{name}: an update failed: {error}"));
    assert!(counting.calls().gradients > 0, "{name}: an update counts its gradients");

    let (o, a) = (experience.observation_dim(), experience.action_dim());
    let before = state_bits(&learner.save());
    let mut refused = |what: &str, from: &dyn Experience, interrupt: &Interrupt, is: fn(&Error) -> bool| {
        let given: Result<Metrics> = learner.update(from, &mut Rng::new(43), interrupt);
        assert!(given.as_ref().is_err_and(is), "{name}: {what} gave {given:?}");
        assert!(state_bits(&learner.save()) == before, "{name}: {what} must leave the state as it was");
    };
    let never = Interrupt::never();
    refused("experience of nothing", &Dataset::new(o, a), &never, |error| matches!(error, Error::Config { .. }));
    let mut wide = Dataset::new(o + 1, a);
    let pushed = wide.push(&vec![0.0; o + 1], &vec![0.0; a], 0.0, &vec![0.0; o + 1], false, true);
    pushed.unwrap_or_else(|error| panic!("{name}: {error}"));
    refused("experience of other widths", &wide, &never, |error| matches!(error, Error::Shape { .. }));
    let stop = Interrupt::new();
    stop.request();
    refused("a request to stop", experience, &stop, |error| matches!(error, Error::Interrupted { .. }));
    let [went_on, refused_before] = [&mut other, &mut learner].map(|learner| update(&mut **learner, &mut rng.clone()));
    assert!(went_on == refused_before, "{name}: it learns on after what it refused");
}
