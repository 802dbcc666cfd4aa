//! The audit: the books recomputed from the files, and held against what the outbox says.
//!
//! Every byte of every segment is read and verified. Then, by pipeline and class: each record that
//! has no end must be on disk, each sequence must have been counted once, what ended must be in
//! exactly one bucket, and the state a segment begins with must follow from the one before. A
//! daemon may run meanwhile.

mod balance;
mod segment;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io, path::Path, sync::Arc, thread, time::Duration};

use edgeward_core::domain::Books;
use serde::Serialize;

use self::segment::SegmentRead;
use super::{
    store::disk::{Disk, Folder},
    tools::{Snapshot, ToolError},
};

/// What the audit found.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    pub dir: String,
    pub balanced: bool,
    pub segments: usize,
    pub frames: u64,
    pub bytes: u64,
    pub lanes: Vec<LaneBalance>,
    pub units: Vec<UnitBalance>,
    /// Why the books don't balance.
    pub gaps: Vec<Gap>,
    /// Bytes that can't be read; no reason for a gap where all their records have ended.
    pub damaged: Vec<DamagedBytes>,
    /// Senders that number their messages. What a sender left out is no gap in these books.
    pub senders: Vec<SenderNumbers>,
}

/// The results (or journaled inputs) of a pipeline and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneBalance {
    pub pipeline: String,
    pub class: String,
    pub made: u64,
    pub imported: u64,
    pub replayed: u64,
    /// By fate.
    pub ended: BTreeMap<&'static str, u64>,
    /// By the books.
    pub pending: u64,
    /// Records without an end that were read.
    pub on_disk: u64,
}

/// The units of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitBalance {
    pub pipeline: String,
    #[serde(flatten)]
    pub books: Books,
    /// Journaled inputs that were not scored.
    pub journaled: u64,
}

/// A place where the books don't balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub pipeline: String,
    /// None: the books of units.
    pub class: Option<String>,
    /// The first and the last sequence concerned.
    pub sequences: Option<(u64, u64)>,
    pub file: Option<String>,
    pub byte: Option<u64>,
    pub what: String,
}

/// Bytes of a segment that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedBytes {
    pub file: String,
    pub from: u64,
    pub to: u64,
}

/// The numbers of a sender's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SenderNumbers {
    pub pipeline: String,
    pub source: String,
    /// Smallest and largest.
    pub first: u64,
    pub last: u64,
    /// How many in between never came, and their first and last ones by run.
    pub missing: u64,
    pub missing_runs: Vec<(u64, u64)>,
    pub repeated: u64,
}

/// Times the outbox is looked at again while a daemon changes it.
const LOOKS: usize = 100;
/// A gap is one that so many looks see, with a while in between: a new segment's head may be read
/// before the frame behind it is written.
const CONFIRM: usize = 5;
const BETWEEN: Duration = Duration::from_millis(60);
/// A file that so many looks in a row expect and don't find is lost.
const LOST_AFTER: u32 = 3;

/// Audits the outbox in `dir`. `progress` is told bytes read and bytes in all.
///
/// # Errors
/// No outbox, a newer format, or a file system that can't be read. A gap is no error.
pub fn audit(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Audit, ToolError> {
    audit_disk(Arc::new(Folder::new(dir)), dir, progress)
}

fn audit_disk(
    disk: Arc<dyn Disk>,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Audit, ToolError> {
    let mut read: BTreeMap<u64, SegmentRead> = BTreeMap::new();
    let mut not_found: BTreeMap<u64, u32> = BTreeMap::new();
    let mut before: Option<Audit> = None;
    let mut confirmed = 0;
    for _ in 0..LOOKS {
        let now = Snapshot::of(disk.clone(), dir)?;
        let vanished = read_segments(&now, &mut read, &mut not_found, progress)?;
        if vanished {
            continue;
        }
        let mut audit = balance::balance(&now, &read);
        if let Some(before) = &before {
            // What only one look saw was a daemon at work.
            audit.gaps.retain(|gap| before.gaps.contains(gap));
            audit.balanced = audit.gaps.is_empty();
        }
        confirmed += 1;
        if audit.balanced || confirmed == CONFIRM {
            return Ok(audit);
        }
        thread::sleep(BETWEEN);
        before = Some(audit);
    }
    before.ok_or_else(|| ToolError::Restless(dir.to_owned()))
}

/// Reads the segments that were not read yet: a sealed one never changes. True when one vanished,
/// so that this look tells nothing.
fn read_segments(
    now: &Snapshot,
    read: &mut BTreeMap<u64, SegmentRead>,
    not_found: &mut BTreeMap<u64, u32>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<bool, ToolError> {
    let total: u64 = now.state.segments.iter().map(|segment| segment.bytes).sum();
    read.retain(|file, _| now.state.segments.iter().any(|segment| segment.file == *file));
    let (mut vanished, mut far) = (false, 0);
    for segment in &now.state.segments {
        far += segment.bytes;
        if read.get(&segment.file).is_some_and(|known| known.bytes == segment.bytes) {
            continue;
        }
        match segment::read(now.disk.as_ref(), now.id, segment) {
            Ok(fresh) => {
                read.insert(segment.file, fresh);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let times = not_found.entry(segment.file).or_default();
                *times += 1;
                vanished |= *times < LOST_AFTER;
            }
            Err(source) => {
                return Err(ToolError::Io { action: "read", path: now.dir.join(segment.name()), source });
            }
        }
        progress(far, total);
    }
    Ok(vanished)
}

/// One look, without waiting for a daemon to finish what it does.
#[cfg(any(test, fuzzing))]
pub(crate) fn look_once(disk: Arc<dyn Disk>, dir: &Path) -> Result<Audit, ToolError> {
    let now = Snapshot::of(disk, dir)?;
    let mut read = BTreeMap::new();
    read_segments(&now, &mut read, &mut BTreeMap::new(), &mut |_, _| ())?;
    Ok(balance::balance(&now, &read))
}
