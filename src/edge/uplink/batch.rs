//! Results of one lane that go as one parcel.

use std::time::Instant;

use edgeward_outbox::store::cursor::Item;

use super::Limits;

/// A parcel in the making.
#[derive(Debug)]
pub(super) struct Batch {
    pub lane: u16,
    pub class: usize,
    pub records: Vec<Item>,
    pub since: Instant,
    bytes: usize,
}

impl Batch {
    pub fn new(class: usize, item: Item) -> Self {
        let mut batch =
            Batch { lane: item.lane, class, records: Vec::new(), since: Instant::now(), bytes: 0 };
        batch.push(item);
        batch
    }

    pub fn push(&mut self, item: Item) {
        self.bytes += item.payload.len() + 1;
        self.records.push(item);
    }

    pub fn is_full(&self, limits: &Limits) -> bool {
        self.records.len() >= limits.parcel_records || self.bytes >= limits.parcel_bytes
    }
}
