//! `td3`: a deterministic actor and two critics, off-policy.
//!
//! The critics regress on `y = r + γ (1 − d) min_i Q̄_i(s', μ̄(s') + ε)` with slow targets Q̄ and μ̄ and a clipped noise `ε`, which keeps the actor from the
//! critics' sharp errors; every few updates the actor climbs `Q_1(s, μ(s))`, and the targets follow (Fujimoto, van Hoof and Meger, "Addressing Function
//! Approximation Error in Actor-Critic Methods", ICML 2018, Algorithm 1). It explores by a normal noise on its actions. An episode that was cut is no end
//! of the task: its last step bootstraps.
//!
//! `td3-bc` is the same for recorded transitions, where nothing shows how wrong critics are of what was not done: its actor minimises
//!
//! ```text
//! −λ Q_1(s, μ(s)) + (μ(s) − a)²,   λ = α / mean |y|
//! ```
//!
//! (Fujimoto and Gu, "A Minimalist Approach to Offline Reinforcement Learning", NeurIPS 2021, equations 3 to 5; the paper divides by the mean of |Q(s, a)|,
//! whose regression y is). With α = 0 it clones. Of choices it minimises their cross-entropy in place of the square.
//!
//! The paper has numbers alone. Of choices the actor says logits: it takes the likeliest, and learns by the straight-through gradient (Jang, Gu and Poole,
//! "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017), which is exact here, for a critic of choices is linear in the one-hot action. The
//! target's noise is Gumbel's on the logits, and it explores by random choices. Unlike the paper, networks see their inputs in units of the deviation of
//! what was experienced, those of `td3` the symmetric logarithm of these, and rewards in units of their root mean square. `td3-bc` sees the plain units, as
//! its paper has it (section 5): all is recorded, so that nothing lies far off, and by the logarithm its critics advise worse.

pub(crate) mod graphs;

use worldwright_core::{
    ActionHead, Call, Entry, Error, Experience, Interrupt, Key, Learner, Metrics, Parameter, Persist, Result, Rng,
    SettingDefault as Default, Settings, State,
};
use worldwright_nn::{Adam, Node, Store};

use self::graphs::{CriticGraph, acting, improvement, judging};
use crate::acting::Acting;
use crate::batch::Transitions;
use crate::critics::Critics;
use crate::draws::{Law, Pass};
use crate::judging::Judge;
use crate::networks::{Networks, Spread};
use crate::options::{self, Ensemble, Options};
use crate::taught::{Taught, Teacher};
use crate::{Build, PolicyContext};

const PARAMETERS: [Parameter; 14] = [
    options::HIDDEN,
    options::BATCH,
    options::LEARNING_RATE,
    options::TARGET_RATE,
    options::RETURN_STEPS,
    options::CRITICS,
    options::TARGET_CRITICS,
    options::LAYER_NORM,
    options::DROPOUT,
    options::RESET_EVERY,
    Parameter {
        name: "policy_delay",
        default: Default::Integer(2),
        summary: "updates of the critics for each of the actor",
    },
    Parameter {
        name: "target_noise",
        default: Default::Float(0.2),
        summary: "deviation of the noise on the actions that targets value, as a share of half their range; of choices the scale of the noise on logits",
    },
    Parameter { name: "target_noise_clip", default: Default::Float(0.5), summary: "bound on that noise of numbers" },
    Parameter {
        name: "exploration_noise",
        default: Default::Float(0.1),
        summary: "deviation of the noise on actions while it explores, as a share of half their range; of choices the chance of a random one",
    },
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "td3",
    summary: "twin delayed deterministic policy gradient: a sure actor that explores by noise, two critics that are told noisy actions",
    source: "Fujimoto, van Hoof and Meger, ICML 2018; Jang et al., ICLR 2017, for choices",
    parameters: &PARAMETERS,
    build: Build::Experience(|context, settings| Ok(Box::new(taught(ENTRY.name, context, settings, None)?))),
};

