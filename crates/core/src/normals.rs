//! Standard normal numbers by the thousand: Philox counters side by side and Box and Muller's transformation (1958) of their words.
//!
//! Two words give two normals, `√(−2 ln u) (cos 2πv, sin 2πv)`, by plain IEEE operations in a fixed order: the same bytes on every
//! machine and in every order of counters. Each stage is a loop of its own over [`WIDE`] counters. A stage's chain of dependent
//! operations is then short, so that a processor has several of them under way at once: that takes three quarters of the time of
//! whole numbers one after another.

use crate::philox::{consecutive, words};

/// Counters whose normals stand together in a stream: those of one word, then those of the next.
pub(crate) const LANES: usize = 8;
/// Counters that are worked on together where there are that many.
const WIDE: usize = 8 * LANES;
/// The same for those that are left over.
const HALF: usize = WIDE / 2;
const NARROW: usize = 2 * LANES;

/// Fills `out` with the normals of a stream from counter `first` on.
pub(crate) fn of_stream(key: [u32; 2], first: u64, out: &mut [f32]) {
    pulp::Arch::new().dispatch(Stream { key, first, out });
}

/// Fills the columns of `rows` numbers each in `out` with the normals of each row's own counter.
pub(crate) fn of_rows(key: [u32; 2], rows: usize, row: impl Fn(usize) -> u64, out: &mut [f32]) {
    pulp::Arch::new().dispatch(OfRows { key, rows, row, out });
}

struct Stream<'a> {
    key: [u32; 2],
    first: u64,
    out: &'a mut [f32],
}

impl pulp::NullaryFnOnce for Stream<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut counter = self.first;
        let (wide, rest) = self.out.as_chunks_mut::<{ 4 * WIDE }>();
        let mut room = Room::<WIDE>::new();
        for out in wide {
            fill(self.key, counter, &mut room, out);
            counter += WIDE as u64;
        }
        let mut room = Room::<NARROW>::new();
        for out in rest.chunks_mut(4 * NARROW) {
            fill(self.key, counter, &mut room, out);
            counter += NARROW as u64;
        }
    }
}

/// Fills at most `4 N` numbers with the normals of N counters.
#[inline(always)]
fn fill<const N: usize>(key: [u32; 2], first: u64, room: &mut Room<N>, out: &mut [f32]) {
    let normals = room.fill(&consecutive::<N>(first), 0, key);
    for (group, out) in out.chunks_mut(4 * LANES).enumerate() {
        for (out, normals) in out.chunks_mut(LANES).zip(normals) {
            let normals = &normals[group * LANES..][..LANES];
            match <&mut [f32; LANES]>::try_from(&mut *out) {
                Ok(whole) => whole.copy_from_slice(normals),
                Err(_) => out.copy_from_slice(&normals[..out.len()]),
            }
        }
    }
}

struct OfRows<'a, F> {
    key: [u32; 2],
    rows: usize,
    row: F,
    out: &'a mut [f32],
}

impl<F: Fn(usize) -> u64> pulp::NullaryFnOnce for OfRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let mut first = self.fill::<WIDE>(0, WIDE);
        first = self.fill::<HALF>(first, HALF);
        first = self.fill::<NARROW>(first, NARROW / 2 + 1);
        self.fill::<LANES>(first, 1);
    }
}

impl<F: Fn(usize) -> u64> OfRows<'_, F> {
    /// Fills rows from `first` on in all columns, N at a time while at least `least` are left. Returns the first row that is not filled.
    #[inline(always)]
    fn fill<const N: usize>(&mut self, mut first: usize, least: usize) -> usize {
        let (rows, mut room) = (self.rows, Room::<N>::new());
        while rows - first >= least {
            let real = N.min(rows - first);
            let mut counters = [0; N];
            counters[..real].iter_mut().enumerate().for_each(|(i, counter)| *counter = (self.row)(first + i));
            // Four columns to a block of the generator.
            for (group, columns) in self.out.chunks_mut(4 * rows).enumerate() {
                let normals = room.fill(&counters, group as u32, self.key);
                for (column, normals) in columns.chunks_exact_mut(rows).zip(normals) {
                    column[first..first + real].copy_from_slice(&normals[..real]);
                }
            }
            first += real;
        }
        first
    }
}

/// Room for N counters, made once for many of them.
struct Room<const N: usize> {
    /// `[word][counter]`
    words: [[u32; N]; 4],
    /// `[word][counter]`
    normals: [[f32; N]; 4],
}

impl<const N: usize> Room<N> {
    #[inline(always)]
    fn new() -> Self {
        Self { words: [[0; N]; 4], normals: [[0.0; N]; 4] }
    }

