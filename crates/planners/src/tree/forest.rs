//! Searching from many roots at once: one batch of the model serves a simulation of every tree.

use std::collections::BTreeMap;
use std::ops::Range;

use worldwright_core::{Budget, Error, Imagination, Key, PlanReport, Result, Setting, Settings, find};

use super::rule::Rule;
use super::search::{DECIDE, GROUP, Search};
use super::{gumbel, puct, uct};
use crate::PlannerContext;

/// Trees that are searched together, as self-play and the improvement of policies on stored states need them. A planner of one root is
/// made by [`make`](crate::make).
///
/// ```no_run
/// use std::collections::BTreeMap;
/// use worldwright_core::{Budget, Key, Observation, Result, WorldModel};
/// use worldwright_planners::PlannerContext;
/// use worldwright_planners::tree::Forest;
///
/// fn improve(model: &dyn WorldModel, states: &[Observation]) -> Result<Vec<f64>> {
///     let context = PlannerContext::for_model(model.spec(), 0);
///     let mut forest = Forest::new("gumbel", &context, &BTreeMap::new(), states.len())?;
///     let mut world = model.imagination(forest.rows());
///     for (root, state) in states.iter().enumerate() {
///         world.observe(root, None, state, Key::new(root as u64))?;
///     }
///     forest.search(&mut *world, &Budget::default(), Key::new(7))?;
///     let mut policy = vec![0.0; forest.actions()];
///     forest.policy(0, &mut policy);
///     Ok(policy)
/// }
/// ```
///
/// A forest is searched on one thread. Parts of it, with an arena each, are searched on as many threads as there are parts: see
/// [`part`](Self::part).
pub struct Forest {
    search: Box<dyn Trees>,
    key: Key,
    first_root: usize,
}

/// What a forest is asked, whatever its rule.
trait Trees: Send {
    /// The number of the first root.
    fn begin_at(&mut self, first_root: usize);
    fn rows(&self) -> usize;
    fn actions(&self) -> usize;
    fn run(&mut self, world: &mut dyn Imagination, budget: &Budget, key: Key) -> Result<PlanReport>;
    fn decide(&self, root: usize, key: Key) -> Option<u32>;
    fn value(&self, root: usize) -> Option<f64>;
    fn each_edge(&self, root: usize, visit: &mut dyn FnMut(usize, u32, f64));
    fn policy(&self, root: usize, out: &mut [f64]);
    fn depth(&self, root: usize) -> Depth;
    fn length(&self, root: usize) -> Option<Length>;
}

/// In how many steps a game ends whose root is proven won or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// By best play of both no sooner than this.
    pub least: usize,
    /// By the play that is proven no later than this. Where it is no more than the least, that play is the best: the
    /// shortest win, or the longest defence.
    pub most: usize,
}

/// How deep the simulations of a tree went, in edges from the root.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// On average.
    pub mean: f64,
    /// At the most.
    pub most: usize,
}

impl Forest {
    /// Roots that are searched side by side to their end: parts begin at multiples of it.
    pub const PART: usize = GROUP;

    /// `roots` trees searched by the planner called `name` ("uct", "puct" or "gumbel") with `overrides` laid over its settings.
    ///
    /// # Errors
    /// As [`make`](crate::make) has them.
    pub fn new(
        name: &str,
        context: &PlannerContext,
        overrides: &BTreeMap<String, Setting>,
        roots: usize,
    ) -> Result<Self> {
        Self::part(name, context, overrides, 0..roots.max(1))
    }

    /// The trees `roots` of a larger forest. It counts its own from zero, but what is random in them is that of the whole: searched with the
    /// same key and without a limit of time or steps, parts that begin at multiples of [`PART`](Self::PART) find the bytes that one
    /// forest of all roots finds, on whatever threads they run.
    ///
    /// # Errors
    /// As [`make`](crate::make) has them, and [`Error::Config`] for a part that begins elsewhere or holds nothing.
    pub fn part(
        name: &str,
        context: &PlannerContext,
        overrides: &BTreeMap<String, Setting>,
        roots: Range<usize>,
    ) -> Result<Self> {
        if roots.is_empty() || !roots.start.is_multiple_of(Self::PART) {
            let why = format!("a part of a forest holds a root at least and begins at a multiple of {}", Self::PART);
            return Err(Error::config("roots", format!("{why}, not {}..{}", roots.start, roots.end)));
        }
        let (first_root, roots) = (roots.start, roots.len());
        let entry = find(&[uct::ENTRY, puct::ENTRY, gumbel::ENTRY], "tree search", name)?;
        let settings = Settings::resolve(name, entry.parameters, overrides)?;
        let mut search: Box<dyn Trees> = match entry.name {
            "uct" => Box::new(uct::search(context, &settings, roots)?),
            "puct" => Box::new(puct::search(context, &settings, roots)?),
            _ => Box::new(gumbel::search(context, &settings, roots)?),
        };
        search.begin_at(first_root);
        Ok(Self { search, key: Key::new(context.seed), first_root })
    }

