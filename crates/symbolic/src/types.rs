//! Types: a hierarchy below `object`, where a type may stand below several others (`either`).

use std::collections::BTreeMap;

use super::error::{PddlResult, Source};
use super::syntax::Node;
use worldwright_core::Error;

/// The number of the type `object`, of which everything is.
pub(crate) const OBJECT: u32 = 0;

/// The types of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    names: Vec<String>,
    by_name: BTreeMap<String, u32>,
    /// For each type those that are declared to be right below it. Chains may be long, so that no closure is kept.
    children: Vec<Vec<u32>>,
}

impl Types {
    /// Only `object`.
    pub(crate) fn new() -> Self {
        let name = "object".to_owned();
        Self { names: vec![name.clone()], by_name: BTreeMap::from([(name, OBJECT)]), children: vec![Vec::new()] }
    }

    /// The types that `(:types ...)` lists. A name that only stands as a parent is a type below `object`.
    pub(crate) fn parse(source: &Source, items: &[Node]) -> PddlResult<Self> {
        let mut types = Self::new();
        let mut declared: Vec<(u32, &Node)> = Vec::new();
        for (children, above) in typed(source, items, "a type")? {
            let above: Vec<u32> = above.iter().map(|node| types.declare(node.word().unwrap_or_default())).collect();
            for child in children {
                let id = types.declare(child.name(source, "a type")?);
                if id != OBJECT {
                    above.iter().for_each(|&parent| types.children[parent as usize].push(id));
                    declared.push((id, child));
                }
            }
        }
        let suspects = types.suspects();
        match declared.iter().find(|(id, _)| suspects[*id as usize] && types.is_below_itself(*id)) {
            Some((_, child)) => {
                source.fail(child.at(), format!("the type {} is declared to be below itself", child.found()))
            }
            None => Ok(types),
        }
    }

    fn declare(&mut self, name: &str) -> u32 {
        if let Some(known) = self.find(name) {
            return known;
        }
        let id = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), id);
        self.children.push(Vec::new());
        id
    }

    /// The types that are left when those without a parent that is left are taken away again and again (Kahn, 1962): all that are
    /// below themselves are among them.
    fn suspects(&self) -> Vec<bool> {
        let mut parents = vec![0_u32; self.names.len()];
        self.children.iter().flatten().for_each(|&child| parents[child as usize] += 1);
        let mut open: Vec<u32> = (0..self.names.len() as u32).filter(|&id| parents[id as usize] == 0).collect();
        let mut left = vec![true; self.names.len()];
        while let Some(id) = open.pop() {
            left[id as usize] = false;
            for &child in &self.children[id as usize] {
                parents[child as usize] -= 1;
                if parents[child as usize] == 0 {
                    open.push(child);
                }
            }
        }
        left
    }

    fn is_below_itself(&self, id: u32) -> bool {
        self.below(&self.children[id as usize])[id as usize]
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// For each type whether everything of it is of one of the types `of`.
    pub(crate) fn below(&self, of: &[u32]) -> Vec<bool> {
        let mut below = vec![of.contains(&OBJECT); self.names.len()];
        let mut open: Vec<u32> = of.iter().copied().filter(|&id| !below[id as usize]).collect();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut below[id as usize], true) {
                open.extend(self.children[id as usize].iter().filter(|&&child| !below[child as usize]));
            }
        }
        below
    }

    /// The number of a type that a text names.
    pub(crate) fn resolve(&self, source: &Source, node: &Node) -> PddlResult<u32> {
        let name = node.name(source, "a type")?;
        self.find(name).ok_or_else(|| {
            let error = Error::unknown("type", name, self.names.iter().map(String::as_str));
            source.error(node.at(), error.to_string())
        })
    }
}

/// Groups of a typed list `a b - t c - (either t u) d`: the things of a group, and the nodes of their types (none: `object`).
pub(crate) fn typed<'a>(
    source: &Source,
    items: &'a [Node],
    expected: &str,
) -> PddlResult<Vec<(&'a [Node], Vec<&'a Node>)>> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut i = 0;
    while i < items.len() {
        if items[i].word() != Some("-") {
            if items[i].word().is_none() {
                return source.fail(items[i].at(), format!("expected {expected}, found {}", items[i].found()));
            }
            i += 1;
            continue;
        }
        if start == i {
            return source.fail(items[i].at(), format!("expected {expected} before this '-'"));
        }
        let Some(node) = items.get(i + 1) else {
            return source.fail(items[i].at(), "expected a type after this '-'");
        };
        let types = match node {
            Node::Word { .. } => {
                node.name(source, "a type")?;
                vec![node]
            }
            Node::List { .. } => {
                let ("either", choices) = node.headed(source, "a type or '(either ...)'")? else {
                    return source
                        .fail(node.at(), format!("expected a type or '(either ...)', found {}", node.found()));
                };
                if choices.is_empty() {
                    return source.fail(node.at(), "expected types after 'either'");
                }
                for choice in choices {
                    choice.name(source, "a type")?;
                }
                choices.iter().collect()
            }
        };
        groups.push((&items[start..i], types));
        i += 2;
        start = i;
    }
    if start < items.len() {
        groups.push((&items[start..], Vec::new()));
    }
    Ok(groups)
}
