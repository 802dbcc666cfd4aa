//! A backlog of 1 GB: how long until the store is there again after the process was killed, and how much
//! memory that takes. Every opening but the clean one follows a SIGKILL, with the files out of the cache.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    child::{self, Running},
    disk::{self, Disk},
    record::{self, Batch},
    store::{self, Durability, Kind},
};

/// Records a batch while the backlog is built, and of those appended before each kill.
const BATCH: usize = 512;
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Serialize, Deserialize)]
struct Built {
    seconds: f64,
    peak: u64,
}

/// One opening. Bytes and seconds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Opening {
    pub before: String,
    pub open: f64,
    pub first: f64,
    pub count: f64,
    pub total: f64,
    pub records: u64,
    pub resident_at_start: u64,
    pub resident: u64,
    pub peak: u64,
}

#[derive(Serialize)]
pub struct Backlog {
    pub store: Kind,
    pub records: u64,
    pub build_seconds: f64,
    /// Memory's high water mark of the process that built it.
    pub build_peak: u64,
    pub bytes_on_disk: u64,
    pub openings: Vec<Opening>,
}

pub fn measure(kind: Kind, bytes: u64, openings: usize, root: &Path, disk: &Disk) -> Result<Backlog> {
    let dir = tempfile::tempdir_in(root)?;
    let batches = bytes.div_ceil((BATCH * record::LEN) as u64);
    let mut records = batches * BATCH as u64;
    let mut builder = Running::start("build", kind, dir.path(), batches)?;
    let built: Built = builder.next(PATIENCE)?.map_err(|silence| format!("{kind}: building: {silence:?}"))?;
    builder.kill::<Built>()?;
    let mut found = Backlog {
        store: kind,
        records,
        build_seconds: built.seconds,
        build_peak: built.peak,
        bytes_on_disk: disk::files(dir.path())?.iter().map(|(_, bytes)| bytes).sum(),
        openings: Vec::new(),
    };
    for number in 0..2 * openings {
        disk.flush()?;
        disk::forget(dir.path())?;
        // The last of the first half closes in good order, so the second half opens what was closed.
        let closes = number + 1 >= openings;
        let role = if closes { "recover-and-close" } else { "recover" };
        let mut child = Running::start(role, kind, dir.path(), records)?;
        let mut opening: Opening =
            child.next(PATIENCE)?.map_err(|silence| format!("{kind}: opening: {silence:?}"))?;
        if opening.records != records {
            return Err(format!("{kind}: {} records of {records} are there", opening.records).into());
        }
        records += BATCH as u64;
        opening.before = if number < openings { "kill".into() } else { "close".into() };
        found.openings.push(opening);
        if closes {
            // Its closing is waited for: it says so.
            child.next::<bool>(PATIENCE)?.map_err(|silence| format!("{kind}: closing: {silence:?}"))?;
        }
        child.kill::<bool>()?;
    }
    Ok(found)
}

pub fn build(kind: Kind, dir: &Path, batches: u64) -> Result<()> {
    let mut store = store::open(kind, dir, Durability::Sync)?;
    let (mut batch, start) = (Batch::default(), Instant::now());
    for at in 0..batches {
        batch.fill(at * BATCH as u64, BATCH);
        store.append(&batch)?;
    }
    child::say(&Built { seconds: start.elapsed().as_secs_f64(), peak: disk::memory("VmHWM")? })?;
    child::wait_for_the_end()
}

pub fn recover(kind: Kind, dir: &Path, expected: u64, close: bool) -> Result<()> {
    let resident_at_start = disk::memory("VmRSS")?;
    let start = Instant::now();
    let mut store = store::open(kind, dir, Durability::Sync)?;
    let open = start.elapsed().as_secs_f64();
    let first = store.first()?.and_then(|payload| record::sequence(&payload));
    let read = start.elapsed().as_secs_f64();
    let records = store.pending()?;
    let total = start.elapsed().as_secs_f64();
    let (resident, peak) = (disk::memory("VmRSS")?, disk::memory("VmHWM")?);
    if first != Some(0) {
        return Err(format!("the first record is {first:?}").into());
    }
    let mut batch = Batch::default();
    batch.fill(expected, BATCH);
    store.append(&batch)?;
    child::say(&Opening {
        before: String::new(),
        open,
        first: read - open,
        count: total - read,
        total,
        records,
        resident_at_start,
        resident,
        peak,
    })?;
    if close {
        store.close()?;
        child::say(&true)?;
    }
    child::wait_for_the_end()
}
