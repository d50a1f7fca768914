//! Which operators are applicable in a state: a trie over preconditions.
//!
//! The literals of each precondition are sorted by how many preconditions they stand in, the most frequent first, so that few
//! branches leave the root; a branch is entered if its literal holds. The work is the number of literals that are looked at on
//! the way to the applicable operators, not the number of operators.

use super::literal::Literal;
use super::task::Task;

/// A trie, level by level in one array.
#[derive(Debug, Clone)]
pub(crate) struct Successors {
    nodes: Vec<Node>,
    operators: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The word of the state that holds the literal's fact, and the fact's bit in it.
    word: u32,
    bit: u32,
    /// What the bit must be.
    wanted: u64,
    /// Ranges into `operators` and `nodes`.
    operators: (u32, u32),
    children: (u32, u32),
}

impl Successors {
    pub(crate) fn new(task: &Task) -> Self {
        let mut frequency = vec![0_u32; task.facts() * 2];
        let literals = task.operators.iter().flat_map(|operator| &operator.precondition);
        literals.for_each(|literal| frequency[literal.index()] += 1);
        let order = |literal: &Literal| (u32::MAX - frequency[literal.index()], *literal);
        let mut rows: Vec<(Vec<Literal>, u32)> = (0_u32..)
            .zip(&task.operators)
            .map(|(number, operator)| {
                let mut literals = operator.precondition.clone();
                literals.sort_unstable_by_key(order);
                (literals, number)
            })
            .collect();
        rows.sort_unstable_by(|a, b| a.0.iter().map(order).cmp(b.0.iter().map(order)).then_with(|| a.1.cmp(&b.1)));
        let root = Node { word: 0, bit: 0, wanted: 0, operators: (0, 0), children: (0, 0) };
        let mut trie = Self { nodes: vec![root], operators: Vec::with_capacity(rows.len()) };
        // Breadth first, so that the children of a node stand side by side.
        let mut open = std::collections::VecDeque::from([(0, 0, rows.len(), 0)]);
        while let Some((node, start, end, depth)) = open.pop_front() {
            let first_operator = trie.operators.len() as u32;
            let deeper = start + rows[start..end].iter().take_while(|row| row.0.len() == depth).count();
            trie.operators.extend(rows[start..deeper].iter().map(|row| row.1));
            trie.nodes[node].operators = (first_operator, trie.operators.len() as u32);
            let first_child = trie.nodes.len() as u32;
            let mut from = deeper;
            while from < end {
                let literal = rows[from].0[depth];
                let to = from + rows[from..end].iter().take_while(|row| row.0[depth] == literal).count();
                open.push_back((trie.nodes.len(), from, to, depth + 1));
                trie.nodes.push(Node {
                    word: literal.fact() / 64,
                    bit: literal.fact() % 64,
                    wanted: u64::from(literal.holds()),
                    ..root
                });
                from = to;
            }
            trie.nodes[node].children = (first_child, trie.nodes.len() as u32);
        }
        trie
    }

    /// Appends the operators that are applicable in `state`, in an order that depends on nothing else. `stack` is what it works in:
    /// a trie is as deep as the longest precondition, which a call stack need not be.
    pub(crate) fn applicable(&self, state: &[u64], out: &mut Vec<u32>, stack: &mut Vec<u32>) {
        stack.clear();
        stack.push(0);
        while let Some(number) = stack.pop() {
            let node = &self.nodes[number as usize];
            out.extend_from_slice(&self.operators[node.operators.0 as usize..node.operators.1 as usize]);
            for child in (node.children.0..node.children.1).rev() {
                let next = &self.nodes[child as usize];
                if state[next.word as usize] >> next.bit & 1 == next.wanted {
                    stack.push(child);
                }
            }
        }
    }
}
