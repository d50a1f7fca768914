//! Which atoms and action instances can be reached when nothing is ever deleted: semi-naive evaluation of one rule an action.
//!
//! The rules are those of Helmert, "Concise finite-domain representations for PDDL planning tasks" (Artificial Intelligence 173,
//! 2009), section 6: the positive literals of a precondition are the body, the atoms that the action adds the head; a conditional
//! effect has a rule of its own. A new atom is matched against each place of each body that it fits, and the rest of the body is
//! completed by an indexed join, always at the literal with the fewest candidates. An instance is found exactly once: at the
//! last of its atoms, the first place where that stands.

use super::atoms::Atoms;
use super::language::{Action, Atom, Domain, Effect, Formula, ObjectId, Problem, Term, Variable};

/// A variable that has no object yet.
pub(crate) const UNBOUND: ObjectId = u32::MAX;

/// All that is reachable.
pub(crate) struct Reachable {
    pub(crate) atoms: Atoms,
    /// Whether no action changes a predicate.
    pub(crate) fixed: Vec<bool>,
    /// The instances of each action.
    pub(crate) instances: Vec<Bindings>,
    /// For each variable of each action the objects that it may be.
    pub(crate) domains: Vec<Vec<Vec<ObjectId>>>,
}

/// Complete bindings of the variables of one action, one after the other; what is not bound is [`UNBOUND`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    width: usize,
    count: usize,
    objects: Vec<ObjectId>,
}

impl Bindings {
    fn push(&mut self, binding: &[ObjectId]) {
        self.width = binding.len();
        self.count += 1;
        self.objects.extend_from_slice(binding);
    }

    fn clear(&mut self) {
        self.count = 0;
        self.objects.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[ObjectId]> {
        (0..self.count).map(|i| &self.objects[i * self.width..][..self.width])
    }
}

/// How many literals of a condition are joined: one bit each. More are left for grounding.
const LONGEST: usize = 64;

/// What holds between terms besides the body.
enum Filter<'a> {
    Equality(Term, Term, bool),
    /// An atom of a fixed predicate that must not hold.
    Absent(&'a Atom),
}

struct Rule<'a> {
    action: usize,
    /// The variables to be bound: those of the parameters, of hoisted quantifiers, and of a universal effect.
    variables: Vec<u32>,
    body: Vec<&'a Atom>,
    filters: Vec<Filter<'a>>,
    heads: Vec<&'a Atom>,
    /// Whether a complete binding is an instance of the action, and not only of one of its effects.
    instance: bool,
}

impl Rule<'_> {
    /// A bit for each place of the body.
    fn every_place(&self) -> u64 {
        u64::MAX.checked_shr((LONGEST - self.body.len()) as u32).unwrap_or(0)
    }
}

/// The relaxed fixpoint of a problem.
pub(crate) fn reach(domain: &Domain, problem: &Problem) -> Reachable {
    let mut fixed = vec![true; domain.predicates.len()];
    for effect in domain.actions.iter().flat_map(|action| &action.effects) {
        fixed[effect.atom.symbol as usize] = false;
    }
    let arities = domain.predicates.iter().map(|symbol| symbol.arity);
    let mut atoms = Atoms::new(arities, problem.objects.len());
    // Fixed atoms come first: they are there from the start and never trigger a rule.
    for (predicate, arguments) in problem.initial.iter().filter(|(predicate, _)| fixed[*predicate as usize]) {
        let atom = atoms.insert(*predicate, arguments);
        atoms.index(atom);
    }
    for (predicate, arguments) in problem.initial.iter().filter(|(predicate, _)| !fixed[*predicate as usize]) {
        atoms.insert(*predicate, arguments);
    }
    let domain_of = |variable: &Variable| problem.objects_of(domain, &variable.types);
    let domains: Vec<Vec<Vec<ObjectId>>> =
        domain.actions.iter().map(|action| action.variables.iter().map(domain_of).collect()).collect();
    let allowed =
        domains.iter().map(|of| of.iter().map(|list| members(list, problem.objects.len())).collect()).collect();
    let rules: Vec<Rule<'_>> =
        domain.actions.iter().enumerate().flat_map(|(i, action)| rules_of(i, action, &fixed)).collect();
    let instances = vec![Bindings::default(); domain.actions.len()];
    let mut fixpoint = Fixpoint {
        atoms,
        fixed: &fixed,
        domains: &domains,
        allowed,
        instances,
        found: Bindings::default(),
        binding: Vec::new(),
    };
    fixpoint.run(&rules, domain);
    let (atoms, instances) = (fixpoint.atoms, fixpoint.instances);
    Reachable { atoms, fixed, instances, domains }
}

