//! Caution on a line whose model, and what it does not know, are given.

use std::collections::BTreeMap;

use worldwright_core::{
    Actions, Batch, Capabilities, Columns, Dataset, Imagination, Imagined, Interrupt, Key, Mode, ModelSpec,
    Observation, Policy, Result, Rng, Rows, Setting, Settings, Space, State, find,
};

use super::{Caution, Kind};
use crate::dreaming::{Dreaming, Growth, Pay};
use crate::mixture::Mixture;
use crate::recipes::ALL;

/// What two members disagree by: nothing about actions up to a half, which were recorded.
fn unknown(action: f64) -> f64 {
    2.0 * (action.abs() - 0.5).max(0.0)
}

/// Each step pays its action and leads there; member 0 errs below, member 1 above by what is not known.
struct Line {
    spec: ModelSpec,
    at: Vec<[f64; 2]>,
}

impl Line {
    fn new(rows: usize) -> Self {
        let capabilities = Capabilities { decode: true, beliefs: true, ..Capabilities::default() };
        let spec = ModelSpec {
            name: "line".to_owned(),
            observation_space: Space::unbounded(1),
            action_space: Space::vector(&[-1.0], &[1.0]),
            members: 2,
            constraints: 0,
            latent_dim: 0,
            deterministic: true,
            capabilities,
        };
        Self { spec, at: vec![[0.0; 2]; rows] }
    }
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
        self.at[row] = [flat[0]; 2];
        Ok(())
    }

    fn copy(&mut self, _: usize, _: Rows<'_>) {}

    fn step(&mut self, _: Rows<'_>, actions: Actions<'_>, _: Rows<'_>, _: Key, out: &mut Imagined) -> Result<()> {
        let Actions::Continuous(actions) = actions else { return Ok(()) };
        out.begin(actions.rows());
        for (row, action) in actions.column(0).iter().enumerate() {
            self.at[row] = [action - unknown(*action), action + unknown(*action)];
            for lane in 0..2 {
                let at = out.at(lane, row);
                (out.reward[at], out.continuation[at], out.epistemic[at]) = (*action, 0.9, unknown(*action));
            }
        }
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        out[0] = self.at[row][member];
        Ok(())
    }
}

/// Any action, and three for each unit of place.
struct Anything;

impl Policy for Anything {
    fn inputs(&self) -> usize {
        1
    }

    fn act(&mut self, inputs: Columns<'_>, _: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()> {
        (0..inputs.rows()).for_each(|row| out.columns_mut().set(row, 0, rng.uniform_in(-1.0, 1.0)));
        Ok(())
    }

    fn judges(&self) -> bool {
        true
    }

    fn value(&mut self, inputs: Columns<'_>, out: &mut [f64]) -> Result<()> {
        out.iter_mut().zip(inputs.column(0)).for_each(|(slot, place)| *slot = 3.0 * place);
        Ok(())
    }

    fn weights(&self) -> State {
        State::new()
    }

