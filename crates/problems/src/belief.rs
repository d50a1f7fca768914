//! Partially observed problems: whichever planner decides, one episode is played by it.

use std::time::{Duration, Instant};

use worldwright_core::{Error, Key, Parameter, Result, SettingDefault as Default, Settings, cost};

use super::solution::{Cell, Solution, Status};
use worldwright_core::pomdp::{Pomdp, Step};
use worldwright_pomdp::{
    Despot, DespotConfig, Exact, ExactConfig, Named, PointBased, PointBasedConfig, PointBasedEnd, Pomcp, PomcpConfig,
    Simulated, Table, Vectors, exact_update, qmdp,
};

/// The planners, exact value iteration first.
const METHODS: [&str; 5] = ["exact", "point-based", "qmdp", "pomcp", "despot"];

pub(super) const METHOD: Parameter = Parameter {
    name: "method",
    default: Default::Text("exact"),
    summary: "exact, point-based or qmdp (on the table); pomcp or despot (by simulation)",
};
pub(super) const STEPS: Parameter =
    Parameter { name: "steps", default: Default::Integer(12), summary: "steps of the episode that is played" };
pub(super) const GAP: Parameter = Parameter {
    name: "gap",
    default: Default::Float(1e-3),
    summary: "exact, point-based: how closely the value must be known",
};
pub(super) const BACKUPS: Parameter =
    Parameter { name: "backups", default: Default::Integer(100_000), summary: "point-based: backups at most" };
pub(super) const BELIEFS: Parameter =
    Parameter { name: "beliefs", default: Default::Integer(10_000_000), summary: "point-based: beliefs at most" };
pub(super) const VECTORS: Parameter =
    Parameter { name: "vectors", default: Default::Integer(5_000), summary: "exact: alpha vectors at most" };
pub(super) const TIME: Parameter = Parameter {
    name: "time",
    default: Default::Float(0.0),
    summary: "exact, point-based: seconds at most; 0: as long as it takes",
};
pub(super) const MEMORY: Parameter = Parameter {
    name: "memory",
    default: Default::Integer(0),
    summary: "MiB at most for the table and for a point-based search; 0: this machine's share for one thing",
};
pub(super) const HORIZON: Parameter = Parameter {
    name: "horizon",
    default: Default::Integer(0),
    summary: "decisions that there are; 0: an endless future, which needs a discount below 1",
};
pub(super) const SIMULATIONS: Parameter =
    Parameter { name: "simulations", default: Default::Integer(5_000), summary: "pomcp: simulations a decision" };
pub(super) const SCENARIOS: Parameter =
    Parameter { name: "scenarios", default: Default::Integer(500), summary: "despot: scenarios a decision" };
pub(super) const TRIALS: Parameter =
    Parameter { name: "trials", default: Default::Integer(50), summary: "despot: trials a decision" };
pub(super) const PARTICLES: Parameter =
    Parameter { name: "particles", default: Default::Integer(1_000), summary: "pomcp, despot: states in the belief" };

/// Whether every count is one, also those that the chosen method does not use: what makes no sense is no setting, and a later choice of
/// another method should not find it so.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let declared = |key: &str| settings.iter().any(|(name, _)| name == key);
    let counts = ["steps", "vectors", "backups", "beliefs", "simulations", "scenarios", "trials", "particles"];
    counts.into_iter().filter(|key| declared(key)).try_for_each(|key| settings.count(key, 1).map(drop))?;
    settings.float("gap", 1e-9, f64::MAX)?;
    time(settings)?;
    memory(settings)?;
    settings.seed("seed").map(drop)
}

/// Something that decides as an episode goes on.
pub(super) trait Decider {
    /// What to do now, and what the future is taken to be worth.
    fn decide(&mut self) -> Result<(u32, f64)>;
    /// Takes in what was done and seen.
    fn advance(&mut self, action: u32, observation: u32) -> Result<()>;
}

/// Decisions by a value function over beliefs.
struct ByTable<'t> {
    table: &'t Table,
    /// Decisions that were made.
    done: usize,
    belief: Vec<f64>,
    next: Vec<f64>,
    values: Values<'t>,
}

enum Values<'t> {
    Exact(Exact),
    Points(Box<PointBased<'t>>),
    Known(Vectors),
}

