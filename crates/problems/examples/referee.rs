//! The referee's table: optimal values by dynamic programming beside what is known, against grid size.
//!
//! `cargo run --release -p worldwright-planners --example referee` (add a number to stop at coarser grids: the largest count of points along
//! an axis). `value` is the interpolated value, `earned` what the greedy policy earns on the model itself: the optimum is at least that.

#![allow(clippy::print_stdout, reason = "an example prints its table")]

use std::f64::consts::{PI, TAU};
use std::time::Instant;

use worldwright_core::Setting::{Integer, Numbers};
use worldwright_core::{Action, Budget, Key, Observation, Result, WorldModel};
use worldwright_finite::{
    Mdp, MdpBuilder, Stop, Sweep, finite_horizon, modified_policy_iteration, policy_iteration, prioritised_sweeping,
    value_iteration,
};
use worldwright_motion::Dubins;
use worldwright_planners::grid::{Axis, GridConfig, GridValue, Interpolation};
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::tabular::Process;
use worldwright_testkit::{DynamicsModel, MountainCar, Pendulum};

fn main() -> Result<()> {
    let most = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(721);
    frozen_lake()?;
    golden_ratio()?;
    minimum_time(most)?;
    dubins(most)?;
    mountain_car(most)?;
    in_the_environment(most)?;
    pendulum(most)
}

fn explored(model: &dyn WorldModel, config: &GridConfig) -> Result<GridValue> {
    let mut value = GridValue::new(config, &model.spec().action_space, 1)?;
    let mut world = model.imagination(value.rows());
    value.explore(&mut *world)?;
    Ok(value)
}

fn follow(value: &mut GridValue, model: &dyn WorldModel, state: &[f64], steps: usize) -> Result<(f64, usize)> {
    let mut world = model.imagination(value.rows());
    world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0))?;
    value.follow(&mut *world, steps, Key::new(0))
}

fn frozen_lake() -> Result<()> {
    println!("FrozenLake 4x4: value of the start");
    let lake = |discount: f64| -> Result<Mdp> {
        let mut builder = MdpBuilder::new(discount);
        for actions in &Process::frozen_lake().branches {
            builder.state();
            for branches in actions {
                builder.action();
                for (probability, next, reward) in branches {
                    builder.outcome(*probability, *reward, *next);
                }
            }
        }
        builder.build()
    };
    let stop = Stop { tolerance: 1e-13, ..Stop::default() };
    for (discount, known) in [(1.0, 14.0 / 17.0), (0.99, 0.542_025_932)] {
        let mdp = lake(discount)?;
        for (name, solution) in [
            ("value iteration", value_iteration(&mdp, Sweep::Synchronous, &stop)?),
            ("Gauss-Seidel", value_iteration(&mdp, Sweep::GaussSeidel, &stop)?),
            ("policy iteration", policy_iteration(&mdp, &stop)?),
            ("modified policy iteration", modified_policy_iteration(&mdp, 10, &stop)?),
            ("prioritised sweeping", prioritised_sweeping(&mdp, &stop)?),
        ] {
            let proven =
                solution.certificate.map_or("nothing proven".to_owned(), |c| format!("proven to {:.1e}", c.error()));
            println!(
                "  discount {discount:<5} {name:<26} {:.12}  known {known:.9}  {:>7} backups  {proven}",
                solution.values[0], solution.backups
            );
        }
    }
    let stages = finite_horizon(&lake(1.0)?, 100, None)?;
    println!("  100 steps to go                           {:.12}  known 0.744190288", stages.values(100)[0]);
    Ok(())
}

fn golden_ratio() -> Result<()> {
    println!("\nx' = x + u, cost x^2 + u^2: value of x = 1 is -1.618033989 (the golden ratio)");
    let model = worldwright_testkit::golden_ratio();
    for points in [51, 101, 201, 401, 801] {
        let mut config = GridConfig::new(vec![Axis::new(-1.0, 1.0, points)]);
        config.action_points = vec![4 * (points - 1) + 1];
        let mut value = explored(&model, &config)?;
        let settled = value.settle(1e-12, 10_000);
        println!("  {points:>5} points: {:.9}  {} sweeps", value.at(&[1.0]), settled.sweeps);
    }
    Ok(())
}

const DT_SECS: f64 = 0.1;

