//! Advantages against sums by hand, gradients against those of returns that are known exactly, and changes of units that change nothing.

use worldwright_core::{Dataset, Experience, Interrupt, Learner, Numbers, Rng, Sample, Settings, Space, StepColumn};
use worldwright_nn::Parameter;

use super::*;
use crate::acting::DRAWN_ACTION;
use crate::scaling::Scaling;

fn context(inputs: usize, action_space: Space) -> PolicyContext {
    PolicyContext { inputs, action_space, discount: 1.0, seed: 3 }
}

/// A policy whose plan is changed, with weights that are all drawn anew.
fn climber(entry: Kind, context: &PolicyContext, change: impl FnOnce(&mut Plan)) -> Taught<Climber> {
    let settings = Settings::resolve("test", entry.0, &std::collections::BTreeMap::new()).unwrap();
    let mut plan = (entry.1)(context, &settings).unwrap();
    plan.hidden = vec![8];
    plan.normalises = false;
    change(&mut plan);
    let mut it = taught(context, plan).unwrap();
    let rng = &mut Rng::new(9);
    let parameters: Vec<(String, Parameter)> =
        it.acting.actor().parameters().map(|(name, parameter)| (name.to_owned(), parameter)).collect();
    for (name, parameter) in parameters {
        if name != "std" && name != "mean" {
            let count: usize = it.acting.actor().shape(parameter).unwrap().iter().product();
            let numbers: Vec<f32> = (0..count).map(|_| 0.7 * rng.normal() as f32).collect();
            it.acting.actor_mut().set(parameter, &numbers).unwrap();
        }
    }
    it
}

