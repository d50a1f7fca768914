//! `dqn`: the value of every choice by a network, off-policy; and `treeqn`, where a [tree] stands within that network.
//!
//! It regresses `Q(s, a)` on `y = r + γ (1 − d) Q̄(s', argmax_a' Q(s', a'))` with slow values Q̄ (Mnih et al., "Human-level control through deep
//! reinforcement learning", Nature 2015), where the values that learn choose what the slow ones are asked for, so that an error is not chosen for being
//! large (van Hasselt, Guez and Silver, "Deep Reinforcement Learning with Double Q-learning", AAAI 2016). It takes the best choice, and explores by
//! random ones, ever fewer. Targets may add up several rewards, values may be told as that of a place and advantages of choices (see
//! [`Shape`](crate::networks::Shape)), and transitions may be drawn by their error (Schaul, Quan, Antonoglou and Silver, "Prioritized Experience Replay",
//! ICLR 2016) with importance weights `(N P)^−β`. An episode that was cut is no end of the task: its last step bootstraps.
//!
//! Unlike the papers, slow values follow at every update in place of being copied every few thousand, networks see their inputs in units of the deviation of
//! what was experienced, and of these the symmetric logarithm, and rewards in units of their root mean square, in place of clipping either.

mod graphs;
mod tree;

use worldwright_core::{
    ActionHead, Call, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Priorities,
    Result, Rng, SettingDefault as Default, Settings, State, cost,
};
use worldwright_nn::{Adam, Node, Store};

use self::graphs::{Network, Regression, acting, judging};
use self::tree::{Growth, Tree};
use crate::acting::Acting;
use crate::batch::Transitions;
use crate::draws::{Draws, Pass};
use crate::judging::Judge;
use crate::networks::Networks;
use crate::options::{self, Ensemble, Options};
use crate::taught::{Taught, Teacher};
use crate::{Build, LearnedPolicy, PolicyContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "dqn",
    summary: "deep Q-network: the value of every choice, double and duelling, of which it takes the best; for choices alone",
    source: "Mnih et al., Nature 2015; van Hasselt et al., AAAI 2016; Wang et al., ICML 2016; Schaul et al., ICLR 2016",
    parameters: &[
        Parameter { default: Default::Numbers(&[128.0, 128.0]), ..options::HIDDEN },
        options::BATCH,
        Parameter { default: Default::Float(5e-4), ..options::LEARNING_RATE },
        Parameter { default: Default::Float(0.01), ..options::TARGET_RATE },
        Parameter { default: Default::Integer(3), ..options::RETURN_STEPS },
        options::LAYER_NORM,
        options::RESET_EVERY,
        DOUBLE,
        Parameter {
            name: "duelling",
            default: Default::Bool(true),
            summary: "whether values are those of a place and advantages of choices",
        },
        EXPLORATION[0],
        EXPLORATION[1],
        EXPLORATION[2],
        PRIORITY,
        IMPORTANCE,
    ],
    build: Build::Experience(build),
};

pub(crate) const TREE: Entry<Build> = Entry {
    name: "treeqn",
    summary: "values by a tree of imagined states within the network, learned like those of dqn; for choices alone",
    source: "Farquhar, Rocktäschel, Igl and Whiteson, ICLR 2018",
    parameters: &[
        Parameter {
            name: "hidden",
            default: Default::Numbers(&[128.0, 64.0]),
            summary: "widths of the layers that make the first state; the last is that of states",
        },
        options::BATCH,
        Parameter { default: Default::Float(5e-4), ..options::LEARNING_RATE },
        Parameter { default: Default::Float(0.01), ..options::TARGET_RATE },
        options::RETURN_STEPS,
        options::LAYER_NORM,
        options::RESET_EVERY,
        DOUBLE,
        Parameter { name: "depth", default: Default::Integer(2), summary: "steps that the tree looks ahead" },
        Parameter {
            name: "mix",
            default: Default::Float(0.8),
            summary: "how much what is backed up counts within the tree beside a state's own value, from 0 to 1",
        },
        Parameter {
            name: "reward_share",
            default: Default::Float(1.0),
            summary: "how much the rewards that the tree tells count beside values in what is learned; with return_steps = 1 alone",
        },
        EXPLORATION[0],
        EXPLORATION[1],
        EXPLORATION[2],
        PRIORITY,
        IMPORTANCE,
    ],
    build: Build::Experience(build_tree),
};

const DOUBLE: Parameter = Parameter {
    name: "double",
    default: Default::Bool(true),
    summary: "whether the values that learn choose what the slow ones are asked for; else the slow ones choose, and hope too much",
};
const EXPLORATION: [Parameter; 3] = [
    Parameter {
        name: "exploration_start",
        default: Default::Float(1.0),
        summary: "chance of a random choice at first",
    },
    Parameter {
        name: "exploration_end",
        default: Default::Float(0.05),
        summary: "chance of a random choice in the end",
    },
    Parameter {
        name: "exploration_steps",
        default: Default::Integer(5000),
        summary: "environment steps over which it falls from the one to the other",
    },
];
const PRIORITY: Parameter = Parameter {
    name: "priority",
    default: Default::Float(0.0),
    summary: "how strongly the error of a transition counts for how often it is drawn: from 0, not at all, to 1, in proportion",
};
const IMPORTANCE: Parameter = Parameter {
    name: "importance",
    default: Default::Float(0.5),
    summary: "how much of the bias of drawing by error is taken out again by weights: from 0, none, to 1, all of it",
};

