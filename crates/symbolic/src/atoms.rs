//! Ground atoms with an index from each argument to the atoms that hold it: the database that grounding joins over.

use std::collections::HashMap;

use super::language::ObjectId;
use worldwright_numerics::Interner;

/// Ground atoms, numbered in the order in which they were found.
pub(crate) struct Atoms {
    relations: Vec<Relation>,
    /// Predicate and row of each atom.
    list: Vec<(u32, u32)>,
    /// Bytes held, about.
    bytes: usize,
}

/// Bytes of an atom in all tables, and of each of its arguments in the index.
const ATOM_BYTES: usize = 32;
const ARGUMENT_BYTES: usize = 16;
const ENTRY_BYTES: usize = 64;

/// The atoms of one predicate.
struct Relation {
    rows: Interner<u32>,
    /// The atom's number of each row.
    ids: Vec<u32>,
    /// For each place and object the rows that hold the object there, in rising order. Only indexed rows are joined.
    by_argument: HashMap<(u32, ObjectId), Vec<u32>>,
    indexed: Vec<u32>,
}

impl Atoms {
    /// No atoms of predicates with these arities.
    pub(crate) fn new(arities: impl Iterator<Item = usize>) -> Self {
        let relations = arities.map(|arity| Relation {
            rows: Interner::new(arity),
            ids: Vec::new(),
            by_argument: HashMap::new(),
            indexed: Vec::new(),
        });
        Self { relations: relations.collect(), list: Vec::new(), bytes: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The atom's number, which is new if the atom is.
    pub(crate) fn insert(&mut self, predicate: u32, arguments: &[ObjectId]) -> u32 {
        let relation = &mut self.relations[predicate as usize];
        let (row, new) = relation.rows.insert(arguments);
        if new {
            self.bytes += ATOM_BYTES + arguments.len() * ARGUMENT_BYTES;
            relation.ids.push(self.list.len() as u32);
            self.list.push((predicate, row));
        }
        relation.ids[row as usize]
    }

    pub(crate) fn find(&self, predicate: u32, arguments: &[ObjectId]) -> Option<u32> {
        let relation = &self.relations[predicate as usize];
        relation.rows.find(arguments).map(|row| relation.ids[row as usize])
    }

    /// The predicate and the arguments of an atom.
    pub(crate) fn get(&self, atom: u32) -> (u32, &[ObjectId]) {
        let (predicate, row) = self.list[atom as usize];
        (predicate, self.relations[predicate as usize].rows.row(row))
    }

    /// Lets joins find an atom.
    pub(crate) fn index(&mut self, atom: u32) {
        let (predicate, row) = self.list[atom as usize];
        let relation = &mut self.relations[predicate as usize];
        relation.indexed.push(row);
        for (place, &object) in (0..).zip(relation.rows.row(row)) {
            let rows = relation.by_argument.entry((place, object)).or_default();
            if rows.is_empty() {
                self.bytes += ENTRY_BYTES;
            }
            rows.push(row);
        }
    }

    /// The shortest list of rows in which all indexed atoms stand that agree with the arguments that are bound.
    pub(crate) fn candidates(&self, predicate: u32, arguments: impl Iterator<Item = Option<ObjectId>>) -> &[u32] {
        let relation = &self.relations[predicate as usize];
        let mut best = relation.indexed.as_slice();
        for (place, argument) in (0..).zip(arguments) {
            if let Some(object) = argument {
                let rows = relation.by_argument.get(&(place, object)).map_or(&[][..], Vec::as_slice);
                if rows.len() < best.len() {
                    best = rows;
                }
            }
        }
        best
    }

    /// The number and the arguments of a row of `predicate`.
    pub(crate) fn row(&self, predicate: u32, row: u32) -> (u32, &[ObjectId]) {
        let relation = &self.relations[predicate as usize];
        (relation.ids[row as usize], relation.rows.row(row))
    }
}
