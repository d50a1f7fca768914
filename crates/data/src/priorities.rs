//! Prioritised sampling of transitions, in proportion to `p^α` (Schaul et al., "Prioritized Experience Replay", ICLR 2016, §3.3).
//!
//! `P(i) = p_i^α / Σ p^α`; the importance weight is `(N P(i))^-β`, divided by the largest weight that any held transition
//! would have (section 3.4), so that weights only scale updates down. Draws are stratified: one from each of `count` equal
//! parts of the sum (appendix B.2.1). Parents are recomputed from their children, never adjusted by differences, so no error
//! gathers.

use worldwright_core::{Array, Error, Persist, Result, Rng, State};

use crate::replay::{Replay, Sample};

/// A complete binary tree over `len` numbers that keeps the sum and the least positive number below each node.
#[derive(Debug, Clone, PartialEq)]
pub struct SumTree {
    len: usize,
    leaves: usize,
    sums: Vec<f64>,
    least: Vec<f64>,
}

impl SumTree {
    /// Zeros.
    pub fn new(len: usize) -> Self {
        let leaves = len.next_power_of_two().max(1);
        Self { len, leaves, sums: vec![0.0; 2 * leaves], least: vec![f64::INFINITY; 2 * leaves] }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is over no numbers.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets number `i`.
    ///
    /// # Errors
    /// [`Error::Config`] for a number that is negative or not finite, [`Error::Shape`] for an `i` beyond the end.
    pub fn set(&mut self, i: usize, number: f64) -> Result<()> {
        if !(number >= 0.0 && number.is_finite()) {
            return Err(Error::config("priority", format!("must be finite and not negative, got {number}")));
        }
        if i >= self.len {
            return Err(Error::shape("priorities", &[self.len], &[i]));
        }
        let mut node = self.leaves + i;
        self.sums[node] = number;
        self.least[node] = if number > 0.0 { number } else { f64::INFINITY };
        while node > 1 {
            node /= 2;
            self.sums[node] = self.sums[2 * node] + self.sums[2 * node + 1];
            self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]);
        }
        Ok(())
    }

    /// Number `i`, 0 beyond the end.
    pub fn get(&self, i: usize) -> f64 {
        if i < self.len { self.sums[self.leaves + i] } else { 0.0 }
    }

    /// The sum of all.
    pub fn total(&self) -> f64 {
        self.sums[1]
    }

    /// The least positive number, infinity when there is none.
    pub fn least(&self) -> f64 {
        self.least[1]
    }

    /// The `i` whose part of the running sum `mass` falls into: never one whose number is zero, while the total is positive.
    pub fn find(&self, mass: f64) -> usize {
        let mut node = 1;
        let mut mass = mass;
        while node < self.leaves {
            let (left, right) = (self.sums[2 * node], self.sums[2 * node + 1]);
            // Rounding may carry the mass past the last number; an empty side is never entered.
            node = if right <= 0.0 || (mass < left && left > 0.0) {
                2 * node
            } else {
                mass -= left;
                2 * node + 1
            };
        }
        node - self.leaves
    }
}

/// Priorities of the transitions of one [`Replay`].
#[derive(Debug, Clone, PartialEq)]
pub struct Priorities {
    tree: SumTree,
    alpha: f64,
    floor: f64,
    largest: f64,
    /// Rows of the replay that have been given a priority or found to be no transition.
    seen: u64,
}

impl Priorities {
    /// Priorities for a replay of that capacity. `alpha`: how strongly priority counts, from 0 (uniform) on; `floor`: what is
    /// added to each priority so that none is never drawn.
    ///
    /// # Errors
    /// [`Error::Config`] for numbers out of range.
    pub fn new(capacity: usize, alpha: f64, floor: f64) -> Result<Self> {
        if !(alpha >= 0.0 && alpha.is_finite() && floor > 0.0 && floor.is_finite()) {
            return Err(Error::config("priorities", format!("need alpha ≥ 0 and floor > 0, got {alpha} and {floor}")));
        }
        Ok(Self { tree: SumTree::new(capacity), alpha, floor, largest: 1.0, seen: 0 })
    }

