//! Four rooms of 5×5 with a doorway between neighbours (after Sutton, Precup and Singh, "Between MDPs and semi-MDPs", Artificial Intelligence 112, 1999), and what is
//! to be found in them: a landmark in the outer corner of each room and in each doorway.

use worldwright_core::{Result, Rng};
use worldwright_finite::{Mdp, MdpBuilder};

const MAP: [&str; 11] = [
    "A....#....B",
    ".....#.....",
    ".....e.....",
    ".....#.....",
    ".....#.....",
    "##f#####h##",
    ".....#.....",
    ".....#.....",
    ".....g.....",
    ".....#.....",
    "C....#....D",
];
/// Landmarks, in the order of their features: corners first.
const LANDMARKS: &[u8] = b"ABCDefgh";
/// With this chance, a step goes in any of the four directions.
const SLIP: f64 = 0.1;

/// The rooms.
pub(crate) struct FourRooms {
    /// Row and column of each state.
    places: Vec<[usize; 2]>,
    /// `[row][column]`: the state there, if it is no wall.
    states: Vec<Vec<Option<usize>>>,
}

impl FourRooms {
    pub(crate) const ACTIONS: usize = 4;
    pub(crate) const FEATURES: usize = LANDMARKS.len();

    pub(crate) fn new() -> Self {
        let (mut places, mut states) = (Vec::new(), Vec::new());
        for (row, line) in MAP.iter().enumerate() {
            let mut numbers = Vec::new();
            for (column, cell) in line.bytes().enumerate() {
                numbers.push((cell != b'#').then_some(places.len()));
                if cell != b'#' {
                    places.push([row, column]);
                }
            }
            states.push(numbers);
        }
        Self { places, states }
    }

    pub(crate) fn states(&self) -> usize {
        self.places.len()
    }

    /// Where a step in a direction leads; against a wall one stays.
    fn moved(&self, state: usize, direction: usize) -> usize {
        let [row, column] = self.places[state];
        let (row, column) = match direction {
            0 => (row.wrapping_sub(1), column),
            1 => (row, column + 1),
            2 => (row + 1, column),
            _ => (row, column.wrapping_sub(1)),
        };
        self.states.get(row).and_then(|line| line.get(column).copied().flatten()).unwrap_or(state)
    }

    /// The landmark of a state.
    fn landmark(&self, state: usize) -> Option<usize> {
        let [row, column] = self.places[state];
        LANDMARKS.iter().position(|landmark| *landmark == MAP[row].as_bytes()[column])
    }

    /// The features of having come to a state.
    pub(crate) fn features(&self, next: usize) -> [f64; Self::FEATURES] {
        let mut features = [0.0; Self::FEATURES];
        if let Some(landmark) = self.landmark(next) {
            features[landmark] = 1.0;
        }
        features
    }

    /// What coming to a state pays.
    pub(crate) fn reward(&self, next: usize, weights: &[f64]) -> f64 {
        self.landmark(next).map_or(0.0, |landmark| weights[landmark])
    }

    /// A step by chance.
    pub(crate) fn step(&self, state: usize, action: usize, rng: &mut Rng) -> usize {
        let slips = rng.uniform() < SLIP;
        let direction = if slips { rng.below(Self::ACTIONS as u64) as usize } else { action };
        self.moved(state, direction)
    }

    /// The process of a task, which never ends.
    pub(crate) fn process(&self, weights: &[f64], discount: f64) -> Result<Mdp> {
        let mut builder = MdpBuilder::new(discount);
        for state in 0..self.states() {
            builder.state();
            for action in 0..Self::ACTIONS {
                builder.action();
                for direction in 0..Self::ACTIONS {
                    let meant = if direction == action { 1.0 - SLIP } else { 0.0 };
                    let next = self.moved(state, direction);
                    let probability = meant + SLIP / Self::ACTIONS as f64;
                    builder.outcome(probability, self.reward(next, weights), Some(next));
                }
            }
        }
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_have_their_floor_and_walls_hold() {
        let rooms = FourRooms::new();
        // Four of 25 and four doorways, as in the paper.
        assert_eq!(rooms.states(), 104);
        let corner = rooms.states[0][0].unwrap();
        assert_eq!((rooms.moved(corner, 0), rooms.moved(corner, 3)), (corner, corner));
        assert_eq!(rooms.moved(corner, 1), rooms.states[0][1].unwrap());
        let beside = rooms.states[0][4].unwrap();
        assert_eq!(rooms.moved(beside, 1), beside, "a wall");
        let before = rooms.states[2][4].unwrap();
        assert_eq!(rooms.landmark(rooms.moved(before, 1)), Some(4), "a doorway");
        assert_eq!((0..104).filter(|state| rooms.landmark(*state).is_some()).count(), 8);
    }

    #[test]
    fn steps_come_as_often_as_the_process_says() {
        let (rooms, rng) = (FourRooms::new(), &mut Rng::new(5));
        let from = rooms.states[2][4].unwrap();
        let door = rooms.moved(from, 1);
        let through = (0..20_000).filter(|_| rooms.step(from, 1, rng) == door).count() as f64 / 20_000.0;
        let process = rooms.process(&[0.0; 8], 1.0 - 1e-9).unwrap();
        let told: f64 = process.transitions(from, 1).filter(|(next, _)| *next == door).map(|(_, weight)| weight).sum();
        assert!((through - told).abs() < 0.01 && (told - 0.925).abs() < 1e-6, "{through}, {told}");
    }
}
