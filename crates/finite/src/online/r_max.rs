//! `r-max`: what is not known yet is believed to be as good as anything can be.
//!
//! Brafman and Tennenholtz, "R-max", JMLR 3, 2002. A pair tried m times is known: it does what was counted. Any other one ends in bliss, `r_max / (1 − γ)`.
//! The process made of both is solved when a pair becomes known, and again whenever the tries of a known one have doubled. Among actions that
//! are equally good it takes the one tried least ("balanced wandering"). Without exploration it acts by the mean of what was counted, in which
//! nothing is bliss.

use worldwright_core::{Array, Entry, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State};

use super::counted::Counted;
use super::epsilon_greedy::among_best;
use super::{Build, LearnerContext, TabularLearner, Transition, damaged};

/// The line in the list of learners.
pub(super) const ENTRY: Entry<Build> = Entry {
    name: "r-max",
    summary: "dynamic programming in what was counted, where all that was tried too seldom is believed to be bliss",
    source: "Brafman and Tennenholtz, JMLR 3, 2002",
    parameters: &[KNOWN_TRIES, REWARD_MAX],
    build,
};

const KNOWN_TRIES: Parameter = Parameter {
    name: "known_tries",
    default: Default::Integer(5),
    summary: "tries after which a pair is known; 1 suffices where nothing is left to chance",
};

const REWARD_MAX: Parameter = Parameter {
    name: "reward_max",
    default: Default::Float(1.0),
    summary: "the largest reward that a step may pay, raised to what was seen",
};

fn build(context: &LearnerContext, settings: &Settings) -> Result<Box<dyn TabularLearner>> {
    Ok(Box::new(RMax {
        counted: Counted::new(context)?,
        known_tries: settings.count(KNOWN_TRIES.name, 1)? as f64,
        reward_max: settings.float(REWARD_MAX.name, -1e12, 1e12)?,
        hopeful: Vec::new(),
        updates: 0,
    }))
}

struct RMax {
    counted: Counted,
    known_tries: f64,
    reward_max: f64,
    /// `[states][actions]` when the process was last solved.
    hopeful: Vec<f64>,
    updates: u64,
}

impl RMax {
    fn solve(&mut self) -> Result<()> {
        let counted = &self.counted;
        let bliss = self.reward_max.max(counted.range.1) / (1.0 - counted.discount);
        let mdp = counted.process(
            |_| true,
            |pair, builder| {
                if counted.outcomes.tries(pair) >= self.known_tries {
                    counted.shares(pair, builder);
                } else {
                    builder.outcome(1.0, bliss, None);
                }
            },
        )?;
        let solution = counted.solve(&mdp, counted.values_of(&self.hopeful))?;
        self.updates += solution.backups;
        self.hopeful.clear();
        for state in 0..counted.states() {
            self.hopeful.extend((0..counted.actions).map(|action| mdp.action_value(state, action, &solution.values)));
        }
        Ok(())
    }
}

impl TabularLearner for RMax {
    fn choose(&mut self, _place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize> {
        let actions = self.counted.actions;
        let counted = &mut self.counted;
        if !explore {
            let values = counted.mean(state)?;
            return Ok(among_best(&values, 2.0 * counted.tolerance(), rng));
        }
        if state >= counted.states() {
            return Ok(rng.below(actions as u64) as usize);
        }
        // A state met since the process was solved is all bliss.
        let bliss = vec![0.0; actions];
        let values = self.hopeful.get(state * actions..(state + 1) * actions).unwrap_or(&bliss);
        let least = super::action_values::greatest(values) - 2.0 * counted.tolerance();
        let untried: Vec<f64> = (values.iter().enumerate())
            .map(|(action, value)| match *value >= least {
                true => -counted.outcomes.tries(state * actions + action),
                false => f64::NEG_INFINITY,
            })
            .collect();
        Ok(among_best(&untried, 0.0, rng))
    }

    fn learn(&mut self, _trajectory: usize, transition: &Transition, _rng: &mut Rng) -> Result<()> {
        let (_, tries) = self.counted.count(transition)?;
        let doublings = (tries / self.known_tries).log2();
        if tries >= self.known_tries && doublings.fract() == 0.0 {
            self.solve()?;
        }
        Ok(())
    }

    fn action_values(&mut self, state: usize) -> Result<Vec<f64>> {
        self.counted.mean(state)
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn replays(&self) -> bool {
        false
    }

    fn plan(&mut self) -> Result<()> {
        if self.counted.states() > 0 { self.solve() } else { Ok(()) }
    }
}

impl Persist for RMax {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("memory", self.counted.save());
        state.put("hopeful", Array::F64(vec![self.hopeful.len()], self.hopeful.clone()));
        state.put("updates", Array::U64(vec![self.updates]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.counted.restore(&state.part("memory"))?;
        let Array::F64(_, hopeful) = state.array("hopeful")? else { return Err(damaged("hopeful values")) };
        if hopeful.len() % self.counted.actions != 0 || hopeful.len() > self.counted.states() * self.counted.actions {
            return Err(damaged("hopeful values"));
        }
        self.hopeful.clone_from(hopeful);
        self.updates = state.u64s("updates", 1)?[0];
        Ok(())
    }
}
