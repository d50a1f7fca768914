//! Numbers far from any that an episode reaches: nothing may panic or hang, and a batch must still be its rows.

use proptest::prelude::*;
use worldwright_core::{Actions, Array, Batch, Space};
use worldwright_envs::{ALL, make};
use worldwright_testkit::cases;

/// Ordinary, huge, tiny and not finite.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -10.0..10.0_f64, 2 => -1e7..1e7_f64, 1 => proptest::num::f64::ANY]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(48)))]

    #[test]
    fn any_state_can_be_drawn_and_stepped(numbers in prop::collection::vec(any_number(), 16), push in -3.0..3.0_f64) {
        for entry in ALL {
            let mut made = make(entry.name, &Default::default()).unwrap();
            let Some(simulator) = &made.simulator else { continue };
            let environment = &mut made.environment;
            environment.reset(0).unwrap();
            let action = match environment.action_space() {
                Space::Discrete { .. } => worldwright_core::Value::Integer(1),
                space => worldwright_core::Value::Floats(vec![push; space.flat_dim()]),
            };
            environment.step(&action).unwrap();
            let mut saved = environment.as_persist().unwrap().save();
            let dims = simulator.state_dim();
            saved.put("state", Array::F64(vec![dims], numbers[..dims].to_vec()));
            environment.as_persist().unwrap().restore(&saved).unwrap();
            environment.render().unwrap();
            environment.step(&action).unwrap();
            environment.render().unwrap();
        }
    }

    #[test]
    fn pendulums_in_a_batch_do_not_influence_each_other(
        rows in prop::collection::vec((any_number(), -8.0..8.0_f64, -3.0..3.0_f64), 1..40),
    ) {
        let simulator = make("pendulum", &Default::default()).unwrap().simulator.unwrap();
        let step = |rows: &[(f64, f64, f64)]| {
            let n = rows.len();
            let (mut states, mut torques, mut next) = (Batch::zeros(2, n), Batch::zeros(1, n), Batch::zeros(2, n));
            for (i, (theta, speed, torque)) in rows.iter().enumerate() {
                states.columns_mut().set_row(i, &[*theta, *speed]);
                torques.columns_mut().set_row(i, &[*torque]);
            }
            let (mut reward, mut ended) = (vec![0.0; n], vec![false; n]);
            let actions = Actions::Continuous(torques.columns());
            simulator.step(states.columns(), actions, &mut next.columns_mut(), &mut reward, &mut ended);
            (next, reward)
        };
        let (next, reward) = step(&rows);
        for (i, row) in rows.iter().enumerate() {
            let (next1, reward1) = step(std::slice::from_ref(row));
            // The sign and payload of a NaN mean nothing.
            let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
            prop_assert!(same(next.columns().get(i, 0), next1.columns().get(0, 0)));
            prop_assert!(same(next.columns().get(i, 1), next1.columns().get(0, 1)));
            prop_assert!(same(reward[i], reward1[0]));
        }
    }
}
