//! RockSample(n, k) (Smith and Simmons, "Heuristic Search Value Iteration for POMDPs", UAI 2004, section 6): a rover on an n × n grid
//! with k rocks, each good or bad with probability ½; it drives, samples the rock under it, and checks rocks from afar.
//!
//! Sampling pays +10 for a good rock, which turns bad, and −10 for a bad one; leaving by the eastern edge pays +10 and ends. A check at
//! distance d tells the truth with probability `½ (1 + 2^(−d / d₀))`, d₀ = 20. Leaving otherwise, or sampling where no rock is, is
//! not legal; in the table it costs 100 and changes nothing. The preferences are those of Silver and Veness (2010, section 5.1):
//! sample where more checks said good than bad, drive only towards rocks that may be good or to the edge, check what is
//! uncertain. A state therefore carries what was seen of each rock.

use worldwright_core::pomdp::{Actions, Outcome, Pomdp, Step, Tabulated};
use worldwright_core::{Error, Key, Result, Rng};

mod environment;

pub(crate) use environment::ENTRY;

/// A place on the grid, counted from the south-west corner.
pub type Rock = (u8, u8);

const NORTH: u32 = 0;
const EAST: u32 = 1;
const SOUTH: u32 = 2;
const WEST: u32 = 3;
const SAMPLE: u32 = 4;
const CHECK: u32 = 5;
/// Nothing is seen on the way.
const NOTHING: u32 = 0;
const GOOD: u32 = 1;
const BAD: u32 = 2;
const PAY: f64 = 10.0;
const FORBIDDEN: f64 = -100.0;
/// Rocks that fit into a state.
const MOST_ROCKS: usize = 16;
/// The longest side that [`RockSample::sized`] lays rocks out in.
const MOST_SIZE: usize = 15;
/// Checks of one rock after which the preferences check it no more.
const CHECKS: u64 = 5;
/// Sixteen counters of four bits, each at its middle.
const MIDDLE: u64 = 0x8888_8888_8888_8888;

/// Where the rover is, what the rocks are, and what it saw of them. Bit i of a set stands for rock i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RockState {
    x: u8,
    y: u8,
    /// Rocks that are good.
    good: u16,
    /// Rocks that were sampled.
    sampled: u16,
    /// Rocks with more good than bad checks.
    promising: u16,
    /// Rocks with fewer good than bad checks.
    poor: u16,
    /// Rocks worth another check.
    open: u16,
    /// Good minus bad checks, four bits a rock around eight.
    balance: u64,
    /// Checks made, four bits a rock.
    checks: u64,
}

/// The problem.
#[derive(Debug, Clone, PartialEq)]
pub struct RockSample {
    size: u8,
    start: Rock,
    rocks: Vec<Rock>,
    discount: f64,
    /// Number of the rock at each place, [`NO_ROCK`] where there is none.
    at: Vec<u8>,
    /// Rocks that lie north, east, south and west of each place.
    towards: Vec<[u16; 4]>,
    /// Moves that stay on the grid or leave it eastwards, at each place.
    moves: Vec<u8>,
    /// Probability that a check tells the truth, `[place][rock]`.
    accuracy: Vec<f64>,
    /// The same as a threshold for 32 random bits.
    threshold: Vec<u64>,
    /// Rocks by the length of the way to them and what they add to the way out, nearest first, four bits each, at each place.
    nearest: Vec<u64>,
    /// Rocks that add no more than [`DETOUR`] steps to the way out, at each place.
    near: Vec<u16>,
    /// What the exit, then each rock, is worth were it the next thing reached, `[place][1 + rock]`.
    worth: Vec<f64>,
}

/// Steps that a rollout goes out of its way to look at a rock of which nothing is known.
const DETOUR: u32 = 4;

const NO_ROCK: u8 = u8::MAX;

impl RockState {
    /// Where the rover is.
    pub fn place(&self) -> Rock {
        (self.x, self.y)
    }

    /// Whether a rock is good; one that was sampled is not any more.
    pub fn is_good(&self, rock: usize) -> bool {
        self.good >> rock & 1 == 1
    }
}

