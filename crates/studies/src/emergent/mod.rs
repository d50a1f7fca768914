//! `emergent`: how much of a world does a network know that was never asked for it?
//!
//! A recurrent Q-network learns to find the goal on a [ring](ring) of which it sees a colour at a time; nothing but reward is taught. Every so often, linear [probes] of its state are asked
//! where it stands, and what colour it will see next, and are held against the same probes with shuffled classes, of what is seen alone, and of a network that was never
//! trained on the same episodes: recurrence alone keeps an echo of what was seen. Knowledge of
//! the next colour is told as a share of what knowing the cell would add to what is seen. Kin of the question are Li et al., "Emergent World Representations" (ICLR 2023), and Taufeeque et al. and Bush et al. on plans in
//! recurrent agents of Sokoban (Guez et al., "An Investigation of Model-Free Planning", ICML 2019).

mod network;
mod probes;
mod ring;

use worldwright_core::{Entry, Interrupt, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, cost};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
use network::{EPISODE, Episode, KEPT, Learner, see};
use probes::{Rows, control, told};
use ring::{ACTIONS, COLOURS, Ring};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "emergent",
    summary: "what a recurrent Q-network knows of where it is and what comes next, though nothing but reward was taught: linear probes and their controls",
    source: "Hausknecht and Stone, 2015; Hewitt and Liang, EMNLP 2019",
    parameters: &[
        Parameter { name: "cells", default: Default::Integer(9), summary: "cells of the ring" },
        Parameter { name: "units", default: Default::Integer(32), summary: "numbers of the network's state" },
        Parameter {
            name: "episodes",
            default: Default::Numbers(&[0.0, 25.0, 50.0, 100.0, 200.0, 400.0]),
            summary: "episodes of 60 steps after which probes ask",
        },
        Parameter {
            name: "probed",
            default: Default::Integer(60),
            summary: "episodes that probes are fitted to, and as many that they are judged on",
        },
        Parameter { name: "seeds", default: Default::Integer(5), summary: "rings and networks" },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

/// First steps of an episode that probes are not asked about: nobody can know yet.
const BEFORE: usize = 10;

/// What probes look at.
#[derive(Clone, Copy)]
enum Source {
    State,
    Untrained,
    Seen,
    Cell,
}

/// Rows to tell the cell from, or with the action the colour that comes next.
fn rows(ring: &Ring, episodes: &[Episode], source: Source, next: bool) -> Rows {
    let mut rows = Rows::default();
    for episode in episodes {
        for t in BEFORE..episode.cells.len() - 1 {
            let mut numbers: Vec<f64> = match source {
                Source::State => episode.states[t].clone(),
                Source::Untrained => episode.untrained[t].clone(),
                Source::Seen => {
                    let seen = see(ring.colours[episode.cells[t]], Some(episode.actions[t - 1]));
                    seen.iter().map(|x| f64::from(*x)).collect()
                }
                Source::Cell => (0..ring.cells()).map(|cell| f64::from(u8::from(cell == episode.cells[t]))).collect(),
            };
            if next {
                // What an action means depends on what it meets: a linear probe is told all numbers once for each action.
                let width = numbers.len();
                let mut by_action = vec![0.0; ACTIONS * (width + 1)];
                let first = episode.actions[t] * (width + 1);
                by_action[first] = 1.0;
                by_action[first + 1..first + 1 + width].copy_from_slice(&numbers);
                numbers = by_action;
            }
            rows.numbers.push(numbers);
            rows.classes.push(if next { ring.colours[episode.cells[t + 1]] } else { episode.cells[t] });
        }
    }
    rows
}

/// What is told after some episodes.
const TOLD: [&str; 9] = [
    "paid a step",
    "cell by state (%)",
    "the same, shuffled",
    "cell by an untrained state",
    "cell by what is seen",
    "next colour by state (%)",
    "by an untrained state",
    "by what is seen",
    "by the cell",
];

fn asked(
    learner: &mut Learner,
    ring: &Ring,
    (probed, interrupt): (usize, &Interrupt),
    rng: &mut Rng,
) -> Result<[f64; 9]> {
    // Steps at random among its own show places and actions that it would not choose, to all kinds of network alike.
    const DITHER: f64 = 0.3;
    let mut paid = 0.0;
    for _ in 0..probed {
        interrupt.check("the study")?;
        let episode = learner.act(ring, 0.0, rng)?;
        paid += episode.rewards.iter().sum::<f64>() / episode.rewards.len() as f64 / probed as f64;
    }
    let mut some = || -> Result<Vec<Episode>> {
        let mut one = || {
            interrupt.check("the study")?;
            learner.act(ring, DITHER, rng)
        };
        (0..probed).map(|_| one()).collect()
    };
    let (fitted, judged) = (some()?, some()?);
    let both = |source, next| [&fitted, &judged].map(|episodes| rows(ring, episodes, source, next));
    let share = |source, next| {
        let [fitted, judged] = both(source, next);
        interrupt.check("the study")?;
        told([&fitted, &judged], if next { COLOURS } else { ring.cells() }).map(|share| 100.0 * share)
    };
    let [fitted_rows, judged_rows] = both(Source::State, false);
    let shuffled = 100.0 * control([&fitted_rows, &judged_rows], ring.cells(), rng)?;
    Ok([
        paid,
        share(Source::State, false)?,
        shuffled,
        share(Source::Untrained, false)?,
        share(Source::Seen, false)?,
        share(Source::State, true)?,
        share(Source::Untrained, true)?,
        share(Source::Seen, true)?,
        share(Source::Cell, true)?,
    ])
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let (cells, units) = (settings.count_in("cells", 4, 64)?, settings.count_in("units", 2, 512)?);
    let asked_after = settings.counts_in("episodes", 0, 1_000_000)?;
    let (probed, seeds) = (settings.count_in("probed", 2, 10_000)?, settings.count_in("seeds", 1, 1000)?);
    let key = Key::new(settings.count("seed", 0)? as u64);
    // Each step of an episode keeps two states; those of the last two lots stand as rows of a probe besides, once for each action.
    let numbers = (2 * (2 * probed + KEPT) + 2 * probed * (ACTIONS + 1)) * (units + 1);
    cost::memory(&[("probed", probed), ("units", units)], 8.0 * (numbers * EPISODE) as f64)?;
    let most_episodes = asked_after.iter().copied().max().unwrap_or(0);
    let mut came = vec![vec![Vec::new(); TOLD.len()]; asked_after.len()];
    let mut most = Vec::new();
    for seed in 0..seeds {
        let rng = &mut key.fold(seed as u64).rng();
        let ring = Ring::random(cells, rng);
        most.push(ring.most());
        let mut learner = Learner::new(units, rng)?;
        for episode in 0..=most_episodes {
            watch.tell(seed * (most_episodes + 1) + episode, seeds * (most_episodes + 1), "episodes")?;
            for (when, came) in asked_after.iter().zip(&mut came).filter(|(when, _)| **when == episode) {
                // Asking must not change what is learned.
                let told = asked(
                    &mut learner,
                    &ring,
                    (probed, watch.interrupt),
                    &mut key.fold(seed as u64).fold(1 + *when as u64).rng(),
                )?;
                came.iter_mut().zip(told).for_each(|(all, one)| all.push(one));
            }
            if episode < most_episodes {
                learner.learn(&ring, rng)?;
            }
        }
    }
    Ok(tell(&asked_after, &came, estimate(&most)[0]))
}

fn tell(asked_after: &[usize], came: &[Vec<Vec<f64>>], most: f64) -> Study {
    let estimates: Vec<Vec<[f64; 3]>> = came
        .iter()
        .map(|each| {
            each.iter()
                .enumerate()
                .map(|(i, all)| bounded(estimate(all), [0.0, if i == 0 { f64::INFINITY } else { 100.0 }]))
                .collect()
        })
        .collect();
    let rows = asked_after.iter().zip(&estimates).map(|(when, each)| {
        std::iter::once(Cell::Number(*when as f64)).chain(each.iter().map(|e| Cell::Estimate(*e))).collect()
    });
    let (first, last) = (&estimates[0], &estimates[estimates.len() - 1]);
    let known = |by: usize| 100.0 * (last[by][0] - last[7][0]) / (last[8][0] - last[7][0]);
    let findings = vec![
        format!(
            "it is paid {:.3} a step after {} episodes, of {most:.3} for who always knows where it is, and {:.3} before",
            last[0][0],
            asked_after[asked_after.len() - 1],
            first[0][0]
        ),
        format!(
            "a linear probe of its state tells the cell at {:.0} % of steps, of an untrained network's on the same episodes at {:.0} %, of what is seen at {:.0} %, and with shuffled classes at {:.0} %",
            last[1][0], last[3][0], last[4][0], last[2][0]
        ),
        format!(
            "of what knowing the cell adds to foretelling the next colour, its state has {:.0} %, an untrained network's {:.0} %",
            known(5),
            known(6)
        ),
    ];
    let curve = |which: usize| Curve {
        name: TOLD[which].into(),
        points: asked_after
            .iter()
            .zip(&estimates)
            .map(|(when, each)| {
                let [mean, low, high] = each[which];
                [*when as f64, low, mean, high]
            })
            .collect(),
    };
    Study {
        findings,
        tables: vec![Table {
            title: "What is paid, and what probes tell".into(),
            columns: std::iter::once("episodes").chain(TOLD).map(String::from).collect(),
            rows: rows.collect(),
        }],
        figures: vec![Figure {
            title: "What linear probes tell while nothing but reward is taught".into(),
            axes: ["episodes".into(), "steps at which a probe is right (%)".into()],
            logarithmic: [false, false],
            curves: (1..TOLD.len()).map(curve).collect(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_learned_to_find_the_goal_knows_more_of_where_it_is() {
        let rng = &mut Rng::new(2);
        let ring = Ring::random(7, rng);
        let mut learner = Learner::new(24, rng).unwrap();
        (0..100).for_each(|_| learner.learn(&ring, rng).unwrap());
        let after = asked(&mut learner, &ring, (30, &Interrupt::never()), &mut Rng::new(9)).unwrap();
        // Going on in one direction pays 0.26 a step here.
        assert!(after[0] > 0.6 * ring.most() && after[0] < 1.1 * ring.most(), "{after:?} {}", ring.most());
        assert!(after[1] > after[4] + 5.0 && after[2] < 35.0, "{after:?}");
        // Who knows the cell can be wrong about a slip alone, or about where it is set down.
        assert!(after[8] > 75.0, "{after:?}");
    }
}
