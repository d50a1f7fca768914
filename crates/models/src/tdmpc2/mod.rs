//! `tdmpc2`: a latent that foretells what steps pay and what they lead to, with values and a policy of its own, for plans of a few steps that end in a value.
//!
//! ```text
//! z₀ = h(o₀)      zₖ₊₁, r̂ₖ, ĉₖ = g(zₖ, aₖ)      Q̂ⱼ(z, a), j < C      π̂(z)
//! loss = Σₖ ρᵏ [ β ‖zₖ₊₁ − stop h(oₖ₊₁)‖² + w (H(rₖ, r̂ₖ) + mean_j H(yₖ, Q̂ⱼ(zₖ, aₖ))) + H(cₖ, ĉₖ) ]
//!      − Σₖ ρᵏ [ mean_j Q̂ⱼ(stop zₖ, π̂(stop zₖ)) / S + η H(π̂) ]          with Q̂ held
//! yₖ = rₖ + γ cₖ v₀      v_d = r̂ + γ ĉ v_{d+1} of a step that π̂ takes from z_d, z₀ = stop h(oₖ₊₁)      v_D = mean_j of slow Q̂ⱼ(z_D, π̂(z_D))
//! ```
//!
//! unrolled over K steps of what was done; S is a slow estimate of how far values spread, from their 5th to their 95th percentile, and at least 1. A planner sees
//! `value`, the mean of the values of what the policy would do, and `prior`, the policy, and plans in the slow copy of all networks: a single update may throw the fast ones off for
//! a hundred more. Of choices each has its own values, and the policy's are their mean under it, in targets and in what the policy climbs: nothing is asked about between two choices, where nobody ever was.
//!
//! Source: Hansen, Su and Wang, "TD-MPC2: Scalable, Robust World Models for Continuous Control", ICLR 2024, sections 3.1 and 3.2. We deviate: targets look D steps ahead in the model
//! (Feinberg et al., "Model-Based Value Expansion", 2018), and end in the mean of all slow critics, not the less of two; whether the episode goes on is predicted, and in plans it does or does not; choices are learned too;
//! rewards are read off the dynamics' hidden layer; observations are squashed by symlog; RMS norm and SiLU in place of layer norm and Mish; no dropout in critics; one step size for all networks.

mod cell;
mod imagination;
mod learner;

use worldwright_core::{
    ActionHead, Capabilities, Entry, Error, Experience, Imagination, Metrics, ModelSpec, Parameter, Result, Rng,
    SettingDefault as Default, Settings, cost,
};
use worldwright_nn::{AdamConfig, Cell, Starts, Store};

use crate::latent::trunk::Sizes;
use crate::latent::{self, Latent, Learned, plain_spec};
use crate::{Build, LatentModel, ModelContext};
use cell::{BINS, Tdmpc2Cell};
use imagination::Tdmpc2Imagination;
use learner::{Schedule, Unrolled};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "tdmpc2",
    summary: "a latent with values and a policy of its own, which plans of a few steps are led by and end in; for numbers and choices",
    source: "Hansen, Su and Wang, ICLR 2024 (TD-MPC2)",
    parameters: &[
        Parameter { name: "latent", default: Default::Integer(128), summary: "numbers of a latent" },
        Parameter { name: "simplex", default: Default::Integer(8), summary: "numbers of each of its simplices" },
        Parameter { name: "hidden", default: Default::Integer(128), summary: "width of the hidden layers" },
        Parameter { name: "critics", default: Default::Integer(3), summary: "C: values that are learned side by side" },
        Parameter { name: "batch", default: Default::Integer(128), summary: "windows of an update" },
        Parameter { name: "unroll", default: Default::Integer(3), summary: "K: steps that the model is unrolled" },
        Parameter {
            name: "foresight",
            default: Default::Integer(3),
            summary: "D: steps that the policy takes in the model before a value closes what values learn from",
        },
        Parameter {
            name: "decay",
            default: Default::Float(0.5),
            summary: "ρ: what a step of a window counts beside the one before it",
        },
        Parameter {
            name: "consistency",
            default: Default::Float(20.0),
            summary: "β: weight of the mean squared distance between imagined latents and those of what was seen",
        },
        Parameter { name: "judgement", default: Default::Float(0.1), summary: "w: weight of rewards and values" },
        Parameter {
            name: "entropy",
            default: Default::Float(1e-4),
            summary: "η: what a nat of the policy's entropy is worth beside values of spread 1",
        },
        Parameter {
            name: "follow",
            default: Default::Float(0.01),
            summary: "how far the slow copy, which closes targets and is planned in, comes nearer with each update",
        },
        Parameter { name: "updates", default: Default::Integer(1000), summary: "updates of a fit to a whole data set" },
        Parameter { name: "learning_rate", default: Default::Float(1e-3), summary: "step size of Adam" },
    ],
    build: Build::Latent(build),
};

