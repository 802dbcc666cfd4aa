//! fjall: a log-structured merge tree.

use std::path::Path;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{CACHE_BYTES, Durability, Store};
use crate::{Result, record::Batch};

const MEMTABLE_BYTES: u64 = 8 << 20;
const JOURNAL_BYTES: u64 = 64 << 20;

pub struct Fjall {
    queue: Keyspace,
    database: Database,
    persist: PersistMode,
    /// All records before it are delivered: a search from the start would pass their tombstones.
    head: u64,
}

impl Fjall {
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        let database = Database::builder(dir.join("queue.fjall"))
            .cache_size(CACHE_BYTES as u64)
            .max_journaling_size(JOURNAL_BYTES)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let queue = database.keyspace("queue", options)?;
        let persist = match durability {
            Durability::Sync => PersistMode::SyncAll,
            Durability::None => PersistMode::Buffer,
        };
        Ok(Self { queue, database, persist, head: 0 })
    }
}

impl Store for Fjall {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let mut writes = self.database.batch().durability(Some(self.persist));
        for (sequence, payload) in batch.iter() {
            writes.insert(&self.queue, sequence.to_be_bytes(), payload);
        }
        Ok(writes.commit()?)
    }

    fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut writes = self.database.batch().durability(Some(self.persist));
        let mut head = self.head;
        for entry in self.queue.range(self.head.to_be_bytes()..).take(count) {
            let (key, payload) = entry.into_inner()?;
            sink(&payload);
            head = u64::from_be_bytes(key.as_ref().try_into()?) + 1;
            writes.remove(&self.queue, key);
        }
        let seen = writes.len();
        writes.commit()?;
        self.head = head;
        Ok(seen)
    }

    fn first(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(entry) = self.queue.first_key_value() else { return Ok(None) };
        Ok(Some(entry.value()?.to_vec()))
    }

    fn pending(&mut self) -> Result<u64> {
        Ok(self.queue.len()? as u64)
    }

    fn scan(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        for entry in self.queue.iter() {
            sink(&entry.value()?);
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
