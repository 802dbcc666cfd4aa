//! What is measured: a bare loop, SQLite from Python, and the outbox's store.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use edgeward_core::domain::Durability;
use edgeward_outbox::store::{Batch, Fresh, Moment, Room, Store, StoreOptions, disk::Folder};

use crate::{common, record};

/// Who stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// One file, one write and one fdatasync a batch.
    Bare,
    /// Python's sqlite3: WAL, one transaction a batch.
    Sqlite,
    /// The outbox, compressing as by default.
    Lz4,
    /// The outbox, not compressing.
    Plain,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Bare, Kind::Sqlite, Kind::Lz4, Kind::Plain];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Bare => "bare loop",
            Kind::Sqlite => "SQLite",
            Kind::Lz4 => "outbox, lz4",
            Kind::Plain => "outbox, no compression",
        }
    }
}

/// When what was committed is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    Sync,
    Interval,
    None,
}

/// As in the documentation's example.
pub const INTERVAL: Duration = Duration::from_millis(50);

impl When {
    pub fn name(self) -> &'static str {
        match self {
            When::Sync => "sync",
            When::Interval => "interval:50ms",
            When::None => "none",
        }
    }

    fn durability(self) -> Durability {
        match self {
            When::Sync => Durability::Sync,
            When::Interval => Durability::Interval(INTERVAL),
            When::None => Durability::None,
        }
    }
}

/// Opens the outbox's store with room for what a bench does.
pub fn open(dir: &Path, compress: bool, durability: Durability) -> Result<Store, String> {
    let options = StoreOptions {
        max_bytes: 8 << 30,
        min_free_bytes: 1 << 20,
        compress,
        durability,
        ..Default::default()
    };
    let fresh = Fresh { store: [1; 8], epoch: [2; 8] };
    let (store, _) = Store::open(Arc::new(Folder::new(dir)), options, fresh).map_err(|e| e.to_string())?;
    Ok(store)
}

/// The time of each commit of `batches` batches of `size` records, on a fresh folder.
pub fn commit_times(
    kind: Kind,
    when: When,
    size: usize,
    batches: usize,
    dir: &Path,
) -> Result<Vec<Duration>, String> {
    // The first batch is not timed: it makes files and tables.
    let records: Vec<Bytes> =
        (0..=batches as u64).map(|at| record::records(at * size as u64..(at + 1) * size as u64)).collect();
    match kind {
        Kind::Bare => bare(when, &records, dir).map_err(|e| e.to_string()),
        Kind::Sqlite => sqlite(when, size, &records, dir),
        Kind::Lz4 | Kind::Plain => outbox(kind == Kind::Lz4, when, &records, dir),
    }
}

fn bare(when: When, batches: &[Bytes], dir: &Path) -> std::io::Result<Vec<Duration>> {
    let file = File::create_new(dir.join("log"))?;
    let (mut times, mut at, mut buffer, mut synced) = (Vec::new(), 0, Vec::new(), Instant::now());
    for batch in batches {
        let begin = Instant::now();
        buffer.clear();
        for record in batch.chunks_exact(record::RECORD_BYTES) {
            buffer.extend_from_slice(&(record.len() as u32).to_le_bytes());
            buffer.extend_from_slice(record);
        }
        file.write_all_at(&buffer, at)?;
        at += buffer.len() as u64;
        if when == When::Sync || (when == When::Interval && synced.elapsed() >= INTERVAL) {
            file.sync_data()?;
            synced = Instant::now();
        }
        times.push(begin.elapsed());
    }
    times.remove(0);
    Ok(times)
}

/// As the outbox's writer does it: the clock, room by policy, the commit.
fn outbox(compress: bool, when: When, batches: &[Bytes], dir: &Path) -> Result<Vec<Duration>, String> {
    let mut store = open(dir, compress, when.durability())?;
    let lane = store.lane("press", "result");
    let batches: Vec<Batch> = batches
        .iter()
        .map(|batch| Batch {
            records: record::split(batch).map(|one| (lane, one).into()).collect(),
            ..Batch::default()
        })
        .collect();
    let (opened, mut times, mut synced) = (Instant::now(), Vec::with_capacity(batches.len()), Instant::now());
    for batch in &batches {
        let begin = Instant::now();
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        store.tick(Moment {
            since_open_ms: opened.elapsed().as_millis() as u64,
            wall_ms: wall.as_millis() as i64,
        });
        let bytes = (batch.records.len() * (record::RECORD_BYTES + 16)) as u64;
        match store.make_room("result", bytes) {
            Ok(Room::Yes) => {}
            other => return Err(format!("no room: {other:?}")),
        }
        store.commit(batch).map_err(|e| e.to_string())?;
        if when == When::Interval && synced.elapsed() >= INTERVAL {
            store.sync().map_err(|e| e.to_string())?;
            synced = Instant::now();
        }
        times.push(begin.elapsed());
    }
    times.remove(0);
    Ok(times)
}

fn sqlite(when: When, size: usize, batches: &[Bytes], dir: &Path) -> Result<Vec<Duration>, String> {
    let synchronous = if when == When::Sync { "FULL" } else { "OFF" };
    let mut child = Command::new(common::python()?)
        .arg(common::root().join("tests/bench/outbox/sqlite.py"))
        .arg(dir.join("outbox.db"))
        .args([synchronous, &size.to_string(), &record::RECORD_BYTES.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("can't start Python: {e}"))?;
    let said = talk(&mut child, batches);
    let status = child.wait().map_err(|e| e.to_string())?;
    let mut times = said.map_err(|e| format!("sqlite.py: {e}"))?;
    if !status.success() || times.len() != batches.len() {
        return Err(format!("sqlite.py: {status}, {} of {} commits", times.len(), batches.len()));
    }
    times.remove(0);
    Ok(times)
}

/// Gives it all records, and reads the nanoseconds of each commit.
fn talk(child: &mut Child, batches: &[Bytes]) -> std::io::Result<Vec<Duration>> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(Vec::new());
    };
    for batch in batches {
        input.write_all(batch)?;
    }
    drop(input);
    let mut times = Vec::new();
    for line in BufReader::new(output).lines() {
        times.push(Duration::from_nanos(line?.parse().map_err(std::io::Error::other)?));
    }
    Ok(times)
}
