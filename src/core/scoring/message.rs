//! What a scorer is given: what the operator settles, and message after message.

use std::{sync::Arc, time::Duration};

use super::{declared::FieldPath, source::SourceRule};
use crate::domain::Epoch;

/// What the operator settles about scoring.
#[derive(Debug, Clone)]
pub struct ScorerOptions {
    pub pipeline: String,
    pub device: Arc<str>,
    pub epoch: Epoch,
    pub source: SourceRule,
    pub max_sources: usize,
    /// Where a sender numbers its messages.
    pub sequence_field: Option<FieldPath>,
    /// Paths copied to the verdict; the empty path copies the whole reading.
    pub copy_fields: Vec<FieldPath>,
    pub max_payload_bytes: usize,
    /// Most units in one run of the model.
    pub max_batch: usize,
}

/// One message to score.
#[derive(Debug, Clone, Copy, Default)]
pub struct Message<'m> {
    /// Empty where there is none.
    pub topic: &'m str,
    pub payload: &'m [u8],
    /// Counts the messages of its epoch.
    pub sequence: u64,
    /// Of a message from an earlier run; else that of the options.
    pub epoch: Option<Epoch>,
    /// By which [`Scorer::is_needed`](super::Scorer::is_needed) knows it: ascending, never used twice.
    pub token: u64,
    /// A monotonic time.
    pub now: Duration,
    /// Its outcome is known: it comes again only for what its source has to remember.
    pub replayed: bool,
}