fn members(list: &[ObjectId], objects: usize) -> Vec<bool> {
    let mut allowed = vec![false; objects];
    list.iter().for_each(|&object| allowed[object as usize] = true);
    allowed
}

/// The rule of an action, and those of its effects that depend on more than the action's binding.
fn rules_of<'a>(number: usize, action: &'a Action, fixed: &[bool]) -> Vec<Rule<'a>> {
    let (special, plain): (Vec<&Effect>, Vec<&Effect>) = action
        .effects
        .iter()
        .filter(|effect| effect.adds)
        .partition(|effect| !effect.universal.is_empty() || effect.condition != Formula::And(Vec::new()));
    let rule = |formulas: &[&'a Formula], universal: &[u32], heads: Vec<&'a Atom>, instance: bool| {
        let variables = (0..action.parameters as u32).chain(universal.iter().copied()).collect();
        let mut rule = Rule { action: number, variables, body: Vec::new(), filters: Vec::new(), heads, instance };
        formulas.iter().for_each(|formula| conjuncts(formula, fixed, &mut rule));
        rule
    };
    let instance = rule(&[&action.precondition], &[], plain.iter().map(|effect| &effect.atom).collect(), true);
    let special = special
        .into_iter()
        .map(|effect| rule(&[&action.precondition, &effect.condition], &effect.universal, vec![&effect.atom], false));
    std::iter::once(instance).chain(special).collect()
}

/// Takes what must hold in any case: the literals of the outermost conjunction. What else the formula says is left for
/// grounding, so that the fixpoint may reach too much, never too little.
fn conjuncts<'a>(formula: &'a Formula, fixed: &[bool], rule: &mut Rule<'a>) {
    match formula {
        Formula::And(parts) => parts.iter().for_each(|part| conjuncts(part, fixed, rule)),
        Formula::Exists(variables, inner) => {
            rule.variables.extend(variables);
            conjuncts(inner, fixed, rule);
        }
        Formula::Atom(atom) if rule.body.len() < LONGEST => rule.body.push(atom),
        Formula::Equal(left, right) => rule.filters.push(Filter::Equality(*left, *right, true)),
        Formula::Not(inner) => match &**inner {
            Formula::Equal(left, right) => rule.filters.push(Filter::Equality(*left, *right, false)),
            Formula::Atom(atom) if fixed[atom.symbol as usize] => rule.filters.push(Filter::Absent(atom)),
            _ => {}
        },
        Formula::Or(parts) if parts.len() == 1 => conjuncts(&parts[0], fixed, rule),
        Formula::Atom(_) | Formula::Or(_) | Formula::Forall(..) => {}
    }
}

struct Fixpoint<'a> {
    atoms: Atoms,
    fixed: &'a [bool],
    domains: &'a [Vec<Vec<ObjectId>>],
    /// For each variable of each action and each object whether the variable may be the object.
    allowed: Vec<Vec<Vec<bool>>>,
    instances: Vec<Bindings>,
    /// Complete bindings of the rule in progress.
    found: Bindings,
    binding: Vec<ObjectId>,
}

