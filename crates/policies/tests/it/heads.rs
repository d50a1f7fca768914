//! Actions of every space to a network's numbers and back.

use worldwright_core::{Rng, Space};
use worldwright_policies::ActionHead;

#[test]
fn bounded_numbers_go_to_the_unit_box_and_back() {
    let space = Space::vector(&[-2.0, 0.0], &[2.0, 10.0]);
    let head = ActionHead::new("test", &space).unwrap();
    let mut network = [0.0; 2];
    head.write_network(&[-2.0, 7.5], &mut network).unwrap();
    assert_eq!(network, [-1.0, 0.5]);
    let mut flat = [0.0; 2];
    head.write_numbers(&[-1.0, 0.5], &mut flat);
    assert_eq!(flat, [-2.0, 7.5]);
    // Whatever a network says lies within the bounds.
    head.write_numbers(&[-3.0, 9.0], &mut flat);
    assert_eq!(flat, [-2.0, 10.0]);
}

#[test]
fn everything_countable_is_a_choice() {
    let nested = Space::Tuple(vec![Space::discrete(3), Space::MultiBinary { shape: vec![2] }]);
    for space in [Space::discrete(4), nested] {
        let head = ActionHead::new("test", &space).unwrap();
        assert_eq!(Some(head.choices()), space.count());
        let mut rng = Rng::new(0);
        for _ in 0..20 {
            let action = space.sample(&mut rng);
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(&action, &mut flat).unwrap();
            let mut one_hot = vec![0.0; head.columns()];
            head.write_network(&flat, &mut one_hot).unwrap();
            let choice = one_hot.iter().position(|number| *number == 1.0).unwrap();
            assert_eq!(head.choice(choice), flat);
            assert_eq!(space.element_number(&action), Some(choice));
        }
    }
}

#[test]
fn what_has_no_bounds_is_refused_with_a_way_out() {
    let error = ActionHead::new("sac", &Space::unbounded(1)).unwrap_err().to_string();
    assert!(error.contains("without bounds"), "{error}");
    let mixed = Space::Tuple(vec![Space::discrete(2), Space::vector(&[0.0], &[1.0])]);
    assert!(ActionHead::new("sac", &mixed).unwrap_err().to_string().contains("algorithm=pets"));
}
