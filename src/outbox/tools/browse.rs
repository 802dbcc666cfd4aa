//! Reading records one after another, while a daemon may write, deliver and merge them.

use std::{collections::BTreeMap, io, ops::ControlFlow, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Snapshot, ToolError, time::Clock};
use crate::store::{
    Frame, RangeSet, Segment, State,
    walk::{Found, Walk},
};
use crate::{Envelope, Format};

/// Which records.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// Any of these; empty: of every class.
    pub classes: Vec<String>,
    pub pipeline: Option<String>,
    /// Written at most that long ago.
    pub younger: Option<Duration>,
    /// Written at least that long ago.
    pub older: Option<Duration>,
}

impl Select {
    /// Refuses names that the outbox does not know.
    ///
    /// # Errors
    /// [`ToolError::NoClass`], [`ToolError::NoPipeline`] with the names there are.
    pub fn check(&self, state: &State) -> Result<(), ToolError> {
        let mut known: Vec<String> = state.lanes.iter().map(|lane| lane.class.clone()).collect();
        known.sort();
        known.dedup();
        if let Some(name) = self.classes.iter().find(|name| !known.contains(name)).cloned() {
            return Err(ToolError::NoClass { name, known });
        }
        let known: Vec<String> = state.pipelines.iter().map(|pipeline| pipeline.name.clone()).collect();
        match &self.pipeline {
            Some(name) if !known.contains(name) => Err(ToolError::NoPipeline { name: name.clone(), known }),
            _ => Ok(()),
        }
    }

    /// Whether a lane's records are meant.
    pub fn lane(&self, pipeline: &str, class: &str) -> bool {
        (self.classes.is_empty() || self.classes.iter().any(|name| name == class))
            && self.pipeline.as_deref().is_none_or(|name| name == pipeline)
    }

    /// Whether a record of this age is meant.
    pub fn age(&self, age: Duration) -> bool {
        self.younger.is_none_or(|limit| age <= limit) && self.older.is_none_or(|limit| age >= limit)
    }
}

/// A pending record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub lane: u16,
    pub pipeline: Arc<str>,
    pub class: Arc<str>,
    pub epoch: [u8; 8],
    pub sequence: u64,
    pub age: Duration,
    /// When it was written, in milliseconds since 1970; none where no clock was known.
    pub wall_ms: Option<i64>,
    pub payload: Bytes,
    /// What comes with it, if anything.
    pub envelope: Option<Arc<Envelope>>,
    /// How a journaled input is read.
    pub format: Format,
}

/// Whether to go on.
pub type Flow = ControlFlow<()>;

/// Times a file may vanish without a record having been read in between.
const TRIES: u32 = 20;

/// Gives every selected pending record once: in the order of the log, or newest first. Records
/// that were delivered meanwhile may be among them or not; damaged ones are left out.
///
/// # Errors
/// What can't be read, but not a segment that vanishes: then the outbox is looked at again.
pub fn browse(
    snapshot: &Snapshot,
    select: &Select,
    newest_first: bool,
    each: &mut dyn FnMut(Record) -> Result<Flow, ToolError>,
) -> Result<(), ToolError> {
    let mut pass = Pass { seen: BTreeMap::new(), given: 0 };
    let mut now = snapshot.clone();
    let mut gone: BTreeMap<String, u32> = BTreeMap::new();
    let mut given = 0;
    let mut tries = 0;
    loop {
        // A file that a few looks in a row expect and don't find is a loss, not a delivery.
        let absent = |name: &str| gone.get(name).is_some_and(|times| *times >= 3);
        match pass.run(&now, select, newest_first, &absent, each)? {
            None => return Ok(()),
            Some(name) => *gone.entry(name).or_default() += 1,
        }
        tries = if pass.given > given { 0 } else { tries + 1 };
        given = pass.given;
        if tries > TRIES {
            return Err(ToolError::Restless(now.dir));
        }
        now = Snapshot::of(now.disk.clone(), &now.dir)?;
    }
}

/// One attempt at reading all of it, and what former ones gave.
struct Pass {
    seen: BTreeMap<u16, RangeSet>,
    given: u64,
}

/// What a lane is called, and whether it is meant.
struct LaneNames {
    pipeline: Arc<str>,
    class: Arc<str>,
    wanted: bool,
}

