//! Names for the numbers of flat observations and actions, for reward expressions and reports.
//!
//! Gymnasium's spaces carry no names, so those of its MuJoCo tasks stand here, in the order of its documentation (version 5 of
//! each task with its default settings). dm_control names its parts itself, and any environment may say `observation_names` and
//! `action_names`, which come first. All others are numbered.

use super::remote::Description;

/// Observation and action names of a task; any version whose spaces have these sizes.
struct Known {
    task: &'static str,
    observation: &'static [&'static str],
    action: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        task: "InvertedPendulum",
        observation: &["cart_position", "pole_angle", "cart_velocity", "pole_angular_velocity"],
        action: &["cart_force"],
    },
    Known {
        task: "InvertedDoublePendulum",
        observation: &[
            "cart_position",
            "sin_pole1",
            "sin_pole2",
            "cos_pole1",
            "cos_pole2",
            "cart_velocity",
            "pole1_angular_velocity",
            "pole2_angular_velocity",
            "constraint_force",
        ],
        action: &["cart_force"],
    },
    Known {
        task: "HalfCheetah",
        observation: &[
            "torso_z",
            "torso_angle",
            "back_thigh_angle",
            "back_shin_angle",
            "back_foot_angle",
            "front_thigh_angle",
            "front_shin_angle",
            "front_foot_angle",
            "torso_x_velocity",
            "torso_z_velocity",
            "torso_angular_velocity",
            "back_thigh_angular_velocity",
            "back_shin_angular_velocity",
            "back_foot_angular_velocity",
            "front_thigh_angular_velocity",
            "front_shin_angular_velocity",
            "front_foot_angular_velocity",
        ],
        action: &["back_thigh", "back_shin", "back_foot", "front_thigh", "front_shin", "front_foot"],
    },
    Known {
        task: "Hopper",
        observation: &[
            "torso_z",
            "torso_angle",
            "thigh_angle",
            "leg_angle",
            "foot_angle",
            "torso_x_velocity",
            "torso_z_velocity",
            "torso_angular_velocity",
            "thigh_angular_velocity",
            "leg_angular_velocity",
            "foot_angular_velocity",
        ],
        action: &["thigh", "leg", "foot"],
    },
    Known {
        task: "Walker2d",
        observation: &[
            "torso_z",
            "torso_angle",
            "right_thigh_angle",
            "right_leg_angle",
            "right_foot_angle",
            "left_thigh_angle",
            "left_leg_angle",
            "left_foot_angle",
            "torso_x_velocity",
            "torso_z_velocity",
            "torso_angular_velocity",
            "right_thigh_angular_velocity",
            "right_leg_angular_velocity",
            "right_foot_angular_velocity",
            "left_thigh_angular_velocity",
            "left_leg_angular_velocity",
            "left_foot_angular_velocity",
        ],
        action: &["right_thigh", "right_leg", "right_foot", "left_thigh", "left_leg", "left_foot"],
    },
    Known {
        task: "Swimmer",
        observation: &[
            "front_angle",
            "joint1_angle",
            "joint2_angle",
            "x_velocity",
            "y_velocity",
            "front_angular_velocity",
            "joint1_angular_velocity",
            "joint2_angular_velocity",
        ],
        action: &["joint1", "joint2"],
    },
    Known {
        task: "Reacher",
        observation: &[
            "cos_joint1",
            "cos_joint2",
            "sin_joint1",
            "sin_joint2",
            "target_x",
            "target_y",
            "joint1_angular_velocity",
            "joint2_angular_velocity",
            "fingertip_to_target_x",
            "fingertip_to_target_y",
        ],
        action: &["joint1", "joint2"],
    },
];

/// The names for a task, where they are known and as many as its numbers.
fn known(environment: &str) -> Option<&'static Known> {
    let task = environment.rsplit_once("-v").map_or(environment, |(task, _)| task);
    KNOWN.iter().find(|known| known.task == task)
}

pub(super) fn observation_channels(description: &Description) -> Vec<String> {
    let dims = description.observation_space.flat_dim();
    let Some(parts) = &description.observation_parts else {
        let known = known(&description.environment).filter(|known| known.observation.len() == dims);
        return known.map_or_else(
            || description.observation_space.channel_names("obs"),
            |known| known.observation.iter().map(|name| (*name).to_owned()).collect(),
        );
    };
    let mut names = Vec::with_capacity(dims);
    for (part, len) in parts {
        match len {
            None => names.push(part.clone()),
            Some(n) => names.extend((0..*n).map(|i| format!("{part}[{i}]"))),
        }
    }
    names
}

pub(super) fn action_channels(description: &Description) -> Vec<String> {
    let dims = description.action_space.flat_dim();
    if let Some(names) = &description.action_names {
        return names.clone();
    }
    match known(&description.environment).filter(|known| known.action.len() == dims) {
        Some(known) => known.action.iter().map(|name| (*name).to_owned()).collect(),
        None => description.action_space.channel_names("action"),
    }
}
