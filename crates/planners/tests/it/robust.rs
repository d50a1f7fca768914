//! Risk, uncertainty, constraints: where the careful choice differs from the best on average.

use worldwright_core::Setting::{Float, Integer, Text};
use worldwright_core::{Action, Budget, Key, ModelSpec, Observation, Space, WorldModel};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, LinearQuadratic, Outcome, Place};

use crate::{planner, settings};

/// One step, four lanes. Choice 0 pays 2 surely. Choice 1 pays 10, 10, 0, −4: mean 4. Choice 2 pays 6, 3, 3, 1: mean 3.25. So the
/// mean prefers 1, the worst lane (and the worst quarter) 0, and the worst three quarters (2, 2, 7/3) choice 2.
/// Choice 1 is the one that the lanes disagree on.
struct Gamble {
    spec: ModelSpec,
}

const PAY: [[f64; 4]; 3] = [[2.0; 4], [10.0, 10.0, 0.0, -4.0], [6.0, 3.0, 3.0, 1.0]];

impl Gamble {
    fn new() -> Self {
        Self {
            spec: ModelSpec {
                name: "gamble".to_owned(),
                observation_space: Space::unbounded(1),
                action_space: Space::discrete(3),
                members: 4,
                constraints: 0,
                latent_dim: 1,
                deterministic: true,
                has_value: false,
                has_prior: false,
            },
        }
    }
}

impl Dynamics for Gamble {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn state_dim(&self) -> usize {
        1
    }
    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }
    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    fn advance(
        &self,
        place: Place,
        _state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = PAY[choice as usize][place.lane];
        out.epistemic = [0.0, 1.0, 0.1][choice as usize];
        // The episode ends here: what follows must not count.
        out.continuation = 0.0;
    }
}

fn choose(name: &str, risk: &str, alpha: f64, penalty: f64) -> (i64, f64) {
    let model = DynamicsModel(Gamble::new());
    let overrides = settings([
        ("horizon", Integer(3)),
        ("population", Integer(60)),
        ("iterations", Integer(6)),
        ("risk", Text(risk.to_owned())),
        ("cvar_alpha", Float(alpha)),
        ("epistemic_penalty", Float(penalty)),
    ]);
    let mut planner = planner(name, &model, 1, &overrides);
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
    let report = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    let mut action = Action::Integer(-1);
    planner.act(0, &mut action);
    (action.integer().unwrap(), report.value)
}

#[test]
fn the_risk_measure_decides_between_gambles() {
    for name in ["random-shooting", "predictive-sampling", "cem", "icem", "mppi"] {
        assert_eq!(choose(name, "mean", 0.5, 0.0), (1, 4.0), "{name}");
        assert_eq!(choose(name, "worst", 0.5, 0.0), (0, 2.0), "{name}");
        assert_eq!(choose(name, "cvar", 0.25, 0.0), (0, 2.0), "{name}");
        let (choice, value) = choose(name, "cvar", 0.75, 0.0);
        assert!(choice == 2 && (value - 7.0 / 3.0).abs() < 1e-12, "{name}: {choice} {value}");
        // 4 − 3 < 3.25 − 0.3: what the model does not know is not worth it.
        let (choice, value) = choose(name, "mean", 0.5, 3.0);
        assert!(choice == 2 && (value - 2.95).abs() < 1e-12, "{name}: {choice} {value}");
    }
}

/// A speed limit that the unconstrained plan breaks: the constrained plan keeps it, at a price.
#[test]
fn constraints_come_before_returns() {
    let limit = 0.2;
    let free = LinearQuadratic::new(Problem::double_integrator(), 4.0);
    let bound = free.clone().with_half_space(&[0.0, -1.0], limit);
    for name in ["cem", "icem", "mppi"] {
        let run = |world: LinearQuadratic| {
            let model = DynamicsModel(world);
            let overrides =
                settings([("horizon", Integer(12)), ("population", Integer(300)), ("iterations", Integer(8))]);
            let mut planner = planner(name, &model, 0, &overrides);
            let mut world = model.imagination(planner.rows());
            world.observe(0, None, &Observation::Floats(vec![1.0, 0.0]), Key::new(0)).unwrap();
            let value = planner.improve(&mut *world, 0, &Budget::default()).unwrap().value;
            let (mut speed, mut slowest, mut action) = (0.0_f64, 0.0_f64, Action::Integer(0));
            for t in 0..12 {
                planner.act(t, &mut action);
                speed += 0.1 * action.floats().unwrap()[0];
                slowest = slowest.min(speed);
            }
            (value, slowest)
        };
        let ((free_value, free_speed), (bound_value, bound_speed)) = (run(free.clone()), run(bound.clone()));
        assert!(free_speed < -limit - 0.1, "{name}: the limit does not bind: {free_speed}");
        assert!(bound_speed >= -limit - 1e-12, "{name}: {bound_speed} breaks the limit");
        assert!(bound_value < free_value, "{name}: a limit that binds costs something");
    }
}

/// One step; the next state is the same in all lanes, but each lane has a reward function of its own: an ensemble of rewards. Pay is
/// `w_m a − a²/4` with w = 1, 1, −3, so the mean (w = −1/3) prefers −2/3, the worst lane something else.
struct Rewards {
    spec: ModelSpec,
}

const SLOPES: [f64; 3] = [1.0, 1.0, -3.0];

impl Dynamics for Rewards {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn state_dim(&self) -> usize {
        1
    }
    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }
    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    fn advance(
        &self,
        place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Numbers(&[a]) = action else { panic!("a number was promised") };
        state[0] += a;
        out.reward = SLOPES[place.lane] * a - 0.25 * a * a;
        out.continuation = 0.0;
    }
}

/// `−a/3 − a²/4` is largest at −2/3 with 1/9; the worst of `a − a²/4` and `−3a − a²/4` at 0 with 0; the mean of the worst two
/// thirds of the lanes is `−a − a²/4` above zero and `a − a²/4` below, so largest at 0 as well.
#[test]
fn risk_covers_an_ensemble_of_rewards() {
    let spec = ModelSpec {
        name: "rewards".to_owned(),
        observation_space: Space::unbounded(1),
        action_space: Space::vector(&[-2.0], &[2.0]),
        members: 3,
        constraints: 0,
        latent_dim: 0,
        deterministic: true,
        has_value: false,
        has_prior: false,
    };
    let model = DynamicsModel(Rewards { spec });
    for name in ["cem", "icem", "cma-es", "predictive-sampling"] {
        for (risk, want, worth) in [("mean", -2.0 / 3.0, 1.0 / 9.0), ("worst", 0.0, 0.0), ("cvar", 0.0, 0.0)] {
            let overrides = settings([
                ("horizon", Integer(1)),
                ("population", Integer(200)),
                ("iterations", Integer(12)),
                ("risk", Text(risk.to_owned())),
                ("cvar_alpha", Float(2.0 / 3.0)),
            ]);
            let mut planner = planner(name, &model, 0, &overrides);
            let got = crate::value(&mut *planner, &model, &[0.0]);
            let mut action = Action::Integer(0);
            planner.act(0, &mut action);
            let a = action.floats().unwrap()[0];
            assert!((a - want).abs() < 0.06 && (got - worth).abs() < 0.02, "{name} {risk}: {a} worth {got}");
        }
    }
}
