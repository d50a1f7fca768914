//! How results and errors are printed: one place each, so that no command can do it otherwise.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Result;
use worldwright_runs::List;

/// Writes to standard output. Unlike `print!` it gives an error instead of a panic when nobody reads any more.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes a JSON value, indented, with a line end.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// Writes a line to standard error, for whoever watches. A terminal that went away must not end the work: it is no error, and no panic as
/// with `eprintln!`.
pub(crate) fn print_aside(text: &str) {
    print_progress(&format!("{text}\n"));
}

/// The same without a line end.
pub(crate) fn print_progress(text: &str) {
    _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to standard error what should not be missed where results go into a file.
pub(crate) fn print_warning(text: &str) {
    print_aside(&format!("warning: {text}"));
}

/// Refuses a file to write that is there already: nothing of a user's is written over.
///
/// # Errors
/// Naming the flag, for a path that exists and for a file that does not end in `ending`.
pub(crate) fn check_new(flag: &str, path: &Path, ending: Option<&str>) -> Result<()> {
    anyhow::ensure!(
        path.symlink_metadata().is_err(),
        "{flag}: {} exists already: choose another path, or move it away",
        path.display()
    );
    if let Some(ending) = ending {
        let own = path.extension().and_then(|own| own.to_str()).unwrap_or_default();
        anyhow::ensure!(
            own.eq_ignore_ascii_case(ending),
            "{flag}: {} does not end in .{ending}, which is what is written",
            path.display()
        );
    }
    Ok(())
}

/// Whether the error is a reader that went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Prints an error with its causes, each once: outer messages often end in what the inner one says.
pub(crate) fn print_error(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n  ");
        }
        text.push_str(&cause);
    }
    text.truncate(text.trim_end().len());
    if let Some(command) = error.chain().find_map(list_of) {
        text.push_str(&format!("\n  `worldwright {command}` lists them all"));
    }
    print_aside(&format!("error: {text}"));
}

/// The command that lists the names among which one was not found.
fn list_of(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let Some(worldwright_core::Error::Unknown { what, .. }) = error.downcast_ref() else { return None };
    List::ALL.into_iter().find(|list| list.what() == what).map(List::command)
}