impl Decider for ByTable<'_> {
    fn decide(&mut self) -> Result<(u32, f64)> {
        let belief = &self.belief;
        let (action, value) = match &self.values {
            Values::Exact(exact) => exact.decide(self.done, belief)?,
            Values::Points(points) => (points.action(belief)?, points.bounds(belief)?.0),
            Values::Known(vectors) => vectors.best(belief),
        };
        Ok((action as u32, value))
    }

    fn advance(&mut self, action: u32, observation: u32) -> Result<()> {
        exact_update(self.table, &self.belief, action as usize, observation as usize, &mut self.next)?;
        std::mem::swap(&mut self.belief, &mut self.next);
        self.done += 1;
        Ok(())
    }
}

impl<P: Pomdp> Decider for Pomcp<'_, P> {
    fn decide(&mut self) -> Result<(u32, f64)> {
        let report = self.search();
        Ok((report.action, report.value))
    }

    fn advance(&mut self, action: u32, observation: u32) -> Result<()> {
        Pomcp::advance(self, action, observation)
    }
}

impl<P: Pomdp> Decider for Despot<'_, P> {
    fn decide(&mut self) -> Result<(u32, f64)> {
        let report = self.search();
        Ok((report.action, report.lower))
    }

    fn advance(&mut self, action: u32, observation: u32) -> Result<()> {
        Despot::advance(self, action, observation)
    }
}

/// The decider that `method` names, with what it knows of the problem's value written into `solution`. `table` is asked for only by those
/// that need it; `finite` is the table without its steps to go and their number, where there is a horizon.
pub(super) fn decider<'p, P: Pomdp>(
    problem: &'p P,
    table: impl FnOnce() -> Result<&'p Table>,
    finite: Option<(&'p Table, usize)>,
    settings: &Settings,
    solution: &mut Solution,
) -> Result<Box<dyn Decider + 'p>> {
    let seed = settings.seed("seed")?;
    let particles = settings.count("particles", 1)?;
    let gap = settings.float("gap", 1e-9, f64::MAX)?;
    let method = METHODS[settings.choice("method", &METHODS)?];
    solution.status = Status::Solved;
    if method == "pomcp" {
        let simulations = settings.count("simulations", 1)?;
        let config = PomcpConfig { simulations, particles, ..PomcpConfig::default() };
        solution.notes.push("POMCP's values are means of all that its search tried, mistakes among it".to_owned());
        return Ok(Box::new(Pomcp::new(problem, config, seed)?));
    }
    if method == "despot" {
        let (scenarios, trials) = (settings.count("scenarios", 1)?, settings.count("trials", 1)?);
        let config = DespotConfig { scenarios, trials, particles, ..DespotConfig::default() };
        solution.notes.push("DESPOT's values are what its policy earns on the scenarios that it drew".to_owned());
        return Ok(Box::new(Despot::new(problem, config, seed)?));
    }
    let begun = Instant::now();
    let time = time(settings)?;
    let table = match finite {
        Some((table, _)) if method == "exact" => table,
        _ => table()?,
    };
    let first = table.initial();
    let values = match method {
        "exact" => {
            let (horizon, vectors) = (finite.map(|finite| finite.1), settings.count("vectors", 1)?);
            let config = ExactConfig { tolerance: gap, horizon, vectors, time, ..ExactConfig::default() };
            let exact = Exact::solve(table, &config)?;
            if exact.error <= gap {
                solution.status = Status::Optimal;
            }
            if exact.is_cut {
                solution.notes.push("the time ran out before the value was known as closely as gap asks".to_owned());
            }
            solution.fact("value", exact.value(first));
            solution.fact("error at most", exact.error);
            solution.fact("alpha vectors", exact.alphas().len());
            solution.fact("steps back", exact.iterations);
            Values::Exact(exact)
        }
        "point-based" => {
            let mut points = Box::new(PointBased::within(table, time)?);
            let config = PointBasedConfig {
                gap,
                backups: settings.count("backups", 1)?,
                beliefs: settings.count("beliefs", 1)?,
                memory: memory(settings)?,
                // Making the first bounds took of the time too.
                time: time.map(|time| time.saturating_sub(begun.elapsed())),
                ..PointBasedConfig::default()
            };
            let report = points.improve(&config)?;
            if report.upper - report.lower <= gap {
                solution.status = Status::Optimal;
            }
            solution.fact("value at least", report.lower);
            solution.fact("value at most", report.upper);
            solution.fact("gap", report.upper - report.lower);
            solution.fact("beliefs", report.beliefs);
            solution.fact("backups", report.backups);
            solution.fact("alpha vectors", report.alphas);
            solution.fact("seconds", begun.elapsed().as_secs_f64());
            solution.fact("ended as", report.ended.name());
            let more = match report.ended {
                PointBasedEnd::Backups => Some("backups"),
                PointBasedEnd::Beliefs => Some("beliefs"),
                PointBasedEnd::Memory => Some("memory"),
                PointBasedEnd::Time => Some("time"),
                PointBasedEnd::Gap | PointBasedEnd::Settled => None,
            };
            let mend =
                more.map(|key| format!("the bounds come closer with more of `{key}`, or gap={gap} may be wider"));
            solution.notes.extend(mend);
            Values::Points(points)
        }
        _ => {
            let vectors = qmdp(table, gap.min(1e-6))?;
            solution.fact("value at most", vectors.best(first).1);
            solution.notes.push("QMDP plans as if all doubt ended after one step: it never acts to learn".to_owned());
            Values::Known(vectors)
        }
    };
    Ok(Box::new(ByTable { table, done: 0, belief: first.to_vec(), next: vec![0.0; table.states()], values }))
}

