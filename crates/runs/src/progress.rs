//! What a person sees while a run goes on: a live bar in a terminal, a line an episode where there is none, or nothing.
//!
//! Everything goes to standard error, so that standard output stays free for results.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use worldwright_core::Result;

use crate::report::{counted, duration, number, short};
use crate::{Event, Observer, Row, RowKind};

/// How a run shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A bar that moves; for terminals.
    Live,
    /// A line an episode; for files and pipes.
    Lines,
    /// Nothing.
    Quiet,
}

/// The view of a run.
pub struct Progress {
    view: View,
    out: Box<dyn Write + Send>,
    bar: ProgressBar,
    drawn: Option<Instant>,
    state: State,
}

/// What is known so far; the two views only lay it out.
#[derive(Debug, Default)]
struct State {
    total: u64,
    /// Steps that earlier processes took: they say nothing about this one's pace.
    first_step: u64,
    started: Option<Instant>,
    /// Updates on recorded episodes in all, and the last one that was told of.
    updates: u64,
    told_update: u64,
    step: u64,
    episode: u64,
    return_so_far: f64,
    last_return: Option<f64>,
    best_return: Option<f64>,
    evaluation: Option<(f64, f64)>,
    model_mse: Option<f64>,
    act_secs: f64,
    act_count: u64,
    /// The last episode, whose line waits for the fit that follows it.
    waiting: Option<Finished>,
    heading_done: bool,
    /// Clauses of the last fit's note, without their numbers.
    fit_note: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Finished {
    episode: u64,
    step: u64,
    episode_return: f64,
    /// Whether the end of the run cut it, so that the return is of a part.
    is_cut: bool,
    act_secs: Option<f64>,
}

impl Progress {
    /// A view on standard error.
    pub fn new(view: View) -> Self {
        Self::to(view, Box::new(std::io::stderr()))
    }

    /// A view whose lines go to `out`; a live one draws on standard error in any case.
    pub fn to(view: View, out: Box<dyn Write + Send>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { view, out, bar, drawn: None, state: State::default() }
    }

    /// A line that stays. A terminal that went away must not end the run, so failures to write are no errors.
    fn say(&mut self, text: &str) {
        match self.view {
            View::Live => self.bar.println(text),
            View::Lines => _ = writeln!(self.out, "{text}"),
            View::Quiet => {}
        }
    }

    fn start(&mut self, step: u64, total: u64, title: &str) {
        let state = &mut self.state;
        (state.total, state.first_step, state.step) = (total, step, step);
        state.started = Some(Instant::now());
        if self.view == View::Live {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
            let style = "{prefix:.bold}  {bar:28.cyan/dim} {pos:>6}/{len} steps  {elapsed_precise:.dim}\n{wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_position(step);
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(250));
            self.bar = bar;
        } else {
            let from =
                if step > 0 { format!(", going on after step {}", number(step as f64, 0)) } else { String::new() };
            let (updates, steps) = (counted(self.state.updates, "update"), counted(total, "step"));
            let much = match (self.state.updates, total) {
                (0, _) => steps,
                (_, 0) => format!("{updates} on recorded episodes"),
                _ => format!("{updates} on recorded episodes, then {steps}"),
            };
            self.say(&format!("{title}: {much}{from}"));
        }
    }

