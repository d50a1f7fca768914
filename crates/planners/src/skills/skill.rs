//! What a skill is: where it may start, what it does, and when it ends.

/// An option: initiation set, policy and termination, all of the flat observation.
pub trait Skill: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Whether it may start here.
    fn may_start(&self, observation: &[f64]) -> bool;

    /// Writes its action, `step` steps after its start: the numbers of a box, or in `action[0]` a zero-based choice.
    fn act(&self, observation: &[f64], step: usize, action: &mut [f64]);

    /// The chance that it ends here, `step` steps (at least one) after its start.
    fn end_chance(&self, observation: &[f64], step: usize) -> f64;

    /// Whether its chances are all zero or one.
    fn is_deterministic(&self) -> bool {
        true
    }
}

/// One action of the model for one step: what planning without skills has.
#[derive(Debug, Clone, PartialEq)]
pub struct Primitive {
    /// Its name.
    pub name: String,
    /// The numbers of a box, or one zero-based choice.
    pub action: Vec<f64>,
}

impl Skill for Primitive {
    fn name(&self) -> &str {
        &self.name
    }

    fn may_start(&self, _observation: &[f64]) -> bool {
        true
    }

    fn act(&self, _observation: &[f64], _step: usize, action: &mut [f64]) {
        action.copy_from_slice(&self.action);
    }

    fn end_chance(&self, _observation: &[f64], _step: usize) -> f64 {
        1.0
    }
}
