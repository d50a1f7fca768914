//! Policies that keep to what was recorded, against what they come to where everything is known.

use worldwright_core::{Batch, Dataset, Interrupt, Mode, Rng, Setting, Space};

use crate::told::{policy, told};

/// Choices at the only place there is, each the task's end: what each pays, and how many of ten did it.
fn bandit(paid: [f64; 3], of_ten: [usize; 3]) -> Dataset {
    let rows = (0..1000).map(|i| {
        let choice = (0..3).find(|choice| i % 10 < of_ten[..=*choice].iter().sum::<usize>()).unwrap();
        let one_hot = (0..3).map(|other| f64::from(u8::from(other == choice))).collect();
        (vec![1.0], one_hot, paid[choice], vec![1.0], true)
    });
    told([1, 3], rows)
}

fn shares(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.iter().map(|logit| (logit - most).exp() / sum).collect()
}

/// Where `Q(a) = r(a) − α (softmax(Q)(a) / m(a) − 1)` holds, by descent.
fn fixed_point(paid: [f64; 3], often: [f64; 3], alpha: f64) -> [f64; 3] {
    let mut q = [0.0; 3];
    for _ in 0..200_000 {
        let p = shares(&q);
        for a in 0..3 {
            q[a] -= 0.01 * (often[a] * (q[a] - paid[a]) + alpha * (p[a] - often[a]));
        }
    }
    q
}

/// The value that a policy's critics give what its actor does at the only place, with the shares of its choices.
fn valued(name: &str, data: &Dataset, settings: &[(&str, Setting)]) -> (f64, Vec<f64>) {
    let mut it = policy(name, 1, &Space::discrete(3), 0.0, settings).unwrap();
    let rng = &mut Rng::new(3);
    for _ in 0..2500 {
        it.update(data, rng, &Interrupt::never()).unwrap();
    }
    let mut seen = Batch::zeros(1, 1);
    seen.columns_mut().set(0, 0, 1.0);
    let (mut value, mut priors) = ([0.0], worldwright_core::Priors::default());
    it.value(seen.columns(), &mut value).unwrap();
    it.prior(seen.columns(), &mut priors).unwrap();
    (value[0], shares(&priors.mean))
}

const SMALL: [(&str, Setting); 5] = [
    ("batch", Setting::Integer(100)),
    ("learning_rate", Setting::Float(3e-3)),
    ("target_rate", Setting::Float(0.05)),
    // No entropy is wanted, so that values are returns.
    ("initial_temperature", Setting::Float(1e-3)),
    ("target_entropy", Setting::Float(0.0)),
];

fn with(more: &[(&'static str, Setting)]) -> Vec<(&'static str, Setting)> {
    let hidden = [("hidden", Setting::Numbers(vec![32.0]))];
    SMALL.iter().chain(&hidden).chain(more).cloned().collect()
}

#[test]
fn conservative_values_are_those_of_the_closed_form() {
    // The size of these rewards is 1, so that α is in their units.
    let (paid, of_ten) = ([1.0, -1.0, 1.0], [6, 3, 1]);
    let often = of_ten.map(|count| count as f64 / 10.0);
    for alpha in [0.0, 0.2, 1.0] {
        let settings = with(&[("conservatism", Setting::Float(alpha))]);
        let (value, shares) = valued("cql", &bandit(paid, of_ten), &settings);
        let q = fixed_point(paid, often, alpha);
        let truth: f64 = shares.iter().zip(q).map(|(share, q)| share * q).sum();
        assert!((value - truth).abs() < 0.12, "α {alpha}: {value} for {truth} ({q:?}, {shares:?})");
        let earned: f64 = shares.iter().zip(paid).map(|(share, paid)| share * paid).sum();
        // At the policy that the values themselves say, the value is no more than what it earns.
        let said: f64 = self::shares(&q).iter().zip(q).map(|(share, q)| share * q).sum();
        let told: f64 = self::shares(&q).iter().zip(paid).map(|(share, paid)| share * paid).sum();
        assert!(said <= told + 1e-6, "α {alpha}: {said} of {told}, earned {earned}");
    }
}

#[test]
fn what_nobody_did_is_worth_less_than_what_was_done() {
    // Nobody did choice 2, of which a network may hold anything.
    let data = bandit([1.0, -1.0, 0.0], [5, 5, 0]);
    let (value, shares) = valued("cql", &data, &with(&[("conservatism", Setting::Float(1.0))]));
    assert!(shares[2] < 0.05, "{shares:?}");
    assert!(shares[0] > 0.9 && value < 1.4, "{value} {shares:?}");
}

/// Actions of numbers around 0.4, which pay what they are.
fn climbing() -> Dataset {
    let rng = &mut Rng::new(4);
    let rows = (0..2000).map(|_| {
        let action = (0.4 + 0.1 * rng.normal()).clamp(-1.0, 1.0);
        (vec![1.0], vec![action], action, vec![1.0], true)
    });
    told([1, 1], rows)
}

#[test]
fn without_advice_the_anchored_actor_clones_and_with_much_it_climbs() {
    let data = climbing();
    let act = |name: &str, more: &[(&'static str, Setting)]| {
        let settings = [
            ("hidden", Setting::Numbers(vec![32.0, 32.0])),
            ("batch", Setting::Integer(100)),
            ("learning_rate", Setting::Float(1e-3)),
        ];
        let settings: Vec<_> = settings.iter().chain(more).cloned().collect();
        let mut it = policy(name, 1, &Space::vector(&[-1.0], &[1.0]), 0.9, &settings).unwrap();
        let rng = &mut Rng::new(5);
        for _ in 0..1000 {
            it.update(&data, rng, &Interrupt::never()).unwrap();
        }
        let (mut seen, mut out) = (Batch::zeros(1, 1), Batch::zeros(1, 1));
        seen.columns_mut().set(0, 0, 1.0);
        it.act(seen.columns(), Mode::Exploit, rng, &mut out).unwrap();
        out.columns().get(0, 0)
    };
    let alpha = |alpha| [("alpha", Setting::Float(alpha))];
    let cloned = act("bc", &[]);
    let [none, some, much] = [0.0, 0.2, 100.0].map(|a| act("td3-bc", &alpha(a)));
    assert!((cloned - 0.4).abs() < 0.05 && (none - cloned).abs() < 0.05, "{none} for {cloned}");
    // Values are the actions themselves, whose mean size is 0.4: −(0.2 / 0.4) a + (a − 0.4)² is least at 0.65.
    assert!((some - 0.65).abs() < 0.08, "{some}");
    assert!(much > 0.9, "{much}");
}
