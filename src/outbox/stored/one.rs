//! Format 1, for reading: postcard's wire format (version 1), in which fields have no numbers but their order.
//! Nothing here may change.

use serde::Deserialize;

use crate::{
    entry,
    store::{Fate, RangeSet, ResultBooks, UnitBooks, directory, state},
    tools,
};

#[derive(Deserialize)]
pub struct Directory {
    at_ms: u64,
    synced_to: u64,
    raw_bytes: u32,
    runs: Vec<(u16, u64, u32)>,
}

impl From<Directory> for directory::Directory {
    fn from(of: Directory) -> Self {
        let runs = of.runs.into_iter().map(|(lane, first, count)| directory::Run { lane, first, count });
        directory::Directory {
            at_ms: of.at_ms,
            synced_to: of.synced_to,
            raw_bytes: of.raw_bytes,
            runs: runs.collect(),
        }
    }
}

#[derive(Deserialize)]
pub struct Ranges(Vec<(u64, u64)>);

impl From<Ranges> for RangeSet {
    fn from(of: Ranges) -> Self {
        RangeSet::of_ranges(of.0.into_iter().map(|(start, end)| start..end))
    }
}

/// How a record ended, by its place.
#[derive(Deserialize)]
pub enum End {
    Delivered,
    Refused,
    Expired,
    Shed,
    Damaged,
    Dropped,
    Moved,
}

impl From<End> for Fate {
    fn from(of: End) -> Self {
        match of {
            End::Delivered => Fate::Delivered,
            End::Refused => Fate::Refused,
            End::Expired => Fate::Expired,
            End::Shed => Fate::Shed,
            End::Damaged => Fate::Damaged,
            End::Dropped => Fate::Dropped,
            End::Moved => Fate::Moved,
        }
    }
}

#[derive(Deserialize)]
pub struct Units {
    received: u64,
    scored: u64,
    merged: u64,
    /// By the reason's place in the list of that time, which is its number less one.
    rejected: Vec<(u8, u64)>,
    shed: Vec<(u8, u64)>,
    expired: u64,
    damaged: u64,
    dropped: u64,
}

impl From<Units> for UnitBooks {
    fn from(of: Units) -> Self {
        let numbered = |counts: Vec<(u8, u64)>| {
            counts.into_iter().map(|(place, count)| (place.saturating_add(1), count)).collect()
        };
        UnitBooks {
            received: of.received,
            scored: of.scored,
            merged: of.merged,
            rejected: numbered(of.rejected),
            shed: numbered(of.shed),
            expired: of.expired,
            damaged: of.damaged,
            dropped: of.dropped,
        }
    }
}

#[derive(Deserialize)]
pub struct Results {
    made: u64,
    imported: u64,
    replayed: u64,
    ended: [u64; 7],
}

impl From<Results> for ResultBooks {
    fn from(of: Results) -> Self {
        let Results { made, imported, replayed, ended } = of;
        ResultBooks { made, imported, replayed, ended }
    }
}

#[derive(Deserialize)]
pub struct Segment {
    file: u64,
    first: u64,
    last: u64,
    merged: bool,
    bytes: u64,
    oldest_at_ms: u64,
    newest_at_ms: u64,
    runs: Vec<(u16, u64, u64, u64)>,
}

impl From<Segment> for state::Segment {
    fn from(of: Segment) -> Self {
        let run = |(lane, first, end, records)| state::SegmentRun { lane, first, end, records };
        state::Segment {
            file: of.file,
            first: of.first,
            last: of.last,
            merged: of.merged,
            bytes: of.bytes,
            oldest_at_ms: of.oldest_at_ms,
            newest_at_ms: of.newest_at_ms,
            runs: of.runs.into_iter().map(run).collect(),
        }
    }
}

#[derive(Deserialize)]
pub struct Import {
    file: [u8; 32],
    records: u64,
    whole: bool,
}

impl From<Import> for state::Import {
    fn from(of: Import) -> Self {
        state::Import { file: of.file, records: of.records, whole: of.whole }
    }
}

#[derive(Deserialize)]
pub enum Mark {
    Pipeline { at: u16, name: String },
    Lane { at: u16, pipeline: u16, class: String },
    Done { lane: u16, first: u64, count: u64, fate: End },
    Settled { lane: u16, first: u64, count: u64 },
    Opened { lane: u16, first: u64, count: u64 },
    Units { pipeline: u16, books: Units },
    Results { lane: u16, books: Results },
    Wall { offset_ms: i64 },
    Epoch([u8; 8]),
    Merged { into: Segment, replaced: Vec<u64> },
    Spent { uplink: String, day: u64, bytes: u64 },
    Sender { pipeline: u16, source: String, numbers: Ranges, repeated: u64 },
    Imported(Import),
}

