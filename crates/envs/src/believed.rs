//! A partially observed problem as a world model: a row is a belief, a set of particles.
//!
//! In the belief's own decision process (Kaelbling, Littman and Cassandra 1998, section 3) an action pays what it pays on average over the
//! belief, and leads to one of the beliefs that its observations lead to. Here an observation is drawn by moving one particle; then all
//! are moved, weighed by how likely each made that observation, and drawn anew in proportion (Silver and Veness, "Monte-Carlo Planning in Large
//! POMDPs", NIPS 2010, section 3.2; systematic resampling after Kitagawa 1996). Rows that the same actions and observations led to have the
//! same key, so that a tree has a node for each history.

use std::sync::Arc;

use worldwright_core::pomdp::Pomdp;
use worldwright_core::{
    Action, Actions, Applicable, Capabilities, Error, Imagination, Imagined, Key, KnownModel, ModelSpec, Observation,
    Result, Rng, Rows, Values, WorldModel,
};

use crate::world::{Spec, zero_based};

/// Particles of a belief.
const PARTICLES: usize = 128;

/// Particles that are followed to value a belief, and for how many steps.
const ROLLOUTS: usize = 8;
const ROLLOUT_STEPS: usize = 20;

/// How a world shows the observations of its problem.
pub(crate) struct Shown<S> {
    /// The problem's observation behind flat numbers; none for what is shown before anything was done.
    pub read: fn(&[f64]) -> Option<u32>,
    /// The flat numbers of an observation, made where a state is: what all states of a belief have in common may be shown too.
    pub write: fn(&S, u32, &mut [f64]),
}

impl<S> Clone for Shown<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Shown<S> {}

/// The model of a problem that an environment with these spaces poses.
pub(crate) fn known<P>(spec: &Spec, problem: P, shown: Shown<P::State>) -> KnownModel
where
    P: Pomdp + Clone + Send + 'static,
    P::State: 'static,
{
    let spec = ModelSpec {
        name: "known".to_owned(),
        observation_space: spec.observation_space.clone(),
        action_space: spec.action_space.clone(),
        members: 1,
        constraints: 0,
        latent_dim: 0,
        deterministic: false,
        capabilities: Capabilities {
            memory: true,
            value: true,
            keys: true,
            decode: true,
            rules: true,
            beliefs: true,
            ..Capabilities::default()
        },
    };
    Arc::new(move |discount| {
        Box::new(Believed { spec: spec.clone(), problem: problem.clone(), shown, discount }) as Box<dyn WorldModel>
    })
}

struct Believed<P: Pomdp> {
    spec: ModelSpec,
    problem: P,
    shown: Shown<P::State>,
    discount: f64,
}

impl<P: Pomdp + Send> WorldModel for Believed<P> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let first = self.problem.initial(&mut Key::new(0).rng());
        Box::new(Beliefs {
            model: self,
            particles: vec![first; PARTICLES * rows],
            keys: vec![0; rows],
            seen: vec![None; rows],
            moved: vec![first; PARTICLES],
            weights: vec![0.0; PARTICLES],
            numbers: vec![0.0; self.spec.observation_space.flat_dim()],
        })
    }
}

struct Beliefs<'m, P: Pomdp> {
    model: &'m Believed<P>,
    /// `[rows][particles]`
    particles: Vec<P::State>,
    /// What tells a row's history apart from others.
    keys: Vec<u64>,
    /// The last observation of each row.
    seen: Vec<Option<u32>>,
    moved: Vec<P::State>,
    weights: Vec<f64>,
    numbers: Vec<f64>,
}

/// The particles of a row.
fn span(row: usize) -> std::ops::Range<usize> {
    row * PARTICLES..(row + 1) * PARTICLES
}

impl<P: Pomdp + Send> Beliefs<'_, P> {
    /// Moves the belief of `from` into `to` by an action after which `seen` was observed.
    fn update(&mut self, from: usize, action: u32, seen: u32, to: usize, rng: &mut Rng) {
        let problem = &self.model.problem;
        self.moved.copy_from_slice(&self.particles[span(from)]);
        self.keys[to] = Key::new(self.keys[from]).fold(u64::from(action)).fold(u64::from(seen)).to_seed();
        self.seen[to] = Some(seen);
        if !problem.legal(&self.moved[0]).contains(action) {
            // What may not be done changes nothing, and what is seen then tells nothing.
            self.particles[span(to)].copy_from_slice(&self.moved);
            return;
        }
        let mut total = 0.0;
        for (particle, weight) in self.moved.iter_mut().zip(&mut self.weights) {
            *weight = problem.step_given(particle, action, seen, rng).unwrap_or_else(|| {
                let step = problem.step(particle, action, rng);
                f64::from(u8::from(step.observation == seen))
            });
            total += *weight;
        }
        if total > 0.0 {
            // One draw places a comb of equal distances over the running sum of the weights.
            let (distance, mut tooth) = (total / PARTICLES as f64, rng.uniform() * total / PARTICLES as f64);
            let (mut sum, mut source) = (self.weights[0], 0);
            for slot in &mut self.particles[span(to)] {
                while sum < tooth && source + 1 < PARTICLES {
                    source += 1;
                    sum += self.weights[source];
                }
                *slot = self.moved[source];
                tooth += distance;
            }
        } else {
            // No particle explains what was seen: what was foreseen is the best that is known.
            self.particles[span(to)].copy_from_slice(&self.moved);
        }
    }
}

