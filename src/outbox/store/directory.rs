//! What a frame holds, without its records.

use std::ops::Range;

/// What a frame holds, readable without its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The outbox's own monotonic time, in milliseconds.
    pub at_ms: u64,
    /// Bytes of this segment known to be durable when the frame was written: a bad frame before
    /// that is damage, one after it a crash.
    pub synced_to: u64,
    /// Bytes of the body, uncompressed.
    pub raw_bytes: u32,
    pub runs: Vec<Run>,
}

/// Consecutive records of a lane. A lane's records stand in the body in the order of its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub lane: u16,
    /// Sequence of the first one.
    pub first: u64,
    pub count: u32,
}

impl Run {
    /// The sequences of its records.
    pub fn range(&self) -> Range<u64> {
        self.first..self.first + u64::from(self.count)
    }
}
