//! What keeps critics from hoping for what nobody did: conservative Q-learning.
//!
//! Beside their regression, critics minimise
//!
//! ```text
//! α (ln Σ_a exp Q_i(s, a) − Q_i(s, a_recorded))
//! ```
//!
//! so that values under the policy lie below the truth, and those of actions that were never recorded fall until the rest of the sum outweighs them (Kumar,
//! Zhou, Tucker and Levine, "Conservative Q-Learning for Offline Reinforcement Learning", NeurIPS 2020, equation 4 and appendix F). With one place and shares
//! `m` of recorded choices that pay `r` they come to `Q(a) = r(a) − α (softmax(Q)(a) / m(a) − 1)`. Choices are summed over. Of numbers the sum is estimated
//! by draws, a third each uniform, of the policy here and of the policy where the step led, each over its density.
//!
//! Unlike the authors' code, α is a number in units of the size of rewards: no second loop moves it.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};
use worldwright_nn::{Graph, Node};

use super::{PARAMETERS, taught};
use crate::Build;
use crate::draws::{Draws, Law};
use crate::networks::{Networks, Said};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "cql",
    summary: "soft actor-critic whose critics expect little of what was not done: for recorded episodes",
    source: "Kumar, Zhou, Tucker and Levine, NeurIPS 2020",
    parameters: &{
        let mut all = [SAMPLES; PARAMETERS.len() + 2];
        all[0] = CONSERVATISM;
        let mut i = 0;
        while i < PARAMETERS.len() {
            all[i + 2] = PARAMETERS[i];
            i += 1;
        }
        all
    },
    build: Build::Experience(|context, settings| {
        let conservatism = Conservatism::read(settings)?;
        Ok(Box::new(taught(ENTRY.name, context, settings, Some(conservatism))?))
    }),
};

const CONSERVATISM: Parameter = Parameter {
    name: "conservatism",
    default: Default::Float(2.0),
    summary: "how much values of what was not done are pressed below those of what was, in units of the size of rewards",
};
const SAMPLES: Parameter = Parameter {
    name: "samples",
    default: Default::Integer(4),
    summary: "actions of numbers that are drawn of each kind, at random and of the policy at both ends of a step",
};

/// How conservative critics are.
pub(super) struct Conservatism {
    /// α.
    pub(super) weight: f32,
    samples: usize,
}

impl Conservatism {
    fn read(settings: &Settings) -> Result<Self> {
        let weight = settings.float(CONSERVATISM.name, 0.0, 1e6)? as f32;
        Ok(Self { weight, samples: settings.count_in(SAMPLES.name, 1, 16)? })
    }

    /// What each critic hopes for beyond what was done, in one column. The actor is bound frozen, the critics to learn.
    pub(super) fn excess(
        &self,
        networks: &Networks,
        (g, draws): (&mut Graph, &mut Draws),
        (seen, taken): (Node, Node),
        said: [&Said; 2],
    ) -> Result<Vec<Node>> {
        let held = networks.judge_taken(g, None, seen, taken)?;
        let hoped = if networks.choices > 0 {
            networks.judge(g, None, seen, None)?
        } else {
            self.drawn(networks, (g, draws), seen, said)?
        };
        let excess = |(all, held): (Node, Node)| {
            // ln Σ exp x is any of x less its logarithm of the softmax.
            let columns = g.shape(all).cols;
            let log_shares = g.log_softmax(all, columns)?;
            let (first, log_share) = (g.slice(all, 0, 1)?, g.slice(log_shares, 0, 1)?);
            let hoped = g.sub(first, log_share)?;
            g.sub(hoped, held)
        };
        hoped.into_iter().zip(held).map(excess).collect()
    }

    /// Values of drawn actions over their densities and how many there are, a column each, for each critic.
    fn drawn(
        &self,
        networks: &Networks,
        (g, draws): (&mut Graph, &mut Draws),
        seen: Node,
        said: [&Said; 2],
    ) -> Result<Vec<Node>> {
        let count = ((3 * self.samples) as f32).ln();
        let uniform = networks.columns as f32 * std::f32::consts::LN_2;
        let mut columns: Vec<Vec<Node>> = Vec::new();
        for _ in 0..self.samples {
            let action = draws.input(g, networks.columns, Law::Uniform);
            let mut tried = vec![(action, None)];
            for said in said {
                if let Said::Gaussian(mean, log_std) = *said {
                    let noise = draws.input(g, networks.columns, Law::Normal);
                    let drawn = g.squashed_gaussian(mean, log_std, noise)?;
                    tried.push((drawn.action, Some(drawn.log_prob)));
                }
            }
            for (action, log_density) in tried {
                let judged = networks.judge(g, None, seen, Some(action))?;
                columns.resize(judged.len(), Vec::new());
                for (value, of_critic) in judged.into_iter().zip(&mut columns) {
                    of_critic.push(match log_density {
                        None => g.affine(value, 1.0, uniform - count)?,
                        Some(log_density) => {
                            let over = g.sub(value, log_density)?;
                            g.affine(over, 1.0, -count)?
                        }
                    });
                }
            }
        }
        columns.iter().map(|columns| g.concat(columns)).collect()
    }
}
