//! RockSample as an environment: the rover's place and what the last check said are seen; what must not be done costs 100 and changes
//! nothing, as in the table.

use worldwright_core::pomdp::Pomdp;
use worldwright_core::{ElementType, Entry, Parameter, Result, Rng, SettingDefault as Default, Settings, Space};

use super::{FORBIDDEN, RockSample, RockState};
use crate::believed::{self, Shown};
use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec, whole_box};
use crate::{Build, Made, settings};

/// The line in the list of environments.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "rock-sample",
    summary: "a rover samples good rocks, which it can tell from bad ones only by looking from near",
    source: "Smith and Simmons 2004",
    parameters: &[
        Parameter { name: "size", default: Default::Integer(7), summary: "places along a side, 2 to 15" },
        Parameter {
            name: "rocks",
            default: Default::Integer(8),
            summary: "how many rocks, at most 16; 8 in a size of 7 lie as in the paper, others as `layout` draws them",
        },
        Parameter { name: "layout", default: Default::Integer(0), summary: "the seed that rocks are laid out with" },
        Parameter {
            name: "half_efficiency",
            default: Default::Float(20.0),
            summary: "distance over which a look loses half of what it tells",
        },
        settings::episode_steps(100),
        settings::ACTION_REPEAT,
    ],
    build: make,
};

fn make(settings: &Settings) -> Result<Made> {
    let (size, count) = (settings.count("size", 2)?, settings.count("rocks", 0)?);
    let half_efficiency = settings.float("half_efficiency", 1e-9, f64::MAX)?;
    // The environment's rewards are not discounted; a discount is asked for by searches alone.
    let problem = RockSample::sized(size, count, settings.seed("layout")?, half_efficiency, 0.95)?;
    let moves = ["north", "east", "south", "west", "sample"].map(str::to_owned);
    let last = size as f64 - 1.0;
    let spec = Spec {
        id: "rock-sample",
        observation_space: whole_box(&[0.0, 0.0, 0.0], &[last, last, 2.0], ElementType::I8),
        action_space: Space::discrete(problem.actions()),
        state_dim: 10,
        dt_secs: 1.0,
        observation_channels: ["x", "y", "seen"].map(str::to_owned).to_vec(),
        action_channels: moves.into_iter().chain((1..=count).map(|rock| format!("check_{rock}"))).collect(),
        episode_steps: settings::steps(settings)?,
    };
    let seen = Shown {
        read: |numbers| Some(numbers[2] as u32),
        write: |state: &RockState, seen, numbers| {
            numbers.copy_from_slice(&[f64::from(state.x), f64::from(state.y), f64::from(seen)]);
        },
    };
    let model = believed::known(&spec, problem.clone(), seen);
    chance::made_known(Rover { spec, problem }, Some(model), settings)
}

struct Rover {
    spec: Spec,
    problem: RockSample,
}

impl ChanceWorld for Rover {
    /// The rover and the rocks, and what was seen last: 0 nothing, 1 good, 2 bad.
    type State = (RockState, u32);

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> Self::State {
        (Pomdp::initial(&self.problem, rng), 0)
    }

    fn advance(&self, (state, seen): &mut Self::State, choice: usize, rng: &mut Rng) -> Outcome {
        let place = self.problem.place(state.x, state.y);
        if self.problem.is_forbidden(place, choice as u32) {
            *seen = 0;
            return Outcome::on(FORBIDDEN);
        }
        let step = self.problem.step(state, choice as u32, rng);
        *seen = step.observation;
        Outcome { reward: step.reward, terminated: step.terminated }
    }

    fn observe(&self, (state, seen): &Self::State, observation: &mut [f64]) {
        observation.copy_from_slice(&[f64::from(state.x), f64::from(state.y), f64::from(*seen)]);
    }

    fn save(&self, (state, seen): &Self::State) -> Vec<u64> {
        let RockState { x, y, good, sampled, promising, poor, open, balance, checks } = *state;
        let sets = [good, sampled, promising, poor, open].map(u64::from);
        [&[u64::from(x), u64::from(y)][..], &sets, &[balance, checks, u64::from(*seen)]].concat()
    }

    fn restore(&self, words: &[u64]) -> Option<Self::State> {
        let [x, y, good, sampled, promising, poor, open, balance, checks, seen @ 0..=2] = *words else { return None };
        let size = u64::from(self.problem.size);
        let rocks = |set: u64| (set >> self.problem.rocks.len() == 0).then_some(set as u16);
        let state = RockState {
            x: (x < size).then_some(x as u8)?,
            y: (y < size).then_some(y as u8)?,
            good: rocks(good)?,
            sampled: rocks(sampled)?,
            promising: rocks(promising)?,
            poor: rocks(poor)?,
            open: rocks(open)?,
            balance,
            checks,
        };
        Some((state, seen as u32))
    }

    /// The grid with its rocks, green where they are good, the rover, and the edge to leave by.
    fn draw(&self, (state, seen): &Self::State, canvas: &mut Canvas) {
        let size = f64::from(self.problem.size);
        canvas.view([size / 2.0, size / 2.0], size + 1.0);
        canvas.rectangle([size / 2.0, size / 2.0], [size / 2.0, size / 2.0], palette::PANEL);
        canvas.rectangle([size + 0.15, size / 2.0], [0.15, size / 2.0], palette::EFFECTOR);
        let place = |(x, y): (u8, u8)| [f64::from(x) + 0.5, f64::from(y) + 0.5];
        for (rock, at) in self.problem.rocks.iter().enumerate() {
            let colour = if state.is_good(rock) { palette::GOAL } else { palette::GROUND };
            canvas.disc(place(*at), 0.45, colour);
        }
        canvas.disc(place(state.place()), 0.3, palette::BODY);
        let said = [palette::BODY, palette::GOAL, palette::FORCE][*seen as usize];
        canvas.disc(place(state.place()), 0.12, said);
    }
}
