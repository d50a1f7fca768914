//! The landmark-cut heuristic (Helmert and Domshlak, "Landmarks, critical paths and abstractions: what's the difference anyway?",
//! ICAPS 2009).
//!
//! While h^max of the goal is not 0: from the goal, walk back through operators that cost nothing to the zone from which the goal
//! is free; the operators that lead into the zone from what is reached without it are a cut, of which every plan holds one. The
//! cheapest cost in the cut is added to the estimate and taken off all of its operators. h^max is maintained over the rounds:
//! only what depends on a cheaper operator is computed anew.
//!
//! An operator with conditional changes has several relaxed operators. One application pays for all of them, so the cost is taken
//! off all of them together (Röger, Pommerening and Helmert, ECAI 2014, the basic variant).
//!
//! Where several preconditions of a free operator are the costliest, any of them may be walked back through, and the choice
//! decides how large the zone grows and so how good the cut is. [`LmCutTies`] says which is taken (Lauer and Fickert, "Beating
//! LM-cut with LM-cut: quick cutting and practical tie breaking for the precondition choice function", HSDIP 2020).

use super::estimate::{Heuristic, Visit};
use super::queue::BucketQueue;
use super::relaxation::{Relaxation, Rows};
use super::task::Task;

/// Which of several costliest preconditions LM-cut walks back through where it marks the goal zone. The estimate is admissible
/// with every choice; with both it is mostly higher, above all where actions cost nothing or much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LmCutTies {
    /// One that stands in the goal zone already: the zone does not grow.
    pub goal_zone_detection: bool,
    /// One on the border of the goal zone, which only operators that cost something achieve: the zone grows no further from it.
    pub border_detection: bool,
}

impl Default for LmCutTies {
    /// Both.
    fn default() -> Self {
        Self { goal_zone_detection: true, border_detection: true }
    }
}

/// Cost of a proposition that is not reached.
const UNREACHED: u32 = u32::MAX;
/// Supporter of a relaxed operator that is not reached.
const NONE: u32 = u32::MAX;

/// Where a proposition stands as to the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Open,
    /// Reached without entering the goal zone.
    Before,
    /// The goal is free from here.
    Goal,
}

#[derive(Debug, Clone, Copy)]
struct Proposition {
    cost: u32,
    zone: Zone,
}

#[derive(Debug, Clone, Copy)]
struct RelaxedOperator {
    cost: u32,
    /// Preconditions that are not reached.
    unreached: u32,
    /// The costliest precondition, and its cost.
    supporter: u32,
    supporter_cost: u32,
}

/// The heuristic with all that it works in.
pub(crate) struct LmCut {
    relaxation: Relaxation,
    ties: LmCutTies,
    preconditions: Rows,
    effects: Rows,
    needed_by: Rows,
    achieved_by: Rows,
    /// The other relaxed operators of the same operator.
    siblings: Rows,
    /// Holds at first: the precondition of operators that need nothing.
    start: u32,
    /// What the goal operator achieves.
    end: u32,
    fresh: Vec<RelaxedOperator>,
    operators: Vec<RelaxedOperator>,
    propositions: Vec<Proposition>,
    queue: BucketQueue,
    stack: Vec<u32>,
    cut: Vec<u32>,
    /// The last cut that an operator was made cheaper in.
    cheaper: Vec<u32>,
    cuts: u32,
}

