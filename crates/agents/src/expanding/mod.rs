//! Targets of critics that look ahead in a model: each transition with what it leads to is worth, by imagined steps of several lengths.
//!
//! From where a transition led, a row for each lane of the model follows the policy for H steps. With ρ the rewards, D the product of continuations and Q a critic of the policy's action, the
//! target of horizon h is
//!
//! ```text
//! T_h = r + Σ_{i ≤ h} D_{i−1} ρ_i + Σ_{i < h} D_i e_i + D_h (Q(s_h) + e_h),    w_h ∝ 1 / Var T_h,    y = Σ_h w_h E T_h / Σ_h w_h,
//! ```
//!
//! expectation and variance over lanes × critics: far ahead where the model is sure and critics are not, no step where it is the other way round (Buckman, Hafner, Tucker, Brevdo and Lee,
//! "Sample-Efficient Reinforcement Learning with Stochastic Ensemble Value Expansion", NeurIPS 2018, section 3). The longest alone is model-based value expansion (Feinberg, Wan, Stoica,
//! Jordan, Gonzalez and Levine, 2018), H = 0 the plain target of one step. The e are what entropy is worth by itself to a policy that is soft, `−α ln π(a|s)` of actions that it draws, as critics
//! of its own count it (Haarnoja et al., 2018); a policy that is not acts by its likeliest action, and they are zero.
//!
//! What comes out are transitions that pay y and end, for any policy with critics to learn from. Unlike the paper, targets are made for some updates at once, by the newest critics rather than
//! slow ones and by their mean rather than the least; the variance counts what a model thinks is noise and what a policy draws too, and is told where each lane follows one member alone (`model.propagation=ts-inf`).

use worldwright_core::{
    Dataset, Experience, Imagination, Mode, ModelSpec, Policy, Result, Rng, Sample, Settings, Want, cost,
};

use crate::Part;
use crate::believing;
use crate::walking::Walking;

/// How far ahead targets look, with room for them.
pub(crate) struct Expanding {
    horizon: usize,
    /// Whether all lengths count, each by how sure it is; else the longest alone.
    weighted: bool,
    count: usize,
    critics: usize,
    sample: Sample,
    /// From where each transition led.
    walking: Walking,
    flat: Vec<f64>,
    action: Vec<f64>,
    /// `[critic][transition][lane]`
    values: Vec<f64>,
    /// `[transition][lane]`: what the entropy of the action is worth.
    entropies: Vec<f64>,
    /// `[transition][h]`: mean and variance of the target.
    moments: Vec<[f64; 2]>,
}

impl Expanding {
    /// Reads `horizon`, `weighted` and `expanded`, for a model and a policy.
    pub(crate) fn read(
        settings: &Settings,
        (model, spec): (&Part, &ModelSpec),
        (chosen, policy): (&Part, &dyn Policy),
    ) -> Result<Self> {
        let (lanes, weighted) = (spec.members, settings.bool("weighted")?);
        if weighted {
            model.said(believing::check("targets weighed by how sure they are", Some("agent.weighted=false"), spec))?;
        }
        let horizon = settings.count_in("horizon", 0, 1000)?;
        let (count, critics) = (settings.count_in("expanded", 1, 1 << 16)?, policy.critics());
        if critics == 0 {
            let what =
                "telling values by several critics, which targets are made of: choose a policy such as td3 or sac";
            return Err(chosen.cannot(what));
        }
        cost::memory(
            &[("expanded", count), ("horizon", horizon)],
            16.0 * (count * lanes) as f64 * (critics + horizon) as f64,
        )?;
        Ok(Self::new([horizon, count, lanes, critics], weighted))
    }

    fn new([horizon, count, lanes, critics]: [usize; 4], weighted: bool) -> Self {
        Self {
            horizon,
            weighted,
            count,
            critics,
            sample: Sample::default(),
            walking: Walking::new(count, lanes),
            flat: Vec::new(),
            action: Vec::new(),
            values: Vec::new(),
            entropies: Vec::new(),
            moments: Vec::new(),
        }
    }

    /// Rows that it needs in an arena, from the first on.
    pub(crate) fn rows(&self) -> usize {
        self.walking.rows()
    }

    /// Steps of the model that targets take.
    pub(crate) fn steps(&self) -> u64 {
        (self.rows() * self.horizon) as u64
    }

