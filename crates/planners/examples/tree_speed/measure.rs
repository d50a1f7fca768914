//! Timing one workload: the same search over and over, on one thread or in parts on several.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Barrier;
use std::time::Instant;

use worldwright_core::Setting::Integer;
use worldwright_core::{Budget, Imagination, Key, Observation, Setting, WorldModel};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::{Depth, Forest};

/// What is searched.
pub(crate) struct Work<'a> {
    /// "uct", "puct" or "gumbel".
    pub(crate) name: &'a str,
    pub(crate) model: &'a dyn WorldModel,
    /// What every root sees.
    pub(crate) state: &'a Observation,
    pub(crate) simulations: usize,
    /// None takes the planner's own number.
    pub(crate) leaves: Option<usize>,
    pub(crate) roots: usize,
    pub(crate) threads: usize,
}

/// What the rounds came to.
pub(crate) struct Measured {
    /// Seconds.
    pub(crate) least: f64,
    pub(crate) median: f64,
    /// Of the first root.
    pub(crate) depth: Depth,
    pub(crate) action: Option<u32>,
}

impl Work<'_> {
    /// The search of some of the roots.
    fn part(&self, roots: Range<usize>) -> (Forest, Box<dyn Imagination + '_>) {
        let mut overrides = BTreeMap::from([("simulations".to_owned(), Integer(self.simulations as i64))]);
        if let Some(leaves) = self.leaves {
            overrides.insert("leaves".to_owned(), Setting::Integer(leaves as i64));
        }
        let context = PlannerContext::for_model(self.model.spec(), 0);
        let forest = Forest::part(self.name, &context, &overrides, roots.clone()).expect("the work fits the planner");
        let mut world = self.model.imagination(forest.rows());
        for (row, root) in roots.enumerate() {
            world.observe(row, None, self.state, Key::new(root as u64)).expect("a state of the model");
        }
        (forest, world)
    }

    /// Searches so many times.
    pub(crate) fn measure(&self, rounds: usize) -> Measured {
        let each = self.roots.div_ceil(Forest::PART).div_ceil(self.threads) * Forest::PART;
        let parts: Vec<Range<usize>> =
            (0..self.roots).step_by(each).map(|first| first..(first + each).min(self.roots)).collect();
        let barrier = Barrier::new(parts.len());
        let (mut seconds, mut found) = (Vec::with_capacity(rounds), None);
        std::thread::scope(|scope| {
            let search = |(forest, world): &mut (Forest, Box<dyn Imagination + '_>), round: usize| {
                // Before the barrier: a part may be done before this one has left it.
                let begun = Instant::now();
                barrier.wait();
                forest.search(&mut **world, &Budget::default(), Key::new(round as u64)).expect("the search runs");
                barrier.wait();
                begun.elapsed().as_secs_f64()
            };
            for roots in parts[1..].iter().cloned() {
                scope.spawn(move || {
                    let mut part = self.part(roots);
                    for round in 0..rounds {
                        search(&mut part, round);
                    }
                });
            }
            let mut part = self.part(parts[0].clone());
            seconds.extend((0..rounds).map(|round| search(&mut part, round)));
            found = Some((part.0.depth(0), part.0.decide(0)));
        });
        seconds.sort_by(f64::total_cmp);
        let (depth, action) = found.expect("the first part was searched");
        Measured { least: seconds[0], median: seconds[rounds / 2], depth, action }
    }
}

/// The exponent p of `y ∝ x^p` by least squares on the logarithms.
pub(crate) fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs = || points.iter().map(|(x, y)| (x.ln(), y.ln()));
    let (mean_x, mean_y) = (logs().map(|p| p.0).sum::<f64>() / n, logs().map(|p| p.1).sum::<f64>() / n);
    let across: f64 = logs().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    across / logs().map(|p| (p.0 - mean_x).powi(2)).sum::<f64>()
}
