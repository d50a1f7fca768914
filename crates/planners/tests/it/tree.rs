//! Tree search against games that are solved, bandits with closed forms, and a reference that is written plainly.

use std::collections::{BTreeMap, HashMap, HashSet};

use connect_four_ai::{Position, Solver};
use worldwright_core::Setting::{Bool, Float, Integer, Text};
use worldwright_core::{Budget, Error, Key, Observation, PlanStatus, Setting, Space, Value, WorldModel};
use worldwright_planners::tree::Forest;
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::games::{ConnectFour, Game, GameModel, Marks, Stones, TicTacToe};
use worldwright_testkit::tabular::Process;
use worldwright_testkit::{ProcessModel, check_planner, check_world_model};

use crate::{declared, planner, settings};

const METHODS: [&str; 3] = ["uct", "puct", "gumbel"];

fn forest(name: &str, model: &dyn WorldModel, overrides: &BTreeMap<String, Setting>) -> Forest {
    Forest::new(name, &PlannerContext::for_model(model.spec(), 0), overrides, 1).unwrap()
}

/// One search from a state, with an arena of its own.
fn search(name: &str, model: &dyn WorldModel, state: &Observation, overrides: &BTreeMap<String, Setting>) -> Forest {
    let mut forest = forest(name, model, overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, state, Key::new(3)).unwrap();
    forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    forest
}

