//! A study as people read it: a page that works offline, and the same as Markdown with pictures beside it.

use std::fmt::Write;

use worldwright_core::Settings;
use worldwright_studies::{Cell, Figure, Study, Table};

use super::plot::{Axis, Layer, Mark, PLOT_STYLE, Plot, ScaleKind, Tone, escape};
use super::scale::short;
use super::sentence;

/// What a page tells of a study besides its findings.
#[derive(Debug, Clone)]
pub struct StudyPage<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it asks.
    pub summary: &'a str,
    /// Where it comes from.
    pub source: &'a str,
    /// What it was carried out with, complete.
    pub settings: &'a Settings,
    /// What came out.
    pub study: &'a Study,
}

impl StudyPage<'_> {
    /// The command that does it again.
    pub fn command(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        format!("worldwright study {}{}", self.name, settings.concat().replace(", ", ","))
    }

    /// The page as one HTML file.
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(1 << 16);
        let _ = write!(
            out,
            r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Worldwright {}"><title>{}</title>
<style>{}{PLOT_STYLE}</style></head><body><main>
<header><h1>{}</h1><p class="lead">{}.</p></header><section>"#,
            env!("CARGO_PKG_VERSION"),
            escape(self.name),
            include_str!("page.css"),
            escape(self.name),
            escape(&sentence(self.summary))
        );
        for finding in &self.study.findings {
            let _ = write!(out, "<p>{}.</p>", escape(&sentence(finding)));
        }
        out.push_str("</section>");
        for (i, figure) in self.study.figures.iter().enumerate() {
            let _ = write!(
                out,
                r#"<section><h2>{}</h2><figure class="wide"><div class="scroll">{}</div><figcaption>{CAPTION}</figcaption></figure></section>"#,
                escape(&figure.title),
                plot(figure).svg(&format!("figure-{}", i + 1))
            );
        }
        for table in &self.study.tables {
            let _ = write!(out, "<section><h2>{}</h2><div class=\"scroll\"><table><tr>", escape(&table.title));
            for column in &table.columns {
                let _ = write!(out, "<th scope=\"col\">{}</th>", escape(column));
            }
            out.push_str("</tr>");
            for row in &table.rows {
                let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escape(&text(cell)))).collect();
                let _ = write!(out, "<tr>{cells}</tr>");
            }
            out.push_str("</table></div></section>");
        }
        let _ = write!(
            out,
            "<section><h2>To do it again</h2><pre>{}</pre><p>Source: {}.</p></section>",
            escape(&self.command()),
            escape(self.source)
        );
        out.push_str("</main></body></html>\n");
        out
    }

    /// The same as Markdown; pictures are named as [`pictures`](Self::pictures) names them.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n{}.\n\n    {}\n", self.name, sentence(self.summary), self.command());
        for finding in &self.study.findings {
            let _ = write!(out, "\n- {}.", sentence(finding));
        }
        out.push('\n');
        for table in &self.study.tables {
            let _ = write!(out, "\n## {}\n\n{}", table.title, as_markdown(table));
        }
        for (i, figure) in self.study.figures.iter().enumerate() {
            let _ = write!(out, "\n![{}]({})\n", figure.title, picture_name(self.name, i));
        }
        let _ = write!(
            out,
            "\nIntervals hold 95 %: those of means and of fitted slopes are Student's t, those of correlations of ranks Fisher's, those of their differences drawn anew. Source: {}.\n",
            self.source
        );
        out
    }

    /// Each figure as a picture of its own, with its file's name.
    pub fn pictures(&self) -> Vec<(String, String)> {
        let picture = |(i, figure): (usize, &Figure)| {
            let inside = plot(figure).svg("figure");
            let alone = inside.replacen("<svg ", r#"<svg xmlns="http://www.w3.org/2000/svg" "#, 1);
            let styled = alone.replacen(
                "</desc>",
                &format!("</desc><style>{PLOT_STYLE}</style><rect class=\"paper\" width=\"100%\" height=\"100%\"/>"),
                1,
            );
            (picture_name(self.name, i), styled + "\n")
        };
        self.study.figures.iter().enumerate().map(picture).collect()
    }
}

const CAPTION: &str = "Lines are means; bars and bands are their 95 % intervals.";
/// Points beyond which bars would hide each other.
const MOST_BARS: usize = 30;

/// The file of a study's `i`-th figure.
fn picture_name(name: &str, i: usize) -> String {
    format!("{name}-{}.svg", i + 1)
}

fn plot(figure: &Figure) -> Plot {
    let axis = |i: usize| Axis {
        scale: if figure.logarithmic[i] { ScaleKind::Log } else { ScaleKind::Linear },
        ..Axis::new(figure.axes[i].clone())
    };
    let mut layers = Vec::new();
    for (i, curve) in figure.curves.iter().enumerate().filter(|(_, curve)| !curve.points.is_empty()) {
        let tone = Tone::Contender(i);
        let bars: Vec<[f64; 4]> = curve.points.iter().copied().filter(|point| point[1] < point[3]).collect();
        let spread = if bars.len() > MOST_BARS {
            Mark::Band(bars.iter().map(|[x, low, _, high]| [*x, *low, *high]).collect())
        } else {
            Mark::Bars(bars)
        };
        layers.push(Layer::new("", tone, spread));
        layers.push(Layer::new(
            curve.name.clone(),
            tone,
            Mark::Line(curve.points.iter().map(|p| [p[0], p[2]]).collect()),
        ));
    }
    Plot {
        title: figure.title.clone(),
        description: CAPTION.into(),
        show_title: false,
        x: axis(0),
        y: axis(1),
        layers,
        width: super::figures::WIDE,
        height: 380.0,
    }
}

/// A cell for people.
pub fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => short(*number),
        Cell::Estimate([mean, low, high]) if low == high => short(*mean),
        Cell::Estimate([mean, low, high]) => format!("{} ({} to {})", short(*mean), short(*low), short(*high)),
    }
}

fn as_markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.columns.clone()) + &line(vec!["---".to_owned(); table.columns.len()]);
    table.rows.iter().for_each(|row| out += &line(row.iter().map(text).collect()));
    out
}
