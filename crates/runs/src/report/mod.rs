//! What a run looks like to people: one page that works offline, a card for notebooks, a picture for a front page, a film of an episode.
//!
//! [`html`] writes a single file without scripts or links to elsewhere: plots are SVG, the film is a GIF inside it, and light
//! and dark follow the reader's system. It is drawn from a [`Page`], so that a report can be written anew at any time from
//! what a run folder holds, whether the run has finished or not.

mod card;
mod figures;
mod film;
mod picture;
pub mod plot;
mod read;
mod scale;
mod study;

use std::fmt::Write;

use base64::Engine;

pub use self::card::{card, evaluation_card};
use self::figures::Figure;
pub use self::film::gif;
pub use self::picture::picture;
use self::plot::{PLOT_STYLE, escape, legend};
pub use self::scale::{number, short};
pub use self::study::{StudyPage, text as cell_text};
use crate::{Accounts, Diagnostics, Row, Summary};

/// Everything that a report shows. What a run does not have yet is left out of the page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The environment's name.
    pub environment: String,
    /// The algorithm's name.
    pub algorithm: String,
    /// The run's folder, as a user would write it on the command line.
    pub run: String,
    /// What the run came to; none while it is not finished.
    pub summary: Option<Summary>,
    /// How well the model predicts; none while the run is not finished.
    pub diagnostics: Option<Diagnostics>,
    /// The lines of `metrics.jsonl`.
    pub rows: Vec<Row>,
    /// The resolved configuration, as TOML.
    pub config: String,
    /// Names and versions of what took part.
    pub versions: Vec<(String, String)>,
    /// GIF of the last evaluation episode.
    pub film: Option<Vec<u8>>,
}

/// Panels of a rollout that are shown; an observation of images or of a whole robot has more dimensions than eyes can follow.
const MOST_PANELS: usize = 10;

/// The report as one HTML file.
pub fn html(page: &Page) -> String {
    let mut out = String::with_capacity(1 << 17);
    let title = format!("{} learned by {}", page.environment, page.algorithm);
    let _ = write!(
        out,
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Worldwright {}"><title>{}</title>
<style>{}{PLOT_STYLE}</style></head><body><main>
<header><h1>{}</h1>"#,
        env!("CARGO_PKG_VERSION"),
        escape(&title),
        include_str!("page.css"),
        escape(&title)
    );
    opening(&mut out, page);
    out.push_str("</header>");
    if let Some(figure) = figures::learning_curve(&page.rows) {
        section(&mut out, "Learning curve", "wide", "learning", &figure);
    }
    film(&mut out, page);
    if let Some(diagnostics) = &page.diagnostics {
        rollouts(&mut out, diagnostics);
        if let Some(figure) = figures::k_step_error(diagnostics) {
            section(&mut out, "Error against steps ahead", "wide", "steps", &figure);
        }
        if let Some(figure) = figures::calibration(diagnostics) {
            section(&mut out, "Calibration", "square", "calibration", &figure);
        }
    }
    record(&mut out, page);
    going_on(&mut out, page);
    let _ = writeln!(
        out,
        "<footer>Written by Worldwright {} from <code>{}</code>. This file needs nothing else: no network, no script.</footer></main></body></html>",
        env!("CARGO_PKG_VERSION"),
        escape(&page.run)
    );
    out
}

fn opening(out: &mut String, page: &Page) {
    let Some(summary) = &page.summary else {
        let last = page.rows.last();
        let _ = write!(
            out,
            r#"<p class="lead">This run is not finished: {} in {} so far. It goes on with <code>worldwright learn --resume</code>, see below.</p>"#,
            counted(last.map_or(0, |row| row.step), "real step"),
            counted(last.map_or(0, |row| row.episode), "episode")
        );
        return;
    };
    let parts: Vec<String> = (summary.parts.iter())
        .map(|(section, name)| format!("the {} <em>{}</em>", escape(section), escape(name)))
        .collect();
    let made_of = if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(" and ")) };
    let studied = match summary.updates {
        0 => String::new(),
        updates => format!("{} on recorded episodes, ", counted(updates, "update")),
    };
    let _ = write!(
        out,
        r#"<p class="lead">{studied}{} real steps in {}{made_of}, seed&nbsp;{}.</p><dl class="numbers">"#,
        number(summary.real_steps as f64, 0),
        counted(summary.episodes, "episode"),
        summary.seed
    );
    let mut tile = |name: &str, value: String, unit: String| {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>");
    };
    if !summary.returns.is_empty() {
        tile(
            &format!("return over {}", counted(summary.returns.len() as u64, "episode")),
            short(summary.return_mean),
            format!("± {}", short(summary.return_std)),
        );
    }
    let (wall, unit) = duration(summary.wall_secs);
    tile("wall time", wall, unit.into());
    if let Some(rate) = summary.decisions_per_sec {
        tile("decisions", short(rate), "per second".into());
    }
    if let Some(error) = summary.model_errors.one_step {
        tile("model error, one step", short(error), "std".into());
    }
    out.push_str("</dl>");
    for note in &summary.notes {
        let _ = write!(out, "<p>{}.</p>", escape(&sentence(note)));
    }
}

