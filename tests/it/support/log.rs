//! The lines a process writes: kept, and waited for.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Instant,
};

use super::PATIENCE;

#[derive(Clone, Default)]
pub struct Log {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads `from` until its end, on a thread of its own.
    pub fn of(from: impl Read + Send + 'static) -> Log {
        let log = Log::default();
        let told = log.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                told.lock().lines.push(text);
                told.shared.1.notify_all();
                line.clear();
            }
            told.lock().ended = true;
            told.shared.1.notify_all();
        });
        log
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.shared.0.lock().unwrap()
    }

    /// The first line that holds `part`, now or later. Panics with the whole log when none comes.
    pub fn wait_for(&self, part: &str) -> String {
        self.wait_for_nth(part, 1)
    }

    /// The `nth` line, from 1, that holds `part`.
    pub fn wait_for_nth(&self, part: &str, nth: usize) -> String {
        self.try_wait_for(part, nth).unwrap_or_else(|| {
            panic!("no line {nth} with {part:?} in the log:\n{}", self.text());
        })
    }

    /// Like [`Log::wait_for_nth`]; `None` when the process ended without it or patience did.
    pub fn try_wait_for(&self, part: &str, nth: usize) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lock();
        loop {
            if let Some(line) = lines.lines.iter().filter(|line| line.contains(part)).nth(nth - 1) {
                return Some(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines = self.shared.1.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Waits until the process closed its end. False when it did not.
    pub fn wait_end(&self) -> bool {
        let lines = self.lock();
        self.shared.1.wait_timeout_while(lines, PATIENCE, |lines| !lines.ended).unwrap().0.ended
    }

    /// Whether the process closed its end.
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// How many lines hold `part` by now.
    pub fn count(&self, part: &str) -> usize {
        self.lock().lines.iter().filter(|line| line.contains(part)).count()
    }

    pub fn text(&self) -> String {
        self.lock().lines.join("\n")
    }
}
