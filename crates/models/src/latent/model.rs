//! What all latent models do alike: hold what they learn, learn it in updates, fit a data set by a number of them, go on where they were saved.

use worldwright_core::{
    ActionHead, Call, Capabilities, Dataset, Error, Experience, FitReport, Imagination, Interrupt, Learn, Learner,
    Metrics, ModelSpec, Persist, Result, Rng, State, WorldModel,
};
use worldwright_nn::{Cell, Starts, Store};

use super::{LatentModel, Learned};
use crate::ModelContext;

/// One kind of latent model: its networks, its loss and its arena.
pub(crate) trait Kind: Sized + Send + Sync + 'static {
    /// The graph of the loss with everything that is fed to it. It holds no state that outlives an update.
    type Unrolled: Send + Sync;

    /// Its step.
    fn cell(&self) -> &dyn Cell;

    /// Updates of a fit to a whole data set, and what a batch holds, in words.
    fn schedule(&self) -> (usize, String);

    /// Records the loss.
    fn unroll(&self, learned: &Learned) -> Result<Self::Unrolled>;

    /// Updates what is learned once from a batch of experience, and leaves the latents of what was seen in it in the starts.
    fn update(
        &self,
        unrolled: &mut Self::Unrolled,
        head: &ActionHead,
        learned_and_starts: (&mut Learned, &mut Starts),
        experience: &dyn Experience,
        rng: &mut Rng,
    ) -> Result<Metrics>;

    /// The numbers that its arena runs, and that who learns in its imagination is to unroll.
    fn imagined(learned: &Learned) -> &Store {
        &learned.store
    }

    /// An arena of `rows` rows.
    fn imagination(model: &Latent<Self>, rows: usize) -> Box<dyn Imagination + '_>;
}

/// A latent model with its learner.
pub(crate) struct Latent<K: Kind> {
    pub(crate) kind: K,
    pub(crate) spec: ModelSpec,
    pub(crate) head: ActionHead,
    pub(crate) learned: Learned,
    /// Made at the first update: most models that are built never learn.
    unrolled: Option<K::Unrolled>,
    starts: Starts,
}

/// The spec of a latent model of `latent_dim` numbers that is deterministic and can do nothing else.
pub(crate) fn plain_spec(name: &str, context: &ModelContext, latent_dim: usize) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        members: 1,
        constraints: 0,
        latent_dim,
        deterministic: true,
        capabilities: Capabilities::default(),
    }
}

impl<K: Kind> Latent<K> {
    pub(crate) fn new(kind: K, spec: ModelSpec, head: ActionHead, learned: Learned) -> Self {
        Self { kind, spec, head, learned, unrolled: None, starts: Starts::default() }
    }

    /// The refusal of what needs networks before there was an update.
    pub(crate) fn not_fitted(&self) -> Error {
        Error::NotFitted { who: self.spec.name.clone().into() }
    }
}

impl<K: Kind> WorldModel for Latent<K> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        K::imagination(self, rows)
    }
}

impl<K: Kind> Learner for Latent<K> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        let expected = [self.spec.observation_space.flat_dim(), self.spec.action_space.flat_dim()];
        let got = [experience.observation_dim(), experience.action_dim()];
        if expected != got {
            return Err(Error::shape("observations and actions of the data", &expected, &got));
        }
        interrupt.check("training")?;
        interrupt.count(Call::Gradient, 1);
        let unrolled = match &mut self.unrolled {
            Some(unrolled) => unrolled,
            none => none.insert(self.kind.unroll(&self.learned)?),
        };
        let parts = (&mut self.learned, &mut self.starts);
        let told = self.kind.update(unrolled, &self.head, parts, experience, rng)?;
        self.learned.updated()?;
        Ok(told)
    }
}

impl<K: Kind> Learn for Latent<K> {
    fn fit(&mut self, dataset: &Dataset, rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport> {
        let before = self.learned.clone();
        let (updates, batch) = self.kind.schedule();
        let (mut loss, last) = (0.0, updates.div_ceil(10));
        for update in 0..updates {
            match self.update(dataset, rng, interrupt) {
                // The last tenth's mean: single batches differ.
                Ok(metrics) if update + last >= updates => loss += metrics[0].1 / last as f64,
                Ok(_) => {}
                Err(error) => {
                    self.learned = before;
                    return Err(error);
                }
            }
        }
        let note = format!("{updates} updates of {batch}");
        Ok(FitReport { epochs: updates, training_loss: loss, holdout_mse: None, note })
    }
}

impl<K: Kind> LatentModel for Latent<K> {
    fn cell(&self) -> &dyn Cell {
        self.kind.cell()
    }

    fn store(&self) -> &Store {
        K::imagined(&self.learned)
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }
}

impl<K: Kind> Persist for Latent<K> {
    fn save(&self) -> State {
        self.learned.save()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.learned.restore(state)?;
        // They were another model's.
        self.starts = Starts::default();
        Ok(())
    }
}
