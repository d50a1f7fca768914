//! Critics as they learn: their numbers, the slow ones that targets believe, and the optimiser between.

use worldwright_core::{Persist, Result, Rng, State};
use worldwright_nn::{Adam, Store};

use crate::draws::Pass;
use crate::networks::Networks;
use crate::options::{Ensemble, Options};

/// What they are saved as, in bundles too.
const CRITIC: &str = "critic";
const TARGET: &str = "target";
const ADAM: &str = "adam.critic";

/// Critics, and slow ones that follow them.
pub(crate) struct Critics {
    pub(crate) store: Store,
    pub(crate) target: Store,
    adam: Adam,
    pub(crate) ensemble: Ensemble,
    target_rate: f32,
    /// Hidden layers of each.
    layers: usize,
}

impl Critics {
    /// Those that the networks begin with.
    pub(crate) fn new(networks: &Networks, options: &Options) -> Self {
        let store = networks.critic.clone();
        Self {
            target: store.twin(),
            adam: Adam::new(&store, options.adam),
            target_rate: options.target_rate,
            ensemble: options.ensemble,
            layers: options.shape.hidden.len(),
            store,
        }
    }

    /// Takes what was learned into other units of reward, of which so many make one of the old.
    pub(crate) fn convert(&mut self, units: f32) -> Result<()> {
        for store in [&mut self.store, &mut self.target] {
            Networks::convert(store, (self.ensemble.critics, self.layers), units)?;
        }
        Ok(())
    }

    /// Takes a step against the gradient that a pass left.
    pub(crate) fn learn(&mut self, pass: &Pass) -> Result<()> {
        self.adam.step(&mut self.store, pass.runner())?;
        Ok(())
    }

    /// Begins anew, the slow ones alike.
    pub(crate) fn begin_anew(&mut self, rng: &mut Rng) -> Result<()> {
        self.store.reinitialise(rng);
        self.target.copy_member(&self.store, 0, 0)?;
        self.adam.reset();
        Ok(())
    }

    /// Steps taken since they began.
    pub(crate) fn steps(&self) -> u64 {
        self.adam.steps()
    }

    /// The slow ones move towards the others.
    pub(crate) fn follow(&mut self) -> Result<()> {
        self.target.follow(&self.store, self.target_rate)
    }

    /// Puts into a state what judging needs.
    pub(crate) fn save_judge(&self, state: &mut State) {
        state.put_all(CRITIC, self.store.save());
    }

    /// Takes it on, and says whether it was there: bundles of earlier versions have an actor alone.
    pub(crate) fn restore_judge(&mut self, state: &State) -> Result<bool> {
        let critic = state.part(CRITIC);
        if critic.iter().next().is_none() {
            return Ok(false);
        }
        self.store.restore(&critic).map(|()| true)
    }

    /// Puts into a state what learning goes on by.
    pub(crate) fn save(&self, state: &mut State) {
        state.put_all(CRITIC, self.store.save());
        state.put_all(TARGET, self.target.save());
        state.put_all(ADAM, self.adam.save());
    }

    /// Takes it on.
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.store.restore(&state.part(CRITIC))?;
        self.target.restore(&state.part(TARGET))?;
        self.adam.restore(&state.part(ADAM))
    }
}
