//! What the journal keeps of an input.

use bytes::Bytes;

/// An input as the journal has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub epoch: [u8; 8],
    pub sequence: u64,
    /// Microseconds since 1970, as the system believed.
    pub arrived_us: i64,
    /// It never was in a worker's queue.
    pub spilled: bool,
    pub topic: String,
    pub payload: Bytes,
    /// The input it came by; empty for none.
    pub input: String,
    /// What came with it, in order.
    pub properties: Vec<(String, String)>,
}
