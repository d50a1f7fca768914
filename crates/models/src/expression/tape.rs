//! What a reverse pass through an expression fills.

/// Numbers of one reverse pass.
#[derive(Debug, Clone)]
pub struct Tape {
    pub(super) values: Vec<f64>,
    pub(super) adjoints: Vec<f64>,
}

/// Where the derivatives of one row's reward go, one number a channel.
#[derive(Debug)]
pub struct Gradient<'a> {
    /// With respect to what was seen before.
    pub observation: &'a mut [f64],
    /// With respect to what was done; untouched by discrete choices.
    pub action: &'a mut [f64],
    /// With respect to what was seen after.
    pub next_observation: &'a mut [f64],
}
