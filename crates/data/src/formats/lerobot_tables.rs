//! The tables of a LeRobot data set: frames, episodes, and the statistics of every feature.
//!
//! Source: LeRobot v3.0, `datasets/compute_stats.py` and `datasets/feature_utils.py`. Quantiles are exact here, between
//! neighbours by linear interpolation; LeRobot's own come from histograms.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch,
};
use arrow_schema::{Field, Schema};
use serde_json::{Map, Value as Json, json};
use worldwright_core::{ElementType, Error, Result, Space, Value};

use super::tables::to_parquet;
use crate::Normaliser;
use crate::store::arrow;

/// One feature: its name and a row-major column of numbers.
pub(super) struct Feature {
    pub(super) name: &'static str,
    pub(super) dim: usize,
    pub(super) dtype: &'static str,
    pub(super) numbers: Vec<f64>,
}

impl Feature {
    pub(super) fn new(name: &'static str, space: &Space) -> Result<Self> {
        let (dim, dtype) = match space {
            Space::Box { shape, element, low, .. } if shape.len() <= 1 => (
                low.len(),
                match element {
                    ElementType::F64 => "float64",
                    ElementType::F32 => "float32",
                    ElementType::F16 => "float32",
                    _ => "int64",
                },
            ),
            Space::Discrete { .. } => (1, "int64"),
            _ => {
                return Err(Error::unsupported(
                    "the LeRobot export",
                    format!("{name} of other spaces than vectors and single choices; export to Minari or npz instead"),
                ));
            }
        };
        Ok(Self { name, dim, dtype, numbers: Vec::new() })
    }

    pub(super) fn scalar(name: &'static str, dtype: &'static str) -> Self {
        Self { name, dim: 1, dtype, numbers: Vec::new() }
    }

    pub(super) fn push(&mut self, value: &Value) {
        self.numbers.extend(numbers_of_value(value));
        // Single precision only where nothing is lost by it.
        if self.dtype == "float32" && self.numbers.iter().rev().take(self.dim).any(|n| f64::from(*n as f32) != *n) {
            self.dtype = "float64";
        }
    }

    pub(super) fn array(&self) -> Result<ArrayRef> {
        let values: ArrayRef = match self.dtype {
            "float32" => Arc::new(Float32Array::from_iter_values(self.numbers.iter().map(|n| *n as f32))),
            "float64" => Arc::new(Float64Array::from_iter_values(self.numbers.iter().copied())),
            "bool" => Arc::new(BooleanArray::from_iter(self.numbers.iter().map(|n| Some(*n != 0.0)))),
            _ => Arc::new(Int64Array::from_iter_values(self.numbers.iter().map(|n| *n as i64))),
        };
        // LeRobot's features of shape (1,) are plain columns, longer ones lists of a fixed size.
        if self.dim == 1 {
            return Ok(values);
        }
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        Ok(Arc::new(FixedSizeListArray::try_new(field, self.dim as i32, values, None).map_err(arrow)?))
    }
}

/// The numbers of a vector or of a single choice.
pub(super) fn numbers_of_value(value: &Value) -> Vec<f64> {
    match value {
        Value::Floats(numbers) => numbers.clone(),
        Value::Bytes(bytes) => bytes.iter().map(|b| f64::from(*b)).collect(),
        Value::Integer(choice) => vec![*choice as f64],
        _ => Vec::new(),
    }
}

pub(super) fn table(columns: Vec<(&str, ArrayRef)>, metadata: &[(&str, String)]) -> Result<Vec<u8>> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    // pyarrow looks into the Arrow schema alone when the file carries one; others read the metadata of Parquet.
    let known = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let schema = Arc::new(Schema::new_with_metadata(fields, known.collect::<HashMap<_, _>>()));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect());
    to_parquet(schema, std::iter::once(&batch.map_err(arrow)?), metadata)
}

