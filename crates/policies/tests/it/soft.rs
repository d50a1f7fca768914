//! Soft actor-critic against soft optima in closed form.

use worldwright_core::{Batch, Interrupt, Mode, Rng, Setting, Space};

use crate::told::{policy, told};

const SMALL: (&str, fn() -> Setting) = ("hidden", || Setting::Numbers(vec![32.0, 32.0]));

/// One step and the end: with target entropy `H̄`, the soft optimum over choices is the softmax of `r / α` of that entropy.
#[test]
fn choices_reach_the_softmax_of_their_rewards_at_the_target_entropy() {
    let rewards = [0.0, 1.0, 2.0];
    let rng = &mut Rng::new(4);
    let rows = (0..900).map(|i| {
        let mut one_hot = vec![0.0; 3];
        one_hot[i % 3] = 1.0;
        (vec![0.5], one_hot, rewards[i % 3], vec![0.5], true)
    });
    let told = told([1, 3], rows);
    let settings = [(SMALL.0, SMALL.1()), ("learning_rate", Setting::Float(3e-3)), ("batch", Setting::Integer(64))];
    let mut soft = policy("sac", 1, &Space::discrete(3), 0.99, &settings).unwrap();
    let (mut entropy, mut temperature) = (0.0, 0.0);
    for _ in 0..3000 {
        let said = soft.update(&told, rng, &Interrupt::never()).unwrap();
        (entropy, temperature) = (said[2].1, said[3].1);
    }
    let target = 0.5 * 3f64.ln();
    assert!((entropy - target).abs() < 0.05, "entropy {entropy}, its target {target}");
    let weights = rewards.map(|reward| (reward / temperature).exp());
    let total: f64 = weights.iter().sum();
    let p = weights.map(|weight| weight / total);
    let softmax_entropy: f64 = p.iter().map(|p| -p * p.ln()).sum();
    assert!((softmax_entropy - target).abs() < 0.06, "α = {temperature}: {softmax_entropy}");
    let mut seen = Batch::zeros(1, 4000);
    seen.columns_mut().column_mut(0).fill(0.5);
    let mut out = Batch::zeros(3, 4000);
    soft.act(seen.columns(), Mode::Explore, rng, &mut out).unwrap();
    for (choice, p) in p.into_iter().enumerate() {
        let share = out.columns().column(choice).iter().sum::<f64>() / 4000.0;
        assert!((share - p).abs() < 0.05, "choice {choice}: {share}, by the closed form {p}");
    }
}

/// One step and the end with reward `−(a − c)²`: the mode of the soft optimum is c, wherever the box lies.
#[test]
fn numbers_reach_the_best_action() {
    let rng = &mut Rng::new(5);
    let space = Space::vector(&[1.0], &[5.0]);
    let rows = (0..2000).map(|_| {
        let action = rng.uniform_in(1.0, 5.0);
        (vec![0.0], vec![action], -(action - 4.0) * (action - 4.0), vec![0.0], true)
    });
    let told = told([1, 1], rows);
    let settings =
        [(SMALL.0, SMALL.1()), ("batch", Setting::Integer(64)), ("initial_temperature", Setting::Float(0.05))];
    let mut soft = policy("sac", 1, &space, 0.99, &settings).unwrap();
    for _ in 0..1500 {
        soft.update(&told, rng, &Interrupt::never()).unwrap();
    }
    let (seen, mut out) = (Batch::zeros(1, 1), Batch::zeros(1, 1));
    soft.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
    let action = out.columns().get(0, 0);
    assert!((action - 4.0).abs() < 0.25, "{action}");
}

/// A state that leads to itself with reward 1: values are those of the discounted sum, and a step that ended the task is worth its reward alone.
#[test]
fn critics_bootstrap_where_the_task_goes_on_and_not_where_it_ended() {
    let rng = &mut Rng::new(6);
    let space = Space::vector(&[-1.0], &[1.0]);
    // At 1 the task goes on for ever, at −1 it ends.
    let rows = (0..1000).map(|i| {
        let seen = if i % 2 == 0 { 1.0 } else { -1.0 };
        (vec![seen], vec![rng.uniform_in(-1.0, 1.0)], 1.0, vec![seen], seen < 0.0)
    });
    let told = told([1, 1], rows);
    // Hardly any entropy, so that values are returns.
    let settings = [
        (SMALL.0, SMALL.1()),
        ("batch", Setting::Integer(64)),
        ("initial_temperature", Setting::Float(1e-4)),
        ("target_entropy", Setting::Float(20.0)),
        ("target_rate", Setting::Float(0.05)),
    ];
    let mut soft = policy("sac", 1, &space, 0.8, &settings).unwrap();
    let mut loss = 0.0;
    for _ in 0..2500 {
        loss = soft.update(&told, rng, &Interrupt::never()).unwrap()[1].1;
    }
    // The actor's loss is minus the mean value of what is seen: 1 / (1 − 0.8) = 5 and 1, in equal shares but for the batch.
    assert!((-loss - 3.0).abs() < 0.4, "{loss}");
}
