//! How full an outbox is, of what, since when, and its books.

use std::{collections::BTreeMap, io, time::Duration};

use serde::Serialize;

use super::{Snapshot, ToolError, is_result, time::Clock};
use crate::store::{
    Fate, INPUT_CLASS, ResultBooks, folder_bytes, is_aside,
    walk::{Found, Walk},
};
use edgeward_core::{crypto::hex, domain::Books};

/// Files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileStat {
    pub files: u64,
    pub bytes: u64,
}

/// What an outbox holds, in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Stat {
    pub dir: String,
    /// The outbox's identity, 16 hexadecimal digits.
    pub store: String,
    /// The epoch of new sequences, 16 hexadecimal digits.
    pub epoch: Option<String>,
    pub wall_corrections: u64,
    /// Everything that counts against `outbox.max_bytes`.
    pub bytes: u64,
    pub segments: FileStat,
    /// Damaged files, kept for a look at them.
    pub set_aside: FileStat,
    /// Bytes of a commit that a crash cut short, or that is being written now.
    pub torn_bytes: u64,
    /// Records whose file is gone or damaged and that are not in the books yet.
    pub damaged_records: u64,
    pub imported_files: usize,
    pub classes: Vec<ClassStat>,
    pub lanes: Vec<LaneStat>,
    pub units: Vec<UnitStat>,
}

/// A class, over all pipelines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassStat {
    pub class: String,
    pub pending: u64,
    /// Roughly what its pending records take on disk.
    pub bytes: u64,
    /// Of all pending bytes, 0 to 1.
    pub share: f64,
}

/// The results (or journaled inputs) of a pipeline and class.
#[derive(Debug, Clone, Serialize)]
pub struct LaneStat {
    pub pipeline: String,
    pub class: String,
    pub pending: u64,
    pub next_sequence: u64,
    /// Seconds since the oldest and the newest pending record were written.
    pub oldest_secs: Option<f64>,
    pub newest_secs: Option<f64>,
    pub made: u64,
    pub imported: u64,
    pub replayed: u64,
    /// By fate.
    pub ended: BTreeMap<&'static str, u64>,
}

/// The books of units of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitStat {
    pub pipeline: String,
    #[serde(flatten)]
    pub books: Books,
}

/// How a lane's records ended, by name.
pub(super) fn ended_by_name(books: &ResultBooks) -> BTreeMap<&'static str, u64> {
    Fate::ALL.into_iter().map(|fate| (fate.name(), books.ended(fate))).collect()
}

/// Counts what a snapshot holds.
///
/// # Errors
/// When the folder can't be read.
pub fn stat(snapshot: &Snapshot) -> Result<Stat, ToolError> {
    let listing = ToolError::io("list", &snapshot.dir);
    let files = snapshot.disk.list().map_err(listing)?;
    let state = &snapshot.state;
    let ages = Ages::read(snapshot).map_err(ToolError::io("read", &snapshot.dir))?;
    let lanes: Vec<LaneStat> = snapshot
        .lanes()
        .map(|(at, lane, pipeline, class)| LaneStat {
            pipeline,
            class,
            pending: lane.live_in(0, lane.next),
            next_sequence: lane.next,
            oldest_secs: ages.oldest.get(&at).map(Duration::as_secs_f64),
            newest_secs: ages.newest.get(&at).map(Duration::as_secs_f64),
            made: lane.books.made,
            imported: lane.books.imported,
            replayed: lane.books.replayed,
            ended: ended_by_name(&lane.books),
        })
        .collect();
    let aside = files.iter().filter(|(name, _)| is_aside(name));
    let units = state
        .pipelines
        .iter()
        .map(|pipeline| UnitStat { pipeline: pipeline.name.clone(), books: pipeline.units.books() });
    Ok(Stat {
        dir: snapshot.dir.display().to_string(),
        store: hex(&snapshot.id),
        epoch: state.epochs.last().map(|run| hex(&run.epoch)),
        wall_corrections: state.wall_corrections,
        bytes: folder_bytes(&files, state),
        segments: FileStat {
            files: state.segments.len() as u64,
            bytes: state.segments.iter().map(|segment| segment.bytes).sum(),
        },
        set_aside: FileStat {
            files: aside.clone().count() as u64,
            bytes: aside.map(|(_, bytes)| bytes).sum(),
        },
        torn_bytes: snapshot.recovery.torn_bytes,
        damaged_records: snapshot.recovery.damage.iter().map(|damage| damage.records).sum(),
        imported_files: state.imports.iter().filter(|import| import.whole).count(),
        classes: classes(snapshot, &lanes),
        units: units.collect(),
        lanes,
    })
}

