//! Parquet files that other programs wrote, read by the names of their columns; [`import`](super::import) tells which.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::choices;
use super::sink::Sink;
use crate::store::{numbers_of, value_at};
use crate::{Episode, Header, Precision};

/// The columns of one quantity and the space that they span.
struct Source {
    name: &'static str,
    columns: Vec<usize>,
    space: Space,
}

/// One row of the table; without an action where that is empty.
struct Row {
    observation: Value,
    taken: Option<(Value, f64)>,
    next: Option<Value>,
    terminated: bool,
    truncated: bool,
}

pub(super) fn read(schema: &Schema, batches: &[RecordBatch], name: &str, sink: &mut dyn Sink) -> Result<()> {
    let missing: Vec<&str> = ["episode", "observation", "action", "reward", "terminated"]
        .into_iter()
        .filter(|name| columns(schema, name).is_empty())
        .collect();
    if !missing.is_empty() {
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        return Err(bad(format!(
            "has no column {} (it has {}); rename its columns to episode, step, observation (or observation_0, \
             observation_1, …), action (likewise), reward, terminated, truncated, next_observation, of which step, truncated \
             and next_observation may be left out",
            missing.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "),
            found.join(", "),
        )));
    }
    let observation = Source::new("observation", schema, batches)?;
    let action = Source::new("action", schema, batches)?;
    let next = match columns(schema, "next_observation") {
        none if none.is_empty() => None,
        columns => Some(Source { name: "next_observation", columns, space: observation.space.clone() }),
    };
    let mut header = Header::new(name, observation.space.clone(), action.space.clone(), 0);
    header.precision = Precision::Element;
    header.notes = vec![("imported from Parquet".into(), name.to_owned())];
    sink.begin(&header)?;
    let cuts = !columns(schema, "truncated").is_empty();
    let (mut rows, mut current, mut before) = (Vec::new(), None, None);
    let mut seen = std::collections::BTreeSet::new();
    for batch in batches {
        let all = 0..batch.num_rows();
        let ids = numbers(batch, "episode", all.clone())?;
        let steps = if columns(schema, "step").is_empty() { None } else { Some(numbers(batch, "step", all.clone())?) };
        let flags = |name: &str| -> Result<Vec<f64>> {
            if columns(schema, name).is_empty() { Ok(vec![0.0; all.len()]) } else { numbers(batch, name, all.clone()) }
        };
        let (terminated, truncated) = (flags("terminated")?, flags("truncated")?);
        let reward = single(batch, "reward")?;
        for row in all.clone() {
            let id = whole("episode", ids[row])?;
            if current != Some(id) {
                if !seen.insert(id) {
                    return Err(bad(format!("rows of episode {id} do not stand together; sort by episode and step")));
                }
                if let Some(done) = current.replace(id) {
                    sink.episode(finish(done, std::mem::take(&mut rows), next.is_some(), cuts)?)?;
                }
                before = None;
            }
            if let Some(steps) = &steps {
                let step = whole("step", steps[row])?;
                if before.is_some_and(|before: i64| before.checked_add(1) != Some(step)) {
                    return Err(bad(format!(
                        "step {step} of episode {id} does not follow the one before it; sort by episode and step"
                    )));
                }
                before = Some(step);
            }
            let missing = || bad(format!("episode {id} has a row without an observation"));
            let taken = match (action.value(batch, row)?, reward.is_valid(row)) {
                (Some(action), true) => {
                    let mut number = Vec::new();
                    numbers_of(reward, row..row + 1, &mut number)?;
                    Some((action, number[0]))
                }
                (None, _) => None,
                (Some(_), false) => return Err(bad(format!("episode {id} has an action without a reward"))),
            };
            rows.push(Row {
                observation: observation.value(batch, row)?.ok_or_else(missing)?,
                taken,
                next: next.as_ref().map(|next| next.value(batch, row)).transpose()?.flatten(),
                terminated: terminated[row] != 0.0,
                truncated: truncated[row] != 0.0,
            });
        }
    }
    match current {
        Some(id) => sink.episode(finish(id, rows, next.is_some(), cuts)?),
        None => Ok(()),
    }
}