impl RockSample {
    /// The rocks of RockSample(7, 8) as Smith and Simmons drew them.
    pub const SEVEN_EIGHT: [Rock; 8] = [(2, 0), (0, 1), (3, 1), (6, 3), (2, 4), (3, 4), (5, 5), (1, 6)];

    /// A problem of any size.
    ///
    /// # Errors
    /// [`Error::Config`] for more than 16 rocks, rocks off the grid or on one place, or numbers out of range.
    pub fn new(size: u8, start: Rock, rocks: &[Rock], half_efficiency: f64, discount: f64) -> Result<Self> {
        let inside = |place: &Rock| place.0 < size && place.1 < size;
        let twice = (0..rocks.len()).any(|i| rocks[..i].contains(&rocks[i]));
        if rocks.len() > MOST_ROCKS || twice || !rocks.iter().all(inside) || !inside(&start) {
            let why = format!("at most {MOST_ROCKS} rocks, each on a place of its own of the {size} × {size} grid");
            return Err(Error::config("rocks", why));
        }
        if !(half_efficiency > 0.0 && discount > 0.0 && discount < 1.0) {
            return Err(Error::config("half_efficiency", "must be positive and discount in (0, 1)"));
        }
        let places = usize::from(size) * usize::from(size);
        let place = |i: usize| ((i % usize::from(size)) as u8, (i / usize::from(size)) as u8);
        let mask = |test: &dyn Fn(&Rock) -> bool| {
            rocks.iter().enumerate().filter(|(_, rock)| test(rock)).fold(0_u16, |set, (i, _)| set | 1 << i)
        };
        let accuracy: Vec<f64> = (0..places)
            .flat_map(|i| {
                let (x, y) = place(i);
                rocks.iter().map(move |rock| {
                    let distance = f64::from(rock.0.abs_diff(x)).hypot(f64::from(rock.1.abs_diff(y)));
                    0.5 * (1.0 + (-distance / half_efficiency).exp2())
                })
            })
            .collect();
        Ok(Self {
            size,
            start,
            rocks: rocks.to_vec(),
            discount,
            at: (0..places)
                .map(|i| rocks.iter().position(|rock| *rock == place(i)).map_or(NO_ROCK, |rock| rock as u8))
                .collect(),
            towards: (0..places)
                .map(|i| {
                    let (x, y) = place(i);
                    [mask(&|r| r.1 > y), mask(&|r| r.0 > x), mask(&|r| r.1 < y), mask(&|r| r.0 < x)]
                })
                .collect(),
            moves: (0..places)
                .map(|i| {
                    let (x, y) = place(i);
                    u8::from(y + 1 < size) | 1 << EAST | u8::from(y > 0) << SOUTH | u8::from(x > 0) << WEST
                })
                .collect(),
            nearest: (0..places)
                .map(|i| {
                    let mut order: Vec<usize> = (0..rocks.len()).collect();
                    order.sort_by_key(|rock| (steps_to(place(i), rocks[*rock]) + added(place(i), rocks[*rock]), *rock));
                    order.iter().rev().fold(0, |nibbles, rock| nibbles << 4 | *rock as u64)
                })
                .collect(),
            near: (0..places).map(|i| mask(&|rock| added(place(i), *rock) <= DETOUR)).collect(),
            worth: (0..places)
                .flat_map(|i| {
                    let here = place(i);
                    let exit = i32::from(size - 1 - here.0);
                    let each = rocks.iter().map(move |rock| steps_to(here, *rock) as i32);
                    std::iter::once(exit).chain(each).map(|steps| discount.powi(steps) * PAY)
                })
                .collect(),
            threshold: accuracy.iter().map(|p| (p * 4_294_967_296.0).round() as u64).collect(),
            accuracy,
        })
    }

    /// A step from a place towards a rock that is elsewhere, along the larger distance.
    #[inline]
    fn towards(state: &RockState, rock: Rock) -> u32 {
        let (east, north) = (i32::from(rock.0) - i32::from(state.x), i32::from(rock.1) - i32::from(state.y));
        if east.abs() > north.abs() {
            if east > 0 { EAST } else { WEST }
        } else if north > 0 {
            NORTH
        } else {
            SOUTH
        }
    }

