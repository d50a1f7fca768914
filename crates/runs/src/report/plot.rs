//! Plots as SVG text: lines, bands, dots, error bars and rules over two axes with a legend.
//!
//! Colours come from classes, so that one style sheet ([`PLOT_STYLE`]) serves light and dark, and the same plot stands in a
//! page or alone. Each has a title and a description for readers who listen instead of look.

use std::fmt::Write;

use super::scale::Scale;
pub use super::scale::ScaleKind;

/// The rules that colour a plot; a page includes it once, a stand-alone picture carries it.
pub const PLOT_STYLE: &str = include_str!("plot.css");

/// What a layer shows, by its role in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What really happened.
    Real,
    /// What the model said.
    Model,
    /// What was measured for the record (evaluation episodes).
    Evaluation,
    /// What it is compared with.
    Baseline,
    /// One of several alike, by its number; colours come again after eight.
    Contender(usize),
}

const CONTENDERS: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Model => "model",
            Self::Evaluation => "evaluation",
            Self::Baseline => "baseline",
            Self::Contender(number) => CONTENDERS[number % CONTENDERS.len()],
        }
    }
}

/// How a layer's numbers are drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Points `[x, y]` joined in order; a number that is not finite breaks the line.
    Line(Vec<[f64; 2]>),
    /// The same, dashed.
    Dashed(Vec<[f64; 2]>),
    /// The same, thin and faint: one of many.
    Thin(Vec<[f64; 2]>),
    /// The area between `[x, low, high]`.
    Band(Vec<[f64; 3]>),
    /// Points `[x, y]`.
    Dots(Vec<[f64; 2]>),
    /// `[x, low, middle, high]`: a point with its spread.
    Bars(Vec<[f64; 4]>),
    /// A level line across the plot.
    Level(f64),
}

/// One thing shown. Layers without a name do not enter the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Name in the legend.
    pub name: String,
    /// Its role, and so its colour.
    pub tone: Tone,
    /// Its numbers.
    pub mark: Mark,
}

impl Layer {
    /// A layer.
    pub fn new(name: impl Into<String>, tone: Tone, mark: Mark) -> Self {
        Self { name: name.into(), tone, mark }
    }
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// How numbers are laid along it.
    pub scale: ScaleKind,
    /// Numbers that must be in view besides the data.
    pub include: Vec<f64>,
    /// Whether limits end exactly at the data (a time axis) instead of at round numbers.
    pub tight: bool,
}

impl Axis {
    /// An even axis.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows, in a line; stands above it when `show_title` is set, and is always there for screen readers.
    pub title: String,
    /// What is seen in it, for screen readers.
    pub description: String,
    /// Whether the title is drawn.
    pub show_title: bool,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first lowest.
    pub layers: Vec<Layer>,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
}

/// Average advance of a character at the plot's font size of 12; no font is measured, so it leans to the wide side.
const CHARACTER: f64 = 6.7;
const LEGEND_ROW: f64 = 20.0;

impl Plot {
    /// The plot as an `<svg>` element; `id` must be unique in the page.
    pub fn svg(&self, id: &str) -> String {
        let mut out = String::new();
        let (width, height) = (self.width, self.height);
        let _ = write!(
            out,
            r#"<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{id}-title {id}-text"><title id="{id}-title">{}</title><desc id="{id}-text">{}</desc>"#,
            escape(&self.title),
            escape(&self.description)
        );
        self.draw(&mut out);
        out.push_str("</svg>");
        out
    }