    /// Takes note of rows added to the replay: new transitions get the largest priority so far, forgotten ones none.
    ///
    /// # Errors
    /// [`Error::Shape`] for a replay of another capacity.
    pub fn follow(&mut self, replay: &Replay) -> Result<()> {
        if replay.capacity() != self.tree.len() {
            return Err(Error::shape("replay capacity", &[self.tree.len()], &[replay.capacity()]));
        }
        let capacity = self.tree.len() as u64;
        let oldest = replay.added() - replay.rows() as u64;
        for row in self.seen.max(oldest)..replay.added() {
            let number = if replay.ends_sequence(row, 1) { self.largest.powf(self.alpha) } else { 0.0 };
            self.tree.set((row % capacity) as usize, number)?;
        }
        self.seen = replay.added();
        // The oldest row's predecessor has been overwritten: it is no transition any more.
        if replay.rows() == self.tree.len() {
            self.tree.set((oldest % capacity) as usize, 0.0)?;
        }
        Ok(())
    }

    /// Sets the priorities of transitions, as from their temporal-difference errors; those no longer held are passed over.
    ///
    /// # Errors
    /// [`Error::Config`] for a priority that is negative or not finite, [`Error::Shape`] for lists of different lengths.
    pub fn update(&mut self, replay: &Replay, transitions: &[u64], priorities: &[f64]) -> Result<()> {
        if transitions.len() != priorities.len() {
            return Err(Error::shape("priorities", &[transitions.len()], &[priorities.len()]));
        }
        for (row, priority) in transitions.iter().zip(priorities) {
            if !(*priority >= 0.0 && priority.is_finite()) {
                return Err(Error::config("priority", format!("must be finite and not negative, got {priority}")));
            }
            if replay.ends_sequence(*row, 1) && *row < self.seen {
                let number = priority + self.floor;
                self.largest = self.largest.max(number);
                self.tree.set((row % self.tree.len() as u64) as usize, number.powf(self.alpha))?;
            }
        }
        Ok(())
    }

    /// Samples `count` transitions in proportion to their priorities, with importance weights of exponent `beta`.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, or rows were added since [`follow`](Self::follow).
    pub fn sample(&self, replay: &Replay, count: usize, beta: f64, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        if self.seen != replay.added() {
            return Err(Error::config("priorities", "rows were added to the replay since it was followed"));
        }
        let total = self.tree.total();
        if total <= 0.0 {
            return Err(Error::config("priorities", "there is no transition to sample"));
        }
        out.begin(1);
        let capacity = self.tree.len() as u64;
        let oldest = replay.added() - replay.rows() as u64;
        for part in 0..count {
            let slot = self.tree.find((part as f64 + rng.uniform()) / count as f64 * total) as u64;
            let row = oldest + (slot + capacity - oldest % capacity) % capacity;
            // (N P(i))^-β over its largest value (N P_min)^-β.
            let weight = (self.tree.least() / self.tree.get(slot as usize)).powf(beta);
            replay.gather(row, 1, weight, out);
        }
        Ok(())
    }
}

impl Persist for Priorities {
    fn save(&self) -> State {
        let mut state = State::new();
        let leaves = self.tree.sums[self.tree.leaves..][..self.tree.len].to_vec();
        state.put("numbers", Array::F64(vec![leaves.len()], leaves));
        state.put("largest", Array::F64(vec![1], vec![self.largest]));
        state.put("seen", Array::U64(vec![self.seen]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut tree = SumTree::new(self.tree.len);
        for (i, number) in state.f64s("numbers", self.tree.len)?.iter().enumerate() {
            tree.set(i, *number)?;
        }
        let (largest, seen) = (state.f64s("largest", 1)?[0], state.u64s("seen", 1)?[0]);
        (self.tree, self.largest, self.seen) = (tree, largest, seen);
        Ok(())
    }
}
