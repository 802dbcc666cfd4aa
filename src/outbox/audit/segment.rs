//! One segment, read whole: what is in it, and whether its books follow from its records.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use crate::store::{
    Fate, Frame, Lane, Mark, RangeSet, Segment, State,
    disk::Disk,
    walk::{Found, Walk},
};

/// What was read of a segment.
#[derive(Debug)]
pub struct SegmentRead {
    pub bytes: u64,
    pub frames: u64,
    /// Records by lane.
    pub present: BTreeMap<u16, RangeSet>,
    pub damaged: Vec<(u64, u64)>,
    /// Of the log only: the state it begins with, and what its frames make of it.
    pub begin: Option<State>,
    pub end: Option<State>,
    /// The segment of the log before it, as its head knows it.
    pub previous: Option<u64>,
    pub faults: Vec<Fault>,
}

/// Books that don't follow from records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub lane: u16,
    pub byte: u64,
    pub sequences: Option<(u64, u64)>,
    pub what: String,
}

/// Why a lane's books don't fit its records, if they don't.
pub fn misfit(lane: &Lane) -> Option<String> {
    let books = &lane.books;
    let came = books.made + books.imported;
    if came < lane.next {
        return Some(format!(
            "{came} records came by the books (made and imported), {} sequences were given",
            lane.next
        ));
    }
    // Results that could not be stored have no sequence: made, and shed.
    let unstored = came - lane.next;
    let ended: u64 = books.ended.iter().sum();
    let done: u64 = lane.done.ranges().map(|range| range.end - range.start).sum();
    if ended != books.replayed + done + unstored || unstored > books.ended(Fate::Shed) {
        return Some(format!(
            "{ended} records ended by the books, {} were replayed, {unstored} never stored, \
             but {done} sequences have an end",
            books.replayed
        ));
    }
    None
}

/// Reads a segment and verifies every frame.
pub fn read(disk: &dyn Disk, store: [u8; 8], segment: &Segment) -> io::Result<SegmentRead> {
    let mut walk = Walk::new(disk, store, segment)?;
    let mut read = SegmentRead {
        bytes: segment.bytes,
        frames: 0,
        present: BTreeMap::new(),
        damaged: Vec::new(),
        begin: None,
        end: None,
        previous: None,
        faults: Vec::new(),
    };
    let mut told = BTreeSet::new();
    while let Some(found) = walk.step()? {
        match found {
            Found::Damaged { from, to } => read.damaged.push((from, to)),
            Found::Frame { at, frame } => {
                read.frames += 1;
                read.frame(at, &frame, &mut told);
            }
        }
    }
    if read.damaged.is_empty() {
        read.recount(segment);
    }
    Ok(read)
}

impl SegmentRead {
    fn frame(&mut self, at: u64, frame: &Frame, told: &mut BTreeSet<u16>) {
        if let Some(mut state) = frame.checkpoint() {
            self.previous =
                state.segments.iter().rev().find(|segment| !segment.merged).map(|segment| segment.file);
            // Only the books are of interest from here on.
            (state.segments, state.senders, state.imports) = (Vec::new(), Vec::new(), Vec::new());
            for (lane, of) in (0..).zip(&state.lanes) {
                self.faults.extend(misfit(of).map(|what| Fault { lane, byte: at, sequences: None, what }));
            }
            self.begin = Some(state.clone());
            self.end = Some(state);
            return;
        }
        let mut records: Vec<(u16, u64)> = Vec::new();
        for record in frame.records() {
            match records.last_mut() {
                _ if self.is_twice(record.lane, record.sequence) && told.insert(record.lane) => {
                    let sequences = Some((record.sequence, record.sequence));
                    let what = "stands twice in this file".to_owned();
                    self.faults.push(Fault { lane: record.lane, byte: at, sequences, what });
                }
                _ => records.push((record.lane, record.sequence)),
            }
            let set = self.present.entry(record.lane).or_default();
            set.insert(record.sequence..record.sequence + 1);
        }
        let Some(state) = &mut self.end else { return };
        let marks = frame.marks().unwrap_or_default();
        let lost = state.fold(&frame.directory, &marks);
        if !self.damaged.is_empty() {
            // What a damaged frame held is missing here; the next head tells what became of it.
            return;
        }
        for (lane, first, end) in lost {
            if told.insert(lane) {
                let what = "are skipped in the log".to_owned();
                self.faults.push(Fault { lane, byte: at, sequences: Some((first, end - 1)), what });
            }
        }
        let touched = marks.iter().filter_map(|mark| match mark {
            Mark::Results { lane, .. } => Some(*lane),
            _ => None,
        });
        for lane in touched {
            if let Some(what) = state.lane(lane).and_then(misfit)
                && told.insert(lane)
            {
                self.faults.push(Fault { lane, byte: at, sequences: None, what });
            }
        }
    }

    fn is_twice(&self, lane: u16, sequence: u64) -> bool {
        self.present.get(&lane).is_some_and(|set| set.contains(sequence))
    }

    /// Holds what was read against what the state says the segment holds.
    fn recount(&mut self, segment: &Segment) {
        for run in &segment.runs {
            let count = |set: &RangeSet| set.count_in(run.first..run.end);
            let here = self.present.get(&run.lane).map_or(0, count);
            if here != run.records {
                let what = format!("{} records should be in this file, {here} are", run.records);
                let sequences = Some((run.first, run.end.saturating_sub(1)));
                self.faults.push(Fault { lane: run.lane, byte: 0, sequences, what });
            }
        }
    }
}
