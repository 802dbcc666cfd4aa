//! SIGKILL at random moments: what was committed must be there afterwards. It tests the store's own order
//! of writes, not syncing: the page cache outlives a killed process.

use std::{path::Path, thread, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    child::{self, Running},
    ranges::Ranges,
    record::{self, Batch, mix},
    store::{self, Durability, Kind},
};

/// Records a batch, appended and delivered.
const BATCH: usize = 64;
/// Appended batches for one that is delivered.
const APPENDS: u64 = 4;
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
enum Did {
    Appended(u64, u64),
    Delivered(u64),
}

#[derive(Serialize)]
pub struct Kills {
    pub store: Kind,
    pub kills: u64,
    pub committed: u64,
    /// Committed, not delivered, and not there.
    pub missing: u64,
    /// Damaged or out of order.
    pub wrong: u64,
    /// Delivered with a commit, and there again.
    pub returned: u64,
    pub failures: Vec<String>,
}

pub fn measure(kind: Kind, kills: u64, seed: u64, root: &Path) -> Result<Kills> {
    let dir = tempfile::tempdir_in(root)?;
    let mut found =
        Kills { store: kind, kills, committed: 0, missing: 0, wrong: 0, returned: 0, failures: Vec::new() };
    let (mut next, mut delivered, mut committed) = (0, 0, Ranges::default());
    for round in 0..kills {
        let mut writer = Running::start("write", kind, dir.path(), next)?;
        let mut did = match writer.next::<Did>(LIMIT)? {
            Ok(first) => vec![first],
            Err(silence) => {
                found.failures.push(format!("round {round}: {silence:?}"));
                break;
            }
        };
        thread::sleep(Duration::from_micros(mix(seed ^ round) % 300_000));
        did.extend(writer.kill()?);
        for step in did {
            match step {
                Did::Appended(first, last) => committed.push_all(first, last),
                Did::Delivered(before) => delivered = before,
            }
        }
        let mut there = Ranges::default();
        let scan = store::open(kind, dir.path(), Durability::Sync).and_then(|mut store| {
            store.scan(&mut |payload| there.push(record::sequence(payload)))?;
            store.close()
        });
        if let Err(error) = scan {
            found.failures.push(format!("round {round}: {error}"));
            break;
        }
        // The delivery under way may or may not have been committed.
        let first = there.runs.first().map_or(delivered, |run| run.0);
        found.returned += delivered.saturating_sub(first);
        found.missing += committed.missing_in(&there, first.clamp(delivered, delivered + BATCH as u64));
        found.wrong += there.wrong;
        delivered = first;
        next = there.last().unwrap_or(0).max(committed.last().unwrap_or(0)) + 1;
    }
    found.committed = committed.count();
    Ok(found)
}

/// Appends and delivers until it is killed.
pub fn write(kind: Kind, dir: &Path, mut next: u64) -> Result<()> {
    let mut store = store::open(kind, dir, Durability::Sync)?;
    let mut batch = Batch::default();
    loop {
        for _ in 0..APPENDS {
            batch.fill(next, BATCH);
            store.append(&batch)?;
            child::say(&Did::Appended(batch.first(), batch.last()))?;
            next = batch.last() + 1;
        }
        let mut last = None;
        store.deliver(BATCH, &mut |payload| last = record::sequence(payload))?;
        child::say(&Did::Delivered(last.ok_or("a damaged record was delivered")? + 1))?;
    }
}
