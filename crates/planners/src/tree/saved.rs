//! A kept tree as named arrays, and back.

use worldwright_core::{Array, Error, Result, State};

use super::arena::{Branches, ENDED, NONE, Paid, Tree};

/// The numbers of [`Branches`] by name.
type Number = (&'static str, fn(&Branches) -> u32, fn(&mut Branches) -> &mut u32);
const BRANCHES: [Number; 4] = [
    ("first", |branches| branches.first, |branches| &mut branches.first),
    ("count", |branches| branches.count, |branches| &mut branches.count),
    ("opened", |branches| branches.opened, |branches| &mut branches.opened),
    ("visits", |branches| branches.visits, |branches| &mut branches.visits),
];

/// Whole numbers of edges.
const WHOLE: [&str; 4] = ["action", "edge_visits", "child", "edge_plies"];

impl Tree {
    /// All that a kept tree holds, as arrays as long as what is in use.
    pub(super) fn save(&self) -> State {
        let (nodes, edges) = (self.nodes, self.edges);
        let words = self.actions.div_ceil(64);
        let each = if self.logits.is_empty() { 0 } else { self.actions };
        let whole = |numbers: &[u32]| Array::U64(numbers.iter().map(|number| u64::from(*number)).collect());
        let real = |numbers: &[f64]| Array::F64(vec![numbers.len()], numbers.to_vec());
        let flags = |flags: &[bool]| Array::U8(flags.iter().map(|flag| u8::from(*flag)).collect());
        let mut state = State::new();
        let kind = u64::from(self.zero_sum) + 2 * u64::from(self.at_end_only);
        let sizes = [nodes as u64, edges as u64, kind];
        state.put("sizes", Array::U64(sizes.to_vec()));
        state.put("range", Array::F64(vec![2], vec![self.low, self.high]));
        for (name, read, _) in BRANCHES {
            let numbers = self.branches[..nodes].iter().map(|branches| u64::from(read(branches)));
            state.put(name, Array::U64(numbers.collect()));
        }
        state.put("estimate", real(&self.estimate[..nodes]));
        state.put("value", real(&self.value[..nodes]));
        state.put("proven", flags(&self.proven[..nodes]));
        state.put("key", Array::U64(self.key[..nodes].to_vec()));
        state.put("applicable", Array::U64(self.applicable[..nodes * words].to_vec()));
        state.put("logits", Array::F32(vec![nodes * each], self.logits[..nodes * each].to_vec()));
        let whole_numbers = [&self.action, &self.edge_visits, &self.child, &self.edge_plies];
        for (name, array) in WHOLE.into_iter().zip(whole_numbers) {
            state.put(name, whole(&array[..edges]));
        }
        state.put("plies", whole(&self.plies[..nodes]));
        state.put("searched", Array::F32(vec![edges], self.searched[..edges].to_vec()));
        state.put("total", real(&self.total[..edges]));
        state.put("prior", real(&self.prior[..edges.min(self.prior.len())]));
        let paid = |read: fn(&Paid) -> f64| Array::F64(vec![edges], self.paid[..edges].iter().map(read).collect());
        state.put("reward", paid(|paid| paid.reward));
        state.put("continuation", paid(|paid| paid.continuation));
        state.put("edge_proven", flags(&self.edge_proven[..edges]));
        state
    }

    /// Takes on a saved tree; empty after an error.
    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        self.nodes = 0;
        let sizes = state.u64s("sizes", 3)?;
        let (nodes, edges) = (sizes[0] as usize, sizes[1] as usize);
        if nodes > self.capacity() || edges > self.action.len() {
            return Err(Error::shape("nodes of a saved tree", &[self.capacity()], &[nodes]));
        }
        let words = self.actions.div_ceil(64);
        let each = if self.logits.is_empty() { 0 } else { self.actions };
        let whole = |name: &str, out: &mut [u32]| -> Result<()> {
            let saved = state.u64s(name, out.len())?;
            out.iter_mut().zip(saved).for_each(|(slot, number)| *slot = *number as u32);
            Ok(())
        };
        let flags = |name: &str, out: &mut [bool]| -> Result<()> {
            let Array::U8(saved) = state.array(name)? else {
                return Err(Error::external("saved state", format!("'{name}' is not a list of flags")));
            };
            if saved.len() != out.len() {
                return Err(Error::shape(name.to_owned(), &[out.len()], &[saved.len()]));
            }
            out.iter_mut().zip(saved).for_each(|(slot, flag)| *slot = *flag != 0);
            Ok(())
        };
        let range = state.f64s("range", 2)?;
        for (name, _, write) in BRANCHES {
            let numbers = state.u64s(name, nodes)?;
            self.branches.iter_mut().zip(numbers).for_each(|(branches, number)| *write(branches) = *number as u32);
        }
        let whole_numbers = [&mut self.action, &mut self.edge_visits, &mut self.child, &mut self.edge_plies];
        for (name, array) in WHOLE.into_iter().zip(whole_numbers) {
            whole(name, &mut array[..edges])?;
        }
        whole("plies", &mut self.plies[..nodes])?;
        self.searched[..edges].copy_from_slice(state.f32s("searched", edges)?);
        flags("proven", &mut self.proven[..nodes])?;
        flags("edge_proven", &mut self.edge_proven[..edges])?;
        self.estimate[..nodes].copy_from_slice(state.f64s("estimate", nodes)?);
        self.value[..nodes].copy_from_slice(state.f64s("value", nodes)?);
        self.key[..nodes].copy_from_slice(state.u64s("key", nodes)?);
        self.applicable[..nodes * words].copy_from_slice(state.u64s("applicable", nodes * words)?);
        self.logits[..nodes * each].copy_from_slice(state.f32s("logits", nodes * each)?);
        self.total[..edges].copy_from_slice(state.f64s("total", edges)?);
        let priors = edges.min(self.prior.len());
        self.prior[..priors].copy_from_slice(state.f64s("prior", priors)?);
        let earned = state.f64s("reward", edges)?.iter().zip(state.f64s("continuation", edges)?);
        for (paid, (reward, continuation)) in self.paid[..edges].iter_mut().zip(earned) {
            *paid = Paid { reward: *reward, continuation: *continuation };
        }
        let sound = self.branches[..nodes].iter().all(|branches| branches.first == NONE || branches.fit(edges))
            && self.child[..edges].iter().all(|child| *child >= ENDED || (*child as usize) < nodes)
            && self.action[..edges].iter().all(|action| (*action as usize) < self.actions);
        if !sound {
            return Err(Error::external("saved state", "the tree's nodes and edges do not fit together"));
        }
        (self.low, self.high, self.zero_sum) = (range[0], range[1], sizes[2] & 1 != 0);
        self.at_end_only = sizes[2] & 2 != 0;
        (self.nodes, self.edges, self.outcomes) = (nodes, edges, 0);
        Ok(())
    }
}
