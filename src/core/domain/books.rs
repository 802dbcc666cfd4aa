//! The books: every unit (one reading for one pipeline) ends in exactly one bucket. What a bucket is called,
//! in metrics, `/status`, `last-run.json` and by the tools, is said here and nowhere else.

use serde::{Serialize, Serializer, ser::SerializeMap};

/// Where a received unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
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

impl Bucket {
    /// Every bucket, in the order in which they are told.
    pub const ALL: [Bucket; 7] = [
        Bucket::Scored,
        Bucket::Merged,
        Bucket::Rejected,
        Bucket::Shed,
        Bucket::Expired,
        Bucket::Damaged,
        Bucket::Dropped,
    ];

    /// Its name everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Scored => "scored",
            Bucket::Merged => "merged",
            Bucket::Rejected => "rejected",
            Bucket::Shed => "shed",
            Bucket::Expired => "expired",
            Bucket::Damaged => "damaged",
            Bucket::Dropped => "dropped",
        }
    }

    /// What it holds, as documentation has it.
    pub fn meaning(self) -> &'static str {
        match self {
            Bucket::Scored => "a verdict was made",
            Bucket::Merged => "went into a window it did not complete",
            Bucket::Rejected => "refused, by reason",
            Bucket::Shed => "let go by a named policy",
            Bucket::Expired => "journaled, and too old when its turn came",
            Bucket::Damaged => "journaled, and unreadable when its turn came",
            Bucket::Dropped => "journaled, and dropped by an operator",
        }
    }
}

/// The books of one pipeline, or of several added up, in units. As JSON an object of all counters by name:
/// `received`, the buckets, `pending`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    pub received: u64,
    /// By bucket.
    ended: [u64; Bucket::ALL.len()],
    /// Received and not yet in a bucket.
    pub pending: u64,
}

impl Books {
    /// Books of what came, where it ended, and what has no end yet.
    pub fn new(received: u64, ended: impl IntoIterator<Item = (Bucket, u64)>, pending: u64) -> Books {
        let mut books = Books { received, pending, ..Books::default() };
        for (bucket, units) in ended {
            books.ended[bucket as usize] += units;
        }
        books
    }

    /// Units that ended in a bucket.
    pub fn ended(&self, bucket: Bucket) -> u64 {
        self.ended[bucket as usize]
    }

    /// Units ended in a bucket.
    pub fn end(&mut self, bucket: Bucket, units: u64) {
        self.ended[bucket as usize] += units;
    }

    /// Units that ended, anywhere.
    pub fn ended_in_all(&self) -> u64 {
        self.ended.iter().sum()
    }

    /// True when every received unit is accounted for: it is in a bucket, or pending.
    pub fn balance(&self) -> bool {
        self.received == self.ended_in_all() + self.pending
    }

    /// Every counter by its name, in the order in which they are told.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let ended = Bucket::ALL.map(|bucket| (bucket.name(), self.ended(bucket)));
        std::iter::once(("received", self.received)).chain(ended).chain([("pending", self.pending)])
    }
}

impl Serialize for Books {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, units) in self.counters() {
            map.serialize_entry(name, &units)?;
        }
        map.end()
    }
}

impl std::ops::Add for Books {
    type Output = Books;

    fn add(self, other: Books) -> Books {
        let ended = Bucket::ALL.map(|bucket| (bucket, self.ended(bucket) + other.ended(bucket)));
        Books::new(self.received + other.received, ended, self.pending + other.pending)
    }
}

impl std::iter::Sum for Books {
    fn sum<I: Iterator<Item = Books>>(iter: I) -> Books {
        iter.fold(Books::default(), |a, b| a + b)
    }
}
