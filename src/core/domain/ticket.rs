//! Acknowledging an input: whoever brought it is told once everybody with a part in it is done.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Whoever brought an input and waits for its fate: a PUBLISH to be acknowledged, a request to be
/// answered. Both calls come from any thread, must not wait, and come at most once in all.
pub trait Settle: Send + Sync {
    /// Everybody is done: the outcome is as durable as promised.
    fn settled(&self);

    /// Everybody let go, and somebody was not done: the input counts as never taken.
    fn abandoned(&self) {}
}

/// The promise to acknowledge one input, shared by everybody who has a part in it.
///
/// Dropping it without [`Ticket::done`] leaves the input unacknowledged: its sender keeps it, and sends
/// it again if that is its way.
#[derive(Clone)]
pub struct Ticket {
    parts: Arc<Parts>,
}

struct Parts {
    open: AtomicUsize,
    to: Arc<dyn Settle>,
}

impl Ticket {
    /// A ticket with one part.
    pub fn new(to: Arc<dyn Settle>) -> Self {
        Ticket { parts: Arc::new(Parts { open: AtomicUsize::new(1), to }) }
    }

    /// Adds `parts` to those who must be done before the input is acknowledged.
    pub fn add_parts(&self, parts: usize) {
        self.parts.open.fetch_add(parts, Ordering::AcqRel);
    }

    /// One part is done.
    pub fn done(self) {
        if self.parts.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.parts.to.settled();
        }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if *self.open.get_mut() > 0 {
            self.to.abandoned();
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("open", &self.parts.open).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Told {
        settled: AtomicUsize,
        abandoned: AtomicUsize,
    }

    impl Told {
        fn counts(&self) -> (usize, usize) {
            (self.settled.load(Ordering::SeqCst), self.abandoned.load(Ordering::SeqCst))
        }
    }

    impl Settle for Told {
        fn settled(&self) {
            self.settled.fetch_add(1, Ordering::SeqCst);
        }

        fn abandoned(&self) {
            self.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn settled_when_the_last_part_is_done() {
        let told = Arc::new(Told::default());
        let ticket = Ticket::new(told.clone());
        ticket.add_parts(1);
        ticket.clone().done();
        assert_eq!(told.counts(), (0, 0));
        ticket.done();
        assert_eq!(told.counts(), (1, 0));
    }

    #[test]
    fn abandoned_when_somebody_lets_go_undone() {
        let told = Arc::new(Told::default());
        let ticket = Ticket::new(told.clone());
        ticket.add_parts(1);
        ticket.clone().done();
        drop(ticket);
        assert_eq!(told.counts(), (0, 1));
    }
}