    /// Rows that it needs in an arena; the first are the roots.
    pub fn rows(&self) -> usize {
        self.search.rows()
    }

    /// The number of actions, counted from zero.
    pub fn actions(&self) -> usize {
        self.search.actions()
    }

    /// Searches anew from the rows `0..roots`; all that is random comes from `key`. Does not allocate after the first time. The report counts all
    /// roots together, and its value is minus infinity: ask [`value`](Self::value).
    ///
    /// # Errors
    /// What the model gives, and what it lacks as [`Error::Unsupported`](worldwright_core::Error::Unsupported).
    pub fn search(&mut self, world: &mut dyn Imagination, budget: &Budget, key: Key) -> Result<PlanReport> {
        self.key = key;
        self.search.run(world, budget, key)
    }

    /// What to do at a root; none when everything diverged.
    pub fn decide(&self, root: usize) -> Option<u32> {
        self.search.decide(root, self.key.fold(0).fold(DECIDE).fold((self.first_root + root) as u64))
    }

    /// The value of a root: the mean return of its best edge, or what was proven.
    pub fn value(&self, root: usize) -> Option<f64> {
        self.search.value(root)
    }

    /// Visits of a root's actions, `[actions]`.
    pub fn visits(&self, root: usize, out: &mut [u32]) {
        out.fill(0);
        self.search.each_edge(root, &mut |action, visits, _| out[action] = visits);
    }

    /// Mean returns of a root's actions, `[actions]`: NaN for those without visits, minus infinity for those that diverged.
    pub fn action_values(&self, root: usize, out: &mut [f64]) {
        out.fill(f64::NAN);
        self.search.each_edge(root, &mut |action, _, value| out[action] = value);
    }

    /// The policy that the search comes to, `[actions]`: the shares of the visits, or Gumbel's improved policy.
    pub fn policy(&self, root: usize, out: &mut [f64]) {
        self.search.policy(root, out);
    }

    /// How long the game goes on from a root that is proven won or lost; none for others.
    pub fn length(&self, root: usize) -> Option<Length> {
        self.search.length(root)
    }

    /// How deep a tree is.
    pub fn depth(&self, root: usize) -> Depth {
        self.search.depth(root)
    }
}

impl<R: Rule> Trees for Search<R> {
    fn begin_at(&mut self, first_root: usize) {
        self.first_root = first_root;
    }

    fn rows(&self) -> usize {
        Search::rows(self)
    }

    fn actions(&self) -> usize {
        self.kind.choices()
    }

    fn run(&mut self, world: &mut dyn Imagination, budget: &Budget, key: Key) -> Result<PlanReport> {
        self.trees.iter_mut().for_each(|tree| tree.clear(1));
        Search::run(self, world, budget, key)
    }

    fn decide(&self, root: usize, key: Key) -> Option<u32> {
        let tree = &self.trees[root];
        self.rule.decide(tree, key).map(|edge| tree.action[edge])
    }

    fn value(&self, root: usize) -> Option<f64> {
        let tree = &self.trees[root];
        if tree.proven[0] { Some(tree.value[0]) } else { tree.favourite(0).map(|edge| tree.mean(edge)) }
    }

    fn each_edge(&self, root: usize, visit: &mut dyn FnMut(usize, u32, f64)) {
        let tree = &self.trees[root];
        for edge in tree.edges_made(0) {
            visit(tree.action[edge] as usize, tree.edge_visits[edge], tree.mean(edge));
        }
    }

    fn policy(&self, root: usize, out: &mut [f64]) {
        let tree = &self.trees[root];
        out.fill(0.0);
        self.rule.policy(tree, out);
    }

    fn depth(&self, root: usize) -> Depth {
        let tree = &self.trees[root];
        Depth { mean: tree.depths as f64 / tree.simulations.max(1) as f64, most: tree.deepest }
    }

    fn length(&self, root: usize) -> Option<Length> {
        self.trees[root].length().map(|[least, most]| Length { least: least as usize, most: most as usize })
    }
}
