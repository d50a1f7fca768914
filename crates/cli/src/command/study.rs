//! `worldwright study`: an experiment about learning itself, and the page that it leaves.

use std::path::PathBuf;

use anyhow::Result;
use worldwright_core::Interrupt;
use worldwright_runs::report::cell_text;
use worldwright_runs::{Studied, assigned, study};

use crate::arguments::Study;
use crate::output::{check_new, print, print_aside, print_json};

pub(crate) fn run(options: &Study, interrupt: &Interrupt) -> Result<()> {
    let folder = options.out.clone().unwrap_or_else(|| PathBuf::from("studies").join(&options.name));
    // What was found before is kept, and refused before anything is worked out.
    check_new("--out", &folder, None)?;
    let mut told = |done: usize, all: usize, what: &str| {
        if !options.quiet {
            print_aside(&format!("{done} of {all}: {what}"));
        }
        Ok(())
    };
    let studied = study(&options.name, &assigned(&options.settings)?, interrupt, &mut told)?;
    studied.write(&folder)?;
    if options.json { print_json(&studied.to_json()) } else { print(&page(&studied, &folder)) }
}

/// Findings, tables, and where the rest is.
fn page(studied: &Studied, folder: &std::path::Path) -> String {
    let mut out: String = studied.study.findings.iter().map(|finding| format!("- {finding}\n")).collect();
    for table in &studied.study.tables {
        let mut lines = vec![table.columns.clone()];
        lines.extend(table.rows.iter().map(|row| row.iter().map(cell_text).collect()));
        let width = |i: usize| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
        out += &format!("\n{}\n", table.title);
        for line in &lines {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            out += &format!("{}\n", cells.join("  ").trim_end());
        }
    }
    out + &format!("\nreport  {}\n", folder.join("report.html").display())
}
