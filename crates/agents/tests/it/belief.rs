//! What is seen through noise: a belief in the arena, filtered at every step, planned from as if it were the state.
//!
//! For linear dynamics, quadratic costs and Gaussian noise that is optimal (certainty equivalence), and what is optimal is known in closed
//! form: the Kalman filter's mean under the Riccati recursion's gain. Both are computed here by the testkit, from what the agent saw alone.

use std::collections::BTreeMap;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::Setting::{Float, Integer, Text};
use worldwright_core::{Agent, Interrupt, Observation, Setting, Value};
use worldwright_envs::{Made, make};
use worldwright_models::ModelContext;
use worldwright_testkit::check_world_model;
use worldwright_testkit::kalman::{Belief, Filter};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::matrix::Matrix;

const STEPS: usize = 40;
const NOISE: f64 = 0.05;
const MEASURED: f64 = 0.2;

/// The double integrator of the environment `linear`, seen through its noisy position.
fn seen_through_noise() -> Made {
    let settings = BTreeMap::from([
        ("c".to_owned(), Setting::Numbers(vec![1.0, 0.0])),
        ("noise_std".to_owned(), Setting::Float(NOISE)),
        ("measurement_std".to_owned(), Setting::Float(MEASURED)),
        ("episode_steps".to_owned(), Setting::Integer(STEPS as i64)),
    ]);
    make("linear", &settings).unwrap()
}

fn agent(planner: &str, settings: &[(&str, Setting)], replan_every: i64) -> Box<dyn Agent> {
    let made = seen_through_noise();
    let mut parts = Parts::default();
    parts.role("planner").name = Some(planner.to_owned());
    parts.agent.insert("replan_every".into(), Setting::Integer(replan_every));
    for (key, value) in settings {
        parts.role("planner").settings.insert((*key).into(), value.clone());
    }
    let context = AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        known: made.model.clone(),
        players: 1,
        places: 1,
        seed: 1,
        interrupt: Interrupt::never(),
    };
    build(&resolve("mpc", "linear", &parts).unwrap(), &context).unwrap()
}

/// The exact belief, by the testkit.
struct Exact {
    filter: Filter,
    b: Matrix,
    belief: Belief,
}

impl Exact {
    fn new(problem: &Problem) -> Self {
        let filter = Filter {
            a: problem.a.clone(),
            c: Matrix::from_rows(&[&[1.0, 0.0]]),
            process_covariance: Matrix::diagonal(2, NOISE * NOISE),
            measurement_covariance: Matrix::diagonal(1, MEASURED * MEASURED),
        };
        let belief = Belief { mean: vec![0.0; 2], covariance: Matrix::diagonal(2, 1.0) };
        Self { filter, b: problem.b.clone(), belief }
    }

    fn see(&mut self, observation: &Observation) {
        self.belief = self.filter.correct(&self.belief, observation.floats().unwrap());
    }

    fn act(&mut self, action: f64) {
        self.belief = self.filter.predict(&self.belief, &self.b.apply(&[action]));
    }
}

/// The best action of a belief's mean with `left` steps to go.
fn best(problem: &Problem, mean: &[f64], left: usize) -> f64 {
    -problem.finite(left, &Matrix::zeros(2, 2)).k.apply(mean)[0]
}

/// The cost of an episode in which `choose` decides from what is seen.
fn cost(seed: u64, mut choose: impl FnMut(usize, &Observation) -> f64) -> f64 {
    let mut environment = seen_through_noise().environment;
    let mut observation = environment.reset(seed).unwrap();
    let mut cost = 0.0;
    for t in 0..STEPS {
        let step = environment.step(&Value::Floats(vec![choose(t, &observation)])).unwrap();
        cost -= step.reward;
        observation = step.observation;
    }
    cost
}

fn cost_of_agent(agent: &mut dyn Agent, seed: u64) -> f64 {
    cost(seed, |t, observation| {
        if t == 0 {
            agent.begin_episode(0, observation, seed).unwrap();
        }
        agent.act(0, observation, false).unwrap().floats().unwrap()[0]
    })
}

fn cost_of_optimum(problem: &Problem, seed: u64) -> f64 {
    let mut exact = Exact::new(problem);
    cost(seed, |t, observation| {
        exact.see(observation);
        let action = best(problem, &exact.belief.mean, STEPS - t);
        exact.act(action);
        action
    })
}

/// `E cost = tr(S₀ Σ₀) + Σ tr(S W) + Σ tr(Kᵀ (R + Bᵀ S B) K Σ)`, Σ the covariance of the belief at each step (Åström, "Introduction to
/// Stochastic Control Theory", 1970, chapter 8).
fn expected_optimum(problem: &Problem) -> f64 {
    let trace = |matrix: &Matrix| (0..matrix.rows()).map(|i| matrix.get(i, i)).sum::<f64>();
    let to_go = |left: usize| problem.finite(left, &Matrix::zeros(2, 2));
    let mut exact = Exact::new(problem);
    let mut total = trace(&to_go(STEPS).p);
    for t in 0..STEPS {
        exact.see(&Value::Floats(vec![0.0]));
        let (now, next) = (to_go(STEPS - t), to_go(STEPS - t - 1).p);
        let weight = problem.r.plus(1.0, &problem.b.transposed().times(&next.times(&problem.b)));
        total += trace(&now.k.transposed().times(&weight.times(&now.k.times(&exact.belief.covariance))));
        total += NOISE * NOISE * trace(&next);
        exact.act(0.0);
    }
    total
}

