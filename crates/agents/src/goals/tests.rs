//! Goals against closed forms: distances of rows of bits, steps in a maze, and the bit that was flipped.

use std::collections::{BTreeMap, VecDeque};

use worldwright_core::{
    Batch, Dataset, Experience, Interrupt, Mode, Rng, Sample, Setting, Settings, Space, Want, find,
};
use worldwright_planners::subgoal::StateGoalValue;
use worldwright_policies::{LearnedPolicy, PolicyContext};

use super::*;

const BITS: usize = 4;

fn parts(goal: usize, observation: usize) -> Space {
    let bits = |n| Space::bits(n);
    Space::Dict(vec![
        ("achieved_goal".into(), bits(goal)),
        ("desired_goal".into(), bits(goal)),
        ("observation".into(), bits(observation)),
    ])
}

fn context(space: Space, choices: usize) -> AgentContext {
    AgentContext {
        observation_space: space,
        action_space: Space::discrete(choices),
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        places: 1,
        seed: 3,
        interrupt: Interrupt::new(),
    }
}

fn kind(algorithm: &str) -> Kind {
    match algorithm {
        "her" => Kind::Pays,
        "tdm" => Kind::CountsDown,
        _ => Kind::Shows,
    }
}

fn settings(algorithm: &str, given: &[(&str, f64)]) -> Settings {
    let entry = find(crate::ALL, "algorithm", algorithm).unwrap();
    let value = |name: &str, number: f64| match entry.parameters.iter().find(|p| p.name == name).unwrap().default {
        worldwright_core::SettingDefault::Integer(_) => Setting::Integer(number as i64),
        worldwright_core::SettingDefault::Bool(_) => Setting::Bool(number != 0.0),
        _ => Setting::Float(number),
    };
    let given = given.iter().map(|(name, number)| ((*name).to_owned(), value(name, *number))).collect();
    Settings::resolve(algorithm, entry.parameters, &given).unwrap()
}

fn policy(name: &str, inputs: usize, choices: usize, discount: f64, rate: f64) -> Box<dyn LearnedPolicy> {
    let entry = find(worldwright_policies::ALL, "policy", name).unwrap();
    let mut given = BTreeMap::from([
        ("hidden".to_owned(), Setting::Numbers(vec![96.0, 96.0])),
        ("batch".to_owned(), Setting::Integer(64)),
        ("learning_rate".to_owned(), Setting::Float(rate)),
    ]);
    if name == "dqn" {
        given.insert("return_steps".to_owned(), Setting::Integer(1));
        given.insert("target_rate".to_owned(), Setting::Float(0.02));
    }
    let settings = Settings::resolve(name, entry.parameters, &given).unwrap();
    let context = PolicyContext { inputs, action_space: Space::discrete(choices), discount, seed: 5 };
    if name == "bc" {
        entry.build.imitating(name, &context, &settings).unwrap()
    } else {
        entry.build.experienced(name, &context, &settings).unwrap()
    }
}

fn bits_of(row: usize, n: usize) -> Vec<f64> {
    (0..n).map(|bit| (row >> bit & 1) as f64).collect()
}

/// Episodes of random steps from places drawn at random, towards goals that nobody pursues, 4,000 steps in all. `tell` makes a place n bits, `step` moves it by a choice.
fn wandering(
    (n, steps): (usize, usize),
    [places, choices]: [usize; 2],
    tell: fn(usize, usize) -> Vec<f64>,
    step: impl Fn(usize, usize) -> usize,
) -> Dataset {
    let (mut data, rng) = (Dataset::new(3 * n, choices), &mut Rng::new(8));
    for _ in 0..4000 / steps {
        let mut at = rng.below(places as u64) as usize;
        let goal = tell(rng.below(places as u64) as usize, n);
        for t in 0..steps {
            let choice = rng.below(choices as u64) as usize;
            let next = step(at, choice);
            let mut action = vec![0.0; choices];
            action[choice] = 1.0;
            let seen = |place: usize| [tell(place, n), goal.clone(), tell(place, n)].concat();
            data.push(&seen(at), &action, -1.0, &seen(next), false, t + 1 == steps).unwrap();
            at = next;
        }
    }
    data
}

