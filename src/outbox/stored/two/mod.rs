//! Format 2. A field's number never changes its meaning, and none is used again: new ones get new numbers.
//!
//! Reasons, policies and fates stand as their own numbers (`edgeward_core::domain::Reason::number` and so on).

use std::ops::Range;

mod mark;
mod message;
mod state;

pub use mark::Mark;
pub use message::{Entry, Envelope, Index};
pub use state::State;

use prost::Message;

use crate::store::{Fate, RangeSet, ResultBooks, UnitBooks, directory, state as working};

/// A message that says what can't be.
#[derive(Debug)]
pub struct Nonsense;

pub fn short(number: u32) -> Result<u16, Nonsense> {
    u16::try_from(number).map_err(|_| Nonsense)
}

pub fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Nonsense> {
    bytes.try_into().map_err(|_| Nonsense)
}

pub fn required<T>(part: Option<T>) -> Result<T, Nonsense> {
    part.ok_or(Nonsense)
}

#[derive(Clone, PartialEq, Message)]
pub struct Directory {
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
    #[prost(uint64, tag = "2")]
    pub synced_to: u64,
    #[prost(uint32, tag = "3")]
    pub raw_bytes: u32,
    /// Of the runs; the three stand side by side, which is smaller than a message each.
    #[prost(uint32, repeated, tag = "4")]
    pub lanes: Vec<u32>,
    #[prost(uint64, repeated, tag = "5")]
    pub firsts: Vec<u64>,
    #[prost(uint32, repeated, tag = "6")]
    pub counts: Vec<u32>,
}

impl From<&directory::Directory> for Directory {
    fn from(of: &directory::Directory) -> Self {
        Directory {
            at_ms: of.at_ms,
            synced_to: of.synced_to,
            raw_bytes: of.raw_bytes,
            lanes: of.runs.iter().map(|run| u32::from(run.lane)).collect(),
            firsts: of.runs.iter().map(|run| run.first).collect(),
            counts: of.runs.iter().map(|run| run.count).collect(),
        }
    }
}

impl TryFrom<Directory> for directory::Directory {
    type Error = Nonsense;

    fn try_from(of: Directory) -> Result<Self, Nonsense> {
        if of.lanes.len() != of.firsts.len() || of.lanes.len() != of.counts.len() {
            return Err(Nonsense);
        }
        let runs = of.lanes.iter().zip(&of.firsts).zip(&of.counts).map(|((lane, first), count)| {
            // Sequences are counted from 0 and never come near the end.
            first.checked_add(u64::from(*count)).ok_or(Nonsense)?;
            Ok(directory::Run { lane: short(*lane)?, first: *first, count: *count })
        });
        Ok(directory::Directory {
            at_ms: of.at_ms,
            synced_to: of.synced_to,
            raw_bytes: of.raw_bytes,
            runs: runs.collect::<Result<_, _>>()?,
        })
    }
}

/// Ranges as the gap to the one before, and the length, in turn.
#[derive(Clone, PartialEq, Message)]
pub struct Ranges {
    #[prost(uint64, repeated, tag = "1")]
    pub steps: Vec<u64>,
}

impl From<&RangeSet> for Ranges {
    fn from(of: &RangeSet) -> Self {
        let mut at = 0;
        let steps = of.ranges().flat_map(|range| {
            let step = [range.start - at, range.end - range.start];
            at = range.end;
            step
        });
        Ranges { steps: steps.collect() }
    }
}

impl From<Ranges> for RangeSet {
    fn from(of: Ranges) -> Self {
        let mut at = 0u64;
        let ranges = of.steps.chunks_exact(2).map_while(|step| {
            let start = at.checked_add(step[0])?;
            at = start.checked_add(step[1])?;
            Some(Range { start, end: at })
        });
        RangeSet::of_ranges(ranges)
    }
}

/// A number of a reason, policy or fate, and how many.
#[derive(Clone, PartialEq, Message)]
pub struct Count {
    #[prost(uint32, tag = "1")]
    pub number: u32,
    #[prost(uint64, tag = "2")]
    pub count: u64,
}

pub fn counts(of: &[(u8, u64)]) -> Vec<Count> {
    of.iter().map(|(number, count)| Count { number: u32::from(*number), count: *count }).collect()
}

pub fn numbered(of: Vec<Count>) -> Vec<(u8, u64)> {
    of.into_iter().map(|count| (u8::try_from(count.number).unwrap_or(u8::MAX), count.count)).collect()
}

