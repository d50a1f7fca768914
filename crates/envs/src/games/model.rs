//! Any game as a world model.

use worldwright_core::{
    Action, Actions, Applicable, Capabilities, ElementType, Error, Imagination, Imagined, Key, ModelSpec, Observation,
    Result, Rows, Space, Values, WorldModel,
};

use super::{Game, scramble};
use crate::world::whole_box;

/// What is seen of a game: a whole number a cell.
pub(super) fn space<G: Game>() -> Space {
    whole_box(&vec![-1.0; G::CELLS], &vec![1.0; G::CELLS], ElementType::I8)
}

/// The model of a game.
#[derive(Debug, Clone)]
pub struct GameModel<G: Game> {
    spec: ModelSpec,
    playouts: Playouts<G>,
    discount: f64,
}

/// Plays games to their ends; see [`Game::playouts`].
type Playouts<G> = fn(&[<G as Game>::Position], &[u64], &mut [f64]);

impl<G: Game> GameModel<G> {
    /// The game, with random playouts as values.
    pub fn new() -> Self {
        let spec = ModelSpec {
            name: G::NAME.to_owned(),
            observation_space: space::<G>(),
            action_space: Space::discrete(G::MOVES),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: true,
            capabilities: Capabilities {
                value: true,
                keys: true,
                decode: true,
                rules: true,
                beliefs: true,
                ..Capabilities::default()
            },
        };
        Self { spec, playouts: G::playouts, discount: 1.0 }
    }

    /// With decisive playouts in place of random ones, where the game has them: each takes longer and tells more.
    #[must_use]
    pub fn with_decisive_playouts(mut self) -> Self {
        self.playouts = G::decisive_playouts;
        self
    }

    /// With a factor on the future, a move: a win is worth more the sooner it comes. Playouts count without it.
    #[must_use]
    pub fn with_discount(mut self, discount: f64) -> Self {
        self.discount = discount;
        self
    }

    /// The game's rules alone: who plans must evaluate positions by itself.
    #[must_use]
    pub fn without_value(mut self) -> Self {
        self.spec.capabilities.value = false;
        self
    }

    /// The observation of a position.
    pub fn observation(position: G::Position) -> Observation {
        let mut numbers = vec![0.0; G::CELLS];
        G::write(position, &mut numbers);
        Observation::Floats(numbers)
    }
}

impl<G: Game> Default for GameModel<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Game> WorldModel for GameModel<G> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Arena::<G> {
            spec: &self.spec,
            playouts: self.playouts,
            discount: self.discount,
            positions: vec![G::start(); rows],
            seeds: vec![1; rows],
            batch: (vec![G::start(); rows], vec![1; rows]),
        })
    }
}

struct Arena<'m, G: Game> {
    spec: &'m ModelSpec,
    playouts: Playouts<G>,
    discount: f64,
    positions: Vec<G::Position>,
    /// What the playout of each row begins with.
    seeds: Vec<u64>,
    /// Rows gathered for playouts.
    batch: (Vec<G::Position>, Vec<u64>),
}

impl<G: Game> Imagination for Arena<'_, G> {
    fn spec(&self) -> &ModelSpec {
        self.spec
    }

    fn rows(&self) -> usize {
        self.positions.len()
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        self.spec.observation_space.check(observation)?;
        if let Some(numbers) = observation.floats() {
            self.positions[row] = G::read(numbers);
        }
        self.seeds[row] = scramble(key.to_seed());
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for row in to.iter() {
            self.positions[row] = self.positions[from];
            self.seeds[row] = self.seeds[from];
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(choices) = actions else {
            return Err(Error::shape("action columns", &[0], &[n]));
        };
        if to.len() != n || choices.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), choices.len()]));
        }
        out.begin(n);
        out.epistemic.fill(0.0);
        for i in 0..n {
            let (from, to) = (from.at(i), to.at(i));
            self.seeds[to] = scramble(key.to_seed().wrapping_add(i as u64));
            (out.reward[i], out.continuation[i]) = match G::play(self.positions[from], choices[i] as usize) {
                Some(moved) => {
                    self.positions[to] = moved.position;
                    (moved.reward, if moved.over { 0.0 } else { -self.discount })
                }
                None => {
                    self.positions[to] = self.positions[from];
                    (f64::NAN, f64::NAN)
                }
            };
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        if !self.spec.capabilities.value {
            return Err(Error::unsupported(self.spec.name.clone(), "values of rows: use random rollouts"));
        }
        let n = rows.len();
        out.value.resize(n, 0.0);
        let (positions, seeds) = (&mut self.batch.0[..n], &mut self.batch.1[..n]);
        for (i, row) in rows.iter().enumerate() {
            positions[i] = self.positions[row];
            seeds[i] = self.seeds[row];
        }
        (self.playouts)(positions, seeds, &mut out.value[..n]);
        Ok(())
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        if out.rows() != rows.len() {
            return Err(Error::shape("rows of applicable actions", &[rows.len()], &[out.rows()]));
        }
        for (bits, row) in out.bits.iter_mut().zip(rows.iter()) {
            *bits &= G::applicable(self.positions[row]);
        }
        Ok(())
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        for (slot, row) in out.iter_mut().zip(rows.iter()) {
            *slot = scramble(G::key(self.positions[row]));
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.spec.check_decoded(member, out.len())?;
        G::write(self.positions[row], out);
        Ok(())
    }
}
