//! A belief as a bag of states, each as likely: sequential importance resampling (Gordon, Salmond and Smith 1993) where the problem
//! knows how likely an observation is, and otherwise simulation until the observation agrees (Silver and Veness 2010, section 3.2).
//!
//! Resampling is systematic (Kitagawa 1996). Afterwards a share of the particles moves to states that the history makes as likely,
//! where the problem knows such moves, so that a belief never collapses to copies of one state.

use worldwright_core::{Error, Result, Rng, cost};

use worldwright_core::pomdp::Pomdp;

/// The belief and the history that led to it.
#[derive(Debug, Clone)]
pub struct ParticleBelief<S> {
    particles: Vec<S>,
    history: Vec<(u32, u32)>,
    next: Vec<S>,
    weights: Vec<f64>,
    reinvigorated: f64,
}

/// Simulations a particle before it is given up that the observation comes.
const TRIES: usize = 200;

impl<S: Copy> ParticleBelief<S> {
    /// `count` states drawn from the belief at the start. After each update a share `reinvigorated` of them, in [0, 1], is moved.
    ///
    /// # Errors
    /// [`Error::Config`] for no particles or a share outside [0, 1].
    pub fn new<P: Pomdp<State = S>>(problem: &P, count: usize, reinvigorated: f64, rng: &mut Rng) -> Result<Self> {
        if count == 0 || !(0.0..=1.0).contains(&reinvigorated) {
            return Err(Error::config("particles", "needs a particle at least, and a share to move in [0, 1]"));
        }
        cost::memory(&[("particles", count)], count as f64 * (2 * size_of::<S>() + size_of::<f64>()) as f64)?;
        let particles: Vec<S> = (0..count).map(|_| problem.initial(rng)).collect();
        let next = Vec::with_capacity(count);
        Ok(Self { particles, history: Vec::new(), next, weights: Vec::with_capacity(count), reinvigorated })
    }

    /// The states.
    pub fn particles(&self) -> &[S] {
        &self.particles
    }

    /// Actions and observations since the start.
    pub fn history(&self) -> &[(u32, u32)] {
        &self.history
    }

    /// Starts a new episode.
    pub fn restart<P: Pomdp<State = S>>(&mut self, problem: &P, rng: &mut Rng) {
        self.particles.iter_mut().for_each(|particle| *particle = problem.initial(rng));
        self.history.clear();
    }

    /// The belief after doing `action` and seeing `observation`.
    ///
    /// # Errors
    /// [`Error::Diverged`] when no particle can explain the observation: the belief is then as it was. More particles, or a problem
    /// that can reinvigorate them, help.
    pub fn update<P: Pomdp<State = S>>(
        &mut self,
        problem: &P,
        action: u32,
        observation: u32,
        rng: &mut Rng,
    ) -> Result<()> {
        let mut probe = self.particles[0];
        if problem.step_given(&mut probe, action, observation, &mut rng.clone()).is_some() {
            self.weigh(problem, action, observation, rng)?;
        } else {
            self.reject(problem, action, observation, rng)?;
        }
        std::mem::swap(&mut self.particles, &mut self.next);
        self.history.push((action, observation));
        let moved = (self.reinvigorated * self.particles.len() as f64).round() as usize;
        // Resampling leaves copies side by side, so those that are moved are spread evenly.
        for i in 0..moved {
            let particle = &mut self.particles[i * self.next.len().max(1) / moved];
            if !problem.reinvigorate(particle, &self.history, rng) {
                break;
            }
        }
        Ok(())
    }

    fn weigh<P: Pomdp<State = S>>(&mut self, problem: &P, action: u32, observation: u32, rng: &mut Rng) -> Result<()> {
        self.weights.clear();
        let (mut stepped, mut total) = (0, 0.0);
        self.next.clear();
        for particle in &self.particles {
            let mut state = *particle;
            let weight = problem.step_given(&mut state, action, observation, rng).unwrap_or(0.0);
            self.next.push(state);
            self.weights.push(weight);
            total += weight;
            stepped += usize::from(weight > 0.0);
        }
        if stepped == 0 || !total.is_finite() {
            return Err(lost(action, observation));
        }
        // Systematic resampling into the particles' own place, which the caller swaps: so first swap back.
        let count = self.particles.len();
        let (mut place, mut sum) = (0, self.weights[0]);
        let offset = rng.uniform();
        for (i, slot) in self.particles.iter_mut().enumerate() {
            let target = (i as f64 + offset) / count as f64 * total;
            while sum <= target && place + 1 < count {
                place += 1;
                sum += self.weights[place];
            }
            *slot = self.next[place];
        }
        std::mem::swap(&mut self.particles, &mut self.next);
        Ok(())
    }

    fn reject<P: Pomdp<State = S>>(&mut self, problem: &P, action: u32, observation: u32, rng: &mut Rng) -> Result<()> {
        let count = self.particles.len();
        self.next.clear();
        for _ in 0..count * TRIES {
            let mut state = self.particles[rng.below(count as u64) as usize];
            let step = problem.step(&mut state, action, rng);
            if step.observation == observation && !step.terminated {
                self.next.push(state);
                if self.next.len() == count {
                    break;
                }
            }
        }
        let found = self.next.len();
        if found == 0 {
            return Err(lost(action, observation));
        }
        // Too few came by: they are repeated in turn.
        for i in found..count {
            self.next.push(self.next[i - found]);
        }
        Ok(())
    }
}

fn lost(action: u32, observation: u32) -> Error {
    Error::Diverged {
        who: "particle belief".into(),
        why: format!("no particle explains observation {observation} after action {action}: use more particles"),
    }
}
