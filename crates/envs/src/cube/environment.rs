//! The cube to be solved: a turn of a face is a choice, every sticker is seen, and each turn costs 1 until all faces have one colour.
//!
//! The 2×2×2 cube is the corners of the 3×3×3 one; it is solved however it lies as a whole.

use worldwright_core::{ElementType, Entry, Parameter, Result, Rng, SettingDefault as Default, Settings, Space};

use super::{Cube, Face, Move};
use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, Colour, palette};
use crate::world::{Outcome, Spec, whole_box};
use crate::{Build, Made, settings};

const TURNS: Parameter = Parameter {
    name: "turns",
    default: Default::Integer(20),
    summary: "turns drawn at random that an episode's cube is scrambled by; 0: any state, each as likely",
};

/// Lines in the list of environments.
pub(crate) const CUBE: Entry<Build> = Entry {
    name: "cube",
    summary: "Rubik's 3×3×3 cube, to be solved by turns of its faces",
    source: "Rubik 1974; Singmaster 1981 (the turns)",
    parameters: &[TURNS, settings::episode_steps(100), settings::ACTION_REPEAT],
    build: |settings| make("cube", &[0, 1, 2, 3, 4, 5, 6, 7, 8], settings),
};
pub(crate) const POCKET_CUBE: Entry<Build> = Entry {
    name: "pocket-cube",
    summary: "the 2×2×2 cube, to be solved by turns of its faces",
    source: "Rubik 1974; Singmaster 1981 (the turns)",
    parameters: &[TURNS, settings::episode_steps(100), settings::ACTION_REPEAT],
    build: |settings| make("pocket-cube", &[0, 2, 6, 8], settings),
};

/// Every sticker's letter stands for a number: up, right, front, down, left, back.
const COLOURS: [Colour; 6] =
    [[250, 249, 246], [200, 62, 77], [74, 157, 108], [240, 200, 70], [226, 125, 56], [58, 110, 165]];

fn make(id: &'static str, shown: &'static [usize], settings: &Settings) -> Result<Made> {
    let stickers = 6 * shown.len();
    let named = Face::ALL.iter().flat_map(|face| (1..=shown.len()).map(move |i| format!("{}{i}", face.letter())));
    let spec = Spec {
        id,
        observation_space: whole_box(&vec![0.0; stickers], &vec![5.0; stickers], ElementType::I8),
        action_space: Space::discrete(Move::ALL.len()),
        state_dim: 40,
        dt_secs: 0.5,
        observation_channels: named.collect(),
        action_channels: Move::ALL.iter().map(|turn| format!("turn_{turn}")).collect(),
        episode_steps: settings::steps(settings)?,
    };
    chance::made(Puzzle { spec, shown, turns: settings.count_in("turns", 0, 1000)? }, settings)
}

struct Puzzle {
    spec: Spec,
    /// Those of a face's nine stickers that there are.
    shown: &'static [usize],
    turns: usize,
}

impl Puzzle {
    /// The colours of the stickers that there are, a face after the other.
    fn stickers(&self, cube: &Cube) -> impl Iterator<Item = Face> + use<> {
        let (all, shown) = (cube.stickers(), self.shown);
        (0..6).flat_map(move |face| shown.iter().map(move |i| all[9 * face + i]))
    }

    fn is_solved(&self, cube: &Cube) -> bool {
        let seen: Vec<Face> = self.stickers(cube).collect();
        seen.chunks(self.shown.len()).all(|face| face.iter().all(|sticker| *sticker == face[0]))
    }
}

impl ChanceWorld for Puzzle {
    type State = Cube;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> Cube {
        // A cube that is solved by chance is no puzzle.
        loop {
            let mut cube = Cube::default();
            if self.turns == 0 {
                cube = Cube::random(rng);
            }
            for _ in 0..self.turns {
                cube = cube.then(&Cube::of_move(Move::ALL[rng.below(Move::ALL.len() as u64) as usize]));
            }
            if !self.is_solved(&cube) {
                return cube;
            }
        }
    }

    fn advance(&self, cube: &mut Cube, choice: usize, _rng: &mut Rng) -> Outcome {
        *cube = cube.then(&Cube::of_move(Move::ALL[choice]));
        Outcome { reward: -1.0, terminated: self.is_solved(cube) }
    }

    fn observe(&self, cube: &Cube, observation: &mut [f64]) {
        for (slot, sticker) in observation.iter_mut().zip(self.stickers(cube)) {
            *slot = f64::from(sticker as u8);
        }
    }

    fn save(&self, cube: &Cube) -> Vec<u64> {
        let pieces = cube.corners.iter().chain(&cube.twists).chain(&cube.edges).chain(&cube.flips);
        pieces.map(|piece| u64::from(*piece)).collect()
    }

    fn restore(&self, words: &[u64]) -> Option<Cube> {
        let pieces: [u8; 40] = words.iter().map(|word| *word as u8).collect::<Vec<_>>().try_into().ok()?;
        let mut cube = Cube::default();
        cube.corners.copy_from_slice(&pieces[..8]);
        cube.twists.copy_from_slice(&pieces[8..16]);
        cube.edges.copy_from_slice(&pieces[16..28]);
        cube.flips.copy_from_slice(&pieces[28..]);
        let within = |pieces: &[u8], count: u8| pieces.iter().all(|piece| *piece < count);
        let whole =
            within(&cube.corners, 8) && within(&cube.twists, 3) && within(&cube.edges, 12) && within(&cube.flips, 2);
        (whole && cube.check().is_ok()).then_some(cube)
    }

    /// The cube cut open: up above front, then left, front, right and back beside each other, down below.
    fn draw(&self, cube: &Cube, canvas: &mut Canvas) {
        let side = if self.shown.len() == 4 { 2 } else { 3 };
        let width = side as f64;
        canvas.view([2.0 * width, 1.5 * width], 3.4 * width);
        // Column and row of each face, rows counted from below.
        let faces = [(1, 2), (2, 1), (1, 1), (1, 0), (0, 1), (3, 1)];
        for (number, sticker) in self.stickers(cube).enumerate() {
            let (face, i) = (number / (side * side), number % (side * side));
            let (column, row) = faces[face];
            let x = (column * side + i % side) as f64 + 0.5;
            let y = (row * side + side - 1 - i / side) as f64 + 0.5;
            canvas.rectangle([x, y], [0.5, 0.5], palette::INK);
            canvas.rectangle([x, y], [0.44, 0.44], COLOURS[sticker as usize]);
        }
    }
}
