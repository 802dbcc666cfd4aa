//! redb: a copy-on-write B-tree in one file.

use std::path::Path;

use ::redb::{
    Database, Durability as Commit, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    TableError,
};

use super::{CACHE_BYTES, Durability, Store};
use crate::{Result, record::Batch};

const QUEUE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("queue");

pub struct Redb {
    database: Database,
    commit: Commit,
}

impl Redb {
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(dir.join("queue.redb"))?;
        if let Err(TableError::TableDoesNotExist(_)) = database.begin_read()?.open_table(QUEUE) {
            let setup = database.begin_write()?;
            setup.open_table(QUEUE)?;
            setup.commit()?;
        }
        let commit = match durability {
            Durability::Sync => Commit::Immediate,
            Durability::None => Commit::None,
        };
        Ok(Self { database, commit })
    }
}

impl Store for Redb {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.commit)?;
        {
            let mut queue = transaction.open_table(QUEUE)?;
            for (sequence, payload) in batch.iter() {
                queue.insert(sequence, payload)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.commit)?;
        let mut seen = 0;
        {
            let mut queue = transaction.open_table(QUEUE)?;
            while seen < count {
                let Some((_, payload)) = queue.pop_first()? else { break };
                sink(payload.value());
                seen += 1;
            }
        }
        transaction.commit()?;
        Ok(seen)
    }

    fn first(&mut self) -> Result<Option<Vec<u8>>> {
        let queue = self.database.begin_read()?.open_table(QUEUE)?;
        Ok(queue.first()?.map(|(_, payload)| payload.value().to_vec()))
    }

    fn pending(&mut self) -> Result<u64> {
        Ok(self.database.begin_read()?.open_table(QUEUE)?.len()?)
    }

    fn scan(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        let queue = self.database.begin_read()?.open_table(QUEUE)?;
        for entry in queue.iter()? {
            sink(entry?.1.value());
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        // Makes earlier commits without durability durable.
        self.database.begin_write()?.commit()?;
        Ok(self.database.close()?)
    }
}
