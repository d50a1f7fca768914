//! Dynamic programming against values that are known: FrozenLake, the golden ratio, minimum times, MountainCar, the pendulum.

use std::f64::consts::{PI, TAU};

use worldwright_core::{Key, ModelSpec, Observation, Space};
use worldwright_planners::dp::{
    Axis, FiniteMdp, Grid, GridModel, MdpBuilder, Stop, enumerate, finite_horizon, policy_iteration,
    prioritized_sweeping, value_iteration,
};
use worldwright_testkit::{
    Dynamics, DynamicsModel, LaneAction, MountainCar, Outcome, Pendulum, Place, tabular::Process,
};

fn lake() -> FiniteMdp {
    let mut builder = MdpBuilder::new();
    for state in &Process::frozen_lake().branches {
        for (action, branches) in state.iter().enumerate() {
            let reward = branches.iter().map(|(p, _, reward)| p * reward).sum();
            let outcomes: Vec<(u32, f64)> =
                branches.iter().filter_map(|(p, next, _)| Some(((*next)? as u32, *p))).collect();
            builder.action(action as u32, reward, &outcomes).unwrap();
        }
        builder.end_state();
    }
    builder.finish().unwrap()
}

#[test]
fn frozen_lake_has_its_known_values_by_every_method() {
    let lake = lake();
    let stop = Stop { tolerance: 1e-11, sweeps: 1_000_000 };
    for (discount, want) in [(0.99, 0.542_025_932), (1.0, 14.0 / 17.0)] {
        let solutions = [
            value_iteration(&lake, discount, stop).unwrap(),
            policy_iteration(&lake, discount, 5, stop).unwrap(),
            policy_iteration(&lake, discount, 100_000, stop).unwrap(),
            prioritized_sweeping(&lake, discount, stop).unwrap(),
        ];
        for solution in &solutions {
            assert!(solution.converged, "{discount}: {}", solution.error);
            assert!((solution.values[0] - want).abs() < 2e-9, "{discount}: {}", solution.values[0]);
        }
        assert!(solutions[1].sweeps < solutions[0].sweeps);
    }
    let hundred = finite_horizon(&lake, 1.0, 100).unwrap();
    assert!((hundred.values[100][0] - 0.744_190_288).abs() < 1e-9);
}

#[test]
fn the_bound_holds_at_every_stage() {
    let lake = lake();
    let exact = value_iteration(&lake, 0.95, Stop { tolerance: 1e-13, sweeps: 100_000 }).unwrap().values;
    for sweeps in [1, 2, 5, 20, 100] {
        let some = value_iteration(&lake, 0.95, Stop { tolerance: 0.0, sweeps }).unwrap();
        let distance = some.values.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(!some.converged && distance <= some.error + 1e-12, "{sweeps}: {distance} > {}", some.error);
    }
}

#[test]
fn sweeping_by_priority_backs_up_less_where_rewards_are_rare() {
    // A corridor with a reward at its far end: news travel from there.
    let length = 2000;
    let mut builder = MdpBuilder::new();
    for state in 0..length {
        builder.action(0, 0.0, &[(state - u32::from(state > 0), 1.0)]).unwrap();
        builder.action(1, f64::from(u32::from(state + 1 == length)), &[(state + 1, 1.0)]).unwrap();
        builder.end_state();
    }
    builder.end_state();
    let corridor = builder.finish().unwrap();
    let stop = Stop { tolerance: 1e-9, sweeps: 100_000 };
    let (plain, first) =
        (value_iteration(&corridor, 0.999, stop).unwrap(), prioritized_sweeping(&corridor, 0.999, stop).unwrap());
    for (state, (a, b)) in plain.values.iter().zip(&first.values).enumerate() {
        let exact = if state == length as usize { 0.0 } else { 0.999_f64.powi((length as usize - 1 - state) as i32) };
        assert!((a - exact).abs() < 1e-8 && (b - exact).abs() < 1e-8);
    }
    assert!(first.sweeps * 100 < plain.sweeps, "{} {}", first.sweeps, plain.sweeps);
    assert_eq!((first.policy[5], first.policy[length as usize]), (Some(1), None));
}

