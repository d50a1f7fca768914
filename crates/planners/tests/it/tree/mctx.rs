//! Beside mctx: the same nodes in the same order, over worlds whose trees `mctx_trees.py` wrote down.

use std::collections::BTreeMap;
use std::sync::Mutex;

use worldwright_core::Setting::{Bool, Float, Integer, Numbers, Text};
use worldwright_core::{Capabilities, Key, ModelSpec, Setting, Space, Value};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use super::search;

/// A world of the nodes that were expanded elsewhere; its state is a node's number. Every step is noted.
struct Recorded {
    spec: ModelSpec,
    discount: f64,
    nodes: Vec<Node>,
    taken: Mutex<Vec<(usize, usize)>>,
}

struct Node {
    parent: usize,
    action: usize,
    reward: f64,
    value: f64,
    logits: Vec<f64>,
}

impl Dynamics for Recorded {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        let from = (state[0] as usize, choice as usize);
        self.taken.lock().unwrap().push(from);
        // Beyond what was recorded the comparison has failed already: any node will do.
        let next = self.nodes.iter().skip(1).position(|node| (node.parent, node.action) == from).map_or(0, |i| i + 1);
        state[0] = next as f64;
        (out.reward, out.continuation) = (self.nodes[next].reward, self.discount);
    }
    fn value(&self, state: &[f64]) -> f64 {
        self.nodes[state[0] as usize].value
    }
    fn prior(&self, state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.copy_from_slice(&self.nodes[state[0] as usize].logits);
    }
}

fn setting(text: &str) -> Setting {
    if let Ok(whole) = text.parse() {
        Integer(whole)
    } else if let Ok(real) = text.parse() {
        Float(real)
    } else if let Ok(flag) = text.parse() {
        Bool(flag)
    } else if text.contains(',') {
        Numbers(text.split(',').map(|number| number.parse().unwrap()).collect())
    } else {
        Text(text.to_owned())
    }
}

#[test]
fn trees_are_those_of_mctx_node_by_node() {
    let mut cases = 0;
    for case in include_str!("mctx_trees.txt").split("case ").skip(1) {
        let mut lines = case.lines();
        let head: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let [name, actions, simulations, discount] = head[..4] else { panic!("{head:?}") };
        let actions: usize = actions.parse().unwrap();
        let numbers = |line: &str| line.split(' ').skip(1).map(|x| x.parse().unwrap()).collect::<Vec<f64>>();
        let (nodes, roots): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("node"));
        let nodes: Vec<Node> = nodes
            .iter()
            .map(|line| numbers(line))
            .map(|row| Node {
                parent: row[0].max(0.0) as usize,
                action: row[1].max(0.0) as usize,
                reward: row[2],
                value: row[3],
                logits: row[4..].to_vec(),
            })
            .collect();
        let plain = plain_spec("recorded", 1, Space::discrete(actions));
        let spec = ModelSpec { capabilities: Capabilities { prior: true, value: true, ..plain.capabilities }, ..plain };
        let wanted: Vec<(usize, usize)> = nodes.iter().skip(1).map(|node| (node.parent, node.action)).collect();
        let model =
            DynamicsModel(Recorded { spec, discount: discount.parse().unwrap(), nodes, taken: Mutex::default() });
        let mut overrides: BTreeMap<String, Setting> =
            head[4..].iter().filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), setting(v))).collect();
        overrides.insert("simulations".to_owned(), setting(simulations));
        if name == "gumbel" {
            overrides.insert("gumbel_scale".to_owned(), Float(0.0));
        }
        let forest = search(name, &model, &Value::Floats(vec![0.0]), &overrides);
        assert_eq!(*model.0.taken.lock().unwrap(), wanted, "{head:?}");
        let root = numbers(roots[0]);
        let (mut visits, mut values, mut policy) = (vec![0; actions], vec![0.0; actions], vec![0.0; actions]);
        forest.visits(0, &mut visits);
        forest.action_values(0, &mut values);
        forest.policy(0, &mut policy);
        for action in 0..actions {
            assert_eq!(f64::from(visits[action]), root[action], "{head:?}, action {action}");
            let (value, want) = (values[action], root[actions + action]);
            assert!(visits[action] == 0 || (value - want).abs() < 1e-5, "{head:?}: {value} for {want}");
            let want = root[2 * actions + action];
            assert!((policy[action] - want).abs() < 1e-4, "{head:?}: {} for {want}", policy[action]);
        }
        cases += 1;
    }
    assert!(cases >= 10, "{cases} cases");
}
