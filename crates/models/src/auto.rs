//! `auto`: Gaussian processes while data are few and low-dimensional, an ensemble of networks from then on.
//!
//! A Gaussian process is the more accurate of the two on few smooth transitions, but its prediction costs grow with their
//! number and its lengths lose their meaning in many dimensions (Deisenroth, Fox and Rasmussen, TPAMI 2015, section 7). The
//! choice is made anew at every fit and written into the fit's note.

use worldwright_core::{
    Array, Entry, FitReport, LearnedModel, Parameter, Persist, Result, Rng, SettingDefault as Default, Settings, State,
};

use crate::ensemble::{self, Ensemble};
use crate::gp::{self, GaussianProcesses};
use crate::transition::{ANGLES, Answer, Examples, Question, Regressor, TransitionModel};
use crate::{Build, ModelContext};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "auto",
    summary: "gp while data are few and low-dimensional, ensemble from then on; each fit says which and why",
    source: "Deisenroth, Fox and Rasmussen, TPAMI 2015; Chua et al., NeurIPS 2018",
    parameters: &[
        Parameter {
            name: "gp_transitions",
            default: Default::Integer(500),
            summary: "transitions up to which gp is taken",
        },
        Parameter { name: "gp_inputs", default: Default::Integer(10), summary: "inputs up to which gp is taken" },
        Parameter { name: "particles", default: Default::Integer(5), summary: "lanes of each row, for either model" },
        ANGLES,
    ],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let particles = settings.count("particles", 1)?;
    let regressor = Auto {
        gp: gp::with_particles(particles)?,
        ensemble: ensemble::with_defaults()?,
        gp_transitions: settings.count("gp_transitions", 0)?,
        gp_inputs: settings.count("gp_inputs", 0)?,
        chosen: Chosen::Gp,
    };
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, particles, false, regressor)?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Gp,
    Ensemble,
}

struct Auto {
    gp: GaussianProcesses,
    ensemble: Ensemble,
    gp_transitions: usize,
    gp_inputs: usize,
    chosen: Chosen,
}

impl Auto {
    fn choose(&self, transitions: usize, inputs: usize) -> (Chosen, String) {
        if transitions > self.gp_transitions {
            let why =
                format!("ensemble: {transitions} transitions are more than gp_transitions = {}", self.gp_transitions);
            (Chosen::Ensemble, why)
        } else if inputs > self.gp_inputs {
            (Chosen::Ensemble, format!("ensemble: {inputs} inputs are more than gp_inputs = {}", self.gp_inputs))
        } else {
            (Chosen::Gp, format!("gp: {transitions} transitions of {inputs} inputs are few enough to use each of them"))
        }
    }
}

/// Buffers of the model that was chosen.
pub(crate) enum Workspace {
    Gp(<GaussianProcesses as Regressor>::Workspace),
    Ensemble(Box<<Ensemble as Regressor>::Workspace>),
}

impl Regressor for Auto {
    type Workspace = Workspace;

    fn fit(&mut self, examples: &Examples<'_>, rng: &mut Rng) -> Result<FitReport> {
        let (chosen, why) = self.choose(examples.inputs.rows(), examples.inputs.dims());
        let mut report = match chosen {
            Chosen::Gp => self.gp.fit(examples, rng)?,
            Chosen::Ensemble => self.ensemble.fit(examples, rng)?,
        };
        self.chosen = chosen;
        report.note = if report.note.is_empty() { why } else { format!("{why}; {}", report.note) };
        Ok(report)
    }

    fn block(&self) -> usize {
        match self.chosen {
            Chosen::Gp => self.gp.block(),
            Chosen::Ensemble => self.ensemble.block(),
        }
    }

    fn workspace(&self, places: usize) -> Workspace {
        match self.chosen {
            Chosen::Gp => Workspace::Gp(self.gp.workspace(places)),
            Chosen::Ensemble => Workspace::Ensemble(Box::new(self.ensemble.workspace(places))),
        }
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
        match workspace {
            Workspace::Gp(workspace) => self.gp.predict(question, workspace, answer),
            Workspace::Ensemble(workspace) => self.ensemble.predict(question, workspace, answer),
        }
    }

    /// Declared before it is known which of the two is chosen, and then for good: only where both do.
    fn keeps_beliefs(&self) -> bool {
        self.gp.keeps_beliefs() && self.ensemble.keeps_beliefs()
    }
}

impl Persist for Auto {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("chosen", Array::U64(vec![u64::from(self.chosen == Chosen::Ensemble)]));
        state.put_all("gp", self.gp.save());
        state.put_all("ensemble", self.ensemble.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let chosen = if state.u64s("chosen", 1)?[0] == 0 { Chosen::Gp } else { Chosen::Ensemble };
        self.gp.restore(&state.part("gp"))?;
        self.ensemble.restore(&state.part("ensemble"))?;
        self.chosen = chosen;
        Ok(())
    }
}
