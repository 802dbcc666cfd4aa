//! A message between its arrival and the moment its fate is on disk.

use std::{
    sync::{Mutex, MutexGuard},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{entry::Entry, stored};
use bytes::Bytes;
use edgeward_core::domain::Epoch;
use edgeward_core::domain::Ticket;

/// One message for one pipeline, known to the worker that scores it and to the writer that
/// journals it if that takes long.
#[derive(Debug)]
pub struct Input {
    pub pipeline: u16,
    pub topic: String,
    pub epoch: Epoch,
    pub sequence: u64,
    pub arrived: Instant,
    pub arrived_at: SystemTime,
    /// Beside the topic, how it came.
    pub origin: Origin,
    /// Length of its payload when it came.
    length: usize,
    /// Nobody holds it in memory for the worker: the journal must.
    pub spilled: bool,
    state: Mutex<InputState>,
}

/// What a hub tells of a message, besides its topic; nothing on plain MQTT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The input it came by; empty for none.
    pub input: String,
    /// In order; names may come twice.
    pub properties: Vec<(String, String)>,
}

#[derive(Debug)]
struct InputState {
    /// None once it is in the journal and scored: the disk has it.
    payload: Option<Bytes>,
    ticket: Option<Ticket>,
    stage: Stage,
    /// Its unit is in the books on disk.
    counted: bool,
    /// Its outcome became known while it was being journaled, and left it to the journal to count it.
    relied_on_journal: bool,
}

/// How far an input's fate is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Neither scored nor journaled.
    Waiting,
    /// The writer is journaling it.
    Journaling,
    /// In the journal under this sequence.
    Journaled(u64),
    /// Its outcome is known, and it never was in the journal.
    Scored,
}

impl Input {
    pub fn new(
        pipeline: u16,
        topic: String,
        payload: Bytes,
        epoch: Epoch,
        sequence: u64,
        ticket: Option<Ticket>,
    ) -> Self {
        let length = payload.len();
        let state = InputState {
            payload: Some(payload),
            ticket,
            stage: Stage::Waiting,
            counted: false,
            relied_on_journal: false,
        };
        let (arrived, arrived_at) = (Instant::now(), SystemTime::now());
        let state = Mutex::new(state);
        Input {
            pipeline,
            topic,
            origin: Origin::default(),
            epoch,
            sequence,
            arrived,
            arrived_at,
            length,
            spilled: false,
            state,
        }
    }

    pub fn spilled(self) -> Self {
        Input { spilled: true, ..self }
    }

    /// With what its topic told besides.
    pub fn came_by(self, origin: Origin) -> Self {
        Input { origin, ..self }
    }

    /// One read from the journal: `counted` and acknowledged long ago.
    pub fn from_journal(pipeline: u16, journal: u64, entry: Entry) -> Self {
        let input =
            Input::new(pipeline, entry.topic, entry.payload, Epoch(entry.epoch), entry.sequence, None);
        {
            let mut state = input.lock();
            state.stage = Stage::Journaled(journal);
            state.counted = true;
        }
        let micros = u64::try_from(entry.arrived_us).unwrap_or(0);
        Input {
            arrived_at: UNIX_EPOCH + std::time::Duration::from_micros(micros),
            origin: Origin { input: entry.input, properties: entry.properties },
            ..input
        }
    }

    fn lock(&self) -> MutexGuard<'_, InputState> {
        self.state.lock().expect("not poisoned: nothing panics under this lock")
    }

    pub fn payload(&self) -> Bytes {
        self.lock().payload.clone().unwrap_or_default()
    }

    pub fn payload_bytes(&self) -> usize {
        self.lock().payload.as_ref().map_or(0, Bytes::len)
    }

    /// What its sender waits for: its length, and 0 once it is in the journal.
    pub fn unacknowledged_bytes(&self) -> usize {
        if matches!(self.stage(), Stage::Journaled(_)) { 0 } else { self.length }
    }

    pub fn stage(&self) -> Stage {
        self.lock().stage
    }

    /// The writer begins to journal it; what to write. None when its outcome is known.
    pub fn begin_journal(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        if state.stage != Stage::Waiting {
            return None;
        }
        state.stage = Stage::Journaling;
        Some(self.entry(&state))
    }

    /// What the journal keeps of an input that was scored and is still needed.
    pub fn keep(&self) -> Vec<u8> {
        let state = self.lock();
        self.entry(&state)
    }

    fn entry(&self, state: &InputState) -> Vec<u8> {
        let arrived_us =
            self.arrived_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
        let entry = Entry {
            epoch: self.epoch.0,
            sequence: self.sequence,
            arrived_us,
            spilled: self.spilled,
            topic: self.topic.clone(),
            payload: state.payload.clone().unwrap_or_default(),
            input: self.origin.input.clone(),
            properties: self.origin.properties.clone(),
        };
        stored::entry_bytes(&entry)
    }

    /// It is in the journal; its ticket, to be done.
    pub fn journaled(&self, sequence: u64) -> Option<Ticket> {
        let mut state = self.lock();
        state.stage = Stage::Journaled(sequence);
        state.counted = true;
        state.ticket.take()
    }

    /// It could not be journaled. True when it now has to be counted: its outcome, known by now, does not.
    pub fn not_journaled(&self) -> bool {
        let mut state = self.lock();
        if std::mem::take(&mut state.relied_on_journal) {
            state.stage = Stage::Scored;
            return !std::mem::replace(&mut state.counted, true);
        }
        if state.stage == Stage::Journaling {
            state.stage = Stage::Waiting;
        }
        false
    }

    /// Its outcome is known. Whether its unit is in the books already, or about to be.
    pub fn scored(&self) -> bool {
        let mut state = self.lock();
        match state.stage {
            Stage::Waiting => {
                state.stage = Stage::Scored;
                std::mem::replace(&mut state.counted, true)
            }
            Stage::Journaling => {
                state.relied_on_journal = true;
                true
            }
            Stage::Journaled(_) | Stage::Scored => true,
        }
    }

    /// Nobody needs its payload in memory any more.
    pub fn forget_payload(&self) {
        self.lock().payload = None;
    }

    /// Its unit is in the books on disk.
    pub fn is_counted(&self) -> bool {
        self.lock().counted
    }

    pub fn take_ticket(&self) -> Option<Ticket> {
        self.lock().ticket.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_during_a_journaling_that_fails_leaves_the_unit_to_be_counted_once() {
        let new = || Input::new(0, "in/a".into(), Bytes::from_static(b"1"), Epoch([0; 8]), 1, None);
        let input = new();
        assert!(input.begin_journal().is_some());
        assert!(input.scored(), "the journal counts it");
        assert!(input.not_journaled() && !input.not_journaled());
        assert_eq!((input.stage(), input.is_counted()), (Stage::Scored, true));
        // Without an outcome it is journaled again, or counted with one.
        let input = new();
        assert!(input.begin_journal().is_some() && !input.not_journaled());
        assert!(!input.scored() && input.scored(), "counted with its outcome");
    }
}
