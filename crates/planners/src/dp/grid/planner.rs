//! `grid`: the value of the whole space on an interpolated grid, then greedy with one step of lookahead.
//!
//! The first decision asks the model about every (point, action) and sweeps; later ones only look ahead, one step for each action of
//! the plan shown. With a budget both go on from decision to decision, and the plan is greedy for the value so far. A sweep that a deadline
//! would cut is not begun after it. See the module's text for the equations; Munos and Moore 2002.

use std::time::Instant;

use worldwright_core::{
    Action, Array, Budget, Entry, Error, Imagination, Key, ModelSpec, Parameter, Persist, PlanReport, PlanStatus,
    Planner, Result, SettingDefault as Default, Settings, Space, State,
};

use super::axes::Axis;
use super::build::{GridConfig, Interpolation};
use super::lookahead::WALK;
use super::value::GridValue;
use crate::actions::Sequence;
use crate::{Build, PlannerContext};

const PARAMETERS: &[Parameter] = &[
    Parameter { name: "low", default: Default::Numbers(&[]), summary: "lower bound of each coordinate; must be given" },
    Parameter {
        name: "high",
        default: Default::Numbers(&[]),
        summary: "upper bound of each coordinate; must be given",
    },
    Parameter {
        name: "points",
        default: Default::Numbers(&[51.0]),
        summary: "grid points of each coordinate: one count for all or one each",
    },
    Parameter {
        name: "periodic",
        default: Default::Numbers(&[]),
        summary: "coordinates, counted from 0, that are the same place at both bounds",
    },
    Parameter {
        name: "angles",
        default: Default::Numbers(&[]),
        summary: "places in the observation where a cosine is followed by its sine: the two are one periodic coordinate",
    },
    Parameter {
        name: "interpolation",
        default: Default::Text("multilinear"),
        summary: "between the points: 'multilinear' (2^d corners) or 'simplex' (d + 1 corners)",
    },
    Parameter {
        name: "action_points",
        default: Default::Numbers(&[11.0]),
        summary: "numbers tried in each action dimension: one count for all or one each",
    },
    Parameter {
        name: "sweeps",
        default: Default::Integer(500),
        summary: "backups of the value; each is one step more of foresight",
    },
    Parameter {
        name: "tolerance",
        default: Default::Float(1e-6),
        summary: "stop sweeping when no value changes by more than this",
    },
    Parameter {
        name: "discount",
        default: Default::Float(1.0),
        summary: "discount a step on top of the model's own continuation, in [0, 1]",
    },
    Parameter {
        name: "samples",
        default: Default::Integer(8),
        summary: "draws of each action at each point, for models with chance",
    },
    crate::common::EPISTEMIC_PENALTY,
    Parameter {
        name: "horizon",
        default: Default::Integer(1),
        summary: "actions that the plan shows, one lookahead each",
    },
    Parameter {
        name: "refresh",
        default: Default::Integer(0),
        summary: "decisions after which the value is computed anew, for models that go on learning; 0 never",
    },
    Parameter { name: "threads", default: Default::Integer(1), summary: "threads of a sweep over a large grid" },
];

pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "grid",
    summary: "dynamic programming on an interpolated grid of up to four dimensions: the referee; needs bounds",
    source: "Munos and Moore 2002",
    parameters: PARAMETERS,
    build,
};

fn build(context: &PlannerContext, settings: &Settings) -> Result<Box<dyn Planner>> {
    let (low, high) = (settings.numbers("low")?, settings.numbers("high")?);
    if low.is_empty() || low.len() != high.len() {
        return Err(Error::unsupported(
            "grid",
            format!(
                "planning with {} lower and {} upper bounds: set one of `low` and of `high` for each coordinate, at most four",
                low.len(),
                high.len()
            ),
        ));
    }
    let points = counts(settings, "points", 2, low.len())?;
    let periodic = places(settings, "periodic", low.len())?;
    let axis =
        |dim: usize| Axis { low: low[dim], high: high[dim], points: points[dim], periodic: periodic.contains(&dim) };
    let config = GridConfig {
        axes: (0..low.len()).map(axis).collect(),
        angles: places(settings, "angles", 2 * low.len())?,
        interpolation: match settings.choice("interpolation", &["multilinear", "simplex"])? {
            0 => Interpolation::Multilinear,
            _ => Interpolation::Simplex,
        },
        action_points: counts(settings, "action_points", 1, 0)?,
        samples: if context.deterministic { 1 } else { settings.count("samples", 1)? },
        discount: settings.float("discount", 0.0, 1.0)?,
        epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
        threads: settings.count("threads", 1)?,
        seed: context.seed,
    };
    let value = GridValue::new(&config, &context.action_space, context.members)?;
    let horizon = settings.count("horizon", 1)?;
    Ok(Box::new(GridPlanner {
        chosen: Sequence::new(&value.actions.kind, horizon),
        kept: Sequence::new(&value.actions.kind, horizon),
        before: value.values.clone(),
        value,
        action_space: context.action_space.clone(),
        seed: context.seed,
        decision: 0,
        horizon,
        most_sweeps: settings.count("sweeps", 0)?,
        tolerance: settings.float("tolerance", 0.0, f64::MAX)?,
        refresh: settings.count("refresh", 0)? as u64,
        settled: false,
    }))
}

