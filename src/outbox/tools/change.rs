//! Changing a stopped daemon's outbox: under its lock, through the store.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime},
};

use serde::Serialize;

use super::{Select, Snapshot, ToolError, time::wall_ms};
use crate::{
    Lock, OutboxSettings,
    store::{
        Fate, Fresh, Moment, RangeSet, Store, StoreOptions,
        disk::Folder,
        walk::{Found, Walk},
    },
    store_options,
};
use edgeward_core::{crypto, domain::Durability};

/// An outbox's folder and what its daemon was told about it.
#[derive(Debug, Clone)]
pub struct Place {
    pub dir: PathBuf,
    pub options: StoreOptions,
}

impl Place {
    /// The outbox of a configuration.
    pub fn of(config: &OutboxSettings) -> Place {
        // What a tool did is done when it says so, whatever the daemon's durability is.
        let options = StoreOptions { durability: Durability::Sync, ..store_options(config) };
        Place { dir: config.dir.clone(), options }
    }

    /// A folder whose configuration nobody told: what is kept for a replay stays.
    pub fn at(dir: &Path) -> Place {
        let options = StoreOptions { keep_delivered_ms: u64::MAX / 2, ..StoreOptions::default() };
        Place { dir: dir.to_owned(), options }
    }
}

/// An outbox that is ours to change.
pub struct Change {
    _lock: Lock,
    pub store: Store,
    dir: PathBuf,
    opened: Instant,
}

impl Change {
    /// Takes the lock of an outbox and opens it.
    ///
    /// # Errors
    /// A daemon that runs; no outbox; one that can't be opened.
    pub fn open(place: &Place) -> Result<(Change, Snapshot), ToolError> {
        // Before the lock's file is made in a folder that is none.
        Snapshot::read(&place.dir)?;
        let lock = Lock::take(&place.dir)?;
        let snapshot = Snapshot::read(&place.dir)?;
        Ok((Change::locked(place, lock)?, snapshot))
    }

    /// As [`Change::open`]; a folder without an outbox gets one.
    ///
    /// # Errors
    /// As [`Change::open`].
    pub fn open_or_create(place: &Place) -> Result<Change, ToolError> {
        Change::locked(place, Lock::take(&place.dir)?)
    }

    fn locked(place: &Place, lock: Lock) -> Result<Change, ToolError> {
        let random = || crypto::new_epoch().map_err(ToolError::io("open", &place.dir));
        let fresh = Fresh { store: random()?.0, epoch: random()?.0 };
        let disk = Arc::new(Folder::new(&place.dir));
        let opened = |source| ToolError::Open { dir: place.dir.clone(), source };
        let (store, _) = Store::open(disk, place.options.clone(), fresh).map_err(opened)?;
        let mut change = Change { _lock: lock, store, dir: place.dir.clone(), opened: Instant::now() };
        change.tick();
        Ok(change)
    }

    /// Tells the store the time.
    pub fn tick(&mut self) {
        let since_open_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.store.tick(Moment { since_open_ms, wall_ms: wall_ms(SystemTime::now()) });
    }

    pub(super) fn written<T>(&self, done: io::Result<T>) -> Result<T, ToolError> {
        done.map_err(ToolError::io("write to the outbox in", &self.dir))
    }

    /// Ends records for good. Returns how many had no end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn end(&mut self, records: &BTreeMap<u16, RangeSet>, fate: Fate) -> Result<u64, ToolError> {
        let mut ended = 0;
        for (lane, set) in records {
            for range in set.ranges() {
                ended += self.store.end(*lane, range, fate);
            }
        }
        let flushed = self.store.flush_marks();
        self.written(flushed)?;
        // Freed as the daemon would: what is kept for a replay stays.
        let reclaimed = self.store.reclaim(false);
        self.written(reclaimed)?;
        Ok(ended)
    }
}

/// What a tool did, or would do, with the records of a pipeline and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneCount {
    pub pipeline: String,
    pub class: String,
    pub records: u64,
}

/// Counts sets of records by pipeline and class.
pub(super) fn counts(snapshot: &Snapshot, records: &BTreeMap<u16, RangeSet>) -> Vec<LaneCount> {
    let lane = |(at, _, pipeline, class)| {
        let count = |set: &RangeSet| set.ranges().map(|range| range.end - range.start).sum();
        let records = records.get(&at).map_or(0, count);
        (records > 0).then_some(LaneCount { pipeline, class, records })
    };
    snapshot.lanes().filter_map(lane).collect()
}

/// Drops the selected pending records, or only counts them (`dry_run`; then a daemon may run).
///
/// # Errors
/// A daemon that runs, names nobody knows, what the file system says.
pub fn drop_records(place: &Place, select: &Select, dry_run: bool) -> Result<Vec<LaneCount>, ToolError> {
    if dry_run {
        let snapshot = Snapshot::read(&place.dir)?;
        select.check(&snapshot.state)?;
        return Ok(counts(&snapshot, &pending(&snapshot, select)?));
    }
    let (mut change, snapshot) = Change::open(place)?;
    select.check(&snapshot.state)?;
    let records = pending(&snapshot, select)?;
    change.end(&records, Fate::Dropped)?;
    Ok(counts(&snapshot, &records))
}

/// The selected pending records.
pub(super) fn pending(snapshot: &Snapshot, select: &Select) -> Result<BTreeMap<u16, RangeSet>, ToolError> {
    let mut records: BTreeMap<u16, RangeSet> = BTreeMap::new();
    let meant: Vec<u16> = snapshot
        .lanes()
        .filter(|(_, _, pipeline, class)| select.lane(pipeline, class))
        .map(|(at, ..)| at)
        .collect();
    let mut take = |lane: u16, first: u64, end: u64| {
        let Some(of) = snapshot.state.lane(lane).filter(|_| meant.contains(&lane)) else { return };
        for range in of.done.missing(first..end) {
            records.entry(lane).or_default().insert(range);
        }
    };
    if select.younger.is_none() && select.older.is_none() {
        for (at, lane, ..) in snapshot.lanes() {
            take(at, 0, lane.next);
        }
        return Ok(records);
    }
    let clock = snapshot.clock();
    for_each_run(snapshot, |at_ms, lane, first, end| {
        if select.age(clock.age(at_ms)) {
            take(lane, first, end);
        }
    })?;
    Ok(records)
}

/// Calls `each` with time, lane, first and end of every run of records that is on disk. Segments
/// that vanish meanwhile are left out.
pub(super) fn for_each_run(
    snapshot: &Snapshot,
    mut each: impl FnMut(u64, u16, u64, u64),
) -> Result<(), ToolError> {
    for segment in &snapshot.state.segments {
        let failed = ToolError::io("read", &snapshot.dir.join(segment.name()));
        let mut walk = match Walk::new(snapshot.disk.as_ref(), snapshot.id, segment) {
            Ok(walk) => walk.directories_only(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        while let Some(found) = walk.step().map_err(&failed)? {
            let Found::Frame { frame, .. } = found else { continue };
            for run in &frame.directory.runs {
                each(frame.directory.at_ms, run.lane, run.first, run.first + u64::from(run.count));
            }
        }
    }
    Ok(())
}