/// Seen twice from the same belief, a measurement moves it twice.
#[test]
fn the_model_of_a_system_seen_through_noise_keeps_its_contract() {
    let made = seen_through_noise();
    let context = ModelContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        known: made.model.clone(),
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let model = worldwright_models::build("known", &context, &BTreeMap::new()).unwrap();
    assert!(model.spec().capabilities.memory);
    check_world_model(model.as_world_model(), &[Value::Floats(vec![0.4]), Value::Floats(vec![-1.0])], 0.0);
}

#[test]
fn the_optimum_costs_what_the_closed_form_says() {
    let problem = Problem::double_integrator();
    let costs: Vec<f64> = (0..4000).map(|seed| cost_of_optimum(&problem, seed)).collect();
    let n = costs.len() as f64;
    let mean = costs.iter().sum::<f64>() / n;
    let error = (costs.iter().map(|cost| (cost - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    let expected = expected_optimum(&problem);
    assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error}, expected {expected}");
}

#[test]
fn planning_from_a_belief_comes_within_two_percent_of_the_optimum() {
    let problem = Problem::double_integrator();
    let optimum: f64 = (1000..1010).map(|seed| cost_of_optimum(&problem, seed)).sum();
    // The mean of what iCEM finds, not its best draw, which is noise around it.
    let mean = ("answer", Text("mean".into()));
    let sampled = [("horizon", 30), ("population", 300), ("iterations", 40), ("elites", 40)];
    let rest = [mean, ("shrink", Float(1.0)), ("noise_beta", Float(1.0)), ("momentum", Float(0.5))];
    let sampled: Vec<_> = sampled.into_iter().map(|(key, value)| (key, Integer(value))).chain(rest).collect();
    let planners = [("ilqr", vec![("horizon", Integer(40))]), ("icem", sampled)];
    for (planner, settings) in planners {
        let mut agent = agent(planner, &settings, 1);
        let cost: f64 = (1000..1010).map(|seed| cost_of_agent(agent.as_mut(), seed)).sum();
        assert!(cost < 1.02 * optimum, "{planner}: {cost}, the optimum {optimum}");
    }
}

/// Every fifth step it plans; at all others it follows the plan, and takes in what it sees.
#[test]
fn a_belief_is_filtered_at_every_step() {
    let problem = Problem::double_integrator();
    let mut agent = agent("ilqr", &[("horizon", Integer(40))], 5);
    let mut exact = Exact::new(&problem);
    let mut planned = Vec::new();
    cost(3, |t, observation| {
        exact.see(observation);
        if t == 0 {
            agent.begin_episode(0, observation, 3).unwrap();
        }
        if t % 5 == 0 {
            planned = exact.belief.mean.clone();
        }
        // The plan foresees its own course from where it began.
        let action = best(&problem, &planned, 40 - t % 5);
        planned = problem.a.apply(&planned).iter().zip(problem.b.apply(&[action])).map(|(x, u)| x + u).collect();
        exact.act(action);
        let chosen = agent.act(0, observation, false).unwrap().floats().unwrap()[0];
        assert!((chosen - action).abs() < 1e-5, "step {t}: {chosen}, from the exact belief {action}");
        action
    });
}

/// What it would do is asked before every decision of one of them, and changes none.
#[test]
fn a_question_leaves_the_belief_as_it_was() {
    let (mut asked, mut other) =
        (agent("ilqr", &[("horizon", Integer(40))], 1), agent("ilqr", &[("horizon", Integer(40))], 1));
    cost(6, |t, observation| {
        if t == 0 {
            asked.begin_episode(0, observation, 6).unwrap();
            other.begin_episode(0, observation, 6).unwrap();
        }
        let would = asked.plan(observation).unwrap().actions[0].floats().unwrap()[0];
        let does = asked.act(0, observation, false).unwrap().floats().unwrap()[0];
        let chosen = other.act(0, observation, false).unwrap().floats().unwrap()[0];
        assert!((does - chosen).abs() < 1e-5, "step {t}: {does}, unasked {chosen}");
        assert!(t == 0 || (would - does).abs() < 1e-5, "step {t}: would {would}, does {does}");
        chosen
    });
}

/// An agent that only watched believes what the one believes that acted, also after it was restored.
#[test]
fn who_follows_an_episode_comes_to_the_same_belief() {
    let (mut acted, mut followed) =
        (agent("ilqr", &[("horizon", Integer(40))], 1), agent("ilqr", &[("horizon", Integer(40))], 1));
    cost(5, |t, observation| {
        if t == 0 {
            acted.begin_episode(0, observation, 5).unwrap();
            followed.begin_episode(0, observation, 5).unwrap();
        }
        let action = acted.act(0, observation, false).unwrap();
        if t < 20 {
            followed.follow(0, observation, &action).unwrap();
            let state = followed.save();
            followed.restore(&state).unwrap();
        } else {
            let (one, other) = (action.floats().unwrap()[0], followed.act(0, observation, false).unwrap());
            assert!((one - other.floats().unwrap()[0]).abs() < 1e-5, "step {t}: {one}, {other}");
        }
        action.floats().unwrap()[0]
    });
}
