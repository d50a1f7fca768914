//! Interrupts (Ctrl-C) and requests to terminate, for every command.
//!
//! The first asks the work to stop: it heeds that within moments and ends with what it has to say. Whatever has not ended [`WAITED`]
//! later is ended: no command keeps anything that a cut could spoil, since files appear whole or are cut back on resume.

use std::time::Duration;

use anyhow::{Context, Result};
use worldwright_core::{Error, Interrupt};

use crate::INTERRUPTED;
use crate::arguments::Command;

/// How long work may take to end by itself.
const WAITED: Duration = Duration::from_millis(800);

/// What is said at an interrupt, and when the work had to be ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    at_once: &'static str,
    ended: &'static str,
}

/// The words for a command: runs can go on, other work begins anew.
pub(crate) fn of(command: &Command) -> Words {
    match command {
        Command::Learn(_) => Words {
            at_once: "\nstopping",
            ended: "stopped; everything up to the last checkpoint is saved\ngo on with the same command and --resume",
        },
        _ => Words { at_once: "", ended: "interrupted" },
    }
}

/// Listens from now on.
///
/// # Errors
/// When the system does not let it.
pub(crate) fn listen(words: Words) -> Result<Interrupt> {
    let interrupt = Interrupt::new();
    let asked = interrupt.clone();
    ctrlc::set_handler(move || {
        if !asked.requested() {
            asked.request();
            if !words.at_once.is_empty() {
                eprintln!("{}", words.at_once);
            }
            std::thread::sleep(WAITED);
        }
        eprintln!("{}", words.ended);
        std::process::exit(i32::from(INTERRUPTED));
    })
    .context("cannot listen for interrupts")?;
    Ok(interrupt)
}

/// Whether work says that it ended because it was asked to.
pub(crate) fn is_interrupted(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(Error::Interrupted { .. })))
}
