//! Whether what stands on disk makes sense. A checksum tells that it is what was written, not that it can be
//! counted on: what claims more than anybody ever stored would overflow the first sum it came into.
//!
//! One bound for every number, and sums of lists that stay below `u64` by what bounds their length: lanes by their
//! 16-bit places, records by the bytes they take, the segments of a state by their own sum.

use super::{
    books::{ResultBooks, UnitBooks},
    directory::Directory,
    ranges::RangeSet,
    state::{Mark, Segment, State},
};

/// No counter, sequence, length or time that was ever written comes near this: in milliseconds 4,400 years, in
/// bytes 140 terabytes of one file.
pub const BEYOND: u64 = 1 << 47;
/// Nor all segments together near this.
const ALL_BEYOND: u64 = 1 << 62;
/// Lanes and pipelines are named by 16 bits.
const MOST_PLACES: usize = 1 << 16;
/// A record takes its lane and its length at least.
const LEAST_RECORD_BYTES: u64 = 2;

fn all_below(numbers: impl IntoIterator<Item = u64>) -> bool {
    numbers.into_iter().all(|number| number < BEYOND)
}

/// As `first..first + count`.
fn is_range(first: u64, count: u64) -> bool {
    first < BEYOND && count < BEYOND && first + count < BEYOND
}

impl State {
    /// Whether its parts fit together, and can be counted on.
    pub fn is_sound(&self) -> bool {
        let numbers = all_below([self.at_ms, self.next_file, self.wall_corrections]);
        let clock = self.wall_offset_ms.is_none_or(|offset| offset.unsigned_abs() < BEYOND);
        let few = self.lanes.len() <= MOST_PLACES && self.pipelines.len() <= MOST_PLACES;
        let lanes = self.lanes.iter().all(|lane| {
            let there = usize::from(lane.pipeline) < self.pipelines.len();
            there
                && lane.next < BEYOND
                && is_below(&lane.done)
                && is_below(&lane.settled)
                && lane.books.is_sound()
        });
        let units = self.pipelines.iter().all(|pipeline| pipeline.units.is_sound());
        let spent = all_below(self.spent.iter().flat_map(|spent| [spent.day, spent.bytes]));
        let senders = all_below(self.senders.iter().map(|sender| sender.repeated));
        let imports = all_below(self.imports.iter().map(|import| import.records));
        numbers && clock && few && lanes && units && spent && senders && imports && self.has_sound_segments()
    }

    /// Whether its segments can be added up.
    pub fn has_sound_segments(&self) -> bool {
        let claims = |segment: &Segment| {
            let of_runs = segment.runs.iter().map(|run| run.records.max(run.end - run.first));
            of_runs.fold(segment.bytes, u64::saturating_add)
        };
        let each = self.segments.iter().all(Segment::is_sound);
        each && self.segments.iter().map(claims).fold(0, u64::saturating_add) < ALL_BEYOND
    }
}

fn is_below(set: &RangeSet) -> bool {
    set.ranges().next_back().is_none_or(|last| last.end < BEYOND)
}

impl Segment {
    fn is_sound(&self) -> bool {
        let numbers = [self.file, self.first, self.last, self.bytes, self.oldest_at_ms, self.newest_at_ms];
        let runs = self.runs.iter().all(|run| run.first <= run.end && all_below([run.end, run.records]));
        runs && all_below(numbers)
    }
}

impl ResultBooks {
    /// Whether they can be counted on.
    fn is_sound(&self) -> bool {
        all_below([self.made, self.imported, self.replayed].into_iter().chain(self.ended))
    }
}

impl UnitBooks {
    /// Whether they can be counted on. Each number that stands for a reason or a policy comes once.
    fn is_sound(&self) -> bool {
        let plain = [self.received, self.scored, self.merged, self.expired, self.damaged, self.dropped];
        let by_number = self.rejected.iter().chain(&self.shed).map(|(_, count)| *count);
        let few = self.rejected.len().max(self.shed.len()) <= 1 << 8;
        few && all_below(plain.into_iter().chain(by_number))
    }
}

