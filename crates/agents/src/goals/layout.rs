//! Where goals stand in what is seen: the parts `achieved_goal` and `desired_goal` of a dictionary, beside `observation`, as Gymnasium's goal environments name them.

use std::ops::Range;

use worldwright_core::{Error, Result, Space};

/// Places of the parts among the numbers of a flat observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Numbers of a flat observation.
    pub(crate) width: usize,
    /// What has been reached, as a goal.
    pub(crate) achieved: Range<usize>,
    /// What shall be reached.
    pub(crate) desired: Range<usize>,
    /// What is seen besides.
    pub(crate) observation: Range<usize>,
}

impl Layout {
    /// Finds them. `who` wants them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for observations without goals, [`Error::Shape`] for goals of two widths.
    pub(crate) fn of(who: &str, space: &Space) -> Result<Self> {
        let place = |wanted: &str| {
            let mut start = 0;
            for (name, part) in space.parts() {
                let end = start + part.flat_dim();
                if name == wanted {
                    return Ok(start..end);
                }
                start = end;
            }
            let what = format!(
                "observations without a part '{wanted}': it pursues goals, which environments show as a dictionary of \
                 'observation', 'achieved_goal' and 'desired_goal', such as bit-flipping or gym:PointMaze_UMaze-v3"
            );
            Err(Error::unsupported(who.to_owned(), what))
        };
        let [achieved, desired, observation] = ["achieved_goal", "desired_goal", "observation"].map(place);
        let (achieved, desired) = (achieved?, desired?);
        if achieved.len() != desired.len() {
            return Err(Error::shape("desired_goal", &[achieved.len()], &[desired.len()]));
        }
        Ok(Self { width: space.flat_dim(), achieved, desired, observation: observation? })
    }
}
