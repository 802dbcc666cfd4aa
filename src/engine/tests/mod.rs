//! The engine from outside: files in, tensors out. Models are written by [`build`].

mod batches;
mod build;
mod external;
#[cfg(feature = "tract")]
pub(crate) mod fallback;
mod inspecting;
mod loading;
mod numbers;
mod sizes;
mod trees;

use std::{path::PathBuf, sync::Arc};

use super::{Choice, Engine, Limits, LoadError, load};
use crate::{Tensor, TensorData};
use build::Model;

/// Writes a model into a folder of its own and loads it.
fn load_model(model: &Model) -> Result<Arc<dyn Engine>, LoadError> {
    load_bytes(&model.bytes())
}

fn load_by(model: &Model, choice: Choice) -> Result<Arc<dyn Engine>, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    load(&write(&folder, &model.bytes()), &Limits::default(), choice)
}

fn load_bytes(bytes: &[u8]) -> Result<Arc<dyn Engine>, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    load(&write(&folder, bytes), &Limits::default(), Choice::Auto)
}

fn write(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The f32 values of a model's first output.
fn run_f32(engine: &dyn Engine, input: Tensor) -> Vec<f32> {
    let mut session = engine.session();
    f32s(&session.run(&[input]).unwrap()[0]).to_vec()
}

fn f32s(tensor: &Tensor) -> &[f32] {
    match &tensor.data {
        TensorData::F32(values) => values,
        other => panic!("{:?} is not f32", other.element()),
    }
}

fn error(result: Result<Arc<dyn Engine>, LoadError>) -> String {
    match result {
        Ok(engine) => panic!("loaded: {:?}", engine.signature()),
        Err(error) => error.to_string(),
    }
}

/// The same numbers every time, between -1 and 1.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        // xorshift32, from Marsaglia's "Xorshift RNGs".
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}
