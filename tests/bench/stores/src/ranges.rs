//! Which sequence numbers are there, as runs.

use serde::{Deserialize, Serialize};

/// Runs of consecutive numbers, first and last, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges {
    pub runs: Vec<(u64, u64)>,
    /// Payloads that are not what was written, or not in order.
    pub wrong: u64,
}

impl Ranges {
    /// Takes the number of the next record; nothing stands for a damaged one.
    pub fn push(&mut self, sequence: Option<u64>) {
        match (sequence, self.runs.last_mut()) {
            (None, _) => self.wrong += 1,
            (Some(n), Some((_, last))) if n == *last + 1 => *last = n,
            (Some(n), Some((_, last))) if n <= *last => self.wrong += 1,
            (Some(n), _) => self.runs.push((n, n)),
        }
    }

    pub fn push_all(&mut self, first: u64, last: u64) {
        match self.runs.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => self.runs.push((first, last)),
        }
    }

    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub fn last(&self) -> Option<u64> {
        self.runs.last().map(|(_, last)| *last)
    }

    /// How many of these numbers, from `from` on, the other does not have.
    pub fn missing_in(&self, other: &Ranges, from: u64) -> u64 {
        let mut missing = 0;
        for &(first, last) in &self.runs {
            let first = first.max(from);
            if first > last {
                continue;
            }
            let there: u64 = other
                .runs
                .iter()
                .filter(|run| run.0 <= last && run.1 >= first)
                .map(|run| run.1.min(last) - run.0.max(first) + 1)
                .sum();
            missing += last - first + 1 - there;
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted() {
        let mut written = Ranges::default();
        written.push_all(0, 63);
        written.push_all(64, 127);
        written.push_all(200, 263);
        assert_eq!((written.runs.len(), written.count(), written.last()), (2, 192, Some(263)));
        let mut found = Ranges::default();
        for n in (10..120).chain(201..300) {
            found.push(Some(n));
        }
        assert_eq!(written.missing_in(&found, 10), 8 + 1);
        assert_eq!(written.missing_in(&found, 0), 10 + 8 + 1);
        assert_eq!(written.missing_in(&found, 202), 0);
        found.push(None);
        found.push(Some(5));
        assert_eq!((found.wrong, found.runs.len()), (2, 2));
    }
}