/// The settings of a policy, and how its plan is read from them.
type Kind = (&'static [worldwright_core::Parameter], fn(&PolicyContext, &Settings) -> Result<Plan>);

const PLAIN: Kind = (REINFORCE.parameters, super::reinforce::read);
const CLIPPED: Kind = (PPO.parameters, super::ppo::read);

/// The gradient of what is climbed, a mean over transitions, where inputs are seen as they are.
fn gradient(it: &mut Taught<Climber>, experience: &dyn Experience, of: &[Parameter]) -> Vec<Vec<f64>> {
    let (acting, climber) = (&mut it.acting, &mut it.teacher);
    climber.room.gather(experience, (acting.inputs(), acting.head()), false).unwrap();
    climber.room.scale(&Scaling::identity(acting.inputs()));
    look(acting, climber);
    let discount = climber.plan.discount;
    climber.room.judge((discount, climber.plan.lambda), f64::from);
    stepped(acting, climber, of)
}

/// Likelihoods and values of a rollout.
fn look(acting: &Acting, climber: &mut Climber) {
    let (predictor, scratch) = &mut climber.likelihood;
    predictor.refresh(&[acting.actor()]).unwrap();
    let out = &mut [climber.room.log_probs.as_mut_slice()];
    predictor.predict(&[&climber.room.observations, &climber.room.actions], out, scratch).unwrap();
    if let Some((predictor, scratch)) = &mut climber.expecting {
        predictor.refresh(&[acting.actor()]).unwrap();
        predictor.predict(&[&climber.room.observations], &mut [&mut climber.room.values], scratch).unwrap();
        predictor.predict(&[&climber.room.next_observations], &mut [&mut climber.room.next_values], scratch).unwrap();
    }
}

fn stepped(acting: &mut Acting, climber: &mut Climber, of: &[Parameter]) -> Vec<Vec<f64>> {
    let n = climber.room.len();
    climber.batch.aims = vec![0.0; n];
    climber.adam.config.learning_rate = 0.0;
    assert!(climber.step(acting, [0, n], &mut Sums::default()).unwrap());
    let each = |parameter: &Parameter| -> Vec<f64> {
        climber.adam.gradient(*parameter).unwrap().iter().map(|number| -f64::from(*number)).collect()
    };
    of.iter().map(each).collect()
}

/// Two states, three choices, three steps: where a choice leads, and what it pays.
fn walk(state: usize, choice: usize) -> (usize, f64) {
    let next = [[1, 0, 1], [0, 0, 1]][state][choice];
    (next, [[0.0, 1.0, -0.5], [2.0, -1.0, 0.5]][state][choice])
}

const STEPS: usize = 3;

fn shown(state: usize) -> Vec<f64> {
    if state == 0 { vec![1.0, -0.5] } else { vec![-1.0, 0.3] }
}

/// Probabilities of the choices in each state.
fn probabilities(it: &mut Taught<Climber>) -> Vec<Vec<f64>> {
    let (predictor, scratch) = &mut it.teacher.likelihood;
    predictor.refresh(&[it.acting.actor()]).unwrap();
    let probability = |state: usize, choice: usize, scratch: &mut Scratch| {
        let seen: Vec<f32> = shown(state).iter().map(|number| *number as f32).collect();
        let (mut taken, mut said) = (vec![0.0; 3], [0.0]);
        taken[choice] = 1.0;
        predictor.predict(&[&seen, &taken], &mut [&mut said], scratch).unwrap();
        f64::from(said[0]).exp()
    };
    (0..2).map(|state| (0..3).map(|choice| probability(state, choice, scratch)).collect()).collect()
}

/// What the walk is expected to pay from a state on, by going through all ways.
fn expected(probabilities: &[Vec<f64>], state: usize, left: usize) -> f64 {
    if left == 0 {
        return 0.0;
    }
    let of = |choice: usize| {
        let (next, reward) = walk(state, choice);
        probabilities[state][choice] * (reward + expected(probabilities, next, left - 1))
    };
    (0..3).map(of).sum()
}

/// Moves each number of a parameter both ways and looks at what comes of it.
fn differences(
    it: &mut Taught<Climber>,
    parameter: Parameter,
    of: &mut dyn FnMut(&mut Taught<Climber>) -> f64,
) -> Vec<f64> {
    let numbers = it.acting.actor().get(parameter).unwrap();
    let mut slopes = Vec::new();
    for i in 0..numbers.len() {
        let mut moved = |by: f32| {
            let mut changed = numbers.clone();
            changed[i] += by;
            it.acting.actor_mut().set(parameter, &changed).unwrap();
            of(it)
        };
        slopes.push((moved(0.02) - moved(-0.02)) / 0.04);
    }
    it.acting.actor_mut().set(parameter, &numbers).unwrap();
    slopes
}

/// Episodes of the walk by the policy's own probabilities.
fn walks(probabilities: &[Vec<f64>], episodes: usize) -> Dataset {
    let (mut data, rng) = (Dataset::new(2, 3), &mut Rng::new(11));
    for _ in 0..episodes {
        let mut state = 0;
        for t in 0..STEPS {
            let (mut left, mut choice) = (rng.uniform(), 0);
            while choice < 2 && left >= probabilities[state][choice] {
                left -= probabilities[state][choice];
                choice += 1;
            }
            let (next, reward) = walk(state, choice);
            let mut taken = vec![0.0; 3];
            taken[choice] = 1.0;
            let last = t + 1 == STEPS;
            data.push(&shown(state), &taken, reward, &shown(next), last, last).unwrap();
            state = next;
        }
    }
    data
}

/// The mean of the estimate over many episodes is the gradient of the expected return, with a baseline that is wrong as without one.
#[test]
fn the_gradient_of_choices_is_that_of_the_expected_return() {
    const EPISODES: usize = 60_000;
    for (kind, has_value) in [(PLAIN, false), (PLAIN, true), (CLIPPED, true)] {
        let mut it = climber(kind, &context(2, Space::discrete(3)), |plan| {
            plan.has_value = has_value;
            plan.lambda = 1.0;
            plan.batch = 0;
        });
        let last = it.teacher.networks.actor.layers[1];
        let of = [last.bias, last.weight];
        let mut value = |it: &mut Taught<Climber>| expected(&probabilities(it), 0, STEPS);
        let exact: Vec<Vec<f64>> = of.iter().map(|parameter| differences(&mut it, *parameter, &mut value)).collect();
        let data = walks(&probabilities(&mut it), EPISODES);
        let mean = gradient(&mut it, &data, &of);
        for (exact, mean) in exact.iter().flatten().zip(mean.iter().flatten()) {
            let estimate = STEPS as f64 * mean;
            assert!((estimate - exact).abs() < 0.03, "estimate {estimate}, exact {exact}, {has_value}");
        }
        let size = exact.iter().flatten().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        assert!(size > 0.3, "the gradient is too small for the check to say anything: {size}");
    }
}

/// One step that pays `−(a − c)²` for the action that came of cutting the drawn number off at ±1, where its mean lies near a bound: the drawn number gives
/// the gradient, the action itself would not.
#[test]
fn the_gradient_of_numbers_is_that_of_what_was_drawn() {
    const DRAWS: usize = 100_000;
    let context = context(1, Space::vector(&[-1.0], &[1.0]));
    let mut it = climber(PLAIN, &context, |plan| plan.has_value = false);
    let last = it.teacher.networks.actor.layers[1];
    let of = [last.bias, it.teacher.networks.log_std.unwrap()];
    it.acting.actor_mut().set(of[1], &[-0.2]).unwrap();
    it.acting.actor_mut().set(of[0], &[0.8]).unwrap();
    let pays = |drawn: f64| -(drawn.clamp(-1.0, 1.0) - 0.5).powi(2);
    // The likelihood of two numbers tells mean and deviation.
    let spread = |it: &mut Taught<Climber>| {
        let (predictor, scratch) = &mut it.teacher.likelihood;
        predictor.refresh(&[it.acting.actor()]).unwrap();
        let mut at = |x: f32| {
            let mut said = [0.0];
            predictor.predict(&[&[0.5], &[x]], &mut [&mut said], scratch).unwrap();
            f64::from(said[0])
        };
        let (low, middle, high) = (at(-1.0), at(0.0), at(1.0));
        let inverse = 2.0 * middle - low - high;
        (0.5 * (high - low) / inverse, (1.0 / inverse).sqrt())
    };
    let mut value = |it: &mut Taught<Climber>| {
        let (mean, std) = spread(it);
        let step = 1e-3;
        let weight = |z: f64| step * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        (-8000..=8000).map(|i| f64::from(i) * step).map(|z| weight(z) * pays(mean + std * z)).sum()
    };
    let exact: Vec<f64> = of.iter().map(|parameter| differences(&mut it, *parameter, &mut value)[0]).collect();
    let (mean, std) = spread(&mut it);
    assert!(mean.abs() < 3.0 && std > 0.5, "{mean} {std}");
    let told = |kept: bool| {
        let column = StepColumn { name: DRAWN_ACTION.into(), width: 1 };
        let mut memory = Interleaved { columns: if kept { vec![column] } else { Vec::new() }, rows: Vec::new() };
        let rng = &mut Rng::new(12);
        for _ in 0..DRAWS {
            let drawn = mean + std * rng.normal();
            let before = memory.begin(0.5);
            let taken = Taken { action: drawn.clamp(-1.0, 1.0), drawn, reward: pays(drawn), ends: [true, false] };
            memory.step(before, 0.5, taken);
        }
        memory
    };
    let [drawn, acted] = [true, false].map(|kept| gradient(&mut it, &told(kept), &of));
    for (i, exact) in exact.iter().enumerate() {
        assert!((drawn[i][0] - exact).abs() < 0.02, "estimate {}, exact {exact}", drawn[i][0]);
        assert!((acted[i][0] - exact).abs() > 0.08, "the action itself: {}, exact {exact}", acted[i][0]);
    }
}

/// A policy that has gone as far as it may gains nothing by going further; back it always may come.
#[test]
fn what_was_gained_enough_has_no_gradient() {
    let context = context(2, Space::discrete(3));
    let mut data = Dataset::new(2, 3);
    data.push(&[1.0, -0.5], &[0.0, 1.0, 0.0], 0.0, &[1.0, -0.5], true, true).unwrap();
    let slope = |ratio: f32, advantage: f64| {
        let mut it = climber(CLIPPED, &context, |plan| plan.weights.value = 0.0);
        let last = it.teacher.networks.actor.layers[1];
        let (acting, climber) = (&mut it.acting, &mut it.teacher);
        climber.room.gather(&data, (2, acting.head()), false).unwrap();
        climber.room.scale(&Scaling::identity(2));
        look(acting, climber);
        climber.room.log_probs[0] -= ratio.ln();
        climber.room.advantages = vec![advantage];
        stepped(acting, climber, &[last.bias])[0][1]
    };
    let plain = slope(1.0, 1.0);
    assert!(plain > 0.05, "{plain}");
    let near = |one: f64, other: f64| (one - other).abs() < 1e-5;
    assert!(near(slope(1.1, 1.0), 1.1 * plain) && near(slope(0.9, -1.0), -0.9 * plain));
    assert!(slope(1.3, 1.0) == 0.0 && slope(0.7, -1.0) == 0.0);
    assert!(near(slope(1.3, -1.0), -1.3 * plain) && near(slope(0.7, 1.0), 0.7 * plain));
}

/// Two episodes under way at once, one that was cut, one that ended, one that is open.
fn episodes() -> Vec<(usize, Vec<f64>, [bool; 2])> {
    let rng = &mut Rng::new(13);
    let mut rewards = |count: usize| (0..count).map(|_| rng.normal()).collect::<Vec<_>>();
    vec![
        (0, rewards(5), [true, false]),
        (1, rewards(7), [false, true]),
        (0, rewards(6), [false, false]),
        (1, rewards(4), [false, false]),
    ]
}

/// What is seen at step `t` of an episode.
fn sight(episode: usize, t: usize) -> f64 {
    (1.7 * episode as f64 + 0.9 * t as f64).sin()
}

/// A step: what was done and drawn, what it paid, and whether the task ended or the episode was cut.
#[derive(Clone, Copy)]
struct Taken {
    action: f64,
    drawn: f64,
    reward: f64,
    ends: [bool; 2],
}

/// Rows of episodes that were under way at once, in the order in which they came: what was seen, the row before it in its episode and the step between.
struct Interleaved {
    columns: Vec<StepColumn>,
    rows: Vec<(f64, Option<(usize, Taken)>)>,
}

impl Interleaved {
    /// Begins an episode; its row.
    fn begin(&mut self, seen: f64) -> usize {
        self.rows.push((seen, None));
        self.rows.len() - 1
    }

    /// Adds a step behind a row; its own row.
    fn step(&mut self, before: usize, seen: f64, taken: Taken) -> usize {
        self.rows.push((seen, Some((before, taken))));
        self.rows.len() - 1
    }
}

impl Experience for Interleaved {
    fn observation_dim(&self) -> usize {
        1
    }

    fn action_dim(&self) -> usize {
        1
    }

    fn columns(&self) -> &[StepColumn] {
        &self.columns
    }

    fn rows(&self) -> std::ops::Range<u64> {
        0..self.rows.len() as u64
    }

    fn taken(&self) -> u64 {
        self.rows.iter().filter(|row| row.1.is_some()).count() as u64
    }

    fn is_open(&self) -> bool {
        false
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        length == 1 && self.rows[row as usize].1.is_some()
    }

    fn after(&self, row: u64) -> Option<u64> {
        let follows = |other: &(f64, Option<(usize, Taken)>)| other.1.is_some_and(|(before, _)| before as u64 == row);
        self.rows.iter().position(follows).map(|row| row as u64)
    }

    fn gather(&self, first: u64, _length: usize, _weight: f64, out: &mut Sample) {
        let (seen, Some((before, taken))) = self.rows[first as usize] else { panic!("row {first} is no step") };
        out.sequences += 1;
        if out.observations.is_empty() {
            (out.observations, out.actions) = (Numbers::Floats(Vec::new()), Numbers::Floats(Vec::new()));
        }
        out.observations.extend(&[self.rows[before].0, seen]);
        out.actions.extend(&[taken.action]);
        out.rewards.push(taken.reward);
        out.terminated.push(taken.ends[0]);
        out.truncated.push(taken.ends[1]);
        out.columns.extend(self.columns.iter().map(|_| taken.drawn));
    }

    fn append_to(&self, _dataset: &mut Dataset, _from: u64) -> Result<u64> {
        Err(Error::unsupported("this experience", "giving all of it"))
    }
}

/// A memory of some of the episodes, a step at each place in turn.
fn remembered(of: &[usize]) -> Interleaved {
    let all = episodes();
    let mut memory = Interleaved { columns: Vec::new(), rows: Vec::new() };
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); 2];
    of.iter().rev().for_each(|episode| waiting[all[*episode].0].push(*episode));
    let mut open: [Option<(usize, usize, usize)>; 2] = [None; 2];
    loop {
        let mut moved = false;
        for place in 0..2 {
            if open[place].is_none() {
                let Some(episode) = waiting[place].pop() else { continue };
                open[place] = Some((episode, 0, memory.begin(sight(episode, 0))));
            }
            let Some((episode, t, row)) = open[place] else { continue };
            let (_, rewards, ends) = &all[episode];
            if t == rewards.len() {
                continue;
            }
            let ends = ends.map(|ends| ends && t + 1 == rewards.len());
            let taken = Taken { action: 0.1, drawn: 0.1, reward: rewards[t], ends };
            let row = memory.step(row, sight(episode, t + 1), taken);
            open[place] = (!ends.contains(&true)).then_some((episode, t + 1, row));
            moved = true;
        }
        if !moved {
            return memory;
        }
    }
}

