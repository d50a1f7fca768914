//! The known pendulum with a value: what a grid says is still to come where a plan ends.

use std::f64::consts::PI;

use worldwright_core::{ArenaWrapper, Capabilities, Imagination, ModelSpec, Result, Rows, Values, WorldModel};
use worldwright_models::Known;
use worldwright_planners::grid::{Axis, GridConfig, GridValue};

/// A known pendulum and the grid's value of its states.
pub(crate) struct Valued {
    known: Known,
    spec: ModelSpec,
    table: GridValue,
}

impl Valued {
    /// Values of 200 steps to go on `angles` × `speeds` points, with `torques` torques.
    pub(crate) fn new(known: Known, angles: usize, speeds: usize, torques: usize) -> Result<Self> {
        let mut config = GridConfig::new(vec![Axis::periodic(-PI, PI, angles), Axis::new(-8.0, 8.0, speeds)]);
        config.angles = vec![0];
        config.action_points = vec![torques];
        let spec = ModelSpec {
            capabilities: Capabilities { value: true, ..known.spec().capabilities },
            ..known.spec().clone()
        };
        let mut table = GridValue::new(&config, &spec.action_space, 1)?;
        table.explore(&mut *known.imagination(table.rows()))?;
        (0..200).for_each(|_| {
            table.sweep();
        });
        Ok(Self { known, spec, table })
    }
}

impl WorldModel for Valued {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Arena { model: self, known: self.known.imagination(rows) })
    }
}

struct Arena<'m> {
    model: &'m Valued,
    known: Box<dyn Imagination + 'm>,
}

impl ArenaWrapper for Arena<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.known
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.known
    }

    fn spec(&self) -> &ModelSpec {
        &self.model.spec
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        out.value.resize(rows.len(), 0.0);
        let mut state = [0.0; 2];
        for (i, value) in out.value.iter_mut().enumerate() {
            self.known.read_latent(rows.at(i), &mut state)?;
            *value = self.model.table.at(&state);
        }
        Ok(())
    }
}
