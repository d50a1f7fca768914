//! Planners that draw action sequences, imagine them all together and learn from the best: two hooks on one loop (`base.rs`).

#[cfg(test)]
mod adding_a_planner;
mod base;
mod batch;
pub(crate) mod candidates;
pub(crate) mod cem;
pub(crate) mod cma_es;
mod distribution;
mod elites;
pub(crate) mod icem;
pub(crate) mod mppi;
mod noise;
pub(crate) mod plan;
pub(crate) mod predictive_sampling;
mod prior;
mod projection;
pub(crate) mod random_shooting;
mod ranking;
mod regulariser;
mod rollout;
mod search;
mod segment;
pub(crate) mod spline;

pub use batch::BatchPlanner;
pub use regulariser::Regulariser;

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{Error, Planner, Result, Setting, Settings, find};

use crate::{ALL, PlannerContext};

/// Those of [`ALL`] that sample: they take a [`Regulariser`] and plan for a [batch](BatchPlanner) of problems.
const SAMPLERS: &[search::Sampler] = &[
    random_shooting::SAMPLER,
    predictive_sampling::SAMPLER,
    cem::SAMPLER,
    icem::SAMPLER,
    mppi::SAMPLER,
    cma_es::SAMPLER,
];

/// The sampling planner called `name`, as [`make`](crate::make) builds it, with `regulariser` in its objective.
///
/// # Errors
/// As [`make`](crate::make), and [`Error::Unsupported`] for a planner that does not sample.
pub fn make_regularised(
    name: &str,
    context: &PlannerContext,
    overrides: &BTreeMap<String, Setting>,
    regulariser: Arc<dyn Regulariser>,
) -> Result<Box<dyn Planner>> {
    let sampler = sampler(name)?;
    let settings = Settings::resolve(name, sampler.parameters, overrides)?;
    let regularised = Some(regulariser::Regularised::new(regulariser));
    Ok(Box::new(base::Sampling::new(sampler, context, &settings, regularised)?))
}

/// The sampling planner called `name`.
fn sampler(name: &str) -> Result<&'static search::Sampler> {
    let entry = find(ALL, "planner", name)?;
    SAMPLERS.iter().find(|sampler| sampler.name == entry.name).ok_or_else(|| {
        let names: Vec<&str> = SAMPLERS.iter().map(|sampler| sampler.name).collect();
        Error::unsupported(entry.name, format!("batches of problems and regularisers: use one of {}", names.join(", ")))
    })
}
