//! A tape: operations on blocks of rows, recorded once and replayed forwards and backwards without allocation.
//!
//! A node is a matrix `[rows][cols]`, one row a sample. No operation mixes rows, so a batch is cut into blocks of fixed size that run
//! side by side (see [`Runner`](crate::Runner)); the loss is a sum over rows and its gradient the sum of the blocks' gradients in their order.
//! Reverse mode as in Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3.

use worldwright_core::{Error, Result, Rng};

use crate::{
    activation::Activation,
    buffer::stride,
    init::Init,
    parameters::{Entry, Parameter, Parameters},
};

/// A value on a [`Tape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(pub(crate) usize);

/// What a node does. Indices are nodes; parameters are indices of entries.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Input,
    Linear { x: usize, weight: usize, bias: Option<usize>, activation: Activation },
    Activation { x: usize, activation: Activation },
    LayerNorm { x: usize, gain: usize, shift: usize, epsilon: f32, activation: Activation },
    Concat { parts: Vec<usize> },
    Slice { x: usize, start: usize },
    Add { a: usize, b: usize },
    Sub { a: usize, b: usize },
    Mul { a: usize, b: usize },
    Affine { x: usize, scale: f32, shift: f32 },
    SoftClamp { x: usize, min: usize, max: usize },
    Detach { x: usize },
    GaussianNll { mean: usize, log_variance: usize, target: usize, weight: Option<usize>, scale: f32 },
    Mse { prediction: usize, target: usize, weight: Option<usize>, scale: f32 },
    Bce { logit: usize, target: usize, weight: Option<usize>, scale: f32 },
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) op: Op,
    pub(crate) cols: usize,
    /// Columns of numbers that the backward pass needs beyond the values.
    pub(crate) kept: usize,
    /// Whether a gradient flows through here.
    pub(crate) active: bool,
}

/// A recorded computation with its parameters' shapes, for `members` networks of the same form.
#[derive(Debug, Clone)]
pub struct Tape {
    pub(crate) members: usize,
    pub(crate) nodes: Vec<Recorded>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) entries: Vec<Entry>,
}

impl Tape {
    /// An empty tape for an ensemble of `members`; 1 for a single network.
    pub fn new(members: usize) -> Self {
        Self { members: members.max(1), nodes: Vec::new(), inputs: Vec::new(), entries: Vec::new() }
    }

    /// How many members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Columns of a node.
    pub fn cols(&self, node: Node) -> usize {
        self.nodes[node.0].cols
    }

    /// A matrix `[rows][cols]` that each member learns for itself. Vectors have one row.
    pub fn parameter(&mut self, name: impl Into<String>, rows: usize, cols: usize, init: Init) -> Parameter {
        self.declare(name.into(), rows, cols, self.members, init)
    }

    /// A matrix that all members share: its gradient is the sum of theirs.
    pub fn shared_parameter(&mut self, name: impl Into<String>, rows: usize, cols: usize, init: Init) -> Parameter {
        self.declare(name.into(), rows, cols, 1, init)
    }

    fn declare(&mut self, name: String, rows: usize, cols: usize, members: usize, init: Init) -> Parameter {
        let (offset, local) = self
            .entries
            .last()
            .map_or((0, 0), |last| (last.offset + last.members * last.size(), last.local + last.size()));
        self.entries.push(Entry {
            name,
            rows,
            cols,
            members,
            init,
            sum_penalty: 0.0,
            square_penalty: 0.0,
            offset,
            local,
        });
        Parameter(self.entries.len() - 1)
    }

    /// Adds `coefficient · Σ p` to the loss.
    pub fn penalise_sum(&mut self, parameter: Parameter, coefficient: f32) {
        self.entries[parameter.0].sum_penalty += coefficient;
    }

    /// Adds `coefficient · Σ p²` to the loss: weight decay as PETS does it, a coefficient a layer.
    pub fn penalise_squares(&mut self, parameter: Parameter, coefficient: f32) {
        self.entries[parameter.0].square_penalty += coefficient;
    }

    /// Initial values for the parameters declared so far.
    pub fn initialise(&self, rng: &mut Rng) -> Parameters {
        Parameters::new(self.entries.clone(), rng)
    }

    fn push(&mut self, op: Op, cols: usize, kept: usize, active: bool) -> Node {
        self.nodes.push(Recorded { op, cols, kept, active });
        Node(self.nodes.len() - 1)
    }

