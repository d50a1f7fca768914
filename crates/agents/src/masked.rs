//! The moves that are allowed: rules that are known, laid over a model that knows none.

use self_cell::self_cell;
use worldwright_core::{
    Action, Actions, Applicable, Differences, Imagination, Imagined, Key, Linearizations, ModelSpec, Observation,
    Priors, Pulled, Result, Rng, Rows, Space, Values, WorldModel,
};

type Arena<'a> = Box<dyn Imagination + 'a>;

self_cell!(
    /// A known world, and a row in it.
    struct Known {
        owner: Box<dyn WorldModel>,
        #[not_covariant]
        dependent: Arena,
    }
);

/// Which actions the world allows where something is seen.
pub(crate) struct Rules {
    /// None where the world says nothing of what is allowed: everything is then.
    known: Option<Known>,
    allowed: Applicable,
}

impl Rules {
    /// The rules of a world whose observations tell its state; of others none are known.
    pub(crate) fn new(model: Option<Box<dyn WorldModel>>, actions: &Space, choices: usize) -> Self {
        let suits = |model: &dyn WorldModel| {
            let spec = model.spec();
            !spec.capabilities.memory && spec.action_space == *actions
        };
        let known =
            model.filter(|model| suits(model.as_ref())).map(|model| Known::new(model, |model| model.imagination(1)));
        Self { known, allowed: Applicable::new(choices, 1) }
    }

    /// Looks at what is seen now.
    pub(crate) fn see(&mut self, observation: &Observation) -> Result<()> {
        self.allowed.begin(1);
        let Some(known) = &mut self.known else { return Ok(()) };
        let allowed = &mut self.allowed;
        known.with_dependent_mut(|_, arena| {
            arena.observe(0, None, observation, Key::new(0))?;
            arena.applicable(Rows::Span(0..1), allowed)
        })
    }

    /// Whether a choice is allowed.
    fn allows(&self, choice: usize) -> bool {
        self.allowed.row(0)[choice / 64] >> (choice % 64) & 1 == 1
    }

    /// One of the allowed choices, each as likely; any where none is.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let choices = self.allowed.actions();
        let count = (0..choices).filter(|choice| self.allows(*choice)).count();
        if count == 0 {
            return rng.below(choices as u64) as usize;
        }
        let place = rng.below(count as u64) as usize;
        (0..choices).filter(|choice| self.allows(*choice)).nth(place).unwrap_or(0)
    }

    /// An arena whose root, row 0, allows what is allowed where something was last seen.
    pub(crate) fn over<'a>(&'a self, arena: &'a mut dyn Imagination) -> Masked<'a> {
        Masked { arena, allowed: &self.allowed }
    }
}

/// An arena that allows less in its row 0.
pub(crate) struct Masked<'a> {
    arena: &'a mut dyn Imagination,
    allowed: &'a Applicable,
}

impl Imagination for Masked<'_> {
    fn spec(&self) -> &ModelSpec {
        self.arena.spec()
    }

    fn rows(&self) -> usize {
        self.arena.rows()
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        self.arena.observe(row, previous, observation, key)
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        self.arena.copy(from, to);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        self.arena.step(from, actions, to, key, out)
    }

    fn explore(&mut self, on: bool) {
        self.arena.explore(on);
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        self.arena.value(rows, out)
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        self.arena.prior(rows, out)
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        self.arena.applicable(rows.clone(), out)?;
        let words = out.words();
        for (bits, _) in out.bits.chunks_exact_mut(words).zip(rows.iter()).filter(|(_, row)| *row == 0) {
            bits.iter_mut().zip(self.allowed.row(0)).for_each(|(bits, allowed)| *bits &= allowed);
        }
        Ok(())
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        self.arena.state_keys(rows, out)
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.arena.decode(row, member, out)
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        self.arena.read_latent(row, out)
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        self.arena.write_latent(row, latent)
    }

    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        self.arena.linearize(rows, actions, differences, out)
    }

    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        self.arena.pullback(rows, actions, cotangents, differences, linear, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_envs::games::{Game, GameModel, TicTacToe};

    fn rules() -> Rules {
        Rules::new(Some(Box::new(GameModel::<TicTacToe>::new())), &Space::discrete(9), 9)
    }

    #[test]
    fn an_occupied_cell_is_never_drawn() {
        let mut rules = rules();
        let marks = [1.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0];
        rules.see(&Observation::Floats(marks.to_vec())).unwrap();
        let mut drawn = [0; 9];
        let mut rng = Rng::new(1);
        (0..5000).for_each(|_| drawn[rules.draw(&mut rng)] += 1);
        for (count, mark) in drawn.iter().zip(marks) {
            // A fifth of the draws each, within five standard deviations.
            assert!(if mark == 0.0 { (*count - 1000_i32).abs() < 145 } else { *count == 0 }, "{drawn:?}");
        }
    }

    #[test]
    fn only_the_root_of_an_arena_is_masked() {
        let mut rules = rules();
        rules.see(&Observation::Floats(vec![1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])).unwrap();
        // The world of a game that has just begun allows everything by itself.
        let model = GameModel::<TicTacToe>::new();
        let mut arena = model.imagination(2);
        let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
        (0..2).for_each(|row| arena.observe(row, None, &start, Key::new(0)).unwrap());
        let mut out = Applicable::new(9, 2);
        rules.over(&mut *arena).applicable(Rows::List(&[1, 0]), &mut out).unwrap();
        assert_eq!([out.row(0)[0], out.row(1)[0]], [0x1FF, 0x1FC]);
        // Without known rules everything is allowed.
        let mut nothing = Rules::new(None, &Space::discrete(70), 70);
        nothing.see(&start).unwrap();
        assert!((0..70).all(|choice| nothing.allows(choice)));
    }
}
