//! A plan: actions, each with its motion.

use crate::{Path, Point};

/// What a step does once its motion has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// Grasps an object.
    Pick {
        /// Its number.
        object: usize,
    },
    /// Puts the held object down.
    Place {
        /// Its number.
        object: usize,
        /// The region's number.
        region: usize,
        /// Where its centre then is.
        at: Point,
    },
}

/// One action with its motion.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The operator's name.
    pub name: String,
    /// What is done at the end of the path.
    pub action: Action,
    /// The robot's way there.
    pub path: Path,
    /// What it holds on the way: the object's number and its offset from the robot.
    pub held: Option<(usize, Point)>,
}

/// A bound skeleton.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// What the skeleton costs.
    pub cost: f64,
}
