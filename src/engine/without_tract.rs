//! What stands for tract in a build without it: a refusal that says so.

use std::sync::Arc;

use crate::{
    Engine, LoadError, Tensor,
    described::Description,
    evidence::Evidence,
    onnx::{file::ModelFile, proto::ModelProto},
};

fn refusal(file: &ModelFile<'_>) -> LoadError {
    LoadError::WithoutTract { path: file.path.into() }
}

/// # Errors
/// Always.
pub fn load(
    _: &[u8],
    _: &ModelProto,
    file: &ModelFile<'_>,
    _: &Evidence<'_>,
) -> Result<Arc<dyn Engine>, LoadError> {
    Err(refusal(file))
}

/// # Errors
/// Always.
pub fn describe(_: &[u8], _: &ModelProto, file: &ModelFile<'_>) -> Result<Description, LoadError> {
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
