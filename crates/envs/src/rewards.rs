//! Known rewards of environments that run in Python, as functions of flat observations and actions.
//!
//! Where the observation shows all that the reward reads, the function is exact. Running tasks reward the mean forward speed
//! over a step, of which the observation shows only the value at its end; taking that instead is what PETS (Chua et al. 2018)
//! and MBPO (Janner et al. 2019) do, and [`KnownReward::exact`] says so. Constants are those of Gymnasium 1.x (MuJoCo, v5) and
//! dm_control 1.0.

use std::sync::Arc;

use worldwright_core::{Result, RewardFunction, Settings, Transitions};

use crate::world::Outcome;
use crate::{ALIASES, ALL, Made};
use worldwright_numerics::trig::sin_cos;

/// A reward that is known for an environment in Python.
#[derive(Debug, Clone, Copy)]
pub struct KnownReward {
    /// The environment's identifier: `gym:HalfCheetah-v5` ….
    pub id: &'static str,
    /// The formula in one line, observations by number.
    pub summary: &'static str,
    /// Whether it gives the environment's own reward, not a near one.
    pub exact: bool,
    /// Numbers in an observation and in an action.
    pub dims: [usize; 2],
    terminates: bool,
    judge: fn(&[f64], &[f64]) -> Outcome,
}

/// The list, besides the identifiers that native environments reimplement.
pub const KNOWN: &[KnownReward] = &[
    KnownReward {
        id: "gym:InvertedPendulum-v5",
        summary: "1 while |theta| <= 0.2 (o1); ends beyond",
        exact: true,
        dims: [4, 1],
        terminates: true,
        judge: |o, _| {
            let terminated = o[1].abs() > 0.2;
            Outcome { reward: if terminated { 0.0 } else { 1.0 }, terminated }
        },
    },
    KnownReward {
        id: "gym:HalfCheetah-v5",
        summary: "forward speed at the end of the step (o8) - 0.1 |a|^2",
        exact: false,
        dims: [17, 6],
        terminates: false,
        judge: |o, a| Outcome::on(o[8] - 0.1 * squares(a)),
    },
    KnownReward {
        id: "gym:Hopper-v5",
        summary: "forward speed at the end of the step (o5) + 1 while healthy - 0.001 |a|^2; ends when fallen",
        exact: false,
        dims: [11, 3],
        terminates: true,
        judge: |o, a| {
            let healthy = o[0] > 0.7 && o[1].abs() < 0.2 && o[2..].iter().all(|x| x.abs() < 100.0);
            walking(o[5], healthy, a)
        },
    },
    KnownReward {
        id: "gym:Walker2d-v5",
        summary: "forward speed at the end of the step (o8) + 1 while healthy - 0.001 |a|^2; ends when fallen",
        exact: false,
        dims: [17, 6],
        terminates: true,
        judge: |o, a| walking(o[8], o[0] > 0.8 && o[0] < 2.0 && o[1].abs() < 1.0, a),
    },
    KnownReward {
        id: "gym:Swimmer-v5",
        summary: "forward speed at the end of the step (o3) - 0.0001 |a|^2",
        exact: false,
        dims: [8, 2],
        terminates: false,
        judge: |o, a| Outcome::on(o[3] - 1e-4 * squares(a)),
    },
    KnownReward {
        id: "gym:Reacher-v5",
        summary: "-|fingertip - target| (o8, o9) - |a|^2",
        exact: true,
        dims: [10, 2],
        terminates: false,
        judge: |o, a| Outcome::on(-o[8].hypot(o[9]) - squares(a)),
    },
    KnownReward {
        id: "gym:Pusher-v5",
        summary: "-|object - goal| - 0.5 |object - fingertip| - 0.1 |a|^2 (o14 to o22)",
        exact: true,
        dims: [23, 7],
        terminates: false,
        judge: |o, a| {
            let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            let (tip, object, goal) = (&o[14..17], &o[17..20], &o[20..23]);
            Outcome::on(-apart(object, goal) - 0.5 * apart(object, tip) - 0.1 * squares(a))
        },
    },
    KnownReward {
        id: "dmc:cheetah-run",
        summary: "a tenth of the centre of mass's forward speed (o1 to o16), within [0, 1]",
        exact: true,
        dims: [17, 6],
        terminates: false,
        judge: |o, _| Outcome::on((cheetah_speed(o) / 10.0).clamp(0.0, 1.0)),
    },
];

