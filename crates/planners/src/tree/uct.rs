//! UCT: every node a bandit, by upper confidence bounds.
//!
//! Kocsis and Szepesvári, "Bandit based Monte-Carlo Planning", ECML 2006: the edge with the largest `Q(s, a) + C R √(ln N(s) / N(s, a))`, an
//! edge not yet tried first. `R` is the range of the returns seen in the tree, so that C needs no knowledge of the
//! rewards' scale (the paper has returns in [0, 1]). An edge whose value is proven needs no exploration: its bonus is zero.

use worldwright_core::{Entry, Key, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::arena::{Branches, Tree};
use super::options::{self, Options};
use super::planner::TreePlanner;
use super::rule::{Rule, decide_by_visits, visit_shares};
use super::search::Search;
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    Parameter { default: Default::Integer(1024), ..options::SIMULATIONS },
    Parameter {
        name: "exploration",
        default: Default::Float(1.0),
        summary: "C of the confidence bound, in units of the range of the returns seen",
    },
    options::HORIZON,
    Parameter { default: Default::Integer(16), ..options::LEAVES },
    options::VIRTUAL_LOSS,
    options::EVALUATION,
    options::ROLLOUT_STEPS,
    options::BACKUP,
    options::SOLVE,
    options::WIN,
    options::TEMPERATURE,
    options::CHANCE_FACTOR,
    options::CHANCE_EXPONENT,
    options::TRANSPOSITIONS,
    options::REUSE,
    options::NODES,
    crate::common::EPISTEMIC_PENALTY,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "uct",
    summary: "tree search by confidence bounds, with random rollouts or the model's value; for discrete actions",
    source: "Kocsis & Szepesvári 2006 (UCT)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let search = search(context, settings, 1)?;
    Ok(Box::new(TreePlanner::new(search, context)))
}

/// The search for `roots` roots at once.
pub(super) fn search(context: &PlannerContext, settings: &Settings, roots: usize) -> Result<Search<Uct>> {
    let options = Options::read("uct", context, settings, roots)?;
    let rule = Uct::new(settings.float("exploration", 0.0, f64::MAX)?, options.temperature, options.capacity);
    Search::new(rule, options, context)
}

/// Tables reach so far; visits beyond are rare enough to be computed.
const LONGEST_TABLE: usize = 1 << 16;

/// In place of 1/√0: its square times any bonus is beyond all means and still a number.
const FIRST: f64 = 1e100;

/// The rule.
pub(super) struct Uct {
    exploration: f64,
    temperature: f64,
    /// √ln n and 1/√n.
    roots_of_logs: Vec<f64>,
    inverse_roots: Vec<f64>,
}

impl Uct {
    fn new(exploration: f64, temperature: f64, capacity: usize) -> Self {
        let visits = || (0..capacity.min(LONGEST_TABLE) + 2).map(|n| n as f64);
        Self {
            exploration,
            temperature,
            roots_of_logs: visits().map(|n| n.max(1.0).ln().sqrt()).collect(),
            // An edge whose only visit was withdrawn comes first, as one not yet tried does.
            inverse_roots: visits().map(|n| if n == 0.0 { FIRST } else { 1.0 / n.sqrt() }).collect(),
        }
    }

    #[inline]
    fn inverse_root(&self, visits: u32) -> f64 {
        match self.inverse_roots.get(visits as usize) {
            Some(inverse) => *inverse,
            None => 1.0 / f64::from(visits).sqrt(),
        }
    }
}

impl Rule for Uct {
    const PRIORS: bool = false;
    const RANGE_OF_MEANS: bool = false;

    fn stop_exploring(&mut self) {
        self.temperature = 0.0;
    }

    fn begin(&self, _tree: &mut Tree, _key: Key) {}

    #[inline]
    fn choose(&mut self, tree: &Tree, node: usize) -> Option<usize> {
        let Branches { first, count, opened, visits } = tree.branches[node];
        if opened < count {
            return Some((first + opened) as usize);
        }
        let (edges, parent) = (first as usize..(first + count) as usize, visits as usize);
        let log = self.roots_of_logs.get(parent).copied().unwrap_or_else(|| (parent as f64).ln().sqrt());
        let bonus = self.exploration * tree.range() * log;
        let (visits, totals) = (&tree.edge_visits[edges.clone()], &tree.total[edges.clone()]);
        let proven = &tree.edge_proven[edges.clone()];
        let (mut best, mut at) = (f64::NEG_INFINITY, usize::MAX);
        for i in 0..visits.len() {
            let inverse = self.inverse_root(visits[i]);
            // 1/n is the square of 1/√n.
            let open = if proven[i] { 0.0 } else { bonus };
            let score = (totals[i] * inverse + open) * inverse;
            let wins = score > best;
            best = if wins { score } else { best };
            at = if wins { i } else { at };
        }
        (at != usize::MAX).then(|| edges.start + at)
    }

    #[inline]
    fn inverse(&self, visits: u32) -> f64 {
        self.inverse_root(visits) * self.inverse_root(visits)
    }

    fn decide(&self, tree: &Tree, key: Key) -> Option<usize> {
        decide_by_visits(tree, self.temperature, key)
    }

    fn policy(&self, tree: &Tree, out: &mut [f64]) {
        visit_shares(tree, out);
    }
}
