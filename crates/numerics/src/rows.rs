//! Rows of a plan, moved on in time.

/// Moves the rows of `[H][width]` data `steps` earlier, repeating the last row.
pub fn shift_rows<T: Copy>(data: &mut [T], horizon: usize, steps: usize) {
    let width = data.len() / horizon.max(1);
    for h in 0..horizon {
        let from = (h + steps).min(horizon - 1);
        data.copy_within(from * width..(from + 1) * width, h * width);
    }
}

#[cfg(test)]
mod tests {
    use super::shift_rows;

    #[test]
    fn rows_move_up_and_the_last_one_stays() {
        let mut data = [1, 2, 3, 4, 5, 6];
        shift_rows(&mut data, 3, 1);
        assert_eq!(data, [3, 4, 5, 6, 5, 6]);
        shift_rows(&mut data, 3, 7);
        assert_eq!(data, [5, 6, 5, 6, 5, 6]);
        shift_rows::<u8>(&mut [], 0, 1);
    }
}