/// Whole numbers of at least `least`; one is repeated `dims` times.
fn counts(settings: &Settings, key: &str, least: usize, dims: usize) -> Result<Vec<usize>> {
    let numbers = settings.numbers(key)?;
    let wrong = |why: String| Error::config(key, why);
    if let Some(number) = numbers.iter().find(|number| **number < least as f64 || number.fract() != 0.0) {
        return Err(wrong(format!("must be whole numbers of at least {least}, got {number}")));
    }
    let counts: Vec<usize> = numbers.iter().map(|number| *number as usize).collect();
    match counts.len() {
        1 if dims > 0 => Ok(vec![counts[0]; dims]),
        given if dims > 0 && given != dims => Err(wrong(format!("needs 1 or {dims} counts, got {given}"))),
        _ => Ok(counts),
    }
}

/// Places below `end`.
fn places(settings: &Settings, key: &str, end: usize) -> Result<Vec<usize>> {
    let numbers = settings.numbers(key)?;
    if let Some(number) = numbers.iter().find(|number| !(0.0..end as f64).contains(*number) || number.fract() != 0.0) {
        return Err(Error::config(key, format!("must be whole numbers from 0 and below {end}, got {number}")));
    }
    Ok(numbers.iter().map(|number| *number as usize).collect())
}

struct GridPlanner {
    value: GridValue,
    /// The values before the present decision.
    before: Vec<f64>,
    /// What `act` answers from.
    chosen: Sequence,
    /// The plan before the present decision.
    kept: Sequence,
    action_space: Space,
    seed: u64,
    decision: u64,
    horizon: usize,
    most_sweeps: usize,
    tolerance: f64,
    refresh: u64,
    /// Whether the value is finished.
    settled: bool,
}

/// What the budget leaves.
struct Purse {
    deadline: Option<Instant>,
    steps: Option<u64>,
    sweeps: usize,
}

