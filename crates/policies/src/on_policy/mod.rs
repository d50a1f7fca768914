//! Policies that learn from nothing but what they did themselves since they learned last: `ppo`, `a2c` and `reinforce` are one learner with other numbers.
//!
//! All follow the gradient of the expected return, `E Σ_t ∇ln π(a_t|s_t) A_t` (Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist
//! Reinforcement Learning", 1992; Sutton, McAllester, Singh and Mansour, NeurIPS 1999), with `A` as in [`rollout`]. Numbers are drawn from a normal distribution
//! whose deviations do not depend on what is seen, and cut off at the bounds of the space by whoever takes the action: what is learned from is the number as it
//! was drawn. The factor `γ^t` of the discounted return's gradient is left out, as everyone does.
//!
//! Unlike the papers, networks see numbers in units of their deviation over all that was seen, and values are learned in units of the returns' deviation
//! ([`units`]), so that no setting depends on the world's units. Layers are changed with the units and say the same in them.

mod a2c;
mod graphs;
mod ppo;
mod reinforce;
mod rollout;
#[cfg(test)]
mod tests;
mod units;

use worldwright_core::{
    ActionHead, Array, Call, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result, Rng,
    Rollout as Wanted, SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{Adam, AdamConfig, Feed, Predictor, Runner, Scratch};

pub(crate) use self::a2c::ENTRY as A2C;
pub(crate) use self::ppo::ENTRY as PPO;
pub(crate) use self::reinforce::ENTRY as REINFORCE;

use self::graphs::{Learning, Networks, Weights};
use self::rollout::Rollout;
use self::units::Units;
use crate::PolicyContext;
use crate::acting::Acting;
use crate::judging::Judge;
use crate::moments::Moments;
use crate::taught::{Taught, Teacher};

/// Transitions that a step of the optimiser looks at, at most.
const MOST_BATCH: usize = 1 << 16;
/// As the field has it for these learners: what keeps steps finite where gradients are small.
const EPSILON: f32 = 1e-5;
/// A rollout that went further than so many times the bound on the divergence ends its epochs.
const TOO_FAR: f64 = 1.5;

/// What is climbed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Surrogate {
    /// `ln π(a|s) A`.
    Likelihood,
    /// `min(ρ A, clip(ρ, 1 − ε, 1 + ε) A)` with `ρ = π(a|s) / π_then(a|s)`.
    Clipped(f32),
}

/// What the policies of this kind differ by.
#[derive(Debug, Clone)]
struct Plan {
    who: &'static str,
    hidden: Vec<usize>,
    /// The deviation of numbers at first, as a share of half their range.
    initial_std: f64,
    wanted: Wanted,
    discount: f64,
    lambda: f64,
    epochs: usize,
    /// Transitions a step; 0 for all of a rollout.
    batch: usize,
    /// Whether it learns values.
    has_value: bool,
    weights: Weights,
    /// Whether the advantages of a step are brought to mean zero and deviation one.
    normalises: bool,
    learning_rate: f32,
    /// Updates in which the step size falls to zero; 0 for never.
    decay_updates: u64,
    max_norm: f32,
    /// The divergence from the policy that acted at which an update ends; 0 for none.
    target_kl: f64,
}

const HIDDEN: Parameter = Parameter {
    name: "hidden",
    default: Default::Numbers(&[64.0, 64.0]),
    summary: "widths of the hidden layers of actor and value",
};

const fn rollout_steps(steps: i64, summary: &'static str) -> Parameter {
    Parameter { name: "rollout_steps", default: Default::Integer(steps), summary }
}

const fn learning_rate(rate: f64) -> Parameter {
    Parameter { name: "learning_rate", default: Default::Float(rate), summary: "step size" }
}

const fn lambda(lambda: f64) -> Parameter {
    Parameter {
        name: "lambda",
        default: Default::Float(lambda),
        summary: "how far an advantage trusts what was paid over what was expected: 0 for one step, 1 to the end",
    }
}

const fn entropy(weight: f64) -> Parameter {
    Parameter {
        name: "entropy",
        default: Default::Float(weight),
        summary: "what a nat of entropy is worth, in deviations of advantages",
    }
}

const VALUE_WEIGHT: Parameter = Parameter {
    name: "value_weight",
    default: Default::Float(0.5),
    summary: "weight of the value's squared error beside the policy's gain",
};

const fn normalise(normalises: bool) -> Parameter {
    Parameter {
        name: "normalise",
        default: Default::Bool(normalises),
        summary: "whether the advantages of a step are brought to mean zero and deviation one",
    }
}

const MAX_NORM: Parameter = Parameter {
    name: "max_norm",
    default: Default::Float(0.5),
    summary: "the largest norm that the gradient of a step may have",
};

