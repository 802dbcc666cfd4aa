//! From what was read to the balance, or the exact gaps.

use std::{collections::BTreeMap, ops::Range};

use edgeward_core::domain::Bucket;

use super::{
    Audit, DamagedBytes, Gap, LaneBalance, SenderNumbers, UnitBalance,
    segment::{SegmentRead, misfit},
};
use crate::{
    store::{Fate, INPUT_CLASS, RangeSet, State},
    tools::Snapshot,
};

/// Runs of numbers that a sender left out, of which so many are named.
const MOST_RUNS: usize = 1000;

/// Holds the newest state against the files.
pub fn balance(now: &Snapshot, read: &BTreeMap<u64, SegmentRead>) -> Audit {
    let mut gaps = Vec::new();
    let mut damaged = Vec::new();
    for segment in &now.state.segments {
        let Some(here) = read.get(&segment.file) else { continue };
        let file = segment.name();
        damaged.extend(here.damaged.iter().map(|&(from, to)| DamagedBytes { file: file.clone(), from, to }));
        for fault in &here.faults {
            gaps.extend(gap(&now.state, fault.lane, fault.sequences, &fault.what).map(|gap| Gap {
                file: Some(file.clone()),
                byte: Some(fault.byte),
                ..gap
            }));
        }
    }
    follow(now, read, &mut gaps);
    let present = present(now, read);
    let lanes = lanes(now, &present, read, &mut gaps);
    let units = units(now, &mut gaps);
    Audit {
        dir: now.dir.display().to_string(),
        balanced: gaps.is_empty(),
        segments: read.len(),
        frames: read.values().map(|segment| segment.frames).sum(),
        bytes: read.values().map(|segment| segment.bytes).sum(),
        lanes,
        units,
        gaps,
        damaged,
        senders: senders(&now.state),
    }
}

fn gap(state: &State, lane: u16, sequences: Option<(u64, u64)>, what: &str) -> Option<Gap> {
    let of = state.lane(lane)?;
    let pipeline = state.pipelines.get(usize::from(of.pipeline))?.name.clone();
    let (class, what) = (Some(of.class.clone()), what.to_owned());
    Some(Gap { pipeline, class, sequences, file: None, byte: None, what })
}

/// Every record that was read, by lane.
fn present(now: &Snapshot, read: &BTreeMap<u64, SegmentRead>) -> Vec<RangeSet> {
    let mut present = vec![RangeSet::default(); now.state.lanes.len()];
    for segment in read.values() {
        for (lane, set) in &segment.present {
            let Some(all) = present.get_mut(usize::from(*lane)) else { continue };
            for range in set.ranges() {
                all.insert(range);
            }
        }
    }
    present
}

fn lanes(
    now: &Snapshot,
    present: &[RangeSet],
    read: &BTreeMap<u64, SegmentRead>,
    gaps: &mut Vec<Gap>,
) -> Vec<LaneBalance> {
    let mut lanes = Vec::new();
    for (at, lane, pipeline, class) in now.lanes() {
        let mut on_disk = 0;
        for open in lane.done.missing(0..lane.next) {
            on_disk += open.end - open.start;
            for missing in present[usize::from(at)].missing(open) {
                on_disk -= missing.end - missing.start;
                gaps.extend(lost(now, read, at, missing));
            }
        }
        if let Some(range) = lane.done.ranges().next_back().filter(|range| range.end > lane.next) {
            let sequences = Some((range.start.max(lane.next), range.end - 1));
            gaps.extend(gap(&now.state, at, sequences, "have an end and were never written"));
        }
        if let Some(what) = misfit(lane) {
            gaps.extend(gap(&now.state, at, None, &what));
        }
        let books = &lane.books;
        lanes.push(LaneBalance {
            pipeline,
            class,
            made: books.made,
            imported: books.imported,
            replayed: books.replayed,
            ended: Fate::ALL.into_iter().map(|fate| (fate.name(), books.ended(fate))).collect(),
            pending: books.pending(),
            on_disk,
        });
    }
    lanes
}