/// The episode that rows tell, in whichever of the three layouts they are.
fn finish(id: i64, mut rows: Vec<Row>, has_next: bool, has_truncated: bool) -> Result<Episode> {
    let mut episode = Episode::default();
    let arrivals = !has_next && rows.len() > 1 && rows[0].taken.is_none();
    // The last row may hold nothing but the last observation; its flags then repeat those of the last step.
    let mut last = None;
    if !arrivals && (!has_next || rows.last().is_some_and(|row| row.taken.is_none())) {
        last = rows.pop();
    }
    let mut ended = (false, false);
    let first = usize::from(arrivals);
    let count = rows.len();
    for (t, row) in rows.into_iter().enumerate() {
        if ended.0 || ended.1 {
            return Err(bad(format!("episode {id} goes on after its end at row {}", t - 1)));
        }
        ended = (row.terminated, row.truncated);
        if t >= first {
            let (action, reward) = row.taken.ok_or_else(|| bad(format!("row {t} of episode {id} lacks an action")))?;
            episode.actions.push(action);
            episode.rewards.push(reward);
        }
        if !has_next {
            episode.observations.push(row.observation);
            continue;
        }
        let next = row.next.ok_or_else(|| bad(format!("row {t} of episode {id} lacks a next observation")))?;
        if t == 0 {
            episode.observations.push(row.observation);
        } else if !same(episode.observations.last(), &row.observation) {
            return Err(bad(format!(
                "row {t} of episode {id} does not begin with the next observation of the row before it"
            )));
        }
        episode.observations.push(next);
    }
    if let Some(last) = last {
        if !has_next {
            episode.observations.push(last.observation);
        }
        if last.taken.is_none() {
            ended = (ended.0 || last.terminated, ended.1 || last.truncated);
        } else if ended.0 || ended.1 {
            return Err(bad(format!("episode {id} goes on after its end at row {}", count - 1)));
        } else {
            // The outcome of the last action was not recorded: the episode was cut before it.
            ended = (false, count > 0);
        }
    }
    if !has_truncated && !ended.0 {
        ended.1 = !episode.actions.is_empty();
    }
    (episode.terminated, episode.truncated) = ended;
    Ok(episode)
}

/// Whether two observations are the same to the bit, so that NaN equals itself.
fn same(a: Option<&Value>, b: &Value) -> bool {
    match (a, b) {
        (Some(Value::Floats(a)), Value::Floats(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        }
        (a, b) => a == Some(b),
    }
}

impl Source {
    fn new(name: &'static str, schema: &Schema, batches: &[RecordBatch]) -> Result<Self> {
        let columns = columns(schema, name);
        let types: Vec<&DataType> = columns.iter().map(|i| schema.field(*i).data_type()).collect();
        let boxed = |shape: Vec<usize>, types: &[&DataType]| {
            let (low, high, element) = if types.iter().all(|of| **of == DataType::UInt8) {
                (0.0, 255.0, ElementType::U8)
            } else if types.iter().all(|of| of.is_integer() || **of == DataType::Boolean) {
                (f64::NEG_INFINITY, f64::INFINITY, ElementType::I64)
            } else if types.iter().all(|of| **of == DataType::Float32) {
                (f64::NEG_INFINITY, f64::INFINITY, ElementType::F32)
            } else {
                (f64::NEG_INFINITY, f64::INFINITY, ElementType::F64)
            };
            let n = shape.iter().product();
            Space::Box { shape, low: vec![low; n], high: vec![high; n], element }
        };
        let space = match types.as_slice() {
            [DataType::FixedSizeList(of, _) | DataType::List(of) | DataType::LargeList(of)] => {
                if !of.data_type().is_numeric() && *of.data_type() != DataType::Boolean {
                    return Err(Error::unsupported(
                        "the Parquet import",
                        format!("a column '{name}' of lists of {}; flatten them, or give them as npz", of.data_type()),
                    ));
                }
                let dim = batches.iter().find_map(|batch| first_length(batch.column(columns[0])));
                let dim = dim.filter(|dim| *dim > 0).ok_or_else(|| bad(format!("its column '{name}' is empty")))?;
                boxed(vec![dim], &[of.data_type()])
            }
            [of] if of.is_integer() || **of == DataType::Boolean => {
                let (mut least, mut most) = (0.0_f64, 0.0_f64);
                for batch in batches {
                    let array = batch.column(columns[0]);
                    let mut numbers = Vec::new();
                    numbers_of(array, 0..array.len(), &mut numbers)?;
                    for (_, n) in numbers.iter().enumerate().filter(|(row, _)| array.is_valid(*row)) {
                        (least, most) = (least.min(*n), most.max(*n));
                    }
                }
                choices(least as i64, most as i64).unwrap_or_else(|| boxed(Vec::new(), &types))
            }
            [of] if of.is_numeric() => boxed(Vec::new(), &types),
            several if several.iter().all(|of| of.is_numeric() || **of == DataType::Boolean) => {
                boxed(vec![several.len()], &types)
            }
            others => {
                return Err(Error::unsupported("the Parquet import", format!("columns '{name}' of types {others:?}")));
            }
        };
        Ok(Self { name, columns, space })
    }

    /// The value in a row; `None` where it is empty.
    fn value(&self, batch: &RecordBatch, row: usize) -> Result<Option<Value>> {
        let arrays: Vec<&ArrayRef> = self.columns.iter().map(|i| batch.column(*i)).collect();
        let holes = || bad(format!("row {row} of '{}' holds some numbers and lacks others", self.name));
        match arrays.as_slice() {
            [array] if array.is_null(row) => Ok(None),
            [array] => {
                if elements(array).is_some_and(|elements| elements.null_count() > 0) {
                    let inner = array.slice(row, 1);
                    let inner = elements(&inner).map(|elements| elements.null_count());
                    if inner.is_some_and(|nulls| nulls > 0) {
                        return Err(holes());
                    }
                }
                value_at(&self.space, array, row).map(Some)
            }
            several => {
                let empty = several.iter().filter(|array| array.is_null(row)).count();
                if empty == several.len() {
                    return Ok(None);
                }
                if empty > 0 {
                    return Err(holes());
                }
                let mut numbers = Vec::with_capacity(several.len());
                several.iter().try_for_each(|array| numbers_of(array, row..row + 1, &mut numbers))?;
                Ok(Some(match &self.space {
                    Space::Box { element: ElementType::U8, .. } => {
                        Value::Bytes(numbers.into_iter().map(|n| n as u8).collect())
                    }
                    _ => Value::Floats(numbers),
                }))
            }
        }
    }
}

/// The columns of a quantity: the one of its name, else all whose names go on after it with `_` or `.`.
fn columns(schema: &Schema, name: &str) -> Vec<usize> {
    if let Ok(exact) = schema.index_of(name) {
        return vec![exact];
    }
    let part = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.starts_with(['_', '.']));
    schema.fields().iter().enumerate().filter(|(_, field)| part(field.name())).map(|(i, _)| i).collect()
}

