//! The road from experience to action: random steps, a model fitted to them, and a planner that acts in what was learned.
//!
//! `cargo run --release -p worldwright-planners --example learn_and_plan` prints the return of an episode (−1,200 or so for random actions).

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::collections::BTreeMap;

use worldwright_core::{Action, Budget, Dataset, Interrupt, Key, Result, Rng, Setting};
use worldwright_models::ModelContext;
use worldwright_planners::PlannerContext;

const STEPS: usize = 800;

fn main() -> Result<()> {
    let mut made = worldwright_envs::make("pendulum", &BTreeMap::new())?;
    let (seen, done) = (made.environment.observation_space().clone(), made.environment.action_space().clone());

    // Experience: what random actions led to.
    let mut experience = Dataset::new(seen.flat_dim(), done.flat_dim());
    let mut rng = Rng::new(0);
    let (mut before, mut action, mut after) =
        (vec![0.0; seen.flat_dim()], vec![0.0; done.flat_dim()], vec![0.0; seen.flat_dim()]);
    let mut observation = made.environment.reset(0)?;
    for seed in 1..=STEPS as u64 {
        let taken = done.sample(&mut rng);
        let step = made.environment.step(&taken)?;
        seen.flatten(&observation, &mut before)?;
        done.flatten(&taken, &mut action)?;
        seen.flatten(&step.observation, &mut after)?;
        experience.push(&before, &action, step.reward, &after, step.terminated, step.done())?;
        observation = if step.done() { made.environment.reset(seed)? } else { step.observation };
    }

    // A model of it; the reward is known to the environment and need not be learned.
    let context = ModelContext {
        observation_space: seen,
        action_space: done,
        reward: made.reward.clone(),
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let mut model = worldwright_models::build("ensemble", &context, &BTreeMap::new())?;
    let report = model.fit(&experience, &mut rng, &Interrupt::never())?;
    let held_out = report.holdout_mse.unwrap_or(f64::NAN);
    println!("{} epochs, held-out error {held_out:.1e} of the data's variance", report.epochs);

    // A planner in the model. Row 0 of the arena is where we are, the others are its candidates.
    let settings = BTreeMap::from([("horizon".to_owned(), Setting::Integer(20))]);
    let mut planner = worldwright_planners::make("icem", &PlannerContext::for_model(model.spec(), 0), &settings)?;
    let mut world = model.imagination(planner.rows());

    let mut observation = made.environment.reset(1000)?;
    let (mut total, mut chosen) = (0.0, Action::Integer(0));
    for t in 0.. {
        world.observe(0, None, &observation, Key::new(t))?;
        planner.improve(&mut *world, 0, &Budget::default())?;
        planner.act(0, &mut chosen);
        planner.shift(1);
        let step = made.environment.step(&chosen)?;
        total += step.reward;
        if step.done() {
            break;
        }
        observation = step.observation;
    }
    println!("return {total:.1}");
    Ok(())
}
