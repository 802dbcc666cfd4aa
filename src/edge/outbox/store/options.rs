//! What an operator settles about the store.

use std::{collections::BTreeMap, time::Duration};

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
    /// 0 is the most important.
    pub priority: u8,
    /// Bytes of the outbox that other classes can't take from it.
    pub share_bytes: u64,
    /// Milliseconds after which a record is not worth sending.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bound of everything in the folder, in bytes on disk.
    pub max_bytes: u64,
    /// Bytes left free on the file system.
    pub min_free_bytes: u64,
    /// A segment is sealed at this size.
    pub segment_bytes: u64,
    /// ... or at this age, in the outbox's time.
    pub segment_age_ms: u64,
    pub durability: Durability,
    /// LZ4 where it pays.
    pub compress: bool,
    /// How long delivered records stay for a replay, when room allows.
    pub keep_delivered_ms: u64,
    pub classes: BTreeMap<String, ClassPolicy>,
}

impl StoreOptions {
    /// The policy of a class; one that is not configured any more is treated as a plain one.
    pub fn class(&self, name: &str) -> ClassPolicy {
        self.classes.get(name).cloned().unwrap_or_default()
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            max_bytes: 256 << 20,
            min_free_bytes: 64 << 20,
            segment_bytes: 4 << 20,
            segment_age_ms: 3_600_000,
            durability: Durability::Sync,
            compress: true,
            keep_delivered_ms: 0,
            classes: BTreeMap::new(),
        }
    }
}

/// A moment: the outbox's own monotonic time and the wall clock's, both in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since this store was opened; never goes back.
    pub since_open_ms: u64,
    /// Milliseconds since 1970, as the system believes.
    pub wall_ms: i64,
}
