//! What stands for tract in a build without it: a refusal that says so.

use std::sync::Arc;

use crate::{
    Engine, LoadError, Sizes, Tensor,
    described::Description,
    onnx::{file::ModelFile, proto::ModelProto},
};

/// Asks whether anything is against what tract made of a model; it is told how many multiplications a row of some
/// lengths takes.
pub type Against<'a> = &'a dyn Fn(&dyn Engine, &dyn Fn(&Sizes) -> u64) -> Option<String>;

fn refusal(file: &ModelFile<'_>) -> LoadError {
    LoadError::WithoutTract { path: file.path.into() }
}

/// # Errors
/// Always.
pub fn load(
    _: &[u8],
    _: &ModelProto,
    file: &ModelFile<'_>,
    _: Option<Against<'_>>,
) -> Result<Arc<dyn Engine>, LoadError> {
    Err(refusal(file))
}

/// # Errors
/// Always.
pub fn describe(
    _: &[u8],
    _: &ModelProto,
    file: &ModelFile<'_>,
    _: Option<&Sizes>,
) -> Result<Description, LoadError> {
    Err(refusal(file))
}

/// # Errors
/// Always.
pub fn trace(
    _: &[u8],
    _: &ModelProto,
    _: &[String],
    _: &[Tensor],
    file: &ModelFile<'_>,
) -> Result<Vec<Tensor>, LoadError> {
    Err(refusal(file))
}
