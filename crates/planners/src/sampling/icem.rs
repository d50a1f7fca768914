//! iCEM: the cross-entropy method made frugal by noise correlated over time, elites kept, and a shrinking population.
//!
//! Pinneri et al., "Sample-efficient Cross-Entropy Method for Real-time Planning", CoRL 2020, algorithm 1. On top of CEM: noise with
//! spectrum f^(−β) over the horizon; `max(N γ^(−i), 2K)` candidates in iteration i; a share of the elites joins the next iteration,
//! and, shifted, the next decision; the mean is a candidate in the last iteration; the best candidate is done. Deviation: the
//! last action of a shifted elite is repeated, not drawn anew. For choices the coloured noise drives them through the normal
//! copula, so neighbouring choices (left, none, right) hold on over time.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use crate::Build;
use crate::actions::{ActionKind, Sequence};
use crate::common::{self, Shared};
use crate::sampling::base::Sampling;
use crate::sampling::candidates::Candidates;
use crate::sampling::elites::Elites;
use crate::sampling::noise::Noise;
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;
use crate::sampling::search::{Round, Rule, Sampler, Setup};

const OWN: &[Parameter] = &[
    common::HORIZON,
    Parameter { default: Default::Integer(128), summary: "candidates in the first iteration", ..common::POPULATION },
    common::ITERATIONS,
    Parameter { default: Default::Integer(10), ..common::ELITES },
    common::MOMENTUM,
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
];

/// Its own settings, those shared, and how its rule is read from them.
pub(crate) const SAMPLER: Sampler =
    Sampler { name: "icem", parameters: &common::with_shared::<{ common::count_with_shared(OWN) }>(OWN), assemble };

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: SAMPLER.name,
    summary: "improved CEM: coloured noise, kept elites, shrinking population; the frugal default",
    source: "Pinneri et al. 2020 (iCEM)",
    parameters: SAMPLER.parameters,
    build: |context, settings| Sampling::boxed(&SAMPLER, context, settings),
};

fn assemble(_kind: &ActionKind, _shared: &Shared, settings: &Settings) -> Result<(Setup, Box<dyn Rule>)> {
    let elites = Elites::read(settings)?;
    let setup = Setup {
        answer: common::answer(settings)?,
        tolerance: settings.float("tolerance", 0.0, 1.0)?,
        keep: (settings.float("keep_share", 0.0, 1.0)? * elites.count as f64).ceil() as usize,
    };
    Ok((setup, Box::new(Icem { elites, shrink: settings.float("shrink", 1.0, 100.0)? })))
}

struct Icem {
    elites: Elites,
    shrink: f64,
}

impl Rule for Icem {
    fn population(&self, iteration: usize) -> usize {
        let population = self.elites.population;
        let shrunk = population as f64 * self.shrink.powi(-(iteration.min(10_000) as i32));
        (shrunk as usize).max(2 * self.elites.count).min(population)
    }

    fn leading(&self) -> usize {
        self.elites.count
    }

    fn draw(
        &mut self,
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
        self.elites.update(ranking, candidates, plan);
        let elites = ranking.elites();
        plan.kept_count = plan.kept.len().min(elites.len());
        for (kept, elite) in plan.kept.iter_mut().zip(elites) {
            candidates.get(*elite as usize, kept);
        }
    }
}