fn classes(snapshot: &Snapshot, lanes: &[LaneStat]) -> Vec<ClassStat> {
    let state = &snapshot.state;
    let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
    for segment in &state.segments {
        for run in &segment.runs {
            let Some(lane) = state.lane(run.lane) else { continue };
            *bytes.entry(&lane.class).or_default() += segment.bytes_of(lane.live_in(run.first, run.end));
        }
    }
    let all: u64 = bytes.values().sum();
    let mut pending: BTreeMap<&str, u64> = BTreeMap::new();
    for lane in lanes {
        *pending.entry(&lane.class).or_default() += lane.pending;
    }
    let of = |(class, pending): (&str, u64)| {
        let bytes = bytes.get(class).copied().unwrap_or(0);
        ClassStat { class: class.to_owned(), pending, bytes, share: bytes as f64 / all.max(1) as f64 }
    };
    let mut classes: Vec<ClassStat> = pending.into_iter().map(of).collect();
    // Inputs last: they are not results.
    classes.sort_by_key(|class| (!is_result(&class.class), class.class.clone()));
    debug_assert!(classes.iter().filter(|class| class.class == INPUT_CLASS).count() <= 1);
    classes
}

/// Ages of the oldest and the newest pending record by lane.
#[derive(Default)]
struct Ages {
    oldest: BTreeMap<u16, Duration>,
    newest: BTreeMap<u16, Duration>,
}

impl Ages {
    fn read(snapshot: &Snapshot) -> io::Result<Ages> {
        let clock = snapshot.clock();
        let live: Vec<u16> = snapshot
            .lanes()
            .filter(|(_, lane, ..)| lane.live_in(0, lane.next) > 0)
            .map(|(at, ..)| at)
            .collect();
        let mut ages = Ages::default();
        let segments = &snapshot.state.segments;
        let forwards = segments.iter();
        ages.oldest = first_seen(snapshot, &clock, forwards, &live, false)?;
        ages.newest = first_seen(snapshot, &clock, segments.iter().rev(), &live, true)?;
        Ok(ages)
    }
}

/// Walks over segments until every lane of `live` was met; within a segment the first frame
/// counts, or the last one.
fn first_seen<'s>(
    snapshot: &Snapshot,
    clock: &Clock,
    segments: impl Iterator<Item = &'s crate::store::Segment>,
    live: &[u16],
    last: bool,
) -> io::Result<BTreeMap<u16, Duration>> {
    let state = &snapshot.state;
    let is_live =
        |lane: u16, first: u64, end: u64| state.lane(lane).is_some_and(|lane| lane.live_in(first, end) > 0);
    let mut seen = BTreeMap::new();
    for segment in segments {
        if live.iter().all(|lane| seen.contains_key(lane)) {
            break;
        }
        let news = |lane: &u16| live.contains(lane) && !seen.contains_key(lane);
        if !segment.runs.iter().any(|run| news(&run.lane) && is_live(run.lane, run.first, run.end)) {
            continue;
        }
        let mut walk = match Walk::new(snapshot.disk.as_ref(), snapshot.id, segment) {
            Ok(walk) => walk.directories_only(),
            // Delivered meanwhile: the next one tells.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut here = BTreeMap::new();
        while let Some(found) = walk.step()? {
            let Found::Frame { frame, .. } = found else { continue };
            for run in &frame.directory.runs {
                if !is_live(run.lane, run.first, run.first + u64::from(run.count)) {
                    continue;
                }
                let age = clock.age(frame.directory.at_ms);
                if last {
                    here.insert(run.lane, age);
                } else {
                    here.entry(run.lane).or_insert(age);
                }
            }
        }
        for (lane, age) in here {
            seen.entry(lane).or_insert(age);
        }
    }
    Ok(seen)
}
