//! `worldwright completions`: completion scripts.

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::output::print;

pub(crate) fn run(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "worldwright", &mut script);
    print(&String::from_utf8_lossy(&script))
}
