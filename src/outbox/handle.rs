//! The daemon's side of the outbox: what workers, inbox and couriers hand to the writer.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    time::Instant,
};

use bytes::Bytes;

use super::{
    health::Health,
    input::{Input, Stage},
    store::{Definition, FILE_HEAD_BYTES, Fate, Shared, UnitBooks, cursor::Cursor, disk::Disk},
    stored::Envelope,
};
use edgeward_core::domain::Order;
use edgeward_core::domain::Ticket;

/// What a worker knows after a batch of messages; becomes durable as one.
#[derive(Debug, Default)]
pub struct Submission {
    pub pipeline: u16,
    pub results: Vec<Outcome>,
    pub units: UnitBooks,
    /// Inputs whose outcome this is.
    pub settled: Vec<Arc<Input>>,
    /// Of those, the ones that windows or last known values rest on.
    pub kept: Vec<Arc<Input>>,
    /// Earlier ones on which nothing rests any more.
    pub released: Vec<Arc<Input>>,
    /// What senders numbered their messages with, by source.
    pub numbers: Vec<(Arc<str>, u64)>,
    /// Done once this is durable.
    pub tickets: Vec<Ticket>,
    /// What sources left behind that their next readings need, with what the pipeline is defined as; none: they
    /// are forgotten.
    pub memories: Vec<(Definition, Arc<str>, Option<Bytes>)>,
}

/// A result to be stored.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// By its place in the configuration.
    pub class: u16,
    pub payload: Bytes,
    pub envelope: Option<Arc<Envelope>>,
}

impl Submission {
    /// Whether somebody waits for it: a broker for an acknowledgement, or nobody would send it again.
    fn is_urgent(&self) -> bool {
        let in_journal =
            |input: &Arc<Input>| matches!(input.stage(), Stage::Journaling | Stage::Journaled(_));
        !self.tickets.is_empty() || self.settled.is_empty() || !self.settled.iter().all(in_journal)
    }

    /// Bytes that stand behind it, roughly: its results, and its messages that are not acknowledged yet, which
    /// may be many times larger.
    pub fn bytes(&self) -> usize {
        let results = self.results.iter().map(|result| result.payload.len() + 64).sum::<usize>();
        let messages = self.settled.iter().map(|input| input.unacknowledged_bytes()).sum::<usize>();
        results + messages + 256
    }
}

/// What waits for the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub submissions: Vec<Submission>,
    /// Bytes of `submissions`.
    pub bytes: usize,
    /// Inputs that may have to be journaled, in order of arrival.
    pub inputs: VecDeque<Arc<Input>>,
    /// Inputs to be journaled at once: nobody holds them in memory.
    pub spilled: Vec<Arc<Input>>,
    pub spilled_bytes: usize,
    pub ended: Vec<(u16, Range<u64>, Fate)>,
    /// Segments found damaged.
    pub damaged: Vec<u64>,
    /// What uplinks have sent: name, day, bytes.
    pub spent: Vec<(String, u64, u64)>,
    /// Names of pipelines, by the number others use.
    pub pipelines: Vec<String>,
    pub closing: bool,
    /// There is no writer any more: what is handed in is let go, unacknowledged.
    pub abandoned: bool,
    /// Somebody waits for an acknowledgement of what is handed in.
    pub urgent: bool,
    /// Since when outcomes wait whose inputs were acknowledged long ago.
    pub patient_since: Option<Instant>,
    /// The writer waits, and nothing is handed in.
    pub idle: bool,
    /// The writer waits and was not woken since: waking is a system call.
    pub asleep: bool,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.submissions.is_empty() && self.spilled.is_empty()
    }
}

/// Told after each commit.
pub trait Listener: Send + Sync {
    fn committed(&self);
}

#[derive(Default)]
pub(super) struct Inner {
    pub queue: Mutex<Queue>,
    pub wake: Condvar,
    pub room: Condvar,
    pub listeners: Mutex<Vec<Weak<dyn Listener>>>,
    pub health: Mutex<Health>,
}

/// Bytes of submissions, and of inputs to be journaled, that may wait for the writer.
const MOST_BYTES: usize = 4 << 20;

/// The handle; clones share it.
#[derive(Clone)]
pub struct Outbox {
    pub(super) inner: Arc<Inner>,
    pub(super) shared: Arc<Shared>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) id: [u8; 8],
    /// The outbox's time, and when it was that.
    pub(super) opened_at_ms: u64,
    pub(super) opened: Instant,
}

impl Outbox {
    /// Names the outbox, for good.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Something of it is on disk for good.
    pub fn is_begun(&self) -> bool {
        let state = self.shared.state();
        state.segments.iter().any(|segment| segment.bytes > FILE_HEAD_BYTES)
    }