/// The most states that a tree imagines of one.
const MOST_STATES: usize = 4096;

/// What is saved beside the values.
const TARGET: &str = "target";
const ADAM: &str = "adam";
const PRIORITIES: &str = "priorities";

/// Added to each error, so that no transition is forgotten; in units of the size of rewards.
const LEAST_PRIORITY: f64 = 1e-3;

fn build(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    let (head, mut options, mut rng) = read(ENTRY.name, context, settings)?;
    options.shape.duels = settings.bool("duelling")?;
    let network = Network::Plain(Networks::new(context.inputs, &head, &options.shape, &mut rng));
    Ok(Box::new(taught(ENTRY.name, (context, settings), (&head, &options), &network)?))
}

fn build_tree(context: &PolicyContext, settings: &Settings) -> Result<Box<dyn LearnedPolicy>> {
    let (head, options, mut rng) = read(TREE.name, context, settings)?;
    let (depth, share) = (settings.count_in("depth", 1, 16)?, settings.float("reward_share", 0.0, 1e6)?);
    let states = (1..=depth as u32).try_fold(0_usize, |all, step| all.checked_add(head.choices().checked_pow(step)?));
    let Some(states) = states.filter(|states| *states <= MOST_STATES) else {
        let why = format!("a tree of {depth} steps over {} choices has more than {MOST_STATES} states", head.choices());
        return Err(Error::config("depth", why));
    };
    if share > 0.0 && options.steps > 1 {
        let why = format!("rewards are told one by one: set return_steps = 1 or reward_share = 0, not {share}");
        return Err(Error::config("reward_share", why));
    }
    let hidden = &options.shape.hidden;
    let widest = hidden.iter().copied().max().unwrap_or(1).max(context.inputs);
    cost::memory(&[("batch", options.batch), ("depth", depth)], 40.0 * (options.batch * widest * states) as f64)?;
    // A matrix a choice, with its slow copy, its gradient and the two moments of its step.
    let (state, choices) = (hidden.last().copied().unwrap_or(1), head.choices());
    cost::memory(&[("hidden", state)], 20.0 * choices as f64 * (state as f64).powi(2))?;
    let growth = Growth { depth, mix: settings.float("mix", 0.0, 1.0)? as f32, discount: context.discount as f32 };
    let tree = Tree::new((context.inputs, head.choices()), (hidden, options.shape.critic_norm), growth, &mut rng);
    let network = Network::Tree(tree, share as f32);
    Ok(Box::new(taught(TREE.name, (context, settings), (&head, &options), &network)?))
}

/// What actions are, what was chosen, and what networks are drawn from. `name` is that of who asks.
fn read(name: &'static str, context: &PolicyContext, settings: &Settings) -> Result<(ActionHead, Options, Rng)> {
    let head = ActionHead::new(name, &context.action_space)?;
    if head.choices() == 0 {
        let what = "actions that are numbers: it values every choice, and of these there is no end; choose td3 or sac";
        return Err(Error::unsupported(name, what));
    }
    let options = Options::read(settings, context.inputs, &head, Ensemble::ONE)?;
    Ok((head, options, Key::new(context.seed).fold(0xd91).rng()))
}

/// What the chance of a random choice is over the steps that were taken.
struct Schedule {
    start: f64,
    end: f64,
    steps: u64,
}

impl Schedule {
    fn at(&self, taken: u64) -> f64 {
        let share = if taken >= self.steps { 1.0 } else { taken as f64 / self.steps as f64 };
        self.start + share * (self.end - self.start)
    }
}

/// The slow values, and how transitions are drawn.
struct Values {
    name: &'static str,
    discount: f64,
    batch: usize,
    /// Rewards that a target adds up before it trusts the values.
    steps: usize,
    target_rate: f32,
    /// Updates after which networks begin anew; 0 never.
    reset_every: u64,
    /// Hidden layers.
    layers: usize,
    exploring: Schedule,
    /// None where all transitions are equally likely; with the exponent of the weights.
    priorities: Option<(Priorities, f64)>,
    target: Store,
    adam: Adam,
    judge: Judge,
    pass: Pass,
    goal: Node,
    error: Node,
    room: Transitions,
    /// `[B]`: what was regressed on, and the squared errors; and their roots, by which transitions are drawn.
    goals: Vec<f32>,
    errors: Vec<f32>,
    priority: Vec<f64>,
}

