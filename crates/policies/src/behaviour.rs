//! What recorded actions were drawn from, where nobody wrote it down: a cloned policy that tells probabilities.

use worldwright_core::{ActionHead, Dataset, Interrupt, Key, Learner, Result, Rng, Setting, Settings, Space};

use crate::PolicyContext;
use crate::bc::{self, Likelihood};
use crate::taught::Taught;

/// The policy that recorded actions came from, by maximum likelihood (as `bc` learns it).
pub struct Behaviour {
    cloned: Taught<Likelihood>,
}

impl Behaviour {
    /// Learns it in so many updates.
    ///
    /// # Errors
    /// As for building and updating `bc`.
    pub fn fit(
        recorded: &Dataset,
        action_space: &Space,
        updates: usize,
        seed: u64,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let context = PolicyContext {
            inputs: recorded.observation_dim(),
            action_space: action_space.clone(),
            discount: 1.0,
            seed,
        };
        let hidden = ("hidden".to_owned(), Setting::Numbers(vec![64.0, 64.0]));
        let settings = Settings::resolve(bc::ENTRY.name, bc::ENTRY.parameters, &[hidden].into())?;
        let mut cloned = bc::cloned(&context, &settings)?;
        let mut rng: Rng = Key::new(seed).fold(0xbe4).rng();
        for _ in 0..updates {
            cloned.update(recorded, &mut rng, interrupt)?;
        }
        Ok(Self { cloned })
    }

    /// Natural logarithms of the probability (a density in units of the space for numbers) of each recorded action.
    ///
    /// # Errors
    /// As for [`ActionHead::write_network`].
    pub fn log_probabilities(&mut self, recorded: &Dataset) -> Result<Vec<f64>> {
        self.cloned.log_probabilities(recorded)
    }

    /// What actions are to it.
    pub fn head(&self) -> &ActionHead {
        self.cloned.acting.head()
    }
}
