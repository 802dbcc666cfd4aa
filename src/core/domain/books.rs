//! The books: every unit (one reading for one pipeline) ends in exactly one bucket.

/// Where a received unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// A verdict was made.
    Scored,
    /// Taken into a window that it did not complete.
    Merged,
    /// Refused with a counted [`Reason`](super::Reason).
    Rejected,
    /// Let go by a named policy before it was scored.
    Shed,
    /// Journaled, and too old when its turn came.
    Expired,
    /// Journaled, and unreadable when its turn came.
    Damaged,
    /// Dropped by an operator.
    Dropped,
}

/// The books of one pipeline, or of several added up, in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    pub received: u64,
    pub scored: u64,
    pub merged: u64,
    pub rejected: u64,
    pub shed: u64,
    pub expired: u64,
    pub damaged: u64,
    pub dropped: u64,
    /// Received and not yet in a bucket.
    pub pending: u64,
}

impl Books {
    /// True when every received unit is accounted for:
    /// `received = scored + merged + rejected + shed + expired + damaged + dropped + pending`.
    pub fn balance(&self) -> bool {
        let lost = self.shed + self.expired + self.damaged + self.dropped;
        self.received == self.scored + self.merged + self.rejected + lost + self.pending
    }
}

impl std::ops::Add for Books {
    type Output = Books;

    fn add(self, other: Books) -> Books {
        Books {
            received: self.received + other.received,
            scored: self.scored + other.scored,
            merged: self.merged + other.merged,
            rejected: self.rejected + other.rejected,
            shed: self.shed + other.shed,
            expired: self.expired + other.expired,
            damaged: self.damaged + other.damaged,
            dropped: self.dropped + other.dropped,
            pending: self.pending + other.pending,
        }
    }
}

impl std::iter::Sum for Books {
    fn sum<I: Iterator<Item = Books>>(iter: I) -> Books {
        iter.fold(Books::default(), |a, b| a + b)
    }
}