/// What learning asked for beside real steps, in a line.
pub fn asked(accounts: &Accounts) -> String {
    let Accounts { resets, rewards, model_steps, gradients, policy_bytes, regret } = *accounts;
    let counts = [(resets, "reset"), (rewards, "reward"), (model_steps, "model step"), (gradients, "gradient")];
    let mut each: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what)).collect();
    each.push(format!("{} bytes of what acts", number(policy_bytes as f64, 0)));
    each.extend(regret.map(|regret| format!("regret {}", short(regret))));
    each.join(", ")
}

/// A note as the beginning of a paragraph.
fn sentence(note: &str) -> String {
    let mut letters = note.trim().trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn section(out: &mut String, heading: &str, class: &str, id: &str, figure: &Figure) {
    let _ = write!(
        out,
        r#"<section><h2>{heading}</h2><figure class="{class}"><div class="scroll">{}</div><figcaption>{}</figcaption></figure></section>"#,
        figure.plot.svg(id),
        escape(&figure.caption)
    );
}

fn film(out: &mut String, page: &Page) {
    let Some(film) = &page.film else { return };
    let _ = write!(
        out,
        r#"<section><h2>The last episode</h2><figure><img class="film" alt="The last evaluation episode of {}, as a film" src="data:image/gif;base64,{}"></figure></section>"#,
        escape(&page.environment),
        base64::engine::general_purpose::STANDARD.encode(film)
    );
}

fn rollouts(out: &mut String, diagnostics: &Diagnostics) {
    let Some(first) = diagnostics.rollouts.first() else { return };
    let _ = write!(
        out,
        "<section><h2>Predicted against real</h2><p>From one real observation on, the model imagines what the episode’s own actions lead to and sees nothing of what happens. These are evaluation episodes, which it never learned from.</p>{}",
        legend(&figures::rollout_key(first))
    );
    for (i, rollout) in diagnostics.rollouts.iter().enumerate() {
        let plots = figures::rollout(rollout, diagnostics.dt_secs, MOST_PANELS);
        let steps = rollout.reward.real.len();
        let (number, start) = (rollout.episode + 1, rollout.start);
        let caption = format!("Evaluation episode {number}, steps {start} to {}", start + steps);
        if i == 1 {
            out.push_str("<details><summary>More rollouts</summary>");
        }
        out.push_str(r#"<figure><div class="panels">"#);
        for (panel, plot) in plots.iter().enumerate() {
            out.push_str(&plot.svg(&format!("rollout-{i}-{panel}")));
        }
        let _ = write!(out, "</div><figcaption>{caption}.");
        let dims = first.observation.len();
        if dims + 1 > MOST_PANELS {
            let _ = write!(out, " The first {} of {dims} dimensions and the reward.", MOST_PANELS - 1);
        }
        out.push_str("</figcaption></figure>");
    }
    if diagnostics.rollouts.len() > 1 {
        out.push_str("</details>");
    }
    if diagnostics.diverged > 0 {
        let _ = write!(
            out,
            "<p>{} became infinite or undefined and are in no number of this page.</p>",
            counted(diagnostics.diverged as u64, "imagined trajectory")
        );
    }
    out.push_str("</section>");
}

fn record(out: &mut String, page: &Page) {
    out.push_str("<section><h2>Record</h2><table>");
    let mut line = |name: &str, value: String| {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th><td>{value}</td></tr>", escape(name));
    };
    if let Some(summary) = &page.summary {
        let time = |secs| {
            let (time, unit) = duration(secs);
            format!("{time} {unit}")
        };
        let returns = &summary.returns;
        if !returns.is_empty() {
            line(
                "Return, mean ± std",
                format!("{} ± {}", number(summary.return_mean, 2), number(summary.return_std, 2)),
            );
        }
        if returns.len() > 1 {
            let (low, high) =
                returns.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), r| (low.min(*r), high.max(*r)));
            line(
                &format!("Worst and best of {}", counted(returns.len() as u64, "evaluation episode")),
                format!("{} and {}", number(low, 2), number(high, 2)),
            );
        }
        line(
            "Real steps",
            format!("{} in {}", number(summary.real_steps as f64, 0), counted(summary.episodes, "episode")),
        );
        line(
            "Wall time",
            format!(
                "{}: {} of training, of which {} learning, and {} of evaluation",
                time(summary.wall_secs),
                time(summary.train_secs),
                time(summary.learn_secs),
                time(summary.evaluation_secs)
            ),
        );
        if let Some(rate) = summary.decisions_per_sec {
            line("Decisions per second", short(rate));
        }
        let errors = &summary.model_errors;
        if let Some(one_step) = errors.one_step {
            let far = errors.at_horizon.map_or(String::new(), |far| {
                format!(", {} ahead {}", counted(errors.horizon as u64, "step"), short(far))
            });
            line("Model error", format!("one step ahead {}{far} ({})", short(one_step), errors.unit()));
        }
        if let Some(reward) = errors.reward {
            line("Reward error", format!("one step ahead {}", short(reward)));
        }
        line("Asked for", asked(&summary.accounts));
        line("Seed", summary.seed.to_string());
        line("Configuration", format!("<code>sha256 {}</code>", escape(&summary.config_sha256)));
        line("Weights", format!("<code>sha256 {}</code>", escape(&summary.weights_digest)));
    }
    for (name, version) in &page.versions {
        line(name, escape(version));
    }
    out.push_str("</table>");
    if !page.config.is_empty() {
        let _ = write!(
            out,
            "<details><summary>The whole configuration</summary><pre>{}</pre></details>",
            escape(page.config.trim_end())
        );
    }
    out.push_str("</section>");
}

