//! Learning from recorded episodes before anything is done, or instead of doing anything.

use std::time::Instant;

use super::run::{Halt, Run};
use crate::{Event, Row, RowKind};

impl Run<'_, '_> {
    /// The updates on recorded episodes that are still to come.
    pub(super) fn study(&mut self) -> Result<(), Halt> {
        let updates = self.experiment.updates;
        if self.progress.updates >= updates {
            return Ok(());
        }
        while self.progress.updates < updates {
            if let Some(spent) = self.spent()? {
                self.note(format!("{spent}: the updates on recorded episodes end after {}", self.progress.updates))?;
                break;
            }
            if self.should_stop() {
                self.save()?;
                return Err(Halt::Stopped);
            }
            let began = Instant::now();
            let learned = self.agent.study(&self.memory)?;
            let learn_secs = began.elapsed().as_secs_f64();
            self.progress.clock.learn += learn_secs;
            self.progress.updates += 1;
            let update = self.progress.updates;
            if !learned.is_empty() {
                let row = Row {
                    kind: RowKind::Study,
                    episode: 0,
                    step: update,
                    values: learned.into_iter().map(|(name, value)| (name.into(), value)).collect(),
                    clock: vec![("wall_secs".into(), self.wall_secs()), ("learn_secs".into(), learn_secs)],
                };
                self.tell(&Event::Row(&row))?;
                let note = self.agent.note().to_owned();
                if !note.is_empty() {
                    self.tell(&Event::FitNote(&note))?;
                }
            }
            self.tell(&Event::Studied { update, of: updates })?;
            self.save_if_due()?;
        }
        self.save()?;
        Ok(())
    }
}
