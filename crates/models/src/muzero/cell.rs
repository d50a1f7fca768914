//! The networks of a value-equivalent model for search: a trunk, and what is thought of its latents.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Bins, Graph, Node, Store, WeightInit};

use crate::latent::heads::Head;
use crate::latent::trunk::{Sizes, Trunk};

/// The bins of rewards and values.
pub(super) const BINS: Bins = Bins::COARSE;

/// The networks.
#[derive(Debug, Clone)]
pub(super) struct MuzeroCell {
    pub(super) trunk: Trunk,
    policy: Head,
    value: Head,
}

impl MuzeroCell {
    /// Declares the parameters.
    pub(super) fn new(store: &mut Store, sizes: Sizes, rng: &mut Rng) -> Self {
        let (width, latent, none) = (sizes.hidden, sizes.latent, WeightInit::Zero);
        Self {
            trunk: Trunk::new(store, (sizes, BINS), rng),
            policy: Head::new(store, "policy", [latent, width, sizes.actions], none, rng),
            value: Head::new(store, "value", [latent, width, BINS.count], none, rng),
        }
    }

    /// Logits of the policy from latents, and logits over [`BINS`] of their values.
    pub(super) fn predict(&self, graph: &mut Graph, latent: Node) -> Result<(Node, Node)> {
        Ok((self.policy.record(graph, latent)?, self.value.record(graph, latent)?))
    }
}
