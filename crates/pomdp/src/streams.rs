//! The random numbers of scenarios: one generator a scenario and step, so that the same events follow for whatever is done.
//!
//! A search passes the same scenario and step thousands of times. What a generator begins with is therefore drawn once and copied, which
//! leaves a few moves of memory in place of two blocks of Philox.

use worldwright_core::{Key, Rng};

/// The generators of scenarios.
#[derive(Debug)]
pub(super) struct Streams {
    key: Key,
    depth: usize,
    /// Steps of each scenario for which there are generators.
    drawn: Vec<usize>,
    /// `[scenarios][depth]`, each with its first block drawn.
    generators: Vec<Rng>,
}

impl Streams {
    /// Room for the steps `0..=depth` of every scenario.
    pub(super) fn new(scenarios: usize, depth: usize) -> Self {
        let depth = depth + 1;
        let unused = Key::new(0).rng();
        Self { key: Key::new(0), depth, drawn: vec![0; scenarios], generators: vec![unused; scenarios * depth] }
    }

    /// Other numbers from now on.
    pub(super) fn restart(&mut self, key: Key) {
        self.key = key;
        self.drawn.fill(0);
    }

    /// The generator of a step of a scenario, at its start.
    #[inline]
    pub(super) fn at(&mut self, scenario: u32, t: usize) -> Rng {
        let place = scenario as usize;
        if self.drawn[place] <= t {
            self.draw(place, t);
        }
        self.generators[place * self.depth + t].clone()
    }

    /// Draws all that a scenario lacks up to a step.
    #[cold]
    fn draw(&mut self, scenario: usize, t: usize) {
        for step in self.drawn[scenario]..=t {
            let mut rng = self.key.fold((scenario as u64) << 32 | step as u64).rng();
            // The generator makes a block of four numbers at its first: that is what is worth keeping.
            rng.next_u32();
            self.generators[scenario * self.depth + step] = rng;
        }
        self.drawn[scenario] = t + 1;
    }
}
