//! `greedy`: do what the model's own policy says, without search.
//!
//! For models that come with the policy of what they know, such as counts of a finite process that dynamic programming solved: the
//! likeliest choice, one of equally likely ones at random, or the policy's mean.

use worldwright_core::{
    Action, Array, Budget, Entry, Error, Imagination, Key, ModelSpec, Persist, PlanReport, PlanStatus, Planner, Priors,
    Result, Rows, Settings, Space, State, Values,
};

use crate::actions::{ActionKind, Sequence};
use crate::{Build, PlannerContext};

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "greedy",
    summary: "the model's own policy, without search: for models that come with one, as tabular does",
    source: "Sutton and Barto, Reinforcement Learning, 2018, section 4.4",
    parameters: &[],
    build,
};

fn build(context: &PlannerContext, _settings: &Settings) -> Result<Box<dyn Planner>> {
    let kind = match &context.action_space {
        Space::Box { element, .. } if element.is_float() => ActionKind::new(ENTRY.name, &context.action_space)?,
        space => ActionKind::listed(ENTRY.name, space)?,
    };
    let chosen = Sequence::new(&kind, 1);
    Ok(Box::new(Greedy {
        kind,
        chosen,
        seed: context.seed,
        decision: 0,
        priors: Priors::default(),
        values: Values::default(),
    }))
}

struct Greedy {
    kind: ActionKind,
    chosen: Sequence,
    seed: u64,
    decision: u64,
    priors: Priors,
    values: Values,
}

impl Planner for Greedy {
    fn rows(&self) -> usize {
        1
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.capabilities.prior {
            return Ok(());
        }
        let why =
            format!("model '{}', which has no policy of its own: use tabular, or a planner that searches", spec.name);
        Err(Error::unsupported(ENTRY.name, why))
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if budget.iterations == Some(0) || budget.deadline().passed() {
            let status = PlanStatus::BudgetSpent;
            return Ok(PlanReport { status, value: f64::NEG_INFINITY, ..PlanReport::default() });
        }
        let members = world.spec().members;
        let width = self.kind.dims() + self.kind.choices();
        self.priors.mean.resize(width, 0.0);
        self.priors.std.resize(self.kind.dims(), 0.0);
        world.prior(Rows::Span(root..root + 1), &mut self.priors)?;
        let mut report = PlanReport { status: PlanStatus::Completed, iterations: 1, ..PlanReport::default() };
        if world.spec().capabilities.value {
            world.value(Rows::Span(root..root + 1), &mut self.values)?;
            report.value = self.values.value.iter().sum::<f64>() / members as f64;
        }
        if self.priors.mean[..width].iter().any(|number| number.is_nan()) || report.value.is_nan() {
            return Ok(PlanReport { status: PlanStatus::AllDiverged, value: f64::NEG_INFINITY, diverged: 1, ..report });
        }
        let mut rng = Key::new(self.seed).fold(self.decision).rng();
        self.decision += 1;
        if self.kind.choices() == 0 {
            self.chosen.values.copy_from_slice(&self.priors.mean[..width]);
            self.kind.clip(&mut self.chosen.values);
            return Ok(report);
        }
        let best = self.priors.mean.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let among = self.priors.mean.iter().filter(|logit| **logit == best).count();
        let mut left = rng.below(among.max(1) as u64);
        for (choice, _) in self.priors.mean.iter().enumerate().filter(|(_, logit)| **logit == best) {
            if left == 0 {
                self.chosen.choices[0] = choice as u32;
                break;
            }
            left -= 1;
        }
        Ok(report)
    }

    fn act(&self, _t: usize, out: &mut Action) {
        self.kind.write(&self.chosen, 0, out);
    }

    fn horizon(&self) -> usize {
        1
    }

    fn shift(&mut self, _steps: usize) {}

    fn reset(&mut self, seed: u64) {
        (self.seed, self.decision) = (seed, 0);
    }
}

impl Persist for Greedy {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("counters", Array::U64(vec![self.seed, self.decision]));
        state.put("values", Array::F64(vec![self.chosen.values.len()], self.chosen.values.clone()));
        state.put("choices", Array::U64(self.chosen.choices.iter().map(|choice| u64::from(*choice)).collect()));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        let values = state.f64s("values", self.chosen.values.len())?;
        let choices = state.u64s("choices", self.chosen.choices.len())?;
        if choices.iter().any(|choice| *choice as usize >= self.kind.choices()) {
            return Err(Error::external("saved state", "no such choice"));
        }
        (self.seed, self.decision) = (counters[0], counters[1]);
        self.chosen.values.copy_from_slice(values);
        self.chosen.choices.iter_mut().zip(choices).for_each(|(slot, choice)| *slot = *choice as u32);
        Ok(())
    }
}
