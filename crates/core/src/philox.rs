//! The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): ten
//! rounds of multiplication and exclusive-or turn a 128-bit counter and a 64-bit key into 128 random bits; one counter at a time, and many
//! side by side.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The block of one counter.
#[inline]
pub(crate) fn philox(mut c: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        let a = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
    }
    c
}

/// Consecutive counters.
#[inline(always)]
pub(crate) fn consecutive<const N: usize>(first: u64) -> [u64; N] {
    let mut counters = [0; N];
    for lane in 0..N {
        counters[lane] = first + lane as u64;
    }
    counters
}

/// The generator's blocks for N counters, word by word: `[word][counter]`. The third word of all counters is `group`.
#[inline(always)]
pub(crate) fn words<const N: usize>(counters: &[u64; N], group: u32, key: [u32; 2], words: &mut [[u32; N]; 4]) {
    let [first, second, third, fourth] = words;
    for lane in 0..N / 2 {
        // Two counters in turn: while one waits for its product the other's is under way.
        let other = lane + N / 2;
        let (mut a, mut b, mut k) = (block(counters[lane], group), block(counters[other], group), key);
        for number in 0..10 {
            if number > 0 {
                k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
            }
            (a, b) = (round(a, k), round(b, k));
        }
        (first[lane], second[lane], third[lane], fourth[lane]) = (a[0] as u32, a[1] as u32, a[2] as u32, a[3] as u32);
        (first[other], second[other], third[other], fourth[other]) =
            (b[0] as u32, b[1] as u32, b[2] as u32, b[3] as u32);
    }
}

/// The generator's input. Words stand in 64 bits each, so that products need no shuffling; what is above the lower half is never read.
#[inline(always)]
fn block(counter: u64, group: u32) -> [u64; 4] {
    [counter, counter >> 32, u64::from(group), 0]
}

/// One of the generator's rounds.
#[inline(always)]
fn round(c: [u64; 4], k: [u32; 2]) -> [u64; 4] {
    let a = u64::from(MULTIPLIERS[0]) * u64::from(c[0] as u32);
    let b = u64::from(MULTIPLIERS[1]) * u64::from(c[2] as u32);
    [(b >> 32) ^ c[1] ^ u64::from(k[0]), b, (a >> 32) ^ c[3] ^ u64::from(k[1]), a]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // Random123's known-answer vectors (kat_vectors, philox4x32 10).
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn lanes_agree_with_single_blocks() {
        let first = u64::from(u32::MAX) - 3;
        let mut words = [[0; 64]; 4];
        super::words(&consecutive::<64>(first), 5, [7, 9], &mut words);
        for lane in 0..64 {
            let n = first + lane as u64;
            let single = philox([n as u32, (n >> 32) as u32, 5, 0], [7, 9]);
            assert_eq!(std::array::from_fn::<_, 4, _>(|word| words[word][lane]), single);
        }
    }
}