    fn expect(&self, what: &'static str, node: Node, cols: usize) -> Result<()> {
        let got = self.cols(node);
        if got == cols { Ok(()) } else { Err(Error::shape(what, &[cols], &[got])) }
    }

    fn expect_parameter(&self, parameter: Parameter, rows: usize, cols: usize) -> Result<()> {
        let entry = &self.entries[parameter.0];
        if (entry.rows, entry.cols) == (rows, cols) {
            Ok(())
        } else {
            Err(Error::shape(entry.name.clone(), &[rows, cols], &[entry.rows, entry.cols]))
        }
    }

    fn active(&self, node: Node) -> bool {
        self.nodes[node.0].active
    }

    /// The next input, given at each replay in the order of these calls.
    pub fn input(&mut self, cols: usize) -> Node {
        let node = self.push(Op::Input, cols, 0, false);
        self.inputs.push(node.0);
        node
    }

    /// An input whose gradient is wanted.
    pub fn differentiable_input(&mut self, cols: usize) -> Node {
        let node = self.input(cols);
        self.nodes[node.0].active = true;
        node
    }

    /// `activation(x W + b)`: weight `[in][out]`, bias `[1][out]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the parameters do not fit the node (likewise below).
    pub fn linear(
        &mut self,
        x: Node,
        weight: Parameter,
        bias: Option<Parameter>,
        activation: Activation,
    ) -> Result<Node> {
        let cols = self.entries[weight.0].cols;
        self.expect_parameter(weight, self.cols(x), cols)?;
        if let Some(bias) = bias {
            self.expect_parameter(bias, 1, cols)?;
        }
        let kept = if activation == Activation::Identity { 0 } else { stride(cols) };
        let op = Op::Linear { x: x.0, weight: weight.0, bias: bias.map(|bias| bias.0), activation };
        Ok(self.push(op, cols, kept, true))
    }

    /// A linear layer with parameters of its own, `NAME.weight` and `NAME.bias`, which are returned with it.
    pub fn dense(
        &mut self,
        name: &str,
        x: Node,
        outputs: usize,
        weight: Init,
        bias: Init,
        activation: Activation,
    ) -> (Node, (Parameter, Parameter)) {
        let weight = self.parameter(format!("{name}.weight"), self.cols(x), outputs, weight);
        let bias = self.parameter(format!("{name}.bias"), 1, outputs, bias);
        let op = Op::Linear { x: x.0, weight: weight.0, bias: Some(bias.0), activation };
        let kept = if activation == Activation::Identity { 0 } else { stride(outputs) };
        (self.push(op, outputs, kept, true), (weight, bias))
    }

    /// `activation(x)`.
    pub fn activation(&mut self, x: Node, activation: Activation) -> Node {
        let (cols, active) = (self.cols(x), self.active(x));
        self.push(Op::Activation { x: x.0, activation }, cols, stride(cols), active)
    }

