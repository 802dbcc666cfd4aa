//! `--size NAME=LENGTH`: lengths of what a model leaves free.

use super::Failure;
use crate::cli::args::Size;
use edgeward_engine::{Dim, Session, Signature, Sizes, trial_sizes};

/// Those that were asked for; all others a length with which the model gives an answer.
///
/// # Errors
/// A name that the model hasn't.
pub fn lengths(signature: &Signature, session: &mut dyn Session, asked: &[Size]) -> Result<Sizes, Failure> {
    let sizes = named(asked, trial_sizes(signature, session));
    let unknown: Vec<&str> = sizes.unknown(signature).collect();
    if unknown.is_empty() {
        return Ok(sizes);
    }
    let dims = signature.inputs.iter().flat_map(|port| &port.dims);
    let mut free: Vec<&str> = dims
        .filter_map(|dim| match dim {
            Dim::Free(name) => Some(name.as_str()),
            Dim::Fixed(_) | Dim::Batch => None,
        })
        .collect();
    free.dedup();
    let has =
        if free.is_empty() { "none is free".to_owned() } else { format!("free are {}", free.join(", ")) };
    Err(Failure::config(format!("--size {}: the model has no such size; {has}", unknown.join(", "))))
}

/// Those that were asked for, besides `others`.
pub fn named(asked: &[Size], others: Sizes) -> Sizes {
    asked.iter().fold(others, |sizes, size| sizes.with(&size.name, size.length))
}
