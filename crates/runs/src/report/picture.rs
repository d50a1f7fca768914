//! A run in one stand-alone SVG, for a front page: the learning curve beside what the model predicted.

use std::fmt::Write;

use super::Page;
use super::figures;
use super::plot::{PLOT_STYLE, escape};

const GAP: f64 = 20.0;

/// The learning curve and the first rollout's liveliest channel and reward, side by side on their own background. An image tag can
/// show it: it carries its style and follows the reader's light or dark.
pub fn picture(page: &Page) -> String {
    let mut plots = Vec::new();
    if let Some(mut figure) = figures::learning_curve(&page.rows) {
        (figure.plot.width, figure.plot.height, figure.plot.show_title) = (440.0, 340.0, true);
        plots.push((figure.plot, 0.0, 0.0));
    }
    if let Some((rollout, diagnostics)) = page.diagnostics.as_ref().and_then(|d| Some((d.rollouts.first()?, d))) {
        let left = if plots.is_empty() { 0.0 } else { 440.0 + GAP };
        let mut panels = figures::rollout(rollout, diagnostics.dt_secs, usize::MAX);
        // The reward is last; before it the channel that moves most, which says more than one at rest.
        let reward = panels.pop();
        let liveliest = rollout
            .observation
            .iter()
            .zip(panels)
            .max_by(|(a, _), (b, _)| turns(&a.real).total_cmp(&turns(&b.real)))
            .map(|(_, panel)| panel);
        for (i, mut plot) in liveliest.into_iter().chain(reward).enumerate() {
            (plot.width, plot.height) = (360.0, 170.0);
            if i == 0 {
                plot.layers.extend(figures::rollout_key(rollout).into_iter().take(2));
            }
            plots.push((plot, left, 170.0 * i as f64));
        }
    }
    let right = plots.iter().map(|(plot, left, _)| left + plot.width).fold(0.0, f64::max);
    let bottom = plots.iter().map(|(plot, _, top)| top + plot.height).fold(0.0, f64::max);
    let (width, height) = (right + 2.0 * GAP, bottom + 2.0 * GAP);
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"><title>{} learned by {}</title><style>{PLOT_STYLE}</style><rect class="paper" width="{width}" height="{height}" rx="8"/>"#,
        escape(&page.environment),
        escape(&page.algorithm)
    );
    for (plot, left, top) in &plots {
        let _ = write!(out, r#"<g transform="translate({} {})">"#, left + GAP, top + GAP);
        plot.draw(&mut out);
        out.push_str("</g>");
    }
    out.push_str("</svg>\n");
    out
}

/// Path length of a signal in units of its range: how much there is to follow.
fn turns(signal: &[f64]) -> f64 {
    let (low, high) =
        signal.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(*y), high.max(*y)));
    let travelled: f64 = signal.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
    if high > low { travelled / (high - low) } else { 0.0 }
}
