//! Many roots at once: each as if it were alone, and in parts on several threads.

use worldwright_core::Setting::{Float, Integer};
use worldwright_core::{Budget, Key, Observation, Value, WorldModel};
use worldwright_envs::games::{ConnectFour, GameModel, Stones};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::Forest;
use worldwright_testkit::ProcessModel;
use worldwright_testkit::tabular::Process;

use super::branching::branching;
use super::{METHODS, search};
use crate::{declared, settings};

#[test]
fn many_roots_at_once_are_each_alone() {
    let model = GameModel::<ConnectFour>::new().without_value();
    let starts = [vec![], vec![3], vec![3, 3, 4], vec![0, 6, 1, 5]];
    for name in ["puct", "gumbel"] {
        let branching = branching();
        let overrides = declared(name, settings([("simulations", Integer(60)), ("gumbel_scale", Float(0.0))]));
        let context = PlannerContext::for_model(branching.spec(), 0);
        let mut many = Forest::new(name, &context, &overrides, 5).unwrap();
        let mut world = branching.imagination(many.rows());
        for root in 0..5 {
            world.observe(root, None, &Value::Floats(vec![root as f64]), Key::new(0)).unwrap();
        }
        many.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
        for root in 0..5 {
            let alone = search(name, &branching, &Value::Floats(vec![root as f64]), &overrides);
            let (mut visits, mut want) = ([0; 3], [0; 3]);
            many.visits(root, &mut visits);
            alone.visits(0, &mut want);
            assert_eq!((visits, many.value(root)), (want, alone.value(0)), "{name}, root {root}");
        }
    }
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut many = Forest::new("uct", &context, &settings([("simulations", Integer(500))]), 4).unwrap();
    let mut world = model.imagination(many.rows());
    for (root, columns) in starts.iter().enumerate() {
        let position = GameModel::<ConnectFour>::observation(Stones::after(columns).unwrap());
        world.observe(root, None, &position, Key::new(0)).unwrap();
    }
    many.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    assert!((0..4).all(|root| many.decide(root).is_some() && many.depth(root).mean > 1.0));
}

/// A model and what its roots see.
type World<'a> = (&'a dyn WorldModel, &'a (dyn Fn(usize) -> Observation + Sync));

/// Two parts on two threads find the bytes of one forest on one thread, whatever is random in it.
#[test]
fn parts_on_two_threads_find_what_one_forest_finds() {
    let model = GameModel::<ConnectFour>::new();
    let rolled = GameModel::<ConnectFour>::new().without_value();
    let lake = ProcessModel::new("frozen-lake", Process::frozen_lake(), 0.99);
    let position = |root: usize| {
        GameModel::<ConnectFour>::observation(Stones::after(&[root % 7, root / 7, 3][..root % 4]).unwrap())
    };
    let found = |name: &str, model: &dyn WorldModel, roots: std::ops::Range<usize>, state: &dyn Fn(usize) -> _| {
        let mut overrides =
            settings([("simulations", Integer(150)), ("leaves", Integer(4)), ("temperature", Float(1.0))]);
        overrides.extend(settings([("rollout_steps", Integer(20)), ("dirichlet_fraction", Float(0.25))]));
        let overrides = declared(name, overrides);
        let mut forest =
            Forest::part(name, &PlannerContext::for_model(model.spec(), 0), &overrides, roots.clone()).unwrap();
        let mut world = model.imagination(forest.rows());
        for (row, root) in roots.clone().enumerate() {
            world.observe(row, None, &state(root), Key::new(root as u64)).unwrap();
        }
        forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
        (0..roots.len()).map(|root| (forest.decide(root), forest.value(root).unwrap().to_bits())).collect::<Vec<_>>()
    };
    let models: [World<'_>; 3] =
        [(&model, &position), (&rolled, &position), (&lake, &|root| Value::Integer(root as i64 % 4))];
    for (name, (model, state)) in METHODS.iter().flat_map(|name| models.map(|model| (name, model))) {
        let whole = found(name, model, 0..24, state);
        let parts = std::thread::scope(|scope| {
            let work = [0..16, 16..24].map(|roots| scope.spawn(|| found(name, model, roots, state)));
            work.map(|part| part.join().unwrap()).concat()
        });
        assert_eq!(parts, whole, "{name} in {}", model.spec().name);
        assert!(whole.iter().any(|found| found != &whole[0]), "{name} in {}", model.spec().name);
    }
    let context = PlannerContext::for_model(model.spec(), 0);
    for roots in [8..16, 16..16] {
        assert!(Forest::part("uct", &context, &settings([]), roots).is_err());
    }
}
