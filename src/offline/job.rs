//! What to score, and what can go wrong as a whole.

use std::io;

use super::{InputSpec, ResultFormat};
use edgeward_core::{models::Model, scoring::declared::FieldPath};

/// What to score and how.
#[derive(Debug)]
pub struct Job<'j> {
    pub model: &'j Model,
    pub inputs: &'j [InputSpec],
    pub format: ResultFormat,
    /// At least 1; a model with memory (windows, last known values, hysteresis) takes only one.
    pub threads: usize,
    /// Stop at the first row that can't be scored.
    pub strict: bool,
    pub source_field: Option<FieldPath>,
    pub max_payload_bytes: u64,
}

/// What went wrong with a run as a whole.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error("can't read {file}: {source}")]
    Read { file: String, source: io::Error },
    #[error("can't write the results: {0}")]
    Write(#[source] io::Error),
    #[error("can't write the rejected rows: {0}")]
    WriteRejects(#[source] io::Error),
    #[error("the header of {file} can't be used: {detail}")]
    Header { file: String, detail: String },
    #[error("{file} doesn't fit the model: {detail}")]
    Columns { file: String, detail: String },
    #[error("{file}:{line}: a row of more than 256 MiB; is it the format it says?")]
    RowTooLong { file: String, line: u64 },
    #[error("stopped at the first row that can't be scored: {0}")]
    Strict(String),
    #[error("a scoring thread ended unexpectedly; please report this")]
    ThreadLost,
}
