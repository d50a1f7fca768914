//! What takes the lanes of a model for beliefs: each a world that may be the true one, so that where they differ says what is not known. A known world is the
//! one belief of a model that is certain; a single lane of a model that learned is none, for it says nothing of what is not known.

use worldwright_core::{Error, ModelSpec, Result};

/// Refuses a model whose lanes are no [beliefs](worldwright_core::Capabilities::beliefs) to `who` asks them, which may be told not to.
///
/// # Errors
/// [`Error::Unsupported`], which names the settings.
pub(crate) fn check(who: &str, instead: Option<&str>, spec: &ModelSpec) -> Result<()> {
    if spec.capabilities.beliefs {
        return Ok(());
    }
    let or = instead.map_or_else(String::new, |setting| format!(", or {setting}"));
    let what = format!(
        "{who}, which asks what each of several beliefs foresees: choose model=ensemble with model.propagation=ts-inf (of linear draws, of gp particles) and model.particles of 2 or more{or}"
    );
    Err(Error::unsupported(spec.name.clone(), what))
}
