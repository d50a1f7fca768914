//! Which bounds say anything.

/// Whether a dimension's range is one to search evenly. Bounds as far apart as the largest numbers of a type are as good as none:
/// nothing is known of where between them values lie, and half their range overflows whatever is computed with it.
pub fn is_bounded(low: f64, high: f64) -> bool {
    const WIDEST: f64 = 1e15;
    high - low < WIDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_as_far_as_numbers_go_are_none() {
        assert!(is_bounded(1e6, 1e6 + 1.0));
        assert!(!is_bounded(f64::from(f32::MIN), f64::from(f32::MAX)));
        assert!(!is_bounded(f64::MIN, f64::MAX));
        assert!(!is_bounded(0.0, f64::INFINITY));
    }
}
