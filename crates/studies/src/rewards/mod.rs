//! `rewards`: a reward that nobody thought through, planned for as it stands, for its mean and for its worst case.
//!
//! Who designed the reward, compared walks or showed them had fields of dirt and meadows in mind. Then the walker comes to fields with lava, of which nothing was said. A reward
//! taken at its word crosses lava; a belief over rewards still holds that it may be bad, and a plan for the worst case goes around (Hadfield-Menell et al., "Inverse Reward
//! Design", NeurIPS 2017). What caution costs shows where there is no lava.

mod beliefs;
mod fields;

use worldwright_core::{Entry, Key, Parameter, Result, SettingDefault as Default, Settings, cost};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Study, Table, Watch};
use beliefs::{Belief, outcome, prior};
use fields::{DIRT, Field, GRASS, KINDS, Kinds, LAVA, TARGET, dot};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "rewards",
    summary: "a reward that was designed, or learned from preferences or demonstrations, where it says nothing: taken at its word, in the mean, in the worst case",
    source: "Hadfield-Menell et al., NeurIPS 2017",
    parameters: &[
        Parameter { name: "side", default: Default::Integer(10), summary: "cells of a field along each side" },
        Parameter {
            name: "fields",
            default: Default::Integer(6),
            summary: "fields without lava that the reward comes from",
        },
        Parameter {
            name: "tests",
            default: Default::Integer(200),
            summary: "fields with lava, and as many without, that are walked",
        },
        Parameter { name: "preferences", default: Default::Integer(100), summary: "pairs of walks that are compared" },
        Parameter { name: "demonstrations", default: Default::Integer(12), summary: "walks that are shown" },
        Parameter {
            name: "sharpness",
            default: Default::Float(5.0),
            summary: "how surely a design, a preference, a walk shows what pays",
        },
        Parameter { name: "candidates", default: Default::Integer(1000), summary: "rewards that may be true" },
        Parameter {
            name: "draws",
            default: Default::Integer(100),
            summary: "rewards drawn from a belief, of which a plan takes the worst",
        },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// What pays in truth, by kind of ground.
const TRUTH: Kinds = {
    let mut weights = [0.0; KINDS];
    weights[DIRT] = 0.0;
    weights[GRASS] = -0.2;
    weights[TARGET] = 0.3;
    weights[LAVA] = -1.0;
    weights
};

/// A reward that is planned for.
struct Planned {
    source: &'static str,
    how: &'static str,
    weights: Kinds,
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let side = settings.count_in("side", 4, 40)?;
    let (fields, tests) = (settings.count_in("fields", 1, 1000)?, settings.count_in("tests", 2, 100_000)?);
    let (preferences, shown) =
        (settings.count_in("preferences", 1, 100_000)?, settings.count_in("demonstrations", 1, 1000)?);
    let sharpness = settings.float("sharpness", 0.0, 1000.0)?;
    let (candidates, draws) = (settings.count_in("candidates", 2, 100_000)?, settings.count_in("draws", 1, 100_000)?);
    let numbers = KINDS * 2 * (candidates + preferences + shown) + side * side * (fields + 5 * 3 * side);
    let asked = [("candidates", candidates), ("preferences", preferences), ("fields", fields), ("side", side)];
    cost::memory(&asked, 8.0 * numbers as f64)?;
    let key = Key::new(settings.count("seed", 0)? as u64);
    let rng = &mut key.fold(0).rng();
    let known: Vec<Field> = (0..fields).map(|_| Field::draw(side, false, rng)).collect();
    let candidates = prior(candidates, rng);
    // What nobody thought of has no weight.
    let mut designed = TRUTH;
    designed[LAVA] = 0.0;

    watch.tell(0, 4, "a design")?;
    let mut outcomes = Vec::new();
    for weights in &candidates {
        watch.interrupt.check("the study")?;
        outcomes.push(outcome(&known, weights));
    }
    let design = Belief::of_design(&candidates, &outcomes, &outcome(&known, &designed), (sharpness, watch.interrupt))?;
    watch.tell(1, 4, "preferences")?;
    let pairs: Result<Vec<[Kinds; 2]>> = (0..preferences)
        .map(|i| {
            watch.interrupt.check("the study")?;
            let field = &known[i % fields];
            // Walks of two who want anything at all: those at random hardly come to a target.
            let [a, b] = [0; 2].map(|_: usize| {
                field.soft_walk(&candidates[rng.below(candidates.len() as u64) as usize], sharpness, rng)
            });
            let prefers = 1.0 / (1.0 + (-sharpness * (dot(&TRUTH, &a) - dot(&TRUTH, &b))).exp());
            Ok(if rng.uniform() < prefers { [a, b] } else { [b, a] })
        })
        .collect();
    let preferred = Belief::of_preferences(&candidates, &pairs?, (sharpness, watch.interrupt))?;
    watch.tell(2, 4, "demonstrations")?;
    let walks: Vec<(&Field, Kinds)> =
        (0..shown).map(|i| (&known[i % fields], known[i % fields].soft_walk(&TRUTH, sharpness, rng))).collect();
    let demonstrated = Belief::of_demonstrations(&candidates, &walks, (sharpness, watch.interrupt))?;

    watch.tell(3, 4, "walks")?;
    let mut planned = vec![
        Planned { source: "the truth", how: "known", weights: TRUTH },
        Planned { source: "a design", how: "at its word", weights: designed },
    ];
    for (source, belief) in [("a design", &design), ("preferences", &preferred), ("demonstrations", &demonstrated)] {
        if source != "a design" {
            planned.push(Planned { source, how: "the likeliest", weights: belief.likeliest() });
        }
        planned.push(Planned { source, how: "the mean", weights: belief.mean() });
        planned.push(Planned { source, how: "the worst case", weights: belief.worst(draws, DIRT, rng) });
    }
    walked(&planned, side, tests, key.fold(1), watch)
}

/// Walks fields with and without lava by every plan.
fn walked(planned: &[Planned], side: usize, tests: usize, key: Key, watch: &Watch<'_>) -> Result<Study> {
    let mut table = Table {
        title: "Walks in fields that nobody thought of".into(),
        columns: [
            "reward from",
            "planned for",
            "walks through lava, %",
            "lost of the optimum, with lava",
            "lost of the optimum, without",
        ]
        .map(String::from)
        .to_vec(),
        rows: Vec::new(),
    };
    let mut findings = Vec::new();
    for Planned { source, how, weights } in planned {
        let (mut burnt, mut lost) = (Vec::new(), [Vec::new(), Vec::new()]);
        for test in 0..tests {
            watch.interrupt.check("the study")?;
            let rng = &mut key.fold(test as u64).rng();
            for (lost, lava) in lost.iter_mut().zip([true, false]) {
                let field = Field::draw(side, lava, rng);
                let walk = field.best(weights);
                if lava {
                    burnt.push(if walk[LAVA] > 0.0 { 100.0 } else { 0.0 });
                }
                // Equal walks differ by what is rounded.
                lost.push((dot(&TRUTH, &field.best(&TRUTH)) - dot(&TRUTH, &walk)).max(0.0));
            }
        }
        let [burnt, with, without] = [(&burnt, 100.0), (&lost[0], f64::INFINITY), (&lost[1], f64::INFINITY)]
            .map(|(each, most)| bounded(estimate(each), [0.0, most]));
        findings.push(format!(
            "{source}, {how}: {:.0} % of walks go through lava, {:.2} of the return is lost; without lava {:.2}",
            burnt[0], with[0], without[0]
        ));
        let cells = [burnt, with, without].map(Cell::Estimate);
        table.rows.push([Cell::from(*source), Cell::from(*how)].into_iter().chain(cells).collect());
    }
    Ok(Study { findings, tables: vec![table], figures: Vec::new() })
}