impl<P: Pomdp + Send> Imagination for Beliefs<'_, P> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.keys.len()
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        let model = self.model;
        model.spec.observation_space.flatten(observation, &mut self.numbers)?;
        let seen = (model.shown.read)(&self.numbers);
        let mut rng = key.rng();
        match (previous, seen) {
            (Some((from, action)), Some(seen)) => {
                let action = zero_based(&model.spec.action_space, action)? as u32;
                self.update(from, action, seen, row, &mut rng);
            }
            (Some(_), None) => {
                let reason = "nothing was seen after an action".to_owned();
                return Err(Error::NotInSpace { what: "observation".into(), reason });
            }
            (None, _) => {
                self.particles[span(row)].fill_with(|| model.problem.initial(&mut rng));
                (self.keys[row], self.seen[row]) = (0, None);
            }
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        for row in to.iter() {
            self.particles.copy_within(span(from), row * PARTICLES);
            (self.keys[row], self.seen[row]) = (self.keys[from], self.seen[from]);
        }
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(choices) = actions else {
            return Err(Error::unsupported("known", "actions that are numbers: this world takes choices"));
        };
        if choices.len() != n || to.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), choices.len()]));
        }
        out.begin(n);
        let problem = &self.model.problem;
        for i in 0..n {
            let (row, action) = (from.at(i), choices[i]);
            let particles = &self.particles[span(row)];
            if !problem.legal(&particles[0]).contains(action) {
                (out.reward[i], out.continuation[i]) = (f64::NAN, f64::NAN);
                continue;
            }
            let mut rng = key.fold(i as u64).rng();
            let chosen = rng.below(PARTICLES as u64) as usize;
            let (mut reward, mut ended, mut seen) = (0.0, 0.0, 0);
            for (place, particle) in particles.iter().enumerate() {
                let step = problem.step(&mut particle.clone(), action, &mut rng);
                reward += step.reward;
                ended += f64::from(u8::from(step.terminated));
                if place == chosen {
                    seen = step.observation;
                }
            }
            out.reward[i] = reward / PARTICLES as f64;
            out.continuation[i] = self.model.discount * (1.0 - ended / PARTICLES as f64);
            self.update(row, action, seen, to.at(i), &mut rng);
        }
        out.epistemic.fill(0.0);
        Ok(())
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        if out.rows() != rows.len() {
            return Err(Error::shape("rows of applicable actions", &[rows.len()], &[out.rows()]));
        }
        for (i, row) in rows.iter().enumerate() {
            let legal = self.model.problem.legal(&self.particles[row * PARTICLES]);
            let actions = 0..self.model.problem.actions();
            actions.filter(|action| !legal.contains(*action as u32)).for_each(|action| out.forbid(i, action));
        }
        Ok(())
    }

    /// What the problem's own way of going on at random earns from a few of the particles, as in a leaf of POMCP.
    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let problem = &self.model.problem;
        out.value.clear();
        for row in rows.iter() {
            // Its draws belong to the row's history, so that a row has one value.
            let mut rng = Key::new(self.keys[row]).fold(1).rng();
            let few = self.particles[span(row)].iter().step_by(PARTICLES / ROLLOUTS);
            let mut sum = 0.0;
            for mut particle in few.copied() {
                let mut weight = 1.0;
                for _ in 0..ROLLOUT_STEPS {
                    let action = problem.rollout_action(&particle, &mut rng);
                    let step = problem.step(&mut particle, action, &mut rng);
                    sum += weight * step.reward;
                    weight *= self.model.discount;
                    if step.terminated {
                        break;
                    }
                }
            }
            out.value.push(sum / ROLLOUTS as f64);
        }
        Ok(())
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        rows.iter().zip(out).for_each(|(row, slot)| *slot = self.keys[row]);
        Ok(())
    }

    /// What was seen last.
    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.model.spec.check_decoded(member, out.len())?;
        let Some(seen) = self.seen[row] else {
            return Err(Error::unsupported("known", "what is seen before anything is done: it tells nothing"));
        };
        (self.model.shown.write)(&self.particles[row * PARTICLES], seen, out);
        Ok(())
    }
}
