//! Connect four on 7 columns of 6: columns of seven bits in one word, and playouts eight at a time.
//!
//! Playouts are random, or decisive (Teytaud and Teytaud, "On the huge benefit of decisive moves in Monte-Carlo tree search", 2010): who can
//! win by the next move does, and who would lose by the other's next one prevents that.
//!
//! A column's seventh bit is always empty, so that adding 1 at a column's foot carries to its lowest free cell and so that lines of four
//! found by shifts never wrap around (Tromp's "Fhourstones" layout). Playouts run in lanes of equal instructions; a full column
//! that was drawn is drawn again in the next turn of the loop, which leaves the free ones equally likely.

use super::{Game, Moved, xorshift};

/// The game.
#[derive(Debug, Clone, Copy)]
pub struct ConnectFour;

/// Stones on the board, bit `7 column + row` from the bottom left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stones {
    /// Of the player to move.
    pub own: u64,
    /// Of both.
    pub all: u64,
}

const COLUMNS: usize = 7;
const ROWS: usize = 6;
/// The cells of column 0.
const COLUMN: u64 = (1 << ROWS) - 1;
/// The lowest cell of each column.
const FEET: u64 = 0x0000_0408_1020_4081;
/// All cells.
const BOARD: u64 = FEET * COLUMN;
/// Playouts side by side: two vectors of AVX2.
const LANES: usize = 8;

/// Not zero where four in a row are.
#[inline(always)]
fn fours(stones: u64) -> u64 {
    let line = |step: u32| {
        let pairs = stones & (stones >> step);
        pairs & (pairs >> (2 * step))
    };
    line(1) | line(6) | line(7) | line(8)
}

/// Cells, free or not, that make four in a row of these stones. What wraps around a column's end lies off the board.
#[inline(always)]
fn winning(stones: u64) -> u64 {
    let line = |step: u32| {
        let up = (stones << step) & (stones << (2 * step));
        let down = (stones >> step) & (stones >> (2 * step));
        up & ((stones << (3 * step)) | (stones >> step)) | down & ((stones << step) | (stones >> (3 * step)))
    };
    (stones << 1) & (stones << 2) & (stones << 3) | line(6) | line(7) | line(8)
}

impl Stones {
    /// The position after these columns, counted from 0, were played from the start; none where that is not allowed or the
    /// game is over before the end.
    pub fn after(columns: &[usize]) -> Option<Self> {
        let mut position = ConnectFour::start();
        for column in columns {
            let moved = ConnectFour::play(position, *column).filter(|moved| !moved.over)?;
            position = moved.position;
        }
        Some(position)
    }
}

impl Game for ConnectFour {
    type Position = Stones;
    const NAME: &'static str = "connect-four";
    const MOVES: usize = COLUMNS;
    const CELLS: usize = COLUMNS * ROWS;
    const PLACE: &'static str = "column";
    const BOARD: [usize; 2] = [ROWS, COLUMNS];

    // Column by column from the bottom.
    fn cell(row: usize, column: usize) -> usize {
        ROWS * column + ROWS - 1 - row
    }

    fn start() -> Stones {
        Stones::default()
    }

    #[inline]
    fn play(position: Stones, choice: usize) -> Option<Moved<Stones>> {
        let foot = 7 * choice as u32;
        let stone = (position.all + (1 << foot)) & (COLUMN << foot);
        if choice >= COLUMNS || stone == 0 {
            return None;
        }
        let own = position.own | stone;
        let all = position.all | stone;
        let won = fours(own) != 0;
        Some(Moved {
            position: Stones { own: all ^ own, all },
            reward: if won { 1.0 } else { 0.0 },
            over: won || all == BOARD,
        })
    }

    #[inline]
    fn applicable(position: Stones) -> u64 {
        (0..COLUMNS).filter(|column| position.all >> (7 * column + ROWS - 1) & 1 == 0).map(|column| 1 << column).sum()
    }

    #[inline]
    fn key(position: Stones) -> u64 {
        // All stones plus the feet mark each column's height, which the own stones then fill in: different for each position.
        position.own + position.all + FEET
    }

    fn playouts(positions: &[Stones], seeds: &[u64], results: &mut [f64]) {
        pulp::Arch::new().dispatch(Playouts::<false> { positions, seeds, results });
    }

    fn decisive_playouts(positions: &[Stones], seeds: &[u64], results: &mut [f64]) {
        pulp::Arch::new().dispatch(Playouts::<true> { positions, seeds, results });
    }

    fn read(observation: &[f64]) -> Stones {
        let bits = |wanted: fn(f64) -> bool| {
            let cells = (0..Self::CELLS).filter(|cell| wanted(observation[*cell]));
            cells.map(|cell| 1_u64 << (7 * (cell / ROWS) + cell % ROWS)).sum()
        };
        Stones { own: bits(|number| number == 1.0), all: bits(|number| number != 0.0) }
    }

    fn write(position: Stones, observation: &mut [f64]) {
        for (cell, number) in observation.iter_mut().enumerate() {
            let bit = 7 * (cell / ROWS) + cell % ROWS;
            let stone = position.all >> bit & 1 == 1;
            *number = if !stone {
                0.0
            } else if position.own >> bit & 1 == 1 {
                1.0
            } else {
                -1.0
            };
        }
    }
}

/// The playouts of a batch.
struct Playouts<'a, const DECISIVE: bool> {
    positions: &'a [Stones],
    seeds: &'a [u64],
    results: &'a mut [f64],
}