/// The time that a solver may take.
fn time(settings: &Settings) -> Result<Option<Duration>> {
    let seconds = settings.float("time", 0.0, 1e9)?;
    Ok((seconds > 0.0).then(|| Duration::from_secs_f64(seconds)))
}

/// Bytes that a table or a search may take.
pub(super) fn memory(settings: &Settings) -> Result<usize> {
    match settings.count_in("memory", 0, usize::MAX >> 20)? {
        0 => Ok(usize::try_from(cost::memory_limit()).unwrap_or(usize::MAX)),
        mebibytes => Ok(mebibytes << 20),
    }
}

/// Plays an episode; `each` sees the state before every step, the action, the value that was expected, and what came of it.
pub(super) fn play<P: Pomdp>(
    problem: &P,
    decider: &mut dyn Decider,
    settings: &Settings,
    solution: &mut Solution,
    mut each: impl FnMut(&mut Solution, &P::State, (u32, f64), &Step) -> Result<()>,
) -> Result<()> {
    let steps = settings.count("steps", 1)?;
    // A row of some cells a step.
    cost::memory(&[("steps", steps)], steps as f64 * 400.0)?;
    let mut rng = Key::new(settings.seed("seed")?).fold(u64::MAX).rng();
    let mut state = problem.initial(&mut rng);
    let (mut total, mut factor) = (0.0, 1.0);
    for t in 0..steps {
        let decided = decider.decide()?;
        if t == 0 && solution.facts.is_empty() {
            solution.fact("estimated value", decided.1);
        }
        let before = state;
        let step = problem.step(&mut state, decided.0, &mut rng);
        each(solution, &before, decided, &step)?;
        total += factor * step.reward;
        factor *= problem.discount();
        if step.terminated {
            break;
        }
        decider.advance(decided.0, step.observation)?;
    }
    solution.fact("discounted return of this episode", total);
    Ok(())
}

/// Solves a problem whose table is known, and plays one episode.
pub(super) fn solve_named(named: &Named, settings: &Settings) -> Result<Solution> {
    check(settings)?;
    let base = &named.table;
    if base.actions() > 64 {
        let why = format!("{} actions: the episode is simulated with at most 64", base.actions());
        return Err(Error::unsupported("this planner", why));
    }
    let (steps, memory) = (settings.count("horizon", 0)?, memory(settings)?);
    let finite = if steps > 0 { Some(base.with_horizon(steps, memory)?) } else { None };
    let table = finite.as_ref().unwrap_or(base);
    let simulated = Simulated::within(table, time(settings)?)?;
    let columns = ["step", "likeliest state", "with", "action", "observation", "reward", "expected value"];
    let mut solution = Solution::new(Status::Solved, &columns);
    solution.notes.extend(named.notes.iter().cloned());
    let mut decider =
        decider(&simulated, || Ok(table), finite.as_ref().map(|_| (base, steps)), settings, &mut solution)?;
    let (mut belief, mut next) = (base.initial().to_vec(), vec![0.0; base.states()]);
    play(&simulated, &mut *decider, settings, &mut solution, |solution, _, (action, value), step| {
        let each = belief.iter().copied().enumerate();
        let (likeliest, share) = each.fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
        solution.row([
            (solution.rows.len() + 1).into(),
            named.states.name(likeliest).into_owned().into(),
            share.into(),
            named.actions.name(action as usize).into_owned().into(),
            named.observations.name(step.observation as usize).into_owned().into(),
            Cell::Number(step.reward),
            value.into(),
        ]);
        exact_update(base, &belief, action as usize, step.observation as usize, &mut next)?;
        std::mem::swap(&mut belief, &mut next);
        Ok(())
    })?;
    Ok(solution)
}
