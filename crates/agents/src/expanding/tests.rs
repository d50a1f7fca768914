//! Targets on a line whose values are known: it falls back to zero by a tenth at each step, and each step costs the square of where it leads.

use worldwright_core::{
    Actions, Batch, Capabilities, Columns, Dataset, Imagination, Imagined, Key, Mode, ModelSpec, Observation, Policy,
    Result, Rng, Rows, Space, State,
};

use super::{Expanding, weighed};

const LANES: usize = 3;
const CRITICS: usize = 2;
const KEPT: f64 = 0.9;
const DISCOUNT: f64 = 0.95;

/// What a place is worth: `−Σ γ^i (k^{i+1} x)²`.
fn worth(x: f64) -> f64 {
    -KEPT * KEPT * x * x / (1.0 - DISCOUNT * KEPT * KEPT)
}

/// The line as three members believe it: they differ by what is not known beyond a place.
struct Line {
    spec: ModelSpec,
    at: Vec<[f64; LANES]>,
    unknown: fn(f64) -> f64,
}

fn line(rows: usize, unknown: fn(f64) -> f64) -> Line {
    let spec = ModelSpec {
        name: "line".to_owned(),
        observation_space: Space::unbounded(1),
        action_space: Space::vector(&[-1.0], &[1.0]),
        members: LANES,
        constraints: 0,
        latent_dim: 0,
        deterministic: true,
        capabilities: Capabilities { decode: true, ..Capabilities::default() },
    };
    Line { spec, at: vec![[0.0; LANES]; rows], unknown }
}

impl Imagination for Line {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn rows(&self) -> usize {
        self.at.len()
    }

    fn observe(
        &mut self,
        row: usize,
        _: Option<(usize, &worldwright_core::Action)>,
        seen: &Observation,
        _: Key,
    ) -> Result<()> {
        let mut flat = [0.0];
        self.spec.observation_space.flatten(seen, &mut flat)?;
        self.at[row] = [flat[0]; LANES];
        Ok(())
    }

