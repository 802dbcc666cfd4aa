//! Reading inputs back from the journal: at a start, and when they were never in memory.

use std::sync::Arc;

use super::{
    handle::Outbox,
    input::Input,
    store::{INPUT_CLASS, cursor::Cursor, cursor::ReadError},
};
use edgeward_core::domain::{Epoch, Order};

/// One pipeline's journaled inputs, oldest first.
pub struct Journal {
    outbox: Outbox,
    pipeline: u16,
    lane: Option<u16>,
    cursor: Option<Cursor>,
    /// Records before this one are from earlier runs.
    boundary: u64,
    /// Of this run.
    epoch: Epoch,
    only: Only,
}

/// Which records of earlier than `boundary` are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    /// All.
    All,
    /// What is settled: windows rest on it.
    Settled,
    /// What is not settled.
    Open,
}

/// An input that was read back.
#[derive(Debug)]
pub struct Journaled {
    pub input: Arc<Input>,
    /// Scored in an earlier run; something still rests on it.
    pub settled: bool,
    /// It came in this run.
    pub is_new: bool,
}

impl Journal {
    /// The journal of a pipeline, as it is now. With `replay`, what is settled and still there is
    /// read too: windows rest on it.
    pub fn new(outbox: Outbox, name: &str, epoch: Epoch, replay: bool) -> Self {
        let pipeline = outbox.pipeline(name);
        let (lane, next) = {
            let shared = outbox.shared();
            let state = shared.state();
            let lane = state.lane_of(name, INPUT_CLASS);
            (lane, lane.and_then(|lane| state.lane(lane)).map_or(0, |of| of.next))
        };
        let boundary = if replay { next } else { 0 };
        let cursor = lane.map(|lane| outbox.cursor(INPUT_CLASS, Order::OldestFirst).only(lane));
        Journal { outbox, pipeline, lane, cursor, boundary, epoch, only: Only::All }
    }

    /// Whoever read this journal begins again with nothing remembered: gives what is settled until now, from the
    /// beginning, and leaves the rest to `self`.
    pub fn begin_again(&mut self, name: &str) -> Journal {
        self.only = Only::Open;
        Journal { only: Only::Settled, ..Journal::new(self.outbox.clone(), name, self.epoch, true) }
    }

    /// True when the journal of a pipeline holds anything.
    pub fn is_waiting(outbox: &Outbox, name: &str) -> bool {
        let shared = outbox.shared();
        let state = shared.state();
        let lane = state.lane_of(name, INPUT_CLASS).and_then(|lane| state.lane(lane));
        lane.is_some_and(|lane| lane.live_in(0, lane.next) > 0)
    }

    /// The next input that nobody has in memory; none when there is none (yet).
    pub fn next(&mut self, name: &str) -> Option<Journaled> {
        if self.lane.is_none() {
            let shared = self.outbox.shared();
            self.lane = shared.state().lane_of(name, INPUT_CLASS);
            let cursor = |lane| self.outbox.cursor(INPUT_CLASS, Order::OldestFirst).only(lane);
            self.cursor = self.lane.map(cursor);
        }
        let (lane, cursor) = (self.lane?, self.cursor.as_mut()?);
        loop {
            let item = match cursor.next(&|_, _| false) {
                Ok(item) => item?,
                Err(ReadError::Damaged { file, .. }) => {
                    self.outbox.damaged(file);
                    return None;
                }
                Err(ReadError::Io(error)) => {
                    tracing::debug!(%error, "the journal can't be read now");
                    return None;
                }
            };
            let settled = {
                let shared = self.outbox.shared();
                let state = shared.state();
                state.lane(lane).is_some_and(|lane| lane.settled.contains(item.sequence))
            };
            let Some(entry) = item.format.read_entry(&item.payload) else { continue };
            let is_ours = item.sequence >= self.boundary;
            // Of this run, only those that never were in memory.
            if is_ours && (settled || !entry.spilled) {
                continue;
            }
            if self.only == if settled { Only::Open } else { Only::Settled } {
                continue;
            }
            let input = Arc::new(Input::from_journal(self.pipeline, item.sequence, entry));
            let is_new = input.epoch == self.epoch;
            return Some(Journaled { input, settled, is_new });
        }
    }
}
