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
//! Draws pass their gradient straight through to the probabilities, one hundredth of which is uniform; as ablations, and for the models that came before (PlaNet: Hafner et al. 2019),
//! the drawn part may be Gaussian, or not be drawn at all, and the recurrent part may forget; observations are squashed by symlog and predicted as
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
    ActionHead, Capabilities, Entry, Error, Experience, Imagination, Metrics, ModelSpec, Parameter, Result, Rng,
    SettingDefault as Default, Settings, cost,
};
use worldwright_nn::{AdamConfig, Cell, Starts, Store};

use crate::latent::{self, Latent, Learned, plain_spec};
use crate::{Build, LatentModel, ModelContext};
use cell::{BINS, Draws, RssmCell, Sizes};
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
            summary: "one-hot, with the gradient of the probabilities; soft (the concrete distribution), with a gradient of their own; mean, which draws nothing: only the deterministic path; or gaussian, of numbers",
        },
        Parameter {
            name: "memory",
            default: Default::Bool(true),
            summary: "whether the recurrent part remembers; else only what is drawn does: only the stochastic path",
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
        draws: Draws::ALL[settings.choice("draws", &Draws::NAMES)?],
        memory: settings.bool("memory")?,
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
    Ok(Box::new(made(context, head, sizes, schedule, learning_rate)))
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

/// Recurrent state-space models.
pub(crate) struct Kind {
    cell: RssmCell,
    schedule: Schedule,
    discount: f64,
}

/// The model with its learner.
type Rssm = Latent<Kind>;

fn made(context: &ModelContext, head: ActionHead, sizes: Sizes, schedule: Schedule, learning_rate: f32) -> Rssm {
    let mut store = Store::new(1);
    let cell = RssmCell::new(&mut store, sizes, &mut Rng::new(context.seed));
    let adam = AdamConfig { learning_rate, max_norm: MAX_NORM, ..AdamConfig::default() };
    let spec = ModelSpec {
        deterministic: sizes.draws == Draws::Mean,
        capabilities: Capabilities { memory: true, decode: true, ..Capabilities::default() },
        ..plain_spec(ENTRY.name, context, sizes.latent())
    };
    Latent::new(Kind { cell, schedule, discount: context.discount }, spec, head, Learned::new(store, adam))
}

impl latent::Kind for Kind {
    type Unrolled = Unrolled;

    fn cell(&self) -> &dyn Cell {
        &self.cell
    }

    fn schedule(&self) -> (usize, String) {
        (self.schedule.updates, format!("{} sequences", self.schedule.batch))
    }

    fn unroll(&self, learned: &Learned) -> Result<Unrolled> {
        Unrolled::new(&self.cell, &learned.store, self.schedule)
    }

    fn update(
        &self,
        unrolled: &mut Unrolled,
        head: &ActionHead,
        (learned, starts): (&mut Learned, &mut Starts),
        experience: &dyn Experience,
        rng: &mut Rng,
    ) -> Result<Metrics> {
        unrolled.gather(&self.cell, head, experience, rng)?;
        unrolled.learn(&self.cell, (learned, starts), rng)
    }

    fn imagination(model: &Rssm, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(RssmImagination::new(model, rows))
    }
}
