//! Behaviour cloning against the policy that made the data.

use worldwright_core::{Batch, Interrupt, Mode, Priors, Rng, Setting, Space};

use crate::told::{policy, told};

#[test]
fn the_recorded_actions_come_back_with_their_spread() {
    // Actions `½ s` with a deviation of 0.2, in a box of ±2.
    let rng = &mut Rng::new(1);
    let rows = (0..4000).map(|_| {
        let seen = rng.uniform_in(-2.0, 2.0);
        (vec![seen], vec![(0.5 * seen + 0.2 * rng.normal()).clamp(-2.0, 2.0)], 0.0, vec![seen], false)
    });
    let told = told([1, 1], rows);
    let space = Space::vector(&[-2.0], &[2.0]);
    let settings = [("hidden", Setting::Numbers(vec![32.0, 32.0]))];
    let mut cloned = policy("bc", 1, &space, 1.0, &settings).unwrap();
    let mut last = 0.0;
    for _ in 0..800 {
        last = cloned.update(&told, rng, &Interrupt::never()).unwrap()[0].1;
    }
    // The likelihood of the policy itself, in the network's units: half the action's.
    let best = 0.5 * (std::f64::consts::TAU * std::f64::consts::E).ln() + (0.1f64).ln();
    assert!((last - best).abs() < 0.1, "{last}, the best is {best}");
    let mut seen = Batch::zeros(1, 5);
    for (row, number) in [-1.5, -0.5, 0.0, 0.5, 1.5].into_iter().enumerate() {
        seen.columns_mut().set(row, 0, number);
    }
    let mut out = Batch::zeros(1, 5);
    cloned.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
    for row in 0..5 {
        let (seen, done) = (seen.columns().get(row, 0), out.columns().get(row, 0));
        assert!((done - 0.5 * seen).abs() < 0.06, "{done} where {seen} was seen");
    }
    let draws: Vec<f64> = (0..400)
        .map(|_| {
            cloned.act(seen.columns(), Mode::Explore, rng, &mut out).unwrap();
            out.columns().get(3, 0) - 0.25
        })
        .collect();
    let std = (draws.iter().map(|draw| draw * draw).sum::<f64>() / 400.0).sqrt();
    assert!((std - 0.2).abs() < 0.04, "{std}");
    // What it proposes to a planner is that distribution, at least a tenth of half the range wide.
    assert!(cloned.proposes() && !cloned.judges() && cloned.critics() == 0);
    let mut told = Priors::default();
    cloned.prior(seen.columns(), &mut told).unwrap();
    for row in 0..5 {
        let mean = 0.5 * seen.columns().get(row, 0);
        assert!((told.mean[row] - mean).abs() < 0.06 && (0.2..0.24).contains(&told.std[row]), "{told:?}");
    }
    assert!(
        cloned.value(seen.columns(), &mut [0.0; 5]).is_err()
            && cloned.values(seen.columns(), &mut Rng::new(1), [&mut [], &mut []]).is_err()
    );
}

#[test]
fn choices_come_back_by_their_shares() {
    // Choice 2 three times out of four, choice 0 otherwise.
    let rng = &mut Rng::new(2);
    let rows = (0..2000).map(|i| {
        let one_hot = if i % 4 == 0 { vec![1.0, 0.0, 0.0] } else { vec![0.0, 0.0, 1.0] };
        (vec![1.0], one_hot, 0.0, vec![1.0], false)
    });
    let told = told([1, 3], rows);
    let mut cloned = policy("bc", 1, &Space::discrete(3), 1.0, &[("hidden", Setting::Numbers(vec![16.0]))]).unwrap();
    for _ in 0..300 {
        cloned.update(&told, rng, &Interrupt::never()).unwrap();
    }
    let mut seen = Batch::zeros(1, 1000);
    seen.columns_mut().column_mut(0).fill(1.0);
    let mut out = Batch::zeros(3, 1000);
    cloned.act(seen.columns(), Mode::Explore, rng, &mut out).unwrap();
    let share = |choice: usize| out.columns().column(choice).iter().sum::<f64>() / 1000.0;
    assert!((share(0) - 0.25).abs() < 0.06 && share(1) < 0.03 && (share(2) - 0.75).abs() < 0.06);
    cloned.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
    assert!(out.columns().column(2).iter().all(|number| *number == 1.0));
}
