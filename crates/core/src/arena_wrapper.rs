//! Arenas around arenas: what a wrapper does not change it passes on, by this one file.
//!
//! What the wrapper's own spec does not declare is refused, even where the arena within could do it; derivatives that it does not
//! declare are differences of the wrapper's steps. So a wrapper takes a capability away by its spec alone, and adds one by its spec
//! and the method.

use crate::{
    Action, Actions, Applicable, Differences, Imagination, Imagined, Key, Linearizations, ModelSpec, Observation,
    Priors, Pulled, Result, Rows, Values, by_differences, pull_by_linearizing, refusal,
};

/// What a wrapper changes of the arena in it; whoever implements it is an [`Imagination`]. Every other method is the inner one's, within
/// what [`spec`](Self::spec) declares.
///
/// A wrapper whose steps give other numbers changes [`linearize`](Self::linearize) and [`pullback`](Self::pullback) too, or does not declare derivatives.
pub trait ArenaWrapper: Send {
    /// The arena within.
    fn inner(&self) -> &dyn Imagination;

    /// The same, to imagine in.
    fn inner_mut(&mut self) -> &mut dyn Imagination;

    /// As [`Imagination::spec`]. Lanes, spaces and latents stay the inner one's.
    fn spec(&self) -> &ModelSpec {
        self.inner().spec()
    }

    /// As [`Imagination::observe`].
    ///
    /// # Errors
    /// As there.
    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        self.inner_mut().observe(row, previous, observation, key)
    }

    /// As [`Imagination::step`].
    ///
    /// # Errors
    /// As there.
    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        self.inner_mut().step(from, actions, to, key, out)
    }

    /// As [`Imagination::value`], asked only where it is declared.
    ///
    /// # Errors
    /// As there.
    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        self.inner_mut().value(rows, out)
    }

    /// As [`Imagination::prior`], asked only where it is declared.
    ///
    /// # Errors
    /// As there.
    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        self.inner_mut().prior(rows, out)
    }

    /// As [`Imagination::applicable`], asked only where rules are declared.
    ///
    /// # Errors
    /// As there.
    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        self.inner_mut().applicable(rows, out)
    }

    /// As [`Imagination::decode`], asked only where it is declared.
    ///
    /// # Errors
    /// As there.
    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        self.inner().decode(row, member, out)
    }

    /// As [`Imagination::linearize`], asked only where derivatives are declared.
    ///
    /// # Errors
    /// As there.
    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        self.inner_mut().linearize(rows, actions, differences, out)
    }

    /// As [`Imagination::pullback`], asked only where derivatives are declared.
    ///
    /// # Errors
    /// As there.
    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        self.inner_mut().pullback(rows, actions, cotangents, differences, linear, out)
    }
}

impl<W: ArenaWrapper> Imagination for W {
    fn spec(&self) -> &ModelSpec {
        ArenaWrapper::spec(self)
    }

    fn rows(&self) -> usize {
        self.inner().rows()
    }

    fn observe(
        &mut self,
        row: usize,
        previous: Option<(usize, &Action)>,
        observation: &Observation,
        key: Key,
    ) -> Result<()> {
        ArenaWrapper::observe(self, row, previous, observation, key)
    }

    fn copy(&mut self, from: usize, to: Rows<'_>) {
        self.inner_mut().copy(from, to);
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        ArenaWrapper::step(self, from, actions, to, key, out)
    }

    fn explore(&mut self, on: bool) {
        self.inner_mut().explore(on);
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.capabilities.value { ArenaWrapper::value(self, rows, out) } else { refusal::value(spec) }
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.capabilities.prior { ArenaWrapper::prior(self, rows, out) } else { refusal::prior(spec) }
    }

    fn applicable(&mut self, rows: Rows<'_>, out: &mut Applicable) -> Result<()> {
        // Without rules everything stays applicable.
        if ArenaWrapper::spec(self).capabilities.rules { ArenaWrapper::applicable(self, rows, out) } else { Ok(()) }
    }

    fn state_keys(&mut self, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.capabilities.keys { self.inner_mut().state_keys(rows, out) } else { refusal::keys(spec) }
    }

    fn decode(&self, row: usize, member: usize, out: &mut [f64]) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.capabilities.decode { ArenaWrapper::decode(self, row, member, out) } else { refusal::decode(spec) }
    }

    fn read_latent(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.latent_dim > 0 { self.inner().read_latent(row, out) } else { refusal::read_latent(spec) }
    }

    fn write_latent(&mut self, row: usize, latent: &[f64]) -> Result<()> {
        let spec = ArenaWrapper::spec(self);
        if spec.latent_dim > 0 { self.inner_mut().write_latent(row, latent) } else { refusal::write_latent(spec) }
    }

    fn linearize(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        differences: &Differences,
        out: &mut Linearizations,
    ) -> Result<()> {
        if ArenaWrapper::spec(self).capabilities.derivatives {
            ArenaWrapper::linearize(self, rows, actions, differences, out)
        } else {
            by_differences(self, &rows, actions, differences, out)
        }
    }

    fn pullback(
        &mut self,
        rows: Rows<'_>,
        actions: Actions<'_>,
        cotangents: &[f64],
        differences: &Differences,
        linear: &mut Linearizations,
        out: &mut Pulled,
    ) -> Result<()> {
        if ArenaWrapper::spec(self).capabilities.derivatives {
            ArenaWrapper::pullback(self, rows, actions, cotangents, differences, linear, out)
        } else {
            pull_by_linearizing(self, &rows, actions, cotangents, differences, linear, out)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names of the methods between a line that begins with `start` and the end of that block.
    fn methods<'t>(text: &'t str, start: &str) -> BTreeSet<&'t str> {
        let block = text.split_once(start).unwrap().1.split("\n}\n").next().unwrap();
        let lines = block.lines().filter_map(|line| line.strip_prefix("    fn "));
        lines.filter_map(|line| line.split('(').next()).collect()
    }

    /// The compiler would not miss a method that has a default, and the wrapper would then drop what the arena within can do.
    #[test]
    fn every_method_of_an_arena_is_passed_on() {
        let whole = methods(include_str!("imagination.rs"), "pub trait Imagination: Send {");
        let passed = methods(include_str!("arena_wrapper.rs"), "impl<W: ArenaWrapper> Imagination for W {");
        assert!(whole.len() > 10 && whole.contains("explore"), "{whole:?}");
        assert_eq!(whole, passed);
    }
}
