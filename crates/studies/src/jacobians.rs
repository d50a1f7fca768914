//! `jacobians`: are models with good predictions those with good derivatives, and which of the two tells what planning earns?
//!
//! The hundred models of [`crate::lab`] are judged by the error of a step and by that of its derivatives, along what can be seen of the pendulum and by the torque, where the true
//! derivatives are known in closed form; and by what they earn with a planner that compares returns and with one that goes by derivatives. Shown are the correlations of ranks, and what of
//! each is left where the other is told. Training on values says nothing of slopes between them (Czarnecki, Osindero, Jaderberg, Świrszcz and Pascanu, "Sobolev Training for Neural Networks",
//! NeurIPS 2017); that it is slopes which planning by gradients suffers from is argued by Parmas, Seno and Aoki, "Model-based Reinforcement Learning with Scalable Composite Policy
//! Gradient Estimators" (ICML 2023).

use worldwright_core::{Entry, Result, Settings};

use crate::lab::ranks::{ahead, beside, grouped, spearman};
use crate::lab::{self, Bench, PLANNERS, Source};
use crate::mismatch::earned;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "jacobians",
    summary: "the error of a model's derivatives beside that of its predictions, and which of the two tells what planning earns",
    source: "Czarnecki et al., NeurIPS 2017; Parmas, Seno and Aoki, ICML 2023",
    parameters: lab::PARAMETERS,
    build: run,
};

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    Ok(told(&lab::bench(settings, watch)?))
}

fn told(bench: &Bench) -> Study {
    let mut study = Study::default();
    let (mut rows, mut together) = (Vec::new(), Vec::new());
    for (source, (_, name)) in Source::ALL.iter().enumerate() {
        // An error less is a return more: both are turned round, so that all of what is good goes up.
        let of = |pick: fn(&lab::Errors) -> f64| -> Vec<f64> {
            bench.models.iter().map(|model| -pick(&model.on[source])).collect()
        };
        let (steps, slopes) = (of(|errors| errors.step), of(|errors| errors.slope));
        let both = spearman(&steps, &slopes);
        together.push(vec![(*name).into(), Cell::Estimate(both)]);
        for (p, (planner, _)) in PLANNERS.iter().enumerate() {
            let returns: Vec<f64> = bench.models.iter().map(|model| model.returns[p]).collect();
            let (by_step, by_slope) = (spearman(&steps, &returns), spearman(&slopes, &returns));
            let left = [beside(&steps, &returns, &slopes), beside(&slopes, &returns, &steps)];
            let apart = ahead(&steps, &slopes, &returns);
            rows.push(vec![
                (*name).into(),
                (*planner).into(),
                Cell::Estimate(by_step),
                Cell::Estimate(by_slope),
                Cell::Number(left[0]),
                Cell::Number(left[1]),
                Cell::Estimate(apart),
            ]);
            let which = match apart {
                [_, low, _] if low > 0.0 => "the predictions say more",
                [_, _, high] if high < 0.0 => "the derivatives say more",
                _ => "which of them says more is not sure",
            };
            study.findings.push(format!(
                "{planner}, judged on transitions {name}: what is earned goes with predictions by ρ = {:.2}, with derivatives by {:.2}; with the other told, {:.2} and {:.2} are left: {which}",
                by_step[0], by_slope[0], left[0], left[1]
            ));
        }
        study.figures.push(Figure {
            title: format!("Errors of derivatives and of predictions, {name}: medians and quartiles of groups"),
            axes: ["error of a step, in units of a usual change".into(), "error of derivatives, as a share".into()],
            logarithmic: [true, true],
            curves: vec![Curve {
                name: "models".into(),
                points: {
                    let of = |pick: fn(&lab::Errors) -> f64| -> Vec<f64> {
                        bench.models.iter().map(|model| pick(&model.on[source])).collect()
                    };
                    grouped(&of(|errors| errors.step), &of(|errors| errors.slope))
                },
            }],
        });
    }
    study.tables.push(Table {
        title: "Correlation of ranks of a model's predictions and its derivatives".into(),
        columns: ["judged on", "ρ"].map(String::from).to_vec(),
        rows: together,
    });
    study.tables.push(Table {
        title: format!("Correlation of ranks with what is earned, over {} models", bench.models.len()),
        columns: [
            "judged on",
            "planner",
            "predictions",
            "derivatives",
            "predictions, derivatives told",
            "derivatives, predictions told",
            "difference",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    });
    study.tables.push(earned(bench));
    study
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Errors, Judged};

    /// Where derivatives alone decide what is earned, they are found to.
    #[test]
    fn what_decides_is_found() {
        let model = |i: i32| {
            let (slope, step) = (f64::from(i), f64::from(i * 7 % 11));
            Judged { on: [Errors { likelihood: 0.0, step, slope }; 3], returns: [-slope; 2] }
        };
        let study = told(&Bench { models: (1..=10).map(model).collect(), truth: [0.0; 2] });
        let Cell::Estimate([by_slope, ..]) = study.tables[1].rows[0][3] else { panic!("an estimate") };
        assert!((by_slope - 1.0).abs() < 1e-12);
        let [Cell::Number(step), Cell::Number(slope)] = study.tables[1].rows[0][4..6] else { panic!("numbers") };
        assert!(slope > 0.99 && step.abs() < 1e-6, "{step} {slope}");
        assert!(study.findings.iter().all(|finding| finding.ends_with("the derivatives say more")));
    }
}
