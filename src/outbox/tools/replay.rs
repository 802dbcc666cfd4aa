//! Delivering again what was delivered, as far as it is still on disk.

use std::{collections::BTreeMap, io};

use serde::Serialize;

use super::{
    Change, Place, Select, Since, Snapshot, ToolError,
    change::{LaneCount, counts, for_each_run},
    time::Clock,
};
use crate::store::{
    Fate, Mark, RangeSet,
    walk::{Found, Walk, state_at_head},
};

/// What was opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Pending again.
    pub records: u64,
    pub lanes: Vec<LaneCount>,
    /// Records of that time that have ended, on disk or not. At least, where the outbox does not
    /// remember as far back.
    pub ended: u64,
    /// Left alone: dropped by an operator, or moved to another outbox.
    pub left_alone: u64,
    /// The outbox knows as far back as was asked.
    pub remembers: bool,
}

/// Opens ended results again that were written since then and are still on disk, or only counts
/// them (`dry_run`; then a daemon may run). What an operator dropped or moved stays ended, as far
/// as the log still has it.
///
/// # Errors
/// A daemon that runs, names nobody knows, what the file system says.
pub fn replay(place: &Place, select: &Select, since: Since, dry_run: bool) -> Result<Replayed, ToolError> {
    let (change, snapshot) = if dry_run {
        (None, Snapshot::read(&place.dir)?)
    } else {
        let (change, snapshot) = Change::open(place)?;
        (Some(change), snapshot)
    };
    select.check(&snapshot.state)?;
    let clock = snapshot.clock();
    let mut select = select.clone();
    select.younger = Some(clock.age_of(since));
    let (records, left_alone) = on_disk(&snapshot, &select, &clock)?;
    let (ended, remembers) = ended_since(&snapshot, &select, &clock)?;
    let lanes = counts(&snapshot, &records);
    let count = lanes.iter().map(|lane| lane.records).sum();
    if let Some(mut change) = change {
        for (lane, set) in &records {
            for range in set.ranges() {
                change.store.open_again(*lane, range);
            }
        }
        let flushed = change.store.flush_marks();
        change.written(flushed)?;
    }
    Ok(Replayed { records: count, lanes, ended: ended.max(count), left_alone, remembers })
}

/// Lanes of results that are meant.
fn meant(snapshot: &Snapshot, select: &Select) -> Vec<u16> {
    let meant = snapshot
        .lanes()
        .filter(|(_, lane, pipeline, class)| !lane.is_input() && select.lane(pipeline, class));
    meant.map(|(at, ..)| at).collect()
}

/// Ended records that can be read, and how many of them are left alone.
fn on_disk(
    snapshot: &Snapshot,
    select: &Select,
    clock: &Clock,
) -> Result<(BTreeMap<u16, RangeSet>, u64), ToolError> {
    let lanes = meant(snapshot, select);
    let mut records: BTreeMap<u16, RangeSet> = BTreeMap::new();
    for_each_run(snapshot, |at_ms, lane, first, end| {
        if !lanes.contains(&lane) || !select.age(clock.age(at_ms)) {
            return;
        }
        let Some(of) = snapshot.state.lane(lane) else { return };
        let pending = of.done.missing(first..end);
        let set = records.entry(lane).or_default();
        set.insert(first..end);
        for range in pending {
            set.remove(range);
        }
    })?;
    let mut left_alone = 0;
    for (lane, first, end) in taken_away(snapshot)? {
        if let Some(set) = records.get_mut(&lane) {
            left_alone += set.remove(first..end);
        }
    }
    Ok((records, left_alone))
}

/// Records that an operator dropped or moved, as far as the log has it.
fn taken_away(snapshot: &Snapshot) -> Result<Vec<(u16, u64, u64)>, ToolError> {
    let mut taken = Vec::new();
    for segment in snapshot.state.segments.iter().filter(|segment| !segment.merged) {
        let failed = ToolError::io("read", &snapshot.dir.join(segment.name()));
        let mut walk = match Walk::new(snapshot.disk.as_ref(), snapshot.id, segment) {
            Ok(walk) => walk,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        while let Some(found) = walk.step().map_err(&failed)? {
            let Found::Frame { frame, .. } = found else { continue };
            for mark in frame.marks().unwrap_or_default() {
                if let Mark::Done { lane, first, count, fate: Fate::Dropped | Fate::Moved } = mark {
                    taken.push((lane, first, first.saturating_add(count)));
                }
            }
        }
    }
    Ok(taken)
}

/// How many records of that time ended, by the sequences of the oldest head that is old enough;
/// and whether there is one.
fn ended_since(snapshot: &Snapshot, select: &Select, clock: &Clock) -> Result<(u64, bool), ToolError> {
    let (mut base, mut remembered) = (None, false);
    // Back to the outbox's beginning, every sequence counts.
    let all = select.age(clock.age(0));
    let log = snapshot.state.segments.iter().filter(|segment| !segment.merged && !all);
    for segment in log {
        let head = match state_at_head(snapshot.disk.as_ref(), snapshot.id, segment) {
            Ok(Some(head)) => head,
            Ok(None) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ToolError::io("read", &snapshot.dir.join(segment.name()))(error)),
        };
        // Nothing was ever written before the first one of all.
        let old_enough = !select.age(clock.age(head.at_ms)) || head.lanes.iter().all(|lane| lane.next == 0);
        if base.is_some() && !old_enough {
            break;
        }
        remembered |= old_enough;
        base = Some(head);
    }
    let ended = meant(snapshot, select).into_iter().filter_map(|at| {
        let lane = snapshot.state.lane(at)?;
        let first = base.as_ref().and_then(|head| head.lane(at)).map_or(0, |lane| lane.next);
        Some(lane.done.count_in(first..lane.next))
    });
    Ok((ended.sum(), all || remembered))
}
