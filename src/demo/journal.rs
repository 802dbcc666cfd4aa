//! What was sent and has no verdict yet: matches a verdict to its message, once.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// Messages without a verdict at one time; the simulators wait when there are more.
const MAX_OPEN: usize = 50_000;

/// What an answer's id told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The first verdict of a message, this long after it was published.
    First(Duration),
    /// The message had its verdict already.
    Repeat,
    /// Nothing of this run.
    Foreign,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    open: HashMap<u64, Instant>,
    closed: bool,
}

/// The messages of one run. Ids are unique: `<run>-<number>`.
#[derive(Debug)]
pub struct Journal {
    run: String,
    inner: Mutex<Inner>,
    room: Condvar,
}

impl Journal {
    /// `run` tells this run's messages from those of another.
    pub fn new(run: impl Into<String>) -> Self {
        Journal { run: run.into(), inner: Mutex::default(), room: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// Enters a message that is about to be published, and gives its id. Waits while too many are
    /// without a verdict; `None` once the journal is closed.
    pub fn enter(&self) -> Option<String> {
        let mut inner = self.lock();
        while inner.open.len() >= MAX_OPEN && !inner.closed {
            inner = self.room.wait(inner).expect("not poisoned: nothing panics under this lock");
        }
        if inner.closed {
            return None;
        }
        let number = inner.next;
        inner.next += 1;
        inner.open.insert(number, Instant::now());
        Some(format!("{}-{number}", self.run))
    }

    /// A verdict on the message `id` was received at `now`.
    pub fn answer(&self, id: &str, now: Instant) -> Answer {
        let number = id.strip_prefix(self.run.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else {
            return Answer::Foreign;
        };
        let mut inner = self.lock();
        match inner.open.remove(&number) {
            Some(sent) => {
                self.room.notify_one();
                Answer::First(now.saturating_duration_since(sent))
            }
            None if number < inner.next => Answer::Repeat,
            None => Answer::Foreign,
        }
    }

    /// Messages entered.
    #[cfg(test)]
    pub fn entered(&self) -> u64 {
        self.lock().next
    }

    /// Messages without a verdict.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// No more messages: who waits to enter one is let go.
    pub fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_first_verdict() {
        let journal = Journal::new("ab");
        let (first, second) = (journal.enter().unwrap(), journal.enter().unwrap());
        assert_eq!((first.as_str(), second.as_str()), ("ab-0", "ab-1"));
        let later = Instant::now() + Duration::from_secs(1);
        assert!(
            matches!(journal.answer(&first, later), Answer::First(took) if took > Duration::from_millis(900))
        );
        assert_eq!(journal.answer(&first, later), Answer::Repeat);
        for foreign in ["ab-2", "ab", "cd-0", "", "ab-x"] {
            assert_eq!(journal.answer(foreign, later), Answer::Foreign, "{foreign}");
        }
        assert_eq!((journal.entered(), journal.open()), (2, 1));
    }

    #[test]
    fn who_waits_for_room_is_let_go_at_the_end() {
        let journal = std::sync::Arc::new(Journal::new("ab"));
        for _ in 0..MAX_OPEN {
            journal.enter().unwrap();
        }
        let waiting = {
            let journal = journal.clone();
            std::thread::spawn(move || (journal.enter(), journal.enter()))
        };
        journal.answer("ab-7", Instant::now());
        // One place was free; the second has to wait for the end.
        while journal.entered() == MAX_OPEN as u64 {
            std::thread::yield_now();
        }
        journal.close();
        assert_eq!(waiting.join().unwrap(), (Some(format!("ab-{MAX_OPEN}")), None));
    }
}
