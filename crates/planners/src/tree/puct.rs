//! PUCT: a policy prior leads the search, as in MuZero.
//!
//! Schrittwieser et al., "Mastering Atari, Go, chess and shogi by planning with a learned model", Nature 2020, appendix B: the edge with the
//! largest `Q̄(s, a) + P(s, a) √N(s) / (1 + N(s, a)) (c₁ + ln((N(s) + c₂ + 1) / c₂))`. `Q̄` is the mean brought to [0, 1], 0 for an edge
//! not yet tried: by the least and the largest mean in the tree, by those of the node's own edges and its own mean (as mctx has it:
//! Babuschkin et al., "The DeepMind JAX Ecosystem", 2020), or by a known range. N(s) counts the node's own evaluation. Dirichlet noise
//! is mixed into the root's prior, and the action is drawn by visits at a temperature (0: the most visited). Without a
//! policy head the prior is uniform.

use worldwright_core::{Entry, Error, Key, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::arena::{Branches, Tree};
use super::noise::dirichlet;
use super::options::{self, Options};
use super::planner::TreePlanner;
use super::rule::{Rule, decide_by_visits, visit_shares};
use super::search::Search;
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    Parameter { default: Default::Integer(128), ..options::SIMULATIONS },
    Parameter {
        name: "pb_c_init",
        default: Default::Float(1.25),
        summary: "c₁ of the rule: how much the prior weighs",
    },
    Parameter {
        name: "pb_c_base",
        default: Default::Float(19652.0),
        summary: "c₂ of the rule: visits from which the prior weighs more",
    },
    Parameter {
        name: "normalise",
        default: Default::Text("tree"),
        summary: "what brings means to [0, 1]: the range seen in the whole 'tree', at the 'node', or 'fixed' in value_range",
    },
    Parameter {
        name: "value_range",
        default: Default::Numbers(&[-1.0, 1.0]),
        summary: "normalise=fixed: the least and the largest return",
    },
    Parameter {
        name: "dirichlet_fraction",
        default: Default::Float(0.0),
        summary: "share of noise in the root's prior, 0.25 for self-play",
    },
    Parameter {
        name: "dirichlet_alpha",
        default: Default::Float(0.3),
        summary: "concentration of that noise, about 10 / (number of actions)",
    },
    options::HORIZON,
    options::LEAVES,
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
    name: "puct",
    summary: "tree search led by a policy prior (MuZero's); for discrete actions",
    source: "Schrittwieser et al. 2020 (MuZero)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let search = search(context, settings, 1)?;
    Ok(Box::new(TreePlanner::new(search, context)))
}

/// The search for `roots` roots at once.
pub(super) fn search(context: &PlannerContext, settings: &Settings, roots: usize) -> Result<Search<Puct>> {
    let options = Options::read("puct", context, settings, roots)?;
    let (init, base) = (settings.float("pb_c_init", 0.0, f64::MAX)?, settings.float("pb_c_base", 1.0, f64::MAX)?);
    let weight = |visits: usize| {
        let n = visits as f64 + 1.0;
        n.sqrt() * (init + ((n + base + 1.0) / base).ln())
    };
    let normalise = match (settings.choice("normalise", &["tree", "node", "fixed"])?, settings.numbers("value_range")?)
    {
        (0, _) => Normalise::Tree,
        (1, _) => Normalise::Node,
        (_, [low, high]) if low < high && (high - low).is_finite() => Normalise::Fixed { low: *low, high: *high },
        (_, range) => {
            let why = format!("takes two finite numbers, the least return and a larger one, got {range:?}");
            return Err(Error::config("value_range", why));
        }
    };
    let rule = Puct {
        normalise,
        weights: (0..options.capacity + options.leaves + 1).map(weight).collect(),
        inverses: (0..TABLE.min(options.capacity + options.leaves + 2))
            .map(|n| if n == 0 { 0.0 } else { 1.0 / n as f64 })
            .collect(),
        dirichlet_fraction: settings.float("dirichlet_fraction", 0.0, 1.0)?,
        dirichlet_alpha: settings.float("dirichlet_alpha", 1e-3, f64::MAX)?,
        temperature: options.temperature,
    };
    Search::new(rule, options, context)
}

/// The longest table of inverses: visits beyond are divided by.
const TABLE: usize = 1 << 12;

