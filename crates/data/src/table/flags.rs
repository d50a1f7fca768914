//! Flags: what counts as true and false in a column, by one rule for every table.
//!
//! Truth values; the numbers 0 and 1 of any kind; the words true, false, t, f, yes, no, y, n, 0 and 1 in any letters. An empty cell,
//! NaN, None and NA are missing, which is neither: what is missing is never counted as false. All else is no flag.

use worldwright_core::{Error, Result};

use super::cells::{Cells, Data, is_missing};

/// A flag that may be missing.
pub type Flag = Option<bool>;

/// The flag that a text tells.
///
/// # Errors
/// [`Error::Config`] naming the column, the row and the text.
pub fn flag_of_text(column: &str, row: usize, text: &str) -> Result<Flag> {
    Ok(match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
        text if is_missing(text) => None,
        _ => return Err(no_flag(column, row, &format!("'{text}'"))),
    })
}

/// The flag that a number tells.
///
/// # Errors
/// As for [`flag_of_text`].
pub fn flag_of_number(column: &str, row: usize, number: f64) -> Result<Flag> {
    match number {
        1.0 => Ok(Some(true)),
        0.0 => Ok(Some(false)),
        n if n.is_nan() => Ok(None),
        n => Err(no_flag(column, row, &n.to_string())),
    }
}

/// All flags of a column.
pub(crate) fn flags(column: &str, cells: &Cells) -> Result<Vec<Flag>> {
    if cells.width() != 1 {
        return Err(Error::config(column, format!("holds arrays of shape {:?}, expected one flag a row", cells.shape)));
    }
    (0..cells.rows)
        .map(|row| match &cells.data {
            _ if cells.is_empty(row) => Ok(None),
            Data::Bool(flags) => Ok(Some(flags[row])),
            Data::Text(texts) => flag_of_text(column, row, &texts[row]),
            numbers => flag_of_number(column, row, numbers.number(row)),
        })
        .collect()
}

fn no_flag(column: &str, row: usize, shown: &str) -> Error {
    Error::config(column, format!("row {row} holds {shown}, which is neither true nor false"))
}
