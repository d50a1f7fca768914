//! `mismatch`: does a model that finds what happens likelier plan better?
//!
//! A hundred models of the pendulum, learned from different data in different ways (see [`crate::lab`]), are judged by the likelihood that they give to what happens next, on transitions
//! of an expert, of random actions and of everywhere, and by what planning in them earns in the true world. Shown is how well the one tells the other: the correlation of ranks, over
//! all models and among the better half. Lambert, Amos, Yadan and Calandra, "Objective Mismatch in Model-based Reinforcement Learning" (L4DC 2020), found on a cart-pole that
//! likelihood says little of what is earned, and least where it is measured on data that planning does not visit.
//!
//! Unlike the paper's, networks are trained on squared error and judged as Gaussians with the deviations of their own errors on what they learned from.

use worldwright_core::{Entry, Result, Settings};

use crate::lab::ranks::{grouped, spearman};
use crate::lab::{self, Bench, PLANNERS, Source};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "mismatch",
    summary: "how well the likelihood of many models tells what planning in them earns",
    source: "Lambert, Amos, Yadan and Calandra, L4DC 2020",
    parameters: lab::PARAMETERS,
    build: run,
};

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    Ok(told(&lab::bench(settings, watch)?))
}

fn told(bench: &Bench) -> Study {
    let mut study = Study::default();
    let models = &bench.models;
    let columns = ["judged on", "planner", "all models", "better half"].map(String::from).to_vec();
    let mut rows = Vec::new();
    for (p, (planner, _)) in PLANNERS.iter().enumerate() {
        for (source, (_, name)) in Source::ALL.iter().enumerate() {
            let pairs = |half: bool| -> [Vec<f64>; 2] {
                let mut pairs: Vec<[f64; 2]> =
                    models.iter().map(|model| [model.on[source].likelihood, model.returns[p]]).collect();
                pairs.sort_by(|a, b| b[0].total_cmp(&a[0]));
                pairs.truncate(if half { pairs.len().div_ceil(2) } else { pairs.len() });
                [0, 1].map(|part| pairs.iter().map(|pair| pair[part]).collect())
            };
            let [all, half] = [false, true].map(|half| {
                let [x, y] = pairs(half);
                spearman(&x, &y)
            });
            rows.push(vec![(*name).into(), (*planner).into(), Cell::Estimate(all), Cell::Estimate(half)]);
            let sure = answer(half);
            study.findings.push(format!(
                "{planner}: likelihood on transitions {name} goes with what is earned by ρ = {:.2} ({:.2} to {:.2}) over all models; among the better half it {sure} (ρ = {:.2}, {:.2} to {:.2})",
                all[0], all[1], all[2], half[0], half[1], half[2]
            ));
        }
        study.figures.push(Figure {
            title: format!("Likelihood of models, and what {planner} earns in them: medians and quartiles of groups"),
            axes: ["log-likelihood of a transition (nats)".into(), "return".into()],
            logarithmic: [false, false],
            curves: Source::ALL
                .iter()
                .enumerate()
                .map(|(source, (_, name))| {
                    let [x, y]: [Vec<f64>; 2] = [
                        models.iter().map(|model| model.on[source].likelihood).collect(),
                        models.iter().map(|model| model.returns[p]).collect(),
                    ];
                    Curve { name: (*name).into(), points: grouped(&x, &y) }
                })
                .collect(),
        });
    }
    study.tables.push(Table {
        title: format!("Correlation of ranks of likelihood and return, over {} models", models.len()),
        columns,
        rows,
    });
    study.tables.push(earned(bench));
    study
}

/// What a correlation with the ends of its interval says of likelihood.
fn answer([_, low, high]: [f64; 3]) -> &'static str {
    if low > 0.0 {
        "still tells"
    } else if high < 0.0 {
        "misleads"
    } else {
        "tells nothing that is sure"
    }
}

/// What planners earn in the true world, and in the models.
pub(crate) fn earned(bench: &Bench) -> Table {
    let rows = PLANNERS.iter().enumerate().map(|(p, (planner, _))| {
        let mut returns: Vec<f64> = bench.models.iter().map(|model| model.returns[p]).collect();
        returns.sort_by(f64::total_cmp);
        let at = |share: f64| Cell::Number(returns[(share * (returns.len() - 1) as f64) as usize]);
        vec![(*planner).into(), Cell::Number(bench.truth[p]), at(0.0), at(0.25), at(0.5), at(0.75), at(1.0)]
    });
    Table {
        title: "Returns of planning in the true world, and in models from the worst to the best".into(),
        columns: ["planner", "true world", "worst", "a quarter", "median", "three quarters", "best"]
            .map(String::from)
            .to_vec(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Errors, Judged};

    /// Models whose likelihood everywhere orders their returns but for the better half, where it is turned around.
    #[test]
    fn the_better_half_is_judged_alone() {
        let model = |likelihood: f64, earned: f64| Judged {
            on: [Errors { likelihood, step: 0.0, slope: 0.0 }; 3],
            returns: [earned; 2],
        };
        let models = (0..10).map(|i| model(f64::from(i), f64::from(if i < 5 { i } else { 20 - i }))).collect();
        let study = told(&Bench { models, truth: [0.0; 2] });
        let Cell::Estimate([half, ..]) = study.tables[0].rows[0][3] else { panic!("an estimate") };
        let Cell::Estimate([all, ..]) = study.tables[0].rows[0][2] else { panic!("an estimate") };
        assert!((half + 1.0).abs() < 1e-12, "{half}");
        // Differences of ranks 4, 2, 0, 2, 4 in the upper half: 1 − 6 · 40 / 990.
        assert!((all - (1.0 - 240.0 / 990.0)).abs() < 1e-12, "{all}");
        assert_eq!(study.tables[1].rows[1][2], Cell::Number(0.0));
        assert!(study.findings[0].contains("among the better half it misleads"), "{}", study.findings[0]);
        assert_eq!(answer([0.5, 0.1, 0.8]), "still tells");
        assert_eq!(answer([0.1, -0.3, 0.5]), "tells nothing that is sure");
    }
}