    /// The outbox's own monotonic time, in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.opened_at_ms + u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(0)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.inner.queue.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// Wakes the writer, unless it is awake and will look again before it waits.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        let asleep = std::mem::take(&mut queue.asleep);
        drop(queue);
        if asleep {
            self.inner.wake.notify_one();
        }
    }

    /// The number of a pipeline, for submissions and inputs.
    pub fn pipeline(&self, name: &str) -> u16 {
        let mut queue = self.lock();
        let at = queue.pipelines.iter().position(|known| known == name).unwrap_or_else(|| {
            queue.pipelines.push(name.to_owned());
            queue.pipelines.len() - 1
        });
        u16::try_from(at).expect("fewer than 65536 pipelines")
    }

    /// Hands over outcomes, waiting for room: call it from a worker's thread.
    pub fn submit(&self, submission: Submission) {
        let mut queue = self.lock();
        while queue.bytes >= MOST_BYTES && !queue.closing {
            queue = self.inner.room.wait(queue).expect("not poisoned: nothing panics under this lock");
        }
        if queue.abandoned {
            return;
        }
        queue.bytes += submission.bytes();
        queue.idle = false;
        if submission.is_urgent() {
            queue.urgent = true;
        } else {
            queue.patient_since.get_or_insert_with(Instant::now);
        }
        queue.submissions.push(submission);
        self.wake(queue);
    }

    /// An input to be journaled if its outcome takes long.
    pub fn watch(&self, input: Arc<Input>) {
        let mut queue = self.lock();
        if queue.abandoned {
            return;
        }
        let first = queue.inputs.is_empty();
        queue.inputs.push_back(input);
        if first {
            // The writer waits for the oldest one's time.
            self.wake(queue);
        }
    }

    /// True when an input may be spilled now; only the session's task does.
    pub fn may_spill(&self) -> bool {
        self.lock().spilled_bytes < MOST_BYTES
    }

    /// An input that only the journal keeps, because the queue is full.
    pub fn spill(&self, input: Arc<Input>) {
        let mut queue = self.lock();
        if queue.abandoned {
            return;
        }
        queue.spilled_bytes += input.payload_bytes() + 64;
        queue.spilled.push(input);
        self.wake(queue);
    }

    /// Records that ended; written with the next commit, within a second.
    pub fn end(&self, ended: impl IntoIterator<Item = (u16, Range<u64>, Fate)>) {
        let mut queue = self.lock();
        let first = queue.ended.is_empty();
        queue.ended.extend(ended);
        if first {
            // The writer begins to count the time they may wait.
            self.wake(queue);
        }
    }

    /// A segment that a reader found damaged: the writer sets it aside.
    pub fn damaged(&self, file: u64) {
        let mut queue = self.lock();
        if !queue.damaged.contains(&file) {
            queue.damaged.push(file);
        }
        self.wake(queue);
    }

    /// What an uplink has sent in its current day; kept over restarts.
    pub fn spent(&self, uplink: &str, day: u64, bytes: u64) {
        let mut queue = self.lock();
        queue.spent.retain(|(known, ..)| known != uplink);
        queue.spent.push((uplink.to_owned(), day, bytes));
    }

    /// Reads the pending records of a class.
    pub fn cursor(&self, class: &str, order: Order) -> Cursor {
        Cursor::new(self.disk.clone(), self.shared.clone(), self.id, class, order)
    }

    /// The writer is gone: whoever waits for it goes on, and what it had is let go.
    pub(super) fn ended(&self) {
        let mut queue = self.lock();
        (queue.closing, queue.abandoned) = (true, true);
        let left = (
            std::mem::take(&mut queue.submissions),
            std::mem::take(&mut queue.spilled),
            std::mem::take(&mut queue.inputs),
        );
        drop(queue);
        self.inner.room.notify_all();
        // Their tickets are dropped outside of the lock.
        drop(left);
    }

    /// Waits until everything handed in so far was written, or could not be. Blocks.
    pub fn until_written(&self) {
        let mut queue = self.lock();
        self.inner.wake.notify_one();
        while !queue.closing && !queue.idle {
            queue = self.inner.room.wait(queue).expect("not poisoned: nothing panics under this lock");
        }
    }

    /// What is remembered of a pipeline's sources, if it is of this definition, and of how many sources there is
    /// something of another one: that is forgotten with the next that comes.
    pub fn memories(&self, pipeline: &str, definition: Definition) -> (Vec<(String, Bytes)>, usize) {
        let state = self.shared.state();
        let Some(of) = state.pipelines.iter().find(|known| known.name == pipeline) else {
            return (Vec::new(), 0);
        };
        if of.memories.definition() != definition {
            return (Vec::new(), of.memories.len());
        }
        let memories = of.memories.by_age().into_iter();
        (memories.map(|(source, memory)| (source.to_owned(), memory.clone())).collect(), 0)
    }

    /// The store's state in memory.
    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Tells `listener` of commits as long as it lives.
    pub fn listen(&self, listener: Weak<dyn Listener>) {
        self.inner.listeners.lock().expect("nothing panics under this lock").push(listener);
    }

    pub fn health(&self) -> Health {
        self.inner.health.lock().expect("nothing panics under this lock").clone()
    }
}
