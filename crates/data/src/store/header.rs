//! The header of a store: what the episodes are of. It stands in the Arrow schema of every segment, so that each segment
//! can be read alone.

use serde_json::{Value as Json, json};
use worldwright_core::{Error, Result, Space, StepColumn};

use crate::space_json::{space_from_json, space_to_json};

/// The one metadata key of the Arrow schema. One key only: Arrow keeps metadata in a hash map, and the bytes of a segment
/// must not depend on its order.
pub(crate) const KEY: &str = "worldwright";
const VERSION: u64 = 1;

/// How boxes of 32-bit numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// As the f64 numbers that were given: nothing is lost, so a resumed run sees what the stopped one saw.
    #[default]
    Exact,
    /// In the element type of their space, half the size; a number that this would change is refused.
    Element,
}

/// What a store's episodes are of.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The environment's identifier as users write it.
    pub environment: String,
    /// What was observed.
    pub observation_space: Space,
    /// What could be done.
    pub action_space: Space,
    /// The seed of the run that wrote the episodes; each episode may carry its own besides.
    pub seed: u64,
    /// Names and versions of what produced the data: MuJoCo, NumPy, the suite ….
    pub versions: Vec<(String, String)>,
    /// How 32-bit boxes are stored.
    pub precision: Precision,
    /// What the agent kept beside each step, for itself to learn from.
    pub columns: Vec<StepColumn>,
    /// Anything else worth keeping, in order: algorithm, author, where it was imported from ….
    pub notes: Vec<(String, String)>,
}

/// The note that says how long a step takes.
const DT_SECS: &str = "dt_secs";

impl Header {
    /// A header without versions or notes.
    pub fn new(environment: impl Into<String>, observation_space: Space, action_space: Space, seed: u64) -> Self {
        Self {
            environment: environment.into(),
            observation_space,
            action_space,
            seed,
            versions: Vec::new(),
            precision: Precision::default(),
            columns: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The same with these versions.
    #[must_use]
    pub fn with_versions(mut self, versions: Vec<(String, String)>) -> Self {
        self.versions = versions;
        self
    }

    /// The same with these columns beside each step.
    #[must_use]
    pub fn with_columns(mut self, columns: Vec<StepColumn>) -> Self {
        self.columns = columns;
        self
    }

    /// The same of steps that take so many seconds.
    #[must_use]
    pub fn with_dt_secs(mut self, secs: f64) -> Self {
        self.notes.retain(|(key, _)| key != DT_SECS);
        self.notes.push((DT_SECS.to_owned(), secs.to_string()));
        self
    }

    /// Seconds that a step takes, where it is said.
    pub fn dt_secs(&self) -> Option<f64> {
        let (_, secs) = self.notes.iter().find(|(key, _)| key == DT_SECS)?;
        secs.parse().ok().filter(|secs: &f64| secs.is_finite() && *secs > 0.0)
    }

    pub(crate) fn to_json(&self) -> String {
        let mut json = json!({
            "version": VERSION,
            "environment": self.environment,
            "observation_space": space_to_json(&self.observation_space),
            "action_space": space_to_json(&self.action_space),
            "seed": self.seed,
            "precision": match self.precision { Precision::Exact => "exact", Precision::Element => "element" },
            "versions": self.versions,
            "notes": self.notes,
        });
        if !self.columns.is_empty() {
            json["columns"] = self.columns.iter().map(|column| json!([column.name, column.width])).collect();
        }
        json.to_string()
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let json: Json = serde_json::from_str(text).map_err(|e| bad(format!("is not JSON: {e}")))?;
        let version = json.get("version").and_then(Json::as_u64);
        if version != Some(VERSION) {
            return Err(bad(format!(
                "is of format version {}, this program reads version {VERSION}",
                version.map_or("unknown".into(), |v| v.to_string())
            )));
        }
        let text = |key: &str| {
            json.get(key).and_then(Json::as_str).ok_or_else(|| bad(format!("lacks '{key}': it is damaged")))
        };
        let pairs = |key: &str| -> Vec<(String, String)> {
            json.get(key).cloned().and_then(|list| serde_json::from_value(list).ok()).unwrap_or_default()
        };
        let columns: Vec<(String, usize)> =
            json.get("columns").cloned().and_then(|list| serde_json::from_value(list).ok()).unwrap_or_default();
        Ok(Self {
            columns: columns.into_iter().map(|(name, width)| StepColumn { name, width }).collect(),
            environment: text("environment")?.to_owned(),
            observation_space: space_from_json(text("observation_space")?)?,
            action_space: space_from_json(text("action_space")?)?,
            seed: json.get("seed").and_then(Json::as_u64).unwrap_or(0),
            precision: if text("precision")? == "element" { Precision::Element } else { Precision::Exact },
            versions: pairs("versions"),
            notes: pairs("notes"),
        })
    }
}

fn bad(why: String) -> Error {
    Error::external("episode store header", why)
}
