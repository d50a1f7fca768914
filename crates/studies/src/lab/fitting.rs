//! A model of the lab, learned as a recipe says, and how far it is off.

use std::collections::BTreeMap;

use worldwright_core::{
    Actions, Batch, Dataset, Imagined, Interrupt, Key, LearnedModel, Result, Rng, Rows, Setting, Value, WorldModel,
};
use worldwright_models::build;

use super::{Source, pendulum};

/// Transitions that a model learns from at most; and at least.
pub(super) const MOST: usize = 2000;
const LEAST: usize = 30;

/// How a model is learned.
pub(super) struct Recipe {
    pub(super) transitions: usize,
    /// The expert, random actions, or where it says everywhere half of each.
    pub(super) from: Source,
    pub(super) width: usize,
    pub(super) activation: &'static str,
    pub(super) epochs: usize,
}

impl Recipe {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let between = |rng: &mut Rng, least: f64, most: f64| (rng.uniform_in(least.ln(), most.ln())).exp() as usize;
        Self {
            transitions: between(rng, LEAST as f64, MOST as f64),
            from: Source::ALL[rng.below(3) as usize].0,
            width: between(rng, 8.0, 65.0),
            activation: ["silu", "relu", "tanh"][rng.below(3) as usize],
            epochs: between(rng, 3.0, 60.0),
        }
    }
}

/// How far a model is off on some transitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Errors {
    /// Mean logarithm of the density that it gives to what happened next, in nats.
    pub(crate) likelihood: f64,
    /// Root mean square error of what is seen next, each number in units of how it changes in a step everywhere.
    pub(crate) step: f64,
    /// Root mean square error of the derivatives, as a share of their root mean square.
    pub(crate) slope: f64,
}

/// Learns a model, and gives the deviations that it is sure to: those of its errors on what it learned from. `data` are by source.
pub(super) fn fitted(
    recipe: &Recipe,
    data: &[Dataset; 3],
    interrupt: &Interrupt,
    rng: &mut Rng,
) -> Result<(Box<dyn LearnedModel>, [f64; 3])> {
    let mut own = pendulum::nothing();
    let take = |own: &mut Dataset, source: usize, count: usize| {
        own.append_rows(&data[source], 0..count.min(data[source].len()))
    };
    match recipe.from {
        Source::Expert => take(&mut own, 0, recipe.transitions)?,
        Source::Random => take(&mut own, 1, recipe.transitions)?,
        Source::Everywhere => {
            take(&mut own, 0, recipe.transitions / 2)?;
            take(&mut own, 1, recipe.transitions.div_ceil(2))?;
        }
    }
    let settings = BTreeMap::from([
        ("hidden".to_owned(), Setting::Numbers(vec![recipe.width as f64; 2])),
        ("activation".to_owned(), Setting::Text(recipe.activation.to_owned())),
        ("epochs".to_owned(), Setting::Integer(recipe.epochs as i64)),
    ]);
    let mut context = pendulum::context()?;
    context.seed = rng.next_u64();
    let mut model = build("deterministic", &context, &settings)?;
    model.fit(&own, rng, interrupt)?;
    let residuals = predicted(model.as_world_model(), &own)?.residuals;
    let mut sure = [0.0; 3];
    for (d, slot) in sure.iter_mut().enumerate() {
        let squares = residuals.iter().map(|row| row[d] * row[d]).sum::<f64>();
        // A model that learned its data by heart is as sure as it gets.
        *slot = (squares / residuals.len() as f64).sqrt().max(1e-3);
    }
    Ok((model, sure))
}

/// What a model says of transitions.
struct Predicted {
    /// What happened less what it said.
    residuals: Vec<[f64; 3]>,
    /// `[along][seen]` derivatives along the surface of what can be seen, less the true ones; and these.
    slopes: Vec<[[[f64; 2]; 3]; 3]>,
}

/// Places that a transition is told from: itself, and moved by a little either way along θ, θ̇ and u. So slopes are those along what can be seen, whatever a model makes of other numbers.
const MOVED: usize = 7;
const LITTLE: f64 = 1e-2;

