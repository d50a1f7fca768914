//! Reward expressions against an interpreter written for the test, and against finite differences.

use proptest::prelude::*;
use worldwright_core::{Actions, Batch, RewardFunction, Rng, Space, Transitions, distinct_channels};
use worldwright_models::expression::{Gradient, RewardExpression};

use worldwright_testkit::allocations;

/// A smooth expression over `x`, `y`, `next_x`, `next_y` and `u`.
#[derive(Debug, Clone)]
enum Smooth {
    Number(f64),
    Channel(usize),
    Unary(&'static str, Box<Smooth>),
    Binary(&'static str, Box<Smooth>, Box<Smooth>),
    Square(Box<Smooth>),
    IfPositive(Box<Smooth>, Box<Smooth>, Box<Smooth>),
}

const CHANNELS: [&str; 5] = ["x", "y", "next_x", "next_y", "u"];

impl Smooth {
    fn source(&self) -> String {
        match self {
            Self::Number(number) => format!("{number}"),
            Self::Channel(channel) => CHANNELS[*channel].into(),
            Self::Unary("-", a) => format!("-({})", a.source()),
            Self::Unary(name, a) => format!("{name}({})", a.source()),
            Self::Binary("atan2", a, b) => format!("atan2({}, {})", a.source(), b.source()),
            Self::Binary(sign, a, b) => format!("({}) {sign} ({})", a.source(), b.source()),
            Self::Square(a) => format!("({})^2", a.source()),
            Self::IfPositive(a, b, c) => format!("(if {} > 0 then {} else {})", a.source(), b.source(), c.source()),
        }
    }

    fn value(&self, numbers: &[f64; 5]) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Channel(channel) => numbers[*channel],
            Self::Unary(name, a) => {
                let a = a.value(numbers);
                match *name {
                    "-" => -a,
                    "sin" => a.sin(),
                    "cos" => a.cos(),
                    "tanh" => a.tanh(),
                    _ => a.atan(),
                }
            }
            Self::Binary(sign, a, b) => {
                let (a, b) = (a.value(numbers), b.value(numbers));
                match *sign {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    _ => a.atan2(b),
                }
            }
            Self::Square(a) => a.value(numbers).powi(2),
            Self::IfPositive(a, b, c) => if a.value(numbers) > 0.0 { b } else { c }.value(numbers),
        }
    }
}

fn smooth() -> impl Strategy<Value = Smooth> {
    let leaf = prop_oneof![(0.1..2.0_f64).prop_map(Smooth::Number), (0..5_usize).prop_map(Smooth::Channel)];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let unary = prop_oneof![Just("-"), Just("sin"), Just("cos"), Just("tanh"), Just("atan")];
        let binary = prop_oneof![Just("+"), Just("-"), Just("*"), Just("atan2")];
        let boxed = |inner: &BoxedStrategy<Smooth>| inner.clone().prop_map(Box::new);
        prop_oneof![
            (unary, boxed(&inner)).prop_map(|(name, a)| Smooth::Unary(name, a)),
            (binary, boxed(&inner), boxed(&inner)).prop_map(|(sign, a, b)| Smooth::Binary(sign, a, b)),
            boxed(&inner).prop_map(Smooth::Square),
            (boxed(&inner), boxed(&inner), boxed(&inner)).prop_map(|(a, b, c)| Smooth::IfPositive(a, b, c)),
        ]
    })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn task(reward: &str, termination: Option<&str>) -> worldwright_core::Result<RewardExpression> {
    RewardExpression::new(reward, termination, &names(&["x", "y"]), &names(&["u"]))
}

struct Buffers(Batch, Batch, Batch);

impl Buffers {
    fn new(rows: &[[f64; 5]]) -> Self {
        let (mut a, mut b, mut c) =
            (Batch::zeros(2, rows.len()), Batch::zeros(2, rows.len()), Batch::zeros(1, rows.len()));
        for (i, row) in rows.iter().enumerate() {
            a.columns_mut().set_row(i, &row[..2]);
            b.columns_mut().set_row(i, &row[2..4]);
            c.columns_mut().set_row(i, &row[4..]);
        }
        Self(a, b, c)
    }

    fn transitions(&self) -> Transitions<'_> {
        Transitions {
            observations: self.0.columns(),
            actions: Actions::Continuous(self.2.columns()),
            next_observations: self.1.columns(),
        }
    }
}

