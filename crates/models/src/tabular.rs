//! `tabular`: the finite process that was counted, with the values and the policy of dynamic programming in it.
//!
//! For discrete observations nothing needs to be approximated: `P̂(s' | s, a)` and `r̂(s, a)` are shares and means of what came of each
//! pair, and
//!
//! ```text
//! Q(s, a) = r̂(s, a) + γ Σ P̂(s' | s, a) max Q(s', ·)                                        to act by
//! Q(s, a) = min(r̂ + c σ̂ / √n + β / n + γ Σ P̂ max Q(s', ·), (r_max + β) / (1 − γ))   to explore by
//! ```
//!
//! with σ̂ the deviation of `r + γ V(s')` over the n tries of a pair, V of the first line, and β a share of the rewards' range. The second is the bonus of
//! UCBVI (Azar, Osband and Munos, "Minimax Regret Bounds for Reinforcement Learning", ICML 2017, its Bernstein form) with smaller constants: what was tried
//! seldom is believed to be good, and what was never tried as good as anything can be; but where tries turned out alike, doubt goes with 1 / n, so that
//! exploring ends where nothing is left to chance, and elsewhere lasts where it bears on values. (A bonus of β / √n alone, as of MBIE-EB, is far above
//! what choices differ by as long as γ is near 1, and explores evenly.) The policy is the model's prior, so that the planner `greedy` needs no search. Rows are single states, and a step draws one of the outcomes.

mod table;

use std::sync::Arc;

use worldwright_core::{
    Actions, Array, Batch, Capabilities, Columns, Dataset, Entry, Error, FitReport, Imagination, Imagined, Interrupt,
    Key, Learn, LearnedModel, ModelSpec, Observation, Parameter, Persist, Priors, Result, RewardFunction, Rng, Rows,
    SettingDefault as Default, Settings, Space, State, Transitions, Value, Values, WorldModel, cost,
};

use self::table::{Optimism, Solved, Table};
use crate::arena::{check_rows, check_step};
use crate::{Build, ModelContext};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "tabular",
    summary: "counts of a finite process, solved by dynamic programming, with optimism where little was tried",
    source: "Azar, Osband and Munos, ICML 2017 (UCBVI)",
    parameters: &[
        Parameter {
            name: "bonus",
            default: Default::Float(1.0),
            summary: "what a pair tried once is believed to be worth more than its mean while exploring, as a share of the rewards' range; it falls with the tries",
        },
        Parameter {
            name: "deviations",
            default: Default::Float(0.3),
            summary: "standard deviations of the mean of a pair's tries that are added to it while exploring",
        },
        Parameter {
            name: "longest_discount",
            default: Default::Float(0.99),
            summary: "discount where the agent's is nearer to 1: without one, processes that go round for ever have no values",
        },
    ],
    build: Build::Transitions(build),
};

/// The most elements that an observation space may have: those seen are kept, but their numbers must be told apart.
const MOST_STATES: usize = 1 << 31;
/// The most actions: each state that was seen keeps a list for each.
const MOST_ACTIONS: usize = 4096;

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let refused = |what: &str, space: &Space, most: usize| {
        let why = format!(
            "{what} of {space}: it counts discrete elements, at most {most}; use gp, ensemble or auto for numbers"
        );
        Error::unsupported(ENTRY.name, why)
    };
    let (observations, actions) = (&context.observation_space, &context.action_space);
    observations
        .count()
        .filter(|n| *n <= MOST_STATES)
        .ok_or_else(|| refused("observations", observations, MOST_STATES))?;
    let count =
        actions.count().filter(|n| *n <= MOST_ACTIONS).ok_or_else(|| refused("actions", actions, MOST_ACTIONS))?;
    let longest = settings.float("longest_discount", 0.0, 0.999_999)?;
    Ok(Box::new(Tabular {
        spec: ModelSpec {
            name: ENTRY.name.into(),
            observation_space: observations.clone(),
            action_space: actions.clone(),
            members: 1,
            constraints: 0,
            latent_dim: 0,
            deterministic: false,
            capabilities: Capabilities {
                value: true,
                prior: true,
                keys: true,
                decode: true,
                ..Capabilities::default()
            },
        },
        reward: context.reward.clone(),
        discount: context.discount.min(longest),
        bonus: settings.float("bonus", 0.0, 1e6)?,
        deviations: settings.float("deviations", 0.0, 1e6)?,
        actions: count,
        table: Table::new(count),
        mean: Solved::default(),
        hopeful: Solved::default(),
        counted: (0, 0),
    }))
}

