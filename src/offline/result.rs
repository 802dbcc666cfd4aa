//! What scoring a chunk gave.

use std::sync::Arc;

use edgeward_core::domain::Rejection;

/// The results of one chunk, ready to be written.
#[derive(Debug, Default)]
pub(super) struct ChunkResult {
    pub index: u64,
    /// Encoded results, in order.
    pub text: Vec<u8>,
    /// For CSV: the header that belongs to `text`.
    pub header: Option<String>,
    pub rejects: Vec<Reject>,
    pub rows: u64,
    pub scored: u64,
    pub merged: u64,
    /// Bytes of input this stands for.
    pub bytes: u64,
}

/// A row that can't be scored.
#[derive(Debug, Clone)]
pub struct Reject {
    pub file: Arc<str>,
    /// From 1; 0 for a file that is one message.
    pub line: u64,
    pub rejection: Rejection,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.rejection),
            line => write!(f, "{}:{line}: {}", self.file, self.rejection),
        }
    }
}