fn values(task: &RewardExpression, rows: &[[f64; 5]]) -> (Vec<f64>, Vec<bool>) {
    let (mut reward, mut terminated) = (vec![0.0; rows.len()], vec![false; rows.len()]);
    task.evaluate(Buffers::new(rows).transitions(), &mut reward, &mut terminated);
    (reward, terminated)
}

fn gradient(task: &RewardExpression, row: [f64; 5]) -> (f64, [f64; 5]) {
    let (mut before, mut after, mut action) = ([0.0; 2], [0.0; 2], [0.0; 1]);
    let into = Gradient { observation: &mut before, action: &mut action, next_observation: &mut after };
    let value = task.gradient(Buffers::new(&[row]).transitions(), 0, &mut task.tape(), into);
    (value, [before[0], before[1], after[0], after[1], action[0]])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn batches_and_gradients_agree_with_an_interpreter(expression in smooth(), seed in 0_u64..1000) {
        let task = task(&expression.source(), None).unwrap();
        let mut rng = Rng::new(seed);
        // More rows than a block holds.
        let rows: Vec<[f64; 5]> = (0..37).map(|_| std::array::from_fn(|_| rng.uniform_in(-2.0, 2.0))).collect();
        for (row, value) in rows.iter().zip(values(&task, &rows).0) {
            let want = expression.value(row);
            prop_assert!((value - want).abs() <= 1e-12 * (1.0 + want.abs()), "{value} not {want}");
        }
        let row = rows[0];
        let (value, slopes) = gradient(&task, row);
        prop_assert!((value - expression.value(&row)).abs() <= 1e-12 * (1.0 + value.abs()));
        for channel in 0..5 {
            let at = |offset: f64| {
                let mut moved = row;
                moved[channel] += offset;
                expression.value(&moved)
            };
            // Differences of two widths agree unless a kink or wild curvature is near: nothing is claimed there.
            let (narrow, wide) = ((at(1e-6) - at(-1e-6)) / 2e-6, (at(1e-5) - at(-1e-5)) / 2e-5);
            if (narrow - wide).abs() < 1e-6 * (1.0 + narrow.abs()) {
                let near = (slopes[channel] - narrow).abs() < 1e-4 * (1.0 + narrow.abs() + value.abs());
                prop_assert!(near, "{channel}: {} not {narrow}", slopes[channel]);
            }
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_refused_without_a_panic(source in "[xyu0-9a-z_ .+*/^()<>=,\\[\\]-]{0,40}") {
        if let Err(error) = task(&source, None) {
            prop_assert!(error.to_string().starts_with("reward: column "), "{error}");
        }
    }
}

#[test]
fn every_function_has_the_slope_of_finite_differences() {
    let sources = [
        "exp(x)",
        "log(abs(x) + 1)",
        "sqrt(x^2 + 1)",
        "tan(0.3*x)",
        "asin(0.3*x)",
        "acos(0.3*x)",
        "abs(x)",
        "wrap(3*x)",
        "min(x, y)",
        "max(x, y)",
        "clip(2*x, y - 1, y + 1)",
        "tolerance(x, -0.1, 0.1, 0.7)",
        "tolerance(0.2, x, y, u)",
        "(x^2 + 1)^y",
        "x^3 / (y^2 + 1)",
        "x^-1",
        "2^x",
        "tolerance(y, -0.1, x + 3, 1 + u^2)",
    ];
    for source in sources {
        let task = task(source, None).unwrap();
        for row in [[0.7, -0.4, 0.0, 0.0, 0.9], [-0.6, 0.55, 0.0, 0.0, 0.3], [1.3, 1.1, 0.0, 0.0, -0.8]] {
            let (_, slopes) = gradient(&task, row);
            for channel in 0..5 {
                let at = |offset: f64| {
                    let mut moved = row;
                    moved[channel] += offset;
                    values(&task, &[moved]).0[0]
                };
                let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
                let slope = slopes[channel];
                assert!(
                    (slope - difference).abs() < 1e-6 * (1.0 + slope.abs()),
                    "{source} {channel}: {slope} {difference}"
                );
            }
        }
    }
}

#[test]
fn values_are_those_of_arithmetic() {
    let row = [0.5, -2.0, 0.25, 4.0, 3.0];
    let cases = [
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2**-1", 0.5),
        ("-(x^2 + 0.1*y^2 + 0.001*u^2)", -(0.25 + 0.4 + 0.009)),
        ("1e-3 + 2.5E2", 250.001),
        ("if x > 0 and not y > 0 then u else 0", 3.0),
        ("if x == 0.5 or y != -2 then next_x else next_y", 0.25),
        ("observation[1] + next_observation[0] + action[0]", 1.25),
        ("wrap(pi) + wrap(3*pi) + log(e)", 1.0 - 2.0 * std::f64::consts::PI),
        ("tolerance(x, 0, 1, 2)", 1.0),
        // dm_control's Gaussian is 0.1 at the margin.
        ("tolerance(y, 0, 1, 2)", 0.1),
        ("tolerance(y, 0, 1, 0)", 0.0),
        ("clip(u, -1, 1) + min(x, y) + max(x, y)", -0.5),
        ("atan2(1, 0)", std::f64::consts::FRAC_PI_2),
    ];
    for (source, want) in cases {
        let value = values(&task(source, None).unwrap(), &[row]).0[0];
        assert!((value - want).abs() < 1e-12, "{source}: {value} not {want}");
    }
}

#[test]
fn termination_is_a_condition_on_the_channels() {
    let task = task("1", Some("abs(next_x) > 2.4 or next_y <= -1")).unwrap();
    assert!(task.terminates());
    let rows = [[0.0, 0.0, 2.5, 0.0, 0.0], [9.0, 9.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0, 0.0]];
    assert_eq!(values(&task, &rows), (vec![1.0; 3], vec![true, false, true]));
}

#[test]
fn nothing_hides_a_nan() {
    for source in
        ["min(x, 1)", "max(1, x)", "clip(x, -1, 1)", "clip(0, x, 1)", "tolerance(x, 0, 1, 1)", "tolerance(x, 0, 1, 0)"]
    {
        let value = values(&task(source, None).unwrap(), &[[f64::NAN, 0.0, 0.0, 0.0, 0.0]]).0[0];
        assert!(value.is_nan(), "{source}: {value}");
    }
}

#[test]
fn a_discrete_action_is_a_channel_that_holds_the_choice() {
    let task = task("u + 0.5", None).unwrap();
    let Buffers(before, after, _) = Buffers::new(&[[0.0; 5]; 2]);
    let (mut reward, mut terminated) = ([0.0; 2], [true; 2]);
    let actions = Actions::Discrete(&[0, 3]);
    let transitions = Transitions { observations: before.columns(), actions, next_observations: after.columns() };
    task.evaluate(transitions, &mut reward, &mut terminated);
    assert_eq!((reward, terminated), ([0.5, 3.5], [false; 2]));
}

#[test]
fn mistakes_are_told_with_their_column() {
    let told = |source: &str| task(source, None).unwrap_err().to_string();
    let cases = [
        ("", "reward: column 1: expected a number, a channel or '(', found the end"),
        ("x + ", "reward: column 5: expected a number, a channel or '(', found the end"),
        ("x + nxt_x", "reward: column 5: no channel or constant is called 'nxt_x'; did you mean 'next_x'?"),
        ("sine(x)", "reward: column 1: no function is called 'sine'; did you mean 'sin'?"),
        ("clip(x, 1)", "reward: column 1: clip takes 3 arguments, got 2"),
        ("x > 1", "reward: column 1: expected a number, found a condition"),
        ("2 * (x > 1)", "reward: column 5: expected a number, found a condition"),
        ("if x then 1 else 0", "reward: column 4: expected a condition, found a number"),
        ("x y", "reward: column 3: expected an operator or the end, found 'y'"),
        ("(x", "reward: column 3: expected ')', found the end"),
        ("x $ 2", "reward: column 3: '$' has no meaning here"),
        ("1.2.3", "reward: column 1: '1.2.3' is not a number"),
        ("observation[2]", "reward: column 13: observation has places 0 to 1, found the number 2"),
    ];
    for (source, want) in cases {
        assert_eq!(told(source), want);
    }
    let error = task("x", Some("next_x")).unwrap_err().to_string();
    assert_eq!(error, "termination: column 1: expected a condition, found a number");
    assert!(told(&"(".repeat(5000)).contains("nested more than 100 deep"));
    let waiting = format!("{}x{}", "x + (".repeat(90), ")".repeat(90));
    assert!(told(&waiting).contains("nested too deeply"));
}

#[test]
fn an_evaluation_allocates_nothing() {
    let task =
        task("-(wrap(x)^2 + tolerance(y, 0, 1, u)) + (if x > y then sin(u) else next_x)", Some("next_x > 1")).unwrap();
    let buffers = Buffers::new(&[[0.3; 5]; 100]);
    let (mut reward, mut terminated) = (vec![0.0; 100], vec![false; 100]);
    let ((), allocated) = allocations::count(|| task.evaluate(buffers.transitions(), &mut reward, &mut terminated));
    assert_eq!(allocated, 0);
}

/// Channels of Python environments are called so.
#[test]
fn channels_with_places_in_their_names_are_found() {
    fn bracketed(reward: &str, termination: Option<&str>) -> worldwright_core::Result<RewardExpression> {
        RewardExpression::new(reward, termination, &names(&["obs[0]", "obs[1]"]), &names(&["action[0]"]))
    }
    let task = bracketed("10 * obs[1] + next_obs[0]", None).unwrap();
    assert_eq!(values(&task, &[[1.0, 2.0, 3.0, 4.0, 5.0]]).0, [23.0]);
    let of =
        |reward: &str| RewardExpression::new(reward, None, &names(&["obs[0]=-1", "obs[1][0]"]), &names(&["action=1"]));
    let task = of("4 * obs[0]=-1 + 2 * next_obs[1][0] - action=1").unwrap();
    assert_eq!(values(&task, &[[1.0, 2.0, 3.0, 4.0, 5.0]]).0, [7.0]);
    let error = of("obs[1][0] = 2").unwrap_err().to_string();
    assert!(error.contains("=="), "{error}");
    let error = bracketed("obs[2]", None).unwrap_err().to_string();
    assert!(error.contains("obs has places 0 to 1"), "{error}");
}

/// A name for each number of the flat vector is a name in an expression, whatever the keys of the space are.
#[test]
fn every_name_of_a_nested_space_is_read() {
    let pos = Space::Dict(vec![("pos".into(), Space::unbounded(1))]);
    let part = |key: &str| (key.to_owned(), pos.clone());
    let seen = Space::Dict(vec![
        part("left"),
        part("right"),
        ("hands".into(), Space::Tuple(vec![pos.clone(), pos.clone(), Space::choices(2, -1)])),
        ("if".into(), Space::bits(1)),
        ("2nd".into(), Space::unbounded(1)),
        ("left hand".into(), Space::unbounded(1)),
        ("agent-0.x".into(), Space::unbounded(2)),
        ("/camera".into(), Space::multi_discrete(&[2, 2])),
        ("next_left".into(), pos.clone()),
    ]);
    let done = Space::Dict(vec![("left hand".into(), Space::unbounded(2)), ("push".into(), Space::unbounded(1))]);
    let (observation, action) = distinct_channels(seen.channel_names("obs"), done.channel_names("action"));
    assert!(observation.contains(&"hands[1]/pos[0]".to_owned()) && action.contains(&"action/left hand[0]".to_owned()));
    let (mut before, mut after) = (Batch::zeros(observation.len(), 1), Batch::zeros(observation.len(), 1));
    let mut actions = Batch::zeros(action.len(), 1);
    (0..observation.len()).for_each(|dim| before.columns_mut().set(0, dim, 2.0 + dim as f64));
    (0..observation.len()).for_each(|dim| after.columns_mut().set(0, dim, 102.0 + dim as f64));
    (0..action.len()).for_each(|dim| actions.columns_mut().set(0, dim, 202.0 + dim as f64));
    let transitions = Transitions {
        observations: before.columns(),
        actions: Actions::Continuous(actions.columns()),
        next_observations: after.columns(),
    };
    let read = |name: &str| {
        let text = format!("-{name}/2 + min(1, 3*{name})-{name}*{name}");
        let task = RewardExpression::new(&text, None, &observation, &action).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (mut reward, mut over) = ([0.0], [false]);
        task.evaluate(transitions, &mut reward, &mut over);
        reward[0]
    };
    let value = |x: f64| 1.0 - x / 2.0 - x * x;
    for (dim, name) in observation.iter().enumerate() {
        assert_eq!(read(name), value(2.0 + dim as f64), "{name}");
        // That of the left part after the step is called as the next part itself.
        if !observation.contains(&format!("next_{name}")) {
            assert_eq!(read(&format!("next_{name}")), value(102.0 + dim as f64), "{name}");
        }
    }
    for (dim, name) in action.iter().enumerate() {
        assert_eq!(read(name), value(202.0 + dim as f64), "{name}");
    }
}

#[test]
fn a_sign_between_channels_is_no_part_of_a_name() {
    let of = |reward: &str, channels: &[&str]| RewardExpression::new(reward, None, &names(channels), &[]).map(|_| ());
    for text in ["x-y", "x -y", "x[0]/y", "(x)-y", "x[0]-y", "2-y", "next_x-y", "obs[ 0 ] - x"] {
        of(text, &["x", "y", "x[0]", "-y", "/y", "obs[0]"]).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    assert!(of("a=12", &["a=1"]).is_err() && of("a=1.5", &["a=1"]).is_err() && of("a[0][1]", &["a[0]"]).is_err());
}

/// What numbers were called before they were told by part and choice, where nothing has that name now.
#[test]
fn numbers_by_place_are_still_read() {
    let space = Space::Dict(vec![("gear".into(), Space::discrete(3)), ("x".into(), Space::unbounded(1))]);
    let choice = Space::discrete(2).channel_names("action");
    let (rows, actions) = ([[5.0, 6.0, 7.0, 8.0]], [1]);
    let (mut before, mut after) = (Batch::zeros(4, 1), Batch::zeros(4, 1));
    rows[0].iter().enumerate().for_each(|(dim, x)| before.columns_mut().set(0, dim, *x));
    rows[0].iter().enumerate().for_each(|(dim, x)| after.columns_mut().set(0, dim, 10.0 * x));
    let transitions = Transitions {
        observations: before.columns(),
        actions: Actions::Discrete(&actions),
        next_observations: after.columns(),
    };
    let read = |reward: &str, observation: &[String]| {
        let task = RewardExpression::new(reward, None, observation, &choice).map_err(|error| error.to_string())?;
        let (mut reward, mut over) = ([0.0], [false]);
        task.evaluate(transitions, &mut reward, &mut over);
        Ok::<f64, String>(reward[0])
    };
    let named = space.channel_names("obs");
    for (text, value) in
        [("a1", 1.0), ("o3", 8.0), ("next_o0", 50.0), ("obs[2]", 7.0), ("next_obs[2]", 70.0), ("2*o1-a0", 11.0)]
    {
        assert_eq!(read(text, &named), Ok(value), "{text}");
    }
    // A channel that has the name is meant.
    assert_eq!(read("o3", &names(&["o3", "o1", "o2", "o0"])), Ok(5.0));
    assert_eq!(read("obs[0]", &names(&["o3", "obs[0]", "o2", "o0"])), Ok(6.0));
    for text in ["o4", "a2", "o01", "o", "obs[4]", "o-1", "next_a1"] {
        assert!(read(text, &named).is_err(), "{text}");
    }
    assert!(read("x1", &named).unwrap_err().contains("no channel or constant is called 'x1'"));
}

#[test]
fn a_channel_whose_name_means_something_else_is_refused() {
    let read = |observation: &[&str], action: &[&str]| {
        RewardExpression::new("1", None, &names(observation), &names(action))
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (observation, word) in [
        (&["x", "y", "x-y"][..], "'x-y'"),
        (&["x", "x > 1"], "'x > 1'"),
        (&["pi", "y"], "'pi'"),
        (&["sin"], "'sin'"),
        (&["and"], "'and'"),
        (&["1e5"], "'1e5'"),
    ] {
        let said = read(observation, &["u"]).unwrap_err();
        assert!(said.contains(word) && said.contains("rename the channel"), "{said}");
    }
    // One reading alone: nothing else is called y, and names by place and after a step come after the channels' own.
    for observation in [&["x", "x-y"][..], &["o1", "o0"], &["x", "next_x"], &["left/pos[0]", "gear=-1", "obs[0]"]] {
        read(observation, &["action=0", "action=1", "2"]).unwrap();
    }
}
