//! `worldwright collect`: episodes to a store on disk.

use std::path::Path;

use anyhow::Result;
use worldwright_core::{Interrupt, Setting};
use worldwright_runs::report::{counted, short};
use worldwright_runs::{Choices, Lists, Workshop, collect, load_bundle};

use super::is_path;
use crate::arguments::Collect;
use crate::output::print;

pub(crate) fn run(options: &Collect, interrupt: &Interrupt) -> Result<()> {
    let collected = if is_path(&options.what) {
        anyhow::ensure!(
            options.settings.is_empty(),
            "what was learned keeps the settings of its run; leave '{}' out, or name an environment",
            options.settings.join(" ")
        );
        let mut loaded = load_bundle(&Lists, Path::new(&options.what), interrupt)?;
        collect(&mut loaded.made, Some(loaded.agent.as_mut()), options.steps, options.seed, &options.out, interrupt)?
    } else {
        if let Some(other) = options.settings.iter().find(|setting| !setting.starts_with("environment.")) {
            anyhow::bail!("'{other}' is no setting of the environment; those are called environment.KEY");
        }
        let given = options.settings.iter().try_fold(Choices::new(), |choices, setting| choices.assign(setting))?;
        let choices = given.set("environment", Setting::Text(options.what.clone()))?;
        let mut made = Lists.environment(&Lists.resolve(&choices)?)?;
        collect(&mut made, None, options.steps, options.seed, &options.out, interrupt)?
    };
    let episodes = collected.returns.len();
    // The return of a part says nothing beside those of whole episodes.
    let whole = &collected.returns[..episodes - usize::from(collected.cut)];
    let mean = short(whole.iter().sum::<f64>() / whole.len().max(1) as f64);
    let paid = match (collected.cut, whole.len(), collected.returns.last()) {
        (true, 0, Some(part)) => format!("return so far {}", short(*part)),
        (true, n, _) => format!("mean return {mean} of {}", counted(n as u64, "whole episode")),
        _ => format!("mean return {mean}"),
    };
    let cut = if collected.cut {
        format!(
            "the last episode was under way when --steps {} was reached: it is kept as neither terminated nor truncated\n",
            options.steps
        )
    } else {
        String::new()
    };
    print(&format!(
        "{} in {}, {paid}, in {}\n{cut}",
        counted(collected.steps, "step"),
        counted(episodes as u64, "episode"),
        options.out.display()
    ))
}