/// A place as one bit of many.
fn place_of(place: usize, n: usize) -> Vec<f64> {
    (0..n).map(|bit| f64::from(u8::from(bit == place))).collect()
}

fn taught(policy: &mut dyn LearnedPolicy, experience: &dyn Experience, updates: usize) {
    let rng = &mut Rng::new(1);
    for _ in 0..updates {
        policy.update(experience, rng, &Interrupt::new()).unwrap();
    }
}

/// One step from bits of zero to the first bit, which ends an episode that wanted `goal`.
fn ended(goal: usize) -> Dataset {
    let mut data = Dataset::new(3 * BITS, BITS);
    let seen = |place: usize| [bits_of(place, BITS), bits_of(goal, BITS), bits_of(place, BITS)].concat();
    data.push(&seen(0), &[1.0, 0.0, 0.0, 0.0], -1.0, &seen(1), true, true).unwrap();
    data
}

#[test]
fn what_ends_elsewhere_than_at_its_goal_ends_for_every_goal() {
    let told = |algorithm: &str, given: &[(&str, f64)], goal: usize| {
        let goals =
            Goals::new(kind(algorithm), algorithm, &settings(algorithm, given), &context(parts(BITS, BITS), BITS))
                .unwrap();
        let (data, mut sample) = (ended(goal), Sample::default());
        goals.over(&data).sample(Want::Transitions(50), &mut Rng::new(2), &mut sample).unwrap();
        (sample.terminated, sample.rewards)
    };
    // The goal is two bits away from where it fell.
    let (fell, _) = told("her", &[("share", 1.0)], 7);
    assert!(fell.iter().all(|ends| *ends));
    let (arrived, _) = told("her", &[("share", 1.0)], 1);
    assert!(arrived.iter().all(|ends| !ends), "what ends at the goal that was wanted goes on for others");
    let (fell, paid) = told("tdm", &[("share", 0.0), ("horizon", 9.0)], 7);
    assert!(fell.iter().all(|ends| *ends) && paid.iter().all(|pay| *pay == -2.0), "{paid:?}");
}

#[test]
fn a_transition_is_told_with_a_goal_that_its_episode_reached() {
    let data = wandering((BITS, 10), [16, BITS], bits_of, |at, bit| at ^ 1 << bit);
    let given = [("share", 1.0), ("ends_when_reached", 1.0)];
    let goals = Goals::new(Kind::Pays, "her", &settings("her", &given), &context(parts(BITS, BITS), BITS)).unwrap();
    let mut sample = Sample::default();
    let want = Want::Returns { count: 2000, steps: 3, discount: 0.5 };
    goals.over(&data).sample(want, &mut Rng::new(2), &mut sample).unwrap();
    let part = |row: usize, part: usize| -> Vec<f64> {
        (0..BITS).map(|d| sample.observations.get(row * 3 * BITS + part * BITS + d)).collect()
    };
    let mut reached = 0;
    for i in 0..2000 {
        let first = sample.transitions[i] as usize;
        let goal = part(2 * i, 1);
        assert_eq!(part(2 * i + 1, 1), goal);
        let achieved = |row: usize| data.next_observation(row)[..BITS].to_vec();
        let last = first - first % 10 + 9;
        assert!((first..=last).any(|row| achieved(row) == goal), "a goal of a later step");
        // The closed form of the return: a step costs 1 until the goal ends it, within three steps of the episode.
        let steps = 3.min(last + 1 - first);
        let until = (0..steps).position(|t| achieved(first + t) == goal);
        let paid: f64 = (0..until.unwrap_or(steps)).map(|t| -(0.5_f64.powi(t as i32))).sum();
        assert_eq!((sample.rewards[i], sample.terminated[i]), (paid, until.is_some()));
        assert_eq!(sample.spans[i], until.map_or(steps, |t| t + 1));
        reached += usize::from(until.is_some());
    }
    assert!(reached > 500, "{reached}");
    // Without a share all is as it was desired, and paid alike.
    let plain =
        Goals::new(Kind::Pays, "her", &settings("her", &[("share", 0.0)]), &context(parts(BITS, BITS), BITS)).unwrap();
    plain.over(&data).sample(Want::Transitions(500), &mut Rng::new(2), &mut sample).unwrap();
    for (i, row) in sample.transitions.iter().enumerate() {
        let next = data.next_observation(*row as usize);
        let here = next[..BITS] == next[BITS..2 * BITS];
        assert_eq!(sample.rewards[i], if here { 0.0 } else { -1.0 });
    }
}