fn going_on(out: &mut String, page: &Page) {
    out.push_str(r#"<section><h2>Going on from here</h2><dl class="steps">"#);
    let run = shell_word(&page.run);
    let mut step = |what: &str, command: String| {
        let _ = write!(out, "<dt>{what}</dt><dd><pre>{}</pre></dd>", escape(&command));
    };
    if let Some(summary) = &page.summary {
        let bundle = shell_word(&format!("{}/{}", page.run.trim_end_matches('/'), summary.bundle));
        step("Evaluate what was learned on new episodes", format!("worldwright eval {bundle}"));
        step("Ask it for a plan", format!("worldwright plan {bundle}"));
    } else {
        step("Resume", format!("worldwright learn {} --resume --run-dir {run}", shell_word(&page.environment)));
    }
    step("Watch every number in TensorBoard", format!("tensorboard --logdir {run}"));
    step("Write this report anew", format!("worldwright report {run}"));
    out.push_str("</dl></section>");
}

/// `text` as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:=+,@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// `1 episode`, `2 episodes`, `3 trajectories`.
pub fn counted(count: u64, what: &str) -> String {
    let plural = match what.strip_suffix('y') {
        _ if count == 1 => what.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{what}s"),
    };
    format!("{} {plural}", number(count as f64, 0))
}

/// A time for people, with its unit.
pub fn duration(secs: f64) -> (String, &'static str) {
    match secs {
        s if s < 1e-4 => (number(1e6 * s, 1), "µs"),
        s if s < 0.1 => (number(1000.0 * s, 1), "ms"),
        s if s < 60.0 => (number(s, 1), "s"),
        s if s < 3600.0 => (format!("{}:{:02}", (s / 60.0) as u64, s as u64 % 60), "min"),
        s => (format!("{}:{:02}", (s / 3600.0) as u64, (s / 60.0) as u64 % 60), "h"),
    }
}
