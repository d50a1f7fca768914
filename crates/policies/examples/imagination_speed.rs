//! Updates a second of a latent model and of a policy in its imagination, at their default sizes, for three numbers seen and one done:
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo run --release -p worldwright-policies --example imagination_speed
//! ```

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use worldwright_core::{Dataset, Error, Interrupt, Key, Result, Rng, Settings, Space, Value};
use worldwright_models::{ModelContext, build_latent};
use worldwright_policies::{ALL, Build, PolicyContext};

/// Seconds a call, the median of as many as three seconds hold.
fn median(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let (begun, mut each) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(3) {
        let start = Instant::now();
        call()?;
        each.push(start.elapsed().as_secs_f64());
    }
    each.sort_by(f64::total_cmp);
    Ok(each[each.len() / 2])
}

fn main() -> Result<()> {
    let (mut rng, mut data) = (Rng::new(0), Dataset::new(3, 1));
    let mut seen = [0.0; 3];
    for i in 0..2000 {
        let action = rng.uniform_in(-1.0, 1.0);
        let next = seen.map(|x| 0.9 * x + 0.1 * action + 0.1 * rng.normal());
        data.push(&seen, &[action], next[0], &next, false, i % 200 == 199)?;
        seen = next;
    }
    let (action_space, none) = (Space::vector(&[-1.0], &[1.0]), BTreeMap::new());
    let context = ModelContext {
        observation_space: Space::unbounded(3),
        action_space: action_space.clone(),
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        discount: 0.99,
        seed: 0,
    };
    let mut model = build_latent("rssm", &context, &none)?;
    let context = PolicyContext { inputs: model.spec().latent_dim, action_space, discount: 0.99, seed: 0 };
    let entry = worldwright_core::find(ALL, "policy", "actor-critic")?;
    let Build::Imagination(build) = entry.build else {
        return Err(Error::unsupported(entry.name, "learning in imagination"));
    };
    let mut policy = build(&context, &Settings::resolve(entry.name, entry.parameters, &none)?)?;
    let never = Interrupt::never();
    let model_secs = median(|| model.update(&data, &mut rng, &never).map(drop))?;
    let policy_secs =
        median(|| policy.imagine(model.cell(), model.store(), model.starts(), &mut rng, &never).map(drop))?;
    println!("model:  {:6.1} updates a second, {:.2} ms each", 1.0 / model_secs, 1e3 * model_secs);
    println!("policy: {:6.1} updates a second, {:.2} ms each", 1.0 / policy_secs, 1e3 * policy_secs);
    let observation = Value::Floats(vec![0.1, 0.2, 0.3]);
    let mut row = 0;
    let belief_secs = median(|| {
        row += 1;
        model.imagination(2).observe(row % 2, None, &observation, Key::new(row as u64))
    })?;
    let both = model_secs + policy_secs;
    println!("both:   {:6.1} updates a second, {:.2} ms each", 1.0 / both, 1e3 * both);
    println!("belief: {:.0} µs to open an arena of two rows and begin an episode", 1e6 * belief_secs);
    Ok(())
}
