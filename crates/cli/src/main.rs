//! `worldwright`: the command line. It parses, calls `runs`, and prints; every decision about worlds is made in other rooms.
//!
//! Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 an error, 2 wrong usage,
//! 130 interrupted (the run can be resumed).

mod arguments;
mod command;
mod interrupts;
mod output;

use std::process::ExitCode;

use clap::Parser;
use worldwright_core::Interrupt;
use worldwright_runs::List;

use crate::arguments::{Arguments, Command};
use crate::interrupts::{INTERRUPTED, Words};

/// An error was met; it stands on standard error.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    worldwright_runs::know_the_machine();
    let words = interrupts::of(&arguments.command);
    let listening = interrupts::survive_file_limits().and_then(|()| interrupts::listen(words));
    let interrupt = match listening {
        Ok(interrupt) => interrupt,
        Err(error) => return finish(words, Err(error)),
    };
    // On a worker of the thread pool: from outside, each hand-over of work to the pool would cost a sleep and a wake-up.
    rayon::scope(|_| finish(words, run(arguments, &interrupt)))
}

fn run(arguments: Arguments, interrupt: &Interrupt) -> anyhow::Result<command::Ending> {
    let done = match arguments.command {
        Command::Learn(options) => return command::learn::run(&options, interrupt),
        Command::Design(options) => command::design::run(&options, interrupt),
        Command::Eval(options) => command::eval::run(&options, interrupt),
        Command::Estimate(options) => command::estimate::run(&options, interrupt),
        Command::Collect(options) => command::collect::run(&options, interrupt),
        Command::Data(ref command) => command::data::run(command, interrupt),
        Command::Plan(options) => command::plan::run(&options, interrupt),
        Command::Report(options) => command::report::run(&options),
        Command::Study(options) => command::study::run(&options, interrupt),
        Command::Envs(options) => command::list::run(&[List::Environments], &options),
        Command::Models(options) => command::list::run(&[List::Models], &options),
        Command::Planners(options) => command::list::run(&[List::Planners, List::Problems], &options),
        Command::Policies(options) => command::list::run(&[List::Policies], &options),
        Command::Learners(options) => command::list::run(&[List::Learners], &options),
        Command::Algorithms(options) => command::list::run(&[List::Algorithms], &options),
        Command::Studies(options) => command::list::run(&[List::Studies], &options),
        Command::Env(ref command) => command::env::run(command, interrupt),
        Command::Doctor { json } => return command::doctor::run(json),
        Command::Completions { shell } => command::completions::run(shell),
    };
    done.map(|()| command::Ending::Done)
}

fn finish(words: Words, result: anyhow::Result<command::Ending>) -> ExitCode {
    match result {
        Ok(command::Ending::Done) => ExitCode::SUCCESS,
        Ok(command::Ending::Unwell) => ExitCode::from(FAILED),
        Ok(command::Ending::Interrupted) => ExitCode::from(INTERRUPTED),
        // Whoever read our output has seen enough: `worldwright envs | head -1` is no failure.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if interrupts::is_interrupted(&error) => {
            output::print_aside(&words.of_ended(&error));
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(FAILED)
        }
    }
}
