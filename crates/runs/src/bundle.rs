//! Bundles: what a run leaves for use. A folder of `weights.safetensors`, `config.toml` and `card.toml`; the card names the
//! layout version, the program's version, both spaces and the SHA-256 of the other files, and its last line is that of its own text.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use worldwright_core::{Agent, Error, Interrupt, Result, RewardFunction, State, uninterrupted};
use worldwright_data::{make_whole, space_from_json, space_to_json};
use worldwright_envs::Made;

use crate::experiment::hex;
use crate::folder::{file_error, set_aside, write_whole};
use crate::{Experiment, Lists, RECORDED, Workshop, state_file, world};

const KIND: &str = "worldwright bundle";
const FORMAT: u32 = 2;
const WEIGHTS: &str = "weights.safetensors";
const CONFIG: &str = "config.toml";
const CARD: &str = "card.toml";

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Always `worldwright bundle`.
    pub kind: String,
    /// Version of the layout.
    pub format: u32,
    /// Version of the program that wrote it.
    pub worldwright: String,
    /// The environment that it was learned in.
    pub environment: String,
    /// The algorithm.
    pub algorithm: String,
    /// SHA-256 of the resolved configuration.
    pub config_sha256: String,
    /// Digest of the weights, as in the run's summary.
    pub weights_digest: String,
    /// The observation space, as JSON.
    pub observation_space: String,
    /// The action space, as JSON.
    pub action_space: String,
    /// Names of the flat observation's numbers.
    pub observation_channels: Vec<String>,
    /// Names of the action's dimensions or choices.
    pub action_channels: Vec<String>,
    /// SHA-256 of each other file.
    pub files: std::collections::BTreeMap<String, String>,
}

/// A bundle, ready to act.
pub struct Loaded {
    /// The agent with its weights.
    pub agent: Box<dyn Agent>,
    /// What it was learned by.
    pub experiment: Experiment,
    /// What the bundle says of itself.
    pub card: Card,
    /// A new instance of its environment.
    pub made: Made,
    /// The reward that it plans for; none where its model learned it.
    pub reward: Option<Arc<dyn RewardFunction>>,
}

/// Writes a bundle, whole or not at all, in the place of one that this run has written before. One that it has not, or that is damaged,
/// is moved aside; where it is then.
pub(crate) fn write(folder: &Path, experiment: &Experiment, made: &Made, weights: &State) -> Result<Option<PathBuf>> {
    let files = [(WEIGHTS, state_file::to_bytes(weights)?), (CONFIG, experiment.to_toml().into_bytes())];
    let card = Card {
        kind: KIND.to_owned(),
        format: FORMAT,
        worldwright: env!("CARGO_PKG_VERSION").to_owned(),
        environment: experiment.environment.name.clone(),
        algorithm: experiment.agent.name.clone(),
        config_sha256: experiment.sha256(),
        weights_digest: state_file::digest(weights),
        observation_space: space_to_json(made.environment.observation_space()).to_string(),
        action_space: space_to_json(made.environment.action_space()).to_string(),
        observation_channels: made.observation_channels.clone(),
        action_channels: made.action_channels.clone(),
        files: files.iter().map(|(name, bytes)| ((*name).to_owned(), hex(&Sha256::digest(bytes)))).collect(),
    };
    let mut card = toml::to_string(&card).map_err(|error| Error::external("bundle", error.to_string()))?;
    // Tables come last in TOML, so that the checksum is a comment.
    card.push_str(&checksum_line(&card));
    let failed = |error: &std::io::Error| file_error(folder, "cannot be written", error);
    let make = |part: &Path| {
        files.iter().try_for_each(|(name, bytes)| write_whole(&part.join(name), bytes))?;
        write_whole(&part.join(CARD), card.as_bytes())?;
        match folder.symlink_metadata() {
            Err(_) => Ok(None),
            // What is ours goes; what someone put beside it is kept, with it.
            Ok(_)
                if read(folder).is_ok_and(|(card, ..)| card.config_sha256 == experiment.sha256())
                    && fs::read_dir(folder).is_ok_and(|entries| entries.count() == files.len() + 1) =>
            {
                uninterrupted(|| fs::remove_dir_all(folder))
                    .map(|()| None)
                    .map_err(|error| file_error(folder, "cannot be removed", &error))
            }
            Ok(_) => set_aside(folder).map(Some),
        }
    };
    make_whole(folder, make, failed)
}

/// The last line of a card, for the text before it.
fn checksum_line(before: &str) -> String {
    format!("# sha256 {}\n", hex(&Sha256::digest(before.as_bytes())))
}

/// Refuses a bundle that lacks a file or holds another than its card names.
pub(crate) fn check(folder: &Path) -> Result<()> {
    read(folder).map(|_| ())
}

