//! What is promised to stored results, by class.

use std::time::Duration;

/// When what is written is made durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    #[default]
    Sync,
    /// Within this time: it is acknowledged at once.
    Interval(Duration),
    /// When the system likes.
    None,
}

/// What to do with a class when there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Its oldest records make room.
    #[default]
    ShedOldest,
    /// Its new records are not taken; the broker keeps their inputs.
    RefuseNewest,
}

/// In which order a class's backlog is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// What is promised to a class of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassPolicy {
    /// 0 is the most important, 9 the least.
    pub priority: u8,
    /// Bytes of the outbox that other classes can't take from it.
    pub share_bytes: u64,
    /// Milliseconds, in the outbox's time, after which a record is not worth sending.
    pub ttl_ms: Option<u64>,
    pub order: Order,
    pub when_full: WhenFull,
}

impl Default for ClassPolicy {
    fn default() -> Self {
        ClassPolicy {
            priority: 5,
            share_bytes: 0,
            ttl_ms: None,
            order: Order::default(),
            when_full: WhenFull::default(),
        }
    }
}