impl LmCut {
    pub(crate) fn new(task: &Task, costs: &[u32], ties: LmCutTies) -> Self {
        let relaxation = Relaxation::new(task);
        let start = relaxation.propositions as u32;
        let end = start + 1;
        let or_start = |row: &[u32]| if row.is_empty() { vec![start] } else { row.to_vec() };
        let count = relaxation.operators() as u32;
        let preconditions = (0..count).map(|o| or_start(relaxation.preconditions.row(o)));
        let preconditions = Rows::new(preconditions.chain([or_start(&relaxation.goal)]));
        let effects = Rows::new((0..count).map(|o| relaxation.effects.row(o).to_vec()).chain([vec![end]]));
        let mut of_operator = vec![Vec::new(); task.operators.len()];
        (0..count).for_each(|o| of_operator[relaxation.origin[o as usize] as usize].push(o));
        let others = |o: u32| -> Vec<u32> {
            let all = &of_operator[relaxation.origin[o as usize] as usize];
            all.iter().copied().filter(|&other| other != o).collect()
        };
        let siblings = Rows::new((0..count).map(others).chain([Vec::new()]));
        let cost = |o: u32| relaxation.origin.get(o as usize).map_or(0, |&operator| costs[operator as usize]);
        let fresh: Vec<RelaxedOperator> = (0..=count)
            .map(|o| RelaxedOperator {
                cost: cost(o),
                unreached: preconditions.row(o).len() as u32,
                supporter: NONE,
                supporter_cost: UNREACHED,
            })
            .collect();
        let propositions = end as usize + 1;
        Self {
            needed_by: preconditions.inverse(propositions),
            achieved_by: effects.inverse(propositions),
            preconditions,
            effects,
            siblings,
            start,
            end,
            operators: fresh.clone(),
            cheaper: vec![0; fresh.len()],
            fresh,
            propositions: vec![Proposition { cost: UNREACHED, zone: Zone::Open }; propositions],
            queue: BucketQueue::default(),
            stack: Vec::new(),
            cut: Vec::new(),
            cuts: 0,
            relaxation,
            ties,
        }
    }

    #[inline]
    fn reach(propositions: &mut [Proposition], queue: &mut BucketQueue, effects: &[u32], cost: u32) {
        for &effect in effects {
            let place = &mut propositions[effect as usize];
            if cost < place.cost {
                place.cost = cost;
                queue.push(cost, effect);
            }
        }
    }

    /// h^max of everything from a state.
    fn explore(&mut self, state: &[u64]) {
        let Self { relaxation, operators, propositions, queue, .. } = self;
        operators.copy_from_slice(&self.fresh);
        propositions.fill(Proposition { cost: UNREACHED, zone: Zone::Open });
        queue.clear();
        Self::reach(propositions, queue, &[self.start], 0);
        relaxation.each_true(state, |proposition| {
            propositions[proposition as usize].cost = 0;
            queue.push(0, proposition);
        });
        while let Some((cost, proposition)) = queue.pop() {
            if propositions[proposition as usize].cost < cost {
                continue;
            }
            for &number in self.needed_by.row(proposition) {
                let operator = &mut operators[number as usize];
                operator.unreached -= 1;
                if operator.unreached == 0 {
                    operator.supporter = proposition;
                    operator.supporter_cost = cost;
                    let total = cost.saturating_add(operator.cost).min(UNREACHED - 1);
                    Self::reach(propositions, queue, self.effects.row(number), total);
                }
            }
        }
    }

    /// h^max after the operators of the cut have become cheaper.
    fn update(&mut self) {
        let Self { operators, propositions, queue, .. } = self;
        queue.clear();
        for &number in &self.cut {
            let operator = operators[number as usize];
            if operator.supporter != NONE {
                let total = operator.supporter_cost.saturating_add(operator.cost).min(UNREACHED - 1);
                Self::reach(propositions, queue, self.effects.row(number), total);
            }
        }
        while let Some((cost, proposition)) = queue.pop() {
            if propositions[proposition as usize].cost < cost {
                continue;
            }
            for &number in self.needed_by.row(proposition) {
                let operator = &mut operators[number as usize];
                if operator.supporter != proposition || operator.supporter_cost <= cost {
                    continue;
                }
                let mut supporter = (cost, proposition);
                for &precondition in self.preconditions.row(number) {
                    let other = propositions[precondition as usize].cost;
                    if other > supporter.0 {
                        supporter = (other, precondition);
                    }
                }
                operator.supporter = supporter.1;
                if supporter.0 != operator.supporter_cost {
                    operator.supporter_cost = supporter.0;
                    let total = supporter.0.saturating_add(operator.cost).min(UNREACHED - 1);
                    Self::reach(propositions, queue, self.effects.row(number), total);
                }
            }
        }
    }

