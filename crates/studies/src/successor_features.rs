//! `successor-features`: a new reward in four rooms, done at once by what was learned of other rewards, beside Q-learning from nothing.
//!
//! Eight tasks are learned together, each of which pays at one landmark of [`FourRooms`]. Then come rewards that were never seen: a mixture of all landmarks, those in
//! corners paying up to 1, doorways paying or costing up to a half. What generalised policy improvement does there without a step is judged exactly, by the process of the new
//! task: its mean value over all states, as a share of the optimum's (Barreto et al., "Successor Features for Transfer in Reinforcement Learning", NeurIPS 2017).
//! Q-learning begins each of them from nothing; its steps are counted until it comes to 90 % of the optimum.

use worldwright_core::{Entry, Key, Parameter, Result, Rng, SettingDefault as Default, Settings, find};
use worldwright_finite::online::{ALL, LearnerContext, Transition};
use worldwright_finite::{Mdp, Stop, SuccessorFeatures, Sweep, evaluate, value_iteration};

use crate::finding::{bounded, estimate};
use crate::four_rooms::FourRooms;
use crate::greedy::first_best;
use crate::{Build, Cell, Curve, Figure, Study, Table, Watch};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "successor-features",
    summary: "a new reward in four rooms, done without a step by what was learned of others, beside q-learning from nothing",
    source: "Barreto et al., NeurIPS 2017",
    parameters: &[
        Parameter {
            name: "steps",
            default: Default::Integer(200_000),
            summary: "steps that the first tasks are learned in, all together",
        },
        Parameter { name: "tasks", default: Default::Integer(20), summary: "new rewards" },
        Parameter { name: "seeds", default: Default::Integer(5), summary: "times that all of it is done" },
        Parameter {
            name: "most_steps",
            default: Default::Integer(100_000),
            summary: "steps after which Q-learning is given up",
        },
        Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" },
    ],
    build: run,
};

const DISCOUNT: f64 = 0.95;
const STEP_SIZE: f64 = 0.1;
/// Steps until another state is begun from.
const EPISODE: usize = 50;
/// Chance of a random action.
const EPSILON: f64 = 0.3;
/// Share of the optimum until which the steps of Q-learning are counted.
const LEVEL: f64 = 0.9;
/// Steps between two looks at Q-learning.
const LOOK: usize = 250;

/// Mean value over all states.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A new reward.
fn task(rng: &mut Rng) -> [f64; FourRooms::FEATURES] {
    let mut weights = [0.0; FourRooms::FEATURES];
    let (corners, doorways) = weights.split_at_mut(4);
    corners.iter_mut().for_each(|weight| *weight = rng.uniform());
    doorways.iter_mut().for_each(|weight| *weight = rng.uniform_in(-0.5, 0.5));
    weights
}

/// Learns a policy for each landmark, acting for one after the other.
fn learn(rooms: &FourRooms, steps: usize, rng: &mut Rng) -> Result<SuccessorFeatures> {
    let n = FourRooms::FEATURES;
    let tasks: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    let mut learned = SuccessorFeatures::new([rooms.states(), FourRooms::ACTIONS, n], &tasks, DISCOUNT, STEP_SIZE)?;
    let mut state = 0;
    for t in 0..steps {
        if t % EPISODE == 0 {
            state = rng.below(rooms.states() as u64) as usize;
        }
        let acts_for = t / EPISODE % n;
        let action = if rng.uniform() < EPSILON {
            rng.below(FourRooms::ACTIONS as u64) as usize
        } else {
            first_best(&learned.action_values(state, &tasks[acts_for * n..(acts_for + 1) * n])?)
        };
        let next = rooms.step(state, action, rng);
        learned.learn(state, action, &rooms.features(next), Some(next))?;
        state = next;
    }
    Ok(learned)
}

/// Shares of the optimum that Q-learning has come to, by its steps, until they are enough.
fn q_learning(
    (rooms, process): (&FourRooms, &Mdp),
    weights: &[f64],
    (optimum, most): (f64, usize),
    rng: &mut Rng,
) -> Result<Vec<[f64; 2]>> {
    let entry = find(ALL, "learner", "q-learning")?;
    let given = [("epsilon", EPSILON), ("step_size", STEP_SIZE)];
    let given = given.map(|(key, value)| (key.to_owned(), worldwright_core::Setting::Float(value)));
    let settings = Settings::resolve(entry.name, entry.parameters, &given.into())?;
    let context = LearnerContext { actions: FourRooms::ACTIONS, discount: DISCOUNT, places: 1 };
    let mut learner = (entry.build)(&context, &settings)?;
    let (mut came, mut state) = (Vec::new(), 0);
    for t in 0..most {
        if t % EPISODE == 0 {
            state = rng.below(rooms.states() as u64) as usize;
            learner.begin(0);
        }
        let action = learner.choose(0, state, true, rng)?;
        let next = rooms.step(state, action, rng);
        let (reward, truncated) = (rooms.reward(next, weights), (t + 1) % EPISODE == 0);
        learner.learn(0, &Transition { state, action, reward, next: Some(next), truncated }, rng)?;
        state = next;
        if (t + 1) % LOOK == 0 {
            let policy: Result<Vec<u32>> =
                (0..rooms.states()).map(|state| Ok(first_best(&learner.action_values(state)?) as u32)).collect();
            let share = mean(&evaluate(process, &policy?)?) / optimum;
            came.push([(t + 1) as f64, share]);
            if share >= LEVEL {
                break;
            }
        }
    }
    Ok(came)
}

