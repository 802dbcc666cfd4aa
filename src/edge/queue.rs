//! A pipeline's queue: bounded in messages and bytes, filled by the session, emptied by the worker.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use edgeward_core::domain::Epoch;
use edgeward_core::domain::Ticket;
use edgeward_outbox::{Input, Journaled, Listener};

/// A message on its way to the scorer.
#[derive(Debug)]
pub(super) struct Job {
    pub topic: String,
    pub payload: Bytes,
    pub sequence: u64,
    /// Of a message from an earlier run.
    pub epoch: Option<Epoch>,
    pub arrived: Instant,
    pub arrived_at: SystemTime,
    pub ticket: Option<Ticket>,
    /// With an outbox, what is journaled if scoring takes long; it then has the ticket.
    pub input: Option<Arc<Input>>,
    /// Settled in an earlier run: only what is remembered of its source still needs it.
    pub settled_before: bool,
}

impl Job {
    /// One that the journal kept.
    pub fn read_back(read: Journaled) -> Job {
        Job {
            topic: read.input.topic.clone(),
            payload: read.input.payload(),
            sequence: read.input.sequence,
            epoch: Some(read.input.epoch),
            arrived: read.input.arrived,
            arrived_at: read.input.arrived_at,
            ticket: None,
            settled_before: read.settled,
            input: Some(read.input),
        }
    }
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Jobs,
    /// Nothing in memory; the journal has messages that never were.
    Spilled,
    /// Closed and empty.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    max_messages: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// The last message that only the journal has, and the last one read back from there. As long
    /// as they differ, new ones go there too, so that a source's messages are scored in order.
    spilled_to: u64,
    read_to: u64,
    /// The journal may have messages of earlier runs.
    backlog: bool,
    /// Counts commits of the outbox, for who waits for a spilled message to be readable.
    commits: u64,
    closed: bool,
}

impl Inner {
    fn is_spilled(&self) -> bool {
        self.spilled_to > self.read_to
    }
}

impl Queue {
    pub fn new(max_messages: usize, max_bytes: usize) -> Self {
        Queue { inner: Mutex::default(), filled: Condvar::new(), max_messages, max_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// True when a message of `bytes` would be taken now. Only the session's task adds, so the
    /// answer holds until it does.
    pub fn has_room(&self, bytes: usize) -> bool {
        let inner = self.lock();
        !inner.is_spilled()
            && !inner.backlog
            && inner.jobs.len() < self.max_messages
            && (inner.bytes + bytes <= self.max_bytes || inner.jobs.is_empty())
    }

    /// Adds a message; asked for room before.
    pub fn push(&self, job: Job) {
        let mut inner = self.lock();
        // The worker, alone here, waits for an empty queue only; waking is a system call.
        let waited_for = inner.jobs.is_empty();
        inner.bytes += job.payload.len();
        inner.jobs.push_back(job);
        drop(inner);
        if waited_for {
            self.filled.notify_one();
        }
    }

    /// The message of this sequence is in the journal only.
    pub fn spill(&self, sequence: u64) {
        self.lock().spilled_to = sequence;
        self.filled.notify_one();
    }

    /// The journal is to be read before anything new is scored.
    pub fn has_backlog(&self) {
        self.lock().backlog = true;
    }

    /// Everything of earlier runs was read.
    pub fn caught_up(&self) {
        self.lock().backlog = false;
    }

    /// The message of this sequence was read back.
    pub fn read_back(&self, sequence: u64) {
        let mut inner = self.lock();
        inner.read_to = inner.read_to.max(sequence);
    }

    /// Waits for messages and takes up to `max`.
    pub fn take(&self, max: usize, into: &mut Vec<Job>) -> Next {
        let mut inner = self.lock();
        while inner.jobs.is_empty() {
            if inner.closed {
                return Next::Closed;
            }
            if inner.is_spilled() || inner.backlog {
                return Next::Spilled;
            }
            inner = self.filled.wait(inner).expect("not poisoned: nothing panics under this lock");
        }
        let count = inner.jobs.len().min(max);
        into.extend(inner.jobs.drain(..count));
        inner.bytes -= into.iter().map(|job| job.payload.len()).sum::<usize>();
        Next::Jobs
    }

    /// Waits for `pause`, or until the queue is closed.
    pub fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut inner = self.lock();
        while !inner.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.filled.wait_timeout(inner, left);
            inner = waited.expect("not poisoned: nothing panics under this lock").0;
        }
    }

    /// How many commits were made; for [`Queue::until_committed`].
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Waits for a commit after `seen`, or for the queue's end.
    pub fn until_committed(&self, seen: u64) {
        let mut inner = self.lock();
        while inner.commits == seen && inner.is_spilled() && !inner.closed {
            inner = self.filled.wait(inner).expect("not poisoned: nothing panics under this lock");
        }
    }

    /// Messages and bytes waiting in memory.
    pub fn len(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.jobs.len(), inner.bytes)
    }

    /// Nothing more comes: the worker finishes what is there.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Throws out what still waits.
    pub fn clear(&self) -> Vec<Job> {
        let mut inner = self.lock();
        inner.bytes = 0;
        inner.jobs.drain(..).collect()
    }
}

impl Listener for Queue {
    fn committed(&self) {
        let mut inner = self.lock();
        inner.commits += 1;
        if inner.is_spilled() {
            self.filled.notify_all();
        }
    }
}