const DECAY_UPDATES: Parameter = Parameter {
    name: "decay_updates",
    default: Default::Integer(0),
    summary: "updates in which the step size falls evenly to zero; 0 keeps it",
};

const INITIAL_STD: Parameter = Parameter {
    name: "initial_std",
    default: Default::Float(1.0),
    summary: "deviation of numbers before anything is learned, as a share of half their range",
};

/// Reads the settings that all of them have; those that only some have are none.
fn plan(who: &'static str, context: &PolicyContext, settings: &Settings) -> Result<Plan> {
    Ok(Plan {
        who,
        hidden: settings.counts_in("hidden", 1, 1 << 14)?,
        initial_std: settings.float("initial_std", 1e-3, 1e3)?,
        wanted: Wanted { steps: settings.count_in("rollout_steps", 1, 1 << 24)? as u64, whole_episodes: false },
        discount: context.discount,
        lambda: 1.0,
        epochs: 1,
        batch: 0,
        has_value: true,
        weights: Weights {
            surrogate: Surrogate::Likelihood,
            entropy: settings.float("entropy", 0.0, 1e3)? as f32,
            value: 0.0,
            value_clip: 0.0,
        },
        normalises: settings.bool("normalise")?,
        learning_rate: settings.float("learning_rate", 0.0, 1.0)? as f32,
        decay_updates: settings.count("decay_updates", 0)? as u64,
        max_norm: settings.float("max_norm", 1e-6, 1e9)? as f32,
        target_kl: 0.0,
    })
}

/// What only learning needs.
struct Climber {
    plan: Plan,
    networks: Networks,
    learning: Learning,
    runner: Runner,
    adam: Adam,
    likelihood: (Predictor, Scratch),
    expecting: Option<(Predictor, Scratch)>,
    judge: Option<Judge>,
    seen: Moments,
    units: Units,
    updates: u64,
    room: Rollout,
    batch: Batch,
}

/// Room for a step: `[b]` advantages, what values aim at and were, logarithms of ratios, entropies; and what values aim at in a whole rollout.
#[derive(Default)]
struct Batch {
    advantages: Vec<f32>,
    log_ratios: Vec<f32>,
    entropies: Vec<f32>,
    aims: Vec<f32>,
}

fn taught(context: &PolicyContext, plan: Plan) -> Result<Taught<Climber>> {
    let head = ActionHead::new(plan.who, &context.action_space)?;
    let widest = plan.hidden.iter().copied().max().unwrap_or(1).max(context.inputs + head.columns());
    let (steps, depth) = (plan.wanted.steps as usize, plan.hidden.len() as f64);
    let room = if plan.batch == 0 { steps.min(MOST_BATCH) } else { plan.batch };
    cost::memory(&[("rollout_steps", steps)], 40.0 * (steps * (context.inputs + head.columns() + 4)) as f64)?;
    cost::memory(&[("batch", room), ("hidden", widest)], 16.0 * (room * widest) as f64 * (depth + 2.0))?;
    cost::memory(&[("hidden", widest)], 40.0 * (widest * widest) as f64 * (depth + 1.0))?;
    let mut rng = Key::new(context.seed).fold(0x0b5e).rng();
    let shape = (plan.hidden.as_slice(), plan.initial_std, plan.has_value);
    let networks = Networks::new(context.inputs, &head, shape, &mut rng)?;
    let learning = Learning::new(&networks, &plan.weights)?;
    let (acting, action) = networks.acting()?;
    let store = networks.store.clone();
    let predictor = |(graph, node)| -> Result<(Predictor, Scratch)> {
        let predictor = Predictor::new(&graph, &[&store], &[node])?;
        let scratch = predictor.scratch();
        Ok((predictor, scratch))
    };
    let judge = networks.judging()?.map(|(graph, judged)| -> Result<Judge> {
        let mut judge = Judge::new(&graph, &[&store], &judged)?;
        judge.squashes = false;
        Ok(judge)
    });
    let config = AdamConfig {
        learning_rate: plan.learning_rate,
        epsilon: EPSILON,
        max_norm: plan.max_norm,
        ..AdamConfig::default()
    };
    let teacher = Climber {
        runner: Runner::new(learning.graph.clone(), room),
        adam: Adam::new(&store, config),
        likelihood: predictor(networks.likelihood()?)?,
        expecting: networks.expecting()?.map(predictor).transpose()?,
        judge: judge.transpose()?,
        seen: Moments::new(context.inputs),
        units: Units::new(),
        updates: 0,
        room: Rollout::default(),
        batch: Batch::default(),
        learning,
        networks,
        plan,
    };
    let mut acting = Acting::new(teacher.plan.who, (context.inputs, &head), (&acting, action), store)?;
    acting.unbounded = true;
    Ok(Taught { acting, teacher })
}

