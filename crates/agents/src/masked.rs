//! The moves that are allowed: rules that are known, laid over a model that knows none.

use std::sync::OnceLock;

use self_cell::self_cell;
use worldwright_core::{
    Applicable, ArenaWrapper, Capabilities, Imagination, Key, ModelSpec, Observation, Result, Rng, Rows, Space,
    WorldModel,
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
    /// What the model is once rules lie over it, from its first search on.
    spec: OnceLock<ModelSpec>,
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
        Self { known, allowed: Applicable::new(choices, 1), spec: OnceLock::new() }
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

    /// An arena whose root, row 0, allows what is allowed where something was last seen. It is always one of the same model.
    pub(crate) fn over<'a>(&'a self, arena: &'a mut dyn Imagination) -> Masked<'a> {
        let spec = self.spec.get_or_init(|| {
            let plain = arena.spec();
            ModelSpec { capabilities: Capabilities { rules: true, ..plain.capabilities }, ..plain.clone() }
        });
        Masked { arena, allowed: &self.allowed, spec }
    }
}

/// An arena that allows less in its row 0.
pub(crate) struct Masked<'a> {
    arena: &'a mut dyn Imagination,
    allowed: &'a Applicable,
    spec: &'a ModelSpec,
}

impl ArenaWrapper for Masked<'_> {
    fn inner(&self) -> &dyn Imagination {
        self.arena
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        self.arena
    }

    fn spec(&self) -> &ModelSpec {
        self.spec
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        self.arena.applicable(rows.clone(), out)?;
        let words = out.words();
        for (bits, _) in out.bits.chunks_exact_mut(words).zip(rows.iter()).filter(|(_, row)| *row == 0) {
            bits.iter_mut().zip(self.allowed.row(0)).for_each(|(bits, allowed)| *bits &= allowed);
        }
        Ok(())
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
        let masked: &mut dyn Imagination = &mut rules.over(&mut *arena);
        masked.applicable(Rows::List(&[1, 0]), &mut out).unwrap();
        assert_eq!([out.row(0)[0], out.row(1)[0]], [0x1FF, 0x1FC]);
        // Without known rules everything is allowed.
        let mut nothing = Rules::new(None, &Space::discrete(70), 70);
        nothing.see(&start).unwrap();
        assert!((0..70).all(|choice| nothing.allows(choice)));
    }
}
