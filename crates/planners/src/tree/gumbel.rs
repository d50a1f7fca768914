//! Gumbel MuZero: the root samples actions without replacement and halves them; the policy improves even with few simulations.
//!
//! Danihelka et al., "Policy improvement by planning with Gumbel", ICLR 2022. Root: with Gumbel noise g, the m actions of the largest
//! `g(a) + logit(a)` are considered; by sequential halving all of them get equal visits, then the better half by
//! `g(a) + logit(a) + σ(q̂(a))`, and so on; the best of the most visited is done. Inside, the edge with the largest
//! `π'(a) − N(a) / (1 + Σ N)`, `π' = softmax(logit + σ(q̄))`. Values: `σ(q) = (c_visit + max N) c_scale q`, on means completed by
//! `v_mix = (v + ΣN Σ_{N>0} π q / Σ_{N>0} π) / (1 + ΣN)` (equation 33) where there was no visit, and brought to [0, 1] among the
//! edges of the node. Without `mixed_value` means are completed by v, without `rescale` they are weighed as they are.

use worldwright_core::{Entry, Key, Parameter, Planner, Result, SettingDefault as Default, Settings};

use super::arena::Tree;
use super::noise::gumbel;
use super::options::{self, Options};
use super::planner::TreePlanner;
use super::rule::Rule;
use super::search::{self, Search};
use super::softmax::exp;
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    Parameter { default: Default::Integer(64), ..options::SIMULATIONS },
    Parameter {
        name: "considered",
        default: Default::Integer(16),
        summary: "actions that the root samples and halves",
    },
    Parameter { name: "c_visit", default: Default::Float(50.0), summary: "visits that values weigh like at the least" },
    Parameter { name: "c_scale", default: Default::Float(0.1), summary: "weight of values" },
    Parameter {
        name: "rescale",
        default: Default::Bool(true),
        summary: "bring the values at a node to [0, 1]; false weighs them as they are",
    },
    Parameter {
        name: "mixed_value",
        default: Default::Bool(true),
        summary: "actions without visits count as the node's mean and its estimate mixed; false takes the estimate alone",
    },
    Parameter {
        name: "gumbel_scale",
        default: Default::Float(1.0),
        summary: "size of the root's Gumbel noise; 0 takes the prior's best actions",
    },
    options::HORIZON,
    options::LEAVES,
    options::VIRTUAL_LOSS,
    options::EVALUATION,
    options::ROLLOUT_STEPS,
    options::BACKUP,
    options::SOLVE,
    options::WIN,
    options::CHANCE_FACTOR,
    options::CHANCE_EXPONENT,
    options::TRANSPOSITIONS,
    options::NODES,
    crate::common::EPISTEMIC_PENALTY,
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gumbel",
    summary: "tree search for few simulations: Gumbel sampling and sequential halving; for discrete actions",
    source: "Danihelka et al. 2022 (Gumbel MuZero)",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let search = search(context, settings, 1)?;
    Ok(Box::new(TreePlanner::new(search, context)))
}

/// The search for `roots` roots at once.
pub(super) fn search(context: &PlannerContext, settings: &Settings, roots: usize) -> Result<Search<Gumbel>> {
    let options = Options::read("gumbel", context, settings, roots)?;
    let considered = settings.count("considered", 1)?;
    let actions = search::actions("gumbel", context)?;
    let longest = options.capacity + options.leaves + 1;
    let mut rule = Gumbel {
        c_visit: settings.float("c_visit", 0.0, f64::MAX)?,
        c_scale: settings.float("c_scale", 0.0, f64::MAX)?,
        rescale: settings.bool("rescale")?,
        mixed_value: settings.bool("mixed_value")?,
        gumbel_scale: settings.float("gumbel_scale", 0.0, f64::MAX)?,
        planned: 0,
        schedules: vec![Vec::with_capacity(longest + considered.min(actions)); considered.min(actions) + 1],
        longest,
        scores: vec![0.0; actions],
    };
    rule.plan(options.simulations);
    Search::new(rule, options, context)
}

/// The rule.
pub(super) struct Gumbel {
    c_visit: f64,
    c_scale: f64,
    rescale: bool,
    mixed_value: bool,
    gumbel_scale: f64,
    /// Simulations that the schedules are made for.
    planned: usize,
    /// By how many actions are considered: the visits that the next edge must have, simulation by simulation.
    schedules: Vec<Vec<u32>>,
    longest: usize,
    /// `[actions]`
    scores: Vec<f64>,
}