/// A counted process.
struct Tabular {
    spec: ModelSpec,
    reward: Option<Arc<dyn RewardFunction>>,
    discount: f64,
    bonus: f64,
    deviations: f64,
    actions: usize,
    table: Table,
    /// What to act by, and what to explore by.
    mean: Solved,
    hopeful: Solved,
    /// The data that were counted, by their lineage, and how many of their transitions. Where others come they are counted anew, as
    /// the same ones are after a resume: to the same table.
    counted: (u64, usize),
}

impl Tabular {
    /// The number of the element that a flat vector stands for.
    fn number(space: &Space, flat: &[f64]) -> Result<usize> {
        let value = space.unflatten(flat)?;
        space.element_number(&value).ok_or_else(|| Error::NotInSpace {
            what: "element to count".into(),
            reason: format!("{value} is none of {space}"),
        })
    }

    /// Reward and end of transition `i`: the task's own where it is known.
    fn judged(&self, dataset: &Dataset, i: usize) -> Result<(f64, bool)> {
        let Some(function) = &self.reward else { return Ok((dataset.rewards()[i], dataset.terminated()[i])) };
        let (mut reward, mut ended) = ([0.0], [false]);
        let choice = [Self::number(&self.spec.action_space, dataset.action(i))? as u32];
        let mut flat = Batch::zeros(dataset.action_dim(), 1);
        flat.columns_mut().set_row(0, dataset.action(i));
        let actions = match self.spec.action_space {
            Space::Discrete { .. } => Actions::Discrete(&choice),
            _ => Actions::Continuous(flat.columns()),
        };
        let row = |numbers| Columns::new(numbers, dataset.observation_dim(), 1);
        let (observations, next_observations) = (row(dataset.observation(i))?, row(dataset.next_observation(i))?);
        function.evaluate(Transitions { observations, actions, next_observations }, &mut reward, &mut ended);
        Ok((reward[0], ended[0]))
    }

    /// The table with the transitions of `dataset`, all of them or those behind what was counted already.
    fn count(&self, dataset: &Dataset, interrupt: &Interrupt) -> Result<Table> {
        let goes_on = self.counted.0 == dataset.lineage();
        let mut table = if goes_on { self.table.clone() } else { Table::new(self.actions) };
        let mut room = table.seen.len();
        for i in if goes_on { self.counted.1 } else { 0 }..dataset.len() {
            let state = Self::number(&self.spec.observation_space, dataset.observation(i))?;
            let next = Self::number(&self.spec.observation_space, dataset.next_observation(i))?;
            let action = Self::number(&self.spec.action_space, dataset.action(i))?;
            let (reward, ended) = self.judged(dataset, i)?;
            if !reward.is_finite() {
                let why = format!("transition {i} of the data pays {reward}");
                return Err(Error::Diverged { who: ENTRY.name.into(), why });
            }
            table.count(state, action, reward, next, ended);
            if table.seen.len() > room {
                room = 2 * table.seen.len();
                let settings = [("states seen", room), ("actions", self.actions)];
                cost::memory(&settings, Table::bytes(room, self.actions))?;
                interrupt.check(ENTRY.name)?;
            }
        }
        Ok(table)
    }
}

impl WorldModel for Tabular {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(TabularImagination {
            model: self,
            exploring: false,
            states: vec![0; rows],
            scratch: Value::Integer(0),
            arrived: vec![0; rows],
        })
    }
}

impl Learn for Tabular {
    fn fit(&mut self, dataset: &Dataset, _rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport> {
        let table = self.count(dataset, interrupt)?;
        // Values go on from where they were, unless these are states of other data.
        let known = table.seen.iter().zip(&self.table.seen).all(|(new, old)| new.number == old.number)
            && table.seen.len() >= self.table.seen.len();
        let (mut mean, mut hopeful) =
            if known { (self.mean.clone(), self.hopeful.clone()) } else { (Solved::default(), Solved::default()) };
        table.solve(self.discount, None, &mut mean, interrupt)?;
        let optimism = Optimism { bonus: self.bonus, deviations: self.deviations, values: &mean.values };
        table.solve(self.discount, Some(&optimism), &mut hopeful, interrupt)?;
        (self.table, self.mean, self.hopeful) = (table, mean, hopeful);
        self.counted = (dataset.lineage(), dataset.len());
        let tried = self.mean.action_values.iter().filter(|value| value.is_finite()).count();
        Ok(FitReport {
            epochs: 1,
            training_loss: 0.0,
            holdout_mse: None,
            note: format!("{} states seen, {tried} actions tried in them", self.table.seen.len()),
        })
    }
}

impl Persist for Tabular {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("table", self.table.save());
        for (name, solved) in [("mean", &self.mean), ("hopeful", &self.hopeful)] {
            // Values go on from where they were: a resumed run must begin there too, and act by the same ones.
            state.put(name, Array::F64(vec![solved.values.len()], solved.values.clone()));
            let values = &solved.action_values;
            state.put(format!("{name}_actions"), Array::F64(vec![values.len()], values.clone()));
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let table = Table::restore(&state.part("table"), self.actions)?;
        let solved = |name: &str| {
            Ok::<_, Error>(Solved {
                values: state.f64s(name, table.seen.len())?.to_vec(),
                action_values: state.f64s(&format!("{name}_actions"), table.seen.len() * self.actions)?.to_vec(),
            })
        };
        (self.mean, self.hopeful) = (solved("mean")?, solved("hopeful")?);
        (self.table, self.counted) = (table, (0, 0));
        Ok(())
    }
}

/// Rows of states by their numbers.
struct TabularImagination<'m> {
    model: &'m Tabular,
    exploring: bool,
    states: Vec<usize>,
    scratch: Value,
    arrived: Vec<usize>,
}

