//! `worldwright collect`: episodes to a store on disk.

use std::path::Path;

use anyhow::Result;
use worldwright_core::{Interrupt, Setting};
use worldwright_runs::report::{counted, short};
use worldwright_runs::{Choices, Lists, Workshop, collect, instances, load_bundle};

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
        let asked = (options.steps, options.seed);
        collect(&mut loaded.made, &mut [], Some(loaded.agent.as_mut()), asked, &options.out, interrupt)?
    } else {
        if let Some(other) = options.settings.iter().find(|setting| !setting.starts_with("environment.")) {
            anyhow::bail!("'{other}' is no setting of the environment; those are called environment.KEY");
        }
        let given = options.settings.iter().try_fold(Choices::new(), |choices, setting| choices.assign(setting))?;
        let choices = given.set("environment", Setting::Text(options.what.clone()))?;
        let experiment = Lists.resolve(&choices)?;
        let mut made = Lists.environment(&experiment)?;
        let mut beside = instances(&Lists, &experiment, experiment.count.saturating_sub(1))?;
        collect(&mut made, &mut beside, None, (options.steps, options.seed), &options.out, interrupt)?
    };
    let episodes = collected.returns.len();
    // The return of a part says nothing beside those of whole episodes.
    let whole = &collected.returns[..episodes - collected.cut];
    let mean = short(whole.iter().sum::<f64>() / whole.len().max(1) as f64);
    let paid = match (collected.cut, whole.len(), collected.returns.last()) {
        (1, 0, Some(part)) => format!("return so far {}", short(*part)),
        (1.., 0, _) => {
            format!("mean return so far {}", short(collected.returns.iter().sum::<f64>() / episodes.max(1) as f64))
        }
        (1.., n, _) => format!("mean return {mean} of {}", counted(n as u64, "whole episode")),
        _ => format!("mean return {mean}"),
    };
    let steps = options.steps;
    let cut = match collected.cut {
        0 => String::new(),
        1 => format!(
            "the last episode was under way when --steps {steps} was reached: it is kept as neither terminated nor truncated\n"
        ),
        many => format!(
            "{many} episodes were under way when --steps {steps} was reached: they are kept as neither terminated nor truncated\n"
        ),
    };
    print(&format!(
        "{} in {}, {paid}, in {}\n{cut}",
        counted(collected.steps, "step"),
        counted(episodes as u64, "episode"),
        options.out.display()
    ))
}