fn minimum_time(most: usize) -> Result<()> {
    let known = [
        ([1.0, 0.0], 2.0),
        ([4.0, 0.0], 4.0),
        ([0.0, 1.0], 2.414214),
        ([1.0, 1.0], 3.449490),
        ([-2.0, 1.0], 2.162278),
        ([4.0, -2.0], 2.898979),
    ];
    println!("\nDouble integrator, |u| <= 1, minimum time home in steps of {DT_SECS} s");
    let header = known.map(|(_, time)| format!("{time:>8.4}"));
    println!("  {:>8} {}", "known", header.join(" "));
    let model = worldwright_testkit::minimum_time(DT_SECS, 0.05);
    for spacing in [0.1, 0.05, 0.025, 0.0125] {
        let side = |reach: f64| Axis::new(-reach, reach, (2.0 * reach / spacing).round() as usize + 1);
        let (x, v) = (side(6.0), side(3.6));
        if x.points > 2 * most {
            break;
        }
        let mut config = GridConfig::new(vec![x, v]);
        config.action_points = vec![3];
        let mut value = explored(&model, &config)?;
        value.settle(1e-6, 5_000);
        let row = known.map(|(state, _)| format!("{:>8.4}", -value.at(&state)));
        let earned = known.map(|(state, _)| follow(&mut value, &model, &state, 300).map_or(f64::NAN, |told| -told.0));
        println!("  {spacing:>8} {}  earned {earned:.2?}", row.join(" "));
    }
    Ok(())
}

fn dubins(most: usize) -> Result<()> {
    println!(
        "\nA car of turning radius 1 in steps of 0.2, home within 0.2: told / earned beside the length of Dubins' path"
    );
    let starts = [[-2.0, 0.0, 0.0], [0.5, 0.0, PI], [1.0, 1.0, 0.5 * PI], [-1.0, 1.5, -2.0], [2.0, -1.0, 1.0]];
    let shortest = starts.map(|start| format!("{:>13.3}", Dubins::shortest(start, [0.0; 3], 1.0).length()));
    println!("  {:>13} {}", "shortest", shortest.join(" "));
    let model = worldwright_testkit::dubins_car(0.2, 0.2);
    for (side, around) in [(31, 33), (61, 65), (121, 129), (241, 257)] {
        if 3 * side > most {
            break;
        }
        let along = Axis::new(-3.0, 3.0, side);
        let mut value = explored(&model, &GridConfig::new(vec![along, along, Axis::periodic(-PI, PI, around)]))?;
        value.settle(1e-4, 2_000);
        let row = starts.map(|start| {
            let earned = follow(&mut value, &model, &start, 300).map_or(f64::NAN, |told| -told.0);
            format!("{:6.3}/{earned:6.2}", -value.at(&start))
        });
        println!("  {side:>4}² x {around:<5} {}", row.join(" "));
    }
    Ok(())
}

fn mountain_car(most: usize) -> Result<()> {
    println!("\nMountainCar-v0: mean steps over starts -0.6..-0.4 (known 97.5, 83 to 104)");
    let model = DynamicsModel(MountainCar::new());
    for (x, v) in [(91, 71), (181, 141), (361, 281), (721, 561), (1441, 1121)] {
        if x > most {
            break;
        }
        let begun = Instant::now();
        let mut value = explored(&model, &GridConfig::new(vec![Axis::new(-1.2, 0.6, x), Axis::new(-0.07, 0.07, v)]))?;
        let settled = value.settle(1e-4, 5_000);
        let seconds = begun.elapsed().as_secs_f64();
        let (mut table, mut steps) = (0.0, Vec::new());
        for i in 0..=200 {
            let start = [-0.6 + 0.001 * f64::from(i), 0.0];
            table -= value.at(&start) / 201.0;
            steps.push(follow(&mut value, &model, &start, 300)?.1 as f64);
        }
        let mean = steps.iter().sum::<f64>() / 201.0;
        let (least, most) = steps.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), s| (a.min(*s), b.max(*s)));
        println!(
            "  {x:>5} x {v:<5} value {table:8.3}  earned {mean:7.3} ({least} to {most})  {} sweeps in {seconds:.2} s",
            settled.sweeps
        );
    }
    Ok(())
}

