//! The lists of all rooms in one form, to be printed: names, summaries, sources and settings.

use worldwright_agents as agents;
use worldwright_core::{Entry, Parameter};
use worldwright_envs as envs;

use crate::experiment::COUNT_PARAMETER;
use crate::settings_text::value_text;

/// A line of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The name that users write.
    pub name: &'static str,
    /// One line: what it is.
    pub summary: &'static str,
    /// The paper, book or program it follows.
    pub source: &'static str,
    /// Its settings with their defaults.
    pub parameters: Vec<Parameter>,
}

/// A list of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Native environments.
    Environments,
    /// World models.
    Models,
    /// Planners in any model.
    Planners,
    /// Policies that learn.
    Policies,
    /// Tabular learners.
    Learners,
    /// Problems with planners of their own.
    Problems,
    /// Algorithms.
    Algorithms,
    /// Experiments about learning itself.
    Studies,
}

impl List {
    /// Every list.
    pub const ALL: [Self; 8] = [
        Self::Environments,
        Self::Models,
        Self::Planners,
        Self::Policies,
        Self::Learners,
        Self::Problems,
        Self::Algorithms,
        Self::Studies,
    ];

    /// The word for one of its items.
    pub fn what(self) -> &'static str {
        match self {
            Self::Environments => "environment",
            Self::Models => "model",
            Self::Planners => "planner",
            Self::Policies => "policy",
            Self::Learners => "learner",
            Self::Problems => "problem",
            Self::Algorithms => "algorithm",
            Self::Studies => "study",
        }
    }

    /// The command that shows it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Environments => "envs",
            Self::Models => "models",
            Self::Planners | Self::Problems => "planners",
            Self::Policies => "policies",
            Self::Learners => "learners",
            Self::Algorithms => "algorithms",
            Self::Studies => "studies",
        }
    }

    /// Its items, in the order in which they are shown.
    pub fn items(self) -> Vec<Item> {
        match self {
            Self::Environments => {
                let mut items = items(envs::ALL);
                items.iter_mut().for_each(|item| item.parameters.push(COUNT_PARAMETER));
                items
            }
            Self::Models => items(worldwright_models::ALL),
            Self::Planners => items(worldwright_planners::ALL),
            Self::Policies => items(worldwright_policies::ALL),
            Self::Learners => items(worldwright_finite::online::ALL),
            Self::Problems => items(worldwright_problems::ALL),
            Self::Algorithms => items(agents::ALL),
            Self::Studies => items(worldwright_studies::ALL),
        }
    }

    /// The item called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`](worldwright_core::Error::Unknown) with the nearest name.
    pub fn item(self, name: &str) -> worldwright_core::Result<Item> {
        let items = self.items();
        items
            .iter()
            .find(|item| item.name == name)
            .cloned()
            .ok_or_else(|| worldwright_core::Error::unknown(self.what(), name, items.iter().map(|item| item.name)))
    }

    /// A Markdown table of names, summaries and sources.
    pub fn markdown(self) -> String {
        let rows = self.items().into_iter().map(|item| {
            [format!("`{}`", item.name), item.summary.replace('|', "\\|"), item.source.replace('|', "\\|")]
        });
        std::iter::once([self.what().to_owned(), "what it is".to_owned(), "source".to_owned()])
            .chain(std::iter::once(["---".to_owned(), "---".to_owned(), "---".to_owned()]))
            .chain(rows)
            .map(|[name, summary, source]| format!("| {name} | {summary} | {source} |\n"))
            .collect()
    }

    /// Names and summaries in two columns.
    pub fn plain(self) -> String {
        two_columns(self.items().into_iter().map(|item| (item.name.to_owned(), item.summary.to_owned())))
    }
}

impl Item {
    /// What it is, its source, and its settings with defaults.
    pub fn plain(&self) -> String {
        let settings = two_columns(self.parameters.iter().map(|parameter| {
            (
                format!("  {} = {}", parameter.name, value_text(&parameter.default.to_setting())),
                parameter.summary.to_owned(),
            )
        }));
        let settings = if settings.is_empty() { "  none\n".to_owned() } else { settings };
        format!("{}: {}\nsource: {}\nsettings:\n{settings}", self.name, self.summary, self.source)
    }
}

fn items<B>(all: &[Entry<B>]) -> Vec<Item> {
    all.iter()
        .map(|entry| Item {
            name: entry.name,
            summary: entry.summary,
            source: entry.source,
            parameters: entry.parameters.to_vec(),
        })
        .collect()
}

fn two_columns(rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(left, right)| format!("{left:<width$}  {right}\n")).collect()
}
