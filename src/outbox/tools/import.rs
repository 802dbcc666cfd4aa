//! Taking on another outbox's backlog: verified before, counted exactly once.

use std::path::Path;

use serde::Serialize;

use super::{
    Place, Progress, ToolError,
    carry::{Carried, Reader},
    change::{Change, LaneCount},
};
use crate::store::{Batch, Record};
use edgeward_core::crypto::{self, hex};

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub sha256: String,
    /// The outbox it comes from.
    pub from_store: String,
    pub records: u64,
    /// Of those, how many an import that was cut short had taken on before.
    pub before: u64,
    pub lanes: Vec<LaneCount>,
}

/// Bytes of payload written at once.
const BATCH_BYTES: usize = 256 << 10;

/// Takes on the records of an exported file, payloads as they are, behind what is there. One that
/// was cut short goes on where it stopped.
///
/// # Errors
/// A file that is damaged, of a newer format, or was imported before; no room; a daemon that runs.
pub fn import(place: &Place, path: &Path, progress: Progress<'_>) -> Result<Imported, ToolError> {
    let mut reader = Reader::open(path)?;
    let mut change = Change::open_or_create(place)?;
    let before = check(&change, &reader, path)?;
    let total = reader.index.records;
    // In its blocks the file is compressed as the outbox will be, more or less.
    let needed = if place.options.compress { reader.file_bytes / 4 * 5 } else { reader.index.bytes };
    // Sequences may have been given and lost here before: new ones are told apart.
    let epoch = crypto::new_epoch().map_err(ToolError::io("write to the outbox in", &place.dir))?;
    change.store.begin_epoch(epoch.0);
    let lanes: Vec<u16> =
        reader.index.lanes.iter().map(|lane| change.store.lane(&lane.pipeline, &lane.class)).collect();
    let needed =
        (u128::from(needed) * u128::from(total.saturating_sub(before)) / u128::from(total.max(1))) as u64;
    room(&change, place, path, needed, (before, total))?;
    let (mut at, mut batch, mut bytes) = (0, Batch::default(), 0);
    while let Some(records) = reader.block()? {
        for Carried { lane, payload, envelope } in records {
            at += 1;
            if at <= before {
                continue;
            }
            bytes += payload.len();
            batch.records.push(Record { lane: lanes[usize::from(lane)], payload, envelope });
            // The last one is written with the word that it was the last.
            if bytes >= BATCH_BYTES && at < total {
                room(&change, place, path, bytes as u64, (at - batch.records.len() as u64, total))?;
                write(&mut change, &batch, reader.hash, false)?;
                (batch, bytes) = (Batch::default(), 0);
                progress(at, total);
            }
        }
    }
    write(&mut change, &batch, reader.hash, true)?;
    progress(total, total);
    let lane = |lane: &super::CarriedLane| LaneCount {
        pipeline: lane.pipeline.clone(),
        class: lane.class.clone(),
        records: lane.records,
    };
    Ok(Imported {
        sha256: hex(&reader.hash),
        from_store: hex(&reader.store),
        records: total,
        before,
        lanes: reader.index.lanes.iter().map(lane).collect(),
    })
}

fn write(change: &mut Change, batch: &Batch, file: [u8; 32], whole: bool) -> Result<(), ToolError> {
    change.tick();
    let done = change.store.import(batch, file, whole);
    change.written(done)
}

/// Refuses what would be taken on twice. Returns how many records an import that was cut short
/// has taken on.
fn check(change: &Change, reader: &Reader, path: &Path) -> Result<u64, ToolError> {
    let shared = change.store.shared();
    let state = shared.state();
    let known = state.import_of(&reader.hash);
    if let Some(known) = known.filter(|known| known.whole) {
        return Err(ToolError::ImportedBefore { path: path.to_owned(), records: known.records });
    }
    if reader.store == change.store.id() {
        let still = |lane: &super::CarriedLane| {
            let of = state.lane_of(&lane.pipeline, &lane.class).and_then(|at| state.lane(at));
            let of =
                of.map(|of| lane.sequences.ranges().map(|range| of.live_in(range.start, range.end)).sum());
            of.unwrap_or(0u64)
        };
        let records = reader.index.lanes.iter().map(still).sum();
        if records > 0 {
            return Err(ToolError::StillHere { path: path.to_owned(), records });
        }
    }
    Ok(known.map_or(0, |known| known.records))
}

/// An import sheds nothing that is there: without room it stops.
fn room(
    change: &Change,
    place: &Place,
    path: &Path,
    bytes: u64,
    (taken, records): (u64, u64),
) -> Result<(), ToolError> {
    let usage = change.store.usage();
    let free = usage.free_bytes.saturating_sub(place.options.min_free_bytes);
    let left = usage.usable_bytes.saturating_sub(usage.bytes).min(free);
    if bytes <= left {
        return Ok(());
    }
    let max = place.options.max_bytes;
    Err(ToolError::NoRoom { path: path.to_owned(), needed: bytes, left, max, taken, records })
}
