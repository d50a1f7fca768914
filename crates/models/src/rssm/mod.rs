//! `rssm`: a recurrent state-space model over vectors of numbers, in the form of DreamerV3 at its smallest.
//!
//! A belief has a recurrent part h, which remembers, and a part z of G categorical distributions of C classes, drawn one-hot:
//!
//! ```text
//! hₜ = GRU(hₜ₋₁, zₜ₋₁, aₜ₋₁)          prior      ẑₜ ~ p(z | hₜ)          reward     r̂ₜ ~ p(r | hₜ, zₜ)
//!                                    posterior  zₜ ~ q(z | hₜ, oₜ)     continues  ĉₜ ~ p(c | hₜ, zₜ)     observation  ôₜ = f(hₜ, zₜ)
//! loss = ‖symlog oₜ − f‖² − ln p(rₜ) − ln p(cₜ) + max(1, KL(stop q ‖ p)) + 0.1 max(1, KL(q ‖ stop p))
//! ```
//!
//! Draws pass their gradient straight through to the probabilities, one hundredth of which is uniform; observations are squashed by symlog and predicted as
//! such; rewards are distributions over bins, two-hot in symlog. Filtering an episode gives beliefs from which the prior imagines without seeing.
//!
//! Source: Hafner, Pasukonis, Ba and Lillicrap, "Mastering Diverse Domains through World Models", 2023, sections "World model learning" and "Robust
//! predictions". We deviate: sequences begin with h = 0 and the posterior of their first observation, without a divergence there, and are
//! windows of single episodes (`windows`) in place of one long stream; hidden layers are single; bins are half a unit apart; Adam in place of LaProp. Rewards and
//! ends are learned even where the task's own function is known: what a belief predicts need not be what that function is asked of.

mod cell;
mod imagination;
mod learner;

use worldwright_core::{
    ActionHead, Array, Capabilities, Dataset, Entry, Error, Experience, FitReport, Imagination, Interrupt, Learn,
    Learner, Metrics, ModelSpec, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State,
    WorldModel, cost,
};
use worldwright_nn::{Adam, AdamConfig, Cell, Starts, Store};

use crate::{Build, LatentModel, ModelContext};
use cell::{BINS, RssmCell, Sizes};
use imagination::RssmImagination;
use learner::{Schedule, Unrolled};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "rssm",
    summary: "a recurrent latent that remembers what was seen, for worlds that show only a part of themselves; policies learn in its imagination",
    source: "Hafner, Pasukonis, Ba and Lillicrap, Mastering Diverse Domains through World Models, 2023 (DreamerV3)",
    parameters: &[
        Parameter { name: "recurrent", default: Default::Integer(64), summary: "units of the recurrent part" },
        Parameter {
            name: "groups",
            default: Default::Integer(8),
            summary: "categorical distributions of the drawn part",
        },
        Parameter { name: "classes", default: Default::Integer(8), summary: "classes of each of them" },
        Parameter { name: "hidden", default: Default::Integer(64), summary: "width of the hidden layers" },
        Parameter {
            name: "draws",
            default: Default::Text("one-hot"),
            summary: "one-hot, with the gradient of the probabilities; or soft (the concrete distribution), with a gradient of their own",
        },
        Parameter { name: "batch", default: Default::Integer(16), summary: "sequences of an update" },
        Parameter { name: "length", default: Default::Integer(32), summary: "transitions of each sequence at most" },
        Parameter { name: "updates", default: Default::Integer(300), summary: "updates of a fit to a whole data set" },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of Adam" },
        Parameter {
            name: "free_nats",
            default: Default::Float(1.0),
            summary: "divergence of posterior from prior that costs nothing, in nats a step",
        },
    ],
    build: Build::Latent(build),
};

/// The largest norm of a gradient.
const MAX_NORM: f32 = 100.0;

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LatentModel>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    let sizes = Sizes {
        observation: context.observation_space.flat_dim(),
        action: head.columns(),
        recurrent: settings.count_in("recurrent", 1, 4096)?,
        groups: settings.count_in("groups", 1, 256)?,
        classes: settings.count_in("classes", 2, 256)?,
        hidden: settings.count_in("hidden", 1, 4096)?,
        soft: settings.choice("draws", &["one-hot", "soft"])? == 1,
    };
    let schedule = Schedule {
        batch: settings.count_in("batch", 1, 4096)?,
        length: settings.count_in("length", 1, 1024)?,
        updates: settings.count_in("updates", 1, 10_000_000)?,
        free_nats: settings.float("free_nats", 0.0, 1e3)? as f32,
    };
    let learning_rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    if sizes.observation == 0 {
        return Err(Error::unsupported(ENTRY.name, "observations without numbers: there is nothing to remember"));
    }
    affordable(&sizes, &schedule)?;
    Ok(Box::new(Rssm::new(context, head, sizes, schedule, learning_rate)))
}

