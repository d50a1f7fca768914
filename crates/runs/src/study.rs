//! Studies from what a user writes, and the files that they leave.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use worldwright_core::{Error, Interrupt, Result, Setting, Settings, find};
use worldwright_studies::{ALL, Cell, Curve, Figure, Study, Table, Watch};

use crate::report::StudyPage;
use crate::{json_number, settings_text, write_whole};

/// A study with the settings that it was carried out by.
#[derive(Debug, Clone, PartialEq)]
pub struct Studied {
    /// Its name in the list.
    pub name: &'static str,
    /// What it asks.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// All settings, the defaults among them.
    pub settings: Settings,
    /// What came of it.
    pub study: Study,
}

/// Settings of a study from `key=value` each.
///
/// # Errors
/// [`Error::Config`] for what is none.
pub fn assigned(assignments: &[String]) -> Result<BTreeMap<String, Setting>> {
    let of = |assignment: &String| {
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| Error::config(assignment.as_str(), "expected key=value, for example seeds=3"))?;
        Ok((key.trim().to_owned(), settings_text::parse_value(value.trim())))
    };
    assignments.iter().map(of).collect()
}

/// Carries out the study called `name` with the settings that are given beside its defaults; `progress` hears what is done of how much.
///
/// # Errors
/// [`Error::Unknown`] for a name or setting that does not exist, [`Error::Config`] for values out of range, [`Error::Interrupted`] once `interrupt` is
/// requested, and what `progress` gives.
pub fn study(
    name: &str,
    given: &BTreeMap<String, Setting>,
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(usize, usize, &str) -> Result<()>,
) -> Result<Studied> {
    let entry = find(ALL, "study", name)?;
    let settings = Settings::resolve(entry.name, entry.parameters, given)?;
    let study = (entry.build)(&settings, &mut Watch { interrupt, progress })?;
    Ok(Studied { name: entry.name, summary: entry.summary, source: entry.source, settings, study })
}

impl Studied {
    /// As pages show it.
    pub fn page(&self) -> StudyPage<'_> {
        StudyPage {
            name: self.name,
            summary: self.summary,
            source: self.source,
            settings: &self.settings,
            study: &self.study,
        }
    }

    /// Everything as JSON.
    pub fn to_json(&self) -> Value {
        let settings = self.settings.iter().map(|(key, value)| (key.to_owned(), setting_json(value)));
        json!({
            "study": self.name,
            "settings": settings.collect::<Map<_, _>>(),
            "findings": self.study.findings,
            "tables": self.study.tables.iter().map(table).collect::<Vec<_>>(),
            "figures": self.study.figures.iter().map(figure).collect::<Vec<_>>(),
        })
    }

    /// Leaves `report.html`, `study.json`, `NAME.md` and the pictures that it shows in a folder, which is made where it is missing. Files of these names that are there
    /// are replaced.
    ///
    /// # Errors
    /// [`Error::External`] where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let page = self.page();
        let json = format!("{:#}\n", self.to_json());
        write_whole(&folder.join("study.json"), json.as_bytes())?;
        write_whole(&folder.join(format!("{}.md", self.name)), page.markdown().as_bytes())?;
        for (name, picture) in page.pictures() {
            write_whole(&folder.join(name), picture.as_bytes())?;
        }
        write_whole(&folder.join("report.html"), page.html().as_bytes())
    }
}

/// A setting as JSON; what is not finite is a word.
pub fn setting_json(value: &Setting) -> Value {
    match value {
        Setting::Bool(flag) => json!(flag),
        Setting::Integer(number) => json!(number),
        Setting::Float(number) => json_number::value(*number),
        Setting::Text(text) => json!(text),
        Setting::Numbers(numbers) => numbers.iter().map(|number| json_number::value(*number)).collect(),
    }
}

fn table(table: &Table) -> Value {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => json!(text),
        Cell::Number(number) => json_number::value(*number),
        Cell::Estimate([mean, low, high]) => {
            let [mean, low, high] = [mean, low, high].map(|number| json_number::value(*number));
            json!({ "mean": mean, "low": low, "high": high })
        }
    };
    let rows: Vec<Vec<Value>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    json!({ "title": table.title, "columns": table.columns, "rows": rows })
}

fn figure(figure: &Figure) -> Value {
    let curve = |curve: &Curve| {
        let points: Vec<Vec<Value>> =
            curve.points.iter().map(|point| point.iter().map(|number| json_number::value(*number)).collect()).collect();
        json!({ "name": curve.name, "columns": ["x", "low", "middle", "high"], "points": points })
    };
    json!({
        "title": figure.title,
        "axes": figure.axes,
        "logarithmic": figure.logarithmic,
        "curves": figure.curves.iter().map(curve).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_leaves_its_files_and_the_same_settings_find_the_same() {
        let given = assigned(&["sizes=[4,5,6]", "seeds=2", "most_steps=4000"].map(str::to_owned)).unwrap();
        let mut heard = 0;
        let never = Interrupt::never();
        let [one, other] = [0; 2].map(|_| {
            study("queries", &given, &never, &mut |_, _, _| {
                heard += 1;
                Ok(())
            })
            .unwrap()
        });
        assert!(one == other && heard > 10);
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new/folder");
        one.write(&folder).unwrap();
        let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
        assert!(page.contains("deep sea") && page.contains("<svg") && page.contains("sizes=[4.0,5.0,6.0]"), "{page}");
        let text = std::fs::read_to_string(folder.join("queries.md")).unwrap();
        assert!(text.contains("| r-max |") && folder.join("queries-3.svg").exists(), "{text}");
        let json: Value = serde_json::from_slice(&std::fs::read(folder.join("study.json")).unwrap()).unwrap();
        assert_eq!(json["tables"][0]["columns"][0], "world");
        for name in ["querys", "querie"] {
            let slip = study(name, &BTreeMap::new(), &never, &mut |_, _, _| Ok(())).unwrap_err().to_string();
            assert!(slip.contains("did you mean 'queries'?"), "{slip}");
        }
        let stop = Interrupt::new();
        stop.request();
        assert!(matches!(
            study("queries", &BTreeMap::new(), &stop, &mut |_, _, _| Ok(())),
            Err(Error::Interrupted { .. })
        ));
    }
}
