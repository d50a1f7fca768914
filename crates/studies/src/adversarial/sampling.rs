//! Which tasks a model learns from: any, or those that it is the worst at.
//!
//! A round is a number of episodes in the world, after which the model learns anew; each episode is a task, whose best plan in the model is carried out. Drawn evenly, tasks are any. The adversary looks
//! for the task whose plan promises the most over what it gives: it tries some near the worst that it remembers and some anywhere, and ascends from the worst. Along a number of the task the promise moves by
//! `∂V̂/∂ψ` (the envelope theorem), and what is given by `∂V/∂ψ` and by the plan that follows; this last part is measured by an episode of the plan that is moved along `dθ/dψ`. Every such
//! episode counts and is learned from. The world's best return is not known while one learns; the promise stands for it, where Lin et al. (NeurIPS 2020) learn a policy in the world.

use worldwright_core::{Interrupt, Result, Rng};
use worldwright_numerics::dense::dot;

use super::disc::{Model, PLAN, Place, World, anywhere};
use super::implicit::{Returns, best, sensitivity};

/// Tasks that the adversary tries in a round, before an ascent of three episodes; and episodes of a round.
const TRIED: usize = 7;
pub(super) const ROUND: usize = TRIED + 3;
// The numbers here, the wind and its noise were chosen by trial so that the adversary does well, in part on the discs of seed 0.
/// Worst tasks that are remembered, how far from them it tries again, and what a round leaves of what they lacked: the model has learned since.
const KEPT: usize = 3;
const NEAR: f64 = 0.15;
const FADES: f64 = 0.8;
/// By how far a task moves along which what is given is measured, and how far an ascent goes.
const MOVED: f64 = 0.1;
const FAR: f64 = 0.15;

/// A task with its plan, what that promises and what it gave.
struct Tried {
    task: Place,
    plan: Vec<f64>,
    promised: f64,
    given: f64,
}

impl Tried {
    fn regret(&self) -> f64 {
        self.promised - self.given
    }
}

/// Chooses the tasks that a model learns from in a world.
pub(super) struct Learner {
    pub(super) model: Model,
    /// The worst tasks that are known, with what they lacked when they were last tried.
    known: Vec<(Place, f64)>,
    adverse: bool,
}

/// The nearest task on the disc.
fn on_disc(task: Place) -> Place {
    let far = dot(&task, &task).sqrt().max(1.0);
    task.map(|x| x / far)
}

impl Learner {
    /// One that looks for its worst tasks, or one that draws tasks evenly.
    pub(super) fn new(adverse: bool) -> Self {
        Self { model: Model::new(), known: Vec::new(), adverse }
    }

    /// The worst task that it knows of.
    pub(super) fn worst(&self) -> Option<&Place> {
        self.known.first().map(|(task, _)| task)
    }

    fn attempt(&mut self, world: &World, task: Place, rng: &mut Rng) -> Tried {
        let (plan, promised) = best(&self.model, vec![0.0; PLAN], &task);
        let (seen, given) = world.act(&plan, &task, rng);
        self.model.see(&seen);
        Tried { task, plan, promised, given }
    }

    /// A round of episodes, after which the model has learned.
    ///
    /// # Errors
    /// [`Error::Diverged`](worldwright_core::Error::Diverged) for numbers that are not finite.
    pub(super) fn round(&mut self, world: &World, rng: &mut Rng) -> Result<()> {
        if !self.adverse {
            (0..ROUND).for_each(|_| drop(self.attempt(world, anywhere(rng), rng)));
            return self.model.learn();
        }
        let near = |task: Place, rng: &mut Rng| on_disc(task.map(|x| x + NEAR * rng.normal()));
        let mut tried: Vec<Tried> = Vec::with_capacity(TRIED + 1);
        for k in 0..TRIED {
            let task = match self.known.get(k) {
                Some((task, _)) => near(*task, rng),
                None => anywhere(rng),
            };
            tried.push(self.attempt(world, task, rng));
        }
        if let Some(from) = tried.iter().max_by(|a, b| a.regret().total_cmp(&b.regret())) {
            let slope = self.slope(world, from, rng);
            let size = dot(&slope, &slope).sqrt().max(f64::MIN_POSITIVE);
            let to = on_disc([0, 1].map(|i| from.task[i] + FAR * slope[i] / size));
            tried.push(self.attempt(world, to, rng));
        }
        self.known.iter_mut().for_each(|(_, regret)| *regret *= FADES);
        self.known.extend(tried.iter().map(|tried| (tried.task, tried.regret())));
        self.known.sort_by(|a, b| b.1.total_cmp(&a.1));
        self.known.truncate(KEPT);
        self.model.learn()
    }

    /// How the regret moves with the task; measured by an episode a number of the task.
    fn slope(&mut self, world: &World, from: &Tried, rng: &mut Rng) -> Place {
        let (mut by_plan, mut by_task) = (vec![0.0; PLAN], [0.0; 2]);
        self.model.value(&from.plan, &from.task, &mut by_plan, &mut by_task);
        let followed = sensitivity(&self.model, &from.plan, &from.task);
        [0, 1].map(|i| {
            let plan: Vec<f64> = from.plan.iter().zip(&followed[i]).map(|(u, d)| u + MOVED * d).collect();
            let mut task = from.task;
            task[i] += MOVED;
            // Plan and task move at once, so that the same episode measures both parts of what is given.
            let (seen, given) = world.act(&plan, &task, rng);
            self.model.see(&seen);
            by_task[i] - (given - from.given) / MOVED
        })
    }
}

/// Returns of the model's plans in the world, noise apart, over tasks: the least, and their mean. A return that is not finite is the least, and the mean too.
///
/// # Errors
/// [`Error::Interrupted`](worldwright_core::Error::Interrupted).
pub(super) fn judge(model: &Model, world: &World, tasks: &[Place], interrupt: &Interrupt) -> Result<[f64; 2]> {
    let (mut least, mut total) = (f64::INFINITY, 0.0);
    for task in tasks {
        interrupt.check("the study")?;
        let given = world.worth(&best(model, vec![0.0; PLAN], task).0, task);
        least = worse(least, given);
        total += given;
    }
    Ok([least, total / tasks.len() as f64])
}

/// The worse of two returns; one that is not a number comes from what failed.
pub(super) fn worse(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NEG_INFINITY } else { one.min(other) }
}

#[cfg(test)]
mod tests {
    use super::super::disc::spread;
    use super::*;

    #[test]
    fn the_adversary_comes_to_where_the_model_is_wrong_and_helps_its_worst_task() {
        let (places, seeds) = (spread(30), 6);
        let (mut away, mut gained) = (0.0, 0.0);
        for seed in 0..seeds {
            let rng = &mut Rng::new(seed);
            let (world, mut learner) = (World::draw(rng), Learner::new(true));
            let [before, _] = judge(&learner.model, &world, &places, &Interrupt::never()).unwrap();
            (0..10).for_each(|_| learner.round(&world, rng).unwrap());
            let [after, _] = judge(&learner.model, &world, &places, &Interrupt::never()).unwrap();
            away += world.distance(learner.worst().unwrap()) / seeds as f64;
            gained += (after - before) / seeds as f64;
        }
        // A place drawn evenly is more than one away on average.
        assert!(away < 0.7 && gained > 0.2, "{away} {gained}");
    }
}
