//! What is to be published: a queue between the scoring threads and the session, bounded in bytes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::Notify;

use edgeward_core::domain::Ticket;

use super::Qos;

/// One message to publish.
#[derive(Debug)]
pub struct Publish {
    pub topic: String,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// Given when the broker has acknowledged this (QoS 1) or it was written (QoS 0).
    pub receipt: Option<Receipt>,
}

/// Whom to tell that a publish has arrived.
#[derive(Debug)]
pub enum Receipt {
    /// The input it came from.
    Input(Ticket),
    /// Somebody who knows it by a number.
    Number { to: Arc<dyn Receiver>, number: u64 },
}

/// Takes receipts, on the session's task: answers at once.
pub trait Receiver: Send + Sync + std::fmt::Debug {
    fn arrived(&self, number: u64);
}

impl Receipt {
    pub(super) fn give(self) {
        match self {
            Receipt::Input(ticket) => ticket.done(),
            Receipt::Number { to, number } => to.arrived(number),
        }
    }
}

impl Publish {
    /// Bytes it takes in memory, roughly.
    pub(super) fn size(&self) -> usize {
        self.topic.len() + self.payload.len() + 64
    }
}

/// The sending end, for any thread.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    room: Condvar,
    pub wake: Arc<Notify>,
    /// Told whenever nothing waits and nothing is in flight.
    idle: Notify,
    closed: AtomicBool,
    /// The session holds a message back until somebody makes room.
    paused: AtomicBool,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Publish>,
    bytes: usize,
    /// Sent, not yet acknowledged.
    in_flight: usize,
}

impl Publisher {
    pub(super) fn new(max_bytes: usize) -> Self {
        let shared = Shared {
            queue: Mutex::default(),
            room: Condvar::new(),
            wake: Arc::default(),
            idle: Notify::new(),
            closed: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            max_bytes,
        };
        Publisher { shared: Arc::new(shared) }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Hands messages over, waiting for room when the bound is reached: call it from a scoring
    /// thread, never from the session's. Returns those that were not taken because the publisher
    /// was closed.
    pub fn publish(&self, messages: &mut Vec<Publish>) -> Vec<Publish> {
        if messages.is_empty() {
            return Vec::new();
        }
        let mut queue = self.shared.lock();
        let mut left = Vec::new();
        for message in messages.drain(..) {
            while queue.bytes >= self.shared.max_bytes && !self.is_closed() {
                self.shared.wake.notify_one();
                queue = self.shared.room.wait(queue).expect("not poisoned: nothing panics under this lock");
            }
            if self.is_closed() {
                left.push(message);
            } else {
                queue.bytes += message.size();
                queue.waiting.push_back(message);
            }
        }
        drop(queue);
        self.shared.wake.notify_one();
        left
    }

    /// Hands over as many as there is room for now. Returns the others.
    pub fn offer(&self, messages: &mut Vec<Publish>) -> Vec<Publish> {
        let mut queue = self.shared.lock();
        let mut left = Vec::new();
        for message in messages.drain(..) {
            if queue.bytes >= self.shared.max_bytes || self.is_closed() {
                left.push(message);
            } else {
                queue.bytes += message.size();
                queue.waiting.push_back(message);
            }
        }
        drop(queue);
        self.shared.wake.notify_one();
        left
    }

    /// Tells the session that a queue has room again; costs nothing unless it waits for that.
    pub fn made_room(&self) {
        if self.shared.paused.load(Ordering::Acquire) {
            self.shared.wake.notify_one();
        }
    }

    /// Takes nothing more and lets go of who waits for room.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        // Under the lock, so that nobody is between looking and waiting.
        drop(self.shared.lock());
        self.shared.room.notify_all();
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Waits until everything was sent and acknowledged.
    pub async fn until_idle(&self) {
        loop {
            let changed = self.shared.idle.notified();
            if self.backlog() == (0, 0) {
                return;
            }
            changed.await;
        }
    }

    /// Messages not yet sent, and sent but not yet acknowledged.
    pub fn backlog(&self) -> (usize, usize) {
        let queue = self.shared.lock();
        (queue.waiting.len(), queue.in_flight)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// Takes messages to send: up to `max_bytes` of them, and of QoS 1 at most `max_acked`.
    pub fn take(&self, max_bytes: usize, mut max_acked: usize, into: &mut Vec<Publish>) {
        let mut queue = self.lock();
        let mut taken = 0;
        while taken < max_bytes {
            match queue.waiting.front() {
                Some(message) if message.qos == Qos::AtLeastOnce && max_acked == 0 => break,
                None => break,
                Some(_) => {}
            }
            let Some(message) = queue.waiting.pop_front() else { break };
            if message.qos == Qos::AtLeastOnce {
                max_acked -= 1;
                queue.in_flight += 1;
            }
            queue.bytes -= message.size();
            taken += message.size();
            into.push(message);
        }
        let idle = queue.waiting.is_empty() && queue.in_flight == 0;
        drop(queue);
        if taken > 0 {
            self.room.notify_all();
            if idle {
                self.idle.notify_one();
            }
        }
    }

    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// A message is sent that was never in the queue.
    pub fn entered(&self, message: &Publish) {
        if message.qos == Qos::AtLeastOnce {
            self.lock().in_flight += 1;
        }
    }

    /// A QoS 1 message was acknowledged.
    pub fn acknowledged(&self) {
        let mut queue = self.lock();
        queue.in_flight = queue.in_flight.saturating_sub(1);
        if queue.waiting.is_empty() && queue.in_flight == 0 {
            self.idle.notify_one();
        }
    }
}
