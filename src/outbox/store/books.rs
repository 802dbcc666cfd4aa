//! The books that live on disk: of units by pipeline, of results by lane.

use edgeward_core::domain::{Books, Bucket};

/// How a result, or a journaled input, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fate {
    /// The receiver acknowledged it. Of an input: it was scored and nothing needs it any more.
    Delivered = 0,
    /// The receiver refused it for good.
    Refused = 1,
    /// Older than its class's time to live.
    Expired = 2,
    /// Let go for want of room, by the policy of its class.
    Shed = 3,
    /// Unreadable.
    Damaged = 4,
    /// Dropped by an operator.
    Dropped = 5,
    /// Exported, to be delivered by somebody else.
    Moved = 6,
}

impl Fate {
    /// Every fate, in the order documentation lists them.
    pub const ALL: [Fate; 7] = [
        Fate::Delivered,
        Fate::Refused,
        Fate::Expired,
        Fate::Shed,
        Fate::Damaged,
        Fate::Dropped,
        Fate::Moved,
    ];

    /// What stands for it on disk: it never changes its meaning, and none is used again. 0 is none.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The fate of a number, if this program knows it.
    pub fn of_number(number: u8) -> Option<Fate> {
        Fate::ALL.into_iter().find(|fate| fate.number() == number)
    }

    /// The name in metrics, status and tools.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Delivered => "delivered",
            Fate::Refused => "refused",
            Fate::Expired => "expired",
            Fate::Shed => "shed",
            Fate::Damaged => "damaged",
            Fate::Dropped => "dropped",
            Fate::Moved => "moved",
        }
    }
}

/// Results of one pipeline and class, since the outbox was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResultBooks {
    /// Made by a model here.
    pub made: u64,
    /// Brought from another outbox.
    pub imported: u64,
    /// Ended before, and opened again by an operator.
    pub replayed: u64,
    /// By [`Fate`], in the order of [`Fate::ALL`].
    pub ended: [u64; 7],
}

impl ResultBooks {
    pub fn ended(&self, fate: Fate) -> u64 {
        self.ended[fate as usize]
    }

    pub fn came(&self) -> u64 {
        self.made + self.imported + self.replayed
    }

    /// Results without an end yet: `came` less all that ended.
    pub fn pending(&self) -> u64 {
        self.came().saturating_sub(self.ended.iter().sum())
    }
}

/// Units of one pipeline, since the outbox was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitBooks {
    pub received: u64,
    pub scored: u64,
    pub merged: u64,
    /// By the reason's number; also those this program does not know.
    pub rejected: Vec<(u8, u64)>,
    /// By the policy's number; also those this program does not know.
    pub shed: Vec<(u8, u64)>,
    pub expired: u64,
    pub damaged: u64,
    pub dropped: u64,
}

impl UnitBooks {
    pub fn count_rejected(&self) -> u64 {
        self.rejected.iter().map(|(_, count)| count).sum()
    }

    pub fn count_shed(&self) -> u64 {
        self.shed.iter().map(|(_, count)| count).sum()
    }

    /// As everybody else has them. Pending are those whose input is journaled and not scored.
    pub fn books(&self) -> Books {
        let ended = [
            (Bucket::Scored, self.scored),
            (Bucket::Merged, self.merged),
            (Bucket::Rejected, self.count_rejected()),
            (Bucket::Shed, self.count_shed()),
            (Bucket::Expired, self.expired),
            (Bucket::Damaged, self.damaged),
            (Bucket::Dropped, self.dropped),
        ];
        let all: u64 = ended.iter().map(|(_, units)| units).sum();
        Books::new(self.received, ended, self.received.saturating_sub(all))
    }

    /// Units received and in no bucket yet.
    pub fn pending(&self) -> u64 {
        self.books().pending
    }

    pub fn add(&mut self, more: &UnitBooks) {
        self.received += more.received;
        self.scored += more.scored;
        self.merged += more.merged;
        self.expired += more.expired;
        self.damaged += more.damaged;
        self.dropped += more.dropped;
        for (mine, theirs) in [(&mut self.rejected, &more.rejected), (&mut self.shed, &more.shed)] {
            for &(key, count) in theirs {
                add_to(mine, key, count);
            }
        }
    }
}

impl UnitBooks {
    /// Takes away what was added before.
    pub fn subtract(&mut self, less: &UnitBooks) {
        self.received = self.received.saturating_sub(less.received);
        self.scored = self.scored.saturating_sub(less.scored);
        self.merged = self.merged.saturating_sub(less.merged);
        self.expired = self.expired.saturating_sub(less.expired);
        self.damaged = self.damaged.saturating_sub(less.damaged);
        self.dropped = self.dropped.saturating_sub(less.dropped);
        for (mine, theirs) in [(&mut self.rejected, &less.rejected), (&mut self.shed, &less.shed)] {
            for (key, count) in theirs {
                if let Some((_, sum)) = mine.iter_mut().find(|(known, _)| known == key) {
                    *sum = sum.saturating_sub(*count);
                }
            }
        }
    }
}

/// Adds to a small table of counters by key.
pub fn add_to(table: &mut Vec<(u8, u64)>, key: u8, count: u64) {
    match table.iter_mut().find(|(known, _)| *known == key) {
        Some((_, sum)) => *sum += count,
        None => table.push((key, count)),
    }
}