/// What the values of a node's edges are brought to [0, 1] by, if at all, and weighed with.
struct Completion {
    /// Value of an edge without visits.
    mixed: f64,
    low: f64,
    scale: f64,
    weight: f64,
    /// No σ is larger.
    top: f64,
    visits: f64,
}

impl Completion {
    /// σ of a value.
    #[inline]
    fn transform(&self, value: f64) -> f64 {
        self.weight * (value - self.low) * self.scale
    }

    /// σ of an edge's completed value.
    #[inline]
    fn of(&self, tree: &Tree, edge: usize) -> f64 {
        if tree.edge_visits[edge] == 0 { self.transform(self.mixed) } else { self.transform(tree.mean(edge)) }
    }
}

impl Gumbel {
    fn completion(&self, tree: &Tree, node: usize) -> Completion {
        let edges = tree.edges_opened(node);
        let (visits, totals) = (&tree.edge_visits[edges.clone()], &tree.total[edges.clone()]);
        let priors = &tree.prior[edges];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut most, mut all, mut visited, mut weight, mut sum) = (0, 0, 0, 0.0, 0.0);
        for i in 0..visits.len() {
            all += visits[i];
            if visits[i] == 0 || totals[i] == f64::NEG_INFINITY {
                continue;
            }
            visited += 1;
            most = most.max(visits[i]);
            let q = totals[i] / f64::from(visits[i]);
            (low, high) = (low.min(q), high.max(q));
            let prior = priors[i].max(f64::MIN_POSITIVE);
            weight += prior;
            sum += prior * q;
        }
        let n = f64::from(all);
        let mean = if visited > 0 { sum / weight } else { 0.0 };
        let mixes = visited > 0 && self.mixed_value;
        let mixed = if mixes { (tree.estimate[node] + n * mean) / (n + 1.0) } else { tree.estimate[node] };
        if visited < tree.branches[node].count {
            (low, high) = (low.min(mixed), high.max(mixed));
        }
        let weight = (self.c_visit + f64::from(most)) * self.c_scale;
        if self.rescale {
            Completion { mixed, low, scale: 1.0 / (high - low).max(SMALLEST_RANGE), weight, top: weight, visits: n }
        } else {
            Completion { mixed, low: 0.0, scale: 1.0, weight, top: weight * high, visits: n }
        }
    }

    /// The edge inside the tree whose visits lag most behind the improved policy.
    fn choose_inside(&mut self, tree: &Tree, node: usize) -> Option<usize> {
        let edges = tree.edges_opened(node);
        let next = edges.end;
        let completion = self.completion(tree, node);
        let scores = &mut self.scores[..edges.len()];
        // What is left of the probability belongs to the edges that were not opened, of which the next is the likeliest.
        let unopened = improved(tree, node, &completion, |i, _| i, scores);
        let share = 1.0 / (1.0 + completion.visits);
        let mut best = (f64::NEG_INFINITY, None);
        for (score, edge) in scores.iter().zip(edges) {
            let lag = score - f64::from(tree.edge_visits[edge]) * share;
            if lag > best.0 && tree.total[edge] != f64::NEG_INFINITY {
                best = (lag, Some(edge));
            }
        }
        let left = scores.len() < tree.branches[node].count as usize;
        if left && unopened * tree.prior[next] > best.0 { Some(next) } else { best.1 }
    }

    /// The root's edge of the best score among those with this many visits, or among all where there is none.
    fn best_with(&self, tree: &Tree, wanted: Option<u32>) -> Option<usize> {
        let completion = self.completion(tree, 0);
        let mut best = (false, f64::NEG_INFINITY, None);
        for (i, edge) in tree.edges_made(0).enumerate() {
            if tree.total[edge] == f64::NEG_INFINITY {
                continue;
            }
            let fits = wanted.is_none_or(|wanted| tree.edge_visits[edge] == wanted);
            let score = tree.noise[i] + completion.of(tree, edge);
            if best.2.is_none() || (fits, score) > (best.0, best.1) {
                best = (fits, score, Some(edge));
            }
        }
        best.2
    }
}

/// Below this, values count as equal.
const SMALLEST_RANGE: f64 = 1e-8;