#[test]
fn what_is_no_process_is_refused() {
    let said =
        |reward: f64, outcomes: &[(u32, f64)]| MdpBuilder::new().action(3, reward, outcomes).unwrap_err().to_string();
    assert!(said(f64::NAN, &[]).contains("state 0, action 3") && said(f64::NAN, &[]).contains("reward is NaN"));
    assert!(said(0.0, &[(0, 0.7), (1, 0.6)]).contains("sum to 1.29"));
    assert!(said(0.0, &[(0, -0.1)]).contains("probability of state 0 is -0.1"));
    let mut builder = MdpBuilder::new();
    builder.action(0, 0.0, &[(7, 1.0)]).unwrap();
    builder.end_state();
    assert!(builder.finish().unwrap_err().to_string().contains("state 7 does not exist: there are 1"));
    assert!(value_iteration(&lake(), 1.5, Stop::default()).unwrap_err().to_string().contains("between 0 and 1"));
    let axis = Axis { low: 1.0, high: 0.0, points: 5, periodic: false };
    assert!(Grid::new(&[axis]).unwrap_err().to_string().contains("axis 0"));
    assert!(Grid::new(&[]).is_err() && Grid::new(&[Axis { low: 0.0, ..axis }; 5]).is_err());
}

/// `x' = x + u`, or a double integrator with exact integration over the step, by known costs.
struct Cart {
    spec: ModelSpec,
    dt: f64,
}

impl Cart {
    fn new(dims: usize, dt: f64) -> Self {
        let spec = ModelSpec {
            name: "cart".into(),
            observation_space: Space::unbounded(dims),
            action_space: Space::vector(&[-9.0], &[9.0]),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: true,
            has_value: false,
            has_prior: false,
        };
        Self { spec, dt }
    }
}

impl Dynamics for Cart {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn state_dim(&self) -> usize {
        self.spec.observation_space.flat_dim()
    }
    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }
    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Numbers(&[u]) = action else { panic!("numbers were promised") };
        if let [x] = state {
            out.reward = -(*x * *x + u * u);
            *x += u;
        } else {
            let dt = self.dt;
            out.reward = -dt;
            state[0] += state[1] * dt + 0.5 * u * dt * dt;
            state[1] += u * dt;
            // The goal, within a step's reach.
            out.continuation = if state[0].abs() <= 0.05 && state[1].abs() <= dt { 0.0 } else { 1.0 };
        }
    }
}

fn flat_task<'a, D: Dynamics>(model: &'a DynamicsModel<D>, actions: &'a [Vec<f64>]) -> GridModel<'a> {
    GridModel {
        model,
        observation: &|at| Observation::Floats(at.to_vec()),
        coordinates: &|flat, at| at.copy_from_slice(flat),
        actions,
    }
}

#[test]
fn the_golden_ratio_comes_out() {
    let model = DynamicsModel(Cart::new(1, 1.0));
    let actions: Vec<Vec<f64>> = (-120..=120).map(|i| vec![f64::from(i) * 0.01]).collect();
    let grid = Grid::new(&[Axis { low: -1.5, high: 1.5, points: 301, periodic: false }]).unwrap();
    let mdp = grid.process(&flat_task(&model, &actions)).unwrap();
    let solved = value_iteration(&mdp, 1.0, Stop { tolerance: 1e-9, sweeps: 1000 }).unwrap();
    let phi = 0.5 * (1.0 + 5.0_f64.sqrt());
    for x in [-1.0, -0.5, 0.3, 1.0] {
        let value = grid.interpolate(&solved.values, &[x]);
        assert!((value + phi * x * x).abs() < 2e-3, "{x}: {value}");
    }
}

#[test]
fn a_double_integrator_comes_to_rest_in_minimum_time() {
    let dt = 0.05;
    let model = DynamicsModel(Cart::new(2, dt));
    let grid = Grid::new(&[
        Axis { low: -3.0, high: 3.0, points: 241, periodic: false },
        Axis { low: -2.5, high: 2.5, points: 201, periodic: false },
    ])
    .unwrap();
    let mdp = grid.process(&flat_task(&model, &[vec![-1.0], vec![0.0], vec![1.0]])).unwrap();
    let solved = value_iteration(&mdp, 1.0, Stop { tolerance: 1e-6, sweeps: 400 }).unwrap();
    for (state, want) in [([1.0, 0.0], 2.0), ([0.0, 1.0], 2.414_214), ([1.0, 1.0], 3.449_490), ([-2.0, 1.0], 2.162_278)]
    {
        let time = -grid.interpolate(&solved.values, &state);
        // The goal is a small box, which saves some time, and steps are whole.
        assert!((time - want).abs() < 0.15, "{state:?}: {time} for {want}");
    }
}

