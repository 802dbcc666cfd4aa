//! Acknowledging last, and in the order of arrival (MQTT-4.6.0-2).

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use edgeward_core::domain::{Settle, Ticket};
use tokio::sync::Notify;

/// One QoS 1 message on its way to its PUBACK. One that outlives its connection does nothing.
struct Entry {
    packet_id: u16,
    is_settled: AtomicBool,
    wake: Arc<Notify>,
}

impl Settle for Entry {
    fn settled(&self) {
        self.is_settled.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// The unacknowledged messages of one connection, in arrival order.
pub(super) struct AckBook {
    waiting: VecDeque<Arc<Entry>>,
    wake: Arc<Notify>,
}

impl AckBook {
    pub fn new(wake: Arc<Notify>) -> Self {
        AckBook { waiting: VecDeque::new(), wake }
    }

    /// Enters a message; its ticket has one part.
    pub fn enter(&mut self, packet_id: u16) -> Ticket {
        let is_settled = AtomicBool::new(false);
        let entry = Arc::new(Entry { packet_id, is_settled, wake: self.wake.clone() });
        self.waiting.push_back(entry.clone());
        Ticket::new(entry)
    }

    /// The next message whose turn it is, if it is settled.
    pub fn next_done(&mut self) -> Option<u16> {
        if !self.waiting.front()?.is_settled.load(Ordering::Acquire) {
            return None;
        }
        self.waiting.pop_front().map(|entry| entry.packet_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_keep_the_order_of_arrival_and_wait_for_every_part() {
        let mut book = AckBook::new(Arc::default());
        // Edge hub uses packet id 1 for every message.
        let (first, second) = (book.enter(1), book.enter(1));
        first.add_parts(1);
        second.done();
        assert_eq!(book.next_done(), None);
        first.clone().done();
        assert_eq!(book.next_done(), None);
        first.done();
        assert_eq!((book.next_done(), book.next_done(), book.next_done()), (Some(1), Some(1), None));
    }
}
