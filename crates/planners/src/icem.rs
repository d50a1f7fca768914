//! iCEM: the cross-entropy method made frugal by noise correlated over time, elites kept, and a shrinking population.
//!
//! Pinneri et al., "Sample-efficient Cross-Entropy Method for Real-time Planning", CoRL 2020, algorithm 1. On top of CEM: noise with
//! spectrum f^(−β) over the horizon; `max(N γ^(−i), 2K)` candidates in iteration i; a share of the elites joins the next iteration,
//! and, shifted, the next decision; the mean is a candidate in the last iteration; the best candidate is done. Deviation: the
//! last action of a shifted elite is repeated, not drawn anew. For choices the coloured noise drives them through the normal
//! copula, so neighbouring choices (left, none, right) hold on over time.

use worldwright_core::{Entry, Parameter, Planner, Result, SettingDefault as Default, Settings};

use crate::actions::Sequence;
use crate::candidates::Candidates;
use crate::common;
use crate::noise::Noise;
use crate::plan::Plan;
use crate::ranking::Ranking;
use crate::sampling::{Round, Rule, Sampling, Setup};
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(128), summary: "candidates in the first iteration", ..common::POPULATION },
    common::ITERATIONS,
    Parameter { default: Default::Integer(10), ..common::ELITES },
    common::MOMENTUM,
    common::ACTION_STD,
    common::TOLERANCE,
    Parameter { default: Default::Text("best"), ..common::ANSWER },
    Parameter { default: Default::Float(2.0), ..common::NOISE_BETA },
    Parameter {
        name: "shrink",
        default: Default::Float(1.25),
        summary: "factor by which the population shrinks from iteration to iteration, at least 1",
    },
    Parameter {
        name: "keep_share",
        default: Default::Float(0.3),
        summary: "share of the elites that joins the next iteration and the next decision",
    },
    common::RISK,
    common::CVAR_ALPHA,
    common::EPISTEMIC_PENALTY,
    common::TERMINAL_VALUE,
    common::PRIOR_SHARE,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "icem",
    summary: "improved CEM: coloured noise, kept elites, shrinking population; the frugal default",
    source: "Pinneri et al. 2020 (iCEM)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let population = settings.count("population", 2)?;
    let elites = settings.count("elites", 1)?.min(population);
    let keep = (settings.float("keep_share", 0.0, 1.0)? * elites as f64).ceil() as usize;
    let rule = Icem {
        population,
        elites,
        momentum: settings.float("momentum", 0.0, 0.999)?,
        shrink: settings.float("shrink", 1.0, 100.0)?,
        weights: vec![0.0; population],
    };
    let setup = Setup {
        name: "icem",
        iterations: settings.count("iterations", 1)?,
        answer: common::answer(settings)?,
        tolerance: settings.float("tolerance", 0.0, 1.0)?,
        noise_beta: settings.float("noise_beta", 0.0, 10.0)?,
        keep,
    };
    Ok(Box::new(Sampling::new(setup, rule, context, settings)?))
}

struct Icem {
    population: usize,
    elites: usize,
    momentum: f64,
    shrink: f64,
    /// `[population]`
    weights: Vec<f64>,
}

impl Rule for Icem {
    fn population(&self, iteration: usize) -> usize {
        let shrunk = self.population as f64 * self.shrink.powi(-(iteration.min(10_000) as i32));
        (shrunk as usize).max(2 * self.elites).min(self.population)
    }

    fn leading(&self) -> usize {
        self.elites
    }

    fn draw(
        &self,
        round: Round,
        plan: &mut Plan,
        noise: &mut Noise,
        candidates: &mut Candidates,
        scratch: &mut Sequence,
    ) {
        plan.distribution.draw(round.key, noise, candidates);
        // A budget may have left few candidates: at least half of them are fresh.
        let count = candidates.count();
        for (i, kept) in plan.kept[..plan.kept_count.min(count / 2)].iter().enumerate() {
            candidates.set(i, kept);
        }
        if round.last {
            plan.distribution.mode(scratch);
            candidates.set(count / 2, scratch);
        }
    }

    fn update(&mut self, _round: Round, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let elites = ranking.elites();
        let weights = &mut self.weights[..elites.len()];
        weights.fill(1.0 / elites.len() as f64);
        plan.distribution.update(candidates, Some(elites), weights, self.momentum, true);
        plan.kept_count = plan.kept.len().min(elites.len());
        for (kept, elite) in plan.kept.iter_mut().zip(elites) {
            candidates.get(*elite as usize, kept);
        }
    }
}
