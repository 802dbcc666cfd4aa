//! What an operator settles about the store.

use std::collections::BTreeMap;

use edgeward_core::domain::{ClassPolicy, Durability};

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
