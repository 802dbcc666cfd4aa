//! What a courier shares with its link, the outbox and the metrics.

use std::{
    ops::Range,
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use edgeward_outbox::{Listener, UplinkSnapshot};

use super::{Answer, UplinkEvents};

/// What wakes a courier.
#[derive(Debug, Default)]
pub(super) struct News {
    pub answers: Vec<(u64, Range<usize>, Answer)>,
    pub connected: bool,
    commits: u64,
    pub stop: bool,
}

/// What a courier has acted on. It is kept from one wait to the next: what changes while the courier works
/// is news too.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// None before the first look.
    commits: Option<u64>,
    connected: bool,
}

impl News {
    /// Whether there is something to do. Commits are nothing to a courier whose link is full.
    pub fn is_new(&self, seen: &Seen, has_room: bool) -> bool {
        !self.answers.is_empty()
            || (Some(self.commits) != seen.commits && has_room)
            || self.connected != seen.connected
    }

    pub fn note(&self, seen: &mut Seen) {
        *seen = Seen { commits: Some(self.commits), connected: self.connected };
    }
}

/// The desk.
#[derive(Debug, Default)]
pub struct Desk {
    news: Mutex<News>,
    pub(super) wake: Condvar,
    pub(super) in_flight: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) delivered: AtomicU64,
    /// Why the receiver refused something, and when it was told last and refused last. At most [`MOST_REASONS`].
    refused: Mutex<Vec<Refusal>>,
}

#[derive(Debug)]
struct Refusal {
    why: String,
    told: Instant,
    at: Instant,
}

/// Reasons that are told apart.
const MOST_REASONS: usize = 16;
/// How long a refusal stays a state, and how often one reason is told.
const REFUSAL_STANDS: Duration = Duration::from_secs(60);

impl Desk {
    pub(super) fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().expect("not poisoned: nothing panics under this lock")
    }

    pub fn is_connected(&self) -> bool {
        self.news().connected
    }

    /// Notes a refusal. True when it is to be told: once a reason and minute.
    pub(super) fn refused(&self, why: &str) -> bool {
        let mut refused = self.refused.lock().expect("nothing panics under this lock");
        let now = Instant::now();
        if let Some(known) = refused.iter_mut().find(|known| known.why == why) {
            known.at = now;
            let due = known.told.elapsed() >= REFUSAL_STANDS;
            if due {
                known.told = now;
            }
            return due;
        }
        refused.retain(|known| known.at.elapsed() < REFUSAL_STANDS);
        if refused.len() < MOST_REASONS {
            refused.push(Refusal { why: why.to_owned(), told: now, at: now });
            return true;
        }
        false
    }

    /// Why the receiver refused results last, if it did of late.
    pub fn refusal(&self) -> Option<String> {
        let refused = self.refused.lock().expect("nothing panics under this lock");
        let last = refused.iter().max_by_key(|refusal| refusal.at)?;
        (last.at.elapsed() < REFUSAL_STANDS).then(|| last.why.clone())
    }

    /// The desk of the courier that follows: nothing is on the way, the counters go on.
    pub fn successor(&self) -> Desk {
        let goes_on = |counter: &AtomicU64| AtomicU64::new(counter.load(Relaxed));
        Desk {
            messages: goes_on(&self.messages),
            bytes: goes_on(&self.bytes),
            delivered: goes_on(&self.delivered),
            ..Desk::default()
        }
    }

    /// Nobody sits here any more.
    pub fn died(&self) {
        self.news().connected = false;
        self.in_flight.store(0, Relaxed);
    }

    /// The link in numbers.
    pub fn snapshot(&self, name: &str) -> UplinkSnapshot {
        UplinkSnapshot {
            name: name.to_owned(),
            connected: self.is_connected(),
            in_flight: self.in_flight.load(Relaxed),
            messages: self.messages.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
        }
    }
}

impl UplinkEvents for Desk {
    fn answered(&self, number: u64, records: Range<usize>, answer: Answer) {
        let mut news = self.news();
        // The courier does not wait while there is any; waking is a system call.
        let waited_for = news.answers.is_empty();
        news.answers.push((number, records, answer));
        drop(news);
        if waited_for {
            self.wake.notify_one();
        }
    }

    fn connected(&self, connected: bool) {
        self.news().connected = connected;
        self.wake.notify_one();
    }
}

impl Listener for Desk {
    fn committed(&self) {
        self.news().commits += 1;
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_connects_while_the_courier_works_is_news() {
        let desk = Desk::default();
        let mut seen = Seen::default();
        assert!(desk.news().is_new(&seen, true), "the first look");
        desk.news().note(&mut seen);
        assert!(!desk.news().is_new(&seen, true));
        // The courier works on what it has seen; nobody waits to be woken.
        desk.connected(true);
        assert!(desk.news().is_new(&seen, false));
        desk.news().note(&mut seen);
        desk.committed();
        assert!(desk.news().is_new(&seen, true) && !desk.news().is_new(&seen, false));
    }
}