/// What the steps of an update came to, summed.
#[derive(Default)]
struct Sums {
    steps: usize,
    samples: usize,
    policy_loss: f64,
    value_loss: f64,
    entropy: f64,
    divergence: f64,
    clipped: f64,
}

impl Climber {
    /// Takes a rollout in: what it saw into the scale of what networks see, and how likely and how good its actions were.
    fn take_in(&mut self, acting: &mut Acting, experience: &dyn Experience) -> Result<()> {
        let whole_episodes = !self.plan.has_value;
        self.room.gather(experience, (acting.inputs(), acting.head()), whole_episodes)?;
        let (inputs, begins) = (acting.inputs(), self.seen.is_empty());
        self.seen.include(self.room.len(), |row, d| self.room.seen(row, d));
        let before: Vec<[f64; 2]> = (0..inputs).map(|d| acting.scaling.affine(d)).collect();
        for d in 0..inputs {
            let (mean, std) = self.seen.of(d);
            acting.scaling.set(d, mean, std);
        }
        if !begins {
            // At first the last layers are zero, so that nothing depends on what is seen.
            let now: Vec<[f64; 2]> = (0..inputs).map(|d| acting.scaling.affine(d)).collect();
            self.networks.rescale(acting.actor_mut(), &before, &now)?;
        }
        self.room.scale(&acting.scaling);
        let (predictor, scratch) = &mut self.likelihood;
        predictor.refresh(&[acting.actor()])?;
        let out = &mut [self.room.log_probs.as_mut_slice()];
        predictor.predict(&[&self.room.observations, &self.room.actions], out, scratch)?;
        if let Some((predictor, scratch)) = &mut self.expecting {
            predictor.refresh(&[acting.actor()])?;
            predictor.predict(&[&self.room.observations], &mut [&mut self.room.values], scratch)?;
            predictor.predict(&[&self.room.next_observations], &mut [&mut self.room.next_values], scratch)?;
        }
        let (units, has_value) = (self.units, self.plan.has_value);
        let value = |said: f32| if has_value { units.mean + units.std * f64::from(said) } else { 0.0 };
        self.room.judge((self.plan.discount, self.plan.lambda), value);
        if has_value {
            self.units = units.following(&self.room.returns);
            let [before, now] = [units, self.units].map(|units| [units.mean, units.std]);
            self.networks.convert(acting.actor_mut(), before, now)?;
            let in_units = |number: f64| ((number - now[0]) / now[1]) as f32;
            self.room.values.iter_mut().for_each(|said| *said = in_units(before[0] + before[1] * f64::from(*said)));
            self.batch.aims.clear();
            self.batch.aims.extend(self.room.returns.iter().map(|number| in_units(*number)));
        } else {
            self.batch.aims.clear();
            self.batch.aims.resize(self.room.len(), 0.0);
        }
        Ok(())
    }

    /// A step on some of the chosen transitions, unless the policy went too far already; whether it was made.
    fn step(&mut self, acting: &mut Acting, [first, last]: [usize; 2], sums: &mut Sums) -> Result<bool> {
        let (room, batch, plan) = (&self.room, &mut self.batch, &self.plan);
        let index = &room.chosen[first..last];
        let n = index.len();
        batch.advantages.clear();
        batch.advantages.extend(index.iter().map(|i| room.advantages[*i as usize] as f32));
        if plan.normalises && n > 1 {
            standardise(&mut batch.advantages);
        }
        if n > self.runner.capacity() {
            self.runner = Runner::new(self.learning.graph.clone(), n);
        }
        let gathered = |table| Feed::Gather { table, index };
        let feeds = [
            gathered(&room.observations),
            gathered(&room.actions),
            gathered(&room.log_probs),
            Feed::Shared(&batch.advantages),
            gathered(&batch.aims),
            gathered(&room.values),
        ];
        self.runner.forward_backward(&[acting.actor()], n, &feeds)?;
        batch.log_ratios.resize(n, 0.0);
        batch.entropies.resize(n, 0.0);
        self.runner.read(self.learning.log_ratio, &mut batch.log_ratios)?;
        self.runner.read(self.learning.entropy, &mut batch.entropies)?;
        // An estimate of the divergence that is never negative: Schulman, "Approximating KL Divergence", 2020.
        let divergence = |ratio: &f32| f64::from(*ratio).exp() - 1.0 - f64::from(*ratio);
        let divergence = batch.log_ratios.iter().map(divergence).sum::<f64>() / n as f64;
        if plan.target_kl > 0.0 && divergence > TOO_FAR * plan.target_kl {
            return Ok(false);
        }
        if let Surrogate::Clipped(range) = plan.weights.surrogate {
            sums.clipped += batch.log_ratios.iter().filter(|ratio| (ratio.exp() - 1.0).abs() > range).count() as f64;
        }
        sums.steps += 1;
        sums.samples += n;
        sums.divergence += divergence;
        sums.entropy += batch.entropies.iter().map(|entropy| f64::from(*entropy)).sum::<f64>();
        sums.policy_loss += self.runner.objective(self.learning.policy_loss, 0);
        sums.value_loss += self.learning.value_loss.map_or(0.0, |loss| self.runner.objective(loss, 0));
        acting.learn(&mut self.adam, &self.runner)?;
        Ok(true)
    }

