//! Motion planning: configuration spaces, collision checks in the plane, RRT-Connect and RRT*, and Dubins paths;
//! [`task_motion`] joins them with symbols.
//!
//! ```
//! use worldwright_core::Rng;
//! use worldwright_motion::{DiscsScene, Obstacles, RrtConnect, Shape};
//!
//! // A disc of radius 0.2 in a room of 4 by 2 with a wall in the middle.
//! let walls = Obstacles::new(vec![Shape::rectangle([1.9, 0.0], [2.1, 1.2])?]);
//! let scene = DiscsScene::new([0.0, 0.0], [4.0, 2.0], &[([0.0, 0.0], 0.2)], walls)?;
//! let found = RrtConnect::default().plan(&scene, &[1.0, 0.5], &[3.0, 0.5], &mut Rng::new(1))?;
//! let path = found.path.expect("there is a way over the wall");
//! assert!(path.length(&scene) >= 2.0);
//! # Ok::<(), worldwright_core::Error>(())
//! ```

mod dubins;
mod nearest;
mod obstacles;
mod path;
mod rrt_connect;
mod rrt_star;
mod scene;
mod scenes;
mod shape;
mod space;
pub mod task_motion;

pub use dubins::{Dubins, DubinsSpace, Pose, Turn};
pub use nearest::{KdTree, LinearScan, Nearest};
pub use obstacles::Obstacles;
pub use path::Path;
pub use rrt_connect::{MOST_CONFIGURATIONS, MotionReport, RrtConnect};
pub use rrt_star::RrtStar;
pub use scene::Scene;
pub use scenes::{ArmScene, DiscsScene, RigidScene};
pub use shape::{Convex, Point, Shape, distance, segment_distance};
pub use space::{Axis, ConfigurationSpace, JointSpace};

/// The most dimensions that a configuration may have, so that scratch space can lie on the stack.
pub const MAX_DIMS: usize = 16;