impl Purse {
    fn late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl GridPlanner {
    /// Asks the model and sweeps as far as the budget goes.
    fn work(&mut self, world: &mut dyn Imagination, purse: &Purse, report: &mut PlanReport) -> Result<()> {
        let points = self.value.grid().points();
        let asked = self.value.diverged;
        while self.value.explored < points {
            let each = self.value.steps_a_point();
            let reserve = report.model_steps + self.value.steps_a_lookahead();
            let most = purse.steps.map_or(usize::MAX, |steps| (steps.saturating_sub(reserve) / each) as usize);
            if most == 0 || purse.late() {
                break;
            }
            report.model_steps += self.value.explore_some(world, most)?;
        }
        report.diverged += self.value.diverged - asked;
        if self.value.explored < points {
            return Ok(());
        }
        if self.value.worst.reward == f64::INFINITY {
            // The model said nothing at all: it is asked again next time.
            self.value.restart();
            return Ok(());
        }
        while !self.settled && report.iterations < purse.sweeps && !purse.late() {
            self.settled = self.value.sweeps >= self.most_sweeps;
            if !self.settled {
                self.settled = self.value.sweep() <= self.tolerance || self.value.sweeps >= self.most_sweeps;
                report.iterations += 1;
            }
        }
        Ok(())
    }

    fn search(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.time.map(|time| Instant::now() + time);
        let purse = Purse { deadline, steps: budget.model_steps, sweeps: budget.iterations.unwrap_or(usize::MAX) };
        let mut report =
            PlanReport { value: f64::NEG_INFINITY, status: PlanStatus::BudgetSpent, ..PlanReport::default() };
        let look = self.value.steps_a_lookahead();
        if purse.late() || purse.sweeps == 0 || purse.steps.is_some_and(|steps| steps < look) {
            return Ok(report);
        }
        if !self.settled {
            self.work(world, &purse, &mut report)?;
        }
        let mut from = root;
        let key = Key::new(self.seed).fold(self.decision);
        for t in 0..self.horizon {
            if t > 0 && purse.steps.is_some_and(|steps| steps < report.model_steps + look) {
                self.hold(t);
                return Ok(report);
            }
            report.model_steps += look;
            let choice = self.value.try_all(world, from, key.fold(t as u64), &mut report.diverged)?;
            let Some(choice) = choice else {
                if t == 0 {
                    report.status = PlanStatus::AllDiverged;
                    return Ok(report);
                }
                self.hold(t);
                break;
            };
            self.value.actions.write(choice.action, t, &mut self.chosen);
            if t == 0 {
                report.value = choice.value;
                // A decision is an improvement even when the value was finished before.
                report.iterations = report.iterations.max(1);
            }
            if t + 1 < self.horizon {
                self.value.go(world, &choice);
                from = WALK;
            }
        }
        if self.settled {
            report.status = PlanStatus::Completed;
        }
        Ok(report)
    }

    /// Repeats the action before step `t` to the end of the plan.
    fn hold(&mut self, t: usize) {
        for later in t..self.horizon {
            self.value.actions.repeat(t - 1, later, &mut self.chosen);
        }
    }
}

impl Planner for GridPlanner {
    fn rows(&self) -> usize {
        self.value.rows()
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.action_space {
            return Err(Error::unsupported(
                "grid",
                format!(
                    "the action space of model '{}': it was built for {:?}, the model has {:?}",
                    spec.name, self.action_space, spec.action_space
                ),
            ));
        }
        self.value.check(spec)
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        if root != 0 {
            world.copy(root, worldwright_core::Rows::Span(0..1));
        }
        let anew = self.settled && self.refresh > 0 && self.decision > 0 && self.decision.is_multiple_of(self.refresh);
        let marks = (self.value.explored, self.value.sweeps, self.value.diverged, self.value.worst, self.settled);
        if !self.settled || anew {
            self.before.copy_from_slice(&self.value.values);
        }
        if anew {
            self.value.restart();
            self.settled = false;
        }
        let working = !self.settled;
        self.kept.copy_from(&self.chosen);
        let report = self.search(world, 0, budget);
        if report.is_ok() {
            self.decision += 1;
            return report;
        }
        self.chosen.copy_from(&self.kept);
        if working {
            self.value.values.copy_from_slice(&self.before);
            (self.value.explored, self.value.sweeps, self.value.diverged, self.value.worst, self.settled) = marks;
        }
        report
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.value.actions.kind.write(&self.chosen, t.min(self.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.chosen.shift(self.horizon, steps);
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.decision = 0;
        self.settled = false;
        self.value.key = Key::new(seed);
        self.value.restart();
        self.chosen = Sequence::new(&self.value.actions.kind, self.horizon);
    }
}

impl Persist for GridPlanner {
    fn save(&self) -> State {
        let mut state = self.value.save(!self.settled);
        state.put("seed", Array::U64(vec![self.seed]));
        state.put("decision", Array::U64(vec![self.decision, u64::from(self.settled)]));
        state.put("plan", Array::F64(vec![self.chosen.values.len()], self.chosen.values.clone()));
        state.put("plan_choices", Array::U64(self.chosen.choices.iter().map(|choice| u64::from(*choice)).collect()));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let seed = state.u64s("seed", 1)?[0];
        let decision = state.u64s("decision", 2)?;
        let plan = state.f64s("plan", self.chosen.values.len())?;
        let choices = state.u64s("plan_choices", self.chosen.choices.len())?;
        let most = self.value.actions.count() as u64;
        if let Some(wrong) = choices.iter().find(|choice| **choice >= most) {
            return Err(Error::external("saved state", format!("plans choice {wrong} of {most}: it is damaged")));
        }
        self.value.restore(state, decision[1] == 0)?;
        (self.seed, self.decision, self.settled) = (seed, decision[0], decision[1] != 0);
        self.value.key = Key::new(seed);
        self.chosen.values.copy_from_slice(plan);
        self.chosen.choices.iter_mut().zip(choices).for_each(|(slot, choice)| *slot = *choice as u32);
        Ok(())
    }
}