#[test]
fn the_mountain_is_climbed_in_the_known_number_of_steps() {
    let model = DynamicsModel(MountainCar::new());
    let grid = Grid::new(&[
        Axis { low: -1.2, high: 0.6, points: 361, periodic: false },
        Axis { low: -0.07, high: 0.07, points: 281, periodic: false },
    ])
    .unwrap();
    let mdp = grid.process(&flat_task(&model, &[])).unwrap();
    let solved = value_iteration(&mdp, 1.0, Stop { tolerance: 1e-6, sweeps: 400 }).unwrap();
    let steps: Vec<f64> =
        (0..=200).map(|i| -grid.interpolate(&solved.values, &[-0.6 + 0.001 * f64::from(i), 0.0])).collect();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    assert!((mean - 97.5).abs() < 2.0, "{mean}");
}

#[test]
fn the_pendulum_has_its_known_values() {
    let model = DynamicsModel(Pendulum::new());
    let grid = Grid::new(&[
        Axis { low: -PI, high: PI, points: 240, periodic: true },
        Axis { low: -8.0, high: 8.0, points: 241, periodic: false },
    ])
    .unwrap();
    let actions: Vec<Vec<f64>> = (-4..=4).map(|i| vec![0.5 * f64::from(i)]).collect();
    let task = GridModel {
        coordinates: &|flat, at| {
            at.copy_from_slice(flat);
            at[0] = (at[0] + PI).rem_euclid(TAU) - PI;
        },
        ..flat_task(&model, &actions)
    };
    let mdp = grid.process(&task).unwrap();
    let values = &finite_horizon(&mdp, 1.0, 200).unwrap().values[200];
    for (state, want) in [([PI, 0.0], -296.2), ([PI, 1.0], -281.3), ([0.5 * PI, 0.0], -116.2), ([1.0, 0.0], -120.2)] {
        // Hanging is where the value has kinks; there the error halves only with the spacing.
        let value = grid.interpolate(values, &state);
        let share = if state[0] == PI { 0.035 } else { 0.002 };
        assert!((value - want).abs() < share * want.abs(), "{state:?}: {value} for {want}");
    }
}

#[test]
fn a_model_is_enumerated_in_order() {
    /// A walk on a ring of twelve, left, stay or right; the reward is one at six, where it ends.
    struct Ring(ModelSpec);
    impl Dynamics for Ring {
        fn spec(&self) -> &ModelSpec {
            &self.0
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
            _place: Place,
            state: &mut [f64],
            _next: &mut [f64],
            action: LaneAction<'_>,
            _key: Key,
            out: &mut Outcome<'_>,
        ) {
            let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
            state[0] = (state[0] + f64::from(choice) - 1.0).rem_euclid(12.0);
            let end = state[0] == 6.0;
            (out.reward, out.continuation) = (f64::from(u8::from(end)), if end { 0.0 } else { 0.9 });
        }
    }
    let ring = Ring(ModelSpec { action_space: Space::discrete(3), ..Cart::new(1, 1.0).spec });
    let model = DynamicsModel(ring);
    let found = enumerate(&model, &[Observation::Floats(vec![0.0])], 100, Key::new(0)).unwrap();
    // Left of zero first, then zero again, then right of it …; six itself is an end and never a state.
    assert_eq!(found.observations[..4], [[0.0], [11.0], [1.0], [10.0]]);
    assert_eq!((found.mdp.states(), found.mdp.choices()), (11, 33));
    let values = value_iteration(&found.mdp, 1.0, Stop::default()).unwrap().values;
    for (observation, value) in found.observations.iter().zip(&values) {
        let away = (observation[0] - 6.0).abs() as i32;
        assert!((value - 0.9_f64.powi(away - 1)).abs() < 1e-9, "{observation:?}: {value}");
    }
    let few = enumerate(&model, &[Observation::Floats(vec![0.0])], 5, Key::new(0)).unwrap_err().to_string();
    assert!(few.contains("more than 5 states"), "{few}");
}