    fn restore_weights(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

fn recorded() -> Dataset {
    let (rng, mut data) = (&mut Rng::new(1), Dataset::new(1, 1));
    for _ in 0..400 {
        let action = rng.uniform_in(-0.5, 0.5);
        data.push(&[rng.uniform_in(-1.0, 1.0)], &[action], action, &[action], false, true).unwrap();
    }
    data
}

fn settings(algorithm: &str, given: &[(&str, f64)]) -> Settings {
    let entry = find(ALL, "algorithm", algorithm).unwrap();
    let mut all: BTreeMap<_, _> =
        given.iter().map(|(key, value)| ((*key).to_owned(), Setting::Float(*value))).collect();
    all.insert("discount".into(), Setting::Float(0.9));
    all.insert("imagined_steps".into(), Setting::Integer(1));
    Settings::resolve(algorithm, entry.parameters, &all).unwrap()
}

/// What is dreamt with this caution, and the size and the least of what was recorded to pay.
fn dreamt(kind: Kind, algorithm: &str, given: &[(&str, f64)]) -> (Dataset, f64, f64) {
    let (data, settings) = (recorded(), settings(algorithm, given));
    let (mut line, mut dreaming) = (Line::new(256), Dreaming::new(&settings, Growth::none(), 1, 1).unwrap());
    let mut caution = Caution::new(kind, &settings).unwrap();
    caution.measure(&mut line, &data).unwrap();
    let pay = Pay::Cautious(caution);
    let dreamt = dreaming.dream(&mut line, &mut Anything, &data, pay, 0.9, &mut Rng::new(2)).unwrap();
    assert_eq!(dreamt.len(), 256);
    let size = (data.rewards().iter().map(|reward| reward * reward).sum::<f64>() / 400.0).sqrt();
    (dreamt, size, data.rewards().iter().copied().fold(0.0, f64::min))
}

#[test]
fn what_is_not_known_pays_less_in_each_of_the_three_ways() {
    let (set, size, _) = dreamt(Kind::Penalty, "mopo", &[("penalty", 1.5)]);
    for i in 0..set.len() {
        let action = set.action(i)[0];
        assert!((set.rewards()[i] - (action - 1.5 * size * unknown(action))).abs() < 1e-9 && !set.terminated()[i]);
    }
    let (set, size, least) = dreamt(Kind::Halt, "morel", &[("threshold", 1.0), ("halt_penalty", 0.5)]);
    for i in 0..set.len() {
        let (action, halts) = (set.action(i)[0], unknown(set.action(i)[0]) > 0.0);
        let pays = if halts { (least - 0.5 * size) / 0.1 } else { action };
        assert!((set.rewards()[i] - pays).abs() < 1e-9 && set.terminated()[i] == halts, "{action}");
    }
    // Lanes lie as far from their middle as is not known, and a unit of place is worth three.
    let (set, ..) = dreamt(Kind::Values, "mobile", &[("penalty", 2.0)]);
    for i in 0..set.len() {
        let action = set.action(i)[0];
        assert!((set.rewards()[i] - (action - 2.0 * 0.9 * 3.0 * unknown(action))).abs() < 1e-9);
    }
}

#[test]
fn the_policy_stays_where_the_penalised_value_is_largest() {
    // One step each: r − λ ρ u = a − λ ρ 2 (a − ½) beyond a half, which falls where λ ρ > ½; without a penalty the largest action is the best.
    let entry = find(worldwright_policies::ALL, "policy", "sac").unwrap();
    let data = recorded();
    let best = |penalty: f64| {
        let settings = settings("mopo", &[("penalty", penalty)]);
        let (mut line, mut dreaming) = (Line::new(256), Dreaming::new(&settings, Growth::none(), 1, 1).unwrap());
        let mut caution = Caution::new(Kind::Penalty, &settings).unwrap();
        caution.measure(&mut line, &data).unwrap();
        let context = worldwright_policies::PolicyContext {
            inputs: 1,
            action_space: Space::vector(&[-1.0], &[1.0]),
            discount: 0.0,
            seed: 1,
        };
        let given = [
            ("hidden", Setting::Numbers(vec![32.0, 32.0])),
            ("batch", Setting::Integer(128)),
            ("learning_rate", Setting::Float(3e-3)),
            ("initial_temperature", Setting::Float(0.02)),
        ];
        let given = given.map(|(key, value)| (key.to_owned(), value)).into();
        let resolved = Settings::resolve("sac", entry.parameters, &given).unwrap();
        let mut policy = entry.build.experienced("sac", &context, &resolved).unwrap();
        let rng = &mut Rng::new(3);
        for _ in 0..50 {
            let pay = Pay::Cautious(caution);
            let imagined = dreaming.dream(&mut line, policy.as_mut(), &data, pay, 0.9, rng).unwrap();
            let mixture = Mixture { real: &data, imagined: &imagined, share: 0.9, punishes: true };
            (0..20).for_each(|_| drop(policy.update(&mixture, rng, &Interrupt::never()).unwrap()));
        }
        let (seen, mut out) = (Batch::zeros(1, 1), Batch::zeros(1, 1));
        policy.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
        out.columns().get(0, 0)
    };
    let [bold, cautious] = [0.0, 10.0].map(best);
    assert!(bold > 0.85, "{bold}");
    assert!((cautious - 0.5).abs() < 0.12, "{cautious}");
}

/// Where a model that learned agrees with itself everywhere, a price on disagreement would be no price at all.
#[test]
fn a_model_that_never_disagrees_is_refused_unless_nothing_is_asked_of_it() {
    let mut line = Line::new(256);
    line.spec.capabilities.beliefs = false;
    for (kind, algorithm, weight) in [(Kind::Penalty, "mopo", "penalty"), (Kind::Halt, "morel", "threshold")] {
        let mut measured = |asked: f64| {
            let caution = Caution::new(kind, &settings(algorithm, &[(weight, asked)]));
            caution.unwrap().measure(&mut line, &recorded()).map_err(|error| error.to_string())
        };
        let error = measured(1.0).unwrap_err();
        assert!(error.contains("choose model=ensemble"), "{error}");
        assert!(measured(0.0).is_ok(), "{algorithm}");
    }
}
