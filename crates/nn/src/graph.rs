//! A graph: operations on batches, recorded once and replayed forwards and backwards without allocation.
//!
//! A node is a matrix of `rows` rows for each sample of a batch ([`Shape`]). Parameters lie in [`Store`]s of their own. What a handle means is the
//! graph's latest binding of its form, [`learn`](Graph::learn) or [`freeze`](Graph::freeze), so that a layer is written once and serves as the network that
//! learns, as its target and as the frozen model that gradients pass through. The operations are methods, each defined in its file under `op`.
//! Reverse mode as in Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3.

use std::sync::Arc;

use worldwright_core::{Error, Result};

use crate::{
    op::{Input, Objective as ObjectiveOp, Op},
    shape::{Extent, Shape},
    store::{Entry, Parameter, Store, entry_of, foreign},
};

/// A value on a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(pub(crate) usize);

/// A part of the loss, see [`Graph::minimise`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective(pub(crate) usize);

/// A parameter as a node uses it: which binding, which of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) binding: usize,
    pub(crate) index: usize,
}

/// A store that a graph uses.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) store: u64,
    pub(crate) form: u64,
    /// Whether its parameters get gradients.
    pub(crate) learns: bool,
    pub(crate) entries: Arc<Vec<Entry>>,
    /// Of each entry, the coefficients of `Σ p` and `Σ p²` in the loss.
    pub(crate) penalties: Vec<[f32; 2]>,
}

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) op: Arc<dyn Op>,
    pub(crate) operands: Vec<usize>,
    pub(crate) parameters: Vec<Bound>,
    pub(crate) shape: Shape,
    /// Whether a gradient flows through here.
    pub(crate) active: bool,
}

/// A recorded computation for `members` networks of the same form.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) members: usize,
    pub(crate) nodes: Vec<Recorded>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) objectives: usize,
    pub(crate) bindings: Vec<Binding>,
    /// Bindings in the order in which they were last chosen: the last of a form is meant.
    chosen: Vec<usize>,
}

impl Graph {
    /// An empty graph for an ensemble of `members`; 1 for a single network.
    pub fn new(members: usize) -> Self {
        let members = members.max(1);
        Self { members, nodes: Vec::new(), inputs: Vec::new(), objectives: 0, bindings: Vec::new(), chosen: Vec::new() }
    }

    /// How many members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Rows a sample and columns of a node.
    pub fn shape(&self, node: Node) -> Shape {
        self.nodes[node.0].shape
    }

    /// From here on, handles of this store's form mean its numbers, and they get gradients.
    pub fn learn(&mut self, store: &Store) {
        self.bind(store, true);
    }

    /// From here on, handles of this store's form mean its numbers, which stay as they are: gradients pass through to what came before.
    pub fn freeze(&mut self, store: &Store) {
        self.bind(store, false);
    }

    /// Whether the graph uses this store, be it to learn or frozen.
    pub fn binds(&self, store: &Store) -> bool {
        self.bindings.iter().any(|binding| binding.store == store.id)
    }

    fn bind(&mut self, store: &Store, learns: bool) {
        let same = |binding: &Binding| binding.store == store.id && binding.learns == learns;
        let index = self.bindings.iter().position(same).unwrap_or_else(|| {
            self.bindings.push(Binding {
                store: store.id,
                form: store.form,
                learns,
                entries: Arc::default(),
                penalties: Vec::new(),
            });
            self.bindings.len() - 1
        });
        // The store may have gained parameters since it was first bound.
        self.bindings[index].entries = store.entries.clone();
        self.bindings[index].penalties.resize(store.entries.len(), [0.0; 2]);
        self.chosen.retain(|chosen| *chosen != index);
        self.chosen.push(index);
    }

    /// The binding that a handle means now.
    fn bound(&self, parameter: Parameter) -> Result<Bound> {
        let latest = self.chosen.iter().rev().find(|index| self.bindings[**index].form == parameter.form);
        let binding = *latest.ok_or_else(|| foreign(parameter))?;
        let entry = entry_of(&self.bindings[binding].entries, self.bindings[binding].form, parameter)?;
        if entry.members != 1 && entry.members != self.members {
            return Err(Error::shape(format!("members of {}", entry.name), &[self.members], &[entry.members]));
        }
        Ok(Bound { binding, index: parameter.index })
    }

    pub(crate) fn entry(&self, bound: Bound) -> &Entry {
        &self.bindings[bound.binding].entries[bound.index]
    }