#[derive(Clone, PartialEq, Message)]
pub struct Units {
    #[prost(uint64, tag = "1")]
    pub received: u64,
    #[prost(uint64, tag = "2")]
    pub scored: u64,
    #[prost(uint64, tag = "3")]
    pub merged: u64,
    #[prost(message, repeated, tag = "4")]
    pub rejected: Vec<Count>,
    #[prost(message, repeated, tag = "5")]
    pub shed: Vec<Count>,
    #[prost(uint64, tag = "6")]
    pub expired: u64,
    #[prost(uint64, tag = "7")]
    pub damaged: u64,
    #[prost(uint64, tag = "8")]
    pub dropped: u64,
}

impl From<&UnitBooks> for Units {
    fn from(of: &UnitBooks) -> Self {
        Units {
            received: of.received,
            scored: of.scored,
            merged: of.merged,
            rejected: counts(&of.rejected),
            shed: counts(&of.shed),
            expired: of.expired,
            damaged: of.damaged,
            dropped: of.dropped,
        }
    }
}

impl From<Units> for UnitBooks {
    fn from(of: Units) -> Self {
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

#[derive(Clone, PartialEq, Message)]
pub struct Results {
    #[prost(uint64, tag = "1")]
    pub made: u64,
    #[prost(uint64, tag = "2")]
    pub imported: u64,
    #[prost(uint64, tag = "3")]
    pub replayed: u64,
    /// By fate. A new fate needs a new format: what ended unknown would be pending.
    #[prost(message, repeated, tag = "4")]
    pub ended: Vec<Count>,
}

impl From<&ResultBooks> for Results {
    fn from(of: &ResultBooks) -> Self {
        let ended = Fate::ALL.into_iter().map(|fate| (fate.number(), of.ended(fate)));
        let ended: Vec<(u8, u64)> = ended.filter(|(_, count)| *count > 0).collect();
        Results { made: of.made, imported: of.imported, replayed: of.replayed, ended: counts(&ended) }
    }
}

impl From<Results> for ResultBooks {
    fn from(of: Results) -> Self {
        let mut books = ResultBooks {
            made: of.made,
            imported: of.imported,
            replayed: of.replayed,
            ..ResultBooks::default()
        };
        for (number, count) in numbered(of.ended) {
            if let Some(fate) = Fate::of_number(number) {
                books.ended[fate as usize] = count;
            }
        }
        books
    }
}

/// Every head has one for each file: fields that mostly say the same as another are left out.
#[derive(Clone, PartialEq, Message)]
pub struct Segment {
    #[prost(uint64, tag = "1")]
    pub file: u64,
    /// Where they are not `file` itself.
    #[prost(uint64, optional, tag = "2")]
    pub first: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub last: Option<u64>,
    #[prost(bool, tag = "4")]
    pub merged: bool,
    #[prost(uint64, tag = "5")]
    pub bytes: u64,
    #[prost(uint64, tag = "6")]
    pub oldest_at_ms: u64,
    /// How much later the newest is.
    #[prost(uint64, tag = "7")]
    pub newest_after_ms: u64,
    /// Of the runs, side by side: lane, first, how far the end is, and how many records are there.
    #[prost(uint64, repeated, tag = "8")]
    pub runs: Vec<u64>,
}

impl From<&working::Segment> for Segment {
    fn from(of: &working::Segment) -> Self {
        let run =
            |run: &working::SegmentRun| [u64::from(run.lane), run.first, run.end - run.first, run.records];
        let other = |file: u64| (file != of.file).then_some(file);
        Segment {
            file: of.file,
            first: other(of.first),
            last: other(of.last),
            merged: of.merged,
            bytes: of.bytes,
            oldest_at_ms: of.oldest_at_ms,
            newest_after_ms: of.newest_at_ms.saturating_sub(of.oldest_at_ms),
            runs: of.runs.iter().flat_map(run).collect(),
        }
    }
}

impl TryFrom<Segment> for working::Segment {
    type Error = Nonsense;

    fn try_from(of: Segment) -> Result<Self, Nonsense> {
        let run = |run: &[u64]| {
            let lane = u16::try_from(run[0]).map_err(|_| Nonsense)?;
            let end = run[1].checked_add(run[2]).ok_or(Nonsense)?;
            Ok(working::SegmentRun { lane, first: run[1], end, records: run[3] })
        };
        Ok(working::Segment {
            file: of.file,
            first: of.first.unwrap_or(of.file),
            last: of.last.unwrap_or(of.file),
            merged: of.merged,
            bytes: of.bytes,
            oldest_at_ms: of.oldest_at_ms,
            newest_at_ms: of.oldest_at_ms.checked_add(of.newest_after_ms).ok_or(Nonsense)?,
            runs: of.runs.chunks_exact(4).map(run).collect::<Result<_, _>>()?,
        })
    }
}
