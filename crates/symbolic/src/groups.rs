//! Groups of facts of which no more than one is ever true.

use super::literal::Literal;

/// For each fact the groups that it is in.
#[derive(Debug, Clone, Default)]
pub(crate) struct MutexGroups {
    pub(crate) of_fact: Vec<Vec<u32>>,
    pub(crate) count: u32,
}

impl MutexGroups {
    /// The groups of some of the facts, which take the numbers of their places.
    pub(crate) fn of_facts(mut self, kept: &[u32]) -> Self {
        let of_fact = kept.iter().map(|&fact| std::mem::take(&mut self.of_fact[fact as usize])).collect();
        Self { of_fact, count: self.count }
    }

    /// Whether two literals are never true together, as far as the groups tell.
    pub(crate) fn exclusive(&self, a: Literal, b: Literal) -> bool {
        if a.fact() == b.fact() {
            return a != b;
        }
        let (own, other) = (&self.of_fact[a.fact() as usize], &self.of_fact[b.fact() as usize]);
        a.holds() && b.holds() && own.iter().any(|group| other.contains(group))
    }
}

/// Finds out whether literals can be true together.
pub(crate) struct Together<'a> {
    groups: &'a MutexGroups,
    /// For each group the round in which a fact of it was last met, and the fact.
    met: Vec<(usize, u32)>,
    round: usize,
}

impl<'a> Together<'a> {
    pub(crate) fn new(groups: &'a MutexGroups) -> Self {
        Self { groups, met: vec![(0, 0); groups.count as usize], round: 0 }
    }

    /// Whether no group has two of the facts that must be true.
    pub(crate) fn possible<'l>(&mut self, literals: impl Iterator<Item = &'l Literal>) -> bool {
        self.round += 1;
        for fact in literals.filter(|literal| literal.holds()).map(|literal| literal.fact()) {
            for &group in &self.groups.of_fact[fact as usize] {
                let (round, other) = std::mem::replace(&mut self.met[group as usize], (self.round, fact));
                if round == self.round && other != fact {
                    return false;
                }
            }
        }
        true
    }
}