impl Directory {
    /// Whether it can be the directory of its body.
    pub fn is_sound(&self) -> bool {
        let records: u64 = self.runs.iter().map(|run| u64::from(run.count)).fold(0, u64::saturating_add);
        let runs = self.runs.iter().all(|run| is_range(run.first, u64::from(run.count)));
        runs && all_below([self.at_ms, self.synced_to])
            && records.saturating_mul(LEAST_RECORD_BYTES) <= u64::from(self.raw_bytes)
    }
}

impl Mark {
    /// Whether it can be applied to a state that is sound.
    pub fn is_sound(&self) -> bool {
        match self {
            Mark::Done { first, count, .. }
            | Mark::Settled { first, count, .. }
            | Mark::Opened { first, count, .. } => is_range(*first, *count),
            Mark::Units { books, .. } => books.is_sound(),
            Mark::Results { books, .. } => books.is_sound(),
            Mark::Wall { offset_ms } => offset_ms.unsigned_abs() < BEYOND,
            Mark::Merged { into, replaced } => into.is_sound() && all_below(replaced.iter().copied()),
            Mark::Spent { day, bytes, .. } => all_below([*day, *bytes]),
            Mark::Sender { repeated, .. } => *repeated < BEYOND,
            Mark::Imported(import) => import.records < BEYOND,
            Mark::Pipeline { .. } | Mark::Lane { .. } | Mark::Epoch(_) | Mark::Remembered { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Fate,
        directory::Run,
        state::{Lane, Pipeline, SegmentRun},
    };

    fn state() -> State {
        State {
            pipelines: vec![Pipeline::default()],
            lanes: vec![Lane { next: 7, ..Lane::default() }],
            ..State::default()
        }
    }

    #[test]
    fn a_state_is_held_to_one_bound() {
        assert!(state().is_sound() && State::default().is_sound());
        let spoilt: [fn(&mut State); 7] = [
            |state| state.at_ms = BEYOND,
            |state| state.wall_offset_ms = Some(i64::MIN),
            |state| state.pipelines.clear(),
            |state| state.lanes[0].next = BEYOND,
            |state| state.lanes[0].books.made = u64::MAX,
            |state| state.lanes[0].done = RangeSet::of_ranges(std::iter::once(1..u64::MAX)),
            |state| state.pipelines[0].units.rejected = vec![(1, 1); 300],
        ];
        for (at, spoil) in spoilt.into_iter().enumerate() {
            let mut state = state();
            spoil(&mut state);
            assert!(!state.is_sound(), "{at}");
        }
    }

    #[test]
    fn segments_are_held_to_their_sum() {
        let run = SegmentRun { lane: 0, first: 0, end: BEYOND - 1, records: 1 };
        let one = Segment { runs: vec![run; 1 << 10], ..Segment::new(1, 1) };
        let of = |segments| State { segments: vec![one.clone(); segments], ..state() };
        assert!(of(1 << 4).is_sound());
        assert!(!of(1 << 6).is_sound(), "each of them is sound, all of them are not");
    }

    #[test]
    fn a_directory_claims_no_more_records_than_its_body_can_hold() {
        let run = Run { lane: 0, first: 5, count: 3 };
        let of = |raw_bytes, run| Directory { raw_bytes, runs: vec![run], ..Directory::default() };
        assert!(of(6, run).is_sound());
        assert!(!of(5, run).is_sound());
        assert!(!of(6, Run { first: u64::MAX - 1, ..run }).is_sound());
    }

    #[test]
    fn marks_are_held_to_it() {
        let done = |first, count| Mark::Done { lane: 0, first, count, fate: Fate::Shed };
        assert!(done(1, 2).is_sound());
        assert!(!done(u64::MAX, 2).is_sound() && !done(1, BEYOND).is_sound());
        let books = UnitBooks { scored: BEYOND, ..UnitBooks::default() };
        assert!(!Mark::Units { pipeline: 0, books }.is_sound());
    }
}
