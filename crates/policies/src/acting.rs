//! Acting by a network: the one way from what is seen to actions that all policies share.

use worldwright_core::{ActionHead, Array, Batch, Columns, Error, Mode, Persist, Result, Rng, State, StepColumn};
use worldwright_nn::{Adam, Graph, Node, Predictor, Runner, Scratch, Store};

use crate::scaling::Scaling;

/// The column of what an unbounded actor drew, before the bounds of the space cut it off: numbers of which the bounds are −1 and 1.
pub(crate) const DRAWN_ACTION: &str = "drawn_action";

/// An actor: what it has learned, and that packed to act by, with room for its batches.
///
/// Its graph takes inputs and, for numbers, a standard normal noise of one column a dimension; it gives the action in [−1, 1], where no noise means the
/// distribution's mode, or the logits of choices.
pub(crate) struct Acting {
    who: &'static str,
    inputs: usize,
    head: ActionHead,
    actor: Store,
    /// How it sees what it is given.
    pub(crate) scaling: Scaling,
    /// With what probability a choice is any of them where it explores, and else the likeliest; none draws by the logits.
    pub(crate) dithering: Option<f64>,
    /// Whether it draws numbers beyond [−1, 1] too, which are kept as they were drawn.
    pub(crate) unbounded: bool,
    predictor: Predictor,
    scratch: Scratch,
    /// Whether the numbers have changed since the predictor took them.
    stale: bool,
    seen: Vec<f32>,
    noise: Vec<f32>,
    said: Vec<f32>,
    flat: Vec<f64>,
}

impl Acting {
    /// An actor with these numbers.
    ///
    /// # Errors
    /// As for [`Predictor::new`].
    pub(crate) fn new(
        who: &'static str,
        (inputs, head): (usize, &ActionHead),
        (graph, action): (&Graph, Node),
        actor: Store,
    ) -> Result<Self> {
        let predictor = Predictor::new(graph, &[&actor], &[action])?;
        let (seen, noise, said) = (Vec::new(), Vec::new(), Vec::new());
        let flat = vec![0.0; head.width()];
        let (scratch, scaling) = (predictor.scratch(), Scaling::identity(inputs));
        Ok(Self {
            who,
            inputs,
            head: head.clone(),
            actor,
            scaling,
            dithering: None,
            unbounded: false,
            predictor,
            scratch,
            stale: false,
            seen,
            noise,
            said,
            flat,
        })
    }

    /// Numbers of what it sees.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// What actions are to it.
    pub(crate) fn head(&self) -> &ActionHead {
        &self.head
    }

    /// What it has learned.
    pub(crate) fn actor(&self) -> &Store {
        &self.actor
    }

    /// The same, to change.
    pub(crate) fn actor_mut(&mut self) -> &mut Store {
        self.stale = true;
        &mut self.actor
    }

    /// Takes a step against the gradient that a pass left.
    pub(crate) fn learn(&mut self, adam: &mut Adam, pass: &Runner) -> Result<()> {
        adam.step(self.actor_mut(), pass)?;
        Ok(())
    }

    /// As [`Policy::weights`](worldwright_core::Policy::weights).
    pub(crate) fn weights(&self) -> State {
        let mut state = State::new();
        state.put_all("actor", self.actor.save());
        self.scaling.save(&mut state);
        if let Some(share) = self.dithering {
            state.put("dithering", Array::F64(vec![1], vec![share]));
        }
        state
    }

    /// As [`Policy::restore_weights`](worldwright_core::Policy::restore_weights).
    pub(crate) fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.actor_mut().restore(&weights.part("actor"))?;
        if self.dithering.is_some() {
            self.dithering = Some(weights.f64s("dithering", 1)?[0]);
        }
        self.scaling.restore(weights)
    }

    /// As [`Policy::columns`](worldwright_core::Policy::columns).
    pub(crate) fn columns(&self) -> Vec<StepColumn> {
        if !self.unbounded || self.head.choices() > 0 {
            return Vec::new();
        }
        vec![StepColumn { name: DRAWN_ACTION.into(), width: self.head.columns() }]
    }

    /// As [`Policy::keep`](worldwright_core::Policy::keep).
    pub(crate) fn keep(&self, row: usize, out: &mut [f64]) {
        let drawn = self.said[row * self.head.columns()..].iter();
        out.iter_mut().zip(drawn).for_each(|(slot, number)| *slot = f64::from(*number));
    }

    /// As [`Policy::act`](worldwright_core::Policy::act).
    pub(crate) fn act(&mut self, inputs: Columns<'_>, mode: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()> {
        let (n, columns) = (inputs.rows(), self.head.columns());
        if inputs.dims() != self.inputs {
            return Err(Error::shape("inputs of the policy", &[self.inputs], &[inputs.dims()]));
        }
        if out.rows() != n || out.dims() != self.flat.len() {
            return Err(Error::shape("actions of the policy", &[n, self.flat.len()], &[out.rows(), out.dims()]));
        }
        if std::mem::take(&mut self.stale) {
            self.predictor.refresh(&[&self.actor])?;
        }
        self.scaling.rows(inputs, &mut self.seen);
        self.said.resize(n * columns, 0.0);
        let choices = self.head.choices();
        let said = &mut [self.said.as_mut_slice()];
        if choices == 0 {
            self.noise.resize(n * columns, 0.0);
            match mode {
                Mode::Explore => rng.fill_normal(&mut self.noise),
                Mode::Exploit => self.noise.fill(0.0),
            }
            self.predictor.predict_member(0, &[&self.seen, &self.noise], said, &mut self.scratch)?;
        } else {
            self.predictor.predict_member(0, &[&self.seen], said, &mut self.scratch)?;
        }
        if self.said.iter().any(|number| !number.is_finite()) {
            let why = "its actor gives numbers that are not finite".into();
            return Err(Error::Diverged { who: self.who.into(), why });
        }
        for row in 0..n {
            let said = &self.said[row * columns..(row + 1) * columns];
            if choices == 0 {
                self.head.write_numbers(said, &mut self.flat);
            } else {
                self.flat.copy_from_slice(self.head.choice(choose(said, (mode, self.dithering), rng)));
            }
            out.columns_mut().set_row(row, &self.flat);
        }
        Ok(())
    }
}

/// The likeliest choice; to explore, a draw by the Gumbel-max trick, or any with the probability of dithering.
fn choose(logits: &[f32], (mode, dithering): (Mode, Option<f64>), rng: &mut Rng) -> usize {
    let explores = mode == Mode::Explore;
    if let Some(share) = dithering.filter(|_| explores)
        && rng.uniform() < share
    {
        return rng.below(logits.len() as u64) as usize;
    }
    let mut best = (0, f64::NEG_INFINITY);
    for (choice, logit) in logits.iter().enumerate() {
        let gumbel = if explores && dithering.is_none() { -(-(1.0 - rng.uniform()).ln()).ln() } else { 0.0 };
        let score = f64::from(*logit) + gumbel;
        if score > best.1 {
            best = (choice, score);
        }
    }
    best.0
}