/// The exact value of a position of tic-tac-toe, with the number of games that go on from it.
fn solve(position: Marks, known: &mut HashMap<u64, (f64, u64, [u64; 3])>) -> (f64, u64, [u64; 3]) {
    if let Some(found) = known.get(&TicTacToe::key(position)) {
        return *found;
    }
    let (mut value, mut games, mut ends) = (f64::NEG_INFINITY, 0, [0; 3]);
    for choice in 0..9 {
        let Some(moved) = TicTacToe::play(position, choice) else { continue };
        let (below, count, more) = if moved.over {
            // Won by the mover, lost, drawn.
            let won = moved.reward > 0.0;
            (moved.reward, 1, [u64::from(won), 0, u64::from(!won)])
        } else {
            let (value, count, ends) = solve(moved.position, known);
            (-value, count, [ends[1], ends[0], ends[2]])
        };
        value = value.max(below);
        games += count;
        ends.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    known.insert(TicTacToe::key(position), (value, games, ends));
    (value, games, ends)
}

#[test]
fn tic_tac_toe_has_its_known_size() {
    let (mut level, mut all) = (vec![TicTacToe::start()], HashSet::from([TicTacToe::key(TicTacToe::start())]));
    while !level.is_empty() {
        let mut next = Vec::new();
        for moved in level.iter().flat_map(|position| (0..9).filter_map(|choice| TicTacToe::play(*position, choice))) {
            if all.insert(TicTacToe::key(moved.position)) && !moved.over {
                next.push(moved.position);
            }
        }
        level = next;
    }
    assert_eq!(all.len(), 5478);
    assert_eq!(solve(TicTacToe::start(), &mut HashMap::new()), (0.0, 255_168, [131_184, 77_904, 46_080]));
}

#[test]
fn connect_four_has_its_known_number_of_positions() {
    let (mut level, mut counts) = (vec![ConnectFour::start()], vec![1]);
    for _ in 0..7 {
        let mut seen = HashSet::new();
        let mut next = Vec::new();
        let mut positions = 0;
        for moved in level.iter().flat_map(|position| (0..7).filter_map(|choice| ConnectFour::play(*position, choice)))
        {
            if seen.insert(ConnectFour::key(moved.position)) {
                positions += 1;
                if !moved.over {
                    next.push(moved.position);
                }
            }
        }
        counts.push(positions);
        level = next;
    }
    assert_eq!(counts, [1, 7, 49, 238, 1120, 4263, 16422, 54859]);
}

#[test]
fn the_games_are_sound_models() {
    let after = |columns: &[usize]| GameModel::<ConnectFour>::observation(Stones::after(columns).unwrap());
    check_world_model(&GameModel::<ConnectFour>::new(), &[after(&[]), after(&[3, 3, 2])], 0.0);
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    check_world_model(&GameModel::<TicTacToe>::new().without_value(), &[start], 0.0);
    let lake = ProcessModel::new("frozen-lake", Process::frozen_lake(), 0.99);
    check_world_model(&lake, &[Value::Integer(0), Value::Integer(14)], 0.0);
}

#[test]
fn every_method_keeps_the_contract_in_a_game() {
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    for name in METHODS {
        for reuse in [false, true] {
            if name == "gumbel" && reuse {
                continue;
            }
            let mut overrides = settings([
                ("simulations", Integer(48)),
                ("leaves", Integer(4)),
                ("horizon", Integer(6)),
                ("rollout_steps", Integer(9)),
            ]);
            if reuse {
                overrides.insert("reuse".to_owned(), Bool(true));
            }
            for model in [GameModel::<TicTacToe>::new(), GameModel::<TicTacToe>::new().without_value()] {
                let build = |seed| planner(name, &model, seed, &overrides);
                check_planner(name, &build, &model, &start);
            }
        }
    }
}

/// All the opponent's replies are tried against the planner, moving first and second: it never loses, and its claims of proof are true.
fn never_loses(name: &str, overrides: &BTreeMap<String, Setting>) {
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest(name, &model, overrides);
    let mut world = model.imagination(forest.rows());
    let mut known = HashMap::new();
    let mut visited = HashSet::new();
    let replies = |position: Marks| (0..9).filter_map(move |choice| TicTacToe::play(position, choice));
    let mut open = vec![TicTacToe::start()];
    open.extend(replies(TicTacToe::start()).map(|moved| moved.position));
    while let Some(position) = open.pop() {
        if !visited.insert(TicTacToe::key(position)) {
            continue;
        }
        world.observe(0, None, &GameModel::<TicTacToe>::observation(position), Key::new(0)).unwrap();
        let report = forest.search(&mut *world, &Budget::default(), Key::new(9)).unwrap();
        let (value, ..) = solve(position, &mut known);
        assert!(value >= 0.0, "{name} is lost in {position:?}");
        if report.status == PlanStatus::Converged {
            assert_eq!(forest.value(0), Some(value), "{name}: what is proven of {position:?}");
        }
        let choice = forest.decide(0).unwrap() as usize;
        let moved = TicTacToe::play(position, choice).expect("an applicable move");
        if !moved.over {
            assert!(solve(moved.position, &mut known).0 <= 0.0, "{name} loses by {choice} in {position:?}");
            open.extend(replies(moved.position).filter(|reply| !reply.over).map(|reply| reply.position));
        }
    }
    assert!(visited.len() > 100, "{name}: only {} positions", visited.len());
}

#[test]
fn uct_never_loses_tic_tac_toe() {
    never_loses("uct", &settings([("simulations", Integer(2000))]));
    never_loses("uct", &settings([("simulations", Integer(2000)), ("solve", Bool(false)), ("leaves", Integer(1))]));
    never_loses("uct", &settings([("simulations", Integer(2000)), ("transpositions", Bool(true))]));
}

#[test]
fn puct_never_loses_tic_tac_toe() {
    let overrides = [("simulations", Integer(6000)), ("leaves", Integer(8)), ("pb_c_init", Float(2.5))];
    never_loses("puct", &settings(overrides));
}

/// Where one move wins at once, or just one keeps the other player from that, Gumbel nearly always finds it, though every value that it sees is
/// the result of a single random playout.
#[test]
fn gumbel_sees_what_the_next_two_moves_decide() {
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest("gumbel", &model, &settings([("simulations", Integer(400)), ("gumbel_scale", Float(0.0))]));
    let mut world = model.imagination(forest.rows());
    let (mut seen, mut open) = (HashSet::new(), vec![TicTacToe::start()]);
    let (mut decided, mut right) = (0, 0);
    while let Some(position) = open.pop() {
        let moves = || (0..9).filter_map(|choice| Some((choice, TicTacToe::play(position, choice)?)));
        let wins = |position| (0..9).any(|choice| TicTacToe::play(position, choice).is_some_and(|m| m.reward > 0.0));
        let winning: Vec<usize> = moves().filter(|(_, moved)| moved.reward > 0.0).map(|(choice, _)| choice).collect();
        let safe: Vec<usize> = moves().filter(|(_, m)| m.over || !wins(m.position)).map(|(choice, _)| choice).collect();
        let good = if winning.is_empty() { safe } else { winning };
        if good.len() == 1 && moves().count() > 1 {
            world.observe(0, None, &GameModel::<TicTacToe>::observation(position), Key::new(0)).unwrap();
            forest.search(&mut *world, &Budget::default(), Key::new(9)).unwrap();
            decided += 1;
            right += u32::from(forest.decide(0) == Some(good[0] as u32));
        }
        open.extend(
            moves().map(|(_, m)| m).filter(|m| !m.over && seen.insert(TicTacToe::key(m.position))).map(|m| m.position),
        );
    }
    assert!(decided > 1000 && right * 100 >= decided * 95, "{right} of {decided}");
}

#[test]
fn the_solver_proves_that_tic_tac_toe_is_a_draw() {
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    let overrides = settings([("simulations", Integer(40_000)), ("transpositions", Bool(true))]);
    let model = GameModel::<TicTacToe>::new();
    let mut forest = forest("uct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &start, Key::new(3)).unwrap();
    let report = forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    assert_eq!((report.status, forest.value(0)), (PlanStatus::Converged, Some(0.0)), "{report:?}");
    // Joined ways need fewer steps than there are positions with a move each.
    assert!(report.model_steps < 16_168, "{}", report.model_steps);
}

/// The oracle's scores of the seven first moves, and where UCT opens.
#[test]
fn connect_four_opens_in_the_centre() {
    let scores = Solver::new().get_all_move_scores(&Position::new());
    assert_eq!(scores.map(Option::unwrap), [-2, -1, 0, 1, 0, -1, -2]);
    let model = GameModel::<ConnectFour>::new();
    let start = GameModel::<ConnectFour>::observation(ConnectFour::start());
    let forest = search("uct", &model, &start, &settings([("simulations", Integer(20_000))]));
    assert_eq!(forest.decide(0), Some(3));
}

/// Positions of 22 plies by random play in which just one move wins by force, as the oracle says.
fn solved_positions(count: usize) -> Vec<(Stones, usize)> {
    let mut solver = Solver::new();
    let mut rng = worldwright_core::Rng::new(11);
    let mut found = Vec::new();
    while found.len() < count {
        let columns: Vec<usize> = (0..22).map(|_| rng.below(7) as usize).collect();
        let Some(stones) = Stones::after(&columns) else { continue };
        let mut position = Position::new();
        columns.iter().for_each(|column| position.play(*column));
        let scores = solver.get_all_move_scores(&position);
        let winning: Vec<usize> = (0..7).filter(|column| scores[*column].is_some_and(|score| score > 0)).collect();
        if winning.len() == 1 && !position.can_win_next() {
            found.push((stones, winning[0]));
        }
    }
    found
}

#[test]
fn uct_finds_the_only_winning_move_of_solved_positions() {
    let model = GameModel::<ConnectFour>::new();
    let positions = solved_positions(40);
    let overrides = settings([("simulations", Integer(20_000))]);
    let mut forest = forest("uct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    let mut right = 0;
    for (position, best) in &positions {
        world.observe(0, None, &GameModel::<ConnectFour>::observation(*position), Key::new(0)).unwrap();
        forest.search(&mut *world, &Budget::default(), Key::new(1)).unwrap();
        right += usize::from(forest.decide(0) == Some(*best as u32));
    }
    assert!(right >= 38, "{right} of {}", positions.len());
}

/// Frozen lake, where each move slips to either side two times of three.
#[test]
fn chance_nodes_find_the_values_of_the_frozen_lake() {
    for (discount, want) in [(0.99, 0.542_025_932), (1.0, 14.0 / 17.0)] {
        let model = ProcessModel::new("frozen-lake", Process::frozen_lake(), discount);
        let overrides = settings([
            ("simulations", Integer(30_000)),
            ("leaves", Integer(8)),
            ("horizon", Integer(200)),
            ("rollout_steps", Integer(1)),
            ("transpositions", Bool(true)),
            ("chance_exponent", Float(1.0)),
            ("backup", Text("maximum".to_owned())),
            ("nodes", Integer(64)),
        ]);
        let forest = search("uct", &model, &Value::Integer(0), &overrides);
        let got = forest.value(0).unwrap();
        assert!((got - want).abs() < 0.02 * want, "discount {discount}: {got} instead of {want}");
        // Left is the only optimal first move, as long as time costs something.
        assert!(discount == 1.0 || forest.decide(0) == Some(0), "discount {discount}");
    }
}

/// A bandit: one step to the end, with these rewards, behind a prior and a value of the root.
struct Bandit {
    spec: worldwright_core::ModelSpec,
    rewards: Vec<f64>,
    logits: Vec<f64>,
    value: f64,
}

impl Bandit {
    fn new(rewards: &[f64], logits: &[f64], value: f64) -> Self {
        let mut spec = GameModel::<TicTacToe>::new().spec().clone();
        spec.name = "bandit".to_owned();
        spec.action_space = Space::discrete(rewards.len());
        spec.observation_space = Space::unbounded(1);
        (spec.has_prior, spec.has_value) = (true, true);
        Self { spec, rewards: rewards.to_vec(), logits: logits.to_vec(), value }
    }
}

impl worldwright_testkit::Dynamics for Bandit {
    fn spec(&self) -> &worldwright_core::ModelSpec {
        &self.spec
    }
    fn advance(
        &self,
        _place: worldwright_testkit::Place,
        _state: &mut [f64],
        _next: &mut [f64],
        action: worldwright_testkit::LaneAction<'_>,
        _key: Key,
        out: &mut worldwright_testkit::Outcome<'_>,
    ) {
        let worldwright_testkit::LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = self.rewards[choice as usize];
        out.continuation = 0.0;
    }
    fn value(&self, _state: &[f64]) -> f64 {
        self.value
    }
    fn prior(&self, _state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.copy_from_slice(&self.logits);
    }
}

/// Four actions, eight simulations without noise: halving visits all four once, then the better two twice more. The improved policy is
/// `softmax(logit + σ(q))` in closed form, its expected reward above the prior's.
#[test]
fn gumbel_improves_the_policy_of_a_bandit_as_its_closed_form_says() {
    let (rewards, logits) = ([0.1, 0.9, 0.3, 0.7], [0.5, -1.0, 0.2, 0.0]);
    let model = worldwright_testkit::DynamicsModel(Bandit::new(&rewards, &logits, 0.4));
    let overrides = settings([("simulations", Integer(8)), ("gumbel_scale", Float(0.0)), ("solve", Bool(false))]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let mut visits = [0; 4];
    forest.visits(0, &mut visits);
    assert_eq!(visits, [1, 3, 1, 3]);
    assert_eq!(forest.decide(0), Some(1));
    let sigma = |q: f64| (50.0 + 3.0) * 0.1 * (q - 0.1) / 0.8;
    let weights: Vec<f64> = logits.iter().zip(rewards).map(|(logit, q)| (logit + sigma(q)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 4];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// With two simulations only the two likeliest actions are seen; the others count with the mixed value.
#[test]
fn gumbel_completes_what_was_not_visited_by_the_mixed_value() {
    let (rewards, logits): ([f64; 3], [f64; 3]) = ([0.0, 1.0, 5.0], [1.0, 0.5, 0.0]);
    let model = worldwright_testkit::DynamicsModel(Bandit::new(&rewards, &logits, 0.2));
    let overrides = settings([
        ("simulations", Integer(2)),
        ("considered", Integer(2)),
        ("gumbel_scale", Float(0.0)),
        ("solve", Bool(false)),
    ]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    let prior = logits.map(|logit| logit.exp() / total);
    let mixed = (0.2 + 2.0 * prior[1] / (prior[0] + prior[1])) / 3.0;
    let weights = [0.0, 1.0, mixed].map(|q| (50.0 + 1.0) * 0.1 * q);
    let weights: Vec<f64> = weights.iter().zip(logits).map(|(sigma, logit)| (sigma + logit).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 3];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// Over many draws of the noise, the first action that Gumbel considers has the prior's frequencies.
#[test]
fn gumbel_samples_actions_by_the_prior() {
    let logits: [f64; 3] = [1.0, 0.0, -1.0];
    let model = worldwright_testkit::DynamicsModel(Bandit::new(&[0.0; 3], &logits, 0.0));
    let overrides = settings([("simulations", Integer(1)), ("considered", Integer(1))]);
    let mut forest = forest("gumbel", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut counts = [0.0; 3];
    for seed in 0..6000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        counts[forest.decide(0).unwrap() as usize] += 1.0 / 6000.0;
    }
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for (got, logit) in counts.iter().zip(logits) {
        // Five standard deviations of a frequency.
        assert!((got - logit.exp() / total).abs() < 5.0 * 0.5 / 6000.0_f64.sqrt(), "{counts:?}");
    }
}

/// A tree world of known rewards: the state is the path's number in base 3, the prior and the value are functions of it.
struct Branching(worldwright_core::ModelSpec);

fn hashed(state: f64, salt: f64) -> f64 {
    let x = (state * 12.9898 + salt * 78.233).sin() * 43_758.547;
    x - x.floor()
}

impl worldwright_testkit::Dynamics for Branching {
    fn spec(&self) -> &worldwright_core::ModelSpec {
        &self.0
    }
    fn advance(
        &self,
        _place: worldwright_testkit::Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: worldwright_testkit::LaneAction<'_>,
        _key: Key,
        out: &mut worldwright_testkit::Outcome<'_>,
    ) {
        let worldwright_testkit::LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        state[0] = state[0] * 3.0 + f64::from(choice) + 1.0;
        out.reward = hashed(state[0], 1.0);
        out.continuation = 0.9;
    }
    fn value(&self, state: &[f64]) -> f64 {
        3.0 * hashed(state[0], 2.0)
    }
    fn prior(&self, state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        (0..3).for_each(|a| mean[a] = f64::from(hashed(state[0], 3.0 + a as f64) as f32));
    }
}

/// MuZero's pseudocode for one search, with boxed nodes and recursion, in place of arenas and rounds.
struct Reference {
    state: f64,
    reward: f64,
    visits: f64,
    sum: f64,
    prior: f64,
    children: Vec<Reference>,
}

impl Reference {
    fn new(prior: f64) -> Self {
        Self { state: 0.0, reward: 0.0, visits: 0.0, sum: 0.0, prior, children: Vec::new() }
    }
    fn q(&self) -> f64 {
        self.reward + 0.9 * self.sum / self.visits
    }
    fn expand(&mut self) -> f64 {
        let weights: Vec<f64> =
            (0..3).map(|a| f64::from(hashed(self.state, 3.0 + f64::from(a)) as f32).exp()).collect();
        let sum: f64 = weights.iter().sum();
        self.children = weights.iter().map(|weight| Self::new(weight / sum)).collect();
        3.0 * hashed(self.state, 2.0)
    }
    fn simulate(&mut self, range: &mut (f64, f64), inner_visits: f64) -> f64 {
        let n = inner_visits;
        let score = |child: &Self| {
            let width = if range.1 > range.0 { range.1 - range.0 } else { 1.0 };
            let q = if child.visits > 0.0 { (child.q() - range.0) / width } else { 0.0 };
            q + child.prior * n.sqrt() / (1.0 + child.visits) * (1.25 + ((n + 19652.0 + 1.0) / 19652.0).ln())
        };
        let scores: Vec<f64> = self.children.iter().map(score).collect();
        let best = (0..3).fold(0, |best, a| if scores[a] > scores[best] { a } else { best });
        let state = self.state;
        let child = &mut self.children[best];
        let value = if child.visits == 0.0 {
            child.state = state * 3.0 + best as f64 + 1.0;
            child.reward = hashed(child.state, 1.0);
            child.expand()
        } else {
            let visits = child.visits;
            child.simulate(range, visits)
        };
        child.visits += 1.0;
        child.sum += value;
        *range = (range.0.min(child.q()), range.1.max(child.q()));
        child.reward + 0.9 * value
    }
}

#[test]
fn puct_visits_what_the_published_pseudocode_visits() {
    let mut spec = Bandit::new(&[0.0; 3], &[0.0; 3], 0.0).spec;
    spec.name = "branching".to_owned();
    let model = worldwright_testkit::DynamicsModel(Branching(spec));
    for simulations in [1, 2, 10, 100, 400] {
        let overrides = settings([("simulations", Integer(simulations))]);
        let forest = search("puct", &model, &Value::Floats(vec![0.0]), &overrides);
        let (mut root, mut range) = (Reference::new(1.0), (f64::INFINITY, f64::NEG_INFINITY));
        root.expand();
        for i in 0..simulations {
            root.simulate(&mut range, i as f64 + 1.0);
        }
        let mut visits = [0; 3];
        forest.visits(0, &mut visits);
        let want: Vec<u32> = root.children.iter().map(|child| child.visits as u32).collect();
        assert_eq!(visits.to_vec(), want, "{simulations} simulations");
        let mut values = [0.0; 3];
        forest.action_values(0, &mut values);
        for (got, child) in values.iter().zip(&root.children).filter(|(_, child)| child.visits > 0.0) {
            assert!((got - child.q()).abs() < 1e-9, "{got} instead of {}", child.q());
        }
    }
}

#[test]
fn many_roots_at_once_are_each_alone() {
    let model = GameModel::<ConnectFour>::new().without_value();
    let starts = [vec![], vec![3], vec![3, 3, 4], vec![0, 6, 1, 5]];
    for name in ["puct", "gumbel"] {
        let mut spec = Bandit::new(&[0.0; 3], &[0.0; 3], 0.0).spec;
        spec.name = "branching".to_owned();
        let branching = worldwright_testkit::DynamicsModel(Branching(spec));
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

#[test]
fn what_cannot_be_searched_is_told() {
    let context =
        PlannerContext { action_space: Space::vector(&[-1.0], &[1.0]), members: 1, deterministic: true, seed: 0 };
    for name in METHODS {
        let refused = make(name, &context, &settings([])).map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Unsupported { .. }) && refused.to_string().contains("icem"), "{refused}");
    }
    // No keys, no values: each is named.
    let branching = worldwright_testkit::DynamicsModel(worldwright_testkit::MountainCar::new());
    let refused = |overrides: &BTreeMap<String, Setting>| {
        let mut planner = planner("uct", &branching, 0, overrides);
        let mut world = branching.imagination(planner.rows());
        planner.improve(&mut *world, 0, &Budget::default()).unwrap_err().to_string()
    };
    assert!(refused(&settings([("transpositions", Bool(true))])).contains("keys of states"));
    assert!(refused(&settings([("evaluation", Text("value".to_owned()))])).contains("rollout"));
}

#[test]
fn a_temperature_draws_by_visits() {
    let model = worldwright_testkit::DynamicsModel(Bandit::new(&[0.0, 0.0], &[0.0, 0.0], 0.0));
    let overrides = settings([("simulations", Integer(10)), ("temperature", Float(1.0)), ("solve", Bool(false))]);
    let mut forest = forest("puct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut first = 0;
    for seed in 0..1000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        first += usize::from(forest.decide(0) == Some(0));
    }
    // Five visits each: half of the draws, within five standard deviations.
    assert!(first.abs_diff(500) < 80, "{first}");
}
