//! What can go wrong at the engine's edge: every message says what, where and what next.

use std::path::PathBuf;

/// A model that can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("can't read the model {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "{path} is not an ONNX model, or is cut short: {detail}; export it again, or compare its size and digest with the original"
    )]
    NotOnnx { path: PathBuf, detail: String },
    #[error(
        "{path} needs {what}, more than the limit of {limit_bytes} bytes; shrink the model or raise `{key}`"
    )]
    TooLarge { path: PathBuf, what: String, limit_bytes: u64, key: &'static str },
    #[error(
        "{path} keeps weights of tensor `{tensor}` in `{location}`, {why}; put the file beside the model and name it without a path, or export with the weights inside"
    )]
    ExternalData { path: PathBuf, tensor: String, location: String, why: String },
    #[error("{path} can't run here: {} not supported: {}; `edgeward model inspect` says what to do", plural(nodes.len()), nodes.join("; "))]
    UnsupportedOperators {
        path: PathBuf,
        /// One line per node: operator, node name, and advice.
        nodes: Vec<String>,
    },
    #[error(
        "{path} can't run on tract: this build is without it; leave the engine at `auto`, which runs the model natively, or build edgeward with `--features tract`"
    )]
    WithoutTract { path: PathBuf },
    #[error("{path} can't run here: {what}")]
    Unsupported { path: PathBuf, what: String },
    #[error(
        "{path} breaks a rule of ONNX: {what}; export it again, or see what `python -m onnx.checker` says of it"
    )]
    Invalid { path: PathBuf, what: String },
    #[error("{path} asks for too much: {what}; shrink the model or raise the limit")]
    OverLimit { path: PathBuf, what: String },
}

fn plural(n: usize) -> String {
    if n == 1 { "1 operator is".into() } else { format!("{n} operators are") }
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error("input `{input}` is {got}, the model takes {expected}")]
    WrongInput { input: String, got: String, expected: String },
    #[error("the engine failed: {0}")]
    Failed(String),
}
