//! The pictures that several environments share: a cart with a pole, a pendulum, a hill.

use crate::draw::{Canvas, palette};
use worldwright_numerics::trig::sin_cos;

/// A cart with a pole.
pub(crate) struct CartPicture {
    /// Where the cart is.
    pub x: f64,
    /// The pole's tip from the hinge: across, up.
    pub tip: [f64; 2],
    /// Half of the rail's length; without ends, half of what is shown at least.
    pub rail: f64,
    /// Whether the rail has ends, which stop the cart or end the task.
    pub stops: bool,
    /// What pushes it, as a share of the most.
    pub force: f64,
    /// Where the tip should be, the rail at height zero.
    pub goal: Option<[f64; 2]>,
}

impl CartPicture {
    /// Paints it.
    pub(crate) fn draw(&self, canvas: &mut Canvas) {
        let length = self.tip[0].hypot(self.tip[1]);
        // Wide enough for the rail with the pole beyond its ends, at the picture's proportion of 4 to 3.
        let height = (2.0 * (self.rail + 0.35 * length) * 0.75).max(2.6 * length);
        let unit = height / 240.0;
        let line = |canvas: &mut Canvas, ends: [f64; 2]| {
            canvas.capsule([ends[0], 0.0], [ends[1], 0.0], 1.5 * unit, palette::GROUND);
        };
        // The view follows a cart beyond its rail's ends or, where there are none, so that pole and push are seen whole.
        let half = height * 2.0 / 3.0;
        let free = if self.stops { self.rail } else { (half - (1.1 * length).max(64.0 * unit)).max(0.0) };
        let centre = self.x - self.x.clamp(-free, free);
        canvas.view([centre, 0.0], height);
        if self.stops {
            line(canvas, [-self.rail, self.rail]);
            for end in [-self.rail, self.rail] {
                canvas.capsule([end, -8.0 * unit], [end, 8.0 * unit], 1.5 * unit, palette::GROUND);
            }
        } else {
            line(canvas, [centre - half, centre + half]);
            // Marks every metre show the motion where the view moves along.
            for metre in 0..=(2.0 * half) as usize {
                let mark = (centre - half).ceil() + metre as f64;
                canvas.capsule([mark, -7.0 * unit], [mark, 0.0], 0.75 * unit, palette::GROUND);
            }
        }
        if let Some(goal) = self.goal {
            canvas.disc(goal, 7.0 * unit, palette::GOAL);
            canvas.disc(goal, 5.0 * unit, palette::PAPER);
        }
        let hinge = [self.x, 0.0];
        canvas.rectangle(hinge, [19.0 * unit, 10.0 * unit], palette::BODY);
        let side = 19.0 * unit * self.force.signum();
        canvas.arrow([self.x + side, 0.0], 34.0 * unit * self.force, 4.0 * unit, palette::FORCE);
        let tip = [self.x + self.tip[0], self.tip[1]];
        canvas.capsule(hinge, tip, 4.5 * unit, palette::EFFECTOR);
        canvas.disc(hinge, 3.0 * unit, palette::INK);
    }
}

/// A pendulum of length one about the middle, `theta` from upright towards `side` (1: clockwise, −1: counter-clockwise),
/// with what turns it as a share of the most.
pub(crate) fn draw_pendulum(theta: f64, torque: f64, side: f64, canvas: &mut Canvas) {
    canvas.view([0.0, 0.0], 2.6);
    let (sin, cos) = sin_cos(theta);
    let tip = [side * sin, cos];
    canvas.disc([0.0, 0.0], 1.13, palette::PANEL);
    canvas.capsule([0.0, 1.05], [0.0, 1.19], 0.014, palette::GOAL);
    canvas.capsule([0.0, 0.0], tip, 0.06, palette::BODY);
    canvas.disc(tip, 0.12, palette::EFFECTOR);
    canvas.disc([0.0, 0.0], 0.045, palette::INK);
    canvas.turn_arrow([0.0, 0.0], 0.34, -side * torque, palette::FORCE);
}

/// The hill of the mountain car, height 0.55 + 0.45 sin 3x, with its car, its flag, and the push as a share of the most.
pub(crate) fn draw_hill(x: f64, goal: f64, push: f64, canvas: &mut Canvas) {
    let height = |x: f64| 0.55 + 0.45 * (3.0 * x).sin();
    canvas.view([-0.3, 0.62], 1.4);
    canvas.below(height, palette::PANEL);
    let pieces = 90;
    let at = |i: i32| -1.2 + 1.8 * f64::from(i) / f64::from(pieces);
    for i in 0..pieces {
        canvas.capsule([at(i), height(at(i))], [at(i + 1), height(at(i + 1))], 0.006, palette::GROUND);
    }
    let foot = height(goal);
    canvas.capsule([goal, foot], [goal, foot + 0.22], 0.006, palette::INK);
    canvas.polygon(&[[goal, foot + 0.22], [goal + 0.12, foot + 0.175], [goal, foot + 0.13]], palette::GOAL);
    // The car stands on the slope: wheels on the ground, body along the tangent.
    let slope = 1.35 * (3.0 * x).cos();
    let norm = (1.0 + slope * slope).sqrt();
    let (along, up) = ([1.0 / norm, slope / norm], [-slope / norm, 1.0 / norm]);
    let place = |a: f64, u: f64| [x + a * along[0] + u * up[0], height(x) + a * along[1] + u * up[1]];
    canvas.polygon(&[place(-0.08, 0.03), place(0.08, 0.03), place(0.06, 0.085), place(-0.06, 0.085)], palette::BODY);
    for wheel in [-0.05, 0.05] {
        canvas.disc(place(wheel, 0.028), 0.028, palette::INK);
    }
    if push.abs() > 0.02 {
        let from = 0.09 * push.signum();
        canvas.capsule(place(from, 0.055), place(from + 0.12 * push, 0.055), 0.009, palette::FORCE);
        canvas.disc(place(from + 0.12 * push, 0.055), 0.018, palette::FORCE);
    }
}