impl Pass {
    /// The name of a file that vanished, if one did.
    fn run(
        &mut self,
        now: &Snapshot,
        select: &Select,
        newest_first: bool,
        absent: &dyn Fn(&str) -> bool,
        each: &mut dyn FnMut(Record) -> Result<Flow, ToolError>,
    ) -> Result<Option<String>, ToolError> {
        let clock = now.clock();
        let lanes: Vec<LaneNames> = now
            .lanes()
            .map(|(_, _, pipeline, class)| LaneNames {
                wanted: select.lane(&pipeline, &class),
                pipeline: pipeline.into(),
                class: class.into(),
            })
            .collect();
        let wanted = |lane: u16, first: u64, end: u64| {
            lanes.get(usize::from(lane)).is_some_and(|names| names.wanted)
                && now.state.lane(lane).is_some_and(|lane| lane.live_in(first, end) > 0)
        };
        let mut segments = now.segments_of(wanted);
        if newest_first {
            segments.reverse();
        }
        for segment in segments {
            let name = segment.name();
            if absent(&name) {
                continue;
            }
            let read = self.segment(now, &segment, select, &lanes, &clock, newest_first, each);
            match read {
                Ok(Flow::Continue(())) => {}
                Ok(Flow::Break(())) => return Ok(None),
                Err(Stop::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(name)),
                Err(Stop::Io(source)) => {
                    return Err(ToolError::Io { action: "read", path: now.dir.join(name), source });
                }
                Err(Stop::Tool(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    #[allow(clippy::too_many_arguments)]
    fn segment(
        &mut self,
        now: &Snapshot,
        segment: &Segment,
        select: &Select,
        lanes: &[LaneNames],
        clock: &Clock,
        newest_first: bool,
        each: &mut dyn FnMut(Record) -> Result<Flow, ToolError>,
    ) -> Result<Flow, Stop> {
        let mut walk = Walk::new(now.disk.as_ref(), now.id, segment)?;
        if !newest_first {
            while let Some(found) = walk.step()? {
                let Found::Frame { frame, .. } = found else { continue };
                for record in self.records(now, &frame, select, lanes, clock) {
                    if each(record).map_err(Stop::Tool)?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                }
            }
            return Ok(Flow::Continue(()));
        }
        let mut places = Vec::new();
        let mut directories = Walk::new(now.disk.as_ref(), now.id, segment)?.directories_only();
        while let Some(found) = directories.step()? {
            if let Found::Frame { at, frame } = found
                && !frame.directory.runs.is_empty()
            {
                places.push(at);
            }
        }
        for at in places.into_iter().rev() {
            walk.seek(at);
            let Some(Found::Frame { frame, .. }) = walk.step()? else { continue };
            for record in self.records(now, &frame, select, lanes, clock).into_iter().rev() {
                if each(record).map_err(Stop::Tool)?.is_break() {
                    return Ok(Flow::Break(()));
                }
            }
        }
        Ok(Flow::Continue(()))
    }

    /// A frame's selected records that were not given yet.
    fn records(
        &mut self,
        now: &Snapshot,
        frame: &Frame,
        select: &Select,
        lanes: &[LaneNames],
        clock: &Clock,
    ) -> Vec<Record> {
        let at_ms = frame.directory.at_ms;
        let age = clock.age(at_ms);
        if !select.age(age) {
            return Vec::new();
        }
        let mut records = Vec::new();
        for record in frame.records() {
            let Some(names) = lanes.get(usize::from(record.lane)).filter(|names| names.wanted) else {
                continue;
            };
            let pending =
                now.state.lane(record.lane).is_some_and(|lane| !lane.done.contains(record.sequence));
            let seen = self.seen.entry(record.lane).or_default();
            if !pending || seen.insert(record.sequence..record.sequence + 1) == 0 {
                continue;
            }
            records.push(Record {
                lane: record.lane,
                pipeline: names.pipeline.clone(),
                class: names.class.clone(),
                epoch: now.state.epoch_of(record.lane, record.sequence),
                sequence: record.sequence,
                age,
                wall_ms: clock.wall(at_ms),
                payload: Bytes::copy_from_slice(record.payload),
                envelope: record.envelope(),
                format: frame.format,
            });
        }
        self.given += records.len() as u64;
        records
    }
}

/// Why reading a segment ended.
enum Stop {
    Io(io::Error),
    Tool(ToolError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}
