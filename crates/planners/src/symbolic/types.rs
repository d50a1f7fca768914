//! Types: a hierarchy below `object`, where a type may stand below several others (`either`).

use super::error::{PddlResult, Source};
use super::syntax::Node;
use worldwright_core::Error;

/// The number of the type `object`, of which everything is.
pub(crate) const OBJECT: u32 = 0;

/// The types of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    names: Vec<String>,
    /// For each type the types that it is of, itself among them, sorted.
    ancestors: Vec<Vec<u32>>,
}

impl Types {
    /// Only `object`.
    pub(crate) fn new() -> Self {
        Self { names: vec!["object".to_owned()], ancestors: vec![vec![OBJECT]] }
    }

    /// The types that `(:types ...)` lists. A name that only stands as a parent is a type below `object`.
    pub(crate) fn parse(source: &Source, items: &[Node]) -> PddlResult<Self> {
        let mut types = Self::new();
        let mut parents: Vec<Vec<u32>> = vec![Vec::new()];
        let declare = |types: &mut Self, parents: &mut Vec<Vec<u32>>, name: &str| {
            types.find(name).unwrap_or_else(|| {
                types.names.push(name.to_owned());
                parents.push(Vec::new());
                types.names.len() as u32 - 1
            })
        };
        for (children, above) in typed(source, items, "a type")? {
            let above: Vec<u32> =
                above.iter().map(|node| declare(&mut types, &mut parents, node.word().unwrap_or_default())).collect();
            for child in children {
                let name = child.name(source, "a type")?;
                let child_id = declare(&mut types, &mut parents, name);
                if child_id != OBJECT {
                    parents[child_id as usize].extend(&above);
                }
            }
        }
        types.ancestors = (0..types.names.len() as u32).map(|start| closure(&parents, start)).collect();
        for (children, _) in typed(source, items, "a type")? {
            for child in children {
                let id = types.find(child.word().unwrap_or_default()).unwrap_or(OBJECT);
                let below_itself =
                    parents[id as usize].iter().any(|&parent| types.ancestors[parent as usize].contains(&id));
                if id != OBJECT && below_itself {
                    return source
                        .fail(child.at(), format!("the type {} is declared to be below itself", child.found()));
                }
            }
        }
        Ok(types)
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.names.iter().position(|known| known == name).map(|i| i as u32)
    }

    /// Whether everything of type `child` is of type `of`.
    pub(crate) fn is(&self, child: u32, of: u32) -> bool {
        self.ancestors[child as usize].binary_search(&of).is_ok()
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

/// Everything that can be reached upwards from `start`, and `object`.
fn closure(parents: &[Vec<u32>], start: u32) -> Vec<u32> {
    let mut found = vec![start];
    let mut next = 0;
    while next < found.len() {
        for &parent in &parents[found[next] as usize] {
            if !found.contains(&parent) {
                found.push(parent);
            }
        }
        next += 1;
    }
    if !found.contains(&OBJECT) {
        found.push(OBJECT);
    }
    found.sort_unstable();
    found
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