    /// Draws the inside of the `<svg>` element.
    pub(super) fn draw(&self, out: &mut String) {
        let title = if self.show_title { 22.0 } else { 0.0 };
        let legend = self.legend();
        let legend_rows = legend.iter().map(|(row, ..)| row + 1).max().unwrap_or(0);
        let top = title + legend_rows as f64 * LEGEND_ROW + 10.0;
        let bottom = self.height - 42.0;

        let y_ticks = ((bottom - top) / 46.0).round().clamp(2.0, 7.0) as usize;
        let y = Scale::over(
            self.y.scale,
            self.numbers(false).chain(self.y.include.iter().copied()),
            y_ticks,
            !self.y.tight,
        );
        let widest = y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(1);
        let left = if self.y.label.is_empty() { 14.0 } else { 30.0 } + widest as f64 * CHARACTER;
        let right = self.width - 16.0;
        let x_ticks = ((right - left) / 90.0).round().clamp(2.0, 8.0) as usize;
        let x =
            Scale::over(self.x.scale, self.numbers(true).chain(self.x.include.iter().copied()), x_ticks, !self.x.tight);
        let frame = Frame { left, right, top, bottom, x: &x, y: &y };

        if self.show_title {
            let _ = write!(out, r#"<text class="title" x="{left:.1}" y="15">{}</text>"#, escape(&self.title));
        }
        frame.axes(out, &self.x.label, &self.y.label);
        for layer in &self.layers {
            frame.layer(out, layer);
        }
        for (row, start, layer) in legend {
            swatch(out, left + start, title + row as f64 * LEGEND_ROW + 10.0, layer);
        }
    }

    /// The finite numbers that axis `x` or `y` must show.
    fn numbers(&self, x: bool) -> impl Iterator<Item = f64> {
        let pick = move |point: &[f64]| -> Vec<f64> { if x { vec![point[0]] } else { point[1..].to_vec() } };
        self.layers.iter().flat_map(move |layer| -> Vec<f64> {
            match &layer.mark {
                Mark::Line(points) | Mark::Dashed(points) | Mark::Thin(points) | Mark::Dots(points) => {
                    points.iter().flat_map(|point| pick(point)).collect()
                }
                Mark::Band(points) => points.iter().flat_map(|point| pick(point)).collect(),
                Mark::Bars(points) => points.iter().flat_map(|point| pick(point)).collect(),
                Mark::Level(_) if x => Vec::new(),
                Mark::Level(level) => vec![*level],
            }
        })
    }

    /// Row, offset and layer of each legend entry, wrapped to the width.
    fn legend(&self) -> Vec<(usize, f64, &Layer)> {
        let room = self.width - 50.0;
        let (mut row, mut start) = (0, 0.0);
        let mut out = Vec::new();
        for layer in self.layers.iter().filter(|layer| !layer.name.is_empty()) {
            let width = entry_width(layer);
            if start > 0.0 && start + width > room {
                (row, start) = (row + 1, 0.0);
            }
            out.push((row, start, layer));
            start += width;
        }
        out
    }
}

/// The names and colours of `layers` alone, in one row: for panels that share them.
pub fn legend(layers: &[Layer]) -> String {
    let (mut inside, mut start) = (String::new(), 1.0);
    for layer in layers.iter().filter(|layer| !layer.name.is_empty()) {
        swatch(&mut inside, start, 10.0, layer);
        start += entry_width(layer);
    }
    format!(
        r#"<svg class="plot" viewBox="0 0 {start} 20" width="{start}" height="20" aria-hidden="true">{inside}</svg>"#
    )
}

fn entry_width(layer: &Layer) -> f64 {
    46.0 + layer.name.chars().count() as f64 * CHARACTER
}

/// The rectangle of the data with its scales.
struct Frame<'a> {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: &'a Scale,
    y: &'a Scale,
}

