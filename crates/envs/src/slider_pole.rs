//! A pole hinged to a cart on a rail as MuJoCo simulates it: what two cart-poles share.
//!
//! With x the cart, θ the turn about +y, (p, q) the pole's centre of mass seen from the hinge at that turn (q up), J its
//! inertia about the hinge, M the mass of both and m of the pole:
//!
//! ```text
//! M ẍ + m q θ̈ = F − bₓ ẋ + m p θ̇² + f        m q ẍ + J θ̈ = m g p − b_θ θ̇
//! ```
//!
//! f is the force of the rail's end: MuJoCo's soft constraint, which for one row has the closed form
//! f = max(0, (a_ref − a₀)/(A + R)) (MuJoCo documentation, "Computation": solver parameters). Integrated by RK4.

use worldwright_numerics::trig::sin_cos;

/// Impedance of MuJoCo's default `solimp`: from d₀ to d₁ over a width, a parabola at either end.
const IMPEDANCE: [f64; 3] = [0.9, 0.95, 0.001];

/// Constants of one cart-pole.
#[derive(Debug, Clone)]
pub(crate) struct SliderPole {
    /// Cart and pole, kg.
    pub total_mass: f64,
    /// Pole, kg.
    pub pole_mass: f64,
    /// Inertia of the pole about the hinge, kg m².
    pub pole_inertia: f64,
    /// Centre of mass of the pole from the hinge at θ = 0: across and up, m.
    pub pole_centre: [f64; 2],
    /// Damping of the slider, N s/m, and of the hinge, N m s.
    pub damping: [f64; 2],
    /// Gravity, m/s².
    pub gravity: f64,
    /// The rail ends at ± this, m.
    pub rail: f64,
    /// Time constant of the rail's end, s: at least two time steps.
    pub rail_time: f64,
    /// Seconds of one integration step.
    pub dt: f64,
}

impl SliderPole {
    /// Accelerations of (x, θ) under a force on the cart.
    fn acceleration(&self, [x, theta, x_dot, theta_dot]: [f64; 4], force: f64) -> [f64; 2] {
        let (sin, cos) = sin_cos(theta);
        let [across, up] = self.pole_centre;
        let (p, q) = (across * cos + up * sin, up * cos - across * sin);
        let coupling = self.pole_mass * q;
        let determinant = self.total_mass * self.pole_inertia - coupling * coupling;
        let solve = |cart: f64, pole: f64| {
            [
                (self.pole_inertia * cart - coupling * pole) / determinant,
                (self.total_mass * pole - coupling * cart) / determinant,
            ]
        };
        let cart = force - self.damping[0] * x_dot + self.pole_mass * p * theta_dot * theta_dot;
        let pole = self.pole_mass * self.gravity * p - self.damping[1] * theta_dot;
        let free = solve(cart, pole);
        let distance = self.rail - x.abs();
        if distance >= 0.0 || distance.is_nan() {
            return free;
        }
        let inward = -x.signum();
        let wall = self.wall_force(distance, inward * x_dot, inward * free[0], self.pole_inertia / determinant);
        solve(cart + inward * wall, pole)
    }

    /// Force of the rail's end on a cart that is `distance` < 0 beyond it, with its inward velocity, the inward acceleration
    /// it would have and the inverse of its effective mass.
    fn wall_force(&self, distance: f64, velocity: f64, acceleration: f64, inverse_mass: f64) -> f64 {
        let [d0, d1, width] = IMPEDANCE;
        let depth = (-distance / width).min(1.0);
        let blend = if depth <= 0.5 { 2.0 * depth * depth } else { 1.0 - 2.0 * (1.0 - depth) * (1.0 - depth) };
        let impedance = d0 + blend * (d1 - d0);
        let stiffness = 1.0 / (d1 * d1 * self.rail_time * self.rail_time);
        let damping = 2.0 / (d1 * self.rail_time);
        let reference = -damping * velocity - stiffness * impedance * distance;
        // MuJoCo scales the softness by the inverse effective mass of the initial configuration.
        let rest = self.pole_mass * self.pole_centre[1];
        let rest_inverse = self.pole_inertia / (self.total_mass * self.pole_inertia - rest * rest);
        let softness = (1.0 - impedance) / impedance * rest_inverse;
        ((reference - acceleration) / (inverse_mass + softness)).max(0.0)
    }

    /// One Runge–Kutta step of (x, θ, ẋ, θ̇) under a constant force.
    pub(crate) fn step(&self, state: [f64; 4], force: f64) -> [f64; 4] {
        let derivative = |s: [f64; 4]| {
            let [x_acc, theta_acc] = self.acceleration(s, force);
            [s[2], s[3], x_acc, theta_acc]
        };
        let along = |k: [f64; 4], h: f64| std::array::from_fn(|i| state[i] + h * k[i]);
        let k1 = derivative(state);
        let k2 = derivative(along(k1, self.dt / 2.0));
        let k3 = derivative(along(k2, self.dt / 2.0));
        let k4 = derivative(along(k3, self.dt));
        std::array::from_fn(|i| state[i] + self.dt * (k1[i] / 6.0 + k2[i] / 3.0 + k3[i] / 3.0 + k4[i] / 6.0))
    }
}

/// Volume of a capsule, m³: a cylinder with two half spheres.
pub(crate) fn capsule_volume(radius: f64, length: f64) -> f64 {
    let area = std::f64::consts::PI * radius * radius;
    area * length + area * radius * (4.0 / 3.0)
}

/// Inertia of a capsule about an axis through its centre across it, kg m².
pub(crate) fn capsule_inertia(mass: f64, radius: f64, length: f64) -> f64 {
    let spheres = mass * 4.0 * radius / (4.0 * radius + 3.0 * length);
    let cylinder = mass - spheres;
    cylinder * (3.0 * radius * radius + length * length) / 12.0
        + spheres * (0.4 * radius * radius + length * length / 4.0 + 0.375 * radius * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_capsule_is_a_rod_and_a_short_one_a_sphere() {
        assert!((capsule_inertia(3.0, 1e-9, 2.0) - 1.0).abs() < 1e-8);
        assert!((capsule_inertia(2.0, 0.5, 0.0) - 0.4 * 2.0 * 0.25).abs() < 1e-15);
        assert!((capsule_inertia(0.1, 0.045, 1.0) - 0.009_424_6).abs() < 1e-7);
    }

    #[test]
    fn without_damping_energy_is_kept_to_fourth_order() {
        let pole = |dt: f64| SliderPole {
            total_mass: 1.5,
            pole_mass: 0.5,
            pole_inertia: 0.2,
            pole_centre: [0.1, 0.4],
            damping: [0.0; 2],
            gravity: 9.81,
            rail: 100.0,
            rail_time: 0.1,
            dt,
        };
        let energy = |s: [f64; 4]| {
            let (sin, cos) = s[1].sin_cos();
            let up = 0.4 * cos - 0.1 * sin;
            0.75 * s[2] * s[2] + 0.5 * up * s[2] * s[3] + 0.1 * s[3] * s[3] + 0.5 * 9.81 * up
        };
        let drift = |steps: usize| {
            let system = pole(1.0 / steps as f64);
            let start = [0.0, 0.5, 0.3, -0.2];
            let end = (0..steps).fold(start, |state, _| system.step(state, 0.0));
            (energy(end) - energy(start)).abs()
        };
        let (coarse, fine) = (drift(50), drift(100));
        assert!(coarse < 1e-5, "{coarse:e}");
        // Halving the step divides the error by at least 2⁴, less a margin.
        assert!(coarse / fine > 12.0, "{coarse:e} {fine:e}");
    }
}