    /// Draws transitions and gives each with its target as its reward, an end of its own.
    pub(crate) fn expand(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn Policy,
        experience: &dyn Experience,
        discount: f64,
        rng: &mut Rng,
    ) -> Result<Dataset> {
        let (o, key) = (experience.observation_dim(), rng.key());
        experience.sample(Want::Transitions(self.count), rng, &mut self.sample)?;
        self.flat.resize(o, 0.0);
        self.walking.begin(arena);
        for i in 0..self.count {
            self.sample.observations.copy_to((2 * i + 1) * o, &mut self.flat);
            let ahead = if self.sample.terminated[i] { 0.0 } else { discount };
            self.walking.set(i, &self.flat, (self.sample.rewards[i], ahead));
        }
        self.moments.clear();
        self.moments.resize(self.count * (self.horizon + 1), [0.0; 2]);
        self.values.resize(self.critics * self.rows(), 0.0);
        self.entropies.resize(self.rows(), 0.0);
        let mode = if policy.is_soft() { Mode::Explore } else { Mode::Exploit };
        self.value(policy, 0, rng)?;
        for h in 1..=self.horizon {
            self.walking.pay(&self.entropies);
            self.walking.step(arena, policy, (mode, key.fold(h as u64)), rng)?;
            self.value(policy, h, rng)?;
        }
        self.told(experience)
    }

    /// Takes in the moments of the targets of horizon `h`.
    fn value(&mut self, policy: &mut dyn Policy, h: usize, rng: &mut Rng) -> Result<()> {
        let (rows, lanes) = (self.rows(), self.walking.lanes());
        policy.values(self.walking.seen.columns(), rng, [&mut self.values, &mut self.entropies])?;
        let (paid, ahead) = (&self.walking.paid, &self.walking.ahead);
        for i in 0..self.count {
            let (mut sum, mut squares) = (0.0, 0.0);
            // The first one is taken off, so that differences are exact where all are alike.
            let mut first = None;
            for row in i * lanes..(i + 1) * lanes {
                for critic in 0..self.critics {
                    let follows =
                        if ahead[row] == 0.0 { 0.0 } else { self.values[critic * rows + row] + self.entropies[row] };
                    let target = paid[row] + ahead[row] * follows;
                    let off = target - *first.get_or_insert(target);
                    sum += off;
                    squares += off * off;
                }
            }
            let count = (lanes * self.critics) as f64;
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            self.moments[i * (self.horizon + 1) + h] = [first.unwrap_or(0.0) + mean, variance];
        }
        Ok(())
    }

    /// The transitions with their targets; those without a number are left out.
    fn told(&mut self, experience: &dyn Experience) -> Result<Dataset> {
        let (o, a) = (experience.observation_dim(), experience.action_dim());
        let mut told = Dataset::new(o, a);
        self.action.resize(a, 0.0);
        let mut after = vec![0.0; o];
        for (i, moments) in self.moments.chunks_exact(self.horizon + 1).enumerate() {
            let target = if self.weighted { weighed(moments) } else { moments[self.horizon][0] };
            // Where the model leaves numbers behind, the plain target holds.
            let target = if target.is_finite() { target } else { moments[0][0] };
            if !target.is_finite() {
                continue;
            }
            self.sample.observations.copy_to(2 * i * o, &mut self.flat);
            self.sample.observations.copy_to((2 * i + 1) * o, &mut after);
            self.sample.actions.copy_to(i * a, &mut self.action);
            told.push(&self.flat, &self.action, target, &after, true, true)?;
        }
        Ok(told)
    }
}

/// The mean of means, each by the inverse of its variance. Those that are certain share all the weight; those that are no numbers have none.
fn weighed(moments: &[[f64; 2]]) -> f64 {
    let known = || moments.iter().filter(|[mean, variance]| mean.is_finite() && variance.is_finite());
    let certain = || known().filter(|[_, variance]| *variance == 0.0);
    let count = certain().count();
    if count > 0 {
        return certain().map(|[mean, _]| mean).sum::<f64>() / count as f64;
    }
    // In units of the least one, so that no weight is beyond all numbers.
    let least = known().map(|[_, variance]| *variance).fold(f64::INFINITY, f64::min);
    let weight = |variance: f64| least / variance;
    let (mut sum, mut weights) = (0.0, 0.0);
    for [mean, variance] in known() {
        sum += weight(*variance) * mean;
        weights += weight(*variance);
    }
    sum / weights
}

#[cfg(test)]
mod tests;