    /// The normals of N counters.
    #[inline(always)]
    fn fill(&mut self, counters: &[u64; N], group: u32, key: [u32; 2]) -> &[[f32; N]; 4] {
        words(counters, group, key, &mut self.words);
        let [first, second, third, fourth] = &mut self.normals;
        radii(&self.words[0], first);
        turn(&self.words[1], first, second);
        radii(&self.words[2], third);
        turn(&self.words[3], third, fourth);
        &self.normals
    }
}

/// The lengths `√(−2 ln u)`, with the logarithm by Cephes' `logf` (Moshier 1989), relative error about 1e-7.
#[inline(always)]
fn radii<const N: usize>(words: &[u32; N], radii: &mut [f32; N]) {
    let (mut fractions, mut exponents) = ([0.0_f32; N], [0.0_f32; N]);
    for lane in 0..N {
        // (a + 0.5) / 2^32 lies in (0, 1]; f32 rounds the top few values up to 1, whose logarithm is 0.
        let uniform = words[lane] as f32 * (1.0 / 4_294_967_296.0) + (0.5 / 4_294_967_296.0);
        // Splits it into m · 2^e with m in [√½, √2).
        let shifted = uniform.to_bits().wrapping_sub(0x3F35_04F3);
        exponents[lane] = (shifted as i32 >> 23) as f32;
        fractions[lane] = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(0x3F35_04F3)) - 1.0;
    }
    for lane in 0..N {
        let (m, mut p) = (fractions[lane], 7.037_683_6e-2_f32);
        for coefficient in [
            -0.115_146_1,
            0.116_769_984,
            -0.124_201_41,
            0.142_493_23,
            -0.166_680_57,
            0.200_007_15,
            -0.249_999_94,
            0.333_333_3,
        ] {
            p = p * m + coefficient;
        }
        radii[lane] = p;
    }
    for lane in 0..N {
        let (m, p, exponent) = (fractions[lane], radii[lane], exponents[lane]);
        let m2 = m * m;
        let ln = m + (m * m2 * p - 0.5 * m2 + exponent * -2.121_944_4e-4) + exponent * 0.693_359_4;
        radii[lane] = (-2.0 * ln).sqrt();
    }
}

/// Turns each radius by an angle of `word / 2³²` turns: its cosine part takes the radius' place, its sine part goes beside.
#[inline(always)]
fn turn<const N: usize>(words: &[u32; N], radii: &mut [f32; N], beside: &mut [f32; N]) {
    for lane in 0..N {
        // The top two bits give the quadrant, the rest a fraction of it in [-1/2, 1/2).
        let quadrant = words[lane] >> 30;
        let fraction = ((words[lane] << 2) as i32 ^ i32::MIN) as f32 * (1.0 / 4_294_967_296.0);
        let t = fraction * std::f32::consts::FRAC_PI_2;
        let t2 = t * t;
        // Taylor series on [-π/4, π/4], error below 4e-8.
        let sin = t + t * t2 * (-1.0 / 6.0 + t2 * (1.0 / 120.0 - t2 * (1.0 / 5040.0)));
        let cos = 1.0 - t2 * (0.5 - t2 * (1.0 / 24.0 - t2 * (1.0 / 720.0 - t2 * (1.0 / 40320.0))));
        let (s, c) = if quadrant & 1 == 0 { (sin, cos) } else { (cos, -sin) };
        let radius = if quadrant & 2 == 0 { radii[lane] } else { -radii[lane] };
        (radii[lane], beside[lane]) = (radius * c, radius * s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_does_not_show() {
        let (key, n) = ([3, 4], 4 * WIDE + 77);
        let mut all = vec![0.0; n];
        of_stream(key, 1, &mut all);
        for (place, out) in all.chunks(4 * LANES).enumerate() {
            let mut room = Room::<LANES>::new();
            let alone = room.fill(&consecutive(1 + (place * LANES) as u64), 0, key).as_flattened();
            assert_eq!(out, &alone[..out.len()]);
        }
    }

    #[test]
    fn radii_are_those_of_exact_logarithms() {
        for first in (0..u32::MAX - 8_000_000).step_by(7_999_993) {
            let words: [u32; LANES] = std::array::from_fn(|lane| first + 999_983 * lane as u32);
            let mut got = [0.0; LANES];
            radii(&words, &mut got);
            for (word, got) in words.iter().zip(got) {
                let want = (-2.0 * ((f64::from(*word) + 0.5) / 4_294_967_296.0).ln()).sqrt();
                // Near one, single precision rounds the uniform number itself: half a unit in the last place of 1 under the root.
                let bound = 4e-7 * want + 6e-8 / want;
                assert!((f64::from(got) - want).abs() < bound, "{word}: {got} for {want}");
            }
        }
    }
}