impl<const DECISIVE: bool> pulp::WithSimd for Playouts<'_, DECISIVE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let Playouts { positions, seeds, results } = self;
        let mut lanes = Lanes::idle();
        let mut jobs = [usize::MAX; LANES];
        let (mut next, mut alive) = (0, [0; LANES]);
        loop {
            // A lane that is through takes the next playout at once, so that none waits for the longest.
            for lane in (0..LANES).filter(|lane| alive[*lane] == 0) {
                if let Some(slot) = results.get_mut(jobs[lane]) {
                    *slot = lanes.result[lane] as i64 as f64;
                    jobs[lane] = usize::MAX;
                }
                if next < positions.len() {
                    lanes.start(lane, positions[next], seeds[next] | 1);
                    jobs[lane] = next;
                    next += 1;
                }
            }
            if jobs == [usize::MAX; LANES] {
                return;
            }
            // While there is a next one, until any lane is through; then until all are.
            let waiting = next < positions.len();
            while {
                let (any, all) = lanes.turn::<DECISIVE>();
                if waiting { all } else { any }
            } {}
            alive = lanes.alive;
        }
    }
}

/// Playouts side by side.
struct Lanes {
    own: [u64; LANES],
    all: [u64; LANES],
    generator: [u64; LANES],
    /// All ones while the playout goes on.
    alive: [u64; LANES],
    /// 1 or −1: the result if the player to move wins.
    sign: [u64; LANES],
    /// 1, 0 or −1.
    result: [u64; LANES],
}

impl Lanes {
    #[inline(always)]
    fn idle() -> Self {
        let zeros = [0; LANES];
        Self { own: zeros, all: zeros, generator: [1; LANES], alive: zeros, sign: [1; LANES], result: zeros }
    }

    #[inline(always)]
    fn start(&mut self, lane: usize, position: Stones, seed: u64) {
        self.own[lane] = position.own;
        self.all[lane] = position.all;
        self.generator[lane] = seed;
        self.alive[lane] = u64::MAX;
        self.sign[lane] = 1;
        self.result[lane] = 0;
    }

    /// A move in each lane; whether any goes on, and whether all do.
    #[inline(always)]
    fn turn<const DECISIVE: bool>(&mut self) -> (bool, bool) {
        let (mut any, mut all_alive) = (0, u64::MAX);
        for lane in 0..LANES {
            let (own, all) = (self.own[lane], self.all[lane]);
            let random = xorshift(self.generator[lane]);
            self.generator[lane] = random;
            let foot = (((random >> 32) * COLUMNS as u64) >> 32) * 7;
            let drawn = (all + (1 << (foot & 63))) & (COLUMN << (foot & 63));
            let stone = if DECISIVE {
                let free = (all + FEET) & BOARD;
                let (wins, saves) = (winning(own) & free, winning(all ^ own) & free);
                let wanted = if wins == 0 { saves } else { wins };
                if wanted == 0 { drawn } else { wanted & wanted.wrapping_neg() }
            } else {
                drawn
            };
            let stone = stone & self.alive[lane];
            let moved = if stone == 0 { 0 } else { u64::MAX };
            let (mine, all) = (own | stone, all | stone);
            let won = if fours(mine) & moved == 0 { 0 } else { u64::MAX };
            let full = if all == BOARD { u64::MAX } else { 0 };
            self.result[lane] |= won & self.sign[lane];
            self.all[lane] = all;
            self.own[lane] = ((all ^ mine) & moved) | (own & !moved);
            // Two's complement: the sign changes after a move.
            self.sign[lane] = (self.sign[lane] ^ moved).wrapping_sub(moved);
            self.alive[lane] &= !(won | full);
            any |= self.alive[lane];
            all_alive &= self.alive[lane];
        }
        (any != 0, all_alive == u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One playout by the rules of the game, with the same numbers.
    fn slow(mut position: Stones, mut generator: u64, decisive: bool) -> f64 {
        let mut sign = 1.0;
        let winner = |position: Stones| {
            (0..COLUMNS).find(|column| ConnectFour::play(position, *column).is_some_and(|moved| moved.reward > 0.0))
        };
        loop {
            generator = xorshift(generator);
            let drawn = (((generator >> 32) * 7) >> 32) as usize;
            let others = Stones { own: position.all ^ position.own, all: position.all };
            let wanted = winner(position).or_else(|| winner(others)).filter(|_| decisive);
            let Some(moved) = ConnectFour::play(position, wanted.unwrap_or(drawn)) else { continue };
            if moved.over {
                return sign * moved.reward;
            }
            (position, sign) = (moved.position, -sign);
        }
    }

    #[test]
    fn playouts_in_lanes_follow_the_rules() {
        let starts = [vec![], vec![3], vec![3, 3, 3, 3, 3, 3], vec![0, 1, 0, 1, 0], vec![6, 5, 4, 2, 2, 1]];
        let positions: Vec<Stones> = (0..203).map(|i| Stones::after(&starts[i % 5]).unwrap()).collect();
        let seeds: Vec<u64> = (0..203).map(super::super::scramble).collect();
        for decisive in [false, true] {
            let mut results = vec![0.0; 203];
            let playouts = if decisive { ConnectFour::decisive_playouts } else { ConnectFour::playouts };
            playouts(&positions, &seeds, &mut results);
            let each = positions.iter().zip(&seeds);
            let want: Vec<f64> = each.map(|(position, seed)| slow(*position, *seed | 1, decisive)).collect();
            assert_eq!(results, want, "decisive: {decisive}");
            assert!(results.contains(&1.0) && results.contains(&-1.0));
        }
    }
}
