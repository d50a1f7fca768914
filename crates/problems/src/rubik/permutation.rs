//! Numbers for permutations and combinations: Lehmer's code and the combinatorial number system (Knuth, "The Art of Computer
//! Programming", volume 4A, sections 7.2.1.2 and 7.2.1.3). The identity has number 0.

/// The place of a permutation of `0..n` in lexicographic order.
pub(super) fn rank(permutation: &[u8]) -> usize {
    let n = permutation.len();
    let mut seen = 0_u32;
    permutation.iter().enumerate().fold(0, |sum, (i, item)| {
        let smaller_before = (seen & ((1 << item) - 1)).count_ones() as usize;
        seen |= 1 << item;
        sum * (n - i) + usize::from(*item) - smaller_before
    })
}

/// The permutation with that place.
pub(super) fn unrank<const N: usize>(mut rank: usize) -> [u8; N] {
    let mut digits = [0; N];
    for i in (0..N).rev() {
        digits[i] = rank % (N - i);
        rank /= N - i;
    }
    let mut left: [u8; N] = std::array::from_fn(|i| i as u8);
    digits.map(|digit| {
        let item = left[digit];
        left.copy_within(digit + 1.., digit);
        item
    })
}

fn choose(n: usize, k: usize) -> usize {
    (0..k).fold(1, |product, i| product * (n.max(i) - i) / (i + 1))
}

/// The number of a choice of places, given in descending order of `places - 1 - place`, that is, the last places first: the
/// choice of the last k has number 0.
pub(super) fn rank_choice(chosen: impl DoubleEndedIterator<Item = usize>, places: usize) -> usize {
    chosen.rev().enumerate().map(|(k, place)| choose(places - 1 - place, k + 1)).sum()
}

/// The choice of `k` among `places` places with that number, as a mask.
pub(super) fn unrank_choice(mut number: usize, places: usize, k: usize) -> u32 {
    let mut mask = 0;
    let mut left = k;
    for mirrored in (0..places).rev() {
        if left > 0 && choose(mirrored, left) <= number {
            number -= choose(mirrored, left);
            left -= 1;
            mask |= 1 << (places - 1 - mirrored);
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_permutations_are_one_to_one() {
        assert_eq!(rank(&[0, 1, 2, 3, 4]), 0);
        for number in 0..120 {
            let permutation: [u8; 5] = unrank(number);
            assert_eq!(rank(&permutation), number);
        }
    }

    #[test]
    fn numbers_and_choices_are_one_to_one() {
        assert_eq!(rank_choice([8, 9, 10, 11].into_iter(), 12), 0);
        for number in 0..495 {
            let mask = unrank_choice(number, 12, 4);
            assert_eq!(mask.count_ones(), 4);
            let places: Vec<usize> = (0..12).filter(|place| mask >> place & 1 == 1).collect();
            assert_eq!(rank_choice(places.into_iter(), 12), number);
        }
    }
}
