//! Why a candidate was chosen, in sentences that its user understands.

use super::domain::Domain;
use super::options::Row;
use super::prediction::Prediction;
use super::record::Prior;

/// What there is to tell.
pub(super) struct Told<'a> {
    /// The candidates, the chosen one first.
    pub(super) rows: &'a [Row],
    pub(super) domain: &'a Domain,
    pub(super) prior: &'a Prior<'a>,
    /// What the plans were judged by.
    pub(super) judge: &'a str,
    /// Transitions that the models were examined on.
    pub(super) held_out: usize,
    /// Transitions that the trials added.
    pub(super) seen: usize,
    /// What the model said of its last fit.
    pub(super) note: &'a str,
    pub(super) cut_short: bool,
}

impl Told<'_> {
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![self.domain()];
        let Some(chosen) = self.rows.first() else { return sentences };
        sentences.extend(self.prediction(chosen));
        sentences.extend(self.planning(chosen));
        sentences.extend(self.horizon(chosen));
        if chosen.model.plain_label() != chosen.model.label {
            sentences.push(
                "Its latent has the angles as points on the circle, because that made its errors smaller.".into(),
            );
        }
        let names = self.prior.names();
        if !names.is_empty() {
            sentences
                .push(format!("What {} needed, the most similar domains on record, set the order.", names.join(", ")));
        }
        for row in self.rows.iter().filter(|row| row.diverged.is_some()) {
            let why = row.diverged.as_deref().unwrap_or_default();
            sentences.push(format!("{} is out: {why}.", named(row)));
        }
        if self.seen > 0 {
            sentences.push(format!("The model was fitted to {} transitions of the trials besides.", self.seen));
        }
        if !self.note.is_empty() {
            sentences.push(format!("Its last fit says: {}.", self.note));
        }
        if self.cut_short {
            sentences.push("The time limit left some candidates untried, so another run may choose otherwise.".into());
        }
        sentences
    }

    fn domain(&self) -> String {
        let Domain { observation_dim, action_dim, discrete, transitions, noise, nonlinearity, .. } = *self.domain;
        let told = match (discrete, action_dim) {
            (true, n) => format!("{n} choices"),
            (false, 1) => "1 number to set".to_owned(),
            (false, n) => format!("{n} numbers to set"),
        };
        let character = match () {
            () if nonlinearity < 0.01 => "it is linear",
            () if nonlinearity < 0.1 => "it is nearly linear",
            () => "it is not linear",
        };
        format!(
            "{transitions} transitions of {observation_dim} observed numbers and {told}: a linear model errs by {} \
             standard deviations ({character}), and about {:.0} % of a change is noise.",
            figure(nonlinearity),
            100.0 * noise,
        )
    }

    /// The chosen model's prediction beside the best of another kind.
    fn prediction(&self, chosen: &Row) -> Option<String> {
        let own = chosen.prediction.as_ref()?;
        let mut others: Vec<(&Row, &Prediction)> = self
            .rows
            .iter()
            .filter(|row| row.model.name != chosen.model.name)
            .filter_map(|row| Some((row, row.prediction.as_ref()?)))
            .collect();
        others.sort_by(|a, b| a.1.score.total_cmp(&b.1.score));
        let last = own.errors.last()?;
        let mut text = format!(
            "{} foretells {} held-out transitions with an error of {} standard deviations one step ahead and {} at {} steps",
            chosen.model.label,
            self.held_out,
            figure(own.errors[0]),
            figure(*last),
            own.steps.last()?,
        );
        if let Some((row, other)) = others.first() {
            let last = other.errors.last()?;
            text += &format!(", against {} and {} by {}", figure(other.errors[0]), figure(*last), row.model.label);
        }
        Some(text + ".")
    }

    /// What the chosen candidate's plans earned beside the one of another model that stayed longest.
    fn planning(&self, chosen: &Row) -> Option<String> {
        let mut text = format!(
            "Its plans by {} earned {} over {} in {}",
            chosen.plan.as_ref()?.label,
            figure(chosen.mean_return()?),
            counted(chosen.returns.len()),
            self.judge,
        );
        let mut others = self.rows.iter().filter(|row| row.model != chosen.model);
        if let Some((other, (own, its, trials))) = others.find_map(|row| Some((row, beside(chosen, row)?))) {
            let (own, its) = (figure(own), figure(its));
            text += &format!("; over the same {}, {own} against {its} by {}", counted(trials), named(other));
        }
        Some(text + ".")
    }

    /// What the same model earned with other ways to plan.
    fn horizon(&self, chosen: &Row) -> Option<String> {
        let plan = chosen.plan.as_ref()?;
        let others: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.model == chosen.model && row.plan.as_ref() != Some(plan))
            .filter_map(|row| {
                let (own, its, trials) = beside(chosen, row)?;
                let label = &row.plan.as_ref()?.label;
                Some(format!("{} against {} by {label} over the same {}", figure(own), figure(its), counted(trials)))
            })
            .collect();
        let looks = format!("It looks {} steps ahead", plan.horizon);
        (!others.is_empty()).then(|| format!("{looks}, which earned {}.", others.join(", ")))
    }
}

/// Mean returns of two candidates over the trials that both played, which had the same starts, and how many these are.
fn beside(own: &Row, other: &Row) -> Option<(f64, f64, usize)> {
    let trials = own.returns.len().min(other.returns.len());
    let mean = |row: &Row| row.returns[..trials].iter().sum::<f64>() / trials as f64;
    (trials > 0).then(|| (mean(own), mean(other), trials))
}

fn named(row: &Row) -> String {
    match &row.plan {
        Some(plan) => format!("{} with {}", row.model.label, plan.label),
        None => row.model.label.clone(),
    }
}

fn counted(trials: usize) -> String {
    if trials == 1 { "1 trial".to_owned() } else { format!("{trials} trials") }
}

/// Three significant figures, with the minus sign that tables have.
fn figure(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = if x.is_finite() { x.abs().log10().floor() as i32 } else { 0 };
    let text = if (-4..6).contains(&magnitude) {
        format!("{:.*}", (2 - magnitude).max(0) as usize, x)
    } else {
        format!("{x:.2e}")
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelChoice;

    #[test]
    fn returns_are_compared_from_the_same_starts() {
        let row = |returns: &[f64]| Row {
            model: ModelChoice::new("gp", "gp", &[]),
            plan: None,
            prediction: None,
            returns: returns.to_vec(),
            diverged: None,
            fit_secs: 0.0,
            trial_secs: 0.0,
        };
        assert_eq!(beside(&row(&[1.0, 3.0, 50.0]), &row(&[2.0, 0.0])), Some((2.0, 1.0, 2)));
        assert_eq!(beside(&row(&[1.0]), &row(&[])), None);
    }

    #[test]
    fn figures_are_three() {
        let told = [0.0, 0.012345, -152.38, 99999.0, 1.5e-7, 3.0].map(figure);
        assert_eq!(told, ["0", "0.0123", "−152", "99999", "1.50e−7", "3.00"]);
    }
}
