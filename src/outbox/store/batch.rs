//! What is committed at once.

use std::sync::Arc;

use bytes::Bytes;

use super::{books::UnitBooks, memories::Definition};
use crate::stored::Envelope;

/// Records and counters that become durable together.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub records: Vec<Record>,
    /// What is added to the books of units, by pipeline.
    pub units: Vec<(u16, UnitBooks)>,
    /// Units received with the inputs among the records, by pipeline; they count if those are journaled.
    pub arrived: Vec<(u16, u64)>,
    /// Journaled inputs, by lane and sequence, whose outcome this is.
    pub settled: Vec<(u16, u64)>,
    /// Journaled inputs that nothing needs any more once this is durable. Records of the batch
    /// itself may be among them.
    pub released: Vec<(u16, u64)>,
    /// What senders numbered their messages with, by pipeline and source.
    pub numbers: Vec<(u16, Arc<str>, u64)>,
    /// What sources left behind, by pipeline, with its definition; none: forgotten.
    pub memories: Vec<(u16, Definition, Arc<str>, Option<Bytes>)>,
}

/// A result, or a journaled input, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub lane: u16,
    pub payload: Bytes,
    pub envelope: Option<Arc<Envelope>>,
}

impl From<(u16, Bytes)> for Record {
    fn from((lane, payload): (u16, Bytes)) -> Self {
        Record { lane, payload, envelope: None }
    }
}
