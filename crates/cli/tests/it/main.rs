//! The command line as its users meet it: the built program is run, and what it says is compared.

#[cfg(unix)]
mod cut_short;
mod edges;
mod front_page;
#[cfg(unix)]
mod installing;
mod logs;
mod nonsense;
mod said;
mod works;

use std::process::{Command, Output};

/// Runs the program in an empty folder of its own.
fn worldwright(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    in_folder(folder.path(), arguments)
}

fn in_folder(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_worldwright"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env("WORLDWRIGHT_DATA_DIR", folder)
        .output()
        .expect("the program starts")
}

/// Exit code, standard output and standard error as one text.
fn told(arguments: &[&str]) -> String {
    let output = worldwright(arguments);
    let code = output.status.code().expect("it ends by itself");
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    // What a search took is another number each time.
    let out: String = out
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("seconds ") {
            Some(rest) => format!("seconds {}<time>\n", &rest[..rest.len() - rest.trim_start().len()]),
            None => line.to_owned(),
        })
        .collect();
    format!("exit code {code}\n---- stdout\n{out}---- stderr\n{err}")
}