const DISCOUNT: f64 = 0.9;
const LAMBDA: f64 = 0.7;

/// Advantages of a memory's transitions by what was seen before each.
fn advantages(memory: &Interleaved) -> Vec<(f64, f64)> {
    let head = ActionHead::new("test", &Space::vector(&[-1.0], &[1.0])).unwrap();
    let mut room = Rollout::default();
    room.gather(memory, (1, &head), false).unwrap();
    room.scale(&Scaling::identity(1));
    let value = |seen: &f32| 2.0 * seen + 0.5;
    room.values = room.observations.iter().map(value).collect();
    room.next_values = room.next_observations.iter().map(value).collect();
    room.judge((DISCOUNT, LAMBDA), f64::from);
    let mut all: Vec<(f64, f64)> = (0..room.len()).map(|i| (room.seen(i, 0), room.advantages[i])).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all
}

#[test]
fn advantages_are_discounted_sums_of_surprises() {
    let value = |episode: usize, t: usize| 2.0 * sight(episode, t) + 0.5;
    let mut by_hand = Vec::new();
    for (episode, (_, rewards, [terminated, _])) in episodes().iter().enumerate() {
        let surprise = |t: usize| {
            let ends = *terminated && t + 1 == rewards.len();
            let ahead = if ends { 0.0 } else { DISCOUNT * value(episode, t + 1) };
            rewards[t] + ahead - value(episode, t)
        };
        for t in 0..rewards.len() {
            let sum = (t..rewards.len()).map(|k| (DISCOUNT * LAMBDA).powi((k - t) as i32) * surprise(k)).sum::<f64>();
            by_hand.push((sight(episode, t), sum));
        }
    }
    by_hand.sort_by(|one, other| one.0.total_cmp(&other.0));
    let together = advantages(&remembered(&[0, 1, 2, 3]));
    assert_eq!(together.len(), by_hand.len());
    for (one, other) in together.iter().zip(&by_hand) {
        assert!((one.0 - other.0).abs() < 1e-12 && (one.1 - other.1).abs() < 1e-5, "{one:?}, by hand {other:?}");
    }
    // Each place alone.
    let mut alone = [advantages(&remembered(&[0, 2])), advantages(&remembered(&[1, 3]))].concat();
    alone.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(alone, together);
}