    /// RockSample(7, 8) as Smith and Simmons drew it: 7 × 7 places, 8 rocks, 12,544 states and an end, discount 0.95.
    pub fn seven_eight() -> Self {
        Self::new(7, (0, 3), &Self::SEVEN_EIGHT, 20.0, 0.95).expect("the rocks of the paper lie on its grid")
    }

    /// So many rocks in a size: as in the paper where that is 7 and 8, else drawn by a seed; the rover begins half way up the western edge.
    ///
    /// # Errors
    /// [`Error::Config`] for more than 16 rocks or a size beyond 15, and as [`new`](Self::new).
    pub fn sized(size: usize, count: usize, seed: u64, half_efficiency: f64, discount: f64) -> Result<Self> {
        // Of a size beyond the bound nothing is computed, so that no number is too large.
        let places = if size > MOST_SIZE { 0 } else { size * size };
        if size > MOST_SIZE || count > MOST_ROCKS.min(places) {
            let why = format!(
                "{count} rocks in a size of {size}: there may be 16 rocks, each on a place of its own, in a size of {MOST_SIZE}"
            );
            return Err(Error::config("rocks", why));
        }
        let rocks: Vec<Rock> = if (size, count) == (7, 8) {
            Self::SEVEN_EIGHT.to_vec()
        } else {
            let mut all: Vec<Rock> = (0..places).map(|i| ((i % size) as u8, (i / size) as u8)).collect();
            Key::new(seed).fold(u64::MAX - 1).rng().shuffle(&mut all);
            all[..count].to_vec()
        };
        Self::new(size as u8, (0, (size / 2) as u8), &rocks, half_efficiency, discount)
    }

    /// Where the rover begins.
    pub fn start(&self) -> Rock {
        self.start
    }

    /// Where the rocks lie.
    pub fn rocks(&self) -> &[Rock] {
        &self.rocks
    }

    /// Whether an action at a place would leave the grid other than eastwards, or sample where no rock is.
    fn is_forbidden(&self, place: usize, action: u32) -> bool {
        match action {
            NORTH | EAST | SOUTH | WEST => self.moves[place] >> action & 1 == 0,
            SAMPLE => self.at[place] == NO_ROCK,
            _ => false,
        }
    }

    #[inline]
    fn place(&self, x: u8, y: u8) -> usize {
        usize::from(y) * usize::from(self.size) + usize::from(x)
    }

    /// Counts a check of `rock` that said `good`.
    #[inline]
    fn note(state: &mut RockState, rock: u32, good: bool) {
        let (nibble, bit) = (4 * rock, 1_u16 << rock);
        let checks = state.checks >> nibble & 15;
        let balance = state.balance >> nibble & 15;
        // Counters stay where they are at their ends.
        state.checks += u64::from(checks < 15) << nibble;
        let balance = if good { (balance + 1).min(15) } else { balance.saturating_sub(1) };
        state.balance = state.balance & !(15 << nibble) | balance << nibble;
        let set = |word: u16, on: bool| word & !bit | u16::from(on) << rock;
        state.promising = set(state.promising, balance > 8);
        state.poor = set(state.poor, balance < 8);
        state.open = set(state.open, checks + 1 < CHECKS && balance.abs_diff(8) < 2);
    }
}

fn steps_to(from: Rock, to: Rock) -> u32 {
    u32::from(from.0.abs_diff(to.0)) + u32::from(from.1.abs_diff(to.1))
}

/// What a visit adds to the way out.
fn added(from: Rock, rock: Rock) -> u32 {
    steps_to(from, rock) + u32::from(from.0) - u32::from(rock.0)
}

impl Pomdp for RockSample {
    type State = RockState;

