//! Whether a plan is one: each step is looked up in the domain as it was read, and done on a set of ground atoms.
//!
//! Nothing of the grounding or of the searches is used, so that neither can hide its own mistake.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::error::{PddlResult, Source};
use super::language::{Action, Atom, Cost, Domain, Formula, ObjectId, Problem, Term, Variable};
use super::plan::{SymbolicPlan, read_steps};

/// Ground atoms that hold.
type World = BTreeSet<(u32, Vec<ObjectId>)>;

/// The cost of a plan for a problem. `file` is what errors call the plan's text.
///
/// # Errors
/// [`PddlError`](super::PddlError) at the step of the plan that names something unknown or whose precondition does not hold, or at
/// the problem's goal if the plan does not reach it.
pub fn validate(domain: &Domain, problem: &Problem, file: &str, plan: &str) -> PddlResult<u64> {
    let source = Source::new(file, plan);
    let mut world: World = problem.initial.iter().cloned().collect();
    let mut total = 0;
    for (step, node) in read_steps(&source, domain)? {
        // `read_steps` has looked the name up.
        let Some(action) = domain.actions.iter().find(|action| action.name == step.action) else { continue };
        if step.arguments.len() != action.parameters {
            let message =
                format!("'{}' takes {} objects, found {}", step.action, action.parameters, step.arguments.len());
            return source.fail(node.at(), message);
        }
        let mut checker = Checker::new(domain, problem, &action.variables);
        for (place, name) in step.arguments.iter().enumerate() {
            let Some(object) = problem.objects.iter().position(|object| object.name == *name) else {
                return source.fail(node.at(), format!("unknown object '{name}'"));
            };
            let object = object as ObjectId;
            if !problem.objects_of(domain, &action.variables[place].types).contains(&object) {
                let parameter = &action.variables[place].name;
                return source.fail(node.at(), format!("'{name}' has not the type of the parameter {parameter}"));
            }
            checker.binding[place] = object;
        }
        if !checker.holds(&world, &action.precondition) {
            return source.fail(node.at(), format!("the precondition of {step} does not hold"));
        }
        let Some(cost) = checker.cost(action) else {
            return source.fail(node.at(), format!("{step} has no cost"));
        };
        total += cost;
        checker.apply(&mut world, action);
    }
    let mut checker = Checker::new(domain, problem, &problem.goal_variables);
    if checker.holds(&world, &problem.goal) {
        return Ok(total);
    }
    problem.source.fail(problem.goal_at, "the plan does not reach this goal")
}

/// [`validate`] for a plan that a search has found.
///
/// # Errors
/// As [`validate`].
pub fn validate_plan(domain: &Domain, problem: &Problem, plan: &SymbolicPlan) -> PddlResult<u64> {
    validate(domain, problem, "plan", &plan.to_string())
}

/// Evaluates formulas over a set of atoms.
struct Checker<'a> {
    domain: &'a Domain,
    problem: &'a Problem,
    variables: &'a [Variable],
    binding: Vec<ObjectId>,
    /// The objects of each variable, once they were asked for.
    domains: Vec<Option<Rc<[ObjectId]>>>,
}

impl<'a> Checker<'a> {
    fn new(domain: &'a Domain, problem: &'a Problem, variables: &'a [Variable]) -> Self {
        Self {
            domain,
            problem,
            variables,
            binding: vec![ObjectId::MAX; variables.len()],
            domains: vec![None; variables.len()],
        }
    }

    fn value(&self, term: Term) -> ObjectId {
        match term {
            Term::Object(object) => object,
            Term::Variable(variable) => self.binding[variable as usize],
        }
    }

    fn ground(&self, atom: &Atom) -> (u32, Vec<ObjectId>) {
        (atom.symbol, atom.terms.iter().map(|&term| self.value(term)).collect())
    }

    fn holds(&mut self, world: &World, formula: &Formula) -> bool {
        match formula {
            Formula::And(parts) => parts.iter().all(|part| self.holds(world, part)),
            Formula::Or(parts) => parts.iter().any(|part| self.holds(world, part)),
            Formula::Not(inner) => !self.holds(world, inner),
            Formula::Equal(left, right) => self.value(*left) == self.value(*right),
            Formula::Atom(atom) => world.contains(&self.ground(atom)),
            Formula::Exists(variables, inner) => !self.each(variables, &mut |checker| !checker.holds(world, inner)),
            Formula::Forall(variables, inner) => self.each(variables, &mut |checker| checker.holds(world, inner)),
        }
    }

    /// Calls `visit` under the choices of objects for `variables` until it returns false; whether it never did.
    fn each(&mut self, variables: &[u32], visit: &mut dyn FnMut(&mut Self) -> bool) -> bool {
        let Some((&first, rest)) = variables.split_first() else { return visit(self) };
        let types = &self.variables[first as usize].types;
        let objects =
            self.domains[first as usize].get_or_insert_with(|| self.problem.objects_of(self.domain, types).into());
        let objects = Rc::clone(objects);
        objects.iter().all(|&object| {
            self.binding[first as usize] = object;
            self.each(rest, visit)
        })
    }

    fn cost(&self, action: &Action) -> Option<u64> {
        if !self.problem.minimizes_cost {
            return Some(1);
        }
        let summand = |cost: &Cost| match cost {
            Cost::Number(number) => Some(u64::from(*number)),
            Cost::Function(atom, _) => self.problem.values.get(&self.ground(atom)).map(|&value| u64::from(value)),
        };
        action.costs.iter().map(summand).sum()
    }

    /// All conditions are judged before anything changes; what is added stays though it is also deleted.
    fn apply(&mut self, world: &mut World, action: &Action) {
        let (mut added, mut deleted) = (Vec::new(), Vec::new());
        for effect in &action.effects {
            self.each(&effect.universal, &mut |checker| {
                if checker.holds(world, &effect.condition) {
                    if effect.adds { &mut added } else { &mut deleted }.push(checker.ground(&effect.atom));
                }
                true
            });
        }
        deleted.iter().for_each(|atom| {
            world.remove(atom);
        });
        world.extend(added);
    }
}