impl Fixpoint<'_> {
    fn run(&mut self, rules: &[Rule<'_>], domain: &Domain) {
        let changing = |atom: &Atom| !self.fixed[atom.symbol as usize];
        let mut triggers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); domain.predicates.len()];
        for (r, rule) in rules.iter().enumerate() {
            for (place, atom) in rule.body.iter().enumerate().filter(|(_, atom)| changing(atom)) {
                triggers[atom.symbol as usize].push((r, place));
            }
        }
        let first = (0..self.atoms.len() as u32).find(|&atom| !self.fixed[self.atoms.get(atom).0 as usize]);
        let mut next = first.unwrap_or(self.atoms.len() as u32);
        for rule in rules.iter().filter(|rule| !rule.body.iter().any(|atom| changing(atom))) {
            self.start(rule, domain);
            self.complete(rule, rule.every_place(), None);
            self.fire(rule);
        }
        while (next as usize) < self.atoms.len() {
            self.atoms.index(next);
            let predicate = self.atoms.get(next).0;
            for &(r, place) in &triggers[predicate as usize] {
                let rule = &rules[r];
                self.start(rule, domain);
                let row = self.atoms.get(next).1.to_vec();
                if self.unify(rule, rule.body[place], &row).is_some() {
                    self.complete(rule, rule.every_place() & !(1 << place), Some((next, place)));
                    self.fire(rule);
                }
            }
            next += 1;
        }
    }

    fn start(&mut self, rule: &Rule<'_>, domain: &Domain) {
        self.found.clear();
        self.binding.clear();
        self.binding.resize(domain.actions[rule.action].variables.len(), UNBOUND);
    }

    /// Matches an atom of the body with arguments: a bit for each newly bound place, or nothing if they differ.
    fn unify(&mut self, rule: &Rule<'_>, atom: &Atom, arguments: &[ObjectId]) -> Option<u64> {
        let mut bound = 0;
        for (place, (term, &object)) in atom.terms.iter().zip(arguments).enumerate() {
            let agrees = match *term {
                Term::Object(own) => own == object,
                Term::Variable(variable) => match self.binding[variable as usize] {
                    UNBOUND if self.allowed[rule.action][variable as usize][object as usize] => {
                        self.binding[variable as usize] = object;
                        bound |= 1 << place;
                        true
                    }
                    other => other == object,
                },
            };
            if !agrees {
                self.release(atom, bound);
                return None;
            }
        }
        Some(bound)
    }

    fn release(&mut self, atom: &Atom, bound: u64) {
        for (place, term) in atom.terms.iter().enumerate() {
            if let (Term::Variable(variable), true) = (term, bound >> place & 1 == 1) {
                self.binding[*variable as usize] = UNBOUND;
            }
        }
    }

    fn value(&self, term: Term) -> Option<ObjectId> {
        match term {
            Term::Object(object) => Some(object),
            Term::Variable(variable) => {
                let object = self.binding[variable as usize];
                (object != UNBOUND).then_some(object)
            }
        }
    }

    /// Whether no filter is broken by what is bound so far.
    fn passes(&self, rule: &Rule<'_>) -> bool {
        rule.filters.iter().all(|filter| match filter {
            Filter::Equality(left, right, equal) => match (self.value(*left), self.value(*right)) {
                (Some(left), Some(right)) => (left == right) == *equal,
                _ => true,
            },
            Filter::Absent(atom) => {
                let arguments: Option<Vec<ObjectId>> = atom.terms.iter().map(|&term| self.value(term)).collect();
                arguments.is_none_or(|arguments| self.atoms.find(atom.symbol, &arguments).is_none())
            }
        })
    }

    /// Completes the binding over the places of the body that are `open`.
    fn complete(&mut self, rule: &Rule<'_>, open: u64, trigger: Option<(u32, usize)>) {
        if !self.passes(rule) {
            return;
        }
        let places = (0..rule.body.len()).filter(|place| open >> place & 1 == 1);
        let cheapest = places.min_by_key(|&place| {
            let atom = rule.body[place];
            self.atoms.candidates(atom.symbol, atom.terms.iter().map(|&term| self.value(term))).len()
        });
        let Some(place) = cheapest else { return self.choose(rule) };
        let atom = rule.body[place];
        let rows = self.atoms.candidates(atom.symbol, atom.terms.iter().map(|&term| self.value(term)));
        // The rows are copied since the search below borrows the whole; a list is short at the cheapest place.
        let rows: Vec<u32> = rows.to_vec();
        let mut arguments = Vec::with_capacity(atom.terms.len());
        for row in rows {
            let (id, objects) = self.atoms.row(atom.symbol, row);
            // The trigger itself fits only the first of the places where it could stand.
            if trigger.is_some_and(|(newest, at)| id == newest && place < at) {
                continue;
            }
            arguments.clear();
            arguments.extend_from_slice(objects);
            if let Some(bound) = self.unify(rule, atom, &arguments) {
                self.complete(rule, open & !(1 << place), trigger);
                self.release(atom, bound);
            }
        }
    }

    /// Binds the variables that stand in no atom of the body to each of their objects.
    fn choose(&mut self, rule: &Rule<'_>) {
        let unbound = rule.variables.iter().find(|&&variable| self.binding[variable as usize] == UNBOUND);
        let Some(&variable) = unbound else {
            self.found.push(&self.binding);
            return;
        };
        for &object in &self.domains[rule.action][variable as usize] {
            self.binding[variable as usize] = object;
            if self.passes(rule) {
                self.choose(rule);
            }
        }
        self.binding[variable as usize] = UNBOUND;
    }

    /// Adds what the complete bindings of a rule lead to.
    fn fire(&mut self, rule: &Rule<'_>) {
        let found = std::mem::take(&mut self.found);
        for binding in found.iter() {
            for head in &rule.heads {
                let arguments: Vec<ObjectId> = head.terms.iter().map(|term| term.under(binding)).collect();
                self.atoms.insert(head.symbol, &arguments);
            }
            if rule.instance {
                self.instances[rule.action].push(binding);
            }
        }
        self.found = found;
    }
}

impl Term {
    /// The object that this is under a complete binding.
    pub(crate) fn under(self, binding: &[ObjectId]) -> ObjectId {
        match self {
            Self::Object(object) => object,
            Self::Variable(variable) => binding[variable as usize],
        }
    }
}