    fn actions(&self) -> usize {
        CHECK as usize + self.rocks.len()
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn reward_range(&self) -> f64 {
        2.0 * PAY
    }

    fn initial(&self, rng: &mut Rng) -> RockState {
        let all = ((1_u32 << self.rocks.len()) - 1) as u16;
        RockState {
            x: self.start.0,
            y: self.start.1,
            good: rng.next_u32() as u16 & all,
            sampled: 0,
            promising: 0,
            poor: 0,
            open: all,
            balance: MIDDLE,
            checks: 0,
        }
    }

    #[inline]
    fn step(&self, state: &mut RockState, action: u32, rng: &mut Rng) -> Step {
        let mut step = Step { observation: NOTHING, reward: 0.0, terminated: false };
        match action {
            NORTH => state.y += 1,
            EAST if state.x + 1 == self.size => {
                step.reward = PAY;
                step.terminated = true;
            }
            EAST => state.x += 1,
            SOUTH => state.y -= 1,
            WEST => state.x -= 1,
            SAMPLE => {
                let bit = 1_u16 << self.at[self.place(state.x, state.y)];
                step.reward = if state.good & bit == 0 { -PAY } else { PAY };
                state.good &= !bit;
                state.sampled |= bit;
                state.open &= !bit;
            }
            _ => {
                let rock = action - CHECK;
                let place = self.place(state.x, state.y);
                let truth = u64::from(rng.next_u32()) < self.threshold[place * self.rocks.len() + rock as usize];
                let good = truth == (state.good >> rock & 1 == 1);
                if state.sampled >> rock & 1 == 0 {
                    Self::note(state, rock, good);
                }
                step.observation = if good { GOOD } else { BAD };
            }
        }
        step
    }

    #[inline]
    fn legal(&self, state: &RockState) -> Actions {
        let place = self.place(state.x, state.y);
        let rock = self.at[place];
        let sample = rock != NO_ROCK && state.sampled >> rock & 1 == 0;
        let unsampled = !state.sampled & ((1_u32 << self.rocks.len()) - 1) as u16;
        Actions(u64::from(self.moves[place]) | u64::from(sample) << SAMPLE | u64::from(unsampled) << CHECK)
    }

    #[inline]
    fn preferred(&self, state: &RockState) -> Actions {
        let place = self.place(state.x, state.y);
        let rock = self.at[place];
        if rock != NO_ROCK && (state.promising & !state.sampled) >> rock & 1 == 1 {
            return Actions(1 << SAMPLE);
        }
        let hopeful = !(state.sampled | state.poor) & ((1_u32 << self.rocks.len()) - 1) as u16;
        if hopeful == 0 {
            return Actions(1 << EAST);
        }
        let towards = &self.towards[place];
        let mut set = u64::from(state.open) << CHECK;
        for (direction, rocks) in towards.iter().enumerate() {
            set |= u64::from(rocks & hopeful != 0) << direction;
        }
        // Standing on the last rock that may be good, with nothing to check, there is nothing left but to leave.
        Actions(if set == 0 { 1 << EAST } else { set })
    }

    /// Goes from rock to rock: to those that checks call good and to those that lie near the way and of which nothing is known, the
    /// nearest first; checks an unknown rock on the spot, where checks do not lie, and samples it if it is good; then leaves. It is
    /// short and earns three times what random preferred actions do.
    #[inline]
    fn rollout_action(&self, state: &RockState, _rng: &mut Rng) -> u32 {
        let place = self.place(state.x, state.y);
        let rock = self.at[place];
        if rock != NO_ROCK && (state.sampled | state.poor) >> rock & 1 == 0 {
            return if state.promising >> rock & 1 == 1 { SAMPLE } else { CHECK + u32::from(rock) };
        }
        let wanted = !state.sampled & (state.promising | self.near[place] & !state.poor);
        if wanted == 0 {
            return EAST;
        }
        let mut order = self.nearest[place];
        while wanted >> (order & 15) & 1 == 0 {
            order >>= 4;
        }
        Self::towards(state, self.rocks[(order & 15) as usize])
    }

    fn step_given(&self, state: &mut RockState, action: u32, observation: u32, rng: &mut Rng) -> Option<f64> {
        if action < CHECK {
            let step = self.step(state, action, rng);
            return Some(f64::from(u8::from(observation == NOTHING && !step.terminated)));
        }
        let rock = action - CHECK;
        if state.sampled >> rock & 1 == 0 {
            Self::note(state, rock, observation == GOOD);
        }
        let accuracy = self.accuracy[self.place(state.x, state.y) * self.rocks.len() + rock as usize];
        let says_good = if state.good >> rock & 1 == 1 { accuracy } else { 1.0 - accuracy };
        Some(match observation {
            GOOD => says_good,
            BAD => 1.0 - says_good,
            _ => 0.0,
        })
    }

    /// Draws one rock that was not sampled anew from its posterior, which the history gives exactly, for rocks are independent.
    fn reinvigorate(&self, state: &mut RockState, history: &[(u32, u32)], rng: &mut Rng) -> bool {
        let unsampled = !state.sampled & ((1_u32 << self.rocks.len()) - 1) as u16;
        if unsampled == 0 {
            return false;
        }
        let rock = Actions(u64::from(unsampled)).pick(rng);
        let (mut x, mut y) = self.start;
        let mut odds = 1.0;
        for (action, observation) in history {
            match *action {
                NORTH => y += 1,
                EAST => x += 1,
                SOUTH => y -= 1,
                WEST => x -= 1,
                check if check == CHECK + rock => {
                    let accuracy = self.accuracy[self.place(x, y) * self.rocks.len() + rock as usize];
                    let ratio = accuracy / (1.0 - accuracy);
                    odds *= if *observation == GOOD { ratio } else { 1.0 / ratio };
                }
                _ => {}
            }
        }
        // Checks on the spot never lie: infinite odds are certainty.
        let good = if odds.is_infinite() { true } else { rng.uniform() < odds / (1.0 + odds) };
        state.good = state.good & !(1 << rock) | u16::from(good) << rock;
        true
    }

    /// Every good rock were it the next one, then the exit: each is reached no sooner than its distance.
    fn upper_bound(&self, state: &RockState) -> f64 {
        let each = 1 + self.rocks.len();
        let worth = &self.worth[self.place(state.x, state.y) * each..][..each];
        debug_assert!(state.good & state.sampled == 0, "a sampled rock is bad");
        let (mut bound, mut good) = (worth[0], state.good);
        while good != 0 {
            bound += worth[1 + good.trailing_zeros() as usize];
            good &= good - 1;
        }
        bound
    }
}

/// State `place · 2^k + good rocks`; the last state is the end. Sampled rocks are bad rocks there.
impl Tabulated for RockSample {
    fn counts(&self) -> Result<(usize, usize, usize)> {
        let k = self.rocks.len();
        if k > 10 {
            return Err(Error::unsupported(
                "the table of RockSample",
                "more than ten rocks: use a search that simulates",
            ));
        }
        Ok(((self.at.len() << k) + 1, self.actions(), 3))
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn initial(&self) -> Vec<f64> {
        let k = self.rocks.len();
        let mut initial = vec![0.0; (self.at.len() << k) + 1];
        let first = self.place(self.start.0, self.start.1) << k;
        initial[first..first + (1 << k)].fill(1.0 / (1_u32 << k) as f64);
        initial
    }

    fn outcome(&self, state: usize, action: usize) -> Outcome {
        let (k, size) = (self.rocks.len(), usize::from(self.size));
        let end = self.at.len() << k;
        if state == end {
            return Outcome { next: vec![(end, 1.0)], reward: 0.0 };
        }
        let (place, good) = (state >> k, state & ((1 << k) - 1));
        let (next, reward) = match action as u32 {
            action if self.is_forbidden(place, action) => (state, FORBIDDEN),
            EAST if place % size + 1 == size => (end, PAY),
            NORTH => (((place + size) << k) | good, 0.0),
            EAST => (((place + 1) << k) | good, 0.0),
            SOUTH => (((place - size) << k) | good, 0.0),
            WEST => (((place - 1) << k) | good, 0.0),
            SAMPLE => {
                let bit = 1 << self.at[place];
                (place << k | (good & !bit), if good & bit == 0 { -PAY } else { PAY })
            }
            _ => (state, 0.0),
        };
        Outcome { next: vec![(next, 1.0)], reward }
    }

    fn emission(&self, action: usize, next: usize) -> Vec<(usize, f64)> {
        let k = self.rocks.len();
        if next == self.at.len() << k || (action as u32) < CHECK {
            return vec![(NOTHING as usize, 1.0)];
        }
        let rock = action - CHECK as usize;
        let accuracy = self.accuracy[(next >> k) * k + rock];
        let says_good = if next >> rock & 1 == 1 { accuracy } else { 1.0 - accuracy };
        vec![(GOOD as usize, says_good), (BAD as usize, 1.0 - says_good)]
    }
}
