//! How an arena refuses what its model's spec does not declare: one text each, for those that lack it and for those that wrap one that has it.

use crate::{Error, ModelSpec, Result};

fn refused(spec: &ModelSpec, what: &'static str) -> Result<()> {
    Err(Error::unsupported(spec.name.clone(), what))
}

pub(crate) fn value(spec: &ModelSpec) -> Result<()> {
    refused(spec, "values of rows: use a model with a value head")
}

pub(crate) fn prior(spec: &ModelSpec) -> Result<()> {
    refused(spec, "action priors: use a model with a policy head")
}

pub(crate) fn keys(spec: &ModelSpec) -> Result<()> {
    refused(spec, "keys of states: search a tree, without transpositions")
}

pub(crate) fn decode(spec: &ModelSpec) -> Result<()> {
    refused(spec, "decoding a latent row to an observation")
}

pub(crate) fn read_latent(spec: &ModelSpec) -> Result<()> {
    refused(spec, "reading a latent row as numbers")
}

pub(crate) fn write_latent(spec: &ModelSpec) -> Result<()> {
    refused(spec, "writing a latent row from numbers")
}
