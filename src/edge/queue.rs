//! A pipeline's queue: bounded in messages and bytes, filled by the session, emptied by the worker.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard},
    time::{Instant, SystemTime},
};

use bytes::Bytes;

use crate::mqtt::Ticket;

/// A message on its way to the scorer.
#[derive(Debug)]
pub(super) struct Job {
    pub topic: String,
    pub payload: Bytes,
    pub sequence: u64,
    pub arrived: Instant,
    pub arrived_at: SystemTime,
    pub ticket: Option<Ticket>,
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
    closed: bool,
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
        inner.jobs.len() < self.max_messages
            && (inner.bytes + bytes <= self.max_bytes || inner.jobs.is_empty())
    }

    /// Adds a message; asked for room before.
    pub fn push(&self, job: Job) {
        let mut inner = self.lock();
        inner.bytes += job.payload.len();
        inner.jobs.push_back(job);
        drop(inner);
        self.filled.notify_one();
    }

    /// Waits for messages and takes up to `max`. False once the queue is closed and empty.
    pub fn take(&self, max: usize, into: &mut Vec<Job>) -> bool {
        let mut inner = self.lock();
        while inner.jobs.is_empty() {
            if inner.closed {
                return false;
            }
            inner = self.filled.wait(inner).expect("not poisoned: nothing panics under this lock");
        }
        let count = inner.jobs.len().min(max);
        into.extend(inner.jobs.drain(..count));
        inner.bytes -= into.iter().map(|job| job.payload.len()).sum::<usize>();
        true
    }

    /// Messages and bytes waiting.
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