/// Environments in Python whose native twin has the same observations and reward, besides [`ALIASES`] under `gym:`.
const TWINS: &[(&str, &str)] = &[
    ("dmc:pendulum-swingup", "dmc-pendulum-swingup"),
    ("dmc:cartpole-swingup", "dmc-cartpole-swingup"),
    ("dmc:cartpole-balance", "dmc-cartpole-swingup"),
];

/// The known reward of the Python environment `id`, whose flat observations and actions have these dimensions; `None` where
/// none is known, or where the dimensions tell that the environment was changed.
pub fn known_reward(id: &str, observation_dim: usize, action_dim: usize) -> Option<Arc<dyn RewardFunction>> {
    if let Some(known) = KNOWN.iter().find(|known| known.id == id) {
        return (known.dims == [observation_dim, action_dim]).then(|| Arc::new(*known) as Arc<dyn RewardFunction>);
    }
    let gym = id.strip_prefix("gym:").and_then(|name| ALIASES.iter().find(|(alias, _)| *alias == name));
    let (_, native) = gym.or_else(|| TWINS.iter().find(|(twin, _)| *twin == id))?;
    let entry = ALL.iter().find(|entry| entry.name == *native)?;
    let defaults = Settings::resolve(entry.name, entry.parameters, &Default::default());
    let Made { environment, reward, .. } =
        defaults.and_then(|settings| -> Result<Made> { (entry.build)(&settings) }).ok()?;
    let dims = (environment.observation_space().flat_dim(), environment.action_space().flat_dim());
    reward.filter(|_| dims == (observation_dim, action_dim))
}

fn squares(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum()
}

fn walking(speed: f64, healthy: bool, action: &[f64]) -> Outcome {
    let alive = if healthy { 1.0 } else { 0.0 };
    Outcome { reward: speed + alive - 1e-3 * squares(action), terminated: !healthy }
}

/// The links of dm_control's cheetah: the link before it, and the mass that hangs on it, seen from its joint in its own frame,
/// times its place, over the whole mass (across and up, m). Torso, then hind thigh, shin and foot, then fore.
const CHEETAH: [(usize, [f64; 2]); 7] = [
    (0, [0.042_928_870_292_887_035, 0.011_338_912_133_891_212]),
    (0, [0.041_686_192_468_619_244, -0.062_240_585_774_058_575]),
    (1, [-0.037_782_426_778_242_67, -0.018_891_213_389_121_336]),
    (2, [0.002_347_280_334_728_033_3, -0.007_589_539_748_953_975]),
    (0, [-0.028_043_933_054_393_31, -0.048_075_313_807_531_38]),
    (4, [0.013_788_702_928_870_293, -0.019_092_050_209_205_02]),
    (5, [0.002_843_096_234_309_623, -0.004_422_594_142_259_414_5]),
];

/// Forward speed of the cheetah's centre of mass: the root's, and of each link its turning speed across its weight.
/// Observation: height, turn and six joint angles, then the speeds of root (two), turn and joints.
fn cheetah_speed(o: &[f64]) -> f64 {
    let (mut angles, mut speeds) = ([0.0; 7], [0.0; 7]);
    let mut speed = o[8];
    for (i, (parent, [across, up])) in CHEETAH.iter().enumerate() {
        let (base, base_speed) = if i == 0 { (0.0, 0.0) } else { (angles[*parent], speeds[*parent]) };
        angles[i] = base + o[1 + i];
        speeds[i] = base_speed + o[10 + i];
        let (sin, cos) = sin_cos(angles[i]);
        speed += speeds[i] * (up * cos - across * sin);
    }
    speed
}

/// Longest observation or action in [`KNOWN`].
const MAX_DIM: usize = 32;

impl RewardFunction for KnownReward {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let worldwright_core::Actions::Continuous(actions) = transitions.actions else {
            unreachable!("every environment of the list has a box of actions, and so have its batches")
        };
        let [n, m] = self.dims;
        let (mut after, mut action) = ([0.0; MAX_DIM], [0.0; MAX_DIM]);
        for row in 0..transitions.next_observations.rows() {
            transitions.next_observations.copy_row(row, &mut after[..n]);
            actions.copy_row(row, &mut action[..m]);
            let outcome = (self.judge)(&after[..n], &action[..m]);
            reward[row] = outcome.reward;
            terminated[row] = outcome.terminated;
        }
    }

    fn terminates(&self) -> bool {
        self.terminates
    }
}
