//! Prioritised sampling of transitions, in proportion to `p^α` (Schaul et al., "Prioritized Experience Replay", ICLR 2016, §3.3).
//!
//! `P(i) = p_i^α / Σ p^α`; the importance weight is `(N P(i))^-β`, divided by the largest weight that any held transition
//! would have (section 3.4), so that weights only scale updates down. Draws are stratified: one from each of `count` equal
//! parts of the sum (appendix B.2.1). Parents are recomputed from their children, never adjusted by differences, so no error
//! gathers.

use crate::experience::add_return;
use crate::{Array, Error, Experience, Persist, Result, Rng, Sample, State, Want};

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

/// Rows that there is room for at first.
const FIRST_ROOM: usize = 256;

/// Priorities of the transitions of one [`Experience`], with room that grows with what is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Priorities {
    tree: SumTree,
    alpha: f64,
    floor: f64,
    largest: f64,
    /// Rows that have been given a priority or found to be no transition, and the oldest of them that was held then.
    seen: u64,
    oldest: u64,
}

impl Priorities {
    /// None yet. `alpha`: how strongly priority counts, from 0 (uniform) on; `floor`: what is added to each priority so that none is never drawn.
    ///
    /// # Errors
    /// [`Error::Config`] for numbers out of range.
    pub fn new(alpha: f64, floor: f64) -> Result<Self> {
        if !(alpha >= 0.0 && alpha.is_finite() && floor > 0.0 && floor.is_finite()) {
            return Err(Error::config("priorities", format!("need alpha ≥ 0 and floor > 0, got {alpha} and {floor}")));
        }
        Ok(Self { tree: SumTree::new(FIRST_ROOM), alpha, floor, largest: 1.0, seen: 0, oldest: 0 })
    }

    fn slot(&self, row: u64) -> usize {
        (row % self.tree.len() as u64) as usize
    }

    /// Makes room for `held` rows at a time.
    fn grow(&mut self, held: usize) -> Result<()> {
        let len = self.tree.len();
        if held <= len {
            return Ok(());
        }
        let mut tree = SumTree::new(held.next_power_of_two());
        for row in self.oldest.max(self.seen.saturating_sub(len as u64))..self.seen {
            tree.set((row % tree.len() as u64) as usize, self.tree.get(self.slot(row)))?;
        }
        self.tree = tree;
        Ok(())
    }

    /// Takes note of what was added: new transitions get the largest priority so far, forgotten ones none.
    ///
    /// # Errors
    /// [`Error::Config`] for an experience that is shorter than what was followed before.
    pub fn follow<E: Experience + ?Sized>(&mut self, experience: &E) -> Result<()> {
        let rows = experience.rows();
        if rows.end < self.seen {
            let why = format!("follow an experience of {} rows, and this one has {} only", self.seen, rows.end);
            return Err(Error::config("priorities", why));
        }
        self.grow((rows.end - rows.start) as usize)?;
        let capacity = self.tree.len() as u64;
        // A row whose predecessor is forgotten is no transition any more either.
        for row in self.oldest.max(self.seen.saturating_sub(capacity))..self.seen.min(rows.start + experience.reach()) {
            if !experience.ends_sequence(row, 1) {
                self.tree.set(self.slot(row), 0.0)?;
            }
        }
        for row in self.seen.max(rows.start)..rows.end {
            let number = if experience.ends_sequence(row, 1) { self.largest.powf(self.alpha) } else { 0.0 };
            self.tree.set(self.slot(row), number)?;
        }
        (self.seen, self.oldest) = (rows.end, rows.start);
        Ok(())
    }

    /// Sets the priorities of transitions, as from their temporal-difference errors; those no longer held are passed over.
    ///
    /// # Errors
    /// [`Error::Config`] for a priority that is negative or not finite, [`Error::Shape`] for lists of different lengths.
    pub fn update<E: Experience + ?Sized>(
        &mut self,
        experience: &E,
        transitions: &[u64],
        priorities: &[f64],
    ) -> Result<()> {
        if transitions.len() != priorities.len() {
            return Err(Error::shape("priorities", &[transitions.len()], &[priorities.len()]));
        }
        for (row, priority) in transitions.iter().zip(priorities) {
            if !(*priority >= 0.0 && priority.is_finite()) {
                return Err(Error::config("priority", format!("must be finite and not negative, got {priority}")));
            }
            if experience.ends_sequence(*row, 1) && *row < self.seen {
                let number = priority + self.floor;
                self.largest = self.largest.max(number);
                self.tree.set(self.slot(*row), number.powf(self.alpha))?;
            }
        }
        Ok(())
    }

    /// Fills `out` with what is wanted, single transitions or returns, in proportion to the priorities of their first transitions, with importance weights of
    /// exponent `beta`.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, or rows were added since [`follow`](Self::follow); [`Error::Unsupported`] for sequences.
    pub fn sample<E: Experience + ?Sized>(
        &self,
        experience: &E,
        want: Want,
        beta: f64,
        rng: &mut Rng,
        out: &mut Sample,
    ) -> Result<()> {
        let rows = experience.rows();
        if self.seen != rows.end {
            return Err(Error::config("priorities", "rows were added since the experience was followed"));
        }
        let over = match want {
            Want::Transitions(_) => (1, 1.0),
            Want::Returns { steps, discount, .. } => (steps, discount),
            Want::Sequences { .. } => return Err(Error::unsupported("priorities", "drawing sequences")),
        };
        let (total, count) = (self.tree.total(), want.count());
        if total <= 0.0 {
            return Err(Error::config("priorities", "there is no transition to sample"));
        }
        out.begin(1);
        let (capacity, mut next) = (self.tree.len() as u64, Sample::default());
        for part in 0..count {
            let slot = self.tree.find((part as f64 + rng.uniform()) / count as f64 * total) as u64;
            let row = rows.start + (slot + capacity - rows.start % capacity) % capacity;
            // (N P(i))^-β over its largest value (N P_min)^-β.
            let weight = (self.tree.least() / self.tree.get(slot as usize)).powf(beta);
            experience.gather(row, 1, weight, out);
            add_return(experience, row, over, &mut next, out);
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
        state.put("seen", Array::U64(vec![self.seen, self.oldest]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let Array::F64(_, numbers) = state.array("numbers")? else {
            return Err(Error::external("saved state", "array 'numbers' is not of type f64: it is damaged"));
        };
        let mut tree = SumTree::new(numbers.len().max(FIRST_ROOM));
        for (i, number) in numbers.iter().enumerate() {
            tree.set(i, *number)?;
        }
        let (largest, seen) = (state.f64s("largest", 1)?[0], state.u64s("seen", 2)?);
        (self.tree, self.largest, self.seen, self.oldest) = (tree, largest, seen[0], seen[1]);
        Ok(())
    }
}
