//! What every agent keeps to, whatever it is made of.

use worldwright_core::{Action, Agent, Dataset, Environment, Error, Key, Observation, Space, Value};

/// Episodes that are under way at once.
const PLACES: usize = 3;
/// Steps of each.
const STEPS: usize = 6;

/// Makes the agent for so many places; what it learned is the same each time.
pub type MakeAgent<'a> = &'a dyn Fn(usize) -> Box<dyn Agent>;

/// Checks an agent that is ready to act: equal seeds give equal actions; episodes at several places are what each would be alone; an episode without exploration
/// leaves nothing behind; it is saved and goes on in the middle of an episode; its weights alone act as it does; a place that it has not is an error.
///
/// # Panics
/// With what was violated.
pub fn check_agent(make: MakeAgent<'_>, world: &dyn Fn() -> Box<dyn Environment>) {
    let who = world().id().to_owned();
    assert_eq!(make(PLACES).places(), PLACES, "{who}: it has as many places as it was made for");
    assert!(make(1).is_ready(), "{who}: the checks need an agent that learned");
    for explore in [false, true] {
        let alone: Vec<Vec<Action>> =
            (0..PLACES as u64).map(|seed| play(make(1).as_mut(), world().as_mut(), seed, explore)).collect();
        let again = play(make(1).as_mut(), world().as_mut(), 0, explore);
        assert_eq!(alone[0], again, "{who}: equal seeds give equal actions");
        assert_eq!(at_once(make(PLACES).as_mut(), world, explore), alone, "{who}: episodes at once are those alone");
        let mut evaluated = make(1);
        play(evaluated.as_mut(), world().as_mut(), 77, false);
        let after = play(evaluated.as_mut(), world().as_mut(), 0, explore);
        assert_eq!(after, alone[0], "{who}: an episode without exploration leaves nothing behind");
        check_cut(make, world, explore);
    }
    let (mut first, mut second) = (make(1), make(1));
    second.restore_weights(&first.weights()).unwrap_or_else(|error| panic!("{who}: weights are taken on: {error}"));
    let [one, other] = [first.as_mut(), second.as_mut()].map(|agent| play(agent, world().as_mut(), 5, false));
    assert_eq!(one, other, "{who}: weights alone act as the agent does");
    let seen = reset(world().as_mut(), 0);
    let outside = [first.begin_episode(1, &seen, 0).err(), first.act(1, &seen, false).err()];
    for error in outside {
        assert!(matches!(error, Some(Error::Shape { .. })), "{who}: a place that it has not: {error:?}");
    }
}

/// Saved in the middle of an episode and restored in another agent that followed it, it goes on as if nothing had been.
fn check_cut(make: MakeAgent<'_>, world: &dyn Fn() -> Box<dyn Environment>, explore: bool) {
    let mut environment = world();
    let who = environment.id().to_owned();
    let (mut agent, mut other) = (make(1), make(1));
    let mut seen = reset(environment.as_mut(), 3);
    for agent in [&mut agent, &mut other] {
        begin(agent.as_mut(), 0, &seen, 3);
    }
    for t in 0..STEPS {
        if t == STEPS / 2 {
            let state = agent.save();
            other.restore(&state).unwrap_or_else(|error| panic!("{who}: what was saved is restored: {error}"));
            assert_eq!(other.save(), state, "{who}: what was restored is saved alike");
        }
        let action = act(agent.as_mut(), 0, &seen, explore);
        if t < STEPS / 2 {
            other.follow(0, &seen, &action).unwrap_or_else(|error| panic!("{who}: {error}"));
        } else {
            assert_eq!(act(other.as_mut(), 0, &seen, explore), action, "{who}: step {t} after a cut");
        }
        let step = environment.step(&action).unwrap_or_else(|error| panic!("{who}: {error}"));
        if step.done() {
            break;
        }
        seen = step.observation;
    }
}

/// The actions of an episode at place 0.
fn play(agent: &mut dyn Agent, environment: &mut dyn Environment, seed: u64, explore: bool) -> Vec<Action> {
    let mut seen = reset(environment, seed);
    begin(agent, 0, &seen, seed);
    let mut actions = Vec::new();
    for _ in 0..STEPS {
        let action = act(agent, 0, &seen, explore);
        let step = environment.step(&action).unwrap_or_else(|error| panic!("{}: {error}", environment.id()));
        actions.push(action);
        if step.done() {
            break;
        }
        seen = step.observation;
    }
    actions
}

/// The same at all places, a step at each in turn.
fn at_once(agent: &mut dyn Agent, world: &dyn Fn() -> Box<dyn Environment>, explore: bool) -> Vec<Vec<Action>> {
    let mut worlds: Vec<_> = (0..PLACES).map(|_| world()).collect();
    let mut seen: Vec<Option<Observation>> = Vec::new();
    for (place, environment) in worlds.iter_mut().enumerate() {
        let first = reset(environment.as_mut(), place as u64);
        begin(agent, place, &first, place as u64);
        seen.push(Some(first));
    }
    let mut actions = vec![Vec::new(); PLACES];
    for _ in 0..STEPS {
        for (place, environment) in worlds.iter_mut().enumerate() {
            let Some(now) = seen[place].take() else { continue };
            let action = act(agent, place, &now, explore);
            let step = environment.step(&action).unwrap_or_else(|error| panic!("{}: {error}", environment.id()));
            actions[place].push(action);
            seen[place] = (!step.done()).then_some(step.observation);
        }
    }
    actions
}

/// Transitions of uniformly random actions for an agent to learn from, whose episodes end where the environment's do.
pub fn random_transitions(environment: &mut dyn Environment, count: usize, seed: u64) -> Dataset {
    let (observed, done) = (environment.observation_space().clone(), environment.action_space().clone());
    let mut data = Dataset::new(observed.flat_dim(), done.flat_dim());
    let (mut before, mut taken, mut after) =
        (vec![0.0; observed.flat_dim()], vec![0.0; done.flat_dim()], vec![0.0; observed.flat_dim()]);
    let mut rng = Key::new(seed).rng();
    let flatten = |space: &Space, value: &Value, flat: &mut Vec<f64>| {
        space.flatten(value, flat).unwrap_or_else(|error| panic!("an element of its space: {error}"));
    };
    while data.len() < count {
        flatten(&observed, &reset(environment, rng.below(1 << 30)), &mut before);
        loop {
            let action = done.sample(&mut rng);
            let step = environment.step(&action).unwrap_or_else(|error| panic!("{}: {error}", environment.id()));
            flatten(&done, &action, &mut taken);
            flatten(&observed, &step.observation, &mut after);
            let ends = step.done() || data.len() + 1 == count;
            data.push(&before, &taken, step.reward, &after, step.terminated, ends)
                .unwrap_or_else(|error| panic!("{}: {error}", environment.id()));
            if ends {
                break;
            }
            std::mem::swap(&mut before, &mut after);
        }
    }
    data
}

fn reset(environment: &mut dyn Environment, seed: u64) -> Observation {
    environment.reset(seed).unwrap_or_else(|error| panic!("{}: {error}", environment.id()))
}

fn begin(agent: &mut dyn Agent, place: usize, seen: &Observation, seed: u64) {
    agent.begin_episode(place, seen, seed).unwrap_or_else(|error| panic!("an episode begins: {error}"));
}

fn act(agent: &mut dyn Agent, place: usize, seen: &Observation, explore: bool) -> Action {
    agent.act(place, seen, explore).unwrap_or_else(|error| panic!("it acts: {error}"))
}
