//! The agents that a model and a policy make: who imagines what for whom, from resolved settings.

use worldwright_core::{Agent, Dataset, Key, Result, cost, find};
use worldwright_planners::PlannerContext;

use super::DynaAgent;
use crate::believing;
use crate::caution::{Caution, Kind};
use crate::deciding::Deciding;
use crate::dreaming::{Dreaming, Growth};
use crate::expanding::Expanding;
use crate::fitted::Fitted;
use crate::fitting::Fitting;
use crate::guided::Asking;
use crate::interest::Interest;
use crate::model_based::build_model;
use crate::policy_agent::{policy_context, refuse_rollouts};
use crate::tally::Tally;
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// When an agent learns, and from what.
struct Schedule {
    fitting: Fitting,
    updates: Updates,
    interest: Interest,
    curious: bool,
    caution: Option<Caution>,
    imagines: Imagines,
}

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Imagines {
    /// Transitions.
    Branches,
    /// Targets of what was experienced.
    Targets,
    /// Transitions, and targets of these.
    Both,
}

/// Builds the agent that acts and learns from what it does.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let schedule = Schedule {
        fitting: Fitting::new(settings, [o, a], false, fitting_key(context))?.within_episodes(),
        updates: Updates::new(settings)?,
        interest: Interest::new(settings.count("initial_steps", 0)? as u64, a),
        curious: settings.bool("curious")?,
        caution: None,
        imagines: Imagines::Branches,
    };
    assemble(resolved, context, schedule)
}

/// Builds the agent whose critics learn from targets that look ahead, of what it did.
pub(crate) fn build_expanding(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    assemble(resolved, context, expanding(resolved, context, Imagines::Targets)?)
}

/// Builds the same, which imagines far what it does itself.
pub(crate) fn build_double(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    assemble(resolved, context, expanding(resolved, context, Imagines::Both)?)
}

fn expanding(resolved: &Resolved, context: &AgentContext, imagines: Imagines) -> Result<Schedule> {
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    Ok(Schedule {
        fitting: Fitting::new(settings, [o, a], false, fitting_key(context))?.within_episodes(),
        updates: Updates::new(settings)?,
        interest: Interest::new(settings.count("initial_steps", 0)? as u64, a),
        curious: false,
        caution: None,
        imagines,
    })
}

/// Builds the agent that learns from recorded episodes alone, and is cautious of what it imagines.
pub(crate) fn build_cautious(resolved: &Resolved, context: &AgentContext, kind: Kind) -> Result<Box<dyn Agent>> {
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let schedule = Schedule {
        fitting: Fitting::of_recorded([o, a], fitting_key(context)),
        updates: Updates::none(),
        interest: Interest::new(0, a),
        curious: false,
        caution: Some(Caution::new(kind, &resolved.agent)?),
        imagines: Imagines::Branches,
    };
    assemble(resolved, context, schedule)
}

fn fitting_key(context: &AgentContext) -> Key {
    Key::new(context.seed).fold(1)
}

fn assemble(resolved: &Resolved, context: &AgentContext, schedule: Schedule) -> Result<Box<dyn Agent>> {
    let Schedule { fitting, updates, interest, curious, caution, imagines } = schedule;
    let model = build_model(resolved, context)?;
    let capabilities = model.spec().capabilities;
    if capabilities.memory || !capabilities.decode {
        let what = "imagining transitions: it is no model of what is observed; choose one that is, such as ensemble, or an algorithm that learns in latents, such as tdmpc2 or dreamer";
        return Err(resolved.role("model")?.cannot(what));
    }
    let settings = &resolved.agent;
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let mut told = policy_context(o, resolved, context)?;
    let build = |told: &_| chosen.said(entry.build.experienced(entry.name, told, &chosen.settings));
    let policy = cost::alike(("curious", 1 + usize::from(curious)), || build(&told))?;
    refuse_rollouts(chosen, policy.as_ref())?;
    let seed = Key::new(context.seed);
    told.seed = seed.fold(7).to_seed();
    let explorer = curious.then(|| build(&told)).transpose()?;
    if caution.as_ref().is_some_and(Caution::asks_values) && !policy.judges() {
        let what = "telling values, which caution asks it for: choose a policy with a critic, such as sac";
        return Err(chosen.cannot(what));
    }
    if caution.as_ref().is_some_and(Caution::asks_values) {
        let who = "caution, which prices how far values deviate between members";
        resolved.role("model")?.said(believing::check(who, Some("agent.penalty=0"), model.spec()))?;
    }
    let dreaming = match imagines {
        Imagines::Targets => None,
        // Branches of recorded episodes alone have no steps of one's own to grow with.
        _ if caution.is_some() => Some(Dreaming::new(settings, Growth::none(), o, a)?),
        _ => Some(Dreaming::new(settings, Growth::read(settings)?, o, a)?),
    };
    let share = if dreaming.is_some() { settings.float("imagined_share", 0.0, 1.0)? } else { 0.0 };
    let expanding = (imagines != Imagines::Branches)
        .then(|| Expanding::read(settings, (resolved.role("model")?, model.spec()), (chosen, policy.as_ref())))
        .transpose()?;
    let asking = Asking::new(model.spec(), (policy.judges(), policy.judges()));
    let mut planners = Vec::new();
    if let Some(chosen) = resolved.roles.get("planner") {
        let entry = find(worldwright_planners::ALL, "planner", &chosen.name)?;
        let planner_context = PlannerContext::for_model(asking.spec(), context.seed);
        for _ in 0..context.places {
            let build = || chosen.said((entry.build)(&planner_context, &chosen.settings));
            let planner = cost::alike(("environment.count", context.places), build)?;
            chosen.said(planner.check(asking.spec()))?;
            planners.push(planner);
        }
    }
    let imagined = [dreaming.as_ref().map(Dreaming::rows), expanding.as_ref().map(Expanding::rows)];
    let planned = planners.iter().map(|planner| planner.rows());
    let rows = planned.chain(imagined.into_iter().flatten()).max().unwrap_or(0);
    cost::arena(model.spec(), rows, "rows that it imagines")?;
    Ok(Box::new(DynaAgent {
        fitted: Fitted::new(model, rows, fitting),
        planners,
        tally: Tally::default(),
        asking,
        action: context.action_space.sample(&mut seed.fold(4).rng()),
        policy,
        explorer,
        interest,
        updates,
        dreaming,
        expanding,
        caution,
        dreamt: (Dataset::new(o, a), 0),
        share,
        discount: settings.float("discount", 0.0, 1.0)?,
        deciding: Deciding::new(context),
        interrupt: context.interrupt.clone(),
        update_rng: seed.fold(6).rng(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
    }))
}