    /// Share of the returns' variance that values foretold.
    fn explained(&self) -> f64 {
        let (room, n) = (&self.room, self.room.len() as f64);
        let variance = |numbers: &dyn Fn(usize) -> f64| {
            let mean = (0..room.len()).map(numbers).sum::<f64>() / n;
            (0..room.len()).map(|i| (numbers(i) - mean) * (numbers(i) - mean)).sum::<f64>() / n
        };
        let (all, left) = (variance(&|i| room.returns[i]), variance(&|i| room.advantages[i]));
        if all > 0.0 { 1.0 - left / all } else { 0.0 }
    }
}

/// Brings numbers to mean zero and deviation one.
fn standardise(numbers: &mut [f32]) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().map(|number| f64::from(*number)).sum::<f64>() / n;
    let square = numbers.iter().map(|number| (f64::from(*number) - mean).powi(2)).sum::<f64>() / n;
    let inverse = 1.0 / (square.sqrt() + 1e-8);
    numbers.iter_mut().for_each(|number| *number = (inverse * (f64::from(*number) - mean)) as f32);
}

impl Learner for Taught<Climber> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        let (acting, climber) = (&mut self.acting, &mut self.teacher);
        let who = climber.plan.who;
        interrupt.check(who)?;
        climber.take_in(acting, experience)?;
        let (plan, updates) = (&climber.plan, climber.updates);
        climber.adam.config.learning_rate = match plan.decay_updates {
            0 => plan.learning_rate,
            all => plan.learning_rate * (1.0 - updates.min(all) as f64 / all as f64) as f32,
        };
        let (count, epochs, batch) = (climber.room.chosen.len(), plan.epochs, plan.batch);
        let parts = count.div_ceil(if batch == 0 { MOST_BATCH } else { batch });
        let mut sums = Sums::default();
        'epochs: for _ in 0..epochs {
            if parts > 1 {
                rng.shuffle(&mut climber.room.chosen);
            }
            // Parts of about one size, so that none of them is mostly noise.
            for part in 0..parts {
                let span = [part, part + 1].map(|part| part * count / parts);
                if !climber.step(acting, span, &mut sums)? {
                    break 'epochs;
                }
            }
        }
        climber.updates += 1;
        interrupt.count(Call::Gradient, sums.steps as u64);
        if let Some(judge) = &mut climber.judge {
            judge.stale = true;
        }
        let (steps, samples) = (sums.steps.max(1) as f64, sums.samples.max(1) as f64);
        let (policy_loss, value_loss) = (sums.policy_loss / steps, sums.value_loss / steps);
        if !(policy_loss.is_finite() && value_loss.is_finite() && acting.actor().is_finite()) {
            let why = format!(
                "the losses of policy and value became {policy_loss} and {value_loss}: try a smaller learning_rate"
            );
            return Err(Error::Diverged { who: who.into(), why });
        }
        let mut told = vec![
            ("policy_loss", policy_loss),
            ("entropy", sums.entropy / samples),
            ("divergence", sums.divergence / steps),
            ("gradient_steps", sums.steps as f64),
        ];
        if climber.plan.has_value {
            told.extend([("value_loss", value_loss), ("explained_variance", climber.explained())]);
        }
        if let Surrogate::Clipped(_) = climber.plan.weights.surrogate {
            told.push(("clipped_share", sums.clipped / samples));
        }
        Ok(told)
    }
}

impl Teacher for Climber {
    fn rollout(&self) -> Option<Wanted> {
        Some(self.plan.wanted)
    }

    fn judges(&self) -> bool {
        self.judge.is_some()
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        let who = self.plan.who;
        let judge = self.judge.as_mut().ok_or_else(|| Error::unsupported(who, "telling values: it learns none"))?;
        judge.refresh(&[acting.actor()])
    }

    fn restore_judge(&mut self, _state: &State) -> Result<()> {
        if let Some(judge) = &mut self.judge {
            judge.stale = true;
        }
        Ok(())
    }

    fn save(&self, state: &mut State) {
        state.put_all("adam", self.adam.save());
        self.seen.save(state);
        self.units.save(state);
        state.put("updates", Array::U64(vec![self.updates]));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_judge(state)?;
        self.adam.restore(&state.part("adam"))?;
        self.seen.restore(state)?;
        self.units.restore(state)?;
        self.updates = state.u64s("updates", 1)?[0];
        Ok(())
    }
}
