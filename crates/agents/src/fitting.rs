//! A model fitted to all that was experienced, when that is due.

use worldwright_core::{Array, Dataset, Experience, FitReport, Interrupt, Key, Learn, Result, Rng, Settings, State};

/// The inverse of the share by which what was experienced has grown a lot.
const GROWN: usize = 4;
/// Steps that are few however little was experienced before.
const LEAST: usize = 100;

/// When a model is fitted, and what to.
pub(crate) struct Fitting {
    /// What the model is fitted to: brought up to date from the experience at each fit, so that a model may go on where it left off.
    dataset: Dataset,
    /// The first row of the experience that is not in the data set.
    next_row: u64,
    initial_steps: usize,
    fit_every: usize,
    /// Whether a fit is due within an episode too once there is so much more.
    within: bool,
    /// How many there were.
    pub(crate) fits: u64,
    /// Transitions that had been taken in by then.
    pub(crate) fitted_at: u64,
    rng: Rng,
    /// What the model said of the last one.
    pub(crate) note: String,
}

impl Fitting {
    /// Reads `initial_steps` and `fit_every`; `dims` are the lengths of flat observations and actions.
    pub(crate) fn new(settings: &Settings, dims: [usize; 2], fitted: bool, key: Key) -> Result<Self> {
        Ok(Self {
            initial_steps: settings.count("initial_steps", 0)?,
            fit_every: settings.count("fit_every", 0)?,
            fits: u64::from(fitted),
            ..Self::of_recorded(dims, key)
        })
    }

    /// For an agent that takes no steps of its own.
    pub(crate) fn of_recorded(dims: [usize; 2], key: Key) -> Self {
        Self {
            dataset: Dataset::new(dims[0], dims[1]),
            next_row: 0,
            initial_steps: 0,
            fit_every: 0,
            within: false,
            fits: 0,
            fitted_at: 0,
            rng: key.rng(),
            note: String::new(),
        }
    }

    /// The same, but that it does not wait for the end of an episode that is long for what was experienced before.
    pub(crate) fn within_episodes(self) -> Self {
        Self { within: true, ..self }
    }

    /// Whether a fit is due to an agent that acts at so many places.
    pub(crate) fn is_due(&self, experience: &dyn Experience, places: usize) -> bool {
        let taken = experience.taken();
        let waited = taken.saturating_sub(self.fitted_at) as usize;
        let ended = !experience.is_open();
        taken as usize >= self.initial_steps.max(2)
            && waited > 0
            // Episodes of several places that end in the same round make one fit due, not one each.
            && (self.fits == 0
                || if self.fit_every > 0 {
                    waited >= self.fit_every
                } else {
                    (ended && waited >= places) || (self.within && waited >= self.long())
                })
    }

    /// Steps within an episode that a fit does not wait for the end of.
    fn long(&self) -> usize {
        (self.fitted_at as usize / GROWN).max(LEAST)
    }

    /// Fits the model to all that was experienced.
    pub(crate) fn fit(
        &mut self,
        model: &mut dyn Learn,
        experience: &dyn Experience,
        places: usize,
        interrupt: &Interrupt,
    ) -> Result<FitReport> {
        if places > 1 {
            // Episodes that are under way at once grow at several places of the set: it is made anew, as a run that goes on makes it.
            self.dataset = experience.all()?;
        } else {
            self.next_row = experience.append_to(&mut self.dataset, self.next_row)?;
        }
        let report = model.fit(&self.dataset, &mut self.rng, interrupt)?;
        self.fits += 1;
        self.fitted_at = experience.taken();
        self.note.clone_from(&report.note);
        Ok(report)
    }

    /// What the model was fitted to.
    pub(crate) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    pub(crate) fn save(&self, state: &mut State) {
        state.put("counters", Array::U64(vec![self.fits, self.fitted_at]));
        state.put("fit_rng", self.rng.save());
        state.put("note", Array::U8(self.note.clone().into_bytes()));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        // What was experienced comes with the next fit, all of it.
        self.dataset = Dataset::new(self.dataset.observation_dim(), self.dataset.action_dim());
        self.next_row = 0;
        self.rng.restore(state, "fit_rng")?;
        [self.fits, self.fitted_at] = [counters[0], counters[1]];
        if let Array::U8(note) = state.array("note")? {
            self.note = String::from_utf8_lossy(note).into_owned();
        }
        Ok(())
    }
}
