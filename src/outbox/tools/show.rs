//! One record, whole.

use std::io;

use serde::Deserialize;

use super::{Record, Snapshot, ToolError, is_result};
use crate::store::{
    Segment,
    walk::{Found, Walk},
};

/// Which record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Sequence {
        pipeline: String,
        class: String,
        sequence: u64,
    },
    /// The verdict's id: 32 hexadecimal digits.
    Id(String),
}

/// The id in a verdict's JSON.
pub fn id_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        id: String,
    }
    serde_json::from_slice::<Head>(payload).ok().map(|head| head.id)
}

/// Looks for a record among all that are on disk; true beside it: it has ended.
///
/// # Errors
/// What can't be read.
pub fn show(snapshot: &Snapshot, wanted: &Wanted) -> Result<Option<(Record, bool)>, ToolError> {
    let mut now = snapshot.clone();
    for _ in 0..5 {
        match look(&now, wanted) {
            // Delivered, or merged into another file: look there.
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound => {
                now = Snapshot::of(now.disk.clone(), &now.dir)?;
            }
            Err((name, source)) => {
                return Err(ToolError::Io { action: "read", path: now.dir.join(name), source });
            }
            Ok(found) => return Ok(found),
        }
    }
    Ok(None)
}

type Looked = Result<Option<(Record, bool)>, (String, io::Error)>;

fn look(now: &Snapshot, wanted: &Wanted) -> Looked {
    let lanes: Vec<u16> = now
        .lanes()
        .filter(|(_, _, pipeline, class)| match wanted {
            Wanted::Sequence { pipeline: p, class: c, .. } => p == pipeline && c == class,
            Wanted::Id(_) => is_result(class),
        })
        .map(|(at, ..)| at)
        .collect();
    let segments = now.segments_of(|lane, first, end| {
        lanes.contains(&lane)
            && match wanted {
                Wanted::Sequence { sequence, .. } => (first..end).contains(sequence),
                Wanted::Id(_) => true,
            }
    });
    let mut gone = None;
    // What was made last is looked for most.
    for segment in segments.iter().rev() {
        match look_in(now, segment, &lanes, wanted) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone = Some((segment.name(), error)),
            Err(error) => return Err((segment.name(), error)),
        }
    }
    gone.map_or(Ok(None), Err)
}

fn look_in(
    now: &Snapshot,
    segment: &Segment,
    lanes: &[u16],
    wanted: &Wanted,
) -> io::Result<Option<(Record, bool)>> {
    let mut walk = Walk::new(now.disk.as_ref(), now.id, segment)?;
    while let Some(found) = walk.step()? {
        let Found::Frame { frame, .. } = found else { continue };
        let is_it = |lane: u16, sequence: u64, payload: &[u8]| {
            lanes.contains(&lane)
                && match wanted {
                    Wanted::Sequence { sequence: number, .. } => sequence == *number,
                    Wanted::Id(id) => id_of(payload).as_deref() == Some(id),
                }
        };
        let Some(record) = frame.records().find(|record| is_it(record.lane, record.sequence, record.payload))
        else {
            continue;
        };
        let Some(lane) = now.state.lane(record.lane) else { continue };
        let clock = now.clock();
        let (pipeline, class) = now.names(lane);
        let at_ms = frame.directory.at_ms;
        let shown = Record {
            lane: record.lane,
            pipeline: pipeline.into(),
            class: class.into(),
            epoch: now.state.epoch_of(record.lane, record.sequence),
            sequence: record.sequence,
            age: clock.age(at_ms),
            wall_ms: clock.wall(at_ms),
            payload: record.payload.to_vec().into(),
            envelope: record.envelope(),
            format: frame.format,
        };
        return Ok(Some((shown, lane.done.contains(record.sequence))));
    }
    Ok(None)
}