/// Records without an end that no file has, and where they should be.
fn lost(now: &Snapshot, read: &BTreeMap<u64, SegmentRead>, lane: u16, range: Range<u64>) -> Option<Gap> {
    let holder = now.state.segments.iter().find(|segment| {
        segment.runs.iter().any(|run| run.lane == lane && run.first < range.end && range.start < run.end)
    });
    // Of a frame that was lost, the log knows only what came behind it.
    let damage = now.recovery.damage.iter().find(|damage| {
        damage.lane == lane && damage.range.start < range.end && range.start < damage.range.end
    });
    let file = holder.map(|segment| segment.name()).or_else(|| damage.map(|damage| damage.file.clone()));
    let segment = now.state.segments.iter().find(|segment| Some(segment.name()) == file);
    let here = segment.and_then(|segment| read.get(&segment.file));
    let byte = here.and_then(|segment| segment.damaged.first()).map(|(from, _)| *from);
    let what = match (&file, here) {
        (Some(_), None) => "have no end, and their file is not there",
        (Some(_), Some(_)) => "have no end and can't be read",
        (None, _) => "have no end and are in no file",
    };
    gap(&now.state, lane, Some((range.start, range.end - 1)), what).map(|gap| Gap { file, byte, ..gap })
}

/// Each segment's first state must follow from the end of the one before.
fn follow(now: &Snapshot, read: &BTreeMap<u64, SegmentRead>, gaps: &mut Vec<Gap>) {
    for segment in now.state.segments.iter().filter(|segment| !segment.merged) {
        let Some(here) = read.get(&segment.file) else { continue };
        let before = here.previous.and_then(|file| read.get(&file));
        // Where the one before is gone or damaged, its records and marks can't be followed.
        let Some(before) = before.filter(|before| before.damaged.is_empty()) else { continue };
        let (Some(end), Some(begin)) = (&before.end, &here.begin) else { continue };
        let mut tell = |lane: u16, sequences, what: &str| {
            let place = |gap| Gap { file: Some(segment.name()), byte: Some(0), ..gap };
            gaps.extend(gap(&now.state, lane, sequences, what).map(place));
        };
        for (lane, was) in (0..).zip(&end.lanes) {
            let Some(is) = begin.lane(lane) else {
                tell(lane, None, "is not known any more where this file begins");
                continue;
            };
            if is.next < was.next {
                tell(lane, Some((is.next, was.next - 1)), "are in the log before, and forgotten here");
            } else if is.live_in(was.next, is.next) > 0 {
                tell(lane, Some((was.next, is.next - 1)), "were counted here and never written");
            }
            let counters = |lane: &crate::store::Lane| {
                let books = &lane.books;
                let mut all = vec![books.made, books.imported, books.replayed];
                all.extend(books.ended);
                all
            };
            if counters(was).iter().zip(counters(is)).any(|(was, is)| is < *was) {
                tell(lane, None, "has books that went back where this file begins");
            }
        }
        for (was, is) in end.pipelines.iter().zip(&begin.pipelines) {
            let (before, after) = (was.units.books(), is.units.books());
            let ended = Bucket::ALL.into_iter().any(|bucket| after.ended(bucket) < before.ended(bucket));
            if ended || after.received < before.received {
                gaps.push(Gap {
                    pipeline: was.name.clone(),
                    class: None,
                    sequences: None,
                    file: Some(segment.name()),
                    byte: Some(0),
                    what: "the books of units went back where this file begins".into(),
                });
            }
        }
    }
}

fn units(now: &Snapshot, gaps: &mut Vec<Gap>) -> Vec<UnitBalance> {
    let state = &now.state;
    let mut units = Vec::new();
    for pipeline in &state.pipelines {
        let lane = state.lane_of(&pipeline.name, INPUT_CLASS).and_then(|lane| state.lane(lane));
        let journaled = lane.map_or(0, |lane| lane.unsettled());
        let books = pipeline.units.books();
        let (received, ended) = (books.received, books.ended_in_all());
        if ended + journaled != received {
            gaps.push(Gap {
                pipeline: pipeline.name.clone(),
                class: None,
                sequences: None,
                file: None,
                byte: None,
                what: format!("{received} units were received; {ended} ended and {journaled} are journaled"),
            });
        }
        units.push(UnitBalance { pipeline: pipeline.name.clone(), books, journaled });
    }
    units
}

fn senders(state: &State) -> Vec<SenderNumbers> {
    let mut senders = Vec::new();
    for sender in &state.senders {
        let ends = (sender.numbers.ranges().next(), sender.numbers.ranges().next_back());
        let (Some(first), Some(last)) = ends else { continue };
        let missing = sender.numbers.missing(first.start..last.end);
        senders.push(SenderNumbers {
            pipeline: state
                .pipelines
                .get(usize::from(sender.pipeline))
                .map_or_else(String::new, |pipeline| pipeline.name.clone()),
            source: sender.source.clone(),
            first: first.start,
            last: last.end - 1,
            missing: missing.iter().map(|range| range.end - range.start).sum(),
            missing_runs: missing.iter().take(MOST_RUNS).map(|range| (range.start, range.end - 1)).collect(),
            repeated: sender.repeated,
        });
    }
    senders
}