    fn copy(&mut self, _: usize, _: Rows<'_>) {}

    fn step(&mut self, _: Rows<'_>, actions: Actions<'_>, _: Rows<'_>, _: Key, out: &mut Imagined) -> Result<()> {
        let Actions::Continuous(actions) = actions else { return Ok(()) };
        out.begin(actions.rows());
        for row in 0..actions.rows() {
            for lane in 0..LANES {
                let off = (self.unknown)(self.at[row][lane]) * (lane as f64 - 0.5);
                self.at[row][lane] = KEPT * self.at[row][lane] + off;
                let at = out.at(lane, row);
                (out.reward[at], out.continuation[at]) = (-self.at[row][lane].powi(2), DISCOUNT);
            }
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        out[0] = self.at[row][member];
        Ok(())
    }
}

/// Nothing is done, which is worth so much by itself to who is soft, and two critics differ by what they do not know of a place.
struct Still(fn(f64) -> f64, Option<f64>);

impl Policy for Still {
    fn inputs(&self) -> usize {
        1
    }

    fn act(&mut self, inputs: Columns<'_>, mode: Mode, _: &mut Rng, out: &mut Batch) -> Result<()> {
        assert_eq!(mode == Mode::Explore, self.is_soft(), "who is soft draws");
        (0..inputs.rows()).for_each(|row| out.columns_mut().set(row, 0, 0.0));
        Ok(())
    }

    fn critics(&self) -> usize {
        CRITICS
    }

    fn is_soft(&self) -> bool {
        self.1.is_some()
    }

    fn values(&mut self, inputs: Columns<'_>, _: &mut Rng, [out, entropies]: [&mut [f64]; 2]) -> Result<()> {
        entropies.fill(self.1.unwrap_or(0.0));
        let rows = inputs.rows();
        for (i, slot) in out.iter_mut().enumerate() {
            let x = inputs.column(0)[i % rows];
            // Both err to the same side, one three times as far.
            *slot = worth(x) + (self.0)(x) * [0.5, 1.5][i / rows];
        }
        Ok(())
    }

    fn weights(&self) -> State {
        State::new()
    }

    fn restore_weights(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

/// Steps from places within [−3, 3].
fn walked() -> Dataset {
    let (rng, mut data) = (&mut Rng::new(4), Dataset::new(1, 1));
    for _ in 0..300 {
        let x = rng.uniform_in(-3.0, 3.0);
        data.push(&[x], &[0.0], -(KEPT * x).powi(2), &[KEPT * x], false, true).unwrap();
    }
    data
}

/// Targets by where their step began.
fn targets((horizon, weighted): (usize, bool), model: fn(f64) -> f64, critics: fn(f64) -> f64) -> Vec<[f64; 2]> {
    let mut expanding = Expanding::new([horizon, 200, LANES, CRITICS], weighted);
    let (mut arena, data) = (line(expanding.rows(), model), walked());
    let told = expanding.expand(&mut arena, &mut Still(critics, None), &data, DISCOUNT, &mut Rng::new(5)).unwrap();
    assert!(told.terminated().iter().all(|ended| *ended) && told.len() == 200);
    (0..told.len()).map(|i| [told.observation(i)[0], told.rewards()[i]]).collect()
}

/// Mean distance of targets from the truth.
fn error(kind: (usize, bool), model: fn(f64) -> f64, critics: fn(f64) -> f64) -> f64 {
    let all = targets(kind, model, critics);
    all.iter().map(|[x, target]| (target - worth(*x)).abs()).sum::<f64>() / all.len() as f64
}

/// The model is unsure on the right, critics are on the left: neither the plain target nor the longest one is good everywhere.
#[test]
fn targets_by_how_sure_they_are_lie_nearer_to_the_truth_than_the_shortest_and_the_longest() {
    let model: fn(f64) -> f64 = |x| 0.4 * (x - 0.5).max(0.0);
    let critics: fn(f64) -> f64 = |x| 3.0 * (-x - 0.2).max(0.0);
    let each = [(0, false), (6, false), (6, true)].map(|kind| error(kind, model, critics));
    assert!(each[2] < 0.6 * each[0] && each[2] < 0.6 * each[1], "{each:?}");
}

/// With a model that is right and critics that are, all targets are the truth.
#[test]
fn what_is_known_is_told() {
    for kind in [(0, true), (4, true), (4, false)] {
        assert!(error(kind, |_| 0.0, |_| 0.0) < 1e-12);
    }
}

/// Critics that agree on a value leave the plain target alone certain where the model is unsure; a model that is sure passes each target's doubt on by the discount: the
/// weights are then γ^−2(h+1), whatever the doubt.
#[test]
fn weights_come_to_what_is_known_of_them() {
    let unsure: fn(f64) -> f64 = |_| 0.3;
    for ([x, by_all], [_, plain]) in
        targets((5, true), unsure, |_| 0.0).iter().zip(targets((0, false), unsure, |_| 0.0))
    {
        assert_eq!(*by_all, plain, "at {x}");
    }
    let doubt: fn(f64) -> f64 = |_| 2.0;
    let (horizon, mut sum, mut weights) = (3, 0.0, 0.0);
    for h in 0..=horizon {
        let ahead = DISCOUNT.powi(h + 1);
        sum += ahead * 2.0 / ahead.powi(2);
        weights += 1.0 / ahead.powi(2);
    }
    for [x, target] in targets((horizon as usize, true), |_| 0.0, doubt) {
        assert!((target - worth(x) - sum / weights).abs() < 1e-9, "{target} at {x}");
    }
    // The longest alone: critics count by γ^(H+1).
    for [x, target] in targets((horizon as usize, false), |_| 0.0, doubt) {
        assert!((target - worth(x) - 2.0 * DISCOUNT.powi(horizon + 1)).abs() < 1e-9, "{target} at {x}");
    }
}

/// An action is worth 2 by itself wherever it is done, and critics that are right of rewards know nothing of that: a target of horizon h counts it at each of the places that it passes, from where
/// the transition led on, `2 Σ_{i ≤ h} γ^{i+1}`. By hand, to the horizon 3: 2 (0.95 + 0.9025 + 0.857375 + 0.81450625).
#[test]
fn what_is_soft_is_paid_for_each_place_that_it_passes() {
    for (horizon, paid) in [(0, 1.9), (1, 3.705), (3, 7.0487625)] {
        let mut expanding = Expanding::new([horizon, 200, LANES, CRITICS], false);
        let (mut arena, data) = (line(expanding.rows(), |_| 0.0), walked());
        let mut soft = Still(|_| 0.0, Some(2.0));
        let told = expanding.expand(&mut arena, &mut soft, &data, DISCOUNT, &mut Rng::new(5)).unwrap();
        for (i, target) in told.rewards().iter().enumerate() {
            assert!((target - worth(told.observation(i)[0]) - paid).abs() < 1e-9, "{target} at {horizon}");
        }
    }
}

#[test]
fn certain_means_share_all_weight_and_what_is_no_number_has_none() {
    assert_eq!(weighed(&[[1.0, 0.0], [3.0, 0.0], [9.0, 1.0]]), 2.0);
    assert_eq!(weighed(&[[1.0, 1.0], [4.0, 2.0]]), 2.0);
    assert_eq!(weighed(&[[1.0, 1.0], [f64::NAN, f64::NAN]]), 1.0);
    assert_eq!(weighed(&[[1.0, 1e-300], [2.0, 1e300]]), 1.0);
    assert!(weighed(&[[f64::NAN, f64::NAN]]).is_nan());
}

/// What ends pays what it paid, whatever the model says of later.
#[test]
fn nothing_is_worth_anything_behind_an_end() {
    let mut data = Dataset::new(1, 1);
    data.push(&[1.0], &[0.0], 5.0, &[2.0], true, true).unwrap();
    let mut expanding = Expanding::new([4, 8, LANES, CRITICS], true);
    let mut arena = line(expanding.rows(), |_| 1.0);
    let told = expanding.expand(&mut arena, &mut Still(|_| 3.0, Some(7.0)), &data, DISCOUNT, &mut Rng::new(1)).unwrap();
    assert!(told.rewards().iter().all(|target| *target == 5.0));
}