/// `π' ∝ π exp(σ(q))` of a node's opened edges, each at the place of its number and action; edges that diverged get nothing, and other
/// places of `out` hold zeros. Returns what the prior of an edge that was not opened is to be multiplied by.
#[inline]
fn improved(
    tree: &Tree,
    node: usize,
    completion: &Completion,
    place: impl Fn(usize, u32) -> usize,
    out: &mut [f64],
) -> f64 {
    let unvisited = exp(completion.transform(completion.mixed) - completion.top);
    let edges = tree.edges_opened(node);
    let (mut sum, mut rest) = (0.0, if edges.len() < tree.branches[node].count as usize { 1.0 } else { 0.0 });
    for (i, edge) in edges.enumerate() {
        let factor = match tree.edge_visits[edge] {
            0 => unvisited,
            _ if tree.total[edge] == f64::NEG_INFINITY => 0.0,
            _ => exp(completion.transform(tree.mean(edge)) - completion.top),
        };
        let weight = tree.prior[edge] * factor;
        out[place(i, tree.action[edge])] = weight;
        sum += weight;
        rest -= tree.prior[edge];
    }
    sum += f64::max(rest, 0.0) * unvisited;
    let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
    out.iter_mut().for_each(|slot| *slot *= scale);
    unvisited * scale
}

impl Rule for Gumbel {
    const PRIORS: bool = true;
    const RANGE_OF_MEANS: bool = true;

    fn stop_exploring(&mut self) {
        self.gumbel_scale = 0.0;
    }

    fn plan(&mut self, simulations: usize) {
        if self.planned != simulations {
            self.planned = simulations;
            let longest = self.longest;
            self.schedules.iter_mut().enumerate().for_each(|(m, schedule)| halve(m, simulations, longest, schedule));
        }
    }

    fn begin(&self, tree: &mut Tree, key: Key) {
        let edges = tree.edges_made(0);
        let mut rng = key.rng();
        for (i, edge) in edges.enumerate() {
            let noise = if self.gumbel_scale > 0.0 { self.gumbel_scale * gumbel(&mut rng) } else { 0.0 };
            tree.noise[i] = noise + f64::from(tree.logits[tree.action[edge] as usize]);
        }
        // The root takes its edges by noise and schedule, not by the prior: all of them are open.
        tree.branches[0].opened = tree.branches[0].count;
    }

    #[inline]
    fn choose(&mut self, tree: &Tree, node: usize) -> Option<usize> {
        if node != 0 {
            return self.choose_inside(tree, node);
        }
        let considered = tree.edges_made(0).len().min(self.schedules.len() - 1);
        let wanted = self.schedules[considered].get(tree.branches[0].visits as usize).copied();
        self.best_with(tree, wanted)
    }

    fn decide(&self, tree: &Tree, _key: Key) -> Option<usize> {
        if tree.proven[0] {
            return tree.favourite(0);
        }
        let sound = tree.edges_made(0).filter(|edge| tree.total[*edge].is_finite());
        let most = sound.map(|edge| tree.edge_visits[edge]).max().filter(|most| *most > 0)?;
        self.best_with(tree, Some(most))
    }

    fn policy(&self, tree: &Tree, out: &mut [f64]) {
        improved(tree, 0, &self.completion(tree, 0), |_, action| action as usize, out);
    }
}

/// Sequential halving of `considered` edges over `simulations`: simulation i goes to an edge that has `schedule[i]` visits, so that all
/// have equally many before the worse half is left behind. The last two go on to `length`.
fn halve(considered: usize, simulations: usize, length: usize, schedule: &mut Vec<u32>) {
    schedule.clear();
    if considered <= 1 {
        schedule.extend(0..length as u32);
        return;
    }
    let rounds = considered.next_power_of_two().ilog2() as usize;
    let (mut left, mut visits) = (considered, 0);
    while schedule.len() < length {
        for _ in 0..(simulations / (rounds * left)).max(1) {
            let end = (schedule.len() + left).min(length);
            schedule.resize(end, visits);
            visits += 1;
        }
        left = (left / 2).max(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_gives_the_better_half_the_rest() {
        let mut schedule = Vec::new();
        // Two rounds of 8 simulations each: four edges twice, then two edges four times.
        halve(4, 16, 16, &mut schedule);
        assert_eq!(schedule, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        // Too few for all: the first of them once each.
        halve(16, 5, 5, &mut schedule);
        assert_eq!(schedule, [0; 5]);
        halve(1, 3, 3, &mut schedule);
        assert_eq!(schedule, [0, 1, 2]);
    }
}
