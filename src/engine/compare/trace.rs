//! The first node whose result differs.

use std::path::Path;

use bytes::Bytes;
use serde::Serialize;

use super::Difference;
use crate::{
    Limits, LoadError, Tensor,
    contain::contained,
    native,
    onnx::{file::ModelFile, model::decode},
    tract,
};

/// Where two engines part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// The operator and the node's name.
    pub node: String,
    /// How the node's result differs; its name is [`Difference::output`].
    pub difference: Difference,
    /// Results that were compared before, and agree.
    pub agreed: usize,
}

/// Runs a model once with each engine, every inner value being an output, and gives the first, in
/// the order of the graph, that differs by more than `tolerance`. `None`: none does.
///
/// tract then runs without merging nodes, so that a difference which comes from merging may vanish.
///
/// # Errors
/// [`LoadError`] when one of the engines can't run the model so.
pub fn parting(
    path: &Path,
    limits: &Limits,
    inputs: &[Tensor],
    tolerance: f64,
) -> Result<Option<Parting>, LoadError> {
    let file = ModelFile { path, limits };
    let bytes = Bytes::from(file.read()?);
    let proto = decode(bytes.clone(), &file)?;
    let engine = contained(&file, || native::load(proto.clone(), &file))?;
    let ours = engine.trace(inputs).map_err(|what| file.unsupported(what))?;
    let names: Vec<String> = ours.iter().map(|inner| inner.name.clone()).collect();
    let theirs = tract::trace(&bytes, &proto, &names, inputs, &file)?;
    for (agreed, (inner, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let mut difference = Difference::new(&inner.name);
        difference.add(&inner.value, Some(theirs));
        if !difference.is_within(tolerance) {
            return Ok(Some(Parting { node: inner.node.clone(), difference, agreed }));
        }
    }
    Ok(None)
}
