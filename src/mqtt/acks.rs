//! Acknowledging last, and in the order of arrival (MQTT-4.6.0-2).

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

/// The promise to acknowledge one QoS 1 message, shared by everybody who has a part in it.
///
/// Dropping it without [`Ticket::done`] leaves the message unacknowledged: the broker then sends
/// it again after a reconnect. A ticket that outlives its connection does nothing.
#[derive(Debug, Clone)]
pub struct Ticket {
    open: Arc<AtomicUsize>,
    wake: Arc<Notify>,
}

impl Ticket {
    /// Adds `parts` to those who must be done before the message is acknowledged.
    pub fn add_parts(&self, parts: usize) {
        self.open.fetch_add(parts, Ordering::AcqRel);
    }

    /// A ticket of no connection, and the count of its open parts.
    #[cfg(test)]
    pub fn alone() -> (Ticket, Arc<AtomicUsize>) {
        let open = Arc::new(AtomicUsize::new(1));
        (Ticket { open: open.clone(), wake: Arc::default() }, open)
    }

    /// One part is done.
    pub fn done(self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wake.notify_one();
        }
    }
}

/// The unacknowledged messages of one connection, in arrival order.
#[derive(Debug)]
pub(super) struct AckBook {
    waiting: VecDeque<(u16, Arc<AtomicUsize>)>,
    wake: Arc<Notify>,
}

impl AckBook {
    pub fn new(wake: Arc<Notify>) -> Self {
        AckBook { waiting: VecDeque::new(), wake }
    }

    /// Enters a message; its ticket has one part.
    pub fn enter(&mut self, packet_id: u16) -> Ticket {
        let open = Arc::new(AtomicUsize::new(1));
        self.waiting.push_back((packet_id, open.clone()));
        Ticket { open, wake: self.wake.clone() }
    }

    /// The next message whose turn it is, if all its parts are done.
    pub fn next_done(&mut self) -> Option<u16> {
        let (_, open) = self.waiting.front()?;
        if open.load(Ordering::Acquire) > 0 {
            return None;
        }
        self.waiting.pop_front().map(|(packet_id, _)| packet_id)
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