/// The table of episodes that begin and end at the frames `bounds`.
pub(super) fn episode_table(bounds: &[i64], task: &str, features: &[Feature]) -> Result<Vec<u8>> {
    let episodes = bounds.len() - 1;
    let numbers =
        |of: &dyn Fn(usize) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..episodes).map(of))) };
    let mut tasks = ListBuilder::new(StringBuilder::new());
    for _ in 0..episodes {
        tasks.values().append_value(task);
        tasks.append(true);
    }
    let mut columns: Vec<(String, ArrayRef)> = [
        ("episode_index", numbers(&|i| i as i64)),
        ("tasks", Arc::new(tasks.finish())),
        ("length", numbers(&|i| bounds[i + 1] - bounds[i])),
        ("data/chunk_index", numbers(&|_| 0)),
        ("data/file_index", numbers(&|_| 0)),
        ("dataset_from_index", numbers(&|i| bounds[i])),
        ("dataset_to_index", numbers(&|i| bounds[i + 1])),
        ("meta/episodes/chunk_index", numbers(&|_| 0)),
        ("meta/episodes/file_index", numbers(&|_| 0)),
    ]
    .into_iter()
    .map(|(name, array)| (name.to_owned(), array))
    .collect();
    for feature in features {
        let all = bounds.windows(2).map(|span| Statistics::of(feature, span[0] as usize..span[1] as usize));
        let all = all.collect::<Result<Vec<_>>>()?;
        let mut counts = ListBuilder::new(Int64Builder::new());
        for statistics in &all {
            counts.values().append_value(statistics.count as i64);
            counts.append(true);
        }
        columns.push((format!("stats/{}/count", feature.name), Arc::new(counts.finish())));
        for (place, name) in NAMES.iter().enumerate() {
            let mut rows = ListBuilder::new(Float64Builder::new());
            for statistics in &all {
                rows.values().append_slice(&statistics.vectors[place]);
                rows.append(true);
            }
            columns.push((format!("stats/{}/{name}", feature.name), Arc::new(rows.finish())));
        }
    }
    table(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect(), &[])
}

/// What `meta/stats.json` says of these features.
pub(super) fn statistics(features: &[Feature], frames: usize) -> Result<Json> {
    let mut about = Map::new();
    for feature in features.iter().filter(|_| frames > 0) {
        let Statistics { count, vectors } = Statistics::of(feature, 0..frames)?;
        let mut of = Map::new();
        NAMES.iter().zip(vectors).for_each(|(name, vector)| drop(of.insert((*name).into(), json!(vector))));
        of.insert("count".into(), json!([count]));
        about.insert(feature.name.into(), Json::Object(of));
    }
    Ok(Json::Object(about))
}

const NAMES: [&str; 9] = ["min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99"];
const QUANTILES: [f64; 5] = [0.01, 0.1, 0.5, 0.9, 0.99];

/// Statistics of some frames of a feature, each a number a dimension, in the order of [`NAMES`].
struct Statistics {
    count: usize,
    vectors: Vec<Vec<f64>>,
}

impl Statistics {
    fn of(feature: &Feature, frames: Range<usize>) -> Result<Self> {
        let dim = feature.dim;
        let rows = &feature.numbers[frames.start * dim..frames.end * dim];
        let mut moments = Normaliser::new(dim);
        rows.chunks_exact(dim).try_for_each(|row| moments.observe(row))?;
        let mut vectors = vec![Vec::with_capacity(dim); NAMES.len()];
        for at in 0..dim {
            let mut sorted: Vec<f64> = rows.iter().skip(at).step_by(dim).copied().collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let ends = [sorted[0], sorted[sorted.len() - 1], moments.mean()[at], moments.std(at)];
            let quantiles = QUANTILES.iter().map(|q| quantile(&sorted, *q));
            vectors.iter_mut().zip(ends.into_iter().chain(quantiles)).for_each(|(vector, n)| vector.push(n));
        }
        Ok(Self { count: frames.len(), vectors })
    }
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