pub(crate) const ANCHORED: Entry<Build> = Entry {
    name: "td3-bc",
    summary: "td3 whose actor is drawn to what was done: for recorded episodes",
    source: "Fujimoto and Gu, NeurIPS 2021",
    parameters: &{
        let mut all = [ALPHA; PARAMETERS.len() + 1];
        let mut i = 0;
        while i < PARAMETERS.len() {
            all[i + 1] = PARAMETERS[i];
            i += 1;
        }
        all
    },
    build: Build::Experience(|context, settings| {
        let alpha = settings.float(ALPHA.name, 0.0, 1e6)?;
        Ok(Box::new(taught(ANCHORED.name, context, settings, Some(alpha))?))
    }),
};

const ALPHA: Parameter = Parameter {
    name: "alpha",
    default: Default::Float(2.5),
    summary: "how much the critics' advice counts against doing what was done; 0 clones",
};

/// What is saved beside the critics.
const SLOW_ACTOR: &str = "target_actor";
const ADAM: &str = "adam.actor";

/// The critics, and the slow actor.
struct Deterministic {
    name: &'static str,
    /// How much the critics' advice counts, where the actor is drawn to what was done.
    alpha: Option<f64>,
    discount: f64,
    batch: usize,
    /// Rewards that a target adds up before it trusts the critics.
    steps: usize,
    /// Updates after which networks begin anew; 0 never.
    reset_every: u64,
    /// Updates of the critics for each of the actor.
    delay: u64,
    target_rate: f32,
    slow_actor: Store,
    critics: Critics,
    judge: Judge,
    adam: Adam,
    actor_pass: Pass,
    critic_pass: Pass,
    /// What the critics are regressed on.
    goal: Node,
    room: Transitions,
    /// `[B]`: values of that.
    goals: Vec<f32>,
    /// `[B]`: λ.
    weights: Vec<f32>,
}

fn taught(
    name: &'static str,
    context: &PolicyContext,
    settings: &Settings,
    alpha: Option<f64>,
) -> Result<Taught<Deterministic>> {
    let head = ActionHead::new(name, &context.action_space)?;
    let mut options = Options::read(settings, context.inputs, &head, Ensemble::read(settings)?)?;
    options.shape.spread = Spread::None;
    options.shape.logarithmic = alpha.is_none();
    let mut rng = Key::new(context.seed).fold(0x7d3).rng();
    let networks = Networks::new(context.inputs, &head, &options.shape, &mut rng);
    let (actor, critics) = (networks.actor.clone(), Critics::new(&networks, &options));
    let slow_actor = actor.twin();
    let scale = settings.float("target_noise", 0.0, 1e3)? as f32;
    let most = settings.float("target_noise_clip", 0.0, 1e3)? as f32;
    let smoothing = if head.choices() > 0 { Law::Gumbel { scale } } else { Law::Clipped { scale, most } };
    let CriticGraph { graph, draws, goal } = CriticGraph::new(&networks, &slow_actor, &critics, smoothing)?;
    let (climbing, chance) = improvement(&networks, &actor, &critics, alpha.is_some())?;
    let explored = settings.float("exploration_noise", 0.0, if head.choices() > 0 { 1.0 } else { 1e3 })?;
    let (acts, action) = acting(&networks, &actor, explored as f32)?;
    let (judges, judged) = judging(&networks, &actor, &critics)?;
    let batch = options.batch;
    let teacher = Deterministic {
        name,
        alpha,
        discount: context.discount,
        batch,
        steps: options.steps,
        reset_every: options.reset_every,
        delay: settings.count_in("policy_delay", 1, 1 << 20)? as u64,
        target_rate: options.target_rate,
        adam: Adam::new(&actor, options.adam),
        judge: Judge::new(&judges, &[&actor, &critics.store], &judged)?,
        actor_pass: Pass::new(climbing, chance, batch),
        critic_pass: Pass::new(graph, draws, batch),
        goal,
        room: Transitions::default(),
        goals: vec![0.0; batch],
        weights: vec![0.0; batch],
        slow_actor,
        critics,
    };
    let mut acting = Acting::new(name, (context.inputs, &head), (&acts, action), actor)?;
    acting.dithering = (head.choices() > 0).then_some(explored);
    Ok(Taught { acting, teacher })
}