/// Loads a bundle: the folder itself, or a finished run's folder. Its agent looks at `interrupt`.
///
/// # Errors
/// [`Error::External`] when it is no bundle, was written by a later version, lacks a file, or holds one whose hash is not the
/// card's; otherwise what its environment or its agent gives.
pub fn load_bundle(workshop: &dyn Workshop, path: &Path, interrupt: &Interrupt) -> Result<Loaded> {
    let path = if !path.join(CARD).exists() && path.join("bundle").join(CARD).exists() {
        path.join("bundle")
    } else {
        path.to_owned()
    };
    let who = || path.display().to_string();
    let (card, weights, config) = read(&path)?;
    let experiment = Experiment::from_toml(&config, &path.join(CONFIG).display().to_string())?;
    // Of the text itself: earlier versions wrote the same settings in other words.
    if hex(&Sha256::digest(config.as_bytes())) != card.config_sha256 {
        return Err(Error::external(
            who(),
            "config.toml is not the configuration that the card names: the bundle is damaged",
        ));
    }
    let weights = state_file::from_bytes(&weights)?;
    if state_file::digest(&weights) != card.weights_digest {
        return Err(Error::external(who(), "the weights are not those that the card names: the bundle is damaged"));
    }
    // What was learned from recorded episodes acts without them.
    let made = if experiment.environment.name == RECORDED {
        let channels = [&card.observation_channels, &card.action_channels].map(|names| Some(names.clone()));
        world(channels, (space_from_json(&card.observation_space)?, space_from_json(&card.action_space)?))
    } else {
        workshop.environment(&experiment)?
    };
    for (what, space, written) in [
        ("observation", made.environment.observation_space(), &card.observation_space),
        ("action", made.environment.action_space(), &card.action_space),
    ] {
        if space_to_json(space).to_string().as_str() != written {
            return Err(Error::external(
                who(),
                format!(
                    "its {what} space is not that of {} here: the environment has another version",
                    card.environment
                ),
            ));
        }
    }
    // In however many environments it learned, it now acts in one.
    let alone = Experiment { count: 1, ..experiment.clone() };
    let mut agent = workshop.agent(&alone, &made, interrupt)?;
    agent.restore_weights(&weights)?;
    let reward = Lists::reward(&experiment, &made)?;
    Ok(Loaded { agent, experiment, card, made, reward })
}

/// Reads and checks the files of a bundle: card, weights, configuration.
fn read(path: &Path) -> Result<(Card, Vec<u8>, String)> {
    let who = || path.display().to_string();
    let bytes = |name: &str| {
        let file = path.join(name);
        fs::read(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory if name == CARD => Error::external(
                who(),
                "is not a bundle: it has no card.toml; give a finished run's folder, or the folder 'bundle' in it",
            ),
            std::io::ErrorKind::NotFound => Error::external(who(), format!("lacks {name}: copy the whole folder")),
            _ => file_error(&file, "cannot be read", &error),
        })
    };
    let foreign = |why: String| Error::external(who(), format!("card.toml is not a bundle's card: {why}"));
    let damaged = |name: &str| {
        Error::external(who(), format!("{name} is damaged: its hash is not the one in card.toml; copy it again"))
    };
    let card = String::from_utf8(bytes(CARD)?).map_err(|_| damaged(CARD))?;
    let last = card.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
    // Earlier versions wrote none; all of them ended the card's last line.
    let checked = !card[last..].starts_with('#') || card[last..] == checksum_line(&card[..last]);
    if !checked || !card.ends_with('\n') {
        return Err(damaged(CARD));
    }
    let head: toml::Table = card.parse().map_err(|error: toml::de::Error| foreign(error.message().to_owned()))?;
    if head.get("kind").and_then(toml::Value::as_str) != Some(KIND) {
        return Err(foreign(format!("its kind is not '{KIND}'")));
    }
    if head.get("format").and_then(toml::Value::as_integer) != Some(i64::from(FORMAT)) {
        return Err(Error::external(
            who(),
            format!("has another layout than {FORMAT}, which this program reads: use the version that wrote it"),
        ));
    }
    let card: Card = toml::from_str(&card).map_err(|error| foreign(error.message().to_owned()))?;
    let mut checked = Vec::new();
    for name in [WEIGHTS, CONFIG] {
        let bytes = bytes(name)?;
        if card.files.get(name) != Some(&hex(&Sha256::digest(&bytes))) {
            return Err(damaged(name));
        }
        checked.push(bytes);
    }
    let config = checked.pop().unwrap_or_default();
    let config = String::from_utf8(config).map_err(|_| Error::external(who(), "config.toml is not text"))?;
    Ok((card, checked.pop().unwrap_or_default(), config))
}
