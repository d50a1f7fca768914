//! `deterministic`: one network that predicts the mean change, trained on squared error. The baseline to beat.

use worldwright_core::{Entry, LearnedModel, Result, Settings};

use crate::ensemble::{
    ACTIVATION, BATCH, EPOCHS, Ensemble, HIDDEN, HOLDOUT, LEARNING_RATE, PATIENCE, Propagation, WEIGHT_DECAY, network,
    network_cost, schedule,
};
use crate::transition::{ANGLES, TransitionModel};
use crate::{Build, ModelContext};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "deterministic",
    summary: "one network trained on squared error: cheap, and does not know what it does not know",
    source: "Nagabandi, Kahn, Fearing and Levine, ICRA 2018",
    parameters: &[HIDDEN, ACTIVATION, EPOCHS, PATIENCE, HOLDOUT, BATCH, LEARNING_RATE, WEIGHT_DECAY, ANGLES],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let (network, schedule) = (network(settings, 1, false)?, schedule(settings, false)?);
    network_cost(context, &network, schedule.batch)?;
    let regressor = Ensemble::new(network, schedule, Propagation::Expectation, 1);
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, 1, true, regressor)?))
}