/// A hand 0.03 off in each of two directions is 0.042 away, and within 0.05; what pays by another rule than it is told is said.
#[test]
fn a_goal_is_reached_by_its_distance_and_other_pay_is_said() {
    let space = Space::Dict(
        ["achieved_goal", "desired_goal", "observation"].map(|name| (name.into(), Space::unbounded(2))).to_vec(),
    );
    let told = |off: f64, paid: f64| {
        let goals =
            Goals::new(Kind::Pays, "her", &settings("her", &[("share", 0.0)]), &context(space.clone(), 2)).unwrap();
        let (mut data, mut sample) = (Dataset::new(6, 2), Sample::default());
        data.push(&[0.0; 6], &[1.0, 0.0], paid, &[off, off, 0.0, 0.0, off, off], false, true).unwrap();
        goals.over(&data).sample(Want::Transitions(1), &mut Rng::new(2), &mut sample).unwrap();
        (sample.rewards[0], goals.note())
    };
    assert_eq!(told(0.03, 0.0), (0.0, String::new()));
    assert_eq!(told(0.04, -1.0), (-1.0, String::new()));
    let (paid, note) = told(0.03, 1.0);
    assert!(paid == 0.0 && note.starts_with("100 % of") && note.contains("agent.tolerance"), "{note}");
    // One that goes on says the same share, and what learns from no reward says nothing of settings that it lacks.
    let mut data = Dataset::new(6, 2);
    for paid in [0.0, 1.0] {
        data.push(&[0.0; 6], &[1.0, 0.0], paid, &[0.03, 0.03, 0.0, 0.0, 0.03, 0.03], false, true).unwrap();
    }
    let made = |kind, who| {
        let goals = Goals::new(kind, who, &settings(who, &[("share", 0.0)]), &context(space.clone(), 2)).unwrap();
        goals.over(&data).sample(Want::Transitions(400), &mut Rng::new(2), &mut Sample::default()).unwrap();
        goals
    };
    let first = made(Kind::Pays, "her");
    let mut state = worldwright_core::State::new();
    first.save(&mut state);
    let mut again = Goals::new(Kind::Pays, "her", &settings("her", &[]), &context(space.clone(), 2)).unwrap();
    again.restore(&state).unwrap();
    assert!(!first.note().is_empty() && first.note() == again.note(), "{} {}", first.note(), again.note());
    assert_eq!(made(Kind::Shows, "gcsl").note(), "");
}

/// An experience that counts how often it is asked which transitions follow each other.
struct Asked<'a>(&'a Dataset, std::sync::atomic::AtomicUsize);

impl Experience for Asked<'_> {
    fn observation_dim(&self) -> usize {
        self.0.observation_dim()
    }
    fn action_dim(&self) -> usize {
        self.0.action_dim()
    }
    fn columns(&self) -> &[worldwright_core::StepColumn] {
        self.0.columns()
    }
    fn rows(&self) -> std::ops::Range<u64> {
        self.0.rows()
    }
    fn taken(&self) -> u64 {
        self.0.taken()
    }
    fn is_open(&self) -> bool {
        self.0.is_open()
    }
    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.ends_sequence(row, length)
    }
    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        self.0.gather(first, length, weight, out);
    }
    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.0.append_to(dataset, from)
    }
}

