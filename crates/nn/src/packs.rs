//! Weights packed into panels once a pass, for graphs that multiply by the same weight many times.

use crate::{
    buffer::{Buffer, stride},
    context::Stores,
    device::{Cpu, Device},
    graph::{Bound, Graph},
    matmul::{Pack, Right, packed_cols},
};

/// Uses of a weight, blocks counted, from which packing it once costs less than packing it at every use.
const WORTH: usize = 3;

/// The panels of one weight of one member.
#[derive(Debug, Clone)]
struct Panels {
    bound: Bound,
    member: usize,
    forward: Buffer,
    /// Empty where the weight is never multiplied by backwards.
    transposed: Buffer,
}

/// The packed weights of a graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packs {
    panels: Vec<Panels>,
    /// Of each binding's entries, the first member's place in `panels`; `usize::MAX` for those that are not packed.
    places: Vec<Vec<usize>>,
    work: usize,
}

impl Packs {
    /// Room for the weights of `graph` that are worth it when a pass takes `blocks` blocks a member. Inference packs all and needs no transposes.
    pub(crate) fn new(graph: &Graph, blocks: usize, inference: bool) -> Self {
        let mut packs = Self {
            places: graph.bindings.iter().map(|binding| vec![usize::MAX; binding.entries.len()]).collect(),
            ..Self::default()
        };
        for (index, binding) in graph.bindings.iter().enumerate() {
            for (entry, parameter) in binding.entries.iter().enumerate() {
                let bound = Bound { binding: index, index: entry };
                let reads: usize = (graph.nodes.iter())
                    .filter(|node| node.parameters.first() == Some(&bound))
                    .map(|node| node.op.packings())
                    .sum();
                if reads == 0 || (!inference && reads * blocks < WORTH) {
                    continue;
                }
                packs.places[index][entry] = packs.panels.len();
                let (rows, cols) = (parameter.rows, parameter.cols);
                for member in 0..parameter.members {
                    let transposed = if inference { 0 } else { cols * packed_cols(rows) };
                    packs.panels.push(Panels {
                        bound,
                        member,
                        forward: Buffer::zeros(rows * packed_cols(cols)),
                        transposed: Buffer::zeros(transposed),
                    });
                    // A number is moved rather than multiplied, twice.
                    packs.work += 4 * rows * cols;
                }
            }
        }
        packs
    }

    /// Packs the stores' present numbers.
    pub(crate) fn refresh(&mut self, graph: &Graph, stores: Stores<'_>, device: Cpu, backward: bool) {
        let work = self.work;
        device.each(work, &mut self.panels, |_, panels| {
            let entry = graph.entry(panels.bound);
            let store = stores.of(panels.bound);
            let from = store.padded(panels.bound.index, panels.member);
            let width = stride(entry.cols);
            device.run(Pack {
                from: Right::Rows(from.as_ptr(), width),
                inner: entry.rows,
                cols: entry.cols,
                to: &mut panels.forward,
            });
            if backward && !panels.transposed.is_empty() {
                device.run(Pack {
                    from: Right::Transposed(from.as_ptr(), width),
                    inner: entry.cols,
                    cols: entry.rows,
                    to: &mut panels.transposed,
                });
            }
        });
    }

    /// The first member's place among all panels, if the weight is packed.
    pub(crate) fn place(&self, bound: Bound) -> Option<usize> {
        let place = *self.places.get(bound.binding)?.get(bound.index)?;
        (place != usize::MAX).then_some(place)
    }

    /// The panels at a place.
    pub(crate) fn panels(&self, place: usize) -> &[f32] {
        &self.panels[place].forward
    }

    fn find(&self, bound: Bound, member: usize) -> Option<&Panels> {
        let place = self.place(bound)?;
        let first = self.panels.get(place)?;
        // A shared weight has one member's panels.
        self.panels.get(place + member).filter(|panels| panels.bound == bound).or(Some(first))
    }

    /// The panels of a weight, if it is packed.
    pub(crate) fn forward(&self, bound: Bound, member: usize) -> Option<&[f32]> {
        self.find(bound, member).map(|panels| &*panels.forward)
    }

    /// The panels of the transposed weight, if it is packed.
    pub(crate) fn transposed(&self, bound: Bound, member: usize) -> Option<&[f32]> {
        self.find(bound, member).map(|panels| &*panels.transposed).filter(|panels| !panels.is_empty())
    }
}