impl Frame<'_> {
    fn at_x(&self, number: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.place(number)
    }

    /// Numbers far outside are held near the frame, so that no coordinate overflows a viewer.
    fn at_y(&self, number: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.place(number).clamp(-2.0, 3.0)
    }

    fn axes(&self, out: &mut String, x_label: &str, y_label: &str) {
        let (left, right, top, bottom) = (self.left, self.right, self.top, self.bottom);
        for (tick, label) in &self.y.ticks {
            let at = self.at_y(*tick);
            let _ = write!(
                out,
                r#"<line class="grid" x1="{left:.1}" x2="{right:.1}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
                left - 8.0,
                at + 4.0
            );
        }
        let _ = write!(out, r#"<line class="axis" x1="{left:.1}" x2="{right:.1}" y1="{bottom:.1}" y2="{bottom:.1}"/>"#);
        for (tick, label) in &self.x.ticks {
            let at = self.at_x(*tick);
            // A label centred under a tick at the very end would leave the picture.
            let half = 0.5 * label.chars().count() as f64 * CHARACTER;
            let text_at = at.min(right + 14.0 - half);
            let _ = write!(
                out,
                r#"<line class="axis" x1="{at:.1}" x2="{at:.1}" y1="{bottom:.1}" y2="{:.1}"/><text class="tick" x="{text_at:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                bottom + 4.0,
                bottom + 17.0
            );
        }
        let _ = write!(
            out,
            r#"<text class="label" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            0.5 * (left + right),
            bottom + 35.0,
            escape(x_label)
        );
        let middle = 0.5 * (top + bottom);
        let _ = write!(
            out,
            r#"<text class="label" transform="translate(13 {middle:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escape(y_label)
        );
    }

    fn layer(&self, out: &mut String, layer: &Layer) {
        let tone = layer.tone.class();
        match &layer.mark {
            Mark::Line(points) => self.line(out, &format!("line {tone}"), points),
            Mark::Dashed(points) => self.line(out, &format!("line dashed {tone}"), points),
            Mark::Thin(points) => self.line(out, &format!("line thin {tone}"), points),
            Mark::Band(points) => self.band(out, tone, points),
            Mark::Dots(points) => {
                for [x, y] in points.iter().filter(|point| self.shows(&point[..])) {
                    let _ = write!(
                        out,
                        r#"<circle class="dot {tone}" cx="{:.1}" cy="{:.1}" r="2.6"/>"#,
                        self.at_x(*x),
                        self.at_y(*y)
                    );
                }
            }
            Mark::Bars(points) => {
                for [x, low, middle, high] in points.iter().filter(|point| self.shows(&point[..])) {
                    let (x, low, high) = (self.at_x(*x), self.at_y(*low), self.at_y(*high));
                    let _ = write!(
                        out,
                        r#"<path class="whisker {tone}" d="M{x:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h6M{:.1} {high:.1}h6"/><circle class="dot {tone}" cx="{x:.1}" cy="{:.1}" r="3.4"/>"#,
                        x - 3.0,
                        x - 3.0,
                        self.at_y(*middle)
                    );
                }
            }
            Mark::Level(level) => {
                let at = self.at_y(*level);
                let _ = write!(
                    out,
                    r#"<line class="line dashed {tone}" x1="{:.1}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/>"#,
                    self.left, self.right
                );
            }
        }
    }

    fn shows(&self, point: &[f64]) -> bool {
        self.x.place(point[0]).is_finite() && point[1..].iter().all(|number| self.y.place(*number).is_finite())
    }

    fn line(&self, out: &mut String, class: &str, points: &[[f64; 2]]) {
        let points = thin(points, 2.0 * (self.right - self.left));
        let mut path = String::new();
        let mut pen_down = false;
        for point in &points {
            if self.shows(&point[..]) {
                let pen = if pen_down { 'L' } else { 'M' };
                let _ = write!(path, "{pen}{:.1} {:.1}", self.at_x(point[0]), self.at_y(point[1]));
            }
            pen_down = self.shows(point);
        }
        if !path.is_empty() {
            let _ = write!(out, r#"<path class="{class}" d="{path}"/>"#);
        }
    }

    fn band(&self, out: &mut String, tone: &str, points: &[[f64; 3]]) {
        // Each unbroken stretch is an area of its own.
        for stretch in points.split(|point| !self.shows(&point[..])).filter(|stretch| !stretch.is_empty()) {
            let mut path = String::new();
            let forth = stretch.iter().map(|[x, _, high]| (x, high));
            let back = stretch.iter().rev().map(|[x, low, _]| (x, low));
            for (i, (x, y)) in forth.chain(back).enumerate() {
                let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { 'M' } else { 'L' }, self.at_x(*x), self.at_y(*y));
            }
            let _ = write!(out, r#"<path class="band {tone}" d="{path}Z"/>"#);
        }
    }
}

/// At most about `most` points: of each run of neighbours the lowest and the highest stay, so that no peak is lost.
pub(super) fn thin(points: &[[f64; 2]], most: f64) -> Vec<[f64; 2]> {
    let run = (2.0 * points.len() as f64 / most).ceil() as usize;
    if run <= 2 {
        return points.to_vec();
    }
    let mut out = Vec::with_capacity(2 * points.len() / run + 2);
    for chunk in points.chunks(run) {
        let low = (0..chunk.len()).min_by(|a, b| chunk[*a][1].total_cmp(&chunk[*b][1])).unwrap_or(0);
        let high = (0..chunk.len()).max_by(|a, b| chunk[*a][1].total_cmp(&chunk[*b][1])).unwrap_or(0);
        out.extend([chunk[low.min(high)], chunk[low.max(high)]]);
    }
    out
}

fn swatch(out: &mut String, x: f64, y: f64, layer: &Layer) {
    let tone = layer.tone.class();
    let end = x + 18.0;
    let _ = match layer.mark {
        Mark::Line(_) => write!(out, r#"<path class="line {tone}" d="M{x:.1} {y:.1}H{end:.1}"/>"#),
        Mark::Thin(_) => write!(out, r#"<path class="line thin {tone}" d="M{x:.1} {y:.1}H{end:.1}"/>"#),
        Mark::Dashed(_) | Mark::Level(_) => {
            write!(out, r#"<path class="line dashed {tone}" d="M{x:.1} {y:.1}H{end:.1}"/>"#)
        }
        Mark::Band(_) => {
            write!(out, r#"<rect class="band {tone}" x="{x:.1}" y="{:.1}" width="18" height="11"/>"#, y - 5.5)
        }
        Mark::Dots(_) => write!(out, r#"<circle class="dot {tone}" cx="{:.1}" cy="{y:.1}" r="3"/>"#, x + 9.0),
        Mark::Bars(_) => write!(
            out,
            r#"<path class="whisker {tone}" d="M{m:.1} {:.1}v12"/><circle class="dot {tone}" cx="{m:.1}" cy="{y:.1}" r="3.4"/>"#,
            y - 6.0,
            m = x + 9.0
        ),
    };
    let _ = write!(out, r#"<text class="key" x="{:.1}" y="{:.1}">{}</text>"#, x + 25.0, y + 4.0, escape(&layer.name));
}

/// Text for HTML and SVG, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
