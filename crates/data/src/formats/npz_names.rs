//! NumPy archives of other programs, read by the names of their arrays.
//!
//! Rows of steps are read as any table ([`crate::table`]). Two further layouts keep T + 1 observations of each episode of T steps: with
//! `lengths` (or `episode_steps`, …) of the episodes, or with imitation's `indices`, at which the second and later episodes begin, and
//! a flag `terminal` for each.

use std::collections::BTreeMap;

use worldwright_core::{Error, Result};

use super::npy::Npy;
use crate::ColumnNames;
use crate::sink::Sink;
use crate::table::cells::{Cells, Data};
use crate::table::{self, About, Quantity, Table};

/// What others call the steps of each episode.
const LENGTHS: &[&str] = &["episode_steps", "lengths", "episode_lengths", "ep_lens", "ep_lengths", "traj_lengths"];

pub(super) fn read(
    mut arrays: BTreeMap<String, Npy>,
    left_out: Vec<String>,
    name: &str,
    known: &ColumnNames,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut about = About::new(name, "NumPy", known);
    about.left_out = left_out;
    let lengths = LENGTHS.iter().find_map(|name| arrays.remove(*name));
    let indices = arrays.remove("indices");
    let names: Vec<String> = arrays.keys().cloned().collect();
    let resolved = known.resolve(&names)?;
    let mut columns = Vec::new();
    for (column, (name, array)) in arrays.into_iter().enumerate() {
        if resolved.left_out.contains(&column) {
            about.left_out.push(name);
        } else {
            columns.push((name, array.cells()?));
        }
    }
    let steps: Option<Vec<usize>> = match (lengths, indices) {
        (Some(lengths), _) => Some(counts("lengths", &lengths)?),
        (None, Some(indices)) => {
            let starts = counts("indices", &indices)?;
            let actions =
                columns.iter().find(|(name, _)| known.holds(name, Quantity::Action)).map_or(0, |(_, cells)| cells.rows);
            let bounds: Vec<usize> = std::iter::once(0).chain(starts).chain([actions]).collect();
            let steps = bounds.windows(2).map(|pair| pair[1].checked_sub(pair[0]));
            let steps: Option<Vec<usize>> = steps.collect();
            Some(steps.ok_or_else(|| Error::config("indices", "do not rise, or lie beyond the actions"))?)
        }
        (None, None) => None,
    };
    let table = match steps {
        Some(steps) => stacked(columns, &steps, known)?,
        None => Table { columns },
    };
    table::read(table, about, sink)
}

fn counts(name: &str, array: &Npy) -> Result<Vec<usize>> {
    array
        .numbers()
        .into_iter()
        .map(|n| {
            if n >= 0.0 && n.fract() == 0.0 && n < 2f64.powi(53) {
                Ok(n as usize)
            } else {
                Err(Error::config(name, format!("holds {n}, which is no count")))
            }
        })
        .collect()
}

/// A table of departures from stacked episodes: T + 1 rows each, whose last has no action.
fn stacked(columns: Vec<(String, Cells)>, steps: &[usize], known: &ColumnNames) -> Result<Table> {
    let total = steps.iter().try_fold(0_usize, |sum, steps| sum.checked_add(*steps)).unwrap_or(usize::MAX);
    let longest = columns.iter().map(|(_, cells)| cells.rows).max().unwrap_or(0);
    if total > longest {
        return Err(Error::config(
            "lengths",
            format!("the episodes have {total} steps together, the arrays {longest} rows"),
        ));
    }
    let rows = total + steps.len();
    let bounds: Vec<usize> = std::iter::once(0)
        .chain(steps.iter().scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        }))
        .collect();
    let each = |of: &dyn Fn(usize, usize, usize) -> Option<usize>| -> Vec<Option<usize>> {
        steps
            .iter()
            .enumerate()
            .flat_map(|(i, n)| (0..=*n).map(move |t| (i, *n, t)))
            .map(|(i, n, t)| of(i, n, t))
            .collect()
    };
    let whole = each(&|i, _, t| Some(bounds[i] + i + t));
    let taken = each(&|i, n, t| (t < n).then_some(bounds[i] + t));
    let closing = each(&|i, n, t| (t == n).then_some(i));
    let mut out = Vec::new();
    for (name, cells) in columns {
        let flag =
            [Quantity::Terminated, Quantity::Truncated, Quantity::Done].into_iter().any(|of| known.holds(&name, of));
        let places = if cells.rows == rows && !known.holds(&name, Quantity::Action) {
            &whole
        } else if cells.rows == total && !(flag && total == steps.len() && steps.iter().any(|n| *n != 1)) {
            &taken
        } else if flag && cells.rows == steps.len() {
            // One flag an episode: it stands in the row of the last observation, and the others are false.
            let flags = cells.pick(&closing)?;
            let given = table::all_flags(&name, &flags)?;
            let flags = given.iter().map(|flag| flag.unwrap_or(false)).collect();
            out.push((name, Cells::new(rows, Vec::new(), Data::Bool(flags))?));
            continue;
        } else {
            return Err(Error::config(
                name.clone(),
                format!(
                    "has {} rows; episodes of {total} steps together have as many actions and rewards, and {rows} observations",
                    cells.rows
                ),
            ));
        };
        out.push((name, cells.pick(places)?));
    }
    let ids = each(&|i, _, _| Some(i)).into_iter().map(|i| i.unwrap_or(0) as i64).collect();
    if !out.iter().any(|(name, _)| known.holds(name, Quantity::Episode)) {
        out.push(("episode".to_owned(), Cells::new(rows, Vec::new(), Data::I64(ids))?));
    }
    Ok(Table { columns: out })
}
