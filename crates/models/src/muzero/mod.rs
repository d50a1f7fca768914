//! `muzero`: a value-equivalent model, which predicts nothing but what a search asks for.
//!
//! ```text
//! z₀ = h(o)          zₖ₊₁, r̂ₖ₊₁, ĉₖ₊₁ = g(zₖ, aₖ)          π̂ₖ, v̂ₖ = f(zₖ)
//! loss = Σₖ  H(zvₖ, v̂ₖ) + H(πₖ, π̂ₖ) + H(rₖ, r̂ₖ) + H(cₖ, ĉₖ) + β ‖zₖ − stop h(oₜ₊ₖ)‖²
//! ```
//!
//! unrolled over K steps of what was done. πₖ is the policy of the search that acted at step k and zvₖ the return of n steps from there (`targets`); both
//! come from columns that a searching agent keeps beside its steps ([`SEARCH_POLICY`], [`ROOT_VALUE`]). In experience without them πₖ is what was done. Where
//! two players take turns, everything is seen by the one to move, and an imagined continuation is negative.
//!
//! Rewards and values are distributions over bins, two-hot in symlog; latents are simplices; observations are squashed by symlog. Beyond an end of the task the
//! model is to earn nothing, whatever is done.
//!
//! Source: Schrittwieser et al., "Mastering Atari, Go, chess and shogi by planning with a learned model", Nature 2020, methods; β and its term from Ye, Liu,
//! Kurutach, Abbeel and Gao, "Mastering Atari games with limited data", NeurIPS 2021. We deviate: a return goes on by the value that a slow copy of the network
//! gives now, unless told to take that of the search then; whether the episode goes on is predicted; gradients are not halved at each step; latents are normalised as in
//! Hansen, Su and Wang, "TD-MPC2", ICLR 2024; samples have no priorities.

mod cell;
mod imagination;
mod learner;
mod targets;

use worldwright_core::{
    ActionHead, Capabilities, Entry, Error, Experience, Imagination, Metrics, ModelSpec, Parameter, Result, Rng,
    SettingDefault as Default, Settings, cost,
};
use worldwright_nn::{AdamConfig, Cell, Starts, Store};

use crate::latent::trunk::Sizes;
use crate::latent::{self, Latent, Learned, plain_spec};
use crate::{Build, LatentModel, ModelContext};
use cell::{BINS, MuzeroCell};
use imagination::MuzeroImagination;
use learner::{Schedule, Unrolled};

/// The column that holds the policy of a search, one number a choice; all of them are zero where nothing was searched.
pub const SEARCH_POLICY: &str = "search_policy";
/// The column that holds what the root of a search was worth to the player to move.
pub const ROOT_VALUE: &str = "root_value";

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "muzero",
    summary: "a latent that predicts rewards, values and a policy alone, for tree search in choices; two players may take turns",
    source: "Schrittwieser et al., Nature 2020 (MuZero)",
    parameters: &[
        Parameter { name: "latent", default: Default::Integer(64), summary: "numbers of a latent" },
        Parameter { name: "simplex", default: Default::Integer(8), summary: "numbers of each of its simplices" },
        Parameter { name: "hidden", default: Default::Integer(64), summary: "width of the hidden layers" },
        Parameter { name: "batch", default: Default::Integer(32), summary: "windows of an update" },
        Parameter {
            name: "recent",
            default: Default::Integer(0),
            summary: "draw windows from so many of the last transitions only, since searches grow old; 0 for all of them",
        },
        Parameter { name: "unroll", default: Default::Integer(5), summary: "K: steps that the model is unrolled" },
        Parameter {
            name: "return_steps",
            default: Default::Integer(10),
            summary: "n: rewards of a return before a value stands for the rest",
        },
        Parameter {
            name: "bootstrap",
            default: Default::Text("network"),
            summary: "that value: 'network', of a slow copy of the model as it is now, or 'search', of the root that was searched then",
        },
        Parameter {
            name: "follow",
            default: Default::Float(0.01),
            summary: "how far the slow copy comes nearer with each update",
        },
        Parameter {
            name: "consistency",
            default: Default::Float(2.0),
            summary: "β: weight of the distance between imagined latents and those of what was seen",
        },
        Parameter { name: "updates", default: Default::Integer(1000), summary: "updates of a fit to a whole data set" },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of Adam" },
    ],
    build: Build::Latent(build),
};

