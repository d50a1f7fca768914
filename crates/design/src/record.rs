//! What similar domains needed: the share of the best candidate's gain over random actions that each candidate reached, on domains
//! that were searched in full. The table stands in `record.txt`, written by the command that measures the search's regret.

use super::domain::Domain;

const TABLE: &str = include_str!("record.txt");
/// Domains that a prior is taken from.
const NEIGHBOURS: usize = 3;
/// What a candidate is thought to reach that no domain of the record tried.
const UNTRIED: f64 = 0.5;

/// A domain that was searched in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What it is like.
    pub domain: Domain,
    /// Labels of model and plan, and the share of the best gain that they reached.
    pub shares: Vec<(String, String, f64)>,
}

/// The committed record.
pub fn record() -> Vec<Record> {
    parse(TABLE)
}

/// Reads what [`to_text`] wrote; lines that it could not have written are left out.
fn parse(text: &str) -> Vec<Record> {
    let mut record: Vec<Record> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["domain", name, numbers @ ..] => {
                if let Some(domain) = domain(numbers) {
                    record.push(Record { name: (*name).to_owned(), domain, shares: Vec::new() });
                }
            }
            ["candidate", model, plan, share] => {
                if let (Some(experience), Ok(share)) = (record.last_mut(), share.parse()) {
                    experience.shares.push(((*model).to_owned(), (*plan).to_owned(), share));
                }
            }
            _ => {}
        }
    }
    record
}

fn domain(words: &[&str]) -> Option<Domain> {
    let [observation_dim, action_dim, discrete, transitions, episode_steps, reward_known, noise, nonlinearity] = words
    else {
        return None;
    };
    Some(Domain {
        observation_dim: observation_dim.parse().ok()?,
        action_dim: action_dim.parse().ok()?,
        discrete: discrete.parse().ok()?,
        transitions: transitions.parse().ok()?,
        episode_steps: episode_steps.parse().ok()?,
        reward_known: reward_known.parse().ok()?,
        noise: noise.parse().ok()?,
        nonlinearity: nonlinearity.parse().ok()?,
    })
}

/// The record as text, one line a domain and one a candidate, in fields parted by tabs.
pub fn to_text(record: &[Record]) -> String {
    let mut text = String::from(
        "# Fields of a domain: name, observation numbers, action numbers, discrete, transitions, episode steps, reward known, noise, \
         non-linearity. Fields of a candidate: model, plan, share of the best gain over random actions.\n",
    );
    for Record { name, domain: d, shares } in record {
        text += &format!(
            "domain\t{name}\t{}\t{}\t{}\t{}\t{}\t{}\t{:.3}\t{:.3}\n",
            d.observation_dim,
            d.action_dim,
            d.discrete,
            d.transitions,
            d.episode_steps,
            d.reward_known,
            d.noise,
            d.nonlinearity
        );
        for (model, plan, share) in shares {
            text += &format!("candidate\t{model}\t{plan}\t{share:.2}\n");
        }
    }
    text
}

/// What the nearest domains of a record say of candidates.
pub(super) struct Prior<'r> {
    /// Nearest first, each with its weight; the weights add up to 1.
    neighbours: Vec<(f64, &'r Record)>,
    nearest: f64,
}

impl<'r> Prior<'r> {
    pub(super) fn new(record: &'r [Record], domain: &Domain) -> Self {
        let mut all: Vec<(f64, &Record)> = record.iter().map(|e| (e.domain.distance(domain), e)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
        all.truncate(NEIGHBOURS);
        let total: f64 = all.iter().map(|(distance, _)| (-distance).exp()).sum();
        let nearest = all.first().map_or(f64::INFINITY, |(distance, _)| *distance);
        Self { nearest, neighbours: all.into_iter().map(|(distance, e)| ((-distance).exp() / total, e)).collect() }
    }

    /// Names of the neighbours, nearest first.
    pub(super) fn names(&self) -> Vec<&'r str> {
        self.neighbours.iter().map(|(_, experience)| experience.name.as_str()).collect()
    }

    /// Distance of the nearest; infinite where there is none.
    pub(super) fn nearest(&self) -> f64 {
        self.nearest
    }

    /// The share of the best gain that a candidate is expected to reach.
    pub(super) fn share(&self, model: &str, plan: &str) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (weight, experience) in &self.neighbours {
            if let Some((.., share)) = experience.shares.iter().find(|(m, p, _)| m == model && p == plan) {
                sum += weight * share;
                weights += weight;
            }
        }
        if weights > 0.0 { sum / weights } else { UNTRIED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experience(name: &str, noise: f64, share: f64) -> Record {
        let domain = Domain { observation_dim: 3, action_dim: 1, transitions: 200, noise, ..Domain::default() };
        Record { name: name.into(), domain, shares: vec![("gp".into(), "icem 25".into(), share)] }
    }

    #[test]
    fn text_reads_back() {
        let record = vec![experience("a", 0.125, 0.25), experience("b", 0.5, 1.0)];
        assert_eq!(parse(&to_text(&record)), record);
    }

    #[test]
    fn every_line_of_the_committed_record_is_read() {
        let lines = |start: &str| TABLE.lines().filter(|line| line.starts_with(start)).count();
        let read = record();
        assert_eq!(lines("domain\t"), read.len());
        assert_eq!(lines("candidate\t"), read.iter().map(|e| e.shares.len()).sum::<usize>());
        assert!(read.iter().flat_map(|e| &e.shares).all(|(.., share)| *share <= 1.0));
    }

    #[test]
    fn nearer_domains_say_more_and_untried_candidates_are_half_trusted() {
        let record = [experience("same", 0.1, 1.0), experience("near", 0.2, 0.5), experience("far", 3.0, 0.0)];
        let prior = Prior::new(&record, &record[0].domain);
        assert_eq!(prior.names(), ["same", "near", "far"]);
        let share = prior.share("gp", "icem 25");
        assert!(share > 0.8 && share < 1.0, "{share}");
        assert_eq!(prior.share("linear", "icem 25"), UNTRIED);
    }
}
