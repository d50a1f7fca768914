//! A world model whose actions are skills.
//!
//! Rows run side by side: each inner step advances all rows whose skill has not ended, in one batch. A skill sees the mean over a row's
//! lanes of what they decode to, since all lanes of a row take the same action. Epistemic spread is summed with the rewards'
//! weights, violated constraints are summed, others keep their largest value.

use worldwright_core::{
    Action, Actions, Applicable, Batch, Capabilities, Error, Imagination, Imagined, Key, ModelSpec, Observation,
    Result, Rows, Space, Values, WorldModel,
};

use super::skill::Skill;

/// A model over skills.
pub struct SkillModel<'m> {
    inner: &'m dyn WorldModel,
    skills: Vec<Box<dyn Skill>>,
    /// Steps after which any skill is ended.
    limit: usize,
    spec: ModelSpec,
}

impl<'m> SkillModel<'m> {
    /// Skills over `inner`, each run for at most `limit` steps.
    ///
    /// # Errors
    /// [`Error::Config`] for no skill or a limit of zero, [`Error::Unsupported`] for action spaces other than boxes and choices.
    pub fn new(inner: &'m dyn WorldModel, skills: Vec<Box<dyn Skill>>, limit: usize) -> Result<Self> {
        if skills.is_empty() || limit == 0 {
            return Err(Error::config("skills", "there must be one or more, and a limit of one or more steps"));
        }
        let old = inner.spec();
        if !matches!(old.action_space, Space::Box { .. } | Space::Discrete { .. }) {
            return Err(Error::unsupported(
                "a model over skills",
                "this action space: use a box or one discrete choice",
            ));
        }
        if old.capabilities.memory {
            return Err(Error::unsupported(
                old.name.clone(),
                "skills over a model with memory: the choice of a skill does not tell it what was done",
            ));
        }
        let spec = ModelSpec {
            name: format!("skills over {}", old.name),
            action_space: Space::discrete(skills.len()),
            latent_dim: 0,
            deterministic: old.deterministic && skills.iter().all(|skill| skill.is_deterministic()),
            // Its prior is one of actions, not of skills, and so are its derivatives.
            capabilities: Capabilities { prior: false, rules: true, derivatives: false, ..old.capabilities },
            ..old.clone()
        };
        Ok(Self { inner, skills, limit, spec })
    }

    /// The skills in the order of their choices.
    pub fn skills(&self) -> &[Box<dyn Skill>] {
        &self.skills
    }
}

impl WorldModel for SkillModel<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let old = self.inner.spec();
        let dims = if matches!(old.action_space, Space::Box { .. }) { old.action_space.flat_dim() } else { 0 };
        let seen = old.observation_space.flat_dim();
        Box::new(Arena {
            model: self,
            inner: self.inner.imagination(rows),
            imagined: Imagined::new(old, rows),
            weights: vec![0.0; old.members * rows],
            places: Vec::with_capacity(rows),
            active: Vec::with_capacity(rows),
            numbers: Batch::zeros(dims, rows),
            choices: Vec::with_capacity(rows),
            actions: vec![0.0; dims.max(1) * rows],
            action: vec![0.0; dims.max(1)],
            lane: vec![0.0; seen],
            seen: vec![0.0; seen],
        })
    }
}

struct Arena<'m> {
    model: &'m SkillModel<'m>,
    inner: Box<dyn Imagination + 'm>,
    imagined: Imagined,
    /// `[members][n]`, products of continuations.
    weights: Vec<f64>,
    /// Places in the batch of the rows whose skill goes on.
    places: Vec<u32>,
    /// These rows.
    active: Vec<u32>,
    numbers: Batch,
    choices: Vec<u32>,
    /// `[n][action dims]`
    actions: Vec<f64>,
    action: Vec<f64>,
    lane: Vec<f64>,
    seen: Vec<f64>,
}