    /// Adds `coefficient · Σ p` to the loss.
    ///
    /// # Errors
    /// [`Error::Unknown`] when no store of the parameter's form is bound (likewise below).
    pub fn penalise_sum(&mut self, parameter: Parameter, coefficient: f32) -> Result<()> {
        let bound = self.bound(parameter)?;
        self.bindings[bound.binding].penalties[bound.index][0] += coefficient;
        Ok(())
    }

    /// Adds `coefficient · Σ p²` to the loss: weight decay as PETS does it, a coefficient a layer.
    ///
    /// # Errors
    /// As for [`penalise_sum`](Self::penalise_sum).
    pub fn penalise_squares(&mut self, parameter: Parameter, coefficient: f32) -> Result<()> {
        let bound = self.bound(parameter)?;
        self.bindings[bound.binding].penalties[bound.index][1] += coefficient;
        Ok(())
    }

    /// Records an operation.
    pub(crate) fn push(&mut self, op: impl Op + 'static, operands: &[Node], parameters: &[Parameter]) -> Result<Node> {
        let of: Vec<Shape> = operands.iter().map(|node| self.shape(*node)).collect();
        let bound: Vec<Bound> = parameters.iter().map(|parameter| self.bound(*parameter)).collect::<Result<_>>()?;
        let sizes: Vec<[usize; 2]> =
            bound.iter().map(|bound| [self.entry(*bound).rows, self.entry(*bound).cols]).collect();
        let shape = op.shape(&of, &sizes)?;
        let learns = bound.iter().any(|bound| self.bindings[bound.binding].learns);
        let reached =
            operands.iter().enumerate().any(|(index, node)| op.differentiates(index) && self.nodes[node.0].active);
        self.nodes.push(Recorded {
            op: Arc::new(op),
            operands: operands.iter().map(|node| node.0).collect(),
            parameters: bound,
            shape,
            active: learns || reached,
        });
        Ok(Node(self.nodes.len() - 1))
    }

    fn feed(&mut self, shape: Shape, active: bool) -> Node {
        self.inputs.push(self.nodes.len());
        let (operands, parameters) = (Vec::new(), Vec::new());
        self.nodes.push(Recorded { op: Arc::new(Input), operands, parameters, shape, active });
        Node(self.nodes.len() - 1)
    }

    /// The next input of one row a sample, given at each replay in the order of these calls.
    pub fn input(&mut self, cols: usize) -> Node {
        self.feed(Shape::new(1, cols), false)
    }

    /// The next input, of several rows a sample.
    pub fn input_rows(&mut self, rows: usize, cols: usize) -> Node {
        self.feed(Shape::new(rows, cols), false)
    }

    /// An input whose gradient is wanted.
    pub fn differentiable_input(&mut self, cols: usize) -> Node {
        self.feed(Shape::new(1, cols), true)
    }

    /// An input of several rows a sample whose gradient is wanted.
    pub fn differentiable_input_rows(&mut self, rows: usize, cols: usize) -> Node {
        self.feed(Shape::new(rows, cols), true)
    }

    /// Adds `scale · mean(loss)` to the loss: the mean over samples, rows and columns.
    ///
    /// # Errors
    /// [`Error::Shape`] when the node holds no number.
    pub fn minimise(&mut self, loss: Node, scale: f32) -> Result<Objective> {
        self.objective(&[loss], scale)
    }

    /// As [`minimise`](Self::minimise), after each row is multiplied by its `weight`, a node of one column that is taken as a constant.
    /// The divisor stays the number of all rows.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one weight a row.
    pub fn minimise_weighted(&mut self, loss: Node, weight: Node, scale: f32) -> Result<Objective> {
        self.objective(&[loss, weight], scale)
    }

    fn objective(&mut self, operands: &[Node], scale: f32) -> Result<Objective> {
        let index = self.objectives;
        self.push(ObjectiveOp { index, scale }, operands, &[])?;
        self.objectives += 1;
        Ok(Objective(index))
    }

    /// What the whole graph mixes at most.
    pub(crate) fn extent(&self) -> Extent {
        self.nodes.iter().map(|node| node.op.extent()).max().unwrap_or(Extent::Row)
    }

    /// The names of the operations recorded, in order.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.nodes.iter().map(|node| node.op.name())
    }
}

/// That two operands have the same shape.
pub(crate) fn expect_same(what: &'static str, shape: Shape, like: Shape) -> Result<()> {
    if shape == like { Ok(()) } else { Err(Error::shape(what, &[like.rows, like.cols], &[shape.rows, shape.cols])) }
}

/// That a parameter is `[rows][cols]`.
pub(crate) fn expect_parameter(what: &'static str, got: [usize; 2], rows: usize, cols: usize) -> Result<()> {
    if got == [rows, cols] { Ok(()) } else { Err(Error::shape(what, &[rows, cols], &got)) }
}
