//! The delete relaxation: operators that only ever make literals true.
//!
//! Propositions are the literals that conditions name. An operator has a relaxed operator for each of its conditional changes,
//! whose precondition is that of the operator and the change's condition; those of one operator share its cost. Conditions and
//! effects stand in compressed rows, both ways.

use super::literal::Literal;
use super::task::Task;

/// Rows of numbers of different lengths in one array.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    starts: Vec<u32>,
    values: Vec<u32>,
}

impl Rows {
    /// Rows with the values of `rows`.
    pub(crate) fn new(rows: impl Iterator<Item = Vec<u32>>) -> Self {
        let mut all = Self { starts: vec![0], values: Vec::new() };
        for row in rows {
            all.values.extend(row);
            all.starts.push(all.values.len() as u32);
        }
        all
    }

    /// For each of `count` values the numbers of the rows that hold it.
    pub(crate) fn inverse(&self, count: usize) -> Self {
        let mut rows = vec![Vec::new(); count];
        for row in 0..self.len() as u32 {
            self.row(row).iter().for_each(|&value| rows[value as usize].push(row));
        }
        Self::new(rows.into_iter())
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[u32] {
        &self.values[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }
}

/// The relaxed task.
#[derive(Debug, Clone)]
pub(crate) struct Relaxation {
    /// The literal of each proposition.
    literals: Vec<Literal>,
    /// The fact of each proposition that speaks of a true fact, and of each that speaks of a false one.
    positive: Vec<(u32, u32)>,
    negative: Vec<(u32, u32)>,
    pub(crate) propositions: usize,
    /// Of each relaxed operator: precondition, effects, and the operator that it is of.
    pub(crate) preconditions: Rows,
    pub(crate) effects: Rows,
    pub(crate) origin: Vec<u32>,
    /// For each proposition the relaxed operators that need it, and those that achieve it.
    pub(crate) needed_by: Rows,
    pub(crate) achieved_by: Rows,
    pub(crate) goal: Vec<u32>,
}

/// Stands for a literal that no condition names.
const NONE: u32 = u32::MAX;

impl Relaxation {
    pub(crate) fn new(task: &Task) -> Self {
        let mut named = vec![false; task.facts() * 2];
        let mut name = |literals: &[Literal]| literals.iter().for_each(|literal| named[literal.index()] = true);
        name(&task.goal);
        for operator in &task.operators {
            name(&operator.precondition);
            operator.changes.iter().for_each(|change| name(&change.condition));
        }
        let mut proposition = vec![NONE; named.len()];
        let (mut positive, mut negative) = (Vec::new(), Vec::new());
        let mut propositions = 0;
        for index in (0..named.len()).filter(|&index| named[index]) {
            let literal = Literal::at(index);
            proposition[index] = propositions;
            if literal.holds() { &mut positive } else { &mut negative }.push((literal.fact(), propositions));
            propositions += 1;
        }
        let all = |literals: &[Literal]| -> Vec<u32> { literals.iter().map(|l| proposition[l.index()]).collect() };
        let (mut preconditions, mut effects, mut origin) = (Vec::new(), Vec::new(), Vec::new());
        for (number, operator) in (0..).zip(&task.operators) {
            let always = operator.changes.iter().find(|change| change.condition.is_empty());
            for change in &operator.changes {
                let added = change.adds.iter().map(|&fact| Literal::new(fact, true));
                let deleted = change.deletes.iter().map(|&fact| Literal::new(fact, false));
                let mut made: Vec<u32> =
                    added.chain(deleted).map(|l| proposition[l.index()]).filter(|&p| p != NONE).collect();
                // What the operator does in any case, it also does where a condition holds; once is enough.
                if let Some(always) = always.filter(|_| !change.condition.is_empty()) {
                    made.retain(|&p| {
                        !always.adds.iter().any(|&fact| proposition[Literal::new(fact, true).index()] == p)
                    });
                }
                // What an operator needs it does not achieve.
                let mut needed = all(&operator.precondition);
                needed.extend(all(&change.condition));
                made.retain(|p| !needed.contains(p));
                if !made.is_empty() {
                    preconditions.push(needed);
                    effects.push(made);
                    origin.push(number);
                }
            }
        }
        let preconditions = Rows::new(preconditions.into_iter());
        let propositions = propositions as usize;
        let effects = Rows::new(effects.into_iter());
        Self {
            needed_by: preconditions.inverse(propositions),
            achieved_by: effects.inverse(propositions),
            effects,
            goal: all(&task.goal),
            literals: (0..named.len()).filter(|&index| named[index]).map(Literal::at).collect(),
            positive,
            negative,
            propositions,
            preconditions,
            origin,
        }
    }

    /// The same with other effects; operators without any are dropped.
    pub(crate) fn with_effects(self, effects: Vec<Vec<u32>>) -> Self {
        let kept: Vec<u32> = (0..).zip(&effects).filter(|(_, row)| !row.is_empty()).map(|(number, _)| number).collect();
        let preconditions = Rows::new(kept.iter().map(|&operator| self.preconditions.row(operator).to_vec()));
        let effects = Rows::new(effects.into_iter().filter(|row| !row.is_empty()));
        Self {
            needed_by: preconditions.inverse(self.propositions),
            achieved_by: effects.inverse(self.propositions),
            origin: kept.iter().map(|&operator| self.origin[operator as usize]).collect(),
            preconditions,
            effects,
            ..self
        }
    }

    /// How many relaxed operators there are.
    pub(crate) fn operators(&self) -> usize {
        self.origin.len()
    }

    /// The literal of a proposition.
    pub(crate) fn literal(&self, proposition: u32) -> Literal {
        self.literals[proposition as usize]
    }

    /// Calls `visit` with each proposition that is true in a state.
    #[inline]
    pub(crate) fn each_true(&self, state: &[u64], mut visit: impl FnMut(u32)) {
        for &(fact, proposition) in &self.positive {
            if state[fact as usize / 64] >> (fact % 64) & 1 == 1 {
                visit(proposition);
            }
        }
        for &(fact, proposition) in &self.negative {
            if state[fact as usize / 64] >> (fact % 64) & 1 == 0 {
                visit(proposition);
            }
        }
    }
}