    /// `activation(gain · (x − mean) / √(variance + epsilon) + shift)` over the columns of each row (Ba, Kiros and Hinton 2016);
    /// gain and shift `[1][cols]`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn layer_norm(
        &mut self,
        x: Node,
        gain: Parameter,
        shift: Parameter,
        epsilon: f32,
        activation: Activation,
    ) -> Result<Node> {
        let cols = self.cols(x);
        self.expect_parameter(gain, 1, cols)?;
        self.expect_parameter(shift, 1, cols)?;
        let op = Op::LayerNorm { x: x.0, gain: gain.0, shift: shift.0, epsilon, activation };
        // The normalised row with the inverse deviation behind it, and the activation's derivative.
        Ok(self.push(op, cols, 2 * stride(cols) + 16, true))
    }

    /// The columns of all parts, side by side.
    pub fn concat(&mut self, parts: &[Node]) -> Node {
        let cols = parts.iter().map(|part| self.cols(*part)).sum();
        let active = parts.iter().any(|part| self.active(*part));
        self.push(Op::Concat { parts: parts.iter().map(|part| part.0).collect() }, cols, 0, active)
    }

    /// `cols` columns of `x` from `start` on.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has fewer.
    pub fn slice(&mut self, x: Node, start: usize, cols: usize) -> Result<Node> {
        if start + cols > self.cols(x) {
            return Err(Error::shape("columns of a slice", &[self.cols(x)], &[start + cols]));
        }
        let active = self.active(x);
        Ok(self.push(Op::Slice { x: x.0, start }, cols, 0, active))
    }

    /// `a + b`.
    ///
    /// # Errors
    /// [`Error::Shape`] when they differ in columns (likewise below).
    pub fn add(&mut self, a: Node, b: Node) -> Result<Node> {
        self.expect("second summand", b, self.cols(a))?;
        let active = self.active(a) || self.active(b);
        Ok(self.push(Op::Add { a: a.0, b: b.0 }, self.cols(a), 0, active))
    }

    /// `a − b`.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn sub(&mut self, a: Node, b: Node) -> Result<Node> {
        self.expect("subtrahend", b, self.cols(a))?;
        let active = self.active(a) || self.active(b);
        Ok(self.push(Op::Sub { a: a.0, b: b.0 }, self.cols(a), 0, active))
    }

    /// `a · b`, number by number.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn mul(&mut self, a: Node, b: Node) -> Result<Node> {
        self.expect("second factor", b, self.cols(a))?;
        let active = self.active(a) || self.active(b);
        Ok(self.push(Op::Mul { a: a.0, b: b.0 }, self.cols(a), 0, active))
    }

    /// `scale · x + shift`.
    pub fn affine(&mut self, x: Node, scale: f32, shift: f32) -> Node {
        let (cols, active) = (self.cols(x), self.active(x));
        self.push(Op::Affine { x: x.0, scale, shift }, cols, 0, active)
    }

    /// Keeps `x` between learned bounds `[1][cols]`: `y = max − softplus(max − x)`, then `min + softplus(y − min)` (PETS, appendix A.1).
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn soft_clamp(&mut self, x: Node, min: Parameter, max: Parameter) -> Result<Node> {
        let cols = self.cols(x);
        self.expect_parameter(min, 1, cols)?;
        self.expect_parameter(max, 1, cols)?;
        // The two sigmoids.
        Ok(self.push(Op::SoftClamp { x: x.0, min: min.0, max: max.0 }, cols, 2 * stride(cols), true))
    }

    /// `x`, through which no gradient flows.
    pub fn detach(&mut self, x: Node) -> Node {
        let cols = self.cols(x);
        self.push(Op::Detach { x: x.0 }, cols, 0, false)
    }

    fn check_loss(&self, prediction: Node, target: Node, weight: Option<Node>) -> Result<()> {
        self.expect("target", target, self.cols(prediction))?;
        weight.map_or(Ok(()), |weight| self.expect("weights of rows", weight, 1))
    }

    /// Adds `scale · mean((mean − target)² e^−log_variance + log_variance)` to the loss: twice the negative log-likelihood of a Gaussian
    /// with independent dimensions, without its constant. The mean is over rows of the batch and columns; `weight` `[rows][1]` multiplies rows.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn gaussian_nll(
        &mut self,
        mean: Node,
        log_variance: Node,
        target: Node,
        weight: Option<Node>,
        scale: f32,
    ) -> Result<()> {
        self.check_loss(mean, target, weight)?;
        self.expect("log-variance", log_variance, self.cols(mean))?;
        let op = Op::GaussianNll {
            mean: mean.0,
            log_variance: log_variance.0,
            target: target.0,
            weight: weight.map(|weight| weight.0),
            scale,
        };
        self.push(op, 0, 0, true);
        Ok(())
    }

    /// Adds `scale · mean((prediction − target)²)` to the loss; mean and `weight` as for [`gaussian_nll`](Self::gaussian_nll).
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn mse(&mut self, prediction: Node, target: Node, weight: Option<Node>, scale: f32) -> Result<()> {
        self.check_loss(prediction, target, weight)?;
        let weight = weight.map(|weight| weight.0);
        self.push(Op::Mse { prediction: prediction.0, target: target.0, weight, scale }, 0, 0, true);
        Ok(())
    }

    /// Adds `scale · mean(softplus(logit) − target · logit)` to the loss: the cross-entropy of a Bernoulli variable with that logit;
    /// mean and `weight` as for [`gaussian_nll`](Self::gaussian_nll).
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn binary_cross_entropy(&mut self, logit: Node, target: Node, weight: Option<Node>, scale: f32) -> Result<()> {
        self.check_loss(logit, target, weight)?;
        let weight = weight.map(|weight| weight.0);
        self.push(Op::Bce { logit: logit.0, target: target.0, weight, scale }, 0, 0, true);
        Ok(())
    }
}
