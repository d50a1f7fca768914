//! Any game as an environment: against a player at random, or for two players who take turns.
//!
//! Against an opponent the agent sees the board with its own stones as 1, and a step is its move and the answer to it; who begins is drawn.
//! For two players the board is shown as the one to move sees it, and the reward is that of the one who moved. A move that the rules
//! forbid loses at once: an environment's actions are the same at every step, so that it must mean something.

use std::sync::Arc;

use worldwright_core::{
    Entry, KnownModel, Parameter, Result, Rng, SettingDefault as Default, Settings, Space, WorldModel,
};

use super::model::space;
use super::{ConnectFour, Game, GameModel, TicTacToe};
use crate::chance::{self, ChanceWorld};
use crate::draw::{Canvas, palette};
use crate::world::{Outcome, Spec};
use crate::{Build, Made, settings};

const OPPONENT: Parameter = Parameter {
    name: "opponent",
    default: Default::Text("random"),
    summary: "random: who plays against the agent, by moves drawn from those allowed; none: two players take turns",
};

/// Lines in the list of environments.
pub(crate) const TIC_TAC_TOE: Entry<Build> = Entry {
    name: "tic-tac-toe",
    summary: "three in a row on a board of nine, against a player at random; a forbidden move loses",
    source: "the children's game",
    parameters: &[OPPONENT, settings::episode_steps(9), settings::ACTION_REPEAT],
    build: make::<TicTacToe>,
};
pub(crate) const CONNECT_FOUR: Entry<Build> = Entry {
    name: "connect-four",
    summary: "four in a row on seven columns of six, against a player at random; a forbidden move loses",
    source: "Milton Bradley 1974; Allis 1988",
    parameters: &[OPPONENT, settings::episode_steps(42), settings::ACTION_REPEAT],
    build: make::<ConnectFour>,
};

fn make<G: Game>(settings: &Settings) -> Result<Made> {
    let numbered = |what: &str, count: usize| (1..=count).map(|i| format!("{what}_{i}")).collect();
    let against = settings.choice("opponent", &["random", "none"])? == 0;
    let spec = Spec {
        id: G::NAME,
        observation_space: space::<G>(),
        action_space: Space::discrete(G::MOVES),
        state_dim: 4,
        dt_secs: 1.0,
        observation_channels: numbered("board", G::CELLS),
        action_channels: numbered(G::PLACE, G::MOVES),
        episode_steps: settings::steps(settings)?,
    };
    // What follows a move against an opponent is chance, which the game's own model does not know.
    let model = (!against).then(|| -> KnownModel {
        Arc::new(|discount| -> Box<dyn WorldModel> { Box::new(GameModel::<G>::new().with_discount(discount)) })
    });
    chance::made_known(Board::<G> { spec, against, game: std::marker::PhantomData }, model, settings)
}

struct Board<G> {
    spec: Spec,
    /// Whether the other moves are drawn.
    against: bool,
    game: std::marker::PhantomData<fn() -> G>,
}

/// A position, and who sees it.
#[derive(Debug, Clone, Copy)]
struct Turn<P> {
    position: P,
    /// Who moves next: 0 is who began.
    mover: usize,
    /// The agent; for two players, whose turn it is.
    viewer: usize,
}

/// A move of the player whose turn it is: its reward, and whether the game is over. A forbidden one leaves the position.
fn play<G: Game>(turn: &mut Turn<G::Position>, choice: usize) -> Outcome {
    match G::play(turn.position, choice) {
        Some(moved) => {
            turn.position = moved.position;
            turn.mover = 1 - turn.mover;
            Outcome { reward: moved.reward, terminated: moved.over }
        }
        None => Outcome { reward: -1.0, terminated: true },
    }
}

/// One of the moves that there are, each as likely.
fn drawn<G: Game>(position: G::Position, rng: &mut Rng) -> usize {
    let mut moves = G::applicable(position);
    for _ in 0..rng.below(u64::from(moves.count_ones())) {
        moves &= moves - 1;
    }
    moves.trailing_zeros() as usize
}

impl<G: Game> ChanceWorld for Board<G> {
    type State = Turn<G::Position>;

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng) -> Self::State {
        let mut turn = Turn { position: G::start(), mover: 0, viewer: 0 };
        if self.against {
            turn.viewer = rng.below(2) as usize;
            if turn.viewer == 1 {
                let choice = drawn::<G>(turn.position, rng);
                play::<G>(&mut turn, choice);
            }
        }
        turn
    }

    fn advance(&self, turn: &mut Self::State, choice: usize, rng: &mut Rng) -> Outcome {
        let own = play::<G>(turn, choice);
        if !self.against {
            turn.viewer = turn.mover;
            return own;
        }
        if own.terminated {
            return own;
        }
        let choice = drawn::<G>(turn.position, rng);
        let answer = play::<G>(turn, choice);
        Outcome { reward: own.reward - answer.reward, ..answer }
    }

    fn observe(&self, turn: &Self::State, observation: &mut [f64]) {
        G::write(turn.position, observation);
        if turn.viewer != turn.mover {
            // Not the negative: zero stays zero.
            observation.iter_mut().for_each(|mark| *mark = 0.0 - *mark);
        }
    }

    fn players(&self) -> usize {
        if self.against { 1 } else { 2 }
    }

    fn to_play(&self, turn: &Self::State) -> usize {
        if self.against { 0 } else { turn.mover }
    }

    fn save(&self, turn: &Self::State) -> Vec<u64> {
        let mut marks = vec![0.0; G::CELLS];
        G::write(turn.position, &mut marks);
        let bits = |wanted: f64| (0..G::CELLS).filter(|cell| marks[*cell] == wanted).map(|cell| 1_u64 << cell).sum();
        vec![bits(1.0), bits(-1.0), turn.mover as u64, turn.viewer as u64]
    }

    fn restore(&self, words: &[u64]) -> Option<Self::State> {
        let [own, other, mover @ 0..=1, viewer @ 0..=1] = *words else { return None };
        if own & other != 0 || (own | other) >> G::CELLS != 0 {
            return None;
        }
        let mark = |cell: usize| (own >> cell & 1) as f64 - (other >> cell & 1) as f64;
        let marks: Vec<f64> = (0..G::CELLS).map(mark).collect();
        Some(Turn { position: G::read(&marks), mover: mover as usize, viewer: viewer as usize })
    }

    fn draw(&self, turn: &Self::State, canvas: &mut Canvas) {
        let [rows, columns] = G::BOARD;
        let mut marks = vec![0.0; G::CELLS];
        G::write(turn.position, &mut marks);
        canvas.view([columns as f64 / 2.0, rows as f64 / 2.0], rows as f64 + 0.6);
        canvas.rectangle(
            [columns as f64 / 2.0, rows as f64 / 2.0],
            [columns as f64 / 2.0 + 0.1, rows as f64 / 2.0 + 0.1],
            palette::PANEL,
        );
        for row in 0..rows {
            for column in 0..columns {
                let centre = [column as f64 + 0.5, (rows - row) as f64 - 0.5];
                let mark = marks[G::cell(row, column)];
                // The colour is that of who began, whoever looks on.
                let began = (mark > 0.0) == (turn.mover == 0);
                let colour = match mark {
                    0.0 => palette::PAPER,
                    _ if began => palette::BODY,
                    _ => palette::EFFECTOR,
                };
                canvas.disc(centre, 0.42, colour);
            }
        }
    }
}