/// Without anything that tells what an episode is still worth, those under way teach nothing.
#[test]
fn without_a_baseline_only_what_ended_is_learned_from() {
    let memory = remembered(&[0, 1, 2, 3]);
    let head = ActionHead::new("test", &Space::vector(&[-1.0], &[1.0])).unwrap();
    let mut room = Rollout::default();
    room.gather(&memory, (1, &head), true).unwrap();
    assert_eq!(room.chosen.len(), 5 + 7);
    let open = remembered(&[2]);
    assert!(matches!(room.gather(&open, (1, &head), true), Err(Error::Config { .. })));
}

/// Other units of what is seen and paid leave what is said where it was.
#[test]
fn a_change_of_units_changes_nothing_that_is_said() {
    let space = Space::vector(&[-2.0], &[2.0]);
    let context = PolicyContext { inputs: 2, action_space: space, discount: 0.9, seed: 3 };
    let mut it = climber(CLIPPED, &context, |plan| plan.learning_rate = 0.0);
    it.teacher.adam.config.learning_rate = 0.0;
    let data = |scale: f64| {
        let (mut data, rng) = (Dataset::new(2, 1), &mut Rng::new(5));
        for i in 0..50 {
            let seen = [scale * rng.normal() + scale, rng.normal()];
            data.push(&seen, &[rng.uniform_in(-2.0, 2.0)], scale * rng.normal(), &seen, false, i % 10 == 9).unwrap();
        }
        data
    };
    let rng = &mut Rng::new(6);
    it.update(&data(1.0), rng, &Interrupt::never()).unwrap();
    let probe = [0.3, -1.2];
    let said = |it: &mut Taught<Climber>| {
        let mut seen = worldwright_core::Batch::zeros(2, 1);
        seen.columns_mut().set_row(0, &probe);
        let mut done = worldwright_core::Batch::zeros(1, 1);
        worldwright_core::Policy::act(it, seen.columns(), worldwright_core::Mode::Exploit, &mut Rng::new(0), &mut done)
            .unwrap();
        let mut value = [0.0];
        worldwright_core::Policy::value(it, seen.columns(), &mut value).unwrap();
        [done.columns().get(0, 0), value[0]]
    };
    let before = said(&mut it);
    let units = it.teacher.units;
    it.update(&data(30.0), rng, &Interrupt::never()).unwrap();
    assert!(it.teacher.units.std > 2.0 * units.std);
    for (before, after) in before.iter().zip(said(&mut it)) {
        assert!((before - after).abs() < 1e-3 * before.abs().max(1.0), "{before}, then {after}");
    }
}
