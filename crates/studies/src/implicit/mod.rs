//! `implicit-planning`: a network that plans within itself, on fields that it never saw, beside one that does not.
//!
//! Both learn by imitation where shortest ways lead in random fields, and are judged on others: by the share of cells at which the likeliest move is the first of a shortest way, and by
//! the share of starts from which following it arrives. Tamar et al. (NeurIPS 2016) report 99.6 % of ways found on 8×8 and 99.3 % on 16×16; a public re-implementation has
//! 99.8 % and 93.3 % of actions right.

mod control;
mod course;
mod mazes;
mod networks;

use worldwright_core::{Entry, Interrupt, Key, Parameter, Result, SettingDefault as Default, Settings};
use worldwright_nn::{Graph, Predictor, Store};

use crate::finding::{bounded, estimate};
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};
pub(crate) use control::ENTRY as DIFFERENTIABLE_MPC;
use course::Course;
use mazes::{Field, MOVES};
use networks::{CHANNELS, Network};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "implicit-planning",
    summary: "a network that plans within itself by value iteration, on fields that it never saw, beside one that does not plan",
    source: "Tamar et al., NeurIPS 2016",
    parameters: &[
        Parameter { name: "size", default: Default::Integer(8), summary: "cells along a side of a field" },
        Parameter {
            name: "sweeps",
            default: Default::Integer(0),
            summary: "sweeps of value iteration; 0 for two and a half times the side",
        },
        Parameter { name: "fields", default: Default::Integer(10_000), summary: "fields to learn from" },
        Parameter { name: "judged", default: Default::Integer(1000), summary: "other fields to be judged on" },
        Parameter { name: "epochs", default: Default::Integer(12), summary: "times that all fields are learned from" },
        Parameter { name: "batch", default: Default::Integer(16), summary: "fields an update" },
        Parameter {
            name: "learning_rate",
            default: Default::Float(0.02),
            summary: "step size, which falls to nothing by a cosine",
        },
        Parameter { name: "seeds", default: Default::Integer(3), summary: "times that all of it is done" },
        Parameter {
            name: "seed",
            default: Default::Integer(1),
            summary: "what all randomness comes from; 0 holds fields that sizes and steps were chosen on",
        },
    ],
    build: run,
};

/// What a network came to: shares of right moves after each epoch, of right moves in the end, and of starts that arrive.
struct Came {
    numbers: usize,
    course: Vec<f64>,
    right: f64,
    arrives: f64,
}

/// The kinds of network.
const KINDS: [&str; 2] = ["value iteration network", "plain convolutions"];

/// `[cell][channel]` of a field.
fn see(field: &Field, out: &mut Vec<f32>) {
    for (cell, blocked) in field.blocked.iter().enumerate() {
        out.extend([f32::from(u8::from(*blocked)), f32::from(u8::from(cell == field.goal))]);
    }
}

/// `[cell][move]`: best moves alike, and `[cell]`: whether it counts.
fn label(field: &Field, targets: &mut Vec<f32>, counts: &mut Vec<f32>) {
    let first = (targets.len(), counts.len());
    targets.resize(first.0 + field.blocked.len() * MOVES.len(), 0.0);
    counts.resize(first.1 + field.blocked.len(), 0.0);
    for cell in field.starts() {
        let best = || (0..MOVES.len()).filter(|choice| field.is_best(cell, *choice));
        let share = 1.0 / best().count() as f32;
        best().for_each(|choice| targets[first.0 + cell * MOVES.len() + choice] = share);
        counts[first.1 + cell] = 1.0;
    }
}

/// Likeliest moves at each cell of a field.
fn decide(predictor: &Predictor, field: &Field) -> Result<Vec<usize>> {
    let (mut seen, mut said) = (Vec::new(), vec![0.0; field.blocked.len() * MOVES.len()]);
    see(field, &mut seen);
    predictor.predict_member(0, &[&seen], &mut [said.as_mut_slice()], &mut predictor.scratch())?;
    let likeliest = |logits: &[f32]| {
        (0..MOVES.len()).fold(0, |best, choice| if logits[choice] > logits[best] { choice } else { best })
    };
    Ok(said.chunks_exact(MOVES.len()).map(likeliest).collect())
}

/// Shares of right moves, and of starts that arrive.
fn judge(predictor: &Predictor, fields: &[Field]) -> Result<[f64; 2]> {
    let (mut right, mut arrived, mut all) = (0usize, 0usize, 0usize);
    for field in fields {
        let moves = decide(predictor, field)?;
        for start in field.starts() {
            all += 1;
            right += usize::from(field.is_best(start, moves[start]));
            arrived += usize::from(field.arrives(start, |cell| moves[cell]));
        }
    }
    Ok([right as f64 / all as f64, arrived as f64 / all as f64])
}

