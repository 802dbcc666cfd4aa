//! What every store must do: take batches, hand over the oldest, say what is pending.

mod bare;
mod fjall;
mod redb;
mod sqlite;

use std::{fmt, fs::File, path::Path, str::FromStr};

use serde::Serialize;

use crate::{Result, record::Batch};

/// Block or page cache of the stores that have one, bytes. What a daemon with 25 MB for its backlog can
/// spare; the defaults (SQLite 2 MB, fjall 32 MiB, redb 1 GiB) are not comparable.
pub const CACHE_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Bare,
    Sqlite,
    Redb,
    Fjall,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Bare, Kind::Sqlite, Kind::Redb, Kind::Fjall];

    /// What was compared, with the settings that matter.
    pub fn settings(self) -> String {
        match self {
            Kind::Bare => "one file, appended with one write and one fdatasync a batch; length before each \
                           record, no checksum; delivering overwrites a position in a second file (fdatasync) \
                           and punches a hole behind it"
                .into(),
            Kind::Sqlite => format!(
                "SQLite {} (rusqlite 0.41, bundled); WAL, synchronous=FULL, one transaction a batch, prepared \
                 statements; table (seq INTEGER PRIMARY KEY, payload BLOB)",
                sqlite::version()
            ),
            Kind::Redb => "redb 4.6; Durability::Immediate, one transaction a batch, table u64 -> bytes".into(),
            Kind::Fjall => "fjall 3.1; PersistMode::SyncAll a batch, one keyspace, memtable 8 MiB, journals \
                            64 MiB (its least), LZ4 in tables (its default)"
                .into(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Bare => "bare",
            Kind::Sqlite => "sqlite",
            Kind::Redb => "redb",
            Kind::Fjall => "fjall",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| format!("no store `{text}`: bare, sqlite, redb or fjall"))
    }
}

/// When a commit is on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before `append` and `deliver` return.
    Sync,
    /// Whenever the system feels like it.
    None,
}

/// An ordered queue of records on disk. Errors are the store's own.
pub trait Store {
    /// One commit with all records of the batch, whose numbers are above all there are.
    fn append(&mut self, batch: &Batch) -> Result<()>;

    /// Reads the oldest records, at most `count`, and removes them in one commit.
    fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize>;

    /// The oldest record.
    fn first(&mut self) -> Result<Option<Vec<u8>>>;

    /// How many there are, found by the means of the store (not from a number kept beside it).
    fn pending(&mut self) -> Result<u64>;

    /// All records, oldest first.
    fn scan(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<()>;

    /// Closes in good order.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Opens what is in the folder, or begins it.
pub fn open(kind: Kind, dir: &Path, durability: Durability) -> Result<Box<dyn Store>> {
    let store: Box<dyn Store> = match kind {
        Kind::Bare => Box::new(bare::Bare::open(dir, durability)?),
        Kind::Sqlite => Box::new(sqlite::Sqlite::open(dir, durability)?),
        Kind::Redb => Box::new(redb::Redb::open(dir, durability)?),
        Kind::Fjall => Box::new(fjall::Fjall::open(dir, durability)?),
    };
    File::open(dir)?.sync_all()?; // the entries of new files
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;

    /// All stores do the same, also after they were closed and opened again.
    #[test]
    fn stores_agree() {
        for kind in Kind::ALL {
            for durability in [Durability::Sync, Durability::None] {
                let dir = tempfile::tempdir().unwrap();
                let mut store = open(kind, dir.path(), durability).unwrap();
                assert_eq!((store.pending().unwrap(), store.first().unwrap()), (0, None), "{kind}");
                let mut batch = Batch::default();
                for first in (0..1000).step_by(100) {
                    batch.fill(first, 100);
                    store.append(&batch).unwrap();
                }
                let mut seen = Vec::new();
                assert_eq!(store.deliver(64, &mut |p| seen.push(record::sequence(p).unwrap())).unwrap(), 64);
                assert_eq!(seen, (0..64).collect::<Vec<_>>(), "{kind}");
                store.close().unwrap();
                let mut store = open(kind, dir.path(), durability).unwrap();
                assert_eq!(store.pending().unwrap(), 936, "{kind}");
                assert_eq!(record::sequence(&store.first().unwrap().unwrap()), Some(64), "{kind}");
                let mut seen = Vec::new();
                store.scan(&mut |p| seen.push(record::sequence(p).unwrap())).unwrap();
                assert_eq!(seen, (64..1000).collect::<Vec<_>>(), "{kind}");
                while store.deliver(64, &mut |_| ()).unwrap() > 0 {}
                batch.fill(5000, 3);
                store.append(&batch).unwrap();
                assert_eq!(store.pending().unwrap(), 3, "{kind}");
                assert_eq!(record::sequence(&store.first().unwrap().unwrap()), Some(5000), "{kind}");
            }
        }
    }
}
