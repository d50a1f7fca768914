//! Effects: conjunctions, `forall`, `when`, literals, and the increase of `total-cost`.
//!
//! They are flattened as they are read: one [`Effect`] a literal, under all the variables and conditions around it.

use super::error::PddlResult;
use super::formula::Scope;
use super::language::{Cost, Effect, Formula};
use super::syntax::Node;

/// What the effects of an action come to.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) literals: Vec<Effect>,
    pub(crate) costs: Vec<Cost>,
}

impl Scope<'_> {
    /// The effects of an action.
    pub(crate) fn effects(&mut self, node: &Node) -> PddlResult<Effects> {
        let mut effects = Effects::default();
        self.collect(node, &mut Vec::new(), &mut Vec::new(), &mut effects)?;
        Ok(effects)
    }

    fn collect(
        &mut self,
        node: &Node,
        universal: &mut Vec<u32>,
        conditions: &mut Vec<Formula>,
        effects: &mut Effects,
    ) -> PddlResult<()> {
        if matches!(node, Node::List { items, .. } if items.is_empty()) {
            return Ok(());
        }
        let (head, rest) = node.headed(self.source, "an effect such as '(on ?x ?y)'")?;
        match head {
            "and" => rest.iter().try_for_each(|item| self.collect(item, universal, conditions, effects)),
            "forall" => {
                let [variables, inner] = self.exactly::<2>(node, head, rest)?;
                let bound = self.bind(variables.list(self.source, "a list of variables such as '(?x - block)'")?)?;
                universal.extend(&bound);
                self.collect(inner, universal, conditions, effects)?;
                universal.truncate(universal.len() - bound.len());
                self.release(&bound);
                Ok(())
            }
            "when" => {
                let [condition, inner] = self.exactly::<2>(node, head, rest)?;
                let condition = self.formula(condition)?;
                conditions.push(condition);
                self.collect(inner, universal, conditions, effects)?;
                conditions.pop();
                Ok(())
            }
            "increase" => {
                if !universal.is_empty() || !conditions.is_empty() {
                    return self.unsupported(node, "costs under 'when' or 'forall'");
                }
                effects.costs.push(self.increase(node, rest)?);
                Ok(())
            }
            "assign" | "decrease" | "scale-up" | "scale-down" => self.unsupported(node, "numeric effects"),
            "or" | "imply" | "exists" | "oneof" | "probabilistic" => {
                self.source.fail(node.at(), format!("an effect cannot be chosen by '{head}': it must be certain"))
            }
            _ => {
                let (adds, literal) = match head {
                    "not" => {
                        let [inner] = self.exactly::<1>(node, head, rest)?;
                        (false, inner)
                    }
                    _ => (true, node),
                };
                let atom = self.atom(literal, "predicate", &self.predicates)?;
                let condition = Formula::And(conditions.clone());
                effects.literals.push(Effect { universal: universal.clone(), condition, atom, adds });
                Ok(())
            }
        }
    }

    /// `(increase (total-cost) AMOUNT)`, where the amount is a number or a function of the parameters.
    fn increase(&self, node: &Node, rest: &[Node]) -> PddlResult<Cost> {
        let [target, amount] = self.exactly::<2>(node, "increase", rest)?;
        let total = match target {
            Node::Word { text, .. } => text == "total-cost",
            Node::List { items, .. } => items.len() == 1 && items[0].word() == Some("total-cost"),
        };
        if !total {
            let message = format!("only (total-cost) can be increased, found {}", target.found());
            return self.source.fail(target.at(), message);
        }
        match amount {
            Node::Word { .. } => Ok(Cost::Number(self.cost_number(amount)?)),
            Node::List { items, .. } => match items.first().and_then(Node::word) {
                Some("+" | "-" | "*" | "/") => self.unsupported(amount, "sums and products in costs"),
                _ => Ok(Cost::Function(self.atom(amount, "function", &self.functions)?, amount.at())),
            },
        }
    }

    /// A cost: a whole number that is not negative. Searches add costs exactly.
    pub(crate) fn cost_number(&self, node: &Node) -> PddlResult<u32> {
        let value = node.word().and_then(|word| word.parse::<f64>().ok());
        match value {
            Some(value) if value >= 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX >> 8) => {
                Ok(value as u32)
            }
            _ => self.source.fail(
                node.at(),
                format!("expected a whole number from 0 to {} as a cost, found {}", u32::MAX >> 8, node.found()),
            ),
        }
    }
}