/// What brings means to [0, 1].
#[derive(Debug, Clone, Copy)]
enum Normalise {
    Tree,
    Node,
    Fixed { low: f64, high: f64 },
}

/// Below this, values at a node count as equal.
const SMALLEST_RANGE: f64 = 1e-8;

/// The least of the means at a node and its range: of its opened edges and of the node itself.
fn around(tree: &Tree, node: usize) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut visits, mut sum) = (1.0, tree.estimate[node]);
    for edge in tree.edges_opened(node) {
        if tree.edge_visits[edge] > 0 && tree.total[edge] != f64::NEG_INFINITY {
            let mean = tree.mean(edge);
            (low, high) = (low.min(mean), high.max(mean));
            visits += f64::from(tree.edge_visits[edge]);
            sum += tree.total[edge];
        }
    }
    let own = sum / visits;
    low = low.min(own);
    (low, (high.max(own) - low).max(SMALLEST_RANGE))
}

/// The rule.
pub(super) struct Puct {
    normalise: Normalise,
    /// What multiplies `P / (1 + n)`, by the simulations below the node.
    weights: Vec<f64>,
    /// 1/n, and 0 for no visit.
    inverses: Vec<f64>,
    dirichlet_fraction: f64,
    dirichlet_alpha: f64,
    temperature: f64,
}

impl Rule for Puct {
    const PRIORS: bool = true;
    const RANGE_OF_MEANS: bool = true;

    fn stop_exploring(&mut self) {
        (self.dirichlet_fraction, self.temperature) = (0.0, 0.0);
    }

    fn begin(&self, tree: &mut Tree, key: Key) {
        let edges = tree.edges_made(0);
        if self.dirichlet_fraction == 0.0 || edges.is_empty() {
            return;
        }
        let noise = &mut tree.noise[..edges.len()];
        dirichlet(&mut key.rng(), self.dirichlet_alpha, noise);
        for (prior, noise) in tree.prior[edges].iter_mut().zip(noise) {
            *prior = (1.0 - self.dirichlet_fraction) * *prior + self.dirichlet_fraction * *noise;
        }
        tree.bring_likeliest(0);
    }

    #[inline]
    fn choose(&mut self, tree: &Tree, node: usize) -> Option<usize> {
        let Branches { first, count, opened, visits } = tree.branches[node];
        let edges = first as usize..(first + opened) as usize;
        let weight = self.weights[(visits as usize).min(self.weights.len() - 1)];
        let (low, range) = match self.normalise {
            Normalise::Tree => (if tree.low.is_finite() { tree.low } else { 0.0 }, tree.range()),
            Normalise::Node => around(tree, node),
            Normalise::Fixed { low, high } => (low, high - low),
        };
        let scale = 1.0 / range;
        let (visits, totals) = (&tree.edge_visits[edges.clone()], &tree.total[edges.clone()]);
        let (priors, proven) = (&tree.prior[edges.clone()], &tree.edge_proven[edges.clone()]);
        let last = self.inverses.len() - 1;
        let (mut best, mut at) = (f64::NEG_INFINITY, usize::MAX);
        // Without branches but that of the table's end, which is hardly ever reached: visits are too irregular to be guessed.
        for i in 0..visits.len() {
            let n = visits[i] as usize;
            let (of_visits, of_next) = if n < last {
                (self.inverses[n], self.inverses[n + 1])
            } else {
                (1.0 / n as f64, 1.0 / (n + 1) as f64)
            };
            let visited = if n == 0 { 0.0 } else { 1.0 };
            let q = (totals[i] * of_visits - low * visited) * scale;
            let open = if proven[i] { 0.0 } else { weight };
            let score = q + open * priors[i] * of_next;
            let wins = score > best;
            best = if wins { score } else { best };
            at = if wins { i } else { at };
        }
        if opened < count && weight * tree.prior[edges.end] > best {
            return Some(edges.end);
        }
        (at != usize::MAX).then(|| edges.start + at)
    }

    fn decide(&self, tree: &Tree, key: Key) -> Option<usize> {
        decide_by_visits(tree, self.temperature, key)
    }

    fn policy(&self, tree: &Tree, out: &mut [f64]) {
        visit_shares(tree, out);
    }
}
