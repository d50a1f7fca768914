//! How a network is taught on fields: passes over all of them in batches, in an order of their own each, with a step size that falls to nothing by a cosine.

use worldwright_core::{Error, Interrupt, Result, Rng, Settings, cost};
use worldwright_nn::{Adam, AdamConfig, Feed, Graph, Runner, Store};

use super::mazes::Field;
use super::networks::{CHOICES, WIDE};

/// How much is taught, and how.
pub(super) struct Course {
    pub(super) size: usize,
    pub(super) sweeps: usize,
    pub(super) fields: usize,
    pub(super) judged: usize,
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
}

impl Course {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Error::Config`] for one out of range.
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let size = settings.count_in("size", 4, 64)?;
        let course = Self {
            size,
            sweeps: match settings.count_in("sweeps", 0, 1000)? {
                0 => size * 5 / 2,
                sweeps => sweeps,
            },
            fields: settings.count_in("fields", 1, 10_000_000)?,
            judged: settings.count_in("judged", 1, 1_000_000)?,
            epochs: settings.count_in("epochs", 1, 100_000)?,
            batch: settings.count_in("batch", 1, 10_000)?,
            learning_rate: settings.float("learning_rate", 0.0, 1.0)?,
        };
        if course.batch > course.fields {
            return Err(Error::config("batch", format!("must not exceed the {} fields", course.fields)));
        }
        course.memory()?;
        Ok(course)
    }

    /// Refuses what takes too much memory: cells of fields with their distances, and what an update keeps of each cell for the way back.
    fn memory(&self) -> Result<()> {
        let cells = (self.size * self.size) as f64;
        let fields = (self.fields + self.judged) as f64 * cells * (size_of::<bool>() + size_of::<f64>()) as f64;
        let update = 2.0 * 4.0 * self.batch as f64 * cells * (WIDE + 3 * self.sweeps * CHOICES) as f64;
        let asked = [("size", self.size), ("fields", self.fields), ("batch", self.batch), ("judged", self.judged)];
        cost::memory(&asked, fields + update)
    }

    /// Fields to learn from, and others to be judged on.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(super) fn draw(&self, rng: &mut Rng, interrupt: &Interrupt) -> Result<[Vec<Field>; 2]> {
        let mut drawn = |count: usize| -> Result<Vec<Field>> {
            let mut one = || {
                interrupt.check("the study")?;
                Ok(Field::random(self.size, rng))
            };
            (0..count).map(|_| one()).collect()
        };
        Ok([drawn(self.fields)?, drawn(self.judged)?])
    }

    /// Teaches `store` by the graph `g`, which takes N inputs a field: `tell` adds those of one to them. `judge` hears of each epoch that begins, and with what was learned of
    /// each that is over.
    ///
    /// # Errors
    /// What `judge` gives, and [`Error::Diverged`] where the loss is not finite.
    pub(super) fn teach<const N: usize>(
        &self,
        who: &str,
        (g, store): (Graph, &mut Store),
        fields: &[Field],
        (rng, interrupt): (&mut Rng, &Interrupt),
        tell: impl Fn(&Field, &mut [Vec<f32>; N]),
        mut judge: impl FnMut(usize, Option<&Store>) -> Result<()>,
    ) -> Result<()> {
        let mut adam = Adam::new(store, AdamConfig::default());
        let mut runner = Runner::new(g, self.batch);
        let updates = fields.len() / self.batch;
        let mut order: Vec<usize> = (0..fields.len()).collect();
        let mut told: [Vec<f32>; N] = std::array::from_fn(|_| Vec::new());
        for epoch in 0..self.epochs {
            judge(epoch, None)?;
            rng.shuffle(&mut order);
            for update in 0..updates {
                interrupt.check("the study")?;
                told.iter_mut().for_each(Vec::clear);
                for field in &order[update * self.batch..(update + 1) * self.batch] {
                    tell(&fields[*field], &mut told);
                }
                let feeds: [Feed<'_>; N] = std::array::from_fn(|i| Feed::Shared(&told[i]));
                runner.forward_backward(&[store], self.batch, &feeds)?;
                let done = (epoch * updates + update) as f64 / (self.epochs * updates) as f64;
                adam.config.learning_rate =
                    (0.5 * self.learning_rate * (1.0 + (std::f64::consts::PI * done).cos())) as f32;
                adam.step(store, &runner)?;
            }
            if !runner.loss(0).is_finite() {
                let why = "its loss is not finite: try a smaller learning_rate".into();
                return Err(Error::Diverged { who: who.to_owned().into(), why });
            }
            judge(epoch, Some(store))?;
        }
        Ok(())
    }
}