/// The largest norm of a gradient.
const MAX_NORM: f32 = 20.0;

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LatentModel>> {
    let head = ActionHead::new(ENTRY.name, &context.action_space)?;
    if context.players > 1 {
        return Err(Error::unsupported(
            ENTRY.name,
            "games: take the model muzero, which knows that players take turns",
        ));
    }
    let sizes = Sizes::read(ENTRY.name, settings, [context.observation_space.flat_dim(), head.columns()])?;
    let schedule = Schedule {
        batch: settings.count_in("batch", 1, 4096)?,
        unroll: settings.count_in("unroll", 1, 256)?,
        foresight: settings.count_in("foresight", 0, 256)?,
        decay: settings.float("decay", 0.0, 1.0)? as f32,
        consistency: settings.float("consistency", 0.0, 1e3)? as f32,
        judgement: settings.float("judgement", 0.0, 1e3)? as f32,
        entropy: settings.float("entropy", 0.0, 1e3)? as f32,
        // Never zero: what does not follow would be planned in as it was before anything was learned.
        follow: settings.float("follow", 1e-6, 1.0)? as f32,
        updates: settings.count_in("updates", 1, 10_000_000)?,
        discount: context.discount as f32,
    };
    let critics = settings.count_in("critics", 1, 64)?;
    let learning_rate = settings.float("learning_rate", 0.0, 1.0)? as f32;
    affordable(&sizes, (critics, head.choices()), &schedule)?;
    Ok(Box::new(made(context, head, (sizes, critics), schedule, learning_rate)?))
}

/// Refuses sizes that do not fit: weights with what training keeps beside them, and what an update computes of each step.
fn affordable(sizes: &Sizes, (critics, choices): (usize, usize), schedule: &Schedule) -> Result<()> {
    let f = |number: usize| number as f64;
    let (z, w, o, a, c) = (f(sizes.latent), f(sizes.hidden), f(sizes.observation), f(sizes.actions), f(critics));
    let bins = f(BINS.count);
    let opinions = f(choices.max(1));
    let critic = w * (z + a + w + opinions * bins);
    let weights = w * (o + w + z) + w * (z + a + w + z) + w * (2.0 * w + bins + 1.0) + w * (z + w + 2.0 * a);
    // Each critic is asked of what was done, of what the policy does here, and of what it does next.
    let ahead = f(schedule.foresight) * (4.0 * z + 16.0 * w + 4.0 * a + 3.0 * bins);
    let step =
        4.0 * (8.0 * z + 24.0 * w + 4.0 * o + 8.0 * a + ahead + c * 3.0 * (z + a + 6.0 * w + 4.0 * opinions * bins));
    let windows = f(schedule.batch) * (f(schedule.unroll) + 1.0);
    let bytes = 4.0 * (8.0 * (weights + c * critic) + step * windows);
    let settings = [
        ("latent", sizes.latent),
        ("hidden", sizes.hidden),
        ("critics", critics),
        ("batch", schedule.batch),
        ("unroll", schedule.unroll),
        ("foresight", schedule.foresight),
    ];
    cost::memory(&settings, bytes)?;
    cost::work(&settings, "numbers to learn", weights + c * critic, cost::MOST_MULTIPLICATIONS / 10.0)
}

/// Models with values and a policy of their own.
pub(crate) struct Kind {
    cell: Tdmpc2Cell,
    schedule: Schedule,
    discount: f64,
}

/// The model with its learner.
type Tdmpc2 = Latent<Kind>;

fn made(
    context: &ModelContext,
    head: ActionHead,
    (sizes, critics): (Sizes, usize),
    schedule: Schedule,
    learning_rate: f32,
) -> Result<Tdmpc2> {
    let mut store = Store::new(1);
    let cell = Tdmpc2Cell::new(&mut store, sizes, (critics, head.choices()), &mut Rng::new(context.seed))?;
    let adam = AdamConfig { learning_rate, max_norm: MAX_NORM, ..AdamConfig::default() };
    let spec = ModelSpec {
        capabilities: Capabilities { value: true, prior: true, ..Capabilities::default() },
        ..plain_spec(ENTRY.name, context, sizes.latent)
    };
    let learned = Learned::new(store, adam).with_slow_copy(schedule.follow).with_spread();
    Ok(Latent::new(Kind { cell, schedule, discount: context.discount }, spec, head, learned))
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
        Unrolled::new(&self.cell, learned, self.schedule)
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

    fn imagined(learned: &Learned) -> &Store {
        learned.judge()
    }

    fn imagination(model: &Tdmpc2, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Tdmpc2Imagination::new(model, rows))
    }
}
