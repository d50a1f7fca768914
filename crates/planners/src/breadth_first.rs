//! Breadth-first distances over numbered states: what pattern databases, small puzzles and mazes are made of.
//!
//! Moore, "The shortest path through a maze" (1959): the states at distance d + 1 are the neighbours of those at distance d that
//! were not met before. One byte a state; frontiers are kept as lists, so that a thin frontier costs no pass over the table.

/// What [`distances`] holds for a state that cannot be reached.
pub const UNREACHED: u8 = u8::MAX;

/// The number of steps from `start` to each of `states` states, [`UNREACHED`] where there is no way.
///
/// `neighbours` fills in the `D` states that one step leads to; a step that does not exist leads to the state itself.
///
/// # Panics
/// When `start` or a neighbour is not below `states`, or a distance reaches 255.
pub fn distances<const D: usize>(
    states: usize,
    start: usize,
    mut neighbours: impl FnMut(usize, &mut [u32; D]),
) -> Vec<u8> {
    let mut distance = vec![UNREACHED; states];
    distance[start] = 0;
    let (mut frontier, mut next) = (vec![start as u32], Vec::new());
    let mut around = [0_u32; D];
    let mut depth = 0_u8;
    while !frontier.is_empty() {
        depth += 1;
        assert!(depth < UNREACHED, "distances above 254 do not fit a byte");
        for state in frontier.drain(..) {
            neighbours(state as usize, &mut around);
            for state in around {
                let slot = &mut distance[state as usize];
                if *slot == UNREACHED {
                    *slot = depth;
                    next.push(state);
                }
            }
        }
        std::mem::swap(&mut frontier, &mut next);
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
