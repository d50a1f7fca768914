//! Numbers that an independent program or a closed form gives.

use worldwright_core::{Rng, Setting, Value};
use worldwright_envs::make;

/// Mean return of uniformly random actions over `episodes`.
fn random_return(name: &str, episodes: u64) -> f64 {
    let mut made = make(name, &Default::default()).unwrap();
    let mut rng = Rng::new(0);
    let mut total = 0.0;
    for seed in 0..episodes {
        made.environment.reset(seed).unwrap();
        loop {
            let action = made.environment.action_space().sample(&mut rng);
            let step = made.environment.step(&action).unwrap();
            total += step.reward;
            if step.done() {
                break;
            }
        }
    }
    total / episodes as f64
}

#[test]
fn a_random_policy_scores_what_it_should() {
    // −1232 with a spread of about 290 an episode: four standard errors over 2,000 episodes.
    let pendulum = random_return("pendulum", 2000);
    assert!((pendulum + 1232.0).abs() < 26.0, "{pendulum}");
    // Gymnasium's CartPole lasts about 22 steps under random actions (spread 12), and never leaves the valley in 200.
    let cartpole = random_return("cartpole", 2000);
    assert!((cartpole - 22.2).abs() < 1.3, "{cartpole}");
    assert_eq!(random_return("mountain-car", 20), -200.0);
    // 15,670 in the mean of an independent program; an episode spreads by about as much.
    let river = random_return("river-swim", 400);
    assert!((river - 15_670.0).abs() < 2_500.0, "{river}");
}

fn first_observations(name: &str, n: u64) -> Vec<Vec<f64>> {
    let mut made = make(name, &Default::default()).unwrap();
    (0..n).map(|seed| made.environment.reset(seed).unwrap().floats().unwrap().to_vec()).collect()
}