/// The elements that a list array's own rows refer to.
fn elements(array: &ArrayRef) -> Option<ArrayRef> {
    if let Some(list) = array.as_fixed_size_list_opt() {
        let size = list.value_length() as usize;
        return Some(list.values().slice(list.value_offset_at(0), size * list.len()));
    }
    let (values, span): (&ArrayRef, Range<usize>) = if let Some(list) = array.as_list_opt::<i32>() {
        (list.values(), *list.value_offsets().first()? as usize..*list.value_offsets().last()? as usize)
    } else {
        let list = array.as_list_opt::<i64>()?;
        (list.values(), *list.value_offsets().first()? as usize..*list.value_offsets().last()? as usize)
    };
    Some(values.slice(span.start, span.end - span.start))
}

/// The length of the first list that is there.
fn first_length(array: &ArrayRef) -> Option<usize> {
    let row = (0..array.len()).find(|row| array.is_valid(*row))?;
    elements(&array.slice(row, 1)).map(|elements| elements.len())
}

fn single<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| bad(format!("has no single column '{name}'")))
}

/// A column of numbers; empty ones count as 0 only among flags.
fn numbers(batch: &RecordBatch, name: &str, rows: Range<usize>) -> Result<Vec<f64>> {
    let array = single(batch, name)?;
    let flag = matches!(name, "terminated" | "truncated");
    if !flag && array.null_count() > 0 {
        return Err(bad(format!("its column '{name}' is empty in some rows")));
    }
    let mut numbers = Vec::with_capacity(rows.len());
    numbers_of(array, rows, &mut numbers)
        .map_err(|_| bad(format!("its column '{name}' is of type {}, not of numbers", array.data_type())))?;
    numbers.iter_mut().enumerate().filter(|(row, _)| array.is_null(*row)).for_each(|(_, number)| *number = 0.0);
    Ok(numbers)
}

fn whole(name: &str, number: f64) -> Result<i64> {
    if number.fract() == 0.0 && number.abs() < 2f64.powi(53) {
        return Ok(number as i64);
    }
    Err(bad(format!("its column '{name}' holds {number}, which is no whole number")))
}

fn bad(why: String) -> Error {
    Error::external("Parquet file", why)
}
