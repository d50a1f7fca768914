//! Interrupts (Ctrl-C) and requests to terminate, for every command.
//!
//! The first asks the work to stop: it heeds that within moments and ends with what it has to say. Whatever has not ended after
//! [`Words::patience`] is ended: no command keeps anything that a cut could spoil, since files appear whole or are cut back on resume. A hang-up is left
//! to the system, so that `nohup` means what it says.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use worldwright_core::{Error, Interrupt};

/// The exit code when a signal ended it, and everything is saved that it had to save.
pub(crate) const INTERRUPTED: u8 = 130;
use crate::arguments::Command;
use crate::output::print_aside;

/// How often is looked whether somebody asked.
const LOOKED: Duration = Duration::from_millis(20);
/// How long work may take to end by itself where it has something to put away; on a busy machine, too, all is over within a second.
const PATIENCE: Duration = Duration::from_millis(700);
/// The same where nothing is kept: there is only a word to say.
const BRIEF: Duration = Duration::from_millis(300);

/// What is said at an interrupt, and when the work had to be ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    at_once: &'static str,
    ended: &'static str,
    /// Whether `ended` is said of work that ended by itself, too, in place of what it says.
    always: bool,
    patience: Duration,
}

/// The words for a command: runs can go on, other work begins anew.
pub(crate) fn of(command: &Command) -> Words {
    match command {
        Command::Learn(_) => Words {
            at_once: "\nstopping",
            ended: "stopped; everything up to the last checkpoint is saved\ngo on with the same command and --resume",
            always: false,
            patience: PATIENCE,
        },
        Command::Study(_) => Words::of_whole("the study was interrupted; nothing of it is kept"),
        Command::Estimate(_) => {
            Words::of_whole("the estimate was interrupted; the run and the episodes are as they were")
        }
        Command::Plan(_) | Command::Design(_) => Words { patience: BRIEF, ..Words::PLAIN },
        _ => Words::PLAIN,
    }
}

/// Listens from now on.
///
/// # Errors
/// When the system does not let it.
pub(crate) fn listen(words: Words) -> Result<Interrupt> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Further signals change nothing: what they ask for has been asked, and comes within moments.
        flag::register(signal, Arc::clone(&asked)).context("cannot listen for interrupts")?;
    }
    let interrupt = Interrupt::from(asked);
    let heard = interrupt.clone();
    std::thread::spawn(move || {
        while !heard.requested() {
            std::thread::sleep(LOOKED);
        }
        if !words.at_once.is_empty() {
            print_aside(words.at_once);
        }
        std::thread::sleep(words.patience);
        print_aside(words.ended);
        std::process::exit(i32::from(INTERRUPTED));
    });
    Ok(interrupt)
}

/// Lets a write beyond the largest file that is allowed (`ulimit -f`) fail as other writes do, instead of ending the program: whoever
/// writes says then which file it was. The programs that are started from here keep the system's way.
///
/// # Errors
/// When the system does not let it.
pub(crate) fn survive_file_limits() -> Result<()> {
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default()).context("cannot listen for limits on files")?;
    Ok(())
}

impl Words {
    const PLAIN: Self = Self { at_once: "", ended: "interrupted", always: false, patience: PATIENCE };

    /// Of work that is whole or nothing: whichever part of it was under way is none of a person's concern.
    const fn of_whole(ended: &'static str) -> Self {
        Self { ended, always: true, patience: BRIEF, ..Self::PLAIN }
    }

    /// What is said of work that ended by itself when it was asked to, and says so itself.
    pub(crate) fn of_ended(self, error: &anyhow::Error) -> String {
        if self.always { self.ended.to_owned() } else { error.to_string() }
    }
}

/// Whether work says that it ended because it was asked to.
pub(crate) fn is_interrupted(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(Error::Interrupted { .. })))
}