fn taught(
    name: &'static str,
    (context, settings): (&PolicyContext, &Settings),
    (head, options): (&ActionHead, &Options),
    network: &Network,
) -> Result<Taught<Values>> {
    let values = network.store().clone();
    let target = values.twin();
    let Regression { graph, goal, error } = Regression::new(network, &values, &target, settings.bool("double")?)?;
    let (acts, logits) = acting(network, &values)?;
    let (judges, judged) = judging(network, &values)?;
    let chance = |name| settings.float(name, 0.0, 1.0);
    let exploring = Schedule {
        start: chance("exploration_start")?,
        end: chance("exploration_end")?,
        steps: settings.count("exploration_steps", 0)? as u64,
    };
    let priorities = match (chance("priority")?, chance("importance")?) {
        (0.0, _) => None,
        (alpha, beta) => Some((Priorities::new(alpha, LEAST_PRIORITY)?, beta)),
    };
    let (batch, start) = (options.batch, exploring.start);
    let teacher = Values {
        name,
        discount: context.discount,
        batch,
        steps: options.steps,
        target_rate: options.target_rate,
        reset_every: options.reset_every,
        layers: options.shape.hidden.len(),
        exploring,
        priorities,
        adam: Adam::new(&values, options.adam),
        judge: Judge::new(&judges, &[&values], &judged)?,
        pass: Pass::new(graph, Draws::default(), batch),
        goal,
        error,
        room: Transitions::default(),
        goals: vec![0.0; batch],
        errors: vec![0.0; batch],
        priority: vec![0.0; batch],
        target,
    };
    let mut acting = Acting::new(name, (context.inputs, head), (&acts, logits), values)?;
    acting.dithering = Some(start);
    Ok(Taught { acting, teacher })
}

impl Learner for Taught<Values> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(self.teacher.name)?;
        interrupt.count(Call::Gradient, 1);
        let (acting, values) = (&mut self.acting, &mut self.teacher);
        let units = acting.scaling.follow(experience, rng)?;
        if units != 1.0 {
            Networks::convert(acting.actor_mut(), (1, values.layers), units as f32)?;
            Networks::convert(&mut values.target, (1, values.layers), units as f32)?;
        }
        let (room, over) = (&mut values.room, (values.steps, values.discount));
        let seen_by = (&acting.scaling, acting.head());
        match &mut values.priorities {
            None => room.draw(experience, values.batch, seen_by, over, rng)?,
            Some(by) => room.draw_by((&mut by.0, by.1), experience, values.batch, seen_by, over, rng)?,
        }
        if values.reset_every > 0 && values.adam.steps() >= values.reset_every {
            acting.actor_mut().reinitialise(rng);
            values.target.copy_member(acting.actor(), 0, 0)?;
            values.adam.reset();
        }
        let worth = acting.scaling.reward();
        room.bound(worth, 0.0);
        let given = [
            &room.observations,
            &room.actions,
            &room.rewards,
            &room.discounts,
            &room.next_observations,
            &room.weights,
            &room.least,
            &room.most,
        ];
        let loss = values.pass.run(&[acting.actor(), &values.target], given.map(Vec::as_slice), rng)?;
        values.pass.runner().read(values.goal, &mut values.goals)?;
        if let Some((priorities, _)) = &mut values.priorities {
            values.pass.runner().read(values.error, &mut values.errors)?;
            let errors = values.priority.iter_mut().zip(&values.errors);
            errors.for_each(|(slot, error)| *slot = f64::from(*error).sqrt());
            if loss.is_finite() {
                priorities.update(experience, room.transitions(), &values.priority)?;
            }
        }
        acting.learn(&mut values.adam, values.pass.runner())?;
        values.target.follow(acting.actor(), values.target_rate)?;
        let chance = values.exploring.at(experience.taken());
        acting.dithering = Some(chance);
        values.judge.stale = true;
        if !loss.is_finite() {
            let why = format!("its loss became {loss}: try a smaller learning_rate");
            return Err(Error::Diverged { who: values.name.into(), why });
        }
        let goal = values.goals.iter().map(|goal| f64::from(*goal)).sum::<f64>() / values.goals.len() as f64;
        Ok(vec![("value_loss", loss), ("value", goal * worth), ("exploration", chance)])
    }
}

impl Teacher for Values {
    fn judges(&self) -> bool {
        true
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        self.judge.refresh(&[acting.actor()])
    }

    fn restore_judge(&mut self, _state: &State) -> Result<()> {
        // It judges by what it acts by.
        self.judge.stale = true;
        Ok(())
    }

    fn save(&self, state: &mut State) {
        self.room.returns.save(state);
        state.put_all(TARGET, self.target.save());
        state.put_all(ADAM, self.adam.save());
        if let Some((priorities, _)) = &self.priorities {
            state.put_all(PRIORITIES, priorities.save());
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.room.returns.restore(state)?;
        self.target.restore(&state.part(TARGET))?;
        self.adam.restore(&state.part(ADAM))?;
        match &mut self.priorities {
            Some((priorities, _)) => priorities.restore(&state.part(PRIORITIES)),
            None => Ok(()),
        }
    }
}