/// Refuses sizes that do not fit: weights with what training keeps beside them, and what an update computes of each step.
fn affordable(sizes: &Sizes, schedule: &Schedule) -> Result<()> {
    let f = |number: usize| number as f64;
    let (h, z, w, o) = (f(sizes.recurrent), f(sizes.drawn()), f(sizes.hidden), f(sizes.observation));
    let weights = w * (o + w + z + f(sizes.action))
        + 3.0 * h * (w + h)
        + w * (2.0 * h + w + 2.0 * z)
        + w * (3.0 * (h + z) + o + f(BINS.count) + 1.0);
    // Values, slopes and what is kept of each node, twice as they are stacked.
    let step = 4.0 * (12.0 * h + 14.0 * z + 16.0 * w + 6.0 * o + 6.0 * f(BINS.count));
    let bytes = 4.0 * (8.0 * weights + step * f(schedule.batch) * f(schedule.length + 1));
    let settings = [
        ("recurrent", sizes.recurrent),
        ("groups", sizes.groups),
        ("classes", sizes.classes),
        ("hidden", sizes.hidden),
        ("batch", schedule.batch),
        ("length", schedule.length),
    ];
    cost::memory(&settings, bytes)?;
    cost::work(&settings, "numbers to learn", weights, cost::MOST_MULTIPLICATIONS / 10.0)
}

/// The model with its learner.
pub(crate) struct Rssm {
    spec: ModelSpec,
    head: ActionHead,
    discount: f64,
    cell: RssmCell,
    store: Store,
    adam: Adam,
    fitted: bool,
    schedule: Schedule,
    /// Made at the first update: most models that are built never learn.
    unrolled: Option<Unrolled>,
    /// What [`LatentModel::starts`] gives before that.
    none: Starts,
}

impl Rssm {
    fn new(context: &ModelContext, head: ActionHead, sizes: Sizes, schedule: Schedule, learning_rate: f32) -> Self {
        let mut store = Store::new(1);
        let cell = RssmCell::new(&mut store, sizes, &mut Rng::new(context.seed));
        let config = AdamConfig { learning_rate, max_norm: MAX_NORM, ..AdamConfig::default() };
        let spec = ModelSpec {
            name: ENTRY.name.into(),
            observation_space: context.observation_space.clone(),
            action_space: context.action_space.clone(),
            members: 1,
            constraints: 0,
            latent_dim: sizes.latent(),
            deterministic: false,
            capabilities: Capabilities { memory: true, ..Capabilities::default() },
        };
        let (adam, discount, none) = (Adam::new(&store, config), context.discount, Starts::default());
        Self { spec, head, discount, cell, store, adam, fitted: false, schedule, unrolled: None, none }
    }

    fn check(&self, experience: &dyn Experience) -> Result<()> {
        let expected = [self.cell.sizes.observation, self.spec.action_space.flat_dim()];
        let got = [experience.observation_dim(), experience.action_dim()];
        if expected == got {
            Ok(())
        } else {
            Err(Error::shape("observations and actions of the data", &expected, &got))
        }
    }
}

impl WorldModel for Rssm {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(RssmImagination::new(self, rows))
    }
}

impl Learner for Rssm {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        self.check(experience)?;
        if self.unrolled.is_none() {
            self.unrolled = Some(Unrolled::new(&self.cell, &self.store, self.schedule)?);
        }
        let Some(unrolled) = &mut self.unrolled else { return Ok(Metrics::new()) };
        let learned =
            unrolled.update((&self.cell, &self.head), (&mut self.store, &mut self.adam), experience, rng, interrupt)?;
        self.fitted = true;
        Ok(learned)
    }
}

impl Learn for Rssm {
    fn fit(&mut self, dataset: &Dataset, rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport> {
        let before = (self.store.clone(), self.adam.clone(), self.fitted);
        let (mut loss, last) = (0.0, self.schedule.updates.div_ceil(10));
        for update in 0..self.schedule.updates {
            match self.update(dataset, rng, interrupt) {
                // The last tenth's mean: single batches differ.
                Ok(metrics) if update + last >= self.schedule.updates => loss += metrics[0].1 / last as f64,
                Ok(_) => {}
                Err(error) => {
                    (self.store, self.adam, self.fitted) = before;
                    return Err(error);
                }
            }
        }
        let note = format!("{} updates of {} sequences", self.schedule.updates, self.schedule.batch);
        Ok(FitReport { epochs: self.schedule.updates, training_loss: loss, holdout_mse: f64::NAN, note })
    }
}

impl LatentModel for Rssm {
    fn cell(&self) -> &dyn Cell {
        &self.cell
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn starts(&self) -> &Starts {
        self.unrolled.as_ref().map_or(&self.none, |unrolled| &unrolled.starts)
    }
}

impl Persist for Rssm {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("fitted", Array::U64(vec![u64::from(self.fitted)]));
        state.put_all("store", self.store.save());
        state.put_all("adam", self.adam.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let fitted = state.u64s("fitted", 1)?[0] != 0;
        self.store.restore(&state.part("store"))?;
        self.adam.restore(&state.part("adam"))?;
        self.fitted = fitted;
        if let Some(unrolled) = &mut self.unrolled {
            // They were another model's.
            unrolled.starts = Starts::default();
        }
        Ok(())
    }
}
