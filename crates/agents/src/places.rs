//! Places: what an agent keeps of each of the episodes that it acts in at once.

use worldwright_core::{Error, Result, State};

/// What is kept at a place.
///
/// # Errors
/// [`Error::Shape`] for a place that the agent has not.
pub(crate) fn at<T>(places: &mut [T], place: usize) -> Result<&mut T> {
    let count = places.len();
    places.get_mut(place).ok_or_else(|| Error::shape("places of the agent", &[count], &[place]))
}

/// Puts what each place keeps of its episode into the state of the agent.
pub(crate) fn put<'a, T: 'a>(state: &mut State, places: impl IntoIterator<Item = &'a T>, save: impl Fn(&T) -> State) {
    for (place, kept) in places.into_iter().enumerate() {
        state.put_all(&name(place), save(kept));
    }
}

/// What [`put`] put for a place.
pub(crate) fn part(state: &State, place: usize) -> State {
    state.part(&name(place))
}

/// `state` with the episodes of `own` in place of its own.
pub(crate) fn exchanged(state: &State, own: &State) -> State {
    let mut exchanged = State::new();
    for (name, array) in state.iter().filter(|(name, _)| !name.starts_with(&format!("{EPISODE}."))) {
        exchanged.put(name, array.clone());
    }
    exchanged.put_all(EPISODE, own.part(EPISODE));
    exchanged
}

/// What episodes are saved under.
const EPISODE: &str = "episode";

fn name(place: usize) -> String {
    format!("{EPISODE}.{place}")
}
