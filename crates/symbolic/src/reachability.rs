//! Which atoms and action instances can be reached when nothing is ever deleted: semi-naive evaluation of one rule an action.
//!
//! The rules are those of Helmert, "Concise finite-domain representations for PDDL planning tasks" (Artificial Intelligence 173,
//! 2009), section 6: the positive literals of a precondition are the body, the atoms that the action adds the head; a conditional
//! effect has a rule of its own. A new atom is matched against each place of each body that it fits, and the rest of the body is
//! completed by an indexed join, always at the literal with the fewest candidates. An instance is found exactly once: at the
//! last of its atoms, the first place where that stands.
//!
//! A variable that stands in no effect, in no cost and in no condition that can change makes no difference to what an instance
//! does: for each binding of the others it is given the first objects, in the order of their list, that satisfy the conditions,
//! and no more instances are made. So an action of many parameters costs what its effects cost.

use super::atoms::Atoms;
use super::error::{PddlError, PddlErrorKind, PddlResult};
use super::language::{Action, Atom, Cost, Domain, Effect, Formula, ObjectId, Problem, Term, Variable};
use super::resources::Resources;

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

    fn bytes(&self) -> usize {
        self.objects.capacity() * size_of::<ObjectId>()
    }

    pub(crate) fn len(&self) -> usize {
        self.count
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
    /// For each variable of the action whether each of its objects makes an instance (or an atom) of its own.
    matters: Vec<bool>,
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

    /// Whether an equality or an absent atom names a variable.
    fn filters_name(&self, variable: u32) -> bool {
        let is = |term: &Term| *term == Term::Variable(variable);
        self.filters.iter().any(|filter| match filter {
            Filter::Equality(left, right, _) => is(left) || is(right),
            Filter::Absent(atom) => atom.terms.iter().any(is),
        })
    }
}

/// The relaxed fixpoint of a problem.
///
/// # Errors
/// Where it is larger than the resources allow.
pub(crate) fn reach(domain: &Domain, problem: &Problem, resources: &Resources) -> PddlResult<Reachable> {
    let mut fixed = vec![true; domain.predicates.len()];
    for effect in domain.actions.iter().flat_map(|action| &action.effects) {
        fixed[effect.atom.symbol as usize] = false;
    }
    let mut atoms = Atoms::new(domain.predicates.iter().map(|symbol| symbol.arity));
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
    let mut fixpoint = Fixpoint {
        atoms,
        fixed: &fixed,
        domains: &domains,
        allowed,
        instances: vec![Bindings::default(); domain.actions.len()],
        found: Bindings::default(),
        binding: Vec::new(),
        resources,
        steps: 0,
        instance_bytes: 0,
        trouble: None,
    };
    match fixpoint.run(&rules, domain) {
        None => {
            let (atoms, instances) = (fixpoint.atoms, fixpoint.instances);
            Ok(Reachable { atoms, fixed, instances, domains })
        }
        Some((rule, trouble)) => Err(fixpoint.refusal(domain, rule, trouble)),
    }
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
        let matters = vec![false; action.variables.len()];
        let mut rule =
            Rule { action: number, variables, matters, body: Vec::new(), filters: Vec::new(), heads, instance };
        formulas.iter().for_each(|formula| conjuncts(formula, fixed, &mut rule));
        if instance {
            action.effects.iter().for_each(|effect| {
                rule.mark(&effect.atom);
                rule.mark_all(&effect.condition);
            });
            let functions = action.costs.iter().filter_map(|cost| match cost {
                Cost::Function(atom, _) => Some(atom),
                Cost::Number(_) => None,
            });
            functions.for_each(|atom| rule.mark(atom));
        } else {
            // Only the atoms that come of it are of use.
            rule.matters.fill(false);
            rule.heads.clone().into_iter().for_each(|atom| rule.mark(atom));
        }
        rule
    };
    let instance = rule(&[&action.precondition], &[], plain.iter().map(|effect| &effect.atom).collect(), true);
    let special = special
        .into_iter()
        .map(|effect| rule(&[&action.precondition, &effect.condition], &effect.universal, vec![&effect.atom], false));
    std::iter::once(instance).chain(special).collect()
}

