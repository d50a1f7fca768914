//! What a notebook shows of a run or an evaluation: a small table that follows the notebook's own colours, and a picture.

use std::fmt::Write;

use super::figures::learning_curve;
use super::plot::{Axis, Layer, Mark, PLOT_STYLE, Plot, Tone, escape};
use super::scale::{number, short};
use super::{Page, counted, duration};

const HEAD: &str = "font-weight:600;text-align:left;padding:2px 14px 2px 0;white-space:nowrap;vertical-align:top";
const CELL: &str = "text-align:left;padding:2px 14px 2px 0;font-variant-numeric:tabular-nums";
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 170.0;

/// A run: what it is, what it came to or how far it has come, and its learning curve. `report` is the address of its page, where there is one.
pub fn card(page: &Page, report: Option<&str>) -> String {
    let config: toml::Table = page.config.parse().unwrap_or_default();
    let whole = |key: &str| config.get(key).and_then(toml::Value::as_integer).unwrap_or_default();
    let part = |(section, value): (&String, &toml::Value)| {
        let name = value.as_table()?.get("name")?.as_str()?.to_owned();
        (!["environment", "agent"].contains(&section.as_str())).then(|| (section.clone(), name))
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |head: &str, text: String| lines.push((head.to_owned(), text));
    match &page.summary {
        Some(summary) => {
            if !summary.returns.is_empty() {
                let episodes = counted(summary.returns.len() as u64, "evaluation episode");
                line(
                    "return",
                    format!("{} ± {} over {episodes}", short(summary.return_mean), short(summary.return_std)),
                );
            }
            let steps = counted(summary.real_steps, "real step");
            line("experience", format!("{steps} in {}", counted(summary.episodes, "episode")));
            let errors = &summary.model_errors;
            if let Some(one_step) = errors.one_step {
                let ahead = errors.at_horizon.map_or_else(String::new, |far| {
                    format!("; {} at {} ahead", short(far), counted(errors.horizon as u64, "step"))
                });
                line("model error", format!("{} one step ahead{ahead} ({})", short(one_step), errors.unit()));
            }
            for note in &summary.notes {
                line("note", escape(note));
            }
            let (time, unit) = duration(summary.train_secs);
            let rate = summary
                .decisions_per_sec
                .map_or_else(String::new, |rate| format!(", {} decisions a second", short(rate)));
            line("time", format!("{time} {unit} of training{rate}"));
        }
        None => {
            let steps = page.rows.last().map_or(0, |row| row.step);
            line(
                "state",
                format!(
                    "not finished: {} of {} real steps; the same call with <code>resume=True</code> goes on",
                    number(steps as f64, 0),
                    number(whole("steps") as f64, 0)
                ),
            );
        }
    }
    let parts: Vec<(String, String)> = config.iter().filter_map(part).collect();
    for (section, name) in parts.iter().rev() {
        lines.insert(1.min(lines.len()), (escape(section), escape(name)));
    }
    let link = report.map_or_else(String::new, |report| {
        format!(r#"<a href="{}" target="_blank">report</a>, "#, escape(report).replace('"', "&quot;"))
    });
    lines.push(("folder".into(), format!("{link}<code>{}</code>", escape(&page.run))));
    let title = format!("{} · {} · seed {}", page.environment, page.algorithm, whole("seed"));
    let picture = learning_curve(&page.rows).map(|figure| Plot { width: WIDTH, height: HEIGHT, ..figure.plot });
    // One notebook shows many cards, and what is called the same within them would be taken for the first.
    let id: String = page.run.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    table("Run", &title, &lines, picture.as_ref().map(|plot| (plot, id)))
}

/// The episodes of an evaluation: returns with their spread, and lengths.
pub fn evaluation_card(mean: f64, std: f64, returns: &[f64], lengths: &[usize]) -> String {
    let (low, high) =
        returns.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), r| (low.min(*r), high.max(*r)));
    let (shortest, longest) = (lengths.iter().min(), lengths.iter().max());
    let steps = match (shortest, longest) {
        (Some(short), Some(long)) if short != long => {
            format!("{} to {}", number(*short as f64, 0), number(*long as f64, 0))
        }
        (Some(both), _) => number(*both as f64, 0),
        _ => "none".to_owned(),
    };
    let episodes = counted(returns.len() as u64, "episode");
    let lines = [
        ("return".to_owned(), format!("<b>{} ± {}</b> over {episodes}", short(mean), short(std))),
        ("lowest, highest".to_owned(), format!("{}, {}", short(low), short(high))),
        ("steps".to_owned(), format!("{steps} an episode")),
    ];
    let points = returns.iter().enumerate().map(|(i, episode_return)| [i as f64, *episode_return]).collect();
    let picture = Plot {
        title: "Return of each episode".into(),
        description: format!("{episodes}, {} on average", short(mean)),
        show_title: false,
        x: Axis::new("episode"),
        y: Axis::new("return"),
        layers: vec![Layer::new("", Tone::Evaluation, Mark::Dots(points))],
        width: WIDTH,
        height: HEIGHT,
    };
    let id = format!("evaluation-{:x}", mean.to_bits());
    table("Evaluation", "", &lines, (returns.len() > 1).then_some((&picture, id)))
}

fn table(kind: &str, title: &str, lines: &[(String, String)], picture: Option<(&Plot, String)>) -> String {
    let mut out = String::new();
    let name = if title.is_empty() { String::new() } else { format!(" {}", escape(title)) };
    let _ = write!(
        out,
        "<div><p style='margin:4px 0'><b>{kind}</b>{name}</p>\
         <div style='display:flex;gap:24px;align-items:center;flex-wrap:wrap'><div><table style='margin:0;border:none'><tbody>"
    );
    for (head, text) in lines {
        let _ = write!(out, "<tr><td style='{HEAD}'>{head}</td><td style='{CELL}'>{text}</td></tr>");
    }
    out.push_str("</tbody></table></div>");
    if let Some((plot, id)) = picture {
        let _ = write!(out, "<div style='flex:none'><style>{PLOT_STYLE}</style>{}</div>", plot.svg(&id));
    }
    out.push_str("</div></div>");
    out
}
