//! The line of `grid` in the list of planners, its settings, and how they are read.

use worldwright_core::{Entry, Error, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::axes::Axis;
use super::build::GridConfig;
use super::planner::{GridPlanner, Limits};
use super::stencil::Interpolation;
use super::value::GridValue;
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    Parameter { name: "low", default: Default::Numbers(&[]), summary: "lower bound of each coordinate; must be given" },
    Parameter {
        name: "high",
        default: Default::Numbers(&[]),
        summary: "upper bound of each coordinate; must be given",
    },
    Parameter {
        name: "points",
        default: Default::Numbers(&[51.0]),
        summary: "grid points of each coordinate: one count for all or one each",
    },
    Parameter {
        name: "periodic",
        default: Default::Numbers(&[]),
        summary: "coordinates, counted from 0, that are the same place at both bounds",
    },
    Parameter {
        name: "angles",
        default: Default::Numbers(&[]),
        summary: "places in the observation where a cosine is followed by its sine: the two are one periodic coordinate",
    },
    Parameter {
        name: "interpolation",
        default: Default::Text("multilinear"),
        summary: "between the points: 'multilinear' (2^d corners) or 'simplex' (d + 1 corners)",
    },
    Parameter {
        name: "action_points",
        default: Default::Numbers(&[11.0]),
        summary: "numbers tried in each action dimension: one count for all or one each",
    },
    Parameter {
        name: "sweeps",
        default: Default::Integer(500),
        summary: "backups of the value; each is one step more of foresight",
    },
    Parameter {
        name: "tolerance",
        default: Default::Float(1e-6),
        summary: "stop sweeping when no value changes by more than this",
    },
    Parameter {
        name: "discount",
        default: Default::Float(1.0),
        summary: "discount a step on top of the model's own continuation, in [0, 1]",
    },
    Parameter {
        name: "samples",
        default: Default::Integer(8),
        summary: "draws of each action at each point, for models with chance",
    },
    crate::common::EPISTEMIC_PENALTY,
    Parameter {
        name: "horizon",
        default: Default::Integer(1),
        summary: "actions that the plan shows, one lookahead each",
    },
    Parameter {
        name: "refresh",
        default: Default::Integer(0),
        summary: "decisions after which the value is computed anew, for models that go on learning; 0 never",
    },
    Parameter { name: "threads", default: Default::Integer(1), summary: "threads of a sweep over a large grid" },
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "grid",
    summary: "dynamic programming on an interpolated grid of up to four dimensions: the referee; needs bounds",
    source: "Munos and Moore 2002",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let (low, high) = (settings.numbers("low")?, settings.numbers("high")?);
    if low.is_empty() || low.len() != high.len() {
        return Err(Error::unsupported(
            "grid",
            format!(
                "planning with {} lower and {} upper bounds: set one of `low` and of `high` for each coordinate, at most four, or use a \
                 sampling planner such as icem",
                low.len(),
                high.len()
            ),
        ));
    }
    let points = counts(settings, "points", 2, low.len())?;
    let samples = settings.count("samples", 1)?;
    let periodic = places(settings, "periodic", low.len())?;
    let axis =
        |dim: usize| Axis { low: low[dim], high: high[dim], points: points[dim], periodic: periodic.contains(&dim) };
    let config = GridConfig {
        axes: (0..low.len()).map(axis).collect(),
        angles: places(settings, "angles", 2 * low.len())?,
        interpolation: match settings.choice("interpolation", &["multilinear", "simplex"])? {
            0 => Interpolation::Multilinear,
            _ => Interpolation::Simplex,
        },
        action_points: counts(settings, "action_points", 1, 0)?,
        samples: if context.deterministic { 1 } else { samples },
        discount: settings.float("discount", 0.0, 1.0)?,
        epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
        threads: settings.count_in("threads", 1, 1024)?,
        seed: context.seed,
    };
    let value = GridValue::new(&config, &context.action_space, context.members)?;
    let limits = Limits {
        horizon: settings.count("horizon", 1)?,
        sweeps: settings.count("sweeps", 0)?,
        tolerance: settings.float("tolerance", 0.0, f64::MAX)?,
        refresh: settings.count("refresh", 0)? as u64,
    };
    Ok(Box::new(GridPlanner::new(value, limits, context)))
}

/// Whole numbers of at least `least`; one is repeated `dims` times.
fn counts(settings: &Settings, key: &str, least: usize, dims: usize) -> Result<Vec<usize>> {
    let wrong = |why: String| Error::config(key, why);
    let counts = settings.counts_in(key, least, Settings::MOST_COUNT)?;
    match counts.len() {
        1 if dims > 0 => Ok(vec![counts[0]; dims]),
        given if dims > 0 && given != dims => Err(wrong(format!("needs 1 or {dims} counts, got {given}"))),
        _ => Ok(counts),
    }
}

/// Places below `end`.
fn places(settings: &Settings, key: &str, end: usize) -> Result<Vec<usize>> {
    let numbers = settings.numbers(key)?;
    if let Some(number) = numbers.iter().find(|number| !(0.0..end as f64).contains(*number) || number.fract() != 0.0) {
        return Err(Error::config(key, format!("must be whole numbers from 0 and below {end}, got {number}")));
    }
    Ok(numbers.iter().map(|number| *number as usize).collect())
}