impl Rule<'_> {
    fn mark(&mut self, atom: &Atom) {
        for term in &atom.terms {
            self.mark_term(*term);
        }
    }

    fn mark_term(&mut self, term: Term) {
        if let Term::Variable(variable) = term {
            self.matters[variable as usize] = true;
        }
    }

    /// Marks every variable of a formula.
    fn mark_all(&mut self, formula: &Formula) {
        match formula {
            Formula::And(parts) | Formula::Or(parts) => parts.iter().for_each(|part| self.mark_all(part)),
            Formula::Not(inner) | Formula::Exists(_, inner) | Formula::Forall(_, inner) => self.mark_all(inner),
            Formula::Atom(atom) => self.mark(atom),
            Formula::Equal(left, right) => [*left, *right].into_iter().for_each(|term| self.mark_term(term)),
        }
    }
}

/// Takes what must hold in any case: the literals of the outermost conjunction. What else the formula says is left for
/// grounding, so that the fixpoint may reach too much, never too little. Variables matter that stand in more than fixed literals.
fn conjuncts<'a>(formula: &'a Formula, fixed: &[bool], rule: &mut Rule<'a>) {
    match formula {
        Formula::And(parts) => parts.iter().for_each(|part| conjuncts(part, fixed, rule)),
        Formula::Exists(variables, inner) => {
            rule.variables.extend(variables);
            conjuncts(inner, fixed, rule);
        }
        Formula::Atom(atom) if rule.body.len() < LONGEST => {
            if !fixed[atom.symbol as usize] {
                rule.mark(atom);
            }
            rule.body.push(atom);
        }
        Formula::Equal(left, right) => rule.filters.push(Filter::Equality(*left, *right, true)),
        Formula::Not(inner) => match &**inner {
            Formula::Equal(left, right) => rule.filters.push(Filter::Equality(*left, *right, false)),
            Formula::Atom(atom) if fixed[atom.symbol as usize] => rule.filters.push(Filter::Absent(atom)),
            _ => rule.mark_all(inner),
        },
        Formula::Or(parts) if parts.len() == 1 => conjuncts(&parts[0], fixed, rule),
        Formula::Atom(_) | Formula::Or(_) | Formula::Forall(..) => rule.mark_all(formula),
    }
}

/// Why a fixpoint is not finished.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// A limit was reached.
    Spent(PddlErrorKind),
    /// This many instances follow from one binding alone.
    Endless(f64),
}

/// Instances that may follow from one binding of the variables of a body: more would never fit.
const MOST_AT_ONCE: f64 = 1e8;
/// Steps of the join between two looks at what is left of the resources.
const POLLED: u32 = 1024;

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
    resources: &'a Resources,
    steps: u32,
    instance_bytes: usize,
    trouble: Option<Trouble>,
}