fn predicted(model: &dyn WorldModel, data: &Dataset) -> Result<Predicted> {
    let mut arena = model.imagination(2 * MOVED);
    let (mut actions, mut imagined) = (Batch::zeros(1, MOVED), Imagined::new(model.spec(), MOVED));
    imagined.begin(MOVED);
    let mut out = Predicted { residuals: Vec::new(), slopes: Vec::new() };
    for i in 0..data.len() {
        let (state, torque) = (pendulum::state(data.observation(i)), data.action(i)[0]);
        for row in 0..MOVED {
            let (mut from, mut push) = (state, torque);
            if row > 0 {
                let by = if row % 2 == 1 { LITTLE } else { -LITTLE };
                match (row - 1) / 2 {
                    2 => push += by,
                    along => from[along] += by,
                }
            }
            arena.observe(row, None, &Value::Floats(pendulum::observe(from).to_vec()), Key::new(0))?;
            actions.columns_mut().set_row(row, &[push]);
        }
        let (from, to) = (Rows::Span(0..MOVED), Rows::Span(MOVED..2 * MOVED));
        arena.step(from, Actions::Continuous(actions.columns()), to, Key::new(0), &mut imagined)?;
        let mut said = [[0.0; 3]; MOVED];
        said.iter_mut().enumerate().try_for_each(|(row, said)| arena.decode(MOVED + row, 0, said))?;
        let next = data.next_observation(i);
        out.residuals.push([0, 1, 2].map(|d| next[d] - said[0][d]));
        let truth = pendulum::slopes(state, torque);
        out.slopes.push([0, 1, 2].map(|along| {
            let [more, less] = [said[2 * along + 1], said[2 * along + 2]];
            [0, 1, 2].map(|d| [(more[d] - less[d]) / (2.0 * LITTLE) - truth[along][d], truth[along][d]])
        }));
    }
    Ok(out)
}

/// How what is seen changes in a step everywhere, by its root mean square.
const CHANGES: [f64; 3] = [0.16, 0.16, 0.6];

/// How far a model is off, as sure of itself as `sure` says.
pub(super) fn errors(model: &dyn WorldModel, data: &Dataset, sure: &[f64; 3]) -> Result<Errors> {
    let told = predicted(model, data)?;
    let n = data.len() as f64;
    let (mut likelihood, mut step) = (0.0, 0.0);
    for row in &told.residuals {
        for d in 0..3 {
            likelihood += log_density(row[d], sure[d]);
            step += (row[d] / CHANGES[d]).powi(2);
        }
    }
    let square = |part: usize| told.slopes.iter().flatten().flatten().map(|pair| pair[part] * pair[part]).sum::<f64>();
    Ok(Errors { likelihood: likelihood / n, step: (step / (3.0 * n)).sqrt(), slope: (square(0) / square(1)).sqrt() })
}

/// Logarithm of a normal density.
fn log_density(off: f64, std: f64) -> f64 {
    -0.5 * (off / std).powi(2) - (std * (2.0 * std::f64::consts::PI).sqrt()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_world_is_not_off() {
        let known = pendulum::known().unwrap();
        let rng = &mut Rng::new(2);
        let data = pendulum::everywhere(100, rng).unwrap();
        let exact = errors(known.as_world_model(), &data, &[0.5; 3]).unwrap();
        // What is left are kinks at the bounds of speed and torque.
        assert!(exact.step < 1e-6, "{exact:?}");
        assert!(exact.slope < 0.1, "{exact:?}");
        let best = 3.0 * log_density(0.0, 0.5);
        assert!((exact.likelihood - best).abs() < 1e-6 && (best + 0.6773).abs() < 1e-3, "{exact:?} {best}");
        let squares: Vec<f64> = (0..3)
            .map(|d| {
                let rows = pendulum::everywhere(20_000, rng).unwrap();
                let of = |i: usize| (rows.next_observation(i)[d] - rows.observation(i)[d]).powi(2);
                ((0..rows.len()).map(of).sum::<f64>() / rows.len() as f64).sqrt()
            })
            .collect();
        assert!(squares.iter().zip(CHANGES).all(|(a, b)| (a / b - 1.0).abs() < 0.1), "{squares:?}");
    }
}
