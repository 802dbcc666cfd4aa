//! A unit: what is settled alone, a reading or a window that one closed.

use std::{sync::Arc, time::Duration};

use super::verdict::{Verdict, WindowNote};
use crate::{
    domain::{InputId, Rejection},
    vision::Frame,
};

/// What became of one unit.
#[derive(Debug)]
pub enum Outcome<'s> {
    Verdict(&'s Verdict),
    /// Taken into a window that it did not complete.
    Merged,
    Rejected(&'s Rejection),
}

/// One settled unit: `message` is what [`Scorer::push`](super::Scorer::push) was told.
#[derive(Debug)]
pub struct Settled<'s> {
    pub message: usize,
    pub input_id: &'s InputId,
    /// None when it is not named, or the reading was refused before it was known.
    pub source: Option<&'s Arc<str>>,
    /// What the sender numbered the message with.
    pub number: Option<u64>,
    pub outcome: Outcome<'s>,
}

/// A reading on its way through the batch, or one more window that it closed.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub message: usize,
    pub reading: usize,
    pub input_id: InputId,
    pub source: Option<Arc<str>>,
    pub number: Option<u64>,
    pub time: Option<String>,
    pub copied: Option<String>,
    pub now: Duration,
    /// The event's own time, where a condition needs it.
    pub time_ns: Option<i64>,
    pub frame: Option<Frame>,
    pub window: Option<WindowNote>,
    /// Its outcome is known: nothing is judged anew.
    pub replayed: bool,
    pub state: UnitState,
}

#[derive(Debug, Clone)]
pub(super) enum UnitState {
    /// Its tensors are the batch's next row.
    InBatch,
    Merged,
    Rejected(Rejection),
}