fn teach(
    kind: usize,
    course: &Course,
    (key, interrupt): (Key, &Interrupt),
    mut watch: impl FnMut(usize) -> Result<()>,
) -> Result<Came> {
    let (size, rng) = (course.size, &mut key.rng());
    let [fields, others] = course.draw(rng, interrupt)?;
    let mut store = Store::new(1);
    let network = match kind {
        0 => Network::planning(&mut store, size, course.sweeps, rng),
        _ => Network::plain(&mut store, size, rng),
    };
    let mut g = Graph::new(1);
    g.learn(&store);
    let seen = g.input_rows(size * size, CHANNELS);
    let logits = network.record(&mut g, seen)?;
    let targets = g.input_rows(size * size, MOVES.len());
    let counts = g.input_rows(size * size, 1);
    let loss = g.cross_entropy(logits, targets, MOVES.len())?;
    g.minimise_weighted(loss, counts, 1.0)?;
    let mut says = Graph::new(1);
    says.freeze(&store);
    let seen = says.input_rows(size * size, CHANNELS);
    let logits = network.record(&mut says, seen)?;
    let mut predictor = Predictor::new(&says, &[&store], &[logits])?;
    let numbers = store.count();
    let mut each = Vec::new();
    let tell = |field: &Field, [seen, targets, counts]: &mut [Vec<f32>; 3]| {
        see(field, seen);
        label(field, targets, counts);
    };
    course.teach(KINDS[kind], (g, &mut store), &fields, (rng, interrupt), tell, |epoch, learned| match learned {
        None => watch(epoch),
        Some(store) => {
            predictor.refresh(&[store])?;
            each.push(judge(&predictor, &others[..others.len().min(100)])?[0]);
            Ok(())
        }
    })?;
    let [right, arrives] = judge(&predictor, &others)?;
    Ok(Came { numbers, course: each, right, arrives })
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let course = Course::read(settings)?;
    let (size, interrupt) = (course.size, watch.interrupt);
    let seeds = settings.count_in("seeds", 1, 1000)?;
    let key = Key::new(settings.count("seed", 0)? as u64);
    let columns = ["network", "numbers", "moves right", "starts that arrive"].map(String::from).to_vec();
    let (mut rows, mut curves, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let all = KINDS.len() * seeds * course.epochs;
    for (kind, name) in KINDS.iter().enumerate() {
        let mut came = Vec::new();
        for seed in 0..seeds {
            // Both learn from the same fields.
            let done = (kind * seeds + seed) * course.epochs;
            came.push(teach(kind, &course, (key.fold(seed as u64), interrupt), |epoch| {
                watch.tell(done + epoch, all, name)
            })?);
        }
        let right = bounded(estimate(&came.iter().map(|it| it.right).collect::<Vec<_>>()), [0.0, 1.0]);
        let arrives = bounded(estimate(&came.iter().map(|it| it.arrives).collect::<Vec<_>>()), [0.0, 1.0]);
        rows.push(vec![
            (*name).into(),
            Cell::Number(came[0].numbers as f64),
            Cell::Estimate(right.map(|share| 100.0 * share)),
            Cell::Estimate(arrives.map(|share| 100.0 * share)),
        ]);
        findings.push(format!(
            "{name}: on {} fields of {size}×{size} that it never saw, {:.1} % of its moves are right, and {:.1} % of starts arrive",
            course.judged,
            100.0 * right[0],
            100.0 * arrives[0]
        ));
        let points = (0..course.epochs).map(|epoch| {
            let right = estimate(&came.iter().map(|it| 100.0 * it.course[epoch]).collect::<Vec<_>>());
            let [mean, low, high] = bounded(right, [0.0, 100.0]);
            [(epoch + 1) as f64, low, mean, high]
        });
        curves.push(Curve { name: (*name).into(), points: points.collect() });
    }
    let title = format!("Moves and ways on fields of {size}×{size}, in per cent");
    Ok(Study {
        findings,
        tables: vec![Table { title, columns, rows }],
        figures: vec![Figure {
            title: format!("Right moves on other fields of {size}×{size}"),
            axes: ["epochs".into(), "right moves (%)".into()],
            logarithmic: [false, false],
            curves,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_too_much_is_refused_before_it_is_taken() {
        let given = [("size", 64), ("fields", 10_000_000)];
        let given = given.map(|(key, number)| (key.to_owned(), worldwright_core::Setting::Integer(number)));
        let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &given.into()).unwrap();
        let why = Course::read(&settings).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(why.contains("fields = 10000000") && why.contains("memory"), "{why}");
    }

    #[test]
    fn a_network_that_plans_finds_ways_that_a_plain_one_does_not() {
        // Ways are longer than the plain one's layers see.
        let course =
            Course { size: 14, sweeps: 20, fields: 256, judged: 40, epochs: 10, batch: 16, learning_rate: 1e-2 };
        let of = |kind| teach(kind, &course, (Key::new(1), &Interrupt::never()), |_| Ok(())).unwrap();
        let [planning, plain] = [of(0), of(1)];
        assert!(planning.arrives > plain.arrives + 0.1, "{} {}", planning.arrives, plain.arrives);
        assert!((planning.numbers as f64 / plain.numbers as f64 - 1.0).abs() < 0.15);
    }
}