impl Fixpoint<'_> {
    /// Runs to the end, or to the rule that is too much.
    fn run<'r>(&mut self, rules: &'r [Rule<'r>], domain: &Domain) -> Option<(&'r Rule<'r>, Trouble)> {
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
            if let Some(trouble) = self.trouble {
                return Some((rule, trouble));
            }
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
                if let Some(trouble) = self.trouble {
                    return Some((rule, trouble));
                }
            }
            next += 1;
        }
        None
    }

    /// What to say of a rule that is too much.
    fn refusal(&self, domain: &Domain, rule: &Rule<'_>, trouble: Trouble) -> PddlError {
        let action = &domain.actions[rule.action];
        let what = if rule.instance { "action" } else { "conditional effects of the action" };
        let sizes = rule.variables.iter().filter(|&&variable| rule.matters[variable as usize]);
        let allowed: f64 = sizes.map(|&variable| self.domains[rule.action][variable as usize].len() as f64).product();
        let found = self.instances[rule.action].count.max(if rule.instance { self.found.count } else { 0 });
        let (kind, why) = match trouble {
            Trouble::Spent(kind) => (kind, self.resources.passed(kind)),
            Trouble::Endless(count) => {
                (PddlErrorKind::MemoryLimit, format!("{count:.3e} instances follow from one of its bindings alone"))
            }
        };
        let message = format!(
            "grounding the {what} '{}' is too much: {why}, with {} atoms and {found} instances so far, and the types of its \
             parameters allow {allowed:.3e}; restrict them by conditions, or take fewer objects",
            action.name,
            self.atoms.len(),
        );
        PddlError { kind, ..domain.source.error(action.at, message) }
    }

    /// Counts a step of the join; false once there is trouble.
    #[inline]
    fn goes_on(&mut self) -> bool {
        self.steps += 1;
        if self.steps == POLLED {
            self.steps = 0;
            let bytes = self.atoms.bytes() + self.instance_bytes + self.found.bytes();
            if let (None, Some(kind)) = (self.trouble, self.resources.spent(bytes)) {
                self.trouble = Some(Trouble::Spent(kind));
            }
        }
        self.trouble.is_none()
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

    fn is_open(&self, rule: &Rule<'_>, variable: u32) -> bool {
        rule.matters[variable as usize] && self.binding[variable as usize] == UNBOUND
    }

    /// Completes the binding over the places of the body that are `open`, and says whether it could. Once all variables are bound
    /// that matter, one completion is enough.
    fn complete(&mut self, rule: &Rule<'_>, open: u64, trigger: Option<(u32, usize)>) -> bool {
        if !self.goes_on() || !self.passes(rule) {
            return false;
        }
        let enough = !rule.variables.iter().any(|&variable| self.is_open(rule, variable));
        let places = (0..rule.body.len()).filter(|place| open >> place & 1 == 1);
        // Those that bind what matters come first, since what follows has only to exist.
        let binds = |place: &usize| {
            let mut terms = rule.body[*place].terms.iter();
            enough || terms.any(|term| matches!(*term, Term::Variable(variable) if self.is_open(rule, variable)))
        };
        let cheapest = places.filter(binds).min_by_key(|&place| {
            let atom = rule.body[place];
            self.atoms.candidates(atom.symbol, atom.terms.iter().map(|&term| self.value(term))).len()
        });
        let Some(place) = cheapest else { return self.choose(rule, open, trigger, enough) };
        let atom = rule.body[place];
        let rows = self.atoms.candidates(atom.symbol, atom.terms.iter().map(|&term| self.value(term)));
        // The rows are copied since the search below borrows the whole; a list is short at the cheapest place.
        let rows: Vec<u32> = rows.to_vec();
        let mut arguments = Vec::with_capacity(atom.terms.len());
        let mut any = false;
        for row in rows {
            let (id, objects) = self.atoms.row(atom.symbol, row);
            // The trigger itself fits only the first of the places where it could stand.
            if trigger.is_some_and(|(newest, at)| id == newest && place < at) {
                continue;
            }
            arguments.clear();
            arguments.extend_from_slice(objects);
            if let Some(bound) = self.unify(rule, atom, &arguments) {
                any |= self.complete(rule, open & !(1 << place), trigger);
                self.release(atom, bound);
            }
            if enough && any || self.trouble.is_some() {
                break;
            }
        }
        any
    }

    /// Binds a variable that no open place of the body binds to each of its objects, those that matter first.
    fn choose(&mut self, rule: &Rule<'_>, open: u64, trigger: Option<(u32, usize)>, enough: bool) -> bool {
        let unbound = |&&variable: &&u32| self.binding[variable as usize] == UNBOUND;
        let mut free =
            rule.variables.iter().filter(unbound).filter(|&&variable| enough || self.is_open(rule, variable));
        let Some(&variable) = free.next() else {
            self.found.push(&self.binding);
            return true;
        };
        if !enough {
            // What no filter names is free indeed: all of its choices are instances.
            let all = free.copied().chain([variable]).filter(|&variable| !rule.filters_name(variable));
            let count: f64 = all.map(|variable| self.domains[rule.action][variable as usize].len() as f64).product();
            if count > MOST_AT_ONCE {
                self.trouble = Some(Trouble::Endless(count));
                return false;
            }
        }
        let domains = self.domains;
        let mut any = false;
        for &object in &domains[rule.action][variable as usize] {
            self.binding[variable as usize] = object;
            any |= self.complete(rule, open, trigger);
            if enough && any || self.trouble.is_some() {
                break;
            }
        }
        self.binding[variable as usize] = UNBOUND;
        any
    }

    /// Adds what the complete bindings of a rule lead to.
    fn fire(&mut self, rule: &Rule<'_>) {
        let found = std::mem::take(&mut self.found);
        for binding in found.iter() {
            if !self.goes_on() {
                break;
            }
            for head in &rule.heads {
                let arguments: Vec<ObjectId> = head.terms.iter().map(|term| term.under(binding)).collect();
                self.atoms.insert(head.symbol, &arguments);
            }
            if rule.instance {
                self.instances[rule.action].push(binding);
                self.instance_bytes += size_of_val(binding);
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
