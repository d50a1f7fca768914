//! The update of the cross-entropy methods: move the distribution to the best candidates.

use worldwright_core::{Result, Settings};

use crate::sampling::candidates::Candidates;
use crate::sampling::plan::Plan;
use crate::sampling::ranking::Ranking;

/// `μ ← α μ + (1 − α) mean(elites)`, `σ ← α σ + (1 − α) std(elites)`.
pub(crate) struct Elites {
    pub(crate) population: usize,
    pub(crate) count: usize,
    momentum: f64,
    /// `[population]`, equal.
    weights: Vec<f64>,
}

impl Elites {
    /// Reads `population`, `elites` and `momentum`.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let population = settings.count("population", 2)?;
        Ok(Self {
            population,
            count: settings.count("elites", 1)?.min(population),
            momentum: settings.float("momentum", 0.0, 0.999)?,
            weights: vec![0.0; population],
        })
    }

    /// Moves the distribution to those that `ranking` put in front.
    pub(crate) fn update(&mut self, ranking: &Ranking, candidates: &Candidates, plan: &mut Plan) {
        let elites = ranking.elites();
        let weights = &mut self.weights[..elites.len()];
        weights.fill(1.0 / elites.len() as f64);
        plan.distribution.update(candidates, Some(elites), weights, self.momentum, true);
    }
}