impl Learner for Taught<Deterministic> {
    fn update(&mut self, experience: &dyn Experience, rng: &mut Rng, interrupt: &Interrupt) -> Result<Metrics> {
        interrupt.check(self.teacher.name)?;
        interrupt.count(Call::Gradient, 1);
        let (acting, teacher) = (&mut self.acting, &mut self.teacher);
        let units = acting.scaling.follow(experience, rng)?;
        if units != 1.0 {
            teacher.critics.convert(units as f32)?;
        }
        let (room, critics) = (&mut teacher.room, &mut teacher.critics);
        room.draw(experience, teacher.batch, (&acting.scaling, acting.head()), (teacher.steps, teacher.discount), rng)?;
        if teacher.reset_every > 0 && critics.steps() >= teacher.reset_every {
            critics.begin_anew(rng)?;
            acting.actor_mut().reinitialise(rng);
            teacher.slow_actor.copy_member(acting.actor(), 0, 0)?;
            teacher.adam.reset();
        }
        let worth = acting.scaling.reward();
        room.bound(worth, 0.0);
        let given = [
            &room.observations,
            &room.actions,
            &room.rewards,
            &room.discounts,
            &room.next_observations,
            &room.least,
            &room.most,
        ];
        let stores = [&teacher.slow_actor, &critics.store, &critics.target];
        let loss = teacher.critic_pass.run(&stores, given.map(Vec::as_slice), rng)?;
        teacher.critic_pass.runner().read(teacher.goal, &mut teacher.goals)?;
        critics.learn(&teacher.critic_pass)?;
        let mut climbed = 0.0;
        if critics.steps().is_multiple_of(teacher.delay) {
            interrupt.count(Call::Gradient, 1);
            let stores = [acting.actor(), &critics.store];
            climbed = match teacher.alpha {
                None => teacher.actor_pass.run(&stores, [&room.observations], rng)?,
                Some(alpha) => {
                    let size = teacher.goals.iter().map(|goal| goal.abs()).sum::<f32>() / teacher.goals.len() as f32;
                    teacher.weights.fill(alpha as f32 / size.max(f32::MIN_POSITIVE.sqrt()));
                    teacher.actor_pass.run(&stores, [&room.observations, &room.actions, &teacher.weights], rng)?
                }
            };
            acting.learn(&mut teacher.adam, teacher.actor_pass.runner())?;
            critics.follow()?;
            teacher.slow_actor.follow(acting.actor(), teacher.target_rate)?;
        }
        teacher.judge.stale = true;
        if !(loss.is_finite() && climbed.is_finite()) {
            let why =
                format!("the losses of critics and actor became {loss} and {climbed}: try a smaller learning_rate");
            return Err(Error::Diverged { who: teacher.name.into(), why });
        }
        let goal = teacher.goals.iter().map(|goal| f64::from(*goal)).sum::<f64>() / teacher.goals.len() as f64;
        Ok(vec![("critic_loss", loss), ("value", goal * worth)])
    }
}

impl Teacher for Deterministic {
    fn judges(&self) -> bool {
        true
    }

    fn critics(&self) -> usize {
        self.critics.ensemble.critics
    }

    fn judge(&mut self, acting: &Acting) -> Result<&mut Judge> {
        self.judge.refresh(&[acting.actor(), &self.critics.store])
    }

    fn save_judge(&self, state: &mut State) {
        self.critics.save_judge(state);
    }

    fn restore_judge(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.critics.restore_judge(state).map(|_| ())
    }

    fn save(&self, state: &mut State) {
        self.critics.save(state);
        self.room.returns.save(state);
        state.put_all(SLOW_ACTOR, self.slow_actor.save());
        state.put_all(ADAM, self.adam.save());
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.judge.stale = true;
        self.critics.restore(state)?;
        self.room.returns.restore(state)?;
        self.slow_actor.restore(&state.part(SLOW_ACTOR))?;
        self.adam.restore(&state.part(ADAM))
    }
}