/// A goal is drawn in as many questions however long an episode is, but for its logarithm, each of which a set answers by two rows, and each later step gives it as often.
#[test]
fn a_goal_of_a_long_episode_is_as_soon_drawn_and_each_step_as_likely() {
    let given = [("share", 1.0)];
    let goals = Goals::new(Kind::Pays, "her", &settings("her", &given), &context(parts(BITS, BITS), BITS)).unwrap();
    let (draws, mut sample) = (1000, Sample::default());
    let data = wandering((BITS, 4000), [16, BITS], bits_of, |at, bit| at ^ 1 << bit);
    let asked = Asked(&data, 0.into());
    goals.over(&asked).sample(Want::Transitions(draws), &mut Rng::new(2), &mut sample).unwrap();
    let each = asked.1.into_inner() as f64 / draws as f64;
    assert!(each < 40.0, "{each} questions a draw");
    // One bit more at each step: which one was the goal is seen, from each step on.
    let (mut ladder, width) = (Dataset::new(3 * BITS, BITS), BITS);
    let tell = |rung: usize| [place_of(rung, width), vec![0.0; width], place_of(rung, width)].concat();
    (0..width).for_each(|t| {
        ladder.push(&tell(t), &place_of(t, width), -1.0, &tell(t + 1), false, t + 1 == width).unwrap();
    });
    let draws = 20_000;
    goals.over(&ladder).sample(Want::Transitions(draws), &mut Rng::new(3), &mut sample).unwrap();
    let mut counts = [[0usize; BITS]; BITS];
    for (i, row) in sample.transitions.iter().enumerate() {
        let goal: Vec<f64> = (0..width).map(|d| sample.observations.get(2 * i * 3 * width + width + d)).collect();
        // The last rung is beyond all bits.
        let rung = goal.iter().position(|bit| *bit == 1.0).unwrap_or(width);
        counts[*row as usize][rung - 1] += 1;
    }
    for (row, counts) in counts.iter().enumerate() {
        let expected = draws as f64 / (BITS * (BITS - row)) as f64;
        assert!(counts[..row].iter().all(|count| *count == 0), "from {row}: {counts:?}");
        assert!(
            counts[row..].iter().all(|count| (*count as f64 / expected - 1.0).abs() < 0.12),
            "from {row}: {counts:?}"
        );
    }
}

/// After τ + 1 flips, a row that differs from the goal in h bits differs in h − τ − 1 of them, or by parity in none or one.
#[test]
fn a_temporal_difference_model_tells_how_near_so_many_steps_lead() {
    let data = wandering((BITS, 10), [16, BITS], bits_of, |at, bit| at ^ 1 << bit);
    let world = context(parts(BITS, BITS), BITS);
    let mut goals =
        Goals::new(Kind::CountsDown, "tdm", &settings("tdm", &[("horizon", 5.0), ("tolerance", 0.5)]), &world).unwrap();
    let mut learner = policy("dqn", 3 * BITS + 1, BITS, 1.0, 1e-3);
    taught(learner.as_mut(), &goals.over(&data), 6000);
    let (mut worst, mut total, mut horizons) = (0.0_f64, 0.0, 0);
    let mut batch = Batch::zeros(3 * BITS + 1, 1);
    for (now, goal) in (0..16_usize).flat_map(|now| (0..16).map(move |goal| (now, goal))) {
        let apart = (now ^ goal).count_ones() as usize;
        let mut seen = [bits_of(now, BITS), bits_of(goal, BITS), bits_of(now, BITS), vec![0.0]].concat();
        for left in 0..6 {
            seen[3 * BITS] = left as f64;
            batch.columns_mut().set_row(0, &seen);
            let mut value = [0.0];
            learner.value(batch.columns(), &mut value).unwrap();
            let flips = left + 1;
            let truth = if apart >= flips { apart - flips } else { (flips - apart) % 2 };
            let error = (value[0] + truth as f64).abs();
            (worst, total) = (worst.max(error), total + error);
        }
        goals.plan(learner.as_mut(), &mut seen).unwrap();
        // The way back to where one is takes two flips.
        let shortest = if apart == 0 { 1 } else { apart - 1 };
        horizons += usize::from(seen[3 * BITS] == shortest as f64);
    }
    let mean = total / (256.0 * 6.0);
    assert!(mean < 0.25 && worst < 1.0, "mean error {mean}, worst {worst}");
    assert!(horizons > 200, "{horizons} of 256 horizons are the shortest");
}

const FLOOR: usize = 32;

/// A wall through the middle of an 8 by 4 floor, with a door at its end.
fn floor(at: usize, way: usize) -> usize {
    let (x, y) = (at % 8, at / 8);
    let to = match way {
        0 if x > 0 => at - 1,
        1 if x < 7 => at + 1,
        2 if y > 0 => at - 8,
        3 if y < 3 => at + 8,
        _ => at,
    };
    if at % 8 != to % 8 && at % 8 + to % 8 == 7 && y < 3 { at } else { to }
}

