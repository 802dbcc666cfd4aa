//! Offline scoring: files in, results out, in order, with constant memory.
//!
//! ```text
//! reader thread -> chunks, bounded -> scoring threads -> results, bounded -> the caller, in order
//! ```
//!
//! The scoring is the daemon's own ([`edgeward_core::scoring`]); here are only the files around it.

mod chunk;
mod input;
mod job;
mod reader;
mod result;
mod run;
mod score;
mod table;

pub use input::{InputError, InputKind, InputSpec};
pub use job::{Job, OfflineError};
pub use run::{Progress, Summary, run};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header and one line a result, outputs in columns.
    Csv,
}
