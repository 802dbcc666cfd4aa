//! SQLite with a write-ahead log.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::{CACHE_BYTES, Durability, Store};
use crate::{Result, record::Batch};

pub struct Sqlite {
    connection: Connection,
    /// All records before it are delivered: a search from the start would pass what was removed.
    head: i64,
}

pub fn version() -> &'static str {
    rusqlite::version()
}

impl Sqlite {
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        let connection = Connection::open(dir.join("queue.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = match durability {
            Durability::Sync => "FULL",
            Durability::None => "OFF",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "cache_size", -((CACHE_BYTES >> 10) as i64))?;
        connection.execute(
            "CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
            [],
        )?;
        Ok(Self { connection, head: 0 })
    }
}

impl Store for Sqlite {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO queue (seq, payload) VALUES (?1, ?2)")?;
            for (sequence, payload) in batch.iter() {
                insert.execute(params![sequence as i64, payload])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let transaction = self.connection.transaction()?;
        let (mut seen, mut last) = (0, self.head);
        {
            let mut select = transaction
                .prepare_cached("SELECT seq, payload FROM queue WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
            let mut rows = select.query(params![self.head, count as i64])?;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                sink(row.get_ref(1)?.as_blob()?);
                seen += 1;
            }
            if seen > 0 {
                let mut delete = transaction.prepare_cached("DELETE FROM queue WHERE seq <= ?1")?;
                delete.execute(params![last])?;
            }
        }
        transaction.commit()?;
        self.head = last;
        Ok(seen)
    }

    fn first(&mut self) -> Result<Option<Vec<u8>>> {
        let mut select = self.connection.prepare_cached("SELECT payload FROM queue ORDER BY seq LIMIT 1")?;
        Ok(select.query_row([], |row| row.get(0)).optional()?)
    }

    fn pending(&mut self) -> Result<u64> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM queue", [], |row| row.get(0))?;
        Ok(count as u64)
    }

    fn scan(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut select = self.connection.prepare_cached("SELECT payload FROM queue ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            sink(row.get_ref(0)?.as_blob()?);
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}