/// The largest norm of a gradient.
const MAX_NORM: f32 = 10.0;

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LatentModel>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    if head.choices() == 0 {
        let what = "actions that are numbers: its policy and its search are over choices; take the model rssm or tdmpc2, or plan with algorithm=pets";
        return Err(Error::unsupported(ENTRY.name, what));
    }
    if context.players > 2 {
        return Err(Error::unsupported(ENTRY.name, "more than two players: what one gains, the other must lose"));
    }
    let sizes = Sizes::read(ENTRY.name, settings, [context.observation_space.flat_dim(), head.choices()])?;
    let schedule = Schedule {
        batch: settings.count_in("batch", 1, 4096)?,
        recent: match settings.count("recent", 0)? as u64 {
            0 => u64::MAX,
            recent => recent,
        },
        unroll: settings.count_in("unroll", 1, 256)?,
        return_steps: settings.count_in("return_steps", 1, 100_000)?,
        searched: settings.choice("bootstrap", &["network", "search"])? == 1,
        follow: settings.float("follow", 0.0, 1.0)? as f32,
        consistency: settings.float("consistency", 0.0, 1e3)? as f32,
        updates: settings.count_in("updates", 1, 10_000_000)?,
    };
    let learning_rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    affordable(&sizes, &schedule)?;
    Ok(Box::new(made(context, head, sizes, schedule, learning_rate)))
}

/// Refuses sizes that do not fit: weights with what training keeps beside them, and what an update computes of each step.
fn affordable(sizes: &Sizes, schedule: &Schedule) -> Result<()> {
    let f = |number: usize| number as f64;
    let (z, w, o, a) = (f(sizes.latent), f(sizes.hidden), f(sizes.observation), f(sizes.actions));
    let weights = w * (o + w + z) + w * (z + a + w + z) + w * (2.0 * w + 2.0 * z + 2.0 * f(BINS.count) + 1.0 + a);
    let step = 4.0 * (6.0 * z + 24.0 * w + 4.0 * o + 6.0 * a + 6.0 * f(BINS.count));
    let windows = f(schedule.batch) * (f(schedule.unroll) + 1.0);
    let bytes = 4.0 * (8.0 * weights + step * windows) + 8.0 * f(schedule.batch) * f(schedule.return_steps);
    let settings = [
        ("latent", sizes.latent),
        ("hidden", sizes.hidden),
        ("batch", schedule.batch),
        ("unroll", schedule.unroll),
        ("return_steps", schedule.return_steps),
    ];
    cost::memory(&settings, bytes)?;
    cost::work(&settings, "numbers to learn", weights, cost::MOST_MULTIPLICATIONS / 10.0)
}

/// Value-equivalent models.
pub(crate) struct Kind {
    cell: MuzeroCell,
    schedule: Schedule,
    /// What multiplies all that follows a step: negative where the other player moves next.
    discount: f64,
}

/// The model with its learner.
type Muzero = Latent<Kind>;

fn made(context: &ModelContext, head: ActionHead, sizes: Sizes, schedule: Schedule, learning_rate: f32) -> Muzero {
    let mut store = Store::new(1);
    let cell = MuzeroCell::new(&mut store, sizes, &mut Rng::new(context.seed));
    let adam = AdamConfig { learning_rate, max_norm: MAX_NORM, ..AdamConfig::default() };
    let spec = ModelSpec {
        capabilities: Capabilities { value: true, prior: true, ..Capabilities::default() },
        ..plain_spec(ENTRY.name, context, sizes.latent)
    };
    let learned = Learned::new(store, adam).with_slow_copy(schedule.follow);
    let discount = if context.players == 2 { -context.discount } else { context.discount };
    Latent::new(Kind { cell, schedule, discount }, spec, head, learned)
}

impl latent::Kind for Kind {
    type Unrolled = Unrolled;

    fn cell(&self) -> &dyn Cell {
        &self.cell.trunk
    }

    fn schedule(&self) -> (usize, String) {
        (self.schedule.updates, format!("{} windows", self.schedule.batch))
    }

    fn unroll(&self, learned: &Learned) -> Result<Unrolled> {
        Unrolled::new(&self.cell, learned, self.schedule, self.discount)
    }

    fn update(
        &self,
        unrolled: &mut Unrolled,
        head: &ActionHead,
        (learned, starts): (&mut Learned, &mut Starts),
        experience: &dyn Experience,
        rng: &mut Rng,
    ) -> Result<Metrics> {
        unrolled.gather(head, experience, rng)?;
        unrolled.learn(learned, starts)
    }

    fn imagination(model: &Muzero, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(MuzeroImagination::new(model, rows))
    }
}