impl Arena<'_> {
    /// Writes the mean over the lanes of what a row looks like.
    fn look(&mut self, row: usize) -> Result<()> {
        let members = self.model.spec.members;
        self.seen.fill(0.0);
        for member in 0..members {
            self.inner.decode(row, member, &mut self.lane)?;
            self.seen.iter_mut().zip(&self.lane).for_each(|(sum, x)| *sum += x / members as f64);
        }
        Ok(())
    }

    /// Leaves out the rows whose skill ends before step `step`, and writes the actions of the others.
    fn choose(&mut self, skills: &[u32], to: &Rows<'_>, step: usize, key: Key, out: &mut Imagined) -> Result<()> {
        let (members, n) = (self.model.spec.members, out.rows());
        let dims = self.action.len();
        let mut kept = 0;
        for i in 0..self.places.len() {
            let place = self.places[i] as usize;
            self.look(to.at(place))?;
            let skill = &self.model.skills[skills[place] as usize];
            let goes_on = if step == 0 {
                let may = skill.may_start(&self.seen);
                if !may {
                    // A choice that is not there: marked like a row that diverged, so that every planner ranks it last.
                    (0..members).for_each(|member| out.reward[member * n + place] = f64::NEG_INFINITY);
                }
                may
            } else {
                let chance = skill.end_chance(&self.seen, step);
                let alive = (0..members).any(|member| {
                    let weight = self.weights[member * n + place];
                    weight != 0.0 && weight.is_finite()
                });
                alive && (chance <= 0.0 || (chance < 1.0 && key.fold(place as u64).rng().uniform() >= chance))
            };
            if !goes_on {
                continue;
            }
            skill.act(&self.seen, step, &mut self.action);
            self.actions[kept * dims..(kept + 1) * dims].copy_from_slice(&self.action);
            self.places[kept] = place as u32;
            kept += 1;
        }
        self.places.truncate(kept);
        let actions = self.actions[..kept * dims].chunks_exact(dims);
        if self.numbers.dims() > 0 {
            self.numbers.set_rows(kept);
            let mut numbers = self.numbers.columns_mut();
            actions.enumerate().for_each(|(i, action)| numbers.set_row(i, action));
        } else {
            self.choices.clear();
            self.choices.extend(actions.map(|action| action[0] as u32));
        }
        self.active.clear();
        self.active.extend(self.places.iter().map(|place| to.at(*place as usize) as u32));
        Ok(())
    }

    /// Adds what one inner step gave.
    fn accumulate(&mut self, out: &mut Imagined) {
        let (n, m) = (out.rows(), self.places.len());
        let members = self.model.spec.members;
        for member in 0..members {
            for (j, place) in self.places.iter().enumerate() {
                let (at, from) = (member * n + *place as usize, member * m + j);
                let weight = self.weights[at];
                if weight == 0.0 {
                    continue;
                }
                out.reward[at] += weight * self.imagined.reward[from];
                out.epistemic[at] += weight * self.imagined.epistemic[from];
                self.weights[at] = weight * self.imagined.continuation[from];
                for constraint in 0..self.model.spec.constraints {
                    let value = self.imagined.constraints[constraint * members * m + from];
                    let slot = &mut out.constraints[constraint * members * n + at];
                    // Written so that what is not a number counts as violated.
                    *slot = if value <= 0.0 { slot.max(value) } else { slot.max(0.0) + value };
                }
            }
        }
    }
}

impl Imagination for Arena<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.inner.rows()
    }

    /// The inner model is not told of a previous row: the choice of a skill is no action of its own.
    fn observe(&mut self, row: usize, _: Option<(usize, &Action)>, observation: &Observation, key: Key) -> Result<()> {
        self.inner.observe(row, None, observation, key)
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        self.inner.copy(from, to);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let n = from.len();
        let Actions::Discrete(skills) = actions else {
            return Err(Error::unsupported(self.model.spec.name.clone(), "actions other than the choice of a skill"));
        };
        if skills.len() != n || to.len() != n {
            return Err(Error::shape("rows of a step", &[n, n], &[to.len(), skills.len()]));
        }
        if let Some(choice) = skills.iter().find(|choice| **choice as usize >= self.model.skills.len()) {
            let reason = format!("there are {} skills", self.model.skills.len());
            return Err(Error::NotInSpace { what: format!("skill {choice}").into(), reason });
        }
        for i in (0..n).filter(|i| from.at(*i) != to.at(*i)) {
            let row = to.at(i);
            self.inner.copy(from.at(i), Rows::Span(row..row + 1));
        }
        out.begin(n);
        out.reward.fill(0.0);
        out.epistemic.fill(0.0);
        out.constraints.fill(f64::NEG_INFINITY);
        let lanes = self.model.spec.members * n;
        self.weights.resize(lanes, 1.0);
        self.weights.fill(1.0);
        self.places.clear();
        self.places.extend(0..n as u32);
        for step in 0..self.model.limit {
            let step_key = key.fold(step as u64);
            self.choose(skills, &to, step, step_key.fold(1), out)?;
            if self.places.is_empty() {
                break;
            }
            let actions = if self.numbers.dims() > 0 {
                Actions::Continuous(self.numbers.columns())
            } else {
                Actions::Discrete(&self.choices)
            };
            let rows = || Rows::List(&self.active);
            self.imagined.begin(self.places.len());
            self.inner.step(rows(), actions, rows(), step_key.fold(0), &mut self.imagined)?;
            self.accumulate(out);
        }
        out.continuation[..lanes].copy_from_slice(&self.weights[..lanes]);
        // A row whose skill could not start has constraints of nothing; zero is satisfied.
        out.constraints.iter_mut().filter(|value| **value == f64::NEG_INFINITY).for_each(|value| *value = 0.0);
        Ok(())
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        if out.rows() != rows.len() {
            return Err(Error::shape("rows of applicable actions", &[rows.len()], &[out.rows()]));
        }
        for (i, row) in rows.iter().enumerate() {
            self.look(row)?;
            let skills = self.model.skills.iter().enumerate();
            skills.filter(|(_, skill)| !skill.may_start(&self.seen)).for_each(|(choice, _)| out.forbid(i, choice));
        }
        Ok(())
    }

    fn explore(&mut self, on: bool) {
        self.inner.explore(on);
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        self.inner.value(rows, out)
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        self.inner.state_keys(rows, out)
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.inner.decode(row, member, out)
    }
}