fn pendulum(most: usize) -> Result<()> {
    let states = [[PI, 0.0], [PI, 1.0], [PI / 2.0, 0.0], [1.0, 0.0], [0.5, 0.5], [-2.5, 0.5]];
    println!(
        "\nPendulum-v1, 200 steps: known -296.2 (pi, 0), -281.3 (pi, 1), -116.2 (pi/2, 0), -120.2 (1, 0), -123.6 (.5, .5), -225.2 (-2.5, .5), mean over resets -137.0"
    );
    let model = DynamicsModel(Pendulum::new());
    let sizes = [(91, 101, 13), (181, 201, 21), (361, 401, 31), (721, 801, 41), (1441, 1601, 61)];
    for (angles, speeds, torques) in sizes {
        for interpolation in [Interpolation::Multilinear, Interpolation::Simplex] {
            if angles > most {
                return Ok(());
            }
            let mut config = GridConfig::new(vec![Axis::periodic(-PI, PI, angles), Axis::new(-8.0, 8.0, speeds)]);
            config.action_points = vec![torques];
            config.interpolation = interpolation;
            config.threads = 2;
            let begun = Instant::now();
            let mut value = explored(&model, &config)?;
            (0..200).for_each(|_| {
                value.sweep();
            });
            let seconds = begun.elapsed().as_secs_f64();
            let mut mean = 0.0;
            for i in 0..400 {
                for j in 0..50 {
                    let (angle, speed) = ((f64::from(i) + 0.5) / 400.0, (f64::from(j) + 0.5) / 50.0);
                    mean += value.at(&[TAU * angle - PI, 2.0 * speed - 1.0]) / 20_000.0;
                }
            }
            let table = states.map(|state| value.at(&state));
            println!(
                "  {angles} x {speeds} x {torques} {interpolation:?}: value  {table:8.2?} mean {mean:.2}  ({seconds:.1} s)"
            );
            let earned = states.map(|state| follow(&mut value, &model, &state, 200).map_or(f64::NAN, |told| told.0));
            let mut mean = 0.0;
            for i in 0..40 {
                for j in 0..5 {
                    let (angle, speed) = ((f64::from(i) + 0.5) / 40.0, (f64::from(j) + 0.5) / 5.0);
                    mean += follow(&mut value, &model, &[TAU * angle - PI, 2.0 * speed - 1.0], 200)?.0 / 200.0;
                }
            }
            println!("  {:>29}: earned {earned:8.2?} mean {mean:.2}", "");
        }
    }
    Ok(())
}

/// The planner of the list, acting in the environment Pendulum-v1 on the known model.
fn in_the_environment(most: usize) -> Result<()> {
    println!("\nThe planner `grid` in the environment pendulum, resets 0 to 199 (known: mean -137.0 over all resets):");
    let model = DynamicsModel(Pendulum::new().on_circle());
    for (angles, speeds, torques) in [(91, 101, 13), (181, 201, 21), (361, 401, 31), (721, 801, 41)] {
        if angles > most {
            break;
        }
        let overrides = [
            ("low", Numbers(vec![-PI, -8.0])),
            ("high", Numbers(vec![PI, 8.0])),
            ("angles", Numbers(vec![0.0])),
            ("points", Numbers(vec![f64::from(angles as u16), f64::from(speeds)])),
            ("action_points", Numbers(vec![f64::from(torques)])),
            ("sweeps", Integer(200)),
            ("threads", Integer(2)),
        ];
        let overrides = overrides.map(|(key, setting)| (key.to_owned(), setting)).into();
        let mut planner = make("grid", &PlannerContext::for_model(model.spec(), 0), &overrides)?;
        let mut world = model.imagination(planner.rows());
        let mut environment = worldwright_envs::make("pendulum", &Default::default())?.environment;
        let (mut sum, mut squares, mut worst, mut told) = (0.0, 0.0, 0.0_f64, 0.0);
        let mut decisions = Vec::new();
        for seed in 0..200 {
            let mut observation = environment.reset(seed)?;
            let (mut earned, mut first, mut done, mut action) = (0.0, true, false, Action::Integer(0));
            while !done {
                world.observe(0, None, &observation, Key::new(seed))?;
                let begun = Instant::now();
                let report = planner.improve(&mut *world, 0, &Budget::default())?;
                decisions.push(begun.elapsed().as_secs_f64());
                told += if first { report.value / 200.0 } else { 0.0 };
                first = false;
                planner.act(0, &mut action);
                planner.shift(1);
                let step = environment.step(&action)?;
                earned += step.reward;
                done = step.done();
                observation = step.observation;
            }
            sum += earned;
            squares += earned * earned;
            worst = worst.min(earned);
        }
        let mean = sum / 200.0;
        let beginning = decisions[0];
        decisions.sort_by(f64::total_cmp);
        println!(
            "  {angles} x {speeds} x {torques}: earned {mean:.2} of {told:.2} told, sd {:.1}, worst {worst:.1}; first decision {beginning:.2} s, later ones {:.1} us (minimum {:.1})",
            (squares / 200.0 - mean * mean).sqrt(),
            1e6 * decisions[decisions.len() / 2],
            1e6 * decisions[0]
        );
    }
    Ok(())
}