    /// Marks what the goal is free from.
    fn mark_goal_zone(&mut self) {
        self.stack.clear();
        self.propositions[self.end as usize].zone = Zone::Goal;
        self.stack.push(self.end);
        while let Some(proposition) = self.stack.pop() {
            for i in 0..self.achieved_by.row(proposition).len() {
                let number = self.achieved_by.row(proposition)[i];
                let operator = self.operators[number as usize];
                if operator.cost != 0 || operator.supporter == NONE {
                    continue;
                }
                let supporter = self.choose(number);
                self.operators[number as usize].supporter = supporter;
                let zone = &mut self.propositions[supporter as usize].zone;
                if *zone != Zone::Goal {
                    *zone = Zone::Goal;
                    self.stack.push(supporter);
                }
            }
        }
    }

    /// The costliest precondition of a free operator that is walked back through.
    #[inline]
    fn choose(&self, number: u32) -> u32 {
        let operator = self.operators[number as usize];
        let preconditions = self.preconditions.row(number);
        if preconditions.len() == 1 {
            return operator.supporter;
        }
        let costliest = preconditions
            .iter()
            .copied()
            .filter(|&precondition| self.propositions[precondition as usize].cost == operator.supporter_cost);
        let mut choice = operator.supporter;
        let mut at_border = !self.ties.border_detection;
        for precondition in costliest {
            if self.ties.goal_zone_detection && self.propositions[precondition as usize].zone == Zone::Goal {
                return precondition;
            }
            if !at_border && self.only_paid(precondition) {
                (choice, at_border) = (precondition, true);
            }
        }
        choice
    }

    /// Whether a proposition is reached by nothing but operators that cost something.
    fn only_paid(&self, proposition: u32) -> bool {
        self.achieved_by.row(proposition).iter().all(|&number| {
            let operator = self.operators[number as usize];
            operator.cost != 0 || operator.supporter == NONE
        })
    }

    /// Collects the operators that enter the goal zone from what is reached without it, and returns the cheapest cost.
    fn collect_cut(&mut self, state: &[u64]) -> u32 {
        let Self { relaxation, operators, propositions, stack, cut, .. } = self;
        stack.clear();
        cut.clear();
        let mut cheapest = u32::MAX;
        propositions[self.start as usize].zone = Zone::Before;
        stack.push(self.start);
        relaxation.each_true(state, |proposition| {
            propositions[proposition as usize].zone = Zone::Before;
            stack.push(proposition);
        });
        while let Some(proposition) = stack.pop() {
            for &number in self.needed_by.row(proposition) {
                let operator = operators[number as usize];
                if operator.supporter != proposition {
                    continue;
                }
                let effects = self.effects.row(number);
                if effects.iter().any(|&effect| propositions[effect as usize].zone == Zone::Goal) {
                    cut.push(number);
                    cheapest = cheapest.min(operator.cost);
                    continue;
                }
                for &effect in effects {
                    let zone = &mut propositions[effect as usize].zone;
                    if *zone == Zone::Open {
                        *zone = Zone::Before;
                        stack.push(effect);
                    }
                }
            }
        }
        cheapest
    }

    /// Takes `cost` off the operators of the cut, each once, and puts their other relaxed operators to the cut.
    fn pay(&mut self, cost: u32) {
        self.cuts = self.cuts.wrapping_add(1);
        for i in 0..self.cut.len() {
            let number = self.cut[i];
            if std::mem::replace(&mut self.cheaper[number as usize], self.cuts) == self.cuts {
                continue;
            }
            self.operators[number as usize].cost -= cost;
            for &sibling in self.siblings.row(number) {
                if std::mem::replace(&mut self.cheaper[sibling as usize], self.cuts) != self.cuts {
                    self.operators[sibling as usize].cost -= cost;
                    self.cut.push(sibling);
                }
            }
        }
    }
}

impl Heuristic for LmCut {
    fn evaluate(&mut self, state: &[u64], _: Visit) -> Option<u32> {
        self.explore(state);
        if self.propositions[self.end as usize].cost == UNREACHED {
            return None;
        }
        let mut total = 0_u32;
        while self.propositions[self.end as usize].cost != 0 {
            self.mark_goal_zone();
            let cost = self.collect_cut(state);
            total = total.saturating_add(cost);
            self.pay(cost);
            self.update();
            self.propositions.iter_mut().for_each(|proposition| proposition.zone = Zone::Open);
        }
        Some(total)
    }
}