impl TabularImagination<'_> {
    fn solved(&self) -> &Solved {
        if self.exploring { &self.model.hopeful } else { &self.model.mean }
    }
}

impl Imagination for TabularImagination<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn rows(&self) -> usize {
        self.states.len()
    }

    fn explore(&mut self, on: bool) {
        self.exploring = on;
    }

    fn observe(
        &mut self,
        row: usize,
        _previous: Option<(usize, &worldwright_core::Action)>,
        observation: &Observation,
        _key: Key,
    ) -> Result<()> {
        check_rows(&Rows::Span(row..row + 1), self.states.len())?;
        let space = &self.model.spec.observation_space;
        space.check(observation)?;
        self.states[row] = space.element_number(observation).unwrap_or(0);
        Ok(())
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        to.iter().for_each(|row| self.states[row] = self.states[from]);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        check_step(&from, &actions, &to, self.states.len(), &self.model.spec.action_space)?;
        let Actions::Discrete(choices) = actions else {
            return Err(Error::unsupported(ENTRY.name, "flat actions: its spaces are lists of choices"));
        };
        out.begin(from.len());
        for (i, (row, choice)) in from.iter().zip(choices).enumerate() {
            let place = self.model.table.place(self.states[row]);
            let outcomes = place.map_or(&[][..], |place| &self.model.table.seen[place].outcomes[*choice as usize]);
            let visits: f64 = outcomes.iter().map(|outcome| outcome.count).sum();
            let mut left = key.fold(i as u64).rng().uniform() * visits;
            let drawn = outcomes.iter().find(|outcome| {
                left -= outcome.count;
                left < 0.0
            });
            // What was never tried stays where it is and pays nothing.
            (self.arrived[i], out.reward[i], out.continuation[i]) = match drawn.or(outcomes.last()) {
                Some(outcome) => match outcome.next {
                    Some(next) => {
                        (self.model.table.seen[next].number, outcome.paid / outcome.count, self.model.discount)
                    }
                    None => (self.states[row], outcome.paid / outcome.count, 0.0),
                },
                None => (self.states[row], 0.0, self.model.discount),
            };
            out.epistemic[i] = 1.0 / (1.0 + visits).sqrt();
        }
        to.iter().zip(&self.arrived).for_each(|(row, state)| self.states[row] = *state);
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        check_rows(&rows, self.states.len())?;
        out.value.clear();
        let values = &self.solved().values;
        let value = |row: usize| self.model.table.place(self.states[row]).map_or(0.0, |place| values[place]);
        out.value.extend(rows.iter().map(value));
        Ok(())
    }

    /// The best actions alike, and no others; all alike where nothing is known.
    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        const NEVER: f64 = -1e9;
        check_rows(&rows, self.states.len())?;
        let actions = self.model.actions;
        out.mean.clear();
        out.std.clear();
        for row in rows.iter() {
            let Some(place) = self.model.table.place(self.states[row]) else {
                out.mean.resize(out.mean.len() + actions, 0.0);
                continue;
            };
            let values = &self.solved().action_values[place * actions..(place + 1) * actions];
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let close = 1e-9 * best.abs().max(1.0);
            let logit = |value: &f64| if *value >= best - close || !best.is_finite() { 0.0 } else { NEVER };
            out.mean.extend(values.iter().map(logit));
        }
        Ok(())
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        check_rows(&rows, self.states.len())?;
        rows.iter().zip(out).for_each(|(row, key)| *key = self.states[row] as u64);
        Ok(())
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.model.spec.check_decoded(member, out.len())?;
        let space = &self.model.spec.observation_space;
        let mut value = self.scratch.clone();
        space.write_element(self.states[row], &mut value);
        space.flatten(&value, out)
    }
}
