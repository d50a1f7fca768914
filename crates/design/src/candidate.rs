//! What is searched: kinds and sizes of models, and ways to plan in them.
//!
//! A [`ModelChoice`] and a [`PlanChoice`] name entries of the lists of models and planners with complete overrides, so that the same
//! words given to a run mean the same thing, whatever preset it has.

use worldwright_core::{Setting, Space};

use worldwright_agents::{AgentContext, Choice, Overrides, Parts};

/// What stands between a model's label and the places of its angles.
const OF_ANGLES: &str = " of angles ";

/// A kind of model in one size.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelChoice {
    /// What tables and reasons call it: unique in a search.
    pub label: String,
    /// Its name in the list of models.
    pub name: String,
    /// Settings that differ from its defaults.
    pub settings: Overrides,
}

/// A planner with its horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChoice {
    /// What tables and reasons call it: unique in a search.
    pub label: String,
    /// Its name in the list of planners.
    pub name: String,
    /// Settings that differ from its defaults, the horizon among them.
    pub settings: Overrides,
    /// Steps that it looks ahead.
    pub horizon: usize,
}

impl ModelChoice {
    /// A model with settings.
    pub fn new(label: impl Into<String>, name: &str, settings: &[(&str, Setting)]) -> Self {
        Self { label: label.into(), name: name.to_owned(), settings: overrides(settings) }
    }

    /// The same model where these places of the observation are angles.
    #[must_use]
    pub fn with_angles(&self, places: &[usize]) -> Self {
        let mut choice = self.clone();
        choice.label = format!("{}{OF_ANGLES}{places:?}", self.label);
        let places = places.iter().map(|place| *place as f64).collect();
        choice.settings.insert("angles".to_owned(), Setting::Numbers(places));
        choice
    }

    /// The label of the same model on the plain latent.
    pub fn plain_label(&self) -> &str {
        self.label.split_once(OF_ANGLES).map_or(self.label.as_str(), |(plain, _)| plain)
    }
}

impl PlanChoice {
    /// A planner with settings and a horizon.
    pub fn new(label: impl Into<String>, name: &str, horizon: usize, settings: &[(&str, Setting)]) -> Self {
        let mut settings = overrides(settings);
        settings.insert("horizon".to_owned(), Setting::Integer(horizon as i64));
        Self { label: label.into(), name: name.to_owned(), settings, horizon }
    }
}

/// The choices that make an agent of the two.
pub(super) fn parts(model: &ModelChoice, plan: &PlanChoice, agent: &Overrides) -> Parts {
    let choice = |section: &str, name: &str, settings: &Overrides| {
        (section.to_owned(), Choice { name: Some(name.to_owned()), settings: settings.clone() })
    };
    let roles = [choice("model", &model.name, &model.settings), choice("planner", &plan.name, &plan.settings)];
    Parts { agent: agent.clone(), roles: roles.into() }
}

fn overrides(settings: &[(&str, Setting)]) -> Overrides {
    settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// Inputs beyond which the lengths of a Gaussian process lose their meaning.
const GP_INPUTS: usize = 30;
/// Training steps of a network beyond which more epochs are seldom worth their time.
const NETWORK_STEPS: usize = 5_000;
/// Transitions from which networks train in larger batches.
const MANY: usize = 5_000;

/// The models that a search tries for a domain, given how many transitions there are to fit.
pub fn models(context: &AgentContext, transitions: usize) -> Vec<ModelChoice> {
    let mut choices = Vec::new();
    if context.simulator.is_some() {
        choices.push(ModelChoice::new("known", "known", &[]));
    }
    let plain = || ("angles", Setting::Numbers(Vec::new()));
    choices.push(ModelChoice::new("linear", "linear", &[plain()]));
    if context.observation_space.flat_dim() + context.action_space.flat_dim() <= GP_INPUTS {
        for points in [50, 150] {
            let settings = [plain(), ("max_points", Setting::Integer(points))];
            choices.push(ModelChoice::new(format!("gp of {points} points"), "gp", &settings));
        }
    }
    let batch = if transitions < MANY { 32 } else { 256 };
    let epochs = (NETWORK_STEPS * batch / transitions.max(1)).clamp(20, 300);
    let network = |width: usize, layers: usize| {
        vec![
            plain(),
            ("hidden", Setting::Numbers(vec![width as f64; layers])),
            ("epochs", Setting::Integer(epochs as i64)),
            ("batch", Setting::Integer(batch as i64)),
        ]
    };
    for (width, layers) in [(32, 2), (128, 2)] {
        let label = format!("deterministic {layers}x{width}");
        choices.push(ModelChoice::new(label, "deterministic", &network(width, layers)));
    }
    for (members, width, layers) in [(3, 32, 2), (5, 64, 2)] {
        let mut settings = network(width, layers);
        settings.push(("members", Setting::Integer(members)));
        settings.push(("particles", Setting::Integer(members)));
        settings.push(("propagation", Setting::Text("ts-inf".to_owned())));
        choices.push(ModelChoice::new(format!("ensemble {members} of {layers}x{width}"), "ensemble", &settings));
    }
    choices
}

/// Steps ahead that a search tries.
const HORIZONS: [usize; 3] = [10, 20, 40];

/// The ways to plan that a search tries for an action space, none looking further than an episode lasts.
pub fn plans(actions: &Space, episode_steps: usize) -> Vec<PlanChoice> {
    let mut horizons = HORIZONS.map(|horizon| horizon.min(episode_steps.max(1))).to_vec();
    horizons.dedup();
    let mut choices: Vec<PlanChoice> = horizons.iter().map(|horizon| sampling(actions, *horizon)).collect();
    if matches!(actions, Space::Discrete { .. }) {
        let horizon = horizons[horizons.len() / 2];
        let settings = [
            ("simulations", Setting::Integer(128)),
            ("leaves", Setting::Integer(8)),
            ("rollout_steps", Setting::Integer(horizon as i64)),
        ];
        choices.push(PlanChoice::new(format!("uct {horizon}"), "uct", horizon, &settings));
    }
    choices
}

/// iCEM: colours are slow where the horizon is long, and the first spread is half of each range.
fn sampling(actions: &Space, horizon: usize) -> PlanChoice {
    let mut settings = vec![
        ("population", Setting::Integer(32)),
        ("iterations", Setting::Integer(3)),
        ("noise_beta", Setting::Float(if horizon < 15 { 2.0 } else { 3.0 })),
    ];
    if let Space::Box { low, high, .. } = actions {
        let half = |(low, high): (&f64, &f64)| if (high - low).is_finite() { 0.5 * (high - low) } else { 1.0 };
        settings.push(("action_std", Setting::Numbers(low.iter().zip(high).map(half).collect())));
    }
    PlanChoice::new(format!("icem {horizon}"), "icem", horizon, &settings)
}
