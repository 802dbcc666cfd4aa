//! Which engine runs a model.
//!
//! tract has the faster kernels for networks of fixed sizes; our own executor knows every operator, and is the faster
//! one for trees and the rest of classical machine learning. So: models with operators of `ai.onnx.ml` run natively,
//! and so do those with free sizes besides the batch, a first axis that turns out to be no batch among them: tract
//! plans for any length, and its kernels read beyond their memory at one that is too short. All others are given to
//! tract first, and run natively where tract gives up or answers otherwise than our own executor ([`Evidence`]). A
//! build without tract runs all natively.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use super::{
    Engine, Limits, LoadError,
    choice::{Choice, FREE_SIZES, has_classical, has_free_sizes},
    contain::contained,
    evidence::Evidence,
    native,
    onnx::{external, file::ModelFile, model::decode},
    tract,
};

/// Loads an ONNX model.
///
/// # Errors
/// [`LoadError`] names what is wrong, which node where it applies, and what to do next. Where both
/// engines refuse, our own executor's reason is the one told: it checks the file against ONNX's rules.
pub fn load(path: &Path, limits: &Limits, choice: Choice) -> Result<Arc<dyn Engine>, LoadError> {
    let file = ModelFile { path, limits };
    let bytes = Bytes::from(file.read()?);
    let proto = decode(bytes.clone(), &file)?;
    if choice == Choice::Tract {
        if has_free_sizes(&proto) {
            return Err(file.unsupported(FREE_SIZES));
        }
        return tract::load(&bytes, &proto, &file, &Evidence { choice, proto: &proto });
    }
    if choice == Choice::Auto && !has_classical(&proto) && !has_free_sizes(&proto) {
        let loaded = tract::load(&bytes, &proto, &file, &Evidence { choice, proto: &proto });
        // What the file asks for is too much for any engine.
        if let Ok(_) | Err(LoadError::TooLarge { .. } | LoadError::ExternalData { .. }) = loaded {
            return loaded;
        }
    }
    external::check(&proto, bytes.len() as u64, &file)?;
    drop(bytes);
    contained(&file, || Ok(Arc::new(native::load(proto, &file)?) as Arc<dyn Engine>))
}

/// The files beside a model in which it keeps weights, as it names them: within its own folder.
///
/// # Errors
/// [`LoadError`] when the model can't be read.
pub fn external_files(path: &Path, limits: &Limits) -> Result<Vec<String>, LoadError> {
    let file = ModelFile { path, limits };
    Ok(external::files(&decode(Bytes::from(file.read()?), &file)?))
}
