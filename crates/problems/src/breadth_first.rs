//! Breadth-first distances over numbered states: what pattern databases and small puzzles are made of.
//!
//! Moore, "The shortest path through a maze" (1959): the states at distance d + 1 are the neighbours of those at distance d that
//! were not met before. One byte a state. Thin frontiers are lists, expanded forwards; once fewer states are left than the
//! frontier holds, those that are left look for a neighbour in it instead, and mostly find one at the first tries (bottom-up
//! search; Beamer, Asanović and Patterson, "Direction-optimizing breadth-first search", SC 2012).

/// What [`distances`] holds for a state that cannot be reached.
pub const UNREACHED: u8 = u8::MAX;

/// The number of steps from `start` to each of `states` states, [`UNREACHED`] where there is no way.
///
/// `neighbour(state, i)` is where the `i`-th of `degree` steps leads; a step that does not exist leads to the state itself. Steps
/// can be undone: whoever is a neighbour has this state as a neighbour.
///
/// # Panics
/// When `start` or a neighbour is not below `states`, or a distance reaches 255.
pub fn distances(states: usize, start: usize, degree: usize, neighbour: impl Fn(usize, usize) -> usize) -> Vec<u8> {
    let mut distance = vec![UNREACHED; states];
    distance[start] = 0;
    let (mut frontier, mut next) = (vec![start as u32], Vec::new());
    let mut left = states - 1;
    let mut depth = 0_u8;
    while !frontier.is_empty() && left > 0 {
        assert!(depth < UNREACHED - 1, "distances above 254 do not fit a byte");
        if left < frontier.len() {
            for state in 0..states {
                let unmet = distance[state] == UNREACHED;
                if unmet && (0..degree).any(|i| distance[neighbour(state, i)] == depth) {
                    distance[state] = depth + 1;
                    next.push(state as u32);
                }
            }
        } else {
            for state in &frontier {
                for i in 0..degree {
                    let other = neighbour(*state as usize, i);
                    if distance[other] == UNREACHED {
                        distance[other] = depth + 1;
                        next.push(other as u32);
                    }
                }
            }
        }
        depth += 1;
        left -= next.len();
        std::mem::swap(&mut frontier, &mut next);
        next.clear();
    }
    distance
}

/// How many states lie at each distance, from 0 to the largest that is reached.
pub fn histogram(distances: &[u8]) -> Vec<u64> {
    let mut counts = [0_u64; 256];
    distances.iter().for_each(|distance| counts[usize::from(*distance)] += 1);
    let last = counts[..usize::from(UNREACHED)].iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    counts[..last].to_vec()
}
