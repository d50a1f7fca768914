//! Implicit Q-learning against what it comes to where everything is known.

use worldwright_core::{Batch, Dataset, Interrupt, Mode, Rng, Setting, Space};

use crate::told::{policy, told};

/// What three choices pay, and how often each was recorded.
const PAID: [f64; 3] = [-1.0, 0.0, 2.0];
const SHARES: [f64; 3] = [0.5, 0.3, 0.2];

/// Choices at the only place there is, each the task's end.
fn bandit() -> Dataset {
    let rows = (0..1000).map(|i| {
        let choice = if i % 10 < 5 {
            0
        } else if i % 10 < 8 {
            1
        } else {
            2
        };
        let one_hot = (0..3).map(|other| f64::from(u8::from(other == choice))).collect();
        (vec![1.0], one_hot, PAID[choice], vec![1.0], true)
    });
    told([1, 3], rows)
}

/// The number that the weighed distances above and below balance at, by bisection.
fn expectile(share: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 2.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        let pull = |(paid, often): (&f64, &f64)| {
            let off = paid - middle;
            often * off * if off > 0.0 { share } else { 1.0 - share }
        };
        if PAID.iter().zip(&SHARES).map(pull).sum::<f64>() > 0.0 { low = middle } else { high = middle }
    }
    low
}

#[test]
fn values_are_expectiles_of_what_was_paid_and_the_actor_weighs_by_advantages() {
    let (data, interrupt) = (bandit(), Interrupt::never());
    // Half-way between above and below lies the mean.
    assert!((expectile(0.5) + 0.1).abs() < 1e-9);
    for share in [0.5, 0.7, 0.9] {
        let settings = [
            ("hidden", Setting::Numbers(vec![32.0])),
            ("batch", Setting::Integer(100)),
            ("expectile", Setting::Float(share)),
            ("inverse_temperature", Setting::Float(1.0)),
            ("learning_rate", Setting::Float(3e-3)),
            ("target_rate", Setting::Float(0.05)),
        ];
        let mut it = policy("iql", 1, &Space::discrete(3), 0.9, &settings).unwrap();
        let rng = &mut Rng::new(5);
        for _ in 0..1500 {
            it.update(&data, rng, &interrupt).unwrap();
        }
        let mut seen = Batch::zeros(1, 4000);
        seen.columns_mut().column_mut(0).fill(1.0);
        let (mut value, mut out) = (vec![0.0; 4000], Batch::zeros(3, 4000));
        it.value(seen.columns(), &mut value).unwrap();
        let truth = expectile(share);
        assert!((value[0] - truth).abs() < 0.08, "{share}: {} for {truth}", value[0]);
        // In units of the size of rewards the advantages are weighed by one.
        let size = PAID.iter().zip(&SHARES).map(|(paid, often)| often * paid * paid).sum::<f64>().sqrt();
        let weights: Vec<f64> =
            PAID.iter().zip(&SHARES).map(|(paid, often)| often * ((paid - truth) / size).exp()).collect();
        it.act(seen.columns(), Mode::Explore, rng, &mut out).unwrap();
        for choice in 0..3 {
            let often = out.columns().column(choice).iter().sum::<f64>() / 4000.0;
            let goal = weights[choice] / weights.iter().sum::<f64>();
            assert!((often - goal).abs() < 0.05, "{share}, choice {choice}: {often} for {goal}");
        }
    }
}

#[test]
fn numbers_turn_to_the_better_of_what_was_recorded_and_never_beyond() {
    // Half of what was recorded did 0.5, which pays 1, the other half −0.5, which pays nothing; what nobody did would pay more.
    let rng = &mut Rng::new(6);
    let rows = (0..2000).map(|i| {
        let good = i % 2 == 0;
        let action = if good { 0.5 } else { -0.5 } + 0.05 * rng.normal();
        (vec![rng.normal()], vec![action], f64::from(u8::from(good)), vec![0.0], true)
    });
    let data = told([1, 1], rows);
    let settings = [
        ("hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("batch", Setting::Integer(100)),
        ("learning_rate", Setting::Float(2e-3)),
    ];
    let space = Space::vector(&[-1.0], &[1.0]);
    let act = |name: &str, more: &[(&str, Setting)]| {
        let settings: Vec<_> = settings.iter().chain(more).cloned().collect();
        let mut it = policy(name, 1, &space, 0.9, &settings).unwrap();
        let rng = &mut Rng::new(7);
        for _ in 0..1200 {
            it.update(&data, rng, &Interrupt::never()).unwrap();
        }
        let (seen, mut out) = (Batch::zeros(1, 1), Batch::zeros(1, 1));
        it.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
        out.columns().get(0, 0)
    };
    let [cloned, improved] = [act("bc", &[]), act("iql", &[("inverse_temperature", Setting::Float(5.0))])];
    assert!(cloned.abs() < 0.15, "{cloned}");
    assert!((improved - 0.5).abs() < 0.1, "{improved}");
}

/// Half of what was recorded is the same action again and again, which is learned at once; what the other half depends on takes longer. A deviation that shrank
/// for the first and grew for the second would leave nothing to learn of it: off by 0.74, and 0.64 where nothing was learned.
#[test]
fn what_is_easily_cloned_does_not_outweigh_the_rest() {
    let rng = &mut Rng::new(8);
    let done = |x: f64| 0.9 * (3.0 * x).sin();
    let rows = (0..3000).map(|_| {
        let (place, x) = (rng.normal(), rng.normal());
        (vec![place, x], vec![if place > 0.0 { 0.0 } else { done(x) }], 1.0, vec![0.0, 0.0], true)
    });
    let data = told([2, 1], rows);
    let shared = [
        ("hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("batch", Setting::Integer(100)),
        ("learning_rate", Setting::Float(2e-3)),
    ];
    for (name, own) in [("iql", vec![("inverse_temperature", Setting::Float(0.0))]), ("bc", vec![])] {
        let settings = [&shared[..], &own].concat();
        let mut it = policy(name, 2, &Space::vector(&[-1.0], &[1.0]), 0.9, &settings).unwrap();
        let rng = &mut Rng::new(9);
        for _ in 0..1500 {
            it.update(&data, rng, &Interrupt::never()).unwrap();
        }
        let xs: Vec<f64> = (0..41).map(|i| -2.0 + 0.1 * f64::from(i)).collect();
        let (mut seen, mut out) = (Batch::zeros(2, xs.len()), Batch::zeros(1, xs.len()));
        xs.iter().enumerate().for_each(|(row, x)| seen.columns_mut().set_row(row, &[-1.0, *x]));
        it.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
        let square = |(row, x): (usize, &f64)| (out.columns().get(row, 0) - done(*x)).powi(2);
        let off = (xs.iter().enumerate().map(square).sum::<f64>() / xs.len() as f64).sqrt();
        assert!(off < 0.15, "{name}: {off}");
    }
}
