//! Several results in one message: JSON lines, compressed if told to.

use std::{io::Write, time::Instant};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use edgeward_outbox::store::cursor::Item;

/// Results of one lane that go as one message.
#[derive(Debug)]
pub(super) struct Batch {
    pub lane: u16,
    pub class: usize,
    pub records: Vec<(u16, u64)>,
    pub since: Instant,
    payload: Vec<u8>,
    first: Bytes,
}

/// A message is sent at this size, whatever its count.
const MOST_BYTES: usize = 128 << 10;

impl Batch {
    pub fn new(class: usize, item: Item) -> Self {
        Batch {
            lane: item.lane,
            class,
            records: vec![(item.lane, item.sequence)],
            since: Instant::now(),
            payload: Vec::new(),
            first: item.payload,
        }
    }

    pub fn push(&mut self, item: &Item) {
        if self.payload.is_empty() {
            self.payload.extend_from_slice(&self.first);
            self.payload.push(b'\n');
        }
        self.payload.extend_from_slice(&item.payload);
        self.payload.push(b'\n');
        self.records.push((item.lane, item.sequence));
    }

    pub fn is_full(&self, most: usize) -> bool {
        self.records.len() >= most || self.payload.len() >= MOST_BYTES
    }

    /// The first record, for what its topic needs.
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// The message's payload: a single result as it is, more as JSON lines.
    pub fn payload(&self, gzip: bool) -> Bytes {
        let plain =
            if self.records.len() == 1 { self.first.clone() } else { Bytes::copy_from_slice(&self.payload) };
        if !gzip {
            return plain;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        match encoder.write_all(&plain).and_then(|()| encoder.finish()) {
            Ok(packed) => packed.into(),
            // Writing to memory does not fail.
            Err(_) => plain,
        }
    }
}