    /// Redraws the live line, at most ten times a second: an agent may take thousands of decisions in one.
    fn draw(&mut self, what: Option<&str>) {
        if self.view != View::Live {
            return;
        }
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() > Duration::from_millis(100));
        if due || what.is_some() {
            self.drawn = Some(Instant::now());
            self.bar.set_position(self.state.step);
            self.bar.set_message(self.state.live_line(what));
        }
    }

    fn row(&mut self, row: &Row) {
        match row.kind {
            RowKind::Episode => {
                self.flush_episode();
                let episode_return = row.get("return").unwrap_or(f64::NAN);
                let (state, is_cut) = (&mut self.state, row.get("cut").is_some());
                state.last_return = Some(episode_return);
                if !is_cut && state.best_return.is_none_or(|best| episode_return > best) {
                    state.best_return = Some(episode_return);
                }
                (state.step, state.episode) = (row.step, row.episode);
                let act_secs = (state.act_count > 0).then(|| state.act_secs / state.act_count as f64);
                state.waiting =
                    Some(Finished { episode: row.episode, step: row.step, episode_return, is_cut, act_secs });
                (state.act_secs, state.act_count) = (0.0, 0);
            }
            RowKind::Study => self.study(row),
            RowKind::Learn => {
                if let Some(mse) = row.get("holdout_mse").filter(|mse| mse.is_finite()) {
                    self.state.model_mse = Some(mse);
                }
            }
            RowKind::Evaluation => {
                self.flush_episode();
                let mean = row.get("return_mean").unwrap_or(f64::NAN);
                let std = row.get("return_std").unwrap_or(0.0);
                self.state.evaluation = Some((mean, std));
                if self.view == View::Lines {
                    let episodes = row.get("episodes").unwrap_or(0.0);
                    self.say(&format!(
                        "  evaluation at step {}: {} ± {} over {} episode{}",
                        number(row.step as f64, 0),
                        short(mean),
                        short(std),
                        number(episodes, 0),
                        if episodes == 1.0 { "" } else { "s" }
                    ));
                }
            }
        }
    }

    /// Says what the updates on recorded episodes come to, some ten times in all.
    fn study(&mut self, row: &Row) {
        let tenth = |update: u64| 10 * update / self.state.updates.max(1);
        if self.view != View::Lines || tenth(row.step) == tenth(self.state.told_update) {
            return;
        }
        self.state.told_update = row.step;
        let numbers: Vec<String> = (row.values.iter())
            .filter(|(name, value)| name != "updates" && value.is_finite() && *value != 0.0)
            .map(|(name, value)| format!("{} {}", name.replace('_', " "), short(*value)))
            .collect();
        self.say(&format!(
            "  update {} of {}: {}",
            number(row.step as f64, 0),
            number(self.state.updates as f64, 0),
            numbers.join(", ")
        ));
    }

    /// Says those clauses of a fit's note that the fit before did not say, other numbers apart: a choice of another model is
    /// news, a count that rose is not.
    fn fit_note(&mut self, note: &str) {
        let wording = |clause: &str| {
            let words = clause.split(|c: char| c.is_ascii_digit() || ".,-".contains(c));
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("#")
        };
        let clauses: Vec<&str> = note.split(';').map(str::trim).collect();
        let wordings: Vec<String> = clauses.iter().map(|clause| wording(clause)).collect();
        let before = std::mem::replace(&mut self.state.fit_note, wordings);
        let news: Vec<&str> = clauses
            .into_iter()
            .zip(&self.state.fit_note)
            .filter(|(_, wording)| !before.contains(wording))
            .map(|(clause, _)| clause)
            .collect();
        if !news.is_empty() {
            let news = news.join("; ");
            self.flush_episode();
            self.say(&format!("  note: {news}"));
        }
    }

    /// Writes the line of the episode that waits. Its fit has come by the time the next thing happens.
    fn flush_episode(&mut self) {
        let Some(finished) = self.state.waiting.take() else { return };
        if self.view != View::Lines {
            return;
        }
        if !self.state.heading_done {
            self.state.heading_done = true;
            self.say(&columns(["episode", "steps", "return", "model error", "planning", "elapsed", "left"]));
        }
        let state = &self.state;
        let time = |secs: f64| {
            let (time, unit) = duration(secs);
            format!("{time} {unit}")
        };
        let line = columns([
            &number(finished.episode as f64 + 1.0, 0),
            &number(finished.step as f64, 0),
            &format!("{}{}", short(finished.episode_return), if finished.is_cut { " cut" } else { "" }),
            &state.model_mse.map_or("–".to_owned(), |mse| short(mse.sqrt())),
            &finished.act_secs.map_or("–".to_owned(), time),
            &state.started.map_or("–".to_owned(), |started| time(started.elapsed().as_secs_f64())),
            &state.left_secs().map_or("–".to_owned(), time),
        ]);
        self.say(&line);
    }
}

