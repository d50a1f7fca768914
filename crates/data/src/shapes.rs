//! Which arrays are elements of a space.
//!
//! An array of other axes than its space has is other numbers: columns in place of rows, an image on its side. It is refused, and both
//! shapes are told. Where NumPy's own meaning leaves no doubt it is taken: one number is one number in however many axes; axes of one in
//! front come and go, as when `element[...] = array` is assigned; and a flat array holds the numbers in the order in which
//! `gymnasium.spaces.flatten` writes them. An array of shape (2, 1) is none of these for a space of shape (2,): NumPy refuses to assign it.

use worldwright_core::Space;

/// Whether an array of the shape `shown` is, without a doubt, an element of a space of this shape.
pub fn shape_fits(shown: &[usize], shape: &[usize]) -> bool {
    let size = |axes: &[usize]| axes.iter().try_fold(1_usize, |size, n| size.checked_mul(*n));
    let inner = |axes: &[usize]| axes.iter().copied().skip_while(|n| *n == 1).collect::<Vec<_>>();
    size(shown) == size(shape) && (inner(shown) == inner(shape) || shown.len() == 1)
}

/// The space of a single column of whole numbers; `None` when they are too far apart to be choices.
pub(crate) fn choices(least: i64, most: i64) -> Option<Space> {
    let start = least.min(0);
    let n = most.checked_sub(start).filter(|n| (0..1 << 20).contains(n))?;
    Some(Space::choices(n as usize + 1, start))
}

#[cfg(test)]
mod tests {
    use super::shape_fits;

    #[test]
    fn what_leaves_no_doubt_is_taken() {
        let taken: [(&[usize], &[usize]); 9] = [
            (&[2], &[2]),
            (&[1, 2], &[2]),
            (&[2], &[1, 2]),
            (&[], &[1]),
            (&[1, 1], &[]),
            (&[1], &[1, 1, 1]),
            (&[6], &[2, 3]),
            (&[2], &[2, 1]),
            (&[1, 2, 3], &[2, 3]),
        ];
        for (shown, shape) in taken {
            assert!(shape_fits(shown, shape), "{shown:?} for {shape:?}");
        }
        let refused: [(&[usize], &[usize]); 7] = [
            (&[2, 1], &[2]),
            (&[3, 2], &[2, 3]),
            (&[2, 3], &[6]),
            (&[2, 1, 3], &[2, 3]),
            (&[3], &[2]),
            (&[2, 1], &[1, 2]),
            (&[usize::MAX, 2], &[2]),
        ];
        for (shown, shape) in refused {
            assert!(!shape_fits(shown, shape), "{shown:?} for {shape:?}");
        }
    }
}