/// Mean steps from each place until each other one was first met again: what a regression on walks would tell.
fn steps_walked(data: &Dataset) -> Vec<f64> {
    let place = |seen: &[f64]| seen[..FLOOR].iter().position(|bit| *bit > 0.5).unwrap();
    let mut walks = vec![[0.0; 2]; FLOOR * FLOOR];
    for first in 0..data.len() {
        let mut met = [false; FLOOR];
        for row in first..data.len() {
            let goal = place(data.next_observation(row));
            if !std::mem::replace(&mut met[goal], true) {
                let walk = &mut walks[place(data.observation(first)) * FLOOR + goal];
                *walk = [walk[0] + (row + 1 - first) as f64, walk[1] + 1.0];
            }
            if data.episode_ends()[row] {
                break;
            }
        }
    }
    walks.into_iter().map(|[steps, count]| if count > 0.0 { steps / count } else { 40.0 }).collect()
}

#[test]
fn values_of_random_walks_tell_the_shortest_ways_around_a_wall() {
    let data = wandering((FLOOR, 40), [FLOOR, 4], place_of, floor);
    let world = context(parts(FLOOR, FLOOR), 4);
    let goals =
        Goals::new(Kind::Pays, "her", &settings("her", &[("share", 1.0), ("ends_when_reached", 1.0)]), &world).unwrap();
    let mut learner = policy("dqn", 3 * FLOOR, 4, 0.97, 1e-3);
    taught(learner.as_mut(), &goals.over(&data), 6000);
    let learner: &mut dyn Policy = learner.as_mut();
    let mut reaching = Reaching::new(learner, &parts(FLOOR, FLOOR), 0.97).unwrap();
    let (mut from, mut to, mut truth) = (Batch::zeros(FLOOR, FLOOR), Batch::zeros(FLOOR, FLOOR), [usize::MAX; FLOOR]);
    let (mut error, mut walked, mut pairs) = (0.0, 0.0, 0);
    let walks = steps_walked(&data);
    for start in 0..FLOOR {
        truth.fill(usize::MAX);
        truth[start] = 0;
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for next in (0..4).map(|way| floor(at, way)) {
                if truth[next] == usize::MAX {
                    truth[next] = truth[at] + 1;
                    queue.push_back(next);
                }
            }
        }
        for goal in 0..FLOOR {
            from.columns_mut().set_row(goal, &place_of(start, FLOOR));
            to.columns_mut().set_row(goal, &place_of(goal, FLOOR));
        }
        let mut values = [0.0; FLOOR];
        reaching.values(from.columns(), to.columns(), &mut values).unwrap();
        for goal in (0..FLOOR).filter(|goal| *goal != start) {
            error += (truth[goal] as f64 + values[goal]).abs();
            walked += (truth[goal] as f64 - walks[start * FLOOR + goal]).abs();
            pairs += 1;
        }
        assert_eq!(values[start], 0.0);
    }
    let (error, walked) = (error / f64::from(pairs), walked / f64::from(pairs));
    assert!(error < 1.5 && error < 0.25 * walked, "{error} steps off, what was walked {walked}");
}

#[test]
fn goals_one_step_ahead_make_an_inverse_model() {
    let data = wandering((BITS, 10), [16, BITS], bits_of, |at, bit| at ^ 1 << bit);
    let goals =
        Goals::new(Kind::Shows, "gcsl", &settings("gcsl", &[("reach", 1.0)]), &context(parts(BITS, BITS), BITS))
            .unwrap();
    let mut learner = policy("bc", 3 * BITS, BITS, 1.0, 2e-3);
    taught(learner.as_mut(), &goals.over(&data), 600);
    let (mut seen, mut done) = (Batch::zeros(3 * BITS, 1), Batch::zeros(BITS, 1));
    for (now, bit) in (0..16).flat_map(|now| (0..BITS).map(move |bit| (now, bit))) {
        let row = [bits_of(now, BITS), bits_of(now ^ 1 << bit, BITS), bits_of(now, BITS)].concat();
        seen.columns_mut().set_row(0, &row);
        learner.act(seen.columns(), Mode::Exploit, &mut Rng::new(0), &mut done).unwrap();
        assert_eq!(done.columns().get(0, bit), 1.0, "from {now:04b} by {bit}");
    }
}