fn moments(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let numbers: Vec<f64> = numbers.collect();
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (mean, (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Mean and standard deviation within four standard errors (normal numbers; uniform ones vary less).
fn assert_moments(name: &str, numbers: impl Iterator<Item = f64>, mean: f64, std: f64) {
    let n = 4000.0_f64;
    let (got_mean, got_std) = moments(numbers);
    assert!((got_mean - mean).abs() < 4.0 * std / n.sqrt(), "{name}: mean {got_mean}, not {mean}");
    assert!((got_std - std).abs() < 4.0 * std / (2.0 * n).sqrt(), "{name}: std {got_std}, not {std}");
}

#[test]
fn episodes_start_as_the_originals_do() {
    let uniform = |low: f64, high: f64| ((low + high) / 2.0, (high - low) / 12_f64.sqrt());
    let pi = std::f64::consts::PI;
    let (mean, std) = uniform(-pi, pi);
    let pendulum = first_observations("pendulum", 4000);
    assert_moments("pendulum angle", pendulum.iter().map(|o| o[1].atan2(o[0])), mean, std);
    assert_moments("pendulum speed", pendulum.iter().map(|o| o[2]), 0.0, uniform(-1.0, 1.0).1);
    let cartpole = first_observations("cartpole", 4000);
    for dim in 0..4 {
        assert_moments("cartpole", cartpole.iter().map(|o| o[dim]), 0.0, uniform(-0.05, 0.05).1);
        assert!(cartpole.iter().all(|o| o[dim].abs() <= 0.05 + 1e-8));
    }
    for name in ["mountain-car", "mountain-car-continuous"] {
        let starts = first_observations(name, 4000);
        let (mean, std) = uniform(-0.6, -0.4);
        assert_moments(name, starts.iter().map(|o| o[0]), mean, std);
        assert!(starts.iter().all(|o| o[1] == 0.0));
    }
    let acrobot = first_observations("acrobot", 4000);
    assert_moments("acrobot", acrobot.iter().map(|o| o[3].atan2(o[2])), 0.0, uniform(-0.1, 0.1).1);
    let swingup = first_observations("dmc-cartpole-swingup", 4000);
    assert_moments("dmc-cartpole x", swingup.iter().map(|o| o[0]), 0.0, 0.01);
    assert_moments("dmc-cartpole angle", swingup.iter().map(|o| (-o[2]).atan2(-o[1])), 0.0, 0.01);
    let hanging = first_observations("dmc-pendulum-swingup", 4000);
    assert_moments("dmc-pendulum", hanging.iter().map(|o| o[1].atan2(o[0])), mean, std);
    assert!(hanging.iter().all(|o| o[2] == 0.0));
    for dim in 0..4 {
        assert_moments("pets", first_observations("pets-cartpole", 4000).iter().map(|o| o[dim]), 0.0, 0.1);
    }
    // Start and measurement noise add up.
    let std = (0.1_f64.powi(2) + 0.01_f64.powi(2)).sqrt();
    assert_moments("pilco", first_observations("pilco-cartpole", 4000).iter().map(|o| o[0]), 0.0, std);
}

/// The optimal feedback of the double integrator, and the value it must earn from a start (Riccati, in closed form).
#[test]
fn the_linear_system_earns_its_riccati_value() {
    let overrides = [("episode_steps".to_owned(), Setting::Integer(2000))].into();
    let mut made = make("linear", &overrides).unwrap();
    let start = made.environment.reset(3).unwrap();
    let x = start.floats().unwrap().to_vec();
    let value = 13.317_224_441_1 * x[0] * x[0] + 2.0 * 3.201_562_118_7 * x[0] * x[1] + 4.603_514_023_8 * x[1] * x[1];
    let mut x = x;
    let mut total = 0.0;
    loop {
        let u = -(2.585_700_896_7 * x[0] + 3.443_435_917_8 * x[1]);
        let step = made.environment.step(&Value::Floats(vec![u])).unwrap();
        total += step.reward;
        x = step.observation.floats().unwrap().to_vec();
        if step.done() {
            break;
        }
    }
    assert!((total + value).abs() < 1e-8 * value, "{total} and {value}");
}

#[test]
fn the_linear_systems_noise_has_its_size() {
    let overrides = [
        ("episode_steps".to_owned(), Setting::Integer(0)),
        ("noise_std".to_owned(), Setting::Float(0.3)),
        ("a".to_owned(), Setting::Numbers(vec![0.5])),
        ("b".to_owned(), Setting::Numbers(vec![1.0])),
        ("q".to_owned(), Setting::Numbers(vec![1.0])),
    ]
    .into();
    let mut made = make("linear", &overrides).unwrap();
    made.environment.reset(0).unwrap();
    let states: Vec<f64> = (0..20_000)
        .map(|_| made.environment.step(&Value::Floats(vec![0.0])).unwrap().observation.floats().unwrap()[0])
        .collect();
    // The stationary spread of x' = x/2 + w is σ / sqrt(1 − 1/4).
    let (mean, std) = moments(states.into_iter());
    assert!(mean.abs() < 0.02 && (std - 0.3 / 0.75_f64.sqrt()).abs() < 0.01, "{mean} {std}");
    let wrong = [("a".to_owned(), Setting::Numbers(vec![1.0; 3]))].into();
    assert!(make("linear", &wrong).is_err());
}

/// In each cell of the deep sea one choice leads right, at a cost of 0.01 / N; all of them together pay 0.99, and going left pays nothing.
#[test]
fn one_way_of_the_deep_sea_leads_to_the_treasure() {
    let mut made = make("deep-sea", &Default::default()).unwrap();
    let sea = made.environment.as_mut();
    let dive = |sea: &mut dyn worldwright_core::Environment, choices: &[i64]| {
        let mut column = sea.reset(0).unwrap().floats().unwrap()[1];
        let mut total = 0.0;
        for (row, choice) in choices.iter().enumerate() {
            let step = sea.step(&Value::Integer(*choice)).unwrap();
            total += step.reward;
            assert_eq!((step.terminated, step.truncated), (row == 9, false));
            column = step.observation.floats().unwrap()[1];
        }
        (total, column)
    };
    // The choice that leads right is found row by row: it costs.
    let mut way = vec![0; 10];
    for row in 0..10 {
        let so_far = dive(sea, &way[..=row]).0;
        if (so_far + 0.001 * (row + 1) as f64).abs() > 1e-12 && so_far < 0.5 {
            way[row] = 1;
        }
    }
    let (total, _) = dive(sea, &way);
    assert!((total - 0.99).abs() < 1e-12, "{total} by {way:?}");
    let wrong: Vec<i64> = way.iter().map(|choice| 1 - choice).collect();
    assert_eq!(dive(sea, &wrong[..1]), (0.0, 0.0));
}

/// Flipping each bit that differs costs 1 a flip but for the last; over many starts that is what the optimum says.
#[test]
fn as_many_flips_as_bits_differ_reach_the_goal() {
    let mut made = make("bit-flipping", &[("bits".to_owned(), Setting::Integer(6))].into()).unwrap();
    let (mut total, starts) = (0.0, 4000);
    for seed in 0..starts {
        let Value::Dict(parts) = made.environment.reset(seed).unwrap() else { panic!("parts of a goal environment") };
        let row = |name: &str| match &parts.iter().find(|(part, _)| part == name).unwrap().1 {
            Value::Integers(bits) => bits.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(row("observation"), row("achieved_goal"));
        let differing: Vec<i64> =
            (0..6).filter(|bit| row("achieved_goal")[*bit as usize] != row("desired_goal")[*bit as usize]).collect();
        for (flip, bit) in differing.iter().enumerate() {
            let step = made.environment.step(&Value::Integer(*bit)).unwrap();
            let last = flip + 1 == differing.len();
            assert_eq!((step.reward, step.terminated), (if last { 0.0 } else { -1.0 }, last));
            total += step.reward;
        }
    }
    // The deviation of a binomial of 6 is 1.2; four standard errors.
    let (mean, optimum) = (total / starts as f64, made.optimum.unwrap());
    assert!((mean - optimum).abs() < 0.08 && (optimum + 2.0476).abs() < 0.001, "{mean} {optimum}");
}