impl From<Mark> for state::Mark {
    fn from(of: Mark) -> Self {
        use state::Mark as To;
        match of {
            Mark::Pipeline { at, name } => To::Pipeline { at, name },
            Mark::Lane { at, pipeline, class } => To::Lane { at, pipeline, class },
            Mark::Done { lane, first, count, fate } => To::Done { lane, first, count, fate: fate.into() },
            Mark::Settled { lane, first, count } => To::Settled { lane, first, count },
            Mark::Opened { lane, first, count } => To::Opened { lane, first, count },
            Mark::Units { pipeline, books } => To::Units { pipeline, books: books.into() },
            Mark::Results { lane, books } => To::Results { lane, books: books.into() },
            Mark::Wall { offset_ms } => To::Wall { offset_ms },
            Mark::Epoch(epoch) => To::Epoch(epoch),
            Mark::Merged { into, replaced } => To::Merged { into: into.into(), replaced },
            Mark::Spent { uplink, day, bytes } => To::Spent { uplink, day, bytes },
            Mark::Sender { pipeline, source, numbers, repeated } => {
                To::Sender { pipeline, source, numbers: numbers.into(), repeated }
            }
            Mark::Imported(import) => To::Imported(import.into()),
        }
    }
}

#[derive(Deserialize)]
pub struct State {
    at_ms: u64,
    wall_offset_ms: Option<i64>,
    wall_corrections: u64,
    epochs: Vec<([u8; 8], Vec<u64>)>,
    pipelines: Vec<(String, Units)>,
    lanes: Vec<Lane>,
    segments: Vec<Segment>,
    next_file: u64,
    spent: Vec<(String, u64, u64)>,
    senders: Vec<(u16, String, Ranges, u64)>,
    imports: Vec<Import>,
}

#[derive(Deserialize)]
pub struct Lane {
    pipeline: u16,
    class: String,
    next: u64,
    done: Ranges,
    settled: Ranges,
    books: Results,
}

impl From<State> for state::State {
    fn from(of: State) -> Self {
        let lane = |lane: Lane| state::Lane {
            pipeline: lane.pipeline,
            class: lane.class,
            next: lane.next,
            done: lane.done.into(),
            settled: lane.settled.into(),
            books: lane.books.into(),
        };
        let pipeline = |(name, units): (String, Units)| state::Pipeline {
            name,
            units: units.into(),
            ..state::Pipeline::default()
        };
        let sender = |(pipeline, source, numbers, repeated): (u16, String, Ranges, u64)| state::Sender {
            pipeline,
            source,
            numbers: numbers.into(),
            repeated,
        };
        state::State {
            at_ms: of.at_ms,
            wall_offset_ms: of.wall_offset_ms,
            wall_corrections: of.wall_corrections,
            epochs: of.epochs.into_iter().map(|(epoch, first)| state::EpochRun { epoch, first }).collect(),
            pipelines: of.pipelines.into_iter().map(pipeline).collect(),
            lanes: of.lanes.into_iter().map(lane).collect(),
            segments: of.segments.into_iter().map(state::Segment::from).collect(),
            next_file: of.next_file,
            spent: of
                .spent
                .into_iter()
                .map(|(uplink, day, bytes)| state::Spent { uplink, day, bytes })
                .collect(),
            senders: of.senders.into_iter().map(sender).collect(),
            imports: of.imports.into_iter().map(state::Import::from).collect(),
        }
    }
}

#[derive(Deserialize)]
pub struct Entry<'e> {
    epoch: [u8; 8],
    sequence: u64,
    arrived_us: i64,
    spilled: bool,
    topic: &'e str,
    payload: &'e [u8],
}

impl From<Entry<'_>> for entry::Entry {
    fn from(of: Entry<'_>) -> Self {
        entry::Entry {
            epoch: of.epoch,
            sequence: of.sequence,
            arrived_us: of.arrived_us,
            spilled: of.spilled,
            topic: of.topic.to_owned(),
            payload: of.payload.to_vec().into(),
            ..entry::Entry::default()
        }
    }
}

#[derive(Deserialize)]
pub struct Index {
    lanes: Vec<(String, String, [u8; 8], Ranges, u64)>,
    records: u64,
    bytes: u64,
}

impl From<Index> for tools::Index {
    fn from(of: Index) -> Self {
        let lane = |(pipeline, class, epoch, sequences, records): (String, String, _, Ranges, u64)| {
            tools::CarriedLane { pipeline, class, epoch, sequences: sequences.into(), records }
        };
        tools::Index { lanes: of.lanes.into_iter().map(lane).collect(), records: of.records, bytes: of.bytes }
    }
}

#[derive(Deserialize)]
pub struct Carried<'p> {
    pub lane: u16,
    #[allow(dead_code, reason = "stands there")]
    sequence: u64,
    pub payload: &'p [u8],
}