fn run(settings: &Settings, watch: &mut Watch<'_>) -> Result<Study> {
    let (steps, tasks) = (settings.count("steps", 1)?, settings.count_in("tasks", 1, 10_000)?);
    let (seeds, most) = (settings.count_in("seeds", 1, 1000)?, settings.count("most_steps", LOOK)?);
    let (key, rooms) = (Key::new(settings.count("seed", 0)? as u64), FourRooms::new());
    let (mut shares, mut least, mut q_steps) = (Vec::new(), f64::INFINITY, Vec::new());
    let mut courses = Vec::new();
    for seed in 0..seeds {
        watch.tell(seed * tasks, seeds * tasks, "eight tasks by successor features")?;
        let rng = &mut key.fold(seed as u64).rng();
        let learned = learn(&rooms, steps, rng)?;
        for number in 0..tasks {
            watch.tell(seed * tasks + number, seeds * tasks, "a new reward")?;
            let weights = task(rng);
            let process = rooms.process(&weights, DISCOUNT)?;
            let optimum = mean(&value_iteration(&process, Sweep::Synchronous, &Stop::default())?.values);
            let policy: Result<Vec<u32>> = (0..rooms.states())
                .map(|state| Ok(first_best(&learned.action_values(state, &weights)?) as u32))
                .collect();
            let share = mean(&evaluate(&process, &policy?)?) / optimum;
            shares.push(share);
            least = least.min(share);
            let course = q_learning((&rooms, &process), &weights, (optimum, most), rng)?;
            match course.last() {
                Some([taken, came]) if *came >= LEVEL => q_steps.push(*taken),
                _ => q_steps.push(f64::INFINITY),
            }
            courses.push(course);
        }
    }
    let [mean_share, low, high] = bounded(estimate(&shares), [f64::NEG_INFINITY, 1.0]);
    // Those that were given up are the largest, so that the middle one is what it is whatever they would have taken.
    q_steps.sort_by(f64::total_cmp);
    let middle = q_steps[q_steps.len() / 2];
    let reached = if middle.is_finite() { format!("{middle:.0}") } else { format!("more than {most}") };
    // Where the middle one was given up, no more is known of its share than that it is less.
    let came = if middle.is_finite() { format!("{LEVEL} at least") } else { format!("less than {LEVEL}") };
    let given_up = q_steps.iter().filter(|steps| steps.is_infinite()).count();
    let findings = vec![
        format!(
            "without a step for them, {} new rewards are done at {:.1} % of their optimum ({:.1} to {:.1}), the worst of them at {:.1} %",
            shares.len(),
            100.0 * mean_share,
            100.0 * low,
            100.0 * high,
            100.0 * least
        ),
        format!(
            "q-learning comes to {:.0} % after {reached} steps in the middle one of them, and in {given_up} not within {most}; the eight tasks took {steps} steps together",
            100.0 * LEVEL
        ),
    ];
    let columns = ["learner", "steps for a new reward, middle", "share of the optimum"].map(String::from).to_vec();
    let rows = vec![
        vec!["successor features".into(), Cell::Number(0.0), Cell::Estimate([mean_share, low, high])],
        vec!["q-learning".into(), Cell::Text(reached), Cell::Text(came)],
    ];
    let title = "A new reward in the four rooms";
    Ok(Study {
        findings,
        tables: vec![Table { title: title.into(), columns, rows }],
        figures: vec![Figure {
            title: title.into(),
            axes: ["steps for the new reward".into(), "share of the optimum".into()],
            logarithmic: [false, false],
            curves: vec![
                Curve { name: "q-learning".into(), points: course_of_all(&courses) },
                Curve {
                    name: "successor features, without a step".into(),
                    points: vec![
                        [0.0, low, mean_share, high],
                        [
                            courses.iter().map(|course| course.len() * LOOK).max().unwrap_or(LOOK) as f64,
                            low,
                            mean_share,
                            high,
                        ],
                    ],
                },
            ],
        }],
    })
}

/// Means over courses at each look; one that has ended stays where it came to.
fn course_of_all(courses: &[Vec<[f64; 2]>]) -> Vec<[f64; 4]> {
    let longest = courses.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|look| {
            let at = |course: &Vec<[f64; 2]>| course.get(look).or(course.last()).map(|[_, share]| *share);
            let [mean, low, high] =
                bounded(estimate(&courses.iter().filter_map(at).collect::<Vec<_>>()), [f64::NEG_INFINITY, 1.0]);
            [((look + 1) * LOOK) as f64, low, mean, high]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rewards_are_done_at_nine_tenths_of_the_optimum_without_a_step() {
        let rng = &mut Rng::new(1);
        let rooms = FourRooms::new();
        let learned = learn(&rooms, 200_000, rng).unwrap();
        let share = |weights: &[f64], values: &dyn Fn(usize) -> Vec<f64>| {
            let process = rooms.process(weights, DISCOUNT).unwrap();
            let optimum = mean(&value_iteration(&process, Sweep::Synchronous, &Stop::default()).unwrap().values);
            let policy: Vec<u32> = (0..rooms.states()).map(|state| first_best(&values(state)) as u32).collect();
            mean(&evaluate(&process, &policy).unwrap()) / optimum
        };
        let (mut improved, mut alone) = (0.0, 0.0);
        for _ in 0..5 {
            let weights = task(rng);
            improved += share(&weights, &|state| learned.action_values(state, &weights).unwrap()) / 5.0;
            // Where the best corner alone is what is gone for, whatever lies on the way.
            let corner = first_best(&weights[..4]);
            let mut only = [0.0; FourRooms::FEATURES];
            only[corner] = 1.0;
            alone += share(&weights, &|state| learned.action_values(state, &only).unwrap()) / 5.0;
        }
        assert!(improved >= 0.9, "{improved}");
        assert!(alone < improved, "{alone}, {improved}");
    }
}