/// Right-aligned columns. Widths count characters, since `−` and `±` are several bytes.
fn columns(cells: [&str; 7]) -> String {
    let widths = [7, 9, 11, 12, 10, 10, 10];
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let missing = usize::saturating_sub(width, cell.chars().count());
        format!("{}{cell}", " ".repeat(missing))
    });
    padded.collect::<Vec<_>>().join(" ")
}

impl State {
    /// Seconds to the last step at this process' mean pace; none before the first and after the last.
    fn left_secs(&self) -> Option<f64> {
        let done = self.step.saturating_sub(self.first_step);
        let elapsed = self.started?.elapsed().as_secs_f64();
        let left = self.total.saturating_sub(self.step);
        (done > 0 && left > 0).then(|| elapsed / done as f64 * left as f64)
    }

    fn live_line(&self, what: Option<&str>) -> String {
        let mut parts = vec![match what {
            Some(what) => what.to_owned(),
            None => format!("episode {}: return so far {}", self.episode + 1, short(self.return_so_far)),
        }];
        if let (Some(last), Some(best)) = (self.last_return, self.best_return) {
            parts.push(format!("last {}, best {}", short(last), short(best)));
        }
        if let Some((mean, std)) = self.evaluation {
            parts.push(format!("evaluation {} ± {}", short(mean), short(std)));
        }
        if let Some(mse) = self.model_mse {
            parts.push(format!("model error {} std", short(mse.sqrt())));
        }
        if self.act_count > 0 {
            let (time, unit) = duration(self.act_secs / self.act_count as f64);
            parts.push(format!("planning {time} {unit}"));
        }
        if let Some(left) = self.left_secs() {
            let (time, unit) = duration(left);
            parts.push(format!("{time} {unit} left"));
        }
        parts.join(" · ")
    }
}

impl Observer for Progress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if self.view == View::Quiet {
            return Ok(());
        }
        match event {
            Event::Started { experiment, step, episode, .. } => {
                self.state.episode = *episode;
                let title = format!("{} · {}", experiment.environment.name, experiment.agent.name);
                self.state.updates = experiment.updates;
                self.start(*step, experiment.steps, &title);
                experiment.because.lines().for_each(|reason| self.say(&format!("  {reason}")));
                if experiment.reward.kind == "expression" {
                    let reward = &experiment.reward.expression;
                    self.say(&format!("  plans for {reward}; the returns shown are of the environment's own reward"));
                }
                self.draw(Some("starting"));
            }
            Event::Step { step, episode, return_so_far, act_secs } => {
                self.flush_episode();
                let state = &mut self.state;
                (state.step, state.episode, state.return_so_far) = (*step, *episode, *return_so_far);
                if let Some(act_secs) = act_secs {
                    state.act_secs += act_secs;
                    state.act_count += 1;
                }
                self.draw(None);
            }
            Event::Studied { update, of } => {
                self.draw(Some(&format!(
                    "update {} of {} on recorded episodes",
                    number(*update as f64, 0),
                    number(*of as f64, 0)
                )));
            }
            Event::Learning => self.draw(Some("learning")),
            Event::Row(row) => self.row(row),
            Event::EvaluationEpisode { episode, of, episode_return } => {
                self.flush_episode();
                self.draw(Some(&format!("evaluation {}/{of}: return {}", episode + 1, short(*episode_return))));
            }
            Event::Note(note) => {
                self.flush_episode();
                self.say(&format!("  note: {note}"));
            }
            Event::FitNote(note) => self.fit_note(note),
            Event::Checkpoint { .. } => {}
            Event::Stopped { updates, step } => {
                self.flush_episode();
                self.bar.finish_and_clear();
                // Updates on recorded episodes come before all steps.
                self.say(&match (*updates, *step) {
                    (0, 0) => "stopped before a step was saved".to_owned(),
                    (updates, 0) => {
                        format!("stopped; everything up to update {} is saved", number(updates as f64, 0))
                    }
                    (_, step) => format!("stopped; everything up to step {} is saved", number(step as f64, 0)),
                });
            }
            Event::Finished(_) => {
                self.flush_episode();
                self.bar.finish_and_clear();
            }
        }
        Ok(())
    }
}
